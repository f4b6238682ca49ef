use super::content::{Fate, Pattern, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: text with published test numbers passed, but took at least a second and three times as long more than the
    /// slower of two controls, harmless text up and down.
    ///
    /// Why it is proof of the second rank: the line slows both alike; who looks into the one slows that one.
    ///
    /// What can fool it: a line that stood still for a moment.
    ///
    /// Source: test numbers as card schemes and standards bodies publish them.
    "content-delayed", B, "Uploads with test card numbers are held back", look, None,
    "Exempt {hosts} from content inspection on the path; the service has its own policies for data in it.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Pattern::Data, Fate::Delayed)
}

#[cfg(test)]
mod tests {
    use super::super::content::tests::{delay, check};

    #[test]
    fn a_pattern_that_waits_was_looked_at() {
        check("content-delayed", "payment-cards", delay);
    }
}
