//! How wide a text is, about, and how to make it fit.
//!
//! SVG text does not wrap and is not measured here by the browser: that would make the layout
//! depend on what was drawn before. The widths are those of a wide face (DejaVu Sans), so that
//! narrower ones have room to spare.

/// A face of the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The page's own.
    Sans,
    /// The page's own, bold.
    Bold,
    /// What a machine prints.
    Mono,
}

/// About how wide a text is, in hundredths of its size.
fn hundredths(character: char, face: Face) -> i32 {
    let sans = match character {
        _ if face == Face::Mono => return 61,
        'i' | 'j' | 'l' | '\'' | '|' | ' ' | '.' | ',' | ':' | ';' | '!' => 31,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' => 40,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 92,
        'A'..='Z' => 70,
        c if !c.is_ascii() => 80,
        _ => 61,
    };
    if face == Face::Bold {
        sans * 110 / 100
    } else {
        sans
    }
}

/// About how wide a text is in scene units, at `size` tenths of a unit.
#[must_use]
pub fn width(text: &str, size: i32, face: Face) -> i32 {
    let sum: i32 = text.chars().map(|c| hundredths(c, face)).sum();
    (sum * size + 999) / 1000
}

/// The text, or as much of its beginning as there is room for, with an ellipsis.
#[must_use]
pub fn fit(text: &str, size: i32, face: Face, room: i32) -> String {
    if width(text, size, face) <= room {
        return text.to_owned();
    }
    let dots = width("…", size, face);
    let mut kept = String::new();
    let mut wide = 0;
    for character in text.chars() {
        wide += hundredths(character, face) * size;
        if (wide + 999) / 1000 + dots > room {
            break;
        }
        kept.push(character);
    }
    let kept = kept.trim_end();
    format!("{kept}…")
}

/// The text, or as much of its end as there is room for: an address tells itself apart by its end.
#[must_use]
pub fn fit_end(text: &str, size: i32, face: Face, room: i32) -> String {
    let mut kept = text.to_owned();
    while width(&kept, size, face) > room && kept.chars().count() > 2 {
        kept = format!("…{}", kept.chars().skip(2).collect::<String>());
    }
    kept
}

/// A host's name, or what stands before its domain, or as much of that as there is room for.
#[must_use]
pub fn fit_host(text: &str, size: i32, face: Face, room: i32) -> String {
    if width(text, size, face) <= room {
        return text.to_owned();
    }
    let short = text.split('.').next().unwrap_or(text);
    fit(short, size, face, room)
}

/// The text in at most `lines` lines, broken between words; what is left over becomes an ellipsis.
#[must_use]
pub fn wrap(text: &str, size: i32, face: Face, room: i32, lines: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let longer = out.last().map(|line| format!("{line} {word}"));
        match longer {
            Some(longer) if width(&longer, size, face) <= room => {
                if let Some(last) = out.last_mut() {
                    *last = longer;
                }
            }
            _ if out.len() < lines => out.push(word.to_owned()),
            _ => {
                if let Some(last) = out.last_mut() {
                    let rest: Vec<&str> = words.by_ref().collect();
                    *last = format!("{last} {word} {}", rest.join(" "));
                }
            }
        }
    }
    for line in &mut out {
        *line = fit(line, size, face, room);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_and_what_does_not_ends_in_dots() {
        assert_eq!(fit("web", 120, Face::Bold, 100), "web");
        let long = "a-service-with-a-name-of-many-words";
        let short = fit(long, 120, Face::Bold, 100);
        assert!(short.ends_with('…') && long.starts_with(short.trim_end_matches('…')));
        assert!(width(&short, 120, Face::Bold) <= 100);
    }

    #[test]
    fn an_address_keeps_its_end_and_a_host_its_beginning() {
        let end = fit_end("fd00:10:244:1::a1", 105, Face::Mono, 60);
        assert!(end.starts_with('…') && end.ends_with("::a1"), "{end}");
        assert!(width(&end, 105, Face::Mono) <= 60);
        assert_eq!(fit_end("10.244.2.7", 105, Face::Mono, 90), "10.244.2.7");
        let host = "ip-10-0-12-1.compute.internal";
        assert_eq!(fit_host(host, 120, Face::Bold, 120), "ip-10-0-12-1");
        assert_eq!(fit_host("node-1", 120, Face::Bold, 120), "node-1");
    }

    #[test]
    fn wrapping_breaks_between_words_and_keeps_to_its_lines() {
        let text = "No Pod in default has the label app=front-end, which the selector asks for";
        let lines = wrap(text, 105, Face::Sans, 124, 3);
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|l| width(l, 105, Face::Sans) <= 124));
        assert!(lines[2].ends_with('…'));
        assert_eq!(wrap("no room", 105, Face::Sans, 124, 3), ["no room"]);
    }

    #[test]
    fn a_machines_text_is_as_wide_as_its_length() {
        assert_eq!(width("10.244.2.7", 100, Face::Mono), 61);
        assert_eq!(width("", 100, Face::Mono), 0);
    }
}
