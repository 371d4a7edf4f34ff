//! The life of a Pod: placed, started, ready, and over.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::rc::Rc;

use ipnet::IpNet;

use super::settings::Settings;
use super::state::{Event, Listening, State};
use crate::api::{Kind, Node, Object, ObjectRef, Pod};
use crate::controllers::workload::is_active;
use crate::controllers::{kubelet, nodes, scheduler};

/// The taint of a Node that does not report.
pub(super) const UNREACHABLE: &str = "node.kubernetes.io/unreachable";

/// How long Pods stay bound to a Node that nobody reaches, in milliseconds: the `tolerationSeconds`
/// of the toleration that every Pod gets.
pub(super) const EVICTION: u64 = 300_000;

impl State {
    /// The scheduler gives Nodes to Pods that have none, and kubelets take on those that they have
    /// not seen.
    pub(super) fn run_scheduler(&mut self, settings: &Settings) {
        let store = self.store.clone();
        let nodes: Vec<&Node> = store.nodes().collect();
        let is_waiting = |pod: &&Pod| {
            pod.spec.node_name.is_empty()
                && pod.status.phase == "Pending"
                && pod.metadata.deletion_timestamp.is_none()
                && !self.resting.contains(&reference(pod))
        };
        let mut waiting: Vec<&Pod> = store.pods().filter(is_waiting).collect();
        // In the order in which they were made, those of one moment by their names.
        waiting.sort_by_key(|pod| pod.metadata.resource_version.parse::<u64>().ok());
        if !waiting.is_empty() {
            // Those that are nobody's are in the order of their writing; a controller's come in the
            // order of their making as well.
            let placed = store.pods().filter(|pod| !pod.spec.node_name.is_empty());
            let chosen = scheduler::place(&waiting, placed, &nodes);
            for (pod, node) in waiting.into_iter().zip(chosen) {
                self.bind(pod, node, &nodes, settings);
            }
        }
        let now = self.time(settings);
        let store = self.store.clone();
        for pod in store.pods() {
            let is_new = pod.status.phase == "Pending"
                && pod.status.start_time.is_none()
                && pod.status.pod_ip.is_empty();
            let rests = is_new && self.resting.contains(&reference(pod));
            if !is_new || rests || !self.runs(&pod.spec.node_name) || !is_active(pod) {
                continue;
            }
            // Those of one moment start in the order in which they were placed, whatever they are
            // called: one more Pod takes nobody's address.
            let order = pod.metadata.resource_version.parse().unwrap_or(u64::MAX);
            let mut pod = pod.clone();
            kubelet::take_on(&mut pod, &now);
            let reference = reference(&pod);
            let uid = pod.metadata.uid.clone();
            let started = Event::Started(order, reference, uid);
            self.plan(started, settings.timing.start);
            self.put(Object::Pod(pod), settings);
        }
    }

    /// Whether a Node is there and switched on.
    fn runs(&self, node: &str) -> bool {
        self.store.node("", node).is_some() && !self.stopped.contains(node)
    }

    fn bind(&mut self, pod: &Pod, node: Option<&str>, nodes: &[&Node], settings: &Settings) {
        let reference = reference(pod);
        let mut pod = pod.clone();
        let name = format!("{}/{}", pod.metadata.namespace, pod.metadata.name);
        if let Some(node) = node {
            node.clone_into(&mut pod.spec.node_name);
            let message = format!("Successfully assigned {name} to {node}");
            self.record(
                reference,
                "default-scheduler",
                "Normal",
                "Scheduled",
                message,
            );
        } else {
            let why = scheduler::why_nowhere(&pod, nodes);
            let now = self.time(settings);
            let reason = ("Unschedulable", why.as_str());
            let before = pod.status.clone();
            kubelet::set_condition(&mut pod, "PodScheduled", false, reason, Some(&now));
            if pod.status == before {
                return;
            }
            self.record(
                reference,
                "default-scheduler",
                "Warning",
                "FailedScheduling",
                why.clone(),
            );
        }
        self.put(Object::Pod(pod), settings);
    }

    /// A Pod that is still the one of this uid.
    fn same_pod(&self, reference: &ObjectRef, uid: &str) -> Option<Pod> {
        match self.store.get(reference)? {
            Object::Pod(pod) if pod.metadata.uid == uid => Some(pod.clone()),
            _ => None,
        }
    }

    /// The containers of a Pod run: it has addresses, and is ready when its probes say so.
    pub(super) fn started(&mut self, reference: &ObjectRef, uid: &str, settings: &Settings) {
        let Some(mut pod) = self.same_pod(reference, uid) else {
            return;
        };
        let node = self.store.node("", &pod.spec.node_name).cloned();
        let Some(node) = node.filter(|node| self.runs(&node.metadata.name)) else {
            return;
        };
        if !is_active(&pod) || !pod.status.pod_ip.is_empty() {
            return;
        }
        let host = nodes::internal_ip(&node);
        let addresses = if pod.spec.host_network {
            host.into_iter().collect()
        } else {
            self.addresses(&node)
        };
        if addresses.is_empty() {
            let message = "failed to set up sandbox: no IP addresses available in range set";
            let (type_, reason) = ("Warning", "FailedCreatePodSandBox");
            self.record(reference.clone(), "kubelet", type_, reason, message);
            return;
        }
        let now = self.time(settings);
        kubelet::run(&mut pod, host, &addresses, &now);
        let event = Event::Probed(reference.clone(), uid.to_owned());
        match kubelet::ready_after(&pod) {
            0 => {
                let ready = self.passes(reference, &pod);
                kubelet::set_containers_ready(&mut pod, ready, &now);
            }
            after => self.plan(event, after),
        }
        let before = self.version;
        self.put(Object::Pod(pod), settings);
        // All that was written since the addresses were counted is that this Pod has its own.
        if let Some((version, _)) = &mut self.taken
            && *version == before
        {
            *version = self.version;
        }
    }

    /// What a Pod's probes say: what a person said they say, or whether anybody listens.
    fn passes(&self, reference: &ObjectRef, pod: &Pod) -> bool {
        let switches = self.switches_of(reference);
        let is_asked = kubelet::unready_after(pod).is_some();
        let answers = switches.listening == Listening::Everywhere || !is_asked;
        switches.ready.unwrap_or(answers)
    }

    /// The next free address of each of a Node's ranges.
    fn addresses(&mut self, node: &Node) -> Vec<IpAddr> {
        let mut taken = match self.taken.take() {
            Some((version, taken)) if version == self.version => taken,
            _ => Rc::new(self.pod_addresses()),
        };
        let cidrs: Vec<IpNet> = node
            .spec
            .pod_cidrs
            .iter()
            .filter_map(|cidr| cidr.parse().ok())
            .collect();
        let mut addresses = Vec::new();
        for cidr in cidrs {
            let key = cidr.to_string();
            let mut last = self.last_address.get(&key).copied().unwrap_or(0);
            if let Some(address) = kubelet::next_address(&cidr, &taken, &mut last) {
                Rc::make_mut(&mut self.last_address).insert(key, last);
                addresses.push(address);
            }
        }
        Rc::make_mut(&mut taken).extend(&addresses);
        self.taken = Some((self.version, taken));
        addresses
    }

    /// The addresses of all Pods that have one of their own.
    fn pod_addresses(&self) -> BTreeSet<IpAddr> {
        self.store
            .pods()
            .filter(|pod| !pod.spec.host_network)
            .filter(|pod| !matches!(pod.status.phase.as_str(), "Succeeded" | "Failed"))
            .flat_map(|pod| {
                pod.status
                    .pod_ips
                    .iter()
                    .map(|own| &own.ip)
                    .chain([&pod.status.pod_ip])
            })
            .filter_map(|address| address.parse().ok())
            .collect()
    }

    /// A Pod's probes give another answer than before.
    pub(super) fn probed(&mut self, reference: &ObjectRef, uid: &str, settings: &Settings) {
        let Some(mut pod) = self.same_pod(reference, uid) else {
            return;
        };
        if pod.status.phase != "Running" || !self.runs(&pod.spec.node_name) {
            return;
        }
        let ready = self.passes(reference, &pod);
        let now = self.time(settings);
        kubelet::set_containers_ready(&mut pod, ready, &now);
        self.put(Object::Pod(pod), settings);
    }

    /// The Pods of a Node that nobody reaches are given up: others come in their place. They
    /// themselves stay until their kubelet says that they are gone.
    pub(super) fn evict(&mut self, node: &str, settings: &Settings) {
        if !self.stopped.contains(node) {
            return;
        }
        let store = self.store.clone();
        for pod in store
            .pods()
            .filter(|pod| pod.spec.node_name == node && is_active(pod))
        {
            let stays = pod.spec.tolerations.iter().any(|own| {
                own.key == UNREACHABLE
                    && own.toleration_seconds.is_none()
                    && own.effect != "NoSchedule"
            });
            if !stays {
                let _ = self.delete(&reference(pod), None, settings);
            }
        }
    }

    /// A Pod's processes have ended after it was told to end: it is gone.
    pub(super) fn stopped(&mut self, reference: &ObjectRef, uid: &str, settings: &Settings) {
        let is_going = self
            .same_pod(reference, uid)
            .is_some_and(|pod| pod.metadata.deletion_timestamp.is_some());
        if is_going {
            self.remove(reference, settings);
        }
    }
}

fn reference(pod: &Pod) -> ObjectRef {
    ObjectRef::new(Kind::Pod, &*pod.metadata.namespace, &*pod.metadata.name)
}
