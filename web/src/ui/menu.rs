//! A button that opens a small panel below it.

use gloo::events::EventListener;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, Node};
use yew::prelude::*;

/// Properties of [`Menu`].
#[derive(Clone, PartialEq, Properties)]
pub struct MenuProps {
    /// The panel's id; the button points at it.
    pub id: AttrValue,
    /// What stands on the button.
    pub label: Html,
    /// The button's name, where what stands on it is not words.
    #[prop_or_default]
    pub name: Option<AttrValue>,
    /// Classes of the button.
    #[prop_or_default]
    pub class: Classes,
    /// Whether the panel hangs from the button's right edge.
    #[prop_or_default]
    pub end: bool,
    /// Whether it is open.
    pub open: bool,
    /// Opens and closes it.
    pub onopen: Callback<bool>,
    /// What is in the panel.
    pub children: Html,
}

/// A disclosure. It closes on Escape (the focus goes back to the button), on a press elsewhere and
/// when the focus leaves it.
#[component]
pub fn Menu(props: &MenuProps) -> Html {
    let root = use_node_ref();
    let button = use_node_ref();

    {
        let root = root.clone();
        let onopen = props.onopen.clone();
        use_effect_with(props.open, move |open| {
            let listener = open.then(gloo::utils::document).map(|document| {
                EventListener::new(&document, "pointerdown", move |event| {
                    let inside = event
                        .target()
                        .and_then(|target| target.dyn_into::<Node>().ok())
                        .zip(root.get())
                        .is_some_and(|(target, root)| root.contains(Some(&target)));
                    if !inside {
                        onopen.emit(false);
                    }
                })
            });
            move || drop(listener)
        });
    }

    let onkeydown = {
        let onopen = props.onopen.clone();
        let open = props.open;
        let button = button.clone();
        Callback::from(move |event: KeyboardEvent| {
            if open && event.key() == "Escape" {
                event.stop_propagation();
                onopen.emit(false);
                if let Some(button) = button.cast::<HtmlElement>() {
                    let _ = button.focus();
                }
            }
        })
    };
    let onfocusout = {
        let onopen = props.onopen.clone();
        let root = root.clone();
        let open = props.open;
        Callback::from(move |event: FocusEvent| {
            // No related target: the window lost the focus, or a press on plain ground.
            let Some(next) = event
                .related_target()
                .and_then(|target| target.dyn_into::<Node>().ok())
            else {
                return;
            };
            if open && !root.get().is_some_and(|root| root.contains(Some(&next))) {
                onopen.emit(false);
            }
        })
    };
    let onclick = {
        let onopen = props.onopen.clone();
        let open = props.open;
        Callback::from(move |_: MouseEvent| onopen.emit(!open))
    };

    html! {
        <div class="menu" ref={root} {onkeydown} {onfocusout}>
            <button type="button" ref={button} class={props.class.clone()} aria-label={props.name.clone()}
                aria-expanded={if props.open { "true" } else { "false" }}
                aria-controls={props.open.then(|| props.id.clone())} {onclick}>
                { props.label.clone() }
            </button>
            if props.open {
                <div id={props.id.clone()} class={classes!("menu-panel", props.end.then_some("end"))}>
                    { props.children.clone() }
                </div>
            }
        </div>
    }
}
