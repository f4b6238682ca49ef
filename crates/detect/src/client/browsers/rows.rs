//! Reading the table.

use std::collections::BTreeMap;

use model::Transport;
use serde::Deserialize;

use super::rule::{Condition, Field, Kind, Rule, Test, Weight, place};
use crate::client::user_agent::{Engine, Platform};

pub(super) fn read(text: &str) -> Result<Vec<Rule>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let rows = file.rule.into_iter().enumerate();
    rows.map(|(place, row)| {
        let name = format!("rule {} ({}, {})", place.saturating_add(1), row.engine, row.field);
        row.read(&file.sources).map_err(|why| format!("{name}: {why}"))
    })
    .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sources: BTreeMap<String, String>,
    rule: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    engine: String,
    from: u16,
    to: Option<u16>,
    #[serde(default)]
    platforms: Vec<String>,
    systems: Option<(u16, u16)>,
    transport: Option<Transport>,
    when: Option<String>,
    field: String,
    kind: String,
    #[serde(default)]
    value: Vec<Value>,
    #[serde(default)]
    lists: Vec<Vec<Value>>,
    #[serde(default)]
    always: bool,
    excuse: Option<String>,
    variant: Option<String>,
    #[serde(default)]
    except: Vec<String>,
    says: Option<String>,
    source: Vec<String>,
    #[serde(default)]
    seen: Vec<u16>,
}

/// What has to hold, as rows of other tables have it too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::client) struct TestRow {
    when: Option<String>,
    field: String,
    kind: String,
    #[serde(default)]
    value: Vec<Value>,
    #[serde(default)]
    lists: Vec<Vec<Value>>,
}

/// A code point, or a name where the field is one of names.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Number(u16),
    Name(String),
}

impl Value {
    fn read(&self, field: Field) -> Result<u16, &'static str> {
        match (self, field) {
            (Self::Name(name), Field::Alpn) => match place::protocol(name.as_bytes()) {
                place::OTHER_PROTOCOL => Err("a protocol without a number"),
                number => Ok(number),
            },
            (Self::Name(name), Field::Grease) => place::grease(name).ok_or("no place of GREASE"),
            (Self::Number(number), field) if !matches!(field, Field::Alpn | Field::Grease) => Ok(*number),
            _ => Err("a value that is none of this field"),
        }
    }
}

impl TestRow {
    pub(in crate::client) fn read(&self) -> Result<Test, &'static str> {
        let field = Field::parse(&self.field).ok_or("no such field")?;
        let kind = Kind::parse(&self.kind).ok_or("no such kind")?;
        let read = |list: &Vec<Value>| list.iter().map(|value| value.read(field)).collect::<Result<Vec<_>, _>>();
        if self.value.is_empty() == self.lists.is_empty() || self.lists.is_empty() == kind.has_alternatives() {
            return Err("it needs a `value`, or `lists` where there are alternatives");
        }
        let lists = if kind.has_alternatives() {
            self.lists.iter().map(read).collect::<Result<Vec<_>, _>>()?
        } else {
            vec![read(&self.value)?]
        };
        let when = match self.when.as_deref() {
            None => None,
            Some("h2") => Some(Condition::Http2),
            Some("extended_master_secret") => Some(Condition::ExtendedMasterSecret),
            Some(_) => return Err("no such condition"),
        };
        Ok(Test::new(when, field, kind, lists))
    }
}

impl Row {
    fn read(self, sources: &BTreeMap<String, String>) -> Result<Rule, &'static str> {
        let Self { when, field, kind, value, lists, .. } = self;
        let test = TestRow { when, field, kind, value, lists }.read()?;
        if self.to.is_some_and(|to| to < self.from) {
            return Err("it ends before it begins");
        }
        if self.source.is_empty() || !self.source.iter().all(|source| sources.contains_key(source)) {
            return Err("its source is not told");
        }
        let outside = |seen: &u16| *seen < self.from || self.to.is_some_and(|to| *seen > to);
        if !self.seen.is_sorted() || self.seen.iter().any(outside) {
            return Err("`seen` must be sorted and within its versions");
        }
        let weight = match (self.always, self.excuse) {
            (true, None) => Weight::Always,
            (false, None) => Weight::Firm,
            (false, Some(excuse)) => Weight::Excused(excuse),
            (true, Some(_)) => return Err("what holds always has no excuse"),
        };
        let platforms = self.platforms.iter().map(|name| Platform::named(name)).collect::<Option<_>>();
        Ok(Rule {
            engine: Engine::named(&self.engine).ok_or("no such engine")?,
            from: self.from,
            to: self.to,
            platforms: platforms.ok_or("no such platform")?,
            systems: self.systems,
            transport: self.transport,
            test,
            weight,
            variant: self.variant,
            except: self.except,
            says: self.says,
            seen: self.seen,
        })
    }
}
