//! What the doctor says: a finding, its proof, and what would mend it.

use serde::Serialize;

use super::diff;
use crate::api::{FieldPath, ObjectRef};
use crate::diagnostic::{Severity, Span};
use crate::network::Request;

/// One thing that is wrong, will surprise, or is worth knowing.
///
/// An *error* is traffic that the objects ask for and that cannot work; a *warning* works only in
/// part, or not as most people expect; a *note* is nothing to mend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which rule found it: a name that stays ([`super::CATALOGUE`]).
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The object, as `Service shop/web`; empty where it is about the text as a whole.
    pub object: String,
    /// The same, for links to the picture; `None` for kinds that are not modelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<ObjectRef>,
    /// The field, as Kubernetes writes paths; empty for the object as a whole.
    pub field: FieldPath,
    /// Where the field stands in the text, or the nearest one around it; `None` for an object that
    /// no text names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Why that is so, and what it does to traffic.
    pub why: String,
    /// How it was proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What would mend it, where there is one obvious thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// The page of the Kubernetes documentation to read on.
    pub see: &'static str,
}

/// How a finding was proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// What was tried, and what came of it.
    pub text: String,
    /// The request that was walked through the rules: it can be sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

impl Evidence {
    /// A comparison, or an answer.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            request: None,
        }
    }
}

/// What would mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fix {
    /// Changes of the text, none of which touches another.
    Edits(Vec<Edit>),
    /// A command, for an object that is not in the text.
    Command(String),
}

impl Fix {
    /// The text with the changes in it; `None` for a command, and for a text that the changes do
    /// not fit: another one than was examined.
    #[must_use]
    pub fn apply(&self, text: &str) -> Option<String> {
        match self {
            Self::Edits(edits) => apply(edits, text),
            Self::Command(_) => None,
        }
    }

    /// What a person reads: a unified diff against the text, or the command.
    #[must_use]
    pub fn show(&self, text: &str, file: &str) -> String {
        match self {
            Self::Command(line) => line.clone(),
            Self::Edits(_) => match self.apply(text) {
                Some(after) => diff::unified(text, &after, file),
                None => String::new(),
            },
        }
    }
}

/// Bytes `start..end` of the text are replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The first byte that goes.
    pub start: u32,
    /// Just past the last one; the same for something new.
    pub end: u32,
    /// What comes in its place.
    pub with: String,
}

fn apply(edits: &[Edit], text: &str) -> Option<String> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_unstable_by_key(|edit| (edit.start, edit.end));
    let mut after = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        after.push_str(text.get(at..edit.start as usize)?);
        after.push_str(&edit.with);
        at = edit.end as usize;
    }
    after.push_str(text.get(at..)?);
    Some(after)
}
