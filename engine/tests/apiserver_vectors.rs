//! The recorded vectors of the API server and its EndpointSlice controller.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::PathBuf;

use lobby_engine::api::selector::{self, Labels, Selector};
use lobby_engine::api::{EndpointSlice, LabelSelector, Node, Pod, Service};
use lobby_engine::api::{defaults, validation};
use lobby_engine::controllers::endpoint_slice::{self, Memory, Reconciled};
use serde::Deserialize;

fn vectors(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/conformance")
        .join(path)
}

fn lines<T: for<'de> Deserialize<'de>>(path: &str) -> Vec<T> {
    let text = fs::read_to_string(vectors(path)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SelectorCase {
    name: String,
    labels: Labels,
    selector: Option<String>,
    label_selector: Option<LabelSelector>,
    service_selector: Option<Labels>,
    matches: Option<bool>,
    canonical: Option<String>,
    error: Option<String>,
}

#[test]
fn selectors() {
    let cases: Vec<SelectorCase> = lines("validation/selectors.jsonl");
    assert_eq!(cases.len(), 35);
    for case in cases {
        let name = &case.name;
        let got = if let Some(text) = &case.selector {
            text.parse::<Selector>()
        } else if let Some(structured) = &case.label_selector {
            Selector::try_from(structured)
        } else {
            let map = case.service_selector.as_ref().unwrap();
            let selects = selector::service_selects(map, &case.labels);
            assert_eq!(Some(selects), case.matches, "{name}");
            Ok(Selector::from_map(map))
        };
        match got {
            Ok(got) => {
                assert_eq!(Some(got.to_string()), case.canonical, "{name}");
                assert_eq!(Some(got.matches(&case.labels)), case.matches, "{name}");
            }
            Err(error) => assert_eq!(Some(error.to_string()), case.error, "{name}"),
        }
    }
}

#[derive(Deserialize)]
struct ServiceCase {
    name: String,
    manifest: String,
    errors: Vec<String>,
    defaulted: Option<serde_json::Value>,
}

#[test]
fn services() {
    let cases: Vec<ServiceCase> = lines("validation/services.jsonl");
    assert_eq!(cases.len(), 126);
    for case in cases {
        let name = &case.name;
        let mut service: Service = serde_yaml::from_str(&case.manifest).unwrap();
        defaults::service(&mut service);
        let spec = &mut service.spec;
        if spec.cluster_ips.is_empty() && !spec.cluster_ip.is_empty() {
            spec.cluster_ips.push(spec.cluster_ip.clone());
        }
        let errors = validation::service(&service);
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(errors, case.errors, "{name}");
        if errors.is_empty() {
            let defaulted = serde_json::json!({ "spec": service.spec });
            assert_eq!(Some(defaulted), case.defaulted, "{name}");
        }
    }
}

#[derive(Default)]
struct Cluster {
    service: Service,
    pods: Vec<Pod>,
    nodes: Vec<Node>,
    slices: Vec<EndpointSlice>,
}

fn read_cluster(text: &str) -> Cluster {
    let mut cluster = Cluster::default();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = serde_yaml::Value::deserialize(document).unwrap();
        match value["kind"].as_str().unwrap() {
            "Service" => cluster.service = serde_yaml::from_value(value).unwrap(),
            "Pod" => cluster.pods.push(serde_yaml::from_value(value).unwrap()),
            "Node" => cluster.nodes.push(serde_yaml::from_value(value).unwrap()),
            "EndpointSlice" => cluster.slices.push(serde_yaml::from_value(value).unwrap()),
            other => panic!("a vector with a {other}"),
        }
    }
    defaults::service(&mut cluster.service);
    for pod in &mut cluster.pods {
        defaults::pod_spec(&mut pod.spec);
    }
    for slice in &mut cluster.slices {
        defaults::endpoint_slice(slice);
    }
    cluster
}

#[derive(Deserialize)]
struct Wanted {
    slices: Vec<EndpointSlice>,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    errors: Vec<String>,
}

/// Leaves out what the vectors leave out, and puts the rest into their order.
fn normal(slices: &[EndpointSlice]) -> Vec<EndpointSlice> {
    let mut slices = slices.to_vec();
    for slice in &mut slices {
        for owner in &mut slice.metadata.owner_references {
            owner.uid.clear();
        }
        slice.endpoints.sort_by(|a, b| {
            let key = |e: &lobby_engine::api::Endpoint| {
                (e.addresses.clone(), e.target_ref.clone().unwrap().name)
            };
            key(a).cmp(&key(b))
        });
    }
    slices.sort_by_key(|slice| (slice.address_type, format!("{:?}", slice.ports)));
    slices
}

/// What is the same in every run of a controller that takes endpoints in no fixed order.
fn summary(slices: &[EndpointSlice]) -> (Vec<usize>, Vec<String>, Vec<String>) {
    let mut sizes: Vec<usize> = slices.iter().map(|slice| slice.endpoints.len()).collect();
    let mut endpoints = Vec::new();
    let mut hints = Vec::new();
    for endpoint in slices.iter().flat_map(|slice| &slice.endpoints) {
        let mut endpoint = endpoint.clone();
        let own = endpoint.hints.take().unwrap_or_default();
        hints.extend(own.for_zones.into_iter().map(|zone| zone.name));
        endpoints.push(format!("{endpoint:?}"));
    }
    sizes.sort_unstable();
    endpoints.sort();
    hints.sort();
    (sizes, endpoints, hints)
}

#[test]
fn endpoint_slices() {
    let mut cases: Vec<_> = fs::read_dir(vectors("endpointslices"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert_eq!(cases.len(), 38);
    for case in cases {
        let read = |file: &str| fs::read_to_string(case.join(file)).unwrap();
        let cluster = read_cluster(&read("input.yaml"));
        let wanted: Wanted = serde_yaml::from_str(&read("slices.yaml")).unwrap();
        let got: Reconciled = endpoint_slice::reconcile(
            &cluster.service,
            &cluster.pods.iter().collect::<Vec<_>>(),
            &cluster.nodes.iter().collect::<Vec<_>>(),
            &cluster.slices,
            Memory::default(),
        );
        let name = case.display();
        if read("case.yaml").contains("placement: arbitrary") {
            assert_eq!(summary(&got.slices), summary(&wanted.slices), "{name}");
        } else {
            assert_eq!(normal(&got.slices), normal(&wanted.slices), "{name}");
        }
        let events: Vec<String> = got.events.iter().map(ToString::to_string).collect();
        assert_eq!(events, wanted.events, "{name}");
        assert_eq!(got.errors, wanted.errors, "{name}");
    }
}
