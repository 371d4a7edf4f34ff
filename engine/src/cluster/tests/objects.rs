//! Objects that change, load balancers, Endpoints, dumps.

use super::*;

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
