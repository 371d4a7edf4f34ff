//! Deployments: the Pods that they ask for, named as a ReplicaSet names them.
//!
//! Source: Kubernetes v1.30.5 `pkg/controller/deployment` and `pkg/controller/replicaset`. The
//! suffixes are draws keyed by the Deployment, its template and the Pod's number: scaling up adds
//! Pods and moves none.
//!
//! Left out: ReplicaSets as objects, and rolling updates. A world is made anew from its manifests.

use crate::api::selector::Selector;
use crate::api::{Deployment, OwnerReference, Pod, PodTemplateSpec};
use crate::random;

/// The label by which a ReplicaSet tells its Pods from those of an older template.
pub const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// Which Pods of the same namespace a Deployment counts as its own.
///
/// The real one goes through ReplicaSets; in a dump they may be missing, so the name that a
/// ReplicaSet has is what counts, and for a Pod without an owner its labels.
pub fn owns(deployment: &Deployment, pod: &Pod) -> bool {
    if deployment.metadata.namespace != pod.metadata.namespace {
        return false;
    }
    let mut owners = pod
        .metadata
        .owner_references
        .iter()
        .filter(|owner| owner.controller == Some(true));
    match owners.next() {
        Some(owner) => {
            owner.kind == "ReplicaSet"
                && owner
                    .name
                    .strip_prefix(deployment.metadata.name.as_str())
                    .and_then(|rest| rest.strip_prefix('-'))
                    .is_some_and(|hash| !hash.contains('-'))
        }
        None => Selector::try_from(&deployment.spec.selector)
            .is_ok_and(|selector| !selector.is_empty() && selector.matches(&pod.metadata.labels)),
    }
}

/// The Pods that are missing to what a Deployment asks for, when it has `existing` already.
#[must_use]
pub fn missing_pods(deployment: &Deployment, existing: usize, seed: u64) -> Vec<Pod> {
    let wanted = usize::try_from(deployment.spec.replicas.unwrap_or(1)).unwrap_or(0);
    let name = &deployment.metadata.name;
    let namespace = &deployment.metadata.namespace;
    let template = &deployment.spec.template;
    let mut rng = random::keyed(
        seed,
        &format!("ReplicaSet {namespace}/{name} {}", key(template)),
    );
    let hash = random::name_suffix(&mut rng, 10);

    (existing..wanted)
        .map(|number| {
            let key = format!("Pod {namespace}/{name}-{hash} {number}");
            let suffix = random::name_suffix(&mut random::keyed(seed, &key), 5);
            let mut metadata = template.metadata.clone();
            metadata.name = format!("{name}-{hash}-{suffix}");
            metadata.generate_name = format!("{name}-{hash}-");
            metadata.namespace.clone_from(namespace);
            metadata
                .labels
                .insert(POD_TEMPLATE_HASH.to_owned(), hash.clone());
            metadata.owner_references = vec![OwnerReference {
                api_version: "apps/v1".to_owned(),
                kind: "ReplicaSet".to_owned(),
                name: format!("{name}-{hash}"),
                controller: Some(true),
                block_owner_deletion: Some(true),
                ..OwnerReference::default()
            }];
            Pod {
                metadata,
                spec: template.spec.clone(),
                ..Pod::default()
            }
        })
        .collect()
}

/// What tells one template from another: another template is another ReplicaSet, and other names.
///
/// The real hash is over the whole template; this one over the fields that are modelled.
fn key(template: &PodTemplateSpec) -> String {
    let mut key = String::new();
    for (label, value) in &template.metadata.labels {
        key.extend([label, "=", value, ","]);
    }
    let spec = &template.spec;
    for container in spec.init_containers.iter().chain(&spec.containers) {
        key.extend([" ", &container.name, " ", &container.image]);
        for port in &container.ports {
            key.extend([
                " ",
                &port.name,
                ":",
                &port.container_port.to_string(),
                &port.protocol,
            ]);
        }
    }
    key.extend([
        " ",
        &spec.node_name,
        " ",
        &spec.hostname,
        " ",
        &spec.subdomain,
    ]);
    if spec.host_network {
        key.push_str(" host");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(replicas: i32) -> Deployment {
        serde_json::from_str(&format!(
            r#"{{"metadata":{{"name":"web","namespace":"shop"}},
                 "spec":{{"replicas":{replicas},
                          "selector":{{"matchLabels":{{"app":"web"}}}},
                          "template":{{"metadata":{{"labels":{{"app":"web"}}}},
                                       "spec":{{"containers":[{{"name":"c"}}]}}}}}}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn pods_are_named_after_replica_set_and_carry_the_hash() {
        let pods = missing_pods(&deployment(2), 0, 42);
        assert_eq!(pods.len(), 2);
        let owner = &pods[0].metadata.owner_references[0];
        assert!(
            pods[0]
                .metadata
                .name
                .starts_with(&format!("{}-", owner.name))
        );
        assert_eq!(pods[0].metadata.name.len(), "web-".len() + 10 + 1 + 5);
        assert_eq!(
            owner.name,
            format!("web-{}", pods[0].metadata.labels[POD_TEMPLATE_HASH])
        );
        assert_ne!(pods[0].metadata.name, pods[1].metadata.name);
    }

    #[test]
    fn scaling_up_keeps_the_names_there_were() {
        let two = missing_pods(&deployment(2), 0, 42);
        let three = missing_pods(&deployment(3), 0, 42);
        assert_eq!(two[..], three[..2]);
    }

    #[test]
    fn a_negative_or_reached_number_asks_for_nothing() {
        assert!(missing_pods(&deployment(-1), 0, 42).is_empty());
        assert!(missing_pods(&deployment(2), 3, 42).is_empty());
    }

    #[test]
    fn a_pod_belongs_by_its_replica_set_or_without_an_owner_by_its_labels() {
        let web = deployment(1);
        let own = missing_pods(&web, 0, 42).remove(0);
        assert!(owns(&web, &own));
        let mut other = own.clone();
        other.metadata.owner_references[0].name = "web-admin-5d9c7b8f6d".into();
        assert!(!owns(&web, &other));
        let mut orphan = own;
        orphan.metadata.owner_references.clear();
        assert!(owns(&web, &orphan));
        orphan.metadata.namespace = "default".into();
        assert!(!owns(&web, &orphan));
    }
}
