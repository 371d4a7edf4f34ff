//! The console on the lab's own world: kubectl changes it, lines are steps, verbs do what they say.

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::lab::{EXAMPLES, Lab, Settings};
use lobby_engine::network::VerdictKind;

fn lab(id: &str) -> Lab {
    let example = EXAMPLES
        .iter()
        .find(|example| example.id == id)
        .expect("it is an example");
    let mut lab = Lab::new(Settings::default());
    assert!(lab.open(example.text()).applied);
    lab
}

/// What a line prints; it has to go well.
fn run(lab: &mut Lab, line: &str) -> String {
    let output = lab.run(line);
    assert_eq!(output.exit_code, 0, "{line}\n{}", output.text());
    output.text()
}

/// What a line prints that fails.
fn fail(lab: &mut Lab, line: &str) -> String {
    let output = lab.run(line);
    assert_ne!(output.exit_code, 0, "{line}\n{}", output.text());
    output.text()
}

#[test]
fn kubectl_sees_and_changes_the_world_of_the_lab() {
    let mut lab = Lab::new(Settings::default());
    lab.open("");
    assert_eq!(
        run(
            &mut lab,
            "kubectl create deployment web --image=nginx --replicas=2 && lab settle"
        ),
        "deployment.apps/web created\n"
    );
    assert_eq!(
        run(&mut lab, "kubectl get deployment web"),
        "NAME   READY   UP-TO-DATE   AVAILABLE   AGE\nweb    2/2     2            2           2s\n"
    );
    assert_eq!(
        run(
            &mut lab,
            "kubectl expose deployment web --port=80 && lab settle"
        ),
        "service/web exposed\n"
    );
    let address = run(
        &mut lab,
        "kubectl get svc web -o jsonpath='{.spec.clusterIP}'",
    );
    let sent = lab.run(&format!("lab send node-1 http://{address}"));
    assert_eq!(sent.journeys.len(), 1);
    assert_eq!(
        sent.journeys[0].verdict.kind,
        VerdictKind::Answered,
        "{}",
        sent.text()
    );
    assert!(!sent.changed);
    assert_eq!(
        fail(&mut lab, "kubectl create deployment web --image=nginx"),
        "error: failed to create deployment: deployments.apps \"web\" already exists\n"
    );
    assert_eq!(
        fail(
            &mut lab,
            "kubectl patch service web -p '{\"spec\":{\"clusterIP\":\"10.96.77.7\"}}'"
        ),
        "The Service \"web\" is invalid: spec.clusterIPs[0]: Invalid value: \
         []string{\"10.96.77.7\"}: may not change once set\n"
    );
    assert_eq!(
        run(&mut lab, "kubectl delete service web"),
        "service \"web\" deleted from default namespace\n"
    );
    assert!(lab.cluster().store().service("default", "web").is_none());
    // The lines that changed the world are the world, with the text.
    let lines = lab.lines().to_vec();
    assert_eq!(lines.len(), 3);
    let mut again = Lab::new(Settings::default());
    again.open("");
    for line in &lines {
        again.run(line);
    }
    assert_eq!(again.cluster().store(), lab.cluster().store());
}

#[test]
fn a_line_is_one_step() {
    let mut lab = lab("nodeport");
    let before = lab.cluster().store().clone();
    run(
        &mut lab,
        "kubectl create namespace a && kubectl create namespace b; lab settle",
    );
    let after = lab.cluster().store().clone();
    assert_ne!(before, after);
    run(&mut lab, "lab undo");
    assert_eq!(*lab.cluster().store(), before);
    assert!(lab.lines().is_empty());
    run(&mut lab, "lab redo");
    assert_eq!(*lab.cluster().store(), after);
    assert_eq!(lab.lines().len(), 1);
    assert_eq!(
        fail(&mut lab, "lab redo"),
        "lab redo: there is nothing to redo\n"
    );
    assert_eq!(
        fail(&mut lab, "lab undo; lab undo"),
        "lab undo: it stands alone on its line\n".repeat(2)
    );
    run(&mut lab, "lab reset");
    assert_eq!(*lab.cluster().store(), before);
    // What was reset comes back.
    run(&mut lab, "lab undo");
    assert_eq!(*lab.cluster().store(), after);
}

#[test]
fn settings_are_lines_too() {
    let mut lab = lab("nodeport");
    let address = |lab: &mut Lab| {
        run(
            lab,
            "kubectl get svc -A -o jsonpath='{.items[0].spec.clusterIP}'",
        )
    };
    let first = address(&mut lab);
    run(&mut lab, "kubectl create namespace kept");
    run(&mut lab, "lab seed 7");
    assert_ne!(address(&mut lab), first);
    assert!(
        lab.cluster()
            .store()
            .namespaces()
            .any(|own| own.metadata.name == "kept")
    );
    assert_eq!(lab.lines(), ["kubectl create namespace kept", "lab seed 7"]);
    run(&mut lab, "lab undo");
    assert_eq!(address(&mut lab), first);
    assert_eq!(lab.settings().seed, Settings::default().seed);
    run(&mut lab, "lab proxy --mode nftables");
    assert!(lab.save_rules("node-1").is_none());
    run(&mut lab, "lab nodes alpha beta");
    assert!(lab.cluster().store().node("", "alpha").is_some());
    let text = lab.text().to_owned();
    lab.edit(&format!("{text}\n# an edit\n"));
    assert_eq!(lab.lines().len(), 3);
    assert!(lab.cluster().store().node("", "alpha").is_some());
    assert!(lab.save_rules("alpha").is_none());
    run(&mut lab, "lab undo");
    run(&mut lab, "lab undo");
    assert!(lab.save_rules("node-1").is_some());
    assert_eq!(
        fail(&mut lab, "lab seed x"),
        "lab seed: \"x\" is no whole number\n"
    );
    assert!(fail(&mut lab, "lab proxy --mode x").contains("unknown proxy mode"));
}

#[test]
fn the_text_is_what_a_file_without_an_author_holds() {
    let mut lab = Lab::new(Settings::default());
    lab.open("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n");
    run(&mut lab, "kubectl delete svc web");
    assert!(
        run(&mut lab, "kubectl apply -f frontend-service.yaml").ends_with("service/web created\n")
    );
    assert_eq!(
        run(&mut lab, "kubectl apply -f -"),
        "service/web unchanged\n"
    );
    run(
        &mut lab,
        "cat > own.yaml <<EOF\napiVersion: v1\nkind: Namespace\nmetadata: {name: own}\nEOF",
    );
    assert_eq!(
        run(&mut lab, "kubectl apply -f own.yaml"),
        "namespace/own created\n"
    );
    assert_eq!(
        run(
            &mut lab,
            "kubectl create ns two --dry-run=client -o yaml | kubectl apply -f -"
        ),
        "namespace/two created\n"
    );
}

#[test]
fn the_context_s_namespace_lasts() {
    let mut lab = lab("nodeport");
    run(
        &mut lab,
        "kubectl config set-context --current --namespace kube-system",
    );
    assert_eq!(lab.namespace(), "kube-system");
    assert!(run(&mut lab, "kubectl get pods").contains("coredns"));
    run(&mut lab, "lab undo");
    assert_eq!(lab.namespace(), "default");
}

#[test]
fn what_can_be_done_is_done_by_its_line() {
    let mut lab = lab("nodeport");
    let objects: Vec<ObjectRef> = [Kind::Pod, Kind::Deployment, Kind::Node, Kind::Service]
        .into_iter()
        .flat_map(|kind| {
            lab.cluster()
                .store()
                .names(kind)
                .cloned()
                .collect::<Vec<_>>()
        })
        .collect();
    let mut count = 0;
    for object in &objects {
        for action in lab.actions(object) {
            let output = lab.run(&action.line);
            assert_eq!(output.exit_code, 0, "{}: {}", action.line, output.text());
            count += 1;
            if output.changed {
                assert!(lab.undo(), "{}", action.line);
            }
        }
    }
    assert!(count > 40, "{count}");
    let gone = ObjectRef::new(Kind::Pod, "default", "nobody");
    assert!(lab.actions(&gone).is_empty());
}

#[test]
fn time_that_passes_by_itself_is_a_line_at_most() {
    let mut lab = lab("nodeport");
    lab.tick(5_000);
    assert!(lab.lines().is_empty());
    run(&mut lab, "kubectl create deployment x --image=nginx");
    for _ in 0..50 {
        lab.tick(100);
    }
    assert_eq!(
        lab.lines(),
        [
            "kubectl create deployment x --image=nginx",
            "lab advance 5000ms"
        ]
    );
    assert!(run(&mut lab, "kubectl get deployment x").contains("1/1"));
    run(&mut lab, "lab undo");
    assert!(lab.lines().is_empty());
}
