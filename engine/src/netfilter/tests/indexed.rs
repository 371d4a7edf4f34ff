//! The compiled form of tables held against rules tried one after another.

use super::*;

/// A few of each, so that rules and packets meet.
const ADDRESSES: [&str; 5] = [
    "192.168.0.7",
    "192.168.0.1",
    "10.0.0.9",
    "10.0.0.10",
    "203.0.113.5",
];

fn part(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(str::to_owned)
}

/// A match of a rule, or nothing: tests that rules are sorted by, tests that they are not, and
/// tests that leave traces.
fn some_match() -> impl Strategy<Value = String> {
    let address = prop::sample::select(&ADDRESSES[..]);
    let port = 79..83_u16;
    prop_oneof![
        3 => Just(String::new()),
        6 => (any::<bool>(), any::<bool>(), address.clone()).prop_map(|(not, from, address)| {
            let not = if not { "! " } else { "" };
            let option = if from { "-s" } else { "-d" };
            format!("{not}{option} {address}")
        }),
        6 => (part(&["tcp", "udp"]), any::<bool>(), port.clone()).prop_map(|(name, not, port)| {
            let not = if not { "! " } else { "" };
            format!("-p {name} -m {name} {not}--dport {port}")
        }),
        1 => (port.clone(), port).prop_map(|(one, other)| {
            format!("-p tcp -m multiport --dports {one},{other}")
        }),
        4 => part(&[
            "-d 10.0.0.0/24",
            "-p udp",
            "-i eth0",
            "-m mark --mark 0x1/0x1",
            "-m mark ! --mark 0x1/0x1",
            "-m conntrack --ctstate NEW",
            "-m addrtype --dst-type LOCAL",
            "-m statistic --mode random --probability 0.5",
            "-m statistic --mode nth --every 2 --packet 0",
            "-m recent --set --name L",
            "-m recent --rcheck --seconds 10 --reap --name L",
            "-m limit --limit 1/min --limit-burst 1",
            "-m strange --thing x",
            "-m set --match-set KNOWN src",
            "-m set --match-set UNKNOWN dst,dst",
            "-m addrtype --src-type LOCAL --limit-iface-in",
        ]),
    ]
}

/// The words of a rule; an option twice is no rule, and left out.
fn some_rule(targets: &'static [&'static str]) -> impl Strategy<Value = String> {
    (prop::collection::vec(some_match(), 0..4), part(targets)).prop_map(|(matches, target)| {
        let mut words = String::new();
        for text in matches {
            let protocols = words.contains("-p ") && text.contains("-p ");
            if !protocols {
                words.push_str(&text);
                words.push(' ');
            }
        }
        words + &target
    })
}

/// Rules of all chains. Jumps lead from built-in chains to A and from A to B, so that there is no
/// circle; B is long, so that it is sorted.
fn some_tables() -> impl Strategy<Value = String> {
    let base = some_rule(&["-j A", "-g A", "-j B", "-j ACCEPT", "-j DROP", ""]);
    let middle = some_rule(&[
        "-j B",
        "-g B",
        "-j RETURN",
        "-j MARK --set-xmark 0x1/0x1",
        "",
    ]);
    let last = some_rule(&[
        "-j RETURN",
        "-j ACCEPT",
        "-j MARK --set-xmark 0x1/0x1",
        "-j MARK --set-xmark 0x0/0x1",
        "-j CONNMARK --save-mark",
        "-j STRANGE",
        "-j NFQUEUE",
        "",
        "",
    ]);
    let nat = some_rule(&[
        "-j DNAT --to-destination 10.0.0.9:8080",
        "-j RETURN",
        "-j MARK --set-xmark 0x1/0x1",
    ]);
    let long = 0..40_usize;
    (
        prop::collection::vec(base, long.clone()),
        prop::collection::vec(middle, long.clone()),
        prop::collection::vec(last, long.clone()),
        prop::collection::vec(nat, long),
    )
        .prop_map(|(base, middle, last, nat)| {
            let chain = |name: &str, rules: &[String]| -> String {
                (rules.iter())
                    .map(|rule| format!("-A {name} {rule}\n"))
                    .collect()
            };
            format!(
                "*filter\n:A - [0:0]\n:B - [0:0]\n:STRANGE - [0:0]\n{}{}{}{}COMMIT\n\
                 *nat\n{}COMMIT\n",
                chain("FORWARD", &base),
                chain("INPUT", &base),
                chain("A", &middle),
                chain("B", &last),
                chain("PREROUTING", &nat),
            )
        })
}

fn some_packet() -> impl Strategy<Value = Packet> {
    let address = || prop::sample::select(&ADDRESSES[..]).prop_map(ip);
    let transport = prop_oneof![
        4 => (1024..1028_u16, 79..83_u16)
            .prop_map(|(sport, dport)| Transport::opening(Protocol::Tcp, sport, dport)),
        2 => (1024..1028_u16, 79..83_u16)
            .prop_map(|(sport, dport)| Transport::Udp { sport, dport }),
        1 => (1..3_u16).prop_map(|id| Transport::Icmp {
            message: IcmpMessage::EchoRequest,
            id,
        }),
    ];
    (address(), address(), transport)
        .prop_map(|(src, dst, transport)| Packet::new(src, dst, transport))
}

proptest! {
    #[test]
    fn indexed_and_linear_evaluation_say_the_same(
        text in some_tables(),
        packets in prop::collection::vec(some_packet(), 1..6),
        seed in 0..1000_u64,
    ) {
        let mut tables = Tables::new(IpFamily::IPv4);
        // What is not modelled is named, and takes part.
        let errors = tables.restore(&text, Before::Flush);
        prop_assert!(
            errors.iter().all(|error| error.trouble.to_string().ends_with("is not modelled")),
            "{errors:?}"
        );
        let mut benches = [tables.clone(), tables.linear()].map(|tables| {
            let mut bench = Bench::new("");
            bench.host.rules_v4 = Some(Arc::new(tables));
            bench.chance = Seeded::new(seed);
            let mut sets = ipset::Sets::default();
            sets.read("create KNOWN hash:ip\nadd KNOWN 192.168.0.7\n");
            bench.host.sets = Arc::new(sets);
            bench
        });
        for packet in packets {
            let [indexed, linear] = benches.each_mut().map(|bench| {
                let passage = bench.receive(ETH, packet);
                let looks = passage.trace.looks(&bench.host);
                (passage, looks)
            });
            prop_assert_eq!(&indexed.1, &linear.1, "{}", text);
            let (indexed, linear) = (indexed.0, linear.0);
            prop_assert_eq!(indexed.trace.rules_looked_at(), linear.trace.rules_looked_at());
            prop_assert_eq!(&indexed.trace.draws, &linear.trace.draws);
            prop_assert_eq!(&indexed.trace.doubts, &linear.trace.doubts);
            prop_assert_eq!(
                (&indexed.fate, &indexed.skb, &indexed.rewrites, &indexed.connection),
                (&linear.fate, &linear.skb, &linear.rewrites, &linear.connection)
            );
        }
        prop_assert_eq!(&benches[0].state, &benches[1].state);
    }
}

#[test]
fn a_long_run_is_shown_as_one_look_and_said_rule_by_rule_when_asked() {
    let mut text = String::from("*filter\n");
    for number in 0..1000 {
        let address = std::net::Ipv4Addr::from(0x0b00_0000 + number);
        text.push_str(&format!("-A FORWARD -d {address}/32 -p tcp -j DROP\n"));
    }
    text.push_str("-A FORWARD -d 10.0.0.9/32 -j ACCEPT\nCOMMIT\n");
    let mut bench = Bench::new(&text);
    let passage = bench.receive(ETH, syn("192.168.0.7", 4000, "10.0.0.9", 80));
    assert_eq!(passage.trace.rules_looked_at(), 1001);
    let shown = passage.trace.shown(&bench.host);
    assert_eq!(shown.len(), 2);
    assert_eq!((shown[0].at.number, shown[0].through), (1, Some(1000)));
    assert!(!shown[0].matched && shown[1].matched);
    assert_eq!(shown[1].at.number, 1001);
    let looks = passage.trace.looks(&bench.host);
    assert_eq!(looks.len(), 1001);
    assert_eq!(looks[999].why, "destination 10.0.0.9 is not 11.0.3.231");
}

#[test]
fn a_table_that_changes_is_compiled_anew() {
    let many: String = (0..20)
        .map(|port| format!("-A FORWARD -p tcp --dport {port} -j DROP\n"))
        .collect();
    let mut bench = Bench::new(&format!("*filter\n{many}COMMIT\n"));
    let packet = syn("192.168.0.7", 4000, "10.0.0.9", 80);
    assert_eq!(bench.receive(ETH, packet).fate, out(BRIDGE, "10.0.0.9"));
    let mut tables = (**bench.host.rules_v4.as_ref().unwrap()).clone();
    tables
        .call("-A FORWARD -p tcp --dport 80 -j DROP", 1)
        .unwrap();
    bench.host.rules_v4 = Some(Arc::new(tables));
    let by = RuleAt::new("filter", "FORWARD", 21);
    bench.state = HostState::default();
    assert_eq!(bench.receive(ETH, packet).fate, Fate::Dropped { by });
}
