//! What kube-proxy keeps of a Service: its ports, addresses and policies, for one IP family.
//!
//! Source: `pkg/proxy/serviceport.go`, `servicechangetracker.go`, `util/utils.go` and
//! `pkg/api/v1/service/util.go` of Kubernetes v1.30.

use super::address::{Cidr, canonical};
use super::config::Settings;
use crate::api;
use crate::net::{IpFamily, Protocol};

/// A Service with this label is another proxy's; one with the second has no address to serve.
/// kube-proxy watches neither (`pkg/proxy/apis/well_known_labels.go`).
const NOT_WATCHED: [&str; 2] = [
    "service.kubernetes.io/service-proxy-name",
    "service.kubernetes.io/headless",
];

/// The older annotation wins where it stands.
const HINTS_ANNOTATIONS: [&str; 2] = [
    "service.kubernetes.io/topology-aware-hints",
    "service.kubernetes.io/topology-mode",
];

/// The API server's default for `ClientIP`, in seconds.
const DEFAULT_AFFINITY_SECONDS: i32 = 10_800;

/// Whether kube-proxy sees an object with these labels at all.
pub(super) fn is_watched(metadata: &api::ObjectMeta) -> bool {
    NOT_WATCHED
        .iter()
        .all(|label| !metadata.labels.contains_key(*label))
}

/// An address or range, and the index of the field's entry that it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub text: String,
    pub index: usize,
}

/// One Service that has rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub namespace: String,
    pub name: String,
    /// `index` is into `spec.clusterIPs`, or 0 for `spec.clusterIP`.
    pub cluster_ip: Entry,
    /// Whether the cluster IP came from `spec.clusterIPs`.
    pub from_cluster_ips: bool,
    pub external_ips: Vec<Entry>,
    /// The load balancer's addresses that Nodes have to answer for.
    pub load_balancer_ips: Vec<Entry>,
    pub source_ranges: Vec<Entry>,
    /// Whether a source range holds the Node's own address.
    pub node_in_ranges: bool,
    pub internal_local: bool,
    /// Whether it selects Pods; else somebody writes its slices by hand.
    pub has_selector: bool,
    pub external_local: bool,
    /// Seconds.
    pub affinity: Option<i32>,
    /// 0 for none.
    pub health_check_node_port: i32,
    /// Whether the Service's annotation lets topology hints count.
    pub hints: bool,
    /// Sorted by name, then protocol.
    pub ports: Vec<ServicePort>,
}

/// One port of it: what kube-proxy calls a service port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServicePort {
    /// Index into `spec.ports`.
    pub index: usize,
    pub name: String,
    pub protocol: Protocol,
    /// `namespace/name:port`, or without the colon for an unnamed port.
    pub label: String,
    pub port: i32,
    /// 0 for none.
    pub node_port: i32,
}

impl Service {
    /// The Service as this family's kube-proxy sees it; `None` if it has no rules there.
    pub(super) fn new(service: &api::Service, settings: &Settings) -> Option<Self> {
        let spec = &service.spec;
        if !is_watched(&service.metadata)
            || spec.type_ == "ExternalName"
            || spec.cluster_ip == "None"
            || spec.cluster_ips.first().is_some_and(|ip| ip == "None")
        {
            return None;
        }
        let (cluster_ip, from_cluster_ips) = cluster_ip(spec, settings.family)?;
        let external_local = is_external(spec) && spec.external_traffic_policy == "Local";
        let mut source_ranges = Vec::new();
        let mut node_in_ranges = false;
        for (index, text) in spec.load_balancer_source_ranges.iter().enumerate() {
            if let Some(cidr) = Cidr::parse(text.trim())
                && cidr.family() == settings.family
            {
                node_in_ranges |= cidr.contains(settings.node_ip);
                source_ranges.push(Entry {
                    text: cidr.to_string(),
                    index,
                });
            }
        }
        let namespace = &service.metadata.namespace;
        let name = &service.metadata.name;
        Some(Self {
            namespace: namespace.clone(),
            name: name.clone(),
            cluster_ip,
            from_cluster_ips,
            external_ips: of_family(
                spec.external_ips.iter().map(String::as_str),
                settings.family,
            ),
            load_balancer_ips: of_family(
                service.status.load_balancer.ingress.iter().map(|ingress| {
                    let proxied = ingress.ip_mode.as_deref().is_some_and(|mode| mode != "VIP");
                    if proxied && settings.heed_ip_mode {
                        ""
                    } else {
                        ingress.ip.as_str()
                    }
                }),
                settings.family,
            ),
            source_ranges,
            node_in_ranges,
            internal_local: spec.internal_traffic_policy.as_deref() == Some("Local"),
            has_selector: spec
                .selector
                .as_ref()
                .is_some_and(|selector| !selector.is_empty()),
            external_local,
            affinity: (spec.session_affinity == "ClientIP").then(|| {
                spec.session_affinity_config
                    .as_ref()
                    .and_then(|config| config.client_ip.as_ref()?.timeout_seconds)
                    .unwrap_or(DEFAULT_AFFINITY_SECONDS)
            }),
            health_check_node_port: if spec.type_ == "LoadBalancer" && external_local {
                spec.health_check_node_port
            } else {
                0
            },
            hints: !settings.hints_need_annotation || wants_hints(&service.metadata),
            ports: ports(namespace, name, &spec.ports),
        })
    }

    /// Whether this port can be reached from outside the cluster.
    pub(super) fn is_externally_accessible(&self, port: &ServicePort) -> bool {
        port.node_port != 0 || !self.load_balancer_ips.is_empty() || !self.external_ips.is_empty()
    }

    /// Whether endpoints of all Nodes may get traffic. Even with both policies `Local` they do:
    /// a Pod's own traffic to an external address takes a short cut past that policy.
    pub(super) fn uses_cluster_endpoints(&self, port: &ServicePort) -> bool {
        !self.internal_local || self.is_externally_accessible(port)
    }

    /// Whether a policy asks for endpoints of this Node.
    pub(super) fn uses_local_endpoints(&self, port: &ServicePort) -> bool {
        self.internal_local || (self.external_local && self.is_externally_accessible(port))
    }
}

/// `ExternallyAccessible` of `pkg/api/v1/service/util.go`: where `externalTrafficPolicy` counts.
fn is_external(spec: &api::ServiceSpec) -> bool {
    match spec.type_.as_str() {
        "NodePort" | "LoadBalancer" => true,
        "ClusterIP" | "" => !spec.external_ips.is_empty(),
        _ => false,
    }
}

/// The cluster IP of the family, found by its place in `ipFamilies`; where those are not given,
/// by the address itself.
fn cluster_ip(spec: &api::ServiceSpec, family: IpFamily) -> Option<(Entry, bool)> {
    let name = match family {
        IpFamily::IPv4 => "IPv4",
        IpFamily::IPv6 => "IPv6",
    };
    let entry = |text: &str, index, from_list| {
        let text = canonical(text, family)?;
        Some((Entry { text, index }, from_list))
    };
    if spec.ip_families.is_empty() {
        let mut listed = spec.cluster_ips.iter().enumerate();
        return listed
            .find_map(|(index, text)| entry(text, index, true))
            .or_else(|| entry(&spec.cluster_ip, 0, false));
    }
    let index = spec.ip_families.iter().position(|family| family == name)?;
    match spec.cluster_ips.get(index) {
        Some(text) => entry(text, index, true),
        None if index == 0 => entry(&spec.cluster_ip, 0, false),
        None => None,
    }
}

/// The addresses of a family, as Go prints them. What is no address is passed over.
fn of_family<'a>(texts: impl Iterator<Item = &'a str>, family: IpFamily) -> Vec<Entry> {
    texts
        .enumerate()
        .filter_map(|(index, text)| {
            let text = canonical(text, family)?;
            Some(Entry { text, index })
        })
        .collect()
}

fn wants_hints(metadata: &api::ObjectMeta) -> bool {
    let value = HINTS_ANNOTATIONS
        .iter()
        .find_map(|key| metadata.annotations.get(*key));
    value.is_some_and(|value| !matches!(value.as_str(), "" | "disabled" | "Disabled"))
}

/// The ports by name and protocol. Of two that share both, validation lets none pass; the later
/// one counts, as in kube-proxy's map.
fn ports(namespace: &str, name: &str, specs: &[api::ServicePort]) -> Vec<ServicePort> {
    let mut ports: Vec<ServicePort> = Vec::with_capacity(specs.len());
    for (index, spec) in specs.iter().enumerate() {
        let Some(protocol) = protocol(Some(&spec.protocol)) else {
            continue;
        };
        let mut label = String::with_capacity(namespace.len() + name.len() + spec.name.len() + 2);
        label.push_str(namespace);
        label.push('/');
        label.push_str(name);
        if !spec.name.is_empty() {
            label.push(':');
            label.push_str(&spec.name);
        }
        ports.push(ServicePort {
            index,
            name: spec.name.clone(),
            protocol,
            label,
            port: spec.port,
            node_port: spec.node_port,
        });
    }
    // Stable, so of equals the later one still comes later.
    ports.sort_by(|a, b| (&a.name, a.protocol).cmp(&(&b.name, b.protocol)));
    ports.dedup_by(|later, kept| {
        let same = later.name == kept.name && later.protocol == kept.protocol;
        if same {
            std::mem::swap(later, kept);
        }
        same
    });
    ports
}

/// A protocol as the API spells it; left out or empty it is TCP.
pub(super) fn protocol(text: Option<&str>) -> Option<Protocol> {
    match text {
        None | Some("" | "TCP") => Some(Protocol::Tcp),
        Some("UDP") => Some(Protocol::Udp),
        Some("SCTP") => Some(Protocol::Sctp),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::{Mode, ProxyConfig};

    fn seen(spec: api::ServiceSpec) -> Option<Service> {
        let settings = Settings::new(&ProxyConfig::default(), Mode::Iptables, None).unwrap();
        let service = api::Service {
            spec,
            ..api::Service::default()
        };
        Service::new(&service, &settings)
    }

    #[test]
    fn the_cluster_ip_is_found_by_its_family() {
        let spec = api::ServiceSpec {
            cluster_ip: "fd00::1".into(),
            cluster_ips: vec!["fd00::1".into(), "10.96.0.1".into()],
            ip_families: vec!["IPv6".into(), "IPv4".into()],
            ..api::ServiceSpec::default()
        };
        let found = seen(spec.clone()).map(|service| service.cluster_ip);
        let expected = Entry {
            text: "10.96.0.1".into(),
            index: 1,
        };
        assert_eq!(found, Some(expected));
        let only_v6 = api::ServiceSpec {
            ip_families: vec!["IPv6".into()],
            ..spec
        };
        assert_eq!(seen(only_v6), None);
    }

    #[test]
    fn services_without_an_address_of_their_own_have_no_rules() {
        for (type_, ip) in [
            ("ExternalName", "10.96.0.1"),
            ("ClusterIP", "None"),
            ("", ""),
        ] {
            let spec = api::ServiceSpec {
                type_: type_.into(),
                cluster_ip: ip.into(),
                ..api::ServiceSpec::default()
            };
            assert_eq!(seen(spec), None, "{type_} {ip}");
        }
    }

    #[test]
    fn external_traffic_policy_counts_only_where_outsiders_may_come() {
        let local = |type_: &str, external: &[&str]| {
            let spec = api::ServiceSpec {
                type_: type_.into(),
                cluster_ip: "10.96.0.1".into(),
                external_ips: external.iter().map(|&ip| ip.into()).collect(),
                external_traffic_policy: "Local".into(),
                ..api::ServiceSpec::default()
            };
            seen(spec).map(|service| service.external_local)
        };
        assert_eq!(local("NodePort", &[]), Some(true));
        assert_eq!(local("ClusterIP", &[]), Some(false));
        assert_eq!(local("ClusterIP", &["192.0.2.1"]), Some(true));
    }

    #[test]
    fn of_two_ports_of_one_name_the_later_counts() {
        let port = |name: &str, port| api::ServicePort {
            name: name.into(),
            port,
            ..api::ServicePort::default()
        };
        let spec = api::ServiceSpec {
            cluster_ip: "10.96.0.1".into(),
            ports: vec![port("b", 1), port("a", 2), port("b", 3), port("b", 4)],
            ..api::ServiceSpec::default()
        };
        let ports = seen(spec).map(|service| service.ports).unwrap_or_default();
        let seen: Vec<_> = ports.iter().map(|port| (port.index, port.port)).collect();
        assert_eq!(seen, [(1, 2), (3, 4)]);
    }
}
