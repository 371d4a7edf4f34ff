//! From manifests to a running cluster.
//!
//! The editor's text is the whole content of the cluster: each edit makes the world anew from it.
//! All draws are keyed by name, so what an edit did not touch keeps its address, its Node and its
//! Pods' names.
//!
//! An object that the API server would refuse is left out, or stays as it was before the edit, just
//! as on a real cluster; the other objects are applied.
//!
//! What a manifest brings of a real cluster (addresses, statuses, slices, as in a dump) is kept as
//! the truth: nothing is allocated or made anew over it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Settings, system};
use crate::api::allocate::Allocators;
use crate::api::{
    FieldPath, Kind, Namespace, Node, Object, ObjectMeta, ObjectRef, Origin, Pod, Service, Store,
    defaults, validation,
};
use crate::controllers::{deployment, endpoint_slice, kubelet, nodes, scheduler};
use crate::diagnostic::Diagnostic;
use crate::limits::MAX_OBJECTS;
use crate::manifest::Document;
use crate::random;

/// A running cluster, and where everything in it comes from.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The objects.
    pub store: Store,
    /// For an object that no manifest names: the field of one that made it.
    made_from: BTreeMap<ObjectRef, Origin>,
    /// The objects that manifests name, with the index of the document.
    written: BTreeMap<ObjectRef, usize>,
    /// What was accepted, as it was before anything was allocated.
    accepted: BTreeMap<ObjectRef, Object>,
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
}

/// What a person did to Pods by hand.
pub(super) type Readiness = BTreeMap<ObjectRef, bool>;

/// Makes the world. `refused` are the indices of documents that strict decoding refused;
/// `before` is the world before the edit.
#[must_use]
pub(super) fn build(
    documents: &[Document],
    refused: &BTreeSet<usize>,
    settings: &Settings,
    readiness: &Readiness,
    before: &World,
) -> (World, Vec<Diagnostic>) {
    let mut builder = Builder {
        documents,
        refused,
        before,
        settings,
        world: World::default(),
        diagnostics: Vec::new(),
        objects: BTreeMap::new(),
        allocators: Allocators::new(settings.ranges.clone(), settings.seed),
    };
    builder.read();
    builder.namespaces();
    let nodes = builder.nodes();
    builder.services();
    builder.pods(&nodes, readiness);
    builder.endpoint_slices();
    builder.rest();
    (builder.world, builder.diagnostics)
}

struct Builder<'a> {
    documents: &'a [Document],
    refused: &'a BTreeSet<usize>,
    before: &'a World,
    settings: &'a Settings,
    world: World,
    diagnostics: Vec<Diagnostic>,
    /// What is still to be put into the store.
    objects: BTreeMap<ObjectRef, Object>,
    allocators: Allocators,
}

impl Builder<'_> {
    /// Takes the objects of the manifests, then those of a fresh cluster that they do not name.
    fn read(&mut self) {
        for (index, document) in self.documents.iter().enumerate() {
            let mut object = document.object.clone();
            defaults::object(&mut object);
            let reference = object.reference();
            if self.refused.contains(&index) {
                self.world.written.insert(reference.clone(), index);
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
            if self
                .world
                .written
                .insert(reference.clone(), index)
                .is_some()
            {
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
            self.accept(reference, object);
        }
        for mut object in system::objects(self.settings) {
            defaults::object(&mut object);
            self.objects.entry(object.reference()).or_insert(object);
        }
    }

    fn accept(&mut self, reference: ObjectRef, object: Object) {
        self.world
            .accepted
            .insert(reference.clone(), object.clone());
        self.objects.insert(reference, object);
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

    /// The objects of one kind, taken out.
    fn take(&mut self, kind: Kind) -> Vec<Object> {
        let first = ObjectRef::new(kind, "", "");
        let keys: Vec<ObjectRef> = self
            .objects
            .range(first..)
            .map(|(key, _)| key.clone())
            .take_while(|key| key.kind == kind)
            .collect();
        keys.iter()
            .filter_map(|key| self.objects.remove(key))
            .collect()
    }

    /// Namespaces that objects are in and nobody made are made, and said.
    fn namespaces(&mut self) {
        let mut known: BTreeSet<String> = BTreeSet::new();
        for object in self.take(Kind::Namespace) {
            known.insert(object.metadata().name.clone());
            self.world.store.put(object);
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
                name,
                ..ObjectMeta::default()
            };
            self.world
                .store
                .put(Object::Namespace(Namespace { metadata }));
        }
    }

    fn nodes(&mut self) -> Vec<Node> {
        let mut nodes: Vec<Node> = self
            .take(Kind::Node)
            .into_iter()
            .filter_map(|object| match object {
                Object::Node(node) => Some(node),
                _ => None,
            })
            .collect();
        if nodes.is_empty() {
            nodes = self
                .settings
                .nodes
                .iter()
                .map(|name| fresh_node(name))
                .collect();
        }
        // In the order of the text, as they would have registered.
        nodes.sort_by_key(|node| {
            self.world
                .document_of(&ObjectRef::new(Kind::Node, "", &node.metadata.name))
        });
        if let Err(full) = nodes::complete(&mut nodes, &self.settings.networks) {
            for name in full {
                let reference = ObjectRef::new(Kind::Node, "", name);
                self.refuse(
                    &reference,
                    &[FieldPath::new("spec.podCIDR")],
                    format!("{reference}: no room left in the cluster's networks"),
                );
            }
        }
        for node in &nodes {
            self.world.store.put(Object::Node(node.clone()));
        }
        nodes
    }

    /// Validates and allocates. What asks for a certain address or port comes first, so that no
    /// draw takes it away; then the order is that of the text.
    fn services(&mut self) {
        let mut services: Vec<Service> = self
            .take(Kind::Service)
            .into_iter()
            .filter_map(|object| match object {
                Object::Service(service) => Some(service),
                _ => None,
            })
            .collect();
        services.sort_by_key(|service| {
            let spec = &service.spec;
            let asks = !spec.cluster_ip.is_empty()
                || !spec.cluster_ips.is_empty()
                || spec.health_check_node_port != 0
                || spec.ports.iter().any(|port| port.node_port != 0);
            let written = self.world.document_of(&reference_of(service));
            (!is_recorded(&service.metadata), !asks, written)
        });
        let mut refused = Vec::new();
        for service in services {
            let reference = reference_of(&service);
            let errors = self.create(service);
            if errors.is_empty() {
                continue;
            }
            for (places, error) in errors {
                let message = format!("Service \"{}\" is invalid: {error}", reference.name);
                self.refuse(&reference, &places, message);
            }
            self.world.accepted.remove(&reference);
            refused.push(reference);
        }
        // What was there before stays, if nobody took its address or port meanwhile.
        for reference in refused {
            if let Some(Object::Service(old)) = self.before.accepted.get(&reference)
                && self.create(old.clone()).is_empty()
            {
                self.world
                    .accepted
                    .insert(reference, Object::Service(old.clone()));
            }
        }
    }

    /// Validates, allocates and stores a Service, or says why not: where to look for the field, the
    /// closest place first, and what is wrong.
    fn create(&mut self, mut service: Service) -> Vec<(Vec<FieldPath>, String)> {
        if is_recorded(&service.metadata) {
            self.allocators.hold(&service);
        } else {
            let errors = validation::service(&as_validated(&service));
            if !errors.is_empty() {
                return errors
                    .into_iter()
                    .map(|error| (error.places().collect(), error.to_string()))
                    .collect();
            }
            if let Err(error) = self.allocators.create(&mut service) {
                return vec![(error.places().collect(), error.to_string())];
            }
        }
        self.world.store.put(Object::Service(service));
        Vec::new()
    }

    /// The Pods of the manifests and those that Deployments make, on Nodes and running.
    fn pods(&mut self, nodes: &[Node], readiness: &Readiness) {
        let mut pods: Vec<Pod> = Vec::new();
        for object in self.take(Kind::Pod) {
            if let Object::Pod(pod) = object {
                pods.push(pod);
            }
        }
        pods.sort_by_key(|pod| {
            self.world.document_of(&ObjectRef::new(
                Kind::Pod,
                &pod.metadata.namespace,
                &pod.metadata.name,
            ))
        });

        let mut deployments = self.take(Kind::Deployment);
        deployments.sort_by_key(|object| self.world.document_of(&object.reference()));
        let room = MAX_OBJECTS.saturating_sub(pods.len() + self.objects.len());
        let mut made = 0;
        for object in deployments {
            let Object::Deployment(mut deployment) = object else {
                continue;
            };
            let reference = ObjectRef::new(
                Kind::Deployment,
                &deployment.metadata.namespace,
                &deployment.metadata.name,
            );
            let existing = pods
                .iter()
                .filter(|pod| deployment::owns(&deployment, pod))
                .count();
            let mut missing = if is_recorded(&deployment.metadata) && existing > 0 {
                Vec::new()
            } else {
                deployment::missing_pods(&deployment, existing, self.settings.seed)
            };
            if made + missing.len() > room {
                missing.truncate(room.saturating_sub(made));
                self.refuse(
                    &reference,
                    &[FieldPath::new("spec.replicas")],
                    format!("more than {MAX_OBJECTS} objects: not all of its Pods are made"),
                );
            }
            made += missing.len();
            for pod in &missing {
                self.world.made_from.insert(
                    ObjectRef::new(Kind::Pod, &pod.metadata.namespace, &pod.metadata.name),
                    Origin::new(reference.clone(), FieldPath::new("spec.template")),
                );
            }
            let total = existing + missing.len();
            pods.append(&mut missing);
            if !is_recorded(&deployment.metadata) {
                deployment.status.replicas = i32::try_from(total).unwrap_or(i32::MAX);
                deployment.status.ready_replicas = deployment.status.replicas;
            }
            self.world.store.put(Object::Deployment(deployment));
        }

        scheduler::schedule(&mut pods, nodes);
        kubelet::start(&mut pods, nodes);
        for mut pod in pods {
            let reference = ObjectRef::new(Kind::Pod, &pod.metadata.namespace, &pod.metadata.name);
            if let Some(ready) = readiness.get(&reference) {
                kubelet::set_ready(&mut pod, *ready);
            }
            self.world.store.put(Object::Pod(pod));
        }
    }

    /// Lists the endpoints of every Service with a selector, unless a dump brought its lists.
    fn endpoint_slices(&mut self) {
        let mut listed: BTreeSet<(String, String)> = BTreeSet::new();
        for object in self.take(Kind::EndpointSlice) {
            if let Object::EndpointSlice(slice) = &object {
                let metadata = &slice.metadata;
                let by_the_controller = metadata
                    .labels
                    .get(endpoint_slice::MANAGED_BY_LABEL)
                    .is_some_and(|by| by == endpoint_slice::MANAGED_BY);
                if let (true, Some(service)) = (
                    by_the_controller,
                    metadata.labels.get(endpoint_slice::SERVICE_NAME_LABEL),
                ) {
                    listed.insert((metadata.namespace.clone(), service.clone()));
                }
            }
            self.world.store.put(object);
        }

        let nodes: Vec<Node> = self.world.store.nodes().cloned().collect();
        let nodes: Vec<&Node> = nodes.iter().collect();
        let mut by_namespace: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
        for pod in self.world.store.pods() {
            by_namespace
                .entry(&pod.metadata.namespace)
                .or_default()
                .push(pod);
        }
        let mut made = Vec::new();
        for service in self.world.store.services() {
            let metadata = &service.metadata;
            let without_selector = service
                .spec
                .selector
                .as_ref()
                .is_none_or(|selector| selector.is_empty());
            if without_selector
                || service.spec.type_ == "ExternalName"
                || listed.contains(&(metadata.namespace.clone(), metadata.name.clone()))
            {
                continue;
            }
            let pods = by_namespace
                .get(metadata.namespace.as_str())
                .map_or(&[][..], Vec::as_slice);
            let reconciled = endpoint_slice::reconcile(
                service,
                pods,
                &nodes,
                &[],
                endpoint_slice::Memory::default(),
            );
            for (number, mut slice) in reconciled.slices.into_iter().enumerate() {
                if slice.metadata.name.is_empty() {
                    let key = format!(
                        "EndpointSlice {}/{} {number}",
                        metadata.namespace, metadata.name
                    );
                    let suffix =
                        random::name_suffix(&mut random::keyed(self.settings.seed, &key), 5);
                    slice.metadata.name = format!("{}{suffix}", slice.metadata.generate_name);
                }
                made.push((reference_of(service), slice));
            }
        }
        for (service, slice) in made {
            let object = Object::EndpointSlice(slice);
            let origin = Origin::new(service, FieldPath::new("spec.selector"));
            self.world.made_from.insert(object.reference(), origin);
            self.world.store.put(object);
        }
    }

    /// What no controller looks at.
    fn rest(&mut self) {
        for (_, object) in std::mem::take(&mut self.objects) {
            self.world.store.put(object);
        }
    }
}

fn reference_of(service: &Service) -> ObjectRef {
    ObjectRef::new(
        Kind::Service,
        &service.metadata.namespace,
        &service.metadata.name,
    )
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

/// Whether an object comes from a server, as in a dump.
fn is_recorded(metadata: &ObjectMeta) -> bool {
    !metadata.uid.is_empty() || !metadata.resource_version.is_empty()
}

fn fresh_node(name: &str) -> Node {
    let mut node = Node::default();
    node.metadata.name = name.to_owned();
    node.metadata.labels = BTreeMap::from([("kubernetes.io/hostname".to_owned(), name.to_owned())]);
    node
}
