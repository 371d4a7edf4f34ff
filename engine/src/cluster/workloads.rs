//! The pass of the controllers that make Pods, and of the garbage collector.
//!
//! Every pass looks at everything and changes what is not as it should be; when it finds nothing, it
//! plans nothing. Objects that rest (see `load`) are not looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::settings::Settings;
use super::state::{Event, State};
use super::{fill, tree};
use crate::api::{
    DaemonSet, Deployment, Kind, Node, Object, ObjectRef, Pod, ReplicaSet, StatefulSet,
};
use crate::controllers::workload::{
    PodChange, controller_of, controller_ref, is_active, is_orphan_of, is_owned_by, owner,
    template_hash,
};
use crate::controllers::{daemon_set, deployment, replica_set, stateful_set};
use crate::limits::MAX_OBJECTS;
use crate::yaml::Node as Tree;

impl State {
    /// One pass.
    pub(super) fn run_workloads(&mut self, settings: &Settings) {
        self.collect_garbage(settings);
        self.adopt(settings);
        let store = self.store.clone();
        let pods = by_owner(&store);
        let mut sets: BTreeMap<ObjectRef, Vec<&ReplicaSet>> = BTreeMap::new();
        for set in store.replica_sets() {
            if let Some(owner) = controller_ref(&set.metadata) {
                sets.entry(owner).or_default().push(set);
            }
        }
        for own in store.deployments() {
            let reference = ObjectRef::new(
                Kind::Deployment,
                &*own.metadata.namespace,
                &*own.metadata.name,
            );
            if !self.resting.contains(&reference) && own.metadata.deletion_timestamp.is_none() {
                let sets = sets.get(&reference).map_or(&[][..], Vec::as_slice);
                self.run_deployment(own, &reference, sets, &pods, settings);
            }
        }
        for own in store.replica_sets() {
            self.run_replica_set(own, &pods, settings);
        }
        for own in store.stateful_sets() {
            self.run_stateful_set(own, &pods, settings);
        }
        let nodes: Vec<&Node> = store.nodes().collect();
        for own in store.daemon_sets() {
            self.run_daemon_set(own, &pods, &nodes, settings);
        }
    }

    /// Deletes what is owned by an object that is gone, and Namespaces that are empty.
    fn collect_garbage(&mut self, settings: &Settings) {
        let store = self.store.clone();
        for object in store.iter() {
            let metadata = object.metadata();
            let Some(owner) = controller_of(metadata) else {
                continue;
            };
            // Owners of kinds that are not modelled are taken on trust.
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| kind.as_str() == owner.kind);
            let Some(kind) = kind else { continue };
            let namespace = if kind.is_namespaced() {
                metadata.namespace.as_str()
            } else {
                ""
            };
            let reference = ObjectRef::new(kind, namespace, &*owner.name);
            let is_there = store
                .get(&reference)
                .is_some_and(|found| found.metadata().uid == owner.uid);
            let own = object.reference();
            if !is_there && !self.resting.contains(&own) && metadata.deletion_timestamp.is_none() {
                // It is there: the list was made a moment ago.
                let _ = self.delete(&own, None, settings);
            }
        }
        for namespace in store.namespaces() {
            if namespace.metadata.deletion_timestamp.is_none() {
                continue;
            }
            let name = &namespace.metadata.name;
            let mut is_empty = true;
            for object in store
                .iter()
                .filter(|object| object.metadata().namespace == *name)
            {
                is_empty = false;
                if object.metadata().deletion_timestamp.is_none() {
                    let _ = self.delete(&object.reference(), None, settings);
                }
            }
            if is_empty {
                self.remove(&ObjectRef::new(Kind::Namespace, "", &**name), settings);
            } else {
                self.plan(Event::Workloads, settings.timing.controller);
            }
        }
    }

    /// Workloads take on Pods and ReplicaSets that nobody owns and that their selectors mean.
    fn adopt(&mut self, settings: &Settings) {
        let store = self.store.clone();
        let mut orphans: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
        for object in store
            .of_kind(Kind::Pod)
            .chain(store.of_kind(Kind::ReplicaSet))
        {
            if controller_of(object.metadata()).is_none() {
                let namespace = object.metadata().namespace.as_str();
                orphans.entry(namespace).or_default().push(object);
            }
        }
        if orphans.is_empty() {
            return;
        }
        let mut taken: BTreeSet<ObjectRef> = BTreeSet::new();
        let kinds = [
            Kind::Deployment,
            Kind::ReplicaSet,
            Kind::StatefulSet,
            Kind::DaemonSet,
        ];
        for workload in kinds.into_iter().flat_map(|kind| store.of_kind(kind)) {
            let (wanted, selector) = match workload {
                Object::Deployment(own) => (Kind::ReplicaSet, &own.spec.selector),
                Object::ReplicaSet(own) => (Kind::Pod, &own.spec.selector),
                Object::StatefulSet(own) => (Kind::Pod, &own.spec.selector),
                Object::DaemonSet(own) => (Kind::Pod, &own.spec.selector),
                _ => continue,
            };
            let metadata = workload.metadata();
            let Some(orphans) = orphans.get(metadata.namespace.as_str()) else {
                continue;
            };
            if self.resting.contains(&workload.reference()) {
                continue;
            }
            for orphan in orphans.iter().filter(|orphan| orphan.kind() == wanted) {
                let reference = orphan.reference();
                if is_orphan_of(orphan.metadata(), selector, metadata) && taken.insert(reference) {
                    let mut object = (*orphan).clone();
                    let owner = owner(workload.kind(), metadata);
                    object.metadata_mut().owner_references.push(owner);
                    self.put(object, settings);
                }
            }
        }
    }

    fn run_deployment(
        &mut self,
        own: &Deployment,
        reference: &ObjectRef,
        sets: &[&ReplicaSet],
        pods: &ByOwner<'_>,
        settings: &Settings,
    ) {
        let is_own =
            |set: &&ReplicaSet| is_owned_by(&set.metadata, Kind::Deployment, &own.metadata);
        let sets: Vec<&ReplicaSet> = sets.iter().copied().filter(is_own).collect();
        let newest = sets
            .iter()
            .map(|set| deployment::revision(&set.metadata))
            .max();
        let new = self.present(own, reference, &sets);
        let new = match new {
            Some(new) => new.clone(),
            None if own.spec.paused => return,
            None => {
                let revision = newest.unwrap_or(0) + 1;
                let made = self.new_replica_set(own, reference, revision, settings);
                let Some(made) = made else { return };
                made
            }
        };
        let old: Vec<&ReplicaSet> = sets
            .iter()
            .copied()
            .filter(|set| set.metadata.name != new.metadata.name)
            .collect();
        let has_old_pods = old.iter().any(|set| {
            let namespace = &*set.metadata.namespace;
            let reference = ObjectRef::new(Kind::ReplicaSet, namespace, &*set.metadata.name);
            let is_over = |pod: &Pod| matches!(pod.status.phase.as_str(), "Succeeded" | "Failed");
            pods.get(&reference)
                .is_some_and(|pods| pods.iter().any(|pod| !is_over(pod)))
        });

        let revision = deployment::revision(&new.metadata).max(newest.unwrap_or(0));
        let is_back = deployment::revision(&new.metadata) < newest.unwrap_or(0);
        let revision = if is_back { revision + 1 } else { revision };
        let (new_next, old_next) = if own.spec.paused {
            let keep = |set: &ReplicaSet| set.spec.replicas.unwrap_or(1);
            (keep(&new), old.iter().map(|set| keep(set)).collect())
        } else {
            deployment::replicas(own, &new, &old, has_old_pods)
        };
        self.scale(reference, &new, new_next, Some(revision), settings);
        for (set, next) in old.iter().zip(old_next) {
            self.scale(reference, set, next, None, settings);
        }
        self.forget_old(own, &old, settings);

        let mut changed = own.clone();
        let annotations = &mut changed.metadata.annotations;
        annotations.insert(deployment::REVISION.to_owned(), revision.to_string());
        changed.status = deployment::status(own, &new, &old);
        self.put(Object::Deployment(changed), settings);
    }

    /// The ReplicaSet of a Deployment's present template.
    fn present<'s>(
        &self,
        own: &Deployment,
        reference: &ObjectRef,
        sets: &[&'s ReplicaSet],
    ) -> Option<&'s ReplicaSet> {
        let mut alike: Vec<&ReplicaSet> = sets
            .iter()
            .copied()
            .filter(|set| deployment::is_of_template(set, &own.spec.template))
            .collect();
        alike.sort_by_key(|set| deployment::revision(&set.metadata));
        // Nothing was written since the controller last looked: the newest it is.
        if own.metadata.generation == own.status.observed_generation {
            return alike.pop();
        }
        // Else fields count too that no type of the engine has.
        let template = |reference: &ObjectRef| {
            let whole = self.tree(reference)?;
            let mut template = tree::get(&whole, &["spec", "template"])?.clone();
            let label = crate::controllers::workload::POD_TEMPLATE_HASH;
            tree::remove(&mut template, &["metadata", "labels", label]);
            tree::remove(&mut template, &["metadata", "creationTimestamp"]);
            Some(template)
        };
        let wanted = template(reference);
        alike.into_iter().rev().find(|set| {
            let namespace = &*set.metadata.namespace;
            let reference = ObjectRef::new(Kind::ReplicaSet, namespace, &*set.metadata.name);
            template(&reference) == wanted
        })
    }

    fn new_replica_set(
        &mut self,
        own: &Deployment,
        reference: &ObjectRef,
        revision: u64,
        settings: &Settings,
    ) -> Option<ReplicaSet> {
        // Fields count too that no type of the engine has.
        let whole = self.tree(reference)?;
        let mut template = tree::get(&whole, &["spec", "template"])?.clone();
        tree::remove(&mut template, &["metadata", "creationTimestamp"]);
        let hash = |collisions| template_hash(&template, collisions);
        let mut collisions = 0;
        let mut set = deployment::new_replica_set(own, revision, &hash(collisions));
        let free = |set: &ReplicaSet| {
            let name = ObjectRef::new(
                Kind::ReplicaSet,
                &*set.metadata.namespace,
                &*set.metadata.name,
            );
            !self.store.contains(&name)
        };
        while !free(&set) {
            collisions += 1;
            set = deployment::new_replica_set(own, revision, &hash(collisions));
        }
        let object = Object::ReplicaSet(set);
        let raw = self.tree_of_replica_set(&object, reference);
        let made = self.admit(object, Some(raw), settings).ok()?;
        match self.store.get(&made)? {
            Object::ReplicaSet(set) => Some(set.clone()),
            _ => None,
        }
    }

    /// The whole tree of a ReplicaSet: its template is the Deployment's with the fields that no type
    /// has.
    pub(super) fn tree_of_replica_set(&self, object: &Object, deployment: &ObjectRef) -> Tree {
        let mut raw = super::state::to_tree(object);
        tree::set(&mut raw, &["apiVersion"], "apps/v1".into());
        let whole = self.tree(deployment);
        let template = whole
            .as_ref()
            .and_then(|whole| tree::get(whole, &["spec", "template"]));
        let labels = tree::get(&raw, &["spec", "template", "metadata", "labels"]).cloned();
        if let (Some(template), Some(labels)) = (template, labels) {
            let mut template = template.clone();
            tree::set(&mut template, &["metadata", "labels"], labels);
            tree::set(&mut raw, &["spec", "template"], template);
        }
        raw
    }

    fn scale(
        &mut self,
        by: &ObjectRef,
        set: &ReplicaSet,
        replicas: i32,
        revision: Option<u64>,
        settings: &Settings,
    ) {
        let mut changed = set.clone();
        let before = set.spec.replicas.unwrap_or(1);
        if before != replicas {
            changed.spec.replicas = Some(replicas);
            changed.metadata.generation = Some(changed.metadata.generation.unwrap_or(1) + 1);
            let direction = if replicas > before { "up" } else { "down" };
            let message = format!(
                "Scaled {direction} replica set {} to {replicas} from {before}",
                set.metadata.name
            );
            self.record(
                by.clone(),
                "deployment-controller",
                "Normal",
                "ScalingReplicaSet",
                message,
            );
        }
        if let Some(revision) = revision {
            let annotations = &mut changed.metadata.annotations;
            annotations.insert(deployment::REVISION.to_owned(), revision.to_string());
        }
        self.put(Object::ReplicaSet(changed), settings);
    }

    /// Takes away the oldest ReplicaSets that have no Pods, beyond the number that is kept.
    fn forget_old(&mut self, own: &Deployment, old: &[&ReplicaSet], settings: &Settings) {
        let limit = own.spec.revision_history_limit.unwrap_or(10);
        let mut idle: Vec<&ReplicaSet> = old
            .iter()
            .copied()
            .filter(|set| set.spec.replicas == Some(0) && set.status.replicas == 0)
            .collect();
        idle.sort_by_key(|set| deployment::revision(&set.metadata));
        let surplus = idle
            .len()
            .saturating_sub(usize::try_from(limit).unwrap_or(0));
        for set in idle.into_iter().take(surplus) {
            let namespace = &*set.metadata.namespace;
            let reference = ObjectRef::new(Kind::ReplicaSet, namespace, &*set.metadata.name);
            self.remove(&reference, settings);
        }
    }

    fn run_replica_set(&mut self, own: &ReplicaSet, pods: &ByOwner<'_>, settings: &Settings) {
        let metadata = &own.metadata;
        let reference = ObjectRef::new(Kind::ReplicaSet, &*metadata.namespace, &*metadata.name);
        // The Deployment may have scaled it a moment ago.
        let Some(Object::ReplicaSet(own)) = self.store.get(&reference).cloned() else {
            return;
        };
        if self.resting.contains(&reference) || own.metadata.deletion_timestamp.is_some() {
            return;
        }
        let pods = pods.get(&reference).map_or(&[][..], Vec::as_slice);
        let mut born = self.born.get(&reference).copied().unwrap_or(0);
        // One more than there is room for: that is then said.
        let room = MAX_OBJECTS.saturating_sub(self.store.len()) + 1;
        let changes = replica_set::reconcile(&own, pods, &mut born, settings.seed, room);
        self.set_born(&reference, born);
        self.change_pods(&reference, changes, settings);
        let mut changed = own.clone();
        changed.status = replica_set::status(&own, pods, self.seconds(settings));
        self.look_again(pods, own.spec.min_ready_seconds, settings);
        self.put(Object::ReplicaSet(changed), settings);
    }

    fn run_stateful_set(&mut self, own: &StatefulSet, pods: &ByOwner<'_>, settings: &Settings) {
        let metadata = &own.metadata;
        let reference = ObjectRef::new(Kind::StatefulSet, &*metadata.namespace, &*metadata.name);
        if self.resting.contains(&reference) || metadata.deletion_timestamp.is_some() {
            return;
        }
        let pods = pods.get(&reference).map_or(&[][..], Vec::as_slice);
        let revision = stateful_set::revision(own);
        let changes = stateful_set::reconcile(own, pods, &revision);
        self.change_pods(&reference, changes, settings);
        let mut changed = own.clone();
        changed.status = stateful_set::status(own, pods, &revision, self.seconds(settings));
        self.look_again(pods, own.spec.min_ready_seconds, settings);
        self.put(Object::StatefulSet(changed), settings);
    }

    fn run_daemon_set(
        &mut self,
        own: &DaemonSet,
        pods: &ByOwner<'_>,
        nodes: &[&Node],
        settings: &Settings,
    ) {
        let metadata = &own.metadata;
        let reference = ObjectRef::new(Kind::DaemonSet, &*metadata.namespace, &*metadata.name);
        if self.resting.contains(&reference) || metadata.deletion_timestamp.is_some() {
            return;
        }
        let pods = pods.get(&reference).map_or(&[][..], Vec::as_slice);
        let revision = daemon_set::revision(own);
        let mut born = self.born.get(&reference).copied().unwrap_or(0);
        let changes = daemon_set::reconcile(own, pods, nodes, &revision, &mut born, settings.seed);
        self.set_born(&reference, born);
        self.change_pods(&reference, changes, settings);
        let mut changed = own.clone();
        let now = self.seconds(settings);
        changed.status = daemon_set::status(own, pods, nodes, &revision, now);
        self.look_again(pods, own.spec.min_ready_seconds, settings);
        self.put(Object::DaemonSet(changed), settings);
    }

    fn set_born(&mut self, reference: &ObjectRef, born: u64) {
        if self.born.get(reference).copied().unwrap_or(0) != born {
            Rc::make_mut(&mut self.born).insert(reference.clone(), born);
        }
    }

    /// A Pod that is ready becomes available later: then somebody has to look again.
    fn look_again(&mut self, pods: &[&Pod], min_ready_seconds: i32, settings: &Settings) {
        let now = self.seconds(settings);
        let is_waiting = |pod: &&&Pod| {
            use crate::controllers::kubelet::is_ready;
            use crate::controllers::workload::is_available;
            is_active(pod) && is_ready(pod) && !is_available(pod, min_ready_seconds, now)
        };
        if min_ready_seconds > 0 && pods.iter().any(|pod| is_waiting(&pod)) {
            self.plan(Event::Workloads, 1_000);
        }
    }

    fn change_pods(&mut self, by: &ObjectRef, changes: Vec<PodChange>, settings: &Settings) {
        let template = self.written.get(by).map(|written| written.raw.clone());
        let template = template
            .as_ref()
            .and_then(|raw| tree::get(raw, &["spec", "template", "spec"]));
        for change in changes {
            match change {
                PodChange::Delete(name) => {
                    let reference = ObjectRef::new(Kind::Pod, &*by.namespace, name);
                    let _ = self.delete(&reference, None, settings);
                }
                PodChange::Create(pod) => {
                    if self.store.len() >= MAX_OBJECTS {
                        self.record(
                            by.clone(),
                            "replicaset-controller",
                            "Warning",
                            "FailedCreate",
                            format!(
                                "more than {MAX_OBJECTS} objects: not all of its Pods are made"
                            ),
                        );
                        return;
                    }
                    let object = Object::Pod(*pod);
                    let raw = template.map(|spec| {
                        let mut raw = super::state::to_tree(&object);
                        // What the controller set in the specification stays its own.
                        let own = tree::get(&raw, &["spec"]).cloned();
                        if let Some(own) = own {
                            tree::set(&mut raw, &["spec"], tree::merge(&own, spec));
                        }
                        tree::set(&mut raw, &["apiVersion"], "v1".into());
                        fill::tree(&mut raw, Kind::Pod);
                        raw
                    });
                    let _ = self.create(object, raw, settings);
                }
            }
        }
    }
}

/// The Pods of each workload, in the order of their names.
type ByOwner<'a> = BTreeMap<ObjectRef, Vec<&'a Pod>>;

fn by_owner(store: &crate::api::Store) -> ByOwner<'_> {
    let mut pods = ByOwner::new();
    for pod in store.pods() {
        let Some(owner) = controller_ref(&pod.metadata) else {
            continue;
        };
        let uid = controller_of(&pod.metadata).map(|owner| owner.uid.as_str());
        let is_same = store
            .get(&owner)
            .is_some_and(|found| Some(found.metadata().uid.as_str()) == uid);
        if is_same {
            pods.entry(owner).or_default().push(pod);
        }
    }
    pods
}
