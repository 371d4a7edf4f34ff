//! The modes of kube-proxy side by side: how many rules the kernel looks at for the same request.

use std::rc::Rc;

use gloo::timers::callback::Timeout;
use lobby_engine::lab::Variant;
use lobby_engine::network::Journey;
use lobby_engine::proxy::Mode;
use yew::prelude::*;

use crate::session::Session;
use crate::world::{Same, World};

/// How long after a journey the other modes are walked, in milliseconds: what moves goes first.
const LATER: u32 = 120;

/// In a world with more things than this the other modes are walked when they are asked for.
const MANY: usize = 400;

/// A request as it goes in each mode; `None` for one that cannot be made there.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Runs(Vec<(Mode, Option<Same<Journey>>)>);

impl Runs {
    pub(super) fn of(&self, mode: Mode) -> Option<&Rc<Journey>> {
        let run = self.0.iter().find(|(of, _)| *of == mode)?;
        run.1.as_ref().map(|journey| &journey.0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The runs of a journey's request in all modes, once they are made; and what makes them where that
/// takes long. The lab's own mode has the journey itself.
#[hook]
pub(super) fn use_runs(
    journey: Option<Rc<Journey>>,
    own: Mode,
    world: &Same<World>,
    shown: bool,
) -> (Runs, Option<Callback<()>>) {
    let session = use_context::<Session>();
    let runs = use_state_eq(|| (None::<Same<Journey>>, Runs::default()));
    let journey = journey.map(Same);
    let run = {
        let (runs, journey) = (runs.setter(), journey.clone());
        Callback::from(move |()| {
            let (Some(session), Some(journey)) = (&session, &journey) else {
                return;
            };
            let all = Mode::ALL.map(|mode| {
                let run = if mode == own {
                    Some(journey.clone())
                } else {
                    let variant = [Variant::Mode(mode)];
                    let made = session.ask(|lab| lab.walk_as(&journey.0.request, &variant));
                    made.ok().map(|run| Same(Rc::new(run)))
                };
                (mode, run)
            });
            runs.set((Some(journey.clone()), Runs(all.into())));
        })
    };
    let things = world.0.scene.rooms.len() + world.0.scene.desks.len();
    let is_many = things > MANY;
    {
        let run = run.clone();
        use_effect_with((journey.clone(), own, shown), move |(journey, _, shown)| {
            let due = journey.is_some() && *shown && !is_many;
            let timer = due.then(|| Timeout::new(LATER, move || run.emit(())));
            move || drop(timer)
        });
    }
    let known = journey.is_some() && runs.0 == journey;
    let made = if known {
        runs.1.clone()
    } else {
        Runs::default()
    };
    let ask = (is_many && journey.is_some() && made.is_empty()).then_some(run);
    (made, ask)
}

/// What the row of modes is drawn from.
pub(super) struct Modes<'a> {
    /// The mode in which the cluster runs.
    pub(super) own: Mode,
    /// The mode that is shown.
    pub(super) shown: Mode,
    pub(super) runs: &'a Runs,
    /// Makes the runs, where that waits for somebody to ask.
    pub(super) ask: Option<Callback<()>>,
    pub(super) onmode: Callback<Mode>,
}

/// The row of modes.
pub(super) fn modes(props: &Modes<'_>) -> Html {
    let choice = |mode: Mode| {
        let onchange = props.onmode.reform(move |_: Event| mode);
        let looked = props.runs.of(mode).map(|run| run.rules_looked_at);
        html! {
            <label key={mode.as_str()}>
                <input type="radio" name="rule-mode" checked={mode == props.shown} {onchange} />
                <span>
                    { mode.as_str() }
                    if let Some(looked) = looked {
                        <b class="looked">{ looked }<span class="vh">{ " rules looked at" }</span></b>
                    }
                </span>
            </label>
        }
    };
    let says = if !props.runs.is_empty() {
        "rules looked at for this request"
    } else if props.own == props.shown {
        ""
    } else {
        "as it would be"
    };
    html! {
        <div class="rules-modes">
            <fieldset class="seg sm">
                <legend class="vh">{ "Mode" }</legend>
                <div class="seg-row">{ for Mode::ALL.into_iter().map(choice) }</div>
            </fieldset>
            if let Some(ask) = props.ask.clone() {
                <button type="button" class="btn sm" onclick={ask.reform(|_: MouseEvent| ())}>{ "Count in all modes" }</button>
            } else {
                <span class="quiet">{ says }</span>
            }
        </div>
    }
}
