//! What libyaml refuses: the parser's refusals put into its words and lines, and what the parser
//! would have taken.

use saphyr_parser::{ScalarStyle, ScanError};

use super::super::error::{Error, Finder, in_libyaml_words};
use super::super::split::{Piece, lines};
use super::super::yaml11;
use super::{Loader, OpenKind};
use crate::diagnostic::{Place, Span};

/// A character that YAML does not allow, at an offset of the piece, as libyaml's reader says it.
pub(super) fn control_character(piece: &Piece<'_>, at: usize, c: char) -> Error {
    // What comes before, up to this character, is the last of these lines.
    let before = &piece.text[..at + c.len_utf8()];
    let number = lines(before).count() as u32 - 1;
    let column = lines(before).last().map_or(0, |line| line.chars().count()) as u32 - 1;
    let start = Place {
        offset: piece.start.offset + at as u32,
        line: piece.start.line + number,
        column: column + if number == 0 { piece.start.column } else { 1 },
    };
    let end = Place {
        offset: start.offset + c.len_utf8() as u32,
        column: start.column + 1,
        ..start
    };
    Error::decoding(
        "control characters are not allowed".into(),
        Span::new(start, end),
    )
    .with_hint(format!("there is a character U+{:04X} here", u32::from(c)))
}

impl Loader<'_> {
    /// The parser's refusal in kubectl's words.
    pub(super) fn refused(&mut self, error: &ScanError) -> Error {
        let mark = *error.marker();
        let mut span = self.places.rest_of_line(mark);
        if let Some(error) = self.bad_tab(span.start.line) {
            return error;
        }
        if error.info().ends_with("found unknown anchor") {
            return self.unknown_anchor(span);
        }
        let (mut finder, mut problem) = in_libyaml_words(error.info());
        let mut at = mark.line().max(1) as u32 - 1;
        let line = self.places.line(span.start.line);
        let before = self.places.before(span.start).trim_end();
        // Where the two notice a mistake at another point of the text, or call it another name.
        match error.info() {
            "misplaced bracket" if before.ends_with([':', '-']) => {}
            "misplaced bracket"
                if before.is_empty()
                    && self.places.content_before(span.start).ends_with([':', '-']) => {}
            "misplaced bracket" if self.open.is_empty() && self.root.is_none() => {}
            "misplaced bracket" | "invalid trailing content after double-quoted scalar" => {
                problem = match yaml11::open_bracket(before) {
                    Some((_, '{')) => "did not find expected ',' or '}'",
                    Some(_) => "did not find expected ',' or ']'",
                    None => self.expected_next(),
                };
            }
            "comment intercepting the multiline text" => {
                at = self.places.next_content_line(at);
                let words = line.split(" #").next().unwrap_or(line).trim_start();
                if words.contains(": ") || words.starts_with("- ") {
                    (finder, problem) = (Finder::Parser, self.expected_next());
                }
            }
            "while scanning a plain scalar, found a tab" => {
                // The parser stands at the end of the text before the tab.
                at = self.places.next_content_line(at);
                let line = at + self.piece_line;
                let tab = self.places.line(line).find('\t').unwrap_or_default();
                let start = self.places.column(line, tab as u32);
                let end = Place {
                    offset: start.offset + 1,
                    column: start.column + 1,
                    ..start
                };
                span = Span::new(start, end);
            }
            "a block scalar content cannot start with a tab" => at += 1,
            "wrongly indented line in block scalar"
                if line.trim_start_matches(' ').starts_with('\t') =>
            {
                finder = Finder::Scanner;
                problem = "found a tab character where an indentation space is expected";
            }
            info if info.starts_with("did not find expected <document")
                && line.starts_with('%')
                && !line.starts_with("%YAML")
                && !line.starts_with("%TAG") =>
            {
                (finder, problem) = (Finder::Scanner, "found unknown directive name");
            }
            _ if problem == "found unexpected end of stream" => {
                at = self.places.line_behind();
            }
            _ => {}
        }
        let mut refused = self.syntax_error(finder, problem, at, span);
        refused.hint = hint(problem, line).map(str::to_owned);
        refused
    }

    /// What libyaml's parser says when something else comes than what may come next.
    pub(super) fn expected_next(&self) -> &'static str {
        let Some(open) = self.open.last() else {
            return "did not find expected key";
        };
        match (&open.kind, open.is_flow) {
            (OpenKind::List(_), true) => "did not find expected ',' or ']'",
            (OpenKind::Map(..), true) => "did not find expected ',' or '}'",
            (OpenKind::List(_), false) => "did not find expected '-' indicator",
            (OpenKind::Map(..), false) => "did not find expected key",
        }
    }

    /// A mistake that libyaml finds on this line, counted from 0 in the document.
    pub(super) fn syntax_error(
        &self,
        finder: Finder,
        problem: &str,
        line: u32,
        span: Span,
    ) -> Error {
        let line_in_document = match finder {
            _ if line == 0 => None,
            Finder::Scanner => Some(line + 1),
            Finder::Parser => Some(line),
        };
        Error {
            line: line_in_document.map(|line| line + self.piece_line - 1),
            line_in_document,
            ..Error::decoding(problem.into(), span)
        }
    }

    pub(super) fn unknown_anchor(&self, span: Span) -> Error {
        let text = self.places.slice(span);
        let name_end = text[1.min(text.len())..]
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
            .map_or(text.len(), |at| at + 1);
        let name = text.get(1..name_end).unwrap_or("");
        let hint = "a text that begins with `*` needs quotes";
        let after = text[name_end.min(text.len())..].chars().next();
        if name.is_empty() || after.is_some_and(|c| !" \t?:,]}%@`".contains(c)) {
            let problem = "did not find expected alphabetic or numeric character";
            return self
                .syntax_error(
                    Finder::Scanner,
                    problem,
                    span.start.line - self.piece_line,
                    span,
                )
                .with_hint(hint);
        }
        Error::decoding(format!("unknown anchor '{name}' referenced"), span).with_hint(hint)
    }

    /// What libyaml says of a tab before this line.
    pub(super) fn bad_tab(&self, until: u32) -> Option<Error> {
        let (line, column, problem) = self.extents.as_ref()?.first_bad_tab(until)?;
        let start = self.places.column(line, column);
        let end = Place {
            offset: start.offset + 1,
            column: start.column + 1,
            ..start
        };
        let error = self.syntax_error(
            Finder::Scanner,
            problem,
            line - self.piece_line,
            Span::new(start, end),
        );
        Some(error.with_hint(NO_TABS))
    }

    /// Refuses two plain scalars that libyaml does not have: a key of which there is only the
    /// colon, and a text with a question mark in a flow collection.
    pub(super) fn check_plain(
        &self,
        text: &str,
        is_empty_key: bool,
        span: Span,
    ) -> Result<(), Box<Error>> {
        let Some(open) = self.open.last() else {
            return Ok(());
        };
        let is_flow = open.is_flow;
        let problem = if is_empty_key {
            let before = self.places.before(span.start).trim_end();
            if before.ends_with('?') || !self.places.from(span.start).starts_with(':') {
                return Ok(());
            }
            if is_flow {
                "did not find expected node content"
            } else {
                "did not find expected key"
            }
        } else if is_flow && text.starts_with('?') {
            "did not find expected node content"
        } else if is_flow && text.contains('?') {
            self.expected_next()
        } else {
            return Ok(());
        };
        Err(Box::new(self.syntax_error(
            Finder::Parser,
            problem,
            span.start.line - self.piece_line,
            span,
        )))
    }

    pub(super) fn extend_extents(&mut self, style: ScalarStyle, span: Span) {
        if self.extents.is_none() {
            return;
        }
        let block = self.open.iter().rev().find(|open| !open.is_flow);
        let column = block.map_or(-1, |open| i64::from(open.start.column) - 1);
        let is_in_flow = self.open.last().is_some_and(|open| open.is_flow);
        let ends_line = self
            .places
            .from(span.end)
            .split(['\n', '\r'])
            .next()
            .is_some_and(|rest| rest.trim().is_empty());
        let Some(extents) = &mut self.extents else {
            return;
        };
        extents.add_closed(span.start.line, span.end.line);
        if style == ScalarStyle::Plain && !is_in_flow && ends_line && span.start != span.end {
            extents.add_plain(span.end.line, column);
        }
    }
}

const NO_TABS: &str = "YAML takes no tab as indentation: use spaces";

/// What to try, from what is wrong and the text of its line.
fn hint(problem: &str, line: &str) -> Option<&'static str> {
    let indentation = &line[..line.len() - line.trim_start().len()];
    if indentation.contains('\t') {
        return Some(NO_TABS);
    }
    if line.contains('\u{a0}') {
        return Some(
            "this line has a no-break space (U+00A0), as web pages have: put a space there",
        );
    }
    if line.contains("{{") {
        return Some("`{{ … }}` is a template's placeholder (Helm): render the template first");
    }
    if line.contains(['\u{201c}', '\u{201d}']) {
        return Some("YAML's quotes are the straight ones, \" and '");
    }
    match problem {
        "mapping values are not allowed in this context" => Some(
            "a value with `: ` in it needs quotes; a new field needs a line and an indentation of its own",
        ),
        "did not find expected key" | "did not find expected '-' indicator" => Some(
            "this line stands neither beside the fields above it nor below one of them: check its indentation",
        ),
        "found character that cannot start any token" => {
            Some("a value that begins with `@`, `%` or a backtick needs quotes")
        }
        "could not find expected ':'" => Some("a field is written `name: value`"),
        "found unexpected end of stream" => Some("this quote is never closed"),
        _ => None,
    }
}
