//! The sockets of the name server: UDP, and TCP for whoever was told to come again that way or prefers it (RFC 7766).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::Error;
use crate::admission::Admission;
use crate::datagrams::{BUFFER, Socket};
use crate::lifecycle::Tasks;
use crate::tcp::canonical;

use super::zone::{QUESTION_LIMIT, Via, Zone, truncated};

/// TCP connections at a time, in all and of one resolver.
const CONNECTIONS: usize = 128;
const CONNECTIONS_PER_CLIENT: usize = 16;
/// How long a connection may take for its next whole question: a resolver asks at once (RFC 7766 section 6.2.3 wants a few
/// seconds at least).
const IDLE: Duration = Duration::from_secs(10);
/// Questions on one connection.
const QUESTIONS: usize = 64;

/// One address of the name server.
pub(crate) struct Sockets {
    pub(crate) address: SocketAddr,
    udp: Socket,
    tcp: TcpListener,
}

/// UDP and TCP on the same port.
pub(crate) async fn open(address: SocketAddr) -> Result<Sockets, Error> {
    /// A port that is free for UDP may be taken for TCP; for port 0 another one will do.
    const ATTEMPTS: usize = 16;
    let failed = |protocol, address| move |source| Error::Listen { protocol, address, source };
    let mut attempt = 0;
    loop {
        attempt += 1;
        let udp = Socket::bind(address).map_err(failed("UDP", address))?;
        let bound = udp.address();
        match TcpListener::bind(bound).await {
            Ok(tcp) => return Ok(Sockets { address: bound, udp, tcp }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && address.port() == 0 && attempt < ATTEMPTS => {}
            Err(error) => return Err(failed("TCP", bound)(error)),
        }
    }
}

/// Answers until it is time to stop.
pub(crate) fn serve(sockets: Sockets, zone: &Arc<Zone>, tasks: &Tasks) {
    let Sockets { address: _, udp, tcp } = sockets;
    tasks.spawn(datagrams(udp, zone.clone(), tasks.clone()));
    tasks.spawn(connections(tcp, zone.clone(), tasks.clone()));
}

async fn datagrams(socket: Socket, zone: Arc<Zone>, tasks: Tasks) {
    let mut buffer = vec![0; BUFFER];
    let mut slip = false;
    loop {
        let received = tokio::select! {
            received = socket.receive(&mut buffer) => received,
            () = tasks.draining() => return,
        };
        let Ok((from, questions)) = received else {
            // An ICMP error for an answer of ours, or a system out of memory.
            sleep(Duration::from_millis(5)).await;
            continue;
        };
        let asker = canonical(from.sender).ip();
        let own = || from.our.map(|our| our.to_canonical()).or_else(|| own_address(from.sender));
        for question in questions.filter(|question| question.len() <= QUESTION_LIMIT) {
            let now = Instant::now();
            let answer = if zone.rate.admits(asker, now) {
                zone.answer(question, Via::Udp, asker, &own, now)
            } else {
                // Every second one, so that less goes to a forged address than came from it.
                slip = !slip;
                slip.then(|| truncated(question)).flatten()
            };
            if let Some(answer) = answer {
                socket.answer(from, &answer);
            }
        }
    }
}

async fn connections(listener: TcpListener, zone: Arc<Zone>, tasks: Tasks) {
    let admission = Admission::new(CONNECTIONS, CONNECTIONS_PER_CLIENT);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = tasks.draining() => return,
        };
        let Ok((socket, client)) = accepted else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let client = canonical(client).ip();
        let Ok(pass) = admission.enter(client) else { continue };
        let (zone, draining) = (zone.clone(), tasks.clone());
        tasks.spawn(async move {
            let _pass = pass;
            tokio::select! {
                // However it ends, the resolver sees it and nobody else is concerned.
                _ = connection(socket, client, &zone) => {}
                () = draining.draining() => {}
            }
        });
    }
}

/// Each message has its length in front, in two octets (RFC 1035 section 4.2.2).
async fn connection(mut socket: TcpStream, client: IpAddr, zone: &Zone) -> io::Result<()> {
    let own = socket.local_addr().ok().map(|own| canonical(own).ip());
    let own = || own;
    let mut buffer = [0; QUESTION_LIMIT];
    for _ in 0..QUESTIONS {
        let length = timeout(IDLE, socket.read_u16()).await??;
        let Some(question) = buffer.get_mut(..usize::from(length)) else { return Ok(()) };
        timeout(IDLE, socket.read_exact(question)).await??;
        let Some(answer) = zone.answer(question, Via::Tcp, client, &own, Instant::now()) else { return Ok(()) };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        // In one piece: some resolvers do not read on after the length alone (RFC 7766 section 8).
        let framed = [length.to_be_bytes().as_slice(), &answer].concat();
        timeout(IDLE, socket.write_all(&framed)).await??;
    }
    Ok(())
}

/// The address that this machine sends to `peer` from. Nothing is sent: connecting a UDP socket only looks up the route.
fn own_address(peer: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = std::net::UdpSocket::bind((any, 0)).ok()?;
    socket.connect(peer).ok()?;
    Some(canonical(socket.local_addr().ok()?).ip())
}
