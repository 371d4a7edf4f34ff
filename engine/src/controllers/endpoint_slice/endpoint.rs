//! From a Pod to an endpoint, and sets of endpoints.
//!
//! Source: `utils.go`, `util/endpointset.go` and `util/controller_utils.go` of
//! k8s.io/endpointslice v0.34.1.

use std::collections::BTreeMap;
use std::net::IpAddr;

use md5::{Digest, Md5};
use serde::Serialize;

use crate::api::selector;
use crate::api::validation::addresses;
use crate::api::{
    AddressType, Container, ContainerPort, Endpoint, EndpointConditions, EndpointPort, IntOrString,
    Node, Pod, Service, ServicePort, TargetRef,
};

/// The label that says in which zone a Node stands.
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// Why a Pod is no endpoint of a Service at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Exclusion {
    /// It is in another Namespace.
    OtherNamespace,
    /// The selector asks for other labels.
    OtherLabels,
    /// It has run to its end.
    Finished,
    /// It has no address yet.
    NoAddress,
    /// Its Node is gone, or it has none.
    NoNode,
    /// It has no address of a family that the Service has.
    OtherFamily,
}

/// Why the selector of a Service does not mean a Pod. A Service without one means none.
pub(super) fn unselected(service: &Service, pod: &Pod) -> Option<Exclusion> {
    if pod.metadata.namespace != service.metadata.namespace {
        return Some(Exclusion::OtherNamespace);
    }
    let selected = (service.spec.selector.as_ref())
        .is_some_and(|selector| selector::service_selects(selector, &pod.metadata.labels));
    (!selected).then_some(Exclusion::OtherLabels)
}

/// Why a Pod is not to be an endpoint of anything: it needs an address, and must not have run to
/// its end. A Pod that is being deleted is an endpoint still.
pub(super) fn unwanted(pod: &Pod) -> Option<Exclusion> {
    let status = &pod.status;
    if matches!(status.phase.as_str(), "Failed" | "Succeeded") {
        return Some(Exclusion::Finished);
    }
    let has_address = !status.pod_ip.is_empty() || !status.pod_ips.is_empty();
    (!has_address).then_some(Exclusion::NoAddress)
}

/// Whether a Pod is left out because its Node is not there. It is, until the Pod is collected,
/// unless the Service's author asked for Pods in any condition.
pub(super) fn lacks_node(service: &Service, node: Option<&Node>) -> bool {
    node.is_none() && !service.spec.publish_not_ready_addresses
}

/// The endpoint of a Pod. It may come out without any address of this type.
pub(super) fn from_pod(
    pod: &Pod,
    node: Option<&Node>,
    service: &Service,
    address_type: AddressType,
) -> Endpoint {
    let serving = pod
        .status
        .conditions
        .iter()
        .find(|condition| condition.type_ == "Ready")
        .is_some_and(|condition| condition.status == "True");
    let terminating = pod.metadata.deletion_timestamp.is_some();
    let ready = service.spec.publish_not_ready_addresses || (serving && !terminating);
    // Only a Pod that names this very Service gets its own name in DNS.
    let has_hostname = !pod.spec.hostname.is_empty()
        && pod.spec.subdomain == service.metadata.name
        && pod.metadata.namespace == service.metadata.namespace;
    Endpoint {
        addresses: addresses(pod, address_type),
        conditions: EndpointConditions {
            ready: Some(ready),
            serving: Some(serving),
            terminating: Some(terminating),
        },
        hostname: has_hostname.then(|| pod.spec.hostname.clone()),
        target_ref: Some(TargetRef {
            kind: "Pod".to_owned(),
            namespace: pod.metadata.namespace.clone(),
            name: pod.metadata.name.clone(),
            uid: pod.metadata.uid.clone(),
        }),
        node_name: (!pod.spec.node_name.is_empty()).then(|| pod.spec.node_name.clone()),
        zone: node
            .and_then(|node| node.metadata.labels.get(ZONE_LABEL))
            .filter(|zone| !zone.is_empty())
            .cloned(),
        hints: None,
    }
}

/// A Pod's addresses of one type, in their usual form, sorted as texts.
pub(super) fn addresses(pod: &Pod, address_type: AddressType) -> Vec<String> {
    let status = &pod.status;
    // The API server fills the list from the single field when a client sends only that.
    let single = status.pod_ips.is_empty().then_some(&status.pod_ip);
    let mut texts: Vec<String> = status
        .pod_ips
        .iter()
        .map(|pod_ip| &pod_ip.ip)
        .chain(single)
        .filter_map(|text| addresses::parse_ip(text))
        .filter(|address| match address_type {
            AddressType::IPv4 => address.is_ipv4(),
            AddressType::IPv6 => address.is_ipv6(),
            AddressType::FQDN => false,
        })
        .map(|address| address.to_string())
        .collect();
    texts.sort();
    texts
}

/// The ports of a Pod that a Service means, in the order in which a slice has them. A port whose
/// name the Pod does not know is left out.
pub(super) fn ports(service: &Service, pod: &Pod) -> Vec<EndpointPort> {
    let mut ports: Vec<EndpointPort> = service
        .spec
        .ports
        .iter()
        .filter_map(|service_port| {
            Some(EndpointPort {
                name: Some(service_port.name.clone()),
                port: Some(find_port(pod, service_port)?),
                protocol: Some(service_port.protocol.clone()),
                app_protocol: service_port.app_protocol.clone(),
            })
        })
        .collect();
    sort_ports(&mut ports);
    ports
}

/// The number that a `targetPort` means in this Pod. A name is looked up by name and protocol in
/// the containers, then in the sidecars: init containers that are always restarted.
pub(crate) fn find_port(pod: &Pod, service_port: &ServicePort) -> Option<i32> {
    let name = match service_port.target_port.as_ref()? {
        IntOrString::Int(number) => return Some(*number),
        IntOrString::String(name) => name,
    };
    let is_it =
        |port: &&ContainerPort| port.name == *name && port.protocol == service_port.protocol;
    let is_sidecar = |container: &&Container| container.restart_policy == "Always";
    let spec = &pod.spec;
    spec.containers
        .iter()
        .chain(spec.init_containers.iter().filter(is_sidecar))
        .flat_map(|container| &container.ports)
        .find(is_it)
        .map(|port| port.container_port)
}

/// Sorts the ports of a slice as the controller does: by the hash of each one's printed form.
pub(super) fn sort_ports(ports: &mut [EndpointPort]) {
    ports.sort_by_cached_key(port_hash);
}

/// The hash that puts ports in order: MD5 of what go-spew prints of the Go value, types and all.
fn port_hash(port: &EndpointPort) -> [u8; 16] {
    let text = |value: Option<&String>| value.map_or("<nil>", String::as_str).to_owned();
    let number = port.port.map_or("<nil>".to_owned(), |n| n.to_string());
    let printed = format!(
        "(v1.EndpointPort){{Name:(*string){} Protocol:(*v1.Protocol){} Port:(*int32){number} \
         AppProtocol:(*string){}}}",
        text(port.name.as_ref()),
        text(port.protocol.as_ref()),
        text(port.app_protocol.as_ref()),
    );
    Md5::digest(printed.as_bytes()).into()
}

/// The ports of a slice, whatever their order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PortKey(Vec<PortFields>);

type PortFields = (Option<i32>, Option<String>, Option<String>, Option<String>);

impl PortKey {
    pub(super) fn new(ports: &[EndpointPort]) -> Self {
        let mut fields: Vec<PortFields> = ports
            .iter()
            .map(|port| {
                (
                    port.port,
                    port.name.clone(),
                    port.protocol.clone(),
                    port.app_protocol.clone(),
                )
            })
            .collect();
        fields.sort();
        Self(fields)
    }
}

/// What makes two endpoints the same. Conditions, Node and zone may change in place.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct EndpointKey {
    /// As numbers first, so that 10.244.1.9 comes before 10.244.1.10.
    addresses: Vec<(Option<IpAddr>, String)>,
    hostname: String,
    namespace: String,
    name: String,
}

impl EndpointKey {
    fn new(endpoint: &Endpoint) -> Self {
        let mut texts = endpoint.addresses.clone();
        texts.sort();
        let target = endpoint.target_ref.clone().unwrap_or_default();
        Self {
            addresses: texts
                .into_iter()
                .map(|text| (text.parse().ok(), text))
                .collect(),
            hostname: endpoint.hostname.clone().unwrap_or_default(),
            namespace: target.namespace,
            name: target.name,
        }
    }
}

/// A set of endpoints, in the order of their addresses.
#[derive(Default)]
pub(super) struct EndpointSet(BTreeMap<EndpointKey, Endpoint>);

impl EndpointSet {
    pub(super) fn insert(&mut self, endpoint: Endpoint) {
        self.0.insert(EndpointKey::new(&endpoint), endpoint);
    }

    /// Takes out the one that is the same as this one.
    pub(super) fn take(&mut self, endpoint: &Endpoint) -> Option<Endpoint> {
        self.0.remove(&EndpointKey::new(endpoint))
    }

    /// Takes out the first.
    pub(super) fn pop(&mut self) -> Option<Endpoint> {
        self.0.pop_first().map(|(_, endpoint)| endpoint)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether two endpoints that are the same by their key are equal in the rest, hints left aside.
pub(super) fn is_equal(a: &Endpoint, b: &Endpoint) -> bool {
    a.node_name == b.node_name
        && a.zone == b.zone
        && a.conditions == b.conditions
        && a.target_ref == b.target_ref
}

/// Whether an endpoint says itself that it is ready; here, unlike elsewhere, nothing means no.
pub(super) fn is_ready(endpoint: &Endpoint) -> bool {
    endpoint.conditions.ready == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(name: &str, number: i32, protocol: &str) -> EndpointPort {
        EndpointPort {
            name: Some(name.to_owned()),
            port: Some(number),
            protocol: Some(protocol.to_owned()),
            app_protocol: None,
        }
    }

    #[test]
    fn ports_are_in_the_order_of_their_hashes() {
        let mut ports = [port("dns", 53, "UDP"), port("sctp", 3868, "SCTP")];
        // md5sum of the text in `port_hash`, computed apart.
        assert_eq!(port_hash(&ports[0])[..4], [0xe7, 0x56, 0xf0, 0x6f]);
        assert_eq!(port_hash(&ports[1])[..4], [0xbd, 0xa5, 0xa8, 0x5a]);
        sort_ports(&mut ports);
        assert_eq!(ports[0].name.as_deref(), Some("sctp"));
    }

    #[test]
    fn the_order_of_ports_does_not_make_another_group() {
        let (a, b) = (port("a", 1, "TCP"), port("b", 2, "TCP"));
        assert!(PortKey::new(&[a.clone(), b.clone()]) == PortKey::new(&[b, a.clone()]));
        assert!(PortKey::new(&[a]) != PortKey::new(&[]));
    }

    #[test]
    fn endpoints_come_in_the_order_of_their_addresses() {
        let mut set = EndpointSet::default();
        for address in ["10.244.1.10", "10.244.1.9", "fd00::1"] {
            set.insert(Endpoint {
                addresses: vec![address.to_owned()],
                ..Endpoint::default()
            });
        }
        assert_eq!(set.pop().unwrap().addresses, ["10.244.1.9"]);
        assert_eq!(set.pop().unwrap().addresses, ["10.244.1.10"]);
        assert_eq!(set.len(), 1);
    }
}
