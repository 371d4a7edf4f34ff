//! What a Node is programmed with: iptables rules, nftables rules, virtual servers, ipsets.

use std::net::IpAddr;
use std::sync::Arc;

use super::Network;
use crate::net::IpFamily;
use crate::netfilter::ipset::Sets;
use crate::netfilter::iptables::{Before, RuleError, SourceText, Tables, Trouble};
use crate::netfilter::ipvs::Servers;
use crate::netfilter::{Host, nft};

/// One Node's rules as kube-proxy hands them over, for one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeRules {
    /// Calls of `iptables` that come first; each is made sure of, as kube-proxy does.
    pub calls: Vec<String>,
    /// Text for `iptables-restore --noflush`, or what `iptables-save` printed.
    pub restore: String,
}

impl NodeRules {
    /// The tables that a Node has with these rules, and what of the text is no rule.
    #[must_use]
    pub fn tables(&self, family: IpFamily) -> (Tables, Vec<(SourceText, RuleError)>) {
        let mut tables = Tables::new(family);
        let mut errors = Vec::new();
        for (number, call) in (1..).zip(&self.calls) {
            if let Err(error) = tables.ensure(call, number) {
                errors.push((SourceText::Call, error));
            }
        }
        let restored = tables.restore(&self.restore, Before::Keep);
        errors.extend(
            restored
                .into_iter()
                .map(|error| (SourceText::Restore, error)),
        );
        (tables, errors)
    }
}

/// What IPVS mode programs on one Node beside its iptables rules, for one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeIpvs {
    /// Virtual and real servers, as `ipvsadm -S -n` prints them.
    pub servers: String,
    /// ipsets, as `ipset save` prints them.
    pub sets: String,
    /// The addresses that are bound to [`IPVS_DEVICE`], one a line.
    pub addresses: String,
}

/// Which of the texts of [`NodeIpvs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpvsText {
    /// Virtual and real servers.
    Servers,
    /// ipsets.
    Sets,
    /// Bound addresses.
    Addresses,
}

/// The device to which IPVS mode binds the addresses of virtual servers.
pub const IPVS_DEVICE: &str = "kube-ipvs0";

impl Network {
    /// Gives a Node its rules of one family; those that it had are gone. Without a Node of that
    /// name nothing happens.
    pub fn set_rules(
        &mut self,
        node: &str,
        family: IpFamily,
        rules: &NodeRules,
    ) -> Vec<(SourceText, RuleError)> {
        let (tables, errors) = rules.tables(family);
        self.set_tables(node, tables);
        errors
    }

    /// Gives a Node what `iptables-save`, or for IPv6 `ip6tables-save`, printed somewhere, in the
    /// place of its iptables rules of that family. Without a Node of that name nothing happens.
    pub fn set_saved(&mut self, node: &str, family: IpFamily, text: &str) -> Vec<RuleError> {
        let mut tables = Tables::new(family);
        let errors = tables.restore(text, Before::Flush);
        self.set_tables(node, tables);
        errors
    }

    /// Gives a Node its nftables rules of one family, as commands for `nft -f`; those that it had
    /// are gone. They stand beside iptables' rules, as on a real host. Without a Node of that name
    /// nothing happens.
    pub fn set_nft(&mut self, node: &str, family: IpFamily, text: &str) -> Vec<RuleError> {
        let mut rules = nft::Ruleset::new(family);
        let errors = rules.read(text);
        self.set_nft_rules(node, rules);
        errors
    }

    /// Gives a Node nftables rules that were read already, as [`Network::set_nft`] does.
    pub fn set_nft_rules(&mut self, node: &str, rules: impl Into<Arc<nft::Ruleset>>) {
        let rules = rules.into();
        if let Some(host) = self.host_of(node) {
            match rules.family() {
                IpFamily::IPv4 => host.nft_v4 = Some(rules),
                IpFamily::IPv6 => host.nft_v6 = Some(rules),
            }
        }
    }

    /// Gives a Node virtual servers and bound addresses of one family, and sets; servers, addresses
    /// and sets of the same names that it had are gone. Its iptables rules come by
    /// [`Network::set_rules`]. Without a Node of that name nothing happens.
    pub fn set_ipvs(
        &mut self,
        node: &str,
        family: IpFamily,
        ipvs: &NodeIpvs,
    ) -> Vec<(IpvsText, RuleError)> {
        let (servers, server_errors) = Servers::read(&ipvs.servers);
        let mut sets = Sets::default();
        let set_errors = sets.read(&ipvs.sets);
        let mut addresses = Vec::new();
        let mut errors = Vec::new();
        for (line, text) in (1..).zip(ipvs.addresses.lines()) {
            match text.trim().parse::<IpAddr>() {
                Ok(address) if IpFamily::of(address) == family => addresses.push(address),
                _ => errors.push(RuleError {
                    line,
                    trouble: Trouble::UnknownLine(text.to_owned()),
                }),
            }
        }
        if let Some(host) = self.host_of(node) {
            let servers = Some(Arc::new(servers));
            match family {
                IpFamily::IPv4 => host.ipvs_v4 = servers,
                IpFamily::IPv6 => host.ipvs_v6 = servers,
            }
            Arc::make_mut(&mut host.sets).replace(sets);
            host.routing.bind(IPVS_DEVICE, family, &addresses);
        }
        let of = |text| move |error| (text, error);
        (server_errors.into_iter().map(of(IpvsText::Servers)))
            .chain(set_errors.into_iter().map(of(IpvsText::Sets)))
            .chain(errors.into_iter().map(of(IpvsText::Addresses)))
            .collect()
    }

    /// Gives a Node its ipsets, as `ipset save` prints them; those that it had are gone. Without a
    /// Node of that name nothing happens.
    pub fn set_ipsets(&mut self, node: &str, text: &str) -> Vec<RuleError> {
        let mut sets = Sets::default();
        let errors = sets.read(text);
        if let Some(host) = self.host_of(node) {
            host.sets = Arc::new(sets);
        }
        errors
    }

    /// Takes all rules away from a Node, of all kinds and families.
    pub fn clear_rules(&mut self, node: &str) {
        if let Some(host) = self.host_of(node) {
            (host.rules_v4, host.rules_v6) = (None, None);
            (host.nft_v4, host.nft_v6) = (None, None);
            (host.ipvs_v4, host.ipvs_v6) = (None, None);
            host.sets = Arc::default();
            for family in [IpFamily::IPv4, IpFamily::IPv6] {
                host.routing.bind(IPVS_DEVICE, family, &[]);
            }
        }
    }

    /// Gives a Node tables that were read already, and may be shared.
    pub fn set_tables(&mut self, node: &str, tables: impl Into<Arc<Tables>>) {
        let tables = tables.into();
        if let Some(host) = self.host_of(node) {
            match tables.family() {
                IpFamily::IPv4 => host.rules_v4 = Some(tables),
                IpFamily::IPv6 => host.rules_v6 = Some(tables),
            }
        }
    }

    fn host_of(&mut self, node: &str) -> Option<&mut Host> {
        let index = self.node(node)?;
        Some(&mut self.machines[index].host)
    }
}
