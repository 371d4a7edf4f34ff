//! The page.

use yew::prelude::*;

#[component]
fn Page() -> Html {
    html! { <main><h1>{ "Lobby" }</h1></main> }
}

fn main() {
    yew::Renderer::<Page>::new().render();
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    async fn the_page_says_its_name() {
        let document = gloo::utils::document();
        let root = document.create_element("div").unwrap();
        document.body().unwrap().append_child(&root).unwrap();
        yew::Renderer::<Page>::with_root(root.clone()).render();
        yew::platform::time::sleep(std::time::Duration::ZERO).await;
        let heading = root.query_selector("main > h1").unwrap().unwrap();
        assert_eq!(heading.text_content().as_deref(), Some("Lobby"));
        root.remove();
    }
}
