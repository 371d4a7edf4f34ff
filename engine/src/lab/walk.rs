//! The lab's wires: built from the world when the first packet is sent, kept until it changes.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::scene::Client;
use super::session::Lab;
use super::stale;
use super::world::World;
use crate::api::{Node, Origin, Pod};
use crate::net::{IpFamily, Protocol};
use crate::netfilter::RuleAt;
use crate::netfilter::chance::Seeded;
use crate::netfilter::iptables::{Before, Tables};
use crate::network::{
    ClientKind, Journey, Lookups, Network, NodeIpvs, NodeRules, Owner, Plan, PlanOutside, Request,
    RequestError, Reuse, Serves, Socket, State, Tally, kubeadm,
};
use crate::proxy::{Mode, RuleSet};

/// The name of the machine on which the API server runs.
const CONTROL_PLANE: &str = "control-plane";

/// What is added to the seed for each request: an odd number far from small ones, so that
/// neighbouring seeds do not share draws.
const SEED_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// How much virtual time passes after a request, in milliseconds. Somebody sent it by hand; and
/// connections that were closed are forgotten in time, however many requests are sent.
const REQUEST_MS: u64 = 1_000;

/// The same for each of many requests at once.
const ONE_OF_MANY_MS: u64 = 2;

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
    pub(super) fn send(
        &mut self,
        lab: &Lab,
        request: &Request,
        reuse: Reuse,
    ) -> Result<Journey, RequestError> {
        let journey = self.with(lab, |network, state, chance, lookups| {
            network.walk_with(state, chance, request, lookups, reuse)
        });
        self.advance(REQUEST_MS);
        journey
    }

    /// Sends many requests.
    pub(super) fn send_many(
        &mut self,
        lab: &Lab,
        request: &Request,
        count: u32,
    ) -> Result<Tally, RequestError> {
        let tally = self.with(lab, |network, state, chance, lookups| {
            network.walk_many(state, chance, request, lookups, count)
        });
        self.advance(REQUEST_MS.max(u64::from(count) * ONE_OF_MANY_MS));
        tally
    }

    fn with<T>(
        &mut self,
        lab: &Lab,
        go: impl FnOnce(&Network, &mut State, &mut Seeded, Lookups<'_>) -> T,
    ) -> T {
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
        let lookups = Lookups {
            origins: Some(&origins),
            resolve: None,
        };
        go(network, &mut self.state, &mut Seeded::new(seed), lookups)
    }

    /// The world changed: what the Nodes remember stays, but for what kube-proxy clears away.
    pub(super) fn world_changed(&mut self, world: &World) {
        self.network = None;
        stale::clear(&mut self.state, world);
    }

    /// What time it is, in milliseconds since the world began.
    pub(super) fn now_ms(&self) -> u64 {
        self.state.now_ms
    }

    /// Lets time pass.
    pub(super) fn advance(&mut self, ms: u64) {
        self.state.now_ms = self.state.now_ms.saturating_add(ms);
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

/// The network of a lab's world, with what kube-proxy programmed on every Node.
fn network(lab: &Lab) -> Network {
    let world = lab.world();
    let proxy = &lab.settings().proxy;
    let mut plan = plan(world);
    for pod in &mut plan.pods {
        if let Some(listens) = lab.listens(&pod.namespace, &pod.name) {
            pod.listens = listens.clone();
        }
    }
    for node in &mut plan.nodes {
        // kube-proxy sets it at start, in this mode only.
        node.route_localnet = proxy.mode == Mode::Iptables && proxy.localhost_node_ports;
    }
    let mut network = Network::new(&plan);
    for node in world.store.nodes() {
        let name = &node.metadata.name;
        if lab.own_rules(name).is_none()
            && let Some(rules) = lab.rules(name)
        {
            program(&mut network, name, rules.set());
            continue;
        }
        if let Some(tables) = tables(lab, name) {
            network.set_tables(name, tables);
        }
        if let Some(own) = lab.own_rules(name) {
            network.set_ipsets(name, own.sets());
        }
    }
    network
}

/// Gives a Node what its kube-proxy programmed.
fn program(network: &mut Network, node: &str, set: &RuleSet) {
    let family = set.family();
    // kube-proxy's own text is always modelled in full; the recorded vectors prove it.
    if set.mode() == Mode::Nftables {
        let errors = network.set_nft(node, family, &set.text());
        debug_assert!(errors.is_empty(), "{errors:?}");
        return;
    }
    if let Some(tables) = set.ipvs() {
        let ipvs = NodeIpvs {
            servers: tables.ipvsadm.clone(),
            sets: tables.ipset.clone(),
            addresses: tables.kube_ipvs0.clone(),
        };
        // A scheduler that is not modelled is named again by every journey that comes to it.
        network.set_ipvs(node, family, &ipvs);
    }
    let calls = (set.top_level().iter())
        .map(|call| (*call).to_owned())
        .collect();
    let rules = NodeRules {
        calls,
        restore: set.text(),
    };
    let errors = network.set_rules(node, family, &rules);
    debug_assert!(errors.is_empty(), "{errors:?}");
}

/// A Node's iptables rules as its kernel holds them: a person's own, or those of kube-proxy;
/// `None` where kube-proxy writes none.
pub(super) fn tables(lab: &Lab, node: &str) -> Option<Arc<Tables>> {
    if let Some(own) = lab.own_rules(node) {
        // What is wrong with them was said when they came.
        return Some(Arc::clone(own.tables()));
    }
    let rules = lab.rules(node)?;
    let set = rules.set();
    if set.mode() == Mode::Nftables {
        return None;
    }
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
