//! The manifests: the editor, what is wrong in it, and the objects of the text.

use std::rc::Rc;

use lobby_engine::diagnostic::Severity;
use lobby_engine::doctor::Finding;
use yew::prelude::*;

use super::diagnostics::Diagnostics;
use super::outline::Outline;
use crate::editor::{Editor, GoTo, LitLine};
use crate::links::{Focus, Lit};
use crate::world::{Same, World};

/// Properties of [`Manifests`].
#[derive(Clone, PartialEq, Properties)]
pub struct ManifestsProps {
    /// The text.
    pub text: Rc<str>,
    /// What the engine made of it.
    pub world: Rc<World>,
    /// What the doctor found in it.
    pub findings: Same<Vec<Finding>>,
    /// The lit lines.
    pub lines: Rc<Vec<LitLine>>,
    /// What is lit.
    pub lit: Rc<Lit>,
    /// What is pinned.
    pub pinned: Option<Rc<Focus>>,
    /// Where the editor is to go.
    pub goto: Option<GoTo>,
    /// Whether it can only be read.
    pub read_only: bool,
    /// The text was edited.
    pub ontext: Callback<String>,
    /// The pointer or cursor is at a line; 0 for none.
    pub online: Callback<u32>,
    /// Move the editor.
    pub ongo: Callback<(u32, u32)>,
    /// Send, from the editor.
    pub onsend: Callback<()>,
    /// Take this text instead.
    pub onrepair: Callback<String>,
}

fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// The panel.
#[component]
pub fn Manifests(props: &ManifestsProps) -> Html {
    let outcome = &props.world.outcome;
    let errors = props.world.count(Severity::Error);
    let warnings = props.world.count(Severity::Warning);
    let (class, status) = if errors > 0 {
        ("mark bad", count(errors, "error"))
    } else if warnings > 0 {
        ("mark warn", count(warnings, "warning"))
    } else {
        ("mark ok", "valid".to_owned())
    };
    let diagnostics = use_memo(props.world.clone(), |world| {
        Rc::new(world.outcome.diagnostics.clone())
    });
    let underlined = use_memo(
        (props.world.clone(), props.findings.clone()),
        |(world, findings)| Rc::new(super::underlined(&world.outcome.diagnostics, &findings.0)),
    );
    let repair = (outcome.offer.clone().filter(|_| !props.read_only)).map(|text| {
        let onclick = props.onrepair.reform(move |_: MouseEvent| text.clone());
        html! {
            <div class="notice offer">
                <p>{ "The indentation of this text was lost." }</p>
                <button type="button" class="btn sm" {onclick}>{ "Repair indentation" }</button>
            </div>
        }
    });
    html! {
        <section class="manifests" aria-labelledby="manifests-title">
            <div class="phead">
                <h2 id="manifests-title">{ "Manifests" }</h2>
                <span class="grow"></span>
                <span class={class} role="status">{ status }</span>
            </div>
            <Editor text={props.text.clone()} label="Manifests, YAML" read_only={props.read_only} diagnostics={(*underlined).clone()}
                lit={props.lines.clone()} goto={props.goto.clone()} onchange={props.ontext.clone()}
                online={props.online.clone()} onsend={props.onsend.clone()} />
            { repair }
            if !outcome.applied {
                <div class="notice bad" role="status">
                    <p>{ "Not applied. The cluster still runs the last good text." }</p>
                </div>
            }
            <Diagnostics list={(*diagnostics).clone()} ongo={props.ongo.clone()} />
            <Outline entries={props.world.outline.clone()} lit={props.lit.clone()} pinned={props.pinned.clone()}
                ongo={props.ongo.clone()} />
        </section>
    }
}
