use super::fidelity::{Sort, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: fields that follow a body did not arrive, or a request that has them was ended without an answer while
    /// others were answered.
    ///
    /// Why it is proof: they were sent after it, in chunks or in frames, and the far end signs those that it got. Who holds a
    /// body and writes it anew usually drops them; programs that use gRPC need them. A request that was ended is weak.
    ///
    /// What can fool it: the standard allows an intermediary to drop trailers, so this shows one and breaks no promise; a
    /// load balancer in front of the reflector does the same.
    ///
    /// Source: RFC 9110 section 6.5 (trailer fields); RFC 9112 section 7.1.2; mitmproxy 8.1.1 in the lab, 2026-11.
    "trailers-lost", B, "Trailers are lost on the way", look, None,
    "Exempt {hosts} from HTTP inspection.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Sort::TrailersLost)
}

#[cfg(test)]
mod tests {
    use model::{DifferenceKind, Way};

    use super::super::fidelity::tests::check;

    #[test]
    fn what_follows_a_body_is_dropped_by_who_writes_it_anew() {
        check("trailers-lost", "trailers", DifferenceKind::Removed, Way::Response, "trailers");
        check("trailers-lost", "trailers", DifferenceKind::Removed, Way::Request, "x-check");
    }
}
