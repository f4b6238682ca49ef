//! What is sealed is read again, in whatever pieces and order it comes; and no octets do harm.

use proptest::prelude::*;

use super::super::{Error, InitialFlow, Progress, Sender, begins_with_initial};
use super::seal::{DRAFT_29, Plain, V1, V2, crypto, message};

/// A hello cut into pieces, with some of them twice and overlapping, in any order, over several datagrams: what a client
/// with a large hello does, one that scatters it, and a network that repeats and reorders.
#[derive(Clone, Debug)]
struct Flight {
    version: u32,
    id: Vec<u8>,
    source: Vec<u8>,
    token: Vec<u8>,
    hello: Vec<u8>,
    /// Frames of one packet each.
    packets: Vec<Vec<u8>>,
    first_number: u64,
    number_octets: usize,
}

impl Flight {
    fn datagrams(&self) -> Vec<Vec<u8>> {
        let packets = self.packets.iter().zip(self.first_number..);
        packets
            .map(|(frames, number)| {
                Plain {
                    version: self.version,
                    sender: Sender::Client,
                    keyed: &self.id,
                    destination: &self.id,
                    source: &self.source,
                    token: &self.token,
                    number,
                    number_octets: self.number_octets,
                    frames,
                }
                .seal()
            })
            .collect()
    }
}

fn flight() -> impl Strategy<Value = Flight> {
    let id = || prop::collection::vec(any::<u8>(), 0..=20);
    let cuts = prop::collection::vec((any::<prop::sample::Index>(), 0_usize..30, 0_u8..5), 0..60);
    (
        prop::sample::select(vec![V1, V2, DRAFT_29]),
        id(),
        id(),
        prop::collection::vec(any::<u8>(), 0..100),
        0_usize..4000,
        cuts,
        1_usize..=4,
    )
        .prop_flat_map(|(version, id, source, token, body, cuts, number_octets)| {
            let hello = message(1, body);
            let mut places: Vec<usize> = cuts.iter().map(|(at, ..)| at.index(hello.len())).collect();
            places.extend([0, hello.len()]);
            places.sort_unstable();
            let mut frames: Vec<Vec<u8>> =
                places.windows(2).map(|ends| crypto(ends[0], &hello[ends[0]..ends[1]])).collect();
            for (at, length, noise) in cuts {
                let begin = at.index(hello.len());
                frames.push(match noise {
                    0 => vec![0; length],
                    1 => vec![1],
                    // ACK with one further range and ECN counts.
                    2 => vec![3, 9, 0, 1, 0, 1, 1, 5, 6, 7],
                    _ => crypto(begin, &hello[begin..hello.len().min(begin + length)]),
                });
            }
            (
                Just((version, id, source, token, hello, number_octets)),
                Just(frames).prop_shuffle(),
                1_usize..20,
                0_u64..200,
            )
        })
        .prop_map(|((version, id, source, token, hello, number_octets), frames, per_packet, first_number)| {
            let packets = frames.chunks(per_packet).map(|frames| [frames.concat(), vec![0; 20]].concat()).collect();
            Flight { version, id, source, token, hello, packets, first_number: first_number.min(100), number_octets }
        })
}

proptest! {
    #[test]
    fn what_is_sealed_is_read(flight in flight()) {
        let mut flow = InitialFlow::new();
        for datagram in flight.datagrams() {
            prop_assert!(begins_with_initial(&datagram));
            prop_assert_eq!(flow.push(Sender::Client, &datagram), Ok(Progress::Taken));
        }
        prop_assert_eq!(flow.client_hello(), Some(&flight.hello[..]));
        prop_assert!(!flow.is_cut());
        prop_assert_eq!(flow.version(), Some(flight.version));
    }

    #[test]
    fn datagrams_may_come_in_any_order((flight, order) in flight().prop_flat_map(|flight| {
        let datagrams = flight.datagrams();
        (Just(flight), Just(datagrams).prop_shuffle())
    })) {
        // Packet numbers of one octet are told apart within half of their range (RFC 9000 appendix A.3).
        prop_assume!(order.len() < 100);
        let mut flow = InitialFlow::new();
        for datagram in &order {
            prop_assert_eq!(flow.push(Sender::Client, datagram), Ok(Progress::Taken));
        }
        prop_assert_eq!(flow.client_hello(), Some(&flight.hello[..]));
    }

    #[test]
    fn every_prefix_fails_cleanly(flight in flight(), end in any::<prop::sample::Index>()) {
        let datagram = flight.datagrams().swap_remove(0);
        let cut = &datagram[..end.index(datagram.len())];
        let mut flow = InitialFlow::new();
        let pushed = flow.push(Sender::Client, cut);
        prop_assert!(matches!(pushed, Err(Error::Truncated(_))) || cut.is_empty());
        prop_assert_eq!(flow.client_hello(), None);
        prop_assert_eq!(flow.push(Sender::Client, &datagram), Ok(Progress::Taken));
    }

    #[test]
    fn any_changed_octet_is_noticed(flight in flight(), at in any::<prop::sample::Index>(), by in 1_u8..) {
        let mut datagram = flight.datagrams().swap_remove(0);
        let at = at.index(datagram.len());
        datagram[at] ^= by;
        let mut flow = InitialFlow::new();
        let pushed = flow.push(Sender::Client, &datagram);
        // A header that is no longer one of an Initial packet says nothing, and so nothing of it was used.
        prop_assert!(pushed != Ok(Progress::AnotherConnection));
        prop_assert_eq!(flow.version(), None);
    }

    #[test]
    fn any_octets_are_read_without_harm(datagrams in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..8)) {
        let mut flow = InitialFlow::new();
        for (client, datagram) in datagrams {
            let _ = begins_with_initial(&datagram);
            let _ = flow.push(if client { Sender::Client } else { Sender::Server }, &datagram);
        }
        prop_assert_eq!(flow.client_hello(), None);
    }

    /// What only who seals can write: any octets where frames were due.
    #[test]
    fn any_frames_are_read_without_harm(frames in prop::collection::vec(any::<u8>(), 20..300)) {
        let plain = Plain {
            version: V1, sender: Sender::Client, keyed: b"12345678", destination: b"12345678", source: b"", token: b"",
            number: 0, number_octets: 1, frames: &frames,
        };
        let mut flow = InitialFlow::new();
        let _ = flow.push(Sender::Client, &plain.seal());
        let _ = (flow.is_cut(), flow.is_complete(), flow.client_messages().count());
    }
}
