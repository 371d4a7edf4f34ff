//! Every finding on a world that has it, and its fix; valid worlds; the table in the README.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{CATALOGUE, Finding, Fix, Options, examine, table};
use crate::diagnostic::Severity;
use crate::lab::{EXAMPLES, Lab, Settings};
use crate::proxy::Mode;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/doctor")
}

fn check(text: &str, from: Option<&str>) -> Vec<Finding> {
    check_with(Settings::default(), text, from)
}

fn check_with(settings: Settings, text: &str, from: Option<&str>) -> Vec<Finding> {
    let mut lab = Lab::new(settings);
    lab.open(text);
    let options = Options {
        from: from.map(str::to_owned),
    };
    examine(&lab, text, &options)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Finding, severity, object, field, line of its file in `tests/doctor/findings`.
const FOUND: &[(&str, Severity, &str, &str, u32)] = {
    use Severity::{Error, Note, Warning};
    &[
        (
            "refused",
            Error,
            "Service default/web",
            "spec.ports[0].nodePort",
            12,
        ),
        ("indentation-lost", Error, "", "", 4),
        (
            "accepted-with-warning",
            Warning,
            "Service default/web",
            "",
            15,
        ),
        (
            "namespace-not-in-text",
            Note,
            "Service shop/web",
            "metadata.namespace",
            5,
        ),
        (
            "lab-single-stack",
            Note,
            "Service default/web",
            "spec.ipFamilyPolicy",
            6,
        ),
        ("left-out", Note, "NetworkPolicy none", "", 2),
        (
            "selector-matches-nothing",
            Error,
            "Service default/web",
            "spec.selector",
            6,
        ),
        (
            "selector-in-other-namespace",
            Error,
            "Service default/web",
            "metadata.namespace",
            8,
        ),
        (
            "selector-too-broad",
            Warning,
            "Service default/web",
            "spec.selector",
            6,
        ),
        (
            "scaled-to-zero",
            Warning,
            "Deployment default/web",
            "spec.replicas",
            17,
        ),
        (
            "no-pods-here",
            Note,
            "Service default/web",
            "spec.selector",
            6,
        ),
        (
            "cluster-dns-down",
            Error,
            "Service kube-system/kube-dns",
            "spec.selector",
            8,
        ),
        (
            "target-port-not-listening",
            Error,
            "Service default/web",
            "spec.ports[0].targetPort",
            9,
        ),
        (
            "named-port-missing",
            Error,
            "Service default/web",
            "spec.ports[0].targetPort",
            10,
        ),
        (
            "protocol-mismatch",
            Error,
            "Service default/dns",
            "spec.ports[0].protocol",
            9,
        ),
        (
            "no-ready-endpoints",
            Error,
            "Service default/web",
            "spec.selector",
            6,
        ),
        (
            "pod-not-ready",
            Warning,
            "Pod default/web-1",
            "status.containerStatuses[0].state",
            52,
        ),
        (
            "lab-cannot-place",
            Note,
            "Service default/web",
            "spec.selector",
            6,
        ),
        (
            "probe-port-missing",
            Error,
            "Deployment default/web",
            "spec.template.spec.containers[0].readinessProbe.httpGet.port",
            33,
        ),
        (
            "no-selector-no-slice",
            Error,
            "Service default/web",
            "spec.selector",
            5,
        ),
        (
            "slice-port-name",
            Error,
            "EndpointSlice default/web-1",
            "ports[0].name",
            19,
        ),
        (
            "slice-of-no-service",
            Error,
            "EndpointSlice default/web-1",
            "metadata.labels",
            12,
        ),
        (
            "slice-second-address",
            Warning,
            "EndpointSlice default/web-1",
            "endpoints[0].addresses",
            20,
        ),
        (
            "slice-of-names",
            Error,
            "EndpointSlice default/web-1",
            "addressType",
            16,
        ),
        (
            "slice-disagrees",
            Error,
            "EndpointSlice default/web-x7k2p",
            "endpoints[0].addresses",
            34,
        ),
        (
            "endpoints-deprecated",
            Warning,
            "Endpoints default/web",
            "apiVersion",
            10,
        ),
        (
            "internal-policy-local",
            Warning,
            "Service default/web",
            "spec.internalTrafficPolicy",
            6,
        ),
        (
            "external-policy-local",
            Warning,
            "Service default/web",
            "spec.externalTrafficPolicy",
            7,
        ),
        (
            "affinity-and-nat",
            Warning,
            "Service default/web",
            "spec.sessionAffinity",
            7,
        ),
        (
            "load-balancer-pending",
            Warning,
            "Service default/web",
            "status.loadBalancer",
            15,
        ),
        (
            "proxy-protocol-skipped",
            Warning,
            "Service default/web",
            "metadata.annotations[load-balancer.hetzner.cloud/uses-proxyprotocol]",
            6,
        ),
        (
            "node-port-in-container",
            Note,
            "Service default/web",
            "spec.type",
            6,
        ),
        (
            "source-ranges",
            Note,
            "Service default/web",
            "spec.loadBalancerSourceRanges",
            7,
        ),
        (
            "client-shut-out",
            Warning,
            "Service default/web",
            "spec.loadBalancerSourceRanges",
            7,
        ),
        (
            "cluster-ip-only",
            Note,
            "Service default/web",
            "spec.type",
            5,
        ),
        (
            "external-ips-deprecated",
            Warning,
            "Service default/web",
            "spec.externalIPs",
            6,
        ),
        (
            "load-balancer-ip-deprecated",
            Note,
            "Service default/web",
            "spec.loadBalancerIP",
            7,
        ),
        (
            "annotation-deprecated",
            Warning,
            "Service default/web",
            "metadata.annotations[service.alpha.kubernetes.io/tolerate-unready-endpoints]",
            6,
        ),
        (
            "udp-keeps-its-pod",
            Note,
            "Service default/dns",
            "spec.ports",
            8,
        ),
        ("mode-differs", Note, "Service default/web", "spec.type", 6),
        (
            "publishes-not-ready",
            Note,
            "Service default/web",
            "spec.publishNotReadyAddresses",
            6,
        ),
        (
            "external-name-is-address",
            Error,
            "Service default/db",
            "spec.externalName",
            7,
        ),
        (
            "external-name-leads-nowhere",
            Error,
            "Service default/web",
            "spec.externalName",
            44,
        ),
        (
            "external-name-to-service",
            Note,
            "Service default/web",
            "spec.externalName",
            44,
        ),
        (
            "external-name-ports",
            Warning,
            "Service default/api",
            "spec.ports",
            8,
        ),
        (
            "external-name-selector",
            Warning,
            "Service default/api",
            "spec.selector",
            8,
        ),
        (
            "headless-port",
            Warning,
            "Service default/web",
            "spec.ports[0].targetPort",
            11,
        ),
        (
            "headless-ignores",
            Warning,
            "Service default/web",
            "spec.sessionAffinity",
            7,
        ),
        (
            "name-leads-nowhere",
            Error,
            "Deployment default/front",
            "spec.template.spec.containers[0].env[0].value",
            58,
        ),
        (
            "port-not-served",
            Error,
            "Deployment default/front",
            "spec.template.spec.containers[0].env[0].value",
            51,
        ),
        (
            "governing-service-missing",
            Error,
            "StatefulSet default/db",
            "spec.serviceName",
            17,
        ),
        (
            "ipvs-deprecated",
            Warning,
            "ConfigMap kube-system/kube-proxy",
            "data[config.conf]",
            7,
        ),
        (
            "hairpin-off",
            Warning,
            "ConfigMap kube-system/kubelet-config",
            "data[kubelet]",
            7,
        ),
        (
            "listens-on-loopback",
            Error,
            "Deployment default/web",
            "spec.template.spec.containers[0].args[0]",
            31,
        ),
        (
            "metallb-not-announced",
            Warning,
            "IPAddressPool metallb-system/lan",
            "metadata.name",
            4,
        ),
        (
            "metallb-pool-holds-node",
            Error,
            "IPAddressPool metallb-system/lan",
            "spec.addresses[0]",
            8,
        ),
    ]
};

/// Who sends, in the files that need somebody.
fn client(id: &str) -> Option<&'static str> {
    matches!(id, "client-shut-out" | "cluster-ip-only").then_some("external")
}

/// The settings in which it is found.
fn settings(id: &str) -> Settings {
    let mut settings = Settings::default();
    if id == "mode-differs" {
        settings.proxy.mode = Mode::Nftables;
    }
    settings
}

#[test]
fn every_finding_is_found_where_it_is_and_its_fix_mends_it() {
    let known: Vec<&str> = CATALOGUE.iter().map(|entry| entry.id).collect();
    let tested: Vec<&str> = FOUND.iter().map(|row| row.0).collect();
    assert_eq!(known, tested, "the catalogue and the table of this test");
    let mut wrong = Vec::new();
    for (id, severity, object, field, line) in FOUND {
        let faulty = read(&corpus().join(format!("findings/{id}.yaml")));
        let mended_path = corpus().join(format!("findings/{id}.fixed.yaml"));
        let findings = check_with(settings(id), &faulty, client(id));
        let Some(found) = findings.iter().find(|found| found.id == *id) else {
            wrong.push(format!("{id}: not found, but {findings:#?}"));
            continue;
        };
        let place = found.span.map(|span| span.start.line);
        let said = (found.severity, &*found.object, found.field.as_str(), place);
        if said != (*severity, object, field, Some(*line)) {
            wrong.push(format!("{id}: {said:?}"));
        }
        // Nothing else is wrong with the file, but for what follows from it.
        let others: Vec<&str> = findings
            .iter()
            .filter(|other| other.severity != Severity::Note && other.id != *id)
            .map(|other| other.id)
            .collect();
        let follows: &[&str] = match *id {
            "indentation-lost" => &["refused"],
            "no-ready-endpoints" => &["pod-not-ready"],
            "slice-of-no-service" => &["no-selector-no-slice"],
            "slice-of-names" => &["slice-port-name"],
            _ => &[],
        };
        if !others.iter().all(|other| follows.contains(other)) {
            wrong.push(format!("{id}: also {others:?}"));
        }
        let mended = match &found.fix {
            Some(fix @ Fix::Edits(_)) => {
                let mended = fix.apply(&faulty).expect("a fix of this very text");
                if std::env::var_os("LOBBY_WRITE").is_some() {
                    std::fs::write(&mended_path, &mended).expect("the corpus can be written");
                }
                assert_eq!(mended, read(&mended_path), "{id}");
                mended
            }
            _ => read(&mended_path),
        };
        let after = check_with(settings(id), &mended, client(id));
        if let Some(found) = after.iter().find(|found| found.id == *id) {
            wrong.push(format!("{id}: still there after the fix: {found:#?}"));
        }
        if let Some(found) = after.iter().find(|found| found.severity == Severity::Error) {
            wrong.push(format!("{id}: the fix brings {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn ids(text: &str) -> Vec<&'static str> {
    check(text, None).iter().map(|found| found.id).collect()
}

/// What a dump's slices and Pods can disagree in, each by one line of the example.
#[test]
fn slices_are_held_against_pods() {
    let faulty = read(&corpus().join("findings/slice-disagrees.yaml"));
    let right = read(&corpus().join("findings/slice-disagrees.fixed.yaml"));
    let says = |from: &str, to: &str| {
        assert!(right.contains(from), "{from}");
        let found = check(&right.replacen(from, to, 1), None);
        let own = found
            .into_iter()
            .find(|found| found.id == "slice-disagrees");
        own.map(|own| (own.severity, own.field.as_str().to_owned(), own.message))
    };
    assert!(ids(&faulty).contains(&"slice-disagrees"));
    assert_eq!(says("name: web-1\n", "name: web-1\n"), None);
    // A controller's moment: the Pod has fallen ill, or has come back.
    let ill = says(
        "type: Ready\n      status: \"True\"\n  containerStatuses",
        "type: Ready\n      status: \"False\"\n  containerStatuses",
    );
    assert_eq!(
        ill.map(|ill| (ill.0, ill.1)),
        Some((Severity::Error, "endpoints[0].conditions.ready".to_owned()))
    );
    let well = says("ready: true\n      serving", "ready: false\n      serving");
    assert_eq!(well.map(|well| well.0), Some(Severity::Warning));
    let gone = right.replacen(
        "      name: web-1\n      namespace",
        "      name: web-0\n      namespace",
        1,
    );
    let fields: Vec<String> = (check(&gone, None).iter())
        .filter(|found| found.id == "slice-disagrees")
        .map(|found| found.field.as_str().to_owned())
        .collect();
    assert_eq!(fields, ["endpoints", "endpoints[0].targetRef.name"]);
    let missing = says(
        "kind: Pod\n      name: web-1",
        "kind: Other\n      name: web-1",
    );
    assert_eq!(
        missing.map(|missing| missing.1),
        Some("endpoints".to_owned())
    );
    // What others write is theirs.
    assert_eq!(
        says("endpointslice-controller.k8s.io", "somebody.example"),
        None
    );
}

/// Modes and bridges are set in more than one place.
#[test]
fn settings_of_the_cluster_are_found_where_they_are() {
    let proxy = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: kube-proxy, namespace: kube-system}\n\
                 spec:\n  selector: {matchLabels: {k: p}}\n  template:\n    metadata: {labels: {k: p}}\n    \
                 spec: {containers: [{name: p, image: p, command: [kube-proxy, --proxy-mode=ipvs]}]}\n";
    assert!(ids(proxy).contains(&"ipvs-deprecated"));
    assert!(!ids(&proxy.replace("ipvs", "nftables")).contains(&"ipvs-deprecated"));
    let flannel = r#"apiVersion: v1
kind: ConfigMap
metadata: {name: kube-flannel-cfg, namespace: kube-flannel}
data:
  cni-conf.json: |
    {"name": "cbr0", "plugins": [{"type": "flannel", "delegate": {"hairpinMode": true}}, {"type": "portmap"}]}
"#;
    assert!(!ids(flannel).contains(&"hairpin-off"));
    assert!(ids(&flannel.replace("true", "false")).contains(&"hairpin-off"));
    assert!(ids(&flannel.replace(r#""hairpinMode": true"#, "")).contains(&"hairpin-off"));
}

/// What stands above a note in a text.
fn alarms(text: &str) -> Vec<String> {
    check(text, None)
        .iter()
        .filter(|found| found.severity != Severity::Note)
        .map(|found| {
            format!(
                "{:?} {} {} {}: {}",
                found.severity, found.id, found.object, found.field, found.message
            )
        })
        .collect()
}

#[test]
fn valid_setups_raise_no_alarm() {
    let mut count = 0;
    let mut wrong = Vec::new();
    let files = std::fs::read_dir(corpus().join("valid")).expect("the corpus is there");
    for file in files {
        let path = file.expect("a readable folder").path();
        count += 1;
        let alarms = alarms(&read(&path));
        if !alarms.is_empty() {
            wrong.push(format!("{}: {alarms:#?}", path.display()));
        }
    }
    // These two are broken on purpose, and say so in their titles; this one has lost its indentation.
    let broken = BTreeSet::from(["wrong-selector", "wrong-target-port", "lost-indentation"]);
    for example in EXAMPLES {
        let alarms = alarms(example.text());
        if broken.contains(example.id) == alarms.is_empty() {
            wrong.push(format!("{}: {alarms:#?}", example.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 12, "only {count} valid setups");
}

/// The README's table has a row for every finding, and no other.
#[test]
fn the_readme_lists_what_is_found() {
    let readme = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"));
    assert!(
        readme.contains(&format!("\n\n{}\n", table())),
        "the README's table should be that of `lobby check --list`:\n{}",
        table()
    );
}

/// Worlds with every mistake in them that the corpus has: documents of its files, shuffled together,
/// with words of one in the place of words of another.
fn worlds() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let mut documents: Vec<String> = Vec::new();
    for folder in ["findings", "valid"] {
        let mut files: Vec<PathBuf> = std::fs::read_dir(corpus().join(folder))
            .expect("the corpus is there")
            .map(|file| file.expect("a readable folder").path())
            .collect();
        files.sort();
        for file in files {
            documents.extend(read(&file).split("---\n").map(str::to_owned));
        }
    }
    const WORDS: [&str; 22] = [
        "web",
        "wep",
        "db",
        "8080",
        "80",
        "http",
        "None",
        "Local",
        "default",
        "shop",
        "TCP",
        "UDP",
        "ExternalName",
        "10.244.0.5",
        "{}",
        "[]",
        "\"\"",
        "0",
        "-1",
        "70000",
        "{a: b}",
        "&x",
    ];
    let change = (
        any::<prop::sample::Index>(),
        prop::sample::select(&WORDS[..]),
    );
    (
        prop::collection::vec(prop::sample::select(documents), 1..7),
        prop::collection::vec(change, 0..4),
        any::<bool>(),
    )
        .prop_map(|(documents, changes, has_crlf)| {
            let mut text = documents.join("---\n");
            for (at, word) in changes {
                // The value of some line becomes another one.
                let lines: Vec<&str> = text.lines().collect();
                let index = at.index(lines.len().max(1));
                let line = lines.get(index).copied().unwrap_or_default();
                let changed = match line.split_once(": ") {
                    Some((key, _)) => format!("{key}: {word}"),
                    None => line.to_owned(),
                };
                let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
                if let Some(line) = lines.get_mut(index) {
                    *line = changed;
                }
                text = lines.join("\n") + "\n";
            }
            if has_crlf {
                text.replace('\n', "\r\n")
            } else {
                text
            }
        })
}

proptest::proptest! {
    /// Whatever the world, there is no panic, every place is one of the text, and a fix that is
    /// applied brings no error to any other object.
    #[test]
    fn a_fix_never_adds_an_error(text in worlds()) {
        let findings = check(&text, None);
        let key = |found: &Finding| (found.id, found.object.clone(), found.field.clone());
        for found in &findings {
            if let Some(span) = found.span {
                proptest::prop_assert!(text.get(span.start.offset as usize..span.end.offset as usize).is_some());
            }
            let Some(fix @ Fix::Edits(_)) = &found.fix else { continue };
            let mended = fix.apply(&text);
            proptest::prop_assert!(mended.is_some(), "{found:#?} in\n{text}");
            let mended = mended.unwrap_or_default();
            proptest::prop_assert!(!fix.show(&text, "f").is_empty(), "{found:#?} in\n{text}");
            // What the server refused was not there to be examined: now it is.
            if matches!(found.id, "refused" | "indentation-lost") {
                continue;
            }
            // A Service that has Pods now has ports to be examined; it may have moved to them. What was
            // told of before is not brought by the fix, however sure it has become of it: a
            // StatefulSet's missing Service is a note as long as no other Service means its Pods. Nor
            // is what was wrong with Endpoints and is so with the slice in their place.
            let name = |object: &str| object.rsplit(['/', ' ']).next().unwrap_or_default().to_owned();
            let new: Vec<Finding> = check(&mended, None)
                .into_iter()
                .filter(|own| own.severity == Severity::Error && name(&own.object) != name(&found.object))
                .filter(|own| !findings.iter().any(|old| {
                    key(old) == key(own) || (old.id == own.id && old.object == found.object)
                }))
                .collect();
            proptest::prop_assert!(
                new.is_empty(),
                "{found:#?}\n{}\nbrings {new:#?}",
                fix.show(&text, "f")
            );
        }
    }
}
