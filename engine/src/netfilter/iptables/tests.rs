//! Rule text from every source, held against what the tools and the kernel make of it.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::net::IpFamily;

mod others;

fn load(text: &str) -> Tables {
    let mut tables = Tables::new(IpFamily::IPv4);
    assert_eq!(tables.restore(text, Before::Flush), []);
    tables
}

fn troubles(text: &str) -> Vec<String> {
    Tables::new(IpFamily::IPv4)
        .restore(text, Before::Flush)
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// The only rule of the text's chain FORWARD.
fn rule(text: &str) -> Rule {
    let tables = load(&format!("*filter\n:X - [0:0]\n-A FORWARD {text}\nCOMMIT\n"));
    tables
        .table("filter")
        .unwrap()
        .chain("FORWARD")
        .unwrap()
        .rules[0]
        .clone()
}

#[test]
fn what_kube_proxy_writes_and_what_iptables_save_prints_are_the_same_rule() {
    let pairs = [
        (
            r#"-m comment --comment "a/b:c cluster IP" -m tcp -p tcp -d 10.96.0.10 --dport 53 -j X"#,
            r#"-d 10.96.0.10/32 -p tcp -m comment --comment "a/b:c cluster IP" -m tcp --dport 53 -j X"#,
        ),
        (
            "-m mark ! --mark 0x00004000/0x00004000 -j RETURN",
            "-m mark ! --mark 0x4000/0x4000 -j RETURN",
        ),
        (
            "-j MARK --or-mark 0x00004000",
            "-j MARK --set-xmark 0x4000/0x4000",
        ),
        (
            "-j MARK --xor-mark 0x00004000",
            "-j MARK --set-xmark 0x4000/0x0",
        ),
        (
            "-m recent --name L --rcheck --seconds 10800 --reap -j X",
            "-m recent --rcheck --seconds 10800 --reap --name L --mask 255.255.255.255 --rsource -j X",
        ),
        (
            "-m statistic --mode random --probability 0.3333333333 -j X",
            "-m statistic --mode random --probability 0.33333333349 -j X",
        ),
        ("-j REJECT", "-j REJECT --reject-with icmp-port-unreachable"),
        ("-p udp --dport 53 -j X", "-p udp -m udp --dport 53 -j X"),
        ("-s 10.0.0.0/255.255.0.0 -j X", "-s 10.0.0.0/16 -j X"),
        (
            "-m state --state NEW,RELATED -j X",
            "-m conntrack --ctstate NEW,RELATED -j X",
        ),
    ];
    for (one, other) in pairs {
        let (one, other) = (rule(one), rule(other));
        assert_eq!(one.tests, other.tests);
        assert_eq!(one.target, other.target);
        assert_eq!(one.comment, other.comment);
    }
}

#[test]
fn what_is_not_modelled_is_named_with_its_line_and_never_matches_by_itself() {
    let text = "*filter\n\
        :INPUT ACCEPT [0:0]\n\
        -A INPUT -m owner --uid-owner 0 -j ACCEPT\n\
        -A INPUT -s 10.0.0.1 -m foo --bar 1 --baz -p tcp -j DROP\n\
        -A INPUT -j NFQUEUE --queue-num 3\n\
        COMMIT\n";
    assert_eq!(
        troubles(text),
        [
            "line 3: match module `owner` is not modelled",
            "line 4: match module `foo` is not modelled",
            "line 5: target `NFQUEUE` is not modelled",
        ]
    );
    let mut tables = Tables::new(IpFamily::IPv4);
    tables.restore(text, Before::Flush);
    let rules: Vec<String> = tables.rules().map(|entry| entry.at().to_string()).collect();
    assert_eq!(
        rules,
        ["filter INPUT 1", "filter INPUT 2", "filter INPUT 3"]
    );
    let second = &tables
        .table("filter")
        .unwrap()
        .chain("INPUT")
        .unwrap()
        .rules[1];
    assert_eq!(second.target, Target::Drop);
    assert!(
        second
            .tests
            .iter()
            .any(|t| matches!(t.what, What::Protocol(6)))
    );
    assert!(
        second
            .tests
            .iter()
            .any(|t| matches!(t.what, What::NotModelled(_)))
    );
}

#[test]
fn mistakes_have_their_line_and_the_rest_is_read() {
    assert_eq!(
        troubles(
            "-A INPUT -j ACCEPT\n*nat\n-A NOWHERE -j ACCEPT\n-A OUTPUT -j GONE\n-A OUTPUT --dport\n\
             -A OUTPUT -s 1.2.3.4.5 -j ACCEPT\n-A OUTPUT -m comment --comment \"x\n# fine\n\nCOMMIT\n"
        ),
        [
            "line 1: no table: a `*table` line must come first",
            "line 3: no such chain in table nat: `NOWHERE`",
            "line 4: no such chain in table nat: `GONE`",
            "line 5: unknown option `--dport`",
            "line 6: bad value `1.2.3.4.5` for `-s`",
            "line 7: a double quote is not closed",
        ]
    );
    assert_eq!(
        troubles("*nat\n:A - [0:0]\n:B - [0:0]\n-A A -j B\n-A B -g A\nCOMMIT\n"),
        ["line 5: jumps from chain `A` lead back to it"]
    );
}

#[test]
fn noflush_empties_only_the_chains_that_it_declares() {
    let mut tables = load("*nat\n:A - [0:0]\n:B - [0:0]\n-A A -j ACCEPT\n-A B -j ACCEPT\nCOMMIT\n");
    assert_eq!(
        tables.restore("*nat\n:A - [0:0]\nCOMMIT\n", Before::Keep),
        []
    );
    let nat = tables.table("nat").unwrap();
    assert_eq!(nat.chain("A").unwrap().rules.len(), 0);
    assert_eq!(nat.chain("B").unwrap().rules.len(), 1);
    assert_eq!(
        tables.restore("*nat\n:A - [0:0]\nCOMMIT\n", Before::Flush),
        []
    );
    assert!(tables.table("nat").unwrap().chain("B").is_none());
    assert_eq!(
        tables.restore("*nat\n:A - [0:0]\n-X A\nCOMMIT\n", Before::Keep),
        []
    );
    assert!(tables.table("nat").unwrap().chain("A").is_none());
}

#[test]
fn calls_insert_at_the_head_and_ensuring_twice_changes_nothing() {
    let mut tables = Tables::new(IpFamily::IPv4);
    let calls = [
        "-t filter -N ONE",
        "-t filter -I INPUT -m conntrack --ctstate NEW -j ONE",
        "iptables -w 5 -I INPUT -m comment --comment \"health checks\" -j ACCEPT",
        "-t filter -N ONE",
        "-t filter -I INPUT -m conntrack --ctstate NEW -j ONE",
    ];
    for (number, call) in (1..).zip(calls) {
        tables.ensure(call, number).unwrap();
    }
    let input = tables.table("filter").unwrap().chain("INPUT").unwrap();
    let targets: Vec<&Target> = input.rules.iter().map(|rule| &rule.target).collect();
    assert_eq!(targets, [&Target::Accept, &Target::Jump("ONE".to_owned())]);
    assert_eq!(
        input.rules[0].source,
        Source {
            text: SourceText::Call,
            line: 3
        }
    );
    assert_eq!(
        tables.call("-N ONE", 6).unwrap_err().to_string(),
        "line 6: chain `ONE` exists already"
    );
    tables
        .call(
            "-D INPUT -j ACCEPT -m comment --comment \"health checks\"",
            7,
        )
        .unwrap();
    tables.call("-D INPUT 1", 8).unwrap();
    tables.call("-X ONE", 9).unwrap();
    assert_eq!(tables.rules().count(), 0);
    assert!(tables.call("-A INPUT -j ONE", 10).is_err());
}

#[test]
fn lists_of_addresses_become_a_rule_each() {
    let tables = load("*filter\n-A INPUT -s 10.0.0.1,10.0.0.2 -d 10.1.0.0/16 -j DROP\nCOMMIT\n");
    assert_eq!(tables.rules().count(), 2);
}

#[test]
fn a_diagnostic_marks_the_whole_line() {
    let text = "*nat\n-A PREROUTING -j GONE\nCOMMIT\n";
    let errors = Tables::new(IpFamily::IPv4).restore(text, Before::Flush);
    let diagnostic = errors[0].to_diagnostic(text);
    let span = diagnostic.span.unwrap();
    assert_eq!(
        (span.start.offset, span.start.line, span.start.column),
        (5, 2, 1)
    );
    assert_eq!(
        &text[span.start.offset as usize..span.end.offset as usize],
        "-A PREROUTING -j GONE"
    );
}

fn scenarios() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance/proxy");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

/// The tests of a rule without regard to their order, which the tools change.
fn shape(rule: &Rule) -> (Vec<String>, Target, Option<String>) {
    let mut tests: Vec<String> = rule.tests.iter().map(|test| format!("{test:?}")).collect();
    tests.sort();
    (tests, rule.target.clone(), rule.comment.clone())
}

#[test]
fn the_recorded_texts_are_read_without_a_gap_and_both_say_the_same() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance/iptables-top.txt");
    let top = std::fs::read_to_string(top).unwrap();
    let (mut written, mut compared) = (0, 0);
    for scenario in scenarios() {
        let text = std::fs::read_to_string(scenario.join("iptables.txt")).unwrap();
        let config = std::fs::read_to_string(scenario.join("config.yaml")).unwrap();
        let family = if config.contains("ipFamily: IPv6") {
            IpFamily::IPv6
        } else {
            IpFamily::IPv4
        };
        let mut tables = Tables::new(family);
        for (number, call) in (1..).zip(top.lines()) {
            tables.ensure(call, number).unwrap();
        }
        assert_eq!(
            tables.restore(&text, Before::Keep),
            [],
            "{}",
            scenario.display()
        );
        written += 1;
        let Ok(saved) = std::fs::read_to_string(scenario.join("iptables-save.txt")) else {
            continue;
        };
        let mut printed = Tables::new(family);
        assert_eq!(
            printed.restore(&saved, Before::Flush),
            [],
            "{}",
            scenario.display()
        );
        for name in ["nat", "filter"] {
            for chain in tables.table(name).unwrap().chains() {
                let other = printed.table(name).unwrap().chain(&chain.name);
                let other: Vec<_> = other
                    .map_or(&[][..], |chain| &chain.rules)
                    .iter()
                    .map(shape)
                    .collect();
                let own: Vec<_> = chain.rules.iter().map(shape).collect();
                assert_eq!(own, other, "{} {name} {}", scenario.display(), chain.name);
            }
        }
        compared += 1;
    }
    assert!(written > 0 && compared > 0);
}

/// Words of which rules are made, so that random lines get further than the first word.
fn some_words() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "*nat",
        "*filter",
        "COMMIT",
        ":A - [0:0]",
        ":INPUT DROP [0:0]",
        "-A INPUT",
        "-A A",
        "-I A 1",
        "-D A",
        "-X A",
        "-N A",
        "-j A",
        "-j ACCEPT",
        "-g A",
        "-j DNAT --to-destination",
        "-j MARK",
        "--or-mark",
        "-m tcp",
        "-p tcp",
        "--dport",
        "80",
        "80:90",
        "-m statistic --mode random",
        "--probability",
        "0.5",
        "-m recent",
        "--set",
        "--rcheck",
        "--name",
        "-s",
        "!",
        "10.0.0.0/8",
        "fd00::/8",
        "-m conntrack",
        "--ctstate",
        "NEW",
        "-m multiport --ports",
        "1,2:3",
        "-m set",
        "--comment",
        "\"a b\"",
        "\"",
        "\\",
        "-m limit --limit 5/min",
        "-i eth+",
        "[1:2]",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => ".{0,12}"]
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(lines in prop::collection::vec(
        prop::collection::vec(some_words(), 0..8), 0..20
    )) {
        let text: Vec<String> = lines.iter().map(|words| words.join(" ")).collect();
        let text = text.join("\n");
        for family in [IpFamily::IPv4, IpFamily::IPv6] {
            let mut tables = Tables::new(family);
            for error in tables.restore(&text, Before::Keep) {
                let _ = error.to_diagnostic(&text);
            }
            for line in text.lines() {
                let _ = tables.call(line, 1);
            }
        }
    }

    #[test]
    fn a_rule_read_from_its_own_text_is_the_same_rule(words in prop::collection::vec(some_words(), 1..8)) {
        let line = format!("*filter\n:A - [0:0]\n-A INPUT {}\nCOMMIT\n", words.join(" "));
        let mut tables = Tables::new(IpFamily::IPv4);
        tables.restore(&line, Before::Flush);
        let texts: Vec<String> = tables.rules().map(|entry| entry.rule.text.clone()).collect();
        if let [text] = &texts[..] {
            let again = format!("*filter\n:A - [0:0]\n{text}\nCOMMIT\n");
            let mut other = Tables::new(IpFamily::IPv4);
            other.restore(&again, Before::Flush);
            prop_assert!(tables.rules().map(|entry| &entry.rule.tests).eq(other.rules().map(|entry| &entry.rule.tests)));
        }
    }
}

#[test]
fn sets_and_ipvs_are_read_as_tests() {
    let set = rule("-m set ! --match-set A dst,src -j X");
    assert_eq!(
        set.tests,
        [Test {
            invert: true,
            what: What::Set("A".to_owned(), vec![SetSide::Destination, SetSide::Source]),
        }]
    );
    let ipvs = rule("-m ipvs --vaddr 10.96.0.1 --vproto tcp --vport 80 -j X");
    let whats: Vec<&What> = ipvs.tests.iter().map(|test| &test.what).collect();
    assert!(matches!(
        whats[..],
        [
            What::VirtualAddress(_),
            What::VirtualProtocol(6),
            What::VirtualPort(80)
        ]
    ));
    assert_eq!(
        troubles(
            "*filter\n-A INPUT -m set --match-set A up -j DROP\n-A INPUT -m ipvs --vdir REPLY\nCOMMIT\n"
        ),
        [
            "line 2: bad value `up` for `--match-set`",
            "line 3: `--vdir` of match module `ipvs` is not modelled",
        ]
    );
}
