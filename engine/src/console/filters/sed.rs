//! sed: each line goes through the commands of a script.
//!
//! Modelled on busybox 1.36 and GNU sed 4.9, as far as both agree. Modelled: `s`, `d`, `p`, `q`, for
//! a line, lines from one to another, the last one, or those that a pattern is in. Left out, and
//! named in the error: the hold space, jumps, ranges of patterns, `y`, `a`, `i`, `c`, `-i`.

use super::args::Flags;
use super::lines::{Filtered, count, lines};
use super::regex::Regex;
use crate::console::output::Printed;

/// One command of sed.
struct Edit {
    /// Lines from this to that; a pattern instead.
    lines: Option<(usize, usize)>,
    pattern: Option<Regex>,
    what: What,
}

enum What {
    Replace(Regex, String, bool, bool),
    Delete,
    Print,
    Quit,
}

pub(super) fn sed(args: &[&str], text: &str) -> Filtered {
    let given = Flags {
        switches: "nEr",
        values: "e",
        long: &[
            ("quiet", 'n'),
            ("regexp-extended", 'E'),
            ("expression", 'e'),
        ],
    }
    .read(args)?;
    let extended = given.has('E') || given.has('r');
    let scripts: Vec<&str> = match given.values('e') {
        all if all.is_empty() => given.words.iter().take(1).copied().collect(),
        all => all,
    };
    if scripts.is_empty() {
        return Err("usage: sed [-n] [-E] 's/PATTERN/TEXT/[g]' | 'Np' | '/PATTERN/d'".to_owned());
    }
    let mut edits = Vec::new();
    for script in scripts {
        edits.extend(edit_list(script, extended)?);
    }
    let all = lines(text);
    let mut out = String::new();
    for (at, line) in all.iter().enumerate() {
        let mut line = (*line).to_owned();
        let mut shows = !given.has('n');
        let mut ends = false;
        for edit in &edits {
            let last = if edit.lines.is_some_and(|(first, _)| first == usize::MAX) {
                at + 1 == all.len()
            } else {
                edit.lines
                    .is_none_or(|(first, last)| (first..=last).contains(&(at + 1)))
            };
            if !last
                || edit
                    .pattern
                    .as_ref()
                    .is_some_and(|regex| !regex.is_in(&line))
            {
                continue;
            }
            match &edit.what {
                What::Replace(regex, with, all, prints) => {
                    let (new, has_changed) = regex.replace(&line, with, *all);
                    line = new;
                    if has_changed && *prints {
                        out.push_str(&line);
                        out.push('\n');
                    }
                }
                What::Delete => {
                    shows = false;
                    break;
                }
                What::Print => {
                    out.push_str(&line);
                    out.push('\n');
                }
                What::Quit => ends = true,
            }
        }
        if shows {
            out.push_str(&line);
            out.push('\n');
        }
        if ends {
            break;
        }
    }
    Ok(Printed::stdout(out))
}

/// The text up to a delimiter that no backslash stands before, and the rest.
fn up_to(text: &str, delimiter: char) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == delimiter {
            return Some((part, &text[at + c.len_utf8()..]));
        }
        part.push(c);
        if c == '\\'
            && let Some((_, next)) = chars.next()
        {
            if next == delimiter {
                part.pop();
            }
            part.push(next);
        }
    }
    None
}

fn edit_list(script: &str, extended: bool) -> Result<Vec<Edit>, String> {
    let unknown = || {
        format!(
            "{script:?} is not there; there is: s/PATTERN/TEXT/g, Np, N,Mp, Nd, /PATTERN/p, /PATTERN/d, Nq"
        )
    };
    let mut edits = Vec::new();
    let mut rest = script.trim_start();
    while !rest.is_empty() {
        let mut edit = Edit {
            lines: None,
            pattern: None,
            what: What::Print,
        };
        if let Some(after) = rest.strip_prefix('/') {
            let (pattern, after) = up_to(after, '/').ok_or_else(unknown)?;
            edit.pattern = Some(Regex::new(&pattern, extended, false)?);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('$') {
            edit.lines = Some((usize::MAX, usize::MAX));
            rest = after;
        } else {
            let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
            let first = digits(rest);
            if first > 0 {
                let from = count(&rest[..first])?;
                rest = &rest[first..];
                let mut to = from;
                if let Some(after) = rest.strip_prefix(',') {
                    if let Some(after) = after.strip_prefix('$') {
                        to = usize::MAX - 1;
                        rest = after;
                    } else {
                        let last = digits(after);
                        to = count(&after[..last])?;
                        rest = &after[last..];
                    }
                }
                edit.lines = Some((from, to));
            }
        }
        let mut chars = rest.chars();
        match chars.next() {
            Some('d') => edit.what = What::Delete,
            Some('p') => edit.what = What::Print,
            Some('q') => edit.what = What::Quit,
            Some('s') => {
                let delimiter = chars.next().ok_or_else(unknown)?;
                let (pattern, after) = up_to(chars.as_str(), delimiter).ok_or_else(unknown)?;
                let (with, after) = up_to(after, delimiter).ok_or_else(unknown)?;
                let flags: String = after.chars().take_while(|c| "gIip".contains(*c)).collect();
                chars = after[flags.len()..].chars();
                let folds_case = flags.contains(['i', 'I']);
                let regex = Regex::new(&pattern, extended, folds_case)?;
                edit.what = What::Replace(regex, with, flags.contains('g'), flags.contains('p'));
            }
            _ => return Err(unknown()),
        }
        edits.push(edit);
        rest = chars.as_str().trim_start();
        match rest.strip_prefix(';') {
            Some(after) => rest = after.trim_start(),
            None if rest.is_empty() => {}
            None => return Err(unknown()),
        }
    }
    Ok(edits)
}
