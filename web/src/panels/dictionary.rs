//! The hotel's words beside the field's own, and where the picture breaks.
//!
//! Words alone: what each of them does is the engine's.

use yew::prelude::*;

use crate::prefs::Skin;

/// In the hotel, in Kubernetes, and what the picture does not say.
const WORDS: [(&str, &str, &str); 12] = [
    ("guest", "connection", "all its packets follow the first"),
    ("wing", "Node", "each has its own copy of the desk’s sheet"),
    ("room", "Pod", "rebuilt under another number"),
    (
        "desk",
        "Service",
        "nobody walks to it: the sheet of each wing rewrites the address",
    ),
    ("made-up list", "EndpointSlice", "at most 100 rooms a sheet"),
    ("phone", "ClusterIP", "answers only on the ports it lists"),
    (
        "side door",
        "NodePort",
        "on every wing, with or without a room",
    ),
    (
        "main entrance",
        "LoadBalancer",
        "the city builds it, not the hotel",
    ),
    (
        "forwarding card",
        "ExternalName",
        "another name; port and Host header stay",
    ),
    ("room list", "headless", "the guest picks"),
    (
        "directory",
        "cluster DNS",
        "the guest tries several spellings",
    ),
    (
        "key log",
        "conntrack",
        "the same visit is not sent to the desk again",
    ),
];

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
                { for WORDS.iter().map(|&(hotel, cluster, breaks)| {
                    let (first, second) = match skin {
                        Skin::Hotel => (hotel, cluster),
                        Skin::Cluster => (cluster, hotel),
                    };
                    html! {
                        <tr><th scope="row">{ first }</th><td>{ second }</td><td>{ breaks }</td></tr>
                    }
                }) }
            </tbody>
        </table>
        </div>
    }
}
