//! The keys, explained from the table that binds them.

use yew::prelude::*;

use crate::keys::{Scope, TABLE};
use crate::ui::Dialog;

/// Properties of [`Help`].
#[derive(Clone, PartialEq, Properties)]
pub struct HelpProps {
    /// Whether it is open.
    pub open: bool,
    /// It was closed.
    pub onclose: Callback<()>,
}

/// What binds its keys itself.
const OF_OTHERS: [(&str, &[(&str, &str)]); 2] = [
    (
        "In the editor",
        &[
            ("Ctrl F", "find"),
            ("Ctrl Z", "undo"),
            ("F8", "next finding"),
            ("Tab", "leaves the editor; Ctrl ] and Ctrl [ indent"),
        ],
    ),
    (
        "On an edge between panels",
        &[
            ("Arrows", "move it"),
            ("Home, End", "as small or large as it can be"),
            ("Enter", "fold, or bring back"),
        ],
    ),
];

fn row(name: &'static str, says: &'static str) -> Html {
    html! {
        <div key={name} class="key-row"><dt><kbd>{ name }</kbd></dt><dd>{ says }</dd></div>
    }
}

/// The dialog.
#[component]
pub fn Help(props: &HelpProps) -> Html {
    let rows = |scope: Scope| {
        TABLE
            .iter()
            .filter(move |binding| binding.scope == scope)
            .map(|binding| row(binding.name, binding.says))
    };
    html! {
        <Dialog id="help-title" title="Keys" open={props.open} onclose={props.onclose.clone()}>
            <h3>{ "Everywhere" }</h3>
            <dl>{ for rows(Scope::Page) }</dl>
            <h3>{ "In the picture and the transport" }</h3>
            <dl>{ for rows(Scope::Journey) }</dl>
            { for OF_OTHERS.iter().map(|(where_, keys)| html! { <>
                <h3>{ *where_ }</h3>
                <dl>{ for keys.iter().map(|(name, says)| row(name, says)) }</dl>
            </> }) }
        </Dialog>
    }
}
