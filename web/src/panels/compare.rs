//! Two runs of a request side by side, with what differs marked.

use std::rc::Rc;

use lobby_engine::api::ObjectRef;
use lobby_engine::lab::{Comparison, Fact, HopPair, PolicyField, Variant, compare, looked_at};
use lobby_engine::network::{Hop, Journey, Request};
use lobby_engine::proxy::Mode;
use yew::prelude::*;

use crate::prefs::Skin;
use crate::session::Session;
use crate::state::{Action, Between, CompareAction, CompareShown};
use crate::ui::{CopyButton, Select, Suggestion, phrase};
use crate::world::{Same, World};

/// Properties of [`Compare`].
#[derive(Clone, PartialEq, Properties)]
pub struct CompareProps {
    /// The world.
    pub world: Same<World>,
    /// What is compared with what.
    pub shown: CompareShown,
    /// The present journey.
    pub journey: Option<Rc<Journey>>,
    /// What the send bar says.
    pub request: Request,
    /// The Service that is open on the stage.
    pub service: Option<ObjectRef>,
    /// The words to use.
    pub skin: Skin,
    /// Whether anybody sees it: nothing is walked for nobody.
    pub seen: bool,
}

/// What came of it: both journeys, or why there are none.
type Result2 = Result<[Rc<Journey>; 2], String>;

/// The Compare panel.
#[component]
pub fn Compare(props: &CompareProps) -> Html {
    let session = use_context::<Session>();
    let dispatch = super::reporter(session.as_ref());
    // The journey's own request, else what the send bar says.
    let request = match &props.journey {
        Some(journey) => journey.request.clone(),
        None => props.request.clone(),
    };
    let walked = use_memo(
        (
            props.world.clone(),
            props.shown.clone(),
            props.journey.clone().map(Same),
            request.clone(),
            props.service.clone(),
            props.seen,
        ),
        |(world, shown, journey, request, service, seen)| -> Option<Result2> {
            let session = session.as_ref().filter(|_| *seen)?;
            if shown.between == Between::BeforeAndNow {
                let before = shown.kept.clone()?;
                let now = journey.as_ref().map(|journey| journey.0.clone());
                return Some(match now {
                    Some(now) => Ok([before, now]),
                    None => session.ask(|lab| {
                        let now = lab.walk_as(&before.request, &[]);
                        now.map(|now| [before, Rc::new(now)])
                            .map_err(|error| error.to_string())
                    }),
                });
            }
            let run = |side: usize| {
                let variant = match (shown.between, service) {
                    (Between::Policies, Some(service)) => Some(Variant::Policy {
                        service: service.clone(),
                        policy: shown.policy,
                        local: side == 1,
                    }),
                    _ => shown.variant(side, request, &world.0),
                };
                let variants: Vec<Variant> = variant.into_iter().collect();
                session.ask(|lab| lab.walk_as(request, &variants))
            };
            let both = run(0).and_then(|one| run(1).map(|other| [Rc::new(one), Rc::new(other)]));
            Some(both.map_err(|error| error.to_string()))
        },
    );
    let choice = |between: Between| {
        let onchange = dispatch.reform(move |_: Event| CompareAction::Between(between).into());
        html! {
            <label key={between.as_str()}>
                <input type="radio" name="compare-between" checked={between == props.shown.between} {onchange} />
                <span>{ between.as_str() }</span>
            </label>
        }
    };
    let keep = props.journey.clone().map(|journey| {
        let onclick =
            dispatch.reform(move |_: MouseEvent| CompareAction::Keep(journey.clone()).into());
        html! { <button type="button" class="btn sm" {onclick}>{ "Keep this journey" }</button> }
    });
    let labels = sides(props, &request);
    html! {
        <section class="compare" aria-labelledby="compare-title">
            <div class="phead">
                <h2 id="compare-title">{ "Compare" }</h2>
                <span class="compare-what mono" title={request.to.clone()}>{ format!("{} → {}", request.from, request.to) }</span>
            </div>
            <div class="compare-tools">
                <fieldset class="seg sm">
                    <legend class="vh">{ "Compare two" }</legend>
                    <div class="seg-row">{ for Between::ALL.into_iter().map(choice) }</div>
                </fieldset>
                { chooser(props, &request, &dispatch) }
            </div>
            { match &*walked {
                Some(Ok([one, other])) => result(one, other, &labels, props.skin),
                Some(Err(why)) => html! { <p class="compare-error" role="status">{ why }</p> },
                None if props.shown.between == Between::BeforeAndNow => html! {
                    <p class="empty-note">
                        { "Send a packet, keep its journey, change something and send again: the two stand here side by side." }
                    </p>
                },
                None => html! { <p class="empty-note">{ "Nothing to compare yet." }</p> },
            } }
            <div class="compare-acts">{ keep }</div>
        </section>
    }
}

/// What stands above the two columns.
fn sides(props: &CompareProps, request: &Request) -> [String; 2] {
    let shown = &props.shown;
    match shown.between {
        Between::Modes => shown.modes.map(|mode| mode.to_string()),
        Between::Policies => ["Cluster".to_owned(), "Local".to_owned()],
        Between::BeforeAndNow => ["before".to_owned(), "now".to_owned()],
        Between::Clients => [0, 1].map(|side| {
            let id = shown.client(side, request, &props.world.0);
            let known = (props.world.0.clients.iter()).find(|client| client.value == *id);
            known.map_or_else(|| id.to_string(), |client| client.label.to_string())
        }),
    }
}

/// What the two differ in, to be chosen.
fn chooser(props: &CompareProps, request: &Request, dispatch: &Callback<Action>) -> Html {
    let shown = &props.shown;
    let names = ["One", "The other"];
    match shown.between {
        Between::Modes => {
            let options: Rc<[Suggestion]> = (Mode::ALL.into_iter())
                .map(|mode| Suggestion::plain(mode.as_str()))
                .collect();
            html! { <>{ for (0..2).map(|side| {
                let onchange = dispatch.reform(move |word: String| {
                    CompareAction::Mode(side, word.parse().unwrap_or_default()).into()
                });
                html! {
                    <Select key={side} label={names[side]} class="sm" options={options.clone()}
                        value={shown.modes[side].as_str()} {onchange} />
                }
            }) }</> }
        }
        Between::Policies => {
            let fields = [PolicyField::External, PolicyField::Internal];
            let options: Rc<[Suggestion]> = (fields.into_iter())
                .map(|field| Suggestion::plain(field.as_str()))
                .collect();
            let onchange = dispatch.reform(move |word: String| {
                let found = fields.into_iter().find(|field| field.as_str() == word);
                CompareAction::Policy(found.unwrap_or(PolicyField::External)).into()
            });
            html! {
                <>
                    <Select label="Policy" class="sm" {options} value={shown.policy.as_str()} {onchange} />
                    if let Some(service) = &props.service { <span class="quiet">{ format!("of {}", service.name) }</span> }
                </>
            }
        }
        Between::Clients => html! { <>{ for (0..2).map(|side| {
            let onchange =
                dispatch.reform(move |id: String| CompareAction::Client(side, id.into()).into());
            html! {
                <Select key={side} label={names[side]} class="sm" options={props.world.0.clients.clone()}
                    value={shown.client(side, request, &props.world.0).to_string()} {onchange} />
            }
        }) }</> },
        Between::BeforeAndNow => html! {},
    }
}

fn result(one: &Rc<Journey>, other: &Rc<Journey>, labels: &[String; 2], skin: Skin) -> Html {
    let compared = compare(one, other);
    let differences = compared.differences();
    let said = match differences {
        0 => "The two are alike.".to_owned(),
        1 => "They differ in one thing.".to_owned(),
        more => format!("They differ in {more} things."),
    };
    let copy = {
        let (text, labels) = (plain(&compared, [one, other], labels), labels.clone());
        Callback::from(move |()| format!("{} | {}\n{text}", labels[0], labels[1]))
    };
    html! {
        <>
            <p class="compare-said" role="status">{ said }</p>
            <div class="compare-scroll" tabindex="0" role="group" aria-label="The two runs">
                <table class="cmp">
                    <caption class="vh">{ "The two runs as a whole" }</caption>
                    <thead><tr>
                        <td></td>
                        { for labels.iter().map(|label| html! { <th scope="col">{ label }</th> }) }
                    </tr></thead>
                    <tbody>{ for compared.facts.iter().map(fact) }</tbody>
                </table>
                <table class="cmp hops2">
                    <caption>{ "Hop by hop" }</caption>
                    <thead><tr>
                        { for labels.iter().map(|label| html! { <th scope="col">{ label }</th> }) }
                    </tr></thead>
                    <tbody>{ for compared.hops.iter().map(|pair| hops(pair, [one, other], skin)) }</tbody>
                </table>
            </div>
            <CopyButton label="Copy as text" text={copy} />
        </>
    }
}

/// The mark of a difference: a sign and a word.
fn differs() -> Html {
    html! { <span class="ne"><span aria-hidden="true">{ "≠ " }</span><span class="vh">{ "differs: " }</span></span> }
}

fn fact(fact: &Fact) -> Html {
    let differ = fact.differs();
    html! {
        <tr class={classes!(differ.then_some("differs"))}>
            <th scope="row">if differ { { differs() } }{ fact.name }</th>
            { for fact.values.iter().map(|value| html! { <td>{ value }</td> }) }
        </tr>
    }
}

fn hops(pair: &HopPair, journeys: [&Rc<Journey>; 2], skin: Skin) -> Html {
    let parts: Vec<&str> = pair.differs_in.iter().map(|part| part.as_str()).collect();
    let cell = |side: usize| {
        let Some(hop) = pair.hops[side].and_then(|at| journeys[side].hops.get(at)) else {
            return html! { <td class="none">{ "no such hop" }</td> };
        };
        html! { <td>{ hop_cell(hop, skin) }</td> }
    };
    html! {
        <>
            <tr class={classes!(pair.differs().then_some("differs"))}>{ cell(0) }{ cell(1) }</tr>
            if !parts.is_empty() {
                <tr class="parts"><td colspan="2">{ differs() }{ parts.join(", ") }</td></tr>
            }
        </>
    }
}

fn hop_cell(hop: &Hop, skin: Skin) -> Html {
    let looks = match looked_at(hop) {
        0 => None,
        1 => Some("1 rule".to_owned()),
        rules => Some(format!("{rules} rules")),
    };
    html! {
        <>
            <span class="n">{ hop.number }</span>{ " " }{ phrase(&hop.title, skin) }
            <span class="cmp-way mono">{ hop.after.from_text() }{ " → " }<wbr />{ hop.after.to_text() }</span>
            if let Some(looks) = looks { <span class="cmp-way">{ looks }</span> }
        </>
    }
}

/// The comparison as text.
fn plain(compared: &Comparison, journeys: [&Rc<Journey>; 2], labels: &[String; 2]) -> String {
    let mut text = String::new();
    let mark = |differs: bool| if differs { "≠" } else { " " };
    for fact in &compared.facts {
        let [one, other] = &fact.values;
        text.push_str(&format!(
            "{} {}: {one} | {other}\n",
            mark(fact.differs()),
            fact.name
        ));
    }
    for pair in &compared.hops {
        let cells = [0, 1].map(|side| {
            let hop = pair.hops[side].and_then(|at| journeys[side].hops.get(at));
            hop.map_or_else(
                || format!("not in {}", labels[side]),
                |hop| {
                    let (from, to) = (hop.after.from_text(), hop.after.to_text());
                    format!(
                        "{} {} ({from} → {to})",
                        hop.number,
                        hop.title.cluster.text()
                    )
                },
            )
        });
        text.push_str(&format!(
            "{} {} | {}\n",
            mark(pair.differs()),
            cells[0],
            cells[1]
        ));
    }
    text
}
