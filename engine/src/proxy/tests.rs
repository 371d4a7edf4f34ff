//! What has to hold for any objects: what a running kube-proxy has equals a full sync, what it
//! sends makes a kernel equal to it, and every rule can say where it is and what made it.

mod objects;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use objects::{Event, NAMES, Objects, apply, config, event, metadata, mode, node, service, slice};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::{Mode, Proxier, ProxyConfig, RuleSet, SYNC_PERIOD_MS, Tables, diff, dump};
use crate::api::{Endpoint, EndpointPort, EndpointSlice, Service, ServicePort, ServiceSpec};

/// The chains of a kernel, as iptables-restore without `--flush` fills them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kernel(BTreeMap<(String, String), Vec<String>>);

impl Kernel {
    fn restore(&mut self, text: &str) {
        let mut table = "";
        for line in text.lines() {
            let word = |n| line.split(' ').nth(n).unwrap_or_default().to_owned();
            if let Some(name) = line.strip_prefix('*') {
                table = name;
            } else if let Some(rest) = line.strip_prefix(':') {
                let chain = rest.split(' ').next().unwrap();
                self.0
                    .insert((table.to_owned(), chain.to_owned()), Vec::new());
            } else if line.starts_with("-A ") {
                let chain = self.0.get_mut(&(table.to_owned(), word(1)));
                chain
                    .expect("a rule's chain is declared")
                    .push(line.to_owned());
            } else if line.starts_with("-X ") {
                let gone = self.0.remove(&(table.to_owned(), word(1)));
                assert_eq!(gone, Some(Vec::new()), "only an empty chain can be deleted");
            } else {
                assert_eq!(line, "COMMIT");
            }
        }
    }

    /// Every jump leads to a chain that is there.
    fn is_closed(&self) -> bool {
        const TARGETS: [&str; 6] = ["ACCEPT", "DROP", "REJECT", "RETURN", "MARK", "DNAT"];
        self.0.iter().all(|((table, _), rules)| {
            rules.iter().all(|rule| {
                let target = rule.split_once(" -j ").map_or("RETURN", |(_, rest)| rest);
                let target = target.split(' ').next().unwrap();
                TARGETS.contains(&target)
                    || target == "MASQUERADE"
                    || self.0.contains_key(&(table.clone(), target.to_owned()))
            })
        })
    }
}

/// IPVS' tables of a kernel: every line that shows something, without its order.
fn shown(tables: &Tables) -> BTreeSet<String> {
    let sets = tables.ipset.lines().filter(|line| line.starts_with("add "));
    let lines = tables
        .ipvsadm
        .lines()
        .chain(tables.kube_ipvs0.lines())
        .chain(sets);
    lines.map(str::to_owned).collect()
}

/// Does what the calls say to what is shown.
fn call(shown: &mut BTreeSet<String>, calls: &str) {
    for line in calls.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let gone = |shown: &mut BTreeSet<String>, start: &str| {
            let count = shown.len();
            shown.retain(|line| line != start.trim_end() && !line.starts_with(start));
            assert_ne!(shown.len(), count, "{line}: there is no such thing");
        };
        match words[..] {
            ["ipset", "add", ..] => assert!(shown.insert(line.replacen("ipset ", "", 1))),
            ["ipset", "del", set, entry] => gone(shown, &format!("add {set} {entry}")),
            ["ip", "address", verb, ip, ..] => {
                let ip = ip.split('/').next().unwrap().to_owned();
                assert!(if verb == "add" {
                    shown.insert(ip)
                } else {
                    shown.remove(&ip)
                });
            }
            ["ipvsadm", "-D", flag, server] => {
                gone(shown, &format!("-A {flag} {server} "));
                shown.retain(|line| !line.starts_with(&format!("-a {flag} {server} ")));
            }
            ["ipvsadm", "-d", flag, server, "-r", real] => {
                gone(shown, &format!("-a {flag} {server} -r {real} "));
            }
            ["ipvsadm", "-E", flag, server, ..] => {
                gone(shown, &format!("-A {flag} {server} "));
                shown.insert(line.replacen("ipvsadm -E", "-A", 1));
            }
            _ => assert!(shown.insert(line.replacen("ipvsadm ", "", 1)), "{line}"),
        }
    }
}

/// Syncs, and checks that everything equals a full sync.
fn sync_and_check(
    proxier: &mut Proxier,
    kernel: &mut Kernel,
    expected: &RuleSet,
) -> Result<(), TestCaseError> {
    let before = proxier.rule_set();
    let sync = proxier.sync(0);
    let rules = proxier.rule_set();
    prop_assert_eq!(dump(&rules), dump(expected));
    match rules.mode() {
        Mode::Nftables => prop_assert_eq!(sync.text.to_string(), expected.text()),
        Mode::Ipvs => {
            prop_assert_eq!(sync.text.to_string(), expected.text());
            if let (false, Some(old), Some(new)) = (sync.full, before.ipvs(), expected.ipvs()) {
                let mut tables = shown(old);
                call(&mut tables, &sync.tables);
                prop_assert_eq!(tables, shown(new));
            }
        }
        Mode::Iptables => {
            kernel.restore(&sync.text.to_string());
            let mut fresh = Kernel::default();
            fresh.restore(&expected.text());
            prop_assert!(fresh.is_closed());
            prop_assert_eq!(&*kernel, &fresh);
        }
    }
    prop_assert!(!proxier.is_pending());
    let again = proxier.full_sync(0);
    prop_assert_eq!(again.text.to_string(), expected.text());
    Ok(())
}

/// Numbers that the text gives its rules and elements, by table or chain.
fn numbered(text: &str) -> BTreeSet<(String, u32, String)> {
    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut table = String::new();
    let mut numbered = BTreeSet::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name.to_owned();
        }
        let nth = match line {
            _ if line.starts_with("-A ") => 1,
            _ if line.starts_with("add rule ") || line.starts_with("add element ") => 4,
            _ => continue,
        };
        let chain = line.split(' ').nth(nth).unwrap().to_owned();
        let count = counts.entry((table.clone(), chain.clone())).or_default();
        *count += 1;
        numbered.insert((chain, *count, line.to_owned()));
    }
    numbered
}

/// The minor version of [`crate::KUBERNETES_VERSION`].
const MODELLED_MINOR: u32 = 30;

/// The minor versions that an explanation names.
fn later_releases(explanation: &str) -> impl Iterator<Item = u32> {
    explanation.split("v1.").skip(1).map(|rest| {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..digits].parse().expect("a minor version")
    })
}

#[test]
fn the_minor_version_is_that_of_the_release() {
    let version = crate::KUBERNETES_VERSION;
    assert!(
        version.starts_with(&format!("v1.{MODELLED_MINOR}.")),
        "{version}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_runs_equals_a_full_sync(
        mode in mode(),
        config in config(),
        events in vec(event(), 0..30),
    ) {
        let mut objects = Objects::default();
        let mut proxier = Proxier::new(mode, &config, None).unwrap();
        let mut kernel = Kernel::default();
        for event in events.iter().chain([&Event::Sync]) {
            objects.apply(event);
            apply(&mut proxier, event);
            if matches!(event, Event::Sync) {
                sync_and_check(&mut proxier, &mut kernel, &objects.rules(mode, &config))?;
            }
        }
    }

    #[test]
    fn every_rule_says_where_it_is_and_what_made_it(
        mode in mode(),
        config in config(),
        node in node(),
        services in btree_map(select(&NAMES[..]), service(), 1..4),
        slices in vec(slice(), 0..6),
    ) {
        let mut objects = Objects { node: Some(node), ..Objects::default() };
        let services = services.into_values().map(|service| Event::ApplyService(Box::new(service)));
        for event in services.chain(slices.into_iter().map(|slice| Event::ApplySlice(Box::new(slice)))) {
            objects.apply(&event);
        }
        let rules = objects.rules(mode, &config);
        let lines = rules.lines();
        let declarations = rules.declarations();
        let mut found = BTreeSet::new();
        for line in lines.iter().chain(&declarations) {
            let rule = rules.describe(line);
            for minor in later_releases(&rule.explanation) {
                prop_assert!(minor > MODELLED_MINOR, "{rule:?}");
            }
            prop_assert!(line.is_clusters_own() == rule.origins.is_empty(), "{rule:?}");
            prop_assert!(rule.explanation.ends_with('.'), "{rule:?}");
            prop_assert!(rule.explanation.starts_with(|c: char| !c.is_lowercase()), "{rule:?}");
            for origin in &rule.origins {
                prop_assert!(objects.has(origin), "{origin:?} of {rule:?}");
            }
            found.insert((line.at.chain.to_string(), line.at.number, line.text.clone()));
        }
        let missing: Vec<_> = numbered(&rules.text()).difference(&found).cloned().collect();
        prop_assert_eq!(missing, vec![]);
        let mut known: Vec<&str> = lines.iter().chain(&declarations).map(|l| l.text.as_str()).collect();
        known.retain(|text| !text.starts_with("-t "));
        known.sort_unstable();
        let all = dump(&rules);
        let structure = |line: &str| line.starts_with(['*', '#']) || line == "COMMIT";
        let mut written: Vec<&str> = all.lines().filter(|line| !structure(line)).collect();
        written.sort_unstable();
        prop_assert_eq!(known, written);
        let is_rule = |line: &&str| line.starts_with("-A ") || line.starts_with("add rule ");
        prop_assert_eq!(rules.rule_count(), rules.text().lines().filter(is_rule).count());
        let ids: BTreeSet<_> = lines.iter().map(|line| line.id).collect();
        prop_assert_eq!(ids.len(), lines.len());
    }

    #[test]
    fn a_diff_leads_from_the_old_to_the_new(
        mode in mode(),
        config in config(),
        before in vec(event(), 0..12),
        after in vec(event(), 0..4),
    ) {
        let mut objects = Objects::default();
        before.iter().for_each(|event| objects.apply(event));
        let old = objects.rules(mode, &config);
        after.iter().for_each(|event| objects.apply(event));
        let new = objects.rules(mode, &config);
        let changes = diff(&old, &new);
        let ids = |rules: &RuleSet| rules.lines().iter().map(|l| l.id).collect::<BTreeSet<_>>();
        let mut patched = ids(&old);
        for line in &changes.removed {
            prop_assert!(patched.remove(&line.id));
        }
        prop_assert_eq!(patched.len(), changes.unchanged);
        for line in &changes.added {
            prop_assert!(patched.insert(line.id));
        }
        prop_assert_eq!(patched, ids(&new));
        prop_assert!(diff(&new, &new).added.is_empty());
    }
}

fn web(endpoints: usize) -> (Service, EndpointSlice) {
    let service = Service {
        metadata: metadata("a", "web"),
        spec: ServiceSpec {
            cluster_ip: "10.96.0.1".to_owned(),
            ports: vec![ServicePort {
                port: 80,
                ..ServicePort::default()
            }],
            ..ServiceSpec::default()
        },
        ..Service::default()
    };
    let mut slice = EndpointSlice {
        metadata: metadata("a", "web-1"),
        ports: vec![EndpointPort {
            name: Some(String::new()),
            port: Some(8080),
            ..EndpointPort::default()
        }],
        address_type: "IPv4".to_owned(),
        ..EndpointSlice::default()
    };
    let label = "kubernetes.io/service-name".to_owned();
    slice.metadata.labels.insert(label, "web".to_owned());
    slice.endpoints = (0..endpoints)
        .map(|i| Endpoint {
            addresses: vec![format!("10.0.{}.{}", i >> 8, i & 255)],
            ..Endpoint::default()
        })
        .collect();
    (service, slice)
}

#[test]
fn a_change_that_changes_no_rule_is_no_change() {
    let (service, mut slice) = web(2);
    let mut proxier = Proxier::new(Mode::Iptables, &ProxyConfig::default(), None).unwrap();
    proxier.apply_service(Arc::new(service.clone()));
    proxier.apply_slice(Arc::new(slice.clone()));
    assert!(proxier.sync(0).full);
    slice.metadata.labels.insert("colour".into(), "red".into());
    proxier.apply_slice(Arc::new(slice.clone()));
    proxier.apply_service(Arc::new(service));
    assert!(!proxier.is_pending());
    slice.endpoints[0].conditions.ready = Some(false);
    proxier.apply_slice(Arc::new(slice));
    let sync = proxier.sync(0);
    assert_eq!((sync.full, sync.services), (false, 1));
}

/// One endpoint more than 1000 makes a large cluster: comments go, and stale chains stay a while.
#[test]
fn a_large_cluster_leaves_out_comments_and_cleans_up_late() {
    let (service, slice) = web(1001);
    let mut proxier = Proxier::new(Mode::Iptables, &ProxyConfig::default(), None).unwrap();
    proxier.apply_service(Arc::new(service));
    let mut fewer = slice.clone();
    fewer.endpoints.truncate(1000);
    proxier.apply_slice(Arc::new(fewer));
    assert!(
        proxier
            .sync(0)
            .text
            .to_string()
            .contains("\"a/web -> 10.0.0.0:8080\"")
    );

    proxier.apply_slice(Arc::new(slice.clone()));
    let sync = proxier.sync(1);
    assert!(sync.full);
    assert!(!sync.text.to_string().contains("a/web -> "));

    let mut other = slice;
    other.endpoints[0].addresses = vec!["10.9.9.9".to_owned()];
    proxier.apply_slice(Arc::new(other));
    assert!(!proxier.sync(2).text.to_string().contains("-X "));
    let late = proxier.full_sync(2 + SYNC_PERIOD_MS);
    assert_eq!(late.text.to_string().matches("\n-X ").count(), 1);
    let later = proxier.full_sync(3 + 2 * SYNC_PERIOD_MS);
    assert!(!later.text.to_string().contains("-X "));
}

/// What a learner reads beside the rules of a Service with three endpoints.
#[test]
fn explanations_read_well() {
    let (service, slice) = web(3);
    let config = ProxyConfig::default();
    let rules = RuleSet::new(Mode::Iptables, &config, None, [&service], [&slice]).unwrap();
    let explained = |start: &str| -> Vec<String> {
        let lines = rules.lines();
        let lines = lines.iter().filter(|line| line.text.starts_with(start));
        lines.map(|line| rules.explain(line)).collect()
    };
    assert_eq!(
        explained("-A KUBE-SERVICES -m comment --comment \"a/web")[0],
        "New connections to the cluster IP 10.96.0.1, port 80/TCP, of a/web go to one of its endpoints."
    );
    assert_eq!(
        explained("-A KUBE-SVC"),
        [
            "10.0.0.0:8080 gets 1 in 3 of all connections.",
            "10.0.0.1:8080 gets 1 in 2 of the connections that come this far, which is 1 in 3 of all.",
            "10.0.0.2:8080 gets what is left: 1 in 3 of all connections."
        ]
    );
}
