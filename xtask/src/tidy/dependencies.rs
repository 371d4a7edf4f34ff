//! Licences and sources of dependencies, after `deny.toml`.
//!
//! `cargo deny` reads the same file and checks more, but takes minutes to build. This asks
//! `cargo tree` alone.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};

use super::Problem;
use crate::cargo::cargo;
use crate::{process, workspace};

/// Checks every package that the crates are built from, natively and for the browser.
pub(super) fn check(problems: &mut Vec<Problem>) -> Result<()> {
    let path = workspace::root().join("deny.toml");
    let deny = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let allowed = allowed_licences(&deny).context("deny.toml has no list `allow` of licences")?;
    let mut tree = cargo("tree");
    tree.args([
        "--workspace",
        "--all-features",
        "--prefix",
        "none",
        "--no-dedupe",
    ])
    .args([
        "--edges",
        "normal,build,dev",
        "--target",
        "wasm32-unknown-unknown",
        "--target",
        "x86_64-unknown-linux-gnu",
        "--format",
        "{p}\t{l}",
    ]);
    let packages: BTreeSet<String> = process::capture(&mut tree)?
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect();
    for package in packages {
        let (name, licence) = package.split_once('\t').unwrap_or((&package, ""));
        let mut report = |what: String| {
            problems.push(Problem {
                path: "deny.toml".to_owned(),
                line: 0,
                what,
            })
        };
        if !is_allowed(licence, &allowed) {
            report(format!(
                "{name} is under {licence:?}, which the list of licences does not allow"
            ));
        }
        if name.contains("(git+") || name.contains("(http") {
            report(format!("{name} is not from the registry"));
        }
    }
    Ok(())
}

/// The list `allow = […]` of the table `[licenses]`.
fn allowed_licences(deny: &str) -> Option<BTreeSet<&str>> {
    let table = deny.split("[licenses]").nth(1)?;
    let list = table.split("allow = [").nth(1)?.split(']').next()?;
    Some(list.split('"').skip(1).step_by(2).collect())
}

/// Whether an SPDX expression can be met with the licences of the list: one side of an OR, both
/// sides of an AND. Old packages write `/` for OR.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    either(&words, &mut at, allowed) == Some(true) && at == words.len()
}

/// `both (OR both)*`. None where a licence should be and is not.
fn either(words: &[&str], at: &mut usize, allowed: &BTreeSet<&str>) -> Option<bool> {
    let mut met = both(words, at, allowed)?;
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= both(words, at, allowed)?;
    }
    Some(met)
}

/// `licence (AND licence)*`
fn both(words: &[&str], at: &mut usize, allowed: &BTreeSet<&str>) -> Option<bool> {
    let mut met = licence(words, at, allowed)?;
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= licence(words, at, allowed)?;
    }
    Some(met)
}

/// `NAME`, `NAME WITH EXCEPTION` or `( either )`
fn licence(words: &[&str], at: &mut usize, allowed: &BTreeSet<&str>) -> Option<bool> {
    let word = *words.get(*at)?;
    *at += 1;
    match word {
        "(" => {
            let met = either(words, at, allowed)?;
            let closed = words.get(*at) == Some(&")");
            *at += 1;
            closed.then_some(met)
        }
        ")" | "OR" | "AND" | "WITH" => None,
        name if words.get(*at) == Some(&"WITH") => {
            let exception = words.get(*at + 1)?;
            *at += 2;
            Some(allowed.contains(format!("{name} WITH {exception}").as_str()))
        }
        name => Some(allowed.contains(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = "[bans]\nallow = []\n[licenses]\nallow = [\n  \"MIT\",\n  \"Apache-2.0\",\n  \
        \"Apache-2.0 WITH LLVM-exception\",\n  \"Unicode-3.0\",\n]\n";

    #[test]
    fn expressions_are_met_or_not() {
        let allowed = allowed_licences(DENY).unwrap();
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "MIT/Apache-2.0",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert!(is_allowed(good, &allowed), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT",
            "MIT OR",
            "MIT WITH LLVM-exception",
            "MIT MIT",
        ] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn this_repository_has_a_list() {
        let deny = fs::read_to_string(workspace::root().join("deny.toml")).unwrap();
        assert!(allowed_licences(&deny).unwrap().contains("MIT"));
    }
}
