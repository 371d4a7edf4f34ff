//! What happens in a cluster, and when.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::controllers::endpoint_slice::SERVICE_NAME_LABEL;
use crate::controllers::kubelet::is_ready;
use crate::manifest;

/// Three Nodes, two Namespaces.
const BASE: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: default}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Node
metadata: {name: node-1}
---
apiVersion: v1
kind: Node
metadata: {name: node-2}
---
apiVersion: v1
kind: Node
metadata: {name: node-3}
";

fn load(cluster: &mut Cluster, text: &str) {
    let reading = manifest::read(text);
    assert_eq!(reading.diagnostics, []);
    for document in &reading.documents {
        cluster.load(&document.object, &document.tree).unwrap();
    }
    let nodes: Vec<String> = cluster
        .store()
        .nodes()
        .map(|node| node.metadata.name.clone())
        .collect();
    cluster.complete_nodes(&nodes).unwrap();
    cluster.finish_load();
}

fn with(settings: Settings, text: &str) -> Cluster {
    let mut cluster = Cluster::new(settings);
    load(&mut cluster, &format!("{BASE}---\n{text}"));
    cluster.settle();
    cluster
}

fn cluster(text: &str) -> Cluster {
    with(Settings::default(), text)
}

fn node(text: &str) -> Node {
    crate::yaml::read(text).documents.remove(0)
}

fn of(kind: Kind, name: &str) -> ObjectRef {
    let namespace = if kind.is_namespaced() { "default" } else { "" };
    ObjectRef::new(kind, namespace, name)
}

fn patch(cluster: &mut Cluster, target: &ObjectRef, text: &str) -> Result<Done, StatusError> {
    cluster.execute(&Command::Patch {
        target: target.clone(),
        patch: Patch::Strategic(node(text)),
    })
}

fn delete(cluster: &mut Cluster, target: &ObjectRef) {
    let command = Command::Delete {
        target: target.clone(),
        grace_seconds: None,
    };
    cluster.execute(&command).unwrap();
}

/// The ready endpoints of a Service, and those that only serve while they end.
fn endpoints(store: &Store, service: &str) -> (Vec<String>, Vec<String>) {
    let (mut ready, mut ending) = (vec![], vec![]);
    for slice in store.endpoint_slices() {
        if slice
            .metadata
            .labels
            .get(SERVICE_NAME_LABEL)
            .map(String::as_str)
            != Some(service)
        {
            continue;
        }
        for endpoint in &slice.endpoints {
            let list = match (endpoint.conditions.ready, endpoint.conditions.terminating) {
                (Some(true), _) => &mut ready,
                (_, Some(true)) => &mut ending,
                _ => continue,
            };
            list.extend(endpoint.addresses.iter().cloned());
        }
    }
    ready.sort();
    (ready, ending)
}

const WEB: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1
        env: [{name: A, value: b}]
        ports: [{containerPort: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
";

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

#[test]
fn a_service_changes_its_type_and_what_it_has_no_use_for_is_free() {
    let mut cluster = cluster(WEB);
    let web = of(Kind::Service, "web");
    let before = cluster.taken();
    patch(&mut cluster, &web, "{spec: {type: NodePort}}").unwrap();
    let port = cluster
        .store()
        .service("default", "web")
        .unwrap()
        .spec
        .ports[0]
        .node_port;
    assert!(port >= 30_000);
    assert_eq!(cluster.taken(), (before.0, before.1 + 1));
    let again = patch(&mut cluster, &web, "{spec: {type: NodePort}}");
    assert_eq!(again, Ok(Done::Unchanged));
    let refused = patch(&mut cluster, &web, "{spec: {clusterIP: 10.96.200.200}}").unwrap_err();
    assert_eq!(refused.reason, Reason::Invalid);
    assert_eq!(
        refused.message,
        "Service \"web\" is invalid: spec.clusterIPs[0]: Invalid value: \
         []string{\"10.96.200.200\"}: may not change once set"
    );
    assert_eq!(
        cluster.taken(),
        (before.0, before.1 + 1),
        "a refusal takes nothing"
    );
    patch(&mut cluster, &web, "{spec: {type: ClusterIP}}").unwrap();
    assert_eq!(cluster.taken(), before);
    let printed = cluster.get(&web).unwrap().to_string();
    assert!(!printed.contains("nodePort"), "{printed}");
    delete(&mut cluster, &web);
    assert_eq!(cluster.taken(), (before.0 - 1, before.1));
    cluster.settle();
    assert_eq!(cluster.store().endpoint_slices().count(), 0);
}

#[test]
fn apply_is_that_of_kubectl() {
    let mut cluster = cluster(WEB);
    let text = "{apiVersion: v1, kind: Service, metadata: {name: api}, spec: {selector: {app: web}, ports: [{port: 80, name: a}, {port: 81, name: b}], type: NodePort}}";
    let manifest = node(text);
    assert_eq!(
        cluster.execute(&Command::Apply(manifest.clone())),
        Ok(Done::Created)
    );
    let stored = cluster.get(&of(Kind::Service, "api")).unwrap();
    assert_eq!(
        tree::text(&stored, &["metadata", "annotations", LAST_APPLIED]),
        "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"annotations\":{},\"name\":\
         \"api\",\"namespace\":\"default\"},\"spec\":{\"ports\":[{\"name\":\"a\",\"port\":80},\
         {\"name\":\"b\",\"port\":81}],\"selector\":{\"app\":\"web\"},\"type\":\"NodePort\"}}\n"
    );
    assert_eq!(
        cluster.execute(&Command::Apply(manifest)),
        Ok(Done::Unchanged)
    );
    let before = cluster
        .store()
        .service("default", "api")
        .unwrap()
        .spec
        .clone();
    let less = node(&text.replace(", {port: 81, name: b}", ""));
    assert_eq!(cluster.execute(&Command::Apply(less)), Ok(Done::Configured));
    let after = cluster
        .store()
        .service("default", "api")
        .unwrap()
        .spec
        .clone();
    assert_eq!(after.ports, before.ports[..1]);
    assert_eq!(after.cluster_ip, before.cluster_ip);
    let words = |error: StatusError| (error.reason, error.message);
    let create = Command::Create(node(text));
    assert_eq!(
        cluster.execute(&create).map_err(words),
        Err((
            Reason::AlreadyExists,
            "services \"api\" already exists".to_owned()
        ))
    );
    let elsewhere = Command::Create(node(
        &text.replace("name: api", "name: api, namespace: nowhere"),
    ));
    assert_eq!(
        cluster.execute(&elsewhere).map_err(words),
        Err((
            Reason::NotFound,
            "namespaces \"nowhere\" not found".to_owned()
        ))
    );
    let mut stale = cluster.get(&of(Kind::Service, "api")).unwrap();
    tree::set(&mut stale, &["metadata", "resourceVersion"], "1".into());
    assert_eq!(
        cluster
            .execute(&Command::Replace(stale))
            .map_err(words)
            .unwrap_err()
            .0,
        Reason::Conflict
    );
}

#[test]
fn a_deployment_is_deleted_with_all_that_it_made_and_a_namespace_with_all_that_is_in_it() {
    let mut cluster = cluster(&format!(
        "{WEB}---\n{}",
        WEB.replace("{name: web", "{name: web, namespace: shop")
    ));
    assert_eq!(cluster.store().pods().count(), 8);
    delete(&mut cluster, &of(Kind::Deployment, "web"));
    cluster.settle();
    assert_eq!(cluster.store().pods().count(), 4);
    assert_eq!(cluster.store().replica_sets().count(), 1);
    delete(&mut cluster, &of(Kind::Namespace, "shop"));
    cluster.settle();
    assert!(cluster.store().namespace("", "shop").is_none());
    assert_eq!(cluster.store().pods().count(), 0);
    assert_eq!(cluster.store().services().count(), 1);
    let protected = Command::Delete {
        target: of(Kind::Namespace, "default"),
        grace_seconds: None,
    };
    assert_eq!(
        cluster.execute(&protected).unwrap_err().reason,
        Reason::Forbidden
    );
}

#[test]
fn every_provider_builds_in_its_own_time_and_takes_down_again() {
    let service = WEB.replace(
        "  selector: {app: web}\n  ports",
        "  type: LoadBalancer\n  selector: {app: web}\n  ports",
    );
    for provider in Provider::ALL {
        let mut cluster = Cluster::new(Settings {
            provider,
            ..Settings::default()
        });
        load(&mut cluster, &format!("{BASE}---\n{service}"));
        let ingress = |cluster: &Cluster| {
            let web = cluster.store().service("default", "web").unwrap();
            web.status.load_balancer.ingress.first().cloned()
        };
        cluster.advance(100);
        assert_eq!(ingress(&cluster), None, "{provider}: pending");
        cluster.advance(provider.delay());
        let built = ingress(&cluster);
        assert_eq!(built.is_some(), provider != Provider::None, "{provider}");
        cluster.settle();
        let web = of(Kind::Service, "web");
        delete(&mut cluster, &web);
        let is_held = cluster.store().service("default", "web").is_some();
        assert_eq!(
            is_held,
            provider != Provider::None,
            "{provider}: its finalizer holds it"
        );
        cluster.settle();
        assert!(
            cluster.store().service("default", "web").is_none(),
            "{provider}"
        );
        assert_eq!(cluster.taken(), (0, 0));
    }
}

#[test]
fn endpoints_of_a_person_are_mirrored() {
    let mut cluster = cluster(
        "
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {ports: [{port: 5432}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: db}
subsets: [{addresses: [{ip: 192.0.2.10}], ports: [{port: 5432}]}]
",
    );
    assert_eq!(endpoints(cluster.store(), "db").0, ["192.0.2.10"]);
    let db = of(Kind::Endpoints, "db");
    patch(
        &mut cluster,
        &db,
        "{subsets: [{addresses: [{ip: 192.0.2.11}], ports: [{port: 5432}]}]}",
    )
    .unwrap();
    cluster.settle();
    assert_eq!(endpoints(cluster.store(), "db").0, ["192.0.2.11"]);
    assert_eq!(cluster.store().endpoint_slices().count(), 1);
    delete(&mut cluster, &db);
    cluster.settle();
    assert_eq!(cluster.store().endpoint_slices().count(), 0);
}

#[test]
fn a_dump_is_the_truth_until_somebody_changes_it() {
    let source = cluster(WEB);
    let mut text = String::new();
    for kind in [
        Kind::Namespace,
        Kind::Node,
        Kind::Pod,
        Kind::Service,
        Kind::EndpointSlice,
        Kind::Deployment,
    ] {
        for object in source.list(kind, None) {
            text.push_str(&format!("---\n{object}\n"));
        }
    }
    for with_sets in [true, false] {
        let mut text = text.clone();
        if with_sets {
            for object in source.list(Kind::ReplicaSet, None) {
                text.push_str(&format!("---\n{object}\n"));
            }
        }
        let mut cluster = Cluster::default();
        load(&mut cluster, &text);
        cluster.settle();
        for kind in [
            Kind::Pod,
            Kind::Service,
            Kind::EndpointSlice,
            Kind::Deployment,
            Kind::Node,
        ] {
            assert_eq!(cluster.list(kind, None), source.list(kind, None), "{kind}");
        }
        // Then it goes on as a cluster does.
        let target = of(Kind::Deployment, "web");
        cluster
            .execute(&Command::Scale {
                target,
                replicas: 6,
            })
            .unwrap();
        cluster.settle();
        assert_eq!(cluster.store().pods().count(), 6);
        assert_eq!(endpoints(cluster.store(), "web").0.len(), 6);
        assert_eq!(cluster.store().replica_sets().count(), 1);
        let addresses: BTreeSet<_> = cluster
            .store()
            .pods()
            .map(|pod| &pod.status.pod_ip)
            .collect();
        assert_eq!(addresses.len(), 6, "no address is given twice");
        for pod in source.store().pods() {
            assert!(cluster.store().pod("default", &pod.metadata.name).is_some());
        }
    }
}

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
