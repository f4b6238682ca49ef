//! What a report leaves out unless it is asked for: whose machine this is.
//!
//! The record is cut before it is judged and drawn, so that no sentence made from it can hold what was cut. Client
//! addresses keep their first 24 bits (IPv4) or 48 bits (IPv6), the machine's own place is rounded to 300 m, of headers
//! that somebody else wrote only well-known ones keep their values, cookies keep their names, and in text that came
//! from the network addresses, e-mail addresses and Windows account names are masked: block pages like to print who was
//! blocked.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use model::{
    ArrivedHeader, Attempt, Content, Coordinates, DifferenceKind, Header, HostRecord, HttpExchange, Judgement,
    ProxyFacts, ProxySetting, Record, Reflection, Way, WebSocketSession,
};
use serde_json::Value;

/// Headers whose values are shown, masked. Of any other header that we did not send ourselves only the name is: what a
/// device adds may be who sits behind it, and there is no end to the names for that.
const SHOWN_HEADERS: [&str; 34] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "alt-svc",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expires",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-agent",
    "proxy-connection",
    "server",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "warning",
    "x-bluecoat-via",
    "x-cache",
    "x-cache-lookup",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-squid-error",
];

/// Headers that are never shown, whoever sent them.
const SECRET_HEADERS: [&str; 5] = ["authorization", "cookie", "proxy-authorization", "set-cookie", "www-authenticate"];

const LEFT_OUT: &str = "(left out)";

/// The record without what tells whose machine made it.
pub(super) fn without_personal(mut record: Record) -> Record {
    let own = own_addresses(&record);
    record.path.via = record.path.via.as_deref().map(without_user);
    for value in record.path.environment_proxies.values_mut() {
        *value = without_user(value);
    }
    for host in &mut record.hosts {
        cut_host(host);
    }
    if let Attempt::Seen(reflector) = &mut record.reflector {
        cut_host(&mut reflector.host);
        for reflection in [&mut reflector.hybrid, &mut reflector.classic, &mut reflector.tls12, &mut reflector.quic] {
            if let Attempt::Seen(reflection) = reflection {
                cut_reflection(reflection);
            }
        }
    }
    if let Attempt::Seen(egress) = &mut record.egress {
        for seen in &mut egress.seen {
            seen.address = cut(seen.address);
        }
        egress.seen.dedup();
    }
    if let Attempt::Seen(resolvers) = &mut record.resolver {
        for seen in [&mut resolvers.system, &mut resolvers.direct] {
            let Attempt::Seen(addresses) = seen else { continue };
            for address in addresses {
                address.client_subnet = address.client_subnet.map(cut_network);
            }
        }
    }
    if let Attempt::Seen(proxy) = &mut record.proxy {
        cut_proxy(proxy);
    }
    if let Attempt::Seen(geo) = &mut record.geo {
        if let Some(here) = &mut geo.here {
            here.at = rounded(here.at);
        }
        geo.places = std::mem::take(&mut geo.places)
            .into_iter()
            .map(|(address, place)| (if own.contains(&address) { cut(address) } else { address }, place))
            .collect::<BTreeMap<_, _>>();
    }
    without_details(record)
}

/// Names what was cut as what it is: where the judgement tells the address by which the outside sees this machine, it is a
/// network of which only the start is known.
pub(super) fn name_networks(judgement: &mut Judgement, record: &Record) {
    const DISTANT_EGRESS: &str = "distant-egress";
    let Some(egress) = record.egress.seen() else { return };
    let told = |text: &mut String| {
        for address in egress.seen.iter().map(|seen| cut(seen.address)) {
            let length = if address.is_ipv4() { 24 } else { 48 };
            *text = prefixed(text, &address.to_string(), length);
        }
    };
    judgement
        .measures
        .iter_mut()
        .filter(|measure| measure.name == "egress")
        .for_each(|measure| told(&mut measure.text));
    let path = judgement.path.iter_mut().filter(|evidence| evidence.id == DISTANT_EGRESS);
    path.for_each(|evidence| told(&mut evidence.detail));
    let findings = judgement.findings.iter_mut().filter(|finding| finding.id == DISTANT_EGRESS);
    findings.flat_map(|finding| &mut finding.because).for_each(told);
}

/// The text with `/length` behind each place where the address stands as a word of its own and has none yet.
fn prefixed(text: &str, address: &str, length: u8) -> String {
    let of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(address) {
        out.push_str(before);
        out.push_str(address);
        let continues = after.starts_with(of_word)
            || after.strip_prefix('.').is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()));
        if !before.ends_with(|c: char| of_word(c) || c == '.') && !continues {
            out.push_str(&format!("/{length}"));
        }
        rest = after;
    }
    out + rest
}

/// What failed says how in words of the system, the peer or a proxy, wherever it stands in the record.
fn without_details(record: Record) -> Record {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if matches!(name.as_str(), "detail" | "not_tried" | "not_applicable") => {
                            *text = masked(text);
                        }
                        value => walk(value),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(walk),
            _ => {}
        }
    }
    let Ok(mut value) = serde_json::to_value(&record) else { return record };
    walk(&mut value);
    serde_json::from_value(value).unwrap_or(record)
}

fn cut_proxy(proxy: &mut ProxyFacts) {
    for source in &mut proxy.sources {
        source.name = without_folder(&without_user(&source.name));
        match &mut source.setting {
            Attempt::Seen(ProxySetting::Fixed { proxy, .. }) => *proxy = without_user(proxy),
            Attempt::Seen(ProxySetting::Script(script)) => script.url = without_folder(&without_user(&script.url)),
            _ => {}
        }
    }
    for decision in &mut proxy.decisions {
        if let Attempt::Seen(route) = &mut decision.outcome {
            // "PROXY user:password@host:port; DIRECT"
            let pieces = route.result.split(' ').map(without_user);
            route.result = pieces.collect::<Vec<_>>().join(" ");
            route.rule = route.rule.as_deref().map(masked);
            route.resolved = route.resolved.iter().map(|name| masked(name)).collect();
        }
    }
    for answer in &mut proxy.proxies {
        answer.proxy = without_user(&answer.proxy);
    }
}

/// A file of this machine by its name alone: folders are named after people.
fn without_folder(url: &str) -> String {
    match url.strip_prefix("file:").and_then(|path| path.rsplit_once('/')) {
        Some((_, name)) => format!("file:{name}"),
        None => url.to_owned(),
    }
}

/// The addresses by which the outside knows this machine.
fn own_addresses(record: &Record) -> Vec<IpAddr> {
    let egress = record.egress.seen().into_iter().flat_map(|egress| egress.seen.iter().map(|seen| seen.address));
    let reflections = record.reflector.seen().into_iter().flat_map(|reflector| {
        [&reflector.hybrid, &reflector.classic, &reflector.tls12, &reflector.quic]
            .into_iter()
            .filter_map(|reflection| Some(reflection.seen()?.answer.client.ip()))
    });
    egress.chain(reflections).collect()
}

fn cut_host(host: &mut HostRecord) {
    if let Attempt::Seen(http) = &mut host.http {
        for exchange in [&mut http.preferred, &mut http.http1] {
            if let Attempt::Seen(exchange) = exchange {
                cut_exchange(exchange);
            }
        }
    }
    if let Attempt::Seen(quic) = &mut host.quic
        && let Attempt::Seen(http3) = &mut quic.http3
    {
        cut_exchange(&mut http3.exchange);
    }
    if let Attempt::Seen(stream) = &mut host.stream {
        cut_exchange(&mut stream.exchange);
    }
    if let Attempt::Seen(websocket) = &mut host.websocket {
        for session in [&mut websocket.http1, &mut websocket.http2, &mut websocket.idle] {
            if let Attempt::Seen(WebSocketSession { headers, .. }) = session {
                headers.iter_mut().for_each(cut_header);
            }
        }
    }
    if let Attempt::Seen(media) = &mut host.media {
        for stun in &mut media.stun {
            if let Attempt::Seen(answer) = &mut stun.outcome {
                answer.mapped = answer.mapped.map(cut_socket);
            }
        }
        if let Attempt::Seen(call) = &mut media.call {
            call.seen_as = call.seen_as.map(cut_socket);
        }
    }
    if let Attempt::Seen(Content { tests }) = &mut host.content {
        for test in tests {
            if let Attempt::Seen(outcome) = &mut test.outcome {
                outcome.headers.iter_mut().for_each(cut_header);
                outcome.text = outcome.text.as_deref().map(masked);
            }
        }
    }
    if let Attempt::Seen(fidelity) = &mut host.fidelity {
        for tests in [&mut fidelity.http1, &mut fidelity.http2] {
            let Attempt::Seen(tests) = tests else { continue };
            for outcome in tests.iter_mut().map(|test| &mut test.outcome) {
                let Attempt::Seen(differences) = outcome else { continue };
                for difference in differences {
                    // What we sent ourselves is known to everybody; what only arrived is not ours to show.
                    let names_alone = matches!(difference.kind, DifferenceKind::Reordered | DifferenceKind::Recased);
                    let ours = difference.sent.is_some() && difference.way == Way::Request;
                    for value in [&mut difference.sent, &mut difference.arrived].into_iter().flatten() {
                        *value = if names_alone { masked(value) } else { shown(&difference.what, value, ours) };
                    }
                }
            }
        }
    }
}

fn cut_exchange(exchange: &mut HttpExchange) {
    exchange.headers.iter_mut().for_each(cut_header);
    if let Attempt::Seen(body) = &mut exchange.body {
        body.text = body.text.as_deref().map(masked);
    }
}

fn cut_header(header: &mut Header) {
    let name = header.0.to_ascii_lowercase();
    header.1 = match name.as_str() {
        "set-cookie" => {
            let name = header.1.split('=').next().unwrap_or_default();
            format!("{name}={LEFT_OUT}")
        }
        "location" => header.1.split(['?', '#']).next().unwrap_or_default().to_owned(),
        name => shown(name, &header.1, false),
    };
}

fn cut_reflection(reflection: &mut Reflection) {
    reflection.answer.client = cut_socket(reflection.answer.client);
    for asker in &mut reflection.answer.asked_by {
        asker.client_subnet = asker.client_subnet.map(cut_network);
    }
    let sent = &reflection.headers_sent;
    for ArrivedHeader(name, value) in &mut reflection.answer.headers {
        let ours = sent.iter().any(|header| header.0.eq_ignore_ascii_case(name));
        *value = shown(name, value, ours);
    }
}

/// The value of a header as it may be shown. `ours` we sent ourselves under this name.
fn shown(name: &str, value: &str, ours: bool) -> String {
    let is_in = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    let is_a_header =
        !matches!(name, "method" | "path" | "status" | "body" | "length" | "version" | "framing" | "header order");
    if is_in(&SECRET_HEADERS) || (is_a_header && !ours && !is_in(&SHOWN_HEADERS)) {
        return LEFT_OUT.to_owned();
    }
    masked(value)
}

fn cut_network(network: IpNet) -> IpNet {
    let longest = if matches!(network, IpNet::V4(_)) { 24 } else { 48 };
    let length = network.prefix_len().min(longest);
    IpNet::new(cut(network.addr()), length).unwrap_or(network)
}

fn cut_socket(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(cut(address.ip()), 0)
}

/// The network of an address: /24 and /48, as everything else of ours that is kept.
fn cut(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & 0xffff_ff00)),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !((1u128 << 80) - 1))),
    }
}

/// To a grid of 0.003 degrees, which is 330 m from north to south.
fn rounded(at: Coordinates) -> Coordinates {
    const STEP: f64 = 0.003;
    let round = |degrees: f64| ((degrees / STEP).round() * STEP * 1e3).round() / 1e3;
    Coordinates::new(round(at.latitude), round(at.longitude)).unwrap_or(at)
}

fn without_user(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, authority))) => format!("{scheme}://{authority}"),
        (None, Some((_, authority))) => authority.to_owned(),
        _ => url.to_owned(),
    }
}

/// Masks what looks like an address of a machine or a person, word by word.
fn masked(text: &str) -> String {
    const EDGES: [char; 16] = ['(', ')', '[', ']', '<', '>', '"', '\'', ',', ';', '=', '{', '}', '/', '|', '&'];
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| c.is_whitespace() || EDGES.contains(&c)) {
        let word = piece.trim_end_matches(|c: char| c.is_whitespace() || EDGES.contains(&c));
        let (_, edge) = piece.split_at(word.len());
        out.push_str(&masked_word(word));
        out.push_str(edge);
    }
    out
}

fn masked_word(word: &str) -> String {
    let trimmed = word.trim_end_matches(['.', ':']);
    let rest = word.get(trimmed.len()..).unwrap_or_default();
    if let Ok(address) = trimmed.parse::<IpAddr>() {
        return format!("{}{rest}", cut(address));
    }
    if let Ok(socket) = trimmed.parse::<SocketAddr>() {
        return format!("{}{rest}", cut(socket.ip()));
    }
    let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "._-$+".contains(c));
    let mail =
        trimmed.split_once('@').is_some_and(|(user, domain)| is_name(user) && domain.contains('.') && is_name(domain));
    let account = trimmed.split_once('\\').is_some_and(|(domain, user)| is_name(domain) && is_name(user));
    if mail || account { format!("{LEFT_OUT}{rest}") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_machines_are_masked_and_the_rest_is_kept() {
        for (text, expected) in [
            ("Client IP: 10.1.2.3.", "Client IP: 10.1.2.0."),
            ("for=192.0.2.60;proto=http", "for=192.0.2.0;proto=http"),
            ("[2001:db8:1:2::3]", "[2001:db8:1::]"),
            ("User: CONTOSO\\alice was blocked", "User: (left out) was blocked"),
            ("mailto:<alice.b@contoso.com>", "mailto:<(left out)>"),
            ("1.1 gateway (squid/5.7)", "1.1 gateway (squid/5.7)"),
            ("10.1.2.3:51234", "10.1.2.0"),
            ("max-age=3600", "max-age=3600"),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn addresses_keep_their_network() {
        for (address, network) in [
            ("203.0.113.77", "203.0.113.0"),
            ("2001:db8:aaaa:bbbb::1", "2001:db8:aaaa::"),
            ("::ffff:10.9.8.7", "10.9.8.0"),
        ] {
            assert_eq!(cut(address.parse().unwrap()).to_string(), network);
        }
    }

    #[test]
    fn a_network_is_told_as_one() {
        for (text, expected) in [
            ("203.0.113.0 in Lisbon, PT", "203.0.113.0/24 in Lisbon, PT"),
            ("the egress is 203.0.113.0.", "the egress is 203.0.113.0/24."),
            ("203.0.113.0/24 and 1203.0.113.0 and 203.0.113.0.1", "203.0.113.0/24 and 1203.0.113.0 and 203.0.113.0.1"),
        ] {
            assert_eq!(prefixed(text, "203.0.113.0", 24), expected);
        }
        assert_eq!(prefixed("2001:db8:1:: and 2001:db8:1::2", "2001:db8:1::", 48), "2001:db8:1::/48 and 2001:db8:1::2");
    }

    #[test]
    fn a_session_stays_in_the_drawer() {
        let cut = |name: &str, value: &str| {
            let mut header = Header(name.to_owned(), value.to_owned());
            cut_header(&mut header);
            header.1
        };
        assert_eq!(cut("Set-Cookie", "session=abcdef; Path=/"), "session=(left out)");
        assert_eq!(cut("location", "https://login.example/?state=secret"), "https://login.example/");
        assert_eq!(cut("X-Authenticated-User", "alice"), "(left out)");
        assert_eq!(cut("X-Client-Username", "alice"), "(left out)", "a name that nobody listed");
        assert_eq!(cut("X-Forwarded-For", "10.1.2.3"), "10.1.2.0");
        assert_eq!(cut("server", "squid/5.7"), "squid/5.7");
    }
}
