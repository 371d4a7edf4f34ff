//! Lessons: the file format, the goal checks, and the proof that a lesson keeps its word.
//!
//! A lesson is data: a world to begin with, steps that tell, ask and try, a goal that the engine
//! checks, a solution, and sentences that one hears put to the test. Nothing in it is believed:
//! [`prove`] plays it. The format is this project's own and documented in `docs/lessons.md`; a
//! check asks the same engine that draws the picture, so what it says is what the learner sees.
//!
//! | file | is |
//! | --- | --- |
//! | `format`, `read`, `reader` | what a file says, and what is wrong with it, with places |
//! | `markup`, `values` | the texts: paragraphs, code, links; addresses and names of the world |
//! | `act` | the world that a lesson begins with; console lines and edits |
//! | `check` | whether an expectation holds, and the first difference |
//! | `prove` | a whole lesson put to the test |
//! | `index` | the list of lessons |
//!
//! Left out: what a learner looked at or how often she tried (a check is about the world alone),
//! marks and times, texts in other languages.

mod act;
mod check;
mod format;
mod index;
pub mod markup;
mod prove;
mod read;
mod reader;
#[cfg(test)]
mod tests;
mod values;

pub use check::{Difference, check};
pub use format::{
    Action, Amount, Check, ConsoleCheck, CountCheck, Deed, EndpointsCheck, Expectation, Generate,
    Highlight, JourneyCheck, Lesson, Link, LookupCheck, ManyCheck, Myth, MythVerdict, Named,
    ObjectCheck, PANELS, Predict, Rewrite, RulesCheck, Scalar, SettingsCheck, Start, StartSettings,
    Step,
};
pub use index::{Entry, Index};
pub use prove::prove;
pub use read::{API_VERSION, KIND, Reading, is_lesson, read};
pub use values::{fill, show};
