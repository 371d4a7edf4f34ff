//! iptables: tables, chains and rules as text makes them, and what they do with a packet.
//!
//! Reading ([`Tables`]) stands apart from evaluation ([`evaluate`](self)), which is linear as the
//! kernel's is: rule after rule, jump after jump. Sources: iptables 1.8.9 (`iptables(8)`,
//! `iptables-extensions(8)`, `iptables/iptables-restore.c`) for the text; Linux
//! `net/ipv4/netfilter/ip_tables.c` and `net/netfilter/xt_*.c` for what it means.
//!
//! What the tools print of them is [`Tables::save`] and [`Tables::list`].
//!
//! Left out: counters, fragments, and the modules and targets that [`Trouble::NotModelled`] names
//! when they are met.

mod error;
mod evaluate;
mod index;
mod list;
mod modules;
mod packet;
mod parse;
mod passes;
mod print;
mod rule;
mod save;
mod table;
mod tables;
mod target;
mod values;
mod words;

#[cfg(test)]
mod tests;

pub use error::{RuleError, Trouble};
pub(crate) use evaluate::{Passed, Seen, Told, View, evaluate, why_failed};
pub(crate) use packet::{icmp_of, protocol_of};
pub(crate) use parse::{block as read_block, protocol as read_protocol};
pub use rule::{
    AddressType, Block, ConnMark, DevicePattern, Limit, Log, Match, NatRange, Ports, Recent,
    RecentAction, RejectWith, Rule, SetSide, Source, SourceText, State, Target, Test, What,
};
pub(crate) use rule::{address_of, bits};
pub(crate) use table::TableName;
pub use table::{Chain, Policy, Table};
pub use tables::{Before, RuleEntry, Tables};
pub(crate) use target::nat_range as read_nat_range;
pub(crate) use values::{number as read_number, state as read_state};
