//! What is wrong with the text, as a list whose entries lead to the place.

use std::rc::Rc;

use lobby_engine::diagnostic::{Diagnostic, Severity};
use yew::prelude::*;

/// How many are drawn: a broken paste can have thousands.
const SHOWN: usize = 50;

/// Properties of [`Diagnostics`].
#[derive(Clone, PartialEq, Properties)]
pub(super) struct DiagnosticsProps {
    /// The findings.
    pub list: Rc<Vec<Diagnostic>>,
    /// Move the editor to a line and column.
    pub ongo: Callback<(u32, u32)>,
}

/// The word of a severity.
pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// The list.
#[component]
pub(super) fn Diagnostics(props: &DiagnosticsProps) -> Html {
    if props.list.is_empty() {
        return html! {};
    }
    let left = props.list.len().saturating_sub(SHOWN);
    html! {
        <section class="diagnostics" aria-label="Findings in the text">
            <ul>
            { for props.list.iter().take(SHOWN).map(|diagnostic| {
                let word = word(diagnostic.severity);
                let body = html! { <>
                    <span class="diagnostic-place">
                        <b>{ word }</b>
                        if let Some(span) = diagnostic.span {
                            { format!(" · line {}", span.start.line) }
                        }
                        if let Some(field) = &diagnostic.field { { " · " }<code>{ field }</code> }
                    </span>
                    <span class="diagnostic-message">{ &diagnostic.message }</span>
                    if let Some(hint) = &diagnostic.hint { <span class="diagnostic-hint">{ hint }</span> }
                </> };
                match diagnostic.span {
                    Some(span) => {
                        let onclick = props.ongo.reform(move |_: MouseEvent| (span.start.line, span.start.column));
                        html! { <li><button type="button" class={classes!("diagnostic", word)} {onclick}>{ body }</button></li> }
                    }
                    None => html! { <li><div class={classes!("diagnostic", word)}>{ body }</div></li> },
                }
            }) }
            </ul>
            if left > 0 { <p class="more">{ format!("and {left} more") }</p> }
        </section>
    }
}
