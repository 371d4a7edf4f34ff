//! From the tree to Rust types, as Go's JSON decoder fills Go types.
//!
//! Source: sigs.k8s.io/json, a copy of Go's `encoding/json`. `null` leaves a field as it was, so it
//! is as if it were not there; in a map it gives the zero value. A number with a zero fraction is
//! an integer. Field names are told apart by their case.
//!
//! The words of the API server for a wrong type need the names of Go's types; they are given in
//! [`crate::manifest`], which looks at a tree before it is decoded. The errors here are for whoever
//! decodes without that.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::node::{Node, Number, Value};
use crate::diagnostic::Span;

/// A tree that is not of the type wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub message: String,
    /// The innermost value that it is about.
    pub span: Option<Span>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            span: None,
        }
    }
}

/// Decodes a tree.
///
/// # Errors
///
/// When a value is of another type than the one wanted: Go's words and the value's place.
pub fn from_node<T: DeserializeOwned>(node: &Node) -> Result<T, Error> {
    T::deserialize(node)
}

impl Node {
    fn mismatch(&self, wanted: &str) -> Error {
        let found = match &self.value {
            Value::Number(number) if wanted != "string" => format!("number {number}"),
            _ => self.json_type().to_owned(),
        };
        Error {
            message: format!("json: cannot unmarshal {found} into Go value of type {wanted}"),
            span: Some(self.span),
        }
    }

    /// Says where a visitor's complaint belongs.
    fn placed<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| Error {
            span: error.span.or(Some(self.span)),
            ..error
        })
    }

    fn visit_number<'de, V: Visitor<'de>>(
        &self,
        visitor: V,
        wanted: &str,
    ) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_i64(0),
            Value::Number(number) => match number.as_i64() {
                Some(number) => self.placed(visitor.visit_i64(number)),
                None => Err(self.mismatch(wanted)),
            },
            _ => Err(self.mismatch(wanted)),
        }
    }
}

impl Number {
    /// The integer that JSON's text of this number is, when it is one of 64 bits.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(number),
            Self::Uint(_) => None,
            Self::Float(number) => {
                // From 2^63 on, the cast would not be exact.
                let fits = number.fract() == 0.0 && (-9.3e18..9.2e18).contains(&number);
                #[expect(clippy::cast_possible_truncation, reason = "it is whole and fits")]
                fits.then_some(number as i64)
            }
        }
    }
}

macro_rules! numbers {
    ($($method:ident $go:literal)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                self.visit_number(visitor, $go)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for &Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => self.placed(visitor.visit_bool(*value)),
            Value::Number(number) => match (number.as_i64(), *number) {
                (Some(number), _) => self.placed(visitor.visit_i64(number)),
                (None, Number::Uint(number)) => self.placed(visitor.visit_u64(number)),
                (None, Number::Int(number)) => self.placed(visitor.visit_i64(number)),
                (None, Number::Float(number)) => self.placed(visitor.visit_f64(number)),
            },
            Value::String(text) => self.placed(visitor.visit_str(text)),
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_bool(false),
            Value::Bool(value) => visitor.visit_bool(value),
            _ => Err(self.mismatch("bool")),
        }
    }

    numbers! {
        deserialize_i8 "int8" deserialize_i16 "int16" deserialize_i32 "int32"
        deserialize_i64 "int64" deserialize_u8 "uint8" deserialize_u16 "uint16"
        deserialize_u32 "uint32" deserialize_u64 "uint64"
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.value {
            Value::Null => visitor.visit_str(""),
            Value::String(text) => self.placed(visitor.visit_str(text)),
            _ => Err(self.mismatch("string")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let items: &[Node] = match &self.value {
            Value::Null => &[],
            Value::List(items) => items,
            _ => return Err(self.mismatch("[]interface {}")),
        };
        self.placed(visitor.visit_seq(SeqDeserializer::new(items.iter())))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let entries = match &self.value {
            Value::Null => &[][..],
            Value::Map(map) => &map.entries,
            _ => return Err(self.mismatch("map[string]interface {}")),
        };
        let entries = entries.iter().map(|entry| (&*entry.key.text, &entry.value));
        self.placed(visitor.visit_map(MapDeserializer::new(entries)))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let entries = match &self.value {
            Value::Null => &[][..],
            Value::Map(map) => &map.entries,
            _ => return Err(self.mismatch(name)),
        };
        let entries = entries
            .iter()
            .filter(|entry| entry.value.value != Value::Null)
            .map(|entry| (&*entry.key.text, &entry.value));
        self.placed(visitor.visit_map(MapDeserializer::new(entries)))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.value {
            Value::String(text) => {
                let text: StrDeserializer<'_, Error> = (**text).into_deserializer();
                self.placed(visitor.visit_enum(text))
            }
            _ => Err(self.mismatch(name)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier i128 u128
    }
}

impl<'de> IntoDeserializer<'de, Error> for &Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
