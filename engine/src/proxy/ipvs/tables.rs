//! What IPVS mode programs beside iptables, of all Services together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ipset::{self, Set};
use super::{blocks, segment, server_key};
use crate::net::IpFamily;
use crate::proxy::config::Settings;
use crate::proxy::service_rules::ServiceRules;

/// What IPVS mode programs beside iptables, each part as the tool that shows it prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// `name=value`, one a line, sorted.
    pub sysctl: String,
    /// `ipvsadm -S -n`: virtual servers by protocol and address, each before its real servers.
    pub ipvsadm: String,
    /// `ipset save`: sets by name, each `create` line before its `add` lines, sorted.
    pub ipset: String,
    /// The addresses bound to `kube-ipvs0`, one a line, sorted.
    pub kube_ipvs0: String,
}

/// How many entries, repeated ones counted, the sets have: whether a set is empty decides
/// whether a rule looks into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::proxy) struct FilledSets(BTreeMap<String, usize>);

impl FilledSets {
    /// Counts the entries of all Services.
    pub(in crate::proxy) fn new(services: &[Arc<ServiceRules>]) -> Self {
        let mut filled = Self::default();
        for rules in services {
            filled.add(rules);
        }
        filled
    }

    /// A Service came.
    pub(in crate::proxy) fn add(&mut self, rules: &ServiceRules) {
        for (set, _) in entries(rules.segment(segment::ENTRIES)) {
            match self.0.get_mut(set) {
                Some(count) => *count += 1,
                None => drop(self.0.insert(set.to_owned(), 1)),
            }
        }
    }

    /// A Service went.
    pub(in crate::proxy) fn remove(&mut self, rules: &ServiceRules) {
        for (set, _) in entries(rules.segment(segment::ENTRIES)) {
            if let Some(count) = self.0.get_mut(set) {
                *count -= 1;
            }
        }
    }

    pub(super) fn is_filled(&self, set: &Set, family: IpFamily) -> bool {
        self.0
            .get(&set.name(family))
            .is_some_and(|count| *count > 0)
    }
}

/// The `add` lines of a text, each with the name of its set.
fn entries(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let (set, _) = line.strip_prefix("add ")?.split_once(' ')?;
        Some((set, line))
    })
}

impl Tables {
    pub(in crate::proxy) fn new(settings: &Settings, services: &[Arc<ServiceRules>]) -> Self {
        let part = |segment| services.iter().map(move |rules| rules.segment(segment));
        let mut servers = BTreeMap::new();
        for text in part(segment::SERVERS) {
            for server in blocks(text) {
                // Two Services may claim one address and port: there is one virtual server for
                // it, with the real servers of the one that was written last.
                servers.insert(server_key(server), server);
            }
        }
        let addresses: BTreeSet<&str> = part(segment::ADDRESSES).flat_map(str::lines).collect();
        let mut entries: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (set, line) in part(segment::ENTRIES).flat_map(self::entries) {
            entries.entry(set).or_default().push(line);
        }
        let ips_set = ipset::IPVS_IPS.name(settings.family);
        let bound: Vec<String> = addresses
            .iter()
            .map(|ip| format!("add {ips_set} {ip}"))
            .collect();
        entries.insert(&ips_set, bound.iter().map(String::as_str).collect());
        let mut text = String::new();
        for set in ipset::sorted(settings.family) {
            set.push_create(settings.family, &mut text);
            if let Some(lines) = entries.get_mut(set.name(settings.family).as_str()) {
                lines.sort_unstable();
                lines.dedup();
                for line in lines {
                    push_line(&mut text, line);
                }
            }
        }
        let mut kube_ipvs0 = String::new();
        for address in &addresses {
            push_line(&mut kube_ipvs0, address);
        }
        Self {
            sysctl: sysctls(settings),
            ipvsadm: servers.into_values().collect(),
            ipset: text,
            kube_ipvs0,
        }
    }

    /// Appends the four parts, each below its heading.
    pub(in crate::proxy) fn write(&self, out: &mut String) {
        for (heading, text) in [
            ("# sysctl\n", &self.sysctl),
            ("# ipvsadm\n", &self.ipvsadm),
            ("# ipset\n", &self.ipset),
            ("# kube-ipvs0\n", &self.kube_ipvs0),
        ] {
            out.push_str(heading);
            out.push_str(text);
        }
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// What is set at start, on a machine where all of these were 0.
fn sysctls(settings: &Settings) -> String {
    let mut text = String::new();
    if settings.strict_arp {
        text.push_str("net/ipv4/conf/all/arp_announce=2\nnet/ipv4/conf/all/arp_ignore=1\n");
    }
    text.push_str("net/ipv4/ip_forward=1\nnet/ipv4/vs/conntrack=1\n");
    text.push_str("net/ipv4/vs/expire_nodest_conn=1\nnet/ipv4/vs/expire_quiescent_template=1\n");
    text
}
