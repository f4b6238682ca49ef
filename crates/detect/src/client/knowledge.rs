//! What is known about clients, as data that is compiled in and can be replaced.

use super::browsers::Browsers;
use super::cluster::Clusters;
use super::headers::Habits;
use super::http2::Http2;
use super::syn::Stacks;
use super::tools::Tools;
use super::user_agent::{Claim, read};

/// Browsers, version by version; programs that are none; hellos, prefaces and header fields of products.
///
/// To measure how a verdict would do on what nobody has captured, a product or a build can be left out.
#[derive(Clone, Debug)]
pub struct ClientKnowledge {
    pub(super) browsers: Browsers,
    pub(super) tools: Tools,
    pub(super) http2: Http2,
    pub(super) stacks: Stacks,
    pub(super) habits: Habits,
    pub(super) clusters: Clusters,
    /// Products of the table of interceptors that are left out.
    pub(super) forgotten: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the table of {table} cannot be read: {why}")]
pub struct ClientKnowledgeError {
    table: &'static str,
    why: String,
}

impl ClientKnowledge {
    /// What is compiled in.
    pub fn builtin() -> Self {
        // A test reads the six files and finds every row, so what is missing here would not have been released.
        Self {
            browsers: Browsers::parse(include_str!("../../data/browsers.toml")).unwrap_or_default(),
            tools: Tools::parse(include_str!("../../data/clients.toml")).unwrap_or_default(),
            http2: Http2::parse(include_str!("../../data/http2.toml")).unwrap_or_default(),
            stacks: Stacks::parse(include_str!("../../data/syn.toml")).unwrap_or_default(),
            habits: Habits::parse(include_str!("../../data/request-habits.toml")).unwrap_or_default(),
            clusters: Clusters::parse(include_str!("../../data/hello-clusters.toml")).unwrap_or_default(),
            forgotten: Vec::new(),
        }
    }

    /// With a table of browsers of the user's own in the place of the one compiled in; the format is that of
    /// `crates/detect/data/browsers.toml`.
    pub fn with_browsers(self, text: &str) -> Result<Self, ClientKnowledgeError> {
        let browsers = Browsers::parse(text).map_err(|why| ClientKnowledgeError { table: "browsers", why })?;
        Ok(Self { browsers, ..self })
    }

    /// The same for `crates/detect/data/clients.toml`.
    pub fn with_clients(self, text: &str) -> Result<Self, ClientKnowledgeError> {
        let tools = Tools::parse(text).map_err(|why| ClientKnowledgeError { table: "clients", why })?;
        Ok(Self { tools, ..self })
    }

    /// The same for `crates/detect/data/hello-clusters.toml`, which `cargo xtask clusters` makes.
    pub fn with_clusters(self, text: &str) -> Result<Self, ClientKnowledgeError> {
        let clusters = Clusters::parse(text).map_err(|why| ClientKnowledgeError { table: "hello clusters", why })?;
        Ok(Self { clusters, ..self })
    }

    /// As if nobody had ever captured this product of the table of interceptors.
    #[must_use]
    pub fn without_product(mut self, product: &str) -> Self {
        self.clusters.forget_product(product);
        self.http2.forget_product(product);
        self.habits.forget_product(product);
        self.forgotten.push(product.to_owned());
        self
    }

    /// As if nobody had ever recorded the version that this User-Agent names, nor the build that the table of clusters calls so.
    #[must_use]
    pub fn without_build(mut self, user_agent: &str, build: &str) -> Self {
        self.clusters.forget_build(build);
        if let Claim::Browser(browser) = read(Some(user_agent))
            && let Some(version) = browser.engine_version()
        {
            self.browsers.forget_version(browser.engine, version);
            self.http2.forget_versions(browser.engine, version, version);
        }
        self
    }
}

impl Default for ClientKnowledge {
    fn default() -> Self {
        Self::builtin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_compiled_in_is_read() {
        assert_eq!(Browsers::parse(include_str!("../../data/browsers.toml")).err(), None);
        assert_eq!(Tools::parse(include_str!("../../data/clients.toml")).err(), None);
        assert_eq!(Http2::parse(include_str!("../../data/http2.toml")).err(), None);
        assert_eq!(Stacks::parse(include_str!("../../data/syn.toml")).err(), None);
        assert_eq!(Habits::parse(include_str!("../../data/request-habits.toml")).err(), None);
        assert_eq!(Clusters::parse(include_str!("../../data/hello-clusters.toml")).err(), None);
    }

    #[test]
    fn a_table_of_ones_own_that_is_damaged_is_named() {
        let error = ClientKnowledge::builtin().with_browsers("[[rule]]").expect_err("no table");
        assert!(error.to_string().starts_with("the table of browsers cannot be read: "), "{error}");
        assert!(ClientKnowledge::builtin().with_clients("library = 1").is_err());
    }
}
