//! The engine's sentences, with their marks.

use lobby_engine::network::{Mark, Phrase, Words};
use yew::prelude::*;

use crate::prefs::Skin;

/// The wording of a skin.
#[must_use]
pub fn wording(words: &Words, skin: Skin) -> &Phrase {
    match skin {
        Skin::Hotel => &words.hotel,
        Skin::Cluster => &words.cluster,
    }
}

/// The class of a mark: one colour and one shape for one meaning, all over the page.
#[must_use]
pub fn mark_class(mark: Mark) -> &'static str {
    match mark {
        Mark::Guest => "mk guest",
        Mark::Dnat => "mk dnat",
        Mark::Snat => "mk snat",
        Mark::Bad => "mk bad",
    }
}

/// A sentence with its marks.
pub fn phrase(words: &Words, skin: Skin) -> Html {
    html! {
        <>
        { for wording(words, skin).0.iter().map(|piece| match piece.mark {
            Some(mark) => html! { <b class={mark_class(mark)}>{ &piece.text }</b> },
            None => html! { { &piece.text } },
        }) }
        </>
    }
}
