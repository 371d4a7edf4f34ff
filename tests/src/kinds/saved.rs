//! `saved/…`: the rules of a scenario as a person sees them on the Node, printed by the tools.

use std::io;
use std::path::Path;

use crate::vector::{self, Vector};

/// The scenarios with the output of `iptables-save`.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect_iptables_save(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "proxy", "iptables-save.txt")
}

/// The scenarios with the output of `iptables -t nat -L -n`.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect_iptables_nat_list(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "proxy", "iptables-nat-list.txt")
}

/// The scenarios with the output of `nft list table`.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect_nft_list(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "proxy", "nft-list.txt")
}
