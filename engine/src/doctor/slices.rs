//! Services without a selector, and what a person writes for them by hand.
//!
//! kube-proxy joins a Service's ports and a slice's by their *names*, finds slices by the label
//! `kubernetes.io/service-name`, takes the first address of an endpoint and no other, and ignores
//! slices of names (`addressType: FQDN`). What a controller wrote is not looked at here.

use super::exam::{self, Exam, Subject};
use super::finding::{Evidence, Fix};
use crate::api::{EndpointSlice, Kind, ObjectRef, Service};
use crate::controllers::endpoint_slice::SERVICE_NAME_LABEL;
use crate::diagnostic::Severity;
use crate::manifest::nearest;

/// A Service without a selector. Gives whether it has any endpoints.
pub(super) fn examine_without_selector(exam: &mut Exam<'_>, subject: &Subject<'_>) -> bool {
    if subject.endpoints().0 > 0 {
        port_names(exam, subject);
        return true;
    }
    // The API server writes its own list, and no text has to.
    if exam.document(&subject.reference).is_none() {
        return false;
    }
    let name = &subject.reference.name;
    let namespace = &subject.reference.namespace;
    let journey = exam.walk_to_port(subject, 0);
    let meant = exam.templates.iter().find(|template| {
        template.object.namespace == *namespace
            && !template.is_selected
            && (template.object.name == *name
                || template.labels.values().any(|value| value == name))
    });
    let (severity, message, why, fix) = if let Some(template) = meant {
        let pair = (template.labels.iter())
            .find(|(_, value)| *value == name)
            .or_else(|| template.labels.iter().next());
        let fix = pair.and_then(|(key, value)| {
            let writer = exam.writer(&subject.reference)?;
            let value = format!(
                "\n  {}: {}",
                super::edit::scalar(key),
                super::edit::scalar(value)
            );
            exam::edits([writer.insert(&["spec"], "type", "selector", &value)])
        });
        (
            Severity::Error,
            format!(
                "no selector, and no EndpointSlice: nothing leads to {}",
                template.object
            ),
            "Without a selector nobody makes endpoints for the Service, whatever its name is. \
             Connections are refused.",
            fix,
        )
    } else if subject.is_headless() {
        (
            Severity::Note,
            "no selector, and no EndpointSlice in this text".to_owned(),
            "Its name has no addresses until somebody writes an EndpointSlice for it: an operator, \
             for instance.",
            None,
        )
    } else {
        (
            Severity::Warning,
            "no selector, and no EndpointSlice in this text".to_owned(),
            "Connections are refused until somebody writes an EndpointSlice with the label \
             kubernetes.io/service-name for it.",
            None,
        )
    };
    let found = exam.find(
        "no-selector-no-slice",
        severity,
        &subject.reference,
        "spec.selector",
        message,
        why,
    );
    found.evidence = journey.as_ref().map(exam::proof);
    found.fix = fix;
    false
}

/// Who wrote a slice or Endpoints by hand, or the Endpoints that a slice mirrors: the object, and
/// where its ports are.
fn hand_made(exam: &Exam<'_>, slice: &EndpointSlice) -> Option<(ObjectRef, &'static str)> {
    let metadata = &slice.metadata;
    let own = ObjectRef::new(Kind::EndpointSlice, &*metadata.namespace, &*metadata.name);
    if exam.document(&own).is_some() {
        return Some((own, "ports"));
    }
    let of = &exam.lab.world().made_from(&own)?.object;
    (of.kind == Kind::Endpoints).then(|| (of.clone(), "subsets[0].ports"))
}

/// Ports of a Service that none of its slices names.
fn port_names(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    for (index, port) in subject.service.spec.ports.iter().enumerate() {
        let all = || subject.slices.iter().flat_map(|slice| &slice.ports);
        let name_of = |own: &crate::api::EndpointPort| own.name.clone().unwrap_or_default();
        if all().any(|own| name_of(own) == port.name && is_protocol(own.protocol.as_deref(), port))
        {
            continue;
        }
        let journey = exam.walk_to_port(subject, index);
        if journey.as_ref().is_some_and(exam::is_answered) {
            continue;
        }
        // The port that was meant: of the same number, or the only one.
        let slice = subject.slices.iter().find(|slice| !slice.ports.is_empty());
        let Some(slice) = slice else { continue };
        let Some((object, ports)) = hand_made(exam, slice) else {
            continue;
        };
        let target = match &port.target_port {
            Some(crate::api::IntOrString::Int(number)) => *number,
            _ => port.port,
        };
        let at = (slice.ports.iter())
            .position(|own| own.port == Some(target))
            .unwrap_or(0);
        let found = &slice.ports[at];
        let other_protocol = name_of(found) == port.name;
        let (field, message) = if other_protocol {
            let protocol = found.protocol.as_deref().unwrap_or("TCP");
            (
                format!("{ports}[{at}].protocol"),
                format!(
                    "this port is {protocol}, and that of {} is {}",
                    subject.reference, port.protocol
                ),
            )
        } else {
            (
                format!("{ports}[{at}].name"),
                format!(
                    "this port is named {:?}, and that of {} is named {:?}",
                    name_of(found),
                    subject.reference,
                    port.name
                ),
            )
        };
        let why = "kube-proxy joins the ports of a Service and of its slices by their names, and looks \
                   at no number. An unnamed port is joined with an unnamed one. As it is the port has \
                   no endpoints, and connections are refused.";
        let writer = exam.writer(&object).filter(|_| !other_protocol);
        let fix = writer.and_then(|writer| {
            let at = at.to_string();
            let mut path = super::edit::steps(ports);
            path.push(&at);
            let mut name = path.clone();
            name.push("name");
            let right = super::edit::scalar(&port.name);
            let change = if port.name.is_empty() {
                writer.remove(&name)
            } else {
                writer
                    .replace(&name, &right)
                    .or_else(|| writer.insert(&path, "port", "name", &right))
            };
            exam::edits([change])
        });
        let found = exam.find(
            "slice-port-name",
            Severity::Error,
            &object,
            field,
            message,
            why,
        );
        found.evidence = journey.as_ref().map(exam::proof);
        found.fix = fix;
    }
}

fn is_protocol(own: Option<&str>, port: &crate::api::ServicePort) -> bool {
    own.unwrap_or("TCP") == port.protocol
}

/// Slices and Endpoints that stand in the text and that no controller wrote.
pub(super) fn examine_made_by_hand(exam: &mut Exam<'_>) {
    let store = exam.store;
    for slice in store.endpoint_slices() {
        let metadata = &slice.metadata;
        let object = ObjectRef::new(Kind::EndpointSlice, &*metadata.namespace, &*metadata.name);
        let is_written = exam.document(&object).is_some();
        if is_written && metadata.owner_references.is_empty() && !exam.is_recorded(&object) {
            one_slice(exam, slice, &object);
        }
    }
    for endpoints in store.endpoints() {
        let metadata = &endpoints.metadata;
        let object = ObjectRef::new(Kind::Endpoints, &*metadata.namespace, &*metadata.name);
        if exam.document(&object).is_none() || exam.is_recorded(&object) {
            continue;
        }
        let message = "Endpoints are deprecated: write an EndpointSlice";
        let why = "v1 Endpoints are deprecated since v1.33, and the API server warns. kube-proxy does \
                   not read them: a controller mirrors them to EndpointSlices, and not what exceeds \
                   1000 addresses.";
        let fix = replaced(exam, endpoints, &object);
        let found = exam.find(
            "endpoints-deprecated",
            Severity::Warning,
            &object,
            "apiVersion",
            message,
            why,
        );
        found.fix = fix;
    }
}

/// The EndpointSlice that says the same as Endpoints of one subset.
fn replaced(exam: &Exam<'_>, own: &crate::api::Endpoints, object: &ObjectRef) -> Option<Fix> {
    let document = exam.document(object)?;
    let [subset] = &own.subsets[..] else {
        return None;
    };
    let is_plain = subset.not_ready_addresses.is_empty()
        && (subset.addresses.iter()).all(|own| own.target_ref.is_none() && own.node_name.is_none());
    if !is_plain || document.span.start.column != 1 {
        return None;
    }
    let ports = subset.ports.iter();
    let ports = ports.map(|port| (&*port.name, port.port, &*port.protocol));
    let addresses = subset.addresses.iter().map(|address| &*address.ip);
    let text = slice_text(exam, object, ports, addresses);
    let from = document.span.start.offset as usize;
    let to = document.span.end.offset as usize;
    let content = exam.text.get(from..to)?.trim_end();
    if content.starts_with('{') {
        return None;
    }
    Some(Fix::Edits(vec![super::finding::Edit {
        start: document.span.start.offset,
        end: u32::try_from(from + content.len()).ok()?,
        with: text.trim_end().to_owned(),
    }]))
}

/// The text of a new EndpointSlice for a Service, or for Endpoints of its name: ports by name, number and
/// protocol, and an endpoint for each address.
pub(super) fn slice_text<'p>(
    exam: &Exam<'_>,
    of: &ObjectRef,
    ports: impl IntoIterator<Item = (&'p str, i32, &'p str)>,
    addresses: impl IntoIterator<Item = &'p str>,
) -> String {
    let mut has_v6 = false;
    let mut endpoints = String::new();
    for address in addresses {
        has_v6 |= address.contains(':');
        endpoints.push_str(&format!("  - addresses:\n      - \"{address}\"\n"));
    }
    let mut list = String::new();
    for (name, port, protocol) in ports {
        let name = match name {
            "" => String::new(),
            name => format!("name: {}\n    ", super::edit::scalar(name)),
        };
        let protocol = if protocol.is_empty() { "TCP" } else { protocol };
        list.push_str(&format!(
            "  - {name}port: {port}\n    protocol: {protocol}\n"
        ));
    }
    let ports = if list.is_empty() {
        "ports: []\n".to_owned()
    } else {
        format!("ports:\n{list}")
    };
    // The first name that no slice has.
    let mut number = 1;
    let is_taken = |number: u32| {
        let mut slices = exam.store.endpoint_slices().map(|slice| &slice.metadata);
        let name = format!("{}-{number}", of.name);
        slices.any(|own| own.name == name && own.namespace == of.namespace)
    };
    while is_taken(number) {
        number += 1;
    }
    format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n  name: {name}-{number}\n  \
         namespace: {}\n  labels:\n    kubernetes.io/service-name: {name}\naddressType: {}\n{ports}\
         endpoints:\n{endpoints}",
        of.namespace,
        if has_v6 { "IPv6" } else { "IPv4" },
        name = of.name
    )
}

fn one_slice(exam: &mut Exam<'_>, slice: &EndpointSlice, object: &ObjectRef) {
    whose(exam, slice, object);
    if slice.address_type == "FQDN" {
        let message = "kube-proxy ignores slices of names";
        let why = "addressType FQDN is kept by the API server, and no rule is made of it: connections \
                   are refused as if the slice were empty. A name is forwarded by type ExternalName.";
        exam.find(
            "slice-of-names",
            Severity::Error,
            object,
            "addressType",
            message,
            why,
        );
    }
    for (index, endpoint) in slice.endpoints.iter().enumerate() {
        if endpoint.addresses.len() > 1 {
            let message = format!(
                "only {} is used: an endpoint has one address",
                endpoint.addresses[0]
            );
            let why = "kube-proxy takes the first address of each endpoint and no other. Every address \
                       is an endpoint of its own.";
            let field = format!("endpoints[{index}].addresses");
            exam.find(
                "slice-second-address",
                Severity::Warning,
                object,
                field,
                message,
                why,
            );
        }
    }
}

/// Whether the label names a Service that is there.
fn whose(exam: &mut Exam<'_>, slice: &EndpointSlice, object: &ObjectRef) {
    let store = exam.store;
    let namespace = object.namespace.as_str();
    let label = slice.metadata.labels.get(SERVICE_NAME_LABEL);
    if label.is_some_and(|name| store.service(namespace, name).is_some()) {
        return;
    }
    let here: Vec<&Service> = store
        .services()
        .filter(|own| own.metadata.namespace == namespace)
        .collect();
    let waits = |own: &&&Service| own.spec.selector.as_ref().is_none_or(|own| own.is_empty());
    // Whoever has a selector gets slices from the controller.
    let mut names = here
        .iter()
        .filter(waits)
        .map(|own| own.metadata.name.as_str());
    let meant = match label {
        Some(name) => nearest(name, names),
        None => names.find(|name| object.name.starts_with(name)),
    };
    let field = match label {
        Some(_) => format!("metadata.labels[{SERVICE_NAME_LABEL}]"),
        None => "metadata.labels".to_owned(),
    };
    let message = match label {
        Some(name) => format!("there is no Service {name} in namespace {namespace}"),
        None => format!("no label {SERVICE_NAME_LABEL}: the slice is no Service's"),
    };
    let why = "kube-proxy and CoreDNS find the slices of a Service by this label. The slice's own name \
               says nothing.";
    let fix = meant.and_then(|name| {
        let writer = exam.writer(object)?;
        let path = ["metadata", "labels", SERVICE_NAME_LABEL];
        let value = super::edit::scalar(name);
        let pair = format!("\n  {SERVICE_NAME_LABEL}: {value}");
        let change = (writer.replace(&path, &value))
            .or_else(|| writer.insert(&path[..2], "", SERVICE_NAME_LABEL, &value))
            .or_else(|| writer.insert(&["metadata"], "name", "labels", &pair));
        exam::edits([change])
    });
    // A slice of somebody else's Service may stand alone in a text.
    let severity = if meant.is_some() || label.is_none() {
        Severity::Error
    } else {
        Severity::Warning
    };
    let names: Vec<&str> = here.iter().map(|own| own.metadata.name.as_str()).collect();
    let compared = format!("Services in {namespace}: {}", names.join(", "));
    let found = exam.find("slice-of-no-service", severity, object, field, message, why);
    found.evidence = Some(Evidence::text(compared));
    found.fix = fix;
}
