use super::fidelity::{Sort, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: a large or chunked request body, or one announced with 100-continue, got an answer that the far end did
    /// not give, or none.
    ///
    /// Why it is proof: the reflector takes bodies of that length and signs their hash. Proxies and scanners that hold a
    /// body before they pass it on have limits of their own.
    ///
    /// What can fool it: a load balancer in front of the reflector with a limit of its own.
    ///
    /// Source: RFC 9110 sections 15.5.14 (413) and 10.1.1 (Expect: 100-continue).
    "upload-refused", B, "Uploads are refused on the way", look, Some("https"),
    "Raise the limit for request bodies to {hosts}, or exempt them from inspection.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Sort::UploadRefused)
}

#[cfg(test)]
mod tests {
    use model::{DifferenceKind, Way};

    use super::super::fidelity::tests::check;

    #[test]
    fn a_large_body_that_somebody_else_answers_was_refused() {
        check("upload-refused", "upload-large", DifferenceKind::Refused, Way::Request, "status");
    }
}
