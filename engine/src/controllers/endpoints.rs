//! Endpoints, the older list: written for Services with a selector, and mirrored to EndpointSlices
//! where a person wrote them for a Service without one.
//!
//! Sources: Kubernetes v1.30.5 `pkg/controller/endpoint/endpoints_controller.go`,
//! `pkg/controller/endpointslicemirroring` and `staging/src/k8s.io/endpointslice/util`.
//!
//! Left out: the annotation `endpoints.kubernetes.io/last-change-trigger-time`. The order of subsets
//! and addresses is by their hashes there; here it is that of ports and addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::endpoint_slice::{HEADLESS_LABEL, MANAGED_BY_LABEL, SERVICE_NAME_LABEL, find_port};
use super::kubelet::is_ready;
use crate::api::selector::service_selects;
use crate::api::validation::addresses::parse_ip;
use crate::api::{
    AddressType, Endpoint, EndpointAddress, EndpointConditions, EndpointPort, EndpointSlice,
    EndpointSubset, Endpoints, EndpointsPort, ObjectMeta, OwnerReference, Pod, Service, TargetRef,
};

/// The value of [`MANAGED_BY_LABEL`] for mirrored slices.
pub const MIRRORED_BY: &str = "endpointslicemirroring-controller.k8s.io";

/// The label by which Endpoints are not mirrored.
const SKIP_MIRROR_LABEL: &str = "endpointslice.kubernetes.io/skip-mirror";
/// The annotation of Endpoints that are a lock of somebody's leader election.
const LEADER_ANNOTATION: &str = "control-plane.alpha.kubernetes.io/leader";
/// The most addresses of a list, and the annotation that says that there are more.
const MAX_ADDRESSES: usize = 1000;
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";

/// A subset while it is made: its ready and its other addresses, in their order.
type Addresses = [Vec<(Option<IpAddr>, EndpointAddress)>; 2];

/// The Endpoints of a Service with a selector; `None` for one without. `pods` may hold more than the
/// Service's.
#[must_use]
pub fn of_service(service: &Service, pods: &[&Pod]) -> Option<Endpoints> {
    let spec = &service.spec;
    let selector = spec.selector.as_ref().filter(|labels| !labels.is_empty())?;
    if spec.type_ == "ExternalName" {
        return None;
    }
    let wants_v6 = spec
        .ip_families
        .first()
        .is_some_and(|family| family == "IPv6");
    let mut subsets: BTreeMap<Vec<EndpointsPort>, Addresses> = BTreeMap::new();
    let mut count = 0;
    for pod in pods {
        let metadata = &pod.metadata;
        let is_over = matches!(pod.status.phase.as_str(), "Succeeded" | "Failed");
        let is_going = metadata.deletion_timestamp.is_some() && !spec.publish_not_ready_addresses;
        if metadata.namespace != service.metadata.namespace
            || !service_selects(selector, &metadata.labels)
            || is_over
            || is_going
        {
            continue;
        }
        let single = std::iter::once(&pod.status.pod_ip);
        let address = single
            .chain(pod.status.pod_ips.iter().map(|own| &own.ip))
            .filter_map(|text| parse_ip(text))
            .find(|address| address.is_ipv6() == wants_v6);
        let Some(address) = address else { continue };
        let mut ports: Vec<EndpointsPort> = spec
            .ports
            .iter()
            .filter_map(|port| {
                Some(EndpointsPort {
                    name: port.name.clone(),
                    port: find_port(pod, port)?,
                    protocol: port.protocol.clone(),
                    app_protocol: port.app_protocol.clone(),
                })
            })
            .collect();
        if ports.is_empty() && !spec.ports.is_empty() {
            continue;
        }
        count += 1;
        if count > MAX_ADDRESSES {
            continue;
        }
        ports.sort();
        let is_in = spec.publish_not_ready_addresses || is_ready(pod);
        let has_name = !pod.spec.hostname.is_empty() && pod.spec.subdomain == service.metadata.name;
        subsets.entry(ports).or_default()[usize::from(!is_in)].push((
            Some(address),
            EndpointAddress {
                ip: address.to_string(),
                hostname: if has_name {
                    pod.spec.hostname.clone()
                } else {
                    String::new()
                },
                node_name: Some(pod.spec.node_name.clone()).filter(|name| !name.is_empty()),
                target_ref: Some(TargetRef {
                    kind: "Pod".to_owned(),
                    namespace: metadata.namespace.clone(),
                    name: metadata.name.clone(),
                    uid: metadata.uid.clone(),
                }),
            },
        ));
    }
    let mut labels = service.metadata.labels.clone();
    if spec.cluster_ip == "None" {
        labels.insert(HEADLESS_LABEL.to_owned(), String::new());
    }
    let mut annotations = BTreeMap::new();
    if count > MAX_ADDRESSES {
        annotations.insert(OVER_CAPACITY.to_owned(), "truncated".to_owned());
    }
    Some(Endpoints {
        metadata: ObjectMeta {
            name: service.metadata.name.clone(),
            namespace: service.metadata.namespace.clone(),
            labels,
            annotations,
            ..ObjectMeta::default()
        },
        subsets: subsets
            .into_iter()
            .map(|(ports, addresses)| {
                let [addresses, not_ready_addresses] = addresses.map(|mut addresses| {
                    addresses.sort_by_key(|(address, _)| *address);
                    addresses.into_iter().map(|(_, address)| address).collect()
                });
                EndpointSubset {
                    addresses,
                    not_ready_addresses,
                    ports,
                }
            })
            .collect(),
    })
}

/// Whether Endpoints are a person's, to be mirrored for this Service of the same name.
#[must_use]
pub fn is_mirrored(endpoints: &Endpoints, service: &Service) -> bool {
    let metadata = &endpoints.metadata;
    service
        .spec
        .selector
        .as_ref()
        .is_none_or(BTreeMap::is_empty)
        && metadata.labels.get(SKIP_MIRROR_LABEL).map(String::as_str) != Some("true")
        && !metadata.annotations.contains_key(LEADER_ANNOTATION)
}

/// The slices of Endpoints that a person wrote: one for each subset and family. A slice of `existing`
/// with the same ports keeps its name; the others of this controller are to be deleted.
#[must_use]
pub fn mirror(endpoints: &Endpoints, existing: &[&EndpointSlice]) -> Vec<EndpointSlice> {
    let mut free: Vec<&EndpointSlice> = existing.to_vec();
    let mut slices = Vec::new();
    for subset in &endpoints.subsets {
        let ports: Vec<EndpointPort> = subset
            .ports
            .iter()
            .map(|port| EndpointPort {
                name: Some(port.name.clone()),
                port: Some(port.port),
                protocol: Some(port.protocol.clone()),
                app_protocol: port.app_protocol.clone(),
            })
            .collect();
        for address_type in [AddressType::IPv4, AddressType::IPv6] {
            let ready = subset.addresses.iter().map(|address| (address, true));
            let others = subset
                .not_ready_addresses
                .iter()
                .map(|address| (address, false));
            let places: Vec<Endpoint> = ready
                .chain(others)
                .filter(|(address, _)| {
                    let is_v6 = parse_ip(&address.ip).map(|address| address.is_ipv6());
                    is_v6 == Some(address_type == AddressType::IPv6)
                })
                .take(MAX_ADDRESSES)
                .map(|(address, ready)| mirrored(address, ready))
                .collect();
            if places.is_empty() {
                continue;
            }
            let at = free
                .iter()
                .position(|old| old.address_type == address_type.as_str() && old.ports == ports);
            let name = at.map(|at| free.remove(at).metadata.name.clone());
            slices.push(EndpointSlice {
                metadata: metadata(endpoints, name.unwrap_or_default()),
                address_type: address_type.to_string(),
                endpoints: places,
                ports: ports.clone(),
            });
        }
    }
    slices
}

fn mirrored(address: &EndpointAddress, ready: bool) -> Endpoint {
    Endpoint {
        addresses: vec![address.ip.clone()],
        conditions: EndpointConditions {
            ready: Some(ready),
            ..EndpointConditions::default()
        },
        hostname: Some(address.hostname.clone()).filter(|name| !name.is_empty()),
        target_ref: address.target_ref.clone(),
        node_name: address.node_name.clone(),
        ..Endpoint::default()
    }
}

fn metadata(endpoints: &Endpoints, name: String) -> ObjectMeta {
    let of = &endpoints.metadata;
    let mut labels = of.labels.clone();
    labels.insert(MANAGED_BY_LABEL.to_owned(), MIRRORED_BY.to_owned());
    labels.insert(SERVICE_NAME_LABEL.to_owned(), of.name.clone());
    ObjectMeta {
        generate_name: format!("{}-", of.name),
        name,
        namespace: of.namespace.clone(),
        labels,
        owner_references: vec![OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Endpoints".to_owned(),
            name: of.name.clone(),
            uid: of.uid.clone(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }],
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{PodIp, ServicePort};
    use crate::controllers::kubelet::set_ready;

    fn service() -> Service {
        let mut service = Service::default();
        service.metadata.name = "web".into();
        service.spec.selector = Some([("app".to_owned(), "web".to_owned())].into());
        service.spec.ports.push(ServicePort {
            port: 80,
            protocol: "TCP".into(),
            target_port: Some(crate::api::IntOrString::Int(8080)),
            ..ServicePort::default()
        });
        service
    }

    fn pod(address: &str, ready: bool) -> Pod {
        let mut pod = Pod::default();
        pod.metadata.labels.insert("app".into(), "web".into());
        pod.status.pod_ip = address.into();
        pod.status.pod_ips.push(PodIp { ip: address.into() });
        set_ready(&mut pod, ready);
        pod
    }

    #[test]
    fn addresses_are_ready_or_not_and_terminating_pods_are_absent() {
        let mut pods = [
            pod("10.0.0.10", true),
            pod("10.0.0.9", true),
            pod("10.0.0.8", false),
        ];
        let of = |pods: &[Pod]| {
            let pods: Vec<&Pod> = pods.iter().collect();
            of_service(&service(), &pods).unwrap().subsets
        };
        let ips = |addresses: &[EndpointAddress]| -> Vec<String> {
            addresses.iter().map(|address| address.ip.clone()).collect()
        };
        let subsets = of(&pods);
        assert_eq!(subsets.len(), 1);
        assert_eq!(ips(&subsets[0].addresses), ["10.0.0.9", "10.0.0.10"]);
        assert_eq!(ips(&subsets[0].not_ready_addresses), ["10.0.0.8"]);
        assert_eq!(subsets[0].ports[0].port, 8080);
        pods[0].metadata.deletion_timestamp = Some("2026-01-01T00:00:00Z".into());
        assert_eq!(ips(&of(&pods)[0].addresses), ["10.0.0.9"]);
    }

    #[test]
    fn a_persons_endpoints_are_mirrored_family_by_family() {
        let mut endpoints = Endpoints::default();
        endpoints.metadata.name = "db".into();
        let address = |ip: &str| EndpointAddress {
            ip: ip.into(),
            ..EndpointAddress::default()
        };
        endpoints.subsets.push(EndpointSubset {
            addresses: vec![address("192.0.2.1"), address("2001:db8::1")],
            not_ready_addresses: vec![address("192.0.2.2")],
            ports: vec![EndpointsPort {
                port: 5432,
                protocol: "TCP".into(),
                ..EndpointsPort::default()
            }],
        });
        let mut slices = mirror(&endpoints, &[]);
        assert_eq!(slices.len(), 2);
        let ready: Vec<_> = slices[0]
            .endpoints
            .iter()
            .map(|e| e.conditions.ready)
            .collect();
        assert_eq!(ready, [Some(true), Some(false)]);
        assert_eq!(slices[1].address_type, "IPv6");
        assert_eq!(slices[0].metadata.labels[SERVICE_NAME_LABEL], "db");
        slices[0].metadata.name = "db-x".into();
        let again = mirror(&endpoints, &[&slices[0]]);
        assert_eq!(again[0].metadata.name, "db-x");
        assert_eq!(again[1].metadata.name, "");

        let mut without = service();
        without.spec.selector = None;
        assert!(is_mirrored(&endpoints, &without));
        assert!(!is_mirrored(&endpoints, &service()));
        endpoints
            .metadata
            .labels
            .insert(SKIP_MIRROR_LABEL.into(), "true".into());
        assert!(!is_mirrored(&endpoints, &without));
    }
}
