//! What rules ask besides the packet and the host's settings: chance, and what rules remember.
//!
//! Both can make two like packets end differently, so asking leaves a note in the [`Trace`]. Rules
//! have no other way to them: a match that is added later cannot forget the note, by which
//! [`super::again`] knows what may be done again without the rules.

use super::chance::Chance;
use super::memory::Memory;
use super::trace::{Step, Trace};

/// Chance and memory, as rules come to them.
pub(crate) struct Asked<'a> {
    memory: &'a mut Memory,
    chance: &'a mut dyn Chance,
    /// What the evaluation says of itself.
    pub(crate) trace: &'a mut Trace,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(
        memory: &'a mut Memory,
        chance: &'a mut dyn Chance,
        trace: &'a mut Trace,
    ) -> Self {
        Self {
            memory,
            chance,
            trace,
        }
    }

    /// Draws against a threshold; see [`Chance::draw`].
    pub(crate) fn draw(&mut self, threshold: u32) -> u32 {
        let drawn = self.chance.draw(threshold);
        let smaller = drawn < threshold;
        self.trace.step(|| Step::Drew { threshold, smaller });
        drawn
    }

    /// Draws a number below `of`.
    pub(crate) fn choose(&mut self, of: u32) -> u32 {
        let chosen = self.chance.choose(of);
        self.trace.step(|| Step::Chose { of, chosen });
        chosen
    }

    /// What the rules remember, to be read or changed.
    pub(crate) fn memory(&mut self) -> &mut Memory {
        self.trace.note_alone();
        self.memory
    }

    /// The same where a rule only looks into a set to which no rule may add.
    pub(crate) fn memory_of_fixed_set(&self) -> &Memory {
        self.memory
    }
}
