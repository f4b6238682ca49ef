//! What must not be below a core crate, at any depth.
//!
//! `quinn-proto` is allowed below `wire` (feature `quinn`): it is the state machine of QUIC alone, which takes datagrams
//! and the time as arguments and opens no socket. `quinn` and `quinn-udp`, which do, are not. `aws-lc-rs` and
//! `getrandom` are allowed: entropy is the one thing that a protocol's bytes need from the machine.

/// Async runtimes, socket libraries, HTTP stacks that bring them, databases.
const FORBIDDEN: &[&str] = &[
    "async-io",
    "async-std",
    "curl",
    "hickory-resolver",
    "hyper",
    "hyper-util",
    "mio",
    "native-tls",
    "polling",
    "quinn",
    "quinn-udp",
    "redb",
    "reqwest",
    "rusqlite",
    "smol",
    "socket2",
    "sqlx",
    "tokio",
    "tokio-rustls",
    "ureq",
];

/// `tree` is the output of `cargo tree --prefix none --format {p}`: a package and its version on each line.
pub(super) fn offences(room: &str, tree: &str) -> Vec<String> {
    let mut found: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| FORBIDDEN.contains(name))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
        .into_iter()
        .map(|name| format!("{room} must do without {name}: see `cargo tree -p {room} -i {name}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::offences;

    #[test]
    fn a_runtime_at_any_depth_is_found_once() {
        let tree =
            "wire v0.1.0 (/x/crates/wire)\nbytes v1.12.2\nh2 v0.4.20\ntokio v1.54.1\nmio v1.2.5\ntokio v1.54.1 (*)\n";
        let offences = offences("wire", tree);
        assert_eq!(offences.len(), 2, "{offences:?}");
        assert!(offences[0].starts_with("wire must do without mio"));
        assert!(offences[1].starts_with("wire must do without tokio"));
    }

    #[test]
    fn the_state_machine_of_quic_is_no_socket() {
        assert!(
            offences("wire", "wire v0.1.0\nquinn-proto v0.11.15\nrustls v0.23.46\ntokio-macros-like v1.0.0").is_empty()
        );
        assert_eq!(offences("wire", "wire v0.1.0\nquinn-udp v0.5.0\nquinn v0.11.12").len(), 2);
    }
}
