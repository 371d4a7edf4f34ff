//! Regular expressions as grep, sed and awk read them, as far as people use them between pipes.
//!
//! The matching is the crate regex-lite's: bounded work for any pattern. What stands here is the way
//! to it from POSIX's two syntaxes, in which the same characters mean other things. Source:
//! POSIX.1-2017 chapter 9, with GNU's `\+`, `\?`, `\|`, `\b`, `\B`, `\<`, `\>`, `\w`, `\s`, `\d`.
//!
//! Left out, and refused by name: back references in a pattern, equivalence classes and collating
//! symbols. Of alternatives the first one that matches counts, where POSIX wants the longest. Upper
//! and lower case are those of ASCII. `{m,n}` repeats up to 255 times, POSIX's RE_DUP_MAX.

use regex_lite::RegexBuilder;

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 4_000;
/// The memory that a pattern's program may take, in bytes: a few thousand steps for each character
/// of a line at the most.
const MAX_PROGRAM: usize = 1 << 17;
/// How deep groups and repetitions may stand in each other.
const MAX_DEPTH: u32 = 50;
/// The most repetitions that a pattern may ask for by number.
const MAX_REPEAT: u32 = 255;

/// A pattern, ready to be matched.
#[derive(Clone, Debug)]
pub(super) struct Regex(regex_lite::Regex);

/// The places of a match and of its groups, in bytes.
pub(super) type Found = Vec<Option<(usize, usize)>>;

impl Regex {
    /// Reads a pattern: extended (`-E`) or basic.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in grep's words.
    pub(super) fn new(pattern: &str, extended: bool, folds_case: bool) -> Result<Self, String> {
        if pattern.len() > MAX_PATTERN {
            return Err("the pattern is too large".to_owned());
        }
        let mut translator = Translator {
            rest: pattern.chars().peekable(),
            extended,
            out: String::new(),
            groups: Vec::new(),
            last: Last::Start,
        };
        while let Some(c) = translator.rest.next() {
            translator.one(c)?;
        }
        if !translator.groups.is_empty() {
            return Err("Unmatched ( or \\(".to_owned());
        }
        Self::build(&translator.out, folds_case)
    }

    /// A pattern that is the text itself.
    ///
    /// # Errors
    ///
    /// It is too large.
    pub(super) fn literal(text: &str, folds_case: bool) -> Result<Self, String> {
        Self::build(&regex_lite::escape(text), folds_case)
    }

    fn build(pattern: &str, folds_case: bool) -> Result<Self, String> {
        let built = RegexBuilder::new(pattern)
            .case_insensitive(folds_case)
            .dot_matches_new_line(true)
            .size_limit(MAX_PROGRAM)
            .nest_limit(MAX_DEPTH)
            .build();
        // What a pattern can be wrong in was told by the translator; the rest are the limits.
        built
            .map(Self)
            .map_err(|_| "the pattern is too large".to_owned())
    }

    /// Whether it is somewhere in a text.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The first match from a place on.
    pub(super) fn find(&self, text: &str, from: usize) -> Option<Found> {
        if from > text.len() {
            return None;
        }
        let captures = self.0.captures_at(text, from)?;
        let place = |group: regex_lite::Match<'_>| (group.start(), group.end());
        Some(captures.iter().map(|group| group.map(place)).collect())
    }

    /// Replaces the first match, or all of them. `&` and `\1` in the replacement mean what matched.
    pub(super) fn replace(&self, text: &str, with: &str, all: bool) -> (String, bool) {
        let mut result = String::new();
        let mut from = 0;
        let mut has_changed = false;
        while let Some(found) = self.find(text, from) {
            let Some(Some((start, end))) = found.first().copied() else {
                break;
            };
            has_changed = true;
            result.push_str(&text[from..start]);
            let mut with = with.chars();
            while let Some(c) = with.next() {
                let group = match c {
                    '&' => Some(0),
                    '\\' => match with.next() {
                        Some(digit) if digit.is_ascii_digit() => digit.to_digit(10),
                        Some('n') => {
                            result.push('\n');
                            continue;
                        }
                        Some('t') => {
                            result.push('\t');
                            continue;
                        }
                        Some(other) => {
                            result.push(other);
                            continue;
                        }
                        None => None,
                    },
                    c => {
                        result.push(c);
                        continue;
                    }
                };
                let place = group.and_then(|group| found.get(group as usize).copied().flatten());
                if let Some((start, end)) = place {
                    result.push_str(&text[start..end]);
                }
            }
            // An empty match goes on behind the next character.
            let next = if end > start {
                end
            } else {
                let step = text[end..].chars().next().map_or(0, char::len_utf8);
                result.push_str(&text[end..end + step]);
                end + step
            };
            from = next;
            if !all || (end == start && next == end) {
                break;
            }
        }
        result.push_str(text.get(from..).unwrap_or(""));
        (result, has_changed)
    }
}

/// What the pattern's last part was: what a repetition behind it repeats.
#[derive(Clone, Copy)]
enum Last {
    /// Nothing: the pattern, a group or an alternative begins here.
    Start,
    /// A place: it can be there once, however often it is asked for.
    Place,
    /// A part that begins at this byte of what was written.
    Part(usize),
    /// The same, with a repetition behind it.
    Repeated(usize),
}

struct Translator<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    extended: bool,
    /// The pattern in regex-lite's syntax.
    out: String,
    /// Where the open groups begin in it.
    groups: Vec<usize>,
    last: Last,
}

impl Translator<'_> {
    fn one(&mut self, c: char) -> Result<(), String> {
        match c {
            '\\' => {
                let c = self.rest.next().ok_or("Trailing backslash")?;
                match c {
                    '(' | ')' | '{' | '|' | '+' | '?' if !self.extended => self.operator(c)?,
                    'b' | 'B' | '<' | '>' => self.place(&['\\', c]),
                    'd' | 's' | 'S' | 'w' | 'W' | 't' => self.part(&['\\', c]),
                    '1'..='9' => return Err("back references are not there".to_owned()),
                    c => self.literal(c),
                }
            }
            '(' | ')' | '{' | '|' | '+' | '?' if self.extended => self.operator(c)?,
            '*' => self.operator(c)?,
            '.' => self.part(&['.']),
            '[' => {
                let at = self.out.len();
                self.class()?;
                self.last = Last::Part(at);
            }
            '^' if self.extended => self.place(&['^']),
            // Behind it `*` is a star.
            '^' if matches!(self.last, Last::Start) => self.out.push('^'),
            '$' if self.extended || self.is_end() => self.place(&['$']),
            c => self.literal(c),
        }
        Ok(())
    }

    /// Whether the pattern ends here, or the group or alternative of a basic one.
    fn is_end(&self) -> bool {
        let mut ahead = self.rest.clone();
        match ahead.next() {
            None => true,
            Some('\\') => matches!(ahead.next(), Some(')' | '|')),
            Some(_) => false,
        }
    }

    fn literal(&mut self, c: char) {
        if is_escaped(c) {
            self.part(&['\\', c]);
        } else {
            self.part(&[c]);
        }
    }

    fn part(&mut self, text: &[char]) {
        self.last = Last::Part(self.out.len());
        self.out.extend(text);
    }

    fn place(&mut self, text: &[char]) {
        self.last = Last::Place;
        self.out.extend(text);
    }

    fn operator(&mut self, operator: char) -> Result<(), String> {
        match operator {
            '(' => {
                self.groups.push(self.out.len());
                self.out.push('(');
                self.last = Last::Start;
            }
            ')' => {
                let at = self.groups.pop().ok_or("Unmatched ) or \\)")?;
                self.out.push(')');
                self.last = Last::Part(at);
            }
            '|' => {
                self.out.push('|');
                self.last = Last::Start;
            }
            // Where nothing is to be repeated they stand for themselves.
            operator if matches!(self.last, Last::Start) => self.literal(operator),
            '{' => {
                let bounds = self.bounds()?;
                self.repeat(&bounds);
            }
            operator => self.repeat(&operator.to_string()),
        }
        Ok(())
    }

    fn repeat(&mut self, how: &str) {
        let at = match self.last {
            Last::Start | Last::Place => return,
            Last::Part(at) => at,
            // `a+?` would be a lazy `a+`.
            Last::Repeated(at) => {
                self.out.insert_str(at, "(?:");
                self.out.push(')');
                at
            }
        };
        self.out.push_str(how);
        self.last = Last::Repeated(at);
    }

    /// `{m}`, `{m,}`, `{,n}` and `{m,n}`, of which the first brace is read.
    fn bounds(&mut self) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.rest.next().ok_or("Unmatched { or \\{")? {
                '}' if self.extended => break,
                '\\' if !self.extended && self.rest.next_if_eq(&'}').is_some() => break,
                c => text.push(c),
            }
        }
        let wrong = || "Invalid content of \\{\\}".to_owned();
        let number = |text: &str| {
            let number = text.parse::<u32>().ok();
            number.filter(|own| *own <= MAX_REPEAT).ok_or_else(wrong)
        };
        let (least, most) = match text.split_once(',') {
            None => (number(&text)?, Some(number(&text)?)),
            Some((least, "")) => (number(least)?, None),
            Some(("", most)) => (0, Some(number(most)?)),
            Some((least, most)) => (number(least)?, Some(number(most)?)),
        };
        match most {
            Some(most) if most < least => Err(wrong()),
            Some(most) => Ok(format!("{{{least},{most}}}")),
            None => Ok(format!("{{{least},}}")),
        }
    }

    /// `[a-z]`, of which the bracket is read. A backslash is one of its characters.
    fn class(&mut self) -> Result<(), String> {
        const OPEN: &str = "Unmatched [, [^";
        const NAMES: [&str; 12] = [
            "alpha", "digit", "alnum", "upper", "lower", "space", "blank", "punct", "xdigit",
            "cntrl", "graph", "print",
        ];
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let c = self.rest.next().ok_or(OPEN)?;
            match (c, self.rest.peek()) {
                (']', _) if !is_first => break,
                ('[', Some(':')) => {
                    self.rest.next();
                    let mut name = String::new();
                    while let Some(c) = self.rest.next_if(|c| *c != ':') {
                        name.push(c);
                    }
                    let is_closed = self.rest.next().is_some() && self.rest.next() == Some(']');
                    if !is_closed || !NAMES.contains(&name.as_str()) {
                        return Err("Invalid character class name".to_owned());
                    }
                    self.out.extend(["[:", &name, ":]"]);
                }
                ('[', Some('.' | '=')) => {
                    return Err("equivalence classes are not there".to_owned());
                }
                (c, _) => {
                    self.member(c);
                    let mut ahead = self.rest.clone();
                    if ahead.next() == Some('-')
                        && let Some(end) = ahead.next()
                        && end != ']'
                    {
                        if end < c {
                            return Err("Invalid range end".to_owned());
                        }
                        self.rest = ahead;
                        self.out.push('-');
                        self.member(end);
                    }
                }
            }
            is_first = false;
        }
        self.out.push(']');
        Ok(())
    }

    fn member(&mut self, c: char) {
        if is_escaped(c) {
            self.out.push('\\');
        }
        self.out.push(c);
    }
}

/// Whether a character gets a backslash to stand for itself. `\<` and `\>` are the edges of words.
fn is_escaped(c: char) -> bool {
    c.is_ascii_punctuation() && !matches!(c, '<' | '>')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> Option<String> {
        let regex = Regex::new(pattern, true, false).unwrap();
        let found = regex.find(text, 0)?;
        let (start, end) = found[0]?;
        Some(text[start..end].to_owned())
    }

    #[test]
    fn patterns_match_as_grep_does() {
        for (pattern, text, found) in [
            ("web|api", "the api", Some("api")),
            ("^a.*z$", "abcz", Some("abcz")),
            ("^b", "abc", None),
            ("[0-9]+\\.[0-9]+", "at 10.96 now", Some("10.96")),
            ("(ab)+c", "xababc", Some("ababc")),
            ("a{2,3}", "caaaa", Some("aaa")),
            ("[^ ]*", "word x", Some("word")),
            ("[[:digit:]]+", "a12", Some("12")),
            ("\\bpod\\b", "pods pod", Some("pod")),
            ("(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaac", None),
            ("", "x", Some("")),
            ("ü.", "grün", Some("ün")),
            ("\\<pod", "a pod", Some("pod")),
            ("a+?b", "aab", Some("aab")),
            ("a{,2}b", "aaab", Some("aab")),
            ("[]x-]+", "a]-x", Some("]-x")),
            ("[\\.]", "a\\", Some("\\")),
            ("[a&&b]+", "&&", Some("&&")),
            ("x|*", "a*", Some("*")),
            ("\"<a>\"", "\"<a>\"", Some("\"<a>\"")),
        ] {
            assert_eq!(matches(pattern, text).as_deref(), found, "{pattern}");
        }
    }

    #[test]
    fn basic_patterns_have_their_operators_behind_backslashes() {
        let is_in =
            |pattern: &str, text: &str| Regex::new(pattern, false, false).unwrap().is_in(text);
        assert!(is_in("a+b", "a+b"));
        assert!(!is_in("a+b", "aab"));
        assert!(is_in("a\\+b", "aab"));
        assert!(is_in("x\\|b", "ab"));
        assert!(is_in("a$b", "a$b"));
        assert!(is_in("^*a", "*a"));
        assert!(is_in("\\(a$\\|b\\)", "ba"));
        assert!(is_in("a\\{2\\}", "baab"));
        assert!(is_in("a{2}", "a{2}"));
    }

    #[test]
    fn what_matched_is_replaced() {
        let replace = |pattern: &str, with: &str, all| {
            let regex = Regex::new(pattern, true, false).unwrap();
            regex.replace("web-1 web-2", with, all).0
        };
        assert_eq!(replace("web", "[&]", false), "[web]-1 web-2");
        assert_eq!(replace("(w)eb-([0-9])", "\\2\\1", true), "1w 2w");
        assert_eq!(replace("x*", "-", true), "-w-e-b---1- -w-e-b---2-");
        assert_eq!(replace("none", "-", true), "web-1 web-2");
    }

    #[test]
    fn wrong_patterns_say_what_is_wrong() {
        for pattern in [
            "(a", "a)", "[a", "a\\", "a{2", "a{3,2}", "[z-a]", "a{999}", "(a)\\1", "[[=a=]]",
        ] {
            assert!(Regex::new(pattern, true, false).is_err(), "{pattern}");
        }
        let large = "((((a{99}){99}){99}){99}){99}";
        assert!(Regex::new(large, true, false).is_err());
        assert!(Regex::new(&"a+?".repeat(99), true, false).is_ok());
        assert!(Regex::new(&"a?+".repeat(2_000), true, false).is_err());
        assert!(Regex::new(&("a".to_owned() + &"+?".repeat(900)), true, false).is_err());
    }
}
