//! `lobby endpointslices`: what the EndpointSlice controller makes of Services and Pods.

use clap::Args;
use lobby_engine::api::{EndpointSlice, Object};
use lobby_engine::controllers::endpoint_slice::{self, Memory};
use serde::Serialize;

use crate::sources::{Failure, Files, Sources};

/// What `lobby endpointslices` is given.
#[derive(Args)]
pub(crate) struct EndpointSlices {
    #[command(flatten)]
    files: Files,
}

/// A slice as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Printed {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    slice: EndpointSlice,
}

/// What the controller has to say at the end of a run.
#[derive(Serialize)]
struct Output {
    slices: Vec<Printed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<String>,
}

/// One run for each Service of the files, as YAML: all slices afterwards, its events, its errors.
pub(crate) fn run(args: &EndpointSlices) -> Result<String, Failure> {
    let objects = Sources::read(&args.files.files)?.objects()?;
    let (mut services, mut pods, mut nodes, mut slices) = (vec![], vec![], vec![], vec![]);
    for object in &objects {
        match object {
            Object::Service(service) => services.push(service),
            Object::Pod(pod) => pods.push(pod),
            Object::Node(node) => nodes.push(node),
            Object::EndpointSlice(slice) => slices.push(slice.clone()),
            _ => {}
        }
    }
    let (mut events, mut errors) = (vec![], vec![]);
    for service in services {
        let done = endpoint_slice::reconcile(service, &pods, &nodes, &slices, Memory::default());
        slices = done.slices;
        events.extend(done.events.iter().map(ToString::to_string));
        errors.extend(done.errors);
    }
    let slices = slices
        .into_iter()
        .map(|slice| Printed {
            api_version: "discovery.k8s.io/v1",
            kind: "EndpointSlice",
            slice,
        })
        .collect();
    Ok(serde_yaml::to_string(&Output {
        slices,
        events,
        errors,
    })?)
}
