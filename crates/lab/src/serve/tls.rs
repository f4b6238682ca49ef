//! HTTP/1.1 servers over TLS that never come to an end.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{Identity, PATIENCE, accept};

#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    EndlessHeaders,
    EndlessBody,
    Plain,
}

pub(super) fn serve(identity: &Identity, answer: Answer) -> Result<()> {
    let chain = CertificateDer::pem_file_iter(&identity.certificate)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&identity.private_key)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let config = Arc::new(config);
    accept(identity.listen, move |stream| respond(stream, ServerConnection::new(config.clone())?, answer))
}

fn respond(stream: TcpStream, connection: ServerConnection, answer: Answer) -> Result<()> {
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    loop {
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if stream.read_line(&mut line)? == 0 {
                return Ok(());
            }
        }
        let to = stream.get_mut();
        match answer {
            Answer::Plain => to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")?,
            Answer::EndlessHeaders => {
                to.write_all(b"HTTP/1.1 200 OK\r\n")?;
                return forever(|number| to.write_all(format!("X-Header-{number}: {:0>200}\r\n", number).as_bytes()));
            }
            Answer::EndlessBody => {
                to.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")?;
                return forever(|number| to.write_all(format!("data: {:0>1000}\n\n", number).as_bytes()));
            }
        }
    }
}

/// As fast as the peer reads for the first ten thousand, so that a reader without a limit would show; then at a pace that
/// leaves the machine to others.
fn forever(mut write: impl FnMut(u64) -> std::io::Result<()>) -> Result<()> {
    let start = Instant::now();
    for number in 0.. {
        write(number)?;
        if number > 10_000 {
            thread::sleep(Duration::from_millis(20));
        }
        if start.elapsed() > PATIENCE {
            break;
        }
    }
    Ok(())
}
