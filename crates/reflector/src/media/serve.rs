//! What is answered to a datagram.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use wire::call::Packet;
use wire::stun::{BINDING, Class, Fingerprint, Message, bound, is_stun, refused};

use super::Calls;
use crate::datagrams::{BUFFER, Socket};
use crate::lifecycle::Tasks;
use crate::tcp::canonical;

/// How often calls whose time is over are forgotten.
const SWEEP: Duration = Duration::from_secs(5);
/// After an error of the socket, so that one that stays does not take the processor.
const PAUSE: Duration = Duration::from_millis(10);
/// Unknown Attribute (RFC 8489 section 14.8).
const UNKNOWN_ATTRIBUTE: u16 = 420;
/// As many unknown attributes as a refusal names (section 14.13 wants all of them): it is then no longer than the longest answer,
/// 52 octets. No request of the standard has so many.
const NAMED: usize = 6;

/// Answers until it is time to stop. Calls end with it: what is sent into one later is lost, as its client will see.
pub(crate) async fn serve(socket: Socket, calls: Arc<Calls>, tasks: Tasks) {
    let mut buffer = vec![0; BUFFER];
    let mut sweep = interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let received = tokio::select! {
            received = socket.receive(&mut buffer) => received,
            _ = sweep.tick() => {
                calls.sweep(Instant::now());
                continue;
            }
            () = tasks.draining() => return,
        };
        let Ok((from, datagrams)) = received else {
            sleep(PAUSE).await;
            continue;
        };
        let now = Instant::now();
        for datagram in datagrams {
            if let Some(answer) = answer(datagram, canonical(from.sender), &calls, now) {
                socket.answer(from, &answer);
            }
        }
    }
}

fn answer(datagram: &[u8], from: SocketAddr, calls: &Calls, now: Instant) -> Option<Vec<u8>> {
    if is_stun(datagram) {
        return stun(datagram, from).filter(|_| calls.strangers.admits(from.ip(), now.into_std()));
    }
    let packet = Packet::parse(datagram)?;
    // Not counted with the strangers, whose forged requests would keep calls from being opened: without a token that was
    // granted over TLS there is no answer at all, and with one there are few.
    calls.answer(&packet, from, now).map(|answer| answer.encode().to_vec())
}

/// RFC 8489 section 6.3: what is damaged, no request or of another method is passed over in silence.
fn stun(datagram: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    let message = Message::parse(datagram).ok()?;
    let Message { class: Class::Request, method: BINDING, transaction, fingerprint, unknown, .. } = message else {
        return None;
    };
    match fingerprint {
        Fingerprint::Wrong => None,
        _ if !unknown.is_empty() => {
            let named = unknown.get(..NAMED).unwrap_or(&unknown);
            Some(refused(transaction, BINDING, UNKNOWN_ATTRIBUTE, named))
        }
        fingerprint => Some(bound(transaction, from, fingerprint == Fingerprint::Valid)),
    }
}

#[cfg(test)]
mod tests {
    use wire::call::{Cookie, Kind, Token};
    use wire::stun::Request;

    use super::*;
    use crate::Limits;

    fn ask(datagram: &[u8]) -> Option<Message> {
        let calls = Calls::new(&Limits::default());
        let now = Instant::now();
        let from = "192.0.2.1:5000".parse().unwrap();
        let answer = answer(datagram, from, &calls, now)?;
        Some(Message::parse(&answer).unwrap())
    }

    #[test]
    fn a_binding_request_is_told_its_address() {
        let answer = ask(&Request::Binding.encode([5; 12])).unwrap();
        assert_eq!(
            (answer.class, answer.transaction, answer.fingerprint),
            (Class::Success, [5; 12], Fingerprint::Valid)
        );
        assert_eq!(answer.mapped, Some("192.0.2.1:5000".parse().unwrap()));
    }

    #[test]
    fn what_is_no_binding_request_is_passed_over() {
        assert_eq!(ask(&Request::Allocate.encode([5; 12])), None);
        assert_eq!(ask(b"GET / HTTP/1.1\r\n\r\n"), None);
        assert_eq!(ask(&bound([5; 12], "192.0.2.1:1".parse().unwrap(), true)), None, "an answer is not answered");
        let mut altered = Request::Binding.encode([5; 12]);
        altered[25] ^= 1;
        assert_eq!(ask(&altered), None);
    }

    #[test]
    fn attributes_that_must_be_known_are_named() {
        // Binding with CHANGE-REQUEST (RFC 5780 section 7.2), which asks to be answered from another address.
        let mut request = vec![0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42];
        request.extend([5; 12]);
        request.extend([0, 3, 0, 4, 0, 0, 0, 6]);
        assert_eq!(ask(&request).unwrap().error, Some(420));
    }

    #[test]
    fn no_answer_is_longer_than_the_page_says() {
        let length = |datagram: &[u8], from: &str| stun(datagram, from.parse().unwrap()).unwrap().len();
        let request = |attributes: &[u8]| {
            let length = u16::try_from(attributes.len()).unwrap().to_be_bytes();
            [&[0, 1], &length[..], &[0x21, 0x12, 0xa4, 0x42], &[5; 12], attributes].concat()
        };
        let (ipv4, ipv6) = ("192.0.2.1:5000", "[2001:db8::1]:5000");
        assert_eq!((length(&request(&[]), ipv4), length(&request(&[]), ipv6)), (32, 44));
        let fingerprinted = Request::Binding.encode([5; 12]);
        assert_eq!((length(&fingerprinted, ipv4), length(&fingerprinted, ipv6)), (40, 52));
        for unknown in 1..=64 {
            let request = request(&[0, 3, 0, 0].repeat(unknown));
            assert!(length(&request, ipv6) <= 52, "{unknown}");
        }
    }

    #[test]
    fn forged_requests_do_not_keep_a_call_from_being_opened() {
        let calls = Calls::new(&Limits::default());
        let now = Instant::now();
        let request = Request::Binding.encode([5; 12]);
        let answered = (0..5000_u32).filter(|n| {
            let [_, _, high, low] = n.to_be_bytes();
            answer(&request, SocketAddr::from(([10, 0, high, low], 1)), &calls, now).is_some()
        });
        assert_eq!(answered.count(), 2000);
        let client: SocketAddr = "192.0.2.1:5000".parse().unwrap();
        assert_eq!(answer(&request, client, &calls, now), None);
        let (token, _) = calls.grant(client.ip(), Duration::from_secs(1), now).unwrap();
        let opening = |token: Token| {
            let cookie: Cookie = [0; 8];
            Packet { kind: Kind::Opening, token, cookie, sequence: 0, sent_us: 0, returned_us: 0 }.encode()
        };
        assert_eq!(answer(&opening([1; 16]), client, &calls, now), None, "a token of nobody");
        let opened = answer(&opening(token), client, &calls, now).unwrap();
        assert_eq!(Packet::parse(&opened).unwrap().kind, Kind::Opened);
    }
}
