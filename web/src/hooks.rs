//! What happens by itself or by a key: playing on, reading the text, the keys of the page.

use std::cell::Cell;
use std::rc::Rc;

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, KeyboardEvent as DomKeyboardEvent};
use yew::prelude::*;

use crate::frame;
use crate::keys::{self, Command, Scope};
use crate::parts;
use crate::session::Session;
use crate::state::{PointerAction, State, Step, WalkAction};
use crate::world::{Same, World};

/// How long the packet travels to the next hop at 1×, in milliseconds.
pub(crate) const TRAVEL: u32 = 700;

/// How long a hop takes while it plays: the travel and a breath.
const HOP: u32 = TRAVEL + 150;

/// How long the page waits after a key before the engine reads the text, in milliseconds.
const DEBOUNCE: u32 = 200;

/// A text that is longer or shorter by so many bytes was pasted, not typed: the engine reads it at
/// once.
const PASTED: usize = 1_000;

/// How long the world has to stay the same before the doctor looks at it, in milliseconds.
const EXAMINE: u32 = 150;

/// Whether the page was drawn as a whole: after the last turn ([`crate::frame::Later`]).
#[hook]
pub(crate) fn use_opening(session: &Session) -> Rc<Cell<bool>> {
    let opened = use_memo((), |()| Rc::new(Cell::new(false)));
    use_effect_with((), {
        let (opened, session) = (opened.clone(), session.clone());
        move |()| {
            parts::when_whole(move || {
                // A world that came so far is one to come back to.
                session.keep();
                session.write_rules();
                let turns = frame::LAST - frame::FIRST_PICTURE + 1;
                parts::after_paints(turns, move || opened.set(true));
            });
            parts::after_paints(frame::FIRST_PICTURE + 1, parts::drawn);
        }
    });
    (*opened).clone()
}

/// Whether all of the page's code is there.
#[hook]
pub(crate) fn use_whole() -> UseStateHandle<bool> {
    let whole = use_state(|| false);
    use_effect_with((), {
        let whole = whole.setter();
        move |()| parts::when_whole(move || whole.set(true))
    });
    whole
}

/// Gives the text to the engine, once nobody typed for a moment.
#[hook]
pub(crate) fn use_reading(text: &Rc<str>, session: &Session) {
    let session = session.clone();
    use_effect_with(text.clone(), move |text: &Rc<str>| {
        let text = text.clone();
        let was_pasted = text.len().abs_diff(session.length_read()) >= PASTED;
        let wait = if was_pasted { 0 } else { DEBOUNCE };
        let timer = Timeout::new(wait, move || session.edit(&text));
        move || drop(timer)
    });
}

/// Has the doctor look at each new world, once nothing else is to be done.
#[hook]
pub(crate) fn use_doctor(world: &Rc<World>, session: &Session) {
    let session = session.clone();
    use_effect_with(Same(world.clone()), move |_| {
        let timer = Timeout::new(EXAMINE, move || {
            parts::when_whole(move || session.examine());
        });
        move || drop(timer)
    });
}

/// Plays: after each hop's time the next one, until the last.
#[hook]
pub(crate) fn use_playback(state: &State, session: &Session) {
    let session = session.clone();
    use_effect_with(
        (state.walk.playing, state.walk.hop, state.prefs.speed),
        move |(playing, _, speed)| {
            let timer = playing.then(|| {
                Timeout::new(speed.scale(HOP), move || {
                    session.dispatch(WalkAction::Step(Step::Tick));
                })
            });
            move || drop(timer)
        },
    );
}

/// The keys that work everywhere.
#[hook]
pub(crate) fn use_page_keys(session: &Session) {
    let session = session.clone();
    use_effect_with((), move |()| {
        let options = gloo::events::EventListenerOptions::enable_prevent_default();
        let listener = EventListener::new_with_options(
            &gloo::utils::document(),
            "keydown",
            options,
            move |event| {
                let Some(event) = event.dyn_ref::<DomKeyboardEvent>() else {
                    return;
                };
                if event.default_prevented() {
                    return;
                }
                let control = event.ctrl_key() || event.meta_key();
                // A letter is large with Shift and small without, whatever Caps Lock says.
                let key = match event.key() {
                    key if key.len() != 1 => key,
                    key if event.shift_key() => key.to_ascii_uppercase(),
                    key => key.to_ascii_lowercase(),
                };
                match keys::command(Scope::Page, &key, control) {
                    Some(Command::Send) => {
                        event.prevent_default();
                        session.send_draft();
                    }
                    Some(Command::Release) => session.dispatch(PointerAction::Release),
                    Some(command @ (Command::Undo | Command::Redo)) => {
                        // A text has a history of its own.
                        let target = event
                            .target()
                            .and_then(|target| target.dyn_into::<Element>().ok());
                        let is_text = target.is_some_and(|target| {
                            target
                                .matches("textarea, [contenteditable], input:not([type=radio], [type=checkbox], [type=range])")
                                .unwrap_or(false)
                        });
                        if !is_text {
                            event.prevent_default();
                            session.act(if command == Command::Undo {
                                "lab undo"
                            } else {
                                "lab redo"
                            });
                        }
                    }
                    _ => {}
                }
            },
        );
        move || drop(listener)
    });
}

/// The keys of the picture and the transport.
pub(crate) fn journey_keys(session: &Session, playing: bool) -> Callback<KeyboardEvent> {
    let session = session.clone();
    Callback::from(move |event: KeyboardEvent| {
        if event.default_prevented() || event.alt_key() || event.shift_key() {
            return;
        }
        let control = event.ctrl_key() || event.meta_key();
        let Some(command) = keys::command(Scope::Journey, &event.key(), control) else {
            return;
        };
        // A control keeps the keys that are its own: a range its arrows, a button its space.
        let target = event.target_dyn_into::<Element>();
        let is = |selector: &str| {
            target
                .as_ref()
                .is_some_and(|target| target.matches(selector).unwrap_or(false))
        };
        let own = match command {
            Command::Play => is("button, select, [role=button], [role=option]"),
            _ => is("input, select, textarea"),
        };
        if own {
            return;
        }
        event.prevent_default();
        session.dispatch(match command {
            Command::Back => WalkAction::Step(Step::Back),
            Command::Next => WalkAction::Step(Step::Next),
            Command::First => WalkAction::Step(Step::First),
            Command::Last => WalkAction::Step(Step::Last),
            Command::Play => WalkAction::Play(!playing),
            Command::Send | Command::Release | Command::Undo | Command::Redo => return,
        });
    })
}
