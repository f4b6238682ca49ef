//! A reflector to test against, and the settings of a run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use model::{
    Attempt, Endpoint, HostName, Milliseconds, Promises, Record, ServiceRef, StreamPromise, Target, Timestamp,
    Trust as TrustKind, WebSocketAnswer, WebSocketPromise,
};
use probe::{CHECKS, Net, ReflectorAddress, ScriptWorker, Settings, SystemNet, Targets, Trust, run};
use reflector::{Certificate, Config, SigningKey};
use wire::x509::{CtLogs, Roots};

/// A reflector that runs until it is dropped.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) reflector: ReflectorAddress,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        let certificate = Certificate::self_signed(&["localhost".to_owned()]).unwrap();
        let mut config = Config::new(certificate, SigningKey::generate().unwrap());
        config.listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
        let reflector = reflector::bind(config).await.unwrap();
        let address = reflector.addresses()[0];
        let key = reflector.public_key();
        let task = tokio::spawn(reflector.run(std::future::pending()));
        let host = HostName::parse("localhost").unwrap();
        Self { address, reflector: ReflectorAddress { host, port: address.port(), key }, task }
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        turn: None,
        // Not `proxy`, which asks the name servers and the DHCP servers of the machine; its own tests are with its code.
        checks: CHECKS.iter().map(|check| check.name).filter(|name| *name != "proxy").collect(),
        timeout: Duration::from_secs(3),
        budget: Duration::from_secs(15),
        life: None,
        call: None,
        pac: None,
        interface: None,
        script_worker: ScriptWorker::default(),
        via: None,
        resolve: Vec::new(),
        reflector: None,
        environment_proxies: BTreeMap::new(),
        tool: "test".to_owned(),
    }
}

/// A host that promises what the reflector serves.
pub(crate) fn target(port: u16) -> Target {
    Target {
        host: HostName::parse("localhost").unwrap(),
        port,
        workload: "Test".to_owned(),
        features: Vec::new(),
        path: "/".to_owned(),
        promises: Promises {
            http3: true,
            alt_svc: true,
            tls13: true,
            http2: true,
            hybrid_key_exchange: true,
            websocket: Some(WebSocketPromise {
                path: "/v1/websocket".to_owned(),
                answer: WebSocketAnswer::Echo,
                http2: true,
            }),
            stream: Some(StreamPromise {
                path: "/v1/stream?events=4&gap_ms=50".to_owned(),
                events: 4,
                gap_ms: Milliseconds(50.0),
            }),
            download: Some("/v1/bytes?length=65536".to_owned()),
            ..Promises::none_but(TrustKind::Public)
        },
    }
}

pub(crate) async fn check(targets: Vec<Target>, settings: Settings) -> Record {
    check_published(targets, Vec::new(), settings).await
}

/// With names of an endpoint list.
pub(crate) async fn check_published(hosts: Vec<Target>, endpoints: Vec<Endpoint>, settings: Settings) -> Record {
    check_over(Arc::new(SystemNet::new()), hosts, endpoints, settings).await
}

/// Over a network of the test's own.
pub(crate) async fn check_over(
    net: Arc<dyn Net>,
    hosts: Vec<Target>,
    endpoints: Vec<Endpoint>,
    settings: Settings,
) -> Record {
    let trust = Trust {
        public: Roots::from_der(Vec::<Vec<u8>>::new()),
        public_source: "none".to_owned(),
        system: Ok(Roots::from_der(Vec::<Vec<u8>>::new())),
        given: None,
        logs: CtLogs::builtin(),
        logs_source: "compiled in".to_owned(),
        public_issuers: Vec::new(),
    };
    let service = ServiceRef {
        id: "test".to_owned(),
        name: "Test".to_owned(),
        profile: "1".to_owned(),
        instance: None,
        catalogue: None,
    };
    let targets = Targets { service, features: BTreeMap::new(), hosts, prefixes: Vec::new(), endpoints };
    let started = Timestamp::from_unix_seconds(1_795_000_000).unwrap();
    run(targets, settings, Arc::new(trust), net, started, None).await.unwrap()
}

pub(crate) fn seen<T: std::fmt::Debug>(attempt: &Attempt<T>) -> &T {
    attempt.seen().unwrap_or_else(|| panic!("not seen: {attempt:?}"))
}
