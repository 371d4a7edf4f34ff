//! What the inspector shows: endpoints with their reasons, choices, two runs side by side, diffs of
//! rules, and how cost grows.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its helpers find nothing"
)]

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::cluster::{Command, Patch};
use lobby_engine::lab::{
    CostPoint, CostStep, CostTrial, DiffLine, EndpointList, EndpointReport, Lab, PolicyField,
    ProxySettings, Settings, Traffic, Variant, compare, looked_at,
};
use lobby_engine::net::Protocol;
use lobby_engine::network::{Request, VerdictKind};
use lobby_engine::proxy::Mode;

/// Three Nodes in two zones; four Pods of one Service, and others that nearly belong to it.
const WORLD: &str = "
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web, tier: front}
  ports:
  - {name: http, port: 80, targetPort: http}
---
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: web, tier: front}}
spec:
  nodeName: node-1
  containers: [{name: c, image: nginx, ports: [{name: http, containerPort: 8080}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: two, labels: {app: web, tier: front}}
spec:
  nodeName: node-2
  containers: [{name: c, image: nginx, ports: [{name: http, containerPort: 8080}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: misnamed, labels: {app: web, tier: front}}
spec:
  nodeName: node-2
  containers: [{name: c, image: nginx, ports: [{name: htpp, containerPort: 8080}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: mistyped, labels: {app: wbe, tier: front}}
spec:
  nodeName: node-2
  containers: [{name: c, image: nginx, ports: [{name: http, containerPort: 8080}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: stranger, labels: {role: batch}}
spec:
  nodeName: node-3
  containers: [{name: c, image: busybox}]
---
apiVersion: v1
kind: Pod
metadata: {name: elsewhere, namespace: shop, labels: {app: web, tier: front}}
spec:
  nodeName: node-3
  containers: [{name: c, image: nginx, ports: [{name: http, containerPort: 8080}]}]
";

fn lab(text: &str) -> Lab {
    let mut lab = Lab::new(Settings::default());
    let outcome = lab.open(text).clone();
    assert!(outcome.applied, "{:?}", outcome.diagnostics);
    lab
}

fn web() -> ObjectRef {
    ObjectRef::new(Kind::Service, "default", "web")
}

fn report(lab: &Lab, node: &str) -> EndpointReport {
    lab.endpoints(&web(), node).unwrap()
}

/// Each row as `name in|out reason`, and for one kind of traffic alone with its name.
fn rows(report: &EndpointReport) -> Vec<String> {
    let mut said = Vec::new();
    for row in &report.rows {
        let name = row.pod.as_ref().map_or(&row.address, |pod| &pod.name);
        for standing in &row.standings {
            let traffic = match standing.traffic {
                Traffic::All => "",
                Traffic::Inside => " inside",
                Traffic::Outside => " outside",
                Traffic::Name => " by name",
            };
            let is_in = if standing.is_in { "in" } else { "out" };
            said.push(format!(
                "{name} {is_in}{traffic}: {}",
                standing.reason.as_str()
            ));
        }
    }
    said
}

fn patch(lab: &mut Lab, target: &ObjectRef, spec: &str) {
    let tree = lobby_engine::yaml::read(spec);
    let node = tree.documents[0].clone();
    let target = target.clone();
    let patch = Patch::Merge(node);
    lab.execute(&Command::Patch { target, patch }).unwrap();
    lab.execute(&Command::Settle).unwrap();
}

#[test]
fn every_candidate_is_in_or_out_with_the_reason() {
    let lab = lab(WORLD);
    let report = report(&lab, "node-1");
    assert_eq!(
        rows(&report),
        [
            "one in: ready",
            "two in: ready",
            "misnamed out: no such port",
            "elsewhere out: other namespace",
            "mistyped out: label differs",
        ]
    );
    let said = |name: &str| {
        let row = (report.rows.iter())
            .find(|row| row.pod.as_ref().is_some_and(|pod| pod.name == name))
            .unwrap();
        (
            row.standings[0].said.clone(),
            row.standings[0].origins.clone(),
        )
    };
    assert!(
        said("misnamed").0.contains("the nearest is “htpp”"),
        "{:?}",
        said("misnamed")
    );
    let (why, origins) = said("mistyped");
    assert_eq!(
        why,
        "Its label app is “wbe”, and the selector asks for “web”."
    );
    let fields: Vec<String> = origins
        .iter()
        .map(|o| format!("{} {}", o.object, o.field))
        .collect();
    assert_eq!(
        fields,
        [
            "Service default/web spec.selector[app]",
            "Pod default/mistyped metadata.labels[app]"
        ]
    );
    assert!(said("elsewhere").0.contains("namespace shop"));
    for row in &report.rows[..2] {
        let pod = row.pod.as_ref().unwrap();
        let fields = lab.endpoints_of(pod);
        assert_eq!(fields.len(), 1);
        assert_eq!(lab.pod_behind(&fields[0]).as_ref(), Some(pod));
    }
    assert_eq!(report.others, 3, "the stranger and the two of CoreDNS");
    assert_eq!(report.ports[0].label, "http 80/TCP → http");
    assert_eq!(
        report.list,
        EndpointList::Selector(vec![
            ("app".into(), "web".into()),
            ("tier".into(), "front".into())
        ])
    );
    // Pods with other ports are in a slice of their own.
    assert_eq!(report.slices.len(), 2);
    assert_eq!(report.said, "2 of 3 endpoints get traffic from node-1.");
}

#[test]
fn policies_readiness_and_deletion_leave_out_what_they_leave_out_in_the_rules() {
    let mut lab = lab(WORLD);
    patch(&mut lab, &web(), "{spec: {externalTrafficPolicy: Local}}");
    let local = report(&lab, "node-1");
    assert_eq!(
        rows(&local)[..3],
        [
            "one in: ready",
            "two in inside: ready",
            "two out outside: not on this Node",
        ]
    );
    let outside = &local.rows[1].standings[1];
    assert_eq!(
        outside.said,
        "It runs on node-2, and externalTrafficPolicy: Local keeps traffic on node-1."
    );
    let text = lab.dump_rules("node-1", Mode::Iptables).unwrap();
    let one = &local.rows[0].address;
    assert!(text.contains("KUBE-SVL") && text.contains(one.as_str()));

    let pod = ObjectRef::new(Kind::Pod, "default", "one");
    lab.set_ready(&pod, false);
    let unready = report(&lab, "node-1");
    assert!(
        rows(&unready).contains(&"one out: not ready".to_owned()),
        "{:?}",
        rows(&unready)
    );

    // A deleted Pod goes on serving until it ends: when no other is ready, it has the traffic. The
    // rules follow a second after the first change, when the Pod is going and not yet gone.
    let two = ObjectRef::new(Kind::Pod, "default", "two");
    let command = Command::Delete {
        target: two,
        grace_seconds: None,
    };
    lab.set_ready(&pod, true);
    let ready = Some(false);
    let set = Command::SetReady { pod, ready };
    for step in [set, Command::Advance(600), command, Command::Advance(700)] {
        lab.execute(&step).unwrap();
    }
    let last = rows(&report(&lab, "node-1"));
    assert!(
        last.contains(&"two in inside: terminating, the last".to_owned()),
        "{last:?}"
    );
    assert!(last.contains(&"one out: not ready".to_owned()), "{last:?}");
}

#[test]
fn a_selector_that_means_nobody_names_the_nearest_pod() {
    let lab = lab(&WORLD.replace(
        "app: web, tier: front}\n  ports",
        "app: wep, tier: front}\n  ports",
    ));
    let report = report(&lab, "node-2");
    assert_eq!(report.rows.iter().filter(|row| row.is_in()).count(), 0);
    assert!(
        report.said.contains("The nearest Pod is")
            && report.said.contains("the selector asks for “wep”"),
        "{}",
        report.said
    );
}

#[test]
fn services_without_rules_say_whom_their_names_lead_to() {
    let mut lab = lab(&WORLD.replace("type: NodePort", "clusterIP: None"));
    let pod = ObjectRef::new(Kind::Pod, "default", "one");
    lab.set_ready(&pod, false);
    let headless = report(&lab, "node-1");
    assert_eq!(
        rows(&headless)[..3],
        [
            "two in by name: ready",
            "one out by name: not ready",
            "misnamed out: no such port",
        ]
    );
    let alias = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: ExternalName, externalName: example.org}}";
    lab.open(alias);
    let alias = report(&lab, "node-1");
    assert_eq!(alias.list, EndpointList::Alias("example.org".into()));
    assert!(alias.rows.is_empty() && alias.slices.is_empty());
    assert_eq!(
        lab.endpoints(&ObjectRef::new(Kind::Service, "default", "none"), "node-1"),
        None
    );
}

#[test]
fn what_a_nodes_rules_do_not_know_yet_is_said() {
    let mut lab = lab(WORLD);
    let pod = ObjectRef::new(Kind::Pod, "default", "two");
    lab.execute(&Command::SetReady {
        pod,
        ready: Some(false),
    })
    .unwrap();
    // The Pod's probe failed, but nothing has synced: the rules are those of before.
    let rules = lab.dump_rules("node-1", Mode::Iptables).unwrap();
    let row = report(&lab, "node-1")
        .rows
        .into_iter()
        .find(|row| row.pod.as_ref().is_some_and(|pod| pod.name == "two"));
    let row = row.unwrap();
    assert_eq!(
        row.is_in(),
        rules.contains(&format!("{}:8080", row.address))
    );
}

fn request(lab: &Lab) -> Request {
    Request {
        from: "node/node-3".into(),
        to: format!(
            "http://{}",
            lab.world()
                .store
                .service("default", "web")
                .unwrap()
                .spec
                .cluster_ip
        ),
        protocol: Protocol::Tcp,
    }
}

#[test]
fn the_candidates_of_a_choice_are_the_endpoints_in_every_mode() {
    for mode in Mode::ALL {
        let mut lab = lab(WORLD);
        lab.set_proxy(ProxySettings {
            mode,
            ..ProxySettings::default()
        });
        let request = request(&lab);
        let journey = lab.send(&request).unwrap();
        assert_eq!(journey.verdict.kind, VerdictKind::Answered);
        let choices: Vec<_> = journey
            .hops
            .iter()
            .flat_map(|hop| lab.choices_at(hop))
            .collect();
        assert_eq!(choices.len(), 1, "{mode}: {choices:?}");
        let choice = &choices[0];
        let pods: Vec<&str> = (choice.candidates.iter())
            .filter_map(|one| Some(one.pod.as_ref()?.name.as_str()))
            .collect();
        assert_eq!(pods.len(), 2, "{mode}");
        assert!(
            pods.contains(&"one") && pods.contains(&"two"),
            "{mode}: {pods:?}"
        );
        let chosen: Vec<_> = choice
            .candidates
            .iter()
            .filter(|one| one.is_chosen)
            .collect();
        assert_eq!(chosen.len(), 1, "{mode}");
        let by = journey.served.unwrap().pod.unwrap();
        assert_eq!(
            format!("default/{}", chosen[0].pod.as_ref().unwrap().name),
            by
        );
        assert_eq!(choice.is_drawn, mode != Mode::Ipvs);
    }
}

#[test]
fn runs_in_other_modes_leave_the_lab_as_it_is() {
    let mut lab = lab(WORLD);
    let request = request(&lab);
    let before = (lab.now_ms(), lab.settings().clone());
    let runs: Vec<_> = Mode::ALL
        .into_iter()
        .map(|mode| lab.walk_as(&request, &[Variant::Mode(mode)]).unwrap())
        .collect();
    assert_eq!(before, (lab.now_ms(), lab.settings().clone()));
    for (mode, run) in Mode::ALL.into_iter().zip(&runs) {
        assert_eq!(run.verdict.kind, VerdictKind::Answered, "{mode}");
        let own: u32 = run.hops.iter().map(looked_at).sum();
        assert!(
            own <= run.rules_looked_at && own > 0,
            "{mode}: {own} {}",
            run.rules_looked_at
        );
    }
    for mode in Mode::ALL {
        let rules = lab.rules_in("node-1", mode).unwrap();
        let text = lobby_engine::proxy::dump(rules.set());
        assert_eq!(text, lab.dump_rules("node-1", mode).unwrap());
    }
    // The same twice, for nothing is remembered.
    assert_eq!(
        lab.walk_as(&request, &[]).unwrap(),
        lab.walk_as(&request, &[]).unwrap()
    );
    let same = compare(&runs[0], &runs[0]);
    assert_eq!(same.differences(), 0);
    let other = compare(&runs[0], &runs[1]);
    assert!(other.differences() > 0);
    let looked = other
        .facts
        .iter()
        .find(|fact| fact.name == "Rules looked at")
        .unwrap();
    assert_eq!(looked.values[0], runs[0].rules_looked_at.to_string());
    assert!(lab.send(&request).is_ok());
}

#[test]
fn a_policy_changes_what_the_server_sees_and_whether_anybody_answers() {
    let lab = lab(WORLD);
    let port = lab
        .world()
        .store
        .service("default", "web")
        .unwrap()
        .spec
        .ports[0]
        .node_port;
    let node = |name: &str| {
        let store = &lab.world().store;
        store.node("", name).unwrap().status.addresses[0]
            .address
            .clone()
    };
    let run = |address: &str, local| {
        let request = Request {
            from: "external/laptop".into(),
            to: format!("http://{address}:{port}"),
            protocol: Protocol::Tcp,
        };
        let policy = Variant::Policy {
            service: web(),
            policy: PolicyField::External,
            local,
        };
        lab.walk_as(&request, &[policy]).unwrap()
    };
    let (cluster, local) = (run(&node("node-1"), false), run(&node("node-1"), true));
    assert_eq!(lab.service_of(&cluster), Some(web()));
    let compared = compare(&cluster, &local);
    let sees = (compared.facts.iter())
        .find(|fact| fact.name.contains("sees"))
        .unwrap();
    assert!(sees.differs(), "{:?}", sees.values);
    assert_eq!(
        sees.values[1],
        local.served.as_ref().unwrap().sees.to_string()
    );
    // Nobody lives on node-3.
    assert_eq!(
        run(&node("node-3"), true).verdict.kind,
        VerdictKind::TimedOut
    );
    assert_eq!(
        run(&node("node-3"), false).verdict.kind,
        VerdictKind::Answered
    );
    // Every hop of both is in one pair.
    for (side, run) in [&cluster, &local].into_iter().enumerate() {
        let hops: Vec<usize> = compared
            .hops
            .iter()
            .filter_map(|pair| pair.hops[side])
            .collect();
        assert_eq!(hops, (0..run.hops.len()).collect::<Vec<_>>());
    }
    let refused = lab.walk_as(
        &request(&lab),
        &[Variant::Policy {
            service: ObjectRef::new(Kind::Service, "default", "kubernetes"),
            policy: PolicyField::External,
            local: true,
        }],
    );
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("externalTrafficPolicy")
    );
}

#[test]
fn a_diff_tells_what_a_sync_added_and_removed() {
    for mode in Mode::ALL {
        let mut lab = lab(WORLD);
        lab.set_proxy(ProxySettings {
            mode,
            ..ProxySettings::default()
        });
        let before = lab.rules("node-1").unwrap();
        let iptables = Lab::new(Settings::default());
        assert!(iptables.rules_in("nowhere", mode).is_none());
        let own = lab.rules_in("node-1", mode).unwrap();
        assert!(std::rc::Rc::ptr_eq(&own, &before));
        let same = before.diff(&before);
        assert_eq!((same.added, same.removed), (0, 0));
        assert_eq!(same.lines.len(), before.lines().len());
        lab.set_ready(&ObjectRef::new(Kind::Pod, "default", "two"), false);
        let after = lab.rules("node-1").unwrap();
        let diff = after.diff(&before);
        assert!(diff.removed > 0, "{mode}");
        let expected = lobby_engine::proxy::diff(before.set(), after.set());
        assert_eq!(
            (diff.added, diff.removed),
            (expected.added.len(), expected.removed.len()),
            "{mode}"
        );
        // Without what is gone it is the new text, without what is new the old one.
        let text = |keep: &dyn Fn(DiffLine) -> Option<String>| -> Vec<String> {
            diff.lines.iter().filter_map(|line| keep(*line)).collect()
        };
        let new = text(&|line| match line {
            DiffLine::Same(at) | DiffLine::Added(at) => Some(after.lines()[at].text.clone()),
            DiffLine::Removed(_) => None,
        });
        let all: Vec<String> = after.lines().iter().map(|line| line.text.clone()).collect();
        assert_eq!(new, all, "{mode}");
        let changed = diff.lines.iter().filter(|line| line.is_change()).count();
        assert!(changed >= diff.added + diff.removed);
    }
}

#[test]
fn own_rules_have_lines_and_say_what_their_comments_say() {
    let mut lab = lab(WORLD);
    let saved = lab.save_rules("node-1").unwrap();
    let outcome = lab.replace_rules("node-1", &saved).unwrap();
    assert!(outcome.applied && outcome.diagnostics.is_empty());
    let own = lab.own_rules("node-1").unwrap();
    assert_eq!(own.lines().len(), saved.lines().count());
    let (index, line) = (own.lines().iter().enumerate())
        .find(|(_, line)| {
            line.text.contains("-A KUBE-SERVICES") && line.text.contains("default/web")
        })
        .unwrap();
    let at = line.at.as_ref().unwrap();
    assert_eq!(own.line(at), Some(index as u32 + 1));
    assert_eq!(own.rule_line(at), Some(line));
    assert_eq!(line.table, "nat");
    assert!(
        own.explanation(at).contains("default/web:http"),
        "{}",
        own.explanation(at)
    );
}

fn measured(mode: Mode, services: u32) -> (CostPoint, CostTrial) {
    let mut trial = CostTrial::new(mode, services).unwrap();
    let mut last = 0;
    for _ in 0..10_000 {
        match trial.step() {
            CostStep::Measured(point) => return (point, trial),
            CostStep::Working { done, of } => {
                assert!(done > last && done <= of, "{done} of {of}");
                last = done;
            }
        }
    }
    panic!("no end");
}

#[test]
fn rules_grow_with_services_and_only_iptables_looks_at_more_of_them() {
    let grown = |mode| [10, 1_000].map(|services| measured(mode, services).0);
    let [few, many] = grown(Mode::Iptables);
    // A Service's rule stands in one long chain: those before it are looked at first.
    assert!(few.looked_at_first > 0 && few.looked_at_last > few.looked_at_first);
    assert!(many.looked_at_last >= few.looked_at_last + 900);
    assert_eq!(many.looked_at_first, few.looked_at_first);
    assert_eq!(
        many.rules - few.rules,
        990 * (few.rules - measured(Mode::Iptables, 9).0.rules)
    );
    let [few, many] = grown(Mode::Nftables);
    assert_eq!(many.looked_at_last, few.looked_at_last);
    assert!(many.rules > few.rules && many.entries > few.entries);
    let [few, many] = grown(Mode::Ipvs);
    assert_eq!(many.looked_at_last, few.looked_at_last);
    assert_eq!(many.rules, few.rules);
    assert_eq!(
        many.entries - few.entries,
        990 * (few.entries - measured(Mode::Ipvs, 9).0.entries)
    );
}

#[test]
fn a_change_writes_anew_what_each_mode_writes_anew() {
    let bytes = |mode, services| {
        let (_, mut trial) = measured(mode, services);
        let (first, second) = (trial.change(), trial.change());
        assert!(first > 0);
        // The addresses of the changes have the same length.
        assert!(first.abs_diff(second) < 200, "{mode}: {first} {second}");
        second
    };
    assert!(bytes(Mode::Iptables, 1_000) > bytes(Mode::Iptables, 10));
    assert!(bytes(Mode::Nftables, 1_000) > 50 * bytes(Mode::Nftables, 10));
    assert!(bytes(Mode::Ipvs, 1_000) < 2 * bytes(Mode::Ipvs, 10));
}
