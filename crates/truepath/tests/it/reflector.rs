//! `reflect`, `check` and `judge` together, over loopback.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::program::{Ran, Scratch, command, ran, truepath};

/// A reflector that is told to stop when the test is done with it.
struct Reflector {
    process: Child,
    port: String,
    key: String,
}

impl Reflector {
    fn start() -> Self {
        let mut process =
            command().args(["reflect", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (mut port, mut key) = (None, None);
        while port.is_none() || key.is_none() {
            let line = lines.next().expect("it says where it listens and what it signs with").unwrap();
            if let Some(address) = line.strip_prefix("listening on ") {
                port = address.rsplit_once(':').map(|(_, port)| port.to_owned());
            }
            key = key.or(line.strip_prefix("signing key (Ed25519) ").map(str::to_owned));
        }
        Self { process, port: port.unwrap(), key: key.unwrap() }
    }

    fn check(&self, service: &str, more: &[&str]) -> Ran {
        let url = format!("https://localhost:{}", self.port);
        let resolve = format!("localhost:{}:127.0.0.1", self.port);
        let mut arguments = vec!["check", "--service", service, "--resolve", &resolve];
        arguments.extend(["--reflector", &url, "--reflector-key", &self.key]);
        arguments.extend(more);
        truepath(&arguments)
    }
}

impl Drop for Reflector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A host that only its own certificate vouches for, as a stranger's would look.
fn service(scratch: &Scratch, port: &str) -> String {
    scratch.file(
        "service.toml",
        format!(
            "id = \"test\"\nname = \"Test service\"\nversion = \"1\"\n[features.chat]\nname = \"Chat\"\nneeds = [\"websocket\"]\n\
             [[host]]\nname = \"localhost\"\nport = {port}\nworkload = \"Chat\"\nfeatures = [\"chat\"]\nhttp2 = true\nhttp3 = true\n\
             websocket = {{ path = \"/v1/websocket\", answer = \"echo\", http2 = true }}\n"
        ),
    )
}

#[test]
fn the_path_to_a_reflector_is_proven_and_a_stranger_is_not_trusted() {
    let scratch = Scratch::new("reflector");
    let reflector = Reflector::start();
    let service = service(&scratch, &reflector.port);

    let checked = reflector.check(&service, &["--json"]);
    assert_eq!(checked.err, "");
    let report: Value = serde_json::from_str(&checked.out).unwrap();
    let hosts = report["judgement"]["hosts"].as_array().unwrap();
    let of = |is_reflector: bool| hosts.iter().find(|host| host["is_reflector"] == is_reflector).unwrap();
    assert_eq!(of(true)["state"], "intact", "{}", of(true));
    // Self-signed, so nobody public vouches for it: for a public service that is what an interceptor looks like.
    assert_eq!(of(false)["state"], "intercepted");
    assert_eq!(checked.code, 10);

    let record = scratch.file("record.json", &checked.out);
    let judged = truepath(&["judge", &record, "--json"]);
    let again: Value = serde_json::from_str(&judged.out).unwrap();
    assert_eq!(again, report, "the record alone is enough to judge");
    assert_eq!(judged.code, 10);

    let mut from_standard_input = command();
    from_standard_input.args(["judge", "-", "--quiet"]).stdin(Stdio::piped());
    let mut process = from_standard_input.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(checked.out.as_bytes()).unwrap();
    let quiet = ran(process.wait_with_output().unwrap());
    assert_eq!((quiet.code, quiet.out.as_str(), quiet.err.as_str()), (10, "", ""));

    let key =
        again["record"]["hosts"][0]["chains"][0]["facts"]["certificates"][0]["seen"]["spki_sha256"].as_str().unwrap();
    let config =
        scratch.file("config.toml", format!("[[device]]\nspki_sha256 = \"{key}\"\nname = \"Proxy in Lisbon\"\n"));
    let named = truepath(&["judge", &record, "--config", &config]);
    assert!(named.out.contains("Proxy in Lisbon"), "{}", named.out);
}

#[test]
fn another_key_than_the_pinned_one_is_not_the_reflector() {
    let scratch = Scratch::new("other-key");
    let reflector = Reflector::start();
    let service = service(&scratch, &reflector.port);
    let url = format!("https://localhost:{}", reflector.port);
    let other = "00".repeat(32);
    let arguments = [
        "check",
        "--service",
        &service,
        "--only",
        "exporter",
        "--reflector",
        &url,
        "--reflector-key",
        &other,
        "--json",
    ];
    let report: Value = serde_json::from_str(&truepath(&arguments).out).unwrap();
    let hosts = report["judgement"]["hosts"].as_array().unwrap();
    let verdict = hosts.iter().find(|host| host["is_reflector"] == true).unwrap();
    assert_ne!(verdict["state"], "intact");
    assert!(verdict["evidence"].to_string().contains("answer-not-signed"), "{verdict}");
}
