//! Fields that do not exist and values of the wrong type, in the API server's words.
//!
//! Source: k8s.io/apimachinery `pkg/runtime/serializer/json/json.go` (strict decoding, which kubectl
//! has asked the server for since v1.27) and sigs.k8s.io/json. The server stops at the first wrong
//! type and says nothing of unknown fields then; here everything is said at once, each at its place.
//! It says unknown fields in one message, in the order of the alphabet; here each is a message.
//!
//! Two equal keys are a warning: kubectl takes the last one without a word, because it makes JSON of
//! the YAML before the server sees it. The words are those that the server has for JSON with two
//! equal keys.

use std::fmt::Write as _;

use super::formats::{check_quantity, check_time};
use super::nearest::nearest;
use super::schema::{Field, SCHEMA, Struct, Type};
use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::{Key, Map, Node, Value};

/// Checks the tree of an object of a kind. Returns whether the API server could decode it.
pub(super) fn check(
    text: &str,
    tree: &Node,
    kind: &str,
    object: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> bool {
    let Some(root) = SCHEMA.by_name(kind) else {
        return true;
    };
    let mut checker = Checker {
        text,
        root,
        object,
        path: Vec::new(),
        diagnostics,
        is_decodable: true,
    };
    checker.value(tree, &Type::Struct(root), SCHEMA.get(root));
    checker.is_decodable
}

/// Reports equal keys in a tree that has no types.
pub(super) fn check_duplicates(
    text: &str,
    tree: &Node,
    object: &str,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut checker = Checker {
        text,
        root: 0,
        object,
        path: Vec::new(),
        diagnostics,
        is_decodable: true,
    };
    checker.opaque(tree);
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

struct Checker<'a, 'd> {
    text: &'a str,
    /// The struct of the object itself.
    root: usize,
    object: &'a str,
    path: Vec<Step<'a>>,
    diagnostics: &'d mut Vec<Diagnostic>,
    is_decodable: bool,
}

impl<'a> Checker<'a, '_> {
    /// Checks a value; `owner` is the innermost struct that it is in.
    fn value(&mut self, node: &'a Node, ty: &Type, owner: &Struct) {
        match (ty, &node.value) {
            (_, Value::Null)
            | (Type::String(_), Value::String(_))
            | (Type::Bool, Value::Bool(_)) => {}
            (Type::Any, _) => self.opaque(node),
            (Type::Int32 | Type::IntOrString, Value::Number(number))
                if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) => {}
            (Type::Int64, Value::Number(number)) if number.as_i64().is_some() => {}
            (Type::IntOrString, Value::String(_)) => {}
            (Type::Quantity, _) => self.quantity(node),
            (Type::Time, Value::String(time)) => {
                if let Err(message) = check_time(time) {
                    self.refuse(message, node.span, None);
                }
            }
            (Type::List(element), Value::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.path.push(Step::Index(index));
                    self.value(item, element, owner);
                    self.path.pop();
                }
            }
            (Type::Map { value, .. }, Value::Map(map)) => {
                self.duplicates(map, false);
                for entry in &map.entries {
                    self.path.push(Step::Key(&entry.key.text));
                    self.changed_key(&entry.key);
                    self.value(&entry.value, value, owner);
                    self.path.pop();
                }
            }
            (Type::Struct(index), Value::Map(map)) => {
                let here = SCHEMA.get(*index);
                if here.is_opaque {
                    self.opaque(node);
                } else {
                    self.fields(map, here);
                }
            }
            _ => self.mismatch(node, ty, owner),
        }
    }

    fn fields(&mut self, map: &'a Map, here: &Struct) {
        self.duplicates(map, true);
        for entry in &map.entries {
            let name = &*entry.key.text;
            self.path.push(Step::Field(name));
            match here.field(name) {
                None => self.unknown(&entry.key, &entry.value, here),
                Some(field) => {
                    if let Some(release) = field.since {
                        self.newer(&entry.key, release);
                    }
                    self.value(&entry.value, &field.ty, here);
                }
            }
            self.path.pop();
        }
    }

    /// A key that YAML takes for something else than a text: it is accepted, under another name.
    fn changed_key(&mut self, key: &Key) {
        let Some(written) = self.written_otherwise(key) else {
            return;
        };
        let diagnostic = Diagnostic::warning(
            format!(
                "the key `{written}` is no text in YAML: it becomes \"{}\"",
                key.text
            ),
            key.span,
        )
        .with_field(self.field_path())
        .with_object(self.object)
        .with_hint(format!("with quotes it stays what it is: \"{written}\""));
        self.diagnostics.push(diagnostic);
    }

    /// What stands in the text for a key, when that is a plain scalar of another text: `on` for
    /// `true`.
    fn written_otherwise(&self, key: &Key) -> Option<&'a str> {
        let written = self.written(key.span);
        let is_plain =
            written.starts_with(|c: char| c.is_ascii_alphanumeric() || "+-.".contains(c));
        let is_one_word = !written.contains(char::is_whitespace);
        (is_plain && is_one_word && written != &*key.text).then_some(written)
    }

    /// The text of a span.
    fn written(&self, span: Span) -> &'a str {
        let range = span.start.offset as usize..span.end.offset as usize;
        self.text.get(range).unwrap_or("")
    }

    fn unknown(&mut self, key: &Key, value: &'a Node, here: &Struct) {
        let mut diagnostic = Diagnostic::error(
            format!(
                "strict decoding error: unknown field \"{}\"",
                self.strict_path()
            ),
            key.span,
        )
        .with_field(self.field_path())
        .with_object(self.object);
        diagnostic.hint = self.hint_for_unknown(key, value, here);
        self.diagnostics.push(diagnostic);
        self.opaque(value);
    }

    fn hint_for_unknown(&self, key: &Key, value: &Node, here: &Struct) -> Option<String> {
        let name = &*key.text;
        if let Some(written) = self.written_otherwise(key) {
            return Some(format!(
                "`{written}` is no text in YAML: it becomes \"{name}\""
            ));
        }
        if name.contains('\u{a0}') {
            return Some("this name has a no-break space (U+00A0) in it, as web pages have".into());
        }
        if here.name == "LabelSelector" && value.as_map().is_none() && value.as_list().is_none() {
            return Some(format!(
                "labels stand under `matchLabels`: `matchLabels: {{{name}: …}}`"
            ));
        }
        // A slip of upper and lower case is one whatever other fields there are.
        let same = here
            .fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name));
        if let Some(field) = same {
            return Some(format!("did you mean `{}`?", field.name));
        }
        if let Some(home) = self.home_of(name) {
            return Some(format!(
                "`{name}` is a field of {home}: check the indentation of this line"
            ));
        }
        nearest(name, here.fields.iter().map(|field| field.name))
            .map(|near| format!("did you mean `{near}`?"))
    }

    /// The struct of this kind of object that has a field of this name, nearest to the object.
    fn home_of(&self, name: &str) -> Option<String> {
        /// A struct that can be reached, from which other one, and by which field.
        struct Reached {
            index: usize,
            from: usize,
            by: Option<&'static Field>,
        }
        let mut reached = vec![Reached {
            index: self.root,
            from: 0,
            by: None,
        }];
        let mut at = 0;
        while at < reached.len() {
            let here = SCHEMA.get(reached[at].index);
            if here.field(name).is_some_and(|field| field.since.is_none()) {
                let mut path = Vec::new();
                while let Some(field) = reached[at].by {
                    let list = matches!(field.ty, Type::List(_));
                    path.push(format!("{}{}", field.name, if list { "[]" } else { "" }));
                    at = reached[at].from;
                }
                path.reverse();
                return Some(match &path[..] {
                    [] => "the object itself".to_owned(),
                    path => format!("`{}`", path.join(".")),
                });
            }
            for field in &here.fields {
                let is_the_server_s =
                    matches!(field.name, "status" | "managedFields" | "ownerReferences");
                let next = field.ty.innermost_struct().filter(|_| !is_the_server_s);
                if let Some(index) = next
                    && reached.iter().all(|known| known.index != index)
                {
                    reached.push(Reached {
                        index,
                        from: at,
                        by: Some(field),
                    });
                }
            }
            at += 1;
        }
        None
    }

    /// A field that a later release brought: worth a word where a person wrote it, not in what a
    /// server reports.
    fn newer(&mut self, key: &Key, release: &str) {
        let is_report = matches!(self.path.first(), Some(Step::Field("status")));
        // Endpoints are written by a controller, and hints for Nodes are modelled.
        if is_report || &*key.text == "forNodes" {
            return;
        }
        let diagnostic = Diagnostic::warning(
            format!(
                "strict decoding error: unknown field \"{}\"",
                self.strict_path()
            ),
            key.span,
        )
        .with_field(self.field_path())
        .with_object(self.object)
        .with_hint(format!(
            "Kubernetes {release} brought this field; {}, which is modelled, does not know it",
            crate::KUBERNETES_VERSION
        ));
        self.diagnostics.push(diagnostic);
    }

    fn quantity(&mut self, node: &Node) {
        let text = match &node.value {
            Value::String(text) => text.to_string(),
            Value::Number(number) => number.to_string(),
            // Its decoder looks at the JSON text.
            _ => node.json_type().to_owned(),
        };
        if let Err(message) = check_quantity(&text) {
            self.refuse(message.to_owned(), node.span, None);
        }
    }

    fn mismatch(&mut self, node: &'a Node, ty: &Type, owner: &Struct) {
        let found = match (&node.value, ty) {
            (Value::Number(number), Type::Int32 | Type::Int64 | Type::IntOrString) => {
                format!("number {number}")
            }
            _ => node.json_type().to_owned(),
        };
        let message = format!(
            "json: cannot unmarshal {found} into Go struct field {}.{} of type {}",
            owner.name,
            self.go_path(),
            ty.go()
        );
        let hint = self.hint_for_mismatch(node, ty);
        self.refuse(message, node.span, hint);
        self.opaque(node);
    }

    fn hint_for_mismatch(&self, node: &Node, ty: &Type) -> Option<String> {
        let written = self.written(node.span);
        Some(match (&node.value, ty) {
            (Value::Bool(value), Type::String(_)) => format!(
                "`{written}` is the boolean {value} in YAML; with quotes it is a text: \"{written}\""
            ),
            (Value::Number(_), Type::String(_)) => {
                format!("with quotes it is a text: \"{written}\"")
            }
            (Value::String(text), Type::Int32 | Type::Int64) if text.parse::<i64>().is_ok() => {
                format!("a number has no quotes: {text}")
            }
            (Value::String(text), Type::Bool) if matches!(&**text, "true" | "false") => {
                format!("a boolean has no quotes: {text}")
            }
            (Value::Map(_), Type::List(_)) => "this is a list: its elements begin with `- `".into(),
            (Value::List(_), Type::Map { .. } | Type::Struct(_)) => {
                "this is no list: its fields have no `- `".into()
            }
            (Value::String(text), Type::Map { .. } | Type::Struct(_)) if text.contains(':') => {
                "a blank belongs after the colon".into()
            }
            _ => return None,
        })
    }

    fn refuse(&mut self, message: String, span: Span, hint: Option<String>) {
        self.is_decodable = false;
        let mut diagnostic = Diagnostic::error(message, span)
            .with_field(self.field_path())
            .with_object(self.object);
        diagnostic.hint = hint;
        self.diagnostics.push(diagnostic);
    }

    /// A tree without types: only equal keys can be wrong in there.
    fn opaque(&mut self, node: &'a Node) {
        match &node.value {
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.path.push(Step::Index(index));
                    self.opaque(item);
                    self.path.pop();
                }
            }
            Value::Map(map) => {
                self.duplicates(map, false);
                for entry in &map.entries {
                    self.path.push(Step::Key(&entry.key.text));
                    self.opaque(&entry.value);
                    self.path.pop();
                }
            }
            _ => {}
        }
    }

    fn duplicates(&mut self, map: &'a Map, are_fields: bool) {
        for duplicate in &map.duplicates {
            let step = if are_fields { Step::Field } else { Step::Key };
            self.path.push(step(&duplicate.key));
            let diagnostic = Diagnostic::warning(
                format!(
                    "strict decoding error: duplicate field \"{}\"",
                    self.strict_path()
                ),
                duplicate.second,
            )
            .with_field(self.field_path())
            .with_object(self.object)
            .with_hint(format!(
                "line {} has `{}` already; the last one counts",
                duplicate.first.start.line, duplicate.key
            ));
            self.diagnostics.push(diagnostic);
            self.path.pop();
        }
    }

    /// `spec.selector[app]`
    fn field_path(&self) -> String {
        self.path_with(|out, step| match step {
            Step::Field(name) => dotted(out, name),
            Step::Index(index) => push_index(out, index),
            Step::Key(key) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "[{key}]");
            }
        })
    }

    /// `spec.selector.app`, as strict errors have it.
    fn strict_path(&self) -> String {
        self.path_with(|out, step| match step {
            Step::Field(name) | Step::Key(name) => dotted(out, name),
            Step::Index(index) => push_index(out, index),
        })
    }

    /// `spec.ports.port`, as Go's type errors have it.
    fn go_path(&self) -> String {
        self.path_with(|out, step| {
            if let Step::Field(name) = step {
                dotted(out, name);
            }
        })
    }

    fn path_with(&self, add: impl Fn(&mut String, Step<'a>)) -> String {
        let mut out = String::new();
        for step in &self.path {
            add(&mut out, *step);
        }
        out
    }
}

fn dotted(out: &mut String, name: &str) {
    if !out.is_empty() {
        out.push('.');
    }
    out.push_str(name);
}

fn push_index(out: &mut String, index: usize) {
    // Writing to a String cannot fail.
    let _ = write!(out, "[{index}]");
}
