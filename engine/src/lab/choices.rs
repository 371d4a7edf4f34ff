//! What the send bar offers: who can send, and where to.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::picture;
use super::scene::{Client, DeskType};
use super::world::World;
use crate::api::{Kind, ObjectRef, Pod, Service};
use crate::controllers::nodes;
use crate::net::{Protocol, host_port};
use crate::network::{ClientKind, Request};

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// What [`Request::from`] or [`Request::to`] says to mean it.
    pub id: String,
    /// What a person reads.
    pub label: String,
    /// Under which heading it stands.
    pub group: String,
    /// The protocol that goes with a target; `None` for clients.
    pub protocol: Option<Protocol>,
    /// The object that it is, for linked highlighting.
    pub object: Option<ObjectRef>,
}

/// Who can send: the street, the Pods, the Nodes.
pub(super) fn clients(world: &World, street: &[Client]) -> Vec<Choice> {
    let outside = street.iter().map(|client| Choice {
        id: client.id.clone(),
        label: client.name.clone(),
        group: "Outside".to_owned(),
        protocol: None,
        object: None,
    });
    let pods = running_pods(world).map(|pod| {
        let metadata = &pod.metadata;
        Choice {
            id: format!("pod/{}/{}", metadata.namespace, metadata.name),
            label: metadata.name.clone(),
            group: group("Pods", &metadata.namespace),
            protocol: None,
            object: Some(picture::reference(pod)),
        }
    });
    let nodes = world.store.nodes().map(|node| Choice {
        id: format!("node/{}", node.metadata.name),
        label: node.metadata.name.clone(),
        group: "Nodes".to_owned(),
        protocol: None,
        object: Some(ObjectRef::new(Kind::Node, "", &node.metadata.name)),
    });
    outside.chain(pods).chain(nodes).collect()
}

/// Where to send: Services' ports, node ports of every Node, Pods themselves.
pub(super) fn targets(world: &World) -> Vec<Choice> {
    let mut choices = Vec::new();
    let mut services: Vec<&Service> = world.store.services().collect();
    // What a person wrote comes before what the cluster brought along.
    services.sort_by_key(|service| world.document_of(&reference(service)).unwrap_or(usize::MAX));
    for service in &services {
        let spec = &service.spec;
        let object = Some(reference(service));
        for port in &spec.ports {
            let Some((number, protocol)) = number_and_protocol(port.port, &port.protocol) else {
                continue;
            };
            for (index, address) in cluster_ips(service).into_iter().enumerate() {
                let id = host_port(address, Some(number));
                choices.push(Choice {
                    // The other family's address is told apart by itself.
                    label: match index {
                        0 => format!("{}:{number}", service.metadata.name),
                        _ => format!("{} ({id})", service.metadata.name),
                    },
                    id,
                    group: group("Services", &service.metadata.namespace),
                    protocol: Some(protocol),
                    object: object.clone(),
                });
            }
        }
    }
    choices.extend(services.iter().flat_map(|service| names(service)));
    for service in &services {
        let object = Some(reference(service));
        for port in &service.spec.ports {
            let Some((number, protocol)) = number_and_protocol(port.node_port, &port.protocol)
            else {
                continue;
            };
            choices.extend(world.store.nodes().map(|node| Choice {
                id: format!("{}:{number}", node.metadata.name),
                label: format!("{}:{number}", node.metadata.name),
                group: format!("Node port of {}", service.metadata.name),
                protocol: Some(protocol),
                object: object.clone(),
            }));
        }
    }
    choices.extend(services.iter().flat_map(|service| balancers(service)));
    for pod in running_pods(world) {
        let Ok(address) = pod.status.pod_ip.parse() else {
            continue;
        };
        for port in pod
            .spec
            .containers
            .iter()
            .flat_map(|container| &container.ports)
        {
            let Some((number, protocol)) = number_and_protocol(port.container_port, &port.protocol)
            else {
                continue;
            };
            choices.push(Choice {
                id: host_port(address, Some(number)),
                label: format!(
                    "{} ({})",
                    host_port(address, Some(number)),
                    pod.metadata.name
                ),
                group: group("Pods themselves", &pod.metadata.namespace),
                protocol: Some(protocol),
                object: Some(picture::reference(pod)),
            });
        }
    }
    choices
}

/// A Service by its name, as every Pod knows it: with each port, and an ExternalName without ports
/// as the host of a URL.
fn names(service: &Service) -> Vec<Choice> {
    let metadata = &service.metadata;
    let name = format!("{}.{}", metadata.name, metadata.namespace);
    let choice = |id: String, protocol| Choice {
        label: id.clone(),
        id,
        group: "Names".to_owned(),
        protocol: Some(protocol),
        object: Some(reference(service)),
    };
    let spec = &service.spec;
    if spec.type_ == "ExternalName" && spec.ports.is_empty() {
        return vec![choice(format!("https://{name}"), Protocol::Tcp)];
    }
    (spec.ports.iter())
        .filter_map(|port| number_and_protocol(port.port, &port.protocol))
        .map(|(number, protocol)| choice(format!("{name}:{number}"), protocol))
        .collect()
}

/// A Service's cluster addresses, one a family.
fn cluster_ips(service: &Service) -> Vec<IpAddr> {
    let spec = &service.spec;
    let single = [spec.cluster_ip.clone()];
    let all = match spec.cluster_ips.is_empty() {
        true => &single[..],
        false => &spec.cluster_ips[..],
    };
    all.iter()
        .filter_map(|address| address.parse().ok())
        .collect()
}

/// A Service's load balancer, by its addresses and names, with each port.
fn balancers(service: &Service) -> Vec<Choice> {
    let mut found = Vec::new();
    for ingress in &service.status.load_balancer.ingress {
        for port in &service.spec.ports {
            let Some((number, protocol)) = number_and_protocol(port.port, &port.protocol) else {
                continue;
            };
            let id = match ingress.ip.parse() {
                Ok(address) => host_port(address, Some(number)),
                Err(_) if ingress.hostname.is_empty() => continue,
                Err(_) => format!("{}:{number}", ingress.hostname),
            };
            found.push(Choice {
                label: id.clone(),
                id,
                group: format!("Load balancer of {}", service.metadata.name),
                protocol: Some(protocol),
                object: Some(reference(service)),
            });
        }
    }
    found
}

/// What one click sends in a fresh world: the request that shows most of the way.
///
/// With a node port: from outside to a Node that has no Pod of the Service, where there is one. So
/// the packet is rewritten twice and crosses the Pod network. Otherwise: from a Pod that does not
/// belong to the Service to its cluster address; from another Namespace, to its name.
pub(super) fn suggestion(world: &World, street: &[Client]) -> Option<Request> {
    let mut services: Vec<(usize, &Service)> = world
        .store
        .services()
        .filter_map(|service| Some((world.document_of(&reference(service))?, service)))
        .collect();
    services.sort_by_key(|(index, _)| *index);
    let lan = street.iter().find(|client| client.kind == ClientKind::Lan);

    for (_, service) in &services {
        let Some(client) = lan else { break };
        for port in &service.spec.ports {
            let Some((number, protocol)) = number_and_protocol(port.node_port, &port.protocol)
            else {
                continue;
            };
            let node = world
                .store
                .nodes()
                .filter(|node| nodes::internal_ip(node).is_some())
                .min_by_key(|node| {
                    let has_one = world.store.pods().any(|pod| {
                        pod.spec.node_name == node.metadata.name && is_selected(service, pod)
                    });
                    // The last of those without, so that the way is long.
                    (
                        has_one,
                        std::cmp::Reverse(world.store.nodes().position(|n| n == *node)),
                    )
                })?;
            return Some(Request {
                from: client.id.clone(),
                to: format!("{}:{number}", node.metadata.name),
                protocol,
            });
        }
    }
    for (_, service) in &services {
        if picture::desk_type(service) != DeskType::ClusterIP {
            continue;
        }
        let Some(port) = service.spec.ports.first() else {
            continue;
        };
        let Some((number, protocol)) = number_and_protocol(port.port, &port.protocol) else {
            continue;
        };
        let Ok(address) = service.spec.cluster_ip.parse() else {
            continue;
        };
        let namespace = &service.metadata.namespace;
        let pod = running_pods(world).min_by_key(|pod| {
            (
                is_selected(service, pod),
                pod.metadata.namespace != *namespace,
            )
        });
        // From another Namespace it is the name that there is to see, if the Pod asks cluster DNS.
        let knows_names = |pod: &Pod| {
            !pod.spec.host_network && matches!(pod.spec.dns_policy.as_str(), "" | "ClusterFirst")
        };
        let to = if pod.is_some_and(|pod| pod.metadata.namespace != *namespace && knows_names(pod))
        {
            format!("{}.{namespace}:{number}", service.metadata.name)
        } else {
            host_port(address, Some(number))
        };
        let from = pod
            .map(|pod| format!("pod/{}/{}", pod.metadata.namespace, pod.metadata.name))
            .or_else(|| {
                let node = world.store.nodes().next()?;
                Some(format!("node/{}", node.metadata.name))
            })?;
        return Some(Request { from, to, protocol });
    }
    None
}

fn is_selected(service: &Service, pod: &Pod) -> bool {
    service.metadata.namespace == pod.metadata.namespace
        && service.spec.selector.as_ref().is_some_and(|selector| {
            crate::api::selector::service_selects(selector, &pod.metadata.labels)
        })
}

/// Pods that can send, the person's own before the cluster's.
fn running_pods(world: &World) -> impl Iterator<Item = &Pod> {
    let can_send = |pod: &&Pod| !pod.status.pod_ip.is_empty() && pod.status.phase == "Running";
    let is_system = |pod: &&Pod| pod.metadata.namespace == "kube-system";
    let own = world
        .store
        .pods()
        .filter(can_send)
        .filter(move |pod| !is_system(pod));
    own.chain(world.store.pods().filter(can_send).filter(is_system))
}

fn reference(service: &Service) -> ObjectRef {
    ObjectRef::new(
        Kind::Service,
        &service.metadata.namespace,
        &service.metadata.name,
    )
}

fn group(what: &str, namespace: &str) -> String {
    if namespace == "default" {
        what.to_owned()
    } else {
        format!("{what} in {namespace}")
    }
}

fn number_and_protocol(number: i32, protocol: &str) -> Option<(u16, Protocol)> {
    let number = u16::try_from(number).ok().filter(|number| *number != 0)?;
    Some((number, protocol.parse().ok()?))
}
