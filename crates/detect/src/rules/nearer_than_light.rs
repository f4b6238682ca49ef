use model::{Confidence, Coordinates, Milliseconds, Transport};

use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: TCP connections open faster than light could go to the far end and back.
    ///
    /// Why it is proof: nothing is faster than light in a vacuum, and cables are a third slower. So somebody nearer takes the
    /// connection: a transparent proxy, an accelerator, a gateway. It says nothing about who ends TLS.
    ///
    /// What can fool it: a wrong place, of this machine or of the far end. Places are good to a city, so 100 km are taken off;
    /// a far end in many places under one address has no place, and is not judged.
    ///
    /// Source: speed of light, 299 792 458 m/s (SI); RFC 3135 section 2 (performance enhancing proxies).
    "nearer-than-light", D, "Somebody nearer than the service takes the connections", look, None,
    "Take {hosts} out of the transparent proxy or the accelerator."
}

/// In a vacuum; in fibre it is about 200.
const LIGHT_KM_PER_MS: f64 = 299.792_458;
/// Two places that are told to the city.
const TOLERANCE_KM: f64 = 100.0;

fn look(view: &View<'_>) -> Vec<Sign> {
    let here = view.record.geo.seen().and_then(|geo| geo.here.as_ref());
    let Some((here, there)) = here.zip(far_end(view)) else { return Vec::new() };
    let distance = here.at.distance_km(there);
    let least = Milliseconds(2.0 * (distance - TOLERANCE_KM) / LIGHT_KM_PER_MS);
    let direct: Vec<(usize, f64)> = view
        .host
        .connections
        .iter()
        .enumerate()
        .filter(|(_, c)| c.transport == Transport::Tcp && !c.via_proxy)
        .filter_map(|(index, c)| Some((index, c.connect_ms?.0)))
        .filter(|(_, took)| took.is_finite() && *took >= 0.0 && *took < least.0)
        .collect();
    let Some(fastest) = direct.iter().map(|(_, took)| *took).reduce(f64::min) else { return Vec::new() };
    let detail = format!(
        "TCP opens in {}, and the far end is {distance:.0} km away: light takes {least} there and back",
        Milliseconds(fastest)
    );
    vec![Sign::against(Confidence::Strong, detail).on(direct.into_iter().map(|(index, _)| index).collect())]
}

/// Where the far end is: as the profile promises, or as the reflector's signed answer says.
fn far_end(view: &View<'_>) -> Option<Coordinates> {
    let signed = || super::reflected::signed(view).into_iter().find_map(|r| r.reflection.answer.place);
    let place = view.host.target.promises.place.or_else(signed)?;
    Coordinates::new(place.latitude, place.longitude)
}

#[cfg(test)]
mod tests {
    use model::{Coordinates, State};

    use crate::testing::{self, against};

    #[test]
    fn twenty_milliseconds_do_not_reach_the_other_side() {
        let mut record = testing::clean();
        record.geo = testing::geo(&[]);
        assert!(against(&record, 0).is_empty(), "no place is known");
        record.hosts[0].target.promises.place = Coordinates::new(38.72, -9.14);
        assert!(against(&record, 0).is_empty(), "2 311 km and back take light 15 ms");
        record.hosts[0].target.promises.place = Coordinates::new(40.71, -74.0);
        assert_eq!(against(&record, 0), ["nearer-than-light"]);
        assert_eq!(testing::state(&record, 0), State::Intact);
        record.hosts[0].connections.iter_mut().for_each(|c| c.via_proxy = true);
        assert!(!against(&record, 0).contains(&"nearer-than-light".to_owned()));
    }

    #[test]
    fn the_reflector_says_where_it_is() {
        let mut record = testing::with_reflector();
        let reflector = record.hosts.len();
        record.geo = testing::geo(&[]);
        testing::reflection(&mut record, |r| r.answer.place = Coordinates::new(-33.87, 151.21));
        assert_eq!(against(&record, reflector), ["nearer-than-light"]);
        testing::reflection(&mut record, |r| r.signature_valid = false);
        assert!(against(&record, reflector).is_empty());
    }
}
