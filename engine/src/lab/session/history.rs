//! What a person did since the text was opened: lines of the console, in order, to be taken back and
//! done again.
//!
//! A line is one step, however many commands it has. What is kept of the time before it is the lab
//! itself: a clone shares what the line did not change. After an edit the lines are run again on the
//! new world; one that changes nothing there any more is dropped.
//!
//! Settings are what the world is made with, so a line that changes them is not run again after an
//! edit: they are in place when the world is made.

use std::collections::BTreeMap;
use std::mem::{replace, take};
use std::rc::Rc;

use super::super::own_rules::OwnRules;
use super::super::world::World;
use super::super::{ProxySettings, Settings, walk};
use super::{Lab, OnceCell, Outcome};
use crate::api::ObjectRef;
use crate::cluster::{Cluster, Command, Done, StatusError};
use crate::console::{self, Output};
use crate::limits::{MAX_KEPT_CONNECTIONS, MAX_UNDO};

/// What was done, and what was taken back.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// What the lab was made with when the text was opened.
    opened_with: Settings,
    lines: Rc<Vec<String>>,
    /// How much time passed by itself since the last line, in milliseconds: the end of `lines`.
    ticked: u64,
    past: Vec<Moment>,
    future: Vec<Moment>,
    /// While lines are run again: the settings as they were at that line.
    replays: Option<Settings>,
}

/// A lab at one moment, as far as doing something changes it.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    settings: Settings,
    /// Whether the world was made with other settings: then it has to be made again.
    is_stale: bool,
    world: World,
    outcome: Outcome,
    own_rules: Rc<BTreeMap<String, Rc<OwnRules>>>,
    console: console::Session,
    lines: Rc<Vec<String>>,
    ticked: u64,
    /// What the Nodes remembered; `None` where that is too much to be kept with each step.
    memory: Option<walk::Memory>,
}

impl History {
    /// Nothing was done yet.
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            opened_with: settings.clone(),
            ..Self::default()
        }
    }

    fn push(&mut self, moment: Moment) {
        if self.past.len() >= MAX_UNDO {
            self.past.remove(0);
        }
        self.past.push(moment);
        self.future.clear();
    }

    fn add_line(&mut self, line: &str) {
        self.ticked = 0;
        Rc::make_mut(&mut self.lines).push(line.to_owned());
    }
}

impl Lab {
    /// Runs a line as a person would type it: `kubectl …`, the tools of Pods and Nodes, pipes, and
    /// the lab's own verbs under the word `lab`. A line that changes anything is one step to take
    /// back.
    ///
    /// Never panics, whatever the line is: what is wrong with it is in the output.
    pub fn run(&mut self, line: &str) -> Output {
        let before = self.moment();
        let ran = console::run(self, line);
        if ran.is_kept {
            self.history.push(before);
            self.history.add_line(line);
        }
        ran.output
    }

    /// The lines that changed anything since the text was opened, without those that were taken
    /// back. With the text, the settings at that time and the seed they are the world.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.history.lines
    }

    /// Does what a command says. Time does not pass, unless it is a command that says so: until then
    /// the rules are those of before. Unlike a line it is not done again after an edit.
    ///
    /// # Errors
    ///
    /// What the API server refuses; then nothing changes.
    pub fn execute(&mut self, command: &Command) -> Result<Done, StatusError> {
        let before = self.moment();
        let done = self.act(command)?;
        self.history.push(before);
        Ok(done)
    }

    /// Does what a command says as a part of a line.
    pub(crate) fn act(&mut self, command: &Command) -> Result<Done, StatusError> {
        let done = self.world.change(|cluster| cluster.act(command))?;
        self.renew();
        self.set_clock();
        Ok(done)
    }

    /// Whether lines are being run again on a world that was made anew.
    pub(super) fn is_replaying(&self) -> bool {
        self.history.replays.is_some()
    }

    /// Changes the cluster itself as a part of a line; `change` says whether anything did.
    pub(crate) fn change_cluster<T>(
        &mut self,
        change: impl FnOnce(&mut Cluster) -> (T, bool),
    ) -> (T, bool) {
        let (result, has_changed) = self.world.change_if(change);
        if has_changed {
            self.renew();
        }
        (result, has_changed)
    }

    /// Switches a Pod's readiness probe, and lets what follows happen: one step to take back.
    pub fn set_ready(&mut self, pod: &ObjectRef, ready: bool) {
        let ready = Some(ready);
        let pod = pod.clone();
        // A Pod that is gone has no probe.
        let before = self.moment();
        if self.act(&Command::SetReady { pod, ready }).is_ok() {
            let _ = self.act(&Command::Settle);
            self.history.push(before);
        }
    }

    /// Lets virtual time pass, in milliseconds: connections and affinity expire.
    pub fn advance(&mut self, ms: u64) {
        // Nothing is refused that only waits.
        let _ = self.execute(&Command::Advance(ms));
    }

    /// Time passes by itself, in milliseconds: no step of its own to take back. Gives whether
    /// anything happened meanwhile.
    pub fn tick(&mut self, ms: u64) -> bool {
        let cluster = self.cluster();
        let until = cluster.now().saturating_add(ms);
        let happens = cluster.next_event().is_some_and(|at| at <= until);
        self.change_cluster(|cluster| {
            cluster.advance(ms);
            ((), happens)
        });
        self.set_clock();
        let history = &mut self.history;
        // Before the first line the world rests; what passes then makes no difference.
        if !history.lines.is_empty() {
            let lines = Rc::make_mut(&mut history.lines);
            if history.ticked > 0 {
                lines.pop();
            }
            history.ticked = history.ticked.saturating_add(ms);
            lines.push(format!("lab advance {}ms", history.ticked));
        }
        happens
    }

    /// Takes back the last step. Gives whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.history.past.pop() else {
            return false;
        };
        let after = self.put_back(before);
        self.history.future.push(after);
        true
    }

    /// Does again what was taken back last. Gives whether there was anything.
    pub fn redo(&mut self) -> bool {
        let Some(after) = self.history.future.pop() else {
            return false;
        };
        let before = self.put_back(after);
        self.history.past.push(before);
        true
    }

    /// Whether there is a step to take back, and one to do again.
    #[must_use]
    pub fn can_undo_redo(&self) -> (bool, bool) {
        let history = &self.history;
        (!history.past.is_empty(), !history.future.is_empty())
    }

    /// What [`Lab::undo`] would take back and [`Lab::redo`] do again: the line of the step, or what
    /// it comes to.
    #[must_use]
    pub fn next_steps(&self) -> (Option<String>, Option<String>) {
        let history = &self.history;
        let without_ticks = |lines: &Rc<Vec<String>>, ticked: u64| {
            lines.len() - usize::from(ticked > 0 && !lines.is_empty())
        };
        let now = without_ticks(&history.lines, history.ticked);
        let step = |before: usize, after: usize, lines: &[String]| {
            let line = (after > before).then(|| lines.get(after - 1)).flatten();
            let is_reset = after < before;
            line.map_or_else(
                || if is_reset { "lab reset" } else { "a change" }.to_owned(),
                String::clone,
            )
        };
        let back = history.past.last().map(|before| {
            let then = without_ticks(&before.lines, before.ticked);
            step(then, now, &history.lines)
        });
        let on = history.future.last().map(|after| {
            let then = without_ticks(&after.lines, after.ticked);
            step(now, then, &after.lines)
        });
        (back, on)
    }

    /// Takes back everything that was done since the text was opened, settings as well; the text
    /// stays. It can be taken back itself.
    pub fn reset(&mut self) {
        let before = self.moment();
        let settings = self.history.opened_with.clone();
        self.history.lines = Rc::default();
        self.history.ticked = 0;
        self.own_rules = Rc::default();
        self.console = console::Session::default();
        self.settings = settings;
        self.wires = walk::Wires::default();
        let (past, _) = (take(&mut self.history.past), take(&mut self.history.future));
        self.make_again();
        self.history.past = past;
        self.history.push(before);
    }

    /// Makes the world anew of the text, or of the last one that could be read.
    fn make_again(&mut self) {
        if self.outcome.applied {
            let text = Rc::clone(&self.text);
            self.edit(&text);
        } else {
            let (documents, refused) = (take(&mut self.documents), take(&mut self.refused));
            self.build(documents, refused);
        }
    }

    /// Another seed: other addresses, other names, other draws. What the Nodes remember is gone.
    pub fn set_seed(&mut self, seed: u64) {
        self.set(|settings| settings.seed = seed);
    }

    /// Sets kube-proxy anew on every Node, as if all Nodes had been drained and started again: what
    /// they remembered is gone.
    pub fn set_proxy(&mut self, proxy: ProxySettings) {
        self.set(|settings| settings.proxy = proxy);
    }

    /// Changes settings: one step to take back. Where Nodes, networks or the seed change the world
    /// is made anew, and what was done is done again. Gives whether anything changed.
    pub fn set(&mut self, change: impl FnOnce(&mut Settings)) -> bool {
        let before = self.moment();
        let has_changed = self.apply_settings(change);
        if has_changed {
            self.history.push(before);
        }
        has_changed
    }

    /// Changes settings as a part of a line; a line that is run again finds them in place.
    pub(crate) fn apply_settings(&mut self, change: impl FnOnce(&mut Settings)) -> bool {
        if let Some(settings) = &mut self.history.replays {
            change(settings);
            return true;
        }
        let mut settings = self.settings.clone();
        change(&mut settings);
        if settings == self.settings {
            return false;
        }
        let before = replace(&mut self.settings, settings);
        self.wires = walk::Wires::default();
        if makes_the_same(&before, &self.settings) {
            self.forget_rules();
        } else {
            let (past, future) = (take(&mut self.history.past), take(&mut self.history.future));
            self.make_again();
            // The steps before this one can still be taken back.
            self.history.past = past;
            self.history.future = future;
        }
        true
    }

    fn forget_rules(&mut self) {
        for rules in self.rules.values_mut() {
            *rules = OnceCell::new();
        }
    }

    /// The text that the world began with.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the next line, and the Namespace of kubectl's context.
    #[must_use]
    pub fn prompt(&self) -> (String, &str) {
        (self.console.place().prompt(), self.console.namespace())
    }

    /// The Namespace of kubectl's context.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.console.namespace()
    }

    /// Where lines are typed.
    #[must_use]
    pub fn console_place(&self) -> &console::Place {
        self.console.place()
    }

    /// The ways to go on with a line at a cursor, in bytes.
    #[must_use]
    pub fn complete(&self, line: &str, cursor: usize) -> Vec<console::Completion> {
        console::complete(self, line, cursor)
    }

    /// What `-f -` reads where nothing is piped: the editor's text, with its indentation put back
    /// where it was lost.
    pub(crate) fn manifests(&self) -> &str {
        self.outcome.offer.as_deref().unwrap_or(&self.text)
    }

    /// What can be done to an object by one line.
    #[must_use]
    pub fn actions(&self, object: &ObjectRef) -> Vec<console::actions::Action> {
        console::actions::actions(self, object)
    }

    /// What a command that runs on prints now that time has passed; nothing where none does.
    pub fn poll(&mut self) -> Output {
        console::poll(self)
    }

    /// Ends the command that runs on (Ctrl-C). Gives whether one did.
    pub fn interrupt(&mut self) -> bool {
        self.live.interrupt()
    }

    /// Whether a command runs on.
    #[must_use]
    pub fn runs_on(&self) -> bool {
        self.live.runs_on()
    }

    /// What goes on beside the lines.
    pub(crate) fn live(&mut self) -> &mut console::Live {
        &mut self.live
    }

    /// What the console remembers from line to line.
    pub(crate) fn console(&mut self) -> &mut console::Session {
        &mut self.console
    }

    /// Runs the lines again, on a world that was made anew.
    pub(super) fn replay(&mut self) {
        let lines = take(&mut self.history.lines);
        let ticked = take(&mut self.history.ticked);
        self.history.past.clear();
        self.history.future.clear();
        self.console = console::Session::default();
        if lines.is_empty() {
            return;
        }
        self.history.replays = Some(self.history.opened_with.clone());
        for line in lines.iter() {
            let before = self.moment();
            if console::run(self, line).is_kept {
                self.history.push(before);
                self.history.add_line(line);
            }
        }
        console::sweep(self);
        self.history.replays = None;
        self.history.ticked = ticked;
    }

    fn moment(&self) -> Moment {
        let then = self.history.replays.as_ref();
        Moment {
            settings: then.unwrap_or(&self.settings).clone(),
            is_stale: then.is_some_and(|then| !makes_the_same(then, &self.settings)),
            world: self.world.clone(),
            outcome: self.outcome.clone(),
            own_rules: Rc::clone(&self.own_rules),
            console: self.console.clone(),
            lines: Rc::clone(&self.history.lines),
            ticked: self.history.ticked,
            memory: (Some(self.wires.memory()))
                .filter(|memory| memory.connections() <= MAX_KEPT_CONNECTIONS),
        }
    }

    /// Makes the lab what it was; gives what it was until now.
    fn put_back(&mut self, moment: Moment) -> Moment {
        let now = self.moment();
        // Connections do not outlive another kube-proxy or other rules.
        if moment.settings != self.settings || !Rc::ptr_eq(&moment.own_rules, &self.own_rules) {
            self.wires = walk::Wires::default();
        }
        self.settings = moment.settings;
        self.world = moment.world;
        self.outcome = moment.outcome;
        self.own_rules = moment.own_rules;
        self.console = moment.console;
        self.history.lines = moment.lines;
        self.history.ticked = moment.ticked;
        if let Some(memory) = moment.memory {
            self.wires.remember_then(memory);
        }
        if moment.is_stale {
            let (past, future) = (take(&mut self.history.past), take(&mut self.history.future));
            self.make_again();
            self.history.past = past;
            self.history.future = future;
        }
        self.renew();
        now
    }
}

/// Whether the same world is made with two settings. kube-proxy's are about the rules alone.
fn makes_the_same(one: &Settings, other: &Settings) -> bool {
    let made = |settings: &Settings| Settings {
        proxy: ProxySettings::default(),
        ..settings.clone()
    };
    made(one) == made(other)
}
