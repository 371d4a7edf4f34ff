//! The syntax of a Corefile: words, lines and braces, before any plugin looks at them.
//!
//! As in Caddy v1, from which CoreDNS has it (coredns/caddy `caddyfile/lexer.go`, `parse.go`): a
//! word ends at white space, a quoted word at its quote, a `#` anywhere outside quotes hides the
//! rest of its line, a `{` at the end of a line opens a block, `(name)` in front of a block makes it
//! a snippet, and `import name` puts a snippet's lines there. Left out, and said so where met:
//! importing files, environment variables.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Place, Span};
use crate::limits::{MAX_COREFILE_LINES, MAX_DEPTH, MAX_TEXT_BYTES};

/// One word and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) span: Span,
}

/// One line: a directive, its arguments and the block behind it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) word: Word,
    pub(super) args: Vec<Word>,
    pub(super) block: Vec<Line>,
}

impl Line {
    /// From the directive to its last argument.
    pub(super) fn span(&self) -> Span {
        let last = self.args.last().unwrap_or(&self.word);
        self.word.span.to(last.span)
    }
}

/// A server block: the zones it is for, and its lines.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) keys: Vec<Word>,
    pub(super) lines: Vec<Line>,
}

/// Reads the blocks of a text. The first error ends the reading, as in CoreDNS.
pub(super) fn read(text: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Block> {
    if text.len() > MAX_TEXT_BYTES {
        diagnostics.push(Diagnostic::error(
            format!("a Corefile may have at most {MAX_TEXT_BYTES} bytes"),
            None,
        ));
        return Vec::new();
    }
    let mut reader = Reader {
        words: words(text, diagnostics),
        at: 0,
        snippets: BTreeMap::new(),
        imported: 0,
    };
    let mut blocks = Vec::new();
    while reader.at < reader.words.len() {
        match reader.block() {
            Ok(Some(block)) => blocks.push(block),
            Ok(None) => {}
            Err(error) => {
                diagnostics.push(*error);
                break;
            }
        }
    }
    blocks
}

/// What is said of a closing brace too many.
const UNMATCHED: &str = "Unexpected '}' because no matching opening brace";

/// An error, on the heap because it is seldom and large.
type Fault = Box<Diagnostic>;

fn fault(message: impl Into<String>, span: impl Into<Option<Span>>) -> Fault {
    Box::new(Diagnostic::error(message, span))
}

struct Reader {
    words: Vec<Word>,
    at: usize,
    snippets: BTreeMap<String, Vec<Line>>,
    /// Lines that imports have made so far.
    imported: usize,
}

impl Reader {
    /// One server block; `None` for a snippet.
    fn block(&mut self) -> Result<Option<Block>, Fault> {
        let mut keys: Vec<Word> = Vec::new();
        let mut another = false;
        let mut line = None;
        while let Some(word) = self.words.get(self.at) {
            if word.text == "}" {
                return Err(fault(UNMATCHED, word.span));
            }
            if word.text == "{" {
                if another {
                    return Err(fault(
                        "Expected another address but had '{' - check for extra comma",
                        word.span,
                    ));
                }
                break;
            }
            if !another && line.is_some_and(|line| line != word.span.start.line) {
                break;
            }
            let mut key = word.clone();
            line = Some(word.span.end.line);
            another = key.text.ends_with(',');
            if another {
                key.text.pop();
            }
            if !key.text.is_empty() {
                keys.push(key);
            }
            self.at += 1;
        }
        let opened = self.words.get(self.at).is_some_and(|word| word.text == "{");
        if opened {
            self.at += 1;
        }
        let lines = self.lines(opened, 0)?;
        let snippet = match keys.as_slice() {
            [key] => key
                .text
                .strip_prefix('(')
                .and_then(|rest| rest.strip_suffix(')'))
                .map(|name| (name.to_owned(), key.span)),
            _ => None,
        };
        if let Some((name, span)) = snippet {
            if self.snippets.contains_key(&name) {
                return Err(fault(
                    format!("redeclaration of previously declared snippet {name}"),
                    span,
                ));
            }
            self.snippets.insert(name, lines);
            return Ok(None);
        }
        Ok(Some(Block { keys, lines }))
    }

    /// The lines up to the closing brace, or to the end of the text where none was opened.
    fn lines(&mut self, opened: bool, depth: usize) -> Result<Vec<Line>, Fault> {
        let mut lines = Vec::new();
        loop {
            let Some(word) = self.words.get(self.at).cloned() else {
                if opened {
                    return Err(fault("Unexpected EOF: a } is missing", self.last()));
                }
                return Ok(lines);
            };
            self.at += 1;
            if word.text == "}" {
                if opened {
                    return Ok(lines);
                }
                return Err(fault(UNMATCHED, word.span));
            }
            if word.text == "{" {
                return Err(fault("Unexpected '{'", word.span));
            }
            let line = self.line(word, depth)?;
            if line.word.text == "import" {
                self.import(&line, &mut lines)?;
            } else {
                lines.push(line);
            }
        }
    }

    /// The arguments of a line, and the block behind it.
    fn line(&mut self, word: Word, depth: usize) -> Result<Line, Fault> {
        let mut end = word.span.end.line;
        let mut line = Line {
            word,
            args: Vec::new(),
            block: Vec::new(),
        };
        while let Some(next) = self.words.get(self.at) {
            if next.span.start.line != end || next.text == "}" {
                break;
            }
            if next.text == "{" {
                if depth >= MAX_DEPTH {
                    return Err(fault(
                        format!("blocks may be nested at most {MAX_DEPTH} deep"),
                        next.span,
                    ));
                }
                self.at += 1;
                line.block = self.lines(true, depth + 1)?;
                break;
            }
            end = next.span.end.line;
            line.args.push(next.clone());
            self.at += 1;
        }
        Ok(line)
    }

    /// Puts a snippet's lines in the place of an `import`.
    fn import(&mut self, import: &Line, lines: &mut Vec<Line>) -> Result<(), Fault> {
        let [name] = import.args.as_slice() else {
            return Err(fault(
                "Import takes only one argument (glob pattern or file)",
                import.span(),
            ));
        };
        let Some(snippet) = self.snippets.get(&name.text) else {
            let message = format!("File to import not found: {}", name.text);
            let hint = "files are not read here; a snippet has to stand before its import";
            return Err(Box::new(
                Diagnostic::error(message, name.span).with_hint(hint),
            ));
        };
        self.imported += count(snippet);
        if self.imported > MAX_COREFILE_LINES {
            return Err(fault(
                format!("imports may make at most {MAX_COREFILE_LINES} lines"),
                import.span(),
            ));
        }
        lines.extend(snippet.iter().cloned());
        Ok(())
    }

    fn last(&self) -> Option<Span> {
        self.words.last().map(|word| word.span)
    }
}

/// How many lines these are, with those of their blocks.
fn count(lines: &[Line]) -> usize {
    lines.iter().map(|line| 1 + count(&line.block)).sum()
}

/// Splits a text into words.
fn words(text: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut place = Place {
        offset: 0,
        line: 1,
        column: 1,
    };
    let mut characters = text.chars().peekable();
    // The byte order mark is no word.
    if characters.peek() == Some(&'\u{feff}') {
        step(&mut place, '\u{feff}');
        characters.next();
    }
    let mut word: Option<Word> = None;
    let mut comment = false;
    while let Some(character) = characters.next() {
        let start = place;
        step(&mut place, character);
        if character.is_whitespace() {
            comment &= character != '\n';
            // A carriage return inside a word is dropped; it does not end the word.
            if character != '\r' {
                words.extend(word.take());
            }
            continue;
        }
        comment |= character == '#';
        if comment {
            continue;
        }
        if word.is_none() && character == '"' {
            let mut quoted = String::new();
            let mut escaped = false;
            for character in characters.by_ref() {
                step(&mut place, character);
                match character {
                    '"' if !escaped => break,
                    '\\' if !escaped => {
                        escaped = true;
                        continue;
                    }
                    '"' => quoted.push('"'),
                    other => {
                        if escaped {
                            quoted.push('\\');
                        }
                        quoted.push(other);
                    }
                }
                escaped = false;
            }
            words.push(Word {
                text: quoted,
                span: Span::new(start, place),
            });
            continue;
        }
        let word = word.get_or_insert_with(|| Word {
            text: String::new(),
            span: Span::new(start, place),
        });
        word.text.push(character);
        word.span.end = place;
    }
    words.extend(word);
    for word in &mut words {
        let (text, replaced) = without_variables(&word.text);
        if replaced {
            diagnostics.push(
                Diagnostic::warning(
                    format!("{}: environment variables are not modelled", word.text),
                    word.span,
                )
                .with_hint("it is read as if the variable were not set"),
            );
            word.text = text;
        }
    }
    words
}

/// The text with every `{$NAME}` and `{%NAME%}` taken out, and whether there were any.
fn without_variables(text: &str) -> (String, bool) {
    let mut left = text.to_owned();
    let mut replaced = false;
    for (open, close) in [("{$", "}"), ("{%", "%}")] {
        while let Some(start) = left.find(open) {
            let Some(length) = left[start..].find(close) else {
                break;
            };
            left.replace_range(start..start + length + close.len(), "");
            replaced = true;
        }
    }
    (left, replaced)
}

/// Moves a place past a character.
fn step(place: &mut Place, character: char) {
    // A text is at most MAX_TEXT_BYTES long, far below 2^32.
    place.offset += u32::try_from(character.len_utf8()).unwrap_or(u32::MAX);
    if character == '\n' {
        place.line += 1;
        place.column = 1;
    } else {
        place.column += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(lines: &[Line], out: &mut String) {
        for line in lines {
            out.push_str(&line.word.text);
            for arg in &line.args {
                out.push(' ');
                out.push_str(&arg.text);
            }
            if !line.block.is_empty() {
                out.push('{');
                show(&line.block, out);
                out.push('}');
            }
            out.push(';');
        }
    }

    fn read_text(text: &str) -> (String, Vec<String>) {
        let mut diagnostics = Vec::new();
        let blocks = read(text, &mut diagnostics);
        let mut out = String::new();
        for block in &blocks {
            for key in &block.keys {
                out.push_str(&key.text);
                out.push(' ');
            }
            out.push('{');
            show(&block.lines, &mut out);
            out.push('}');
        }
        let messages = diagnostics.into_iter().map(|d| d.message).collect();
        (out, messages)
    }

    #[test]
    fn blocks_comments_quotes_and_snippets() {
        let (out, messages) = read_text(
            "# first\n(base) {\n  errors\n  health {\n lameduck 5s\n }\n}\n\
             a.example, \n b.example:53 {\n import base\n log \"a \\\"b\\\"\" # gone\n}\n. {\n}\n",
        );
        assert_eq!(
            out,
            "a.example b.example:53 {errors;health{lameduck 5s;};log a \"b\";}. {}"
        );
        assert!(messages.is_empty());
    }

    #[test]
    fn one_block_needs_no_braces() {
        assert_eq!(read_text(".:53\nerrors\nlog .\n").0, ".:53 {errors;log .;}");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, message) in [
            (". {\n errors\n", "Unexpected EOF: a } is missing"),
            (
                ". {\n}\n}",
                "Unexpected '}' because no matching opening brace",
            ),
            (". {\n import nosuch\n}", "File to import not found: nosuch"),
            (
                "a, {\n}",
                "Expected another address but had '{' - check for extra comma",
            ),
        ] {
            assert_eq!(read_text(text).1, [message], "{text}");
        }
        let mut diagnostics = Vec::new();
        read(". {\n  import x\n}", &mut diagnostics);
        let place = diagnostics[0].span.unwrap().start;
        assert_eq!((place.line, place.column, place.offset), (2, 10, 13));
    }

    #[test]
    fn imports_do_not_grow_without_bound() {
        let mut text = String::from("(s0) {\n errors\n}\n");
        for level in 1..40 {
            let below = level - 1;
            text.push_str(&format!(
                "(s{level}) {{\n import s{below}\n import s{below}\n}}\n"
            ));
        }
        assert_eq!(read_text(&text).1.len(), 1);
        let deep = "x {\n".repeat(1000);
        assert_eq!(read_text(&deep).1.len(), 1);
    }
}
