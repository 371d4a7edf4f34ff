//! What goes wrong, and how kubectl tells it.
//!
//! Source: kubectl `pkg/cmd/util/helpers.go` (`checkErr`, `StandardErrorMessage`,
//! `AddSourceToErr`), k8s.io/apimachinery `pkg/api/errors/errors.go`.

use crate::api::validation::{FieldError, aggregate};

/// An answer of the API server that is no success (`metav1.Status`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// `NotFound`, `AlreadyExists`, `Invalid`, `BadRequest`, `Conflict`, …
    pub reason: &'static str,
    /// In words.
    pub message: String,
    /// For `Invalid`: the object's kind and name.
    pub about: Option<(String, String)>,
    /// For `Invalid`: fields and what is wrong with them.
    pub causes: Vec<(String, String)>,
}

impl Status {
    /// No more than a reason and words.
    #[must_use]
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            about: None,
            causes: Vec::new(),
        }
    }

    /// There is no such object. `resource` with its group: `deployments.apps`.
    #[must_use]
    pub fn not_found(resource: &str, name: &str) -> Self {
        Self::new("NotFound", format!("{resource} \"{name}\" not found"))
    }

    /// There is such an object already.
    #[must_use]
    pub fn already_exists(resource: &str, name: &str) -> Self {
        Self::new(
            "AlreadyExists",
            format!("{resource} \"{name}\" already exists"),
        )
    }

    /// The request cannot be understood.
    #[must_use]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new("BadRequest", message)
    }

    /// Validation refused it. `kind` with its group: `Deployment.apps`.
    #[must_use]
    pub fn invalid(kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let causes = errors
            .iter()
            .map(|error| {
                let text = error.to_string();
                let field = error.field.to_string();
                let rest = text.strip_prefix(&format!("{field}: ")).unwrap_or(&text);
                (field, rest.to_owned())
            })
            .collect();
        Self {
            reason: "Invalid",
            message: format!("{kind} \"{name}\" is invalid: {}", aggregate(errors)),
            about: Some((kind.to_owned(), name.to_owned())),
            causes,
        }
    }
}

/// Why a command ends with exit code 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The server said no.
    Status(Box<Status>),
    /// kubectl itself says no: the words behind `error: `.
    Plain(String),
    /// Several.
    Many(Vec<Error>),
    /// All is told already.
    Told,
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl Error {
    /// kubectl's own words.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Plain(text.into())
    }

    /// What is wrong with the usage of a command (`UsageErrorf`).
    #[must_use]
    pub fn usage(command: &str, text: &str) -> Self {
        Self::Plain(format!("{text}\nSee '{command} -h' for help and examples"))
    }

    /// One error of several; none when there are none.
    ///
    /// # Errors
    ///
    /// When there is an error.
    pub fn join(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            _ => Err(Self::Many(errors)),
        }
    }

    /// The same, with what was done and the file that was meant.
    #[must_use]
    pub fn with_source(self, verb: &str, source: &str) -> Self {
        if source.is_empty() {
            return self;
        }
        match self {
            Self::Status(mut status) => {
                let message = format!("error when {verb} \"{source}\": {}", status.message);
                status.message = message;
                Self::Status(status)
            }
            Self::Plain(text) => Self::Plain(format!("error when {verb} \"{source}\": {text}")),
            other => other,
        }
    }

    /// Whether the server has no such object.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Status(status) if status.reason == "NotFound")
    }

    /// The words alone, as Go's `Error()` gives them.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Status(status) => status.message.clone(),
            Self::Plain(text) => text.clone(),
            Self::Many(errors) => {
                let texts: Vec<String> = errors.iter().map(Self::text).collect();
                format!("[{}]", texts.join(", "))
            }
            Self::Told => String::new(),
        }
    }

    /// As kubectl prints it at its end, with a line feed.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = match self {
            Self::Told => return String::new(),
            Self::Plain(text) if text.starts_with("error: ") => text.clone(),
            Self::Plain(text) => format!("error: {text}"),
            Self::Many(errors) => errors.iter().map(|e| e.standard() + "\n").collect(),
            Self::Status(status) => match &status.about {
                Some((kind, name)) if status.reason == "Invalid" => {
                    // A text that is there twice is told once.
                    let mut lines: Vec<String> = Vec::new();
                    for (field, what) in &status.causes {
                        let line = format!("{field}: {what}");
                        if !lines.contains(&line) {
                            lines.push(line);
                        }
                    }
                    let head = format!("The {kind} \"{name}\" is invalid");
                    match lines.as_slice() {
                        [] => head,
                        [line] => format!("{head}: {line}"),
                        lines => {
                            let lines: String =
                                lines.iter().map(|line| format!("* {line}\n")).collect();
                            format!("{head}: \n{lines}")
                        }
                    }
                }
                None if status.reason == "Invalid" => {
                    format!("The request is invalid: {}", status.message)
                }
                _ => self.standard(),
            },
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    /// `StandardErrorMessage`, else the words alone.
    fn standard(&self) -> String {
        match self {
            Self::Status(status) if status.reason == "Unauthorized" => format!(
                "error: You must be logged in to the server ({})",
                status.message
            ),
            Self::Status(status) => {
                format!("Error from server ({}): {}", status.reason, status.message)
            }
            other => other.text(),
        }
    }
}
