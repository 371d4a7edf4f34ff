//! What the page around an embed is told.

use lobby_engine::yaml::{Node, Value};
use yew::prelude::*;

use super::port;
use crate::state::State;

/// Tells of every change: `change`, `verdict`, `step`.
#[hook]
pub fn use_reports(state: &State) {
    let skin = state.prefs.skin;
    use_effect_with(state.world.clone(), |world| {
        let errors = world.count(lobby_engine::diagnostic::Severity::Error);
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
