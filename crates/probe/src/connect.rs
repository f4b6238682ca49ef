//! From a list of addresses to a byte stream: TCP to the host or to the explicit proxy, and the proxy's CONNECT.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use model::{Failure, FailureKind, Milliseconds, Operation, Target};

use crate::failure::{Stopwatch, within};
use crate::net::{ByteStream, Net};
use crate::settings::Settings;

/// How long an address may keep silent before the next one is tried beside it (RFC 8305 section 5).
pub(crate) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A byte stream to the target.
pub(crate) struct Connected {
    pub(crate) stream: Box<dyn ByteStream>,
    pub(crate) address: SocketAddr,
    pub(crate) connect_ms: Milliseconds,
    /// The maximum segment size that our SYN announced, where one was chosen.
    pub(crate) mss: Option<u16>,
    pub(crate) proxy_ms: Option<Milliseconds>,
}

/// A connection that did not come about: the address that was tried last, where there was one.
pub(crate) struct NotConnected {
    pub(crate) address: Option<SocketAddr>,
    pub(crate) connect_ms: Option<Milliseconds>,
    pub(crate) failure: Failure,
}

/// `mss` is the maximum segment size for our SYN to announce.
pub(crate) async fn connect(
    net: &dyn Net,
    settings: &Settings,
    addresses: &[SocketAddr],
    target: &Target,
    mss: Option<u16>,
) -> Result<Connected, NotConnected> {
    let watch = Stopwatch::start();
    let (mut stream, address, connect_ms, mss) = reach(net, settings.timeout, addresses, mss, watch).await?;
    let mut proxy_ms = None;
    if let Some(proxy) = &settings.via {
        let asked = Stopwatch::start();
        let tunnel = proxy.connect_tunnel(&mut *stream, target.host.as_str(), target.port, watch);
        within(settings.timeout, watch, Operation::Proxy, tunnel).await.map_err(|failure| NotConnected {
            address: Some(address),
            connect_ms: Some(connect_ms),
            failure,
        })?;
        proxy_ms = Some(asked.elapsed().into());
    }
    Ok(Connected { stream, address, connect_ms, mss, proxy_ms })
}

/// The stream, whom it is with, SYN to SYN-ACK, and the maximum segment size that our SYN announced.
pub(crate) type Answered = (Box<dyn ByteStream>, SocketAddr, Milliseconds, Option<u16>);

/// A TCP connection to one of these addresses, and no more than that.
pub(crate) async fn reach(
    net: &dyn Net,
    timeout: Duration,
    addresses: &[SocketAddr],
    mss: Option<u16>,
    watch: Stopwatch,
) -> Result<Answered, NotConnected> {
    // One limit for all addresses together: a name may have many, and each may be silent.
    let answered = tokio::time::timeout(timeout, first_to_answer(net, addresses, mss, watch)).await;
    let silent = || (addresses.first().copied(), watch.timed_out(Operation::Connect, timeout));
    answered.unwrap_or_else(|_elapsed| Err(silent())).map_err(|(address, failure)| NotConnected {
        address,
        connect_ms: None,
        failure,
    })
}

/// Happy eyeballs without preference: addresses in the order given, each next one after a short silence or a failure.
async fn first_to_answer(
    net: &dyn Net,
    addresses: &[SocketAddr],
    mss: Option<u16>,
    watch: Stopwatch,
) -> Result<Answered, (Option<SocketAddr>, Failure)> {
    let mut waiting = addresses.iter().copied();
    let mut attempts = FuturesUnordered::new();
    let mut last: Option<(SocketAddr, Failure)> = None;
    let attempt = |address: SocketAddr| async move {
        let started = Stopwatch::start();
        let connected = match mss {
            Some(mss) => net.connect_with_mss(address, mss).await,
            None => net.connect(address).await.map(|stream| (stream, None)),
        };
        match connected {
            Ok((stream, mss)) => Ok((stream, address, Milliseconds::from(started.elapsed()), mss)),
            Err(error) => Err((address, watch.io(Operation::Connect, &error))),
        }
    };
    let Some(first) = waiting.next() else {
        return Err((
            None,
            watch.failure(Operation::Connect, FailureKind::NoSuchName, "there is no address to connect to"),
        ));
    };
    attempts.push(attempt(first));
    loop {
        let delay = tokio::time::sleep(ATTEMPT_DELAY);
        tokio::select! {
            finished = attempts.next() => match finished {
                Some(Ok(connected)) => return Ok(connected),
                Some(Err(failed)) => {
                    // What a host or a firewall answered says more than that this machine knows no way there.
                    let says_more = failed.1.kind != FailureKind::Unreachable;
                    if last.is_none() || says_more {
                        last = Some(failed);
                    }
                    if let Some(next) = waiting.next() {
                        attempts.push(attempt(next));
                    }
                }
                None => {
                    let failure = last.map(|(address, failure)| (Some(address), failure));
                    return Err(failure.unwrap_or_else(|| {
                        (None, watch.failure(Operation::Connect, FailureKind::Local, "no attempt was made"))
                    }));
                }
            },
            () = delay, if waiting.len() > 0 => {
                if let Some(next) = waiting.next() {
                    attempts.push(attempt(next));
                }
            }
        }
    }
}
