//! Where libyaml and YAML 1.2 part: what kubectl takes and `saphyr-parser` does not, and the
//! reverse.
//!
//! * libyaml lets `}`, `]` and the further lines of a quoted text stand at any column. Such lines
//!   are given to the parser with blanks in front ([`source`]); nothing else changes by that,
//!   because in a flow collection and in a quoted text the blanks at a line's beginning mean
//!   nothing.
//! * libyaml refuses a tab at the beginning of a line even where the line holds nothing else
//!   ([`Extents::first_bad_tab`]).
//!
//! Source: libyaml 0.1 `scanner.c` as in goyaml's `scannerc.go` (`yaml_parser_scan_to_next_token`,
//! `yaml_parser_scan_plain_scalar`).
//!
//! Left out, because nobody writes it: a comment between the words of a key, a `#` right after `|`,
//! a key of several lines in a flow collection, a text after a document that is one quoted word.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::ScanError;

use super::split::lines;

/// How far a line is moved to the right: more than any block is indented in practice.
pub(super) const PADDING: usize = 256;

/// How often a text is parsed again with more lines moved.
pub(super) const MOST_ATTEMPTS: usize = 32;

/// The text for the parser: with a final line break, as kubectl adds one, and with padded lines.
pub(super) fn source<'t>(text: &'t str, padded: &BTreeSet<u32>) -> Cow<'t, str> {
    if padded.is_empty() && text.ends_with('\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + padded.len() * PADDING + 1);
    for (number, line) in lines(text).enumerate() {
        if padded.contains(&(number as u32)) {
            out.extend(std::iter::repeat_n(' ', PADDING));
        }
        out.push_str(line);
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    Cow::Owned(out)
}

/// The lines, counted from 0, that have to be moved to the right because of this refusal. `flow` is
/// where the outermost open flow collection begins, in bytes, when the parser has told of one.
pub(super) fn lines_to_pad(text: &str, error: &ScanError, flow: Option<usize>) -> Vec<u32> {
    let line = error.marker().line().max(1) as u32 - 1;
    let line_start = offset_of_line(text, line);
    let start = match error.info() {
        "tab cannot be used as indentation" => return vec![line],
        "invalid indentation in quoted scalar" => {
            let column = error.marker().col();
            let mut before = text[line_start..].char_indices();
            before.nth(column).map(|(at, _)| line_start + at)
        }
        info if info.starts_with("invalid indentation") || info.starts_with("tabs disallowed") => {
            // The parser looks ahead: it may have seen a bracket that it has not told of yet.
            flow.or_else(|| {
                let above = text[..line_start].trim_end();
                let above_start = above.rfind(['\n', '\r']).map_or(0, |at| at + 1);
                let (at, _) = open_bracket(&above[above_start..])?;
                Some(above_start + at)
            })
        }
        _ => None,
    };
    let Some(start) = start else {
        return Vec::new();
    };
    let first = breaks(&text[..start]);
    match end_of_value(&text[start..]) {
        Some(length) => {
            let last = first + breaks(&text[start..start + length]);
            (first + 1..=last).collect()
        }
        None => Vec::new(),
    }
}

fn offset_of_line(text: &str, line: u32) -> usize {
    lines(text).take(line as usize).map(str::len).sum()
}

fn breaks(text: &str) -> u32 {
    let ends = |line: &&str| line.ends_with(['\n', '\r']);
    lines(text).filter(ends).count() as u32
}

/// The last bracket that a line opens and does not close, and its offset.
pub(super) fn open_bracket(line: &str) -> Option<(usize, char)> {
    let mut open = Vec::new();
    let mut brackets = Brackets::default();
    for (at, c) in line.char_indices() {
        match brackets.next(c) {
            Some('{' | '[') => open.push((at, c)),
            Some('}' | ']') => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}

/// How long the quoted text or flow collection is that a text begins with.
fn end_of_value(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut brackets = Brackets::default();
    for (at, c) in text.char_indices() {
        match brackets.next(c) {
            Some('{' | '[') => depth += 1,
            Some('}' | ']') => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 && brackets.quote.is_none() {
            return Some(at + c.len_utf8());
        }
    }
    None
}

/// Tells brackets from the characters of a quoted text, one character after the other.
#[derive(Default)]
struct Brackets {
    quote: Option<char>,
    is_escaped: bool,
    last: Option<char>,
}

impl Brackets {
    /// The character, when it is a bracket outside of quotes.
    fn next(&mut self, c: char) -> Option<char> {
        let last = self.last.replace(c);
        match (self.quote, c) {
            (Some(_), _) if self.is_escaped => self.is_escaped = false,
            (Some('"'), '\\') => self.is_escaped = true,
            (Some(quote), c) if c == quote => self.quote = None,
            (Some(_), _) => {}
            // A quote within a word is none: it's.
            (None, '"' | '\'')
                if !last.is_some_and(|c| c.is_ascii_alphanumeric() || !c.is_ascii()) =>
            {
                self.quote = Some(c);
            }
            (None, '{' | '[' | '}' | ']') => return Some(c),
            (None, _) => {}
        }
        None
    }
}

/// What the lines of a piece belong to, kept only for a piece in which a line begins with a tab.
/// Lines are counted in the whole text.
#[derive(Default)]
pub(super) struct Extents {
    tabs: Vec<TabLine>,
    /// First and last line of each outermost flow collection, quoted text and block text of more
    /// than one line, in order.
    closed: Vec<(u32, u32)>,
    /// The last line of each plain text with nothing after it, and the column that its block
    /// stands at, from 0; -1 for none.
    plain: BTreeMap<u32, i64>,
}

/// A line whose first blanks have a tab among them.
struct TabLine {
    line: u32,
    /// The tab's column, from 0.
    column: u32,
    /// The nearest line above that is not blank.
    content_above: u32,
}

impl Extents {
    /// `None` when no line begins with a tab.
    pub(super) fn of(text: &str, first_line: u32) -> Option<Self> {
        if !text.contains('\t') {
            return None;
        }
        let mut tabs = Vec::new();
        let mut content_above = 0;
        for (number, line) in (first_line..).zip(lines(text)) {
            let blanks = line.len() - line.trim_start_matches(' ').len();
            if line[blanks..].starts_with('\t') {
                tabs.push(TabLine {
                    line: number,
                    column: blanks as u32,
                    content_above,
                });
            }
            if !line.trim().is_empty() {
                content_above = number;
            }
        }
        (!tabs.is_empty()).then(|| Self {
            tabs,
            ..Self::default()
        })
    }

    pub(super) fn add_closed(&mut self, first: u32, last: u32) {
        if first < last {
            self.closed.push((first, last));
        }
    }

    pub(super) fn add_plain(&mut self, last: u32, block_column: i64) {
        self.plain.insert(last, block_column);
    }

    /// The first line before `until` that libyaml refuses because of its tab, the tab's column from
    /// 0, and its words.
    pub(super) fn first_bad_tab(&self, until: u32) -> Option<(u32, u32, &'static str)> {
        let mut closed = self.closed.iter().peekable();
        for tab in self.tabs.iter().take_while(|tab| tab.line < until) {
            while closed.next_if(|(_, last)| *last < tab.line).is_some() {}
            if closed.peek().is_some_and(|(first, _)| *first < tab.line) {
                continue;
            }
            // A plain text goes on over blank lines, and looks at their indentation.
            let problem = match self.plain.get(&tab.content_above) {
                Some(column) if i64::from(tab.column) > *column => continue,
                Some(_) => "found a tab character that violates indentation",
                None => "found character that cannot start any token",
            };
            return Some((tab.line, tab.column, problem));
        }
        None
    }
}
