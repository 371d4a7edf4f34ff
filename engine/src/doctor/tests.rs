use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{CATALOGUE, Finding, Fix, Options, examine};
use crate::diagnostic::Severity;
use crate::lab::{EXAMPLES, Lab, Settings};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/doctor")
}

fn check(text: &str, from: Option<&str>) -> Vec<Finding> {
    let mut lab = Lab::new(Settings::default());
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

#[test]
fn every_finding_is_found_where_it_is_and_its_fix_mends_it() {
    let known: Vec<&str> = CATALOGUE.iter().map(|entry| entry.id).collect();
    let tested: Vec<&str> = FOUND.iter().map(|row| row.0).collect();
    assert_eq!(known, tested, "the catalogue and the table of this test");
    let mut wrong = Vec::new();
    for (id, severity, object, field, line) in FOUND {
        let faulty = read(&corpus().join(format!("findings/{id}.yaml")));
        let mended_path = corpus().join(format!("findings/{id}.fixed.yaml"));
        let findings = check(&faulty, client(id));
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
        let after = check(&mended, client(id));
        if let Some(found) = after.iter().find(|found| found.id == *id) {
            wrong.push(format!("{id}: still there after the fix: {found:#?}"));
        }
        if let Some(found) = after.iter().find(|found| found.severity == Severity::Error) {
            wrong.push(format!("{id}: the fix brings {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
        let alarms = alarms(example.text);
        if broken.contains(example.id) == alarms.is_empty() {
            wrong.push(format!("{}: {alarms:#?}", example.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 12, "only {count} valid setups");
}
