//! SOCKS 5 (RFC 1928) with user name and password (RFC 1929), and what is left of SOCKS 4 with names (SOCKS 4a). The
//! proxy resolves the name.

use model::{Failure, FailureKind, Operation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Credentials;
use crate::failure::Stopwatch;
use crate::net::ByteStream;

const VERSION: u8 = 5;
/// Methods of RFC 1928 section 3.
const NO_SIGN_IN: u8 = 0x00;
const GSSAPI: u8 = 0x01;
const USER_AND_PASSWORD: u8 = 0x02;
const NONE_ACCEPTABLE: u8 = 0xff;

/// The method that the proxy chose of those that were offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Greeting {
    NoSignIn,
    Gssapi,
    UserAndPassword,
    NoneAcceptable,
}

/// Offers what we can do.
pub(super) async fn greet(
    stream: &mut dyn ByteStream,
    credentials: Option<&Credentials>,
    watch: Stopwatch,
) -> Result<Greeting, Failure> {
    match credentials {
        Some(_) => offer(stream, &[NO_SIGN_IN, USER_AND_PASSWORD], watch).await,
        None => offer(stream, &[NO_SIGN_IN], watch).await,
    }
}

/// Offers what there is, to see what the proxy wants.
pub(super) async fn offer_all(stream: &mut dyn ByteStream, watch: Stopwatch) -> Result<Greeting, Failure> {
    offer(stream, &[NO_SIGN_IN, GSSAPI, USER_AND_PASSWORD], watch).await
}

async fn offer(stream: &mut dyn ByteStream, methods: &[u8], watch: Stopwatch) -> Result<Greeting, Failure> {
    let mut greeting = vec![VERSION, u8::try_from(methods.len()).unwrap_or(u8::MAX)];
    greeting.extend(methods);
    write(stream, &greeting, watch).await?;
    match read::<2>(stream, watch).await? {
        [VERSION, NONE_ACCEPTABLE] => Ok(Greeting::NoneAcceptable),
        [VERSION, method] if methods.contains(&method) => Ok(match method {
            NO_SIGN_IN => Greeting::NoSignIn,
            GSSAPI => Greeting::Gssapi,
            _ => Greeting::UserAndPassword,
        }),
        _ => Err(protocol("the answer to the greeting is not that of SOCKS 5", watch)),
    }
}

/// Does what the method asks for (RFC 1929 section 2).
pub(super) async fn sign_in(
    stream: &mut dyn ByteStream,
    greeting: Greeting,
    credentials: Option<&Credentials>,
    watch: Stopwatch,
) -> Result<(), Failure> {
    let refused = |detail| Err(watch.failure(Operation::Proxy, FailureKind::Refused, detail));
    let credentials = match (greeting, credentials) {
        (Greeting::NoSignIn, _) => return Ok(()),
        (Greeting::UserAndPassword, Some(credentials)) => credentials,
        _ => return refused("the proxy asks for a sign-in that was not offered"),
    };
    let mut message = vec![1];
    for field in [&credentials.user, &credentials.password] {
        let Ok(length) = u8::try_from(field.len()) else {
            let detail = "user name and password are at most 255 octets long in SOCKS 5";
            return Err(watch.failure(Operation::Proxy, FailureKind::Local, detail));
        };
        message.push(length);
        message.extend(field.as_bytes());
    }
    write(stream, &message, watch).await?;
    match read::<2>(stream, watch).await? {
        [_, 0] => Ok(()),
        _ => refused("the proxy refuses user name and password"),
    }
}

/// Asks for the connection (RFC 1928 sections 4 to 6).
pub(super) async fn connect(
    stream: &mut dyn ByteStream,
    host: &str,
    port: u16,
    watch: Stopwatch,
) -> Result<(), Failure> {
    let Ok(length) = u8::try_from(host.len()) else {
        return Err(watch.failure(Operation::Proxy, FailureKind::Local, "the name is longer than 255 octets"));
    };
    const CONNECT: u8 = 1;
    const DOMAIN_NAME: u8 = 3;
    let mut request = vec![VERSION, CONNECT, 0, DOMAIN_NAME, length];
    request.extend(host.as_bytes());
    request.extend(port.to_be_bytes());
    write(stream, &request, watch).await?;
    let [version, reply, _reserved, kind] = read(stream, watch).await?;
    if version != VERSION {
        return Err(protocol("the answer to the request is not that of SOCKS 5", watch));
    }
    let (failure, words) = match reply {
        0 => {
            // The address that the proxy sends from, and its port: whatever it is, it is not the tunnel's.
            let length = match kind {
                1 => 4,
                DOMAIN_NAME => usize::from(read::<1>(stream, watch).await?[0]),
                4 => 16,
                _ => return Err(protocol("the proxy's own address is of no known kind", watch)),
            };
            let mut address = vec![0; length + 2];
            stream.read_exact(&mut address).await.map_err(|error| watch.io(Operation::Proxy, &error))?;
            return Ok(());
        }
        2 => (FailureKind::Refused, "not allowed by its rules"),
        3 => (FailureKind::Unreachable, "network unreachable"),
        4 => (FailureKind::Unreachable, "host unreachable"),
        5 => (FailureKind::Refused, "connection refused"),
        6 => (FailureKind::Unreachable, "time to live expired"),
        _ => (FailureKind::Protocol, "general failure"),
    };
    Err(watch.failure(Operation::Proxy, failure, format!("the proxy answered {reply}: {words}")))
}

/// Asks a SOCKS 4a proxy, which has no sign-in: address 0.0.0.1 says that a name follows.
pub(super) async fn connect4(
    stream: &mut dyn ByteStream,
    host: &str,
    port: u16,
    watch: Stopwatch,
) -> Result<(), Failure> {
    let mut request = vec![4, 1];
    request.extend(port.to_be_bytes());
    request.extend([0, 0, 0, 1, 0]);
    request.extend(host.as_bytes());
    request.push(0);
    write(stream, &request, watch).await?;
    match read::<8>(stream, watch).await? {
        [0, 90, ..] => Ok(()),
        [0, reply @ 91..=93, ..] => {
            Err(watch.failure(Operation::Proxy, FailureKind::Refused, format!("the proxy answered {reply}: rejected")))
        }
        _ => Err(protocol("the answer is not that of SOCKS 4", watch)),
    }
}

async fn write(stream: &mut dyn ByteStream, octets: &[u8], watch: Stopwatch) -> Result<(), Failure> {
    let io = |error| watch.io(Operation::Proxy, &error);
    stream.write_all(octets).await.map_err(io)?;
    stream.flush().await.map_err(io)
}

async fn read<const N: usize>(stream: &mut dyn ByteStream, watch: Stopwatch) -> Result<[u8; N], Failure> {
    let mut octets = [0; N];
    stream.read_exact(&mut octets).await.map_err(|error| watch.io(Operation::Proxy, &error))?;
    Ok(octets)
}

fn protocol(detail: &str, watch: Stopwatch) -> Failure {
    watch.failure(Operation::Proxy, FailureKind::Protocol, detail)
}
