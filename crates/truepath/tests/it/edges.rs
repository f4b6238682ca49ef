//! The directives of docs/classify.md, as they stand there, in the real nginx and HAProxy; what they log is classified.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::program::{Scratch, truepath};

const PAGE: &str = include_str!("../../../../docs/classify.md");

/// The block that follows this mark in the page.
fn directive(mark: &str) -> &'static str {
    let (_, after) = PAGE.split_once(&format!("<!-- {mark} -->\n")).expect("the page has the mark");
    let (_, block) = after.split_once('\n').expect("a fence");
    block.split_once("```").expect("its end").0
}

#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn wait_for(port: u16) {
    let start = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(start.elapsed() < Duration::from_secs(10), "nobody listens");
        std::thread::sleep(Duration::from_millis(20));
    }
}

struct Edge {
    scratch: Scratch,
    certificate: rustls::pki_types::CertificateDer<'static>,
    /// Key and certificate in one file.
    pem: String,
    port: u16,
}

impl Edge {
    fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(["edge.example".to_owned()]).unwrap();
        let scratch = Scratch::new(name);
        let pem = scratch.file("edge.pem", format!("{}{}", made.signing_key.serialize_pem(), made.cert.pem()));
        Self { scratch, certificate: made.cert.der().clone(), pem, port: free_port() }
    }

    /// One request over TLS, with these headers.
    fn ask(&self, headers: &str) {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("edge.example").unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
        write!(stream, "GET / HTTP/1.1\r\nHost: edge.example\r\nConnection: close\r\n{headers}\r\n").unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }

    /// The log, once it has this many lines.
    fn log(&self, name: &str, lines: usize) -> String {
        let path = self.scratch.path(name);
        let start = Instant::now();
        loop {
            let log = std::fs::read_to_string(&path).unwrap_or_default();
            if log.lines().filter(|line| line.contains('{')).count() >= lines {
                return path;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "the log has {log:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The requests: rustls under a browser's name, and with its own; and text that would break a line that is not escaped.
fn requests(edge: &Edge) -> usize {
    let chrome = "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                  Chrome/150.0.0.0 Safari/537.36\r\nVia: 1.1 gw (squid/5.7)\r\n";
    let quotes = "User-Agent: \"quoted\\\" \u{e9}\r\n";
    for headers in [chrome, "", quotes] {
        edge.ask(headers);
    }
    3
}

fn classified(path: &str) -> Vec<serde_json::Value> {
    let ran = truepath(&["classify", path]);
    let mut lines: Vec<serde_json::Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // HAProxy tells in its own words of a connection that ended before TLS was there, as the wait for its port does.
    lines.retain(|line| line["error"] != "no JSON object");
    assert!(lines.iter().all(|line| line.get("error").is_none()), "{}{}", ran.out, ran.err);
    assert!(lines.iter().all(|line| line.get("damage").is_none()), "{}", ran.out);
    lines
}

#[test]
fn what_nginx_logs_is_classified() {
    if !is_there("nginx") {
        return;
    }
    let edge = Edge::new("nginx");
    let folder = edge.scratch.path("");
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .collect();
    let configuration = format!(
        "daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}\n\
         http {{ {temporary} {}\n access_log {folder}/access.log truepath;\n\
         server {{ listen 127.0.0.1:{} ssl; ssl_certificate {pem}; ssl_certificate_key {pem};\n\
         return 200 \"here\\n\"; }} }}\n",
        directive("nginx"),
        edge.port,
        pem = edge.pem,
    );
    let file = edge.scratch.file("nginx.conf", configuration);
    let mut command = Command::new("nginx");
    command.args(["-p", &folder, "-c", &file, "-e", &edge.scratch.path("error.log")]);
    let _nginx = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for(edge.port);
    let asked = requests(&edge);
    let lines = classified(&edge.log("access.log", asked));
    assert_eq!(lines.len(), asked);
    assert_eq!(lines[0]["state"], "intercepted", "{}", lines[0]);
}

#[test]
fn what_haproxy_logs_is_classified() {
    if !is_there("haproxy") {
        return;
    }
    let edge = Edge::new("haproxy");
    let configuration = format!(
        "global\n{}\nlog stdout format raw local0\ndefaults\nmode http\ntimeout client 5s\ntimeout server 5s\n\
         timeout connect 5s\nfrontend edge\nbind 127.0.0.1:{} ssl crt {}\nlog global\n{}\n\
         http-request return status 200 content-type text/plain string here\n",
        directive("haproxy global"),
        edge.port,
        edge.pem,
        directive("haproxy frontend"),
    );
    let file = edge.scratch.file("haproxy.cfg", configuration);
    let log = std::fs::File::create(edge.scratch.path("access.log")).unwrap();
    let mut command = Command::new("haproxy");
    command.args(["-db", "-f", &file]).stdout(log).stderr(Stdio::null());
    let _haproxy = Running(command.spawn().unwrap());
    wait_for(edge.port);
    let asked = requests(&edge);
    let lines = classified(&edge.log("access.log", asked));
    let judged: Vec<_> = lines.iter().filter(|line| line.get("ja3").is_some()).collect();
    assert_eq!(judged.len(), asked);
    assert_eq!(judged[0]["state"], "intercepted", "{}", judged[0]);
    assert_eq!(judged[0]["attribution"][0]["vendor"], "Squid", "{}", judged[0]);
}

/// As its documentation has it: Envoy was not run.
#[test]
fn a_line_of_envoy_is_read() {
    let scratch = Scratch::new("envoy");
    let line = r#"{"v":1,"time":"2026-11-24T01:02:03.456Z","tenant":"contoso","vantage":"edge","client_ip":"203.0.113.7","host":"edge.example","user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0","tls_version":"TLSv1.3","ja3":"8bcb375b8a9d91d08bbf01938084e0cc","http":{"version":"HTTP/1.1","status":200,"headers":[["via","1.1 swg01.corp.example (squid/5.7)"],["x-forwarded-for",null],["sec-ch-ua","-"]]}}"#;
    let lines = classified(&scratch.file("access.log", line));
    assert_eq!(lines[0]["attribution"][0]["vendor"], "Squid", "{}", lines[0]);
}
