use model::{Call, Confidence};

use crate::mos;
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: packets of a voice call's size and pace were lost, late or uneven beyond what a call bears: 1 % lost,
    /// 100 ms for the round trip, or 30 ms of jitter. The quality that a listener would give is told as a mean opinion score
    /// from 1 to 4.5, by the E-model.
    ///
    /// Why it is proof: the reflector sends every packet back by itself, and the call has the line to itself.
    ///
    /// What can fool it: a machine too busy to hold the pace; where our own sending was late by more than the jitter that is
    /// allowed, nothing is counted. A reflector that is far away costs a round trip that the service's own relays may not.
    ///
    /// Source: Microsoft 365 network connectivity test, thresholds for media (2025-04-02); RFC 3550 section 6.4.1 (jitter);
    /// ITU-T G.107 (E-model) and G.113 Appendix I, with the approximation of delay by Cole and Rosenbluth (2001).
    "media-impaired", E, "Calls are impaired", look, Some("media"),
    "Give media the shortest way out, past proxies and VPN, and look for a full or lossy link on it.", Line
}

/// Fewer packets say nothing about one lost in a hundred.
const FEWEST: u32 = 100;
const LOSS: f64 = 0.01;
const ROUND_TRIP_MS: f64 = 100.0;
const JITTER_MS: f64 = 30.0;

fn look(view: &View<'_>) -> Vec<Sign> {
    let Some(call) = view.host.media.seen().and_then(|media| media.call.seen()) else { return Vec::new() };
    if call.sent < FEWEST {
        return Vec::new();
    }
    let excesses = excesses(call);
    if excesses.is_empty() {
        return Vec::new();
    }
    let score = mos::of_call(call).map(|mos| format!("; mean opinion score {mos:.1} of 4.5")).unwrap_or_default();
    let detail = format!("{}{score}", crate::text::listed(&excesses));
    if call.lateness_ms.0 > JITTER_MS {
        let why = format!("this machine itself was {} late with a packet, so it says nothing about the line", call.lateness_ms);
        return vec![Sign::silent(format!("{detail}; {why}"))];
    }
    vec![Sign::against(Confidence::Strong, detail)]
}

/// What is out of its bounds, in words.
pub(crate) fn excesses(call: &Call) -> Vec<String> {
    let mut excesses = Vec::new();
    let lost = call.sent.saturating_sub(call.returned);
    if call.sent > 0 && f64::from(lost) >= LOSS * f64::from(call.sent) {
        let share = 100.0 * f64::from(lost) / f64::from(call.sent);
        excesses.push(format!("{share:.1} % of {} packets were lost", call.sent));
    }
    if call.returned > 0 && call.median_ms.0 > ROUND_TRIP_MS {
        excesses.push(format!("a round trip takes {}", call.median_ms));
    }
    if call.jitter_ms.0 > JITTER_MS {
        excesses.push(format!("jitter is {}", call.jitter_ms));
    }
    excesses
}

#[cfg(test)]
mod tests {
    use model::{Attempt, Milliseconds, State};

    use crate::testing::{self, against, silent};

    #[test]
    fn a_lossy_line_impairs_calls() {
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        let mut with = |change: &dyn Fn(&mut model::Call)| {
            let mut media = testing::media();
            change(testing::seen(&mut media.call));
            testing::seen(&mut record.reflector).host.media = Attempt::Seen(media);
            against(&record, reflector)
        };
        assert!(with(&|_| ()).is_empty());
        assert!(with(&|call| call.returned = 496).is_empty(), "0.8 %");
        assert_eq!(with(&|call| call.returned = 495), ["media-impaired"]);
        assert_eq!(with(&|call| call.jitter_ms = Milliseconds(31.0)), ["media-impaired"]);
        assert_eq!(with(&|call| call.median_ms = Milliseconds(120.0)), ["media-impaired"]);
        assert!(with(&|call| (call.sent, call.returned) = (50, 10)).is_empty(), "too few to tell");
        let busy = |call: &mut model::Call| {
            call.jitter_ms = Milliseconds(60.0);
            call.lateness_ms = Milliseconds(80.0);
        };
        assert!(with(&busy).is_empty());
        assert!(silent(&record, reflector).contains(&"media-impaired".to_owned()));
    }

    #[test]
    fn the_line_counts_although_only_the_reflector_measures_it() {
        let mut record = testing::with_reflector();
        let mut media = testing::media();
        testing::seen(&mut media.call).returned = 400;
        testing::seen(&mut record.reflector).host.media = Attempt::Seen(media);
        let judgement = crate::judge(&record, &crate::Knowledge::builtin());
        assert_eq!(judgement.exit, model::ExitCode::Degradation);
        let finding = judgement.findings.iter().find(|finding| finding.id == "media-impaired").expect("a finding");
        assert_eq!(finding.state, State::Degraded);
        assert_eq!(finding.hosts, ["reflector.example:443"]);
    }
}
