//! What stands around the Services' rules, and where they go between it.

use std::ops::Range;

use super::out::{Mark, Out};

/// How many parts a Service's text has at most: in IPVS mode.
pub(super) const SEGMENTS: usize = super::ipvs::segment::COUNT;

/// The fixed text of a mode, with the places where each Service's segments are put in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub text: String,
    pub marks: Vec<Mark>,
    pub parts: Vec<Part>,
}

/// A part of a whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Bytes of the frame's own text.
    Fixed(Range<usize>),
    /// These segments of every Service in turn.
    Services(Range<usize>),
}

impl Frame {
    /// Adds fixed text.
    pub(super) fn fixed(&mut self, write: impl FnOnce(&mut Out<'_>)) {
        let start = self.text.len();
        write(&mut Out {
            text: &mut self.text,
            marks: Some(&mut self.marks),
            port: 0,
        });
        self.parts.push(Part::Fixed(start..self.text.len()));
    }

    /// Puts segments of every Service here: from the first to the last.
    pub(super) fn services(&mut self, first: usize, last: usize) {
        self.parts.push(Part::Services(first..last + 1));
    }
}
