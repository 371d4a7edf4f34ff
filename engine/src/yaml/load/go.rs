//! How Go prints a value that goyaml cannot take as a key.

use std::fmt::Write as _;

use super::super::node::{Entry, Node, Number, Value};

/// Go's `%#v` of what goyaml made of a list or map, shortened where it is very long.
pub(super) fn go_syntax(out: &mut String, node: &Node) {
    const LONGEST: usize = 200;
    if out.len() > LONGEST {
        return;
    }
    match &node.value {
        Value::Null => out.push_str("interface {}(nil)"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(Number::Uint(number)) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "{number:#x}");
        }
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => {
            let _ = write!(out, "{text:?}");
        }
        Value::List(items) => {
            out.push_str("[]interface {}{");
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                go_syntax(out, item);
            }
            out.push('}');
        }
        Value::Map(map) => {
            out.push_str("map[interface {}]interface {}{");
            let mut entries: Vec<&Entry> = map.entries.iter().collect();
            entries.sort_by(|a, b| a.key.text.cmp(&b.key.text));
            for (at, entry) in entries.into_iter().enumerate() {
                let _ = write!(
                    out,
                    "{}{:?}:",
                    if at > 0 { ", " } else { "" },
                    entry.key.text
                );
                go_syntax(out, &entry.value);
            }
            out.push('}');
        }
    }
}
