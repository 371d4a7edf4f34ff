//! No line of what kube-proxy programs is left without a word: in every recorded scenario and mode,
//! each rule, element, server, entry, address, sysctl, chain, set and map says what it is for, and,
//! unless it is the cluster's own, which fields of which objects made it.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use lobby_engine::api::Kind;
use lobby_engine::proxy::{Line, Mode, RuleSet, dump};
use lobby_tests::kinds::proxy::{Scenario, collect_iptables};
use lobby_tests::vector::Vector;

fn scenarios() -> io::Result<Vec<Vector>> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let root = std::env::var_os("LOBBY_CONFORMANCE").map_or(own, PathBuf::from);
    let vectors = collect_iptables(&root)?;
    assert!(!vectors.is_empty());
    Ok(vectors)
}

/// What only says where a table or a tool's listing begins or ends.
fn is_structure(line: &str) -> bool {
    line.starts_with(['*', '#']) || line == "COMMIT"
}

fn check(scenario: &Scenario, rules: &RuleSet) -> Result<(), String> {
    let (lines, declarations) = (rules.lines(), rules.declarations());
    let all = || lines.iter().chain(&declarations);
    // The calls of the iptables command come before the text, and are not in it.
    let mut known: Vec<&str> = all().map(|line| line.text.as_str()).collect();
    known.retain(|text| !text.starts_with("-t "));
    known.sort_unstable();
    let text = dump(rules);
    let mut written: Vec<&str> = text.lines().filter(|line| !is_structure(line)).collect();
    written.sort_unstable();
    if known != written {
        let (known, written) = (BTreeSet::from_iter(known), BTreeSet::from_iter(written));
        let missing: Vec<_> = written.difference(&known).collect();
        return Err(format!("nothing is known of {missing:#?}"));
    }
    let ids: BTreeSet<_> = all().map(|line| line.id).collect();
    if ids.len() != all().count() {
        return Err("two lines have one name".to_owned());
    }
    all().try_for_each(|line| describe(scenario, rules, line))
}

fn describe(scenario: &Scenario, rules: &RuleSet, line: &Line) -> Result<(), String> {
    let rule = rules.describe(line);
    if !rule.explanation.ends_with('.') || rule.explanation.starts_with(char::is_lowercase) {
        return Err(format!("no sentence: {rule:#?}"));
    }
    if rule.origins.is_empty() != line.is_clusters_own() {
        return Err(format!("nothing made it: {rule:#?}"));
    }
    let is_there = |kind: Kind, namespace: &str, name: &str| match kind {
        Kind::Service => scenario.services.iter().any(|service| {
            (&*service.metadata.namespace, &*service.metadata.name) == (namespace, name)
        }),
        _ => scenario
            .slices
            .iter()
            .any(|slice| (&*slice.metadata.namespace, &*slice.metadata.name) == (namespace, name)),
    };
    match rule
        .origins
        .iter()
        .map(|origin| &origin.object)
        .find(|object| !is_there(object.kind, &object.namespace, &object.name))
    {
        Some(object) => Err(format!("there is no {object:?}: {rule:#?}")),
        None => Ok(()),
    }
}

#[test]
fn every_line_is_explained_and_has_an_origin() {
    for vector in scenarios().unwrap() {
        let scenario = Scenario::read(&vector).unwrap();
        for mode in Mode::ALL {
            let rules = scenario.rules(mode).unwrap();
            if let Err(error) = check(&scenario, &rules) {
                panic!("{} in {mode} mode: {error}", vector.name);
            }
        }
    }
}

/// The same rules come out with the same names, whatever order the objects come in.
#[test]
fn names_of_rules_last() {
    for vector in scenarios().unwrap() {
        let mut scenario = Scenario::read(&vector).unwrap();
        let names = |scenario: &Scenario, mode| -> BTreeSet<_> {
            let rules = scenario.rules(mode).unwrap();
            rules.lines().iter().map(|line| line.id).collect()
        };
        let before = Mode::ALL.map(|mode| names(&scenario, mode));
        scenario.services.reverse();
        scenario.slices.reverse();
        let after = Mode::ALL.map(|mode| names(&scenario, mode));
        assert_eq!(before, after, "{}", vector.name);
    }
}
