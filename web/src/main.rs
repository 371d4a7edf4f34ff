//! Mounts the page.

fn main() {
    lobby_web::parts::open();
    yew::Renderer::<lobby_web::app::App>::new().render();
}
