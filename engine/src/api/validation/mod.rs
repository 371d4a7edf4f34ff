//! What the API server refuses, in its own words.
//!
//! Modelled: create and update validation of every kind of [`crate::api`], `pkg/apis/*/validation`
//! of Kubernetes [`crate::KUBERNETES_VERSION`] and `pkg/api/validation` of its k8s.io/apimachinery,
//! as far as their fields are modelled. An error has the field it is about, so that its place in a
//! manifest can be found.
//!
//! Left out: admission plugins, and what allocation refuses (an address or port that is taken or
//! out of range).

pub mod addresses;
mod endpoints;
mod field_error;
mod metadata;
pub mod names;
mod pod;
mod service;
mod service_update;
mod workload;

pub use endpoints::{endpoint_slice, endpoint_slice_update, endpoints, endpoints_update};
pub use field_error::{BadValue, FieldError, FieldErrorKind, aggregate, quote};
pub use pod::{pod, pod_update};
pub use service::service;
pub use service_update::service_update;
pub use workload::{
    daemon_set, daemon_set_update, deployment, deployment_update, replica_set, replica_set_update,
    stateful_set, stateful_set_update,
};

use crate::api::{FieldPath, Object};

/// What is wrong with a new object, which has its defaults and what was allocated for it.
#[must_use]
pub fn object(object: &Object) -> Vec<FieldError> {
    match object {
        Object::Namespace(namespace) => {
            metadata::on_create_in_cluster(&namespace.metadata, names::dns_1123_label)
        }
        Object::Node(node) => {
            metadata::on_create_in_cluster(&node.metadata, names::dns_1123_subdomain)
        }
        Object::Pod(pod) => self::pod(pod),
        Object::Service(service) => self::service(service),
        Object::Endpoints(endpoints) => self::endpoints(endpoints),
        Object::EndpointSlice(slice) => endpoint_slice(slice),
        Object::Deployment(deployment) => self::deployment(deployment),
        Object::ReplicaSet(set) => replica_set(set),
        Object::StatefulSet(set) => stateful_set(set),
        Object::DaemonSet(set) => daemon_set(set),
        Object::ConfigMap(_) | Object::Secret(_) | Object::ServiceAccount(_) => {
            metadata::on_create(object.metadata(), names::dns_1123_subdomain)
        }
    }
}

/// What is wrong with a changed object, given what it was. Both are of one kind; else nothing is
/// looked at but the new one.
#[must_use]
pub fn update(new: &Object, old: &Object) -> Vec<FieldError> {
    match (new, old) {
        (Object::Pod(new), Object::Pod(old)) => pod_update(new, old),
        (Object::Service(new), Object::Service(old)) => service_update(new, old),
        (Object::Endpoints(new), Object::Endpoints(old)) => endpoints_update(new, old),
        (Object::EndpointSlice(new), Object::EndpointSlice(old)) => endpoint_slice_update(new, old),
        (Object::Deployment(new), Object::Deployment(old)) => deployment_update(new, old),
        (Object::ReplicaSet(new), Object::ReplicaSet(old)) => replica_set_update(new, old),
        (Object::StatefulSet(new), Object::StatefulSet(old)) => stateful_set_update(new, old),
        (Object::DaemonSet(new), Object::DaemonSet(old)) => daemon_set_update(new, old),
        (Object::Node(new), Object::Node(old)) => {
            let mut errors = metadata::on_update(&new.metadata, &old.metadata);
            if !old.spec.pod_cidrs.is_empty() && new.spec.pod_cidrs != old.spec.pod_cidrs {
                errors.push(FieldError::forbidden(
                    &FieldPath::new("spec.podCIDRs"),
                    "node updates may not change podCIDR except from \"\" to valid",
                ));
            }
            errors
        }
        (new, old) if new.kind() == old.kind() => {
            metadata::on_update(new.metadata(), old.metadata())
        }
        (new, _) => object(new),
    }
}

#[cfg(test)]
mod tests;
