use super::fidelity::{Sort, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: a new question was answered with an old answer: the nonce in it is not the one that was asked with.
    ///
    /// Why it is proof: the far end makes every answer anew. Somebody kept one, against what the response allows.
    ///
    /// What can fool it: a cache in front of the reflector.
    ///
    /// Source: RFC 9111 section 3 (storing responses in caches) and 5.2 (Cache-Control).
    "cached-answer", B, "Answers come from a cache on the way", look, Some("https"),
    "Exempt {hosts} from caching.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Sort::CachedAnswer)
}

#[cfg(test)]
mod tests {
    use model::{DifferenceKind, Way};

    use super::super::fidelity::tests::check;

    #[test]
    fn an_old_answer_was_kept_by_somebody() {
        check("cached-answer", "cache-nonce", DifferenceKind::Cached, Way::Response, "body");
    }
}
