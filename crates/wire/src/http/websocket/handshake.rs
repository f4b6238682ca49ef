//! What the opening handshake needs computed (RFC 6455 section 4, RFC 7692 section 5 and 7.1).

use base64::{Engine, prelude::BASE64_STANDARD};

use super::Error;

/// The value of Sec-WebSocket-Extensions with which a client asks for compression, each message by itself.
///
/// `client_max_window_bits` is not offered, so an answer that carries it was not made for this offer.
pub const DEFLATE_OFFER: &str = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section 4.2.2).
pub fn accept_key(key: &str) -> String {
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    BASE64_STANDARD.encode(digest)
}

/// The server's answer to a client's Sec-WebSocket-Extensions: the first offer of permessage-deflate that can be met, or
/// `None`, and then the header is left out of the answer.
///
/// The context is never taken over in either direction, which a server may always answer (RFC 7692 section 7.1.1). A window
/// smaller than 32 KiB for our own sending cannot be met and makes an offer one that is declined.
pub fn accept_offer(offers: &str) -> Option<String> {
    const ANSWER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    extensions(offers).ok()?.into_iter().find_map(|offer| {
        let parameters = Deflate::read(&offer).ok()?;
        match parameters.server_max_window_bits {
            None => Some(ANSWER.to_owned()),
            Some(15) => Some(format!("{ANSWER}; server_max_window_bits=15")),
            Some(_) => None,
        }
    })
}

/// Whether the server's Sec-WebSocket-Extensions, in answer to [`DEFLATE_OFFER`], turns compression on; absent or empty
/// means off. Anything else than a fitting answer fails the connection (RFC 7692 section 5.1).
pub fn accept_answer(answer: Option<&str>) -> Result<bool, Error> {
    let answer = answer.unwrap_or_default();
    if answer.trim().is_empty() {
        return Ok(false);
    }
    let refused = |why: &str| Error::Extensions(format!("{why} in \"{}\"", shortened(answer)));
    let extensions = extensions(answer).map_err(refused)?;
    let [extension] = extensions.as_slice() else { return Err(refused("more than one extension")) };
    let parameters = Deflate::read(extension).map_err(refused)?;
    if parameters.client_max_window_bits {
        return Err(refused("client_max_window_bits, which was not offered,"));
    }
    if !parameters.server_no_context_takeover {
        return Err(refused("no server_no_context_takeover"));
    }
    Ok(true)
}

/// Longest header value that is read.
const MAX_HEADER: usize = 4096;

/// An element of Sec-WebSocket-Extensions (RFC 6455 section 9.1): its name and its parameters.
struct ExtensionElement<'a> {
    name: &'a str,
    parameters: Vec<(&'a str, Option<&'a str>)>,
}

fn extensions(header: &str) -> Result<Vec<ExtensionElement<'_>>, &'static str> {
    if header.len() > MAX_HEADER {
        return Err("too much");
    }
    // A quoted value must hold a token (RFC 6455 section 9.1), so no separator can hide in one.
    header.split(',').map(str::trim).filter(|element| !element.is_empty()).map(extension).collect()
}

fn extension(element: &str) -> Result<ExtensionElement<'_>, &'static str> {
    let mut parts = element.split(';').map(str::trim);
    let name = parts.next().and_then(token).ok_or("no extension name")?;
    let parameters = parts
        .map(|part| match part.split_once('=') {
            None => Some((token(part)?, None)),
            Some((name, value)) => {
                let value = value.trim();
                let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
                Some((token(name.trim())?, Some(token(unquoted)?)))
            }
        })
        .collect::<Option<_>>()
        .ok_or("a malformed parameter")?;
    Ok(ExtensionElement { name, parameters })
}

/// RFC 9110 section 5.6.2.
fn token(text: &str) -> Option<&str> {
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
    (!text.is_empty() && text.bytes().all(fits)).then_some(text)
}

/// The parameters of RFC 7692 section 7.1.
#[derive(Default)]
struct Deflate {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: bool,
}

impl Deflate {
    fn read(extension: &ExtensionElement<'_>) -> Result<Self, &'static str> {
        if !extension.name.eq_ignore_ascii_case("permessage-deflate") {
            return Err("an unknown extension");
        }
        let mut deflate = Self::default();
        for (name, value) in &extension.parameters {
            let twice = match (*name, *value) {
                ("server_no_context_takeover", None) => {
                    core::mem::replace(&mut deflate.server_no_context_takeover, true)
                }
                ("client_no_context_takeover", None) => {
                    core::mem::replace(&mut deflate.client_no_context_takeover, true)
                }
                ("server_max_window_bits", Some(bits)) => {
                    deflate.server_max_window_bits.replace(window_bits(bits)?).is_some()
                }
                ("client_max_window_bits", value) => {
                    value.map(window_bits).transpose()?;
                    core::mem::replace(&mut deflate.client_max_window_bits, true)
                }
                _ => return Err("an unknown parameter"),
            };
            if twice {
                return Err("a repeated parameter");
            }
        }
        Ok(deflate)
    }
}

fn window_bits(text: &str) -> Result<u8, &'static str> {
    let plain = text.bytes().all(|octet| octet.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|bits| plain && (8..=15).contains(bits)).ok_or("a window size that is not 8 to 15")
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accept_key_of_the_standard() {
        // RFC 6455 section 1.3.
        assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn servers_answer_the_first_offer_they_can_meet() {
        const PLAIN: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        for (offers, answer) in [
            (DEFLATE_OFFER, Some(PLAIN.to_owned())),
            // What Chromium and Firefox send.
            ("permessage-deflate; client_max_window_bits", Some(PLAIN.to_owned())),
            ("permessage-deflate", Some(PLAIN.to_owned())),
            ("x-webkit-deflate-frame, Permessage-Deflate", Some(PLAIN.to_owned())),
            ("permessage-deflate; server_max_window_bits=\"15\"", Some(format!("{PLAIN}; server_max_window_bits=15"))),
            ("permessage-deflate; server_max_window_bits=10, permessage-deflate", Some(PLAIN.to_owned())),
            ("permessage-deflate; server_max_window_bits=10", None),
            ("permessage-deflate; server_max_window_bits", None),
            ("permessage-deflate; mystery", None),
            ("permessage-deflate; client_max_window_bits=16", None),
            ("permessage-deflate; client_max_window_bits=8; client_max_window_bits=8", None),
            ("permessage-deflate;", None),
            ("", None),
        ] {
            assert_eq!(accept_offer(offers), answer, "{offers}");
        }
    }

    #[test]
    fn clients_take_only_an_answer_to_their_offer() {
        assert_eq!(accept_answer(None), Ok(false));
        assert_eq!(accept_answer(Some(" ")), Ok(false));
        assert_eq!(accept_answer(accept_offer(DEFLATE_OFFER).as_deref()), Ok(true));
        assert_eq!(
            accept_answer(Some("permessage-deflate; server_no_context_takeover; server_max_window_bits=9")),
            Ok(true)
        );
        for answer in [
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=15",
            "permessage-deflate; server_no_context_takeover, permessage-deflate; server_no_context_takeover",
            "x-other",
            "permessage-deflate; server_no_context_takeover=1",
            ";",
        ] {
            assert!(matches!(accept_answer(Some(answer)), Err(Error::Extensions(_))), "{answer}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_harm(header in "(permessage-deflate|[;,= \"]|server_max_window_bits|\\PC){0,12}") {
            let _ = accept_offer(&header);
            let _ = accept_answer(Some(&header));
        }
    }
}
