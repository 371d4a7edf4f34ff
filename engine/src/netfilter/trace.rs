//! What an evaluation says of itself.

use serde::{Deserialize, Serialize};

use super::ipvs::Scheduler;
use super::{Look, RuleAt};

/// A draw that decided about a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Draw {
    /// `-m statistic --mode random`. Both numbers are fractions of 2^31.
    Random {
        /// Whose draw.
        at: RuleAt,
        /// What was drawn.
        drawn: u32,
        /// The probability; the rule matches when less was drawn.
        threshold: u32,
    },
    /// `numgen random`: one of so many.
    Choice {
        /// Whose draw.
        at: RuleAt,
        /// What was drawn, from 0.
        chosen: u32,
        /// Of how many.
        of: u32,
    },
    /// A real server found by IPVS. Nothing is drawn: its schedulers count or hash.
    Scheduled {
        /// The real server; its chain is the virtual server.
        at: RuleAt,
        /// How.
        scheduler: Scheduler,
        /// Among how many real servers.
        of: u32,
        /// Whether the client was sent there before (persistence).
        persistent: bool,
    },
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
    /// How many rules were looked at; a virtual server that was found counts as one, and so does
    /// its real server.
    #[must_use]
    pub fn rules_looked_at(&self) -> u32 {
        let counts = |look: &&Look| look.at.number > 0 || look.at.table == "ipvs";
        let rules = self.looks.iter().filter(counts).count();
        u32::try_from(rules).unwrap_or(u32::MAX)
    }
}
