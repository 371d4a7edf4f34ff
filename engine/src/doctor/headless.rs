//! Headless Services: their name has the Pods' own addresses, and kube-proxy does nothing.
//!
//! So a port is not translated to its targetPort, and what kube-proxy would do is not done: session
//! affinity, traffic policies. Source: kubernetes `pkg/api/service/warnings.go` for what the API
//! server itself warns of.

use super::exam::{self, Exam, Subject};
use super::finding::Evidence;
use crate::controllers::endpoint_slice::find_port;
use crate::diagnostic::Severity;
use crate::net::Protocol;

pub(super) fn examine(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    ports(exam, subject);
    let spec = &subject.service.spec;
    let ignored = [
        (
            "spec.sessionAffinity",
            "sessionAffinity",
            spec.session_affinity == "ClientIP",
        ),
        (
            "spec.externalIPs",
            "externalIPs",
            !spec.external_ips.is_empty(),
        ),
        (
            "spec.internalTrafficPolicy",
            "internalTrafficPolicy",
            spec.internal_traffic_policy.as_deref() == Some("Local"),
        ),
    ];
    for (field, name, is_set) in ignored {
        if !is_set {
            continue;
        }
        let message = format!("{name} does nothing in a headless Service");
        let why = "clusterIP: None means no address of its own and no rules: clients get the Pods' \
                   addresses from DNS and choose themselves.";
        let fix = exam.writer(&subject.reference).and_then(|writer| {
            let config = writer.remove(&["spec", "sessionAffinityConfig"]);
            let with_config = config.filter(|_| name == "sessionAffinity").map(Some);
            exam::edits(std::iter::once(writer.remove(&["spec", name])).chain(with_config))
        });
        let found = exam.find(
            "headless-ignores",
            Severity::Warning,
            &subject.reference,
            field,
            message,
            why,
        );
        found.fix = fix;
    }
}

/// Ports whose number is another one at the Pods.
fn ports(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    for (index, port) in subject.service.spec.ports.iter().enumerate() {
        let pod = subject
            .pods
            .iter()
            .find_map(|pod| Some((*pod, find_port(pod, port)?)));
        let target = match (&port.target_port, pod) {
            (_, Some((_, number))) => number,
            (Some(crate::api::IntOrString::Int(number)), None) => *number,
            _ => continue,
        };
        if target == port.port || target == 0 {
            continue;
        }
        let name = format!("{}.{}", subject.reference.name, subject.reference.namespace);
        let mut evidence = Evidence::text(format!(
            "{name} has the Pods' addresses: {target} is their port."
        ));
        if let (Some((pod, _)), Some(from)) = (pod, exam.client(subject))
            && let Ok(address) = pod.status.pod_ip.parse()
        {
            let protocol = port.protocol.parse::<Protocol>().unwrap_or(Protocol::Tcp);
            let to = crate::net::host_port(address, u16::try_from(port.port).ok());
            if let Some(journey) = exam.walk(&from, &to, protocol) {
                if exam::is_answered(&journey) {
                    continue;
                }
                evidence = exam::proof(&journey);
            }
        }
        let message = format!(
            "port {} is not translated to {target}: {name}:{} leads nowhere",
            port.port, port.port
        );
        let why = "A headless Service has no address and no rules, so nobody rewrites ports. Clients \
                   connect to the Pods themselves and have to use their port. (An SRV question tells \
                   it.)";
        let at = index.to_string();
        let path = ["spec", "ports", at.as_str(), "port"];
        let fix = (exam.writer(&subject.reference))
            .and_then(|writer| exam::edits([writer.replace(&path, &target.to_string())]));
        let field = format!("spec.ports[{index}].targetPort");
        let found = exam.find(
            "headless-port",
            Severity::Warning,
            &subject.reference,
            field,
            message,
            why,
        );
        found.evidence = Some(evidence);
        found.fix = fix;
    }
}
