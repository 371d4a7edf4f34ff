//! StatefulSets: Pods with numbers, which come and go in order and keep their names.
//!
//! Source: Kubernetes v1.30.5 `pkg/controller/statefulset/stateful_set_control.go` and
//! `stateful_set_utils.go`.
//!
//! Left out: volume claims, `maxUnavailable` (an alpha feature), and rolling back a revision.

use super::kubelet::is_ready;
use super::workload::{self, PodChange, REVISION_HASH, is_active, is_available, owner, pod_of};
use crate::api::{Kind, Pod, StatefulSet, StatefulSetStatus};

/// What is to be done about a StatefulSet's Pods: with `OrderedReady` one thing at a time. `pods` are
/// its own, those that are going too. `revision` names the present template.
#[must_use]
pub fn reconcile(set: &StatefulSet, pods: &[&Pod], revision: &str) -> Vec<PodChange> {
    let start = set
        .spec
        .ordinals
        .as_ref()
        .map_or(0, |ordinals| ordinals.start);
    let wanted = set.spec.replicas.unwrap_or(1).max(0);
    let end = start.saturating_add(wanted);
    let is_ordered = set.spec.pod_management_policy != "Parallel";
    let find = |ordinal: i32| {
        let name = format!("{}-{ordinal}", set.metadata.name);
        pods.iter().copied().find(|pod| pod.metadata.name == name)
    };
    let is_healthy = |pod: &Pod| is_active(pod) && is_ready(pod);

    let mut changes = Vec::new();
    for ordinal in start..end {
        match find(ordinal) {
            None => changes.push(PodChange::Create(Box::new(new_pod(set, ordinal, revision)))),
            Some(pod) if is_ordered && !is_healthy(pod) => return changes,
            Some(_) => {}
        }
        if is_ordered && !changes.is_empty() {
            return changes;
        }
    }
    // Those beyond the wished number go, from the highest.
    let mut condemned: Vec<(i32, &Pod)> = pods
        .iter()
        .filter_map(|pod| Some((ordinal(set, pod)?, *pod)))
        .filter(|(ordinal, _)| !(start..end).contains(ordinal))
        .collect();
    condemned.sort_by_key(|(ordinal, _)| std::cmp::Reverse(*ordinal));
    for (_, pod) in &condemned {
        let is_going = pod.metadata.deletion_timestamp.is_some();
        if !is_going {
            changes.push(PodChange::Delete(pod.metadata.name.clone()));
        }
        if is_ordered {
            return changes;
        }
    }
    if !changes.is_empty() || set.spec.update_strategy.type_ == "OnDelete" {
        return changes;
    }
    // Then old ones are replaced, from the highest, each when all above it are well.
    let partition = set
        .spec
        .update_strategy
        .rolling_update
        .as_ref()
        .and_then(|rolling| rolling.partition)
        .unwrap_or(0);
    for ordinal in (start.max(partition)..end).rev() {
        let Some(pod) = find(ordinal) else { break };
        let is_old = pod.metadata.labels.get(REVISION_HASH).map(String::as_str) != Some(revision);
        if is_old && is_active(pod) {
            changes.push(PodChange::Delete(pod.metadata.name.clone()));
            break;
        }
        if !is_healthy(pod) {
            break;
        }
    }
    changes
}

/// The name of the present template's revision. It stays what it is when the set is scaled.
#[must_use]
pub fn revision(set: &StatefulSet) -> String {
    let hash = workload::typed_hash(&set.spec.template);
    format!("{}-{hash}", set.metadata.name)
}

/// A Pod's number; `None` for a name that the set does not give.
fn ordinal(set: &StatefulSet, pod: &Pod) -> Option<i32> {
    let rest = pod.metadata.name.strip_prefix(set.metadata.name.as_str())?;
    rest.strip_prefix('-')?.parse().ok()
}

fn new_pod(set: &StatefulSet, ordinal: i32, revision: &str) -> Pod {
    let metadata = &set.metadata;
    let owner = owner(Kind::StatefulSet, metadata);
    let mut pod = pod_of(&set.spec.template, &metadata.namespace, owner);
    let name = format!("{}-{ordinal}", metadata.name);
    pod.metadata.generate_name = format!("{}-", metadata.name);
    pod.metadata.labels.extend([
        (
            "apps.kubernetes.io/pod-index".to_owned(),
            ordinal.to_string(),
        ),
        (REVISION_HASH.to_owned(), revision.to_owned()),
        (
            "statefulset.kubernetes.io/pod-name".to_owned(),
            name.clone(),
        ),
    ]);
    pod.spec.hostname.clone_from(&name);
    pod.spec.subdomain.clone_from(&set.spec.service_name);
    pod.metadata.name = name;
    pod
}

/// How far a StatefulSet is, at a time in seconds since 1970.
#[must_use]
pub fn status(set: &StatefulSet, pods: &[&Pod], revision: &str, now: i64) -> StatefulSetStatus {
    let count = |is: &dyn Fn(&Pod) -> bool| {
        let number = pods.iter().filter(|pod| is(pod)).count();
        i32::try_from(number).unwrap_or(i32::MAX)
    };
    let is_new =
        |pod: &Pod| pod.metadata.labels.get(REVISION_HASH).map(String::as_str) == Some(revision);
    let updated = count(&is_new);
    let replicas = count(&|_| true);
    StatefulSetStatus {
        replicas,
        ready_replicas: count(&is_ready),
        // Once all Pods are of the present template it is the current one.
        current_replicas: if updated == replicas {
            updated
        } else {
            replicas - updated
        },
        updated_replicas: updated,
        available_replicas: count(&|pod| is_available(pod, set.spec.min_ready_seconds, now)),
        update_revision: revision.to_owned(),
        observed_generation: set.metadata.generation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::defaults;
    use crate::controllers::kubelet::set_ready;

    fn set(json: &str) -> StatefulSet {
        let mut set: StatefulSet = serde_json::from_str(json).unwrap();
        set.metadata.name = "db".into();
        set.metadata.namespace = "shop".into();
        set.spec.service_name = "db".into();
        defaults::stateful_set(&mut set);
        set
    }

    fn running(mut pod: Pod, ready: bool) -> Pod {
        pod.status.phase = "Running".into();
        set_ready(&mut pod, ready);
        pod
    }

    /// `+db-0` for a new Pod, `-db-0` for one that goes.
    fn run(set: &StatefulSet, pods: &[Pod], revision: &str) -> Vec<String> {
        let pods: Vec<&Pod> = pods.iter().collect();
        reconcile(set, &pods, revision)
            .into_iter()
            .map(|change| match change {
                PodChange::Create(pod) => format!("+{}", pod.metadata.name),
                PodChange::Delete(name) => format!("-{name}"),
            })
            .collect()
    }

    #[test]
    fn pods_come_one_after_the_other_when_the_one_before_is_ready() {
        let three = set(r#"{"spec":{"replicas":3}}"#);
        assert_eq!(run(&three, &[], "r"), ["+db-0"]);
        let first = new_pod(&three, 0, "r");
        assert!(run(&three, &[running(first.clone(), false)], "r").is_empty());
        assert_eq!(run(&three, &[running(first, true)], "r"), ["+db-1"]);
        let parallel = set(r#"{"spec":{"replicas":3,"podManagementPolicy":"Parallel"}}"#);
        assert_eq!(run(&parallel, &[], "r"), ["+db-0", "+db-1", "+db-2"]);
    }

    #[test]
    fn a_pod_has_a_name_in_dns() {
        let pod = new_pod(&set("{}"), 4, "r");
        assert_eq!(pod.spec.hostname, "db-4");
        assert_eq!(pod.spec.subdomain, "db");
        assert_eq!(
            pod.metadata.labels["statefulset.kubernetes.io/pod-name"],
            "db-4"
        );
    }

    #[test]
    fn the_highest_number_goes_first_and_one_at_a_time() {
        let all = set(r#"{"spec":{"replicas":3}}"#);
        let pods: Vec<Pod> = (0..3)
            .map(|n| running(new_pod(&all, n, "r"), true))
            .collect();
        let one = set(r#"{"spec":{"replicas":1}}"#);
        assert_eq!(run(&one, &pods, "r"), ["-db-2"]);
        let mut going = pods.clone();
        going[2].metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
        assert!(
            run(&one, &going, "r").is_empty(),
            "it waits for db-2 to be gone"
        );
    }

    #[test]
    fn a_new_template_replaces_pods_from_the_highest_down_to_the_partition() {
        let of = |partition: i32| {
            set(&format!(
                r#"{{"spec":{{"replicas":3,"updateStrategy":{{"type":"RollingUpdate",
                    "rollingUpdate":{{"partition":{partition}}}}}}}}}"#
            ))
        };
        let pods: Vec<Pod> = (0..3)
            .map(|n| running(new_pod(&of(0), n, "old"), true))
            .collect();
        assert_eq!(run(&of(0), &pods, "new"), ["-db-2"]);
        assert!(run(&of(3), &pods, "new").is_empty());
        let mut half = pods;
        half[2] = running(new_pod(&of(0), 2, "new"), true);
        assert_eq!(run(&of(0), &half, "new"), ["-db-1"]);
        assert!(run(&of(2), &half, "new").is_empty());
    }
}
