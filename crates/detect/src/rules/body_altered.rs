use super::fidelity::{Sort, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the octets of a body are not those that were sent.
    ///
    /// Why it is proof: the response is known octet for octet beforehand, and the far end signs the hash of what it got.
    ///
    /// What can fool it: nothing known; connections that are proven whole are left out.
    ///
    /// Source: RFC 9110 sections 6.4 (content) and 7.7 (message transformations).
    "body-altered", B, "Bodies were altered on the way", look, Some("https"),
    "Exempt {hosts} from content filtering and rewriting.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Sort::BodyAltered)
}

#[cfg(test)]
mod tests {
    use model::{DifferenceKind, Way};

    use super::super::fidelity::tests::check;

    #[test]
    fn other_octets_were_written() {
        check("body-altered", "body-1", DifferenceKind::Changed, Way::Response, "body");
        check("body-altered", "upload-1", DifferenceKind::Changed, Way::Request, "body");
    }
}
