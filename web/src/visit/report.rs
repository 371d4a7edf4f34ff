//! What the page around an embed is told.

use lobby_engine::diagnostic::Severity;
use lobby_engine::doctor::Finding;
use lobby_engine::yaml::{Node, Value};
use yew::prelude::*;

use super::port;
use crate::state::{Open, State};

/// Tells of every change: `change`, `verdict`, `step`, `diagnosis`, `level`, `error`, `resize`.
#[hook]
pub fn use_reports(state: &State, complaint: Option<&str>) {
    use_effect_with(complaint.map(str::to_owned), |complaint| {
        if let Some(complaint) = complaint {
            error("link", complaint);
        }
    });
    use_effect_with(state.course.refusal.clone(), |refusal| {
        if let Some(refusal) = refusal {
            error("lesson", refusal);
        }
    });
    let (is_done, examined) = (state.doctor.is_done, state.doctor.text.clone());
    use_effect_with(
        (is_done, state.doctor.findings.clone()),
        move |(is_done, findings)| {
            if *is_done {
                let items = items(&findings.0, &examined);
                port::tell("diagnosis", map([("items", items)]));
            }
        },
    );
    use_effect_with(state.course.open.as_deref().map(Level::of), |level| {
        if let Some(level) = level {
            port::tell("level", level.node());
        }
    });
    // Whatever was drawn may have another height.
    use_effect(port::resize);
    let skin = state.prefs.skin;
    use_effect_with(state.world.clone(), |world| {
        let errors = world.count(Severity::Error);
        port::tell("change", map([("errors", number(errors))]));
    });
    use_effect_with(state.walk.journey.clone(), move |journey| {
        if let Some(journey) = journey {
            port::tell("verdict", verdict(journey, skin));
        }
    });
    use_effect_with(
        (state.walk.hop, state.walk.journey.clone()),
        move |(index, journey)| {
            let hop = index
                .checked_sub(1)
                .and_then(|at| journey.as_ref()?.hops.get(at));
            if let Some(hop) = hop {
                let title = crate::ui::wording(&hop.title, skin).text();
                let detail = map([
                    ("index", number(*index)),
                    ("hop", map([("title", title.as_str().into())])),
                ]);
                port::tell("step", detail);
            }
        },
    );
}

fn error(code: &str, message: &str) {
    let detail = map([("code", code.into()), ("message", message.into())]);
    port::tell("error", detail);
}

/// How far the open lesson is.
#[derive(PartialEq)]
struct Level {
    id: String,
    title: String,
    status: &'static str,
    attempts: usize,
    hints: usize,
    solution: bool,
}

impl Level {
    fn of(open: &Open) -> Self {
        Self {
            id: open.lesson.id.clone(),
            title: open.lesson.title.clone(),
            status: match (open.met, open.attempts) {
                (true, _) => "passed",
                (false, 0) => "started",
                (false, _) => "attempted",
            },
            attempts: open.attempts,
            hints: open.hints,
            solution: open.solution,
        }
    }

    fn node(&self) -> Node {
        map([
            ("id", self.id.as_str().into()),
            ("title", self.title.as_str().into()),
            ("status", self.status.into()),
            ("attempts", number(self.attempts)),
            ("hints", number(self.hints)),
            ("solution", Value::Bool(self.solution).into()),
        ])
    }
}

/// Findings, with the fields that `lobby check --json` gives them. `text` is what was examined.
pub(super) fn items(findings: &[Finding], text: &str) -> Node {
    let items: Vec<Node> = findings
        .iter()
        .map(|finding| {
            let or_null = |value: Option<Node>| value.unwrap_or_else(|| Value::Null.into());
            let line = finding.span.map(|span| i64::from(span.start.line).into());
            let fix = finding.fix.as_ref().map(|fix| fix.show(text, ""));
            map([
                ("id", finding.id.into()),
                ("severity", severity(finding.severity).into()),
                ("object", finding.object.as_str().into()),
                ("field", finding.field.as_str().into()),
                ("line", or_null(line)),
                ("message", finding.message.as_str().into()),
                ("why", finding.why.as_str().into()),
                ("fix", or_null(fix.map(|fix| fix.as_str().into()))),
            ])
        })
        .collect();
    Value::List(items.into()).into()
}

pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A verdict, as events and results have it.
pub(super) fn verdict(journey: &lobby_engine::network::Journey, skin: crate::prefs::Skin) -> Node {
    let verdict = &journey.verdict;
    let text = |words| crate::ui::wording(words, skin).text();
    let rule = verdict.cause.as_ref().and_then(|cause| cause.rule.as_ref());
    map([
        ("kind", verdict.kind.as_str().into()),
        ("detail", text(&verdict.detail).as_str().into()),
        ("why", text(&verdict.why).as_str().into()),
        (
            "rule",
            match rule {
                Some((node, at)) => map([
                    ("node", node.as_str().into()),
                    ("at", at.to_string().as_str().into()),
                ]),
                None => Value::Null.into(),
            },
        ),
        ("hops", number(journey.hops.len())),
    ])
}

pub(super) fn map<const N: usize>(entries: [(&str, Node); N]) -> Node {
    Node::map(entries.map(|(name, value)| (name.to_owned(), value)))
}

pub(super) fn number(count: usize) -> Node {
    i64::try_from(count).unwrap_or(i64::MAX).into()
}
