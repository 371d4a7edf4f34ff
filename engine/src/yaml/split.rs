//! Where kubectl cuts a text into documents.
//!
//! Source: k8s.io/apimachinery `pkg/util/yaml/decoder.go` (`YAMLReader.Read`): any line that begins
//! with `---` cuts, whatever stands around it, and only blanks or a comment may follow on that
//! line. goyaml then reads no more than the first document of a piece, so what follows a line `...`
//! is ignored.

use crate::diagnostic::{Place, Span};

/// What goes to the parser at once.
#[derive(Clone, Debug)]
pub(super) struct Piece<'t> {
    /// The text, a part of the whole.
    pub text: &'t str,
    /// Where it begins in the whole.
    pub start: Place,
    /// What should not have stood on the `---` line before it.
    pub bad_separator: Option<Separator<'t>>,
    /// What follows its `...` line.
    pub ignored: Option<Span>,
}

/// The rest of a `---` line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Separator<'t> {
    pub text: &'t str,
    pub span: Span,
}

/// Cuts. A piece that holds no line is left out.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut open = line_start(0, 1);
    if text.starts_with('\u{feff}') {
        open.offset = '\u{feff}'.len_utf8() as u32;
        open.column = 2;
    }
    let mut bad_separator = None;
    let mut at = open;
    // Whether a line may begin with three points.
    let mut has_points = false;
    let bytes = text.as_bytes();
    while (at.offset as usize) < bytes.len() {
        // By hand: it is the first of all looks at a text that may have millions of bytes.
        let start = at.offset as usize;
        let (mut end, mut has_return) = (start, false);
        while let Some(byte) = bytes.get(end) {
            end += 1;
            match byte {
                b'\n' => break,
                b'\r' => has_return = true,
                _ => {}
            }
        }
        let line = &text[start..end];
        // Most texts have no CR at all, and a line is one line.
        let count = if has_return {
            lines(line).count() as u32
        } else {
            1
        };
        let next = line_start(end as u32, at.line + count);
        has_points |= bytes[start] == b'.' || has_return;
        if let Some(rest) = line.strip_prefix("---") {
            close(
                text,
                open,
                at,
                bad_separator.take(),
                has_points,
                &mut pieces,
            );
            has_points = false;
            open = next;
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                let marked = lines(line).next().unwrap_or("").trim_end();
                let end = Place {
                    offset: at.offset + marked.len() as u32,
                    line: at.line,
                    column: at.column + marked.chars().count() as u32,
                };
                bad_separator = Some(Separator {
                    text: rest,
                    span: Span::new(at, end),
                });
            }
        }
        at = next;
    }
    close(text, open, at, bad_separator, has_points, &mut pieces);
    pieces
}

/// The lines of a text, each with its break: LF, CR LF, or CR alone. (kubectl looks for `---` after
/// LF only; libyaml and editors take all three.)
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let length = match rest.find(['\n', '\r']) {
            None if rest.is_empty() => return None,
            None => rest.len(),
            Some(at) if rest[at..].starts_with("\r\n") => at + 2,
            Some(at) => at + 1,
        };
        let line;
        (line, rest) = rest.split_at(length);
        Some(line)
    })
}

fn line_start(offset: u32, line: u32) -> Place {
    Place {
        offset,
        line,
        column: 1,
    }
}

fn close<'t>(
    text: &'t str,
    start: Place,
    end: Place,
    bad_separator: Option<Separator<'t>>,
    has_points: bool,
    pieces: &mut Vec<Piece<'t>>,
) {
    if start.offset >= end.offset && bad_separator.is_none() {
        return;
    }
    let mut piece = Piece {
        text: &text[start.offset as usize..(end.offset as usize).max(start.offset as usize)],
        start,
        bad_separator,
        ignored: None,
    };
    let text = piece.text;
    if !(has_points && (text.contains("\n...") || text.contains("\r..."))) {
        pieces.push(piece);
        return;
    }
    let mut content_before = false;
    let mut offset = 0;
    for (number, line) in (start.line..).zip(lines(piece.text)) {
        let is_end = line
            .strip_prefix("...")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if is_end && content_before {
            let rest = &piece.text[offset + 3..];
            let is_content = |line: &str| {
                let line = line.trim();
                !line.is_empty() && !line.starts_with('#')
            };
            if lines(rest).any(is_content) {
                let from = Place {
                    offset: start.offset + offset as u32,
                    line: number,
                    column: 1,
                };
                piece.ignored = Some(Span::new(from, end));
            }
            piece.text = &piece.text[..offset + 3];
            break;
        }
        content_before |= !line.trim().is_empty() && !line.starts_with('#');
        offset += line.len();
    }
    pieces.push(piece);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(u32, &str)> {
        pieces(text)
            .into_iter()
            .map(|piece| (piece.start.line, piece.text))
            .collect()
    }

    #[test]
    fn a_line_of_three_dashes_cuts() {
        assert_eq!(texts("a\n---\nb\n"), [(1, "a\n"), (3, "b\n")]);
        assert_eq!(texts("---\n---\na"), [(3, "a")]);
        assert_eq!(
            texts("a: |\n  x\n--- # why\nb"),
            [(1, "a: |\n  x\n"), (4, "b")]
        );
        assert_eq!(texts(""), []);
    }

    #[test]
    fn lines_end_in_three_ways() {
        let all: Vec<_> = lines("a\nb\r\nc\r\rd").collect();
        assert_eq!(all, ["a\n", "b\r\n", "c\r", "\r", "d"]);
        assert_eq!(lines("").count(), 0);
    }

    #[test]
    fn nothing_else_may_stand_on_that_line() {
        let pieces = pieces("a\n--- b\nc\n");
        assert_eq!(pieces[1].text, "c\n");
        let separator = pieces[1].bad_separator.unwrap();
        assert_eq!((separator.text, separator.span.start.line), ("b", 2));
    }

    #[test]
    fn three_points_end_a_document() {
        let pieces = pieces("a: b\n...\n# c\n");
        assert_eq!((pieces[0].text, pieces[0].ignored), ("a: b\n...", None));
        let pieces = super::pieces("a: b\n...\nc: d\n");
        assert_eq!(pieces[0].ignored.unwrap().start.line, 2);
    }
}
