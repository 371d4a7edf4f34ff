//! Manifests: YAML text to objects, with the place of every field.
//!
//! Models what `kubectl apply -f` and the API server do with a text before defaulting and
//! validation: cut it into documents ([`crate::yaml`]), unfold lists, find the kind, decode strictly.
//! Mistakes are told in kubectl's and the server's own words, each with its place, and a hint in
//! ours. An object with unknown fields is decoded all the same, so that the rest of the page can go
//! on; one with a value of the wrong type is not, because the server could not decode it either.
//!
//! Sources: k8s.io/cli-runtime `pkg/resource` (`visitor.go`, `mapper.go`), k8s.io/apimachinery
//! `pkg/apis/meta/v1/unstructured` and `pkg/runtime/serializer/json`.
//!
//! Left out: patches, JSON documents with nothing between them, kinds that [`crate::api`] does not
//! have (a note says so).

mod check;
mod formats;
mod kinds;
mod nearest;
mod place;
mod repair;
mod schema;
#[cfg(test)]
mod tests;

pub(crate) use nearest::{distance, nearest};
pub use place::FieldPlace;
pub(crate) use place::value_at;
pub use repair::{Repair, repair, repair_indentation};
pub(crate) use schema::{Field, SCHEMA, Struct, Type};

use std::rc::Rc;

use crate::api::{FieldPath, Kind, Object};
use crate::diagnostic::{Diagnostic, Place, Span};
use crate::limits::{MAX_OBJECTS, MAX_TEXT_BYTES};
use crate::yaml::{self, Node, Value};

/// What a text says.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The objects, in the order of the text; the items of a list are objects of their own.
    pub documents: Vec<Document>,
    /// The trees of kinds that are not modelled, in the order of the text.
    pub others: Vec<Node>,
    /// What is to be said about the text, in its order.
    pub diagnostics: Vec<Diagnostic>,
    /// When the text has errors because its indentation was lost, or because a page's text stands
    /// around its manifests: what it probably was. An offer, of which nothing else here makes use.
    pub repaired: Option<Repair>,
}

impl Reading {
    /// Whether the API server would refuse anything in the text.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// An object and the text that it was read from.
#[derive(Clone, Debug)]
pub struct Document {
    /// The object, as written: nothing is defaulted but the namespace, which is `default` where a
    /// namespaced object names none. A clone shares it.
    pub object: Rc<Object>,
    /// What it was read from. A clone shares the tree.
    pub tree: Node,
    /// The object's part of the text.
    pub span: Span,
}

impl Document {
    /// Where a field of the object stands, or the nearest field around it that is written; at the
    /// least the object itself. `None` when the text of the path is not that of a path.
    ///
    /// Looked up in the tree at every call: nothing is kept for fields that nobody asks about.
    #[must_use]
    pub fn place(&self, path: &FieldPath) -> Option<FieldPlace> {
        place::find(&self.tree, path)
    }
}

/// Reads a text. Never panics; the time is linear in the text.
#[must_use]
pub fn read(text: &str) -> Reading {
    let mut reading = read_as_it_is(text);
    if !reading.has_errors() || text.len() > MAX_TEXT_BYTES {
        return reading;
    }
    reading.repaired = repair(text);
    if let Some(repair) = &reading.repaired {
        let lost = repair.lost.iter().map(|&span| {
            let message = "the indentation of this manifest was lost: from here on every line \
                           begins at the same column";
            Diagnostic::error(message, first_line(text, span))
                .with_hint("it can be rebuilt from the names of the fields")
        });
        let left_out = repair.left_out.iter().map(|&span| {
            let hint = "the repaired text is without these lines";
            Diagnostic::note("this is no part of a manifest", span).with_hint(hint)
        });
        let told: Vec<_> = lost.chain(left_out).collect();
        // First, because it explains the others.
        reading.diagnostics.splice(0..0, told);
        sort(&mut reading.diagnostics);
    }
    reading
}

/// Why the API server cannot make its own type of a tree, in its words: the first value of a wrong
/// type, or all unknown fields. `None` for a tree that it can, and for a kind that is not modelled.
pub(crate) fn refusal(kind: &str, tree: &Node) -> Option<String> {
    const UNKNOWN: &str = "strict decoding error: ";
    let mut diagnostics = Vec::new();
    let is_decodable = check::check("", tree, kind, "", &mut diagnostics);
    let mut messages = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .map(|diagnostic| diagnostic.message.as_str());
    if !is_decodable {
        return messages
            .find(|message| !message.starts_with(UNKNOWN))
            .map(str::to_owned);
    }
    let mut unknown: Vec<&str> = messages
        .filter_map(|message| message.strip_prefix(UNKNOWN))
        .collect();
    unknown.sort_unstable();
    (!unknown.is_empty()).then(|| format!("{UNKNOWN}{}", unknown.join(", ")))
}

/// The part of a span that is in its first line.
fn first_line(text: &str, span: Span) -> Span {
    let rest = text.get(span.start.offset as usize..).unwrap_or("");
    let line = rest.lines().next().unwrap_or("").trim_end();
    let end = Place {
        offset: span.start.offset + line.len() as u32,
        line: span.start.line,
        column: span.start.column + line.chars().count() as u32,
    };
    Span::new(span.start, end)
}

fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(|span| span.start));
}

/// Reads a text, and looks for no repair.
fn read_as_it_is(text: &str) -> Reading {
    let stream = yaml::read(text);
    let mut reader = Reader {
        text,
        reading: Reading::default(),
        is_full: false,
    };
    let errors = stream.errors.into_iter().map(Diagnostic::from);
    reader.reading.diagnostics = errors.chain(stream.warnings).collect();
    for document in &stream.documents {
        reader.document(document, None);
    }
    let mut reading = reader.reading;
    sort(&mut reading.diagnostics);
    reading
}

/// Kind and version that a list gives to items which do not say theirs.
#[derive(Clone, Copy)]
struct Inherited<'a> {
    kind: &'a str,
    api_version: &'a str,
}

struct Reader<'a> {
    text: &'a str,
    reading: Reading,
    is_full: bool,
}

impl Reader<'_> {
    fn document(&mut self, tree: &Node, inherited: Option<Inherited<'_>>) {
        let Some(map) = tree.as_map() else {
            let message = format!(
                "json: cannot unmarshal {} into Go value of type unstructured.detector",
                tree.json_type()
            );
            self.say(
                Diagnostic::error(message, tree.span)
                    .with_hint("a manifest begins with `apiVersion:` and `kind:`"),
            );
            return;
        };
        let (kind, kind_span) = match self.header(tree, "kind", inherited.map(|from| from.kind)) {
            Ok(header) => header,
            Err(diagnostic) => return self.say(*diagnostic),
        };
        let api_version = inherited.map(|from| from.api_version);
        let (api_version, version_span) = match self.header(tree, "apiVersion", api_version) {
            Ok(header) => header,
            Err(diagnostic) => return self.say(*diagnostic),
        };
        if let (Some(items), true) = (map.entry("items"), kind.ends_with("List")) {
            let inherited = Inherited {
                kind: kind.strip_suffix("List").unwrap_or(kind),
                api_version,
            };
            return self.list(
                &items.value,
                Some(inherited).filter(|from| !from.kind.is_empty()),
            );
        }
        let found = kinds::find(kind, api_version, kind_span, version_span);
        let name = label(tree, kind, found.as_ref().ok().copied());
        if self.is_full {
            return;
        }
        match found {
            Ok(kind) => self.object(tree, kind, &name),
            Err(diagnostic) => {
                check::check_duplicates(self.text, tree, &name, &mut self.reading.diagnostics);
                if !diagnostic.is_error() {
                    self.reading.others.push(tree.clone());
                }
                self.say(diagnostic.with_object(name));
            }
        }
    }

    /// `kind` or `apiVersion` and its place; an error when it is not said.
    fn header<'n>(
        &self,
        tree: &'n Node,
        field: &str,
        inherited: Option<&'n str>,
    ) -> Result<(&'n str, Span), Box<Diagnostic>> {
        let beginning = tree.as_map().and_then(|map| map.entries.first());
        let beginning = beginning.map_or(tree.span, |entry| entry.key.span);
        let value = tree.get(field);
        match value.map(|node| (&node.value, node.span)) {
            Some((Value::String(text), span)) if !text.is_empty() => return Ok((text, span)),
            Some((Value::String(_) | Value::Null, _)) | None => {}
            Some((_, span)) => {
                let found = value.map_or("null", Node::json_type);
                return Err(Box::new(Diagnostic::error(
                    format!(
                        "couldn't get version/kind; json parse error: json: cannot unmarshal \
                         {found} into Go struct field .{field} of type string"
                    ),
                    span,
                )));
            }
        }
        if let Some(inherited) = inherited {
            return Ok((inherited, beginning));
        }
        Err(Box::new(if field == "kind" {
            /// Longer JSON is cut in the middle of the message.
            const LONGEST: usize = 160;
            let mut json = tree.to_string();
            if json.chars().count() > LONGEST {
                json = json.chars().take(LONGEST).chain(['…']).collect();
            }
            Diagnostic::error(format!("Object 'Kind' is missing in '{json}'"), beginning)
                .with_hint("a manifest says what it is about: `kind: Service`, for instance")
        } else {
            let diagnostic = Diagnostic::error(
                "error validating data: apiVersion not set",
                tree.get("kind").map_or(beginning, |kind| kind.span),
            );
            let kind = tree.get("kind").and_then(Node::as_str).unwrap_or("");
            match Kind::ALL.into_iter().find(|known| known.as_str() == kind) {
                Some(known) => diagnostic.with_hint(format!(
                    "{kind} is in `apiVersion: {}`",
                    known.api_version()
                )),
                None => diagnostic,
            }
        }))
    }

    fn list(&mut self, items: &Node, inherited: Option<Inherited<'_>>) {
        match &items.value {
            Value::List(items) => {
                for item in items.iter() {
                    self.document(item, inherited);
                }
            }
            Value::Null => {}
            _ => self.say(Diagnostic::error(
                format!(
                    "json: cannot unmarshal {} into Go struct field .items of type \
                     []json.RawMessage",
                    items.json_type()
                ),
                items.span,
            )),
        }
    }

    fn object(&mut self, tree: &Node, kind: Kind, name: &str) {
        if self.reading.documents.len() >= MAX_OBJECTS {
            self.is_full = true;
            self.say(Diagnostic::error(
                format!(
                    "there are more objects than the limit of {MAX_OBJECTS}; the rest is left out"
                ),
                tree.span,
            ));
            return;
        }
        let diagnostics = &mut self.reading.diagnostics;
        if !check::check(self.text, tree, kind.as_str(), name, diagnostics) {
            return;
        }
        match decode(tree, kind) {
            Ok(mut object) => {
                let metadata = object.metadata_mut();
                if kind.is_namespaced() && metadata.namespace.is_empty() {
                    "default".clone_into(&mut metadata.namespace);
                }
                self.reading.documents.push(Document {
                    object: Rc::new(object),
                    tree: tree.clone(),
                    span: tree.span,
                });
            }
            Err(error) => {
                let span = error.span.unwrap_or(tree.span);
                self.say(Diagnostic::error(error.message, span).with_object(name));
            }
        }
    }

    fn say(&mut self, diagnostic: Diagnostic) {
        self.reading.diagnostics.push(diagnostic);
    }
}

/// Decodes the tree of an object of a kind, and looks at nothing else of it.
///
/// # Errors
///
/// A value of another type than the kind's field has.
pub fn decode(tree: &Node, kind: Kind) -> Result<Object, yaml::DecodeError> {
    Ok(match kind {
        Kind::Namespace => Object::Namespace(yaml::from_node(tree)?),
        Kind::Node => Object::Node(yaml::from_node(tree)?),
        Kind::Pod => Object::Pod(yaml::from_node(tree)?),
        Kind::Service => Object::Service(yaml::from_node(tree)?),
        Kind::Endpoints => Object::Endpoints(yaml::from_node(tree)?),
        Kind::ConfigMap => Object::ConfigMap(yaml::from_node(tree)?),
        Kind::Secret => Object::Secret(yaml::from_node(tree)?),
        Kind::ServiceAccount => Object::ServiceAccount(yaml::from_node(tree)?),
        Kind::Deployment => Object::Deployment(yaml::from_node(tree)?),
        Kind::ReplicaSet => Object::ReplicaSet(yaml::from_node(tree)?),
        Kind::StatefulSet => Object::StatefulSet(yaml::from_node(tree)?),
        Kind::DaemonSet => Object::DaemonSet(yaml::from_node(tree)?),
        Kind::EndpointSlice => Object::EndpointSlice(yaml::from_node(tree)?),
    })
}

/// `Service default/web`: how diagnostics name an object.
fn label(tree: &Node, kind: &str, modelled: Option<Kind>) -> String {
    let metadata = tree.get("metadata");
    let text = |field| {
        metadata
            .and_then(|metadata| metadata.get(field))
            .and_then(Node::as_str)
            .unwrap_or("")
    };
    let namespace = match (text("namespace"), modelled) {
        ("", Some(kind)) if kind.is_namespaced() => "default",
        (namespace, _) => namespace,
    };
    let slash = if namespace.is_empty() { "" } else { "/" };
    format!("{kind} {namespace}{slash}{}", text("name"))
}
