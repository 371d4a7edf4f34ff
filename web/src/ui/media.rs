//! Media queries as a hook.

use gloo::events::EventListener;
use yew::prelude::*;

/// Whether a media query matches; renders again when that changes.
#[hook]
pub fn use_media(query: &'static str) -> bool {
    let list = use_memo((), |()| {
        web_sys::window().and_then(|window| window.match_media(query).ok().flatten())
    });
    let matches = use_state(|| list.as_ref().as_ref().is_some_and(|list| list.matches()));
    {
        let matches = matches.setter();
        use_effect_with((), move |()| {
            let listener = (*list).clone().map(|list| {
                let now = list.clone();
                EventListener::new(&list, "change", move |_| matches.set(now.matches()))
            });
            move || drop(listener)
        });
    }
    *matches
}
