//! The objects of the text, as a list.
//!
//! A real cluster's dump has thousands: the first are drawn, and more as somebody scrolls or asks.

use std::rc::Rc;

use lobby_engine::api::Kind;
use lobby_engine::lab::{DeskType, OutlineEntry};
use web_sys::Element;
use yew::prelude::*;

use crate::links::{Focus, Lit};
use crate::session::Session;
use crate::state::PointerAction;
use crate::ui::{Icon, Shape};

/// How many are drawn at first, and more at a time.
const STEP: usize = 200;

/// How near to the end of what is drawn somebody scrolls until more is drawn, in CSS pixels.
const NEAR: i32 = 400;

/// Properties of [`Outline`].
#[derive(Clone, PartialEq, Properties)]
pub(super) struct OutlineProps {
    /// The objects.
    pub entries: Rc<Vec<OutlineEntry>>,
    /// What is lit.
    pub lit: Rc<Lit>,
    /// What is pinned.
    pub pinned: Option<Rc<Focus>>,
    /// Move the editor to a line and column.
    pub ongo: Callback<(u32, u32)>,
}

fn shape(entry: &OutlineEntry) -> Shape {
    match (entry.type_, entry.object.kind) {
        (Some(DeskType::ClusterIP), _) => Shape::ClusterIp,
        (Some(DeskType::NodePort), _) => Shape::NodePort,
        (Some(DeskType::LoadBalancer), _) => Shape::LoadBalancer,
        (Some(DeskType::ExternalName), _) => Shape::ExternalName,
        (Some(DeskType::Headless), _) => Shape::Headless,
        (None, Kind::Deployment) => Shape::Stack,
        (None, Kind::Pod) => Shape::Room,
        (None, Kind::Node) => Shape::Wing,
        (None, _) => Shape::Sheet,
    }
}

/// The list. Pointing at an object lights it everywhere; a click pins it and shows its place.
#[component]
pub(super) fn Outline(props: &OutlineProps) -> Html {
    let session = use_context::<Session>();
    let dispatch = Callback::from(move |action: PointerAction| {
        if let Some(session) = &session {
            session.dispatch(action);
        }
    });
    let count = props.entries.len();
    let drawn = use_state_eq(|| STEP);
    let onscroll = {
        let drawn = drawn.clone();
        Callback::from(move |event: Event| {
            let Some(list) = event.target_dyn_into::<Element>() else {
                return;
            };
            let left = list.scroll_height() - list.scroll_top() - list.client_height();
            if left < NEAR && *drawn < count {
                drawn.set(*drawn + STEP);
            }
        })
    };
    let shown = count.min(*drawn);
    let more = {
        let drawn = drawn.clone();
        Callback::from(move |_: MouseEvent| drawn.set(*drawn + STEP))
    };
    html! {
        <section class="outline" aria-labelledby="outline-title" {onscroll}>
            <h3 id="outline-title" class="ohead">{ "Objects" }</h3>
            if props.entries.is_empty() {
                <p class="empty-note">{ "No object in the text." }</p>
            }
            <ul>
            { for props.entries[..shown].iter().enumerate().map(|(place, entry)| {
                let focus = Focus::Object(entry.object.clone());
                let pinned = props.pinned.as_deref() == Some(&focus);
                let lit = props.lit.objects.contains(&entry.object);
                let over = { let focus = focus.clone(); dispatch.reform(move |()| PointerAction::Over(Some(focus.clone()))) };
                let out = dispatch.reform(|()| PointerAction::Over(None));
                let onclick = {
                    let (dispatch, ongo) = (dispatch.clone(), props.ongo.clone());
                    let start = entry.span.start;
                    Callback::from(move |_: MouseEvent| {
                        dispatch.emit(PointerAction::Pin(focus.clone()));
                        ongo.emit((start.line, start.column));
                    })
                };
                html! {
                    <li key={format!("{place} {}", entry.object)}>
                        <button type="button" class={classes!("ob", lit.then_some("lit"), pinned.then_some("pinned"))}
                            aria-pressed={if pinned { "true" } else { "false" }} {onclick}
                            onmouseenter={over.reform(|_: MouseEvent| ())} onmouseleave={out.reform(|_: MouseEvent| ())}
                            onfocus={over.reform(|_: FocusEvent| ())} onblur={out.reform(|_: FocusEvent| ())}>
                            <Icon shape={shape(entry)} />
                            <b>{ &entry.object.name }</b>
                            <span>{ &entry.detail }{ if entry.applied { "" } else { " · refused" } }</span>
                        </button>
                    </li>
                }
            }) }
            </ul>
            if shown < count {
                <button type="button" class="ob" onclick={more}>
                    { format!("{} more objects", count - shown) }
                </button>
            }
        </section>
    }
}
