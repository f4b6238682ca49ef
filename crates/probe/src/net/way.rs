//! By which way sockets leave this machine: whichever the system chooses, by one interface, or from one address.
//!
//! What goes to the machine itself is never bound: a resolver on loopback, as many systems have one, is not to be reached
//! by a network interface.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpSocket, TcpStream};

/// errno of a device that does not exist (asm-generic/errno-base.h).
const ENODEV: i32 = 19;
/// The longest name that an interface has (IFNAMSIZ of Linux, less its end). A longer one would be cut to another's name.
const NAME_LIMIT: usize = 15;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Way {
    #[default]
    Any,
    /// The interface of this name.
    Interface(String),
    /// This address of the machine, and so whichever interface the system's routes give it.
    From(IpAddr),
}

/// Why there is no going out by the interface or from the address that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("`{name}`: {why}")]
pub struct InterfaceError {
    name: String,
    why: String,
}

impl Way {
    /// An interface's name, or one of the machine's own addresses; tried out at once.
    pub(super) fn by(name: &str) -> Result<Self, InterfaceError> {
        let refused = |why: String| InterfaceError { name: name.chars().take(64).collect(), why };
        if let Ok(address) = name.parse::<IpAddr>() {
            return match UdpSocket::bind((address, 0)) {
                Ok(_socket) => Ok(Self::From(address)),
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                    Err(refused("this machine does not have this address".to_owned()))
                }
                Err(error) => Err(refused(error.to_string())),
            };
        }
        if name.is_empty() || name.len() > NAME_LIMIT || name.bytes().any(|octet| octet == 0) {
            return Err(refused("there is no interface of this name".to_owned()));
        }
        let tried = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))
            .or_else(|_| Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP)))
            .and_then(|socket| bind_interface(&socket, name));
        match tried {
            Ok(()) => Ok(Self::Interface(name.to_owned())),
            // Linux before 5.7 lets only administrators bind to an interface, and other systems have no such thing.
            Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) => {
                Err(refused("this system does not let us bind to an interface; give its address instead".to_owned()))
            }
            // The kind of "no such device" has no stable name yet; its number is the same on every Linux.
            Err(error) if error.raw_os_error() == Some(ENODEV) => {
                Err(refused("there is no interface of this name".to_owned()))
            }
            Err(error) => Err(refused(error.to_string())),
        }
    }

    /// Why nothing beyond this machine is to be reached by it, where that can be told before anything is sent. Whether
    /// there is a route is not told: to a socket that is bound to an interface, the system takes every address to be there.
    pub(super) fn leads_nowhere(&self) -> Option<&'static str> {
        let usable = |address: &IpAddr| {
            let address = address.to_canonical();
            let link_local = match address {
                IpAddr::V4(address) => address.is_link_local(),
                IpAddr::V6(address) => address.is_unicast_link_local(),
            };
            !address.is_loopback() && !address.is_unspecified() && !link_local
        };
        match self {
            Self::Any => None,
            Self::From(address) if usable(address) => None,
            Self::From(_) => Some("it is an address of this machine alone"),
            Self::Interface(name) => {
                // What cannot be read is not held against it.
                let own = getifaddrs::getifaddrs().ok()?.filter(|interface| interface.name == *name);
                let own: Vec<getifaddrs::Interface> = own.collect();
                if own.iter().any(|interface| interface.flags.contains(getifaddrs::InterfaceFlags::LOOPBACK)) {
                    return Some("it leads to this machine alone");
                }
                let has_address = own.iter().any(|interface| interface.address.ip_addr().is_some_and(|ip| usable(&ip)));
                (!has_address).then_some("it has no address to send from")
            }
        }
    }

    /// Connects. With `mss`, our SYN announces that maximum segment size, where the system lets it be chosen; the size that
    /// was set comes back.
    pub(super) async fn connect(&self, to: SocketAddr, mss: Option<u16>) -> io::Result<(TcpStream, Option<u16>)> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        if let Some(from) = self.leave_by(&socket, to)? {
            socket.bind(&SocketAddr::new(from, 0).into())?;
        }
        let mss = mss.filter(|mss| set_mss(&socket, *mss).is_ok());
        let stream = TcpSocket::from_std_stream(socket.into()).connect(to).await?;
        stream.set_nodelay(true)?;
        Ok((stream, mss))
    }

    /// A non-blocking socket that can send to `to`, bound to `port`; 0 takes a free one.
    pub(super) fn udp(&self, to: SocketAddr, port: u16) -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(to), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let from = self.leave_by(&socket, to)?.unwrap_or(any);
        socket.bind(&SocketAddr::new(from, port).into())?;
        Ok(socket.into())
    }

    /// Binds the socket to the interface, or says which address it is to be bound to.
    fn leave_by(&self, socket: &Socket, to: SocketAddr) -> io::Result<Option<IpAddr>> {
        match self {
            _ if to.ip().to_canonical().is_loopback() => Ok(None),
            Self::Any => Ok(None),
            Self::Interface(name) => bind_interface(socket, name).map(|()| None),
            Self::From(from) if from.is_ipv4() == to.is_ipv4() => Ok(Some(*from)),
            // An address of the one family is no way into the other.
            Self::From(_) => Err(io::ErrorKind::NetworkUnreachable.into()),
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn bind_interface(socket: &Socket, name: &str) -> io::Result<()> {
    socket.bind_device(Some(name.as_bytes()))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bind_interface(_socket: &Socket, _name: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
fn set_mss(socket: &Socket, mss: u16) -> io::Result<()> {
    socket.set_tcp_mss(mss.into())
}

#[cfg(not(unix))]
fn set_mss(_socket: &Socket, _mss: u16) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn only_what_this_machine_has_is_taken() {
        for (name, why) in [
            ("", "there is no interface"),
            ("an-interface-of-a-name-too-long", "there is no interface"),
            ("nul\0", "there is no interface"),
            ("192.0.2.1", "this machine does not have this address"),
            ("2001:db8::1", "this machine does not have this address"),
        ] {
            let error = Way::by(name).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        assert_eq!(Way::by("127.0.0.1").unwrap(), Way::From(Ipv4Addr::LOCALHOST.into()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn interfaces_are_known_by_name() {
        assert_eq!(Way::by("lo").unwrap(), Way::Interface("lo".to_owned()));
        let error = Way::by("nosuch0").unwrap_err().to_string();
        assert_eq!(error, "`nosuch0`: there is no interface of this name");
    }

    #[tokio::test]
    async fn an_address_of_one_family_is_no_way_to_the_other() {
        let way = Way::From(Ipv4Addr::LOCALHOST.into());
        let error = way.connect("[2001:db8::1]:1".parse().unwrap(), None).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NetworkUnreachable);
        let error = way.udp("[2001:db8::1]:1".parse().unwrap(), 0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NetworkUnreachable);
    }

    #[tokio::test]
    async fn what_stays_on_the_machine_is_not_bound() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = Way::Interface("nosuch0".to_owned());
        let (_stream, mss) = way.connect(listener.local_addr().unwrap(), Some(1100)).await.unwrap();
        assert_eq!(mss, cfg!(unix).then_some(1100));
        assert!(way.udp(listener.local_addr().unwrap(), 0).is_ok());
        #[cfg(target_os = "linux")]
        assert!(way.connect("192.0.2.1:1".parse().unwrap(), None).await.is_err());
    }
}
