//! The guest's card: what is written on it, and where it is held.
//!
//! It always shows from and to. A rewritten line has a tint at its hop and keeps its stamp until
//! the reply's rewriting lifts it. The card stays inside the picture, never lies over the guest,
//! and of what else it could cover it covers the least.

use lobby_engine::network::{Change, Direction, Journey, Step};

use super::geometry::{Point, Rect};
use super::layout::Layout;
use super::text::{self, Face};
use super::way::{Place, Way};

/// How wide a line that a person typed may be.
const WIDEST: i32 = 200;

/// What is written on the card at one hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The source.
    pub from: CardLine,
    /// The destination.
    pub to: CardLine,
}

/// One line of the card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardLine {
    /// The address.
    pub now: String,
    /// What it was before this hop, if it was rewritten here.
    pub was: Option<String>,
    /// The stamp beside it.
    pub stamp: Option<Stamp>,
}

/// A stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Square for the destination, round for the source.
    pub kind: StampKind,
    /// What happened to it at this hop.
    pub state: StampState,
}

/// Which rewriting a stamp stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StampKind {
    /// The destination's.
    Dnat,
    /// The source's.
    Snat,
}

/// What happens to a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StampState {
    /// It is put on at this hop.
    New,
    /// It was put on before.
    Kept,
    /// It is lifted at this hop.
    Lifted,
}

impl Stamp {
    /// The word on it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match (self.kind, self.state) {
            (StampKind::Dnat, StampState::Lifted) => "un-DNAT",
            (StampKind::Snat, StampState::Lifted) => "un-SNAT",
            (StampKind::Dnat, _) => "DNAT",
            (StampKind::Snat, _) => "SNAT",
        }
    }
}

impl Card {
    /// The card at a hop, counted from 1.
    #[must_use]
    pub fn at(journey: &Journey, hop: usize) -> Option<Self> {
        let now = journey.hops.get(hop.checked_sub(1)?)?;
        if now.step == Step::Resolve {
            return Some(Self::asking(journey));
        }
        let (mut dnat, mut snat) = (None, None);
        for (i, past) in journey.hops.iter().take(hop).enumerate() {
            // The question was a packet of its own, and its stamps are gone with it.
            if past.step == Step::Resolve {
                continue;
            }
            let here = i + 1 == hop;
            // A stamp that was lifted before this hop is gone.
            for stamp in [&mut dnat, &mut snat] {
                if *stamp == Some(StampState::Lifted) {
                    *stamp = None;
                }
            }
            for change in &past.changes {
                let (stamp, on) = match change {
                    Change::Dnat => (&mut dnat, true),
                    Change::UnDnat => (&mut dnat, false),
                    Change::Snat => (&mut snat, true),
                    Change::UnSnat => (&mut snat, false),
                };
                *stamp = match (on, here) {
                    (true, true) => Some(StampState::New),
                    (true, false) => Some(StampState::Kept),
                    (false, true) => Some(StampState::Lifted),
                    (false, false) => None,
                };
            }
            if !here {
                for stamp in [&mut dnat, &mut snat] {
                    *stamp = stamp.map(|_| StampState::Kept);
                }
            }
        }
        let stamp = |kind, state: Option<StampState>| state.map(|state| Stamp { kind, state });
        let (dnat, snat) = (stamp(StampKind::Dnat, dnat), stamp(StampKind::Snat, snat));
        // On the reply the two ends have changed sides, and their stamps with them.
        let (on_from, on_to) = match now.direction {
            Direction::Request => (snat, dnat),
            Direction::Reply => (dnat, snat),
        };
        let line = |was: String, now: String, stamp| CardLine {
            was: (was != now).then_some(was),
            now,
            stamp,
        };
        let (before, after) = (&now.before, &now.after);
        // The answer is a packet of its own: between the room and the reply nothing was rewritten.
        let turned = before.src != after.src && now.changes.is_empty();
        let before = if turned { after } else { before };
        // The answer takes the name's place.
        let answered = hop == 2
            && journey
                .hops
                .first()
                .is_some_and(|past| past.step == Step::Resolve)
            && journey
                .names
                .as_ref()
                .is_some_and(|names| names.address.is_some());
        let to = if answered {
            typed(journey)
        } else {
            before.to_text()
        };
        Some(Self {
            from: line(before.from_text(), after.from_text(), on_from),
            to: line(to, after.to_text(), on_to),
        })
    }

    /// The card while the guest asks for a name: it still says what was typed.
    fn asking(journey: &Journey) -> Self {
        let client = journey.hops.first().map(|hop| hop.before.src.to_string());
        let line = |now| CardLine {
            now,
            ..CardLine::default()
        };
        Self {
            from: line(client.unwrap_or_default()),
            to: line(typed(journey)),
        }
    }

    /// How much room it takes.
    #[must_use]
    pub fn size(&self, layout: &Layout) -> (i32, i32) {
        let wide = |line: &CardLine| {
            let was = line.was.as_deref().unwrap_or("");
            let text = text::width(&line.now, 105, Face::Mono);
            text.max(text::width(was, 105, Face::Mono)) + line.stamp.map_or(0, |s| 10 + stamp_w(s))
        };
        let w = (47 + wide(&self.from).max(wide(&self.to))).max(206);
        (w, 2 * layout.metrics.card_line + 12)
    }
}

/// What was asked for, as far as there is room.
fn typed(journey: &Journey) -> String {
    text::fit(&journey.request.to, 105, Face::Mono, WIDEST)
}

/// How wide a stamp is.
#[must_use]
pub fn stamp_w(stamp: Stamp) -> i32 {
    if stamp.state == StampState::Lifted {
        57
    } else {
        36
    }
}

/// Where the card is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The card.
    pub card: Rect,
    /// Where its point points to.
    pub tip: Point,
    /// Whether the point leaves the card at its lower edge, else at its upper one.
    pub below: bool,
}

/// Where to hold a card of a size at a hop, counted from 1.
#[must_use]
pub fn hold(layout: &Layout, way: &Way, hop: usize, size: (i32, i32)) -> Option<Held> {
    let stop = way.stops.get(hop.checked_sub(1)?)?;
    let m = layout.metrics;
    let guest = m.guest_box(stop.feet);
    let left = layout.frame.x + m.labels.max(6);
    let frame = Rect::new(
        left,
        layout.frame.y + 4,
        layout.frame.right() - 6 - left,
        m.street.1 - layout.frame.y - 4,
    );
    let (w, h) = size;
    let above = guest.y - 12 - h;
    let under = stop.feet.y + 14;
    let beside = guest.y + (guest.h - h) / 2;
    let axis = stop.feet.x;
    let mut places = Vec::new();
    for dx in [w * 4 / 5, w / 5, w / 2] {
        places.push(Rect::new(axis - dx, above, w, h));
        places.push(Rect::new(axis - dx, under, w, h));
    }
    for y in [above, beside, under] {
        places.push(Rect::new(axis - 30 - w, y, w, h));
        places.push(Rect::new(axis + 36, y, w, h));
    }
    let avoid = obstacles(layout, way, hop, guest);
    let cost = |card: Rect| -> i32 {
        avoid
            .iter()
            .map(|(thing, weight)| card.overlap(*thing) * weight)
            .sum()
    };
    let card = places
        .into_iter()
        .map(|place| place.moved_into(frame))
        .min_by_key(|card| cost(*card))?;
    let below = card.y < guest.y;
    let tip = if below {
        // The raised hand, or the hat for a card on the other side.
        if card.x > axis {
            Point::new(axis + m.scaled(7), stop.feet.y - m.scaled(46))
        } else {
            Point::new(axis - m.scaled(14), stop.feet.y - m.scaled(32))
        }
    } else {
        Point::new(axis - m.scaled(2), stop.feet.y + 3)
    };
    Some(Held { card, tip, below })
}

/// Where the verdict's word stands: at the break, beside everything that says why.
#[must_use]
pub fn word_place(
    layout: &Layout,
    cross: Point,
    word: &str,
    guest: Rect,
    card: Option<Rect>,
) -> Rect {
    let w = text::width(word, 170, Face::Bold) + 24;
    let h = 30;
    let frame = layout.frame.grown(-6);
    let mut avoid = vec![guest, Rect::new(cross.x - 12, cross.y - 12, 24, 24)];
    avoid.extend(card);
    let places = [
        Rect::new(cross.x - 16 - w, cross.y - 37, w, h),
        Rect::new(cross.x + 16, cross.y - 37, w, h),
        Rect::new(cross.x - w / 2, cross.y - 46, w, h),
        Rect::new(cross.x + 18, cross.y - 15, w, h),
        Rect::new(cross.x - 18 - w, cross.y - 15, w, h),
        Rect::new(cross.x - w / 2, cross.y + 18, w, h),
    ];
    let cost = |place: &Rect| -> i32 { avoid.iter().map(|thing| place.overlap(*thing)).sum() };
    places
        .into_iter()
        .map(|place| place.moved_into(frame))
        .min_by_key(cost)
        .unwrap_or_default()
}

/// What a card should not cover, with how bad it would be.
fn obstacles(layout: &Layout, way: &Way, hop: usize, guest: Rect) -> Vec<(Rect, i32)> {
    let m = layout.metrics;
    let mut all = vec![(guest, 1000)];
    let spot = |at: Point, by: i32| Rect::new(at.x - by, at.y - by, 2 * by, 2 * by);
    if let Some(stop) = way.stops.get(hop - 1) {
        let number = stop.feet.by(m.scaled(20), -m.scaled(37));
        all.push((spot(number, 10), 200));
        if let Place::Room(wing, window) = stop.place
            && let Some(window) = layout.window(wing, window)
        {
            let room = window.slot.window;
            all.push((
                Rect::new(room.x - 4, room.y - 18, room.w + 8, room.h + 24),
                80,
            ));
        }
    }
    for (i, stop) in way.stops.iter().enumerate() {
        if i + 1 != hop {
            all.push((spot(stop.badge, 9), 12));
        }
    }
    if let Some(break_) = way.break_.as_ref().filter(|b| b.hop <= hop) {
        all.push((spot(break_.cross, 16), 400));
        for pair in break_.line.points().windows(2) {
            let (x, y) = (pair[0].x.min(pair[1].x), pair[0].y.min(pair[1].y));
            let (dx, dy) = (pair[0].x.abs_diff(pair[1].x), pair[0].y.abs_diff(pair[1].y));
            all.push((Rect::new(x - 6, y, dx as i32 + 12, dy as i32 + 6), 400));
        }
    }
    for wing in &layout.wings {
        for window in &wing.windows {
            let room = window.slot.window;
            all.push((
                Rect::new(room.x - 3, room.y - 14, room.w + 6, room.h + 18),
                6,
            ));
        }
        all.push((Rect::new(wing.x, wing.top - m.roof, m.wing, m.roof), 6));
        all.push((
            Rect::new(
                wing.x + 8,
                m.counter.0,
                m.wing / 2,
                m.counter.1 - m.counter.0,
            ),
            5,
        ));
        let door = m.door_x(wing.x);
        all.push((Rect::new(door - 88, m.counter.1 + 26, 88 + m.door, 52), 4));
    }
    if let Some((x, w)) = m.lobby {
        all.push((Rect::new(x, m.hall, w, m.counter.1 - m.hall), 8));
        all.push((Rect::new(x, m.counter.1, w, m.street.0 - m.counter.1), 2));
    }
    for client in &layout.street {
        all.push((
            Rect::new(client.icon.x - 120, client.icon.y - 24, 150, 44),
            5,
        ));
    }
    all
}

#[cfg(test)]
#[path = "card_tests.rs"]
mod tests;
