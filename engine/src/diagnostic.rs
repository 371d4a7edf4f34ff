//! Places in a text, and what is wrong there.
//!
//! A person's mistake is data, not an error of the engine: readers return what they could read
//! beside a list of [`Diagnostic`].

use serde::{Deserialize, Serialize};

/// A position in a text.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Place {
    /// Bytes from the start of the text.
    pub offset: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in Unicode scalar values.
    pub column: u32,
}

/// A stretch of a text: from the first character to just past the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first character.
    pub start: Place,
    /// Just past the last character.
    pub end: Place,
}

impl Span {
    /// The stretch between two places.
    #[must_use]
    pub fn new(start: Place, end: Place) -> Self {
        Self { start, end }
    }

    /// The smallest stretch that holds both.
    #[must_use]
    pub fn to(self, other: Span) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The API server would refuse it, or the text cannot be read.
    Error,
    /// It is accepted, and probably not what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

/// One thing to say about a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in the API server's or kubectl's own words where they have words.
    pub message: String,
    /// Where in the text; `None` when it is about the text as a whole.
    pub span: Option<Span>,
    /// The object it is about, as `Kind namespace/name`, once that is known.
    pub object: Option<String>,
    /// The field it is about, as Kubernetes writes paths: `spec.ports[0].nodePort`.
    pub field: Option<String>,
    /// What to try.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error with a place.
    #[must_use]
    pub fn error(message: impl Into<String>, span: impl Into<Option<Span>>) -> Self {
        Self::new(Severity::Error, message, span)
    }

    /// A warning with a place.
    #[must_use]
    pub fn warning(message: impl Into<String>, span: impl Into<Option<Span>>) -> Self {
        Self::new(Severity::Warning, message, span)
    }

    /// A note with a place.
    #[must_use]
    pub fn note(message: impl Into<String>, span: impl Into<Option<Span>>) -> Self {
        Self::new(Severity::Note, message, span)
    }

    fn new(severity: Severity, message: impl Into<String>, span: impl Into<Option<Span>>) -> Self {
        Self {
            severity,
            message: message.into(),
            span: span.into(),
            object: None,
            field: None,
            hint: None,
        }
    }

    /// The same, with something to try.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, about a field.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same, about an object.
    #[must_use]
    pub fn with_object(mut self, object: impl Into<String>) -> Self {
        self.object = Some(object.into());
        self
    }

    /// Whether it is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
