//! The way from an embed to the whole page.

use std::rc::Rc;

use lobby_engine::link::{Codec, Content};
use yew::prelude::*;

use crate::prefs::Skin;
use crate::session::Session;

/// Properties of [`OpenInLobby`]: what its link holds changes with them.
#[derive(Clone, PartialEq, Properties)]
pub struct OpenInLobbyProps {
    /// What is in the editor.
    pub text: Rc<str>,
    /// Where all draws come from.
    pub seed: u64,
    /// The words in use.
    pub skin: Skin,
    /// The hop that is shown.
    pub hop: usize,
}

/// A link to the whole page, with all that is here. Without one where the world is too large for a
/// link.
#[component]
pub fn OpenInLobby(props: &OpenInLobbyProps) -> Html {
    let session = use_context::<Session>();
    let link = use_memo(props.clone(), |_| {
        let world = session.map(|session| session.shared())?;
        Content::World(world).encode(Codec::Deflated).ok()
    });
    html! {
        if let Some(link) = &*link {
            <a class="open-in-lobby" target="_blank" rel="noopener" href={format!("./#{link}")}>{ "Open in Lobby" }</a>
        }
    }
}
