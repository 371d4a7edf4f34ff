//! What the API server refuses, in its own words.
//!
//! Modelled: create and update validation of Services, `pkg/apis/core/validation` of Kubernetes
//! [`crate::KUBERNETES_VERSION`] and `pkg/api/validation` of its k8s.io/apimachinery. An error has
//! the field it is about, so that its place in a manifest can be found.
//!
//! Left out: admission plugins, and what allocation refuses (an address or port that is taken or
//! out of range).

pub mod addresses;
mod field_error;
mod metadata;
pub mod names;
mod service;
mod service_update;

pub use field_error::{BadValue, FieldError, FieldErrorKind, aggregate, quote};
pub use service::service;
pub use service_update::service_update;

#[cfg(test)]
mod tests;
