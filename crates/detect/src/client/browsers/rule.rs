//! One rule of the truth table.

use model::Transport;

use crate::client::user_agent::{Engine, Platform};

#[derive(Clone, Debug)]
pub(in crate::client) struct Rule {
    pub(in crate::client) engine: Engine,
    pub(in crate::client) from: u16,
    pub(in crate::client) to: Option<u16>,
    pub(super) platforms: Vec<Platform>,
    /// The least and the greatest major version of the operating system.
    pub(in crate::client) systems: Option<(u16, u16)>,
    pub(in crate::client) transport: Option<Transport>,
    pub(in crate::client) test: Test,
    pub(in crate::client) weight: Weight,
    /// The mode or build that this rule is of; `None`: the ordinary one.
    pub(in crate::client) variant: Option<String>,
    pub(in crate::client) except: Vec<String>,
    pub(in crate::client) says: Option<String>,
    /// Versions in which it was seen to hold, in ascending order; empty: known from elsewhere.
    pub(super) seen: Vec<u16>,
}

/// What has to hold.
#[derive(Clone, Debug)]
pub(in crate::client) struct Test {
    pub(in crate::client) when: Option<Condition>,
    pub(in crate::client) field: Field,
    pub(in crate::client) kind: Kind,
    /// One list, but for `exactly` and `begins`, which have alternatives.
    pub(in crate::client) lists: Vec<Vec<u16>>,
    /// The members of all lists, as [`mask`] has them.
    pub(in crate::client) mask: u64,
}

/// A bit for each code point; some share one. Two lists without a bit in common have no member in common.
pub(in crate::client) const fn mask(code: u16) -> u64 {
    1 << (code.wrapping_mul(0x9e37) >> 10)
}

impl Test {
    pub(super) fn new(when: Option<Condition>, field: Field, kind: Kind, lists: Vec<Vec<u16>>) -> Self {
        let mask = lists.iter().flatten().fold(0, |all, code| all | mask(*code));
        Self { when, field, kind, lists, mask }
    }
}

/// What it means when a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::client) enum Weight {
    /// No version and nothing that is built on the engine does this.
    Always,
    /// No known version of the browsers that the engine is made for does this.
    Firm,
    /// It happens, for this reason.
    Excused(String),
}

impl Weight {
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Always => 0,
            Self::Firm => 1,
            Self::Excused(_) => 2,
        }
    }
}

/// When a rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Condition {
    /// HTTP/2 is offered.
    Http2,
    /// The extended_master_secret extension is there.
    ExtendedMasterSecret,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::client) enum Field {
    Suites,
    Extensions,
    Groups,
    SignatureAlgorithms,
    Versions,
    KeyShares,
    Alpn,
    PointFormats,
    CertificateCompression,
    PskModes,
    CompressionMethods,
    LegacyVersion,
    SessionId,
    Grease,
}

impl Field {
    pub(in crate::client) const ALL: [Self; 14] = [
        Self::Suites,
        Self::Extensions,
        Self::Groups,
        Self::SignatureAlgorithms,
        Self::Versions,
        Self::KeyShares,
        Self::Alpn,
        Self::PointFormats,
        Self::CertificateCompression,
        Self::PskModes,
        Self::CompressionMethods,
        Self::LegacyVersion,
        Self::SessionId,
        Self::Grease,
    ];

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == text)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Suites => "suites",
            Self::Extensions => "extensions",
            Self::Groups => "groups",
            Self::SignatureAlgorithms => "signature-algorithms",
            Self::Versions => "versions",
            Self::KeyShares => "key-shares",
            Self::Alpn => "alpn",
            Self::PointFormats => "point-formats",
            Self::CertificateCompression => "certificate-compression",
            Self::PskModes => "psk-modes",
            Self::CompressionMethods => "compression-methods",
            Self::LegacyVersion => "legacy-version",
            Self::SessionId => "session-id",
            Self::Grease => "grease",
        }
    }

    /// For a person.
    pub(in crate::client) const fn words(self) -> &'static str {
        match self {
            Self::Suites => "cipher suites",
            Self::Extensions => "extensions",
            Self::Groups => "groups",
            Self::SignatureAlgorithms => "signature algorithms",
            Self::Versions => "TLS versions",
            Self::KeyShares => "key shares",
            Self::Alpn => "protocols (ALPN)",
            Self::PointFormats => "point formats",
            Self::CertificateCompression => "certificate compression",
            Self::PskModes => "PSK modes",
            Self::CompressionMethods => "compression methods",
            Self::LegacyVersion => "legacy version",
            Self::SessionId => "session id",
            Self::Grease => "GREASE",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Kind {
    Required,
    Any,
    Forbidden,
    Among,
    Exactly,
    Begins,
    Ordered,
    Shuffled,
}

impl Kind {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "required" => Self::Required,
            "any" => Self::Any,
            "forbidden" => Self::Forbidden,
            "among" => Self::Among,
            "exactly" => Self::Exactly,
            "begins" => Self::Begins,
            "ordered" => Self::Ordered,
            "shuffled" => Self::Shuffled,
            _ => return None,
        })
    }

    pub(super) const fn has_alternatives(self) -> bool {
        matches!(self, Self::Exactly | Self::Begins)
    }
}

/// Protocols of ALPN and places of GREASE as numbers, so that all fields are lists of numbers.
pub(in crate::client) mod place {
    pub(in crate::client) const SUITES: u16 = 1;
    pub(in crate::client) const FIRST_EXTENSION: u16 = 2;
    pub(in crate::client) const LAST_EXTENSION: u16 = 3;
    pub(in crate::client) const GROUPS: u16 = 4;
    /// A protocol that no rule names.
    pub(in crate::client) const OTHER_PROTOCOL: u16 = 0;

    const PROTOCOLS: [&[u8]; 10] =
        [b"h2", b"http/1.1", b"h3", b"http/1.0", b"spdy/3.1", b"spdy/3", b"spdy/2", b"h2-14", b"h2-15", b"h2-16"];

    /// The number of a protocol.
    pub(in crate::client) fn protocol(name: &[u8]) -> u16 {
        let place = PROTOCOLS.iter().position(|known| *known == name);
        place.and_then(|place| u16::try_from(place.saturating_add(1)).ok()).unwrap_or(OTHER_PROTOCOL)
    }

    pub(in crate::client) fn grease(name: &str) -> Option<u16> {
        Some(match name {
            "suites" => SUITES,
            "first-extension" => FIRST_EXTENSION,
            "last-extension" => LAST_EXTENSION,
            "groups" => GROUPS,
            _ => return None,
        })
    }
}

impl Rule {
    pub(super) fn concerns(&self, engine: Engine, platform: Platform, transport: Transport) -> bool {
        self.engine == engine
            && (self.platforms.is_empty() || self.platforms.contains(&platform))
            && self.transport.is_none_or(|own| own == transport)
    }

    pub(super) fn covers(&self, version: u16) -> bool {
        self.from <= version && self.to.is_none_or(|to| version <= to)
    }

    /// The rule as it would be if nobody had seen this version.
    pub(super) fn without(&self, version: u16) -> Option<Self> {
        if !self.seen.contains(&version) {
            return Some(self.clone());
        }
        let mut left = self.clone();
        left.seen.retain(|seen| *seen != version);
        let (first, last) = (*left.seen.first()?, *left.seen.last()?);
        if version < first {
            left.from = first;
        }
        if version > last && left.to.is_some() {
            left.to = Some(last);
        }
        Some(left)
    }

    /// Either of two rules about one field.
    pub(super) fn or(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.test.lists.extend(other.test.lists.iter().cloned());
        both.test.mask |= other.test.mask;
        both.weight = Weight::Excused("nobody has recorded that version".to_owned());
        (both.from, both.to) = (self.to.unwrap_or(self.from).saturating_add(1), other.from.checked_sub(1));
        (both.variant, both.says) = (None, None);
        both
    }
}
