//! The repository's own rules: small, fast, and not clippy's business.
//!
//! * nothing unfinished is left in the text, and no test is ignored without its reason;
//! * every Rust file begins with what it is; a file can be read in one sitting (a warning);
//! * a room of the engine uses only the rooms below it ([`rooms`]);
//! * licences and sources of dependencies are those of `deny.toml` ([`dependencies`]);
//! * lock files name no registry but the public ones.

mod dependencies;
mod rooms;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Lines of a Rust file that can be read in one sitting.
const READABLE: usize = 600;

/// A text file of the repository.
pub(crate) struct Source {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Something that is wrong, and where.
pub(crate) struct Problem {
    pub(crate) path: String,
    /// From 1; 0 means the whole file.
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// Prints what is wrong; an error if anything is.
pub(crate) fn run() -> Result<()> {
    let sources = sources()?;
    let mut problems = Vec::new();
    for source in &sources {
        unfinished(source, &mut problems);
        if source.path.ends_with(".rs") {
            begins_with_what_it_is(source, &mut problems);
            warn_of_length(source);
        }
        if source.path.ends_with("package-lock.json") {
            names_no_registry(source, &mut problems);
        }
    }
    rooms::check(&sources, &mut problems)?;
    dependencies::check(&mut problems)?;
    for Problem { path, line, what } in &problems {
        match line {
            0 => println!("{path}: {what}"),
            line => println!("{path}:{line}: {what}"),
        }
    }
    if !problems.is_empty() {
        bail!("{} against the repository's rules", problems.len());
    }
    println!("tidy: {} files", sources.len());
    Ok(())
}

/// Every text that people write here: not what is recorded, built or installed.
fn sources() -> Result<Vec<Source>> {
    let root = workspace::root();
    let mut files = Vec::new();
    collect(&root, &root, &mut files)?;
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(root.join(&path)).with_context(|| path.clone())?;
            Ok(Source { path, text })
        })
        .collect()
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) -> Result<()> {
    const EXTENSIONS: [&str; 11] = [
        "rs", "toml", "js", "mjs", "css", "html", "md", "json", "sh", "yaml", "yml",
    ];
    const APART: [&str; 7] = [
        "target",
        "dist",
        "node_modules",
        "generated",
        "conformance",
        "failures",
        ".git",
    ];
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path: PathBuf = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            // The runner of the vectors is called as their folder is.
            if !APART.contains(&name.as_str()) {
                collect(root, &path, files)?;
            }
        } else if path
            .extension()
            .is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
        {
            let relative = path
                .strip_prefix(root)?
                .to_string_lossy()
                .replace('\\', "/");
            files.push(relative);
        }
    }
    Ok(())
}

/// Words that promise work, and tests that are left out without a word. The words are put together
/// here so that this file holds none of them.
fn unfinished(source: &Source, problems: &mut Vec<Problem>) {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("#[ig", "nore]"),
    ];
    if !source.path.ends_with(".rs")
        && !source.path.ends_with("js")
        && !source.path.ends_with(".css")
    {
        return;
    }
    for (number, line) in source.text.lines().enumerate() {
        for word in words.iter().filter(|word| line.contains(**word)) {
            problems.push(Problem {
                path: source.path.clone(),
                line: number + 1,
                what: format!("unfinished: {word}"),
            });
        }
    }
}

fn begins_with_what_it_is(source: &Source, problems: &mut Vec<Problem>) {
    if !source.text.starts_with("//! ") {
        problems.push(Problem {
            path: source.path.clone(),
            line: 1,
            what: "begins without a word (`//! …`) on what it is".to_owned(),
        });
    }
}

fn warn_of_length(source: &Source) {
    let lines = source.text.lines().count();
    if lines > READABLE {
        println!(
            "warning: {} has {lines} lines; {READABLE} are easily read",
            source.path
        );
    }
}

/// A lock file names versions and hashes; where packages come from is each machine's own business.
fn names_no_registry(source: &Source, problems: &mut Vec<Problem>) {
    for (number, line) in source.text.lines().enumerate() {
        if line.contains("\"resolved\": \"http") {
            problems.push(Problem {
                path: source.path.clone(),
                line: number + 1,
                what: "names the address of a registry".to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(check: impl Fn(&Source, &mut Vec<Problem>), path: &str, text: &str) -> Vec<usize> {
        let mut problems = Vec::new();
        check(
            &Source {
                path: path.to_owned(),
                text: text.to_owned(),
            },
            &mut problems,
        );
        problems.iter().map(|problem| problem.line).collect()
    }

    #[test]
    fn what_is_unfinished_is_found() {
        let text = format!(
            "//! x\nfn f() {{ {}) }}\n// {}: later\n",
            concat!("todo", "!("),
            concat!("TO", "DO")
        );
        assert_eq!(found(unfinished, "a.rs", &text), [2, 3]);
        let reason = format!("#[{} = \"needs root\"]", concat!("ig", "nore"));
        assert_eq!(found(unfinished, "a.rs", &reason), []);
    }

    #[test]
    fn a_file_says_what_it_is() {
        assert_eq!(found(begins_with_what_it_is, "a.rs", "//! Pods.\n"), []);
        assert_eq!(found(begins_with_what_it_is, "a.rs", "use x;\n"), [1]);
    }

    #[test]
    fn a_lock_file_that_names_a_registry_is_found() {
        let text =
            "{\n\"integrity\": \"sha512-x\",\n\"resolved\": \"https://packages.example/a.tgz\"\n";
        assert_eq!(found(names_no_registry, "package-lock.json", text), [3]);
    }

    #[test]
    fn this_repository_has_sources_of_every_crate() {
        let sources = sources().unwrap();
        for start in ["engine/src/", "web/src/", "tests/src/", "xtask/src/"] {
            assert!(
                sources.iter().any(|source| source.path.starts_with(start)),
                "{start}"
            );
        }
        assert!(
            sources
                .iter()
                .all(|source| !source.path.contains("node_modules"))
        );
    }
}
