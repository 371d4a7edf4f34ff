//! `cargo xtask size`: what the first load of the page weighs.
//!
//! The first load is what a browser fetches before the page can be used: the HTML, what it names,
//! and what those scripts import. What is fetched after the first paint (the rest of the
//! WebAssembly, the editor) is listed apart. `docs/size.md` says what goes where.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{host, process, wasm, workspace};

/// In bytes, compressed with brotli. 250 KB, a KB being 1000 bytes.
const BUDGET: u64 = 250_000;

/// What the page weighs today at most, in bytes: above the budget, and not to grow. A ratchet: it
/// goes down with the page until it is the budget.
const CEILING: u64 = 300_000;

/// Prints the weight of every file; an error above the budget.
pub(crate) fn run(dist: &Path) -> Result<()> {
    let brotli = weigh(dist)?;
    if brotli > BUDGET {
        bail!(
            "the first load weighs {brotli} bytes (brotli), {} above the budget of {BUDGET}",
            brotli - BUDGET
        );
    }
    println!(
        "{brotli} of {BUDGET} bytes (brotli), {} left",
        BUDGET - brotli
    );
    Ok(())
}

/// Prints the weight of every file; an error if the page grew above what it weighed before.
pub(crate) fn hold(dist: &Path) -> Result<()> {
    let brotli = weigh(dist)?;
    // The standard library as it was shipped makes the page a tenth to an eighth larger.
    let ceiling = if wasm::takes_shipped_library()? {
        CEILING / 100 * 115
    } else {
        CEILING
    };
    if brotli > ceiling {
        bail!("the first load weighs {brotli} bytes (brotli), above the ceiling of {ceiling}");
    }
    if brotli > BUDGET {
        println!(
            "Known gap: {brotli} bytes (brotli) are {} above the budget of {BUDGET}",
            brotli - BUDGET
        );
    }
    Ok(())
}

/// Prints the weight of every file, and returns the first load's, compressed with brotli.
fn weigh(dist: &Path) -> Result<u64> {
    host::node()?;
    let first = first_load(dist)?;
    let mut all = BTreeSet::new();
    collect(dist, dist, &mut all)?;
    let later: BTreeSet<String> = all.difference(&first).cloned().collect();

    println!(
        "{:<44} {:>10} {:>10} {:>10}",
        "first load", "raw", "gzip", "brotli"
    );
    let total = print_all(dist, &first)?;
    print_row("total", total);
    if !later.is_empty() {
        println!("{:<44}", "after the first paint, or not at all");
        print_all(dist, &later)?;
    }
    Ok(total[2])
}

/// Prints a row for each file, and returns the sums of raw, gzip and brotli bytes.
fn print_all(dist: &Path, files: &BTreeSet<String>) -> Result<[u64; 3]> {
    let mut node = process::command("node");
    node.arg(workspace::root().join("xtask/node/weigh.mjs"))
        .args(files)
        .current_dir(dist);
    let mut total = [0; 3];
    for line in process::capture(&mut node)?.lines() {
        let mut columns = line.splitn(4, ' ');
        let mut size = || -> Option<u64> { columns.next()?.parse().ok() };
        let sizes = [size(), size(), size()].map(Option::unwrap_or_default);
        let name = columns.next().context("weigh.mjs printed no name")?;
        print_row(name, sizes);
        for (sum, size) in total.iter_mut().zip(sizes) {
            *sum += size;
        }
    }
    Ok(total)
}

fn print_row(name: &str, [raw, gzip, brotli]: [u64; 3]) {
    println!("  {name:<42} {raw:>10} {gzip:>10} {brotli:>10}");
}

/// The files, relative to `dist`, that are fetched before anything is clicked.
fn first_load(dist: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::from(["index.html".to_owned()]);
    let mut open = vec!["index.html".to_owned()];
    while let Some(name) = open.pop() {
        let path = dist.join(&name);
        let text = match path.extension().and_then(|extension| extension.to_str()) {
            Some("html" | "js" | "mjs" | "css") => {
                fs::read_to_string(&path).with_context(|| path.display().to_string())?
            }
            _ => continue,
        };
        let named = if name.ends_with(".html") {
            named_by_html(&text)
        } else {
            named_by_code(&text)
        };
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        for reference in named {
            let Some(file) = resolve(folder, &reference) else {
                continue;
            };
            if dist.join(&file).is_file() && found.insert(file.clone()) {
                open.push(file);
            }
        }
    }
    Ok(found)
}

/// What `href`, `src` and the names of the application's two files say.
fn named_by_html(html: &str) -> Vec<String> {
    let mut named = Vec::new();
    // The page names its second part and what belongs to it, for a script that fetches them after
    // the first paint.
    let html: String = html
        .split_inclusive('>')
        .filter(|tag| {
            !["lobby:rest", "lobby:sheet"]
                .iter()
                .any(|name| tag.contains(name))
        })
        .collect();
    for attribute in [" href=", " src=", " content="] {
        for (at, _) in html.match_indices(attribute) {
            let value = &html[at + attribute.len()..];
            let value = match value.strip_prefix(['"', '\'']) {
                Some(quoted) => quoted.split(['"', '\'']).next(),
                None => value.split([' ', '>', '\n']).next(),
            };
            named.extend(value.map(str::to_owned));
        }
    }
    named
}

/// What a script imports without being asked to (`import … from "x"`, not `import("x")`), and what a
/// style sheet imports.
fn named_by_code(code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (at, word) in code
        .match_indices("from")
        .chain(code.match_indices("import"))
    {
        let rest = code[at + word.len()..].trim_start();
        let Some(quote) = rest
            .chars()
            .next()
            .filter(|first| matches!(first, '"' | '\''))
        else {
            continue;
        };
        if let Some((name, _)) = rest[1..].split_once(quote) {
            named.push(name.to_owned());
        }
    }
    named
}

/// A reference of a file in `folder`, relative to the top; None if it leads elsewhere.
fn resolve(folder: &str, reference: &str) -> Option<String> {
    let reference = reference.split(['?', '#']).next()?;
    if reference.is_empty() || reference.contains(':') || reference.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in reference.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn collect(top: &Path, folder: &Path, into: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            collect(top, &path, into)?;
        } else if let Some(name) = path.strip_prefix(top)?.to_str() {
            into.insert(name.replace('\\', "/"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_a_page() {
        let html = "<link href=./a.css rel=stylesheet><script src=\"b.js\"></script><meta content=./c.wasm>";
        assert_eq!(named_by_html(html), ["./a.css", "b.js", "./c.wasm"]);
    }

    #[test]
    fn imports_of_a_script() {
        let code = "import { x } from './snippets/one.js';\nimport\"two.js\";import('later.js');";
        assert_eq!(named_by_code(code), ["./snippets/one.js", "two.js"]);
    }

    #[test]
    fn references_are_relative_to_their_file() {
        assert_eq!(resolve("", "./a.js").as_deref(), Some("a.js"));
        assert_eq!(
            resolve("snippets/x", "../y/b.js?1").as_deref(),
            Some("snippets/y/b.js")
        );
        assert_eq!(resolve("", "../outside.js"), None);
        assert_eq!(resolve("", "https://example.org/a.js"), None);
    }

    #[test]
    fn the_first_load_follows_imports_and_leaves_the_rest() {
        let dist = std::env::temp_dir().join(format!("lobby-size-{}", std::process::id()));
        fs::create_dir_all(dist.join("snippets")).unwrap();
        fs::write(dist.join("index.html"), "<script src=./glue.js></script>").unwrap();
        fs::write(
            dist.join("glue.js"),
            "import { a } from './snippets/a.js'; import('./editor.js')",
        )
        .unwrap();
        fs::write(dist.join("snippets/a.js"), "export const a = 1").unwrap();
        fs::write(dist.join("editor.js"), "0").unwrap();
        let first = first_load(&dist).unwrap();
        assert_eq!(
            Vec::from_iter(first),
            ["glue.js", "index.html", "snippets/a.js"]
        );
        fs::remove_dir_all(dist).unwrap();
    }
}
