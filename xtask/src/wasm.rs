//! Which compiler builds for the browser.
//!
//! Rust's standard library for wasm32 comes with `rustup target add wasm32-unknown-unknown`. A Rust
//! that is a distribution's own, or a network without rustup's server, has no such thing. There
//! Debian's packages for its own browsers help: a compiler, the library's source and a linker; cargo
//! builds the library from that source. This needs two variables that must not reach a native build,
//! so they are set for single commands and for nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{self, CannotRun};
use crate::{host, workspace};

/// WebAssembly without any system.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Debian 12's: the compiler and cargo that its Firefox and Chromium are built with, the standard
/// library's source, and wasm-ld.
const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// Debian's compiler; rustup's comes first on most people's PATH.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// What makes the page small: a panic is a trap without a message, as nobody would read it in the
/// release build (the development build tells it), and no panic brings its place along.
const SLIM: &str = "-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none";

/// What the splitter wants to know of a linked module: its functions by names of their own, and who
/// refers to which bytes of memory. And SHA-256 (the names of chains) as a loop, not unrolled: that
/// saves 6 KB.
const TRACED: &str = "-Csymbol-mangling-version=v0 -Clink-arg=--emit-relocs \
    --cfg sha2_backend_soft=\"compact\"";

/// The first compiler that knows all of [`SLIM`]: 1.92.
const SLIM_SINCE: u32 = 92;

/// A compiler for wasm32.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The Rust at hand has the target.
    Installed,
    /// Debian's compiler in /usr/bin, which builds the standard library as well.
    Debian {
        /// The linker, which has a version in its name.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Chooses, installs what is missing, and says so.
    ///
    /// [`CannotRun`] where neither way is open.
    pub(crate) fn choose() -> Result<Toolchain> {
        if has_target()? {
            println!("wasm32: the Rust at hand has the target");
            return Ok(Toolchain::Installed);
        }
        if let Some(debian) = Toolchain::debian() {
            println!("wasm32: Debian's rustc-web, with its standard library built from source");
            return Ok(debian);
        }
        let mut refused = "there is no rustup".to_owned();
        if process::find("rustup").is_some() {
            println!("wasm32: the target is missing; asking rustup for it");
            match process::run(process::command("rustup").args(["target", "add", TARGET])) {
                Ok(()) if has_target()? => return Ok(Toolchain::Installed),
                Ok(()) => refused = "rustup added it to another toolchain".to_owned(),
                Err(_) => refused = "rustup could not fetch it".to_owned(),
            }
        }
        let hint = format!("`rustup target add {TARGET}` is missing, and {refused}");
        if !host::is_debian() {
            return Err(CannotRun(hint).into());
        }
        println!("wasm32: {refused}; taking Debian's compiler for it");
        host::install(&PACKAGES, "a compiler for wasm32").context(hint)?;
        Toolchain::debian()
            .context("Debian's packages are installed, but not where they are expected")
    }

    fn debian() -> Option<Toolchain> {
        let compiler = [DEBIAN_RUSTC, "/usr/bin/cargo"];
        if !compiler.iter().all(|path| Path::new(path).is_file()) {
            return None;
        }
        if !Path::new("/usr/lib/rustlib/src/rust/library/std").is_dir() {
            return None;
        }
        Some(Toolchain::Debian {
            linker: find_linker(Path::new("/usr/bin"))?,
        })
    }

    /// Makes the command build with this compiler, into a folder of its own. `tools` are folders of
    /// programs that it shall find.
    pub(crate) fn apply<'a>(
        &self,
        command: &'a mut Command,
        tools: &[PathBuf],
    ) -> Result<&'a mut Command> {
        command.env("CARGO_TARGET_DIR", workspace::wasm_target());
        match self {
            Toolchain::Installed => {
                command.env("PATH", process::path_with(tools, &[])?);
            }
            Toolchain::Debian { linker } => {
                let mut first = vec![PathBuf::from("/usr/bin")];
                first.extend_from_slice(tools);
                command
                    .env("PATH", process::path_with(&first, &[])?)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                    // The library path of the other compiler, as `cargo run` sets it.
                    .env_remove("LD_LIBRARY_PATH")
                    .env_remove("RUSTUP_TOOLCHAIN");
            }
        }
        Ok(command)
    }

    /// Makes the command, after [`Toolchain::apply`], build the page as people get it: the standard
    /// library is built along with it, for size.
    ///
    /// Where its source is neither there nor to be had, the page is built with the library as it
    /// was shipped. It is a tenth larger then, and this is said.
    pub(crate) fn slim(&self, command: &mut Command) -> Result<()> {
        let flags = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";
        command.env(flags, TRACED);
        let compiler = match self {
            Toolchain::Installed => {
                if !add_source()? {
                    println!(
                        "wasm32: the standard library's source is missing (`rustup component add \
                         rust-src`), so the page will be larger"
                    );
                    return Ok(());
                }
                "rustc"
            }
            Toolchain::Debian { .. } => DEBIAN_RUSTC,
        };
        command
            // The options are not stable: this says that we know.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
            // Small sorts and formatting instead of fast ones.
            .env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size");
        let mut version = process::command(compiler);
        if compiler == DEBIAN_RUSTC {
            // `cargo run` names the other compiler's libraries, with which this one does not start.
            version.env_remove("LD_LIBRARY_PATH");
        }
        // A compiler that does not say its version is taken for an old one.
        let version = process::capture(version.arg("--version")).unwrap_or_default();
        if minor(&version).is_some_and(|minor| minor >= SLIM_SINCE) {
            command.env(flags, format!("{SLIM} {TRACED}"));
        }
        Ok(())
    }
}

/// `96` of `rustc 1.96.0 (…)`.
fn minor(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(1)?;
    number.strip_prefix("1.")?.split('.').next()?.parse().ok()
}

/// Whether the page is built with the standard library as it was shipped, because there is neither
/// its source nor Debian's compiler.
pub(crate) fn takes_shipped_library() -> Result<bool> {
    Ok(has_target()? && !has_source()?)
}

/// Whether the source of the standard library is there, asking rustup for it where it is not.
fn add_source() -> Result<bool> {
    if has_source()? {
        return Ok(true);
    }
    if process::find("rustup").is_none() {
        return Ok(false);
    }
    println!("wasm32: asking rustup for the standard library's source");
    let added = process::run(process::command("rustup").args(["component", "add", "rust-src"]));
    Ok(added.is_ok() && has_source()?)
}

fn has_source() -> Result<bool> {
    Ok(sysroot()?
        .join("lib/rustlib/src/rust/library/std/Cargo.toml")
        .is_file())
}

fn sysroot() -> Result<PathBuf> {
    let sysroot = process::capture(process::command("rustc").args(["--print", "sysroot"]))?;
    Ok(PathBuf::from(sysroot.trim()))
}

/// Whether the compiler that cargo uses here has a standard library for wasm32.
fn has_target() -> Result<bool> {
    let library = sysroot()?.join("lib/rustlib").join(TARGET).join("lib");
    Ok(fs::read_dir(library).is_ok_and(|mut files| files.next().is_some()))
}

/// The newest `wasm-ld` of a folder: plain, or with a version (`wasm-ld-22`).
fn find_linker(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?;
    let mut found: Vec<(u32, PathBuf)> = files
        .filter_map(|file| {
            let path = file.ok()?.path();
            let version = linker_version(path.file_name()?.to_str()?)?;
            Some((version, path))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, path)| path)
}

/// A plain `wasm-ld` is the one that the machine's owner chose: newer than any.
fn linker_version(name: &str) -> Option<u32> {
    match name.strip_prefix("wasm-ld")? {
        "" => Some(u32::MAX),
        version => version.strip_prefix('-')?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_linkers_version() {
        assert_eq!(linker_version("wasm-ld-22"), Some(22));
        assert_eq!(linker_version("wasm-ld"), Some(u32::MAX));
        assert_eq!(linker_version("ld.lld-22"), None);
        assert_eq!(linker_version("wasm-ld-old"), None);
    }

    #[test]
    fn the_compilers_version() {
        assert_eq!(minor("rustc 1.96.0 (abc 2026-05-01)"), Some(96));
        assert_eq!(minor("rustc 1.95.0-nightly (abc 2026-02-01)"), Some(95));
        assert_eq!(minor("rustc"), None);
    }

    #[test]
    fn the_variables_stay_with_the_command() {
        let debian = Toolchain::Debian {
            linker: PathBuf::from("/usr/bin/wasm-ld-22"),
        };
        let mut command = Command::new("cargo");
        debian.apply(&mut command, &[]).unwrap();
        let set = |command: &Command, wanted: &str| {
            command
                .get_envs()
                .any(|(name, value)| name == wanted && value.is_some())
        };
        assert!(set(&command, "CARGO_UNSTABLE_BUILD_STD"));
        assert!(std::env::var_os("CARGO_UNSTABLE_BUILD_STD").is_none());
        let mut plain = Command::new("cargo");
        Toolchain::Installed.apply(&mut plain, &[]).unwrap();
        assert!(!set(&plain, "CARGO_UNSTABLE_BUILD_STD"));
        assert!(set(&plain, "CARGO_TARGET_DIR"));
    }
}
