//! `cargo xtask lint` and `cargo xtask fmt`.

use anyhow::{Result, bail};

use crate::cargo::cargo;
use crate::{process, tidy};

/// Formats the Rust code.
pub(crate) fn format() -> Result<()> {
    process::run(cargo("fmt").arg("--all"))
}

/// Whether the Rust code is formatted.
pub(crate) fn check_format() -> Result<()> {
    process::run(cargo("fmt").args(["--all", "--", "--check"]))
}

/// Clippy over every crate, its warnings being errors. The page's crates build natively as well, so
/// this needs no compiler for wasm32.
pub(crate) fn clippy() -> Result<()> {
    process::run(cargo("clippy").args(["--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// All of it; every part runs, whatever the ones before say.
pub(crate) fn run() -> Result<()> {
    let parts: [fn() -> Result<()>; 3] = [check_format, clippy, tidy::run];
    let mut failed = 0;
    for part in parts {
        if let Err(error) = part() {
            eprintln!("error: {error:#}");
            failed += 1;
        }
    }
    if failed > 0 {
        bail!("{failed} of {} checks failed", parts.len());
    }
    Ok(())
}
