//! The text of a template: actions, steps, brackets.

use super::{Filter, Step};
use crate::kubectl::tree::{Number, Value};

/// Where the brace is that closes an action: braces in quotes do not count.
pub(super) fn end_of_action(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (None, '}') => return Some(at),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

pub(super) fn steps_of(text: &str) -> Result<Vec<Step>, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    let mut steps = Vec::new();
    while at < chars.len() {
        match chars[at] {
            ' ' | '\t' | '\n' | '\r' => at += 1,
            '$' => {
                steps.push(Step::Root);
                at += 1;
            }
            '@' => {
                steps.push(Step::Current);
                at += 1;
            }
            '.' if chars.get(at + 1) == Some(&'.') => {
                steps.push(Step::Recursive);
                // What follows is a field again, or a bracket.
                at += if chars.get(at + 2).is_some_and(|c| *c != '[') {
                    1
                } else {
                    2
                };
            }
            '.' => {
                let (name, next) = name_at(&chars, at + 1);
                at = next;
                match name.as_str() {
                    "*" => steps.push(Step::Wildcard),
                    "" => {}
                    _ => steps.push(Step::Field(name)),
                }
            }
            '[' => {
                let close = bracket_end(&chars, at).ok_or("unterminated array")?;
                let inner: String = chars[at + 1..close].iter().collect();
                steps.push(bracket(inner.trim())?);
                at = close + 1;
            }
            c @ ('\'' | '"') => {
                let (text, next) = quoted(&chars, at, c)?;
                steps.push(Step::Text(text));
                at = next;
            }
            c if c.is_ascii_digit() || c == '-' || c == '+' => {
                let end = chars[at + 1..]
                    .iter()
                    .position(|c| !c.is_ascii_digit() && *c != '.')
                    .map_or(chars.len(), |length| at + 1 + length);
                let word: String = chars[at..end].iter().collect();
                let number = word
                    .parse::<i64>()
                    .map(Number::Int)
                    .or_else(|_| word.parse::<f64>().map(Number::Float));
                steps.push(Step::Literal(Value::Number(
                    number.map_err(|_| format!("cannot parse number {word}"))?,
                )));
                at = end;
            }
            c if c.is_alphabetic() || c == '_' => {
                let (word, next) = name_at(&chars, at);
                at = next;
                match word.as_str() {
                    "true" => steps.push(Step::Literal(Value::Bool(true))),
                    "false" => steps.push(Step::Literal(Value::Bool(false))),
                    _ => return Err(format!("unrecognized identifier {word}")),
                }
            }
            c => {
                return Err(format!(
                    "unrecognized character in action: U+{:04X} '{c}'",
                    u32::from(c)
                ));
            }
        }
    }
    Ok(steps)
}

/// A name, in which a backslash takes the next character as it is.
fn name_at(chars: &[char], from: usize) -> (String, usize) {
    let mut name = String::new();
    let mut at = from;
    while let Some(&c) = chars.get(at) {
        match c {
            '\\' => {
                at += 1;
                name.extend(chars.get(at));
            }
            ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}' | '='
            | '<' | '>' | '!' | '(' | ')' | '\'' | '"' => break,
            c => name.push(c),
        }
        at += 1;
    }
    (name, at.min(chars.len()))
}

fn quoted(chars: &[char], from: usize, quote: char) -> Result<(String, usize), String> {
    let mut text = String::new();
    let mut at = from + 1;
    while let Some(&c) = chars.get(at) {
        if c == '\\' {
            at += 1;
            match chars.get(at) {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some(c) => text.push(*c),
                None => break,
            }
        } else if c == quote {
            return Ok((text, at + 1));
        } else {
            text.push(c);
        }
        at += 1;
    }
    Err("unterminated quoted string".to_owned())
}

/// The bracket that closes the one at `from`.
fn bracket_end(chars: &[char], from: usize) -> Option<usize> {
    let mut depth = 0;
    let mut open_quote = None;
    let mut at = from;
    while at < chars.len() {
        match (open_quote, chars[at]) {
            (_, '\\') => at += 1,
            (None, '[') => depth += 1,
            (None, ']') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            (None, c @ ('\'' | '"')) => open_quote = Some(c),
            (Some(open), c) if open == c => open_quote = None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Cuts at a character that is in no quotes and brackets.
fn split_outside(text: &str, by: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quote, mut depth, mut escaped) = (None, 0, false);
    for c in text.chars() {
        let mut cut = false;
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth -= 1,
            (None, c) if c == by && depth == 0 => cut = true,
            _ => {}
        }
        if cut {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts
}

fn bracket(inner: &str) -> Result<Step, String> {
    if inner == "*" {
        return Ok(Step::Wildcard);
    }
    if let Some(filter) = inner
        .strip_prefix("?(")
        .and_then(|rest| rest.strip_suffix(')'))
    {
        for operator in ["==", "!=", "<=", ">=", "<", ">"] {
            let parts = split_operator(filter, operator);
            if let Some((left, right)) = parts {
                return Ok(Step::Filter(Box::new(Filter {
                    left: steps_of(left.trim())?,
                    operator: operator.to_owned(),
                    right: steps_of(right.trim())?,
                })));
            }
        }
        return Ok(Step::Filter(Box::new(Filter {
            left: steps_of(filter.trim())?,
            operator: "exists".to_owned(),
            right: Vec::new(),
        })));
    }
    let parts = split_outside(inner, ',');
    if parts.len() > 1 {
        let union = parts
            .iter()
            .map(|part| {
                let part = part.trim();
                if part.starts_with(['@', '$', '.']) {
                    steps_of(part)
                } else {
                    Ok(vec![bracket(part)?])
                }
            })
            .collect::<Result<_, String>>()?;
        return Ok(Step::Union(union));
    }
    let chars: Vec<char> = inner.chars().collect();
    if let Some(&open @ ('\'' | '"')) = chars.first() {
        let (name, _) = quoted(&chars, 0, open)?;
        return Ok(Step::Field(name));
    }
    let numbers: Vec<&str> = inner.split(':').collect();
    let number = |text: &str| -> Result<Option<i64>, String> {
        match text.trim() {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| format!("invalid array index {inner}")),
        }
    };
    match numbers.as_slice() {
        [one] if !one.is_empty() => number(one)?
            .map(Step::Index)
            .ok_or_else(|| format!("invalid array index {inner}")),
        [from, to] => Ok(Step::Slice(number(from)?, number(to)?, 1)),
        [from, to, step] => Ok(Step::Slice(
            number(from)?,
            number(to)?,
            number(step)?.unwrap_or(1),
        )),
        _ => Err(format!("invalid array index {inner}")),
    }
}

fn split_operator<'a>(text: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, _) if text[at..].starts_with(operator) => {
                return Some((&text[..at], &text[at + operator.len()..]));
            }
            _ => {}
        }
    }
    None
}
