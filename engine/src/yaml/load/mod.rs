//! From the parser's events to the tree: anchors, merge keys, equal keys, limits.
//!
//! Source: go.yaml.in/yaml/v2 v2.4 `decode.go` (`unmarshal`, `alias`, `merge`, `mapping`) and
//! sigs.k8s.io/yaml v1.6 `yaml.go`. goyaml writes every alias out; here an alias shares what its
//! anchor refers to, and only the counts that goyaml's guard against "billion laughs" looks at are
//! kept.

mod go;
mod map;
mod quick;
mod refuse;
mod survey;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as ParserSpan, Tag as ParserTag};

use self::map::MapBuilder;
use self::survey::Survey;
use super::error::Error;
use super::node::{Entry, Key, Node, Value};
use super::places::Places;
use super::scalar::{self, Scalar, Tag};
use super::split::{Piece, lines};
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
    let survey = Survey::of(piece.text);
    if let Some((at, c)) = survey.forbidden {
        return Err(Box::new(refuse::control_character(piece, at, c)));
    }
    let mut padded = BTreeSet::new();
    if let Some(loaded) = plainly(piece, survey, &padded) {
        return loaded;
    }
    parsed(piece, survey, &mut padded)
}

/// What a text says that is as plain as programs print it; `None` for any other.
fn plainly(
    piece: &Piece<'_>,
    survey: Survey,
    padded: &BTreeSet<u32>,
) -> Option<Result<Loaded, Box<Error>>> {
    if survey.has_tab || survey.has_return {
        return None;
    }
    let mut loader = Loader::new(piece, survey, padded);
    quick::read(&mut loader, piece, survey.is_ascii).then(|| loader.loaded(None))
}

/// What a text says to the parser.
fn parsed(
    piece: &Piece<'_>,
    survey: Survey,
    padded: &mut BTreeSet<u32>,
) -> Result<Loaded, Box<Error>> {
    let mut attempts = 0;
    loop {
        let text = yaml11::source(piece.text, padded);
        let mut loader = Loader::new(piece, survey, padded);
        let error = match loader.load(&text) {
            Ok(ignored) => return loader.loaded(ignored),
            Err(Refused::Final(error)) => return Err(error),
            Err(Refused::Syntax(error)) => error,
        };
        attempts += 1;
        let flow = loader.open.iter().find(|open| open.is_flow);
        let flow = flow.map(|open| (open.start.offset - piece.start.offset) as usize);
        let more = yaml11::lines_to_pad(piece.text, &error, flow);
        let is_new = more.iter().any(|line| !padded.contains(line));
        if !is_new || attempts >= yaml11::MOST_ATTEMPTS {
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
    /// The entries of all maps that are open, and the elements of all lists.
    entries: Vec<Entry>,
    items: Vec<Node>,
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
    /// Whether it began with a bracket.
    is_flow: bool,
    kind: OpenKind,
}

enum OpenKind {
    /// Where its elements begin in [`Loader::items`].
    List(usize),
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
    fn new(piece: &Piece<'t>, survey: Survey, padded: &'t BTreeSet<u32>) -> Self {
        Self {
            places: Places::new(piece, survey.is_ascii, padded),
            piece_line: piece.start.line,
            open: Vec::new(),
            entries: Vec::new(),
            items: Vec::new(),
            anchors: BTreeMap::new(),
            root: None,
            // The document itself.
            decoded: 1,
            aliased: 0,
            deferred: None,
            extents: (survey.has_tab)
                .then(|| Extents::of(piece.text, piece.start.line))
                .flatten(),
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
                    let has_content = lines(self.places.slice(rest)).any(is_content);
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

    fn on_event(&mut self, event: Event<'_>, span: ParserSpan) -> Result<(), Box<Error>> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_empty = span.is_empty();
                let mut span = self.places.span(span);
                if is_empty {
                    span.end = span.start;
                }
                self.on_scalar(&text, style, anchor, tag.as_deref(), span)
            }
            Event::SequenceStart(anchor, _) => {
                let span = self.places.span(span);
                self.begin(span, anchor, true)
            }
            Event::MappingStart(anchor, _) => {
                let span = self.places.span(span);
                self.begin(span, anchor, false)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let bracket = (!span.is_empty()).then(|| self.places.place(span.end));
                self.finish(bracket);
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
        mut span: Span,
    ) -> Result<(), Box<Error>> {
        let is_empty = span.start == span.end;
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

    /// A list or a map begins; the span is that of its bracket, or of nothing.
    fn begin(&mut self, span: Span, anchor: usize, is_list: bool) -> Result<(), Box<Error>> {
        let start = span.start;
        let here = Span::new(start, start);
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(here));
        }
        let decoded_before = self.decoded;
        self.count(0, here);
        let is_flow = matches!(
            self.places.from(start).as_bytes().first(),
            Some(b'{' | b'[')
        );
        self.open.push(Open {
            start,
            anchor,
            decoded_before,
            height: 0,
            end: span.end,
            is_flow,
            kind: if is_list {
                OpenKind::List(self.items.len())
            } else {
                OpenKind::Map(MapBuilder::behind(&self.entries), None)
            },
        });
        Ok(())
    }

    /// The innermost list or map ends; the place is that behind its bracket.
    fn finish(&mut self, bracket: Option<Place>) {
        let Some(open) = self.open.pop() else { return };
        // The end of a block is where the next thing begins; its own end is its last value's.
        let end = bracket.unwrap_or(open.end);
        let is_outermost_flow =
            open.is_flow && !self.open.last().is_some_and(|around| around.is_flow);
        let node = Node {
            value: match open.kind {
                OpenKind::List(first) => Value::List(self.items.drain(first..).collect()),
                OpenKind::Map(map, _) => Value::Map(Arc::new(map.finish(&mut self.entries))),
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
            OpenKind::List(_) => self.items.push(node),
            OpenKind::Map(map, pending) => match pending.take() {
                Some(Pending::Key(key)) => map.insert(&mut self.entries, key, node, false),
                Some(Pending::Merge) => {
                    if !map.merge(&mut self.entries, &node) {
                        let problem = "map merge requires map or sequence of maps as the value";
                        self.defer(Phase::Decode, Error::decoding(problem.into(), node.span));
                    }
                }
                Some(Pending::Null(span)) => {
                    let mut problem =
                        "unsupported map key of type: %!s(<nil>), key: <nil>, value: ".to_owned();
                    match node.value {
                        Value::Null => problem.push_str("<nil>"),
                        _ => go::go_syntax(&mut problem, &node),
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
                go::go_syntax(&mut problem, node);
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
}

fn too_deep(span: Span) -> Box<Error> {
    Box::new(Error::limit(
        format!("the document nests deeper than the limit of {MAX_DEPTH} levels"),
        span,
    ))
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
