//! Mounts the page.

fn main() {
    yew::Renderer::<lobby_web::app::App>::new().render();
}
