//! Any packet is a SYN whose options are read in order, or is none.
#![no_main]

libfuzzer_sys::fuzz_target!(|packet: &[u8]| {
    if let Ok(syn) = wire::tcp::parse_syn(packet) {
        assert!(packet.len() >= 40);
        assert_eq!(syn.mss.is_some(), syn.options.split(',').any(|option| option == "mss"));
        assert_eq!(syn.window_scale.is_some(), syn.options.split(',').any(|option| option == "ws"));
    }
});
