//! nftables: the subset of `nft` in which kube-proxy and the like write their tables.
//!
//! Read are commands as given to `nft -f`: `add table|chain|set|map|rule|element`, `flush` and
//! `delete` of the same. Rules may compare addresses, protocol, ports, devices, marks, connection
//! state and address types with values, sets and maps (also of several fields joined by `.`), look
//! verdicts up, draw with `numgen random`, jump, reject, set marks, note addresses in sets with a
//! timeout, and translate (`dnat`, `masquerade`, `snat`, `redirect`). Everything else is named with
//! its line. Sources: nft 1.0.6 (`nft(8)`), Linux `net/netfilter/nf_tables_core.c`, `nft_lookup.c`,
//! `nft_numgen.c`, `nft_dynset.c`.
//!
//! What `nft list table` prints is [`Ruleset::list`].
//!
//! Left out: reading that block form, families `inet`, `arp`, `bridge` and `netdev`,
//! maps of data, flow tables, quotas and other objects.

mod evaluate;
mod list;
mod print;
mod read;
mod ruleset;
mod statement;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use evaluate::evaluate;
pub(crate) use ruleset::BaseChain;
pub use ruleset::{
    Base, BaseKind, By, Chain, Declared, Element, Field, HookName, Map, MapTarget, Rule, Ruleset,
    Set, Statement, Table, Value, Values, Verdict,
};
