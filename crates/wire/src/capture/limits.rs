//! What an inspection may take in memory.

/// The defaults stay below 100 MB together, whatever is captured.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// TCP connections known at a time. One costs about 150 octets until it says something.
    pub tcp_connections: usize,
    /// QUIC connections known at a time.
    pub quic_connections: usize,
    /// Octets of all connections together that are kept until their handshake is whole.
    pub octets: usize,
    /// How long a ClientHello waits for its answer, in nanoseconds of the capture.
    pub answer_within: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Just below what makes the index double.
            tcp_connections: 57_000,
            quic_connections: 7_000,
            octets: 24 << 20,
            answer_within: 30_000_000_000,
        }
    }
}
