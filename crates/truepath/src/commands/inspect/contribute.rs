//! What people may give away of a capture (`--contribute`, docs/contribute.md): each kind of handshake in it once, without
//! anything that says where or by whom it was made.

use std::io::Write;

use anyhow::{Context, Result};
use jiff::tz::TimeZone;
use model::{CapturedHandshake, CapturedServer, ContributedServer, Contribution, HexBytes, Program};
use wire::tls::redact_hello;
use wire::x509::issuer_name;

use crate::cli;
use crate::exit::misuse;

/// Kinds of handshakes that are kept. Chromium writes its extensions in another order each time, so its kinds are many;
/// a few show what there is to know.
const MAX_KINDS: usize = 16;

pub(super) struct Contributions<'a> {
    about: &'a cli::About,
    kinds: Vec<Contribution>,
    /// Handshakes of a kind that is there already, of a kind too many, without a whole hello, to other names.
    repeated: u64,
    beyond: u64,
    unreadable: u64,
    others: u64,
}

impl<'a> Contributions<'a> {
    pub(super) fn new(about: &'a cli::About) -> Self {
        Self { about, kinds: Vec::new(), repeated: 0, beyond: 0, unreadable: 0, others: 0 }
    }

    pub(super) fn add(&mut self, found: &CapturedHandshake) {
        let is_other = |name: &String| !found.sni.as_ref().is_some_and(|sni| sni.eq_ignore_ascii_case(name));
        if self.about.only.as_ref().is_some_and(is_other) {
            self.others = self.others.saturating_add(1);
            return;
        }
        let Some(client_hello) = found.client_hello.as_ref().and_then(|hello| redact_hello(&hello.0).ok()) else {
            self.unreadable = self.unreadable.saturating_add(1);
            return;
        };
        let kind = self.contribution(found, client_hello);
        if self.kinds.contains(&kind) {
            self.repeated = self.repeated.saturating_add(1);
        } else if self.kinds.len() >= MAX_KINDS {
            self.beyond = self.beyond.saturating_add(1);
        } else {
            self.kinds.push(kind);
        }
    }

    /// One line for each kind, each held against its own rules.
    pub(super) fn write(&self, out: &mut impl Write) -> Result<()> {
        for kind in &self.kinds {
            kind.check().map_err(|error| misuse(format!("this may not be given away: {error}")))?;
            serde_json::to_writer(&mut *out, kind).map_err(std::io::Error::from).context("cannot write")?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// For whoever is about to send it.
    pub(super) fn told(&self) -> String {
        let mut text = format!(
            "kinds of handshakes written, without names, addresses, keys and times: {}; read them before you send them\n",
            self.kinds.len()
        );
        let issuers =
            self.kinds.iter().filter_map(|kind| kind.server.as_ref()).any(|server| !server.issuers.is_empty());
        if issuers {
            text.push_str("the names of the certificates' issuers are in it; --no-issuers leaves them out\n");
        }
        for (count, what) in [
            (self.repeated, "of the same kind"),
            (self.beyond, "of further kinds"),
            (self.unreadable, "without a ClientHello that can be read"),
            (self.others, "to other names"),
        ] {
            if count > 0 {
                text.push_str(&format!("handshakes left out, {what}: {count}\n"));
            }
        }
        text
    }

    fn contribution(&self, found: &CapturedHandshake, client_hello: Vec<u8>) -> Contribution {
        let about = self.about;
        let program = |name: &Option<String>, version: &Option<String>| {
            Some(Program { name: name.clone()?, version: version.clone() })
        };
        Contribution {
            v: Contribution::VERSION,
            day: found.time.0.to_zoned(TimeZone::UTC).date().to_string(),
            product: program(&about.product, &about.product_version),
            client: program(&about.client, &about.client_version),
            user_agent: about.user_agent.clone(),
            transport: found.transport,
            quic_version: found.quic_version,
            client_hello: HexBytes(client_hello),
            syn: found.syn.clone(),
            server: self.server(found.server.as_ref()),
            header_names: (!about.header_names.is_empty()).then(|| about.header_names.clone()),
        }
    }

    fn server(&self, captured: Option<&CapturedServer>) -> Option<ContributedServer> {
        let chain = captured.and_then(|server| server.chain.as_deref()).unwrap_or_default();
        let issuers = if self.about.no_issuers {
            Vec::new()
        } else if self.about.issuer.is_empty() {
            let issuers = chain.iter().filter_map(|certificate| issuer_name(&certificate.0));
            issuers.take(Contribution::MAX_ISSUERS).collect()
        } else {
            self.about.issuer.clone()
        };
        let server = ContributedServer {
            version: captured.and_then(|server| server.version),
            cipher: captured.and_then(|server| server.cipher),
            group: captured.and_then(|server| server.group),
            issuers,
        };
        (server != ContributedServer::default()).then_some(server)
    }
}
