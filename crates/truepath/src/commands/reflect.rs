//! `truepath reflect`: runs the far end until it is told to stop.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, Result};
use reflector::{Certificate, Config, Dns, Limits, SigningKey};

use crate::cli;
use crate::exit::misuse;

/// The port of STUN (RFC 8489 section 18.6), where firewalls that let calls pass expect them.
const MEDIA_PORT: u16 = 3478;

pub(crate) fn run(arguments: cli::Reflect) -> Result<ExitCode> {
    let certificate = match (&arguments.certificate, &arguments.private_key) {
        (Some(chain), Some(key)) => Certificate::load(chain, key).map_err(|error| misuse(chain_of(&error)))?,
        _ => Certificate::self_signed(&arguments.host).map_err(|error| misuse(chain_of(&error)))?,
    };
    let signing_key = match &arguments.signing_key {
        Some(path) => SigningKey::load_or_create(path).map_err(|error| misuse(chain_of(&error)))?,
        None => SigningKey::generate().context("the signing key")?,
    };
    let key = signing_key.public_key();
    let pin = certificate.pin().clone();
    let mut config = Config::new(certificate, signing_key);
    config.listen = arguments.listen.clone();
    config.quic = !arguments.no_quic;
    config.announced_port = arguments.announced_port;
    config.media = match arguments.media {
        None => Vec::new(),
        Some(Some(address)) => vec![address],
        Some(None) => config.listen.iter().map(|address| SocketAddr::new(address.ip(), MEDIA_PORT)).collect(),
    };
    config.place = arguments.place;
    config.dns =
        arguments.dns_zone.map(|zone| Dns { listen: arguments.dns_listen, zone, server: arguments.dns_server });
    let defaults = Limits::default();
    config.limits = Limits {
        connections_per_client: arguments.connections_per_client.unwrap_or(defaults.connections_per_client),
        connections: arguments.connections_per_client.unwrap_or_default().max(defaults.connections),
        transfers_per_client: arguments.transfers_per_client.unwrap_or(defaults.transfers_per_client),
        transfers: arguments.transfers_per_client.unwrap_or_default().max(defaults.transfers),
        ..defaults
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime")?;
    runtime.block_on(async {
        let reflector = reflector::bind(config).await.map_err(|error| misuse(chain_of(&error)))?;
        let mut said = String::new();
        for address in reflector.addresses() {
            said.push_str(&format!("listening on {address}\n"));
        }
        for address in reflector.media_addresses() {
            said.push_str(&format!("STUN and calls on {address} (UDP)\n"));
        }
        for address in reflector.dns_addresses() {
            said.push_str(&format!("name server on {address} (UDP and TCP)\n"));
        }
        said.push_str(&format!("certificate key (SPKI SHA-256) {pin}\nsigning key (Ed25519) {key}\n"));
        let name = arguments.host.first().map_or("HOST", String::as_str);
        let port = reflector.addresses().first().map_or(443, |address| address.port());
        said.push_str(&format!(
            "check against it: truepath check --reflector https://{name}:{port} --reflector-key {key}\n"
        ));
        // A server whose starter has stopped listening goes on serving.
        let mut out = std::io::stdout();
        let _ = out.write_all(said.as_bytes()).and_then(|()| out.flush());
        reflector.run(stopped()).await;
        anyhow::Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Interrupt or termination.
async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

/// An error with its causes in one line.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
