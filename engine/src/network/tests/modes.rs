//! The same requests in each mode of kube-proxy: what is alike, and what differs.
//!
//! What IPVS mode promises here is written from the rule of the thing (Linux `net/netfilter/ipvs`,
//! kube-proxy's rules around it), since no kernel at hand could be recorded.

use super::*;

fn verdict(network: &Network, from: &str, to: &str) -> String {
    let journey = walk(network, 1, from, to);
    let text = lines(&journey);
    text.lines().last().unwrap().to_owned()
}

#[test]
fn a_node_port_takes_the_same_seven_hops_in_each_mode() {
    for (mode, through, undone) in [
        (Mode::Iptables, "KUBE-NODEPORTS", "conntrack"),
        (Mode::Ipvs, "IPVS", "IPVS and conntrack"),
        (Mode::Nftables, "service-nodeports", "conntrack"),
    ] {
        let network = lab_in(mode, &BOTH[1..], |_| {});
        let journey = walk(&network, 1, "external/laptop", "node-3:30080");
        assert_eq!(
            lines(&journey),
            format!(
                "\
1 Send | Laptop sends | Client sends | 192.168.10.13:30080
2 Enter | Side door 30080, wing node-3 | NodePort 30080 on node-3 | {through}
3 Nat | Desk, on node-3’s sheet | Service, rules of node-3 | DNAT + SNAT
4 Route | Corridor to wing node-2 | Route to node-2 | via 192.168.10.12
5 Deliver | Room 10.244.2.7 answers | Pod 10.244.2.7 answers | 200 OK
6 Unnat | Reply: key log on node-3 | Reply: {undone} on node-3 | un-SNAT, un-DNAT
7 Reply | Reply: back at the laptop | Reply: back at the client | 192.168.10.13:30080
Answered | 200 OK, answered by Pod web-2"
            )
        );
    }
}

#[test]
fn who_is_seen_is_the_same_in_each_mode() {
    for mode in Mode::ALL {
        for (endpoint, from, to, sees) in [
            ("10.244.1.5", "pod/client", "10.96.32.10:80", "10.244.1.9"),
            ("10.244.2.7", "pod/client", "10.96.32.10:80", "10.244.1.9"),
            // A Pod that draws itself, and a process of the Node.
            ("10.244.1.5", "pod/web-1", "10.96.32.10:80", "10.244.1.1"),
            ("10.244.1.5", "node/node-1", "10.96.32.10:80", "10.244.1.1"),
            (
                "10.244.2.7",
                "node/node-1",
                "10.96.32.10:80",
                "192.168.10.11",
            ),
            ("10.244.2.7", "node/node-1", "node-1:30080", "192.168.10.11"),
            (
                "10.244.2.7",
                "external/laptop",
                "node-3:30080",
                "192.168.10.13",
            ),
            ("10.244.2.7", "pod/client", "node-3:30080", "192.168.10.13"),
        ] {
            let network = lab_in(mode, &[endpoint], |_| {});
            let journey = walk(&network, 1, from, to);
            let served = journey
                .served
                .as_ref()
                .map(|served| served.sees.to_string());
            assert_eq!(
                served.as_deref(),
                Some(sees),
                "{mode}: {from} to {to}\n{journey}"
            );
            assert_eq!(journey.verdict.kind, VerdictKind::Answered);
        }
    }
}

#[test]
fn a_reply_comes_back_with_the_address_that_was_asked() {
    for mode in Mode::ALL {
        let network = lab_in(mode, &BOTH, |_| {});
        for from in ["pod/client", "pod/web-1", "node/node-1", "node/node-3"] {
            for seed in 0..4 {
                let journey = walk(&network, seed, from, "10.96.32.10:80");
                let last = journey.hops.last().unwrap();
                assert_eq!(last.after.from_text(), "10.96.32.10:80", "{mode} {from}");
                let sent = journey.hops[0].after;
                assert_eq!(last.after.to_text(), sent.from_text(), "{mode} {from}");
            }
        }
    }
}

#[test]
fn the_modes_differ_where_no_service_is_meant() {
    for (mode, unlisted, ping) in [
        (
            Mode::Iptables,
            "Timed out | no answer to the SYN · router, hop 3 of 3",
            "Timed out | no answer · router, hop 3 of 3",
        ),
        (
            Mode::Ipvs,
            "Refused | ICMP port unreachable · node-1, hop 2 of 3",
            "Refused | ICMP port unreachable · node-1, hop 2 of 3",
        ),
        (
            Mode::Nftables,
            "Refused | ICMP port unreachable · node-1, hop 2 of 3",
            "Refused | ICMP port unreachable · node-1, hop 2 of 3",
        ),
    ] {
        let network = lab_in(mode, &BOTH, |_| {});
        assert_eq!(
            verdict(&network, "pod/client", "10.96.32.10:81"),
            unlisted,
            "{mode}"
        );
        assert_eq!(
            verdict(&network, "pod/client", "ping://10.96.32.10"),
            ping,
            "{mode}"
        );
        // A port that is nobody's node port: the Node's own stack.
        assert_eq!(
            verdict(&network, "external/laptop", "node-2:22"),
            "Refused | TCP reset · node-2, hop 3 of 4",
            "{mode}"
        );
    }
}

#[test]
fn without_endpoints_each_mode_refuses_and_says_who() {
    for (mode, table) in [
        (Mode::Iptables, "filter"),
        (Mode::Ipvs, "ipvs"),
        (Mode::Nftables, "ip kube-proxy"),
    ] {
        let network = lab_in(mode, &[], |_| {});
        for (from, to) in [
            ("external/laptop", "node-3:30080"),
            ("pod/client", "10.96.32.10:80"),
            ("node/node-1", "10.96.32.10:80"),
        ] {
            let journey = walk(&network, 1, from, to);
            assert_eq!(journey.verdict.kind, VerdictKind::Refused, "{mode} {from}");
            let (_, rule) = journey.verdict.cause.unwrap().rule.unwrap();
            assert_eq!(rule.table, table);
            let next = journey.verdict.next.unwrap().cluster.text();
            assert!(next.contains("EndpointSlices"), "{mode} {from}: {next}");
        }
    }
}

#[test]
fn a_local_policy_without_a_local_endpoint_is_lost_in_another_way_by_ipvs() {
    let local = |spec: &mut ServiceSpec| spec.external_traffic_policy = "Local".to_owned();
    for mode in [Mode::Iptables, Mode::Nftables] {
        let journey = walk(
            &lab_in(mode, &BOTH, local),
            1,
            "external/laptop",
            "node-3:30080",
        );
        assert_eq!(journey.verdict.kind, VerdictKind::TimedOut, "{mode}");
        assert!(journey.served.is_none(), "{mode}: dropped on the way there");
    }
    // IPVS has no way to drop: all endpoints serve, and the reply does not pass the Node.
    let journey = walk(
        &lab_in(Mode::Ipvs, &BOTH, local),
        1,
        "external/laptop",
        "node-3:30080",
    );
    assert_eq!(journey.verdict.kind, VerdictKind::TimedOut);
    let served = journey.served.unwrap();
    assert_eq!(served.sees.to_string(), "192.168.10.50");
    let journey = walk(
        &lab_in(Mode::Ipvs, &BOTH, local),
        1,
        "external/laptop",
        "node-2:30080",
    );
    assert_eq!(journey.served.unwrap().address.to_string(), "10.244.2.7");
}

#[test]
fn round_robin_goes_round_on_each_node_by_itself() {
    let network = lab_in(Mode::Ipvs, &BOTH, |_| {});
    let (mut state, mut chance) = (State::default(), Seeded::new(1));
    let mut go = |from: &str| {
        let request = ask(from, "10.96.32.10:80");
        let journey = network
            .walk(&mut state, &mut chance, &request, Lookups::default())
            .unwrap();
        journey.served.unwrap().address.to_string()
    };
    assert_eq!(
        [go("pod/client"), go("pod/client"), go("pod/client")],
        [BOTH[0], BOTH[1], BOTH[0]]
    );
    // Another Node has its own turn.
    assert_eq!([go("node/node-2"), go("node/node-2")], [BOTH[0], BOTH[1]]);
    assert_eq!(go("pod/client"), BOTH[1]);
}

#[test]
fn ipvs_persistence_lasts_from_the_last_connection() {
    let network = lab_in(Mode::Ipvs, &BOTH, |spec| {
        spec.session_affinity = "ClientIP".to_owned();
        spec.session_affinity_config = Some(api::SessionAffinityConfig {
            client_ip: Some(api::ClientIpConfig {
                timeout_seconds: Some(300),
            }),
        });
    });
    let (mut state, mut chance) = (State::default(), Seeded::new(1));
    let mut go = |state: &mut State, seconds: u64, from: &str| {
        state.now_ms += seconds * 1000;
        let request = ask(from, "10.96.32.10:80");
        let journey = network
            .walk(state, &mut chance, &request, Lookups::default())
            .unwrap();
        journey.served.unwrap().address.to_string()
    };
    assert_eq!(go(&mut state, 0, "pod/client"), BOTH[0]);
    assert_eq!(go(&mut state, 299, "pod/client"), BOTH[0]);
    assert_eq!(
        go(&mut state, 0, "pod/web-1"),
        BOTH[1],
        "another client, the next turn"
    );
    assert_eq!(go(&mut state, 299, "pod/client"), BOTH[0]);
    // The node port is a virtual server of its own, with templates of its own.
    assert_eq!(go(&mut state, 0, "pod/web-1"), BOTH[1]);
    // 300 s after the last one nobody is known; it is the first one's turn again.
    assert_eq!(go(&mut state, 301, "pod/web-1"), BOTH[0]);
    assert_eq!(go(&mut state, 0, "pod/client"), BOTH[1]);
}
