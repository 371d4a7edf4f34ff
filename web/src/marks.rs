//! Which lines of the manifests are lit, and with which word.
//!
//! While nothing is pointed at, the lines belong to the journey: the fields behind the hop that is
//! shown, those behind the hops before it, and with the rewriting's own word those behind a rule
//! that rewrote the packet here. While something is pointed at, they belong to that alone.

use std::collections::BTreeMap;

use lobby_engine::api::Origin;
use lobby_engine::network::{Journey, VerdictKind};

use crate::editor::LitLine;
use crate::links::Lit;
use crate::rule_text::{Effect, effect};
use crate::session::RuleText;

/// A field that stands on more lines than this is marked by its first line alone.
const BLOCK: u32 = 8;

/// The lines of a journey at a hop. `rules` are those of the hop's Node, `lines` says where a field
/// stands.
#[must_use]
pub fn of_journey(
    journey: &Journey,
    hop: usize,
    rules: Option<&RuleText>,
    lines: impl Fn(&Origin) -> Option<(u32, u32)>,
) -> Vec<LitLine> {
    let mut marks: BTreeMap<u32, LitLine> = BTreeMap::new();
    let mut put = |origin: &Origin, kind: &'static str, tag: String| {
        let Some((first, last)) = lines(origin) else {
            return;
        };
        let last = if last - first > BLOCK { first } else { last };
        for line in first..=last {
            marks.insert(
                line,
                LitLine {
                    line,
                    kind,
                    tag: if line == first {
                        tag.clone()
                    } else {
                        String::new()
                    },
                },
            );
        }
    };
    let walked = journey.hops.get(..hop).unwrap_or_default();
    let Some((now, before)) = walked.split_last() else {
        return Vec::new();
    };
    for earlier in before {
        for origin in &earlier.origins {
            put(origin, "then", format!("hop {}", earlier.number));
        }
    }
    for origin in &now.origins {
        put(origin, "now", format!("hop {}", now.number));
    }
    let matched = now.looks.iter().filter(|look| look.matched);
    for look in matched {
        let Some(rules) = rules else { continue };
        let Some(line) = rules.line(&look.at) else {
            continue;
        };
        let (kind, tag) = match effect(&line.text) {
            Effect::Dnat => ("dnat", "DNAT"),
            Effect::Snat => ("snat", "SNAT"),
            Effect::End | Effect::Jump => continue,
        };
        for origin in rules.origins(&look.at) {
            put(origin, kind, tag.to_owned());
        }
    }
    if journey.verdict.kind != VerdictKind::Answered
        && hop == journey.hops.len()
        && let Some(origin) = journey
            .verdict
            .cause
            .as_ref()
            .and_then(|cause| cause.origin.as_ref())
    {
        put(origin, "bad", "cause".to_owned());
    }
    marks.into_values().collect()
}

/// The lines of what is pointed at.
#[must_use]
pub fn of_pointer(lit: &Lit) -> Vec<LitLine> {
    lit.lines
        .iter()
        .map(|line| LitLine {
            line: *line,
            kind: "over",
            tag: String::new(),
        })
        .collect()
}
