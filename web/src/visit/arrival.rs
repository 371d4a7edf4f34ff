//! What happens once when the page was opened by a link, and when its world is left.

use std::rc::Rc;

use wasm_bindgen::JsValue;
use yew::prelude::*;

use super::{Visit, Wanted};
use crate::session::Session;
use crate::state::{DraftAction, FrameAction, Step, WalkAction};

/// Sends what the address asks for, and goes to its hop.
#[hook]
pub fn use_arrival(visit: &Visit, session: &Session) {
    let (visit, session) = (visit.clone(), session.clone());
    use_effect_with((), move |()| {
        match &visit.lesson {
            Some(Wanted::Named(name)) => session.open_lesson_named(name),
            // One with something wrong in it stays in the editor, where the page says what it is.
            Some(Wanted::Own(text)) => {
                let _ = session.begin_own_lesson(&Rc::from(text.as_str()));
            }
            None => {}
        }
        if let Some(request) = &visit.request {
            session.dispatch(DraftAction::Request(request.clone()));
        }
        if visit.step.is_some() || visit.autoplay {
            match &visit.request {
                // Why it could not be sent is reported.
                Some(request) => drop(session.send(request, false)),
                None => session.send_draft(),
            }
            if let Some(step) = visit.step {
                session.dispatch(WalkAction::Step(Step::To(step)));
            }
            session.dispatch(WalkAction::Play(visit.autoplay));
        }
        // In an embed its address says which one. A request that was sent shows its own.
        if let (Some(tab), None) = (visit.panel, &visit.embed) {
            session.dispatch(FrameAction::Show(tab));
        }
    });
}

/// Takes the world out of the address once it is another one: who loads the page again finds the
/// world as it was left. Never in an embed, whose history is that of the page around.
#[hook]
pub fn use_departure(visit: &Visit, text: &Rc<str>) {
    let is_other = visit.embed.is_none()
        && visit
            .world
            .as_ref()
            .is_some_and(|world| *world.text != **text);
    use_effect_with(is_other, |is_other| {
        let history = web_sys::window().and_then(|window| window.history().ok());
        if let (true, Some(history)) = (*is_other, history) {
            let path = web_sys::window().and_then(|window| window.location().pathname().ok());
            let _ = history.replace_state_with_url(&JsValue::NULL, "", path.as_deref());
        }
    });
}
