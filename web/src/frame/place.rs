//! Where panels stand when there is room for all of them, and how large they may be.

/// A place beside the stage. Several panels of one place stand behind tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The left column.
    Left,
    /// The upper part of the left column: there only while one of its panels is.
    Guide,
    /// The right column, its upper part.
    Right,
    /// The right column, its lower part.
    Lower,
    /// The foot of the page, as wide as it is. Folded, it keeps one line.
    Foot,
}

/// The least and the largest extent in CSS pixels, the usual one, and the usual one where there is
/// much room.
struct Measures {
    least: u32,
    most: u32,
    usual: u32,
    roomy: u32,
}

/// From this window width in CSS pixels on there is much room.
const ROOMY: u32 = 1800;

impl Place {
    /// All places.
    pub const ALL: [Self; 5] = [
        Self::Left,
        Self::Guide,
        Self::Right,
        Self::Lower,
        Self::Foot,
    ];

    /// The word in storage, in classes and in the names of style properties.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Guide => "guide",
            Self::Right => "right",
            Self::Lower => "lower",
            Self::Foot => "foot",
        }
    }

    /// What people call its edge.
    #[must_use]
    pub fn edge(self) -> &'static str {
        match self {
            Self::Left => "Width of the manifests",
            Self::Guide => "Height of the lesson",
            Self::Right => "Width of the inspector",
            Self::Lower => "Height of the lower inspector",
            Self::Foot => "Height of the console",
        }
    }

    /// Whether its extent is a width.
    #[must_use]
    pub fn is_column(self) -> bool {
        matches!(self, Self::Left | Self::Right)
    }

    /// The columns and parts that must be unfolded for it to be seen.
    #[must_use]
    pub fn with_column(self) -> &'static [Self] {
        match self {
            Self::Left => &[Self::Left],
            Self::Guide => &[Self::Left, Self::Guide],
            Self::Right => &[Self::Right],
            Self::Lower => &[Self::Right, Self::Lower],
            Self::Foot => &[Self::Foot],
        }
    }

    fn measures(self) -> Measures {
        let (least, most, usual, roomy) = match self {
            Self::Left => (200, 720, 296, 400),
            Self::Guide => (120, 900, 440, 520),
            Self::Right => (280, 900, 388, 480),
            Self::Lower => (120, 900, 340, 460),
            Self::Foot => (96, 900, 220, 280),
        };
        Measures {
            least,
            most,
            usual,
            roomy,
        }
    }

    /// The extent nearest to this one that is allowed.
    #[must_use]
    pub fn clamp(self, pixels: u32) -> u32 {
        let measures = self.measures();
        pixels.clamp(measures.least, measures.most)
    }

    /// The least and the largest extent.
    #[must_use]
    pub fn bounds(self) -> (u32, u32) {
        let measures = self.measures();
        (measures.least, measures.most)
    }

    /// The extent of a first visit in a window of this width.
    #[must_use]
    pub fn usual(self, window: u32) -> u32 {
        let measures = self.measures();
        if window >= ROOMY {
            measures.roomy
        } else {
            measures.usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_stand_in_their_order_and_their_usual_extent_is_allowed() {
        for (index, place) in Place::ALL.into_iter().enumerate() {
            assert_eq!(place as usize, index);
            for window in [320, 1100, 1440, 3840] {
                assert_eq!(place.clamp(place.usual(window)), place.usual(window));
            }
        }
    }
}
