//! What a person does to a running lab: commands, time, undo, and edits in between.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its helpers find nothing"
)]

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::cluster::{Command, Listening};
use lobby_engine::controllers::load_balancer::Provider;
use lobby_engine::lab::{Lab, RoomState, Settings};
use lobby_engine::net::Protocol;
use lobby_engine::network::{Request, VerdictKind};

const ONE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.50, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: client, image: alpine}]}
";

fn lab(text: &str) -> Lab {
    let mut lab = Lab::new(Settings::default());
    let outcome = lab.open(text);
    assert_eq!(outcome.diagnostics, []);
    lab
}

fn ask(lab: &mut Lab) -> VerdictKind {
    let request = Request {
        from: "pod/default/client".into(),
        to: "10.96.0.50:80".into(),
        protocol: Protocol::Tcp,
    };
    lab.send(&request).unwrap().verdict.kind
}

fn web(lab: &Lab) -> ObjectRef {
    let mut pods = lab.world().store.pods();
    let pod = pods
        .find(|pod| pod.metadata.name.starts_with("web-"))
        .unwrap();
    ObjectRef::new(Kind::Pod, "default", &*pod.metadata.name)
}

#[test]
fn a_rule_leads_to_a_pod_that_is_gone_until_kube_proxy_syncs() {
    let mut lab = lab(ONE);
    assert_eq!(ask(&mut lab), VerdictKind::Answered);
    let target = web(&lab);
    let delete = Command::Delete {
        target: target.clone(),
        grace_seconds: None,
    };
    lab.execute(&delete).unwrap();
    let room = |lab: &Lab| {
        lab.scene()
            .rooms
            .into_iter()
            .find(|room| room.pod == target)
    };
    assert_eq!(room(&lab).unwrap().state, RoomState::Terminating);
    assert_eq!(ask(&mut lab), VerdictKind::Answered, "it still serves");
    lab.execute(&Command::Advance(1_050)).unwrap();
    assert!(room(&lab).is_none());
    assert_ne!(
        ask(&mut lab),
        VerdictKind::Answered,
        "the rule is still there"
    );
    lab.execute(&Command::Settle).unwrap();
    assert_eq!(ask(&mut lab), VerdictKind::Answered, "another Pod came");
    for _ in 0..3 {
        assert!(lab.undo());
    }
    assert_eq!(room(&lab).unwrap().state, RoomState::Ready);
    assert_eq!(ask(&mut lab), VerdictKind::Answered);
    assert!(lab.redo());
    assert_eq!(room(&lab).unwrap().state, RoomState::Terminating);
}

#[test]
fn nobody_listens_and_without_a_probe_nobody_notices() {
    let mut lab = lab(ONE);
    let pod = web(&lab);
    for listening in [Listening::Nowhere, Listening::LocalhostOnly] {
        let pod = pod.clone();
        lab.execute(&Command::SetListening { pod, listening })
            .unwrap();
        lab.execute(&Command::Settle).unwrap();
        assert_eq!(ask(&mut lab), VerdictKind::Refused);
    }
    let listening = Listening::Everywhere;
    lab.execute(&Command::SetListening { pod, listening })
        .unwrap();
    assert_eq!(ask(&mut lab), VerdictKind::Answered);
}

#[test]
fn what_was_done_lasts_over_an_edit_elsewhere() {
    let mut lab = lab(ONE);
    let output = lab.run("kubectl scale deployment web --replicas=3 && lab settle");
    assert_eq!(output.text(), "deployment.apps/web scaled\n");
    let rooms = |lab: &Lab| lab.scene().rooms.len();
    assert_eq!(rooms(&lab), 4);
    lab.edit(&ONE.replace("image: alpine", "image: busybox"));
    assert_eq!(rooms(&lab), 4);
    assert_eq!(lab.lines().len(), 1);
    // What it was done to is gone: then it cannot be done any more.
    let (_, others) = ONE.split_once("---").unwrap();
    lab.edit(others);
    assert_eq!(rooms(&lab), 1);
    assert!(lab.lines().is_empty());
    lab.open(ONE);
    assert_eq!(rooms(&lab), 2);
}

#[test]
fn workloads_of_every_kind_are_in_the_outline_with_their_pods() {
    let of = |kind: &str, rest: &str| {
        let head = ONE.split("---").next().unwrap();
        let text = head.replace("kind: Deployment", &format!("kind: {kind}"));
        text.replace("  replicas: 1\n", rest)
    };
    for (kind, rest, detail) in [
        ("ReplicaSet", "  replicas: 2\n", "ReplicaSet · 2 Pods"),
        (
            "StatefulSet",
            "  replicas: 2\n  serviceName: web\n",
            "StatefulSet · 2 Pods",
        ),
        ("DaemonSet", "", "DaemonSet · 3 Pods"),
    ] {
        let lab = lab(&of(kind, rest));
        assert_eq!(lab.outline()[0].detail, detail);
        let line = lab.objects_at(3);
        assert_eq!(
            line.len() - 1,
            lab.scene().rooms.len(),
            "{kind}: its line stands for its Pods"
        );
    }
}

#[test]
fn a_provider_gives_an_address_in_the_lab() {
    let settings = Settings {
        provider: Provider::MetalLb,
        ..Settings::default()
    };
    let mut lab = Lab::new(settings);
    lab.open(&ONE.replace(
        "clusterIP: 10.96.0.50",
        "type: LoadBalancer, clusterIP: 10.96.0.50",
    ));
    let service = lab.world().store.service("default", "web").unwrap();
    assert_eq!(service.status.load_balancer.ingress[0].ip, "192.168.10.200");
}

#[test]
fn a_manifest_that_the_server_refuses_is_told_at_its_field() {
    let mut lab = Lab::new(Settings::default());
    let outcome = lab.open(&ONE.replace("matchLabels: {app: web}", "matchLabels: {app: other}"));
    let [error] = &outcome.diagnostics[..] else {
        panic!("{outcome:#?}");
    };
    assert_eq!(
        error.message,
        "Deployment.apps \"web\" is invalid: spec.template.metadata.labels: Invalid value: \
         map[string]string{\"app\":\"web\"}: `selector` does not match template `labels`"
    );
    assert_eq!(error.span.unwrap().start.line, 8);
    assert!(lab.world().store.deployment("default", "web").is_none());
}
