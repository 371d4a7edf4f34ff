//! Fields and annotations of Services that are on their way out, with the version that says so.
//!
//! Source: KEP-5707 for externalIPs; the API reference for the rest.

use super::exam::{self, Exam, Subject};
use super::finding::Fix;
use crate::diagnostic::Severity;

/// Fields and annotations that are on their way out.
pub(super) fn examine(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    let spec = &subject.service.spec;
    if exam.document(&subject.reference).is_none() {
        return;
    }
    if !spec.external_ips.is_empty() && !subject.is_headless() {
        let message = "externalIPs are deprecated, and not checked by anybody";
        let why = "kube-proxy takes packets to these addresses wherever they pass a Node, and any user \
                   can claim any address (CVE-2020-8554). Deprecated since v1.36, and planned to be \
                   off in v1.40 (KEP-5707): use type LoadBalancer.";
        let field = "spec.externalIPs";
        exam.find(
            "external-ips-deprecated",
            Severity::Warning,
            &subject.reference,
            field,
            message,
            why,
        );
    }
    if !spec.load_balancer_ip.is_empty() {
        let message = "loadBalancerIP is deprecated, and not every provider looks at it";
        let why = "Deprecated since v1.24: its meaning differs from provider to provider, and it has \
                   one address only. Providers have annotations of their own.";
        let field = "spec.loadBalancerIP";
        exam.find(
            "load-balancer-ip-deprecated",
            Severity::Note,
            &subject.reference,
            field,
            message,
            why,
        );
    }
    const ANNOTATIONS: [(&str, Severity, &str, &str); 3] = [
        (
            "service.alpha.kubernetes.io/tolerate-unready-endpoints",
            Severity::Warning,
            "this annotation does nothing any more: use spec.publishNotReadyAddresses",
            "Kubernetes no longer looks at it since v1.24.",
        ),
        (
            "service.kubernetes.io/topology-aware-hints",
            Severity::Warning,
            "this annotation is deprecated: use service.kubernetes.io/topology-mode",
            "Deprecated since v1.27. From v1.31 kube-proxy goes by the hints in the slices alone, and \
             spec.trafficDistribution is the way to ask for them.",
        ),
        (
            "service.beta.kubernetes.io/external-traffic",
            Severity::Warning,
            "this annotation does nothing any more: use spec.externalTrafficPolicy",
            "It was the beta of externalTrafficPolicy, before v1.7.",
        ),
    ];
    for (name, severity, message, why) in ANNOTATIONS {
        if !subject.service.metadata.annotations.contains_key(name) {
            continue;
        }
        let field = format!("metadata.annotations[{name}]");
        let fix = annotation(exam, subject, name);
        let found = exam.find(
            "annotation-deprecated",
            severity,
            &subject.reference,
            field,
            message,
            why,
        );
        found.fix = fix;
    }
}

fn annotation(exam: &Exam<'_>, subject: &Subject<'_>, name: &str) -> Option<Fix> {
    let writer = exam.writer(&subject.reference)?;
    let path = ["metadata", "annotations", name];
    if name == "service.kubernetes.io/topology-aware-hints" {
        return exam::edits([writer.rename(&path, "service.kubernetes.io/topology-mode")]);
    }
    let all = &subject.service.metadata.annotations;
    let gone = if all.len() == 1 {
        writer.remove(&path[..2])
    } else {
        writer.remove(&path)
    };
    let value = all.get(name).map(String::as_str);
    let new = match (name, value) {
        ("service.alpha.kubernetes.io/tolerate-unready-endpoints", Some("true")) => {
            let is_set = subject.service.spec.publish_not_ready_addresses;
            (!is_set).then(|| writer.insert(&["spec"], "type", "publishNotReadyAddresses", "true"))
        }
        _ => None,
    };
    exam::edits(std::iter::once(gone).chain(new))
}
