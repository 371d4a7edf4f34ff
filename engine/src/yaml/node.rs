//! The tree: values with their places.

use std::fmt;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::diagnostic::Span;

/// A value and where it stands.
///
/// Two nodes are equal when their values are, wherever they stand. Lists and maps are shared, so a
/// clone is cheap, and an alias costs no more than the anchor it refers to.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// From its first character to just past its last one. Empty, at the place where it would
    /// stand, for a value that was left out.
    pub span: Span,
}

/// What JSON can say.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true`, and with goyaml `yes`, `on`, `y`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(Box<str>),
    /// A list.
    List(Arc<[Node]>),
    /// A map.
    Map(Arc<Map>),
}

/// A number as goyaml reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Fits 64 bits with a sign.
    Int(i64),
    /// Fits 64 bits only without a sign.
    Uint(u64),
    /// Anything else that is finite.
    Float(f64),
}

/// A map: keys in the order in which they first stand in the text, each once.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Keys that stood here more than once; the last one is in `entries`.
    pub duplicates: Vec<Duplicate>,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
    /// Whether it came by a merge key, `<<`.
    pub merged: bool,
}

/// A key: always a text, as in JSON.
#[derive(Clone, Debug)]
pub struct Key {
    /// The text after goyaml and JSON: `on` and `yes` are `true`.
    pub text: Box<str>,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// A key that stood twice in one map.
#[derive(Clone, Debug)]
pub struct Duplicate {
    /// The key's text.
    pub key: Box<str>,
    /// The earlier place, whose value was lost.
    pub first: Span,
    /// The later place.
    pub second: Span,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// Equal when they hold the same keys with equal values, in any order.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |map: &Self| {
            let mut order: Vec<usize> = (0..map.entries.len()).collect();
            order.sort_by(|&a, &b| map.entries[a].key.text.cmp(&map.entries[b].key.text));
            order
        };
        self.entries.len() == other.entries.len()
            && sorted(self).into_iter().zip(sorted(other)).all(|(a, b)| {
                let (a, b) = (&self.entries[a], &other.entries[b]);
                a.key.text == b.key.text && a.value == b.value
            })
    }
}

impl Map {
    /// The entry with this key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| &*entry.key.text == key)
    }
}

impl Node {
    /// The value of a key, when this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        Some(&self.as_map()?.entry(key)?.value)
    }

    /// The map, when this is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The elements, when this is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text, when this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// What Go's JSON decoder calls such a value.
    #[must_use]
    pub fn json_type(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::List(_) => "array",
            Value::Map(_) => "object",
        }
    }
}

/// As Go's `encoding/json` prints it: a float with no fraction has no point, and only very large
/// and very small ones have an exponent.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Uint(number) => number.fmt(f),
            Self::Float(number) => {
                let size = number.abs();
                if size != 0.0 && !(1e-6..1e21).contains(&size) {
                    let text = format!("{number:e}");
                    // Go writes the sign of the exponent always.
                    match text.split_once('e') {
                        Some((digits, power)) if !power.starts_with('-') => {
                            write!(f, "{digits}e+{power}")
                        }
                        _ => f.write_str(&text),
                    }
                } else {
                    number.fmt(f)
                }
            }
        }
    }
}

/// As JSON, keys sorted as Go sorts them: what kubectl puts into its messages.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => value.fmt(f),
            Value::Number(number) => number.fmt(f),
            Value::String(text) => json_string(f, text),
            Value::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        f.write_str(",")?;
                    }
                    item.fmt(f)?;
                }
                f.write_str("]")
            }
            Value::Map(map) => {
                let mut entries: Vec<&Entry> = map.entries.iter().collect();
                entries.sort_by(|a, b| a.key.text.cmp(&b.key.text));
                f.write_str("{")?;
                for (at, entry) in entries.into_iter().enumerate() {
                    if at > 0 {
                        f.write_str(",")?;
                    }
                    json_string(f, &entry.key.text)?;
                    f.write_str(":")?;
                    entry.value.fmt(f)?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Escapes as Go's `encoding/json` does, HTML's characters too.
fn json_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    use fmt::Write as _;
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\x1f' => {
                write!(f, "\\u{:04x}", u32::from(c))?;
            }
            _ => f.write_char(c)?,
        }
    }
    f.write_str("\"")
}

/// A float with no fraction is an integer, as in Go's JSON.
impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.as_i64(), *self) {
            (Some(number), _) | (None, Self::Int(number)) => serializer.serialize_i64(number),
            (None, Self::Uint(number)) => serializer.serialize_u64(number),
            (None, Self::Float(number)) => serializer.serialize_f64(number),
        }
    }
}

/// The value alone, without places.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => number.serialize(serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items.iter() {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Value::Map(map) => {
                let mut out = serializer.serialize_map(Some(map.entries.len()))?;
                for entry in &map.entries {
                    out.serialize_entry(&*entry.key.text, &entry.value)?;
                }
                out.end()
            }
        }
    }
}
