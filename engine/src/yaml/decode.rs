//! From the tree to Rust types, as Go's JSON decoder fills Go types.
//!
//! Source: sigs.k8s.io/json, a copy of Go's `encoding/json`. `null` leaves a field as it was, so it
//! is as if it were not there; in a map it gives the zero value. A number with a zero fraction is
//! an integer. Field names are told apart by their case. A field that the type does not have is
//! passed over.
//!
//! The words of the API server for a wrong type need the names of Go's types; they are given in
//! [`crate::manifest`], which looks at a tree before it is decoded. The errors here are for whoever
//! decodes without that.
//!
//! Types are filled through `dyn` [`Decode`], field by field: serde's derived decoders, which the
//! types have as well for their users' files, are made anew for every source and are six times as
//! large, and the page is downloaded. A test holds the two against each other.

use std::collections::BTreeMap;
use std::fmt;

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

/// Decodes a tree.
///
/// # Errors
///
/// When a value is of another type than the one wanted: Go's words and the value's place.
pub fn from_node<T: Decode + Default>(node: &Node) -> Result<T, Error> {
    let mut value = T::default();
    value.decode(node)?;
    Ok(value)
}

/// Something that a tree's value can be put into.
pub trait Decode {
    /// Takes the value; `null` leaves everything as it was.
    ///
    /// # Errors
    ///
    /// The value is of another type.
    fn decode(&mut self, node: &Node) -> Result<(), Error>;
}

/// A type with named fields: what [`decode_fields`](crate::yaml::decode_fields) writes.
pub trait Fields {
    /// The type's name in Go, for errors.
    fn type_name(&self) -> &'static str;

    /// The field with this name in JSON.
    fn field(&mut self, name: &str) -> Option<&mut dyn Decode>;
}

/// Fills the fields that the map has.
///
/// # Errors
///
/// Not a map, or a value in it is of another type than its field.
pub fn fill(fields: &mut dyn Fields, node: &Node) -> Result<(), Error> {
    let entries = match &node.value {
        Value::Null => return Ok(()),
        Value::Map(map) => &map.entries,
        _ => return Err(node.mismatch(fields.type_name())),
    };
    for entry in entries {
        if let Some(field) = fields.field(&entry.key.text) {
            field.decode(&entry.value)?;
        }
    }
    Ok(())
}

/// Whether a JSON name is a Rust field's in camel case: `clusterName`, `cluster_name`.
#[must_use]
pub fn is_camel_case_of(json: &str, rust: &str) -> bool {
    let mut json = json.bytes();
    let mut upper = false;
    for byte in rust.bytes() {
        if byte == b'_' {
            upper = true;
            continue;
        }
        let wanted = if upper {
            byte.to_ascii_uppercase()
        } else {
            byte
        };
        upper = false;
        if json.next() != Some(wanted) {
            return false;
        }
    }
    json.next().is_none()
}

/// Lists the fields of a type for decoding: in JSON they are in camel case, or as it is said behind
/// `=`.
macro_rules! decode_fields {
    ($($type:ident { $($field:ident $(= $name:literal)?),* $(,)? })*) => {
        $(
            impl $crate::yaml::Fields for $type {
                fn type_name(&self) -> &'static str {
                    stringify!($type)
                }

                fn field(&mut self, name: &str) -> Option<&mut dyn $crate::yaml::Decode> {
                    $(
                        if $crate::yaml::decode_fields!(@is name $field $($name)?) {
                            return Some(&mut self.$field);
                        }
                    )*
                    None
                }
            }

            impl $crate::yaml::Decode for $type {
                fn decode(&mut self, node: &$crate::yaml::Node) -> Result<(), $crate::yaml::DecodeError> {
                    $crate::yaml::fill(self, node)
                }
            }
        )*
    };
    (@is $given:ident $field:ident $name:literal) => { $given == $name };
    (@is $given:ident $field:ident) => {
        $crate::yaml::is_camel_case_of($given, stringify!($field))
    };
}
pub(crate) use decode_fields;

impl Node {
    /// That a value is of another type than the one wanted, in Go's words.
    #[must_use]
    pub fn mismatch(&self, wanted: &str) -> Error {
        let found = match &self.value {
            Value::Number(number) if wanted != "string" => format!("number {number}"),
            _ => self.json_type().to_owned(),
        };
        Error {
            message: format!("json: cannot unmarshal {found} into Go value of type {wanted}"),
            span: Some(self.span),
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

impl Decode for String {
    fn decode(&mut self, node: &Node) -> Result<(), Error> {
        match &node.value {
            Value::Null => Ok(()),
            Value::String(text) => {
                text.as_ref().clone_into(self);
                Ok(())
            }
            _ => Err(node.mismatch("string")),
        }
    }
}

impl Decode for bool {
    fn decode(&mut self, node: &Node) -> Result<(), Error> {
        match node.value {
            Value::Null => Ok(()),
            Value::Bool(value) => {
                *self = value;
                Ok(())
            }
            _ => Err(node.mismatch("bool")),
        }
    }
}

impl Decode for i64 {
    fn decode(&mut self, node: &Node) -> Result<(), Error> {
        match node.value {
            Value::Null => return Ok(()),
            Value::Number(number) => {
                if let Some(number) = number.as_i64() {
                    *self = number;
                    return Ok(());
                }
            }
            _ => {}
        }
        Err(node.mismatch("int64"))
    }
}

impl Decode for i32 {
    fn decode(&mut self, node: &Node) -> Result<(), Error> {
        let mut wide = i64::from(*self);
        wide.decode(node).map_err(|_| node.mismatch("int32"))?;
        *self = i32::try_from(wide).map_err(|_| node.mismatch("int32"))?;
        Ok(())
    }
}

impl<T: Decode + Default> Decode for Option<T> {
    fn decode(&mut self, node: &Node) -> Result<(), Error> {
        match node.value {
            Value::Null => Ok(()),
            _ => self.get_or_insert_default().decode(node),
        }
    }
}

impl<T: Decode + Default> Decode for Vec<T> {
    fn decode(&mut self, node: &Node) -> Result<(), Error> {
        let items = match &node.value {
            Value::Null => return Ok(()),
            Value::List(items) => items,
            _ => return Err(node.mismatch("[]interface {}")),
        };
        self.clear();
        self.reserve_exact(items.len());
        for item in items.iter() {
            let mut value = T::default();
            value.decode(item)?;
            self.push(value);
        }
        Ok(())
    }
}

impl<T: Decode + Default> Decode for BTreeMap<String, T> {
    fn decode(&mut self, node: &Node) -> Result<(), Error> {
        let entries = match &node.value {
            Value::Null => return Ok(()),
            Value::Map(map) => &map.entries,
            _ => return Err(node.mismatch("map[string]interface {}")),
        };
        for entry in entries {
            let mut value = T::default();
            value.decode(&entry.value)?;
            self.insert(entry.key.text.to_string(), value);
        }
        Ok(())
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(&mut self, node: &Node) -> Result<(), Error> {
        T::decode(self, node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Room {
        door: i32,
        bed_count: Option<i32>,
        type_: String,
        guests: Vec<String>,
        keys: BTreeMap<String, bool>,
    }

    decode_fields! {
        Room { door, bed_count, type_ = "type", guests, keys }
    }

    fn room(text: &str) -> Result<Room, Error> {
        from_node(&crate::yaml::read(text).documents[0])
    }

    #[test]
    fn fields_are_filled_by_their_names_in_json() {
        let read = room(
            "{door: 3, bedCount: 2.0, type: suite, guests: [a, null], keys: {a: null, b: yes}, view: sea}",
        );
        let keys = [("a".to_owned(), false), ("b".to_owned(), true)];
        assert_eq!(
            read.unwrap(),
            Room {
                door: 3,
                bed_count: Some(2),
                type_: "suite".to_owned(),
                guests: vec!["a".to_owned(), String::new()],
                keys: keys.into(),
            }
        );
    }

    #[test]
    fn null_is_as_if_it_were_not_there() {
        let read = room("{door: null, bedCount: null, type: null, guests: null, keys: null}");
        assert_eq!(read.unwrap(), Room::default());
    }

    #[test]
    fn a_wrong_type_is_told_with_its_place() {
        for (text, message) in [
            (
                "{door: a}",
                "json: cannot unmarshal string into Go value of type int32",
            ),
            (
                "{door: 4294967296}",
                "json: cannot unmarshal number 4294967296 into Go value of type int32",
            ),
            (
                "{type: 1}",
                "json: cannot unmarshal number into Go value of type string",
            ),
            (
                "{guests: {}}",
                "json: cannot unmarshal object into Go value of type []interface {}",
            ),
            (
                "{keys: {a: 1}}",
                "json: cannot unmarshal number 1 into Go value of type bool",
            ),
            (
                "[]",
                "json: cannot unmarshal array into Go value of type Room",
            ),
        ] {
            let error = room(text).unwrap_err();
            assert_eq!(error.message, message);
            assert!(error.span.is_some());
        }
    }

    #[test]
    fn names_in_camel_case() {
        assert!(is_camel_case_of("nodeName", "node_name"));
        assert!(is_camel_case_of("port", "port"));
        assert!(!is_camel_case_of("nodename", "node_name"));
        assert!(!is_camel_case_of("node", "node_name"));
        assert!(!is_camel_case_of("nodeNames", "node_name"));
        assert!(!is_camel_case_of("podIP", "pod_ip"));
    }
}
