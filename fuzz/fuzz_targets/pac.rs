//! Any text is a proxy auto-configuration script that decides within its bounds, or fails with a reason; a rule that is
//! told is a line of it. The text is also a result.
#![no_main]

use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use model::{HostName, Timestamp};
use wire::pac::{Moment, Pac, World, choices};

/// Lets a script go on for a while: the count of the engine allows what takes minutes with the sanitizers.
struct Nowhere(Instant);

impl World for Nowhere {
    fn resolve(&self, name: &str) -> Vec<IpAddr> {
        if name.len() % 2 == 0 { vec![[192, 0, 2, 1].into()] } else { Vec::new() }
    }

    fn own_addresses(&self) -> Vec<IpAddr> {
        vec![[10, 0, 0, 1].into()]
    }

    fn may_go_on(&self) -> bool {
        self.0.elapsed() < Duration::from_secs(1)
    }
}

libfuzzer_sys::fuzz_target!(|script: &str| {
    assert!(!choices(script).is_empty());
    let moment = Moment { now: Timestamp::from_unix_seconds(1_795_000_000).unwrap(), offset_seconds: 3_600 };
    let host = HostName::parse("outlook.office.com").unwrap();
    // As a script, and as the body of its function.
    for script in [script.to_owned(), format!("function FindProxyForURL(url, host) {{\n{script}\n}}")] {
        let Ok(pac) = Pac::load(&script, Rc::new(Nowhere(Instant::now())), moment) else { continue };
        let Ok(decision) = pac.find(&host, 443) else { continue };
        if let Some(rule) = decision.rule {
            assert!(rule.line >= 1 && rule.line as usize <= 1 + script.matches(['\n', '\r']).count());
            assert!(rule.text.contains("return"));
        }
    }
});
