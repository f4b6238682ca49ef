//! Who it is: products ranked by what points to them, with the reasons.
//!
//! Witnesses and their weights: a field with a product's token 0.9, the network that the connection comes from 0.7, a
//! ClientHello or an HTTP/2 preface that is one product's own 0.5, one that several share or that a library may send by itself
//! 0.2 to 0.4, and what a product does to the fields of a request up to 0.5, which only counts beside one of the others. The best of each kind
//! counts once, and kinds combine as independent witnesses do: 1 - (1 - a)(1 - b). Hello and preface are one kind: both are
//! the libraries that a program is built from.
//!
//! A wrong name is worse than none. Where the hello is what a library sends for everybody who uses it, what comes first is
//! "unknown interceptor" with the library's name, and the products that are known to use it follow with little weight. A
//! hello that merely resembles a known one names no product at all. The same holds for networks: they count where decryption
//! or alteration has been seen, which the caller knows.

use std::collections::BTreeMap;

use model::Attribution;

use super::cluster::{Cluster, Member, Resemblance};
use super::headers::{Added, Habit};
use super::http2::Stack;
use crate::Interceptor;
use crate::text::{listed_up_to, quoted};

const TOKEN: f64 = 0.9;
const NETWORK: f64 = 0.7;
const SPECIFIC: f64 = 0.5;
const SHARED: f64 = 0.4;
/// A product that uses a library as everybody does.
const CANDIDATE: f64 = 0.2;
/// From here on a product is named before "unknown interceptor".
const NAMED: f64 = 0.5;
/// More candidates than these say nothing more.
const MOST_SHOWN: usize = 5;

/// What was seen of whoever sent this request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Witnesses<'w> {
    pub(super) hello: Resemblance<'w>,
    pub(super) preface: Option<&'w Stack>,
    pub(super) added: &'w [Added<'w>],
    pub(super) habits: &'w [&'w Habit],
    /// The autonomous system of the client's address.
    pub(super) network: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Token,
    Network,
    Library,
    Habit,
}

/// All that points to one product.
#[derive(Debug, Default)]
struct Case {
    best: BTreeMap<Kind, f64>,
    because: Vec<String>,
}

/// Ranks the products that the witnesses point to. Never empty: an interceptor whom nobody can name is unknown.
pub(super) fn attribute(witnesses: &Witnesses<'_>, interceptors: &[Interceptor]) -> Vec<Attribution> {
    let mut cases: BTreeMap<&str, Case> = BTreeMap::new();
    let mut point = |product, kind, weight, because: String| {
        let case = cases.entry(product).or_default();
        let best = case.best.entry(kind).or_insert(weight);
        *best = best.max(weight);
        case.because.push(because);
    };
    for added in witnesses.added {
        if let Some(row) = added.row.and_then(|row| interceptors.get(row)) {
            point(row.product.as_str(), Kind::Token, TOKEN, format!("request header {}", field(added)));
        }
    }
    if let Some(number) = witnesses.network {
        for row in interceptors.iter().filter(|row| row.asn.contains(&number)) {
            point(row.product.as_str(), Kind::Network, NETWORK, format!("the connection comes from AS{number}"));
        }
    }
    if let Resemblance::Same(cluster) = witnesses.hello {
        let weight = weight(cluster.products.len(), cluster.is_specific(), cluster.is_of_everybody());
        for product in &cluster.products {
            point(product.name.as_str(), Kind::Library, weight, same_hello(cluster));
        }
    }
    if let Some(stack) = witnesses.preface {
        let weight = weight(stack.products.len(), stack.products.len() == 1, !stack.also.is_empty());
        for product in &stack.products {
            point(product.as_str(), Kind::Library, weight, format!("its HTTP/2 preface is that of {}", stack.name));
        }
    }
    for habit in witnesses.habits {
        if let Some(case) = cases.get_mut(habit.product.as_str()) {
            let best = case.best.entry(Kind::Habit).or_insert(habit.weight);
            *best = best.max(habit.weight);
            case.because.push("it writes header fields as this product does".to_owned());
        }
    }
    let mut ranked: Vec<Attribution> = cases
        .into_iter()
        .map(|(product, case)| {
            // A table of clusters may know products that the table of interceptors does not.
            let row = interceptors.iter().find(|row| row.product == product);
            let doubt: f64 = case.best.values().map(|weight| 1.0 - weight).product();
            Attribution {
                product: product.to_owned(),
                vendor: row.map_or(product, |row| &row.vendor).to_owned(),
                class: row.map_or("unknown", |row| &row.class).to_owned(),
                confidence: ((1.0 - doubt) * 100.0).round() / 100.0,
                because: case.because,
            }
        })
        .collect();
    ranked.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then_with(|| a.product.cmp(&b.product)));
    match ranked.first().map(|first| first.confidence) {
        // What the request itself names leaves no room for what only resembles something.
        Some(first) if first >= TOKEN => ranked.retain(|candidate| candidate.confidence > SPECIFIC),
        Some(first) if first >= NAMED => ranked.retain(|candidate| candidate.confidence >= SHARED),
        _ => ranked.insert(0, unknown(witnesses)),
    }
    ranked.truncate(MOST_SHOWN);
    ranked
}

fn weight(products: usize, specific: bool, of_everybody: bool) -> f64 {
    match (specific, of_everybody) {
        (_, true) => CANDIDATE,
        (true, false) => SPECIFIC,
        // Many products in one cluster are a library's users, whether or not its own hello is known.
        (false, false) if products > MOST_SHOWN => CANDIDATE,
        (false, false) => SHARED,
    }
}

fn unknown(witnesses: &Witnesses<'_>) -> Attribution {
    let mut because = Vec::new();
    if let Resemblance::Same(cluster) = witnesses.hello {
        because.push(same_hello(cluster));
    } else if let Some((cluster, distance)) = witnesses.hello.nearest() {
        let alike = (1.0 - distance) * 100.0;
        because.push(format!("its ClientHello is {alike:.0} % like those of {}", cluster.library));
    }
    because.extend(witnesses.preface.map(|stack| format!("its HTTP/2 preface is that of {}", stack.name)));
    because.extend(witnesses.added.iter().map(|added| format!("request header {}", field(added))));
    Attribution {
        product: "unknown interceptor".to_owned(),
        vendor: "unknown".to_owned(),
        class: "unknown".to_owned(),
        confidence: SPECIFIC,
        because,
    }
}

fn same_hello(cluster: &Cluster) -> String {
    const SHOWN: usize = 3;
    let names = |members: &[Member]| -> Vec<String> { members.iter().map(|member| member.name.clone()).collect() };
    let library = &cluster.library;
    if cluster.is_specific() {
        return format!("its ClientHello is that of {library}, configured as only this product is known to do it");
    }
    if cluster.also.is_empty() {
        let products = listed_up_to(&names(&cluster.products), SHOWN);
        return format!("its ClientHello is that of {library}, as it comes from {products}");
    }
    format!(
        "its ClientHello is that of {library}, as it also comes from {}",
        listed_up_to(&names(&cluster.also), SHOWN)
    )
}

fn field(added: &Added<'_>) -> String {
    match added.value {
        Some(value) => format!("`{}: {}`", quoted(added.name), quoted(value)),
        None => format!("`{}`", quoted(added.name)),
    }
}

#[cfg(test)]
mod tests {
    use model::{HelloFacts, ObservedHttp};

    use super::super::cluster::{CapturedHello, Clusters, clusters_of};
    use super::super::headers::{Habits, RequestMarks};
    use super::super::http2::{Http2, Preface};
    use super::*;
    use crate::Knowledge;

    const GO: &str = "2:0;4:4194304;5:1048576;6:10485760|1073741824|0|a,m,p,s";
    const MITMPROXY: &str = "1:4096;2:0;4:2147483647;5:131072;8:0;3:100;6:65536|2147418112|0|m,s,p,a";

    fn hello(suite: u16) -> HelloFacts {
        HelloFacts { cipher_suites: vec![suite], ..HelloFacts::default() }
    }

    /// 1: a tool alone; 2: mitmproxy's own; 3: a tool and Caddy and goproxy; 4: two products alone.
    fn clusters() -> Clusters {
        let seen = |suite, program: &str, intercepts| CapturedHello {
            hello: hello(suite),
            program: program.to_owned(),
            build: String::new(),
            intercepts,
            library: "Library".to_owned(),
            default: false,
        };
        let table = clusters_of(
            &[
                seen(1, "tool", false),
                seen(2, "mitmproxy", true),
                seen(3, "tool", false),
                seen(3, "Caddy as a TLS gateway", true),
                seen(3, "goproxy", true),
                seen(4, "stunnel", true),
                seen(4, "SSLsplit", true),
            ],
            "us",
        );
        Clusters::parse(&table).expect("a table")
    }

    /// Who is named, with what confidence.
    fn check(
        suite: u16,
        preface: &str,
        headers: &[(&'static str, &'static str)],
        network: Option<u32>,
        expected: &[(&str, f64)],
    ) {
        let knowledge = Knowledge::builtin();
        let clusters = clusters();
        let http2 = Http2::parse(include_str!("../../data/http2.toml")).expect("the table");
        let habits = Habits::parse(include_str!("../../data/request-habits.toml")).expect("the table");
        let http = ObservedHttp {
            version: Some("1.1".into()),
            headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            header_names: Some(headers.iter().map(|(name, _)| (*name).into()).collect()),
            ..ObservedHttp::default()
        };
        let marks = RequestMarks::new(knowledge.interceptors());
        let ranked = attribute(
            &Witnesses {
                hello: clusters.resembling(&hello(suite)),
                preface: Preface::parse(preface).and_then(|preface| http2.stack(&preface)),
                added: &marks.seen(&http),
                habits: &habits.seen(&http),
                network,
            },
            knowledge.interceptors(),
        );
        let named: Vec<(&str, f64)> = ranked.iter().map(|who| (who.product.as_str(), who.confidence)).collect();
        assert_eq!(named, expected);
        assert!(ranked.iter().all(|who| !who.because.is_empty() || who.product == "unknown interceptor"));
    }

    #[test]
    fn a_hello_of_its_own_names_a_product() {
        check(2, "", &[], None, &[("mitmproxy", 0.5)]);
        // Both are the libraries of one program.
        check(2, MITMPROXY, &[], None, &[("mitmproxy", 0.5)]);
    }

    #[test]
    fn a_shared_hello_names_nobody_first() {
        let candidates = [("unknown interceptor", 0.5), ("Caddy as a TLS gateway", 0.2), ("goproxy", 0.2)];
        check(3, GO, &[], None, &candidates);
        check(4, "", &[], None, &[("unknown interceptor", 0.5), ("SSLsplit", 0.4), ("stunnel", 0.4)]);
        check(1, "", &[], None, &[("unknown interceptor", 0.5)]);
        check(9, "", &[], None, &[("unknown interceptor", 0.5)]);
    }

    #[test]
    fn a_second_witness_decides_between_them() {
        check(3, "", &[("Via", "1.1 Caddy")], None, &[("Caddy as a TLS gateway", 0.92)]);
        let split = [("Connection", "close"), ("Host", "a")];
        check(4, "", &split, None, &[("SSLsplit", 0.58), ("stunnel", 0.4)]);
        // A habit alone points to nobody.
        check(1, "", &split, None, &[("unknown interceptor", 0.5)]);
    }

    #[test]
    fn a_network_and_a_token_name_a_product_whatever_the_hello() {
        check(1, "", &[], Some(22_616), &[("Zscaler Internet Access (ZIA)", 0.7)]);
        check(1, "", &[("Z-Forwarded-For", "10.0.0.1")], Some(22_616), &[("Zscaler Internet Access (ZIA)", 0.97)]);
        check(1, "", &[("X-Forwarded-For", "10.0.0.1")], None, &[("unknown interceptor", 0.5)]);
    }
}
