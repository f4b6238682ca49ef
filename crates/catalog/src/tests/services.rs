//! Service files: what is read, and the one line that is said where it cannot be.

use model::{Milliseconds, Trust, WebSocketAnswer};

use crate::{Profile, Query, builtin};

const MINIMAL: &str = "id = \"erp\"\nname = \"Contoso ERP\"\nversion = \"1\"\n[[host]]\nname = \"erp.contoso.com\"\n";

fn check_error(text: &str, message: &str) {
    assert_eq!(Profile::parse(text, None).unwrap_err().to_string(), message, "{text}");
}

/// One more line in the host of the minimal file.
fn check_host_error(line: &str, message: &str) {
    check_error(&format!("{MINIMAL}{line}\n"), message);
}

#[test]
fn a_host_name_is_enough() {
    let profile = Profile::parse(MINIMAL, None).unwrap();
    let [target] = profile.targets.as_slice() else { panic!("one target") };
    assert_eq!((target.host.as_str(), target.port, target.path.as_str()), ("erp.contoso.com", 443, "/"));
    assert_eq!(target.workload, "Contoso ERP");
    let promises = &target.promises;
    assert_eq!((promises.trust, promises.certificate_transparency), (Trust::Public, true));
    assert!(
        ![promises.http2, promises.http3, promises.alt_svc, promises.tls13, promises.hybrid_key_exchange]
            .contains(&true)
    );
    assert!(promises.websocket.is_none() && promises.stream.is_none() && promises.download.is_none());
    assert_eq!(profile.instance, None);
}

#[test]
fn a_private_authority_logs_nothing() {
    let promises = |more: &str| {
        let profile = Profile::parse(&format!("{MINIMAL}trust = \"given\"\n{more}"), None).unwrap();
        profile.targets[0].promises.clone()
    };
    assert_eq!((promises("").trust, promises("").certificate_transparency), (Trust::Given, false));
    assert!(promises("certificate_transparency = true\n").certificate_transparency);
}

#[test]
fn the_documented_example_is_read() {
    let page = include_str!("../../../../docs/service-file.md");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let profile = Profile::parse(example, None).unwrap();
    assert_eq!(profile.targets.len(), 2);
    let [orders, files] = profile.targets.as_slice() else { panic!("two targets") };
    assert_eq!(orders.host.as_str(), "contoso.erp.example");
    assert_eq!(orders.promises.websocket.as_ref().unwrap().answer, WebSocketAnswer::Refuse(vec![401]));
    assert_eq!(orders.promises.stream.as_ref().unwrap().gap_ms, Milliseconds(500.0));
    assert_eq!(orders.features, ["orders"]);
    assert_eq!(orders.promises.media_ports, [3478]);
    assert_eq!(orders.promises.media_host.as_ref().unwrap().as_str(), "relay.erp.example");
    assert_eq!((files.port, files.promises.trust), (8443, Trust::Given));
    assert_eq!(Profile::parse(example, Some("Fabrikam")).unwrap().targets[0].host.as_str(), "fabrikam.erp.example");
    // The page explains every key.
    for key in super::super::service::documented_keys() {
        assert!(page.contains(&format!("`{key}`")), "docs/service-file.md does not explain `{key}`");
    }
}

#[test]
fn a_service_file_error_is_one_line_with_its_place() {
    check_error("", "line 1: id: missing, expected a short name without blanks");
    check_error("id = \"a b\"", "line 1: id: found \"a b\", expected a short name without blanks");
    check_error(
        "id = \"erp\"\n\nname =",
        "line 3: file: not TOML: string values must be quoted, expected literal string",
    );
    check_error(
        &MINIMAL.replace("version", "vresion"),
        "line 1: version: missing, expected the version of this file, such as a date",
    );
    check_error(
        &MINIMAL.replace("[[host]]", "hots = 1\n[[host]]"),
        "line 4: hots: unknown key, expected one of id, name, version, instance, catalogue, tenant, features, host",
    );
    check_error("id = \"a\"\nname = \"a\"\nversion = \"1\"\n", "line 1: host: missing, expected one [[host]] at least");
    check_error(
        "id = \"a\"\nname = \"a\"\nversion = \"1\"\nhost = \"a.b\"\n",
        "line 4: host: found \"a.b\", expected [[host]] tables, at most 256",
    );
    check_error(
        "id = \"a\"\nname = \"a\"\nversion = \"1\"\nhost = []\n",
        "line 4: host: found an array of 0, expected one [[host]] at least",
    );
    check_host_error("port = 0", "line 6: host.port: found 0, expected a whole number from 1 to 65535");
    check_host_error("port = \"443\"", "line 6: host.port: found \"443\", expected a whole number from 1 to 65535");
    check_host_error(
        "path = \"live\"",
        "line 6: host.path: found \"live\", expected a path that begins with /, without blanks and fragment",
    );
    check_host_error(
        "media_ports = [3478, 0]",
        "line 6: host.media_ports: found 0, expected a whole number from 1 to 65535",
    );
    check_host_error("media_ports = [3478, 3478]", "line 6: host.media_ports: found 3478, expected each port once");
    check_host_error(
        "media_ports = 3478",
        "line 6: host.media_ports: found 3478, expected an array of port numbers, at most 16",
    );
    check_host_error("media_host = \"*\"", "line 6: host.media_host: found \"*\", expected a host name");
    check_host_error("http3 = \"yes\"", "line 6: host.http3: found \"yes\", expected true or false");
    check_host_error("trust = \"private\"", "line 6: host.trust: found \"private\", expected public or given");
    check_host_error(
        "issuers = \"@contoso\"",
        "line 6: host.issuers: found \"@contoso\", expected an array of common names, or the name of a list: @microsoft",
    );
    check_host_error(
        "features = [\"chat\"]",
        "line 6: host.features: found \"chat\", expected a key of [features]: it has none",
    );
    check_host_error(
        "websocket = { path = \"/live\", answer = { refuse = [99] } }",
        "line 6: host.websocket.answer.refuse: found 99, expected a whole number from 200 to 599",
    );
    check_host_error(
        "websocket = { path = \"/live\" }",
        "line 6: host.websocket.answer: missing, expected \"echo\", \"open\" or { refuse = [statuses] }",
    );
    check_host_error(
        "stream = { path = \"/events\", events = 6, gap = 1 }",
        "line 6: host.stream.gap_ms: missing, expected the milliseconds between two events",
    );
    check_host_error(
        "addresses = [\"10.0.0.0/8\", \"ten\"]",
        "line 6: host.addresses: found \"ten\", expected an address range such as 192.0.2.0/24 or 2001:db8::/32",
    );
    check_host_error(
        "[[host]]\nname = \"ERP.contoso.com\"",
        "line 7: host.name: found \"ERP.contoso.com\", expected each host and port once",
    );
    check_host_error("[[host]]\nport = 443", "line 6: host.name: missing, expected a host name");
    check_error(
        &MINIMAL.replace("erp.contoso", "{tenant}.contoso"),
        "line 5: host.name: found \"{tenant}.contoso.com\", expected a tenant, from the command line or as the file's default in the key `tenant`",
    );
}

#[test]
fn a_file_has_limits() {
    let hosts: String = (0..257).map(|n| format!("[[host]]\nname = \"h{n}.contoso.com\"\n")).collect();
    check_error(
        &MINIMAL.replace("[[host]]\nname = \"erp.contoso.com\"\n", &hosts),
        "line 4: host: found an array of 257, expected [[host]] tables, at most 256",
    );
    check_error(&"#".repeat(2 << 20), "line 1: file: found 2097152 octets, expected 1048576 at most");
    check_host_error(
        &format!("workload = \"{}\"", "x".repeat(2000)),
        &format!(
            "line 6: host.workload: found \"{}…\", expected a line of text of at most 1024 octets",
            "x".repeat(80)
        ),
    );
}

#[test]
fn a_tenant_is_one_label() {
    let text = MINIMAL.replace("erp.contoso", "{tenant}.contoso");
    assert_eq!(Profile::parse(&text, Some("Fabrikam")).unwrap().targets[0].host.as_str(), "fabrikam.contoso.com");
    for tenant in ["", "contoso.com", "a b", "a/b", "-a", "evil.example#"] {
        let error = Profile::parse(&text, Some(tenant)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("tenant `{tenant}`: expected a tenant's name")), "{error}");
    }
}

#[test]
fn microsoft_365_is_covered_by_the_worldwide_list() {
    let list = builtin::catalogue("worldwide", None).unwrap();
    let mut profile = Profile::builtin("microsoft-365", None).unwrap();
    for target in &profile.targets {
        let found = list.host(&target.host, Query::tcp(target.port));
        assert!(found.is_some(), "{} is in no endpoint set", target.host);
        // HTTP/3 is promised only where its port is published.
        let udp = list.host(&target.host, Query::udp(target.port));
        assert!(!target.promises.http3 || udp.is_some(), "{} publishes no UDP port", target.host);
    }
    profile.bind(&list);
    let reference = profile.reference();
    assert_eq!(reference.catalogue.as_deref(), Some("reconstructed-2026-08-11"));
    let target = |host: &str| profile.targets.iter().find(|target| target.host.as_str() == host).unwrap();
    assert!(target("outlook.office.com").promises.addresses.contains(&"52.96.0.0/14".parse().unwrap()));
    assert!(target("m365.cloud.microsoft").promises.addresses.is_empty());
    assert!(target("microsoft.sharepoint.com").promises.addresses.contains(&"13.107.136.0/22".parse().unwrap()));
    assert_eq!(target("outlook.office.com").promises.issuers.len(), 32);
}

#[test]
fn microsoft_365_has_every_workload_and_uses_every_feature() {
    let profile = Profile::builtin("microsoft-365", Some("contoso")).unwrap();
    assert!((20..=40).contains(&profile.targets.len()));
    for workload in ["Exchange", "SharePoint", "Teams", "Copilot", "Sign-in", "Unified domains"] {
        assert!(profile.targets.iter().any(|target| target.workload == workload), "{workload}");
    }
    for domain in [".cloud.microsoft", ".static.microsoft", ".usercontent.microsoft"] {
        assert!(profile.targets.iter().any(|target| target.host.as_str().ends_with(domain)), "{domain}");
    }
    for key in profile.features.keys() {
        assert!(profile.targets.iter().any(|target| target.features.contains(key)), "{key} is used by no host");
    }
    assert!(profile.targets.iter().all(|target| !target.features.is_empty()));
    assert!(profile.targets.iter().any(|target| target.host.as_str() == "contoso-my.sharepoint.com"));
    assert!(builtin::LISTS.iter().any(|list| Some(list.instance) == profile.instance.as_deref()));
}

#[test]
fn a_stated_address_stays_when_a_profile_is_bound() {
    let text = MINIMAL.replace("erp.contoso.com\"", "outlook.office.com\"\naddresses = [\"192.0.2.0/24\"]");
    let mut profile = Profile::parse(&text, None).unwrap();
    profile.bind(&builtin::catalogue("worldwide", None).unwrap());
    assert_eq!(profile.targets[0].promises.addresses, ["192.0.2.0/24".parse().unwrap()]);
}

#[test]
fn unknown_services_are_named() {
    assert_eq!(
        Profile::builtin("office", None).unwrap_err().to_string(),
        "no service is called `office`; built in is microsoft-365"
    );
}
