//! The fields of every modelled kind with their Go types: what the API server's strict decoding
//! knows.
//!
//! The table is `schema.txt` beside this file, taken from k8s.io/api and k8s.io/apimachinery of
//! [`crate::KUBERNETES_VERSION`] with the fields that later releases brought marked as such. It is
//! complete but for two trees that say nothing about traffic and are not looked into: what a volume
//! is made of, and affinity.
//!
//! It is part of the page's first load, so what is said of it is said here. A line without
//! indentation names a Go struct; under it stand its fields, each with its Go type without `v1.` and
//! `*`. No type means string; `any` is not looked into. `since` marks a field that a later release
//! brought (k8s.io/api v0.31 to v0.36); it is not looked into. `text` lists the types that are
//! strings in Go under another name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A Go struct.
#[derive(Debug)]
pub(crate) struct Struct {
    /// Its name in Go, without package.
    pub name: &'static str,
    /// Its fields, by their JSON names, in Go's order.
    pub fields: Vec<Field>,
    /// Whether anything may stand in it.
    pub is_opaque: bool,
}

/// A field of a [`Struct`].
#[derive(Debug)]
pub(crate) struct Field {
    pub name: &'static str,
    pub ty: Type,
    /// The release that brought it, when that is later than the one modelled.
    pub since: Option<&'static str>,
}

/// A Go type, pointers taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// `string`, or a type that is one under this name.
    String(&'static str),
    Bool,
    Int32,
    Int64,
    List(Box<Type>),
    /// A map with texts as keys; `go` is its name in Go.
    Map {
        go: &'static str,
        value: Box<Type>,
    },
    /// An index into [`Schema::structs`].
    Struct(usize),
    IntOrString,
    Quantity,
    Time,
    /// Not looked into.
    Any,
}

/// All structs.
#[derive(Debug)]
pub(crate) struct Schema {
    structs: Vec<Struct>,
    by_name: BTreeMap<&'static str, usize>,
}

/// The table, read once.
pub(crate) static SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| Schema::parse(include_str!("schema.txt")));

impl Schema {
    fn parse(table: &'static str) -> Self {
        let lines = || {
            table
                .lines()
                .filter(|line| !line.starts_with('#') && !line.is_empty())
        };
        let texts: Vec<&str> = lines()
            .find_map(|line| line.strip_prefix("text "))
            .map(|names| names.split(' ').collect())
            .unwrap_or_default();
        let heads =
            || lines().filter(|line| !line.starts_with([' ']) && !line.starts_with("text "));
        let name_of = |line: &'static str| line.split(' ').next().unwrap_or(line);
        let by_name: BTreeMap<_, _> = heads().map(name_of).zip(0..).collect();
        let mut structs: Vec<Struct> = heads()
            .map(|line| Struct {
                name: name_of(line),
                fields: Vec::new(),
                is_opaque: line.ends_with(" any"),
            })
            .collect();
        let mut current = None;
        for line in lines() {
            if let Some(field) = line.strip_prefix(' ') {
                let (name, ty) = field.split_once(' ').unwrap_or((field, "string"));
                let since = ty.strip_prefix("since ");
                let ty = match since {
                    Some(_) => Type::Any,
                    None => parse_type(ty, &texts, &by_name),
                };
                if let Some(current) = current {
                    let current: &mut Struct = &mut structs[current];
                    current.fields.push(Field { name, ty, since });
                }
            } else {
                current = by_name.get(name_of(line)).copied();
            }
        }
        Self { structs, by_name }
    }

    /// The struct of a kind, or any other by its name.
    pub(crate) fn by_name(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Whether any struct has a field of this name.
    pub(crate) fn is_field(&self, name: &str) -> bool {
        self.structs.iter().any(|of| of.field(name).is_some())
    }

    /// A struct by its index.
    pub(crate) fn get(&self, index: usize) -> &Struct {
        &self.structs[index]
    }
}

impl Struct {
    /// The field of this name; Go's strict decoder tells upper from lower case.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Type {
    /// The struct that this is, or that its elements are.
    pub(crate) fn innermost_struct(&self) -> Option<usize> {
        match self {
            Self::Struct(index) => Some(*index),
            Self::List(element) => element.innermost_struct(),
            _ => None,
        }
    }

    /// As Go prints it in an error.
    pub(crate) fn go(&self) -> String {
        match self {
            Self::String(name) if *name == "string" || name.contains('.') => (*name).to_owned(),
            Self::String(name) => format!("v1.{name}"),
            Self::Bool => "bool".to_owned(),
            // Their own decoders ask for these.
            Self::Int32 | Self::IntOrString => "int32".to_owned(),
            Self::Int64 => "int64".to_owned(),
            Self::List(element) => format!("[]{}", element.go()),
            Self::Map { go, .. } => (*go).to_owned(),
            Self::Struct(index) => format!("v1.{}", SCHEMA.get(*index).name),
            Self::Quantity => "resource.Quantity".to_owned(),
            Self::Time => "string".to_owned(),
            Self::Any => "interface {}".to_owned(),
        }
    }
}

fn parse_type(ty: &'static str, texts: &[&str], by_name: &BTreeMap<&str, usize>) -> Type {
    if let Some(element) = ty.strip_prefix("[]") {
        return Type::List(Box::new(parse_type(element, texts, by_name)));
    }
    match ty {
        "string" | "types.UID" => Type::String(ty),
        "bool" => Type::Bool,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "IntOrString" => Type::IntOrString,
        "Quantity" => Type::Quantity,
        "Time" | "MicroTime" => Type::Time,
        "map[string]string" => Type::Map {
            go: ty,
            value: Box::new(Type::String("string")),
        },
        "ResourceList" => Type::Map {
            go: "v1.ResourceList",
            value: Box::new(Type::Quantity),
        },
        name if texts.contains(&name) => Type::String(name),
        name => by_name
            .get(name)
            .map_or(Type::Any, |&index| Type::Struct(index)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Kind;

    #[test]
    fn every_type_in_the_table_is_known() {
        for line in include_str!("schema.txt").lines() {
            let Some((_, ty)) = line
                .strip_prefix(' ')
                .and_then(|field| field.split_once(' '))
            else {
                continue;
            };
            let innermost = ty.trim_start_matches("[]");
            let texts: Vec<&str> = include_str!("schema.txt")
                .lines()
                .find_map(|line| line.strip_prefix("text "))
                .unwrap()
                .split(' ')
                .collect();
            if innermost != "any" && !innermost.starts_with("since ") {
                assert_ne!(
                    parse_type(innermost, &texts, &SCHEMA.by_name),
                    Type::Any,
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn every_kind_has_its_struct() {
        for kind in Kind::ALL {
            let index = SCHEMA.by_name(kind.as_str()).unwrap();
            let of_kind = SCHEMA.get(index);
            for field in ["apiVersion", "kind", "metadata"] {
                assert!(of_kind.field(field).is_some(), "{kind} {field}");
            }
        }
    }

    #[test]
    fn types_are_named_as_in_go() {
        let spec = SCHEMA.get(SCHEMA.by_name("ServiceSpec").unwrap());
        let go = |name| spec.field(name).unwrap().ty.go();
        assert_eq!(go("ports"), "[]v1.ServicePort");
        assert_eq!(go("selector"), "map[string]string");
        assert_eq!(go("type"), "v1.ServiceType");
        assert_eq!(go("clusterIP"), "string");
        assert_eq!(go("ipFamilies"), "[]v1.IPFamily");
    }
}
