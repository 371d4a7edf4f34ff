//! What runs in a real browser: component tests and tests of the whole page.

use std::process::Command;

use anyhow::Result;

use crate::process::{self, CannotRun};
use crate::totals::{Totals, plain};
use crate::wasm::Toolchain;
use crate::{host, tools, workspace};

/// The tests that `wasm-bindgen-test` finds in `lobby-web`.
pub(crate) fn components() -> Result<Totals> {
    let browser = host::browser()?;
    let Some(driver) = browser.driver else {
        let reason = "the browser's driver is missing (chromedriver on PATH, or CHROMEDRIVER)";
        return Err(CannotRun(reason.to_owned()).into());
    };
    let toolchain = Toolchain::choose()?;
    let tools = tools::wasm_bindgen()?;
    let mut cargo = process::command("cargo");
    cargo
        .args([
            "test",
            "--target",
            "wasm32-unknown-unknown",
            "-p",
            "lobby-web",
            "--no-fail-fast",
        ])
        // The driver starts the browser with the flags of web/webdriver.json and an empty profile.
        .env("CHROMEDRIVER", driver)
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            tools.join("wasm-bindgen-test-runner"),
        )
        .env("WASM_BINDGEN_USE_BROWSER", "1")
        .current_dir(workspace::root());
    let mut totals = Totals::default();
    let ok = process::watch(toolchain.apply(&mut cargo, &[])?, |line| {
        totals.add_libtest(line)
    })?;
    Ok(judged(totals, ok))
}

/// The tests in `tests/browser/`, against the site in `dist/`.
///
/// They wait for what people wait for, with limits; on a machine that does something else meanwhile
/// a limit can pass. So the few files in which a test failed are run once more, alone, and the run
/// says so. What fails twice has failed.
pub(crate) fn page() -> Result<Totals> {
    let mut failures = Failures::default();
    let (totals, ok) = page_run(&[], &mut failures)?;
    let files = failures.files();
    if ok || files.is_empty() || files.len() > MAX_SECOND_TRIES {
        return Ok(judged(totals, ok));
    }
    println!("\nOnce more, alone: {}", files.join(", "));
    let (again, ok) = page_run(&files, &mut Failures::default())?;
    if !ok || !again.ran() {
        return Ok(judged(totals, false));
    }
    println!(
        "Passed at the second try only: {}",
        failures.places.join(", ")
    );
    Ok(Totals {
        passed: totals.passed + totals.failed,
        failed: 0,
        ..totals
    })
}

/// How many files of page tests may be tried again. Where more fail, something is wrong.
const MAX_SECOND_TRIES: usize = 3;

/// Runs all page tests, or those of some files, one file at a time.
fn page_run(files: &[String], failures: &mut Failures) -> Result<(Totals, bool)> {
    let mut node = node_in_browser_tests()?;
    node.envs(tools::mdbook()?.map(|mdbook| ("LOBBY_MDBOOK", mdbook)));
    let at_once = if files.is_empty() { 2 } else { 1 };
    node.args([
        "--test",
        &format!("--test-concurrency={at_once}"),
        "--test-timeout=600000",
        "--test-reporter=spec",
    ]);
    node.args(files);
    let mut totals = Totals::default();
    let ok = process::watch(&mut node, |line| {
        totals.add_node(line);
        failures.add(line);
    })?;
    Ok((totals, ok))
}

/// Where tests failed, as Node's test runner says at its end: `test at page.test.mjs:203:1`.
#[derive(Debug, Default)]
struct Failures {
    places: Vec<String>,
}

impl Failures {
    fn add(&mut self, line: &str) {
        let line = plain(line);
        let Some(place) = line.strip_prefix("test at ") else {
            return;
        };
        let place = place.trim_end();
        let file = place.rsplit(['/', '\\']).next().unwrap_or(place);
        self.places.push(file.to_owned());
    }

    /// The files, each once, in the order of their names.
    fn files(&self) -> Vec<String> {
        let name = |place: &String| place.split(':').next().unwrap_or_default().to_owned();
        let mut files: Vec<String> = self.places.iter().map(name).collect();
        files.sort_unstable();
        files.dedup();
        files
    }
}

/// Pictures of the page in `dist/`.
pub(crate) fn screenshots() -> Result<()> {
    process::run(node_in_browser_tests()?.arg("screenshots.mjs"))
}

/// Node, where Playwright is, with a browser and the site in `dist/`.
pub(crate) fn node_in_browser_tests() -> Result<Command> {
    let folder = workspace::root().join("tests/browser");
    tools::npm(&folder, "Playwright and axe")?;
    let browser = host::browser()?;
    let mut node = process::command("node");
    node.current_dir(folder)
        .env("LOBBY_CHROMIUM", browser.chromium)
        .env("LOBBY_DIST", workspace::dist())
        .env("LOBBY_SCREENSHOTS", workspace::target().join("screenshots"));
    Ok(node)
}

/// A runner that failed, or that ran nothing, has a failure even if it counted none.
pub(crate) fn judged(mut totals: Totals, ok: bool) -> Totals {
    if totals.failed == 0 && (!ok || !totals.ran()) {
        if ok {
            println!("No test ran");
        }
        totals += Totals::FAILED;
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_test_is_known_by_its_file() {
        let mut failures = Failures::default();
        for line in [
            "ℹ fail 2",
            "test at page-play.test.mjs:203:1",
            "\u{1b}[31mtest at page.test.mjs:7:1\u{1b}[39m",
            "test at /somewhere/page.test.mjs:1:1",
            "✖ a test at the desk (3 ms)",
        ] {
            failures.add(line);
        }
        assert_eq!(failures.places.len(), 3);
        assert_eq!(failures.files(), ["page-play.test.mjs", "page.test.mjs"]);
    }

    #[test]
    fn nothing_is_left_out_in_silence() {
        let passed = Totals {
            passed: 2,
            failed: 0,
            skipped: 1,
        };
        assert_eq!(judged(passed, true), passed);
        assert_eq!(judged(passed, false).failed, 1);
        assert_eq!(judged(Totals::default(), true).failed, 1);
        assert_eq!(
            judged(
                Totals {
                    passed: 0,
                    failed: 3,
                    skipped: 0
                },
                false
            )
            .failed,
            3
        );
    }
}
