use super::content::{Fate, Pattern, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: text with published test numbers arrived, but not octet for octet, and harmless text of the same length
    /// did: numbers were masked, or a page came with status 200.
    ///
    /// Why it is proof: what comes in is known beforehand; what arrived at the far end is its signed word.
    ///
    /// What can fool it: data loss prevention software on this machine.
    ///
    /// Source: test numbers as card schemes and standards bodies publish them.
    "content-altered", B, "Uploads with test card numbers are altered", look, Some("https"),
    "Exempt {hosts} from content inspection on the path; the service has its own policies for data in it.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Pattern::Data, Fate::Altered)
}

#[cfg(test)]
mod tests {
    use super::super::content::tests::{alter, check};

    #[test]
    fn a_pattern_that_arrives_as_something_else_was_masked() {
        check("content-altered", "payment-cards", alter);
    }
}
