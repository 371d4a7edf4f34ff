//! Many requests at once, as plain data: who answered how often, beside what the rules promise.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::journey::{Cause, Client, Request, VerdictKind};
use crate::words::Words;

/// What became of many requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// What was asked for, each time by a connection of its own.
    pub request: Request,
    /// Who sent it.
    pub client: Client,
    /// How many requests were sent.
    pub count: u32,
    /// Every way in which a request ended or could have ended, those that were answered first, by
    /// address.
    pub shares: Vec<Share>,
    /// How the rules choose.
    pub promise: Promise,
    /// Whether the counts are what the rules promise.
    pub fit: Fit,
    /// How many rules the kernels looked at, for all requests together.
    pub rules_looked_at: u64,
    /// What the model cannot say of these ways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Words>,
}

/// One way in which requests ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// How.
    pub kind: VerdictKind,
    /// By whom, if somebody answered; also when the answer got lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Answerer>,
    /// How many requests.
    pub count: u32,
    /// How many the rules promise, in thousandths of a request; `None` where they promise no
    /// number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_thousandths: Option<u64>,
    /// Why these failed, for those that did: of the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Words>,
    /// What caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answerer {
    /// The address that answered.
    pub address: IpAddr,
    /// The port; `None` for a ping.
    pub port: Option<u16>,
    /// The Pod, as `namespace/name`; `None` for a process on a Node or outside.
    pub pod: Option<String>,
}

/// How the rules choose among endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Promise {
    /// There is nothing to choose.
    Fixed,
    /// Each request is drawn by itself (`statistic`, `numgen random`).
    Drawn,
    /// One after another, on each Node by itself (IPVS `rr`, `wrr`).
    InTurn,
    /// To whom has the fewest connections (IPVS `lc`, `wlc`, `sed`, `nq`).
    Evened,
    /// By the client's address: always the same (IPVS `sh`, `mh` without ports).
    Hashed,
    /// By the client's address and port (IPVS `mh` as kube-proxy sets it): spread as the table is.
    Spread,
    /// The client stays with whom it got first (session affinity).
    Stays,
    /// There are more ways than are followed.
    Unknown,
}

/// Whether the counts are what the rules promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fit {
    /// Whether they are; `None` where that cannot be said.
    pub agrees: Option<bool>,
    /// The measure of the difference, where chance makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chi_squared: Option<ChiSquared>,
    /// The same in a sentence or two.
    pub said: Words,
}

/// Pearson's chi-squared: the squared differences, each divided by what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChiSquared {
    /// In thousandths, each part rounded to the nearest.
    pub thousandths: u64,
    /// Degrees of freedom: one less than there are ways.
    pub degrees: u32,
    /// What 999 of 1000 series by chance stay below, in thousandths.
    pub limit_thousandths: u64,
}
