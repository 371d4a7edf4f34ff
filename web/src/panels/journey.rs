//! The journey as a list: the text route, equal to the picture.

use std::collections::BTreeSet;
use std::rc::Rc;

use lobby_engine::api::{ObjectRef, Origin};
use lobby_engine::lab::EndpointChoice;
use lobby_engine::net::Packet;
use lobby_engine::netfilter::RuleAt;
use lobby_engine::network::{
    Change, Direction, Hop, Journey, Location, Step as HopStep, Verdict, VerdictKind,
};
use yew::prelude::*;

use super::dictionary::dictionary;
use crate::links::Focus;
use crate::prefs::Skin;
use crate::session::Session;
use crate::state::{Action, FrameAction, PointerAction, RulesAction, Step, Tab, WalkAction};
use crate::ui::{CopyButton, phrase, wording};

/// Properties of [`JourneyPanel`].
#[derive(Clone, PartialEq, Properties)]
pub struct JourneyProps {
    /// The journey, if there is one.
    pub journey: Option<Rc<Journey>>,
    /// The hop that is shown, from 1.
    pub hop: usize,
    /// The words to use.
    pub skin: Skin,
    /// Whether a journey was put away because the world changed under it.
    pub outdated: bool,
    /// Move the editor to a field.
    pub onshow: Callback<Origin>,
}

/// The list of hops and the verdict.
#[component]
pub fn JourneyPanel(props: &JourneyProps) -> Html {
    let session = use_context::<Session>();
    let dispatch = super::reporter(session.as_ref());
    let Some(journey) = &props.journey else {
        return html! {
            <section class="journey" aria-labelledby="journey-title">
                <h2 id="journey-title" class="phead">{ "Journey" }</h2>
                <p class="empty-note">
                    { if props.outdated {
                        "The world changed, and with it the way. Send again to see the new one."
                    } else {
                        "Nobody is on the way yet. Press Send, and each hop of the packet stands here, with what was rewritten and the rule that decided."
                    } }
                </p>
                { dictionary(props.skin) }
            </section>
        };
    };
    let last = journey.hops.len();
    let verdict = &journey.verdict;
    html! {
        <section class="journey" aria-labelledby="journey-title">
            <h2 id="journey-title" class="phead">{ "Journey" }</h2>
            { verdict_line(verdict, last, props.skin) }
            <ol class="hops">
                { for journey.hops.iter().enumerate().map(|(index, hop)| {
                    hop_item(hop, index + 1, props, verdict, session.as_ref(), &dispatch)
                }) }
            </ol>
            if verdict.kind != VerdictKind::Answered {
                { remedy(verdict, props, session.as_ref(), &dispatch) }
            }
            { for journey.doubts.iter().map(|doubt| html! {
                <p class="doubt"><b>{ "Not modelled " }</b>{ phrase(doubt, props.skin) }</p>
            }) }
            <p class="looked-at">{ format!("The kernels looked at {}.", rules(journey.rules_looked_at)) }</p>
            <p class="journey-acts">
                <CopyButton label="Copy as text" text={
                    let journey = journey.clone();
                    Callback::from(move |()| journey.to_string())
                } />
            </p>
        </section>
    }
}

fn rules(count: u32) -> String {
    if count == 1 {
        "1 rule".to_owned()
    } else {
        format!("{count} rules")
    }
}

fn verdict_line(verdict: &Verdict, hops: usize, skin: Skin) -> Html {
    let good = verdict.kind == VerdictKind::Answered;
    html! {
        <p class={classes!("verdict", if good { "ok" } else { "bad" })}>
            <b>{ verdict.kind.as_str() }</b>
            <span>{ phrase(&verdict.detail, skin) }
                // How a failure is told names its hop, and how many there are.
                if good { { format!(" · {hops} hops") } }
            </span>
        </p>
    }
}

fn is_end(step: HopStep) -> bool {
    matches!(step, HopStep::Reject | HopStep::Drop)
}

fn hop_item(
    hop: &Hop,
    number: usize,
    props: &JourneyProps,
    verdict: &Verdict,
    session: Option<&Session>,
    dispatch: &Callback<Action>,
) -> Html {
    let now = number == props.hop;
    let bad = is_end(hop.step) && verdict.kind != VerdictKind::Answered;
    let state = match number.cmp(&props.hop) {
        std::cmp::Ordering::Less => "done",
        std::cmp::Ordering::Equal => "now",
        std::cmp::Ordering::Greater => "ahead",
    };
    let onclick = dispatch.reform(move |_: MouseEvent| WalkAction::Step(Step::To(number)).into());
    html! {
        <li key={number} class={classes!("hop", state, bad.then_some("bad"),
            (hop.direction == Direction::Reply).then_some("reply"))}>
            <button type="button" class="hop-head" {onclick} aria-current={now.then_some("step")}
                aria-expanded={if now { "true" } else { "false" }}>
                <span class="n">{ number }</span>
                <span class="hw">{ phrase(&hop.title, props.skin) }</span>
                <span class="hr">{ phrase(&hop.aside, props.skin) }</span>
            </button>
            if now { { hop_card(hop, bad, props, session, dispatch) } }
        </li>
    }
}

/// What became of one of the packet's two addresses.
struct Side {
    name: &'static str,
    old: String,
    new: String,
    class: &'static str,
    word: &'static str,
}

fn sides(hop: &Hop) -> [Side; 2] {
    let stamp = |one: Change, undone: Change, class: &'static str, words: [&'static str; 2]| {
        if hop.changes.contains(&one) {
            (class, words[0])
        } else if hop.changes.contains(&undone) {
            (class, words[1])
        } else {
            ("", "")
        }
    };
    // On the way back the undone destination shows as a changed source, and the other way round.
    let back = hop.direction == Direction::Reply;
    let source = if back {
        stamp(Change::Snat, Change::UnDnat, "dnat", ["SNAT", "un-DNAT"])
    } else {
        stamp(Change::Snat, Change::UnSnat, "snat", ["SNAT", "un-SNAT"])
    };
    let destination = if back {
        stamp(Change::Dnat, Change::UnSnat, "snat", ["DNAT", "un-SNAT"])
    } else {
        stamp(Change::Dnat, Change::UnDnat, "dnat", ["DNAT", "un-DNAT"])
    };
    let side = |name, text: fn(&Packet) -> String, (class, word)| Side {
        name,
        old: text(&hop.before),
        new: text(&hop.after),
        class,
        word,
    };
    [
        side("from", Packet::from_text, source),
        side("to", Packet::to_text, destination),
    ]
}

fn hop_card(
    hop: &Hop,
    bad: bool,
    props: &JourneyProps,
    session: Option<&Session>,
    dispatch: &Callback<Action>,
) -> Html {
    let skin = props.skin;
    let sides = sides(hop);
    let changed = sides.iter().any(|side| side.old != side.new);
    let node = node_of(&hop.at);
    let row = |side: &Side| {
        let new = if bad {
            html! { <td class="new stop">{ "stops here" }</td> }
        } else if side.old == side.new {
            html! { <td class="new">{ &side.new }</td> }
        } else {
            html! { <td class={classes!("new", side.class)}><b>{ &side.new }</b></td> }
        };
        let same = !bad && side.old == side.new;
        html! {
            <tr>
                <th scope="row">{ side.name }</th>
                <td class="old">
                    if same || bad { { &side.old } } else { <s>{ &side.old }</s> }
                </td>
                <td class="ar" aria-hidden="true">{ "→" }</td>
                { new }
                <td class="stamp">
                    if !bad && side.old != side.new && !side.word.is_empty() {
                        <span class={classes!("tag", side.class)}>{ side.word }</span>
                    }
                </td>
            </tr>
        }
    };
    html! {
        <div class="hopcard">
            if changed || bad {
                <table class="ba">
                    <thead><tr>
                        <td></td><th scope="col">{ "came in" }</th><td></td>
                        <th scope="col" colspan="2">{ "goes on" }</th>
                    </tr></thead>
                    <tbody>{ for sides.iter().map(row) }</tbody>
                </table>
            } else {
                <p class="ba-same">
                    <span>{ "from " }</span><code>{ &sides[0].new }</code>
                    <span>{ " to " }</span><code>{ &sides[1].new }</code>
                </p>
            }
            <p class="why">{ phrase(&hop.sentence, skin) }</p>
            if !wording(&hop.why, skin).0.is_empty() {
                <p class="why">{ phrase(&hop.why, skin) }</p>
            }
            if let Some((at, node)) = hop.decided_by.as_ref().zip(node) {
                <p class={classes!("rule", bad.then_some("bad"))}>
                    { if bad { "cause " } else { "decided by " } }
                    { rule_button(node, at, dispatch) }
                </p>
            }
            { for session.into_iter().flat_map(|session| session.ask(|lab| lab.choices_at(hop)))
                .map(|choice| candidates(&choice, dispatch)) }
            { session.and_then(|session| made_by(hop, props, session)) }
        </div>
    }
}

/// The choice of an endpoint: all who could have been chosen, and how the draw went.
fn candidates(choice: &EndpointChoice, dispatch: &Callback<Action>) -> Html {
    let count = choice.candidates.len();
    let head = match (count, choice.is_drawn) {
        (1, _) => "One endpoint, and nothing to choose".to_owned(),
        (_, true) => format!("Drawn from {count} endpoints, each as likely"),
        (_, false) => format!("Chosen from {count} endpoints"),
    };
    html! {
        <details class="choice" open={count > 1}>
            <summary>{ head }</summary>
            <ol>
                { for choice.candidates.iter().map(|one| html! {
                    <li class={classes!(one.is_chosen.then_some("chosen"))}>
                        <span aria-hidden="true">{ if one.is_chosen { "→" } else { "" } }</span>
                        <span>
                            if one.is_chosen { <span class="vh">{ "chosen: " }</span> }
                            <code>{ &one.address }</code>
                            if let Some(pod) = &one.pod { { " " }{ object_button(pod, dispatch) } }
                        </span>
                        if let Some(drawn) = &one.drawn { <span class="drawn">{ drawn }</span> }
                    </li>
                }) }
            </ol>
            if choice.candidates.iter().all(|one| one.drawn.is_none()) {
                <p class="drawn">{ &choice.why }</p>
            }
        </details>
    }
}

/// Lights an object while it has pointer or focus; a click pins it.
fn object_button(object: &ObjectRef, dispatch: &Callback<Action>) -> Html {
    let focus = Focus::Object(object.clone());
    let over = {
        let focus = focus.clone();
        dispatch.reform(move |()| PointerAction::Over(Some(focus.clone())).into())
    };
    let out = dispatch.reform(|()| PointerAction::Over(None).into());
    let onclick = dispatch.reform(move |_: MouseEvent| PointerAction::Pin(focus.clone()).into());
    html! {
        <button type="button" class="link" {onclick}
            onmouseenter={over.reform(|_: MouseEvent| ())} onmouseleave={out.reform(|_: MouseEvent| ())}
            onfocus={over.reform(|_: FocusEvent| ())} onblur={out.reform(|_: FocusEvent| ())}>
            { &object.name }
        </button>
    }
}

/// The fields of the manifests that made a hop so, with the lines on which they stand.
fn made_by(hop: &Hop, props: &JourneyProps, session: &Session) -> Option<Html> {
    let mut seen = BTreeSet::new();
    let fields: Vec<Html> = (hop.origins.iter())
        .filter_map(|origin| {
            let (line, _) = session.place(origin)?;
            if !seen.insert(line) {
                return None;
            }
            let (onshow, own) = (props.onshow.clone(), origin.clone());
            let onclick = Callback::from(move |_: MouseEvent| onshow.emit(own.clone()));
            Some(html! {
                <>{ " " }<button type="button" class="link" {onclick} title={origin.object.to_string()}>
                    { format!("{} (line {line})", origin.field) }
                </button></>
            })
        })
        .collect();
    (!fields.is_empty()).then(|| html! { <p class="made-by">{ "made so by" }{ for fields }</p> })
}

/// Lights the rule while it has pointer or focus; a click pins it and shows it.
fn rule_button(node: &str, at: &RuleAt, dispatch: &Callback<Action>) -> Html {
    let focus = Focus::Rule(node.to_owned(), at.clone());
    let over = {
        let focus = focus.clone();
        dispatch.reform(move |()| PointerAction::Over(Some(focus.clone())).into())
    };
    let out = dispatch.reform(|()| PointerAction::Over(None).into());
    let onclick = {
        let (dispatch, node) = (dispatch.clone(), Rc::<str>::from(node));
        Callback::from(move |_: MouseEvent| {
            dispatch.emit(RulesAction::Node(node.clone()).into());
            dispatch.emit(FrameAction::Show(Tab::Rules).into());
            dispatch.emit(PointerAction::Pin(focus.clone()).into());
        })
    };
    html! {
        <button type="button" class="link mono" {onclick}
            onmouseenter={over.reform(|_: MouseEvent| ())} onmouseleave={out.reform(|_: MouseEvent| ())}
            onfocus={over.reform(|_: FocusEvent| ())} onblur={out.reform(|_: FocusEvent| ())}>
            { format!("{} {}", at.chain, at.number) }
        </button>
    }
}

/// The Node whose rules a hop's looks belong to.
#[must_use]
pub fn node_of(at: &Location) -> Option<&str> {
    match at {
        Location::Node { name } => Some(name),
        Location::Pod { node, .. } => Some(node),
        Location::Wire { to, .. } => Some(to),
        Location::Outside { .. } | Location::Router | Location::Balancer { .. } => None,
    }
}

fn remedy(
    verdict: &Verdict,
    props: &JourneyProps,
    session: Option<&Session>,
    dispatch: &Callback<Action>,
) -> Html {
    let origin = verdict
        .cause
        .as_ref()
        .and_then(|cause| cause.origin.clone());
    let line = origin
        .as_ref()
        .and_then(|origin| session?.place(origin))
        .map(|(line, _)| line);
    let show = origin.zip(line).map(|(origin, line)| {
        let onclick = props.onshow.reform(move |_: MouseEvent| origin.clone());
        html! { <button type="button" class="btn sm" {onclick}>{ format!("Show on line {line}") }</button> }
    });
    let show_tab = |tab: Tab, name: &'static str| {
        let session = session.cloned();
        let onclick = Callback::from(move |_: MouseEvent| {
            if let Some(session) = &session {
                session.dispatch(FrameAction::Show(tab));
            }
        });
        html! { <button type="button" class="btn sm" {onclick}>{ name }</button> }
    };
    let service = (props.journey.as_ref())
        .zip(session)
        .and_then(|(journey, session)| session.ask(|lab| lab.service_of(journey)));
    let cause = verdict.cause.as_ref().and_then(|cause| cause.rule.as_ref());
    html! {
        <div class="remedy">
            <h3>{ "What to try" }</h3>
            <p>{ phrase(&verdict.why, props.skin) }</p>
            if let Some((node, at)) = cause {
                <p class="rule bad">{ "cause " }{ rule_button(node, at, dispatch) }{ format!(" on {node}") }</p>
            }
            if let Some(next) = &verdict.next {
                <p class="next">{ wording(next, props.skin).text() }</p>
            }
            <p class="remedy-acts">
                { show }
                if service.is_some() { { show_tab(Tab::Endpoints, "See its endpoints") } }
                if verdict.kind == VerdictKind::NoSuchName { { show_tab(Tab::Names, "See each question") } }
            </p>
        </div>
    }
}
