//! Which panels are seen, how large they are, and where the editor is to go.

use super::{Event, Slice};
use crate::editor::GoTo;
use crate::frame::{PANELS, Place};
use crate::prefs;
use crate::world::World;

/// A panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// The steps of a lesson.
    Lesson,
    /// The journey.
    #[default]
    Journey,
    /// The rules.
    Rules,
    /// The names.
    Names,
    /// Who is in a Service's list, and who is not.
    Endpoints,
    /// What is wrong, and what to do.
    Doctor,
    /// Two runs side by side.
    Compare,
    /// How cost grows.
    Cost,
    /// The manifests.
    Manifests,
    /// The console.
    Console,
}

/// How large a place is, and whether it is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Width or height in CSS pixels while it is not folded.
    pub pixels: u32,
    /// Whether it is folded away.
    pub folded: bool,
}

/// Which panels are seen, how large they are, and where the editor is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Which panel is seen where there is room for one.
    pub tab: Tab,
    /// Which panel is seen in each place, where there is room for all places.
    shown: [Option<Tab>; Place::ALL.len()],
    /// How large each place is.
    extents: [Extent; Place::ALL.len()],
    /// Where the editor is to go.
    pub goto: Option<GoTo>,
    /// Panels that the page around an embed does not want.
    pub hidden: Vec<Tab>,
    /// Whether the page around an embed wants nothing to be changed by hand.
    pub read_only: bool,
}

/// What a person does with the frame.
#[derive(Clone, Copy, Debug)]
pub enum FrameAction {
    /// Show a panel, wherever it is.
    Show(Tab),
    /// Make a place so wide or high, in CSS pixels.
    Resize(Place, u32),
    /// Fold a place away, or bring it back.
    Fold(Place, bool),
    /// Show this line and column in the editor.
    GoTo(u32, u32),
}

impl Frame {
    /// As a person left it at the last visit, in a window of this width.
    #[must_use]
    pub fn load(window: u32) -> Self {
        Self {
            tab: Tab::default(),
            shown: Default::default(),
            extents: Place::ALL.map(|place| {
                prefs::load_extent(place.word()).map_or(
                    Extent {
                        pixels: place.usual(window),
                        // At the foot one line is left, and the picture has the room.
                        folded: place == Place::Foot,
                    },
                    |(pixels, folded)| Extent {
                        pixels: place.clamp(pixels),
                        folded,
                    },
                )
            }),
            goto: None,
            hidden: Vec::new(),
            read_only: false,
        }
    }

    /// Keeps it for the next visit.
    pub fn save(&self) {
        for place in Place::ALL {
            let Extent { pixels, folded } = self.extent(place);
            prefs::save_extent(place.word(), pixels, folded);
        }
    }

    /// How large a place is.
    #[must_use]
    pub fn extent(&self, place: Place) -> Extent {
        self.extents[place as usize]
    }

    /// The panel that is seen in a place: the one that was shown last of those that `is_there`,
    /// else the first of them.
    #[must_use]
    pub fn shown(&self, place: Place, is_there: impl Fn(Tab) -> bool) -> Option<Tab> {
        let mut there = PANELS
            .iter()
            .filter(|panel| panel.place == place && is_there(panel.tab))
            .map(|panel| panel.tab);
        match self.shown[place as usize].filter(|tab| is_there(*tab)) {
            Some(tab) => Some(tab),
            None => there.next(),
        }
    }

    fn show(&mut self, tab: Tab) {
        if self.hidden.contains(&tab) {
            return;
        }
        self.tab = tab;
        if let Some(panel) = PANELS.iter().find(|panel| panel.tab == tab) {
            self.shown[panel.place as usize] = Some(tab);
            for place in panel.place.with_column() {
                self.extents[*place as usize].folded = false;
            }
        }
    }
}

impl Slice for Frame {
    type Action = FrameAction;

    fn reduce(&mut self, action: FrameAction, _: &World) {
        match action {
            FrameAction::Show(tab) => self.show(tab),
            FrameAction::Resize(place, pixels) => {
                let extent = &mut self.extents[place as usize];
                extent.pixels = place.clamp(pixels);
                extent.folded = false;
            }
            FrameAction::Fold(place, folded) => self.extents[place as usize].folded = folded,
            FrameAction::GoTo(line, column) => {
                self.show(Tab::Manifests);
                let wish = self.goto.as_ref().map_or(0, |goto| goto.wish + 1);
                self.goto = Some(GoTo { line, column, wish });
            }
        }
    }

    fn hear(&mut self, event: &Event, _: &World) {
        // On a phone the way of the packet comes in the place of the text that it was sent from.
        if matches!(event, Event::Sent(_) | Event::Counted(_)) && self.tab == Tab::Manifests {
            self.tab = Tab::Journey;
        }
    }
}
