//! Workloads, their Pods, and what is stale in between.

use super::*;

#[test]
fn a_deployment_has_a_replica_set_with_pods_on_all_nodes() {
    let cluster = cluster(WEB);
    let sets: Vec<_> = cluster.store().replica_sets().collect();
    assert_eq!(sets.len(), 1);
    let name = &sets[0].metadata.name;
    let pods: Vec<_> = cluster.store().pods().collect();
    assert_eq!(pods.len(), 4);
    assert!(
        pods.iter()
            .all(|pod| pod.metadata.name.starts_with(&format!("{name}-")))
    );
    assert!(pods.iter().all(|pod| is_ready(pod)));
    let nodes: BTreeSet<&str> = pods.iter().map(|pod| pod.spec.node_name.as_str()).collect();
    assert_eq!(nodes.len(), 3);
    let deployment = cluster.store().deployment("default", "web").unwrap();
    assert_eq!(deployment.status.available_replicas, 4);
    assert_eq!(deployment.status.observed_generation, Some(1));
    assert_eq!(endpoints(cluster.store(), "web").0.len(), 4);
    let old_list = cluster.store().endpoints_of("default", "web").unwrap();
    assert_eq!(old_list.subsets[0].addresses.len(), 4);
}

#[test]
fn an_object_is_printed_whole_with_what_no_type_has() {
    let cluster = cluster(WEB);
    let pod = cluster.list(Kind::Pod, Some("default")).remove(0);
    let container = &tree::get(&pod, &["spec", "containers"])
        .unwrap()
        .as_list()
        .unwrap()[0];
    assert_eq!(
        tree::get(container, &["env"]).unwrap().to_string(),
        r#"[{"name":"A","value":"b"}]"#
    );
    assert_eq!(tree::text(container, &["imagePullPolicy"]), "IfNotPresent");
    assert_eq!(
        tree::text(&pod, &["spec", "schedulerName"]),
        "default-scheduler"
    );
    assert_eq!(tree::text(&pod, &["spec", "dnsPolicy"]), "ClusterFirst");
    assert_eq!(tree::text(&pod, &["status", "phase"]), "Running");
    assert_eq!(tree::text(&pod, &["metadata", "namespace"]), "default");
    assert!(!tree::text(&pod, &["metadata", "uid"]).is_empty());
    let deployment = cluster.get(&of(Kind::Deployment, "web")).unwrap();
    let wait = tree::get(&deployment, &["spec", "progressDeadlineSeconds"]);
    assert_eq!(wait.unwrap().to_string(), "600");
    let service = cluster.get(&of(Kind::Service, "web")).unwrap();
    assert!(tree::text(&service, &["spec", "clusterIP"]).starts_with("10."));
}

#[test]
fn a_rolling_update_never_has_too_many_or_too_few() {
    let mut cluster = cluster(WEB);
    let web = of(Kind::Deployment, "web");
    let image = "{spec: {template: {spec: {containers: [{name: web, image: 'nginx:2'}]}}}}";
    assert_eq!(patch(&mut cluster, &web, image), Ok(Done::Configured));
    let mut least = usize::MAX;
    while let Some(at) = cluster.next_event() {
        cluster.advance(at - cluster.now());
        let pods: Vec<_> = cluster.store().pods().collect();
        let active = pods
            .iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none());
        assert!(
            active.clone().count() <= 5,
            "25 % of 4 more, and those that are going"
        );
        least = least.min(active.filter(|pod| is_ready(pod)).count());
    }
    assert_eq!(least, 3, "25 % of 4 less");
    assert_eq!(cluster.store().replica_sets().count(), 2);
    for pod in cluster.store().pods() {
        assert_eq!(pod.spec.containers[0].image, "nginx:2");
    }
    let deployment = cluster.store().deployment("default", "web").unwrap();
    assert_eq!(deployment.metadata.generation, Some(2));
    assert_eq!(
        deployment.metadata.annotations["deployment.kubernetes.io/revision"],
        "2"
    );

    // And back: the old ReplicaSet again, with another number.
    let back = image.replace("nginx:2", "nginx:1");
    patch(&mut cluster, &web, &back).unwrap();
    cluster.settle();
    assert_eq!(cluster.store().replica_sets().count(), 2);
    let deployment = cluster.store().deployment("default", "web").unwrap();
    assert_eq!(
        deployment.metadata.annotations["deployment.kubernetes.io/revision"],
        "3"
    );
}

#[test]
fn a_template_that_differs_in_an_unmodelled_field_is_another_one() {
    let mut cluster = cluster(WEB);
    let web = of(Kind::Deployment, "web");
    let env = "{spec: {template: {spec: {containers: [{name: web, env: [{name: A, value: c}]}]}}}}";
    assert_eq!(patch(&mut cluster, &web, env), Ok(Done::Configured));
    cluster.settle();
    assert_eq!(cluster.store().replica_sets().count(), 2);
    let pod = cluster.list(Kind::Pod, None).remove(0);
    assert!(
        pod.to_string()
            .contains(r#""env":[{"name":"A","value":"c"}]"#)
    );
    // The same again changes nothing.
    assert_eq!(patch(&mut cluster, &web, env), Ok(Done::Unchanged));
    cluster.settle();
    assert_eq!(cluster.store().replica_sets().count(), 2);
}

#[test]
fn between_two_events_the_rules_are_those_of_before() {
    let mut cluster = cluster(WEB);
    let (before, _) = endpoints(cluster.store(), "web");
    let pod = cluster.store().pods().next().unwrap().clone();
    let reference = of(Kind::Pod, &pod.metadata.name);
    delete(&mut cluster, &reference);
    let going = cluster.store().pod("default", &pod.metadata.name).unwrap();
    assert!(going.metadata.deletion_timestamp.is_some());
    assert_eq!(going.metadata.deletion_grace_period_seconds, Some(30));
    assert_eq!(
        endpoints(cluster.store(), "web").0,
        before,
        "nobody looked yet"
    );

    cluster.advance(150);
    let (ready, ending) = endpoints(cluster.store(), "web");
    assert_eq!(ready.len(), 3);
    assert_eq!(ending, std::slice::from_ref(&pod.status.pod_ip));
    let known = cluster.programmed("node-1").unwrap();
    assert_eq!(endpoints(known, "web").0, before, "the rules lag behind");

    cluster.advance(900);
    assert!(
        cluster.store().pod("default", &pod.metadata.name).is_none(),
        "its process ended"
    );
    let known = cluster.programmed("node-1").unwrap();
    assert_eq!(
        endpoints(known, "web").0,
        before,
        "a rule leads to a Pod that is gone"
    );

    cluster.settle();
    let known = cluster.programmed("node-1").unwrap();
    assert_eq!(
        endpoints(known, "web").0,
        endpoints(cluster.store(), "web").0
    );
    assert_eq!(
        endpoints(known, "web").0.len(),
        4,
        "another came in its place"
    );
}

#[test]
fn a_stateful_set_counts_its_pods_and_names_them_in_dns() {
    let mut cluster = cluster(
        "
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 3
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: 'db:1'}]}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}}
",
    );
    let names: Vec<_> = cluster
        .store()
        .pods()
        .map(|pod| pod.metadata.name.as_str())
        .collect();
    assert_eq!(names, ["db-0", "db-1", "db-2"]);
    let slice = cluster.store().endpoint_slices().next().unwrap();
    let hostnames: BTreeSet<_> = slice
        .endpoints
        .iter()
        .filter_map(|e| e.hostname.clone())
        .collect();
    assert_eq!(
        hostnames,
        ["db-0", "db-1", "db-2"].map(str::to_owned).into()
    );
    let target = of(Kind::StatefulSet, "db");
    cluster
        .execute(&Command::Scale {
            target: target.clone(),
            replicas: 1,
        })
        .unwrap();
    cluster.settle();
    assert_eq!(cluster.store().pods().count(), 1);
    let refused = patch(&mut cluster, &target, "{spec: {serviceName: other}}").unwrap_err();
    assert_eq!(
        refused.message,
        "StatefulSet.apps \"db\" is invalid: spec: Forbidden: updates to statefulset spec for \
         fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
         'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
    );
}

#[test]
fn a_drained_node_keeps_its_daemon_and_gives_its_pods_away() {
    let mut cluster = cluster(&format!(
        "{WEB}---
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: agent}}
spec:
  selector: {{matchLabels: {{app: agent}}}}
  template:
    metadata: {{labels: {{app: agent}}}}
    spec: {{containers: [{{name: a, image: 'a:1'}}]}}
"
    ));
    let on = |cluster: &Cluster, node: &str, app: &str| {
        let pods = cluster.store().pods();
        pods.filter(|pod| pod.spec.node_name == node && pod.metadata.labels["app"] == app)
            .count()
    };
    assert_eq!(on(&cluster, "node-2", "agent"), 1);
    assert!(on(&cluster, "node-2", "web") > 0);
    cluster
        .execute(&Command::Drain {
            node: "node-2".into(),
        })
        .unwrap();
    cluster.settle();
    assert_eq!(on(&cluster, "node-2", "web"), 0);
    assert_eq!(on(&cluster, "node-2", "agent"), 1);
    assert_eq!(cluster.store().pods().count(), 4 + 3);
    assert!(
        cluster
            .store()
            .node("", "node-2")
            .unwrap()
            .spec
            .unschedulable
    );
    cluster
        .execute(&Command::Cordon {
            node: "node-2".into(),
            on: false,
        })
        .unwrap();
    assert!(
        !cluster
            .store()
            .node("", "node-2")
            .unwrap()
            .spec
            .unschedulable
    );
}

#[test]
fn a_node_that_is_switched_off_keeps_its_rules_and_loses_its_pods_after_five_minutes() {
    let mut cluster = cluster(WEB);
    let old = cluster.programmed("node-2").unwrap().clone();
    cluster
        .execute(&Command::SetRunning {
            node: "node-2".into(),
            running: false,
        })
        .unwrap();
    cluster.advance(10_000);
    let ready = endpoints(cluster.store(), "web").0.len();
    assert!(ready < 4, "its Pods are not ready any more");
    assert_eq!(
        endpoints(cluster.programmed("node-2").unwrap(), "web"),
        endpoints(&old, "web")
    );
    assert_eq!(
        endpoints(cluster.programmed("node-1").unwrap(), "web")
            .0
            .len(),
        ready
    );
    cluster.settle();
    assert_eq!(
        endpoints(cluster.store(), "web").0.len(),
        4,
        "others came in their place"
    );
    let stuck = cluster
        .store()
        .pods()
        .filter(|pod| pod.metadata.deletion_timestamp.is_some());
    assert!(stuck.count() > 0, "nobody can say that they are gone");
    cluster
        .execute(&Command::SetRunning {
            node: "node-2".into(),
            running: true,
        })
        .unwrap();
    cluster.settle();
    assert_eq!(cluster.store().pods().count(), 4);
}

#[test]
fn a_probe_notices_after_a_while_that_nobody_listens() {
    let probe =
        "ports: [{containerPort: 80}], readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 5}";
    let text = WEB.replace(
        "ports: [{containerPort: 80}]",
        &probe.replace("], readiness", "]\n        readiness"),
    );
    let mut cluster = cluster(&text);
    let name = cluster.store().pods().next().unwrap().metadata.name.clone();
    let pod = of(Kind::Pod, &name);
    let ready = |cluster: &Cluster| is_ready(cluster.store().pod("default", &name).unwrap());
    let listening = Listening::LocalhostOnly;
    cluster
        .execute(&Command::SetListening {
            pod: pod.clone(),
            listening,
        })
        .unwrap();
    cluster.advance(14_000);
    assert!(ready(&cluster));
    cluster.advance(2_000);
    assert!(!ready(&cluster), "three times five seconds");
    let listening = Listening::Everywhere;
    cluster
        .execute(&Command::SetListening {
            pod: pod.clone(),
            listening,
        })
        .unwrap();
    cluster.settle();
    assert!(ready(&cluster));
    cluster
        .execute(&Command::SetReady {
            pod: pod.clone(),
            ready: Some(false),
        })
        .unwrap();
    assert!(!ready(&cluster));
    assert!(cluster.undo() && ready(&cluster));
    assert!(cluster.redo() && !ready(&cluster));
}
