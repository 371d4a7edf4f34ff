//! A line's words, split as `iptables-restore` splits them, and quoted as `iptables-save` quotes.
//!
//! Blanks part words; double quotes hold a word together, and inside them a backslash takes the
//! next character as it is (`add_param_to_argv` in iptables 1.8.9, `iptables/xshared.c`).

use super::error::Trouble;

/// Splits a line.
///
/// # Errors
/// [`Trouble::OpenQuote`] when a double quote is not closed.
pub(super) fn split(line: &str) -> Result<Vec<String>, Trouble> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut begun, mut quoted, mut escaped) = (false, false, false);
    for character in line.chars() {
        if quoted {
            if escaped {
                word.push(character);
                escaped = false;
            } else {
                match character {
                    '\\' => escaped = true,
                    '"' => quoted = false,
                    _ => word.push(character),
                }
            }
        } else if character == '"' {
            (quoted, begun) = (true, true);
        } else if character == ' ' || character == '\t' {
            if begun {
                words.push(std::mem::take(&mut word));
                begun = false;
            }
        } else {
            word.push(character);
            begun = true;
        }
    }
    if quoted {
        return Err(Trouble::OpenQuote);
    }
    if begun {
        words.push(word);
    }
    Ok(words)
}

/// Writes a blank and a word, quoted where the tools quote it: wherever there is anything but
/// letters, digits, `_` and `-` (`xtables_save_string` in iptables 1.8.9, `libxtables/xtables.c`).
/// An empty word is quoted as well.
pub(super) fn push_quoted(out: &mut String, word: &str) {
    out.push(' ');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !word.is_empty() && word.bytes().all(plain) {
        out.push_str(word);
        return;
    }
    out.push('"');
    for character in word.chars() {
        if matches!(character, '"' | '\\' | '\'') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

/// Writes a blank and a word as a person would: quoted only where it would fall apart.
pub(super) fn push_word(out: &mut String, word: &str) {
    if word.is_empty() || word.contains([' ', '\t', '"', '\\']) {
        push_quoted(out, word);
    } else {
        out.push(' ');
        out.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(
            split(r#"-m comment --comment "a \"b\" \\ c" -j  X"#).unwrap(),
            ["-m", "comment", "--comment", r#"a "b" \ c"#, "-j", "X"]
        );
        assert_eq!(split(r#"--comment """#).unwrap(), ["--comment", ""]);
        assert!(split(r#"--comment "x"#).is_err());
    }

    #[test]
    fn what_is_quoted_reads_as_the_same_word() {
        for word in ["", "plain_1-a", "a b", r#"it's "so" \"#, "web/dl1", "ä"] {
            let mut line = String::new();
            push_quoted(&mut line, word);
            assert_eq!(split(&line).unwrap(), [word]);
            line.clear();
            push_word(&mut line, word);
            assert_eq!(split(&line).unwrap(), [word]);
        }
        let mut line = String::new();
        push_quoted(&mut line, r#"web/a "x""#);
        assert_eq!(line, r#" "web/a \"x\"""#);
    }
}
