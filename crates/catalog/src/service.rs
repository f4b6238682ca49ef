//! The service file: what a profile is written in.
//!
//! TOML. A service has an `id`, a `name` and a `version`, features that people would miss, and hosts. `docs/service-file.md`
//! explains every key with an example, which a test of this crate reads.
//!
//! ```toml
//! id = "contoso-erp"
//! name = "Contoso ERP"
//! version = "2026-11-23"
//!
//! [features.orders]
//! name = "Order desk"
//! needs = ["websocket"]
//!
//! [[host]]
//! name = "erp.contoso.com"
//! features = ["orders"]
//! websocket = { path = "/live", answer = { refuse = [401] } }
//! ```
//!
//! Choices:
//! - Only `name` is required of a host. What a host does not promise is never held against the path, so every promise is
//!   false unless it stands there. Two things are promised by default, because every browser insists on them: public
//!   trust, and with it certificate transparency.
//! - A key that we do not know is an error. A promise with a typing mistake would be one that is never checked.
//! - A file is refused as a whole, with one line that says where, which key, what was found and what is expected.
//! - `{tenant}` in a host name is replaced. The file may name a default, and must where it should work without one.

mod table;

use std::collections::BTreeMap;

use ipnet::IpNet;
use model::{
    Feature, HostName, Milliseconds, Promises, StreamPromise, Target, Trust, WebSocketAnswer, WebSocketPromise,
};

use self::table::Field;
pub(crate) use self::table::Table;
pub use self::table::{Problem, ServiceError};
use crate::json::{NETWORK_EXPECTED, read_network};
use crate::names::{Instance, Version, label};
use crate::profile::Profile;
use crate::{issuers, limits};

const FILE_KEYS: &[&str] = &["id", "name", "version", "instance", "catalogue", "tenant", "features", "host"];
const FEATURE_KEYS: &[&str] = &["name", "needs"];
const HOST_KEYS: &[&str] = &[
    "name",
    "port",
    "workload",
    "features",
    "path",
    "trust",
    "issuers",
    "certificate_transparency",
    "http2",
    "http3",
    "alt_svc",
    "tls13",
    "hybrid_key_exchange",
    "websocket",
    "stream",
    "download",
    "own_headers",
    "addresses",
    "media_ports",
    "media_host",
];
const WEBSOCKET_KEYS: &[&str] = &["path", "answer", "http2"];
const STREAM_KEYS: &[&str] = &["path", "events", "gap_ms"];

const NEEDS: &[&str] = &["websocket", "stream", "quic", "media"];
const PATH_EXPECTED: &str = "a path that begins with /, without blanks and fragment";
const HOSTS_EXPECTED: &str = "one [[host]] at least";
const TENANT: &str = "{tenant}";

/// Every key there is, for the test that holds the documentation complete.
#[cfg(test)]
pub(crate) fn documented_keys() -> impl Iterator<Item = &'static str> {
    [FILE_KEYS, FEATURE_KEYS, HOST_KEYS, WEBSOCKET_KEYS, STREAM_KEYS].into_iter().flatten().copied()
}

/// Reads a service file. The tenant is a host label in lower case; [`Profile::parse`] has seen to that.
pub(crate) fn read(text: &str, tenant: Option<&str>) -> Result<Profile, ServiceError> {
    let mut file = Table::parse(text)?;
    let id = file
        .required("id", "a short name without blanks")?
        .string("a short name without blanks", |text| label("id", text).ok().map(str::to_owned))?;
    let name = file.required("name", "the name of the service")?.text()?;
    let version = file.required("version", "the version of this file, such as a date")?.text()?;
    let instance = file
        .take("instance")
        .map(|field| field.string("a cloud instance such as worldwide", |text| Instance::parse(text).ok()))
        .transpose()?;
    let catalogue = file
        .take("catalogue")
        .map(|field| field.string("the version of an endpoint list", |text| Version::parse(text).ok()))
        .transpose()?;
    let default_tenant = file.take("tenant").map(|field| field.string(TENANT_EXPECTED, read_tenant)).transpose()?;
    let features = file.take("features").map_or_else(|| Ok(BTreeMap::new()), read_features)?;
    let hosts = file.required("host", HOSTS_EXPECTED)?;
    let none = hosts.wrong(HOSTS_EXPECTED);
    let hosts = hosts.array(limits::TARGETS, "[[host]] tables")?;
    if hosts.is_empty() {
        return Err(none);
    }
    file.finish(FILE_KEYS)?;

    let tenant = tenant.or(default_tenant.as_deref());
    let context = Context { service: &name, tenant, features: &features };
    let mut targets: Vec<Target> = Vec::with_capacity(hosts.len());
    for host in hosts {
        targets.push(context.read_host(host.table()?, &targets)?);
    }
    Ok(Profile {
        id,
        name,
        version,
        instance: instance.map(|instance| instance.as_str().to_owned()),
        catalogue: catalogue.map(|version| version.as_str().to_owned()),
        features,
        targets,
    })
}

pub(crate) const TENANT_EXPECTED: &str =
    "a tenant's name: letters, digits and hyphens, the first part of NAME.onmicrosoft.com";

/// A tenant's name as it stands in host names.
pub(crate) fn read_tenant(text: &str) -> Option<String> {
    HostName::parse(text).ok().map(|name| name.as_str().to_owned()).filter(|name| !name.contains(['.', '_']))
}

fn read_features(field: Field<'_>) -> Result<BTreeMap<String, Feature>, ServiceError> {
    let too_many = field.wrong(format!("{} features at most", limits::FEATURES));
    let entries = field.table()?.rest();
    if entries.len() > limits::FEATURES {
        return Err(too_many);
    }
    entries
        .into_iter()
        .map(|(key, field)| {
            let mut table = field.table()?;
            let name = table.required("name", "what people call it")?.text()?;
            let needs = table.take("needs").map_or(Ok(Vec::new()), |field| {
                field.strings("websocket, stream, quic or media", |text| NEEDS.contains(&text).then(|| text.to_owned()))
            })?;
            table.finish(FEATURE_KEYS)?;
            Ok((key, Feature { name, needs }))
        })
        .collect()
}

/// What the hosts of a file share.
struct Context<'a> {
    service: &'a str,
    tenant: Option<&'a str>,
    features: &'a BTreeMap<String, Feature>,
}

impl Context<'_> {
    fn read_host(&self, mut table: Table<'_>, before: &[Target]) -> Result<Target, ServiceError> {
        let name = table.required("name", "a host name")?;
        let host = self.read_name(&name)?;
        let port = table.take("port").map_or(Ok(443), |field| {
            field.number(1..=u32::from(u16::MAX)).map(|port| u16::try_from(port).unwrap_or(u16::MAX))
        })?;
        if before.iter().any(|target| target.host == host && target.port == port) {
            return Err(name.wrong("each host and port once"));
        }
        let workload = table.take("workload").map_or_else(|| Ok(self.service.to_owned()), |field| field.text())?;
        let features = table.take("features").map_or(Ok(Vec::new()), |field| {
            let known: Vec<&str> = self.features.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "it has none".to_owned() } else { known.join(", ") };
            field.strings(&format!("a key of [features]: {known}"), |text| {
                self.features.contains_key(text).then(|| text.to_owned())
            })
        })?;
        let path = table.take("path").map_or_else(|| Ok("/".to_owned()), |field| read_path(&field))?;
        let promises = read_promises(&mut table)?;
        table.finish(HOST_KEYS)?;
        Ok(Target { host, port, workload, features, path, promises })
    }

    fn read_name(&self, field: &Field<'_>) -> Result<HostName, ServiceError> {
        let template = field.string("a host name", |text| Some(text.to_owned()))?;
        if template.contains(TENANT) && self.tenant.is_none() {
            return Err(field.wrong("a tenant, from the command line or as the file's default in the key `tenant`"));
        }
        HostName::parse(&template.replace(TENANT, self.tenant.unwrap_or_default()))
            .map_err(|_| field.wrong("a host name, in which {tenant} may stand for the tenant"))
    }
}

fn read_promises(table: &mut Table<'_>) -> Result<Promises, ServiceError> {
    let trust = table.take("trust").map_or(Ok(Trust::Public), |field| {
        field.string("public or given", |text| match text {
            "public" => Some(Trust::Public),
            "given" => Some(Trust::Given),
            _ => None,
        })
    })?;
    // Only publicly trusted authorities log what they issue.
    let logged = trust == Trust::Public;
    let mut flag = |key: &str, default: bool| table.take(key).map_or(Ok(default), |field| field.boolean());
    Ok(Promises {
        trust,
        certificate_transparency: flag("certificate_transparency", logged)?,
        http2: flag("http2", false)?,
        http3: flag("http3", false)?,
        alt_svc: flag("alt_svc", false)?,
        tls13: flag("tls13", false)?,
        hybrid_key_exchange: flag("hybrid_key_exchange", false)?,
        issuers: table.take("issuers").map_or(Ok(Vec::new()), read_issuers)?,
        websocket: table.take("websocket").map(read_websocket).transpose()?,
        stream: table.take("stream").map(read_stream).transpose()?,
        download: table.take("download").map(|field| read_path(&field)).transpose()?,
        own_headers: table.take("own_headers").map_or(Ok(Vec::new()), |field| {
            field.strings("the name of a header", |text| is_token(text).then(|| text.to_ascii_lowercase()))
        })?,
        addresses: table
            .take("addresses")
            .map_or(Ok(Vec::new()), |field| field.strings::<IpNet>(NETWORK_EXPECTED, read_network))?,
        media_ports: table.take("media_ports").map_or(Ok(Vec::new()), read_ports)?,
        media_host: table
            .take("media_host")
            .map(|field| field.string("a host name", |text| HostName::parse(text).ok()))
            .transpose()?,
        place: None,
    })
}

/// The name of a list, or the common names themselves.
fn read_issuers(field: Field<'_>) -> Result<Vec<String>, ServiceError> {
    const EXPECTED: &str = "the common name of an authority";
    if field.is_string() {
        let known = issuers::names().collect::<Vec<_>>().join(", ");
        return field.string(&format!("an array of common names, or the name of a list: {known}"), issuers::issuers)?;
    }
    field.strings(EXPECTED, |text| (!text.is_empty()).then(|| text.to_owned()))
}

fn read_websocket(field: Field<'_>) -> Result<WebSocketPromise, ServiceError> {
    const ANSWER: &str = "\"echo\", \"open\" or { refuse = [statuses] }";
    let mut table = field.table()?;
    let path = read_path(&table.required("path", PATH_EXPECTED)?)?;
    let answer = table.required("answer", ANSWER)?;
    let answer = if answer.is_string() {
        answer.string(ANSWER, |text| match text {
            "echo" => Some(WebSocketAnswer::Echo),
            "open" => Some(WebSocketAnswer::Open),
            _ => None,
        })?
    } else {
        let mut table = answer.table()?;
        let statuses = table
            .required("refuse", "HTTP statuses")?
            .array(limits::LIST_ENTRIES, "HTTP statuses")?
            .iter()
            .map(|status| status.number(200..=599).map(|status| u16::try_from(status).unwrap_or(u16::MAX)))
            .collect::<Result<Vec<u16>, ServiceError>>()?;
        table.finish(&["refuse"])?;
        WebSocketAnswer::Refuse(statuses)
    };
    let http2 = table.take("http2").map_or(Ok(false), |field| field.boolean())?;
    table.finish(WEBSOCKET_KEYS)?;
    Ok(WebSocketPromise { path, answer, http2 })
}

fn read_stream(field: Field<'_>) -> Result<StreamPromise, ServiceError> {
    let mut table = field.table()?;
    let path = read_path(&table.required("path", PATH_EXPECTED)?)?;
    let events = table.required("events", "how many events come")?.number(1..=limits::STREAM_EVENTS)?;
    let gap_ms = table.required("gap_ms", "the milliseconds between two events")?.number(0..=limits::STREAM_GAP_MS)?;
    table.finish(STREAM_KEYS)?;
    Ok(StreamPromise { path, events, gap_ms: Milliseconds(f64::from(gap_ms)) })
}

/// UDP ports, each once.
fn read_ports(field: Field<'_>) -> Result<Vec<u16>, ServiceError> {
    let fields = field.array(limits::MEDIA_PORTS, "an array of port numbers")?;
    let mut ports = Vec::with_capacity(fields.len());
    for field in fields {
        let port = field.number(1..=u32::from(u16::MAX)).map(|port| u16::try_from(port).unwrap_or(u16::MAX))?;
        if ports.contains(&port) {
            return Err(field.wrong("each port once"));
        }
        ports.push(port);
    }
    Ok(ports)
}

/// A path as it stands in a request line: RFC 9112 section 3.2.1, with the characters that RFC 3986 allows.
fn read_path(field: &Field<'_>) -> Result<String, ServiceError> {
    field.string(PATH_EXPECTED, |text| {
        let fits = text.starts_with('/') && text.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'#');
        fits.then(|| text.to_owned())
    })
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet))
}
