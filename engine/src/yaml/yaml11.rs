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

/// How far a line is moved to the right: more than any block is indented in practice.
pub(super) const PADDING: usize = 256;

/// How often a text is parsed again with one more line moved.
pub(super) const MOST_PADDED_LINES: usize = 256;

/// The text for the parser: with a final line break, as kubectl adds one, and with padded lines.
pub(super) fn source<'t>(text: &'t str, padded: &BTreeSet<u32>) -> Cow<'t, str> {
    if padded.is_empty() && text.ends_with('\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + padded.len() * PADDING + 1);
    for (number, line) in text.split_inclusive('\n').enumerate() {
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

/// The lines, counted from 0, that have to be moved to the right because of this refusal.
pub(super) fn lines_to_pad(text: &str, error: &ScanError) -> Vec<u32> {
    let line = error.marker().line().max(1) as u32 - 1;
    match error.info() {
        "invalid indentation"
        | "invalid indentation in flow construct"
        | "tab cannot be used as indentation" => vec![line],
        "invalid indentation in quoted scalar" => {
            let lines = text.split_inclusive('\n').skip(line as usize);
            let mut rest = lines
                .clone()
                .flat_map(str::chars)
                .skip(error.marker().col());
            let Some(quote) = rest.next() else {
                return Vec::new();
            };
            let mut last = line;
            while let Some(c) = rest.next() {
                match c {
                    '\n' => last += 1,
                    '\\' if quote == '"' => {
                        last += u32::from(rest.next() == Some('\n'));
                    }
                    c if c == quote => return (line + 1..=last).collect(),
                    _ => {}
                }
            }
            Vec::new()
        }
        _ => Vec::new(),
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
        for (number, line) in (first_line..).zip(text.lines()) {
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
