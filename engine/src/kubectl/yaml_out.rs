//! A tree as YAML, as `-o yaml` prints it.
//!
//! Source: sigs.k8s.io/yaml v1.6 (`Marshal`, over JSON) and go.yaml.in/yaml/v2 v2.4 `encode.go`,
//! `emitterc.go`, `sorter.go`: maps in the natural order of their keys, lists at the column of
//! their key, lines broken at a space behind column 80.

use std::cmp::Ordering;

use super::tree::Value;
use crate::yaml;

const BEST_WIDTH: usize = 80;

/// The tree as one document.
#[must_use]
pub(super) fn print(value: &Value) -> String {
    let mut writer = Writer {
        out: String::new(),
        column: 0,
    };
    writer.value(value, 0, false, false);
    writer.out.push('\n');
    writer.out
}

struct Writer {
    out: String,
    /// Characters in the line so far.
    column: usize,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn line(&mut self, indent: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// `in_line`: something of this value's parent stands in the line already. `after_dash`: that
    /// is the dash of a list.
    fn value(&mut self, value: &Value, indent: usize, in_line: bool, after_dash: bool) {
        match value {
            Value::Map(map) if !map.is_empty() => {
                let mut entries: Vec<&(String, Value)> = map.entries().iter().collect();
                entries.sort_by(|a, b| natural(&a.0, &b.0));
                for (at, (key, item)) in entries.into_iter().enumerate() {
                    if at > 0 || (in_line && !after_dash) {
                        self.line(indent);
                    }
                    self.scalar(key, indent, true);
                    self.put(":");
                    let below = if matches!(item, Value::List(_)) {
                        indent
                    } else {
                        indent + 2
                    };
                    self.value(item, below, true, false);
                }
            }
            Value::List(items) if !items.is_empty() => {
                for (at, item) in items.iter().enumerate() {
                    if at > 0 || (in_line && !after_dash) {
                        self.line(indent);
                    }
                    self.put("-");
                    let nested = matches!(item, Value::Map(map) if !map.is_empty())
                        || matches!(item, Value::List(list) if !list.is_empty());
                    if nested {
                        self.put(" ");
                    }
                    self.value(item, indent + 2, true, true);
                }
            }
            _ => {
                if in_line {
                    self.put(" ");
                }
                match value {
                    Value::Null => self.put("null"),
                    Value::Bool(value) => self.put(if *value { "true" } else { "false" }),
                    Value::Number(number) => self.put(&number.to_string()),
                    Value::String(text) => self.scalar(text, indent, false),
                    Value::List(_) => self.put("[]"),
                    Value::Map(_) => self.put("{}"),
                }
            }
        }
    }

    fn scalar(&mut self, text: &str, indent: usize, is_key: bool) {
        let look = Look::of(text);
        if text.contains('\n') && look.block && !is_key {
            self.literal(text, indent);
        } else if !text.contains('\n') && yaml::reads_as_text(text) {
            if look.plain {
                self.folded(text, indent, is_key, "");
            } else if look.single {
                self.put("'");
                self.folded(&text.replace('\'', "''"), indent, is_key, "'");
                self.put("'");
            } else {
                self.double(text, indent, is_key);
            }
        } else {
            self.double(text, indent, is_key);
        }
    }

    /// A plain or single-quoted scalar, broken at spaces.
    fn folded(&mut self, text: &str, indent: usize, is_key: bool, quote: &str) {
        let chars: Vec<char> = text.chars().collect();
        let mut after_space = false;
        for (at, &c) in chars.iter().enumerate() {
            // In quotes the first and the last character stay as they are.
            let inside = quote.is_empty() || (at > 0 && at + 1 < chars.len());
            if c == ' '
                && !is_key
                && !after_space
                && self.column > BEST_WIDTH
                && inside
                && chars.get(at + 1) != Some(&' ')
            {
                self.line(indent);
            } else {
                self.out.push(c);
                self.column += 1;
            }
            after_space = c == ' ';
        }
    }

    fn double(&mut self, text: &str, indent: usize, is_key: bool) {
        self.put("\"");
        let chars: Vec<char> = text.chars().collect();
        let mut after_space = false;
        for (at, &c) in chars.iter().enumerate() {
            let code = u32::from(c);
            let inside = at > 0 && at + 1 < chars.len();
            if c == ' ' && !is_key && !after_space && self.column > BEST_WIDTH && inside {
                self.line(indent);
                if chars.get(at + 1) == Some(&' ') {
                    self.put("\\");
                }
            } else if printable(c) && c != '\n' && c != '"' && c != '\\' && c != '\u{feff}' {
                self.out.push(c);
                self.column += 1;
            } else {
                let escape = match c {
                    '\0' => "\\0".to_owned(),
                    '\u{7}' => "\\a".to_owned(),
                    '\u{8}' => "\\b".to_owned(),
                    '\t' => "\\t".to_owned(),
                    '\n' => "\\n".to_owned(),
                    '\u{b}' => "\\v".to_owned(),
                    '\u{c}' => "\\f".to_owned(),
                    '\r' => "\\r".to_owned(),
                    '\u{1b}' => "\\e".to_owned(),
                    '"' => "\\\"".to_owned(),
                    '\\' => "\\\\".to_owned(),
                    '\u{85}' => "\\N".to_owned(),
                    '\u{a0}' => "\\_".to_owned(),
                    '\u{2028}' => "\\L".to_owned(),
                    '\u{2029}' => "\\P".to_owned(),
                    _ if code <= 0xff => format!("\\x{code:02X}"),
                    _ if code <= 0xffff => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                self.put(&escape);
            }
            after_space = c == ' ';
        }
        self.put("\"");
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.put("|");
        if text.starts_with([' ', '\n']) {
            self.put("2");
        }
        if !text.ends_with('\n') {
            self.put("-");
        } else if text == "\n" || text.ends_with("\n\n") {
            self.put("+");
        }
        // At the top, too, a literal is indented.
        let indent = indent.max(2);
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            if line.is_empty() {
                self.out.push('\n');
                self.column = 0;
            } else {
                self.line(indent);
                self.put(line);
            }
        }
    }
}

/// What `yaml_emitter_analyze_scalar` finds out.
struct Look {
    plain: bool,
    single: bool,
    block: bool,
}

impl Look {
    fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let indicator = text.starts_with("---") || text.starts_with("...");
        let (mut plain, mut special, mut space_break, mut break_space) =
            (!indicator, false, false, false);
        for (at, &c) in chars.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| chars[at]);
            let blank_next = chars
                .get(at + 1)
                .is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
            match c {
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"'
                | '%' | '@' | '`'
                    if at == 0 =>
                {
                    plain = false;
                }
                '?' | '-' if at == 0 && blank_next => plain = false,
                ':' if blank_next => plain = false,
                '#' if before.is_none_or(|c| matches!(c, ' ' | '\t' | '\n')) => plain = false,
                _ => {}
            }
            special |= !printable(c);
            space_break |= c == '\n' && before == Some(' ');
            break_space |= c == ' ' && before == Some('\n');
        }
        let edge = |c: Option<&char>| matches!(c, Some(' ' | '\n'));
        if edge(chars.first()) || edge(chars.last()) || text.contains('\n') {
            plain = false;
        }
        let hard = space_break || special;
        Self {
            plain: plain && !hard,
            single: !hard && !break_space,
            block: !hard && chars.last() != Some(&' '),
        }
    }
}

fn printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && c != '\u{feff}'
        || c > '\u{ffff}'
}

/// The order of goyaml's keys: numbers in them by their value, letters behind all else.
fn natural(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    for at in 0..a.len().min(b.len()) {
        let (x, y) = (a[at], b[at]);
        if x == y {
            continue;
        }
        match (x.is_alphabetic(), y.is_alphabetic()) {
            (true, true) => return x.cmp(&y),
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => {}
        }
        // Within a number, a zero is a digit like others.
        let in_number = (x == '0' || y == '0')
            && a[..at]
                .iter()
                .rev()
                .take_while(|c| c.is_ascii_digit())
                .any(|c| *c != '0');
        let number = |chars: &[char]| {
            let digits: Vec<u64> = chars[at..]
                .iter()
                .map_while(|c| c.to_digit(10).map(u64::from))
                .collect();
            let value = digits.iter().fold(u64::from(in_number), |sum, digit| {
                sum.wrapping_mul(10).wrapping_add(*digit)
            });
            (value, digits.len())
        };
        return number(&a).cmp(&number(&b)).then(x.cmp(&y));
    }
    a.len().cmp(&b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        let mut map = Value::map();
        map.set("k", text.into());
        print(&map)
    }

    #[test]
    fn scalars_are_quoted_where_they_must_be() {
        for (value, wanted) in [
            ("web", "k: web\n"),
            ("", "k: \"\"\n"),
            ("80", "k: \"80\"\n"),
            ("true", "k: \"true\"\n"),
            ("yes", "k: \"yes\"\n"),
            ("0x1f", "k: \"0x1f\"\n"),
            ("10:20", "k: \"10:20\"\n"),
            ("2026-03-01T12:00:00Z", "k: \"2026-03-01T12:00:00Z\"\n"),
            ("80-8080", "k: 80-8080\n"),
            ("a: b", "k: 'a: b'\n"),
            ("it's: so", "k: 'it''s: so'\n"),
            ("*", "k: '*'\n"),
            ("-", "k: '-'\n"),
            ("a #b", "k: 'a #b'\n"),
            ("a\tb", "k: \"a\\tb\"\n"),
            (" a", "k: ' a'\n"),
            ("a\nb\n", "k: |\n  a\n  b\n"),
            ("a\n\nb", "k: |-\n  a\n\n  b\n"),
            ("10.96.0.1", "k: 10.96.0.1\n"),
            ("25%", "k: 25%\n"),
        ] {
            assert_eq!(text(value), wanted);
        }
    }

    #[test]
    fn lists_stand_at_the_column_of_their_key() {
        let node = yaml::read("b: [{x: 1, a: [2]}, [3, 4]]\na2: {}\na10: []\nz: null").documents;
        assert_eq!(
            print(&Value::from(&node[0])),
            "a2: {}\na10: []\nb:\n- a:\n  - 2\n  x: 1\n- - 3\n  - 4\nz: null\n"
        );
    }

    #[test]
    fn what_is_printed_reads_back() {
        let long = "word ".repeat(40);
        for sample in [
            long.trim(),
            "a: b c",
            "'",
            "\"",
            "\\",
            "x\u{1}y",
            " \n ",
            "\n",
            "a \nb",
            "ä\u{a0}",
        ] {
            let read = yaml::read(&text(sample)).documents;
            assert_eq!(Value::from(&read[0]).str_at("k"), sample);
        }
    }
}
