//! The release build's WebAssembly in two parts (`docs/size.md`).
//!
//! The linked module is marked, opened in a browser that does what everybody does first
//! (`tests/browser/opening.mjs`), and split by what ran then: `lobby-split` does the work, this
//! module calls it, shrinks both parts with wasm-opt and writes into `index.html` where they are.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::cargo;
use crate::process::{self, CannotRun};
use crate::{browser, tools, wasm, workspace};

/// What a browser of 2022 knows. Not all that wasm-opt does: Chromium refuses some of it.
const WASM_OPT: [&str; 7] = [
    "-Oz",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Splits and shrinks the module of a site that Trunk built.
///
/// Where no browser is to be had the module stays whole, and this is said.
pub(crate) fn run(dist: &Path) -> Result<()> {
    let work = workspace::target().join("split");
    fs::create_dir_all(&work)?;
    let index = dist.join("index.html");
    let html = fs::read_to_string(&index)?;
    let name = meta(&html, "lobby:wasm").context("index.html names no WebAssembly")?;
    let name = name.trim_start_matches("./").to_owned();
    let whole = work.join("whole.wasm");
    fs::rename(dist.join(&name), &whole).with_context(|| name.clone())?;

    process::run(cargo("build").args(["--quiet", "-p", "lobby-split"]))?;
    let glue = meta(&html, "lobby:glue").context("index.html names no glue")?;
    let glue = glue.trim_start_matches("./");
    minify(&whole, &dist.join(glue))?;
    let record = match record(dist, &name, &whole, &work) {
        Ok(record) => Some(record),
        Err(error) if error.is::<CannotRun>() => {
            println!("The page's WebAssembly stays in one piece: {error:#}");
            None
        }
        Err(error) => return Err(error),
    };
    let first = work.join("first.wasm");
    let rest = work.join("rest.wasm");
    let mut split = splitter();
    let linked = workspace::wasm_target()
        .join(wasm::TARGET)
        .join("web/lobby-web.wasm");
    split.arg("split").arg(&whole).arg(linked);
    match &record {
        Some(record) => split.arg(record),
        None => split.arg("-"),
    };
    process::run(split.arg(&first).arg(&rest))?;

    let stem = name.split(['-', '.']).next().unwrap_or("lobby");
    let first = shrink(&first, dist, stem, "first")?;
    let rest = match record {
        Some(_) => Some(shrink(&rest, dist, stem, "rest")?),
        None => None,
    };
    let html = name_parts(&html, glue, &name, &first, rest.as_deref())
        .context("index.html names its WebAssembly in an unknown way")?;
    minify_scripts(dist)?;
    // Trunk's checksums are of what it wrote; and whoever can change one file of an origin can change
    // the page that names it.
    fs::write(&index, without_integrity(&html))?;
    Ok(())
}

fn splitter() -> Command {
    process::command(workspace::target().join("debug/lobby-split"))
}

/// Makes the glue small, and its names in the module with it.
fn minify(module: &Path, glue: &Path) -> Result<()> {
    process::run(splitter().arg("shorten").arg(module).arg(glue))?;
    minify_script(glue)
}

fn minify_script(script: &Path) -> Result<()> {
    let programs = tools::npm(&workspace::root().join("web/editor"), "esbuild")?;
    let mut esbuild = process::command(programs.join("esbuild"));
    esbuild.args(["--minify", "--format=esm", "--target=es2022"]);
    esbuild.args(["--log-level=error", "--allow-overwrite"]);
    let mut outfile = std::ffi::OsString::from("--outfile=");
    outfile.push(script);
    process::run(esbuild.arg(outfile).arg(script))
}

/// Makes the scripts small that the page fetches first: those that are written by hand say much to
/// who reads them.
fn minify_scripts(dist: &Path) -> Result<()> {
    for entry in fs::read_dir(dist)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_own = name.starts_with("boot-") || name.starts_with("offline-");
        if is_own && path.extension().is_some_and(|extension| extension == "js") {
            minify_script(&path)?;
        }
    }
    let snippets = dist.join("snippets");
    if snippets.exists() {
        minify_below(&snippets)?;
    }
    Ok(())
}

fn minify_below(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            minify_below(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "js") {
            minify_script(&path)?;
        }
    }
    Ok(())
}

/// Opens the site with a marked module, and writes down which marks were set.
fn record(dist: &Path, name: &str, whole: &Path, work: &Path) -> Result<PathBuf> {
    let site = work.join("marked");
    if site.exists() {
        fs::remove_dir_all(&site)?;
    }
    copy(dist, &site)?;
    // A preload of other bytes than it was written for is refused.
    let index = site.join("index.html");
    let html = without_integrity(&fs::read_to_string(&index)?);
    let (at, _) = tag(&html, "lobby:wasm").context("index.html names no WebAssembly")?;
    let (before, behind) = html.split_at(at);
    fs::write(
        &index,
        format!("{before}<meta name=\"lobby:marked\">{behind}"),
    )?;
    process::run(splitter().arg("mark").arg(whole).arg(site.join(name)))?;
    println!("Opening the page, to see what it needs first");
    let mut node = browser::node_in_browser_tests()?;
    node.env("LOBBY_DIST", &site).arg("opening.mjs");
    let record = work.join("ran.txt");
    fs::write(&record, process::capture(&mut node)?)?;
    Ok(record)
}

/// Makes a module small, and puts it into the site under a name that says what is in it.
fn shrink(module: &Path, dist: &Path, stem: &str, part: &str) -> Result<String> {
    let small = module.with_extension("small.wasm");
    let programs = tools::npm(&workspace::root().join("xtask/node"), "wasm-opt")?;
    let mut opt = process::command(programs.join("wasm-opt"));
    process::run(opt.args(WASM_OPT).arg(module).arg("-o").arg(&small))?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&fs::read(&small)?);
    let name = format!("{stem}-{part}-{:016x}.wasm", hasher.finish());
    fs::copy(&small, dist.join(&name))?;
    Ok(name)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// Where the tag begins that names something, and where it ends.
fn tag(html: &str, name: &str) -> Option<(usize, usize)> {
    let at = html.find(name)?;
    let begin = html[..at].rfind('<')?;
    let end = at + html[at..].find('>')? + 1;
    Some((begin, end))
}

/// The content of a `meta` tag.
fn meta<'h>(html: &'h str, name: &str) -> Option<&'h str> {
    let (begin, end) = tag(html, name)?;
    let (_, content) = html[begin..end].split_once("content=")?;
    content
        .split(['"', '\'', ' ', '>'])
        .find(|part| !part.is_empty())
}

fn without_integrity(html: &str) -> String {
    let mut parts = html.split(" integrity=");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // The value is in quotes, or ends with the attribute.
        let end = match part.strip_prefix('"') {
            Some(quoted) => quoted.find('"').map(|at| at + 2),
            None => part.find([' ', '>']),
        };
        out.push_str(&part[end.unwrap_or(0)..]);
    }
    out
}

/// The style sheets of panels that are drawn by the rest's code, or once the rest is there.
const LATER_SHEETS: [&str; 4] = ["console-", "inspector-", "doctor-", "lesson-"];

/// A tag; a link to a style sheet that comes with the rest is named only, where it stood.
fn later_sheet(tag: &str) -> String {
    let sheet = (tag.contains("stylesheet"))
        .then(|| tag.split(['"', '\'', ' ', '=', '>']))
        .and_then(|mut words| words.find(|word| word.ends_with(".css")))
        .filter(|path| {
            let name = path.rsplit('/').next().unwrap_or_default();
            LATER_SHEETS.iter().any(|later| name.starts_with(later))
        });
    match sheet {
        None => tag.to_owned(),
        Some(path) => format!("<meta name=\"lobby:sheet\" content=\"{path}\">"),
    }
}

/// The page with the names of the parts instead of the module's.
fn name_parts(
    html: &str,
    glue: &str,
    module: &str,
    first: &str,
    rest: Option<&str>,
) -> Option<String> {
    // Trunk wrote down what glue and module were when it copied them.
    let mut out: String = html
        .split_inclusive('>')
        .map(|tag| match tag.contains(glue) || tag.contains(module) {
            true => without_integrity(tag),
            false => tag.to_owned(),
        })
        .collect();
    out = out.replace(module, first);
    if let Some(rest) = rest {
        out = (out.split_inclusive('>').map(later_sheet)).collect();
        let (at, _) = tag(&out, "lobby:wasm")?;
        out.insert_str(
            at,
            &format!("<meta name=\"lobby:rest\" content=\"./{rest}\">"),
        );
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<meta name=lobby:wasm content=./a_bg.wasm><link rel=preload \
        href=./a_bg.wasm integrity=\"sha384-x/y\" as=fetch type=application/wasm></head>";
    const GLUE: &str =
        "<link href=./a.js integrity=z rel=modulepreload><link href=b.css integrity=c>";

    #[test]
    fn a_page_names_its_module() {
        assert_eq!(meta(PAGE, "lobby:wasm"), Some("./a_bg.wasm"));
        assert_eq!(
            meta(
                "<meta name=\"lobby:wasm\" content=\"./b.wasm\">",
                "lobby:wasm"
            ),
            Some("./b.wasm")
        );
        assert_eq!(meta(PAGE, "lobby:other"), None);
    }

    #[test]
    fn a_page_gets_the_names_of_both_parts() {
        assert_eq!(
            name_parts(PAGE, "a.js", "a_bg.wasm", "f.wasm", Some("r.wasm")).unwrap(),
            "<meta name=\"lobby:rest\" content=\"./r.wasm\"><meta name=lobby:wasm \
             content=./f.wasm><link rel=preload href=./f.wasm as=fetch \
             type=application/wasm></head>"
        );
        let whole = name_parts(PAGE, "a.js", "a_bg.wasm", "f.wasm", None).unwrap();
        assert!(!whole.contains("lobby:rest"), "{whole}");
    }

    #[test]
    fn sheets_of_later_panels_are_named_where_they_stood() {
        let page = "<link rel=\"stylesheet\" href=\"./page-1.css\"><link rel=stylesheet \
            href=./lesson-2.css><link rel=stylesheet href=./embed-3.css>";
        let out: String = page.split_inclusive('>').map(later_sheet).collect();
        assert_eq!(
            out,
            "<link rel=\"stylesheet\" href=\"./page-1.css\"><meta name=\"lobby:sheet\" \
             content=\"./lesson-2.css\"><link rel=stylesheet href=./embed-3.css>"
        );
    }

    #[test]
    fn what_was_minified_has_another_sum() {
        assert_eq!(
            name_parts(GLUE, "a.js", "a_bg.wasm", "f.wasm", None).unwrap(),
            "<link href=./a.js rel=modulepreload><link href=b.css integrity=c>"
        );
    }

    #[test]
    fn integrity_goes_with_and_without_quotes() {
        assert_eq!(
            without_integrity("<a integrity=\"x y\" b><c integrity=z><d>"),
            "<a b><c><d>"
        );
    }
}
