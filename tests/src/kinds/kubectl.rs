//! `kubectl`: commands as typed, what they print, and what they change.

use std::io;
use std::path::Path;

use crate::vector::{self, Vector};

/// A folder each.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "kubectl", "command.txt")
}
