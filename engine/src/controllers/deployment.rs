//! Deployments: one ReplicaSet for each template, and how many Pods each of them may have while a new
//! one takes over.
//!
//! Source: Kubernetes v1.30.5 `pkg/controller/deployment` (`rolling.go`, `recreate.go`, `sync.go`,
//! `util/deployment_util.go`).
//!
//! Left out: progress deadlines, the proportional scaling of several ReplicaSets while a rollout is
//! under way (the rollout goes on to the new number instead), and hash collisions.

use super::workload::{self, POD_TEMPLATE_HASH, scaled};
use crate::api::{
    Deployment, DeploymentStatus, Kind, ObjectMeta, PodTemplateSpec, ReplicaSet, ReplicaSetSpec,
};

/// The annotation that counts templates.
pub const REVISION: &str = "deployment.kubernetes.io/revision";

/// The ReplicaSet of a Deployment's present template, without Pods yet. `hash` is the template's, by
/// [`workload::template_hash`].
#[must_use]
pub fn new_replica_set(deployment: &Deployment, revision: u64, hash: &str) -> ReplicaSet {
    let metadata = &deployment.metadata;
    let (namespace, name) = (&metadata.namespace, &metadata.name);
    let template = &deployment.spec.template;
    let mut template = template.clone();
    let mut selector = deployment.spec.selector.clone();
    let label = || (POD_TEMPLATE_HASH.to_owned(), hash.to_owned());
    template.metadata.labels.extend([label()]);
    selector.match_labels.extend([label()]);
    let mut annotations = metadata.annotations.clone();
    annotations.retain(|key, _| {
        key != REVISION && key != "kubectl.kubernetes.io/last-applied-configuration"
    });
    annotations.insert(REVISION.to_owned(), revision.to_string());
    ReplicaSet {
        metadata: ObjectMeta {
            name: format!("{name}-{hash}"),
            namespace: namespace.clone(),
            labels: template.metadata.labels.clone(),
            annotations,
            owner_references: vec![workload::owner(Kind::Deployment, metadata)],
            ..ObjectMeta::default()
        },
        spec: ReplicaSetSpec {
            replicas: Some(0),
            min_ready_seconds: deployment.spec.min_ready_seconds,
            selector,
            template,
        },
        ..ReplicaSet::default()
    }
}

/// Whether a ReplicaSet is of this template: the two are equal but for the hash.
#[must_use]
pub fn is_of_template(set: &ReplicaSet, template: &PodTemplateSpec) -> bool {
    let mut own = set.spec.template.clone();
    own.metadata.labels.remove(POD_TEMPLATE_HASH);
    own == *template
}

/// The number that a ReplicaSet's template has among those of its Deployment; 0 if it says none.
#[must_use]
pub fn revision(metadata: &ObjectMeta) -> u64 {
    metadata
        .annotations
        .get(REVISION)
        .and_then(|revision| revision.parse().ok())
        .unwrap_or(0)
}

/// How many Pods the new ReplicaSet and each old one are to have now. `has_old_pods` says whether a
/// Pod of an old template still runs, which `Recreate` waits for.
#[must_use]
pub fn replicas(
    deployment: &Deployment,
    new: &ReplicaSet,
    old: &[&ReplicaSet],
    has_old_pods: bool,
) -> (i32, Vec<i32>) {
    let wanted = deployment.spec.replicas.unwrap_or(1).max(0);
    let own = |set: &ReplicaSet| set.spec.replicas.unwrap_or(1);
    let new_now = own(new);
    let old_now: Vec<i32> = old.iter().map(|set| own(set)).collect();
    if deployment.spec.strategy.type_ == "Recreate" {
        let is_waiting = has_old_pods || old_now.iter().any(|count| *count > 0);
        return (
            if is_waiting { new_now } else { wanted },
            vec![0; old.len()],
        );
    }

    let (surge, unavailable) = limits(deployment, wanted);
    let total = new_now + old_now.iter().sum::<i32>();
    let most = wanted + surge;
    let new_next = if new_now > wanted {
        wanted
    } else {
        new_now + (most - total).clamp(0, wanted - new_now)
    };
    if new_next != new_now {
        // One thing at a time: the old ones come when the controller looks again.
        return (new_next, old_now);
    }

    let least = wanted - unavailable;
    let new_missing = new_now - new.status.available_replicas;
    let mut may_go = (total - least - new_missing).max(0);
    let mut old_next = old_now;
    // Those that are not available serve nobody, and go first.
    for (set, next) in old.iter().zip(&mut old_next) {
        let unhealthy = (*next - set.status.available_replicas).clamp(0, may_go);
        *next -= unhealthy;
        may_go -= unhealthy;
    }
    let available = new.status.available_replicas
        + old
            .iter()
            .map(|set| set.status.available_replicas)
            .sum::<i32>();
    let mut may_go = (available - least).clamp(0, may_go);
    for next in &mut old_next {
        let gone = (*next).min(may_go);
        *next -= gone;
        may_go -= gone;
    }
    (new_now, old_next)
}

/// `maxSurge` and `maxUnavailable` as numbers; not both are 0.
fn limits(deployment: &Deployment, wanted: i32) -> (i32, i32) {
    let rolling = deployment.spec.strategy.rolling_update.clone();
    let rolling = rolling.unwrap_or_default();
    let number = |value: &Option<_>, up| {
        let value = value.as_ref().and_then(|value| scaled(value, wanted, up));
        value.unwrap_or(0).max(0)
    };
    let surge = number(&rolling.max_surge, true);
    let unavailable = number(&rolling.max_unavailable, false).min(wanted);
    // Else nothing could ever move.
    if surge == 0 && unavailable == 0 {
        (0, 1)
    } else {
        (surge, unavailable)
    }
}

/// How far a Deployment is, from its ReplicaSets.
#[must_use]
pub fn status(deployment: &Deployment, new: &ReplicaSet, old: &[&ReplicaSet]) -> DeploymentStatus {
    let sum = |of: fn(&ReplicaSet) -> i32| of(new) + old.iter().map(|set| of(set)).sum::<i32>();
    let available = sum(|set| set.status.available_replicas);
    let wanted = deployment.spec.replicas.unwrap_or(1);
    DeploymentStatus {
        replicas: sum(|set| set.status.replicas),
        updated_replicas: new.status.replicas,
        ready_replicas: sum(|set| set.status.ready_replicas),
        available_replicas: available,
        unavailable_replicas: (wanted - available).max(0),
        observed_generation: deployment.metadata.generation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::defaults;

    fn deployment(json: &str) -> Deployment {
        let mut deployment: Deployment = serde_json::from_str(json).unwrap();
        deployment.metadata.name = "web".into();
        deployment.metadata.namespace = "shop".into();
        defaults::deployment(&mut deployment);
        deployment
    }

    fn set(replicas: i32, available: i32) -> ReplicaSet {
        let mut set = ReplicaSet::default();
        set.spec.replicas = Some(replicas);
        set.status.available_replicas = available;
        set
    }

    #[test]
    fn a_replica_set_is_named_by_its_hash_and_selects_it() {
        let web = deployment(r#"{"spec":{"template":{"metadata":{"labels":{"app":"web"}}}}}"#);
        let hash = workload::typed_hash(&web.spec.template);
        let set = new_replica_set(&web, 1, &hash);
        assert_eq!(set.metadata.labels[POD_TEMPLATE_HASH], hash);
        assert_eq!(set.metadata.name, format!("web-{hash}"));
        assert_eq!(set.spec.selector.match_labels[POD_TEMPLATE_HASH], hash);
        assert!(is_of_template(&set, &web.spec.template));
        assert_eq!(revision(&set.metadata), 1);
        let other = deployment(r#"{"spec":{"template":{"metadata":{"labels":{"app":"api"}}}}}"#);
        assert!(!is_of_template(&set, &other.spec.template));
        assert_ne!(workload::typed_hash(&other.spec.template), hash);
    }

    #[test]
    fn a_rolling_update_adds_the_surge_and_takes_away_what_may_be_missing() {
        // 25 % of 4: one more, one less.
        let web = deployment(r#"{"spec":{"replicas":4}}"#);
        let step = |new: (i32, i32), old: (i32, i32)| {
            let (next, olds) = replicas(&web, &set(new.0, new.1), &[&set(old.0, old.1)], true);
            (next, olds[0])
        };
        assert_eq!(step((0, 0), (4, 4)), (1, 4), "one more than wished");
        assert_eq!(step((1, 0), (4, 4)), (1, 3), "and one old one less");
        assert_eq!(
            step((1, 0), (3, 3)),
            (2, 3),
            "so there is room for a new one"
        );
        assert_eq!(step((2, 0), (3, 3)), (2, 3), "three serve: wait");
        assert_eq!(step((2, 2), (3, 3)), (2, 1), "two came up: two go");
        assert_eq!(step((4, 4), (0, 0)), (4, 0), "done");
    }

    #[test]
    fn unavailable_old_pods_go_first() {
        let web = deployment(r#"{"spec":{"replicas":4}}"#);
        let (_, olds) = replicas(&web, &set(1, 1), &[&set(2, 2), &set(2, 0)], true);
        assert_eq!(olds, [2, 0]);
    }

    #[test]
    fn recreate_waits_until_nothing_old_is_left() {
        let web = deployment(r#"{"spec":{"replicas":2,"strategy":{"type":"Recreate"}}}"#);
        assert_eq!(
            replicas(&web, &set(0, 0), &[&set(2, 2)], true),
            (0, vec![0])
        );
        assert_eq!(
            replicas(&web, &set(0, 0), &[&set(0, 0)], true),
            (0, vec![0])
        );
        assert_eq!(
            replicas(&web, &set(0, 0), &[&set(0, 0)], false),
            (2, vec![0])
        );
    }

    #[test]
    fn scaling_one_replica_set_goes_to_the_number_at_once() {
        let web = deployment(r#"{"spec":{"replicas":5}}"#);
        assert_eq!(replicas(&web, &set(2, 2), &[], false), (5, vec![]));
        assert_eq!(replicas(&web, &set(9, 9), &[], false), (5, vec![]));
    }
}
