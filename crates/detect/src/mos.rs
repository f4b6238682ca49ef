//! The quality of a call as a listener would score it, from what the network did to its packets: the E-model of ITU-T
//! G.107, cut down to what a network decides.
//!
//! `R = 93.2 - Id - Ie_eff`, where 93.2 is the rating of a perfect network with the model's default values;
//! - `Id = 0.024 d + 0.11 (d - 177.3) H(d - 177.3)` is what delay costs: `d` is the one-way delay from mouth to ear in
//!   milliseconds, `H` is 1 from 0 on and 0 below (Cole and Rosenbluth, Voice over IP performance monitoring, ACM CCR 31(2),
//!   2001; it approximates G.107 section 7.4);
//! - `Ie_eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl)` is what loss costs (G.107 section 7.5): `Ppl` is the loss in
//!   percent; `Ie = 0` and `Bpl = 25.1` are those of G.711 with loss concealment (G.113 Appendix I).
//!
//! `MOS = 1 + 0.035 R + R (R - 60) (100 - R) 7e-6` between 0 and 100 (G.107 Annex B).
//!
//! From the network to the ear: half of the round trip, twice the jitter for the buffer that smooths it, and 40 ms for the
//! codec and its packets. Services use other codecs, for which no such constants are published; so the score compares
//! networks, and is not what a service's own tools show. The model's narrow band tops out at 4.4.

use model::Call;

const PERFECT: f64 = 93.2;
/// Mouth to ear beside the network: 20 ms of speech in a packet, and as much for the codec.
const CODEC_MS: f64 = 40.0;
const JITTER_BUFFER_TIMES: f64 = 2.0;
/// G.711 with packet loss concealment.
const IE: f64 = 0.0;
const BPL: f64 = 25.1;

/// `None` where nothing came back, or the record holds numbers that cannot be.
pub(crate) fn of_call(call: &Call) -> Option<f64> {
    if call.sent == 0 || call.returned == 0 {
        return None;
    }
    let lost = 100.0 * f64::from(call.sent.saturating_sub(call.returned)) / f64::from(call.sent);
    let jitter = call.jitter_ms.0.max(call.jitter_there_ms.map_or(0.0, |there| there.0));
    let delay = call.median_ms.0 / 2.0 + JITTER_BUFFER_TIMES * jitter + CODEC_MS;
    let sane = [delay, call.burst_ratio].into_iter().all(|number| number.is_finite() && number >= 0.0);
    sane.then(|| score(rating(delay, lost, call.burst_ratio)))
}

/// The rating R. A burst ratio below 1, losses spread more evenly than chance, is read as 1: the model is for bursts.
fn rating(delay_ms: f64, loss_percent: f64, burst_ratio: f64) -> f64 {
    let long = (delay_ms - 177.3).max(0.0);
    let delay = 0.024 * delay_ms + 0.11 * long;
    let loss = IE + (95.0 - IE) * loss_percent / (loss_percent / burst_ratio.max(1.0) + BPL);
    PERFECT - delay - loss
}

fn score(rating: f64) -> f64 {
    match rating {
        r if r <= 0.0 => 1.0,
        r if r >= 100.0 => 4.5,
        // The cubic dips below 1 for very small ratings; 1 is the worst there is.
        r => (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0),
    }
}

#[cfg(test)]
mod tests {
    use model::Milliseconds;
    use proptest::prelude::*;

    use super::*;
    use crate::testing;

    /// ITU-T G.107 Annex B, table B.1: the score at the bounds of user satisfaction. The table rounds 4.024 to 4.03.
    #[test]
    fn scores_are_those_of_the_published_table() {
        for (rating, published) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
            assert!((score(rating) - published).abs() < 0.01, "R {rating}: {}", score(rating));
        }
        assert!((score(PERFECT) - 4.41).abs() < 0.006, "the model's own top");
        assert_eq!((score(-1.0), score(101.0)), (1.0, 4.5));
    }

    /// Cole and Rosenbluth give the delay's cost as 0.024 for each millisecond up to the corner at 177.3 ms.
    #[test]
    fn delay_and_loss_cost_what_the_model_says() {
        assert!((rating(0.0, 0.0, 1.0) - 93.2).abs() < 1e-9);
        assert!((rating(100.0, 0.0, 1.0) - 90.8).abs() < 1e-9);
        assert!((rating(177.3, 0.0, 1.0) - 88.9448).abs() < 1e-9);
        assert!((rating(277.3, 0.0, 1.0) - (93.2 - 0.024 * 277.3 - 11.0)).abs() < 1e-9);
        // 1 % of random loss: 95 / 26.1.
        assert!((rating(0.0, 1.0, 1.0) - (93.2 - 95.0 / 26.1)).abs() < 1e-9);
        assert!(rating(0.0, 5.0, 2.0) < rating(0.0, 5.0, 1.0), "bursts are worse than the same loss at random");
    }

    #[test]
    fn a_good_line_scores_well_and_a_bad_one_does_not() {
        let call = testing::seen(&mut testing::media().call).clone();
        assert!(of_call(&call).expect("a score") > 4.2);
        let bad = Call { returned: 425, median_ms: Milliseconds(400.0), jitter_ms: Milliseconds(60.0), ..call.clone() };
        assert!(of_call(&bad).expect("a score") < 2.0);
        assert_eq!(of_call(&Call { returned: 0, ..call.clone() }), None);
        assert_eq!(of_call(&Call { burst_ratio: f64::NAN, ..call }), None);
    }

    proptest! {
        #[test]
        fn it_is_always_a_score(delay in 0.0..1e6f64, loss in 0.0..100.0f64, burst in 0.0..100.0f64) {
            let score = score(rating(delay, loss, burst));
            prop_assert!((1.0..=4.5).contains(&score), "{}", score);
        }
    }
}
