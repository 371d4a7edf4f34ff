//! Which Node a Pod runs on.
//!
//! Not the scheduler's plugins, but what they come to on equal Nodes: a Pod goes to the Node that
//! may take it and has the fewest Pods of the same owner (as the default topology spread
//! constraints want it), among those to the one with the fewest Pods of its namespace, and among
//! those to the first in order. What a Pod may ask for is `nodeName` and `nodeSelector`; what keeps
//! it off is `unschedulable` (cordoned) and a taint of effect `NoSchedule` or `NoExecute` that it
//! does not tolerate; and a `hostPort` that another Pod has there already.
//!
//! Left out: affinity, the Pod's own spread constraints, resources, priorities.

use std::collections::BTreeMap;

use super::workload::{controller_of, is_active};
use crate::api::{Node, Pod, PodSpec, Taint, Toleration};

/// Whether new Pods that tolerate nothing are kept off a Node.
#[must_use]
pub fn is_closed(node: &Node) -> bool {
    node.spec.unschedulable || node.spec.taints.iter().any(keeps_off)
}

fn keeps_off(taint: &Taint) -> bool {
    matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute")
}

/// Whether a toleration is for a taint. Source: k8s.io/api `core/v1/toleration.go`.
#[must_use]
pub fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let is_effect = toleration.effect.is_empty() || toleration.effect == taint.effect;
    let is_key = toleration.key.is_empty() || toleration.key == taint.key;
    is_effect
        && is_key
        && match toleration.operator.as_str() {
            "" | "Equal" => !toleration.key.is_empty() && toleration.value == taint.value,
            "Exists" => true,
            _ => false,
        }
}

/// Whether a Node has the labels that a Pod asks for.
#[must_use]
pub fn fits_selector(spec: &PodSpec, node: &Node) -> bool {
    let labels = &node.metadata.labels;
    spec.node_selector
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
}

/// Whether nothing about a Node keeps a Pod off that it does not tolerate.
#[must_use]
pub fn is_tolerated(spec: &PodSpec, node: &Node) -> bool {
    let cordon = Taint {
        key: "node.kubernetes.io/unschedulable".to_owned(),
        effect: "NoSchedule".to_owned(),
        ..Taint::default()
    };
    let cordon = node.spec.unschedulable.then_some(&cordon);
    node.spec
        .taints
        .iter()
        .filter(|taint| keeps_off(taint))
        .chain(cordon)
        .all(|taint| spec.tolerations.iter().any(|own| tolerates(own, taint)))
}

/// Why a Pod fits on none of the Nodes, as the scheduler says it: the count of Nodes for each reason,
/// in the order of the alphabet.
#[must_use]
pub fn why_nowhere(pod: &Pod, nodes: &[&Node]) -> String {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for node in nodes {
        let reason = if !is_tolerated(&pod.spec, node) {
            let open = |taint: &&Taint| {
                keeps_off(taint) && !pod.spec.tolerations.iter().any(|own| tolerates(own, taint))
            };
            match node.spec.taints.iter().find(open) {
                Some(taint) => format!(
                    "node(s) had untolerated taint {{{}: {}}}",
                    taint.key, taint.value
                ),
                None => "node(s) were unschedulable".to_owned(),
            }
        } else if fits_selector(&pod.spec, node) {
            "node(s) didn't have free ports for the requested pod ports".to_owned()
        } else {
            "node(s) didn't match Pod's node affinity/selector".to_owned()
        };
        *reasons.entry(reason).or_default() += 1;
    }
    let mut texts: Vec<String> = reasons
        .into_iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    texts.sort();
    if nodes.is_empty() {
        return "no nodes available to schedule pods".to_owned();
    }
    format!(
        "0/{} nodes are available: {}.",
        nodes.len(),
        texts.join(", ")
    )
}

/// Names of a Node and of an owner, or of a namespace; and how many Pods there are.
type Counts<'a> = BTreeMap<(&'a str, &'a str, &'a str), usize>;

/// The Node for each of `waiting`, in their order; `None` for a Pod that fits nowhere. `placed` are
/// the Pods that have one.
#[must_use]
pub fn place<'a>(
    waiting: &[&'a Pod],
    placed: impl IntoIterator<Item = &'a Pod>,
    nodes: &[&'a Node],
) -> Vec<Option<&'a str>> {
    let mut counts: Counts<'a> = BTreeMap::new();
    let mut ports: Vec<(&str, i32, &str)> = Vec::new();
    let keys = |pod: &'a Pod, node: &'a str| {
        let namespace = pod.metadata.namespace.as_str();
        [(node, namespace, owner(pod)), (node, namespace, "")]
    };
    for pod in placed.into_iter().filter(|pod| is_active(pod)) {
        for key in keys(pod, &pod.spec.node_name) {
            *counts.entry(key).or_default() += 1;
        }
        let node = pod.spec.node_name.as_str();
        ports.extend(host_ports(pod).map(|(port, protocol)| (node, port, protocol)));
    }
    waiting
        .iter()
        .map(|pod| {
            let has_ports = |node: &str| {
                host_ports(pod).all(|(port, protocol)| !ports.contains(&(node, port, protocol)))
            };
            let fits = |node: &&&Node| {
                is_tolerated(&pod.spec, node)
                    && fits_selector(&pod.spec, node)
                    && has_ports(&node.metadata.name)
            };
            let node = nodes.iter().filter(fits).min_by_key(|node| {
                keys(pod, &node.metadata.name).map(|key| counts.get(&key).copied())
            })?;
            let name = node.metadata.name.as_str();
            for key in keys(pod, name) {
                *counts.entry(key).or_default() += 1;
            }
            ports.extend(host_ports(pod).map(|(port, protocol)| (name, port, protocol)));
            Some(name)
        })
        .collect()
}

fn host_ports(pod: &Pod) -> impl Iterator<Item = (i32, &str)> {
    pod.spec
        .containers
        .iter()
        .flat_map(|container| &container.ports)
        .filter(|port| port.host_port != 0)
        .map(|port| (port.host_port, port.protocol.as_str()))
}

/// The name of a Pod's controller; its own where it has none.
fn owner(pod: &Pod) -> &str {
    controller_of(&pod.metadata).map_or(pod.metadata.name.as_str(), |owner| owner.name.as_str())
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

    fn schedule(pods: &mut [Pod], nodes: &[Node]) {
        let before = pods.to_vec();
        let nodes: Vec<&Node> = nodes.iter().collect();
        let (waiting, placed): (Vec<&Pod>, Vec<&Pod>) =
            before.iter().partition(|pod| pod.spec.node_name.is_empty());
        let mut chosen = place(&waiting, placed, &nodes).into_iter();
        for pod in pods.iter_mut().filter(|pod| pod.spec.node_name.is_empty()) {
            let node = chosen.next().flatten().unwrap_or("");
            node.clone_into(&mut pod.spec.node_name);
        }
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

    #[test]
    fn a_taint_is_tolerated_by_name_and_a_host_port_is_given_once() {
        let mut nodes = [node("a"), node("b")];
        nodes[0].spec.taints.push(crate::api::Taint {
            key: "dedicated".into(),
            value: "db".into(),
            effect: "NoSchedule".into(),
        });
        let mut pods = vec![Pod::default(); 3];
        pods[0].spec.tolerations.push(Toleration {
            key: "dedicated".into(),
            value: "db".into(),
            ..Toleration::default()
        });
        for pod in &mut pods[1..] {
            pod.spec.containers.push(crate::api::Container {
                ports: vec![crate::api::ContainerPort {
                    host_port: 80,
                    ..Default::default()
                }],
                ..Default::default()
            });
        }
        schedule(&mut pods, &nodes);
        assert_eq!(names(&pods), ["a", "b", ""]);
        let nodes: Vec<&Node> = nodes.iter().collect();
        assert_eq!(
            why_nowhere(&pods[2], &nodes),
            "0/2 nodes are available: 1 node(s) didn't have free ports for the requested pod \
             ports, 1 node(s) had untolerated taint {dedicated: db}."
        );
    }
}
