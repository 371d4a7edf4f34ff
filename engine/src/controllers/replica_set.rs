//! ReplicaSets: as many Pods of one template as are wished.
//!
//! Source: Kubernetes v1.30.5 `pkg/controller/replicaset/replica_set.go` and `ActivePodsWithRanks`
//! of `pkg/controller/controller_utils.go`. Pods are named by draws keyed by the ReplicaSet and a
//! number that counts its Pods: scaling up adds Pods and moves none.
//!
//! Left out: the cost of deleting a Pod (annotation), and how often its containers restarted.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::kubelet::is_ready;
use super::workload::{PodChange, is_active, is_available, owner, pod_of};
use crate::api::{Kind, Pod, ReplicaSet, ReplicaSetStatus};
use crate::random;

/// What is to be done about a ReplicaSet's Pods. `pods` are its own; `born` counts how many it made
/// in its life, and goes on. At most `room` are made, however many are wished.
pub fn reconcile(
    set: &ReplicaSet,
    pods: &[&Pod],
    born: &mut u64,
    seed: u64,
    room: usize,
) -> Vec<PodChange> {
    let wanted = usize::try_from(set.spec.replicas.unwrap_or(1)).unwrap_or(0);
    let active: Vec<&Pod> = pods.iter().copied().filter(|pod| is_active(pod)).collect();
    if active.len() > wanted {
        return surplus(&active, active.len() - wanted)
            .into_iter()
            .map(|pod| PodChange::Delete(pod.metadata.name.clone()))
            .collect();
    }
    let names: BTreeSet<&str> = pods.iter().map(|pod| &*pod.metadata.name).collect();
    (active.len()..wanted)
        .take(room)
        .map(|_| {
            let mut pod = new_pod(set, *born, seed);
            *born += 1;
            // A dump's Pods were counted by nobody.
            while names.contains(&*pod.metadata.name) {
                pod = new_pod(set, *born, seed);
                *born += 1;
            }
            PodChange::Create(Box::new(pod))
        })
        .collect()
}

fn new_pod(set: &ReplicaSet, number: u64, seed: u64) -> Pod {
    let metadata = &set.metadata;
    let (namespace, name) = (&metadata.namespace, &metadata.name);
    let owner = owner(Kind::ReplicaSet, metadata);
    let mut pod = pod_of(&set.spec.template, namespace, owner);
    let key = format!("Pod {namespace}/{name} {number}");
    let suffix = random::name_suffix(&mut random::keyed(seed, &key), 5);
    pod.metadata.generate_name = format!("{name}-");
    pod.metadata.name = format!("{name}-{suffix}");
    pod
}

/// The Pods that go first when there are too many.
fn surplus<'a>(active: &[&'a Pod], count: usize) -> Vec<&'a Pod> {
    let mut crowd: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in active {
        *crowd.entry(&pod.spec.node_name).or_default() += 1;
    }
    let on_node = |pod: &Pod| crowd.get(&*pod.spec.node_name).copied().unwrap_or(0);
    let phase = |pod: &Pod| match pod.status.phase.as_str() {
        "Pending" | "" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let mut ranked: Vec<&Pod> = active.to_vec();
    ranked.sort_by_cached_key(|pod| {
        (
            !pod.spec.node_name.is_empty(),
            phase(pod),
            is_ready(pod),
            Reverse(on_node(pod)),
            Reverse(pod.metadata.creation_timestamp.clone()),
            Reverse(pod.metadata.name.clone()),
        )
    });
    ranked.truncate(count);
    ranked
}

/// How far a ReplicaSet is, at a time in seconds since 1970.
#[must_use]
pub fn status(set: &ReplicaSet, pods: &[&Pod], now: i64) -> ReplicaSetStatus {
    let active = || pods.iter().filter(|pod| is_active(pod));
    let labels = &set.spec.template.metadata.labels;
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    ReplicaSetStatus {
        replicas: count(active().count()),
        fully_labeled_replicas: count(
            active()
                .filter(|pod| {
                    let own = &pod.metadata.labels;
                    labels
                        .iter()
                        .all(|(key, value)| own.get(key) == Some(value))
                })
                .count(),
        ),
        ready_replicas: count(active().filter(|pod| is_ready(pod)).count()),
        available_replicas: count(
            active()
                .filter(|pod| is_available(pod, set.spec.min_ready_seconds, now))
                .count(),
        ),
        observed_generation: set.metadata.generation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::kubelet::set_ready;

    fn set(replicas: i32) -> ReplicaSet {
        let mut set = ReplicaSet::default();
        set.metadata.name = "web-5d9c7b".into();
        set.metadata.namespace = "shop".into();
        set.spec.replicas = Some(replicas);
        set
    }

    fn created(changes: Vec<PodChange>) -> Vec<Pod> {
        changes
            .into_iter()
            .map(|change| match change {
                PodChange::Create(pod) => *pod,
                PodChange::Delete(name) => panic!("{name} is deleted"),
            })
            .collect()
    }

    #[test]
    fn missing_pods_are_made_and_the_next_ones_have_other_names() {
        let mut born = 0;
        let two = created(reconcile(&set(2), &[], &mut born, 42, 100));
        assert_eq!(two.len(), 2);
        let own: Vec<&Pod> = two.iter().collect();
        let third = created(reconcile(&set(3), &own, &mut born, 42, 100));
        assert_eq!(third.len(), 1);
        assert!(
            two.iter()
                .all(|pod| pod.metadata.name != third[0].metadata.name)
        );
        assert_eq!(third[0].metadata.name.len(), "web-5d9c7b-".len() + 5);
        assert!(reconcile(&set(2), &own, &mut born, 42, 100).is_empty());
    }

    #[test]
    fn pending_pods_go_first_then_unready_ones_then_those_on_a_crowded_node() {
        let pod = |name: &str, node: &str, ready| {
            let mut pod = Pod::default();
            pod.metadata.name = name.into();
            pod.spec.node_name = node.into();
            if !node.is_empty() {
                pod.status.phase = "Running".into();
                set_ready(&mut pod, ready);
            }
            pod
        };
        let pods = [
            pod("a", "n1", true),
            pod("b", "n2", true),
            pod("c", "n2", true),
            pod("d", "n1", false),
            pod("e", "", false),
        ];
        let own: Vec<&Pod> = pods.iter().collect();
        let gone = |left: i32| -> Vec<String> {
            reconcile(&set(left), &own, &mut 0, 42, 100)
                .into_iter()
                .map(|change| match change {
                    PodChange::Delete(name) => name,
                    PodChange::Create(_) => String::new(),
                })
                .collect()
        };
        assert_eq!(gone(4), ["e"]);
        assert_eq!(gone(3), ["e", "d"]);
        assert_eq!(gone(0).len(), 5);
        assert_eq!(gone(-1).len(), 5);
    }
}
