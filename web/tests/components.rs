//! Components in a real browser: drawn from the engine's own results, and clicked.

#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its helpers find nothing"
)]

use std::cell::RefCell;
use std::rc::Rc;

use lobby_engine::lab::{EXAMPLES, Lab, Settings};
use lobby_engine::network::Step;
use lobby_web::app::{App, AppProps};
use lobby_web::stage::{Motion, Skin, Stage, StageProps};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Element, HtmlElement};
use yew::{Callback, Renderer, props};

wasm_bindgen_test_configure!(run_in_browser);

/// A fresh place in the document.
fn place() -> Element {
    let document = web_sys::window().unwrap().document().unwrap();
    let place = document.create_element("div").unwrap();
    document.body().unwrap().append_child(&place).unwrap();
    place
}

/// Lets the page draw.
async fn drawn() {
    let wait = js_sys::Promise::new(&mut |resolve, _| {
        let window = web_sys::window().unwrap();
        window
            .set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, 200)
            .unwrap();
    });
    wasm_bindgen_futures::JsFuture::from(wait).await.unwrap();
}

/// Waits until something is there, ten seconds at most.
async fn drawn_until(place: &Element, selector: &str) {
    for _ in 0..50 {
        drawn().await;
        if place.query_selector(selector).unwrap().is_some() {
            return;
        }
    }
    panic!("no {selector}");
}

fn find(place: &Element, selector: &str, text: &str) -> Option<HtmlElement> {
    let found = place.query_selector_all(selector).unwrap();
    (0..found.length())
        .filter_map(|index| found.get(index)?.dyn_into::<Element>().ok())
        .find(|element| element.text_content().is_some_and(|own| own.contains(text)))
        .map(JsCast::unchecked_into)
}

fn lab() -> Lab {
    let mut lab = Lab::new(Settings::default());
    lab.open(EXAMPLES[0].text());
    lab
}

#[wasm_bindgen_test]
async fn the_stage_draws_every_node_and_pod_in_both_skins() {
    let lab = lab();
    let scene = Rc::new(lab.scene());
    for skin in [Skin::Hotel, Skin::Cluster] {
        let place = place();
        let props = props! { StageProps { scene: scene.clone(), skin } };
        Renderer::<Stage>::with_root_and_props(place.clone(), props).render();
        drawn().await;
        let text = place.text_content().unwrap();
        for wing in &scene.wings {
            assert!(text.contains(&wing.node.name), "{}", wing.node.name);
        }
        for room in &scene.rooms {
            assert!(text.contains(&room.address), "{}", room.address);
        }
        assert!(text.contains("frontend-service"));
    }
}

#[wasm_bindgen_test]
async fn a_chosen_room_is_told() {
    let lab = lab();
    let scene = Rc::new(lab.scene());
    let chosen = Rc::new(RefCell::new(Vec::new()));
    let on_select = {
        let chosen = chosen.clone();
        Callback::from(move |object| chosen.borrow_mut().push(object))
    };
    let place = place();
    let props = props! { StageProps { scene: scene.clone(), on_select } };
    Renderer::<Stage>::with_root_and_props(place.clone(), props).render();
    drawn().await;
    let address = &scene.rooms[0].address;
    let room = find(&place, "[role=button]", address).unwrap();
    let click = web_sys::MouseEvent::new_with_mouse_event_init_dict("click", &{
        let init = web_sys::MouseEventInit::new();
        init.set_bubbles(true);
        init
    });
    room.dispatch_event(&click.unwrap()).unwrap();
    drawn().await;
    assert_eq!(
        chosen.borrow().last(),
        Some(&Some(scene.rooms[0].pod.clone()))
    );
}

#[wasm_bindgen_test]
async fn a_hop_puts_the_rewritten_addresses_on_the_card() {
    let mut lab = lab();
    let request = lab.suggestion().unwrap();
    let journey = Rc::new(lab.send(&request).unwrap());
    let hop = journey
        .hops
        .iter()
        .find(|hop| hop.step == Step::Nat)
        .unwrap();
    let place = place();
    let props = props! { StageProps {
        scene: Rc::new(lab.scene()),
        journey: Some(journey.clone()),
        hop: hop.number as usize,
        motion: Motion::Reduced,
    } };
    Renderer::<Stage>::with_root_and_props(place.clone(), props).render();
    drawn().await;
    let text = place.text_content().unwrap();
    assert!(
        text.contains(&hop.after.to_text()) && text.contains("DNAT"),
        "{text}"
    );
}

#[wasm_bindgen_test]
async fn one_click_on_a_fresh_page_sends_a_packet_and_says_how_it_ended() {
    let place = place();
    Renderer::<App>::with_root_and_props(place.clone(), AppProps::now()).render();
    drawn_until(&place, "#journey > *").await;
    assert!(!place.text_content().unwrap().contains("Answered"));
    find(&place, "button", "Send").unwrap().click();
    drawn().await;
    assert!(place.query_selector(".verdict").unwrap().is_some());
    assert!(place.text_content().unwrap().contains("Answered"));
}
