//! Machines and wires: who is reached by which device, and which rules each Node has.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::plan::{Listens, Owner, Plan, PlanNode, PlanPod, PodLink, Serves, Socket};
use crate::net::{IpFamily, Protocol};
use crate::netfilter::ipset::Sets;
use crate::netfilter::iptables::{Before, RuleError, SourceText, Tables, Trouble};
use crate::netfilter::ipvs::Servers;
use crate::netfilter::route::{Device, LOOPBACK, Route, RouteKind, Routing};
use crate::netfilter::{Host, nft};

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
}

/// A machine: a network namespace with devices, routes and processes.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its name; a Pod's without the namespace.
    pub name: String,
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
    /// The key under which its state is kept: `node/NAME`, `pod/NAMESPACE/NAME`, `external/NAME`.
    #[must_use]
    pub fn key(&self) -> String {
        match &self.role {
            Role::Node => format!("node/{}", self.name),
            Role::Pod { namespace, .. } => format!("pod/{namespace}/{}", self.name),
            Role::Router => format!("router/{}", self.name),
            Role::Lan | Role::Internet => format!("external/{}", self.name),
        }
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
    machines: Vec<Machine>,
    segments: Vec<Segment>,
    router: Option<usize>,
    /// Pods in a Node's own network: namespace, name, the Node's index.
    guests: Vec<(String, String, usize)>,
}

/// One Node's rules as kube-proxy hands them over, for one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeRules {
    /// Calls of `iptables` that come first; each is made sure of, as kube-proxy does.
    pub calls: Vec<String>,
    /// Text for `iptables-restore --noflush`, or what `iptables-save` printed.
    pub restore: String,
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
    /// Builds a network. A Pod whose Node is not there is left out.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Builder::default().build(plan)
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

    /// Gives a Node its rules of one family; those that it had are gone. Without a Node of that
    /// name nothing happens.
    pub fn set_rules(
        &mut self,
        node: &str,
        family: IpFamily,
        rules: &NodeRules,
    ) -> Vec<(SourceText, RuleError)> {
        let mut tables = Tables::new(family);
        let mut errors = Vec::new();
        for (number, call) in (1..).zip(&rules.calls) {
            if let Err(error) = tables.ensure(call, number) {
                errors.push((SourceText::Call, error));
            }
        }
        let restored = tables.restore(&rules.restore, Before::Keep);
        errors.extend(
            restored
                .into_iter()
                .map(|error| (SourceText::Restore, error)),
        );
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
        if let Some(index) = self.node(node) {
            let host = &mut self.machines[index].host;
            match family {
                IpFamily::IPv4 => host.nft_v4 = Some(Arc::new(rules)),
                IpFamily::IPv6 => host.nft_v6 = Some(Arc::new(rules)),
            }
        }
        errors
    }

    /// Gives a Node virtual servers, sets and bound addresses of one family; those that it had are
    /// gone. Its iptables rules come by [`Network::set_rules`]. Without a Node of that name nothing
    /// happens.
    pub fn set_ipvs(
        &mut self,
        node: &str,
        family: IpFamily,
        ipvs: &NodeIpvs,
    ) -> Vec<(IpvsText, RuleError)> {
        let (servers, server_errors) = Servers::read(&ipvs.servers);
        let (mut sets, mut set_errors) = (Sets::default(), Vec::new());
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
        if let Some(index) = self.node(node) {
            let host = &mut self.machines[index].host;
            let servers = Some(Arc::new(servers));
            let other = match family {
                IpFamily::IPv4 => {
                    host.ipvs_v4 = servers;
                    &host.ipvs_v6
                }
                IpFamily::IPv6 => {
                    host.ipvs_v6 = servers;
                    &host.ipvs_v4
                }
            };
            // The two families' sets have names of their own and stand side by side.
            if other.is_some() {
                sets = (*host.sets).clone();
            }
            set_errors = sets.read(&ipvs.sets);
            host.sets = Arc::new(sets);
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
        if let Some(index) = self.node(node) {
            self.machines[index].host.sets = Arc::new(sets);
        }
        errors
    }

    /// Takes all rules away from a Node, of all kinds and families.
    pub fn clear_rules(&mut self, node: &str) {
        if let Some(index) = self.node(node) {
            let host = &mut self.machines[index].host;
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
        if let Some(index) = self.node(node) {
            let host = &mut self.machines[index].host;
            match tables.family() {
                IpFamily::IPv4 => host.rules_v4 = Some(tables),
                IpFamily::IPv6 => host.rules_v6 = Some(tables),
            }
        }
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

/// The device after the loopback: a Node's, the router's and an outside machine's way out.
const LAN_DEVICE: usize = LOOPBACK + 1;

/// The router's device towards what is behind it, and its address there.
const WAN_DEVICE: usize = LAN_DEVICE + 1;
const WAN_V4: [u8; 4] = [169, 254, 0, 1];
const WAN_V6: [u16; 8] = [0xfe80, 0, 0, 0, 0, 0, 0, 1];

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
        self.machines.push(Machine {
            name: name.to_owned(),
            role,
            host,
            sockets,
            plugs: Vec::new(),
        });
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

    fn add_router(&mut self, plan: &Plan, router: &super::plan::PlanRouter, lan: usize) {
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
fn everything(address: IpAddr) -> IpNet {
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
