//! A Node's rules as people read them: the text, line by line, each with what made it.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use serde::Serialize;

use super::Settings;
use super::world::World;
use crate::api::Origin;
use crate::controllers::nodes;
use crate::netfilter::RuleAt;
use crate::proxy::{ConfigError, DetectLocal, Line, Mode, ProxyConfig, RuleId, RuleSet};

/// What kube-proxy wrote on one Node.
///
/// What a rule is for and what made it is worked out when it is asked for, so that ten thousand
/// Services cost no more than their text.
#[derive(Clone, Debug)]
pub struct NodeRules {
    set: RuleSet,
    rules: Vec<Line>,
    lines: Vec<RuleLine>,
    /// The index of each rule in `rules`, and in `lines`.
    by_rule: BTreeMap<RuleAt, (usize, usize)>,
    /// What made each of `rules`, once somebody asked.
    origins: OnceCell<Vec<Vec<Origin>>>,
}

/// One line of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleLine {
    /// The table that it is in.
    pub table: String,
    /// Which rule it is; `None` for a table's name, a chain or `COMMIT`.
    pub at: Option<RuleAt>,
    /// The rule's name that lasts when others come and go; `None` as for `at`.
    pub id: Option<RuleId>,
    /// The line as kube-proxy writes it.
    pub text: String,
    /// Whether it is one of the jumps that kube-proxy makes sure of one by one, which are not part
    /// of the text for iptables-restore.
    pub is_jump: bool,
}

impl NodeRules {
    fn new(set: RuleSet) -> Self {
        let rules = set.lines();
        let mut by_rule: BTreeMap<RuleAt, (usize, usize)> = rules
            .iter()
            .enumerate()
            .map(|(index, rule)| (rule.at.clone(), (index, usize::MAX)))
            .collect();
        let mut lines = Vec::new();
        let mut numbers: BTreeMap<(String, String), u32> = BTreeMap::new();
        let mut table = String::new();
        let text = set.text();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = name.to_owned();
                lines.push(RuleLine::plain(&table, line));
                // The jumps lead here, so they are read first.
                let mut jumps: Vec<&Line> = rules
                    .iter()
                    .filter(|rule| rule.at.table == table && rule.text.starts_with("-t "))
                    .collect();
                jumps.sort_by(|a, b| a.at.cmp(&b.at));
                lines.extend(jumps.into_iter().map(|jump| RuleLine {
                    table: table.clone(),
                    at: Some(jump.at.clone()),
                    id: Some(jump.id),
                    text: jump_text(jump),
                    is_jump: true,
                }));
                continue;
            }
            let chain = line
                .strip_prefix("-A ")
                .and_then(|rest| rest.split(' ').next());
            let Some(chain) = chain else {
                lines.push(RuleLine::plain(&table, line));
                continue;
            };
            let number = numbers
                .entry((table.clone(), chain.to_owned()))
                .or_default();
            *number += 1;
            let at = RuleAt::new(table.clone(), chain, *number);
            let id = by_rule.get(&at).map(|(index, _)| rules[*index].id);
            lines.push(RuleLine {
                at: Some(at),
                id,
                ..RuleLine::plain(&table, line)
            });
        }
        for (index, line) in lines.iter().enumerate() {
            if let Some(entry) = line.at.as_ref().and_then(|at| by_rule.get_mut(at)) {
                entry.1 = index;
            }
        }
        Self {
            set,
            rules,
            lines,
            by_rule,
            origins: OnceCell::new(),
        }
    }

    /// The rules as kube-proxy hands them over.
    #[must_use]
    pub fn set(&self) -> &RuleSet {
        &self.set
    }

    /// All lines: the text, with the jumps at the head of each table.
    #[must_use]
    pub fn lines(&self) -> &[RuleLine] {
        &self.lines
    }

    /// The line of a rule; `None` for one that kube-proxy did not write.
    #[must_use]
    pub fn line(&self, rule: &RuleAt) -> Option<&RuleLine> {
        let (_, line) = self.by_rule.get(rule)?;
        self.lines.get(*line)
    }

    /// What a rule is for, in a sentence or two; empty as for [`NodeRules::line`].
    #[must_use]
    pub fn explanation(&self, rule: &RuleAt) -> String {
        let rule = self.by_rule.get(rule).map(|(index, _)| &self.rules[*index]);
        rule.map(|rule| self.set.explain(rule)).unwrap_or_default()
    }

    /// The fields of manifests that made a rule; none for the cluster's own.
    #[must_use]
    pub fn origins(&self, rule: &RuleAt) -> &[Origin] {
        let all = self.origins.get_or_init(|| {
            self.rules
                .iter()
                .map(|rule| self.set.origins(rule))
                .collect()
        });
        self.by_rule
            .get(rule)
            .map_or(&[], |(index, _)| &all[*index])
    }

    /// How many rules kube-proxy wrote, without its jumps.
    #[must_use]
    pub fn count(&self) -> u32 {
        let rules = self
            .lines
            .iter()
            .filter(|line| line.at.is_some() && !line.is_jump);
        u32::try_from(rules.count()).unwrap_or(u32::MAX)
    }
}

impl RuleLine {
    fn plain(table: &str, text: &str) -> Self {
        Self {
            table: table.to_owned(),
            at: None,
            id: None,
            text: text.to_owned(),
            is_jump: false,
        }
    }
}

/// A jump as `iptables-save` would list it: `-A CHAIN …` for the call `-t TABLE -I CHAIN …`.
fn jump_text(jump: &Line) -> String {
    match jump.text.split_once(" -I ") {
        Some((_, rule)) => format!("-A {rule}"),
        None => jump.text.clone(),
    }
}

/// The settings of the kube-proxy on a Node of the lab: kubeadm's, on a Linux with a current
/// iptables.
fn config(world: &World, settings: &Settings, node: &str) -> ProxyConfig {
    let address = world
        .store
        .node("", node)
        .and_then(nodes::internal_ip)
        .map(|address| address.to_string());
    let node_ips: Vec<String> = address.into_iter().collect();
    let local_addresses = std::iter::once("127.0.0.1".to_owned())
        .chain(node_ips.iter().cloned())
        .collect();
    ProxyConfig {
        node: node.to_owned(),
        local_addresses,
        node_ips,
        cluster_cidr: settings.networks.pods.to_string(),
        detect_local: DetectLocal::ClusterCIDR,
        random_fully: true,
        ..ProxyConfig::default()
    }
}

/// What kube-proxy writes on a Node in a mode.
///
/// # Errors
///
/// Settings with which kube-proxy would not start.
pub(super) fn rule_set(
    world: &World,
    settings: &Settings,
    node: &str,
    mode: Mode,
) -> Result<RuleSet, ConfigError> {
    let config = config(world, settings, node);
    let store = world.seen_by(node);
    RuleSet::new(
        mode,
        &config,
        store.node("", node),
        store.services(),
        store.endpoint_slices(),
    )
}

/// A Node's rules, ready to be read.
///
/// # Errors
///
/// As [`rule_set`].
pub(super) fn of_node(
    world: &World,
    settings: &Settings,
    node: &str,
) -> Result<NodeRules, ConfigError> {
    Ok(NodeRules::new(rule_set(
        world,
        settings,
        node,
        Mode::Iptables,
    )?))
}
