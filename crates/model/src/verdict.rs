//! What was concluded from a record, and why. Made by `detect`, stored and shown by everybody else.

use serde::{Deserialize, Serialize};

use crate::HostName;

/// The verdict over one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    pub v: u32,
    pub hosts: Vec<HostVerdict>,
    pub workloads: Vec<WorkloadVerdict>,
    /// Evidence about the path as a whole: proxy settings, VPN routes, egress, resolver, endpoints.
    #[serde(default)]
    pub path: Vec<Evidence>,
    /// The kinds of solution on the path, the surest first.
    #[serde(default)]
    pub solutions: Vec<Solution>,
    /// What was measured, in a line each.
    #[serde(default)]
    pub measures: Vec<Measure>,
    /// By weight, heaviest first.
    pub findings: Vec<Finding>,
    pub exit: ExitCode,
}

impl Judgement {
    pub const VERSION: u32 = 1;
}

/// Ordered by weight: the worst state is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Positive proof, nothing against it.
    Intact,
    /// Neither proof nor disproof; the reason is told.
    Unknown,
    /// The service's own connection is whole, but something of it does not work on this path.
    Degraded,
    /// What was sent or received was altered.
    Manipulated,
    /// TLS ends between client and service.
    Intercepted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    Weak,
    Strong,
    Proven,
}

/// What a piece of evidence proves: design section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    A,
    B,
    C,
    D,
    E,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaning {
    /// Speaks for an intact path.
    For,
    /// Speaks against it.
    Against,
    /// Says why nothing can be said.
    Silent,
}

/// A fact that speaks for or against an intact path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The rule's name, e.g. `untrusted-chain`; its page says what it means.
    pub id: String,
    pub class: Class,
    pub leaning: Leaning,
    pub confidence: Confidence,
    /// What was seen, in one sentence.
    pub detail: String,
    /// Indices into [`HostRecord::connections`](crate::HostRecord::connections) that it was seen on; empty: the host.
    pub connections: Vec<usize>,
}

/// One product that the evidence points to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    pub product: String,
    pub vendor: String,
    /// sse, swg, firewall, proxy, av, ...; "unknown" where nothing fits.
    pub class: String,
    /// 0 to 1.
    pub confidence: f64,
    pub because: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostVerdict {
    pub host: HostName,
    pub port: u16,
    pub workload: String,
    /// The reflector is judged like a host, but is not part of the service.
    pub is_reflector: bool,
    pub state: State,
    pub confidence: Confidence,
    /// For `unknown`: why.
    pub reason: Option<String>,
    /// Some connections to this host were intercepted and others were not.
    pub partly: bool,
    pub evidence: Vec<Evidence>,
    /// Ranked; equal confidence is a tie.
    pub attribution: Vec<Attribution>,
    /// The kinds of solution that the evidence on this host speaks of.
    #[serde(default)]
    pub solutions: Vec<SolutionClass>,
    pub connections: Vec<ConnectionVerdict>,
}

/// The kinds of solution that Microsoft's article on network intermediation names; the last three are its "other network
/// and cloud services".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SolutionClass {
    /// Caches, recompresses, or ends TCP near the user.
    WanOptimisation,
    /// Sends traffic elsewhere than it was addressed to, and may decrypt it there.
    Redirection,
    /// An explicit proxy.
    Proxy,
    /// Cloud access security broker.
    Casb,
    /// Secure web gateway: decrypts, filters, blocks.
    Swg,
    /// Data leakage prevention: looks into what is sent.
    Dlp,
    Vpn,
    /// Antivirus, on this machine or on the path.
    Antivirus,
    Firewall,
}

/// One kind of solution on the path, and how that is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Solution {
    pub class: SolutionClass,
    pub confidence: Confidence,
    pub who: Vec<Attribution>,
    /// Sentences for a person, and the ids of the evidence behind them.
    pub because: Vec<String>,
    pub evidence: Vec<String>,
    /// `host:port` of the hosts concerned; empty: the path as a whole.
    pub hosts: Vec<String>,
}

/// One thing that was measured, for one line of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// "egress", "resolver", "vpn", "proxy", "media", "download", "endpoints".
    pub name: String,
    pub text: String,
    /// `Degraded` where it is out of its bounds, `Intact` where it is within, absent where it has none.
    pub state: Option<State>,
}

/// Each connection by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionVerdict {
    /// Index into [`HostRecord::connections`](crate::HostRecord::connections).
    pub connection: usize,
    pub check: String,
    pub purpose: String,
    pub state: State,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkloadVerdict {
    pub workload: String,
    pub state: State,
    pub hosts: usize,
    /// Hosts that could not be judged.
    pub unknown: usize,
    /// In a few words, for one line: "TLS decrypted by Squid", "QUIC blocked".
    pub summary: String,
}

/// Something to tell a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// A stable name for the kind of finding.
    pub id: String,
    pub state: State,
    pub confidence: Confidence,
    /// What.
    pub title: String,
    /// Who, as far as it is known; ranked.
    pub who: Vec<Attribution>,
    /// How we know.
    pub because: Vec<String>,
    /// What it breaks: features by name.
    pub breaks: Vec<String>,
    /// `host:port` of each affected host.
    pub hosts: Vec<String>,
    /// What to do.
    pub action: String,
}

/// Design section 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitCode {
    /// 0: nothing found.
    NothingFound,
    /// 10
    Interception,
    /// 11: manipulation or degradation.
    Degradation,
    /// 12
    Unreachable,
}

impl ExitCode {
    pub fn code(self) -> u8 {
        match self {
            Self::NothingFound => 0,
            Self::Interception => 10,
            Self::Degradation => 11,
            Self::Unreachable => 12,
        }
    }
}
