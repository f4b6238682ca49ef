use crate::rules::Sign;
use crate::standing::Standing;
use crate::text::span;
use crate::view::View;

rule! {
    /// What it shows: the clock of this machine is wrong. Certificates of several hosts fail by their dates alone, and
    /// the Date headers of these hosts agree with each other and not with this machine, by more than an hour.
    ///
    /// Why it is not proof: the signatures lead to public roots, so nobody minted these certificates on the path; but
    /// whether they are valid today is a question that a machine without the time cannot answer. The detail says
    /// whether they would be valid at the time that the peers have.
    ///
    /// What can fool it: one operator whose clocks are all wrong. Where there are several hosts, two must agree.
    ///
    /// Source: RFC 5280 section 4.1.2.5 (validity); RFC 9110 section 6.6.1 (Date).
    "wrong-clock", A, "The clock of this machine is wrong", look, None,
    "Set this machine's clock, then run the check again."
}

fn look(view: &View<'_>) -> Vec<Sign> {
    let Some(behind) = view.context.clock_behind_s else { return Vec::new() };
    if !view.judged_by_public_trust() {
        return Vec::new();
    }
    let direction = if behind > 0 { "behind" } else { "ahead of" };
    let peers = view.context.peers_time(view.record);
    view.chains()
        .filter(|(_, _, standing, _)| **standing == Standing::Untimely)
        .filter_map(|(_, chain, _, connections)| {
            let leaf = chain.facts.leaf()?;
            let then = match peers {
                Some(time) if leaf.not_before <= time && time <= leaf.not_after => "valid at their time",
                _ => "not valid at their time either",
            };
            let detail = format!(
                "this machine's clock is {} {direction} that of its peers; the certificate leads to a public root and is {then}",
                span(behind)
            );
            Some(Sign::silent(detail).on(connections))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::State;

    use crate::testing::{self, against, silent};

    #[test]
    fn a_wrong_clock_is_not_an_interceptor() {
        for days in [-400, 400] {
            let record = testing::with_clock_off(days * 86_400);
            assert!(silent(&record, 0).contains(&"wrong-clock".to_owned()));
            assert!(against(&record, 0).is_empty());
            assert_eq!(testing::state(&record, 0), State::Unknown);
        }
    }

    #[test]
    fn an_expired_certificate_at_the_right_time_is_no_wrong_clock() {
        let mut record = testing::clean();
        record.hosts.iter_mut().for_each(|host| host.chains[0].facts.public = model::Validation::Expired);
        assert!(!silent(&record, 0).contains(&"wrong-clock".to_owned()));
        assert!(silent(&record, 0).contains(&"expired-certificate".to_owned()));
    }
}
