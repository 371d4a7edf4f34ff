//! Taking in what is there already: a person's text, or a real cluster's dump.
//!
//! What a server wrote is kept as the truth: its addresses, ports, slices and statuses. Nothing is
//! allocated over it, and it *rests*: no controller acts on it until somebody changes it, or changes
//! what it was made from. So a dump that holds a part of a cluster only stays what it is.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::error::StatusError;
use super::settings::Settings;
use super::state::State;
use crate::api::{
    Kind, Node, NodeCondition, Object, ObjectMeta, ObjectRef, Pod, ReplicaSet, defaults,
};
use crate::controllers::workload::{self, POD_TEMPLATE_HASH, controller_of, controller_ref};
use crate::yaml;

/// Whether a server wrote an object, as in a dump.
#[must_use]
pub fn is_recorded(object: &Object) -> bool {
    let metadata = object.metadata();
    let has_status = match object {
        Object::Pod(pod) => !pod.status.phase.is_empty() || !pod.status.pod_ip.is_empty(),
        _ => false,
    };
    !metadata.uid.is_empty()
        || !metadata.resource_version.is_empty()
        || metadata.creation_timestamp.is_some()
        || has_status
}

impl State {
    /// Takes an object in. One of this name that is there already is replaced.
    pub(super) fn load(
        &mut self,
        given: &Rc<Object>,
        raw: &yaml::Node,
        settings: &Settings,
    ) -> Result<ObjectRef, StatusError> {
        let mut object = Object::clone(given);
        let has_name = !object.metadata().name.is_empty();
        self.name(&mut object, settings);
        let reference = object.reference();
        if let Some(Object::Service(old)) = self.store.get(&reference) {
            Rc::make_mut(&mut self.allocators).release(old);
        }
        if !is_recorded(&object) {
            // A person's Node registers by itself.
            if let Object::Node(node) = &mut object {
                register(node);
            }
            return self.admit(object, Some(raw.clone()), settings);
        }
        let read = if has_name {
            Rc::clone(given)
        } else {
            Rc::new(object.clone())
        };
        defaults::object(&mut object);
        if let Object::Service(service) = &object {
            Rc::make_mut(&mut self.allocators).hold(service);
        }
        let had_version = !object.metadata().resource_version.is_empty();
        self.stamp(&mut object, settings);
        if *read == object && had_version {
            self.store.share(Rc::clone(&read));
            self.touch(reference.kind, settings);
        } else if had_version {
            self.store.put(object);
            self.touch(reference.kind, settings);
        } else {
            self.put(object, settings);
        }
        let mut raw = raw.clone();
        super::tree::remove(&mut raw, &["metadata", "managedFields"]);
        self.remember(&reference, raw, read);
        Rc::make_mut(&mut self.resting).insert(reference.clone());
        Ok(reference)
    }

    /// After everything was taken in: what a dump left out and the rest depends on is filled in.
    pub(super) fn finish_load(&mut self, settings: &Settings) {
        if self.resting.is_empty() {
            return;
        }
        self.missing_replica_sets(settings);
        let store = self.store.clone();
        // A workload without any Pod is a wish only.
        let mut pods: BTreeMap<ObjectRef, usize> = BTreeMap::new();
        for pod in store.pods() {
            let mut owner = controller_ref(&pod.metadata);
            for _ in 0..2 {
                let Some(reference) = owner else { break };
                *pods.entry(reference.clone()).or_default() += 1;
                owner = store
                    .get(&reference)
                    .and_then(|own| controller_ref(own.metadata()));
            }
        }
        let is_a_wish = |reference: &ObjectRef| match reference.kind {
            Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet => {
                !pods.contains_key(reference)
            }
            Kind::Service => !self.is_listed(reference),
            _ => false,
        };
        let awake: Vec<ObjectRef> = self
            .resting
            .iter()
            .filter(|r| is_a_wish(r))
            .cloned()
            .collect();
        for reference in awake {
            self.rouse(reference);
        }
    }

    /// A dump of Deployments and Pods without the ReplicaSets between them.
    fn missing_replica_sets(&mut self, settings: &Settings) {
        let store = self.store.clone();
        let mut missing: BTreeMap<ObjectRef, Vec<&Pod>> = BTreeMap::new();
        for pod in store.pods() {
            let owner = controller_ref(&pod.metadata);
            if let Some(owner) = owner.filter(|owner| owner.kind == Kind::ReplicaSet)
                && !store.contains(&owner)
            {
                missing.entry(owner).or_default().push(pod);
            }
        }
        for (reference, pods) in missing {
            let name = reference.name.rsplit_once('-').map_or("", |(name, _)| name);
            let Some(of) = store.deployment(&reference.namespace, name) else {
                continue;
            };
            let mut set = ReplicaSet {
                metadata: ObjectMeta {
                    name: reference.name.clone(),
                    namespace: reference.namespace.clone(),
                    owner_references: vec![workload::owner(Kind::Deployment, &of.metadata)],
                    ..ObjectMeta::default()
                },
                ..ReplicaSet::default()
            };
            set.spec.replicas = i32::try_from(pods.len()).ok();
            set.spec.selector = of.spec.selector.clone();
            set.spec.template = of.spec.template.clone();
            if let Some(pod) = pods.first() {
                if let Some(owner) = controller_of(&pod.metadata) {
                    set.metadata.uid.clone_from(&owner.uid);
                }
                if let Some(hash) = pod.metadata.labels.get(POD_TEMPLATE_HASH) {
                    let label = (POD_TEMPLATE_HASH.to_owned(), hash.clone());
                    set.spec.selector.match_labels.extend([label.clone()]);
                    set.spec.template.metadata.labels.extend([label]);
                }
            }
            set.metadata.labels = set.spec.template.metadata.labels.clone();
            let of = ObjectRef::new(Kind::Deployment, &*reference.namespace, name);
            let mut object = Object::ReplicaSet(set);
            self.stamp(&mut object, settings);
            let raw = self.tree_of_replica_set(&object, &of);
            let read = Rc::new(object.clone());
            self.put(object, settings);
            self.remember(&reference, raw, read);
            Rc::make_mut(&mut self.resting).insert(reference);
        }
    }

    /// Somebody changes an object: it rests no more, nor what it was made from or is listed by.
    pub(super) fn wake(&mut self, reference: &ObjectRef) {
        if self.resting.is_empty() {
            return;
        }
        let store = self.store.clone();
        let mut awake = vec![reference.clone()];
        let Some(object) = store.get(reference) else {
            return;
        };
        let mut owner = controller_ref(object.metadata());
        while let Some(next) = owner {
            owner = store
                .get(&next)
                .and_then(|own| controller_ref(own.metadata()));
            awake.push(next);
        }
        let namespace = &reference.namespace;
        let labels = match object {
            Object::Pod(pod) => Some(&pod.metadata.labels),
            Object::Deployment(own) => Some(&own.spec.template.metadata.labels),
            Object::ReplicaSet(own) => Some(&own.spec.template.metadata.labels),
            Object::StatefulSet(own) => Some(&own.spec.template.metadata.labels),
            Object::DaemonSet(own) => Some(&own.spec.template.metadata.labels),
            _ => None,
        };
        if let Some(labels) = labels {
            for service in store
                .services()
                .filter(|own| own.metadata.namespace == *namespace)
            {
                let selector = service.spec.selector.as_ref();
                let selects = |selector| crate::api::selector::service_selects(selector, labels);
                if selector.is_some_and(selects) {
                    awake.push(ObjectRef::new(
                        Kind::Service,
                        &**namespace,
                        &*service.metadata.name,
                    ));
                }
            }
        }
        if reference.kind.is_workload() {
            // What a Deployment made acts with it.
            for set in store.replica_sets() {
                if workload::is_owned_by(&set.metadata, reference.kind, object.metadata()) {
                    awake.push(ObjectRef::new(
                        Kind::ReplicaSet,
                        &**namespace,
                        &*set.metadata.name,
                    ));
                }
            }
        }
        for reference in awake {
            self.rouse(reference);
        }
    }

    fn rouse(&mut self, reference: ObjectRef) {
        Rc::make_mut(&mut self.resting).remove(&reference);
        if reference.kind == Kind::Service {
            Rc::make_mut(&mut self.unseen).insert(reference);
        }
    }
}

/// A Node that says nothing of its health is well.
fn register(node: &mut Node) {
    let conditions = &mut node.status.conditions;
    if !conditions.iter().any(|known| known.type_ == "Ready") {
        conditions.push(NodeCondition {
            type_: "Ready".to_owned(),
            status: "True".to_owned(),
        });
    }
    let labels = &mut node.metadata.labels;
    let hostname = node.metadata.name.clone();
    labels
        .entry("kubernetes.io/hostname".to_owned())
        .or_insert(hostname);
}
