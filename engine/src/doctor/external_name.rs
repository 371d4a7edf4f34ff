//! ExternalName: an alias in cluster DNS, and nothing else.
//!
//! There is no address, no rule, no port and no Pod behind it. The client gets a CNAME and connects
//! to that name itself, with its own idea of the port, the Host header and the certificate.

use std::net::IpAddr;

use super::exam::{self, Exam, Subject};
use super::finding::Fix;
use crate::api::IntOrString;
use crate::diagnostic::Severity;

const DOMAIN: &str = ".svc.cluster.local";

pub(super) fn examine(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    let name = subject.service.spec.external_name.trim_end_matches('.');
    if let Ok(address) = name.parse::<IpAddr>() {
        is_address(exam, subject, address);
    } else {
        leads_into_the_cluster(exam, subject, name);
    }
    let spec = &subject.service.spec;
    if spec.selector.as_ref().is_some_and(|own| !own.is_empty()) {
        let message = "a selector does nothing in a Service of type ExternalName";
        let why = "The name is an alias. No endpoints are used, and no rules made.";
        let fix = (exam.writer(&subject.reference))
            .and_then(|writer| exam::edits([writer.remove(&["spec", "selector"])]));
        let found = exam.find(
            "external-name-selector",
            Severity::Warning,
            &subject.reference,
            "spec.selector",
            message,
            why,
        );
        found.fix = fix;
    }
    if let Some(port) = spec.ports.first() {
        let target = match &port.target_port {
            Some(IntOrString::Int(number)) => *number,
            _ => port.port,
        };
        let message = if target == port.port {
            format!(
                "port {} does nothing: clients choose the port themselves",
                port.port
            )
        } else {
            format!("port {} is not translated to {target}", port.port)
        };
        let why = "ExternalName is a CNAME in cluster DNS: packets go from the client straight to the \
                   name's own address, and no kube-proxy looks at them. Clients have to use the port \
                   of that server.";
        let fix = (exam.writer(&subject.reference))
            .and_then(|writer| exam::edits([writer.remove(&["spec", "ports"])]));
        let found = exam.find(
            "external-name-ports",
            Severity::Warning,
            &subject.reference,
            "spec.ports",
            message,
            why,
        );
        found.fix = fix;
    }
}

fn own_name(subject: &Subject<'_>) -> String {
    format!(
        "{}.{}{DOMAIN}",
        subject.reference.name, subject.reference.namespace
    )
}

fn is_address(exam: &mut Exam<'_>, subject: &Subject<'_>, address: IpAddr) {
    let message = format!("{address} is an address: externalName has to be a name");
    let why = "The value is taken as a DNS name whose labels are digits. There is no such name, so \
               nobody gets an address. For an address: a Service without a selector, and an \
               EndpointSlice that has it.";
    let client = exam.client(subject);
    let evidence = exam
        .unknown(client.as_deref(), &own_name(subject))
        .unwrap_or_default();
    let fix = as_slice(exam, subject, address);
    let found = exam.find(
        "external-name-is-address",
        Severity::Error,
        &subject.reference,
        "spec.externalName",
        message,
        why,
    );
    found.evidence = evidence;
    found.fix = fix;
}

/// The same address as a headless Service with a slice of its own.
fn as_slice(exam: &Exam<'_>, subject: &Subject<'_>, address: IpAddr) -> Option<Fix> {
    let writer = exam.writer(&subject.reference)?;
    let own = &subject.reference;
    let ports = &subject.service.spec.ports;
    let ports = ports
        .iter()
        .map(|port| (&*port.name, port.port, &*port.protocol));
    let slice = super::slices::slice_text(exam, own, ports, [address.to_string().as_str()]);
    exam::edits([
        writer.replace(&["spec", "type"], "ClusterIP"),
        writer.rename(&["spec", "externalName"], "clusterIP"),
        writer.replace(&["spec", "externalName"], "None"),
        writer.append(&slice),
    ])
}

/// A name of the cluster's own zone: it is there or not, and its ports are not translated.
fn leads_into_the_cluster(exam: &mut Exam<'_>, subject: &Subject<'_>, name: &str) {
    let inside = name.strip_suffix(DOMAIN);
    let store = exam.store;
    let own_namespace = &subject.reference.namespace;
    let target = |name: &str| {
        let mut labels = name.split('.');
        let service = labels.next_back().and_then(|namespace| {
            let service = labels.next_back()?;
            store.service(namespace, service)
        });
        service.map(|own| format!("{}.{}{DOMAIN}", own.metadata.name, own.metadata.namespace))
    };
    let meant = match inside {
        Some(inside) if target(inside).is_some() => {
            let message = format!("an alias of another Service: {name}");
            let why = "It works, as a CNAME. The ports are those of the other Service, and TLS and the \
                       Host header still say what the client typed.";
            exam.find(
                "external-name-to-service",
                Severity::Note,
                &subject.reference,
                "spec.externalName",
                message,
                why,
            );
            return;
        }
        // `web.svc.cluster.local`: the namespace is missing.
        Some(inside) if !inside.contains('.') => store
            .services()
            .find(|own| own.metadata.name == inside)
            .map(|own| format!("{}.{}{DOMAIN}", own.metadata.name, own.metadata.namespace)),
        Some(inside) => {
            let all: Vec<String> = (store.services())
                .map(|own| format!("{}.{}", own.metadata.name, own.metadata.namespace))
                .collect();
            let near = crate::manifest::nearest(inside, all.iter().map(String::as_str));
            near.map(|near| format!("{near}{DOMAIN}"))
        }
        // A short name, as a Pod would type it; a CNAME's target is never searched for.
        None => {
            let short = name.strip_suffix(".svc").unwrap_or(name);
            let found = match short.split_once('.') {
                Some(_) => target(short),
                None => target(&format!("{short}.{own_namespace}")),
            };
            if found.is_none() {
                return;
            }
            found
        }
    };
    let message = format!("{name} is no name: the alias leads nowhere");
    let why = "The target of a CNAME is taken as it stands: no search list is tried, so the whole \
               SERVICE.NAMESPACE.svc.cluster.local has to be there.";
    let client = exam.client(subject);
    let Ok(evidence) = exam.unknown(client.as_deref(), &own_name(subject)) else {
        return;
    };
    let fix = meant.and_then(|meant| {
        let writer = exam.writer(&subject.reference)?;
        exam::edits([writer.replace(&["spec", "externalName"], &meant)])
    });
    let found = exam.find(
        "external-name-leads-nowhere",
        Severity::Error,
        &subject.reference,
        "spec.externalName",
        message,
        why,
    );
    found.evidence = evidence;
    found.fix = fix;
}
