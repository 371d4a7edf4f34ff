//! The packet path of one Linux host. Knows no word of Kubernetes.
//!
//! A [`Host`] has devices, routes ([`route`]), rules ([`iptables`], [`nft`]) and virtual servers
//! ([`ipvs`]); a [`HostState`] remembers its connections ([`conntrack`]), what rules remember
//! ([`memory`]) and what IPVS does. A packet comes in, is
//! sent by a process, or crosses a bridge, and each way gives a [`Passage`]: what became of the
//! packet, what was rewritten, and every rule that was looked at, with the reason.
//!
//! Modelled after Linux 6.18, iptables 1.8.9 and nft 1.0.6; each module names its kernel files and what it
//! leaves out. What a rule text holds and the model does not is named with its line when it is
//! read, and again as a [`Doubt`] when a packet's way depends on it.

mod again;
mod asked;
pub mod chance;
pub mod conntrack;
mod flow_table;
mod host;
pub mod ipset;
pub mod iptables;
pub mod ipvs;
pub mod memory;
mod nat;
pub mod nft;
mod path;
pub mod route;
mod rule_at;
mod trace;

#[cfg(test)]
mod tests;

pub(crate) use again::{Opened, Source};
pub use host::{Fate, Host, HostState, Loss, Moment, Passage, Rewrite, Skb, reset_about};
pub use rule_at::{Look, Name, RuleAt};
pub(crate) use trace::Step;
pub use trace::{Doubt, Draw, Trace};
