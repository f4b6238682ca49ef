use model::{Attempt, Confidence, Failure, FailureKind, HostRecord, Leaning, Operation, Transport};

use super::unreachable::words;
use crate::rules::Sign;
use crate::text::counted;
use crate::view::View;

rule! {
    /// What it shows: each ClientHello as today's browsers send it, with the hybrid key share and so more than one packet
    /// long, fails; a small one passes. Browsers then fail where older programs work.
    ///
    /// Why it is proof: all went to the same host at the same time. Where the service is known to take large hellos
    /// it is a device that reads only the first packet of a hello. One that passes ends the suspicion, and one alone that fails
    /// is told and not counted. It is weak where handshakes fail here that have nothing to do with size: one of two small ones,
    /// or one of two large ones to another host.
    ///
    /// What can fool it: a line or a device that loses connections by chance, and happened to lose all of those.
    ///
    /// Source: RFC 8446 section 5.1 (a hello may span records and packets); SSLsplit 0.5.5 in the lab, 2026-11.
    "hello-size", E, "Large ClientHellos fail", look, Some("https"),
    "Update or bypass the device that breaks large ClientHellos to {hosts}; it has to reassemble a hello from several packets."
}

/// A client's share for X25519MLKEM768 alone has that many octets (draft-ietf-tls-ecdhe-mlkem, section on the client's
/// share); a hello without one has a third of it.
const LARGE_FROM: usize = 1_216;
/// One failure is an accident.
const FEWEST: usize = 2;

fn look(view: &View<'_>) -> Vec<Sign> {
    let Handshakes { large, small } = handshakes(view.host);
    let Some(first) = large.failed.first() else { return Vec::new() };
    if large.passed > 0 || small.passed == 0 {
        return Vec::new();
    }
    let connections = large.failed.iter().map(|(index, _)| *index).collect();
    let words = words(first.1);
    if large.failed.len() < FEWEST {
        let detail = format!("one large ClientHello failed beside a small one that passed, which may be chance: {words}");
        return vec![Sign::silent(detail).on(connections)];
    }
    let detail = format!("all of {} fail where a small one passes: {words}", counted(large.failed.len(), "large ClientHello"));
    let by_chance = others(view).any(|host| handshakes(host).fail_by_chance()) || small.fail_by_chance();
    let sign = match (view.host.target.promises.hybrid_key_exchange, by_chance) {
        (true, false) => Sign::against(Confidence::Strong, detail),
        (true, true) => Sign::against(Confidence::Weak, format!("{detail}; handshakes of every size fail here now and then")),
        (false, _) => Sign::silent(format!("{detail}; the service does not promise to take it")),
    };
    vec![sign.on(connections)]
}

/// How sure it is that size is the reason, for the rule that follows from this one.
pub(super) fn confidence(view: &View<'_>) -> Option<Confidence> {
    look(view).into_iter().find(|sign| sign.leaning == Leaning::Against).map(|sign| sign.confidence)
}

fn others<'a>(view: &View<'a>) -> impl Iterator<Item = &'a HostRecord> {
    let far_end = view.record.reflector.seen().map(|reflector| &reflector.host);
    view.record.hosts.iter().chain(far_end)
}

/// How the handshakes with one host ended, by the size of the hello.
#[derive(Default)]
struct Handshakes<'a> {
    large: Ends<'a>,
    small: Ends<'a>,
}

#[derive(Default)]
struct Ends<'a> {
    passed: usize,
    failed: Vec<(usize, &'a Failure)>,
}

impl Ends<'_> {
    /// The same hello passed and failed.
    fn fail_by_chance(&self) -> bool {
        self.passed > 0 && !self.failed.is_empty()
    }
}

impl Handshakes<'_> {
    fn fail_by_chance(&self) -> bool {
        self.large.fail_by_chance() || self.small.fail_by_chance()
    }
}

/// Over TCP and with the name; a hello without it may be refused for that.
fn handshakes(host: &HostRecord) -> Handshakes<'_> {
    let mut handshakes = Handshakes::default();
    let named = host.connections.iter().enumerate().filter(|(_, c)| c.transport == Transport::Tcp && c.sni.is_some());
    for (index, connection) in named {
        let Some(hello) = &connection.client_hello else { continue };
        let ends = if hello.0.len() < LARGE_FROM { &mut handshakes.small } else { &mut handshakes.large };
        match &connection.tls {
            Attempt::Seen(_) => ends.passed += 1,
            Attempt::Failed(failure) if is_cut_short(failure) => ends.failed.push((index, failure)),
            _ => {}
        }
    }
    handshakes
}

fn is_cut_short(failure: &Failure) -> bool {
    use FailureKind::{Alert, Closed, Protocol, Reset, Timeout};
    let in_handshake = failure.operation == Operation::Handshake;
    in_handshake && matches!(failure.kind, Timeout | Reset | Closed | Alert(_) | Protocol)
}

#[cfg(test)]
mod tests {
    use model::{Confidence, FailureKind, Record, State};

    use crate::testing::{self, against, silent};

    fn break_large(record: &mut Record, host: usize) {
        testing::large_hellos_fail(&mut record.hosts[host], FailureKind::Reset);
    }

    fn confidence(record: &Record, host: usize) -> Option<Confidence> {
        let judgement = crate::judge(record, &crate::Knowledge::builtin());
        let mut evidence = judgement.hosts[host].evidence.iter();
        evidence.find(|evidence| evidence.id == "hello-size").map(|evidence| evidence.confidence)
    }

    #[test]
    fn a_path_that_breaks_large_hellos_is_degraded() {
        let mut record = testing::clean();
        break_large(&mut record, 0);
        assert!(against(&record, 0).contains(&"hello-size".to_owned()));
        assert_eq!(confidence(&record, 0), Some(Confidence::Strong));
        assert_eq!(testing::state(&record, 0), State::Degraded);
        testing::fail(&mut record.hosts[0], testing::CLASSIC, FailureKind::Reset);
        assert!(!against(&record, 0).contains(&"hello-size".to_owned()), "all fail: size is not the reason");
        break_large(&mut record, 1);
        record.hosts[1].target.promises.hybrid_key_exchange = false;
        assert!(!against(&record, 1).contains(&"hello-size".to_owned()));
    }

    /// A relay under load (sslh 1.22.1 and its like) loses connections whatever their hello.
    #[test]
    fn connections_that_are_lost_by_chance_are_not_laid_to_their_size() {
        let mut record = testing::clean();
        testing::fail(&mut record.hosts[0], testing::HYBRID, FailureKind::Closed);
        assert_eq!(confidence(&record, 0), None, "other large ones passed");
        let repeated = |record: &Record| {
            let mut repeated = record.hosts[0].connections[testing::HYBRID].clone();
            repeated.purpose = "repeated".to_owned();
            repeated
        };
        // Nothing but the `tls` check was made.
        let host = &mut record.hosts[0];
        host.connections.truncate(2);
        host.http = testing::later();
        host.quic = testing::later();
        host.websocket = testing::later();
        host.stream = testing::later();
        testing::tls(host).resumed = testing::later();
        assert!(silent(&record, 0).contains(&"hello-size".to_owned()), "once is chance");
        assert_eq!(testing::state(&record, 0), State::Intact);
        let again = repeated(&record);
        record.hosts[0].connections.push(again.clone());
        assert_eq!(confidence(&record, 0), Some(Confidence::Strong), "it failed twice");
        testing::fail(&mut record.hosts[1], testing::HTTP, FailureKind::Closed);
        assert_eq!(confidence(&record, 0), Some(Confidence::Weak), "others are lost too, whatever their size");
        assert_eq!(confidence(&record, 1), None);
        record.hosts[0].connections[2].tls = record.hosts[1].connections[testing::HYBRID].tls.clone();
        assert_eq!(confidence(&record, 0), None, "it passed the second time");
    }

    #[test]
    fn what_failed_before_the_hello_says_nothing_of_it() {
        let mut record = testing::clean();
        for connection in record.hosts[0].connections.iter_mut().filter(|c| c.purpose != "classic") {
            connection.tls = model::Attempt::Failed(model::Failure {
                operation: model::Operation::Connect,
                ..testing::failure(FailureKind::Timeout)
            });
            connection.client_hello = None;
        }
        assert_eq!(confidence(&record, 0), None);
    }
}
