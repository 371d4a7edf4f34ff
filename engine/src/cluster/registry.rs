//! Create, update, delete: what the API server does with one object.
//!
//! Source: Kubernetes v1.30.5 `staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go`
//! and the strategies under `pkg/registry`: defaults, allocation, status, validation, storage, and
//! giving everything back when one of them refuses.
//!
//! Left out: admission (quotas, ServiceAccounts of Pods), and dry runs by the server.

use std::rc::Rc;

use super::error::{Reason, StatusError};
use super::settings::Settings;
use super::state::{Event, State};
use super::{fill, tree};
use crate::api::{Kind, Object, ObjectRef, Service, defaults, validation};
use crate::controllers::{clock, load_balancer};
use crate::manifest;
use crate::random;
use crate::yaml::Node;

/// The finalizer by which a Namespace stays until it is empty. Not in `metadata`, as in Kubernetes.
const FOREGROUND: &str = "foregroundDeletion";

impl State {
    /// Reads a tree as an object: kind, version, fields.
    pub(super) fn decode(raw: &Node) -> Result<Object, StatusError> {
        let kind = tree::text(raw, &["kind"]);
        let version = tree::text(raw, &["apiVersion"]);
        let known = Kind::ALL
            .into_iter()
            .find(|known| known.as_str() == kind && known.api_version() == version);
        let Some(known) = known else {
            return Err(StatusError::new(
                Reason::BadRequest,
                format!("no matches for kind \"{kind}\" in version \"{version}\""),
            ));
        };
        let mut object = manifest::decode(raw, known)
            .map_err(|error| StatusError::new(Reason::BadRequest, error.message))?;
        let metadata = object.metadata_mut();
        if known.is_namespaced() && metadata.namespace.is_empty() {
            "default".clone_into(&mut metadata.namespace);
        }
        Ok(object)
    }

    /// POST: a new object of a person or a controller.
    pub(super) fn create(
        &mut self,
        mut object: Object,
        raw: Option<Node>,
        settings: &Settings,
    ) -> Result<ObjectRef, StatusError> {
        if !object.metadata().resource_version.is_empty() {
            return Err(StatusError::new(
                Reason::BadRequest,
                "resourceVersion should not be set on objects to be created",
            ));
        }
        let metadata = object.metadata();
        if object.kind().is_namespaced() {
            let namespace = ObjectRef::new(Kind::Namespace, "", &metadata.namespace);
            match self.store.get(&namespace) {
                None => return Err(StatusError::not_found(&namespace)),
                Some(found) if found.metadata().deletion_timestamp.is_some() => {
                    return Err(StatusError::new(
                        Reason::Forbidden,
                        format!(
                            "{} \"{}\" is forbidden: unable to create new content in namespace \
                             {} because it is being terminated",
                            object.kind().plural(),
                            metadata.name,
                            metadata.namespace
                        ),
                    ));
                }
                Some(_) => {}
            }
        }
        self.name(&mut object, settings);
        let reference = object.reference();
        if self.store.contains(&reference) {
            return Err(StatusError::already_exists(&reference));
        }
        clean(&mut object);
        self.admit(object, raw, settings)
    }

    /// The rest of a POST, and of loading what a person wrote: defaults, allocation, validation,
    /// storage.
    pub(super) fn admit(
        &mut self,
        mut object: Object,
        raw: Option<Node>,
        settings: &Settings,
    ) -> Result<ObjectRef, StatusError> {
        let reference = object.reference();
        let read = Rc::new(object.clone());
        defaults::object(&mut object);
        if let Object::Service(service) = &mut object {
            // Validated first without what is drawn for it: what is wrong with the content is told
            // before what cannot be had.
            let errors = validation::service(&as_validated(service));
            if !errors.is_empty() {
                let name = &reference.name;
                return Err(StatusError::invalid(reference.kind, name, &errors));
            }
            Rc::make_mut(&mut self.allocators)
                .create(service)
                .map_err(|error| StatusError::not_allocated(&reference.name, &error))?;
        }
        let errors = validation::object(&object);
        if !errors.is_empty() {
            if let Object::Service(service) = &object {
                Rc::make_mut(&mut self.allocators).release(service);
            }
            let name = &reference.name;
            return Err(StatusError::invalid(reference.kind, name, &errors));
        }
        if let Object::Pod(pod) = &mut object
            && pod.status.phase.is_empty()
        {
            "Pending".clone_into(&mut pod.status.phase);
        }
        self.stamp(&mut object, settings);
        self.put(object, settings);
        if let Some(mut raw) = raw {
            forget_server_fields(&mut raw);
            fill::tree(&mut raw, reference.kind);
            self.remember(&reference, raw, read);
        }
        Ok(reference)
    }

    /// A name for an object that has a prefix only.
    pub(super) fn name(&self, object: &mut Object, settings: &Settings) {
        let kind = object.kind();
        let metadata = object.metadata_mut();
        if !metadata.name.is_empty() || metadata.generate_name.is_empty() {
            return;
        }
        let prefix = metadata.generate_name.clone();
        let key = format!("{kind} {}/{prefix} {}", metadata.namespace, self.now);
        let mut rng = random::keyed(settings.seed, &key);
        // The server tries again when the name is taken; 27^5 names are enough for ever.
        loop {
            let name = format!("{prefix}{}", random::name_suffix(&mut rng, 5));
            let reference = ObjectRef::new(kind, &*metadata.namespace, &*name);
            metadata.name = name;
            if !self.store.contains(&reference) {
                return;
            }
        }
    }

    /// PUT or PATCH: an object in the place of one that is there. Gives whether anything changed.
    pub(super) fn update(
        &mut self,
        mut new: Object,
        raw: Node,
        settings: &Settings,
    ) -> Result<bool, StatusError> {
        let reference = new.reference();
        let Some(old) = self.store.shared(&reference).cloned() else {
            return Err(StatusError::not_found(&reference));
        };
        let version = &new.metadata().resource_version;
        if !version.is_empty() && *version != old.metadata().resource_version {
            return Err(StatusError::conflict(&reference));
        }
        clean(&mut new);
        let read = Rc::new(new.clone());
        keep_server_fields(&mut new, &old);
        defaults::object(&mut new);
        let mut allocators = Rc::clone(&self.allocators);
        if let (Object::Service(new), Object::Service(old)) = (&mut new, &*old) {
            let all = Rc::make_mut(&mut allocators);
            all.update(old, new)
                .map_err(|error| StatusError::not_allocated(&reference.name, &error))?;
            all.give_back(old, new);
        }
        let errors = validation::update(&new, &old);
        if !errors.is_empty() {
            let name = &reference.name;
            return Err(StatusError::invalid(reference.kind, name, &errors));
        }
        self.allocators = allocators;
        let metadata = new.metadata();
        let is_last = metadata.finalizers.is_empty()
            && metadata.deletion_timestamp.is_some()
            && !matches!(reference.kind, Kind::Pod | Kind::Namespace);
        if is_last {
            self.remove(&reference, settings);
            return Ok(true);
        }
        let before = self.tree(&reference);
        let is_same_typed = new == *old;
        self.put(new, settings);
        let mut raw = raw;
        forget_server_fields(&mut raw);
        fill::tree(&mut raw, reference.kind);
        self.remember(&reference, raw, read);
        let after = self.tree(&reference);
        if before == after {
            return Ok(false);
        }
        // `generation` counts changes of what is wished, in fields too that no type of the engine
        // has. Any change is another version.
        let spec = |tree: &Option<Node>| tree.as_ref().and_then(|t| t.get("spec")).cloned();
        let is_other_spec = reference.kind.is_workload() && spec(&before) != spec(&after);
        if (is_other_spec || is_same_typed)
            && let Some(mut object) = self.store.get(&reference).cloned()
        {
            let metadata = object.metadata_mut();
            if is_other_spec {
                metadata.generation = Some(metadata.generation.unwrap_or(1) + 1);
            }
            metadata.resource_version.clear();
            self.put(object, settings);
        }
        Ok(true)
    }

    /// DELETE: at once, or when its time is over.
    pub(super) fn delete(
        &mut self,
        reference: &ObjectRef,
        grace_seconds: Option<i64>,
        settings: &Settings,
    ) -> Result<(), StatusError> {
        let Some(object) = self.store.get(reference) else {
            return Err(StatusError::not_found(reference));
        };
        let protected = ["default", "kube-system", "kube-public"];
        if reference.kind == Kind::Namespace && protected.contains(&reference.name.as_str()) {
            return Err(StatusError::new(
                Reason::Forbidden,
                format!(
                    "namespaces \"{}\" is forbidden: this namespace may not be deleted",
                    reference.name
                ),
            ));
        }
        let mut object = object.clone();
        let waits = match &object {
            Object::Pod(pod) => {
                let own = pod.spec.termination_grace_period_seconds.unwrap_or(30);
                let grace = grace_seconds.unwrap_or(own).max(0);
                let is_over = matches!(pod.status.phase.as_str(), "Succeeded" | "Failed");
                (!pod.spec.node_name.is_empty() && grace > 0 && !is_over).then_some(grace)
            }
            Object::Namespace(_) => Some(0),
            other => {
                let holds = other.metadata().finalizers.iter();
                let mut holds = holds.filter(|name| name.as_str() != FOREGROUND);
                holds.next().map(|_| 0)
            }
        };
        let Some(grace) = waits else {
            self.remove(reference, settings);
            return Ok(());
        };
        let end = self.seconds(settings).saturating_add(grace);
        let metadata = object.metadata_mut();
        let is_shorter = metadata
            .deletion_grace_period_seconds
            .is_none_or(|before| grace < before);
        if metadata.deletion_timestamp.is_none() || is_shorter {
            metadata.deletion_timestamp = Some(clock::rfc3339(end));
            metadata.deletion_grace_period_seconds = Some(grace);
        }
        let uid = metadata.uid.clone();
        match &object {
            Object::Pod(pod) if !self.stopped.contains(&pod.spec.node_name) => {
                let most = u64::try_from(grace).unwrap_or(0).saturating_mul(1_000);
                let after = settings.timing.stop.min(most);
                self.plan(Event::Stopped(reference.clone(), uid), after);
            }
            Object::Service(service)
                if service
                    .metadata
                    .finalizers
                    .iter()
                    .any(|name| name == load_balancer::FINALIZER) =>
            {
                let event = Event::LoadBalancer(reference.clone(), uid);
                self.plan(event, self.provider.delay());
            }
            _ => {}
        }
        self.put(object, settings);
        Ok(())
    }
}

/// A Service as it is when the API server validates it, which is after it allocated: the two
/// spellings of the cluster IP agree, and a load balancer that needs a port for its health check
/// has one.
fn as_validated(service: &Service) -> Service {
    let mut service = service.clone();
    let spec = &mut service.spec;
    if spec.cluster_ips.is_empty() && !spec.cluster_ip.is_empty() {
        spec.cluster_ips = vec![spec.cluster_ip.clone()];
    }
    if spec.type_ == "LoadBalancer"
        && spec.external_traffic_policy == "Local"
        && spec.health_check_node_port == 0
    {
        spec.health_check_node_port = 30_000;
    }
    service
}

/// What the server writes, taken out of what a person sends.
fn clean(object: &mut Object) {
    clear_status(object);
    let metadata = object.metadata_mut();
    metadata.uid.clear();
    metadata.resource_version.clear();
    metadata.creation_timestamp = None;
    metadata.deletion_timestamp = None;
    metadata.deletion_grace_period_seconds = None;
    metadata.generation = None;
}

/// What the server wrote, put back.
fn keep_server_fields(new: &mut Object, old: &Object) {
    keep_status(new, old);
    let (was, metadata) = (old.metadata(), new.metadata_mut());
    metadata.uid.clone_from(&was.uid);
    metadata.resource_version.clone_from(&was.resource_version);
    metadata
        .creation_timestamp
        .clone_from(&was.creation_timestamp);
    metadata
        .deletion_timestamp
        .clone_from(&was.deletion_timestamp);
    metadata.deletion_grace_period_seconds = was.deletion_grace_period_seconds;
    metadata.generation = was.generation;
}

/// A new object has no status yet, whatever its author says.
fn clear_status(object: &mut Object) {
    match object {
        Object::Pod(pod) => pod.status = crate::api::PodStatus::default(),
        Object::Service(service) => service.status = crate::api::ServiceStatus::default(),
        Object::Deployment(own) => own.status = crate::api::DeploymentStatus::default(),
        Object::ReplicaSet(own) => own.status = crate::api::ReplicaSetStatus::default(),
        Object::StatefulSet(own) => own.status = crate::api::StatefulSetStatus::default(),
        Object::DaemonSet(own) => own.status = crate::api::DaemonSetStatus::default(),
        _ => {}
    }
}

/// A changed object keeps its status: it is written by another way.
fn keep_status(new: &mut Object, old: &Object) {
    match (new, old) {
        (Object::Pod(new), Object::Pod(old)) => new.status.clone_from(&old.status),
        (Object::Node(new), Object::Node(old)) => new.status.clone_from(&old.status),
        (Object::Service(new), Object::Service(old)) => {
            if new.spec.type_ == "LoadBalancer" {
                new.status.clone_from(&old.status);
            } else {
                new.status = crate::api::ServiceStatus::default();
            }
        }
        (Object::Deployment(new), Object::Deployment(old)) => new.status.clone_from(&old.status),
        (Object::ReplicaSet(new), Object::ReplicaSet(old)) => new.status.clone_from(&old.status),
        (Object::StatefulSet(new), Object::StatefulSet(old)) => new.status.clone_from(&old.status),
        (Object::DaemonSet(new), Object::DaemonSet(old)) => new.status.clone_from(&old.status),
        _ => {}
    }
}

/// What the server writes itself is the type's to say, and not what was written.
fn forget_server_fields(raw: &mut Node) {
    tree::remove(raw, &["status"]);
    for field in [
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "selfLink",
    ] {
        tree::remove(raw, &["metadata", field]);
    }
}
