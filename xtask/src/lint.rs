//! `cargo xtask lint` and `cargo xtask fmt`.

use anyhow::{Result, bail};

use crate::cargo::cargo;
use crate::process::CannotRun;
use crate::wasm::Toolchain;
use crate::{process, tidy, tools, workspace};

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
    let mut clippy = cargo("clippy");
    // The comparison with the kernel is no part of a plain `cargo test`.
    clippy.args([
        "--workspace",
        "--all-targets",
        "--features",
        "lobby-tests/kernel",
    ]);
    process::run(clippy.args(["--", "-D", "warnings"]))
}

/// Clippy over what is compiled for the browser alone: the component tests, and code behind
/// `cfg(target_arch = "wasm32")`. [`CannotRun`] with Debian's compiler, which has no clippy.
pub(crate) fn clippy_web() -> Result<()> {
    let toolchain = Toolchain::choose()?;
    if toolchain != Toolchain::Installed {
        let reason = "Debian's compiler for wasm32 has no clippy";
        return Err(CannotRun(reason.to_owned()).into());
    }
    let mut clippy = cargo("clippy");
    clippy.args([
        "--target",
        "wasm32-unknown-unknown",
        "-p",
        "lobby-web",
        "--all-targets",
    ]);
    process::run(toolchain.apply(clippy.args(["--", "-D", "warnings"]), &[])?)
}

/// What dependencies may be, by cargo-deny: licences, bans and sources of `Cargo.lock`, and advisories
/// where their database can be fetched. That it cannot is said, and is no failure: it says nothing about
/// this repository.
pub(crate) fn deny() -> Result<()> {
    let deny = tools::cargo_deny()?;
    let check = |what: &[&str]| {
        let mut command = process::command(&deny);
        // Who depends on what is asked of `cargo tree`; here it hides what is wrong.
        command.args(["check", "--hide-inclusion-graph"]).args(what);
        process::run(command.current_dir(workspace::root()))
    };
    check(&["licenses", "bans", "sources"])?;
    let mut fetch = process::command(&deny);
    fetch.args(["fetch", "db"]).current_dir(workspace::root());
    if process::run(&mut fetch).is_err() {
        println!(
            "Licences, bans and sources: passed. Advisories: NOT looked at, because their database \
             (github.com/RustSec/advisory-db) cannot be fetched here"
        );
        return Ok(());
    }
    check(&["advisories"])?;
    println!("Licences, bans, sources and advisories: passed");
    Ok(())
}

/// All that needs no browser; every part runs, whatever the ones before say.
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
