//! Where things lie.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, bail};

/// The repository.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// The static site.
pub(crate) fn dist() -> PathBuf {
    root().join("dist")
}

/// Cargo's folder of the workspace.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// What is built for the browser lies apart: it may come from another compiler, and neither build
/// shall throw away the other's work or wait for its lock.
pub(crate) fn wasm_target() -> PathBuf {
    target().join("wasm")
}

/// Where tools are kept that take minutes to build; outside of `target/`, so that every checkout on
/// a machine finds them.
pub(crate) fn cache() -> Result<PathBuf> {
    let base = match env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(base) => PathBuf::from(base),
        None => env::home_dir()
            .context("no home folder, and XDG_CACHE_HOME is not set")?
            .join(".cache"),
    };
    Ok(base.join("lobby"))
}

/// The one version of a package in `Cargo.lock`.
pub(crate) fn locked_version(package: &str) -> Result<String> {
    let path = root().join("Cargo.lock");
    let lock = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    find_locked_version(&lock, package)
}

fn find_locked_version(lock: &str, package: &str) -> Result<String> {
    let name = format!("name = \"{package}\"");
    let mut versions = lock
        .split("[[package]]")
        .filter(|entry| entry.lines().any(|line| line == name))
        .filter_map(|entry| {
            entry
                .lines()
                .find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        });
    match (versions.next(), versions.next()) {
        (Some(version), None) => Ok(version.to_owned()),
        (None, _) => bail!("Cargo.lock has no {package}"),
        (Some(_), Some(_)) => bail!("Cargo.lock has more than one {package}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n\n\
        [[package]]\nname = \"a-b\"\nversion = \"0.1.0\"\ndependencies = [\n \"a\",\n]\n\n\
        [[package]]\nname = \"twice\"\nversion = \"1.0.0\"\n\n\
        [[package]]\nname = \"twice\"\nversion = \"2.0.0\"\n";

    #[test]
    fn the_version_of_a_package() {
        assert_eq!(find_locked_version(LOCK, "a").unwrap(), "1.2.3");
        assert_eq!(find_locked_version(LOCK, "a-b").unwrap(), "0.1.0");
    }

    #[test]
    fn no_version_or_two_is_an_error() {
        assert!(find_locked_version(LOCK, "b").is_err());
        assert!(find_locked_version(LOCK, "twice").is_err());
    }

    #[test]
    fn this_repository_locks_wasm_bindgen() {
        let version = locked_version("wasm-bindgen").unwrap();
        assert_eq!(version.split('.').count(), 3, "{version}");
    }
}
