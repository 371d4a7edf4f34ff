//! A dump whose EndpointSlices say other things than its Pods.
//!
//! The EndpointSlice controller writes what it knows of the Pods, so the two agree a moment after any
//! change. Where they do not, the dump was taken in that very moment, the controller stands still,
//! or somebody writes to its slices. kube-proxy goes by the slices.
//!
//! Looked at are slices that a server wrote and that the controller manages, of Services with a
//! selector, in namespaces whose Pods are in the text. Source: kubernetes
//! `staging/src/k8s.io/endpointslice/utils.go` (`podToEndpoint`, `ShouldPodBeInEndpoints`).

use super::exam::{Exam, Subject, pod_reference};
use super::finding::{Evidence, Fix};
use crate::api::{Endpoint, EndpointSlice, Kind, ObjectRef, Pod};
use crate::controllers::endpoint_slice::{MANAGED_BY, MANAGED_BY_LABEL};
use crate::controllers::kubelet::is_ready;
use crate::diagnostic::Severity;

/// Where two objects say different things.
struct Difference {
    severity: Severity,
    field: String,
    message: String,
    /// What each of the two says.
    compared: String,
}

pub(super) fn examine(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    let namespace = subject.reference.namespace.as_str();
    let has_pods = (exam.store.in_namespace(Kind::Pod, namespace))
        .any(|pod| exam.is_recorded(&pod.reference()));
    if !has_pods {
        return;
    }
    let publishes = subject.service.spec.publish_not_ready_addresses;
    let mut is_whole = !subject.slices.is_empty();
    for slice in &subject.slices {
        let metadata = &slice.metadata;
        let object = ObjectRef::new(Kind::EndpointSlice, namespace, &*metadata.name);
        let by = metadata.labels.get(MANAGED_BY_LABEL).map(String::as_str);
        if by != Some(MANAGED_BY) || !exam.is_recorded(&object) {
            is_whole = false;
            continue;
        }
        for (index, endpoint) in slice.endpoints.iter().enumerate() {
            if let Some(found) = difference(exam, namespace, index, endpoint, publishes) {
                tell(exam, &object, found);
            }
        }
    }
    if is_whole {
        missing(exam, subject);
    }
}

fn difference(
    exam: &Exam<'_>,
    namespace: &str,
    index: usize,
    endpoint: &Endpoint,
    publishes: bool,
) -> Option<Difference> {
    let target = endpoint
        .target_ref
        .as_ref()
        .filter(|own| own.kind == "Pod")?;
    let address = endpoint.addresses.first()?;
    let Some(pod) = exam.store.pod(namespace, &target.name) else {
        return Some(Difference {
            severity: Severity::Warning,
            field: format!("endpoints[{index}].targetRef.name"),
            message: format!(
                "there is no Pod {}: {address} belongs to nobody",
                target.name
            ),
            compared: format!(
                "The slice has {address} of {}; the Pods do not.",
                target.name
            ),
        });
    };
    let own = addresses(pod);
    if !own.is_empty() && !own.contains(&address.as_str()) {
        return Some(Difference {
            severity: Severity::Error,
            field: format!("endpoints[{index}].addresses"),
            message: format!("{address} is not the address of Pod {}", target.name),
            compared: format!(
                "The slice has {address}, the Pod's status {}.",
                own.join(", ")
            ),
        });
    }
    let says_ready = endpoint.conditions.ready != Some(false);
    let is_ending = pod.metadata.deletion_timestamp.is_some();
    let ready = publishes || (is_ready(pod) && !is_ending);
    if says_ready == ready {
        return None;
    }
    let (message, severity) = if says_ready {
        let message = format!("Pod {} gets connections and is not ready", target.name);
        (message, Severity::Error)
    } else {
        let message = format!("Pod {} is ready and gets no connections", target.name);
        (message, Severity::Warning)
    };
    Some(Difference {
        severity,
        field: format!("endpoints[{index}].conditions.ready"),
        message,
        compared: format!(
            "The slice says ready: {says_ready}; the Pod's condition Ready is {}{}.",
            if is_ready(pod) { "True" } else { "False" },
            if is_ending {
                ", and it is being deleted"
            } else {
                ""
            }
        ),
    })
}

/// Selected Pods that are in none of the slices.
fn missing(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    let Some(slice) = subject.slices.first() else {
        return;
    };
    let has = |slice: &EndpointSlice, pod: &Pod| {
        let mut targets = slice
            .endpoints
            .iter()
            .filter_map(|own| own.target_ref.as_ref());
        targets.any(|target| target.kind == "Pod" && target.name == pod.metadata.name)
    };
    let pods: Vec<&Pod> = (subject.pods.iter().copied())
        .filter(|pod| exam.is_recorded(&pod_reference(pod)) && !addresses(pod).is_empty())
        .filter(|pod| !subject.slices.iter().any(|slice| has(slice, pod)))
        .collect();
    let Some(first) = pods.first() else { return };
    let names: Vec<&str> = pods.iter().map(|pod| pod.metadata.name.as_str()).collect();
    let object = ObjectRef::new(
        Kind::EndpointSlice,
        &*slice.metadata.namespace,
        &*slice.metadata.name,
    );
    let found = Difference {
        severity: Severity::Warning,
        field: "endpoints".to_owned(),
        message: format!(
            "{} selected and in no slice of {}: {}",
            if pods.len() == 1 {
                "this Pod is"
            } else {
                "these Pods are"
            },
            subject.reference,
            names.join(", ")
        ),
        compared: format!(
            "{} has the labels of the selector and the address {}.",
            first.metadata.name,
            addresses(first).join(", ")
        ),
    };
    tell(exam, &object, found);
}

fn tell(exam: &mut Exam<'_>, object: &ObjectRef, difference: Difference) {
    let why = "kube-proxy goes by the slice, and not by the Pods. The controller brings the two together \
               within moments: the dump was taken in between, the controller (kube-controller-manager) \
               stands still, or somebody else writes to its slices. If it stays, a slice that is \
               deleted is made anew.";
    let found = exam.find(
        "slice-disagrees",
        difference.severity,
        object,
        difference.field,
        difference.message,
        why,
    );
    found.evidence = Some(Evidence::text(difference.compared));
    found.fix = Some(Fix::Command(format!(
        "kubectl delete endpointslice {} -n {}",
        object.name, object.namespace
    )));
}

fn addresses(pod: &Pod) -> Vec<&str> {
    let all = pod.status.pod_ips.iter().map(|own| own.ip.as_str());
    let mut all: Vec<&str> = all.collect();
    if all.is_empty() && !pod.status.pod_ip.is_empty() {
        all.push(&pod.status.pod_ip);
    }
    all
}
