//! The world as a [`Scene`]: what stands where, and what is missing.

use std::collections::BTreeMap;

use super::scene::{
    Client, Desk, DeskPort, DeskType, Directory, Door, Entrance, ListEntry, Room, RoomState, Scene,
    Wing,
};
use super::slots::Slots;
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
    rules: impl Fn(&str) -> u32,
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
            })
            .collect(),
        rooms: store
            .pods()
            .filter(|pod| !is_hidden(world, pod))
            .map(|pod| room(pod, slots))
            .collect(),
        desks: store
            .services()
            .map(|service| {
                let key = (
                    service.metadata.namespace.as_str(),
                    service.metadata.name.as_str(),
                );
                desk(world, service, lists.get(&key).map_or(&[], Vec::as_slice))
            })
            .collect(),
        street,
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

fn directory(store: &Store) -> Option<Directory> {
    let service = store.service("kube-system", "kube-dns")?;
    let port = service.spec.ports.first()?;
    Some(Directory {
        address: format!("{}:{}", service.spec.cluster_ip, port.port),
    })
}

fn room(pod: &Pod, slots: &Slots) -> Room {
    let reference = reference(pod);
    let (wing, slot) = slots.of(&reference);
    Room {
        pod: reference,
        wing,
        slot,
        address: pod.status.pod_ip.clone(),
        state: room_state(pod),
        owner: owner(pod),
        host_network: pod.spec.host_network,
    }
}

fn room_state(pod: &Pod) -> RoomState {
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

/// What a person calls the Pod's group: the Deployment behind its ReplicaSet, another owner, or
/// the Pod itself.
fn owner(pod: &Pod) -> String {
    let owner = pod
        .metadata
        .owner_references
        .iter()
        .find(|owner| owner.controller == Some(true));
    match owner {
        Some(owner) if owner.kind == "ReplicaSet" => owner.name.rsplit_once('-').map_or_else(
            || owner.name.clone(),
            |(deployment, _)| deployment.to_owned(),
        ),
        Some(owner) => owner.name.clone(),
        None => pod.metadata.name.clone(),
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

fn desk(world: &World, service: &Service, slices: &[&EndpointSlice]) -> Desk {
    let reference = ObjectRef::new(
        Kind::Service,
        &service.metadata.namespace,
        &service.metadata.name,
    );
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
        entrance: entrance(service),
        missing: missing(world, service, &list),
        list,
        service: reference,
        of_the_cluster,
    }
}

fn entrance(service: &Service) -> Entrance {
    if service.spec.type_ != "LoadBalancer" {
        return Entrance::None;
    }
    let addresses: Vec<String> = service
        .status
        .load_balancer
        .ingress
        .iter()
        .map(|ingress| {
            if ingress.ip.is_empty() {
                ingress.hostname.clone()
            } else {
                ingress.ip.clone()
            }
        })
        .collect();
    if addresses.is_empty() {
        Entrance::Pending
    } else {
        Entrance::Built { addresses }
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
fn missing(world: &World, service: &Service, list: &[ListEntry]) -> Option<Words> {
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
    let elsewhere = world.store.pods().find(|pod| {
        pod.metadata.namespace != service.metadata.namespace
            && crate::api::selector::service_selects(selector, &pod.metadata.labels)
    });
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
