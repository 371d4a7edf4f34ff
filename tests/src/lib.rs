//! Vectors and journeys.
pub mod canon;
