//! The way of a packet through the house: from a journey and a layout to points and lines.
//!
//! One stop a hop, one leg between two stops. Everything walks on lanes: the street, a door's axis,
//! the corridor. The reply runs beside the way there. What could have been drawn instead, and where
//! a way breaks off, are part of it too. A pure function; the drawing is [`super::walker`]'s.

use lobby_engine::lab::Scene;
use lobby_engine::net::Packet;
use lobby_engine::network::{Change, Direction, Hop, Journey, Location, Step, VerdictKind};

use super::geometry::{Line, Point};
use super::layout::Layout;
use super::route;

/// The way of one journey.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// One for each of [`Journey::hops`].
    pub stops: Vec<Stop>,
    /// From each stop to the next: one less than the stops.
    pub legs: Vec<Leg>,
    /// To the rooms that could have been drawn instead.
    pub others: Vec<Line>,
    /// From which hop on they are known, counted from 1.
    pub others_from: usize,
    /// Where it breaks off.
    pub break_: Option<Break>,
}

/// Where one hop happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The place.
    pub place: Place,
    /// Where the guest stands.
    pub feet: Point,
    /// Where its number is while the guest is elsewhere.
    pub badge: Point,
    /// Whether it belongs to the reply.
    pub reply: bool,
}

/// From one stop to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The line that is drawn.
    pub line: Line,
    /// Whether it is the reply's.
    pub reply: bool,
}

/// Where a way breaks off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// At which hop, counted from 1.
    pub hop: usize,
    /// How it ended.
    pub verdict: VerdictKind,
    /// The last piece, in red.
    pub line: Line,
    /// The cross at its end.
    pub cross: Point,
    /// Where it would have gone on.
    pub cut: Line,
}

/// A place in the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A client on the street, by its index.
    Client(usize),
    /// A process of a wing itself: the hall of a wing.
    Hall(usize),
    /// A wing's side door.
    Door(usize),
    /// The main entrance.
    Entrance,
    /// The counter, at a wing's sheet.
    Counter(usize),
    /// The corridor from one wing to another.
    Corridor(usize, usize, Point),
    /// A window of a wing.
    Room(usize, usize),
    /// The router of the Nodes' network.
    Router,
    /// A house on the internet.
    House,
}

impl Way {
    /// The way of a journey.
    #[must_use]
    pub fn of(journey: &Journey, scene: &Scene, layout: &Layout) -> Self {
        let plan = Plan {
            journey,
            scene,
            layout,
        };
        plan.way()
    }
}

/// Which wing a Node is.
fn wing_named(scene: &Scene, node: &str) -> Option<usize> {
    scene.wings.iter().position(|wing| wing.node.name == node)
}

struct Plan<'a> {
    journey: &'a Journey,
    scene: &'a Scene,
    layout: &'a Layout,
}

impl Plan<'_> {
    fn way(&self) -> Way {
        let hops = &self.journey.hops;
        let mut places: Vec<Place> = Vec::with_capacity(hops.len());
        for hop in hops {
            // What the scene does not show keeps the guest where it was.
            let last = places.last().copied();
            let place = self.place(hop).or(last).unwrap_or(Place::Router);
            places.push(place);
        }
        self.straighten_corridors(&mut places);
        let stops: Vec<Stop> = places
            .iter()
            .zip(hops)
            .map(|(&place, hop)| self.stop(place, hop.direction == Direction::Reply))
            .collect();
        let legs = places
            .windows(2)
            .zip(hops.iter().skip(1))
            .map(|(pair, hop)| {
                let reply = hop.direction == Direction::Reply;
                let line = self.leg(pair[0], pair[1], reply);
                Leg { line, reply }
            })
            .collect();
        let (others, others_from) = self.others(&places);
        Way {
            others,
            others_from,
            break_: self.break_(&stops),
            stops,
            legs,
        }
    }

    fn place(&self, hop: &Hop) -> Option<Place> {
        let wing = |name: &str| wing_named(self.scene, name);
        match &hop.at {
            Location::Outside { name } => self
                .scene
                .street
                .iter()
                .position(|client| client.name == *name || client.id == *name)
                // Whoever has no place of its own on the street is another house.
                .map_or(Some(Place::House), |client| Some(Place::Client(client))),
            Location::Node { name } => {
                let wing = wing(name)?;
                Some(match hop.step {
                    Step::Enter => self.way_in(wing, &hop.before),
                    Step::Send | Step::Deliver | Step::Reply => Place::Hall(wing),
                    _ => Place::Counter(wing),
                })
            }
            Location::Pod {
                namespace, name, ..
            } => {
                let room = self
                    .scene
                    .rooms
                    .iter()
                    .position(|r| r.pod.name == *name && r.pod.namespace == *namespace)?;
                let (wing, window) = self.layout.window_of(room)?;
                Some(Place::Room(wing, window))
            }
            Location::Wire { from, to } => {
                let (from, to) = (wing(from)?, wing(to)?);
                Some(Place::Corridor(from, to, Point::default()))
            }
            Location::Router => Some(Place::Router),
            Location::Balancer { .. } => Some(Place::Entrance),
        }
    }

    /// Which opening of a wing a packet takes: the side door of its port, else the main entrance.
    fn way_in(&self, wing: usize, packet: &Packet) -> Place {
        let desk = self.layout.open.and_then(|i| self.scene.desks.get(i));
        let to_node = self
            .scene
            .wings
            .iter()
            .any(|w| w.address == packet.dst.to_string());
        let by_door = desk.is_none_or(|desk| {
            to_node
                && desk
                    .doors
                    .iter()
                    .any(|door| packet.transport.dport() == Some(door.port))
        });
        if by_door || to_node {
            Place::Door(wing)
        } else {
            Place::Entrance
        }
    }

    /// A corridor's stop lies halfway between where the packet enters it and where it leaves it.
    fn straighten_corridors(&self, places: &mut [Place]) {
        for i in 0..places.len() {
            let Place::Corridor(from, to, _) = places[i] else {
                continue;
            };
            let end = |place: Option<&Place>, wing: usize| match place {
                Some(Place::Room(w, window)) => route::room_column(self.layout, *w, *window),
                Some(Place::Counter(w) | Place::Hall(w)) => self.layout.door_x(*w),
                _ => self.layout.door_x(wing),
            };
            let before = i.checked_sub(1).and_then(|i| places.get(i));
            let a = end(before, from);
            let b = end(places.get(i + 1), to);
            let middle = Point::new((a + b) / 2, self.layout.metrics.wire());
            places[i] = Place::Corridor(from, to, middle);
        }
    }

    fn stop(&self, place: Place, reply: bool) -> Stop {
        let m = self.layout.metrics;
        let window = |w, i| self.layout.window(w, i).map(|w| w.slot.window);
        let aside = if reply { m.beside } else { 0 };
        let (feet, badge) = match place {
            Place::Client(i) => {
                let out = self
                    .layout
                    .street
                    .get(i)
                    .map_or(Point::default(), |c| c.out);
                (out.by(26, 8), out.by(10, aside))
            }
            // At its left, where the way comes from.
            Place::House => {
                let icon = self.layout.house.icon;
                (icon.by(-m.scaled(34), 8), icon.by(-26, aside - 18))
            }
            Place::Hall(w) => {
                let at = route::hall(self.layout, w);
                (at.by(0, m.scaled(24)), at.by(aside, 0))
            }
            Place::Door(w) => {
                let x = self.layout.door_x(w);
                let (top, bottom) = (m.counter.1, m.street.0);
                (
                    Point::new(x, bottom - 2),
                    Point::new(x + aside, top + (bottom - top) * 2 / 3),
                )
            }
            Place::Entrance => {
                let x = self.layout.entrance_x();
                (
                    Point::new(x, m.street.0 - 2),
                    Point::new(x + aside, m.street.0 - 34),
                )
            }
            Place::Counter(w) => {
                let at = Point::new(self.layout.door_x(w), m.counter.1 + 2);
                (at, at.by(m.scaled(20), -m.scaled(37)))
            }
            Place::Corridor(_, _, at) => (Point::new(at.x, m.corridor.1 - 1), at.by(aside, aside)),
            Place::Room(w, i) => {
                let room = window(w, i).unwrap_or_default();
                // Beside the room, so that what it says can be read; in front of the neighbour's only
                // where there is one.
                let first = (self.layout.window(w, i)).is_none_or(|w| w.slot.column == 0);
                let aside = m.scaled(if first { 22 } else { 9 });
                let floor = if self.layout.window(w, i).is_some_and(|w| w.slot.floor == 0) {
                    m.corridor.1 - 1
                } else {
                    room.bottom() + 6
                };
                (
                    // Within the picture, where the first wing begins at its edge.
                    Point::new((room.x - aside).max(m.scaled(20)), floor),
                    Point::new(room.right() + 2, room.bottom() + 2),
                )
            }
            Place::Router => {
                let at = route::router(self.layout);
                let on = if m.labels > 0 { 44 } else { 0 };
                (at.by(on, 8), at.by(20 + aside, aside))
            }
        };
        Stop {
            place,
            feet,
            badge,
            reply,
        }
    }

    fn leg(&self, from: Place, to: Place, reply: bool) -> Line {
        let radius = self.layout.metrics.corridor.1 - self.layout.metrics.corridor.0;
        let radius = (radius / 2 - 4).clamp(6, 10);
        if reply {
            // The way back is the way there, walked the other way, a little beside it.
            let mut points = route::connect(self.layout, to, from, true);
            points.reverse();
            let beside = self.layout.metrics.beside;
            Line::new(points, radius).by(beside, beside)
        } else {
            Line::new(route::connect(self.layout, from, to, false), radius)
        }
    }

    /// The rooms of the open desk's list that could have been drawn where the packet's destination
    /// was rewritten.
    fn others(&self, places: &[Place]) -> (Vec<Line>, usize) {
        let none = (Vec::new(), 0);
        let Some(drawn) = self
            .journey
            .hops
            .iter()
            .position(|hop| hop.step != Step::Resolve && hop.changes.contains(&Change::Dnat))
        else {
            return none;
        };
        let Some(desk) = self.layout.open.and_then(|i| self.scene.desks.get(i)) else {
            return none;
        };
        let Some(Place::Counter(wing)) = places.get(drawn) else {
            return none;
        };
        let chosen = self.journey.hops[drawn].after.dst.to_string();
        if !desk.list.iter().any(|entry| entry.address == chosen) {
            return none;
        }
        let mut windows: Vec<(usize, usize)> = Vec::new();
        for entry in desk.list.iter().filter(|e| e.in_ && e.address != chosen) {
            let room = entry
                .pod
                .as_ref()
                .and_then(|pod| self.scene.rooms.iter().position(|r| r.pod == *pod));
            if let Some(window) = room.and_then(|room| self.layout.window_of(room))
                && !windows.contains(&window)
            {
                windows.push(window);
            }
        }
        let Some(goal) = self.scene.rooms.iter().position(|r| r.address == chosen) else {
            return none;
        };
        let Some(goal) = self.layout.window_of(goal) else {
            return none;
        };
        windows.retain(|window| *window != goal);
        let axis = self.layout.door_x(*wing);
        let column = route::room_column(self.layout, goal.0, goal.1);
        (
            self.branches(axis.min(column), axis.max(column), windows),
            drawn + 1,
        )
    }

    /// Lines to windows that branch off the corridor's lane, which the way itself takes from `low`
    /// to `high`: each begins where the one before it ended, so that no two lie on each other.
    fn branches(&self, low: i32, high: i32, windows: Vec<(usize, usize)>) -> Vec<Line> {
        let wire = self.layout.metrics.wire();
        let column = |window: &(usize, usize)| route::room_column(self.layout, window.0, window.1);
        let (mut left, mut right) = (low, high);
        let mut windows = windows;
        // From the way outwards, on either side.
        windows.sort_by_key(|w| (low - column(w)).max(column(w) - high).max(0));
        let mut lines = Vec::new();
        for window in windows {
            let x = column(&window);
            let from = if x < left {
                std::mem::replace(&mut left, x)
            } else if x > right {
                std::mem::replace(&mut right, x)
            } else {
                x
            };
            let foot = route::foot(self.layout, Place::Room(window.0, window.1));
            let corners = [
                Point::new(from, wire),
                Point::new(x, wire),
                Point::new(x, foot.y),
                foot,
            ];
            lines.push(Line::new(corners, 8));
        }
        lines
    }

    fn break_(&self, stops: &[Stop]) -> Option<Break> {
        let kind = self.journey.verdict.kind;
        let hops = &self.journey.hops;
        let at = match kind {
            VerdictKind::Answered => return None,
            // Somebody answered: there the word stands, and the way goes on.
            VerdictKind::WrongAnswer => hops.iter().position(|hop| hop.step == Step::Deliver)?,
            _ => hops
                .iter()
                .position(|hop| matches!(hop.step, Step::Reject | Step::Drop))
                .or_else(|| hops.len().checked_sub(1))?,
        };
        let stop = stops.get(at)?;
        let m = self.layout.metrics;
        let head = stop.feet.by(0, -m.scaled(50));
        let (from, cross) = match stop.place {
            Place::Counter(_) => (head, Point::new(head.x, m.hall + 3)),
            Place::Room(w, i) => {
                let x = route::room_column(self.layout, w, i);
                let cross = Point::new(x, stop.badge.y + 6);
                (cross, cross)
            }
            _ => {
                let cross = stop.feet.by(m.scaled(38), -m.scaled(20));
                (cross.by(-m.scaled(18), 0), cross)
            }
        };
        let ghost = self.layout.wings.iter().find_map(|wing| wing.ghost);
        let cut = match (stop.place, ghost) {
            (Place::Counter(_), Some(ghost)) => Line::new(
                [
                    Point::new(cross.x, cross.y - 14),
                    Point::new(cross.x, m.wire()),
                    Point::new(ghost.middle(), m.wire()),
                    Point::new(ghost.middle(), m.corridor.0 + 6),
                ],
                8,
            ),
            _ => Line::default(),
        };
        let line = if from == cross || kind == VerdictKind::WrongAnswer {
            Line::default()
        } else {
            let (dx, dy) = ((cross.x - from.x).signum(), (cross.y - from.y).signum());
            Line::new([from, cross.by(-14 * dx, -14 * dy)], 0)
        };
        Some(Break {
            hop: at + 1,
            verdict: kind,
            line,
            cross,
            cut,
        })
    }
}

#[cfg(test)]
#[path = "way_tests.rs"]
mod tests;
