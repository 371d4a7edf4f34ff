//! Mounts the page.

fn main() {
    lobby_web::parts::open();
    lobby_web::start::open();
}
