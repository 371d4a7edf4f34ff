//! The console: a line as a person types it, done in the lab.
//!
//! A line is read as a shell reads it ([`crate::kubectl::shell`]): words, quotes, pipes, `&&`, `||`,
//! `;`, redirections and heredocs. Its commands are
//!
//! * `kubectl`, speaking to the lab's own cluster (`server`), so that whatever it changes is changed
//!   by the cluster's registry;
//! * the tools that people reach for on a laptop, a Node or in a Pod (`tools`): each request of
//!   theirs is walked by the lab's wires, and its [`Journey`] is in the [`Output`];
//! * filters between pipes (`filters`);
//! * the verbs of the lab itself, under the word `lab` (`verbs`).
//!
//! A line is typed on the laptop of the street, unless `from pod/NAME` or `kubectl exec -it … -- sh`
//! went somewhere else; `exit` leads back. `-f -` reads the editor's text where nothing is piped, and
//! so does a file that nobody wrote: there is no file system but what `>` and `tee` make.
//!
//! Left out, and said so when asked for: variables, substitutions, loops, jobs in the background.

pub mod actions;
mod complete;
mod filters;
mod kubectl;
mod live;
mod output;
mod place;
pub mod server;
mod shell;
mod tools;
mod verbs;

use crate::api::ObjectRef;
use crate::kubectl::Kubectl;
use crate::kubectl::shell::ShellError;
use crate::lab::Lab;

pub use complete::{Completion, complete};
pub use live::Live;
pub use output::{Chunk, Output, Stream};
pub use place::Place;
pub use verbs::VERBS;

/// What the console remembers from line to line.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// kubectl's namespace, and the files that lines wrote.
    kubectl: Kubectl,
    /// Where lines are typed.
    place: Place,
    /// Pods of lines that are over (`kubectl run --rm`): gone before the next line.
    leaving: Vec<ObjectRef>,
    /// The Pod of a shell that `kubectl run --rm -it` opened: `exit` deletes it.
    leaving_on_exit: Option<ObjectRef>,
}

impl Session {
    /// Where lines are typed.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The Namespace of kubectl's context.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.kubectl.namespace
    }
}

/// Whether a line goes on below: a heredoc without its end, an open quote, a pipe at the end.
#[must_use]
pub fn is_unfinished(line: &str) -> bool {
    match crate::kubectl::shell::parse(line) {
        Err(ShellError::Heredoc(_) | ShellError::Open(_)) => true,
        Err(ShellError::Unexpected(token)) => {
            let ends = ["|", "&&", "||"]
                .iter()
                .any(|end| line.trim_end().ends_with(end));
            token == "newline" && ends
        }
        Err(_) => false,
        Ok(_) => line.trim_end_matches('\n').ends_with(" \\"),
    }
}

/// A line that was run.
#[derive(Debug)]
pub(crate) struct Ran {
    /// What it printed, and what came of it.
    pub output: Output,
    /// Whether it is a step of its own to take back, and done again after an edit.
    pub is_kept: bool,
}

pub(crate) use live::poll;

/// Takes away what lines that are over left behind for a look.
pub(crate) fn sweep(lab: &mut Lab) {
    shell::Shell::new(lab).sweep();
}

/// Runs a line.
pub(crate) fn run(lab: &mut Lab, line: &str) -> Ran {
    shell::Shell::new(lab).line(line)
}
