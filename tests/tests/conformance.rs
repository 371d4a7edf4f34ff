//! Runs the recorded vectors, one test each, named `KIND/NAME`; see the crate's documentation.
//!
//! A vector that is expected to fail (`expected-failures.txt`) runs all the same and is reported as
//! ignored, with the reason. The texts of a vector that fails lie in `tests/failures/` afterwards.
//! A count for each kind ends the output.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::{env, fs, io};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use lobby_tests::expected::{Expected, Verdict};
use lobby_tests::kinds::{Check, KINDS, Kind};
use lobby_tests::vector::{Failure, Vector};

/// What became of the vectors of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    all: usize,
    ran: usize,
    passed: usize,
    expected: usize,
}

/// By the place of the kind in [`KINDS`].
type Counts = Arc<Mutex<BTreeMap<usize, Count>>>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let counts = Counts::default();
    let trials = match trials(&counts) {
        Ok(trials) => trials,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let list = arguments.list;
    if !list {
        // What an earlier run left there is not of this one.
        let _ = fs::remove_dir_all(failures());
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !list {
        summary(&counts.lock().unwrap_or_else(PoisonError::into_inner));
    }
    conclusion.exit_code()
}

fn trials(counts: &Counts) -> io::Result<Vec<Trial>> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let elsewhere = env::var_os("LOBBY_CONFORMANCE").map(PathBuf::from);
    let root = elsewhere.clone().unwrap_or_else(|| own.join("conformance"));
    if !root.is_dir() {
        let what = format!("there is no folder {}", root.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, what));
    }
    let list = fs::read_to_string(own.join("expected-failures.txt"))?;
    let mut expected = Expected::parse(&list)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    if elsewhere.is_some() {
        expected = expected.elsewhere();
    }
    let expected = Arc::new(expected);
    let is_own = elsewhere.is_none();

    let mut trials = Vec::new();
    let mut names = Vec::new();
    for (at, kind) in KINDS.iter().enumerate() {
        for vector in (kind.collect)(&root)? {
            let name = format!("{}/{}", kind.name, vector.name);
            names.push(name.clone());
            counts
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(at)
                .or_default()
                .all += 1;
            let (expected, counts) = (Arc::clone(&expected), Arc::clone(counts));
            trials.push(Trial::ignorable_test(name.clone(), move || {
                let result = judge(kind, &name, &vector, &expected, is_own);
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                let count = counts.entry(at).or_default();
                count.ran += 1;
                match &result {
                    Ok(Completion::Completed) => count.passed += 1,
                    Ok(Completion::Ignored { .. }) => count.expected += 1,
                    Err(_) => {}
                }
                result
            }));
        }
    }
    if is_own {
        trials.push(Trial::test("expected-failures", move || {
            match expected.idle(&names).as_slice() {
                [] => Ok(()),
                idle => Err(Failed::from(format!(
                    "these entries name no vector: {}",
                    idle.join(", ")
                ))),
            }
        }));
    }
    Ok(trials)
}

/// Runs one vector and holds the result against the list.
fn judge(
    kind: &Kind,
    name: &str,
    vector: &Vector,
    expected: &Expected,
    is_own: bool,
) -> Result<Completion, Failed> {
    match expected.judge(name, kind.check.run(vector), is_own) {
        Verdict::Met => Ok(Completion::Completed),
        Verdict::Expected { reason } => Ok(Completion::ignored_with(format!(
            "expected failure: {reason}"
        ))),
        Verdict::Unmet(failure) => {
            keep(name, &failure);
            Err(Failed::from(failure))
        }
        Verdict::Stale { pattern } => Err(Failed::from(format!(
            "passes, and is on the list of expected failures (`{pattern}`): take it off"
        ))),
    }
}

fn failures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("failures")
}

/// Leaves both texts of a failure where a person can look at them whole.
fn keep(name: &str, failure: &Failure) {
    let Some((recorded, actual)) = &failure.texts else {
        return;
    };
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "/-.".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("failures")
        .join(name);
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(folder.join("recorded.txt"), recorded))
        .and_then(|()| fs::write(folder.join("engine.txt"), actual));
    if let Err(error) = written {
        eprintln!("{}: {error}", folder.display());
    }
}

fn summary(counts: &BTreeMap<usize, Count>) {
    println!(
        "{:<26} {:>6} {:>9} {:>7} {:>6}",
        "vectors", "passed", "expected", "failed", "all"
    );
    println!("{:<26} {:>6} {:>9} {:>7} {:>6}", "", "", "failures", "", "");
    let mut sum = Count::default();
    for (at, kind) in KINDS.iter().enumerate() {
        let count = counts.get(&at).copied().unwrap_or_default();
        if count.ran == 0 && count.all > 0 {
            // Filtered out.
            continue;
        }
        let note = match kind.check {
            Check::NotYet(what) => format!("  {what}"),
            Check::Engine(_) => String::new(),
        };
        row(kind.name, count, &note);
        sum.all += count.all;
        sum.ran += count.ran;
        sum.passed += count.passed;
        sum.expected += count.expected;
    }
    row("all", sum, "");
    println!(
        "conformance: {} of {} vectors met, {} expected failures, {} failed",
        sum.passed,
        sum.ran,
        sum.expected,
        sum.ran - sum.passed - sum.expected
    );
}

fn row(name: &str, count: Count, note: &str) {
    let failed = count.ran - count.passed - count.expected;
    println!(
        "{name:<26} {:>6} {:>9} {failed:>7} {:>6}{note}",
        count.passed, count.expected, count.all
    );
}
