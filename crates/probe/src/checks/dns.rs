//! `dns`: which addresses the name has, and who says so.

use model::{Attempt, DnsAnswer, FailureKind, HostName, Operation};

use crate::check::{Check, Scope, no_wait};
use crate::failure::{Stopwatch, within};
use crate::host::Context;

pub(crate) const CHECK: Check = Check {
    name: "dns",
    title: "the addresses of the name, from the system and from its name servers",
    page: "\
Asks for the addresses of the host twice: as every program on this machine asks (hosts file, caches, local resolver), and
straight from the configured name servers (A and AAAA, with the canonical names on the way).

Shows a resolver that is slow, that does not answer, or that answers with addresses that the service does not publish.
Cost: two questions to the resolver and one through the system. Limit: what a resolver on the way forges for both alike
looks genuine here; the published address ranges tell it apart.",
    round_trips: 1,
    waits: no_wait,
    needs_reflector: false,
    octets: |_| 700,
    scope: Scope::Host,
    by_default: true,
};

/// The system's answer, on which the other checks wait.
pub(crate) async fn system(context: &Context, host: &HostName) -> Attempt<DnsAnswer> {
    let watch = Stopwatch::start();
    let lookup = async {
        let addresses = context.net.lookup(host).await.map_err(|error| watch.io(Operation::Resolve, &error)).map_err(
            |mut failure| {
                // getaddrinfo's errors have no kind that tells "no such name" from "no answer"; the direct question does.
                if failure.kind == FailureKind::Local {
                    failure.kind = FailureKind::ResolverError;
                }
                failure
            },
        )?;
        if addresses.is_empty() {
            return Err(watch.failure(Operation::Resolve, FailureKind::NoSuchName, "the name has no address"));
        }
        Ok(DnsAnswer { addresses, cnames: Vec::new(), time_ms: watch.elapsed().into() })
    };
    within(context.settings.timeout, watch, Operation::Resolve, lookup).await.into()
}

/// The name servers' own answer, on which nothing waits.
pub(crate) async fn direct(context: &Context, host: &HostName) -> Attempt<DnsAnswer> {
    let watch = Stopwatch::start();
    within(context.settings.timeout, watch, Operation::Resolve, context.net.lookup_direct(host)).await.into()
}
