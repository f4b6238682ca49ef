//! What is said in the clear before TLS: CONNECT, SOCKS, STARTTLS and their like.
//!
//! Each of these protocols could be followed step by step, and each implementation that speaks a little differently would
//! hide its handshake. So it is done the other way round: the client's first octets are searched for the start of a
//! ClientHello, which is unmistakable (five fixed octets and two lengths), wherever it stands; what
//! stands before it gives the prologue its name. The search ends after [`MAX_PROLOGUE`] octets, or at once where the first
//! ones belong to a protocol that never gets to TLS. The result does not depend on how the stream was cut.

/// A login through a proxy with long tokens has some kilobytes, tried twice.
pub(super) const MAX_PROLOGUE: usize = 16 << 10;

/// Octets that [`is_client_hello`] and [`is_answer`] look at, at most.
pub(super) const LOOK: usize = 13;

/// What the first octets of a client are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// TLS begins here.
    At(usize),
    /// The whole stream is a ClientHello in the old format.
    Version2,
    NotYet,
    Never,
}

/// Looks for TLS in the octets from the client's first one on, of which those before `from` were searched already.
pub(super) fn find(octets: &[u8], from: usize) -> Found {
    match octets {
        // A record of a handshake: whatever it holds, nothing else begins so.
        [22, 3, ..] => return Found::At(0),
        [] | [22] => return Found::NotYet,
        _ if is_version_2(octets) => return Found::Version2,
        _ if is_hopeless(octets) => return Found::Never,
        _ => {}
    }
    if let Some(at) = search(octets, from, is_client_hello) {
        return Found::At(at);
    }
    if octets.len() >= MAX_PROLOGUE { Found::Never } else { Found::NotYet }
}

/// The first place at or after `from` where `is` holds.
pub(super) fn search(octets: &[u8], from: usize, is: fn(&[u8]) -> bool) -> Option<usize> {
    let mut rest = octets.get(from..)?;
    while let Some(at) = rest.iter().position(|octet| matches!(octet, 21 | 22)) {
        rest = rest.get(at..)?;
        if is(rest) {
            return Some(octets.len().saturating_sub(rest.len()));
        }
        rest = rest.get(1..)?;
    }
    None
}

/// Whether these octets begin with a record that begins with a ClientHello: record type, version and length (RFC 8446
/// section 5.1), message type and length (section 4), version of the message.
pub(super) fn is_client_hello(octets: &[u8]) -> bool {
    is_hello(octets, 1)
}

/// The same for a ServerHello, or an alert in its place (RFC 8446 section 6).
pub(super) fn is_answer(octets: &[u8]) -> bool {
    is_hello(octets, 2) || matches!(octets, [21, 3, 0..=4, 0, 2, 1 | 2, _, ..])
}

fn is_hello(octets: &[u8], due: u8) -> bool {
    let [22, 3, 0..=4, r1, r0, kind, rest @ ..] = octets else { return false };
    let record = u16::from_be_bytes([*r1, *r0]);
    if *kind != due {
        return false;
    }
    // A record too short for what is looked at below is followed by another one.
    if let 1..=5 = record {
        let next = rest.get(usize::from(record).saturating_sub(1)..).unwrap_or_default();
        return matches!(next, [22, 3, 0..=4, ..]);
    }
    let [0, m1, m0, 3, 0..=4, ..] = rest else { return false };
    // A hello has at least its version, random, session id, cipher suite and compression method.
    let message = u32::from(u16::from_be_bytes([*m1, *m0])) + 4;
    (42..=65_539).contains(&message) && (6..=1 << 14).contains(&record)
}

/// Whether a stream begins with a ClientHello in the format of SSL 2.0, as clients sent it that wanted to be understood by
/// servers of 1995 (RFC 5246 appendix E.2): length, type, version, and three lengths that must add up to it.
fn is_version_2(octets: &[u8]) -> bool {
    let [l1 @ 0x80..=0xff, l0, 1, v1, v0, s1, s0, i1, i0, c1, c0, ..] = octets else { return false };
    let number = |high: &u8, low: &u8| usize::from(u16::from_be_bytes([*high, *low]));
    let (suites, session_id, challenge) = (number(s1, s0), number(i1, i0), number(c1, c0));
    let is_version = matches!((v1, v0), (3, 0..=4) | (0, 2));
    is_version
        && suites.is_multiple_of(3)
        && matches!(session_id, 0 | 16)
        && (16..=32).contains(&challenge)
        && number(&(*l1 & 0x7f), l0) == suites + session_id + challenge + 9
}

/// Requests of HTTP other than CONNECT, and protocols with an encryption of their own.
fn is_hopeless(octets: &[u8]) -> bool {
    const STARTS: [&[u8]; 10] = [
        b"GET ",
        b"POST ",
        b"HEAD ",
        b"PUT ",
        b"DELETE ",
        b"OPTIONS ",
        b"PATCH ",
        b"PRI * ",
        b"SSH-",
        b"\x13BitTorrent",
    ];
    STARTS.iter().any(|start| octets.starts_with(start))
}

/// The name of what came before TLS. Several stages, such as a proxy protocol header before CONNECT, are joined by `+`.
pub(super) fn name(octets: &[u8]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut rest = octets;
    // The stages that have a length; what follows them is looked at on its own.
    while let Some((name, after)) = stage(rest) {
        // A proxy that asks for a login is asked twice.
        if names.last() != Some(&name) {
            names.push(name);
        }
        rest = after;
    }
    if !rest.is_empty() || names.is_empty() {
        names.push(last_stage(rest));
    }
    names.join("+")
}

/// One stage of the prologue, and what comes behind it.
fn stage(octets: &[u8]) -> Option<(&'static str, &[u8])> {
    // The header of version 2 of the PROXY protocol: twelve fixed octets, version, family, length (section 2.2).
    if let Some(rest) = octets.strip_prefix(b"\r\n\r\n\0\r\nQUIT\n") {
        let [_, _, l1, l0, rest @ ..] = rest else { return None };
        return Some(("proxy-protocol", rest.get(usize::from(u16::from_be_bytes([*l1, *l0]))..)?));
    }
    if octets.starts_with(b"PROXY ") {
        return Some(("proxy-protocol", after(octets, b"\r\n")?));
    }
    // RFC 9110 section 9.3.6.
    if octets.starts_with(b"CONNECT ") {
        return Some(("connect", after(octets, b"\r\n\r\n")?));
    }
    match octets {
        // SOCKS 5 (RFC 1928): the methods, a login perhaps (RFC 1929), the request; all that is known of them is their lengths.
        [5, methods, rest @ ..] if *methods != 0 && rest.len() >= usize::from(*methods) => {
            let mut rest = rest.get(usize::from(*methods)..)?;
            if let [1, login @ ..] = rest {
                rest = after_vector(after_vector(login)?)?;
            }
            let [5, _, 0, kind, address @ ..] = rest else { return None };
            let rest = match kind {
                1 => address.get(4..),
                3 => after_vector(address),
                4 => address.get(16..),
                _ => None,
            };
            Some(("socks5", rest?.get(2..)?))
        }
        // SOCKS 4: command, port, address, user; an address of 0.0.0.x says that a name follows (SOCKS 4A).
        [4, 1 | 2, _, _, a, b, c, d, rest @ ..] => {
            let rest = after(rest, b"\0")?;
            let named = [*a, *b, *c] == [0, 0, 0] && *d != 0;
            Some(("socks4", if named { after(rest, b"\0")? } else { rest }))
        }
        // PostgreSQL's SSLRequest and GSSENCRequest (protocol 3.0, message formats): length, then 1234 and 5679 or 5680.
        [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f | 0x30, rest @ ..] => Some(("postgresql", rest)),
        _ => None,
    }
}

/// A prologue without lengths, by the words in it.
fn last_stage(octets: &[u8]) -> &'static str {
    let has = |word: &[u8]| octets.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    match octets {
        // The extended request with the object identifier of StartTLS (RFC 4511 section 4.14.1).
        [0x30, ..] if has(b"1.3.6.1.4.1.1466.20037") => return "starttls-ldap",
        // The SSLRequest of MySQL: 32 octets, second packet of the connection, with the flag CLIENT_SSL.
        [32, 0, 0, 1, _, flags, ..] if flags & 0x08 != 0 && octets.len() == 36 => return "mysql",
        // X.224 over TPKT (MS-RDPBCGR section 2.2.1.1): a connection request.
        [3, 0, _, _, _, 0xe0, ..] => return "rdp",
        _ => {}
    }
    // RFC 6120 section 5, RFC 4217 section 4, RFC 2595 sections 3 and 4, RFC 3207, RFC 4642 and RFC 5804 (which greet in no
    // way of their own).
    if has(b"<starttls") {
        "starttls-xmpp"
    } else if has(b"AUTH TLS\r\n") || has(b"AUTH SSL\r\n") || has(b"AUTH TLS-C\r\n") {
        "starttls-ftp"
    } else if has(b"STLS\r\n") {
        "starttls-pop3"
    } else if has(b"EHLO ") || has(b"LHLO ") || has(b"HELO ") {
        "starttls-smtp"
    } else if has(b" STARTTLS\r\n") {
        "starttls-imap"
    } else if has(b"STARTTLS\r\n") {
        "starttls"
    } else {
        "unknown"
    }
}

/// What comes behind the first occurrence of `end`.
fn after<'a>(octets: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let at = octets.windows(end.len()).position(|window| window == end)?;
    octets.get(at.saturating_add(end.len())..)
}

/// What comes behind a vector with its length in one octet.
fn after_vector(octets: &[u8]) -> Option<&[u8]> {
    let (length, rest) = octets.split_first()?;
    rest.get(usize::from(*length)..)
}
