//! `tcp`: whether each address takes a connection, and how far away it is.

use futures_util::future::join_all;
use model::{Attempt, Operation, Tcp};

use crate::check::{Check, Scope, no_wait};
use crate::failure::Stopwatch;
use crate::host::Host;

/// Addresses asked; a name has rarely more than four of each family.
const ADDRESSES_LIMIT: usize = 8;

pub(crate) const CHECK: Check = Check {
    name: "tcp",
    title: "a connection to each address, and its round-trip time",
    page: "\
Opens a TCP connection to each address of the host (to the explicit proxy, where there is one) and closes it again. The
time from SYN to SYN-ACK is one round trip to whoever answers; the connections of the other checks add to the sample.

Shows addresses that refuse or swallow connections, and the distance. Limit: a transparent proxy answers in the
service's stead, so a short time proves nothing about the service.",
    round_trips: 1,
    waits: no_wait,
    needs_reflector: false,
    octets: |_| 450,
    scope: Scope::Host,
    by_default: true,
};

pub(crate) async fn run(host: &Host) -> Attempt<Tcp> {
    let settings = host.settings();
    let watch = Stopwatch::start();
    let attempts = host.addresses.iter().take(ADDRESSES_LIMIT).map(|address| async move {
        let started = Stopwatch::start();
        let result = match tokio::time::timeout(settings.timeout, host.context.net.connect(*address)).await {
            Ok(Ok(_stream)) => Ok(started.elapsed()),
            Ok(Err(error)) => Err(watch.io(Operation::Connect, &error)),
            Err(_elapsed) => Err(watch.timed_out(Operation::Connect, settings.timeout)),
        };
        (address.ip(), result)
    });
    let mut tcp: Option<Tcp> = None;
    let mut failed = Vec::new();
    for (address, result) in join_all(attempts).await {
        match result {
            Ok(time) => {
                let tcp = tcp.get_or_insert_with(|| Tcp { address, connect_ms: Vec::new(), failed: Vec::new() });
                if tcp.address == address {
                    tcp.connect_ms.push(time.into());
                }
            }
            Err(failure) => failed.push((address, failure)),
        }
    }
    match (tcp, failed.first()) {
        (Some(tcp), _) => Attempt::Seen(Tcp { failed, ..tcp }),
        (None, Some((_, failure))) => Attempt::Failed(failure.clone()),
        (None, None) => Attempt::not_tried("there is no address to connect to"),
    }
}
