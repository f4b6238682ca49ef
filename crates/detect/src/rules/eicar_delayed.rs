use super::content::{Fate, Pattern, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the EICAR test file passed, but took at least a second and three times as long more than the slower of
    /// two controls, harmless text up and down.
    ///
    /// Why it is proof of the second rank: the line slows both alike; who looks into the one slows that one.
    ///
    /// What can fool it: a line that stood still for a moment.
    ///
    /// Source: EICAR, anti-malware test file.
    "eicar-delayed", B, "The EICAR test file is held back", look, None,
    "Exempt {hosts} from malware scanning on the path; the service scans what it stores.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Pattern::Eicar, Fate::Delayed)
}

#[cfg(test)]
mod tests {
    use super::super::content::tests::{delay, check};

    #[test]
    fn a_test_file_that_waits_was_looked_at() {
        check("eicar-delayed", "eicar", delay);
    }
}
