//! The tree in which kubectl and its API hold an object: JSON, with the keys of a map sorted.
//!
//! An object keeps every field that its author wrote, also those that the engine's narrow types do
//! not know. Go sorts the keys of a map whenever it prints one, so the order in a text is not kept.

use std::fmt;

use crate::diagnostic::Span;
use crate::yaml;
pub use crate::yaml::Number;

/// A value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`, and what is not there.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(String),
    /// A list.
    List(Vec<Value>),
    /// A map.
    Map(Map),
}

/// A map, sorted by key, each key once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map(Vec<(String, Value)>);

static NULL: Value = Value::Null;

impl Map {
    /// The entries in the order of their keys, compared as bytes.
    #[must_use]
    pub fn entries(&self) -> &[(String, Value)] {
        &self.0
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.place(key).ok().map(|at| &self.0[at].1)
    }

    /// The value of a key, to be changed; `null` is put there when it is missing.
    pub fn entry(&mut self, key: &str) -> &mut Value {
        let at = match self.place(key) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (key.to_owned(), Value::Null));
                at
            }
        };
        &mut self.0[at].1
    }

    /// Puts a value there.
    pub fn insert(&mut self, key: &str, value: Value) {
        *self.entry(key) = value;
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.place(key).ok().map(|at| self.0.remove(at).1)
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the entries for which this holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(other, _)| other.as_str().cmp(key))
    }
}

impl Value {
    /// An empty map.
    #[must_use]
    pub fn map() -> Self {
        Self::Map(Map::default())
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// A whole number.
    #[must_use]
    pub fn int(number: i64) -> Self {
        Self::Number(Number::Int(number))
    }

    /// The map, when this is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The text, when this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, when this is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// Whether this is `null`, or not there.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value of a key; `null` when there is none.
    #[must_use]
    pub fn get(&self, key: &str) -> &Value {
        self.as_map().and_then(|map| map.get(key)).unwrap_or(&NULL)
    }

    /// The value at a path of keys, `spec.clusterIP`; `null` when there is none.
    #[must_use]
    pub fn at(&self, path: &str) -> &Value {
        path.split('.').fold(self, |value, key| value.get(key))
    }

    /// The text at a path, empty when there is none.
    #[must_use]
    pub fn str_at(&self, path: &str) -> &str {
        self.at(path).as_str().unwrap_or_default()
    }

    /// The number at a path, zero when there is none.
    #[must_use]
    pub fn int_at(&self, path: &str) -> i64 {
        self.at(path).as_int().unwrap_or_default()
    }

    /// Whether there is `true` at a path.
    #[must_use]
    pub fn bool_at(&self, path: &str) -> bool {
        matches!(self.at(path), Value::Bool(true))
    }

    /// The list at a path, empty when there is none.
    #[must_use]
    pub fn list_at(&self, path: &str) -> &[Value] {
        match self.at(path) {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of the map at a path, empty when there is none.
    #[must_use]
    pub fn entries_at(&self, path: &str) -> &[(String, Value)] {
        self.at(path).as_map().map_or(&[], Map::entries)
    }

    /// This as a map, to be changed. Anything else becomes an empty map.
    pub fn to_map(&mut self) -> &mut Map {
        if !matches!(self, Self::Map(_)) {
            *self = Self::map();
        }
        match self {
            Self::Map(map) => map,
            // Just above it was made one.
            _ => unreachable!("a value that is a map"),
        }
    }

    /// The value at a path, to be changed; what is missing on the way is made.
    pub fn make(&mut self, path: &str) -> &mut Value {
        path.split('.')
            .fold(self, |value, key| value.to_map().entry(key))
    }

    /// Puts a value at a path.
    pub fn set(&mut self, path: &str, value: Value) {
        *self.make(path) = value;
    }

    /// Puts a text at a path unless there is one that is not empty.
    pub fn default_str(&mut self, path: &str, text: &str) {
        if self.str_at(path).is_empty() && matches!(self.at(path), Value::Null | Value::String(_)) {
            self.set(path, Value::text(text));
        }
    }

    /// Puts a number at a path unless something is there.
    pub fn default_int(&mut self, path: &str, number: i64) {
        if self.at(path).is_null() {
            self.set(path, Value::int(number));
        }
    }

    /// The value at a path, to be changed, when there is one.
    pub fn at_mut(&mut self, path: &str) -> Option<&mut Value> {
        let mut value = self;
        for key in path.split('.') {
            let Self::Map(map) = value else { return None };
            let at = map.place(key).ok()?;
            value = &mut map.0[at].1;
        }
        Some(value)
    }

    /// The value of a key, to be changed, when there is one. A key may hold dots.
    pub fn at_key_mut(&mut self, key: &str) -> Option<&mut Value> {
        let Self::Map(map) = self else { return None };
        let at = map.place(key).ok()?;
        Some(&mut map.0[at].1)
    }

    /// Takes out the value at a path.
    pub fn remove(&mut self, path: &str) -> Option<Value> {
        let (parent, key) = match path.rsplit_once('.') {
            Some((parent, key)) => (self.at_mut(parent)?, key),
            None => (self, path),
        };
        match parent {
            Self::Map(map) => map.remove(key),
            _ => None,
        }
    }

    /// The elements of the list at a path, to be changed.
    pub fn items_mut(&mut self, path: &str) -> &mut [Value] {
        match self.at_mut(path) {
            Some(Value::List(items)) => items,
            _ => &mut [],
        }
    }

    /// What Go's JSON decoder calls such a value.
    #[must_use]
    pub fn json_type(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "array",
            Self::Map(_) => "object",
        }
    }

    /// The name of the object.
    #[must_use]
    pub fn name(&self) -> &str {
        self.str_at("metadata.name")
    }

    /// The namespace of the object.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.str_at("metadata.namespace")
    }

    /// As a tree of the YAML reader, all of it at no place.
    #[must_use]
    pub fn to_node(&self) -> yaml::Node {
        let value = match self {
            Self::Null => yaml::Value::Null,
            Self::Bool(value) => yaml::Value::Bool(*value),
            Self::Number(number) => yaml::Value::Number(*number),
            Self::String(text) => yaml::Value::String(text.as_str().into()),
            Self::List(items) => yaml::Value::List(items.iter().map(Self::to_node).collect()),
            Self::Map(map) => {
                let entries = map.0.iter().map(|(key, value)| yaml::Entry {
                    key: yaml::Key {
                        text: key.as_str().into(),
                        span: Span::default(),
                    },
                    value: value.to_node(),
                    merged: false,
                });
                yaml::Value::Map(
                    yaml::Map {
                        entries: entries.collect(),
                        duplicates: Vec::new(),
                    }
                    .into(),
                )
            }
        };
        yaml::Node {
            value,
            span: Span::default(),
        }
    }
}

impl From<&yaml::Node> for Value {
    fn from(node: &yaml::Node) -> Self {
        match &node.value {
            yaml::Value::Null => Self::Null,
            yaml::Value::Bool(value) => Self::Bool(*value),
            yaml::Value::Number(number) => Self::Number(*number),
            yaml::Value::String(text) => Self::String(text.to_string()),
            yaml::Value::List(items) => Self::List(items.iter().map(Self::from).collect()),
            yaml::Value::Map(map) => {
                let mut out = Map::default();
                for entry in &map.entries {
                    out.insert(&entry.key.text, Self::from(&entry.value));
                }
                Self::Map(out)
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

/// As JSON without spaces.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        json(&mut out, self, None, 0, false);
        f.write_str(&out)
    }
}

/// As JSON with four spaces for each step, as `-o json` prints it. With `typed`, the fields stand
/// in the order of Go's types and not of their names: so kubectl prints what it made itself.
#[must_use]
pub fn pretty_json(value: &Value, typed: bool) -> String {
    let mut out = String::new();
    json(&mut out, value, Some("    "), 0, typed);
    out.push('\n');
    out
}

/// The fields of the types that kubectl makes itself, in the order of k8s.io/api v0.34: one order
/// that holds for all of these types.
const TYPED_ORDER: &str = "kind apiVersion metadata op name generateName namespace uid resourceVersion generation \
     creationTimestamp deletionTimestamp labels annotations ownerReferences finalizers spec \
     image command args workingDir replicas hostPort containerPort protocol appProtocol port \
     targetPort nodePort ports selector matchLabels matchExpressions template clusterIP \
     clusterIPs type maxUnavailable maxSurge externalIPs sessionAffinity loadBalancerIP \
     loadBalancerSourceRanges externalName externalTrafficPolicy healthCheckNodePort \
     publishNotReadyAddresses sessionAffinityConfig ipFamilies ipFamilyPolicy \
     allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy env containers \
     resources terminationMessagePath terminationMessagePolicy imagePullPolicy restartPolicy \
     terminationGracePeriodSeconds dnsPolicy nodeName securityContext stdin stdinOnce tty \
     schedulerName enableServiceLinks strategy minReadySeconds revisionHistoryLimit \
     progressDeadlineSeconds conditions status";

fn typed_rank(key: &str) -> usize {
    // What is in no type is a key of a map: those are sorted, and stand before the status.
    let fields = || TYPED_ORDER.split(' ');
    fields()
        .position(|field| field == key)
        .unwrap_or_else(|| fields().count() - 2)
}

fn json(out: &mut String, value: &Value, indent: Option<&str>, depth: usize, typed: bool) {
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = indent {
            out.push('\n');
            for _ in 0..depth {
                out.push_str(indent);
            }
        }
    };
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => json_string(out, text),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                json(out, item, indent, depth + 1, typed);
            }
            if !items.is_empty() {
                line(out, depth);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            let mut entries: Vec<&(String, Value)> = map.0.iter().collect();
            if typed {
                entries.sort_by_cached_key(|(key, _)| typed_rank(key));
            }
            for (at, (key, item)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                json_string(out, key);
                out.push(':');
                if indent.is_some() {
                    out.push(' ');
                }
                // Labels and the like are maps: their keys are sorted.
                let is_map = matches!(
                    key.as_str(),
                    "labels" | "annotations" | "selector" | "matchLabels"
                ) && item.get("matchLabels").is_null();
                json(out, item, indent, depth + 1, typed && !is_map);
            }
            if !map.is_empty() {
                line(out, depth);
            }
            out.push('}');
        }
    }
}

/// Escapes as Go's `encoding/json`, HTML's characters too.
fn json_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\x1f' => {
                out.push_str("\\u");
                let code = u32::from(c);
                for shift in [12, 8, 4, 0] {
                    out.push(char::from_digit((code >> shift) & 0xf, 16).unwrap_or('0'));
                }
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        Value::from(&yaml::read(text).documents[0])
    }

    #[test]
    fn paths_lead_in_and_make_what_is_missing() {
        let mut value = read("spec: {type: NodePort, ports: [{port: 80}]}");
        assert_eq!(value.str_at("spec.type"), "NodePort");
        assert_eq!(value.list_at("spec.ports")[0].int_at("port"), 80);
        assert!(value.at("spec.none.deeper").is_null());
        value.set("metadata.labels.app", "web".into());
        assert_eq!(value.entries_at("metadata.labels").len(), 1);
        assert_eq!(value.remove("spec.type"), Some("NodePort".into()));
        assert!(value.at("spec.type").is_null());
        assert_eq!(Value::from(&value.to_node()), value);
    }

    #[test]
    fn json_is_go_s() {
        let value = read("b: [1, 'a<b']\na: {}\nc: []");
        assert_eq!(value.to_string(), r#"{"a":{},"b":[1,"a\u003cb"],"c":[]}"#);
        assert_eq!(
            pretty_json(&value, false),
            "{\n    \"a\": {},\n    \"b\": [\n        1,\n        \"a\\u003cb\"\n    ],\n    \"c\": []\n}\n"
        );
        let typed =
            read("apiVersion: v1\nkind: Service\nmetadata: {labels: {name: a, app: b}, name: x}");
        assert!(pretty_json(&typed, true).starts_with("{\n    \"kind\": \"Service\",\n"));
        assert!(pretty_json(&typed, true).contains("\"app\": \"b\",\n            \"name\": \"a\""));
    }
}
