//! `download`: a 15 MB download: rate, and latency under load.

mod round_trips;
mod transfer;

use std::time::Duration;

use model::{Attempt, Download, FailureKind, Operation};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use round_trips::RoundTrips;
use transfer::Transfer;

use crate::check::{Check, Scope, no_wait};
use crate::failure::{Stopwatch, within};
use crate::host::{Host, Wanted};
use crate::http_client::Client;
use crate::reflect::refused;
use crate::tls::Hello;

pub(crate) const CHECK: Check = Check {
    name: "download",
    title: "a 15 MB download: rate, and latency under load",
    page: "\
Fetches 15 MB (15 times 2^20 octets) from the reflector, or as much at most from a host that promises a download, over one
HTTP/1.1 connection, and records how many octets came in each quarter of a second. HTTP/1.1, because there TCP alone bounds
the rate; in HTTP/2 our own flow control would on a long line. On a connection beside it round trips are timed, ten before and
then one every 100 ms while the download runs: HTTP/2 PING, or HEAD requests where HTTP/2 is not spoken. What the load adds to
them is the time that a full queue somewhere makes everything else wait, which is what turns a call bad while somebody
downloads a file.

Runs after all other checks, one host after the other. It ends after 20 s, so that a line below 0.8 MB/s is told by its rate
and not by its patience, or when nothing came for --timeout. Limits: the rate is that of one connection to one place; the
reflector has to be near enough and have bandwidth to spare. Cost: 16.4 MB for each host that promises one, and for the
reflector, so it runs only where it is asked for.",
    round_trips: 24,
    waits: no_wait,
    needs_reflector: false,
    octets: |promises| if promises.download.is_some() { 16_400_000 } else { 0 },
    scope: Scope::Host,
    by_default: false,
};

/// The most that is read: 15 MB, as people count files.
const OCTETS: u64 = 15 << 20;
/// The same on a reflector.
const REFLECTOR_PATH: &str = "/v1/bytes?length=15728640";
const LIMIT: Duration = Duration::from_secs(20);

const IDLE_SAMPLES: usize = 10;
const PAUSE: Duration = Duration::from_millis(100);
/// All idle samples together, for a far end that answers slowly: what is there by then will do.
const IDLE_LIMIT: Duration = Duration::from_secs(5);

pub(crate) async fn run(host: &Host, is_reflector: bool) -> Attempt<Download> {
    let path = if is_reflector { Some(REFLECTOR_PATH) } else { host.target.promises.download.as_deref() };
    let Some(path) = path else {
        return Attempt::not_applicable("the profile knows no large body that is there without a sign-in");
    };
    download(host, path).await.into()
}

async fn download(host: &Host, path: &str) -> Result<Download, model::Failure> {
    let timeout = host.settings().timeout;
    let wanted =
        |purpose, alpn| Wanted { check: CHECK.name, purpose, hello: Hello::Hybrid, alpn, sni: true, prepared: None };
    // Both connections before either is used: a handshake under load would not be a round trip under load.
    let http1: &[&str] = &["http/1.1"];
    let (beside, opened) = tokio::join!(RoundTrips::open(host), host.open(wanted("transfer", http1)));
    let opened = opened?;
    let mut client = Client::start(opened, timeout).await?;
    let (mut idle_ms, mut loaded_ms) = (Vec::new(), Vec::new());
    // Without the connection beside it the rate is still worth having.
    let mut beside = beside.ok();
    if let Some(round_trips) = &mut beside {
        idle_ms = idle(round_trips).await;
    }

    let watch = Stopwatch::start();
    let response = client.get(&host.target, path, "*/*", timeout).await?;
    refused(response.status, &response.headers, watch)?;
    let (exchange, mut body) = response.split(client.connection, path);
    let mut transfer = Transfer::default();
    let reading = async {
        let end = Instant::now() + LIMIT;
        while transfer.octets() < OCTETS {
            let silence = (Instant::now() + timeout).min(end);
            match timeout_at(silence, body.chunk(watch)).await {
                // The time is over, or nothing came for too long: what came tells the rate.
                Err(_elapsed) => return false,
                Ok(None) => return true,
                Ok(Some(Ok(chunk))) => transfer.push(chunk.len(), watch.elapsed()),
                Ok(Some(Err(_))) => return false,
            }
        }
        true
    };
    let complete = tokio::select! {
        complete = reading => complete,
        never = under_load(beside, &mut loaded_ms) => match never {},
    };
    if transfer.octets() == 0 {
        return Err(watch.failure(Operation::Body, FailureKind::Timeout, "the body of the download did not come"));
    }
    Ok(Download {
        connection: exchange.connection,
        path: exchange.path,
        octets: transfer.octets(),
        complete,
        took_ms: transfer.took().into(),
        quarters: transfer.into_quarters(),
        idle_ms,
        loaded_ms,
    })
}

async fn idle(round_trips: &mut RoundTrips) -> Vec<model::Milliseconds> {
    let mut samples = Vec::new();
    let watch = Stopwatch::start();
    let sampling = async {
        for _ in 0..IDLE_SAMPLES {
            samples.push(round_trips.one().await?.into());
        }
        Ok(())
    };
    // What was measured before it ended counts.
    let _ = within(IDLE_LIMIT, watch, Operation::Exchange, sampling).await;
    samples
}

/// One round trip after the other for as long as it is let.
async fn under_load(
    round_trips: Option<RoundTrips>,
    samples: &mut Vec<model::Milliseconds>,
) -> std::convert::Infallible {
    if let Some(mut round_trips) = round_trips {
        loop {
            let next = Instant::now() + PAUSE;
            match round_trips.one().await {
                Ok(span) => samples.push(span.into()),
                Err(_) => break,
            }
            sleep_until(next).await;
        }
    }
    loop {
        sleep(LIMIT).await;
    }
}
