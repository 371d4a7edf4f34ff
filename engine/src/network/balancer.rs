//! Load balancers as hosts of the network: to whom they pass a packet on, and what they remember.
//!
//! ```text
//!  passthrough   client ─► balancer ─► Node, the address stays     Node ─────────────► client
//!  translating   client ─► balancer ─► Node or Pod, address new    Node ─► balancer ─► client
//!  proxy         client ─► balancer    a connection of its own ─►  Node ─► balancer ─► client
//! ```
//!
//! An address that a Node answers for itself (MetalLB in layer 2 mode) needs no host:
//! [`Network::announce`] puts it on the LAN's wire.
//!
//! Which targets are well is not asked here: health checks take time, and what they found so far is
//! a fact of the cluster ([`crate::cluster::Balancer`]). Sources: see
//! [`crate::controllers::load_balancer`]. Left out: several zones, cross-zone settings, slow start,
//! PROXY protocol (the address that it would tell is no part of a packet).

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::topology::{LAN_DEVICE, Network, Role, everything};
use crate::api::{FieldPath, ObjectRef};
use crate::net::{IpFamily, Packet, Protocol, Transport};
use crate::netfilter::Host;
use crate::netfilter::chance::Chance;
use crate::netfilter::conntrack::Tuple;
use crate::netfilter::route::{Device, Lookup, Route, RouteKind, Routing};

/// How a load balancer passes a packet on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// As it is, its own address as the destination: the target answers the client itself (direct
    /// server return).
    Through,
    /// With the target's address and port as the destination and the client's as the source; answers
    /// come back through it.
    Translated,
    /// By a connection of its own.
    Proxied,
}

/// A load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balancer {
    /// Whose it is.
    pub service: ObjectRef,
    /// What it is, as its provider calls it: `AWS Network Load Balancer`.
    pub product: String,
    /// Its addresses: clients send to these.
    pub addresses: Vec<IpAddr>,
    /// How it passes packets on.
    pub passing: Passing,
    /// What it listens on.
    pub fronts: Vec<Front>,
    /// The clients that it lets in; empty for all of them.
    pub sources: Vec<IpNet>,
    /// Whether a client always comes to the same target; else each connection is drawn.
    pub by_source: bool,
    /// Whether it sends to all targets when none of them is well, or to none.
    pub fails_open: bool,
    /// Whether it carries traffic already.
    pub is_active: bool,
    /// What it asks its targets to know whether they are well; empty where it does not ask.
    pub check: String,
    /// The field of the Service that decides which targets are well.
    pub checks: FieldPath,
    /// How long it remembers a connection on which nothing moves, in milliseconds.
    pub idle_ms: u64,
}

/// One port of a load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Front {
    /// The protocol.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
    /// Where it sends, healthy or not.
    pub targets: Vec<Backend>,
}

/// One target of a load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// The Node or Pod.
    pub name: String,
    /// Its address, and the port to which a packet goes that is not passed through.
    pub to: SocketAddr,
    /// Whether it passes the health check, as far as the load balancer has noticed.
    pub is_healthy: bool,
}

/// Why a load balancer did not pass a packet on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turned {
    /// It is not ready to.
    NotActive,
    /// The client's address is in none of its ranges.
    Source,
    /// It does not listen there.
    Port,
    /// No target is well, or there is none.
    NoTarget,
}

/// What a load balancer did with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Balanced {
    /// The target, where there is one.
    pub(super) to: Result<Picked, Turned>,
    /// How many targets it has, and how many of them pass the health check.
    pub(super) of: usize,
    pub(super) healthy: usize,
}

/// The target that a packet got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picked {
    pub(super) name: String,
    pub(super) to: SocketAddr,
    /// Whether an earlier packet of the connection decided.
    pub(super) known: bool,
    /// Among how many it was drawn: 1 where nothing was.
    pub(super) among: u32,
}

/// A connection that a load balancer remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    name: String,
    to: SocketAddr,
    expires_ms: u64,
}

/// What load balancers remember. Source ports come in ascending order, so that new connections are
/// mostly put at the end of the lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flows {
    /// By the tuple of a client's packet, in order.
    by_client: Vec<(Tuple, Flow)>,
    /// The tuple of an answer to a packet whose destination was rewritten, and the client's.
    by_answer: Vec<(Tuple, Tuple)>,
}

impl Flows {
    /// Whether no load balancer remembers a connection.
    pub(super) fn is_empty(&self) -> bool {
        self.by_client.is_empty() && self.by_answer.is_empty()
    }

    /// Forgets what has expired.
    pub(super) fn expire(&mut self, now_ms: u64) {
        if self
            .by_client
            .iter()
            .any(|(_, flow)| flow.expires_ms <= now_ms)
        {
            self.by_client.retain(|(_, flow)| flow.expires_ms > now_ms);
            let own = &self.by_client;
            (self.by_answer).retain(|(_, client)| find(own, client).is_ok());
        }
    }

    fn of(&self, tuple: &Tuple) -> Option<&Flow> {
        let place = find(&self.by_client, tuple).ok()?;
        Some(&self.by_client[place].1)
    }

    fn note(&mut self, tuple: Tuple, flow: Flow, translated: bool) {
        if translated {
            put(&mut self.by_answer, answer_of(&tuple, flow.to), tuple);
        }
        put(&mut self.by_client, tuple, flow);
    }

    /// Forgets a connection that both ends closed.
    pub(super) fn close(&mut self, first: &Packet) {
        let Some(tuple) = Tuple::of(first) else {
            return;
        };
        if let Ok(place) = find(&self.by_client, &tuple) {
            let (_, flow) = self.by_client.remove(place);
            if let Ok(place) = find(&self.by_answer, &answer_of(&tuple, flow.to)) {
                self.by_answer.remove(place);
            }
        }
    }

    /// The client's tuple of the connection that a packet answers, if a load balancer rewrote its
    /// destination.
    pub(super) fn answered_by(&self, packet: &Packet) -> Option<Tuple> {
        if self.by_answer.is_empty() {
            return None;
        }
        let place = find(&self.by_answer, &Tuple::of(packet)?).ok()?;
        Some(self.by_answer[place].1)
    }
}

fn find<T>(list: &[(Tuple, T)], tuple: &Tuple) -> Result<usize, usize> {
    list.binary_search_by(|(own, _)| own.cmp(tuple))
}

fn put<T>(list: &mut Vec<(Tuple, T)>, tuple: Tuple, value: T) {
    match find(list, &tuple) {
        Ok(place) => list[place].1 = value,
        Err(place) => list.insert(place, (tuple, value)),
    }
}

/// The tuple of a target's answer to a client's packet that was rewritten to it.
fn answer_of(client: &Tuple, target: SocketAddr) -> Tuple {
    Tuple {
        dst: target.ip(),
        dport: target.port(),
        ..*client
    }
    .inverted()
}

impl Balancer {
    /// Decides about a packet for this load balancer.
    pub(super) fn decide(
        &self,
        packet: &Packet,
        flows: &mut Flows,
        chance: &mut dyn Chance,
        now_ms: u64,
    ) -> Balanced {
        let ports = packet.transport.protocol().zip(packet.transport.dport());
        let front = ports.and_then(|(protocol, port)| {
            (self.fronts.iter()).find(|front| front.protocol == protocol && front.port == port)
        });
        let targets = front.map_or(&[][..], |front| &front.targets);
        let healthy = targets.iter().filter(|target| target.is_healthy).count();
        let to = match front {
            _ if !self.is_active => Err(Turned::NotActive),
            None => Err(Turned::Port),
            Some(_) if !self.lets_in(packet.src) => Err(Turned::Source),
            Some(front) => self.pick(front, packet, flows, chance, now_ms),
        };
        Balanced {
            to,
            of: targets.len(),
            healthy,
        }
    }

    fn lets_in(&self, source: IpAddr) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|range| range.contains(&source))
    }

    fn pick(
        &self,
        front: &Front,
        packet: &Packet,
        flows: &mut Flows,
        chance: &mut dyn Chance,
        now_ms: u64,
    ) -> Result<Picked, Turned> {
        let tuple = Tuple::of(packet);
        let opens = matches!(packet.transport, Transport::Tcp { flags, .. } if flags.syn);
        let known = (tuple.as_ref())
            .filter(|_| !opens)
            .and_then(|tuple| flows.of(tuple))
            // A target that is no more registered gets nothing more.
            .filter(|flow| front.targets.iter().any(|target| target.to == flow.to))
            .cloned();
        let (picked, flow) = match known {
            Some(flow) => (
                Picked {
                    name: flow.name.clone(),
                    to: flow.to,
                    known: true,
                    among: 1,
                },
                flow,
            ),
            None => {
                let family = IpFamily::of(packet.dst);
                let fits = |target: &&Backend| IpFamily::of(target.to.ip()) == family;
                let mut able: Vec<&Backend> = (front.targets.iter())
                    .filter(fits)
                    .filter(|target| target.is_healthy)
                    .collect();
                if able.is_empty() && self.fails_open {
                    able = front.targets.iter().filter(fits).collect();
                }
                let count = u32::try_from(able.len()).unwrap_or(u32::MAX);
                let index = match count {
                    0 => return Err(Turned::NoTarget),
                    1 => 0,
                    _ if self.by_source => hash(packet.src) % count,
                    _ => chance.choose(count),
                };
                let Some(target) = able.get(index as usize) else {
                    return Err(Turned::NoTarget);
                };
                let picked = Picked {
                    name: target.name.clone(),
                    to: target.to,
                    known: false,
                    among: if self.by_source { 1 } else { count },
                };
                let flow = Flow {
                    name: target.name.clone(),
                    to: target.to,
                    expires_ms: 0,
                };
                (picked, flow)
            }
        };
        // A proxy's connections are its sockets', which end with each request.
        if let (Some(tuple), Passing::Through | Passing::Translated) = (tuple, self.passing) {
            let expires_ms = now_ms.saturating_add(self.idle_ms);
            let translated = self.passing == Passing::Translated;
            flows.note(tuple, Flow { expires_ms, ..flow }, translated);
        }
        Ok(picked)
    }
}

/// A number that only an address decides (FNV-1a).
fn hash(address: IpAddr) -> u32 {
    let bytes = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    };
    (bytes.iter()).fold(0x811c_9dc5, |hash: u32, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// An address that a Node answers for on the LAN, or that nobody answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Announced {
    pub(super) address: IpAddr,
    pub(super) service: ObjectRef,
    pub(super) node: Option<String>,
}

impl Network {
    /// Puts a load balancer on the LAN, and lets the router send its addresses there. `own` is the
    /// address from which it opens connections, if it has another one than those.
    pub fn add_balancer(&mut self, own: Option<IpNet>, balancer: Balancer) {
        let lan = self.router_on_lan();
        let route = |to: IpNet, via: Option<IpAddr>| Route {
            to,
            via,
            device: LAN_DEVICE,
            kind: RouteKind::Unicast,
        };
        let on_link = lan.iter().map(|net| route(net.trunc(), None));
        let gateways = (lan.iter()).map(|net| route(everything(net.addr()), Some(net.addr())));
        let addresses = own
            .into_iter()
            .chain(balancer.addresses.iter().copied().map(IpNet::from))
            .collect();
        let device = Device {
            name: "eth0".to_owned(),
            addresses,
            bridge: false,
        };
        let routes = on_link.chain(gateways).collect();
        let host = Host::new(Routing::new(vec![device], routes));
        let name = format!("{}/{}", balancer.service.namespace, balancer.service.name);
        let index = self.add_on_lan(name, Role::Balancer(Box::new(balancer)), host);
        self.route_to_lan(index);
    }

    /// Lets a Node answer for an address on the LAN (ARP or neighbour discovery), as MetalLB's
    /// speaker does in layer 2 mode; without a Node nobody does. `service` is whose address it is.
    pub fn announce(&mut self, address: IpAddr, service: ObjectRef, node: Option<&str>) {
        if let Some(index) = node.and_then(|node| self.node(node)) {
            self.answer_on_lan(address, index);
        }
        self.announced.push(Announced {
            address,
            service,
            node: node.map(str::to_owned),
        });
    }

    /// Makes an address a Node's own without giving it to a device: a route of type `local`, as
    /// Google's guest agent adds for the addresses of load balancers.
    pub fn add_local_route(&mut self, address: IpAddr, node: &str) {
        if let Some(index) = self.node(node) {
            self.machines[index].host.routing.add_local(address);
        }
    }

    /// Whom a machine on the LAN hands a packet for an address: who has it on the LAN, or the Node
    /// of the Pod that has it.
    pub(super) fn hop_to(&self, machine: usize, address: IpAddr) -> IpAddr {
        match self.machine(machine).host.routing.lookup(address) {
            Lookup::Out { next_hop, .. } => next_hop,
            _ => address,
        }
    }

    /// Whether an address is a load balancer's.
    pub(super) fn is_balanced(&self, address: IpAddr) -> bool {
        self.announced.iter().any(|own| own.address == address)
            || (self.machines.iter()).any(|machine| match &machine.role {
                Role::Balancer(balancer) => balancer.addresses.contains(&address),
                _ => false,
            })
    }

    /// Who was to answer for an address on the LAN.
    pub(super) fn announcement(&self, address: IpAddr) -> Option<&Announced> {
        self.announced.iter().find(|own| own.address == address)
    }

    /// The load balancer that a machine is.
    pub(super) fn balancer(&self, machine: usize) -> Option<&Balancer> {
        match &self.machine(machine).role {
            Role::Balancer(balancer) => Some(balancer),
            _ => None,
        }
    }
}
