//! Any line that a person may type: no panic, no hang, and undo takes back what it did.

use std::time::{Duration, Instant};

use lobby_engine::lab::{EXAMPLES, Lab, Settings};
use proptest::prelude::*;

/// The longest that a line may take on a slow machine, in a build that is not optimised.
const PATIENCE: Duration = Duration::from_secs(20);

fn lab() -> Lab {
    let mut lab = Lab::new(Settings::default());
    assert!(lab.open(EXAMPLES[0].text()).applied);
    lab
}

/// Words that lines are made of, and some that are in none.
fn word() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "-A",
        "-n",
        "default",
        "-o",
        "yaml",
        "json",
        "wide",
        "-l",
        "app=backend",
        "--all",
        "-w",
        "--force",
        "--grace-period=0",
        "--wait=false",
        "--timeout=3s",
        "--replicas=0",
        "--recursive",
        "--rm",
        "-it",
        "--image=alpine",
        "--",
        "-f",
        "-",
        "-c",
        "3",
        "0",
        "-1",
        "99999999999999999999",
        "all",
        "svc",
        "pods",
        "nodes",
        "svc.spec.ports",
        "deploy/backend",
        "backend-service",
        "node-1",
        "10.96.0.1",
        "http://backend-service:8080",
        "kube-dns.kube-system",
        "tcp",
        "--count=3",
        "external",
        "/etc/resolv.conf",
        "-sS",
        "-v",
        "-qO-",
        "+short",
        "-t",
        "nat",
        "-L",
        "-E",
        "(a*)*",
        "a{2,",
        "[",
        "s/a/b/g",
        "{print $1}",
        "/x/",
        ".items[0]",
        "''",
        "\"a b\"",
    ]);
    prop_oneof![
        9 => known.prop_map(str::to_owned),
        1 => "[!-~äß€]{0,10}",
    ]
}

fn command() -> impl Strategy<Value = String> {
    let verb = prop::sample::select(vec![
        "kubectl get",
        "kubectl describe",
        "kubectl delete",
        "kubectl delete pods --all",
        "kubectl create deployment x",
        "kubectl expose deployment",
        "kubectl scale",
        "kubectl label",
        "kubectl patch",
        "kubectl apply",
        "kubectl rollout status",
        "kubectl rollout restart",
        "kubectl run p",
        "kubectl exec",
        "kubectl logs",
        "kubectl port-forward",
        "kubectl drain",
        "kubectl explain",
        "kubectl explain svc",
        "kubectl config",
        "kubectl debug",
        "k",
        "lab",
        "lab send",
        "lab advance",
        "lab settle",
        "lab mode",
        "curl",
        "wget",
        "nslookup",
        "dig",
        "host",
        "ping",
        "nc",
        "cat",
        "ip",
        "ss",
        "iptables-save",
        "iptables",
        "nft list ruleset",
        "ipvsadm",
        "ipset list",
        "conntrack",
        "watch",
        "help",
        "clear",
        "history",
        "exit",
        "",
    ]);
    (verb, prop::collection::vec(word(), 0..5))
        .prop_map(|(verb, words)| format!("{verb} {}", words.join(" ")))
}

fn filter() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "grep", "egrep", "sed", "awk", "head", "tail", "wc", "sort", "uniq", "tr", "cut", "jq",
        "column", "nl", "base64", "tee", "xargs", "cat",
    ]);
    (name, prop::collection::vec(word(), 0..3))
        .prop_map(|(name, words)| format!(" | {name} {}", words.join(" ")))
}

fn line() -> impl Strategy<Value = String> {
    let end = prop::sample::select(vec![
        "",
        " && ",
        "; ",
        " || ",
        " 2>/dev/null",
        " > f",
        " <<EOF\na: b\nEOF\n",
    ]);
    let part = (command(), prop::collection::vec(filter(), 0..2), end)
        .prop_map(|(command, filters, end)| command + &filters.concat() + end);
    prop::collection::vec(part, 1..3).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_time: 60_000, ..ProptestConfig::default() })]

    #[test]
    fn no_line_is_a_panic_or_takes_for_ever(lines in prop::collection::vec(line(), 1..4)) {
        let mut lab = lab();
        for line in &lines {
            let start = Instant::now();
            let _ = lab.complete(line, line.len());
            let output = lab.run(line);
            // Who fails says why, but for what says it by its exit code alone.
            let is_quiet = output.exit_code == 0 || line.contains("2>/dev/null") || line.contains('|');
            let words = ["grep", "false", "-sS", "-q", "conntrack", "nc", ">"];
            let may_be = words.iter().any(|word| line.contains(word));
            prop_assert!(is_quiet || may_be || !output.text().is_empty(), "{line}");
            let _ = lab.poll();
            lab.interrupt();
            prop_assert!(start.elapsed() < PATIENCE, "{line}: {:?}", start.elapsed());
        }
        // Taken back step by step, it is the world of the beginning.
        while lab.undo() {}
        let first = self::lab();
        prop_assert!(lab.cluster().store() == first.cluster().store(), "{lines:#?}");
    }
}
