//! Nodes: an address on the Nodes' network and a range for their Pods.
//!
//! As the node IPAM controller does it (`--allocate-node-cidrs`, mask 24 for IPv4): ranges of the
//! cluster CIDR in the order in which Nodes come. What a Node says of itself is kept.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use crate::api::{Node, NodeAddress};

/// Where Nodes and Pods live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Networks {
    /// `--cluster-cidr`: all Pods.
    pub pods: Ipv4Net,
    /// The Nodes' own network.
    pub nodes: Ipv4Net,
}

impl Default for Networks {
    /// 10.244.0.0/16 as flannel and kind have it, and 192.168.10.0/24.
    fn default() -> Self {
        Self {
            pods: Ipv4Net::new_assert(Ipv4Addr::new(10, 244, 0, 0), 16),
            nodes: Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 10, 0), 24),
        }
    }
}

/// The length of the prefix of one Node's range of Pod addresses (`--node-cidr-mask-size`).
pub const NODE_CIDR_PREFIX: u8 = 24;

/// The last byte of the first Node's address; below it is room for a router and a control plane.
const FIRST_NODE: u32 = 11;

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
/// The names of Nodes for which the cluster CIDR or the Nodes' network has no room.
pub fn complete(nodes: &mut [Node], networks: &Networks) -> Result<(), Vec<String>> {
    let mut cidrs: BTreeSet<IpNet> = nodes
        .iter()
        .filter_map(|node| node.spec.pod_cidr.parse().ok())
        .collect();
    let mut addresses: BTreeSet<IpAddr> = nodes.iter().filter_map(internal_ip).collect();
    let mut full = Vec::new();
    for node in nodes {
        if node.spec.pod_cidr.is_empty() && node.spec.pod_cidrs.is_empty() {
            // The first range is the control plane's, which is not one of the lab's Nodes.
            let free = networks
                .pods
                .subnets(NODE_CIDR_PREFIX)
                .ok()
                .and_then(|mut subnets| {
                    subnets.find(|subnet| {
                        subnet.addr() != networks.pods.addr()
                            && !cidrs.contains(&IpNet::V4(*subnet))
                    })
                })
                .map(IpNet::V4);
            let Some(cidr) = free else {
                full.push(node.metadata.name.clone());
                continue;
            };
            cidrs.insert(cidr);
            node.spec.pod_cidr = cidr.to_string();
        }
        if node.spec.pod_cidrs.is_empty() {
            node.spec.pod_cidrs = vec![node.spec.pod_cidr.clone()];
        } else if node.spec.pod_cidr.is_empty() {
            node.spec.pod_cidr.clone_from(&node.spec.pod_cidrs[0]);
        }
        if internal_ip(node).is_none() {
            let base = u32::from(networks.nodes.network());
            let last = u32::from(networks.nodes.broadcast());
            let free = (base + FIRST_NODE..last)
                .map(|number| IpAddr::V4(Ipv4Addr::from(number)))
                .find(|address| !addresses.contains(address));
            let Some(address) = free else {
                full.push(node.metadata.name.clone());
                continue;
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
    fn a_full_range_is_told() {
        let mut nodes: Vec<Node> = (0..300)
            .map(|index| node(&format!("n{index}"), ""))
            .collect();
        let full = complete(&mut nodes, &Networks::default()).unwrap_err();
        assert_eq!(full.first().map(String::as_str), Some("n244"));
    }
}
