//! What stands between pipes: text in, text out. Nothing here knows of clusters.
//!
//! A tool prints what the real one prints; which release it is modelled on, and what it leaves out,
//! stands at the head of each file.

pub(super) mod args;
mod awk;
mod grep;
mod jq;
mod lines;
mod regex;
mod sed;

use super::output::Printed;
use super::shell::Shell;
use args::Flags;
use lines::Filtered;

/// The filters that are there, for completion.
pub(super) const NAMES: [&str; 19] = [
    "awk", "base64", "cat", "column", "cut", "echo", "egrep", "grep", "head", "jq", "nl", "printf",
    "sed", "sort", "tail", "tee", "tr", "uniq", "wc",
];

/// Tools whose words behind the first so many are files.
const WORDS_BEFORE_FILES: &[(&str, usize)] = &[
    ("awk", 1),
    ("base64", 0),
    ("column", 0),
    ("cut", 0),
    ("egrep", 1),
    ("fgrep", 1),
    ("grep", 1),
    ("head", 0),
    ("jq", 1),
    ("nl", 0),
    ("sed", 1),
    ("sort", 0),
    ("tail", 0),
    ("tr", 2),
    ("uniq", 0),
    ("wc", 0),
];

/// Runs a filter; `None` for a name that is none.
pub(super) fn run(
    shell: &mut Shell<'_>,
    name: &str,
    args: &[&str],
    stdin: Option<&str>,
) -> Option<Printed> {
    let result = match name {
        "true" | ":" => Ok(Printed::default()),
        "false" => Ok(Printed {
            code: 1,
            ..Printed::default()
        }),
        "echo" => Ok(echo(args)),
        "printf" => printf(args),
        "cat" => cat(shell, args, stdin),
        "tee" => tee(shell, args, stdin),
        "xargs" => xargs(shell, args, stdin),
        _ => {
            let (_, before) = WORDS_BEFORE_FILES.iter().find(|(own, _)| *own == name)?;
            filter(shell, name, args, *before, stdin)
        }
    };
    let usage = if matches!(name, "grep" | "egrep" | "fgrep" | "sort" | "jq") {
        2
    } else {
        1
    };
    Some(result.unwrap_or_else(|why| Printed::failure(usage, format!("{name}: {why}"))))
}

fn filter(
    shell: &mut Shell<'_>,
    name: &str,
    args: &[&str],
    before: usize,
    stdin: Option<&str>,
) -> Filtered {
    let (args, files) = apart(name, args, before);
    let mut text = String::new();
    for file in &files {
        text.push_str(&match *file {
            "-" => stdin.unwrap_or("").to_owned(),
            file => shell.read_file(file)?,
        });
    }
    let text = if files.is_empty() {
        stdin.unwrap_or("")
    } else {
        &text
    };
    match name {
        "grep" => grep::grep(&args, text, false),
        "egrep" => grep::grep(&args, text, true),
        "fgrep" => grep::grep(&[&["-F"], &args[..]].concat(), text, false),
        "head" => lines::head(&args, text),
        "tail" => lines::tail(&args, text),
        "wc" => lines::wc(&args, text),
        "sort" => lines::sort(&args, text),
        "uniq" => lines::uniq(&args, text),
        "tr" => lines::tr(&args, text),
        "cut" => lines::cut(&args, text),
        "sed" => sed::sed(&args, text),
        "column" => lines::column(&args, text),
        "nl" => Ok(Printed::stdout(lines::numbered(text))),
        "base64" => lines::base64(&args, text),
        "awk" => awk::awk(&args, text),
        _ => jq::jq(&args, text),
    }
}

/// Parts the words of a tool from the files behind them. A flag's value is one of its words.
fn apart<'a>(name: &str, args: &[&'a str], before: usize) -> (Vec<&'a str>, Vec<&'a str>) {
    let with_value = match name {
        "grep" | "egrep" | "fgrep" => "ABCem",
        "head" | "tail" => "nc",
        "sort" => "kt",
        "cut" => "dfcb",
        "sed" => "e",
        "column" => "s",
        "base64" => "w",
        "awk" => "F",
        _ => "",
    };
    // With `-e` there is no pattern among the words.
    let has_script =
        matches!(name, "grep" | "egrep" | "sed") && args.iter().any(|arg| arg.starts_with("-e"));
    let mut left = if has_script { 0 } else { before };
    let (mut words, mut files) = (Vec::new(), Vec::new());
    let mut takes = false;
    for arg in args {
        let is_flag = arg.len() > 1 && arg.starts_with('-');
        if takes || is_flag {
            let last = arg.chars().last().unwrap_or(' ');
            let only = arg.chars().skip(1).position(|c| with_value.contains(c));
            takes = !takes
                && !arg.starts_with("--")
                && with_value.contains(last)
                && only == Some(arg.chars().count() - 2);
            words.push(*arg);
        } else if left > 0 {
            left -= 1;
            words.push(*arg);
        } else {
            files.push(*arg);
        }
    }
    (words, files)
}

fn echo(args: &[&str]) -> Printed {
    let (mut ends, mut escapes) = (true, false);
    let mut args = args;
    while let [first, rest @ ..] = args {
        match *first {
            "-n" => ends = false,
            "-e" => escapes = true,
            "-ne" | "-en" => (ends, escapes) = (false, true),
            _ => break,
        }
        args = rest;
    }
    let mut text = args.join(" ");
    if escapes {
        text = unescaped(&text);
    }
    if ends {
        text.push('\n');
    }
    Printed::stdout(text)
}

/// `\n`, `\t` and their likes.
pub(super) fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('\\') => out.push('\\'),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

/// `printf FORMAT WORD…` with `%s`, `%d` and `%%`; the format is used again while words are left.
fn printf(args: &[&str]) -> Filtered {
    let (format, mut words) = args.split_first().ok_or("usage: printf FORMAT [WORD…]")?;
    let format = unescaped(format);
    let mut out = String::new();
    loop {
        let before = words.len();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            match (c, chars.clone().next()) {
                ('%', Some('%')) => {
                    chars.next();
                    out.push('%');
                }
                ('%', Some('s' | 'd')) => {
                    chars.next();
                    if let Some((first, rest)) = words.split_first() {
                        out.push_str(first);
                        words = rest;
                    }
                }
                ('%', other) => {
                    let other = other.map_or_else(String::new, String::from);
                    return Err(format!("%{other} is not there; there is: %s, %d, %%"));
                }
                _ => out.push(c),
            }
        }
        if words.is_empty() || words.len() == before {
            return Ok(Printed::stdout(out));
        }
    }
}

fn cat(shell: &mut Shell<'_>, args: &[&str], stdin: Option<&str>) -> Filtered {
    let given = Flags {
        switches: "nuA",
        values: "",
        long: &[],
    }
    .read(args)?;
    let mut printed = Printed::default();
    let mut text = String::new();
    if given.words.is_empty() {
        text.push_str(stdin.unwrap_or(""));
    }
    for file in &given.words {
        match *file {
            "-" => text.push_str(stdin.unwrap_or("")),
            file => match shell.read_file(file) {
                Ok(own) => text.push_str(&own),
                Err(_) => {
                    printed.err(format!(
                        "cat: can't open '{file}': No such file or directory\n"
                    ));
                    printed.code = 1;
                }
            },
        }
    }
    printed.out(if given.has('n') {
        lines::numbered(&text)
    } else {
        text
    });
    Ok(printed)
}

fn tee(shell: &mut Shell<'_>, args: &[&str], stdin: Option<&str>) -> Filtered {
    let given = Flags {
        switches: "ai",
        values: "",
        long: &[("append", 'a')],
    }
    .read(args)?;
    let text = stdin.unwrap_or("");
    for file in &given.words {
        shell.write_file(file, text, given.has('a'));
    }
    Ok(Printed::stdout(text))
}

/// `xargs [-n N] [-I TEXT] COMMAND WORD…`.
fn xargs(shell: &mut Shell<'_>, args: &[&str], stdin: Option<&str>) -> Filtered {
    const FLAGS: Flags = Flags {
        switches: "rt",
        values: "nIL",
        long: &[("no-run-if-empty", 'r'), ("max-args", 'n')],
    };
    // The flags end where the command begins.
    let mut own = 0;
    while let Some(arg) = args.get(own).filter(|arg| arg.starts_with('-')) {
        own += 1 + usize::from(arg.len() == 2 && FLAGS.values.contains(&arg[1..]));
    }
    let (flags, command) = args.split_at(own.min(args.len()));
    let given = FLAGS.read(flags)?;
    let command: Vec<String> = match command {
        [] => vec!["echo".to_owned()],
        words => words.iter().map(|word| (*word).to_owned()).collect(),
    };
    let text = stdin.unwrap_or("");
    let mut runs: Vec<Vec<String>> = Vec::new();
    if let Some(place) = given.value('I') {
        for line in text.lines().filter(|line| !line.is_empty()) {
            runs.push(
                command
                    .iter()
                    .map(|word| word.replace(place, line))
                    .collect(),
            );
        }
    } else {
        let most = given.number('n')?.unwrap_or(usize::MAX).max(1);
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        for words in words.chunks(most) {
            runs.push([&command[..], words].concat());
        }
    }
    let mut printed = Printed::default();
    let mut failed = false;
    for run in runs {
        printed.then(shell.command(&run, None));
        failed |= printed.code != 0;
    }
    printed.code = if failed { 123 } else { 0 };
    Ok(printed)
}

#[cfg(test)]
mod tests {
    use crate::lab::{Lab, Settings};

    fn out(line: &str) -> String {
        let output = Lab::new(Settings::default()).run(line);
        assert_eq!(output.stderr(), "", "{line}");
        output.stdout()
    }

    #[test]
    fn lines_go_through_pipes() {
        for (line, text) in [
            (
                "printf 'b\\na\\nb\\n' | sort | uniq -c",
                "      1 a\n      2 b\n",
            ),
            ("printf 'b 2\\na 10\\n' | sort -k2 -n", "b 2\na 10\n"),
            ("printf 'b 2\\na 10\\n' | sort -k2nr", "a 10\nb 2\n"),
            ("printf '1\\n2\\n3\\n4\\n' | head -2 | tail -n 1", "2\n"),
            ("printf '1\\n2\\n3\\n' | tail -n +2 | wc -l", "2\n"),
            ("printf 'a\\nB\\nab\\n' | grep -i b", "B\nab\n"),
            ("printf 'a\\nB\\nab\\n' | grep -nv a", "2:B\n"),
            ("printf 'a\\nB\\nab\\n' | grep -c a", "2\n"),
            (
                "printf '1\\n2\\n3\\n4\\n5\\n6\\n7\\n' | grep -A1 -E '2|6'",
                "2\n3\n--\n6\n7\n",
            ),
            ("printf 'x=1,y=2\\n' | cut -d= -f2", "1,y\n"),
            ("printf 'x=1,y=2\\n' | cut -d , -f 1 | tr x= 'X '", "X 1\n"),
            ("echo hello | tr a-z A-Z", "HELLO\n"),
            ("echo 'a  b' | tr -s ' ' | sed 's/ /-/g'", "a-b\n"),
            ("printf '1\\n2\\n3\\n' | sed -n '2,$p'", "2\n3\n"),
            ("printf '1\\n2\\n3\\n' | sed '/2/d'", "1\n3\n"),
            ("echo hello | base64 | base64 -d", "hello\n"),
            (
                "echo hello world, this is a longer text | base64",
                "aGVsbG8gd29ybGQsIHRoaXMgaXMgYSBsb25nZXIgdGV4dAo=\n",
            ),
            ("printf 'a bb\\nccc d\\n' | column -t", "a    bb\nccc  d\n"),
            ("printf 'a\\nb\\n' | xargs -n1 echo x", "x a\nx b\n"),
            ("printf 'a\\nb\\n' | xargs -I{} echo '<{}>'", "<a>\n<b>\n"),
            ("echo a > f && echo b >> f && cat f", "a\nb\n"),
            ("echo a | tee f | wc -c && cat f", "2\na\n"),
            ("cat <<EOF | grep b\na\nb\nEOF", "b\n"),
            (
                "echo '{\"a\":[{\"b\":1},{\"b\":\"x\"}]}' | jq '.a[].b'",
                "1\n\"x\"\n",
            ),
            (
                "echo '{\"a\":[{\"b\":1},{\"b\":\"x\"}]}' | jq -r '.a | .[1] | .b'",
                "x\n",
            ),
            ("echo '{\"a\":{\"b\":1}}' | jq '.a'", "{\n  \"b\": 1\n}\n"),
            ("false || echo no; true && echo yes", "no\nyes\n"),
        ] {
            assert_eq!(out(line), text, "{line}");
        }
    }
}
