//! `destination`: who takes the connection, and how far away that is.

use std::net::IpAddr;

use model::{Attempt, Connection, Destination, Http, Milliseconds, Transport};

use crate::check::{Check, Scope, no_wait};
use crate::host::Host;

pub(crate) const CHECK: Check = Check {
    name: "destination",
    title: "who takes the connection: the published address, and how far away it is",
    page: "\
Reads three times from the connections of the other checks, the least of each to the address that most of them went to:
SYN to SYN-ACK, ClientHello to the first octet of its answer, and request to first octet of the response. Each is one
round trip to whoever answers. Nothing is sent.

Shows a transparent proxy or accelerator, which takes the TCP connection near the user and carries it on: the connection
is answered in a fraction of the time that TLS takes for one round trip, or faster than light could travel to the place
of the far end. Beside it stand the addresses: those of the DNS answer and those connected to, against the published
ones, and the SYN that arrived at the reflector against ours. Limits: through an explicit proxy the times are the
proxy's; a far end that thinks long before it answers looks the same as one that is far away, so that times alone only
say that something is on the path.",
    round_trips: 0,
    waits: no_wait,
    needs_reflector: false,
    octets: |_| 0,
    scope: Scope::Host,
    by_default: true,
};

pub(crate) async fn run(host: &Host, http: &Attempt<Http>) -> Attempt<Destination> {
    let connections = host.of_connections(|connection| Some(Times::of(connection)));
    let exchanges = http.seen().into_iter().flat_map(|http| [&http.preferred, &http.http1]).filter_map(Attempt::seen);
    let first_bytes: Vec<_> = exchanges.map(|exchange| (exchange.connection, exchange.first_byte_ms)).collect();
    match destination(&connections, &first_bytes) {
        Some(destination) => Attempt::Seen(destination),
        None => Attempt::not_tried("no connection came about"),
    }
}

/// The times of one connection of the ledger.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// Absent for QUIC, where nobody can answer in the stead of whoever ends TLS.
    address: Option<IpAddr>,
    connect_ms: Option<Milliseconds>,
    answer_ms: Option<Milliseconds>,
}

impl Times {
    fn of(connection: &Connection) -> Self {
        let address = (connection.transport == Transport::Tcp).then_some(connection.address.ip());
        Self { address, connect_ms: connection.connect_ms, answer_ms: connection.answer_ms }
    }
}

/// Of the address that most connections went to: those of a name may be at different distances, and times of two places
/// held against each other would make a proxy out of nothing. `first_bytes` name the connections that they were seen on.
fn destination(connections: &[Times], first_bytes: &[(usize, Milliseconds)]) -> Option<Destination> {
    let connected = |times: &&Times| times.connect_ms.is_some();
    let count = |address: IpAddr| connections.iter().filter(connected).filter(|t| t.address == Some(address)).count();
    let address = connections.iter().filter(connected).filter_map(|times| times.address).max_by_key(|a| count(*a))?;
    let there = || connections.iter().filter(|times| times.address == Some(address));
    let answers: Vec<Milliseconds> = there().filter_map(|times| times.answer_ms).collect();
    let is_there = |connection: usize| connections.get(connection).is_some_and(|times| times.address == Some(address));
    Some(Destination {
        connect_ms: least(there().filter_map(|times| times.connect_ms))?,
        answer_ms: least(answers.iter().copied()),
        answers: answers.len(),
        first_byte_ms: least(first_bytes.iter().filter(|(connection, _)| is_there(*connection)).map(|(_, ms)| *ms)),
    })
}

fn least(times: impl Iterator<Item = Milliseconds>) -> Option<Milliseconds> {
    times.min_by(|a, b| a.0.total_cmp(&b.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(address: Option<&str>, connect_ms: Option<f64>, answer_ms: Option<f64>) -> Times {
        Times {
            address: address.map(|address| address.parse().unwrap()),
            connect_ms: connect_ms.map(Milliseconds),
            answer_ms: answer_ms.map(Milliseconds),
        }
    }

    #[test]
    fn the_least_of_each_counts() {
        let (near, quic) = (Some("192.0.2.1"), None);
        let connections = [
            times(near, Some(21.0), Some(44.0)),
            times(quic, None, Some(1.0)),
            times(near, Some(20.0), None),
            times(near, Some(25.0), Some(43.0)),
        ];
        let first_bytes =
            [(0, Milliseconds(60.0)), (1, Milliseconds(2.0)), (3, Milliseconds(50.0)), (9, Milliseconds(1.0))];
        let expected = Destination {
            connect_ms: Milliseconds(20.0),
            answer_ms: Some(Milliseconds(43.0)),
            answers: 2,
            first_byte_ms: Some(Milliseconds(50.0)),
        };
        assert_eq!(destination(&connections, &first_bytes), Some(expected));
    }

    #[test]
    fn times_of_two_places_are_not_held_against_each_other() {
        let connections = [
            times(Some("192.0.2.9"), Some(2.0), None),
            times(Some("192.0.2.1"), Some(40.0), Some(41.0)),
            times(Some("192.0.2.1"), Some(42.0), Some(43.0)),
        ];
        let destination = destination(&connections, &[(0, Milliseconds(3.0))]).unwrap();
        assert_eq!((destination.connect_ms, destination.first_byte_ms), (Milliseconds(40.0), None));
    }

    #[test]
    fn without_a_connection_there_is_nothing_to_say() {
        assert_eq!(destination(&[times(Some("192.0.2.1"), None, None)], &[]), None);
        assert_eq!(destination(&[times(None, Some(1.0), None)], &[]), None);
    }
}
