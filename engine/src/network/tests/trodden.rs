//! Many requests by trodden ways are the same requests, each walked.

use std::net::{IpAddr, SocketAddr};

use super::*;
use crate::api::FieldPath;
use crate::netfilter::chance::Chance;
use crate::network::trodden::Trodden;

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
            (0..CHANGED_SPECS.len()).map(move |change| {
                let network = lab_of(mode, protocol.as_str(), list, CHANGED_SPECS[change]);
                let name = format!("{mode}, {protocol}, {list:?}, change {change}");
                (name, protocol, network)
            })
        })
}

/// Rules that no kube-proxy writes, each with something that decides besides chance.
const FOREIGN: [&str; 16] = [
    "-t nat -A FIRST -p tcp --sport 32768:45000 -j DNAT --to-destination 10.244.1.5:8080",
    "-t nat -A FIRST -p tcp --dport 30080 -j DNAT --to-destination 10.244.1.5-10.244.1.6:8080",
    "-t nat -A FIRST -p tcp --dport 30080 -j DNAT --to-destination 10.244.1.5:8080-8081 --random",
    "-t nat -A FIRST -m statistic --mode nth --every 3 --packet 0 -j DNAT --to-destination 10.244.1.5:8080",
    "-t nat -A FIRST -m limit --limit 1/s --limit-burst 9 -j DNAT --to-destination 10.244.1.5:8080",
    "-t nat -A FIRST -m recent --name seen --rcheck --seconds 1 -j DNAT --to-destination 10.244.1.5:8080\n\
     -t nat -A FIRST -m statistic --mode random --probability 0.1 -m recent --name seen --set",
    "-t nat -A LAST -p tcp -j SNAT --to-source 192.168.10.13:2000-2007",
    "-t nat -A LAST -p tcp -j MASQUERADE --to-ports 40000-40031 --random",
    "-t nat -A LAST -p tcp -j MASQUERADE",
    "-t nat -A LAST -p tcp -j SNAT --to-source 192.168.10.13-192.168.10.14",
    "-t filter -A ON -p tcp --sport 8080 --dport 40000:50000 -j DROP",
    "-t filter -A ON -p tcp -m multiport --ports 50000:60000 -j REJECT --reject-with tcp-reset",
    "-t filter -A ON -m conntrack --ctstate NEW -m statistic --mode random --probability 0.25 -j DROP",
    "-t raw -A EARLY -p tcp --sport 40000:50000 -j NOTRACK",
    "-t mangle -A MARKS -m statistic --mode random --probability 0.5 -j CONNMARK --set-mark 5\n\
     -t mangle -A MARKS -m connmark --mark 5 -j MARK --set-mark 7",
    "-t filter -A ON -j REJECT --reject-with icmp-port-unreachable",
];

/// A Node's rules as `iptables-save` prints them, with some of the foreign ones in their chains.
fn foreign(lines: &str) -> String {
    let of = |table: &str| -> String {
        let start = format!("-t {table} ");
        let own = lines
            .lines()
            .filter_map(|line| line.trim().strip_prefix(&start));
        own.map(|line| format!("{line}\n")).collect()
    };
    format!(
        "*raw\n:PREROUTING ACCEPT [0:0]\n:EARLY - [0:0]\n-A PREROUTING -j EARLY\n{}COMMIT\n\
         *mangle\n:PREROUTING ACCEPT [0:0]\n:MARKS - [0:0]\n-A PREROUTING -j MARKS\n{}COMMIT\n\
         *nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:FIRST - [0:0]\n:LAST - [0:0]\n\
         -A PREROUTING -p tcp -m tcp --dport 30080 -j FIRST\n\
         -A PREROUTING -p tcp -m tcp --dport 30080 -m statistic --mode random --probability 0.5 \
         -j DNAT --to-destination 10.244.1.5:8080\n\
         -A PREROUTING -p tcp -m tcp --dport 30080 -j DNAT --to-destination 10.244.2.7:8080\n\
         -A POSTROUTING -j LAST\n\
         -A POSTROUTING -o eth0 -j MASQUERADE --random-fully\n{}COMMIT\n\
         *filter\n:FORWARD ACCEPT [0:0]\n:ON - [0:0]\n-A FORWARD -j ON\n{}COMMIT\n",
        of("raw"),
        of("mangle"),
        of("nat"),
        of("filter")
    )
}

#[test]
fn whatever_else_decides_is_walked() {
    let one = |at: usize| FOREIGN[at].to_owned();
    let two = |at: usize| format!("{}\n{}", FOREIGN[at], FOREIGN[(at * 5 + 3) % FOREIGN.len()]);
    let texts = (0..FOREIGN.len()).flat_map(|at| [one(at), two(at)]);
    for (number, lines) in texts.enumerate() {
        let mut network = lab(&BOTH, |_| {});
        for node in ["node-3", "node-2"] {
            let errors = network.set_saved(node, IpFamily::IPv4, &foreign(&lines));
            assert_eq!(errors, [], "{lines}");
        }
        let mut twins = Twins::new(number as u64);
        for (round, count) in [200, 3, 400].into_iter().enumerate() {
            let what = format!("{lines}: round {round}");
            let request = ask("external/laptop", "node-3:30080");
            twins.send(&network, &request, count, &what);
            for state in &mut twins.states {
                state.now_ms += 1500;
            }
        }
    }
}

#[test]
fn load_balancers_remember_and_are_walked() {
    for passing in [Passing::Through, Passing::Translated, Passing::Proxied] {
        let mut network = lab(&BOTH, |_| {});
        let backend = |number: u8| Backend {
            name: format!("node-{number}"),
            to: SocketAddr::from(([192, 168, 10, 10 + number], 30080)),
            is_healthy: true,
        };
        let address = IpAddr::from([192, 168, 10, 200]);
        // A target to which the packet is passed through is asked for the port that it has.
        let (to, port) = match passing {
            Passing::Through => ("192.168.10.200:30080", 30_080),
            Passing::Translated | Passing::Proxied => ("192.168.10.200:80", 80),
        };
        let balancer = Balancer {
            service: api::ObjectRef::new(api::Kind::Service, "default", "frontend-service"),
            product: "a load balancer".to_owned(),
            addresses: vec![address],
            passing,
            fronts: vec![Front {
                protocol: Protocol::Tcp,
                port,
                targets: (1..=3).map(backend).collect(),
            }],
            sources: Vec::new(),
            by_source: false,
            fails_open: false,
            is_active: true,
            check: String::new(),
            checks: FieldPath::default(),
            idle_ms: 350_000,
        };
        network.add_balancer(None, balancer);
        if passing == Passing::Through {
            for node in ["node-1", "node-2", "node-3"] {
                network.add_local_route(address, node);
            }
        }
        let mut twins = Twins::new(5);
        for (round, target) in [to, "node-1:30080", to].into_iter().enumerate() {
            let what = format!("{passing:?}, round {round}");
            twins.send(&network, &ask("external/laptop", target), 100, &what);
        }
    }
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
    // Each of these sends more requests than there are ports, twice: three are enough.
    for (mode, protocol, to) in [
        (Mode::Iptables, Protocol::Tcp, "node-3:30080"),
        (Mode::Nftables, Protocol::Udp, "node-3:30080"),
        (Mode::Nftables, Protocol::Tcp, "node-2:22"),
    ] {
        let network = lab_of(mode, protocol.as_str(), &BOTH, |_| {});
        let request = Request {
            protocol,
            ..ask("external/laptop", to)
        };
        let mut twins = Twins::new(7);
        for (round, count) in [28_300, 500].into_iter().enumerate() {
            let what = format!("{mode}, {protocol} to {to}, round {round}");
            twins.send(&network, &request, count, &what);
            for state in &mut twins.states {
                state.now_ms += 70_000;
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
