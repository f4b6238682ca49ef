//! The kinds of solution that stand on the path: WAN optimisation, redirection and inspection, proxy, CASB, SWG, DLP, VPN,
//! antivirus, firewall; the classes of Microsoft's article on network intermediation (2025-07-01).
//!
//! One table says which evidence speaks of which kind, and how surely. A kind is named by what it does here, not by what a
//! product is sold as; where a product is named, the kind of that product counts too. One box may be several of them.

use model::{Attribution, Class, Confidence, Connection, HostVerdict, Leaning, Solution, SolutionClass, Transport};

use crate::attribution::say_once;
use crate::judge::Judged;
use crate::path::PathPiece;
use crate::rules::{Piece, casb_products};

/// One row: what has to be there, and what it speaks of.
struct Row {
    class: SolutionClass,
    by: By,
    /// No surer than this, however sure the evidence is.
    at_most: Confidence,
    says: &'static str,
}

enum By {
    /// Any of this evidence, on a host or on the path as a whole.
    Any(&'static [&'static str]),
    /// One of each of these groups, on one host.
    Each(&'static [&'static [&'static str]]),
    /// Any of the first, on a host with none of the second.
    Without(&'static [&'static str], &'static [&'static str]),
    /// A named product of one of these classes.
    Product(&'static [&'static str]),
    /// TLS ends in between on a connection that was opened to the service itself.
    TransparentDecryption,
    /// Any of this evidence about UDP, where it is the service's own address that gives no answer.
    UdpToTheService(&'static [&'static str]),
}

const SCANNED_FOR_MALWARE: &[&str] = &["eicar-refused", "eicar-altered", "eicar-delayed"];
const SCANNED_FOR_DATA: &[&str] = &["content-refused", "content-altered", "content-delayed"];

use Confidence::{Proven, Strong, Weak};
use SolutionClass as Is;

const TABLE: &[Row] = &[
    row(Is::WanOptimisation, By::Any(&["cached-answer"]), Strong, "answers come from a cache on the path"),
    row(Is::WanOptimisation, By::Any(&["recompressed"]), Weak, "content is coded anew on the path"),
    row(
        Is::WanOptimisation,
        By::Each(&[&["syn-altered"], &["answered-nearer", "nearer-than-light"]]),
        Strong,
        "TCP is ended near this machine and opened anew, as accelerators do",
    ),
    row(Is::WanOptimisation, By::Product(&["wanopt"]), Strong, "a WAN optimiser is named"),
    row(
        Is::Redirection,
        By::TransparentDecryption,
        Proven,
        "connections that were opened to the far end itself are taken by somebody else and decrypted",
    ),
    row(
        Is::Redirection,
        By::Any(&["syn-altered", "nearer-than-light"]),
        Strong,
        "connections to the service are taken by somebody else",
    ),
    row(Is::Redirection, By::Any(&["answered-nearer"]), Weak, "TCP ends nearer than TLS does"),
    row(Is::Redirection, By::Any(&["wrong-destination"]), Strong, "names lead to addresses that are not the service's"),
    row(
        Is::Proxy,
        By::Any(&["explicit-proxy", "proxy-refused", "proxy-status", "proxy-sign-in", "proxy-configured"]),
        Proven,
        "a proxy is asked to connect, or answers",
    ),
    row(Is::Proxy, By::Any(&["endpoint-refused"]), Strong, "a proxy answers for required endpoints"),
    row(Is::Proxy, By::Product(&["proxy"]), Strong, "a proxy is named"),
    row(Is::Casb, By::Any(&["casb-suffix"]), Strong, "a broker answers under a name of its own"),
    row(
        Is::Casb,
        By::Any(&["links-rewritten", "tenant-restriction"]),
        Weak,
        "content is written to steer what people use",
    ),
    row(Is::Casb, By::Product(&["casb"]), Strong, "a broker is named"),
    row(Is::Swg, By::Any(&["block-page"]), Strong, "a filter's page came back"),
    row(Is::Swg, By::Any(&["tenant-restriction"]), Strong, "a gateway writes tenant restrictions into requests"),
    row(
        Is::Swg,
        By::Each(&[SCANNED_FOR_MALWARE, SCANNED_FOR_DATA]),
        Strong,
        "content is looked through for malware and for data",
    ),
    row(Is::Swg, By::Without(SCANNED_FOR_MALWARE, SCANNED_FOR_DATA), Weak, "content is looked through for malware"),
    row(Is::Swg, By::Product(&["swg", "sse", "utm", "parental"]), Strong, "a web gateway is named"),
    row(Is::Dlp, By::Any(SCANNED_FOR_DATA), Strong, "uploads are looked through for card numbers and the like"),
    row(Is::Dlp, By::Product(&["dlp"]), Strong, "a product for data loss prevention is named"),
    row(Is::Vpn, By::Any(&["vpn-tunnelled", "vpn-selective"]), Proven, "routes lead into a tunnel"),
    row(
        Is::Antivirus,
        By::Without(SCANNED_FOR_MALWARE, SCANNED_FOR_DATA),
        Weak,
        "content is looked through for malware",
    ),
    row(Is::Antivirus, By::Product(&["av"]), Strong, "an antivirus is named"),
    row(
        Is::Firewall,
        By::UdpToTheService(&["quic-blocked", "quic-rejected", "quic-no-handshake", "quic-stalled", "media-blocked"]),
        Strong,
        "UDP is dropped or refused",
    ),
    row(Is::Firewall, By::Any(&["sni-reset", "sni-dropped"]), Strong, "TLS is ended by the name in it"),
    row(Is::Firewall, By::Product(&["firewall", "utm"]), Strong, "a firewall is named"),
];

const fn row(class: SolutionClass, by: By, at_most: Confidence, says: &'static str) -> Row {
    Row { class, by, at_most, says }
}

/// The kinds that the evidence on one host speaks of.
pub(crate) fn of_host(judged: &Judged<'_>, verdict: &HostVerdict) -> Vec<SolutionClass> {
    let mut classes: Vec<SolutionClass> =
        spoken_of(judged, verdict).into_iter().map(|spoken| spoken.row.class).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

/// The kinds on the whole path, the surest first.
pub(crate) fn solutions(judged: &[Judged<'_>], verdicts: &[HostVerdict], path: &[PathPiece]) -> Vec<Solution> {
    let mut solutions: Vec<Solution> = Vec::new();
    for (judged, verdict) in judged.iter().zip(verdicts) {
        let host = format!("{}:{}", verdict.host, verdict.port);
        for spoken in spoken_of(judged, verdict) {
            let of_class = verdict.attribution.iter().filter(|who| is_of_class(&who.class, spoken.row.class));
            let mut who: Vec<Attribution> = of_class.filter(|who| who.confidence > 0.0).cloned().collect();
            if spoken.evidence.iter().any(|id| id.starts_with("casb-")) {
                who.extend(casb_products(&judged.view));
            }
            add(&mut solutions, spoken, core::slice::from_ref(&host), who);
        }
    }
    for piece in path.iter().filter(|piece| piece.is_against()) {
        for row in TABLE {
            if matches!(&row.by, By::Any(ids) if ids.contains(&piece.rule.id)) {
                let confidence = piece.found.sign.confidence.min(row.at_most);
                let spoken = Spoken { row, confidence, evidence: vec![piece.rule.id.to_owned()] };
                add(&mut solutions, spoken, &piece.found.hosts, piece.found.who.clone());
            }
        }
    }
    if let Some(judged) = judged.first() {
        solutions.iter_mut().for_each(|solution| say_once(&mut solution.who, judged.view.knowledge));
    }
    solutions.sort_by(|a, b| b.confidence.cmp(&a.confidence).then_with(|| a.class.cmp(&b.class)));
    solutions
}

struct Spoken {
    row: &'static Row,
    confidence: Confidence,
    evidence: Vec<String>,
}

/// The rows that a host's evidence and attribution fit.
fn spoken_of(judged: &Judged<'_>, verdict: &HostVerdict) -> Vec<Spoken> {
    // An explicit proxy that refuses speaks for itself, although nothing is held against the host.
    let seen = |id: &str| {
        let pieces = judged.pieces.iter().filter(move |piece| piece.rule.id == id);
        let against = pieces.filter(|piece| match piece.sign.leaning {
            Leaning::Against => true,
            Leaning::Silent => piece.rule.id == crate::rules::PROXY_REFUSED,
            Leaning::For => false,
        });
        against.map(|piece| piece.sign.confidence).max()
    };
    let any = |ids: &[&str]| -> Option<(Confidence, Vec<String>)> {
        let found: Vec<(Confidence, &str)> = ids.iter().filter_map(|id| Some((seen(id)?, *id))).collect();
        let confidence = found.iter().map(|(confidence, _)| *confidence).max()?;
        Some((confidence, found.into_iter().map(|(_, id)| id.to_owned()).collect()))
    };
    let named = |classes: &[&str]| -> Option<Confidence> {
        let named = verdict.attribution.iter().filter(|who| classes.contains(&who.class.as_str()));
        let best = named.map(|who| who.confidence).reduce(f64::max).filter(|best| *best > 0.0)?;
        Some(if best >= 0.9 { Strong } else { Weak })
    };
    TABLE
        .iter()
        .filter_map(|row| {
            let (confidence, evidence) = match &row.by {
                By::Any(ids) => any(ids)?,
                By::Each(groups) => {
                    let found: Option<Vec<(Confidence, Vec<String>)>> = groups.iter().map(|ids| any(ids)).collect();
                    let found = found?;
                    let least = found.iter().map(|(confidence, _)| *confidence).min()?;
                    (least, found.into_iter().flat_map(|(_, ids)| ids).collect())
                }
                // Where a product says what it is, a guess at the kind is not needed.
                By::Without(ids, others) => match any(others) {
                    None if named(&["av", "swg", "sse", "utm"]).is_none() => any(ids)?,
                    _ => return None,
                },
                By::Product(classes) => (named(classes)?, evidence_against(judged)),
                By::TransparentDecryption => transparent_decryption(judged)?,
                By::UdpToTheService(_) if !is_asked_itself(judged) => return None,
                By::UdpToTheService(ids) => any(ids)?,
            };
            Some(Spoken { row, confidence: confidence.min(row.at_most), evidence })
        })
        .collect()
}

fn transparent_decryption(judged: &Judged<'_>) -> Option<(Confidence, Vec<String>)> {
    let direct = |connection: &usize| judged.view.connection(*connection).is_some_and(|c| !c.via_proxy);
    let pieces = judged.pieces.iter().filter(|piece| piece.is_against(Class::A));
    // A chain that only the hello for timestamps was shown belongs to no connection of the record.
    let unlisted = |piece: &&Piece| piece.sign.connections.is_empty() && judged.view.record.path.via.is_none();
    let direct = |piece: &&Piece| piece.sign.connections.iter().any(direct) || unlisted(piece);
    let pieces: Vec<_> = pieces.filter(direct).collect();
    let confidence = pieces.iter().map(|piece| piece.sign.confidence).max()?;
    let mut ids: Vec<String> = Vec::new();
    for piece in pieces {
        if !ids.iter().any(|id| id == piece.rule.id) {
            ids.push(piece.rule.id.to_owned());
        }
    }
    Some((confidence, ids))
}

/// Whether UDP went where the service is. Somebody who answers TCP under an address of their own, as a reverse proxy does, merely
/// has no UDP port there. It is the service itself where TLS over TCP is proven to end there, which a certificate does not prove
/// where somebody holds the service's own key; else only the service's published addresses tell.
fn is_asked_itself(judged: &Judged<'_>) -> bool {
    let view = &judged.view;
    let against = |id: &str| judged.pieces.iter().any(|p| p.rule.id == id && p.sign.leaning == Leaning::Against);
    if against(crate::rules::WRONG_DESTINATION) || against(crate::rules::PORTAL) {
        return false;
    }
    let published = &view.host.target.promises.addresses;
    let of_service = |c: &Connection| published.iter().any(|net| net.contains(&c.address.ip().to_canonical()));
    let proven = (0..view.host.connections.len())
        .any(|index| view.is_whole(index) && view.connection(index).is_some_and(|c| c.transport == Transport::Tcp));
    let is_itself = proven && !view.some_connection_ended() && !view.context.certificate_borrowed;
    is_itself || view.host.connections.iter().any(of_service)
}

/// What a product is named for: altered content and decryption.
fn evidence_against(judged: &Judged<'_>) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for piece in judged.pieces.iter().filter(|piece| piece.is_against(Class::A) || piece.is_against(Class::B)) {
        if !ids.iter().any(|id| id == piece.rule.id) {
            ids.push(piece.rule.id.to_owned());
        }
    }
    ids
}

/// The classes of products in the table of interceptors that a kind of solution covers.
fn is_of_class(product: &str, class: SolutionClass) -> bool {
    let covers: &[&str] = match class {
        Is::WanOptimisation => &["wanopt", "proxy"],
        Is::Redirection => return true,
        Is::Proxy => &["proxy", "swg", "sse", "debug", "adc"],
        Is::Casb => &["casb", "sse"],
        Is::Swg => &["swg", "sse", "utm", "parental", "proxy", "firewall"],
        Is::Dlp => &["dlp", "swg", "sse"],
        Is::Vpn => &["vpn"],
        Is::Antivirus => &["av"],
        Is::Firewall => &["firewall", "utm"],
    };
    covers.contains(&product)
}

fn add(solutions: &mut Vec<Solution>, spoken: Spoken, hosts: &[String], who: Vec<Attribution>) {
    let class = spoken.row.class;
    let known = solutions.iter().position(|solution| solution.class == class);
    let place = known.unwrap_or(solutions.len());
    if known.is_none() {
        solutions.push(Solution {
            class,
            confidence: spoken.confidence,
            who: Vec::new(),
            because: Vec::new(),
            evidence: Vec::new(),
            hosts: Vec::new(),
        });
    }
    let Some(solution) = solutions.get_mut(place) else { return };
    solution.confidence = solution.confidence.max(spoken.confidence);
    push_new(&mut solution.because, &[spoken.row.says.to_owned()]);
    push_new(&mut solution.evidence, &spoken.evidence);
    push_new(&mut solution.hosts, hosts);
    for candidate in who {
        match solution.who.iter_mut().find(|known| known.product == candidate.product) {
            Some(known) => known.confidence = known.confidence.max(candidate.confidence),
            None => solution.who.push(candidate),
        }
    }
    solution.who.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then_with(|| a.product.cmp(&b.product)));
}

fn push_new(known: &mut Vec<String>, new: &[String]) {
    for text in new {
        if !known.contains(text) {
            known.push(text.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Attempt, ContentOutcome, FailureKind, Record};

    use super::*;
    use crate::testing;

    fn told(record: &Record) -> Vec<(SolutionClass, Confidence)> {
        let judgement = crate::judge(record, &crate::Knowledge::builtin());
        judgement.solutions.iter().map(|solution| (solution.class, solution.confidence)).collect()
    }

    fn scanned(pattern: &str, change: impl Fn(&mut ContentOutcome)) -> Record {
        let mut record = testing::with_decrypted_reflector();
        let reflector = testing::seen(&mut record.reflector);
        reflector.host.connections.iter_mut().for_each(|c| c.via_proxy = true);
        testing::content(&mut record, pattern);
        let host = &mut testing::seen(&mut record.reflector).host;
        for test in testing::seen(&mut host.content).tests.iter_mut().filter(|test| test.pattern == pattern) {
            change(testing::seen(&mut test.outcome));
        }
        record
    }

    #[test]
    fn every_row_names_evidence_that_exists() {
        let host = crate::rules::rules().iter().map(|rule| rule.id);
        let known: Vec<&str> = host.chain(crate::path::path_rules().iter().map(|rule| rule.id)).collect();
        let classes: Vec<String> =
            crate::Knowledge::builtin().interceptors().iter().map(|row| row.class.clone()).collect();
        for row in TABLE {
            let ids: Vec<&str> = match &row.by {
                By::Any(ids) | By::UdpToTheService(ids) => ids.to_vec(),
                By::Each(groups) => groups.iter().flat_map(|ids| ids.iter().copied()).collect(),
                By::Without(ids, others) => ids.iter().chain(*others).copied().collect(),
                By::Product(products) => {
                    let spoken: Vec<&&str> =
                        products.iter().filter(|product| !classes.iter().any(|class| class == **product)).collect();
                    assert!(spoken.is_empty() || products == &["dlp"], "{spoken:?} is no class of any product");
                    continue;
                }
                By::TransparentDecryption => continue,
            };
            for id in ids {
                assert!(known.contains(&id), "{id} is no evidence");
            }
        }
    }

    #[test]
    fn a_clean_path_has_none() {
        assert!(told(&testing::clean()).is_empty());
        assert!(told(&testing::with_reflector()).is_empty());
    }

    #[test]
    fn malware_alone_may_be_two_things_and_a_named_product_is_one() {
        let refuse = |outcome: &mut ContentOutcome| outcome.status = 403;
        assert_eq!(
            told(&scanned("eicar", refuse)),
            [(Is::Proxy, Proven), (Is::Swg, Weak), (Is::Antivirus, Weak)],
            "who looks for malware is a gateway or an antivirus"
        );
        let by_antivirus = |outcome: &mut ContentOutcome| {
            outcome.status = 403;
            outcome.text = Some("<p>This message generated by C-ICAP service: virus_scan</p>".to_owned());
        };
        assert_eq!(told(&scanned("eicar", by_antivirus)), [(Is::Proxy, Proven), (Is::Antivirus, Strong)]);
        let by_gateway = |outcome: &mut ContentOutcome| {
            outcome.status = 403;
            outcome.text = Some("<html>Internet Security by Zscaler</html>".to_owned());
        };
        assert_eq!(told(&scanned("eicar", by_gateway)), [(Is::Proxy, Proven), (Is::Swg, Strong)]);
    }

    #[test]
    fn card_numbers_are_data_loss_prevention_and_both_are_a_gateway_too() {
        let refuse = |outcome: &mut ContentOutcome| outcome.status = 403;
        let mut record = scanned("payment-cards", refuse);
        assert_eq!(told(&record), [(Is::Proxy, Proven), (Is::Dlp, Strong)]);
        let host = &mut testing::seen(&mut record.reflector).host;
        let content = testing::seen(&mut host.content);
        let mut eicar = content.tests[2].clone();
        eicar.pattern = "eicar".to_owned();
        content.tests.push(eicar);
        assert_eq!(told(&record), [(Is::Proxy, Proven), (Is::Swg, Strong), (Is::Dlp, Strong)]);
    }

    #[test]
    fn decryption_without_an_explicit_proxy_is_redirection() {
        let mut record = testing::clean();
        testing::intercept(&mut record.hosts[0], &testing::operator_leaf);
        assert_eq!(told(&record), [(Is::Redirection, Proven)]);
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        assert_eq!(judgement.solutions[0].evidence, ["private-chain"]);
        assert_eq!(judgement.solutions[0].hosts, ["outlook.office365.com:443"]);
        assert_eq!(judgement.hosts[0].solutions, [Is::Redirection]);
        record.hosts[0].connections.iter_mut().for_each(|c| c.via_proxy = true);
        assert_eq!(told(&record), [(Is::Proxy, Proven)]);
    }

    #[test]
    fn udp_that_is_dropped_is_a_firewall_and_routes_are_a_vpn() {
        let mut record = testing::clean();
        testing::quic_fails(&mut record.hosts[0], FailureKind::Timeout, 0, false);
        record.vpn = testing::vpn(&["wg0"]);
        assert_eq!(told(&record), [(Is::Vpn, Proven), (Is::Firewall, Strong)]);
    }

    #[test]
    fn an_address_of_somebody_else_that_has_no_udp_port_is_no_firewall() {
        for kind in [FailureKind::Refused, FailureKind::Timeout] {
            let mut record = testing::clean();
            let host = &mut record.hosts[0];
            testing::intercept_tcp(host, &testing::operator_leaf);
            testing::quic_fails(host, kind.clone(), 0, false);
            assert_eq!(told(&record), [(Is::Redirection, Proven)], "{kind:?}");
            record.hosts[0].target.promises.addresses = vec!["192.0.2.0/24".parse().expect("a network")];
            assert_eq!(told(&record), [(Is::Redirection, Proven), (Is::Firewall, Strong)], "the service's own address");
            record.hosts[0].target.promises.addresses = vec!["198.51.100.0/24".parse().expect("a network")];
            assert_eq!(told(&record), [(Is::Redirection, Proven)], "{kind:?}: not the service's address");
            testing::quic_fails(&mut record.hosts[1], kind, 0, false);
            assert!(told(&record).contains(&(Is::Firewall, Strong)), "a host that nobody else answers for");
        }
    }

    #[test]
    fn a_chain_of_which_the_proof_is_open_may_stand_at_another_address_too() {
        let mut record = testing::clean();
        testing::quic_fails(&mut record.hosts[0], FailureKind::Refused, 0, false);
        assert_eq!(told(&record), [(Is::Firewall, Strong)]);
        for sct in &mut record.hosts[0].chains[0].facts.scts {
            sct.status = model::SctStatus::UnknownLog;
        }
        assert!(told(&record).is_empty());
    }

    #[test]
    fn a_forged_chain_that_ended_no_handshake_is_redirection_all_the_same() {
        let mut record = testing::clean();
        let host = &mut record.hosts[0];
        testing::intercept_tcp(host, &testing::operator_leaf);
        host.connections.iter_mut().for_each(|connection| connection.chain = None);
        testing::tls(host).timestamps =
            Attempt::Seen(model::TimestampsInHandshake { chain: 0, list: None, ocsp: None });
        assert!(told(&record).iter().any(|(class, _)| *class == Is::Redirection), "{:?}", told(&record));
    }

    /// The far end's own key, in the hands of a content network or of a thief: certificates tell nothing here.
    #[test]
    fn a_borrowed_certificate_may_stand_at_an_address_of_its_holder() {
        let mut record = testing::with_decrypted_reflector();
        testing::quic_fails(&mut record.hosts[0], FailureKind::Refused, 0, false);
        assert!(told(&record).contains(&(Is::Firewall, Strong)));
        let reflector = testing::seen(&mut record.reflector);
        reflector.host.chains[0] = testing::host("reflector.example").chains[0].clone();
        assert!(!told(&record).iter().any(|(class, _)| *class == Is::Firewall), "{:?}", told(&record));
    }

    #[test]
    fn a_cache_is_a_wan_optimiser_and_a_broker_is_named() {
        let mut record = testing::with_decrypted_reflector();
        let cached = model::Difference {
            way: model::Way::Response,
            kind: model::DifferenceKind::Cached,
            what: "body".to_owned(),
            sent: None,
            arrived: None,
        };
        testing::fidelity(&mut record, "cache-nonce", vec![cached]);
        assert!(told(&record).contains(&(Is::WanOptimisation, Strong)));
        let mut record = testing::clean();
        let dns = testing::seen(&mut record.hosts[0].dns);
        testing::seen(&mut dns.system).cnames = vec![testing::name("outlook.office365.com.mcas.ms")];
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        assert_eq!(judgement.solutions[0].class, Is::Casb);
        assert_eq!(judgement.solutions[0].who[0].product, "Defender for Cloud Apps session proxy");
        record.hosts[0].dns = Attempt::not_tried("as tested");
        assert!(told(&record).is_empty());
    }
}
