use model::Confidence;

use super::reflected;
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the SYN that arrived at the reflector is not the one that left: its maximum segment size is larger than
    /// ours, or missing.
    ///
    /// Why it is proof: this machine announces a segment size that is smaller than any link or tunnel asks for. Devices that
    /// clamp it only make it smaller, so a larger one is another SYN: somebody opened a connection of their own. What arrived
    /// is signed.
    ///
    /// What can fool it: a load balancer before the reflector that ends TCP. A smaller value than ours is told and not
    /// counted: a link with small packets may ask for it. It does not apply through an explicit proxy.
    ///
    /// Source: RFC 9293 section 3.7.1 (maximum segment size option); RFC 6691.
    "syn-altered", D, "Another TCP connection arrives than the one that was opened", look, None,
    "Take {hosts} out of the transparent proxy or the accelerator.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    reflected::signed(view)
        .into_iter()
        .filter(|reflected| !reflected.connection.via_proxy)
        .filter_map(|reflected| {
            let ours = reflected.connection.mss?;
            let on = vec![reflected.index];
            match reflected.reflection.answer.syn.as_ref()?.mss {
                Some(theirs) if theirs > ours => {
                    let detail = format!("our SYN announced segments of {ours} octets, and one of {theirs} arrived");
                    Some(Sign::against(Confidence::Proven, detail).on(on))
                }
                None => {
                    let detail = format!("our SYN announced segments of {ours} octets, and one without a size arrived");
                    Some(Sign::against(Confidence::Strong, detail).on(on))
                }
                Some(theirs) if theirs < ours => {
                    let detail =
                        format!("our SYN announced segments of {ours} octets, and {theirs} arrived: a link with small packets?");
                    Some(Sign::silent(detail).on(on))
                }
                Some(_) => None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::{State, Syn};

    use crate::testing::{self, against, silent};

    #[test]
    fn a_larger_segment_size_is_another_syn() {
        let id = "syn-altered".to_owned();
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        let mut with = |mss: Option<u16>| {
            let host = &mut testing::seen(&mut record.reflector).host;
            host.connections.iter_mut().for_each(|c| c.mss = Some(1_000));
            let syn = Syn { ttl: 64, window: 64_240, options: "mss,sok,ts,nop,ws".to_owned(), mss, window_scale: Some(7) };
            testing::reflection(&mut record, |r| r.answer.syn = Some(syn.clone()));
            record.clone()
        };
        assert!(against(&with(Some(1_000)), reflector).is_empty());
        let altered = with(Some(1_460));
        assert_eq!(against(&altered, reflector), ["syn-altered"]);
        assert_eq!(testing::state(&altered, reflector), State::Intact, "TLS is whole");
        assert_eq!(against(&with(None), reflector), ["syn-altered"]);
        let clamped = with(Some(536));
        assert!(against(&clamped, reflector).is_empty());
        assert!(silent(&clamped, reflector).contains(&id));
    }
}
