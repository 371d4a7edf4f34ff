//! A person's own rules in the place of a Node's: the dialog in which they are pasted.

use std::rc::Rc;

use lobby_engine::lab::Outcome;
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use crate::session::Session;
use crate::ui::Dialog;

/// Properties of [`OwnRulesDialog`].
#[derive(Clone, PartialEq, Properties)]
pub(super) struct OwnRulesProps {
    /// The Node.
    pub(super) node: Rc<str>,
    /// Whether it is open.
    pub(super) open: bool,
    /// It was closed.
    pub(super) onclose: Callback<()>,
}

/// A modal dialog in which the output of `iptables-save` is pasted.
#[component]
pub(super) fn OwnRulesDialog(props: &OwnRulesProps) -> Html {
    html! {
        <Dialog id="own-rules-title" title={format!("Your own rules on {}", props.node)} open={props.open}
            onclose={props.onclose.clone()} class="own-rules">
            <Form node={props.node.clone()} onclose={props.onclose.clone()} />
        </Dialog>
    }
}

/// Properties of [`Form`].
#[derive(Clone, PartialEq, Properties)]
struct FormProps {
    node: Rc<str>,
    onclose: Callback<()>,
}

/// What is in the dialog: made anew each time that it opens.
#[component]
fn Form(props: &FormProps) -> Html {
    let session = use_context::<Session>();
    let outcome = use_state(|| None::<Outcome>);
    let field = use_node_ref();
    let onsubmit = {
        let (outcome, field, node) = (outcome.setter(), field.clone(), props.node.clone());
        let onclose = props.onclose.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let text = field
                .cast::<HtmlTextAreaElement>()
                .map(|field| field.value());
            let (Some(session), Some(text)) = (&session, text) else {
                return;
            };
            let found = session.alter(|lab| lab.replace_rules(&node, &text));
            let is_done =
                (found.as_ref()).is_some_and(|found| found.applied && found.diagnostics.is_empty());
            outcome.set(found);
            if is_done {
                onclose.emit(());
            }
        })
    };
    let close = props.onclose.reform(|_: MouseEvent| ());
    html! {
        <form {onsubmit}>
            <p id="own-rules-says">
                { "Paste what " }<code>{ "iptables-save" }</code>{ " prints on a real Node, and what " }<code>{ "ipset save" }</code>
                { " prints if its rules look into sets. Packets on this Node then walk through them, in the place of what kube-proxy wrote. Nothing leaves your browser." }
            </p>
            <textarea ref={field} class="sel mono" rows="10" spellcheck="false" autocomplete="off" autocapitalize="none"
                aria-label="Rules" aria-describedby="own-rules-says" placeholder={"*nat\n:PREROUTING ACCEPT [0:0]\n…\nCOMMIT"} />
            <div class="own-rules-acts">
                <button type="submit" class="btn primary">{ "Use them" }</button>
                <button type="button" class="btn" onclick={close}>{ "Close" }</button>
            </div>
            <div role="status">
                { for outcome.iter().map(told) }
            </div>
        </form>
    }
}

/// What there is to say about pasted rules, line by line.
fn told(outcome: &Outcome) -> Html {
    let head = match (outcome.applied, outcome.diagnostics.len()) {
        (false, _) => "They were not taken.".to_owned(),
        (true, 1) => "They were taken. One line is not as the lab can walk it:".to_owned(),
        (true, lines) => {
            format!("They were taken. {lines} lines are not as the lab can walk them:")
        }
    };
    html! {
        <>
            <p class={classes!("own-rules-end", (!outcome.applied).then_some("bad"))}>{ head }</p>
            <ol class="own-rules-found">
                { for outcome.diagnostics.iter().map(|found| html! {
                    <li class={if found.is_error() { "bad" } else { "warn" }}>
                        if let Some(span) = found.span { <b>{ format!("line {}", span.start.line) }</b>{ " " } }
                        { &found.message }
                        { for found.hint.iter().map(|hint| html! { <span class="quiet">{ " " }{ hint }</span> }) }
                    </li>
                }) }
            </ol>
        </>
    }
}
