//! How a rule is named, and what an evaluation says of each rule that it looked at.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which rule of a host: table, chain and the number that `iptables -L --line-numbers` gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleAt {
    /// `nat`, `filter`, …
    pub table: String,
    /// The chain.
    pub chain: String,
    /// From 1. 0 is the chain's policy.
    pub number: u32,
}

impl RuleAt {
    /// A rule's name.
    #[must_use]
    pub fn new(table: impl Into<String>, chain: impl Into<String>, number: u32) -> Self {
        Self {
            table: table.into(),
            chain: chain.into(),
            number,
        }
    }
}

/// `nat KUBE-SERVICES 3`.
impl fmt::Display for RuleAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.table, self.chain, self.number)
    }
}

/// One rule that an evaluation looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// Which rule.
    pub at: RuleAt,
    /// Whether the packet matched it.
    pub matched: bool,
    /// Why it matched, or the first match that failed, in a few words.
    pub why: String,
    /// If this stands for a run of rules of the chain that all failed: the last one's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<u32>,
}
