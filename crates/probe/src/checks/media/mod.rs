//! `media`: UDP as calls use it: STUN to the relays, and a call to the reflector.

mod ask;
mod call;
mod pace;
mod stun;

use std::net::{IpAddr, SocketAddr};

use futures_util::future::join_all;
use model::{Attempt, CallTerms, Failure, FailureKind, HexBytes, Media, Milliseconds, StunRequest, StunTry};

pub(crate) use call::call;

use crate::check::{Check, Scope, no_wait};
use crate::checks::dns;
use crate::connect::connect;
use crate::host::Host;

pub(crate) const CHECK: Check = Check {
    name: "media",
    title: "UDP as calls use it: STUN to the relays, and a call to the reflector",
    page: "\
Asks each UDP port for media that the profile knows of a host (Teams: 3478 to 3481), at two IPv4 and two IPv6 addresses at
most, by STUN (RFC 8489): a Binding request, and beside it TURN's Allocate without credentials, since relays that want a
sign-in leave the first one unanswered. Any answer, an error too, shows that UDP passes. Three tries, half a second and a
second apart, within --timeout. Beside it a TCP connection to the host's port, which is what calls fall back to where UDP is
blocked: then they are late and break off.

With a reflector that has a port for media (reflect --media), the same there, and with --call a call: packets of 172 octets
every 20 ms, the size and pace of a voice call in RTP's form, which the reflector sends back one by one. Records loss there
and back told apart, copies, reordering (RFC 4737), jitter in both directions (RFC 3550), runs of losses, the round trips, and
how late our own sending was, which says whether this machine could hold the pace at all. What arrived there is the reflector's
signed word, asked for over TLS at the end.

Limits: a firewall may treat a real call better or worse than one to an unknown address; packets of the call are not
encrypted, and whoever stands on the path could answer for the reflector, so that only its word at the end is proof of what
arrived. An explicit proxy carries no UDP: through one, the check is not applicable. Cost: 1.7 KB for a relay with four ports at
one address; to the reflector one TLS connection and one request; a call of 10 s, which is made after all other checks, 204 KB.",
    round_trips: 4,
    waits: no_wait,
    needs_reflector: false,
    octets: |promises| if promises.media_ports.is_empty() { 0 } else { 1_700 },
    scope: Scope::Host,
    by_default: true,
};

/// Addresses of one family that are asked: relays of one name stand side by side, and two show whether one is broken.
const ADDRESSES_OF_A_FAMILY: usize = 2;

/// `key` is there for the reflector.
pub(crate) async fn run(host: &Host, key: Option<&HexBytes>) -> Attempt<Media> {
    if host.settings().via.is_some() {
        return Attempt::not_applicable("an explicit proxy carries no UDP");
    }
    match key {
        Some(key) => reflector(host, key).await,
        None if host.target.promises.media_ports.is_empty() => {
            Attempt::not_applicable("the profile knows no port for media here")
        }
        None => {
            let addresses = match relay(host).await {
                Attempt::Seen(addresses) => addresses,
                Attempt::Failed(failure) => return Attempt::Failed(failure),
                Attempt::NotTried(why) | Attempt::NotApplicable(why) => return Attempt::NotTried(why),
            };
            let requests = [StunRequest::Binding, StunRequest::Allocate];
            let stun = ports(host, &addresses, &host.target.promises.media_ports, &requests);
            let (stun, tcp) = tokio::join!(stun, fallback(host, &addresses));
            let call = Attempt::not_applicable("this is not the reflector");
            Attempt::Seen(Media { stun, tcp, call })
        }
    }
}

/// Where the relay is: at the host itself, or under a name of its own.
async fn relay(host: &Host) -> Attempt<Vec<SocketAddr>> {
    let port = host.target.port;
    let addresses = match &host.target.promises.media_host {
        None => host.own_addresses.clone(),
        Some(name) => match host.settings().overridden(name, port) {
            Some(addresses) => addresses,
            None => match dns::system(&host.context, name).await {
                Attempt::Seen(answer) => {
                    answer.addresses.iter().map(|address| SocketAddr::new(*address, port)).collect()
                }
                Attempt::Failed(failure) => return Attempt::Failed(failure),
                Attempt::NotTried(why) | Attempt::NotApplicable(why) => return Attempt::NotTried(why),
            },
        },
    };
    if addresses.is_empty() {
        return Attempt::not_tried("there is no address to connect to");
    }
    Attempt::Seen(addresses)
}

/// The reflector itself says whether it has a port, and which.
async fn reflector(host: &Host, key: &HexBytes) -> Attempt<Media> {
    let asked = match ask::ask::<CallTerms>(host, key, "terms", "").await {
        Ok(asked) => asked,
        Err(failure) => return without_media(failure),
    };
    let stun = ports(host, &host.own_addresses, &[asked.answer.media_port], &[StunRequest::Binding]).await;
    let tcp = Attempt::Seen(asked.connect_ms);
    Attempt::Seen(Media { stun, tcp, call: Attempt::not_tried("no call was asked for") })
}

/// A reflector without a port for media answers 404.
fn without_media<T>(failure: Failure) -> Attempt<T> {
    match failure.kind {
        FailureKind::Status(404) => Attempt::not_applicable("this reflector has no UDP port for media"),
        _ => Attempt::Failed(failure),
    }
}

/// Every port of every address, side by side.
async fn ports(host: &Host, at: &[SocketAddr], ports: &[u16], requests: &[StunRequest]) -> Vec<StunTry> {
    let tries = addresses(at).into_iter().flat_map(|address| {
        ports.iter().map(move |port| {
            let address = SocketAddr::new(address, *port);
            async move { StunTry { address, outcome: stun::ask(host, address, requests).await } }
        })
    });
    join_all(tries).await
}

/// The first of each family, in the order in which they were given.
fn addresses(all: &[SocketAddr]) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in all.iter().map(SocketAddr::ip) {
        let of_family = addresses.iter().filter(|known| known.is_ipv4() == address.is_ipv4()).count();
        if of_family < ADDRESSES_OF_A_FAMILY && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// What a client falls back to.
async fn fallback(host: &Host, addresses: &[SocketAddr]) -> Attempt<Milliseconds> {
    let connected = connect(&*host.context.net, host.settings(), addresses, &host.target, None).await;
    connected.map(|connected| connected.connect_ms).map_err(|not| not.failure).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_addresses_of_each_family_are_asked() {
        let all: Vec<SocketAddr> = [
            "192.0.2.1:443",
            "[2001:db8::1]:443",
            "192.0.2.1:443",
            "192.0.2.2:443",
            "192.0.2.3:443",
            "[2001:db8::2]:443",
        ]
        .map(|address| address.parse().unwrap())
        .to_vec();
        let asked: Vec<String> = addresses(&all).iter().map(ToString::to_string).collect();
        assert_eq!(asked, ["192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"]);
    }
}
