//! Cargo itself, natively.

use std::process::Command;

use crate::{host, process, workspace};

/// `cargo`, at the top of the workspace. In CI the lock file is taken as it is.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut cargo = process::command("cargo");
    cargo.arg(subcommand).current_dir(workspace::root());
    if host::is_ci() && subcommand != "fmt" {
        cargo.arg("--locked");
    }
    cargo
}
