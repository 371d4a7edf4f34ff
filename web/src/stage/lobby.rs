//! The first column: what belongs to the whole cluster.
//!
//! The directory (cluster DNS), the other Services' plates, the open Service's list, and the main
//! entrance (its load balancer). What is missing is a ghost with its reason in words.

use std::rc::Rc;

use lobby_engine::lab::{Desk, DeskType, Forward, ForwardTo, ListEntry, Scene};
use yew::prelude::*;

use super::Skin;
use super::control::{Control, Lit};
use super::draw::{dot, either, path, rect, text};
use super::entrance::{entrance, small_entrance};
use super::geometry::{Point, Rect};
use super::layout::{Layout, Thing};
use super::metrics::{Metrics, View};
use super::shapes::{hotel_word, shape};
use super::text::{self as measure, Face};

/// How many other Services have a plate on the wall.
pub(super) const PLATES: usize = 3;

/// What the column is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// The scene.
    pub(super) scene: Rc<Scene>,
    /// Where things stand.
    pub(super) layout: Rc<Layout>,
    /// How it looks.
    pub(super) skin: Skin,
    /// What is highlighted.
    pub(super) lit: Rc<Lit>,
    /// The address in the list that the packet was sent to.
    pub(super) drawn: Option<AttrValue>,
    /// Whether the packet came in by the main entrance.
    pub(super) entrance_used: bool,
    /// Whether the directory is asked at this moment.
    pub(super) asked: bool,
}

/// The first column.
#[component]
pub(super) fn Lobby(props: &Props) -> Html {
    let Props {
        scene,
        layout,
        skin,
        ..
    } = props;
    let m = layout.metrics;
    let hotel = *skin == Skin::Hotel;
    let Some(wall) = layout.lobby() else {
        return html! { <g data-group="">{ small_entrance(props) }</g> };
    };
    html! {
        <g class="lobby" data-group="">
            <g aria-hidden="true">
                { either(hotel, front(m, wall, scene), cluster_box(m, wall, scene)) }
            </g>
            { directory(props, wall) }
            { (m.view == View::Desk).then(|| plates(props, wall)) }
            { (m.view == View::Desk).then(|| waiting(props, wall)) }
            { (m.view == View::Desk).then(|| board(props, wall)) }
            { entrance(props, wall) }
        </g>
    }
}

fn front(m: &Metrics, wall: Rect, scene: &Scene) -> Html {
    let Rect { x, y: top, w, h } = wall;
    let middle = wall.middle();
    let roof = top - m.roof - either(m.view == View::Desk, 14, 2);
    let name = format!("cluster “{}”", scene.cluster);
    let desk = (m.view == View::Desk).then(|| {
        html! {
            <>
                { path("s-pole", format!("M{middle} {roof}v-11")) }
                { path("flag", format!("M{} {}l15 3.500l-15 3.500z", middle + 1, roof - 11)) }
                { text("t onroof am", middle, top - 16, measure::fit(&name, 110, Face::Sans, 128)) }
            </>
        }
    });
    let sign = top - either(m.view == View::Desk, 34, 13);
    let corridor = m.corridor.1 - m.corridor.0;
    html! {
        <>
            { path("f-roof2", format!("M{} {top}L{} {roof}H{}L{} {top}z", x - 4, x + 18, x + w - 18, x + w + 4)) }
            { rect("f-wall", wall, 0) }
            { rect("f-wall2", Rect::new(x + w - 5, top, 5, h), 0) }
            { rect("f-trim", Rect::new(x - 4, top - 3, w + 8, 6), 0) }
            { desk }
            { text("sign am", middle, sign, "HOTEL") }
            { rect("f-inside2", Rect::new(x, m.corridor.0, w + 6, corridor), 0) }
            { rect("f-inside", Rect::new(x + 6, m.hall, w - 12, m.counter.1 - m.hall), 4) }
        </>
    }
}

fn cluster_box(m: &Metrics, wall: Rect, scene: &Scene) -> Html {
    let top = wall.y - 30;
    let name = format!("cluster “{}”", scene.cluster);
    html! {
        <>
            { rect("k-cluster", Rect::new(wall.x, top, wall.w, m.counter.1 - top), 8) }
            { text("tb ink", wall.x + 12, wall.y - 11, measure::fit(&name, 120, Face::Bold, wall.w - 20)) }
        </>
    }
}

fn directory(props: &Props, wall: Rect) -> Html {
    let Props { scene, layout, .. } = props;
    let m = layout.metrics;
    let hotel = props.skin == Skin::Hotel;
    let card = match m.view {
        View::Embed => Rect::new(wall.x + 4, wall.y + 6, wall.w - 8, 38),
        _ => Rect::new(wall.x + 18, wall.y + 14, wall.w - 36, 68),
    };
    let inside = directory_card(m, wall, card, scene, hotel, props.asked);
    let Some(directory) = &scene.directory else {
        return html! { <g aria-hidden="true">{ inside }</g> };
    };
    let label = format!(
        "Directory: cluster DNS, Service {} in {}, {}",
        directory.service.name, directory.service.namespace, directory.address
    );
    Control {
        thing: Thing::Directory,
        label: &label,
        outline: card,
        mark: props.lit.mark(&directory.service, ""),
        first: true,
    }
    .draw(inside)
}

fn directory_card(
    m: &Metrics,
    wall: Rect,
    card: Rect,
    scene: &Scene,
    hotel: bool,
    asked: bool,
) -> Html {
    let middle = wall.middle();
    let name = either(hotel, "Directory", "Cluster DNS");
    if m.view == View::Embed {
        let address = scene.directory.as_ref().map_or("none", |d| &d.address);
        let (class, mono) = either(
            hotel,
            ("tb onwall am", "mono onwall am"),
            ("tb ink am", "mono ink2 am"),
        );
        return html! {
            <>
                { text(class, middle, wall.y + 22, name) }
                { text(mono, middle, wall.y + 38, measure::fit(address, 110, Face::Mono, wall.w - 8)) }
            </>
        };
    }
    let Some(directory) = &scene.directory else {
        return html! {
            <>
                { rect("ghost", card, 5) }
                { text("tb onwall am", middle, card.y + 28, name) }
                { text("tsm onwall am", middle, card.y + 44, "no cluster DNS") }
            </>
        };
    };
    let board = either(
        hotel,
        html! { <>{ rect("f-trim", card, 5) }{ rect("f-inside", card.grown(-5), 3) }</> },
        rect("k-box", card, 6),
    );
    let address = measure::fit(&directory.address, 110, Face::Mono, card.w - 8);
    html! {
        <>
            { board }
            { asked.then(|| rect("s-asked", card, 5)) }
            { text("tb ink am", middle, card.y + 24, name) }
            { text("t ink2 am", middle, card.y + 40, "CoreDNS") }
            { text("mono ink2 am", middle, card.y + 56, address) }
        </>
    }
}

/// The other Services, those of a person's own first.
pub(super) fn others(scene: &Scene, open: Option<usize>) -> Vec<usize> {
    let mut others: Vec<usize> = (0..scene.desks.len())
        .filter(|i| Some(*i) != open)
        .collect();
    others.sort_by_key(|&i| scene.desks[i].of_the_cluster);
    others
}

/// What a Service's plate says to a screen reader and a tooltip.
pub(super) fn desk_name(desk: &Desk) -> String {
    let address = match (desk.type_, desk.address.as_str()) {
        (DeskType::Headless, _) => "no address, a room list".to_owned(),
        (DeskType::ExternalName, _) => "no address, only a name".to_owned(),
        (_, "") => "no address".to_owned(),
        (_, address) => address.to_owned(),
    };
    format!(
        "Desk {}: Service in {}, {} ({}), {address}",
        desk.service.name,
        desk.service.namespace,
        desk.type_.as_str(),
        hotel_word(desk.type_)
    )
}

fn plates(props: &Props, wall: Rect) -> Html {
    let hotel = props.skin == Skin::Hotel;
    let others = others(&props.scene, props.layout.open);
    if others.is_empty() {
        return Html::default();
    }
    let (x, y) = (wall.x + 18, wall.y + 88);
    let more = others.len().saturating_sub(PLATES) + props.scene.left_out.desks;
    let head = match (hotel, more) {
        (true, 0) => "Other desks".to_owned(),
        (true, n) => format!("Other desks, and {n} more"),
        (false, 0) => "Other Services".to_owned(),
        (false, n) => format!("Services, and {n} more"),
    };
    let class = either(hotel, "tsm onwall", "tsm ink2");
    let rows = others.into_iter().take(PLATES).enumerate().map(|(row, i)| {
        let desk = &props.scene.desks[i];
        let plate = Rect::new(x, y + 16 + 19 * row as i32, wall.w - 36, 17);
        let name = measure::fit(&desk.service.name, 105, Face::Bold, plate.w - 28);
        let text_class = either(hotel, "tsm b onbrass", "tsm b ink");
        Control {
            thing: Thing::Desk(i),
            label: &desk_name(desk),
            outline: plate,
            mark: props.lit.mark(&desk.service, &desk.address),
            first: row == 0 && props.scene.directory.is_none(),
        }
        .draw(html! {
            <>
                { rect(either(hotel, "brassp", "k-box"), plate, 3) }
                <g class={either(hotel, "on-brass", "")}>{ shape(desk.type_, plate.x + 5, plate.y + 2, 13) }</g>
                { text(text_class, plate.x + 23, plate.y + 12, name) }
            </>
        })
    });
    html! { <>{ text(class, x, y + 10, head) }{ for rows }</> }
}

/// Pods that no Node has taken yet.
fn waiting(props: &Props, wall: Rect) -> Html {
    let words = match (props.layout.waiting.len(), props.skin) {
        (0, _) => return Html::default(),
        (1, Skin::Hotel) => "1 room waits for a wing".to_owned(),
        (n, Skin::Hotel) => format!("{n} rooms wait for a wing"),
        (1, Skin::Cluster) => "1 Pod is not scheduled".to_owned(),
        (n, Skin::Cluster) => format!("{n} Pods not scheduled"),
    };
    let note = Rect::new(wall.x + 10, wall.y + 162, wall.w - 25, 16);
    html! {
        <g aria-hidden="true">
            { rect("ghost", note, 3) }
            { text("tsm onwall am", note.middle(), note.y + 12, measure::fit(&words, 105, Face::Sans, note.w - 4)) }
        </g>
    }
}

/// The open Service's list of rooms.
fn board(props: &Props, wall: Rect) -> Html {
    let m = props.layout.metrics;
    let hotel = props.skin == Skin::Hotel;
    let desk = props.layout.open.and_then(|i| props.scene.desks.get(i));
    let Some(desk) = desk else {
        return Html::default();
    };
    let frame = Rect::new(wall.x + 14, m.hall + 5, wall.w - 28, 60);
    if let Some(forward) = &desk.forward {
        return forwarding(forward, frame, hotel);
    }
    let x = frame.x + 8;
    let room = frame.w - 14;
    let ready = desk.list.iter().filter(|entry| entry.in_).count();
    let missing = desk.missing.as_ref().filter(|_| ready == 0);
    let head = match (hotel, missing) {
        (true, None) if desk.type_ == DeskType::Headless => {
            format!("Room list: {ready} of {}", desk.list.len())
        }
        (true, None) => format!("Made up: {ready} of {}", desk.list.len()),
        (false, None) => format!("Endpoints: {ready} of {}", desk.list.len()),
        (true, Some(_)) => "Made up: no room".to_owned(),
        (false, Some(_)) => "Endpoints: none".to_owned(),
    };
    let lines = match missing {
        Some(words) => {
            let why = either(hotel, &words.hotel, &words.cluster).text();
            let lines = measure::wrap(&why, 105, Face::Sans, room, 3);
            let lines = lines.into_iter().enumerate();
            lines
                .map(|(i, line)| text("tsm ink", x, frame.y + 27 + 13 * i as i32, line))
                .collect::<Html>()
        }
        None if desk.list.is_empty() => text("tsm ink2", x, frame.y + 29, "nobody is listed"),
        None => rows(&desk.list, props.drawn.as_deref(), x, frame),
    };
    let box_ = match (hotel, missing.is_some()) {
        (true, bad) => {
            let class = either(bad, "board empty", "board");
            rect(class, Rect::new(frame.x, frame.y + 1, frame.w, 58), 3)
        }
        (false, bad) => rect(either(bad, "k-box empty", "k-box"), frame, 5),
    };
    let hatch = missing.map(|_| {
        html! { <rect class="hatched" fill="url(#stage-hatch)" x={frame.x.to_string()} y={(frame.y + 1).to_string()}
            width={frame.w.to_string()} height="17" /> }
    });
    let class = either(missing.is_some(), "tsm b badc", "tsm b ink");
    html! {
        <g aria-hidden="true">
            { box_ }
            { hatch }
            { text(class, x, frame.y + 14, measure::fit(&head, 105, Face::Bold, room + 4)) }
            { lines }
        </g>
    }
}

/// The forwarding card: a tag with a point, and the name on it.
fn forwarding(forward: &Forward, frame: Rect, hotel: bool) -> Html {
    let Rect { x, y, .. } = frame;
    let (right, middle, bottom) = (frame.right(), y + frame.h / 2, frame.bottom());
    let tag = format!(
        "M{x} {y}H{}L{} {middle}L{} {bottom}H{x}z",
        right - 14,
        right + 4,
        right - 14
    );
    let (head, foot) = match &forward.to {
        ForwardTo::House { .. } => ("ask elsewhere for", "only the name changes"),
        ForwardTo::Inside => ("ask here for", "a name of this house"),
        ForwardTo::Nobody => ("ask elsewhere for", "nobody has this name"),
    };
    let head = either(hotel, head, "externalName");
    let nobody = matches!(forward.to, ForwardTo::Nobody);
    let name = measure::fit(&forward.name, 105, Face::Mono, frame.w - 16);
    html! {
        <g aria-hidden="true">
            { path(either(hotel, "board", "k-box"), tag) }
            { dot("doto", Point::new(right - 5, middle), "2.5") }
            { text("tsm ink2", x + 8, y + 16, head) }
            { text("monosm b ink", x + 8, y + 33, name) }
            { text(either(nobody, "tsm b badc", "tsm ink2"), x + 8, y + 50, foot) }
        </g>
    }
}

/// Up to three lines of the list; the drawn one is always among them.
fn rows(list: &[ListEntry], drawn: Option<&str>, x: i32, frame: Rect) -> Html {
    let most = if list.len() > 3 { 2 } else { 3 };
    let mut shown: Vec<&ListEntry> = list.iter().take(most).collect();
    let chosen = list.iter().skip(most);
    let chosen = chosen.clone().find(|e| drawn == Some(e.address.as_str()));
    if let (Some(chosen), Some(last)) = (chosen, shown.last_mut()) {
        *last = chosen;
    }
    let more = list.len() - shown.len();
    let base = |row: usize| frame.y + 29 + 13 * row as i32;
    let rest = (more > 0).then(|| {
        let line = format!("and {more} more");
        text("tsm ink2", x + 13, base(shown.len()), line)
    });
    let lines = shown.iter().enumerate().map(|(i, entry)| {
        let y = base(i);
        let word = if drawn == Some(entry.address.as_str()) {
            text("tsm b guestc ae", frame.right() - 4, y, "drawn")
        } else if !entry.in_ {
            text("tsm ink3 ae", frame.right() - 6, y, "out")
        } else {
            Html::default()
        };
        let (light, class) = either(entry.in_, ("dotr", "monosm ink"), ("doto", "monosm ink3"));
        let address = measure::fit_end(&entry.address, 105, Face::Mono, 76);
        html! {
            <>
                { dot(light, Point::new(x + 4, y - 4), "3.4") }
                { text(class, x + 11, y, address) }
                { word }
            </>
        }
    });
    html! { <>{ for lines }{ rest }</> }
}
