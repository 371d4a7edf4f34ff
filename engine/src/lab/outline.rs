//! The list of what a person wrote, beside the text.

use serde::{Deserialize, Serialize};

use super::picture;
use super::scene::DeskType;
use super::world::World;
use crate::api::{Kind, Object, ObjectRef};
use crate::diagnostic::Span;
use crate::manifest::Document;

/// One object of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutlineEntry {
    /// The object.
    pub object: ObjectRef,
    /// What it is: `NodePort`, `Deployment · 3 Pods`, `Pod`.
    pub detail: String,
    /// The shape of a Service's type.
    pub type_: Option<DeskType>,
    /// Where its document stands.
    pub span: Span,
    /// Whether it is there; `false` for what the API server refused.
    pub applied: bool,
}

/// The objects in the order of the text.
pub(super) fn outline(world: &World, documents: &[Document]) -> Vec<OutlineEntry> {
    documents
        .iter()
        .map(|document| {
            let mut object = document.object.reference();
            if object.kind.is_namespaced() && object.namespace.is_empty() {
                object.namespace = "default".to_owned();
            }
            let stored = world.store.get(&object);
            let (detail, type_) = match stored.unwrap_or(&document.object) {
                Object::Service(service) => {
                    let type_ = picture::desk_type(service);
                    (type_.as_str().to_owned(), Some(type_))
                }
                Object::Deployment(own) => (workload(object.kind, own.status.replicas), None),
                Object::ReplicaSet(own) => (workload(object.kind, own.status.replicas), None),
                Object::StatefulSet(own) => (workload(object.kind, own.status.replicas), None),
                Object::DaemonSet(own) => {
                    let pods = own.status.current_number_scheduled;
                    (workload(object.kind, pods), None)
                }
                other => (other.kind().to_string(), None),
            };
            OutlineEntry {
                applied: stored.is_some(),
                object,
                detail,
                type_,
                span: document.span,
            }
        })
        .collect()
}

/// A workload and how many Pods it has.
fn workload(kind: Kind, pods: i32) -> String {
    let word = if pods == 1 { "Pod" } else { "Pods" };
    format!("{kind} · {pods} {word}")
}
