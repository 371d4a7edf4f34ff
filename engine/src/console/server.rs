//! The lab's cluster as an API server: what kubectl asks of one, done by [`Cluster`].
//!
//! Every write goes through the cluster's registry, so defaults, allocation, refusals and what
//! controllers make of it are the cluster's own. Events are what controllers said. A dry run is done
//! on a copy that is thrown away.
//!
//! Left out: writing Events, and `status` as a subresource of its own.

use crate::api::{Kind, ObjectRef};
use crate::cluster::{Cluster, Command, Done, Recorded, StatusError};
use crate::kubectl::SERVER_VERSION;
use crate::kubectl::api::Api;
use crate::kubectl::error::Status;
use crate::kubectl::resource::Resource;
use crate::kubectl::tree::Value;
use crate::kubectl::{refused_as_undecodable, time};

/// A cluster that kubectl speaks to.
#[derive(Debug)]
pub struct Server<'a> {
    cluster: &'a mut Cluster,
    changed: bool,
}

impl<'a> Server<'a> {
    /// The API of a cluster.
    #[must_use]
    pub fn new(cluster: &'a mut Cluster) -> Self {
        Self {
            cluster,
            changed: false,
        }
    }

    /// Whether anything was written since.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.changed
    }

    /// Writes, or tries it on a copy, and gives the object as it is then.
    fn write(
        &mut self,
        dry_run: bool,
        act: impl FnOnce(&mut Cluster) -> Result<(ObjectRef, bool), StatusError>,
    ) -> Result<Value, Status> {
        let mut next = self.cluster.clone();
        let (reference, changed) = act(&mut next).map_err(|error| status(&error))?;
        let object = object(&next, &reference);
        if !dry_run {
            *self.cluster = next;
            self.changed |= changed;
        }
        Ok(object)
    }
}

impl Api for Server<'_> {
    fn now(&self) -> i64 {
        self.cluster.seconds()
    }

    fn get(
        &self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
    ) -> Result<Value, Status> {
        let missing = || Status::not_found(&resource.qualified(), name);
        let Some(kind) = kind(resource) else {
            let mut events = events(self.cluster);
            events.retain(|event| event.namespace() == namespace && event.name() == name);
            return events.pop().ok_or_else(missing);
        };
        let reference = ObjectRef::new(kind, namespace, name);
        if !self.cluster.store().contains(&reference) {
            return Err(missing());
        }
        Ok(object(self.cluster, &reference))
    }

    fn list(&self, resource: &'static Resource, namespace: Option<&str>) -> Vec<Value> {
        let wanted = |own: &str| namespace.is_none_or(|namespace| own == namespace);
        let Some(kind) = kind(resource) else {
            let mut events = events(self.cluster);
            events.retain(|event| wanted(event.namespace()));
            return events;
        };
        let names = self.cluster.store().names(kind);
        let names = names.filter(|name| wanted(&name.namespace));
        let objects = names.map(|name| object(self.cluster, name));
        objects.collect()
    }

    fn create(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        mut object: Value,
        dry_run: bool,
    ) -> Result<Value, Status> {
        if kind(resource).is_none() {
            return Err(read_only(resource));
        }
        if resource.namespaced {
            object.default_str("metadata.namespace", namespace);
        } else {
            object.remove("metadata.namespace");
        }
        object.set("apiVersion", resource.api_version().into());
        object.set("kind", resource.kind.into());
        refused_as_undecodable(resource, &object, true)?;
        let raw = object.to_node();
        self.write(dry_run, |cluster| Ok((cluster.post(&raw)?, true)))
    }

    fn update(
        &mut self,
        resource: &'static Resource,
        object: Value,
        dry_run: bool,
    ) -> Result<Value, Status> {
        let Some(kind) = kind(resource) else {
            return Err(read_only(resource));
        };
        refused_as_undecodable(resource, &object, false)?;
        let reference = ObjectRef::new(kind, object.namespace(), object.name());
        let command = Command::Replace(object.to_node());
        self.write(dry_run, |cluster| {
            let done = cluster.act(&command)?;
            Ok((reference, done != Done::Unchanged))
        })
    }

    fn delete(
        &mut self,
        resource: &'static Resource,
        (namespace, name): (&str, &str),
        grace_seconds: Option<i64>,
        dry_run: bool,
    ) -> Result<(), Status> {
        let Some(kind) = kind(resource) else {
            return Err(read_only(resource));
        };
        let target = ObjectRef::new(kind, namespace, name);
        let command = Command::Delete {
            target: target.clone(),
            grace_seconds,
        };
        self.write(dry_run, |cluster| {
            cluster.act(&command)?;
            Ok((target, true))
        })?;
        Ok(())
    }
}

/// The kind that a resource serves; `None` for Events, which are no objects of the cluster's store.
fn kind(resource: &Resource) -> Option<Kind> {
    let mut kinds = Kind::ALL.into_iter();
    kinds.find(|kind| kind.as_str() == resource.kind)
}

fn read_only(resource: &Resource) -> Status {
    let message = format!("{} are only read in the lab", resource.plural);
    Status::new("MethodNotAllowed", message)
}

/// An object whole, as the server sends it; `null` for one that is gone.
fn object(cluster: &Cluster, reference: &ObjectRef) -> Value {
    let Some(node) = cluster.get(reference) else {
        return Value::Null;
    };
    let mut object = Value::from(&node);
    if reference.kind == Kind::Node {
        // What a kubelet tells of itself; the lab's Nodes are all alike.
        for (field, text) in [
            ("kubeletVersion", SERVER_VERSION),
            ("osImage", "Debian GNU/Linux 12 (bookworm)"),
            ("kernelVersion", "6.1.0"),
            ("containerRuntimeVersion", "containerd://2.1.4"),
            ("operatingSystem", "linux"),
            ("architecture", "amd64"),
        ] {
            object.default_str(&format!("status.nodeInfo.{field}"), text);
        }
    }
    object
}

/// What controllers said, by Namespace and name, as the API keeps Events.
fn events(cluster: &Cluster) -> Vec<Value> {
    let start = cluster.settings().start;
    let all = cluster.events().iter().enumerate();
    let mut events: Vec<Value> = all
        .map(|(number, event)| self::event(cluster, start, number, event))
        .collect();
    events.sort_by_cached_key(|event| format!("{}/{}", event.namespace(), event.name()));
    events
}

fn event(cluster: &Cluster, start: i64, number: usize, event: &Recorded) -> Value {
    let about = &event.object;
    // What lives in no Namespace has its Events in `default`.
    let namespace = if about.namespace.is_empty() {
        "default"
    } else {
        &about.namespace
    };
    let seconds = i64::try_from(event.at / 1_000).unwrap_or(i64::MAX);
    let at = time::print(start.saturating_add(seconds));
    let mut value = Value::map();
    value.set("apiVersion", "v1".into());
    value.set("kind", "Event".into());
    // The API's own names end in the time; a number tells them apart as well.
    let name = format!("{}.{:016x}", about.name, number + 1);
    value.set("metadata.creationTimestamp", at.as_str().into());
    value.set("metadata.name", name.into());
    value.set("metadata.namespace", namespace.into());
    value.set("involvedObject.apiVersion", about.kind.api_version().into());
    value.set("involvedObject.kind", about.kind.as_str().into());
    value.set("involvedObject.name", about.name.as_str().into());
    if about.kind.is_namespaced() {
        value.set("involvedObject.namespace", namespace.into());
    }
    if let Some(object) = cluster.store().get(about) {
        value.set("involvedObject.uid", object.metadata().uid.as_str().into());
    }
    value.set("count", Value::int(1));
    value.set("firstTimestamp", at.as_str().into());
    value.set("lastTimestamp", at.into());
    value.set("message", event.message.as_str().into());
    value.set("reason", event.reason.as_str().into());
    value.set("source.component", event.source.into());
    value.set("reportingComponent", event.source.into());
    value.set("type", event.type_.into());
    value
}

/// A refusal of the cluster as kubectl reads it.
fn status(error: &StatusError) -> Status {
    let mut status = Status::new(error.reason.as_str(), error.message.clone());
    if error.causes.is_empty() {
        return status;
    }
    // `Service "web" is invalid: …`
    if let Some((about, _)) = error.message.split_once(" is invalid: ")
        && let Some((kind, name)) = about.split_once(' ')
    {
        status.about = Some((kind.to_owned(), name.trim_matches('"').to_owned()));
    }
    status.causes = (error.causes.iter())
        .map(|cause| {
            let (field, what) = cause
                .message
                .split_once(": ")
                .unwrap_or(("", &cause.message));
            (field.to_owned(), what.to_owned())
        })
        .collect();
    status
}
