//! Machines and wires: who is reached by which device, and which rules each Node has.

mod build;
mod program;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

pub use program::{IPVS_DEVICE, IpvsText, NodeIpvs, NodeRules};

pub(super) use self::build::{LAN_DEVICE, everything};
use super::balancer::{Announced, Balancer};
use super::plan::{Plan, Socket};
use crate::net::{IpFamily, Protocol};
use crate::netfilter::Host;
use crate::netfilter::route::{Route, RouteKind};

/// What a machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// A Node.
    Node,
    /// A Pod with a network of its own.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its Node's index among the machines.
        node: usize,
    },
    /// The LAN's router.
    Router,
    /// A machine on the LAN.
    Lan,
    /// A machine behind the router.
    Internet,
    /// A load balancer in front of the Nodes.
    Balancer(Box<Balancer>),
}

/// A machine: a network namespace with devices, routes and processes.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its name; a Pod's without the namespace.
    pub name: String,
    /// The key under which its state is kept.
    key: String,
    /// What it is.
    pub role: Role,
    /// Its packet path.
    pub host: Host,
    /// Who listens.
    pub sockets: Vec<Socket>,
    /// The segment that each device is plugged into.
    plugs: Vec<Option<usize>>,
}

impl Machine {
    fn new(name: String, role: Role, host: Host, plugs: Vec<Option<usize>>) -> Self {
        let key = match &role {
            Role::Node => format!("node/{name}"),
            Role::Pod { namespace, .. } => format!("pod/{namespace}/{name}"),
            Role::Router => format!("router/{name}"),
            Role::Lan | Role::Internet => format!("external/{name}"),
            Role::Balancer(_) => format!("balancer/{name}"),
        };
        Self {
            name,
            key,
            role,
            host,
            sockets: Vec::new(),
            plugs,
        }
    }

    /// The key under which its state is kept: `node/NAME`, `pod/NAMESPACE/NAME`, `external/NAME`,
    /// `balancer/NAMESPACE/NAME`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The address on which a process waits for connections to this port, where it is another one
    /// than the packet's: `127.0.0.1` for a process that listens on the loopback only.
    #[must_use]
    pub fn listens_elsewhere(&self, protocol: Protocol, port: u16) -> Option<IpAddr> {
        (self.sockets.iter())
            .filter(|socket| socket.protocol == protocol && socket.port == Some(port))
            .find_map(|socket| socket.address)
    }

    /// The process that takes connections to this address and port.
    #[must_use]
    pub fn listener(&self, protocol: Protocol, address: IpAddr, port: u16) -> Option<&Socket> {
        self.sockets.iter().find(|socket| {
            socket.protocol == protocol
                && socket.port.is_none_or(|own| own == port)
                && socket.address.is_none_or(|own| own == address)
        })
    }
}

/// The LAN among the segments.
const LAN_SEGMENT: usize = 0;

/// What frames travel on.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) kind: SegmentKind,
    /// Who answers for which address: machine and device.
    neighbours: BTreeMap<IpAddr, (usize, usize)>,
    /// Who answers for every other address (`proxy_arp`).
    answers_all: Option<(usize, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentKind {
    /// The Nodes' LAN, or any other plain wire.
    Wire,
    /// A Node's bridge: the Node's index, and its device.
    Bridge {
        owner: usize,
        device: usize,
        hairpin: bool,
    },
}

/// A cluster's machines and wires.
#[derive(Clone, Debug)]
pub struct Network {
    pub(super) machines: Vec<Machine>,
    segments: Vec<Segment>,
    router: Option<usize>,
    /// Pods in a Node's own network: namespace, name, the Node's index.
    guests: Vec<(String, String, usize)>,
    /// Addresses on the LAN that a Node answers for, or nobody does.
    pub(super) announced: Vec<Announced>,
}

impl Network {
    /// Builds a network. A Pod whose Node is not there is left out.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        build::network(plan)
    }

    /// The machines: Nodes, the router, Pods, machines outside.
    #[must_use]
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    pub(super) fn machine(&self, index: usize) -> &Machine {
        &self.machines[index]
    }

    /// Where a Pod's processes run: its own machine, or for a Pod in a Node's own network the
    /// Node. An empty namespace means `default`, or the only Pod of that name.
    #[must_use]
    pub fn pod(&self, namespace: &str, name: &str) -> Option<usize> {
        let own = self
            .machines
            .iter()
            .enumerate()
            .filter_map(|(index, machine)| match &machine.role {
                Role::Pod { namespace, .. } if machine.name == name => Some((namespace, index)),
                _ => None,
            });
        let guests = (self.guests.iter())
            .filter(|(_, guest, _)| guest == name)
            .map(|(namespace, _, node)| (namespace, *node));
        let found: Vec<(&String, usize)> = own.chain(guests).collect();
        let wanted = if namespace.is_empty() {
            "default"
        } else {
            namespace
        };
        let exact = found.iter().find(|(own, _)| *own == wanted);
        match (exact, &found[..]) {
            (Some((_, index)), _) => Some(*index),
            (None, [(_, index)]) if namespace.is_empty() => Some(*index),
            _ => None,
        }
    }

    /// A machine outside by name.
    #[must_use]
    pub fn outside(&self, name: &str) -> Option<usize> {
        self.machines.iter().position(|machine| {
            matches!(machine.role, Role::Lan | Role::Internet) && machine.name == name
        })
    }

    /// A Node's index.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<usize> {
        self.machines
            .iter()
            .position(|machine| machine.role == Role::Node && machine.name == name)
    }

    /// The Pod or process that has this address, for those who show who answered.
    #[must_use]
    pub fn owner_of(&self, address: IpAddr) -> Option<usize> {
        self.machines
            .iter()
            .position(|machine| (machine.host.routing.addresses()).any(|(own, _)| own == address))
    }

    /// Makes the router send an address to a Node, as a load balancer or a static route does.
    /// Without router or Node nothing happens.
    pub fn route_to_node(&mut self, to: IpNet, node: &str) {
        let family = IpFamily::of(to.addr());
        let via = self.node(node).and_then(|index| {
            let devices = self.machines[index].host.routing.devices();
            let lan = devices.get(LAN_DEVICE)?;
            let mut addresses = lan.addresses.iter().map(IpNet::addr);
            addresses.find(|&address| IpFamily::of(address) == family)
        });
        if let (Some(router), Some(via)) = (self.router, via) {
            let routing = &mut self.machines[router].host.routing;
            routing.remove(&to);
            routing.insert(Route {
                to,
                via: Some(via),
                device: LAN_DEVICE,
                kind: RouteKind::Unicast,
            });
        }
    }

    /// Puts a machine on the LAN. Gives its index.
    pub(super) fn add_on_lan(&mut self, name: String, role: Role, host: Host) -> usize {
        let index = self.machines.len();
        let addresses: Vec<IpAddr> = host.routing.addresses().map(|(own, _)| own).collect();
        let plugs = vec![None, Some(LAN_SEGMENT)];
        self.machines.push(Machine::new(name, role, host, plugs));
        for address in addresses {
            self.answer_on_lan(address, index);
        }
        index
    }

    /// Lets a machine answer for an address on the LAN, unless somebody does already.
    pub(super) fn answer_on_lan(&mut self, address: IpAddr, machine: usize) {
        if let Some(lan) = self.segments.get_mut(LAN_SEGMENT) {
            let own = (machine, LAN_DEVICE);
            lan.neighbours.entry(address).or_insert(own);
        }
    }

    /// Lets the router look for a machine's addresses on the LAN.
    pub(super) fn route_to_lan(&mut self, machine: usize) {
        let addresses: Vec<IpAddr> = (self.machines[machine].host.routing.addresses())
            .map(|(own, _)| own)
            .collect();
        if let Some(router) = self.router {
            for address in addresses {
                self.machines[router].host.routing.insert(Route {
                    to: IpNet::from(address),
                    via: None,
                    device: LAN_DEVICE,
                    kind: RouteKind::Unicast,
                });
            }
        }
    }

    /// The router's addresses on the LAN.
    pub(super) fn router_on_lan(&self) -> Vec<IpNet> {
        let router = self.router.map(|index| &self.machines[index].host.routing);
        let device = router.and_then(|routing| routing.devices().get(LAN_DEVICE));
        device.map_or_else(Vec::new, |device| device.addresses.clone())
    }

    /// Whether a machine's device is on the LAN.
    pub(super) fn is_on_lan(&self, machine: usize, device: usize) -> bool {
        self.machines[machine].plugs.get(device) == Some(&Some(LAN_SEGMENT))
    }

    /// The segment that a device is plugged into.
    pub(super) fn segment(&self, machine: usize, device: usize) -> Option<&Segment> {
        let plug = self.machines[machine]
            .plugs
            .get(device)
            .copied()
            .flatten()?;
        self.segments.get(plug)
    }
}

impl Segment {
    /// Who answers for an address on this segment: machine and device.
    pub(super) fn neighbour(&self, address: IpAddr) -> Option<(usize, usize)> {
        self.neighbours.get(&address).copied().or(self.answers_all)
    }
}
