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

use super::world::World;
use crate::netfilter::conntrack::{Connection, FlowProtocol};
use crate::network::State;

/// Clears away what is stale in this world, on every Node.
pub(super) fn clear(state: &mut State, world: &World) {
    let ready = ready_endpoints(world);
    let served = served_addresses(world);
    let node_ports = served_node_ports(world);
    for node in world.store.nodes() {
        let name = &node.metadata.name;
        if state.node(name).is_none() {
            continue;
        }
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
    for service in world.store.services() {
        let metadata = &service.metadata;
        let served = world.store.endpoint_slices().any(|slice| {
            slice.metadata.namespace == metadata.namespace
                && slice.metadata.labels.get("kubernetes.io/service-name") == Some(&metadata.name)
                && (slice.endpoints.iter()).any(|endpoint| endpoint.conditions.ready != Some(false))
        });
        if served {
            (service.spec.ports.iter())
                .filter(|port| port.protocol == "UDP")
                .for_each(|port| each(service, port));
        }
    }
}
