//! The transport parameters of a QUIC client (RFC 9000 section 18), which travel in its ClientHello.

use crate::quic::varint;
use crate::reader::Reader;

/// Those whose values say what a client is, and nothing about a connection: numbers that its maker chose.
const KEPT: [u64; 18] = [
    0x01,        // max_idle_timeout
    0x03,        // max_udp_payload_size
    0x04,        // initial_max_data
    0x05,        // initial_max_stream_data_bidi_local
    0x06,        // initial_max_stream_data_bidi_remote
    0x07,        // initial_max_stream_data_uni
    0x08,        // initial_max_streams_bidi
    0x09,        // initial_max_streams_uni
    0x0a,        // ack_delay_exponent
    0x0b,        // max_ack_delay
    0x0c,        // disable_active_migration
    0x0e,        // active_connection_id_limit
    0x11,        // version_information (RFC 9368)
    0x20,        // max_datagram_frame_size (RFC 9221)
    0x2ab2,      // grease_quic_bit (RFC 9287)
    0x3128,      // connection options of Google's QUIC, as Chromium sends them
    0x4752,      // the versions of Google's QUIC
    0xff04_de1b, // min_ack_delay (draft-ietf-quic-ack-frequency)
];

/// The same with zeros for what belongs to one connection, above all the connection id, and for all that is not known here.
/// `None` where the list is damaged.
pub(crate) fn redact(list: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(list);
    let mut redacted = Vec::with_capacity(list.len());
    while !reader.is_empty() {
        let parameter = reader.rest();
        let id = varint::read(&mut reader)?;
        let value = varint::vector(&mut reader)?;
        let octets = parameter.len().checked_sub(reader.rest().len())?;
        redacted.extend(parameter.get(..octets.checked_sub(value.len())?)?);
        if KEPT.contains(&id) {
            redacted.extend(value);
        } else {
            redacted.resize(redacted.len().checked_add(value.len())?, 0);
        }
    }
    Some(redacted)
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn the_connection_id_goes_and_the_limits_stay() {
        // max_idle_timeout 30000, initial_source_connection_id, one that is reserved (RFC 9000 section 18.1), and the same
        // id in a longer form than it needs.
        let list = b"\x01\x04\x80\x00\x75\x30\x0f\x05hello\x1b\x02ab\x40\x1b\x01c";
        assert_eq!(redact(list).unwrap(), b"\x01\x04\x80\x00\x75\x30\x0f\x05\0\0\0\0\0\x1b\x02\0\0\x40\x1b\x01\0");
        assert_eq!(redact(b"\x01\x04\x80"), None);
        assert_eq!(redact(b"").unwrap(), b"");
    }
}
