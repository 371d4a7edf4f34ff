//! Large texts: manifests, and a real cluster's dump of what they make.
//!
//! The dump is made by a cluster of the engine, printed as `kubectl get -A -o yaml` prints it, with
//! the `managedFields` that a real server adds.

use std::fmt::Write as _;

use lobby_engine::api::Kind;
use lobby_engine::lab::{Lab, Settings};

/// The manifests of so many Deployments of two Pods with a Service each.
pub(crate) fn manifests(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let _ = write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web-{number}, namespace: ns-{space}}}\n\
             spec:\n  replicas: 2\n  selector: {{matchLabels: {{app: web-{number}}}}}\n  template:\n    \
             metadata: {{labels: {{app: web-{number}}}}}\n    spec:\n      containers:\n      - name: web\n        \
             image: registry.example/team/web:1.2.{number}\n        env: [{{name: MODE, value: production}}]\n        \
             ports: [{{name: http, containerPort: 8080}}]\n\
             ---\napiVersion: v1\nkind: Service\nmetadata: {{name: web-{number}, namespace: ns-{space}}}\nspec:\n  \
             selector: {{app: web-{number}}}\n  ports: [{{port: 80, targetPort: http}}]\n",
            space = number % 20
        );
    }
    text
}

/// A server's own book-keeping about one object.
const MANAGED_FIELDS: &str = r#"[{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:app":{},"f:pod-template-hash":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"00000000-0000-4000-8000-000000000000\"}":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:ports":{}}}}},"manager":"kube-controller-manager","operation":"Update","time":"2026-01-01T08:00:00Z"}]"#;

/// A dump of so many objects: Namespaces, Nodes, Pods, Services, EndpointSlices, Deployments,
/// ReplicaSets, Endpoints.
pub(crate) fn dump(objects: usize, as_json: bool) -> String {
    let mut lab = Lab::new(Settings::default());
    // Seven objects of each; the cluster brings some along itself.
    lab.open(&manifests(objects.div_ceil(7) + 5));
    let mut items = Vec::new();
    for kind in [
        Kind::Namespace,
        Kind::Node,
        Kind::Pod,
        Kind::Service,
        Kind::EndpointSlice,
        Kind::Deployment,
        Kind::ReplicaSet,
        Kind::Endpoints,
    ] {
        items.extend(lab.cluster().list(kind, None));
    }
    assert!(items.len() >= objects, "{}", items.len());
    items.truncate(objects);
    let mut out = String::new();
    for item in &items {
        let item = item.to_string().replacen(
            r#""metadata":{"#,
            &format!(r#""metadata":{{"managedFields":{MANAGED_FIELDS},"#),
            1,
        );
        if as_json {
            let _ = write!(out, "{}{item}", if out.is_empty() { "" } else { ",\n" });
        } else {
            let value: serde_json::Value = serde_json::from_str(&item).expect("JSON of our own");
            let yaml = serde_yaml::to_string(&value).expect("YAML of JSON");
            let mut prefix = "- ";
            for line in yaml.lines() {
                let _ = writeln!(out, "{prefix}{line}");
                prefix = "  ";
            }
        }
    }
    if as_json {
        format!(r#"{{"apiVersion":"v1","kind":"List","items":[{out}]}}"#)
    } else {
        format!("apiVersion: v1\nitems:\n{out}kind: List\n")
    }
}
