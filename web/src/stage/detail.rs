//! The card of what was chosen: what it is, its fields, its labels, and what can be done with it.
//!
//! What it says and what can be done comes from the engine; an action is a line of the lab's
//! console, which is shown.

use std::rc::Rc;

use lobby_engine::api::{Kind, ObjectRef};
use lobby_engine::lab::Details;
use yew::prelude::*;

use super::Skin;
use super::shapes;

/// Something that can be done with what was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What it does, in a few words.
    pub label: AttrValue,
    /// The line of the console that does it.
    pub line: AttrValue,
}

/// What the card shows, and whom it tells.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// What there is to say.
    pub(super) details: Rc<Details>,
    /// What can be done.
    pub(super) offers: Rc<[Offer]>,
    /// Whose words come first.
    pub(super) skin: Skin,
    /// At which side it stands.
    pub(super) left: bool,
    /// A line is to be run.
    pub(super) on_action: Callback<AttrValue>,
    /// Another thing is to be chosen.
    pub(super) on_select: Callback<Option<ObjectRef>>,
}

/// The card.
#[component]
pub(super) fn DetailCard(props: &Props) -> Html {
    let Props {
        details,
        offers,
        skin,
        on_select,
        ..
    } = props;
    let object = &details.object;
    let close = on_select.reform(|_: MouseEvent| None);
    let class = classes!("stage-details", props.left.then_some("left"));
    let (first, second) = match (skin, object.kind) {
        (Skin::Hotel, Kind::Pod) => ("Room", "Pod"),
        (Skin::Hotel, Kind::Service) => ("Desk", "Service"),
        (Skin::Hotel, Kind::Node) => ("Wing", "Node"),
        (_, kind) => (kind.as_str(), ""),
    };
    let place = match object.namespace.as_str() {
        "" => String::new(),
        namespace => format!("in {namespace}"),
    };
    html! {
        <section {class} aria-label={format!("Chosen: {} {}", object.kind, object.name)}>
            <header>
                <p><b>{ first }</b>{ " " }{ second }{ " " }{ place }</p>
                <button type="button" class="stage-tool" aria-label="Close the card" onclick={close}>
                    { shapes::sign("M4 4l8 8M12 4l-8 8") }
                </button>
                <h2>{ &object.name }</h2>
                <span class="stage-state">{ &details.state }</span>
            </header>
            <dl>
                { for details.rows.iter().map(|row| html! {
                    <div class={classes!(row.bad.then_some("bad"))}>
                        <dt>{ row.label }</dt>
                        <dd>{ match &row.object {
                            Some(other) => {
                                let (on_select, other) = (on_select.clone(), other.clone());
                                let onclick = Callback::from(move |_: MouseEvent| on_select.emit(Some(other.clone())));
                                html! { <button type="button" class="stage-link" {onclick}>{ &row.value }</button> }
                            }
                            None => html! { { &row.value } },
                        } }</dd>
                    </div>
                }) }
            </dl>
            if !details.labels.is_empty() {
                <details>
                    <summary>{ format!("Labels ({})", details.labels.len()) }</summary>
                    <ul>
                        { for details.labels.iter().map(|(key, value)| html! {
                            <li><code>{ format!("{key}={value}") }</code></li>
                        }) }
                    </ul>
                </details>
            }
            if !offers.is_empty() {
                <div class="stage-offers" role="group" aria-label="What can be done">
                    { for offers.iter().map(|offer| {
                        let (on_action, line) = (props.on_action.clone(), offer.line.clone());
                        let onclick = Callback::from(move |_: MouseEvent| on_action.emit(line.clone()));
                        html! {
                            <button type="button" title={offer.line.clone()} {onclick}>{ &offer.label }</button>
                        }
                    }) }
                </div>
            }
        </section>
    }
}
