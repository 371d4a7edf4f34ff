//! A line's words, split as `iptables-restore` splits them.
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
}
