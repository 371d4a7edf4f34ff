//! The transport: one sentence for the hop that is shown, and the way to the others.

use std::rc::Rc;

use lobby_engine::network::{Journey, Step as HopStep, VerdictKind};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::prefs::{Choice, Skin, Speed};
use crate::session::Session;
use crate::state::{Action, PrefsAction, Step, WalkAction};
use crate::ui::{Icon, Select, Shape, Suggestion, phrase, wording};

/// Properties of [`Transport`].
#[derive(Clone, PartialEq, Properties)]
pub struct TransportProps {
    /// The journey, if there is one.
    pub journey: Option<Rc<Journey>>,
    /// The hop that is shown, from 1.
    pub hop: usize,
    /// Whether it plays.
    pub playing: bool,
    /// The words to use.
    pub skin: Skin,
    /// How fast it plays.
    pub speed: Speed,
    /// What to say without a journey.
    pub invitation: AttrValue,
    /// Why the last request could not be sent.
    pub refusal: Option<Rc<str>>,
}

/// A share of 100 in percent with two decimals, as SVG attributes take it.
fn percent(part: usize, whole: usize) -> String {
    let hundredths = part * 10_000 / whole.max(1);
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// The transport.
#[component]
pub fn Transport(props: &TransportProps) -> Html {
    let session = use_context::<Session>();
    let speeds = use_memo((), |()| -> Rc<[Suggestion]> {
        Speed::ALL
            .iter()
            .map(|speed| Suggestion {
                value: speed.word().into(),
                label: speed.label().into(),
                group: AttrValue::default(),
            })
            .collect()
    });
    let dispatch = Callback::from(move |action: Action| {
        if let Some(session) = &session {
            session.dispatch(action);
        }
    });
    let last = props
        .journey
        .as_ref()
        .map_or(0, |journey| journey.hops.len());
    let button = |name: &'static str, shape: Shape, step: Step, off: bool, class: &'static str| {
        html! {
            <button type="button" class={classes!("icb", class)} aria-label={name} title={name} disabled={off}
                onclick={dispatch.reform(move |_: MouseEvent| WalkAction::Step(step).into())}>
                <Icon {shape} />
            </button>
        }
    };
    let playing = props.playing;
    let onplay = dispatch.reform(move |_: MouseEvent| WalkAction::Play(!playing).into());
    let play_name = if playing { "Pause" } else { "Play" };
    let onspeed = {
        let dispatch = dispatch.clone();
        Callback::from(move |word: String| {
            if let Some(speed) = Speed::from_word(&word) {
                dispatch.emit(PrefsAction::Speed(speed).into());
            }
        })
    };

    html! {
        <div class="transport" role="group" aria-label="Transport">
            <p class={classes!("caption", props.refusal.is_some().then_some("bad"))} aria-live="polite" aria-atomic="true">
                { caption(props, last) }
            </p>
            <div class="transport-row">
                <div class="buttons">
                    { button("First hop", Shape::First, Step::First, props.hop <= 1, "outer") }
                    { button("Hop before", Shape::Back, Step::Back, props.hop <= 1, "") }
                    <button type="button" class="icb play" aria-label={play_name} title={play_name}
                        disabled={last < 2} onclick={onplay}>
                        <Icon shape={if playing { Shape::Pause } else { Shape::Play }} />
                    </button>
                    { button("Next hop", Shape::Next, Step::Next, props.hop >= last, "") }
                    { button("Last hop", Shape::Last, Step::Last, props.hop >= last, "outer") }
                </div>
                if let Some(journey) = &props.journey {
                    { scrubber(journey, props.hop, props.skin, &dispatch) }
                } else {
                    <div class="scrubber empty"></div>
                }
                <Select label="Speed" class="speed" options={(*speeds).clone()}
                    value={props.speed.word()} onchange={onspeed} />
            </div>
        </div>
    }
}

fn caption(props: &TransportProps, last: usize) -> Html {
    if let Some(refusal) = &props.refusal {
        return html! { <><b class="hopno">{ "Not sent" }</b>{ &**refusal }</> };
    }
    let Some((journey, hop)) = props
        .journey
        .as_ref()
        .and_then(|journey| Some((journey, journey.hops.get(props.hop.checked_sub(1)?)?)))
    else {
        return html! { { &props.invitation } };
    };
    let verdict = (props.hop == last).then(|| {
        html! {
            <span class="vh">
                { ". " }{ journey.verdict.kind.as_str() }{ ": " }
                { wording(&journey.verdict.detail, props.skin).text() }
            </span>
        }
    });
    html! {
        <>
            <b class="hopno">{ format!("Hop {} of {last}", props.hop) }</b>
            { phrase(&hop.sentence, props.skin) }
            { verdict }
        </>
    }
}

/// One named tick a hop, drawn; over it a native range that a person holds by pointer, touch, keys
/// or screen reader. The range is wider than the drawing by one thumb, so that the middle of its
/// thumb meets the ticks.
fn scrubber(journey: &Journey, hop: usize, skin: Skin, dispatch: &Callback<Action>) -> Html {
    let last = journey.hops.len();
    let steps = last.saturating_sub(1);
    let tick_name = |number: usize| {
        number
            .checked_sub(1)
            .and_then(|index| journey.hops.get(index))
            .map(|hop| wording(&hop.tick, skin).text())
            .unwrap_or_default()
    };
    let oninput = dispatch.reform(|event: InputEvent| {
        let hop = event
            .target_dyn_into::<HtmlInputElement>()
            .and_then(|range| range.value().parse().ok())
            .unwrap_or(1);
        WalkAction::Step(Step::To(hop)).into()
    });
    // A range that is at its start hears nothing of Home, and the journey would play on.
    let onkeydown = {
        let dispatch = dispatch.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Home" {
                dispatch.emit(WalkAction::Step(Step::First).into());
            }
        })
    };
    let ended_badly = journey.verdict.kind != VerdictKind::Answered;
    let at = percent(hop.saturating_sub(1), steps);
    html! {
        <div class="scrubber">
            <svg class="ticks" aria-hidden="true" focusable="false">
                <rect class="track" x="0" y="8" width="100%" height="4" rx="2" />
                <rect class="walked" x="0" y="8" width={at} height="4" rx="2" />
                { for journey.hops.iter().enumerate().map(|(index, tick)| {
                    let number = index + 1;
                    let x = percent(index, steps);
                    let bad = ended_badly && matches!(tick.step, HopStep::Reject | HopStep::Drop);
                    let state = match number.cmp(&hop) {
                        std::cmp::Ordering::Less => "done",
                        std::cmp::Ordering::Equal => "now",
                        std::cmp::Ordering::Greater => "ahead",
                    };
                    html! {
                        <g key={number} class={classes!("tick", state, bad.then_some("bad"))}>
                            <circle cx={x.clone()} cy="10" r={if number == hop { "10" } else { "4" }} />
                            if number == hop {
                                <text class="tick-number" x={x.clone()} y="14">{ number }</text>
                            }
                            <text class="tick-name" x={x} y="31">{ wording(&tick.tick, skin).text() }</text>
                        </g>
                    }
                }) }
            </svg>
            <input type="range" min="1" max={last.to_string()} step="1" value={hop.to_string()}
                aria-label="Hop" aria-valuetext={format!("hop {hop} of {last}, {}", tick_name(hop))} {oninput} {onkeydown} />
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_at_even_shares() {
        assert_eq!(percent(0, 6), "0.00%");
        assert_eq!(percent(1, 6), "16.66%");
        assert_eq!(percent(6, 6), "100.00%");
        // A journey of one hop has one tick, at the start.
        assert_eq!(percent(0, 0), "0.00%");
    }
}
