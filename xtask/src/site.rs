//! The static site: Trunk, with everything that it needs.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::wasm::Toolchain;
use crate::{process, split, tools, workspace};

/// How the WebAssembly is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Soon there, and large.
    Dev,
    /// As people get it: Cargo's profile `web` (named in `web/index.html`), then split in two and
    /// shrunk.
    Release,
}

/// Builds the site into a folder.
pub(crate) fn build(profile: Profile, dist: &Path) -> Result<()> {
    let start = Instant::now();
    let root = workspace::root();
    let toolchain = Toolchain::choose()?;
    let trunk = tools::trunk()?;
    let path = [tools::wasm_bindgen()?];
    bundle_editor(&root)?;

    let mut trunk = process::command(trunk.join("trunk"));
    trunk
        .arg("build")
        .arg("--dist")
        .arg(dist)
        .current_dir(&root);
    if profile == Profile::Release {
        trunk.arg("--release");
    }
    trunk
        .env("TRUNK_SKIP_VERSION_CHECK", "true")
        // Its minifier for scripts does not know today's syntax; it then warns and leaves a script
        // as it is, which is what is wanted (the difference is 2 KB).
        .env("RUST_LOG", "warn,trunk::processing::minify=error")
        // Trunk's own traces; errors say what is wrong without them.
        .env("RUST_BACKTRACE", "0")
        // Trunk takes only true and false here, and common practice is 1.
        .env_remove("NO_COLOR");
    toolchain.apply(&mut trunk, &path)?;
    if profile == Profile::Release {
        toolchain.slim(&mut trunk)?;
    }
    process::run(&mut trunk)?;
    if profile == Profile::Release {
        split::run(dist)?;
    }
    let index = dist.join("index.html");
    let html = fs::read_to_string(&index).with_context(|| index.display().to_string())?;
    no_inline_code(&html)?;
    process::run(
        process::command("node")
            .arg(root.join("xtask/node/licences.mjs"))
            .arg(dist),
    )?;
    if profile == Profile::Release {
        process::run(
            process::command("node")
                .arg(root.join("xtask/node/offline.mjs"))
                .arg(dist),
        )?;
    }
    println!(
        "Built {} in {} s",
        dist.display(),
        start.elapsed().as_secs()
    );
    Ok(())
}

/// The YAML editor is JavaScript of others, bundled into one file that Trunk copies.
fn bundle_editor(root: &Path) -> Result<()> {
    let editor = root.join("web/editor");
    if !editor.join("package.json").is_file() {
        return Ok(());
    }
    tools::npm(&editor, "the YAML editor's parts")?;
    fs::create_dir_all(root.join("web/generated"))?;
    process::run(
        process::command("npm")
            .args(["run", "--silent", "build"])
            .current_dir(&editor),
    )
}

/// The page's Content-Security-Policy refuses scripts and styles inside of HTML, so one that slipped
/// in would be dead: better to hear of it here.
fn no_inline_code(html: &str) -> Result<()> {
    for tag in html.split('<').skip(1) {
        let (inside, text) = tag.split_once('>').unwrap_or((tag, ""));
        let name = inside.split_whitespace().next().unwrap_or_default();
        let is_inline_script =
            name == "script" && !inside.contains(" src=") && !text.trim().is_empty();
        if is_inline_script || name == "style" || inside.contains(" style=") {
            bail!(
                "index.html has code or style inside, which its Content-Security-Policy refuses: <{inside}>"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_files_alone_is_fine() {
        no_inline_code("<head><script src=./boot.js type=module></script><title>a < b</title>")
            .unwrap();
    }

    #[test]
    fn code_inside_the_page_is_an_error() {
        for html in [
            "<script>go()</script>",
            "<style>a{}</style>",
            "<p style=\"color:red\">",
        ] {
            no_inline_code(html).unwrap_err();
        }
    }
}
