//! How a rule is named, and what an evaluation says of each rule that it looked at.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of a table or chain, shared by whoever names one of its rules: a connection carries the
/// rules that translated it, and a copy of a name costs no more than a count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(Arc<str>);

impl Name {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self(Arc::from(text))
    }
}

impl From<&String> for Name {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Name> for Name {
    fn from(name: &Name) -> Self {
        name.clone()
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which rule of a host: table, chain and the number that `iptables -L --line-numbers` gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleAt {
    /// `nat`, `filter`, …
    pub table: Name,
    /// The chain.
    pub chain: Name,
    /// From 1. 0 is the chain's policy.
    pub number: u32,
}

impl RuleAt {
    /// A rule's name.
    #[must_use]
    pub fn new(table: impl Into<Name>, chain: impl Into<Name>, number: u32) -> Self {
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
