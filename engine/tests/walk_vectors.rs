//! Recorded walks of real packets through real rules, held against the engine's.

#![allow(clippy::unwrap_used)]

mod walks;

use std::path::{Path, PathBuf};

use lobby_engine::proxy::Mode;

fn scenarios() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance/proxy");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|folder| folder.join("walks.jsonl").exists())
        .collect();
    found.sort();
    found
}

fn hold(mode: Mode) {
    let only = std::env::var("LOBBY_WALKS").unwrap_or_default();
    let (mut lines, mut passed, mut failures) = (0, 0, Vec::new());
    for folder in scenarios() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if !name.contains(&only) {
            continue;
        }
        let report = walks::check(&folder, mode);
        println!("{name}: {} of {} lines", report.passed, report.lines);
        lines += report.lines;
        passed += report.passed;
        failures.extend(
            report
                .failures
                .into_iter()
                .map(|why| format!("{name} {why}")),
        );
    }
    assert!(lines > 0, "no scenario is named like {only:?}");
    assert!(
        failures.is_empty(),
        "{passed} of {lines} lines as recorded\n{}",
        failures.join("\n")
    );
}

#[test]
fn iptables_walks_as_recorded() {
    hold(Mode::Iptables);
}

#[test]
fn nftables_walks_as_recorded() {
    hold(Mode::Nftables);
}
