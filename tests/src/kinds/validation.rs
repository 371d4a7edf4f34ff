//! `validation`: Services with the errors of create validation, or with their defaults.

use std::io;
use std::path::Path;

use lobby_engine::api::{Service, defaults, validation};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::vector::{self, Failure, Vector};

#[derive(Deserialize)]
struct Record {
    manifest: String,
    errors: Vec<String>,
    defaulted: Option<Value>,
}

/// A line of `validation/services.jsonl` each.
///
/// # Errors
///
/// The file cannot be read.
pub fn collect(root: &Path) -> io::Result<Vec<Vector>> {
    vector::lines(root, "validation/services.jsonl", vector::by_name)
}

/// Defaults and validates as the API server does on create, without its allocators.
///
/// # Errors
///
/// Where the engine differs.
pub fn check(vector: &Vector) -> Result<(), Failure> {
    let record: Record = vector.record()?;
    let mut service: Service = serde_yaml::from_str(&record.manifest)?;
    defaults::service(&mut service);
    let spec = &mut service.spec;
    if spec.cluster_ips.is_empty() && !spec.cluster_ip.is_empty() {
        spec.cluster_ips.push(spec.cluster_ip.clone());
    }
    let errors: Vec<String> = validation::service(&service)
        .iter()
        .map(ToString::to_string)
        .collect();
    vector::compare("the errors", &record.errors.join("\n"), &errors.join("\n"))?;
    match record.defaulted {
        Some(recorded) => vector::compare_json(
            "the defaulted Service",
            &recorded,
            &json!({ "spec": service.spec }),
        ),
        None => Ok(()),
    }
}
