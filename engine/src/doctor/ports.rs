//! Ports of Services that lead to nobody.
//!
//! `containerPort` is information only, and a process may listen on other ports. But a Pod whose
//! containers declare ports, and not this one, has said on what it listens; the walk to the Pod's
//! own address proves what the rules make of that. A Pod that declares nothing is believed.

use super::exam::{self, Exam, Subject, containers};
use super::finding::{Evidence, Fix};
use crate::api::{IntOrString, Pod, PodSpec, ServicePort};
use crate::controllers::endpoint_slice::find_port;
use crate::diagnostic::Severity;
use crate::manifest::nearest;
use crate::net::{Protocol, host_port};

/// What a Pod has at the end of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Somebody, as far as is known.
    Somebody,
    /// It has no port of this name.
    NoSuchName,
    /// The number is declared for another protocol only.
    OtherProtocol(i32),
    /// It declares ports, and not this one.
    Nobody(i32),
}

pub(super) fn examine(exam: &mut Exam<'_>, subject: &Subject<'_>) {
    if subject.pods.is_empty() {
        return;
    }
    for (index, port) in subject.service.spec.ports.iter().enumerate() {
        let ends: Vec<(&Pod, End)> = (subject.pods.iter())
            .map(|pod| (*pod, end(pod, port)))
            .collect();
        let bad: Vec<(&Pod, End)> = (ends.iter().copied())
            .filter(|(_, end)| *end != End::Somebody)
            .collect();
        let Some(&(pod, end)) = bad.first() else {
            continue;
        };
        if bad.len() < ends.len() {
            mixed(exam, subject, index, &bad, ends.len());
            continue;
        }
        match end {
            End::Somebody => {}
            End::NoSuchName => no_such_name(exam, subject, index, pod),
            End::OtherProtocol(number) => other_protocol(exam, subject, index, pod, number),
            End::Nobody(number) => nobody(exam, subject, index, pod, number),
        }
    }
}

/// Whether Pods of a template have all ports of a Service, as far as is known.
pub(super) fn fit(subject: &Subject<'_>, spec: &PodSpec) -> bool {
    let pod = Pod {
        spec: spec.clone(),
        ..Pod::default()
    };
    let mut ports = subject.service.spec.ports.iter();
    ports.all(|port| end(&pod, port) == End::Somebody)
}

fn end(pod: &Pod, port: &ServicePort) -> End {
    let Some(number) = find_port(pod, port) else {
        return End::NoSuchName;
    };
    let declared = || containers(&pod.spec).flat_map(|container| &container.ports);
    let is_it = |own: &crate::api::ContainerPort| own.container_port == number;
    let has_protocol = |own: &crate::api::ContainerPort| same_protocol(&own.protocol, port);
    if declared().next().is_none() || declared().any(|own| is_it(own) && has_protocol(own)) {
        End::Somebody
    } else if declared().any(is_it) {
        End::OtherProtocol(number)
    } else {
        End::Nobody(number)
    }
}

fn same_protocol(own: &str, port: &ServicePort) -> bool {
    or_tcp(own) == or_tcp(&port.protocol)
}

/// A protocol as it is written, or TCP where none is.
fn or_tcp(protocol: &str) -> &str {
    if protocol.is_empty() { "TCP" } else { protocol }
}

/// `http 8080/TCP, metrics 9090/TCP`.
fn declared(pod: &Pod) -> String {
    let ports = containers(&pod.spec).flat_map(|container| &container.ports);
    let texts: Vec<String> = ports
        .map(|port| {
            let protocol = or_tcp(&port.protocol);
            let name = if port.name.is_empty() {
                String::new()
            } else {
                format!("{} ", port.name)
            };
            format!("{name}{}/{protocol}", port.container_port)
        })
        .collect();
    if texts.is_empty() {
        "no ports".to_owned()
    } else {
        texts.join(", ")
    }
}

/// Walks to a Pod's own address; `None` if it cannot be done. An answer means that all is well.
fn proof(
    exam: &mut Exam<'_>,
    subject: &Subject<'_>,
    pod: &Pod,
    port: &ServicePort,
    number: i32,
) -> Result<Option<Evidence>, ()> {
    let protocol = port.protocol.parse::<Protocol>().unwrap_or(Protocol::Tcp);
    let target = pod
        .status
        .pod_ip
        .parse()
        .ok()
        .map(|address| host_port(address, u16::try_from(number).ok()));
    let (Some(from), Some(to)) = (exam.client(subject), target) else {
        return Ok(None);
    };
    match exam.walk(&from, &to, protocol) {
        Some(journey) if exam::is_answered(&journey) => Err(()),
        Some(journey) => Ok(Some(exam::proof(&journey))),
        None => Ok(None),
    }
}

fn nobody(exam: &mut Exam<'_>, subject: &Subject<'_>, index: usize, pod: &Pod, number: i32) {
    let port = &subject.service.spec.ports[index];
    let Ok(evidence) = proof(exam, subject, pod, port, number) else {
        return;
    };
    let (behind, _) = exam.behind(pod);
    let right = right_number(pod, port);
    let is_written = is_written(exam, subject, index);
    let said = if is_written {
        ""
    } else {
        " (the same as port, because none is written)"
    };
    let message = format!(
        "nobody listens on targetPort {number}{said}: {behind} declares {}",
        declared(pod)
    );
    let why = "The rules rewrite the packet to the Pod's address and this port. The Pod is there, the \
               port is closed, and the connection is refused. containerPort is information only: \
               if the process does listen there, declare it.";
    let fix = right.and_then(|right| set_target(exam, subject, index, &right.to_string()));
    let field = format!("spec.ports[{index}].targetPort");
    let found = exam.find(
        "target-port-not-listening",
        Severity::Error,
        &subject.reference,
        field,
        message,
        why,
    );
    found.evidence = evidence;
    found.fix = fix;
}

/// The number that was probably meant: the only one, the one of the Service port's name, the one of
/// the Service's own port, `http` before anything else.
fn right_number(pod: &Pod, port: &ServicePort) -> Option<i32> {
    let declared: Vec<_> = containers(&pod.spec)
        .flat_map(|container| &container.ports)
        .filter(|own| same_protocol(&own.protocol, port))
        .collect();
    let by_name = (declared.iter()).find(|own| !own.name.is_empty() && own.name == port.name);
    let found = match &declared[..] {
        [only] => Some(only),
        all => by_name
            .or_else(|| all.iter().find(|own| own.container_port == port.port))
            .or_else(|| {
                all.iter()
                    .find(|own| own.name == "http" || own.name == "web")
            }),
    };
    found.map(|own| own.container_port)
}

fn is_written(exam: &Exam<'_>, subject: &Subject<'_>, index: usize) -> bool {
    let field = crate::api::FieldPath::new(format!("spec.ports[{index}].targetPort"));
    let document = exam.document(&subject.reference);
    let place = document.and_then(|document| document.place(&field));
    place.is_none_or(|place| place.is_exact)
}

fn set_target(exam: &Exam<'_>, subject: &Subject<'_>, index: usize, value: &str) -> Option<Fix> {
    let reference = &subject.reference;
    let Some(writer) = exam.writer(reference) else {
        let value = match value.parse::<i32>() {
            Ok(number) => number.to_string(),
            Err(_) => format!("\"{value}\""),
        };
        return Some(Fix::Command(format!(
            "kubectl patch service {} -n {} --type=json -p \
             '[{{\"op\":\"replace\",\"path\":\"/spec/ports/{index}/targetPort\",\"value\":{value}}}]'",
            reference.name, reference.namespace
        )));
    };
    let at = index.to_string();
    let item = ["spec", "ports", at.as_str()];
    let replaced = writer.replace(&[item[0], item[1], item[2], "targetPort"], value);
    exam::edits([replaced.or_else(|| writer.insert(&item, "port", "targetPort", value))])
}

fn no_such_name(exam: &mut Exam<'_>, subject: &Subject<'_>, index: usize, pod: &Pod) {
    let port = &subject.service.spec.ports[index];
    let Some(IntOrString::String(name)) = &port.target_port else {
        return;
    };
    let (behind, _) = exam.behind(pod);
    let all: Vec<&crate::api::ContainerPort> = containers(&pod.spec)
        .flat_map(|container| &container.ports)
        .collect();
    let other_protocol = all.iter().find(|own| own.name == *name);
    let message = match other_protocol {
        Some(own) => format!(
            "targetPort {name} is {} in {behind}, and {} here",
            or_tcp(&own.protocol),
            port.protocol
        ),
        None => format!(
            "no container of {behind} has a port named {name}: it declares {}",
            declared(pod)
        ),
    };
    let why = "A named targetPort is looked up in each Pod, by name and protocol. A Pod that does not \
               have it gets no endpoint for this port, and connections to the Service are refused.";
    let journey = exam.walk_to_port(subject, index);
    if journey.as_ref().is_some_and(exam::is_answered) {
        return;
    }
    let names = || all.iter().filter(|own| same_protocol(&own.protocol, port));
    let near = nearest(
        name,
        names()
            .map(|own| own.name.as_str())
            .filter(|own| !own.is_empty()),
    );
    let right = near.map(super::edit::scalar).or_else(|| {
        right_number(pod, port)
            .filter(|_| other_protocol.is_none())
            .map(|number| number.to_string())
    });
    let fix = right.and_then(|right| set_target(exam, subject, index, &right));
    let field = format!("spec.ports[{index}].targetPort");
    let found = exam.find(
        "named-port-missing",
        Severity::Error,
        &subject.reference,
        field,
        message,
        why,
    );
    found.evidence = journey.as_ref().map(exam::proof);
    found.fix = fix;
}

fn other_protocol(
    exam: &mut Exam<'_>,
    subject: &Subject<'_>,
    index: usize,
    pod: &Pod,
    number: i32,
) {
    let port = &subject.service.spec.ports[index];
    let Ok(evidence) = proof(exam, subject, pod, port, number) else {
        return;
    };
    let (behind, _) = exam.behind(pod);
    let own = containers(&pod.spec)
        .flat_map(|container| &container.ports)
        .find(|own| own.container_port == number)
        .map_or("TCP", |own| or_tcp(&own.protocol));
    let message = format!(
        "port {number} of {behind} is declared for {own}, and the Service sends it {}",
        port.protocol
    );
    let why = "TCP, UDP and SCTP have ports of their own: a rule for one protocol does not match \
               packets of another, and a socket of one does not hear them. The protocol is TCP where \
               none is written.";
    let fix = exam.writer(&subject.reference).and_then(|writer| {
        let at = index.to_string();
        let item = ["spec", "ports", at.as_str()];
        let replaced = writer.replace(&[item[0], item[1], item[2], "protocol"], own);
        exam::edits([replaced.or_else(|| writer.insert(&item, "port", "protocol", own))])
    });
    let field = format!("spec.ports[{index}].protocol");
    let found = exam.find(
        "protocol-mismatch",
        Severity::Error,
        &subject.reference,
        field,
        message,
        why,
    );
    found.evidence = evidence;
    found.fix = fix;
}

/// Some of the Pods have the port and others have not: the selector is too broad, or an update is
/// half done.
fn mixed(exam: &mut Exam<'_>, subject: &Subject<'_>, index: usize, bad: &[(&Pod, End)], of: usize) {
    let port = &subject.service.spec.ports[index];
    let (pod, end) = bad[0];
    let evidence = match end {
        End::Nobody(number) | End::OtherProtocol(number) => {
            match proof(exam, subject, pod, port, number) {
                Ok(evidence) => evidence,
                Err(()) => return,
            }
        }
        End::NoSuchName | End::Somebody => None,
    };
    // A named port that some Pods do not have sends them nothing: no connection fails.
    let loses = end != End::NoSuchName;
    let (behind, _) = exam.behind(pod);
    let target = port.target_port.clone().unwrap_or_default();
    let message = format!(
        "{} of {of} selected have no port {target}: {behind} declares {}",
        exam::count(bad.len(), "Pod"),
        declared(pod)
    );
    let why = if loses {
        "The Service picks among all Pods that its selector means. The connections that are sent to \
         these are refused: a selector that means two kinds of Pods needs one label more."
    } else {
        "They get no endpoint for this port, so none of its traffic reaches them."
    };
    let severity = if loses {
        Severity::Warning
    } else {
        Severity::Note
    };
    let found = exam.find(
        "selector-too-broad",
        severity,
        &subject.reference,
        "spec.selector",
        message,
        why,
    );
    found.evidence =
        evidence.or_else(|| Some(Evidence::text(format!("{behind}: {}", declared(pod)))));
}
