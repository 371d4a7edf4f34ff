//! From the parser's events to the tree: anchors, merge keys, equal keys, limits.
//!
//! Source: go.yaml.in/yaml/v2 v2.4 `decode.go` (`unmarshal`, `alias`, `merge`, `mapping`) and
//! sigs.k8s.io/yaml v1.6 `yaml.go`. goyaml writes every alias out; here an alias shares what its
//! anchor refers to, and only the counts that goyaml's guard against "billion laughs" looks at are
//! kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as ParserSpan, Tag as ParserTag};

use super::error::{Error, Finder, in_libyaml_words};
use super::node::{Duplicate, Entry, Key, Map, Node, Number, Value};
use super::places::Places;
use super::scalar::{self, Scalar, Tag};
use super::split::Piece;
use super::yaml11::{self, Extents};
use crate::diagnostic::{Place, Span};
use crate::limits::{MAX_ALIASED_NODES, MAX_DEPTH};

/// What a piece holds.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// The document; `None` when there is none, or only `null`.
    pub node: Option<Node>,
    /// What stands after the document's end, which goyaml does not look at.
    pub ignored: Option<Span>,
}

/// Reads the document of a piece.
pub(super) fn document(piece: &Piece<'_>) -> Result<Loaded, Box<Error>> {
    if let Some(error) = control_character(piece) {
        return Err(Box::new(error));
    }
    let mut padded = BTreeSet::new();
    loop {
        let text = yaml11::source(piece.text, &padded);
        let mut loader = Loader::new(piece, &padded);
        let error = match loader.load(&text) {
            Ok(ignored) => return loader.loaded(ignored),
            Err(Refused::Final(error)) => return Err(error),
            Err(Refused::Syntax(error)) => error,
        };
        let more = yaml11::lines_to_pad(piece.text, &error);
        let is_new = more.iter().any(|line| !padded.contains(line));
        if !is_new || padded.len() >= yaml11::MOST_PADDED_LINES {
            return Err(Box::new(loader.refused(&error)));
        }
        padded.extend(more);
    }
}

/// Why an attempt to read came to nothing.
enum Refused {
    /// The parser's word.
    Syntax(ScanError),
    /// This module's.
    Final(Box<Error>),
}

impl From<Box<Error>> for Refused {
    fn from(error: Box<Error>) -> Self {
        Self::Final(error)
    }
}

/// The first character that YAML does not allow, as libyaml's reader says it.
fn control_character(piece: &Piece<'_>) -> Option<Error> {
    let is_bad = |c: char| {
        !matches!(c, '\t' | '\n' | '\r' | ' '..='\x7e' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
            || c == '\u{feff}'
    };
    let (at, c) = piece.text.char_indices().find(|&(_, c)| is_bad(c))?;
    let before = &piece.text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let start = Place {
        offset: piece.start.offset + at as u32,
        line: piece.start.line + before.matches('\n').count() as u32,
        column: before[line_start..].chars().count() as u32 + 1,
    };
    let end = Place {
        offset: start.offset + c.len_utf8() as u32,
        column: start.column + 1,
        ..start
    };
    Some(
        Error::decoding(
            "control characters are not allowed".into(),
            Span::new(start, end),
        )
        .with_hint(format!("there is a character U+{:04X} here", u32::from(c))),
    )
}

/// When kubectl would find a mistake that is none of syntax: earlier phases come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Decode,
    Convert,
    Print,
}

struct Loader<'t> {
    places: Places<'t>,
    piece_line: u32,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchor>,
    root: Option<Node>,
    /// goyaml's `decodeCount` and `aliasCount`.
    decoded: u64,
    aliased: u64,
    deferred: Option<(Phase, Box<Error>)>,
    extents: Option<Extents>,
}

/// What an anchor refers to, once it is complete.
#[derive(Clone)]
struct Anchor {
    node: Node,
    size: u64,
    height: usize,
}

/// A list or map whose end has not come yet.
struct Open {
    start: Place,
    anchor: usize,
    decoded_before: u64,
    /// Levels below it.
    height: usize,
    end: Place,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map(MapBuilder, Option<Pending>),
}

/// A key that waits for its value.
enum Pending {
    Key(Key),
    Merge,
    /// `null`, which is refused together with its value.
    Null(Span),
    /// It was refused; its value is read for its own mistakes only.
    Refused,
}

impl<'t> Loader<'t> {
    fn new(piece: &Piece<'t>, padded: &'t BTreeSet<u32>) -> Self {
        Self {
            places: Places::new(piece, padded),
            piece_line: piece.start.line,
            open: Vec::new(),
            anchors: BTreeMap::new(),
            root: None,
            // The document itself.
            decoded: 1,
            aliased: 0,
            deferred: None,
            extents: Extents::of(piece.text, piece.start.line),
        }
    }

    /// Reads the first document of the text. Returns what follows it.
    fn load(&mut self, text: &str) -> Result<Option<Span>, Refused> {
        let mut parser = Parser::new_from_str(text);
        while let Some(next) = parser.next_event() {
            match next.map_err(Refused::Syntax)? {
                (Event::StreamEnd, _) => break,
                (Event::DocumentEnd, span) => {
                    let rest = self.places.rest_from(span.end);
                    let is_content = |line: &str| {
                        !line.trim().is_empty() && !line.trim().starts_with(['#', '.'])
                    };
                    let has_content = self.places.slice(rest).lines().any(is_content);
                    return Ok(has_content.then_some(rest));
                }
                (event, span) => self.on_event(event, span)?,
            }
        }
        Ok(None)
    }

    fn loaded(self, ignored: Option<Span>) -> Result<Loaded, Box<Error>> {
        let end = ignored.map_or(u32::MAX, |rest| rest.start.line);
        if let Some(error) = self.bad_tab(end) {
            return Err(Box::new(error));
        }
        match self.deferred {
            Some((_, error)) => Err(error),
            None => Ok(Loaded {
                node: self.root.filter(|node| node.value != Value::Null),
                ignored,
            }),
        }
    }

    /// What libyaml says of a tab before this line.
    fn bad_tab(&self, until: u32) -> Option<Error> {
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

    fn on_event(&mut self, event: Event<'_>, span: ParserSpan) -> Result<(), Box<Error>> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.on_scalar(&text, style, anchor, tag.as_deref(), span)
            }
            Event::SequenceStart(anchor, _) => self.begin(span, anchor, OpenKind::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                self.begin(span, anchor, OpenKind::Map(MapBuilder::default(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.finish(span);
                Ok(())
            }
            Event::Alias(anchor) => self.on_alias(anchor, span),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn on_scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&ParserTag>,
        span: ParserSpan,
    ) -> Result<(), Box<Error>> {
        let is_empty = span.is_empty();
        let mut span = self.places.span(span);
        let mut is_key = false;
        if let Some(Open {
            kind: OpenKind::Map(_, pending),
            ..
        }) = self.open.last()
        {
            is_key = pending.is_none();
            if let (true, Some(Pending::Key(key))) = (is_empty, pending) {
                span = Span::new(key.span.end, key.span.end);
            }
        }
        if style == ScalarStyle::Plain {
            self.check_plain(text, is_key && is_empty, span)?;
        }
        self.extend_extents(style, span);
        let tag = scalar_tag(tag, style);
        if is_key && text == "<<" && tag == Tag::Plain {
            self.expect_value(Pending::Merge);
            return Ok(());
        }
        let before = self.decoded;
        self.count(0, span);
        let scalar = match scalar::resolve(text, tag) {
            Ok(scalar) => scalar,
            Err(problem) => {
                self.defer(Phase::Decode, Error::decoding(problem, span));
                Scalar::Null
            }
        };
        if is_key && anchor == 0 {
            self.on_key(scalar, span);
            return Ok(());
        }
        let value = match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Number(number) => Value::Number(number),
            Scalar::String(text) => Value::String(text.into()),
            Scalar::NotFinite(number) => {
                if !is_key {
                    let text = if number.is_nan() {
                        "NaN"
                    } else if number > 0.0 {
                        "+Inf"
                    } else {
                        "-Inf"
                    };
                    self.defer(
                        Phase::Print,
                        Error::at_line(format!("json: unsupported value: {text}"), span),
                    );
                }
                Value::Null
            }
        };
        let node = Node { value, span };
        self.register(anchor, &node, self.decoded - before, 0);
        self.complete(node, 0);
        Ok(())
    }

    /// Refuses two plain scalars that libyaml does not have: a key of which there is only the
    /// colon, and a text with a question mark in a flow collection.
    fn check_plain(&self, text: &str, is_empty_key: bool, span: Span) -> Result<(), Box<Error>> {
        let Some(open) = self.open.last() else {
            return Ok(());
        };
        let is_flow = self.is_flow(open);
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

    fn extend_extents(&mut self, style: ScalarStyle, span: Span) {
        if self.extents.is_none() {
            return;
        }
        let block = self.open.iter().rev().find(|open| !self.is_flow(open));
        let column = block.map_or(-1, |open| i64::from(open.start.column) - 1);
        let is_in_flow = self.open.last().is_some_and(|open| self.is_flow(open));
        let ends_line = self
            .places
            .from(span.end)
            .split('\n')
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

    fn on_alias(&mut self, id: usize, span: ParserSpan) -> Result<(), Box<Error>> {
        let span = self.places.span(span);
        self.count(0, span);
        let Some(anchor) = self.anchors.get(&id).cloned() else {
            let name = self.places.slice(span).trim_start_matches('*');
            self.defer(
                Phase::Decode,
                Error::decoding(format!("anchor '{name}' value contains itself"), span),
            );
            self.complete(
                Node {
                    value: Value::Null,
                    span,
                },
                0,
            );
            return Ok(());
        };
        self.count(anchor.size, span);
        if self.open.len() + anchor.height > MAX_DEPTH {
            return Err(too_deep(span));
        }
        self.complete(anchor.node, anchor.height);
        Ok(())
    }

    fn begin(&mut self, span: ParserSpan, anchor: usize, kind: OpenKind) -> Result<(), Box<Error>> {
        let start = self.places.place(span.start);
        let here = Span::new(start, start);
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(here));
        }
        let decoded_before = self.decoded;
        self.count(0, here);
        let end = self.places.place(span.end);
        self.open.push(Open {
            start,
            anchor,
            decoded_before,
            height: 0,
            end,
            kind,
        });
        Ok(())
    }

    fn finish(&mut self, span: ParserSpan) {
        let Some(open) = self.open.pop() else { return };
        // The end of a block is where the next thing begins; its own end is its last value's.
        let end = if span.is_empty() {
            open.end
        } else {
            self.places.place(span.end)
        };
        let is_outermost_flow = self.extents.is_some()
            && self.is_flow(&open)
            && !self.open.last().is_some_and(|open| self.is_flow(open));
        let node = Node {
            value: match open.kind {
                OpenKind::List(items) => Value::List(items.into()),
                OpenKind::Map(map, _) => Value::Map(Arc::new(map.map)),
            },
            span: Span::new(open.start, end.max(open.start)),
        };
        if let (true, Some(extents)) = (is_outermost_flow, &mut self.extents) {
            extents.add_closed(open.start.line, end.line);
        }
        let height = open.height + 1;
        self.register(
            open.anchor,
            &node,
            self.decoded - open.decoded_before,
            height,
        );
        self.complete(node, height);
    }

    fn register(&mut self, id: usize, node: &Node, size: u64, height: usize) {
        if id != 0 {
            let node = node.clone();
            self.anchors.insert(id, Anchor { node, size, height });
        }
    }

    /// Puts a complete value where it belongs.
    fn complete(&mut self, node: Node, height: usize) {
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        parent.height = parent.height.max(height);
        // An alias stands where its anchor stood, which is no end of this.
        if node.span.end > parent.end {
            parent.end = node.span.end;
        }
        match &mut parent.kind {
            OpenKind::List(items) => items.push(node),
            OpenKind::Map(map, pending) => match pending.take() {
                Some(Pending::Key(key)) => map.insert(key, node, false),
                Some(Pending::Merge) => {
                    if !map.merge(&node) {
                        let problem = "map merge requires map or sequence of maps as the value";
                        self.defer(Phase::Decode, Error::decoding(problem.into(), node.span));
                    }
                }
                Some(Pending::Null(span)) => {
                    let mut problem =
                        "unsupported map key of type: %!s(<nil>), key: <nil>, value: ".to_owned();
                    match node.value {
                        Value::Null => problem.push_str("<nil>"),
                        _ => go_syntax(&mut problem, &node),
                    }
                    self.defer(Phase::Convert, Error::at_line(problem, span));
                }
                Some(Pending::Refused) => {}
                None => self.on_key_node(&node),
            },
        }
    }

    /// A key that is a plain or quoted scalar without anchor.
    fn on_key(&mut self, scalar: Scalar<'_>, span: Span) {
        if let Some(open) = self.open.last_mut() {
            open.end = open.end.max(span.end);
        }
        match scalar::key_text(scalar) {
            Some(text) => self.expect_value(Pending::Key(Key { text, span })),
            None => self.expect_value(Pending::Null(span)),
        }
    }

    /// A key that is anything else.
    fn on_key_node(&mut self, node: &Node) {
        let text: Box<str> = match &node.value {
            Value::Null => return self.expect_value(Pending::Null(node.span)),
            Value::Bool(value) => value.to_string().into(),
            Value::Number(number) => scalar::key_text(Scalar::Number(*number)).unwrap_or_default(),
            Value::String(text) => text.clone(),
            Value::List(_) | Value::Map(_) => {
                let mut problem = "invalid map key: ".to_owned();
                go_syntax(&mut problem, node);
                let mut error = Error::decoding(problem, node.span);
                if self.places.slice(node.span).starts_with('{') {
                    error = error.with_hint(
                        "`{{ … }}` is a template's placeholder (Helm): render the template first, \
                         or put the value into quotes",
                    );
                }
                self.defer(Phase::Decode, error);
                self.expect_value(Pending::Refused);
                return;
            }
        };
        let span = node.span;
        self.expect_value(Pending::Key(Key { text, span }));
    }

    fn expect_value(&mut self, key: Pending) {
        if let Some(Open {
            kind: OpenKind::Map(_, pending),
            ..
        }) = self.open.last_mut()
        {
            *pending = Some(key);
        }
    }

    fn defer(&mut self, phase: Phase, error: Error) {
        if self
            .deferred
            .as_ref()
            .is_none_or(|(first, _)| phase < *first)
        {
            self.deferred = Some((phase, Box::new(error)));
        }
    }

    /// Counts one value, or the `aliased` ones that an alias stands for.
    fn count(&mut self, aliased: u64, span: Span) {
        if aliased == 0 {
            self.decoded = self.decoded.saturating_add(1);
        } else {
            self.decoded = self.decoded.saturating_add(aliased);
            self.aliased = self.aliased.saturating_add(aliased);
        }
        if self.aliased > 100 && self.decoded > 1000 && is_excessive(self.aliased, self.decoded) {
            let problem = "document contains excessive aliasing";
            self.defer(Phase::Decode, Error::decoding(problem.into(), span));
        } else if self.aliased > MAX_ALIASED_NODES as u64 {
            let problem = format!(
                "the document's aliases stand for more values than the limit of {MAX_ALIASED_NODES}"
            );
            self.defer(Phase::Decode, Error::limit(problem, span));
        }
    }

    /// The parser's refusal in kubectl's words.
    fn refused(&mut self, error: &ScanError) -> Error {
        let mark = *error.marker();
        let span = self.places.rest_of_line(mark);
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
                problem = match open_bracket(before) {
                    Some('{') => "did not find expected ',' or '}'",
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
                at = self.places.next_content_line(at);
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
    fn expected_next(&self) -> &'static str {
        let Some(open) = self.open.last() else {
            return "did not find expected key";
        };
        match (&open.kind, self.is_flow(open)) {
            (OpenKind::List(_), true) => "did not find expected ',' or ']'",
            (OpenKind::Map(..), true) => "did not find expected ',' or '}'",
            (OpenKind::List(_), false) => "did not find expected '-' indicator",
            (OpenKind::Map(..), false) => "did not find expected key",
        }
    }

    fn is_flow(&self, open: &Open) -> bool {
        self.places.from(open.start).starts_with(['{', '['])
    }

    /// A mistake that libyaml finds on this line, counted from 0 in the document.
    fn syntax_error(&self, finder: Finder, problem: &str, line: u32, span: Span) -> Error {
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

    fn unknown_anchor(&self, span: Span) -> Error {
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
}

fn too_deep(span: Span) -> Box<Error> {
    Box::new(Error::limit(
        format!("the document nests deeper than the limit of {MAX_DEPTH} levels"),
        span,
    ))
}

/// The last bracket that a part of a line opens and does not close.
fn open_bracket(text: &str) -> Option<char> {
    let mut open = Vec::new();
    let mut quote = None;
    let mut last = ' ';
    for c in text.chars() {
        match (quote, c) {
            (Some(q), _) if c == q && last != '\\' => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if !last.is_alphanumeric() => quote = Some(c),
            (None, '{' | '[') => open.push(c),
            (None, '}' | ']') => {
                open.pop();
            }
            (None, _) => {}
        }
        last = c;
    }
    open.pop()
}

/// goyaml's `allowedAliasRatio`: 99 % of all values up to 400,000 of them, falling to 10 % at
/// 4,000,000.
fn is_excessive(aliased: u64, decoded: u64) -> bool {
    const LOW: u64 = 400_000;
    const HIGH: u64 = 4_000_000;
    let (aliased, decoded) = (u128::from(aliased), u128::from(decoded));
    let range = u128::from(HIGH - LOW);
    let allowed_of_100_ranges = if decoded <= u128::from(LOW) {
        99 * range
    } else if decoded >= u128::from(HIGH) {
        10 * range
    } else {
        99 * range - 89 * (decoded - u128::from(LOW))
    };
    aliased * 100 * range > allowed_of_100_ranges * decoded
}

/// Which of goyaml's rules a scalar is under.
fn scalar_tag(tag: Option<&ParserTag>, style: ScalarStyle) -> Tag {
    match tag {
        None if style == ScalarStyle::Plain => Tag::Plain,
        None => Tag::Str,
        Some(tag) if tag.is_yaml_core_schema() => match tag.suffix.as_str() {
            "null" => Tag::Null,
            "bool" => Tag::Bool,
            "int" => Tag::Int,
            "float" => Tag::Float,
            "timestamp" => Tag::Timestamp,
            "binary" => Tag::Binary,
            "merge" => Tag::Plain,
            _ => Tag::Str,
        },
        Some(_) => Tag::Str,
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
    if line.contains(['\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}']) {
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

/// Go's `%#v` of what goyaml made of a list or map, shortened where it is very long.
fn go_syntax(out: &mut String, node: &Node) {
    const LONGEST: usize = 200;
    if out.len() > LONGEST {
        return;
    }
    match &node.value {
        Value::Null => out.push_str("interface {}(nil)"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(Number::Uint(number)) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "{number:#x}");
        }
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => {
            let _ = write!(out, "{text:?}");
        }
        Value::List(items) => {
            out.push_str("[]interface {}{");
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                go_syntax(out, item);
            }
            out.push('}');
        }
        Value::Map(map) => {
            out.push_str("map[interface {}]interface {}{");
            let mut entries: Vec<&Entry> = map.entries.iter().collect();
            entries.sort_by(|a, b| a.key.text.cmp(&b.key.text));
            for (at, entry) in entries.into_iter().enumerate() {
                let _ = write!(
                    out,
                    "{}{:?}:",
                    if at > 0 { ", " } else { "" },
                    entry.key.text
                );
                go_syntax(out, &entry.value);
            }
            out.push('}');
        }
    }
}

/// A map in the making.
#[derive(Default)]
struct MapBuilder {
    map: Map,
    /// Where each key stands in `map`, from [`MapBuilder::INDEXED_FROM`] keys on.
    index: BTreeMap<Box<str>, usize>,
}

impl MapBuilder {
    /// Below so many keys, looking at each is faster than an index.
    const INDEXED_FROM: usize = 16;

    fn insert(&mut self, key: Key, value: Node, merged: bool) {
        let entries = &mut self.map.entries;
        let known = if entries.len() < Self::INDEXED_FROM {
            entries.iter().position(|entry| entry.key.text == key.text)
        } else {
            if self.index.is_empty() {
                let keys = entries.iter().map(|entry| entry.key.text.clone());
                self.index = keys.zip(0..).collect();
            }
            self.index.get(&key.text).copied()
        };
        let entry = Entry { key, value, merged };
        match known {
            Some(at) => {
                if !merged && !entries[at].merged {
                    self.map.duplicates.push(Duplicate {
                        key: entry.key.text.clone(),
                        first: entries[at].key.span,
                        second: entry.key.span,
                    });
                }
                entries[at] = entry;
            }
            None => {
                if !self.index.is_empty() {
                    self.index.insert(entry.key.text.clone(), entries.len());
                }
                entries.push(entry);
            }
        }
    }

    /// Takes over the entries of a map, or of a list of maps, the first of which wins. Says
    /// whether that could be done.
    fn merge(&mut self, node: &Node) -> bool {
        match &node.value {
            Value::Map(map) => {
                for entry in &map.entries {
                    self.insert(entry.key.clone(), entry.value.clone(), true);
                }
                true
            }
            Value::List(items) if items.iter().all(|item| item.as_map().is_some()) => {
                items.iter().rev().all(|item| self.merge(item))
            }
            _ => false,
        }
    }
}
