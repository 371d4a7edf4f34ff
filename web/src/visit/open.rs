//! The foot of an embed: how the journey ended, and the way to the whole page.

use std::rc::Rc;

use lobby_engine::link::{Codec, Content};
use yew::prelude::*;

use crate::prefs::Skin;
use crate::session::Session;
use crate::state::Walk;
use crate::ui::phrase;

/// Properties of [`OpenInLobby`]: what its link holds changes with them.
#[derive(Clone, PartialEq, Properties)]
pub struct OpenInLobbyProps {
    /// What is in the editor.
    pub text: Rc<str>,
    /// Where all draws come from.
    pub seed: u64,
    /// The words in use.
    pub skin: Skin,
    /// The journey, and the hop that is shown.
    pub walk: Walk,
}

/// How the journey ended, once its last hop is seen; and a link to the whole page, with all that is
/// here. Without the link where the world is too large for one.
#[component]
pub fn OpenInLobby(props: &OpenInLobbyProps) -> Html {
    let session = use_context::<Session>();
    let link = use_memo(props.clone(), |_| {
        let world = session.map(|session| session.shared())?;
        Content::World(world).encode(Codec::Deflated).ok()
    });
    let walk = &props.walk;
    let ended = walk
        .journey
        .as_ref()
        .filter(|journey| walk.hop == journey.hops.len());
    html! {
        <div class="embed-foot">
            <p role="status">
            if let Some(journey) = ended {
                <b>{ journey.verdict.kind.as_str() }</b>{ " " }{ phrase(&journey.verdict.detail, props.skin) }
            }
            </p>
            if let Some(link) = &*link {
                <a target="_blank" rel="noopener" href={format!("./#{link}")}>{ "Open in Lobby" }</a>
            }
        </div>
    }
}
