//! What is chosen on the stage.

use std::rc::Rc;

use lobby_engine::api::ObjectRef;

use super::{Event, Slice};
use crate::world::World;

/// What is chosen on the stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnStage {
    /// The Service that a person opened.
    pub open: Option<Rc<ObjectRef>>,
}

/// What a person does on the stage.
#[derive(Clone, Debug)]
pub enum StageAction {
    /// Open a Service.
    Open(ObjectRef),
}

impl Slice for OnStage {
    type Action = StageAction;

    fn reduce(&mut self, action: StageAction, _: &World) {
        match action {
            StageAction::Open(service) => self.open = Some(Rc::new(service)),
        }
    }

    fn hear(&mut self, event: &Event, _: &World) {
        match event {
            Event::Opened(..) | Event::Sent(_) | Event::Counted(_) => self.open = None,
            Event::Changed { world, .. } => {
                if let Some(open) = &self.open
                    && !world.has_desk(open)
                {
                    self.open = None;
                }
            }
            Event::NotSent(_) => {}
        }
    }
}
