//! YAML as kubectl reads it: text to a tree in which every key and every value has its place.
//!
//! kubectl does four things with a text, and so does this module, in the same order:
//!
//! 1. it cuts the text at lines that begin with `---`, before any YAML is looked at
//!    (k8s.io/apimachinery `pkg/util/yaml/decoder.go`, `YAMLReader`): module `split`;
//! 2. it parses the first YAML document of every piece with goyaml, Go's port of libyaml
//!    (go.yaml.in/yaml/v2 v2.4): syntax from the crate `saphyr-parser`, whose refusals are put into
//!    libyaml's words and lines by module `error`;
//! 3. goyaml gives the scalars their types, by rules of its own between YAML 1.1 and 1.2 (`yes` is
//!    true, `012` is ten, `1:20` is a text): module `scalar`;
//! 4. sigs.k8s.io/yaml turns the result into JSON: keys become texts, what JSON has no word for is
//!    refused, the last of two equal keys wins: module `load`.
//!
//! Left out: a stream of JSON objects with nothing between them, which kubectl's JSON decoder would
//! take; the JSON decoder's own words for a mistake in a JSON document (YAML's are given); YAML 1.1's
//! line breaks other than LF and CR.

mod decode;
mod error;
mod load;
mod node;
mod places;
mod scalar;
mod ser;
mod split;
mod yaml11;

pub use decode::{Decode, Error as DecodeError, Fields, fill, from_node, is_camel_case_of};
pub use error::Error;
pub use node::{Duplicate, Entry, Key, Map, Node, Number, Value};
pub use ser::{Error as EncodeError, to_node};

pub(crate) use decode::decode_fields;
pub(crate) use scalar::reads_as_text;
pub(crate) use split::lines;

use crate::diagnostic::{Diagnostic, Span};
use crate::limits::MAX_TEXT_BYTES;

/// What a text holds.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// The documents that could be read, in order. One that is empty or only a comment is left
    /// out, as by kubectl; any other value (a list, a word) is there.
    pub documents: Vec<Node>,
    /// What could not be read: at most one error a document. kubectl stops at the first.
    pub errors: Vec<Error>,
    /// What was read in a way that its author may not expect.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a text of any number of documents. Never panics, and takes time linear in the text.
///
/// An error in one document does not keep the others from being read.
#[must_use]
pub fn read(text: &str) -> Stream {
    let mut stream = Stream::default();
    if text.len() > MAX_TEXT_BYTES {
        stream.errors.push(Error::limit(
            format!(
                "the text has {} bytes, and the limit is {MAX_TEXT_BYTES} bytes",
                text.len()
            ),
            Span::default(),
        ));
        return stream;
    }
    for piece in split::pieces(text) {
        if let Some(separator) = piece.bad_separator {
            stream.errors.push(Error::at_line(
                format!("invalid Yaml document separator: {}", separator.text),
                separator.span,
            ));
        }
        let mut ignored = piece.ignored;
        match load::document(&piece) {
            Ok(loaded) => {
                stream.documents.extend(loaded.node);
                ignored = loaded.ignored.or(ignored);
            }
            Err(error) => stream.errors.push(*error),
        }
        if let Some(span) = ignored {
            stream.warnings.push(
                Diagnostic::warning(
                    "kubectl reads one document between two `---` lines: what follows from here \
                     on is ignored",
                    span,
                )
                .with_hint(
                    "put `---` on a line of its own before the next document, and begin every \
                     field of one document at the same column",
                ),
            );
        }
    }
    stream
}

#[cfg(test)]
mod tests;
