//! The parts of the page around the stage.

mod compare;
mod console;
mod cost;
mod diagnostics;
mod dictionary;
mod doctor;
mod endpoints;
mod help;
mod journey;
mod lesson;
mod lessons;
mod manifests;
mod names;
mod notice;
mod open_file;
mod outline;
mod rules;
mod send;
mod settings;
mod share;
mod tally;
mod time;
mod top;
mod transport;
mod trust;

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
pub use notice::NoticeBar;
pub use open_file::OpenFile;
pub use rules::Rules;
pub use send::SendBar;
pub use settings::SettingsDialog;
pub use share::Share;
pub use tally::TallyPanel;
pub use time::TimeBar;
pub use top::{Ask, Top};
pub use transport::Transport;
pub use trust::Trust;

use yew::Callback;

use crate::session::Session;
use crate::state::Action;

/// Reports what a person did, where there is a session to hear it.
fn reporter(session: Option<&Session>) -> Callback<Action> {
    let session = session.cloned();
    Callback::from(move |action: Action| {
        if let Some(session) = &session {
            session.dispatch(action);
        }
    })
}
