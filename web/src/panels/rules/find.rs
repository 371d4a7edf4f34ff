//! Which rows of a Node's rules are shown, and where to stop among them.

use std::collections::BTreeSet;
use std::rc::Rc;

use lobby_engine::lab::{DiffLine, RuleLine};
use lobby_engine::netfilter::RuleAt;

use crate::rule_view::RuleText;
use crate::state::RuleScope;

/// How many lines stand around a change.
const AROUND: usize = 2;

/// What is asked for.
#[derive(Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) text: RuleText,
    /// The rules of before, for changes.
    pub(super) before: RuleText,
    pub(super) scope: RuleScope,
    /// Empty for all.
    pub(super) table: Rc<str>,
    pub(super) search: Rc<str>,
    /// Whether only lines are shown in which the search finds something.
    pub(super) only: bool,
    /// What the packet met, in its order.
    pub(super) met: Rc<Vec<RuleAt>>,
}

/// A row. Numbers are indices of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Line(usize),
    /// A line that is new.
    Added(usize),
    /// A line of before that is gone.
    Gone(usize),
    /// So many lines that stayed are left out.
    Gap(usize),
}

/// The rows, and where to stop among them.
#[derive(Default)]
pub(super) struct Found {
    pub(super) rows: Vec<Row>,
    /// Indices of rows: where the search finds something, or without a search where changes begin.
    pub(super) stops: Vec<usize>,
    /// How many rules are new, and how many are gone.
    pub(super) changed: (usize, usize),
}

impl Wanted {
    /// The line of a row; `None` for a gap.
    pub(super) fn line(&self, row: Row) -> Option<&RuleLine> {
        match row {
            Row::Line(at) | Row::Added(at) => self.text.lines().get(at),
            Row::Gone(at) => self.before.lines().get(at),
            Row::Gap(_) => None,
        }
    }

    pub(super) fn rows(&self) -> Found {
        let search = self.search.trim().to_ascii_lowercase();
        let in_table = |line: &RuleLine| self.table.is_empty() || line.table == *self.table;
        let finds = |line: &RuleLine| contains(&line.text, &search);
        let lines = self.text.lines();
        let mut found = Found::default();
        let mut all: Vec<Row> = match self.scope {
            RuleScope::Met => (self.met.iter())
                .filter_map(|at| self.text.line_index(at))
                .map(Row::Line)
                .collect(),
            RuleScope::All => (0..lines.len()).map(Row::Line).collect(),
            RuleScope::Changes => self.changes(&mut found),
        };
        let has_search = !search.is_empty();
        all.retain(|row| {
            let Some(line) = self.line(*row) else {
                return !(has_search && self.only);
            };
            in_table(line) && (!has_search || !self.only || finds(line))
        });
        let mut was_change = false;
        for (index, row) in all.iter().enumerate() {
            let is_change = matches!(row, Row::Added(_) | Row::Gone(_));
            let stops = if has_search {
                self.line(*row).is_some_and(finds)
            } else {
                is_change && !was_change
            };
            if stops {
                found.stops.push(index);
            }
            was_change = is_change;
        }
        found.rows = all;
        found
    }

    /// The lines that changed, with a few around them.
    fn changes(&self, found: &mut Found) -> Vec<Row> {
        let (Some(now), Some(before)) = (self.text.written(), self.before.written()) else {
            return Vec::new();
        };
        let diff = now.diff(before);
        found.changed = (diff.added, diff.removed);
        let near: BTreeSet<usize> = (diff.lines.iter().enumerate())
            .filter(|(_, line)| line.is_change())
            .flat_map(|(at, _)| at.saturating_sub(AROUND)..=at + AROUND)
            .collect();
        let mut rows = Vec::new();
        let mut left_out = 0;
        for (at, line) in diff.lines.iter().enumerate() {
            if !near.contains(&at) {
                left_out += 1;
                continue;
            }
            if left_out > 0 {
                rows.push(Row::Gap(left_out));
                left_out = 0;
            }
            rows.push(match *line {
                DiffLine::Same(at) => Row::Line(at),
                DiffLine::Added(at) => Row::Added(at),
                DiffLine::Removed(at) => Row::Gone(at),
            });
        }
        if left_out > 0 && !rows.is_empty() {
            rows.push(Row::Gap(left_out));
        }
        rows
    }
}

/// Whether a text has another in it, whatever the case of its letters. `wanted` is in lower case.
fn contains(text: &str, wanted: &str) -> bool {
    !wanted.is_empty() && first(text, wanted).is_some()
}

/// Where a text has another in it for the first time.
fn first(text: &str, wanted: &str) -> Option<usize> {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    let last = text.len().checked_sub(wanted.len())?;
    (0..=last).find(|at| text[*at..*at + wanted.len()].eq_ignore_ascii_case(wanted))
}

/// The pieces of a text in which a search finds something, and those between: what is found comes
/// with `true`.
pub(super) fn marked<'a>(text: &'a str, search: &str) -> Vec<(&'a str, bool)> {
    let search = search.trim().to_ascii_lowercase();
    let mut pieces = Vec::new();
    let mut rest = text;
    while !search.is_empty()
        && let Some(at) = first(rest, &search)
        && let (Some(before), Some(hit), Some(behind)) = (
            rest.get(..at),
            rest.get(at..at + search.len()),
            rest.get(at + search.len()..),
        )
    {
        pieces.push((before, false));
        pieces.push((hit, true));
        rest = behind;
    }
    pieces.push((rest, false));
    pieces.retain(|(text, _)| !text.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use lobby_engine::api::{Kind, ObjectRef};
    use lobby_engine::lab::{EXAMPLES, Lab, Settings};

    use super::*;

    fn wanted(lab: &Lab, scope: RuleScope) -> Wanted {
        Wanted {
            text: RuleText::of(lab, "node-1"),
            before: RuleText::None,
            scope,
            table: "".into(),
            search: "".into(),
            only: true,
            met: Rc::default(),
        }
    }

    fn lab() -> Lab {
        let mut lab = Lab::new(Settings::default());
        lab.open(EXAMPLES[0].text());
        lab
    }

    #[test]
    fn a_search_leaves_its_lines_or_stops_at_them() {
        let lab = lab();
        let mut all = wanted(&lab, RuleScope::All);
        assert_eq!(all.rows().rows.len(), all.text.lines().len());
        assert!(all.rows().stops.is_empty());
        all.search = " dNaT ".into();
        let only = all.rows();
        assert!(!only.rows.is_empty() && only.rows.len() == only.stops.len());
        all.only = false;
        let context = all.rows();
        assert_eq!(context.rows.len(), all.text.lines().len());
        assert_eq!(context.stops.len(), only.stops.len());
        all.table = "filter".into();
        assert!(all.rows().rows.len() < context.rows.len());
    }

    #[test]
    fn changes_stand_with_a_few_lines_around_them() {
        let mut lab = lab();
        let before = RuleText::of(&lab, "node-1");
        let pod = lab.scene().rooms[0].pod.clone();
        assert_eq!(pod.kind, Kind::Pod);
        lab.set_ready(
            &ObjectRef::new(Kind::Pod, &*pod.namespace, &*pod.name),
            false,
        );
        let mut changes = wanted(&lab, RuleScope::Changes);
        assert!(changes.rows().rows.is_empty(), "nothing is known of before");
        changes.before = before;
        let found = changes.rows();
        assert!(found.changed.1 > 0 && !found.stops.is_empty());
        let kept: usize = (found.rows.iter())
            .map(|row| match row {
                Row::Gap(lines) => *lines,
                Row::Gone(_) => 0,
                Row::Line(_) | Row::Added(_) => 1,
            })
            .sum();
        assert_eq!(kept, changes.text.lines().len());
        assert!(found.rows.iter().any(|row| matches!(row, Row::Gone(_))));
    }

    #[test]
    fn what_is_found_is_marked_whatever_its_case() {
        assert_eq!(
            marked("-j DNAT --to", "dnat"),
            [("-j ", false), ("DNAT", true), (" --to", false)]
        );
        assert_eq!(marked("aaa", "a"), [("a", true), ("a", true), ("a", true)]);
        assert_eq!(
            marked("x → y", "→"),
            [("x ", false), ("→", true), (" y", false)]
        );
        assert_eq!(marked("text", " "), [("text", false)]);
    }
}
