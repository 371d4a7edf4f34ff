//! Pods: how many containers are ready, and the one word for how the Pod is.

use super::{Column, age, or_none};
use crate::kubectl::time;
use crate::kubectl::tree::Value;

pub(super) const COLUMNS: &[Column] = &[
    ("Name", false),
    ("Ready", false),
    ("Status", false),
    ("Restarts", false),
    ("Age", false),
    ("IP", true),
    ("Node", true),
    ("Nominated Node", true),
    ("Readiness Gates", true),
];

/// Restarts, and when the last one was.
#[derive(Default)]
struct Restarts {
    count: i64,
    last: Option<i64>,
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count += status.int_at("restartCount");
        let ended = time::parse(status.str_at("lastState.terminated.finishedAt"));
        self.last = self.last.max(ended);
    }
}

fn is_sidecar(pod: &Value, name: &str) -> bool {
    pod.list_at("spec.initContainers").iter().any(|container| {
        container.str_at("name") == name && container.str_at("restartPolicy") == "Always"
    })
}

/// Why a container that ended did so.
fn ended(terminated: &Value) -> String {
    match (terminated.str_at("reason"), terminated.int_at("signal")) {
        ("", 0) => format!("ExitCode:{}", terminated.int_at("exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

fn condition(pod: &Value, name: &str) -> bool {
    pod.list_at("status.conditions")
        .iter()
        .any(|c| c.str_at("type") == name && c.str_at("status") == "True")
}

pub(super) fn cells(pod: &Value, now: i64) -> Vec<String> {
    let inits = pod.list_at("spec.initContainers");
    let sidecars = inits
        .iter()
        .filter(|c| c.str_at("restartPolicy") == "Always")
        .count();
    let total = pod.list_at("spec.containers").len() + sidecars;
    let mut ready = 0;
    let phase = pod.str_at("status.phase");
    let mut reason = match pod.str_at("status.reason") {
        "" => phase.to_owned(),
        reason => reason.to_owned(),
    };
    if pod.list_at("status.conditions").iter().any(|condition| {
        condition.str_at("type") == "PodScheduled"
            && condition.str_at("reason") == "SchedulingGated"
    }) {
        "SchedulingGated".clone_into(&mut reason);
    }
    let mut restarts = Restarts::default();
    let mut of_sidecars = Restarts::default();
    let mut initializing = false;
    for (at, status) in pod
        .list_at("status.initContainerStatuses")
        .iter()
        .enumerate()
    {
        let sidecar = is_sidecar(pod, status.str_at("name"));
        restarts.add(status);
        if sidecar {
            of_sidecars.add(status);
        }
        let terminated = status.at("state.terminated");
        if !terminated.is_null() && terminated.int_at("exitCode") == 0 {
            continue;
        }
        if sidecar && status.bool_at("started") {
            ready += usize::from(status.bool_at("ready"));
            continue;
        }
        let waiting = status.str_at("state.waiting.reason");
        reason = if !terminated.is_null() {
            format!("Init:{}", ended(terminated))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{at}/{}", inits.len())
        };
        initializing = true;
        break;
    }
    if !initializing || condition(pod, "Initialized") {
        restarts = of_sidecars;
        let mut has_running = false;
        for status in pod.list_at("status.containerStatuses").iter().rev() {
            restarts.add(status);
            let terminated = status.at("state.terminated");
            let waiting = status.str_at("state.waiting.reason");
            if !waiting.is_empty() {
                waiting.clone_into(&mut reason);
            } else if !terminated.is_null() {
                reason = ended(terminated);
            } else if status.bool_at("ready") && !status.at("state.running").is_null() {
                has_running = true;
                ready += 1;
            }
        }
        if reason == "Completed" && has_running {
            let is_ready = condition(pod, "Ready");
            if is_ready { "Running" } else { "NotReady" }.clone_into(&mut reason);
        }
    }
    if !pod.at("metadata.deletionTimestamp").is_null() {
        if pod.str_at("status.reason") == "NodeLost" {
            "Unknown".clone_into(&mut reason);
        } else if !matches!(phase, "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut reason);
        }
    }
    let restarts = match restarts.last {
        Some(last) if restarts.count != 0 => format!(
            "{} ({} ago)",
            restarts.count,
            time::human_duration(now.saturating_sub(last))
        ),
        _ => restarts.count.to_string(),
    };
    let gates = pod.list_at("spec.readinessGates");
    let open = gates
        .iter()
        .filter(|gate| condition(pod, gate.str_at("conditionType")))
        .count();
    let gates = if gates.is_empty() {
        "<none>".to_owned()
    } else {
        format!("{open}/{}", gates.len())
    };
    let first = pod.list_at("status.podIPs").first();
    vec![
        pod.name().to_owned(),
        format!("{ready}/{total}"),
        reason,
        restarts,
        age(pod, now),
        or_none(first.map_or("", |ip| ip.str_at("ip"))),
        or_none(pod.str_at("spec.nodeName")),
        or_none(pod.str_at("status.nominatedNodeName")),
        gates,
    ]
}
