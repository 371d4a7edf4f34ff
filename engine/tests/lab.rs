//! Whole journeys through the lab: what a newcomer does, from a text to a verdict.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its helpers find nothing"
)]

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::diagnostic::Severity;
use lobby_engine::lab::{DEFAULT_SEED, EXAMPLES, Entrance, Lab, RoomState, Settings};
use lobby_engine::net::Protocol;
use lobby_engine::network::{Change, Journey, Request, Step, VerdictKind};

fn lab(text: &str) -> Lab {
    let mut lab = Lab::new(Settings::default());
    let outcome = lab.open(text);
    let errors: Vec<_> = outcome
        .diagnostics
        .iter()
        .filter(|d| d.is_error())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    lab
}

fn example(id: &str) -> &'static str {
    EXAMPLES
        .iter()
        .find(|example| example.id == id)
        .unwrap()
        .text()
}

fn send_suggested(lab: &mut Lab) -> Journey {
    let request = lab.suggestion().unwrap();
    lab.send(&request).unwrap()
}

fn request(from: &str, to: &str) -> Request {
    Request {
        from: from.into(),
        to: to.into(),
        protocol: Protocol::Tcp,
    }
}

#[test]
fn the_first_example_crosses_the_hotel_in_seven_hops() {
    let mut lab = lab(EXAMPLES[0].text());
    let journey = send_suggested(&mut lab);
    assert_eq!(journey.verdict.kind, VerdictKind::Answered);
    let steps: Vec<_> = journey.hops.iter().map(|hop| hop.step).collect();
    assert_eq!(
        steps,
        [
            Step::Send,
            Step::Enter,
            Step::Nat,
            Step::Route,
            Step::Deliver,
            Step::Unnat,
            Step::Reply
        ]
    );
    assert_eq!(journey.hops[2].changes, [Change::Dnat, Change::Snat]);
    // The reply comes from where the client sent to, or the client would not know it.
    let first = &journey.hops[0].after;
    let last = &journey.hops[6].after;
    assert_eq!(last.from_text(), first.to_text());
    assert_eq!(last.to_text(), first.from_text());
}

#[test]
fn every_example_gives_what_its_title_says() {
    for example in EXAMPLES
        .iter()
        .filter(|example| example.id != "lost-indentation")
    {
        let mut lab = lab(example.text());
        let verdict = send_suggested(&mut lab).verdict.kind;
        let expected = if example.title.starts_with("Refused") {
            VerdictKind::Refused
        } else {
            VerdictKind::Answered
        };
        assert_eq!(verdict, expected, "{}", example.id);
    }
}

#[test]
fn lost_indentation_is_recognised_and_repaired_on_request() {
    let mut lab = Lab::new(Settings::default());
    let outcome = lab.open(example("lost-indentation"));
    let repaired = outcome.offer.clone().unwrap();
    assert!(
        lab.suggestion().is_none(),
        "nothing is applied before the person asks for it"
    );

    let outcome = lab.edit(&repaired);
    assert!(outcome.applied && outcome.offer.is_none(), "{outcome:#?}");
    assert_eq!(send_suggested(&mut lab).verdict.kind, VerdictKind::Answered);
}

#[test]
fn a_selector_that_matches_nothing_is_refused_by_a_rule_that_leads_to_the_selector() {
    let mut lab = lab(example("wrong-selector"));
    let journey = send_suggested(&mut lab);
    let cause = journey.verdict.cause.unwrap();
    let (node, rule) = cause.rule.unwrap();
    let rules = lab.rules(&node).unwrap();
    let text = &rules.line(&rule).unwrap().text;
    assert!(
        text.contains("has no endpoints") && text.contains("REJECT"),
        "{text}"
    );
    assert!(rules.explanation(&rule).contains("no usable endpoint"));
    let origin = cause.origin.unwrap();
    let place = lab.place(&origin).unwrap();
    let written = example("wrong-selector")
        .lines()
        .nth(place.start.line as usize - 1)
        .unwrap();
    assert!(
        written.contains("selector") || written.contains("name:"),
        "{origin:?}: {written}"
    );
    let desk = lab
        .scene()
        .desks
        .into_iter()
        .find(|desk| !desk.of_the_cluster)
        .unwrap();
    assert!(
        desk.missing
            .unwrap()
            .cluster
            .text()
            .contains("app: front-end")
    );
}

#[test]
fn a_pod_that_does_not_listen_refuses_by_itself() {
    let mut lab = lab(example("wrong-target-port"));
    let journey = send_suggested(&mut lab);
    assert_eq!(journey.verdict.kind, VerdictKind::Refused);
    assert_eq!(
        journey.verdict.cause.and_then(|cause| cause.rule),
        None,
        "no rule refused it"
    );
}

#[test]
fn the_same_seed_gives_the_same_journey_and_seeds_reach_every_pod() {
    let run = |seed| {
        let mut lab = Lab::new(Settings {
            seed,
            ..Settings::default()
        });
        lab.open(example("clusterip"));
        let journey = send_suggested(&mut lab);
        (serde_json::to_string(&journey).unwrap(), journey)
    };
    assert_eq!(run(DEFAULT_SEED).0, run(DEFAULT_SEED).0);
    let mut pods: Vec<String> = (0..40)
        .map(|seed| {
            let journey = run(seed).1;
            let room = journey
                .hops
                .iter()
                .find(|hop| hop.step == Step::Deliver)
                .unwrap();
            room.after.dst.to_string()
        })
        .collect();
    pods.sort();
    pods.dedup();
    assert_eq!(pods.len(), 3);
}

#[test]
fn a_cluster_ip_is_not_reached_from_outside() {
    let mut lab = lab(example("clusterip"));
    let service = lab
        .world()
        .store
        .service("default", "backend-service")
        .unwrap();
    let to = format!("{}:8080", service.spec.cluster_ip);
    let journey = lab.send(&request("external", &to)).unwrap();
    assert_eq!(journey.verdict.kind, VerdictKind::TimedOut);
}

#[test]
fn a_text_that_cannot_be_read_leaves_the_world_as_it_was_and_names_the_line() {
    let mut lab = lab(example("nodeport"));
    let before = lab.scene();
    let broken = example("nodeport").replacen("  type: NodePort", "  type: NodePort: x", 1);
    let outcome = lab.edit(&broken).clone();
    assert!(!outcome.applied);
    assert_eq!(outcome.diagnostics[0].span.unwrap().start.line, 6);
    assert_eq!(lab.scene(), before);
    assert_eq!(send_suggested(&mut lab).verdict.kind, VerdictKind::Answered);
}

#[test]
fn an_object_that_is_refused_stays_as_it_was_while_others_change() {
    let mut lab = lab(example("nodeport"));
    let changed = example("nodeport")
        .replacen("nodePort: 30080", "nodePort: 80", 1)
        .replacen("replicas: 2", "replicas: 3", 1);
    let outcome = lab.edit(&changed).clone();
    assert!(outcome.applied);
    let error = outcome
        .diagnostics
        .iter()
        .find(|d| d.severity == Severity::Error)
        .unwrap();
    assert!(
        error
            .message
            .contains("provided port is not in the valid range"),
        "{}",
        error.message
    );
    assert_eq!(error.span.unwrap().start.line, 12);
    let service = lab
        .world()
        .store
        .service("default", "frontend-service")
        .unwrap();
    assert_eq!(service.spec.ports[0].node_port, 30080);
    assert_eq!(lab.scene().rooms.len(), 3);
}

#[test]
fn an_edit_moves_nothing_that_it_did_not_change() {
    let mut lab = lab(example("nodeport"));
    let before = lab.scene();
    let more = example("nodeport").replacen("replicas: 2", "replicas: 4", 1);
    lab.edit(&more);
    let after = lab.scene();
    for room in &before.rooms {
        let same = after
            .rooms
            .iter()
            .find(|other| other.pod == room.pod)
            .unwrap();
        assert_eq!(same, room);
    }
    assert_eq!(after.rooms.len(), 4);
    assert_eq!(after.desks[0].address, before.desks[0].address);
}

#[test]
fn an_unready_pod_gets_no_traffic_and_its_light_goes_out() {
    let mut lab = lab(example("nodeport"));
    let pods: Vec<ObjectRef> = lab.scene().rooms.into_iter().map(|room| room.pod).collect();
    lab.set_ready(&pods[0], false);
    let scene = lab.scene();
    let dark = scene.rooms.iter().find(|room| room.pod == pods[0]).unwrap();
    assert_eq!(dark.state, RoomState::NotReady);
    for seed in 0..10 {
        lab.set_seed(seed);
        let scene = lab.scene();
        let Some(dark) = scene
            .rooms
            .iter()
            .find(|room| room.state == RoomState::NotReady)
        else {
            continue;
        };
        let journey = send_suggested(&mut lab);
        let room = journey
            .hops
            .iter()
            .find(|hop| hop.step == Step::Deliver)
            .unwrap();
        assert_ne!(room.after.dst.to_string(), dark.address);
    }
    lab.set_seed(DEFAULT_SEED);
    for pod in &pods {
        lab.set_ready(pod, false);
    }
    assert_eq!(send_suggested(&mut lab).verdict.kind, VerdictKind::Refused);
}

#[test]
fn a_load_balancer_is_pending_and_its_node_port_answers() {
    let mut lab = lab(example("loadbalancer"));
    let desk = lab
        .scene()
        .desks
        .into_iter()
        .find(|desk| !desk.of_the_cluster)
        .unwrap();
    assert!(matches!(desk.entrance, Entrance::Pending { .. }));
    assert_eq!(send_suggested(&mut lab).verdict.kind, VerdictKind::Answered);
}

#[test]
fn lines_of_the_text_lead_to_what_they_made() {
    let lab = lab(example("nodeport"));
    let line = |needle: &str| {
        let index = example("nodeport")
            .lines()
            .position(|line| line.contains(needle))
            .unwrap();
        lab.objects_at(u32::try_from(index).unwrap() + 1)
    };
    let selector = line("    app: frontend");
    assert_eq!(
        selector[0],
        ObjectRef::new(Kind::Service, "default", "frontend-service")
    );
    assert_eq!(
        selector
            .iter()
            .filter(|object| object.kind == Kind::Pod)
            .count(),
        2
    );
    let replicas = line("replicas: 2");
    assert_eq!(
        replicas[0],
        ObjectRef::new(Kind::Deployment, "default", "frontend")
    );
    assert_eq!(replicas.len(), 3);
}

#[test]
fn a_client_or_target_that_is_not_there_is_an_error_with_words() {
    let mut lab = lab(example("nodeport"));
    for (from, to) in [
        ("pod/nobody", "node-1:30080"),
        ("node/node-9", "node-1:30080"),
        ("somebody", "node-1:30080"),
        ("external", ""),
        ("external", "node-1:99999"),
        ("external", "no name:30080"),
    ] {
        let error = lab.send(&request(from, to)).unwrap_err();
        assert!(!error.to_string().is_empty(), "{from} {to}");
    }
    // A name is asked for before anybody can say that it is nobody's.
    let journey = lab.send(&request("external", "node-9:30080")).unwrap();
    assert_eq!(journey.verdict.kind, VerdictKind::NoSuchName);
}

#[test]
fn a_persons_own_rules_take_a_nodes_place_until_they_are_given_back() {
    let mut lab = lab(EXAMPLES[0].text());
    let asked = lab.suggestion().unwrap();
    let node = lab.scene().wings[0].node.name.clone();
    let nodes: Vec<String> = (lab.scene().wings.iter())
        .map(|wing| wing.node.name.clone())
        .collect();
    assert_eq!(lab.replace_rules("nowhere", "*filter\nCOMMIT\n"), None);
    let outcome = lab.replace_rules(&node, "hello").unwrap();
    assert!(!outcome.applied && outcome.diagnostics[0].is_error());
    assert!(lab.own_rules(&node).is_none());

    // On every Node, so that none is passed by.
    let own = "*filter\n:FORWARD DROP [0:0]\n:INPUT DROP [0:0]\n\
        -A INPUT -m set --match-set peers src -j ACCEPT\n\
        -A INPUT -m owner --uid-owner 0 -j ACCEPT\nCOMMIT\n";
    for node in &nodes {
        let outcome = lab.replace_rules(node, own).unwrap();
        assert!(outcome.applied);
        let told: Vec<_> = (outcome.diagnostics.iter())
            .map(|d| (d.severity, d.span.map(|span| span.start.line)))
            .collect();
        assert_eq!(
            told,
            [(Severity::Warning, Some(5)), (Severity::Warning, Some(4))]
        );
    }
    let journey = lab.send(&asked).unwrap();
    assert_eq!(journey.verdict.kind, VerdictKind::TimedOut);
    assert!(!journey.doubts.is_empty(), "two rules nobody can judge");

    let with_set = format!("create peers hash:net\nadd peers 0.0.0.0/1\n{own}");
    let outcome = lab.replace_rules(&node, &with_set).unwrap();
    assert_eq!(outcome.diagnostics.len(), 1, "{outcome:?}");
    let rule = lobby_engine::netfilter::RuleAt::new("filter", "INPUT", 1);
    assert_eq!(lab.own_rules(&node).unwrap().line(&rule), Some(6));

    for node in &nodes {
        assert!(lab.restore_rules(node) && !lab.restore_rules(node));
    }
    let journey = lab.send(&asked).unwrap();
    assert_eq!(journey.verdict.kind, VerdictKind::Answered);
}

#[test]
fn what_a_node_saves_of_its_own_rules_gives_the_same_journey() {
    let mut lab = lab(EXAMPLES[0].text());
    let asked = lab.suggestion().unwrap();
    let before = lab.send(&asked).unwrap();
    let nodes: Vec<String> = (lab.scene().wings.iter())
        .map(|wing| wing.node.name.clone())
        .collect();
    for node in nodes {
        let saved = lab.save_rules(&node).unwrap();
        let outcome = lab.replace_rules(&node, &saved).unwrap();
        assert_eq!(outcome.diagnostics, []);
    }
    let after = lab.send(&asked).unwrap();
    assert_eq!(before.verdict.kind, after.verdict.kind);
    assert_eq!(before.served, after.served);
    assert_eq!(before.rules_looked_at, after.rules_looked_at);
}

#[test]
fn a_rehearsed_request_leaves_no_trace() {
    let mut rehearsed = lab(example("nodeport"));
    let mut other = lab(example("nodeport"));
    let wish = rehearsed.suggestion().unwrap();
    let told = rehearsed.rehearse(&wish).unwrap();
    assert_eq!(rehearsed.now_ms(), other.now_ms());
    let sent = other.send(&wish).unwrap();
    assert_eq!(told, sent);
    assert_eq!(rehearsed.send(&wish).unwrap(), sent);
}

/// What the Nodes remember is a part of the world that a step back brings back, and the next draw is
/// the one that it was.
#[test]
fn a_step_back_brings_connections_and_draws_back() {
    let mut lab = lab(EXAMPLES[0].text());
    let before = send_suggested(&mut lab);
    let request = before.request.clone();
    let connections = |lab: &mut Lab| {
        [1, 2, 3].map(|number| {
            let line = format!("kubectl debug node/node-{number} -it -- conntrack -L");
            let output = lab.run(&line);
            assert_eq!(output.exit_code, 0);
            output.text().lines().count()
        })
    };
    let known = connections(&mut lab);
    lab.run("kubectl create namespace other");
    let next = lab.send(&request).unwrap();
    let more = connections(&mut lab);
    assert_ne!(more, known);
    assert!(lab.undo());
    assert_eq!(connections(&mut lab), known);
    assert_eq!(lab.send(&request).unwrap().served, next.served);
    assert_eq!(connections(&mut lab), more);
}
