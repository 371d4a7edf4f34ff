//! Manifests whose indentation was lost, and what is made of them.

use super::*;

/// Takes away all indentation, repairs, and expects the original.
fn check(text: &str) {
    let flat: String = text
        .lines()
        .map(|line| format!("{}\n", line.trim_start()))
        .collect();
    let repaired = repair_indentation(&flat);
    assert_eq!(
        repaired.as_deref(),
        Some(text),
        "{}",
        repaired.as_deref().unwrap_or("nothing")
    );
    // What is right is not repaired.
    assert_eq!(repair(text), None);
}

fn nothing(text: &str) {
    assert_eq!(repair(text), None);
}

#[test]
fn a_service() {
    check(
        "apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
  - port: 80
    targetPort: 8080
",
    );
    check(
        "# The desk
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  labels:
    app.kubernetes.io/name: web
    tier: front
  annotations:
    note: \"any text: at all\" # and why
spec:
  type: NodePort
  sessionAffinity: ClientIP
  sessionAffinityConfig:
    clientIP:
      timeoutSeconds: 10
  selector:
    app: web
    tier: front
  # What is listened on
  ports:
  - name: http
    protocol: TCP
    port: 80
    targetPort: http
    nodePort: 30080
  - name: admin
    port: 81
  externalIPs:
  - 192.0.2.1
  externalTrafficPolicy: Local
",
    );
}

#[test]
fn the_type_behind_the_labels_or_the_ports_is_the_service_s() {
    check(
        "apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
  - protocol: TCP
    port: 80 # web
  selector:
    app: web
    role: front
  type: LoadBalancer
",
    );
}

#[test]
fn a_deployment() {
    check(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app: web
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 25%
  template:
    metadata:
      labels:
        app: web
        tier: front
    spec:
      containers:
      - name: web
        image: nginx:1.27
        command:
        - nginx
        - -g
        - daemon off;
        env:
        - name: MODE
          value: fast
        - name: HOST
          valueFrom:
            fieldRef:
              fieldPath: spec.nodeName
        ports:
        - containerPort: 80
          name: http
        - containerPort: 9090
          protocol: TCP
        resources:
          limits:
            cpu: 100m
            memory: 64Mi
          requests:
            cpu: 50m
        readinessProbe:
          httpGet:
            path: /ready
            port: 80
          initialDelaySeconds: 5
          periodSeconds: 10
      - name: sidecar
        image: busybox
      restartPolicy: Always
      nodeSelector:
        disk: ssd
",
    );
}

#[test]
fn other_kinds_and_several_documents() {
    check(
        "apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  containers:
  - image: nginx
    name: web
    ports:
    - containerPort: 80
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web-1
  labels:
    kubernetes.io/service-name: web
addressType: IPv4
ports:
- name: http
  port: 80
endpoints:
- addresses:
  - 10.0.0.1
  conditions:
    ready: true
",
    );
}

#[test]
fn a_page_around_it_is_left_out_and_named() {
    let text = "What Is a Service?
A switchboard: - Selects Pods
apiVersion: v1
kind: Service
metadata:
name: web
spec:
selector:
app: web
ports:
- port: 80
targetPort: 8080
This exposes Pods
on port 80.
- Default Service type

Example:

  apiVersion: v1
  kind: Service
  metadata:
    name: kept
  spec:
    ports:
      - port: 80

Use cases:
EXTERNAL-IP: 34.120.45.90
";
    let repair = repair(text).unwrap();
    assert_eq!(
        repair.text,
        "apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
  - port: 80
    targetPort: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: kept
spec:
  ports:
    - port: 80
"
    );
    let lines = |spans: &[Span]| -> Vec<_> {
        spans
            .iter()
            .map(|span| (span.start.line, span.end.line))
            .collect()
    };
    assert_eq!(lines(&repair.lost), [(6, 12)]);
    assert_eq!(lines(&repair.left_out), [(1, 2), (13, 17), (27, 28)]);
}

#[test]
fn what_is_not_clear_is_not_repaired() {
    let service =
        |spec: &str| format!("apiVersion: v1\nkind: Service\nmetadata:\nname: x\nspec:\n{spec}\n");
    // A label or the Service's type?
    nothing(&service("selector:\ntype: ClusterIP\nports:\n- port: 80"));
    // A label or the template's own name?
    nothing(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\nname: x\nspec:\nselector:\nmatchLabels:\na: b\ntemplate:\nmetadata:\nlabels:\na: b\nname: y\nspec:\ncontainers:\n- name: c\nimage: i\n",
    );
    // A slip in a name, which cannot be placed.
    nothing(&service("selctor:\napp: web\nports:\n- port: 80"));
    // A value of several lines.
    nothing(
        "apiVersion: v1\nkind: Pod\nmetadata:\nname: x\nspec:\ncontainers:\n- name: c\nimage: i\ncommand:\n- |\necho a\n",
    );
    // A kind without a schema.
    nothing("apiVersion: v1\nkind: LimitRange\nmetadata:\nname: x\nspec:\nlimits: b\n");
    // A field outside of the manifest is no text of a page.
    nothing(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: x\nspec:\n  type: ClusterIP\n\nand ports\n\nports:\n- port: 80\n",
    );
    nothing("");
    nothing("hello: world\n");
}

#[test]
fn any_lines_are_searched_in_time() {
    let mut text = "apiVersion: v1\nkind: Pod\nmetadata:\nname: x\nspec:\ncontainers:\n".to_owned();
    for n in 0..1000 {
        text.push_str(&format!(
            "- name: c{n}\nimage: i\nports:\n- containerPort: 80\n"
        ));
    }
    assert!(repair(&text).is_some());
    let labels: String = (0..4900).map(|n| format!("name{n}: x\n")).collect();
    assert!(
        repair(&format!(
            "apiVersion: v1\nkind: Service\nmetadata:\nname: x\nlabels:\n{labels}"
        ))
        .is_some()
    );
}
