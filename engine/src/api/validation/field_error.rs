//! One error of validation: a field, what kind of wrong, and its text.
//!
//! As `field.Error` in k8s.io/apimachinery `pkg/util/validation/field/errors.go` (v0.30.5),
//! which prints values as Go does.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::api::FieldPath;

/// What kind of wrong a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FieldErrorKind {
    /// It has to be there.
    Required,
    /// It appears twice, and must be unique.
    Duplicate,
    /// It is malformed, or out of range.
    Invalid,
    /// It is not one of the values that it may have.
    NotSupported,
    /// It must not be there, with the rest as it is.
    Forbidden,
    /// It is too long; the text does not repeat it.
    TooLong,
    /// It has too many elements.
    TooMany,
}

impl FieldErrorKind {
    /// As the API server prints it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
        }
    }
}

impl fmt::Display for FieldErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The value that was refused, as far as the text shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BadValue {
    /// A text, printed in Go's quotes.
    Text(String),
    /// A number.
    Number(i64),
    /// The value `nil`, printed as `null`.
    Null,
    /// Anything else, as Go's `%#v` prints it.
    Go(String),
}

impl BadValue {
    /// A list of texts.
    #[must_use]
    pub fn list(texts: &[String]) -> Self {
        // An absent list and an empty one are told apart in Go, and not here. In all places where
        // the API server prints an empty one, it was absent.
        if texts.is_empty() {
            return Self::Go("[]string(nil)".to_owned());
        }
        let quoted: Vec<String> = texts.iter().map(|text| quote(text)).collect();
        Self::Go(format!("[]string{{{}}}", quoted.join(", ")))
    }
}

impl From<&str> for BadValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for BadValue {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i32> for BadValue {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&quote(text)),
            Self::Number(number) => number.fmt(f),
            Self::Null => f.write_str("null"),
            Self::Go(text) => f.write_str(text),
        }
    }
}

/// One error of validation. It prints as the API server's: `FIELD: KIND: VALUE: DETAIL`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field as the API server names it. It has its oddities: a map is named as a whole, and
    /// `spec.LoadBalancerSourceRanges` begins with a capital letter.
    pub field: FieldPath,
    /// The field as it stands in a manifest.
    pub at: FieldPath,
    /// What kind of wrong.
    pub kind: FieldErrorKind,
    /// The value, where the text shows it.
    pub value: Option<BadValue>,
    /// Why; may be empty.
    pub detail: String,
}

impl FieldError {
    /// Has to be there.
    #[must_use]
    pub fn required(field: &FieldPath, detail: impl Into<String>) -> Self {
        Self::new(field, FieldErrorKind::Required, None, detail)
    }

    /// Is malformed, or out of range.
    #[must_use]
    pub fn invalid(
        field: &FieldPath,
        value: impl Into<BadValue>,
        detail: impl Into<String>,
    ) -> Self {
        Self::new(field, FieldErrorKind::Invalid, Some(value.into()), detail)
    }

    /// Appears twice.
    #[must_use]
    pub fn duplicate(field: &FieldPath, value: impl Into<BadValue>) -> Self {
        Self::new(field, FieldErrorKind::Duplicate, Some(value.into()), "")
    }

    /// Must not be there.
    #[must_use]
    pub fn forbidden(field: &FieldPath, detail: impl Into<String>) -> Self {
        Self::new(field, FieldErrorKind::Forbidden, None, detail)
    }

    /// Has more elements than it may have.
    #[must_use]
    pub fn too_many(field: &FieldPath, actual: usize, most: usize) -> Self {
        Self::new(
            field,
            FieldErrorKind::TooMany,
            Some(BadValue::Number(i64::try_from(actual).unwrap_or(i64::MAX))),
            format!("must have at most {most} items"),
        )
    }

    /// Is none of the supported values, which are listed in the order given.
    #[must_use]
    pub fn not_supported(field: &FieldPath, value: impl Into<BadValue>, valid: &[&str]) -> Self {
        let quoted: Vec<String> = valid.iter().map(|text| quote(text)).collect();
        Self::new(
            field,
            FieldErrorKind::NotSupported,
            Some(value.into()),
            format!("supported values: {}", quoted.join(", ")),
        )
    }

    /// Is too long.
    #[must_use]
    pub fn too_long(field: &FieldPath, max_bytes: usize) -> Self {
        Self::new(
            field,
            FieldErrorKind::TooLong,
            None,
            format!("must have at most {max_bytes} bytes"),
        )
    }

    /// The same, at a field of the manifest that is not the one named.
    #[must_use]
    pub fn placed_at(mut self, at: FieldPath) -> Self {
        self.at = at;
        self
    }

    /// Where to look for it in a manifest, the closest place first: the field itself, then what
    /// it is in, up to the object.
    ///
    /// Validation sees fields that were filled in. So `clusterIPs` leads to `clusterIP`, from which
    /// it is filled in.
    pub fn places(&self) -> impl Iterator<Item = FieldPath> {
        let mut places = Vec::new();
        let mut next = Some(self.at.clone());
        while let Some(place) = next {
            next = place.parent();
            let is_list = place.as_str() == "spec.clusterIPs";
            places.push(place);
            if is_list {
                places.push(FieldPath::new("spec.clusterIP"));
            }
        }
        places.into_iter()
    }

    fn new(
        field: &FieldPath,
        kind: FieldErrorKind,
        value: Option<BadValue>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            field: field.clone(),
            at: field.clone(),
            kind,
            value,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.kind)?;
        if let Some(value) = &self.value {
            write!(f, ": {value}")?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldError {}

/// Several errors in one text, as `errors.NewAggregate` joins them: in brackets when there is more
/// than one, each text once.
#[must_use]
pub fn aggregate(errors: &[FieldError]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for error in errors {
        let text = error.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    match texts.as_slice() {
        [text] => text.clone(),
        texts => format!("[{}]", texts.join(", ")),
    }
}

/// A text in Go's quotes, as `%q` prints it (`strconv.Quote`).
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if is_print(c) => out.push(c),
            c => {
                let code = u32::from(c);
                // Writing into a String cannot fail.
                let _ = match code {
                    0..0x20 | 0x7f => write!(out, "\\x{code:02x}"),
                    0x80..0x1_0000 => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push('"');
    out
}

/// Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space.
fn is_print(c: char) -> bool {
    // Rust's own debug form escapes the same general categories. It also escapes a mark that
    // extends the character before it, but only at the start of a text: hence the letter.
    let mut buffer = String::from("a");
    buffer.push(c);
    c == '"' || c == '\'' || c == '\\' || buffer.escape_debug().nth(1) == Some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_field_kind_value_detail() {
        let field = FieldPath::new("spec.ports[0].port");
        assert_eq!(
            FieldError::invalid(&field, 0, "must be positive").to_string(),
            "spec.ports[0].port: Invalid value: 0: must be positive"
        );
        assert_eq!(
            FieldError::required(&field, "").to_string(),
            "spec.ports[0].port: Required value"
        );
        assert_eq!(
            FieldError::not_supported(&field, "c", &["a", "b"]).to_string(),
            r#"spec.ports[0].port: Unsupported value: "c": supported values: "a", "b""#
        );
    }

    #[test]
    fn its_places_go_from_the_field_up_to_the_object() {
        let error = FieldError::required(&FieldPath::new("spec.clusterIPs[0]"), "");
        let places: Vec<String> = error.places().map(|place| place.to_string()).collect();
        assert_eq!(
            places,
            [
                "spec.clusterIPs[0]",
                "spec.clusterIPs",
                "spec.clusterIP",
                "spec",
                ""
            ]
        );
    }

    #[test]
    fn quotes_are_those_of_go() {
        assert_eq!(quote("a\"b\\c"), r#""a\"b\\c""#);
        assert_eq!(quote("\n\t\0\u{7f}\u{7}"), r#""\n\t\x00\x7f\a""#);
        assert_eq!(quote("späti 日本 🙂"), "\"späti 日本 🙂\"");
        assert_eq!(quote("e\u{301}"), "\"e\u{301}\"", "a combining mark prints");
        assert_eq!(quote("\u{301}"), "\"\u{301}\"", "even at the start");
        assert_eq!(
            quote("\u{a0}\u{200b}\u{e0001}"),
            r#""\u00a0\u200b\U000e0001""#
        );
        assert_eq!(quote("\u{85}"), r#""\u0085""#);
    }

    #[test]
    fn an_aggregate_has_brackets_and_no_text_twice() {
        let error = |n: i32| FieldError::invalid(&FieldPath::new("a"), n, "no");
        assert_eq!(aggregate(&[error(1), error(1)]), "a: Invalid value: 1: no");
        assert_eq!(
            aggregate(&[error(1), error(2), error(1)]),
            "[a: Invalid value: 1: no, a: Invalid value: 2: no]"
        );
    }
}
