//! What cannot be read, in libyaml's words and on libyaml's lines.
//!
//! goyaml says `yaml: line N: problem`. N is its own: a mistake that its scanner finds is on line N
//! (or has no line when it is on the first one); one that its parser finds is on line N + 1, because
//! the parser counts from 0 (go.yaml.in/yaml/v2 v2.4 `decode.go`, `parser.fail`). An [`Error`]
//! keeps both that line and the true place.

use std::fmt;

use crate::diagnostic::{Diagnostic, Span};

/// Why a document could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, as goyaml says it, without `yaml:` and line.
    pub problem: String,
    /// The line that kubectl would name, counted from 1 in the whole text; `None` when it names
    /// none.
    pub line: Option<u32>,
    /// The same, counted as kubectl does: in its document, whose first line is the one after `---`.
    pub line_in_document: Option<u32>,
    /// Where it is.
    pub span: Span,
    /// What to try.
    pub hint: Option<String>,
    /// Whether kubectl would say `yaml:` before it.
    pub(super) from_yaml: bool,
}

impl Error {
    /// A limit of this reader, which kubectl does not have.
    pub(super) fn limit(problem: String, span: Span) -> Self {
        Self {
            problem,
            line: None,
            line_in_document: None,
            span,
            hint: None,
            from_yaml: false,
        }
    }

    /// Something that kubectl refuses without `yaml:` and line.
    pub(super) fn at_line(problem: String, span: Span) -> Self {
        Self::limit(problem, span)
    }

    /// Something that goyaml refuses after it has read the syntax: it names no line.
    pub(super) fn decoding(problem: String, span: Span) -> Self {
        Self {
            from_yaml: true,
            ..Self::limit(problem, span)
        }
    }

    /// The same, with something to try.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The text that kubectl prints for this document alone, from `yaml:` on.
    #[must_use]
    pub fn in_document(&self) -> String {
        self.text(self.line_in_document)
    }

    fn text(&self, line: Option<u32>) -> String {
        match (self.from_yaml, line) {
            (false, _) => self.problem.clone(),
            (true, None) => format!("yaml: {}", self.problem),
            (true, Some(line)) => format!("yaml: line {line}: {}", self.problem),
        }
    }
}

/// With the line in the whole text.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(self.line))
    }
}

impl std::error::Error for Error {}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let mut diagnostic = Diagnostic::error(error.to_string(), error.span);
        diagnostic.hint = error.hint;
        diagnostic
    }
}

/// Which part of libyaml finds it: they count lines differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finder {
    Scanner,
    Parser,
}

/// What libyaml says where saphyr-parser says `info`.
///
/// saphyr-parser follows YAML 1.2 and refuses a little more than libyaml does; for what libyaml
/// would take, the words are those of the nearest thing that it refuses.
pub(super) fn in_libyaml_words(info: &str) -> (Finder, &'static str) {
    use Finder::{Parser, Scanner};
    const NO_TOKEN: &str = "found character that cannot start any token";
    const NO_KEY: &str = "did not find expected key";
    const NO_COLON: &str = "could not find expected ':'";
    const NO_NODE: &str = "did not find expected node content";
    /// Pairs of the beginning of saphyr-parser's text, and libyaml's.
    const TABLE: &[(&str, Finder, &str)] = &[
        (
            "mapping values are not allowed",
            Scanner,
            "mapping values are not allowed in this context",
        ),
        (
            "mapping keys are not allowed",
            Scanner,
            "mapping keys are not allowed in this context",
        ),
        (
            "block sequence entries are not allowed",
            Scanner,
            "block sequence entries are not allowed in this context",
        ),
        ("while parsing a block mapping", Parser, NO_KEY),
        (
            "while parsing a block collection",
            Parser,
            "did not find expected '-' indicator",
        ),
        (
            "while parsing a flow mapping",
            Parser,
            "did not find expected ',' or '}'",
        ),
        (
            "while parsing a flow sequence",
            Parser,
            "did not find expected ',' or ']'",
        ),
        ("while parsing a node", Parser, NO_NODE),
        ("misplaced bracket", Parser, NO_NODE),
        ("\"-\" is only valid inside a block", Parser, NO_NODE),
        ("simple key expect", Scanner, NO_COLON),
        ("comment intercepting", Scanner, NO_COLON),
        ("unexpected character", Scanner, NO_TOKEN),
        ("tabs disallowed", Scanner, NO_TOKEN),
        ("tab cannot be used as indentation", Scanner, NO_TOKEN),
        (
            "while scanning a plain scalar, found a tab",
            Scanner,
            "found a tab character that violates indentation",
        ),
        (
            "invalid trailing content after double-quoted",
            Parser,
            NO_KEY,
        ),
        (
            "while scanning a quoted scalar, found unexpected document",
            Scanner,
            "found unexpected document indicator",
        ),
        (
            "while scanning a quoted scalar, found unexpected end",
            Scanner,
            "found unexpected end of stream",
        ),
        (
            "invalid indentation in quoted scalar",
            Scanner,
            "found unexpected end of stream",
        ),
        (
            "while parsing a quoted scalar, found unknown escape",
            Scanner,
            "found unknown escape character",
        ),
        (
            "while parsing a quoted scalar, did not find expected hex",
            Scanner,
            "did not find expected hexdecimal number",
        ),
        (
            "while parsing a quoted scalar, found invalid Unicode",
            Scanner,
            "found invalid Unicode character escape code",
        ),
        (
            "while scanning an anchor or alias",
            Scanner,
            "did not find expected alphabetic or numeric character",
        ),
        (
            "while scanning a block scalar, found an indentation",
            Scanner,
            "found an indentation indicator equal to 0",
        ),
        (
            "while scanning a block scalar, did not find",
            Scanner,
            "did not find expected comment or line break",
        ),
        (
            "a block scalar content cannot start with a tab",
            Scanner,
            "found a tab character where an indentation space is expected",
        ),
        ("wrongly indented line in block scalar", Parser, NO_KEY),
        (
            "while scanning a directive, could not find",
            Scanner,
            "could not find expected directive name",
        ),
        (
            "while scanning a directive, found unexpected",
            Scanner,
            "found unexpected non-alphabetical character",
        ),
        (
            "while scanning a directive, did not find",
            Scanner,
            "did not find expected comment or line break",
        ),
        (
            "while scanning a YAML directive, did not find expected version",
            Scanner,
            "did not find expected version number",
        ),
        (
            "while scanning a YAML directive, did not find expected digit",
            Scanner,
            "did not find expected digit or '.' character",
        ),
        (
            "while scanning a YAML directive, found extremely",
            Scanner,
            "found extremely long version number",
        ),
        (
            "while scanning TAG",
            Scanner,
            "did not find expected whitespace or line break",
        ),
        (
            "while scanning a tag",
            Scanner,
            "did not find expected whitespace or line break",
        ),
        (
            "while scanning a verbatim tag",
            Scanner,
            "did not find the expected '>'",
        ),
        (
            "while parsing a tag directive",
            Scanner,
            "did not find expected '!'",
        ),
        (
            "while parsing a tag",
            Scanner,
            "did not find expected tag URI",
        ),
        (
            "the handle wasn't declared",
            Parser,
            "found undefined tag handle",
        ),
        (
            "duplicate version directive",
            Parser,
            "found duplicate %YAML directive",
        ),
        (
            "the TAG directive must only be given",
            Parser,
            "found duplicate %TAG directive",
        ),
        (
            "did not find expected <document",
            Parser,
            "did not find expected <document start>",
        ),
        (
            "missing explicit document end marker",
            Parser,
            "did not find expected <document start>",
        ),
        (
            "did not find expected <stream",
            Parser,
            "did not find expected <stream-start>",
        ),
        (
            "recursion limit exceeded",
            Scanner,
            "exceeded max depth of 10000",
        ),
        (
            "':' must be followed",
            Scanner,
            "mapping values are not allowed in this context",
        ),
        (
            "illegal placement of ':'",
            Parser,
            "did not find expected ',' or ']'",
        ),
        (
            "':' may not precede",
            Parser,
            "did not find expected ',' or '}'",
        ),
        ("plain scalar cannot start with '-'", Parser, NO_NODE),
        ("invalid indentation", Parser, NO_KEY),
    ];
    TABLE
        .iter()
        .find(|(beginning, ..)| info.starts_with(beginning))
        .map_or((Parser, NO_KEY), |&(_, finder, text)| (finder, text))
}
