//! The console: the lines that were run and what they printed.

use std::rc::Rc;

use lobby_engine::console::{Chunk, Output, Stream};
use lobby_engine::network::Journey;

use super::{Event, Slice};
use crate::world::World;

/// How many lines with their output are kept.
const MOST_ENTRIES: usize = 200;
/// How many of a line's output lines are drawn.
const MOST_LINES: usize = 1_000;

/// A line that was run, and what it printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// From 1, through the whole visit.
    pub number: u32,
    /// What stood before it.
    pub prompt: Rc<str>,
    /// The line.
    pub line: Rc<str>,
    /// What it printed, as much of it as is drawn.
    pub chunks: Rc<Vec<Chunk>>,
    /// How many lines are left out at the end.
    pub left_out: usize,
    /// Whether it failed.
    pub failed: bool,
    /// The requests that it sent.
    pub journeys: Rc<Vec<Rc<Journey>>>,
}

impl Entry {
    /// All its text, as it is copied.
    #[must_use]
    pub fn text(&self) -> String {
        let output: String = self
            .chunks
            .iter()
            .map(|chunk| chunk.text.as_str())
            .collect();
        format!("{} {}\n{output}", self.prompt, self.line)
    }
}

/// What a line printed, cut to what is drawn.
fn cut(chunks: &[Chunk]) -> (Vec<Chunk>, usize) {
    let mut left = MOST_LINES;
    let mut kept = Vec::new();
    let mut left_out = 0;
    for chunk in chunks {
        let count = chunk.text.lines().count();
        if count <= left {
            left -= count;
            kept.push(chunk.clone());
        } else {
            let text: String = chunk.text.split_inclusive('\n').take(left).collect();
            left_out += count - left;
            left = 0;
            kept.push(Chunk {
                stream: chunk.stream,
                text,
            });
        }
    }
    kept.retain(|chunk| !chunk.text.is_empty());
    (kept, left_out)
}

/// The console.
#[derive(Clone, Debug, PartialEq)]
pub struct Console {
    /// What was run, the last one last.
    pub entries: Rc<Vec<Entry>>,
    /// The lines of before, for the arrow keys.
    pub history: Rc<Vec<Rc<str>>>,
    /// What stands before the next line.
    pub prompt: Rc<str>,
    /// Whether a command runs on.
    pub runs_on: bool,
    /// Whether time passes by itself.
    pub time_runs: bool,
    /// Whether something is still to happen by itself.
    pub is_busy: bool,
    count: u32,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            entries: Rc::default(),
            history: Rc::default(),
            prompt: Rc::from("$"),
            runs_on: false,
            time_runs: true,
            is_busy: false,
            count: 0,
        }
    }
}

/// What happens to the console.
#[derive(Clone, Debug)]
pub enum ConsoleAction {
    /// A line was run.
    Ran {
        /// The line.
        line: Rc<str>,
        /// What it printed, and what came of it.
        output: Rc<Output>,
        /// What stands before the next line.
        prompt: Rc<str>,
        /// Whether something is still to happen by itself.
        is_busy: bool,
    },
    /// Time passed; the command that runs on may have printed something.
    Ticked {
        /// What it printed.
        output: Rc<Output>,
        /// Whether something is still to happen by itself.
        is_busy: bool,
    },
    /// The command that ran on was ended.
    Interrupted,
    /// Everything that was printed is taken away.
    Clear,
    /// Let time pass by itself, or not.
    Time(bool),
}

impl Console {
    fn add(&mut self, line: &Rc<str>, output: &Output) {
        self.count += 1;
        let (chunks, left_out) = cut(&output.chunks);
        let entry = Entry {
            number: self.count,
            prompt: self.prompt.clone(),
            line: line.clone(),
            chunks: Rc::new(chunks),
            left_out,
            failed: output.exit_code != 0,
            journeys: Rc::new(output.journeys.clone()),
        };
        let entries = Rc::make_mut(&mut self.entries);
        if entries.len() >= MOST_ENTRIES {
            entries.remove(0);
        }
        entries.push(entry);
        let history = Rc::make_mut(&mut self.history);
        if history.last() != Some(line) && !line.trim().is_empty() {
            history.push(line.clone());
        }
    }

    /// Adds what the running command printed to its line.
    fn append(&mut self, output: &Output) {
        if output.chunks.is_empty() {
            return;
        }
        let Some(last) = Rc::make_mut(&mut self.entries).last_mut() else {
            return;
        };
        let mut chunks = if output.replaces {
            Vec::new()
        } else {
            (*last.chunks).clone()
        };
        chunks.extend(output.chunks.iter().cloned());
        let (chunks, left_out) = cut(&chunks);
        last.chunks = Rc::new(chunks);
        last.left_out += left_out;
        last.failed |= output.exit_code != 0;
    }
}

impl Slice for Console {
    type Action = ConsoleAction;

    fn reduce(&mut self, action: ConsoleAction, _: &World) {
        match action {
            ConsoleAction::Ran {
                line,
                output,
                prompt,
                is_busy,
            } => {
                self.add(&line, &output);
                self.prompt = prompt;
                self.runs_on |= output.runs_on;
                self.is_busy = is_busy;
            }
            ConsoleAction::Ticked { output, is_busy } => {
                self.append(&output);
                self.runs_on = output.runs_on;
                self.is_busy = is_busy;
            }
            ConsoleAction::Interrupted => {
                if self.runs_on {
                    self.append(&Output {
                        chunks: vec![Chunk {
                            stream: Stream::Stdout,
                            text: "^C\n".to_owned(),
                        }],
                        ..Output::default()
                    });
                }
                self.runs_on = false;
            }
            ConsoleAction::Clear => self.entries = Rc::default(),
            ConsoleAction::Time(runs) => self.time_runs = runs,
        }
    }

    fn hear(&mut self, event: &Event, _: &World) {
        // What was printed stays: it was so. Where the next line is typed does not.
        if matches!(event, Event::Opened(..)) {
            self.prompt = Rc::from("$");
            self.runs_on = false;
            self.is_busy = false;
        }
    }
}
