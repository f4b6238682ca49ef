//! Which hop limits to try, how often, and when to stop; what a try is, is another's business.
//!
//! Limits are tried side by side in a window that moves on as the nearer ones are known. A wider one would be quicker, and
//! would knock at the host itself with every limit beyond its distance. A silent hop costs [`Pace::patience`] once for the
//! whole window, so a path that is silent to its end costs five times that.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, FuturesUnordered};
use model::Hop;

/// The farthest that is looked. Public paths seldom have more than 20 hops, and 30 is what traceroute has as its default.
pub(super) const LIMITS: u8 = 30;
/// Limits tried at one time.
const WINDOW: usize = 6;
/// Tries for each limit: a router answers only a few such packets a second and drops the others.
const TRIES: usize = 3;

/// How long one waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// A limit that has not answered is tried again after this.
    pub(super) spacing: Duration,
    /// A limit that has not answered is silent after this.
    pub(super) patience: Duration,
}

pub(super) const PACE: Pace = Pace { spacing: Duration::from_millis(300), patience: Duration::from_secs(1) };

/// Who answered one try, and after how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) from: IpAddr,
    pub(super) after: Duration,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The hop limit ended here.
    Hop,
    /// The host, or who answers for it.
    Reached,
    /// A router that says that there is no way on. What lies behind it would say the same thing again.
    NoWay,
}

/// The hops up to the host, or up to the last one that answered. Fails where this machine could not send.
pub(super) async fn trace<F>(pace: Pace, attempt: impl Fn(u8) -> F) -> io::Result<Vec<Hop>>
where
    F: Future<Output = io::Result<Answer>>,
{
    let attempt = &attempt;
    let mut answers = stream::iter(1..=LIMITS).map(|limit| async move { (limit, tries(pace, limit, attempt).await) });
    let mut answers = std::pin::pin!(answers.by_ref().buffered(WINDOW));
    let mut hops = Vec::new();
    while let Some((limit, answer)) = answers.next().await {
        let answer = answer?;
        hops.push(Hop {
            limit,
            address: answer.map(|answer| answer.from),
            time_ms: answer.map(|answer| answer.after.into()),
            reached: answer.is_some_and(|answer| answer.kind == Kind::Reached),
        });
        if answer.is_some_and(|answer| answer.kind != Kind::Hop) {
            break;
        }
    }
    let answered = hops.iter().rposition(|hop| hop.address.is_some()).map_or(0, |last| last + 1);
    hops.truncate(answered);
    Ok(hops)
}

/// Tries a limit, again after a while, and takes the first answer; a late answer to an early try counts.
async fn tries<F>(pace: Pace, limit: u8, attempt: &impl Fn(u8) -> F) -> io::Result<Option<Answer>>
where
    F: Future<Output = io::Result<Answer>>,
{
    let mut attempts = FuturesUnordered::new();
    let mut made = 1;
    attempts.push(attempt(limit));
    let patience = tokio::time::sleep(pace.patience);
    tokio::pin!(patience);
    loop {
        tokio::select! {
            Some(answer) = attempts.next() => return answer.map(Some),
            () = &mut patience => return Ok(None),
            () = tokio::time::sleep(pace.spacing), if made < TRIES => {
                made += 1;
                attempts.push(attempt(limit));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const QUICK: Pace = Pace { spacing: Duration::from_millis(5), patience: Duration::from_millis(25) };

    fn answer(limit: u8, kind: Kind) -> io::Result<Answer> {
        Ok(Answer { from: IpAddr::from([192, 0, 2, limit]), after: Duration::from_millis(1), kind })
    }

    /// A path whose host stands at `host`, with some hops that say nothing.
    async fn path(host: u8, silent: &[u8]) -> Vec<(u8, bool, bool)> {
        let hops = trace(QUICK, |limit| async move {
            match limit {
                limit if limit >= host => answer(host, Kind::Reached),
                limit if silent.contains(&limit) => pending().await,
                limit => answer(limit, Kind::Hop),
            }
        })
        .await
        .unwrap();
        hops.iter().map(|hop| (hop.limit, hop.address.is_some(), hop.reached)).collect()
    }

    #[tokio::test]
    async fn the_way_ends_where_the_host_is() {
        assert_eq!(path(1, &[]).await, [(1, true, true)]);
        assert_eq!(path(3, &[]).await, [(1, true, false), (2, true, false), (3, true, true)]);
        assert_eq!(path(3, &[1, 2]).await, [(1, false, false), (2, false, false), (3, true, true)]);
        assert_eq!(path(20, &[7]).await.len(), 20);
    }

    #[tokio::test]
    async fn silence_to_the_end_is_left_out() {
        let silent: Vec<u8> = (4..=LIMITS).collect();
        let hops = path(LIMITS + 1, &silent).await;
        assert_eq!(hops, [(1, true, false), (2, true, false), (3, true, false)]);
        let all: Vec<u8> = (1..=LIMITS).collect();
        assert_eq!(path(LIMITS + 1, &all).await, []);
    }

    #[tokio::test]
    async fn a_router_that_says_no_way_ends_it() {
        let hops = trace(QUICK, |limit| async move { answer(limit, if limit < 2 { Kind::Hop } else { Kind::NoWay }) });
        let hops = hops.await.unwrap();
        assert_eq!((hops.len(), hops[1].reached), (2, false));
    }

    #[tokio::test]
    async fn a_lost_try_is_repeated_and_a_far_host_is_not_flooded() {
        let (lost, beyond) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let hops = trace(QUICK, |limit| {
            let (lost, beyond) = (&lost, &beyond);
            async move {
                if limit > 2 {
                    beyond.fetch_add(1, Ordering::Relaxed);
                }
                if limit == 1 && lost.fetch_add(1, Ordering::Relaxed) < 2 {
                    return pending().await;
                }
                answer(limit, if limit >= 2 { Kind::Reached } else { Kind::Hop })
            }
        });
        let hops = hops.await.unwrap();
        assert_eq!((hops.len(), hops[0].address.is_some()), (2, true), "the third try of the first hop is answered");
        assert!(beyond.load(Ordering::Relaxed) <= WINDOW, "{beyond:?}");
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_an_error() {
        let error = trace(QUICK, |_| async { Err(io::ErrorKind::NetworkUnreachable.into()) }).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NetworkUnreachable);
    }
}
