//! Defaults of fields that no type of the engine has.
//!
//! What `kubectl get -o yaml` shows of them, and what tells two templates apart. Source: Kubernetes
//! v1.30.5 `pkg/apis/core/v1/defaults.go` and `pkg/apis/apps/v1/defaults.go`.
//!
//! Left out: defaults inside of volumes, of probes' unmodelled fields and of security contexts.

use super::tree::{fill, for_each, get, set, text};
use crate::api::Kind;
use crate::yaml::{Node, Value};

/// Fills in the tree of an object of a kind. Fields that the engine's types have are theirs.
pub(super) fn tree(tree: &mut Node, kind: Kind) {
    match kind {
        Kind::Pod => pod(tree, &["spec"], true),
        Kind::Deployment => {
            pod(tree, &["spec", "template", "spec"], false);
            number(tree, &["spec", "progressDeadlineSeconds"], 600);
        }
        Kind::ReplicaSet => pod(tree, &["spec", "template", "spec"], false),
        Kind::StatefulSet => {
            pod(tree, &["spec", "template", "spec"], false);
            number(tree, &["spec", "revisionHistoryLimit"], 10);
            for when in ["whenDeleted", "whenScaled"] {
                let path = ["spec", "persistentVolumeClaimRetentionPolicy", when];
                fill(tree, &path, || "Retain".into());
            }
        }
        Kind::DaemonSet => {
            pod(tree, &["spec", "template", "spec"], false);
            number(tree, &["spec", "revisionHistoryLimit"], 10);
        }
        Kind::Namespace => {
            fill(tree, &["spec", "finalizers"], || {
                Value::List([Node::from("kubernetes")].into()).into()
            });
            fill(tree, &["status", "phase"], || "Active".into());
        }
        Kind::Service => fill(tree, &["status", "loadBalancer"], || Node::map([])),
        Kind::Secret => fill(tree, &["type"], || "Opaque".into()),
        Kind::Node
        | Kind::Endpoints
        | Kind::ConfigMap
        | Kind::ServiceAccount
        | Kind::EndpointSlice => {}
    }
}

fn number(tree: &mut Node, path: &[&str], value: i64) {
    fill(tree, path, || value.into());
}

fn pod(tree: &mut Node, path: &[&str], is_pod: bool) {
    let Some(mut spec) = get(tree, path).cloned() else {
        return;
    };
    fill(&mut spec, &["securityContext"], || Node::map([]));
    fill(&mut spec, &["schedulerName"], || "default-scheduler".into());
    if is_pod {
        fill(&mut spec, &["enableServiceLinks"], || {
            Value::Bool(true).into()
        });
    }
    // The older name of the same field.
    let account = text(&spec, &["serviceAccountName"]).to_owned();
    if !account.is_empty() {
        fill(&mut spec, &["serviceAccount"], || account.as_str().into());
    }
    for list in ["containers", "initContainers"] {
        for_each(&mut spec, &[list], container);
    }
    set(tree, path, spec);
}

fn container(container: &mut Node) {
    fill(container, &["resources"], || Node::map([]));
    fill(container, &["terminationMessagePath"], || {
        "/dev/termination-log".into()
    });
    fill(container, &["terminationMessagePolicy"], || "File".into());
    let image = text(container, &["image"]);
    let policy = if is_latest(image) {
        "Always"
    } else {
        "IfNotPresent"
    };
    fill(container, &["imagePullPolicy"], || policy.into());
}

/// Whether an image may be another one tomorrow: no tag or the tag `latest`, and no digest.
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_tag_is_pulled_always() {
        for (image, latest) in [
            ("nginx", true),
            ("nginx:latest", true),
            ("nginx:1.27", false),
            ("localhost:5000/nginx", true),
            ("localhost:5000/nginx:1", false),
            ("nginx@sha256:00", false),
        ] {
            assert_eq!(is_latest(image), latest, "{image}");
        }
    }

    #[test]
    fn a_pod_is_filled_in_and_what_is_there_stays() {
        let text =
            "spec: {containers: [{name: a, image: i:1, resources: {x: 1}}], schedulerName: s}";
        let mut node = crate::yaml::read(text).documents.remove(0);
        tree(&mut node, Kind::Pod);
        assert_eq!(
            node.to_string(),
            r#"{"spec":{"containers":[{"image":"i:1","imagePullPolicy":"IfNotPresent","name":"a","resources":{"x":1},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"enableServiceLinks":true,"schedulerName":"s","securityContext":{}}}"#
        );
    }
}
