//! Any objects: mostly such as make rules, some that no API server would let pass.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::api::{
    ClientIpConfig, Endpoint, EndpointConditions, EndpointHints, EndpointPort, EndpointSlice,
    ForZone, Kind, LoadBalancerIngress, Node, ObjectMeta, Origin, Service, ServicePort,
    ServiceSpec, SessionAffinityConfig,
};
use crate::net::IpFamily;
use crate::proxy::{Mode, Proxier, ProxyConfig, RuleSet};

/// `a-b` sorts before `a/` as text, and after `a` as a namespace.
pub(super) const NAMES: [(&str, &str); 3] = [("a", "web"), ("a", "api"), ("a-b", "web")];

pub(super) fn metadata(namespace: &str, name: &str) -> ObjectMeta {
    ObjectMeta {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..ObjectMeta::default()
    }
}

fn text(choices: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(choices).prop_map(str::to_owned)
}

fn texts(choices: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    subsequence(choices, 0..=choices.len())
        .prop_map(|texts| texts.into_iter().map(str::to_owned).collect())
}

fn port() -> impl Strategy<Value = ServicePort> {
    (
        text(&["", "", "http"]),
        text(&["", "TCP", "TCP", "UDP", "SCTP"]),
        1..4i32,
        select(vec![0, 0, 30001, 30002]),
    )
        .prop_map(|(name, protocol, port, node_port)| ServicePort {
            name,
            protocol,
            port,
            node_port,
            ..ServicePort::default()
        })
}

pub(super) fn service() -> impl Strategy<Value = Service> {
    let spec = (
        text(&[
            "ClusterIP",
            "NodePort",
            "LoadBalancer",
            "LoadBalancer",
            "ExternalName",
            "",
        ]),
        text(&[
            "10.96.0.1",
            "10.96.0.1",
            "10.96.0.2",
            "10.96.0.3",
            "None",
            "bogus",
        ]),
        texts(&["192.0.2.1", "192.168.10.11", "2001:db8::1", "bogus"]),
        text(&["Cluster", "Local", ""]),
        option::of(text(&["Cluster", "Local"])),
        option::of(1..100i32),
        texts(&[
            "203.0.113.0/24",
            " 192.168.0.0/16 ",
            "2001:db8::/32",
            "bogus",
        ]),
        vec(port(), 1..4),
    );
    let status = texts(&["198.51.100.1", "198.51.100.2", "2001:db8::2", ""]);
    let hints = option::of(text(&["Auto", "disabled"]));
    let proxied = any::<bool>();
    (select(&NAMES[..]), spec, status, hints, proxied).prop_map(
        |((namespace, name), spec, ingress, hints, proxied)| {
            let (type_, ip, external, etp, itp, affinity, ranges, ports) = spec;
            let mut metadata = metadata(namespace, name);
            if let Some(hints) = hints {
                let key = "service.kubernetes.io/topology-mode".to_owned();
                metadata.annotations.insert(key, hints);
            }
            let mut service = Service {
                metadata,
                spec: ServiceSpec {
                    type_,
                    cluster_ips: vec![ip.clone(), "fd00:96::1".to_owned()],
                    cluster_ip: ip,
                    external_ips: external,
                    external_traffic_policy: etp,
                    internal_traffic_policy: itp,
                    health_check_node_port: 30099,
                    load_balancer_source_ranges: ranges,
                    ports,
                    ..ServiceSpec::default()
                },
                ..Service::default()
            };
            if affinity.is_some() {
                service.spec.session_affinity = "ClientIP".to_owned();
                service.spec.session_affinity_config = Some(SessionAffinityConfig {
                    client_ip: Some(ClientIpConfig {
                        timeout_seconds: affinity,
                    }),
                });
            }
            let mode = |ip: &str| (proxied && ip.ends_with('2')).then(|| "Proxy".to_owned());
            service.status.load_balancer.ingress = ingress
                .into_iter()
                .map(|ip| LoadBalancerIngress {
                    ip_mode: mode(&ip),
                    ip,
                    ..LoadBalancerIngress::default()
                })
                .collect();
            service
        },
    )
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    (
        text(&[
            "10.0.0.1",
            "10.0.0.2",
            "10.0.0.10",
            "010.0.0.3",
            "fd00::1",
            "fd00::2",
            "bogus",
        ]),
        (
            option::of(any::<bool>()),
            option::of(any::<bool>()),
            option::of(any::<bool>()),
        ),
        option::of(text(&["node-a", "node-b"])),
        texts(&["zone-a", "zone-b"]),
    )
        .prop_map(
            |(address, (ready, serving, terminating), node_name, zones)| Endpoint {
                addresses: vec![address],
                conditions: EndpointConditions {
                    ready,
                    serving,
                    terminating,
                },
                node_name,
                hints: Some(EndpointHints {
                    for_zones: zones.into_iter().map(|name| ForZone { name }).collect(),
                    ..EndpointHints::default()
                }),
                ..Endpoint::default()
            },
        )
}

pub(super) fn slice() -> impl Strategy<Value = EndpointSlice> {
    let port = (
        option::weighted(0.9, text(&["", "", "http"])),
        option::weighted(0.9, select(vec![0, 80, 80, 8080])),
        option::of(text(&["TCP", "TCP", "UDP", "SCTP"])),
    )
        .prop_map(|(name, port, protocol)| EndpointPort {
            name,
            port,
            protocol,
            ..EndpointPort::default()
        });
    (
        select(&NAMES[..]),
        text(&["one", "two"]),
        text(&["web", "api", "db", ""]),
        select(vec![
            "IPv4".to_owned(),
            "IPv6".to_owned(),
            "FQDN".to_owned(),
        ]),
        vec(endpoint(), 0..6),
        vec(port, 0..3),
    )
        .prop_map(
            |((namespace, _), name, owner, address_type, endpoints, ports)| {
                let mut metadata = metadata(namespace, &name);
                let label = "kubernetes.io/service-name".to_owned();
                metadata.labels.insert(label, owner);
                EndpointSlice {
                    metadata,
                    address_type,
                    endpoints,
                    ports,
                }
            },
        )
}

pub(super) fn node() -> impl Strategy<Value = Node> {
    option::of(text(&["zone-a", "zone-b"])).prop_map(|zone| {
        let mut node = Node {
            metadata: metadata("", "node-a"),
            ..Node::default()
        };
        if let Some(zone) = zone {
            let label = "topology.kubernetes.io/zone".to_owned();
            node.metadata.labels.insert(label, zone);
        }
        node.spec.pod_cidrs = vec!["10.244.1.0/24".to_owned(), "fd00:244::/64".to_owned()];
        node
    })
}

/// What happens to a cluster.
#[derive(Clone, Debug)]
pub(super) enum Event {
    ApplyService(Box<Service>),
    DeleteService(&'static str, &'static str),
    ApplySlice(Box<EndpointSlice>),
    DeleteSlice(&'static str, String),
    ApplyNode(Box<Node>),
    Sync,
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => service().prop_map(|service| Event::ApplyService(Box::new(service))),
        1 => select(&NAMES[..]).prop_map(|(ns, name)| Event::DeleteService(ns, name)),
        5 => slice().prop_map(|slice| Event::ApplySlice(Box::new(slice))),
        1 => (select(&NAMES[..]), text(&["one", "two"]))
            .prop_map(|((ns, _), name)| Event::DeleteSlice(ns, name)),
        1 => node().prop_map(|node| Event::ApplyNode(Box::new(node))),
        4 => Just(Event::Sync),
    ]
}

pub(super) fn config() -> impl Strategy<Value = ProxyConfig> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(v6, masquerade_all, limited, no_cidr)| ProxyConfig {
            node: "node-a".to_owned(),
            node_ips: vec!["192.168.10.11".to_owned(), "fd00:10::11".to_owned()],
            ip_family: if v6 { IpFamily::IPv6 } else { IpFamily::IPv4 },
            cluster_cidr: if no_cidr {
                String::new()
            } else {
                "10.244.0.0/16,fd00:244::/48".into()
            },
            masquerade_all,
            node_port_addresses: if limited {
                vec!["192.168.10.0/24".into()]
            } else {
                Vec::new()
            },
            local_addresses: vec![
                "127.0.0.1/8".into(),
                "192.168.10.11/24".into(),
                "::1/128".into(),
            ],
            ..ProxyConfig::default()
        },
    )
}

/// The objects of a cluster, as a store holds them.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    pub(super) node: Option<Node>,
    pub(super) services: BTreeMap<(String, String), Service>,
    pub(super) slices: BTreeMap<(String, String), EndpointSlice>,
}

impl Objects {
    pub(super) fn apply(&mut self, event: &Event) {
        let key = |metadata: &ObjectMeta| (metadata.namespace.clone(), metadata.name.clone());
        match event {
            Event::ApplyService(service) => {
                self.services
                    .insert(key(&service.metadata), (**service).clone());
            }
            Event::DeleteService(ns, name) => {
                self.services
                    .remove(&((*ns).to_owned(), (*name).to_owned()));
            }
            Event::ApplySlice(slice) => {
                self.slices.insert(key(&slice.metadata), (**slice).clone());
            }
            Event::DeleteSlice(ns, name) => {
                self.slices.remove(&((*ns).to_owned(), name.clone()));
            }
            Event::ApplyNode(node) => self.node = Some((**node).clone()),
            Event::Sync => {}
        }
    }

    pub(super) fn rules(&self, mode: Mode, config: &ProxyConfig) -> RuleSet {
        let (services, slices) = (self.services.values(), self.slices.values());
        RuleSet::new(mode, config, self.node.as_ref(), services, slices).unwrap()
    }

    /// Whether a field that made a rule is there.
    pub(super) fn has(&self, origin: &Origin) -> bool {
        let key = (origin.object.namespace.clone(), origin.object.name.clone());
        let object = match origin.object.kind {
            Kind::Service => serde_json::to_value(self.services.get(&key)).unwrap(),
            Kind::EndpointSlice => serde_json::to_value(self.slices.get(&key)).unwrap(),
            _ => return false,
        };
        let pointer = format!("/{}", origin.field.as_str())
            .replace(['.', '['], "/")
            .replace(']', "");
        // Left out because it has its default, and still the field that decides.
        let optional = ["/targetPort", "/externalTrafficPolicy", "/sessionAffinity"];
        object.pointer(&pointer).is_some()
            || optional.iter().any(|end| pointer.ends_with(end)) && !object.is_null()
    }
}

pub(super) fn apply(proxier: &mut Proxier, event: &Event) {
    match event.clone() {
        Event::ApplyService(service) => proxier.apply_service(Arc::new(*service)),
        Event::DeleteService(namespace, name) => proxier.delete_service(namespace, name),
        Event::ApplySlice(slice) => proxier.apply_slice(Arc::new(*slice)),
        Event::DeleteSlice(namespace, name) => proxier.delete_slice(namespace, &name),
        Event::ApplyNode(node) => proxier.apply_node(Some(&node)).unwrap(),
        Event::Sync => {}
    }
}

pub(super) fn mode() -> impl Strategy<Value = Mode> {
    select(Mode::ALL.to_vec())
}
