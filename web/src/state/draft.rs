//! What is asked for in the send bar.

use std::rc::Rc;

use lobby_engine::net::Protocol;
use lobby_engine::network::Request;

use super::{Event, Slice};
use crate::session::World;

/// What is asked for in the send bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who sends.
    pub from: Rc<str>,
    /// Where to.
    pub to: Rc<str>,
    /// What is sent.
    pub protocol: Protocol,
}

/// What a person changes in the send bar.
#[derive(Clone, Debug)]
pub enum DraftAction {
    /// Another sender.
    From(Rc<str>),
    /// Another target.
    To(Rc<str>),
    /// Another protocol.
    Protocol(Protocol),
}

impl Draft {
    /// What a fresh world offers.
    #[must_use]
    pub fn suggested(world: &World) -> Self {
        match &world.suggestion {
            Some(request) => Self {
                from: Rc::from(request.from.as_str()),
                to: Rc::from(request.to.as_str()),
                protocol: request.protocol,
            },
            None => Self {
                from: world
                    .clients
                    .first()
                    .map(|client| Rc::from(client.value.as_str()))
                    .unwrap_or_default(),
                to: Rc::default(),
                protocol: Protocol::Tcp,
            },
        }
    }

    /// As the engine takes it.
    #[must_use]
    pub fn request(&self) -> Request {
        Request {
            from: self.from.to_string(),
            to: self.to.trim().to_owned(),
            protocol: self.protocol,
        }
    }
}

impl Slice for Draft {
    type Action = DraftAction;

    fn reduce(&mut self, action: DraftAction, world: &World) {
        match action {
            DraftAction::From(from) => self.from = from,
            DraftAction::To(to) => {
                if let Some(protocol) = world.protocol_of(&to) {
                    self.protocol = protocol;
                }
                self.to = to;
            }
            DraftAction::Protocol(protocol) => self.protocol = protocol,
        }
    }

    fn hear(&mut self, event: &Event, before: &World) {
        match event {
            Event::Opened(_, world) => *self = Self::suggested(world),
            // A sender that is gone cannot send. A target stays: that nobody is there any more is
            // what a person may want to see. Under another seed addresses are others: a target by
            // address may be nobody's now.
            Event::Changed { world, .. } => {
                if !world.has_client(&self.from) || self.to.is_empty() || world.seed != before.seed
                {
                    *self = Self::suggested(world);
                }
            }
            Event::Sent(_) | Event::NotSent(_) => {}
        }
    }
}
