//! The kubelet and the CNI plugin: a Pod on a Node gets an address and runs.
//!
//! Addresses as the host-local IPAM plugin gives them: `.1` is the bridge, then the next free one.
//! What a Pod's status says already (in a dump of a real cluster) is kept as the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::nodes::internal_ip;
use crate::api::{Node, Pod, PodCondition, PodIp};

/// Whether a Pod passes its readiness probe.
#[must_use]
pub fn is_ready(pod: &Pod) -> bool {
    pod.status
        .conditions
        .iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Says of a Pod whether it passes its readiness probe.
pub fn set_ready(pod: &mut Pod, ready: bool) {
    let status = if ready { "True" } else { "False" };
    match pod
        .status
        .conditions
        .iter_mut()
        .find(|condition| condition.type_ == "Ready")
    {
        Some(condition) => condition.status = status.to_owned(),
        None => pod.status.conditions.push(PodCondition {
            type_: "Ready".to_owned(),
            status: status.to_owned(),
            ..PodCondition::default()
        }),
    }
}

/// Starts every scheduled Pod that has no status yet. The others stay as they are; a Pod without a
/// Node becomes pending.
pub fn start(pods: &mut [Pod], nodes: &[Node]) {
    let mut taken: BTreeSet<IpAddr> = pods
        .iter()
        .filter_map(|pod| pod.status.pod_ip.parse().ok())
        .collect();
    // Where to look on: host-local goes on from the last address that it gave.
    let mut next: BTreeMap<&str, u64> = BTreeMap::new();
    for pod in pods {
        if !pod.status.pod_ip.is_empty() || !pod.status.phase.is_empty() {
            if pod.status.pod_ips.is_empty() && !pod.status.pod_ip.is_empty() {
                pod.status.pod_ips = vec![PodIp {
                    ip: pod.status.pod_ip.clone(),
                }];
            }
            continue;
        }
        let node = nodes
            .iter()
            .find(|node| node.metadata.name == pod.spec.node_name);
        let Some(node) = node else {
            pod.status.phase = "Pending".to_owned();
            continue;
        };
        let host = internal_ip(node);
        let address = if pod.spec.host_network {
            host
        } else {
            let next = next.entry(&node.metadata.name).or_insert(2);
            let free = node.spec.pod_cidr.parse().ok().and_then(|cidr| {
                let mut candidates = (*next..).map_while(|offset| address_at(&cidr, offset));
                candidates.find(|address| !taken.contains(address))
            });
            if free.is_some() {
                *next += 1;
            }
            free
        };
        let Some(address) = address else {
            pod.status.phase = "Pending".to_owned();
            continue;
        };
        if !pod.spec.host_network {
            taken.insert(address);
        }
        pod.status.phase = "Running".to_owned();
        pod.status.host_ip = host.map(|host| host.to_string()).unwrap_or_default();
        pod.status.pod_ip = address.to_string();
        pod.status.pod_ips = vec![PodIp {
            ip: address.to_string(),
        }];
        if !pod
            .status
            .conditions
            .iter()
            .any(|condition| condition.type_ == "Ready")
        {
            set_ready(pod, true);
        }
    }
}

/// The address at an offset of a range, without its last one.
fn address_at(cidr: &IpNet, offset: u64) -> Option<IpAddr> {
    match cidr {
        IpNet::V4(cidr) => {
            let number = u32::from(cidr.network()).checked_add(u32::try_from(offset).ok()?)?;
            (number < u32::from(cidr.broadcast())).then(|| IpAddr::V4(number.into()))
        }
        IpNet::V6(cidr) => {
            let number = u128::from(cidr.network()).checked_add(u128::from(offset))?;
            (number < u128::from(cidr.broadcast())).then(|| IpAddr::V6(number.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::nodes::{Networks, complete};

    fn node(name: &str) -> Node {
        let mut nodes = [Node::default()];
        nodes[0].metadata.name = name.into();
        complete(&mut nodes, &Networks::default()).unwrap();
        nodes[0].clone()
    }

    fn pod_on(node: &str) -> Pod {
        let mut pod = Pod::default();
        pod.spec.node_name = node.into();
        pod
    }

    #[test]
    fn pods_get_the_next_address_and_run_ready() {
        let mut pods = [pod_on("a"), pod_on("a")];
        start(&mut pods, &[node("a")]);
        assert_eq!(pods[0].status.pod_ip, "10.244.1.2");
        assert_eq!(pods[1].status.pod_ip, "10.244.1.3");
        assert_eq!(pods[0].status.phase, "Running");
        assert!(is_ready(&pods[0]));
    }

    #[test]
    fn what_a_status_says_is_kept_and_its_address_not_given_again() {
        let mut known = pod_on("a");
        known.status.pod_ip = "10.244.1.2".into();
        known.status.phase = "Running".into();
        set_ready(&mut known, false);
        let mut pods = [pod_on("a"), known];
        start(&mut pods, &[node("a")]);
        assert_eq!(pods[0].status.pod_ip, "10.244.1.3");
        assert_eq!(pods[1].status.pod_ip, "10.244.1.2");
        assert!(!is_ready(&pods[1]));
    }

    #[test]
    fn a_host_network_pod_has_its_nodes_address() {
        let mut pods = [pod_on("a")];
        pods[0].spec.host_network = true;
        start(&mut pods, &[node("a")]);
        assert_eq!(pods[0].status.pod_ip, "192.168.10.11");
    }

    #[test]
    fn without_a_node_or_a_free_address_a_pod_is_pending() {
        let mut small = node("a");
        small.spec.pod_cidr = "10.244.1.0/30".into();
        let mut pods = [pod_on("a"), pod_on("a"), Pod::default()];
        start(&mut pods, &[small]);
        let phases: Vec<_> = pods.iter().map(|pod| pod.status.phase.as_str()).collect();
        assert_eq!(phases, ["Running", "Pending", "Pending"]);
    }
}
