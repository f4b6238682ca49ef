use super::fidelity::{Sort, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: the value of a header, the letters of its name, the path or the status is not what was sent.
    ///
    /// Why it is proof: an end-to-end header travels as it is, and the case of a name, which means nothing in HTTP/1.1, is
    /// kept by everybody who does not parse and write the message anew. What arrived is signed; what comes back is known
    /// beforehand.
    ///
    /// What can fool it: a load balancer in front of the reflector.
    ///
    /// Source: RFC 9110 sections 5.1 (names), 5.5 (values) and 7.7 (message transformations).
    "header-altered", B, "Requests or responses were rewritten on the way", look, None,
    "Exempt {hosts} from HTTP inspection.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Sort::HeaderAltered)
}

#[cfg(test)]
mod tests {
    use model::{DifferenceKind, Way};

    use super::super::fidelity::tests::check;

    #[test]
    fn another_value_or_another_case_was_written() {
        check("header-altered", "header-values", DifferenceKind::Changed, Way::Request, "x-value");
        check("header-altered", "header-case", DifferenceKind::Recased, Way::Request, "X-CaSe");
        check("header-altered", "status", DifferenceKind::Changed, Way::Response, "status");
    }
}
