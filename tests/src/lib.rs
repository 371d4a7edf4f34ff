//! Vectors and journeys.
