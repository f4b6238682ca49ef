use super::fidelity::{Sort, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: a cookie that was set does not come back as it was, or a sign-in that is carried by redirects and a
    /// cookie goes in circles.
    ///
    /// Why it is proof: cookies travel from end to end, in number and in length as they are; the far end signs those that
    /// arrived. A path that cuts them makes the login loop that people report.
    ///
    /// What can fool it: a load balancer in front of the reflector with a limit for headers.
    ///
    /// Source: RFC 6265 sections 4 and 6.1 (limits).
    "cookie-lost", B, "Cookies are lost on the way", look, Some("https"),
    "Let Cookie and Set-Cookie pass to {hosts}, or exempt them from inspection: without them people sign in again and again.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Sort::CookieLost)
}

#[cfg(test)]
mod tests {
    use model::{DifferenceKind, Way};

    use super::super::fidelity::tests::check;

    #[test]
    fn a_cookie_that_does_not_come_back_is_a_login_loop() {
        check("cookie-lost", "cookie-loop", DifferenceKind::Looped, Way::Response, "cookie");
        check("cookie-lost", "cookies", DifferenceKind::Removed, Way::Request, "cookie");
    }
}
