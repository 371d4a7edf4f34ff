//! The world as a [`Scene`]: what stands where, and what is missing.

use std::collections::BTreeMap;

use super::entrance::{entrance, forward};
use super::scene::{
    Client, Desk, DeskPort, DeskType, Directory, Door, LeftOut, ListEntry, Room, RoomState, Scene,
    Wing,
};
use super::slots::{Places, Slots};
use super::system::NAMESPACES;
use super::world::World;
use crate::api::{EndpointSlice, Kind, ObjectRef, Pod, Service, Store};
use crate::controllers::endpoint_slice::SERVICE_NAME_LABEL;
use crate::controllers::{kubelet, nodes, scheduler};
use crate::network::{Mark, Phrase, Words};

/// The cluster's name on the sign.
const CLUSTER: &str = "lab";

/// Draws the world. `rules` says how many rules a Node has.
pub(super) fn scene(
    world: &World,
    slots: &Slots,
    street: Vec<Client>,
    rules: impl Fn(&str) -> Option<u32>,
) -> Scene {
    let store = &world.store;
    let mut lists: BTreeMap<(&str, &str), Vec<&EndpointSlice>> = BTreeMap::new();
    for slice in store.endpoint_slices() {
        if let Some(service) = slice.metadata.labels.get(SERVICE_NAME_LABEL) {
            lists
                .entry((&slice.metadata.namespace, service))
                .or_default()
                .push(slice);
        }
    }
    let places = slots.places();
    let homes = Homes::of(world);
    Scene {
        cluster: CLUSTER.to_owned(),
        directory: directory(store),
        wings: slots
            .wings()
            .iter()
            .filter_map(|name| store.node("", name))
            .map(|node| Wing {
                node: ObjectRef::new(Kind::Node, "", &node.metadata.name),
                address: nodes::internal_ip(node)
                    .map(|ip| ip.to_string())
                    .unwrap_or_default(),
                zone: node
                    .metadata
                    .labels
                    .get("topology.kubernetes.io/zone")
                    .cloned(),
                rules: rules(&node.metadata.name),
                cordoned: scheduler::is_closed(node),
                running: world.cluster().is_running(&node.metadata.name),
                more: 0,
            })
            .collect(),
        rooms: store
            .pods()
            .filter(|pod| !is_hidden(world, pod))
            .map(|pod| room(world, pod, slots, &places))
            .collect(),
        desks: store
            .services()
            .map(|service| {
                let key = (
                    service.metadata.namespace.as_str(),
                    service.metadata.name.as_str(),
                );
                let slices = lists.get(&key).map_or(&[][..], Vec::as_slice);
                desk(world, &homes, service, slices)
            })
            .collect(),
        street,
        left_out: LeftOut::default(),
    }
}

/// The Pods by their labels, so that a Service's kin in other namespaces is found without asking
/// every Pod.
struct Homes<'a>(Vec<(&'a str, &'a str, &'a Pod)>);

impl<'a> Homes<'a> {
    fn of(world: &'a World) -> Self {
        let pods = world.store.pods();
        let mut labels: Vec<(&str, &str, &Pod)> = pods
            .flat_map(|pod| {
                let labels = pod.metadata.labels.iter();
                labels.map(move |(key, value)| (key.as_str(), value.as_str(), pod))
            })
            .collect();
        // Stable, so that the Pods of a label stay in the store's order.
        labels.sort_by_key(|(key, value, _)| (*key, *value));
        Self(labels)
    }

    /// The first Pod outside of a namespace that a selector means.
    fn outside(&self, namespace: &str, selector: &BTreeMap<String, String>) -> Option<&'a Pod> {
        let (key, value) = selector.first_key_value()?;
        let wanted = (key.as_str(), value.as_str());
        let from = self.0.partition_point(|(k, v, _)| (*k, *v) < wanted);
        let here = self.0.get(from..)?.iter();
        here.take_while(|(k, v, _)| (*k, *v) == wanted)
            .map(|(_, _, pod)| *pod)
            .find(|pod| {
                pod.metadata.namespace != namespace
                    && crate::api::selector::service_selects(selector, &pod.metadata.labels)
            })
    }
}

/// Cluster DNS' own Pods are the directory on the wall, not rooms; a manifest's Pods are rooms.
pub(super) fn is_hidden(world: &World, pod: &Pod) -> bool {
    pod.metadata.namespace == "kube-system" && world.document_of(&reference(pod)).is_none()
}

/// The reference of a Pod.
pub(super) fn reference(pod: &Pod) -> ObjectRef {
    ObjectRef::new(Kind::Pod, &pod.metadata.namespace, &pod.metadata.name)
}

/// The reference of a Service.
pub(super) fn service_reference(service: &Service) -> ObjectRef {
    ObjectRef::new(
        Kind::Service,
        &service.metadata.namespace,
        &service.metadata.name,
    )
}

fn directory(store: &Store) -> Option<Directory> {
    let service = store.service("kube-system", "kube-dns")?;
    let port = service.spec.ports.first()?;
    Some(Directory {
        service: service_reference(service),
        address: format!("{}:{}", service.spec.cluster_ip, port.port),
    })
}

fn room(world: &World, pod: &Pod, slots: &Slots, places: &Places<'_>) -> Room {
    let reference = reference(pod);
    let (wing, slot) = slots.of(&reference, places);
    let (owner_kind, owner) = owner(pod);
    Room {
        wing,
        slot,
        address: pod.status.pod_ip.clone(),
        state: room_state(pod),
        owner,
        owner_kind,
        host_network: pod.spec.host_network,
        listening: world.cluster().listening(&reference),
        pod: reference,
    }
}

pub(super) fn room_state(pod: &Pod) -> RoomState {
    if pod.metadata.deletion_timestamp.is_some() {
        RoomState::Terminating
    } else if matches!(pod.status.phase.as_str(), "Succeeded" | "Failed") {
        RoomState::Finished
    } else if pod.status.pod_ip.is_empty() {
        RoomState::Pending
    } else if kubelet::is_ready(pod) {
        RoomState::Ready
    } else {
        RoomState::NotReady
    }
}

/// What a person calls the Pod's group, kind and name: the Deployment behind its ReplicaSet, another
/// owner, or the Pod itself.
pub(super) fn owner(pod: &Pod) -> (String, String) {
    let owner = pod
        .metadata
        .owner_references
        .iter()
        .find(|owner| owner.controller == Some(true));
    match owner {
        Some(owner) if owner.kind == "ReplicaSet" => match owner.name.rsplit_once('-') {
            Some((deployment, _)) => ("Deployment".to_owned(), deployment.to_owned()),
            None => (owner.kind.clone(), owner.name.clone()),
        },
        Some(owner) => (owner.kind.clone(), owner.name.clone()),
        None => ("Pod".to_owned(), pod.metadata.name.clone()),
    }
}

/// A Service's type as people see it.
pub(super) fn desk_type(service: &Service) -> DeskType {
    match service.spec.type_.as_str() {
        "NodePort" => DeskType::NodePort,
        "LoadBalancer" => DeskType::LoadBalancer,
        "ExternalName" => DeskType::ExternalName,
        _ if service.spec.cluster_ip == "None" => DeskType::Headless,
        _ => DeskType::ClusterIP,
    }
}

fn desk(world: &World, homes: &Homes<'_>, service: &Service, slices: &[&EndpointSlice]) -> Desk {
    let reference = service_reference(service);
    let spec = &service.spec;
    let list = list(service, slices);
    let of_the_cluster = world.document_of(&reference).is_none()
        && NAMESPACES.contains(&service.metadata.namespace.as_str());
    Desk {
        type_: desk_type(service),
        address: if spec.cluster_ip == "None" {
            String::new()
        } else {
            spec.cluster_ip.clone()
        },
        ports: spec
            .ports
            .iter()
            .map(|port| DeskPort {
                name: port.name.clone(),
                text: if port.node_port == 0 {
                    format!("{}/{}", port.port, port.protocol)
                } else {
                    format!("{}:{}/{}", port.port, port.node_port, port.protocol)
                },
                target: port
                    .target_port
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            })
            .collect(),
        doors: spec
            .ports
            .iter()
            .filter_map(|port| {
                let number = u16::try_from(port.node_port)
                    .ok()
                    .filter(|number| *number != 0)?;
                let service_port = if port.name.is_empty() {
                    port.port.to_string()
                } else {
                    port.name.clone()
                };
                Some(Door {
                    port: number,
                    service_port,
                })
            })
            .collect(),
        entrance: entrance(world, service),
        forward: forward(service),
        missing: missing(homes, service, &list),
        list,
        service: reference,
        of_the_cluster,
    }
}

fn list(service: &Service, slices: &[&EndpointSlice]) -> Vec<ListEntry> {
    let mut entries: BTreeMap<&str, ListEntry> = BTreeMap::new();
    for endpoint in slices.iter().flat_map(|slice| &slice.endpoints) {
        let Some(address) = endpoint.addresses.first() else {
            continue;
        };
        let conditions = endpoint.conditions;
        let ready = conditions.ready.unwrap_or(true);
        let reason = if conditions.terminating.unwrap_or(false) {
            "terminating"
        } else if !ready {
            "not ready"
        } else {
            ""
        };
        let pod = endpoint
            .target_ref
            .as_ref()
            .filter(|target| target.kind == "Pod")
            .map(|target| ObjectRef::new(Kind::Pod, &target.namespace, &target.name));
        let entry = ListEntry {
            address: address.clone(),
            pod,
            in_: ready,
            reason: reason.to_owned(),
        };
        // The same address in two slices is one place; the one that is in counts.
        entries
            .entry(address)
            .and_modify(|old| {
                if !old.in_ {
                    *old = entry.clone();
                }
            })
            .or_insert(entry);
    }
    let mut entries: Vec<ListEntry> = entries.into_values().collect();
    // As numbers, not as text: .9 before .10.
    entries.sort_by_key(|entry| entry.address.parse::<std::net::IpAddr>().ok());
    if service.spec.type_ == "ExternalName" {
        entries.clear();
    }
    entries
}

/// What a Service lacks so that nobody can be sent anywhere.
fn missing(homes: &Homes<'_>, service: &Service, list: &[ListEntry]) -> Option<Words> {
    let spec = &service.spec;
    if spec.type_ == "ExternalName" || list.iter().any(|entry| entry.in_) {
        return None;
    }
    let selector = spec
        .selector
        .as_ref()
        .filter(|selector| !selector.is_empty());
    let Some(selector) = selector else {
        return Some(Words::new(
            "The desk gives out no kind of room, and nobody wrote it a list.",
            "No selector, and no EndpointSlice for it.",
        ));
    };
    let kind: Vec<String> = selector
        .iter()
        .map(|(key, value)| format!("{key}: {value}"))
        .collect();
    let kind = kind.join(", ");
    if !list.is_empty() {
        return Some(Words::new(
            Phrase::from("No room of the kind ")
                .mark(Mark::Bad, &*kind)
                .say(" is made up."),
            Phrase::from("None of the Pods with ")
                .mark(Mark::Bad, &*kind)
                .say(" is ready."),
        ));
    }
    // The most common mistake of all: the right labels in another namespace.
    let elsewhere = homes.outside(&service.metadata.namespace, selector);
    Some(match elsewhere {
        Some(pod) => Words::new(
            Phrase::from("Rooms of the kind ")
                .mark(Mark::Bad, &*kind)
                .say(format!(
                    " are in another house only: {}.",
                    pod.metadata.namespace
                )),
            Phrase::from("Pods with ")
                .mark(Mark::Bad, &*kind)
                .say(format!(
                    " are in namespace {} only.",
                    pod.metadata.namespace
                )),
        ),
        None => Words::new(
            Phrase::from("No room is of the kind ")
                .mark(Mark::Bad, &*kind)
                .say("."),
            Phrase::from("No Pod has ").mark(Mark::Bad, &*kind).say("."),
        ),
    })
}
