//! The lab's wires: built from the world when the first packet is sent, kept until it changes.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::scene::Client;
use super::session::Lab;
use super::world::World;
use crate::api::{Node, Origin, Pod};
use crate::net::{IpFamily, Protocol};
use crate::netfilter::RuleAt;
use crate::netfilter::chance::Seeded;
use crate::netfilter::iptables::{Before, Tables};
use crate::network::{
    ClientKind, Journey, Lookups, Network, Owner, Plan, PlanOutside, Request, RequestError, Serves,
    Socket, State, kubeadm,
};

/// The name of the machine on which the API server runs.
const CONTROL_PLANE: &str = "control-plane";

/// What is added to the seed for each request: an odd number far from small ones, so that
/// neighbouring seeds do not share draws.
const SEED_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The network, and what its Nodes remember of earlier packets.
#[derive(Debug, Default)]
pub(super) struct Wires {
    network: Option<Network>,
    state: State,
    /// How many requests were sent, so that each draws anew.
    sent: u64,
}

impl Wires {
    /// Walks one request.
    pub(super) fn send(&mut self, lab: &Lab, request: &Request) -> Result<Journey, RequestError> {
        let network = self.network.get_or_insert_with(|| network(lab));
        let seed = lab
            .settings()
            .seed
            .wrapping_add(self.sent.wrapping_mul(SEED_STEP));
        self.sent += 1;
        let origins = |node: &str, rule: &RuleAt| -> Vec<Origin> {
            // Nobody knows what made a rule that a person brought along.
            let written = lab.rules(node).filter(|_| lab.own_rules(node).is_none());
            written.map_or_else(Vec::new, |rules| rules.origins(rule).to_vec())
        };
        network.walk(
            &mut self.state,
            &mut Seeded::new(seed),
            request,
            Lookups {
                origins: Some(&origins),
                resolve: None,
            },
        )
    }
}

/// Who stands on the street of a world.
pub(super) fn street(world: &World) -> Vec<Client> {
    plan(world)
        .outside
        .iter()
        .filter(|machine| machine.name != CONTROL_PLANE)
        .filter_map(|machine| {
            Some(Client {
                id: format!("external/{}", machine.name),
                name: machine.name.clone(),
                kind: if machine.on_lan {
                    ClientKind::Lan
                } else {
                    ClientKind::Internet
                },
                address: machine.addresses.first()?.addr().to_string(),
            })
        })
        .collect()
}

/// The machines of a world: its Nodes and Pods, the street, the API server.
fn plan(world: &World) -> Plan {
    let nodes: Vec<Node> = world.store.nodes().cloned().collect();
    let pods: Vec<Pod> = world.store.pods().cloned().collect();
    let mut plan = kubeadm::plan(&nodes, &pods);
    plan.outside.extend(control_plane(world, &plan));
    plan
}

/// The machine behind `default/kubernetes`, if it is none of the Nodes.
fn control_plane(world: &World, plan: &Plan) -> Option<PlanOutside> {
    let slice = world.store.endpoint_slice("default", "kubernetes")?;
    let address: IpAddr = slice.endpoints.first()?.addresses.first()?.parse().ok()?;
    let port = u16::try_from(slice.ports.first()?.port?).ok()?;
    let is_node = plan
        .nodes
        .iter()
        .flat_map(|node| &node.addresses)
        .any(|own| own.addr() == address);
    let lan = plan.router.iter().flat_map(|router| &router.lan);
    let prefix = lan
        .into_iter()
        .find(|lan| lan.contains(&address))
        .map(IpNet::prefix_len)?;
    if is_node {
        return None;
    }
    Some(PlanOutside {
        name: CONTROL_PLANE.to_owned(),
        addresses: vec![IpNet::new(address, prefix).ok()?],
        on_lan: true,
        sockets: vec![Socket {
            protocol: Protocol::Tcp,
            address: None,
            port: Some(port),
            owner: Owner::Machine,
            serves: Serves::Itself,
        }],
    })
}

/// The network of a lab's world, with the rules that kube-proxy wrote on every Node.
fn network(lab: &Lab) -> Network {
    let world = lab.world();
    let mut network = Network::new(&plan(world));
    for node in world.store.nodes() {
        let name = &node.metadata.name;
        if let Some(tables) = tables(lab, name) {
            network.set_tables(name, tables);
        }
        if let Some(own) = lab.own_rules(name) {
            network.set_ipsets(name, own.sets());
        }
    }
    network
}

/// A Node's iptables rules as its kernel holds them: a person's own, or those of kube-proxy.
pub(super) fn tables(lab: &Lab, node: &str) -> Option<Arc<Tables>> {
    if let Some(own) = lab.own_rules(node) {
        // What is wrong with them was said when they came.
        return Some(Arc::clone(own.tables()));
    }
    let rules = lab.rules(node)?;
    let set = rules.set();
    let mut tables = Tables::new(IpFamily::IPv4);
    // kube-proxy's own text is always modelled in full; the recorded vectors prove it.
    for (number, call) in (1..).zip(set.top_level()) {
        let told = tables.ensure(call, number);
        debug_assert!(told.is_ok(), "{told:?}");
    }
    let errors = tables.restore(&set.text(), Before::Keep);
    debug_assert!(errors.is_empty(), "{errors:?}");
    Some(Arc::new(tables))
}
