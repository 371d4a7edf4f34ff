//! The parts of the page around the stage.

mod diagnostics;
mod help;
mod journey;
mod manifests;
mod names;
mod outline;
mod rules;
mod send;
mod share;
mod tally;
mod top;
mod transport;

pub use help::Help;
pub use journey::{JourneyPanel, node_of};
pub use manifests::Manifests;
pub use names::Names;
pub use rules::Rules;
pub use send::SendBar;
pub use share::Share;
pub use tally::TallyPanel;
pub use top::Top;
pub use transport::Transport;
