use super::content::{Fate, Pattern, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: text with published test numbers of payment cards, an IBAN or an identity document was refused on its
    /// way, and harmless text of the same length passed.
    ///
    /// Why it is proof: the reflector takes both alike. Only who reads the content can tell them apart.
    ///
    /// What can fool it: data loss prevention software on this machine; it is software on the path, too.
    ///
    /// Source: test numbers as card schemes and standards bodies publish them; each is listed on the page of the check.
    "content-refused", B, "Uploads with test card numbers are refused", look, Some("https"),
    "Exempt {hosts} from content inspection on the path; the service has its own policies for data in it.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Pattern::Data, Fate::Refused)
}

#[cfg(test)]
mod tests {
    use super::super::content::tests::{refuse, check};

    #[test]
    fn a_pattern_that_is_refused_was_read() {
        check("content-refused", "payment-cards", refuse);
    }
}
