//! The menu of things: every Service by shape and name, and the search for Services, Pods and Nodes.

use std::rc::Rc;

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::lab::{Found, Scene};
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::draw::path;
use super::shapes::shape;

/// How many Services are listed before anything is searched for.
const LISTED: usize = 60;

/// What the menu shows.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// The whole world, also what is not drawn.
    pub(super) scene: Rc<Scene>,
    /// The open Service.
    pub(super) open: Option<ObjectRef>,
    /// Something is to be chosen; a Service's desk is to be opened.
    pub(super) on_choose: Callback<ObjectRef>,
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
                .and_then(|root| root.query_selector("input").ok().flatten());
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
    let wanted = search.trim();
    let (found, more) = if wanted.is_empty() {
        listed(&props.scene)
    } else {
        props.scene.find(wanted)
    };
    let close = props.on_close.reform(|_: MouseEvent| ());
    html! {
        <div class="stage-desks" role="dialog" aria-label="Find a Service, Pod or Node" ref={root} onkeydown={on_key}>
            <p class="stage-desks-head">
                <b>{ "Desks, rooms, wings" }</b>
                <span>{ "Services, Pods, Nodes" }</span>
                <button type="button" class="stage-tool" aria-label="Close" onclick={close}>
                    { super::shapes::sign("M4 4l8 8M12 4l-8 8") }
                </button>
            </p>
            <input type="search" aria-label="Name, namespace or address" placeholder="name, namespace or address"
                value={(*search).clone()} oninput={on_input} />
            <p class="stage-found" role="status">
                if !wanted.is_empty() {
                    { match found.len() + more {
                        0 => "Nothing has that name or address".to_owned(),
                        1 => "1 found".to_owned(),
                        all => format!("{all} found"),
                    } }
                }
            </p>
            <ul>{ for found.into_iter().map(|found| line(props, found)) }</ul>
            if more > 0 {
                <p>{ format!("{more} more: search for them") }</p>
            }
        </div>
    }
}

/// The Services, those that are a person's own first.
fn listed(scene: &Scene) -> (Vec<Found>, usize) {
    let mut order: Vec<usize> = (0..scene.desks.len()).collect();
    order.sort_by_key(|&i| scene.desks[i].of_the_cluster);
    let more = order.len().saturating_sub(LISTED);
    order.truncate(LISTED);
    let found = order.into_iter().map(|i| {
        let desk = &scene.desks[i];
        let object = desk.service.clone();
        let note = format!("{} · {}", object.namespace, desk.type_.as_str());
        Found { object, note }
    });
    (found.collect(), more)
}

fn line(props: &Props, found: Found) -> Html {
    let Found { object, note } = found;
    let key = object.to_string();
    let picture = match object.kind {
        Kind::Service => {
            let mut desks = props.scene.desks.iter();
            let desk = desks.find(|desk| desk.service == object);
            desk.map(|desk| shape(desk.type_, 0, 0, 16))
                .unwrap_or_default()
        }
        Kind::Node => sign("M2 14V6l6-4 6 4v8z"),
        _ => sign("M3 2.500h10v11H3zM8 2.500v11M3 8h10"),
    };
    let open = props.open.as_ref() == Some(&object);
    let name = object.name.clone();
    let kind = object.kind.as_str();
    let choose = props.on_choose.clone();
    let onclick = Callback::from(move |_: MouseEvent| choose.emit(object.clone()));
    html! {
        <li {key}>
            <button type="button" class="stage-desk" {onclick} aria-current={open.then_some("true")}>
                { picture }
                <b><span class="vh">{ kind }{ " " }</span>{ name }</b>
                <span>{ note }</span>
            </button>
        </li>
    }
}

fn sign(d: &'static str) -> Html {
    html! {
        <svg class="shape" width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">{ path("", d) }</svg>
    }
}
