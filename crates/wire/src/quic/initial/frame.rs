//! The frames that an Initial packet may hold (RFC 9000 section 12.4 and 19).

use crate::quic::varint;
use crate::reader::Reader;

use super::Error;

/// What matters of a frame here. PADDING, PING and ACK are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    Crypto {
        offset: u64,
        data: &'a [u8],
    },
    /// With the error code (RFC 9000 section 20.1).
    Close(u64),
}

/// Takes the next frame that matters; `None` at the end of the packet.
pub(super) fn next<'a>(reader: &mut Reader<'a>) -> Result<Option<Frame<'a>>, Error> {
    const CUT: Error = Error::Truncated("a frame");
    while !reader.is_empty() {
        match varint::read(reader).ok_or(CUT)? {
            PADDING | PING => {}
            kind @ (ACK | ACK_WITH_ECN) => {
                let [_largest, _delay, ranges, _first] = numbers(reader).ok_or(CUT)?;
                // Each takes at least two octets from the packet, which ends this in time whatever the number is.
                for _ in 0..ranges {
                    let [_gap, _length] = numbers(reader).ok_or(CUT)?;
                }
                if kind == ACK_WITH_ECN {
                    let [_ect0, _ect1, _ce] = numbers(reader).ok_or(CUT)?;
                }
            }
            CRYPTO => {
                let offset = varint::read(reader).ok_or(CUT)?;
                let data = varint::vector(reader).ok_or(CUT)?;
                return Ok(Some(Frame::Crypto { offset, data }));
            }
            CONNECTION_CLOSE => {
                let [code, _frame] = numbers(reader).ok_or(CUT)?;
                varint::vector(reader).ok_or(CUT)?;
                return Ok(Some(Frame::Close(code)));
            }
            other => return Err(Error::UnexpectedFrame(other)),
        }
    }
    Ok(None)
}

const PADDING: u64 = 0x00;
const PING: u64 = 0x01;
const ACK: u64 = 0x02;
const ACK_WITH_ECN: u64 = 0x03;
pub(super) const CRYPTO: u64 = 0x06;
const CONNECTION_CLOSE: u64 = 0x1c;

fn numbers<const N: usize>(reader: &mut Reader<'_>) -> Option<[u64; N]> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = varint::read(reader)?;
    }
    Some(numbers)
}
