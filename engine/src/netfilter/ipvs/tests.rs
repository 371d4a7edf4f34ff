//! Virtual servers from text, and what the schedulers make of them.

use std::net::{IpAddr, SocketAddr};

use super::state::Found;
use super::*;
use crate::net::Protocol;
use crate::netfilter::conntrack::{FlowProtocol, Phase, Tuple};

const CLIENT: &str = "10.244.0.9:40000";

fn servers(scheduler: &str, weights: &[u32]) -> Servers {
    let mut text = format!("-A -t 10.96.0.1:80 -s {scheduler}\n");
    for (last, weight) in (1..).zip(weights) {
        text += &format!("-a -t 10.96.0.1:80 -r 10.244.1.{last}:8080 -m -w {weight}\n");
    }
    let (servers, errors) = Servers::read(&text);
    assert_eq!(errors, []);
    servers
}

/// Whom so many new connections of one client get, as indices.
fn choices(scheduler: &str, weights: &[u32], count: u16) -> Vec<Option<usize>> {
    let servers = servers(scheduler, weights);
    let server = &servers.list()[0];
    let mut state = IpvsState::default();
    (0..count)
        .map(|number| {
            let client: SocketAddr = ([10, 244, 0, 9], 40_000 + number).into();
            let (index, _) = state.schedule(server, client, 0)?;
            state.open(server, client, index, 0);
            Some(index)
        })
        .collect()
}

fn shares(choices: &[Option<usize>], of: usize) -> Vec<usize> {
    (0..of)
        .map(|index| choices.iter().filter(|&&own| own == Some(index)).count())
        .collect()
}

#[test]
fn round_robin_skips_who_has_no_weight() {
    assert_eq!(
        choices("rr", &[1, 0, 5], 4),
        [Some(0), Some(2), Some(0), Some(2)]
    );
    assert_eq!(choices("rr", &[0, 0], 2), [None, None]);
    assert_eq!(choices("rr", &[], 1), [None]);
}

#[test]
fn weighted_round_robin_gives_shares_by_weight_in_every_round() {
    // ip_vs_wrr.c: the weight goes down from the greatest by the common divisor.
    assert_eq!(
        choices("wrr", &[3, 1, 2], 6),
        [Some(0), Some(0), Some(2), Some(0), Some(1), Some(2)]
    );
    assert_eq!(shares(&choices("wrr", &[30, 10, 20], 60), 3), [30, 10, 20]);
    assert_eq!(shares(&choices("wrr", &[4, 0], 8), 2), [8, 0]);
    assert_eq!(choices("wrr", &[1, 1, 1], 3), [Some(0), Some(1), Some(2)]);
}

#[test]
fn fewest_connections_level_out() {
    assert_eq!(shares(&choices("lc", &[1, 1, 1], 30), 3), [10, 10, 10]);
    assert_eq!(shares(&choices("lc", &[5, 0], 10), 2), [10, 0]);
    assert_eq!(shares(&choices("wlc", &[2, 1], 30), 2), [20, 10]);
    assert_eq!(shares(&choices("sed", &[2, 1], 30), 2), [20, 10]);
    // Never queue: the idle one first, however little its weight.
    assert_eq!(choices("nq", &[100, 1], 3), [Some(0), Some(1), Some(0)]);
}

#[test]
fn a_closed_connection_counts_little() {
    let servers = servers("lc", &[1, 1]);
    let server = &servers.list()[0];
    let mut state = IpvsState::default();
    let open = |state: &mut IpvsState, port| {
        let client: SocketAddr = ([10, 244, 0, 9], port).into();
        let (index, _) = state.schedule(server, client, 0).unwrap();
        state.open(server, client, index, 0);
        index
    };
    let close = |state: &mut IpvsState, port| {
        let tuple = Tuple {
            protocol: FlowProtocol::Tcp,
            src: [10, 244, 0, 9].into(),
            dst: [10, 96, 0, 1].into(),
            sport: port,
            dport: 80,
        };
        state.settle(&tuple, Phase::Closed, 0);
    };
    assert_eq!(open(&mut state, 1), 0);
    assert_eq!(open(&mut state, 2), 1);
    close(&mut state, 1);
    // One closed against one open, then one open and one closed against one open.
    assert_eq!(open(&mut state, 3), 0);
    assert_eq!(open(&mut state, 4), 1);
    state.expire(119_999);
    assert_eq!(
        state.connections().count(),
        1,
        "TIME_WAIT is longer than SYN_RECV"
    );
    state.expire(120_000);
    assert_eq!(state.connections().count(), 0);
}

#[test]
fn hashes_keep_a_client_at_its_server() {
    for scheduler in ["sh", "mh"] {
        let servers = servers(scheduler, &[1, 1, 1]);
        let server = &servers.list()[0];
        let mut state = IpvsState::default();
        let mut seen = std::collections::BTreeSet::new();
        for last in 0..100 {
            let mut of = |port| {
                let client: SocketAddr = ([10, 244, 0, last], port).into();
                state.schedule(server, client, 0).unwrap().0
            };
            let index = of(40_000);
            assert_eq!(of(50_000), index, "{scheduler}: the port does not count");
            seen.insert(index);
        }
        assert_eq!(seen.len(), 3, "{scheduler}");
    }
    // With mh-port it does.
    let (servers, _) = Servers::read(
        "-A -t 10.96.0.1:80 -s mh -b mh-port\n\
         -a -t 10.96.0.1:80 -r 10.244.1.1:8080 -m -w 1\n\
         -a -t 10.96.0.1:80 -r 10.244.1.2:8080 -m -w 1\n",
    );
    let server = &servers.list()[0];
    let mut state = IpvsState::default();
    let seen: std::collections::BTreeSet<usize> = (0..20)
        .map(|number| {
            let client: SocketAddr = ([10, 244, 0, 9], 40_000 + number).into();
            state.schedule(server, client, 0).unwrap().0
        })
        .collect();
    assert_eq!(seen.len(), 2);
}

#[test]
fn a_client_stays_until_its_time_is_over_and_not_with_a_drained_server() {
    let text = |weight| {
        format!(
            "-A -t 10.96.0.1:80 -s rr -p 100\n\
             -a -t 10.96.0.1:80 -r 10.244.1.1:8080 -m -w {weight}\n\
             -a -t 10.96.0.1:80 -r 10.244.1.2:8080 -m -w 1\n"
        )
    };
    let (servers, errors) = Servers::read(&text(1));
    assert_eq!(errors, []);
    let server = &servers.list()[0];
    let client: SocketAddr = CLIENT.parse().unwrap();
    let mut state = IpvsState::default();
    let ask = |state: &mut IpvsState, server, now| {
        state.expire(now);
        state.schedule(server, client, now)
    };
    assert_eq!(ask(&mut state, server, 0), Some((0, Found::Scheduled)));
    assert_eq!(
        ask(&mut state, server, 99_999),
        Some((0, Found::Persistent))
    );
    assert_eq!(
        ask(&mut state, server, 199_999),
        Some((1, Found::Scheduled))
    );
    // A connection that lives on keeps its template, which is looked after every 60 s.
    let id = state.open(server, client, 1, 199_999);
    let tuple = Tuple {
        protocol: FlowProtocol::Tcp,
        src: client.ip(),
        dst: IpAddr::from([10, 96, 0, 1]),
        sport: client.port(),
        dport: 80,
    };
    state.settle(&tuple, Phase::Open, 199_999);
    assert_eq!(
        ask(&mut state, server, 310_000),
        Some((1, Found::Persistent))
    );
    state.forget(id);
    // Whose server gets no new connections is sent elsewhere (expire_quiescent_template).
    let (drained, _) = Servers::read(&text(0));
    let mut other = IpvsState::default();
    assert_eq!(ask(&mut other, server, 0), Some((0, Found::Scheduled)));
    assert_eq!(
        ask(&mut other, &drained.list()[0], 1),
        Some((1, Found::Scheduled))
    );
}

#[test]
fn what_cannot_be_read_or_is_not_modelled_is_named() {
    let (servers, errors) = Servers::read(
        "-A -t 10.96.0.1:80 -s dh\n\
         -A -t 10.96.0.1\n\
         -a -t 10.96.0.9:80 -r 10.244.1.1:80 -m -w 1\n\
         -A -u [fd00::1]:53 -s rr\n\
         -a -u [fd00::1]:53 -r [fd00::2]:53 -g -w 1\n\
         -A -f 7 -s rr\n\
         -X nothing\n",
    );
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "line 1: scheduler `dh` is not modelled",
            "line 2: bad value `10.96.0.1` for `-t`",
            "line 3: cannot read `-a -t 10.96.0.9:80 -r 10.244.1.1:80 -m -w 1`",
            "line 5: forwarding by routing is not modelled",
            "line 6: a firewall mark's server is not modelled",
            "line 7: cannot read `-X nothing`",
        ]
    );
    assert_eq!(servers.list().len(), 2);
    let found = servers.find(Protocol::Udp, "fd00::1".parse().unwrap(), 53);
    assert_eq!(found.unwrap().name(), "UDP [fd00::1]:53");
    assert_eq!(servers.named(&found.unwrap().at(1)), found);
}
