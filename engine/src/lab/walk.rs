//! The lab's wires: built from the world when the first packet is sent, kept until it changes.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::mem::take;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use ipnet::IpNet;

use super::balancers;
use super::internet;
use super::names::{Asking, ClientNames, Names};
use super::rules::NodeRules as Rules;
use super::scene::Client;
use super::session::Lab;
use super::stale;
use super::world::World;
use crate::api::{Kind, Node, ObjectRef, Origin, Pod};
use crate::cluster::Listening;
use crate::dns::{Answer, Question, Record, RecordType};
use crate::limits::MAX_ADDRESSES_TRIED;
use crate::net::{IpFamily, Protocol};
use crate::netfilter::chance::Seeded;
use crate::netfilter::iptables::Tables;
use crate::netfilter::{HostState, RuleAt, nft};
use crate::network::{
    ClientKind, Journey, Listens, Lookups, Machine, NameLookup, Network, NodeIpvs, NodeRules,
    OriginsOf, Owner, PassedOver, Plan, PlanOutside, Request, RequestError, Reuse, Serves, Socket,
    State, Step, Tally, VerdictKind, kubeadm,
};
use crate::proxy::{Mode, RuleSet};

/// The name of the machine on which the API server runs.
const CONTROL_PLANE: &str = "control-plane";

/// What is added to the seed for each request: an odd number far from small ones, so that
/// neighbouring seeds do not share draws.
const SEED_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// How much virtual time a request and its answer take, in milliseconds.
const REQUEST_MS: u64 = 10;

/// How long a client waits where nothing comes back, in milliseconds.
const PATIENCE_MS: u64 = 1_000;

/// The same for each of many requests at once.
const ONE_OF_MANY_MS: u64 = 2;

/// A machine, as somebody on it sees it.
pub(crate) struct Seen<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// What it remembers, if it is a Node.
    pub state: Option<&'a HostState>,
    /// Virtual time in milliseconds.
    pub now_ms: u64,
}

/// The network, and what its Nodes remember of earlier packets.
#[derive(Debug, Default)]
pub(super) struct Wires {
    network: Option<Rc<Network>>,
    /// The rules of the other family of a dual-stack cluster, by Node.
    other: Rc<BTreeMap<String, Rules>>,
    names: Option<Names>,
    /// Shared with the steps that can be taken back, until a packet changes it.
    state: Rc<State>,
    /// How many requests were sent, so that each draws anew.
    sent: u64,
    /// How far this clock is before the cluster's. The clock is the cluster's; but that one goes
    /// back when something is taken back, and connections never grow younger.
    ahead_ms: i64,
    /// How long the requests took since somebody asked.
    passed_ms: u64,
}

/// A copy's Nodes remember nothing, and its draws begin anew. Wires that are laid already are
/// laid there, too.
impl Clone for Wires {
    fn clone(&self) -> Self {
        Self {
            network: self.network.clone(),
            other: Rc::clone(&self.other),
            ..Self::default()
        }
    }
}

/// What machines remember at one moment, and which draw comes next then.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    state: Rc<State>,
    sent: u64,
}

impl Memory {
    /// How many connections the Nodes know.
    pub(super) fn connections(&self) -> usize {
        self.state.connections()
    }
}

impl Wires {
    /// Walks one request.
    pub(super) fn send(
        &mut self,
        lab: &Lab,
        request: &Request,
        reuse: Reuse,
    ) -> Result<Journey, RequestError> {
        let seed = self.next_seed(lab);
        let name = request.name()?;
        let lookup = self.origins(lab);
        let origins = |node: &str, rule: &RuleAt| lookup.origins(node, rule);
        let (network, names, state) = self.parts(lab);
        let mut chance = Seeded::new(seed);
        if let Some(address) = request.address() {
            lookup.family.set(IpFamily::of(address));
        }
        let mut journey = match name {
            None => {
                let lookups = Lookups {
                    origins: Some(&origins),
                    names: None,
                };
                network.walk_with(state, &mut chance, request, lookups, reuse)?
            }
            Some(name) => {
                let mut asking = Asking {
                    world: lab.world(),
                    network,
                    state,
                    names,
                    origins: &origins,
                    seed,
                };
                let found = asking.lookup(&request.from, &name, None)?;
                if found.address.is_none() {
                    let mut journey = network.without_address(request, &found)?;
                    if let Some(next) = asking.suggestion(&request.from, &found.resolution) {
                        journey.suggest(next);
                    }
                    journey
                } else {
                    by_name(
                        network,
                        state,
                        &mut chance,
                        request,
                        found,
                        (&origins, &lookup.family),
                        reuse,
                    )?
                }
            }
        };
        internet::judge(&mut journey);
        self.passed_ms += match journey.verdict.kind {
            VerdictKind::TimedOut => PATIENCE_MS,
            _ => REQUEST_MS,
        };
        Ok(journey)
    }

    /// Tells one request of a kind as if it had never been sent: nothing remembers it, no time
    /// passes, and the next request draws what it would have drawn.
    pub(super) fn rehearse(
        &mut self,
        lab: &Lab,
        request: &Request,
    ) -> Result<Journey, RequestError> {
        let memory = self.memory();
        let journey = self.send(lab, request, Reuse::Close);
        self.remember(memory);
        self.passed_ms = 0;
        journey
    }

    /// Sends many requests. A name is looked up once, and the first address is taken.
    pub(super) fn send_many(
        &mut self,
        lab: &Lab,
        request: &Request,
        count: u32,
    ) -> Result<Tally, RequestError> {
        let found = match request.name()? {
            Some(name) => Some(self.lookup(lab, &request.from, &name, None)?),
            None => None,
        };
        let seed = self.next_seed(lab);
        let lookup = self.origins(lab);
        let address = match &found {
            Some(found) => found.address,
            None => request.address(),
        };
        if let Some(address) = address {
            lookup.family.set(IpFamily::of(address));
        }
        let origins = |node: &str, rule: &RuleAt| lookup.origins(node, rule);
        let (network, _, state) = self.parts(lab);
        let lookups = Lookups {
            origins: Some(&origins),
            names: found.as_ref(),
        };
        let mut tally = network.walk_many(state, &mut Seeded::new(seed), request, lookups, count);
        if let Ok(tally) = &mut tally {
            internet::judge_many(tally, found.as_ref());
        }
        self.passed_ms += REQUEST_MS.max(u64::from(count) * ONE_OF_MANY_MS);
        tally
    }

    /// The world changed: what the Nodes remember stays, but for what kube-proxy clears away.
    pub(super) fn world_changed(&mut self, world: &World) {
        self.network = None;
        self.names = None;
        stale::clear(&mut self.state, world);
    }

    /// What the machines remember, and which draw comes next.
    pub(super) fn memory(&self) -> Memory {
        Memory {
            state: Rc::clone(&self.state),
            sent: self.sent,
        }
    }

    /// Goes back to what they remembered.
    pub(super) fn remember(&mut self, memory: Memory) {
        self.state = memory.state;
        self.sent = memory.sent;
    }

    /// The same for a step that is taken back, or done again: the clock goes on.
    pub(super) fn remember_then(&mut self, memory: Memory) {
        let now_ms = self.state.now_ms;
        self.remember(memory);
        if self.state.now_ms < now_ms {
            Rc::make_mut(&mut self.state).now_ms = now_ms;
        }
    }

    /// What time it is, in milliseconds, when it is so late in the cluster.
    pub(super) fn now_ms(&self, cluster_ms: u64) -> u64 {
        cluster_ms
            .saturating_add_signed(self.ahead_ms)
            .max(self.state.now_ms)
    }

    /// Sets the clock by the cluster's.
    pub(super) fn set_clock(&mut self, cluster_ms: u64) {
        let now_ms = self.now_ms(cluster_ms);
        if now_ms != self.state.now_ms {
            Rc::make_mut(&mut self.state).now_ms = now_ms;
        }
        self.keep_clock(cluster_ms);
    }

    /// The cluster was made anew, and so was its clock: this one goes on from where it is.
    pub(super) fn keep_clock(&mut self, cluster_ms: u64) {
        if self.state.now_ms > 0 {
            self.ahead_ms = self.state.now_ms.wrapping_sub(cluster_ms).cast_signed();
        }
    }

    /// How long the requests took since somebody asked, in milliseconds.
    pub(super) fn take_passed(&mut self) -> u64 {
        take(&mut self.passed_ms)
    }

    /// Looks a name up as a client does, and sends nothing to its address.
    pub(super) fn lookup(
        &mut self,
        lab: &Lab,
        from: &str,
        name: &str,
        record_type: Option<RecordType>,
    ) -> Result<NameLookup, RequestError> {
        let seed = self.next_seed(lab);
        let lookup = self.origins(lab);
        let origins = |node: &str, rule: &RuleAt| lookup.origins(node, rule);
        let (network, names, state) = self.parts(lab);
        let mut asking = Asking {
            world: lab.world(),
            network,
            state,
            names,
            origins: &origins,
            seed,
        };
        asking.lookup(from, name, record_type)
    }

    /// What a client finds names with.
    pub(super) fn client_names(
        &mut self,
        lab: &Lab,
        from: &str,
    ) -> Result<ClientNames, RequestError> {
        let (network, names, _) = self.parts(lab);
        let client = network.client(from)?;
        Ok(names.client(lab.world(), network, &client))
    }

    /// The lines of the cluster's zone.
    pub(super) fn zone(&mut self, lab: &Lab) -> Vec<Record> {
        self.parts(lab).1.zone(&lab.world().store)
    }

    /// A question put to CoreDNS itself.
    pub(super) fn dig(&mut self, lab: &Lab, question: &Question) -> Result<Answer, String> {
        self.parts(lab).1.dig(question)
    }

    /// Looks at the machine of a client, and at what it remembers.
    pub(super) fn look_at<T>(
        &mut self,
        lab: &Lab,
        from: &str,
        look: impl FnOnce(&Seen<'_>) -> T,
    ) -> Result<T, RequestError> {
        let (network, _, state) = self.parts(lab);
        let client = network.client(from)?;
        let place = match client.id.split('/').collect::<Vec<_>>()[..] {
            ["pod", namespace, name] => network.pod(namespace, name),
            ["pod", name] => network.pod("", name),
            ["node", name] => network.node(name),
            [_, name] => network.outside(name),
            _ => None,
        };
        let machine = place.map(|index| &network.machines()[index]);
        let machine = machine.ok_or_else(|| RequestError::NoSuchClient(from.to_owned()))?;
        Ok(look(&Seen {
            machine,
            state: client.node.as_deref().and_then(|node| state.node(node)),
            now_ms: state.now_ms,
        }))
    }

    fn parts(&mut self, lab: &Lab) -> (&Network, &Names, &mut State) {
        let network = match &mut self.network {
            Some(network) => network,
            none => {
                let (network, other) = network(lab);
                self.other = Rc::new(other);
                none.insert(Rc::new(network))
            }
        };
        let names = self.names.get_or_insert_with(|| Names::new(lab, network));
        (network, names, Rc::make_mut(&mut self.state))
    }

    fn origins<'l>(&mut self, lab: &'l Lab) -> Made<'l> {
        // So that the rules of the other family are there.
        let _ = self.parts(lab);
        let families = lab.world().families();
        let first = families.first().copied().unwrap_or(IpFamily::IPv4);
        Made {
            lab,
            other: Rc::clone(&self.other),
            first,
            family: Cell::new(first),
        }
    }

    fn next_seed(&mut self, lab: &Lab) -> u64 {
        let step = self.sent.wrapping_mul(SEED_STEP);
        self.sent += 1;
        lab.settings().seed.wrapping_add(step)
    }
}

/// Who knows what made a rule.
struct Made<'a> {
    lab: &'a Lab,
    other: Rc<BTreeMap<String, Rules>>,
    /// The family that comes first, and the one that is being walked.
    first: IpFamily,
    family: Cell<IpFamily>,
}

impl Made<'_> {
    fn origins(&self, node: &str, rule: &RuleAt) -> Vec<Origin> {
        // Nobody knows what made a rule that a person brought along.
        if self.lab.own_rules(node).is_some() {
            return Vec::new();
        }
        if self.family.get() == self.first {
            let written = self.lab.rules(node);
            return written.map_or_else(Vec::new, |rules| rules.origins(rule).to_vec());
        }
        let written = self.other.get(node);
        written.map_or_else(Vec::new, |rules| rules.origins(rule).to_vec())
    }
}

/// Walks a request to the first of its name's addresses at which somebody answers, as clients do
/// that open connections; where nobody does, it is the way to the first one. A datagram goes to
/// the first address: nobody waits for its answer.
fn by_name(
    network: &Network,
    state: &mut State,
    chance: &mut Seeded,
    request: &Request,
    mut lookup: NameLookup,
    (origins, family): (&OriginsOf<'_>, &Cell<IpFamily>),
    reuse: Reuse,
) -> Result<Journey, RequestError> {
    let addresses = lookup.resolution.addresses.clone();
    let mut first = None;
    for address in addresses.into_iter().take(MAX_ADDRESSES_TRIED) {
        lookup.address = Some(address);
        family.set(IpFamily::of(address));
        let lookups = Lookups {
            origins: Some(origins),
            names: Some(&lookup),
        };
        let journey = network.walk_with(state, chance, request, lookups, reuse)?;
        let kind = journey.verdict.kind;
        let opening = journey.hops.iter().find(|hop| hop.step == Step::Send);
        let connects =
            opening.is_some_and(|hop| hop.before.transport.protocol() == Some(Protocol::Tcp));
        if kind == VerdictKind::Answered || !connects {
            return Ok(journey);
        }
        first.get_or_insert(journey);
        lookup.passed_over.push(PassedOver { address, kind });
    }
    match first {
        Some(journey) => Ok(journey),
        None => network.without_address(request, &lookup),
    }
}

/// Who stands on the street of a world.
pub(super) fn street(world: &World) -> Vec<Client> {
    // No Pod has a say in it.
    kubeadm::plan(&running_nodes(world), &[])
        .outside
        .iter()
        .filter(|machine| [kubeadm::LAPTOP, kubeadm::INTERNET].contains(&machine.name.as_str()))
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

/// The Nodes that are on the wire: one that is switched off is not.
fn running_nodes(world: &World) -> Vec<Node> {
    (world.store.nodes())
        .filter(|node| world.cluster().is_running(&node.metadata.name))
        .cloned()
        .collect()
}

/// The machines of a world: its Nodes and Pods, the street, the API server.
fn plan(world: &World) -> Plan {
    let nodes = running_nodes(world);
    // A Node that is switched off takes its Pods along.
    let runs = |node: &str| world.cluster().is_running(node);
    let pods: Vec<Pod> = (world.store.pods())
        .filter(|pod| runs(&pod.spec.node_name))
        .cloned()
        .collect();
    let mut plan = kubeadm::plan(&nodes, &pods);
    for pod in &mut plan.pods {
        let reference = ObjectRef::new(Kind::Pod, &*pod.namespace, &*pod.name);
        pod.listens = match (
            world.cluster().listening(&reference),
            take(&mut pod.listens),
        ) {
            (Listening::Everywhere, listens) => listens,
            (Listening::LocalhostOnly, Listens::On(ports)) => Listens::OnLoopback(ports),
            (Listening::LocalhostOnly, listens) => listens,
            (Listening::Nowhere, _) => Listens::default(),
        };
    }
    plan.outside.extend(control_plane(world, &plan));
    let lan: Vec<IpNet> = (plan.router.iter())
        .flat_map(|router| router.lan.iter().copied())
        .collect();
    let nodes = plan.nodes.iter().flat_map(|node| &node.addresses);
    let outside = plan.outside.iter().flat_map(|machine| &machine.addresses);
    let taken: Vec<IpAddr> = nodes.chain(outside).chain(&lan).map(IpNet::addr).collect();
    plan.outside.extend(internet::machines(&lan, &taken));
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

/// The network of a lab's world, with what kube-proxy programmed on every Node; and the rules of the
/// other family of a dual-stack cluster.
fn network(lab: &Lab) -> (Network, BTreeMap<String, Rules>) {
    let world = lab.world();
    let proxy = &lab.settings().proxy;
    let mut plan = plan(world);
    for node in &mut plan.nodes {
        // kube-proxy sets it at start, in this mode only.
        node.route_localnet = proxy.mode == Mode::Iptables && proxy.localhost_node_ports;
    }
    let mut network = Network::new(&plan);
    let lan = plan.router.iter().flat_map(|router| &router.lan);
    balancers::add(world, &lan.copied().collect::<Vec<_>>(), &mut network);
    let mut others = BTreeMap::new();
    let mut known = Known::default();
    for node in world.store.nodes() {
        let name = &node.metadata.name;
        let own = lab.own_rules(name);
        let own_family = own.map(|own| own.tables().family());
        if let Some(rules) = lab.rules(name)
            && own_family != Some(rules.set().family())
        {
            program(&mut network, name, rules.set(), &mut known);
        }
        if let Some(rules) = lab.other_rules(name)
            && own_family != Some(rules.set().family())
        {
            program(&mut network, name, rules.set(), &mut known);
            others.insert(name.clone(), rules);
        }
        if let Some(own) = own {
            network.set_tables(name, Arc::clone(own.tables()));
            network.set_ipsets(name, own.sets());
        }
    }
    (network, others)
}

/// Texts that were read for one Node, and what they came to. Most Nodes have the same rules, and
/// share what was read.
#[derive(Default)]
struct Known {
    tables: Vec<(IpFamily, NodeRules, Arc<Tables>)>,
    nft: Vec<(IpFamily, String, Arc<nft::Ruleset>)>,
}

/// Gives a Node what its kube-proxy programmed.
fn program(network: &mut Network, node: &str, set: &RuleSet, known: &mut Known) {
    let family = set.family();
    // kube-proxy's own text is always modelled in full; the recorded vectors prove it.
    if set.mode() == Mode::Nftables {
        let text = set.text();
        let same = |(own, other, _): &&(_, String, _)| (*own, other) == (family, &text);
        let rules = match known.nft.iter().find(same) {
            Some((_, _, rules)) => Arc::clone(rules),
            None => {
                let mut rules = nft::Ruleset::new(family);
                let errors = rules.read(&text);
                debug_assert!(errors.is_empty(), "{errors:?}");
                let rules = Arc::new(rules);
                known.nft.push((family, text, Arc::clone(&rules)));
                rules
            }
        };
        network.set_nft_rules(node, rules);
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
    let text = node_rules(set);
    let same = |(own, other, _): &&(_, NodeRules, _)| (*own, other) == (family, &text);
    let tables = match known.tables.iter().find(same) {
        Some((_, _, tables)) => Arc::clone(tables),
        None => {
            let (tables, errors) = text.tables(family);
            debug_assert!(errors.is_empty(), "{errors:?}");
            let tables = Arc::new(tables);
            known.tables.push((family, text, Arc::clone(&tables)));
            tables
        }
    };
    network.set_tables(node, tables);
}

/// What a kube-proxy hands to the tools of iptables.
fn node_rules(set: &RuleSet) -> NodeRules {
    let calls = set.top_level().iter();
    NodeRules {
        calls: calls.map(|call| (*call).to_owned()).collect(),
        restore: set.text(),
    }
}

/// A Node's iptables rules as its kernel holds them: a person's own, or those of kube-proxy.
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
    let (tables, errors) = node_rules(set).tables(set.family());
    // kube-proxy's own text is always modelled in full; the recorded vectors prove it.
    debug_assert!(errors.is_empty(), "{errors:?}");
    Some(Arc::new(tables))
}
