//! The answers that were recorded from CoreDNS 1.13.1, set by set.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use lobby_engine::api::Object;
use lobby_engine::dns::{CoreDns, Corefile, Listing, Question, Record, Upstream};
use serde::Deserialize;
use serde_yaml::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Set {
    #[serde(rename = "dnsPodIPs")]
    dns_pod_ips: Vec<IpAddr>,
    upstream: Vec<String>,
}

fn vectors() -> PathBuf {
    let root = std::env::var_os("LOBBY_CONFORMANCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance"),
        PathBuf::from,
    );
    root.join("dns")
}

fn objects(text: &str) -> Vec<Object> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| {
            let value = Value::deserialize(document).expect("a YAML document");
            let kind = value["kind"].as_str().expect("a kind").to_owned();
            match kind.as_str() {
                "Namespace" => Object::Namespace(serde_yaml::from_value(value).expect("it")),
                "Service" => Object::Service(serde_yaml::from_value(value).expect("it")),
                "EndpointSlice" => {
                    Object::EndpointSlice(serde_yaml::from_value(value).expect("it"))
                }
                "Pod" => Object::Pod(serde_yaml::from_value(value).expect("it")),
                other => panic!("CoreDNS does not look at a {other}"),
            }
        })
        .collect()
}

#[test]
fn coredns_answers_as_recorded() {
    let mut folders: Vec<_> = fs::read_dir(vectors())
        .expect("the folder of vectors")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    folders.sort();
    let mut counts = BTreeMap::new();
    let mut wrong = Vec::new();
    for folder in folders {
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect(name);
        let set: Set = serde_yaml::from_str(&read("set.yaml")).expect("set.yaml");
        let (corefile, diagnostics) = Corefile::read(&read("Corefile"));
        assert_eq!(diagnostics, [], "{}", folder.display());
        let objects = objects(&read("objects.yaml"));
        let records = set
            .upstream
            .iter()
            .map(|line| line.parse::<Record>().expect("a record of upstream"));
        let server = CoreDns::new(corefile, &objects, &set.dns_pod_ips, Upstream::new(records));
        for line in read("queries.jsonl").lines() {
            let expected: Listing = serde_json::from_str(line).expect("a query");
            let question = Question::new(expected.q.clone(), expected.record_type);
            let got = Listing::new(&question, &server.answer(&question));
            *counts.entry(folder.clone()).or_insert(0) += 1;
            if got != expected {
                wrong.push(format!(
                    "{}: {question}\n  recorded {}\n  got      {}",
                    folder.display(),
                    serde_json::to_string(&expected).expect("JSON"),
                    serde_json::to_string(&got).expect("JSON"),
                ));
            }
        }
    }
    let all: usize = counts.values().sum();
    println!("dns: {} of {all}", all - wrong.len());
    assert!(all > 0, "no vectors in {}", vectors().display());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
