//! `walks`: what became of real packets in a network with the rules of a scenario. One vector is all
//! packets of a scenario.

use std::io;
use std::path::Path;

use crate::vector::{self, Vector};

/// The scenarios that were built as networks.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "proxy", "walks.jsonl")
}
