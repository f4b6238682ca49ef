//! What products do to the fields of a request without naming themselves, as data.

use model::ObservedHttp;
use serde::Deserialize;

use super::order::small_letters;
use super::{all_names, is_http1, place, value};

/// The table of habits.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct Habits {
    rows: Vec<Habit>,
}

/// One habit. The file's own comment explains the fields.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::client) struct Habit {
    pub(in crate::client) product: String,
    host: Option<Host>,
    letters: Option<Letters>,
    order: Option<Order>,
    accept_encoding: Option<String>,
    cache_control: Option<String>,
    connection: Option<String>,
    #[serde(default)]
    lacks: Vec<String>,
    pub(in crate::client) weight: f64,
    source: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Host {
    Late,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Letters {
    Mixed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Order {
    Go,
    HostFirst,
    ViaFirst,
    ConnectionFirst,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    habit: Vec<Habit>,
}

impl Habits {
    pub(in crate::client) fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        match file.habit.iter().find(|habit| !habit.is_whole()) {
            Some(habit) => Err(format!("a habit of `{}` has no condition, no source or no weight", habit.product)),
            None => Ok(Self { rows: file.habit }),
        }
    }

    /// The habits that this request shows.
    pub(in crate::client) fn seen(&self, http: &ObservedHttp<'_>) -> Vec<&Habit> {
        self.rows.iter().filter(|habit| habit.fits(http)).collect()
    }

    /// As if nobody had ever captured this product.
    pub(in crate::client) fn forget_product(&mut self, product: &str) {
        self.rows.retain(|habit| habit.product != product);
    }
}

impl Habit {
    fn is_whole(&self) -> bool {
        let Self { host, letters, order, accept_encoding, cache_control, connection, lacks, weight, source, .. } = self;
        let texts = [accept_encoding, cache_control, connection];
        let conditions = host.is_some() || letters.is_some() || order.is_some() || texts.iter().any(|t| t.is_some());
        (conditions || !lacks.is_empty()) && !source.is_empty() && (0.0..=0.5).contains(weight)
    }

    fn fits(&self, http: &ObservedHttp<'_>) -> bool {
        let texts = [
            ("accept-encoding", &self.accept_encoding),
            ("cache-control", &self.cache_control),
            ("connection", &self.connection),
        ];
        let told = texts.into_iter().all(|(name, expected)| match expected {
            None => true,
            Some(expected) => value(http, name).is_some_and(|value| {
                value.eq_ignore_ascii_case(expected)
                    || expected.contains(',') && value.get(..expected.len()) == Some(expected.as_str())
            }),
        });
        if !told {
            return false;
        }
        if self.host.is_none() && self.letters.is_none() && self.order.is_none() && self.lacks.is_empty() {
            return true;
        }
        let Some(names) = all_names(http) else { return false };
        let at = |name: &str| place(names.clone(), name);
        let first = |name: &str| at(name) == Some(0);
        let ordered = match self.order {
            None => true,
            Some(Order::Go) => go_order(names.clone()),
            Some(Order::HostFirst) => first("host"),
            Some(Order::ViaFirst) => first("via"),
            Some(Order::ConnectionFirst) => first("connection"),
        };
        let late = || matches!((at("host"), at("user-agent")), (Some(host), Some(agent)) if agent < host);
        ordered
            && (self.host.is_none() || is_http1(http) && late())
            && (self.letters.is_none() || is_http1(http) && small_letters(names.clone()))
            && self.lacks.iter().all(|name| at(name).is_none())
    }
}

/// Go's net/http writes Host and User-Agent, then the rest by the alphabet, and last what its transport adds.
fn go_order<'o>(mut names: impl Iterator<Item = &'o str> + Clone) -> bool {
    const FEW: usize = 3;
    let starts = names.next().is_some_and(|name| name.eq_ignore_ascii_case("host"))
        && names.next().is_some_and(|name| name.eq_ignore_ascii_case("user-agent"));
    // The transport's own Accept-Encoding stands behind the alphabet, a client's in its place.
    let count = names.clone().count();
    let rest = || {
        let last = |index: usize, name: &str| index + 1 == count && name.eq_ignore_ascii_case("accept-encoding");
        names.clone().enumerate().filter(move |(index, name)| !last(*index, name)).map(|(_, name)| name)
    };
    let canonical = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase());
    starts && count >= FEW && rest().all(canonical) && rest().zip(rest().skip(1)).all(|(one, next)| one <= next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Knowledge;

    fn check(headers: &[(&'static str, &'static str)], expected: &[&str]) {
        let habits = Habits::parse(include_str!("../../../data/request-habits.toml")).expect("the table");
        let http = ObservedHttp {
            version: Some("1.1".into()),
            headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            header_names: Some(headers.iter().map(|(name, _)| (*name).into()).collect()),
            ..ObservedHttp::default()
        };
        let seen: Vec<&str> = habits.seen(&http).iter().map(|habit| habit.product.as_str()).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn products_write_fields_in_their_own_way() {
        check(&[("User-Agent", "x"), ("Host", "a"), ("Cache-Control", "max-age=259200")], &["Squid with SslBump"]);
        check(
            &[("Host", "a"), ("User-Agent", "x"), ("Accept-Encoding", "identity,gzip,deflate")],
            &["e2guardian / DansGuardian / squidGuard"],
        );
        check(
            &[
                ("Host", "a"),
                ("User-Agent", "x"),
                ("Accept", "*/*"),
                ("Sec-Fetch-Dest", "empty"),
                ("Accept-Encoding", "gzip"),
            ],
            &["goproxy", "Caddy as a TLS gateway"],
        );
    }

    #[test]
    fn browsers_have_none_of_these_habits() {
        check(
            &[
                ("Host", "a"),
                ("Connection", "keep-alive"),
                ("User-Agent", "x"),
                ("Accept", "*/*"),
                ("Accept-Encoding", "gzip, br"),
            ],
            &[],
        );
        check(
            &[
                ("Host", "a"),
                ("User-Agent", "x"),
                ("Accept", "*/*"),
                ("Accept-Language", "en"),
                ("Accept-Encoding", "gzip"),
                ("TE", "x"),
            ],
            &[],
        );
    }

    #[test]
    fn every_habit_is_that_of_a_product_in_the_table() {
        let habits = Habits::parse(include_str!("../../../data/request-habits.toml")).expect("the table");
        let knowledge = Knowledge::builtin();
        for habit in habits.rows {
            assert!(knowledge.interceptors().iter().any(|row| row.product == habit.product), "{}", habit.product);
        }
        assert!(Habits::parse("[[habit]]\nproduct = \"x\"\nweight = 0.1\nsource = \"us\"\n").is_err());
    }
}
