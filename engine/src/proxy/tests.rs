//! What has to hold for any objects: what a running kube-proxy has equals a full sync, what it
//! sends makes a kernel equal to it, and every rule can say where it is and what made it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{Mode, Proxier, ProxyConfig, RuleSet, SYNC_PERIOD_MS, diff, dump};
use crate::api::{
    AddressType, ClientIpConfig, Endpoint, EndpointConditions, EndpointHints, EndpointPort,
    EndpointSlice, ForZone, Kind, LoadBalancerIngress, Node, ObjectMeta, Origin, Service,
    ServicePort, ServiceSpec, SessionAffinityConfig,
};
use crate::net::IpFamily;

/// `a-b` sorts before `a/` as text, and after `a` as a namespace.
const NAMES: [(&str, &str); 3] = [("a", "web"), ("a", "api"), ("a-b", "web")];

fn metadata(namespace: &str, name: &str) -> ObjectMeta {
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

fn service() -> impl Strategy<Value = Service> {
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

fn slice() -> impl Strategy<Value = EndpointSlice> {
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
            AddressType::IPv4,
            AddressType::IPv6,
            AddressType::FQDN,
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

fn node() -> impl Strategy<Value = Node> {
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
enum Event {
    ApplyService(Box<Service>),
    DeleteService(&'static str, &'static str),
    ApplySlice(Box<EndpointSlice>),
    DeleteSlice(&'static str, String),
    ApplyNode(Box<Node>),
    Sync,
}

fn event() -> impl Strategy<Value = Event> {
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

fn config() -> impl Strategy<Value = ProxyConfig> {
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
struct Objects {
    node: Option<Node>,
    services: BTreeMap<(String, String), Service>,
    slices: BTreeMap<(String, String), EndpointSlice>,
}

impl Objects {
    fn apply(&mut self, event: &Event) {
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

    fn rules(&self, mode: Mode, config: &ProxyConfig) -> RuleSet {
        let (services, slices) = (self.services.values(), self.slices.values());
        RuleSet::new(mode, config, self.node.as_ref(), services, slices).unwrap()
    }

    /// Whether a field that made a rule is there.
    fn has(&self, origin: &Origin) -> bool {
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

fn apply(proxier: &mut Proxier, event: &Event) {
    match event.clone() {
        Event::ApplyService(service) => proxier.apply_service(Arc::new(*service)),
        Event::DeleteService(namespace, name) => proxier.delete_service(namespace, name),
        Event::ApplySlice(slice) => proxier.apply_slice(Arc::new(*slice)),
        Event::DeleteSlice(namespace, name) => proxier.delete_slice(namespace, &name),
        Event::ApplyNode(node) => proxier.apply_node(Some(&node)).unwrap(),
        Event::Sync => {}
    }
}

/// The chains of a kernel, as iptables-restore without `--flush` fills them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kernel(BTreeMap<(String, String), Vec<String>>);

impl Kernel {
    fn restore(&mut self, text: &str) {
        let mut table = "";
        for line in text.lines() {
            let word = |n| line.split(' ').nth(n).unwrap_or_default().to_owned();
            if let Some(name) = line.strip_prefix('*') {
                table = name;
            } else if let Some(rest) = line.strip_prefix(':') {
                let chain = rest.split(' ').next().unwrap();
                self.0
                    .insert((table.to_owned(), chain.to_owned()), Vec::new());
            } else if line.starts_with("-A ") {
                let chain = self.0.get_mut(&(table.to_owned(), word(1)));
                chain
                    .expect("a rule's chain is declared")
                    .push(line.to_owned());
            } else if line.starts_with("-X ") {
                let gone = self.0.remove(&(table.to_owned(), word(1)));
                assert_eq!(gone, Some(Vec::new()), "only an empty chain can be deleted");
            } else {
                assert_eq!(line, "COMMIT");
            }
        }
    }

    /// Every jump leads to a chain that is there.
    fn is_closed(&self) -> bool {
        const TARGETS: [&str; 6] = ["ACCEPT", "DROP", "REJECT", "RETURN", "MARK", "DNAT"];
        self.0.iter().all(|((table, _), rules)| {
            rules.iter().all(|rule| {
                let target = rule.split_once(" -j ").map_or("RETURN", |(_, rest)| rest);
                let target = target.split(' ').next().unwrap();
                TARGETS.contains(&target)
                    || target == "MASQUERADE"
                    || self.0.contains_key(&(table.clone(), target.to_owned()))
            })
        })
    }
}

/// Syncs, and checks that everything equals a full sync.
fn sync_and_check(
    proxier: &mut Proxier,
    kernel: &mut Kernel,
    expected: &RuleSet,
) -> Result<(), TestCaseError> {
    let sync = proxier.sync(0);
    let rules = proxier.rule_set();
    prop_assert_eq!(dump(&rules), dump(expected));
    match rules.mode() {
        Mode::Nftables => prop_assert_eq!(sync.text.as_str(), expected.text()),
        Mode::Ipvs => prop_assert_eq!(sync.text.as_str(), expected.text()),
        Mode::Iptables => {
            kernel.restore(&sync.text);
            let mut fresh = Kernel::default();
            fresh.restore(&expected.text());
            prop_assert!(fresh.is_closed());
            prop_assert_eq!(&*kernel, &fresh);
        }
    }
    prop_assert!(!proxier.is_pending());
    let again = proxier.full_sync(0);
    prop_assert_eq!(again.text.as_str(), expected.text());
    Ok(())
}

/// Numbers that the text gives its rules and elements, by table or chain.
fn numbered(text: &str) -> BTreeSet<(String, u32, String)> {
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut table = String::new();
    let mut numbered = BTreeSet::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name.to_owned();
        }
        let nth = match line {
            _ if line.starts_with("-A ") => 1,
            _ if line.starts_with("add rule ") || line.starts_with("add element ") => 4,
            _ => continue,
        };
        let chain = line.split(' ').nth(nth).unwrap().to_owned();
        let count = counts.entry((table.clone(), chain.clone())).or_default();
        *count += 1;
        numbered.insert((chain, *count, line.to_owned()));
    }
    numbered
}

fn mode() -> impl Strategy<Value = Mode> {
    select(Mode::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_runs_equals_a_full_sync(
        mode in mode(),
        config in config(),
        events in vec(event(), 0..30),
    ) {
        let mut objects = Objects::default();
        let mut proxier = Proxier::new(mode, &config, None).unwrap();
        let mut kernel = Kernel::default();
        for event in events.iter().chain([&Event::Sync]) {
            objects.apply(event);
            apply(&mut proxier, event);
            if matches!(event, Event::Sync) {
                sync_and_check(&mut proxier, &mut kernel, &objects.rules(mode, &config))?;
            }
        }
    }

    #[test]
    fn every_rule_says_where_it_is_and_what_made_it(
        mode in mode(),
        config in config(),
        node in node(),
        services in btree_map(select(&NAMES[..]), service(), 1..4),
        slices in vec(slice(), 0..6),
    ) {
        let mut objects = Objects { node: Some(node), ..Objects::default() };
        let services = services.into_values().map(|service| Event::ApplyService(Box::new(service)));
        for event in services.chain(slices.into_iter().map(|slice| Event::ApplySlice(Box::new(slice)))) {
            objects.apply(&event);
        }
        let rules = objects.rules(mode, &config);
        let lines = rules.lines();
        let mut found = BTreeSet::new();
        for line in &lines {
            let rule = rules.describe(line);
            prop_assert!(rule.explanation.ends_with('.'), "{rule:?}");
            prop_assert!(rule.explanation.starts_with(|c: char| !c.is_lowercase()), "{rule:?}");
            for origin in &rule.origins {
                prop_assert!(objects.has(origin), "{origin:?} of {rule:?}");
            }
            found.insert((line.at.chain.clone(), line.at.number, line.text.clone()));
        }
        let missing: Vec<_> = numbered(&rules.text()).difference(&found).cloned().collect();
        prop_assert_eq!(missing, vec![]);
        let ids: BTreeSet<_> = lines.iter().map(|line| line.id).collect();
        prop_assert_eq!(ids.len(), lines.len());
        if let Some(tables) = rules.ipvs() {
            for text in [&tables.ipvsadm, &tables.kube_ipvs0, &tables.sysctl] {
                for line in text.lines() {
                    prop_assert!(lines.iter().any(|known| known.text == line), "{line}");
                }
            }
            for line in tables.ipset.lines().filter(|line| line.starts_with("add ")) {
                prop_assert!(lines.iter().any(|known| known.text == line), "{line}");
            }
        }
    }

    #[test]
    fn a_diff_leads_from_the_old_to_the_new(
        mode in mode(),
        config in config(),
        before in vec(event(), 0..12),
        after in vec(event(), 0..4),
    ) {
        let mut objects = Objects::default();
        before.iter().for_each(|event| objects.apply(event));
        let old = objects.rules(mode, &config);
        after.iter().for_each(|event| objects.apply(event));
        let new = objects.rules(mode, &config);
        let changes = diff(&old, &new);
        let ids = |rules: &RuleSet| rules.lines().iter().map(|l| l.id).collect::<BTreeSet<_>>();
        let mut patched = ids(&old);
        for line in &changes.removed {
            prop_assert!(patched.remove(&line.id));
        }
        prop_assert_eq!(patched.len(), changes.unchanged);
        for line in &changes.added {
            prop_assert!(patched.insert(line.id));
        }
        prop_assert_eq!(patched, ids(&new));
        prop_assert!(diff(&new, &new).added.is_empty());
    }
}

fn web(endpoints: usize) -> (Service, EndpointSlice) {
    let service = Service {
        metadata: metadata("a", "web"),
        spec: ServiceSpec {
            cluster_ip: "10.96.0.1".to_owned(),
            ports: vec![ServicePort {
                port: 80,
                ..ServicePort::default()
            }],
            ..ServiceSpec::default()
        },
        ..Service::default()
    };
    let mut slice = EndpointSlice {
        metadata: metadata("a", "web-1"),
        ports: vec![EndpointPort {
            name: Some(String::new()),
            port: Some(8080),
            ..EndpointPort::default()
        }],
        ..EndpointSlice::default()
    };
    let label = "kubernetes.io/service-name".to_owned();
    slice.metadata.labels.insert(label, "web".to_owned());
    slice.endpoints = (0..endpoints)
        .map(|i| Endpoint {
            addresses: vec![format!("10.0.{}.{}", i >> 8, i & 255)],
            ..Endpoint::default()
        })
        .collect();
    (service, slice)
}

#[test]
fn a_change_that_changes_no_rule_is_no_change() {
    let (service, mut slice) = web(2);
    let mut proxier = Proxier::new(Mode::Iptables, &ProxyConfig::default(), None).unwrap();
    proxier.apply_service(Arc::new(service.clone()));
    proxier.apply_slice(Arc::new(slice.clone()));
    assert!(proxier.sync(0).full);
    slice.metadata.labels.insert("colour".into(), "red".into());
    proxier.apply_slice(Arc::new(slice.clone()));
    proxier.apply_service(Arc::new(service));
    assert!(!proxier.is_pending());
    slice.endpoints[0].conditions.ready = Some(false);
    proxier.apply_slice(Arc::new(slice));
    let sync = proxier.sync(0);
    assert_eq!((sync.full, sync.services), (false, 1));
}

/// One endpoint more than 1000 makes a large cluster: comments go, and stale chains stay a while.
#[test]
fn a_large_cluster_leaves_out_comments_and_cleans_up_late() {
    let (service, slice) = web(1001);
    let mut proxier = Proxier::new(Mode::Iptables, &ProxyConfig::default(), None).unwrap();
    proxier.apply_service(Arc::new(service));
    let mut fewer = slice.clone();
    fewer.endpoints.truncate(1000);
    proxier.apply_slice(Arc::new(fewer));
    assert!(proxier.sync(0).text.contains("\"a/web -> 10.0.0.0:8080\""));

    proxier.apply_slice(Arc::new(slice.clone()));
    let sync = proxier.sync(1);
    assert!(sync.full);
    assert!(!sync.text.contains("a/web -> "));

    let mut other = slice;
    other.endpoints[0].addresses = vec!["10.9.9.9".to_owned()];
    proxier.apply_slice(Arc::new(other));
    assert!(!proxier.sync(2).text.contains("-X "));
    let late = proxier.full_sync(2 + SYNC_PERIOD_MS);
    assert_eq!(late.text.matches("\n-X ").count(), 1);
    assert!(
        !proxier
            .full_sync(3 + 2 * SYNC_PERIOD_MS)
            .text
            .contains("-X ")
    );
}

/// What a learner reads beside the rules of a Service with three endpoints.
#[test]
fn explanations_read_well() {
    let (service, slice) = web(3);
    let config = ProxyConfig::default();
    let rules = RuleSet::new(Mode::Iptables, &config, None, [&service], [&slice]).unwrap();
    let explained = |start: &str| -> Vec<String> {
        let lines = rules.lines();
        let lines = lines.iter().filter(|line| line.text.starts_with(start));
        lines.map(|line| rules.explain(line)).collect()
    };
    assert_eq!(
        explained("-A KUBE-SERVICES -m comment --comment \"a/web")[0],
        "New connections to the cluster IP 10.96.0.1, port 80/TCP, of a/web go to one of its endpoints."
    );
    assert_eq!(
        explained("-A KUBE-SVC"),
        [
            "10.0.0.0:8080 gets 1 in 3 of all connections.",
            "10.0.0.1:8080 gets 1 in 2 of the connections that come this far, which is 1 in 3 of all.",
            "10.0.0.2:8080 gets what is left: 1 in 3 of all connections."
        ]
    );
}
