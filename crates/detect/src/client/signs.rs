//! The signs that a verdict over an observation names, each with the page that a user reads.

use model::Class;

/// One kind of [`model::Sign`].
#[derive(Debug)]
pub struct ClientSign {
    /// The stable name, in kebab-case; [`model::Sign::id`].
    pub id: &'static str,
    pub class: Class,
    pub title: &'static str,
    pub page: &'static str,
}

macro_rules! signs {
    ($($(#[doc = $line:literal])* $name:ident, $id:literal, $class:ident, $title:literal;)*) => {
        $(
            $(#[doc = $line])*
            pub(super) static $name: ClientSign =
                ClientSign { id: $id, class: Class::$class, title: $title, page: concat!($($line, "\n"),*) };
        )*

        /// All signs, in the order in which they weigh.
        pub fn client_signs() -> &'static [&'static ClientSign] {
            static TABLE: &[&ClientSign] = &[$(&$name),*];
            TABLE
        }
    };
}

signs! {
    /// What it shows: the ClientHello is not one that the browser named in the User-Agent sends. Impossible is what no version
    /// under any policy does; unlikely is what a setting explains, or a version that nobody has recorded.
    ///
    /// Why it speaks against the path: who ends TLS on the way opens a connection of his own to the service, with his own
    /// library. The User-Agent stays the browser's.
    ///
    /// What can fool it: a script that borrows a browser's User-Agent looks the same here, so an impossible hello counts on a
    /// request that otherwise looks like that browser; an intermediary that copies the browser's hello is not seen.
    ///
    /// Source: Durumeric et al., The Security Impact of HTTPS Interception (NDSS 2017); the rules with their sources in
    /// `crates/detect/data/browsers.toml`.
    HELLO, "ua-hello-mismatch", C, "The ClientHello is not that of the browser";

    /// What it shows: SETTINGS, window or order of pseudo-headers of the HTTP/2 connection are not those of the browser named in
    /// the User-Agent.
    ///
    /// Why it speaks against the path: HTTP/2 ends where TLS ends, in a library of its own. So this also sees who copies the
    /// browser's ClientHello.
    ///
    /// What can fool it: a release that changes its settings; one value that differs is unlikely and no more.
    ///
    /// Source: Shuster et al., Passive Fingerprinting of HTTP/2 Clients (Akamai, 2017); `crates/detect/data/http2.toml`.
    HTTP2, "ua-http2-mismatch", C, "The HTTP/2 preface is not that of the browser";

    /// What it shows: the first packet of the connection is laid out as another operating system does it than the User-Agent
    /// names.
    ///
    /// Why it speaks against the path: the SYN is made by the last machine that opened the connection.
    ///
    /// What can fool it: proxies that decrypt nothing, VPNs, load balancers before the recorder and virtual machines make SYNs
    /// of their own, so this is unlikely at most, and nothing at all where the ClientHello fits.
    ///
    /// Source: RFC 9293 section 3.1; `crates/detect/data/syn.toml`.
    SYN, "ua-syn-mismatch", C, "The SYN is not that of the operating system";

    /// What it shows: a browser that always offers HTTP/2 made a request over HTTP/1.1, on a connection that did not offer more.
    ///
    /// Why it speaks against the path: many intermediaries speak HTTP/1.1 alone towards the service.
    ///
    /// What can fool it: a server that asks for HTTP/1.1 makes browsers come back so. It is no witness beside a ClientHello
    /// that already differs.
    ///
    /// Source: RFC 9113 section 3.2; RFC 7301.
    CEILING, "protocol-ceiling", C, "A browser that did not offer HTTP/2";

    /// What it shows: a program that is no browser names itself, and its ClientHello is of a TLS library that it is not built
    /// on: Office on Windows with a hello of OpenSSL.
    ///
    /// Why it speaks against the path: as with a browser, who ends TLS speaks with his own library.
    ///
    /// What can fool it: a build on another library than the table knows; scripts that borrow the name. For names that are
    /// often borrowed it is not called interception.
    ///
    /// Source: `crates/detect/data/clients.toml`.
    TOOL, "tool-hello-mismatch", C, "The ClientHello is not that of the program's library";

    /// What it shows: the ClientHello equals that of one product that intercepts, as it configures its library, and no honest
    /// program is known that sends it.
    ///
    /// Why it speaks against the path: it names who may have opened the connection. It proves nothing by itself.
    ///
    /// What can fool it: programs that nobody has captured may configure the same library the same way.
    ///
    /// Source: `crates/detect/data/hello-clusters.toml`.
    INTERCEPTOR_HELLO, "interceptor-hello", C, "The ClientHello of a product that intercepts";

    /// What it shows: the request carries a header field in which a product names itself.
    ///
    /// Why it speaks against the path: the field was added to what TLS protects, so TLS ended there, or on the device itself.
    ///
    /// What can fool it: a service that runs the same product in front of its own servers.
    ///
    /// Source: `crates/detect/data/interceptors.toml`.
    INTERCEPTOR_HEADER, "interceptor-header", B, "A header field of a known product";

    /// What it shows: the request carries a header field that every proxy adds, such as Via or X-Forwarded-For.
    ///
    /// Why it is told: something parsed HTTP on the way.
    ///
    /// What can fool it: the service's own front ends do the same, so it decides nothing by itself.
    ///
    /// Source: RFC 9110 section 7.6.3; RFC 7239.
    INTERMEDIARY_HEADER, "intermediary-header", B, "A header field of an intermediary";

    /// What it shows: the header fields stand in an order, or are written in letters, that the browser does not use.
    ///
    /// Why it is told: who ends HTTP writes the request anew. It is told beside other signs and decides nothing by itself.
    ///
    /// What can fool it: the service's own front ends; extensions of the browser.
    ///
    /// Source: captures of the lab, 2026-11.
    REWRITTEN, "headers-rewritten", B, "Header fields written anew";

    /// What it shows: the client's address is of an autonomous system that a vendor runs for its cloud proxies.
    ///
    /// Why it is told: the path leads through that vendor. It says who decrypts where another sign says that somebody does.
    ///
    /// What can fool it: the same network may carry traffic that it does not decrypt.
    ///
    /// Source: `crates/detect/data/interceptors.toml`.
    INTERCEPTOR_NETWORK, "interceptor-network", D, "The network of a known product";

    /// What it shows: a WebSocket was refused, reset, not answered, or ended without a close frame.
    ///
    /// Why it is told: intermediaries that do not pass on the Upgrade of HTTP/1.1 break what is built on WebSockets.
    ///
    /// What can fool it: the service's own failures.
    ///
    /// Source: RFC 6455 sections 4.1 and 7.1.5.
    WEBSOCKET, "websocket-failed", E, "A WebSocket that did not live";

    /// What it shows: the ClientHello is that of the browser and the version that the User-Agent names.
    ///
    /// Why it speaks for the path: TLS was opened by that browser, or by somebody who copies it in every field.
    ///
    /// What can fool it: a perfect copy. Only the two ends together can tell (`exporter-equal`, `hello-equal`).
    ///
    /// Source: `crates/detect/data/browsers.toml`.
    HELLO_FITS, "ua-hello-fits", C, "The ClientHello is that of the browser";

    /// What it shows: the ClientHello can be of the TLS library that the program is built on, and no interceptor is known to
    /// be built on that library.
    ///
    /// Why it speaks for the path: TLS was opened by such a program.
    ///
    /// What can fool it: a product on that library that nobody has described.
    ///
    /// Source: `crates/detect/data/clients.toml`.
    TOOL_FITS, "tool-hello-fits", C, "The ClientHello is that of the program's library";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_has_a_page_and_a_name_of_its_own() {
        let mut names = std::collections::BTreeSet::new();
        for sign in client_signs() {
            assert!(names.insert(sign.id), "{}", sign.id);
            for part in ["What it shows: ", "What can fool it: ", "Source: "] {
                assert!(sign.page.contains(part), "{}: {part}", sign.id);
            }
        }
        let rules = crate::rules().iter().map(|rule| rule.id);
        assert!(rules.chain(crate::path_rules().iter().map(|rule| rule.id)).all(|id| names.insert(id)));
    }
}
