//! From the parser's lines and columns to places in the whole text.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use saphyr_parser::{Marker, Span as ParserSpan};

use super::split::Piece;
use super::yaml11::PADDING;
use crate::diagnostic::{Place, Span};

/// Finds places in one piece of the text.
///
/// Asked in the order of the text, all questions together take time linear in it, in one very long
/// line too: a question goes on from where the last one stopped.
pub(super) struct Places<'t> {
    text: &'t str,
    start: Place,
    /// Where each line begins, in bytes, once it was asked. CR, LF and CR LF end a line.
    lines: OnceCell<Vec<u32>>,
    ascii: bool,
    /// Line, column and offset of the last answer.
    last: (usize, usize, usize),
    /// The lines, from 0, that the parser saw further to the right.
    padded: &'t BTreeSet<u32>,
}

impl<'t> Places<'t> {
    /// For a piece, which is of ASCII alone or not.
    pub(super) fn new(piece: &Piece<'t>, is_ascii: bool, padded: &'t BTreeSet<u32>) -> Self {
        Self {
            text: piece.text,
            start: piece.start,
            lines: OnceCell::new(),
            ascii: is_ascii,
            last: (0, 0, 0),
            padded,
        }
    }

    fn lines(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let mut lines = vec![0];
            for (at, byte) in bytes.iter().enumerate() {
                if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
                    lines.push(at as u32 + 1);
                }
            }
            lines
        })
    }

    /// The place of a mark.
    pub(super) fn place(&mut self, mark: Marker) -> Place {
        // kubectl adds a line break at the end; what is found behind it belongs before it.
        let line = (mark.line().max(1) - 1).min(self.lines().len() - 1);
        if mark.line() > self.lines().len() {
            return self.end();
        }
        let column = if self.padded.contains(&(line as u32)) {
            mark.col().saturating_sub(PADDING)
        } else {
            mark.col()
        };
        let offset = self.offset(line, column);
        Place {
            offset: self.start.offset + offset as u32,
            line: self.start.line + line as u32,
            column: column as u32 + if line == 0 { self.start.column } else { 1 },
        }
    }

    /// The places of a span.
    pub(super) fn span(&mut self, span: ParserSpan) -> Span {
        let start = self.place(span.start);
        Span::new(start, self.place(span.end))
    }

    /// From a mark to the end of what its line says, a comment included.
    pub(super) fn rest_of_line(&mut self, mark: Marker) -> Span {
        let start = self.place(mark);
        let rest = &self.text[(start.offset - self.start.offset) as usize..];
        let rest = rest.split(['\n', '\r']).next().unwrap_or("").trim_end();
        let end = Place {
            offset: start.offset + rest.len() as u32,
            line: start.line,
            column: start.column + rest.chars().count() as u32,
        };
        Span::new(start, end)
    }

    /// The place of a column, counted from 0 in bytes, of a line of the whole text that begins with
    /// so many blanks.
    pub(super) fn column(&self, line: u32, column: u32) -> Place {
        let index = line.saturating_sub(self.start.line) as usize;
        Place {
            offset: self.start.offset + self.lines().get(index).unwrap_or(&0) + column,
            line,
            column: column + if index == 0 { self.start.column } else { 1 },
        }
    }

    /// The end of the piece.
    fn end(&self) -> Place {
        let index = self.lines().len() - 1;
        let line = &self.text[self.lines()[index] as usize..];
        Place {
            offset: self.start.offset + self.text.len() as u32,
            line: self.start.line + index as u32,
            column: line.chars().count() as u32 + if index == 0 { self.start.column } else { 1 },
        }
    }

    /// From a mark to the end of the piece.
    pub(super) fn rest_from(&mut self, mark: Marker) -> Span {
        let start = self.place(mark);
        Span::new(start, self.end())
    }

    /// The piece's text from a place on.
    pub(super) fn from(&self, place: Place) -> &'t str {
        let from = (place.offset - self.start.offset) as usize;
        self.text.get(from..).unwrap_or("")
    }

    /// What stands before a place in its line.
    pub(super) fn before(&self, place: Place) -> &'t str {
        let to = (place.offset - self.start.offset) as usize;
        let index = (place.line - self.start.line) as usize;
        let from = self.lines().get(index).map_or(to, |&from| from as usize);
        self.text.get(from..to).unwrap_or("")
    }

    /// What stands before a place, without the blanks and line breaks in between.
    pub(super) fn content_before(&self, place: Place) -> &'t str {
        let to = (place.offset - self.start.offset) as usize;
        self.text.get(..to).unwrap_or("").trim_end()
    }

    /// The piece's text between two places.
    pub(super) fn slice(&self, span: Span) -> &'t str {
        let from = (span.start.offset - self.start.offset) as usize;
        let to = (span.end.offset - self.start.offset) as usize;
        self.text.get(from..to).unwrap_or("")
    }

    /// The text of a line of the whole text, without its break.
    pub(super) fn line(&self, line: u32) -> &'t str {
        let index = line.saturating_sub(self.start.line) as usize;
        let from = self
            .lines()
            .get(index)
            .map_or(self.text.len(), |&at| at as usize);
        let to = self
            .lines()
            .get(index + 1)
            .map_or(self.text.len(), |&at| at as usize);
        self.text[from..to].trim_end_matches(['\n', '\r'])
    }

    /// The line, from 0 in the piece, that is just behind the text once kubectl has ended it with a
    /// line break.
    pub(super) fn line_behind(&self) -> u32 {
        let ended = self.text.ends_with(['\n', '\r']);
        self.lines().len() as u32 - u32::from(ended)
    }

    /// The first line after this one that is not blank, or the one behind the text. Lines count
    /// from 0 in the piece.
    pub(super) fn next_content_line(&self, line: u32) -> u32 {
        let behind = self.line_behind();
        (line + 1..behind)
            .find(|&line| !self.line(self.start.line + line).trim().is_empty())
            .unwrap_or(behind)
    }

    fn offset(&mut self, line: usize, column: usize) -> usize {
        let base = self.lines()[line] as usize;
        if self.ascii {
            return (base + column).min(self.text.len());
        }
        let (last_line, last_column, last_offset) = self.last;
        let is_near = last_line == line && last_column < 2 * column;
        let (from, mut at) = if is_near {
            (last_column, last_offset)
        } else {
            (0, base)
        };
        let mut left = column.saturating_sub(from);
        for c in self.text[at..].chars().take(left) {
            at += c.len_utf8();
            left -= 1;
        }
        for c in self.text[..at]
            .chars()
            .rev()
            .take(from.saturating_sub(column))
        {
            at -= c.len_utf8();
        }
        self.last = (line, column - left, at);
        at
    }
}
