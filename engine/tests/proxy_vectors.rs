//! kube-proxy's recorded rules, all scenarios in all modes.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its own data has failed"
)]

#[path = "../../tests/src/canon.rs"]
#[expect(unreachable_pub, reason = "it is public in the crate that it is of")]
mod canon;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use lobby_engine::api::{EndpointSlice, Node, Service, ServiceSpec};
use lobby_engine::proxy::{Mode, ProxyConfig, RuleSet, dump};
use serde::Deserialize;

struct Scenario {
    name: String,
    folder: PathBuf,
    config: ProxyConfig,
    nodes: Vec<Node>,
    services: Vec<Service>,
    slices: Vec<EndpointSlice>,
}

impl Scenario {
    fn rules(&self, mode: Mode) -> RuleSet {
        let node = self
            .nodes
            .iter()
            .find(|node| node.metadata.name == self.config.node);
        RuleSet::new(mode, &self.config, node, &self.services, &self.slices).unwrap()
    }
}

fn conformance() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the API server would have filled in.
fn default_service(spec: &mut ServiceSpec) {
    let fill = |text: &mut String, default: &str| {
        if text.is_empty() {
            *text = default.to_owned();
        }
    };
    fill(&mut spec.type_, "ClusterIP");
    fill(&mut spec.session_affinity, "None");
    for port in &mut spec.ports {
        fill(&mut port.protocol, "TCP");
    }
    spec.internal_traffic_policy
        .get_or_insert_with(|| "Cluster".to_owned());
    if matches!(spec.type_.as_str(), "NodePort" | "LoadBalancer") || !spec.external_ips.is_empty() {
        fill(&mut spec.external_traffic_policy, "Cluster");
    }
}

fn scenarios() -> Vec<Scenario> {
    let mut folders: Vec<PathBuf> = fs::read_dir(conformance().join("proxy"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders.into_iter().map(scenario).collect()
}

fn scenario(folder: PathBuf) -> Scenario {
    let mut scenario = Scenario {
        name: folder.file_name().unwrap().to_string_lossy().into_owned(),
        config: serde_yaml::from_str(&read(&folder.join("config.yaml"))).unwrap(),
        nodes: Vec::new(),
        services: Vec::new(),
        slices: Vec::new(),
        folder,
    };
    let input = read(&scenario.folder.join("input.yaml"));
    for document in serde_yaml::Deserializer::from_str(&input) {
        let value = serde_yaml::Value::deserialize(document).unwrap();
        match value.get("kind").and_then(|kind| kind.as_str()) {
            Some("Node") => scenario.nodes.push(serde_yaml::from_value(value).unwrap()),
            Some("Service") => {
                let mut service: Service = serde_yaml::from_value(value).unwrap();
                default_service(&mut service.spec);
                scenario.services.push(service);
            }
            Some("EndpointSlice") => {
                scenario.slices.push(serde_yaml::from_value(value).unwrap());
            }
            kind => panic!("{}: unexpected kind {kind:?}", scenario.name),
        }
    }
    scenario
}

/// The first line in which two texts differ.
fn first_difference(expected: &str, actual: &str) -> String {
    let mut pairs = expected.lines().zip(actual.lines()).enumerate();
    match pairs.find(|(_, (a, b))| a != b) {
        Some((number, (a, b))) => format!("line {}\n  - {a}\n  + {b}", number + 1),
        None => {
            let (a, b) = (expected.lines().count(), actual.lines().count());
            format!("{a} lines expected, {b} written")
        }
    }
}

fn compare(mode: Mode, kind: canon::Kind, file: &str) {
    let scenarios = scenarios();
    assert_eq!(scenarios.len(), 91);
    let mut failures = String::new();
    let mut failed = 0;
    for scenario in &scenarios {
        let actual = dump(&scenario.rules(mode));
        let actual = canon::canon(kind, &actual).unwrap();
        let expected = read(&scenario.folder.join(file));
        if actual != expected {
            failed += 1;
            let difference = first_difference(&expected, &actual);
            let _ = writeln!(failures, "{}: {difference}", scenario.name);
        }
    }
    assert!(failed == 0, "{failed} of 91 differ\n{failures}");
}

#[test]
fn iptables_as_recorded() {
    compare(Mode::Iptables, canon::Kind::Iptables, "iptables.txt");
}

#[test]
fn ipvs_as_recorded() {
    compare(Mode::Ipvs, canon::Kind::Ipvs, "ipvs.txt");
}

#[test]
fn nftables_as_recorded() {
    compare(Mode::Nftables, canon::Kind::Nftables, "nftables.txt");
}

#[test]
fn top_level_calls_as_recorded() {
    let scenarios = scenarios();
    for (mode, file) in [
        (Mode::Iptables, "iptables-top.txt"),
        (Mode::Ipvs, "ipvs-top.txt"),
    ] {
        let expected = read(&conformance().join(file));
        let actual = scenarios[0].rules(mode).top_level();
        assert_eq!(actual, expected.lines().collect::<Vec<_>>(), "{mode}");
    }
    assert!(scenarios[0].rules(Mode::Nftables).top_level().is_empty());
}
