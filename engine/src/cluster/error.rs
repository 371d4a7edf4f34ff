//! What the API server answers when it refuses, in its words.
//!
//! Source: k8s.io/apimachinery `pkg/api/errors/errors.go` (v0.30.5).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::api::allocate::AllocationError;
use crate::api::validation::{FieldError, aggregate};
use crate::api::{FieldPath, Kind, ObjectRef};

/// Why a request is refused: `reason` of a `Status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// There is no such object.
    NotFound,
    /// There is one of this name.
    AlreadyExists,
    /// Its content is wrong.
    Invalid,
    /// Somebody changed it meanwhile.
    Conflict,
    /// It must not be done.
    Forbidden,
    /// It cannot be understood.
    BadRequest,
}

impl Reason {
    /// As kubectl prints it in brackets: `Error from server (NotFound): …`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::Invalid => "Invalid",
            Self::Conflict => "Conflict",
            Self::Forbidden => "Forbidden",
            Self::BadRequest => "BadRequest",
        }
    }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusError {
    /// Why.
    pub reason: Reason,
    /// The server's sentence.
    pub message: String,
    /// The fields that are wrong, for [`Reason::Invalid`].
    pub causes: Vec<Cause>,
}

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// Where to look for it in a manifest, the closest place first.
    pub places: Vec<FieldPath>,
    /// The field, and what is wrong with it.
    pub message: String,
}

impl StatusError {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            causes: Vec::new(),
        }
    }

    pub(super) fn not_found(object: &ObjectRef) -> Self {
        let message = format!("{} \"{}\" not found", object.kind.plural(), object.name);
        Self::new(Reason::NotFound, message)
    }

    pub(super) fn already_exists(object: &ObjectRef) -> Self {
        let message = format!(
            "{} \"{}\" already exists",
            object.kind.plural(),
            object.name
        );
        Self::new(Reason::AlreadyExists, message)
    }

    pub(super) fn conflict(object: &ObjectRef) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{}\": the object has been modified; please \
             apply your changes to the latest version and try again",
            object.kind.plural(),
            object.name
        );
        Self::new(Reason::Conflict, message)
    }

    pub(super) fn invalid(kind: Kind, name: &str, errors: &[FieldError]) -> Self {
        Self {
            reason: Reason::Invalid,
            message: format!(
                "{} \"{name}\" is invalid: {}",
                kind.with_group(),
                aggregate(errors)
            ),
            causes: errors
                .iter()
                .map(|error| Cause {
                    places: error.places().collect(),
                    message: error.to_string(),
                })
                .collect(),
        }
    }

    pub(super) fn not_allocated(name: &str, error: &AllocationError) -> Self {
        Self {
            reason: Reason::Invalid,
            message: format!("Service \"{name}\" is invalid: {error}"),
            causes: vec![Cause {
                places: error.places().collect(),
                message: error.to_string(),
            }],
        }
    }
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StatusError {}
