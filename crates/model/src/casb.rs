//! What the `casb` check saw: the names that a host and its pages go by, which a reverse proxy has to rewrite.

use serde::{Deserialize, Serialize};

use crate::HostName;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Casb {
    /// The host's own redirects, followed as far as they stay without a sign-in.
    pub redirects: Vec<Redirect>,
    /// Names of the cookies that were set, in order.
    pub cookies: Vec<String>,
    /// Hosts that the pages link to, each once.
    pub links: Vec<HostName>,
    /// At the reflector: the links of a page whose text is known, as they were sent and as they came.
    pub rewritten: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    pub status: u16,
    /// Cut at 1 024 characters, without its query.
    pub location: String,
}
