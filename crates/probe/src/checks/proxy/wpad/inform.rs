//! DHCPINFORM (RFC 2131 section 4.4.3): asks the DHCP servers of every Ethernet interface for options alone. The answer
//! comes to port 68, so it takes the right to bind that port, and nobody else who holds it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use model::{Attempt, FailureKind, Operation};
use socket2::{Domain, Protocol, Socket, Type};
use wire::dhcp::{MESSAGE_LIMIT, Message, Op, message_type, option, wpad_url};

use super::Told;
use crate::failure::{Stopwatch, describe};
use crate::host::Context;

/// A server on the same link answers within milliseconds; a relay adds a round trip. No more is waited for, because most
/// networks without such a script have a server that does not answer, and the whole run would wait with us.
const ANSWER_LIMIT: Duration = Duration::from_millis(400);
const INTERFACES_LIMIT: usize = 8;
const CLIENT_PORT: u16 = 68;
const SERVER_PORT: u16 = 67;

struct Interface {
    name: String,
    hardware: [u8; 6],
}

pub(super) async fn ask_all(context: &Context) -> Vec<Told> {
    let chosen = context.settings.interface.as_deref();
    let interfaces: Vec<Interface> =
        interfaces().into_iter().filter(|interface| chosen.is_none_or(|name| name == interface.name)).collect();
    if interfaces.is_empty() {
        return vec![Told {
            by: "DHCPINFORM".to_owned(),
            url: Err(Attempt::not_tried("there is no Ethernet interface")),
        }];
    }
    join_all(interfaces.iter().map(|interface| ask(context, interface))).await
}

async fn ask(context: &Context, interface: &Interface) -> Told {
    let watch = Stopwatch::start();
    let by = format!("DHCPINFORM on {}", interface.name);
    let not_tried = |by: String, why: String| Told { by, url: Err(Attempt::not_tried(why)) };
    let address = match own_address(&interface.name) {
        Ok(address) => address,
        Err(error) => return not_tried(by, format!("no IPv4 address there: {error}")),
    };
    let socket = match bind(&interface.name).and_then(tokio::net::UdpSocket::from_std) {
        Ok(socket) => socket,
        Err(error) => return not_tried(by, format!("port {CLIENT_PORT} cannot be bound: {error}")),
    };
    let limit = ANSWER_LIMIT.min(context.settings.timeout);
    // Any number does that another client on the link does not have at this moment.
    let transaction = transaction(interface, context);
    let wanted = [option::WPAD, option::DOMAIN_NAME];
    let question = Message::inform(transaction, address, interface.hardware, &wanted).encode();
    let exchange = async {
        socket.send_to(&question, (Ipv4Addr::BROADCAST, SERVER_PORT)).await?;
        let mut octets = vec![0; MESSAGE_LIMIT];
        loop {
            let (length, from) = socket.recv_from(&mut octets).await?;
            let Ok(message) = Message::parse(octets.get(..length).unwrap_or_default()) else { continue };
            let ours = message.op == Op::Reply
                && message.transaction == transaction
                && message.hardware == interface.hardware
                && message.message_type() == Some(message_type::ACK);
            if ours {
                return Ok::<_, io::Error>((message, from));
            }
        }
    };
    match tokio::time::timeout(limit, exchange).await {
        Ok(Ok((message, from))) => Told {
            by: format!("{by}, answered by {}", from.ip()),
            url: Ok(message.option(option::WPAD).and_then(wpad_url).map(str::to_owned)),
        },
        Ok(Err(error)) => {
            let failure = watch.failure(Operation::Exchange, FailureKind::Local, describe(&error));
            Told { by, url: Err(Attempt::Failed(failure)) }
        }
        // Most networks of servers and containers have no DHCP server, and many a server does not answer this question.
        Err(_elapsed) => Told { by, url: Err(Attempt::not_applicable("no DHCP server answered")) },
    }
}

fn transaction(interface: &Interface, context: &Context) -> u32 {
    let [_, _, a, b, c, d] = interface.hardware;
    let moment = context.now().0.subsec_nanosecond().unsigned_abs();
    u32::from_be_bytes([a, b, c, d]) ^ moment
}

/// Ethernet interfaces that are up, by what the kernel shows of them.
fn interfaces() -> Vec<Interface> {
    let Ok(entries) = std::fs::read_dir("/sys/class/net") else { return Vec::new() };
    let mut interfaces: Vec<Interface> =
        entries.take(1_000).filter_map(|entry| interface(&entry.ok()?.path())).collect();
    interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    interfaces.truncate(INTERFACES_LIMIT);
    interfaces
}

fn interface(folder: &Path) -> Option<Interface> {
    /// ARPHRD_ETHER of `linux/if_arp.h`.
    const ETHERNET: &str = "1";
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).ok().map(|text| text.trim().to_owned());
    if read("type")? != ETHERNET || matches!(read("operstate")?.as_str(), "down" | "lowerlayerdown" | "notpresent") {
        return None;
    }
    let octets: Vec<u8> = read("address")?.split(':').map_while(|octet| u8::from_str_radix(octet, 16).ok()).collect();
    Some(Interface { name: folder.file_name()?.to_str()?.to_owned(), hardware: octets.try_into().ok()? })
}

/// The address that a broadcast on this interface would come from; none is sent.
fn own_address(interface: &str) -> io::Result<Ipv4Addr> {
    let socket = socket(interface)?;
    socket.connect(&SocketAddr::from((Ipv4Addr::BROADCAST, SERVER_PORT)).into())?;
    match socket.local_addr()?.as_socket() {
        Some(SocketAddr::V4(address)) if !address.ip().is_unspecified() => Ok(*address.ip()),
        _ => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}

fn bind(interface: &str) -> io::Result<UdpSocket> {
    let socket = socket(interface)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT).into())?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn socket(interface: &str) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // Before it is bound: so one socket for each interface can have the same port.
    socket.bind_device(Some(interface.as_bytes()))?;
    socket.set_broadcast(true)?;
    Ok(socket)
}
