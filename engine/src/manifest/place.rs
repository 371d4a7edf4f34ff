//! The place of a field in the text.

use crate::api::FieldPath;
use crate::diagnostic::Span;
use crate::yaml::{Map, Node, Value};

/// Where a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldPlace {
    /// Its name; `None` for an element of a list and for the object itself.
    pub key: Option<Span>,
    /// Its value.
    pub value: Span,
    /// Whether it is the very field that was asked for, and not the nearest one around it.
    pub is_exact: bool,
}

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step<'a> {
    /// `.name`
    Field(&'a str),
    /// `[0]` or `[key]`
    Bracket(&'a str),
}

/// Finds a field in a tree, or the nearest one around it that is there. Names are taken in any
/// letter case, because some of the API server's own paths have the wrong one
/// (`spec.LoadBalancerSourceRanges`). `None` when the path is none.
pub(super) fn find(tree: &Node, path: &FieldPath) -> Option<FieldPlace> {
    if path.as_str().matches('[').count() != path.as_str().matches(']').count() {
        return None;
    }
    let mut place = FieldPlace {
        key: None,
        value: tree.span,
        is_exact: true,
    };
    let mut node = tree;
    for step in steps(path.as_str()) {
        let next = match (step, &node.value) {
            (Step::Field(name) | Step::Bracket(name), Value::Map(map)) => {
                entry(map, name).map(|(key, value)| (Some(key), value))
            }
            (Step::Bracket(index), Value::List(items)) => index
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get(index))
                .map(|item| (None, item)),
            _ => None,
        };
        let Some((key, value)) = next else {
            place.is_exact = false;
            break;
        };
        node = value;
        place.key = key;
        place.value = node.span;
    }
    Some(place)
}

/// The value of a field; `None` when it is not there. Names are told apart by their letter case.
pub(crate) fn value_at<'a>(tree: &'a Node, path: &str) -> Option<&'a Node> {
    let mut node = tree;
    for step in steps(path) {
        node = match (step, &node.value) {
            (Step::Field(name) | Step::Bracket(name), Value::Map(map)) => &map.entry(name)?.value,
            (Step::Bracket(index), Value::List(items)) => {
                items.get(index.parse::<usize>().ok()?)?
            }
            _ => return None,
        };
    }
    Some(node)
}

fn entry<'a>(map: &'a Map, name: &str) -> Option<(Span, &'a Node)> {
    let entry = map.entry(name).or_else(|| {
        map.entries
            .iter()
            .find(|entry| entry.key.text.eq_ignore_ascii_case(name))
    })?;
    Some((entry.key.span, &entry.value))
}

/// The steps of a path. A key in brackets may hold points: `metadata.labels[app.kubernetes.io/name]`.
fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if rest.is_empty() {
            return None;
        }
        if let Some(inside) = rest.strip_prefix('[') {
            let end = inside.find(']').unwrap_or(inside.len());
            rest = inside.get(end + 1..).unwrap_or("");
            return Some(Step::Bracket(&inside[..end]));
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let name;
        (name, rest) = rest.split_at(end);
        Some(Step::Field(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_steps() {
        let of = |path| steps(path).collect::<Vec<_>>();
        assert_eq!(
            of("spec.ports[0].nodePort"),
            [
                Step::Field("spec"),
                Step::Field("ports"),
                Step::Bracket("0"),
                Step::Field("nodePort")
            ]
        );
        assert_eq!(
            of("metadata.labels[a.b/c]"),
            [
                Step::Field("metadata"),
                Step::Field("labels"),
                Step::Bracket("a.b/c")
            ]
        );
        assert_eq!(of(""), []);
        assert_eq!(of("a[0"), [Step::Field("a"), Step::Bracket("0")]);
    }
}
