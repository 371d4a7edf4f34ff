//! Validation of a Pod and of what a workload's template says of Pods.
//!
//! Source: Kubernetes v1.30.5 `pkg/apis/core/validation/validation.go` (`ValidatePodSpec`,
//! `validateContainers`, `validateContainerPorts`, `ValidatePodUpdate`), in the order of its checks.
//!
//! Left out: fields that are not modelled (volumes, resources, security contexts, probes' own
//! fields), and the difference of the two specs that the server prints after a forbidden update.

use std::collections::BTreeSet;

use crate::api::{Container, FieldPath, Pod, PodSpec};

use super::{FieldError, addresses, metadata, names};

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const DNS_POLICIES: [&str; 4] = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const RESTART_POLICIES: [&str; 3] = ["Always", "OnFailure", "Never"];

/// What is wrong with a new Pod; nothing when the API server takes it.
#[must_use]
pub fn pod(pod: &Pod) -> Vec<FieldError> {
    let mut errors = metadata::on_create(&pod.metadata, names::dns_1123_subdomain);
    errors.extend(pod_spec(&pod.spec, &FieldPath::new("spec")));
    errors
}

/// What is wrong with a changed Pod, given what it was.
#[must_use]
pub fn pod_update(new: &Pod, old: &Pod) -> Vec<FieldError> {
    let mut errors = metadata::on_update(&new.metadata, &old.metadata);
    // Everything that may change, taken from the old one: then the two are to be equal.
    let mut unchanged = new.spec.clone();
    let images = |containers: &mut [Container], old: &[Container]| {
        for (container, old) in containers.iter_mut().zip(old) {
            container.image.clone_from(&old.image);
        }
    };
    images(&mut unchanged.containers, &old.spec.containers);
    images(&mut unchanged.init_containers, &old.spec.init_containers);
    if old
        .spec
        .tolerations
        .iter()
        .all(|toleration| new.spec.tolerations.contains(toleration))
    {
        unchanged.tolerations.clone_from(&old.spec.tolerations);
    }
    // Given by the scheduler, by another way than an update.
    if old.spec.node_name.is_empty() {
        unchanged.node_name.clear();
    }
    if unchanged != old.spec {
        errors.push(FieldError::forbidden(
            &FieldPath::new("spec"),
            "pod updates may not change fields other than `spec.containers[*].image`,\
             `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only \
             additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to \
             be set to 1 if it was previously negative)",
        ));
    }
    errors
}

/// What is wrong with a Pod's specification, wherever it stands.
pub(super) fn pod_spec(spec: &PodSpec, path: &FieldPath) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let field = path.child("containers");
    if spec.containers.is_empty() {
        errors.push(FieldError::required(&field, ""));
    }
    let mut seen = BTreeSet::new();
    containers(&spec.containers, &field, &mut seen, &mut errors);
    let field = path.child("initContainers");
    containers(&spec.init_containers, &field, &mut seen, &mut errors);

    let field = path.child("restartPolicy");
    if !RESTART_POLICIES.contains(&spec.restart_policy.as_str()) {
        errors.push(FieldError::not_supported(
            &field,
            &spec.restart_policy,
            &RESTART_POLICIES,
        ));
    }
    let field = path.child("dnsPolicy");
    if !DNS_POLICIES.contains(&spec.dns_policy.as_str()) {
        errors.push(FieldError::not_supported(
            &field,
            &spec.dns_policy,
            &DNS_POLICIES,
        ));
    }
    errors.extend(metadata::labels(
        &spec.node_selector,
        &path.child("nodeSelector"),
    ));
    if spec.host_network {
        host_network_ports(spec, path, &mut errors);
    }
    for (field, value) in [("hostname", &spec.hostname), ("subdomain", &spec.subdomain)] {
        if !value.is_empty() {
            let wrong = names::dns_1123_label(value);
            errors.extend(metadata::each(&path.child(field), value, wrong));
        }
    }
    dns(spec, path, &mut errors);
    errors
}

fn containers(
    containers: &[Container],
    path: &FieldPath,
    seen: &mut BTreeSet<String>,
    errors: &mut Vec<FieldError>,
) {
    for (index, container) in containers.iter().enumerate() {
        let path = path.index(index);
        let name = path.child("name");
        if container.name.is_empty() {
            errors.push(FieldError::required(&name, ""));
        } else {
            let wrong = names::dns_1123_label(&container.name);
            errors.extend(metadata::each(&name, &container.name, wrong));
        }
        if !container.name.is_empty() && !seen.insert(container.name.clone()) {
            errors.push(FieldError::duplicate(&name, &container.name));
        }
        let image = path.child("image");
        if container.image.is_empty() {
            errors.push(FieldError::required(&image, ""));
        } else if container.image.trim() != container.image {
            errors.push(FieldError::invalid(
                &image,
                &container.image,
                "must not have leading or trailing whitespace",
            ));
        }
        ports(container, &path.child("ports"), errors);
    }
}

fn ports(container: &Container, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let mut named = BTreeSet::new();
    for (index, port) in container.ports.iter().enumerate() {
        let path = path.index(index);
        if !port.name.is_empty() {
            let name = path.child("name");
            let wrong = names::port_name(&port.name);
            if !wrong.is_empty() {
                errors.extend(metadata::each(&name, &port.name, wrong));
            } else if !named.insert(&port.name) {
                errors.push(FieldError::duplicate(&name, &port.name));
            }
        }
        let number = path.child("containerPort");
        if port.container_port == 0 {
            errors.push(FieldError::required(&number, ""));
        } else if let Some(wrong) = names::port_number(port.container_port) {
            errors.push(FieldError::invalid(&number, port.container_port, wrong));
        }
        if port.host_port != 0
            && let Some(wrong) = names::port_number(port.host_port)
        {
            errors.push(FieldError::invalid(
                &path.child("hostPort"),
                port.host_port,
                wrong,
            ));
        }
        let protocol = path.child("protocol");
        if port.protocol.is_empty() {
            errors.push(FieldError::required(&protocol, ""));
        } else if !PROTOCOLS.contains(&port.protocol.as_str()) {
            errors.push(FieldError::not_supported(
                &protocol,
                &port.protocol,
                &PROTOCOLS,
            ));
        }
    }
}

/// In the Node's own network a port has no other number outside.
fn host_network_ports(spec: &PodSpec, path: &FieldPath, errors: &mut Vec<FieldError>) {
    for (index, container) in spec.containers.iter().enumerate() {
        let path = path.child("containers").index(index).child("ports");
        for (index, port) in container.ports.iter().enumerate() {
            if port.host_port != port.container_port {
                errors.push(FieldError::invalid(
                    &path.index(index).child("containerPort"),
                    port.container_port,
                    "must match `hostPort` when `hostNetwork` is true",
                ));
            }
        }
    }
}

fn dns(spec: &PodSpec, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let path = path.child("dnsConfig");
    let asks = spec.dns_policy == "None";
    let Some(config) = &spec.dns_config else {
        if asks {
            errors.push(FieldError::required(
                &path,
                "must provide `dnsConfig` when `dnsPolicy` is None",
            ));
        }
        return;
    };
    let servers = path.child("nameservers");
    if asks && config.nameservers.is_empty() {
        errors.push(FieldError::required(
            &servers,
            "must provide at least one DNS nameserver when `dnsPolicy` is None",
        ));
    }
    for (index, server) in config.nameservers.iter().enumerate() {
        if addresses::parse_ip(server).is_none() {
            errors.push(FieldError::invalid(
                &servers.index(index),
                server,
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            ));
        }
    }
    for (index, search) in config.searches.iter().enumerate() {
        let name = search.strip_suffix('.').unwrap_or(search);
        let wrong = names::dns_1123_subdomain(name);
        let field = path.child("searches").index(index);
        errors.extend(metadata::each(&field, search, wrong));
    }
    for (index, option) in config.options.iter().enumerate() {
        if option.name.is_empty() {
            errors.push(FieldError::required(
                &path.child("options").index(index),
                "must not be empty",
            ));
        }
    }
}
