//! The words behind a tool as getopt reads them: `-nr -k2`, `--count`, `--lines=5`, `--`.

/// The flags that a tool has.
pub(in crate::console) struct Flags {
    /// One letter each, without a value.
    pub switches: &'static str,
    /// One letter each, with a value.
    pub values: &'static str,
    /// Long names, and the letters that they mean.
    pub long: &'static [(&'static str, char)],
}

/// What was given.
#[derive(Debug, Default)]
pub(in crate::console) struct Given<'a> {
    flags: Vec<(char, &'a str)>,
    /// The words that are no flags.
    pub words: Vec<&'a str>,
}

impl Flags {
    /// Reads the words.
    pub(in crate::console) fn read<'a>(&self, args: &[&'a str]) -> Result<Given<'a>, String> {
        let mut given = Given::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if *arg == "--" {
                given.words.extend(args);
                break;
            }
            if let Some(long) = arg.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (long, None),
                };
                let found = self.long.iter().find(|(own, _)| *own == name);
                let Some((_, letter)) = found else {
                    return Err(format!("unrecognized option '--{name}'"));
                };
                let value = match value {
                    Some(value) => value,
                    None if self.values.contains(*letter) => args
                        .next()
                        .ok_or_else(|| format!("option '--{name}' requires an argument"))?,
                    None => "",
                };
                given.flags.push((*letter, value));
                continue;
            }
            let Some(mut letters) = arg.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                given.words.push(arg);
                continue;
            };
            while let Some(letter) = letters.chars().next() {
                letters = &letters[letter.len_utf8()..];
                if self.switches.contains(letter) {
                    given.flags.push((letter, ""));
                } else if self.values.contains(letter) {
                    let value = match letters {
                        "" => args
                            .next()
                            .copied()
                            .ok_or_else(|| format!("option requires an argument -- '{letter}'"))?,
                        rest => rest,
                    };
                    given.flags.push((letter, value));
                    break;
                } else {
                    return Err(format!("invalid option -- '{letter}'"));
                }
            }
        }
        Ok(given)
    }
}

impl<'a> Given<'a> {
    /// Whether a flag was given.
    pub(in crate::console) fn has(&self, letter: char) -> bool {
        self.flags.iter().any(|(own, _)| *own == letter)
    }

    /// The value of a flag; of several the last one.
    pub(in crate::console) fn value(&self, letter: char) -> Option<&'a str> {
        let mut flags = self.flags.iter().rev();
        flags
            .find(|(own, _)| *own == letter)
            .map(|(_, value)| *value)
    }

    /// All values of a flag, in order.
    pub(in crate::console) fn values(&self, letter: char) -> Vec<&'a str> {
        let flags = self.flags.iter().filter(|(own, _)| *own == letter);
        flags.map(|(_, value)| *value).collect()
    }

    /// The number of a flag.
    pub(in crate::console) fn number(&self, letter: char) -> Result<Option<usize>, String> {
        let number = |text: &str| text.parse().map_err(|_| format!("invalid number '{text}'"));
        self.value(letter).map(number).transpose()
    }
}
