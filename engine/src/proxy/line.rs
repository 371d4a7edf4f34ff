//! The rules of a rule set one by one, each with its place, a name that lasts, and what it is.
//!
//! Nothing of this is kept beside the text: what a rule is comes from writing it again.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::config::Mode;
use super::frame::Part;
use super::ipvs;
use super::kind::Kind;
use super::out::Mark;
use super::rule_set::RuleSet;
use super::service_rules::{Renderer, ServiceRules};
use crate::api::Origin;
use crate::net::IpFamily;
use crate::netfilter::{Name, RuleAt};

/// Names a rule by what it says and where, not by its number: it keeps its name when others come
/// and go. Of rules that say the same in one chain, each has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RuleId(u64);

/// Sixteen hex digits.
impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<RuleId> for String {
    fn from(id: RuleId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for RuleId {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

impl RuleId {
    /// FNV-1a of table, chain and text.
    fn new(at: &RuleAt, text: &str, repetition: u32) -> Self {
        const PRIME: u64 = 0x0100_0000_01b3;
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        for part in [at.table.as_bytes(), at.chain.as_bytes(), text.as_bytes()] {
            for byte in part.iter().chain(&[0xff]) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
            }
        }
        Self((hash ^ u64::from(repetition)).wrapping_mul(PRIME))
    }
}

/// One rule: also an element of a set or map, a server, an address, a sysctl.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Where it is.
    ///
    /// | what | table | chain | number |
    /// | --- | --- | --- | --- |
    /// | iptables rule | `nat`, `filter` | its chain | from 1 |
    /// | nftables rule | `ip kube-proxy` | its chain | from 1 |
    /// | nftables element | `ip kube-proxy` | its set or map | from 1 |
    /// | virtual server | `ipvs` | `TCP 10.96.0.1:443` | 0 |
    /// | real server | `ipvs` | its virtual server | from 1 |
    /// | ipset entry | `ipset` | its set | from 1 |
    /// | bound address | `address` | `kube-ipvs0` | from 1 |
    /// | sysctl | `sysctl` | its name | 1 |
    pub at: RuleAt,
    /// Its name.
    pub id: RuleId,
    /// What kube-proxy writes: a line of the text, or the call of a tool.
    pub text: String,
    #[serde(skip)]
    pub(super) source: Source,
}

impl Line {
    /// Whether it is the cluster's own: no Service made it. It may be there because of some, as
    /// the rules of IPVS mode are that look into a set which is not empty.
    #[must_use]
    pub fn is_clusters_own(&self) -> bool {
        self.source.service.is_none()
    }
}

/// What wrote a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Index into the rule set's Services; `None` for the cluster's own.
    pub service: Option<usize>,
    pub port: u32,
    pub kind: Kind,
}

/// A rule with all that can be said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Where it is; see [`Line::at`].
    pub at: RuleAt,
    /// Its name.
    pub id: RuleId,
    /// What kube-proxy writes.
    pub text: String,
    /// The fields of objects that made it; none for the cluster's own.
    pub origins: Vec<Origin>,
    /// What it does, in one or two sentences.
    pub explanation: String,
}

impl RuleSet {
    /// All rules, in the order in which they are written: first the top-level calls, in IPVS mode
    /// then the tables, then the text.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Lines::new(false);
        lines.top_level(self.top_level());
        if let Some(tables) = self.ipvs() {
            lines.tables(self, tables);
        }
        lines.text(self);
        lines.list
    }

    /// What declares the tables, chains, sets and maps, in the order in which it is written: first
    /// the ipsets of IPVS mode, then lines of the text. Each has the number 0 in its chain or set.
    ///
    /// They can be described like rules.
    #[must_use]
    pub fn declarations(&self) -> Vec<Line> {
        let mut lines = Lines::new(true);
        if let Some(tables) = self.ipvs() {
            lines.ipsets(tables);
        }
        lines.text(self);
        lines.list
    }

    /// A rule with all that can be said of it.
    #[must_use]
    pub fn describe(&self, line: &Line) -> Rule {
        Rule {
            at: line.at.clone(),
            id: line.id,
            text: line.text.clone(),
            origins: self.origins(line),
            explanation: self.explain(line),
        }
    }
}

struct Lines {
    /// Whether declarations are gathered, and not rules.
    declarations: bool,
    list: Vec<Line>,
    /// How many rules a chain, by table and name, has.
    counts: BTreeMap<(Name, Name), u32>,
    /// How often the same was said in one chain.
    repetitions: BTreeMap<RuleId, u32>,
}

impl Lines {
    fn new(declarations: bool) -> Self {
        Self {
            declarations,
            list: Vec::new(),
            counts: BTreeMap::new(),
            repetitions: BTreeMap::new(),
        }
    }

    fn push(&mut self, table: &str, chain: &str, text: &str, source: Source) {
        let (table, chain) = match self.list.last() {
            // A chain's rules mostly follow one another, and share its name.
            Some(Line { at, .. }) if at.table == table && at.chain == chain => {
                (at.table.clone(), at.chain.clone())
            }
            Some(Line { at, .. }) if at.table == table => (at.table.clone(), Name::from(chain)),
            _ => (Name::from(table), Name::from(chain)),
        };
        let key = (table.clone(), chain.clone());
        let count = self.counts.entry(key).or_default();
        *count += 1;
        let at = RuleAt::new(table, chain, *count);
        self.push_at(at, text, source);
    }

    fn push_at(&mut self, at: RuleAt, text: &str, source: Source) {
        let first = RuleId::new(&at, text, 0);
        let repetition = self.repetitions.entry(first).or_default();
        let id = RuleId::new(&at, text, *repetition);
        *repetition += 1;
        self.list.push(Line {
            at,
            id,
            text: text.to_owned(),
            source,
        });
    }

    /// Each call puts its rule at the head of its chain, so the last one stands first.
    fn top_level(&mut self, calls: &[&str]) {
        let inserts = |call: &&str| {
            let (table, rest) = call.strip_prefix("-t ")?.split_once(" -I ")?;
            let (chain, _) = rest.split_once(' ')?;
            Some((table.to_owned(), chain.to_owned()))
        };
        for (number, call) in calls.iter().enumerate() {
            let Some((table, chain)) = inserts(call) else {
                continue;
            };
            let same = |other: &&&str| inserts(other) == Some((table.clone(), chain.clone()));
            let later = calls[number + 1..].iter().filter(same).count() as u32;
            let source = Source {
                service: None,
                port: 0,
                kind: Kind::TopLevelJump(number as u8),
            };
            let (table, chain) = (Name::from(table), Name::from(chain));
            self.push_at(RuleAt::new(&table, &chain, later + 1), call, source);
            *self.counts.entry((table, chain)).or_default() += 1;
        }
    }

    fn text(&mut self, rules: &RuleSet) {
        let mut renderer = Renderer::new(rules.mode, &rules.settings, rules.large);
        let nft_table = match rules.settings.family {
            IpFamily::IPv4 => "ip kube-proxy",
            IpFamily::IPv6 => "ip6 kube-proxy",
        };
        let mut table = match rules.mode {
            Mode::Nftables => nft_table.to_owned(),
            _ => String::new(),
        };
        let frame = &rules.frame;
        let mut marks = frame.marks.iter().peekable();
        for part in &frame.parts {
            match part {
                Part::Fixed(range) => {
                    let mut start = range.start;
                    for line in frame.text[range.clone()].split_inclusive('\n') {
                        if let Some(name) = line.strip_prefix('*') {
                            name.trim_end().clone_into(&mut table);
                        }
                        if let Some(mark) = marks.next_if(|mark| mark.start as usize == start) {
                            self.rule(&table, line.trim_end(), None, *mark);
                        }
                        start += line.len();
                    }
                }
                Part::Services(segments) => {
                    for (number, service) in rules.services.iter().enumerate() {
                        for segment in segments.clone() {
                            for (mark, line) in marked(&mut renderer, segment, service) {
                                self.rule(&table, line, Some(number), mark);
                            }
                        }
                    }
                }
            }
        }
    }

    fn rule(&mut self, table: &str, line: &str, service: Option<usize>, mark: Mark) {
        if mark.kind.is_declaration() != self.declarations {
            return;
        }
        if self.declarations {
            let at = RuleAt::new(table, declared(line), 0);
            return self.push_at(at, line, source(service, mark));
        }
        // `-A CHAIN …`, or `add rule ip kube-proxy CHAIN …`.
        let nth = if line.starts_with("-A ") { 1 } else { 4 };
        let chain = line.split(' ').nth(nth).unwrap_or_default();
        self.push(table, chain, line, source(service, mark));
    }

    fn ipsets(&mut self, tables: &ipvs::Tables) {
        for line in tables.ipset.lines() {
            if let Some(rest) = line.strip_prefix("create ") {
                let set = rest.split(' ').next().unwrap_or_default();
                let source = Source {
                    service: None,
                    port: 0,
                    kind: Kind::Declared,
                };
                self.push_at(RuleAt::new("ipset", set, 0), line, source);
            }
        }
    }

    fn tables(&mut self, rules: &RuleSet, tables: &ipvs::Tables) {
        for line in tables.sysctl.lines() {
            let name = line.split('=').next().unwrap_or_default();
            let source = Source {
                service: None,
                port: 0,
                kind: Kind::Sysctl,
            };
            self.push("sysctl", name, line, source);
        }
        let mut renderer = Renderer::new(rules.mode, &rules.settings, rules.large);
        let mut written: BTreeMap<(usize, &str), Source> = BTreeMap::new();
        for (number, service) in rules.services.iter().enumerate() {
            for segment in [
                ipvs::segment::SERVERS,
                ipvs::segment::ENTRIES,
                ipvs::segment::ADDRESSES,
            ] {
                for (mark, line) in marked(&mut renderer, segment, service) {
                    // Of two Services that claim one virtual server the later one has it.
                    written.insert((segment, line), source(Some(number), mark));
                }
            }
        }
        let of = |segment, line| written.get(&(segment, line)).copied();
        let mut server = RuleAt::new("ipvs", "", 0);
        for line in tables.ipvsadm.lines() {
            if line.starts_with("-A ") {
                server = RuleAt::new("ipvs", server_name(line), 0);
            } else {
                server.number += 1;
            }
            if let Some(source) = of(ipvs::segment::SERVERS, line) {
                self.push_at(server.clone(), line, source);
            }
        }
        for line in tables.ipset.lines().filter(|line| line.starts_with("add ")) {
            let mut words = line.split(' ').skip(1);
            let set = words.next().unwrap_or_default();
            let bound = || of(ipvs::segment::ADDRESSES, words.next().unwrap_or_default());
            if let Some(source) = of(ipvs::segment::ENTRIES, line).or_else(bound) {
                self.push("ipset", set, line, source);
            }
        }
        for line in tables.kube_ipvs0.lines() {
            if let Some(source) = of(ipvs::segment::ADDRESSES, line) {
                self.push("address", "kube-ipvs0", line, source);
            }
        }
    }
}

fn source(service: Option<usize>, mark: Mark) -> Source {
    Source {
        service,
        port: mark.port,
        kind: mark.kind,
    }
}

/// The name that `:CHAIN - [0:0]`, or `add chain ip kube-proxy CHAIN …`, declares; none for a table.
fn declared(line: &str) -> &str {
    match line.strip_prefix(':') {
        Some(rest) => rest.split(' ').next().unwrap_or_default(),
        None if line.starts_with("add table ") => "",
        None => line.split(' ').nth(4).unwrap_or_default(),
    }
}

/// The rules of one segment, with their lines.
fn marked<'a>(
    renderer: &mut Renderer<'_>,
    segment: usize,
    rules: &'a ServiceRules,
) -> impl Iterator<Item = (Mark, &'a str)> {
    let text = rules.segment(segment);
    let marks = renderer.marks(segment, rules);
    marks.into_iter().filter_map(move |mark| {
        let line = text.get(mark.start as usize..)?.lines().next()?;
        Some((mark, line))
    })
}

/// `TCP 10.96.0.1:443` for `-A -t 10.96.0.1:443 …`.
fn server_name(line: &str) -> String {
    let mut words = line.split(' ').skip(1);
    let protocol = match words.next() {
        Some("-t") => "TCP",
        Some("-u") => "UDP",
        _ => "SCTP",
    };
    format!("{protocol} {}", words.next().unwrap_or_default())
}
