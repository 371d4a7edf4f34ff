//! One host with hand-written rules: what becomes of packets, and of the errors about them.

use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;

use super::chance::Seeded;
use super::iptables::{Before, Tables};
use super::route::{Device, Route, RouteKind, Routing};
use super::*;
use crate::net::{IcmpMessage, IpFamily, Packet, Protocol, TcpFlags, Transport};

mod indexed;

const ETH: usize = 1;
const BRIDGE: usize = 2;

/// A router between 192.168.0.0/24 (eth0, .1) and 10.0.0.0/24 (br0, .1).
fn host(rules: &str) -> Host {
    let device = |name: &str, address: &str, bridge| Device {
        name: name.to_owned(),
        addresses: vec![address.parse().unwrap()],
        bridge,
    };
    let default = Route {
        to: "0.0.0.0/0".parse().unwrap(),
        via: Some("192.168.0.254".parse().unwrap()),
        device: ETH,
        kind: RouteKind::Unicast,
    };
    let mut tables = Tables::new(IpFamily::IPv4);
    assert_eq!(tables.restore(rules, Before::Flush), []);
    Host {
        forwarding: true,
        rules_v4: Some(Arc::new(tables)),
        ..Host::new(Routing::new(
            vec![
                device("eth0", "192.168.0.1/24", false),
                device("br0", "10.0.0.1/24", true),
            ],
            vec![default],
        ))
    }
}

struct Bench {
    host: Host,
    state: HostState,
    chance: Seeded,
}

impl Bench {
    fn new(rules: &str) -> Self {
        Self {
            host: host(rules),
            state: HostState::default(),
            chance: Seeded::new(1),
        }
    }

    fn receive(&mut self, device: usize, packet: Packet) -> Passage {
        let mut moment = Moment {
            now_ms: 0,
            chance: &mut self.chance,
            quiet: false,
        };
        self.host
            .receive(&mut self.state, &mut moment, device, Skb::new(packet))
    }

    fn send(&mut self, skb: Skb) -> Passage {
        let mut moment = Moment {
            now_ms: 0,
            chance: &mut self.chance,
            quiet: false,
        };
        self.host.send(&mut self.state, &mut moment, skb)
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn syn(from: &str, sport: u16, to: &str, dport: u16) -> Packet {
    Packet::new(
        ip(from),
        ip(to),
        Transport::opening(Protocol::Tcp, sport, dport),
    )
}

fn out(device: usize, next_hop: &str) -> Fate {
    Fate::Sent {
        device,
        next_hop: ip(next_hop),
    }
}

const DOOR: &str = "*nat\n\
    -A PREROUTING -d 192.168.0.1 -p tcp --dport 80 -j MARK --set-xmark 0x1/0x1\n\
    -A PREROUTING -d 192.168.0.1 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.9:8080\n\
    -A POSTROUTING -m mark --mark 0x1/0x1 -j MASQUERADE\n\
    COMMIT\n";

#[test]
fn a_door_rewrites_both_ends_and_the_reply_finds_its_way_back() {
    let mut bench = Bench::new(DOOR);
    let there = bench.receive(ETH, syn("192.168.0.7", 4000, "192.168.0.1", 80));
    assert_eq!(there.fate, out(BRIDGE, "10.0.0.9"));
    assert_eq!(there.skb.packet.from_text(), "10.0.0.1:4000");
    assert_eq!(there.skb.packet.to_text(), "10.0.0.9:8080");
    assert_eq!(there.skb.packet.ttl, 63);
    assert_eq!(there.skb.on_the_wire().packet.mark, 0);
    let by: Vec<String> = (there.rewrites.iter())
        .map(|rewrite| rewrite.by.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(by, ["nat PREROUTING 2", "nat POSTROUTING 1"]);

    let reply = Packet::new(
        ip("10.0.0.9"),
        ip("10.0.0.1"),
        Transport::Tcp {
            sport: 8080,
            dport: 4000,
            flags: TcpFlags::SYN_ACK,
        },
    );
    let back = bench.receive(BRIDGE, reply);
    assert_eq!(back.fate, out(ETH, "192.168.0.7"));
    assert_eq!(back.skb.packet.from_text(), "192.168.0.1:80");
    assert_eq!(back.skb.packet.to_text(), "192.168.0.7:4000");
    // Established: the rules of nat are not asked again.
    assert_eq!(back.trace.looks(&bench.host), []);
    assert!(back.rewrites.iter().all(|rewrite| rewrite.undone));
}

#[test]
fn an_error_about_a_rewritten_packet_is_rewritten_back_inside_and_outside() {
    let mut bench = Bench::new(DOOR);
    let there = bench.receive(ETH, syn("192.168.0.7", 4000, "192.168.0.1", 80));
    // Nobody has 10.0.0.9: the host itself tells the client.
    let error = bench
        .host
        .error_about(&bench.state, &there.skb, IcmpMessage::HostUnreachable)
        .unwrap();
    let told = bench.send(error);
    assert_eq!(told.fate, out(ETH, "192.168.0.7"));
    let quoted = told.skb.inner.unwrap();
    assert_eq!(quoted.from_text(), "192.168.0.7:4000");
    assert_eq!(quoted.to_text(), "192.168.0.1:80");
    // And 10.0.0.9 says itself that nobody listens.
    let mut error = Skb::new(Packet::new(
        ip("10.0.0.9"),
        ip("10.0.0.1"),
        Transport::Icmp {
            message: IcmpMessage::PortUnreachable,
            id: 0,
        },
    ));
    error.inner = Some(there.skb.packet);
    let mut moment = Moment {
        now_ms: 0,
        chance: &mut bench.chance,
        quiet: false,
    };
    let told = (bench.host).receive(&mut bench.state, &mut moment, BRIDGE, error);
    assert_eq!(told.fate, out(ETH, "192.168.0.7"));
    assert_eq!(told.skb.packet.src, ip("192.168.0.1"));
    assert_eq!(told.skb.inner.unwrap().to_text(), "192.168.0.1:80");
}

#[test]
fn a_rejection_comes_from_the_address_that_was_asked_or_from_the_way_back() {
    let mut bench = Bench::new(
        "*filter\n-A INPUT -p tcp --dport 81 -j REJECT\n-A FORWARD -p tcp -j REJECT --reject-with tcp-reset\n\
         -A FORWARD -j REJECT\nCOMMIT\n",
    );
    let here = bench.receive(ETH, syn("192.168.0.7", 4000, "10.0.0.1", 81));
    assert!(matches!(&here.fate, Fate::Rejected { by } if by.to_string() == "filter INPUT 1"));
    let error = here.error.unwrap();
    assert_eq!(
        (error.packet.src, error.packet.dst),
        (ip("10.0.0.1"), ip("192.168.0.7"))
    );
    let through = bench.receive(BRIDGE, syn("10.0.0.9", 4000, "8.8.8.8", 53));
    let reset = through.error.unwrap();
    assert_eq!(reset.packet.from_text(), "8.8.8.8:53");
    assert!(matches!(reset.packet.transport, Transport::Tcp { flags, .. } if flags.rst));
    let ping = Packet::new(
        ip("10.0.0.9"),
        ip("8.8.8.8"),
        Transport::Icmp {
            message: IcmpMessage::EchoRequest,
            id: 1,
        },
    );
    let error = bench.receive(BRIDGE, ping).error.unwrap();
    assert_eq!(error.packet.src, ip("10.0.0.1"));
    // Nobody answers an error with an error.
    assert_eq!(
        bench
            .host
            .error_about(&bench.state, &error, IcmpMessage::NetUnreachable),
        None
    );
}

#[test]
fn policies_states_and_returns_decide_as_in_the_kernel() {
    let mut bench = Bench::new(
        "*filter\n:FORWARD DROP [0:0]\n:A - [0:0]\n:B - [0:0]\n\
         -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
         -A FORWARD -s 10.0.0.0/24 -j A\n\
         -A A -d 10.9.9.9 -g B\n-A A -p udp -j RETURN\n-A A -j ACCEPT\n\
         -A B -p udp -j ACCEPT\nCOMMIT\n",
    );
    let udp = |to: &str| {
        Packet::new(
            ip("10.0.0.9"),
            ip(to),
            Transport::Udp { sport: 1, dport: 2 },
        )
    };
    let dropped =
        |passage: &Passage| matches!(&passage.fate, Fate::Dropped { by } if by.number == 0);
    assert!(dropped(
        &bench.receive(ETH, syn("192.168.0.7", 1, "10.0.0.9", 2))
    ));
    assert_eq!(
        bench.receive(BRIDGE, syn("10.0.0.9", 1, "8.8.8.8", 2)).fate,
        out(ETH, "192.168.0.254")
    );
    assert!(dropped(&bench.receive(BRIDGE, udp("8.8.8.8"))));
    // `-g`: the end of B goes back to FORWARD, not to A.
    assert!(dropped(
        &bench.receive(BRIDGE, syn("10.0.0.9", 1, "10.9.9.9", 2))
    ));
    let passed = bench.receive(BRIDGE, udp("10.9.9.9"));
    assert_eq!(passed.fate, out(ETH, "192.168.0.254"));
    assert_eq!(passed.trace.rules_looked_at(), 4);
}

#[test]
fn what_is_not_tracked_is_not_translated() {
    let mut bench = Bench::new(
        "*raw\n-A PREROUTING -p tcp --dport 80 -j NOTRACK\nCOMMIT\n\
         *nat\n-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.9\nCOMMIT\n\
         *filter\n-A FORWARD -m conntrack ! --ctstate UNTRACKED -j DROP\nCOMMIT\n",
    );
    let untracked = bench.receive(ETH, syn("192.168.0.7", 1, "10.0.0.5", 80));
    assert_eq!(untracked.fate, out(BRIDGE, "10.0.0.5"));
    assert_eq!(bench.state.conntrack.connections().count(), 0);
    let tracked = bench.receive(ETH, syn("192.168.0.7", 1, "10.0.0.5", 81));
    assert!(matches!(tracked.fate, Fate::Dropped { .. }));
    assert_eq!(tracked.skb.packet.dst, ip("10.0.0.9"));
}

#[test]
fn martians_loops_and_missing_ways_are_lost() {
    let mut bench = Bench::new("*filter\nCOMMIT\n");
    let lost = |passage: &Passage| match passage.fate {
        Fate::Lost { why } => Some(why),
        _ => None,
    };
    let own = bench.receive(ETH, syn("192.168.0.1", 1, "8.8.8.8", 2));
    assert_eq!(lost(&own), Some(Loss::MartianSource));
    let loopback = bench.receive(ETH, syn("192.168.0.7", 1, "127.0.0.1", 2));
    assert_eq!(lost(&loopback), Some(Loss::MartianDestination));
    let mut tired = syn("192.168.0.7", 1, "10.0.0.9", 2);
    tired.ttl = 1;
    let tired = bench.receive(ETH, tired);
    assert_eq!(lost(&tired), Some(Loss::TimeExceeded));
    assert_eq!(tired.error.unwrap().packet.src, ip("192.168.0.1"));
    bench.host.forwarding = false;
    let through = bench.receive(ETH, syn("192.168.0.7", 1, "10.0.0.9", 2));
    assert_eq!(lost(&through), Some(Loss::NotForwarding));
}

#[test]
fn a_process_that_asks_its_own_loopback_may_be_sent_elsewhere() {
    let rules = "*nat\n-A OUTPUT -d 127.0.0.1 -p tcp --dport 80 -j DNAT --to-destination 10.0.0.9\n\
        -A POSTROUTING -s 127.0.0.0/8 -j MASQUERADE\nCOMMIT\n";
    let mut bench = Bench::new(rules);
    let stopped = bench.send(Skb::new(syn("127.0.0.1", 5000, "127.0.0.1", 80)));
    assert_eq!(
        stopped.fate,
        Fate::Lost {
            why: Loss::MartianSource
        }
    );
    bench.host.route_localnet = true;
    let sent = bench.send(Skb::new(syn("127.0.0.1", 5001, "127.0.0.1", 80)));
    assert_eq!(sent.fate, out(BRIDGE, "10.0.0.9"));
    assert_eq!(sent.skb.packet.src, ip("10.0.0.1"));
    // Without a rule it stays.
    let own = bench.send(Skb::new(syn("127.0.0.1", 5002, "127.0.0.1", 81)));
    assert_eq!(own.fate, Fate::Delivered);
}

#[test]
fn nftables_chains_stand_between_iptables_by_their_priorities() {
    let mut bench = Bench::new(
        "*nat\n-A PREROUTING -d 192.168.0.1 -p tcp -j DNAT --to-destination 10.0.0.9\nCOMMIT\n",
    );
    let mut rules = nft::Ruleset::new(IpFamily::IPv4);
    let errors = rules.read(
        "add table ip t\n\
         add chain ip t before { type filter hook prerouting priority dstnat - 10 ; }\n\
         add chain ip t after { type filter hook prerouting priority dstnat + 10 ; }\n\
         add rule ip t before ip daddr 10.0.0.9 drop\n\
         add rule ip t after ip daddr 10.0.0.9 tcp dport 81 drop\n",
    );
    assert_eq!(errors, []);
    bench.host.nft_v4 = Some(Arc::new(rules));
    let passed = bench.receive(ETH, syn("192.168.0.7", 1, "192.168.0.1", 80));
    assert_eq!(passed.fate, out(BRIDGE, "10.0.0.9"));
    let dropped = bench.receive(ETH, syn("192.168.0.7", 2, "192.168.0.1", 81));
    assert!(matches!(&dropped.fate, Fate::Dropped { by } if by.to_string() == "ip t after 1"));
}

proptest! {
    /// Whatever the rules do with the first packet, the answer gets back to who asked, from whom
    /// he asked.
    #[test]
    fn nat_undoes_what_it_did(
        sport in 1_u16..,
        dport in 1_u16..,
        to_port in 1_u16..,
        source in prop::sample::select(vec![
            "",
            "-A POSTROUTING -j MASQUERADE",
            "-A POSTROUTING -j MASQUERADE --random-fully",
            "-A POSTROUTING -p tcp -j SNAT --to-source 10.0.0.77:5-9",
        ]),
        destination in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let door = if destination {
            format!("-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.9:{to_port}\n")
        } else {
            String::new()
        };
        let mut bench = Bench::new(&format!("*nat\n{door}{source}\nCOMMIT\n"));
        bench.chance = Seeded::new(seed);
        let sent = syn("192.168.0.7", sport, "10.0.0.9", dport);
        let there = bench.receive(ETH, sent).skb.packet;
        let reply = Packet::new(there.dst, there.src, Transport::Tcp {
            sport: there.transport.dport().unwrap(),
            dport: there.transport.sport().unwrap(),
            flags: TcpFlags::SYN_ACK,
        });
        let back = bench.receive(BRIDGE, reply).skb.packet;
        prop_assert_eq!(back.from_text(), sent.to_text());
        prop_assert_eq!(back.to_text(), sent.from_text());
    }
}

/// What becomes of a packet to 10.0.0.9:80 that came in by eth0.
fn fate(rules: &str, sets: &str, packet: Packet) -> (Fate, Vec<String>) {
    let mut bench = Bench::new(rules);
    let mut own = ipset::Sets::default();
    assert_eq!(own.read(sets), []);
    bench.host.sets = Arc::new(own);
    let passage = bench.receive(ETH, packet);
    let doubts = passage.trace.doubts.iter();
    (
        passage.fate,
        doubts.map(|doubt| doubt.what.clone()).collect(),
    )
}

#[test]
fn rules_look_into_the_hosts_sets_and_doubt_those_that_nobody_described() {
    let rules = "*filter\n\
        -A FORWARD -m set --match-set PEERS src,dst -j DROP\n\
        -A FORWARD -m set ! --match-set POOL dst -j DROP\nCOMMIT\n";
    let sets = "create PEERS hash:ip,port\nadd PEERS 192.168.0.7,tcp:80\n\
        create POOL hash:net\nadd POOL 10.0.0.0/24\n";
    let to = |from, dport| syn(from, 4000, "10.0.0.9", dport);
    let by = |number| Fate::Dropped {
        by: RuleAt::new("filter", "FORWARD", number),
    };
    assert_eq!(fate(rules, sets, to("192.168.0.7", 80)), (by(1), vec![]));
    let on = out(BRIDGE, "10.0.0.9");
    assert_eq!(
        fate(rules, sets, to("192.168.0.7", 81)),
        (on.clone(), vec![])
    );
    let away = syn("192.168.0.7", 4000, "203.0.113.9", 81);
    assert_eq!(fate(rules, sets, away), (by(2), vec![]));
    let (fate, doubts) = fate(rules, "", to("192.168.0.7", 80));
    assert_eq!(fate, on);
    assert_eq!(
        doubts,
        [
            "the content of ipset `PEERS`",
            "the content of ipset `POOL`"
        ]
    );
}

#[test]
fn sources_come_in_by_the_device_by_which_replies_leave() {
    let rules = "*raw\n-A PREROUTING -m rpfilter --invert -j DROP\nCOMMIT\n";
    let dropped = Fate::Dropped {
        by: RuleAt::new("raw", "PREROUTING", 1),
    };
    let on = out(BRIDGE, "10.0.0.9");
    let to = |from| syn(from, 4000, "10.0.0.9", 80);
    assert_eq!(fate(rules, "", to("192.168.0.7")).0, on);
    // By the default route, too.
    assert_eq!(fate(rules, "", to("203.0.113.5")).0, on);
    // A neighbour on the bridge would be answered there.
    assert_eq!(fate(rules, "", to("10.0.0.10")).0, dropped);
    // An address of the host's own comes from nowhere.
    assert_eq!(fate(rules, "", to("10.0.0.1")).0, dropped);
    let loose = rules.replace("--invert", "--loose --invert");
    assert_eq!(fate(&loose, "", to("10.0.0.10")).0, on);
}

#[test]
fn an_address_is_local_on_its_own_device_only_where_that_is_asked() {
    let rules = |limit: &str| {
        format!("*mangle\n-A PREROUTING -m addrtype --dst-type LOCAL {limit} -j DROP\nCOMMIT\n")
    };
    let dropped = Fate::Dropped {
        by: RuleAt::new("mangle", "PREROUTING", 1),
    };
    let to = |address| syn("192.168.0.7", 4000, address, 80);
    assert_eq!(fate(&rules(""), "", to("10.0.0.1")).0, dropped);
    assert_eq!(
        fate(&rules("--limit-iface-in"), "", to("192.168.0.1")).0,
        dropped
    );
    // The bridge's address, asked for on eth0.
    assert_eq!(
        fate(&rules("--limit-iface-in"), "", to("10.0.0.1")).0,
        Fate::Delivered
    );
}

#[test]
fn targets_that_change_nothing_in_the_model_let_the_packet_go_on() {
    let rules = "*filter\n\
        -A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu\n\
        -A FORWARD -j LOG --log-prefix x\n\
        -A FORWARD -f -j DROP\n\
        -A FORWARD -p tcp -j REJECT --reject-with icmp-host-prohibited\nCOMMIT\n";
    let mut bench = Bench::new(rules);
    let passage = bench.receive(ETH, syn("192.168.0.7", 4000, "10.0.0.9", 80));
    let by = RuleAt::new("filter", "FORWARD", 4);
    assert_eq!(passage.fate, Fate::Rejected { by });
    assert_eq!(passage.trace.doubts, []);
    let error = passage.error.unwrap().packet;
    assert!(matches!(
        error.transport,
        Transport::Icmp {
            message: IcmpMessage::HostProhibited,
            ..
        }
    ));
}
