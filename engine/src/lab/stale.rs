//! Stale UDP connections: what kube-proxy clears away when Services and endpoints change.
//!
//! A UDP client that goes on sending from one port keeps its entry in the connection table alive,
//! and the entry goes on deciding where its datagrams go. So after a sync kube-proxy deletes the
//! entries whose endpoint is gone or no longer ready, and those of a Service's address that were
//! made while it had no endpoint. TCP's are left alone: their clients notice.
//!
//! Source: `CleanStaleEntries` in `pkg/proxy/conntrack/cleanup.go`, Kubernetes v1.30. Left out: an
//! endpoint that moved from one Service to another within one change.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use super::world::World;
use crate::controllers::endpoint_slice::SERVICE_NAME_LABEL;
use crate::net::Protocol;
use crate::netfilter::HostState;
use crate::netfilter::conntrack::{Connection, FlowProtocol};
use crate::network::State;

/// Clears away what is stale in this world, on every Node.
pub(super) fn clear(state: &mut Rc<State>, world: &World) {
    // Every change of the world comes by here, and hardly any finds a Node that remembers UDP.
    let remembers = |name: &str| state.node(name).is_some_and(remembers_udp);
    let nodes: Vec<&str> = (world.store.nodes())
        .map(|node| node.metadata.name.as_str())
        .filter(|name| remembers(name))
        .collect();
    if nodes.is_empty() {
        return;
    }
    let ready = ready_endpoints(world);
    let served = served_addresses(world);
    let node_ports = served_node_ports(world);
    let state = Rc::make_mut(state);
    for name in nodes {
        let stale = |connection: &Connection| {
            let (asked, got) = (&connection.original, &connection.reply);
            if asked.protocol != FlowProtocol::Udp {
                return false;
            }
            let endpoint = SocketAddr::new(got.src, got.sport);
            let to = SocketAddr::new(asked.dst, asked.dport);
            if endpoint == to {
                // It was sent to a Service's address as it is: nobody was there to rewrite it.
                served.contains(&to) || (node_ports.contains(&to.port()) && !ready.contains(&to))
            } else {
                !ready.contains(&endpoint)
            }
        };
        let host = state.node_mut(name);
        host.conntrack.delete(stale);
        host.ipvs.delete_udp(|real| !ready.contains(&real));
    }
}

/// Whether a host knows any UDP connection.
fn remembers_udp(host: &HostState) -> bool {
    (host.conntrack.connections())
        .any(|connection| connection.original.protocol == FlowProtocol::Udp)
        || (host.ipvs.connections()).any(|connection| connection.protocol == Protocol::Udp)
}

/// The ready endpoints of all UDP ports.
fn ready_endpoints(world: &World) -> BTreeSet<SocketAddr> {
    let mut found = BTreeSet::new();
    for slice in world.store.endpoint_slices() {
        let ports = (slice.ports.iter())
            .filter(|port| port.protocol.as_deref() == Some("UDP"))
            .filter_map(|port| u16::try_from(port.port?).ok());
        for port in ports {
            for endpoint in &slice.endpoints {
                if endpoint.conditions.ready == Some(false) {
                    continue;
                }
                for address in endpoint
                    .addresses
                    .iter()
                    .filter_map(|text| text.parse().ok())
                {
                    found.insert(SocketAddr::new(address, port));
                }
            }
        }
    }
    found
}

/// The addresses of Services' UDP ports, of those that have a ready endpoint.
fn served_addresses(world: &World) -> BTreeSet<SocketAddr> {
    let mut found = BTreeSet::new();
    for_each_served_port(world, |service, port| {
        let spec = &service.spec;
        let balancer = service
            .status
            .load_balancer
            .ingress
            .iter()
            .map(|ingress| &ingress.ip);
        let addresses = (spec.cluster_ips.iter())
            .chain([&spec.cluster_ip])
            .chain(&spec.external_ips)
            .chain(balancer);
        for address in addresses.filter_map(|text| text.parse::<IpAddr>().ok()) {
            found.extend(u16::try_from(port.port).map(|port| SocketAddr::new(address, port)));
        }
    });
    found
}

/// The node ports of Services' UDP ports, of those that have a ready endpoint.
fn served_node_ports(world: &World) -> BTreeSet<u16> {
    let mut found = BTreeSet::new();
    for_each_served_port(world, |_, port| {
        found.extend(u16::try_from(port.node_port).ok().filter(|&port| port > 0));
    });
    found
}

fn for_each_served_port(
    world: &World,
    mut each: impl FnMut(&crate::api::Service, &crate::api::ServicePort),
) {
    let mut served: Vec<(&str, &str)> = (world.store.endpoint_slices())
        .filter(|slice| {
            (slice.endpoints.iter()).any(|endpoint| endpoint.conditions.ready != Some(false))
        })
        .filter_map(|slice| {
            let service = slice.metadata.labels.get(SERVICE_NAME_LABEL)?;
            Some((slice.metadata.namespace.as_str(), service.as_str()))
        })
        .collect();
    served.sort_unstable();
    for service in world.store.services() {
        let metadata = &service.metadata;
        let key = (metadata.namespace.as_str(), metadata.name.as_str());
        if served.binary_search(&key).is_ok() {
            (service.spec.ports.iter())
                .filter(|port| port.protocol == "UDP")
                .for_each(|port| each(service, port));
        }
    }
}
