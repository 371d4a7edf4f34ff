//! The keys, explained from the table that binds them.

use web_sys::HtmlDialogElement;
use yew::prelude::*;

use crate::keys::{Scope, TABLE};
use crate::ui::{Icon, Shape};

/// Properties of [`Help`].
#[derive(Clone, PartialEq, Properties)]
pub struct HelpProps {
    /// Whether it is open.
    pub open: bool,
    /// It was closed.
    pub onclose: Callback<()>,
}

/// A modal dialog; the browser makes the page behind it inert.
#[component]
pub fn Help(props: &HelpProps) -> Html {
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with(props.open, move |open| {
            if let Some(dialog) = node.cast::<HtmlDialogElement>() {
                if *open && !dialog.open() {
                    let _ = dialog.show_modal();
                } else if !*open && dialog.open() {
                    dialog.close();
                }
            }
        });
    }
    let close = props.onclose.reform(|_: MouseEvent| ());
    let onclose = props.onclose.reform(|_: Event| ());
    let rows = |scope: Scope| {
        TABLE
            .iter()
            .filter(move |binding| binding.scope == scope)
            .map(|binding| {
                html! {
                    <div key={binding.name} class="key-row">
                        <dt><kbd>{ binding.name }</kbd></dt>
                        <dd>{ binding.says }</dd>
                    </div>
                }
            })
    };
    html! {
        <dialog ref={node} class="dialog" aria-labelledby="help-title" {onclose}>
            <div class="dialog-head">
                <h2 id="help-title">{ "Keys" }</h2>
                <button type="button" class="icb" aria-label="Close" onclick={close}><Icon shape={Shape::Close} /></button>
            </div>
            <h3>{ "Everywhere" }</h3>
            <dl>{ for rows(Scope::Page) }</dl>
            <h3>{ "In the picture and the transport" }</h3>
            <dl>{ for rows(Scope::Journey) }</dl>
            <h3>{ "In the editor" }</h3>
            <dl>
                <div class="key-row"><dt><kbd>{ "Ctrl F" }</kbd></dt><dd>{ "find" }</dd></div>
                <div class="key-row"><dt><kbd>{ "Ctrl Z" }</kbd></dt><dd>{ "undo" }</dd></div>
                <div class="key-row"><dt><kbd>{ "F8" }</kbd></dt><dd>{ "next finding" }</dd></div>
                <div class="key-row"><dt><kbd>{ "Tab" }</kbd></dt><dd>{ "leaves the editor; Ctrl ] and Ctrl [ indent" }</dd></div>
            </dl>
        </dialog>
    }
}
