//! `walks`: what became of real packets in a network with the rules of a scenario. One vector is all
//! packets of a scenario, in both modes that were recorded.

pub mod scenario;
mod topology;

use std::io;
use std::path::Path;

use lobby_engine::proxy::Mode;

use crate::vector::{self, Failure, Vector};

/// The scenarios that were built as networks.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "proxy", "walks.jsonl")
}

/// Walks every line.
///
/// # Errors
///
/// Where the engine differs, line by line; a scenario without a line; a line in a mode of which
/// nothing was recorded when this was written.
pub fn check(vector: &Vector) -> Result<(), Failure> {
    let recorded = vector.read("walks.jsonl")?.lines().count();
    let (mut lines, mut failures) = (0, Vec::new());
    for mode in [Mode::Iptables, Mode::Nftables] {
        let report = scenario::check(&vector.folder, mode);
        lines += report.lines;
        let told = report.failures.into_iter();
        failures.extend(told.map(|failure| format!("{mode}, {failure}")));
    }
    if lines != recorded || lines == 0 {
        return Err(Failure::new(format!(
            "{lines} of {recorded} lines are of iptables or nftables"
        )));
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(failures.join("\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_rules_give_the_same_journeys() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/conformance"));
        let (mut lines, mut different) = (0, Vec::new());
        for vector in collect(root).unwrap() {
            let (walked, told) = scenario::saved_walks(&vector.folder);
            lines += walked;
            different.extend(told);
        }
        assert!(lines > 2_000, "only {lines} lines were walked");
        assert!(different.is_empty(), "{}", different.join("\n"));
    }
}
