//! Any line is a contribution that is checked without harm, and written as it was read; or refused.
#![no_main]

use model::Contribution;

libfuzzer_sys::fuzz_target!(|line: &[u8]| {
    let Ok(read) = serde_json::from_slice::<Contribution>(line) else { return };
    let _ = read.check();
    let written = serde_json::to_vec(&read).unwrap();
    assert_eq!(serde_json::from_slice::<Contribution>(&written).unwrap(), read);
});
