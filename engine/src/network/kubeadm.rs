//! The network of a kubeadm cluster, from its objects.
//!
//! Nodes stand on one LAN at their InternalIPs: the smallest network that holds them all, and a
//! /24 (/64) at least, since a Node object does not tell its prefix. Each has a bridge `cni0` that owns the first
//! address of its podCIDR, and routes to the other Nodes' podCIDRs (as kindnet and host-gw
//! flannel make them). The LAN's router is its first address, and sends podCIDRs to their Nodes.
//! A laptop is on the LAN, somebody on the internet is behind the router.
//!
//! Who listens: `containerPort` is information only, and a process may listen on other ports. Until
//! a person says otherwise, a Pod listens on the ports that its containers declare, and one that
//! declares none listens on every port. A Pod in the Node's own network listens on what it
//! declares, and a kubelet on 10250 of every Node.

use std::net::IpAddr;

use ipnet::IpNet;

use super::plan::{
    Listens, Owner, Plan, PlanNode, PlanOutside, PlanPod, PlanRoute, PlanRouter, PodLink, Serves,
    Socket,
};
use crate::api;
use crate::controllers::nodes::internal_ips;
use crate::net::{IpFamily, Protocol};

/// The bridge to which Pods are plugged.
pub const BRIDGE: &str = "cni0";
/// The name of the machine on the Nodes' LAN.
pub const LAPTOP: &str = "laptop";
/// The name of the machine on the internet.
pub const INTERNET: &str = "internet";
/// The internet client's addresses, of the blocks for documentation (RFC 5737, RFC 3849).
pub const INTERNET_ADDRESSES: [&str; 2] = ["203.0.113.50", "2001:db8:aaaa::50"];
/// The last part of the laptop's address on the LAN.
const LAPTOP_HOST: u128 = 50;
/// The LAN's longest prefixes by family, and the shortest, in bits.
const LAN_BITS: [(IpFamily, u8, u8); 2] = [(IpFamily::IPv4, 24, 8), (IpFamily::IPv6, 64, 32)];

/// Plans the network of these Nodes and Pods. Pods that have no address yet, have finished, or are
/// on no known Node are left out; so are addresses that cannot be read.
#[must_use]
pub fn plan(nodes: &[api::Node], pods: &[api::Pod]) -> Plan {
    let lans = LAN_BITS.map(|(family, longest, shortest)| {
        let own = nodes.iter().flat_map(internal_ips);
        let bits = common_bits(own.filter(|&a| IpFamily::of(a) == family), longest);
        (family, bits.max(shortest))
    });
    let nodes: Vec<PlanNode> = nodes.iter().map(|own| node(own, &lans)).collect();
    let mut router = PlanRouter::default();
    let mut laptop = Vec::new();
    for (family, bits) in lans {
        let Some(first) = (nodes.iter().flat_map(|node| &node.addresses))
            .find(|address| IpFamily::of(address.addr()) == family)
        else {
            continue;
        };
        let Ok(lan) = IpNet::new(first.addr(), bits) else {
            continue;
        };
        let taken = |address: IpAddr| {
            (nodes.iter().flat_map(|node| &node.addresses)).any(|own| own.addr() == address)
        };
        let free = |from: u128| (from..).map(|host| nth(&lan, host)).find(|&a| !taken(a));
        if let Some(address) = free(1).and_then(|address| IpNet::new(address, bits).ok()) {
            router.lan.push(address);
        }
        let own = free(LAPTOP_HOST).and_then(|address| IpNet::new(address, bits).ok());
        laptop.extend(own);
    }
    for node in &nodes {
        for &to in &node.pod_cidrs {
            let via = (node.addresses.iter().map(IpNet::addr))
                .find(|&address| IpFamily::of(address) == IpFamily::of(to.addr()));
            router.routes.push(PlanRoute { to, via });
        }
    }
    let pods = pods.iter().filter_map(|own| pod(own, &nodes)).collect();
    let internet = INTERNET_ADDRESSES
        .iter()
        .filter_map(|text| text.parse::<IpAddr>().ok())
        .map(IpNet::from)
        .collect();
    let outside = vec![
        PlanOutside {
            name: LAPTOP.to_owned(),
            addresses: laptop,
            on_lan: true,
            sockets: Vec::new(),
        },
        PlanOutside {
            name: INTERNET.to_owned(),
            addresses: internet,
            on_lan: false,
            sockets: Vec::new(),
        },
    ];
    Plan {
        nodes,
        pods,
        router: Some(router),
        outside,
    }
}

/// The address with this number in a network.
fn nth(net: &IpNet, host: u128) -> IpAddr {
    match net.network() {
        IpAddr::V4(base) => IpAddr::from((u32::from(base)).wrapping_add(host as u32).to_be_bytes()),
        IpAddr::V6(base) => IpAddr::from(u128::from(base).wrapping_add(host).to_be_bytes()),
    }
}

/// How many leading bits the addresses have in common, of one family, and `longest` at most.
fn common_bits(mut addresses: impl Iterator<Item = IpAddr>, longest: u8) -> u8 {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    };
    let Some(first) = addresses.next().map(number) else {
        return longest;
    };
    addresses.fold(longest, |bits, address| {
        let same = (first ^ number(address)).leading_zeros();
        bits.min(u8::try_from(same).unwrap_or(u8::MAX))
    })
}

fn node(node: &api::Node, lans: &[(IpFamily, u8); 2]) -> PlanNode {
    let addresses = internal_ips(node)
        .filter_map(|address| {
            let family = IpFamily::of(address);
            let bits = lans.iter().find(|(own, _)| *own == family)?.1;
            IpNet::new(address, bits).ok()
        })
        .collect();
    let single = [node.spec.pod_cidr.clone()];
    let cidrs = if node.spec.pod_cidrs.is_empty() {
        &single[..]
    } else {
        &node.spec.pod_cidrs[..]
    };
    let pod_cidrs: Vec<IpNet> = (cidrs.iter())
        .filter_map(|cidr| cidr.parse().ok())
        .map(|cidr: IpNet| cidr.trunc())
        .collect();
    let gateways = (pod_cidrs.iter())
        .filter_map(|cidr| IpNet::new(nth(cidr, 1), cidr.prefix_len()).ok())
        .collect();
    PlanNode {
        name: node.metadata.name.clone(),
        addresses,
        extra: Vec::new(),
        pod_cidrs,
        pod_link: PodLink::Bridge {
            device: BRIDGE.to_owned(),
            addresses: gateways,
            hairpin: true,
        },
        routes: Vec::new(),
        // kube-proxy in iptables mode sets it at start, with localhostNodePorts as they are.
        route_localnet: true,
        sockets: vec![Socket {
            protocol: Protocol::Tcp,
            address: None,
            port: Some(10_250),
            owner: Owner::Machine,
            serves: Serves::Itself,
        }],
    }
}

fn pod(pod: &api::Pod, nodes: &[PlanNode]) -> Option<PlanPod> {
    if matches!(pod.status.phase.as_str(), "Succeeded" | "Failed") {
        return None;
    }
    let home = nodes.iter().find(|node| node.name == pod.spec.node_name)?;
    let single = [api::PodIp {
        ip: pod.status.pod_ip.clone(),
    }];
    let ips = if pod.status.pod_ips.is_empty() {
        &single[..]
    } else {
        &pod.status.pod_ips[..]
    };
    let own: Vec<IpAddr> = ips.iter().filter_map(|ip| ip.ip.parse().ok()).collect();
    if own.is_empty() {
        return None;
    }
    let mut addresses = Vec::new();
    let mut gateways = Vec::new();
    if !pod.spec.host_network {
        for address in own {
            let family = IpFamily::of(address);
            let cidr = home.pod_cidrs.iter().find(|cidr| cidr.contains(&address));
            let bits = cidr.map_or(family.bits(), IpNet::prefix_len);
            addresses.extend(IpNet::new(address, bits).ok());
            let gateway = (home.pod_cidrs.iter())
                .find(|cidr| IpFamily::of(cidr.addr()) == family)
                .map(|cidr| nth(cidr, 1));
            gateways.extend(gateway);
        }
    }
    Some(PlanPod {
        namespace: pod.metadata.namespace.clone(),
        name: pod.metadata.name.clone(),
        node: pod.spec.node_name.clone(),
        addresses,
        gateways,
        host_network: pod.spec.host_network,
        listens: listens(&pod.spec),
    })
}

fn listens(spec: &api::PodSpec) -> Listens {
    let sidecars =
        (spec.init_containers.iter()).filter(|container| container.restart_policy == "Always");
    let ports: Vec<(Protocol, u16)> = (spec.containers.iter().chain(sidecars))
        .flat_map(|container| &container.ports)
        .filter_map(|port| {
            let protocol = if port.protocol.is_empty() {
                Protocol::Tcp
            } else {
                port.protocol.parse().ok()?
            };
            Some((protocol, u16::try_from(port.container_port).ok()?))
        })
        .collect();
    if ports.is_empty() {
        Listens::Everywhere
    } else {
        Listens::On(ports)
    }
}
