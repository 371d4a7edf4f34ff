//! Links, from the rule of the thing: what goes in comes out, and what is wrong is said.

use proptest::prelude::*;

use super::*;
use crate::lab::{self, Lab, Settings};

fn world(text: &str) -> World {
    World {
        text: text.to_owned(),
        seed: Some(7),
        lines: vec!["kubectl scale deployment web --replicas=3".to_owned()],
        view: vec![("step".to_owned(), "3".to_owned())],
    }
}

#[test]
fn every_example_comes_back_from_its_link() {
    for example in lab::EXAMPLES {
        let content = Content::World(world(example.text()));
        for codec in [Codec::Deflated, Codec::Plain] {
            let link = content.encode(codec).unwrap();
            assert_eq!(Content::decode(&link).as_ref(), Ok(&content));
            let address = format!("https://lab.example/lobby/?embed=1#{link}");
            assert_eq!(Content::decode(&address).as_ref(), Ok(&content));
        }
    }
}

#[test]
fn a_link_by_hand_needs_the_version_and_the_text() {
    // {"v":1,"text":"a: b"}
    let link = "v1:j:eyJ2IjoxLCJ0ZXh0IjoiYTogYiJ9";
    let by_hand = World {
        text: "a: b".to_owned(),
        ..World::default()
    };
    assert_eq!(Content::decode(link), Ok(Content::World(by_hand)));
}

#[test]
fn a_scenario_is_a_name() {
    let content = Content::Scenario("lesson/refused".to_owned());
    assert_eq!(
        content.encode(Codec::default()).as_deref(),
        Ok("v1:s:lesson/refused")
    );
    assert_eq!(Content::decode("#v1:s:lesson/refused"), Ok(content));
    assert!(matches!(
        Content::decode("#v1:s:<script>"),
        Err(Error::Scenario(_))
    ));
}

#[test]
fn what_is_wrong_is_said() {
    let of = |link: &str| Content::decode(link).unwrap_err();
    assert_eq!(of(""), Error::NotALink);
    assert_eq!(of("#section-2"), Error::NotALink);
    assert_eq!(of("v1:"), Error::NotALink);
    assert_eq!(of("v2:z:AAAA"), Error::Version("v2".to_owned()));
    assert_eq!(of("v1:q:AAAA"), Error::Codec("q".to_owned()));
    assert_eq!(of("v1:j:AA*A"), Error::Damaged(3));
    assert_eq!(of("v1:z:____"), Error::Packing);
    // {"v":3,"text":""}
    assert_eq!(
        of("v1:j:eyJ2IjozLCJ0ZXh0IjoiIn0"),
        Error::Version("3".to_owned())
    );
    for (json, why) in [
        ("[]", "it must be an object, not array"),
        ("{\"text\":\"\"}", "v, the version, is missing"),
        ("{\"v\":1}", "text, the manifests, is missing"),
        ("{\"v\":1,\"text\":3}", "text must be a string, not number"),
        (
            "{\"v\":1,\"text\":\"\",\"seed\":-1}",
            "seed must be a whole number from 0 on",
        ),
        (
            "{\"v\":1,\"text\":\"\",\"lines\":[1]}",
            "lines[0] must be a string, not number",
        ),
        (
            "{\"v\":1,\"text\":\"\",\"view\":[]}",
            "view must be an object, not array",
        ),
    ] {
        assert_eq!(
            read_file(json),
            Err(Error::Content(why.to_owned())),
            "{json}"
        );
    }
}

#[test]
fn a_file_is_told_from_manifests() {
    assert!(is_file(&write_file(&world("kind: Pod\n"))));
    // One of a later version is a file, too: reading it says so.
    assert!(is_file("{\"v\": 2}"));
    for text in [
        "",
        "kind: Pod\n",
        "{\"kind\":\"Pod\",\"v\":1}",
        "{",
        "[]",
        "v: 1\n",
    ] {
        assert!(!is_file(text), "{text}");
    }
}

#[test]
fn a_bomb_is_an_error() {
    let bomb = miniz_oxide::deflate::compress_to_vec(&vec![b'a'; MAX_LINK_CONTENT_BYTES + 1], 9);
    let link = format!("v1:z:{}", codec::pack(&bomb));
    assert!(link.len() < 20_000, "a few bytes stand for many");
    assert_eq!(Content::decode(&link), Err(Error::Large));
    let long = "v1:j:".to_owned() + &"A".repeat(MAX_LINK_BYTES);
    assert_eq!(
        Content::decode(&long),
        Err(Error::Long { length: long.len() })
    );
    let large = Content::World(world(&"a".repeat(MAX_LINK_CONTENT_BYTES)));
    assert_eq!(large.encode(Codec::default()), Err(Error::Large));
}

/// Found by the fuzzer: whoever writes a link names its view in any order.
#[test]
fn a_view_in_any_order_comes_back_as_it_was_read() {
    let json = r#"{"v": 1, "text": "", "view": {"step": "3", "panel": "rules", "skin": "hotel"}}"#;
    let read = read_file(json).unwrap();
    assert_eq!(read_file(&write_file(&read)).as_ref(), Ok(&read));
    let names: Vec<&str> = read.view.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["panel", "skin", "step"]);
}

proptest! {
    #[test]
    fn any_world_comes_back(
        text in "\\PC*(\n\\PC*){0,4}",
        seed: Option<u64>,
        lines in prop::collection::vec("\\PC*", 0..4),
        view in prop::collection::btree_map("[a-z]{1,8}", "\\PC*", 0..4),
    ) {
        let view = view.into_iter().collect();
        let content = Content::World(World { text, seed, lines, view });
        for codec in [Codec::Deflated, Codec::Plain] {
            let link = content.encode(codec).unwrap();
            prop_assert!(link.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":-_".contains(&byte)));
            prop_assert_eq!(Content::decode(&link), Ok(content.clone()));
        }
    }

    #[test]
    fn no_text_is_a_panic(link in "(v1:[zjs]:)?\\PC{0,200}") {
        let _ = Content::decode(&link);
    }

    #[test]
    fn no_bytes_are_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), deflated: bool) {
        let codec = if deflated { 'z' } else { 'j' };
        let _ = Content::decode(&format!("v1:{codec}:{}", codec::pack(&bytes)));
    }
}

/// What one click sends in a world, and how it ends.
fn ends(text: &str) -> (Vec<String>, Option<String>) {
    let mut lab = Lab::new(Settings::default());
    let repaired = crate::manifest::read(text).repaired;
    let outcome = lab.open(repaired.as_ref().map_or(text, |repair| &repair.text));
    let errors = outcome
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .map(|diagnostic| diagnostic.message.clone())
        .collect();
    let end = lab.suggestion().and_then(|request| {
        let journey = lab.send(&request).ok()?;
        Some(format!("{:?} {}", journey.verdict.kind, journey.hops.len()))
    });
    (errors, end)
}

#[test]
fn a_redacted_world_behaves_as_before_and_tells_no_name() {
    for example in lab::EXAMPLES {
        let redacted = redact(example.text()).unwrap();
        assert_eq!(
            ends(&redacted.text),
            ends(example.text()),
            "{}\n{}",
            example.id,
            redacted.text
        );
        for (name, _) in &redacted.replaced {
            let is_there = redacted
                .text
                .split(|character: char| {
                    !(character.is_alphanumeric() || "-_.".contains(character))
                })
                .any(|word| word == name);
            assert!(!is_there, "{}: {name} in\n{}", example.id, redacted.text);
        }
    }
}

const DUMP: &str = r#"
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Namespace
  metadata: {name: payments}
- apiVersion: v1
  kind: Secret
  metadata: {name: database, namespace: payments}
  stringData: {password: hunter2}
- apiVersion: v1
  kind: Service
  metadata:
    name: ledger
    namespace: payments
    annotations:
      owner: jane@acme.example
      service.kubernetes.io/topology-mode: Auto
      metallb.universe.tf/loadBalancerIPs: 203.0.113.7,203.0.113.9
  spec:
    type: LoadBalancer
    clusterIP: 10.96.44.5
    clusterIPs: [10.96.44.5]
    selector: {acme.example/team: ledger, app: ledger}
    ports: [{name: rpc, port: 80, targetPort: rpc, nodePort: 31000}]
    loadBalancerSourceRanges: [198.51.100.0/24]
- apiVersion: v1
  kind: Pod
  metadata:
    name: ledger-7d4b-x2x
    namespace: payments
    creationTimestamp: "2026-01-02T03:04:05Z"
    labels: {acme.example/team: ledger, app: ledger}
  spec:
    nodeName: ip-10-1-2-3.acme.internal
    containers:
    - name: ledger
      image: registry.acme.example/ledger:1.2
      env: [{name: TOKEN, value: s3cret}]
      ports: [{name: rpc, containerPort: 8080}]
- apiVersion: v1
  kind: Service
  metadata: {name: partner, namespace: payments}
  spec: {type: ExternalName, externalName: ledger.payments.svc.cluster.local}
"#;

#[test]
fn a_dump_keeps_its_shape_alone() {
    let redacted = redact(DUMP).unwrap();
    let text = &redacted.text;
    for secret in [
        "payments",
        "ledger",
        "acme",
        "jane",
        "hunter2",
        "s3cret",
        "TOKEN",
        "203.0.113.7",
        "198.51.100",
        "10.96.44.5",
        "ip-10-1-2-3",
        "partner",
    ] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
    for kept in [
        "service.kubernetes.io/topology-mode: Auto",
        "targetPort: rpc",
        "nodePort: 31000",
        "2026-01-02T03:04:05Z",
        "type: LoadBalancer",
        ".svc.cluster.local",
        "app: ",
    ] {
        assert!(text.contains(kept), "{kept} not in\n{text}");
    }
    // The selector and the labels are the same still.
    let stream = yaml_of(text);
    let items = stream
        .get("items")
        .and_then(|items| items.as_list())
        .unwrap();
    let service = items[1].get("spec").and_then(|spec| spec.get("selector"));
    let pod = items[2]
        .get("metadata")
        .and_then(|metadata| metadata.get("labels"));
    assert!(service.is_some());
    assert_eq!(service, pod);
    let names: Vec<&str> = redacted
        .left_out
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["Secret", "annotations", "env", "image"]);
}

fn yaml_of(text: &str) -> crate::yaml::Node {
    let mut documents = crate::yaml::read(text).documents;
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}
