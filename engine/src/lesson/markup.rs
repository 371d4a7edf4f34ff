//! The markup of a lesson's texts: paragraphs, lists, code, emphasis, links to the documentation.
//!
//! ```text
//! A paragraph ends at an empty line. `code`, *emphasis*, **strong**,
//! [text](https://kubernetes.io/docs/concepts/).
//!
//! - an element of a list,
//!   which goes on while its lines are indented
//!
//!     a line with four blanks before it is code
//! ```
//!
//! A text becomes data, [`Block`]s: whoever shows it makes elements of them, and nothing in it can
//! become anything else. Left out: headings, tables, pictures, raw HTML, links to elsewhere.

/// Where all links lead.
pub const DOCUMENTATION: &str = "https://kubernetes.io/docs/";

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A list's elements.
    List(Vec<Vec<Inline>>),
    /// Lines as they stand.
    Code(String),
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inline {
    /// A text.
    Text(String),
    /// `code`.
    Code(String),
    /// *Emphasis*.
    Emphasis(String),
    /// **Strong**.
    Strong(String),
    /// A link into the documentation.
    Link {
        /// What it says.
        text: String,
        /// Where it leads.
        url: String,
    },
}

/// Reads a text. Never fails: what is no markup is text, and a link to elsewhere is its text.
#[must_use]
pub fn read(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut paragraph = String::new();
    let mut items: Vec<String> = Vec::new();
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        let is_code = line.starts_with("    ") && paragraph.is_empty() && items.is_empty();
        if is_code || (!code.is_empty() && trimmed.is_empty()) {
            code.push_str(line.get(4..).unwrap_or("").trim_end());
            code.push('\n');
        } else if let Some(item) = line.strip_prefix("- ") {
            end_paragraph(&mut paragraph, &mut blocks);
            items.push(item.trim().to_owned());
        } else if !trimmed.is_empty() {
            let open = match items.last_mut() {
                Some(item) if line.starts_with(' ') => item,
                _ => {
                    end_list(&mut items, &mut blocks);
                    &mut paragraph
                }
            };
            if !open.is_empty() {
                open.push(' ');
            }
            open.push_str(trimmed);
        }
        // A line of code that is followed by one of another kind ends it; an empty line ends the rest.
        let goes_on =
            (lines.peek()).is_some_and(|next| next.starts_with("    ") || next.trim().is_empty());
        if !code.is_empty() && !goes_on {
            end_code(&mut code, &mut blocks);
        }
        if trimmed.is_empty() {
            end_paragraph(&mut paragraph, &mut blocks);
            if lines.peek().is_none_or(|next| !next.starts_with("- ")) {
                end_list(&mut items, &mut blocks);
            }
        }
    }
    end_code(&mut code, &mut blocks);
    end_paragraph(&mut paragraph, &mut blocks);
    end_list(&mut items, &mut blocks);
    blocks
}

fn end_code(code: &mut String, blocks: &mut Vec<Block>) {
    let text = std::mem::take(code);
    let text = text.trim_end_matches('\n');
    if !text.is_empty() {
        blocks.push(Block::Code(text.to_owned()));
    }
}

fn end_paragraph(paragraph: &mut String, blocks: &mut Vec<Block>) {
    if !paragraph.is_empty() {
        blocks.push(Block::Paragraph(inlines(&std::mem::take(paragraph))));
    }
}

fn end_list(items: &mut Vec<String>, blocks: &mut Vec<Block>) {
    if !items.is_empty() {
        let items = std::mem::take(items);
        blocks.push(Block::List(
            items.iter().map(|item| inlines(item)).collect(),
        ));
    }
}

/// Reads a line.
#[must_use]
pub fn inlines(text: &str) -> Vec<Inline> {
    let mut found = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let marked = match first {
            '`' => between(rest, "`", "`").map(|(code, rest)| (Inline::Code(code), rest)),
            '*' => between(rest, "**", "**")
                .map(|(text, rest)| (Inline::Strong(text), rest))
                .or_else(|| {
                    between(rest, "*", "*").map(|(text, rest)| (Inline::Emphasis(text), rest))
                }),
            '[' => link(rest).map(|(text, url, rest)| {
                let inline = if is_documentation(&url) {
                    Inline::Link { text, url }
                } else {
                    Inline::Text(text)
                };
                (inline, rest)
            }),
            _ => None,
        };
        if let Some((inline, after)) = marked {
            if !plain.is_empty() {
                found.push(Inline::Text(std::mem::take(&mut plain)));
            }
            found.push(inline);
            rest = after;
        } else {
            plain.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    if !plain.is_empty() {
        found.push(Inline::Text(plain));
    }
    found
}

/// The text between two marks, which begins and ends with no blank, and what follows.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<(String, &'a str)> {
    let inside = text.strip_prefix(open)?;
    let end = inside.find(close)?;
    let own = &inside[..end];
    let is_tight = !own.is_empty() && own.trim() == own;
    is_tight.then(|| (own.to_owned(), &inside[end + close.len()..]))
}

/// `[text](url)`, and what follows.
fn link(text: &str) -> Option<(String, String, &str)> {
    let (label, rest) = text.strip_prefix('[')?.split_once(']')?;
    let (url, rest) = rest.strip_prefix('(')?.split_once(')')?;
    Some((label.to_owned(), url.to_owned(), rest))
}

/// Whether an address is one of the Kubernetes documentation.
#[must_use]
pub fn is_documentation(url: &str) -> bool {
    url.strip_prefix(DOCUMENTATION).is_some_and(|path| {
        path.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_/.#".contains(&byte))
            && !path.contains("..")
    })
}

/// What is wrong with a text: links that lead elsewhere.
#[must_use]
pub(super) fn problems(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        rest = &rest[at..];
        match link(rest) {
            Some((_, url, after)) => {
                if !is_documentation(&url) {
                    found.push(format!(
                        "a link leads to {url:?}: links lead to {DOCUMENTATION} alone"
                    ));
                }
                rest = after;
            }
            None => rest = &rest[1..],
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Inline {
        Inline::Text(text.to_owned())
    }

    #[test]
    fn blocks() {
        let read = read("one\ntwo `x`\n\n- a\n  b\n- c\n\n    code\n      more\n\nend");
        assert_eq!(
            read,
            [
                Block::Paragraph(vec![text("one two "), Inline::Code("x".into())]),
                Block::List(vec![vec![text("a b")], vec![text("c")]]),
                Block::Code("code\n  more".into()),
                Block::Paragraph(vec![text("end")]),
            ]
        );
    }

    #[test]
    fn code_may_hold_empty_lines_and_ends_at_the_text() {
        assert_eq!(
            read("    a\n\n    b\nc\n"),
            [
                Block::Code("a\n\nb".into()),
                Block::Paragraph(vec![text("c")])
            ]
        );
        assert_eq!(read(""), []);
    }

    #[test]
    fn marks_in_a_line() {
        assert_eq!(
            inlines("a *b* **c** 2 * 3 * 4 `*`"),
            [
                text("a "),
                Inline::Emphasis("b".into()),
                text(" "),
                Inline::Strong("c".into()),
                text(" 2 * 3 * 4 "),
                Inline::Code("*".into()),
            ]
        );
    }

    #[test]
    fn links_lead_to_the_documentation_alone() {
        let url = format!("{DOCUMENTATION}concepts/services-networking/service/#headless-services");
        assert_eq!(
            inlines(&format!("[S]({url}).")),
            [
                Inline::Link {
                    text: "S".into(),
                    url
                },
                text(".")
            ]
        );
        for url in [
            "javascript:alert",
            "https://kubernetes.io.example/docs/",
            "https://kubernetes.io/docs/../x",
            "https://kubernetes.io/docs/\u{202e}",
        ] {
            assert_eq!(inlines(&format!("[S]({url})")), [text("S")], "{url}");
            assert_eq!(problems(&format!("x [S]({url})")).len(), 1, "{url}");
        }
        assert_eq!(problems("a list[0] is no link"), [""; 0]);
    }
}
