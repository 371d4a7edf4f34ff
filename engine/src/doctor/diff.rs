//! Unified diffs, as `diff -u` prints them, of texts that differ in a few places.
//!
//! The texts are cut at their common beginning and end; what is between is compared by its longest
//! common subsequence of lines, as long as that is short, and taken as changed as a whole
//! otherwise.

use std::fmt::Write as _;

/// Lines around a change.
const CONTEXT: usize = 3;

/// More lines than these between the common beginning and end are not compared with each other.
const MOST_COMPARED: usize = 600;

/// The unified diff from one text to another; empty if they are the same.
#[must_use]
pub(super) fn unified(before: &str, after: &str, file: &str) -> String {
    let (old, new) = (lines(before), lines(after));
    let changes = changes(&old, &new);
    if changes.is_empty() {
        return String::new();
    }
    let mut out = format!("--- a/{file}\n+++ b/{file}\n");
    let mut rest = &changes[..];
    while let Some(first) = rest.first() {
        // Changes whose contexts touch are one hunk.
        let mut count = 1;
        while let (Some(this), Some(next)) = (rest.get(count - 1), rest.get(count)) {
            if next.old.0 > this.old.1 + 2 * CONTEXT {
                break;
            }
            count += 1;
        }
        let (hunk, others) = rest.split_at(count);
        rest = others;
        let last = hunk.last().unwrap_or(first);
        let start = first.old.0.saturating_sub(CONTEXT);
        let end = (last.old.1 + CONTEXT).min(old.len());
        let new_start = first.new.0 - (first.old.0 - start);
        let new_end = last.new.1 + (end - last.old.1);
        let _ = writeln!(
            out,
            "@@ -{} +{} @@",
            range(start, end),
            range(new_start, new_end)
        );
        let mut at = start;
        for change in hunk {
            for line in &old[at..change.old.0] {
                push(&mut out, ' ', line);
            }
            for line in &old[change.old.0..change.old.1] {
                push(&mut out, '-', line);
            }
            for line in &new[change.new.0..change.new.1] {
                push(&mut out, '+', line);
            }
            at = change.old.1;
        }
        for line in &old[at..end] {
            push(&mut out, ' ', line);
        }
    }
    out
}

/// Lines `old.0..old.1` became `new.0..new.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    old: (usize, usize),
    new: (usize, usize),
}

/// The lines with their ends, so that a missing last end is a difference.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn range(start: usize, end: usize) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        count => format!("{},{count}", start + 1),
    }
}

fn push(out: &mut String, sign: char, line: &str) {
    out.push(sign);
    out.push_str(line.trim_end_matches(['\n', '\r']));
    out.push('\n');
    if !line.ends_with('\n') {
        out.push_str("\\ No newline at end of file\n");
    }
}

fn changes(old: &[&str], new: &[&str]) -> Vec<Change> {
    let shortest = old.len().min(new.len());
    let head = (0..shortest).take_while(|&i| old[i] == new[i]).count();
    let tail = (0..shortest - head)
        .take_while(|&i| old[old.len() - 1 - i] == new[new.len() - 1 - i])
        .count();
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    if a.is_empty() && b.is_empty() {
        return Vec::new();
    }
    if a.len().max(b.len()) > MOST_COMPARED {
        return vec![Change {
            old: (head, head + a.len()),
            new: (head, head + b.len()),
        }];
    }
    // length[i][j]: the longest common subsequence of a[i..] and b[j..].
    let width = b.len() + 1;
    let mut length = vec![0_u16; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            length[i * width + j] = if a[i] == b[j] {
                length[(i + 1) * width + j + 1] + 1
            } else {
                length[(i + 1) * width + j].max(length[i * width + j + 1])
            };
        }
    }
    let mut found: Vec<Change> = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let takes_old = j == b.len()
            || (i < a.len() && length[(i + 1) * width + j] >= length[i * width + j + 1]);
        let next = if takes_old { (i + 1, j) } else { (i, j + 1) };
        match found.last_mut() {
            Some(last) if last.old.1 == head + i && last.new.1 == head + j => {
                (last.old.1, last.new.1) = (head + next.0, head + next.1);
            }
            _ => found.push(Change {
                old: (head + i, head + next.0),
                new: (head + j, head + next.1),
            }),
        }
        (i, j) = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn a_changed_line_has_three_lines_around_it() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n";
        assert_eq!(
            unified(before, after, "a.yaml"),
            "--- a/a.yaml\n+++ b/a.yaml\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
    }

    #[test]
    fn changes_far_apart_are_two_hunks_and_near_ones_are_one() {
        let before: String = (1..=30).map(|n| format!("{n}\n")).collect();
        let after = before.replace("\n3\n", "\nx\n").replace("\n25\n", "\n");
        let diff = unified(&before, &after, "f");
        assert_eq!(diff.matches("@@ -").count(), 2);
        assert!(diff.contains("@@ -1,6 +1,6 @@\n 1\n 2\n-3\n+x\n 4\n"));
        assert!(diff.contains("@@ -22,7 +22,6 @@\n 22\n 23\n 24\n-25\n 26\n"));
        let after = before.replace("\n3\n", "\nx\n").replace("\n8\n", "\n");
        assert_eq!(unified(&before, &after, "f").matches("@@ -").count(), 1);
    }

    #[test]
    fn something_new_at_the_end_of_a_text_without_a_last_line_end() {
        assert_eq!(
            unified("a", "a\nb\n", "f"),
            "--- a/f\n+++ b/f\n@@ -1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n"
        );
        assert_eq!(
            unified("", "a\n", "f"),
            "--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+a\n"
        );
        assert_eq!(unified("a\n", "a\n", "f"), "");
    }
}
