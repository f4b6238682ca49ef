//! Whole records: the clean path, and what only a whole record can show.

use std::collections::BTreeMap;

use model::*;

use super::host::Host;
use super::*;

/// Three hosts of two workloads on an intact path, everything measured, no reflector.
pub(crate) fn clean() -> Record {
    let feature = |name: &str, needs: &[&str]| Feature {
        name: name.to_owned(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
    };
    Record {
        v: Record::VERSION,
        started: time("2026-11-23T12:00:00Z"),
        took_ms: Milliseconds(3_000.0),
        tool: "truepath 0.1.0".to_owned(),
        service: ServiceRef {
            id: "microsoft-365".to_owned(),
            name: "Microsoft 365".to_owned(),
            profile: "1".to_owned(),
            instance: Some("worldwide".to_owned()),
            catalogue: Some("2025063000".to_owned()),
        },
        options: Options {
            checks: vec!["tls".to_owned()],
            timeout_ms: Milliseconds(5_000.0),
            budget_ms: Milliseconds(30_000.0),
            life_ms: Some(Milliseconds(120_000.0)),
            turns: None,
            interface: None,
        },
        path: PathFacts {
            via: None,
            resolve: Vec::new(),
            name_servers: Vec::new(),
            environment_proxies: BTreeMap::new(),
        },
        trust: TrustFacts {
            public_roots: "Mozilla, 140".to_owned(),
            system_roots: Attempt::Seen(140),
            given_roots: None,
            ct_logs: "80.14".to_owned(),
            ct_logs_made: Some(time("2026-11-01T00:00:00Z")),
        },
        features: BTreeMap::from([
            ("mail".to_owned(), feature("Mail and calendar", &[])),
            ("chat".to_owned(), feature("Copilot chat", &["websocket", "stream"])),
            ("pages".to_owned(), feature("Fast page loads", &["quic"])),
        ]),
        hosts: vec![
            host("outlook.office365.com"),
            host("contoso.sharepoint.com"),
            Host { workload: "Copilot", features: &["chat"] }.named("copilot.cloud.microsoft"),
        ],
        reflector: Attempt::not_tried("no reflector was given"),
        proxy: later(),
        vpn: later(),
        egress: later(),
        resolver: later(),
        endpoints: later(),
        geo: later(),
        certificates: BTreeMap::new(),
    }
}

/// All hosts answer with the portal's own certificate and send requests to it.
pub(crate) fn behind_portal() -> Record {
    let mut record = clean();
    for host in &mut record.hosts {
        mint(&mut host.chains[0], operator_leaf("portal.hotel.example"));
        host.chains[0].system = Attempt::Seen(Validation::UnknownIssuer);
        host.quic = Attempt::not_tried("skipped");
        host.websocket = Attempt::not_tried("skipped");
        host.stream = Attempt::not_tried("skipped");
        status(host, 302);
        sessions(host, |tls| tls.alpn = Some("h2".to_owned()));
        header(host, "location", "http://portal.hotel.example/login");
    }
    record
}

/// A clean path seen by a machine whose clock is off by so many seconds.
pub(crate) fn with_clock_off(seconds: i64) -> Record {
    let mut record = clean();
    record.started = Timestamp::from_unix_seconds(record.started.unix_seconds() + seconds).expect("a time");
    let now = record.started;
    for host in &mut record.hosts {
        let facts = &mut host.chains[0].facts;
        let leaf = seen(&mut facts.certificates[0]).clone();
        if now < leaf.not_before {
            facts.public = Validation::NotYetValid;
            facts.scts.iter_mut().for_each(|sct| sct.status = SctStatus::FromTheFuture);
        } else if now > leaf.not_after {
            facts.public = Validation::Expired;
        }
        host.chains[0].system = Attempt::Seen(facts.public.clone());
    }
    record
}
