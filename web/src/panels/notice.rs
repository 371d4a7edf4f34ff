//! What was just done, in a sentence over the stage. It goes by itself after a while.

use gloo::timers::callback::Timeout;
use yew::prelude::*;

use crate::session::Session;
use crate::state::{Notice, NoticeAction};
use crate::ui::{Icon, Shape};

/// How long it stays, in milliseconds: long enough to be read twice. What failed stays until it is
/// closed.
const STAYS: u32 = 8_000;

/// Properties of [`NoticeBar`].
#[derive(Clone, PartialEq, Properties)]
pub struct NoticeBarProps {
    /// What there is to say.
    pub notice: Option<Notice>,
}

/// The bar. The live region is there before anything is said in it.
#[component]
pub fn NoticeBar(props: &NoticeBarProps) -> Html {
    let session = use_context::<Session>();
    use_effect_with(props.notice.clone(), {
        let session = session.clone();
        move |notice: &Option<Notice>| {
            let goes = notice.as_ref().is_some_and(|notice| !notice.is_bad);
            let timer = session
                .filter(|_| goes)
                .map(|session| Timeout::new(STAYS, move || session.dispatch(NoticeAction::Close)));
            move || drop(timer)
        }
    });
    let close = Callback::from(move |_: MouseEvent| {
        if let Some(session) = &session {
            session.dispatch(NoticeAction::Close);
        }
    });
    html! {
        <div class="notices" role="status">
            if let Some(notice) = &props.notice {
                <div class={classes!("note", notice.is_bad.then_some("bad"))}>
                    <p>{ &*notice.text }</p>
                    <button type="button" class="icb" aria-label="Close this message" onclick={close}>
                        <Icon shape={Shape::Close} />
                    </button>
                </div>
            }
        </div>
    }
}
