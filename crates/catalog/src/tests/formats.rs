//! Writing and reading are inverse, and nothing that is read can break a reader.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Catalogue, Instance, Profile, Version};

fn names() -> (Instance, Version) {
    (Instance::parse("worldwide").unwrap(), Version::parse("2025063000").unwrap())
}

fn host() -> impl Strategy<Value = String> {
    "(\\*|\\*-|\\*\\.|a\\.\\*\\.|)[a-c]{1,3}\\.(com|Microsoft|office\\.net)"
}

fn network() -> impl Strategy<Value = String> {
    prop_oneof![
        (any::<[u8; 4]>(), 0..=32_u8)
            .prop_map(|(octets, length)| format!("{}/{length}", std::net::Ipv4Addr::from(octets))),
        (any::<u128>(), 0..=128_u8).prop_map(|(bits, length)| format!("{}/{length}", std::net::Ipv6Addr::from(bits))),
    ]
}

fn ports() -> impl Strategy<Value = String> {
    prop::collection::vec((1..u16::MAX, 0..2_u16), 0..5).prop_map(|ranges| {
        let one = |(first, more): (u16, u16)| match more {
            0 => first.to_string(),
            _ => format!("{first}-{}", first.saturating_add(more)),
        };
        ranges.into_iter().map(one).collect::<Vec<_>>().join(",")
    })
}

type Set = ((String, String, String), &'static str, [bool; 2], Vec<String>, Vec<String>, (String, String));

/// Endpoint sets as the web service sends them: blank fields are left out.
fn sets() -> impl Strategy<Value = Value> {
    let set = (
        ("[A-Z][a-z]{2,8}", "[ -~\n]{0,20}", "[ -~]{0,20}"),
        prop::sample::select(vec!["Optimize", "Allow", "Default"]),
        any::<[bool; 2]>(),
        prop::collection::vec(host(), 0..6),
        prop::collection::vec(network(), 0..6),
        (ports(), ports()),
    );
    prop::collection::btree_map(any::<u32>(), set, 0..6).prop_map(|sets| {
        let one = |(id, ((area, name, notes), category, flags, urls, ips, (tcp, udp))): (u32, Set)| {
            let [required, express] = flags;
            let mut value = json!({
                "id": id, "serviceArea": area, "serviceAreaDisplayName": name, "category": category,
                "required": required, "expressRoute": express, "urls": urls, "ips": ips,
                "tcpPorts": tcp, "udpPorts": udp, "notes": notes,
            });
            let fields = value.as_object_mut().unwrap();
            fields.retain(|_, value| *value != json!("") && *value != json!([]));
            value
        };
        Value::Array(sets.into_iter().map(one).collect())
    })
}

proptest! {
    #[test]
    fn json_to_compact_and_back_is_identity(sets in sets(), source in "[ -~]{0,40}") {
        let (instance, version) = names();
        let list = Catalogue::from_json(sets.to_string().as_bytes(), instance, version, &source).unwrap();
        let written = list.to_compact();
        let read = Catalogue::from_compact(&written).unwrap();
        prop_assert_eq!(&read, &list);
        prop_assert_eq!(read.to_compact(), written);
    }

    #[test]
    fn every_prefix_of_a_list_is_refused_or_read(sets in sets(), cut in 0..1_000_usize) {
        let (instance, version) = names();
        let text = sets.to_string();
        let list = Catalogue::from_json(text.as_bytes(), instance.clone(), version.clone(), "a test").unwrap();
        let compact = list.to_compact();
        // An error or fewer sets, and in JSON always an error: the array does not end.
        if let Some(Ok(read)) = compact.get(..cut.min(compact.len())).map(Catalogue::from_compact) {
            prop_assert!(read.sets().len() <= list.sets().len());
        }
        if cut < text.len() {
            let cut = text.as_bytes().get(..cut).unwrap();
            prop_assert!(Catalogue::from_json(cut, instance, version, "a test").is_err());
        }
    }

    #[test]
    fn readers_take_any_text(text in "\\PC{0,200}") {
        let (instance, version) = names();
        let _ = Catalogue::from_json(text.as_bytes(), instance, version, &text);
        let _ = Catalogue::from_compact(&text);
        let _ = Catalogue::from_compact(&format!("truepath-endpoints 1\ninstance a\nversion b\nsource c\n{text}"));
        // Errors are one line, whatever was read.
        if let Err(error) = Profile::parse(&text, Some(&text)) {
            prop_assert!(!error.to_string().contains('\n'), "{}", error);
        }
    }
}
