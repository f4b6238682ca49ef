//! The table of rules: facts to evidence.
//!
//! A rule is one file: its doc comment is the page that a user reads, then its name, class and title, then a function
//! over the [`View`] of one host, then its tests. It becomes part of the product with one line in [`rules`]; help and
//! `docs/evidence.md` are made from the table. The order of the table is the order in which reasons weigh: where a
//! host cannot be judged, the first rule that says why is the one that is quoted.

use model::{Class, Confidence, Evidence, Leaning};

use crate::view::{Settled, View};

/// The rule that explains everything else that is missing on a host: somebody answers in the service's stead.
pub(crate) const PORTAL: &str = captive_portal::RULE.id;
/// The rule over what an explicit proxy says by itself.
pub(crate) const PROXY_REFUSED: &str = proxy_refused::RULE.id;
/// The rule over addresses that are not the service's.
pub(crate) const WRONG_DESTINATION: &str = wrong_destination::RULE.id;

/// One rule. Its page is the doc comment of the file that holds it.
#[derive(Debug)]
pub struct Rule {
    /// The stable name, in kebab-case; [`Evidence::id`].
    pub id: &'static str,
    pub class: Class,
    pub title: &'static str,
    pub page: &'static str,
    /// What of a host this breaks, as in [`model::Feature::needs`]; "https" is everything on the host.
    pub breaks: Option<&'static str>,
    /// The first step to mend it; `{hosts}` and `{port}` stand for what is affected.
    pub action: &'static str,
    /// Where what it finds is told of.
    pub(crate) reach: Reach,
    look: fn(&View<'_>) -> Vec<Sign>,
}

/// The reflector is judged like a host and is no part of the service. What is seen there is told in the one finding about
/// decrypted control traffic, except for what nobody else can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The hosts of the service.
    Service,
    /// The reflector too, because only it knows what arrived.
    FarEnd,
    /// The reflector too, and it weighs as if it had been seen on the service: it is the line that was measured, and the
    /// service hangs on the same line.
    Line,
}

/// What a rule found. It becomes [`Evidence`] with the rule's name and class.
#[derive(Clone, Debug)]
pub(crate) struct Sign {
    pub(crate) leaning: Leaning,
    pub(crate) confidence: Confidence,
    pub(crate) detail: String,
    pub(crate) connections: Vec<usize>,
    /// Enough by itself to call the connections intact, as far as TLS goes.
    pub(crate) proves: bool,
    /// The host as a whole cannot be called intact while this stands.
    pub(crate) bars: bool,
    /// Takes some confidence from what is proven.
    pub(crate) doubts: bool,
    /// The first step to mend this very case, where the rule's own would be beside the point.
    pub(crate) advice: Option<&'static str>,
}

impl Sign {
    pub(crate) fn against(confidence: Confidence, detail: impl Into<String>) -> Self {
        Self {
            leaning: Leaning::Against,
            confidence,
            detail: detail.into(),
            connections: Vec::new(),
            proves: false,
            bars: false,
            doubts: false,
            advice: None,
        }
    }

    pub(crate) fn supporting(detail: impl Into<String>) -> Self {
        Self { leaning: Leaning::For, ..Self::against(Confidence::Proven, detail) }
    }

    /// Why nothing can be said.
    pub(crate) fn silent(detail: impl Into<String>) -> Self {
        Self { leaning: Leaning::Silent, ..Self::against(Confidence::Strong, detail) }
    }

    pub(crate) fn on(self, connections: Vec<usize>) -> Self {
        Self { connections, ..self }
    }

    pub(crate) fn proving(self, proves: bool) -> Self {
        Self { proves, ..self }
    }

    pub(crate) fn doubting(self) -> Self {
        Self { doubts: true, ..self }
    }

    pub(crate) fn advising(self, advice: &'static str) -> Self {
        Self { advice: Some(advice), ..self }
    }

    pub(crate) fn barring(self) -> Self {
        Self { bars: true, ..self }
    }
}

/// A sign with the rule that found it.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) rule: &'static Rule,
    pub(crate) sign: Sign,
}

impl Piece {
    pub(crate) fn is_against(&self, class: Class) -> bool {
        self.rule.class == class && self.sign.leaning == Leaning::Against
    }

    pub(crate) fn concerns(&self, connection: usize) -> bool {
        self.sign.connections.contains(&connection)
    }

    pub(crate) fn evidence(&self) -> Evidence {
        Evidence {
            id: self.rule.id.to_owned(),
            class: self.rule.class,
            leaning: self.sign.leaning,
            confidence: self.sign.confidence,
            detail: self.sign.detail.clone(),
            connections: self.sign.connections.clone(),
        }
    }
}

/// Runs all rules. Class A comes first, because what it says about who ends TLS decides what the others may conclude:
/// on a connection that ends at the service, nothing on the path can have altered a header.
pub(crate) fn collect(view: &mut View<'_>) -> Vec<Piece> {
    let run = |view: &View<'_>, wanted: &dyn Fn(&Rule) -> bool| -> Vec<Piece> {
        let chosen = rules().iter().filter(|rule| wanted(rule));
        chosen.flat_map(|rule| (rule.look)(view).into_iter().map(move |sign| Piece { rule, sign })).collect()
    };
    let mut pieces = run(view, &|rule| rule.class == Class::A);
    let settled = (0..view.host.connections.len()).map(|connection| settle(view, &pieces, connection)).collect();
    view.settle(settled);
    pieces.extend(run(view, &|rule| rule.class != Class::A));
    pieces.sort_by_key(|piece| rules().iter().position(|rule| rule.id == piece.rule.id));
    pieces
}

/// A forged chain tells by being shown; a genuine one only where the handshake ended, because anybody can show a copy
/// and only the holder of its key can sign for it (RFC 8446 section 4.4.3).
fn settle(view: &View<'_>, pieces: &[Piece], connection: usize) -> Settled {
    let concerned = || pieces.iter().filter(|piece| piece.concerns(connection));
    if concerned().any(|piece| piece.is_against(Class::A)) {
        Settled::Ended
    } else if view.session(connection).is_some() && concerned().any(|piece| piece.sign.proves) {
        Settled::Whole
    } else {
        Settled::Open
    }
}

/// Declares a rule: its doc comment is both the item's documentation and the page in the table.
macro_rules! rule {
    ($(#[doc = $line:literal])* $id:literal, $class:ident, $title:literal, $look:ident) => {
        rule! { $(#[doc = $line])* $id, $class, $title, $look, None, "" }
    };
    ($(#[doc = $line:literal])* $id:literal, $class:ident, $title:literal, $look:ident, $breaks:expr, $action:literal) => {
        rule! { $(#[doc = $line])* $id, $class, $title, $look, $breaks, $action, Service }
    };
    (
        $(#[doc = $line:literal])*
        $id:literal, $class:ident, $title:literal, $look:ident, $breaks:expr, $action:literal, $reach:ident
    ) => {
        $(#[doc = $line])*
        pub(super) static RULE: crate::rules::Rule = crate::rules::Rule {
            id: $id,
            class: model::Class::$class,
            title: $title,
            page: concat!($($line, "\n"),*),
            breaks: $breaks,
            action: $action,
            reach: crate::rules::Reach::$reach,
            look: $look,
        };
    };
}

macro_rules! table {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*

        /// All rules, in the order in which they weigh.
        pub fn rules() -> &'static [&'static Rule] {
            static TABLE: &[&Rule] = &[$(&$module::RULE),*];
            TABLE
        }
    };
}

table![
    unreachable,
    proxy_refused,
    captive_portal,
    not_tls,
    tls_failed,
    wrong_clock,
    expired_certificate,
    wrong_name,
    incomplete_chain,
    unlisted_root,
    unjudged_chain,
    borrowed_certificate,
    exporter_differs,
    session_differs,
    hello_differs,
    answer_not_signed,
    private_chain,
    untrusted_chain,
    forged_issuer,
    no_valid_sct,
    exporter_equal,
    hello_equal,
    given_chain,
    pinned_chain,
    valid_sct,
    public_chain,
    expected_issuer,
    expired_log_list,
    sct_not_verified,
    reflector_chain,
    resumed_session,
    header_added,
    header_removed,
    block_page,
    proxy_status,
    alt_svc_stripped,
    websocket_extensions_altered,
    protocol_changed,
    http_translated,
    method_refused,
    upload_refused,
    header_altered,
    header_order,
    body_altered,
    recompressed,
    cached_answer,
    cookie_lost,
    range_lost,
    trailers_lost,
    eicar_refused,
    eicar_altered,
    eicar_delayed,
    content_refused,
    content_altered,
    content_delayed,
    links_rewritten,
    tenant_restriction,
    explicit_proxy,
    wrong_destination,
    casb_suffix,
    casb_cookie,
    nearer_than_light,
    answered_nearer,
    syn_altered,
    hello_size,
    sni_reset,
    sni_dropped,
    requests_failed,
    tls13_lost,
    http2_lost,
    hybrid_lost,
    quic_blocked,
    quic_rejected,
    quic_version_negotiation_only,
    quic_no_handshake,
    quic_stalled,
    quic_no_http3,
    websocket_refused,
    websocket_reset,
    websocket_frames_lost,
    websocket_cut_idle,
    websocket_http2_lost,
    stream_held,
    stream_cut,
    media_blocked,
    media_impaired,
    low_download,
    buffer_bloat,
];

mod content;
mod fidelity;
mod quic_layer;
mod reflected;
mod scts;
mod sni_block;
mod tampering;

pub(crate) use buffer_bloat::latencies;
pub(crate) use casb_suffix::products as casb_products;
pub(crate) use content::is_control;
pub(crate) use low_download::{is_low, octets, per_second, rate};
pub(crate) use media_impaired::excesses;
pub(crate) use proxy_status::is_proxy;
pub(crate) use stream_held::held as held_stream;
pub(crate) use unreachable::words;
pub(crate) use websocket_cut_idle::cut as cut_idle;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_a_stable_name_a_title_and_a_page() {
        let mut names = BTreeSet::new();
        for rule in rules() {
            assert!(names.insert(rule.id), "{} stands in the table twice", rule.id);
            assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", rule.id);
            assert!(!rule.title.is_empty() && !rule.title.ends_with('.'), "{}", rule.id);
            for part in ["What it shows:", "What can fool it:", "Source:"] {
                assert!(rule.page.contains(part), "the page of {} lacks `{part}`", rule.id);
            }
        }
    }
}
