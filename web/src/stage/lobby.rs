//! The first column: what belongs to the whole cluster.
//!
//! The directory (cluster DNS), the other Services' plates, the open Service's list, and the main
//! entrance (its load balancer). What is missing is a ghost with its reason in words.

use std::rc::Rc;

use lobby_engine::lab::{Desk, DeskType, Entrance, ListEntry, Scene};
use yew::prelude::*;

use super::Skin;
use super::control::{Control, Lit};
use super::draw::{dot, either, path, rect, text};
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
                { directory(m, wall, scene, hotel, props.asked) }
            </g>
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

fn directory(m: &Metrics, wall: Rect, scene: &Scene, hotel: bool, asked: bool) -> Html {
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
    let card = Rect::new(wall.x + 18, wall.y + 14, wall.w - 36, 68);
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
    let more = others.len().saturating_sub(PLATES);
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
            first: row == 0,
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
    let x = frame.x + 8;
    let room = frame.w - 14;
    let ready = desk.list.iter().filter(|entry| entry.in_).count();
    let missing = desk.missing.as_ref().filter(|_| ready == 0);
    let head = match (hotel, missing) {
        (_, None) if desk.type_ == DeskType::ExternalName => "Forwarding card".to_owned(),
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
        None if desk.type_ == DeskType::ExternalName => html! {
            <>
                { text("tsm ink", x, frame.y + 29, "only the name changes") }
                { text("tsm ink2", x, frame.y + 43, "no address, no rules") }
            </>
        },
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
            text("tsm b guestc ae", frame.right() - 6, y, "drawn")
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
                { text(class, x + 13, y, address) }
                { word }
            </>
        }
    });
    html! { <>{ for lines }{ rest }</> }
}

/// What the main entrance says.
struct Sign {
    hotel: [String; 2],
    cluster: [String; 2],
    built: bool,
    pending: bool,
}

fn sign(props: &Props) -> Sign {
    let desk = props.layout.open.and_then(|i| props.scene.desks.get(i));
    let Some(desk) = desk else {
        return Sign {
            hotel: ["Main entrance".into(), "no desk is open".into()],
            cluster: ["LoadBalancer".into(), "no Service is open".into()],
            built: false,
            pending: false,
        };
    };
    match &desk.entrance {
        Entrance::None => Sign {
            hotel: [
                "Main entrance".into(),
                format!("not built: {}", desk.type_.as_str()),
            ],
            cluster: [
                "LoadBalancer".into(),
                format!("none: type {}", desk.type_.as_str()),
            ],
            built: false,
            pending: false,
        },
        Entrance::Pending => Sign {
            hotel: ["Building site".into(), "address <pending>".into()],
            cluster: ["LoadBalancer".into(), "EXTERNAL-IP <pending>".into()],
            built: false,
            pending: true,
        },
        Entrance::Built { addresses } => {
            let mut line = addresses.first().cloned().unwrap_or_default();
            if addresses.len() > 1 {
                line += &format!(" +{}", addresses.len() - 1);
            }
            Sign {
                hotel: ["Main entrance".into(), line.clone()],
                cluster: ["LoadBalancer".into(), line],
                built: true,
                pending: false,
            }
        }
    }
}

fn entrance(props: &Props, wall: Rect) -> Html {
    let m = props.layout.metrics;
    let hotel = props.skin == Skin::Hotel;
    let desk_view = m.view == View::Desk;
    let sign = sign(props);
    let (x, ground) = (wall.middle(), m.street.0);
    let half = either(desk_view, 59, 42);
    let eaves = ground - either(desk_view, 56, 28);
    let roof = eaves - either(desk_view, 22, 14);
    let posts = format!(
        "M{} {ground}V{eaves}H{}V{ground}M{x} {eaves}V{ground}",
        x - half,
        x + half
    );
    let canopy = format!(
        "M{} {eaves}L{} {roof}H{}L{} {eaves}z",
        x - half - 10,
        x - half + 6,
        x + half - 6,
        x + half + 10
    );
    let drawing = if sign.built {
        let door = either(props.entrance_used, "f-open", "f-door");
        let leaves = Rect::new(x - half + 6, eaves + 36, 2 * half - 12, ground - eaves - 36);
        html! {
            <>
                { (hotel && leaves.h > 0).then(|| rect(door, leaves, 2)) }
                { path(either(hotel, "post", "k-post"), posts) }
                { path(either(hotel, "canopy", "k-canopy"), canopy) }
            </>
        }
    } else {
        let barrier = (hotel || sign.pending).then(|| barrier(x, ground, half + 6));
        let class = either(sign.pending, "ghost site", "ghost");
        // A scaffold goes up only where somebody was asked to build.
        let scaffold = sign.pending.then(|| {
            let (l, r) = (x - half, x + half);
            path(
                "scaffold",
                format!(
                    "M{l} {ground}L{x} {eaves}L{r} {ground}M{l} {eaves}L{x} {ground}L{r} {eaves}"
                ),
            )
        });
        html! {
            <>
                { scaffold }
                { path(class, posts) }
                <path {class} fill="url(#stage-hatch)" d={canopy} />
                { barrier }
            </>
        }
    };
    let words = either(hotel, &sign.hotel, &sign.cluster);
    let line = |text: &str| measure::fit(text, 105, Face::Sans, wall.w - 18);
    let words = if desk_view {
        let class = either(sign.built, "ghostlab built", "ghostlab");
        let mono = either(sign.built, "monosm b ink am", "tsm ghostt am");
        html! {
            <>
                { rect(class, Rect::new(x - 58, eaves + 4, 116, 32), 4) }
                { text("t ghostt am", x, eaves + 17, words[0].clone()) }
                { text(mono, x, eaves + 30, line(&words[1])) }
            </>
        }
    } else {
        html! {
            <>
                { text("tsm ink am", x, ground + 14, words[0].clone()) }
                { text("tsm ink am", x, ground + 27, line(&words[1])) }
            </>
        }
    };
    let label = format!(
        "{}: {}, {}",
        sign.hotel[0], sign.cluster[0], sign.cluster[1]
    );
    let outline = Rect::new(x - half - 10, roof - 2, 2 * half + 20, ground - roof + 4);
    let inside = html! { <>{ drawing }{ words }</> };
    match props.layout.open.and_then(|i| props.scene.desks.get(i)) {
        Some(desk) => Control {
            thing: Thing::Entrance,
            label: &label,
            outline,
            mark: props.lit.mark(&desk.service, ""),
            first: others(&props.scene, props.layout.open).is_empty() || !desk_view,
        }
        .draw(inside),
        None => html! { <g aria-hidden="true">{ inside }</g> },
    }
}

fn barrier(x: i32, ground: i32, half: i32) -> Html {
    let stripes: String = (0..)
        .map(|i| x - half + 4 + 18 * i)
        .take_while(|left| left + 7 < x + half)
        .map(|left| format!("M{left} {}l7 -9", ground - 11))
        .collect();
    let legs = format!(
        "M{0} {1}V{2}M{3} {1}V{2}",
        x - half + 10,
        ground - 11,
        ground + 3,
        x + half - 10
    );
    html! {
        <>
            { path("barleg", legs) }
            { rect("barrier", Rect::new(x - half, ground - 20, 2 * half, 9), 2) }
            { path("barst", stripes) }
        </>
    }
}

/// On a phone the entrance is a small sign on the pavement, and its words are below it.
fn small_entrance(props: &Props) -> Html {
    let m = props.layout.metrics;
    let hotel = props.skin == Skin::Hotel;
    let sign = sign(props);
    let y = m.street.0 + 4;
    let roof = format!("M14 {}L22 {y}H50L58 {}z", y + 10, y + 10);
    let posts = format!("M19 {0}v17M53 {0}v17M36 {0}v17", y + 10);
    let (canopy, post) = if sign.built {
        either(hotel, ("canopy", "post"), ("k-canopy", "k-post"))
    } else {
        ("ghost", "ghost")
    };
    let words = either(hotel, &sign.hotel, &sign.cluster);
    let line = match (sign.built || sign.pending, hotel) {
        (true, _) => format!("{}: {}", words[0], words[1]),
        (false, true) => format!("no main entrance, {}", words[1]),
        (false, false) => format!("LoadBalancer: {}", words[1]),
    };
    let line = measure::fit(&line, 105, Face::Sans, m.width - 20);
    let fill = (!sign.built).then_some("url(#stage-hatch)");
    html! {
        <g aria-hidden="true">
            <path class={canopy} {fill} d={roof} />
            { path(post, posts) }
            { text("tsm ink", 10, m.height - 4, line) }
        </g>
    }
}
