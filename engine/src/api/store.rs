//! The objects that there are.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{
    ConfigMap, DaemonSet, Deployment, EndpointSlice, Endpoints, Kind, Namespace, Node, Object,
    ObjectRef, Pod, ReplicaSet, Service, StatefulSet,
};

/// All objects by kind, namespace and name, as the API server keeps them.
///
/// Lists come in the order of their keys, compared as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    objects: BTreeMap<ObjectRef, Object>,
}

/// There is an object of this name already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} \"{}\" already exists", .0.kind.plural(), .0.name)]
pub struct AlreadyExists(pub ObjectRef);

macro_rules! lists {
    ($($(#[$doc:meta])* $list:ident, $get:ident: $kind:ident;)*) => {$(
        $(#[$doc])*
        pub fn $list(&self) -> impl Iterator<Item = &$kind> {
            self.of_kind(Kind::$kind).filter_map(|object| match object {
                Object::$kind(object) => Some(object),
                _ => None,
            })
        }

        /// One of them.
        #[must_use]
        pub fn $get(&self, namespace: &str, name: &str) -> Option<&$kind> {
            match self.get(&ObjectRef::new(Kind::$kind, namespace, name))? {
                Object::$kind(object) => Some(object),
                _ => None,
            }
        }
    )*};
}

impl Store {
    lists! {
        /// The Namespaces.
        namespaces, namespace: Namespace;
        /// The Nodes.
        nodes, node: Node;
        /// The Pods.
        pods, pod: Pod;
        /// The Services.
        services, service: Service;
        /// The Endpoints.
        endpoints, endpoints_of: Endpoints;
        /// The Deployments.
        deployments, deployment: Deployment;
        /// The ReplicaSets.
        replica_sets, replica_set: ReplicaSet;
        /// The StatefulSets.
        stateful_sets, stateful_set: StatefulSet;
        /// The DaemonSets.
        daemon_sets, daemon_set: DaemonSet;
        /// The EndpointSlices.
        endpoint_slices, endpoint_slice: EndpointSlice;
        /// The ConfigMaps.
        config_maps, config_map: ConfigMap;
    }

    /// Adds an object.
    ///
    /// # Errors
    ///
    /// If there is one of this kind, namespace and name; the old one stays.
    pub fn create(&mut self, object: Object) -> Result<(), AlreadyExists> {
        match self.objects.entry(object.reference()) {
            Entry::Occupied(entry) => Err(AlreadyExists(entry.key().clone())),
            Entry::Vacant(entry) => {
                entry.insert(object);
                Ok(())
            }
        }
    }

    /// Adds an object, or puts it in the place of the one of this name.
    pub fn put(&mut self, object: Object) {
        self.objects.insert(object.reference(), object);
    }

    /// One object.
    #[must_use]
    pub fn get(&self, reference: &ObjectRef) -> Option<&Object> {
        self.objects.get(reference)
    }

    /// Whether there is an object of this name.
    #[must_use]
    pub fn contains(&self, reference: &ObjectRef) -> bool {
        self.objects.contains_key(reference)
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = &Object> + Clone {
        self.objects.values()
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        self.objects
            .range(ObjectRef::new(kind, "", "")..)
            .take_while(move |(reference, _)| reference.kind == kind)
            .map(|(_, object)| object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ObjectMeta;

    fn pod(namespace: &str, name: &str) -> Object {
        Object::Pod(Pod {
            metadata: ObjectMeta {
                name: name.into(),
                namespace: namespace.into(),
                ..ObjectMeta::default()
            },
            ..Pod::default()
        })
    }

    #[test]
    fn lists_hold_one_kind_in_the_order_of_the_keys() {
        let mut store = Store::default();
        for object in [pod("shop", "b"), pod("default", "z"), pod("shop", "a")] {
            store.create(object).unwrap();
        }
        store.put(Object::Namespace(Namespace::default()));
        let names: Vec<_> = store.pods().map(|pod| pod.metadata.name.as_str()).collect();
        assert_eq!(names, ["z", "a", "b"]);
        assert_eq!(store.namespaces().count(), 1);
        assert_eq!(store.services().count(), 0);
    }

    #[test]
    fn a_second_object_of_the_same_name_is_refused_in_the_servers_words() {
        let mut store = Store::default();
        store.create(pod("shop", "a")).unwrap();
        let refused = store.create(pod("shop", "a")).unwrap_err();
        assert_eq!(refused.to_string(), "pods \"a\" already exists");
    }
}
