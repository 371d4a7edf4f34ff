//! What only links and messages ask of the session.

use std::rc::Rc;

use lobby_engine::api::ObjectRef;
use lobby_engine::console::Output;
use lobby_engine::lab::{EXAMPLES, Outcome};
use lobby_engine::lesson;
use lobby_engine::link::{self, Content};
use lobby_engine::network::Request;

use crate::frame::PANELS;
use crate::prefs::{Choice as _, Skin};
use crate::session::Session;
use crate::state::Tab;

impl Session {
    /// Runs a console line. What it changed and sent is reported, too.
    pub fn run_line(&self, line: &str) -> Output {
        (*self.run(line)).clone()
    }

    /// Begins anew with a text: manifests, or a lesson that somebody wrote.
    ///
    /// # Errors
    ///
    /// What is wrong with the lesson. Manifests say themselves what is wrong with them.
    pub fn begin(&self, text: &Rc<str>) -> Result<(), String> {
        self.begin_and_run(text, &[])
    }

    fn begin_and_run(&self, text: &Rc<str>, lines: &[String]) -> Result<(), String> {
        if lesson::is_lesson(text) {
            return self.begin_own_lesson(text);
        }
        self.open_and_run(text, lines);
        Ok(())
    }

    /// Begins anew with a file: one that the lab wrote, manifests, or a lesson.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn open_file(&self, text: &str) -> Result<(), String> {
        if !link::is_file(text) {
            return self.begin(&Rc::from(text));
        }
        let world = link::read_file(text).map_err(|error| error.to_string())?;
        self.open_world(world)
    }

    fn open_world(&self, world: link::World) -> Result<(), String> {
        if let Some(seed) = world.seed {
            self.reseed(seed);
        }
        self.begin_and_run(&Rc::from(world.text), &world.lines)
    }

    /// Begins anew with the world of a link. A lesson of the course is fetched first: it comes later.
    ///
    /// # Errors
    ///
    /// What is wrong with the link.
    pub fn follow_link(&self, link: &str) -> Result<(), String> {
        match Content::decode(link).map_err(|error| error.to_string())? {
            Content::World(world) => self.open_world(world)?,
            Content::Scenario(name) => {
                if let Some(lesson) = name.strip_prefix(link::LESSON) {
                    self.open_lesson_named(lesson);
                    return Ok(());
                }
                let example = EXAMPLES.iter().find(|example| example.id == name);
                let example = example.ok_or_else(|| format!("there is no scenario {name:?}"))?;
                self.open(&Rc::from(example.text()));
            }
        }
        Ok(())
    }

    /// The world as a link holds it, with the view of it: the words in use, the journey's request and
    /// the hop that is shown, the panel in front. [`super::Visit`] reads it.
    #[must_use]
    pub fn shared(&self) -> link::World {
        let mut view = Vec::new();
        let mut text = String::new();
        if let Some(state) = self.state() {
            text = state.text.to_string();
            view.push(("skin".to_owned(), state.prefs.skin.word().to_owned()));
            if state.walk.hop > 0 {
                view.push(("step".to_owned(), state.walk.hop.to_string()));
            }
            if let Some(journey) = &state.walk.journey {
                let Request { from, to, protocol } = &journey.request;
                view.push(("from".to_owned(), from.clone()));
                view.push(("to".to_owned(), to.clone()));
                view.push(("protocol".to_owned(), protocol.to_string()));
            }
            let tab = state.frame.tab;
            let panel = PANELS.iter().find(|panel| panel.tab == tab);
            if let (Some(panel), true) = (panel, tab != Tab::default()) {
                view.push(("panel".to_owned(), panel.id.to_owned()));
            }
        }
        let lab = self.lab();
        link::World {
            text,
            seed: Some(lab.settings().seed),
            lines: lab.lines().to_vec(),
            view,
        }
    }

    /// What there is to say about the text.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.lab().outcome().clone()
    }

    /// What stands for the lesson that is open: its own text in a link, or its name in the course.
    #[must_use]
    pub fn shared_lesson(&self) -> Option<Content> {
        let state = self.state()?;
        let open = state.course.open.as_ref()?;
        Some(match &open.source {
            Some(text) => Content::World(link::World {
                text: text.to_string(),
                ..link::World::default()
            }),
            None => Content::Scenario(format!("{}{}", link::LESSON, open.lesson.id)),
        })
    }

    /// What the send bar asks for.
    #[must_use]
    pub fn draft(&self) -> Option<Request> {
        self.state().map(|state| state.draft.request())
    }

    /// The words in use.
    #[must_use]
    pub fn skin(&self) -> Skin {
        self.state()
            .map_or(Skin::default(), |state| state.prefs.skin)
    }

    /// The hop that is shown, and how many there are.
    #[must_use]
    pub fn place_in_journey(&self) -> (usize, usize) {
        self.state()
            .map_or((0, 0), |state| (state.walk.hop, state.walk.hops()))
    }

    /// The object of this name: `Service default/web`.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<ObjectRef> {
        let lab = self.lab();
        let outline = lab.outline();
        let found = outline
            .iter()
            .find(|entry| entry.object.to_string() == name);
        found.map(|entry| entry.object.clone())
    }
}
