//! How long kube-proxy's rules take, part by part. `cargo bench -p lobby-engine --bench proxy`
//!
//! The workload is the yardstick's; whole runs with bytes and rules are `--example yardstick`.

#[path = "../examples/yardstick/measure.rs"]
#[expect(dead_code, reason = "only its workload is used here")]
mod measure;

use std::sync::Arc;

use divan::Bencher;
use lobby_engine::proxy::{Mode, Proxier, RuleSet, diff};
use measure::Workload;

fn main() {
    divan::main();
}

const SERVICES: [usize; 2] = [100, 1000];

fn workload(services: usize) -> Workload {
    Workload::new(services, 10)
}

fn synced(mode: Mode, workload: &Workload) -> Proxier {
    let mut proxier = workload.proxier(mode);
    proxier.sync(0);
    proxier
}

/// From objects to the whole text.
#[divan::bench(args = SERVICES, consts = [0, 1, 2])]
fn first_sync<const MODE: usize>(bencher: Bencher<'_, '_>, services: usize) {
    let workload = workload(services);
    bencher.bench(|| workload.proxier(Mode::ALL[MODE]).sync(0));
}

/// One endpoint gets another address, to and fro.
#[divan::bench(args = SERVICES, consts = [0, 1, 2])]
fn one_endpoint<const MODE: usize>(bencher: Bencher<'_, '_>, services: usize) {
    let workload = workload(services);
    let mut proxier = synced(Mode::ALL[MODE], &workload);
    let versions = ["10.255.0.98", "10.255.0.99"].map(|ip| workload.one_changed(ip));
    let mut turn = 0;
    bencher.bench_local(|| {
        turn ^= 1;
        proxier.apply_slice(Arc::clone(&versions[turn]));
        proxier.sync(0)
    });
}

/// All rules with their places and names.
#[divan::bench(consts = [0, 1, 2])]
fn lines<const MODE: usize>(bencher: Bencher<'_, '_>) {
    let rules = synced(Mode::ALL[MODE], &workload(100)).rule_set();
    bencher.bench(|| rules.lines());
}

/// All rules with all that can be said of them.
#[divan::bench(consts = [0, 1, 2])]
fn describe<const MODE: usize>(bencher: Bencher<'_, '_>) {
    let rules = synced(Mode::ALL[MODE], &workload(100)).rule_set();
    bencher.bench(|| {
        let lines = rules.lines();
        lines
            .iter()
            .map(|line| rules.describe(line))
            .collect::<Vec<_>>()
    });
}

/// What one endpoint changed.
#[divan::bench]
fn difference(bencher: Bencher<'_, '_>) {
    let workload = workload(100);
    let mut proxier = synced(Mode::Iptables, &workload);
    let old: RuleSet = proxier.rule_set();
    proxier.apply_slice(workload.one_changed("10.255.0.99"));
    proxier.sync(0);
    let new = proxier.rule_set();
    bencher.bench(|| diff(&old, &new));
}
