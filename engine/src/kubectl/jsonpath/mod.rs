//! JSONPath templates as kubectl has them.
//!
//! Source: k8s.io/client-go `util/jsonpath/parser.go`, `jsonpath.go` (v0.34).

mod parse;

use parse::{end_of_action, steps_of};

use super::tree::Value;
use crate::api::validation::quote;

/// The most results that one expression may have: `..` of `..` multiplies.
const MOST_RESULTS: usize = 100_000;

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Text(String),
    Field(String),
    /// From, to, step.
    Slice(Option<i64>, Option<i64>, i64),
    Index(i64),
    Wildcard,
    Recursive,
    Filter(Box<Filter>),
    Union(Vec<Vec<Step>>),
    Literal(Value),
    /// `@` and `$`.
    Current,
    Root,
}

#[derive(Clone, Debug, PartialEq)]
struct Filter {
    left: Vec<Step>,
    operator: String,
    right: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Expression(Vec<Step>),
    Range(Vec<Step>),
    End,
}

/// A template.
#[derive(Clone, Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// Reads a template.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let Some(open) = rest.find('{') else {
                parts.push(Part::Text(rest.to_owned()));
                break;
            };
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let inner = &rest[open + 1..];
            let close = end_of_action(inner).ok_or("unclosed action")?;
            let action = inner[..close].trim();
            rest = &inner[close + 1..];
            if action == "end" {
                parts.push(Part::End);
            } else if let Some(steps) = action
                .strip_prefix("range")
                .filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '.', '[', '$', '@']))
            {
                parts.push(Part::Range(steps_of(steps.trim())?));
            } else {
                parts.push(Part::Expression(steps_of(action)?));
            }
        }
        let mut depth = 0_usize;
        for part in &parts {
            match part {
                Part::Range(_) => depth += 1,
                Part::End => {
                    depth = depth.checked_sub(1).ok_or("not in range, nothing to end")?;
                }
                _ => {}
            }
        }
        if depth > 0 {
            return Err("not close range".to_owned());
        }
        Ok(Self { parts })
    }

    /// What it makes of an object. With `as_json`, each result is a list of JSON.
    pub(super) fn print(&self, object: &Value, as_json: bool) -> Result<String, String> {
        let mut out = String::new();
        run(&self.parts, object, object, as_json, &mut out)?;
        Ok(out)
    }

    /// The values of an expression.
    pub(super) fn values(&self, object: &Value) -> Result<Vec<Value>, String> {
        let mut out = Vec::new();
        for part in &self.parts {
            if let Part::Expression(steps) = part {
                out.extend(walk(steps, vec![object.clone()], object)?);
            }
        }
        Ok(out)
    }
}

/// `metadata.name`, `.metadata.name`, `{metadata.name}` and `{.metadata.name}` as the last of them.
pub(super) fn relaxed(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let inner = match (text.strip_prefix('{'), text.strip_suffix('}')) {
        (Some(_), Some(_)) => &text[1..text.len() - 1],
        (None, _) => text,
        _ => "",
    };
    let inner = inner.strip_prefix('.').unwrap_or(inner);
    let balanced = inner.matches('{').count() == inner.matches('}').count();
    if inner.is_empty() || !balanced {
        return Err(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"
                .to_owned(),
        );
    }
    Ok(format!("{{.{inner}}}"))
}

fn run(
    parts: &[Part],
    object: &Value,
    root: &Value,
    as_json: bool,
    out: &mut String,
) -> Result<(), String> {
    let mut at = 0;
    while at < parts.len() {
        match &parts[at] {
            Part::Text(text) => out.push_str(text),
            Part::End => {}
            Part::Expression(steps) => {
                let values = walk(steps, vec![object.clone()], root)?;
                if as_json {
                    out.push_str(&super::tree::pretty_json(&Value::List(values), false));
                } else {
                    let texts: Vec<String> = values.iter().map(to_text).collect();
                    out.push_str(&texts.join(" "));
                }
            }
            Part::Range(steps) => {
                let mut depth = 1;
                let mut end = at + 1;
                while end < parts.len() {
                    match parts[end] {
                        Part::Range(_) => depth += 1,
                        Part::End => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                    end += 1;
                }
                for value in walk(steps, vec![object.clone()], root)? {
                    run(&parts[at + 1..end], &value, root, as_json, out)?;
                    if out.len() > crate::limits::MAX_TEXT_BYTES {
                        return Err("the output is too long".to_owned());
                    }
                }
                at = end;
            }
        }
        at += 1;
    }
    Ok(())
}

/// A value as it is printed: texts as they are, maps and lists as JSON.
pub(super) fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn walk(steps: &[Step], start: Vec<Value>, root: &Value) -> Result<Vec<Value>, String> {
    let mut values = start;
    for step in steps {
        let mut next = Vec::new();
        match step {
            Step::Text(text) => next.push(Value::text(text.clone())),
            Step::Literal(value) => next.push(value.clone()),
            Step::Current => next = values,
            Step::Root => next.push(root.clone()),
            Step::Field(name) => {
                for value in &values {
                    // A key that is not there is nothing, and no error.
                    let found = value.get(name);
                    if !found.is_null() {
                        next.push(found.clone());
                    }
                }
            }
            Step::Index(index) => {
                for value in &values {
                    next.push(item(value, *index)?);
                }
            }
            Step::Slice(from, to, by) => {
                for value in &values {
                    slice(value, *from, *to, *by, &mut next)?;
                }
            }
            Step::Wildcard => {
                for value in &values {
                    children(value, &mut next);
                }
            }
            Step::Recursive => {
                for value in &values {
                    descend(value, &mut next);
                }
            }
            Step::Filter(filter) => {
                for value in &values {
                    let Value::List(items) = value else {
                        if matches!(value, Value::Map(_)) {
                            return Err(format!(
                                "{} is not array or slice and cannot be filtered",
                                go(value)
                            ));
                        }
                        continue;
                    };
                    for item in items {
                        if holds(filter, item, root)? {
                            next.push(item.clone());
                        }
                    }
                }
            }
            Step::Union(parts) => {
                for part in parts {
                    next.extend(walk(part, values.clone(), root)?);
                }
            }
        }
        if next.len() > MOST_RESULTS {
            return Err("too many results".to_owned());
        }
        values = next;
    }
    Ok(values)
}

fn item(value: &Value, index: i64) -> Result<Value, String> {
    let Value::List(items) = value else {
        return Err(format!("{} is not array or slice", go_type(value)));
    };
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let at = if index < 0 { index + length } else { index };
    usize::try_from(at)
        .ok()
        .and_then(|at| items.get(at).cloned())
        .ok_or_else(|| format!("array index out of bounds: index {index}, length {length}"))
}

fn slice(
    value: &Value,
    from: Option<i64>,
    to: Option<i64>,
    by: i64,
    out: &mut Vec<Value>,
) -> Result<(), String> {
    let Value::List(items) = value else {
        return Err(format!("{} is not array or slice", go_type(value)));
    };
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let clamp = |at: i64| {
        if at < 0 {
            (at + length).max(0)
        } else {
            at.min(length)
        }
    };
    let (from, to) = (clamp(from.unwrap_or(0)), clamp(to.unwrap_or(length)));
    let by = usize::try_from(by)
        .ok()
        .filter(|by| *by > 0)
        .ok_or("step must be > 0")?;
    let range = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
    if range.start < range.end {
        out.extend(items[range].iter().step_by(by).cloned());
    }
    Ok(())
}

fn children(value: &Value, out: &mut Vec<Value>) {
    match value {
        Value::List(items) => out.extend(items.iter().cloned()),
        Value::Map(map) => out.extend(map.entries().iter().map(|(_, value)| value.clone())),
        _ => {}
    }
}

/// A value and all that is in it.
fn descend(value: &Value, out: &mut Vec<Value>) {
    if out.len() > MOST_RESULTS {
        return;
    }
    out.push(value.clone());
    match value {
        Value::List(items) => items.iter().for_each(|item| descend(item, out)),
        Value::Map(map) => map
            .entries()
            .iter()
            .for_each(|(_, item)| descend(item, out)),
        _ => {}
    }
}

fn holds(filter: &Filter, item: &Value, root: &Value) -> Result<bool, String> {
    let left = walk(&filter.left, vec![item.clone()], root)?;
    if filter.operator == "exists" {
        return Ok(!left.is_empty());
    }
    let right = walk(&filter.right, vec![item.clone()], root)?;
    let ([left], [right]) = (left.as_slice(), right.as_slice()) else {
        if left.len() > 1 || right.len() > 1 {
            return Err("can only compare one element at a time".to_owned());
        }
        return Ok(false);
    };
    let order = match (left, right) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.to_string().cmp(&b.to_string()),
        },
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => return Err("incompatible types for comparison".to_owned()),
    };
    Ok(match filter.operator.as_str() {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    })
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    }
}

/// As Go's `%#v` prints such a value.
pub(super) fn go(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quote(text),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(go).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Map(map) => {
            let entries: Vec<String> = map
                .entries()
                .iter()
                .map(|(key, value)| format!("{}:{}", quote(key), go(value)))
                .collect();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{items: [{name: a, port: 80, labels: {x.io/y: z}}, {name: b, port: 81, up: true}], kind: List}";

    fn print(template: &str) -> Result<String, String> {
        let value = Value::from(&crate::yaml::read(TEXT).documents[0]);
        Template::parse(template)?.print(&value, false)
    }

    #[test]
    fn paths_ranges_and_filters() {
        for (template, wanted) in [
            ("{.kind}", "List"),
            ("kind={.kind}!", "kind=List!"),
            ("{.items[*].name}", "a b"),
            ("{.items[0].port}", "80"),
            ("{.items[-1:].name}", "b"),
            ("{.items[0:1].name}", "a"),
            ("{.items[?(@.name==\"b\")].port}", "81"),
            ("{.items[?(@.port>80)].name}", "b"),
            ("{.items[?(@.up)].name}", "b"),
            ("{..name}", "a b"),
            (
                "{range .items[*]}{.name}{\"\\t\"}{.port}{\"\\n\"}{end}",
                "a\t80\nb\t81\n",
            ),
            ("{.items[0].labels.x\\.io/y}", "z"),
            ("{.items[0].labels['x\\.io/y']}", "z"),
            ("{.items[0]['name','port']}", "a 80"),
            ("{.items[0].labels}", "{\"x.io/y\":\"z\"}"),
            ("{.none.deeper}", ""),
            (
                "{range .items[*]}{.name}{range .labels}{.}{end},{end}",
                "a{\"x.io/y\":\"z\"},b,",
            ),
        ] {
            assert_eq!(print(template).as_deref(), Ok(wanted), "{template}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (template, wanted) in [
            ("{.a", "unclosed action"),
            (
                "{.items[5]}",
                "array index out of bounds: index 5, length 2",
            ),
            ("{range .items[*]}", "not close range"),
            ("{end}", "not in range, nothing to end"),
            ("{.items[}", "unterminated array"),
            ("{name}", "unrecognized identifier name"),
        ] {
            assert_eq!(print(template).unwrap_err(), wanted, "{template}");
        }
    }

    #[test]
    fn relaxed_expressions() {
        for text in [
            "metadata.name",
            ".metadata.name",
            "{metadata.name}",
            "{.metadata.name}",
        ] {
            assert_eq!(relaxed(text).unwrap(), "{.metadata.name}");
        }
        assert!(relaxed("{a").is_err());
    }
}
