//! What this machine has, and what Debian's archive can add to it.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result};

use crate::process::{self, CannotRun};

/// Packages were looked for in this run already: `apt-get update` takes a while.
static UPDATED: Mutex<bool> = Mutex::new(false);

/// Installs packages of Debian's archive.
///
/// [`CannotRun`] where there is no apt-get or no right to use it, or where the archive lacks one of
/// them (they are named as Debian 12 names them).
pub(crate) fn install(packages: &[&str], why: &str) -> Result<()> {
    if process::find("apt-get").is_none() {
        let reason = format!("{why} is missing, and there is no apt-get to install it with");
        return Err(CannotRun(reason).into());
    }
    if !is_root()? {
        let reason = format!(
            "{why} is missing; `sudo apt-get install {}` adds it (this is not root)",
            packages.join(" ")
        );
        return Err(CannotRun(reason).into());
    }
    println!("Installing {why}: {}", packages.join(" "));
    let mut updated = UPDATED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if !*updated {
        process::run(apt().arg("update").arg("-qq"))?;
        *updated = true;
    }
    let mut policy = process::command("apt-cache");
    let known = process::capture(policy.arg("policy").args(packages))?;
    for package in packages {
        let entry = format!("{package}:\n");
        if !known.contains(&entry) {
            let reason = format!("{why} is missing, and this archive has no package {package}");
            return Err(CannotRun(reason).into());
        }
    }
    let mut install = apt();
    install
        .args(["install", "-qq", "-y", "--no-install-recommends"])
        .args(packages);
    process::run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn apt() -> std::process::Command {
    let mut apt = process::command("apt-get");
    // Another apt-get at work (a fresh machine updates itself) is waited for.
    apt.args(["-o", "DPkg::Lock::Timeout=120"]);
    apt
}

fn is_root() -> Result<bool> {
    Ok(process::capture(process::command("id").arg("-u"))?.trim() == "0")
}

/// Node, as new as Playwright wants it. [`CannotRun`] if there is none.
pub(crate) fn node() -> Result<()> {
    const WANTED: u32 = 20;
    let cannot = |reason: String| Err(CannotRun(reason).into());
    if process::find("node").is_none() || process::find("npm").is_none() {
        return cannot(format!(
            "Node is missing: version {WANTED} or newer, with npm, from nodejs.org"
        ));
    }
    let said = process::capture(process::command("node").arg("--version"))?;
    match major_version(&said) {
        Some(found) if found >= WANTED => Ok(()),
        _ => cannot(format!(
            "Node {WANTED} or newer is needed, and this is {}",
            said.trim()
        )),
    }
}

fn major_version(text: &str) -> Option<u32> {
    text.trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// A browser, and the program that drives it for wasm-bindgen's tests.
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    /// None: found a browser, but no driver.
    pub(crate) driver: Option<PathBuf>,
}

/// Finds Chromium or Chrome, and installs it where it is missing and that is possible.
pub(crate) fn browser() -> Result<Browser> {
    if let Some(found) = find_browser() {
        if found.driver.is_some() {
            return Ok(found);
        }
        // The driver alone is worth a try: the page's tests do without it.
        return match install(&["chromium-driver"], "the browser's driver") {
            Ok(()) => find_browser().context("the browser is gone"),
            Err(error) if error.is::<CannotRun>() => Ok(found),
            Err(error) => Err(error),
        };
    }
    // Without any font the pictures would show boxes.
    install(
        &["chromium", "chromium-driver", "fonts-liberation"],
        "a browser for the tests",
    )?;
    find_browser().context("chromium was installed, but is not found")
}

fn find_browser() -> Option<Browser> {
    const NAMES: [&str; 4] = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    const MAC: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
    let chromium = named_by("LOBBY_CHROMIUM")
        .or_else(|| NAMES.into_iter().find_map(process::find))
        .or_else(|| Some(PathBuf::from(MAC)).filter(|path| path.is_file()))?;
    let driver = named_by("CHROMEDRIVER").or_else(|| process::find("chromedriver"));
    Some(Browser { chromium, driver })
}

fn named_by(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_file())
}

/// How many processes wanted to run of late: in the last minute, five and fifteen, where Linux says
/// it.
pub(crate) fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    let words: Vec<&str> = text.split_whitespace().take(3).collect();
    Some(words.join(" "))
}

/// Whether this is Debian or something made from it.
pub(crate) fn is_debian() -> bool {
    Path::new("/etc/debian_version").is_file()
}

/// Whether a record is being made: nobody watches, and nobody answers.
pub(crate) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_node() {
        assert_eq!(major_version("v20.20.2\n"), Some(20));
        assert_eq!(major_version("v9.0.0"), Some(9));
        assert_eq!(major_version("20.1.0"), None);
        assert_eq!(major_version(""), None);
    }
}
