//! Tables and chains, and the three texts that fill them: `iptables-restore`, `iptables-save`,
//! and single calls of `iptables`.

use std::sync::OnceLock;

use super::error::{RuleError, Trouble};
use super::parse;
use super::rule::{Rule, Source, SourceText, Target};
use super::table::{Chain, Compiled, Policy, TABLES, Table, TableName, circle};
use super::words;
use crate::limits::MAX_RULES;
use crate::net::IpFamily;
use crate::netfilter::RuleAt;

/// A rule among all rules of a host, for those who list them.
#[derive(Clone, Copy, Debug)]
pub struct RuleEntry<'a> {
    /// Its table.
    pub table: &'a str,
    /// Its chain.
    pub chain: &'a str,
    /// Its number in the chain, from 1.
    pub number: u32,
    /// The rule.
    pub rule: &'a Rule,
}

impl RuleEntry<'_> {
    /// How the rule is named.
    #[must_use]
    pub fn at(&self) -> RuleAt {
        RuleAt::new(self.table, self.chain, self.number)
    }
}

/// What becomes of what was there before a text for `iptables-restore`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Tables that the text names are emptied first.
    Flush,
    /// `--noflush`: rules stay, but a chain that the text declares is emptied.
    Keep,
}

/// All tables of one family on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    family: IpFamily,
    tables: Vec<Table>,
    rules: usize,
}

impl Tables {
    /// The kernel's tables: built-in chains without rules, policies ACCEPT.
    #[must_use]
    pub fn new(family: IpFamily) -> Self {
        Self {
            family,
            tables: TABLES
                .iter()
                .map(|(name, chains)| Table::new(name, chains))
                .collect(),
            rules: 0,
        }
    }

    /// The family whose packets they see.
    #[must_use]
    pub fn family(&self) -> IpFamily {
        self.family
    }

    /// A table by name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// One of the tables.
    pub(crate) fn of(&self, name: TableName) -> Option<&Table> {
        self.tables.get(name as usize)
    }

    /// All tables.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Every rule, by table, chain and number.
    pub fn rules(&self) -> impl Iterator<Item = RuleEntry<'_>> {
        self.tables.iter().flat_map(|table| {
            table.chains.iter().flat_map(move |chain| {
                (1..)
                    .zip(&chain.rules)
                    .map(move |(number, rule)| RuleEntry {
                        table: table.name,
                        chain: &chain.name,
                        number,
                        rule,
                    })
            })
        })
    }

    /// A rule by name.
    #[must_use]
    pub fn rule(&self, at: &RuleAt) -> Option<&Rule> {
        let chain = self.table(&at.table)?.chain(&at.chain)?;
        chain.rules.get((at.number as usize).checked_sub(1)?)
    }

    fn table_mut(&mut self, name: &str) -> Result<&mut Table, Trouble> {
        let table = self.tables.iter_mut().find(|table| table.name == name);
        let table = table.ok_or_else(|| Trouble::UnknownTable(name.to_owned()))?;
        // Whoever asks for it changes it.
        table.compiled.index = OnceLock::new();
        Ok(table)
    }

    /// The same tables without a compiled form: every rule is tried, as the kernel does. The result
    /// is the same; this is what it is held against.
    #[must_use]
    pub fn linear(mut self) -> Self {
        for table in &mut self.tables {
            table.compiled = Compiled {
                off: true,
                ..Compiled::default()
            };
        }
        self
    }

    /// Reads text for `iptables-restore`, or what `iptables-save` printed.
    ///
    /// Unlike the tool, which takes all of a table or nothing, every line that can be read is
    /// taken, and every other line is named.
    pub fn restore(&mut self, text: &str, before: Before) -> Vec<RuleError> {
        let mut errors = Vec::new();
        let mut table: Option<&'static str> = None;
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.trim_end_matches('\r');
            let trimmed = content.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            let source = Source {
                text: SourceText::Restore,
                line,
            };
            let result = if let Some(name) = trimmed.strip_prefix('*') {
                self.table_mut(name.trim()).map(|found| {
                    table = Some(found.name);
                    if before == Before::Flush {
                        found.flush();
                    }
                })
            } else if trimmed == "COMMIT" {
                table.take().map(|_| ()).ok_or(Trouble::NoTable)
            } else {
                match table {
                    None => Err(Trouble::NoTable),
                    Some(table) => match trimmed.strip_prefix(':') {
                        Some(rest) => self.declare(table, rest),
                        None => self.line(table, trimmed, source, Mode::AsSaid, &mut errors),
                    },
                }
            };
            if let Err(trouble) = result {
                errors.push(trouble.at(line));
            }
            if self.rules > MAX_RULES {
                errors.push(Trouble::TooManyRules(MAX_RULES).at(line));
                break;
            }
        }
        self.recount();
        self.check(&mut errors);
        errors.sort_by_key(|error| error.line);
        errors
    }

    /// Makes a call of `iptables` as it stands: `-t nat -A POSTROUTING -j MASQUERADE`. The name
    /// of the program may come first. `number` is the call's own, for errors and sources.
    ///
    /// # Errors
    /// What the tool would refuse, and what is not modelled (then the rule is there all the same).
    pub fn call(&mut self, call: &str, number: u32) -> Result<(), RuleError> {
        self.make_call(call, number, Mode::AsSaid)
    }

    /// Makes sure of what a call says: `-N` of a chain that exists and `-I` or `-A` of a rule
    /// that exists change nothing. So programs that keep their rules in place go about it.
    ///
    /// # Errors
    /// As [`Tables::call`].
    pub fn ensure(&mut self, call: &str, number: u32) -> Result<(), RuleError> {
        self.make_call(call, number, Mode::Ensure)
    }

    fn make_call(&mut self, call: &str, number: u32, mode: Mode) -> Result<(), RuleError> {
        let (mut before, mut errors) = (Vec::new(), Vec::new());
        self.check(&mut before);
        let source = Source {
            text: SourceText::Call,
            line: number,
        };
        self.line("filter", call.trim(), source, mode, &mut errors)
            .map_err(|trouble| trouble.at(number))?;
        self.recount();
        self.check(&mut errors);
        match errors.into_iter().find(|error| !before.contains(error)) {
            Some(error) => Err(RuleError {
                line: number,
                trouble: error.trouble,
            }),
            None => Ok(()),
        }
    }

    /// `:CHAIN POLICY [packets:bytes]`.
    fn declare(&mut self, table: &str, rest: &str) -> Result<(), Trouble> {
        let mut words = rest.split_whitespace();
        let name = words
            .next()
            .ok_or_else(|| Trouble::UnknownLine(format!(":{rest}")))?;
        let policy = words
            .next()
            .ok_or_else(|| Trouble::MissingValue(format!(":{name}")))?;
        let table = self.table_mut(table)?;
        match (table.position(name), policy) {
            (Some(index), "-") if table.chains[index].policy.is_none() => {
                table.chains[index].rules.clear();
            }
            (Some(index), policy) if table.chains[index].policy.is_some() => {
                if policy != "-" {
                    table.chains[index].policy = Some(read_policy(policy)?);
                }
            }
            (None, "-") => {
                table.add(name, None);
            }
            _ => {
                return Err(Trouble::NotWithThisChain(
                    policy.to_owned(),
                    name.to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// One command in words.
    fn line(
        &mut self,
        table: &str,
        text: &str,
        source: Source,
        mode: Mode,
        errors: &mut Vec<RuleError>,
    ) -> Result<(), Trouble> {
        let mut table = table.to_owned();
        let text = strip_counters(text);
        let mut words = words::split(text)?;
        if words
            .first()
            .is_some_and(|word| word == "iptables" || word == "ip6tables")
        {
            words.remove(0);
        }
        let mut at = 0;
        while let Some(word) = words.get(at) {
            match word.as_str() {
                "-t" | "--table" => {
                    let name = words
                        .get(at + 1)
                        .ok_or_else(|| Trouble::MissingValue(word.clone()))?;
                    table.clone_from(name);
                    at += 2;
                }
                "-w" | "--wait" => {
                    at += 1;
                    if words
                        .get(at)
                        .is_some_and(|word| word.parse::<u32>().is_ok())
                    {
                        at += 1;
                    }
                }
                _ => break,
            }
        }
        let words = &words[at..];
        let command = words
            .first()
            .ok_or_else(|| Trouble::UnknownLine(text.to_owned()))?;
        let family = self.family;
        let mut added = 0;
        let table = self.table_mut(&table)?;
        let chain = || {
            words
                .get(1)
                .ok_or_else(|| Trouble::MissingValue(command.clone()))
        };
        let mut read = |words: &[String]| {
            parse::rule(words, family, source, text).map(|read| {
                errors.extend(
                    read.not_modelled
                        .into_iter()
                        .map(|trouble| trouble.at(source.line)),
                );
                read.rules
            })
        };
        match command.as_str() {
            "-A" | "--append" => {
                let rules = read(&words[2.min(words.len())..])?;
                let chain = table.chain_mut(chain()?)?;
                added = rules.len();
                put(chain, None, rules, mode);
            }
            "-I" | "--insert" => {
                let (position, rest) = rule_number(words);
                let rules = read(&words[rest..])?;
                let chain = table.chain_mut(chain()?)?;
                let index = position.unwrap_or(1) as usize;
                if index == 0 || index > chain.rules.len() + 1 {
                    return Err(Trouble::NoSuchRule {
                        chain: chain.name.clone(),
                        number: position.unwrap_or(1),
                    });
                }
                added = rules.len();
                put(chain, Some(index - 1), rules, mode);
            }
            "-R" | "--replace" | "-D" | "--delete" => {
                let replace = matches!(command.as_str(), "-R" | "--replace");
                let (position, rest) = rule_number(words);
                let rules = if replace || position.is_none() {
                    read(&words[rest..])?
                } else {
                    Vec::new()
                };
                let chain = table.chain_mut(chain()?)?;
                let index = match position {
                    Some(number) => (number as usize)
                        .checked_sub(1)
                        .filter(|&index| index < chain.rules.len()),
                    None => {
                        (chain.rules.iter()).position(|rule| rules.iter().any(|r| same(r, rule)))
                    }
                };
                let Some(index) = index else {
                    return Err(Trouble::NoSuchRule {
                        chain: chain.name.clone(),
                        number: position.unwrap_or(0),
                    });
                };
                if replace {
                    chain.rules.splice(index..=index, rules);
                } else {
                    chain.rules.remove(index);
                }
            }
            "-N" | "--new-chain" => {
                let name = chain()?;
                if table.position(name).is_none() {
                    table.add(name, None);
                } else if mode == Mode::AsSaid {
                    return Err(Trouble::ChainExists(name.clone()));
                }
            }
            "-X" | "--delete-chain" => match words.get(1) {
                Some(name) => table.remove(name)?,
                None => {
                    let names: Vec<String> = (table.chains.iter())
                        .filter(|chain| chain.policy.is_none())
                        .map(|chain| chain.name.clone())
                        .collect();
                    for name in names {
                        table.remove(&name)?;
                    }
                }
            },
            "-F" | "--flush" => match words.get(1) {
                Some(name) => table.chain_mut(name)?.rules.clear(),
                None => table
                    .chains
                    .iter_mut()
                    .for_each(|chain| chain.rules.clear()),
            },
            "-P" | "--policy" => {
                let name = chain()?;
                let word = words
                    .get(2)
                    .ok_or_else(|| Trouble::MissingValue(command.clone()))?;
                let chain = table.chain_mut(name)?;
                if chain.policy.is_none() {
                    return Err(Trouble::NotWithThisChain(command.clone(), name.clone()));
                }
                chain.policy = Some(read_policy(word)?);
            }
            // They change nothing that decides.
            "-Z" | "--zero" | "-C" | "--check" | "-L" | "--list" | "-S" | "--list-rules" => {}
            "-E" | "--rename-chain" => {
                return Err(Trouble::NotModelled(format!("command `{command}`")));
            }
            _ => return Err(Trouble::UnknownLine(text.to_owned())),
        }
        self.rules += added;
        Ok(())
    }

    fn recount(&mut self) {
        self.rules = self.rules().count();
    }

    /// Names jumps that lead nowhere or in a circle. The tools refuse them.
    fn check(&self, errors: &mut Vec<RuleError>) {
        for table in &self.tables {
            for chain in &table.chains {
                for rule in &chain.rules {
                    if let Target::Jump(to) | Target::Goto(to) = &rule.target
                        && table.position(to).is_none()
                    {
                        errors.push(
                            Trouble::UnknownChain {
                                table: table.name.to_owned(),
                                chain: to.clone(),
                            }
                            .at(rule.source.line),
                        );
                    }
                }
            }
            if let Some((chain, line)) = circle(table) {
                errors.push(Trouble::Loop(chain).at(line));
            }
        }
    }
}

/// How a call is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    AsSaid,
    Ensure,
}

fn put(chain: &mut Chain, index: Option<usize>, rules: Vec<Rule>, mode: Mode) {
    let rules: Vec<Rule> = rules
        .into_iter()
        .filter(|rule| mode == Mode::AsSaid || !chain.rules.iter().any(|other| same(rule, other)))
        .collect();
    let index = index.unwrap_or(chain.rules.len());
    chain.rules.splice(index..index, rules);
}

/// Whether two rules do the same and say the same.
fn same(one: &Rule, other: &Rule) -> bool {
    one.tests == other.tests
        && one.matches == other.matches
        && one.target == other.target
        && one.comment == other.comment
}

fn read_policy(word: &str) -> Result<Policy, Trouble> {
    match word {
        "ACCEPT" => Ok(Policy::Accept),
        "DROP" => Ok(Policy::Drop),
        _ => Err(Trouble::bad("-P", word)),
    }
}

/// `-I CHAIN 3 …`: the number, and where the rule's words begin.
fn rule_number(words: &[String]) -> (Option<u32>, usize) {
    match words.get(2).and_then(|word| word.parse().ok()) {
        Some(number) => (Some(number), 3),
        None => (None, 2.min(words.len())),
    }
}

/// `[12:720] -A …`, as `iptables-save -c` prints it.
fn strip_counters(text: &str) -> &str {
    match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((counters, rest)) if counters.bytes().all(|b| b.is_ascii_digit() || b == b':') => {
            rest.trim_start()
        }
        _ => text,
    }
}
