//! Tables, chains, sets and maps of nftables, as they are held.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::net::IpFamily;
use crate::netfilter::RuleAt;
use crate::netfilter::iptables::{AddressType, Block, DevicePattern, NatRange, RejectWith, State};

/// All tables of one family on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruleset {
    pub(super) family: IpFamily,
    pub(super) tables: BTreeMap<String, Table>,
    /// The base chains by priority: few among many, and asked for at every hook.
    pub(super) bases: Vec<BaseChain>,
}

/// A base chain among all of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseChain {
    /// Its table.
    pub(crate) table: String,
    /// Its name.
    pub(crate) chain: String,
    /// Where it hangs.
    pub(crate) base: Base,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its comment.
    pub comment: Option<String>,
    /// Chains by name.
    pub chains: BTreeMap<String, Chain>,
    /// Sets by name.
    pub sets: BTreeMap<String, Set>,
    /// Verdict maps by name.
    pub maps: BTreeMap<String, Map>,
    /// How many chains, sets and maps were ever made: the place of the next one in a list.
    pub(super) made: u32,
}

impl Table {
    /// The place of a new chain, set or map in a list.
    pub(super) fn next_place(&mut self) -> u32 {
        self.made += 1;
        self.made
    }
}

/// A chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Where it hangs; `None` for a chain that is only jumped to.
    pub base: Option<Base>,
    /// Its comment.
    pub comment: Option<String>,
    /// Its rules; number 1 is the first.
    pub rules: Vec<Rule>,
    /// Its place in a list: chains are listed as they were made.
    pub place: u32,
}

/// Where a base chain hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its type.
    pub kind: BaseKind,
    /// Its hook.
    pub hook: HookName,
    /// Its priority: lower comes first.
    pub priority: i32,
    /// Whether packets that no rule decided about are dropped.
    pub drops: bool,
}

/// A base chain's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseKind {
    /// Sees every packet.
    Filter,
    /// Sees a connection's first packet, and may translate it.
    Nat,
}

/// A hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookName {
    /// Before routing, from outside.
    Prerouting,
    /// To this host's processes.
    Input,
    /// Through this host.
    Forward,
    /// From this host's processes.
    Output,
    /// On the way out.
    Postrouting,
}

/// A set of single values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// Its elements' values, sorted: blocks of addresses, or ranges of numbers; each with its
    /// comment.
    pub elements: Vec<(Value, Option<String>)>,
    /// Whether some of its elements have numbers in common, as only a wrong text has it.
    pub(super) overlaps: bool,
    /// How long an element stays that a rule adds, in milliseconds; `None` for ever.
    pub timeout_ms: Option<u64>,
    /// What else was said of it.
    pub declared: Declared,
}

/// What is said of a set or map when it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// The types of its key's fields: `ipv4_addr`, `inet_proto`, …
    pub key: Vec<String>,
    /// `flags constant`.
    pub constant: bool,
    /// `flags dynamic`: rules add to it.
    pub dynamic: bool,
    /// `flags interval`: it holds ranges.
    pub interval: bool,
    /// `flags timeout`: its elements may go.
    pub timeout: bool,
    /// `size`: how many elements it holds at most.
    pub size: Option<u32>,
    /// `auto-merge`: neighbouring ranges become one.
    pub auto_merge: bool,
    /// Its comment.
    pub comment: Option<String>,
    /// Its place in a list: sets and maps are listed as they were made.
    pub place: u32,
}

/// A map from keys to verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// What was said of it; nothing for a map that stands in a rule.
    pub declared: Declared,
    /// Verdict and comment by key: the fields' values as numbers.
    pub elements: BTreeMap<Vec<u128>, Element>,
}

/// An entry of a verdict map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// What it says.
    pub verdict: Verdict,
    /// Its comment.
    pub comment: Option<String>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it does, from left to right, up to the first test that fails.
    pub statements: Vec<Statement>,
    /// Its comment.
    pub comment: Option<String>,
    /// The line of the text, from 1.
    pub line: u32,
    /// The rule as it was written.
    pub text: String,
}

/// A part of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// The packet's field is among the values, or with `!=` is not.
    Test {
        /// The field.
        field: Field,
        /// `!=`.
        negated: bool,
        /// The values.
        values: Values,
    },
    /// A verdict looked up by the fields.
    Lookup {
        /// The fields.
        key: Vec<Field>,
        /// The map.
        map: MapTarget,
    },
    /// A number below this one is drawn, and its verdict looked up.
    Random {
        /// How many numbers there are.
        of: u32,
        /// The verdicts.
        verdicts: BTreeMap<u32, Verdict>,
    },
    /// `mark = (mark & mask) ^ value`.
    SetMark {
        /// The bits that stay.
        mask: u32,
        /// The bits that turn.
        value: u32,
    },
    /// The field's value is noted in a set.
    Update {
        /// The set.
        set: String,
        /// The field.
        field: Field,
    },
    /// Says what becomes of the packet.
    Verdict(Verdict),
    /// Refuses the packet.
    Reject(RejectWith),
    /// Translates the destination.
    Dnat(NatRange),
    /// Translates the source.
    Snat(NatRange),
    /// Translates the source to the outgoing device's address.
    Masquerade(NatRange),
    /// Translates the destination to this host.
    Redirect(NatRange),
    /// `counter`: nothing happens to the packet.
    Counter,
    /// `log`, and its options as they were written, with a blank before each word: nothing happens
    /// to the packet.
    Log(String),
    /// Something that is not modelled: the rule is never passed by it.
    NotModelled {
        /// What it is.
        what: String,
        /// The rest of the rule, as it was written, with a blank before each word.
        words: String,
    },
}

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// On with the next base chain.
    Accept,
    /// Thrown away, finally.
    Drop,
    /// Back to the chain that jumped here.
    Return,
    /// On with the next rule.
    Continue,
    /// To a chain, and back.
    Jump(String),
    /// To a chain, and not back.
    Goto(String),
}

/// What of a packet is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `ip saddr`.
    Source,
    /// `ip daddr`.
    Destination,
    /// `meta l4proto`.
    Protocol,
    /// `th sport`; with a protocol's number, `tcp sport` and the like.
    SourcePort(Option<u8>),
    /// `th dport`; with a protocol's number, `tcp dport` and the like.
    DestinationPort(Option<u8>),
    /// `iifname`; by the device's index, `iif`.
    InDevice(By),
    /// `oifname`; by the device's index, `oif`.
    OutDevice(By),
    /// `ct state`.
    State,
    /// `meta mark`, of which these bits.
    Mark(u32),
    /// `fib saddr type`.
    SourceType,
    /// `fib daddr type`.
    DestinationType,
}

/// How a device is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By its name when the packet comes.
    Name,
    /// By the index that its name had when the rule was made.
    Index,
}

/// With what a field is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// These.
    Of(Vec<Value>),
    /// A set's.
    Set(String),
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Addresses.
    Block(Block),
    /// Protocols, ports, marks.
    Number(RangeInclusive<u32>),
    /// A device.
    Device(DevicePattern),
    /// A connection's state.
    State(State),
    /// What an address is.
    Type(AddressType),
}

impl Value {
    /// The first and the last number that it stands for; by it values are sorted.
    pub(super) fn extent(&self) -> (u128, u128) {
        match self {
            Self::Block(Block {
                family,
                address,
                mask,
            }) => {
                let whole = u128::MAX >> (128 - u32::from(family.bits()));
                (*address, address | (whole & !mask))
            }
            Self::Number(range) => (u128::from(*range.start()), u128::from(*range.end())),
            Self::Device(_) | Self::State(_) | Self::Type(_) => (0, 0),
        }
    }
}

impl Set {
    /// Sorts the elements, so that [`Set::near`] finds them.
    pub(super) fn sort(&mut self) {
        self.elements
            .sort_unstable_by_key(|(value, _)| value.extent());
        // An element that is there already is not there twice.
        self.elements.dedup_by(|one, other| one.0 == other.0);
        let overlap =
            |pair: &[(Value, Option<String>)]| pair[0].0.extent().1 >= pair[1].0.extent().0;
        self.overlaps = self.elements.windows(2).any(overlap);
    }

    /// The elements that may hold a number: of elements apart from one another, one.
    pub(super) fn near(&self, number: u128) -> &[(Value, Option<String>)] {
        if self.overlaps {
            return &self.elements;
        }
        let behind = (self.elements).partition_point(|(value, _)| value.extent().0 <= number);
        &self.elements[behind.saturating_sub(1)..behind]
    }
}

/// Where a verdict is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapTarget {
    /// A named map.
    Named(String),
    /// Entries in the rule itself.
    Here(Map),
}

impl Ruleset {
    /// No tables.
    #[must_use]
    pub fn new(family: IpFamily) -> Self {
        Self {
            family,
            tables: BTreeMap::new(),
            bases: Vec::new(),
        }
    }

    /// The family whose packets it sees.
    #[must_use]
    pub fn family(&self) -> IpFamily {
        self.family
    }

    /// How the family is called in a rule's name.
    pub(super) fn prefix(&self) -> &'static str {
        match self.family {
            IpFamily::IPv4 => "ip",
            IpFamily::IPv6 => "ip6",
        }
    }

    /// The tables by name.
    #[must_use]
    pub fn tables(&self) -> &BTreeMap<String, Table> {
        &self.tables
    }

    /// Every rule with its name, by table, chain and number.
    pub fn rules(&self) -> impl Iterator<Item = (RuleAt, &Rule)> {
        self.tables.iter().flat_map(move |(table, content)| {
            content.chains.iter().flat_map(move |(name, chain)| {
                (1..).zip(&chain.rules).map(move |(number, rule)| {
                    let table = format!("{} {table}", self.prefix());
                    (RuleAt::new(table, name.as_str(), number), rule)
                })
            })
        })
    }

    /// A rule by name: its table is called as in nft, `ip kube-proxy`.
    #[must_use]
    pub fn rule(&self, at: &RuleAt) -> Option<&Rule> {
        let table = at.table.strip_prefix(self.prefix())?.trim_start();
        let chain = self.tables.get(table)?.chains.get(at.chain.as_str())?;
        chain.rules.get((at.number as usize).checked_sub(1)?)
    }

    /// Whether a rule asks a set that rules add to.
    #[must_use]
    pub fn remembers(&self, at: &RuleAt) -> bool {
        let table = at.table.strip_prefix(self.prefix()).map(str::trim_start);
        let sets = table
            .and_then(|table| self.tables.get(table))
            .map(|table| &table.sets);
        self.rule(at).zip(sets).is_some_and(|(rule, sets)| {
            rule.statements.iter().any(|statement| match statement {
                Statement::Test {
                    negated: false,
                    values: Values::Set(name),
                    ..
                } => sets.get(name).is_some_and(|set| set.timeout_ms.is_some()),
                _ => false,
            })
        })
    }

    /// The named verdict map that a rule looks up, if one.
    #[must_use]
    pub fn map_of(&self, at: &RuleAt) -> Option<&str> {
        self.rule(at)?
            .statements
            .iter()
            .find_map(|statement| match statement {
                Statement::Lookup {
                    map: MapTarget::Named(name),
                    ..
                } => Some(name.as_str()),
                _ => None,
            })
    }

    /// The base chains at a hook, by priority.
    pub(crate) fn hooked(
        &self,
        hook: HookName,
        kind: BaseKind,
    ) -> impl Iterator<Item = &BaseChain> {
        (self.bases.iter()).filter(move |own| own.base.hook == hook && own.base.kind == kind)
    }
}
