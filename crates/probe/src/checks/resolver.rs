//! `resolver`: which recursive resolver asks for us, found by a name that only it can have asked for.

use std::net::IpAddr;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use model::{
    Attempt, Failure, FailureKind, HexBytes, HostName, Milliseconds, Operation, Reflection, ResolverAddress, Resolvers,
};

use crate::check::{Check, Scope, no_wait};
use crate::failure::{Stopwatch, within};
use crate::host::{Host, Wanted};
use crate::http_client::{ALPN, Client};
use crate::reflect::{self, Question};
use crate::tls::Hello;

pub(crate) const CHECK: Check = Check {
    name: "resolver",
    title: "which recursive resolver asks for us",
    page: "\
Asks for two names of the reflector's DNS zone that nobody has asked for before: one as every program of this machine asks,
one straight at the configured name servers. The reflector's own name server sees who comes to ask, with the client subnet
that the resolver tells (RFC 7871), and says so over HTTPS, signed.

Shows the resolver that the outside sees: the provider's, a public one, or one on another continent, which sends users to
front doors near itself instead of near them. Records its addresses and how long a question takes that nobody has cached.
Without the signed word, the address is read from the DNS answer, which a device can rewrite; that is told. Needs a reflector
with a zone (`truepath reflect --dns-zone`). Cost: one connection with three small requests, two names.",
    // The connection and the first answer; the names, which a resolver finds in as many steps as it needs; the second.
    round_trips: 6,
    waits: no_wait,
    needs_reflector: true,
    octets: |_| 9_000,
    scope: Scope::Reflector,
    by_default: true,
};

pub(crate) async fn run(host: &Host, key: &HexBytes) -> Attempt<Resolvers> {
    match ask(host, key).await {
        Ok(Some(resolvers)) => Attempt::Seen(resolvers),
        Ok(None) => Attempt::not_tried("the reflector has no DNS zone"),
        Err(failure) => Attempt::Failed(failure),
    }
}

async fn ask(host: &Host, key: &HexBytes) -> Result<Option<Resolvers>, Failure> {
    let watch = Stopwatch::start();
    let timeout = host.settings().timeout;
    let wanted = Wanted {
        check: CHECK.name,
        purpose: "signed word",
        hello: Hello::Classic,
        alpn: ALPN,
        sni: true,
        prepared: None,
    };
    let opened = host.open(wanted).await?;
    let mut client = Client::start(opened, timeout).await?;
    let first = reflect::put(brief(None, watch)?, host, &mut client, key).await?;
    if !first.signature_valid {
        // A zone that somebody else names would be asked about nothing but that somebody.
        let detail = "the answer is not signed with the reflector's key";
        return Err(watch.failure(Operation::Body, FailureKind::Protocol, detail));
    }
    let Some(zone) = first.answer.dns_zone else { return Ok(None) };
    let (through_system, through_servers) = (Name::new(&zone, watch)?, Name::new(&zone, watch)?);
    let net = &host.context.net;
    let (system, direct) = tokio::join!(
        asked(timeout, async {
            let watch = Stopwatch::start();
            net.lookup(&through_system.name).await.map_err(|error| watch.io(Operation::Resolve, &error))
        }),
        asked(timeout, async { net.lookup_direct(&through_servers.name).await.map(|answer| answer.addresses) }),
    );
    let mut seen = Vec::new();
    for (name, (answer, time_ms)) in [(through_system, system), (through_servers, direct)] {
        let question = brief(Some(&name.label), watch)?;
        let word = reflect::put(question, host, &mut client, key).await;
        seen.push(addresses(word, answer, time_ms));
    }
    let mut seen = seen.into_iter();
    let none = || Attempt::not_tried("it was not asked");
    Ok(Some(Resolvers { system: seen.next().unwrap_or_else(none), direct: seen.next().unwrap_or_else(none) }))
}

/// A question for an answer without the ClientHello, of which nothing is asked here and which would be most of it.
fn brief(label: Option<&str>, watch: Stopwatch) -> Result<Question, Failure> {
    let mut question = Question::new(watch)?;
    question.path = format!("/v1/reflect?{}", question.brief_query());
    if let Some(label) = label {
        question.path.push_str(&format!("&name={label}"));
    }
    Ok(question)
}

/// A name that nobody has asked for before, in the form that the reflector's name server remembers.
struct Name {
    label: String,
    name: HostName,
}

impl Name {
    fn new(zone: &HostName, watch: Stopwatch) -> Result<Self, Failure> {
        let local = |what: String| watch.failure(Operation::Resolve, FailureKind::Local, what);
        let mut random = [0u8; 16];
        SystemRandom::new().fill(&mut random).map_err(|_| local("the system gives no random octets".to_owned()))?;
        let label = hex::encode(random);
        let name = HostName::parse(&format!("{label}.{zone}")).map_err(|error| local(error.to_string()))?;
        Ok(Self { label, name })
    }
}

async fn asked(
    timeout: std::time::Duration,
    question: impl Future<Output = Result<Vec<IpAddr>, Failure>>,
) -> (Result<Vec<IpAddr>, Failure>, Milliseconds) {
    let watch = Stopwatch::start();
    let answer = within(timeout, watch, Operation::Resolve, question).await;
    (answer, watch.elapsed().into())
}

/// The signed word, or else what the DNS answer itself says. Where the signed word is that nobody asked, an answer is not
/// the name server's, and what it says is nobody's address.
fn addresses(
    word: Result<Reflection, Failure>,
    answer: Result<Vec<IpAddr>, Failure>,
    time_ms: Milliseconds,
) -> Attempt<Vec<ResolverAddress>> {
    let told = word.ok().filter(|word| word.signature_valid).map(|word| word.answer.asked_by);
    let unasked = told.as_ref().is_some_and(Vec::is_empty);
    if let Some(told) = told.filter(|told| !told.is_empty()) {
        let signed = |asker: model::AskedBy| ResolverAddress {
            address: asker.address.to_canonical(),
            client_subnet: asker.client_subnet,
            signed: true,
            time_ms,
        };
        return Attempt::Seen(told.into_iter().map(signed).collect());
    }
    match answer {
        Ok(_) if unasked => Attempt::Failed(Failure {
            operation: Operation::Resolve,
            kind: FailureKind::Protocol,
            detail: "the name was answered, and nobody asked the reflector's name server for it".to_owned(),
            after_ms: time_ms,
        }),
        Ok(addresses) => {
            let unsigned = |address: IpAddr| ResolverAddress {
                address: address.to_canonical(),
                client_subnet: None,
                signed: false,
                time_ms,
            };
            Attempt::Seen(addresses.into_iter().map(unsigned).collect())
        }
        Err(failure) => Attempt::Failed(failure),
    }
}
