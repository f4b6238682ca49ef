//! What happens to a connection on its way, one by one.

use super::super::crypto_stream::{MAX_PIECES, MAX_STREAM};
use super::super::{Error, InitialFlow, MAX_PACKETS, Progress, Sender, begins_with_initial, may_belong};
use super::seal::{Plain, V1, V2, crypto, message, retry};

const FIRST: &[u8] = b"first-id";
const SERVERS: &[u8] = b"server";

fn plain<'a>(sender: Sender, number: u64, frames: &'a [u8]) -> Plain<'a> {
    let (destination, source) = match sender {
        Sender::Client => (FIRST, &b""[..]),
        Sender::Server => (&b""[..], SERVERS),
    };
    Plain { version: V1, sender, keyed: FIRST, destination, source, token: &[], number, number_octets: 1, frames }
}

/// A ServerHello; where it asks for a second hello its random says so (RFC 8446 section 4.1.3).
fn server_hello(retry_request: bool) -> Vec<u8> {
    let random = if retry_request {
        "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c".to_owned()
    } else {
        "07".repeat(32)
    };
    hex::decode(format!("020000260303{random}00130100")).unwrap()
}

#[test]
fn a_retry_changes_the_keys() {
    let hello = message(1, 300);
    let mut flow = InitialFlow::new();
    let frames = crypto(0, &hello);
    assert_eq!(
        flow.push(Sender::Client, &plain(Sender::Client, 0, &crypto(0, &hello[..50])).seal()),
        Ok(Progress::Taken)
    );

    let forged = retry(V1, b"another", b"", b"forger", b"token");
    assert_eq!(flow.push(Sender::Server, &forged), Ok(Progress::Taken));
    assert!(!flow.retried(), "a Retry that nobody on the path made");
    assert_eq!(flow.push(Sender::Server, &retry(V1, FIRST, b"", b"second-id", b"token")), Ok(Progress::Taken));
    assert!(flow.retried());

    let second =
        Plain { keyed: b"second-id", destination: b"second-id", token: b"token", ..plain(Sender::Client, 1, &frames) };
    assert_eq!(flow.push(Sender::Client, &second.seal()), Ok(Progress::Taken));
    assert_eq!(flow.client_hello(), Some(&hello[..]));
    // One from before the Retry that comes late is no news.
    assert_eq!(flow.push(Sender::Client, &plain(Sender::Client, 0, &frames).seal()), Ok(Progress::Taken));
    let answer = crypto(0, &server_hello(false));
    let answer = Plain { keyed: b"second-id", ..plain(Sender::Server, 0, &answer) };
    assert_eq!(flow.push(Sender::Server, &answer.seal()), Ok(Progress::Taken));
    assert!(flow.is_complete());
    // RFC 9000 section 17.2.5.2: only one, and never after an Initial packet of the server.
    flow.push(Sender::Server, &retry(V1, FIRST, b"", b"third-id", b"token")).unwrap();
    assert_eq!(flow.push(Sender::Server, &Plain { number: 1, ..answer }.seal()), Ok(Progress::Taken));
}

/// RFC 9369 section 4.1: the server answers version 1 with version 2, under keys from the same connection id.
#[test]
fn a_compatible_change_of_version() {
    let mut flow = InitialFlow::new();
    let (hello, answer) = (crypto(0, &message(1, 100)), crypto(0, &server_hello(false)));
    flow.push(Sender::Client, &plain(Sender::Client, 0, &hello).seal()).unwrap();
    let answer = Plain { version: V2, ..plain(Sender::Server, 0, &answer) };
    assert_eq!(flow.push(Sender::Server, &answer.seal()), Ok(Progress::Taken));
    assert!(flow.is_complete());
    assert_eq!(flow.version(), Some(V1));
    let more = Plain { version: V2, destination: SERVERS, ..plain(Sender::Client, 1, &[1; 20]) };
    assert_eq!(flow.push(Sender::Client, &more.seal()), Ok(Progress::Taken));
}

#[test]
fn a_second_hello_after_a_retry_request() {
    let mut flow = InitialFlow::new();
    let hellos = [message(1, 120), message(1, 90)];
    flow.push(Sender::Client, &plain(Sender::Client, 0, &crypto(0, &hellos[0])).seal()).unwrap();
    flow.push(Sender::Server, &plain(Sender::Server, 0, &crypto(0, &server_hello(true))).seal()).unwrap();
    assert!(!flow.is_complete());
    let frames = crypto(hellos[0].len(), &hellos[1]);
    let second = Plain { destination: SERVERS, ..plain(Sender::Client, 1, &frames) };
    assert_eq!(flow.push(Sender::Client, &second.seal()), Ok(Progress::Taken), "the server's id, the same keys");
    let offset = server_hello(true).len();
    flow.push(Sender::Server, &plain(Sender::Server, 1, &crypto(offset, &server_hello(false))).seal()).unwrap();
    assert!(flow.is_complete());
    assert_eq!(flow.client_messages().collect::<Vec<_>>(), [&hellos[0][..], &hellos[1]]);
    assert_eq!(flow.server_messages().count(), 2);
}

#[test]
fn another_connection_between_the_same_ports() {
    let mut flow = InitialFlow::new();
    let frames = crypto(0, &message(1, 100));
    flow.push(Sender::Client, &plain(Sender::Client, 0, &frames).seal()).unwrap();
    let other = Plain { keyed: b"other-id", destination: b"other-id", ..plain(Sender::Client, 0, &frames) }.seal();
    assert_eq!(flow.push(Sender::Client, &other), Ok(Progress::AnotherConnection));
    assert_eq!(InitialFlow::new().push(Sender::Client, &other), Ok(Progress::Taken));
    // Damage in what goes to the server's id is damage, not a connection.
    let mut damaged = Plain { destination: SERVERS, ..plain(Sender::Client, 1, &frames) }.seal();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(flow.push(Sender::Client, &damaged), Err(Error::Decrypt));
}

#[test]
fn a_closed_flow_tells_late_packets_from_another_connection() {
    let mut flow = InitialFlow::new();
    let frames = crypto(0, &message(1, 1000));
    let first = plain(Sender::Client, 0, &frames);
    flow.push(Sender::Client, &first.seal()).unwrap();
    flow.push(Sender::Server, &plain(Sender::Server, 0, &crypto(0, &server_hello(false))).seal()).unwrap();
    let open = flow.held();
    flow.close();
    assert!(open > 2000 && flow.held() < 100, "{open} octets, then {}", flow.held());
    let acknowledgement = [b"\x02\0\0\0\0".as_slice(), &[0; 20]].concat();
    let late = Plain { destination: SERVERS, ..plain(Sender::Client, 1, &acknowledgement) };
    for (sender, datagram) in [
        (Sender::Client, first.seal()),
        (Sender::Client, late.seal()),
        (Sender::Server, plain(Sender::Server, 1, &acknowledgement).seal()),
    ] {
        assert_eq!(flow.push(sender, &datagram), Ok(Progress::Taken));
    }
    let other = Plain { keyed: b"other-id", destination: b"other-id", ..first };
    assert_eq!(flow.push(Sender::Client, &other.seal()), Ok(Progress::AnotherConnection));
    assert_eq!((flow.client_hello(), flow.version()), (None, Some(V1)));
}

#[test]
fn version_negotiation_is_kept_where_it_answers_this_client() {
    let mut flow = InitialFlow::new();
    let frames = crypto(0, &message(1, 100));
    flow.push(Sender::Client, &Plain { source: b"client", ..plain(Sender::Client, 0, &frames) }.seal()).unwrap();
    let answer = |id: &[u8]| [b"\xb5\0\0\0\0\x06client\x08", id, &[0, 0, 0, 1], &V2.to_be_bytes()].concat();
    flow.push(Sender::Server, &answer(b"forgery!")).unwrap();
    assert!(flow.versions_offered().is_empty());
    flow.push(Sender::Server, &answer(FIRST)).unwrap();
    assert_eq!(flow.versions_offered(), [1, V2]);
}

#[test]
fn the_server_refuses_with_an_alert() {
    let mut flow = InitialFlow::new();
    flow.push(Sender::Client, &plain(Sender::Client, 0, &crypto(0, &message(1, 100))).seal()).unwrap();
    // CONNECTION_CLOSE with CRYPTO_ERROR 40, handshake_failure, in reply to a CRYPTO frame, with a reason.
    let close = b"\x02\0\0\0\0\x1c\x41\x28\x06\x04nope";
    flow.push(Sender::Server, &plain(Sender::Server, 0, close).seal()).unwrap();
    assert_eq!((flow.close_code(Sender::Server), flow.alert(Sender::Server)), (Some(0x128), Some(40)));
    assert_eq!(flow.close_code(Sender::Client), None);
}

#[test]
fn several_packets_in_one_datagram() {
    let hello = message(1, 100);
    let first = plain(Sender::Client, 0, &crypto(60, &hello[60..])).seal();
    // 0-RTT, with its length; then another Initial packet; then zeros behind all packets.
    let zero_rtt = [&[0xd0, 0, 0, 0, 1, 0, 0, 5][..], b"12345"].concat();
    let second = plain(Sender::Client, 1, &crypto(0, &hello[..60])).seal();
    let mut flow = InitialFlow::new();
    assert_eq!(
        flow.push(Sender::Client, &[first.clone(), zero_rtt, second, vec![0; 50]].concat()),
        Ok(Progress::Taken)
    );
    assert_eq!(flow.client_hello(), Some(&hello[..]));
    // What is damaged does not spoil what stands beside it.
    let mut damaged = plain(Sender::Client, 3, &[1; 30]).seal();
    *damaged.last_mut().unwrap() ^= 1;
    let mut flow = InitialFlow::new();
    flow.push(Sender::Client, &first).unwrap();
    let rest = plain(Sender::Client, 4, &crypto(0, &hello[..60])).seal();
    assert_eq!(flow.push(Sender::Client, &[damaged, rest].concat()), Err(Error::Decrypt));
    assert_eq!(flow.client_hello(), Some(&hello[..]));
}

#[test]
fn limits() {
    // Many pieces with a gap before each.
    let mut flow = InitialFlow::new();
    let mut result = Ok(Progress::Taken);
    for datagram in 0..4 {
        let frames: Vec<u8> = (0..100).flat_map(|at| crypto(2 * (datagram * 100 + at) + 1, b"x")).collect();
        result = result.and(flow.push(Sender::Client, &plain(Sender::Client, 0, &frames).seal()));
    }
    assert_eq!(result, Err(Error::TooScattered));
    assert!(flow.is_cut() && MAX_PIECES < 400);

    // Overlapping pieces that would together hold more than the stream.
    let mut flow = InitialFlow::new();
    let results: Vec<_> = (1..100)
        .map(|at| flow.push(Sender::Client, &plain(Sender::Client, 0, &crypto(at, &[7; 1100])).seal()))
        .collect();
    assert!(results[..59].iter().all(Result::is_ok));
    assert_eq!(results[59], Err(Error::TooScattered));

    // A stream without end.
    let mut flow = InitialFlow::new();
    let end = crypto(MAX_STREAM, b"x");
    let pushed = flow.push(Sender::Client, &plain(Sender::Client, 0, &end).seal());
    assert!(matches!(pushed, Err(Error::TooLarge { .. })));
    // A hello of 2^24 octets is refused by its header.
    let pushed = flow.push(Sender::Client, &plain(Sender::Client, 0, &crypto(0, &[1, 0xff, 0xff, 0xff, 3, 3])).seal());
    assert!(matches!(pushed, Err(Error::TooLarge { .. })));

    // Packets without end, good ones and bad ones.
    let mut flow = InitialFlow::new();
    let ping = plain(Sender::Client, 0, &[1; 20]).seal();
    for _ in 0..MAX_PACKETS {
        assert_eq!(flow.push(Sender::Client, &ping), Ok(Progress::Taken));
    }
    assert_eq!(flow.push(Sender::Client, &ping), Err(Error::TooManyPackets));
}

#[test]
fn what_has_no_place_is_named() {
    let mut flow = InitialFlow::new();
    let pushed =
        |flow: &mut InitialFlow, frames: &[u8]| flow.push(Sender::Client, &plain(Sender::Client, 0, frames).seal());
    assert_eq!(flow.push(Sender::Server, &plain(Sender::Server, 0, &[1; 20]).seal()), Err(Error::ServerFirst));
    assert_eq!(flow.push(Sender::Server, &retry(V1, FIRST, b"", SERVERS, b"token")), Err(Error::ServerFirst));
    assert_eq!(pushed(&mut flow, b"\x01\x08stream stream stream"), Err(Error::UnexpectedFrame(8)));
    assert_eq!(pushed(&mut flow, b"\x06\0\x40\xffcut short cut short"), Err(Error::Truncated("a frame")));
    assert_eq!(
        pushed(&mut InitialFlow::new(), &crypto(0, &message(2, 40))),
        Err(Error::UnexpectedMessage { due: 1, found: 2 })
    );
    let mut flow = InitialFlow::new();
    let hello = message(1, 40);
    let twice = [crypto(0, &hello), crypto(20, &[0; 10])].concat();
    assert_eq!(pushed(&mut flow, &twice), Err(Error::Contradiction));
    assert_eq!(flow.client_hello(), Some(&hello[..]), "the first octets stay");
    assert_eq!(flow.push(Sender::Client, b"\xc0\xba\xba\xba\xba\0\0"), Err(Error::UnknownVersion(0xbaba_baba)));
    assert_eq!(flow.push(Sender::Client, b"\x40short header"), Ok(Progress::Taken));
    assert_eq!(flow.push(Sender::Client, b""), Ok(Progress::Taken));
}

#[test]
fn only_initial_packets_begin_a_flow() {
    assert!(begins_with_initial(&[0xc0, 0, 0, 0, 1]));
    assert!(begins_with_initial(&[0x8f, 0, 0, 0, 1]), "RFC 9287");
    assert!(begins_with_initial(&[0xd0, 0x6b, 0x33, 0x43, 0xcf]));
    for other in [
        &[0xc0, 0, 0, 0][..],
        &[0x40, 0, 0, 0, 1],
        &[0xd0, 0, 0, 0, 1],
        &[0xc0, 0, 0, 0, 0],
        &[0xc0, 0x6b, 0x33, 0x43, 0xcf],
    ] {
        assert!(!begins_with_initial(other), "{other:x?}");
    }
    for long in [&[0xc0, 0, 0, 0, 1][..], &[0xe0, 0, 0, 0, 1], &[0x80, 0, 0, 0, 0], &[0xc0, 0xff, 0, 0, 0x1d]] {
        assert!(may_belong(long), "{long:x?}");
    }
    for other in [&[0x40, 0, 0, 0, 1][..], &[0xc0, 0, 0, 0, 2], &[0xc0, 0], &[]] {
        assert!(!may_belong(other), "{other:x?}");
    }
}
