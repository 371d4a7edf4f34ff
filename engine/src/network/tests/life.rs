//! The rest of a connection's life: requests by an open connection, expiry, endpoints that go.

use super::*;
use crate::netfilter::conntrack::Phase;
use crate::network::walk::How;

struct Client<'a> {
    network: &'a Network,
    state: State,
    chance: Seeded,
    request: Request,
}

impl<'a> Client<'a> {
    fn new(network: &'a Network, to: &str) -> Self {
        Self {
            network,
            state: State::default(),
            chance: Seeded::new(1),
            request: ask("pod/client", to),
        }
    }

    fn go(&mut self, reuse: Reuse) -> Journey {
        self.network
            .walk_with(
                &mut self.state,
                &mut self.chance,
                &self.request,
                Lookups::default(),
                reuse,
            )
            .unwrap()
    }

    fn connections(&self) -> usize {
        let node = self.state.node("node-1").unwrap();
        node.conntrack.connections().count()
    }
}

fn nat_looks(journey: &Journey) -> usize {
    (journey.hops.iter())
        .flat_map(|hop| &hop.looks)
        .filter(|look| look.at.table == "nat")
        .count()
}

fn address(journey: &Journey) -> String {
    journey.served.as_ref().unwrap().address.to_string()
}

#[test]
fn a_second_request_by_the_same_connection_meets_no_rule_of_nat() {
    for mode in Mode::ALL {
        let network = lab_in(mode, &BOTH, |_| {});
        let mut client = Client::new(&network, "10.96.32.10:80");
        let first = client.go(Reuse::KeepAlive);
        for _ in 0..5 {
            let again = client.go(Reuse::KeepAlive);
            assert_eq!(address(&again), address(&first), "{mode}");
            assert_eq!(
                again.hops[0].after.from_text(),
                first.hops[0].after.from_text()
            );
            assert_eq!(nat_looks(&again), 0, "{mode}");
            let known = again.hops[1].why.cluster.text();
            assert!(known.contains("knows the connection"), "{mode}: {known}");
        }
        assert_eq!(client.connections(), 1, "{mode}");
        // Connections of their own are drawn anew.
        let ends: std::collections::BTreeSet<String> =
            (0..20).map(|_| address(&client.go(Reuse::Close))).collect();
        assert_eq!(ends.len(), 2, "{mode}");
    }
}

/// An open connection between hundreds that came and went: the tables close up around it, and its
/// number is another one afterwards.
#[test]
fn an_open_connection_stays_with_its_server_when_the_others_are_forgotten() {
    for mode in Mode::ALL {
        let network = lab_in(mode, &BOTH, |_| {});
        let mut client = Client::new(&network, "10.96.32.10:80");
        let first = client.go(Reuse::KeepAlive);
        for minutes in [4, 8] {
            for _ in 0..200 {
                client.go(Reuse::Close);
            }
            assert!(client.connections() > 190, "{mode}");
            client.state.now_ms = minutes * 60_000;
            let again = client.go(Reuse::KeepAlive);
            assert_eq!(again.verdict.kind, VerdictKind::Answered, "{mode}\n{again}");
            assert_eq!(client.connections(), 1, "{mode}");
            assert_eq!(address(&again), address(&first), "{mode}");
            assert_eq!(nat_looks(&again), 0, "{mode}");
        }
    }
}

/// Linux looks whether a source port is free to the same target (`__inet_hash_connect`).
#[test]
fn a_port_of_an_open_connection_is_given_to_no_other() {
    for mode in Mode::ALL {
        let network = lab_in(mode, &BOTH, |_| {});
        let mut client = Client::new(&network, "10.96.32.10:80");
        let first = client.go(Reuse::KeepAlive);
        client.go(Reuse::KeepAlive);
        let port = first.hops[0].after.transport.sport();
        let ready = network.ready(&client.request, Lookups::default());
        let ready = ready.unwrap().unwrap();
        let how = How {
            port,
            ..How::default()
        };
        let other = network.go(
            &mut client.state,
            &mut client.chance,
            &ready,
            how,
            Vec::new(),
        );
        assert_ne!(other.sent.transport.sport(), port, "{mode}");
        let again = client.go(Reuse::KeepAlive);
        assert_eq!(address(&again), address(&first), "{mode}");
        assert_eq!(again.hops[0].after.transport.sport(), port, "{mode}");
    }
}

#[test]
fn connections_are_forgotten_after_the_kernels_times() {
    let network = lab(&BOTH, |_| {});
    let mut closed = Client::new(&network, "10.96.32.10:80");
    closed.go(Reuse::Close);
    let mut open = Client::new(&network, "10.96.32.10:80");
    open.go(Reuse::KeepAlive);
    let live = |client: &mut Client<'_>, now_ms: u64| {
        client.state.now_ms = now_ms;
        let host = client.state.node_mut("node-1");
        host.expire(now_ms);
        client.connections()
    };
    assert_eq!(
        [live(&mut closed, 119_999), live(&mut closed, 120_000)],
        [1, 0]
    );
    let five_days = 432_000_000;
    assert_eq!(
        [live(&mut open, five_days - 1), live(&mut open, five_days)],
        [1, 0]
    );
    // What comes in the midst of a forgotten connection is taken for a new one, and may be drawn
    // to another endpoint, which resets it.
    let ends: std::collections::BTreeSet<&str> = (0..20)
        .map(|seed| {
            let mut client = Client::new(&network, "10.96.32.10:80");
            client.chance = Seeded::new(seed);
            client.go(Reuse::KeepAlive);
            client.state.now_ms = five_days;
            client.go(Reuse::KeepAlive).verdict.kind.as_str()
        })
        .collect();
    assert_eq!(
        ends.into_iter().collect::<Vec<_>>(),
        ["Answered", "Refused"]
    );
}

#[test]
fn a_reset_ends_a_connection_at_once() {
    let network = lab(&BOTH, |_| {});
    let mut client = Client::new(&network, "10.244.2.7:9999");
    let journey = client.go(Reuse::Close);
    assert_eq!(journey.verdict.kind, VerdictKind::Refused);
    let node = client.state.node("node-1").unwrap();
    let phases: Vec<Phase> = node.conntrack.connections().map(|own| own.phase).collect();
    assert_eq!(phases, [Phase::Reset]);
    client.state.node_mut("node-1").expire(1);
    assert_eq!(client.connections(), 0);
}

#[test]
fn an_open_connection_outlives_its_endpoint_in_the_rules_and_not_in_ipvs() {
    for (mode, by_rule) in [
        (Mode::Iptables, VerdictKind::Answered),
        (Mode::Nftables, VerdictKind::Answered),
        (Mode::Ipvs, VerdictKind::TimedOut),
    ] {
        let before = lab_in(mode, &BOTH[1..], |_| {});
        let after = lab_in(mode, &BOTH[..1], |_| {});
        let mut client = Client::new(&before, "10.96.32.10:80");
        client.go(Reuse::KeepAlive);
        client.network = &after;
        // The endpoint is gone from the rules, and its Pod still listens.
        let journey = client.go(Reuse::KeepAlive);
        assert_eq!(journey.verdict.kind, by_rule, "{mode}\n{journey}");
        if mode == Mode::Ipvs {
            let why = journey.verdict.why.cluster.text();
            assert!(
                why.contains("real server of its connection is gone"),
                "{why}"
            );
        } else {
            assert_eq!(address(&journey), BOTH[1], "{mode}");
        }
        assert_eq!(address(&client.go(Reuse::Close)), BOTH[0], "{mode}");
    }
}

#[test]
fn a_udp_client_that_keeps_its_port_stays_with_a_dead_endpoint() {
    let udp = |spec: &mut ServiceSpec| {
        spec.ports[0].protocol = "UDP".to_owned();
    };
    let nodes = [node(1), node(2), node(3)];
    let mut web = pod("web-1", 1, 5, &[8080]);
    web.spec.containers[0].ports[0].protocol = "UDP".to_owned();
    let build = |endpoints: &[&str]| {
        let mut network = Network::new(&kubeadm::plan(
            &nodes,
            &[web.clone(), pod("client", 1, 9, &[1])],
        ));
        let (service, mut slice) = service(endpoints, udp);
        slice.ports[0].protocol = Some("UDP".to_owned());
        let config = ProxyConfig {
            node: "node-1".to_owned(),
            node_ips: vec!["192.168.10.11".to_owned()],
            cluster_cidr: "10.244.0.0/16".to_owned(),
            ..ProxyConfig::default()
        };
        let rules = RuleSet::new(
            Mode::Iptables,
            &config,
            Some(&nodes[0]),
            [&service],
            [&slice],
        )
        .unwrap();
        let rules = NodeRules {
            calls: rules.top_level().iter().map(ToString::to_string).collect(),
            restore: rules.text(),
        };
        assert_eq!(network.set_rules("node-1", IpFamily::IPv4, &rules), []);
        network
    };
    let (before, after) = (build(&["10.244.2.99"]), build(&["10.244.1.5"]));
    let mut client = Client::new(&before, "10.96.32.10:80");
    client.request.protocol = Protocol::Udp;
    assert_eq!(
        client.go(Reuse::KeepAlive).verdict.kind,
        VerdictKind::Unreachable
    );
    client.network = &after;
    // The rules are right now, and the entry of before still decides, as long as the client goes on.
    for _ in 0..3 {
        client.state.now_ms += 25_000;
        assert_eq!(
            client.go(Reuse::KeepAlive).verdict.kind,
            VerdictKind::Unreachable
        );
    }
    // Another port, or 30 s of silence, or conntrack -D as kube-proxy does it.
    assert_eq!(client.go(Reuse::Close).verdict.kind, VerdictKind::Answered);
    let table = &mut client.state.node_mut("node-1").conntrack;
    table.delete(|own| own.reply.src.to_string() == "10.244.2.99");
    assert_eq!(
        client.go(Reuse::KeepAlive).verdict.kind,
        VerdictKind::Answered
    );
}
