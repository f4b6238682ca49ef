//! TOML tables with positions: what a reader takes out, it takes out by key and kind, and every error knows its line.

use core::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::limits;
use crate::names::excerpt;

/// What is wrong in a service file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {key}: {problem}")]
pub struct ServiceError {
    pub line: usize,
    /// The key with the tables it stands in, `host.port`; `file` where no key is to blame.
    pub key: String,
    pub problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("not TOML: {0}")]
    Syntax(String),
    #[error("missing, expected {0}")]
    Missing(String),
    #[error("unknown key, expected one of {0}")]
    Unknown(String),
    #[error("found {found}, expected {expected}")]
    Wrong { found: String, expected: String },
}

/// A table that is being emptied.
pub(crate) struct Table<'t> {
    text: &'t str,
    path: String,
    /// Where the table stands, in octets.
    at: usize,
    entries: Vec<Field<'t>>,
}

/// A key and its value.
pub(crate) struct Field<'t> {
    text: &'t str,
    path: String,
    key: String,
    at: usize,
    value: DeValue<'t>,
}

impl<'t> Table<'t> {
    pub(crate) fn parse(text: &'t str) -> Result<Self, ServiceError> {
        if text.len() > limits::SERVICE_BYTES {
            let found = format!("{} octets", text.len());
            let problem = Problem::Wrong { found, expected: format!("{} at most", limits::SERVICE_BYTES) };
            return Err(ServiceError { line: 1, key: "file".to_owned(), problem });
        }
        let table = DeTable::parse(text).map_err(|error| ServiceError {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            key: "file".to_owned(),
            problem: Problem::Syntax(error.message().split_whitespace().collect::<Vec<_>>().join(" ")),
        })?;
        Ok(Self::new(text, String::new(), 0, table.into_inner()))
    }

    fn new(text: &'t str, path: String, at: usize, table: DeTable<'t>) -> Self {
        let entries = table
            .into_iter()
            .map(|(key, value)| {
                let name = key.get_ref().to_string();
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                // An array of tables spans all of its tables, so the key tells better where a value stands.
                Field { text, path, key: name, at: key.span().start, value: value.into_inner() }
            })
            .collect();
        Self { text, path, at, entries }
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Field<'t>> {
        let place = self.entries.iter().position(|field| field.key == key)?;
        Some(self.entries.swap_remove(place))
    }

    pub(crate) fn required(&mut self, key: &str, expected: &str) -> Result<Field<'t>, ServiceError> {
        self.take(key).ok_or_else(|| ServiceError {
            line: line_of(self.text, self.at),
            key: if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) },
            problem: Problem::Missing(expected.to_owned()),
        })
    }

    /// What is left in the order of the file: for tables whose keys are names.
    pub(crate) fn rest(mut self) -> Vec<(String, Field<'t>)> {
        self.entries.sort_by_key(|field| field.at);
        self.entries.into_iter().map(|field| (field.key.clone(), field)).collect()
    }

    /// Everything known was taken; what is left is a mistake.
    pub(crate) fn finish(self, known: &[&str]) -> Result<(), ServiceError> {
        match self.rest().first() {
            None => Ok(()),
            Some((_, field)) => Err(field.error(Problem::Unknown(known.join(", ")))),
        }
    }
}

impl<'t> Field<'t> {
    fn error(&self, problem: Problem) -> ServiceError {
        ServiceError { line: line_of(self.text, self.at), key: excerpt(&self.path), problem }
    }

    pub(crate) fn wrong(&self, expected: impl Into<String>) -> ServiceError {
        self.error(Problem::Wrong { found: self.found(), expected: expected.into() })
    }

    /// A string that `read` takes.
    pub(crate) fn string<T>(&self, expected: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, ServiceError> {
        match &self.value {
            DeValue::String(text) if text.len() <= limits::STRING_BYTES => read(text),
            _ => None,
        }
        .ok_or_else(|| self.wrong(expected))
    }

    /// A line of text.
    pub(crate) fn text(&self) -> Result<String, ServiceError> {
        self.string(&format!("a line of text of at most {} octets", limits::STRING_BYTES), |text| {
            (!text.trim().is_empty() && !text.chars().any(char::is_control)).then(|| text.trim().to_owned())
        })
    }

    pub(crate) fn boolean(&self) -> Result<bool, ServiceError> {
        self.value.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    pub(crate) fn number(&self, range: RangeInclusive<u32>) -> Result<u32, ServiceError> {
        let number = match &self.value {
            DeValue::Integer(integer) => u32::from_str_radix(integer.as_str(), integer.radix()).ok(),
            _ => None,
        };
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| self.wrong(format!("a whole number from {} to {}", range.start(), range.end())))
    }

    pub(crate) fn table(self) -> Result<Table<'t>, ServiceError> {
        match self.value {
            DeValue::Table(table) => Ok(Table::new(self.text, self.path, self.at, table)),
            _ => Err(self.wrong("a table")),
        }
    }

    /// The entries of an array, each with its own place.
    pub(crate) fn array(self, limit: usize, expected: &str) -> Result<Vec<Self>, ServiceError> {
        match self.value {
            DeValue::Array(values) if values.len() <= limit => Ok(values
                .into_iter()
                .map(|value: Spanned<DeValue<'t>>| Self {
                    text: self.text,
                    path: self.path.clone(),
                    key: self.key.clone(),
                    at: value.span().start,
                    value: value.into_inner(),
                })
                .collect()),
            _ => Err(self.wrong(format!("{expected}, at most {limit}"))),
        }
    }

    /// An array of strings that `read` takes.
    pub(crate) fn strings<T>(self, expected: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, ServiceError> {
        let entries = self.array(limits::LIST_ENTRIES, &format!("an array, each entry {expected}"))?;
        entries.iter().map(|entry| entry.string(expected, &read)).collect()
    }

    pub(crate) fn is_string(&self) -> bool {
        matches!(self.value, DeValue::String(_))
    }

    fn found(&self) -> String {
        match &self.value {
            DeValue::String(text) => format!("\"{}\"", excerpt(text)),
            DeValue::Integer(integer) => excerpt(integer.as_str()),
            DeValue::Float(float) => excerpt(float.as_str()),
            DeValue::Boolean(boolean) => boolean.to_string(),
            DeValue::Datetime(datetime) => datetime.to_string(),
            DeValue::Array(values) => format!("an array of {}", values.len()),
            DeValue::Table(_) => "a table".to_owned(),
        }
    }
}

/// Lines are counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&octet| octet == b'\n').count() + 1
}
