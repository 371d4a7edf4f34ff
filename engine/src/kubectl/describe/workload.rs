//! Deployments, ReplicaSets and StatefulSets.

use super::pod::{controller, template};
use super::{Writer, head, labels_and_annotations};
use crate::kubectl::api::Api;
use crate::kubectl::jsonpath::to_text;
use crate::kubectl::resource::by_kind;
use crate::kubectl::table;
use crate::kubectl::time;
use crate::kubectl::tree::Value;

fn created(w: &mut Writer, object: &Value) {
    let seconds = time::parse(object.str_at("metadata.creationTimestamp")).unwrap_or_default();
    w.field("CreationTimestamp", &time::print_rfc1123(seconds));
}

/// Whether an object is controlled by another one. Objects without uids are told apart by name.
fn is_owned(object: &Value, owner: &Value) -> bool {
    object
        .list_at("metadata.ownerReferences")
        .iter()
        .any(|reference| {
            reference.bool_at("controller")
                && reference.str_at("kind") == owner.str_at("kind")
                && reference.str_at("name") == owner.name()
                && (owner.str_at("metadata.uid").is_empty()
                    || reference.str_at("uid") == owner.str_at("metadata.uid"))
        })
}

fn pods_status(w: &mut Writer, api: &dyn Api, object: &Value) {
    let mut pods = api.list(by_kind("Pod"), Some(object.namespace()));
    pods.retain(|pod| is_owned(pod, object));
    let count = |phase: &str| {
        pods.iter()
            .filter(|pod| pod.str_at("status.phase") == phase)
            .count()
    };
    w.field(
        "Pods Status",
        &format!(
            "{} Running / {} Waiting / {} Succeeded / {} Failed",
            count("Running"),
            count("Pending"),
            count("Succeeded"),
            count("Failed")
        ),
    );
}

fn conditions(w: &mut Writer, object: &Value) {
    let list = object.list_at("status.conditions");
    if list.is_empty() {
        return;
    }
    w.put("Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------\n");
    for condition in list {
        w.put(&format!(
            "  {} \t{}\t{}\n",
            condition.str_at("type"),
            condition.str_at("status"),
            condition.str_at("reason")
        ));
    }
}

pub(super) fn deployment(w: &mut Writer, api: &dyn Api, object: &Value) {
    let (spec, status) = (object.at("spec"), object.at("status"));
    head(w, object);
    created(w, object);
    labels_and_annotations(w, object);
    w.field("Selector", &table::selector(spec.at("selector")));
    w.field(
        "Replicas",
        &format!(
            "{} desired | {} updated | {} total | {} available | {} unavailable",
            spec.int_at("replicas"),
            status.int_at("updatedReplicas"),
            status.int_at("replicas"),
            status.int_at("availableReplicas"),
            status.int_at("unavailableReplicas")
        ),
    );
    w.field("StrategyType", spec.str_at("strategy.type"));
    w.field(
        "MinReadySeconds",
        &spec.int_at("minReadySeconds").to_string(),
    );
    let rolling = spec.at("strategy.rollingUpdate");
    if !rolling.is_null() {
        let text = format!(
            "{} max unavailable, {} max surge",
            to_text(rolling.at("maxUnavailable")),
            to_text(rolling.at("maxSurge"))
        );
        w.field("RollingUpdateStrategy", &text);
    }
    template(w, spec.at("template"));
    conditions(w, object);
    replica_sets(w, api, object);
}

/// The ReplicaSets of a Deployment: the one whose template is the Deployment's, and older ones that
/// still have Pods.
fn replica_sets(w: &mut Writer, api: &dyn Api, object: &Value) {
    let mut sets = api.list(by_kind("ReplicaSet"), Some(object.namespace()));
    sets.retain(|set| is_owned(set, object));
    if sets.is_empty() {
        return;
    }
    let wanted = object.at("spec.template");
    let is_new = |set: &Value| {
        let mut template = set.at("spec.template").clone();
        if let Some(labels) = template.at_mut("metadata.labels") {
            labels.to_map().remove("pod-template-hash");
        }
        template.at("spec") == wanted.at("spec")
            && template.at("metadata.labels") == wanted.at("metadata.labels")
    };
    let told = |sets: &[&Value]| -> String {
        let texts: Vec<String> = sets
            .iter()
            .map(|set| {
                format!(
                    "{} ({}/{} replicas created)",
                    set.name(),
                    set.int_at("status.replicas"),
                    set.int_at("spec.replicas")
                )
            })
            .collect();
        if texts.is_empty() {
            "<none>".to_owned()
        } else {
            texts.join(", ")
        }
    };
    let new = sets.iter().position(is_new);
    let old: Vec<&Value> = sets
        .iter()
        .enumerate()
        .filter(|(at, _)| Some(*at) != new)
        .map(|(_, set)| set)
        .collect();
    let new: Vec<&Value> = new.map(|at| &sets[at]).into_iter().collect();
    w.field("OldReplicaSets", &told(&old));
    w.field("NewReplicaSet", &told(&new));
}

pub(super) fn replica_set(w: &mut Writer, api: &dyn Api, object: &Value) {
    head(w, object);
    w.field("Selector", &table::selector(object.at("spec.selector")));
    labels_and_annotations(w, object);
    if let Some(controller) = controller(object) {
        w.field("Controlled By", &controller);
    }
    w.field(
        "Replicas",
        &format!(
            "{} current / {} desired",
            object.int_at("status.replicas"),
            object.int_at("spec.replicas")
        ),
    );
    pods_status(w, api, object);
    template(w, object.at("spec.template"));
    conditions(w, object);
}

pub(super) fn stateful_set(w: &mut Writer, api: &dyn Api, object: &Value) {
    let spec = object.at("spec");
    head(w, object);
    created(w, object);
    w.field("Selector", &table::selector(spec.at("selector")));
    labels_and_annotations(w, object);
    for (title, path) in [
        ("Service Name", "serviceName"),
        ("Pod Management Policy", "podManagementPolicy"),
    ] {
        if !spec.str_at(path).is_empty() {
            w.field(title, spec.str_at(path));
        }
    }
    w.field(
        "Replicas",
        &format!(
            "{} desired | {} total",
            spec.int_at("replicas"),
            object.int_at("status.replicas")
        ),
    );
    w.field("Update Strategy", spec.str_at("updateStrategy.type"));
    let rolling = spec.at("updateStrategy.rollingUpdate");
    if let Some(partition) = rolling.at("partition").as_int() {
        w.field("  Partition", &partition.to_string());
        if !rolling.at("maxUnavailable").is_null() {
            w.field("  MaxUnavailable", &to_text(rolling.at("maxUnavailable")));
        }
    }
    let policy = spec.at("persistentVolumeClaimRetentionPolicy");
    if !policy.is_null() {
        w.put("Persistent Volume Claim Retention Policy:\n");
        w.field("  WhenDeleted", policy.str_at("whenDeleted"));
        w.field("  WhenScaled", policy.str_at("whenScaled"));
    }
    pods_status(w, api, object);
    template(w, spec.at("template"));
    w.field("Volume Claims", "<none>");
}
