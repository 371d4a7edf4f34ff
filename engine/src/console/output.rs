//! What a line printed, and what came of it.

use std::rc::Rc;

use serde::Serialize;

use crate::network::{Journey, NameLookup, Tally};

/// Where a text was printed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A text that was printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Chunk {
    /// Where to.
    pub stream: Stream,
    /// The text, with its line feeds.
    pub text: String,
}

/// What a line did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// What it printed, in order.
    pub chunks: Vec<Chunk>,
    /// The exit code of its last command; 0 when all went well.
    pub exit_code: u8,
    /// The requests that it sent, in order.
    pub journeys: Vec<Rc<Journey>>,
    /// The names that it looked up and sent nothing to, in order.
    pub lookups: Vec<Rc<NameLookup>>,
    /// What `lab send --count` counted.
    pub tallies: Vec<Tally>,
    /// Whether the world, the settings or the console are other ones than before.
    pub changed: bool,
    /// Whether it goes on printing while time passes, until it is interrupted.
    pub runs_on: bool,
    /// Whether this takes the place of what the running command printed before (`watch`).
    pub replaces: bool,
}

impl Output {
    /// What it printed to standard output.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.text_of(Stream::Stdout)
    }

    /// What it printed to standard error.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.text_of(Stream::Stderr)
    }

    /// Everything it printed, as a terminal shows it.
    #[must_use]
    pub fn text(&self) -> String {
        self.chunks
            .iter()
            .map(|chunk| chunk.text.as_str())
            .collect()
    }

    fn text_of(&self, stream: Stream) -> String {
        let chunks = self.chunks.iter().filter(|chunk| chunk.stream == stream);
        chunks.map(|chunk| chunk.text.as_str()).collect()
    }
}

/// What one command of a line printed, and how it ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Printed {
    pub chunks: Vec<Chunk>,
    pub code: u8,
}

impl Printed {
    /// Nothing but a text on standard output.
    pub(super) fn stdout(text: impl Into<String>) -> Self {
        let mut printed = Self::default();
        printed.out(text);
        printed
    }

    /// A line on standard error, and an exit code.
    pub(super) fn failure(code: u8, text: impl AsRef<str>) -> Self {
        let mut printed = Self::default();
        printed.err(format!("{}\n", text.as_ref()));
        printed.code = code;
        printed
    }

    pub(super) fn out(&mut self, text: impl Into<String>) {
        self.push(Stream::Stdout, text.into());
    }

    pub(super) fn err(&mut self, text: impl Into<String>) {
        self.push(Stream::Stderr, text.into());
    }

    pub(super) fn push(&mut self, stream: Stream, text: String) {
        match self.chunks.last_mut() {
            _ if text.is_empty() => {}
            Some(last) if last.stream == stream => last.text.push_str(&text),
            _ => self.chunks.push(Chunk { stream, text }),
        }
    }

    /// What another command printed, behind this.
    pub(super) fn then(&mut self, next: Self) {
        for chunk in next.chunks {
            self.push(chunk.stream, chunk.text);
        }
        self.code = next.code;
    }
}
