//! What is pointed at and what is pinned, as it changes.

use std::rc::Rc;

use super::{Event, Slice};
use crate::links::{Focus, Pointer};
use crate::world::World;

/// What a person points at.
#[derive(Clone, Debug)]
pub enum PointerAction {
    /// Point at something, or at nothing.
    Over(Option<Focus>),
    /// Pin it; the same once more lets go.
    Pin(Focus),
    /// Let go.
    Release,
}

impl Slice for Pointer {
    type Action = PointerAction;

    fn reduce(&mut self, action: PointerAction, _: &World) {
        match action {
            PointerAction::Over(focus) => {
                if self.over.as_deref() != focus.as_ref() {
                    self.over = focus.map(Rc::new);
                }
            }
            PointerAction::Pin(focus) => {
                self.pinned = if self.pinned.as_deref() == Some(&focus) {
                    None
                } else {
                    Some(Rc::new(focus))
                };
            }
            PointerAction::Release => *self = Self::default(),
        }
    }

    fn hear(&mut self, event: &Event, _: &World) {
        if matches!(
            event,
            Event::Opened(..) | Event::Sent(_) | Event::Counted(_)
        ) {
            *self = Self::default();
        }
    }
}
