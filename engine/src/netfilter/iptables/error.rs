//! What cannot be read in a rule text, and what is not modelled, each with its line.

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Place, Span};

/// Something wrong with one line of a rule text. The rest of the text is read all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("line {line}: {trouble}")]
#[serde(rename_all = "camelCase")]
pub struct RuleError {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong.
    pub trouble: Trouble,
}

/// What can be wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trouble {
    /// A double quote is not closed.
    #[error("a double quote is not closed")]
    OpenQuote,
    /// A rule or chain line before any `*table` line.
    #[error("no table: a `*table` line must come first")]
    NoTable,
    /// Not a table of iptables.
    #[error("no such table: `{0}`")]
    UnknownTable(String),
    /// The table has no such chain.
    #[error("no such chain in table {table}: `{chain}`")]
    UnknownChain {
        /// The table.
        table: String,
        /// The chain.
        chain: String,
    },
    /// The table has no such set or map (nftables).
    #[error("no such set or map in table {table}: `{name}`")]
    UnknownSet {
        /// The table.
        table: String,
        /// The set or map.
        name: String,
    },
    /// There is no ipset of this name.
    #[error("no such ipset: `{0}`")]
    UnknownIpset(String),
    /// The chain is there already.
    #[error("chain `{0}` exists already")]
    ChainExists(String),
    /// A built-in chain cannot be deleted, and a user's chain has no policy.
    #[error("`{0}` cannot be done to chain `{1}`")]
    NotWithThisChain(String, String),
    /// The chain is still jumped to, or holds rules.
    #[error("chain `{0}` is in use")]
    ChainInUse(String),
    /// Jumps go in a circle, which the kernel refuses (`ELOOP`).
    #[error("jumps from chain `{0}` lead back to it")]
    Loop(String),
    /// The line begins with nothing known.
    #[error("cannot read `{0}`")]
    UnknownLine(String),
    /// An option that this command or match module does not have.
    #[error("unknown option `{0}`")]
    UnknownOption(String),
    /// An option without its value.
    #[error("option `{0}` needs a value")]
    MissingValue(String),
    /// A value that cannot be read.
    #[error("bad value `{value}` for `{option}`")]
    BadValue {
        /// The option.
        option: String,
        /// The value.
        value: String,
    },
    /// A match module, target or option that exists and is not modelled here.
    #[error("{0} is not modelled")]
    NotModelled(String),
    /// A rule number that the chain does not have.
    #[error("chain `{chain}` has no rule {number}")]
    NoSuchRule {
        /// The chain.
        chain: String,
        /// The number.
        number: u32,
    },
    /// More rules than [`crate::limits::MAX_RULES`].
    #[error("more than {0} rules")]
    TooManyRules(usize),
}

impl Trouble {
    /// The same, at a line.
    pub(super) fn at(self, line: u32) -> RuleError {
        RuleError {
            line,
            trouble: self,
        }
    }

    pub(crate) fn bad(option: &str, value: &str) -> Self {
        Self::BadValue {
            option: option.to_owned(),
            value: value.to_owned(),
        }
    }
}

impl RuleError {
    /// As a diagnostic about the text that was read; it marks the whole line.
    #[must_use]
    pub fn to_diagnostic(&self, text: &str) -> Diagnostic {
        let mut offset = 0;
        let mut found = "";
        for (index, line) in text.split('\n').enumerate() {
            if index + 1 == self.line as usize {
                found = line;
                break;
            }
            offset += line.len() + 1;
        }
        let place = |bytes: usize, column: usize| Place {
            offset: u32::try_from(offset + bytes).unwrap_or(u32::MAX),
            line: self.line,
            column: u32::try_from(column + 1).unwrap_or(u32::MAX),
        };
        let span = Span::new(place(0, 0), place(found.len(), found.chars().count()));
        match self.trouble {
            Trouble::NotModelled(_) => Diagnostic::warning(self.trouble.to_string(), span)
                .with_hint("The rule is kept, and a walk that depends on it says so."),
            _ => Diagnostic::error(self.trouble.to_string(), span),
        }
    }
}
