//! The lab in each mode of kube-proxy: rules, journeys, and what leads from one to the other.

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::cluster::{Command, Listening};
use lobby_engine::lab::{EXAMPLES, Lab, ProxySettings, Settings};
use lobby_engine::net::Protocol;
use lobby_engine::network::{Location, Request, VerdictKind};
use lobby_engine::proxy::{Mode, dump};

fn lab(mode: Mode, text: &str) -> Lab {
    let mut lab = Lab::new(Settings {
        proxy: ProxySettings {
            mode,
            ..ProxySettings::default()
        },
        ..Settings::default()
    });
    lab.open(text);
    lab
}

#[test]
fn every_example_ends_alike_in_each_mode() {
    for example in EXAMPLES {
        let ends: Vec<Option<VerdictKind>> = Mode::ALL
            .into_iter()
            .map(|mode| {
                let mut lab = lab(mode, example.text());
                let request = lab.suggestion()?;
                Some(lab.send(&request).unwrap().verdict.kind)
            })
            .collect();
        assert!(
            ends.iter().all(|end| *end == ends[0]),
            "{}: {ends:?}",
            example.id
        );
    }
}

#[test]
fn every_rule_that_a_journey_names_has_its_line() {
    for mode in Mode::ALL {
        for example in EXAMPLES {
            let mut lab = lab(mode, example.text());
            let Some(request) = lab.suggestion() else {
                continue;
            };
            let journey = lab.send(&request).unwrap();
            assert!(journey.doubts.is_empty(), "{mode}: {:?}", journey.doubts);
            for hop in &journey.hops {
                let Location::Node { name } = &hop.at else {
                    continue;
                };
                let rules = lab.rules(name).unwrap();
                for look in &hop.looks {
                    let line = rules.line(&look.at);
                    let line = line.unwrap_or_else(|| panic!("{mode}: {} has no line", look.at));
                    assert_eq!(line.at.as_ref(), Some(&look.at));
                    assert!(
                        !rules.explanation(&look.at).is_empty(),
                        "{mode}: {}",
                        look.at
                    );
                }
            }
        }
    }
}

#[test]
fn the_lines_are_all_that_kube_proxy_programs() {
    for mode in Mode::ALL {
        let lab = lab(mode, EXAMPLES[0].text());
        let rules = lab.rules("node-1").unwrap();
        let text: String = (rules.lines().iter())
            .filter(|line| !line.is_jump)
            .map(|line| line.text.clone() + "\n")
            .collect();
        assert_eq!(text, dump(rules.set()));
        assert_eq!(text, lab.dump_rules("node-1", mode).unwrap());
        let named = rules
            .lines()
            .iter()
            .filter(|line| line.at.is_some())
            .count();
        let all = rules.set().lines().len();
        assert_eq!(named, all, "{mode}: every rule is one line");
    }
}

/// What the picture says of a Node is what the list of its rules has, but for what IPVS mode keeps in
/// IPVS and in sets.
#[test]
fn a_nodes_rules_are_counted_as_they_are_listed() {
    let local = EXAMPLES[0].text().replace(
        "type: NodePort",
        "type: NodePort\n  externalTrafficPolicy: Local",
    );
    for text in [EXAMPLES[0].text(), &local] {
        for mode in Mode::ALL {
            let lab = lab(mode, text);
            for node in ["node-1", "node-2", "node-3"] {
                let rules = lab.rules(node).unwrap();
                let listed = rules.lines().iter().filter(|line| {
                    let added = ["-A ", "add rule "]
                        .iter()
                        .any(|word| line.text.starts_with(word));
                    line.at.is_some() && added && line.table != "ipvs"
                });
                assert_eq!(rules.count() as usize, listed.count(), "{mode}, {node}");
            }
        }
    }
}

#[test]
fn another_mode_begins_anew_in_the_same_world() {
    let mut lab = lab(Mode::Iptables, EXAMPLES[0].text());
    let request = lab.suggestion().unwrap();
    let first = lab.send(&request).unwrap();
    let scene = lab.scene();
    lab.set_proxy(ProxySettings {
        mode: Mode::Ipvs,
        ..ProxySettings::default()
    });
    let journey = lab.send(&request).unwrap();
    let by_ipvs = |at: &lobby_engine::netfilter::RuleAt| at.table == "ipvs";
    assert!(
        journey
            .hops
            .iter()
            .any(|hop| hop.decided_by.as_ref().is_some_and(by_ipvs))
    );
    assert_eq!(lab.scene().wings.len(), scene.wings.len());
    lab.set_proxy(ProxySettings::default());
    assert_eq!(lab.send(&request).unwrap(), first);
}

#[test]
fn a_scheduler_that_is_not_modelled_is_named_in_the_journey() {
    let mut lab = lab(Mode::Ipvs, EXAMPLES[0].text());
    lab.set_proxy(ProxySettings {
        mode: Mode::Ipvs,
        ipvs_scheduler: "lblc".to_owned(),
        ..ProxySettings::default()
    });
    let request = lab.suggestion().unwrap();
    let journey = lab.send(&request).unwrap();
    assert!(journey.served.is_none(), "nobody is guessed");
    let doubt = journey.doubts[0].cluster.text();
    assert!(doubt.contains("scheduler `lblc`"), "{doubt}");
}

#[test]
fn a_node_port_does_not_answer_on_the_loopback_but_in_iptables_mode() {
    for mode in Mode::ALL {
        let mut lab = lab(mode, EXAMPLES[0].text());
        let port = lab
            .world()
            .store
            .services()
            .flat_map(|service| &service.spec.ports)
            .map(|port| port.node_port)
            .find(|&port| port > 0)
            .unwrap();
        let journey = lab
            .send(&Request {
                from: "node/node-1".to_owned(),
                to: format!("127.0.0.1:{port}"),
                protocol: Protocol::Tcp,
            })
            .unwrap();
        let expected = match mode {
            Mode::Iptables => VerdictKind::Answered,
            Mode::Ipvs | Mode::Nftables => VerdictKind::Refused,
        };
        assert_eq!(journey.verdict.kind, expected, "{mode}");
    }
}

const DNS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {app: dns}}
spec: {containers: [{name: dns, image: dns, ports: [{containerPort: 5353, protocol: UDP}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: client, image: client}]}
---
apiVersion: v1
kind: Service
metadata: {name: dns}
spec: {clusterIP: 10.96.0.77, selector: {app: dns}, ports: [{port: 53, targetPort: 5353, protocol: UDP}]}
";

#[test]
fn a_udp_client_is_moved_on_when_its_endpoint_goes() {
    for mode in Mode::ALL {
        let mut lab = lab(mode, &DNS.replace("NAME", "old"));
        let request = Request {
            from: "pod/client".to_owned(),
            to: "10.96.0.77:53".to_owned(),
            protocol: Protocol::Udp,
        };
        let served = |lab: &mut Lab| {
            let journey = lab.send_keep_alive(&request).unwrap();
            let source = journey.hops[0].after.from_text();
            (journey.served.and_then(|served| served.pod), source)
        };
        let (pod, source) = served(&mut lab);
        assert_eq!(pod.as_deref(), Some("default/old"), "{mode}");
        assert_eq!(served(&mut lab), (pod, source.clone()), "{mode}");
        lab.edit(&DNS.replace("NAME", "new"));
        // The same socket of the same client: without kube-proxy's cleaning it would be stuck.
        let (pod, again) = served(&mut lab);
        assert_eq!(
            (pod.as_deref(), again),
            (Some("default/new"), source),
            "{mode}"
        );
    }
}

#[test]
fn time_passes_with_requests() {
    let mut lab = lab(Mode::Iptables, EXAMPLES[0].text());
    let request = lab.suggestion().unwrap();
    let start = lab.now_ms();
    assert_eq!(start, lab.cluster().now(), "one clock");
    lab.send(&request).unwrap();
    assert_eq!(lab.now_ms(), start + 10);
    let tally = lab.send_many(&request, 600).unwrap();
    let answered: u32 = (tally.shares.iter())
        .filter(|share| share.kind == VerdictKind::Answered)
        .map(|share| share.count)
        .sum();
    assert_eq!(answered, 600);
    assert_eq!(lab.now_ms(), start + 1_210);
    lab.advance(800);
    assert_eq!(lab.now_ms(), start + 2_010);
    assert_eq!(lab.now_ms(), lab.cluster().now());
}

#[test]
fn what_is_due_happens_while_requests_are_under_way() {
    let mut lab = lab(Mode::Iptables, EXAMPLES[0].text());
    let request = lab.suggestion().unwrap();
    let pods: Vec<_> = lab.world().store.pods().cloned().collect();
    for pod in pods
        .iter()
        .filter(|pod| pod.metadata.namespace == "default")
    {
        let pod = ObjectRef::new(Kind::Pod, &pod.metadata.namespace, &pod.metadata.name);
        let ready = Some(false);
        lab.execute(&Command::SetReady { pod, ready }).unwrap();
    }
    // The rules are those of before, until kube-proxy has seen it.
    assert_eq!(
        lab.send(&request).unwrap().verdict.kind,
        VerdictKind::Answered
    );
    assert!(lab.cluster().next_event().is_some());
    lab.send_many(&request, 2_000).unwrap();
    assert_eq!(
        lab.send(&request).unwrap().verdict.kind,
        VerdictKind::Refused
    );
    // What is taken back makes nobody younger.
    let now = lab.now_ms();
    while lab.undo() {}
    assert!(lab.cluster().now() < now);
    assert!(lab.now_ms() >= now);
    assert_eq!(
        lab.send(&request).unwrap().verdict.kind,
        VerdictKind::Answered
    );
}

#[test]
fn a_process_that_listens_on_the_loopback_only_is_not_reached() {
    let mut lab = lab(Mode::Iptables, EXAMPLES[0].text());
    let request = lab.suggestion().unwrap();
    assert!(lab.send(&request).unwrap().served.is_some());
    let pods: Vec<_> = lab.world().store.pods().cloned().collect();
    for pod in &pods {
        let name = ObjectRef::new(Kind::Pod, &pod.metadata.namespace, &pod.metadata.name);
        let listening = Listening::LocalhostOnly;
        lab.execute(&Command::SetListening {
            pod: name,
            listening,
        })
        .unwrap();
    }
    let journey = lab.send(&request).unwrap();
    assert_eq!(journey.verdict.kind, VerdictKind::Refused);
    let why = journey.hops[journey.hops.len() - 3..]
        .iter()
        .map(|hop| hop.why.cluster.text())
        .collect::<String>();
    assert!(why.contains("listens on 127.0.0.1"), "{journey}");
    let next = journey.verdict.next.unwrap().cluster.text();
    assert!(next.contains("0.0.0.0"), "{next}");
    for pod in &pods {
        let name = ObjectRef::new(Kind::Pod, &pod.metadata.namespace, &pod.metadata.name);
        let listening = Listening::Everywhere;
        lab.execute(&Command::SetListening {
            pod: name,
            listening,
        })
        .unwrap();
    }
    assert_eq!(
        lab.send(&request).unwrap().verdict.kind,
        VerdictKind::Answered
    );
}
