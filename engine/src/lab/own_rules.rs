//! A person's own rules: what `iptables-save` printed on a real Node, in the place of a Node's.
//!
//! What `ipset save` printed there may stand beside it in the same text, for rules that look into
//! sets. What `ip6tables-save` printed is known by its addresses, and takes the place of IPv6's rules
//! alone. Left out: nftables, and both families in one text.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::rules::RuleLine;
use super::session::Outcome;
use crate::diagnostic::Diagnostic;
use crate::net::IpFamily;
use crate::netfilter::RuleAt;
use crate::netfilter::ipset::Sets;
use crate::netfilter::iptables::{Before, RuleError, Tables, Trouble, What};

/// Rules that took the place of those that kube-proxy wrote on a Node.
#[derive(Clone, Debug)]
pub struct OwnRules {
    text: String,
    tables: Arc<Tables>,
    sets: String,
    lines: Vec<RuleLine>,
    /// The index of each rule in `lines`.
    by_rule: BTreeMap<RuleAt, usize>,
}

impl OwnRules {
    /// Reads a text. Lines that cannot be read are named, and the others are there all the same; a
    /// text without any table is none.
    pub(super) fn read(text: &str) -> (Option<Self>, Outcome) {
        let (rules, sets) = parted(text);
        let mut known = Sets::default();
        let mut errors = known.read(&sets);
        let mut tables = Tables::new(family_of(&rules));
        errors.extend(tables.restore(&rules, Before::Flush));
        errors.sort_by_key(|error| error.line);
        let mut diagnostics: Vec<Diagnostic> = errors
            .iter()
            .map(|error| error.to_diagnostic(text))
            .collect();
        diagnostics.extend(unknown_sets(&tables, &known, text));
        if !rules.lines().any(|line| line.trim_start().starts_with('*')) {
            let what = "there is no `*table` line: this is not what `iptables-save` prints";
            let outcome = Outcome {
                diagnostics: vec![Diagnostic::error(what, None)],
                applied: false,
                offer: None,
            };
            return (None, outcome);
        }
        let by_rule: BTreeMap<RuleAt, usize> = (tables.rules())
            .map(|entry| (entry.at(), entry.rule.source.line as usize - 1))
            .collect();
        let own = Self {
            lines: lines(text, &by_rule),
            by_rule,
            text: text.to_owned(),
            tables: Arc::new(tables),
            sets,
        };
        let outcome = Outcome {
            diagnostics,
            applied: true,
            offer: None,
        };
        (Some(own), outcome)
    }

    /// The text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of a rule in the text, from 1.
    #[must_use]
    pub fn line(&self, rule: &RuleAt) -> Option<u32> {
        let index = self.by_rule.get(rule)?;
        u32::try_from(index + 1).ok()
    }

    /// All lines of the text, each with the rule that it is.
    #[must_use]
    pub fn lines(&self) -> &[RuleLine] {
        &self.lines
    }

    /// The index of a rule's line in [`OwnRules::lines`].
    #[must_use]
    pub fn line_index(&self, rule: &RuleAt) -> Option<usize> {
        self.by_rule.get(rule).copied()
    }

    /// The line of a rule.
    #[must_use]
    pub fn rule_line(&self, rule: &RuleAt) -> Option<&RuleLine> {
        self.lines.get(*self.by_rule.get(rule)?)
    }

    /// What can be said of a rule: who wrote it said so himself, in a comment.
    #[must_use]
    pub fn explanation(&self, rule: &RuleAt) -> String {
        let Some(found) = self.tables.rule(rule) else {
            return String::new();
        };
        match &found.comment {
            Some(comment) => format!("Your own rule; it says of itself: “{comment}”."),
            None => "Your own rule; it says nothing of itself.".to_owned(),
        }
    }

    /// The rules as they were read.
    #[must_use]
    pub fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }

    /// The lines that are about ipsets.
    pub(super) fn sets(&self) -> &str {
        &self.sets
    }
}

/// The family of a text: IPv6's tool says its name at the head, and its addresses have colons.
fn family_of(text: &str) -> IpFamily {
    let is_v6 = text.lines().any(|line| {
        if line.starts_with('#') {
            return line.contains("ip6tables-save");
        }
        let mut words = line.split(' ');
        while let Some(word) = words.next() {
            if matches!(word, "-s" | "-d") {
                return words.next().is_some_and(|address| address.contains(':'));
            }
        }
        false
    });
    if is_v6 {
        IpFamily::IPv6
    } else {
        IpFamily::IPv4
    }
}

/// The lines as they are shown: with their tables, and the rules among them with their places.
fn lines(text: &str, by_rule: &BTreeMap<RuleAt, usize>) -> Vec<RuleLine> {
    let mut table = "";
    let mut lines: Vec<RuleLine> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.trim().strip_prefix('*') {
            table = name;
        } else if is_of_sets(line) {
            table = "ipset";
        }
        lines.push(RuleLine::plain(table, line));
    }
    for (at, index) in by_rule {
        if let Some(line) = lines.get_mut(*index) {
            line.at = Some(at.clone());
        }
    }
    lines
}

fn is_of_sets(line: &str) -> bool {
    line.starts_with("create ") || line.starts_with("add ")
}

/// The lines for iptables and those for ipsets; each keeps its number.
fn parted(text: &str) -> (String, String) {
    let (mut rules, mut sets) = (String::new(), String::new());
    for line in text.lines() {
        let to = if is_of_sets(line) {
            &mut sets
        } else {
            &mut rules
        };
        to.push_str(line);
        rules.push('\n');
        sets.push('\n');
    }
    (rules, sets)
}

/// A warning for each set that rules look into and nobody described.
fn unknown_sets(tables: &Tables, known: &Sets, text: &str) -> Vec<Diagnostic> {
    let (mut seen, mut warnings) = (BTreeSet::new(), Vec::new());
    for entry in tables.rules() {
        for test in &entry.rule.tests {
            if let What::Set(name, _) = &test.what
                && known.get(name).is_none()
                && seen.insert(name)
            {
                let error = RuleError {
                    line: entry.rule.source.line,
                    trouble: Trouble::UnknownIpset(name.clone()),
                };
                let what = format!("ipset `{name}` is looked into, and nothing is known of it");
                warnings.push(
                    Diagnostic::warning(what, error.to_diagnostic(text).span).with_hint(
                        "Add what `ipset save` prints on that Node. Until then a walk that \
                         depends on the set says so.",
                    ),
                );
            }
        }
    }
    warnings
}
