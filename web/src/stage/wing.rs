//! A Node's column: roof, walls, rooms and side door.

use std::rc::Rc;

use lobby_engine::lab::{Scene, Wing as NodeWing};
use yew::prelude::*;

use super::Skin;
use super::control::{Control, Lit, Mark};
use super::draw::{dot, either, path, rect, text};
use super::geometry::{Point, Rect};
use super::layout::{Layout, Thing, WingPlace};
use super::metrics::{GAP, Metrics, Slot, View};
use super::room;
use super::text::{self as measure, Face};

/// What a wing is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// The scene.
    pub(super) scene: Rc<Scene>,
    /// Where things stand.
    pub(super) layout: Rc<Layout>,
    /// Which wing.
    pub(super) index: usize,
    /// How it looks.
    pub(super) skin: Skin,
    /// What is highlighted.
    pub(super) lit: Rc<Lit>,
    /// Whether the packet came in by its door.
    pub(super) door_used: bool,
    /// The Pod that the packet goes to, if it lives here.
    pub(super) target: Option<usize>,
}

/// A wing.
#[component]
pub(super) fn Wing(props: &Props) -> Html {
    let Props {
        scene,
        layout,
        index,
        skin,
        lit,
        ..
    } = props;
    let (Some(wing), Some(place)) = (scene.wings.get(*index), layout.wings.get(*index)) else {
        return Html::default();
    };
    let m = layout.metrics;
    let last = index + 1 == layout.wings.len();
    let hotel = *skin == Skin::Hotel;
    let building = match skin {
        Skin::Hotel => house(m, place, last),
        Skin::Cluster => node_box(m, place, last),
    };
    let mut label = format!("Wing {0}: Node {0}, {1}", wing.node.name, wing.address);
    if let Some(zone) = &wing.zone {
        label += &format!(", zone {zone}");
    }
    if !wing.running {
        label += ", switched off";
    } else if wing.cordoned {
        label += ", cordoned: no new Pods";
    }
    if wing.more > 0 {
        label += &format!(", {} more Pods are not drawn", wing.more);
    }
    let roof = Rect::new(place.x, place.top - m.roof + 2, m.wing, m.roof - 4);
    let header = Control {
        thing: Thing::Wing(*index),
        label: &label,
        outline: roof,
        mark: lit.mark(&wing.node, &wing.address),
        first: true,
    }
    .draw(header(scene, layout, *index, *skin));
    let empty = place.windows.is_empty() && place.ghost.is_none();
    let class = either(wing.running, "wing", "wing dark");
    html! {
        <g {class} data-group="">
            <g aria-hidden="true">{ building }</g>
            { header }
            { for place.windows.iter().map(|w| room::window(scene, w, *skin, lit, props.target)) }
            { place.ghost.map(|ghost| ghost_room(ghost, hotel)) }
            { empty.then(|| empty_wing(m, place, hotel, wing)) }
            { door(props, place) }
        </g>
    }
}

/// The wall and what belongs to it.
fn house(m: &Metrics, place: &WingPlace, last: bool) -> Html {
    let WingPlace { x, top, .. } = *place;
    let (w, street) = (m.wing, m.street.0);
    let corridor = m.corridor.1 - m.corridor.0;
    let net = if last { w } else { w + GAP };
    let inner = Rect::new(x + 6, m.hall, w - 12, m.counter.1 - m.hall);
    html! {
        <>
            { path("f-roof", format!("M{} {top}L{} {}H{}L{} {top}z", x - 3, x + 12, top - m.roof, x + w - 12, x + w + 3)) }
            { rect("f-wall", Rect::new(x, top, w, street - top), 0) }
            { rect("f-wall2", Rect::new(x + w - 5, top, 5, street - top), 0) }
            { rect("f-trim", Rect::new(x - 3, top - 3, w + 6, 6), 0) }
            { for place.blanks.iter().map(blank) }
            { rect("f-inside2", Rect::new(x, m.corridor.0, net, corridor), 0) }
            { rect("f-trim", Rect::new(x, m.corridor.0 - 2, w, 3), 0) }
            { rect("f-trim", Rect::new(x, m.corridor.1 - 1, w, 3), 0) }
            { rect("f-inside", inner, 4) }
            { (m.view != View::Phone).then(|| html! {
                <>{ lamp(x + w / 5, m.hall) }{ lamp(x + w * 12 / 25, m.hall) }</>
            }) }
            { rect("f-trim", Rect::new(x - 2, m.counter.1 - 2, w + 4, 4), 0) }
            { rect("f-wall2", Rect::new(x, street - 9, w, 9), 0) }
        </>
    }
}

fn blank(slot: &Slot) -> Html {
    let r = slot.window;
    let (x, y) = (r.middle(), r.y + r.h / 2);
    html! {
        <>
            { rect("f-blank", r, 3) }
            { path("s-blank", format!("M{x} {}V{}M{} {y}H{}", r.y, r.bottom(), r.x, r.right())) }
            { rect("f-blanksill", Rect::new(r.x - 3, r.bottom(), r.w + 6, 3), 0) }
        </>
    }
}

fn lamp(x: i32, y: i32) -> Html {
    html! {
        <>
            { path("s-lamp", format!("M{x} {y}v14")) }
            { path("f-lamp", format!("M{} {}a10 9 0 0 1 20 0z", x - 10, y + 22)) }
            { path("f-bulb", format!("M{} {}a6 4 0 0 0 12 0z", x - 6, y + 22)) }
        </>
    }
}

fn node_box(m: &Metrics, place: &WingPlace, last: bool) -> Html {
    let top = place.top - m.roof + if m.view == View::Desk { 14 } else { 0 };
    let net = if last { m.wing } else { m.wing + GAP };
    let height = m.street.0 - 8 - top;
    html! {
        <>
            { rect("k-node", Rect::new(place.x, top, m.wing, height), 8) }
            { rect("k-net", Rect::new(place.x, m.corridor.0, net, m.corridor.1 - m.corridor.0), 0) }
        </>
    }
}

fn header(scene: &Scene, layout: &Layout, index: usize, skin: Skin) -> Html {
    let (Some(wing), Some(place)) = (scene.wings.get(index), layout.wings.get(index)) else {
        return Html::default();
    };
    let m = layout.metrics;
    let (middle, top) = (place.x + m.wing / 2, place.top);
    let node = wing.node.name.as_str();
    let room = m.wing - 36;
    if m.view == View::Embed {
        let both = match skin {
            Skin::Hotel => format!("Wing {node} · {}", wing.address),
            Skin::Cluster => format!("{node} · {}", wing.address),
        };
        let class = either(skin == Skin::Hotel, "t onroof am", "t ink am");
        let line = measure::fit(&both, 110, Face::Sans, m.wing - 16);
        return text(class, middle, top - 9, line);
    }
    let mono = either(m.view == View::Phone, "monosm", "mono");
    let state = match (wing.running, wing.cordoned) {
        (false, _) => Some("switched off"),
        (true, true) => Some("cordoned"),
        (true, false) => None,
    };
    let (phone, small) = (m.view == View::Phone, mono == "monosm");
    match skin {
        Skin::Hotel => {
            let name = measure::fit_host(&format!("Wing {node}"), 120, Face::Bold, room);
            let address = measure::fit(&wing.address, 110, Face::Mono, room + 10);
            let class = either(small, "monosm onroof am", "mono onroof am");
            let (a, b) = match (phone, state.is_some()) {
                (true, false) => (20, 7),
                (true, true) => (23, 13),
                (false, false) => (25, 10),
                (false, true) => (30, 18),
            };
            html! {
                <>
                    { text("tb onroof am", middle, top - a, name) }
                    { text(class, middle, top - b, address) }
                    { state.map(|words| notice(middle, top - either(phone, 3, 6), words, "tiny b onroof")) }
                </>
            }
        }
        Skin::Cluster if phone => html! {
            <>
                { text("tb ink am", middle, top - 20, measure::fit_host(node, 120, Face::Bold, room)) }
                { text("monosm ink2 am", middle, top - 7, wing.address.clone()) }
                { state.map(|words| notice(middle, top + 5, words, "tiny b ink")) }
            </>
        },
        Skin::Cluster => {
            // The name has half the room, if it needs so much.
            let whole = measure::fit_host(node, 120, Face::Bold, m.wing / 2 - 16);
            let left = m.wing - 32 - measure::width(&whole, 120, Face::Bold);
            let address = measure::fit_end(&wing.address, 110, Face::Mono, left);
            let room = m.wing - 32 - measure::width(&address, 110, Face::Mono);
            let name = measure::fit_host(node, 120, Face::Bold, room);
            html! {
                <>
                    { text("tb ink", place.x + 12, top - 11, name) }
                    { text("mono ink2 ae", place.x + m.wing - 12, top - 11, address) }
                    { state.map(|words| notice(middle, top + 4, words, "tiny b ink")) }
                </>
            }
        }
    }
}

/// A no-entry sign with its word: no new Pods come here, or nothing runs here at all.
fn notice(middle: i32, y: i32, words: &'static str, class: &'static str) -> Html {
    let half = measure::width(words, 100, Face::Bold) / 2;
    let x = middle - half - 4;
    html! {
        <>
            { dot("cordon", Point::new(x, y - 3), "4.5") }
            { path("cordon-bar", format!("M{} {}h5", x - 2, y - 3)) }
            <text class={classes!(class, "am")} x={(middle + 5).to_string()} y={y.to_string()}>{ words }</text>
        </>
    }
}

/// Where a room would be, if there were one of the kind that the open Service asks for.
fn ghost_room(ghost: Rect, hotel: bool) -> Html {
    let low = ghost.h < 30;
    let below = either(low, 5, 9);
    let outer = Rect::new(ghost.x - 3, ghost.y - 3, ghost.w + 6, ghost.h + below);
    let y = ghost.y + ghost.h / 2;
    let (one, two) = if hotel {
        ("no room", "of this kind")
    } else {
        ("no Pod", "selected")
    };
    html! {
        <g aria-hidden="true">
            { rect("ghostroom", outer, 4) }
            { text("tsm b ghostw am", ghost.middle(), y + either(low, 6, -1), one) }
            { (!low).then(|| text("tsm ghostw am", ghost.middle(), y + 12, two)) }
        </g>
    }
}

fn empty_wing(m: &Metrics, place: &WingPlace, hotel: bool, wing: &NodeWing) -> Html {
    let words = match (m.view, hotel) {
        _ if wing.more > 0 => "others, not drawn",
        (View::Phone, true) => "no room here",
        (View::Phone, false) => "no Pod here",
        (_, true) => "no room in this wing",
        (_, false) => "no Pod on this Node",
    };
    let x = place.x + m.wing / 2;
    let y = m.sill - m.window.1 / 2 + 3;
    let w = measure::width(words, 105, Face::Sans).min(m.wing - 16);
    html! {
        <g aria-hidden="true">
            { hotel.then(|| rect("nolab", Rect::new(x - w / 2 - 6, y - 15, w + 12, 22), 11)) }
            { text("tsm ink2 am", x, y, words) }
        </g>
    }
}

/// Upper edge of a door.
fn door_top(m: &Metrics) -> i32 {
    let free = m.street.0 - m.counter.1;
    m.counter.1 + if free > 80 { 27 } else { 11 }
}

fn arch(x: i32, ground: i32, spring: i32, r: i32) -> String {
    format!(
        "M{} {ground}V{spring}a{r} {r} 0 0 1 {} 0V{ground}z",
        x - r,
        2 * r
    )
}

fn door(props: &Props, place: &WingPlace) -> Html {
    let m = props.layout.metrics;
    let hotel = props.skin == Skin::Hotel;
    let Some(desk) = props.layout.open.and_then(|i| props.scene.desks.get(i)) else {
        return no_door(m, place, hotel);
    };
    if desk.doors.is_empty() {
        return no_door(m, place, hotel);
    }
    let (x, r, ground) = (m.door_x(place.x), m.door, m.street.0);
    let spring = door_top(m) + r;
    let leaf = if !hotel {
        let used = either(props.door_used, "k-door used", "k-door");
        path(used, arch(x, ground - 8, spring - 1, r + 4))
    } else if props.door_used {
        let slant = format!("a{r} {r} 0 0 1 8 -{}", r * 3 / 4);
        let ajar = format!("M{} {ground}V{spring}{slant}V{}z", x - r, ground - 7);
        html! {
            <>
                { path("f-trim", arch(x, ground, spring - 1, r + 5)) }
                { path("f-open", arch(x, ground, spring, r)) }
                { path("f-door", ajar) }
            </>
        }
    } else {
        let knob = ground - (ground - door_top(m)) * 39 / 100;
        html! {
            <>
                { path("f-trim", arch(x, ground, spring - 1, r + 5)) }
                { path("f-door", arch(x, ground, spring, r)) }
                { path("s-door", format!("M{x} {}V{ground}", spring - r + 1)) }
                { dot("f-brass", Point::new(x - 4, knob), "1.8") }
                { dot("f-brass", Point::new(x + 4, knob), "1.8") }
            </>
        }
    };
    let step = (hotel && m.view == View::Desk)
        .then(|| rect("f-trim", Rect::new(x - r - 9, ground - 5, 2 * r + 18, 5), 1));
    let ports: Vec<String> = desk.doors.iter().map(|d| d.port.to_string()).collect();
    let node = props.scene.wings.get(props.index);
    let node = node.map_or("", |wing| wing.node.name.as_str());
    let label = format!(
        "Side door {} of wing {node}: nodePort of {}",
        ports.join(", "),
        desk.service.name
    );
    Control {
        thing: Thing::Door(props.index),
        label: &label,
        outline: Rect::new(
            x - r - 5,
            spring - r - 5,
            2 * r + 10,
            ground - spring + r + 5,
        ),
        mark: Mark {
            lit: props.lit.objects.contains(&desk.service),
            pinned: false,
        },
        first: false,
    }
    .draw(html! { <>{ leaf }{ step }{ numbers(m, place, &ports, hotel) }</> })
}

/// The number plates beside a door: up to three lines.
fn numbers(m: &Metrics, place: &WingPlace, ports: &[String], hotel: bool) -> Html {
    let most = if m.view == View::Desk { 3 } else { 1 };
    let mut shown: Vec<String> = ports.iter().take(most).cloned().collect();
    if ports.len() > most
        && let Some(last) = shown.last_mut()
    {
        *last = format!("{last} +{}", ports.len() - most);
    }
    let (x, spring) = (m.door_x(place.x), door_top(m) + m.door);
    let (plate, class) = match m.view {
        View::Desk => (Rect::new(x - 85, spring - 4, 50, 18), "mono b plateT am"),
        View::Phone => (
            Rect::new(place.x + 4, spring - 13, 38, 16),
            "monosm b plateT am",
        ),
        View::Embed => (Rect::new(x - 78, spring - 10, 50, 18), "mono b plateT am"),
    };
    let rise = 10 * (shown.len() as i32 - 1);
    let below = plate.y - rise + 20 * shown.len() as i32;
    let lines = shown.iter().enumerate().map(|(i, port)| {
        let wide = (measure::width(port, 105, Face::Mono) + 5 - plate.w).max(0);
        // On a phone there is room towards the door only.
        let left = if m.view == View::Phone { 2 } else { wide };
        let plate = Rect::new(
            plate.x - left,
            plate.y - rise + 20 * i as i32,
            plate.w + wide,
            plate.h,
        );
        let base = plate.y + plate.h - 5;
        if hotel {
            html! { <>{ rect("plate", plate, 3) }{ text(class, plate.middle(), base, port.clone()) }</> }
        } else if m.view == View::Desk {
            text("mono b ink ae", x - 37, base, port.clone())
        } else {
            text("monosm b ink am", plate.middle(), base, port.clone())
        }
    });
    let word = (m.view == View::Desk).then(|| {
        if hotel {
            text("tsm onwall am", plate.middle(), below + 11, "side door")
        } else {
            text("tsm ink2 ae", x - 37, below + 8, "nodePort")
        }
    });
    html! { <>{ for lines }{ word }</> }
}

/// A walled-up door: the open Service has no node port.
fn no_door(m: &Metrics, place: &WingPlace, hotel: bool) -> Html {
    let (x, r) = (m.door_x(place.x), m.door);
    let spring = door_top(m) + r;
    let ground = m.street.0 - if hotel { 9 } else { 8 };
    let class = if hotel { "f-blank" } else { "ghost" };
    let word = (m.view == View::Desk).then(|| {
        if hotel {
            text("tsm onwall ae", x - 37, spring + 9, "no side door")
        } else {
            text("tsm ink2 ae", x - 37, spring + 9, "no nodePort")
        }
    });
    html! {
        <g aria-hidden="true">
            { path(class, arch(x, ground, spring, r)) }
            { word }
        </g>
    }
}
