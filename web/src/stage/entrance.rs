//! The main entrance: the open Service's load balancer.
//!
//! A building site while it is asked for and not there, with who builds it; a ghost where nobody
//! asked for one, with the reason; else a canopy, a doorman and its address.

use lobby_engine::lab::Entrance;
use yew::prelude::*;

use super::Skin;
use super::control::Control;
use super::draw::{at, either, path, rect, text};
use super::geometry::{Point, Rect};
use super::layout::Thing;
use super::lobby::{Props, others};
use super::metrics::View;
use super::text::{self as measure, Face};

/// What the main entrance says.
struct Sign {
    hotel: [String; 2],
    cluster: [String; 2],
    built: bool,
    pending: bool,
    /// Who built it or does, and what stands there, for who asks.
    more: String,
}

fn sign(props: &Props) -> Sign {
    let desk = props.layout.open.and_then(|i| props.scene.desks.get(i));
    let Some(desk) = desk else {
        return Sign {
            hotel: ["Main entrance".into(), "no desk is open".into()],
            cluster: ["LoadBalancer".into(), "no Service is open".into()],
            built: false,
            pending: false,
            more: String::new(),
        };
    };
    match &desk.entrance {
        Entrance::None => {
            let type_ = desk.type_.as_str();
            // A long type is said by the plate already.
            let short = type_.len() <= "LoadBalancer".len();
            Sign {
                hotel: [
                    "Main entrance".into(),
                    either(short, format!("not built: {type_}"), "not built".into()),
                ],
                cluster: [
                    "LoadBalancer".into(),
                    either(
                        short,
                        format!("none: type {type_}"),
                        format!("none: {type_}"),
                    ),
                ],
                built: false,
                pending: false,
                more: String::new(),
            }
        }
        Entrance::Pending { by, why } => {
            let nobody = by.is_empty();
            Sign {
                hotel: [
                    either(nobody, "Building site".into(), format!("{by} is building")),
                    "address <pending>".into(),
                ],
                cluster: [
                    either(nobody, "no provider".into(), format!("{by} provisions")),
                    "EXTERNAL-IP <pending>".into(),
                ],
                built: false,
                pending: true,
                more: format!(". {}", why.cluster.text()),
            }
        }
        Entrance::Built {
            addresses,
            by,
            doorman,
        } => {
            let mut line = addresses.first().cloned().unwrap_or_default();
            if addresses.len() > 1 {
                line += &format!(" +{}", addresses.len() - 1);
            }
            let whose = |word: &str| match by.as_str() {
                "" => word.to_owned(),
                by => format!("{word} ({by})"),
            };
            Sign {
                hotel: [whose("Main entrance"), line.clone()],
                cluster: [whose("LoadBalancer"), line],
                built: true,
                pending: false,
                more: format!(". {}", doorman.cluster.text()),
            }
        }
    }
}

pub(super) fn entrance(props: &Props, wall: Rect) -> Html {
    let m = props.layout.metrics;
    let hotel = props.skin == Skin::Hotel;
    let desk_view = m.view == View::Desk;
    let sign = sign(props);
    let (x, ground) = (wall.middle(), m.street.0);
    let half = either(desk_view, 59, 42);
    // A built entrance has its sign above the canopy, so that the door and its keeper are seen.
    let (eaves, roof) = match (desk_view, sign.built) {
        (true, true) => (ground - 48, ground - 66),
        (true, false) => (ground - 56, ground - 78),
        (false, _) => (ground - 28, ground - 42),
    };
    let middle = either(sign.built, String::new(), format!("M{x} {eaves}V{ground}"));
    let posts = format!(
        "M{} {ground}V{eaves}H{}V{ground}{middle}",
        x - half,
        x + half,
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
        let tall = ground - eaves - either(desk_view, 8, 6);
        let leaves = Rect::new(x - 24, ground - tall, 48, tall);
        let split = format!("M{x} {}V{ground}", leaves.y + 2);
        html! {
            <>
                { hotel.then(|| html! { <>{ rect("f-trim", leaves.grown(3), 2) }{ rect(door, leaves, 2) }{ path("s-door", split) }</> }) }
                { path(either(hotel, "post", "k-post"), posts) }
                { path(either(hotel, "canopy", "k-canopy"), canopy) }
                { (hotel && desk_view).then(|| scallops(x, eaves, half)) }
                { hotel.then(|| at(Point::new(x + half - either(desk_view, 15, 10), ground), doorman(desk_view))) }
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
    // An address is as wide as a machine prints it; a long name keeps its beginning.
    let face = either(sign.built, Face::Mono, Face::Sans);
    let line = |text: &str| measure::fit(text, 105, face, either(desk_view, 116, wall.w - 8));
    let words = if desk_view {
        let class = either(sign.built, "ghostlab built", "ghostlab");
        let above = either(sign.built, roof - 33, eaves + 4);
        let mono = either(sign.built, "monosm b ink am", "tsm ghostt am");
        html! {
            <>
                { rect(class, Rect::new(x - 60, above, 120, 31), 4) }
                { text("tsm ghostt am", x, above + 12, measure::fit(&words[0], 105, Face::Bold, 114)) }
                { text(mono, x, above + 26, line(&words[1])) }
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
        "{}: {}, {}{}",
        sign.hotel[0], sign.cluster[0], sign.cluster[1], sign.more
    );
    let top = roof - either(desk_view && sign.built, 35, 2);
    let outline = Rect::new(x - half - 10, top, 2 * half + 20, ground - top + 2);
    let inside = html! { <>{ drawing }{ words }</> };
    match props.layout.open.and_then(|i| props.scene.desks.get(i)) {
        Some(desk) => Control {
            thing: Thing::Entrance,
            label: &label,
            outline,
            mark: props.lit.mark(&desk.service, ""),
            // The group's tab stop is its first thing: the directory, a plate, or this.
            first: props.scene.directory.is_none()
                && (others(&props.scene, props.layout.open).is_empty() || !desk_view),
        }
        .draw(inside),
        None => html! { <g aria-hidden="true">{ inside }</g> },
    }
}

/// The edge of the canopy.
fn scallops(x: i32, eaves: i32, half: i32) -> Html {
    let wide = (2 * half + 20) / 8;
    let edge: String = (0..8)
        .map(|i| {
            format!(
                "M{} {eaves}a{} 5 0 0 0 {wide} 0z",
                x - half - 10 + i * wide,
                wide / 2
            )
        })
        .collect();
    path("canopy", edge)
}

/// Who stands at the door.
fn doorman(large: bool) -> Html {
    let size = either(large, "scale(.8)", "scale(.5)");
    html! {
        <g transform={size}>
            { path("dm-coat", "M-10 0c0-16 2-28 10-28s10 12 10 28z") }
            { path("dm-trim", "M0 -26V-2M-7 -25l-4 8M7 -25l4 8") }
            <circle class="g-head" cx="0" cy="-35" r="6.500" />
            { path("dm-hat", "M-8 -38h16M-6 -39v-7h12v7z") }
        </g>
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
pub(super) fn small_entrance(props: &Props) -> Html {
    let m = props.layout.metrics;
    let hotel = props.skin == Skin::Hotel;
    let sign = sign(props);
    let y = m.street.0 + 4;
    let roof = format!("M6 {}L14 {y}H40L48 {}z", y + 10, y + 10);
    let posts = format!("M11 {0}v17M43 {0}v17M27 {0}v17", y + 10);
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
