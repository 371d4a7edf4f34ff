//! JSON patch (RFC 6902), as `kubectl patch --type=json` sends it.
//!
//! Words for what does not fit are those of the library that the API server uses
//! (gopkg.in/evanphx/json-patch.v4), as far as they are about the patch.

use super::error::{Reason, StatusError};
use super::tree;
use crate::yaml::{Node, Value};

/// Applies the operations in their order.
///
/// # Errors
///
/// If an operation is none, or its path leads nowhere; then nothing is changed.
pub(super) fn apply(target: &Node, operations: &Node) -> Result<Node, StatusError> {
    let Some(list) = operations.as_list() else {
        let message = "json: cannot unmarshal object into Go value of type jsonpatch.Patch";
        return Err(StatusError::new(Reason::BadRequest, message));
    };
    let mut result = target.clone();
    for operation in list {
        result = one(&result, operation)?;
    }
    Ok(result)
}

fn one(target: &Node, operation: &Node) -> Result<Node, StatusError> {
    let op = tree::text(operation, &["op"]);
    let text = tree::text(operation, &["path"]);
    let path = pointer(text);
    let value = || {
        operation
            .get("value")
            .cloned()
            .unwrap_or(Value::Null.into())
    };
    let missing = |op: &str, path: &str| {
        let message = format!(
            "the server rejected our request due to an error in our request: {op} operation does \
             not apply: doc is missing path: \"{path}\": missing value"
        );
        StatusError::new(Reason::Invalid, message)
    };
    let from = tree::text(operation, &["from"]);
    let source = || find(target, &pointer(from)).ok_or_else(|| missing(op, from));
    match op {
        "add" => edit(target, &path, &Edit::Add(value())).ok_or_else(|| missing(op, text)),
        "replace" => edit(target, &path, &Edit::Replace(value())).ok_or_else(|| missing(op, text)),
        "remove" => edit(target, &path, &Edit::Remove).ok_or_else(|| missing(op, text)),
        "copy" => edit(target, &path, &Edit::Add(source()?)).ok_or_else(|| missing(op, text)),
        "move" => {
            let value = source()?;
            let without = edit(target, &pointer(from), &Edit::Remove);
            let without = without.ok_or_else(|| missing(op, from))?;
            edit(&without, &path, &Edit::Add(value)).ok_or_else(|| missing(op, text))
        }
        "test" if find(target, &path) == Some(value()) => Ok(target.clone()),
        "test" => Err(StatusError::new(
            Reason::Invalid,
            format!(
                "the server rejected our request due to an error in our request: testing value \
                 {text} failed: test failed"
            ),
        )),
        other => Err(StatusError::new(
            Reason::BadRequest,
            format!("Unexpected kind: {other}"),
        )),
    }
}

/// The steps of a JSON pointer (RFC 6901).
fn pointer(path: &str) -> Vec<String> {
    path.split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect()
}

fn find(node: &Node, path: &[String]) -> Option<Node> {
    path.iter()
        .try_fold(node, |node, step| match node.as_list() {
            Some(items) => items.get(step.parse::<usize>().ok()?),
            None => node.get(step),
        })
        .cloned()
}

enum Edit {
    Add(Node),
    Replace(Node),
    Remove,
}

/// The tree with one change at the end of a path; `None` where the path leads nowhere.
fn edit(node: &Node, path: &[String], change: &Edit) -> Option<Node> {
    let Some((step, rest)) = path.split_first() else {
        return match change {
            Edit::Add(value) | Edit::Replace(value) => Some(value.clone()),
            Edit::Remove => None,
        };
    };
    if let Some(items) = node.as_list() {
        let mut items = items.to_vec();
        let index = match step.as_str() {
            "-" => items.len(),
            step => step.parse().ok()?,
        };
        if !rest.is_empty() {
            let changed = edit(items.get(index)?, rest, change)?;
            items[index] = changed;
        } else {
            match change {
                Edit::Add(value) if index <= items.len() => items.insert(index, value.clone()),
                Edit::Replace(value) if index < items.len() => items[index] = value.clone(),
                Edit::Remove if index < items.len() => {
                    items.remove(index);
                }
                _ => return None,
            }
        }
        return Some(Value::List(items.into()).into());
    }
    node.as_map()?;
    let mut result = node.clone();
    let value = match (rest.is_empty(), change) {
        (false, _) => edit(node.get(step)?, rest, change)?,
        (true, Edit::Add(value)) => value.clone(),
        (true, Edit::Replace(value)) => {
            node.get(step)?;
            value.clone()
        }
        (true, Edit::Remove) => {
            node.get(step)?;
            tree::remove(&mut result, &[step]);
            return Some(result);
        }
    };
    tree::set(&mut result, &[step], value);
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(target: &str, operations: &str) -> Result<String, String> {
        let node = |text: &str| crate::yaml::read(text).documents.remove(0);
        apply(&node(target), &node(operations))
            .map(|result| result.to_string())
            .map_err(|error| error.message)
    }

    #[test]
    fn operations_apply_in_order() {
        assert_eq!(
            run(
                "{a: [1, 2], b: {c/d: 1}}",
                "[{op: add, path: /a/-, value: 3}, {op: replace, path: /b/c~1d, value: 2}, \
                 {op: remove, path: /a/0}, {op: copy, from: /a, path: /x}, \
                 {op: test, path: /x/0, value: 2}, {op: move, from: /b, path: /y}]"
            ),
            Ok(r#"{"a":[2,3],"x":[2,3],"y":{"c/d":2}}"#.to_owned())
        );
    }

    #[test]
    fn what_leads_nowhere_is_refused() {
        for operation in [
            "{op: remove, path: /z}",
            "{op: replace, path: /a/9, value: 1}",
            "{op: add, path: /z/y, value: 1}",
            "{op: add, path: /a/x, value: 1}",
        ] {
            let error = run("{a: [1]}", &format!("[{operation}]")).unwrap_err();
            assert!(error.contains("missing path"), "{error}");
        }
        let error = run("{a: 1}", "[{op: test, path: /a, value: 2}]").unwrap_err();
        assert!(error.ends_with("testing value /a failed: test failed"));
        assert!(run("{}", "{a: 1}").is_err());
        assert!(run("{}", "[{op: dance, path: /a}]").is_err());
    }
}
