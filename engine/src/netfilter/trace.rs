//! What an evaluation says of itself.

use serde::{Deserialize, Serialize};

use super::{Look, RuleAt};

/// A draw of `-m statistic --mode random`. Both numbers are fractions of 2^31.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draw {
    /// Whose draw.
    pub at: RuleAt,
    /// What was drawn.
    pub drawn: u32,
    /// The probability; the rule matches when less was drawn.
    pub threshold: u32,
}

impl Draw {
    /// Whether less was drawn than the threshold.
    #[must_use]
    pub fn matched(&self) -> bool {
        self.drawn < self.threshold
    }
}

/// A rule on which the evaluation depends, and which it cannot judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Doubt {
    /// The rule.
    pub at: RuleAt,
    /// What is not modelled in it.
    pub what: String,
}

/// Everything that the rules of one host said of one packet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// Every rule that was looked at, in order. A built-in chain's policy is there, as number 0,
    /// when it decided against the packet; it is no rule and does not count as one.
    pub looks: Vec<Look>,
    /// Every draw, in order.
    pub draws: Vec<Draw>,
    /// Rules that decided something here and are not modelled.
    pub doubts: Vec<Doubt>,
}

impl Trace {
    /// How many rules were looked at.
    #[must_use]
    pub fn rules_looked_at(&self) -> u32 {
        let rules = self.looks.iter().filter(|look| look.at.number > 0).count();
        u32::try_from(rules).unwrap_or(u32::MAX)
    }
}
