//! What the API server says, recorded from its strict decoder (k8s.io/apimachinery's JSON
//! serializer), and where it is said.

use proptest::strategy::Strategy as _;

use super::*;
use crate::api::IntOrString;
use crate::diagnostic::Severity;

fn service(spec: &str) -> Reading {
    read(&format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: x}}\n{spec}\n"
    ))
}

fn deployment(spec: &str) -> Reading {
    read(&format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: x}}\n{spec}\n"
    ))
}

fn messages(reading: &Reading) -> Vec<&str> {
    let messages = reading.diagnostics.iter();
    messages.map(|diagnostic| &*diagnostic.message).collect()
}

/// The text that a span covers.
fn at(text: &str, span: Span) -> &str {
    &text[span.start.offset as usize..span.end.offset as usize]
}

#[test]
fn types_are_refused_in_the_servers_words() {
    for (spec, error) in [
        (
            "spec: {selector: {a: yes}}",
            "json: cannot unmarshal bool into Go struct field ServiceSpec.spec.selector of type string",
        ),
        (
            "spec: {ports: [{port: \"80\"}]}",
            "json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32",
        ),
        (
            "spec: {ports: [{port: 80.5}]}",
            "json: cannot unmarshal number 80.5 into Go struct field ServicePort.spec.ports.port of type int32",
        ),
        (
            "spec: {ports: [{port: 99999999999}]}",
            "json: cannot unmarshal number 99999999999 into Go struct field ServicePort.spec.ports.port of type int32",
        ),
        (
            "spec: {ports: [{port: 80,targetPort: true}]}",
            "json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32",
        ),
        (
            "spec: {ports: {port: 80}}",
            "json: cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort",
        ),
        (
            "spec: []",
            "json: cannot unmarshal array into Go struct field Service.spec of type v1.ServiceSpec",
        ),
        (
            "spec: {selector: [a]}",
            "json: cannot unmarshal array into Go struct field ServiceSpec.spec.selector of type map[string]string",
        ),
        (
            "spec: {clusterIPs: [1]}",
            "json: cannot unmarshal number into Go struct field ServiceSpec.spec.clusterIPs of type string",
        ),
        (
            "spec: {type: 1}",
            "json: cannot unmarshal number into Go struct field ServiceSpec.spec.type of type v1.ServiceType",
        ),
        (
            "spec: {ports: [\"port:80\"]}",
            "json: cannot unmarshal string into Go struct field ServiceSpec.spec.ports of type v1.ServicePort",
        ),
        (
            "spec: {allocateLoadBalancerNodePorts: 1}",
            "json: cannot unmarshal number into Go struct field ServiceSpec.spec.allocateLoadBalancerNodePorts of type bool",
        ),
        (
            "spec: {sessionAffinityConfig: {clientIP: {timeoutSeconds: x}}}",
            "json: cannot unmarshal string into Go struct field ClientIPConfig.spec.sessionAffinityConfig.clientIP.timeoutSeconds of type int32",
        ),
        (
            "status: {loadBalancer: {ingress: [{ip: 1}]}}",
            "json: cannot unmarshal number into Go struct field LoadBalancerIngress.status.loadBalancer.ingress.ip of type string",
        ),
    ] {
        let reading = service(spec);
        assert_eq!(messages(&reading), [error]);
        assert!(reading.documents.is_empty());
    }
    for (spec, error) in [
        (
            "spec: {selector: {matchLabels: {a: 1}}}",
            "json: cannot unmarshal number into Go struct field LabelSelector.spec.selector.matchLabels of type string",
        ),
        (
            "spec: {template: {spec: {containers: [{ports: [{containerPort: \"80\"}]}]}}}",
            "json: cannot unmarshal string into Go struct field ContainerPort.spec.template.spec.containers.ports.containerPort of type int32",
        ),
        (
            "spec: {template: {spec: {containers: [{livenessProbe: {httpGet: {port: true}}}]}}}",
            "json: cannot unmarshal bool into Go struct field HTTPGetAction.spec.template.spec.containers.livenessProbe.httpGet.port of type int32",
        ),
        (
            "spec: {strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 1.5}}}",
            "json: cannot unmarshal number 1.5 into Go struct field RollingUpdateDeployment.spec.strategy.rollingUpdate.maxUnavailable of type int32",
        ),
        (
            "spec: {template: {spec: {containers: [{resources: {limits: {cpu: x, memory: 1Gi}}}]}}}",
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            "spec: {template: {metadata: {creationTimestamp: 5}}}",
            "json: cannot unmarshal number into Go struct field ObjectMeta.spec.template.metadata.creationTimestamp of type string",
        ),
    ] {
        assert_eq!(messages(&deployment(spec)), [error]);
    }
}

#[test]
fn null_is_as_if_it_were_not_there() {
    let reading = service(
        "spec: {selector: null, ports: [null, {port: 80.0, targetPort: 8e1, name: ~}], type: }\nstatus:",
    );
    assert_eq!(messages(&reading), [""; 0]);
    let Object::Service(service) = &*reading.documents[0].object else {
        panic!()
    };
    assert_eq!(service.spec.selector, None);
    assert_eq!(service.spec.ports.len(), 2);
    assert_eq!(service.spec.ports[1].port, 80);
    assert_eq!(
        service.spec.ports[1].target_port,
        Some(IntOrString::Int(80))
    );
    assert_eq!(service.spec.ports[0].port, 0);

    let reading = super::tests::service("spec: {selector: {app: }}");
    let Object::Service(service) = &*reading.documents[0].object else {
        panic!()
    };
    assert_eq!(service.spec.selector.as_ref().unwrap()["app"], "");
}

#[test]
fn unknown_fields_are_errors_with_place_and_hint() {
    let text = "apiVersion: v1
kind: Service
metadata:
  name: web
  lables: {a: b}
spec:
  selctor:
    app: web
  targetPort: 80
  ports:
  - port: 80
    nodeport: 30080
    Port: 81
    zzz: 1
type: NodePort
";
    let reading = read(text);
    let found: Vec<_> = reading
        .diagnostics
        .iter()
        .map(|d| (&*d.message, at(text, d.span.unwrap()), d.hint.as_deref()))
        .collect();
    let unknown = |path: &str| format!("strict decoding error: unknown field \"{path}\"");
    let expected = [
        ("metadata.lables", "lables", Some("did you mean `labels`?")),
        ("spec.selctor", "selctor", Some("did you mean `selector`?")),
        (
            "spec.targetPort",
            "targetPort",
            Some("`targetPort` is a field of `spec.ports[]`: check the indentation of this line"),
        ),
        (
            "spec.ports[0].nodeport",
            "nodeport",
            Some("did you mean `nodePort`?"),
        ),
        ("spec.ports[0].Port", "Port", Some("did you mean `port`?")),
        ("spec.ports[0].zzz", "zzz", None),
        (
            "type",
            "type",
            Some("`type` is a field of `spec`: check the indentation of this line"),
        ),
    ];
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, &(&*unknown(expected.0), expected.1, expected.2));
    }
    let first = &reading.diagnostics[0];
    assert_eq!(first.severity, Severity::Error);
    assert_eq!(first.object.as_deref(), Some("Service default/web"));
    assert_eq!(first.field.as_deref(), Some("metadata.lables"));
    // It is decoded all the same.
    assert_eq!(reading.documents.len(), 1);

    let reading = deployment("spec: {selector: {app: web}}");
    assert_eq!(messages(&reading), [unknown("spec.selector.app")]);
    let hint = reading.diagnostics[0].hint.as_deref().unwrap();
    assert!(hint.contains("matchLabels: {app"), "{hint}");
}

#[test]
fn what_a_server_writes_does_no_harm() {
    let reading = read(
        "apiVersion: v1
kind: Pod
metadata:
  name: web
  uid: abc
  resourceVersion: '5'
  creationTimestamp: 2024-05-01T10:00:00Z
  managedFields:
  - manager: kubectl
    operation: Update
    apiVersion: v1
    time: '2024-05-01T10:00:00Z'
    fieldsType: FieldsV1
    fieldsV1: {'f:metadata': {'f:labels': {}}}
spec:
  affinity: {podAntiAffinity: {}}
  volumes: [{name: a, emptyDir: {}, projected: {sources: []}}]
  containers:
  - name: c
    resources: {limits: {cpu: 100m, memory: 1}}
status:
  podIP: 10.244.1.5
  podIPs: [{ip: 10.244.1.5}]
  observedGeneration: 1
  conditions: [{type: Ready, status: 'True', observedGeneration: 1}]
",
    );
    assert_eq!(messages(&reading), [""; 0]);
    let Object::Pod(pod) = &*reading.documents[0].object else {
        panic!()
    };
    assert_eq!(pod.status.pod_ip, "10.244.1.5");
    assert_eq!(pod.metadata.namespace, "default");
}

#[test]
fn a_field_of_a_later_release_is_a_warning() {
    let reading =
        read("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {hostnameOverride: y}\n");
    let warning = &reading.diagnostics[0];
    assert_eq!(warning.severity, Severity::Warning);
    assert!(warning.hint.as_ref().unwrap().contains("v1.34"));
}

#[test]
fn equal_keys_are_a_warning_at_the_second() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: x, labels: {a: b, a: c}}\nspec:\n  ports:\n  - port: 80\n    port: 81\n";
    let reading = read(text);
    assert_eq!(
        messages(&reading),
        [
            r#"strict decoding error: duplicate field "metadata.labels.a""#,
            r#"strict decoding error: duplicate field "spec.ports[0].port""#,
        ]
    );
    let warning = &reading.diagnostics[1];
    assert_eq!(warning.severity, Severity::Warning);
    assert_eq!(warning.span.unwrap().start.line, 7);
    assert_eq!(
        warning.hint.as_deref(),
        Some("line 6 has `port` already; the last one counts")
    );
    let Object::Service(service) = &*reading.documents[0].object else {
        panic!()
    };
    assert_eq!(service.spec.ports[0].port, 81);
}

#[test]
fn a_key_that_yaml_takes_for_a_boolean_is_told() {
    let reading = service("spec: {selector: {on: a, \"yes\": b, app: c, 0x10: d}}");
    assert_eq!(
        messages(&reading),
        [
            "the key `on` is no text in YAML: it becomes \"true\"",
            "the key `0x10` is no text in YAML: it becomes \"16\"",
        ]
    );
    let hint = reading.diagnostics[0].hint.as_deref();
    assert_eq!(hint, Some("with quotes it stays what it is: \"on\""));
}

#[test]
fn kind_and_version_must_be_there() {
    for (text, message) in [
        (
            "metadata: {name: x}\n",
            r#"Object 'Kind' is missing in '{"metadata":{"name":"x"}}'"#,
        ),
        (
            "kind: Service\n",
            "error validating data: apiVersion not set",
        ),
        (
            "hello\n",
            "json: cannot unmarshal string into Go value of type unstructured.detector",
        ),
        (
            "- a\n",
            "json: cannot unmarshal array into Go value of type unstructured.detector",
        ),
        (
            "apiVersion: v1\nkind: 5\n",
            "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string",
        ),
        (
            "apiVersion: v1\nkind: Servce\nmetadata: {name: x}\n",
            r#"no matches for kind "Servce" in version "v1""#,
        ),
    ] {
        assert_eq!(messages(&read(text)), [message]);
    }
}

#[test]
fn lists_are_unfolded_with_their_places() {
    let text = "apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: a}
- apiVersion: v1
  kind: LimitRange
  metadata: {name: c, namespace: shop}
---
apiVersion: v1
kind: NamespaceList
items:
- metadata:
    name: shop
";
    let reading = read(text);
    let names: Vec<_> = reading
        .documents
        .iter()
        .map(|document| document.object.reference().to_string())
        .collect();
    assert_eq!(names, ["Service default/a", "Namespace shop"]);
    assert_eq!(messages(&reading), ["LimitRange is not modelled: left out"]);
    assert_eq!(reading.diagnostics[0].severity, Severity::Note);
    assert_eq!(
        reading.diagnostics[0].object.as_deref(),
        Some("LimitRange shop/c")
    );
    let place = reading.documents[1]
        .place(&FieldPath::new("metadata.name"))
        .unwrap();
    assert_eq!(
        (at(text, place.value), place.value.start.line),
        ("shop", 15)
    );
}

#[test]
fn a_field_has_its_place_or_the_nearest_one() {
    let text = "apiVersion: v1
kind: Service
metadata:
  name: web
  labels: {app.kubernetes.io/name: w}
spec:
  loadBalancerSourceRanges: [10.0.0.0/8]
  ports:
  - port: 80
    \"nodePort\": 30080
";
    let reading = read(text);
    let place = |path| {
        let place = reading.documents[0].place(&FieldPath::new(path)).unwrap();
        (
            place.key.map(|key| at(text, key)),
            at(text, place.value),
            place.is_exact,
        )
    };
    assert_eq!(
        place("spec.ports[0].nodePort"),
        (Some("\"nodePort\""), "30080", true)
    );
    assert_eq!(
        place("metadata.labels[app.kubernetes.io/name]"),
        (Some("app.kubernetes.io/name"), "w", true)
    );
    let (key, value, is_exact) = place("spec.ports[0].targetPort");
    assert_eq!((key, is_exact), (None, false));
    assert!(
        value.starts_with("port: 80") && value.ends_with("30080"),
        "{value:?}"
    );
    assert_eq!(place("spec.LoadBalancerSourceRanges[0]").1, "10.0.0.0/8");
    assert_eq!(place("status.loadBalancer").1, text.trim_end());
    assert_eq!(place("").1, text.trim_end());
    assert_eq!(reading.documents[0].place(&FieldPath::new("a[")), None);
}

#[test]
fn one_document_s_mistake_leaves_the_others() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\na: b: c\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
    let reading = read(text);
    assert_eq!(reading.documents.len(), 2);
    assert_eq!(
        messages(&reading),
        ["yaml: mapping values are not allowed in this context"]
    );
    assert_eq!(reading.diagnostics[0].span.unwrap().start.line, 5);
}

#[test]
fn there_is_a_limit_of_objects() {
    let item = "- {apiVersion: v1, kind: Namespace}\n";
    let text = format!(
        "apiVersion: v1\nkind: List\nitems:\n{}",
        item.repeat(MAX_OBJECTS + 2)
    );
    let reading = read(&text);
    assert_eq!(reading.documents.len(), MAX_OBJECTS);
    let [error] = &reading.diagnostics[..] else {
        panic!("{:?}", reading.diagnostics);
    };
    assert!(error.message.contains(&MAX_OBJECTS.to_string()));
}

#[test]
fn lost_indentation_is_told_first_and_a_repair_is_offered() {
    let text = "apiVersion: v1\nkind: Service\nmetadata:\nname: web\nspec:\nselector:\napp: web\nports:\n- port: 80\n";
    let reading = read(text);
    let first = &reading.diagnostics[0];
    assert!(
        first
            .message
            .starts_with("the indentation of this manifest was lost")
    );
    assert_eq!(at(text, first.span.unwrap()), "name: web");
    assert_eq!(
        reading.diagnostics[1].message,
        r#"strict decoding error: unknown field "name""#
    );
    let repaired = read(&reading.repaired.unwrap().text);
    assert_eq!(
        (repaired.diagnostics.len(), repaired.documents.len()),
        (0, 1)
    );
    // Any other mistake brings no offer.
    assert_eq!(service("spec: {selctor: {a: b}}").repaired, None);
}

/// Lines of which manifests are made, whole and broken.
fn lines() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let line = prop::sample::select(vec![
        "apiVersion: v1",
        "apiVersion: apps/v1",
        "kind: Service",
        "kind: Deployment",
        "kind: List",
        "items:",
        "metadata:",
        "name: web",
        "labels:",
        "app: web",
        "spec:",
        "selector:",
        "matchLabels:",
        "template:",
        "containers:",
        "- name: c",
        "image: i",
        "ports:",
        "- port: 80",
        "- containerPort: 80",
        "type: NodePort",
        "- x",
        "---",
        "# why",
        "",
        "Some words of a page",
        "note: |",
        "args: [a,",
        "on: 1",
        "{{ x }}",
    ]);
    let indented =
        (0..4usize, line).prop_map(|(depth, line)| format!("{}{line}\n", "  ".repeat(depth)));
    let flat = prop::collection::vec(line_of_service(), 0..14);
    prop_oneof![
        prop::collection::vec(indented, 0..25).prop_map(|lines| lines.concat()),
        flat.prop_map(|lines| format!("apiVersion: v1\nkind: Service\n{}", lines.concat())),
    ]
}

fn line_of_service() -> impl proptest::strategy::Strategy<Value = String> {
    proptest::sample::select(vec![
        "metadata:\n",
        "name: web\n",
        "labels:\n",
        "app: web\n",
        "tier: front\n",
        "spec:\n",
        "selector:\n",
        "ports:\n",
        "- port: 80\n",
        "targetPort: 8080\n",
        "type: NodePort\n",
    ])
    .prop_map(str::to_owned)
}

proptest::proptest! {
    #[test]
    fn any_lines_are_read_and_a_repair_is_one(text in lines()) {
        let reading = read(&text);
        for document in &reading.documents {
            proptest::prop_assert!(document.span.end.offset as usize <= text.len());
        }
        if let Some(repair) = reading.repaired {
            // It reads without an error, needs no repair itself, and no word was added.
            let again = read(&repair.text);
            proptest::prop_assert!(!again.has_errors());
            proptest::prop_assert_eq!(again.repaired, None);
            let words = |text: &str| -> Vec<String> {
                text.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "---").map(str::to_owned).collect()
            };
            let original = words(&text);
            let mut rest = original.iter();
            for line in words(&repair.text) {
                proptest::prop_assert!(rest.any(|known| *known == line), "{} is not in order", line);
            }
        }
    }
}
