//! Endpoint lists in the JSON of Microsoft's web service (`/endpoints/INSTANCE`; page of 2025-01-08).
//!
//! In: an array of endpoint sets. `urls`, `ips`, `tcpPorts`, `udpPorts` and `notes` are omitted where they are blank;
//! keys that we do not know are left alone, since the vendor adds some. `id`, `serviceArea` and `category` must be
//! there. A list without `required` or `expressRoute` says neither, so both are read as false.
//!
//! Out: a [`Catalogue`] in canonical form, or an error that names the set, the field and the value. A list with one bad
//! set is refused as a whole: half a list would make some of the service look foreign.

use core::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use serde_json::{Map, Value};

use crate::catalogue::{Catalogue, Category, EndpointSet};
use crate::limits;
use crate::names::{Instance, InvalidName, Version, excerpt, label};
use crate::pattern::HostPattern;
use crate::ports::Ports;

/// Why an endpoint list could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    #[error("the list has {bytes} octets, the limit is {limit}", limit = limits::LIST_BYTES)]
    TooLarge { bytes: usize },
    #[error("not JSON: {0}")]
    Json(String),
    #[error("expected a JSON array of endpoint sets, as the web service's /endpoints method answers")]
    NotAList,
    /// `set` is its id, or its place in the array where the id is what is wrong.
    #[error("endpoint set {set}: {field}: {value}: expected {expected}")]
    Field { set: String, field: &'static str, value: String, expected: String },
    /// From our own format, which has lines.
    #[error("line {line}: {field}: {value}: expected {expected}")]
    Line { line: usize, field: String, value: String, expected: String },
    #[error("no line says the {0} of the list")]
    Missing(&'static str),
    #[error("the list has more than {limit} {what}")]
    TooMany { what: &'static str, limit: usize },
    #[error("endpoint set {0} occurs twice")]
    Twice(u32),
    #[error(transparent)]
    Name(#[from] InvalidName),
}

impl Catalogue {
    /// Reads a list in either format. Our own says its instance, version and source itself; for the web service's JSON
    /// they are what the caller says.
    pub fn read(bytes: &[u8], instance: Instance, version: Version, source: &str) -> Result<Self, ListError> {
        match core::str::from_utf8(bytes) {
            Ok(text) if text.starts_with("truepath-endpoints ") => Self::from_compact(text),
            _ => Self::from_json(bytes, instance, version, source),
        }
    }

    /// Reads the answer of the web service. It does not say its own instance and version, so the caller does.
    pub fn from_json(text: &[u8], instance: Instance, version: Version, source: &str) -> Result<Self, ListError> {
        if text.len() > limits::LIST_BYTES {
            return Err(ListError::TooLarge { bytes: text.len() });
        }
        // PowerShell and Notepad put a byte order mark before UTF-8; RFC 8259 section 8.1 lets a reader ignore it.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let value: Value = serde_json::from_slice(text).map_err(|error| ListError::Json(error.to_string()))?;
        let Value::Array(values) = value else {
            return Err(ListError::NotAList);
        };
        within("endpoint sets", values.len(), limits::SETS)?;
        let sets = values
            .iter()
            .enumerate()
            .map(|(place, value)| read_set(place, value))
            .collect::<Result<Vec<EndpointSet>, ListError>>()?;
        Self::checked(instance, version, source, sets)
    }

    /// What holds for the list as a whole, whatever it was read from.
    pub(crate) fn checked(
        instance: Instance,
        version: Version,
        source: &str,
        sets: Vec<EndpointSet>,
    ) -> Result<Self, ListError> {
        within("endpoint sets", sets.len(), limits::SETS)?;
        within("host patterns", sets.iter().map(|set| set.hosts.len()).sum(), limits::HOSTS)?;
        within("address ranges", sets.iter().map(|set| set.networks.len()).sum(), limits::NETWORKS)?;
        let mut ids: Vec<u32> = sets.iter().map(|set| set.id).collect();
        ids.sort_unstable();
        if let Some(id) = ids.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some(*one),
            _ => None,
        }) {
            return Err(ListError::Twice(id));
        }
        Ok(Self::new(instance, version, line_of_text(source).unwrap_or_default(), sets))
    }
}

pub(crate) fn within(what: &'static str, count: usize, limit: usize) -> Result<(), ListError> {
    if count > limit { Err(ListError::TooMany { what, limit }) } else { Ok(()) }
}

/// Text for people as one line, with single blanks; `None` where nothing is left or it is beyond the limit.
pub(crate) fn line_of_text(text: &str) -> Option<String> {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    Some(words.join(" ")).filter(|line| (1..=limits::TEXT_BYTES).contains(&line.len()))
}

fn read_set(place: usize, value: &Value) -> Result<EndpointSet, ListError> {
    let unnamed = format!("at place {} of the list", place + 1);
    let Value::Object(fields) = value else {
        return Err(ListError::Field {
            set: unnamed,
            field: "set",
            value: shown(value),
            expected: "an object with id, serviceArea and category".to_owned(),
        });
    };
    let by_place = Fields { set: unnamed, fields };
    let id = by_place.required("id", "a number from 0 to 4294967295", |value| {
        value.as_u64().and_then(|id| u32::try_from(id).ok())
    })?;
    let set = Fields { set: id.to_string(), fields };
    let area = set.required("serviceArea", "a word of letters, digits, `.`, `-` or `_`", |value| {
        value.as_str().and_then(|text| label("serviceArea", text).ok()).map(str::to_owned)
    })?;
    let category =
        set.required("category", "Optimize, Allow or Default", |value| value.as_str().and_then(Category::parse))?;
    Ok(EndpointSet {
        id,
        area,
        area_name: set.text("serviceAreaDisplayName")?,
        category,
        required: set.flag("required")?,
        express_route: set.flag("expressRoute")?,
        hosts: set.list("urls", limits::HOSTS_PER_SET, HOST_EXPECTED, |text| HostPattern::parse(text).ok())?,
        networks: set.list("ips", limits::NETWORKS_PER_SET, NETWORK_EXPECTED, read_network)?,
        tcp: set.ports("tcpPorts")?,
        udp: set.ports("udpPorts")?,
        notes: set.text("notes")?,
    })
}

pub(crate) const HOST_EXPECTED: &str = "a host name, with one star at most that is not its end";
pub(crate) const NETWORK_EXPECTED: &str = "an address range such as 192.0.2.0/24 or 2001:db8::/32";

/// An address range, or a single address. Bits beyond the prefix are dropped, as a router would. IPv4 written within IPv6
/// (RFC 4291 section 2.5.5.2) becomes IPv4, since that is how addresses are looked up.
pub(crate) fn read_network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?.trunc();
    let IpNet::V6(within) = network else { return Some(network) };
    within
        .prefix_len()
        .checked_sub(96)
        .and_then(|length| Ipv4Net::new(within.addr().to_ipv4_mapped()?, length).ok())
        .map_or(Some(network), |network| Some(network.into()))
}

/// The fields of one set, for errors that say which.
struct Fields<'a> {
    set: String,
    fields: &'a Map<String, Value>,
}

impl Fields<'_> {
    fn error(&self, field: &'static str, value: String, expected: impl Into<String>) -> ListError {
        ListError::Field { set: self.set.clone(), field, value, expected: expected.into() }
    }

    /// Blank is omitted, and `null` is taken for omitted.
    fn get(&self, field: &'static str) -> Option<&Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    fn required<T>(
        &self,
        field: &'static str,
        expected: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<T, ListError> {
        let value = self.get(field).ok_or_else(|| self.error(field, "missing".to_owned(), expected))?;
        read(value).ok_or_else(|| self.error(field, shown(value), expected))
    }

    fn flag(&self, field: &'static str) -> Result<bool, ListError> {
        self.get(field)
            .map_or(Ok(false), |value| value.as_bool().ok_or_else(|| self.error(field, shown(value), "true or false")))
    }

    fn text(&self, field: &'static str) -> Result<Option<String>, ListError> {
        let Some(value) = self.get(field) else { return Ok(None) };
        let expected = || format!("text of at most {} octets", limits::TEXT_BYTES);
        let text = value.as_str().ok_or_else(|| self.error(field, shown(value), expected()))?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        line_of_text(text).map(Some).ok_or_else(|| self.error(field, shown(value), expected()))
    }

    fn ports(&self, field: &'static str) -> Result<Ports, ListError> {
        const EXPECTED: &str = "ports from 1 to 65535 or ranges of them, separated by commas";
        self.get(field).map_or(Ok(Ports::default()), |value| {
            value
                .as_str()
                .and_then(|text| Ports::parse(text).ok())
                .ok_or_else(|| self.error(field, shown(value), EXPECTED))
        })
    }

    fn list<T>(
        &self,
        field: &'static str,
        limit: usize,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ListError> {
        let Some(value) = self.get(field) else { return Ok(Vec::new()) };
        let values = value.as_array().ok_or_else(|| self.error(field, shown(value), "an array of strings"))?;
        if values.len() > limit {
            return Err(self.error(field, format!("{} entries", values.len()), format!("{limit} at most")));
        }
        values
            .iter()
            .map(|value| value.as_str().and_then(&read).ok_or_else(|| self.error(field, shown(value), expected)))
            .collect()
    }
}

/// A value in an error message: short, on one line.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", excerpt(text)),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => format!("`{}`", excerpt(&other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Catalogue, ListError};
    use crate::catalogue::Category;
    use crate::names::{Instance, Version};

    fn check(text: &str) -> Result<Catalogue, ListError> {
        let (instance, version) = (Instance::parse("worldwide").unwrap(), Version::parse("2025063000").unwrap());
        Catalogue::from_json(text.as_bytes(), instance, version, "a test")
    }

    fn check_error(text: &str, message: &str) {
        assert_eq!(check(text).unwrap_err().to_string(), message, "{text}");
    }

    #[test]
    fn a_list_as_the_web_service_sends_it() {
        let list = check(
            r#"[{"id": 11, "serviceArea": "Skype", "serviceAreaDisplayName": "Microsoft Teams",
                 "ips": ["52.112.0.0/14", "2603:1063::/38", "52.112.0.1/14", "192.0.2.1",
                         "::ffff:198.51.100.0/120"],
                 "udpPorts": "3478,3479,3480,3481", "expressRoute": true, "category": "Optimize", "required": true},
                {"id": 10, "serviceArea": "Exchange", "urls": ["*.mx.Microsoft", "*.mail.protection.outlook.com"],
                 "tcpPorts": "25", "category": "Allow", "notes": " two\nlines ", "somethingNew": [1]}]"#,
        )
        .unwrap();
        let [ten, eleven] = list.sets() else { panic!("two sets") };
        assert_eq!((ten.id, ten.category, ten.required, ten.express_route), (10, Category::Allow, false, false));
        assert_eq!(format!("{:?}", ten.hosts), "[*.mail.protection.outlook.com, *.mx.microsoft]");
        assert_eq!(ten.notes.as_deref(), Some("two lines"));
        assert_eq!(eleven.area_name.as_deref(), Some("Microsoft Teams"));
        assert_eq!(format!("{:?}", eleven.networks), "[52.112.0.0/14, 192.0.2.1/32, 198.51.100.0/24, 2603:1063::/38]");
        assert_eq!((eleven.tcp.to_string(), eleven.udp.to_string()), (String::new(), "3478-3481".to_owned()));
    }

    #[test]
    fn either_format_is_read() {
        let names = || (Instance::parse("china").unwrap(), Version::parse("1").unwrap());
        let compact = b"truepath-endpoints 1\ninstance worldwide\nversion 2025063000\nsource a test\n";
        for (bytes, instance) in [(&compact[..], "worldwide"), (b"[]", "china")] {
            let (given, version) = names();
            assert_eq!(Catalogue::read(bytes, given, version, "a test").unwrap().instance().as_str(), instance);
        }
        assert!(matches!(Catalogue::read(b"\xff", names().0, names().1, "a test"), Err(ListError::Json(_))));
    }

    #[test]
    fn errors_name_set_field_and_value() {
        check_error("{}", "expected a JSON array of endpoint sets, as the web service's /endpoints method answers");
        check_error(
            "[1]",
            "endpoint set at place 1 of the list: set: `1`: expected an object with id, serviceArea and category",
        );
        check_error(
            r#"[{"serviceArea": "Common"}]"#,
            "endpoint set at place 1 of the list: id: missing: expected a number from 0 to 4294967295",
        );
        check_error(
            r#"[{"id": 7, "serviceArea": "Common", "category": "Optimise"}]"#,
            "endpoint set 7: category: `Optimise`: expected Optimize, Allow or Default",
        );
        check_error(
            r#"[{"id": 7, "serviceArea": "Common", "category": "Allow", "urls": ["https://a.b"]}]"#,
            "endpoint set 7: urls: `https://a.b`: expected a host name, with one star at most that is not its end",
        );
        check_error(
            r#"[{"id": 7, "serviceArea": "Common", "category": "Allow", "ips": ["10.0.0.0/33"]}]"#,
            "endpoint set 7: ips: `10.0.0.0/33`: expected an address range such as 192.0.2.0/24 or 2001:db8::/32",
        );
        check_error(
            r#"[{"id": 7, "serviceArea": "Common", "category": "Allow", "tcpPorts": 443}]"#,
            "endpoint set 7: tcpPorts: `443`: expected ports from 1 to 65535 or ranges of them, separated by commas",
        );
        check_error(
            r#"[{"id": 7, "serviceArea": "Common", "category": "Allow"}, {"id": 7, "serviceArea": "Common", "category": "Allow"}]"#,
            "endpoint set 7 occurs twice",
        );
        assert!(check("\u{feff}[]").is_ok());
        assert!(matches!(check("[{"), Err(ListError::Json(_))));
        assert!(matches!(check(&" ".repeat(5 << 20)), Err(ListError::TooLarge { .. })));
        let sets = vec![r#"{"id": 7, "serviceArea": "Common", "category": "Allow"}"#; 2001].join(",");
        check_error(&format!("[{sets}]"), "the list has more than 2000 endpoint sets");
    }
}
