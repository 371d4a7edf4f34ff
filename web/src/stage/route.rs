//! From one place of the house to another, along its lanes.
//!
//! Two lanes run through the whole house: the street below and the corridor above. Every place has
//! a stem to one of them or to both; a wing's door axis joins the two. Nothing here knows what a
//! packet is.

use super::geometry::Point;
use super::layout::Layout;
use super::metrics::{APART, View};
use super::way::Place;

/// The corners of the way from one place to another.
///
/// `back` asks for the way of a reply: it keeps to the door's axis, also on its way down.
#[must_use]
pub fn connect(layout: &Layout, from: Place, to: Place, back: bool) -> Vec<Point> {
    let m = layout.metrics;
    if from == to {
        return vec![foot(layout, from); 2];
    }
    // Down to the desk one keeps aside, so that the way up again has the axis for itself.
    if let (Place::Room(..) | Place::Hall(_), Place::Counter(wing)) = (from, to)
        && !back
    {
        let x = layout.door_x(wing) - APART;
        let mut points = match from {
            Place::Hall(_) => vec![foot(layout, from)],
            _ => rise(layout, from, m.corridor.0 + 7),
        };
        let level = points.last().map_or(0, |p| p.y);
        points.push(Point::new(x, level));
        points.push(Point::new(x, m.counter.1 - 4));
        return points;
    }
    let walk = street_level(layout, from, to);
    match (high(from), high(to)) {
        (true, true) => {
            let mut points = rise(layout, from, m.wire());
            let mut down = rise(layout, to, m.wire());
            down.reverse();
            points.append(&mut down);
            points
        }
        (true, false) => {
            let mut points = connect(layout, to, from, back);
            points.reverse();
            points
        }
        (false, true) => match (from, to) {
            // The main entrance leads past the doors' heads to the counter.
            (Place::Entrance, _) => {
                let (x, gap) = (layout.door_x(wing_of(to)), m.counter.1 + 13);
                let foot = foot(layout, from);
                // Where a sign hangs over the door, the way goes around it.
                let aside = match (m.view, m.lobby) {
                    (View::Desk, Some((left, w))) => left + w - 9,
                    _ => foot.x,
                };
                let mut points = vec![
                    foot,
                    Point::new(aside, foot.y),
                    Point::new(aside, gap),
                    Point::new(x, gap),
                ];
                points.extend(up_from(layout, x, to));
                points
            }
            (Place::Door(wing), _) => {
                let x = layout.door_x(wing);
                let mut points = vec![foot(layout, from)];
                points.extend(up_from(layout, x, to));
                points
            }
            _ => {
                let x = layout.door_x(wing_of(to));
                let mut points = sink(layout, from, walk);
                points.push(Point::new(x, walk));
                points.extend(up_from(layout, x, to));
                points
            }
        },
        (false, false) => {
            let mut points = sink(layout, from, walk);
            let mut up = sink(layout, to, walk);
            up.reverse();
            points.append(&mut up);
            points
        }
    }
}

/// From the door's axis of a wing up to a place of its own.
fn up_from(layout: &Layout, x: i32, to: Place) -> Vec<Point> {
    if let Place::Counter(_) = to {
        return vec![foot(layout, to)];
    }
    let wire = layout.metrics.wire();
    let mut points = vec![Point::new(x, wire)];
    let mut down = rise(layout, to, wire);
    down.reverse();
    points.append(&mut down);
    points
}

/// Whether a place is at the counter or above.
fn high(place: Place) -> bool {
    matches!(
        place,
        Place::Counter(_) | Place::Hall(_) | Place::Corridor(..) | Place::Room(..)
    )
}

/// From a high place to the corridor's lane at `level`.
fn rise(layout: &Layout, place: Place, level: i32) -> Vec<Point> {
    let foot = foot(layout, place);
    match place {
        Place::Room(wing, window) => {
            let x = room_column(layout, wing, window);
            if x == foot.x {
                vec![foot, Point::new(x, level)]
            } else {
                // Upper floors: along the sill to the shaft, and down.
                vec![foot, Point::new(x, foot.y), Point::new(x, level)]
            }
        }
        _ => vec![foot, Point::new(foot.x, level)],
    }
}

/// From a low place to the street at `level`.
fn sink(layout: &Layout, place: Place, level: i32) -> Vec<Point> {
    let foot = foot(layout, place);
    vec![foot, Point::new(foot.x, level)]
}

/// Where a line touches a place.
#[must_use]
pub fn foot(layout: &Layout, place: Place) -> Point {
    let m = layout.metrics;
    match place {
        Place::Client(i) => layout.street.get(i).map_or(Point::default(), |c| c.out),
        Place::Hall(wing) => hall(layout, wing),
        Place::Door(wing) => Point::new(
            layout.door_x(wing),
            m.counter.1 + (m.street.0 - m.counter.1) * 2 / 3,
        ),
        Place::Entrance => Point::new(layout.entrance_x(), m.street.0 - 34),
        Place::Counter(wing) => Point::new(layout.door_x(wing), m.counter.1 + 2),
        Place::Corridor(_, _, at) => at,
        Place::Room(wing, window) => {
            let room = layout
                .window(wing, window)
                .map(|w| w.slot.window)
                .unwrap_or_default();
            Point::new(
                room.middle(),
                room.bottom() + if room.h > 30 { 9 } else { 3 },
            )
        }
        Place::Router => router(layout),
        Place::House => layout.house.icon.by(-22, 2),
    }
}

/// On which height of the street two places are joined: behind everybody else, unless the way
/// leads straight to the right past nobody.
fn street_level(layout: &Layout, from: Place, to: Place) -> i32 {
    let m = layout.metrics;
    let own = |place| match place {
        Place::Client(i) => layout.street.get(i).map(|client| client.out),
        Place::Router => Some(router(layout)),
        Place::House => Some(foot(layout, Place::House)),
        _ => None,
    };
    let (Some((start, other)), me) = (match (own(from), own(to)) {
        (Some(start), _) => (Some((start, to)), from),
        (None, Some(start)) => (Some((start, from)), to),
        (None, None) => (None, from),
    }) else {
        return m.walk;
    };
    let goal = match other {
        Place::Client(_) | Place::Router | Place::Entrance | Place::House => foot(layout, other).x,
        _ => layout.door_x(wing_of(other)),
    };
    let passes = layout.street.iter().enumerate().any(|(k, client)| {
        let between = client.icon.x > start.x && client.icon.x - 122 < goal;
        Place::Client(k) != me && Place::Client(k) != other && !client.small && between
    });
    if goal < start.x || passes {
        m.walk_behind
    } else {
        start.y
    }
}

fn wing_of(place: Place) -> usize {
    match place {
        Place::Hall(wing)
        | Place::Door(wing)
        | Place::Counter(wing)
        | Place::Room(wing, _)
        | Place::Corridor(wing, _, _) => wing,
        Place::Client(_) | Place::Entrance | Place::Router | Place::House => 0,
    }
}

/// On which axis one comes down from a room: its own on the first floor, else the shaft beside the
/// windows below.
#[must_use]
pub fn room_column(layout: &Layout, wing: usize, window: usize) -> i32 {
    let Some(room) = layout.window(wing, window) else {
        return layout.door_x(wing);
    };
    if room.slot.floor == 0 {
        return room.slot.window.middle();
    }
    let m = layout.metrics;
    let x = layout.wings.get(wing).map_or(0, |w| w.x);
    if m.columns == 1 {
        x + m.window_x[0] / 2
    } else {
        x + (m.window_x[0] + m.window.0 + m.window_x[1]) / 2
    }
}

/// Where a wing's own processes sit.
#[must_use]
pub fn hall(layout: &Layout, wing: usize) -> Point {
    let m = layout.metrics;
    let x = layout.wings.get(wing).map_or(0, |w| w.x);
    Point::new(x + m.wing / 3, (m.hall + m.counter.0) / 2 + 14)
}

/// Where the router of the Nodes' network stands.
#[must_use]
pub fn router(layout: &Layout) -> Point {
    let m = layout.metrics;
    match m.view {
        View::Phone => Point::new(m.wing_x(0) + 98, m.walk_behind),
        _ => Point::new(m.wing_x(0) + 36, m.walk),
    }
}
