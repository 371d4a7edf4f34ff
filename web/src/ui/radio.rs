//! A row of native radio buttons that looks like one control.

use yew::prelude::*;

use crate::prefs::Choice;

/// Properties of [`RadioGroup`].
#[derive(Clone, PartialEq, Properties)]
pub struct RadioGroupProps<T: Choice> {
    /// The group's name for people.
    pub legend: AttrValue,
    /// The group's name in the document: one of its kind on the page.
    pub name: AttrValue,
    /// What is chosen.
    pub value: T,
    /// Whether the legend is seen.
    #[prop_or_default]
    pub show_legend: bool,
    /// What to do when another is chosen.
    pub onchange: Callback<T>,
}

/// A group of radio buttons for all values of a [`Choice`].
#[component]
pub fn RadioGroup<T: Choice>(props: &RadioGroupProps<T>) -> Html {
    html! {
        <fieldset class="seg">
            <legend class={if props.show_legend { "legend" } else { "vh" }}>{ &props.legend }</legend>
            <div class="seg-row">
            { for T::ALL.iter().map(|value| {
                let value = *value;
                let onchange = props.onchange.reform(move |_: Event| value);
                html! {
                    <label key={value.word()}>
                        <input type="radio" name={props.name.clone()} value={value.word()}
                            checked={value == props.value} {onchange} />
                        <span>{ value.label() }</span>
                    </label>
                }
            }) }
            </div>
        </fieldset>
    }
}
