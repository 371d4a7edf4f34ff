//! All that the page knows, in one place, and how it changes.
//!
//! The reducer is pure: what the engine says comes in as part of an action (see
//! [`crate::session`]). Larger parts are shared by `Rc`, so that a change of one leaves the others
//! the same thing to compare by pointer.

use std::rc::Rc;

use lobby_engine::api::ObjectRef;
use lobby_engine::net::Protocol;
use lobby_engine::network::{Journey, Location, Request};
use yew::Reducible;

use crate::links::{Focus, Pointer};
use crate::prefs::{Motion, Prefs, Skin, Speed, Theme};
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

/// Which panel is seen where there is room for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// The journey.
    #[default]
    Journey,
    /// The rules.
    Rules,
    /// The names.
    Names,
    /// The manifests.
    Manifests,
}

/// What the Rules panel shows of a Node's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleScope {
    /// What the packet met, in its order.
    Met,
    /// The whole text.
    All,
}

/// What the Rules panel shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesShown {
    /// The Node that a person chose; without one, the Node of the present hop.
    pub node: Option<Rc<str>>,
    /// The table; empty for all.
    pub table: Rc<str>,
    /// Met or all; without a choice, what the packet met once there is a packet.
    pub scope: Option<RuleScope>,
    /// What is searched for.
    pub search: Rc<str>,
}

/// All that the page knows.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Looks and motion.
    pub prefs: Prefs,
    /// What is in the editor.
    pub text: Rc<str>,
    /// What the engine made of it.
    pub world: Rc<World>,
    /// Where the draws come from.
    pub seed: u64,
    /// What is asked for.
    pub draft: Draft,
    /// The answer to the last thing asked for.
    pub journey: Option<Rc<Journey>>,
    /// Why the last thing asked for could not be sent.
    pub refusal: Option<Rc<str>>,
    /// Whether a journey was put away because the world changed under it.
    pub outdated: bool,
    /// The hop that is shown, from 1; 0 without a journey.
    pub hop: usize,
    /// Whether it plays.
    pub playing: bool,
    /// The Service that is open on the stage.
    pub open: Option<Rc<ObjectRef>>,
    /// What is pointed at.
    pub pointer: Pointer,
    /// What the Rules panel shows.
    pub rules: RulesShown,
    /// Which panel is seen where there is room for one.
    pub tab: Tab,
    /// Whether the names are seen in the place of the rules, where there is room for both columns.
    pub names: bool,
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Action {
    /// Light or dark.
    Theme(Theme),
    /// Hotel or cluster.
    Skin(Skin),
    /// How much moves.
    Motion(Motion),
    /// How fast it plays.
    Speed(Speed),
    /// The text changed; the engine has not read it yet.
    Typed(Rc<str>),
    /// The engine read the text. The flag says whether the last journey still holds.
    Read(Rc<World>, bool),
    /// The lab began anew with this text.
    Opened(Rc<str>, Rc<World>),
    /// The lab draws from this seed now. The flag says whether the last journey still holds.
    Seeded(u64, Rc<World>, bool),
    /// Another sender.
    From(Rc<str>),
    /// Another target.
    To(Rc<str>),
    /// Another protocol.
    Protocol(Protocol),
    /// A packet was sent.
    Sent(Rc<Journey>),
    /// A packet could not be sent.
    NotSent(Rc<str>),
    /// Along the journey.
    Step(Step),
    /// Play or pause.
    Play(bool),
    /// Open a Service on the stage.
    Open(ObjectRef),
    /// Point at something, or at nothing.
    Over(Option<Focus>),
    /// Pin it; the same once more lets go.
    Pin(Focus),
    /// Let go.
    Release,
    /// Another Node's rules.
    RulesNode(Rc<str>),
    /// Another table.
    RulesTable(Rc<str>),
    /// Met or all.
    RulesScope(RuleScope),
    /// Search.
    RulesSearch(Rc<str>),
    /// Another panel.
    Tab(Tab),
}

impl State {
    /// A fresh page.
    #[must_use]
    pub fn new(prefs: Prefs, text: Rc<str>, seed: u64, world: Rc<World>) -> Self {
        let draft = Draft::suggested(&world);
        Self {
            prefs,
            text,
            world,
            seed,
            draft,
            journey: None,
            refusal: None,
            outdated: false,
            hop: 0,
            playing: false,
            open: None,
            pointer: Pointer::default(),
            rules: RulesShown::default(),
            tab: Tab::default(),
            names: false,
        }
    }

    /// How many hops there are.
    #[must_use]
    pub fn hops(&self) -> usize {
        self.journey
            .as_ref()
            .map_or(0, |journey| journey.hops.len())
    }

    /// The Node whose rules are shown: the chosen one, else that of the present hop or of the last
    /// one before it that was on a Node, else the first.
    #[must_use]
    pub fn rules_node(&self) -> Rc<str> {
        let chosen = self
            .rules
            .node
            .as_ref()
            .filter(|node| self.world.nodes.contains(node));
        if let Some(node) = chosen {
            return node.clone();
        }
        let walked = self
            .journey
            .as_ref()
            .and_then(|journey| journey.hops.get(..self.hop))
            .unwrap_or_default()
            .iter()
            .rev()
            .find_map(|hop| match &hop.at {
                Location::Node { name } => Some(name.as_str()),
                _ => None,
            });
        match walked {
            Some(node) => Rc::from(node),
            None => self.world.nodes.first().cloned().unwrap_or_default(),
        }
    }

    /// The Service whose desk is open: the one that a person opened or pinned, else the one that the
    /// packet went to, else the first that a manifest made.
    #[must_use]
    pub fn open_service(&self) -> Option<ObjectRef> {
        let desks = &self.world.scene.desks;
        let is_desk = |object: &ObjectRef| desks.iter().any(|desk| desk.service == *object);
        let pinned = match self.pointer.pinned.as_deref() {
            Some(Focus::Object(object)) => Some(object),
            _ => None,
        };
        let walked = || {
            let hops = &self.journey.as_ref()?.hops;
            hops.iter()
                .flat_map(|hop| &hop.origins)
                .map(|origin| &origin.object)
                .find(|object| is_desk(object))
        };
        let written = || {
            desks
                .iter()
                .find(|desk| !desk.of_the_cluster)
                .map(|desk| &desk.service)
        };
        pinned
            .filter(|object| is_desk(object))
            .or(self.open.as_deref())
            .or_else(walked)
            .or_else(written)
            .cloned()
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

    fn forget_journey(&mut self) {
        self.journey = None;
        self.refusal = None;
        self.hop = 0;
        self.playing = false;
    }

    fn take_world(&mut self, world: Rc<World>) {
        self.world = world;
        // A sender that is gone cannot send. A target stays: that nobody is there any more is what
        // a person may want to see.
        if !self.world.has_client(&self.draft.from) || self.draft.to.is_empty() {
            self.draft = Draft::suggested(&self.world);
        }
        if let Some(open) = &self.open
            && !self
                .world
                .scene
                .desks
                .iter()
                .any(|desk| desk.service == **open)
        {
            self.open = None;
        }
    }
}

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut state = (*self).clone();
        match action {
            Action::Theme(theme) => state.prefs.theme = theme,
            Action::Skin(skin) => state.prefs.skin = skin,
            Action::Motion(motion) => state.prefs.motion = motion,
            Action::Speed(speed) => state.prefs.speed = speed,
            Action::Typed(text) => state.text = text,
            Action::Read(world, holds) => {
                state.take_world(world);
                if !holds {
                    state.outdated = state.outdated || state.journey.is_some();
                    state.forget_journey();
                }
            }
            Action::Opened(text, world) => {
                state.text = text;
                state.draft = Draft::suggested(&world);
                state.take_world(world);
                state.forget_journey();
                state.outdated = false;
                state.open = None;
                state.pointer = Pointer::default();
                state.rules.node = None;
            }
            Action::Seeded(seed, world, holds) => {
                state.seed = seed;
                // Addresses are drawn too: a target by address may be nobody's now.
                state.draft = Draft::suggested(&world);
                state.take_world(world);
                if !holds {
                    state.outdated = state.outdated || state.journey.is_some();
                    state.forget_journey();
                }
            }
            Action::From(from) => state.draft.from = from,
            Action::To(to) => {
                if let Some(protocol) = state.world.protocol_of(&to) {
                    state.draft.protocol = protocol;
                }
                state.draft.to = to;
            }
            Action::Protocol(protocol) => state.draft.protocol = protocol,
            Action::Sent(journey) => {
                state.hop = journey.hops.len().min(1);
                state.playing = journey.hops.len() > 1;
                state.journey = Some(journey);
                state.refusal = None;
                state.outdated = false;
                state.rules.node = None;
                state.pointer = Pointer::default();
                state.open = None;
                if state.tab == Tab::Manifests {
                    state.tab = Tab::Journey;
                }
            }
            Action::NotSent(why) => {
                state.forget_journey();
                state.refusal = Some(why);
                state.outdated = false;
            }
            Action::Step(step) => state.step(step),
            Action::Play(play) => {
                let last = state.hops();
                if play && last > 0 && state.hop == last {
                    state.hop = 1;
                }
                state.playing = play && last > 1;
            }
            Action::Open(service) => state.open = Some(Rc::new(service)),
            Action::Over(focus) => {
                if state.pointer.over.as_deref() == focus.as_ref() {
                    return self;
                }
                state.pointer.over = focus.map(Rc::new);
            }
            Action::Pin(focus) => {
                state.pointer.pinned = if state.pointer.pinned.as_deref() == Some(&focus) {
                    None
                } else {
                    Some(Rc::new(focus))
                };
            }
            Action::Release => {
                if state.pointer == Pointer::default() {
                    return self;
                }
                state.pointer = Pointer::default();
            }
            Action::RulesNode(node) => state.rules.node = Some(node),
            Action::RulesTable(table) => state.rules.table = table,
            Action::RulesScope(scope) => state.rules.scope = Some(scope),
            Action::RulesSearch(search) => state.rules.search = search,
            Action::Tab(tab) => {
                state.tab = tab;
                match tab {
                    Tab::Names => state.names = true,
                    Tab::Rules => state.names = false,
                    Tab::Journey | Tab::Manifests => {}
                }
            }
        }
        Rc::new(state)
    }
}
