//! Messages with the page around an embed.
//!
//! One message goes out without a port: `hello`. The page around answers with a `MessagePort`, and
//! everything after goes over it. It is taken from the window that holds the frame alone, and from
//! the origin that the address named. Who did not name one is told `ready` and `resize`, and may say
//! nothing: the world in the frame is the reader's.

use std::cell::{Cell, RefCell};

use gloo::events::EventListener;
use js_sys::{JSON, Reflect};
use lobby_engine::KUBERNETES_VERSION;
use lobby_engine::yaml::{self, Node};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, MessagePort};

use super::Embed;
use super::report::map;
use super::{commands, message, trap};
use crate::session::Session;

/// The version of the messages.
const VERSION: i64 = 1;

struct Line {
    port: MessagePort,
    /// Whether the page around said who it is.
    known: bool,
}

thread_local! {
    static LINE: RefCell<Option<Line>> = const { RefCell::new(None) };
    /// What happened while nobody was there to hear it: the latest of each event.
    static UNHEARD: RefCell<Vec<(&'static str, Node)>> = const { RefCell::new(Vec::new()) };
    /// The height that was told last.
    static HEIGHT: Cell<i32> = const { Cell::new(0) };
}

/// Says hello to the page around, and answers it from then on.
pub fn connect(session: &Session, embed: &Embed) {
    let Some(window) = web_sys::window() else {
        return;
    };
    let Some(parent) = window.parent().ok().flatten() else {
        return;
    };
    if parent == window {
        return;
    }
    let listener = {
        let (session, embed, parent) = (session.clone(), embed.clone(), parent.clone());
        EventListener::new(&window, "message", move |event| {
            let Some(event) = event.dyn_ref::<MessageEvent>() else {
                return;
            };
            if let Some(port) = accepted(event, &parent, &embed) {
                take(port, &session, &embed);
            }
        })
    };
    // As long as the page.
    listener.forget();
    let hello = map([
        ("ns", "lobby".into()),
        ("v", VERSION.into()),
        ("kind", "hello".into()),
        ("instance", embed.instance.as_str().into()),
    ]);
    // It says nothing that a stranger may not know.
    let to = embed.origin.as_deref().unwrap_or("*");
    let _ = parent.post_message(&js(&hello), to);
}

/// The port that a message brings, if it is the one waited for.
fn accepted(event: &MessageEvent, parent: &web_sys::Window, embed: &Embed) -> Option<MessagePort> {
    let from_parent = event
        .source()
        .is_some_and(|source| js_sys::Object::is(&source, parent));
    let from_origin = embed
        .origin
        .as_deref()
        .is_none_or(|origin| event.origin() == origin);
    if !from_parent || !from_origin {
        return None;
    }
    let data = event.data();
    let is = |name: &str, wanted: &str| {
        Reflect::get(&data, &name.into())
            .is_ok_and(|value| value.as_string().as_deref() == Some(wanted))
    };
    if !is("ns", "lobby") || !is("kind", "connect") {
        return None;
    }
    event.ports().get(0).dyn_into().ok()
}

fn take(port: MessagePort, session: &Session, embed: &Embed) {
    let known = embed.origin.is_some();
    let session = session.clone();
    let hear = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        if let Some(answer) = answer(&session, known, &event.data()) {
            post(&answer);
        }
    });
    port.set_onmessage(Some(hear.as_ref().unchecked_ref()));
    // As long as the page.
    hear.forget();
    if known {
        trap::answer(&port);
    }
    LINE.with_borrow_mut(|line| *line = Some(Line { port, known }));
    let names = message::NAMES.iter().map(|name| (*name).into());
    let capabilities: Vec<Node> = names.collect();
    let detail = map([
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("kubernetes", KUBERNETES_VERSION.into()),
        (
            "capabilities",
            yaml::Value::List(capabilities.into()).into(),
        ),
        (
            "languages",
            yaml::Value::List(vec!["en".into()].into()).into(),
        ),
    ]);
    post(&map([("event", "ready".into()), ("detail", detail)]));
    HEIGHT.set(0);
    resize();
    for (event, detail) in UNHEARD.take() {
        tell(event, detail);
    }
}

/// Tells the page around how high the page in the frame is, if that is another height than before.
pub(super) fn resize() {
    if LINE.with_borrow(Option::is_none) {
        return;
    }
    let height = gloo::utils::document()
        .document_element()
        .map_or(0, |root| root.scroll_height());
    if HEIGHT.replace(height) == height {
        return;
    }
    let detail = map([("height", i64::from(height).into())]);
    post(&map([("event", "resize".into()), ("detail", detail)]));
}

/// Tells the page around of something, if it said who it is; once it is there.
pub(super) fn tell(event: &'static str, detail: Node) {
    let known = LINE.with_borrow(|line| line.as_ref().map(|line| line.known));
    if known.is_none() {
        UNHEARD.with_borrow_mut(|unheard| {
            unheard.retain(|(other, _)| *other != event);
            unheard.push((event, detail));
        });
    } else if known == Some(true) {
        post(&map([("event", event.into()), ("detail", detail)]));
    }
}

fn post(message: &Node) {
    // Cloned: an answer may bring a command at once.
    let port = LINE.with_borrow(|line| line.as_ref().map(|line| line.port.clone()));
    if let Some(port) = port {
        let _ = port.post_message(&js(message));
    }
}

/// A value of JavaScript. Every tree is JSON.
fn js(node: &Node) -> JsValue {
    JSON::parse(&node.to_string()).unwrap_or(JsValue::NULL)
}

/// The answer to a command; `None` for what is no command.
fn answer(session: &Session, known: bool, data: &JsValue) -> Option<Node> {
    let id = Reflect::get(data, &"id".into()).ok()?.as_f64()?;
    #[allow(clippy::cast_possible_truncation)]
    let id = id as i64;
    let result = if known {
        json(data)
            .and_then(|json| message::read(&json))
            .and_then(|command| commands::run(session, command))
    } else {
        Err("the frame was not told who asks: its address has no origin parameter".to_owned())
    };
    Some(match result {
        Ok(result) => map([
            ("id", id.into()),
            ("ok", yaml::Value::Bool(true).into()),
            ("result", result),
        ]),
        Err(error) => map([
            ("id", id.into()),
            ("ok", yaml::Value::Bool(false).into()),
            ("error", error.as_str().into()),
        ]),
    })
}

/// A message as JSON, if it is one and not too long.
fn json(data: &JsValue) -> Result<String, String> {
    // A circle can be posted, and a BigInt.
    let json = JSON::stringify(data).map_err(|_| "the message cannot be written as JSON")?;
    let limit = message::LIMIT;
    if json.length() > limit {
        return Err(format!("the message is longer than {limit} characters"));
    }
    Ok(String::from(json))
}
