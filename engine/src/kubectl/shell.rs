//! A line as a shell reads it: words, quotes, pipes, lists, redirections, heredocs.
//!
//! Source: POSIX.1-2017, Shell Command Language 2.2 (quoting), 2.3 (tokens), 2.7 (redirection),
//! 2.9 (pipelines and lists); `$'…'` of bash. Left out, and refused by name: variables and
//! substitutions, globs, loops, functions, background jobs, subshells.

/// What separates two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// `;` or a line feed: the next one runs in any case.
    Then,
    /// `&&`: it runs when the one before went well.
    And,
    /// `||`: it runs when the one before did not.
    Or,
}

/// A simple command: its words, and where its input and output are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// The words, quotes taken off. The first one names the command.
    pub words: Vec<String>,
    /// The text of a heredoc, `<<EOF`, or of `<<< word`.
    pub heredoc: Option<String>,
    /// The file of `< file`.
    pub input: Option<String>,
    /// The file of `> file`, and whether it is `>>`.
    pub output: Option<(String, bool)>,
    /// Whether `2>/dev/null` throws standard error away.
    pub no_stderr: bool,
    /// Whether `2>&1` puts standard error with standard output.
    pub merge_stderr: bool,
}

/// Commands joined by `|`, and what joins them with those before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// How it hangs on the one before; [`Join::Then`] for the first.
    pub join: Join,
    /// Each one reads what the one before printed.
    pub commands: Vec<Command>,
}

/// Why a line cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShellError {
    /// A quote is not closed.
    #[error("unexpected end of line: a {0} quote is not closed")]
    Open(char),
    /// A heredoc's end is missing.
    #[error("the heredoc is not closed: a line with {0} alone is missing")]
    Heredoc(String),
    /// An operator where a command should be.
    #[error("syntax error near unexpected token `{0}'")]
    Unexpected(String),
    /// A part of a shell that is not there.
    #[error("{0} is not there: lines here have words, quotes, |, &&, ||, ;, <, > and heredocs")]
    NotThere(&'static str),
    /// The line is too long, or has too many commands.
    #[error("the line is too long")]
    TooLong,
}

/// The most commands that a text may have.
const MOST_COMMANDS: usize = 1_000;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Operator(&'static str),
    Heredoc(String),
    NewLine,
}

/// Operators, longer ones first.
const OPERATORS: [&str; 16] = [
    "2>/dev/null",
    "2>&1",
    "<<<",
    "<<-",
    "<<",
    "&&",
    "||",
    ">>",
    "<",
    ">",
    "|",
    ";",
    "&",
    "(",
    ")",
    "2>",
];

/// Reads a text of commands.
///
/// # Errors
///
/// It cannot be read, or needs a part of a shell that is not there.
pub fn parse(text: &str) -> Result<Vec<Pipeline>, ShellError> {
    if text.len() > crate::limits::MAX_TEXT_BYTES {
        return Err(ShellError::TooLong);
    }
    let tokens = tokens(text)?;
    let mut pipelines: Vec<Pipeline> = Vec::new();
    let mut current = Pipeline {
        join: Join::Then,
        commands: vec![Command::default()],
    };
    let mut tokens = tokens.into_iter().peekable();
    let mut count = 0;
    while let Some(token) = tokens.next() {
        let Some(command) = current.commands.last_mut() else {
            return Err(ShellError::TooLong);
        };
        match token {
            Token::Word(word) => command.words.push(word),
            Token::Heredoc(body) => command.heredoc = Some(body),
            Token::Operator("2>/dev/null") => command.no_stderr = true,
            Token::Operator("2>&1") => command.merge_stderr = true,
            Token::Operator(operator @ ("<" | ">" | ">>" | "<<<")) => {
                let Some(Token::Word(word)) = tokens.next() else {
                    return Err(ShellError::Unexpected("newline".to_owned()));
                };
                match operator {
                    "<" => command.input = Some(word),
                    "<<<" => command.heredoc = Some(word + "\n"),
                    operator => command.output = Some((word, operator == ">>")),
                }
            }
            Token::Operator("|") => {
                if command.words.is_empty() {
                    return Err(ShellError::Unexpected("|".to_owned()));
                }
                current.commands.push(Command::default());
                // After a pipe the line may go on below.
                while tokens.next_if_eq(&Token::NewLine).is_some() {}
            }
            Token::Operator("&") => return Err(ShellError::NotThere("a job in the background")),
            Token::Operator("(" | ")") => return Err(ShellError::NotThere("a subshell")),
            Token::Operator("2>") => return Err(ShellError::NotThere("2> to a file")),
            Token::NewLine | Token::Operator(_) => {
                let join = match token {
                    Token::Operator("&&") => Join::And,
                    Token::Operator("||") => Join::Or,
                    _ => Join::Then,
                };
                let is_empty = command.words.is_empty();
                if is_empty && (current.commands.len() > 1 || token != Token::NewLine) {
                    let text = match token {
                        Token::Operator(operator) => operator,
                        _ => "newline",
                    };
                    return Err(ShellError::Unexpected(text.to_owned()));
                }
                if is_empty {
                    continue;
                }
                count += current.commands.len();
                if count > MOST_COMMANDS {
                    return Err(ShellError::TooLong);
                }
                let next = Pipeline {
                    join,
                    commands: vec![Command::default()],
                };
                pipelines.push(std::mem::replace(&mut current, next));
                if join != Join::Then {
                    while tokens.next_if_eq(&Token::NewLine).is_some() {}
                    if tokens.peek().is_none() {
                        return Err(ShellError::Unexpected("newline".to_owned()));
                    }
                }
            }
        }
    }
    let last = current.commands.last();
    if last.is_some_and(|command| !command.words.is_empty()) {
        pipelines.push(current);
    } else if current.commands.len() > 1 {
        return Err(ShellError::Unexpected("newline".to_owned()));
    }
    Ok(pipelines)
}

/// The words of one command, when the text is no more than that.
///
/// # Errors
///
/// As for [`parse`]; also when there is more than one command.
pub fn words(text: &str) -> Result<Vec<String>, ShellError> {
    let mut pipelines = parse(text)?;
    match (pipelines.pop(), pipelines.is_empty()) {
        (Some(mut pipeline), true) if pipeline.commands.len() == 1 => Ok(pipeline
            .commands
            .pop()
            .map(|command| command.words)
            .unwrap_or_default()),
        (None, _) => Ok(Vec::new()),
        _ => Err(ShellError::NotThere("more than one command here")),
    }
}

struct Lexer<'a> {
    rest: &'a str,
    tokens: Vec<Token>,
    /// The word being read; quotes alone make one, too.
    word: Option<String>,
    /// Heredocs whose bodies follow this line: where their token is, the end, whether `<<-`.
    pending: Vec<(usize, String, bool)>,
}

impl Lexer<'_> {
    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            self.tokens.push(Token::Word(word));
        }
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// The text up to a closing single quote.
    fn single(&mut self) -> Result<(), ShellError> {
        let end = self.rest.find('\'').ok_or(ShellError::Open('\''))?;
        self.word
            .get_or_insert_default()
            .push_str(&self.rest[..end]);
        self.rest = &self.rest[end + 1..];
        Ok(())
    }

    fn double(&mut self) -> Result<(), ShellError> {
        self.word.get_or_insert_default();
        loop {
            match self.take().ok_or(ShellError::Open('"'))? {
                '"' => return Ok(()),
                '\\' => match self.take().ok_or(ShellError::Open('"'))? {
                    '\n' => {}
                    c @ ('"' | '\\' | '$' | '`') => self.push(c),
                    c => {
                        self.push('\\');
                        self.push(c);
                    }
                },
                '`' => return Err(ShellError::NotThere("command substitution")),
                '$' if self.is_expansion() => {
                    return Err(ShellError::NotThere("a variable or substitution"));
                }
                c => self.push(c),
            }
        }
    }

    /// Whether what follows a dollar makes it mean something.
    fn is_expansion(&self) -> bool {
        self.rest
            .starts_with(|c: char| c.is_alphanumeric() || "_({?!#@*$".contains(c))
    }

    /// `$'…'`.
    fn ansi(&mut self) -> Result<(), ShellError> {
        self.word.get_or_insert_default();
        loop {
            match self.take().ok_or(ShellError::Open('\''))? {
                '\'' => return Ok(()),
                '\\' => match self.take().ok_or(ShellError::Open('\''))? {
                    'n' => self.push('\n'),
                    't' => self.push('\t'),
                    'r' => self.push('\r'),
                    c @ ('\\' | '\'' | '"') => self.push(c),
                    c => {
                        self.push('\\');
                        self.push(c);
                    }
                },
                c => self.push(c),
            }
        }
    }

    /// The bodies of the heredocs of the line that just ended.
    fn bodies(&mut self) -> Result<(), ShellError> {
        for (at, end, strip) in std::mem::take(&mut self.pending) {
            let mut body = String::new();
            loop {
                if self.rest.is_empty() {
                    return Err(ShellError::Heredoc(end));
                }
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                self.rest = rest;
                let line = if strip {
                    line.trim_start_matches('\t')
                } else {
                    line
                };
                if line == end {
                    break;
                }
                body.push_str(line);
                body.push('\n');
            }
            self.tokens[at] = Token::Heredoc(body);
        }
        Ok(())
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, ShellError> {
    let mut lexer = Lexer {
        rest: text,
        tokens: Vec::new(),
        word: None,
        pending: Vec::new(),
    };
    loop {
        let fresh = lexer.word.is_none();
        let found = OPERATORS.into_iter().find(|operator| {
            // A digit before a redirection is one only at the start of a word.
            (fresh || !operator.starts_with('2')) && lexer.rest.starts_with(operator)
        });
        if let Some(operator) = found {
            lexer.end_word();
            lexer.rest = &lexer.rest[operator.len()..];
            if matches!(operator, "<<" | "<<-") {
                lexer.rest = lexer.rest.trim_start_matches([' ', '\t']);
                let end = lexer
                    .rest
                    .find(char::is_whitespace)
                    .unwrap_or(lexer.rest.len());
                let name = lexer.rest[..end].replace(['\'', '"', '\\'], "");
                lexer.rest = &lexer.rest[end..];
                if name.is_empty() {
                    return Err(ShellError::Unexpected("newline".to_owned()));
                }
                lexer
                    .pending
                    .push((lexer.tokens.len(), name, operator == "<<-"));
                lexer.tokens.push(Token::Heredoc(String::new()));
            } else {
                lexer.tokens.push(Token::Operator(operator));
            }
            continue;
        }
        let Some(c) = lexer.take() else { break };
        match c {
            ' ' | '\t' | '\r' => lexer.end_word(),
            '\n' => {
                lexer.end_word();
                lexer.tokens.push(Token::NewLine);
                lexer.bodies()?;
            }
            '#' if fresh => {
                let end = lexer.rest.find('\n').unwrap_or(lexer.rest.len());
                lexer.rest = &lexer.rest[end..];
            }
            '\'' => lexer.single()?,
            '"' => lexer.double()?,
            '$' if lexer.rest.starts_with('\'') => {
                lexer.rest = &lexer.rest[1..];
                lexer.ansi()?;
            }
            '$' if lexer.is_expansion() => {
                return Err(ShellError::NotThere("a variable or substitution"));
            }
            '`' => return Err(ShellError::NotThere("command substitution")),
            '\\' => match lexer.take() {
                Some('\n') => {}
                Some(c) => lexer.push(c),
                None => lexer.push('\\'),
            },
            c => lexer.push(c),
        }
    }
    lexer.end_word();
    match lexer.pending.pop() {
        Some((_, end, _)) => Err(ShellError::Heredoc(end)),
        None => Ok(lexer.tokens),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_quotes() {
        assert_eq!(
            words(r#"kubectl get svc -o jsonpath='{.spec.clusterIP}' "a b"c\ d '' # more"#)
                .unwrap(),
            [
                "kubectl",
                "get",
                "svc",
                "-o",
                "jsonpath={.spec.clusterIP}",
                "a bc d",
                ""
            ]
        );
        assert_eq!(
            words("a $'x\\ny' \"\\$z\" b$").unwrap(),
            ["a", "x\ny", "$z", "b$"]
        );
        assert_eq!(words("a \\\n b").unwrap(), ["a", "b"]);
        assert_eq!(words("# nothing").unwrap(), [""; 0]);
    }

    #[test]
    fn pipes_lists_and_redirections() {
        let parsed = parse("a 1 | b 2>/dev/null && c > f; d < g || e 2>&1").unwrap();
        let joins: Vec<Join> = parsed.iter().map(|p| p.join).collect();
        assert_eq!(joins, [Join::Then, Join::And, Join::Then, Join::Or]);
        assert_eq!(parsed[0].commands.len(), 2);
        assert!(parsed[0].commands[1].no_stderr);
        assert_eq!(parsed[1].commands[0].output, Some(("f".to_owned(), false)));
        assert_eq!(parsed[2].commands[0].input.as_deref(), Some("g"));
        assert!(parsed[3].commands[0].merge_stderr);
    }

    #[test]
    fn heredocs_are_read_as_they_stand() {
        let parsed = parse("kubectl apply -f - <<'EOF'\na: $b\n  c\nEOF\nkubectl get svc").unwrap();
        assert_eq!(parsed.len(), 2);
        assert_eq!(
            parsed[0].commands[0].heredoc.as_deref(),
            Some("a: $b\n  c\n")
        );
        assert_eq!(parsed[0].commands[0].words, ["kubectl", "apply", "-f", "-"]);
        assert_eq!(
            parse("cat <<EOF\nx"),
            Err(ShellError::Heredoc("EOF".to_owned()))
        );
    }

    #[test]
    fn what_is_not_there_says_so() {
        for line in ["echo $HOME", "a &", "(a)", "echo `b`", "echo \"$(c)\""] {
            assert!(
                matches!(parse(line), Err(ShellError::NotThere(_))),
                "{line}"
            );
        }
        assert_eq!(parse("a 'b"), Err(ShellError::Open('\'')));
        for line in ["| a", "a |", "a &&", ";; a"] {
            assert!(
                matches!(parse(line), Err(ShellError::Unexpected(_))),
                "{line}"
            );
        }
    }
}
