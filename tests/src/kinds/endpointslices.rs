//! `endpointslices`: what one run of the EndpointSlice controller makes of a Service and its Pods.

use std::io;
use std::path::Path;

use lobby_engine::api::{Object, Service};
use lobby_engine::controllers::endpoint_slice::{self, Memory};
use serde::Deserialize;
use serde_json::Value;

use crate::objects;
use crate::vector::{self, Failure, Vector};

#[derive(Deserialize)]
struct Case {
    placement: Placement,
}

/// Which endpoint lies in which slice.
#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Placement {
    /// Always the same.
    Exact,
    /// Differs from run to run of the real controller.
    Arbitrary,
}

#[derive(Deserialize)]
struct Recorded {
    slices: Vec<Value>,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    errors: Vec<String>,
}

/// A folder each.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "endpointslices", "slices.yaml")
}

/// Reconciles once and compares.
///
/// # Errors
///
/// Where the engine differs.
pub fn check(vector: &Vector) -> Result<(), Failure> {
    let case: Case = vector.read_yaml("case.yaml")?;
    let recorded: Recorded = vector.read_yaml("slices.yaml")?;
    let (mut services, mut pods, mut nodes, mut existing) = (vec![], vec![], vec![], vec![]);
    for object in objects::read(&vector.read("input.yaml")?)? {
        match object {
            Object::Service(service) => services.push(service),
            Object::Pod(pod) => pods.push(pod),
            Object::Node(node) => nodes.push(node),
            Object::EndpointSlice(slice) => existing.push(slice),
            other => {
                return Err(Failure::new(format!(
                    "the controller does not look at {other:?}"
                )));
            }
        }
    }
    let service: &Service = match services.as_slice() {
        [service] => service,
        _ => {
            return Err(Failure::new(format!(
                "{} Services, and not one",
                services.len()
            )));
        }
    };
    let pods: Vec<_> = pods.iter().collect();
    let nodes: Vec<_> = nodes.iter().collect();
    let done = endpoint_slice::reconcile(service, &pods, &nodes, &existing, Memory::default());

    // The engine's types have no member for what every EndpointSlice has.
    let mut recorded_slices = recorded.slices;
    for slice in recorded_slices.iter_mut().filter_map(Value::as_object_mut) {
        for (member, value) in [
            ("apiVersion", "discovery.k8s.io/v1"),
            ("kind", "EndpointSlice"),
        ] {
            if slice.remove(member).is_some_and(|found| found != value) {
                return Err(Failure::new(format!(
                    "a recorded slice whose {member} is not {value}"
                )));
            }
        }
    }
    let slices = done
        .slices
        .iter()
        .map(serde_json::to_value)
        .collect::<Result<Vec<_>, _>>()?;
    let form = match case.placement {
        Placement::Exact => in_order,
        Placement::Arbitrary => what_is_certain,
    };
    vector::compare_json("the slices", &form(recorded_slices), &form(slices))?;
    let events: Vec<String> = done.events.iter().map(ToString::to_string).collect();
    vector::compare(
        "the events",
        &recorded.events.join("\n"),
        &events.join("\n"),
    )?;
    vector::compare(
        "the errors",
        &recorded.errors.join("\n"),
        &done.errors.join("\n"),
    )
}

/// The slices in the order of the records, without what the records leave out.
fn in_order(mut slices: Vec<Value>) -> Value {
    for slice in &mut slices {
        for owner in list(&mut slice["metadata"]["ownerReferences"]) {
            if let Some(owner) = owner.as_object_mut() {
                owner.remove("uid");
            }
        }
        // Pods with the network of their Node share its address: then by name.
        list(&mut slice["endpoints"]).sort_by_key(|endpoint| {
            (
                text(&endpoint["addresses"][0]),
                text(&endpoint["targetRef"]["name"]),
            )
        });
    }
    slices.sort_by_key(|slice| {
        let namespace = text(&slice["metadata"]["namespace"]);
        (
            namespace,
            text(&slice["addressType"]),
            slice["ports"].to_string(),
        )
    });
    Value::Array(slices)
}

/// What is the same in every run: how many endpoints each slice has, all endpoints, and how many
/// hints each zone gets.
fn what_is_certain(mut slices: Vec<Value>) -> Value {
    let (mut sizes, mut endpoints, mut hints) = (vec![], vec![], vec![]);
    for slice in &mut slices {
        let own = list(&mut slice["endpoints"]);
        sizes.push(own.len());
        for endpoint in own {
            let mut endpoint = endpoint.take();
            if let Some(taken) = endpoint
                .as_object_mut()
                .and_then(|endpoint| endpoint.remove("hints"))
            {
                hints.push(taken.to_string());
            }
            endpoints.push(endpoint);
        }
    }
    sizes.sort_unstable();
    endpoints.sort_by_key(Value::to_string);
    hints.sort();
    serde_json::json!({ "sizes": sizes, "endpoints": endpoints, "hints": hints })
}

/// The items of a list; none if it is not there.
fn list(value: &mut Value) -> &mut [Value] {
    value
        .as_array_mut()
        .map(Vec::as_mut_slice)
        .unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
