//! A modal dialog; the browser makes the page behind it inert.

use web_sys::HtmlDialogElement;
use yew::prelude::*;

use super::{Icon, Shape};

/// Properties of [`Dialog`].
#[derive(Clone, PartialEq, Properties)]
pub struct DialogProps {
    /// The id of its title.
    pub id: AttrValue,
    /// Its title.
    pub title: AttrValue,
    /// Whether it is open.
    pub open: bool,
    /// It was closed.
    pub onclose: Callback<()>,
    /// More classes.
    #[prop_or_default]
    pub class: Classes,
    /// What is in it; drawn only while it is open.
    pub children: Html,
}

/// The dialog. Escape and the button close it.
#[component]
pub fn Dialog(props: &DialogProps) -> Html {
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
    html! {
        <dialog ref={node} class={classes!("dialog", props.class.clone())} aria-labelledby={props.id.clone()} {onclose}>
            <div class="dialog-head">
                <h2 id={props.id.clone()}>{ &props.title }</h2>
                <button type="button" class="icb" aria-label="Close" onclick={close}><Icon shape={Shape::Close} /></button>
            </div>
            if props.open { { props.children.clone() } }
        </dialog>
    }
}
