//! The hotel's words beside the field's own, and where the picture breaks.
//!
//! The words are the engine's, as what each of them does.

use lobby_engine::lab;
use yew::prelude::*;

use crate::prefs::Skin;

/// The words, those of the skin first.
pub(super) fn dictionary(skin: Skin) -> Html {
    let (first, second) = match skin {
        Skin::Hotel => ("in the hotel", "in Kubernetes"),
        Skin::Cluster => ("in Kubernetes", "in the hotel"),
    };
    html! {
        // Somebody without a mouse scrolls it, too.
        <div class="words-place" role="region" aria-label="The hotel’s words, and where the picture breaks" tabindex="0">
        <table class="words">
            <thead><tr>
                <th scope="col">{ first }</th><th scope="col">{ second }</th>
                <th scope="col">{ "where the picture breaks" }</th>
            </tr></thead>
            <tbody>
                { for lab::dictionary().into_iter().map(|entry| {
                    let (first, second) = match skin {
                        Skin::Hotel => (entry.hotel, entry.cluster),
                        Skin::Cluster => (entry.cluster, entry.hotel),
                    };
                    html! {
                        <tr><th scope="row">{ first }</th><td>{ second }</td><td>{ entry.breaks }</td></tr>
                    }
                }) }
            </tbody>
        </table>
        </div>
    }
}
