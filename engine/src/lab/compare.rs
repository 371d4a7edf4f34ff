//! Two runs of a request side by side: in two modes, by two policies, from two clients, before and
//! after an edit.
//!
//! A run that is other than the lab is a run of a copy of it ([`Lab::walk_as`]): nothing is
//! remembered there and the draws begin anew, so that two runs differ by what was changed and by
//! nothing else. The two journeys are then laid beside each other ([`compare`]).

use serde::Serialize;

use super::session::Lab;
use crate::api::{Kind, ObjectRef};
use crate::cluster::{Command, Patch};
use crate::diagnostic::Span;
use crate::netfilter::Look;
use crate::network::{Change, Hop, Journey, Location, Request, RequestError};
use crate::proxy::Mode;
use crate::yaml::{Node, Value};

/// What is other in a run than in the lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variant {
    /// kube-proxy's mode.
    Mode(Mode),
    /// A traffic policy of a Service.
    Policy {
        /// The Service.
        service: ObjectRef,
        /// Which policy.
        policy: PolicyField,
        /// `Local`, or else `Cluster`.
        local: bool,
    },
    /// Who sends ([`Request::from`]).
    From(String),
}

/// A field of a Service that says where its traffic may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyField {
    /// `internalTrafficPolicy`.
    Internal,
    /// `externalTrafficPolicy`.
    External,
}

impl PolicyField {
    /// Its name in `spec`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internalTrafficPolicy",
            Self::External => "externalTrafficPolicy",
        }
    }
}

/// Why there is no such run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariantError {
    /// The API server refuses the change.
    #[error("{0}")]
    Refused(String),
    /// The request cannot be made.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl Lab {
    /// Walks a request in a copy of the lab in which something is other. The lab itself does not
    /// change.
    ///
    /// # Errors
    ///
    /// A change that the API server refuses; a request that cannot be made.
    pub fn walk_as(
        &self,
        request: &Request,
        variants: &[Variant],
    ) -> Result<Journey, VariantError> {
        let mut copy = self.clone();
        let mut request = request.clone();
        for variant in variants {
            match variant {
                Variant::Mode(mode) => {
                    let mut proxy = copy.settings().proxy.clone();
                    proxy.mode = *mode;
                    copy.set_proxy(proxy);
                }
                Variant::Policy {
                    service,
                    policy,
                    local,
                } => copy.set_policy(service, *policy, *local)?,
                Variant::From(from) => request.from.clone_from(from),
            }
        }
        Ok(copy.send(&request)?)
    }

    fn set_policy(
        &mut self,
        service: &ObjectRef,
        policy: PolicyField,
        local: bool,
    ) -> Result<(), VariantError> {
        let value = Node {
            value: Value::String(if local { "Local" } else { "Cluster" }.into()),
            span: Span::default(),
        };
        let spec = Node::map([(policy.as_str().to_owned(), value)]);
        let patch = Command::Patch {
            target: service.clone(),
            patch: Patch::Merge(Node::map([("spec".to_owned(), spec)])),
        };
        for command in [patch, Command::Settle] {
            self.execute(&command)
                .map_err(|error| VariantError::Refused(error.to_string()))?;
        }
        Ok(())
    }

    /// The Service that a request went to: the first that made a rule on its way.
    #[must_use]
    pub fn service_of(&self, journey: &Journey) -> Option<ObjectRef> {
        (journey.hops.iter())
            .flat_map(|hop| &hop.origins)
            .map(|origin| &origin.object)
            .find(|object| object.kind == Kind::Service)
            .cloned()
    }
}

/// Two journeys side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// What can be said of each journey as a whole, in fixed order.
    pub facts: Vec<Fact>,
    /// The hops beside one another.
    pub hops: Vec<HopPair>,
}

impl Comparison {
    /// How many facts and hops differ.
    #[must_use]
    pub fn differences(&self) -> usize {
        let facts = self.facts.iter().filter(|fact| fact.differs());
        facts.count() + self.hops.iter().filter(|pair| pair.differs()).count()
    }
}

/// One thing that can be said of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fact {
    /// What it is about.
    pub name: &'static str,
    /// What is so in the one and in the other.
    pub values: [String; 2],
}

impl Fact {
    /// Whether the two differ.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.values[0] != self.values[1]
    }
}

/// Two hops that stand for the same part of the way, or one that the other journey has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HopPair {
    /// The indices of the hops in their journeys.
    pub hops: [Option<usize>; 2],
    /// What differs, where there are two.
    pub differs_in: Vec<HopPart>,
}

impl HopPair {
    /// Whether the two differ, or one is missing.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.hops.contains(&None) || !self.differs_in.is_empty()
    }
}

/// A part of a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HopPart {
    /// Where it is.
    Place,
    /// What was rewritten.
    Rewriting,
    /// The source as it goes on.
    Source,
    /// The destination as it goes on.
    Destination,
    /// The rule that decided.
    Rule,
    /// How many rules were looked at.
    Looks,
}

impl HopPart {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Rewriting => "rewriting",
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Rule => "rule",
            Self::Looks => "rules looked at",
        }
    }
}

/// Lays two journeys beside each other.
#[must_use]
pub fn compare(one: &Journey, other: &Journey) -> Comparison {
    let both = [one, other];
    let fact = |name: &'static str, of: &dyn Fn(&Journey) -> String| Fact {
        name,
        values: both.map(of),
    };
    let facts = vec![
        fact("Verdict", &|journey| {
            journey.verdict.kind.as_str().to_owned()
        }),
        fact("Why", &|journey| journey.verdict.detail.cluster.text()),
        fact("Answered by", &|journey| match &journey.served {
            Some(served) => served
                .pod
                .clone()
                .unwrap_or_else(|| served.address.to_string()),
            None => "nobody".to_owned(),
        }),
        fact("The server sees the client as", &|journey| {
            let sees = journey
                .served
                .as_ref()
                .map(|served| served.sees.to_string());
            sees.unwrap_or_else(|| "–".to_owned())
        }),
        fact("Nodes on the way", &nodes),
        fact("Rewritten", &rewritings),
        fact("Hops", &|journey| journey.hops.len().to_string()),
        fact("Rules looked at", &|journey| {
            journey.rules_looked_at.to_string()
        }),
    ];
    let hops = (pairs(&one.hops, &other.hops).into_iter())
        .map(|hops| HopPair {
            differs_in: match hops {
                [Some(a), Some(b)] => differs_in(&one.hops[a], &other.hops[b]),
                _ => Vec::new(),
            },
            hops,
        })
        .collect();
    Comparison { facts, hops }
}

/// The Nodes of a way, each once for each stay.
fn nodes(journey: &Journey) -> String {
    let mut names: Vec<&str> = Vec::new();
    for hop in &journey.hops {
        if let Location::Node { name } = &hop.at
            && names.last() != Some(&name.as_str())
        {
            names.push(name);
        }
    }
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(" → ")
    }
}

fn rewritings(journey: &Journey) -> String {
    let mut said: Vec<String> = Vec::new();
    for hop in &journey.hops {
        let at = match &hop.at {
            Location::Node { name } => format!(" on {name}"),
            _ => String::new(),
        };
        for change in &hop.changes {
            let what = match change {
                Change::Dnat => "DNAT",
                Change::Snat => "SNAT",
                Change::UnDnat | Change::UnSnat => continue,
            };
            said.push(format!("{what}{at}"));
        }
    }
    if said.is_empty() {
        "nothing".to_owned()
    } else {
        said.join(", ")
    }
}

/// How well two hops go together: not at all unless they are the same step on the same way.
fn likeness(one: &Hop, other: &Hop) -> usize {
    if one.step != other.step || one.direction != other.direction {
        return 0;
    }
    2 + usize::from(one.at == other.at)
}

/// Pairs hops in their order, so that as much as can be goes together (Needleman and Wunsch 1970).
fn pairs(one: &[Hop], other: &[Hop]) -> Vec<[Option<usize>; 2]> {
    let (rows, columns) = (one.len(), other.len());
    // best[a][b]: how well the hops from a and from b on go together.
    let mut best = vec![vec![0_usize; columns + 1]; rows + 1];
    for a in (0..rows).rev() {
        for b in (0..columns).rev() {
            let likeness = likeness(&one[a], &other[b]);
            let paired = if likeness > 0 {
                likeness + best[a + 1][b + 1]
            } else {
                0
            };
            best[a][b] = paired.max(best[a + 1][b]).max(best[a][b + 1]);
        }
    }
    let (mut a, mut b) = (0, 0);
    let mut pairs = Vec::new();
    while a < rows && b < columns {
        let likeness = likeness(&one[a], &other[b]);
        if likeness > 0 && best[a][b] == likeness + best[a + 1][b + 1] {
            pairs.push([Some(a), Some(b)]);
            (a, b) = (a + 1, b + 1);
        } else if best[a][b] == best[a + 1][b] {
            pairs.push([Some(a), None]);
            a += 1;
        } else {
            pairs.push([None, Some(b)]);
            b += 1;
        }
    }
    pairs.extend((a..rows).map(|a| [Some(a), None]));
    pairs.extend((b..columns).map(|b| [None, Some(b)]));
    pairs
}

fn differs_in(one: &Hop, other: &Hop) -> Vec<HopPart> {
    let parts = [
        (HopPart::Place, one.at != other.at),
        (HopPart::Rewriting, one.changes != other.changes),
        (HopPart::Source, one.after.src != other.after.src),
        (
            HopPart::Destination,
            one.after.to_text() != other.after.to_text(),
        ),
        (HopPart::Rule, one.decided_by != other.decided_by),
        (HopPart::Looks, looked_at(one) != looked_at(other)),
    ];
    let differing = parts.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(part, _)| part).collect()
}

/// How many rules were looked at on a hop.
#[must_use]
pub fn looked_at(hop: &Hop) -> u32 {
    // A chain's policy is no rule; a virtual server has no number.
    let of = |look: &Look| match look.through {
        Some(last) => last.saturating_sub(look.at.number) + 1,
        None => u32::from(look.at.number > 0 || look.at.table == "ipvs"),
    };
    hop.looks.iter().map(of).sum()
}
