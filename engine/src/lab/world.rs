//! From manifests to a running cluster.
//!
//! The editor's text is what the cluster begins with: each edit makes it anew from the text and lets
//! it come to rest; [`super::Lab`] does again what the person did to it since. All draws are keyed by name, so
//! what an edit did not touch keeps its address, its Node and its Pods' names.
//!
//! An object that the API server would refuse is left out, or stays as it was before the edit, just
//! as on a real cluster; the other objects are applied.
//!
//! What a manifest brings of a real cluster (addresses, statuses, slices, as in a dump) is kept as
//! the truth: nothing is allocated or made anew over it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Settings, system};
use crate::api::{
    FieldPath, Kind, Namespace, Node, Object, ObjectMeta, ObjectRef, Origin, Service, Store,
};
use crate::cluster::{self, Cluster, StatusError, is_recorded};
use crate::controllers::endpoint_slice::SERVICE_NAME_LABEL;
use crate::controllers::nodes;
use crate::controllers::workload::controller_ref;
use crate::diagnostic::Diagnostic;
use crate::limits::MAX_OBJECTS;
use crate::manifest::Document;
use crate::net::IpFamily;
use crate::yaml;

/// A running cluster, and where everything in it comes from.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The objects.
    pub store: Store,
    /// The cluster that they are in.
    cluster: Cluster,
    /// For an object that no manifest names: the field of one that made it.
    made_from: Rc<BTreeMap<ObjectRef, Origin>>,
    /// The objects that manifests name, with the index of the document.
    written: Rc<BTreeMap<ObjectRef, usize>>,
    /// What was accepted, as it was before anything was allocated.
    accepted: Rc<BTreeMap<ObjectRef, Taken>>,
}

/// An object as it was read, and from what.
#[derive(Clone, Debug)]
struct Taken {
    object: Rc<Object>,
    tree: yaml::Node,
}

impl World {
    /// The document that names an object.
    #[must_use]
    pub fn document_of(&self, object: &ObjectRef) -> Option<usize> {
        self.written.get(object).copied()
    }

    /// What made an object that no manifest names; `None` for what the cluster brought along.
    #[must_use]
    pub fn made_from(&self, object: &ObjectRef) -> Option<&Origin> {
        self.made_from.get(object)
    }

    /// The cluster, with its clock.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// What the kube-proxy of a Node knows, which may be out of date; everything before its first
    /// sync.
    #[must_use]
    pub fn seen_by(&self, node: &str) -> &Store {
        self.cluster.programmed(node).unwrap_or(&self.store)
    }

    /// The IP families of the cluster, the first one's addresses first: those of the first Node's Pods
    /// or, where it says nothing of them, of its own addresses.
    #[must_use]
    pub fn families(&self) -> Vec<IpFamily> {
        let mut found = Vec::new();
        let Some(node) = self.store.nodes().next() else {
            return vec![IpFamily::IPv4];
        };
        let of_pods = (node.spec.pod_cidrs.iter())
            .filter_map(|cidr| cidr.parse::<ipnet::IpNet>().ok())
            .map(|cidr| IpFamily::of(cidr.addr()));
        let own = nodes::internal_ips(node).map(IpFamily::of);
        let all: Vec<IpFamily> = of_pods.collect();
        for family in if all.is_empty() { own.collect() } else { all } {
            if !found.contains(&family) {
                found.push(family);
            }
        }
        if found.is_empty() {
            found.push(IpFamily::IPv4);
        }
        found
    }

    /// Changes the cluster, and takes in what became of it.
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut Cluster) -> T) -> T {
        let result = change(&mut self.cluster);
        self.take_in();
        result
    }

    /// Time passes, in milliseconds; `happens` says whether anything is due meanwhile.
    pub(super) fn pass(&mut self, ms: u64, happens: bool) {
        self.cluster.advance(ms);
        if happens {
            self.take_in();
        }
    }

    /// Changes the cluster, and takes in what became of it if it says that anything did.
    pub(super) fn change_if<T>(
        &mut self,
        change: impl FnOnce(&mut Cluster) -> (T, bool),
    ) -> (T, bool) {
        let (result, has_changed) = change(&mut self.cluster);
        if has_changed {
            self.take_in();
        }
        (result, has_changed)
    }

    fn take_in(&mut self) {
        self.store = self.cluster.store().clone();
        let mut made_from = BTreeMap::new();
        let kinds = [
            Kind::Pod,
            Kind::ReplicaSet,
            Kind::Endpoints,
            Kind::EndpointSlice,
        ];
        for object in kinds.into_iter().flat_map(|kind| self.store.of_kind(kind)) {
            let reference = object.reference();
            if !self.written.contains_key(&reference)
                && let Some(origin) = self.origin_of(object)
            {
                made_from.insert(reference, origin);
            }
        }
        self.made_from = Rc::new(made_from);
    }

    /// What made an object: a workload's template, over the ReplicaSet between; a Service's selector;
    /// Endpoints.
    fn origin_of(&self, object: &Object) -> Option<Origin> {
        let metadata = object.metadata();
        if object.kind() == Kind::Endpoints || object.kind() == Kind::EndpointSlice {
            let owner = metadata.owner_references.first();
            let mirrored = owner.filter(|owner| owner.kind == "Endpoints");
            if let Some(owner) = mirrored {
                let of = ObjectRef::new(Kind::Endpoints, &*metadata.namespace, &*owner.name);
                return Some(Origin::new(of, FieldPath::new("subsets")));
            }
            let name = match object.kind() {
                Kind::Endpoints => &metadata.name,
                _ => metadata.labels.get(SERVICE_NAME_LABEL)?,
            };
            let of = ObjectRef::new(Kind::Service, &*metadata.namespace, &**name);
            return Some(Origin::new(of, FieldPath::new("spec.selector")));
        }
        let mut owner = controller_ref(metadata)?;
        if !self.written.contains_key(&owner)
            && let Some(next) = self
                .store
                .get(&owner)
                .and_then(|o| controller_ref(o.metadata()))
        {
            owner = next;
        }
        Some(Origin::new(owner, FieldPath::new("spec.template")))
    }
}

/// Makes the world. `refused` are the indices of documents that strict decoding refused; `before` is
/// the world before the edit.
#[must_use]
pub(super) fn build(
    documents: &[Document],
    refused: &BTreeSet<usize>,
    settings: &Settings,
    before: &World,
) -> (World, Vec<Diagnostic>) {
    let cluster = Cluster::new(cluster::Settings {
        seed: settings.seed,
        networks: settings.networks.clone(),
        ranges: settings.ranges.clone(),
        provider: settings.provider,
        ..cluster::Settings::default()
    });
    let mut builder = Builder {
        documents,
        refused,
        before,
        settings,
        world: World {
            cluster,
            ..World::default()
        },
        diagnostics: Vec::new(),
        objects: BTreeMap::new(),
    };
    builder.read();
    builder.namespaces();
    builder.nodes();
    builder.services();
    builder.rest();
    let Builder {
        mut world,
        mut diagnostics,
        ..
    } = builder;
    world.change(|cluster| {
        cluster.finish_load();
        cluster.settle();
    });
    diagnostics.extend(not_made(&world, documents));
    (world, diagnostics)
}

/// What controllers could not make: more Pods than there is room for.
fn not_made(world: &World, documents: &[Document]) -> Vec<Diagnostic> {
    let mut told: BTreeSet<&ObjectRef> = BTreeSet::new();
    let mut diagnostics = Vec::new();
    for event in world.cluster.events() {
        if event.reason == "FailedCreate" && told.insert(&event.object) {
            let by = match world.made_from(&event.object) {
                Some(origin) => &origin.object,
                None => &event.object,
            };
            let document = world.document_of(by).and_then(|index| documents.get(index));
            let field = FieldPath::new("spec.replicas");
            let span = document.map(|document| {
                let place = document.place(&field);
                place.map_or(document.span, |place| place.value)
            });
            diagnostics.push(
                Diagnostic::error(event.message.clone(), span)
                    .with_object(by.to_string())
                    .with_field(field.as_str()),
            );
        }
    }
    diagnostics
}

struct Builder<'a> {
    documents: &'a [Document],
    refused: &'a BTreeSet<usize>,
    before: &'a World,
    settings: &'a Settings,
    world: World,
    diagnostics: Vec<Diagnostic>,
    /// What is still to be taken into the cluster.
    objects: BTreeMap<ObjectRef, Taken>,
}

impl Builder<'_> {
    /// Takes the objects of the manifests, then those of a fresh cluster that they do not name.
    fn read(&mut self) {
        for (index, document) in self.documents.iter().enumerate() {
            let reference = document.object.reference();
            if self.refused.contains(&index) {
                Rc::make_mut(&mut self.world.written).insert(reference.clone(), index);
                if let Some(old) = self.before.accepted.get(&reference) {
                    self.accept(reference, old.clone());
                }
                continue;
            }
            if self.objects.len() >= MAX_OBJECTS {
                self.diagnostics.push(Diagnostic::error(
                    format!("more than {MAX_OBJECTS} objects: the rest is left out"),
                    document.span,
                ));
                break;
            }
            let written = Rc::make_mut(&mut self.world.written);
            if written.insert(reference.clone(), index).is_some() {
                self.diagnostics.push(
                    Diagnostic::warning(
                        format!("{reference} is defined more than once: the last one counts"),
                        document
                            .place(&FieldPath::new("metadata.name"))
                            .map_or(document.span, |place| place.value),
                    )
                    .with_object(reference.to_string()),
                );
            }
            let taken = Taken {
                object: document.object.clone(),
                tree: document.tree.clone(),
            };
            self.accept(reference, taken);
        }
        for object in system::objects(self.settings) {
            let reference = object.reference();
            let taken = made(object);
            self.objects.entry(reference).or_insert(taken);
        }
    }

    fn accept(&mut self, reference: ObjectRef, taken: Taken) {
        Rc::make_mut(&mut self.world.accepted).insert(reference.clone(), taken.clone());
        self.objects.insert(reference, taken);
    }

    /// Puts an error where a field stands: the first of these that the manifest has, or what the
    /// first one is in.
    fn refuse(&mut self, object: &ObjectRef, fields: &[FieldPath], message: String) {
        let document = self
            .world
            .written
            .get(object)
            .map(|index| &self.documents[*index]);
        let span = document.map(|document| {
            let mut places = fields.iter().filter_map(|field| document.place(field));
            let nearest = places.next();
            let exact = nearest.filter(|place| place.is_exact);
            exact
                .or_else(|| places.find(|place| place.is_exact))
                .or(nearest)
                .map_or(document.span, |place| place.value)
        });
        let mut error = Diagnostic::error(message, span).with_object(object.to_string());
        if let Some(field) = fields.first() {
            error = error.with_field(field.as_str());
        }
        self.diagnostics.push(error);
    }

    /// The objects of one kind, taken out, in the order of the text.
    fn take(&mut self, kind: Kind) -> Vec<Taken> {
        let first = ObjectRef::new(kind, "", "");
        let mut keys: Vec<ObjectRef> = self
            .objects
            .range(first..)
            .map(|(key, _)| key.clone())
            .take_while(|key| key.kind == kind)
            .collect();
        keys.sort_by_cached_key(|key| self.world.document_of(key).unwrap_or(usize::MAX));
        keys.iter()
            .filter_map(|key| self.objects.remove(key))
            .collect()
    }

    /// Takes an object into the cluster. Refused, it is told, and what was there before stays.
    fn load(&mut self, taken: &Taken) {
        let reference = taken.object.reference();
        let Err(error) = self.world.cluster.load(&taken.object, &taken.tree) else {
            return;
        };
        self.tell(&reference, &error);
        Rc::make_mut(&mut self.world.accepted).remove(&reference);
        if let Some(old) = self.before.accepted.get(&reference)
            && self.world.cluster.load(&old.object, &old.tree).is_ok()
        {
            Rc::make_mut(&mut self.world.accepted).insert(reference, old.clone());
        }
    }

    fn tell(&mut self, reference: &ObjectRef, error: &StatusError) {
        if error.causes.is_empty() {
            self.refuse(reference, &[], error.message.clone());
        }
        for cause in &error.causes {
            let kind = reference.kind.with_group();
            let message = format!(
                "{kind} \"{}\" is invalid: {}",
                reference.name, cause.message
            );
            self.refuse(reference, &cause.places, message);
        }
    }

    /// Namespaces that objects are in and nobody made are made, and said.
    fn namespaces(&mut self) {
        let mut known: BTreeSet<String> = BTreeSet::new();
        for taken in self.take(Kind::Namespace) {
            known.insert(taken.object.metadata().name.clone());
            self.load(&taken);
        }
        let mut missing: BTreeMap<String, ObjectRef> = BTreeMap::new();
        for reference in self.objects.keys() {
            if reference.kind.is_namespaced() && !known.contains(&reference.namespace) {
                missing
                    .entry(reference.namespace.clone())
                    .or_insert_with(|| reference.clone());
            }
        }
        for (name, first) in missing {
            let document = self
                .world
                .written
                .get(&first)
                .map(|index| &self.documents[*index]);
            let span = document.map(|document| {
                document
                    .place(&FieldPath::new("metadata.namespace"))
                    .map_or(document.span, |place| place.value)
            });
            self.diagnostics.push(
                Diagnostic::warning(format!("namespaces \"{name}\" not found"), span)
                    .with_object(first.to_string())
                    .with_field("metadata.namespace")
                    .with_hint(format!(
                        "The lab made it. On a cluster: kubectl create namespace {name}"
                    )),
            );
            let metadata = ObjectMeta {
                labels: [("kubernetes.io/metadata.name".to_owned(), name.clone())].into(),
                name,
                ..ObjectMeta::default()
            };
            self.load(&made(Object::Namespace(Namespace { metadata })));
        }
    }

    fn nodes(&mut self) {
        let mut nodes = self.take(Kind::Node);
        if nodes.is_empty() {
            let fresh = self.settings.nodes.iter().map(|name| fresh_node(name));
            nodes = fresh.map(|node| made(Object::Node(node))).collect();
        }
        // In the order of the text, as they would have registered.
        for taken in &nodes {
            self.load(taken);
        }
        let names: Vec<String> = nodes
            .iter()
            .map(|taken| taken.object.metadata().name.clone())
            .collect();
        if let Err(full) = self.world.cluster.complete_nodes(&names) {
            for name in full {
                let reference = ObjectRef::new(Kind::Node, "", name);
                self.refuse(
                    &reference,
                    &[FieldPath::new("spec.podCIDR")],
                    format!("{reference}: no room left in the cluster's networks"),
                );
            }
        }
    }

    /// What asks for a certain address or port comes first, so that no draw takes it away; then the
    /// order is that of the text.
    fn services(&mut self) {
        let mut services = self.take(Kind::Service);
        services.sort_by_key(|taken| {
            let asks = match &*taken.object {
                Object::Service(service) => asks(service),
                _ => false,
            };
            (!is_recorded(&taken.object), !asks)
        });
        // Those that were refused give way to all others before what was there before comes back.
        let mut refused = Vec::new();
        for taken in services {
            let reference = taken.object.reference();
            if let Err(error) = self.world.cluster.load(&taken.object, &taken.tree) {
                self.tell(&reference, &error);
                Rc::make_mut(&mut self.world.accepted).remove(&reference);
                refused.push(reference);
            }
        }
        for reference in refused {
            if let Some(old) = self.before.accepted.get(&reference)
                && self.world.cluster.load(&old.object, &old.tree).is_ok()
            {
                Rc::make_mut(&mut self.world.accepted).insert(reference, old.clone());
            }
        }
    }

    fn rest(&mut self) {
        for kind in Kind::ALL {
            for taken in self.take(kind) {
                self.load(&taken);
            }
        }
    }
}

/// Whether a Service asks for a certain address or port.
fn asks(service: &Service) -> bool {
    let spec = &service.spec;
    !spec.cluster_ip.is_empty()
        || !spec.cluster_ips.is_empty()
        || spec.health_check_node_port != 0
        || spec.ports.iter().any(|port| port.node_port != 0)
}

/// An object that no manifest names.
fn made(object: Object) -> Taken {
    // Its tree is what its type says.
    let tree = yaml::to_node(&object).unwrap_or_else(|_| yaml::Node::map([]));
    let object = Rc::new(object);
    Taken { object, tree }
}

fn fresh_node(name: &str) -> Node {
    let mut node = Node::default();
    node.metadata.name = name.to_owned();
    // What a kubelet says of itself when it registers, and what nodeSelectors ask for.
    node.metadata.labels = [
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/hostname", name),
        ("kubernetes.io/os", "linux"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    node
}
