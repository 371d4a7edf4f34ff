//! Running is not ready: Pods that get no traffic, and why.
//!
//! The endpoints' conditions decide, as the slices have them; the reason is what the Pod's status
//! says: a container that waits, a readiness probe that fails, no Node to run on.

use std::collections::BTreeSet;

use super::exam::{self, Exam, Subject, pod_reference};
use super::finding::{Evidence, Fix};
use super::selector::is_cluster_dns;
use crate::api::{IntOrString, ObjectRef, Pod};
use crate::controllers::kubelet::is_ready;
use crate::diagnostic::Severity;
use crate::manifest::nearest;

/// A Service none of whose endpoints gets new connections.
pub(super) fn examine_service(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    let (all, ready) = subject.endpoints();
    if ready > 0 || (all == 0 && subject.pods.is_empty()) {
        return;
    }
    // The lab's own Nodes are made up: that a Pod finds no place on them says nothing.
    if !exam.has_own_nodes() && subject.pods.iter().all(|pod| pod.status.pod_ip.is_empty()) {
        let message = "its Pods find no place on the Nodes of this lab";
        let why = (subject.pods.first()).map_or_else(String::new, |pod| reason(exam, pod).1);
        exam.find(
            "lab-cannot-place",
            Severity::Note,
            &subject.reference,
            "spec.selector",
            message,
            why,
        );
        return;
    }
    let terminating = (subject.slices.iter())
        .flat_map(|slice| &slice.endpoints)
        .filter(|own| {
            own.conditions.terminating == Some(true) && own.conditions.serving != Some(false)
        })
        .count();
    let journey = exam.walk_to_port(subject, 0);
    let why_not = match subject.pods.first() {
        Some(pod) => {
            let (behind, _) = exam.behind(pod);
            format!("{behind}: {}", reason(exam, pod).1)
        }
        None => "The slices say so, and the Pods are not in this text.".to_owned(),
    };
    let (severity, message) = if terminating > 0 {
        let message = format!("all endpoints are terminating ({terminating} still serve)");
        (Severity::Warning, message)
    } else if all == 0 {
        let message = format!(
            "none of its {} is an endpoint",
            exam::count(subject.pods.len(), "Pod")
        );
        (Severity::Error, message)
    } else {
        let message = format!("none of its {} is ready", exam::count(all, "endpoint"));
        (Severity::Error, message)
    };
    let effect = if subject.is_headless() {
        "Its name has no addresses (NXDOMAIN) until one is ready."
    } else if terminating > 0 {
        "kube-proxy falls back to them until the last one has ended; then connections are refused."
    } else {
        "Running is not ready: only ready Pods get connections, and all others are refused."
    };
    let id = if is_cluster_dns(subject) {
        "cluster-dns-down"
    } else {
        "no-ready-endpoints"
    };
    let why = format!("{effect} {why_not}");
    let found = exam.find(
        id,
        severity,
        &subject.reference,
        "spec.selector",
        message,
        why,
    );
    found.evidence = journey.as_ref().map(exam::proof);
}

/// Each selected Pod that is not ready, once.
pub(super) fn examine_pods(exam: &mut Exam<'_>, subjects: &[Subject<'_>]) {
    let mut seen: BTreeSet<ObjectRef> = BTreeSet::new();
    for subject in subjects {
        if subject.service.spec.publish_not_ready_addresses {
            continue;
        }
        for pod in &subject.pods {
            let reference = pod_reference(pod);
            if is_ready(pod) || !seen.insert(reference.clone()) {
                continue;
            }
            if !exam.has_own_nodes() && pod.status.pod_ip.is_empty() {
                continue;
            }
            let (field, why) = reason(exam, pod);
            let message = format!(
                "not ready: {} gets no traffic from {}",
                pod.metadata.name, subject.reference
            );
            let fix = (exam.lab.cluster().readiness(&reference) == Some(false)).then(|| {
                // What a person switched off by hand.
                Fix::Command(format!(
                    "lab ready pod/{}/{} on",
                    reference.namespace, reference.name
                ))
            });
            let found = exam.find(
                "pod-not-ready",
                Severity::Warning,
                &reference,
                field,
                message,
                why.clone(),
            );
            found.evidence = Some(Evidence::text(why));
            found.fix = fix;
        }
    }
}

/// The field of a Pod that says why it is not ready, and a sentence.
fn reason(exam: &Exam<'_>, pod: &Pod) -> (String, String) {
    let status = &pod.status;
    for (index, container) in status.container_statuses.iter().enumerate() {
        let field = format!("status.containerStatuses[{index}].state");
        if let Some(waiting) = &container.state.waiting {
            let hint = match waiting.reason.as_str() {
                "CrashLoopBackOff" => " It starts and ends again: read `kubectl logs --previous`.",
                "ImagePullBackOff" | "ErrImagePull" => " Its image cannot be pulled.",
                "CreateContainerConfigError" => {
                    " A ConfigMap or Secret that it needs is not there."
                }
                _ => "",
            };
            let why = format!(
                "container {} waits: {}.{hint}",
                container.name, waiting.reason
            );
            return (field, why);
        }
        if let Some(ended) = &container.state.terminated {
            let why = format!(
                "container {} ended with code {} ({}).",
                container.name, ended.exit_code, ended.reason
            );
            return (field, why);
        }
    }
    let condition = (status.conditions.iter().enumerate())
        .find(|(_, known)| known.type_ == "PodScheduled" && known.status == "False")
        .or_else(|| {
            (status.conditions.iter().enumerate()).find(|(_, known)| known.type_ == "Ready")
        });
    let Some((index, condition)) = condition else {
        return ("status".to_owned(), format!("it is {}.", status.phase));
    };
    let field = format!("status.conditions[{index}]");
    if condition.type_ == "PodScheduled" {
        return (field, format!("it has no Node: {}.", condition.message));
    }
    if exam.lab.cluster().readiness(&pod_reference(pod)) == Some(false) {
        return (
            field,
            "its readiness was switched off in the lab.".to_owned(),
        );
    }
    let probes = (pod.spec.containers.iter()).any(|container| container.readiness_probe.is_some());
    let why = match (condition.message.as_str(), probes) {
        ("", true) => "its readiness probe does not pass.".to_owned(),
        ("", false) => "its condition Ready is False.".to_owned(),
        (message, true) => format!("{message}: a readiness probe does not pass."),
        (message, false) => format!("{message}."),
    };
    (field, why)
}

/// Readiness probes that ask a port which the container does not have: they never pass.
pub(super) fn examine_templates(exam: &mut Exam<'_>) {
    let mut found = Vec::new();
    for template in &exam.templates {
        let prefix = template.prefix();
        for (index, container) in template.spec.containers.iter().enumerate() {
            let Some(probe) = &container.readiness_probe else {
                continue;
            };
            let kinds = [
                ("httpGet", &probe.http_get),
                ("tcpSocket", &probe.tcp_socket),
            ];
            for (kind, asks) in kinds {
                let port = asks.as_ref().and_then(|asks| asks.port.as_ref());
                let Some(IntOrString::String(name)) = port else {
                    continue;
                };
                // `port: "8080"` is a number in quotes.
                let is_number = name.parse::<u16>().is_ok();
                if is_number || container.ports.iter().any(|own| own.name == *name) {
                    continue;
                }
                let names = container.ports.iter().map(|own| own.name.as_str());
                let near = nearest(name, names.filter(|own| !own.is_empty()));
                let only = match &container.ports[..] {
                    [only] => Some(only.container_port.to_string()),
                    _ => None,
                };
                let right = near.map(super::edit::scalar).or(only);
                let at = index.to_string();
                let field = format!("{prefix}.containers[{index}].readinessProbe.{kind}.port");
                let mut path: Vec<&str> = prefix.split('.').collect();
                path.extend(["containers", &at, "readinessProbe", kind, "port"]);
                let fix = right.and_then(|right| {
                    let writer = exam.writer(&template.object)?;
                    exam::edits([writer.replace(&path, &right)])
                });
                let message = format!(
                    "container {} has no port named {name} for its readiness probe",
                    container.name
                );
                found.push((template.object.clone(), field, message, fix));
            }
        }
    }
    for (object, field, message, fix) in found {
        let why = "The kubelet looks the name up in this container's ports. Without it the probe fails \
                   every time: the Pods are never ready, and Services send them nothing.";
        let found = exam.find(
            "probe-port-missing",
            Severity::Error,
            &object,
            field,
            message,
            why,
        );
        found.fix = fix;
    }
}
