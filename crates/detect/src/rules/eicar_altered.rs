use super::content::{Fate, Pattern, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the EICAR test file went out or came in, but not octet for octet, and harmless text of the same length
    /// did. Some scanners cut what they find, or send a page with status 200.
    ///
    /// Why it is proof: what comes in is known beforehand; what arrived at the far end is its signed word.
    ///
    /// What can fool it: antivirus software on this machine.
    ///
    /// Source: EICAR, anti-malware test file.
    "eicar-altered", B, "The EICAR test file is altered", look, None,
    "Exempt {hosts} from malware scanning on the path; the service scans what it stores.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Pattern::Eicar, Fate::Altered)
}

#[cfg(test)]
mod tests {
    use super::super::content::tests::{alter, check};

    #[test]
    fn a_test_file_that_arrives_as_something_else_was_cleaned() {
        check("eicar-altered", "eicar", alter);
    }
}
