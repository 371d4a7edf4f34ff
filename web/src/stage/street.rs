//! The street: who can send from outside.

use std::rc::Rc;

use lobby_engine::lab::{ForwardTo, Scene};
use lobby_engine::network::ClientKind;
use yew::prelude::*;

use super::Skin;
use super::control::{Control, Lit};
use super::draw::{at, path, rect, text};
use super::geometry::{Point, Rect};
use super::layout::{ClientPlace, Layout, Thing};
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
    /// What is highlighted.
    pub(super) lit: Rc<Lit>,
    /// Whether the packet passes the router of the Nodes' network.
    pub(super) router: bool,
    /// A house that the packet came to, by its name.
    pub(super) visited: Option<AttrValue>,
}

/// The street.
#[component]
pub(super) fn Street(props: &Props) -> Html {
    let Props { scene, layout, .. } = props;
    let clients = scene.street.iter().zip(&layout.street);
    html! {
        <g class="street" data-group="">
            <g aria-hidden="true">
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
            { house(props) }
        </g>
    }
}

/// The other house: where the packet went, or where the open forwarding card leads.
fn house(props: &Props) -> Html {
    let Props { scene, layout, .. } = props;
    let place = layout.house;
    let desk = layout.open.and_then(|i| scene.desks.get(i));
    let forward = desk.and_then(|desk| desk.forward.as_ref());
    let (name, address, known) = match (&props.visited, forward.map(|forward| &forward.to)) {
        (_, Some(ForwardTo::House { host, address })) => (host.as_str(), address.as_str(), true),
        (Some(visited), _) => (visited.as_str(), "", true),
        (None, Some(ForwardTo::Nobody)) => (
            forward.map_or("", |forward| forward.name.as_str()),
            "nobody by this name",
            false,
        ),
        (None, Some(ForwardTo::Inside) | None) => return Html::default(),
    };
    let phone = layout.metrics.view == View::Phone;
    let (class, win) = super::draw::either(known, ("house", "house-w"), ("ghost", "ghost"));
    let picture = html! {
        <>
            { path(class, "M-15 8V-10L0 -22 15 -10V8z") }
            { path(win, "M-9 -8h6v6h-6zM3 -8h6v6h-6zM-3 8V0h6v8z") }
        </>
    };
    let words = if phone {
        let short = measure::fit(name, 105, Face::Sans, 84);
        text(
            "tsm ink am",
            place.icon.x.min(layout.frame.right() - 46),
            place.icon.y + 21,
            short,
        )
    } else {
        let Point { x, y } = place.icon.by(-22, 0);
        let fits = measure::fit(name, 120, Face::Bold, 122);
        html! {
            <>
                { text("tb ink ae", x, y - 4, fits) }
                { text("monosm ink ae", x, y + 11, measure::fit(address, 105, Face::Mono, 122)) }
            </>
        }
    };
    let inside = html! { <>{ at(place.icon, picture) }{ words }</> };
    let Some(desk) = desk.filter(|_| forward.is_some()) else {
        return html! { <g aria-hidden="true">{ inside }</g> };
    };
    let label = format!(
        "Another house: {name} {address}. The forwarding card of {} (ExternalName) leads here",
        desk.service.name
    );
    Control {
        thing: Thing::House,
        label: &label,
        outline: Rect::new(place.icon.x - 19, place.icon.y - 26, 38, 38),
        mark: props.lit.mark(&desk.service, address),
        first: true,
    }
    .draw(inside)
}

fn name(layout: &Layout, name: &str, address: &str, place: ClientPlace) -> Html {
    let Point { x, y } = place.name;
    if place.small {
        return text(
            "tiny ink am",
            x,
            y + 19,
            measure::fit(name, 100, Face::Sans, 52),
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
