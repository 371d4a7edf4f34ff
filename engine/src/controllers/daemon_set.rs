//! DaemonSets: a Pod on every Node that may have one.
//!
//! Source: Kubernetes v1.30.5 `pkg/controller/daemon/daemon_controller.go`, `update.go` and
//! `util/daemonset_util.go`. Its Pods tolerate what a Node says of its own health, and a cordon.
//!
//! Left out: `maxSurge`, and Node affinity beyond `nodeSelector`.

use super::kubelet::is_ready;
use super::scheduler;
use super::workload::{
    self, PodChange, REVISION_HASH, is_active, is_available, owner, pod_of, scaled,
};
use crate::api::{DaemonSet, DaemonSetStatus, Kind, Node, Pod, PodSpec, Toleration};
use crate::random;

/// The taints that keep no Pod of a DaemonSet off, with their effects.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// What is to be done about a DaemonSet's Pods. `pods` are its own, those that are going too; `born`
/// counts how many it made in its life, and goes on.
pub fn reconcile(
    set: &DaemonSet,
    pods: &[&Pod],
    nodes: &[&Node],
    revision: &str,
    born: &mut u64,
    seed: u64,
) -> Vec<PodChange> {
    let spec = pod_spec(set);
    let mut changes = Vec::new();
    for pod in pods.iter().filter(|pod| is_active(pod)) {
        let node = nodes
            .iter()
            .find(|node| node.metadata.name == pod.spec.node_name);
        if !node.is_some_and(|node| may_run(&spec, node)) {
            changes.push(PodChange::Delete(pod.metadata.name.clone()));
        }
    }
    for node in nodes.iter().filter(|node| may_run(&spec, node)) {
        let name = &node.metadata.name;
        // One that is going still holds the place.
        if pods.iter().any(|pod| pod.spec.node_name == *name) {
            continue;
        }
        let mut pod = new_pod(set, &spec, name, revision, *born, seed);
        *born += 1;
        // A dump's Pods were counted by nobody.
        while pods
            .iter()
            .any(|own| own.metadata.name == pod.metadata.name)
        {
            pod = new_pod(set, &spec, name, revision, *born, seed);
            *born += 1;
        }
        changes.push(PodChange::Create(Box::new(pod)));
    }
    if changes.is_empty() && set.spec.update_strategy.type_ != "OnDelete" {
        changes.extend(replace(set, pods, nodes.len(), revision));
    }
    changes
}

/// Old Pods that may go now, so that new ones come in their place.
fn replace(set: &DaemonSet, pods: &[&Pod], nodes: usize, revision: &str) -> Vec<PodChange> {
    let total = i32::try_from(nodes).unwrap_or(i32::MAX);
    let rolling = set.spec.update_strategy.rolling_update.as_ref();
    let most = rolling
        .and_then(|rolling| scaled(rolling.max_unavailable.as_ref()?, total, true))
        .unwrap_or(1)
        .max(1);
    let is_well = |pod: &&&Pod| is_active(pod) && is_ready(pod);
    let missing = total - i32::try_from(pods.iter().filter(is_well).count()).unwrap_or(0);
    let mut may_go = most - missing;
    let mut changes = Vec::new();
    for pod in pods {
        let is_old = pod.metadata.labels.get(REVISION_HASH).map(String::as_str) != Some(revision);
        if !is_old || !is_active(pod) {
            continue;
        }
        // One that serves nobody costs nothing.
        if is_ready(pod) {
            if may_go <= 0 {
                continue;
            }
            may_go -= 1;
        }
        changes.push(PodChange::Delete(pod.metadata.name.clone()));
    }
    changes
}

fn may_run(spec: &PodSpec, node: &Node) -> bool {
    let is_named = spec.node_name.is_empty() || spec.node_name == node.metadata.name;
    is_named && scheduler::fits_selector(spec, node) && scheduler::is_tolerated(spec, node)
}

/// The specification of its Pods: with what every one of them tolerates.
fn pod_spec(set: &DaemonSet) -> PodSpec {
    let mut spec = set.spec.template.spec.clone();
    for (key, effect) in TOLERATED {
        spec.tolerations.push(Toleration {
            key: key.to_owned(),
            operator: "Exists".to_owned(),
            effect: effect.to_owned(),
            ..Toleration::default()
        });
    }
    spec
}

fn new_pod(
    set: &DaemonSet,
    spec: &PodSpec,
    node: &str,
    revision: &str,
    born: u64,
    seed: u64,
) -> Pod {
    let metadata = &set.metadata;
    let (namespace, name) = (&metadata.namespace, &metadata.name);
    let owner = owner(Kind::DaemonSet, metadata);
    let mut pod = pod_of(&set.spec.template, namespace, owner);
    let key = format!("Pod {namespace}/{name} {node} {born}");
    let suffix = random::name_suffix(&mut random::keyed(seed, &key), 5);
    pod.metadata.generate_name = format!("{name}-");
    pod.metadata.name = format!("{name}-{suffix}");
    pod.metadata.labels.extend([
        (REVISION_HASH.to_owned(), revision.to_owned()),
        ("pod-template-generation".to_owned(), "1".to_owned()),
    ]);
    pod.spec = spec.clone();
    node.clone_into(&mut pod.spec.node_name);
    pod
}

/// The hash of the present template's revision.
#[must_use]
pub fn revision(set: &DaemonSet) -> String {
    workload::typed_hash(&set.spec.template)
}

/// How far a DaemonSet is, at a time in seconds since 1970.
#[must_use]
pub fn status(
    set: &DaemonSet,
    pods: &[&Pod],
    nodes: &[&Node],
    revision: &str,
    now: i64,
) -> DaemonSetStatus {
    let spec = pod_spec(set);
    let mut status = DaemonSetStatus {
        observed_generation: set.metadata.generation,
        ..DaemonSetStatus::default()
    };
    for node in nodes {
        let own = pods
            .iter()
            .find(|pod| is_active(pod) && pod.spec.node_name == node.metadata.name);
        if !may_run(&spec, node) {
            status.number_misscheduled += i32::from(own.is_some());
            continue;
        }
        status.desired_number_scheduled += 1;
        let Some(pod) = own else { continue };
        status.current_number_scheduled += 1;
        status.number_ready += i32::from(is_ready(pod));
        let is_there = is_available(pod, set.spec.min_ready_seconds, now);
        status.number_available += i32::from(is_there);
        let hash = pod.metadata.labels.get(REVISION_HASH);
        status.updated_number_scheduled += i32::from(hash.is_some_and(|hash| hash == revision));
    }
    status.number_unavailable = status.desired_number_scheduled - status.number_available;
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Taint, defaults};
    use crate::controllers::kubelet::set_ready;

    fn set(json: &str) -> DaemonSet {
        let mut set: DaemonSet = serde_json::from_str(json).unwrap();
        set.metadata.name = "agent".into();
        set.metadata.namespace = "shop".into();
        defaults::daemon_set(&mut set);
        set
    }

    fn node(name: &str) -> Node {
        let mut node = Node::default();
        node.metadata.name = name.into();
        node
    }

    fn made(changes: &[PodChange]) -> Vec<Pod> {
        changes
            .iter()
            .filter_map(|change| match change {
                PodChange::Create(pod) => Some((**pod).clone()),
                PodChange::Delete(_) => None,
            })
            .collect()
    }

    #[test]
    fn every_node_gets_one_a_cordoned_one_too_and_a_tainted_one_not() {
        let mut nodes = [node("a"), node("b"), node("c")];
        nodes[1].spec.unschedulable = true;
        nodes[2].spec.taints.push(Taint {
            key: "dedicated".into(),
            effect: "NoSchedule".into(),
            ..Taint::default()
        });
        let nodes: Vec<&Node> = nodes.iter().collect();
        let mut born = 0;
        let pods = made(&reconcile(&set("{}"), &[], &nodes, "r", &mut born, 42));
        let on: Vec<&str> = pods.iter().map(|pod| pod.spec.node_name.as_str()).collect();
        assert_eq!(on, ["a", "b"]);
        let own: Vec<&Pod> = pods.iter().collect();
        assert!(reconcile(&set("{}"), &own, &nodes, "r", &mut born, 42).is_empty());
        let only_a = &nodes[..1];
        let changes = reconcile(&set("{}"), &own, only_a, "r", &mut born, 42);
        assert_eq!(changes, [PodChange::Delete(pods[1].metadata.name.clone())]);
    }

    #[test]
    fn a_new_template_replaces_one_node_at_a_time() {
        let nodes = [node("a"), node("b")];
        let nodes: Vec<&Node> = nodes.iter().collect();
        let mut pods = made(&reconcile(&set("{}"), &[], &nodes, "old", &mut 0, 42));
        for pod in &mut pods {
            set_ready(pod, true);
        }
        let own: Vec<&Pod> = pods.iter().collect();
        let changes = reconcile(&set("{}"), &own, &nodes, "new", &mut 2, 42);
        assert_eq!(changes.len(), 1);
        let status = status(&set("{}"), &own, &nodes, "new", 0);
        assert_eq!(status.number_ready, 2);
        assert_eq!(status.updated_number_scheduled, 0);
    }
}
