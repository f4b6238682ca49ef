use model::{Attempt, Confidence, FailureKind, Media, StunAnswer, StunTry};

use crate::rules::Sign;
use crate::text::listed;
use crate::view::View;

rule! {
    /// What it shows: no STUN request to the UDP ports of a media relay was answered, on any of its addresses, while TCP to
    /// it works. Calls then fall back to TCP, where every lost packet holds back those behind it, and sound robotic.
    ///
    /// Why it is proof: a relay is to answer STUN from anybody; requests were repeated, on several ports. It is weak where
    /// nothing says that relays do so today: no other relay answered, and there was no UDP port of a reflector to ask. It is
    /// strong beside a relay or a reflector that answers, and where the reflector's port, which it names itself, is as dead.
    ///
    /// What can fool it: a relay that is down on UDP alone, or leaves strangers without an answer. Silence of the reflector is
    /// told only where no relay of the service answered either: somebody may simply not have opened its port.
    ///
    /// Source: RFC 8489 (STUN); RFC 8656 section 3.1 (transports to a relay); published UDP ports of the service.
    "media-blocked", E, "UDP for calls is blocked", look, Some("media"),
    "Open the UDP ports for media to {hosts} on the firewall; over TCP alone calls are impaired.", Line
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let Some(media) = view.host.media.seen() else { return Vec::new() };
    let tried = tried(media);
    if !is_dead(&tried) || view.is_reflector() && some_relay_answers(view) {
        return Vec::new();
    }
    let mut ports: Vec<u16> = tried.iter().map(|try_| try_.address.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    let port = if ports.len() == 1 { "port" } else { "ports" };
    let detail = format!("nothing comes back from UDP {port} {}", listed(&ports));
    // The relay's own TCP port, or any TLS session with this host: something of it answers.
    if media.tcp.seen().is_some() || view.tcp_works() {
        let detail = format!("{detail}, while TCP works: calls fall back to it and are impaired");
        vec![if view.is_reflector() || some_relay_answers(view) || reflector_compares(view) {
            Sign::against(Confidence::Strong, detail)
        } else {
            Sign::against(Confidence::Weak, format!("{detail}; no UDP port of a reflector was there to compare with"))
        }]
    } else {
        vec![Sign::silent(format!("{detail}, and TCP does not open either"))]
    }
}

/// The ports that were asked.
fn tried(media: &Media) -> Vec<&StunTry> {
    let asked = |outcome: &Attempt<StunAnswer>| !matches!(outcome, Attempt::NotTried(_) | Attempt::NotApplicable(_));
    media.stun.iter().filter(|port| asked(&port.outcome)).collect()
}

fn is_dead(tried: &[&StunTry]) -> bool {
    let silent = |kind: &FailureKind| matches!(kind, FailureKind::Timeout | FailureKind::Refused | FailureKind::Unreachable);
    !tried.is_empty() && tried.iter().all(|port| port.outcome.failure().is_some_and(|failure| silent(&failure.kind)))
}

/// A reflector says itself, over TLS, that it has a port for media: whether that answers is the line's doing.
fn reflector_compares(view: &View<'_>) -> bool {
    let Some(media) = view.record.reflector.seen().and_then(|reflector| reflector.host.media.seen()) else { return false };
    let tried = tried(media);
    media.call.seen().is_some() || tried.iter().any(|port| port.outcome.seen().is_some()) || is_dead(&tried)
}

fn some_relay_answers(view: &View<'_>) -> bool {
    let relays = view.record.hosts.iter().filter_map(|host| host.media.seen());
    relays.flat_map(|media| &media.stun).any(|try_| try_.outcome.seen().is_some())
}

#[cfg(test)]
mod tests {
    use model::{Attempt, Confidence, FailureKind, State};

    use crate::testing::{self, against, silent};

    #[test]
    fn udp_that_is_dead_beside_tcp_is_blocked() {
        let mut record = testing::clean();
        record.hosts[0].media = Attempt::Seen(testing::media());
        assert!(against(&record, 0).is_empty());
        let media = testing::seen(&mut record.hosts[0].media);
        media.stun[0].outcome = Attempt::Failed(testing::failure(FailureKind::Timeout));
        assert!(against(&record, 0).is_empty(), "one port answers");
        let media = testing::seen(&mut record.hosts[0].media);
        media.stun[1].outcome = Attempt::Failed(testing::failure(FailureKind::Timeout));
        assert_eq!(against(&record, 0), ["media-blocked"]);
        assert_eq!(testing::state(&record, 0), State::Degraded);
        testing::cut_off(&mut record.hosts[0], model::Operation::Connect, FailureKind::Timeout);
        testing::seen(&mut record.hosts[0].media).tcp = Attempt::Failed(testing::failure(FailureKind::Timeout));
        assert!(silent(&record, 0).contains(&"media-blocked".to_owned()), "the host is down");
    }

    #[test]
    fn silence_is_weak_without_anything_to_compare_with() {
        let confidence = |record: &model::Record, host: usize| {
            let judgement = crate::judge(record, &crate::Knowledge::builtin());
            let mut evidence = judgement.hosts[host].evidence.iter();
            evidence.find(|evidence| evidence.id == "media-blocked").map(|evidence| evidence.confidence)
        };
        let answers = || Attempt::Seen(testing::media());
        let silent = || {
            let mut media = testing::media();
            media.stun.iter_mut().for_each(|try_| try_.outcome = Attempt::Failed(testing::failure(FailureKind::Timeout)));
            media.call = Attempt::not_tried("no call was asked for");
            Attempt::Seen(media)
        };
        let mut record = testing::with_reflector();
        record.hosts[0].media = silent();
        assert_eq!(confidence(&record, 0), Some(Confidence::Weak), "relays may leave strangers without an answer");
        let reflector = record.hosts.len();
        testing::seen(&mut record.reflector).host.media = Attempt::not_applicable("this reflector has no UDP port");
        assert_eq!(confidence(&record, 0), Some(Confidence::Weak));
        testing::seen(&mut record.reflector).host.media = answers();
        assert_eq!(confidence(&record, 0), Some(Confidence::Strong), "UDP passes elsewhere");
        testing::seen(&mut record.reflector).host.media = silent();
        assert_eq!(confidence(&record, 0), Some(Confidence::Strong), "UDP passes nowhere");
        assert_eq!(confidence(&record, reflector), Some(Confidence::Strong), "it names its port itself");
        record.reflector = Attempt::not_tried("no reflector was given");
        record.hosts[1].media = answers();
        assert_eq!(confidence(&record, 0), Some(Confidence::Strong), "another relay answers");
    }

    #[test]
    fn a_reflector_whose_port_is_closed_says_nothing_where_relays_answer() {
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        let mut media = testing::media();
        media.stun.iter_mut().for_each(|try_| try_.outcome = Attempt::Failed(testing::failure(FailureKind::Timeout)));
        testing::seen(&mut record.reflector).host.media = Attempt::Seen(media);
        assert_eq!(against(&record, reflector), ["media-blocked"]);
        record.hosts[0].media = Attempt::Seen(testing::media());
        assert!(against(&record, reflector).is_empty());
    }
}
