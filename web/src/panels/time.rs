//! Time, while something is planned in the cluster: what comes next, and how fast.

use std::rc::Rc;

use gloo::timers::callback::Interval;
use lobby_engine::cluster::Planned;
use yew::prelude::*;

use crate::session::Session;
use crate::state::ConsoleAction;
use crate::ui::{Icon, Select, Shape, Suggestion};

/// How often time passes, in milliseconds.
const TICK: u32 = 250;

/// How many times as fast as a clock.
const RATES: [u32; 4] = [1, 10, 60, 600];

/// Properties of [`TimeBar`].
#[derive(Clone, PartialEq, Properties)]
pub struct TimeBarProps {
    /// What comes next; nothing is shown where nothing does.
    pub next: Option<Rc<Planned>>,
    /// Whether time passes by itself.
    pub runs: bool,
    /// Whether a guest is on the way, whose whole way takes less than a millisecond: nothing happens
    /// meanwhile.
    pub walks: bool,
    /// Whether a command of the console waits for time to pass.
    pub runs_on: bool,
}

/// Virtual milliseconds as people say them.
fn span(milliseconds: u64) -> String {
    let tenths = milliseconds / 100;
    match tenths {
        0..600 => format!("{}.{} s", tenths / 10, tenths % 10),
        600..36_000 => format!("{} min {} s", tenths / 600, tenths / 10 % 60),
        _ => format!("{} h {} min", tenths / 36_000, tenths / 600 % 60),
    }
}

/// The bar, and the page's one clock: time passes by itself while something is planned or a command
/// waits for it, unless a person holds it or a guest is on the way.
#[component]
pub fn TimeBar(props: &TimeBarProps) -> Html {
    let session = use_context::<Session>();
    let rate = use_state(|| 1_u32);
    let rates = use_memo((), |()| -> Rc<[Suggestion]> {
        RATES
            .into_iter()
            .map(|rate| Suggestion {
                value: rate.to_string().into(),
                label: format!("×{rate}").into(),
                group: AttrValue::default(),
            })
            .collect()
    });
    let ticked = use_force_update();
    let ticks = props.runs && (props.runs_on || props.next.is_some() && !props.walks);
    use_effect_with((ticks, *rate), {
        let session = session.clone();
        move |(ticks, rate)| {
            let milliseconds = u64::from(TICK * *rate);
            let timer = session.filter(|_| *ticks).map(|session| {
                Interval::new(TICK, move || {
                    session.tick(milliseconds);
                    ticked.force_update();
                })
            });
            move || drop(timer)
        }
    });
    let (Some(next), Some(session)) = (&props.next, session) else {
        return html! {};
    };
    let left = next.at.saturating_sub(session.now());
    let hold = {
        let (session, runs) = (session.clone(), props.runs);
        Callback::from(move |_: MouseEvent| session.dispatch(ConsoleAction::Time(!runs)))
    };
    let step = {
        let (session, at) = (session.clone(), next.at);
        Callback::from(move |_: MouseEvent| {
            session.tick(at.saturating_sub(session.now()));
        })
    };
    let settle = Callback::from(move |_: MouseEvent| session.act("lab settle"));
    let onrate = {
        let rate = rate.setter();
        Callback::from(move |word: String| {
            if let Ok(word) = word.parse() {
                rate.set(word);
            }
        })
    };
    let (name, shape) = if props.runs {
        ("Hold time", Shape::Pause)
    } else {
        ("Let time pass", Shape::Play)
    };
    html! {
        <div class="time" role="group" aria-label="Time">
            <span class="time-next"><b class="number">{ span(left) }</b>{ " until " }{ &next.said }</span>
            <button type="button" class="icb" aria-label={name} title={name} onclick={hold}><Icon {shape} /></button>
            <button type="button" class="icb" aria-label="To the next event" title="To the next event" onclick={step}>
                <Icon shape={Shape::Next} />
            </button>
            <button type="button" class="icb" aria-label="Until nothing more happens" title="Until nothing more happens"
                onclick={settle}><Icon shape={Shape::Last} /></button>
            <Select label="How fast time passes" class="sm" options={(*rates).clone()} value={rate.to_string()}
                onchange={onrate} />
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_the_unit_that_fits() {
        assert_eq!(span(0), "0.0 s");
        assert_eq!(span(1_550), "1.5 s");
        assert_eq!(span(59_999), "59.9 s");
        assert_eq!(span(90_000), "1 min 30 s");
        assert_eq!(span(3_600_000), "1 h 0 min");
    }
}
