//! awk, as far as people use it between pipes: `'{print $1, $3}'`, `'NR>1 {print $2}'`, `-F:`,
//! `'/Running/ {print $1}'`, `'$3=="Running"'`, `'END {print NR}'`, `{n++} END {print n}`'s likes not.
//!
//! Source: POSIX.1-2017 awk. Left out, and refused: variables, functions, control flow, printf.

use super::args::Flags;
use super::lines::Filtered;
use super::regex::Regex;
use crate::console::output::Printed;

/// A value in an expression.
#[derive(Debug)]
enum Term {
    /// `$N`; zero is the line.
    Field(usize),
    /// `$NF`, and `$(NF-1)`.
    LastField(usize),
    LineNumber,
    FieldCount,
    Text(String),
    Number(i64),
}

#[derive(Debug)]
enum Test {
    Matches(Term, Regex, bool),
    Compares(Term, &'static str, Term),
    Any(Vec<Test>),
    All(Vec<Test>),
}

/// `pattern { print … }`.
struct Rule {
    at_end: bool,
    at_begin: bool,
    test: Option<Test>,
    /// The terms between commas; each is several side by side.
    prints: Vec<Vec<Vec<Term>>>,
}

struct Record<'a> {
    line: &'a str,
    fields: Vec<&'a str>,
    number: usize,
}

impl Record<'_> {
    fn text(&self, term: &Term) -> String {
        match term {
            Term::Field(0) => self.line.to_owned(),
            Term::Field(at) => self.fields.get(at - 1).copied().unwrap_or("").to_owned(),
            Term::LastField(before) => {
                let at = self.fields.len().checked_sub(1 + before);
                at.map_or("", |at| self.fields[at]).to_owned()
            }
            Term::LineNumber => self.number.to_string(),
            Term::FieldCount => self.fields.len().to_string(),
            Term::Text(text) => text.clone(),
            Term::Number(number) => number.to_string(),
        }
    }

    fn holds(&self, test: &Test) -> bool {
        match test {
            Test::Any(tests) => tests.iter().any(|test| self.holds(test)),
            Test::All(tests) => tests.iter().all(|test| self.holds(test)),
            Test::Matches(term, regex, wanted) => regex.is_in(&self.text(term)) == *wanted,
            Test::Compares(left, operator, right) => {
                let is_text = |term: &Term| matches!(term, Term::Text(_));
                let (a, b) = (self.text(left), self.text(right));
                let order = match (a.trim().parse::<i64>(), b.trim().parse::<i64>()) {
                    (Ok(a), Ok(b)) if !is_text(left) && !is_text(right) => a.cmp(&b),
                    _ => a.cmp(&b),
                };
                match *operator {
                    "==" => order.is_eq(),
                    "!=" => order.is_ne(),
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                }
            }
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, word: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn error(&self) -> String {
        let near: String = self.rest.chars().take(20).collect();
        format!(
            "syntax error near {near:?}; there is: [PATTERN] {{print $1, \"text\", $NF, NR}} with \
             NR>1, /REGEX/, $3==\"x\", $2 ~ /REGEX/, &&, ||, BEGIN, END"
        )
    }

    fn quoted(&mut self, end: char) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            if c == end {
                self.rest = &self.rest[at + c.len_utf8()..];
                return Ok(text);
            }
            if c != '\\' {
                text.push(c);
                continue;
            }
            match chars.next() {
                Some((_, 'n')) if end == '"' => text.push('\n'),
                Some((_, 't')) if end == '"' => text.push('\t'),
                Some((_, c)) if c == end => text.push(c),
                Some((_, c)) if end == '/' => text.extend(['\\', c]),
                Some((_, c)) => text.push(c),
                None => {}
            }
        }
        Err("a text is not closed".to_owned())
    }

    fn number(&mut self) -> Option<i64> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = self.rest[..digits].parse().ok()?;
        self.rest = &self.rest[digits..];
        Some(number)
    }

    fn term(&mut self) -> Result<Option<Term>, String> {
        self.skip();
        if self.take("$NF") {
            return Ok(Some(Term::LastField(0)));
        }
        if self.take("$(NF-") {
            let before = self.number().ok_or_else(|| self.error())?;
            if !self.take(")") {
                return Err(self.error());
            }
            return Ok(Some(Term::LastField(usize::try_from(before).unwrap_or(0))));
        }
        if self.take("$") {
            let at = self.number().ok_or_else(|| self.error())?;
            return Ok(Some(Term::Field(usize::try_from(at).unwrap_or(usize::MAX))));
        }
        if self.take("\"") {
            return Ok(Some(Term::Text(self.quoted('"')?)));
        }
        if self.take("NR") {
            return Ok(Some(Term::LineNumber));
        }
        if self.take("NF") {
            return Ok(Some(Term::FieldCount));
        }
        Ok(self.number().map(Term::Number))
    }

    fn test(&mut self) -> Result<Test, String> {
        let mut any = Vec::new();
        loop {
            let mut all = Vec::new();
            loop {
                all.push(self.one_test()?);
                if !self.take("&&") {
                    break;
                }
            }
            any.push(Test::All(all));
            if !self.take("||") {
                return Ok(Test::Any(any));
            }
        }
    }

    fn one_test(&mut self) -> Result<Test, String> {
        let negated = self.take("!/");
        if negated || self.take("/") {
            let regex = Regex::new(&self.quoted('/')?, true, false)?;
            return Ok(Test::Matches(Term::Field(0), regex, !negated));
        }
        let left = self.term()?.ok_or_else(|| self.error())?;
        for (word, wanted) in [("!~", false), ("~", true)] {
            if self.take(word) {
                if !self.take("/") {
                    return Err(self.error());
                }
                let regex = Regex::new(&self.quoted('/')?, true, false)?;
                return Ok(Test::Matches(left, regex, wanted));
            }
        }
        for operator in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.take(operator) {
                let right = self.term()?.ok_or_else(|| self.error())?;
                return Ok(Test::Compares(left, operator, right));
            }
        }
        // A value alone holds when it is neither empty nor zero.
        Ok(Test::All(vec![Test::Compares(
            left,
            "!=",
            Term::Text(String::new()),
        )]))
    }

    fn rules(&mut self) -> Result<Vec<Rule>, String> {
        let mut rules = Vec::new();
        loop {
            self.skip();
            if self.rest.is_empty() {
                return Ok(rules);
            }
            let at_end = self.take("END");
            let at_begin = !at_end && self.take("BEGIN");
            self.skip();
            let test = match at_end || at_begin || self.rest.starts_with('{') {
                true => None,
                false => Some(self.test()?),
            };
            let mut prints = Vec::new();
            if self.take("{") {
                while !self.take("}") {
                    if !self.take("print") {
                        return Err(self.error());
                    }
                    prints.push(self.print()?);
                    while self.take(";") {}
                }
            } else if test.is_some() {
                prints.push(Vec::new());
            } else {
                return Err(self.error());
            }
            rules.push(Rule {
                at_end,
                at_begin,
                test,
                prints,
            });
            self.take(";");
        }
    }

    fn print(&mut self) -> Result<Vec<Vec<Term>>, String> {
        let mut parts = Vec::new();
        loop {
            let mut part = Vec::new();
            while let Some(term) = self.term()? {
                part.push(term);
            }
            if part.is_empty() {
                return if parts.is_empty() {
                    Ok(parts)
                } else {
                    Err(self.error())
                };
            }
            parts.push(part);
            if !self.take(",") {
                return Ok(parts);
            }
        }
    }
}

pub(super) fn awk(args: &[&str], text: &str) -> Filtered {
    let given = Flags {
        switches: "",
        values: "F",
        long: &[],
    }
    .read(args)?;
    let program = given
        .words
        .first()
        .ok_or("usage: awk [-F SEPARATOR] 'PROGRAM'")?;
    let rules = Parser { rest: program }.rules()?;
    let separator = given.value('F').unwrap_or(" ").replace("\\t", "\t");
    let mut out = String::new();
    let mut last = Record {
        line: "",
        fields: Vec::new(),
        number: 0,
    };
    let mut run = |record: &Record<'_>, begins: bool, ends: bool| {
        for rule in &rules {
            let holds = rule.test.as_ref().is_none_or(|test| record.holds(test));
            if rule.at_end != ends || rule.at_begin != begins || !holds {
                continue;
            }
            for print in &rule.prints {
                let parts: Vec<String> = print
                    .iter()
                    .map(|part| part.iter().map(|term| record.text(term)).collect())
                    .collect();
                out.push_str(&if print.is_empty() {
                    record.line.to_owned()
                } else {
                    parts.join(" ")
                });
                out.push('\n');
            }
        }
    };
    run(&last, true, false);
    for (at, line) in text.lines().enumerate() {
        let fields = match separator.as_str() {
            " " => line.split_whitespace().collect(),
            separator if separator.chars().count() == 1 => line.split(separator).collect(),
            pattern => {
                let regex = Regex::new(pattern, true, false)?;
                let mut fields = Vec::new();
                let mut from = 0;
                while let Some(Some((start, end))) = regex.find(line, from).map(|found| found[0]) {
                    if end == start {
                        break;
                    }
                    fields.push(&line[from..start]);
                    from = end;
                }
                fields.push(&line[from..]);
                fields
            }
        };
        last = Record {
            line,
            fields,
            number: at + 1,
        };
        run(&last, false, false);
    }
    run(&last, false, true);
    Ok(Printed::stdout(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "NAME READY STATUS\nweb-1 1/1 Running\nweb-2 0/1 Pending\n";

    fn awk_of(args: &[&str]) -> String {
        let printed = awk(args, TEXT).unwrap();
        printed.chunks.into_iter().map(|chunk| chunk.text).collect()
    }

    #[test]
    fn fields_patterns_and_separators() {
        for (args, out) in [
            (vec!["{print $1}"], "NAME\nweb-1\nweb-2\n"),
            (
                vec!["NR>1 {print $1, $NF}"],
                "web-1 Running\nweb-2 Pending\n",
            ),
            (vec!["/web/{print $2 \":\" NR}"], "1/1:2\n0/1:3\n"),
            (vec!["$3==\"Running\""], "web-1 1/1 Running\n"),
            (
                vec!["$3 != \"Running\" && NR != 1 {print $(NF-1)}"],
                "0/1\n",
            ),
            (vec!["-F/", "NR==2{print $1}"], "web-1 1\n"),
            (vec!["-F", "-", "$2 ~ /^2/ {print $1}"], "web\n"),
            (vec!["END{print NR}"], "3\n"),
            (vec!["BEGIN{print \"a\\tb\"}"], "a\tb\n"),
            (vec!["{print}"], TEXT),
        ] {
            assert_eq!(awk_of(&args), out, "{args:?}");
        }
    }

    #[test]
    fn what_is_not_there_says_so() {
        for program in [
            "{printf \"%s\", $1}",
            "{sum+=$1}",
            "{print $1",
            "{print $}",
            "",
            "x",
        ] {
            let result = awk(&[program], TEXT);
            assert!(program.is_empty() || result.is_err(), "{program}");
        }
    }
}
