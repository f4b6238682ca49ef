use super::content::{Fate, Pattern, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the EICAR test file, which is harmless and known to every antivirus program, was refused on its way to or
    /// from the reflector, and harmless text of the same length passed.
    ///
    /// Why it is proof: the reflector takes and gives both alike. Only who reads the content can tell them apart.
    ///
    /// What can fool it: antivirus software on this machine that reads what programs send; it is software on the path, too.
    ///
    /// Source: EICAR, anti-malware test file; RFC 3507 (ICAP, by which proxies ask scanners).
    "eicar-refused", B, "The EICAR test file is refused", look, None,
    "Exempt {hosts} from malware scanning on the path; the service scans what it stores.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Pattern::Eicar, Fate::Refused)
}

#[cfg(test)]
mod tests {
    use super::super::content::tests::{refuse, check};

    #[test]
    fn a_test_file_that_is_refused_was_scanned_for() {
        check("eicar-refused", "eicar", refuse);
    }
}
