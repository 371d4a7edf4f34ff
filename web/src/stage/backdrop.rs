//! What never changes while a person plays: sky, street, the lanes' names, the shapes.

use yew::prelude::*;

use super::Skin;
use super::draw::{path, rect, text};
use super::geometry::Rect;
use super::metrics::{Metrics, View};
use super::shapes::{TYPES, hotel_word, shape};

/// So far the ground goes beyond the picture, on every side: the picture is fitted into any frame.
const BEYOND: i32 = 6000;

/// The ground on which the house stands, as far as one can see.
pub(super) fn ground(m: &Metrics, skin: Skin) -> Html {
    let band = |y: i32, h: i32| Rect::new(-BEYOND, y, 2 * BEYOND, h);
    match skin {
        Skin::Hotel => html! {
            <g aria-hidden="true">
                { rect("f-sky2", band(-BEYOND, BEYOND + m.street.0), 0) }
                <rect fill="url(#stage-sky)" x={(-BEYOND).to_string()} y="-200"
                    width={(2 * BEYOND).to_string()} height={(m.street.0 + 200).to_string()} />
                { rect("f-sky", band(-BEYOND, BEYOND - 199), 0) }
                { rect("f-pave", band(m.street.0, BEYOND), 0) }
                { rect("f-street", band(m.street.1, BEYOND), 0) }
            </g>
        },
        Skin::Cluster => html! {
            <g aria-hidden="true">
                { rect("f-kfield", band(-BEYOND, 2 * BEYOND), 0) }
                <path class="s-lane" d={format!("M{} {}.5H{}", -BEYOND, m.street.0, BEYOND)} />
            </g>
        },
    }
}

/// Patterns that other parts fill with.
pub(super) fn definitions() -> Html {
    html! {
        <defs>
            <pattern id="stage-hatch" width="7" height="7" patternUnits="userSpaceOnUse"
                patternTransform="rotate(45)">
                <path class="hatch-line" d="M0 0V7" />
            </pattern>
            <linearGradient id="stage-sky" x1="0" y1="0" x2="0" y2="1">
                <stop class="sky-stop" offset="0" />
                <stop class="sky-stop2" offset="1" />
            </linearGradient>
        </defs>
    }
}

/// The lanes' names at the left, from the rooms down to the street.
pub(super) fn lanes(m: &Metrics, skin: Skin) -> Html {
    if m.labels == 0 {
        return Html::default();
    }
    let lanes = [
        ("Rooms", "Pods", "Pods", m.corridor.0 - 92),
        ("Corridor", "Pod net", "Pod net", m.corridor.0 + 12),
        ("Desk", "Service", "Service", m.counter.0 - 16),
        ("Doors", "ports", "Ports", m.counter.1 + 49),
        ("Street", "outside", "Outside", m.walk + 2),
    ];
    let edges = [m.corridor.0, m.corridor.1, m.counter.1, m.street.0];
    html! {
        <g aria-hidden="true">
            { for lanes.into_iter().map(|(hotel, below, cluster, y)| match skin {
                Skin::Hotel => html! {
                    <>{ text("lane1", 6, y, hotel) }{ text("lane2", 6, y + 14, below) }</>
                },
                Skin::Cluster => text("lane1", 6, y + 6, cluster),
            }) }
            { for edges.into_iter().map(|y| path("s-lane", format!("M0 {y}.5H{}", m.labels))) }
        </g>
    }
}

/// The Service types: a shape and a word each.
pub(super) fn legend(m: &Metrics, skin: Skin) -> Html {
    if m.view != View::Desk {
        return Html::default();
    }
    let y = m.street.1 + 17;
    html! {
        <g aria-hidden="true">
            { text("t ink", 6, y + 14, "Shapes") }
            { for TYPES.into_iter().enumerate().map(|(i, type_)| {
                let x = 64 + i as i32 * 138;
                html! {
                    <>
                        { shape(type_, x, y, 20) }
                        { match skin {
                            Skin::Hotel => html! {
                                <>
                                    { text("t b ink", x + 27, y + 7, hotel_word(type_)) }
                                    { text("tsm ink", x + 27, y + 20, type_.as_str()) }
                                </>
                            },
                            Skin::Cluster => text("t b ink", x + 27, y + 14, type_.as_str()),
                        } }
                    </>
                }
            }) }
        </g>
    }
}
