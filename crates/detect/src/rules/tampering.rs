//! What was found on connections that somebody can have altered, kept apart from the same on whole ones: there nothing on the
//! path can have done it, so it is the far end itself or a program on this machine that stands before the network.

use model::Confidence;

use crate::rules::Sign;
use crate::text::listed_up_to;

/// Differences that a sentence names; the record has all of them.
const MOST_NAMED: usize = 4;

pub(super) struct Found {
    texts: Vec<String>,
    connections: Vec<usize>,
    confidence: Confidence,
}

impl Default for Found {
    fn default() -> Self {
        Self { texts: Vec::new(), connections: Vec::new(), confidence: Confidence::Weak }
    }
}

impl Found {
    pub(super) fn add(&mut self, text: String, connection: Option<usize>, confidence: Confidence) {
        self.confidence = self.confidence.max(confidence);
        if !self.texts.contains(&text) {
            self.texts.push(text);
        }
        self.connections.extend(connection.filter(|connection| !self.connections.contains(connection)));
    }

    fn told(&self) -> Option<String> {
        (!self.texts.is_empty()).then(|| listed_up_to(&self.texts, MOST_NAMED))
    }
}

/// At most one sign against the path, `beside` being what it is held against, and one that explains why nothing is held
/// against it.
pub(super) fn signs(altered: Found, whole: Found, beside: &str) -> Vec<Sign> {
    let mut signs = Vec::new();
    if let Some(told) = altered.told() {
        signs.push(Sign::against(altered.confidence, format!("{told}{beside}")).on(altered.connections));
    }
    if let Some(told) = whole.told() {
        let why = "the connection is whole, so this is the far end itself or a program on this machine";
        signs.push(Sign::silent(format!("{told}; {why}")).on(whole.connections));
    }
    signs
}
