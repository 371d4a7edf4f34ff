//! How long one request takes on its way: from a laptop to a NodePort with ten endpoints and back,
//! on a Node with the rules of so many other Services. `cargo bench -p lobby-engine --bench walks`
//!
//! iptables is walked by the compiled tables and, beside that, rule after rule; nftables as it is.
//! Each walk is a whole [`Journey`](lobby_engine::network::Journey): every rule with its reason,
//! every hop with its words. The tables are read and compiled before.

#[path = "../examples/yardstick/measure.rs"]
#[expect(dead_code, reason = "only its workload is used here")]
mod measure;

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use lobby_engine::api::{
    AddressType, Endpoint, EndpointConditions, EndpointPort, EndpointSlice, ObjectMeta, Service,
    ServicePort, ServiceSpec,
};
use lobby_engine::net::{IpFamily, Protocol};
use lobby_engine::netfilter::chance::Seeded;
use lobby_engine::netfilter::iptables::{Before, Tables};
use lobby_engine::network::{
    Listens, Lookups, Network, Plan, PlanNode, PlanOutside, PlanPod, PodLink, Request, State,
    VerdictKind,
};
use lobby_engine::proxy::Mode;
use measure::Workload;

fn main() {
    divan::main();
}

const SERVICES: [usize; 2] = [10, 10_000];
const ENDPOINTS: u8 = 10;

/// A Node with ten Pods, and a laptop on its LAN.
fn plan() -> Plan {
    Plan {
        nodes: vec![PlanNode {
            name: "node-0".to_owned(),
            addresses: vec![net("192.168.10.11/24")],
            pod_cidrs: vec![net("10.244.1.0/24")],
            pod_link: PodLink::Bridge {
                device: "cni0".to_owned(),
                addresses: vec![net("10.244.1.1/24")],
                hairpin: true,
            },
            ..PlanNode::default()
        }],
        pods: (0..ENDPOINTS)
            .map(|number| PlanPod {
                namespace: "default".to_owned(),
                name: format!("web-{number}"),
                node: "node-0".to_owned(),
                addresses: vec![net(&format!("10.244.1.{}/24", 10 + number))],
                gateways: vec!["10.244.1.1".parse().unwrap_or([0; 4].into())],
                listens: Listens::On(vec![(Protocol::Tcp, 8080)]),
                ..PlanPod::default()
            })
            .collect(),
        router: None,
        outside: vec![PlanOutside {
            name: "laptop".to_owned(),
            addresses: vec![net("192.168.10.200/24")],
            on_lan: true,
            sockets: Vec::new(),
        }],
    }
}

fn net(text: &str) -> ipnet::IpNet {
    match text.parse() {
        Ok(net) => net,
        Err(_) => unreachable!("{text} is a network"),
    }
}

/// A Service that is a NodePort, and its ten endpoints.
fn web() -> (Service, EndpointSlice) {
    let metadata = ObjectMeta {
        name: "web".to_owned(),
        namespace: "default".to_owned(),
        ..ObjectMeta::default()
    };
    let mut of_slice = metadata.clone();
    of_slice
        .labels
        .insert("kubernetes.io/service-name".to_owned(), "web".to_owned());
    let service = Service {
        metadata,
        spec: ServiceSpec {
            type_: "NodePort".to_owned(),
            cluster_ip: "10.95.0.1".to_owned(),
            cluster_ips: vec!["10.95.0.1".to_owned()],
            session_affinity: "None".to_owned(),
            internal_traffic_policy: Some("Cluster".to_owned()),
            external_traffic_policy: "Cluster".to_owned(),
            ports: vec![ServicePort {
                protocol: "TCP".to_owned(),
                port: 80,
                node_port: 30_080,
                ..ServicePort::default()
            }],
            ..ServiceSpec::default()
        },
        ..Service::default()
    };
    let slice = EndpointSlice {
        metadata: of_slice,
        address_type: AddressType::IPv4,
        endpoints: (0..ENDPOINTS)
            .map(|number| Endpoint {
                addresses: vec![format!("10.244.1.{}", 10 + number)],
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
    (service, slice)
}

/// The network, with the rules of `web` and of so many other Services with ten endpoints each.
fn network(mode: Mode, services: usize, linear: bool) -> Network {
    let mut proxier = Workload::new(services, usize::from(ENDPOINTS)).proxier(mode);
    let (service, slice) = web();
    proxier.apply_service(Arc::new(service));
    proxier.apply_slice(Arc::new(slice));
    proxier.sync(0);
    let rules = proxier.rule_set();
    let mut network = Network::new(&plan());
    if mode == Mode::Nftables {
        // The workload's kube-proxy was not told the Node's addresses.
        let text = rules.text() + "add element ip kube-proxy nodeport-ips { 192.168.10.11 }\n";
        let errors = network.set_nft("node-0", IpFamily::IPv4, &text);
        assert!(errors.is_empty(), "{errors:?}");
        return network;
    }
    let mut tables = Tables::new(IpFamily::IPv4);
    for (number, call) in (1..).zip(rules.top_level()) {
        assert_eq!(tables.ensure(call, number), Ok(()));
    }
    assert_eq!(tables.restore(&rules.text(), Before::Keep), []);
    println!("{} rules in {mode} mode", tables.rules().count());
    if linear {
        tables = tables.linear();
    }
    network.set_tables("node-0", tables);
    network
}

fn walks(bencher: Bencher<'_, '_>, network: &Network) {
    let request = Request {
        from: "external/laptop".to_owned(),
        to: "192.168.10.11:30080".to_owned(),
        protocol: Protocol::Tcp,
    };
    let mut seed = 0;
    let mut walk = || {
        seed += 1;
        let mut state = State::default();
        let mut chance = Seeded::new(seed);
        network.walk(&mut state, &mut chance, &request, Lookups::default())
    };
    let answered = walk().map(|journey| journey.verdict.kind);
    assert!(
        matches!(answered, Ok(VerdictKind::Answered)),
        "{answered:?}"
    );
    bencher.counter(ItemsCount::new(1_u32)).bench_local(walk);
}

/// By compiled tables.
#[divan::bench(args = SERVICES)]
fn iptables(bencher: Bencher<'_, '_>, services: usize) {
    walks(bencher, &network(Mode::Iptables, services, false));
}

/// Rule after rule, as the kernel does.
#[divan::bench(args = SERVICES)]
fn iptables_linear(bencher: Bencher<'_, '_>, services: usize) {
    walks(bencher, &network(Mode::Iptables, services, true));
}

/// By sets and maps.
#[divan::bench(args = SERVICES)]
fn nftables(bencher: Bencher<'_, '_>, services: usize) {
    walks(bencher, &network(Mode::Nftables, services, false));
}
