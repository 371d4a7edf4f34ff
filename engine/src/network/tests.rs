//! Journeys through a small kubeadm cluster, with the rules that kube-proxy writes there.

mod life;
mod many;
mod modes;
mod trodden;

use std::fmt::Write as _;

use super::*;
use crate::api::{
    self, Endpoint, EndpointConditions, EndpointPort, EndpointSlice, IntOrString, ObjectMeta,
    Service, ServicePort, ServiceSpec,
};
use crate::net::{IpFamily, Protocol};
use crate::netfilter::chance::Seeded;
use crate::proxy::{Mode, ProxyConfig, RuleSet};

/// Services by which a packet's way is another one: as they are, by source ranges, by affinity, by
/// traffic policies.
const CHANGED_SPECS: [fn(&mut ServiceSpec); 4] = [
    |_| {},
    |spec| spec.load_balancer_source_ranges = vec!["203.0.113.0/24".to_owned()],
    |spec| spec.session_affinity = "ClientIP".to_owned(),
    |spec| {
        spec.external_traffic_policy = "Local".to_owned();
        spec.internal_traffic_policy = Some("Local".to_owned());
    },
];

fn node(number: u8) -> api::Node {
    api::Node {
        metadata: ObjectMeta {
            name: format!("node-{number}"),
            ..ObjectMeta::default()
        },
        spec: api::NodeSpec {
            pod_cidr: format!("10.244.{number}.0/24"),
            ..api::NodeSpec::default()
        },
        status: api::NodeStatus {
            addresses: vec![api::NodeAddress {
                type_: "InternalIP".to_owned(),
                address: format!("192.168.10.{}", 10 + number),
            }],
            ..api::NodeStatus::default()
        },
    }
}

fn pod(name: &str, node: u8, last: u8, ports: &[i32]) -> api::Pod {
    api::Pod {
        metadata: ObjectMeta {
            name: name.to_owned(),
            namespace: "default".to_owned(),
            ..ObjectMeta::default()
        },
        spec: api::PodSpec {
            node_name: format!("node-{node}"),
            containers: vec![api::Container {
                ports: (ports.iter())
                    .map(|&container_port| api::ContainerPort {
                        container_port,
                        ..api::ContainerPort::default()
                    })
                    .collect(),
                ..api::Container::default()
            }],
            ..api::PodSpec::default()
        },
        status: api::PodStatus {
            phase: "Running".to_owned(),
            pod_ip: format!("10.244.{node}.{last}"),
            ..api::PodStatus::default()
        },
    }
}

/// The Service of the design: `frontend-service`, 10.96.32.10, node port 30080, Pods on 8080.
fn service(endpoints: &[&str], change: impl FnOnce(&mut ServiceSpec)) -> (Service, EndpointSlice) {
    let mut spec = ServiceSpec {
        type_: "NodePort".to_owned(),
        cluster_ip: "10.96.32.10".to_owned(),
        cluster_ips: vec!["10.96.32.10".to_owned()],
        ip_families: vec!["IPv4".to_owned()],
        session_affinity: "None".to_owned(),
        internal_traffic_policy: Some("Cluster".to_owned()),
        external_traffic_policy: "Cluster".to_owned(),
        ports: vec![ServicePort {
            port: 80,
            node_port: 30080,
            protocol: "TCP".to_owned(),
            target_port: Some(IntOrString::Int(8080)),
            ..ServicePort::default()
        }],
        ..ServiceSpec::default()
    };
    change(&mut spec);
    let metadata = |name: &str| ObjectMeta {
        name: name.to_owned(),
        namespace: "default".to_owned(),
        labels: [(
            "kubernetes.io/service-name".to_owned(),
            "frontend-service".to_owned(),
        )]
        .into(),
        ..ObjectMeta::default()
    };
    let slice = EndpointSlice {
        metadata: metadata("frontend-service-x7k2p"),
        address_type: "IPv4".into(),
        endpoints: (endpoints.iter())
            .map(|address| Endpoint {
                addresses: vec![(*address).to_owned()],
                node_name: address
                    .split('.')
                    .nth(2)
                    .map(|number| format!("node-{number}")),
                conditions: EndpointConditions {
                    ready: Some(true),
                    ..EndpointConditions::default()
                },
                ..Endpoint::default()
            })
            .collect(),
        ports: vec![EndpointPort {
            name: Some(String::new()),
            port: Some(8080),
            protocol: Some("TCP".to_owned()),
            ..EndpointPort::default()
        }],
    };
    (
        Service {
            metadata: metadata("frontend-service"),
            spec,
            ..Service::default()
        },
        slice,
    )
}

/// Three Nodes, two Pods that are endpoints, one that is a client, and what `change` makes of the
/// Service.
fn lab(endpoints: &[&str], change: impl FnOnce(&mut ServiceSpec)) -> Network {
    lab_in(Mode::Iptables, endpoints, change)
}

/// The same in one of the modes.
fn lab_in(mode: Mode, endpoints: &[&str], change: impl FnOnce(&mut ServiceSpec)) -> Network {
    lab_of(mode, "TCP", endpoints, change)
}

/// The same with one protocol everywhere.
fn lab_of(
    mode: Mode,
    protocol: &str,
    endpoints: &[&str],
    change: impl FnOnce(&mut ServiceSpec),
) -> Network {
    let nodes = [node(1), node(2), node(3)];
    let mut pods = [
        pod("web-1", 1, 5, &[8080]),
        pod("web-2", 2, 7, &[8080]),
        pod("client", 1, 9, &[9000]),
    ];
    let containers = pods.iter_mut().flat_map(|pod| &mut pod.spec.containers);
    for port in containers.flat_map(|container| &mut container.ports) {
        port.protocol = protocol.to_owned();
    }
    let mut network = Network::new(&kubeadm::plan(&nodes, &pods));
    let (mut service, mut slice) = service(endpoints, change);
    service.spec.ports[0].protocol = protocol.to_owned();
    slice.ports[0].protocol = Some(protocol.to_owned());
    for node in &nodes {
        let config = ProxyConfig {
            node: node.metadata.name.clone(),
            node_ips: vec![node.status.addresses[0].address.clone()],
            local_addresses: vec![
                "127.0.0.1".to_owned(),
                node.status.addresses[0].address.clone(),
            ],
            cluster_cidr: "10.244.0.0/16".to_owned(),
            ..ProxyConfig::default()
        };
        let services = std::slice::from_ref(&service);
        let slices = std::slice::from_ref(&slice);
        let name = &node.metadata.name;
        let rules = RuleSet::new(mode, &config, Some(node), services, slices).unwrap();
        if mode == Mode::Nftables {
            let errors = network.set_nft(name, IpFamily::IPv4, &rules.text());
            assert_eq!(errors, []);
            continue;
        }
        if let Some(tables) = rules.ipvs() {
            let ipvs = NodeIpvs {
                servers: tables.ipvsadm.clone(),
                sets: tables.ipset.clone(),
                addresses: tables.kube_ipvs0.clone(),
            };
            assert_eq!(network.set_ipvs(name, IpFamily::IPv4, &ipvs), []);
        }
        let rules = NodeRules {
            calls: rules.top_level().iter().map(ToString::to_string).collect(),
            restore: rules.text(),
        };
        let errors = network.set_rules(name, IpFamily::IPv4, &rules);
        assert_eq!(errors, []);
    }
    network
}

const BOTH: [&str; 2] = ["10.244.1.5", "10.244.2.7"];

fn ask(from: &str, to: &str) -> Request {
    Request {
        from: from.to_owned(),
        to: to.to_owned(),
        protocol: Protocol::Tcp,
    }
}

fn walk(network: &Network, seed: u64, from: &str, to: &str) -> Journey {
    let mut state = State::default();
    network
        .walk(
            &mut state,
            &mut Seeded::new(seed),
            &ask(from, to),
            Lookups::default(),
        )
        .unwrap()
}

/// The first seed from 1 whose journey ends at this address.
fn walk_to(network: &Network, from: &str, to: &str, endpoint: &str) -> Journey {
    (1..)
        .map(|seed| walk(network, seed, from, to))
        .find(|journey| {
            (journey.served.as_ref()).is_some_and(|served| served.address.to_string() == endpoint)
        })
        .unwrap()
}

/// A journey in lines: number, step, title and aside of both vocabularies.
fn lines(journey: &Journey) -> String {
    let mut text = String::new();
    for hop in &journey.hops {
        let _ = writeln!(
            text,
            "{} {:?} | {} | {} | {}",
            hop.number,
            hop.step,
            hop.title.hotel.text(),
            hop.title.cluster.text(),
            hop.aside.cluster.text()
        );
    }
    let _ = write!(
        text,
        "{} | {}",
        journey.verdict.kind.as_str(),
        journey.verdict.detail.cluster.text()
    );
    text
}

#[test]
fn a_node_port_with_its_endpoint_on_another_node_takes_seven_hops() {
    let network = lab(&BOTH, |_| {});
    let journey = walk_to(&network, "external/laptop", "node-3:30080", "10.244.2.7");
    assert_eq!(
        lines(&journey),
        "\
1 Send | Laptop sends | Client sends | 192.168.10.13:30080
2 Enter | Side door 30080, wing node-3 | NodePort 30080 on node-3 | KUBE-NODEPORTS
3 Nat | Desk, on node-3’s sheet | Service, rules of node-3 | DNAT + SNAT
4 Route | Corridor to wing node-2 | Route to node-2 | via 192.168.10.12
5 Deliver | Room 10.244.2.7 answers | Pod 10.244.2.7 answers | 200 OK
6 Unnat | Reply: key log on node-3 | Reply: conntrack on node-3 | un-SNAT, un-DNAT
7 Reply | Reply: back at the laptop | Reply: back at the client | 192.168.10.13:30080
Answered | 200 OK, answered by Pod web-2"
    );
    let desk = &journey.hops[2];
    assert_eq!(
        desk.sentence.hotel.text(),
        "The desk wrote 10.244.2.7:8080 on the card; wing node-3 signed in its own name."
    );
    let why = desk.why.cluster.text();
    assert!(why.starts_with("One of 2 endpoints was drawn (0."), "{why}");
    assert!(why.contains("≥ 0.5: the second)"), "{why}");
    assert_eq!(desk.changes, [Change::Dnat, Change::Snat]);
    assert_eq!(desk.before.to_text(), "192.168.10.13:30080");
    assert_eq!(desk.after.to_text(), "10.244.2.7:8080");
    assert_eq!(desk.after.src.to_string(), "192.168.10.13");
    let decided = desk.decided_by.as_ref().unwrap();
    assert!(decided.chain.starts_with("KUBE-SEP-"), "{decided}");
    assert!(
        desk.looks
            .iter()
            .any(|look| look.at == *decided && look.matched)
    );
    let served = journey.served.unwrap();
    assert_eq!(served.pod.as_deref(), Some("default/web-2"));
    assert_eq!(served.sees.to_string(), "192.168.10.13");
}

#[test]
fn a_service_without_endpoints_turns_the_client_away_at_hop_three() {
    let network = lab(&[], |_| {});
    let journey = walk(&network, 1, "external/laptop", "node-3:30080");
    assert_eq!(
        lines(&journey),
        "\
1 Send | Laptop sends | Client sends | 192.168.10.13:30080
2 Enter | Side door 30080, wing node-3 | NodePort 30080 on node-3 | no rule in nat
3 Reject | Desk turns the guest away | default/frontend-service has no endpoints | REJECT
4 Reply | Laptop hears “refused” | Client: connection refused | ICMP port unreachable
Refused | ICMP port unreachable · node-3, hop 3 of 4"
    );
    let (node, rule) = journey.verdict.cause.unwrap().rule.unwrap();
    assert_eq!(
        (node.as_str(), rule.chain.as_str()),
        ("node-3", "KUBE-EXTERNAL-SERVICES")
    );
    assert_eq!(journey.hops[2].decided_by.as_ref(), Some(&rule));
}

#[test]
fn a_pod_reaches_a_cluster_ip_with_its_own_address_and_itself_with_the_bridges() {
    let network = lab(&BOTH, |_| {});
    let journey = walk_to(&network, "pod/client", "http://10.96.32.10/", "10.244.1.5");
    assert_eq!(
        lines(&journey),
        "\
1 Send | Room 10.244.1.9 sends | Pod client sends | 10.96.32.10:80
2 Nat | Desk, on node-1’s sheet | Service, rules of node-1 | DNAT
3 Route | Corridor in wing node-1 | Bridge on node-1 | cni0
4 Deliver | Room 10.244.1.5 answers | Pod 10.244.1.5 answers | 200 OK
5 Unnat | Reply: key log on node-1 | Reply: conntrack on node-1 | un-DNAT
6 Reply | Reply: back at room 10.244.1.9 | Reply: back at Pod client | 10.96.32.10:80
Answered | 200 OK, answered by Pod web-1"
    );
    assert_eq!(journey.served.unwrap().sees.to_string(), "10.244.1.9");
    let hairpin = walk_to(&network, "pod/web-1", "http://10.96.32.10/", "10.244.1.5");
    assert_eq!(hairpin.hops[1].changes, [Change::Dnat, Change::Snat]);
    assert_eq!(hairpin.served.unwrap().sees.to_string(), "10.244.1.1");
}

#[test]
fn what_nobody_answers_says_who_threw_it_away() {
    let network = lab(&BOTH, |_| {});
    let end = |from: &str, to: &str| {
        let journey = walk(&network, 1, from, to);
        let text = lines(&journey);
        text.lines().last().unwrap().to_owned()
    };
    for (from, to, verdict) in [
        // A port that the Service does not list: no rule, so out to the router.
        (
            "pod/client",
            "10.96.32.10:81",
            "Timed out | no answer to the SYN · router, hop 3 of 3",
        ),
        (
            "external/laptop",
            "10.96.32.10:80",
            "Timed out | no answer to the SYN · router, hop 2 of 2",
        ),
        // A port on which the Pod does not listen, and an address that no Pod has any more.
        (
            "pod/client",
            "10.244.2.7:9999",
            "Refused | TCP reset · Pod web-2, hop 4 of 5",
        ),
        (
            "pod/client",
            "10.244.2.99:8080",
            "Unreachable | ICMP host unreachable · node-2, hop 4 of 5",
        ),
        // A port that is nobody's node port: the Node's own stack.
        (
            "external/laptop",
            "node-2:22",
            "Refused | TCP reset · node-2, hop 3 of 4",
        ),
        // A family that nobody here has.
        (
            "pod/client",
            "[fd00::1]:80",
            "Unreachable | no way out · Pod client, hop 2 of 2",
        ),
    ] {
        assert_eq!(end(from, to), verdict, "{from} -> {to}");
    }
}

#[test]
fn a_local_policy_without_a_local_endpoint_drops_what_comes_from_outside() {
    let network = lab(&BOTH, |spec| {
        spec.external_traffic_policy = "Local".to_owned()
    });
    let journey = walk(&network, 1, "external/laptop", "node-3:30080");
    assert_eq!(journey.verdict.kind, VerdictKind::TimedOut);
    let drop = journey.hops.last().unwrap();
    assert_eq!(drop.step, Step::Drop);
    assert!(
        drop.sentence
            .cluster
            .text()
            .contains("has no local endpoints")
    );
    // Where there is one, it sees the client itself.
    let journey = walk(&network, 1, "external/laptop", "node-2:30080");
    assert_eq!(journey.served.unwrap().sees.to_string(), "192.168.10.50");
}

#[test]
fn the_same_seed_is_the_same_journey_and_others_draw_the_other_endpoint() {
    let network = lab(&BOTH, |_| {});
    let ends: Vec<String> = (1..20)
        .map(|seed| {
            let journey = walk(&network, seed, "pod/client", "10.96.32.10:80");
            assert_eq!(
                journey,
                walk(&network, seed, "pod/client", "10.96.32.10:80")
            );
            journey.served.unwrap().address.to_string()
        })
        .collect();
    assert!(
        BOTH.iter()
            .all(|&address| ends.iter().any(|end| end == address))
    );
}

#[test]
fn all_possibilities_together_are_certain() {
    let network = lab(&BOTH, |_| {});
    let all = network
        .possibilities(
            &State::default(),
            1,
            &ask("pod/client", "10.96.32.10:80"),
            Lookups::default(),
        )
        .unwrap();
    let shares: Vec<(String, u32)> = (all.iter())
        .map(|way| {
            let served = way.journey.served.as_ref().unwrap();
            (served.address.to_string(), way.millionths())
        })
        .collect();
    assert_eq!(
        shares,
        [
            ("10.244.1.5".to_owned(), 500_000),
            ("10.244.2.7".to_owned(), 500_000)
        ]
    );
}

#[test]
fn affinity_lasts_as_long_as_its_timeout_in_virtual_time() {
    let network = lab(&BOTH, |spec| {
        spec.session_affinity = "ClientIP".to_owned();
        spec.session_affinity_config = Some(api::SessionAffinityConfig {
            client_ip: Some(api::ClientIpConfig {
                timeout_seconds: Some(10),
            }),
        });
    });
    let request = ask("pod/client", "10.96.32.10:80");
    let mut again = [false, false];
    for seed in 0..20 {
        let (mut state, mut chance) = (State::default(), Seeded::new(seed));
        let mut end = |state: &mut State| {
            let journey = network
                .walk(state, &mut chance, &request, Lookups::default())
                .unwrap();
            let why = journey.hops[1].why.cluster.text();
            (
                journey.served.unwrap().address,
                why.contains("Session affinity"),
            )
        };
        let (first, by_affinity) = end(&mut state);
        assert!(!by_affinity);
        for _ in 0..5 {
            // Each visit within the time renews it: the endpoint's rule notes it again.
            state.now_ms += 9_000;
            assert_eq!(end(&mut state), (first, true));
        }
        state.now_ms += 10_001;
        let (other, by_affinity) = end(&mut state);
        assert!(!by_affinity);
        again[usize::from(other == first)] = true;
    }
    assert_eq!(again, [true, true], "drawn anew once the time is over");
}

#[test]
fn rules_that_are_not_modelled_are_named_in_the_journey() {
    let mut network = lab(&BOTH, |_| {});
    let rules = NodeRules {
        calls: vec!["-A FORWARD -m set --match-set BAD src -j DROP".to_owned()],
        restore: String::new(),
    };
    let errors = network.set_rules("node-1", IpFamily::IPv4, &rules);
    // The rule can be read; what is in the set nobody said.
    assert_eq!(errors, []);
    let journey = walk(&network, 1, "pod/client", "10.244.2.7:8080");
    assert_eq!(journey.verdict.kind, VerdictKind::Answered);
    let doubt = journey.doubts[0].cluster.text();
    assert!(doubt.contains("filter FORWARD 1 of node-1"), "{doubt}");

    let rules = NodeRules {
        calls: vec!["-A FORWARD -m owner --uid-owner 0 -j DROP".to_owned()],
        restore: String::new(),
    };
    let errors = network.set_rules("node-1", IpFamily::IPv4, &rules);
    assert_eq!(errors.len(), 1);
    let journey = walk(&network, 1, "pod/client", "10.244.2.7:8080");
    let doubt = journey.doubts[0].cluster.text();
    assert!(doubt.contains("match module `owner`"), "{doubt}");
}

#[test]
fn origins_come_from_the_callers_lookup() {
    let network = lab(&BOTH, |_| {});
    let service = api::ObjectRef::new(api::Kind::Service, "default", "frontend-service");
    let lookup = |_: &str, at: &crate::netfilter::RuleAt| {
        let field = match at.chain.as_str() {
            "KUBE-NODEPORTS" => "spec.ports[0].nodePort",
            chain if chain.starts_with("KUBE-SEP-") => "spec.ports[0].targetPort",
            _ => return Vec::new(),
        };
        vec![api::Origin::new(
            service.clone(),
            api::FieldPath::new(field),
        )]
    };
    let lookups = Lookups {
        origins: Some(&lookup),
        names: None,
    };
    let journey = network
        .walk(
            &mut State::default(),
            &mut Seeded::new(1),
            &ask("external", "node-3:30080"),
            lookups,
        )
        .unwrap();
    let fields = |hop: &Hop| -> Vec<String> {
        hop.origins
            .iter()
            .map(|origin| origin.field.as_str().to_owned())
            .collect()
    };
    assert_eq!(fields(&journey.hops[1]), ["spec.ports[0].nodePort"]);
    assert_eq!(fields(&journey.hops[2]), ["spec.ports[0].targetPort"]);
}

#[test]
fn names_need_somebody_who_resolves_them() {
    let network = lab(&BOTH, |_| {});
    let go = |from: &str, to: &str, lookups| {
        network.walk(
            &mut State::default(),
            &mut Seeded::new(1),
            &ask(from, to),
            lookups,
        )
    };
    let error = |from: &str, to: &str| go(from, to, Lookups::default()).unwrap_err().to_string();
    assert_eq!(
        error("pod/client", "http://frontend-service"),
        "names are not resolved yet: use the address instead of \"frontend-service\""
    );
    assert_eq!(error("pod/nobody", "10.0.0.1:80"), "there is no pod/nobody");
    assert!(error("who", "10.0.0.1:80").starts_with("cannot read \"who\""));
}

#[test]
fn a_pod_in_the_nodes_own_network_is_a_process_of_the_node() {
    let nodes = [node(1), node(2)];
    let mut agent = pod("agent", 1, 0, &[9100]);
    agent.spec.host_network = true;
    agent.status.pod_ip = "192.168.10.11".to_owned();
    let network = Network::new(&kubeadm::plan(&nodes, &[agent]));
    let journey = walk(&network, 1, "node/node-2", "192.168.10.11:9100");
    assert_eq!(
        journey.served.unwrap().pod.as_deref(),
        Some("default/agent")
    );
    let journey = walk(&network, 1, "pod/agent", "192.168.10.12:10250");
    assert_eq!(journey.client.node.as_deref(), Some("node-1"));
    assert_eq!(journey.hops[0].before.src.to_string(), "192.168.10.11");
    assert!(matches!(&journey.hops[0].at, Location::Pod { name, .. } if name == "agent"));
}

proptest::proptest! {
    #[test]
    fn any_request_has_a_journey_or_an_error(
        from in "(pod|node|external)/(client|web-1|node-2|laptop|internet|x)",
        address in proptest::prelude::any::<[u8; 4]>(),
        near in 0_usize..6,
        port in 0_u16..,
        scheme in "(|http://|ping://|udp://)",
        seed in 0_u64..4,
    ) {
        let network = lab(&BOTH, |_| {});
        let host = match near {
            0 => "10.96.32.10".to_owned(),
            1 => "node-1".to_owned(),
            2 => "127.0.0.1".to_owned(),
            3 => "10.244.1.1".to_owned(),
            _ => std::net::IpAddr::from(address).to_string(),
        };
        let port = if near < 3 && port % 2 == 0 { 30080 } else { port };
        let to = format!("{scheme}{host}:{port}");
        let answer = network.walk(
            &mut State::default(),
            &mut Seeded::new(seed),
            &ask(&from, &to),
            Lookups::default(),
        );
        if let Ok(journey) = answer {
            let shown: usize = journey.hops.iter().map(|hop| hop.looks.len()).sum();
            proptest::prop_assert!(shown <= journey.rules_looked_at as usize);
            proptest::prop_assert_eq!(journey.hops[0].step, Step::Send);
        }
    }
}
