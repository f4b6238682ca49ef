//! What is known beside the record: products and their marks, and the names that an admin gave.

use std::collections::BTreeMap;

use crate::attribution::{Behaviour, Habit, Interceptor, Marks, ReverseProxy};

/// Knowledge that changes without us. It is compiled in as the default and can be replaced by files.
#[derive(Clone, Debug)]
pub struct Knowledge {
    interceptors: Vec<Interceptor>,
    habits: Vec<Habit>,
    behaviours: Vec<Behaviour>,
    reverse_proxies: Vec<ReverseProxy>,
    names: BTreeMap<String, AdminName>,
}

/// What an admin calls the holder of a certificate authority's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminName {
    pub product: String,
    pub vendor: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnowledgeError {
    #[error("the table of interceptors cannot be read: {0}")]
    Interceptors(String),
    #[error("interceptor {row} (`{product}`): {why}")]
    Row { row: usize, product: String, why: &'static str },
    #[error("the table of reverse proxies cannot be read: {0}")]
    ReverseProxies(String),
    #[error("`{0}` is no SHA-256 of a key: 64 hex digits are expected")]
    KeyHash(String),
}

impl Knowledge {
    /// What is compiled in.
    pub fn builtin() -> Self {
        // A test reads the four files and finds every row, so what is missing here would not have been released.
        let interceptors = Marks::parse(include_str!("../data/interceptors.toml")).unwrap_or_default();
        let habits = Habit::parse(include_str!("../data/leaf-habits.toml")).unwrap_or_default();
        let behaviours = Behaviour::parse(include_str!("../data/behaviours.toml")).unwrap_or_default();
        let reverse_proxies = ReverseProxy::parse(include_str!("../data/casb.toml")).unwrap_or_default();
        Self { interceptors, habits, behaviours, reverse_proxies, names: BTreeMap::new() }
    }

    /// With a table of interceptors of the user's own in the place of the one compiled in; the format is that of
    /// `crates/detect/data/interceptors.toml`.
    pub fn with_interceptors(self, text: &str) -> Result<Self, KnowledgeError> {
        Ok(Self { interceptors: Marks::parse(text)?, ..self })
    }

    /// Names the holder of a key, by the SHA-256 of its SubjectPublicKeyInfo in hex. A colon between two digits is
    /// allowed, as many programs print it.
    pub fn with_name(mut self, spki_sha256: &str, name: AdminName) -> Result<Self, KnowledgeError> {
        let hash: String = spki_sha256.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
        if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(KnowledgeError::KeyHash(spki_sha256.chars().take(100).collect()));
        }
        self.names.insert(hash, name);
        Ok(self)
    }

    /// The table of products, for help and documentation.
    pub fn interceptors(&self) -> &[Interceptor] {
        &self.interceptors
    }

    pub(crate) fn habits(&self) -> &[Habit] {
        &self.habits
    }

    pub(crate) fn behaviours(&self) -> &[Behaviour] {
        &self.behaviours
    }

    pub(crate) fn reverse_proxies(&self) -> &[ReverseProxy] {
        &self.reverse_proxies
    }

    pub(crate) fn name(&self, spki_sha256: &model::HexBytes) -> Option<&AdminName> {
        if self.names.is_empty() { None } else { self.names.get(&spki_sha256.to_string()) }
    }

    pub(crate) fn interceptor(&self, product: &str) -> Option<&Interceptor> {
        self.interceptors.iter().find(|interceptor| interceptor.product == product)
    }
}

impl Default for Knowledge {
    fn default() -> Self {
        Self::builtin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rows_that_are_compiled_in_are_read() {
        let count = |text: &str, table: &str| text.lines().filter(|line| *line == format!("[[{table}]]")).count();
        let knowledge = Knowledge::builtin();
        for (text, table, read) in [
            (include_str!("../data/interceptors.toml"), "interceptor", knowledge.interceptors.len()),
            (include_str!("../data/leaf-habits.toml"), "habit", knowledge.habits.len()),
            (include_str!("../data/behaviours.toml"), "behaviour", knowledge.behaviours.len()),
        ] {
            assert!(read > 10);
            assert_eq!(read, count(text, table), "{table}");
        }
        let errors = Marks::parse(include_str!("../data/interceptors.toml")).err();
        assert_eq!(errors, None);
        assert_eq!(Habit::parse(include_str!("../data/leaf-habits.toml")).err(), None);
        assert_eq!(Behaviour::parse(include_str!("../data/behaviours.toml")).err(), None);
        for product in
            knowledge.habits.iter().map(|h| &h.product).chain(knowledge.behaviours.iter().map(|b| &b.product))
        {
            assert!(knowledge.interceptor(product).is_some(), "{product} is not in the table of interceptors");
        }
    }

    #[test]
    fn every_row_names_its_sources_and_no_two_rows_one_product() {
        let knowledge = Knowledge::builtin();
        let mut seen = std::collections::BTreeSet::new();
        for row in knowledge.interceptors() {
            assert!(!row.sources.is_empty(), "{}", row.product);
            assert!(seen.insert((&row.vendor, &row.product)), "{} {}", row.vendor, row.product);
        }
    }

    #[test]
    fn a_file_of_the_users_own_replaces_the_table() {
        let row = "[[interceptor]]\nvendor = \"V\"\nproduct = \"P\"\nclass = \"swg\"\nissuer_cn = [\"Own CA\"]\n\
                   default_ca = \"customer\"\nconfidence = \"high\"\nsources = [\"us\"]\n";
        let knowledge = Knowledge::builtin().with_interceptors(row).expect("a table");
        assert_eq!(knowledge.interceptors().len(), 1);
        assert!(Knowledge::builtin().with_interceptors("[[interceptor]]\nproduct = 1").is_err());
        let empty = row.replace("Own CA", "");
        let error = Knowledge::builtin().with_interceptors(&empty).expect_err("an empty mark would fit everything");
        assert_eq!(error.to_string(), "interceptor 1 (`P`): a mark is empty");
    }

    #[test]
    fn key_hashes_are_checked() {
        let name = AdminName { product: "Gateway Lisbon".to_owned(), vendor: "own".to_owned() };
        assert!(Knowledge::builtin().with_name(&"AB:".repeat(32), name.clone()).is_ok());
        assert!(Knowledge::builtin().with_name("abc", name).is_err());
    }
}
