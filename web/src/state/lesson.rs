//! The course: which lessons there are, which one is open, and how far it is.

use std::collections::BTreeSet;
use std::rc::Rc;

use lobby_engine::diagnostic::Diagnostic;
use lobby_engine::lesson::{Difference, Index, Lesson};

use super::{Event, Slice};
use crate::prefs;
use crate::world::World;

/// What comes over the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Fetched<T> {
    /// Nobody asked for it.
    #[default]
    Not,
    /// It is on its way.
    Coming,
    /// It is there.
    There(Rc<T>),
    /// It could not be had, and why.
    Failed(Rc<str>),
}

/// What the last check found.
#[derive(Clone, Debug, PartialEq)]
pub enum Checked {
    /// All of it holds.
    Holds,
    /// The first difference.
    Differs(Rc<Difference>),
}

/// An open lesson, and how far it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// It.
    pub lesson: Rc<Lesson>,
    /// Where it stands: a step from 0, or their number for the task.
    pub at: usize,
    /// What was answered to each step's question, from 0; `usize::MAX` for "show me".
    pub answers: Vec<Option<usize>>,
    /// How many hints are shown.
    pub hints: usize,
    /// Whether the solution is.
    pub solution: bool,
    /// How many times the goal was checked.
    pub attempts: usize,
    /// Whether it was met.
    pub met: bool,
    /// What the last check found here.
    pub checked: Option<Checked>,
    /// Why something could not be done.
    pub refusal: Option<Rc<str>>,
    /// The text that it was previewed from.
    pub source: Option<Rc<str>>,
}

impl Open {
    fn new(lesson: Rc<Lesson>, source: Option<Rc<str>>) -> Self {
        Self {
            answers: vec![None; lesson.steps.len()],
            lesson,
            at: 0,
            hints: 0,
            solution: false,
            attempts: 0,
            met: false,
            checked: None,
            refusal: None,
            source,
        }
    }

    /// Whether the task is shown.
    #[must_use]
    pub fn is_at_task(&self) -> bool {
        self.at >= self.lesson.steps.len()
    }
}

/// A lesson in the editor's text.
#[derive(Clone, Debug, PartialEq)]
pub struct Pasted {
    /// The text.
    pub text: Rc<str>,
    /// It, if nothing is wrong with it.
    pub lesson: Option<Rc<Lesson>>,
    /// What is wrong.
    pub diagnostics: Rc<Vec<Diagnostic>>,
}

/// The course.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Which lessons there are.
    pub index: Fetched<Index>,
    /// Those whose goal was met.
    pub done: Rc<BTreeSet<String>>,
    /// The one that is open.
    pub open: Option<Rc<Open>>,
    /// The title of one that is being set up.
    pub coming: Option<Rc<str>>,
    /// Why one could not be opened.
    pub refusal: Option<Rc<str>>,
    /// One in the editor's text.
    pub pasted: Option<Rc<Pasted>>,
}

/// What happens in the course.
#[derive(Clone, Debug)]
pub enum CourseAction {
    /// The list of lessons is on its way, there, or not to be had.
    Index(Fetched<Index>),
    /// A lesson with this title is being set up.
    Coming(Rc<str>),
    /// A lesson begins, perhaps previewed from a text.
    Open(Rc<Lesson>, Option<Rc<str>>),
    /// A lesson could not be opened.
    NotOpened(Rc<str>),
    /// The lesson is put away.
    Close,
    /// The editor's text is a lesson, or none.
    Pasted(Option<Rc<Pasted>>),
    /// To a step, or behind the last one to the task.
    Go(usize),
    /// An answer to the present step's question.
    Answer(usize),
    /// One more hint.
    Hint,
    /// The solution.
    Solution,
    /// What a check found; `true` for the goal's.
    Checked(Checked, bool),
    /// Something could not be done.
    Refused(Rc<str>),
    /// All marks are taken away.
    Forget,
}

impl Course {
    /// As it was left at the last visit.
    #[must_use]
    pub fn load() -> Self {
        Self {
            done: Rc::new(prefs::load_done()),
            ..Self::default()
        }
    }

    /// Whether there is anything to show in the panel.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.open.is_some()
            || self.pasted.is_some()
            || self.refusal.is_some()
            || self.coming.is_some()
    }

    /// The place of the open lesson in the list, and the number of lessons.
    #[must_use]
    pub fn place(&self) -> Option<(usize, usize)> {
        let Fetched::There(index) = &self.index else {
            return None;
        };
        let id = &self.open.as_ref()?.lesson.id;
        let at = index.lessons.iter().position(|entry| entry.id == *id)?;
        Some((at, index.lessons.len()))
    }

    fn change(&mut self, change: impl FnOnce(&mut Open)) {
        if let Some(open) = &mut self.open {
            change(Rc::make_mut(open));
        }
    }
}

impl Slice for Course {
    type Action = CourseAction;

    fn reduce(&mut self, action: CourseAction, _: &World) {
        match action {
            CourseAction::Index(index) => self.index = index,
            CourseAction::Coming(title) => {
                self.coming = Some(title);
                self.refusal = None;
            }
            CourseAction::Open(lesson, source) => {
                self.coming = None;
                self.open = Some(Rc::new(Open::new(lesson, source)));
                self.refusal = None;
                self.pasted = None;
            }
            CourseAction::NotOpened(why) => {
                self.coming = None;
                self.refusal = Some(why);
            }
            CourseAction::Close => {
                self.coming = None;
                self.open = None;
                self.refusal = None;
                self.pasted = None;
            }
            CourseAction::Pasted(pasted) => self.pasted = pasted,
            CourseAction::Go(at) => self.change(|open| {
                open.at = at.min(open.lesson.steps.len());
                open.checked = None;
                open.refusal = None;
            }),
            CourseAction::Answer(answer) => self.change(|open| {
                let at = open.at;
                if let Some(given) = open.answers.get_mut(at) {
                    *given = Some(answer);
                }
            }),
            CourseAction::Hint => self.change(|open| {
                open.hints = (open.hints + 1).min(open.lesson.hints.len());
            }),
            CourseAction::Solution => self.change(|open| open.solution = true),
            CourseAction::Checked(checked, is_goal) => {
                if let (true, Checked::Holds, Some(open)) = (is_goal, &checked, &self.open) {
                    Rc::make_mut(&mut self.done).insert(open.lesson.id.clone());
                    prefs::save_done(&self.done);
                }
                self.change(|open| {
                    open.attempts += usize::from(is_goal);
                    open.met |= is_goal && checked == Checked::Holds;
                    open.checked = Some(checked);
                    open.refusal = None;
                });
            }
            CourseAction::Refused(why) => self.change(|open| open.refusal = Some(why)),
            CourseAction::Forget => {
                self.done = Rc::default();
                prefs::save_done(&self.done);
            }
        }
    }

    fn hear(&mut self, event: &Event, _: &World) {
        // What a check found was about the world of before.
        if matches!(event, Event::Changed { .. } | Event::Opened(..)) {
            self.change(|open| open.checked = None);
        }
    }
}
