//! Which Node a Pod runs on.
//!
//! Not the scheduler's plugins: a Pod goes to the Node that may take it and has the fewest Pods,
//! the first of them in order. What a Pod may ask for is `nodeName` and `nodeSelector`; what keeps
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
    let mut load: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in pods.iter() {
        if let Some(node) = nodes
            .iter()
            .find(|node| node.metadata.name == pod.spec.node_name)
        {
            *load.entry(&node.metadata.name).or_default() += 1;
        }
    }
    for pod in pods.iter_mut().filter(|pod| pod.spec.node_name.is_empty()) {
        let chosen = nodes
            .iter()
            .filter(|node| !is_closed(node))
            .filter(|node| {
                pod.spec
                    .node_selector
                    .iter()
                    .all(|(key, value)| node.metadata.labels.get(key) == Some(value))
            })
            .min_by_key(|node| load.get(node.metadata.name.as_str()).copied().unwrap_or(0));
        if let Some(node) = chosen {
            *load.entry(&node.metadata.name).or_default() += 1;
            pod.spec.node_name.clone_from(&node.metadata.name);
        }
    }
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
