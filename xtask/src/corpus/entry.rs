//! One entry: what it must keep to, what is read in it, and what it is called.

use anyhow::{Context, bail, ensure};
use model::{Contribution, HelloFacts};
use serde::{Deserialize, Serialize};
use wire::fingerprint::{Ja3, Ja4};
use wire::tls::{ClientHello, names, read_hello, redact_hello};

/// What is read in an entry's hello.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Golden {
    pub(super) ja3: String,
    ja3_text: String,
    pub(super) ja4: String,
    ja4_r: String,
    ja4_o: String,
    /// Octets of the message.
    length: usize,
    cipher_suites: Vec<String>,
    extensions: Vec<u16>,
    groups: Vec<String>,
    key_shares: Vec<String>,
    versions: Vec<String>,
    signature_algorithms: Vec<u16>,
    protocols: Vec<String>,
}

/// Refuses what may not be in the repository, and gives what is read in the rest.
pub(super) fn check(entry: &Contribution) -> anyhow::Result<Golden> {
    entry.check()?;
    let message = &entry.client_hello.0;
    let redacted = redact_hello(message).context("`client_hello` cannot be read")?;
    ensure!(redacted == *message, "`client_hello` holds what belongs to one connection: use `inspect --contribute`");
    let mut facts = HelloFacts::default();
    read_hello(message, &mut facts).context("`client_hello` cannot be read")?;
    let hello = ClientHello::parse(message)?;
    let (Some(ja3), Some(ja4)) = (Ja3::of(&facts), Ja4::of(&facts, entry.transport)) else {
        bail!("`client_hello` has no fingerprint")
    };
    let list = |codes: &[u16], name: fn(u16) -> String| codes.iter().copied().map(name).collect();
    Ok(Golden {
        ja3: ja3.as_str().to_owned(),
        ja3_text: Ja3::text(&facts).context("no text of JA3")?,
        ja4: ja4.as_str().to_owned(),
        ja4_r: Ja4::raw(&facts, entry.transport).context("no raw form of JA4")?,
        ja4_o: Ja4::in_original_order(&facts, entry.transport).context("no JA4 in its order")?.as_str().to_owned(),
        length: facts.length,
        cipher_suites: list(&facts.cipher_suites, names::cipher_suite),
        extensions: facts.extensions.clone(),
        groups: list(&facts.supported_groups, names::group),
        key_shares: list(&hello.key_share_groups().unwrap_or_default(), names::group),
        versions: list(&facts.supported_versions, names::version),
        signature_algorithms: facts.signature_algorithms.clone(),
        protocols: facts.alpn().map(|name| name.escape_ascii().to_string()).collect(),
    })
}

/// Who wrote it, the readable part of its JA4, and eight digits of everything in it but the day.
pub(super) fn name(entry: &Contribution, golden: &Golden) -> anyhow::Result<String> {
    let program = entry.product.as_ref().or(entry.client.as_ref()).context("neither `product` nor `client`")?;
    let shape = golden.ja4.split('_').next().unwrap_or_default();
    let content = serde_json::to_vec(&Contribution { day: String::new(), ..entry.clone() })?;
    Ok(format!("{}-{shape}-{:08x}", slug(program), fnv(&content)))
}

/// Words of name and version, without what stands in parentheses.
fn slug(program: &model::Program) -> String {
    let plain = |text: &str| text.split(['(', ';', ',']).next().unwrap_or_default().trim().to_lowercase();
    let mut text = plain(&program.name);
    if let Some(version) = &program.version {
        // Some write the name into the version again.
        let version = plain(version);
        let version = version.strip_prefix(text.as_str()).unwrap_or(&version);
        text = format!("{text} {version}");
    }
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("-");
    slug.chars().take(MAX_SLUG).collect::<String>().trim_matches(['-', '.']).to_owned()
}

const MAX_SLUG: usize = 40;

/// FNV-1a in 32 bits: the same everywhere and for ever, which is all that a name needs.
fn fnv(octets: &[u8]) -> u32 {
    octets.iter().fold(0x811c_9dc5, |hash, octet| (hash ^ u32::from(*octet)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::{fnv, slug};

    #[test]
    fn names_are_made_of_words() {
        let named = |name: &str, version: Option<&str>| {
            slug(&model::Program { name: name.to_owned(), version: version.map(str::to_owned) })
        };
        assert_eq!(named("Squid (squid-openssl)", Some("5.7-2+deb12u6")), "squid-5.7-2-deb12u6");
        assert_eq!(named("proxy.py (TLS interception)", Some("2.4.10")), "proxy.py-2.4.10");
        assert_eq!(named("Firefox", Some("Firefox 153.7.0esr (Debian)")), "firefox-153.7.0esr");
        assert_eq!(named("../../etc/passwd", None), "etc-passwd");
    }

    /// From the page of its authors.
    #[test]
    fn fnv_is_fnv() {
        assert_eq!((fnv(b""), fnv(b"foobar")), (0x811c_9dc5, 0xbf9c_f968));
    }
}
