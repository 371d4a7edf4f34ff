//! The session's side of the console: runs lines, and lets time pass.

use std::rc::Rc;

use lobby_engine::console::{Completion, Output, is_unfinished};
use lobby_engine::network::{Journey, Tally};

use super::Session;
use crate::state::{ConsoleAction, Event};

impl Session {
    /// Runs a line as a person types it, shows it in the console with what it printed, and its last
    /// journey on the stage. What the stage itself does comes this way, too.
    pub fn run(&self, line: &str) -> Rc<Output> {
        if let Some(state) = self.state() {
            // What was typed a moment ago counts: `-f -` reads the editor's text.
            self.edit(&state.text);
        }
        let mut output = Output::default();
        let changed = self.change_if(|lab| {
            output = lab.run(line);
            output.changed
        });
        if let Some((world, holds)) = changed {
            self.dispatch(Event::Changed { world, holds });
        }
        if let Some(tally) = output.tallies.last() {
            self.show_tally(Rc::new(tally.clone()));
        } else if let Some(journey) = output.journeys.last() {
            self.show_journey(journey);
        }
        let output = Rc::new(output);
        let (prompt, is_busy) = {
            let lab = self.lab();
            (
                Rc::from(lab.prompt().0),
                lab.cluster().next_event().is_some(),
            )
        };
        self.dispatch(ConsoleAction::Ran {
            line: Rc::from(line),
            output: output.clone(),
            prompt,
            is_busy,
        });
        output
    }

    /// Shows a journey of the console on the stage.
    pub fn show_journey(&self, journey: &Rc<Journey>) {
        self.went(Some(&journey.request));
        self.dispatch(Event::Sent(journey.clone()));
    }

    /// Shows what became of many requests.
    pub fn show_tally(&self, tally: Rc<Tally>) {
        self.went(Some(&tally.request));
        self.dispatch(Event::Counted(tally));
    }

    /// Lets time pass, in milliseconds, and asks the command that runs on what it prints.
    pub fn tick(&self, ms: u64) {
        let changed = self.change_if(|lab| lab.tick(ms));
        if let Some((world, holds)) = changed {
            self.dispatch(Event::Changed { world, holds });
        }
        let output = Rc::new(self.0.lab.borrow_mut().poll());
        let is_busy = self.lab().cluster().next_event().is_some();
        self.dispatch(ConsoleAction::Ticked { output, is_busy });
    }

    /// Ends the command that runs on.
    pub fn interrupt(&self) {
        self.0.lab.borrow_mut().interrupt();
        self.dispatch(ConsoleAction::Interrupted);
    }

    /// The ways to go on with a line at a cursor, in bytes.
    #[must_use]
    pub fn complete(&self, line: &str, cursor: usize) -> Vec<Completion> {
        self.lab().complete(line, cursor)
    }

    /// Whether a line goes on below.
    #[must_use]
    pub fn is_unfinished(&self, line: &str) -> bool {
        is_unfinished(line)
    }
}
