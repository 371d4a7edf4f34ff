//! What a fresh kubeadm-like cluster holds before anybody applies anything.
//!
//! The namespaces, `default/kubernetes` with the API server behind it, and `kube-system/kube-dns`
//! with two CoreDNS Pods. The control plane is one that somebody else runs: its address is on the
//! Nodes' network, but it is none of the Nodes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Settings;
use crate::api::{
    ConfigMap, Container, ContainerPort, Deployment, Endpoint, EndpointAddress, EndpointConditions,
    EndpointPort, EndpointSlice, EndpointSubset, Endpoints, EndpointsPort, IntOrString,
    LabelSelector, Namespace, Object, ObjectMeta, Service, ServicePort,
};
use crate::controllers::endpoint_slice::SERVICE_NAME_LABEL;
use crate::controllers::nodes;
use crate::dns::KUBEADM_COREFILE;
use crate::net::IpFamily;

/// The namespaces of a fresh cluster.
pub(super) const NAMESPACES: [&str; 4] =
    ["default", "kube-node-lease", "kube-public", "kube-system"];

/// The last byte of the API server's address on the Nodes' network.
const API_SERVER: u32 = 10;

/// The offset of cluster DNS in the Services' range.
const DNS: u32 = 10;

/// The port on which the API server listens behind its Service.
const API_SERVER_PORT: i32 = 6443;

/// The objects of a fresh cluster.
pub(super) fn objects(settings: &Settings) -> Vec<Object> {
    let mut objects: Vec<Object> = NAMESPACES
        .iter()
        .map(|name| {
            let mut metadata = meta("", name, &[("kubernetes.io/metadata.name", name)]);
            metadata.namespace.clear();
            Object::Namespace(Namespace { metadata })
        })
        .collect();
    objects.push(Object::Service(kubernetes(settings)));
    objects.push(Object::EndpointSlice(kubernetes_slice(settings)));
    objects.push(Object::Endpoints(kubernetes_endpoints(settings)));
    objects.push(Object::Service(kube_dns(settings)));
    objects.push(Object::ConfigMap(corefile()));
    objects.push(Object::Deployment(coredns()));
    objects
}

fn meta(namespace: &str, name: &str, labels: &[(&str, &str)]) -> ObjectMeta {
    ObjectMeta {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        labels: pairs(labels),
        ..ObjectMeta::default()
    }
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// The address at an offset of the first Service range: the first is the API server's, the tenth
/// DNS'. Empty where the range is too small; then the allocator picks one.
fn well_known(settings: &Settings, offset: u32) -> String {
    (settings.ranges.service_cidrs.first())
        .and_then(|range| nodes::nth_address(range, offset))
        .map(|address| address.to_string())
        .unwrap_or_default()
}

/// The API server's address on the Nodes' network, of the first family: it has no other.
fn api_server(settings: &Settings) -> Option<IpAddr> {
    nodes::nth_address(settings.networks.nodes.first()?, API_SERVER)
}

/// The address of cluster DNS that the kubelets are told, whatever became of its Service.
pub(super) fn dns_address(settings: &Settings) -> Option<IpAddr> {
    well_known(settings, DNS).parse().ok()
}

fn kubernetes(settings: &Settings) -> Service {
    let mut service = Service {
        metadata: meta(
            "default",
            "kubernetes",
            &[("component", "apiserver"), ("provider", "kubernetes")],
        ),
        ..Service::default()
    };
    service.spec.cluster_ip = well_known(settings, 1);
    service.spec.ports = vec![ServicePort {
        name: "https".to_owned(),
        port: 443,
        target_port: Some(IntOrString::Int(API_SERVER_PORT)),
        ..ServicePort::default()
    }];
    service
}

/// The older list beside the slice: the API server writes both itself.
fn kubernetes_endpoints(settings: &Settings) -> Endpoints {
    Endpoints {
        metadata: meta(
            "default",
            "kubernetes",
            &[("endpointslice.kubernetes.io/skip-mirror", "true")],
        ),
        subsets: vec![EndpointSubset {
            addresses: vec![EndpointAddress {
                ip: api_server(settings).map_or_else(String::new, |own| own.to_string()),
                ..EndpointAddress::default()
            }],
            ports: vec![EndpointsPort {
                name: "https".to_owned(),
                port: API_SERVER_PORT,
                protocol: "TCP".to_owned(),
                ..EndpointsPort::default()
            }],
            ..EndpointSubset::default()
        }],
    }
}

fn kubernetes_slice(settings: &Settings) -> EndpointSlice {
    let address = api_server(settings);
    EndpointSlice {
        metadata: meta(
            "default",
            "kubernetes",
            &[(SERVICE_NAME_LABEL, "kubernetes")],
        ),
        address_type: address.map_or(IpFamily::IPv4, IpFamily::of).to_string(),
        endpoints: vec![Endpoint {
            addresses: address.iter().map(ToString::to_string).collect(),
            conditions: EndpointConditions {
                ready: Some(true),
                ..EndpointConditions::default()
            },
            ..Endpoint::default()
        }],
        ports: vec![EndpointPort {
            name: Some("https".to_owned()),
            port: Some(API_SERVER_PORT),
            protocol: Some("TCP".to_owned()),
            ..EndpointPort::default()
        }],
    }
}

/// CoreDNS' ports: name, number, protocol.
const DNS_PORTS: [(&str, i32, &str); 3] = [
    ("dns", 53, "UDP"),
    ("dns-tcp", 53, "TCP"),
    ("metrics", 9153, "TCP"),
];

fn kube_dns(settings: &Settings) -> Service {
    let mut service = Service {
        metadata: meta(
            "kube-system",
            "kube-dns",
            &[
                ("k8s-app", "kube-dns"),
                ("kubernetes.io/cluster-service", "true"),
                ("kubernetes.io/name", "CoreDNS"),
            ],
        ),
        ..Service::default()
    };
    service.spec.cluster_ip = well_known(settings, DNS);
    service.spec.selector = Some(pairs(&[("k8s-app", "kube-dns")]));
    service.spec.ports = DNS_PORTS
        .iter()
        .map(|(name, port, protocol)| ServicePort {
            name: (*name).to_owned(),
            port: *port,
            protocol: (*protocol).to_owned(),
            ..ServicePort::default()
        })
        .collect();
    service
}

fn corefile() -> ConfigMap {
    ConfigMap {
        metadata: meta("kube-system", "coredns", &[]),
        data: pairs(&[("Corefile", KUBEADM_COREFILE)]),
    }
}

fn coredns() -> Deployment {
    let mut deployment = Deployment {
        metadata: meta("kube-system", "coredns", &[("k8s-app", "kube-dns")]),
        ..Deployment::default()
    };
    deployment.spec.replicas = Some(2);
    deployment.spec.selector = LabelSelector {
        match_labels: pairs(&[("k8s-app", "kube-dns")]),
        ..Default::default()
    };
    deployment.spec.template.metadata.labels = pairs(&[("k8s-app", "kube-dns")]);
    // So that it asks the Node's own servers, and not itself.
    "Default".clone_into(&mut deployment.spec.template.spec.dns_policy);
    deployment.spec.template.spec.containers = vec![Container {
        name: "coredns".to_owned(),
        image: "coredns/coredns:1.11.1".to_owned(),
        ports: DNS_PORTS
            .iter()
            .map(|(name, port, protocol)| ContainerPort {
                name: (*name).to_owned(),
                container_port: *port,
                protocol: (*protocol).to_owned(),
                ..ContainerPort::default()
            })
            .collect(),
        ..Container::default()
    }];
    deployment
}
