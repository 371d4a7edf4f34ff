//! Regular expressions as grep, sed and awk read them, as far as people use them between pipes.
//!
//! A pattern becomes a small program that is run over the text (R. Pike's machine), every place of
//! the program at every place of the text once at most: bounded work for any pattern. Source:
//! POSIX.1-2017 chapter 9, with GNU's `\+`, `\?`, `\|`, `\b`, `\w`, `\s`, `\d`.
//!
//! Left out: back references in a pattern, equivalence classes. Of alternatives the first one that
//! matches counts, where POSIX wants the longest. `{m,n}` repeats up to 100 times.

/// The largest program.
const MAX_PROGRAM: usize = 4_000;

/// A pattern, ready to be matched.
#[derive(Clone, Debug)]
pub(super) struct Regex {
    program: Vec<Op>,
    folds_case: bool,
    groups: usize,
}

#[derive(Clone, Debug)]
enum Op {
    Char(char),
    Any,
    Class(Vec<(char, char)>, bool),
    Begin,
    End,
    Edge,
    Save(usize),
    Split(usize, usize),
    Jump(usize),
    Match,
}

/// A parsed pattern.
#[derive(Clone, Debug)]
enum Tree {
    Empty,
    One(Op),
    All(Vec<Tree>),
    Either(Vec<Tree>),
    Group(usize, Box<Tree>),
    Repeat(Box<Tree>, usize, Option<usize>),
}

/// The places of a match and of its groups, in bytes.
pub(super) type Found = Vec<Option<(usize, usize)>>;

struct Parser<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    extended: bool,
    groups: usize,
    depth: usize,
}

impl Regex {
    /// Reads a pattern: extended (`-E`) or basic.
    pub(super) fn new(pattern: &str, extended: bool, folds_case: bool) -> Result<Self, String> {
        let mut parser = Parser {
            rest: pattern.chars().peekable(),
            extended,
            groups: 0,
            depth: 0,
        };
        let tree = parser.either()?;
        if parser.rest.peek().is_some() {
            return Err("Unmatched ) or \\)".to_owned());
        }
        let mut regex = Self {
            program: vec![Op::Save(0)],
            folds_case,
            groups: parser.groups + 1,
        };
        regex.compile(&tree)?;
        regex.program.extend([Op::Save(1), Op::Match]);
        Ok(regex)
    }

    /// A pattern that is the text itself.
    pub(super) fn literal(text: &str, folds_case: bool) -> Self {
        let mut program = vec![Op::Save(0)];
        program.extend(text.chars().map(Op::Char));
        program.extend([Op::Save(1), Op::Match]);
        Self {
            program,
            folds_case,
            groups: 1,
        }
    }

    fn compile(&mut self, tree: &Tree) -> Result<(), String> {
        if self.program.len() > MAX_PROGRAM {
            return Err("the pattern is too large".to_owned());
        }
        match tree {
            Tree::Empty => {}
            Tree::One(op) => self.program.push(op.clone()),
            Tree::All(parts) => {
                for part in parts {
                    self.compile(part)?;
                }
            }
            Tree::Either(parts) => {
                let mut ends = Vec::new();
                for (at, part) in parts.iter().enumerate() {
                    if at + 1 == parts.len() {
                        self.compile(part)?;
                        continue;
                    }
                    let split = self.program.len();
                    self.program.push(Op::Match);
                    self.compile(part)?;
                    ends.push(self.program.len());
                    self.program.push(Op::Match);
                    self.program[split] = Op::Split(split + 1, self.program.len());
                }
                let end = self.program.len();
                for at in ends {
                    self.program[at] = Op::Jump(end);
                }
            }
            Tree::Group(number, inner) => {
                self.program.push(Op::Save(2 * number));
                self.compile(inner)?;
                self.program.push(Op::Save(2 * number + 1));
            }
            Tree::Repeat(inner, least, most) => {
                for _ in 0..*least {
                    self.compile(inner)?;
                }
                match most {
                    None => {
                        let split = self.program.len();
                        self.program.push(Op::Match);
                        self.compile(inner)?;
                        self.program.push(Op::Jump(split));
                        self.program[split] = Op::Split(split + 1, self.program.len());
                    }
                    Some(most) => {
                        let mut splits = Vec::new();
                        for _ in *least..*most {
                            splits.push(self.program.len());
                            self.program.push(Op::Match);
                            self.compile(inner)?;
                        }
                        let end = self.program.len();
                        for at in splits {
                            self.program[at] = Op::Split(at + 1, end);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether it is somewhere in a text.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.find(text, 0).is_some()
    }

    /// The first match from a place on.
    pub(super) fn find(&self, text: &str, from: usize) -> Option<Found> {
        let chars: Vec<(usize, char)> = text.char_indices().collect();
        let first = chars.partition_point(|(at, _)| *at < from);
        // What failed at one place fails there again, wherever the match began.
        let mut seen = vec![false; self.program.len() * (chars.len() + 1)];
        (first..=chars.len()).find_map(|at| self.at(text, &chars, at, &mut seen))
    }

    fn at(
        &self,
        text: &str,
        chars: &[(usize, char)],
        start: usize,
        seen: &mut [bool],
    ) -> Option<Found> {
        let place = |at: usize| chars.get(at).map_or(text.len(), |(byte, _)| *byte);
        let mut saved: Vec<Option<usize>> = vec![None; 2 * self.groups];
        // What to try next: an operation and a place, or a saved place to put back.
        enum Task {
            Try(usize, usize),
            Restore(usize, Option<usize>),
        }
        let mut tasks = vec![Task::Try(0, start)];
        while let Some(task) = tasks.pop() {
            let (mut op, mut at) = match task {
                Task::Restore(slot, old) => {
                    saved[slot] = old;
                    continue;
                }
                Task::Try(op, at) => (op, at),
            };
            loop {
                let key = op * (chars.len() + 1) + at;
                if std::mem::replace(&mut seen[key], true) {
                    break;
                }
                let here = chars.get(at).map(|(_, c)| *c);
                let goes_on = match &self.program[op] {
                    Op::Match => {
                        let pair = |at: usize| Some((saved[2 * at]?, saved[2 * at + 1]?));
                        return Some((0..self.groups).map(pair).collect());
                    }
                    Op::Char(c) => here.is_some_and(|own| self.same(own, *c)),
                    Op::Any => here.is_some(),
                    Op::Class(ranges, negated) => here.is_some_and(|own| {
                        let is_in = |c: char| ranges.iter().any(|(a, b)| (*a..=*b).contains(&c));
                        let found = is_in(own)
                            || (self.folds_case
                                && (is_in(own.to_ascii_lowercase())
                                    || is_in(own.to_ascii_uppercase())));
                        found != *negated
                    }),
                    Op::Begin if at == 0 => {
                        op += 1;
                        continue;
                    }
                    Op::End if here.is_none() => {
                        op += 1;
                        continue;
                    }
                    Op::Edge => {
                        let word =
                            |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                        let before = at
                            .checked_sub(1)
                            .and_then(|at| chars.get(at))
                            .map(|(_, c)| *c);
                        if word(before) == word(here) {
                            break;
                        }
                        op += 1;
                        continue;
                    }
                    Op::Begin | Op::End => break,
                    Op::Save(slot) => {
                        tasks.push(Task::Restore(*slot, saved[*slot]));
                        saved[*slot] = Some(place(at));
                        op += 1;
                        continue;
                    }
                    Op::Split(first, second) => {
                        tasks.push(Task::Try(*second, at));
                        op = *first;
                        continue;
                    }
                    Op::Jump(to) => {
                        op = *to;
                        continue;
                    }
                };
                if !goes_on {
                    break;
                }
                op += 1;
                at += 1;
            }
        }
        None
    }

    fn same(&self, a: char, b: char) -> bool {
        a == b || (self.folds_case && a.to_lowercase().eq(b.to_lowercase()))
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

impl Parser<'_> {
    /// Whether an operator stands here: bare in an extended pattern, behind a backslash in a basic
    /// one. It is taken.
    fn operator(&mut self, operator: char) -> bool {
        if self.extended {
            return self.rest.next_if_eq(&operator).is_some();
        }
        let mut ahead = self.rest.clone();
        if ahead.next() == Some('\\') && ahead.next() == Some(operator) {
            self.rest = ahead;
            return true;
        }
        false
    }

    fn is_operator(&self, operator: char) -> bool {
        let mut ahead = self.rest.clone();
        match self.extended {
            true => ahead.next() == Some(operator),
            false => ahead.next() == Some('\\') && ahead.next() == Some(operator),
        }
    }

    fn either(&mut self) -> Result<Tree, String> {
        self.depth += 1;
        if self.depth > 50 {
            return Err("too many groups in groups".to_owned());
        }
        let mut parts = vec![self.all()?];
        while self.operator('|') {
            parts.push(self.all()?);
        }
        self.depth -= 1;
        Ok(match parts.len() {
            1 => parts.remove(0),
            _ => Tree::Either(parts),
        })
    }

    fn all(&mut self) -> Result<Tree, String> {
        let mut parts = Vec::new();
        while self.rest.peek().is_some() && !self.is_operator('|') && !self.is_operator(')') {
            let one = self.one(parts.is_empty())?;
            parts.push(self.repeated(one)?);
        }
        Ok(Tree::All(parts))
    }

    fn repeated(&mut self, mut tree: Tree) -> Result<Tree, String> {
        loop {
            let (least, most) = if self.rest.next_if_eq(&'*').is_some() {
                (0, None)
            } else if self.operator('+') {
                (1, None)
            } else if self.operator('?') {
                (0, Some(1))
            } else if self.operator('{') {
                self.bounds()?
            } else {
                return Ok(tree);
            };
            // Nothing repeated for ever is nothing.
            if !matches!(
                tree,
                Tree::Empty | Tree::One(Op::Begin | Op::End | Op::Edge)
            ) {
                tree = Tree::Repeat(Box::new(tree), least, most);
            }
        }
    }

    fn bounds(&mut self) -> Result<(usize, Option<usize>), String> {
        let mut text = String::new();
        while !self.is_operator('}') {
            text.push(self.rest.next().ok_or("Unmatched { or \\{")?);
        }
        self.operator('}');
        let number = |text: &str| {
            let number = text.parse::<usize>().ok().filter(|number| *number <= 100);
            number.ok_or_else(|| "Invalid content of \\{\\}".to_owned())
        };
        let (least, most) = match text.split_once(',') {
            None => (number(&text)?, Some(number(&text)?)),
            Some((least, "")) => (number(least)?, None),
            Some((least, most)) => (number(least)?, Some(number(most)?)),
        };
        if most.is_some_and(|most| most < least) {
            return Err("Invalid content of \\{\\}".to_owned());
        }
        Ok((least, most))
    }

    fn one(&mut self, is_first: bool) -> Result<Tree, String> {
        if self.operator('(') {
            self.groups += 1;
            let number = self.groups;
            let inner = self.either()?;
            if !self.operator(')') {
                return Err("Unmatched ( or \\(".to_owned());
            }
            return Ok(Tree::Group(number, Box::new(inner)));
        }
        let Some(c) = self.rest.next() else {
            return Ok(Tree::Empty);
        };
        Ok(Tree::One(match c {
            '.' => Op::Any,
            '[' => self.class()?,
            '^' if self.extended || is_first => Op::Begin,
            '$' if self.extended || self.rest.peek().is_none() => Op::End,
            '\\' => match self.rest.next() {
                None => return Err("Trailing backslash".to_owned()),
                Some('b') => Op::Edge,
                Some('d') => Op::Class(vec![('0', '9')], false),
                Some('s') => Op::Class(vec![(' ', ' '), ('\t', '\r')], false),
                Some('S') => Op::Class(vec![(' ', ' '), ('\t', '\r')], true),
                Some('t') => Op::Char('\t'),
                Some(kind @ ('w' | 'W')) => Op::Class(
                    vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')],
                    kind == 'W',
                ),
                Some(c) => Op::Char(c),
            },
            c => Op::Char(c),
        }))
    }

    fn class(&mut self) -> Result<Op, String> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut ranges = Vec::new();
        loop {
            let c = self.rest.next().ok_or("Unmatched [, [^")?;
            match c {
                ']' if !ranges.is_empty() => return Ok(Op::Class(ranges, negated)),
                '[' if self.rest.peek() == Some(&':') => {
                    let mut name = String::new();
                    self.rest.next();
                    while let Some(c) = self.rest.next_if(|c| *c != ':') {
                        name.push(c);
                    }
                    self.rest.next();
                    self.rest.next();
                    ranges.extend_from_slice(match name.as_str() {
                        "alpha" => &[('a', 'z'), ('A', 'Z')],
                        "digit" => &[('0', '9')],
                        "alnum" => &[('a', 'z'), ('A', 'Z'), ('0', '9')],
                        "upper" => &[('A', 'Z')],
                        "lower" => &[('a', 'z')],
                        "space" => &[(' ', ' '), ('\t', '\r')],
                        "blank" => &[(' ', ' '), ('\t', '\t')],
                        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
                        "xdigit" => &[('a', 'f'), ('A', 'F'), ('0', '9')],
                        _ => return Err("Invalid character class name".to_owned()),
                    });
                }
                c => {
                    let mut ahead = self.rest.clone();
                    if ahead.next() == Some('-')
                        && let Some(end) = ahead.next()
                        && end != ']'
                    {
                        if end < c {
                            return Err("Invalid range end".to_owned());
                        }
                        self.rest = ahead;
                        ranges.push((c, end));
                    } else {
                        ranges.push((c, c));
                    }
                }
            }
        }
    }
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
        for pattern in ["(a", "a)", "[a", "a\\", "a{2", "a{3,2}", "[z-a]", "a{999}"] {
            assert!(Regex::new(pattern, true, false).is_err(), "{pattern}");
        }
    }
}
