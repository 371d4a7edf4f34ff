//! From a lesson's text to its types: strict, with the place of every mistake.
//!
//! Every mistake is said, not only the first: an unknown field (and which one was probably meant),
//! a field given twice, a missing one, a value of the wrong type, a word that is none of those
//! possible. The tree is read by [`crate::yaml`], so quotes, anchors and block texts are as in a
//! manifest.

use crate::diagnostic::{Diagnostic, Span};
use crate::manifest::nearest;
use crate::yaml::{Map, Node, Number, Value};

/// Something that a tree's value can be put into.
pub(super) trait Read {
    /// Takes the value; what is wrong with it goes to the reader, and the rest is taken.
    fn read(&mut self, node: &Node, reader: &mut Reader);
}

/// Where the reading is, and what was wrong so far.
#[derive(Default)]
pub(super) struct Reader {
    path: String,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Reader {
    /// An error at a value.
    pub(super) fn error(&mut self, span: Span, message: impl Into<String>) {
        self.push(Diagnostic::error(message, span));
    }

    fn push(&mut self, diagnostic: Diagnostic) {
        let diagnostic = if self.path.is_empty() {
            diagnostic
        } else {
            diagnostic.with_field(self.path.clone())
        };
        self.diagnostics.push(diagnostic);
    }

    /// The map, when this is one; an error otherwise.
    pub(super) fn as_map<'a>(&mut self, node: &'a Node) -> Option<&'a Map> {
        let map = node.as_map();
        if map.is_none() {
            self.error(
                node.span,
                format!("a map is wanted here, not {}", said(node)),
            );
        }
        map
    }

    /// Reads the fields of a map. `known` are their names; of these, those that begin with `!` must
    /// be there.
    pub(super) fn fields(
        &mut self,
        node: &Node,
        known: &[&str],
        read: &mut dyn FnMut(&str, &Node, &mut Self),
    ) {
        let Some(map) = self.as_map(node) else {
            return;
        };
        let length = self.path.len();
        for duplicate in &map.duplicates {
            self.error(
                duplicate.second,
                format!("the field {:?} is given twice", duplicate.key),
            );
        }
        for entry in &map.entries {
            let name = &*entry.key.text;
            if !known.iter().any(|known| plain(known) == name) {
                let mut diagnostic =
                    Diagnostic::error(format!("unknown field {name:?}"), entry.key.span);
                diagnostic.hint = Some(match nearest(name, known.iter().map(|name| plain(name))) {
                    Some(meant) => format!("did you mean {meant}?"),
                    None => {
                        let names: Vec<&str> = known.iter().map(|name| plain(name)).collect();
                        format!("the fields here are: {}", names.join(", "))
                    }
                });
                self.push(diagnostic);
                continue;
            }
            if !self.path.is_empty() {
                self.path.push('.');
            }
            self.path.push_str(name);
            read(name, &entry.value, self);
            self.path.truncate(length);
        }
        for name in known.iter().filter_map(|name| name.strip_prefix('!')) {
            let is_there = map
                .entry(name)
                .is_some_and(|entry| entry.value.value != Value::Null);
            if !is_there {
                self.error(node.span, format!("the field {name:?} is missing"));
            }
        }
    }

    /// Reads the elements of a list.
    pub(super) fn items(&mut self, node: &Node, read: &mut dyn FnMut(&Node, &mut Self)) {
        if node.value == Value::Null {
            return;
        }
        let Some(items) = node.as_list() else {
            self.error(
                node.span,
                format!("a list is wanted here, not {}", said(node)),
            );
            return;
        };
        let length = self.path.len();
        for (index, item) in items.iter().enumerate() {
            self.path.push_str(&format!("[{index}]"));
            read(item, self);
            self.path.truncate(length);
        }
    }

    /// One of some words, by its index. Letter case does not count.
    pub(super) fn word(&mut self, node: &Node, words: &[&str]) -> Option<usize> {
        let mut text = String::new();
        text.read(node, self);
        node.as_str()?;
        let found = words
            .iter()
            .position(|word| word.eq_ignore_ascii_case(&text));
        if found.is_none() {
            let mut diagnostic = Diagnostic::error(
                format!("{text:?} is none of: {}", words.join(", ")),
                node.span,
            );
            diagnostic.hint =
                nearest(&text, words.iter().copied()).map(|meant| format!("did you mean {meant}?"));
            self.push(diagnostic);
        }
        found
    }
}

fn plain(name: &str) -> &str {
    name.strip_prefix('!').unwrap_or(name)
}

fn said(node: &Node) -> &'static str {
    match node.value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    }
}

impl Read for String {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        match &node.value {
            Value::Null => {}
            Value::String(text) => text.as_ref().clone_into(self),
            Value::Number(_) | Value::Bool(_) => reader.push(
                Diagnostic::error(
                    format!("a text is wanted here, not {}", said(node)),
                    node.span,
                )
                .with_hint("with quotes it is a text"),
            ),
            _ => reader.error(
                node.span,
                format!("a text is wanted here, not {}", said(node)),
            ),
        }
    }
}

impl Read for bool {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        match node.value {
            Value::Null => {}
            Value::Bool(value) => *self = value,
            _ => reader.error(
                node.span,
                format!("true or false is wanted here, not {}", said(node)),
            ),
        }
    }
}

impl Read for u32 {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        let number = match node.value {
            Value::Null => return,
            Value::Number(Number::Int(number)) => u32::try_from(number).ok(),
            _ => None,
        };
        match number {
            Some(number) => *self = number,
            None => reader.error(node.span, "a whole number from 0 is wanted here"),
        }
    }
}

impl Read for Span {
    /// The value's place.
    fn read(&mut self, node: &Node, _: &mut Reader) {
        *self = node.span;
    }
}

impl<T: Read + Default> Read for Option<T> {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        if node.value != Value::Null {
            self.get_or_insert_default().read(node, reader);
        }
    }
}

impl<T: Read + Default> Read for Vec<T> {
    fn read(&mut self, node: &Node, reader: &mut Reader) {
        reader.items(node, &mut |item, reader| {
            let mut value = T::default();
            value.read(item, reader);
            self.push(value);
        });
    }
}

/// Lists the fields of types: the name in the text (with `!` where it must be there), and the
/// field.
macro_rules! lesson_fields {
    ($($type:ident { $($name:literal => $field:ident),* $(,)? })*) => {
        $(
            impl Read for $type {
                fn read(&mut self, node: &Node, reader: &mut Reader) {
                    reader.fields(node, &[$($name),*], &mut |name, value, reader| match name {
                        $(name if name == $name.trim_start_matches('!') => {
                            self.$field.read(value, reader);
                        })*
                        _ => {}
                    });
                    self.finish(node, reader);
                }
            }
        )*
    };
}
pub(super) use lesson_fields;
