//! What happens in a cluster, and when.

mod objects;
mod pods;
mod undo;

use std::collections::BTreeSet;

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
