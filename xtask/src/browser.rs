//! What runs in a real browser: component tests and tests of the whole page.

use std::process::Command;

use anyhow::Result;

use crate::process::{self, CannotRun};
use crate::totals::Totals;
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
pub(crate) fn page() -> Result<Totals> {
    let mut node = node_in_browser_tests()?;
    node.envs(tools::mdbook()?.map(|mdbook| ("LOBBY_MDBOOK", mdbook)));
    node.args([
        "--test",
        "--test-concurrency=2",
        "--test-timeout=600000",
        "--test-reporter=spec",
    ]);
    let mut totals = Totals::default();
    let ok = process::watch(&mut node, |line| totals.add_node(line))?;
    Ok(judged(totals, ok))
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
