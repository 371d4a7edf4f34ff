//! A text field with a list of suggestions.
//!
//! The pattern is the editable combobox with a list of the ARIA Authoring Practices (W3C, "Combobox
//! Pattern"): the focus stays in the field, `aria-activedescendant` names the suggestion that the
//! arrow keys reached. Any text may be typed, the list helps and never restricts; or, where `only`
//! says so, the list is all that there is to choose, typing searches it, and the field shows the
//! label of what is chosen.

use std::rc::Rc;

use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

use super::{Icon, Shape};

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The text that choosing it gives.
    pub value: AttrValue,
    /// What people read.
    pub label: AttrValue,
    /// The heading it stands under; neighbours of one group share it.
    pub group: AttrValue,
}

impl Suggestion {
    /// One without a group, shown as it is.
    #[must_use]
    pub fn plain(text: impl Into<AttrValue>) -> Self {
        let text = text.into();
        Self {
            value: text.clone(),
            label: text,
            group: AttrValue::default(),
        }
    }
}

/// Properties of [`Combobox`].
#[derive(Clone, PartialEq, Properties)]
pub struct ComboboxProps {
    /// The field's id; the list and its entries derive theirs from it.
    pub id: AttrValue,
    /// The field's name for people.
    pub label: AttrValue,
    /// The text in the field.
    pub value: AttrValue,
    /// What is suggested.
    pub suggestions: Rc<[Suggestion]>,
    /// Whether only suggestions can be chosen.
    #[prop_or_default]
    pub only: bool,
    /// Shown while the field is empty.
    #[prop_or_default]
    pub placeholder: AttrValue,
    /// The text changed.
    pub onchange: Callback<String>,
    /// Enter was pressed and no suggestion was meant.
    pub onsubmit: Callback<()>,
}

/// The suggestions that a typed text leaves, with their places in the whole list.
fn matching(suggestions: &[Suggestion], typed: Option<&str>) -> Vec<usize> {
    let typed = typed
        .map(str::trim)
        .unwrap_or_default()
        .to_ascii_lowercase();
    (0..suggestions.len())
        .filter(|&index| {
            suggestions.get(index).is_some_and(|suggestion| {
                typed.is_empty()
                    || suggestion.value.to_ascii_lowercase().contains(&typed)
                    || suggestion.label.to_ascii_lowercase().contains(&typed)
            })
        })
        .collect()
}

/// A text field with a list of suggestions.
#[component]
pub fn Combobox(props: &ComboboxProps) -> Html {
    let open = use_state(|| false);
    // What was typed and is no choice yet.
    let typed = use_state(|| None::<AttrValue>);
    let active = use_state(|| None::<usize>);
    let field = use_node_ref();
    let only = props.only;

    let shown = matching(&props.suggestions, typed.as_deref());
    let is_open = *open && !shown.is_empty();
    let list_id = format!("{}-list", props.id);
    let option_id = |index: usize| format!("{}-option-{index}", props.id);
    let active_index = active.filter(|index| is_open && shown.contains(index));

    let close = {
        let (open, typed, active) = (open.setter(), typed.setter(), active.setter());
        Callback::from(move |()| {
            open.set(false);
            typed.set(None);
            active.set(None);
        })
    };
    let choose = {
        let (close, onchange) = (close.clone(), props.onchange.clone());
        let suggestions = props.suggestions.clone();
        Callback::from(move |index: usize| {
            if let Some(suggestion) = suggestions.get(index) {
                onchange.emit(suggestion.value.to_string());
            }
            close.emit(());
        })
    };

    let oninput = {
        let (open, typed, active) = (open.setter(), typed.setter(), active.setter());
        let onchange = props.onchange.clone();
        Callback::from(move |event: InputEvent| {
            let text = event
                .target_dyn_into::<HtmlInputElement>()
                .map(|input| input.value())
                .unwrap_or_default();
            open.set(true);
            typed.set(Some(text.clone().into()));
            active.set(None);
            if !only {
                onchange.emit(text);
            }
        })
    };
    let onkeydown = {
        let (open, active) = (open.setter(), active.setter());
        let (close, choose) = (close.clone(), choose.clone());
        let onsubmit = props.onsubmit.clone();
        let shown = shown.clone();
        let searched = typed.is_some();
        Callback::from(move |event: KeyboardEvent| {
            let place = active_index.and_then(|index| shown.iter().position(|at| *at == index));
            match event.key().as_str() {
                "ArrowDown" | "ArrowUp" if shown.is_empty() => {}
                "ArrowDown" => {
                    event.prevent_default();
                    let next = place.map_or(0, |place| (place + 1) % shown.len());
                    open.set(true);
                    active.set(shown.get(next).copied());
                }
                "ArrowUp" => {
                    event.prevent_default();
                    let last = shown.len() - 1;
                    let next = place.map_or(last, |place| place.checked_sub(1).unwrap_or(last));
                    open.set(true);
                    active.set(shown.get(next).copied());
                }
                "Enter" if !event.ctrl_key() && !event.meta_key() => {
                    event.prevent_default();
                    // Of what was searched for the first that was found is meant.
                    let found = (only && searched).then(|| shown.first().copied()).flatten();
                    match active_index.or(found) {
                        Some(index) => choose.emit(index),
                        None => {
                            close.emit(());
                            onsubmit.emit(());
                        }
                    }
                }
                "Escape" if is_open => {
                    event.stop_propagation();
                    close.emit(());
                }
                _ => {}
            }
        })
    };
    let onclick = {
        let open = open.setter();
        Callback::from(move |event: MouseEvent| {
            open.set(true);
            // What is typed into a list takes the place of what is chosen.
            if only && let Some(field) = event.target_dyn_into::<HtmlInputElement>() {
                field.select();
            }
        })
    };
    let toggle = {
        let (open, close, field) = (open.setter(), close.clone(), field.clone());
        Callback::from(move |event: PointerEvent| {
            event.prevent_default();
            if is_open {
                close.emit(());
            } else {
                open.set(true);
                if let Some(field) = field.cast::<HtmlInputElement>() {
                    let _ = field.focus();
                }
            }
        })
    };
    let onfocusout = close.reform(|_: FocusEvent| ());

    {
        let id = active_index.map(&option_id);
        use_effect_with(id, |id| {
            let element = id
                .as_ref()
                .and_then(|id| gloo::utils::document().get_element_by_id(id));
            if let Some(element) = element {
                scroll_into_list(&element);
            }
        });
    }

    let option = |index: usize| {
        let Some(suggestion) = props.suggestions.get(index) else {
            return html! {};
        };
        let choose = choose.clone();
        // On the press and not on the click, so that the field keeps the focus.
        // The field keeps the focus. Chosen is at the end of the touch: a list that closes at its
        // beginning leaves the rest of it to what lies below.
        let onpointerdown = Callback::from(|event: PointerEvent| event.prevent_default());
        let onclick = Callback::from(move |_: MouseEvent| choose.emit(index));
        let is_active = active_index == Some(index);
        html! {
            <div key={index} role="option" id={option_id(index)} {onpointerdown} {onclick}
                class={classes!("option", is_active.then_some("active"))}
                aria-selected={if is_active { "true" } else { "false" }}>
                if only {
                    <span>{ &suggestion.label }</span>
                } else {
                    <span class="mono">{ &suggestion.value }</span>
                    if suggestion.label != suggestion.value {
                        <span class="option-note">{ &suggestion.label }</span>
                    }
                }
            </div>
        }
    };
    let group_of = |index: &usize| {
        props
            .suggestions
            .get(*index)
            .map(|suggestion| suggestion.group.clone())
            .unwrap_or_default()
    };
    let groups = shown
        .chunk_by(|one, other| group_of(one) == group_of(other))
        .map(|group| {
            let name = group.first().map(group_of).unwrap_or_default();
            let options = group.iter().map(|index| option(*index));
            if name.is_empty() {
                html! { <>{ for options }</> }
            } else {
                html! {
                    <div role="group" aria-label={name.clone()}>
                        <div class="option-group" aria-hidden="true">{ name }</div>
                        { for options }
                    </div>
                }
            }
        });

    // What the text in the field means, if it is one of the suggestions.
    let label = props
        .suggestions
        .iter()
        .find(|suggestion| suggestion.value == props.value)
        .map(|suggestion| suggestion.label.clone());
    let note = label.clone().filter(|label| !only && *label != props.value);
    let value = match (&*typed, label) {
        (Some(typed), _) if only => typed.clone(),
        (None, Some(label)) if only => label,
        _ => props.value.clone(),
    };
    html! {
        <div class="combobox" {onfocusout}>
            <input ref={field} id={props.id.clone()} type="text" role="combobox" class={classes!("sel", (!only).then_some("mono"))}
                aria-label={props.label.clone()} aria-autocomplete="list"
                aria-expanded={if is_open { "true" } else { "false" }}
                aria-controls={list_id.clone()}
                aria-activedescendant={active_index.map(option_id)}
                autocomplete="off" autocapitalize="off" spellcheck="false"
                placeholder={props.placeholder.clone()} {value}
                {oninput} {onkeydown} {onclick} />
            if let Some(note) = note { <span class="combobox-note" aria-hidden="true">{ note }</span> }
            <span class="combobox-open" aria-hidden="true" onpointerdown={toggle}><Icon shape={Shape::Down} /></span>
            <div id={list_id} role="listbox" class="listbox" aria-label={props.label.clone()} hidden={!is_open}>
                if is_open { { for groups } }
            </div>
        </div>
    }
}

/// Scrolls the list, and nothing else, so that the entry is seen.
fn scroll_into_list(element: &Element) {
    let Ok(Some(list)) = element.closest("[role=listbox]") else {
        return;
    };
    let (entry, frame) = (
        element.get_bounding_client_rect(),
        list.get_bounding_client_rect(),
    );
    #[allow(clippy::cast_possible_truncation)]
    let by = if entry.top() < frame.top() {
        (entry.top() - frame.top()) as i32
    } else if entry.bottom() > frame.bottom() {
        (entry.bottom() - frame.bottom()) as i32
    } else {
        0
    };
    list.set_scroll_top(list.scroll_top() + by);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_leaves_what_holds_the_text_in_value_or_label() {
        let list = [
            Suggestion {
                value: "node-3:30080".into(),
                label: "frontend-service, side door".into(),
                group: "".into(),
            },
            Suggestion::plain("10.96.0.1:443"),
        ];
        assert_eq!(matching(&list, None), [0, 1]);
        assert_eq!(matching(&list, Some("  ")), [0, 1]);
        assert_eq!(matching(&list, Some("FRONTEND")), [0]);
        assert_eq!(matching(&list, Some("443")), [1]);
        assert!(matching(&list, Some("nowhere")).is_empty());
    }
}
