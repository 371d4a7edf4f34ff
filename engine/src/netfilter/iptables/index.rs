//! The compiled form of a table: which rule of a chain a packet can match next.
//!
//! The kernel tries rule after rule, and in a cluster of thousands of Services nearly all of them
//! are for somebody else's address or port. A long chain's rules are sorted here by the one thing
//! of the packet that each asks for: an exact destination, an exact source or an exact destination
//! port. Rules that ask for none of them are tried always. So the next rule that may match is found
//! by a few binary searches, and the rules before it are known to have failed, as linear
//! evaluation would have found; how many they are is counted, and why each failed can still be
//! said ([`super::evaluate`]).
//!
//! A rule is sorted by a test only if nothing stands before that test that draws, counts or
//! remembers: a rule that is passed over must have left no trace in the linear walk either.

use super::rule::{Rule, Target, Test, What, bits};
use super::table::Chain;
use crate::net::Packet;
use crate::netfilter::{Name, RuleAt};

/// A chain of fewer rules is tried rule by rule.
const SHORT: usize = 16;

/// No chain of that name.
const NOWHERE: u32 = u32::MAX;

/// A table's compiled form.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Of each long chain, its rules sorted.
    chains: Vec<Option<Box<Sorted>>>,
    /// Whether some of them are sorted by a port.
    by_port: bool,
    /// The table's name, and each chain's, for those who name rules.
    table: Option<Name>,
    names: Vec<Name>,
    /// Of each chain, the place of its first rule in `targets`.
    first: Vec<u32>,
    /// Of each rule, the chain to which it jumps.
    targets: Vec<u32>,
}

/// A chain's rules by what they ask for. Each list is in ascending order.
#[derive(Debug, Default)]
struct Sorted {
    always: Vec<u32>,
    destination: Vec<(u128, u32)>,
    source: Vec<(u128, u32)>,
    port: Vec<(u16, u32)>,
}

/// What of a packet rules are sorted by. Nothing that a table's rules do changes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    destination: u128,
    source: u128,
    port: Option<u16>,
}

impl Keys {
    pub(super) fn of(packet: &Packet) -> Self {
        Self {
            destination: bits(packet.dst),
            source: bits(packet.src),
            port: packet.transport.dport(),
        }
    }
}

impl Index {
    /// Compiles chains. `position` finds a chain by name.
    pub(super) fn new(
        table: &str,
        chains: &[Chain],
        position: impl Fn(&str) -> Option<usize>,
    ) -> Self {
        let mut index = Self {
            table: Some(Name::from(table)),
            ..Self::default()
        };
        for chain in chains {
            index.names.push(Name::from(chain.name.as_str()));
            index.first.push(small(index.targets.len()));
            for rule in &chain.rules {
                index.targets.push(match &rule.target {
                    Target::Jump(to) | Target::Goto(to) => position(to).map_or(NOWHERE, small),
                    _ => NOWHERE,
                });
            }
            let long = chain.rules.len() >= SHORT;
            index
                .chains
                .push(long.then(|| Box::new(Sorted::new(&chain.rules))));
        }
        let mut sorted = index.chains.iter().flatten();
        index.by_port = sorted.any(|sorted| !sorted.port.is_empty());
        index
    }

    /// The first rule of a chain, from `from` on, that the packet may match; `None` if all that are
    /// left will fail.
    pub(super) fn next(&self, chain: usize, from: usize, keys: &Keys) -> Next {
        match &self.chains[chain] {
            None => Next::Try,
            Some(sorted) => match sorted.next(small(from), keys) {
                Some(rule) if rule as usize == from => Next::Try,
                Some(rule) => Next::PassTo(rule as usize),
                None => Next::PassAll,
            },
        }
    }

    /// Whether rules of some chain are sorted by a port.
    pub(super) fn sorts_by_port(&self) -> bool {
        self.by_port
    }

    /// The name of a rule: its chain, and its number from 1.
    pub(super) fn at(&self, chain: usize, number: u32) -> Option<RuleAt> {
        let table = self.table.as_ref()?;
        Some(RuleAt::new(table, self.names.get(chain)?, number))
    }

    /// The chain to which a rule jumps.
    pub(super) fn target(&self, chain: usize, rule: usize) -> Option<usize> {
        let place = self.first[chain] as usize + rule;
        Some(self.targets[place])
            .filter(|&target| target != NOWHERE)
            .map(|target| target as usize)
    }
}

/// What to do with the rule at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Try it.
    Try,
    /// It fails, and so do all before this one.
    PassTo(usize),
    /// It fails, and so do all that follow.
    PassAll,
}

impl Sorted {
    fn new(rules: &[Rule]) -> Self {
        let mut sorted = Self::default();
        for (number, rule) in rules.iter().enumerate() {
            let number = small(number);
            match key(rule) {
                Key::Destination(address) => sorted.destination.push((address, number)),
                Key::Source(address) => sorted.source.push((address, number)),
                Key::Port(port) => sorted.port.push((port, number)),
                Key::None => sorted.always.push(number),
            }
        }
        sorted.destination.sort_unstable();
        sorted.source.sort_unstable();
        sorted.port.sort_unstable();
        sorted
    }

    fn next(&self, from: u32, keys: &Keys) -> Option<u32> {
        let always = self.always.partition_point(|&rule| rule < from);
        let mut next = self.always.get(always).copied();
        let mut earlier = |found: Option<u32>| next = next.into_iter().chain(found).min();
        earlier(in_list(&self.destination, keys.destination, from));
        earlier(in_list(&self.source, keys.source, from));
        if let Some(port) = keys.port {
            earlier(in_list(&self.port, port, from));
        }
        next
    }
}

/// The first rule from `from` on that asks for a value.
fn in_list<K: Ord + Copy>(list: &[(K, u32)], value: K, from: u32) -> Option<u32> {
    let place = list.partition_point(|entry| *entry < (value, from));
    let (found, rule) = *list.get(place)?;
    (found == value).then_some(rule)
}

/// What a rule asks for.
enum Key {
    Destination(u128),
    Source(u128),
    Port(u16),
    None,
}

/// The most telling thing that a rule asks for.
fn key(rule: &Rule) -> Key {
    let (mut source, mut port) = (None, None);
    for Test { invert, what } in &rule.tests {
        match what {
            What::Destination(block) if !invert && block.is_one() => {
                return Key::Destination(block.address);
            }
            What::Source(block) if !invert && block.is_one() => source = Some(block.address),
            What::DestinationPort(ports) if !invert => {
                if let [range] = &ports.0[..]
                    && range.start() == range.end()
                {
                    port.get_or_insert(*range.start());
                }
            }
            what if what.leaves_traces() => break,
            _ => {}
        }
    }
    match (port, source) {
        (Some(port), _) => Key::Port(port),
        (None, Some(source)) => Key::Source(source),
        (None, None) => Key::None,
    }
}

/// Tables hold far fewer rules than this can count ([`crate::limits::MAX_RULES`]).
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NOWHERE)
}
