//! All that the page knows, in one place, and how it changes.
//!
//! Each part of the page has a slice of its own: a struct, the actions that change it, and how it
//! does ([`Slice`]). What the engine says comes in as an [`Event`] (see [`crate::session`]) that
//! every slice hears. The reducers are pure. Larger parts are shared by `Rc`, so that a change of
//! one leaves the others the same thing to compare by pointer.
//!
//! A new panel adds: its slice here (a file, a field of [`State`], a variant of [`Action`], its
//! lines in `reduce`), its component in [`crate::panels`], and its row in
//! [`crate::frame::PANELS`].

mod compare;
mod console;
mod doctor;
mod draft;
mod endpoints;
mod frame;
mod lesson;
mod notice;
mod pointer;
mod rules;
mod stage;
mod walk;

use std::rc::Rc;

use lobby_engine::api::ObjectRef;
use lobby_engine::network::{Journey, Tally};
use yew::Reducible;

pub use compare::{Between, CompareAction, CompareShown};
pub use console::{Console, ConsoleAction, Entry};
pub use doctor::{Doctor, DoctorAction};
pub use draft::{Draft, DraftAction};
pub use endpoints::{EndpointsAction, EndpointsShown};
pub use frame::{Extent, Frame, FrameAction, Tab};
pub use lesson::{Checked, Course, CourseAction, Fetched, Open, Pasted};
pub use notice::{Notice, NoticeAction};
pub use pointer::PointerAction;
pub use rules::{RuleScope, RulesAction, RulesShown};
pub use stage::{OnStage, StageAction};
pub use walk::{Step, Walk, WalkAction};

use crate::links::{Focus, Pointer};
use crate::prefs::{Motion, Prefs, Skin, Speed, Theme};
use crate::world::World;

/// A part of the state.
pub trait Slice {
    /// What a person does with it.
    type Action;

    /// Does it. `world` is the present one.
    fn reduce(&mut self, action: Self::Action, world: &World);

    /// Takes in what the engine said. `before` is the world until now: a new one is in the event.
    fn hear(&mut self, _event: &Event, _before: &World) {}
}

/// What the engine said.
#[derive(Clone, Debug)]
pub enum Event {
    /// The world changed: by an edit, a command, a setting, or time.
    Changed {
        /// It.
        world: Rc<World>,
        /// Whether the last journey still holds.
        holds: bool,
    },
    /// The lab began anew with this text.
    Opened(Rc<str>, Rc<World>),
    /// A packet was sent.
    Sent(Rc<Journey>),
    /// Many requests were sent.
    Counted(Rc<Tally>),
    /// A packet could not be sent.
    NotSent(Rc<str>),
}

/// What a person chooses about looks and motion.
#[derive(Clone, Copy, Debug)]
pub enum PrefsAction {
    /// Light or dark.
    Theme(Theme),
    /// Hotel or cluster.
    Skin(Skin),
    /// How much moves.
    Motion(Motion),
    /// How fast it plays.
    Speed(Speed),
}

impl Slice for Prefs {
    type Action = PrefsAction;

    fn reduce(&mut self, action: PrefsAction, _: &World) {
        match action {
            PrefsAction::Theme(theme) => self.theme = theme,
            PrefsAction::Skin(skin) => self.skin = skin,
            PrefsAction::Motion(motion) => self.motion = motion,
            PrefsAction::Speed(speed) => self.speed = speed,
        }
    }
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
    /// Which panels are seen.
    pub frame: Frame,
    /// What is asked for.
    pub draft: Draft,
    /// The answer to it.
    pub walk: Walk,
    /// What is pointed at.
    pub pointer: Pointer,
    /// What is chosen on the stage.
    pub stage: OnStage,
    /// What the Rules panel shows.
    pub rules: RulesShown,
    /// The course.
    pub course: Course,
    /// What was just done.
    pub notice: Option<Notice>,
    /// What the Endpoints panel shows.
    pub endpoints: EndpointsShown,
    /// What is compared with what.
    pub compare: CompareShown,
    /// The console.
    pub console: Console,
    /// What the doctor found.
    pub doctor: Doctor,
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Action {
    /// The engine said something.
    Event(Event),
    /// The text changed; the engine has not read it yet.
    Typed(Rc<str>),
    /// Looks and motion.
    Prefs(PrefsAction),
    /// Which panels are seen.
    Frame(FrameAction),
    /// What is asked for.
    Draft(DraftAction),
    /// The journey.
    Walk(WalkAction),
    /// What is pointed at.
    Pointer(PointerAction),
    /// The stage.
    Stage(StageAction),
    /// The Rules panel.
    Rules(RulesAction),
    /// The course.
    Course(CourseAction),
    /// What was just done.
    Notice(NoticeAction),
    /// The Endpoints panel.
    Endpoints(EndpointsAction),
    /// The Compare panel.
    Compare(CompareAction),
    /// The console.
    Console(ConsoleAction),
    /// The doctor.
    Doctor(DoctorAction),
}

/// Every slice's actions are actions of the page.
macro_rules! actions {
    ($($of:ident $variant:ident,)+) => {
        $(impl From<$of> for Action {
            fn from(action: $of) -> Self {
                Self::$variant(action)
            }
        })+
    };
}

actions! {
    Event Event,
    PrefsAction Prefs,
    FrameAction Frame,
    DraftAction Draft,
    WalkAction Walk,
    PointerAction Pointer,
    StageAction Stage,
    RulesAction Rules,
    CourseAction Course,
    NoticeAction Notice,
    EndpointsAction Endpoints,
    CompareAction Compare,
    ConsoleAction Console,
    DoctorAction Doctor,
}

impl State {
    /// A fresh page.
    #[must_use]
    pub fn new(prefs: Prefs, frame: Frame, text: Rc<str>, world: Rc<World>) -> Self {
        let draft = Draft::suggested(&world);
        Self {
            prefs,
            text,
            world,
            frame,
            draft,
            walk: Walk::default(),
            pointer: Pointer::default(),
            stage: OnStage::default(),
            rules: RulesShown::default(),
            course: Course::load(),
            notice: None,
            endpoints: EndpointsShown::default(),
            compare: CompareShown::default(),
            console: Console::default(),
            doctor: Doctor::default(),
        }
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
        match (chosen, self.walk.node()) {
            (Some(node), _) => node.clone(),
            (None, Some(node)) => Rc::from(node),
            (None, None) => self.world.nodes.first().cloned().unwrap_or_default(),
        }
    }

    /// The Service whose desk is open: the one that a person opened or pinned, else the one that the
    /// packet went to, else the first that a manifest made.
    #[must_use]
    pub fn open_service(&self) -> Option<ObjectRef> {
        self.open_service_with(None)
    }

    /// The same where, in the place of a journey, one of many requests tells the way.
    #[must_use]
    pub fn open_service_with(&self, sample: Option<&Journey>) -> Option<ObjectRef> {
        let desks = &self.world.scene.desks;
        let pinned = match self.pointer.pinned.as_deref() {
            Some(Focus::Object(object)) => Some(object),
            _ => None,
        };
        let walked = || {
            let hops = &self.walk.journey.as_deref().or(sample)?.hops;
            hops.iter()
                .flat_map(|hop| &hop.origins)
                .map(|origin| &origin.object)
                .find(|object| self.world.has_desk(object))
        };
        let written = || {
            desks
                .iter()
                .find(|desk| !desk.of_the_cluster)
                .map(|desk| &desk.service)
        };
        pinned
            .filter(|object| self.world.has_desk(object))
            .or(self.stage.open.as_deref())
            .or_else(walked)
            .or_else(written)
            .cloned()
    }

    fn hear(&mut self, event: &Event) {
        let before = self.world.clone();
        self.frame.hear(event, &before);
        self.draft.hear(event, &before);
        self.walk.hear(event, &before);
        self.pointer.hear(event, &before);
        self.stage.hear(event, &before);
        self.rules.hear(event, &before);
        self.course.hear(event, &before);
        self.endpoints.hear(event, &before);
        self.compare.hear(event, &before);
        self.console.hear(event, &before);
        self.doctor.hear(event, &before);
        match event {
            Event::Changed { world, .. } => self.world = world.clone(),
            Event::Opened(text, world) => {
                self.text = text.clone();
                self.world = world.clone();
            }
            Event::Sent(_) | Event::Counted(_) | Event::NotSent(_) => {}
        }
    }
}

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut state = (*self).clone();
        let world = &self.world;
        match action {
            Action::Event(event) => state.hear(&event),
            Action::Typed(text) => state.text = text,
            Action::Prefs(action) => state.prefs.reduce(action, world),
            Action::Frame(action) => state.frame.reduce(action, world),
            Action::Draft(action) => state.draft.reduce(action, world),
            Action::Walk(action) => state.walk.reduce(action, world),
            Action::Pointer(action) => state.pointer.reduce(action, world),
            Action::Stage(action) => state.stage.reduce(action, world),
            Action::Rules(action) => state.rules.reduce(action, world),
            Action::Course(action) => state.course.reduce(action, world),
            Action::Notice(action) => state.notice = notice::reduce(self.notice.as_ref(), action),
            Action::Endpoints(action) => state.endpoints.reduce(action, world),
            Action::Compare(action) => state.compare.reduce(action, world),
            Action::Console(action) => state.console.reduce(action, world),
            Action::Doctor(action) => state.doctor.reduce(action, world),
        }
        Rc::new(state)
    }
}
