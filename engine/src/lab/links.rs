//! From a line of the text to what it made, and back.

use std::collections::BTreeSet;

use super::world::World;
use crate::api::{FieldPath, Kind, ObjectRef, Origin};
use crate::diagnostic::Span;
use crate::manifest::Document;

/// Where a field stands in the text.
///
/// For an object that no manifest names it is the field of the one that made it: a Pod's place is
/// its Deployment's template, a generated EndpointSlice's the Service's selector. `None` for what
/// the cluster brought along, and for what it filled in.
pub(super) fn place(world: &World, documents: &[Document], origin: &Origin) -> Option<Span> {
    let mut origin = origin;
    // A Pod, its Deployment: two steps at most, and never a circle.
    for _ in 0..4 {
        if let Some(document) = world
            .document_of(&origin.object)
            .and_then(|i| documents.get(i))
        {
            let place = document.place(&origin.field)?;
            return Some(match place.key {
                Some(key) => key.to(place.value),
                None => place.value,
            });
        }
        origin = world.made_from(&origin.object)?;
    }
    None
}

/// The objects that a line of the text made or decided about, the one written there first.
///
/// A Service's line stands for the Pods that it selects too; a Deployment's for its Pods.
pub(super) fn objects_at(world: &World, documents: &[Document], line: u32) -> Vec<ObjectRef> {
    let document = documents
        .iter()
        .enumerate()
        .find(|(_, document)| (document.span.start.line..=document.span.end.line).contains(&line));
    let Some((index, document)) = document else {
        return Vec::new();
    };
    let mut object = document.object.reference();
    if object.kind.is_namespaced() && object.namespace.is_empty() {
        object.namespace = "default".to_owned();
    }
    // The same object may be written twice; then only the last one is there.
    if world.document_of(&object) != Some(index) {
        return Vec::new();
    }
    let mut objects = vec![object.clone()];
    let mut seen: BTreeSet<ObjectRef> = BTreeSet::new();
    match object.kind {
        kind if kind.is_workload() => {
            seen.extend(
                world
                    .store
                    .pods()
                    .map(super::picture::reference)
                    .filter(|pod| {
                        world
                            .made_from(pod)
                            .is_some_and(|made| made.object == object)
                    }),
            );
        }
        Kind::Service => {
            let selector = place(
                world,
                documents,
                &Origin::new(object.clone(), FieldPath::new("spec.selector")),
            );
            let in_selector =
                selector.is_some_and(|span| (span.start.line..=span.end.line).contains(&line));
            if let (true, Some(service)) = (
                in_selector,
                world.store.service(&object.namespace, &object.name),
            ) {
                seen.extend(
                    world
                        .store
                        .pods()
                        .filter(|pod| {
                            pod.metadata.namespace == object.namespace
                                && service.spec.selector.as_ref().is_some_and(|selector| {
                                    crate::api::selector::service_selects(
                                        selector,
                                        &pod.metadata.labels,
                                    )
                                })
                        })
                        .map(super::picture::reference),
                );
            }
        }
        _ => {}
    }
    objects.extend(seen);
    objects
}
