use super::fidelity::{Sort, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: a request with a method such as PATCH, PROPFIND or DELETE got an answer that the far end did not give,
    /// or arrived with another method.
    ///
    /// Why it is proof: the reflector answers every method and signs what it got. Filters that allow a list of methods
    /// answer the others themselves.
    ///
    /// What can fool it: a load balancer in front of the reflector that allows a list of methods.
    ///
    /// Source: RFC 9110 section 9 (methods); RFC 5789 (PATCH); RFC 4918 (WebDAV).
    "method-refused", B, "A request was refused on the way", look, Some("https"),
    "Allow every HTTP method to {hosts}, or exempt them from inspection.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Sort::MethodRefused)
}

#[cfg(test)]
mod tests {
    use model::{DifferenceKind, Way};

    use super::super::fidelity::tests::check;

    #[test]
    fn a_method_that_somebody_else_answers_was_refused() {
        check("method-refused", "method-patch", DifferenceKind::Refused, Way::Request, "status");
        check("method-refused", "method-head", DifferenceKind::Changed, Way::Request, "method");
    }
}
