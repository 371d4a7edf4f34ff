//! What changed from one rule set to the next.

use std::collections::BTreeSet;

use serde::Serialize;

use super::line::{Line, RuleId};
use super::rule_set::RuleSet;

/// What changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diff {
    /// Rules that are gone, in the order in which they were.
    pub removed: Vec<Line>,
    /// Rules that are new, in the order in which they are.
    pub added: Vec<Line>,
    /// How many stayed. Their numbers may be others.
    pub unchanged: usize,
}

/// What changed from `old` to `new`. A rule that only moved in its chain did not change.
///
/// The two may be of different modes, Nodes or families; then little is the same.
#[must_use]
pub fn diff(old: &RuleSet, new: &RuleSet) -> Diff {
    let (old, new) = (old.lines(), new.lines());
    let ids = |lines: &[Line]| {
        lines
            .iter()
            .map(|line| line.id)
            .collect::<BTreeSet<RuleId>>()
    };
    let (before, after) = (ids(&old), ids(&new));
    let count = new.len();
    let without = |lines: Vec<Line>, known: &BTreeSet<RuleId>| -> Vec<Line> {
        let is_new = |line: &Line| !known.contains(&line.id);
        lines.into_iter().filter(is_new).collect()
    };
    let added = without(new, &before);
    Diff {
        removed: without(old, &after),
        unchanged: count - added.len(),
        added,
    }
}
