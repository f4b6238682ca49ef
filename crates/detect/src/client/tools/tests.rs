use super::*;
use crate::client::testing::hello;
use crate::client::user_agent::{Claim, read};

fn compare(user_agent: &str, file: &str) -> (Fit, Option<String>, bool) {
    let tools = Tools::parse(include_str!("../../../data/clients.toml")).expect("the table");
    let browsers = Browsers::parse(include_str!("../../../data/browsers.toml")).expect("the table");
    let Claim::Tool { name, platform, engine } = read(Some(user_agent)) else { panic!("{user_agent} is no tool") };
    let found = tools.compare((name, platform, engine), &hello(file), None, &browsers);
    (found.fit, found.library.map(str::to_owned), found.shared)
}

#[test]
fn honest_programs_are_built_on_what_the_table_says() {
    for (user_agent, file, library, shared) in [
        ("curl/7.88.1", "curl-7.88", "OpenSSL", true),
        ("curl/7.88.1", "curl-7.88-tls12", "OpenSSL", true),
        ("Wget/1.21.3", "wget-1.21", "GnuTLS", false),
        ("aria2/1.36.0", "aria2-1.36", "GnuTLS", false),
        ("Lynx/2.9.0dev.12 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.7.8", "lynx-2.9", "GnuTLS", false),
        ("Go-http-client/2.0", "go1.19-nethttp", "Go's crypto/tls", true),
        ("Java-http-client/17.0.15", "java17-httpclient", "Java's JSSE", true),
        ("node", "node26-https", "OpenSSL", true),
        ("undici", "node26-undici-h2", "OpenSSL", true),
        ("python-requests/2.34.2", "py-requests", "OpenSSL", true),
        ("Python-urllib/3.13", "py-urllib-3.13", "OpenSSL", true),
        ("Bun/1.4.5", "bun-1.4", "BoringSSL", true),
    ] {
        assert_eq!(compare(user_agent, file), (Fit::Fits, Some(library.to_owned()), shared), "{user_agent} {file}");
    }
}

#[test]
fn a_hello_of_another_library_is_not_its_own() {
    let office = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)";
    for (user_agent, file) in [
        ("Go-http-client/2.0", "squid"),
        ("python-requests/2.34.2", "caddy-2"),
        ("Bun/1.4.5", "sslsplit-1"),
        (office, "squid"),
        (office, "caddy-2"),
        (office, "privoxy"),
        (office, "stunnel-1"),
    ] {
        let (fit, library, _) = compare(user_agent, file);
        assert!(matches!(fit, Fit::Impossible(_)), "{user_agent} {file}: {fit:?}");
        assert_eq!(library, None);
    }
    // There are builds on other libraries that nobody has listed.
    assert!(matches!(compare("Java-http-client/17.0.15", "squid").0, Fit::Unlikely(_)));
    assert!(matches!(compare("Outlook-iOS/723.4027091", "squid").0, Fit::Unlikely(_)));
}

#[test]
fn applications_on_an_engine_are_held_against_it() {
    let teams = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 \
                 Safari/537.36 Edg/150.0.0.0 Teams/24004.1307.2669.7070/49";
    assert_eq!(compare(teams, "curl-cffi-chrome150").0, Fit::Fits);
    assert!(matches!(compare(teams, "squid").0, Fit::Unlikely(_)));
    let mail = "Mail/3774 CFNetwork/1490.0.4 Darwin/23.2.0";
    assert_eq!(compare(mail, "curl-cffi-safari260"), (Fit::Fits, Some("Apple's TLS".to_owned()), false));
}

#[test]
fn a_program_that_nobody_knows_is_passed_over() {
    assert!(matches!(compare("frobnicate/1.0", "squid").0, Fit::Silent(_)));
    assert!(matches!(compare("gitlab-runner/17.0", "squid").0, Fit::Silent(_)));
}

#[test]
fn a_table_with_a_mistake_is_refused() {
    let table = "[[library]]\nname = \"L\"\ninterceptors = true\nsource = \"s\"\ntests = [{ field = \"suites\", kind = \"among\", \
                 value = [1] }]\n[[client]]\nnames = [\"c\"]\nlibraries = [\"L\"]\nsource = \"s\"\n";
    assert!(Tools::parse(table).is_ok());
    for (from, to) in [
        ("[\"L\"]", "[\"M\"]"),
        ("[\"L\"]", "[]"),
        ("[\"c\"]", "[\"\"]"),
        ("among", "amid"),
        ("source = \"s\"", "source = \"\""),
        ("interceptors = true", "engine = \"gecko\"\ninterceptors = true"),
        ("names = [\"c\"]", "names = [\"c\"]\nplatforms = [\"amiga\"]"),
    ] {
        assert!(Tools::parse(&table.replacen(from, to, 1)).is_err(), "{to}");
    }
}
