//! What an observation means: the line that `truepath classify` writes for each that it reads.

use serde::{Deserialize, Serialize};

use crate::{Attribution, Class, Confidence, State};

/// The verdict over one observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    pub state: State,
    pub confidence: Confidence,
    /// For `unknown`: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Ranked; equal confidence is a tie.
    #[serde(default)]
    pub attribution: Vec<Attribution>,
    #[serde(default)]
    pub evidence: Vec<Sign>,
}

/// One piece of evidence, for or against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sign {
    /// The rule's name: `ua-hello-mismatch`.
    pub id: String,
    pub class: Class,
    /// What was seen, in one sentence.
    pub detail: String,
}

/// A line of output: the verdict and where it belongs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassifiedLine {
    /// From 1.
    pub line: u64,
    #[serde(flatten)]
    pub classification: Classification,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ja4: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ja3: Option<String>,
    /// What of the line could not be read, and was not judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}
