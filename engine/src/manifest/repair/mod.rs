//! Manifests whose indentation was lost, as when a web page is copied, and manifests with a page's
//! text around them.
//!
//! Without indentation the lines still have their names, and the schema says which name may stand
//! in what: [`search`] looks for the one way in which all lines fit. When there are two ways, or a
//! line that fits nowhere but looks like a field, or a value of several lines, nothing is offered:
//! no repair is better than a wrong one. The same when the repaired text could not be read without
//! an error.
//!
//! Comments stay with the line that follows them. Lines before, between and after the manifests are
//! left out, and [`Repair::left_out`] says which. A manifest that kept its indentation is taken over
//! as it is.
//!
//! Left out: kinds that have no schema here, what a volume is made of, affinity.

mod line;
mod search;

use line::{Field, FieldValue, Line};
use search::{NoAnswer, Search};

use super::schema::SCHEMA;
use crate::api::Kind;
use crate::diagnostic::{Place, Span};
use crate::limits::MAX_REPAIRED_LINES;
use crate::yaml;

/// A text that was repaired. It is an offer: nothing uses it by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The manifests, with `---` between them.
    pub text: String,
    /// Where the indentation was lost: from the first line of a manifest that has too little of it
    /// to the manifest's last line. Empty when only other text was left out.
    pub lost: Vec<Span>,
    /// The lines that are no part of a manifest.
    pub left_out: Vec<Span>,
}

/// The text with its indentation rebuilt, and without what is no manifest; `None` when nothing is
/// to be repaired, or when it is not clear how.
#[must_use]
pub fn repair_indentation(text: &str) -> Option<String> {
    repair(text).map(|repair| repair.text)
}

/// As [`repair_indentation`], and with what was done.
#[must_use]
pub fn repair(text: &str) -> Option<Repair> {
    let lines = split(text);
    let mut repair = Repair {
        text: String::new(),
        lost: Vec::new(),
        left_out: Vec::new(),
    };
    let mut left_out: Vec<usize> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let comments = comments_before_header(&lines[at..]);
        let start = at + comments;
        if let Some(kind) = lines.get(start..).and_then(header) {
            let is_flat = is_flat(&lines[start..]);
            if !repair.text.is_empty() {
                repair.text.push_str("---\n");
            }
            for comment in &lines[at..start] {
                push_line(&mut repair.text, 0, comment.text);
            }
            at = start;
            let block = if is_flat {
                rebuild(&lines[at..], kind?)?
            } else {
                take_over(&lines[at..])
            };
            repair.text.push_str(&block.text);
            if let Some(first) = block.first_lost {
                let last = lines[at + block.lines - 1].span;
                repair.lost.push(lines[at + first].span.to(last));
            }
            at += block.lines;
        } else {
            if lines[at].has_words() {
                left_out.push(at);
            }
            at += 1;
        }
    }
    // What is left out must be somebody's prose, and no manifest with a mistake in it.
    let is_field_left_out = left_out.iter().any(|&at| lines[at].is_known_field());
    let prose = left_out
        .iter()
        .filter(|&&at| lines[at].line == Line::Other)
        .count();
    if repair.text.is_empty() || is_field_left_out || 2 * prose < left_out.len() {
        return None;
    }
    repair.left_out = spans(&lines, &left_out);
    if repair.lost.is_empty() && repair.left_out.is_empty() {
        return None;
    }
    let is_right = !super::read_as_it_is(&repair.text).has_errors();
    is_right.then_some(repair)
}

/// A line with its place.
#[derive(Clone, Copy)]
struct Placed<'t> {
    /// Without its break.
    text: &'t str,
    /// How many blanks it begins with.
    column: usize,
    line: Line<'t>,
    span: Span,
}

impl Placed<'_> {
    /// Whether it says something: a comment or a separator outside of a manifest does not.
    fn has_words(&self) -> bool {
        !matches!(self.line, Line::Blank | Line::Comment | Line::Separator)
    }

    /// Whether it has the name of a field that some struct has: then it is no part of a page's text.
    fn is_known_field(&self) -> bool {
        match self.line {
            Line::Field(field) | Line::Element(Some(field)) => SCHEMA.is_field(field.name),
            _ => false,
        }
    }
}

fn split(text: &str) -> Vec<Placed<'_>> {
    let mut offset = 0;
    let mut lines = Vec::new();
    for (number, whole) in (1..).zip(yaml::lines(text)) {
        let text = whole.trim_end();
        // A page's blanks count as blanks here.
        let content = text.trim_start();
        let place = |bytes: usize| Place {
            offset: offset + bytes as u32,
            line: number,
            column: text[..bytes].chars().count() as u32 + 1,
        };
        lines.push(Placed {
            text: content,
            column: text.chars().count() - content.chars().count(),
            line: Line::of(content),
            span: Span::new(place(text.len() - content.len()), place(text.len())),
        });
        offset += whole.len() as u32;
    }
    lines
}

/// How many lines of comment stand right before a manifest that begins with them.
fn comments_before_header(lines: &[Placed<'_>]) -> usize {
    lines
        .iter()
        .take_while(|line| line.line == Line::Comment)
        .count()
}

/// Whether a manifest begins here: `apiVersion` and `kind`, in either order. Inside is its kind, if
/// that is one with a schema.
#[expect(
    clippy::option_option,
    reason = "no manifest, and one of a kind that has no schema"
)]
fn header(lines: &[Placed<'_>]) -> Option<Option<Kind>> {
    let mut content = lines
        .iter()
        .filter(|line| !matches!(line.line, Line::Blank | Line::Comment));
    let mut next = || match content.next()?.line {
        Line::Field(Field {
            name,
            value: FieldValue::Scalar(value),
        }) => Some((name, value)),
        _ => None,
    };
    if !matches!(lines.first()?.line, Line::Field(_)) {
        return None;
    }
    let (first, second) = (next()?, next()?);
    let kind = match (first, second) {
        (("apiVersion", _), ("kind", kind)) | (("kind", kind), ("apiVersion", _)) => kind,
        _ => return None,
    };
    let is_word = kind.bytes().all(|b| b.is_ascii_alphanumeric());
    is_word.then(|| Kind::ALL.into_iter().find(|known| known.as_str() == kind))
}

/// Whether the first field whose value is in the lines below has them at its own column. A list
/// may stand there.
fn is_flat(lines: &[Placed<'_>]) -> bool {
    /// A manifest shows it within so many lines.
    const LOOK_AHEAD: usize = 100;
    let base = lines[0].column;
    let content = lines
        .iter()
        .filter(|line| !matches!(line.line, Line::Blank | Line::Comment));
    let mut is_open = false;
    for line in content.take(LOOK_AHEAD) {
        let is_dash = matches!(line.line, Line::Element(_) | Line::Item(_));
        if is_open && !(is_dash && line.column == base) {
            return line.column <= base;
        }
        is_open = matches!(
            line.line,
            Line::Field(Field {
                value: FieldValue::Below,
                ..
            })
        );
    }
    false
}

/// A manifest and how many lines it has.
struct Block {
    text: String,
    lines: usize,
    /// The first line that stands further in now.
    first_lost: Option<usize>,
}

/// A manifest that kept its indentation: it ends before a line that is not further in and is no
/// field of the object itself.
fn take_over(lines: &[Placed<'_>]) -> Block {
    let base = lines[0].column;
    let is_root = |name: &str| {
        matches!(
            name,
            "apiVersion"
                | "kind"
                | "metadata"
                | "spec"
                | "status"
                | "data"
                | "stringData"
                | "type"
                | "addressType"
                | "endpoints"
                | "ports"
                | "items"
                | "subsets"
                | "rules"
                | "roleRef"
                | "subjects"
        )
    };
    let mut names: Vec<&str> = Vec::new();
    let mut end = 0;
    for (at, line) in lines.iter().enumerate() {
        match line.line {
            Line::Blank | Line::Comment => continue,
            _ if line.column > base => {}
            Line::Field(field) if is_root(field.name) && !names.contains(&field.name) => {
                names.push(field.name);
            }
            Line::Element(_) | Line::Item(_) if line.column == base && at > 0 => {}
            _ => break,
        }
        end = at + 1;
    }
    let mut text = String::new();
    for line in &lines[..end] {
        let column = line.column.saturating_sub(base);
        push_line(&mut text, column, line.text);
    }
    Block {
        text,
        lines: end,
        first_lost: None,
    }
}

/// A manifest that lost its indentation. `None` when it is not clear what it was.
fn rebuild(lines: &[Placed<'_>], kind: Kind) -> Option<Block> {
    let mut search = Search::new(SCHEMA.by_name(kind.as_str())?);
    let mut end = 0;
    let mut was_blank = false;
    for (at, line) in lines.iter().enumerate() {
        if at >= MAX_REPAIRED_LINES {
            return None;
        }
        match line.line {
            Line::Blank => was_blank = true,
            Line::Comment => {}
            Line::Separator => break,
            Line::Open => return None,
            Line::Other => break,
            Line::Field(_) | Line::Element(_) | Line::Item(_) => {
                // A new manifest, not a field of this one.
                if at > 0 && header(&lines[at..]).is_some() {
                    break;
                }
                // Behind a blank line only a field goes on, because a list or a label of a page's
                // text looks like one of the manifest.
                if was_blank && !line.is_known_field() {
                    break;
                }
                match search.take(&line.line) {
                    Ok(()) => {}
                    Err(NoAnswer::Ambiguous) => return None,
                    Err(NoAnswer::NotAPart) => {
                        let name = match line.line {
                            Line::Field(field) | Line::Element(Some(field)) => field.name,
                            _ => "",
                        };
                        if search.is_nearly_a_field(name) {
                            return None;
                        }
                        break;
                    }
                }
                was_blank = false;
                end = at + 1;
            }
        }
    }
    let columns = search.finish().ok()?;
    let mut columns = columns.into_iter().peekable();
    let mut text = String::new();
    let mut first_lost = None;
    for (at, line) in lines[..end].iter().enumerate() {
        let column = match line.line {
            Line::Blank => 0,
            Line::Comment => columns.peek().copied().unwrap_or(0),
            _ => columns.next().unwrap_or(0),
        };
        if column > 0 && first_lost.is_none() {
            first_lost = Some(at);
        }
        push_line(&mut text, column, line.text);
    }
    Some(Block {
        text,
        lines: end,
        first_lost,
    })
}

fn push_line(text: &mut String, column: usize, line: &str) {
    if !line.is_empty() {
        text.extend(std::iter::repeat_n(' ', column));
        text.push_str(line);
    }
    text.push('\n');
}

/// The spans of lines, neighbours in one.
fn spans(lines: &[Placed<'_>], numbers: &[usize]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut last = None;
    for &at in numbers {
        let span = lines[at].span;
        // Only lines that say nothing are in between.
        let is_neighbour = last.is_some_and(|last| {
            (last + 1..at).all(|between: usize| !lines[between].has_words()) && at - last < 4
        });
        match spans.last_mut() {
            Some(open) if is_neighbour => *open = open.to(span),
            _ => spans.push(span),
        }
        last = Some(at);
    }
    spans
}

#[cfg(test)]
mod tests;
