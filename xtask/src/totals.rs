//! Counting what test runners say.

use std::fmt;
use std::ops::AddAssign;

/// How many passed, failed, and were left out for a reason that was printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Totals {
    pub(crate) const PASSED: Totals = Totals {
        passed: 1,
        failed: 0,
        skipped: 0,
    };
    pub(crate) const FAILED: Totals = Totals {
        passed: 0,
        failed: 1,
        skipped: 0,
    };
    pub(crate) const SKIPPED: Totals = Totals {
        passed: 0,
        failed: 0,
        skipped: 1,
    };

    pub(crate) fn ran(&self) -> bool {
        self.passed + self.failed > 0
    }

    /// Adds what a line of libtest (or of one that speaks as it does: libtest-mimic,
    /// wasm-bindgen-test-runner) says: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(crate) fn add_libtest(&mut self, line: &str) {
        let line = plain(line);
        let Some(result) = line.trim_start().strip_prefix("test result: ") else {
            return;
        };
        let Some((_, counts)) = result.split_once(". ") else {
            return;
        };
        for count in counts.split(';') {
            let mut words = count.split_whitespace();
            let Some(number) = words.next().and_then(|number| number.parse::<u64>().ok()) else {
                continue;
            };
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.skipped += number,
                _ => {}
            }
        }
    }

    /// Adds what a line of Node's test runner says at its end: `ℹ pass 3`, or `# pass 3`.
    pub(crate) fn add_node(&mut self, line: &str) {
        let line = plain(line);
        let Some(rest) = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# ")) else {
            return;
        };
        let Some((word, number)) = rest.trim_end().split_once(' ') else {
            return;
        };
        let Ok(number) = number.parse::<u64>() else {
            return;
        };
        match word {
            "pass" => self.passed += number,
            "fail" | "cancelled" => self.failed += number,
            "skipped" | "todo" => self.skipped += number,
            _ => {}
        }
    }
}

/// A line without the escapes of colours.
pub(crate) fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        text.push_str(before);
        rest = after.find('m').map_or("", |end| &after[end + 1..]);
    }
    text.push_str(rest);
    text
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Totals) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn libtest(lines: &[&str]) -> Totals {
        let mut totals = Totals::default();
        lines.iter().for_each(|line| totals.add_libtest(line));
        totals
    }

    #[test]
    fn libtests_words() {
        let totals = libtest(&[
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s",
            "test result: \u{1b}[31mFAILED\u{1b}[0m. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
            "test some::name ... ok",
        ]);
        assert_eq!(
            totals,
            Totals {
                passed: 13,
                failed: 2,
                skipped: 1
            }
        );
        assert_eq!(totals.to_string(), "13 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn nodes_words() {
        let mut totals = Totals::default();
        for line in [
            "ℹ tests 9",
            "ℹ pass 5",
            "ℹ fail 1",
            "ℹ cancelled 1",
            "# skipped 2",
            "ℹ todo 0",
            "ℹ duration_ms 3.2",
        ] {
            totals.add_node(line);
        }
        assert_eq!(
            totals,
            Totals {
                passed: 5,
                failed: 2,
                skipped: 2
            }
        );
    }

    #[test]
    fn a_test_that_prints_such_words_counts_nothing() {
        assert_eq!(
            libtest(&["test result was good. 3 passed; 1 failed"]),
            Totals::default()
        );
    }
}
