//! What a person can set about the lab's cluster.

use crate::api::allocate::Ranges;
use crate::controllers::load_balancer::Provider;
use crate::controllers::nodes::Networks;
use crate::net::IpFamily;
use crate::proxy::Mode;

/// The seed of a fresh lab.
pub const DEFAULT_SEED: u64 = 42;

/// What the world is made with, besides the manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where all draws come from.
    pub seed: u64,
    /// The Nodes of a world whose manifests name none.
    pub nodes: Vec<String>,
    /// Where Nodes and Pods live.
    /// ([`Settings::set_families`] sets networks and ranges together.)
    pub networks: Networks,
    /// Where Services get their addresses and ports.
    pub ranges: Ranges,
    /// Who builds load balancers.
    pub provider: Provider,
    /// How kube-proxy is set.
    pub proxy: ProxySettings,
    /// CoreDNS' configuration, whatever its ConfigMap says; `None` for what that says.
    pub corefile: Option<String>,
}

/// How the kube-proxy of every Node is set: fields of `KubeProxyConfiguration`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxySettings {
    /// `mode`.
    pub mode: Mode,
    /// `iptables.masqueradeAll` and its likes of the other modes.
    pub masquerade_all: bool,
    /// `iptables.localhostNodePorts`.
    pub localhost_node_ports: bool,
    /// `nodePortAddresses`.
    pub node_port_addresses: Vec<String>,
    /// `ipvs.scheduler`; empty for `rr`.
    pub ipvs_scheduler: String,
    /// `ipvs.strictARP`.
    pub strict_arp: bool,
}

/// The IP families that a cluster can have, the one whose addresses come first before the other.
pub const FAMILIES: [&[IpFamily]; 4] = [
    &[IpFamily::IPv4],
    &[IpFamily::IPv6],
    &[IpFamily::IPv4, IpFamily::IPv6],
    &[IpFamily::IPv6, IpFamily::IPv4],
];

/// IP families as the console's `lab families` takes them: `ipv4,ipv6`.
#[must_use]
pub fn families_word(families: &[IpFamily]) -> String {
    let words: Vec<String> = families.iter().map(ToString::to_string).collect();
    words.join(",").to_ascii_lowercase()
}

impl Settings {
    /// The IP families of the cluster, the one whose addresses come first before the other.
    #[must_use]
    pub fn families(&self) -> Vec<IpFamily> {
        self.networks.families()
    }

    /// Makes it a cluster of these families: one (single-stack), or two in either order
    /// (dual-stack). Nodes, Pods and Services get kubeadm's or kind's usual networks of them. Without
    /// any family nothing changes.
    pub fn set_families(&mut self, families: &[IpFamily]) {
        if families.is_empty() {
            return;
        }
        self.networks = Networks::of(families);
        self.ranges.service_cidrs = families.iter().map(|&own| Ranges::usual(own)).collect();
    }
}

impl Default for ProxySettings {
    /// kubeadm's: iptables mode, everything else as kube-proxy has it by itself.
    fn default() -> Self {
        Self {
            mode: Mode::Iptables,
            masquerade_all: false,
            localhost_node_ports: true,
            node_port_addresses: Vec::new(),
            ipvs_scheduler: String::new(),
            strict_arp: false,
        }
    }
}

impl Default for Settings {
    /// Three Nodes of a kubeadm-like cluster.
    fn default() -> Self {
        Self {
            seed: DEFAULT_SEED,
            nodes: (1..=3).map(|number| format!("node-{number}")).collect(),
            networks: Networks::default(),
            ranges: Ranges::default(),
            proxy: ProxySettings::default(),
            corefile: None,
            provider: Provider::None,
        }
    }
}
