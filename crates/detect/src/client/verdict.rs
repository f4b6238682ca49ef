//! From the comparisons to the verdict over one observation.
//!
//! The order in which things weigh (class C is the client that is not what it claims, B an altered request, E what does not
//! work):
//! - An impossible comparison on a request that otherwise looks like that browser is interception: client hints and fetch
//!   metadata survive it, and tools that borrow a User-Agent rarely have them. Where the record has no headers to look at, it
//!   is interception too, with weak confidence.
//! - An impossible comparison on a request that does not look like that browser is a borrowed User-Agent, and says nothing.
//! - Two unlikely comparisons that are independent of each other (ClientHello, HTTP/2 preface, SYN) are interception.
//! - Any comparison that fails together with a header field or the network of a known product is interception.
//! - A product's header field alone is manipulation. One that every proxy adds may be the service's own.
//! - A ClientHello that fits is intact, with a SYN of another system too: whoever passes TCP on by himself (a proxy that does
//!   not decrypt, a VPN, a load balancer) makes a SYN of his own. A program that is no browser and matches its own library is intact, or unknown where
//!   interceptors are built on that library too.
//! - All else is unknown, with its reason.

use model::{Attribution, Classification, Confidence, Sign, State};

use super::Fit;
use super::headers::{Added, Likeness};
use super::signs::{self, ClientSign};
use crate::text::quoted;

/// Everything that was seen of one observation.
#[derive(Debug)]
pub(super) struct Seen<'s> {
    pub(super) hello: Fit,
    /// What the hello fits, for a person; it is a part of the reasons where the verdict is intact.
    pub(super) fits: String,
    /// The library is one that interceptors are built on.
    pub(super) shared: Option<&'s str>,
    /// The version is one that was recorded, and all of the hello was there to compare.
    pub(super) certain: bool,
    pub(super) tool: bool,
    pub(super) http2: Fit,
    pub(super) syn: Fit,
    pub(super) ceiling: Fit,
    pub(super) rewritten: Fit,
    pub(super) likeness: Likeness,
    pub(super) added: &'s [Added<'s>],
    /// Why the network is that of a product.
    pub(super) network: Option<String>,
    /// Why the hello is one product's own.
    pub(super) product_hello: Option<String>,
    /// What became of a WebSocket that did not work.
    pub(super) websocket: Option<String>,
}

/// Puts it together. `attribute` is asked only where there is somebody to name.
pub(super) fn verdict(seen: &Seen<'_>, attribute: impl FnOnce() -> Vec<Attribution>) -> Classification {
    let mut evidence = Vec::new();
    let mut tell = |sign: &ClientSign, detail: &str| {
        evidence.push(Sign { id: sign.id.to_owned(), class: sign.class, detail: detail.to_owned() });
    };
    let comparisons = [
        (if seen.tool { &signs::TOOL } else { &signs::HELLO }, &seen.hello),
        (&signs::HTTP2, &seen.http2),
        (&signs::SYN, &seen.syn),
        (&signs::CEILING, &seen.ceiling),
    ];
    let (mut impossible, mut unlikely) = (false, 0_usize);
    for (sign, fit) in comparisons {
        let (Fit::Unlikely(detail) | Fit::Impossible(detail)) = fit else { continue };
        tell(sign, detail);
        impossible |= matches!(fit, Fit::Impossible(_));
        // What was offered is a part of the hello, and no witness beside it.
        let told = sign.id == signs::CEILING.id && seen.hello.is_against();
        unlikely = unlikely.saturating_add(usize::from(!told));
    }
    let client_differs = impossible || unlikely > 0;
    if let Some(detail) = &seen.product_hello {
        tell(&signs::INTERCEPTOR_HELLO, detail);
    }
    let named = seen.added.iter().any(|added| added.row.is_some());
    for added in seen.added {
        let sign = if added.row.is_some() { &signs::INTERCEPTOR_HEADER } else { &signs::INTERMEDIARY_HEADER };
        tell(sign, &header(added));
    }
    if let Some(detail) = &seen.network {
        tell(&signs::INTERCEPTOR_NETWORK, detail);
    }
    let known_product = named || seen.network.is_some();
    if client_differs && let Fit::Unlikely(detail) = &seen.rewritten {
        tell(&signs::REWRITTEN, detail);
    }
    if let Some(detail) = &seen.websocket {
        tell(&signs::WEBSOCKET, detail);
    }
    let borrowed = matches!(seen.likeness, Likeness::Unlike(_));
    let (state, confidence, reason) = if client_differs && known_product {
        (State::Intercepted, Confidence::Strong, None)
    } else if (impossible || unlikely > 1) && borrowed {
        let why = match seen.likeness {
            Likeness::Unlike(why) => why,
            Likeness::Like(_) | Likeness::Unknown => "",
        };
        (State::Unknown, Confidence::Weak, Some(format!("borrowed user agent: {why}")))
    } else if impossible {
        let strong = matches!(seen.likeness, Likeness::Like(_));
        (State::Intercepted, if strong { Confidence::Strong } else { Confidence::Weak }, None)
    } else if unlikely > 1 {
        (State::Intercepted, Confidence::Weak, None)
    } else if named {
        (State::Manipulated, Confidence::Strong, None)
    } else if seen.websocket.is_some() {
        (State::Degraded, Confidence::Weak, None)
    } else if client_differs && !(seen.hello == Fit::Fits && seen.syn.is_against() && unlikely == 1) {
        (State::Unknown, Confidence::Weak, Some("one unlikely sign by itself proves nothing".to_owned()))
    } else {
        unopposed(seen)
    };
    if state == State::Intact {
        tell(if seen.tool { &signs::TOOL_FITS } else { &signs::HELLO_FITS }, &seen.fits);
    }
    let somebody = matches!(state, State::Intercepted | State::Manipulated) || seen.product_hello.is_some();
    let attribution = if somebody { attribute() } else { Vec::new() };
    Classification { state, confidence, reason, attribution, evidence }
}

/// Nothing speaks against it.
fn unopposed(seen: &Seen<'_>) -> (State, Confidence, Option<String>) {
    match &seen.hello {
        Fit::Silent(why) => (State::Unknown, Confidence::Weak, Some((*why).to_owned())),
        _ if seen.product_hello.is_some() => {
            let why = "its ClientHello is one product's own, which proves nothing by itself".to_owned();
            (State::Unknown, Confidence::Weak, Some(why))
        }
        _ => match seen.shared {
            Some(library) => {
                let why = format!("interceptors are built on {library} too, so the ClientHello cannot tell");
                (State::Unknown, Confidence::Weak, Some(why))
            }
            None if seen.certain && !seen.syn.is_against() => (State::Intact, Confidence::Strong, None),
            None => (State::Intact, Confidence::Weak, None),
        },
    }
}

fn header(added: &Added<'_>) -> String {
    match added.value {
        Some(value) => format!("request header `{}: {}`", quoted(added.name), quoted(value)),
        None => format!("request header `{}`", quoted(added.name)),
    }
}

impl Seen<'_> {
    /// Where nothing was compared, and why.
    pub(super) fn silent(why: &'static str) -> Self {
        Self {
            hello: Fit::Silent(why),
            fits: String::new(),
            shared: None,
            certain: false,
            tool: false,
            http2: Fit::Silent(why),
            syn: Fit::Silent(why),
            ceiling: Fit::Silent(why),
            rewritten: Fit::Silent(why),
            likeness: Likeness::Unknown,
            added: &[],
            network: None,
            product_hello: None,
            websocket: None,
        }
    }
}

impl Fit {
    pub(super) fn is_against(&self) -> bool {
        matches!(self, Self::Unlikely(_) | Self::Impossible(_))
    }
}

#[cfg(test)]
mod tests;
