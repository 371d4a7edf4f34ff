//! Label selectors as a Corefile writes them: `app=web,tier in (front, back),!legacy`.
//!
//! The words are those of `kubectl -l` (k8s.io/apimachinery `pkg/labels/selector.go`): `=`, `==`,
//! `!=`, `in`, `notin`, a bare key, `!key`. Left out: `<` and `>`, which no structured selector has.

use std::collections::BTreeMap;

use crate::api::{LabelSelector, LabelSelectorRequirement};

/// Reads a selector.
///
/// # Errors
///
/// The part that is none.
pub(super) fn parse(text: &str) -> Result<LabelSelector, String> {
    let mut selector = LabelSelector::default();
    for part in parts(text) {
        let wrong = || part.trim().to_owned();
        let requirement = |key: &str, operator: &str, values: Vec<String>| {
            if is_key(key) {
                Ok(LabelSelectorRequirement {
                    key: key.to_owned(),
                    operator: operator.to_owned(),
                    values,
                })
            } else {
                Err(wrong())
            }
        };
        let part = part.trim();
        let found = if let Some((head, set)) = part.split_once('(') {
            let set = set.strip_suffix(')').ok_or_else(wrong)?;
            let values = set.split(',').map(|value| value.trim().to_owned());
            match head.split_whitespace().collect::<Vec<_>>()[..] {
                [key, "in"] => requirement(key, "In", values.collect())?,
                [key, "notin"] => requirement(key, "NotIn", values.collect())?,
                _ => return Err(wrong()),
            }
        } else if let Some((key, value)) = part.split_once("!=") {
            requirement(key.trim(), "NotIn", vec![value.trim().to_owned()])?
        } else if let Some((key, value)) = part.split_once('=') {
            let value = value.strip_prefix('=').unwrap_or(value).trim();
            requirement(key.trim(), "In", vec![value.to_owned()])?
        } else if let Some(key) = part.strip_prefix('!') {
            requirement(key.trim(), "DoesNotExist", Vec::new())?
        } else {
            requirement(part, "Exists", Vec::new())?
        };
        selector.match_expressions.push(found);
    }
    Ok(selector)
}

/// Whether labels fit a selector.
pub(in crate::dns) fn matches(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    selector
        .match_labels
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
        && selector.match_expressions.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            match requirement.operator.as_str() {
                "In" => value.is_some_and(|value| requirement.values.contains(value)),
                "NotIn" => value.is_none_or(|value| !requirement.values.contains(value)),
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}

/// The parts between the commas that are not in parentheses.
fn parts(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut inside = false;
    for (at, character) in text.char_indices() {
        match character {
            '(' => inside = true,
            ')' => inside = false,
            ',' if !inside => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found
}

/// Whether it can be a label's key, as far as it matters for reading.
fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        matches(&parse(selector).unwrap(), &labels)
    }

    #[test]
    fn every_operator_selects() {
        let web = [("app", "web"), ("tier", "front")];
        for selector in [
            "app=web",
            "app == web",
            "app=web,tier in (front, back)",
            "app!=db",
            "legacy notin (yes)",
            "app",
            "!legacy",
        ] {
            assert!(fits(selector, &web), "{selector}");
        }
        for selector in ["app=db", "legacy", "!app", "tier notin (front)", "x in (y)"] {
            assert!(!fits(selector, &web), "{selector}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in ["", "app=web,", "app on (x)", "app in (x", "a b", "=x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
