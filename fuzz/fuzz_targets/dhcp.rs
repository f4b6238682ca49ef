//! Any octets are a DHCP message that reads the same once it was written again, or refused.
#![no_main]

use wire::dhcp::{Message, option, wpad_url};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(message) = Message::parse(data) else { return };
    if let Some(url) = message.option(option::WPAD).and_then(wpad_url) {
        assert!(!url.contains(char::is_control));
    }
    // What had options in other fields has them all in one place now.
    if message.option(option::OVERLOAD).is_none() {
        assert_eq!(Message::parse(&message.encode()), Ok(message));
    }
});
