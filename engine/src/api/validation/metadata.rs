//! Validation of `metadata`, the same for all kinds.
//!
//! Source: k8s.io/apimachinery `pkg/api/validation/objectmeta.go` and `pkg/apis/meta/v1/
//! validation/validation.go` (v0.30.5); Kubernetes v1.30.5 `pkg/apis/core/validation/
//! validation.go` for the names of finalizers.
//!
//! Left out: `generation` and `managedFields`, which no manifest sets by hand. The original goes
//! through labels and annotations in no fixed order; here they come in the order of their keys.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{FieldPath, ObjectMeta, OwnerReference};

use super::{BadValue, FieldError, names};

/// The most bytes that the annotations of an object may have, keys and values together (256 KiB).
const MAX_ANNOTATIONS_BYTES: usize = 256 << 10;

/// Finalizers that need no domain in front.
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// Rules for a kind's names: what is wrong with a text.
pub(super) type NameRule = fn(&str) -> Vec<String>;

/// An [`FieldError::invalid`] for each thing wrong with a text.
pub(super) fn each(field: &FieldPath, value: &str, wrong: Vec<String>) -> Vec<FieldError> {
    wrong
        .into_iter()
        .map(|detail| FieldError::invalid(field, value, detail))
        .collect()
}

/// What is wrong with the metadata of a new object that lives in a namespace.
pub(super) fn on_create(meta: &ObjectMeta, name_rule: NameRule) -> Vec<FieldError> {
    new_object(meta, true, name_rule)
}

/// What is wrong with the metadata of a new object that belongs to the whole cluster.
pub(super) fn on_create_in_cluster(meta: &ObjectMeta, name_rule: NameRule) -> Vec<FieldError> {
    new_object(meta, false, name_rule)
}

fn new_object(meta: &ObjectMeta, is_namespaced: bool, name_rule: NameRule) -> Vec<FieldError> {
    let path = FieldPath::new("metadata");
    let mut errors = Vec::new();
    if !meta.generate_name.is_empty() {
        let wrong = name_rule(&names::without_trailing_hyphen(&meta.generate_name));
        errors.extend(each(
            &path.child("generateName"),
            &meta.generate_name,
            wrong,
        ));
    }
    if meta.name.is_empty() {
        errors.push(FieldError::required(
            &path.child("name"),
            "name or generateName is required",
        ));
    } else {
        errors.extend(each(&path.child("name"), &meta.name, name_rule(&meta.name)));
    }
    let namespace = path.child("namespace");
    if !is_namespaced {
        if !meta.namespace.is_empty() {
            errors.push(FieldError::forbidden(
                &namespace,
                "not allowed on this type",
            ));
        }
    } else if meta.namespace.is_empty() {
        errors.push(FieldError::required(&namespace, ""));
    } else {
        let wrong = names::dns_1123_label(&meta.namespace);
        errors.extend(each(&namespace, &meta.namespace, wrong));
    }
    errors.extend(common(meta, &path));
    errors.extend(finalizers(&meta.finalizers, &path.child("finalizers")));
    errors.extend(finalizer_domains(meta, &path));
    errors
}

/// What is wrong with the metadata of a changed object.
///
/// The original also refuses an update without a resource version, or with another UID or
/// creation time. Before that the server fills them in where they are missing, and refuses a
/// stale version as a conflict; that is the store's work.
pub(super) fn on_update(new: &ObjectMeta, old: &ObjectMeta) -> Vec<FieldError> {
    let path = FieldPath::new("metadata");
    let mut errors = Vec::new();
    if old.deletion_timestamp.is_some() {
        let added: BTreeSet<&String> = new
            .finalizers
            .iter()
            .filter(|finalizer| !old.finalizers.contains(finalizer))
            .collect();
        if !added.is_empty() {
            let added: Vec<String> = added.into_iter().cloned().collect();
            errors.push(FieldError::forbidden(
                &path.child("finalizers"),
                format!(
                    "no new finalizers can be added if the object is being deleted, found new \
                     finalizers {}",
                    BadValue::list(&added)
                ),
            ));
        }
    }
    for (field, new, old) in [
        ("name", &new.name, &old.name),
        ("namespace", &new.namespace, &old.namespace),
    ] {
        if new != old {
            let field = path.child(field);
            errors.push(FieldError::invalid(&field, new, "field is immutable"));
        }
    }
    errors.extend(common(new, &path));
    errors.extend(finalizer_domains(new, &path));
    errors
}

fn common(meta: &ObjectMeta, path: &FieldPath) -> Vec<FieldError> {
    let mut errors = labels(&meta.labels, &path.child("labels"));
    errors.extend(annotations(&meta.annotations, &path.child("annotations")));
    errors.extend(owner_references(
        &meta.owner_references,
        &path.child("ownerReferences"),
    ));
    errors
}

/// What is wrong with labels, or with the labels that a Service selects.
pub(super) fn labels(labels: &BTreeMap<String, String>, path: &FieldPath) -> Vec<FieldError> {
    labels
        .iter()
        .flat_map(|(key, value)| {
            let mut errors = each(path, key, names::qualified_name(key));
            errors.extend(each(path, value, names::label_value(value)));
            errors
                .into_iter()
                .map(|error| error.placed_at(path.key(key)))
        })
        .collect()
}

/// Go's `strings.ToLower`, as far as it can make a valid key: beside ASCII, two letters have one of
/// ASCII's for their small form (the Kelvin sign, and I with a dot).
fn lower(key: &str) -> String {
    key.chars()
        .map(|c| match c {
            '\u{212a}' => 'k',
            '\u{130}' => 'i',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}

fn annotations(annotations: &BTreeMap<String, String>, path: &FieldPath) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut bytes = 0;
    for (key, value) in annotations {
        // Unlike the keys of labels, these may be in capitals.
        let wrong = each(path, key, names::qualified_name(&lower(key)));
        errors.extend(
            wrong
                .into_iter()
                .map(|error| error.placed_at(path.key(key))),
        );
        bytes += key.len() + value.len();
    }
    if bytes > MAX_ANNOTATIONS_BYTES {
        errors.push(FieldError::too_long(path, MAX_ANNOTATIONS_BYTES));
    }
    errors
}

fn owner_references(owners: &[OwnerReference], path: &FieldPath) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut controller: Option<String> = None;
    for (index, owner) in owners.iter().enumerate() {
        let at = path.index(index);
        let version = match owner.api_version.split_once('/') {
            None => owner.api_version.as_str(),
            Some((_, rest)) if rest.contains('/') => "",
            Some((_, version)) => version,
        };
        for (field, value, part) in [
            ("apiVersion", owner.api_version.as_str(), version),
            ("kind", &owner.kind, &owner.kind),
            ("name", &owner.name, &owner.name),
            ("uid", &owner.uid, &owner.uid),
        ] {
            if part.is_empty() {
                let word = if field == "apiVersion" {
                    "version"
                } else {
                    field
                };
                let detail = format!("{word} must not be empty");
                errors.push(
                    FieldError::invalid(&path.child(field), value, detail)
                        .placed_at(at.child(field)),
                );
            }
        }
        if owner.api_version == "v1" && owner.kind == "Event" {
            let detail = "/v1, Kind=Event is disallowed from being an owner";
            let value = BadValue::Go(go(owner));
            errors.push(FieldError::invalid(path, value, detail).placed_at(at.clone()));
        }
        if owner.controller == Some(true) {
            let name = format!("{}/{}", owner.kind, owner.name);
            if let Some(first) = &controller {
                let all: Vec<String> = owners.iter().map(go).collect();
                let value = BadValue::Go(format!("[]v1.OwnerReference{{{}}}", all.join(", ")));
                let detail = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in \
                     references for {first} and {name}"
                );
                errors.push(
                    FieldError::invalid(path, value, detail).placed_at(at.child("controller")),
                );
            } else {
                controller = Some(name);
            }
        }
    }
    errors
}

/// As Go's `%#v` prints it, but for the addresses of its two pointers, which differ each time.
fn go(owner: &OwnerReference) -> String {
    let pointer = |flag: Option<bool>| match flag {
        Some(_) => "(*bool)(0x0)",
        None => "(*bool)(nil)",
    };
    format!(
        "v1.OwnerReference{{APIVersion:{}, Kind:{}, Name:{}, UID:{}, Controller:{}, \
         BlockOwnerDeletion:{}}}",
        super::quote(&owner.api_version),
        super::quote(&owner.kind),
        super::quote(&owner.name),
        super::quote(&owner.uid),
        pointer(owner.controller),
        pointer(owner.block_owner_deletion),
    )
}

fn finalizers(finalizers: &[String], path: &FieldPath) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, finalizer) in finalizers.iter().enumerate() {
        let wrong = each(path, finalizer, names::qualified_name(finalizer));
        errors.extend(wrong.into_iter().map(|e| e.placed_at(path.index(index))));
    }
    let has = |name: &str| finalizers.iter().any(|finalizer| finalizer == name);
    if has("orphan") && has("foregroundDeletion") {
        errors.push(FieldError::invalid(
            path,
            BadValue::list(finalizers),
            "finalizer orphan and foregroundDeletion cannot be both set",
        ));
    }
    errors
}

fn finalizer_domains(meta: &ObjectMeta, path: &FieldPath) -> Vec<FieldError> {
    let path = path.child("finalizers");
    meta.finalizers
        .iter()
        .enumerate()
        .filter(|(_, name)| !name.contains('/') && !STANDARD_FINALIZERS.contains(&name.as_str()))
        .map(|(index, name)| {
            FieldError::invalid(
                &path.index(index),
                name,
                "name is neither a standard finalizer name nor is it fully qualified",
            )
        })
        .collect()
}
