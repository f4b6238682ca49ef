//! Any text as an endpoint list in our own format. What is read is written and read again the same, and every host and
//! every range in it is found.
#![no_main]

use catalog::{Catalogue, Query};
use model::HostName;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(list) = Catalogue::from_compact(text) else { return };
    assert_eq!(Catalogue::from_compact(&list.to_compact()).as_ref(), Ok(&list));
    for set in list.sets() {
        for network in &set.networks {
            assert!(list.address(network.addr(), Query::default()).is_some());
        }
        for pattern in &set.hosts {
            if let Ok(host) = HostName::parse(&pattern.as_str().replace('*', "x")) {
                assert!(list.host(&host, Query::default()).is_some());
            }
        }
    }
});
