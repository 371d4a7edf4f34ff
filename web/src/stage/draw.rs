//! Small words for SVG: a box, a path, a text.
//!
//! Everything is attributes and classes. The page's policy allows no style attribute.

use yew::prelude::*;

use super::geometry::{Point, Rect};

/// A box.
pub(super) fn rect(class: &'static str, r: Rect, round: i32) -> Html {
    html! {
        <rect {class} x={r.x.to_string()} y={r.y.to_string()}
            width={r.w.to_string()} height={r.h.to_string()} rx={round.to_string()} />
    }
}

/// A path.
pub(super) fn path(class: impl Into<Classes>, d: impl Into<AttrValue>) -> Html {
    html! { <path class={class.into()} d={d.into()} /> }
}

/// A dot; the radius as written.
pub(super) fn dot(class: &'static str, at: Point, r: &'static str) -> Html {
    html! { <circle {class} cx={at.x.to_string()} cy={at.y.to_string()} {r} /> }
}

/// A text, by its base line.
pub(super) fn text(class: &'static str, x: i32, y: i32, content: impl Into<AttrValue>) -> Html {
    html! { <text {class} x={x.to_string()} y={y.to_string()}>{ content.into() }</text> }
}

/// Things moved together.
pub(super) fn at(point: Point, things: Html) -> Html {
    html! { <g transform={translate(point)}>{ things }</g> }
}

/// What `transform` says for moving things to a point.
pub(super) fn translate(point: Point) -> String {
    format!("translate({} {})", point.x, point.y)
}

/// One of two.
pub(super) fn either<T>(first: bool, yes: T, no: T) -> T {
    if first { yes } else { no }
}
