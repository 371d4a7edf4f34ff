//! Rules of create validation, one by one, on Services with their defaults.

use super::*;
use crate::api::{Service, defaults};

const GOOD: &str = r#"{"metadata":{"name":"web","namespace":"default"},
    "spec":{"type":"LoadBalancer","ports":[{"port":80}]}}"#;

/// The errors of [`GOOD`] with a value added at a path, such as `metadata.finalizers`.
fn errors(path: &str, value: &serde_json::Value) -> Vec<String> {
    let mut json: serde_json::Value = serde_json::from_str(GOOD).unwrap();
    let (outer, inner) = path.split_once('.').unwrap();
    json[outer][inner] = value.clone();
    check(json)
}

fn check(json: serde_json::Value) -> Vec<String> {
    let mut object: Service = serde_json::from_value(json).unwrap();
    defaults::service(&mut object);
    let errors = service(&object);
    errors.iter().map(ToString::to_string).collect()
}

macro_rules! refused {
    ($($path:literal: $value:tt => [$($error:literal),* $(,)?];)*) => {$(
        assert_eq!(
            errors($path, &serde_json::json!($value)),
            Vec::<String>::from([$($error.to_owned()),*]),
        );
    )*};
}

#[test]
fn addresses_from_special_ranges_are_no_external_ips() {
    refused! {
        "spec.externalIPs": ["203.0.113.7", "2001:db8::1", "224.0.1.1", "ff05::1"] => [];
        "spec.externalIPs": ["0.0.0.0"] =>
            ["spec.externalIPs[0]: Invalid value: \"0.0.0.0\": may not be unspecified (0.0.0.0)"];
        "spec.externalIPs": ["224.0.0.9"] => [
            "spec.externalIPs[0]: Invalid value: \"224.0.0.9\": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        ];
        "spec.externalIPs": ["ff12::1"] => [
            "spec.externalIPs[0]: Invalid value: \"ff12::1\": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        ];
        "spec.externalIPs": ["::ffff:127.0.0.1"] => [
            "spec.externalIPs[0]: Invalid value: \"::ffff:127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)"
        ];
    }
}

#[test]
fn cluster_ips_follow_cluster_ip() {
    refused! {
        "spec.clusterIP": "10.96.0.1" => ["spec.clusterIPs: Required value"];
        "spec.clusterIPs": ["10.96.0.1"] => [
            "spec.clusterIPs: Invalid value: []string{\"10.96.0.1\"}: must be empty when `clusterIP` is not specified"
        ];
        "spec.ipFamilyPolicy": "Dual" => [
            "spec.ipFamilyPolicy: Unsupported value: \"Dual\": supported values: \"PreferDualStack\", \"RequireDualStack\", \"SingleStack\""
        ];
    }
    let json = serde_json::json!({
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"clusterIP": "None", "clusterIPs": ["None", "10.96.0.1"], "ports": [{"port": 80}]},
    });
    assert_eq!(
        check(json),
        [
            "spec.clusterIPs: Invalid value: []string{\"None\", \"10.96.0.1\"}: 'None' must be the \
          first and only value"
        ]
    );
}

#[test]
fn a_local_load_balancer_needs_its_health_check_port() {
    refused! {
        "spec.externalTrafficPolicy": "Local" => ["spec.healthCheckNodePort: Required value"];
    }
}

#[test]
fn the_source_range_annotation_counts_only_without_the_field() {
    let annotation = "service.beta.kubernetes.io/load-balancer-source-ranges";
    refused! {
        "metadata.annotations": {annotation: " "} => [];
        "metadata.annotations": {annotation: "10.0.0.0/8, 10.1.0.0"} => [
            "metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: Invalid value: \"10.1.0.0\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
        ];
    }
    let mut json: serde_json::Value = serde_json::from_str(GOOD).unwrap();
    json["metadata"]["annotations"] = serde_json::json!({annotation: "x"});
    json["spec"]["loadBalancerSourceRanges"] = serde_json::json!(["10.0.0.0/8"]);
    assert_eq!(check(json), Vec::<String>::new());
}

#[test]
fn words_that_are_set_and_empty_are_no_defaults() {
    refused! {
        "spec.internalTrafficPolicy": "" => [
            "spec.internalTrafficPolicy: Unsupported value: \"\": supported values: \"Cluster\", \"Local\""
        ];
        "spec.trafficDistribution": "" => [
            "spec.trafficDistribution: Unsupported value: \"\": supported values: \"PreferClose\""
        ];
        "spec.sessionAffinityConfig": {} => [];
    }
}

#[test]
fn errors_know_their_place_in_the_manifest() {
    let mut object: Service = serde_json::from_str(GOOD).unwrap();
    object.metadata.labels.insert("-bad".into(), "x".into());
    object.metadata.finalizers = vec!["a.io/b".into(), "bad one".into()];
    object.spec.load_balancer_source_ranges = vec!["x".into()];
    object.spec.selector = Some([("app".to_owned(), "-".to_owned())].into());
    defaults::service(&mut object);
    let places: Vec<String> = service(&object)
        .iter()
        .map(|error| format!("{} at {}", error.field, error.at))
        .collect();
    assert_eq!(
        places,
        [
            "metadata.labels at metadata.labels[-bad]",
            "metadata.finalizers at metadata.finalizers[1]",
            "metadata.finalizers[1] at metadata.finalizers[1]",
            "spec.selector at spec.selector[app]",
            "spec.LoadBalancerSourceRanges[0] at spec.loadBalancerSourceRanges[0]",
        ]
    );
}

#[test]
fn metadata_of_all_kinds() {
    refused! {
        "metadata.generateName": "web-" => [];
        "metadata.generateName": "-" => [
            "metadata.generateName: Invalid value: \"-\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
        ];
        "metadata.finalizers": ["kubernetes", "a.io/b"] => [];
        "metadata.finalizers": ["orphan", "foregroundDeletion"] => [
            "metadata.finalizers: Invalid value: []string{\"orphan\", \"foregroundDeletion\"}: finalizer orphan and foregroundDeletion cannot be both set"
        ];
        "metadata.annotations": {"Example.COM/Key": "any value"} => [];
        "metadata.ownerReferences": [{"apiVersion": "apps/", "kind": "", "name": "", "uid": "u"}] => [
            "metadata.ownerReferences.apiVersion: Invalid value: \"apps/\": version must not be empty",
            "metadata.ownerReferences.kind: Invalid value: \"\": kind must not be empty",
            "metadata.ownerReferences.name: Invalid value: \"\": name must not be empty",
        ];
        "metadata.ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "e", "uid": "u"}] => [
            "metadata.ownerReferences: Invalid value: v1.OwnerReference{APIVersion:\"v1\", Kind:\"Event\", Name:\"e\", UID:\"u\", Controller:(*bool)(nil), BlockOwnerDeletion:(*bool)(nil)}: /v1, Kind=Event is disallowed from being an owner"
        ];
    }
    let long = "x".repeat(256 << 10);
    refused! {
        "metadata.annotations": {"k": long} =>
            ["metadata.annotations: Too long: must have at most 262144 bytes"];
    }
    let owner = |name: &str| {
        serde_json::json!({
            "apiVersion": "v1", "kind": "Node", "name": name, "uid": "u", "controller": true,
        })
    };
    let two = errors(
        "metadata.ownerReferences",
        &serde_json::json!([owner("a"), owner("b")]),
    );
    assert_eq!(two.len(), 1);
    assert!(two[0].ends_with("Found \"true\" in references for Node/a and Node/b"));
}

proptest::proptest! {
    #[test]
    fn any_texts_and_numbers_are_judged(
        texts in proptest::collection::vec(
            "(|None|10\\.0\\.0\\.1|::1|IPv4|Local|ExternalName|LoadBalancer|ClusterIP|\\PC{0,8})", 12,
        ),
        numbers in proptest::collection::vec(proptest::num::i32::ANY, 4),
    ) {
        let json = serde_json::json!({
            "metadata": {"name": texts[0], "namespace": texts[1], "labels": {&texts[2]: texts[3]}},
            "spec": {
                "type": texts[4],
                "ports": [
                    {"name": texts[5], "port": numbers[0], "targetPort": texts[6]},
                    {"protocol": texts[7], "port": numbers[1], "nodePort": numbers[2]},
                ],
                "clusterIP": texts[8],
                "clusterIPs": &texts[8..10],
                "ipFamilies": &texts[10..],
                "externalIPs": &texts[..4],
                "loadBalancerSourceRanges": &texts[4..6],
                "externalName": texts[11],
                "externalTrafficPolicy": texts[7],
                "healthCheckNodePort": numbers[3],
            },
        });
        let mut old: Service = serde_json::from_value(json).unwrap();
        defaults::service(&mut old);
        let mut new = old.clone();
        new.spec.cluster_ips.truncate(1);
        new.spec.ip_families.reverse();
        for error in service_update(&new, &old) {
            proptest::prop_assert!(error.to_string().contains(": "));
        }
    }
}

/// The errors of an object of a manifest, with its defaults.
fn errors_of(text: &str) -> Vec<String> {
    let reading = crate::manifest::read(text);
    assert_eq!(reading.diagnostics, [], "{text}");
    let mut object = Object::clone(&reading.documents[0].object);
    crate::api::defaults::object(&mut object);
    super::object(&object)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_deployment_needs_a_selector_that_matches_its_template() {
    let deployment = |selector: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  {selector}\n  \
             template:\n    metadata: {{labels: {{app: web}}}}\n    \
             spec: {{containers: [{{name: c, image: nginx}}]}}\n"
        )
    };
    let mismatch = "spec.template.metadata.labels: Invalid value: \
                    map[string]string{\"app\":\"web\"}: `selector` does not match template `labels`";
    assert_eq!(
        errors_of(&deployment("selector: {matchLabels: {app: web}}")),
        Vec::<String>::new()
    );
    assert_eq!(
        errors_of(&deployment("selector: {matchLabels: {app: api}}")),
        [mismatch]
    );
    assert_eq!(
        errors_of(&deployment("replicas: -1")),
        [
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            "spec.selector: Required value",
            mismatch,
        ]
    );
}

#[test]
fn a_pod_is_told_what_its_containers_lack() {
    assert_eq!(
        errors_of(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  dnsPolicy: None\n  \
             containers:\n  - name: a\n    ports:\n    - {name: http, containerPort: 80}\n    \
             - {name: http, containerPort: 70000, protocol: HTTP}\n  - {name: a, image: nginx}\n"
        ),
        [
            "spec.containers[0].image: Required value",
            "spec.containers[0].ports[1].name: Duplicate value: \"http\"",
            "spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 \
             and 65535, inclusive",
            "spec.containers[0].ports[1].protocol: Unsupported value: \"HTTP\": supported values: \
             \"SCTP\", \"TCP\", \"UDP\"",
            "spec.containers[1].name: Duplicate value: \"a\"",
            "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
        ]
    );
}

#[test]
fn an_endpoint_slice_says_what_its_addresses_are() {
    let slice = |address_type: &str| {
        format!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: web}}\n\
             {address_type}\nendpoints: [{{addresses: [10.0.0.1]}}, {{addresses: [127.0.0.1]}}]\n\
             ports: []\n"
        )
    };
    let loopback = "endpoints[1].addresses[0]: Invalid value: \"127.0.0.1\": may not be in the \
                    loopback range (127.0.0.0/8, ::1/128)";
    assert_eq!(errors_of(&slice("addressType: IPv4")), [loopback]);
    assert_eq!(errors_of(&slice("")), ["addressType: Required value"]);
    assert_eq!(
        errors_of(&slice("addressType: IPv5")),
        [r#"addressType: Unsupported value: "IPv5": supported values: "FQDN", "IPv4", "IPv6""#]
    );
    assert_eq!(
        errors_of(&slice("addressType: IPv6"))[0],
        "endpoints[0].addresses[0]: Invalid value: \"10.0.0.1\": must be a valid IPv6 address"
    );
}

#[test]
fn what_may_not_change_is_told() {
    let object = |text: &str| {
        let mut object = Object::clone(&crate::manifest::read(text).documents[0].object);
        crate::api::defaults::object(&mut object);
        object
    };
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  \
                      selector: {matchLabels: {app: a}}\n  template:\n    \
                      metadata: {labels: {app: a, v: b}}\n    \
                      spec: {containers: [{name: c, image: i}]}\n";
    let (old, new) = (
        object(deployment),
        object(&deployment.replace("{matchLabels: {app: a}}", "{matchLabels: {v: b}}")),
    );
    assert_eq!(super::update(&old, &old), []);
    assert_eq!(
        super::aggregate(&super::update(&new, &old)),
        "spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{\"v\":\"b\"}, \
         MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable"
    );
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: i}]}\n";
    let (old, image, name) = (
        object(pod),
        object(&pod.replace("image: i", "image: j")),
        object(&pod.replace("name: c", "name: d")),
    );
    assert_eq!(super::update(&image, &old), []);
    let refused = super::aggregate(&super::update(&name, &old));
    assert!(
        refused.starts_with("spec: Forbidden: pod updates may not change fields other than"),
        "{refused}"
    );
}
