//! What IPVS mode's tables hold, over all Services: what several of them claim is there once.
//! And how the tables change when Services do: as the calls that change them.
//!
//! kube-proxy talks to the kernel by netlink here, and walks through everything at each sync; the
//! calls below come to the same. Real servers that still have connections are removed at once:
//! graceful termination is a matter of time, and not modelled.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::ipset::{self, Set};
use super::{blocks, segment, server_name};
use crate::net::IpFamily;
use crate::proxy::service_rules::ServiceRules;

/// How often Services claim each entry, address and virtual server, and what was touched since the
/// last sync.
#[derive(Clone, Debug)]
pub(in crate::proxy) struct Live {
    /// By an entry's line, an address, a virtual server's name. Nothing is read off its order.
    counts: HashMap<Box<str>, u32>,
    /// How many of these are claimed more than once.
    repeated: usize,
    /// How many entries, repeated ones counted, each set has, in the order of [`ipset::named`]:
    /// whether a set is empty decides whether a rule looks into it.
    filled: [u32; ipset::COUNT],
    sets: [(String, &'static Set); ipset::COUNT],
    /// Entries and addresses that were touched, and whether they were there before.
    lines: BTreeMap<Box<str>, bool>,
    /// Virtual servers that were touched, and what they were before.
    servers: BTreeMap<Box<str>, Option<String>>,
}

impl Live {
    /// The tables of no Service.
    pub(in crate::proxy) fn empty(family: IpFamily) -> Self {
        Self {
            counts: HashMap::new(),
            repeated: 0,
            filled: [0; ipset::COUNT],
            sets: ipset::named(family),
            lines: BTreeMap::new(),
            servers: BTreeMap::new(),
        }
    }

    /// The tables of these Services.
    pub(in crate::proxy) fn new(services: &[Arc<ServiceRules>], family: IpFamily) -> Self {
        let mut live = Self::empty(family);
        // An entry, an address and a virtual server at least.
        live.counts.reserve(4 * services.len());
        for rules in services {
            live.add(rules);
        }
        live
    }

    fn add(&mut self, rules: &ServiceRules) {
        keys(rules).for_each(|key| {
            // Nearly all are claimed once: this way they are looked up once.
            if let Some(count) = self.counts.insert(key.into(), 1) {
                self.counts.insert(key.into(), count + 1);
                self.repeated += usize::from(count == 1);
            }
        });
        for (set, _) in entries(rules) {
            if let Some(place) = self.place(set) {
                self.filled[place] += 1;
            }
        }
    }

    fn remove(&mut self, rules: &ServiceRules) {
        for key in keys(rules) {
            match self.counts.get_mut(key) {
                Some(count) if *count > 1 => {
                    *count -= 1;
                    self.repeated -= usize::from(*count == 1);
                }
                _ => drop(self.counts.remove(key)),
            }
        }
        for (set, _) in entries(rules) {
            if let Some(place) = self.place(set) {
                self.filled[place] -= 1;
            }
        }
    }

    /// Where a set stands among all.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.sets.iter().position(|(known, _)| known == name)
    }

    /// All sets by their names.
    pub(super) fn sets(&self) -> &[(String, &'static Set)] {
        &self.sets
    }

    /// Whether a set holds something.
    pub(super) fn is_filled(&self, set: &Set) -> bool {
        let mut all = self.sets.iter().zip(&self.filled);
        all.any(|((_, known), count)| *known == set && *count > 0)
    }

    /// Whether anything at all is claimed more than once.
    pub(super) fn has_repeated(&self) -> bool {
        self.repeated > 0
    }

    /// How often it is claimed.
    pub(super) fn count(&self, key: &str) -> u32 {
        self.counts.get(key).copied().unwrap_or_default()
    }

    /// A Service is about to change; `services` are all of them, before.
    pub(in crate::proxy) fn change(
        &mut self,
        old: Option<&ServiceRules>,
        new: Option<&ServiceRules>,
        services: &[Arc<ServiceRules>],
    ) {
        for rules in [old, new].into_iter().flatten() {
            for line in lines(rules) {
                if !self.lines.contains_key(line) {
                    self.lines.insert(line.into(), self.count(line) > 0);
                }
            }
            for name in rules.segment(segment::NAMES).lines() {
                if !self.servers.contains_key(name) {
                    let before = winner(name, self.count(name), old.into_iter(), services);
                    self.servers.insert(name.into(), before.map(str::to_owned));
                }
            }
        }
        if let Some(old) = old {
            self.remove(old);
        }
        if let Some(new) = new {
            self.add(new);
        }
    }

    /// The calls that lead from the tables before to those of `services`, one a line. `changed` are
    /// the places of those that changed.
    pub(in crate::proxy) fn calls(
        &mut self,
        services: &[Arc<ServiceRules>],
        changed: &BTreeSet<usize>,
        family: IpFamily,
    ) -> String {
        let mut out = String::new();
        let ips_set = ipset::IPVS_IPS.name(family);
        let bits = family.bits();
        let (touched, servers) = (
            std::mem::take(&mut self.lines),
            std::mem::take(&mut self.servers),
        );
        let mut removed = String::new();
        for (line, before) in touched {
            let after = self.count(&line) > 0;
            if before == after {
                continue;
            }
            let verb = if after { "add" } else { "del" };
            let text = match line.strip_prefix("add ") {
                Some(entry) => format!("ipset {verb} {entry}\n"),
                None => format!(
                    "ip address {verb} {line}/{bits} dev kube-ipvs0\nipset {verb} {ips_set} {line}\n"
                ),
            };
            // What is new comes first, what is gone goes last.
            if after { &mut out } else { &mut removed }.push_str(&text);
        }
        for (name, before) in servers {
            let few = changed.iter().map(|&at| services[at].as_ref());
            let after = winner(&name, self.count(&name), few, services);
            change_server(&name, before.as_deref(), after, &mut out);
        }
        out.push_str(&removed);
        out
    }
}

/// The `add` lines of a Service, each with the name of its set.
pub(super) fn entries(rules: &ServiceRules) -> impl Iterator<Item = (&str, &str)> {
    rules.segment(segment::ENTRIES).lines().filter_map(|line| {
        let (set, _) = line.strip_prefix("add ")?.split_once(' ')?;
        Some((set, line))
    })
}

/// The entries and addresses of a Service.
fn lines(rules: &ServiceRules) -> impl Iterator<Item = &str> {
    let entries = rules.segment(segment::ENTRIES).lines();
    entries.chain(rules.segment(segment::ADDRESSES).lines())
}

/// Everything of a Service that is counted.
fn keys(rules: &ServiceRules) -> impl Iterator<Item = &str> {
    lines(rules).chain(rules.segment(segment::NAMES).lines())
}

/// The virtual server of this name: of several Services that claim it the last one has it.
///
/// If `few` of the Services are all that claim it, the others need not be asked.
fn winner<'a>(
    name: &str,
    count: u32,
    few: impl Iterator<Item = &'a ServiceRules>,
    all: &'a [Arc<ServiceRules>],
) -> Option<&'a str> {
    let claims = |rules: &'a ServiceRules| {
        let servers = blocks(rules.segment(segment::SERVERS));
        servers.filter(|server| server_name(server) == name)
    };
    let found: Vec<&str> = few.flat_map(claims).collect();
    if found.len() == count as usize {
        return found.last().copied();
    }
    all.iter().rev().find_map(|rules| claims(rules).last())
}

fn change_server(name: &str, before: Option<&str>, after: Option<&str>, out: &mut String) {
    let head =
        |server: Option<&'_ str>| server.and_then(|text| text.lines().next().map(str::to_owned));
    let real = |server: Option<&str>| -> BTreeSet<String> {
        let lines = server.into_iter().flat_map(str::lines).skip(1);
        lines.map(str::to_owned).collect()
    };
    let mut call = |arguments: &str| {
        out.push_str("ipvsadm ");
        out.push_str(arguments);
        out.push('\n');
    };
    match (head(before), head(after)) {
        (_, None) => {
            if before.is_some() {
                call(&format!("-D {name}"));
            }
            return;
        }
        (None, Some(new)) => call(&new),
        (Some(old), Some(new)) if old != new => call(&new.replacen("-A", "-E", 1)),
        _ => {}
    }
    let (old, new) = (real(before), real(after));
    for added in new.difference(&old) {
        call(added);
    }
    for gone in old.difference(&new) {
        let gone = gone.replacen("-a", "-d", 1);
        call(gone.trim_end_matches(" -m -w 1"));
    }
}
