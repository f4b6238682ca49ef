//! The lab's service: one host per workload of Microsoft 365, all served by `truepath reflect`.

use std::fmt::Write;

use crate::{
    network,
    scenario::{Place, Scenario},
};

/// Names as the real service has them: products treat well-known names differently, and so may `check`.
const HOSTS: [(&str, &str); 6] = [
    ("Exchange", "outlook.office.com"),
    ("SharePoint", "contoso.sharepoint.com"),
    ("Teams", "teams.microsoft.com"),
    ("Copilot", "m365.cloud.microsoft"),
    ("Sign-in", "login.microsoftonline.com"),
    ("Unified domains", "res.public.onecdn.static.microsoft"),
];
const REFLECTOR: &str = "reflect.lab.example";

/// On loopback the origin has one address and the relay another, with the same port.
pub(crate) const ORIGIN: &str = "127.83.0.1";
pub(crate) const RELAY: &str = "127.83.0.2";

#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) workload: &'static str,
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    /// Where its origin listens.
    pub(crate) address: String,
}

/// What is to be reached: the service's hosts, and the reflector.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) hosts: Vec<Host>,
    pub(crate) reflector: Host,
}

impl Service {
    /// `port` gives a free one.
    pub(crate) fn new(scenario: &Scenario, mut port: impl FnMut() -> anyhow::Result<u16>) -> anyhow::Result<Self> {
        let reflector = ("Reflector", REFLECTOR);
        let mut hosts = Vec::new();
        let shared = port()?;
        for (index, (workload, name)) in HOSTS.into_iter().chain([reflector]).enumerate() {
            hosts.push(match scenario.place {
                Place::Proxy => Host { workload, name: "localhost", port: port()?, address: "127.0.0.1".into() },
                Place::Relay => Host { workload, name, port: shared, address: ORIGIN.into() },
                Place::Namespaces => Host { workload, name, port: 443, address: format!("198.51.100.{}", 11 + index) },
            });
        }
        let reflector = hosts.pop().ok_or_else(|| anyhow::anyhow!("no hosts"))?;
        Ok(Self { hosts, reflector })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter().chain([&self.reflector])
    }

    /// The service file of `check --service`: what `truepath reflect` keeps on an intact path, promised for each host.
    pub(crate) fn file(&self, scenario: &Scenario) -> String {
        let mut text = String::from(HEAD);
        for host in &self.hosts {
            let (name, port, workload, trust) = (host.name, host.port, host.workload, &scenario.origin.trust);
            // Writing to a String cannot fail.
            let _written = write!(
                text,
                "\n[[host]]\nname = \"{name}\"\nport = {port}\nworkload = \"{workload}\"\ntrust = \"{trust}\"\n{PROMISES}"
            );
            if let Some(more) = scenario.promises.get(workload) {
                let _written = writeln!(text, "{more}");
            }
        }
        text
    }
}

const HEAD: &str = r#"id = "lab"
name = "Lab"
version = "1"

[features.pages]
name = "Pages"

[features.live]
name = "Live updates"
needs = ["websocket"]

[features.answers]
name = "Answers as they are written"
needs = ["stream"]
"#;

const PROMISES: &str = r#"features = ["pages", "live", "answers"]
http2 = true
http3 = true
alt_svc = true
tls13 = true
hybrid_key_exchange = true
websocket = { path = "/v1/websocket", answer = "echo", http2 = true }
stream = { path = "/v1/stream?events=5&gap_ms=200", events = 5, gap_ms = 200 }
download = "/v1/bytes?length=1048576"
"#;

/// Every DNS name that a leaf must be valid for.
pub(crate) fn names() -> Vec<String> {
    HOSTS.iter().map(|(_, name)| *name).chain([REFLECTOR, "localhost"]).map(str::to_owned).collect()
}

/// Addresses of the server in the namespaces.
pub(crate) fn addresses(service: &Service) -> Vec<String> {
    service.all().map(|host| host.address.clone()).filter(|address| address != network::NAME_SERVER).collect()
}
