//! From Rust types to the tree: what a typed object says, as the manifest that says it.
//!
//! The tree has no places. Nothing that the engine's types hold cannot be said, so that an error is
//! one of a `Serialize` written by hand, and never of what a person typed.

use std::fmt;
use std::sync::Arc;

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::node::{Entry, Key, Map, Node, Number, Value};
use crate::diagnostic::Span;

/// A value that no tree can hold: bytes, or a map whose keys are no texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// The tree of a value.
///
/// # Errors
///
/// If the value has bytes, or a map whose keys are no texts.
pub fn to_node<T: Serialize + ?Sized>(value: &T) -> Result<Node, Error> {
    value.serialize(ToNode)
}

impl From<Value> for Node {
    /// A value that stands in no text.
    fn from(value: Value) -> Self {
        Self {
            value,
            span: Span::default(),
        }
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Value::String(text.into()).into()
    }
}

impl From<i64> for Node {
    fn from(number: i64) -> Self {
        Value::Number(Number::Int(number)).into()
    }
}

impl Node {
    /// A map of these entries.
    #[must_use]
    pub fn map(entries: impl IntoIterator<Item = (String, Node)>) -> Self {
        let entries = entries
            .into_iter()
            .map(|(key, value)| Entry::new(&key, value))
            .collect();
        Value::Map(Arc::new(Map {
            entries,
            duplicates: Vec::new(),
        }))
        .into()
    }
}

impl Entry {
    /// A key and its value that stand in no text.
    #[must_use]
    pub fn new(key: &str, value: Node) -> Self {
        Self {
            key: Key {
                text: key.into(),
                span: Span::default(),
            },
            value,
            merged: false,
        }
    }
}

struct ToNode;

fn number(value: i64) -> Result<Node, Error> {
    Ok(value.into())
}

impl Serializer for ToNode {
    type Ok = Node;
    type Error = Error;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Impossible<Node, Error>;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Impossible<Node, Error>;

    fn serialize_bool(self, value: bool) -> Result<Node, Error> {
        Ok(Value::Bool(value).into())
    }
    fn serialize_i8(self, value: i8) -> Result<Node, Error> {
        number(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<Node, Error> {
        number(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<Node, Error> {
        number(value.into())
    }
    fn serialize_i64(self, value: i64) -> Result<Node, Error> {
        number(value)
    }
    fn serialize_u8(self, value: u8) -> Result<Node, Error> {
        number(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<Node, Error> {
        number(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<Node, Error> {
        number(value.into())
    }
    fn serialize_u64(self, value: u64) -> Result<Node, Error> {
        Ok(match i64::try_from(value) {
            Ok(value) => value.into(),
            Err(_) => Value::Number(Number::Uint(value)).into(),
        })
    }
    fn serialize_f32(self, value: f32) -> Result<Node, Error> {
        self.serialize_f64(value.into())
    }
    fn serialize_f64(self, value: f64) -> Result<Node, Error> {
        Ok(Value::Number(Number::Float(value)).into())
    }
    fn serialize_char(self, value: char) -> Result<Node, Error> {
        Ok(value.to_string().as_str().into())
    }
    fn serialize_str(self, value: &str) -> Result<Node, Error> {
        Ok(value.into())
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<Node, Error> {
        Err(ser::Error::custom("bytes have no place in a tree"))
    }
    fn serialize_none(self) -> Result<Node, Error> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Node, Error> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Node, Error> {
        Ok(Value::Null.into())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Node, Error> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Node, Error> {
        Ok(variant.into())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Node, Error> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Node, Error> {
        Ok(Node::map([(variant.to_owned(), to_node(value)?)]))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Error> {
        Ok(Items(Vec::new()))
    }
    fn serialize_tuple(self, length: usize) -> Result<Items, Error> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Items, Error> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(ser::Error::custom(
            "a variant with fields has no place in a tree",
        ))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Fields, Error> {
        Ok(Fields {
            entries: Vec::new(),
            key: None,
        })
    }
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Fields, Error> {
        self.serialize_map(Some(length))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(ser::Error::custom(
            "a variant with fields has no place in a tree",
        ))
    }
}

/// A list that is being made.
struct Items(Vec<Node>);

impl Items {
    fn end(self) -> Node {
        Value::List(self.0.into()).into()
    }
}

macro_rules! items {
    ($($trait:ident $add:ident),*) => {$(
        impl ser::$trait for Items {
            type Ok = Node;
            type Error = Error;
            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.0.push(to_node(value)?);
                Ok(())
            }
            fn end(self) -> Result<Node, Error> {
                Ok(self.end())
            }
        }
    )*};
}

items!(SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field);

/// A map that is being made.
struct Fields {
    entries: Vec<Entry>,
    key: Option<Box<str>>,
}

impl Fields {
    fn end(self) -> Node {
        Value::Map(Arc::new(Map {
            entries: self.entries,
            duplicates: Vec::new(),
        }))
        .into()
    }
}

impl ser::SerializeMap for Fields {
    type Ok = Node;
    type Error = Error;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        match to_node(key)?.value {
            Value::String(text) => self.key = Some(text),
            _ => return Err(ser::Error::custom("a key is a text")),
        }
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = self.key.take().unwrap_or_default();
        self.entries.push(Entry::new(&key, to_node(value)?));
        Ok(())
    }
    fn end(self) -> Result<Node, Error> {
        Ok(self.end())
    }
}

impl ser::SerializeStruct for Fields {
    type Ok = Node;
    type Error = Error;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.entries.push(Entry::new(key, to_node(value)?));
        Ok(())
    }
    fn end(self) -> Result<Node, Error> {
        Ok(self.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{IntOrString, Service, ServicePort};

    #[test]
    fn a_typed_object_comes_back_as_it_was() {
        let mut service = Service::default();
        service.metadata.name = "web".into();
        service.metadata.labels.insert("app".into(), "web".into());
        service.spec.ports.push(ServicePort {
            port: 80,
            target_port: Some(IntOrString::String("http".into())),
            ..ServicePort::default()
        });
        let node = to_node(&service).unwrap();
        assert_eq!(
            node.to_string(),
            r#"{"metadata":{"labels":{"app":"web"},"name":"web"},"spec":{"ports":[{"port":80,"targetPort":"http"}]}}"#
        );
        let back: Service = super::super::from_node(&node).unwrap();
        assert_eq!(back, service);
    }

    #[test]
    fn what_is_no_tree_is_an_error() {
        let by_number = std::collections::BTreeMap::from([(1, 2)]);
        assert_eq!(
            to_node(&by_number).unwrap_err().to_string(),
            "a key is a text"
        );
    }
}
