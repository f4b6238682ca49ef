//! What only the whole record can tell: a wrong clock, a captive portal, what QUIC saves on this path.

use std::collections::BTreeMap;

use model::{HostRecord, Milliseconds, Record, Timestamp, Transport, Validation};

pub(crate) struct Context {
    /// Where this machine's clock is wrong: by how many seconds, positive where the clock is behind its peers.
    pub(crate) clock_behind_s: Option<i64>,
    pub(crate) portal: Option<Portal>,
    /// Median over the hosts where QUIC works: first byte over TCP minus first byte over QUIC.
    pub(crate) quic_saves: Option<Milliseconds>,
    /// Median over the hosts: the least time from SYN to SYN-ACK. One figure for all of them, so that findings which differ
    /// in it alone read as one.
    pub(crate) round_trip: Option<Milliseconds>,
    /// Some host of the record completed TLS over TCP.
    pub(crate) something_works: bool,
    /// Somebody ended TLS to the reflector under a genuine public certificate: on this path such a certificate proves
    /// nothing.
    pub(crate) certificate_borrowed: bool,
}

/// A network that answers for everybody until somebody signs in (RFC 8952).
pub(crate) struct Portal {
    /// SHA-256 of the leaf that answered for hosts it does not name, as hex; absent where status 511 told.
    pub(crate) leaf: Option<String>,
    /// Where it sends people to.
    pub(crate) at: Option<String>,
}

impl Context {
    pub(crate) fn of(record: &Record) -> Self {
        Self {
            clock_behind_s: clock_behind(record),
            portal: portal(record),
            quic_saves: quic_saves(record),
            round_trip: round_trip(record),
            certificate_borrowed: certificate_borrowed(record),
            something_works: record
                .hosts
                .iter()
                .any(|host| host.connections.iter().any(|c| c.transport == Transport::Tcp && c.tls.seen().is_some())),
        }
    }

    /// The time as the peers have it.
    pub(crate) fn peers_time(&self, record: &Record) -> Option<Timestamp> {
        Timestamp::from_unix_seconds(record.started.unix_seconds().checked_add(self.clock_behind_s?)?)
    }
}

/// Date headers of different hosts agree with each other and contradict this machine, and certificates fail by their
/// dates alone. One host is not enough where there are more: a single far end may be wrong itself.
fn clock_behind(record: &Record) -> Option<i64> {
    const WRONG_FROM_S: i64 = 3_600;
    const AGREE_WITHIN_S: i64 = 300;
    let untimely = record.hosts.iter().filter(|host| host.chains.iter().any(fails_by_date_alone)).count();
    let mut offsets: Vec<i64> = record
        .hosts
        .iter()
        .filter_map(|host| Some(dates(host).first()?.unix_seconds().saturating_sub(record.started.unix_seconds())))
        .collect();
    offsets.sort_unstable();
    let median = *offsets.get(offsets.len() / 2)?;
    let agreeing = offsets.iter().filter(|offset| (**offset - median).abs() <= AGREE_WITHIN_S).count();
    let needed = record.hosts.len().min(2);
    let agree = agreeing >= needed && agreeing * 4 >= offsets.len() * 3;
    (untimely >= needed && agree && median.saturating_abs() > WRONG_FROM_S).then_some(median)
}

/// The channel bindings of a signed answer differ, and the certificate on our side leads to a public root.
fn certificate_borrowed(record: &Record) -> bool {
    let Some(reflector) = record.reflector.seen() else { return false };
    let reflections = [&reflector.hybrid, &reflector.classic, &reflector.tls12, &reflector.quic];
    reflections.into_iter().filter_map(model::Attempt::seen).any(|reflection| {
        let signed = reflection.signature_valid && reflection.answer.challenge == reflection.challenge;
        let ours = reflector.host.connections.get(reflection.connection);
        let exporter = ours.and_then(|connection| connection.tls.seen()?.exporter.as_ref());
        let chain = ours.and_then(|connection| reflector.host.chains.get(connection.chain?));
        let differs = exporter.zip(reflection.answer.exporter.as_ref()).is_some_and(|(ours, theirs)| ours != theirs);
        signed && differs && chain.is_some_and(|chain| chain.facts.public == Validation::Valid)
    })
}

fn fails_by_date_alone(chain: &model::Chain) -> bool {
    matches!(chain.facts.public, Validation::Expired | Validation::NotYetValid)
        && chain.facts.public_ignoring_time == Validation::Valid
}

fn dates(host: &HostRecord) -> Vec<Timestamp> {
    exchanges(host).filter_map(|exchange| exchange.date).collect()
}

/// Either a status that says so (511, RFC 6585 section 6), or one untrusted certificate that answers for unrelated hosts
/// which it does not name and sends all of them to one place. An interceptor mints a certificate for each host, or
/// holds one that names them, and sends nobody away.
fn portal(record: &Record) -> Option<Portal> {
    if let Some(exchange) = record.hosts.iter().flat_map(exchanges).find(|exchange| exchange.status == 511) {
        return Some(Portal { leaf: None, at: exchange.header("location").find_map(authority) });
    }
    let mut answered: BTreeMap<String, Vec<&HostRecord>> = BTreeMap::new();
    for host in &record.hosts {
        for chain in &host.chains {
            let trusted = [&chain.facts.public, &chain.facts.public_ignoring_time].contains(&&Validation::Valid)
                || chain.system.seen() == Some(&Validation::Valid);
            let names_host = chain.facts.leaf().is_some_and(|leaf| names(leaf, host.target.host.as_str()));
            if let (false, false, Some(leaf)) = (trusted, names_host, chain.certificates.first()) {
                let hosts = answered.entry(leaf.to_string()).or_default();
                if !hosts.iter().any(|known| known.target.host == host.target.host) {
                    hosts.push(host);
                }
            }
        }
    }
    answered.into_iter().find_map(|(leaf, hosts)| {
        let place = sent_to(hosts.first()?)?;
        let own = record.hosts.iter().any(|host| host.target.host.as_str() == place);
        let together = hosts.iter().all(|host| sent_to(host).as_ref() == Some(&place));
        (unrelated(&hosts) && together && !own).then_some(Portal { leaf: Some(leaf), at: Some(place) })
    })
}

fn exchanges(host: &HostRecord) -> impl Iterator<Item = &model::HttpExchange> {
    let plain = host.http.seen().into_iter().flat_map(|http| [&http.preferred, &http.http1]);
    plain.filter_map(model::Attempt::seen)
}

/// The host that a redirect names.
fn sent_to(host: &HostRecord) -> Option<String> {
    exchanges(host)
        .filter(|exchange| matches!(exchange.status, 302 | 303 | 307))
        .find_map(|exchange| exchange.header("location").find_map(authority))
}

/// The host of an absolute http or https URL (RFC 3986 section 3.2.2).
fn authority(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let host = rest.split(['/', '?', '#', ':']).next()?;
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

fn unrelated(hosts: &[&HostRecord]) -> bool {
    fn parent(host: &HostRecord) -> &str {
        let name = host.target.host.as_str();
        let mut dots = name.rmatch_indices('.');
        dots.nth(1).and_then(|(at, _)| name.get(at + 1..)).unwrap_or(name)
    }
    hosts.iter().any(|host| hosts.first().is_some_and(|first| parent(host) != parent(first)))
}

/// Whether a certificate names a host: exactly, or by a wildcard in place of its first label (RFC 9525 section 6.3).
fn names(leaf: &model::CertificateFacts, host: &str) -> bool {
    let fits = |name: &String| {
        let name = name.to_ascii_lowercase();
        name == host
            || name
                .strip_prefix("*.")
                .is_some_and(|rest| host.split_once('.').is_some_and(|(_, parent)| parent == rest))
    };
    leaf.subject_alternative_names.iter().flatten().chain(&leaf.subject_common_name).any(fits)
}

fn round_trip(record: &Record) -> Option<Milliseconds> {
    let least = |host: &HostRecord| {
        let times = host.tcp.seen().into_iter().flat_map(|tcp| &tcp.connect_ms).map(|ms| ms.0);
        times.filter(|ms| ms.is_finite()).reduce(f64::min)
    };
    let mut times: Vec<f64> = record.hosts.iter().filter_map(least).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().map(Milliseconds)
}

/// TCP connect, TLS handshake and first byte, against the same over QUIC.
fn quic_saves(record: &Record) -> Option<Milliseconds> {
    let mut saved: Vec<f64> = record
        .hosts
        .iter()
        .filter_map(|host| {
            let over_quic = host.quic.seen()?.http3.seen()?.total_first_byte_ms.0;
            let exchange = host.http.seen()?.preferred.seen()?;
            let connection = host.connections.get(exchange.connection)?;
            let tls = connection.tls.seen()?;
            Some(connection.connect_ms?.0 + tls.handshake_ms.0 + exchange.first_byte_ms.0 - over_quic)
        })
        .filter(|saved| saved.is_finite())
        .collect();
    saved.sort_by(f64::total_cmp);
    saved.get(saved.len() / 2).copied().map(Milliseconds)
}
