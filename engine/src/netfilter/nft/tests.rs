//! nftables text, read and named; what it does with packets is held against recorded walks.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::net::IpFamily;
use crate::netfilter::iptables::RejectWith;

fn read(text: &str) -> (Ruleset, Vec<String>) {
    let mut rules = Ruleset::new(IpFamily::IPv4);
    let errors = rules.read(text);
    (rules, errors.iter().map(ToString::to_string).collect())
}

const FRAME: &str = "\
add table ip t { comment \"mine\" ; }
add chain ip t c { type filter hook input priority filter - 10 ; policy drop ; }
add chain ip t d
add set ip t s { type ipv4_addr ; flags dynamic,timeout ; timeout 1h30m ; }
add map ip t m { type ipv4_addr . inet_proto . inet_service : verdict ; }
";

fn statements(rule: &str) -> Vec<Statement> {
    let (rules, errors) = read(&format!("{FRAME}add rule ip t d {rule}\n"));
    assert_eq!(errors, [""; 0], "{rule}");
    rules.tables()["t"].chains["d"].rules[0].statements.clone()
}

#[test]
fn chains_sets_and_elements_are_held_as_written() {
    let (rules, errors) = read(&format!(
        "{FRAME}add element ip t m {{ 10.0.0.1 . tcp . 80 comment \"a/b\" : goto d }}\n\
         add element ip t s {{ 10.0.0.0/8 , 11.0.0.1 }}\n"
    ));
    assert_eq!(errors, [""; 0]);
    let table = &rules.tables()["t"];
    let base = table.chains["c"].base.unwrap();
    assert_eq!(
        base,
        Base {
            kind: BaseKind::Filter,
            hook: HookName::Input,
            priority: -10,
            drops: true
        }
    );
    assert_eq!(table.sets["s"].timeout_ms, Some(5_400_000));
    assert_eq!(table.sets["s"].elements.len(), 2);
    let element = table.maps["m"].elements.values().next().unwrap();
    assert_eq!(element.verdict, Verdict::Goto("d".to_owned()));
    assert_eq!(element.comment.as_deref(), Some("a/b"));
}

#[test]
fn rules_are_read_from_left_to_right() {
    assert_eq!(
        statements("tcp dport 80 reject with tcp reset"),
        [
            Statement::Test {
                field: Field::Protocol,
                negated: false,
                values: Values::Of(vec![Value::Number(6..=6)]),
            },
            Statement::Test {
                field: Field::DestinationPort(Some(6)),
                negated: false,
                values: Values::Of(vec![Value::Number(80..=80)]),
            },
            Statement::Reject(RejectWith::TcpReset),
        ]
    );
    assert_eq!(
        statements("mark and 0x4000 == 0 return"),
        [
            Statement::Test {
                field: Field::Mark(0x4000),
                negated: false,
                values: Values::Of(vec![Value::Number(0..=0)]),
            },
            Statement::Verdict(Verdict::Return),
        ]
    );
    assert_eq!(
        statements("meta mark set mark xor 0x4000"),
        [Statement::SetMark {
            mask: u32::MAX,
            value: 0x4000
        }]
    );
    assert!(matches!(
        &statements("numgen random mod 2 vmap { 0 : goto d , 1 : drop }")[..],
        [Statement::Random { of: 2, verdicts }] if verdicts.len() == 2
    ));
    assert!(matches!(
        &statements("ip saddr @s update @s { ip saddr } counter accept")[..],
        [
            Statement::Test { .. },
            Statement::Update { .. },
            Statement::Counter,
            Statement::Verdict(Verdict::Accept)
        ]
    ));
}

#[test]
fn what_is_missing_or_not_modelled_is_named_with_its_line() {
    let (rules, errors) = read(&format!(
        "{FRAME}add rule ip t d jump nowhere\n\
         add rule ip t d ip daddr . meta l4proto . th dport vmap @gone\n\
         add rule ip t d ct mark 0x1 accept\n\
         add rule ip t d iif cali* accept\n\
         add rule ip t d comment \"open\n\
         list ruleset\n\
         add rule ip6 t d accept\n\
         add table inet x\n\
         add rule ip x d accept\n"
    ));
    assert_eq!(
        errors,
        [
            "line 6: no such chain in table t: `nowhere`",
            "line 7: no such set or map in table t: `gone`",
            "line 8: `ct mark` is not modelled",
            "line 9: bad value `cali*` for `iif`",
            "line 10: a double quote is not closed",
            "line 11: cannot read `list ruleset`",
            "line 12: bad value `ip` for `family`",
            "line 13: family `inet` is not modelled",
            "line 14: no such table: `x`",
        ]
    );
    // The rule that is not modelled keeps its place.
    assert_eq!(rules.tables()["t"].chains["d"].rules.len(), 3);
}

#[test]
fn flush_and_delete_do_what_they_say() {
    let (rules, errors) = read(&format!(
        "{FRAME}add rule ip t d accept\nflush chain ip t d\ndelete set ip t s\n\
         destroy table ip other\nadd table ip other\ndelete table ip other\n"
    ));
    assert_eq!(errors, [""; 0]);
    let table = &rules.tables()["t"];
    assert!(table.chains["d"].rules.is_empty() && table.sets.is_empty());
    assert_eq!(rules.tables().len(), 1);
}

#[test]
fn the_recorded_texts_are_read_without_a_gap() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance/proxy");
    let (mut texts, mut rules_read) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let scenario = entry.unwrap().path();
        let text = std::fs::read_to_string(scenario.join("nftables.txt")).unwrap();
        let family = if text.starts_with("add table ip6 ") {
            IpFamily::IPv6
        } else {
            IpFamily::IPv4
        };
        let mut rules = Ruleset::new(family);
        let errors: Vec<String> = (rules.read(&text).iter())
            .map(|error| error.trouble.to_string())
            // nft itself refuses an interface index that is compared with a pattern.
            .filter(|error| error != "bad value `cali*` for `iif`")
            .collect();
        assert_eq!(errors, [""; 0], "{}", scenario.display());
        texts += 1;
        rules_read += rules.rules().count();
    }
    assert!(texts > 0 && rules_read > texts);
}

fn some_words() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "add",
        "flush",
        "delete",
        "table",
        "chain",
        "set",
        "map",
        "rule",
        "element",
        "ip",
        "ip6",
        "t",
        "c",
        "d",
        "{",
        "}",
        ",",
        ";",
        ":",
        ".",
        "type",
        "filter",
        "hook",
        "input",
        "priority",
        "-10",
        "dstnat",
        "saddr",
        "daddr",
        "@s",
        "!=",
        "10.0.0.0/8",
        "tcp",
        "dport",
        "80",
        "jump",
        "goto",
        "vmap",
        "@m",
        "numgen",
        "random",
        "mod",
        "0",
        "2",
        "mark",
        "and",
        "0x4000",
        "reject",
        "with",
        "dnat",
        "to",
        "10.0.0.1:80",
        "masquerade",
        "update",
        "ct",
        "state",
        "new",
        "fib",
        "local",
        "comment",
        "\"x y\"",
        "timeout",
        "3h",
        "meta",
        "l4proto",
    ]);
    prop_oneof![6 => known.prop_map(str::to_owned), 1 => ".{0,8}"]
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(lines in prop::collection::vec(
        prop::collection::vec(some_words(), 0..10), 0..12
    )) {
        let lines: Vec<String> = lines.iter().map(|words| words.join(" ")).collect();
        let text = format!("{FRAME}{}\nadd rule ip t d {}", lines.join("\n"), lines.join(" "));
        for family in [IpFamily::IPv4, IpFamily::IPv6] {
            let _ = Ruleset::new(family).read(&text);
        }
    }
}

/// What of a rule `nft -s list table` prints.
fn listed(rule: &str) -> String {
    let (rules, errors) = read(&format!("{FRAME}add rule ip t d {rule}\n"));
    assert_eq!(errors, [""; 0], "{rule}");
    let list = rules.list("t").unwrap();
    let (_, chain) = list.split_once("\tchain d {\n\t\t").unwrap();
    chain.split_once("\n\t}").unwrap().0.to_owned()
}

#[test]
fn rules_are_listed_as_nft_says_them() {
    for (written, wanted) in [
        ("tcp dport 80 accept", "tcp dport 80 accept"),
        (
            "meta l4proto tcp tcp dport 80 accept",
            "tcp dport 80 accept",
        ),
        ("meta l4proto udp accept", "meta l4proto udp accept"),
        (
            "reject with tcp reset",
            "meta l4proto tcp reject with tcp reset",
        ),
        ("reject with icmp port-unreachable", "reject"),
        (
            "reject with icmp type host-prohibited",
            "reject with icmp host-prohibited",
        ),
        (
            "ct state new,related,established accept",
            "ct state established,related,new accept",
        ),
        ("mark 0x1 drop", "meta mark 0x00000001 drop"),
        (
            "meta mark and 0x4000 != 0 return",
            "meta mark & 0x00004000 != 0x00000000 return",
        ),
        (
            "mark set mark or 0x1",
            "meta mark set meta mark | 0x00000001",
        ),
        (
            "mark set mark xor 0x1",
            "meta mark set meta mark ^ 0x00000001",
        ),
        (
            "mark set mark and 0x1",
            "meta mark set meta mark & 0x00000001",
        ),
        ("mark set 0x1", "meta mark set 0x00000001"),
        (
            "ip saddr { 10.0.0.4/31 , 10.0.0.9 , 10.0.0.6 , 10.0.0.7 , 10.0.0.8 } drop",
            "ip saddr { 10.0.0.4-10.0.0.9 } drop",
        ),
        (
            "ip saddr { 10.0.0.9 , 10.0.0.4 } drop",
            "ip saddr { 10.0.0.4, 10.0.0.9 } drop",
        ),
        ("ip saddr { 10.0.0.9 } drop", "ip saddr 10.0.0.9 drop"),
        (
            "tcp dport { 443 , 80-90 } counter log prefix \"a b\" level warn drop",
            "tcp dport { 80-90, 443 } counter log prefix \"a b\" level warn drop",
        ),
        (
            "iif lo oifname \"eth*\" accept",
            "iif \"lo\" oifname \"eth*\" accept",
        ),
        (
            "snat to 10.0.0.1-10.0.0.9:80-90 random,persistent",
            "snat to 10.0.0.1-10.0.0.9:80-90 random,persistent",
        ),
        (
            "masquerade to :80-90 fully-random",
            "masquerade to :80-90 fully-random",
        ),
        (
            "ip daddr vmap { 10.0.0.2 : drop , 10.0.0.1 : jump d }",
            "ip daddr vmap { 10.0.0.1 : jump d, 10.0.0.2 : drop }",
        ),
        ("goto d comment \"on\"", "goto d comment \"on\""),
    ] {
        assert_eq!(listed(written), wanted, "{written}");
    }
}

#[test]
fn what_is_not_modelled_is_listed_as_it_was_written() {
    let (rules, errors) = read(&format!(
        "{FRAME}add rule ip t d ip saddr 10.0.0.1 ct mark 0x1 accept comment \"a\"\n"
    ));
    assert_eq!(errors, ["line 6: `ct mark` is not modelled"]);
    let list = rules.list("t").unwrap();
    assert!(
        list.contains("\t\tip saddr 10.0.0.1 ct mark 0x1 accept comment \"a\"\n"),
        "{list}"
    );
}

#[test]
fn tables_are_listed_with_all_that_was_declared() {
    let (rules, errors) = read(
        "add table ip t\n\
         add chain ip t late { type filter hook prerouting priority dstnat + 5 ; policy drop ; }\n\
         add chain ip t a { type nat hook output priority -100 ; comment \"own\" ; }\n\
         add map ip t m { type ipv4_addr : verdict ; size 10 ; }\n\
         add set ip t s { type inet_service ; flags interval ; auto-merge ; }\n\
         add set ip t w { type ipv4_addr ; timeout 1d2h3m4s5ms ; comment \"who\" ; }\n\
         add element ip t s { 9, 8, 7, 6, 5, 4 }\n",
    );
    assert_eq!(errors, [""; 0]);
    assert_eq!(
        rules.list("t").as_deref(),
        Some(
            "table ip t {\n\
             \tmap m {\n\t\ttype ipv4_addr : verdict\n\t\tsize 10\n\t}\n\n\
             \tset s {\n\t\ttype inet_service\n\t\tflags interval\n\t\tauto-merge\n\
             \t\telements = { 4, 5, 6, 7, 8,\n\t\t\t     9 }\n\t}\n\n\
             \tset w {\n\t\ttype ipv4_addr\n\t\ttimeout 1d2h3m4s5ms\n\t\tcomment \"who\"\n\t}\n\n\
             \tchain late {\n\
             \t\ttype filter hook prerouting priority dstnat + 5; policy drop;\n\t}\n\n\
             \tchain a {\n\t\tcomment \"own\"\n\
             \t\ttype nat hook output priority -100; policy accept;\n\t}\n}\n"
        )
    );
    assert_eq!(rules.list("other"), None);
}

#[test]
fn a_set_is_searched_for_what_may_hold_a_number() {
    let (rules, errors) = read(&format!(
        "{FRAME}add element ip t s {{ 10.0.0.9 , 10.0.1.0/24 , 10.0.0.4/31 , 11.0.0.0/8 }}\n"
    ));
    assert_eq!(errors, [""; 0]);
    let set = &rules.tables()["t"].sets["s"];
    let found = |text: &str| {
        let address: std::net::IpAddr = text.parse().unwrap();
        let near = set.near(crate::netfilter::iptables::bits(address));
        near.iter()
            .any(|(value, _)| matches!(value, Value::Block(block) if block.holds(address)))
    };
    for (address, is) in [
        ("10.0.0.3", false),
        ("10.0.0.4", true),
        ("10.0.0.5", true),
        ("10.0.0.6", false),
        ("10.0.0.9", true),
        ("10.0.1.77", true),
        ("10.0.2.0", false),
        ("11.255.255.255", true),
        ("9.0.0.1", false),
    ] {
        assert_eq!(found(address), is, "{address}");
    }
}
