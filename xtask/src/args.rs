//! The command line: flags, options with one value, words.

use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Result, anyhow, bail};

/// What is left of the arguments.
pub(crate) struct Args {
    left: Vec<String>,
}

impl Args {
    pub(crate) fn new(args: impl IntoIterator<Item = String>) -> Args {
        Args {
            left: args.into_iter().collect(),
        }
    }

    /// Takes the first word, if the first argument is one.
    pub(crate) fn positional(&mut self) -> Option<String> {
        (!self.left.is_empty()).then(|| self.left.remove(0))
    }

    /// Takes a flag: whether it was given.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.left.len();
        self.left.retain(|arg| arg != name);
        self.left.len() != before
    }

    /// Takes `--name VALUE` or `--name=VALUE`.
    pub(crate) fn option<T>(&mut self, name: &str) -> Result<Option<T>>
    where
        T: FromStr,
        T::Err: Display,
    {
        let with_equals = format!("{name}=");
        let Some(at) = self
            .left
            .iter()
            .position(|arg| arg == name || arg.starts_with(&with_equals))
        else {
            return Ok(None);
        };
        let arg = self.left.remove(at);
        let value = match arg.strip_prefix(&with_equals) {
            Some(value) => value.to_owned(),
            None if at < self.left.len() => self.left.remove(at),
            None => bail!("{name} wants a value"),
        };
        value
            .parse()
            .map(Some)
            .map_err(|error| anyhow!("{name} {value}: {error}"))
    }

    /// The words that are left; an error if one of them is an option.
    pub(crate) fn rest(self) -> Result<Vec<String>> {
        match self.left.iter().find(|arg| arg.starts_with('-')) {
            Some(option) => bail!("{option} is no option of this command"),
            None => Ok(self.left),
        }
    }

    /// An error if anything is left.
    pub(crate) fn finish(self) -> Result<()> {
        match self.rest()?.first() {
            Some(word) => bail!("{word:?}: this command takes no such argument"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        Args::new(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_in_either_form() {
        assert_eq!(args("--port 81").option::<u16>("--port").unwrap(), Some(81));
        assert_eq!(
            args("--release --port=82").option::<u16>("--port").unwrap(),
            Some(82)
        );
        assert_eq!(args("--release").option::<u16>("--port").unwrap(), None);
    }

    #[test]
    fn a_wrong_value_is_named() {
        let error = args("--port 65536").option::<u16>("--port").unwrap_err();
        assert!(error.to_string().contains("65536"), "{error}");
        assert!(args("--port").option::<u16>("--port").is_err());
    }

    #[test]
    fn what_nobody_took_is_an_error() {
        let mut given = args("--release extra");
        assert!(given.flag("--release"));
        assert!(!given.flag("--watch"));
        assert!(given.finish().is_err());
        assert!(args("--relaese").rest().is_err());
        assert_eq!(args("native page").rest().unwrap(), ["native", "page"]);
    }
}
