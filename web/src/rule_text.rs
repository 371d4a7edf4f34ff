//! A line of rules in the pieces in which it is shown: of `iptables-save`, of `nft -f`, of `ipvsadm`
//! and `ipset`.
//!
//! Shown text is the real text. Only where a line may break is decided here (between options or
//! statements, never inside one), which piece is the comment that is folded, and where the target
//! begins.

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

/// Words of nftables that begin what a rule does.
const VERDICTS: [&str; 9] = [
    "jump",
    "goto",
    "drop",
    "reject",
    "accept",
    "return",
    "dnat",
    "masquerade",
    "vmap",
];

/// Words of nftables that begin a statement.
const STATEMENTS: [&str; 10] = [
    "ip", "ip6", "meta", "ct", "fib", "th", "numgen", "update", "counter", "tcp",
];

/// Whether a line is a command of `nft`.
fn is_nft(line: &str) -> bool {
    let second = line
        .strip_prefix("add ")
        .and_then(|rest| rest.split(' ').next());
    matches!(
        second,
        Some("rule" | "element" | "chain" | "set" | "map" | "table")
    )
}

/// The pieces of a command of `nft`: what is added and where, then its statements.
fn nft_pieces(line: &str) -> Vec<Piece<'_>> {
    let words = words(line);
    let word = |at: usize| {
        let place = words.get(at).and_then(|&(from, to)| line.get(from..to));
        place.unwrap_or_default()
    };
    // `add rule ip kube-proxy CHAIN`
    let mut starts = vec![(0, Kind::Chain)];
    let mut in_target = false;
    let mut at = 5;
    while at < words.len() {
        let is_concatenated = word(at - 1) == ".";
        let kind = match word(at) {
            "comment" => Some(Kind::Comment),
            verdict if VERDICTS.contains(&verdict) => {
                in_target = true;
                Some(Kind::Target)
            }
            "mark" if word(at + 1) == "set" => Some(Kind::Target),
            _ if in_target => None,
            "{" => Some(Kind::Match),
            word if STATEMENTS.contains(&word) && !is_concatenated => Some(Kind::Match),
            _ if starts.len() == 1 => Some(Kind::Match),
            _ => None,
        };
        if let Some(kind) = kind {
            starts.push((at, kind));
        }
        if word(at) == "comment" {
            at += 1;
            // What follows the comment begins anew.
            if at + 1 < words.len() {
                let kind = if in_target { Kind::Target } else { Kind::Match };
                let next = word(at + 1);
                if !VERDICTS.contains(&next) && !STATEMENTS.contains(&next) && next != "{" {
                    starts.push((at + 1, kind));
                    at += 1;
                }
            }
        }
        at += 1;
    }
    let mut pieces = Vec::new();
    for (index, (first, kind)) in starts.iter().enumerate() {
        let end = starts.get(index + 1).map_or(words.len(), |(next, _)| *next);
        if let (Some(&(from, _)), Some(&(_, to))) = (words.get(*first), words.get(end - 1))
            && let Some(text) = line.get(from..to)
        {
            pieces.push(Piece { text, kind: *kind });
        }
    }
    pieces
}

/// The pieces of a line.
#[must_use]
pub fn pieces(line: &str) -> Vec<Piece<'_>> {
    if is_nft(line) {
        return nft_pieces(line);
    }
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
    // A real server of IPVS is another destination.
    if line.starts_with("-a ") {
        return Effect::Dnat;
    }
    if is_nft(line) {
        return nft_effect(line);
    }
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

fn nft_effect(line: &str) -> Effect {
    for piece in nft_pieces(line) {
        if piece.kind != Kind::Target {
            continue;
        }
        let mut words = piece.text.split(' ');
        match (words.next(), words.next()) {
            (Some("dnat"), _) => return Effect::Dnat,
            (Some("masquerade"), _) | (Some("mark"), Some("set")) => return Effect::Snat,
            (Some("jump"), Some("mark-for-masquerade")) => return Effect::Snat,
            (Some("drop" | "reject"), _) => return Effect::End,
            _ => {}
        }
    }
    Effect::Jump
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
    fn a_command_of_nft_breaks_between_statements_only() {
        let found: Vec<_> = pieces(
            r#"add rule ip kube-proxy service-A ip daddr 10.96.0.1 tcp dport 80 ip saddr != 10.244.0.0/16 jump mark-for-masquerade comment "a b""#,
        )
        .into_iter()
        .map(|piece| (piece.kind, piece.text))
        .collect();
        assert_eq!(
            found,
            [
                (Kind::Chain, "add rule ip kube-proxy service-A"),
                (Kind::Match, "ip daddr 10.96.0.1"),
                (Kind::Match, "tcp dport 80"),
                (Kind::Match, "ip saddr != 10.244.0.0/16"),
                (Kind::Target, "jump mark-for-masquerade"),
                (Kind::Comment, r#"comment "a b""#),
            ]
        );
        let element = pieces(
            "add element ip kube-proxy service-ips { 10.96.0.1 . tcp . 80 : goto service-A }",
        );
        assert_eq!(element[0].text, "add element ip kube-proxy service-ips");
        assert_eq!(element[1].text, "{ 10.96.0.1 . tcp . 80 :");
        assert_eq!(
            (element[2].kind, element[2].text),
            (Kind::Target, "goto service-A }")
        );
    }

    #[test]
    fn the_pieces_with_spaces_are_the_line() {
        for line in [
            RULE,
            "-A POSTROUTING -j KUBE-POSTROUTING",
            "-a -t 10.96.0.1:80 -r 10.244.1.5:8080 -m -w 1",
            "add KUBE-CLUSTER-IP 10.96.0.1,tcp:80",
            "add chain ip kube-proxy services",
            r#"add element ip kube-proxy no-endpoint-services { 10.96.0.1 . tcp . 80 comment "a/b" : goto reject-chain }"#,
            "add rule ip kube-proxy service-A numgen random mod 2 vmap { 0 : goto endpoint-B, 1 : goto endpoint-C }",
            "add rule ip kube-proxy services ip daddr . meta l4proto . th dport vmap @service-ips",
            "add rule ip kube-proxy endpoint-B meta l4proto tcp dnat to 10.244.1.5:8080",
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
        assert_eq!(
            effect("-a -t 10.96.0.1:80 -r 10.244.1.5:8080 -m -w 1"),
            Effect::Dnat
        );
        let nft = |rule: &str| effect(&format!("add rule ip kube-proxy chain {rule}"));
        assert_eq!(
            nft("meta l4proto tcp dnat to 10.244.1.5:8080"),
            Effect::Dnat
        );
        assert_eq!(nft(r#"comment "drop it" counter"#), Effect::Jump);
        assert_eq!(nft("mark set mark or 0x4000"), Effect::Snat);
        assert_eq!(nft("masquerade fully-random"), Effect::Snat);
        assert_eq!(nft("reject"), Effect::End);
    }
}
