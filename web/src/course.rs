//! The session's side of the course: lessons come over the network, begin, are done and checked.
//!
//! They are static files beside the page, fetched when somebody asks for them
//! (`lessons/index.json`, `lessons/*.yaml`); the policy of the page allows no other host.

use std::rc::Rc;

use gloo::timers::callback::Timeout;
use lobby_engine::diagnostic::Diagnostic;
use lobby_engine::lesson::{self, Action, Check, Deed, Index, Lesson};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Response;

use crate::session::Session;
use crate::state::{Checked, CourseAction, Fetched, FrameAction, Pasted, Tab};

/// How long the page waits until what it says is painted, in milliseconds.
const PAINT: u32 = 50;

/// Fetches a file beside the page.
async fn fetch(path: &str) -> Result<String, String> {
    let window = web_sys::window().ok_or("there is no window")?;
    let failed = |_: JsValue| format!("{path} could not be fetched");
    let response = JsFuture::from(window.fetch_with_str(path))
        .await
        .map_err(failed)?;
    let response: Response = response.dyn_into().map_err(failed)?;
    if !response.ok() {
        return Err(format!("{path}: {}", response.status()));
    }
    let text = JsFuture::from(response.text().map_err(failed)?)
        .await
        .map_err(failed)?;
    text.as_string().ok_or_else(|| format!("{path} is no text"))
}

/// Fetches the list of lessons.
async fn index() -> Result<Index, String> {
    let text = fetch("lessons/index.json").await?;
    Index::read(&text).map_err(|error| format!("lessons/index.json: {error}"))
}

impl Session {
    /// Opens a lesson of the course by its name, or by that of its file without the ending.
    pub fn open_lesson_named(&self, name: &str) {
        let (session, name) = (self.clone(), name.to_owned());
        spawn_local(async move {
            match index().await {
                Ok(index) => {
                    let is_it = |file: &str| file.strip_suffix(".yaml") == Some(name.as_str());
                    let mut entries = index.lessons.iter();
                    let found = entries.find(|entry| entry.id == name || is_it(&entry.file));
                    let found = found.map(|entry| entry.file.clone());
                    session.dispatch(CourseAction::Index(Fetched::There(Rc::new(index))));
                    match found {
                        Some(file) => session.open_lesson(&file),
                        None => session.not_opened(&format!("There is no lesson {name:?} here.")),
                    }
                }
                Err(why) => session.not_opened(&why),
            }
        });
    }

    /// Begins a lesson that somebody wrote.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn begin_own_lesson(&self, text: &Rc<str>) -> Result<(), String> {
        let reading = lesson::read(text);
        if let Some(error) = reading.diagnostics.iter().find(|found| found.is_error()) {
            let line = error.span.map_or(0, |span| span.start.line);
            return Err(format!("the lesson, line {line}: {}", error.message));
        }
        self.begin_lesson(&Rc::new(reading.lesson), Some(text.clone()));
        Ok(())
    }

    /// Fetches the list of lessons, unless it is there or on its way.
    pub fn list_lessons(&self) {
        let Some(state) = self.state() else { return };
        if matches!(state.course.index, Fetched::Coming | Fetched::There(_)) {
            return;
        }
        self.dispatch(CourseAction::Index(Fetched::Coming));
        let session = self.clone();
        spawn_local(async move {
            session.dispatch(CourseAction::Index(match index().await {
                Ok(index) => Fetched::There(Rc::new(index)),
                Err(why) => Fetched::Failed(why.into()),
            }));
        });
    }

    /// Fetches a lesson of the list, and begins it.
    pub fn open_lesson(&self, file: &str) {
        let session = self.clone();
        let path = format!("lessons/{file}");
        spawn_local(async move {
            let text = match fetch(&path).await {
                Ok(text) => text,
                Err(why) => return session.not_opened(&why),
            };
            let reading = lesson::read(&text);
            match reading.diagnostics.iter().find(|found| found.is_error()) {
                Some(error) => session.not_opened(&format!("{path}: {}", error.message)),
                None => {
                    let lesson = Rc::new(reading.lesson);
                    session.dispatch(CourseAction::Coming(lesson.title.as_str().into()));
                    session.dispatch(FrameAction::Show(Tab::Lesson));
                    // A large world takes a while: the page says so before it is busy.
                    Timeout::new(PAINT, move || session.begin_lesson(&lesson, None)).forget();
                }
            }
        });
    }

    fn not_opened(&self, why: &str) {
        self.dispatch(CourseAction::NotOpened(why.into()));
        self.dispatch(FrameAction::Show(Tab::Lesson));
    }

    /// Begins a lesson: its world comes in the place of the present one. `source` is the text that
    /// it was previewed from.
    pub fn begin_lesson(&self, lesson: &Rc<Lesson>, source: Option<Rc<str>>) {
        match lesson.begin() {
            Ok((lab, text)) => {
                self.replace(lab, &Rc::from(text));
                self.dispatch(CourseAction::Open(lesson.clone(), source));
                self.dispatch(FrameAction::Show(Tab::Lesson));
            }
            Err(why) => self.not_opened(&why),
        }
    }

    /// Whether a text is a lesson. If it is one, the panel says so.
    pub(crate) fn recognise(&self, text: &Rc<str>) -> bool {
        let is_lesson = lesson::is_lesson(text);
        let known = self
            .state()
            .is_some_and(|state| state.course.pasted.is_some());
        if is_lesson {
            let reading = lesson::read(text);
            let is_whole = !reading.diagnostics.iter().any(Diagnostic::is_error);
            self.dispatch(CourseAction::Pasted(Some(Rc::new(Pasted {
                text: text.clone(),
                lesson: is_whole.then(|| Rc::new(reading.lesson)),
                diagnostics: Rc::new(reading.diagnostics),
            }))));
            if !known {
                self.dispatch(FrameAction::Show(Tab::Lesson));
            }
        } else if known {
            self.dispatch(CourseAction::Pasted(None));
        }
        is_lesson
    }

    /// Does what a step or a solution says.
    pub fn perform(&self, action: &Action) {
        let Some(state) = self.state() else { return };
        self.edit(&state.text);
        let done = match &action.what {
            Deed::Run(line) => {
                let line = self.with_lab(|lab| action_line(lab, line));
                line.map(|line| {
                    self.run(line.trim());
                })
            }
            _ => action
                .edited(&state.text)
                .map(|text| self.write(&Rc::from(text))),
        };
        if let Err(why) = done {
            self.dispatch(CourseAction::Refused(why.into()));
        }
    }

    /// Writes a text into the editor, as a person would.
    pub fn write(&self, text: &Rc<str>) {
        self.dispatch(crate::state::Action::Typed(text.clone()));
        self.edit(text);
    }

    /// Looks whether these hold. `is_goal`: they are the lesson's goal.
    pub fn check_lesson(&self, checks: &[Check], is_goal: bool) {
        let Some(state) = self.state() else { return };
        self.edit(&state.text);
        let found = self.with_lab(|lab| lesson::check(lab, checks));
        let checked = match found {
            Ok(()) => Checked::Holds,
            Err((_, difference)) => Checked::Differs(Rc::new(difference)),
        };
        self.dispatch(CourseAction::Checked(checked, is_goal));
    }

    /// A text of a lesson, with the values of the world.
    #[must_use]
    pub fn told(&self, text: &str) -> String {
        self.with_lab(|lab| lesson::show(lab, text))
    }

    /// Shows what a step wants to be looked at.
    pub fn look_at(&self, highlight: &lesson::Highlight) {
        use crate::links::Focus;
        use crate::state::PointerAction;
        use lobby_engine::api::{FieldPath, Origin};
        let object = highlight
            .object
            .as_ref()
            .and_then(|named| self.with_lab(|lab| named.find(lab.cluster().store())));
        let tab = match highlight.panel {
            Some("journey") => Some(Tab::Journey),
            Some("rules") => Some(Tab::Rules),
            Some("names") => Some(Tab::Names),
            Some("endpoints") => Some(Tab::Endpoints),
            Some("doctor") => Some(Tab::Doctor),
            Some("compare") => Some(Tab::Compare),
            Some("manifests") => Some(Tab::Manifests),
            Some("console") => Some(Tab::Console),
            _ => None,
        };
        if let Some(tab) = tab {
            self.dispatch(FrameAction::Show(tab));
        }
        let rule = self.with_lab(|lab| highlight.rule_at(lab));
        let focus = match (object, rule) {
            (_, Some((node, at))) => {
                self.dispatch(crate::state::RulesAction::Node(Rc::from(node.as_str())));
                Focus::Rule(node, at)
            }
            (Some(object), None) if highlight.field.is_empty() => Focus::Object(object),
            (Some(object), None) => {
                let origin = Origin::new(object, FieldPath::new(&*highlight.field));
                return self.show(origin);
            }
            (None, None) => return,
        };
        self.dispatch(PointerAction::Pin(focus));
    }
}

fn action_line(lab: &lobby_engine::lab::Lab, line: &str) -> Result<String, String> {
    lesson::fill(lab, line).map_err(|(missing, _)| format!("there is no {missing} any more"))
}
