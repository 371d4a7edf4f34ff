//! Nodes: an address on the Nodes' network and a range for their Pods.
//!
//! As the node IPAM controller does it (`--allocate-node-cidrs`, mask 24 for IPv4 and 64 for IPv6):
//! ranges of the cluster CIDRs in the order in which Nodes come. What a Node says of itself is kept.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::api::{Node, NodeAddress};
use crate::net::IpFamily;

/// Where Nodes and Pods live: of each family one network of either, the family that comes first is
/// that of Pods' and Nodes' first addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Networks {
    /// `--cluster-cidr`: all Pods.
    pub pods: Vec<IpNet>,
    /// The Nodes' own network.
    pub nodes: Vec<IpNet>,
}

impl Default for Networks {
    /// IPv4 alone.
    fn default() -> Self {
        Self::of(&[IpFamily::IPv4])
    }
}

impl Networks {
    /// The networks of a cluster of these families, the first one's addresses first. IPv4:
    /// 10.244.0.0/16 as flannel and kind have it, and 192.168.10.0/24. IPv6: fd00:10:244::/56 as kind
    /// has it, and fd00:192:168:10::/64.
    #[must_use]
    pub fn of(families: &[IpFamily]) -> Self {
        let pods = |family: &IpFamily| match family {
            IpFamily::IPv4 => IpNet::new_assert(IpAddr::from([10, 244, 0, 0]), 16),
            IpFamily::IPv6 => {
                IpNet::new_assert(IpAddr::from([0xfd00, 0x10, 0x244, 0, 0, 0, 0, 0]), 56)
            }
        };
        let nodes = |family: &IpFamily| match family {
            IpFamily::IPv4 => IpNet::new_assert(IpAddr::from([192, 168, 10, 0]), 24),
            IpFamily::IPv6 => {
                IpNet::new_assert(IpAddr::from([0xfd00, 0x192, 0x168, 0x10, 0, 0, 0, 0]), 64)
            }
        };
        Self {
            pods: families.iter().map(pods).collect(),
            nodes: families.iter().map(nodes).collect(),
        }
    }

    /// The families, the one whose addresses come first before the other.
    #[must_use]
    pub fn families(&self) -> Vec<IpFamily> {
        self.pods
            .iter()
            .map(|net| IpFamily::of(net.addr()))
            .collect()
    }
}

/// The length of the prefix of one Node's range of Pod addresses (`--node-cidr-mask-size-ipv4` and
/// `-ipv6`).
fn node_cidr_prefix(family: IpFamily) -> u8 {
    match family {
        IpFamily::IPv4 => 24,
        IpFamily::IPv6 => 64,
    }
}

/// The last part of the first Node's address; below it is room for a router and a control plane.
const FIRST_NODE: u32 = 11;

/// The address with this number in a network; `None` behind its last one.
#[must_use]
pub fn nth_address(net: &IpNet, number: u32) -> Option<IpAddr> {
    let address = match net.network() {
        IpAddr::V4(base) => IpAddr::from(u32::from(base).checked_add(number)?.to_be_bytes()),
        IpAddr::V6(base) => IpAddr::from(
            u128::from(base)
                .checked_add(u128::from(number))?
                .to_be_bytes(),
        ),
    };
    (net.contains(&address) && address != net.broadcast()).then_some(address)
}

/// The internal address of a Node, of the family that comes first.
#[must_use]
pub fn internal_ip(node: &Node) -> Option<IpAddr> {
    node.status
        .addresses
        .iter()
        .filter(|address| address.type_ == "InternalIP")
        .find_map(|address| address.address.parse().ok())
}

/// All internal addresses of a Node.
pub fn internal_ips(node: &Node) -> impl Iterator<Item = IpAddr> {
    (node.status.addresses.iter())
        .filter(|address| address.type_ == "InternalIP")
        .filter_map(|address| address.address.parse().ok())
}

/// Completes Nodes that say nothing of their addresses. Gives those that found no room left.
///
/// # Errors
///
/// The names of Nodes for which a cluster CIDR or a network of the Nodes has no room.
pub fn complete(nodes: &mut [Node], networks: &Networks) -> Result<(), Vec<String>> {
    let mut cidrs: BTreeSet<IpNet> = (nodes.iter())
        .flat_map(|node| node.spec.pod_cidrs.iter().chain([&node.spec.pod_cidr]))
        .filter_map(|cidr| cidr.parse().ok())
        .collect();
    let mut addresses: BTreeSet<IpAddr> = nodes.iter().flat_map(internal_ips).collect();
    let mut full = Vec::new();
    'nodes: for node in nodes {
        if node.spec.pod_cidr.is_empty() && node.spec.pod_cidrs.is_empty() {
            for range in &networks.pods {
                let prefix = node_cidr_prefix(IpFamily::of(range.addr()));
                // The first range is the control plane's, which is not one of the lab's Nodes.
                let free = range.subnets(prefix).ok().and_then(|mut subnets| {
                    subnets.find(|own| own.addr() != range.addr() && !cidrs.contains(own))
                });
                let Some(cidr) = free else {
                    full.push(node.metadata.name.clone());
                    continue 'nodes;
                };
                cidrs.insert(cidr);
                node.spec.pod_cidrs.push(cidr.to_string());
            }
        }
        match (node.spec.pod_cidrs.first(), node.spec.pod_cidr.is_empty()) {
            (None, false) => node.spec.pod_cidrs = vec![node.spec.pod_cidr.clone()],
            (Some(first), true) => node.spec.pod_cidr.clone_from(first),
            _ => {}
        }
        if internal_ip(node).is_some() {
            continue;
        }
        for network in &networks.nodes {
            let free = (FIRST_NODE..)
                .map_while(|number| nth_address(network, number))
                .find(|address| !addresses.contains(address));
            let Some(address) = free else {
                full.push(node.metadata.name.clone());
                continue 'nodes;
            };
            addresses.insert(address);
            node.status.addresses.push(NodeAddress {
                type_: "InternalIP".to_owned(),
                address: address.to_string(),
            });
        }
    }
    if full.is_empty() { Ok(()) } else { Err(full) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, pod_cidr: &str) -> Node {
        let mut node = Node::default();
        node.metadata.name = name.into();
        node.spec.pod_cidr = pod_cidr.into();
        node
    }

    #[test]
    fn nodes_get_the_next_free_range_and_address_and_keep_what_they_have() {
        let mut nodes = [node("a", ""), node("b", "10.244.1.0/24"), node("c", "")];
        complete(&mut nodes, &Networks::default()).unwrap();
        let cidrs: Vec<_> = nodes
            .iter()
            .map(|node| node.spec.pod_cidr.as_str())
            .collect();
        assert_eq!(cidrs, ["10.244.2.0/24", "10.244.1.0/24", "10.244.3.0/24"]);
        let addresses: Vec<_> = nodes
            .iter()
            .map(|node| internal_ip(node).unwrap().to_string())
            .collect();
        assert_eq!(
            addresses,
            ["192.168.10.11", "192.168.10.12", "192.168.10.13"]
        );
    }

    #[test]
    fn with_two_families_a_node_has_two_of_everything() {
        let mut nodes = [node("a", "")];
        complete(&mut nodes, &Networks::of(&[IpFamily::IPv6, IpFamily::IPv4])).unwrap();
        assert_eq!(nodes[0].spec.pod_cidr, "fd00:10:244:1::/64");
        assert_eq!(
            nodes[0].spec.pod_cidrs,
            ["fd00:10:244:1::/64", "10.244.1.0/24"]
        );
        let addresses: Vec<String> = internal_ips(&nodes[0]).map(|own| own.to_string()).collect();
        assert_eq!(addresses, ["fd00:192:168:10::b", "192.168.10.11"]);
    }

    #[test]
    fn a_full_range_is_told() {
        let mut nodes: Vec<Node> = (0..300)
            .map(|index| node(&format!("n{index}"), ""))
            .collect();
        let full = complete(&mut nodes, &Networks::default()).unwrap_err();
        assert_eq!(full.first().map(String::as_str), Some("n244"));
    }
}
