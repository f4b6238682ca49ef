//! Names for how a client says hello: JA3 and JA4, as their authors specify them, so that a hello can be looked up in what
//! others have published.
//!
//! Both are computed from [`HelloFacts`](model::HelloFacts) alone and allocate nothing for hellos of any usual size. A hello
//! that is known only in part gives no fingerprint that would need the rest: `None`, never one of something else. Who reads
//! many hellos uses [`Fingerprints`], which remembers what it hashed.
//!
//! JA4 here is the fingerprint of TLS clients and its raw forms, which anybody may use. The other methods of that family
//! (servers, HTTP, certificates, TCP) come under terms that exclude use for money, and are absent on purpose.

mod ascending;
mod decimal;
mod ja3;
mod ja4;
mod memory;
mod rows;
mod text;

pub use ja3::Ja3;
pub use ja4::Ja4;
pub use memory::Fingerprints;

#[cfg(test)]
mod tests {
    use model::HelloFacts;
    use proptest::prelude::*;

    /// Lists as clients send them, and lists that nobody sends: long, with repetitions, of any numbers.
    pub(super) fn facts() -> impl Strategy<Value = HelloFacts> {
        let usual = prop::sample::select(vec![
            0x0005u16, 0x000a, 0x000d, 0x0017, 0x002b, 0x0033, 0x009c, 0x00ff, 0x0a0a, 0x1301, 0x44cd, 0x6a6a, 0xcaca,
            0xc02b, 0xc0ac, 0xca34, 0xcca8, 0xfe0d, 0xff01,
        ]);
        let code = prop_oneof![10 => usual, 1 => (1..=u16::MAX).prop_filter("no suite", |code| *code != 16)];
        let few = prop::collection::vec(code, 0..20);
        let lists = prop_oneof![
            8 => prop::array::uniform3(few),
            1 => prop::array::uniform3(prop::collection::vec(17..=u16::MAX, 0..700)),
        ];
        (any::<u16>(), lists, prop::collection::vec(any::<u16>(), 0..20), prop::collection::vec(any::<u8>(), 0..4))
            .prop_map(
                |(
                    legacy_version,
                    [cipher_suites, mut extensions, supported_groups],
                    signature_algorithms,
                    point_formats,
                )| {
                    extensions.extend(legacy_version.is_multiple_of(2).then_some(0));
                    extensions.extend(legacy_version.is_multiple_of(3).then_some(16));
                    HelloFacts {
                        legacy_version,
                        cipher_suites,
                        extensions,
                        supported_groups,
                        signature_algorithms,
                        point_formats,
                        ..HelloFacts::default()
                    }
                },
            )
    }
}
