//! One try on Linux: a SYN or an echo request with a hop limit, and the kernel's word on who dropped it.
//!
//! With IP_RECVERR (ip(7)) and IPV6_RECVERR (ipv6(7)) the kernel keeps each ICMP error that belongs to a socket in a queue
//! of that socket, with the address of the router that sent it. That takes no privileges, and no reading of other
//! programs' packets. Each try has a socket of its own, so nobody's answers are mixed up.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrStorage, recvmsg,
    setsockopt, sockopt,
};
use socket2::Socket;
use tokio::io::Interest;
use tokio::net::{TcpStream, UdpSocket};
use wire::icmp::Echo;

use super::trace::{Answer, Kind};
use crate::failure::Stopwatch;

/// Octets of a reply or of a quoted packet that are looked at; what we send is far shorter.
const PACKET: usize = 512;
/// Octets of the control messages of one error: the error itself and an address, with room to spare.
const CONTROL: usize = 512;

/// SO_EE_ORIGIN_ICMP and SO_EE_ORIGIN_ICMP6 of linux/errqueue.h: the error came in a packet.
const FROM_ICMP: u8 = 2;
const FROM_ICMP6: u8 = 3;
/// Time exceeded: RFC 792 and RFC 4443 section 3.3.
const TIME_EXCEEDED: u8 = 11;
const TIME_EXCEEDED6: u8 = 3;

/// Opens a connection with a hop limit. Whoever accepts or refuses it is the host, or answers for it.
pub(super) async fn syn(to: SocketAddr, limit: u8, interface: Option<&str>) -> io::Result<Answer> {
    let socket = open(to.ip(), SockType::Stream, None, interface)?;
    set_limit(&socket, to.ip(), limit)?;
    let watch = Stopwatch::start();
    let reached = |watch: Stopwatch| Answer { from: to.ip(), after: watch.elapsed(), kind: Kind::Reached };
    match socket.connect(&to.into()) {
        Ok(()) => return Ok(reached(watch)),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(reached(watch)),
        Err(error) if error.raw_os_error() == Some(nix::errno::Errno::EINPROGRESS as i32) => {}
        Err(error) => return Err(error),
    }
    let stream = TcpStream::from_std(socket.into())?;
    stream.ready(Interest::WRITABLE | Interest::ERROR).await?;
    if let Some(error) = next_error(&stream, to.ip()) {
        return Ok(error.answer(watch));
    }
    match stream.take_error()? {
        None => Ok(reached(watch)),
        Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(reached(watch)),
        Some(error) => Err(error),
    }
}

/// Echo requests to one address.
pub(super) struct Echoes<'a> {
    to: IpAddr,
    interface: Option<&'a str>,
    /// A raw socket sees what belongs to other programs too, and the IPv4 header.
    raw: bool,
}

impl<'a> Echoes<'a> {
    /// Finds out which kind of socket this user may have.
    pub(super) fn open(to: IpAddr, interface: Option<&'a str>) -> io::Result<Self> {
        let denied = match open(to, SockType::Datagram, Some(protocol(to)), interface) {
            Ok(_) => return Ok(Self { to, interface, raw: false }),
            Err(error) => error,
        };
        open(to, SockType::Raw, Some(protocol(to)), interface).map_err(|_| denied)?;
        Ok(Self { to, interface, raw: true })
    }

    pub(super) async fn echo(&self, limit: u8) -> io::Result<Answer> {
        let kind = if self.raw { SockType::Raw } else { SockType::Datagram };
        let socket = open(self.to, kind, Some(protocol(self.to)), self.interface)?;
        set_limit(&socket, self.to, limit)?;
        socket.connect(&SocketAddr::new(self.to, 0).into())?;
        let mut random = [0u8; 10];
        SystemRandom::new().fill(&mut random).map_err(|_| io::Error::other("the system gives no random octets"))?;
        let [high, low, token @ ..] = random;
        let echo = Echo { identifier: u16::from_be_bytes([high, low]), sequence: limit.into(), token };
        let watch = Stopwatch::start();
        let request = echo.request(self.to);
        let mut sent = socket.send(&request);
        // A raw socket is told of other programs' errors too, and one of them may stand in our way.
        if sent.is_err() && self.raw && next_error(&socket, self.to).is_some() {
            sent = socket.send(&request);
        }
        sent?;
        // Only a way to wait for the descriptor: what is connected sends and receives the same, whatever its protocol.
        let socket = UdpSocket::from_std(socket.into())?;
        loop {
            socket.ready(Interest::READABLE | Interest::ERROR).await?;
            // Each is read until there is no more, so that the next one wakes us.
            let error = socket.try_io(Interest::ERROR, || {
                next_error(&socket, self.to).ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            if let Ok(error) = error
                && (!self.raw || echo.is_quoted_by(&error.quoted))
            {
                return Ok(error.answer(watch));
            }
            let mut buffer = [0u8; PACKET];
            // An error here stood in the queue too, or is another packet's. The next answer is waited for.
            let received = socket.try_io(Interest::READABLE, || {
                Ok(nix::sys::socket::recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT)?)
            });
            let packet = received.ok().and_then(|length| buffer.get(..length)).unwrap_or_default();
            if echo.is_answered_by(self.to, packet, self.raw && self.to.is_ipv4()) {
                return Ok(Answer { from: self.to, after: watch.elapsed(), kind: Kind::Reached });
            }
            // Other programs' packets on a raw socket may come without an end.
            tokio::task::yield_now().await;
        }
    }
}

fn protocol(to: IpAddr) -> SockProtocol {
    if to.is_ipv4() { SockProtocol::Icmp } else { SockProtocol::IcmpV6 }
}

/// A socket that does not block and keeps ICMP errors.
fn open(to: IpAddr, kind: SockType, protocol: Option<SockProtocol>, interface: Option<&str>) -> io::Result<Socket> {
    let family = if to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = Socket::from(nix::sys::socket::socket(family, kind, flags, protocol)?);
    if to.is_ipv4() {
        setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
    } else {
        setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?;
    }
    // An interface's name, or one of this machine's own addresses. The machine itself is by no interface of the network.
    match interface.filter(|_| !to.is_loopback()).map(|interface| (interface, interface.parse::<IpAddr>())) {
        Some((_, Ok(address))) => socket.bind(&SocketAddr::new(address, 0).into())?,
        Some((name, Err(_))) => setsockopt(&socket, sockopt::BindToDevice, &name.into())?,
        None => {}
    }
    Ok(socket)
}

fn set_limit(socket: &Socket, to: IpAddr, limit: u8) -> io::Result<()> {
    if to.is_ipv4() { socket.set_ttl_v4(limit.into()) } else { socket.set_unicast_hops_v6(limit.into()) }
}

/// An ICMP error out of a socket's queue.
struct IcmpError {
    from: IpAddr,
    kind: Kind,
    /// Our own packet as the router quotes it, from its ICMP or TCP header on.
    quoted: Vec<u8>,
}

impl IcmpError {
    fn answer(&self, watch: Stopwatch) -> Answer {
        Answer { from: self.from, after: watch.elapsed(), kind: self.kind }
    }
}

/// Takes the next error that a packet brought out of the queue; errors of this machine's own are passed over.
fn next_error(socket: &impl AsRawFd, to: IpAddr) -> Option<IcmpError> {
    loop {
        let mut packet = [0u8; PACKET];
        let mut control = vec![0u8; CONTROL];
        let mut parts = [IoSliceMut::new(&mut packet)];
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags).ok()?;
        let length = message.bytes;
        let error = message.cmsgs().ok().and_then(|mut messages| {
            messages.find_map(|message| match message {
                ControlMessageOwned::Ipv4RecvErr(error, Some(from)) if error.ee_origin == FROM_ICMP => {
                    let from = IpAddr::from(from.sin_addr.s_addr.to_ne_bytes());
                    Some((from, error.ee_type == TIME_EXCEEDED))
                }
                ControlMessageOwned::Ipv6RecvErr(error, Some(from)) if error.ee_origin == FROM_ICMP6 => {
                    let from = IpAddr::from(from.sin6_addr.s6_addr);
                    Some((from, error.ee_type == TIME_EXCEEDED6))
                }
                _ => None,
            })
        });
        if let Some((from, exceeded)) = error {
            let kind = match exceeded {
                true => Kind::Hop,
                // A port unreachable of the host itself is as good as an answer.
                false if from == to => Kind::Reached,
                false => Kind::NoWay,
            };
            let quoted = packet.get(..length).unwrap_or_default().to_vec();
            return Some(IcmpError { from, kind, quoted });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn loopback_is_one_hop_away_open_or_closed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let answer = syn(open, 1, None).await.unwrap();
        assert_eq!((answer.from, answer.kind), (open.ip(), Kind::Reached));
        drop(listener);
        assert_eq!(syn(open, 1, None).await.unwrap().kind, Kind::Reached);
    }

    #[tokio::test]
    async fn loopback_answers_echo_requests_where_they_may_be_sent() {
        for to in ["127.0.0.1", "::1"] {
            let to: IpAddr = to.parse().unwrap();
            match Echoes::open(to, None) {
                Ok(echoes) => match tokio::time::timeout(std::time::Duration::from_secs(5), echoes.echo(1)).await {
                    Ok(Ok(answer)) => assert_eq!((answer.from, answer.kind), (to, Kind::Reached)),
                    // A machine without IPv6.
                    Ok(Err(error)) => assert!(to.is_ipv6(), "{error}"),
                    Err(elapsed) => panic!("{to}: {elapsed}"),
                },
                Err(error) => eprintln!("skipped: {to}: {error}"),
            }
        }
    }
}
