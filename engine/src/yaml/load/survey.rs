//! One look at all bytes of a text, for everything that depends on which ones there are.

/// What characters a text is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Survey {
    /// Where the first character stands that YAML does not allow, in bytes, and the character.
    pub forbidden: Option<(usize, char)>,
    pub has_tab: bool,
    pub has_return: bool,
    pub is_ascii: bool,
}

impl Survey {
    pub(super) fn of(text: &str) -> Self {
        let mut survey = Self {
            forbidden: None,
            has_tab: false,
            has_return: false,
            is_ascii: true,
        };
        // By hand: a dump has millions of bytes, nearly all of which are of the first kind.
        for (at, byte) in text.as_bytes().iter().enumerate() {
            match byte {
                b' '..=b'~' | b'\n' => {}
                b'\t' => survey.has_tab = true,
                b'\r' => survey.has_return = true,
                // Inside a character.
                0x80..=0xbf => {}
                _ => {
                    survey.is_ascii &= byte.is_ascii();
                    let c = text[at..].chars().next().unwrap_or('\0');
                    if survey.forbidden.is_none() && !is_allowed(c) {
                        survey.forbidden = Some((at, c));
                    }
                }
            }
        }
        survey
    }
}

/// YAML 1.1, 5.1, as libyaml's reader has it: without a mark of byte order in the text.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\x7e' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
        && c != '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_is_made_of() {
        let plain = Survey {
            forbidden: None,
            has_tab: false,
            has_return: false,
            is_ascii: true,
        };
        assert_eq!(Survey::of("a: ~\n"), plain);
        let all = Survey {
            has_tab: true,
            has_return: true,
            is_ascii: false,
            ..plain
        };
        assert_eq!(Survey::of("ä:\t\u{85}\r\n\u{10000}"), all);
    }

    #[test]
    fn the_first_forbidden_character_is_found() {
        for (text, at) in [
            ("a\0\x01", 1),
            ("ä\x7f", 2),
            ("x\u{80}", 1),
            ("\u{feff}", 0),
        ] {
            let found = Survey::of(text).forbidden;
            assert_eq!(found.map(|(at, _)| at), Some(at), "{text:?}");
            assert_eq!(found.map(|(_, c)| c), text[at..].chars().next());
        }
    }
}
