//! What a fresh page begins with, made in steps: between two of them the browser may answer.

use std::rc::Rc;

use lobby_engine::api::Origin;
use lobby_engine::lab::{EXAMPLES, Lab};
use yew::prelude::*;

use crate::app::{App, AppProps};
use crate::frame::{self, Wishes};
use crate::links::Focus;
use crate::parts;
use crate::prefs;
use crate::session::Session;
use crate::state::{Action, Frame, FrameAction, PointerAction, State};
use crate::visit::{self, First, Visit, Wanted};
use crate::world::Same;

/// What a fresh page has before its first render.
pub struct Start {
    /// Asks the engine.
    pub(crate) session: Session,
    /// What the page knows at first.
    pub(crate) state: State,
    /// What the address asks for.
    pub(crate) visit: Visit,
    /// What panels ask of the page.
    pub(crate) on: Wishes,
}

/// A lab before its text.
struct Empty {
    visit: Visit,
    lab: Lab,
}

impl Empty {
    fn now() -> Self {
        let visit = Visit::now();
        let lab = Lab::new(visit.settings());
        Self { visit, lab }
    }

    /// Has the engine read the text.
    fn read(self) -> Read {
        let Self { visit, mut lab } = self;
        let own_lesson = match &visit.lesson {
            Some(Wanted::Own(text)) => Some(text.clone()),
            _ => None,
        };
        let text = visit
            .world
            .as_ref()
            .map(|world| world.text.clone())
            .or(own_lesson.clone())
            .or_else(prefs::load_text)
            .or_else(|| EXAMPLES.first().map(|example| example.text().to_owned()))
            .unwrap_or_default();
        // A lesson is no manifest: the engine begins with nothing until it is read.
        let manifests = if own_lesson.is_some() { "" } else { &text };
        lab.open(manifests);
        for line in &visit.lines() {
            lab.run(line);
        }
        let manifests = Rc::from(manifests);
        Read {
            visit,
            lab,
            text: Rc::from(text),
            manifests,
        }
    }
}

/// A lab that has read its text.
struct Read {
    visit: Visit,
    lab: Lab,
    /// What the editor shows.
    text: Rc<str>,
    /// What the engine read.
    manifests: Rc<str>,
}

impl Read {
    fn start(self) -> Start {
        let visit = self.visit;
        let (session, world) = Session::of(self.lab, &self.manifests);
        let mut frame = Frame::load(window_width());
        if let Some(embed) = &visit.embed {
            if let First::Panel(tab) = embed.first {
                frame.tab = tab;
            }
            frame.hidden.clone_from(&embed.hidden);
            frame.read_only = embed.read_only;
        }
        let state = State::new(visit.prefs(), frame, self.text, world);
        // Before the first render, so that nothing moves after it.
        frame::measure(&state);
        if let Some(embed) = &visit.embed {
            visit::connect(&session, embed);
        }
        Start {
            on: wishes(&session),
            visit,
            session,
            state,
        }
    }
}

impl AppProps {
    /// The page as its address and the browser's storage want it, all at once.
    #[must_use]
    pub fn now() -> Self {
        Self {
            start: Same(Rc::new(Empty::now().read().start())),
        }
    }
}

/// Opens the page in the document's body. The cluster, its text, what is seen of it and the page are
/// tasks of their own, so that none of them keeps the browser long.
pub fn open() {
    let empty = Empty::now();
    parts::soon(move || {
        let read = empty.read();
        parts::soon(move || {
            let start = Same(Rc::new(read.start()));
            parts::soon(move || {
                yew::Renderer::<App>::with_props(AppProps { start }).render();
            });
        });
    });
}

/// The window's width in CSS pixels.
fn window_width() -> u32 {
    let width = web_sys::window().and_then(|window| window.inner_width().ok()?.as_f64());
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    width.map_or(0, |width| width as u32)
}

/// What panels ask, handed on to the session.
fn wishes(session: &Session) -> Wishes {
    macro_rules! wish {
        (|$session:ident, $given:pat_param| $act:expr) => {{
            let $session = session.clone();
            Callback::from(move |$given| $act)
        }};
    }
    Wishes {
        send: wish!(|session, ()| session.send_draft()),
        load: wish!(|session, text| {
            let text: String = text;
            if session.may_change() {
                session.open(&Rc::from(text));
            }
        }),
        text: wish!(|session, text| {
            let text: String = text;
            if session.may_change() {
                session.dispatch(Action::Typed(text.into()));
            }
        }),
        line: wish!(|session, line| {
            let line: u32 = line;
            session.dispatch(PointerAction::Over((line > 0).then_some(Focus::Line(line))));
        }),
        go: wish!(|session, place| {
            let (line, column): (u32, u32) = place;
            session.dispatch(FrameAction::GoTo(line, column));
        }),
        show: wish!(|session, origin| {
            let origin: Origin = origin;
            session.show(origin);
        }),
    }
}
