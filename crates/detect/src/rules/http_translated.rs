use super::fidelity::{Sort, signs};
use crate::rules::Sign;
use crate::view::View;

rule! {
    /// What it shows: a request left in one version of HTTP or with one kind of framing and arrived in another: HTTP/2 became
    /// HTTP/1.1, or a body sent in chunks arrived with a length, so somebody took all of it before passing it on.
    ///
    /// Why it is proof: version and framing belong to one connection; who changes them ends the connection. The far end
    /// signs what it got. On a whole connection it is told and not counted.
    ///
    /// What can fool it: a load balancer in front of the reflector; it must then be part of the path that is judged.
    ///
    /// Source: RFC 9110 section 3.7 (intermediaries); RFC 9112 section 6 and RFC 9113 section 8.1 (framing).
    "http-translated", B, "HTTP is translated on the way", look, None,
    "Exempt {hosts} from HTTP inspection, so that both ends speak one version of HTTP.", FarEnd
}

fn look(view: &View<'_>) -> Vec<Sign> {
    signs(view, Sort::HttpTranslated)
}

#[cfg(test)]
mod tests {
    use model::{DifferenceKind, Way};

    use super::super::fidelity::tests::check;

    #[test]
    fn another_version_or_framing_was_translated() {
        check("http-translated", "chunked-upload", DifferenceKind::Translated, Way::Request, "framing");
        check("http-translated", "version", DifferenceKind::Changed, Way::Request, "version");
    }
}
