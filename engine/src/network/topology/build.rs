//! From a plan to machines, devices, routes and wires.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::plan::{
    Listens, Owner, Plan, PlanNode, PlanPod, PlanRouter, PodLink, Serves, Socket,
};
use super::{Machine, Network, Role, Segment, SegmentKind};
use crate::net::{IpFamily, Protocol};
use crate::netfilter::Host;
use crate::netfilter::route::{Device, LOOPBACK, Route, RouteKind, Routing};

/// The device after the loopback: a Node's, the router's and an outside machine's way out.
pub(in crate::network) const LAN_DEVICE: usize = LOOPBACK + 1;

/// The router's device towards what is behind it, and its address there.
const WAN_DEVICE: usize = LAN_DEVICE + 1;
const WAN_V4: [u8; 4] = [169, 254, 0, 1];
const WAN_V6: [u16; 8] = [0xfe80, 0, 0, 0, 0, 0, 0, 1];

/// Builds a network. A Pod whose Node is not there is left out.
pub(super) fn network(plan: &Plan) -> Network {
    Builder::default().build(plan)
}

#[derive(Default)]
struct Builder {
    machines: Vec<Machine>,
    segments: Vec<Segment>,
    router: Option<usize>,
    guests: Vec<(String, String, usize)>,
}

impl Builder {
    fn build(mut self, plan: &Plan) -> Network {
        let lan = self.add_segment(SegmentKind::Wire);
        for node in &plan.nodes {
            self.node(plan, node, lan);
        }
        if let Some(router) = &plan.router {
            self.add_router(plan, router, lan);
        }
        for pod in &plan.pods {
            self.pod(plan, pod);
        }
        self.outside(plan, lan);
        Network {
            machines: self.machines,
            segments: self.segments,
            router: self.router,
            guests: self.guests,
            announced: Vec::new(),
        }
    }

    fn add_segment(&mut self, kind: SegmentKind) -> usize {
        self.segments.push(Segment {
            kind,
            neighbours: BTreeMap::new(),
            answers_all: None,
        });
        self.segments.len() - 1
    }

    /// Plugs a machine's device into a segment; its addresses are known there.
    fn plug(&mut self, machine: usize, device: usize, segment: usize) {
        let found = &mut self.machines[machine];
        if found.plugs.len() <= device {
            found.plugs.resize(device + 1, None);
        }
        found.plugs[device] = Some(segment);
        let addresses: Vec<IpAddr> = (found.host.routing.addresses())
            .filter(|&(_, own)| own == device)
            .map(|(address, _)| address)
            .collect();
        for address in addresses {
            self.segments[segment]
                .neighbours
                .entry(address)
                .or_insert((machine, device));
        }
    }

    fn add(&mut self, name: &str, role: Role, host: Host, sockets: Vec<Socket>) -> usize {
        let machine = Machine::new(name.to_owned(), role, host, Vec::new());
        self.machines.push(Machine { sockets, ..machine });
        self.machines.len() - 1
    }

    fn node(&mut self, plan: &Plan, node: &PlanNode, lan: usize) {
        let mut devices = vec![device("eth0", node.addresses.clone(), false)];
        let mut routes = Vec::new();
        // On the Node's own side: Pods on the bridge's network need no routes, others do.
        let own: Vec<&PlanPod> = (plan.pods.iter())
            .filter(|pod| pod.node == node.name && !pod.host_network)
            .collect();
        match &node.pod_link {
            PodLink::Bridge {
                device: name,
                addresses,
                ..
            } => {
                devices.push(device(name, addresses.clone(), true));
                let bridge = devices.len();
                for address in own.iter().flat_map(|pod| &pod.addresses) {
                    if !addresses.iter().any(|net| net.contains(&address.addr())) {
                        routes.push(to_host(address.addr(), bridge));
                    }
                }
            }
            PodLink::Routed { prefix } => {
                for (number, pod) in own.iter().enumerate() {
                    devices.push(device(&format!("{prefix}{number}"), Vec::new(), false));
                    for address in &pod.addresses {
                        routes.push(to_host(address.addr(), devices.len()));
                    }
                }
            }
        }
        for (name, address) in &node.extra {
            if name == "eth0" {
                devices[0].addresses.push(*address);
            } else {
                devices.push(device(name, vec![*address], false));
            }
        }
        for route in &node.routes {
            routes.push(by(route.to, route.via, LAN_DEVICE));
        }
        for other in plan.nodes.iter().filter(|other| other.name != node.name) {
            let stray = (plan.pods.iter())
                .filter(|pod| pod.node == other.name && !pod.host_network)
                .flat_map(|pod| &pod.addresses)
                .filter(|address| {
                    !other
                        .pod_cidrs
                        .iter()
                        .any(|net| net.contains(&address.addr()))
                })
                .map(|address| IpNet::from(address.addr()));
            for to in other.pod_cidrs.iter().copied().chain(stray) {
                let via = address_of(&other.addresses, IpFamily::of(to.addr()));
                let known = node.routes.iter().any(|route| route.to == to);
                if via.is_some() && !known {
                    routes.push(by(to, via, LAN_DEVICE));
                }
            }
        }
        let gateways = plan.router.iter().flat_map(|router| &router.lan);
        for gateway in gateways {
            routes.push(by(
                everything(gateway.addr()),
                Some(gateway.addr()),
                LAN_DEVICE,
            ));
        }
        let host = Host {
            forwarding: true,
            route_localnet: node.route_localnet,
            ..Host::new(Routing::new(devices, routes))
        };
        let mut sockets = node.sockets.clone();
        for pod in (plan.pods.iter()).filter(|pod| pod.node == node.name && pod.host_network) {
            let owner = Owner::Pod {
                namespace: pod.namespace.clone(),
                name: pod.name.clone(),
            };
            // In the Node's own network, a Pod that declares nothing cannot be taken to listen on
            // every port: they are the Node's.
            if let Listens::On(_) = pod.listens {
                sockets.extend(sockets_of(&pod.listens, &owner));
            }
        }
        let index = self.add(&node.name, Role::Node, host, sockets);
        self.plug(index, LAN_DEVICE, lan);
        match &node.pod_link {
            PodLink::Bridge { hairpin, .. } => {
                let segment = self.add_segment(SegmentKind::Bridge {
                    owner: index,
                    device: LAN_DEVICE + 1,
                    hairpin: *hairpin,
                });
                self.plug(index, LAN_DEVICE + 1, segment);
            }
            PodLink::Routed { .. } => {
                for device in (LAN_DEVICE + 1..).take(own.len()) {
                    let segment = self.add_segment(SegmentKind::Wire);
                    self.plug(index, device, segment);
                    self.segments[segment].answers_all = Some((index, device));
                }
            }
        }
    }

    fn add_router(&mut self, plan: &Plan, router: &PlanRouter, lan: usize) {
        let mut routes: Vec<Route> = (router.routes.iter())
            .map(|route| by(route.to, route.via, LAN_DEVICE))
            .collect();
        for address in plan
            .outside
            .iter()
            .filter(|o| !o.on_lan)
            .flat_map(|o| &o.addresses)
        {
            routes.push(to_host(address.addr(), WAN_DEVICE));
        }
        for any in [IpAddr::from([0; 4]), IpAddr::from([0_u16; 8])] {
            routes.push(by(everything(any), None, LAN_DEVICE));
        }
        let wan = vec![
            IpNet::from(IpAddr::from(WAN_V4)),
            IpNet::from(IpAddr::from(WAN_V6)),
        ];
        let devices = vec![
            device("lan0", router.lan.clone(), false),
            device("wan0", wan, false),
        ];
        let host = Host {
            forwarding: true,
            ..Host::new(Routing::new(devices, routes))
        };
        let index = self.add("router", Role::Router, host, Vec::new());
        self.plug(index, LAN_DEVICE, lan);
        self.router = Some(index);
    }

    fn pod(&mut self, plan: &Plan, pod: &PlanPod) {
        let node = (self.machines.iter())
            .position(|machine| machine.role == Role::Node && machine.name == pod.node);
        let Some(node) = node else {
            return;
        };
        if pod.host_network {
            self.guests
                .push((pod.namespace.clone(), pod.name.clone(), node));
            return;
        }
        let routes = (pod.gateways.iter())
            .map(|&gateway| by(everything(gateway), Some(gateway), LAN_DEVICE))
            .collect();
        let devices = vec![device("eth0", pod.addresses.clone(), false)];
        let index = self.add(
            &pod.name,
            Role::Pod {
                namespace: pod.namespace.clone(),
                node,
            },
            Host::new(Routing::new(devices, routes)),
            sockets_of(&pod.listens, &Owner::Machine),
        );
        let planned = plan.nodes.iter().find(|planned| planned.name == pod.node);
        let device = match planned.map(|planned| &planned.pod_link) {
            Some(PodLink::Bridge { .. }) => LAN_DEVICE + 1,
            _ => {
                // The Node's devices for Pods are in the order of its Pods.
                let before = (self.machines[..index].iter())
                    .filter(|machine| matches!(machine.role, Role::Pod { node: own, .. } if own == node))
                    .count();
                LAN_DEVICE + 1 + before
            }
        };
        if let Some(segment) = self.machines[node].plugs.get(device).copied().flatten() {
            self.plug(index, LAN_DEVICE, segment);
        }
    }

    fn outside(&mut self, plan: &Plan, lan: usize) {
        let wan = self.add_segment(SegmentKind::Wire);
        if let Some(router) = self.router {
            self.plug(router, WAN_DEVICE, wan);
        }
        for outside in &plan.outside {
            let (role, segment, addresses, gateways) = if outside.on_lan {
                let lan_gateways: Vec<IpAddr> = (plan.router.iter())
                    .flat_map(|router| &router.lan)
                    .map(IpNet::addr)
                    .collect();
                (Role::Lan, lan, outside.addresses.clone(), lan_gateways)
            } else {
                // Behind the router everybody is on a wire of their own.
                let bare = (outside.addresses.iter())
                    .map(|address| IpNet::from(address.addr()))
                    .collect();
                let gateways = vec![IpAddr::from(WAN_V4), IpAddr::from(WAN_V6)];
                (Role::Internet, wan, bare, gateways)
            };
            let routes = (gateways.into_iter())
                .filter(|&gateway| address_of(&addresses, IpFamily::of(gateway)).is_some())
                .map(|gateway| by(everything(gateway), Some(gateway), LAN_DEVICE))
                .collect();
            let devices = vec![device("eth0", addresses, false)];
            let host = Host::new(Routing::new(devices, routes));
            let index = self.add(&outside.name, role, host, outside.sockets.clone());
            self.plug(index, LAN_DEVICE, segment);
        }
    }
}

fn device(name: &str, addresses: Vec<IpNet>, bridge: bool) -> Device {
    Device {
        name: name.to_owned(),
        addresses,
        bridge,
    }
}

/// The prefix that holds all addresses of this one's family.
pub(in crate::network) fn everything(address: IpAddr) -> IpNet {
    match address {
        IpAddr::V4(_) => IpNet::new_assert(IpAddr::from([0; 4]), 0),
        IpAddr::V6(_) => IpNet::new_assert(IpAddr::from([0_u16; 8]), 0),
    }
}

fn address_of(addresses: &[IpNet], family: IpFamily) -> Option<IpAddr> {
    (addresses.iter().map(IpNet::addr)).find(|&address| IpFamily::of(address) == family)
}

/// A route to one address that is on the device's own network.
fn to_host(address: IpAddr, device: usize) -> Route {
    Route {
        to: IpNet::from(address),
        via: None,
        device,
        kind: RouteKind::Unicast,
    }
}

/// A route by somebody, or to nowhere.
fn by(to: IpNet, via: Option<IpAddr>, device: usize) -> Route {
    Route {
        to,
        via,
        device,
        kind: if via.is_some() {
            RouteKind::Unicast
        } else {
            RouteKind::Blackhole
        },
    }
}

fn sockets_of(listens: &Listens, owner: &Owner) -> Vec<Socket> {
    let socket = |protocol, port, address| Socket {
        protocol,
        address,
        port,
        owner: owner.clone(),
        serves: Serves::Itself,
    };
    match listens {
        Listens::Everywhere => [Protocol::Tcp, Protocol::Udp, Protocol::Sctp]
            .into_iter()
            .map(|protocol| socket(protocol, None, None))
            .collect(),
        Listens::On(ports) => (ports.iter())
            .map(|&(protocol, port)| socket(protocol, Some(port), None))
            .collect(),
        Listens::OnLoopback(ports) => {
            let loopbacks = [
                IpAddr::from([127, 0, 0, 1]),
                IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16]),
            ];
            (ports.iter())
                .flat_map(|&(protocol, port)| {
                    loopbacks.map(|address| socket(protocol, Some(port), Some(address)))
                })
                .collect()
        }
    }
}
