//! `inspect --live`, in a network namespace of its own: a handshake over its loopback is told while it is listening.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};

use crate::program::truepath;

/// A namespace whose loopback is up. Gone with the value.
struct Namespace(String);

impl Namespace {
    fn new() -> Option<Self> {
        let name = format!("truepath-test-{}", std::process::id());
        let ip = |arguments: &[&str]| Command::new("ip").args(arguments).output().is_ok_and(|out| out.status.success());
        let namespace = ip(&["netns", "add", &name]).then(|| Self(name.clone()))?;
        ip(&["-n", &name, "link", "set", "lo", "up"]).then_some(namespace)
    }

    /// A program in it; its environment is as bare as that of every program of these tests.
    fn truepath(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0, env!("CARGO_BIN_EXE_truepath")]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs on a thread in it: a thread that has moved does not come back.
    fn inside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> thread::JoinHandle<T> {
        let file = File::open(format!("/run/netns/{}", self.0)).unwrap();
        thread::spawn(move || {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            work()
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", &self.0]).output();
    }
}

/// TLS over loopback, both ends here.
fn handshake() {
    let key = rcgen::generate_simple_self_signed(["mail.example".to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = key.cert.der().clone();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider));
    let client = client.with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let server = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![certificate], private).unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        let mut stream = rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::new(server)).unwrap(), stream);
        stream.write_all(b"hello").unwrap();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
    });
    let name = ServerName::try_from("mail.example").unwrap();
    let connection = rustls::ClientConnection::new(Arc::new(client), name).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    let mut read = String::new();
    stream.read_to_string(&mut read).unwrap();
    assert_eq!(read, "hello");
    serving.join().unwrap();
}

fn signal(program: &Child, signal: Signal) {
    let pid = Pid::from_raw(program.id().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn a_handshake_is_told_while_listening() {
    let Some(namespace) = Namespace::new() else {
        eprintln!("skipped: network namespaces cannot be made here (needs root and ip)");
        return;
    };
    for interface in ["lo", "any"] {
        let mut program = namespace.truepath(&["inspect", "--live", interface]);
        let mut told = BufReader::new(program.stderr.take().unwrap());
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        assert_eq!(line, format!("listening on {interface}\n"));

        namespace.inside(handshake).join().unwrap();
        let mut out = BufReader::new(program.stdout.take().unwrap());
        let mut found = String::new();
        out.read_line(&mut found).unwrap();
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        assert_eq!((&found["sni"], &found["transport"]), (&"mail.example".into(), &"tcp".into()));
        assert_eq!(found["server"]["version"], 0x0304);
        assert!(found["syn"]["mss"].as_u64().is_some_and(|mss| mss > 1000), "{found}");
        assert!(found["time"].as_str().is_some_and(|time| time > "2026"), "{found}");

        // Asked how it stands, it answers and goes on.
        signal(&program, Signal::USR1);
        let mut answer = String::new();
        told.read_line(&mut answer).unwrap();
        assert!(answer.starts_with("1 handshake in ") && answer.contains("of 1 TCP connection "), "{answer}");
        line.clear();
        told.read_line(&mut line).unwrap();
        assert_eq!(line, "dropped by the system because they were not taken in time: 0 packets\n");

        signal(&program, Signal::INT);
        let mut rest = String::new();
        told.read_to_string(&mut rest).unwrap();
        assert!(rest.starts_with("1 handshake in "), "{rest}");
        assert!(program.wait().unwrap().success());
        let mut more = String::new();
        out.read_to_string(&mut more).unwrap();
        assert_eq!(more, "", "one handshake, one line");
    }
    // By itself, after its time.
    let mut program = namespace.truepath(&["inspect", "--live", "lo", "--seconds", "1", "--quiet"]);
    let mut told = String::new();
    program.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!((told.as_str(), program.wait().unwrap().success()), ("", true));
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    let ran = truepath(&["inspect", "--live", "nonsense0"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with("error: no interface nonsense0; there are: "), "{}", ran.err);
    let ran = truepath(&["inspect", "--live", "lo", "file.pcap"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("cannot be used with"), "{}", ran.err);
}
