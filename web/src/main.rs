//! The page.

use yew::prelude::*;

#[component]
fn Page() -> Html {
    html! { <main><h1>{ "Lobby" }</h1></main> }
}

fn main() {
    yew::Renderer::<Page>::new().render();
}
