//! `cargo xtask clusters [--out FILE] INPUT...`: makes the table of hello clusters from labelled captures.
//!
//! An input is a folder of labelled captures or a file of labelled observations, as `observations` writes it. Without
//! `--out`, the table that is compiled in is written, and only captures of our own may go into that: data of others makes
//! tables outside of the repository, for `bench accuracy`.
//!
//! Labels name programs as their packages do. The two lists here say which row of the table of interceptors a label means,
//! and which TLS library a program is built on.

#![expect(clippy::indexing_slicing, reason = "a member that a JSON object lacks is null")]

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use detect::{CapturedHello, clusters_of};
use model::HelloFacts;
use serde_json::Value;

use crate::observations::{Label, labelled};
use crate::shell::{cargo, root, run as execute};
use crate::steps::Done;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Folders of labelled captures, or files of labelled observations.
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// Write the table here, and not into the sources.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Where the captures come from and when they were made.
    #[arg(long, default_value = "captures of the lab, 2026-11")]
    source: String,
}

/// A label's beginning, the program that it means, its TLS library, and whether it uses that as it comes.
type Known = (&'static str, &'static str, &'static str, bool);

const OPENSSL: &str = "OpenSSL";
const NODE: &str = "OpenSSL in Node.js";
const GO: &str = "Go's crypto/tls";
const BORING: &str = "BoringSSL";
const GNUTLS: &str = "GnuTLS";
const NSS: &str = "NSS";
const APPLE: &str = "Apple's TLS";
const UNKNOWN: &str = "";

/// Rows of the table of interceptors.
const PRODUCTS: &[Known] = &[
    ("Squid", "Squid with SslBump", OPENSSL, false),
    ("SSLsplit", "SSLsplit", OPENSSL, false),
    ("e2guardian", "e2guardian / DansGuardian / squidGuard", OPENSSL, false),
    ("Privoxy", "Privoxy HTTPS inspection", "mbed TLS", true),
    ("nginx", "nginx as a TLS gateway", OPENSSL, false),
    ("stunnel", "stunnel", OPENSSL, false),
    ("proxy.py", "proxy.py with TLS interception", OPENSSL, false),
    ("goproxy", "goproxy", GO, false),
    ("Caddy", "Caddy as a TLS gateway", GO, false),
    ("mitmproxy", "mitmproxy", OPENSSL, false),
    ("mockttp", "mockttp", NODE, false),
    // Both were seen to send what `https` of Node.js 20 sends by itself.
    ("http-mitm-proxy", "http-mitm-proxy", NODE, true),
    ("anyproxy", "AnyProxy", NODE, true),
    ("Avast", "Avast Web Shield", UNKNOWN, false),
    ("AVG", "AVG Web Shield", UNKNOWN, false),
    ("Bitdefender", "Antivirus Plus / Internet Security / Total Security", UNKNOWN, false),
    ("BullGuard", "BullGuard", UNKNOWN, false),
    ("Cisco WSA", "Web Security Appliance (WSA, IronPort)", UNKNOWN, false),
    ("Dr.Web", "Dr.Web SpIDer Gate", UNKNOWN, false),
    ("ESET", "NOD32 / Internet Security / Endpoint", UNKNOWN, false),
    ("Forcepoint Cloud", "Cloud Web / ONE SWG (Websense Hosted)", UNKNOWN, false),
    ("Fortinet FortiGate", "FortiGate (FortiOS deep inspection)", UNKNOWN, false),
    ("Juniper vSRX", "SRX SSL forward proxy", UNKNOWN, false),
    ("Kaspersky", "Internet/Total Security, Endpoint", UNKNOWN, false),
    ("Keep My Family Secure", "KeepMyFamilySecure", UNKNOWN, false),
    ("Net Nanny", "Net Nanny", UNKNOWN, false),
    ("Sophos UTM", "UTM (Astaro)", UNKNOWN, false),
    ("Untangle", "NG Firewall SSL Inspector", UNKNOWN, false),
    ("WebTitan", "WebTitan Gateway", UNKNOWN, false),
];

/// Programs that intercept nothing. The names of tools are those that they give themselves in User-Agent.
const CLIENTS: &[Known] = &[
    ("aria2", "aria2", GNUTLS, false),
    ("bun", "Bun", BORING, false),
    ("cffi-chrome", "Chrome", BORING, false),
    ("cffi-edge", "Edge", BORING, false),
    ("cffi-firefox", "Firefox", NSS, false),
    ("cffi-safari", "Safari", APPLE, false),
    ("chromium", "Chromium", BORING, false),
    ("curl", "curl", OPENSSL, false),
    ("firefox", "Firefox", NSS, false),
    ("go", "Go-http-client", GO, false),
    ("java", "Java-http-client", "Java's JSSE", false),
    ("lynx", "Lynx", GNUTLS, false),
    ("node", "node", NODE, false),
    ("py-", "Python", OPENSSL, false),
    ("qtwebengine", "QtWebEngine", BORING, false),
    ("wget", "Wget", GNUTLS, false),
    ("chrome", "Chrome", UNKNOWN, false),
    ("ie-", "Internet Explorer", "Schannel", false),
    ("edge", "Edge", "Schannel", false),
    ("safari", "Safari", APPLE, false),
];

/// The row of the table of interceptors that a label means, or the label itself.
pub(crate) fn product_of(label: &str) -> &str {
    known(PRODUCTS, label).map_or(label, |(_, name, ..)| name)
}

pub(crate) fn run(options: &Options) -> Result<Done> {
    if options.inputs.iter().any(|input| input.is_dir()) {
        execute(&mut cargo(["build", "--locked", "--release", "--package", "truepath"]))?;
    }
    let mut captured = Vec::new();
    for input in &options.inputs {
        for line in lines(input)? {
            captured.extend(hello(&line).with_context(|| format!("{}: {}", input.display(), line["label"]["id"]))?);
        }
    }
    ensure!(!captured.is_empty(), "no hello over TCP in these inputs");
    let out = options.out.clone().unwrap_or_else(|| root().join("crates/detect/data/hello-clusters.toml"));
    fs::write(&out, format!("{HEAD}\n{}", clusters_of(&captured, &options.source)))
        .with_context(|| out.display().to_string())?;
    println!("{} hellos, written to {}", captured.len(), out.display());
    Ok(Done::Passed)
}

fn lines(input: &Path) -> Result<Vec<Value>> {
    if input.is_dir() {
        return labelled(input);
    }
    let text = fs::read_to_string(input).with_context(|| input.display().to_string())?;
    text.lines().map(|line| serde_json::from_str(line).context("a line of observations")).collect()
}

/// `None` for QUIC, whose hellos have extensions of their own.
fn hello(line: &Value) -> Result<Option<CapturedHello>> {
    let label: Label = serde_json::from_value(line["label"].clone()).context("no label")?;
    let text = line["client_hello"].as_str().context("no hello")?;
    if line["transport"] == "quic" {
        return Ok(None);
    }
    let mut facts = HelloFacts::default();
    wire::tls::read_hello_or_records(&hex::decode(text)?, &mut facts)?;
    let product = label.product.as_deref().filter(|_| label.intercepted);
    let (program, build) = match product {
        Some(product) => (product, label.product_version.unwrap_or_default()),
        None => (label.build.as_str(), label.build.clone()),
    };
    let row = known(if product.is_some() { PRODUCTS } else { CLIENTS }, program);
    Ok(Some(CapturedHello {
        hello: facts,
        program: row.map_or(program, |(_, name, ..)| name).to_owned(),
        build,
        intercepts: product.is_some(),
        library: row.map_or(UNKNOWN, |(_, _, library, _)| library).to_owned(),
        default: row.is_some_and(|(.., default)| *default),
    }))
}

fn known(list: &'static [Known], label: &str) -> Option<&'static Known> {
    list.iter().find(|(start, ..)| label.starts_with(start))
}

const HEAD: &str = "\
# Hellos that are equal, and who sends them. Written by `cargo xtask clusters`; change the captures or that command, not this
# file.
#
# All lists are code points of the IANA registries in hex, GREASE left out. `extensions` is a set, without those that one
# connection decides; the other lists are in order. `cipher_suites = \"copied\"`: the product takes them from its client.
# `products` are rows of interceptors.toml; `also` are programs that intercept nothing, browsers among them: a hello that they
# send too points to nobody. `default`: what the library sends when nobody configures it, whoever was captured with it.
";
