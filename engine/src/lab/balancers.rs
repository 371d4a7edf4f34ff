//! The load balancers of a world as hosts of its network.
//!
//! What stands there, and what it has noticed, is the cluster's ([`crate::cluster::Balancer`]); how a
//! provider's packets travel is put together here:
//!
//! | provider | on the wires |
//! | --- | --- |
//! | MetalLB | one Node answers ARP for the address; no host of its own |
//! | Google Cloud, Azure | passed through with the address as destination; the Node answers the client |
//! | AWS, targets `instance` | the destination becomes a node port, the source stays |
//! | AWS, targets `ip` | a connection of its own to a Pod (client IP preservation is off there) |
//! | cloud-provider-kind | a connection of its own to a node port |
//!
//! Source: see [`crate::controllers::load_balancer`].

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::world::World;
use crate::api::{FieldPath, Kind, ObjectRef, Service, ServicePort};
use crate::cluster;
use crate::controllers::endpoint_slice::SERVICE_NAME_LABEL;
use crate::controllers::load_balancer::{self, HealthCheck, Provider, Targets};
use crate::controllers::nodes;
use crate::net::{IpFamily, Protocol};
use crate::network::{Backend, Balancer, Front, Network, Passing};

/// The last part of the address from which the first load balancer of AWS opens connections; the
/// next ones go down from there.
const OWN_HOST: u32 = 240;

/// Puts a world's load balancers into its network. `lan` are the router's addresses there.
pub(super) fn add(world: &World, lan: &[IpNet], network: &mut Network) {
    let mut host = OWN_HOST;
    for (reference, known) in world.cluster().balancers() {
        let Some(service) = world.store.service(&reference.namespace, &reference.name) else {
            continue;
        };
        let addresses = addresses(service, known);
        let targets = || {
            (world.store.nodes())
                .filter(|node| load_balancer::is_target(node))
                .map(|node| node.metadata.name.as_str())
        };
        if known.provider == Provider::MetalLb {
            for address in addresses {
                let able = known.healthy.iter().map(String::as_str);
                let node = load_balancer::announcer(able, address);
                network.announce(address, reference.clone(), node);
            }
            continue;
        }
        if known.provider == Provider::Gcp {
            for &address in &addresses {
                targets().for_each(|node| network.add_local_route(address, node));
            }
        }
        let own = (lan.iter().find(|_| known.provider == Provider::Aws))
            .and_then(|lan| own_address(lan, network, &mut host));
        let balancer = balancer(world, service, known, addresses);
        network.add_balancer(own, balancer);
    }
}

/// The names of load balancers and their addresses, as the resolvers of the internet know them.
pub(super) fn names(world: &World) -> Vec<(String, IpAddr)> {
    let mut names = Vec::new();
    for (reference, known) in world.cluster().balancers() {
        let service = world.store.service(&reference.namespace, &reference.name);
        let ingress = service.map(|service| &service.status.load_balancer.ingress);
        for own in ingress.into_iter().flatten() {
            if let (false, Some(address)) = (own.hostname.is_empty(), known.address) {
                names.push((own.hostname.clone(), address));
            }
        }
    }
    names
}

/// The addresses at which clients find a load balancer.
fn addresses(service: &Service, known: &cluster::Balancer) -> Vec<IpAddr> {
    (service.status.load_balancer.ingress.iter())
        .filter_map(|own| own.ip.parse().ok())
        .chain(known.address)
        .collect()
}

/// A free address on the LAN.
fn own_address(lan: &IpNet, network: &Network, host: &mut u32) -> Option<IpNet> {
    let IpNet::V4(net) = lan else { return None };
    while *host > 1 {
        let address = IpAddr::from((u32::from(net.network()) + *host).to_be_bytes());
        *host -= 1;
        if network.owner_of(address).is_none()
            && net.contains(match &address {
                IpAddr::V4(address) => address,
                IpAddr::V6(_) => return None,
            })
        {
            return IpNet::new(address, lan.prefix_len()).ok();
        }
    }
    None
}

fn balancer(
    world: &World,
    service: &Service,
    known: &cluster::Balancer,
    addresses: Vec<IpAddr>,
) -> Balancer {
    let provider = known.provider;
    let targets = provider.targets(service);
    let fronts = (service.spec.ports.iter())
        .filter_map(|port| {
            let backends = match targets {
                Targets::Pods => pods(world, service, port, known),
                Targets::Address | Targets::NodePorts => nodes_of(world, port, targets, known),
            };
            Some(Front {
                protocol: protocol(&port.protocol)?,
                port: u16::try_from(port.port).ok()?,
                targets: backends,
            })
        })
        .collect();
    let local = service.spec.external_traffic_policy == "Local";
    Balancer {
        service: ObjectRef::new(
            Kind::Service,
            &*service.metadata.namespace,
            &*service.metadata.name,
        ),
        product: provider.product().to_owned(),
        addresses,
        passing: match (provider, targets) {
            (Provider::Kind, _) | (_, Targets::Pods) => Passing::Proxied,
            (_, Targets::NodePorts) => Passing::Translated,
            (_, Targets::Address) => Passing::Through,
        },
        fronts,
        sources: (service.spec.load_balancer_source_ranges.iter())
            .filter_map(|range| range.trim().parse().ok())
            .collect(),
        by_source: service.spec.session_affinity == "ClientIP",
        fails_open: provider.fails_open(),
        is_active: known.is_active,
        check: match provider.health_check(service) {
            Some(HealthCheck::Http(port)) => format!("GET :{port}/healthz"),
            Some(HealthCheck::Tcp(port)) => format!("a connection to port {port}"),
            None if targets == Targets::Pods => "a connection to the Pod".to_owned(),
            None => String::new(),
        },
        checks: FieldPath::new(if local {
            "spec.externalTrafficPolicy"
        } else {
            "spec.selector"
        }),
        idle_ms: provider.idle(),
    }
}

/// The Nodes as targets of a port.
fn nodes_of(
    world: &World,
    port: &ServicePort,
    targets: Targets,
    known: &cluster::Balancer,
) -> Vec<Backend> {
    let number = match targets {
        Targets::NodePorts => u16::try_from(port.node_port).ok().filter(|&port| port > 0),
        _ => u16::try_from(port.port).ok(),
    };
    let Some(number) = number else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for node in (world.store.nodes()).filter(|node| load_balancer::is_target(node)) {
        let name = &node.metadata.name;
        for address in nodes::internal_ips(node) {
            found.push(Backend {
                name: name.clone(),
                to: SocketAddr::new(address, number),
                is_healthy: known.healthy.contains(name),
            });
        }
    }
    // One address of each family and Node.
    let mut seen: Vec<(String, IpFamily)> = Vec::new();
    found.retain(|own| {
        let key = (own.name.clone(), IpFamily::of(own.to.ip()));
        let is_first = !seen.contains(&key);
        if is_first {
            seen.push(key);
        }
        is_first
    });
    found
}

/// The Pods behind a port as targets: what the Service's slices list as ready.
fn pods(
    world: &World,
    service: &Service,
    port: &ServicePort,
    known: &cluster::Balancer,
) -> Vec<Backend> {
    let metadata = &service.metadata;
    let mut found = Vec::new();
    for slice in world.store.endpoint_slices() {
        if slice.metadata.namespace != metadata.namespace
            || slice.metadata.labels.get(SERVICE_NAME_LABEL) != Some(&metadata.name)
        {
            continue;
        }
        let number = (slice.ports.iter())
            .find(|own| own.name.as_deref().unwrap_or("") == port.name)
            .and_then(|own| u16::try_from(own.port?).ok());
        let Some(number) = number else { continue };
        for endpoint in &slice.endpoints {
            if endpoint.conditions.ready == Some(false) {
                continue;
            }
            for address in &endpoint.addresses {
                let Ok(to) = address.parse() else { continue };
                let pod = (endpoint.target_ref.as_ref()).map_or(address.as_str(), |own| &own.name);
                found.push(Backend {
                    name: format!("{}/{pod}", metadata.namespace),
                    to: SocketAddr::new(to, number),
                    is_healthy: known.healthy.contains(address),
                });
            }
        }
    }
    found
}

fn protocol(text: &str) -> Option<Protocol> {
    if text.is_empty() {
        Some(Protocol::Tcp)
    } else {
        text.parse().ok()
    }
}
