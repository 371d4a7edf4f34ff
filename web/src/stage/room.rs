//! A window of a wing: a Pod, and what its light says.
//!
//! Ready is a lit window and a word, not ready a curtain and a word; in the Cluster skin a filled
//! or hollow dot, a solid or dashed box, and the same word. Colour is never alone.

use lobby_engine::cluster::Listening;
use lobby_engine::lab::{Room, RoomState, Scene};
use yew::prelude::*;

use super::Skin;
use super::control::{Control, Lit, Mark};
use super::draw::{dot, path, rect, text};
use super::geometry::{Point, Rect};
use super::layout::{Thing, Window};
use super::text::{self as measure, Face};

/// What a window says.
struct Said {
    label: String,
    owner: String,
    word: String,
    /// How many Pods it stands for, and how many of them are ready.
    count: Option<(usize, usize)>,
    state: RoomState,
    /// What hangs at the window: something amiss that the light does not say.
    hanger: Option<&'static str>,
}

/// Draws one window as a button. `target` is the Pod that the packet in hand goes to.
pub(super) fn window(
    scene: &Scene,
    window: &Window,
    skin: Skin,
    lit: &Lit,
    target: Option<usize>,
) -> Html {
    let rooms: Vec<&Room> = window
        .rooms
        .iter()
        .filter_map(|&i| scene.rooms.get(i))
        .collect();
    let (Some(&first), Some(&index)) = (rooms.first(), window.rooms.first()) else {
        return Html::default();
    };
    let target = target.filter(|t| window.rooms.contains(t));
    let mark = rooms.iter().fold(Mark::default(), |all, room| {
        let mark = lit.mark(&room.pod, &room.address);
        Mark {
            lit: all.lit || mark.lit,
            pinned: all.pinned || mark.pinned,
        }
    });
    let mut said = said(&rooms, first, window);
    if let Some(room) = target.and_then(|t| scene.rooms.get(t))
        && window.grouped
    {
        said.label = address(room);
    }
    let place = window.slot.window;
    let inside = match (skin, window.slot.low) {
        (Skin::Hotel, false) => hotel(place, &said),
        (Skin::Hotel, true) => hotel_low(place, &said),
        (Skin::Cluster, false) => cluster(place, &said),
        (Skin::Cluster, true) => cluster_low(place, &said),
    };
    let up = if window.slot.low { 0 } else { 16 };
    let outline = Rect::new(
        place.x - 5,
        place.y - 3 - up,
        place.w + 10,
        place.h + 9 + up,
    );
    let ring = target.map(|_| rect("ring", outline, 6));
    Control {
        thing: Thing::Room(target.unwrap_or(index)),
        label: &name(&rooms, first, window),
        outline,
        mark,
        first: false,
    }
    .draw(html! { <>{ inside }{ ring }</> })
}

fn said(rooms: &[&Room], first: &Room, window: &Window) -> Said {
    let ready = rooms.iter().filter(|r| r.state == RoomState::Ready).count();
    if !window.grouped {
        return Said {
            label: address(first),
            owner: first.owner.clone(),
            word: first.state.as_str().to_owned(),
            count: None,
            state: first.state,
            hanger: hanger(first),
        };
    }
    let owner = match window.owners {
        1 => first.owner.clone(),
        more => format!("{more} more"),
    };
    Said {
        label: owner.clone(),
        owner,
        word: if ready == rooms.len() {
            "ready".to_owned()
        } else {
            format!("{ready} ready")
        },
        count: Some((rooms.len(), ready)),
        state: if ready > 0 {
            RoomState::Ready
        } else {
            first.state
        },
        hanger: rooms.iter().find_map(|room| hanger(room)),
    }
}

/// Who does not listen although the light is on.
fn hanger(room: &Room) -> Option<&'static str> {
    match room.listening {
        Listening::Everywhere => None,
        Listening::LocalhostOnly => Some("localhost"),
        Listening::Nowhere => Some("no listener"),
    }
}

/// A Pod's address as its number; the Node's own is on the roof already.
fn address(room: &Room) -> String {
    if room.host_network {
        "host net".to_owned()
    } else if room.address.is_empty() {
        "no address".to_owned()
    } else {
        room.address.clone()
    }
}

/// What a screen reader and a tooltip say.
fn name(rooms: &[&Room], first: &Room, window: &Window) -> String {
    if !window.grouped {
        let mut name = format!(
            "Room {}: Pod {} in {}, {}",
            address(first),
            first.pod.name,
            first.pod.namespace,
            first.state.as_str()
        );
        if first.owner_kind != "Pod" {
            name += &format!(", of {} {}", first.owner_kind, first.owner);
        }
        if first.host_network {
            name += &format!(", in the Node's own network at {}", first.address);
        }
        match first.listening {
            Listening::Everywhere => {}
            Listening::LocalhostOnly => name += ", listens on 127.0.0.1 only",
            Listening::Nowhere => name += ", nobody listens",
        }
        return name;
    }
    let ready = rooms.iter().filter(|r| r.state == RoomState::Ready).count();
    let whose = match window.owners {
        1 => format!("of {}", first.owner),
        more => format!("of {more} owners"),
    };
    format!("{} rooms: Pods {whose}, {ready} ready", rooms.len())
}

fn label(place: Rect, said: &Said) -> Html {
    let (x, y, room) = (place.middle(), place.y - 7, place.w + 10);
    if said.count.is_some() && !said.label.contains(['.', ':']) {
        let owner = measure::fit(&said.label, 105, Face::Bold, room);
        return text("tsm b onwall am", x, y, owner);
    }
    let class = if said.label.chars().count() > 11 {
        "monosm b onwall am"
    } else {
        "mono b onwall am"
    };
    text(
        class,
        x,
        y,
        measure::fit_end(&said.label, 105, Face::Mono, room),
    )
}

fn hotel(place: Rect, said: &Said) -> Html {
    let Rect { x, y, .. } = place;
    let (right, bottom, middle) = (place.right(), place.bottom(), place.middle());
    let pane = bottom - 17;
    let word = |class| text(class, middle, bottom - 5, said.word.clone());
    let glass = match said.state {
        RoomState::Ready => html! {
            <>
                { rect("f-lit", place, 1) }
                { path("f-lit2", format!("M{x} {pane}V{y}H{right}V{pane}z")) }
                { path("s-mull", match said.count {
                    None => format!("M{middle} {y}V{pane}M{x} {pane}H{right}"),
                    Some(_) => format!("M{x} {pane}H{right}"),
                }) }
                { word("tsm b onlit am") }
            </>
        },
        RoomState::NotReady => {
            let folds: String = (1..8)
                .map(|i| format!("M{} {y}V{pane}", x + i * place.w / 8))
                .collect();
            html! {
                <>
                    { rect("f-off", place, 1) }
                    { path("s-curt", folds) }
                    { path("f-off2", format!("M{x} {y}H{right}L{middle} {}z", y + 4)) }
                    { path("s-mull", format!("M{x} {pane}H{right}")) }
                    { word("tsm b onoff am") }
                </>
            }
        }
        RoomState::Terminating => html! {
            <>
                { rect("f-off", place, 1) }
                { path("s-curt", format!("M{x} {y}L{right} {pane}M{right} {y}L{x} {pane}")) }
                { path("s-mull", format!("M{x} {pane}H{right}")) }
                { word("tsm onoff am") }
            </>
        },
        RoomState::Finished => html! {
            <>
                { rect("f-off", place, 1) }
                { path("s-mull", format!("M{middle} {y}V{pane}M{x} {pane}H{right}")) }
                { word("tsm onoff am") }
            </>
        },
        RoomState::Pending => html! {
            <>
                { rect("f-blank", place, 1) }
                { rect("ghost", place, 1) }
                { word("tsm onwall am") }
            </>
        },
    };
    let count = said.count.map(|(all, ready)| {
        let glass = Rect::new(x, y, place.w, pane - y);
        panes(glass, all, ready, ("pane", "pane out"))
    });
    let hanger = said
        .hanger
        .map(|words| sign(middle, y + 3, place.w - 2, words));
    html! {
        <>
            { rect("f-frame", Rect::new(x - 3, y - 3, place.w + 6, place.h + 6), 3) }
            { glass }
            { count }
            { hanger }
            { rect("f-trim", Rect::new(x - 6, bottom + 3, place.w + 12, 4), 1) }
            { label(place, said) }
        </>
    }
}

/// The two lines of a low window.
fn low_lines(place: Rect, said: &Said, classes: (&'static str, &'static str)) -> Html {
    let x = place.middle();
    let (first, second) = match said.count {
        Some((all, _)) => (
            measure::fit(&said.label, 105, Face::Bold, place.w - 2),
            format!("×{all} · {}", said.word),
        ),
        None => (
            measure::fit_end(&said.label, 105, Face::Mono, place.w + 4),
            said.hanger.map_or_else(|| said.word.clone(), str::to_owned),
        ),
    };
    html! {
        <>
            { text(classes.0, x, place.y + 10, first) }
            { text(classes.1, x, place.y + 21, second) }
        </>
    }
}

fn hotel_low(place: Rect, said: &Said) -> Html {
    let (glass, classes) = match said.state {
        RoomState::Ready => ("f-lit", ("monosm b onlit am", "tiny onlit am")),
        RoomState::Pending => ("f-blank", ("monosm b onwall am", "tiny onwall am")),
        _ => ("f-off", ("monosm b onoff am", "tiny onoff am")),
    };
    html! {
        <>
            { rect("f-frame", place.grown(2), 2) }
            { rect(glass, place, 1) }
            { low_lines(place, said, classes) }
        </>
    }
}

/// A pane a Pod, those that are ready first, as many in a row as make them nearly square; and how
/// many there are.
fn panes(glass: Rect, all: usize, ready: usize, classes: (&'static str, &'static str)) -> Html {
    const MOST: usize = 60;
    let shown = all.min(MOST) as i32;
    let count_w = 10 + measure::width(&all.to_string(), 120, Face::Bold);
    let field = Rect::new(glass.x + 4, glass.y + 4, glass.w - 8 - count_w, glass.h - 8);
    let columns = (1..=shown)
        .find(|columns| {
            let side = field.w / columns;
            side * ((shown + columns - 1) / columns) <= field.h
        })
        .unwrap_or(shown.max(1));
    let side = (field.w / columns).clamp(3, 13);
    let lit = (ready * shown as usize).div_ceil(all.max(1)) as i32;
    let draw = |from: i32, to: i32| -> String {
        (from..to)
            .map(|i| {
                let (x, y) = (field.x + i % columns * side, field.y + i / columns * side);
                let s = (side - 2).max(1);
                format!("M{x} {y}h{s}v{s}h-{s}z")
            })
            .collect()
    };
    let base = glass.y + glass.h / 2 + 5;
    html! {
        <>
            { path(classes.0, draw(0, lit)) }
            { (lit < shown).then(|| path(classes.1, draw(lit, shown))) }
            { text("tb panen ae", glass.right() - 3, base, format!("×{all}")) }
        </>
    }
}

/// A sign that hangs at a window.
fn sign(middle: i32, y: i32, room: i32, words: &'static str) -> Html {
    let w = (measure::width(words, 100, Face::Sans) + 8).min(room + 8);
    html! {
        <>
            { rect("hanger", Rect::new(middle - w / 2, y, w, 14), 3) }
            { text("tiny hangert am", middle, y + 10, words) }
        </>
    }
}

fn pod_box(state: RoomState) -> &'static str {
    match state {
        RoomState::Ready => "k-pod ready",
        _ => "k-pod off",
    }
}

fn cluster(place: Rect, said: &Said) -> Html {
    let middle = place.middle();
    let base = place.bottom() - 5;
    let owner = measure::fit(&said.owner, 110, Face::Sans, place.w);
    let half = measure::width(&said.word, 105, Face::Sans) / 2;
    let light = if said.state == RoomState::Ready {
        "dotr"
    } else {
        "doto"
    };
    let top = match said.count {
        Some((all, ready)) => {
            let glass = Rect::new(place.x, place.y, place.w, place.h - 15);
            panes(glass, all, ready, ("pane k", "pane k out"))
        }
        None if place.h > 40 => text("t ink am", middle, place.y + 17, owner),
        None => text("tsm ink am", middle, place.y + 12, owner),
    };
    let outer = Rect::new(place.x - 3, place.y - 3, place.w + 6, place.h + 9);
    html! {
        <>
            { rect(pod_box(said.state), outer, 5) }
            { top }
            { dot(light, Point::new(middle - half - 2, base - 4), "3.4") }
            { text("tsm ink am", middle + 4, base, said.word.clone()) }
            { said.hanger.map(|words| {
                let y = if place.h > 40 { place.y + 21 } else { place.y + 1 };
                sign(middle, y, place.w - 2, words)
            }) }
            { label(place, said) }
        </>
    }
}

fn cluster_low(place: Rect, said: &Said) -> Html {
    html! {
        <>
            { rect(pod_box(said.state), place.grown(2), 4) }
            { low_lines(place, said, ("monosm b ink am", "tiny ink am")) }
        </>
    }
}
