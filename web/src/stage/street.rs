//! The street: who can send from outside.

use std::rc::Rc;

use lobby_engine::lab::Scene;
use lobby_engine::network::ClientKind;
use yew::prelude::*;

use super::Skin;
use super::draw::{at, path, rect, text};
use super::geometry::{Point, Rect};
use super::layout::{ClientPlace, Layout};
use super::metrics::View;
use super::route;
use super::text::{self as measure, Face};

/// What the street is drawn from.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct Props {
    /// The scene.
    pub(super) scene: Rc<Scene>,
    /// Where things stand.
    pub(super) layout: Rc<Layout>,
    /// How it looks.
    pub(super) skin: Skin,
    /// Whether the packet passes the router of the Nodes' network.
    pub(super) router: bool,
}

/// The street.
#[component]
pub(super) fn Street(props: &Props) -> Html {
    let Props { scene, layout, .. } = props;
    let clients = scene.street.iter().zip(&layout.street);
    html! {
        <g class="street" aria-hidden="true">
            { props.router.then(|| router(layout)) }
            { for clients.map(|(client, place)| {
                let picture = match client.kind {
                    ClientKind::Internet => globe(place.small),
                    _ => laptop(layout.metrics.view == View::Desk),
                };
                html! {
                    <>
                        { at(place.icon, picture) }
                        { name(layout, &client.name, &client.address, *place) }
                    </>
                }
            }) }
        </g>
    }
}

fn name(layout: &Layout, name: &str, address: &str, place: ClientPlace) -> Html {
    let Point { x, y } = place.name;
    if place.small {
        return text(
            "tsm ink am",
            x,
            y + 21,
            measure::fit(name, 105, Face::Sans, 52),
        );
    }
    let (class, first, second) = match layout.metrics.view {
        View::Desk => ("mono ink ae", y - 4, y + 11),
        _ => ("monosm ink ae", y - 2, y + 11),
    };
    html! {
        <>
            { text("tb ink ae", x, first, measure::fit(name, 120, Face::Bold, 96)) }
            { text(class, x, second, measure::fit(address, 110, Face::Mono, 100)) }
        </>
    }
}

fn laptop(large: bool) -> Html {
    let (screen, glass, foot) = if large {
        (
            Rect::new(-22, -22, 44, 28),
            Rect::new(-18, -18, 36, 19),
            "M-29 8h58l-4 6h-50z",
        )
    } else {
        (
            Rect::new(-17, -16, 34, 22),
            Rect::new(-13, -12, 26, 13),
            "M-24 8h48l-4 6h-40z",
        )
    };
    html! {
        <>
            { rect("lp-s", screen, 3) }
            { rect("lp-i", glass, 1) }
            { path("lp-b", foot) }
        </>
    }
}

/// Somebody on the internet.
fn globe(small: bool) -> Html {
    html! {
        <g class="globe" transform={small.then_some("scale(.6)")}>
            <circle class="globe-b" cx="0" cy="-4" r="16" />
            { path("globe-l", "M-16 -4h32M0 -20c-11 9 -11 23 0 32c11 -9 11 -23 0 -32zM-13 -12h26M-13 4h26") }
        </g>
    }
}

/// The router of the Nodes' network: a signpost.
fn router(layout: &Layout) -> Html {
    let m = layout.metrics;
    let Point { x, y } = route::router(layout);
    let board = Rect::new(x - 22, m.street.0 + 2, 44, 15);
    html! {
        <>
            { path("signpost", format!("M{x} {}V{}", board.bottom(), y + 10)) }
            { rect("signboard", board, 2) }
            { text("tsm ink am", x, board.y + 11, "router") }
        </>
    }
}
