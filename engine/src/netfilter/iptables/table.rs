//! One table: its chains, and its compiled form.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::error::Trouble;
use super::index::Index;
use super::rule::{Rule, Target};

/// What a built-in chain does with a packet that no rule decided about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Let through.
    #[default]
    Accept,
    /// Thrown away.
    Drop,
}

/// A chain of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its name.
    pub name: String,
    /// A built-in chain's policy; `None` for a chain that a user made.
    pub policy: Option<Policy>,
    /// Its rules; number 1 is the first.
    pub rules: Vec<Rule>,
}

/// A table: chains by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    pub(super) chains: Vec<Chain>,
    by_name: BTreeMap<String, usize>,
    pub(super) compiled: Compiled,
}

/// A table's compiled form, made when a packet first comes. It says nothing that the rules do not
/// say: tables are equal whether they have it or not, and a copy makes its own.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    pub(super) index: OnceLock<Index>,
    /// Never made: rules are tried one after another.
    pub(super) off: bool,
}

impl Clone for Compiled {
    fn clone(&self) -> Self {
        Self {
            index: OnceLock::new(),
            off: self.off,
        }
    }
}

impl PartialEq for Compiled {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Compiled {}

/// The tables, in the order of [`TABLES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableName {
    Raw,
    Mangle,
    Nat,
    Filter,
    Security,
}

/// The tables and their built-in chains (`iptables(8)`), which are the first ones of each.
pub(super) const TABLES: [(&str, &[&str]); 5] = [
    ("raw", &["PREROUTING", "OUTPUT"]),
    (
        "mangle",
        &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
    ),
    ("nat", &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]),
    ("filter", &["INPUT", "FORWARD", "OUTPUT"]),
    ("security", &["INPUT", "FORWARD", "OUTPUT"]),
];

impl Table {
    pub(super) fn new(name: &'static str, built_in: &[&str]) -> Self {
        let mut table = Self {
            name,
            chains: Vec::new(),
            by_name: BTreeMap::new(),
            compiled: Compiled::default(),
        };
        for chain in built_in {
            table.add(chain, Some(Policy::Accept));
        }
        table
    }

    pub(super) fn add(&mut self, name: &str, policy: Option<Policy>) -> usize {
        self.chains.push(Chain {
            name: name.to_owned(),
            policy,
            rules: Vec::new(),
        });
        self.by_name.insert(name.to_owned(), self.chains.len() - 1);
        self.chains.len() - 1
    }

    /// The chains in the order in which they came; built-in ones first.
    #[must_use]
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// A chain by name.
    #[must_use]
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.position(name).map(|index| &self.chains[index])
    }

    /// Whether there is nothing in it: no rule, no chain of a user's, no policy but ACCEPT.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        (self.chains.iter())
            .all(|chain| chain.policy == Some(Policy::Accept) && chain.rules.is_empty())
    }

    /// The chains as the tools sort them: built-in ones as packets meet them, then users' by name.
    pub(super) fn in_order(&self) -> Vec<&Chain> {
        let built_in = self.chains.iter().filter(|chain| chain.policy.is_some());
        let users = (self.by_name.values())
            .map(|&index| &self.chains[index])
            .filter(|chain| chain.policy.is_none());
        built_in.chain(users).collect()
    }

    /// A built-in chain's place.
    pub(crate) fn built_in(&self, name: &str) -> Option<usize> {
        let mut first = self.chains.iter().take(TABLES[1].1.len());
        first.position(|chain| chain.policy.is_some() && chain.name == name)
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The compiled form; `None` if rules are to be tried one after another.
    pub(super) fn index(&self) -> Option<&Index> {
        if self.compiled.off {
            return None;
        }
        let make = || Index::new(self.name, &self.chains, |name| self.position(name));
        Some(self.compiled.index.get_or_init(make))
    }

    pub(super) fn chain_mut(&mut self, name: &str) -> Result<&mut Chain, Trouble> {
        match self.position(name) {
            Some(index) => Ok(&mut self.chains[index]),
            None => Err(Trouble::UnknownChain {
                table: self.name.to_owned(),
                chain: name.to_owned(),
            }),
        }
    }

    /// Empties the table: no rules, no chains but the built-in ones.
    pub(super) fn flush(&mut self) {
        self.chains.retain(|chain| chain.policy.is_some());
        self.by_name.clear();
        for (index, chain) in self.chains.iter_mut().enumerate() {
            chain.rules.clear();
            self.by_name.insert(chain.name.clone(), index);
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<(), Trouble> {
        let chain = self.chain_mut(name)?;
        if chain.policy.is_some() {
            return Err(Trouble::NotWithThisChain("-X".to_owned(), name.to_owned()));
        }
        let in_use = !chain.rules.is_empty()
            || self.chains.iter().flat_map(|chain| &chain.rules).any(
                |rule| matches!(&rule.target, Target::Jump(to) | Target::Goto(to) if to == name),
            );
        if in_use {
            return Err(Trouble::ChainInUse(name.to_owned()));
        }
        self.chains.retain(|chain| chain.name != name);
        self.by_name = (self.chains.iter().enumerate())
            .map(|(index, chain)| (chain.name.clone(), index))
            .collect();
        Ok(())
    }
}

/// A chain whose jumps lead back to it, and a line where one does. Depth first, without recursion.
pub(super) fn circle(table: &Table) -> Option<(String, u32)> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Open,
        Done,
    }
    let mut seen = vec![Seen::No; table.chains.len()];
    for start in 0..table.chains.len() {
        if seen[start] != Seen::No {
            continue;
        }
        seen[start] = Seen::Open;
        let mut stack = vec![(start, 0)];
        while let Some((chain, next)) = stack.last_mut() {
            let Some(rule) = table.chains[*chain].rules.get(*next) else {
                seen[*chain] = Seen::Done;
                stack.pop();
                continue;
            };
            *next += 1;
            if let Target::Jump(to) | Target::Goto(to) = &rule.target
                && let Some(to) = table.position(to)
            {
                match seen[to] {
                    Seen::No => {
                        seen[to] = Seen::Open;
                        stack.push((to, 0));
                    }
                    Seen::Open => return Some((table.chains[to].name.clone(), rule.source.line)),
                    Seen::Done => {}
                }
            }
        }
    }
    None
}
