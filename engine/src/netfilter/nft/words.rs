//! A line's words, quoted text, and spans of time.

use crate::netfilter::iptables::Trouble;

/// A line's words: braces, commas and semicolons stand alone, quoted text holds together and keeps
/// one quote at its head.
pub(super) fn words(line: &str) -> Result<Vec<String>, Trouble> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                let mut quoted = String::from('"');
                loop {
                    match characters.next() {
                        None => return Err(Trouble::OpenQuote),
                        Some('"') => break,
                        Some(other) => quoted.push(other),
                    }
                }
                words.push(quoted);
            }
            '{' | '}' | ',' | ';' => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                words.push(character.to_string());
            }
            ' ' | '\t' => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            _ => word.push(character),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    Ok(words)
}

/// A quoted word's text.
pub(super) fn quoted(word: &str) -> String {
    word.strip_prefix('"').unwrap_or(word).to_owned()
}

/// `10800s`, `3h`, `1d2h3m4s`, `500ms`.
pub(super) fn duration_ms(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => 1,
            "s" | "" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.checked_add(number.checked_mul(unit)?)?;
    }
    (!text.is_empty()).then_some(total)
}
