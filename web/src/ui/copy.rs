//! A button that copies a text.

use gloo::timers::callback::Timeout;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use yew::prelude::*;

/// How long it says that it copied, in milliseconds.
const SAYS: u32 = 2_000;

/// Properties of [`CopyButton`].
#[derive(Clone, PartialEq, Properties)]
pub struct CopyButtonProps {
    /// What stands on it.
    pub label: AttrValue,
    /// Gives the text, when it is asked for.
    pub text: Callback<(), String>,
}

/// A button that copies a text, and says so.
#[component]
pub fn CopyButton(props: &CopyButtonProps) -> Html {
    let said = use_state(|| None::<&'static str>);
    {
        let said = said.clone();
        use_effect_with(*said, move |now| {
            let timer = now.map(|_| Timeout::new(SAYS, move || said.set(None)));
            move || drop(timer)
        });
    }
    let onclick = {
        let (said, text) = (said.setter(), props.text.clone());
        Callback::from(move |_: MouseEvent| {
            let Some(window) = web_sys::window() else {
                return;
            };
            let copied = JsFuture::from(window.navigator().clipboard().write_text(&text.emit(())));
            let said = said.clone();
            spawn_local(async move {
                said.set(Some(match copied.await {
                    Ok(_) => "Copied",
                    Err(_) => "The browser did not allow it",
                }));
            });
        })
    };
    html! {
        <span class="copy">
            <button type="button" class="btn sm" {onclick}>{ &props.label }</button>
            <span class="copy-said" role="status">{ said.unwrap_or_default() }</span>
        </span>
    }
}
