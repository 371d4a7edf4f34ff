//! What can be done to an object by one line: what the stage offers beside it.
//!
//! Each action is a line of the console, so that a click and a typed line are the same thing.

use serde::Serialize;

use crate::api::{Kind, ObjectRef};
use crate::cluster::Listening;
use crate::lab::Lab;

/// Something that can be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// One word for code and pictograms: `delete`, `unready`, `scaleUp`.
    pub id: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// The line that does it.
    pub line: String,
    /// Whether something goes that does not come back by itself.
    pub is_destructive: bool,
}

fn action(id: &'static str, label: &'static str, line: String) -> Action {
    Action {
        id,
        label,
        line,
        is_destructive: false,
    }
}

fn destructive(id: &'static str, label: &'static str, line: String) -> Action {
    Action {
        is_destructive: true,
        ..action(id, label, line)
    }
}

/// What can be done to an object as it is now, the most useful first; nothing for one that is not
/// there.
#[must_use]
pub fn actions(lab: &Lab, object: &ObjectRef) -> Vec<Action> {
    let store = &lab.world().store;
    if !store.contains(object) {
        return Vec::new();
    }
    let name = &object.name;
    // kubectl's own Namespace needs no word.
    let within = if object.namespace.is_empty() || object.namespace == lab.namespace() {
        String::new()
    } else {
        format!(" -n {}", object.namespace)
    };
    let kubectl = |words: &str| format!("kubectl {words}{within}");
    match object.kind {
        Kind::Pod => pod(lab, object),
        Kind::Deployment | Kind::StatefulSet | Kind::ReplicaSet => {
            let kind = match object.kind {
                Kind::Deployment => "deployment",
                Kind::StatefulSet => "statefulset",
                _ => "replicaset",
            };
            let replicas = (lab.cluster().get(object))
                .and_then(|tree| tree.get("spec")?.get("replicas")?.to_string().parse().ok())
                .unwrap_or(1_i32);
            let scale = |to: i32| kubectl(&format!("scale {kind} {name} --replicas={to}"));
            let mut all = vec![action(
                "scaleUp",
                "One more",
                scale(replicas.saturating_add(1)),
            )];
            if replicas > 0 {
                all.push(action("scaleDown", "One fewer", scale(replicas - 1)));
            }
            if object.kind != Kind::ReplicaSet {
                let line = kubectl(&format!("rollout restart {kind} {name}"));
                all.push(action("restart", "Restart", line));
            }
            all.push(destructive(
                "delete",
                "Delete",
                kubectl(&format!("delete {kind} {name}")),
            ));
            all
        }
        Kind::Node => node(lab, name),
        Kind::Service => {
            let type_ = store
                .service(&object.namespace, name)
                .map_or("", |service| service.spec.type_.as_str());
            let mut all: Vec<Action> = [
                ("clusterIP", "Make it ClusterIP", "ClusterIP"),
                ("nodePort", "Make it NodePort", "NodePort"),
                ("loadBalancer", "Make it LoadBalancer", "LoadBalancer"),
            ]
            .into_iter()
            .filter(|(_, _, wanted)| *wanted != type_ && type_ != "ExternalName")
            .map(|(id, label, wanted)| {
                let patch = format!("{{\"spec\":{{\"type\":\"{wanted}\"}}}}");
                let line = kubectl(&format!("patch service {name} -p '{patch}'"));
                action(id, label, line)
            })
            .collect();
            let line = kubectl(&format!("describe service {name}"));
            all.push(action("describe", "Describe", line));
            all.push(destructive(
                "delete",
                "Delete",
                kubectl(&format!("delete service {name}")),
            ));
            all
        }
        _ => Vec::new(),
    }
}

fn pod(lab: &Lab, pod: &ObjectRef) -> Vec<Action> {
    let (namespace, name) = (&pod.namespace, &pod.name);
    let full = format!("{namespace}/{name}");
    let found = lab.world().store.pod(namespace, name);
    let runs = found.is_some_and(|pod| pod.status.phase == "Running");
    let mut all = Vec::new();
    if runs {
        let is_ready = found.is_some_and(crate::controllers::kubelet::is_ready);
        all.push(if is_ready {
            action(
                "unready",
                "Make it unready",
                format!("lab ready {full} off"),
            )
        } else {
            action("ready", "Make it ready", format!("lab ready {full} on"))
        });
        if lab.cluster().readiness(pod).is_some() {
            let line = format!("lab ready {full} auto");
            all.push(action("probe", "Ask its probe again", line));
        }
        for (listening, id, label, word) in [
            (
                Listening::Everywhere,
                "listenAll",
                "Listen on all addresses",
                "all",
            ),
            (
                Listening::LocalhostOnly,
                "listenLoopback",
                "Listen on 127.0.0.1 only",
                "loopback",
            ),
            (Listening::Nowhere, "listenNone", "Stop listening", "none"),
        ] {
            if lab.cluster().listening(pod) != listening {
                all.push(action(id, label, format!("lab listen {full} {word}")));
            }
        }
        let line = format!("kubectl exec -it {name} -n {namespace} -- sh");
        all.push(action("shell", "Open a shell", line));
        let line = format!("kubectl logs {name} -n {namespace}");
        all.push(action("logs", "Show its log", line));
    }
    let is_going = found.is_some_and(|pod| pod.metadata.deletion_timestamp.is_some());
    if !is_going {
        // It can be watched as it ends.
        let line = format!("kubectl delete pod {name} -n {namespace} --wait=false");
        all.push(destructive("delete", "Delete", line));
    }
    all
}

fn node(lab: &Lab, name: &str) -> Vec<Action> {
    let store = &lab.world().store;
    let is_cordoned = store
        .node("", name)
        .is_some_and(|node| node.spec.unschedulable);
    let mut all = vec![if is_cordoned {
        action(
            "uncordon",
            "Take new Pods again",
            format!("kubectl uncordon {name}"),
        )
    } else {
        action(
            "cordon",
            "Take no new Pods",
            format!("kubectl cordon {name}"),
        )
    }];
    let line = format!("kubectl drain {name} --ignore-daemonsets --delete-emptydir-data --force");
    all.push(destructive("drain", "Drain", line));
    all.push(if lab.cluster().is_running(name) {
        destructive("powerOff", "Switch off", format!("lab power {name} off"))
    } else {
        action("powerOn", "Switch on", format!("lab power {name} on"))
    });
    let line = format!("kubectl debug node/{name} -it -- sh");
    all.push(action("shell", "Open a shell", line));
    all
}
