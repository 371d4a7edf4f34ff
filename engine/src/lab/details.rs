//! What the picture's card says of one thing: its fields as people read them, its labels, and in
//! whose lists it stands.
//!
//! Fields that say nothing (an empty address, a default that changes nothing) are left out. The
//! words are Kubernetes' own.

use serde::Serialize;

use super::picture;
use super::scene::{Desk, Entrance, ForwardTo, RoomState};
use super::session::Lab;
use crate::api::{Kind, Node, ObjectRef, Pod, Service};
use crate::cluster::Listening;
use crate::controllers::nodes;

/// How many of a workload's Pods are named.
const MOST_PODS: usize = 12;

/// What there is to say of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// The thing.
    pub object: ObjectRef,
    /// Its state in a word or two: `ready`, `LoadBalancer`, `cordoned`.
    pub state: String,
    /// Its fields, the most telling first.
    pub rows: Vec<Detail>,
    /// Its labels, in their order.
    pub labels: Vec<(String, String)>,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    /// What it is called.
    pub label: &'static str,
    /// What it says.
    pub value: String,
    /// Another thing that it names.
    pub object: Option<ObjectRef>,
    /// Whether something is amiss with it.
    pub bad: bool,
}

/// What there is to say of a Pod, a Service, a Node or a workload; `None` for anything else, and for
/// what is not there.
pub(super) fn details(lab: &Lab, object: &ObjectRef) -> Option<Details> {
    let store = &lab.world().store;
    let (state, rows) = match object.kind {
        Kind::Pod => of_pod(lab, store.pod(&object.namespace, &object.name)?),
        Kind::Service => of_service(lab, store.service(&object.namespace, &object.name)?),
        Kind::Node => of_node(lab, store.node("", &object.name)?),
        kind if owns_pods(kind) => of_workload(lab, object),
        _ => return None,
    };
    let labels = &store.get(object)?.metadata().labels;
    Some(Details {
        object: object.clone(),
        state,
        rows,
        labels: labels
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    })
}

fn row(label: &'static str, value: impl Into<String>) -> Detail {
    Detail {
        label,
        value: value.into(),
        object: None,
        bad: false,
    }
}

/// A row unless there is nothing in it.
fn filled(rows: &mut Vec<Detail>, label: &'static str, value: &str) {
    if !value.is_empty() {
        rows.push(row(label, value));
    }
}

fn of_pod(lab: &Lab, pod: &Pod) -> (String, Vec<Detail>) {
    let reference = picture::reference(pod);
    let cluster = lab.cluster();
    let mut rows = Vec::new();
    filled(&mut rows, "Pod IP", &pod.status.pod_ip);
    if pod.spec.node_name.is_empty() {
        rows.push(Detail {
            bad: true,
            ..row("Node", "none: not scheduled")
        });
    } else {
        let node = &pod.spec.node_name;
        rows.push(Detail {
            object: Some(ObjectRef::new(Kind::Node, "", node.as_str())),
            ..row("Node", node.as_str())
        });
    }
    if pod.spec.host_network {
        rows.push(row("Network", "the Node's own (hostNetwork)"));
    }
    let (kind, owner) = picture::owner(pod);
    if kind != "Pod" {
        let object = Kind::ALL
            .into_iter()
            .find(|known| owns_pods(*known) && known.as_str() == kind)
            .map(|known| ObjectRef::new(known, &pod.metadata.namespace, &owner))
            .filter(|owner| lab.world().store.contains(owner));
        rows.push(Detail {
            object,
            ..row("Owner", format!("{kind} {owner}"))
        });
    }
    let ports: Vec<String> = pod
        .spec
        .containers
        .iter()
        .flat_map(|container| &container.ports)
        .map(|port| {
            let number = format!("{}/{}", port.container_port, port.protocol);
            match port.name.as_str() {
                "" => number,
                name => format!("{name} {number}"),
            }
        })
        .collect();
    filled(&mut rows, "Ports", &ports.join(", "));
    let listens = match cluster.listening(&reference) {
        Listening::Everywhere => "",
        Listening::LocalhostOnly => "on 127.0.0.1 only",
        Listening::Nowhere => "nowhere: connections are refused",
    };
    if !listens.is_empty() {
        rows.push(Detail {
            bad: true,
            ..row("Listens", listens)
        });
    }
    if let Some(ready) = cluster.readiness(&reference) {
        let probe = if ready { "set to pass" } else { "set to fail" };
        rows.push(row("Readiness probe", probe));
    }
    for desk in lab.scene().desks {
        let entry = desk
            .list
            .iter()
            .find(|entry| entry.pod.as_ref() == Some(&reference));
        if let Some(entry) = entry {
            let place = if entry.in_ { "in" } else { "out" };
            let value = match entry.reason.as_str() {
                "" => format!("{}: {place}", desk.service.name),
                reason => format!("{}: {place}, {reason}", desk.service.name),
            };
            rows.push(Detail {
                object: Some(desk.service),
                bad: !entry.in_,
                ..row("Endpoint of", value)
            });
        }
    }
    (picture::room_state(pod).as_str().to_owned(), rows)
}

/// Whether Pods of a kind's objects are called after them.
fn owns_pods(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet
    )
}

fn of_workload(lab: &Lab, workload: &ObjectRef) -> (String, Vec<Detail>) {
    let mut rows = Vec::new();
    let (mut all, mut ready) = (0_usize, 0_usize);
    let of_it = |pod: &&Pod| {
        let (kind, name) = picture::owner(pod);
        pod.metadata.namespace == workload.namespace
            && kind == workload.kind.as_str()
            && name == workload.name
    };
    for pod in lab.world().store.pods().filter(of_it) {
        let state = picture::room_state(pod);
        let is_ready = state == RoomState::Ready;
        all += 1;
        ready += usize::from(is_ready);
        if rows.len() < MOST_PODS {
            rows.push(Detail {
                object: Some(picture::reference(pod)),
                bad: !is_ready,
                ..row("Pod", format!("{}, {}", pod.metadata.name, state.as_str()))
            });
        }
    }
    if all > rows.len() {
        rows.push(row("Pods", format!("and {} more", all - rows.len())));
    }
    (format!("{ready} of {all} ready"), rows)
}

fn of_service(lab: &Lab, service: &Service) -> (String, Vec<Detail>) {
    let spec = &service.spec;
    let mut rows = Vec::new();
    filled(&mut rows, "Cluster IP", &spec.cluster_ips.join(", "));
    let reference = picture::service_reference(service);
    let scene = lab.scene();
    let desk = scene
        .desks
        .into_iter()
        .find(|desk| desk.service == reference);
    for port in desk.iter().flat_map(|desk| &desk.ports) {
        let mut value = format!("{} → {}", port.text, port.target);
        if !port.name.is_empty() {
            value = format!("{} {value}", port.name);
        }
        rows.push(row("Port", value));
    }
    if let Some(desk) = &desk {
        outward(desk, &mut rows);
    }
    filled(&mut rows, "External IPs", &spec.external_ips.join(", "));
    let selector: Vec<String> = spec
        .selector
        .iter()
        .flatten()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    filled(&mut rows, "Selector", &selector.join(", "));
    if let Some(desk) = desk.as_ref().filter(|desk| desk.forward.is_none()) {
        let in_ = desk.list.iter().filter(|entry| entry.in_).count();
        let out = desk.list.len() - in_;
        rows.push(Detail {
            bad: in_ == 0,
            ..row("Endpoints", format!("{in_} in, {out} out"))
        });
        if let Some(missing) = &desk.missing {
            rows.push(Detail {
                bad: true,
                ..row("Missing", missing.cluster.text())
            });
        }
    }
    if spec.session_affinity == "ClientIP" {
        let seconds = spec
            .session_affinity_config
            .as_ref()
            .and_then(|config| config.client_ip.as_ref())
            .and_then(|client| client.timeout_seconds);
        let value = match seconds {
            Some(seconds) => format!("by client address, {seconds} s"),
            None => "by client address".to_owned(),
        };
        rows.push(row("Session affinity", value));
    }
    if spec.external_traffic_policy == "Local" {
        rows.push(row("External traffic", "Local: Pods of the same Node only"));
    }
    if spec.internal_traffic_policy.as_deref() == Some("Local") {
        rows.push(row("Internal traffic", "Local: Pods of the same Node only"));
    }
    (picture::desk_type(service).as_str().to_owned(), rows)
}

/// The way in from the world, or out to it.
fn outward(desk: &Desk, rows: &mut Vec<Detail>) {
    match &desk.entrance {
        Entrance::None => {}
        Entrance::Pending { why, .. } => rows.push(Detail {
            bad: true,
            ..row(
                "Load balancer",
                format!("<pending>. {}", why.cluster.text()),
            )
        }),
        Entrance::Built {
            addresses, doorman, ..
        } => {
            rows.push(row("Load balancer", addresses.join(", ")));
            rows.push(row("Built by", doorman.cluster.text()));
        }
    }
    if let Some(forward) = &desk.forward {
        rows.push(row("External name", forward.name.as_str()));
        let (value, bad) = match &forward.to {
            ForwardTo::House { host, address } => (format!("{host}, {address}"), false),
            ForwardTo::Inside => ("a name of this cluster".to_owned(), false),
            ForwardTo::Nobody => ("nobody that the lab's internet knows".to_owned(), true),
        };
        rows.push(Detail {
            bad,
            ..row("Leads to", value)
        });
    }
}

fn of_node(lab: &Lab, node: &Node) -> (String, Vec<Detail>) {
    let name = &node.metadata.name;
    let address = nodes::internal_ip(node).map(|ip| ip.to_string());
    let mut rows = Vec::new();
    filled(&mut rows, "Internal IP", &address.unwrap_or_default());
    let zone = node.metadata.labels.get("topology.kubernetes.io/zone");
    filled(&mut rows, "Zone", zone.map_or("", String::as_str));
    filled(&mut rows, "Pod CIDR", &node.spec.pod_cidrs.join(", "));
    let pods = lab.world().store.pods();
    let pods = pods.filter(|pod| pod.spec.node_name == *name).count();
    rows.push(row("Pods", pods.to_string()));
    if let Some(rules) = lab.rules(name) {
        rows.push(row("kube-proxy", format!("{} rules", rules.count())));
    }
    for taint in &node.spec.taints {
        rows.push(row("Taint", format!("{}:{}", taint.key, taint.effect)));
    }
    let state = match (lab.cluster().is_running(name), node.spec.unschedulable) {
        (false, _) => "switched off",
        (true, true) => "cordoned",
        (true, false) => "ready",
    };
    (state.to_owned(), rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{EXAMPLES, Settings};

    fn lab(example: &str) -> Lab {
        let mut lab = Lab::new(Settings::default());
        let example = EXAMPLES.iter().find(|known| known.id == example).unwrap();
        lab.open(example.text());
        lab
    }

    fn value<'a>(details: &'a Details, label: &str) -> &'a str {
        let mut rows = details.rows.iter();
        rows.find(|row| row.label == label)
            .map_or("", |row| row.value.as_str())
    }

    #[test]
    fn a_service_a_pod_its_owner_and_its_node_lead_to_one_another() {
        let lab = lab("nodeport");
        let service = ObjectRef::new(Kind::Service, "default", "frontend-service");
        let of_service = lab.details(&service).unwrap();
        assert_eq!(of_service.state, "NodePort");
        assert_eq!(value(&of_service, "Port"), "80:30080/TCP → 8080");
        assert_eq!(value(&of_service, "Endpoints"), "2 in, 0 out");

        let room = lab.scene().rooms[0].clone();
        let of_pod = lab.details(&room.pod).unwrap();
        assert_eq!(of_pod.state, "ready");
        assert_eq!(value(&of_pod, "Pod IP"), room.address);
        assert!(of_pod.labels.contains(&("app".into(), "frontend".into())));
        let named = |label: &str| {
            let row = of_pod.rows.iter().find(|row| row.label == label).unwrap();
            row.object.clone().unwrap()
        };
        assert_eq!(named("Endpoint of"), service);
        assert_eq!(named("Node").kind, Kind::Node);
        let of_owner = lab.details(&named("Owner")).unwrap();
        assert_eq!(of_owner.state, "2 of 2 ready");
        assert!(
            of_owner
                .rows
                .iter()
                .any(|row| row.object.as_ref() == Some(&room.pod))
        );
        assert_eq!(lab.details(&named("Node")).unwrap().state, "ready");
    }

    #[test]
    fn what_is_amiss_is_marked() {
        let lab = lab("wrong-selector");
        let service = lab
            .scene()
            .desks
            .into_iter()
            .find(|desk| desk.missing.is_some());
        let details = lab.details(&service.unwrap().service).unwrap();
        assert!(
            details
                .rows
                .iter()
                .any(|row| row.bad && row.label == "Endpoints")
        );
        assert!(
            details
                .rows
                .iter()
                .any(|row| row.bad && row.label == "Missing")
        );
        assert!(
            lab.details(&ObjectRef::new(Kind::Pod, "default", "nobody"))
                .is_none()
        );
    }
}
