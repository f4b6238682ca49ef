//! Any datagrams in any order give a hello or an error. The input is a flow as in `corpus/quic-initial`: for each datagram
//! one octet (even: the client's), its length in two octets, and the payload.
//!
//! With the second bit of that octet set the payload is what a packet held: no mutation gets behind the protection.
#![no_main]

use wire::quic::initial::{InitialFlow, Sender, begins_with_initial};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut flow = InitialFlow::new();
    let mut rest = input;
    while let [kind, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
        let (payload, after) = after.split_at(length);
        rest = after;
        let sender = if kind & 1 == 0 { Sender::Client } else { Sender::Server };
        if kind & 2 == 0 {
            let _ = (begins_with_initial(payload), flow.push(sender, payload));
        } else {
            let _ = flow.push_opened(sender, payload);
        }
    }
    for message in flow.client_messages().chain(flow.server_messages()) {
        let length = u32::from_be_bytes([0, message[1], message[2], message[3]]);
        assert_eq!(message.len(), 4 + length as usize);
    }
    let _ = (flow.is_complete(), flow.is_cut(), flow.version(), flow.alert(Sender::Server), flow.retried());
});
