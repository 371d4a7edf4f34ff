//! What the API server refuses, in its own words.
//!
//! Modelled: create validation of Services, k8s.io/kubernetes `pkg/apis/core/validation` and
//! k8s.io/apimachinery `pkg/api/validation` of [`crate::KUBERNETES_VERSION`]. An error has the
//! field it is about, so that its place in a manifest can be found.
//!
//! Left out: admission plugins, and what allocation refuses (an address or port that is taken or
//! out of range).

pub mod addresses;
mod field_error;
pub mod names;

pub use field_error::{BadValue, FieldError, FieldErrorKind, aggregate, quote};
