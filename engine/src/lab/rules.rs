//! A Node's rules as people read them: the text, line by line, each with what made it.

use std::collections::BTreeMap;

use super::Settings;
use super::world::World;
use crate::api::Origin;
use crate::controllers::nodes;
use crate::netfilter::RuleAt;
use crate::proxy::{ConfigError, DetectLocal, Mode, ProxyConfig, RuleSet};

/// What kube-proxy wrote on one Node.
#[derive(Clone, Debug)]
pub struct NodeRules {
    set: RuleSet,
    lines: Vec<RuleLine>,
    by_rule: BTreeMap<RuleAt, usize>,
}

/// One line of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLine {
    /// The table that it is in.
    pub table: String,
    /// Which rule it is; `None` for a table's name, a chain or `COMMIT`.
    pub at: Option<RuleAt>,
    /// The line as kube-proxy writes it.
    pub text: String,
    /// Whether it is one of the jumps that kube-proxy makes sure of one by one, which are not part
    /// of the text for iptables-restore.
    pub is_jump: bool,
    /// What it is for, in one sentence; empty where there is nothing to say.
    pub explanation: String,
    /// The fields of manifests that made it.
    pub origins: Vec<Origin>,
}

impl NodeRules {
    fn new(set: RuleSet) -> Self {
        let mut lines = Vec::new();
        let mut numbers: BTreeMap<(String, String), u32> = BTreeMap::new();
        let mut table = String::new();
        // Each `-I` goes to the head of its chain, so the last call is the first rule.
        let jumps: Vec<(&str, &str, &str)> = set
            .top_level()
            .iter()
            .rev()
            .filter_map(|call| {
                let rest = call.strip_prefix("-t ")?;
                let (table, rest) = rest.split_once(" -I ")?;
                let (chain, rule) = rest.split_once(' ')?;
                Some((table, chain, rule))
            })
            .collect();
        let text = set.text();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = name.to_owned();
                lines.push(RuleLine::plain(&table, line));
                for (_, chain, rule) in jumps.iter().filter(|(of, _, _)| *of == table) {
                    let at = next(&mut numbers, &table, chain);
                    lines.push(RuleLine {
                        at: Some(at),
                        is_jump: true,
                        ..RuleLine::plain(&table, &format!("-A {chain} {rule}"))
                    });
                }
                continue;
            }
            let chain = line
                .strip_prefix("-A ")
                .and_then(|rest| rest.split(' ').next());
            let at = chain.map(|chain| next(&mut numbers, &table, chain));
            lines.push(RuleLine {
                at,
                ..RuleLine::plain(&table, line)
            });
        }
        let by_rule = lines
            .iter()
            .enumerate()
            .filter_map(|(index, line)| Some((line.at.clone()?, index)))
            .collect();
        Self {
            set,
            lines,
            by_rule,
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

    /// The line of a rule.
    #[must_use]
    pub fn line(&self, rule: &RuleAt) -> Option<&RuleLine> {
        self.by_rule.get(rule).map(|index| &self.lines[*index])
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
            text: text.to_owned(),
            is_jump: false,
            explanation: String::new(),
            origins: Vec::new(),
        }
    }
}

fn next(numbers: &mut BTreeMap<(String, String), u32>, table: &str, chain: &str) -> RuleAt {
    let number = numbers
        .entry((table.to_owned(), chain.to_owned()))
        .or_default();
    *number += 1;
    RuleAt::new(table, chain, *number)
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
    let store = &world.store;
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
