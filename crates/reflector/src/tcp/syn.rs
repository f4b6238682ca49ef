//! The SYN of a connection, as it arrived: a device that ends TCP on the way sends one of its own, with its own options.
//!
//! Linux keeps the headers of each SYN for a listener that asked for it, and gives them once to whoever holds the
//! connection (`TCP_SAVE_SYN` and `TCP_SAVED_SYN` in tcp(7), since 4.3). It keeps nothing where it answered with a SYN
//! cookie, and other systems keep nothing at all: then there is no SYN in the answer, which says nothing about the path.
//!
//! These two options have no safe wrapper: the crates that wrap socket options know values of one size, and a saved SYN
//! is as long as its options are. So this module calls the system itself. It is the only one in the workspace that does.

use model::Syn;
use tokio::net::{TcpListener, TcpStream};

/// Asks the system to keep the SYN of each connection that `listener` accepts.
pub(crate) fn keep(listener: &TcpListener) {
    // A system that cannot do it answers so, and there is nothing else to be done about it.
    let _ = system::keep(listener);
}

/// The SYN that opened this connection, where the system kept it. Answers once.
pub(super) fn kept(socket: &TcpStream) -> Option<Syn> {
    wire::tcp::parse_syn(&system::kept(socket)?).ok()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[expect(unsafe_code, reason = "two socket options that no safe interface has; see the page of this module")]
mod system {
    use std::io;
    use std::os::fd::AsRawFd;

    use libc::{IPPROTO_TCP, TCP_SAVE_SYN, TCP_SAVED_SYN, c_int, getsockopt, setsockopt, socklen_t};

    /// Octets of a SYN's headers: 60 of IPv4 or 40 of IPv6 with a few extension headers, and 60 of TCP. What is longer is
    /// not given at all.
    const HEADERS: usize = 512;

    pub(super) fn keep(listener: &impl AsRawFd) -> io::Result<()> {
        let headers: c_int = 1;
        let length = socklen_t::try_from(size_of::<c_int>()).map_err(io::Error::other)?;
        // SAFETY: the pointer is that of a live `c_int` and `length` is its size. The call reads that many octets and keeps
        // no pointer. The descriptor is open for as long as `listener` is borrowed.
        let done =
            unsafe { setsockopt(listener.as_raw_fd(), IPPROTO_TCP, TCP_SAVE_SYN, (&raw const headers).cast(), length) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    pub(super) fn kept(socket: &impl AsRawFd) -> Option<Vec<u8>> {
        let mut headers = vec![0_u8; HEADERS];
        let mut length = socklen_t::try_from(headers.len()).ok()?;
        // SAFETY: the pointer is that of a live buffer and `length` is its size. The call writes at most that many octets,
        // puts their number into `length`, and keeps no pointer. The descriptor is open for as long as `socket` is borrowed.
        let done = unsafe {
            getsockopt(socket.as_raw_fd(), IPPROTO_TCP, TCP_SAVED_SYN, headers.as_mut_ptr().cast(), &raw mut length)
        };
        headers.truncate(usize::try_from(length).ok()?);
        (done == 0 && !headers.is_empty()).then_some(headers)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use std::io;

    pub(super) fn keep<S>(_listener: &S) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn kept<S>(_socket: &S) -> Option<Vec<u8>> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    #[tokio::test]
    async fn the_syn_is_kept_and_given_once() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address).await else { continue };
            keep(&listener);
            let address = listener.local_addr().unwrap();
            let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
            // The window that a SYN offers is no larger than the buffer behind it.
            socket.set_recv_buffer_size(8192).unwrap();
            let _client = socket.connect(address).await.unwrap();
            let (accepted, _) = listener.accept().await.unwrap();
            let syn = kept(&accepted).unwrap();
            assert_eq!(syn.ttl, 64, "{syn:?}");
            assert!(syn.window > 0 && syn.window <= 8192 * 2, "{syn:?}");
            assert!(syn.options.starts_with("mss,"), "{syn:?}");
            assert!(syn.mss.is_some() && syn.window_scale.is_some(), "{syn:?}");
            assert_eq!(kept(&accepted), None);
        }
    }

    #[tokio::test]
    async fn without_being_asked_nothing_is_kept() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        assert_eq!(kept(&accepted), None);
    }
}
