//! Every finding on a world that has it, and its fix; valid worlds; the table in the README.

mod fixes;
mod found;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{CATALOGUE, Finding, Fix, Options, examine, table};
use crate::diagnostic::Severity;
use crate::lab::{EXAMPLES, Lab, Settings};
use crate::proxy::Mode;
use found::FOUND;

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

/// One thing of an example changed, and whether it is still found.
fn says(id: &str, changes: &[(&str, &str)]) -> Option<(Severity, String)> {
    let mut text = read(&corpus().join(format!("findings/{id}.yaml")));
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let found = check(&text, None).into_iter().find(|found| found.id == id);
    found.map(|found| (found.severity, found.message))
}

#[test]
fn clients_are_seen_where_nothing_hides_them() {
    let hidden = |from, to| says("client-address-hidden", &[(from, to)]).is_some();
    let kind = "type: LoadBalancer";
    assert!(hidden(kind, kind));
    assert!(hidden(kind, "type: NodePort"));
    assert!(hidden(kind, "type: NodePort\n  sessionAffinity: ClientIP"));
    assert!(!hidden(kind, "type: ClusterIP"));
    assert!(!hidden(
        kind,
        "type: NodePort\n  externalTrafficPolicy: Local"
    ));
    // PROXY protocol tells the address in another way; without endpoints nobody sees anything.
    let asks =
        "name: web\n  annotations: {load-balancer.hetzner.cloud/uses-proxyprotocol: \"true\"}";
    assert!(!hidden("name: web", asks));
    assert!(!hidden("replicas: 3", "replicas: 0"));
    // Whoever comes to a node port is sent away from no Node: there is no one thing that mends it.
    let text = read(&corpus().join("findings/client-address-hidden.yaml"));
    let fix = |text: &str| {
        let findings = check(text, None);
        let found = findings
            .into_iter()
            .find(|found| found.id == "client-address-hidden");
        found.and_then(|found| found.fix)
    };
    assert!(fix(&text).is_some());
    assert_eq!(fix(&text.replacen("LoadBalancer", "NodePort", 1)), None);
}

#[test]
fn urls_with_an_alias_in_them_are_told_from_names_that_nobody_checks() {
    let url = "https://payments/v1";
    let says = |to: &str| says("external-name-in-url", &[(url, to)]);
    let severity = |to: &str| says(to).map(|found| found.0);
    assert_eq!(
        severity("https://payments.default/v1"),
        Some(Severity::Warning)
    );
    assert_eq!(
        severity("wss://u:p@payments.default.svc.cluster.local:443"),
        Some(Severity::Warning)
    );
    assert_eq!(severity("http://payments/v1"), Some(Severity::Note));
    // Nothing holds a name against these: a database, a bare host, the server's own name.
    for fine in [
        "postgres://payments:5432/shop",
        "payments:443",
        "payments",
        "https://api.example.org/v1",
    ] {
        assert_eq!(says(fine), None, "{fine}");
    }
    let to = |target: &str| {
        let changes = [("api.example.org", target)];
        self::says("external-name-in-url", &changes).map(|found| found.0)
    };
    // A server that the lab does not know has a name of its own as well.
    assert_eq!(to("pay.vendor.test"), Some(Severity::Warning));
    // Another Service answers to any name, and this one is found already.
    assert_eq!(to("web.shop.svc.cluster.local"), None);
    assert_eq!(to("203.0.113.20"), None);
}

#[test]
fn names_outside_are_searched_for_as_ndots_says() {
    let url = "https://api.example.org/v1";
    let id = "outside-name-searched";
    let searched = |to: &str| says(id, &[(url, to)]).is_some();
    assert!(searched("api.example.org:443"));
    assert!(searched("https://a.b.example.org"));
    for fine in [
        // Final dot; five dots; a name inside, found or not; perhaps another namespace's; a Pod's.
        "https://api.example.org./v1",
        "https://a.b.c.d.example.org",
        "http://shop.default.svc:80",
        "http://shop.default.svc.cluster.local:80",
        "http://example.org",
        "db-0.db.shop:5432",
        "10.0.0.1:80",
    ] {
        assert!(!searched(fine), "{fine}");
    }
    let with = |line: &str| {
        let spec = format!("    spec:\n      {line}\n      containers:");
        says(id, &[("    spec:\n      containers:", &spec)]).is_some()
    };
    assert!(with("dnsPolicy: ClusterFirst"));
    assert!(with("dnsConfig: {options: [{name: ndots, value: \"3\"}]}"));
    assert!(!with("dnsConfig: {options: [{name: ndots, value: \"2\"}]}"));
    assert!(!with("dnsPolicy: Default"));
    assert!(!with("hostNetwork: true"));
    let more = "https://api.example.org/v1\n            - {name: B_URL, value: \"https://b.example.org\"}\n            \
                - {name: C_URL, value: \"https://b.example.org/2\"}";
    let message = says(id, &[(url, more)]).map(|found| found.1);
    assert_eq!(
        message.as_deref(),
        Some(
            "api.example.org is looked for under 3 names of the cluster first, and so is another host"
        )
    );
}

/// A slice in the place of Endpoints takes no other slice's name.
#[test]
fn a_new_slice_has_a_name_of_its_own() {
    let endpoints = read(&corpus().join("findings/endpoints-deprecated.yaml"));
    let slice = read(&corpus().join("findings/endpoints-deprecated.fixed.yaml"));
    let slice = slice
        .split("---\n")
        .nth(1)
        .expect("a slice behind its Service");
    let text = format!("{endpoints}---\n{slice}");
    let found = check(&text, None)
        .into_iter()
        .find(|found| found.id == "endpoints-deprecated");
    let mended = found.and_then(|found| found.fix?.apply(&text));
    let mended = mended.expect("a fix of this very text");
    assert!(
        mended.contains("name: web-1\n") && mended.contains("name: web-2\n"),
        "{mended}"
    );
    assert_eq!(alarms(&mended), [""; 0]);
}

/// A Service that moves to its Pods takes those along who call it.
#[test]
fn callers_follow_a_service_to_another_namespace() {
    let id = "selector-in-other-namespace";
    let text = read(&corpus().join(format!("findings/{id}.yaml")));
    let caller = |host: &str| {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: caller}\nspec:\n  containers:\n  \
                   - name: caller\n    image: caller\n    env: [{name: WEB_URL, value: \"http://HOST:80/v1\"}]\n";
        pod.replace("HOST", host)
    };
    for (host, then) in [
        ("web", "web.shop"),
        ("web.default", "web.shop"),
        ("web.default.svc", "web.shop.svc"),
        (
            "web.default.svc.cluster.local",
            "web.shop.svc.cluster.local",
        ),
        ("other", "other"),
    ] {
        let whole = format!("{text}---\n{}", caller(host));
        let found = check(&whole, None).into_iter().find(|found| found.id == id);
        let mended = found.and_then(|found| found.fix?.apply(&whole));
        let mended = mended.expect("a fix of this very text");
        assert!(mended.ends_with(&caller(then)), "{mended}");
        assert_eq!(alarms(&mended), [""; 0], "{host}");
    }
    // A StatefulSet cannot follow.
    let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec:\n  serviceName: web\n  \
               selector: {matchLabels: {app: db}}\n  template:\n    metadata: {labels: {app: db}}\n    \
               spec: {containers: [{name: db, image: db}]}\n";
    let whole = format!("{text}---\n{set}");
    let found = check(&whole, None).into_iter().find(|found| found.id == id);
    assert_eq!(found.and_then(|found| found.fix), None);
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

/// Two tutorials stand on the web without their indentation, and people copy them so: what is put
/// right is what was meant.
#[test]
fn a_tutorial_that_lost_its_indentation_is_mended_to_what_was_meant() {
    for file in ["tutorial-default-type", "tutorial-backend-and-frontend"] {
        let meant = read(&corpus().join(format!("valid/{file}.yaml")));
        let mut text: String = (meant.lines())
            .map(|line| line.trim_start().to_owned() + "\n")
            .collect();
        let documents = text.matches("kind: Service").count();
        for _ in 0..documents {
            let findings = check(&text, None);
            let lost = (findings.iter()).find(|found| found.id == "indentation-lost");
            let Some(fix @ Fix::Edits(_)) = lost.and_then(|found| found.fix.as_ref()) else {
                break;
            };
            text = fix.apply(&text).expect("a fix of this very text");
        }
        assert_eq!(alarms(&text), [""; 0], "{file}:\n{text}");
        let specs = |text: &str| {
            let mut lab = Lab::new(Settings::default());
            lab.open(text);
            let services = lab.world().store.services().map(|own| own.spec.clone());
            services.collect::<Vec<_>>()
        };
        assert_eq!(specs(&text), specs(&meant), "{file}:\n{text}");
    }
}

/// A tutorial's three types of one Service, pasted into one file, are one Service three times.
#[test]
fn three_types_of_one_name_are_one_service() {
    let types = ["clusterip", "nodeport", "loadbalancer"];
    let texts = types.map(|own| read(&corpus().join(format!("valid/tutorial-{own}.yaml"))));
    let twice = "Warning accepted-with-warning Service default/frontend-service : \
                 Service default/frontend-service is defined more than once: the last one counts";
    assert_eq!(alarms(&texts.join("---\n")), [twice, twice]);
}

/// A tutorial calls an ExternalName `mailservice.svc.cluster.local`. There is no such name.
#[test]
fn a_name_without_its_namespace_is_told_and_mended() {
    let text = |host: &str| {
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: mailservice}\n\
                       spec: {type: ExternalName, externalName: api.vendor.example}\n";
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: shop}\nspec:\n  containers:\n  \
                   - name: shop\n    image: shop\n    env: [{name: MAIL_HOST, value: HOST}]\n";
        format!(
            "{service}---\n{}",
            pod.replace("HOST}", &format!("{host}}}"))
        )
    };
    let wrong = text("mailservice.svc.cluster.local");
    let said = "Error name-leads-nowhere Pod default/shop spec.containers[0].env[0].value: \
                mailservice.svc.cluster.local has no namespace in it: there is no such name";
    assert_eq!(alarms(&wrong), [said]);
    let fix = check(&wrong, None).remove(0).fix;
    let mended = fix.and_then(|fix| fix.apply(&wrong));
    assert_eq!(mended, Some(text("mailservice.default.svc.cluster.local")));
    for right in ["mailservice", "mailservice.default"] {
        assert_eq!(alarms(&text(right)), [""; 0], "{right}");
    }
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
