//! The endpoints of a service port: gathered from EndpointSlices, then sorted into those for
//! cluster-wide and for local traffic.
//!
//! Source: `pkg/proxy/endpointslicecache.go` and `pkg/proxy/topology.go` of Kubernetes v1.30.
//! Later releases heed hints without the Service's annotation and know hints for Nodes.

use std::borrow::Borrow;

use serde::Serialize;

use super::address::push_canonical;
use super::config::Settings;
use super::out::Out;
use super::service::{Service, ServicePort, protocol};
use crate::api;
use crate::net::IpFamily;

/// One endpoint of a service port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Where its `ip:port` begins in [`Endpoints::text`], and how long it and its address are.
    start: u32,
    length: u8,
    ip_length: u8,
    /// Where its name is in [`Endpoints::names`], if it has one.
    name_length: u8,
    name: u32,
    flags: u16,
    /// Which of the Service's slices, in the order of their names.
    pub slice: u32,
    /// Index into the slice's `endpoints`.
    pub index: u32,
}

const READY: u16 = 1;
/// Still passes its probe while it is being deleted.
const DRAINING: u16 = 1 << 1;
const ON_THIS_NODE: u16 = 1 << 2;
const HINTED: u16 = 1 << 3;
const HINTED_HERE: u16 = 1 << 4;
const IN_CLUSTER: u16 = 1 << 5;
const IN_LOCAL: u16 = 1 << 6;

impl Endpoint {
    /// Whether it runs on the Node that the rules are for.
    pub(super) fn is_local(&self) -> bool {
        self.flags & ON_THIS_NODE != 0
    }

    /// Whether it gets traffic only because there is nothing better.
    pub(super) fn is_draining(&self) -> bool {
        self.flags & (READY | DRAINING) == DRAINING
    }
}

/// Why an endpoint gets no traffic by a policy on this Node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LeftOut {
    /// The policy asks for endpoints of this Node, and it runs on another.
    NotLocal,
    /// It is not ready.
    NotReady,
    /// It is being deleted; it still serves, and would be used if no other were ready.
    Terminating,
    /// Hints keep the traffic of this Node in its zone, and this one is for others.
    OtherZone,
}

/// Which endpoints a chain sends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// Those of the whole cluster.
    Cluster,
    /// Those of this Node.
    Local,
}

/// The endpoints of one service port, sorted as text by `ip:port`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Endpoints {
    text: String,
    names: String,
    list: Vec<Endpoint>,
    bracketed: bool,
    cluster: u32,
    local: u32,
    /// Whether any endpoint anywhere may be used.
    pub has_any: bool,
    /// Whether hints narrowed the cluster's endpoints down to this Node's zone.
    pub by_zone: bool,
}

impl Endpoints {
    /// The endpoints of a port in the slices of its Service.
    pub(super) fn new<S: Borrow<api::EndpointSlice>>(
        service: &Service,
        port: &ServicePort,
        slices: &[S],
        settings: &Settings,
    ) -> Self {
        let mut endpoints = Self {
            bracketed: settings.family == IpFamily::IPv6,
            ..Self::default()
        };
        for (number, slice) in slices.iter().enumerate() {
            endpoints.gather(port, number as u32, slice.borrow(), settings);
        }
        endpoints.sort();
        endpoints.categorize(service, port, settings);
        endpoints
    }

    fn gather(
        &mut self,
        port: &ServicePort,
        number: u32,
        slice: &api::EndpointSlice,
        settings: &Settings,
    ) {
        for slice_port in &slice.ports {
            // A port without a name is not the port with the empty name.
            if slice_port.name.as_deref() != Some(port.name.as_str())
                || protocol(slice_port.protocol.as_deref()) != Some(port.protocol)
            {
                continue;
            }
            let Some(target) = slice_port.port.filter(|port| *port != 0) else {
                continue;
            };
            let mut suffix = String::with_capacity(8);
            suffix.push_str(if self.bracketed { "]:" } else { ":" });
            Out::new(&mut suffix).number(target);
            self.list.reserve(slice.endpoints.len());
            self.text
                .reserve(slice.endpoints.len() * (suffix.len() + 15));
            for (index, endpoint) in slice.endpoints.iter().enumerate() {
                let Some(address) = endpoint.addresses.first() else {
                    continue;
                };
                let start = self.text.len();
                if self.bracketed {
                    self.text.push('[');
                }
                if !push_canonical(address, settings.family, &mut self.text) {
                    self.text.truncate(start);
                    continue;
                }
                let ip_length = self.text.len() - start - usize::from(self.bracketed);
                self.text.push_str(&suffix);
                self.list.push(Endpoint {
                    start: start as u32,
                    length: (self.text.len() - start) as u8,
                    ip_length: ip_length as u8,
                    flags: flags(endpoint, settings),
                    slice: number,
                    index: index as u32,
                    name: 0,
                    name_length: 0,
                });
            }
        }
    }

    /// Sorts by text, and makes one of those that several slices name: the first, but rather a
    /// local one.
    fn sort(&mut self) {
        let Self { text, list, .. } = self;
        let key = |endpoint: &Endpoint| {
            let start = endpoint.start as usize;
            &text.as_bytes()[start..start + usize::from(endpoint.length)]
        };
        if list.is_sorted_by(|a, b| key(a) < key(b)) {
            return;
        }
        // The first sixteen bytes as one number settle nearly every comparison.
        let mut order: Vec<(u128, Endpoint)> = list
            .iter()
            .map(|endpoint| {
                let mut first = [0; 16];
                let text = key(endpoint);
                let length = text.len().min(16);
                first[..length].copy_from_slice(&text[..length]);
                (u128::from_be_bytes(first), *endpoint)
            })
            .collect();
        order.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| key(&a.1).cmp(key(&b.1))));
        list.clear();
        list.extend(order.into_iter().map(|(_, endpoint)| endpoint));
        list.dedup_by(|later, kept| {
            let same = key(later) == key(kept);
            if same && later.is_local() {
                *kept = *later;
            }
            same
        });
    }

    /// `CategorizeEndpoints`.
    fn categorize(&mut self, service: &Service, port: &ServicePort, settings: &Settings) {
        let uses_cluster = service.uses_cluster_endpoints(port);
        let uses_local = service.uses_local_endpoints(port);
        if uses_cluster {
            self.by_zone = service.hints && settings.zone.is_some() && self.hints_are_usable();
            let wanted = if self.by_zone {
                READY | HINTED_HERE
            } else {
                READY
            };
            self.cluster = self.choose(wanted, IN_CLUSTER);
            if self.cluster == 0 {
                self.cluster = self.choose(DRAINING, IN_CLUSTER);
            }
            self.has_any = self.cluster > 0;
        }
        if uses_local {
            self.has_any |= self
                .list
                .iter()
                .any(|endpoint| endpoint.flags & (READY | DRAINING) != 0);
            self.local = self.choose(READY | ON_THIS_NODE, IN_LOCAL);
            if self.local == 0 {
                self.local = self.choose(DRAINING | ON_THIS_NODE, IN_LOCAL);
            }
        }
    }

    /// Hints count only if every ready endpoint has some and one names this Node's zone.
    fn hints_are_usable(&self) -> bool {
        let mut ready = self.list.iter().filter(|e| e.flags & READY != 0).peekable();
        let mut here = false;
        ready.all(|endpoint| {
            here |= endpoint.flags & HINTED_HERE != 0;
            endpoint.flags & HINTED != 0
        }) && here
    }

    /// Marks those that have all `wanted` flags with `mark`, and counts them.
    fn choose(&mut self, wanted: u16, mark: u16) -> u32 {
        let mut count = 0;
        for endpoint in &mut self.list {
            if endpoint.flags & wanted == wanted {
                endpoint.flags |= mark;
                count += 1;
            }
        }
        count
    }

    /// Gives those that can be reached from this Node a name: what `push` appends for their
    /// `ip:port`, at most 255 bytes and about as long as `expected`.
    pub(super) fn name(&mut self, expected: usize, push: impl Fn(&str, &mut String)) {
        let Self {
            text, names, list, ..
        } = self;
        names.reserve(list.len() * expected);
        for endpoint in list {
            if endpoint.flags & (IN_CLUSTER | IN_LOCAL) != 0 {
                let start = endpoint.start as usize;
                endpoint.name = names.len() as u32;
                push(&text[start..start + usize::from(endpoint.length)], names);
                endpoint.name_length = (names.len() - endpoint.name as usize) as u8;
            }
        }
    }

    /// Why one gets no traffic by a policy; `None` if it does.
    pub(super) fn left_out(&self, endpoint: &Endpoint, policy: Policy) -> Option<LeftOut> {
        let has = |flag| endpoint.flags & flag != 0;
        let chosen = match policy {
            Policy::Cluster => IN_CLUSTER,
            Policy::Local => IN_LOCAL,
        };
        if has(chosen) {
            return None;
        }
        Some(if policy == Policy::Local && !has(ON_THIS_NODE) {
            LeftOut::NotLocal
        } else if has(READY) {
            LeftOut::OtherZone
        } else if has(DRAINING) {
            LeftOut::Terminating
        } else {
            LeftOut::NotReady
        })
    }

    /// All of them, usable or not.
    pub(super) fn all(&self) -> &[Endpoint] {
        &self.list
    }

    /// How many a policy sends to.
    pub(super) fn count(&self, policy: Policy) -> u32 {
        match policy {
            Policy::Cluster => self.cluster,
            Policy::Local => self.local,
        }
    }

    /// Those that a policy sends to, with their indices.
    pub(super) fn of(&self, policy: Policy) -> impl Iterator<Item = (u32, &Endpoint)> {
        self.marked(match policy {
            Policy::Cluster => IN_CLUSTER,
            Policy::Local => IN_LOCAL,
        })
    }

    /// Those that traffic on this Node may reach by any policy, with their indices.
    pub(super) fn reachable(&self) -> impl Iterator<Item = (u32, &Endpoint)> {
        self.marked(IN_CLUSTER | IN_LOCAL)
    }

    fn marked(&self, mark: u16) -> impl Iterator<Item = (u32, &Endpoint)> {
        (0u32..)
            .zip(&self.list)
            .filter(move |(_, endpoint)| endpoint.flags & mark != 0)
    }

    /// Whether `ip:port` is `[ip]:port`: for IPv6.
    pub(super) fn are_bracketed(&self) -> bool {
        self.bracketed
    }

    /// How long the texts of all of them are together.
    pub(super) fn text_length(&self) -> usize {
        self.text.len()
    }

    /// Its name; empty for one that cannot be reached.
    pub(super) fn name_of(&self, endpoint: &Endpoint) -> &str {
        let start = endpoint.name as usize;
        &self.names[start..start + usize::from(endpoint.name_length)]
    }

    /// `ip:port`, or `[ip]:port` for IPv6.
    pub(super) fn ip_port(&self, endpoint: &Endpoint) -> &str {
        let start = endpoint.start as usize;
        &self.text[start..start + usize::from(endpoint.length)]
    }

    /// The address alone.
    pub(super) fn ip(&self, endpoint: &Endpoint) -> &str {
        let start = endpoint.start as usize + usize::from(self.bracketed);
        &self.text[start..start + usize::from(endpoint.ip_length)]
    }

    /// The port alone.
    pub(super) fn port(&self, endpoint: &Endpoint) -> &str {
        let brackets = usize::from(self.bracketed);
        &self.ip_port(endpoint)[usize::from(endpoint.ip_length) + 2 * brackets + 1..]
    }
}

fn flags(endpoint: &api::Endpoint, settings: &Settings) -> u16 {
    let conditions = &endpoint.conditions;
    let mut flags = 0;
    if conditions.ready.unwrap_or(true) {
        flags |= READY;
    }
    if conditions.serving.unwrap_or(true) && conditions.terminating.unwrap_or(false) {
        flags |= DRAINING;
    }
    if let Some(node) = &endpoint.node_name
        && !settings.node.is_empty()
        && *node == settings.node
    {
        flags |= ON_THIS_NODE;
    }
    if let Some(hints) = &endpoint.hints
        && !hints.for_zones.is_empty()
    {
        flags |= HINTED;
        if let Some(zone) = &settings.zone
            && hints.for_zones.iter().any(|hint| hint.name == *zone)
        {
            flags |= HINTED_HERE;
        }
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::{Mode, ProxyConfig};

    /// `ip flags…`: `here` for this Node, `not-ready`, `draining`, `a` and `b` for hinted zones.
    fn endpoint(text: &str) -> api::Endpoint {
        let (ip, flags) = text.split_once(' ').unwrap_or((text, ""));
        let has = |flag: &str| flags.split(' ').any(|word| word == flag);
        let hint = |zone: &str| api::ForZone { name: zone.into() };
        api::Endpoint {
            addresses: vec![ip.into()],
            conditions: api::EndpointConditions {
                ready: Some(!has("not-ready") && !has("draining")),
                serving: Some(!has("not-ready")),
                terminating: Some(has("draining")),
            },
            node_name: Some(if has("here") { "here" } else { "there" }.into()),
            hints: Some(api::EndpointHints {
                for_zones: ["a", "b"]
                    .into_iter()
                    .filter(|z| has(z))
                    .map(hint)
                    .collect(),
                ..api::EndpointHints::default()
            }),
            ..api::Endpoint::default()
        }
    }

    /// The addresses for cluster-wide and for local traffic, on Node `here` in zone `a`, of a
    /// Service with a node port, `externalTrafficPolicy: Local` and hints wanted.
    fn chosen(slices: &[&[&str]]) -> (Vec<String>, Vec<String>) {
        let mut node = api::Node::default();
        let label = "topology.kubernetes.io/zone".to_owned();
        node.metadata.labels.insert(label, "a".into());
        let config = ProxyConfig {
            node: "here".into(),
            ..ProxyConfig::default()
        };
        let settings = Settings::new(&config, Mode::Iptables, Some(&node)).unwrap();
        let mut service = api::Service::default();
        let annotation = "service.kubernetes.io/topology-mode".to_owned();
        service
            .metadata
            .annotations
            .insert(annotation, "Auto".into());
        service.spec.type_ = "NodePort".into();
        service.spec.cluster_ip = "10.96.0.1".into();
        service.spec.external_traffic_policy = "Local".into();
        service.spec.ports = vec![api::ServicePort {
            port: 80,
            node_port: 30080,
            ..api::ServicePort::default()
        }];
        let service = Service::new(&service, &settings).unwrap();
        let slices: Vec<api::EndpointSlice> = slices
            .iter()
            .map(|endpoints| api::EndpointSlice {
                endpoints: endpoints.iter().map(|text| endpoint(text)).collect(),
                ports: vec![api::EndpointPort {
                    name: Some(String::new()),
                    port: Some(8080),
                    ..api::EndpointPort::default()
                }],
                ..api::EndpointSlice::default()
            })
            .collect();
        let endpoints = Endpoints::new(&service, &service.ports[0], &slices, &settings);
        let ips = |policy| {
            let ip = |(_, endpoint)| endpoints.ip(endpoint).to_owned();
            endpoints.of(policy).map(ip).collect()
        };
        (ips(Policy::Cluster), ips(Policy::Local))
    }

    fn check(slices: &[&[&str]], cluster: &[&str], local: &[&str]) {
        let (found_cluster, found_local) = chosen(slices);
        assert_eq!(found_cluster, cluster, "cluster-wide of {slices:?}");
        assert_eq!(found_local, local, "local of {slices:?}");
    }

    #[test]
    fn endpoints_sort_as_text_and_are_there_once() {
        check(
            &[&["10.0.0.9", "10.0.0.10"], &["10.0.0.9 here", "10.0.0.1"]],
            // A digit sorts before the colon of the port.
            &["10.0.0.10", "10.0.0.1", "10.0.0.9"],
            &["10.0.0.9"],
        );
    }

    #[test]
    fn draining_endpoints_serve_only_where_none_is_ready() {
        check(
            &[&["1.0.0.1 draining", "1.0.0.2 not-ready"]],
            &["1.0.0.1"],
            &[],
        );
        // The two fall back apart from each other.
        check(
            &[&["1.0.0.1 draining here", "1.0.0.2"]],
            &["1.0.0.2"],
            &["1.0.0.1"],
        );
    }

    #[test]
    fn hints_count_if_every_ready_endpoint_has_one_and_some_name_this_zone() {
        check(&[&["1.0.0.1 a", "1.0.0.2 b"]], &["1.0.0.1"], &[]);
        check(&[&["1.0.0.1 a", "1.0.0.2"]], &["1.0.0.1", "1.0.0.2"], &[]);
        check(&[&["1.0.0.1 b", "1.0.0.2 b"]], &["1.0.0.1", "1.0.0.2"], &[]);
        check(&[&["1.0.0.1 a", "1.0.0.2 not-ready"]], &["1.0.0.1"], &[]);
        // Local traffic takes no notice of them.
        check(
            &[&["1.0.0.1 a", "1.0.0.2 b here"]],
            &["1.0.0.1"],
            &["1.0.0.2"],
        );
    }
}
