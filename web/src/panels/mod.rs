//! The parts of the page around the stage.

mod compare;
mod console;
mod cost;
mod diagnostics;
mod doctor;
mod endpoints;
mod help;
mod journey;
mod lesson;
mod lessons;
mod manifests;
mod names;
mod outline;
mod rules;
mod send;
mod tally;
mod top;
mod transport;

pub use compare::Compare;
pub use console::ConsolePanel;
pub use cost::Cost;
pub use doctor::{DoctorPanel, underlined};
pub use endpoints::Endpoints;
pub use help::Help;
pub use journey::{JourneyPanel, node_of};
pub use lesson::Lesson;
pub use lessons::LessonList;
pub use manifests::Manifests;
pub use names::Names;
pub use rules::Rules;
pub use send::SendBar;
pub use tally::TallyPanel;
pub use top::Top;
pub use transport::Transport;
