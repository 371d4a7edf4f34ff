//! The page's side of the engine's session.
//!
//! [`lobby_engine::lab::Lab`] is the only thing that changes in place; it lives here. Everything
//! else gets results: values that a [`State`] can hold and compare.

use std::cell::{Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use lobby_engine::api::{FieldPath, ObjectRef, Origin};
use lobby_engine::dns::Record;
use lobby_engine::doctor::{self, Finding, Options};
use lobby_engine::lab::{ClientNames, Details, Lab, Mischief, Scene, Wanted};
use lobby_engine::net::IpFamily;
use lobby_engine::netfilter::RuleAt;
use lobby_engine::network::{Journey, NameLookup, Request, Tally};
use lobby_engine::proxy::Mode;
use yew::UseReducerHandle;

use crate::links::{Focus, Lit, related};
use crate::prefs;
pub use crate::rule_view::RuleText;
use crate::rule_view::{rules_of_all, same_rules};
use crate::stage::Offer;
use crate::state::{
    Action, DoctorAction, DraftAction, Event, FrameAction, NoticeAction, PointerAction, State,
};
use crate::world::World;

mod console;

struct Inner {
    lab: RefCell<Lab>,
    /// The text that the engine read last.
    read: RefCell<Rc<str>>,
    /// What is kept of what was done: the seed and the lines.
    kept: RefCell<(u64, Vec<String>)>,
    /// The picture that is shown.
    scene: RefCell<Rc<Scene>>,
    /// The rules of every Node before the last change that changed any.
    before: RefCell<Vec<RuleText>>,
    /// What was asked for, where its journey is shown, which a change may outdate.
    asked: RefCell<Option<Request>>,
    /// The state as it was rendered last, and where results go.
    state: RefCell<Option<UseReducerHandle<State>>>,
}

/// The session: asks the engine and reports to the state.
#[derive(Clone)]
pub struct Session(Rc<Inner>);

impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Session {
    /// A session of a lab that began with this text, and what the engine made of it.
    #[must_use]
    pub fn of(lab: Lab, text: &str) -> (Self, Rc<World>) {
        let world = Rc::new(World::at_first(&lab));
        let inner = Inner {
            lab: RefCell::new(lab),
            read: RefCell::new(Rc::from(text)),
            kept: RefCell::default(),
            scene: RefCell::new(world.scene.clone()),
            before: RefCell::default(),
            asked: RefCell::default(),
            state: RefCell::new(None),
        };
        (Self(Rc::new(inner)), world)
    }

    /// Has the rules written, which the first picture does without, and reports the world with them.
    pub(crate) fn write_rules(&self) {
        let world = Rc::new(World::of(&self.lab(), None));
        *self.0.scene.borrow_mut() = world.scene.clone();
        self.dispatch(Event::Changed { world, holds: true });
    }

    /// Keeps what the page began with, for the case that it breaks.
    pub fn keep(&self) {
        let lab = self.lab();
        prefs::save_good_text(&self.0.read.borrow());
        let (seed, lines) = (lab.settings().seed, lab.lines().to_vec());
        prefs::save_good_story(seed, &lines);
        *self.0.kept.borrow_mut() = (seed, lines);
    }

    /// Says where results go, and what the page knows now. Called by each render.
    pub fn follow(&self, state: &UseReducerHandle<State>) {
        *self.0.state.borrow_mut() = Some(state.clone());
    }

    /// What the page knew at its last render.
    pub(crate) fn state(&self) -> Option<UseReducerHandle<State>> {
        // Cloned: a dispatch may render, and rendering may ask the session again.
        self.0.state.borrow().clone()
    }

    /// The lab, to be asked.
    pub(crate) fn lab(&self) -> Ref<'_, Lab> {
        self.0.lab.borrow()
    }

    /// Reports.
    pub fn dispatch(&self, action: impl Into<Action>) {
        if let Some(state) = self.state() {
            state.dispatch(action.into());
        }
    }

    /// Shows a field in the editor, and lights what has to do with it.
    pub fn show(&self, origin: Origin) {
        if let Some((line, column)) = self.place(&origin) {
            self.dispatch(PointerAction::Pin(Focus::Field(origin)));
            self.dispatch(FrameAction::GoTo(line, column));
        }
    }

    /// Asks the engine something that does not change the lab.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&Lab) -> T) -> T {
        ask(&self.0.lab.borrow())
    }

    /// Changes the lab by something that a packet may meet, and reports the new world.
    pub(crate) fn alter<T>(&self, alter: impl FnOnce(&mut Lab) -> T) -> T {
        let mut result = None;
        let (world, _) = self.change(|lab| result = Some(alter(lab)));
        self.went(None);
        let holds = false;
        self.dispatch(Event::Changed { world, holds });
        #[expect(clippy::unwrap_used, reason = "`change` calls what it is given once")]
        result.unwrap()
    }

    /// The rules that a Node had before the last change that changed any Node's.
    pub(crate) fn rules_before(&self, node: &str) -> RuleText {
        let before = self.0.before.borrow();
        let found = before.iter().find(|rules| rules.node() == Some(node));
        found.cloned().unwrap_or_default()
    }

    /// The world after a change, and whether a packet would still meet the same in it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Lab)) -> (Rc<World>, bool) {
        let changed = self.change_if(|lab| {
            change(lab);
            true
        });
        // It always says that something changed.
        changed.unwrap_or_else(|| (Rc::new(World::of(&self.lab(), None)), false))
    }

    /// The same of a change that may be none; it says whether it was one.
    fn change_if(&self, change: impl FnOnce(&mut Lab) -> bool) -> Option<(Rc<World>, bool)> {
        let mut lab = self.0.lab.borrow_mut();
        let shown = self.0.scene.borrow().clone();
        let rules = rules_of_all(&lab, &shown);
        let asked = self.0.asked.borrow().clone();
        let stood_for = asked.as_ref().and_then(|request| lab.stands_for(request));
        if !change(&mut lab) {
            return None;
        }
        let world = Rc::new(World::of(&lab, Some(&shown)));
        // A comment typed, or a text that cannot be read, changes nothing that a packet meets: its
        // journey still holds. One that began with a name met what the name stood for, too.
        let same = same_rules(&rules, &rules_of_all(&lab, &world.scene));
        if !same {
            *self.0.before.borrow_mut() = rules;
        }
        let holds = asked.is_none_or(|request| {
            same && Rc::ptr_eq(&shown, &world.scene) && lab.stands_for(&request) == stood_for
        });
        if !holds {
            self.went(None);
        }
        *self.0.scene.borrow_mut() = world.scene.clone();
        self.keep_story(&lab);
        Some((world, holds))
    }

    /// Keeps what was done, once the engine came through it, for a page that breaks later.
    fn keep_story(&self, lab: &Lab) {
        let mut kept = self.0.kept.borrow_mut();
        let seed = lab.settings().seed;
        if kept.0 != seed || kept.1 != lab.lines() {
            *kept = (seed, lab.lines().to_vec());
            prefs::save_good_story(seed, &kept.1);
        }
    }

    /// How long the text is that the engine read last, in bytes.
    pub(crate) fn length_read(&self) -> usize {
        self.0.read.borrow().len()
    }

    /// Takes a changed text.
    pub fn edit(&self, text: &Rc<str>) {
        if *self.0.read.borrow() == *text {
            return;
        }
        *self.0.read.borrow_mut() = text.clone();
        // A lesson is no manifest: its panel says what there is to say of it.
        if self.recognise(text) {
            prefs::save_text(text);
            return;
        }
        let (world, holds) = self.change(|lab| {
            lab.edit(text);
        });
        // Kept once the engine came through it: what is kept can always be opened again.
        prefs::save_text(text);
        self.dispatch(Event::Changed { world, holds });
    }

    /// One request of many, told: it shows their way, and nothing of it happens.
    #[must_use]
    pub fn rehearse(&self, request: &Request) -> Option<Rc<Journey>> {
        self.0.lab.borrow_mut().rehearse(request).ok().map(Rc::new)
    }

    /// Asks the lab something that changes nothing that is shown.
    pub(crate) fn with_lab<T>(&self, ask: impl FnOnce(&mut Lab) -> T) -> T {
        ask(&mut self.0.lab.borrow_mut())
    }

    /// Puts another lab, which began with this text, in the place of the present one.
    pub(crate) fn replace(&self, lab: Lab, text: &Rc<str>) {
        *self.0.read.borrow_mut() = text.clone();
        let (world, _) = self.change(|present| *present = lab);
        prefs::save_text(text);
        self.0.before.borrow_mut().clear();
        self.went(None);
        self.dispatch(Event::Opened(text.clone(), world));
    }

    /// Begins anew with a text.
    pub fn open(&self, text: &Rc<str>) {
        self.open_and_run(text, &[]);
    }

    /// Begins anew with a text, and runs these lines.
    pub(crate) fn open_and_run(&self, text: &Rc<str>, lines: &[String]) {
        *self.0.read.borrow_mut() = text.clone();
        let (world, _) = self.change(|lab| {
            lab.open(text);
            for line in lines {
                lab.run(line);
            }
        });
        prefs::save_text(text);
        self.0.before.borrow_mut().clear();
        self.went(None);
        self.dispatch(Event::Opened(text.clone(), world));
    }

    /// Draws from another seed.
    pub fn reseed(&self, seed: u64) {
        let (world, holds) = self.change(|lab| lab.set_seed(seed));
        self.dispatch(Event::Changed { world, holds });
    }

    /// Whether the page around an embed wants nothing to be changed by hand.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.state().is_some_and(|state| state.frame.read_only)
    }

    /// The same the other way round, for somebody who just tried: where nothing may be changed, this
    /// is said.
    #[must_use]
    pub fn may_change(&self) -> bool {
        let may = !self.is_read_only();
        if !may {
            let why = "This lab is here to be read: open it in Lobby to change it.";
            self.dispatch(NoticeAction::Say(why.into(), true));
        }
        may
    }

    /// Runs a line that stands behind a button, and says what became of it.
    pub fn act(&self, line: &str) {
        // Letting time pass changes nothing that somebody wrote.
        if line != "lab settle" && !self.may_change() {
            return;
        }
        let back = |session: &Self| session.0.lab.borrow().next_steps();
        let steps = back(self);
        let before = self.0.scene.borrow().clone();
        let output = self.run(line);
        if output.exit_code != 0 {
            let why = output.stderr();
            let why = if why.is_empty() { output.text() } else { why };
            let why = why.lines().next().unwrap_or(line).to_owned();
            self.dispatch(NoticeAction::Say(why.into(), true));
            return;
        }
        let after = self.0.scene.borrow().clone();
        let mut said = match (line, steps) {
            ("lab undo", (Some(step), _)) => format!("Taken back: {step}"),
            ("lab redo", (_, Some(step))) => format!("Done again: {step}"),
            _ => line.to_owned(),
        };
        let rules: Vec<String> = after
            .wings
            .iter()
            .filter_map(|wing| {
                let old = before.wings.iter().find(|old| old.node == wing.node)?;
                let (from, to) = (old.rules?, wing.rules?);
                (from != to).then(|| format!("{}: {from} → {to} rules", wing.node.name))
            })
            .take(3)
            .collect();
        if !rules.is_empty() {
            said = format!("{said} · {}", rules.join(", "));
        }
        self.dispatch(NoticeAction::Say(said.into(), false));
    }

    /// Virtual time, in milliseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.lab.borrow().cluster().now()
    }

    /// What can be broken.
    #[must_use]
    pub fn mischiefs(&self, about: Option<&ObjectRef>) -> Vec<Mischief> {
        self.0.lab.borrow().mischiefs(about)
    }

    /// Breaks something, and has the request ready that shows it.
    pub fn break_it(&self, mischief: &Mischief) {
        self.act(&mischief.line);
        self.dispatch(DraftAction::Request(mischief.request.clone()));
    }

    /// What can be done with an object.
    #[must_use]
    pub fn offers(&self, object: &ObjectRef) -> Rc<[Offer]> {
        if self.is_read_only() {
            return Rc::default();
        }
        let actions = self.0.lab.borrow().actions(object);
        actions
            .into_iter()
            .map(|action| Offer {
                label: action.label.into(),
                line: action.line.into(),
            })
            .collect()
    }

    /// The settings that are chosen.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        self.0.lab.borrow().wanted()
    }

    /// The line that brings other settings about; `None` where none differs.
    #[must_use]
    pub fn line_to(&self, wanted: &Wanted) -> Option<String> {
        self.0.lab.borrow().line_to(wanted)
    }

    /// Whether the manifests name the Nodes.
    #[must_use]
    pub fn has_own_nodes(&self) -> bool {
        self.0.lab.borrow().has_own_nodes()
    }

    /// Sends what the send bar says.
    pub fn send_draft(&self) {
        let Some(state) = self.state() else { return };
        // What was typed a moment ago counts: the clock of the last key need not run out.
        self.edit(&state.text);
        let request = state.draft.request();
        match (state.draft.count, state.draft.keep_alive) {
            (2.., _) => {
                // Why it could not be sent is reported.
                let _ = self.send_many(&request, state.draft.count);
            }
            (_, keep_alive) => {
                let _ = self.send(&request, keep_alive);
            }
        }
    }

    /// Remembers what was asked for by the journey that is shown.
    fn went(&self, request: Option<&Request>) {
        *self.0.asked.borrow_mut() = request.cloned();
    }

    /// Sends many requests, each by a connection of its own. The counts are reported, too.
    ///
    /// # Errors
    ///
    /// Why they could not be sent.
    pub fn send_many(&self, request: &Request, count: u32) -> Result<Rc<Tally>, Rc<str>> {
        let answer = self.0.lab.borrow_mut().send_many(request, count);
        self.went(answer.is_ok().then_some(request));
        let answer: Result<_, Rc<str>> = match answer {
            Ok(tally) => Ok(Rc::new(tally)),
            Err(error) => Err(Rc::from(error.to_string())),
        };
        self.dispatch(match &answer {
            Ok(tally) => Event::Counted(tally.clone()),
            Err(why) => Event::NotSent(why.clone()),
        });
        answer
    }

    /// Sends a packet; with `keep_alive` by the connection that is open already, if there is one.
    /// The answer is reported, too.
    ///
    /// # Errors
    ///
    /// Why it could not be sent.
    pub fn send(&self, request: &Request, keep_alive: bool) -> Result<Rc<Journey>, Rc<str>> {
        let mut lab = self.0.lab.borrow_mut();
        let answer = if keep_alive {
            lab.send_keep_alive(request)
        } else {
            lab.send(request)
        };
        drop(lab);
        self.went(answer.is_ok().then_some(request));
        let answer: Result<_, Rc<str>> = match answer {
            Ok(journey) => Ok(Rc::new(journey)),
            Err(error) => Err(Rc::from(error.to_string())),
        };
        self.dispatch(match &answer {
            Ok(journey) => Event::Sent(journey.clone()),
            Err(why) => Event::NotSent(why.clone()),
        });
        answer
    }

    /// What there is to say of one thing of the picture.
    #[must_use]
    pub fn details(&self, object: &ObjectRef) -> Option<Rc<Details>> {
        self.0.lab.borrow().details(object).map(Rc::new)
    }

    /// Has the doctor look at the world, and reports.
    pub fn examine(&self) {
        let (text, findings) = self.examined();
        self.dispatch(DoctorAction::Examined(text, Rc::new(findings)));
    }

    /// The text that the engine read last, and what the doctor finds in its world.
    #[must_use]
    pub fn examined(&self) -> (Rc<str>, Vec<Finding>) {
        let text = self.0.read.borrow().clone();
        let findings = doctor::examine(&self.0.lab.borrow(), &text, &Options::default());
        (text, findings)
    }

    /// Looks a name up as a client does.
    pub fn lookup(&self, from: &str, name: &str) -> Result<Rc<NameLookup>, String> {
        let answer = self.0.lab.borrow_mut().lookup(from, name, None);
        answer.map(Rc::new).map_err(|error| error.to_string())
    }

    /// What a client finds names with; `None` where there is no such client.
    #[must_use]
    pub fn client_names(&self, from: &str) -> Option<ClientNames> {
        self.0.lab.borrow_mut().client_names(from).ok()
    }

    /// The lines of the cluster's zone.
    #[must_use]
    pub fn zone(&self) -> Vec<Record> {
        self.0.lab.borrow_mut().zone()
    }

    /// A Node's rules.
    #[must_use]
    pub fn rules(&self, node: &str) -> RuleText {
        RuleText::of(&self.0.lab.borrow(), node)
    }

    /// The rules that a Node has, or would have in a mode; with a family those that see its packets.
    #[must_use]
    pub fn rules_in(&self, node: &str, mode: Option<Mode>, family: Option<IpFamily>) -> RuleText {
        self.ask(|lab| match (mode, family) {
            (Some(mode), _) if lab.own_rules(node).is_none() => RuleText::in_mode(lab, node, mode),
            (_, Some(family)) => RuleText::met(lab, node, family),
            _ => RuleText::of(lab, node),
        })
    }

    /// The first and last line in which a field stands.
    #[must_use]
    pub fn lines(&self, origin: &Origin) -> Option<(u32, u32)> {
        let span = self.0.lab.borrow().place(origin)?;
        // A span that ends where a line begins does not hold that line.
        let end = if span.end.column == 1 && span.end.line > span.start.line {
            span.end.line - 1
        } else {
            span.end.line
        };
        Some((span.start.line, end))
    }

    /// Where a field stands.
    #[must_use]
    pub fn place(&self, origin: &Origin) -> Option<(u32, u32)> {
        let span = self.0.lab.borrow().place(origin)?;
        Some((span.start.line, span.start.column))
    }

    /// All that has to do with what is pointed at. `rules` are those that are shown, of `node`.
    #[must_use]
    pub fn lit(&self, focus: Option<&Focus>, rules: &RuleText) -> Lit {
        let mut lit = Lit::default();
        let Some(focus) = focus else { return lit };
        let light = |origins: &[Origin], lit: &mut Lit| {
            for origin in origins {
                lit.objects.insert(origin.object.clone());
                // Where an endpoint has a room, that is what people see of it.
                lit.objects.extend(self.ask(|lab| lab.pod_behind(origin)));
                if let Some((first, last)) = self.lines(origin) {
                    lit.lines.extend(first..=last);
                }
            }
        };
        match focus {
            Focus::Line(line) => {
                lit.lines.insert(*line);
                lit.objects.extend(self.0.lab.borrow().objects_at(*line));
                // A rule that comes from an object as a whole is not the business of each line.
                let mut places: BTreeMap<&Origin, bool> = BTreeMap::new();
                lit.rules = rules_with(rules, |origin| {
                    !origin.field.as_str().is_empty()
                        && *places.entry(origin).or_insert_with(|| {
                            self.lines(origin)
                                .is_some_and(|(first, last)| (first..=last).contains(line))
                        })
                });
            }
            Focus::Object(object) => {
                light(
                    &[Origin::new(object.clone(), FieldPath::default())],
                    &mut lit,
                );
                let endpoints = self.ask(|lab| lab.endpoints_of(object));
                lit.rules = rules_with(rules, |origin| {
                    origin.object == *object || endpoints.contains(origin)
                });
            }
            Focus::Field(field) => {
                light(std::slice::from_ref(field), &mut lit);
                lit.rules = rules_with(rules, |origin| related(origin, field));
            }
            Focus::Rule(node, at) => {
                light(rules.origins(at), &mut lit);
                lit.rules.insert(at.clone());
                lit.rule = Some((node.clone(), at.clone()));
            }
        }
        lit
    }
}

/// The rules that have an origin of this kind.
fn rules_with<'a>(
    rules: &'a RuleText,
    mut test: impl FnMut(&'a Origin) -> bool,
) -> BTreeSet<RuleAt> {
    rules
        .lines()
        .iter()
        .filter_map(|line| line.at.as_ref())
        .filter(|at| rules.origins(at).iter().any(&mut test))
        .cloned()
        .collect()
}
