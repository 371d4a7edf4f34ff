//! An edge between two parts that can be moved.
//!
//! The pattern is the window splitter of the ARIA Authoring Practices (W3C, "Window Splitter
//! Pattern"): arrow keys move it, Home and End go to the bounds, Enter folds the part away.

use web_sys::HtmlElement;
use yew::prelude::*;

/// How far one arrow key moves, in CSS pixels.
const STRIDE: u32 = 16;

/// Properties of [`Separator`].
#[derive(Clone, PartialEq, Properties)]
pub struct SeparatorProps {
    /// Its name for people, and its tooltip: it is no landmark and holds no text of its own.
    pub label: AttrValue,
    /// The id of the part whose extent it sets.
    pub controls: AttrValue,
    /// Whether that extent is a width.
    pub is_column: bool,
    /// Whether the part lies behind the edge: it grows as the edge moves to the start.
    #[prop_or_default]
    pub grows_back: bool,
    /// The extent now, in CSS pixels; 0 while it is folded.
    pub value: u32,
    /// The least extent.
    pub least: u32,
    /// The largest extent.
    pub most: u32,
    /// Classes.
    #[prop_or_default]
    pub class: Classes,
    /// Make it so large.
    pub onchange: Callback<u32>,
    /// Fold it away, or bring it back. Without it, it is never folded.
    #[prop_or_default]
    pub onfold: Option<Callback<()>>,
}

/// The edge.
#[component]
pub fn Separator(props: &SeparatorProps) -> Html {
    // Where the pointer took hold of it, and the extent then.
    let hold = use_mut_ref(|| None::<(i32, u32)>);
    let (is_column, grows_back) = (props.is_column, props.grows_back);
    let (value, least, most) = (props.value, props.least, props.most);
    let at = move |event: &PointerEvent| {
        if is_column {
            event.client_x()
        } else {
            event.client_y()
        }
    };

    let onpointerdown = {
        let hold = hold.clone();
        Callback::from(move |event: PointerEvent| {
            if event.button() != 0 {
                return;
            }
            if let Some(edge) = event.target_dyn_into::<HtmlElement>() {
                // A pointer that cannot be held is one that is up again already.
                let _ = edge.set_pointer_capture(event.pointer_id());
                let _ = edge.focus();
            }
            event.prevent_default();
            *hold.borrow_mut() = Some((at(&event), value));
        })
    };
    let onpointermove = {
        let (hold, onchange) = (hold.clone(), props.onchange.clone());
        Callback::from(move |event: PointerEvent| {
            let Some((start, extent)) = *hold.borrow() else {
                return;
            };
            let moved = at(&event) - start;
            let moved = if grows_back { -moved } else { moved };
            if moved != 0 {
                onchange.emit(extent.saturating_add_signed(moved).clamp(least, most));
            }
        })
    };
    let release = {
        let hold = hold.clone();
        Callback::from(move |_: PointerEvent| *hold.borrow_mut() = None)
    };
    let onkeydown = {
        let (onchange, onfold) = (props.onchange.clone(), props.onfold.clone());
        Callback::from(move |event: KeyboardEvent| {
            let (back, on) = if is_column {
                ("ArrowLeft", "ArrowRight")
            } else {
                ("ArrowUp", "ArrowDown")
            };
            let (less, more) = if grows_back { (on, back) } else { (back, on) };
            let key = event.key();
            let next = match key.as_str() {
                key if key == less => value.saturating_sub(STRIDE),
                key if key == more => value + STRIDE,
                "Home" => least,
                "End" => most,
                "Enter" => {
                    event.prevent_default();
                    if let Some(onfold) = &onfold {
                        onfold.emit(());
                    }
                    return;
                }
                _ => return,
            };
            event.prevent_default();
            onchange.emit(next.clamp(least, most));
        })
    };
    let ondblclick = {
        let onfold = props.onfold.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(onfold) = &onfold {
                onfold.emit(());
            }
        })
    };

    html! {
        <div role="separator" tabindex="0" class={props.class.clone()} title={props.label.clone()}
            aria-controls={props.controls.clone()}
            aria-orientation={if is_column { "vertical" } else { "horizontal" }}
            aria-valuenow={value.to_string()} aria-valuemin={if props.onfold.is_some() { 0 } else { least }.to_string()} aria-valuemax={most.to_string()}
            {onpointerdown} {onpointermove} onpointerup={release.clone()} onpointercancel={release}
            {onkeydown} {ondblclick}>
        </div>
    }
}
