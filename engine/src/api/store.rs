//! The objects that there are.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{
    ConfigMap, DaemonSet, Deployment, EndpointSlice, Endpoints, Kind, Namespace, Node, Object,
    ObjectRef, Pod, ReplicaSet, Service, StatefulSet,
};

/// All objects by kind, namespace and name, as the API server keeps them.
///
/// Lists come in the order of their keys, compared as bytes. A clone shares everything: it costs
/// nothing, and a change copies the list of one kind and the object that it changes. So a cluster
/// can keep what it was before a command, and a Node what it knew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    /// By [`Kind`], in the order of its declaration.
    kinds: [Rc<Objects>; Kind::ALL.len()],
}

/// The names are shared as well: a copy of a list copies no text.
type Objects = BTreeMap<Rc<ObjectRef>, Rc<Object>>;

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
        let reference = object.reference();
        if self.contains(&reference) {
            return Err(AlreadyExists(reference));
        }
        self.put(object);
        Ok(())
    }

    /// Adds an object, or puts it in the place of the one of this name.
    pub fn put(&mut self, object: Object) {
        self.share(Rc::new(object));
    }

    /// As [`Store::put`], of an object that somebody else holds too.
    pub fn share(&mut self, object: Rc<Object>) {
        let reference = object.reference();
        self.of_kind_mut(reference.kind)
            .insert(Rc::new(reference), object);
    }

    /// Takes an object out.
    pub fn remove(&mut self, reference: &ObjectRef) -> Option<Rc<Object>> {
        if !self.contains(reference) {
            return None;
        }
        self.of_kind_mut(reference.kind).remove(reference)
    }

    /// One object.
    #[must_use]
    pub fn get(&self, reference: &ObjectRef) -> Option<&Object> {
        self.shared(reference).map(|object| &**object)
    }

    /// One object, to be held.
    #[must_use]
    pub fn shared(&self, reference: &ObjectRef) -> Option<&Rc<Object>> {
        self.kinds[reference.kind as usize].get(reference)
    }

    /// Whether there is an object of this name.
    #[must_use]
    pub fn contains(&self, reference: &ObjectRef) -> bool {
        self.shared(reference).is_some()
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = &Object> + Clone {
        let objects = self.kinds.iter().flat_map(|objects| objects.values());
        objects.map(|object| &**object)
    }

    /// The objects of one kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        self.kinds[kind as usize].values().map(|object| &**object)
    }

    /// The objects of one kind in one namespace. Costs what there is in it, and no more.
    pub fn in_namespace<'a>(
        &'a self,
        kind: Kind,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Object> {
        let first = ObjectRef::new(kind, namespace, "");
        let objects = self.kinds[kind as usize].range::<ObjectRef, _>(first..);
        objects
            .take_while(move |(name, _)| name.namespace == namespace)
            .map(|(_, object)| &**object)
    }

    /// The names of the objects of one kind.
    pub fn names(&self, kind: Kind) -> impl Iterator<Item = &ObjectRef> {
        self.kinds[kind as usize].keys().map(|name| &**name)
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kinds.iter().map(|objects| objects.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A store that knows these kinds of this one only, and shares them.
    #[must_use]
    pub fn only(&self, kinds: &[Kind]) -> Self {
        let mut part = Self::default();
        for kind in kinds {
            part.kinds[*kind as usize] = Rc::clone(&self.kinds[*kind as usize]);
        }
        part
    }

    /// Whether the two hold the very same objects of a kind. `true` is certain; `false` may be said
    /// of equal ones.
    #[must_use]
    pub fn shares(&self, other: &Self, kind: Kind) -> bool {
        Rc::ptr_eq(&self.kinds[kind as usize], &other.kinds[kind as usize])
    }

    /// The objects of a kind that are others here and there, as they are in each of the two.
    pub fn differences<'a>(
        &'a self,
        other: &'a Self,
        kind: Kind,
    ) -> Vec<(Option<&'a Object>, Option<&'a Object>)> {
        if self.shares(other, kind) {
            return Vec::new();
        }
        let (own, others) = (&self.kinds[kind as usize], &other.kinds[kind as usize]);
        let is_same = |name: &ObjectRef, object: &Rc<Object>| {
            others
                .get(name)
                .is_some_and(|other| Rc::ptr_eq(object, other))
        };
        let here = own
            .iter()
            .filter(|(name, object)| !is_same(name, object))
            .map(|(name, object)| (Some(&**object), others.get(name).map(|other| &**other)));
        let there = others
            .iter()
            .filter(|(name, _)| !own.contains_key(*name))
            .map(|(_, object)| (None, Some(&**object)));
        here.chain(there).collect()
    }

    fn of_kind_mut(&mut self, kind: Kind) -> &mut Objects {
        Rc::make_mut(&mut self.kinds[kind as usize])
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
        let pods = [
            ("shop", "b"),
            ("default", "z"),
            ("shop-test", "c"),
            ("shop", "a"),
        ];
        for object in pods.map(|(namespace, name)| pod(namespace, name)) {
            store.create(object).unwrap();
        }
        store.put(Object::Namespace(Namespace::default()));
        let names: Vec<_> = store.pods().map(|pod| pod.metadata.name.as_str()).collect();
        // `-` comes before `/`.
        assert_eq!(names, ["z", "c", "a", "b"]);
        let in_namespace = |namespace| store.in_namespace(Kind::Pod, namespace).count();
        assert_eq!([in_namespace("shop"), in_namespace("shop-test")], [2, 1]);
        assert_eq!([in_namespace("sho"), in_namespace("zoo")], [0, 0]);
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
