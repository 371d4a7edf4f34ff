//! Which Node a Pod runs on.
//!
//! Not the scheduler's plugins, but what they come to on equal Nodes: a Pod goes to the Node that
//! may take it and has the fewest Pods of the same owner (as the default topology spread
//! constraints want it), among those to the one with the fewest Pods of its namespace, and among
//! those to the first in order. What a Pod may ask for is `nodeName` and `nodeSelector`; what keeps
//! it off is `unschedulable` (cordoned) and a taint of effect `NoSchedule` or `NoExecute`.
//! Tolerations are not modelled.

use std::collections::BTreeMap;

use crate::api::{Node, Pod};

/// Whether new Pods are kept off a Node.
#[must_use]
pub fn is_closed(node: &Node) -> bool {
    node.spec.unschedulable
        || node
            .spec
            .taints
            .iter()
            .any(|taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute"))
}

/// Names the Node for every Pod that has none. A Pod that fits nowhere keeps none, and is pending.
pub fn schedule(pods: &mut [Pod], nodes: &[Node]) {
    let mut by_owner: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut by_namespace: BTreeMap<(String, String), usize> = BTreeMap::new();
    let keys = |pod: &Pod, node: &str| {
        let namespace = &pod.metadata.namespace;
        (
            (node.to_owned(), format!("{namespace}/{}", owner(pod))),
            (node.to_owned(), namespace.clone()),
        )
    };
    for pod in pods.iter().filter(|pod| !pod.spec.node_name.is_empty()) {
        let (of_owner, of_namespace) = keys(pod, &pod.spec.node_name);
        *by_owner.entry(of_owner).or_default() += 1;
        *by_namespace.entry(of_namespace).or_default() += 1;
    }
    for pod in pods.iter_mut().filter(|pod| pod.spec.node_name.is_empty()) {
        let chosen = nodes
            .iter()
            .filter(|node| !is_closed(node))
            .filter(|node| {
                let labels = &node.metadata.labels;
                pod.spec
                    .node_selector
                    .iter()
                    .all(|(key, value)| labels.get(key) == Some(value))
            })
            .min_by_key(|node| {
                let (of_owner, of_namespace) = keys(pod, &node.metadata.name);
                (
                    by_owner.get(&of_owner).copied(),
                    by_namespace.get(&of_namespace).copied(),
                )
            });
        if let Some(node) = chosen {
            let (of_owner, of_namespace) = keys(pod, &node.metadata.name);
            *by_owner.entry(of_owner).or_default() += 1;
            *by_namespace.entry(of_namespace).or_default() += 1;
            pod.spec.node_name.clone_from(&node.metadata.name);
        }
    }
}

/// The name of a Pod's controller; its own where it has none.
fn owner(pod: &Pod) -> &str {
    let mut owners = pod.metadata.owner_references.iter();
    owners
        .find(|owner| owner.controller == Some(true))
        .map_or(pod.metadata.name.as_str(), |owner| owner.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> Node {
        let mut node = Node::default();
        node.metadata.name = name.into();
        node.metadata
            .labels
            .insert("kubernetes.io/hostname".into(), name.into());
        node
    }

    fn names(pods: &[Pod]) -> Vec<&str> {
        pods.iter().map(|pod| pod.spec.node_name.as_str()).collect()
    }

    #[test]
    fn pods_are_spread_and_what_is_placed_counts() {
        let nodes = [node("a"), node("b"), node("c")];
        let mut pods = vec![Pod::default(); 4];
        pods[3].spec.node_name = "a".into();
        schedule(&mut pods, &nodes);
        assert_eq!(names(&pods), ["b", "c", "a", "a"]);
    }

    #[test]
    fn pods_of_one_owner_are_spread_before_namespaces_are_evened_out() {
        let nodes = [node("a"), node("b")];
        let owned = |owner: &str| {
            let mut pod = Pod::default();
            pod.metadata
                .owner_references
                .push(crate::api::OwnerReference {
                    name: owner.into(),
                    controller: Some(true),
                    ..Default::default()
                });
            pod
        };
        let mut pods = [owned("x"), owned("y"), owned("y"), owned("x")];
        pods[0].spec.node_name = "a".into();
        schedule(&mut pods, &nodes);
        assert_eq!(names(&pods), ["a", "b", "a", "b"]);
    }

    #[test]
    fn closed_nodes_and_selectors_keep_pods_off() {
        let mut nodes = [node("a"), node("b"), node("c")];
        nodes[0].spec.unschedulable = true;
        nodes[1].spec.taints.push(crate::api::Taint {
            key: "maintenance".into(),
            effect: "NoSchedule".into(),
            ..Default::default()
        });
        let mut pods = vec![Pod::default(); 2];
        pods[1]
            .spec
            .node_selector
            .insert("kubernetes.io/hostname".into(), "a".into());
        schedule(&mut pods, &nodes);
        assert_eq!(names(&pods), ["c", ""]);
    }
}
