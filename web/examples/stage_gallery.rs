//! The stage alone, with worlds made by hand: for looking at it.
//!
//! `?story=dnat|refused|pod|lost|fifty|states|fleet|balanced&hop=3&skin=hotel|cluster&view=desk|phone|embed&motion=full|reduced`
//! Arrow keys step. A development harness; the page does not ship it.

#![allow(missing_docs)]

use std::rc::Rc;

use lobby_engine::lab::Scene;
use lobby_engine::network::Journey;
use lobby_web::stage::{Lit, Motion, Skin, Stage, View};
use wasm_bindgen::{JsCast, JsValue};
use yew::prelude::*;

#[path = "../src/stage/fixture.rs"]
#[allow(dead_code, unreachable_pub)]
mod fixture;

fn query(name: &str) -> Option<String> {
    let window = js_sys::global();
    let location = js_sys::Reflect::get(&window, &"location".into()).ok()?;
    let search = js_sys::Reflect::get(&location, &"search".into()).ok()?;
    let search = search.as_string()?;
    let pairs = search.trim_start_matches('?').split('&');
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

fn story(name: &str) -> (Scene, Option<Journey>) {
    match name {
        "refused" => (fixture::nobody(), Some(fixture::refused())),
        "pod" => {
            let scene = fixture::hotel();
            let journey = fixture::cluster_ip(&scene);
            (scene, Some(journey))
        }
        "lost" => {
            let mut scene = fixture::hotel();
            scene.street.insert(0, fixture::internet());
            (scene, Some(fixture::lost()))
        }
        "fifty" => {
            let scene = fixture::fifty();
            (scene, None)
        }
        "states" => (fixture::states(), None),
        "fleet" => {
            let scene = fixture::fleet();
            let journey = fixture::node_port(&scene);
            (scene, Some(journey))
        }
        "balanced" => {
            let scene = fixture::fleet();
            let journey = fixture::balanced(&scene);
            (scene, Some(journey))
        }
        "long" => {
            let scene = fixture::long();
            let journey = fixture::long_way(&scene);
            (scene, Some(journey))
        }
        "empty" => (fixture::empty(3), None),
        _ => {
            let scene = fixture::hotel();
            let journey = fixture::node_port(&scene);
            (scene, Some(journey))
        }
    }
}

#[component]
fn Gallery() -> Html {
    let told = use_state(String::new);
    let hop = use_state(|| {
        query("hop")
            .and_then(|hop| hop.parse().ok())
            .unwrap_or(0_usize)
    });
    let shown = use_state(|| {
        let (scene, journey) = story(&query("story").unwrap_or_default());
        (Rc::new(scene), journey.map(Rc::new))
    });
    let open = {
        let first = shown.0.desks.first().map(|desk| desk.service.clone());
        use_state(|| first)
    };
    let lit = use_state(|| Rc::new(Lit::default()));
    let skin = match query("skin").as_deref() {
        Some("cluster") => Skin::Cluster,
        _ => Skin::Hotel,
    };
    let view = match query("view").as_deref() {
        Some("phone") => View::Phone,
        Some("embed") => View::Embed,
        _ => View::Desk,
    };
    let motion = match query("motion").as_deref() {
        Some("reduced") => Motion::Reduced,
        _ => Motion::Full,
    };
    let on_hover = {
        let lit = lit.clone();
        Callback::from(move |object: Option<lobby_engine::api::ObjectRef>| {
            lit.set(Rc::new(Lit {
                objects: object.into_iter().collect(),
                ..Lit::default()
            }));
        })
    };
    let on_select = {
        let told = told.clone();
        Callback::from(move |object: Option<lobby_engine::api::ObjectRef>| {
            told.set(object.map_or("nothing".to_owned(), |o| o.to_string()));
        })
    };
    let on_open = {
        let open = open.clone();
        Callback::from(move |service| open.set(Some(service)))
    };
    let onkeydown = {
        let hop = hop.clone();
        Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
            "ArrowRight" => hop.set(*hop + 1),
            "ArrowLeft" => hop.set(hop.saturating_sub(1)),
            _ => {}
        })
    };
    html! {
        <main class="gallery" {onkeydown}>
            <h1 class="stage-list">{ "Stage gallery" }</h1>
            <Stage scene={shown.0.clone()} journey={shown.1.clone()} hop={*hop} {skin} {view} {motion}
                lit={(*lit).clone()} open_service={(*open).clone()} {on_hover} {on_select} {on_open} />
            <output class="stage-list">{ (*told).clone() }</output>
        </main>
    }
}

fn main() {
    let theme = query("theme").unwrap_or_default();
    let document = js_sys::Reflect::get(&js_sys::global(), &"document".into());
    let root =
        document.and_then(|document| js_sys::Reflect::get(&document, &"documentElement".into()));
    if let Ok(root) = root.and_then(JsValue::dyn_into::<web_sys::Element>) {
        let _ = root.set_attribute("data-theme", &theme);
    }
    yew::Renderer::<Gallery>::new().render();
}
