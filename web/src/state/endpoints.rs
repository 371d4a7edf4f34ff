//! What the Endpoints panel shows.

use std::rc::Rc;

use lobby_engine::api::ObjectRef;

use super::{Event, Slice};
use crate::world::World;

/// What the Endpoints panel shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointsShown {
    /// The Service that a person chose; without one, the Service that is open on the stage.
    pub service: Option<Rc<ObjectRef>>,
}

/// What a person chooses in the Endpoints panel.
#[derive(Clone, Debug)]
pub enum EndpointsAction {
    /// Another Service.
    Service(ObjectRef),
}

impl Slice for EndpointsShown {
    type Action = EndpointsAction;

    fn reduce(&mut self, action: EndpointsAction, _: &World) {
        match action {
            EndpointsAction::Service(service) => self.service = Some(Rc::new(service)),
        }
    }

    fn hear(&mut self, event: &Event, _: &World) {
        match event {
            // A packet to another Service brings that one.
            Event::Opened(..) | Event::Sent(_) | Event::Counted(_) => self.service = None,
            Event::Changed { world, .. } => {
                if self
                    .service
                    .as_ref()
                    .is_some_and(|own| !world.has_desk(own))
                {
                    self.service = None;
                }
            }
            Event::NotSent(_) => {}
        }
    }
}
