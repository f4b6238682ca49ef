//! One test, held against one hello.

use core::fmt;

use super::Lists;
use crate::client::browsers::{Field, Kind, Test};

/// A list in its one fixed order: fewer of its members would not tell chance from order. Eight can be shuffled in 40 320
/// ways.
const ENOUGH_FOR_ORDER: usize = 8;

/// What is not as it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Broken {
    Lacks(Field, u16),
    Has(Field, u16),
    Empty(Field),
    Other(Field),
    Order(Field),
    OneOrder,
}

/// How a hello fails a test. `None`: it does not, or the recorder could not tell.
pub(in crate::client) fn broken(test: &Test, lists: &Lists) -> Option<Broken> {
    let seen = lists.get(test.field)?;
    let elsewhere = test.kind == Kind::Forbidden && lists.mask(test.field) & test.mask == 0;
    if elsewhere || test.when.is_some_and(|condition| !lists.is(condition)) {
        return None;
    }
    fails(test, seen)
}

/// How this list fails a test.
pub(in crate::client) fn fails(test: &Test, seen: &[u16]) -> Option<Broken> {
    let field = test.field;
    let value = test.lists.first().map_or(&[][..], Vec::as_slice);
    match test.kind {
        Kind::Required => value.iter().find(|code| !seen.contains(code)).map(|code| Broken::Lacks(field, *code)),
        Kind::Any => (!value.iter().any(|code| seen.contains(code))).then_some(Broken::Other(field)),
        Kind::Forbidden => seen.iter().find(|code| value.contains(code)).map(|code| Broken::Has(field, *code)),
        Kind::Among => seen.iter().find(|code| !value.contains(code)).map(|code| Broken::Has(field, *code)),
        Kind::Exactly => {
            let how = if seen.is_empty() { Broken::Empty(field) } else { Broken::Other(field) };
            (!passes_exactly(test, seen)).then_some(how)
        }
        Kind::Begins => (!test.lists.iter().any(|list| seen.starts_with(list))).then_some(Broken::Other(field)),
        Kind::Ordered => in_order(value, seen).is_none().then_some(Broken::Order(field)),
        Kind::Shuffled => in_order(value, seen).filter(|n| *n >= ENOUGH_FOR_ORDER).map(|_| Broken::OneOrder),
    }
}

pub(super) fn passes_exactly(test: &Test, seen: &[u16]) -> bool {
    test.lists.iter().any(|list| list == seen)
}

/// Whether those members of `order` that are there stand in its order, and how many there are.
fn in_order(order: &[u16], seen: &[u16]) -> Option<usize> {
    let (mut next, mut members) = (0, 0_usize);
    for code in seen {
        let Some(place) = order.iter().position(|member| member == code) else { continue };
        if place < next {
            return None;
        }
        (next, members) = (place, members.saturating_add(1));
    }
    Some(members)
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Lacks(Field::Grease, _) => f.write_str("it is missing"),
            Self::Has(Field::Grease, _) => f.write_str("there is some"),
            Self::Lacks(field, code) => write!(f, "{} is missing from its {}", Code(field, code), field.words()),
            Self::Has(field, code) => write!(f, "{} is among its {}", Code(field, code), field.words()),
            Self::Empty(field) => write!(f, "it has no {}", field.words()),
            Self::Other(field) => write!(f, "its {} are others", field.words()),
            Self::Order(field) => write!(f, "its {} stand in another order", field.words()),
            Self::OneOrder => f.write_str("they are not shuffled"),
        }
    }
}

/// A code point as the registry's readers know it: extensions and groups in decimal, the rest in hex.
struct Code(Field, u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match (self.0, self.1) {
            (Field::Extensions, 0) => "server_name",
            (Field::Extensions, 5) => "status_request",
            (Field::Extensions, 10) => "supported_groups",
            (Field::Extensions, 11) => "ec_point_formats",
            (Field::Extensions, 13) => "signature_algorithms",
            (Field::Extensions, 15) => "heartbeat",
            (Field::Extensions, 16) => "application_layer_protocol_negotiation",
            (Field::Extensions, 18) => "signed_certificate_timestamp",
            (Field::Extensions, 21) => "padding",
            (Field::Extensions, 22) => "encrypt_then_mac",
            (Field::Extensions, 23) => "extended_master_secret",
            (Field::Extensions, 27) => "compress_certificate",
            (Field::Extensions, 28) => "record_size_limit",
            (Field::Extensions, 34) => "delegated_credentials",
            (Field::Extensions, 35) => "session_ticket",
            (Field::Extensions, 43) => "supported_versions",
            (Field::Extensions, 45) => "psk_key_exchange_modes",
            (Field::Extensions, 49) => "post_handshake_auth",
            (Field::Extensions, 51) => "key_share",
            (Field::Extensions, 0x3374) => "next_protocol_negotiation",
            (Field::Extensions, 0x44cd | 0x4469) => "application_settings",
            (Field::Extensions, 0xfe0d) => "encrypted_client_hello",
            (Field::Extensions, 0xff01) => "renegotiation_info",
            (Field::Groups, 25) => "secp521r1",
            (Field::Groups, 29) => "X25519",
            (Field::Groups, 30) => "X448",
            (Field::Groups, 256..=260) => "a finite-field group",
            (Field::Groups, 0x11ec) => "X25519MLKEM768",
            (Field::Groups, 0x6399) => "X25519Kyber768",
            (Field::Versions, 0x0304) => "TLS 1.3",
            (Field::Versions, 0x0303) => "TLS 1.2",
            (Field::Alpn, 1) => "h2",
            (Field::Alpn, 2) => "http/1.1",
            (Field::Extensions | Field::Groups, code) => return write!(f, "{code}"),
            (_, code) => return write!(f, "{code:#06x}"),
        };
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn order_is_that_of_the_members() {
        assert_eq!(in_order(&[1, 2, 3], &[9, 1, 8, 3]), Some(2));
        assert_eq!(in_order(&[1, 2, 3], &[3, 1]), None);
        assert_eq!(in_order(&[1, 2, 3], &[]), Some(0));
    }
}
