//! The YAML and JSON that programs print, read line by line.
//!
//! A real cluster's dump is many megabytes of the plainest YAML: keys and values of one line each,
//! lists, texts in quotes, blocks after `|`, all of JSON. This reader knows that much and no more,
//! and hands the [`Loader`] what the parser would: the same events at the same places. Whatever else
//! stands in a text (anchors, tags, values of several lines, tabs, anything that may be a mistake),
//! it gives up and the text is read by the parser from its beginning. So it decides nothing: a
//! property test holds each of its trees against the parser's.
//!
//! Source: YAML 1.2.2; what is printed: sigs.k8s.io/yaml and Go's `encoding/json`.

use std::borrow::Cow;

use saphyr_parser::ScalarStyle;

use super::super::split::Piece;
use super::Loader;
use crate::diagnostic::{Place, Span};

/// A block that is not closed yet.
struct Block {
    /// The column at which its keys or dashes stand.
    column: usize,
    is_list: bool,
    /// Whether a key, or a dash, waits for its value.
    waits: bool,
    /// Where the key ended that waits.
    key_end: Place,
}

/// It is nothing that this reader knows.
struct Unknown;

type Known<T> = Result<T, Unknown>;

struct Reader<'l, 't> {
    loader: &'l mut Loader<'t>,
    text: &'l str,
    /// Where the text begins in the whole.
    first: Place,
    /// Whether all of the text has characters of one byte only.
    all_ascii: bool,
    /// Where the line at hand begins and ends, in bytes, and its number, from 1.
    start: usize,
    end: usize,
    line: usize,
    /// Whether the line has characters of one byte only.
    is_ascii: bool,
    blocks: Vec<Block>,
}

/// Reads a piece without tabs and CRs into a fresh loader. `false`: it is not as plain as that, and
/// what the loader has got is of no use.
pub(super) fn read(loader: &mut Loader<'_>, piece: &Piece<'_>, is_ascii: bool) -> bool {
    let mut reader = Reader {
        loader,
        text: piece.text,
        first: piece.start,
        all_ascii: is_ascii,
        start: 0,
        end: 0,
        line: 0,
        is_ascii: true,
        blocks: Vec::new(),
    };
    reader.document().is_ok()
}

impl Reader<'_, '_> {
    fn document(&mut self) -> Known<()> {
        let mut is_done = false;
        let mut more = self.next_line(0);
        while more {
            let line = &self.text.as_bytes()[self.start..self.end];
            let column = blanks(line);
            let content = &line[column..];
            if matches!(content, [] | [b'#', ..]) {
                more = self.next_line(self.end + 1);
                continue;
            }
            if is_done || matches!(line, [b'.', b'.', b'.', ..] | [b'%', ..]) {
                return Err(Unknown);
            }
            if self.blocks.is_empty() && matches!(content[0], b'{' | b'[') {
                let after = self.flow(self.start + column)?;
                self.blanks_after(after)?;
                is_done = true;
            } else {
                self.content(column)?;
            }
            more = self.next_line(self.end + 1);
        }
        while !self.blocks.is_empty() {
            self.close()?;
        }
        Ok(())
    }

    /// Goes to the line that begins at an offset; `false` behind the last one.
    fn next_line(&mut self, start: usize) -> bool {
        if start >= self.text.len() {
            return false;
        }
        self.start = start;
        let bytes = self.text.as_bytes();
        let mut end = start;
        while end < bytes.len() && bytes[end] != b'\n' {
            end += 1;
        }
        self.end = end;
        self.line += 1;
        self.is_ascii = self.all_ascii || bytes[start..end].is_ascii();
        true
    }

    /// The place of an offset in the line at hand.
    fn place(&self, at: usize) -> Place {
        let column = if self.is_ascii {
            at - self.start
        } else {
            self.text[self.start..at].chars().count()
        };
        let first_column = if self.line == 1 { self.first.column } else { 1 };
        Place {
            offset: self.first.offset + at as u32,
            line: self.first.line + self.line as u32 - 1,
            column: column as u32 + first_column,
        }
    }

    fn span(&self, from: usize, to: usize) -> Span {
        Span::new(self.place(from), self.place(to))
    }

    /// A line of a block, whose first character stands at this column.
    fn content(&mut self, column: usize) -> Known<()> {
        let is_dash = is_dash(&self.text.as_bytes()[self.start + column..self.end]);
        loop {
            let Some(top) = self.blocks.last() else {
                // Only the first line opens the outermost block.
                return if self.loader.root.is_none() && self.loader.open.is_empty() {
                    self.node(column)
                } else {
                    Err(Unknown)
                };
            };
            let nests = column > top.column || (column == top.column && is_dash && !top.is_list);
            if top.waits && nests {
                return self.node(column);
            }
            if column == top.column && is_dash == top.is_list {
                break;
            }
            if column > top.column {
                // A value of several lines.
                return Err(Unknown);
            }
            self.close()?;
        }
        self.empty_value()?;
        self.entry(column)
    }

    /// A node of a block begins on the line at hand, at a column.
    fn node(&mut self, column: usize) -> Known<()> {
        let at = self.start + column;
        let rest = &self.text[at..self.end];
        let is_list = is_dash(rest.as_bytes());
        if !is_list && key_length(rest).is_none() {
            // A value on a line of its own.
            return Err(Unknown);
        }
        // A list at the column of its key begins, to the parser, behind its first dash.
        let is_at_key = is_list && (self.blocks.last()).is_some_and(|top| top.column == column);
        let from = if is_at_key {
            at + 1 + blanks(&rest.as_bytes()[1..])
        } else {
            at
        };
        let here = self.span(from, from);
        self.loader.begin(here, 0, is_list).map_err(|_| Unknown)?;
        if let Some(parent) = self.blocks.last_mut() {
            parent.waits = false;
        }
        self.blocks.push(Block {
            column,
            is_list,
            waits: false,
            key_end: here.start,
        });
        self.entry(column)
    }

    /// A key and what follows it, or a dash and what follows it.
    fn entry(&mut self, column: usize) -> Known<()> {
        let at = self.start + column;
        let rest = &self.text[at..self.end];
        if is_dash(rest.as_bytes()) {
            let next = 1 + blanks(&rest.as_bytes()[1..]);
            let after = &rest[next..];
            if matches!(after.as_bytes(), [] | [b'#', ..]) {
                // What an empty element is, the parser says.
                return Err(Unknown);
            }
            self.wait(self.place(at + 1));
            if is_dash(after.as_bytes()) || key_length(after).is_some() {
                return self.node(column + next);
            }
            return self.value(at + next);
        }
        let length = key_length(rest).ok_or(Unknown)?;
        self.word(at, at + length)?;
        self.wait(self.place(at + length));
        let next = length + 1 + blanks(&rest.as_bytes()[length + 1..]);
        if matches!(rest.as_bytes()[next..], [] | [b'#', ..]) {
            return Ok(());
        }
        self.value(at + next)
    }

    fn wait(&mut self, key_end: Place) {
        if let Some(top) = self.blocks.last_mut() {
            top.waits = true;
            top.key_end = key_end;
        }
    }

    /// A key or a value of one line that stands between two offsets.
    fn word(&mut self, from: usize, to: usize) -> Known<()> {
        let written = &self.text[from..to];
        let (text, style) = match written.as_bytes().first() {
            Some(b'"') => (double_quoted(written)?, ScalarStyle::DoubleQuoted),
            Some(b'\'') => (single_quoted(written), ScalarStyle::SingleQuoted),
            _ => (Cow::Borrowed(written), ScalarStyle::Plain),
        };
        self.scalar(&text, style, self.span(from, to))
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> Known<()> {
        (self.loader)
            .on_scalar(text, style, 0, None, span)
            .map_err(|_| Unknown)
    }

    /// A value that begins on the line at hand.
    fn value(&mut self, at: usize) -> Known<()> {
        let rest = &self.text[at..self.end];
        match rest.as_bytes().first().ok_or(Unknown)? {
            quote @ (b'"' | b'\'') => {
                let length = quoted_length(rest, *quote).ok_or(Unknown)?;
                self.nothing_after(at + length)?;
                self.word(at, at + length)?;
            }
            b'{' | b'[' => {
                let after = self.flow(at)?;
                self.blanks_after(after)?;
            }
            b'|' => {
                if let Some(top) = self.blocks.last_mut() {
                    top.waits = false;
                }
                return self.literal(at);
            }
            _ => {
                let text = plain(rest).ok_or(Unknown)?;
                self.scalar(text, ScalarStyle::Plain, self.span(at, at + text.len()))?;
            }
        }
        if let Some(top) = self.blocks.last_mut() {
            top.waits = false;
        }
        Ok(())
    }

    /// Only blanks, or a comment, follow on the line.
    fn nothing_after(&self, at: usize) -> Known<()> {
        let rest = &self.text.as_bytes()[at..self.end];
        match rest[blanks(rest)..] {
            [] => Ok(()),
            [b'#', ..] if rest[0] == b' ' => Ok(()),
            _ => Err(Unknown),
        }
    }

    /// Only blanks follow on the line: a comment behind a bracket is to the parser a part of what the
    /// bracket closes.
    fn blanks_after(&self, at: usize) -> Known<()> {
        let rest = &self.text.as_bytes()[at..self.end];
        if blanks(rest) == rest.len() {
            Ok(())
        } else {
            Err(Unknown)
        }
    }

    /// A block text after `|` or `|-`.
    fn literal(&mut self, at: usize) -> Known<()> {
        let strips = match self.text[at..self.end].trim_end_matches(' ') {
            "|" => false,
            "|-" => true,
            _ => return Err(Unknown),
        };
        let parent = self.blocks.last().map_or(0, |top| top.column);
        if !self.next_line(self.end + 1) {
            return Err(Unknown);
        }
        let indent = self.indentation();
        // A first line that is blank, or at the column of the key, is for the parser.
        if indent <= parent || self.start + indent == self.end {
            return Err(Unknown);
        }
        let from = self.place(self.start + indent);
        let mut text = String::new();
        let mut breaks = 0;
        loop {
            let own = self.indentation();
            let is_blank = self.start + own == self.end;
            if is_blank && own <= indent {
                breaks += 1;
            } else if own < indent {
                break;
            } else {
                text.extend(std::iter::repeat_n('\n', breaks));
                text.push_str(&self.text[self.start + indent..self.end]);
                breaks = 1;
            }
            if !self.next_line(self.end + 1) {
                // Where a text ends that ends the file, the parser says.
                return Err(Unknown);
            }
        }
        if !strips {
            text.push('\n');
        }
        let own = self.indentation();
        if self.text[self.start + own..].starts_with('#') {
            return Err(Unknown);
        }
        let span = Span::new(from, self.place(self.start + own));
        self.scalar(&text, ScalarStyle::Literal, span)?;
        // The line at hand is the next one, and is still to be read.
        self.end = self.start.checked_sub(1).ok_or(Unknown)?;
        self.line -= 1;
        Ok(())
    }

    /// How many blanks the line at hand begins with.
    fn indentation(&self) -> usize {
        blanks(&self.text.as_bytes()[self.start..self.end])
    }

    /// A key without a value.
    fn empty_value(&mut self) -> Known<()> {
        let Some(top) = self.blocks.last_mut().filter(|top| top.waits) else {
            return Ok(());
        };
        if top.is_list {
            return Err(Unknown);
        }
        top.waits = false;
        let span = Span::new(top.key_end, top.key_end);
        self.scalar("", ScalarStyle::Plain, span)
    }

    /// Closes the innermost block.
    fn close(&mut self) -> Known<()> {
        self.empty_value()?;
        if self.blocks.pop().is_some() {
            self.loader.finish(None);
        }
        Ok(())
    }

    /// A collection in brackets, from an offset of the line at hand on. Gives the offset behind it,
    /// which may be on a later line.
    fn flow(&mut self, at: usize) -> Known<usize> {
        let is_list = self.text.as_bytes()[at] == b'[';
        let closing = if is_list { b']' } else { b'}' };
        let span = self.span(at, at + 1);
        // Deeper than the limit it refuses.
        self.loader.begin(span, 0, is_list).map_err(|_| Unknown)?;
        let mut at = self.skip(at + 1)?;
        loop {
            if self.text.as_bytes()[at] == closing {
                let behind = self.place(at + 1);
                self.loader.finish(Some(behind));
                return Ok(at + 1);
            }
            if !is_list {
                at = self.flow_scalar(at, true)?;
                at = self.skip(at + 1)?;
            }
            at = match self.text.as_bytes().get(at) {
                Some(b'{' | b'[') => self.flow(at)?,
                _ => self.flow_scalar(at, false)?,
            };
            at = self.skip(at)?;
            match self.text.as_bytes().get(at) {
                Some(b',') => at = self.skip(at + 1)?,
                Some(byte) if *byte == closing => {}
                _ => return Err(Unknown),
            }
        }
    }

    /// Over blanks and line breaks within brackets.
    fn skip(&mut self, mut at: usize) -> Known<usize> {
        loop {
            match self.text.as_bytes().get(at) {
                Some(b' ') => at += 1,
                Some(b'\n') => {
                    if !self.next_line(at + 1) {
                        return Err(Unknown);
                    }
                    at = self.start;
                }
                Some(b'#') | None => return Err(Unknown),
                Some(_) => return Ok(at),
            }
        }
    }

    /// A key or a value within brackets, and the offset behind it; behind a key stands its colon.
    fn flow_scalar(&mut self, at: usize, is_key: bool) -> Known<usize> {
        let rest = &self.text[at..self.end];
        let first = *rest.as_bytes().first().ok_or(Unknown)?;
        let length = match first {
            b'"' | b'\'' => quoted_length(rest, first).ok_or(Unknown)?,
            _ => flow_plain_length(rest).ok_or(Unknown)?,
        };
        let is_quoted = matches!(first, b'"' | b'\'');
        self.word(at, at + length)?;
        let after = at + length;
        if is_key {
            // Without a blank behind it a colon is a part of a plain word.
            let is_colon = match &self.text.as_bytes()[after..self.end] {
                [b':'] | [b':', b' ', ..] => true,
                [b':', ..] => is_quoted,
                _ => false,
            };
            if !is_colon || length > MAX_KEY {
                return Err(Unknown);
            }
        }
        Ok(after)
    }
}

/// The longest key that is read without a `?`, in characters (YAML 1.2.2, 7.4.2), and some reserve.
const MAX_KEY: usize = 1_000;

// What follows looks at bytes one by one: each line of a dump passes here a few times.

/// How many blanks a text begins with.
fn blanks(text: &[u8]) -> usize {
    let mut count = 0;
    while text.get(count) == Some(&b' ') {
        count += 1;
    }
    count
}

/// Whether a text begins with the dash of a list's element.
fn is_dash(text: &[u8]) -> bool {
    matches!(text, [b'-'] | [b'-', b' ', ..])
}

/// How long the key is with which a line begins, quotes included, up to its colon.
fn key_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_colon =
        |at: usize| bytes.get(at) == Some(&b':') && matches!(bytes.get(at + 1), None | Some(b' '));
    let length = match bytes.first()? {
        quote @ (b'"' | b'\'') => quoted_length(text, *quote)?,
        _ if is_plain_start(text) => {
            let mut at = 0;
            while !is_colon(at) {
                // What follows is a comment.
                if bytes[at] == b' ' && bytes.get(at + 1) == Some(&b'#') {
                    return None;
                }
                at += 1;
                if at >= bytes.len() {
                    return None;
                }
            }
            if at > 0 && bytes[at - 1] == b' ' {
                return None;
            }
            at
        }
        _ => return None,
    };
    (length <= MAX_KEY && is_colon(length)).then_some(length)
}

/// Whether a plain text may begin so.
fn is_plain_start(text: &str) -> bool {
    let mut bytes = text.bytes();
    match bytes.next() {
        Some(
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'_'
            | b'.'
            | b'/'
            | b'$'
            | b'('
            | b'<'
            | b'+',
        ) => true,
        Some(b'-') => bytes
            .next()
            .is_some_and(|next| next.is_ascii_alphanumeric() || matches!(next, b'.' | b'-')),
        _ => false,
    }
}

/// The plain text of a value, without the comment behind it; `None` if it may be more than that.
fn plain(text: &str) -> Option<&str> {
    if !is_plain_start(text) {
        return None;
    }
    let bytes = text.as_bytes();
    let mut end = 0;
    while end < bytes.len() {
        match (bytes[end], bytes.get(end + 1)) {
            (b' ', Some(b'#')) => break,
            (b':', None | Some(b' ')) => return None,
            _ => end += 1,
        }
    }
    while end > 0 && bytes[end - 1] == b' ' {
        end -= 1;
    }
    Some(&text[..end])
}

/// How long the plain word is with which a text in brackets begins: letters, digits and some signs.
fn flow_plain_length(text: &str) -> Option<usize> {
    let is_part =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-');
    if !is_plain_start(text) {
        return None;
    }
    let length = text
        .bytes()
        .position(|byte| !is_part(byte))
        .unwrap_or(text.len());
    let rest = &text.as_bytes()[length..];
    let ends = match rest[blanks(rest)..] {
        [] | [b',' | b'}' | b']', ..] => true,
        _ => rest.starts_with(b":"),
    };
    (length > 0 && ends).then_some(length)
}

/// How long the quoted text is with which a line begins, its quotes included.
fn quoted_length(text: &str, quote: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            byte if *byte == quote => {
                if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') {
                    at += 2;
                    continue;
                }
                return Some(at + 1);
            }
            _ => at += 1,
        }
    }
}

fn single_quoted(written: &str) -> Cow<'_, str> {
    let inner = &written[1..written.len() - 1];
    if inner.contains('\'') {
        Cow::Owned(inner.replace("''", "'"))
    } else {
        Cow::Borrowed(inner)
    }
}

/// A text in double quotes with the escapes that JSON's printers use for ASCII.
fn double_quoted(written: &str) -> Known<Cow<'_, str>> {
    let inner = &written[1..written.len() - 1];
    let Some(first) = inner.find('\\') else {
        return Ok(Cow::Borrowed(inner));
    };
    let mut out = String::with_capacity(inner.len());
    let mut rest = &inner[first..];
    out.push_str(&inner[..first]);
    while let Some(after) = rest.strip_prefix('\\') {
        let mut chars = after.chars();
        out.push(match chars.next() {
            Some('"') => '"',
            Some('\\') => '\\',
            Some('/') => '/',
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('u') => {
                let code = after.get(1..5).ok_or(Unknown)?;
                if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(Unknown);
                }
                let code = u32::from_str_radix(code, 16).map_err(|_| Unknown)?;
                // Pairs of surrogates are the parser's.
                let found = char::from_u32(code).ok_or(Unknown)?;
                out.push(found);
                rest = &after[5..];
                let next = rest.find('\\').unwrap_or(rest.len());
                out.push_str(&rest[..next]);
                rest = &rest[next..];
                continue;
            }
            _ => return Err(Unknown),
        });
        rest = chars.as_str();
        let next = rest.find('\\').unwrap_or(rest.len());
        out.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    Ok(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::{Survey, parsed, plainly};
    use crate::yaml::split::pieces;

    /// Whether this reader knows all of a text; what it reads is held against the parser's tree,
    /// places and all.
    fn is_known(text: &str) -> bool {
        let mut all = true;
        for piece in pieces(text) {
            let survey = Survey::of(piece.text);
            let Some(own) = plainly(&piece, survey, &BTreeSet::new()) else {
                all = false;
                continue;
            };
            let own = own.map(|loaded| loaded.node);
            let theirs = parsed(&piece, survey, &mut BTreeSet::new()).map(|loaded| loaded.node);
            let (own, theirs) = (format!("{own:#?}"), format!("{theirs:#?}"));
            let differs = own.lines().zip(theirs.lines()).position(|(a, b)| a != b);
            assert!(own == theirs, "{text}\nline {differs:?}\n{own}\n{theirs}");
        }
        all
    }

    #[test]
    fn what_programs_print_is_known() {
        for text in [
            "a: b\nc:\n- d\n- e: f\n  g: 1\n- - h\n  - i\nj:\n  k: l\n  m:\n    n: o\n",
            "a:\nb: {}\nc: []\nd: \"x \\\" y\"\ne: 'it''s'\nf: -1\ng: --flag\n",
            "a: |\n  one\n    two\n\n  three\nb: |-\n  x\nc: d\n",
            "list:\n  - name: a\n    value: |\n      x\n      y\n  - name: b\nend: 1\n",
            "# head\na: b # tail\n\n# more\nc: {d: e, f: [1, 2], g: \"h\"}\n",
            "{\n  \"a\": [\n    {\n      \"b\": 1.5,\n      \"c\": null\n    }\n  ],\n  \"d\": {}\n}\n",
            "{\"a\":{\"b\":[true,\"\\u003cx\\u003e\"]}}",
            "k:{\"uid\":\"x\"}: {}\n.: {}\nf:a:\n  \"g\": 'h'\n",
            "name: straße\nnext: größe # ü\n",
            "a: 10.0.0.1:80\nb: 12:30\nc: x#y\nd: http://x/y?z=1\n",
        ] {
            assert!(is_known(text), "{text}");
        }
    }

    #[test]
    fn what_may_be_more_is_left_to_the_parser() {
        for text in [
            "a: &x b\n",
            "a: *x\n",
            "a: !!str 1\n",
            "a: b\n  c\n",
            "a:\n  b\n",
            "a: \"b\n  c\"\n",
            "\ta: b\n",
            "a: b: c\n",
            "a: >\n  b\n",
            "a: |2\n    b\n",
            "- \n- a\n",
            "{a, b: c}\n",
            "[a: b]\n",
            "a\n",
            "? a\n: b\n",
            "a: b\n c: d\n",
            "  a: b\nc: d\n",
        ] {
            assert!(!is_known(text), "{text}");
        }
    }

    #[test]
    fn the_labs_own_texts_are_read_as_the_parser_reads_them() {
        for example in crate::lab::EXAMPLES {
            is_known(example.text());
        }
    }

    proptest! {
        /// Pieces of YAML in any order.
        #[test]
        fn any_text_that_is_known_is_what_the_parser_says(parts in proptest::collection::vec(
            prop_oneof![
                Just("a: "), Just("b:"), Just("- "), Just("\n"), Just("\n  "), Just("\n    "),
                Just("\n- "), Just("\n  - "), Just("x"), Just("1"), Just("'q'"), Just("\"d\""),
                Just("{}"), Just("[]"), Just("{a: 1}"), Just("[x, y]"), Just("|"), Just("|-"),
                Just(" # c"), Just("# c"), Just(": "), Just("<<: "), Just("null"), Just("~"),
                Just("{\"k\":"), Just("}"), Just(", "), Just("]"), Just("["), Just("é"), Just("..."),
                Just("k: v"), Just("\nk: v"), Just("\n  k: v"), Just("-"), Just("\n\n"), Just("'"),
                Just("\\n"), Just("yes"), Just("0x1F"), Just("1e3"), Just("?"), Just(":"),
            ],
            0..24,
        )) {
            is_known(&parts.concat());
        }
    }
}
