//! Many requests by trodden ways are the same requests, each walked.

use super::*;
use crate::netfilter::chance::Chance;
use crate::network::trodden::Trodden;

type Change = fn(&mut ServiceSpec);

const CHANGES: [Change; 4] = [
    |_| {},
    |spec| spec.load_balancer_source_ranges = vec!["203.0.113.0/24".to_owned()],
    |spec| spec.session_affinity = "ClientIP".to_owned(),
    |spec| {
        spec.external_traffic_policy = "Local".to_owned();
        spec.internal_traffic_policy = Some("Local".to_owned());
    },
];

const REQUESTS: [(&str, &str); 8] = [
    ("pod/client", "10.96.32.10:80"),
    ("pod/web-1", "10.96.32.10:80"),
    ("node/node-1", "10.96.32.10:80"),
    ("external/laptop", "node-3:30080"),
    ("pod/client", "10.96.32.10:81"),
    ("pod/client", "10.244.2.7:9999"),
    ("external/laptop", "node-2:22"),
    ("pod/client", "ping://10.244.2.7"),
];

/// Two histories that must stay the same: one with trodden ways, and one without.
struct Twins {
    states: [State; 2],
    chances: [Seeded; 2],
}

impl Twins {
    fn new(seed: u64) -> Self {
        Self {
            states: [State::default(), State::default()],
            chances: [Seeded::new(seed), Seeded::new(seed)],
        }
    }

    fn send(&mut self, network: &Network, request: &Request, count: u32, what: &str) {
        let [one, other] = [0, 1].map(|own| {
            let mut trodden = Trodden::default();
            let trodden = (own == 0).then_some(&mut trodden);
            let (state, chance) = (&mut self.states[own], &mut self.chances[own]);
            network
                .walk_many_by(state, chance, request, Lookups::default(), count, trodden)
                .unwrap()
        });
        assert_eq!(one, other, "{what}");
        self.are_equal(what);
    }

    fn are_equal(&self, what: &str) {
        assert!(self.states[0] == self.states[1], "{what}: states");
        assert_eq!(self.chances[0], self.chances[1], "{what}: chance");
    }
}

fn worlds() -> impl Iterator<Item = (String, Protocol, Network)> {
    // Of the endpoints of the second list one is gone.
    let lists: [&[&str]; 3] = [&BOTH, &[BOTH[0], "10.244.2.99"], &[]];
    let protocols = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];
    Mode::ALL
        .into_iter()
        .flat_map(move |mode| protocols.map(move |protocol| (mode, protocol)))
        .flat_map(move |(mode, protocol)| lists.map(move |list| (mode, protocol, list)).into_iter())
        .flat_map(|(mode, protocol, list)| {
            (0..CHANGES.len()).map(move |change| {
                let network = lab_of(mode, protocol.as_str(), list, CHANGES[change]);
                let name = format!("{mode}, {protocol}, {list:?}, change {change}");
                (name, protocol, network)
            })
        })
}

/// From an empty state and from a used one; requests one by one, kept open and many at once, to all
/// kinds of targets and over time.
#[test]
fn trodden_ways_leave_what_walks_leave() {
    for (number, (name, protocol, network)) in worlds().enumerate() {
        let mut twins = Twins::new(number as u64);
        let mut script = Seeded::new(1000 + number as u64);
        for step in 0..14 {
            let (from, to) = REQUESTS[script.choose(REQUESTS.len() as u32) as usize];
            let request = Request {
                protocol,
                ..ask(from, to)
            };
            let what = format!("{name}: {from} to {to}, step {step}");
            match script.choose(4) {
                0 => {
                    let reuse = match script.choose(2) {
                        0 => Reuse::Close,
                        _ => Reuse::KeepAlive,
                    };
                    let journeys = [0, 1].map(|own| {
                        let (state, chance) = (&mut twins.states[own], &mut twins.chances[own]);
                        network
                            .walk_with(state, chance, &request, Lookups::default(), reuse)
                            .unwrap()
                    });
                    assert_eq!(journeys[0], journeys[1], "{what}");
                }
                1 => {
                    let passes = [1, 800, 40_000, 130_000][script.choose(4) as usize];
                    for state in &mut twins.states {
                        state.now_ms += passes;
                    }
                }
                _ => twins.send(&network, &request, 1 + script.choose(60), &what),
            }
            twins.are_equal(&what);
        }
    }
}

/// More requests than a client has ports: old connections are in the way, of this moment and of an
/// earlier one, and drawn ports meet each other.
#[test]
fn ports_come_round_again() {
    for mode in [Mode::Iptables, Mode::Nftables] {
        for (protocol, to) in [
            (Protocol::Tcp, "node-3:30080"),
            (Protocol::Udp, "node-3:30080"),
            (Protocol::Tcp, "node-2:22"),
        ] {
            let network = lab_of(mode, protocol.as_str(), &BOTH, |_| {});
            let request = Request {
                protocol,
                ..ask("external/laptop", to)
            };
            let mut twins = Twins::new(7);
            for round in 0..2 {
                let what = format!("{mode}, {protocol} to {to}, round {round}");
                twins.send(&network, &request, 30_000, &what);
                for state in &mut twins.states {
                    state.now_ms += 70_000;
                }
            }
        }
    }
}

/// The ways are there, and where something else than chance and the tables decides they are not.
#[test]
fn what_is_alike_goes_trodden_ways() {
    let learned = |network: &Network, from: &str, to: &str| {
        let (mut state, mut chance) = (State::default(), Seeded::new(3));
        let request = ask(from, to);
        let mut trodden = Trodden::default();
        let ways = Some(&mut trodden);
        network
            .walk_many_by(
                &mut state,
                &mut chance,
                &request,
                Lookups::default(),
                200,
                ways,
            )
            .unwrap();
        trodden.walked
    };
    for mode in [Mode::Iptables, Mode::Nftables] {
        let network = lab_in(mode, &BOTH, |_| {});
        // One walk for each Pod.
        assert_eq!(
            learned(&network, "pod/client", "10.96.32.10:80"),
            2,
            "{mode}"
        );
        // A drawn port that is the client's own, or somebody's, is rare.
        let walks = learned(&network, "external/laptop", "node-3:30080");
        assert!((2..6).contains(&walks), "{mode}: {walks}");
        assert_eq!(
            learned(&network, "external/laptop", "node-2:22"),
            1,
            "{mode}"
        );
        let network = lab_in(mode, &BOTH, |spec| {
            spec.session_affinity = "ClientIP".to_owned();
        });
        assert_eq!(
            learned(&network, "pod/client", "10.96.32.10:80"),
            200,
            "{mode}"
        );
    }
}
