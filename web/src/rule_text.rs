//! A line of `iptables-save` in the pieces in which it is shown.
//!
//! Shown text is the real text. Only where a line may break is decided here (between options, never
//! inside one), which piece is the comment that is folded, and where the target begins.

/// A piece that stays on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its text.
    pub text: &'a str,
    /// What it is.
    pub kind: Kind,
}

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `-A KUBE-SERVICES`.
    Chain,
    /// `-m comment --comment "…"`.
    Comment,
    /// A match.
    Match,
    /// The target and its options, from `-j` or `-g` on.
    Target,
}

/// What a rule does to a packet that it matches, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It goes on elsewhere.
    Jump,
    /// It writes another destination.
    Dnat,
    /// It writes another source, or marks the packet for that.
    Snat,
    /// It ends the packet's way.
    End,
}

/// The words of a line with their places; a quoted text is one word.
fn words(line: &str) -> Vec<(usize, usize)> {
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    let mut start = None;
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b' ' if !quoted => {
                if let Some(from) = start.take() {
                    found.push((from, at));
                }
                continue;
            }
            b'"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = *byte == b'\\' && !escaped;
        start.get_or_insert(at);
    }
    if let Some(from) = start {
        found.push((from, bytes.len()));
    }
    found
}

/// The pieces of a line.
#[must_use]
pub fn pieces(line: &str) -> Vec<Piece<'_>> {
    let words = words(line);
    let word = |index: usize| {
        words
            .get(index)
            .and_then(|&(from, to)| line.get(from..to))
            .unwrap_or_default()
    };
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut index = 0;
    let mut in_target = false;
    while index < words.len() {
        let first = index;
        let kind = match word(index) {
            "-A" | "-I" | "-N" => Kind::Chain,
            "-m" if word(index + 1) == "comment" && word(index + 2) == "--comment" => {
                index += 3;
                Kind::Comment
            }
            "-j" | "-g" => {
                in_target = true;
                Kind::Target
            }
            _ if in_target => Kind::Target,
            _ => Kind::Match,
        };
        // `-m tcp` belongs to what follows it only in sense; it may stand on a line of its own.
        index += 1;
        while index < words.len() && (!starts_option(word(index)) || word(index - 1) == "!") {
            index += 1;
        }
        if let (Some(&(from, _)), Some(&(_, to))) = (words.get(first), words.get(index - 1))
            && let Some(text) = line.get(from..to)
        {
            pieces.push(Piece { text, kind });
        }
    }
    pieces
}

fn starts_option(word: &str) -> bool {
    word == "!" || (word.starts_with('-') && word.len() > 1)
}

/// What a line does, by the name of its target.
#[must_use]
pub fn effect(line: &str) -> Effect {
    let target = words(line)
        .windows(2)
        .find_map(|pair| match pair {
            [(from, to), (next, end)] if matches!(line.get(*from..*to), Some("-j" | "-g")) => {
                line.get(*next..*end)
            }
            _ => None,
        })
        .unwrap_or_default();
    match target {
        "DNAT" | "REDIRECT" => Effect::Dnat,
        "SNAT" | "MASQUERADE" | "MARK" | "KUBE-MARK-MASQ" => Effect::Snat,
        "REJECT" | "DROP" => Effect::End,
        _ => Effect::Jump,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = r#"-A KUBE-SVC-A -m comment --comment "default/web:http -> 10.244.1.5:8080" ! -s 10.244.0.0/16 -p tcp --dport 80 -j DNAT --to-destination 10.244.1.5:8080"#;

    #[test]
    fn a_line_breaks_between_options_only() {
        let found: Vec<_> = pieces(RULE)
            .into_iter()
            .map(|piece| (piece.kind, piece.text))
            .collect();
        assert_eq!(
            found,
            [
                (Kind::Chain, "-A KUBE-SVC-A"),
                (
                    Kind::Comment,
                    r#"-m comment --comment "default/web:http -> 10.244.1.5:8080""#
                ),
                (Kind::Match, "! -s 10.244.0.0/16"),
                (Kind::Match, "-p tcp"),
                (Kind::Match, "--dport 80"),
                (Kind::Target, "-j DNAT"),
                (Kind::Target, "--to-destination 10.244.1.5:8080"),
            ]
        );
    }

    #[test]
    fn the_pieces_with_spaces_are_the_line() {
        for line in [
            RULE,
            "-A POSTROUTING -j KUBE-POSTROUTING",
            r#"-A X -m comment --comment "say \"no\" -j twice" -j REJECT --reject-with icmp-port-unreachable"#,
            "",
        ] {
            let joined: Vec<_> = pieces(line).into_iter().map(|piece| piece.text).collect();
            assert_eq!(joined.join(" "), line);
        }
    }

    #[test]
    fn the_effect_is_the_targets_even_when_a_comment_names_another() {
        assert_eq!(effect(RULE), Effect::Dnat);
        assert_eq!(
            effect(r#"-A X -m comment --comment "not -j DROP" -j KUBE-SVC-A"#),
            Effect::Jump
        );
        assert_eq!(effect("-A X -j KUBE-MARK-MASQ"), Effect::Snat);
        assert_eq!(effect("-A X -j REJECT"), Effect::End);
        assert_eq!(effect("-A X -j"), Effect::Jump);
    }
}
