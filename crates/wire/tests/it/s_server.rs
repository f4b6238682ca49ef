//! [`TimestampClient`] against `openssl s_server`, which can be told to send both kinds of timestamps.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use model::HostName;
use wire::tls::{Error, ServerFlight, TimestampClient};

/// OCSPResponse with the status "unauthorized" and no more (RFC 6960 section 4.2.1).
const OCSP: [u8; 5] = [0x30, 0x03, 0x0a, 0x01, 0x06];
/// A list of one "timestamp"; what is inside is nobody's business here.
const SCT_LIST: &[u8] = b"\x00\x08\x00\x06opaque";

/// A running server; dropping it ends it and removes its files.
struct Server {
    child: Child,
    address: SocketAddr,
    chain: Vec<Vec<u8>>,
    folder: PathBuf,
}

impl Server {
    /// `None`, with the reason printed, where there is no openssl on this machine.
    fn start(test: &str, chain: usize, arguments: &[&str]) -> Option<Self> {
        if let Err(error) = Command::new("openssl").arg("version").stdout(Stdio::null()).status() {
            println!("skipped: openssl cannot be started: {error}");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("wire-s_server-{}-{test}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, content).unwrap();
            path
        };
        let key = rcgen::generate_simple_self_signed(["mail.example".to_owned()]).unwrap();
        let certificate = file("certificate.pem", key.cert.pem().as_bytes());
        let private_key = file("key.pem", key.signing_key.serialize_pem().as_bytes());
        let mut above = Vec::new();
        let mut der = vec![key.cert.der().to_vec()];
        for number in 1..chain {
            let other = rcgen::generate_simple_self_signed([format!("ca-{number}.example")]).unwrap();
            above.push(other.cert.pem());
            der.push(other.cert.der().to_vec());
        }
        let above = file("chain.pem", above.concat().as_bytes());
        let ocsp = file("ocsp.der", &OCSP);
        let server_info = file("serverinfo.pem", server_info().as_bytes());

        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-cert"]).arg(certificate).arg("-key").arg(private_key);
        command.arg("-serverinfo").arg(server_info).arg("-status_file").arg(ocsp);
        if chain > 1 {
            command.arg("-cert_chain").arg(above);
        }
        // Its input stays open: at the end of it the server would stop.
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ").map(str::to_owned));
        // Whatever else it says is read and dropped, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let address = address.expect("the server says where it listens").parse().unwrap();
        Some(Self { child, address, chain: der, folder })
    }

    fn ask(&self) -> Result<Option<ServerFlight>, Error> {
        let mut client = TimestampClient::new(&HostName::parse("mail.example").unwrap()).unwrap();
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(&client.hello()).unwrap();
        let mut buffer = [0; 4096];
        loop {
            let length = stream.read(&mut buffer).unwrap();
            if length == 0 {
                return Ok(None);
            }
            match client.receive(&buffer[..length]) {
                Ok(None) => {}
                end => return end,
            }
        }
    }

    fn flight(&self, version: u16) -> ServerFlight {
        ServerFlight {
            version,
            certificates: self.chain.clone(),
            sct_list: Some(SCT_LIST.to_vec()),
            ocsp: Some(OCSP.to_vec()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Extension 18 for the ServerHello of TLS 1.2 and for the leaf in the Certificate message of TLS 1.3, as the manual page
/// of `SSL_CTX_use_serverinfo_ex` describes the file: four octets of context, then the extension.
fn server_info() -> String {
    const CLIENT_HELLO: u32 = 0x80;
    const TLS12_SERVER_HELLO: u32 = 0x100;
    const TLS13_CERTIFICATE: u32 = 0x1000;
    let mut block = (CLIENT_HELLO | TLS12_SERVER_HELLO | TLS13_CERTIFICATE).to_be_bytes().to_vec();
    block.extend([0, 18, 0, u8::try_from(SCT_LIST.len()).unwrap()]);
    block.extend(SCT_LIST);
    let text = BASE64_STANDARD.encode(block);
    format!("-----BEGIN SERVERINFOV2 FOR TIMESTAMPS-----\n{text}\n-----END SERVERINFOV2 FOR TIMESTAMPS-----\n")
}

#[track_caller]
fn check(test: &str, chain: usize, arguments: &[&str], version: u16) {
    if let Some(server) = Server::start(test, chain, arguments) {
        assert_eq!(server.ask(), Ok(Some(server.flight(version))), "{arguments:?}");
        assert_eq!(server.ask(), Ok(Some(server.flight(version))), "and again");
    }
}

#[test]
fn tls12() {
    check("tls12", 2, &["-tls1_2"], 0x0303);
}

#[test]
fn tls13_with_each_suite() {
    for suite in ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"] {
        check(suite, 2, &["-tls1_3", "-ciphersuites", suite], 0x0304);
    }
}

#[test]
fn tls13_with_each_group() {
    for group in ["X25519", "P-256", "P-384"] {
        check(group, 1, &["-tls1_3", "-groups", group], 0x0304);
    }
}

#[test]
fn a_chain_of_two_hundred() {
    check("long", 200, &["-tls1_3"], 0x0304);
    check("long", 200, &["-tls1_2"], 0x0303);
}

#[test]
fn a_server_that_asks_for_client_certificates() {
    check("verify", 1, &["-tls1_3", "-verify", "1"], 0x0304);
}

#[test]
fn servers_that_want_something_else_are_named() {
    if let Some(server) = Server::start("group", 1, &["-tls1_3", "-groups", "X448"]) {
        assert_eq!(server.ask(), Err(Error::Alert { level: 2, description: 40 }));
    }
    // A cookie in a HelloRetryRequest (RFC 8446 section 4.2.2).
    if let Some(server) = Server::start("cookie", 1, &["-tls1_3", "-stateless"]) {
        assert_eq!(server.ask(), Err(Error::HelloRetryRequest));
    }
}
