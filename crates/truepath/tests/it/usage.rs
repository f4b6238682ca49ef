//! Help, and every mistake that a caller can make: one line that says what and where, exit code 2.

use crate::program::{Scratch, truepath};

fn mistake(arguments: &[&str]) -> String {
    let ran = truepath(arguments);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}: {}", ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{arguments:?}: {}", ran.err);
    ran.err.trim_end().to_owned()
}

#[test]
fn mistakes_are_one_line() {
    let scratch = Scratch::new("mistakes");
    let no_pem = scratch.file("roots.pem", "no certificate\n");
    let no_list = scratch.file("list.json", "[");
    let no_service =
        scratch.file("service.toml", "id = \"x\"\nname = \"X\"\nversion = \"1\"\n[[host]]\nnane = \"a.example\"\n");
    let no_record = scratch.file("record.json", "{\"v\": 1}");
    let newer = scratch.file("newer.json", "{\"v\": 99}");
    let config = scratch.file("config.toml", "[[device]]\nspki_sha256 = \"12\"\nname = \"x\"\n");
    let mistakes: Vec<String> = [
        &["check", "--nonsense"][..],
        &["check", "--only", "dns,tsl"],
        &["check", "--only", "dns", "--skip", "dns"],
        &["check", "--place", "91,0"],
        &["check", "--interface", "no-such-interface"],
        &["check", "--compare", "direct"],
        &["check", "--compare", "proxy"],
        &["check", "--compare", "interface:lo"],
        &["check", "--compare", "interface:127.0.0.1"],
        &["check", "--pac", "proxy.pac"],
        &["check", "--pac", "file:///no/such/proxy.pac"],
        &["check", "--content"],
        &["check", "--every", "5m", "--traffic", "0"],
        &["check", "--html", "/no/such/folder/x.html"],
        &["geo", "show", "nowhere"],
        &["geo", "show", "192.0.2.1", "--geo", &no_list],
        &["reflect", "--dns-zone", "who.example"],
        &["check", "--timeout", "soon"],
        &["check", "--timeout", "0s"],
        &["check", "--via", "socks4://ann:secret@127.0.0.1:1080"],
        &["check", "--resolve", "a.example:443"],
        &["check", "--service", "no-such-service"],
        &["check", "--service", "/no/such/service.toml"],
        &["check", "--service", &no_service],
        &["check", "--tenant", "contoso.onmicrosoft.com"],
        &["check", "--catalogue", "atlantis"],
        &["check", "--catalogue", &no_list],
        &["check", "--trust-roots", "/no/such/roots.pem"],
        &["check", "--public-roots", &no_pem],
        &["check", "--ct-logs", &no_list],
        &["check", "--config", &config],
        &["check", "--reflector", "https://r.example"],
        &["check", "--reflector", "r.example", "--reflector-key", "00"],
        &["check", "--reflector", "https://r.example", "--reflector-key", "00"],
        &["check", "--budget", "10s"],
        &["judge", "/no/such/record.json"],
        &["judge", &no_record],
        &["judge", &newer],
        &["reflect", "--certificate", "/no/such/chain.pem", "--private-key", "/no/such/key.pem"],
        &["reflect", "--listen", "192.0.2.1:1"],
        &["inspect"],
        &["inspect", "/no/such/file.pcap"],
    ]
    .into_iter()
    .map(|arguments| {
        let said = mistake(arguments);
        let folder = scratch.file("x", "");
        format!("{}\n    {said}", arguments.join(" ")).replace(folder.trim_end_matches('x'), "FOLDER/")
    })
    .collect();
    insta::assert_snapshot!(mistakes.join("\n"));
}

#[test]
fn help_and_version() {
    let version = truepath(&["--version"]);
    assert_eq!((version.code, version.out.trim_end()), (0, concat!("truepath ", env!("CARGO_PKG_VERSION"))));
    for arguments in [
        &["--help"][..],
        &["check", "--help"],
        &["judge", "--help"],
        &["reflect", "--help"],
        &["geo", "--help"],
        &["inspect", "--help"],
    ] {
        let ran = truepath(arguments);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        insta::assert_snapshot!(arguments.join(" ").replace("--", ""), ran.out);
    }
    assert_eq!(truepath(&[]).code, 2, "without a command there is nothing to do, and help says what there is");
}
