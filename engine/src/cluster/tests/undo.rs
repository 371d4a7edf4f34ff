//! Undo and redo; and whatever a person may do.

use proptest::prelude::*;

use super::*;

#[test]
fn undo_and_redo_are_exact() {
    let mut cluster = cluster(WEB);
    let web = of(Kind::Deployment, "web");
    let all = |cluster: &Cluster| -> Vec<Node> {
        Kind::ALL
            .into_iter()
            .flat_map(|kind| cluster.list(kind, None))
            .collect()
    };
    let mut states = vec![(cluster.now(), all(&cluster))];
    for command in [
        Command::Scale {
            target: web.clone(),
            replicas: 2,
        },
        Command::Advance(500),
        Command::Cordon {
            node: "node-1".into(),
            on: true,
        },
        Command::Settle,
        Command::Delete {
            target: of(Kind::Service, "web"),
            grace_seconds: None,
        },
        Command::SetProvider(Provider::MetalLb),
        Command::Settle,
    ] {
        cluster.execute(&command).unwrap();
        states.push((cluster.now(), all(&cluster)));
    }
    for state in states.iter().rev().skip(1) {
        assert!(cluster.undo());
        assert_eq!((cluster.now(), all(&cluster)), *state);
    }
    assert!(!cluster.undo());
    for state in &states[1..] {
        assert!(cluster.redo());
        assert_eq!((cluster.now(), all(&cluster)), *state);
    }
    assert!(!cluster.redo());
}

#[test]
fn the_same_seed_is_the_same_cluster_and_another_one_is_another() {
    let names = |seed: u64| -> Vec<String> {
        let cluster = with(
            Settings {
                seed,
                ..Settings::default()
            },
            WEB,
        );
        cluster
            .store()
            .iter()
            .map(|object| format!("{object:?}"))
            .collect()
    };
    assert_eq!(names(1), names(1));
    assert_ne!(names(1), names(2));
}

/// Anything that a person may do, sensible or not.
fn command() -> impl Strategy<Value = Command> {
    let service = |name: &str, rest: &str| {
        node(&format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{selector: {{app: web}}, ports: [{{port: 80}}], {rest}}}}}"
        ))
    };
    let name = || prop::sample::select(vec!["a", "b", "c"]);
    let type_ = prop::sample::select(vec![
        "type: ClusterIP",
        "type: NodePort",
        "type: LoadBalancer",
        "type: LoadBalancer, externalTrafficPolicy: Local",
        "type: ExternalName, externalName: example.com",
        "type: NodePort, ports: [{port: 80, nodePort: 30080}]",
        "clusterIP: None",
        "type: Nonsense",
    ]);
    let target = || {
        (
            prop::sample::select(Kind::ALL.to_vec()),
            prop::sample::select(vec!["a", "b", "web", "node-1"]),
        )
            .prop_map(|(kind, name)| of(kind, name))
    };
    let nodes = || prop::sample::select(vec!["node-1", "node-2", "none"]).prop_map(str::to_owned);
    prop_oneof![
        4 => (name(), type_.clone()).prop_map(move |(name, rest)| Command::Apply(service(name, rest))),
        2 => (name(), type_).prop_map(move |(name, rest)| Command::Create(service(name, rest))),
        3 => (target(), prop::option::of(0..3_i64)).prop_map(|(target, grace_seconds)| Command::Delete { target, grace_seconds }),
        2 => (-1..6_i32).prop_map(|replicas| Command::Scale { target: of(Kind::Deployment, "web"), replicas }),
        1 => (nodes(), any::<bool>()).prop_map(|(node, on)| Command::Cordon { node, on }),
        1 => nodes().prop_map(|node| Command::Drain { node }),
        1 => (nodes(), any::<bool>()).prop_map(|(node, running)| Command::SetRunning { node, running }),
        1 => prop::sample::select(Provider::ALL.to_vec()).prop_map(Command::SetProvider),
        2 => target().prop_map(|target| Command::Patch { target, patch: Patch::Merge(node("{metadata: {labels: {a: b}}}")) }),
        3 => (0..5_000_u64).prop_map(Command::Advance),
        1 => Just(Command::Settle),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn undo_is_as_if_it_had_never_happened(
        before in prop::collection::vec(command(), 0..6),
        undone in command(),
        after in prop::collection::vec(command(), 0..6),
    ) {
        let mut plain = cluster(WEB);
        let mut undoing = plain.clone();
        for command in &before {
            prop_assert_eq!(plain.execute(command), undoing.execute(command));
        }
        if undoing.execute(&undone).is_ok() {
            prop_assert!(undoing.undo());
        }
        for command in &after {
            prop_assert_eq!(plain.execute(command), undoing.execute(command));
        }
        prop_assert_eq!(plain.store(), undoing.store());
        prop_assert_eq!(plain.events(), undoing.events());
        prop_assert_eq!((plain.now(), plain.next_event()), (undoing.now(), undoing.next_event()));
    }

    #[test]
    fn what_is_taken_is_what_services_have(commands in prop::collection::vec(command(), 0..16)) {
        let mut cluster = cluster(WEB);
        for command in &commands {
            let before = cluster.taken();
            if cluster.execute(command).is_err() {
                prop_assert_eq!(cluster.taken(), before);
            }
            let mut addresses = BTreeSet::new();
            let mut ports = BTreeSet::new();
            for service in cluster.store().services() {
                let spec = &service.spec;
                addresses.extend(spec.cluster_ips.iter().filter(|address| *address != "None").cloned());
                ports.extend(spec.ports.iter().map(|port| port.node_port).filter(|port| *port != 0));
                ports.extend(Some(spec.health_check_node_port).filter(|port| *port != 0));
            }
            prop_assert_eq!(cluster.taken(), (addresses.len(), ports.len()));
        }
        // It always comes to rest.
        cluster.settle();
        prop_assert_eq!(cluster.next_event(), None);
    }

    #[test]
    fn any_tree_is_taken_or_refused(text in "[a-z:{} \\[\\],0-9\"\n-]{0,80}", kind in prop::sample::select(Kind::ALL.to_vec())) {
        let mut cluster = cluster("");
        let mut trees = crate::yaml::read(&text).documents;
        for tree in &mut trees {
            tree::set(tree, &["apiVersion"], kind.api_version().into());
            tree::set(tree, &["kind"], kind.as_str().into());
            let _ = cluster.execute(&Command::Create(tree.clone()));
            let _ = cluster.execute(&Command::Apply(tree.clone()));
            let target = of(Kind::Node, "node-1");
            for patch in [Patch::Merge(tree.clone()), Patch::Strategic(tree.clone()), Patch::Json(tree.clone())] {
                let _ = cluster.execute(&Command::Patch { target: target.clone(), patch });
            }
        }
        cluster.settle();
        prop_assert_eq!(cluster.next_event(), None);
    }
}
