//! One connection's ids, and the keys that follow from them.

use super::packet::{InitialPacket, RetryPacket};
use super::protection::{self, Opened, Opener};
use super::version::Version;
use super::{Error, Progress, Sender};

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) version: &'static Version,
    /// The destination of the client's first packet.
    pub(super) original: Vec<u8>,
    /// What the keys are made from: the same, or the server's choice after a Retry.
    keyed: Vec<u8>,
    /// The client's own id, with which the server's Version Negotiation must answer.
    pub(super) client: Vec<u8>,
    /// Made as needed: one for each side, and for each version that it spoke.
    openers: Vec<(u32, Sender, Opener)>,
}

impl Connection {
    /// The connection that a client's packet begins, and what is in that packet.
    pub(super) fn of(packet: &InitialPacket<'_>) -> Result<(Self, Opened), Error> {
        let mut connection = Self {
            version: packet.version,
            original: packet.destination.to_vec(),
            keyed: packet.destination.to_vec(),
            client: packet.source.to_vec(),
            openers: Vec::new(),
        };
        let opened = connection.open(Sender::Client, packet, 0)?;
        Ok((connection, opened))
    }

    pub(super) fn open(&mut self, sender: Sender, packet: &InitialPacket<'_>, expected: u64) -> Result<Opened, Error> {
        let version = packet.version;
        let known = |(number, side, _): &(u32, Sender, Opener)| *number == version.number && *side == sender;
        if let Some((_, _, opener)) = self.openers.iter().find(|opener| known(opener)) {
            return opener.open(packet, expected);
        }
        let opener = Opener::new(version, &self.keyed, sender).ok_or(Error::Decrypt)?;
        let opened = opener.open(packet, expected)?;
        // Two are the rule, and flows are many.
        self.openers.reserve_exact(1);
        self.openers.push((version.number, sender, opener));
        Ok(opened)
    }

    /// Takes the keys that follow from a Retry; tells whether it is one that this client's packet brought about.
    pub(super) fn retry(&mut self, packet: &RetryPacket<'_>) -> bool {
        let valid = protection::is_valid_retry(packet, &self.original);
        if valid {
            self.keyed = packet.source.to_vec();
            self.forget_keys();
        }
        valid
    }

    /// They are made again as needed.
    pub(super) fn forget_keys(&mut self) {
        self.openers = Vec::new();
    }

    /// Octets in memory beside itself, about.
    pub(super) fn held(&self) -> usize {
        let ids = [&self.original, &self.keyed, &self.client].into_iter().map(Vec::capacity).sum::<usize>();
        let openers = self.openers.capacity().saturating_mul(size_of::<(u32, Sender, Opener)>());
        let keys = self.openers.len().saturating_mul(protection::KEY_MEMORY);
        ids.saturating_add(openers).saturating_add(keys)
    }

    /// What a packet is after the flow has told all. What is damaged is late too.
    pub(super) fn late(&self, sender: Sender, packet: &InitialPacket<'_>) -> Progress {
        if sender == Sender::Client && self.is_foreign(packet) {
            let ours = Opener::new(packet.version, &self.keyed, sender).map(|opener| opener.open(packet, 0));
            if ours.is_some_and(|opened| opened.is_err()) && Self::of(packet).is_ok() {
                return Progress::AnotherConnection;
            }
        }
        Progress::Taken
    }

    /// Whether a client's packet goes where no packet of this connection has gone before the server's first answer.
    pub(super) fn is_foreign(&self, packet: &InitialPacket<'_>) -> bool {
        packet.destination != self.original && packet.destination != self.keyed
    }
}
