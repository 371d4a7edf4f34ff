//! What is compared with what.

use std::rc::Rc;

use lobby_engine::lab::{PolicyField, Variant};
use lobby_engine::network::{Journey, Request};
use lobby_engine::proxy::Mode;

use super::{Event, Slice};
use crate::world::World;

/// What the two runs differ in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Between {
    /// kube-proxy's mode.
    #[default]
    Modes,
    /// A traffic policy of the Service.
    Policies,
    /// Who sends.
    Clients,
    /// A journey that was kept, and the present one.
    BeforeAndNow,
}

impl Between {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Modes,
        Self::Policies,
        Self::Clients,
        Self::BeforeAndNow,
    ];

    /// The word for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Modes => "modes",
            Self::Policies => "policies",
            Self::Clients => "clients",
            Self::BeforeAndNow => "before and now",
        }
    }
}

/// What is compared with what.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareShown {
    /// What the two runs differ in.
    pub between: Between,
    /// The modes of the two.
    pub modes: [Mode; 2],
    /// Which policy the two differ in: `Cluster` in the one, `Local` in the other.
    pub policy: PolicyField,
    /// Who sends; without a choice whoever sent, and the next one.
    pub clients: [Option<Rc<str>>; 2],
    /// A journey that was kept.
    pub kept: Option<Rc<Journey>>,
}

impl Default for CompareShown {
    fn default() -> Self {
        Self {
            between: Between::default(),
            modes: [Mode::Iptables, Mode::Ipvs],
            policy: PolicyField::External,
            clients: [None, None],
            kept: None,
        }
    }
}

/// What a person chooses in the Compare panel.
#[derive(Clone, Debug)]
pub enum CompareAction {
    /// What the two runs differ in.
    Between(Between),
    /// The mode of one of the two.
    Mode(usize, Mode),
    /// Which policy.
    Policy(PolicyField),
    /// The client of one of the two.
    Client(usize, Rc<str>),
    /// Keep a journey, to be compared with later ones.
    Keep(Rc<Journey>),
}

impl CompareShown {
    /// How the run of one side differs from the lab: for the request that is compared, and the
    /// clients that there are.
    #[must_use]
    pub fn variant(&self, side: usize, request: &Request, world: &World) -> Option<Variant> {
        match self.between {
            Between::Modes => Some(Variant::Mode(self.modes[side])),
            Between::Policies | Between::BeforeAndNow => None,
            Between::Clients => Some(Variant::From(self.client(side, request, world).to_string())),
        }
    }

    /// Who sends on one side.
    #[must_use]
    pub fn client(&self, side: usize, request: &Request, world: &World) -> Rc<str> {
        let chosen = (self.clients[side].as_ref()).filter(|id| world.has_client(id));
        if let Some(chosen) = chosen {
            return chosen.clone();
        }
        let own = request.from.as_str();
        let other = (world.clients.iter()).find(|client| client.value != own);
        match (side, other) {
            (1, Some(other)) => Rc::from(other.value.as_str()),
            _ => Rc::from(own),
        }
    }
}

impl Slice for CompareShown {
    type Action = CompareAction;

    fn reduce(&mut self, action: CompareAction, _: &World) {
        match action {
            CompareAction::Between(between) => self.between = between,
            CompareAction::Mode(side, mode) => self.modes[side] = mode,
            CompareAction::Policy(policy) => self.policy = policy,
            CompareAction::Client(side, client) => self.clients[side] = Some(client),
            CompareAction::Keep(journey) => {
                self.kept = Some(journey);
                self.between = Between::BeforeAndNow;
            }
        }
    }

    fn hear(&mut self, event: &Event, _: &World) {
        if matches!(event, Event::Opened(..)) {
            self.kept = None;
        }
    }
}
