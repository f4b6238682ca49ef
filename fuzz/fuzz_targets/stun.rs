//! Any datagram is a STUN message or an error, and what a server answers to it is one too.
#![no_main]

use wire::stun::{Class, Fingerprint, Message, bound, refused};

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| {
    if let Ok(message) = Message::parse(datagram) {
        assert!(message.software.is_none_or(|text| text.chars().count() <= 127));
        assert!(message.error.is_none_or(|code| (300..700).contains(&code)));
        if let Some(mapped) = message.mapped {
            let answer = Message::parse(&bound(message.transaction, mapped, true)).unwrap();
            assert_eq!(
                (answer.class, answer.mapped, answer.fingerprint),
                (Class::Success, Some(mapped), Fingerprint::Valid)
            );
        }
        let answer = Message::parse(&refused(message.transaction, message.method, 420, &message.unknown)).unwrap();
        assert_eq!((answer.error, answer.method), (Some(420), message.method));
    }
});
