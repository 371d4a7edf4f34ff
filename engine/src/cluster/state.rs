//! Everything that a cluster is at one moment.
//!
//! A clone shares what is in it, so that a command costs what it changes, and undoing one is putting
//! back what was there before.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::balancers::Balancers;
use super::settings::Settings;
use super::tree;
use crate::api::allocate::Allocators;
use crate::api::{Kind, Object, ObjectRef, Store};
use crate::controllers::clock;
use crate::controllers::endpoint_slice::Memory;
use crate::controllers::load_balancer::Provider;
use crate::random;
use crate::yaml::{self, Node};

/// What happens at a time of its own. Of events at one time the first in this order comes first: what
/// Pods do, then who looks at them, then who looks at that.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// The containers of a Pod run. First what its place is among those that start.
    Started(u64, ObjectRef, String),
    /// A Pod's readiness probe gives another answer.
    Probed(ObjectRef, String),
    /// A Pod's processes have ended.
    Stopped(ObjectRef, String),
    /// A Node was unreachable for so long that its Pods are given up.
    Evicted(String),
    /// A provider has built what a Service asks for, or taken it down.
    LoadBalancer(ObjectRef, String),
    /// A Service's load balancer carries traffic.
    BalancerActive(ObjectRef, String),
    /// A Service's load balancer has noticed how a target answers its health check.
    Checked(ObjectRef, String),
    /// The controllers of workloads, and the garbage collector.
    Workloads,
    /// The scheduler, and the kubelets that take on what it placed.
    Scheduler,
    /// The controllers of EndpointSlices and Endpoints.
    Endpoints,
    /// The providers' controllers.
    Providers,
    /// kube-proxy on every Node.
    Proxies,
    /// Load balancers' health checks may find another answer.
    Balancers,
}

/// Who listens in a Pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Listening {
    /// Its processes, on every address: what they should.
    #[default]
    Everywhere,
    /// Its processes, on 127.0.0.1 only: nobody else reaches them.
    LocalhostOnly,
    /// Nobody: connections are refused.
    Nowhere,
}

/// What a person did to a Pod by hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Switches {
    /// What its readiness probe says; `None` to ask it.
    pub ready: Option<bool>,
    /// Who listens in it.
    pub listening: Listening,
}

/// An object as it was written, and what the engine's type said of it then.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// The whole tree, with the defaults of fields that no type has.
    pub raw: Node,
    /// What the type read in it. What it says otherwise by now has changed since.
    pub object: Rc<Object>,
}

/// Something that a controller said of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When, in milliseconds of virtual time.
    pub at: u64,
    /// Of what.
    pub object: ObjectRef,
    /// By whom: `service-controller`.
    pub source: &'static str,
    /// `Normal` or `Warning`.
    pub type_: &'static str,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    /// Milliseconds of virtual time.
    pub now: u64,
    /// Counts writes: `resourceVersion`.
    pub version: u64,
    pub store: Store,
    pub written: Rc<BTreeMap<ObjectRef, Rc<Written>>>,
    pub allocators: Rc<Allocators>,
    pub provider: Provider,
    /// What each Node's kube-proxy has made rules of.
    pub programmed: Rc<BTreeMap<String, Store>>,
    /// The load balancers that are built.
    pub balancers: Balancers,
    /// Nodes that are switched off.
    pub stopped: Rc<BTreeSet<String>>,
    pub switches: Rc<BTreeMap<ObjectRef, Switches>>,
    /// Objects of a real cluster's dump that nobody touched: no controller acts on them.
    pub resting: Rc<BTreeSet<ObjectRef>>,
    /// How many Pods each workload made in its life.
    pub born: Rc<BTreeMap<ObjectRef, u64>>,
    /// The offset of the address that each range gave last.
    pub last_address: Rc<BTreeMap<String, u64>>,
    /// The addresses that Pods have, as of a version: thousands of Pods may start one after the
    /// other, and each asks.
    pub taken: Option<(u64, Rc<BTreeSet<IpAddr>>)>,
    pub memory: Rc<BTreeMap<ObjectRef, Memory>>,
    /// What the controllers of endpoints saw when they last looked.
    pub seen: Store,
    /// Services at which they look again, whether anything changed or not.
    pub unseen: Rc<BTreeSet<ObjectRef>>,
    pub recorded: Rc<Vec<Recorded>>,
    queue: BTreeSet<(u64, Event)>,
    times: BTreeMap<Event, u64>,
}

impl State {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            now: 0,
            version: 0,
            store: Store::default(),
            written: Rc::default(),
            allocators: Rc::new(Allocators::new(settings.ranges.clone(), settings.seed)),
            provider: settings.provider,
            programmed: Rc::default(),
            balancers: Rc::default(),
            stopped: Rc::default(),
            switches: Rc::default(),
            resting: Rc::default(),
            born: Rc::default(),
            last_address: Rc::default(),
            taken: None,
            memory: Rc::default(),
            seen: Store::default(),
            unseen: Rc::default(),
            recorded: Rc::default(),
            queue: BTreeSet::new(),
            times: BTreeMap::new(),
        }
    }

    /// Plans an event after some milliseconds. One that is planned already comes at the earlier of
    /// the two times.
    pub(super) fn plan(&mut self, event: Event, after: u64) {
        let at = self.now.saturating_add(after);
        if let Some(planned) = self.times.get(&event).copied() {
            if planned <= at {
                return;
            }
            self.queue.remove(&(planned, event.clone()));
        }
        self.times.insert(event.clone(), at);
        self.queue.insert((at, event));
    }

    /// When the next event comes.
    pub(super) fn next_at(&self) -> Option<u64> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// What is planned, in its order.
    pub(super) fn queue(&self) -> impl Iterator<Item = &(u64, Event)> {
        self.queue.iter()
    }

    /// The next event, taken out.
    pub(super) fn pop(&mut self) -> Option<Event> {
        let (at, event) = self.queue.pop_first()?;
        self.times.remove(&event);
        self.now = self.now.max(at);
        Some(event)
    }

    /// The time now as the API writes it.
    pub(super) fn time(&self, settings: &Settings) -> String {
        clock::rfc3339(self.seconds(settings))
    }

    /// The time now in seconds since 1970.
    pub(super) fn seconds(&self, settings: &Settings) -> i64 {
        let passed = i64::try_from(self.now / 1_000).unwrap_or(i64::MAX);
        settings.start.saturating_add(passed)
    }

    /// Stores an object, if it is another one than before. Whoever has to look at it is told.
    pub(super) fn put(&mut self, mut object: Object, settings: &Settings) {
        let reference = object.reference();
        let old = self.store.get(&reference);
        if let Some(old) = old {
            // What was read back is written back with the version that was read.
            if *old == object {
                return;
            }
        }
        self.version += 1;
        object.metadata_mut().resource_version = self.version.to_string();
        self.store.put(object);
        self.tell(reference.kind, settings);
    }

    /// Takes an object out for good.
    pub(super) fn remove(&mut self, reference: &ObjectRef, settings: &Settings) {
        let Some(object) = self.store.remove(reference) else {
            return;
        };
        self.version += 1;
        if self.written.contains_key(reference) {
            Rc::make_mut(&mut self.written).remove(reference);
        }
        if self.switches.contains_key(reference) {
            Rc::make_mut(&mut self.switches).remove(reference);
        }
        if self.born.contains_key(reference) {
            Rc::make_mut(&mut self.born).remove(reference);
        }
        if self.resting.contains(reference) {
            Rc::make_mut(&mut self.resting).remove(reference);
        }
        // What it owned rests no more: it goes as well.
        if !self.resting.is_empty() {
            let uid = &object.metadata().uid;
            let store = &self.store;
            let is_left = |name: &ObjectRef| {
                let own = store.get(name).map(|own| &own.metadata().owner_references);
                own.is_some_and(|owners| owners.iter().any(|owner| owner.uid == *uid))
            };
            let left: Vec<ObjectRef> = self
                .resting
                .iter()
                .filter(|n| is_left(n))
                .cloned()
                .collect();
            for name in left {
                Rc::make_mut(&mut self.resting).remove(&name);
            }
        }
        // The garbage collector looks for what it owned.
        self.plan(Event::Workloads, settings.timing.controller);
        if let Object::Service(service) = &*object {
            Rc::make_mut(&mut self.allocators).release(service);
            if self.memory.contains_key(reference) {
                Rc::make_mut(&mut self.memory).remove(reference);
            }
        }
        self.tell(reference.kind, settings);
    }

    /// Plans what has to happen because an object of this kind is there anew.
    pub(super) fn touch(&mut self, kind: Kind, settings: &Settings) {
        self.tell(kind, settings);
    }

    /// Plans what has to happen because an object of this kind changed.
    fn tell(&mut self, kind: Kind, settings: &Settings) {
        let timing = &settings.timing;
        match kind {
            Kind::Pod => {
                self.plan(Event::Workloads, timing.controller);
                self.plan(Event::Scheduler, timing.controller);
                self.plan(Event::Endpoints, timing.endpoints);
            }
            Kind::Node => {
                self.plan(Event::Workloads, timing.controller);
                self.plan(Event::Scheduler, timing.controller);
                self.plan(Event::Endpoints, timing.endpoints);
                self.plan(Event::Proxies, timing.proxy);
            }
            Kind::Service => {
                self.plan(Event::Endpoints, timing.endpoints);
                self.plan(Event::Providers, timing.controller);
                self.plan(Event::Proxies, timing.proxy);
            }
            Kind::EndpointSlice => {
                self.plan(Event::Proxies, timing.proxy);
                if !self.balancers.is_empty() {
                    self.plan(Event::Balancers, 0);
                }
            }
            Kind::Endpoints => self.plan(Event::Endpoints, timing.endpoints),
            Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet => {
                self.plan(Event::Workloads, timing.controller);
            }
            Kind::Namespace => self.plan(Event::Workloads, timing.controller),
            Kind::ConfigMap | Kind::Secret | Kind::ServiceAccount => {}
        }
    }

    /// What the server gives to every new object.
    pub(super) fn stamp(&self, object: &mut Object, settings: &Settings) {
        let reference = object.reference();
        let metadata = object.metadata_mut();
        if metadata.uid.is_empty() {
            let key = format!("uid {reference} {}", self.now);
            metadata.uid = uid(settings.seed, &key);
        }
        if metadata.creation_timestamp.is_none() {
            metadata.creation_timestamp = Some(self.time(settings));
        }
        if reference.kind.is_workload() {
            metadata.generation.get_or_insert(1);
        }
    }

    /// An object as the server prints it, whole; `None` if there is none.
    pub(super) fn tree(&self, reference: &ObjectRef) -> Option<Node> {
        let object = self.store.shared(reference)?;
        let kind = reference.kind;
        let mut node = match self.written.get(reference) {
            None => to_tree(object),
            Some(written) if Rc::ptr_eq(object, &written.object) => written.raw.clone(),
            Some(written) => {
                let before = to_tree(&written.object);
                tree::carry(&before, &to_tree(object), &written.raw, kind.as_str())
            }
        };
        tree::set(&mut node, &["apiVersion"], kind.api_version().into());
        tree::set(&mut node, &["kind"], kind.as_str().into());
        tree::set(
            &mut node,
            &["metadata", "name"],
            reference.name.as_str().into(),
        );
        if kind.is_namespaced() {
            let namespace = reference.namespace.as_str();
            tree::set(&mut node, &["metadata", "namespace"], namespace.into());
        }
        Some(node)
    }

    /// Remembers what an object was written as, and what its type read in it.
    pub(super) fn remember(&mut self, reference: &ObjectRef, raw: Node, object: Rc<Object>) {
        let written = Rc::new(Written { raw, object });
        Rc::make_mut(&mut self.written).insert(reference.clone(), written);
    }

    pub(super) fn switches_of(&self, pod: &ObjectRef) -> Switches {
        self.switches.get(pod).copied().unwrap_or_default()
    }

    pub(super) fn record(
        &mut self,
        object: ObjectRef,
        source: &'static str,
        type_: &'static str,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) {
        let said = Recorded {
            at: self.now,
            object,
            source,
            type_,
            reason: reason.into(),
            message: message.into(),
        };
        Rc::make_mut(&mut self.recorded).push(said);
    }
}

/// What the engine's type says of an object.
pub(super) fn to_tree(object: &Object) -> Node {
    // Every type of an object is one of maps, lists, texts and numbers.
    yaml::to_node(object).unwrap_or_else(|_| Node::map([]))
}

/// A version 4 UUID that a key decides.
fn uid(seed: u64, key: &str) -> String {
    let mut rng = random::keyed(seed, key);
    let (high, low) = (
        random::below(&mut rng, u64::MAX),
        random::below(&mut rng, u64::MAX),
    );
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48 & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}
