//! ICMP echo, of IPv4 (RFC 792) and IPv6 (RFC 4443 section 4): a question with a token in it, and the answer that has it.

use std::net::IpAddr;

/// Octets of type, code, checksum, identifier and sequence number.
const HEADER: usize = 8;
/// Octets that make one question different from every other on this machine.
pub const TOKEN: usize = 8;

/// Echo request and reply, by family.
const REQUEST_4: u8 = 8;
const REPLY_4: u8 = 0;
const REQUEST_6: u8 = 128;
const REPLY_6: u8 = 129;

/// A question. The identifier is what a kernel that hands out its own will overwrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    pub identifier: u16,
    pub sequence: u16,
    pub token: [u8; TOKEN],
}

impl Echo {
    /// The message to send. The checksum of ICMPv6 covers addresses that only the kernel knows, and it fills it in (RFC 3542
    /// section 3.1); the one of ICMP is ours.
    pub fn request(&self, to: IpAddr) -> [u8; HEADER + TOKEN] {
        let mut message = [0u8; HEADER + TOKEN];
        let parts = [&self.identifier.to_be_bytes()[..], &self.sequence.to_be_bytes(), &self.token];
        for (place, octet) in message.iter_mut().skip(4).zip(parts.into_iter().flatten()) {
            *place = *octet;
        }
        if to.is_ipv4() {
            message[0] = REQUEST_4;
            let [high, low] = checksum(&message).to_be_bytes();
            (message[2], message[3]) = (high, low);
        } else {
            message[0] = REQUEST_6;
        }
        message
    }

    /// Whether these octets, which came from `from`, are the reply to this question. `with_header` tells that the IPv4
    /// header stands before it, as it does on a raw socket (raw(7)).
    pub fn is_answered_by(&self, from: IpAddr, octets: &[u8], with_header: bool) -> bool {
        let message = if with_header { behind_ipv4_header(octets) } else { Some(octets) };
        let reply = if from.is_ipv4() { REPLY_4 } else { REPLY_6 };
        let token = message.and_then(|message| message.get(HEADER..HEADER + TOKEN));
        message.is_some_and(|message| message.starts_with(&[reply, 0])) && token == Some(&self.token)
    }

    /// Whether an ICMP error quotes this question: `octets` are the quoted message from its own header on, of which at
    /// least eight octets are there (RFC 792).
    pub fn is_quoted_by(&self, octets: &[u8]) -> bool {
        let [identifier, sequence] = [4usize, 6].map(|at| octets.get(at..).and_then(<[u8]>::first_chunk));
        identifier == Some(&self.identifier.to_be_bytes()) && sequence == Some(&self.sequence.to_be_bytes())
    }
}

/// RFC 791 section 3.1: the header's length is in words of four octets.
fn behind_ipv4_header(octets: &[u8]) -> Option<&[u8]> {
    let first = octets.first()?;
    let length = usize::from(first & 0x0f) * 4;
    (first >> 4 == 4 && length >= 20).then_some(octets)?.get(length..)
}

/// The Internet checksum (RFC 1071).
fn checksum(octets: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in octets.chunks(2) {
        let high = pair.first().copied().unwrap_or_default();
        let low = pair.get(1).copied().unwrap_or_default();
        sum += u32::from(u16::from_be_bytes([high, low]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    const ECHO: Echo = Echo { identifier: 0x1234, sequence: 7, token: *b"truepath" };

    /// What an honest host answers (RFC 792: the source and destination change places, the type becomes 0).
    fn reply(echo: &Echo, from: IpAddr) -> Vec<u8> {
        let mut message = echo.request(from).to_vec();
        message[0] = if from.is_ipv4() { REPLY_4 } else { REPLY_6 };
        message
    }

    #[test]
    fn the_checksum_makes_the_message_sum_to_zero() {
        assert_eq!(checksum(&ECHO.request(V4)), 0);
        // RFC 1071 section 3, the numerical example: the sum is ddf2.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn a_reply_is_known_by_its_token() {
        for from in [V4, V6] {
            assert!(ECHO.is_answered_by(from, &reply(&ECHO, from), false));
            let other = Echo { token: *b"trueroad", ..ECHO };
            assert!(!ECHO.is_answered_by(from, &reply(&other, from), false));
            // Our own question, heard on loopback, is no answer.
            assert!(!ECHO.is_answered_by(from, &ECHO.request(from), false));
        }
        let mut packet = vec![0x45; 20];
        packet.extend(reply(&ECHO, V4));
        assert!(ECHO.is_answered_by(V4, &packet, true));
        assert!(!ECHO.is_answered_by(V4, &packet, false));
        packet[0] = 0x4f;
        assert!(!ECHO.is_answered_by(V4, &packet, true));
    }

    #[test]
    fn an_error_quotes_the_question_by_its_first_octets() {
        let request = ECHO.request(V4);
        assert!(ECHO.is_quoted_by(&request) && ECHO.is_quoted_by(&request[..8]));
        assert!(!ECHO.is_quoted_by(&request[..7]));
        assert!(!Echo { sequence: 8, ..ECHO }.is_quoted_by(&request));
    }

    proptest! {
        #[test]
        fn any_octets_are_read(octets: Vec<u8>, with_header: bool) {
            let _ = ECHO.is_quoted_by(&octets);
            // A token of eight octets is not met by chance.
            prop_assert!(!ECHO.is_answered_by(V4, &octets, with_header));
            prop_assert!(!ECHO.is_answered_by(V6, &octets, with_header));
        }

        #[test]
        fn a_cut_reply_is_none(identifier: u16, sequence: u16, token: [u8; TOKEN], length in 0usize..HEADER + TOKEN) {
            let echo = Echo { identifier, sequence, token };
            prop_assert!(!echo.is_answered_by(V6, &reply(&echo, V6)[..length], false));
        }
    }
}
