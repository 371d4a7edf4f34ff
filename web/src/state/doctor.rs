//! What the doctor found.

use std::rc::Rc;

use lobby_engine::diagnostic::Severity;
use lobby_engine::doctor::Finding;

use super::{Event, Slice};
use crate::world::{Same, World};

/// What the doctor found, and in which text.
#[derive(Clone, Debug, PartialEq)]
pub struct Doctor {
    /// The findings, the worst first. Compared by identity.
    pub findings: Same<Vec<Finding>>,
    /// The text that was examined: fixes are changes of it, and of no other.
    pub text: Rc<str>,
    /// Whether it was examined since the page opened it.
    pub is_done: bool,
    /// Whether notes are shown, too.
    pub notes: bool,
}

impl Default for Doctor {
    fn default() -> Self {
        Self {
            findings: Same(Rc::default()),
            text: Rc::from(""),
            is_done: false,
            notes: true,
        }
    }
}

impl Doctor {
    /// How many findings of a severity there are.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let findings = self.findings.0.iter();
        findings.filter(|own| own.severity == severity).count()
    }
}

/// What happens to it.
#[derive(Clone, Debug)]
pub enum DoctorAction {
    /// The doctor examined this text, and found this.
    Examined(Rc<str>, Rc<Vec<Finding>>),
    /// Show notes, or hide them.
    Notes(bool),
}

impl Slice for Doctor {
    type Action = DoctorAction;

    fn reduce(&mut self, action: DoctorAction, _: &World) {
        match action {
            DoctorAction::Examined(text, findings) => {
                // The same as before stays the same thing: nothing is drawn anew for it.
                if *self.findings.0 != *findings {
                    self.findings = Same(findings);
                }
                self.text = text;
                self.is_done = true;
            }
            DoctorAction::Notes(notes) => self.notes = notes,
        }
    }

    fn hear(&mut self, event: &Event, _: &World) {
        if matches!(event, Event::Opened(..)) {
            *self = Self {
                notes: self.notes,
                ..Self::default()
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use lobby_engine::lab::{Lab, Settings};

    use super::*;
    use crate::session::Session;

    #[test]
    fn another_text_begins_with_nothing_found() {
        let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {a: b}, ports: [{port: 1}]}\n";
        let mut lab = Lab::new(Settings::default());
        lab.open(text);
        let (session, world) = Session::of(lab, text);
        let found = Rc::new(session.examined().1);
        assert_eq!(found.len(), 1, "{found:?}");
        let mut doctor = Doctor::default();
        doctor.reduce(DoctorAction::Examined(Rc::from(text), found), &world);
        assert_eq!((doctor.count(Severity::Note), doctor.is_done), (1, true));
        doctor.hear(&Event::Opened(Rc::from(""), world.clone()), &world);
        assert!(doctor.findings.0.is_empty(), "{doctor:?}");
        assert_eq!((&*doctor.text, doctor.is_done), ("", false));
    }
}
