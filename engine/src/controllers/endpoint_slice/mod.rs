//! The EndpointSlice controller: a Service and its Pods become EndpointSlices.
//!
//! Modelled after the reconciler of k8s.io/endpointslice v0.34.1 and the controller around it
//! (`pkg/controller/endpointslice` of kube-controller-manager): which Pods are endpoints, with
//! which ports and conditions; how endpoints are packed into slices of at most
//! [`MAX_ENDPOINTS_PER_SLICE`] and repacked with few writes; hints for topology-aware routing
//! (KEP-2433) and for `trafficDistribution` (KEP-4444, KEP-3015).
//!
//! Where the controller goes through a Go map, its order is arbitrary. Here it is the order of
//! addresses, ports and zones, so that the same input gives the same slices.
//!
//! Left out: the annotation `endpoints.kubernetes.io/last-change-trigger-time`, metrics, and
//! failing writes.

mod distribution;
mod endpoint;
mod placement;
mod topology;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::api::validation::{addresses, names};
use crate::api::{
    AddressType, EndpointPort, EndpointSlice, Node, ObjectMeta, OwnerReference, Pod, Service,
};
pub use endpoint::Exclusion;
pub(crate) use endpoint::find_port;
use endpoint::{EndpointSet, PortKey};

/// The most endpoints in one slice: kube-controller-manager's default for
/// `--max-endpoints-per-slice`.
pub const MAX_ENDPOINTS_PER_SLICE: usize = 100;

/// The label that says whose Service a slice is.
pub const SERVICE_NAME_LABEL: &str = "kubernetes.io/service-name";
/// The label that says who writes a slice.
pub const MANAGED_BY_LABEL: &str = "endpointslice.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY_LABEL`] for this controller.
pub const MANAGED_BY: &str = "endpointslice-controller.k8s.io";
/// The label of slices whose Service has no cluster IP.
pub const HEADLESS_LABEL: &str = "service.kubernetes.io/headless";

/// What the controller remembers of a Service from one run to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// Whether the last run gave topology hints. It decides which event the next one records.
    pub topology_hints: bool,
}

/// What a run of the reconciler comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// All slices afterwards: those that were there and are kept, in their order, then new ones.
    /// A new one has no name, only `generateName`; the API server adds five characters.
    pub slices: Vec<EndpointSlice>,
    /// Events on the Service.
    pub events: Vec<Event>,
    /// The controller's own errors, after which it tries again later.
    pub errors: Vec<String>,
    /// What to pass to the next run.
    pub memory: Memory,
}

/// What an Event says. Prints as `TYPE REASON MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub type_: String,
    /// One word for machines.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.type_, self.reason, self.message)
    }
}

/// Brings the slices of a Service in line with its Pods.
///
/// `pods` and `existing` may hold more than this Service's: Pods are selected here, and slices of
/// other Services or other writers come back as they were. All objects are read as the API server
/// stores them, with their defaults.
///
/// A Service without a selector, or of type ExternalName, is left alone: its slices stay.
#[must_use]
pub fn reconcile(
    service: &Service,
    pods: &[&Pod],
    nodes: &[&Node],
    existing: &[EndpointSlice],
    memory: Memory,
) -> Reconciled {
    let mut run = Run {
        service,
        nodes: nodes
            .iter()
            .map(|node| (node.metadata.name.as_str(), *node))
            .collect(),
        existing,
        outcome: existing.iter().cloned().map(Some).collect(),
        created: Vec::new(),
        events: Vec::new(),
        errors: Vec::new(),
        memory,
    };
    if has_endpoints_of_pods(service) {
        let pods: Vec<&Pod> = pods
            .iter()
            .copied()
            .filter(|pod| endpoint::unselected(service, pod).is_none())
            .collect();
        run.service(&pods);
    }
    Reconciled {
        slices: run
            .outcome
            .into_iter()
            .flatten()
            .chain(run.created)
            .collect(),
        events: run.events,
        errors: run.errors,
        memory: run.memory,
    }
}

/// Whether this controller writes the slices of a Service: else they are somebody's own, or it has
/// none.
#[must_use]
pub fn has_endpoints_of_pods(service: &Service) -> bool {
    let selector = service.spec.selector.as_ref();
    service.spec.type_ != "ExternalName" && selector.is_some_and(|selector| !selector.is_empty())
}

/// Why [`reconcile`] makes no endpoint of a Pod; `None` if it makes one. `node` is the Pod's Node,
/// if that is there.
#[must_use]
pub fn exclusion(service: &Service, pod: &Pod, node: Option<&Node>) -> Option<Exclusion> {
    endpoint::unselected(service, pod)
        .or_else(|| endpoint::unwanted(pod))
        .or_else(|| endpoint::lacks_node(service, node).then_some(Exclusion::NoNode))
        .or_else(|| {
            let has = |family: &AddressType| !endpoint::addresses(pod, *family).is_empty();
            let known = address_types(service).iter().any(has);
            (!known).then_some(Exclusion::OtherFamily)
        })
}

/// One run for one Service. Slices that exist are named by their index in `existing`.
struct Run<'a> {
    service: &'a Service,
    nodes: BTreeMap<&'a str, &'a Node>,
    existing: &'a [EndpointSlice],
    /// What becomes of each existing slice; `None` when it is deleted.
    outcome: Vec<Option<EndpointSlice>>,
    created: Vec<EndpointSlice>,
    events: Vec<Event>,
    errors: Vec<String>,
    memory: Memory,
}

/// What is to be written for one address type.
#[derive(Default)]
struct Changes {
    create: Vec<EndpointSlice>,
    update: BTreeMap<usize, EndpointSlice>,
    delete: Vec<usize>,
}

/// Endpoints with the same ports, which may share slices.
#[derive(Default)]
struct PortGroup {
    ports: Vec<EndpointPort>,
    existing: Vec<usize>,
    /// `None` when no Pod has these ports any more.
    desired: Option<EndpointSet>,
}

impl Run<'_> {
    fn service(&mut self, pods: &[&Pod]) {
        let types = address_types(self.service);
        let mine: Vec<usize> = (0..self.existing.len())
            .filter(|index| self.is_managed(&self.existing[*index]))
            .collect();
        for index in &mine {
            if !self.is_one_of(*index, &types) {
                self.memory.topology_hints = false;
            }
        }
        for address_type in &types {
            let mine: Vec<usize> = mine
                .iter()
                .copied()
                .filter(|index| self.is_one_of(*index, &[*address_type]))
                .collect();
            self.address_type(*address_type, pods, &mine);
        }
        for index in mine {
            if !self.is_one_of(index, &types) {
                self.outcome[index] = None;
            }
        }
    }

    /// Whether an existing slice has one of these types.
    fn is_one_of(&self, index: usize, types: &[AddressType]) -> bool {
        AddressType::of(&self.existing[index].address_type).is_some_and(|own| types.contains(&own))
    }

    /// Whether a slice is this Service's and this controller's to write.
    fn is_managed(&self, slice: &EndpointSlice) -> bool {
        let labels = &slice.metadata.labels;
        slice.metadata.namespace == self.service.metadata.namespace
            && slice.metadata.deletion_timestamp.is_none()
            && labels.get(SERVICE_NAME_LABEL) == Some(&self.service.metadata.name)
            && labels.get(MANAGED_BY_LABEL).map(String::as_str) == Some(MANAGED_BY)
    }

    fn address_type(&mut self, address_type: AddressType, pods: &[&Pod], existing: &[usize]) {
        let mut changes = Changes::default();
        let groups = self.port_groups(address_type, pods, existing, &mut changes);
        for group in groups.into_values() {
            match group.desired {
                Some(desired) => {
                    placement::place(
                        self.service,
                        address_type,
                        (&group.ports, desired),
                        (self.existing, &group.existing),
                        &mut changes,
                    );
                }
                None => changes.delete.extend(group.existing),
            }
        }
        self.keep_a_placeholder(address_type, existing, &mut changes);
        self.hints(address_type, existing, &mut changes);
        self.write(changes);
    }

    /// Sorts existing slices and wanted endpoints by their ports. Slices of another owner, most
    /// often an earlier Service of the same name, are to be deleted.
    fn port_groups(
        &mut self,
        address_type: AddressType,
        pods: &[&Pod],
        existing: &[usize],
        changes: &mut Changes,
    ) -> BTreeMap<PortKey, PortGroup> {
        let mut groups: BTreeMap<PortKey, PortGroup> = BTreeMap::new();
        for index in existing {
            let slice = &self.existing[*index];
            if is_owned_by(slice, self.service) {
                let key = PortKey::new(&slice.ports);
                groups.entry(key).or_default().existing.push(*index);
            } else {
                changes.delete.push(*index);
            }
        }
        for pod in pods {
            if endpoint::unwanted(pod).is_some() {
                continue;
            }
            let ports = endpoint::ports(self.service, pod);
            let group = groups.entry(PortKey::new(&ports)).or_default();
            group.ports = ports;
            let desired = group.desired.get_or_insert_default();
            let node = self.nodes.get(pod.spec.node_name.as_str()).copied();
            if endpoint::lacks_node(self.service, node) {
                let metadata = &self.service.metadata;
                let error = format!(
                    "skipping Pod {} for Service {}/{}: Node {} Not Found",
                    pod.metadata.name, metadata.namespace, metadata.name, pod.spec.node_name
                );
                if !self.errors.contains(&error) {
                    self.errors.push(error);
                }
                continue;
            }
            let endpoint = endpoint::from_pod(pod, node, self.service, address_type);
            if !endpoint.addresses.is_empty() {
                desired.insert(endpoint);
            }
        }
        groups
    }

    /// With no slice left, an empty one says that the controller has seen the Service.
    fn keep_a_placeholder(
        &self,
        address_type: AddressType,
        existing: &[usize],
        changes: &mut Changes,
    ) {
        if existing.len() != changes.delete.len() || !changes.create.is_empty() {
            return;
        }
        let placeholder = new_slice(self.service, address_type, Vec::new());
        if let [index] = changes.delete[..]
            && is_same_placeholder(&self.existing[index], &placeholder)
        {
            changes.delete.clear();
        } else {
            changes.create.push(placeholder);
        }
    }

    fn hints(&mut self, address_type: AddressType, existing: &[usize], changes: &mut Changes) {
        let annotations = &self.service.metadata.annotations;
        if topology::is_enabled(annotations) {
            let event = topology::add_hints(
                &self.nodes,
                self.existing,
                existing,
                changes,
                &mut self.memory,
            );
            if let Some(hint_event) = event {
                self.events.push(hint_event.event(address_type));
            }
            return;
        }
        if self.memory.topology_hints {
            self.events
                .push(topology::HintEvent::Disabled.event(address_type));
            self.memory.topology_hints = false;
        }
        let wish = self.service.spec.traffic_distribution.as_deref();
        match wish.and_then(distribution::Preference::of) {
            Some(preference) => {
                distribution::add_hints(preference, self.existing, existing, changes);
            }
            None => topology::remove_hints(self.existing, existing, changes),
        }
    }

    /// Carries out the changes. A slice that would be deleted is taken over by one that would be
    /// created: one write instead of two.
    fn write(&mut self, mut changes: Changes) {
        for index in changes.delete {
            let old = &self.existing[index];
            if !is_owned_by(old, self.service) {
                self.outcome[index] = None;
                continue;
            }
            self.outcome[index] = changes.create.pop().map(|new| taken_over(old, new));
        }
        for (index, slice) in changes.update {
            self.outcome[index] = Some(slice);
        }
        // The garbage collector is about to delete the slices of a Service that is going.
        if self.service.metadata.deletion_timestamp.is_none() {
            self.created.append(&mut changes.create);
        }
    }
}

/// A new slice under the name of an old one. What the API server sets stays as it was.
fn taken_over(old: &EndpointSlice, new: EndpointSlice) -> EndpointSlice {
    EndpointSlice {
        metadata: ObjectMeta {
            name: old.metadata.name.clone(),
            uid: old.metadata.uid.clone(),
            resource_version: old.metadata.resource_version.clone(),
            creation_timestamp: old.metadata.creation_timestamp.clone(),
            ..new.metadata
        },
        ..new
    }
}

/// The slices that are there and not to be written, by their index.
fn unchanged(existing: &[usize], changes: &Changes) -> Vec<usize> {
    existing
        .iter()
        .copied()
        .filter(|index| !changes.update.contains_key(index) && !changes.delete.contains(index))
        .collect()
}

/// The kinds of slices that a Service gets: one for each of its families.
///
/// Without families (an object older than dual-stack) the cluster IP decides, and a headless
/// Service gets both.
fn address_types(service: &Service) -> Vec<AddressType> {
    let mut types = Vec::new();
    for family in &service.spec.ip_families {
        let address_type = match family.as_str() {
            "IPv4" => AddressType::IPv4,
            "IPv6" => AddressType::IPv6,
            _ => continue,
        };
        if !types.contains(&address_type) {
            types.push(address_type);
        }
    }
    if !types.is_empty() {
        return types;
    }
    if !has_cluster_ip(service) {
        return vec![AddressType::IPv4, AddressType::IPv6];
    }
    match addresses::parse_ip(&service.spec.cluster_ip) {
        Some(address) if address.is_ipv6() => vec![AddressType::IPv6],
        _ => vec![AddressType::IPv4],
    }
}

fn has_cluster_ip(service: &Service) -> bool {
    !matches!(service.spec.cluster_ip.as_str(), "" | "None")
}

fn is_owned_by(slice: &EndpointSlice, service: &Service) -> bool {
    slice.metadata.owner_references.iter().any(|owner| {
        owner.uid == service.metadata.uid && owner.kind == "Service" && owner.api_version == "v1"
    })
}

/// A slice without endpoints, to be created.
fn new_slice(
    service: &Service,
    address_type: AddressType,
    ports: Vec<EndpointPort>,
) -> EndpointSlice {
    let name = &service.metadata.name;
    let mut prefix = format!("{name}-");
    if !names::dns_1123_subdomain(&names::without_trailing_hyphen(&prefix)).is_empty() {
        prefix.pop();
    }
    EndpointSlice {
        metadata: ObjectMeta {
            generate_name: prefix,
            namespace: service.metadata.namespace.clone(),
            labels: slice_labels(service),
            owner_references: vec![OwnerReference {
                api_version: "v1".to_owned(),
                kind: "Service".to_owned(),
                name: name.clone(),
                uid: service.metadata.uid.clone(),
                controller: Some(true),
                block_owner_deletion: Some(true),
            }],
            ..ObjectMeta::default()
        },
        address_type: address_type.to_string(),
        endpoints: Vec::new(),
        ports,
    }
}

const RESERVED_LABELS: [&str; 3] = [SERVICE_NAME_LABEL, MANAGED_BY_LABEL, HEADLESS_LABEL];

/// The Service's own labels, but for the reserved ones, which the controller sets.
fn slice_labels(service: &Service) -> BTreeMap<String, String> {
    let mut labels = service.metadata.labels.clone();
    labels.retain(|key, _| !RESERVED_LABELS.contains(&key.as_str()));
    if !has_cluster_ip(service) {
        labels.insert(HEADLESS_LABEL.to_owned(), String::new());
    }
    labels.insert(SERVICE_NAME_LABEL.to_owned(), service.metadata.name.clone());
    labels.insert(MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned());
    labels
}

/// Whether the labels copied from the Service have changed. The reserved ones are not compared.
fn labels_changed(slice: &EndpointSlice, service: &Service) -> bool {
    let own = |labels: &BTreeMap<String, String>| {
        let mut labels = labels.clone();
        labels.retain(|key, _| !RESERVED_LABELS.contains(&key.as_str()));
        labels
    };
    own(&slice.metadata.labels) != own(&service.metadata.labels)
}

/// Whether a slice is the placeholder already. As in the original an absent label equals an empty
/// one, and owners are not compared.
fn is_same_placeholder(old: &EndpointSlice, new: &EndpointSlice) -> bool {
    let covers = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| {
        a.iter()
            .all(|(key, value)| b.get(key).map_or("", String::as_str) == value)
    };
    let (a, b) = (&old.metadata.labels, &new.metadata.labels);
    old.metadata.namespace == new.metadata.namespace
        && covers(a, b)
        && covers(b, a)
        && old.address_type == new.address_type
        && old.endpoints.is_empty()
        && old.ports.is_empty()
}

#[cfg(test)]
mod tests;
