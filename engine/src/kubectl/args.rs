//! Command lines as pflag and cobra read them.
//!
//! Source: github.com/spf13/pflag `flag.go`, github.com/spf13/cobra `command.go`. Flags and
//! arguments may be mixed; `--` ends the flags; `-it` are two flags, `-nshop` is one with a value.

use super::error::Error;
use crate::api::validation::quote;

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A text.
    Text,
    /// A text; texts with commas are several, and the flag may be there several times.
    List,
    /// A text, and the flag may be there several times.
    Texts,
    /// Nothing, `=true` or `=false`.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A whole number of 32 bits.
    Int32,
    /// A length of time: `5s`, `1m30s`.
    Duration,
    /// A text after `=`, or nothing, which means this text.
    Maybe(&'static str),
}

/// A flag.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Behind two dashes.
    pub name: &'static str,
    /// Behind one dash; `\0` for none.
    pub short: char,
    /// Its value.
    pub takes: Takes,
    /// Whether it has to be there.
    pub required: bool,
}

/// A flag without a short form.
#[must_use]
pub const fn flag(name: &'static str, takes: Takes) -> Flag {
    Flag {
        name,
        short: '\0',
        takes,
        required: false,
    }
}

/// A flag with a short form.
#[must_use]
pub const fn short(name: &'static str, short: char, takes: Takes) -> Flag {
    Flag {
        name,
        short,
        takes,
        required: false,
    }
}

/// A flag that has to be there.
#[must_use]
pub const fn required(name: &'static str, takes: Takes) -> Flag {
    Flag {
        name,
        short: '\0',
        takes,
        required: true,
    }
}

/// The flags that every command has.
pub const GLOBAL: &[Flag] = &[
    flag("as", Takes::Text),
    flag("as-group", Takes::Texts),
    flag("as-uid", Takes::Text),
    flag("cache-dir", Takes::Text),
    flag("certificate-authority", Takes::Text),
    flag("client-certificate", Takes::Text),
    flag("client-key", Takes::Text),
    flag("cluster", Takes::Text),
    flag("context", Takes::Text),
    flag("disable-compression", Takes::Bool),
    flag("insecure-skip-tls-verify", Takes::Bool),
    flag("kubeconfig", Takes::Text),
    flag("match-server-version", Takes::Bool),
    short("namespace", 'n', Takes::Text),
    flag("password", Takes::Text),
    flag("profile", Takes::Text),
    flag("profile-output", Takes::Text),
    flag("request-timeout", Takes::Text),
    short("server", 's', Takes::Text),
    flag("tls-server-name", Takes::Text),
    flag("token", Takes::Text),
    flag("user", Takes::Text),
    flag("username", Takes::Text),
    short("v", 'v', Takes::Int),
    flag("vmodule", Takes::Text),
    flag("warnings-as-errors", Takes::Bool),
    short("help", 'h', Takes::Bool),
];

/// The flags that were given, and the arguments.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    values: Vec<(&'static str, String)>,
    /// What is no flag.
    pub args: Vec<String>,
    /// How many of the arguments stand before `--`, when it is there.
    pub before_dash: Option<usize>,
}

impl Parsed {
    /// Whether a flag was given.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values.iter().any(|(flag, _)| *flag == name)
    }

    /// The text of a flag, empty when it was not given. Of several the last one counts.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.values
            .iter()
            .rev()
            .find(|(flag, _)| *flag == name)
            .map_or("", |(_, value)| value)
    }

    /// Whether a flag is on.
    #[must_use]
    pub fn on(&self, name: &str) -> bool {
        parse_bool(self.text(name)).unwrap_or(false)
    }

    /// The number of a flag.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        parse_int(self.text(name), i64::MIN, i64::MAX).ok()
    }

    /// As if a flag had not been given.
    pub fn forget(&mut self, name: &str) {
        self.values.retain(|(flag, _)| *flag != name);
    }

    /// All texts of a flag, in order; commas part them.
    #[must_use]
    pub fn list<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        self.all(name).flat_map(|value| value.split(',')).collect()
    }

    /// All texts of a flag, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.values
            .iter()
            .filter(move |(flag, _)| *flag == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads the words behind a command. `command` is its full name, `kubectl get`, for the errors.
///
/// # Errors
///
/// A flag that there is not, that lacks its value or has a wrong one, or that is missing.
pub fn parse(command: &str, flags: &[&[Flag]], words: &[String]) -> Result<Parsed, Error> {
    let usage = |text: String| Error::Plain(format!("{text}\nSee '{command} --help' for usage."));
    let mut parsed = Parsed::default();
    let all = || flags.iter().copied().chain([GLOBAL]).flatten();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            parsed.before_dash = Some(parsed.args.len());
            parsed.args.extend(words.cloned());
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, given) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            if name.is_empty() || name.starts_with('-') {
                return Err(usage(format!("bad flag syntax: {word}")));
            }
            let Some(flag) = all().find(|flag| flag.name == name) else {
                return Err(usage(format!("unknown flag: --{name}")));
            };
            let value = match (given, flag.takes) {
                (Some(value), _) => value,
                (None, Takes::Bool) => "true".to_owned(),
                (None, Takes::Maybe(value)) => value.to_owned(),
                (None, _) => match words.next() {
                    Some(value) => value.clone(),
                    None => {
                        return Err(usage(format!("flag needs an argument: --{name}")));
                    }
                },
            };
            set(&mut parsed, flag, value).map_err(usage)?;
        } else if word.len() > 1 && word.starts_with('-') {
            let mut rest = &word[1..];
            while let Some(c) = rest.chars().next() {
                let after = &rest[c.len_utf8()..];
                let Some(flag) = all().find(|flag| flag.short == c) else {
                    return Err(usage(format!("unknown shorthand flag: '{c}' in -{rest}")));
                };
                let value = if let Some(value) = after.strip_prefix('=') {
                    rest = "";
                    value.to_owned()
                } else if flag.takes == Takes::Bool {
                    rest = after;
                    "true".to_owned()
                } else if let Takes::Maybe(value) = flag.takes {
                    rest = after;
                    value.to_owned()
                } else if !after.is_empty() {
                    rest = "";
                    after.to_owned()
                } else if let Some(value) = words.next() {
                    rest = "";
                    value.clone()
                } else {
                    return Err(usage(format!("flag needs an argument: '{c}' in -{rest}")));
                };
                set(&mut parsed, flag, value).map_err(usage)?;
            }
        } else {
            parsed.args.push(word.clone());
        }
    }
    if parsed.on("help") {
        return Ok(parsed);
    }
    let missing: Vec<String> = all()
        .filter(|flag| flag.required && !parsed.has(flag.name))
        .map(|flag| format!("\"{}\"", flag.name))
        .collect();
    if missing.is_empty() {
        Ok(parsed)
    } else {
        let missing = missing.join(", ");
        Err(Error::Plain(format!("required flag(s) {missing} not set")))
    }
}

fn set(parsed: &mut Parsed, flag: &Flag, value: String) -> Result<(), String> {
    let wrong = match flag.takes {
        Takes::Bool => match parse_bool(&value) {
            Some(_) => None,
            None => Some(format!(
                "strconv.ParseBool: parsing {}: invalid syntax",
                quote(&value)
            )),
        },
        Takes::Int => parse_int(&value, i64::MIN, i64::MAX)
            .err()
            .map(|why| format!("strconv.ParseInt: parsing {}: {why}", quote(&value))),
        Takes::Int32 => parse_int(&value, i32::MIN.into(), i32::MAX.into())
            .err()
            .map(|why| format!("strconv.ParseInt: parsing {}: {why}", quote(&value))),
        Takes::Duration if parse_duration(&value).is_none() => {
            Some(format!("time: invalid duration {}", quote(&value)))
        }
        _ => None,
    };
    if let Some(wrong) = wrong {
        let name = if flag.short == '\0' {
            format!("--{}", flag.name)
        } else {
            format!("-{}, --{}", flag.short, flag.name)
        };
        return Err(format!(
            "invalid argument {} for \"{name}\" flag: {wrong}",
            quote(&value)
        ));
    }
    parsed.values.push((flag.name, value));
    Ok(())
}

/// Go's `strconv.ParseBool`.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Go's `strconv.ParseInt` with base 0.
fn parse_int(text: &str, least: i64, most: i64) -> Result<i64, &'static str> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err("invalid syntax");
    }
    i128::from_str_radix(digits, radix)
        .ok()
        .map(|number| if negative { -number } else { number })
        .and_then(|number| i64::try_from(number).ok())
        .filter(|number| (least..=most).contains(number))
        .ok_or("value out of range")
}

/// Go's `strconv.Atoi`: the whole number, or Go's words for why there is none.
///
/// # Errors
///
/// It is no number, or too large.
pub fn atoi(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let why = if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        "invalid syntax"
    } else {
        match text.strip_prefix('+').unwrap_or(text).parse() {
            Ok(number) => return Ok(number),
            Err(_) => "value out of range",
        }
    };
    Err(format!("strconv.Atoi: parsing {}: {why}", quote(text)))
}

/// Go's `time.ParseDuration`, in whole seconds.
#[must_use]
pub fn parse_duration(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest.is_empty() {
        return None;
    }
    let mut seconds: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let whole = &rest[..digits];
        rest = &rest[digits..];
        let mut fraction = 0;
        if let Some(after) = rest.strip_prefix('.') {
            fraction = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            rest = &after[fraction..];
        }
        if digits + fraction == 0 {
            return None;
        }
        let unit = rest.len()
            - rest
                .trim_start_matches(|c: char| !c.is_ascii_digit() && c != '.')
                .len();
        let each = match &rest[..unit] {
            "h" => 3600,
            "m" => 60,
            "s" => 1,
            "ms" | "us" | "µs" | "ns" => 0,
            _ => return None,
        };
        rest = &rest[unit..];
        let whole: i64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        seconds = seconds.checked_add(whole.checked_mul(each)?)?;
    }
    Some(if text.starts_with('-') {
        -seconds
    } else {
        seconds
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: &[Flag] = &[
        short("output", 'o', Takes::Text),
        short("all-namespaces", 'A', Takes::Bool),
        short("stdin", 'i', Takes::Bool),
        short("tty", 't', Takes::Bool),
        flag("replicas", Takes::Int),
        flag("dry-run", Takes::Maybe("unchanged")),
    ];

    fn read(words: &[&str]) -> Result<Parsed, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        parse("kubectl get", &[FLAGS], &words).map_err(|error| error.text())
    }

    #[test]
    fn flags_and_arguments_are_mixed() {
        let parsed = read(&[
            "pods",
            "-it",
            "-nshop",
            "-o=wide",
            "--replicas",
            "3",
            "a",
            "--dry-run",
            "--",
            "-x",
        ])
        .unwrap();
        assert_eq!(parsed.args, ["pods", "a", "-x"]);
        assert_eq!(parsed.before_dash, Some(2));
        assert!(parsed.on("stdin") && parsed.on("tty") && !parsed.on("all-namespaces"));
        assert_eq!(parsed.text("namespace"), "shop");
        assert_eq!(parsed.text("output"), "wide");
        assert_eq!(parsed.int("replicas"), Some(3));
        assert_eq!(parsed.text("dry-run"), "unchanged");
    }

    #[test]
    fn what_is_wrong_is_told_in_pflag_s_words() {
        for (words, text) in [
            (&["--foo"][..], "unknown flag: --foo"),
            (&["-x"], "unknown shorthand flag: 'x' in -x"),
            (&["-Ax"], "unknown shorthand flag: 'x' in -x"),
            (&["--output"], "flag needs an argument: --output"),
            (&["-o"], "flag needs an argument: 'o' in -o"),
            (
                &["--replicas=a"],
                "invalid argument \"a\" for \"--replicas\" flag: strconv.ParseInt: parsing \"a\": invalid syntax",
            ),
            (
                &["-A=2"],
                "invalid argument \"2\" for \"-A, --all-namespaces\" flag: strconv.ParseBool: parsing \"2\": invalid syntax",
            ),
        ] {
            let told = read(words).unwrap_err();
            assert_eq!(told, format!("{text}\nSee 'kubectl get --help' for usage."));
        }
    }

    #[test]
    fn numbers_and_times_are_go_s() {
        assert_eq!(parse_int("0x10", 0, 100), Ok(16));
        assert_eq!(parse_int("-5", -10, 10), Ok(-5));
        assert_eq!(parse_int("3000000000", 0, 100), Err("value out of range"));
        assert_eq!(parse_duration("1m30s"), Some(90));
        assert_eq!(parse_duration("1.5h"), Some(3600));
        assert_eq!(parse_duration("5"), None);
        assert!(
            atoi("8x")
                .unwrap_err()
                .ends_with("parsing \"8x\": invalid syntax")
        );
    }
}
