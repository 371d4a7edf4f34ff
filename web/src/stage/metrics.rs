//! The measures of the house, one set a width class.
//!
//! They are the mock's, in scene units. A unit is one CSS pixel when the stage is drawn at its own
//! size; nothing in the house is ever measured by how many of something there are.

use super::geometry::{Point, Rect};

/// For which width the house is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Beside other panels, from 640 px.
    #[default]
    Desk,
    /// One column, down to 320 px.
    Phone,
    /// A low frame in somebody else's page.
    Embed,
}

/// The measures for one [`View`].
#[derive(Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Whose they are.
    pub view: View,
    /// How wide the picture is with three wings. It is never narrower.
    pub width: i32,
    /// Its lower edge.
    pub height: i32,
    /// Width of the column with the lanes' names; 0 for none.
    pub labels: i32,
    /// Left edge and width of the column that belongs to the whole cluster.
    pub lobby: Option<(i32, i32)>,
    /// Left edge of the first wing.
    pub first_wing: i32,
    /// Width of a wing.
    pub wing: i32,
    /// Room to the right of the last wing.
    pub tail: i32,
    /// Rooms on one floor.
    pub columns: u32,
    /// How many floors have tall windows; those above have low ones.
    pub tall: u32,
    /// Left edges of a floor's windows, from the wing's own.
    pub window_x: [i32; 2],
    /// Size of a tall window.
    pub window: (i32, i32),
    /// Lower edge of the first floor's windows.
    pub sill: i32,
    /// From one tall floor to the next.
    pub storey: i32,
    /// Where the wall begins over the tall floors.
    pub wall_top: i32,
    /// Height of a wing's roof.
    pub roof: i32,
    /// The Pod network: upper and lower edge.
    pub corridor: (i32, i32),
    /// Upper edge of the hall behind the counter.
    pub hall: i32,
    /// The counter: upper and lower edge.
    pub counter: (i32, i32),
    /// A door's middle, in hundredths of the wing's width.
    pub door_at: i32,
    /// Half a door's width.
    pub door: i32,
    /// The street: upper and lower edge. Below it are the shapes.
    pub street: (i32, i32),
    /// On which height people walk on the street.
    pub walk: i32,
    /// And on which they pass behind each other.
    pub walk_behind: i32,
    /// How far the way back runs beside the way there.
    pub beside: i32,
    /// The guest's size, in hundredths.
    pub guest: i32,
    /// From one line of the card to the next.
    pub card_line: i32,
    /// Distance of the guest's place in the street from the wing's left edge.
    pub client_at: i32,
}

/// The gap between two wings.
pub const GAP: i32 = 6;
/// From one low floor to the next.
pub const LOW_STOREY: i32 = 30;
/// Height of a low window.
pub const LOW_WINDOW: i32 = 24;
/// How many floors a wing may have before its rooms are drawn by owner.
pub const FLOORS: u32 = 6;
/// How far the way to the desk keeps from the way on.
pub const APART: i32 = 14;

static DESK: Metrics = Metrics {
    view: View::Desk,
    width: 756,
    height: 618,
    labels: 60,
    lobby: Some((64, 162)),
    first_wing: 232,
    wing: 166,
    tail: 8,
    columns: 2,
    tall: 2,
    window_x: [10, 88],
    window: (68, 54),
    sill: 244,
    storey: 86,
    wall_top: 70,
    roof: 44,
    corridor: (250, 278),
    hall: 283,
    counter: (356, 406),
    door_at: 72,
    door: 23,
    street: (508, 570),
    walk: 536,
    walk_behind: 559,
    beside: 7,
    guest: 122,
    card_line: 20,
    client_at: 80,
};

static PHONE: Metrics = Metrics {
    view: View::Phone,
    width: 390,
    height: 408,
    labels: 0,
    lobby: None,
    first_wing: 6,
    wing: 122,
    tail: 0,
    columns: 1,
    tall: 2,
    window_x: [24, 24],
    window: (74, 36),
    sill: 174,
    storey: 66,
    wall_top: 42,
    roof: 34,
    corridor: (180, 202),
    hall: 207,
    counter: (268, 302),
    door_at: 66,
    door: 17,
    street: (358, 389),
    walk: 373,
    walk_behind: 391,
    beside: 6,
    guest: 92,
    card_line: 19,
    client_at: 79,
};

static EMBED: Metrics = Metrics {
    view: View::Embed,
    width: 722,
    height: 330,
    labels: 0,
    lobby: Some((8, 136)),
    first_wing: 152,
    wing: 184,
    tail: 0,
    columns: 2,
    tall: 1,
    window_x: [9, 96],
    window: (78, 38),
    sill: 99,
    storey: 66,
    wall_top: 36,
    roof: 28,
    corridor: (104, 128),
    hall: 133,
    counter: (204, 234),
    door_at: 60,
    door: 16,
    street: (286, 317),
    walk: 301,
    walk_behind: 319,
    beside: 6,
    guest: 84,
    card_line: 19,
    client_at: 92,
};

impl Metrics {
    /// The measures for a view.
    #[must_use]
    pub fn of(view: View) -> &'static Self {
        match view {
            View::Desk => &DESK,
            View::Phone => &PHONE,
            View::Embed => &EMBED,
        }
    }

    /// Left edge of a wing, by its place.
    #[must_use]
    pub fn wing_x(&self, place: i32) -> i32 {
        self.first_wing + place * (self.wing + GAP)
    }

    /// The window of a slot in a wing that begins at `x`: floors grow up from the corridor.
    #[must_use]
    pub fn slot(&self, x: i32, slot: u32) -> Slot {
        let (column, floor) = (slot % self.columns, slot / self.columns);
        let left = x + self.window_x[column as usize % 2];
        let (w, h) = self.window;
        let (tall, floor) = (self.tall as i32, floor as i32);
        if floor < tall {
            Slot {
                window: Rect::new(left, self.sill - h - floor * self.storey, w, h),
                low: false,
                column,
                floor: floor as u32,
            }
        } else {
            // Above the topmost tall window's number, one row of low windows after the other.
            let base = self.wall_top + 10;
            let up = (floor - tall) * LOW_STOREY + 26;
            Slot {
                window: Rect::new(left - 1, base - up, w + 2, LOW_WINDOW),
                low: true,
                column,
                floor: floor as u32,
            }
        }
    }

    /// Where the wall begins above so many floors.
    #[must_use]
    pub fn wall_top(&self, floors: u32) -> i32 {
        let low = floors.saturating_sub(self.tall).min(FLOORS) as i32;
        if low == 0 {
            self.wall_top
        } else {
            self.wall_top + 4 - low * LOW_STOREY
        }
    }

    /// A door's middle in a wing that begins at `x`.
    #[must_use]
    pub fn door_x(&self, x: i32) -> i32 {
        x + (self.wing * self.door_at + 50) / 100
    }

    /// On which height packets run between the rooms.
    #[must_use]
    pub fn wire(&self) -> i32 {
        (self.corridor.0 + self.corridor.1) / 2
    }

    /// Something of the guest's own measures in scene units.
    #[must_use]
    pub fn scaled(&self, units: i32) -> i32 {
        units * self.guest / 100
    }

    /// What the guest covers, standing at a point.
    #[must_use]
    pub fn guest_box(&self, feet: Point) -> Rect {
        let (left, up) = (self.scaled(15), self.scaled(48));
        Rect::new(feet.x - left, feet.y - up, self.scaled(37), up + 4)
    }
}

/// Where one slot's window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The window.
    pub window: Rect,
    /// Whether it is a low one.
    pub low: bool,
    /// Its column, from the left.
    pub column: u32,
    /// Its floor, from the corridor up.
    pub floor: u32,
}
