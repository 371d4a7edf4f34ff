//! Nodes and Namespaces.

use super::{Writer, annotations, labels};
use crate::api::Quantity;
use crate::kubectl::api::Api;
use crate::kubectl::jsonpath::to_text;
use crate::kubectl::resource::by_kind;
use crate::kubectl::table;
use crate::kubectl::time;
use crate::kubectl::tree::Value;

fn date(text: &str) -> String {
    match time::parse(text) {
        Some(seconds) => time::print_rfc1123(seconds),
        None => "Mon, 01 Jan 0001 00:00:00 +0000".to_owned(),
    }
}

/// Quotas and limits are no resources of this API: then kubectl says nothing of them.
pub(super) fn namespace(w: &mut Writer, namespace: &Value) {
    w.field("Name", namespace.name());
    labels(w, "Labels", namespace.entries_at("metadata.labels"));
    annotations(
        w,
        "",
        "Annotations",
        namespace.entries_at("metadata.annotations"),
    );
    w.field("Status", namespace.str_at("status.phase"));
}

pub(super) fn node(w: &mut Writer, api: &dyn Api, node: &Value) {
    let (spec, status) = (node.at("spec"), node.at("status"));
    w.field("Name", node.name());
    let roles = table::node_roles(node).join(",");
    w.field("Roles", if roles.is_empty() { "<none>" } else { &roles });
    labels(w, "Labels", node.entries_at("metadata.labels"));
    annotations(
        w,
        "",
        "Annotations",
        node.entries_at("metadata.annotations"),
    );
    w.field(
        "CreationTimestamp",
        &date(node.str_at("metadata.creationTimestamp")),
    );
    taints(w, spec);
    w.field("Unschedulable", &spec.bool_at("unschedulable").to_string());
    // Leases are no resource of this API.
    w.field(
        "Lease",
        &format!(
            "Failed to get lease: the server could not find the requested resource (get leases.coordination.k8s.io {})",
            node.name()
        ),
    );
    if !status.list_at("conditions").is_empty() {
        w.put(
            "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n",
        );
        w.put("  ----\t------\t-----------------\t------------------\t------\t-------\n");
    }
    for condition in status.list_at("conditions") {
        w.put(&format!(
            "  {} \t{} \t{} \t{} \t{} \t{}\n",
            condition.str_at("type"),
            condition.str_at("status"),
            date(condition.str_at("lastHeartbeatTime")),
            date(condition.str_at("lastTransitionTime")),
            condition.str_at("reason"),
            condition.str_at("message")
        ));
    }
    w.put("Addresses:\n");
    for address in status.list_at("addresses") {
        w.put(&format!(
            "  {}:\t{}\n",
            address.str_at("type"),
            address.str_at("address")
        ));
    }
    for (title, path) in [("Capacity", "capacity"), ("Allocatable", "allocatable")] {
        let entries = status.entries_at(path);
        if !entries.is_empty() {
            w.put(&format!("{title}:\n"));
        }
        for (name, amount) in entries {
            w.put(&format!("  {name}:\t{}\n", to_text(amount)));
        }
    }
    w.put("System Info:\n");
    for (title, path) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ] {
        w.put(&format!(
            "  {title}:\t{}\n",
            status.at("nodeInfo").str_at(path)
        ));
    }
    if !spec.str_at("podCIDR").is_empty() {
        w.field("PodCIDR", spec.str_at("podCIDR"));
    }
    let ranges: Vec<&str> = spec
        .list_at("podCIDRs")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if !ranges.is_empty() {
        w.field("PodCIDRs", &ranges.join(","));
    }
    if !spec.str_at("providerID").is_empty() {
        w.field("ProviderID", spec.str_at("providerID"));
    }
    pods(w, api, node);
}

fn taints(w: &mut Writer, spec: &Value) {
    let mut taints: Vec<(String, String)> = spec
        .list_at("taints")
        .iter()
        .map(|taint| {
            let (key, effect) = (taint.str_at("key"), taint.str_at("effect"));
            let text = match (taint.str_at("value"), effect) {
                ("", "") => key.to_owned(),
                ("", effect) => format!("{key}:{effect}"),
                (value, "") => format!("{key}={value}:"),
                (value, effect) => format!("{key}={value}:{effect}"),
            };
            (format!("{effect},{key}"), text)
        })
        .collect();
    taints.sort();
    w.put("Taints:\t");
    if taints.is_empty() {
        w.put("<none>\n");
    }
    for (at, (_, text)) in taints.into_iter().enumerate() {
        let tab = if at == 0 { "" } else { "\t" };
        w.put(&format!("{tab}{text}\n"));
    }
}

/// What the containers of a Pod ask for or are limited to, in billionths.
fn sum(pod: &Value, list: &str, name: &str) -> i128 {
    let of = |container: &Value| {
        let amount = to_text(container.at("resources").at(list).get(name));
        Quantity::new(amount).nanos().unwrap_or(0)
    };
    let together: i128 = pod.list_at("spec.containers").iter().map(of).sum();
    // Init containers run one after the other, and not beside the others.
    let most = pod.list_at("spec.initContainers").iter().map(of).max();
    together.max(most.unwrap_or(0))
}

/// As Kubernetes prints a sum: thousandths of a CPU, bytes in powers of two where it is one.
fn amount(nanos: i128, name: &str) -> String {
    const ONE: i128 = 1_000_000_000;
    if name == "cpu" {
        return if nanos % ONE == 0 {
            (nanos / ONE).to_string()
        } else {
            format!("{}m", nanos / 1_000_000)
        };
    }
    let bytes = nanos / ONE;
    for (unit, suffix) in [(1_i128 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")] {
        if bytes != 0 && bytes % unit == 0 {
            return format!("{}{suffix}", bytes / unit);
        }
    }
    bytes.to_string()
}

fn pods(w: &mut Writer, api: &dyn Api, node: &Value) {
    let mut pods = api.list(by_kind("Pod"), None);
    pods.retain(|pod| {
        pod.str_at("spec.nodeName") == node.name()
            && !matches!(pod.str_at("status.phase"), "Succeeded" | "Failed")
    });
    let whole = |name: &str| {
        let list = if node.entries_at("status.allocatable").is_empty() {
            "status.capacity"
        } else {
            "status.allocatable"
        };
        Quantity::new(to_text(node.at(list).get(name)))
            .nanos()
            .unwrap_or(0)
    };
    let part = |nanos: i128, name: &str| {
        let whole = whole(name);
        let percent = if whole == 0 { 0 } else { nanos * 100 / whole };
        format!("{} ({percent}%)", amount(nanos, name))
    };
    w.put(&format!(
        "Non-terminated Pods:\t({} in total)\n",
        pods.len()
    ));
    w.put("  Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge\n");
    w.put("  ---------\t----\t\t------------\t----------\t---------------\t-------------\t---\n");
    for pod in &pods {
        let age = time::since(pod.str_at("metadata.creationTimestamp"), api.now());
        w.put(&format!(
            "  {}\t{}\t\t{}\t{}\t{}\t{}\t{age}\n",
            pod.namespace(),
            pod.name(),
            part(sum(pod, "requests", "cpu"), "cpu"),
            part(sum(pod, "limits", "cpu"), "cpu"),
            part(sum(pod, "requests", "memory"), "memory"),
            part(sum(pod, "limits", "memory"), "memory"),
        ));
    }
    w.put("Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n");
    w.put("  Resource\tRequests\tLimits\n  --------\t--------\t------\n");
    for name in ["cpu", "memory", "ephemeral-storage"] {
        let all = |list: &str| pods.iter().map(|pod| sum(pod, list, name)).sum();
        let (requests, limits) = (part(all("requests"), name), part(all("limits"), name));
        w.put(&format!("  {name}\t{requests}\t{limits}\n"));
    }
}
