//! Names in a Pod's settings that lead nowhere: `DB_HOST: mysql` where mysql is in another
//! namespace, `mailservice.svc.cluster.local` without one, a StatefulSet's serviceName.
//!
//! A value counts as a host if it has a scheme or a port, if it ends as a cluster's names do, or if
//! its variable is called so (`…_HOST`, `…_URL`). A Pod of the workload then asks cluster DNS for it
//! as its own resolver would. Names of the world outside are let be here; what they cost, and what
//! an alias of them does not do, is in [`super::outside`].

use super::exam::{self, Exam, Template};
use super::finding::{Edit, Fix};
use super::outside;
use crate::api::{Kind, ObjectRef};
use crate::diagnostic::Severity;
use crate::manifest::nearest;
use crate::yaml::Node;

pub(super) fn examine(exam: &mut Exam<'_>) {
    let mut hosts = Vec::new();
    for template in &exam.templates {
        collect(exam, template, &mut hosts);
    }
    for host in &hosts {
        one(exam, host);
    }
    outside::examine(exam, &hosts);
    service_names(exam);
}

/// A host that a workload's settings name.
pub(super) struct Host {
    pub(super) object: ObjectRef,
    /// Steps to the value.
    path: Vec<String>,
    pub(super) field: String,
    /// The whole value, the part of it that is the host, and where that begins.
    pub(super) value: String,
    pub(super) host: String,
    at: usize,
    port: Option<u16>,
}

impl Host {
    /// The value with another host.
    fn with(&self, host: &str) -> String {
        let (before, rest) = self.value.split_at(self.at);
        format!("{before}{host}{}", &rest[self.host.len()..])
    }
}

fn collect(exam: &Exam<'_>, template: &Template<'_>, hosts: &mut Vec<Host>) {
    let prefix = template.prefix();
    for (at, container) in exam.written_containers(template).iter().enumerate() {
        let env = container
            .get("env")
            .and_then(Node::as_list)
            .unwrap_or_default();
        for (index, variable) in env.iter().enumerate() {
            let name = variable
                .get("name")
                .and_then(Node::as_str)
                .unwrap_or_default();
            let Some(value) = variable.get("value").and_then(Node::as_str) else {
                continue;
            };
            let Some((at_byte, host, port)) = host(name, value) else {
                continue;
            };
            let mut path: Vec<String> = prefix.split('.').map(str::to_owned).collect();
            let at = at.to_string();
            let index = index.to_string();
            path.extend(["containers", &at, "env", &index, "value"].map(str::to_owned));
            hosts.push(Host {
                object: template.object.clone(),
                path,
                field: format!("{prefix}.containers[{at}].env[{index}].value"),
                value: value.to_owned(),
                host: host.to_owned(),
                at: at_byte,
                port,
            });
        }
    }
}

/// The host and port that a variable's value names, and where in it the host begins; `None` for a
/// value that is none.
fn host<'a>(name: &str, value: &'a str) -> Option<(usize, &'a str, Option<u16>)> {
    let name = name.to_ascii_uppercase();
    let (has_scheme, rest) = match value.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, value),
    };
    let whole = rest.split(['/', '?', '#']).next()?;
    let authority = whole.rsplit('@').next()?;
    let at = value.len() - rest.len() + whole.len() - authority.len();
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
        None => (authority, None),
    };
    let is_name = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        && host.starts_with(|c: char| c.is_ascii_lowercase());
    let inside = host.trim_end_matches('.');
    let is_cluster = inside.ends_with(".svc") || inside.ends_with(".svc.cluster.local");
    let says_host = [
        "HOST", "URL", "ADDR", "ADDRESS", "ENDPOINT", "SERVER", "URI",
    ]
    .iter()
    .any(|word| name == *word || name.ends_with(&format!("_{word}")));
    let is_host = has_scheme || port.is_some() || is_cluster || says_host;
    (is_name && is_host && host != "localhost").then_some((at, host, port))
}

/// A host without its final dot, and without the end that all Services' names have, if it has that.
fn without_zone(host: &Host) -> (&str, Option<&str>) {
    let bare = host.host.trim_end_matches('.');
    let zone = bare
        .strip_suffix(".svc.cluster.local")
        .or_else(|| bare.strip_suffix(".svc"));
    (bare, zone)
}

/// A Service's short name with the end that a host has now.
fn in_zone(host: &Host, short: &str) -> String {
    let (bare, zone) = without_zone(host);
    let end = zone.map_or("", |zone| &bare[zone.len()..]);
    format!("{short}{end}")
}

/// The Service that a host names, by its labels: name and namespace, if it says one. `None` for
/// names that are no Service's.
pub(super) fn service_named<'a>(
    exam: &Exam<'_>,
    host: &'a Host,
) -> Option<(&'a str, Option<&'a str>)> {
    let (bare, zone) = without_zone(host);
    let labels: Vec<&str> = zone.unwrap_or(bare).split('.').collect();
    match labels[..] {
        [name] if zone.is_none() => Some((name, Some(host.object.namespace.as_str()))),
        // `mailservice.svc.cluster.local`: no namespace at all.
        [name] => Some((name, None)),
        [name, of] if zone.is_some() || exam.store.namespace("", of).is_some() => {
            Some((name, Some(of)))
        }
        _ => None,
    }
}

fn one(exam: &mut Exam<'_>, host: &Host) {
    let namespace = host.object.namespace.as_str();
    let store = exam.store;
    let (_, zone) = without_zone(host);
    let Some((name, of)) = service_named(exam, host) else {
        return;
    };
    if let Some(service) = of.and_then(|of| store.service(of, name)) {
        return wrong_port(exam, host, service);
    }
    let same = store.services().find(|own| own.metadata.name == name);
    let here: Vec<&str> = store
        .services()
        .filter(|own| Some(own.metadata.namespace.as_str()) == of)
        .map(|own| own.metadata.name.as_str())
        .collect();
    let near = nearest(name, here.iter().copied());
    // A word that is no Service's name anywhere, nor nearly one, may be a host of the world outside.
    if zone.is_none() && same.is_none() && near.is_none() {
        return;
    }
    let meant = match (near, same) {
        (_, Some(own)) => Some(format!("{name}.{}", own.metadata.namespace)),
        (Some(near), None) if of == Some(namespace) && zone.is_none() => Some(near.to_owned()),
        (Some(near), None) => of.map(|of| format!("{near}.{of}")),
        (None, None) => None,
    };
    let client = client_of(exam, &host.object);
    let Ok(evidence) = exam.unknown(client.as_deref(), &host.host) else {
        return;
    };
    let message = match (of, same) {
        (None, _) => format!(
            "{} has no namespace in it: there is no such name",
            host.host
        ),
        (Some(of), Some(own)) => format!(
            "there is no Service {name} in namespace {of}; it is in {}",
            own.metadata.namespace
        ),
        (Some(of), None) => format!("there is no Service {name} in namespace {of}"),
    };
    let why = "A Pod's resolver completes a short name with the Pod's own namespace first: a Service of \
               another namespace is NAME.NAMESPACE, and its full name is \
               NAME.NAMESPACE.svc.cluster.local.";
    let fix = meant.and_then(|meant| set(exam, host, &in_zone(host, &meant)));
    let found = exam.find(
        "name-leads-nowhere",
        Severity::Error,
        &host.object,
        &*host.field,
        message,
        why,
    );
    found.evidence = evidence;
    found.fix = fix;
}

/// A fix that names another host.
pub(super) fn set(exam: &Exam<'_>, host: &Host, other: &str) -> Option<Fix> {
    set_value(exam, host, &host.with(other))
}

fn set_value(exam: &Exam<'_>, host: &Host, value: &str) -> Option<Fix> {
    exam::edits([change(exam, host, value)])
}

fn change(exam: &Exam<'_>, host: &Host, value: &str) -> Option<Edit> {
    let path: Vec<&str> = host.path.iter().map(String::as_str).collect();
    exam.writer(&host.object)?.replace(&path, value)
}

/// The changes by which those who name a Service find it in another namespace. `None` among them for
/// what cannot follow it: a StatefulSet's Service is in its own namespace.
pub(super) fn follow(exam: &Exam<'_>, service: &ObjectRef, to: &str) -> Vec<Option<Edit>> {
    let mut hosts = Vec::new();
    for template in &exam.templates {
        collect(exam, template, &mut hosts);
    }
    let wanted = Some((service.name.as_str(), Some(service.namespace.as_str())));
    let meant = |host: &&Host| service_named(exam, host) == wanted;
    let short = format!("{}.{to}", service.name);
    let mut changes: Vec<Option<Edit>> = (hosts.iter().filter(meant))
        .map(|host| change(exam, host, &host.with(&in_zone(host, &short))))
        .collect();
    let governs = exam.store.stateful_sets().any(|set| {
        set.spec.service_name == service.name && set.metadata.namespace == service.namespace
    });
    if governs {
        changes.push(None);
    }
    let old = format!("{}.{}.svc.cluster.local", service.name, service.namespace);
    for alias in exam.store.services() {
        if alias.spec.external_name.trim_end_matches('.') == old {
            let own = &alias.metadata;
            let object = ObjectRef::new(Kind::Service, &*own.namespace, &*own.name);
            let new = format!("{short}.svc.cluster.local");
            let writer = exam.writer(&object);
            changes.push(writer.and_then(|own| own.replace(&["spec", "externalName"], &new)));
        }
    }
    changes
}

/// A name that is right, and a port that its Service does not have.
fn wrong_port(exam: &mut Exam<'_>, host: &Host, service: &crate::api::Service) {
    let Some(port) = host.port else { return };
    let spec = &service.spec;
    let is_plain = !matches!(spec.type_.as_str(), "ExternalName") && spec.cluster_ip != "None";
    if !is_plain
        || spec.ports.is_empty()
        || spec.ports.iter().any(|own| own.port == i32::from(port))
    {
        return;
    }
    let client = client_of(exam, &host.object);
    let to = format!("{}:{port}", host.host);
    let journey = client.and_then(|from| exam.walk(&from, &to, crate::net::Protocol::Tcp));
    if journey.as_ref().is_some_and(exam::is_answered) {
        return;
    }
    let all: Vec<String> = spec.ports.iter().map(|own| own.port.to_string()).collect();
    let message = format!(
        "Service {}/{} has no port {port}, but {}",
        service.metadata.namespace,
        service.metadata.name,
        all.join(", ")
    );
    let why = "Clients use a Service's port, and not its targetPort or a containerPort. No rule matches \
               any other port of the cluster IP: the packet finds no way, and the client times out.";
    let fix = match &spec.ports[..] {
        [only] => {
            let value = host
                .value
                .replacen(&format!(":{port}"), &format!(":{}", only.port), 1);
            set_value(exam, host, &value)
        }
        _ => None,
    };
    let found = exam.find(
        "port-not-served",
        Severity::Error,
        &host.object,
        &*host.field,
        message,
        why,
    );
    found.evidence = journey.as_ref().map(exam::proof);
    found.fix = fix;
}

/// A Pod of a workload that can ask.
pub(super) fn client_of(exam: &Exam<'_>, object: &ObjectRef) -> Option<String> {
    let id = |namespace: &str, name: &str| format!("pod/{namespace}/{name}");
    if object.kind == Kind::Pod {
        let pod = exam.store.pod(&object.namespace, &object.name)?;
        return (!pod.status.pod_ip.is_empty()).then(|| id(&object.namespace, &object.name));
    }
    let mut pods = exam
        .store
        .pods()
        .filter(|pod| !pod.status.pod_ip.is_empty());
    let pod = pods.find(|pod| exam.behind(pod).0 == *object)?;
    Some(id(&pod.metadata.namespace, &pod.metadata.name))
}

/// StatefulSets whose Pods get no names, because their Service is not there.
fn service_names(exam: &mut Exam<'_>) {
    let store = exam.store;
    for set in store.stateful_sets() {
        let name = &set.spec.service_name;
        let namespace = set.metadata.namespace.as_str();
        let object = ObjectRef::new(Kind::StatefulSet, namespace, &*set.metadata.name);
        if name.is_empty()
            || store.service(namespace, name).is_some()
            || exam.document(&object).is_none()
        {
            continue;
        }
        let all = || {
            store
                .services()
                .filter(|own| own.metadata.namespace == namespace)
        };
        let labels = &set.spec.template.metadata.labels;
        let selects = all().find(|own| {
            own.spec.cluster_ip == "None"
                && (own.spec.selector.as_ref())
                    .is_some_and(|own| crate::api::selector::service_selects(own, labels))
        });
        let near = nearest(name, all().map(|own| own.metadata.name.as_str()));
        let meant = selects.map(|own| own.metadata.name.as_str()).or(near);
        // A text of one StatefulSet alone says nothing about its Service.
        let severity = match meant {
            Some(_) => Severity::Error,
            None if all().next().is_some() && namespace != "default" => Severity::Warning,
            None if all().nth(1).is_some() => Severity::Warning,
            None => Severity::Note,
        };
        let message = format!("there is no Service {name} in namespace {namespace}");
        let pod = format!(
            "{}-0.{name}.{namespace}.svc.cluster.local",
            set.metadata.name
        );
        let why = format!(
            "The Service that serviceName names gives the Pods their own names. Without it {pod} does \
             not exist, and peers do not find each other."
        );
        let client = client_of(exam, &object);
        let evidence = exam.unknown(client.as_deref(), &pod).unwrap_or_default();
        let fix = meant.and_then(|meant| {
            let writer = exam.writer(&object)?;
            exam::edits([writer.replace(&["spec", "serviceName"], &super::edit::scalar(meant))])
        });
        let found = exam.find(
            "governing-service-missing",
            severity,
            &object,
            "spec.serviceName",
            message,
            why,
        );
        found.evidence = evidence;
        found.fix = fix;
    }
}
