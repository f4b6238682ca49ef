//! The namespaces' name server (RFC 1035): A records over UDP for the names that it was given.

use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    str,
};

use anyhow::{Context, Result};

const A: u16 = 1;
const INTERNET: u16 = 1;
/// QR, RD and RA; with the response code in the low four bits.
const RESPONSE: u16 = 0x8180;
const NAME_ERROR: u16 = 3;
/// A pointer to the question's name, which stands right behind the header (section 4.1.4).
const QUESTION_NAME: u16 = 0xc00c;

pub(super) fn serve(listen: SocketAddr, names: &[(String, IpAddr)]) -> Result<()> {
    let socket = UdpSocket::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    let mut datagram = [0; 1500];
    loop {
        let (length, client) = socket.recv_from(&mut datagram)?;
        if let Some(response) = datagram.get(..length).and_then(|query| answer(query, names)) {
            let _unreachable = socket.send_to(&response, client);
        }
    }
}

/// The response to one query; nothing where it is not one question of a kind that is understood.
fn answer(query: &[u8], names: &[(String, IpAddr)]) -> Option<Vec<u8>> {
    let (header, question) = query.split_at_checked(12)?;
    if header.get(4..6)? != [0, 1] || header.get(2)? & 0x80 != 0 {
        return None;
    }
    let mut labels = Vec::new();
    let mut rest = question;
    loop {
        let (&length, behind) = rest.split_first()?;
        let (label, behind) = behind.split_at_checked(usize::from(length))?;
        rest = behind;
        if length == 0 {
            break;
        }
        labels.push(str::from_utf8(label).ok()?.to_ascii_lowercase());
    }
    let (&[k0, k1, c0, c1], _) = rest.split_first_chunk()?;
    let (kind, class) = (u16::from_be_bytes([k0, k1]), u16::from_be_bytes([c0, c1]));
    let question = question.get(..question.len() - rest.len() + 4)?;

    let name = labels.join(".");
    let address = names.iter().find(|(known, _)| *known == name).map(|(_, address)| address);
    let record = match address {
        Some(IpAddr::V4(address)) if kind == A && class == INTERNET => Some(address.octets()),
        _ => None,
    };
    let code = if address.is_some() { 0 } else { NAME_ERROR };
    let mut response = header.get(..2)?.to_vec();
    for field in [RESPONSE | code, 1, u16::from(record.is_some()), 0, 0] {
        response.extend(field.to_be_bytes());
    }
    response.extend_from_slice(question);
    if let Some(address) = record {
        for field in [QUESTION_NAME, A, INTERNET, 0, 60, 4] {
            response.extend(field.to_be_bytes());
        }
        response.extend(address);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn known_names_have_an_address_and_others_do_not_exist() {
        let names = [("a.example".to_owned(), "198.51.100.11".parse().unwrap())];
        let query = |name: &[u8], kind: u8| {
            let header = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
            [header.as_slice(), name, &[0, 0, kind, 0, 1]].concat()
        };
        let found = answer(&query(b"\x01A\x07example", 1), &names).unwrap();
        assert_eq!(&found[..8], [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1]);
        assert_eq!(found[found.len() - 4..], [198, 51, 100, 11]);
        let no_data = answer(&query(b"\x01a\x07example", 28), &names).unwrap();
        assert_eq!(no_data[2..8], [0x81, 0x80, 0, 1, 0, 0]);
        let unknown = answer(&query(b"\x01b\x07example", 1), &names).unwrap();
        assert_eq!(unknown[2..8], [0x81, 0x83, 0, 1, 0, 0]);
    }

    #[test]
    fn damaged_queries_are_not_answered() {
        let query = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1];
        assert!(answer(&query, &[]).is_some());
        for end in 0..query.len() {
            assert!(answer(&query[..end], &[]).is_none());
        }
    }
}
