//! kube-proxy's settings, as far as they change a rule.
//!
//! The keys are those of `KubeProxyConfiguration` (k8s.io/kube-proxy `config/v1alpha1/types.go`)
//! where it has them, flattened; the rest (`localAddresses`, `randomFully`, …) are facts of the
//! machine that kube-proxy would have looked up itself.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::address::{Cidr, parse_ip};
use super::node_ports::NodePortAddresses;
use crate::api::Node;
use crate::net::IpFamily;

/// Which kind of rules kube-proxy writes: `--proxy-mode`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// iptables, the default on Linux.
    #[default]
    Iptables,
    /// IPVS, with ipsets and a few iptables rules.
    Ipvs,
    /// nftables, alpha in [`crate::KUBERNETES_VERSION`].
    Nftables,
}

impl Mode {
    /// All of them.
    pub const ALL: [Mode; 3] = [Mode::Iptables, Mode::Ipvs, Mode::Nftables];

    /// As `--proxy-mode` says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Iptables => "iptables",
            Self::Ipvs => "ipvs",
            Self::Nftables => "nftables",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a proxy mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown proxy mode {0:?}: one of iptables, ipvs, nftables")]
pub struct UnknownMode(pub String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

/// How kube-proxy tells the traffic of Pods from that of others: `detectLocalMode`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum DetectLocal {
    /// Its source is in `clusterCIDR`.
    #[default]
    ClusterCIDR,
    /// Its source is in one of the Node's `podCIDRs`: Pods of other Nodes do not count.
    NodeCIDR,
    /// It came in by `bridgeInterface`.
    BridgeInterface,
    /// It came in by an interface whose name begins with `interfaceNamePrefix`.
    InterfaceNamePrefix,
    /// Not at all.
    #[serde(rename = "none")]
    None,
}

/// The settings of one kube-proxy on one Node, for one IP family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ProxyConfig {
    /// The Node that it runs on.
    pub node: String,
    /// The Node's addresses, at most one a family. Without one of the family kube-proxy takes the
    /// loopback address.
    #[serde(rename = "nodeIPs")]
    pub node_ips: Vec<String>,
    /// Which of the two single-family proxiers is meant.
    pub ip_family: IpFamily,
    /// One CIDR, or two with a comma. Without one of the family `ClusterCIDR` detects nothing.
    #[serde(rename = "clusterCIDR")]
    pub cluster_cidr: String,
    /// How Pod traffic is told apart.
    pub detect_local: DetectLocal,
    /// For [`DetectLocal::BridgeInterface`].
    pub bridge_interface: String,
    /// For [`DetectLocal::InterfaceNamePrefix`].
    pub interface_name_prefix: String,
    /// Whether everything that goes to a cluster IP is masqueraded.
    pub masquerade_all: bool,
    /// The bit of the packet mark that asks for masquerading, 0 to 31.
    pub masquerade_bit: u8,
    /// Whether node ports answer on 127.0.0.1 (iptables mode, IPv4).
    pub localhost_node_ports: bool,
    /// CIDRs of the Node's addresses that accept node ports. Empty: all of them in iptables and
    /// IPVS mode, the Node's primary one in nftables mode.
    pub node_port_addresses: Vec<String>,
    /// The addresses on the Node's interfaces without `kube-ipvs0`, with or without prefix length.
    pub local_addresses: Vec<String>,
    /// IPVS' scheduler.
    pub ipvs_scheduler: String,
    /// Whether the Node answers ARP only for addresses of the interface that was asked (IPVS mode).
    #[serde(rename = "strictARP")]
    pub strict_arp: bool,
    /// Whether the installed iptables knows `--random-fully` (1.6.2 and later).
    pub random_fully: bool,
    /// Whether the sysctl `net.netfilter.nf_conntrack_tcp_be_liberal` is set (iptables mode).
    #[serde(rename = "conntrackTCPBeLiberal")]
    pub conntrack_tcp_be_liberal: bool,
    /// The known ServiceCIDRs (nftables mode).
    #[serde(rename = "serviceCIDRs")]
    pub service_cidrs: Vec<String>,
    /// Gates that differ from their defaults.
    pub feature_gates: BTreeMap<String, bool>,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            node: String::new(),
            node_ips: Vec::new(),
            ip_family: IpFamily::IPv4,
            cluster_cidr: String::new(),
            detect_local: DetectLocal::ClusterCIDR,
            bridge_interface: String::new(),
            interface_name_prefix: String::new(),
            masquerade_all: false,
            masquerade_bit: 14,
            localhost_node_ports: true,
            node_port_addresses: Vec::new(),
            local_addresses: Vec::new(),
            ipvs_scheduler: "rr".to_owned(),
            strict_arp: false,
            random_fully: true,
            conntrack_tcp_be_liberal: false,
            service_cidrs: Vec::new(),
            feature_gates: BTreeMap::new(),
        }
    }
}

/// A setting with which kube-proxy would not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A CIDR that is none.
    #[error("{key}: {value:?} is not a CIDR")]
    Cidr {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// An address that is none.
    #[error("{key}: {value:?} is not an IP address")]
    Address {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// The mark has 32 bits.
    #[error("masqueradeBit: {0} is not within 0 to 31")]
    MasqueradeBit(u8),
    /// The chosen way to detect Pod traffic needs a setting that is empty.
    #[error("{key} is needed by detectLocal: {mode:?}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What needs it.
        mode: DetectLocal,
    },
}

/// How Pod traffic is matched, once the settings are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Detector {
    /// By source.
    Source(Cidr),
    /// By the interface it came in by.
    Interface(String),
    /// By the beginning of that interface's name.
    InterfacePrefix(String),
}

/// The settings once read: everything that the renderers ask for, for one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub node: String,
    pub family: IpFamily,
    pub node_ip: IpAddr,
    pub detector: Option<Detector>,
    pub masquerade_all: bool,
    /// Eight hex digits: `0x00004000`.
    pub mark: String,
    pub localhost_node_ports: bool,
    pub node_ports: NodePortAddresses,
    /// The family's addresses on the Node's interfaces, in their order, each once.
    pub local_addresses: Vec<IpAddr>,
    pub ipvs_scheduler: String,
    pub strict_arp: bool,
    pub random_fully: bool,
    pub conntrack_liberal: bool,
    pub service_cidrs: Vec<String>,
    /// The Node's zone, where topology hints are heeded at all.
    pub zone: Option<String>,
    /// Whether the Service's annotation decides about hints (v1.30's default) or hints alone do.
    pub hints_need_annotation: bool,
    /// Whether `ipMode: Proxy` keeps an address out of the rules.
    pub heed_ip_mode: bool,
}

/// The label of a Node that names its zone.
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

impl Settings {
    /// Reads the settings as `mode`'s proxier would at its start.
    ///
    /// `node` is the Node it runs on; without one there is no zone and no `podCIDRs`.
    pub(super) fn new(
        config: &ProxyConfig,
        mode: Mode,
        node: Option<&Node>,
    ) -> Result<Self, ConfigError> {
        if config.masquerade_bit > 31 {
            return Err(ConfigError::MasqueradeBit(config.masquerade_bit));
        }
        let family = config.ip_family;
        let node_ips = addresses("nodeIPs", &config.node_ips)?;
        let node_ip = node_ips
            .into_iter()
            .find(|ip| IpFamily::of(*ip) == family)
            .unwrap_or(match family {
                IpFamily::IPv4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpFamily::IPv6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
            });
        let mut local_addresses = Vec::new();
        for ip in addresses("localAddresses", &config.local_addresses)? {
            if IpFamily::of(ip) == family && !local_addresses.contains(&ip) {
                local_addresses.push(ip);
            }
        }
        // nftables mode was made later and starts from less: the primary address only.
        let primary = (mode == Mode::Nftables).then_some(node_ip);
        let node_ports = NodePortAddresses::new(family, &config.node_port_addresses, primary)?;
        let gate =
            |name: &str, default: bool| config.feature_gates.get(name).copied().unwrap_or(default);
        let zone = node
            .and_then(|node| node.metadata.labels.get(ZONE_LABEL))
            .filter(|zone| !zone.is_empty() && gate("TopologyAwareHints", true))
            .cloned();
        let mut service_cidrs = Vec::new();
        for text in &config.service_cidrs {
            let cidr = cidr("serviceCIDRs", text)?;
            if cidr.family() == family {
                service_cidrs.push(text.trim().to_owned());
            }
        }
        Ok(Self {
            node: config.node.clone(),
            family,
            node_ip,
            detector: detector(config, node)?,
            masquerade_all: config.masquerade_all,
            mark: format!("{:#010x}", 1u32 << config.masquerade_bit),
            localhost_node_ports: config.localhost_node_ports
                && node_ports.contains_ipv4_loopback(),
            node_ports,
            local_addresses,
            ipvs_scheduler: config.ipvs_scheduler.clone(),
            strict_arp: config.strict_arp,
            random_fully: config.random_fully,
            conntrack_liberal: config.conntrack_tcp_be_liberal,
            service_cidrs,
            zone,
            hints_need_annotation: !gate("ServiceTrafficDistribution", false),
            heed_ip_mode: gate("LoadBalancerIPMode", true),
        })
    }
}

fn cidr(key: &'static str, text: &str) -> Result<Cidr, ConfigError> {
    Cidr::parse(text.trim()).ok_or_else(|| ConfigError::Cidr {
        key,
        value: text.to_owned(),
    })
}

/// Addresses with or without a prefix length.
fn addresses(key: &'static str, texts: &[String]) -> Result<Vec<IpAddr>, ConfigError> {
    texts
        .iter()
        .map(|text| {
            let bare = text.split_once('/').map_or(text.as_str(), |(ip, _)| ip);
            parse_ip(bare).ok_or_else(|| ConfigError::Address {
                key,
                value: text.clone(),
            })
        })
        .collect()
}

/// `getLocalDetector` of `cmd/kube-proxy/app/server_linux.go`: without a CIDR of the family the
/// detector does nothing, and so do the rules that need it.
fn detector(config: &ProxyConfig, node: Option<&Node>) -> Result<Option<Detector>, ConfigError> {
    let of_family = |key, texts: &mut dyn Iterator<Item = &str>| {
        for text in texts {
            let cidr = cidr(key, text)?;
            if cidr.family() == config.ip_family {
                return Ok(Some(Detector::Source(cidr)));
            }
        }
        Ok(None)
    };
    let named = |key, name: &str| {
        if name.is_empty() {
            Err(ConfigError::Missing {
                key,
                mode: config.detect_local,
            })
        } else {
            Ok(name.to_owned())
        }
    };
    match config.detect_local {
        DetectLocal::ClusterCIDR => of_family(
            "clusterCIDR",
            &mut config
                .cluster_cidr
                .split(',')
                .filter(|text| !text.trim().is_empty()),
        ),
        DetectLocal::NodeCIDR => of_family(
            "podCIDRs",
            &mut node
                .into_iter()
                .flat_map(|node| node.spec.pod_cidrs.iter())
                .map(String::as_str),
        ),
        DetectLocal::BridgeInterface => named("bridgeInterface", &config.bridge_interface)
            .map(|name| Some(Detector::Interface(name))),
        DetectLocal::InterfaceNamePrefix => {
            named("interfaceNamePrefix", &config.interface_name_prefix)
                .map(|name| Some(Detector::InterfacePrefix(name)))
        }
        DetectLocal::None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_round_trip_and_others_are_errors() {
        for mode in Mode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert_eq!(
            "userspace".parse::<Mode>(),
            Err(UnknownMode("userspace".into()))
        );
    }

    #[test]
    fn defaults_are_those_of_kube_proxy() {
        let settings = Settings::new(&ProxyConfig::default(), Mode::Iptables, None).unwrap();
        assert_eq!(settings.mark, "0x00004000");
        assert_eq!(settings.node_ip, IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert_eq!(settings.detector, None);
        assert!(settings.localhost_node_ports);
    }

    #[test]
    fn settings_that_stop_kube_proxy_are_errors_with_their_key() {
        let bad = |change: fn(&mut ProxyConfig)| {
            let mut config = ProxyConfig::default();
            change(&mut config);
            Settings::new(&config, Mode::Iptables, None)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            bad(|c| c.cluster_cidr = "10.244.0.0".into()),
            "clusterCIDR: \"10.244.0.0\" is not a CIDR"
        );
        assert_eq!(
            bad(|c| c.masquerade_bit = 32),
            "masqueradeBit: 32 is not within 0 to 31"
        );
        assert_eq!(
            bad(|c| c.detect_local = DetectLocal::BridgeInterface),
            "bridgeInterface is needed by detectLocal: BridgeInterface"
        );
        assert_eq!(
            bad(|c| c.local_addresses = vec!["eth0".into()]),
            "localAddresses: \"eth0\" is not an IP address"
        );
        assert_eq!(
            bad(|c| c.node_port_addresses = vec!["10.0.0.0/33".into()]),
            "nodePortAddresses: \"10.0.0.0/33\" is not a CIDR"
        );
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        assert!(serde_json::from_str::<ProxyConfig>(r#"{"masqeradeAll":true}"#).is_err());
    }

    #[test]
    fn the_cidr_of_the_family_is_taken_and_masked() {
        let config = ProxyConfig {
            cluster_cidr: "10.244.1.7/16, fd00:244::1/48".into(),
            ip_family: IpFamily::IPv6,
            ..ProxyConfig::default()
        };
        let settings = Settings::new(&config, Mode::Iptables, None).unwrap();
        assert_eq!(
            settings.detector,
            Some(Detector::Source(Cidr::parse("fd00:244::/48").unwrap()))
        );
    }
}
