//! The longest chain of round trips of a check: what the network makes necessary, counted from the protocols and not from
//! the program under test, which could otherwise excuse a detour of its own.
//!
//! Checks of one host run side by side once its name is resolved, and hosts run side by side, so the chain of the whole
//! is the resolution and the longest chain of one check. An exchange that both sides begin with the initial congestion
//! window of ten segments (RFC 6928) takes one round trip for each doubling that it needs.

use std::fmt;

/// One check of the bench's service: its steps one after another, each with its round trips.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    check: &'static str,
    steps: &'static [(&'static str, u32)],
}

/// A and AAAA are asked for at once.
const RESOLUTION: (&str, u32) = ("DNS", 1);

const CHAINS: &[Chain] = &[
    Chain { check: "tcp", steps: &[("TCP", 1)] },
    // The first handshake gives the ticket that the second one resumes with.
    Chain { check: "tls", steps: &[("TCP", 1), ("TLS 1.3 and its ticket", 2), ("TCP", 1), ("TLS resumed", 1)] },
    Chain { check: "http", steps: &[("TCP", 1), ("TLS 1.3", 1), ("GET", 1)] },
    // 64 KiB are 46 segments: 10, 20 and the rest.
    Chain { check: "quic", steps: &[("QUIC", 1), ("GET", 1), ("64 KiB", 3)] },
    // 70 000 octets are 49 segments: two doublings on the way out and two on the way back, and the crossing itself.
    Chain {
        check: "websocket over HTTP/1.1",
        steps: &[("TCP", 1), ("TLS 1.3", 1), ("upgrade", 1), ("text frame", 1), ("large frame", 5), ("close", 1)],
    },
    // 20 000 octets are 14 segments: one doubling each way.
    Chain {
        check: "websocket over HTTP/2",
        steps: &[
            ("TCP", 1),
            ("TLS 1.3", 1),
            ("SETTINGS", 1),
            ("extended CONNECT", 1),
            ("text frame", 1),
            ("large frame", 3),
            ("close", 1),
        ],
    },
];

pub(super) fn longest() -> Chain {
    const NONE: Chain = Chain { check: "none", steps: &[] };
    CHAINS.iter().copied().max_by_key(Chain::round_trips).unwrap_or(NONE)
}

impl Chain {
    /// With the resolution before it.
    pub(super) fn round_trips(&self) -> u32 {
        RESOLUTION.1 + self.steps.iter().map(|(_, count)| count).sum::<u32>()
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}, then {}:", RESOLUTION.0, RESOLUTION.1, self.check)?;
        for (at, (step, count)) in self.steps.iter().enumerate() {
            write!(f, "{} {step} {count}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::longest;

    #[test]
    fn the_longest_chain_is_shown_step_by_step() {
        let chain = longest();
        assert_eq!(
            format!("{} = {chain}", chain.round_trips()),
            "11 = DNS 1, then websocket over HTTP/1.1: TCP 1, TLS 1.3 1, upgrade 1, text frame 1, large frame 5, close 1"
        );
    }
}
