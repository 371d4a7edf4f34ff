//! `walks`: what became of real packets in a network with the rules of a scenario. One vector is all
//! packets of a scenario, in both modes that were recorded.

mod scenario;

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
