//! grep: the lines that a pattern is in.
//!
//! Modelled on busybox 1.36 and GNU grep 3.8, as far as both agree. Left out: back references,
//! `-r` (there are no folders), names of files before lines, colours.

use super::args::Flags;
use super::lines::{Filtered, lines};
use super::regex::Regex;
use crate::console::output::Printed;

const GREP: Flags = Flags {
    switches: "ivnclEFwxoqhHs",
    values: "ABCem",
    long: &[
        ("ignore-case", 'i'),
        ("invert-match", 'v'),
        ("line-number", 'n'),
        ("count", 'c'),
        ("extended-regexp", 'E'),
        ("fixed-strings", 'F'),
        ("word-regexp", 'w'),
        ("only-matching", 'o'),
        ("quiet", 'q'),
        ("after-context", 'A'),
        ("before-context", 'B'),
        ("context", 'C'),
        ("color", 's'),
    ],
};

pub(super) fn grep(args: &[&str], text: &str, extended: bool) -> Filtered {
    let given = GREP.read(args)?;
    let pattern = match given.value('e').or_else(|| given.words.first().copied()) {
        Some(pattern) => pattern,
        None => return Err("usage: grep [-ivncowq] [-E|-F] [-A N] [-B N] PATTERN".to_owned()),
    };
    let folds_case = given.has('i');
    let extended = extended || given.has('E');
    let (open, close) = if extended { ("(", ")") } else { ("\\(", "\\)") };
    let regex = if given.has('F') {
        Regex::literal(pattern, folds_case)?
    } else if given.has('x') {
        Regex::new(&format!("^{open}{pattern}{close}$"), extended, folds_case)?
    } else if given.has('w') {
        Regex::new(
            &format!("\\b{open}{pattern}{close}\\b"),
            extended,
            folds_case,
        )?
    } else {
        Regex::new(pattern, extended, folds_case)?
    };
    let all = lines(text);
    let number = |flag: char| given.number(flag);
    let around = number('C')?.unwrap_or(0);
    let (before, after) = (
        number('B')?.unwrap_or(around),
        number('A')?.unwrap_or(around),
    );
    let most = number('m')?.unwrap_or(usize::MAX);
    let hits: Vec<usize> = (0..all.len())
        .filter(|at| regex.is_in(all[*at]) != given.has('v'))
        .take(most)
        .collect();
    let mut printed = Printed {
        code: u8::from(hits.is_empty()),
        ..Printed::default()
    };
    if given.has('q') {
        return Ok(printed);
    }
    if given.has('c') {
        printed.out(format!("{}\n", hits.len()));
        return Ok(printed);
    }
    let mut out = String::new();
    let mut next = 0;
    for (index, hit) in hits.iter().copied().enumerate() {
        if given.has('o') {
            let mut from = 0;
            while let Some(Some((start, end))) = regex.find(all[hit], from).map(|found| found[0]) {
                if end == start {
                    break;
                }
                out.push_str(&all[hit][start..end]);
                out.push('\n');
                from = end;
            }
            continue;
        }
        let start = hit.saturating_sub(before).max(next);
        let end = hit.saturating_add(after).saturating_add(1).min(all.len());
        if index > 0 && start > next && (before > 0 || after > 0) {
            out.push_str("--\n");
        }
        for (at, line) in all.iter().enumerate().take(end).skip(start) {
            if given.has('n') {
                let sign = if hits.binary_search(&at).is_ok() {
                    ':'
                } else {
                    '-'
                };
                out.push_str(&format!("{}{sign}", at + 1));
            }
            out.push_str(line);
            out.push('\n');
        }
        next = end.max(next);
    }
    printed.out(out);
    Ok(printed)
}
