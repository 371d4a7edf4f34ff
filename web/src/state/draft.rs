//! What is asked for in the send bar.

use std::rc::Rc;

use lobby_engine::net::Protocol;
use lobby_engine::network::Request;

use super::{Event, Slice};
use crate::world::World;

/// What is asked for in the send bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Who sends.
    pub from: Rc<str>,
    /// Where to.
    pub to: Rc<str>,
    /// What is sent.
    pub protocol: Protocol,
    /// Whether it is a ping, and no connection.
    pub ping: bool,
    /// How many of it.
    pub count: u32,
    /// Whether the connection stays open for the next one.
    pub keep_alive: bool,
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
    /// A ping.
    Ping,
    /// So many of it.
    Count(u32),
    /// Whether the connection stays open for the next one.
    KeepAlive(bool),
    /// This request.
    Request(Request),
}

impl Draft {
    /// What a fresh world offers.
    #[must_use]
    pub fn suggested(world: &World) -> Self {
        match &world.suggestion {
            Some(request) => Self::of(request),
            None => Self {
                from: world
                    .clients
                    .first()
                    .map(|client| Rc::from(client.value.as_str()))
                    .unwrap_or_default(),
                to: Rc::default(),
                protocol: Protocol::Tcp,
                ping: false,
                count: 1,
                keep_alive: false,
            },
        }
    }

    /// What asks for this once.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        Self {
            from: Rc::from(request.from.as_str()),
            to: Rc::from(request.to.as_str()),
            protocol: request.protocol,
            ping: false,
            count: 1,
            keep_alive: false,
        }
    }

    /// As the engine takes it.
    #[must_use]
    pub fn request(&self) -> Request {
        let request = Request {
            from: self.from.to_string(),
            to: self.to.trim().to_owned(),
            protocol: self.protocol,
        };
        if self.ping {
            request.pinging()
        } else {
            request
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
            DraftAction::Protocol(protocol) => {
                self.protocol = protocol;
                self.ping = false;
            }
            DraftAction::Ping => self.ping = true,
            DraftAction::Count(count) => self.count = count,
            DraftAction::KeepAlive(keep_alive) => self.keep_alive = keep_alive,
            DraftAction::Request(request) => *self = Self::of(&request),
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
            Event::Sent(_) | Event::Counted(_) | Event::NotSent(_) => {}
        }
    }
}
