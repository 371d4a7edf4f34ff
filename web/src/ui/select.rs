//! A native select that follows its value.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::Suggestion;

/// Properties of [`Select`].
#[derive(Clone, PartialEq, Properties)]
pub struct SelectProps {
    /// Its name for people.
    pub label: AttrValue,
    /// Its id, when a label elsewhere names it.
    #[prop_or_default]
    pub id: Option<AttrValue>,
    /// What can be chosen; neighbours of one group stand under its heading.
    pub options: std::rc::Rc<[Suggestion]>,
    /// What is chosen.
    pub value: AttrValue,
    /// More classes.
    #[prop_or_default]
    pub class: Classes,
    /// What to do when another is chosen.
    pub onchange: Callback<String>,
}

/// A select. The element's own `value` is set after each render: an `option`'s `selected`
/// attribute stops counting once a person has chosen.
#[component]
pub fn Select(props: &SelectProps) -> Html {
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with(
            (props.value.clone(), props.options.clone()),
            move |(value, _)| {
                if let Some(select) = node.cast::<HtmlSelectElement>() {
                    select.set_value(value);
                }
            },
        );
    }
    let onchange = props.onchange.reform(|event: Event| {
        event
            .target_dyn_into::<HtmlSelectElement>()
            .map(|select| select.value())
            .unwrap_or_default()
    });
    let option = |choice: &Suggestion| {
        html! {
            <option key={choice.value.to_string()} value={choice.value.clone()}
                selected={choice.value == props.value}>{ &choice.label }</option>
        }
    };
    let groups = props
        .options
        .chunk_by(|one, other| one.group == other.group)
        .map(|group| match group.first() {
            Some(first) if !first.group.is_empty() => html! {
                <optgroup label={first.group.clone()}>{ for group.iter().map(option) }</optgroup>
            },
            _ => html! { <>{ for group.iter().map(option) }</> },
        });
    html! {
        <select ref={node} class={classes!("sel", props.class.clone())} id={props.id.clone()}
            aria-label={props.label.clone()} {onchange}>
            { for groups }
        </select>
    }
}
