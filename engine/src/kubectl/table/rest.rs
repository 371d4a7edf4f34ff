//! Nodes, Namespaces, Events and workloads.

use super::{Column, age, or_none, selector};
use crate::kubectl::time;
use crate::kubectl::tree::Value;

pub(super) const NODE: &[Column] = &[
    ("Name", false),
    ("Status", false),
    ("Roles", false),
    ("Age", false),
    ("Version", false),
    ("Internal-IP", true),
    ("External-IP", true),
    ("OS-Image", true),
    ("Kernel-Version", true),
    ("Container-Runtime", true),
];

pub(super) const NAMESPACE: &[Column] = &[("Name", false), ("Status", false), ("Age", false)];

pub(super) const EVENT: &[Column] = &[
    ("Last Seen", false),
    ("Type", false),
    ("Reason", false),
    ("Object", false),
    ("Subobject", true),
    ("Source", true),
    ("Message", false),
    ("First Seen", true),
    ("Count", true),
    ("Name", true),
];

pub(super) const DEPLOYMENT: &[Column] = &[
    ("Name", false),
    ("Ready", false),
    ("Up-to-date", false),
    ("Available", false),
    ("Age", false),
    ("Containers", true),
    ("Images", true),
    ("Selector", true),
];

pub(super) const REPLICA_SET: &[Column] = &[
    ("Name", false),
    ("Desired", false),
    ("Current", false),
    ("Ready", false),
    ("Age", false),
    ("Containers", true),
    ("Images", true),
    ("Selector", true),
];

pub(super) const STATEFUL_SET: &[Column] = &[
    ("Name", false),
    ("Ready", false),
    ("Age", false),
    ("Containers", true),
    ("Images", true),
];

pub(super) const DAEMON_SET: &[Column] = &[
    ("Name", false),
    ("Desired", false),
    ("Current", false),
    ("Ready", false),
    ("Up-to-date", false),
    ("Available", false),
    ("Node Selector", false),
    ("Age", false),
    ("Containers", true),
    ("Images", true),
    ("Selector", true),
];

pub(super) const CONFIG_MAP: &[Column] = &[("Name", false), ("Data", false), ("Age", false)];

pub(super) const SECRET: &[Column] = &[
    ("Name", false),
    ("Type", false),
    ("Data", false),
    ("Age", false),
];

/// The roles of a Node: its labels `node-role.kubernetes.io/ROLE` and `kubernetes.io/role`.
pub(in crate::kubectl) fn node_roles(node: &Value) -> Vec<&str> {
    let mut roles: Vec<&str> = node
        .entries_at("metadata.labels")
        .iter()
        .filter_map(
            |(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
                Some(role) => Some(role).filter(|role| !role.is_empty()),
                None if key == "kubernetes.io/role" => {
                    value.as_str().filter(|role| !role.is_empty())
                }
                None => None,
            },
        )
        .collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

pub(super) fn node(node: &Value, now: i64) -> Vec<String> {
    let mut status: Vec<String> = node
        .list_at("status.conditions")
        .iter()
        .filter(|condition| condition.str_at("type") == "Ready")
        .map(|condition| match condition.str_at("status") {
            "True" => "Ready".to_owned(),
            _ => "NotReady".to_owned(),
        })
        .collect();
    // Of two conditions of one type the later one counts.
    if status.len() > 1 {
        status.drain(..status.len() - 1);
    }
    if status.is_empty() {
        status.push("Unknown".to_owned());
    }
    if node.bool_at("spec.unschedulable") {
        status.push("SchedulingDisabled".to_owned());
    }
    let address = |kind: &str| {
        let found = node
            .list_at("status.addresses")
            .iter()
            .find(|address| address.str_at("type") == kind);
        or_none(found.map_or("", |address| address.str_at("address")))
    };
    let info = |field: &str| match node.at("status.nodeInfo").str_at(field) {
        "" => "<unknown>".to_owned(),
        text => text.to_owned(),
    };
    vec![
        node.name().to_owned(),
        status.join(","),
        or_none(&node_roles(node).join(",")),
        age(node, now),
        node.str_at("status.nodeInfo.kubeletVersion").to_owned(),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

pub(super) fn namespace(namespace: &Value, now: i64) -> Vec<String> {
    vec![
        namespace.name().to_owned(),
        namespace.str_at("status.phase").to_owned(),
        age(namespace, now),
    ]
}

pub(super) fn event(event: &Value, now: i64) -> Vec<String> {
    let first_seen = match event.str_at("firstTimestamp") {
        "" => time::since(event.str_at("eventTime"), now),
        first => time::since(first, now),
    };
    let last_seen = match (
        event.str_at("series.lastObservedTime"),
        event.str_at("lastTimestamp"),
    ) {
        ("", "") => first_seen.clone(),
        ("", last) | (last, _) => time::since(last, now),
    };
    let count = match (event.int_at("series.count"), event.int_at("count")) {
        (0, 0) => 1,
        (0, count) | (count, _) => count,
    };
    let component = match event.str_at("source.component") {
        "" => event.str_at("reportingComponent"),
        component => component,
    };
    let host = match event.str_at("source.host") {
        "" => event.str_at("reportingInstance"),
        host => host,
    };
    let source = if host.is_empty() {
        component.to_owned()
    } else {
        format!("{component}, {host}")
    };
    let kind = event.str_at("involvedObject.kind").to_lowercase();
    let target = match event.str_at("involvedObject.name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    vec![
        last_seen,
        event.str_at("type").to_owned(),
        event.str_at("reason").to_owned(),
        target,
        event.str_at("involvedObject.fieldPath").to_owned(),
        source,
        event.str_at("message").trim().to_owned(),
        first_seen,
        count.to_string(),
        event.name().to_owned(),
    ]
}

/// Names and images of the containers of a workload.
fn containers(object: &Value) -> [String; 2] {
    let list = object.list_at("spec.template.spec.containers");
    ["name", "image"].map(|field| {
        let all: Vec<&str> = list
            .iter()
            .map(|container| container.str_at(field))
            .collect();
        all.join(",")
    })
}

pub(super) fn deployment(object: &Value, now: i64) -> Vec<String> {
    let [names, images] = containers(object);
    vec![
        object.name().to_owned(),
        format!(
            "{}/{}",
            object.int_at("status.readyReplicas"),
            object.int_at("spec.replicas")
        ),
        object.int_at("status.updatedReplicas").to_string(),
        object.int_at("status.availableReplicas").to_string(),
        age(object, now),
        names,
        images,
        selector(object.at("spec.selector")),
    ]
}

pub(super) fn replica_set(object: &Value, now: i64) -> Vec<String> {
    let [names, images] = containers(object);
    vec![
        object.name().to_owned(),
        object.int_at("spec.replicas").to_string(),
        object.int_at("status.replicas").to_string(),
        object.int_at("status.readyReplicas").to_string(),
        age(object, now),
        names,
        images,
        selector(object.at("spec.selector")),
    ]
}

pub(super) fn daemon_set(object: &Value, now: i64) -> Vec<String> {
    let [names, images] = containers(object);
    let count = |field: &str| object.at("status").int_at(field).to_string();
    vec![
        object.name().to_owned(),
        count("desiredNumberScheduled"),
        count("currentNumberScheduled"),
        count("numberReady"),
        count("updatedNumberScheduled"),
        count("numberAvailable"),
        super::labels(object.entries_at("spec.template.spec.nodeSelector")),
        age(object, now),
        names,
        images,
        selector(object.at("spec.selector")),
    ]
}

pub(super) fn config_map(object: &Value, now: i64) -> Vec<String> {
    let data = object.entries_at("data").len() + object.entries_at("binaryData").len();
    vec![object.name().to_owned(), data.to_string(), age(object, now)]
}

pub(super) fn secret(object: &Value, now: i64) -> Vec<String> {
    vec![
        object.name().to_owned(),
        object.str_at("type").to_owned(),
        object.entries_at("data").len().to_string(),
        age(object, now),
    ]
}

pub(super) fn stateful_set(object: &Value, now: i64) -> Vec<String> {
    let [names, images] = containers(object);
    vec![
        object.name().to_owned(),
        format!(
            "{}/{}",
            object.int_at("status.readyReplicas"),
            object.int_at("spec.replicas")
        ),
        age(object, now),
        names,
        images,
    ]
}
