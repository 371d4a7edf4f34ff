//! `cargo xtask test`: every check there is, part by part, and one line of totals.
//!
//! A part that this machine cannot run (no right to install a browser, no Node) is named with the
//! reason and counted as skipped; a part that fails, or that runs no test at all, is a failure. The
//! last line is always `N passed, N failed, N skipped`.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::browser::judged;
use crate::cargo::cargo;
use crate::process::{self, CannotRun};
use crate::site::{self, Profile};
use crate::totals::Totals;
use crate::{browser, host, lint, size, tidy, workspace};

struct Part {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<Totals>,
    /// The part without which this one has nothing to look at.
    needs: Option<&'static str>,
}

const PARTS: [Part; 9] = [
    Part {
        name: "format",
        what: "rustfmt",
        run: || one(lint::check_format()),
        needs: None,
    },
    Part {
        name: "clippy",
        what: "clippy, warnings as errors",
        run: || one(lint::clippy()),
        needs: None,
    },
    Part {
        name: "tidy",
        what: "the repository's own rules",
        run: || one(tidy::run()),
        needs: None,
    },
    Part {
        name: "native",
        what: "tests of all crates, and the conformance vectors",
        run: native,
        needs: None,
    },
    Part {
        name: "kernel",
        what: "the engine's verdicts against this machine's kernel, in network namespaces",
        run: kernel,
        needs: None,
    },
    Part {
        name: "clippy-web",
        what: "clippy for what is compiled for the browser alone",
        run: || one(lint::clippy_web()),
        needs: None,
    },
    Part {
        name: "site",
        what: "release build of the page, and its weight",
        run: || one(site()),
        needs: None,
    },
    Part {
        name: "components",
        what: "component tests in a browser",
        run: browser::components,
        needs: None,
    },
    Part {
        name: "page",
        what: "the whole page in a browser, with axe",
        run: browser::page,
        needs: Some("site"),
    },
];

/// A part that takes longer hangs: it is ended and has failed. On a new machine the longest, which
/// builds tools, takes half of it.
const PART: Duration = Duration::from_secs(30 * 60);

/// A run that nobody watches ends by itself after this, with its totals.
const WHOLE: Duration = Duration::from_secs(80 * 60);

/// How a part ended.
enum Ended {
    Ran(Totals),
    Failed(String),
    CannotRun(String),
}

/// Runs all parts, or those named; an error if anything failed.
pub(crate) fn run(wanted: &[String]) -> Result<()> {
    if let Some(unknown) = wanted
        .iter()
        .find(|name| PARTS.iter().all(|part| part.name != **name))
    {
        bail!(
            "there is no part {unknown:?}; the parts are {}",
            PARTS.map(|part| part.name).join(", ")
        );
    }
    let begin = Instant::now();
    let mut report: Vec<(&'static str, Ended, Duration)> = Vec::new();
    for part in &PARTS {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == part.name) {
            continue;
        }
        println!("\n== {}: {}", part.name, part.what);
        let start = Instant::now();
        if host::is_ci() {
            process::end_all_at(Some((start + PART).min(begin + WHOLE)));
        }
        let ended = match part.needs.and_then(|need| missing(need, &report)) {
            Some(ended) => ended,
            None => end((part.run)()),
        };
        match &ended {
            Ended::Ran(_) => {}
            Ended::Failed(reason) => println!("failed: {reason}"),
            Ended::CannotRun(reason) => println!("cannot run: {reason}"),
        }
        report.push((part.name, ended, start.elapsed()));
    }
    let totals = summary(&report, begin.elapsed());
    if totals.failed > 0 {
        // The totals are the last line: no word after them.
        std::process::exit(1);
    }
    Ok(())
}

/// How a part ends that needs another one, if that one is not there to build on.
fn missing(need: &str, report: &[(&'static str, Ended, Duration)]) -> Option<Ended> {
    match report.iter().find(|(name, ..)| *name == need) {
        Some((_, Ended::CannotRun(reason), _)) => Some(Ended::CannotRun(reason.clone())),
        Some((_, Ended::Failed(_), _)) if !workspace::dist().join("index.html").is_file() => {
            Some(Ended::Failed(format!("the part {need} failed")))
        }
        _ => None,
    }
}

fn end(result: Result<Totals>) -> Ended {
    match result {
        Ok(totals) => Ended::Ran(totals),
        Err(error) if error.downcast_ref::<CannotRun>().is_some() => {
            Ended::CannotRun(format!("{error:#}"))
        }
        Err(error) => Ended::Failed(format!("{error:#}")),
    }
}

fn summary(report: &[(&'static str, Ended, Duration)], whole: Duration) -> Totals {
    let mut totals = Totals::default();
    println!(
        "\n== summary ({})",
        if host::is_ci() { "CI" } else { "by hand" }
    );
    for (name, ended, time) in report {
        let (counts, note) = match ended {
            Ended::Ran(counts) => (*counts, String::new()),
            Ended::Failed(_) => (Totals::FAILED, String::new()),
            Ended::CannotRun(reason) => (
                Totals::SKIPPED,
                format!("  this machine cannot run it: {reason}"),
            ),
        };
        println!("{name:<12} {:>6} s  {counts}{note}", time.as_secs());
        totals += counts;
    }
    println!("{:<12} {:>6} s", "all", whole.as_secs());
    for part in PARTS
        .iter()
        .filter(|part| report.iter().all(|(name, ..)| *name != part.name))
    {
        println!("{:<12} not asked for", part.name);
    }
    println!("{totals}");
    totals
}

/// A check that is one thing: done or not.
fn one(result: Result<()>) -> Result<Totals> {
    result.map(|()| Totals::PASSED)
}

fn native() -> Result<Totals> {
    let mut totals = Totals::default();
    let mut vectors = false;
    let mut tests = cargo("test");
    tests.args(["--workspace", "--no-fail-fast"]);
    // In CI, property tests draw the same cases each time: a change is judged there, not luck. By
    // hand they draw new ones.
    if host::is_ci() && std::env::var_os(SEED).is_none() {
        tests.env(SEED, "20260101");
    }
    let ok = process::watch(&mut tests, |line| {
        totals.add_libtest(line);
        vectors |= line.starts_with("conformance: ");
    })?;
    let mut totals = judged(totals, ok);
    if !vectors {
        println!("The conformance vectors did not run");
        totals += Totals::FAILED;
    }
    Ok(totals)
}

/// Where proptest looks for the seed of its draws.
const SEED: &str = "PROPTEST_RNG_SEED";

/// What the test says, with the reason, where a machine cannot run it.
const NO_KERNEL: &str = "kernel: this machine cannot run it: ";

fn kernel() -> Result<Totals> {
    let mut totals = Totals::default();
    let mut reason = None;
    let mut tests = cargo("test");
    // Of the whole workspace, so that the crates built for the tests before serve here as well.
    tests.args([
        "--workspace",
        "--features",
        "lobby-tests/kernel",
        "--test",
        "kernel",
    ]);
    let ok = process::watch(&mut tests, |line| {
        totals.add_libtest(line);
        if let Some(told) = line.strip_prefix(NO_KERNEL) {
            reason = Some(told.trim_end().to_owned());
        }
    })?;
    match reason {
        Some(reason) if ok => Err(process::CannotRun(reason).into()),
        _ => Ok(judged(totals, ok)),
    }
}

fn site() -> Result<()> {
    let dist = workspace::dist();
    // What an earlier build left must not be tested in this one's place.
    if dist.exists() {
        std::fs::remove_dir_all(&dist)?;
    }
    site::build(Profile::Release, &dist)?;
    size::hold(&dist)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_names_of_their_own_and_needs_come_first() {
        for (at, part) in PARTS.iter().enumerate() {
            assert!(
                PARTS[..at].iter().all(|other| other.name != part.name),
                "{}",
                part.name
            );
            if let Some(need) = part.needs {
                assert!(PARTS[..at].iter().any(|other| other.name == need), "{need}");
            }
        }
    }

    #[test]
    fn what_cannot_run_is_counted_as_skipped_and_takes_its_followers_along() {
        let reason = || anyhow::Error::new(CannotRun("no Node".to_owned())).context("a browser");
        let ended = end(Err(reason()));
        assert!(matches!(&ended, Ended::CannotRun(text) if text.contains("no Node")));
        let report = [("site", ended, Duration::ZERO)];
        assert!(matches!(
            missing("site", &report),
            Some(Ended::CannotRun(_))
        ));
        assert_eq!(summary(&report, Duration::ZERO), Totals::SKIPPED);
    }

    #[test]
    fn a_failure_is_a_failure() {
        let ended = end(Err(anyhow::anyhow!("broken")));
        let report = [
            ("format", ended, Duration::ZERO),
            ("clippy", Ended::Ran(Totals::PASSED), Duration::ZERO),
        ];
        let totals = summary(&report, Duration::ZERO);
        assert_eq!(
            totals,
            Totals {
                passed: 1,
                failed: 1,
                skipped: 0
            }
        );
    }
}
