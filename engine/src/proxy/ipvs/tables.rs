//! What IPVS mode programs beside iptables, of all Services together.

use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::collections::{BTreeMap, HashMap, HashSet};
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
    /// `ipvsadm -S -n`: virtual servers in the order of their Services, each before its real ones.
    pub ipvsadm: String,
    /// `ipset save`: sets by name, each `create` line before its `add` lines.
    pub ipset: String,
    /// The addresses bound to `kube-ipvs0`, one a line.
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
        let family = settings.family;
        let ips_set = ipset::IPVS_IPS.name(family);
        // Lines that several Services have are there once. Nothing is read off a hash map's order.
        let mut seen: HashSet<&str> = HashSet::with_capacity(4 * services.len());
        let mut servers: Vec<&str> = Vec::with_capacity(services.len());
        let mut places: HashMap<&str, usize> = HashMap::with_capacity(services.len());
        let mut entries: BTreeMap<&str, String> = BTreeMap::new();
        let mut bound = String::new();
        let mut kube_ipvs0 = String::new();
        for rules in services {
            for server in blocks(rules.segment(segment::SERVERS)) {
                // Two Services may claim one address and port: there is one virtual server for
                // it, with the real servers of the one that was written last.
                match places.entry(server_key(server)) {
                    Vacant(place) => {
                        place.insert(servers.len());
                        servers.push(server);
                    }
                    Occupied(place) => servers[*place.get()] = server,
                }
            }
            for (set, line) in self::entries(rules.segment(segment::ENTRIES)) {
                if seen.insert(line) {
                    push_line(entries.entry(set).or_default(), line);
                }
            }
            for address in rules.segment(segment::ADDRESSES).lines() {
                if seen.insert(address) {
                    push_line(&mut kube_ipvs0, address);
                    bound.push_str("add ");
                    bound.push_str(&ips_set);
                    bound.push(' ');
                    push_line(&mut bound, address);
                }
            }
        }
        entries.insert(&ips_set, bound);
        let mut ipset = String::new();
        for set in ipset::sorted(family) {
            set.push_create(family, &mut ipset);
            if let Some(lines) = entries.get(set.name(family).as_str()) {
                ipset.push_str(lines);
            }
        }
        Self {
            sysctl: sysctls(settings),
            ipvsadm: servers.concat(),
            ipset,
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
