//! A line to a reflector that loses, copies and swaps the packets of calls by a fixed pattern: it stands on another loopback
//! address and the same ports.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinHandle;
use wire::call::{Kind, Packet};

/// Where the line is entered.
pub(crate) const ENTRANCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));

/// What becomes of a packet of a call, by its sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Pass,
    Lose,
    Copy,
    /// Held until the one after the next has gone ahead.
    Swap,
}

#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub(crate) there: fn(u32) -> Fate,
    pub(crate) back: fn(u32) -> Fate,
    /// Everything else on UDP: STUN and openings, each in turn from 0.
    pub(crate) other: fn(u32) -> Fate,
    pub(crate) delay: Duration,
}

impl Default for Line {
    fn default() -> Self {
        Self { there: |_| Fate::Pass, back: |_| Fate::Pass, other: |_| Fate::Pass, delay: Duration::ZERO }
    }
}

/// It runs until it is dropped.
pub(crate) struct Running(Vec<JoinHandle<()>>);

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl Line {
    /// Forwards TCP and UDP to the reflector, one client at a time.
    pub(crate) async fn lay(self, tcp: SocketAddr, udp: SocketAddr) -> Running {
        let listener = TcpListener::bind((ENTRANCE, tcp.port())).await.unwrap();
        let tcp = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(tcp).await {
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        let near = UdpSocket::bind((ENTRANCE, udp.port())).await.unwrap();
        let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        far.connect(udp).await.unwrap();
        Running(vec![tcp, tokio::spawn(self.carry(near, far))])
    }

    async fn carry(self, near: UdpSocket, far: UdpSocket) {
        let (mut from_client, mut from_server) = ([0; 2048], [0; 2048]);
        let (mut held_there, mut held_back) = (Vec::new(), Vec::new());
        let (mut client, mut others) = (None, 0);
        loop {
            tokio::select! {
                received = near.recv_from(&mut from_client) => {
                    let Ok((length, sender)) = received else { return };
                    client = Some(sender);
                    let datagram = &from_client[..length];
                    let fate = match Packet::parse(datagram) {
                        Some(Packet { kind: Kind::Voice, sequence, .. }) => (self.there)(sequence),
                        _ => {
                            others += 1;
                            (self.other)(others - 1)
                        }
                    };
                    for datagram in ordered(fate, datagram, &mut held_there) {
                        let _ = far.send(&datagram).await;
                    }
                }
                received = far.recv(&mut from_server) => {
                    let (Ok(length), Some(client)) = (received, client) else { continue };
                    let datagram = &from_server[..length];
                    let fate = match Packet::parse(datagram) {
                        Some(Packet { kind: Kind::Echo, sequence, .. }) => (self.back)(sequence),
                        _ => Fate::Pass,
                    };
                    tokio::time::sleep(self.delay).await;
                    for datagram in ordered(fate, datagram, &mut held_back) {
                        let _ = near.send_to(&datagram, client).await;
                    }
                }
            }
        }
    }
}

/// What goes on now, in this order. `held` has what waits, with the number of packets that are still to go ahead of it.
fn ordered(fate: Fate, datagram: &[u8], held: &mut Vec<(u32, Vec<u8>)>) -> Vec<Vec<u8>> {
    let datagram = datagram.to_vec();
    let mut now = match fate {
        Fate::Pass => vec![datagram],
        Fate::Lose => Vec::new(),
        Fate::Copy => vec![datagram.clone(), datagram],
        Fate::Swap => {
            held.push((2, datagram));
            return Vec::new();
        }
    };
    for (wait, _) in held.iter_mut() {
        *wait -= 1;
    }
    while held.first().is_some_and(|(wait, _)| *wait == 0) {
        now.push(held.remove(0).1);
    }
    now
}
