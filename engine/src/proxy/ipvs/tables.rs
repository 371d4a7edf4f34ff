//! What IPVS mode programs beside iptables, of all Services together.

use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::ipset;
use super::live::{Live, entries};
use super::{blocks, segment, server_name};
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

impl Tables {
    /// The tables of these Services; `live` counts what they claim.
    pub(in crate::proxy) fn new(
        settings: &Settings,
        services: &[Arc<ServiceRules>],
        live: &Live,
    ) -> Self {
        let family = settings.family;
        let mut once = Once::new(live);
        let mut sets: [String; ipset::COUNT] = Default::default();
        let mut kube_ipvs0 = String::new();
        for rules in services {
            for (set, line) in entries(rules) {
                if let Some(place) = live.place(set)
                    && once.is_first(line)
                {
                    push_line(&mut sets[place], line);
                }
            }
            for address in rules.segment(segment::ADDRESSES).lines() {
                if once.is_first(address) {
                    push_line(&mut kube_ipvs0, address);
                }
            }
        }
        let mut ipset = String::new();
        for ((name, set), lines) in live.sets().iter().zip(sets) {
            set.push_create(family, &mut ipset);
            ipset.push_str(&lines);
            if *set == &ipset::IPVS_IPS {
                for address in kube_ipvs0.lines() {
                    ipset.push_str("add ");
                    ipset.push_str(name);
                    ipset.push(' ');
                    push_line(&mut ipset, address);
                }
            }
        }
        Self {
            sysctl: sysctls(settings),
            ipvsadm: servers(services, live),
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

/// Tells what comes for the first time: lines that several Services have are there once.
struct Once<'a> {
    live: &'a Live,
    seen: HashSet<&'a str>,
}

impl<'a> Once<'a> {
    fn new(live: &'a Live) -> Self {
        Self {
            live,
            seen: HashSet::new(),
        }
    }

    fn is_first(&mut self, key: &'a str) -> bool {
        let repeated = self.live.has_repeated() && self.live.count(key) > 1;
        !repeated || self.seen.insert(key)
    }
}

/// The virtual servers, each with its real ones.
///
/// Two Services may claim one address and port: there is one virtual server for it, with the real
/// servers of the one that was written last.
fn servers(services: &[Arc<ServiceRules>], live: &Live) -> String {
    let mut pieces: Vec<&str> = Vec::with_capacity(services.len());
    let mut places: HashMap<&str, usize> = HashMap::new();
    for rules in services {
        let text = rules.segment(segment::SERVERS);
        let repeated = |name| live.count(name) > 1;
        if !live.has_repeated() || !rules.segment(segment::NAMES).lines().any(repeated) {
            pieces.push(text);
            continue;
        }
        for server in blocks(text) {
            match places.entry(server_name(server)) {
                Vacant(place) => {
                    place.insert(pieces.len());
                    pieces.push(server);
                }
                Occupied(place) => pieces[*place.get()] = server,
            }
        }
    }
    pieces.concat()
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
