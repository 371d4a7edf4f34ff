//! What there is to tell of a walk, and what can be asked about it: places, rules, origins.

use std::net::IpAddr;

use super::exchange::{Came, Ending, Event, Stop, is_node};
use super::journey::{Change, Client, Location, Request};
use super::plan::Owner;
use super::topology::{IPVS_DEVICE, Network, Role};
use super::walk::Lookups;
use super::words::Place;
use crate::api::Origin;
use crate::net::{IpFamily, Packet};
use crate::netfilter::ipvs::VirtualServer;
use crate::netfilter::{Look, Loss, Passage, Rewrite, RuleAt};

/// What there is to tell.
pub(super) struct Told<'a> {
    pub(super) network: &'a Network,
    pub(super) request: &'a Request,
    pub(super) client: Client,
    /// The client's machine.
    pub(super) machine: usize,
    pub(super) sent: Packet,
    pub(super) events: &'a [Event],
    pub(super) ending: &'a Ending,
    pub(super) lookups: Lookups<'a>,
}

/// Where a packet's destination is recognised as a Service's: a chain, a map, or IPVS.
pub(super) struct Door<'a> {
    pub(super) name: &'a str,
    /// Whether node ports are recognised there.
    pub(super) of_node_ports: bool,
    /// Whether only Services without endpoints are there.
    pub(super) refuses: bool,
}

/// A Pod as `namespace/name`.
pub(super) fn pod_of(network: &Network, machine: usize, owner: &Owner) -> Option<String> {
    let found = network.machine(machine);
    match (&found.role, owner) {
        (Role::Pod { namespace, .. }, _) => Some(format!("{namespace}/{}", found.name)),
        (_, Owner::Pod { namespace, name }) => Some(format!("{namespace}/{name}")),
        _ => None,
    }
}

impl Told<'_> {
    /// A machine's place for people.
    pub(super) fn place(&self, machine: usize) -> Place<'_> {
        let found = self.network.machine(machine);
        match &found.role {
            Role::Node => Place::Node(&found.name),
            Role::Pod { .. } => Place::Pod {
                name: &found.name,
                address: (found.host.routing.addresses().next()).map(|(address, _)| address),
            },
            Role::Router => Place::Router,
            Role::Lan | Role::Internet => Place::Outside(&found.name),
            Role::Balancer(balancer) => Place::Balancer(&balancer.service.name),
        }
    }

    pub(super) fn location(&self, machine: usize) -> Location {
        let found = self.network.machine(machine);
        match &found.role {
            Role::Node => Location::Node {
                name: found.name.clone(),
            },
            Role::Pod { namespace, node } => Location::Pod {
                namespace: namespace.clone(),
                name: found.name.clone(),
                node: self.network.machine(*node).name.clone(),
            },
            Role::Router => Location::Router,
            Role::Balancer(balancer) => Location::Balancer {
                namespace: balancer.service.namespace.clone(),
                name: balancer.service.name.clone(),
            },
            Role::Lan | Role::Internet => Location::Outside {
                name: found.name.clone(),
            },
        }
    }

    /// Where a process is: in a Pod of the Node's own network, or as its machine.
    pub(super) fn location_of(&self, machine: usize, owner: &Owner) -> Location {
        match (owner, self.network.machine(machine)) {
            (Owner::Pod { namespace, name }, found) if found.role == Role::Node => Location::Pod {
                namespace: namespace.clone(),
                name: name.clone(),
                node: found.name.clone(),
            },
            _ => self.location(machine),
        }
    }

    /// Where the client is.
    pub(super) fn client_location(&self) -> Location {
        let from: Vec<&str> = self.client.id.split('/').collect();
        let guest = match from[..] {
            ["pod", namespace, name] => Some((namespace, name)),
            ["pod", name] => Some(("default", name)),
            _ => None,
        };
        match guest {
            Some((namespace, name)) if is_node(self.network, self.machine) => Location::Pod {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                node: self.network.machine(self.machine).name.clone(),
            },
            _ => self.location(self.machine),
        }
    }

    pub(super) fn client_place(&self) -> Place<'_> {
        self.place(self.machine)
    }

    /// What the comment of a Node's rule says.
    pub(super) fn comment(&self, machine: usize, at: &RuleAt) -> Option<&str> {
        let family = IpFamily::of(self.sent.dst);
        self.network.machine(machine).host.comment(family, at)
    }

    /// Whether an address is a Node's own: not one of those that IPVS mode binds to a device, nor a
    /// load balancer's that a route makes local.
    pub(super) fn is_own(&self, machine: usize, address: IpAddr) -> bool {
        let routing = &self.network.machine(machine).host.routing;
        routing.is_local(address)
            && routing.device_of(address) != Some(IPVS_DEVICE)
            && !self.network.is_balanced(address)
    }

    /// The door that a matched rule is: where a packet's destination is recognised as a Service's.
    pub(super) fn door(&self, machine: usize, look: &Look) -> Option<Door<'_>> {
        if !look.matched {
            return None;
        }
        let door = |name, of_node_ports, refuses| {
            Some(Door {
                name,
                of_node_ports,
                refuses,
            })
        };
        match (look.at.table.as_str(), look.at.chain.as_str()) {
            ("nat", "KUBE-SERVICES") => door("KUBE-SERVICES", false, false),
            ("nat", "KUBE-NODEPORTS") => door("KUBE-NODEPORTS", true, false),
            ("filter", "KUBE-EXTERNAL-SERVICES") => door("KUBE-EXTERNAL-SERVICES", true, true),
            ("ipvs", _) if look.at.number == 0 => door("IPVS", true, false),
            _ => {
                let family = IpFamily::of(self.sent.dst);
                let rules = self.network.machine(machine).host.nft(family)?;
                match rules.map_of(&look.at)? {
                    "service-ips" => door("service-ips", false, false),
                    "service-nodeports" => door("service-nodeports", true, false),
                    "no-endpoint-services" => door("no-endpoint-services", false, true),
                    "no-endpoint-nodeports" => door("no-endpoint-nodeports", true, true),
                    _ => None,
                }
            }
        }
    }

    /// The address on which a machine's process listens on a packet's port, where it is another one
    /// than the packet's.
    pub(super) fn listens_elsewhere(&self, machine: usize, packet: &Packet) -> Option<IpAddr> {
        let (protocol, port) = packet.transport.protocol().zip(packet.transport.dport())?;
        self.network
            .machine(machine)
            .listens_elsewhere(protocol, port)
    }

    /// The virtual server of a rule's name, if it names one.
    pub(super) fn virtual_server(&self, machine: usize, at: &RuleAt) -> Option<&VirtualServer> {
        let family = IpFamily::of(self.sent.dst);
        self.network.machine(machine).host.ipvs(family)?.named(at)
    }

    /// Whether a Node's rule sends on those who came before.
    pub(super) fn remembers(&self, machine: usize, at: &RuleAt) -> bool {
        let family = IpFamily::of(self.sent.dst);
        self.network.machine(machine).host.remembers(family, at)
    }

    /// The fields behind a Node's rules, each once.
    pub(super) fn origins<'r>(
        &self,
        machine: usize,
        rules: impl Iterator<Item = &'r RuleAt>,
    ) -> Vec<Origin> {
        let Some(lookup) = self.lookups.origins else {
            return Vec::new();
        };
        let node = &self.network.machine(machine).name;
        let mut found: Vec<Origin> = Vec::new();
        for origin in rules.flat_map(|at| lookup(node, at)) {
            if !found.contains(&origin) {
                found.push(origin);
            }
        }
        found
    }
}

pub(super) fn change(rewrite: &Rewrite) -> Change {
    match (rewrite.destination, rewrite.undone) {
        (true, false) => Change::Dnat,
        (false, false) => Change::Snat,
        // On the way back a destination that changes is the source's rewriting undone.
        (true, true) => Change::UnSnat,
        (false, true) => Change::UnDnat,
    }
}

pub(super) fn rewrite_of(passage: &Passage, destination: bool) -> Option<&Rewrite> {
    (passage.rewrites.iter()).find(|rewrite| rewrite.destination == destination && !rewrite.undone)
}

/// Whether the request's TTL ended.
pub(super) fn ended_by_ttl(ending: &Ending) -> bool {
    let ttl = |stop: &Stop| {
        matches!(
            stop,
            Stop::Lost {
                why: Loss::TimeExceeded,
                ..
            }
        )
    };
    match ending {
        Ending::Told {
            stop: Some(stop), ..
        } => ttl(stop),
        Ending::Silence { stop, answered } => answered.is_none() && ttl(stop),
        _ => false,
    }
}

/// The first event at a machine that the packet had passed before.
pub(super) fn first_return(events: &[&Event]) -> usize {
    (0..events.len())
        .find(|&index| {
            (events[..index].iter())
                .any(|event| event.machine == events[index].machine && event.came != Came::Own)
        })
        .unwrap_or(events.len())
}

/// Between whom a packet went round: the machine before the one on which it ended.
pub(super) fn came_from<'a>(told: &'a Told<'_>, event: &Event) -> Option<Place<'a>> {
    match event.came {
        Came::From(machine) => Some(told.place(machine)),
        Came::Own | Came::Bridged(_) => None,
    }
}
