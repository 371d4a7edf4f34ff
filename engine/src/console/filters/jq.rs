//! jq, as far as a path goes: `.items[].metadata.name`, `.spec.ports[0]`, `.a | .b`, `length`, `keys`.
//!
//! Source: the jq 1.7 manual. Left out, and refused: everything else; `kubectl -o jsonpath=…` and
//! `-o custom-columns=…` do more.

use super::args::Flags;
use super::lines::Filtered;
use crate::console::output::Printed;
use crate::kubectl::tree::{Value, pretty_json};
use crate::yaml;

/// A step of a path.
enum Step {
    Key(String),
    Index(i64),
    Each,
    Length,
    Keys,
}

fn steps(filter: &str) -> Result<Vec<Step>, String> {
    let unknown = || {
        format!(
            "{filter:?} is not there; there is: .a.b[0], .items[].metadata.name, |, length, keys; \
             near: kubectl -o jsonpath=…"
        )
    };
    let mut steps = Vec::new();
    for part in filter.split('|') {
        let mut rest = part.trim();
        match rest {
            "length" => {
                steps.push(Step::Length);
                continue;
            }
            "keys" => {
                steps.push(Step::Keys);
                continue;
            }
            _ if !rest.starts_with('.') => return Err(unknown()),
            _ => {}
        }
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('[') {
                let (inner, after) = after.split_once(']').ok_or_else(unknown)?;
                steps.push(match inner.trim() {
                    "" => Step::Each,
                    text if text.starts_with('"') => Step::Key(text.trim_matches('"').to_owned()),
                    text => Step::Index(text.parse().map_err(|_| unknown())?),
                });
                rest = after;
                continue;
            }
            rest = rest.strip_prefix('.').ok_or_else(unknown)?;
            if let Some(after) = rest.strip_prefix('"') {
                let (key, after) = after.split_once('"').ok_or_else(unknown)?;
                steps.push(Step::Key(key.to_owned()));
                rest = after;
                continue;
            }
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            if end > 0 {
                steps.push(Step::Key(rest[..end].to_owned()));
            }
            rest = &rest[end..];
            if !rest.is_empty() && !rest.starts_with(['.', '[']) {
                return Err(unknown());
            }
        }
    }
    Ok(steps)
}

fn kind(value: &Value) -> &'static str {
    match value.json_type() {
        "bool" => "boolean",
        other => other,
    }
}

fn step(value: &Value, step: &Step) -> Result<Vec<Value>, String> {
    let list = |value: &Value| match value {
        Value::List(items) => Some(items.clone()),
        _ => None,
    };
    match (step, value) {
        (Step::Key(_) | Step::Index(_), Value::Null) => Ok(vec![Value::Null]),
        (Step::Key(key), value) if value.as_map().is_some() => Ok(vec![value.get(key).clone()]),
        (Step::Key(key), value) => Err(format!("Cannot index {} with \"{key}\"", kind(value))),
        (Step::Index(at), value) => {
            let items =
                list(value).ok_or_else(|| format!("Cannot index {} with number", kind(value)))?;
            let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let at = if *at < 0 { at + length } else { *at };
            let found = usize::try_from(at)
                .ok()
                .and_then(|at| items.get(at).cloned());
            Ok(vec![found.unwrap_or(Value::Null)])
        }
        (Step::Each, value) => match (list(value), value.as_map()) {
            (Some(items), _) => Ok(items),
            (None, Some(map)) => Ok(map
                .entries()
                .iter()
                .map(|(_, value)| value.clone())
                .collect()),
            (None, None) => Err(format!("Cannot iterate over {}", kind(value))),
        },
        (Step::Length, value) => {
            let length = match (list(value), value.as_map(), value.as_str()) {
                (Some(items), ..) => items.len(),
                (_, Some(map), _) => map.entries().len(),
                (.., Some(text)) => text.chars().count(),
                _ if value.is_null() => 0,
                _ => return Err(format!("{} has no length", kind(value))),
            };
            Ok(vec![Value::int(i64::try_from(length).unwrap_or(i64::MAX))])
        }
        (Step::Keys, value) => {
            let map = value
                .as_map()
                .ok_or_else(|| format!("{} has no keys", kind(value)))?;
            let mut keys: Vec<&str> = map.entries().iter().map(|(key, _)| key.as_str()).collect();
            keys.sort_unstable();
            Ok(vec![Value::List(
                keys.into_iter().map(Value::text).collect(),
            )])
        }
    }
}

pub(super) fn jq(args: &[&str], text: &str) -> Filtered {
    let given = Flags {
        switches: "rcM",
        values: "",
        long: &[
            ("raw-output", 'r'),
            ("compact-output", 'c'),
            ("monochrome-output", 'M'),
        ],
    }
    .read(args)?;
    let filter = given.words.first().copied().unwrap_or(".");
    let steps = steps(filter)?;
    let stream = yaml::read(text);
    if let Some(error) = stream.errors.first() {
        return Ok(Printed::failure(2, format!("jq: parse error: {error}")));
    }
    let mut out = String::new();
    for document in &stream.documents {
        let mut values = vec![Value::from(document)];
        for one in &steps {
            let mut next = Vec::new();
            for value in &values {
                match step(value, one) {
                    Ok(found) => next.extend(found),
                    Err(why) => return Ok(Printed::failure(5, format!("jq: error: {why}"))),
                }
            }
            values = next;
        }
        for value in values {
            out.push_str(&match value.as_str() {
                Some(text) if given.has('r') => text.to_owned(),
                _ if given.has('c') => value.to_string(),
                _ => two_spaces(&pretty_json(&value, false)),
            });
            out.push('\n');
        }
    }
    Ok(Printed::stdout(out))
}

/// kubectl indents by four spaces, jq by two.
fn two_spaces(text: &str) -> String {
    let half = |line: &str| {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        format!("{}{}", " ".repeat(blanks / 2), &line[blanks..])
    };
    text.trim_end()
        .lines()
        .map(half)
        .collect::<Vec<_>>()
        .join("\n")
}
