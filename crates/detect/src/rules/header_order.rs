use super::fidelity::{Sort, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: headers with different names arrived in another order than they were sent in.
    ///
    /// Why it is proof: the order of different names means nothing, so nobody has a reason to change it; a proxy that reads a
    /// message into a table and writes it anew loses it. It breaks nothing by itself and shows who parses.
    ///
    /// What can fool it: a load balancer in front of the reflector.
    ///
    /// Source: RFC 9110 section 5.3 (field order).
    "header-order", B, "Headers were reordered on the way", look, None,
    "Exempt {hosts} from HTTP inspection.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Sort::HeaderOrder)
}

#[cfg(test)]
mod tests {
    use model::{DifferenceKind, Way};

    use super::super::fidelity::tests::check;

    #[test]
    fn another_order_means_that_it_was_written_anew() {
        check("header-order", "header-order", DifferenceKind::Reordered, Way::Request, "headers");
    }
}
