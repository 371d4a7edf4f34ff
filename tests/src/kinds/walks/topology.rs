//! `topology.yaml`: what network was built for a scenario, as a [`Plan`].

#![expect(
    clippy::unwrap_used,
    reason = "a vector that cannot be read as it is documented has failed"
)]

use std::net::IpAddr;

use lobby_engine::net::{IpFamily, Protocol};
use lobby_engine::network::{
    Listens, Owner, Plan, PlanNode, PlanOutside, PlanPod, PlanRoute, PlanRouter, PodLink, Serves,
    Socket,
};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Topology {
    pub(super) family: IpFamily,
    pub(super) nodes: Vec<TopologyNode>,
    pods: Vec<TopologyPod>,
    #[serde(default, rename = "hostNetworkListeners")]
    host_network_listeners: Vec<HostNetworkListener>,
    pub(super) router: TopologyRouter,
    outside: Vec<TopologyOutside>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TopologyNode {
    pub(super) name: String,
    pub(super) ip: String,
    #[serde(rename = "podCIDR")]
    pod_cidr: String,
    bridge: Option<Bridge>,
    routes: Vec<TopologyRoute>,
    #[serde(rename = "route_localnet")]
    pub(super) route_localnet: u8,
    #[serde(default)]
    extra_addresses: Vec<ExtraAddress>,
}

#[derive(Deserialize)]
struct Bridge {
    name: String,
    address: String,
}

#[derive(Deserialize)]
struct ExtraAddress {
    address: String,
    device: String,
}

#[derive(Deserialize)]
struct TopologyRoute {
    to: String,
    via: Option<IpAddr>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TopologyPod {
    name: String,
    node: String,
    ip: String,
    default_via: IpAddr,
    #[serde(default)]
    listens: Vec<String>,
}

#[derive(Deserialize)]
struct HostNetworkListener {
    node: String,
    ip: IpAddr,
    port: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TopologyRouter {
    lan: String,
    routes: Vec<TopologyRoute>,
    pub(super) virtual_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TopologyOutside {
    name: String,
    ip: IpAddr,
    #[serde(default)]
    listens: Vec<String>,
    #[serde(default)]
    forwards_to: Vec<String>,
}

/// `8080/TCP`.
fn port_and_protocol(text: &str) -> (Protocol, u16) {
    let (port, protocol) = text.split_once('/').unwrap();
    (protocol.parse().unwrap(), port.parse().unwrap())
}

fn socket(text: &str, address: Option<IpAddr>) -> Socket {
    let (protocol, port) = port_and_protocol(text);
    Socket {
        protocol,
        address,
        port: Some(port),
        owner: Owner::Machine,
        serves: Serves::Itself,
    }
}

impl Topology {
    pub(super) fn plan(&self) -> Plan {
        let default = match self.family {
            IpFamily::IPv4 => "0.0.0.0/0",
            IpFamily::IPv6 => "::/0",
        };
        let route = |route: &TopologyRoute| PlanRoute {
            to: (if route.to == "default" {
                default
            } else {
                &route.to
            })
            .parse()
            .unwrap(),
            via: route.via,
        };
        let nodes = (self.nodes.iter())
            .map(|node| PlanNode {
                name: node.name.clone(),
                addresses: vec![node.ip.parse().unwrap()],
                extra: (node.extra_addresses.iter())
                    .map(|extra| (extra.device.clone(), extra.address.parse().unwrap()))
                    .collect(),
                pod_cidrs: vec![node.pod_cidr.parse().unwrap()],
                pod_link: match &node.bridge {
                    Some(bridge) => PodLink::Bridge {
                        device: bridge.name.clone(),
                        addresses: vec![bridge.address.parse().unwrap()],
                        hairpin: true,
                    },
                    None => PodLink::Routed {
                        prefix: "cali".to_owned(),
                    },
                },
                routes: node.routes.iter().map(route).collect(),
                route_localnet: node.route_localnet == 1,
                sockets: (self.host_network_listeners.iter())
                    .filter(|listener| listener.node == node.name)
                    .map(|listener| socket(&listener.port, Some(listener.ip)))
                    .collect(),
            })
            .collect();
        let pods = (self.pods.iter())
            .map(|pod| PlanPod {
                namespace: "default".to_owned(),
                name: pod.name.clone(),
                node: pod.node.clone(),
                addresses: vec![pod.ip.parse().unwrap()],
                gateways: vec![pod.default_via],
                host_network: false,
                listens: Listens::On(pod.listens.iter().map(|p| port_and_protocol(p)).collect()),
            })
            .collect();
        let outside = (self.outside.iter())
            .map(|outside| {
                let mut sockets: Vec<Socket> = outside
                    .listens
                    .iter()
                    .map(|text| socket(text, None))
                    .collect();
                for text in &outside.forwards_to {
                    // `80/TCP to 192.168.10.11:30913, from its own address`
                    let (port, rest) = text.split_once(" to ").unwrap();
                    let to = rest.split_once(',').unwrap().0.parse().unwrap();
                    sockets.push(Socket {
                        serves: Serves::Proxy(to),
                        ..socket(port, None)
                    });
                }
                PlanOutside {
                    name: outside.name.clone(),
                    addresses: vec![outside.ip.into()],
                    on_lan: false,
                    sockets,
                }
            })
            .collect();
        Plan {
            nodes,
            pods,
            router: Some(PlanRouter {
                lan: vec![self.router.lan.parse().unwrap()],
                routes: (self.router.routes.iter())
                    .filter(|own| own.to != "default")
                    .map(route)
                    .collect(),
            }),
            outside,
        }
    }
}
