//! The answer to the last thing asked for, and the hop of it that is shown.

use std::rc::Rc;

use lobby_engine::network::{Journey, Location, Tally};

use super::{Event, Slice};
use crate::world::World;

/// A move along the journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the first hop.
    First,
    /// One hop back.
    Back,
    /// One hop on.
    Next,
    /// To the last hop.
    Last,
    /// To this hop, from 1.
    To(usize),
    /// One hop on, by the clock and not by the person.
    Tick,
}

/// The answer to the last thing asked for, and the hop of it that is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Walk {
    /// The answer to the last thing asked for.
    pub journey: Option<Rc<Journey>>,
    /// What became of the requests, when there were many.
    pub tally: Option<Rc<Tally>>,
    /// Why the last thing asked for could not be sent.
    pub refusal: Option<Rc<str>>,
    /// Whether a journey was put away because the world changed under it.
    pub outdated: bool,
    /// The hop that is shown, from 1; 0 without a journey.
    pub hop: usize,
    /// Whether it plays.
    pub playing: bool,
}

/// What a person does with a journey.
#[derive(Clone, Copy, Debug)]
pub enum WalkAction {
    /// Along it.
    Step(Step),
    /// Play or pause.
    Play(bool),
}

impl Walk {
    /// How many hops there are.
    #[must_use]
    pub fn hops(&self) -> usize {
        self.journey
            .as_ref()
            .map_or(0, |journey| journey.hops.len())
    }

    /// The Node of the present hop, or of the last one before it that was on a Node.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        self.journey
            .as_ref()?
            .hops
            .get(..self.hop)?
            .iter()
            .rev()
            .find_map(|hop| match &hop.at {
                Location::Node { name } => Some(name.as_str()),
                _ => None,
            })
    }

    fn step(&mut self, step: Step) {
        let last = self.hops();
        if last == 0 {
            return;
        }
        let next = match step {
            Step::First => 1,
            Step::Back => self.hop.saturating_sub(1),
            Step::Next | Step::Tick => self.hop + 1,
            Step::Last => last,
            Step::To(hop) => hop,
        };
        self.hop = next.clamp(1, last);
        if step != Step::Tick || self.hop == last {
            self.playing = false;
        }
    }
}

impl Slice for Walk {
    type Action = WalkAction;

    fn reduce(&mut self, action: WalkAction, _: &World) {
        match action {
            WalkAction::Step(step) => self.step(step),
            WalkAction::Play(play) => {
                let last = self.hops();
                if play && last > 0 && self.hop == last {
                    self.hop = 1;
                }
                self.playing = play && last > 1;
            }
        }
    }

    fn hear(&mut self, event: &Event, _: &World) {
        match event {
            Event::Opened(..) => *self = Self::default(),
            Event::Changed { holds: true, .. } => {}
            Event::Changed { holds: false, .. } => {
                *self = Self {
                    outdated: self.outdated || self.journey.is_some() || self.tally.is_some(),
                    ..Self::default()
                };
            }
            Event::Sent(journey) => {
                *self = Self {
                    hop: journey.hops.len().min(1),
                    playing: journey.hops.len() > 1,
                    journey: Some(journey.clone()),
                    ..Self::default()
                };
            }
            Event::Counted(tally) => {
                *self = Self {
                    tally: Some(tally.clone()),
                    ..Self::default()
                };
            }
            Event::NotSent(why) => {
                *self = Self {
                    refusal: Some(why.clone()),
                    ..Self::default()
                };
            }
        }
    }
}
