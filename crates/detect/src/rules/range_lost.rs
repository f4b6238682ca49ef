use super::fidelity::{Sort, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: a request for a part of a file arrived without its Range header, or was answered with the whole.
    ///
    /// Why it is proof: the far end answers ranges, and signs what it got. Scanners that want to see a whole file drop them;
    /// large downloads then cannot be resumed, and documents open slowly.
    ///
    /// What can fool it: a cache in front of the reflector.
    ///
    /// Source: RFC 9110 section 14 (range requests).
    "range-lost", B, "Range requests are lost on the way", look, Some("https"),
    "Let Range requests and 206 responses pass for {hosts}, or exempt them from scanning.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Sort::RangeLost)
}

#[cfg(test)]
mod tests {
    use model::{DifferenceKind, Way};

    use super::super::fidelity::tests::check;

    #[test]
    fn a_range_that_comes_back_as_the_whole_was_lost() {
        check("range-lost", "range", DifferenceKind::Refused, Way::Response, "status");
        check("range-lost", "parts", DifferenceKind::Removed, Way::Request, "range");
    }
}
