//! How IPVS mode's tables change when Services do: as the calls that change them.
//!
//! kube-proxy talks to the kernel by netlink here, and walks through everything at each sync; the
//! calls below come to the same. Real servers that still have connections are removed at once:
//! graceful termination is a matter of time, and not modelled.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::{blocks, segment, server_key};
use crate::net::IpFamily;
use crate::proxy::service_rules::ServiceRules;

/// How many Services each entry, address and virtual server is of, and what was touched since the
/// last sync.
#[derive(Clone, Debug, Default)]
pub(in crate::proxy) struct Live {
    counts: HashMap<Box<str>, u32>,
    /// Entries and addresses, and whether they were there before.
    lines: BTreeMap<Box<str>, bool>,
    /// Virtual servers, and their lines before.
    servers: BTreeMap<Box<str>, Option<String>>,
}

impl Live {
    /// The tables of these Services.
    pub(in crate::proxy) fn new(services: &[Arc<ServiceRules>]) -> Self {
        let mut live = Self::default();
        // An entry, an address and a virtual server at least.
        live.counts.reserve(3 * services.len());
        for rules in services {
            for key in keys(rules) {
                live.count(key, 1);
            }
        }
        live
    }

    fn count(&mut self, key: &str, by: i32) {
        match self.counts.get_mut(key) {
            Some(count) => *count = count.saturating_add_signed(by),
            None => drop(self.counts.insert(key.into(), by.max(0).cast_unsigned())),
        }
    }

    /// How many Services have it.
    fn have(&self, key: &str) -> u32 {
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
                    self.lines.insert(line.into(), self.have(line) > 0);
                }
            }
            for server in blocks(rules.segment(segment::SERVERS)) {
                let key = server_key(server);
                if !self.servers.contains_key(key) {
                    let before = winner(key, self.have(key), old.into_iter(), services);
                    self.servers.insert(key.into(), before.map(str::to_owned));
                }
            }
        }
        for (rules, by) in [(old, -1), (new, 1)] {
            for key in rules.into_iter().flat_map(keys) {
                self.count(key, by);
            }
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
        let ips_set = super::ipset::IPVS_IPS.name(family);
        let bits = family.bits();
        let (touched, servers) = (
            std::mem::take(&mut self.lines),
            std::mem::take(&mut self.servers),
        );
        let mut removed = String::new();
        for (line, before) in touched {
            let after = self.have(&line) > 0;
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
        for (key, before) in servers {
            let few = changed.iter().map(|&at| services[at].as_ref());
            let after = winner(&key, self.have(&key), few, services);
            change_server(&key, before.as_deref(), after, &mut out);
        }
        out.push_str(&removed);
        out
    }
}

/// The entries and addresses of a Service.
fn lines(rules: &ServiceRules) -> impl Iterator<Item = &str> {
    [segment::ENTRIES, segment::ADDRESSES]
        .into_iter()
        .flat_map(|segment| rules.segment(segment).lines())
}

/// Everything of a Service that is counted.
fn keys(rules: &ServiceRules) -> impl Iterator<Item = &str> {
    let servers = blocks(rules.segment(segment::SERVERS)).map(server_key);
    lines(rules).chain(servers)
}

/// The virtual server of this name: of several Services that claim it the last one has it.
///
/// If `few` of the Services are all that claim it, the others need not be asked.
fn winner<'a>(
    key: &str,
    count: u32,
    few: impl Iterator<Item = &'a ServiceRules>,
    all: &'a [Arc<ServiceRules>],
) -> Option<&'a str> {
    let claims = |rules: &'a ServiceRules| {
        let servers = blocks(rules.segment(segment::SERVERS));
        servers.filter(|server| server_key(server) == key)
    };
    let found: Vec<&str> = few.flat_map(claims).collect();
    if found.len() == count as usize {
        return found.last().copied();
    }
    all.iter().rev().find_map(|rules| claims(rules).last())
}

fn change_server(key: &str, before: Option<&str>, after: Option<&str>, out: &mut String) {
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
                call(&format!("-D {key}"));
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
