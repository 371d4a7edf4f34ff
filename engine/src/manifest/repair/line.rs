//! What one line of a manifest says, taken by itself.

/// A line without its indentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'t> {
    Blank,
    /// `# …`
    Comment,
    /// `---`
    Separator,
    /// `name: value` or `name:`
    Field(Field<'t>),
    /// `- name: value`; `None` for a dash alone.
    Element(Option<Field<'t>>),
    /// `- value`
    Item(&'t str),
    /// A field whose value goes on in lines that cannot be told from others without indentation.
    Open,
    /// Nothing that stands in a manifest.
    Other,
}

/// `name: value`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field<'t> {
    pub name: &'t str,
    pub value: FieldValue<'t>,
}

/// What stands behind the colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldValue<'t> {
    /// Nothing: the value is in the lines below.
    Below,
    /// A scalar, without quotes.
    Scalar(&'t str),
    /// `[…]` or `{…}`
    Flow,
}

impl<'t> Line<'t> {
    pub(super) fn of(line: &'t str) -> Self {
        let line = line.trim();
        if line.is_empty() {
            return Self::Blank;
        }
        if line.starts_with('#') {
            return Self::Comment;
        }
        if let Some(rest) = line.strip_prefix("---") {
            let rest = rest.trim();
            return if rest.is_empty() || rest.starts_with('#') {
                Self::Separator
            } else {
                Self::Other
            };
        }
        if line == "-" {
            return Self::Element(None);
        }
        if let Some(item) = line.strip_prefix("- ") {
            let item = item.trim_start();
            return match field(item) {
                Ok(Some(field)) => Self::Element(Some(field)),
                Ok(None) => match value(item) {
                    Some(FieldValue::Scalar(scalar)) if !item.starts_with("- ") => {
                        Self::Item(scalar)
                    }
                    Some(_) => Self::Other,
                    None => Self::Open,
                },
                Err(()) => Self::Open,
            };
        }
        match field(line) {
            Ok(Some(field)) => Self::Field(field),
            Ok(None) => Self::Other,
            Err(()) => Self::Open,
        }
    }
}

/// The field that a text is; an error when its value does not end with the text.
fn field(text: &str) -> Result<Option<Field<'_>>, ()> {
    let (name, rest) = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let Some((name, rest)) = text[1..].split_once(quote) else {
                return Ok(None);
            };
            (name, rest)
        }
        Some(c) if c.is_ascii_alphanumeric() => {
            let end = text
                .find(|c: char| !(c.is_ascii_alphanumeric() || "._-/".contains(c)))
                .unwrap_or(text.len());
            text.split_at(end)
        }
        _ => return Ok(None),
    };
    let Some(rest) = rest.strip_prefix(':') else {
        return Ok(None);
    };
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return Ok(None);
    }
    let value = value(rest.trim()).ok_or(())?;
    Ok(Some(Field { name, value }))
}

/// A value that ends with its line; `None` when it may not.
fn value(text: &str) -> Option<FieldValue<'_>> {
    let without_comment = |text: &'_ str| -> bool {
        let text = text.trim_start();
        text.is_empty() || text.starts_with('#')
    };
    Some(match text.chars().next() {
        None | Some('#') => FieldValue::Below,
        Some('|' | '>') => return None,
        Some(quote @ ('"' | '\'')) => {
            let end = closing_quote(text, quote)?;
            if !without_comment(&text[end + 1..]) {
                return None;
            }
            FieldValue::Scalar(&text[1..end])
        }
        Some('[' | '{') => {
            let end = closing_bracket(text)?;
            if !without_comment(&text[end + 1..]) {
                return None;
            }
            FieldValue::Flow
        }
        Some(_) => {
            let end = text.find(" #").unwrap_or(text.len());
            FieldValue::Scalar(text[..end].trim_end())
        }
    })
}

fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

fn closing_bracket(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        let scalar = |name, value| Field {
            name,
            value: FieldValue::Scalar(value),
        };
        for (line, expected) in [
            ("", Line::Blank),
            ("  # x", Line::Comment),
            ("--- # x", Line::Separator),
            ("app: backend # why", Line::Field(scalar("app", "backend"))),
            ("\"a b\": 'c # d'", Line::Field(scalar("a b", "c # d"))),
            ("- port: 80", Line::Element(Some(scalar("port", "80")))),
            ("-", Line::Element(None)),
            ("- --flag=x", Line::Item("--flag=x")),
            ("run: |", Line::Open),
            ("args: [a,", Line::Open),
            ("This exposes Pods", Line::Other),
            ("Use cases:", Line::Other),
            ("http://x", Line::Other),
            (") - DNS:", Line::Other),
            ("kubectl get svc", Line::Other),
        ] {
            assert_eq!(Line::of(line), expected, "{line}");
        }
        for (line, value) in [
            ("spec: # x", FieldValue::Below),
            ("args: [\"]\", b] # c", FieldValue::Flow),
        ] {
            assert!(
                matches!(Line::of(line), Line::Field(field) if field.value == value),
                "{line}"
            );
        }
    }
}
