//! A Node's rules as people read them: the text, line by line, each with what made it.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Serialize;

use super::Settings;
use super::session::Lab;
use super::world::World;
use crate::api::Origin;
use crate::controllers::nodes;
use crate::net::IpFamily;
use crate::netfilter::RuleAt;
use crate::proxy::{
    self, Choosing, ConfigError, DetectLocal, Line, Mode, ProxyConfig, RuleId, RuleSet,
};

/// What kube-proxy wrote on one Node.
///
/// What a rule is for and what made it is worked out when it is asked for, so that ten thousand
/// Services cost no more than their text.
#[derive(Clone, Debug)]
pub struct NodeRules {
    set: RuleSet,
    /// Line by line, once somebody looks: for a walk the text alone will do.
    read: OnceCell<Read>,
}

/// The rules line by line.
#[derive(Clone, Debug)]
struct Read {
    rules: Vec<Line>,
    lines: Vec<RuleLine>,
    /// The index of each rule in `rules`, and in `lines`.
    by_rule: BTreeMap<RuleAt, (usize, usize)>,
    /// What made each of `rules`, once somebody asked for that one.
    origins: Vec<OnceCell<Vec<Origin>>>,
}

/// One line of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleLine {
    /// The table that it is in; in IPVS mode also `sysctl`, `ipvs`, `ipset` and `address`, the
    /// parts that come before the tables.
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

impl Read {
    fn new(set: &RuleSet) -> Self {
        let rules = set.lines();
        let jump_count = rules.iter().filter(|rule| is_call(rule)).count();
        let (jumps, others) = rules.split_at(jump_count);
        let mut lines = Vec::new();
        let mut by_rule: BTreeMap<RuleAt, (usize, usize)> = BTreeMap::new();
        let mut others = (jump_count..).zip(others).peekable();
        let mut table = match (set.mode(), set.family()) {
            (Mode::Nftables, IpFamily::IPv4) => "ip kube-proxy",
            (Mode::Nftables, IpFamily::IPv6) => "ip6 kube-proxy",
            _ => "",
        };
        let text = proxy::dump(set);
        for line in text.lines() {
            if let Some(part) = line.strip_prefix("# ") {
                table = match part {
                    "ipvsadm" => "ipvs",
                    "kube-ipvs0" => "address",
                    part => part,
                };
            }
            if let Some(name) = line.strip_prefix('*') {
                table = name;
                lines.push(RuleLine::plain(table, line));
                // The jumps lead here, so they are read first.
                let mut own: Vec<(usize, &Line)> = (jumps.iter().enumerate())
                    .filter(|(_, jump)| jump.at.table == table)
                    .collect();
                own.sort_by(|(_, one), (_, other)| one.at.cmp(&other.at));
                for (index, jump) in own {
                    by_rule.insert(jump.at.clone(), (index, lines.len()));
                    lines.push(RuleLine {
                        at: Some(jump.at.clone()),
                        id: Some(jump.id),
                        is_jump: true,
                        ..RuleLine::plain(table, &jump_text(jump))
                    });
                }
                continue;
            }
            // The rules are in the order of the text. A bound address and its entry in a set
            // are written as less than their line says.
            let rule = others.next_if(|(_, rule)| rule.text == line);
            if let Some((index, rule)) = rule {
                by_rule.insert(rule.at.clone(), (index, lines.len()));
            }
            lines.push(RuleLine {
                at: rule.map(|(_, rule)| rule.at.clone()),
                id: rule.map(|(_, rule)| rule.id),
                ..RuleLine::plain(table, line)
            });
        }
        debug_assert!(others.next().is_none(), "a rule without its line");
        let origins = rules.iter().map(|_| OnceCell::new()).collect();
        Self {
            rules,
            lines,
            by_rule,
            origins,
        }
    }
}

impl NodeRules {
    fn new(set: RuleSet) -> Self {
        let read = OnceCell::new();
        Self { set, read }
    }

    fn read(&self) -> &Read {
        self.read.get_or_init(|| Read::new(&self.set))
    }

    /// The rules as kube-proxy hands them over.
    #[must_use]
    pub fn set(&self) -> &RuleSet {
        &self.set
    }

    /// All lines: the text, with the jumps at the head of each table.
    #[must_use]
    pub fn lines(&self) -> &[RuleLine] {
        &self.read().lines
    }

    /// The line of a rule; `None` for one that kube-proxy did not write.
    #[must_use]
    pub fn line(&self, rule: &RuleAt) -> Option<&RuleLine> {
        let (_, line) = self.read().by_rule.get(rule)?;
        self.read().lines.get(*line)
    }

    /// The index of a rule's line in [`NodeRules::lines`].
    #[must_use]
    pub fn line_index(&self, rule: &RuleAt) -> Option<usize> {
        self.read().by_rule.get(rule).map(|(_, line)| *line)
    }

    /// What a rule is for, in a sentence or two; empty as for [`NodeRules::line`].
    #[must_use]
    pub fn explanation(&self, rule: &RuleAt) -> String {
        let read = self.read();
        let rule = read.by_rule.get(rule).map(|(index, _)| &read.rules[*index]);
        rule.map(|rule| self.set.explain(rule)).unwrap_or_default()
    }

    /// The fields of manifests that made a rule; none for the cluster's own.
    #[must_use]
    pub fn origins(&self, rule: &RuleAt) -> &[Origin] {
        let read = self.read();
        let Some((index, _)) = read.by_rule.get(rule) else {
            return &[];
        };
        read.origins[*index].get_or_init(|| self.set.origins(&read.rules[*index]))
    }

    /// What a rule has to do with the choice of an endpoint; `None` for one that has nothing.
    #[must_use]
    pub fn choosing(&self, rule: &RuleAt) -> Option<Choosing> {
        let (index, _) = self.read().by_rule.get(rule)?;
        self.set.choosing(&self.read().rules[*index])
    }

    /// The rules of a rule's chain, in their order; in IPVS mode a virtual server with its real
    /// servers is one.
    pub fn chain(&self, rule: &RuleAt) -> impl Iterator<Item = &RuleAt> {
        let first = RuleAt::new(&*rule.table, &*rule.chain, 0);
        let last = RuleAt::new(&*rule.table, &*rule.chain, u32::MAX);
        self.read().by_rule.range(first..=last).map(|(at, _)| at)
    }

    /// How many rules kube-proxy wrote, with its jumps from the built-in chains. What IPVS mode keeps
    /// in IPVS and in sets is not among them.
    #[must_use]
    pub fn count(&self) -> u32 {
        let jumps = self.set.top_level().iter();
        let jumps = jumps.filter(|call| call.contains(" -I ")).count();
        u32::try_from(self.set.rule_count() + jumps).unwrap_or(u32::MAX)
    }
}

impl RuleLine {
    pub(super) fn plain(table: &str, text: &str) -> Self {
        Self {
            table: table.to_owned(),
            at: None,
            id: None,
            text: text.to_owned(),
            is_jump: false,
        }
    }
}

/// Whether a rule is one of the calls that kube-proxy makes one by one.
fn is_call(rule: &Line) -> bool {
    rule.text.starts_with("-t ")
}

/// A jump as `iptables-save` would list it: `-A CHAIN …` for the call `-t TABLE -I CHAIN …`.
fn jump_text(jump: &Line) -> String {
    match jump.text.split_once(" -I ") {
        Some((_, rule)) => format!("-A {rule}"),
        None => jump.text.clone(),
    }
}

/// The settings of the kube-proxy of one family on a Node of the lab: kubeadm's, on a Linux with a
/// current iptables.
fn config(world: &World, settings: &Settings, node: &str, family: IpFamily) -> ProxyConfig {
    let found = world.store.node("", node);
    let mut node_ips: Vec<String> = Vec::new();
    for family in [IpFamily::IPv4, IpFamily::IPv6] {
        let own = found
            .and_then(|node| nodes::internal_ips(node).find(|own| IpFamily::of(*own) == family));
        node_ips.extend(own.map(|own| own.to_string()));
    }
    // The bridge to which Pods are plugged has the first address of their ranges.
    let bridge = (found.into_iter())
        .flat_map(|node| &node.spec.pod_cidrs)
        .filter_map(|cidr| nodes::nth_address(&cidr.parse().ok()?, 1))
        .map(|address| address.to_string());
    let local_addresses = ["127.0.0.1", "::1"]
        .map(str::to_owned)
        .into_iter()
        .chain(node_ips.iter().cloned())
        .chain(bridge)
        .collect();
    let cluster_cidrs: Vec<String> = (settings.networks.pods.iter())
        .map(ToString::to_string)
        .collect();
    let own = &settings.proxy;
    let fallback = ProxyConfig::default();
    ProxyConfig {
        node: node.to_owned(),
        local_addresses,
        node_ips,
        ip_family: family,
        cluster_cidr: cluster_cidrs.join(","),
        detect_local: DetectLocal::ClusterCIDR,
        masquerade_all: own.masquerade_all,
        localhost_node_ports: own.localhost_node_ports,
        node_port_addresses: own.node_port_addresses.clone(),
        ipvs_scheduler: match own.ipvs_scheduler.as_str() {
            "" => fallback.ipvs_scheduler.clone(),
            scheduler => scheduler.to_owned(),
        },
        strict_arp: own.strict_arp,
        ..fallback
    }
}

/// What kube-proxy writes on a Node in a mode, for one family.
///
/// # Errors
///
/// Settings with which kube-proxy would not start.
pub(super) fn rule_set(
    world: &World,
    settings: &Settings,
    node: &str,
    mode: Mode,
    family: IpFamily,
) -> Result<RuleSet, ConfigError> {
    let config = config(world, settings, node, family);
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
    family: IpFamily,
) -> Result<NodeRules, ConfigError> {
    let mode = settings.proxy.mode;
    Ok(NodeRules::new(rule_set(
        world, settings, node, mode, family,
    )?))
}

impl Lab {
    /// What kube-proxy would write on a Node in a mode, whatever the mode of the lab; `None` as for
    /// [`Lab::rules`]. Made anew each time, unless it is the lab's own mode.
    #[must_use]
    pub fn rules_in(&self, node: &str, mode: Mode) -> Option<Rc<NodeRules>> {
        let written = self.rules(node)?;
        if written.set().mode() == mode {
            return Some(written);
        }
        let family = written.set().family();
        let set = rule_set(self.world(), self.settings(), node, mode, family).ok()?;
        Some(Rc::new(NodeRules::new(set)))
    }
}
