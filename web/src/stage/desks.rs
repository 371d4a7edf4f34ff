//! The menu of desks: every Service by shape and name, with a search from eight on.

use std::rc::Rc;

use lobby_engine::api::ObjectRef;
use lobby_engine::lab::Scene;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::shapes::shape;

/// From how many Services on there is a search.
const SEARCH_FROM: usize = 8;
/// How many are listed at once; the search finds the others.
const LISTED: usize = 60;

/// What the menu shows.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// The scene.
    pub(super) scene: Rc<Scene>,
    /// Index of the open Service.
    pub(super) open: Option<usize>,
    /// A desk is to be opened.
    pub(super) on_open: Callback<ObjectRef>,
    /// The menu is to be closed.
    pub(super) on_close: Callback<()>,
}

/// The menu.
#[component]
pub(super) fn Desks(props: &Props) -> Html {
    let search = use_state(String::new);
    let root = use_node_ref();
    {
        let root = root.clone();
        use_effect_with((), move |()| {
            let first = root
                .cast::<HtmlElement>()
                .and_then(|root| root.query_selector("input, button").ok().flatten());
            if let Some(first) = first {
                use wasm_bindgen::JsCast;
                // Nothing is lost if the browser declines.
                let _ = first.unchecked_ref::<HtmlElement>().focus();
            }
        });
    }
    let on_key = {
        let close = props.on_close.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                event.stop_propagation();
                close.emit(());
            }
        })
    };
    let on_input = {
        let search = search.clone();
        Callback::from(move |event: InputEvent| {
            let field: HtmlInputElement = event.target_unchecked_into();
            search.set(field.value());
        })
    };
    let desks = &props.scene.desks;
    let wanted = search.trim().to_ascii_lowercase();
    let found: Vec<usize> = (0..desks.len())
        .filter(|&i| {
            let service = &desks[i].service;
            wanted.is_empty()
                || service.name.to_ascii_lowercase().contains(&wanted)
                || service.namespace.to_ascii_lowercase().contains(&wanted)
        })
        .collect();
    let more = found.len().saturating_sub(LISTED);
    let close = props.on_close.reform(|_: MouseEvent| ());
    html! {
        <div class="stage-desks" role="dialog" aria-label="Desks (Services)" ref={root} onkeydown={on_key}>
            <p class="stage-desks-head">
                <b>{ "Desks" }</b>
                <span>{ "Services" }</span>
                <button type="button" class="stage-tool" aria-label="Close" onclick={close}>
                    { super::shapes::sign("M4 4l8 8M12 4l-8 8") }
                </button>
            </p>
            if desks.len() >= SEARCH_FROM {
                <input type="search" aria-label="Search Services" placeholder="name or namespace"
                    value={(*search).clone()} oninput={on_input} />
            }
            <ul>
                { for found.iter().take(LISTED).map(|&i| {
                    let desk = &desks[i];
                    let (open, service) = (props.on_open.clone(), desk.service.clone());
                    let onclick = Callback::from(move |_: MouseEvent| open.emit(service.clone()));
                    html! {
                        <li key={i}>
                            <button type="button" class="stage-desk" {onclick}
                                aria-current={(props.open == Some(i)).then_some("true")}>
                                { shape(desk.type_, 0, 0, 16) }
                                <b>{ &desk.service.name }</b>
                                <span>{ format!("{} · {}", desk.service.namespace, desk.type_.as_str()) }</span>
                            </button>
                        </li>
                    }
                }) }
            </ul>
            if more > 0 {
                <p>{ format!("{more} more: search for them") }</p>
            }
            if found.is_empty() {
                <p>{ "No Service of that name" }</p>
            }
        </div>
    }
}
