//! Any bytes as the JSON of an endpoint list. What is read survives our own format.
#![no_main]

use catalog::{Catalogue, Instance, Version};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (Ok(instance), Ok(version)) = (Instance::parse("worldwide"), Version::parse("2025063000")) else { return };
    if let Ok(list) = Catalogue::from_json(data, instance, version, "fuzzing") {
        assert_eq!(Catalogue::from_compact(&list.to_compact()), Ok(list));
    }
});
