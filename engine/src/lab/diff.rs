//! What a sync of kube-proxy changed in a Node's rules, line by line.
//!
//! A rule is known by what it says and where ([`RuleId`]); one that only moved in its chain did not
//! change. Lines that are no rules (a chain, a set) are known by their text.

use std::collections::BTreeSet;

use serde::Serialize;

use super::rules::{NodeRules, RuleLine};
use crate::proxy::RuleId;

/// One line of the two texts laid over each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DiffLine {
    /// It stayed: the index of the line in the new text.
    Same(usize),
    /// It is new: the index in the new text.
    Added(usize),
    /// It is gone: the index in the old text.
    Removed(usize),
}

impl DiffLine {
    /// Whether it came or went.
    #[must_use]
    pub fn is_change(self) -> bool {
        !matches!(self, Self::Same(_))
    }
}

/// Two texts laid over each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleDiff {
    /// All lines of the new text, with those that are gone at their old places.
    pub lines: Vec<DiffLine>,
    /// How many rules are new.
    pub added: usize,
    /// How many rules are gone.
    pub removed: usize,
}

/// How a line is known: as a rule, or by its table and text.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Known<'a> {
    Rule(RuleId),
    Text(&'a str, &'a str),
}

fn known(line: &RuleLine) -> Known<'_> {
    match line.id {
        Some(id) => Known::Rule(id),
        None => Known::Text(&line.table, &line.text),
    }
}

impl NodeRules {
    /// What changed since `before`.
    #[must_use]
    pub fn diff(&self, before: &Self) -> RuleDiff {
        let (old, new) = (before.lines(), self.lines());
        let in_old: BTreeSet<Known<'_>> = old.iter().map(known).collect();
        let in_new: BTreeSet<Known<'_>> = new.iter().map(known).collect();
        let mut diff = RuleDiff::default();
        let mut at = 0;
        for (index, line) in new.iter().enumerate() {
            let key = known(line);
            if !in_old.contains(&key) {
                // What is gone at this place goes first, as in every diff.
                let stays = |line: &RuleLine| in_new.contains(&known(line));
                let gone = (old[at..].iter()).take_while(|line| !stays(line)).count();
                diff.gone(old, at..at + gone, &in_new);
                at += gone;
                diff.added += usize::from(line.at.is_some());
                diff.lines.push(DiffLine::Added(index));
                continue;
            }
            // What went before this line in the old text goes before it here.
            let place = (old[at..].iter()).position(|line| known(line) == key);
            if let Some(place) = place {
                diff.gone(old, at..at + place, &in_new);
                at += place + 1;
            }
            diff.lines.push(DiffLine::Same(index));
        }
        diff.gone(old, at..old.len(), &in_new);
        diff
    }
}

impl RuleDiff {
    /// Tells those of some old lines that are no more.
    fn gone(
        &mut self,
        old: &[RuleLine],
        lines: std::ops::Range<usize>,
        in_new: &BTreeSet<Known<'_>>,
    ) {
        for index in lines {
            if !in_new.contains(&known(&old[index])) {
                self.removed += usize::from(old[index].at.is_some());
                self.lines.push(DiffLine::Removed(index));
            }
        }
    }
}
