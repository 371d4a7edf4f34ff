//! What the API refuses, on full trees.
//!
//! Services by [`crate::api::validation`]. Of the other kinds what people get wrong: names, labels,
//! containers, the selector of a workload and what may not change. Source: Kubernetes v1.34
//! `pkg/apis/core/validation/validation.go`, `pkg/apis/apps/validation/validation.go`. Left out: the
//! rest of a Pod's specification.

use crate::api::validation::{self, BadValue, FieldError, names};
use crate::api::{FieldPath, Service};
use crate::kubectl::error::Status;
use crate::kubectl::resource::Resource;
use crate::kubectl::tree::Value;
use crate::{manifest, yaml};

/// Whether the server can make its own types of the tree. A new object may have no unknown field:
/// kubectl asks the server to be strict.
pub(crate) fn decodable(resource: &Resource, object: &Value, is_new: bool) -> Result<(), Status> {
    let maps = [
        "metadata",
        "spec",
        "metadata.labels",
        "metadata.annotations",
    ];
    let refusal = match manifest::refusal(resource.kind, &object.to_node()) {
        Some(why) if is_new || !why.starts_with("strict ") => Some(why),
        // Of the kinds that are not known in all parts, the maps that all kinds have.
        _ => maps.into_iter().find_map(|field| {
            let value = object.at(field);
            let (found, kind) = (value.json_type(), resource.kind);
            (!value.is_null() && value.as_map().is_none()).then(|| {
                format!("json: cannot unmarshal {found} into Go struct field {kind}.{field} of type map[string]string")
            })
        }),
    };
    match refusal {
        None => Ok(()),
        Some(why) => {
            let (kind, version) = (resource.kind, resource.version);
            Err(Status::bad_request(format!(
                "{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"
            )))
        }
    }
}

/// A new object.
pub(super) fn create(resource: &Resource, object: &Value) -> Result<(), Status> {
    let errors = match resource.kind {
        "Service" => typed(object).map_or_else(Vec::new, |service| validation::service(&service)),
        _ => common(resource, object),
    };
    told(resource, object, &errors)
}

/// A changed object.
pub(super) fn update(resource: &Resource, new: &Value, old: &Value) -> Result<(), Status> {
    let mut errors = Vec::new();
    match resource.kind {
        "Service" => {
            if let (Some(new), Some(old)) = (typed(new), typed(old)) {
                errors = validation::service_update(&new, &old);
            }
        }
        "Pod" => {
            errors = common(resource, new);
            if pod_without_what_may_change(new) != pod_without_what_may_change(old) {
                errors.push(FieldError::forbidden(
                    &FieldPath::new("spec"),
                    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
                ));
            }
        }
        "Deployment" | "ReplicaSet" => {
            errors = common(resource, new);
            if new.at("spec.selector") != old.at("spec.selector") {
                errors.push(FieldError::invalid(
                    &FieldPath::new("spec.selector"),
                    BadValue::Go(new.at("spec.selector").to_string()),
                    "field is immutable",
                ));
            }
        }
        _ => errors = common(resource, new),
    }
    told(resource, new, &errors)
}

fn told(resource: &Resource, object: &Value, errors: &[FieldError]) -> Result<(), Status> {
    if errors.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(
        &resource.qualified_kind(),
        object.name(),
        errors,
    ))
}

fn typed(object: &Value) -> Option<Service> {
    yaml::from_node(&object.to_node()).ok()
}

fn pod_without_what_may_change(pod: &Value) -> Value {
    let mut spec = pod.at("spec").clone();
    for list in ["containers", "initContainers"] {
        for container in spec.items_mut(list) {
            container.remove("image");
        }
    }
    for field in [
        "activeDeadlineSeconds",
        "tolerations",
        "terminationGracePeriodSeconds",
    ] {
        spec.remove(field);
    }
    spec
}

fn common(resource: &Resource, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let path = FieldPath::new("metadata");
    let name = object.name();
    if name.is_empty() {
        errors.push(FieldError::required(
            &path.child("name"),
            "name or generateName is required",
        ));
    } else {
        let wrong = match resource.kind {
            "Namespace" => names::dns_1123_label(name),
            _ => names::dns_1123_subdomain(name),
        };
        errors.extend(
            wrong
                .into_iter()
                .map(|why| FieldError::invalid(&path.child("name"), name, why)),
        );
    }
    labels(object, "metadata.labels", &mut errors);
    match resource.kind {
        "Pod" => pod_spec(object, "spec", &mut errors),
        "Deployment" | "ReplicaSet" | "StatefulSet" => workload(object, &mut errors),
        _ => {}
    }
    errors
}

fn labels(object: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let path = FieldPath::new(field);
    for (key, value) in object.entries_at(field) {
        let wrong = names::qualified_name(key);
        errors.extend(
            wrong
                .into_iter()
                .map(|why| FieldError::invalid(&path, key, why)),
        );
        let value = value.as_str().unwrap_or_default();
        let wrong = names::label_value(value);
        errors.extend(
            wrong
                .into_iter()
                .map(|why| FieldError::invalid(&path, value, why)),
        );
    }
}

fn workload(object: &Value, errors: &mut Vec<FieldError>) {
    let spec = FieldPath::new("spec");
    let replicas = object.int_at("spec.replicas");
    if replicas < 0 {
        errors.push(FieldError::invalid(
            &spec.child("replicas"),
            BadValue::Number(replicas),
            "must be greater than or equal to 0",
        ));
    }
    let selector = spec.child("selector");
    let wanted = object.entries_at("spec.selector.matchLabels");
    let expressions = object.list_at("spec.selector.matchExpressions");
    if object.at("spec.selector").is_null() {
        errors.push(FieldError::required(&selector, ""));
    } else if wanted.is_empty() && expressions.is_empty() {
        errors.push(FieldError::invalid(
            &selector,
            BadValue::Go(object.at("spec.selector").to_string()),
            "empty selector is invalid for deployment",
        ));
    }
    labels(object, "spec.template.metadata.labels", errors);
    let found = object.at("spec.template.metadata.labels");
    if wanted.iter().any(|(key, value)| found.get(key) != value) {
        let shown = match found {
            Value::Null => "null".to_owned(),
            labels => labels.to_string(),
        };
        errors.push(FieldError::invalid(
            &FieldPath::new("spec.template.metadata.labels"),
            BadValue::Go(shown),
            "`selector` does not match template `labels`",
        ));
    }
    pod_spec(object, "spec.template.spec", errors);
    let policy = object.str_at("spec.template.spec.restartPolicy");
    if policy != "Always" {
        let field = FieldPath::new("spec.template.spec.restartPolicy");
        errors.push(FieldError::not_supported(&field, policy, &["Always"]));
    }
}

fn pod_spec(object: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let path = FieldPath::new(field).child("containers");
    let containers = object.at(field).list_at("containers");
    if containers.is_empty() {
        errors.push(FieldError::required(&path, ""));
    }
    let mut seen: Vec<&str> = Vec::new();
    for (at, container) in containers.iter().enumerate() {
        let here = path.index(at);
        let name = container.str_at("name");
        if name.is_empty() {
            errors.push(FieldError::required(&here.child("name"), ""));
        } else {
            let wrong = names::dns_1123_label(name);
            errors.extend(
                wrong
                    .into_iter()
                    .map(|why| FieldError::invalid(&here.child("name"), name, why)),
            );
        }
        if seen.contains(&name) && !name.is_empty() {
            errors.push(FieldError::duplicate(&here.child("name"), name));
        }
        seen.push(name);
        let image = container.str_at("image");
        if image.is_empty() {
            errors.push(FieldError::required(&here.child("image"), ""));
        } else if image.trim() != image {
            errors.push(FieldError::invalid(
                &here.child("image"),
                image,
                "must not have leading or trailing whitespace",
            ));
        }
        for (index, port) in container.list_at("ports").iter().enumerate() {
            let number = port.int_at("containerPort");
            let field = here.child("ports").index(index);
            if port.at("containerPort").is_null() || number == 0 {
                errors.push(FieldError::required(&field.child("containerPort"), ""));
            } else if let Some(why) = i32::try_from(number).ok().and_then(names::port_number) {
                errors.push(FieldError::invalid(
                    &field.child("containerPort"),
                    BadValue::Number(number),
                    why,
                ));
            }
            let protocol = port.str_at("protocol");
            if !matches!(protocol, "TCP" | "UDP" | "SCTP") {
                let field = field.child("protocol");
                errors.push(FieldError::not_supported(
                    &field,
                    protocol,
                    &["SCTP", "TCP", "UDP"],
                ));
            }
        }
    }
    let policy = object.at(field).str_at("restartPolicy");
    if !matches!(policy, "Always" | "OnFailure" | "Never") {
        let field = FieldPath::new(field).child("restartPolicy");
        errors.push(FieldError::not_supported(
            &field,
            policy,
            &["Always", "OnFailure", "Never"],
        ));
    }
}
