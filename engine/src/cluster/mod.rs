//! A cluster in virtual time: objects, who acts on them, and when.
//!
//! A [`Command`] changes objects as the API server does; what follows from that is planned as events:
//! controllers look at changes after a while, containers take time to start, kube-proxy makes new
//! rules a second later, a provider needs minutes for a load balancer. [`Cluster::advance`] lets them
//! happen in their order. Between two events the cluster is stale exactly where a real one is: an
//! endpoint is gone and its rule still there.
//!
//! The same settings, objects and commands give the same cluster on every machine. Every command can
//! be undone, and done again: what was there before is kept, and shares everything that the command
//! did not change.
//!
//! | file | is |
//! | --- | --- |
//! | `state` | all that a cluster is at one moment, and what is planned |
//! | `registry` | create, update, delete as the API server does them |
//! | `load` | taking in a text, or a real cluster's dump |
//! | `command` | what a person can do |
//! | `workloads`, `pods`, `network` | the passes of the controllers |
//! | `planned` | what happens next, in words |
//! | `balancers` | load balancers that are built, and what each has noticed |
//! | `tree`, `json_patch`, `fill` | whole objects as trees: patches, defaults of unmodelled fields |
//!
//! Source: the controllers of [`crate::controllers`]; KEP-1672 for what terminates. The times are
//! orders of magnitude ([`Timing`]).
//!
//! Left out: admission plugins, Jobs, volumes, priorities and preemption, leader elections, and a
//! control plane that fails.

mod balancers;
mod command;
mod error;
mod fill;
mod json_patch;
mod load;
mod network;
mod planned;
mod pods;
mod registry;
mod selected;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod tree;
mod workloads;

pub use balancers::Balancer;
pub use command::{Command, Done, LAST_APPLIED, Patch};
pub use error::{Cause, Reason, StatusError};
pub use load::is_recorded;
pub use planned::Planned;
pub use settings::{DEFAULT_START, Settings, Timing};
pub use state::{Listening, Recorded};
pub use tree::{merge, strategic, three_way};

use std::rc::Rc;

use crate::api::{Kind, Object, ObjectRef, Store};
use crate::controllers::load_balancer::Provider;
use crate::controllers::nodes;
use crate::limits::{MAX_EVENTS, MAX_UNDO};
use crate::yaml::Node;
use state::{Event, State};

/// A cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    settings: Settings,
    state: State,
    past: Vec<State>,
    future: Vec<State>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl Cluster {
    /// An empty cluster: no Nodes, no Namespaces.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            state: State::new(&settings),
            settings,
            past: Vec::new(),
            future: Vec::new(),
        }
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Takes an object in that is there already; `raw` is the tree it was read from. See the module
    /// `load` for what is kept. It is no command, and cannot be undone.
    ///
    /// # Errors
    ///
    /// What the API server refuses.
    pub fn load(&mut self, object: &Rc<Object>, raw: &Node) -> Result<ObjectRef, StatusError> {
        self.state.load(object, raw, &self.settings)
    }

    /// After the last [`Cluster::load`].
    pub fn finish_load(&mut self) {
        self.state.finish_load(&self.settings);
    }

    /// Gives Nodes that say nothing of them addresses and ranges for their Pods, in this order.
    ///
    /// # Errors
    ///
    /// The names of Nodes for which there is no room.
    pub fn complete_nodes(&mut self, names: &[String]) -> Result<(), Vec<String>> {
        let store = self.state.store.clone();
        let mut nodes: Vec<_> = names
            .iter()
            .filter_map(|name| store.node("", name).cloned())
            .collect();
        let result = nodes::complete(&mut nodes, &self.settings.networks);
        for node in nodes {
            self.state.put(Object::Node(node), &self.settings);
        }
        result
    }

    /// Does what a command says. A refused one changes nothing.
    ///
    /// # Errors
    ///
    /// What the API server refuses, in its words.
    pub fn execute(&mut self, command: &Command) -> Result<Done, StatusError> {
        let mut next = self.state.clone();
        let done = next.execute(command, &self.settings)?;
        let before = std::mem::replace(&mut self.state, next);
        if self.past.len() >= MAX_UNDO {
            self.past.remove(0);
        }
        self.past.push(before);
        self.future.clear();
        Ok(done)
    }

    /// Does what a command says, like [`Cluster::execute`], and keeps nothing to take it back by: for
    /// who keeps the cluster of before. A refused one changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Cluster::execute`].
    pub fn act(&mut self, command: &Command) -> Result<Done, StatusError> {
        let mut next = self.state.clone();
        let done = next.execute(command, &self.settings)?;
        self.state = next;
        Ok(done)
    }

    /// A new object as [`Command::Create`] makes it, and how it is called: the server may have drawn
    /// its name. Nothing is kept to take it back by.
    ///
    /// # Errors
    ///
    /// As [`Cluster::execute`].
    pub fn post(&mut self, raw: &Node) -> Result<ObjectRef, StatusError> {
        let mut next = self.state.clone();
        let object = State::decode(raw)?;
        let reference = next.create(object, Some(raw.clone()), &self.settings)?;
        self.state = next;
        Ok(reference)
    }

    /// Takes back the last command. Gives whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.past.pop() else {
            return false;
        };
        self.future.push(std::mem::replace(&mut self.state, before));
        true
    }

    /// Does again what was taken back last. Gives whether there was anything.
    pub fn redo(&mut self) -> bool {
        let Some(after) = self.future.pop() else {
            return false;
        };
        self.past.push(std::mem::replace(&mut self.state, after));
        true
    }

    /// Whether there is a command to take back, and one to do again.
    #[must_use]
    pub fn can_undo_redo(&self) -> (bool, bool) {
        (!self.past.is_empty(), !self.future.is_empty())
    }

    /// Lets time pass, in milliseconds. Unlike [`Command::Advance`] it is not to be undone on its
    /// own: who undoes the command before it undoes this too.
    pub fn advance(&mut self, milliseconds: u64) {
        let until = self.state.now.saturating_add(milliseconds);
        self.state.run_until(until, &self.settings);
    }

    /// Lets time pass until nothing more happens by itself; not to be undone on its own either.
    pub fn settle(&mut self) {
        self.state.settle(&self.settings);
    }

    /// Virtual time, in milliseconds since the beginning.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.state.now
    }

    /// The time of day, in seconds since 1970 (UTC).
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.state.seconds(&self.settings)
    }

    /// When the next thing happens by itself, in milliseconds since the beginning; `None` when
    /// nothing is planned.
    #[must_use]
    pub fn next_event(&self) -> Option<u64> {
        self.state.next_at()
    }

    /// All objects.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.state.store
    }

    /// What a Node's kube-proxy has made rules of: Services, EndpointSlices and Nodes as it knew them
    /// at its last sync. `None` for a Node that is not there, or whose kube-proxy has not started.
    #[must_use]
    pub fn programmed(&self, node: &str) -> Option<&Store> {
        self.state.programmed.get(node)
    }

    /// An object whole, with status and metadata, as `kubectl get -o yaml` prints it.
    #[must_use]
    pub fn get(&self, reference: &ObjectRef) -> Option<Node> {
        self.state.tree(reference)
    }

    /// The objects of a kind whole, of one namespace or all, in the order of their names.
    #[must_use]
    pub fn list(&self, kind: Kind, namespace: Option<&str>) -> Vec<Node> {
        self.state
            .store
            .names(kind)
            .filter(|name| namespace.is_none_or(|namespace| name.namespace == namespace))
            .filter_map(|name| self.state.tree(name))
            .collect()
    }

    /// What controllers said of objects, from the first.
    #[must_use]
    pub fn events(&self) -> &[Recorded] {
        &self.state.recorded
    }

    /// Who listens in a Pod.
    #[must_use]
    pub fn listening(&self, pod: &ObjectRef) -> Listening {
        self.state.switches_of(pod).listening
    }

    /// What a person said that a Pod's probe says; `None` where nobody said anything.
    #[must_use]
    pub fn readiness(&self, pod: &ObjectRef) -> Option<bool> {
        self.state.switches_of(pod).ready
    }

    /// Whether a Node is switched on.
    #[must_use]
    pub fn is_running(&self, node: &str) -> bool {
        !self.state.stopped.contains(node)
    }

    /// Who builds load balancers.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.state.provider
    }

    /// The load balancers that are built or being built, by their Services.
    pub fn balancers(&self) -> impl Iterator<Item = (&ObjectRef, &Balancer)> {
        self.state.balancers.iter()
    }

    /// The load balancer of a Service.
    #[must_use]
    pub fn balancer(&self, service: &ObjectRef) -> Option<&Balancer> {
        self.state.balancers.get(service)
    }

    /// How many cluster IPs and ports are taken.
    #[must_use]
    pub fn taken(&self) -> (usize, usize) {
        self.state.allocators.taken()
    }
}

impl State {
    /// Runs all events up to a time, and sets the clock to it.
    fn run_until(&mut self, until: u64, settings: &Settings) {
        let mut left = MAX_EVENTS;
        while self.next_at().is_some_and(|at| at <= until) && left > 0 {
            self.step(settings);
            left -= 1;
        }
        self.now = self.now.max(until);
    }

    /// Runs events until there are none.
    fn settle(&mut self, settings: &Settings) {
        let mut left = MAX_EVENTS;
        while self.next_at().is_some() && left > 0 {
            self.step(settings);
            left -= 1;
        }
    }

    fn step(&mut self, settings: &Settings) {
        match self.pop() {
            Some(Event::Started(_, pod, uid)) => self.started(&pod, &uid, settings),
            Some(Event::Probed(pod, uid)) => self.probed(&pod, &uid, settings),
            Some(Event::Stopped(pod, uid)) => self.stopped(&pod, &uid, settings),
            Some(Event::Evicted(node)) => self.evict(&node, settings),
            Some(Event::LoadBalancer(service, uid)) => {
                self.load_balanced(&service, &uid, settings);
            }
            Some(Event::Workloads) => self.run_workloads(settings),
            Some(Event::Scheduler) => self.run_scheduler(settings),
            Some(Event::Endpoints) => self.run_endpoints(settings),
            Some(Event::Providers) => self.run_providers(settings),
            Some(Event::BalancerActive(service, uid)) => self.balancer_active(&service, &uid),
            Some(Event::Checked(service, target)) => self.checked(&service, &target),
            Some(Event::Proxies) => self.run_proxies(),
            Some(Event::Balancers) => self.run_balancers(),
            None => {}
        }
    }
}
