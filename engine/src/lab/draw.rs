//! The choice of an endpoint, as it was made at a hop: all candidates, and how the draw went.
//!
//! Which rules choose, and among whom, is kube-proxy's own ([`crate::proxy::Choosing`]); what was
//! drawn stands in the journey. Left out: how an IPVS scheduler weighs, which the journey's words
//! say.

use serde::Serialize;

use super::rules::NodeRules;
use super::session::Lab;
use crate::api::{Kind, ObjectRef};
use crate::netfilter::{Look, RuleAt};
use crate::network::{Hop, Location};
use crate::proxy::{Choosing, EndpointName, Mode};

/// A choice that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointChoice {
    /// The Node whose rules chose.
    pub node: String,
    /// The rule that decided.
    pub rule: RuleAt,
    /// How it decided, in the words of the journey.
    pub why: String,
    /// Whether each candidate is as likely as the others: drawn at random, and not given in turn or
    /// by what was before.
    pub is_drawn: bool,
    /// All candidates, in the order of the rules.
    pub candidates: Vec<Candidate>,
}

/// Somebody who could have been chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// `ip:port`.
    pub address: String,
    /// The Pod, where the slice names one.
    pub pod: Option<ObjectRef>,
    /// The rule that stands for it alone; `None` where one rule stands for all.
    pub rule: Option<RuleAt>,
    /// Whether it was chosen.
    pub is_chosen: bool,
    /// What was drawn at its own rule; `None` where the packet did not come so far.
    pub drawn: Option<String>,
}

impl Lab {
    /// The choices of endpoints at a hop of a journey through the rules as they are now; most hops
    /// have none.
    #[must_use]
    pub fn choices_at(&self, hop: &Hop) -> Vec<EndpointChoice> {
        let Location::Node { name: node } = &hop.at else {
            return Vec::new();
        };
        if self.own_rules(node).is_some() {
            return Vec::new();
        }
        let Some(rules) = self.rules(node) else {
            return Vec::new();
        };
        let chosen = hop.looks.iter().filter(|look| look.matched);
        chosen
            .filter_map(|look| self.choice(node, &rules, hop, look))
            .collect()
    }

    fn choice(
        &self,
        node: &str,
        rules: &NodeRules,
        hop: &Hop,
        look: &Look,
    ) -> Option<EndpointChoice> {
        let (winner, all, by_rule) = match rules.choosing(&look.at)? {
            Choosing::All(all) => (None, all, false),
            Choosing::One(winner) => (Some(winner), Vec::new(), true),
            // Its client was there before: what the chain would have chosen does not matter.
            Choosing::Again(winner) => (Some(winner.clone()), vec![winner], false),
        };
        let is_drawn = rules.set().mode() != Mode::Ipvs
            && !matches!(rules.choosing(&look.at), Some(Choosing::Again(_)));
        let named: Vec<(EndpointName, Option<RuleAt>)> = if by_rule {
            let chain = rules.chain(&look.at);
            chain
                .filter_map(|at| match rules.choosing(at)? {
                    Choosing::One(name) => Some((name, Some(at.clone()))),
                    _ => None,
                })
                .collect()
        } else {
            all.into_iter().map(|name| (name, None)).collect()
        };
        let to = hop.after.to_text();
        let candidates = named.into_iter().map(|(name, rule)| {
            let own = (hop.looks.iter()).find(|look| Some(&look.at) == rule.as_ref());
            Candidate {
                pod: self.pod_of(node, rules, &look.at, &name),
                is_chosen: match &winner {
                    Some(winner) => *winner == name,
                    None => name.address == to,
                },
                drawn: own.map(|look| look.why.clone()),
                address: name.address,
                rule,
            }
        });
        Some(EndpointChoice {
            node: node.to_owned(),
            rule: look.at.clone(),
            why: look.why.clone(),
            is_drawn,
            candidates: candidates.collect(),
        })
    }

    /// The Pod that an endpoint is, as the Node's kube-proxy knows it.
    fn pod_of(
        &self,
        node: &str,
        rules: &NodeRules,
        rule: &RuleAt,
        name: &EndpointName,
    ) -> Option<ObjectRef> {
        let service = rules.origins(rule).first()?.object.namespace.clone();
        let slice = self
            .world()
            .seen_by(node)
            .endpoint_slice(&service, &name.slice)?;
        let target = slice.endpoints.get(name.index)?.target_ref.as_ref()?;
        (target.kind == "Pod").then(|| ObjectRef::new(Kind::Pod, &*target.namespace, &*target.name))
    }
}
