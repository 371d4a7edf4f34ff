//! Tabs of panels.

use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::{Badge, PANELS, Panel};
use crate::session::Session;
use crate::state::{FrameAction, Tab};

/// A tab: the panel's place in [`PANELS`], and its badge.
pub(super) type Entry = (usize, Option<Badge>);

/// Properties of [`Tabs`].
#[derive(Clone, PartialEq, Properties)]
pub(super) struct TabsProps {
    /// What the strip is called.
    pub name: &'static str,
    /// The panel that is seen.
    pub tab: Tab,
    /// The panels.
    pub entries: Vec<Entry>,
    /// Classes.
    pub class: Classes,
}

fn panel((index, _): &Entry) -> &'static Panel {
    &PANELS[*index]
}

/// The tabs. Arrow keys move, as the ARIA Authoring Practices ask of tabs; a strip that is wider
/// than its room scrolls, and the chosen tab is scrolled into it.
#[component]
pub(super) fn Tabs(props: &TabsProps) -> Html {
    let session = use_context::<Session>();
    let strip = use_node_ref();
    let show = Callback::from(move |tab: Tab| {
        if let Some(session) = &session {
            session.dispatch(FrameAction::Show(tab));
        }
    });
    {
        let strip = strip.clone();
        use_effect_with(props.tab, move |_| {
            let Some(strip) = strip.cast::<HtmlElement>() else {
                return;
            };
            let Ok(Some(tab)) = strip.query_selector("[aria-selected=true]") else {
                return;
            };
            let (tab, frame) = (
                tab.get_bounding_client_rect(),
                strip.get_bounding_client_rect(),
            );
            #[allow(clippy::cast_possible_truncation)]
            let by = (tab.left() - frame.left()).min(0.0) as i32
                + (tab.right() - frame.right()).max(0.0) as i32;
            if by != 0 {
                strip.set_scroll_left(strip.scroll_left() + by);
            }
        });
    }
    let onkeydown = {
        let (entries, show) = (props.entries.clone(), show.clone());
        let at = entries
            .iter()
            .position(|entry| panel(entry).tab == props.tab)
            .unwrap_or(0);
        Callback::from(move |event: KeyboardEvent| {
            let next = match event.key().as_str() {
                "ArrowRight" => (at + 1) % entries.len(),
                "ArrowLeft" => (at + entries.len() - 1) % entries.len(),
                "Home" => 0,
                "End" => entries.len() - 1,
                _ => return,
            };
            event.prevent_default();
            let panel = panel(&entries[next]);
            show.emit(panel.tab);
            let button = gloo::utils::document().get_element_by_id(&format!("tab-{}", panel.id));
            if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
                let _ = button.focus();
            }
        })
    };
    html! {
        <nav aria-label={props.name} class={props.class.clone()}>
        <div ref={strip} class="tabs" role="tablist" aria-label={props.name} {onkeydown}>
            { for props.entries.iter().map(|entry| {
                let panel = panel(entry);
                let (tab, on) = (panel.tab, panel.tab == props.tab);
                html! {
                    <button type="button" key={panel.id} role="tab" id={format!("tab-{}", panel.id)}
                        aria-controls={panel.id} aria-selected={if on { "true" } else { "false" }}
                        tabindex={if on { "0" } else { "-1" }}
                        onclick={show.reform(move |_: MouseEvent| tab)}>
                        { panel.name }
                        if let Some(badge) = &entry.1 {
                            <span class={classes!("badge", badge.class)} aria-hidden="true">{ &badge.text }</span>
                            <span class="vh">{ ", " }{ &badge.name }</span>
                        }
                    </button>
                }
            }) }
        </div>
        </nav>
    }
}
