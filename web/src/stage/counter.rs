//! The counter: one desk through all wings, and each wing's own sheet of instructions.
//!
//! There is no desk to walk to in a cluster; what there is are the rules that kube-proxy wrote on
//! each Node. So the plate stands once and the sheets stand once a wing.

use std::rc::Rc;

use lobby_engine::lab::{DeskType, Scene};
use yew::prelude::*;

use super::Skin;
use super::control::{Control, Lit};
use super::draw::{at, either, path, rect, text};
use super::geometry::{Point, Rect};
use super::layout::{Layout, Thing};
use super::lobby::desk_name;
use super::metrics::{GAP, View};
use super::shapes::shape;
use super::text::{self as measure, Face};

/// What the counter is drawn from.
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
    /// How many rules of each wing the packet has met so far; `None` where it was not looked at.
    pub(super) hits: Vec<Option<u32>>,
}

/// The counter.
#[component]
pub(super) fn Counter(props: &Props) -> Html {
    let Props {
        scene,
        layout,
        skin,
        ..
    } = props;
    let m = layout.metrics;
    let hotel = *skin == Skin::Hotel;
    let left = m.lobby.map_or(m.first_wing, |(x, _)| x);
    let right = m.wing_x(layout.wings.len() as i32) - GAP;
    let (top, bottom) = m.counter;
    let body = if hotel {
        let joints: String = layout
            .wings
            .iter()
            .skip(usize::from(m.lobby.is_none()))
            .map(|wing| format!("M{} {}V{bottom}", wing.x - 3, top + 4))
            .collect();
        html! {
            <>
                { rect("f-wood", Rect::new(left + 2, top, right - left - 4, bottom - top), 3) }
                { rect("f-wood2", Rect::new(left - 1, top - 4, right - left + 2, 7), 2) }
                { path("s-wood", joints) }
            </>
        }
    } else {
        rect(
            "k-svc",
            Rect::new(left + 6, top, right - left - 12, bottom - top - 6),
            6,
        )
    };
    html! {
        <g class="counter" data-group="">
            <g aria-hidden="true">{ body }</g>
            { plate(props, left) }
            <g aria-hidden="true">
                { for scene.wings.iter().enumerate().map(|(i, wing)| {
                    let hits = props.hits.get(i).copied().flatten();
                    sheet(layout, i, hotel, wing.rules, hits)
                }) }
            </g>
        </g>
    }
}

fn plate(props: &Props, left: i32) -> Html {
    let m = props.layout.metrics;
    let hotel = props.skin == Skin::Hotel;
    let top = m.counter.0;
    let box_ = match m.view {
        View::Desk => Rect::new(left + 10, top + 8, 118, 36),
        View::Embed => Rect::new(left + 10, top + 4, 116, 22),
        View::Phone => Rect::new(left + 8, top + 5, 252, 24),
    };
    let Some((i, desk)) = props
        .layout
        .open
        .and_then(|i| Some((i, props.scene.desks.get(i)?)))
    else {
        return html! {
            <g aria-hidden="true">
                { rect("ghost", box_, 3) }
                { text(either(hotel, "tsm onwood am", "tsm ink2 am"), box_.middle(), box_.y + box_.h / 2 + 4,
                    either(hotel, "no desk is open", "no Service is open")) }
            </g>
        };
    };
    let address = match desk.type_ {
        DeskType::Headless => "None",
        DeskType::ExternalName => "a name only",
        _ if desk.address.is_empty() => "no address",
        _ => &desk.address,
    };
    let port = desk.ports.first().map(|port| port.text.as_str());
    let port = port.and_then(|text| text.split([':', '/']).next());
    let full = match port {
        Some(port) if !address.contains([' ', ':']) && address != "None" => {
            format!("{address}:{port}")
        }
        _ => address.to_owned(),
    };
    let name = |room| measure::fit(&desk.service.name, 120, Face::Bold, room);
    let mono = |room| measure::fit(address, 110, Face::Mono, room);
    let brass = hotel.then(|| {
        let screws = Rect::new(box_.x + 5, box_.y + 5, box_.w - 10, box_.h - 10);
        let corners = [
            (screws.x, screws.y),
            (screws.right(), screws.y),
            (screws.x, screws.bottom()),
            (screws.right(), screws.bottom()),
        ];
        let screws = (m.view == View::Desk).then(|| {
            let corners = corners.iter();
            let d: String = corners.map(|(x, y)| format!("M{x} {y}h.010")).collect();
            path("screw", d)
        });
        html! { <>{ rect("brassp", box_, 3) }{ screws }</> }
    });
    let (tb, small) = either(hotel, ("onbrass", "onbrass"), ("ink", "ink2"));
    let words = match (m.view, hotel) {
        (View::Desk, true) => html! {
            <>
                { name_on_plate(&desk.service.name, box_) }
                { text("mono onbrass am", box_.middle(), box_.y + 29, mono(box_.w - 14)) }
            </>
        },
        (View::Desk, false) => html! {
            <>
                { text("tb ink", left + 16, top + 20, name(120)) }
                { text("mono ink2", left + 16, top + 35, measure::fit(&full, 110, Face::Mono, 120)) }
                { shape(desk.type_, left + 138, top + 13, 19) }
            </>
        },
        (View::Embed, _) => {
            let ready = desk.list.iter().filter(|entry| entry.in_).count();
            let line = format!("{ready} of {} ready", desk.list.len());
            let x = left + 68;
            html! {
                <>
                    { text("tb ink am", x, top - 24, name(116)) }
                    { text("tsm ink2 am", x, top - 9, line) }
                    { text(either(hotel, "mono onbrass am", "mono ink am"), x, top + 19 - either(hotel, 0, 3), mono(110)) }
                </>
            }
        }
        (View::Phone, _) => {
            let base = box_.y + either(hotel, 16, 13);
            html! {
                <>
                    { text(either(tb == "ink", "tb ink", "tb onbrass"), box_.x + 10, base, name(box_.w - 28 - measure::width(&mono(92), 105, Face::Mono))) }
                    { text(either(small == "ink2", "monosm ink2 ae", "monosm onbrass ae"), box_.right() - 10, base, mono(92)) }
                </>
            }
        }
    };
    let phone = (m.view == View::Desk && hotel).then(|| match desk.type_ {
        DeskType::ExternalName | DeskType::Headless => html! {
            <g class="on-wood">{ shape(desk.type_, left + 136, top + 14, 24) }</g>
        },
        _ => telephone(left + 147, top + 24),
    });
    Control {
        thing: Thing::Desk(i),
        label: &desk_name(desk),
        outline: box_,
        mark: props.lit.mark(&desk.service, &desk.address),
        first: true,
    }
    .draw(html! { <>{ brass }{ words }{ phone }</> })
}

/// A long name is written smaller before it is cut.
fn name_on_plate(name: &str, plate: Rect) -> Html {
    let room = plate.w - 14;
    let (class, size) = either(
        measure::width(name, 120, Face::Bold) <= room,
        ("tb onbrass am", 120),
        ("tsm b onbrass am", 105),
    );
    let name = measure::fit(name, size, Face::Bold, room);
    text(class, plate.middle(), plate.y + 15, name)
}

/// The house telephone: a cluster address is an extension.
fn telephone(x: i32, y: i32) -> Html {
    let drawing = html! {
        <>
            { path("ph-b", "M-11 13l3-13h16l3 13z") }
            { path("ph-h", "M-14 -1c0-7 5-9 14-9s14 2 14 9h-7v-3h-14v3z") }
            <circle class="ph-d" cx="0" cy="6" r="3.400" />
        </>
    };
    at(Point::new(x, y), drawing)
}

fn sheet(
    layout: &Layout,
    index: usize,
    hotel: bool,
    rules: Option<u32>,
    hits: Option<u32>,
) -> Html {
    let m = layout.metrics;
    let Some(wing) = layout.wings.get(index) else {
        return Html::default();
    };
    let hot = hits.is_some();
    let top = m.counter.0;
    if m.view != View::Desk {
        // There is no room for words, and the guest stands where a mark would be.
        return Html::default();
    }
    let count = match (hits, rules) {
        (Some(hit), Some(rules)) => format!("{hit}/{} hit", thousands(rules)),
        (Some(hit), None) => format!("{hit} hit"),
        (None, Some(1)) => "1 rule".to_owned(),
        (None, Some(rules)) => format!("{} rules", thousands(rules)),
        (None, None) => String::new(),
    };
    let count = measure::fit(&count, 105, Face::Sans, 66);
    if !hotel {
        let class = either(hot, "tsm b guestc", "tsm ink");
        return html! {
            <>
                { text("tsm ink2", wing.x + 10, top + 20, "kube-proxy") }
                { text(class, wing.x + 10, top + 35, count) }
            </>
        };
    }
    // Two short lines beside the guest, who stands where the second half of a long one would be.
    let (first, second) = match (hits, rules) {
        (Some(hit), Some(rules)) => (format!("{hit} hit"), format!("of {}", thousands(rules))),
        _ => ("sheet".to_owned(), count),
    };
    let class = either(hot, "tsm b onwood", "tsm onwood");
    let paper = html! {
        <>
            { path(either(hot, "sheet hot", "sheet"), "M0 0H22L28 6V38H0z") }
            { path(either(hot, "sheetl hot", "sheetl"), "M5 9h12M5 15h18M5 21h16M5 27h18M5 33h11") }
        </>
    };
    html! {
        <>
            { at(Point::new(wing.x + 10, top + 7), paper) }
            { text(class, wing.x + 44, top + 22, first) }
            { text("tsm onwood", wing.x + 44, top + 36, second) }
        </>
    }
}

/// From ten thousand on, in thousands.
fn thousands(count: u32) -> String {
    if count < 10_000 {
        count.to_string()
    } else {
        format!("{}k", count / 1000)
    }
}
