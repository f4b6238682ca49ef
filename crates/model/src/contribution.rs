//! What somebody gives away of a capture, so that a client or an intermediary is known from then on: one JSON object a line.
//!
//! It says what a program is and nothing of who used it: no addresses, no ports, no host names, no payload, and the day in
//! the place of the time. Everybody can read a line before it is sent.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{HexBytes, Syn, Transport};

/// One line: a kind of handshake, however often it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    pub v: u32,
    /// Of the capture, UTC: "2026-11-24".
    pub day: String,
    /// The intermediary that wrote the hello; absent where the client itself did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Program>,
    /// The program behind it, or that wrote the hello.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Program>,
    /// What the request said of itself, where the contributor knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    pub transport: Transport,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quic_version: Option<u32>,
    /// The handshake message, redacted: see `docs/contribute.md`.
    pub client_hello: HexBytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syn: Option<Syn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ContributedServer>,
    /// The names of the request's headers, in order and as they were written: a capture cannot tell, the contributor may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_names: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What the other end made of the hello, and who issued the certificates that it showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContributedServer {
    /// Code points of the IANA registries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cipher: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u16>,
    /// Issuers of the chain, leaf first (RFC 4514).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<String>,
}

/// Why a line is refused. What it says is the field and the rule, never the content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContributionError {
    #[error("version {0} is not known here")]
    Version(u32),
    #[error("`day` is no date of the form 2026-11-24")]
    Day,
    #[error("`{field}` is longer than {limit}")]
    TooLong { field: &'static str, limit: usize },
    #[error("`{0}` is empty or has characters that do not belong there")]
    Characters(&'static str),
    #[error("`{0}` holds an address")]
    Address(&'static str),
    #[error("`{0}` holds a host name")]
    HostName(&'static str),
    #[error("neither `product` nor `client` says what this is")]
    Nameless,
}

impl Contribution {
    pub const VERSION: u32 = 1;

    /// Octets of a hello. Those of today have 2000.
    pub const MAX_HELLO: usize = 16 * 1024;
    /// Characters of each text.
    pub const MAX_TEXT: usize = 300;
    pub const MAX_HEADER_NAMES: usize = 64;
    pub const MAX_ISSUERS: usize = 10;

    /// Whether the line keeps to its rules. That the hello is redacted, only who can read hellos can tell.
    pub fn check(&self) -> Result<(), ContributionError> {
        if self.v != Self::VERSION {
            return Err(ContributionError::Version(self.v));
        }
        // Ten characters of a date, not a time after it.
        if self.day.len() != 10 || self.day.parse::<jiff::civil::Date>().is_err() {
            return Err(ContributionError::Day);
        }
        if self.product.is_none() && self.client.is_none() {
            return Err(ContributionError::Nameless);
        }
        for (field, program) in [("product", &self.product), ("client", &self.client)] {
            let Some(program) = program else { continue };
            text(field, &program.name, |c| c.is_alphanumeric() || " .,_-+()/:&'".contains(c))?;
            no_address(field, &program.name)?;
            if let Some(version) = &program.version {
                // No search for addresses: "17.0.15.6" is a version, and both have the same form.
                text(field, version, |c| c.is_alphanumeric() || " .,_-+()/:~;=".contains(c))?;
            }
        }
        if let Some(agent) = &self.user_agent {
            text("user_agent", agent, |c| c == ' ' || c.is_ascii_graphic())?;
            no_address("user_agent", agent)?;
            no_host_name("user_agent", agent)?;
        }
        let too_long = |field, limit| Err(ContributionError::TooLong { field, limit });
        if self.client_hello.0.len() > Self::MAX_HELLO {
            return too_long("client_hello", Self::MAX_HELLO);
        }
        if let Some(syn) = &self.syn {
            text("syn", &syn.options, |c| c.is_ascii_alphanumeric() || ",-?:+".contains(c)).or_else(|error| {
                // A SYN without options has no text.
                if syn.options.is_empty() { Ok(()) } else { Err(error) }
            })?;
        }
        let issuers = self.server.as_ref().map(|server| server.issuers.as_slice()).unwrap_or_default();
        if issuers.len() > Self::MAX_ISSUERS {
            return too_long("issuers", Self::MAX_ISSUERS);
        }
        for issuer in issuers {
            // Authorities do put the name of their site into theirs: that is no host of anybody's network.
            text("issuers", issuer, |c| !c.is_control())?;
            no_address("issuers", issuer)?;
        }
        let names = self.header_names.as_deref().unwrap_or_default();
        if names.len() > Self::MAX_HEADER_NAMES {
            return too_long("header_names", Self::MAX_HEADER_NAMES);
        }
        for name in names {
            // RFC 9110 section 5.1, without the dot and what no field in use has; RFC 9113 section 8.3 puts a colon before some.
            let field = name.strip_prefix(':').unwrap_or(name);
            text("header_names", field, |c| c.is_ascii_alphanumeric() || c == '-' || c == '_')?;
        }
        Ok(())
    }
}

fn text(field: &'static str, text: &str, allowed: impl Fn(char) -> bool) -> Result<(), ContributionError> {
    if text.chars().count() > Contribution::MAX_TEXT {
        return Err(ContributionError::TooLong { field, limit: Contribution::MAX_TEXT });
    }
    if text.is_empty() || !text.chars().all(allowed) {
        return Err(ContributionError::Characters(field));
    }
    Ok(())
}

/// Addresses of machines and of mail. "Chrome/156.0.0.0" is none: a version follows the name with a slash.
fn no_address(field: &'static str, text: &str) -> Result<(), ContributionError> {
    let is_address = |word: &str| word.contains('@') || word.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let mut words = text.split([' ', ',', ';', '(', ')', '=', '"', '\'']);
    if words.any(|word| is_address(word) || word.rsplit_once(':').is_some_and(|(host, _port)| is_address(host))) {
        return Err(ContributionError::Address(field));
    }
    Ok(())
}

/// Words of several labels whose last one looks like that of a domain, and what begins with a scheme.
fn no_host_name(field: &'static str, text: &str) -> Result<(), ContributionError> {
    let is_name = |word: &str| {
        let mut labels = word.rsplit('.');
        let last = labels.next().unwrap_or_default();
        let labels = labels.filter(|label| label.chars().any(char::is_alphabetic)).count();
        labels > 0 && last.len() >= 2 && last.chars().all(|c| c.is_ascii_alphabetic())
    };
    let mut words = text.split([' ', ',', ';', '(', ')', '/', ':', '=']);
    if text.contains("://") || words.any(is_name) { Err(ContributionError::HostName(field)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Contribution {
        Contribution {
            v: 1,
            day: "2026-11-24".to_owned(),
            product: Some(Program {
                name: "proxy.py (TLS interception)".to_owned(),
                version: Some("2.4.10.1".to_owned()),
            }),
            client: None,
            user_agent: Some(
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0".to_owned(),
            ),
            transport: Transport::Tcp,
            quic_version: None,
            client_hello: HexBytes(vec![1, 0, 0, 0]),
            syn: None,
            server: Some(ContributedServer {
                issuers: vec!["CN=CA,OU=www.ca.example,O=CA".to_owned()],
                ..ContributedServer::default()
            }),
            header_names: Some(vec![":method".to_owned(), "sec-ch-ua".to_owned()]),
        }
    }

    fn refused(change: impl FnOnce(&mut Contribution)) -> ContributionError {
        let mut line = good();
        change(&mut line);
        line.check().unwrap_err()
    }

    #[test]
    fn what_identifies_somebody_is_refused() {
        use ContributionError::{Address, Characters, Day, HostName, Nameless, TooLong, Version};
        assert_eq!(good().check(), Ok(()));
        assert_eq!(refused(|line| line.v = 2), Version(2));
        assert_eq!(refused(|line| line.day = "2026-11-24T12:00:00Z".to_owned()), Day);
        assert_eq!(refused(|line| line.day = "yesterday!".to_owned()), Day);
        assert_eq!(refused(|line| line.product = None), Nameless);
        let named = |name: &str| refused(|line| line.product = Some(Program { name: name.to_owned(), version: None }));
        assert_eq!(named("box at 192.0.2.1"), Address("product"));
        assert_eq!(named("2001:db8::1"), Address("product"));
        assert_eq!(named(""), Characters("product"));
        assert_eq!(named("a\nb"), Characters("product"));
        let agent = |agent: &str| refused(|line| line.user_agent = Some(agent.to_owned()));
        assert_eq!(agent("tool 192.0.2.1:8080"), Address("user_agent"));
        assert_eq!(agent("me@contoso.com"), Address("user_agent"));
        assert_eq!(agent("tool on build7.corp.contoso.com"), HostName("user_agent"));
        assert_eq!(agent("tool (+https://intranet/)"), HostName("user_agent"));
        assert_eq!(agent(&"x".repeat(301)), TooLong { field: "user_agent", limit: 300 });
        assert_eq!(
            refused(|line| line.client_hello.0 = vec![0; 20_000]),
            TooLong { field: "client_hello", limit: 16384 }
        );
        assert_eq!(refused(|line| line.header_names = Some(vec!["Host: a".to_owned()])), Characters("header_names"));
        let issuer = |issuer: &str| refused(|line| line.server.as_mut().unwrap().issuers = vec![issuer.to_owned()]);
        assert_eq!(issuer("CN=proxy,1.2.840.113549.1.9.1=admin@contoso.com"), Address("issuers"));
        assert_eq!(issuer("CN=10.0.0.1"), Address("issuers"));
    }

    #[test]
    fn user_agents_of_real_clients_are_taken() {
        for agent in [
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
            "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
            "python-requests/2.32.3",
            "Go-http-client/2.0",
            "node",
            "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.10730; Pro)",
        ] {
            let mut line = good();
            line.user_agent = Some(agent.to_owned());
            assert_eq!(line.check(), Ok(()), "{agent}");
        }
    }
}
