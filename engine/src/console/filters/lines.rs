//! head, tail, wc, sort, uniq, cut, tr and their likes: lines in, lines out.
//!
//! Modelled on busybox 1.36 and GNU coreutils 9, as far as both agree.

use super::args::{Flags, Given};
use crate::console::output::Printed;

/// What a filter gives, or what is wrong with its words.
pub(super) type Filtered = Result<Printed, String>;

/// The lines of a text, without their ends.
pub(super) fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

fn joined<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// `-5` is `-n 5` for head and tail.
fn with_old_count(args: &[&str]) -> Vec<String> {
    let is_count = |text: &str| text.len() > 1 && text[1..].bytes().all(|b| b.is_ascii_digit());
    let old = |arg: &&str| arg.starts_with('-') && is_count(arg);
    let new = args.iter().map(|arg| match old(arg) {
        true => format!("-n{}", &arg[1..]),
        false => (*arg).to_owned(),
    });
    new.collect()
}

const HEAD: Flags = Flags {
    switches: "qf",
    values: "nc",
    long: &[("lines", 'n'), ("bytes", 'c')],
};

pub(super) fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("invalid number '{text}'"))
}

pub(super) fn head(args: &[&str], text: &str) -> Filtered {
    let args = with_old_count(args);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let given = HEAD.read(&args)?;
    if let Some(bytes) = given.number('c')? {
        let kept: String = text
            .char_indices()
            .take_while(|(at, _)| *at < bytes)
            .map(|(_, c)| c)
            .collect();
        return Ok(Printed::stdout(kept));
    }
    let all = lines(text);
    let wanted = given.value('n').unwrap_or("10");
    let most = match wanted.strip_prefix('-') {
        Some(less) => all.len().saturating_sub(count(less)?),
        None => count(wanted)?,
    };
    Ok(Printed::stdout(joined(all.into_iter().take(most))))
}

pub(super) fn tail(args: &[&str], text: &str) -> Filtered {
    let args = with_old_count(args);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let given = HEAD.read(&args)?;
    let all = lines(text);
    let wanted = given.value('n').unwrap_or("10");
    let first = match wanted.strip_prefix('+') {
        Some(from) => count(from)?.saturating_sub(1),
        None => all.len().saturating_sub(count(wanted)?),
    };
    Ok(Printed::stdout(joined(all.into_iter().skip(first))))
}

pub(super) fn wc(args: &[&str], text: &str) -> Filtered {
    let given = Flags {
        switches: "lwcm",
        values: "",
        long: &[
            ("lines", 'l'),
            ("words", 'w'),
            ("bytes", 'c'),
            ("chars", 'm'),
        ],
    }
    .read(args)?;
    let counts = [
        ('l', text.matches('\n').count()),
        ('w', text.split_whitespace().count()),
        ('m', text.chars().count()),
        ('c', text.len()),
    ];
    let any = counts.iter().any(|(flag, _)| given.has(*flag));
    let shown: Vec<usize> = counts
        .iter()
        .filter(|(flag, _)| if any { given.has(*flag) } else { *flag != 'm' })
        .map(|(_, count)| *count)
        .collect();
    let text = match shown.as_slice() {
        [one] => one.to_string(),
        all => all
            .iter()
            .map(|count| format!("{count:>7}"))
            .collect::<Vec<_>>()
            .join(" "),
    };
    Ok(Printed::stdout(text + "\n"))
}

const SORT: Flags = Flags {
    switches: "nrufbVsh",
    values: "kt",
    long: &[
        ("numeric-sort", 'n'),
        ("reverse", 'r'),
        ("unique", 'u'),
        ("key", 'k'),
        ("field-separator", 't'),
        ("ignore-case", 'f'),
    ],
};

/// The part of a line that a key is: `2`, `2,2`, with flags behind.
fn key<'a>(line: &'a str, key: Option<(usize, usize)>, separator: Option<&str>) -> &'a str {
    let Some((first, last)) = key else {
        return line;
    };
    let places: Vec<(usize, usize)> = match separator {
        Some(separator) if !separator.is_empty() => {
            let mut at = 0;
            line.split(separator)
                .map(|field| {
                    let start = at;
                    at = start + field.len() + separator.len();
                    (start, start + field.len())
                })
                .collect()
        }
        _ => fields(line),
    };
    let start = places
        .get(first.saturating_sub(1))
        .map_or(line.len(), |(start, _)| *start);
    let end = places
        .get(last.saturating_sub(1))
        .map_or(line.len(), |(_, end)| *end);
    line.get(start..end.max(start)).unwrap_or("")
}

/// The places of the fields of a line, parted by blanks.
fn fields(line: &str) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    let mut start = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        match (c.is_whitespace(), start) {
            (true, Some(first)) => {
                places.push((first, at));
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    places
}

/// The number that a text begins with, in thousandths.
fn number(text: &str) -> i64 {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let whole: i64 = digits
        .bytes()
        .take_while(u8::is_ascii_digit)
        .take(15)
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let mut part = 0;
    let after = rest.strip_prefix('.').unwrap_or("").bytes();
    let mut digits = after.take_while(u8::is_ascii_digit);
    for factor in [100, 10, 1] {
        part += i64::from(digits.next().map_or(0, |digit| digit - b'0')) * factor;
    }
    sign * (whole * 1_000 + part)
}

pub(super) fn sort(args: &[&str], text: &str) -> Filtered {
    let given = SORT.read(args)?;
    let mut numeric = given.has('n') || given.has('V');
    let mut reverse = given.has('r');
    let wanted = match given.value('k') {
        None => None,
        Some(text) => {
            numeric |= text.contains('n');
            reverse |= text.contains('r');
            let digits = text.replace(|c: char| !c.is_ascii_digit() && c != ',', "");
            let (first, last) = digits.split_once(',').unwrap_or((&digits, ""));
            let last = if last.is_empty() {
                usize::MAX
            } else {
                count(last)?
            };
            Some((count(first)?, last))
        }
    };
    let mut all: Vec<(i64, String, &str)> = lines(text)
        .into_iter()
        .map(|line| {
            let key = key(line, wanted, given.value('t'));
            let fold = if given.has('f') {
                key.to_lowercase()
            } else {
                key.to_owned()
            };
            let first = if numeric { number(key) } else { 0 };
            (first, if numeric { String::new() } else { fold }, line)
        })
        .collect();
    all.sort_unstable();
    if reverse {
        all.reverse();
    }
    if given.has('u') {
        let by_key = numeric || wanted.is_some();
        all.dedup_by(|a, b| {
            if by_key {
                (a.0, &a.1) == (b.0, &b.1)
            } else {
                a.2 == b.2
            }
        });
    }
    Ok(Printed::stdout(joined(
        all.into_iter().map(|(_, _, line)| line),
    )))
}

pub(super) fn uniq(args: &[&str], text: &str) -> Filtered {
    let given = Flags {
        switches: "cdui",
        values: "",
        long: &[("count", 'c'), ("repeated", 'd'), ("unique", 'u')],
    }
    .read(args)?;
    let mut runs: Vec<(usize, &str)> = Vec::new();
    for line in lines(text) {
        match runs.last_mut() {
            Some((count, last))
                if *last == line || (given.has('i') && last.eq_ignore_ascii_case(line)) =>
            {
                *count += 1;
            }
            _ => runs.push((1, line)),
        }
    }
    runs.retain(|(count, _)| (!given.has('d') || *count > 1) && (!given.has('u') || *count == 1));
    let mut out = String::new();
    for (count, line) in runs {
        if given.has('c') {
            out.push_str(&format!("{count:>7} "));
        }
        out.push_str(line);
        out.push('\n');
    }
    Ok(Printed::stdout(out))
}

/// The numbers of `1,3-5,7-`: each as its first and last.
fn ranges(text: &str) -> Result<Vec<(usize, usize)>, String> {
    text.split(',')
        .map(|part| match part.split_once('-') {
            None => count(part).map(|number| (number, number)),
            Some(("", last)) => Ok((1, count(last)?)),
            Some((first, "")) => Ok((count(first)?, usize::MAX)),
            Some((first, last)) => Ok((count(first)?, count(last)?)),
        })
        .collect()
}

pub(super) fn cut(args: &[&str], text: &str) -> Filtered {
    let given = Flags {
        switches: "s",
        values: "dfcb",
        long: &[("delimiter", 'd'), ("fields", 'f'), ("characters", 'c')],
    }
    .read(args)?;
    let is_in = |wanted: &[(usize, usize)], at: usize| {
        wanted
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&at))
    };
    let mut out = String::new();
    if let Some(wanted) = given.value('c').or_else(|| given.value('b')) {
        let wanted = ranges(wanted)?;
        for line in lines(text) {
            let kept = line
                .chars()
                .enumerate()
                .filter(|(at, _)| is_in(&wanted, at + 1));
            out.extend(kept.map(|(_, c)| c));
            out.push('\n');
        }
        return Ok(Printed::stdout(out));
    }
    let wanted = ranges(
        given
            .value('f')
            .ok_or("usage: cut -d CHAR -f LIST, or cut -c LIST")?,
    )?;
    let delimiter = given.value('d').unwrap_or("\t");
    for line in lines(text) {
        if delimiter.is_empty() || !line.contains(delimiter) {
            if !given.has('s') {
                out.push_str(line);
                out.push('\n');
            }
            continue;
        }
        let parts = line.split(delimiter).enumerate();
        let kept: Vec<&str> = parts
            .filter(|(at, _)| is_in(&wanted, at + 1))
            .map(|(_, part)| part)
            .collect();
        out.push_str(&kept.join(delimiter));
        out.push('\n');
    }
    Ok(Printed::stdout(out))
}

/// The characters of a set of tr: `a-z`, `\n`, `[:upper:]`.
fn set(text: &str) -> Vec<char> {
    let mut chars: Vec<char> = Vec::new();
    let classes = [
        ("[:upper:]", 'A'..='Z'),
        ("[:lower:]", 'a'..='z'),
        ("[:digit:]", '0'..='9'),
    ];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((name, range)) = classes.iter().find(|(name, _)| rest.starts_with(name)) {
            chars.extend(range.clone());
            rest = &rest[name.len()..];
            continue;
        }
        if rest.starts_with("[:space:]") {
            chars.extend([' ', '\t', '\n', '\r']);
            rest = &rest["[:space:]".len()..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        if c == '\\' {
            let escaped = rest.chars().next().unwrap_or('\\');
            rest = rest.get(escaped.len_utf8()..).unwrap_or("");
            chars.push(match escaped {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            });
            continue;
        }
        let mut ahead = rest.chars();
        if ahead.next() == Some('-')
            && let Some(end) = ahead.next()
            && u32::from(c) <= u32::from(end)
            && u32::from(end) - u32::from(c) < 1_000
        {
            chars.extend(c..=end);
            rest = ahead.as_str();
            continue;
        }
        chars.push(c);
    }
    chars
}

pub(super) fn tr(args: &[&str], text: &str) -> Filtered {
    let given = Flags {
        switches: "dscC",
        values: "",
        long: &[
            ("delete", 'd'),
            ("squeeze-repeats", 's'),
            ("complement", 'c'),
        ],
    }
    .read(args)?;
    let usage = "usage: tr [-ds] SET1 [SET2]";
    let from = set(given.words.first().ok_or(usage)?);
    let to = given.words.get(1).map(|text| set(text)).unwrap_or_default();
    let not = given.has('c') || given.has('C');
    if to.is_empty() && !given.has('d') && !given.has('s') {
        return Err(usage.to_owned());
    }
    let squeezed = if to.is_empty() { &from } else { &to };
    let mut out = String::new();
    let mut last = None;
    for c in text.chars() {
        let place = from.iter().position(|own| *own == c);
        let is_in = place.is_some() != not;
        let c = match (is_in, given.has('d')) {
            (true, true) => continue,
            (true, false) if !to.is_empty() => {
                let at = place.unwrap_or(usize::MAX).min(to.len() - 1);
                to[at]
            }
            _ => c,
        };
        let repeats =
            given.has('s') && last == Some(c) && (squeezed.contains(&c) != (not && to.is_empty()));
        if !repeats {
            out.push(c);
        }
        last = Some(c);
    }
    Ok(Printed::stdout(out))
}

/// `column -t`: fields one below the other.
pub(super) fn column(args: &[&str], text: &str) -> Filtered {
    let given = Flags {
        switches: "t",
        values: "s",
        long: &[("table", 't'), ("separator", 's')],
    }
    .read(args)?;
    let rows: Vec<Vec<&str>> = lines(text)
        .into_iter()
        .map(|line| match given.value('s') {
            Some(separator) if !separator.is_empty() => line.split(separator).collect(),
            _ => line.split_whitespace().collect(),
        })
        .collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        for (at, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(at) {
                Some(known) => *known = (*known).max(width),
                None => widths.push(width),
            }
        }
    }
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            let width = if at + 1 == row.len() {
                0
            } else {
                widths[at] + 2
            };
            line.push_str(&format!("{cell:<width$}"));
        }
        out.push_str(&line);
        out.push('\n');
    }
    Ok(Printed::stdout(out))
}

/// The numbered lines of `nl` and `cat -n`.
pub(super) fn numbered(text: &str) -> String {
    let all = text.lines().enumerate();
    all.map(|(at, line)| format!("{:>6}\t{line}\n", at + 1))
        .collect()
}

/// The alphabet of base64 (RFC 4648 section 4).
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn base64(args: &[&str], text: &str) -> Filtered {
    let given: Given<'_> = Flags {
        switches: "dDi",
        values: "w",
        long: &[("decode", 'd'), ("wrap", 'w')],
    }
    .read(args)?;
    if given.has('d') || given.has('D') {
        let mut bits: u32 = 0;
        let mut count = 0;
        let mut bytes = Vec::new();
        for byte in text
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=')
        {
            let value = BASE64.iter().position(|own| *own == byte);
            let value = value.ok_or("invalid input")?;
            bits = bits << 6 | u32::try_from(value).unwrap_or(0);
            count += 6;
            if count >= 8 {
                count -= 8;
                bytes.push((bits >> count & 0xff) as u8);
            }
        }
        return Ok(Printed::stdout(
            String::from_utf8_lossy(&bytes).into_owned(),
        ));
    }
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4_usize {
            out.push(if at <= chunk.len() {
                char::from(BASE64[(bits >> (18 - 6 * at) & 63) as usize])
            } else {
                '='
            });
        }
    }
    let width = given.number('w')?.unwrap_or(76);
    let mut wrapped = String::new();
    for (at, c) in out.chars().enumerate() {
        if width > 0 && at > 0 && at % width == 0 {
            wrapped.push('\n');
        }
        wrapped.push(c);
    }
    if width > 0 {
        wrapped.push('\n');
    }
    Ok(Printed::stdout(wrapped))
}
