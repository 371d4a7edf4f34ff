//! The lab's wires: built from the world when the first packet is sent, kept until it changes.

use super::Settings;
use super::scene::Client;
use super::session::Lab;
use crate::api::Origin;
use crate::net::IpFamily;
use crate::netfilter::RuleAt;
use crate::netfilter::chance::Seeded;
use crate::network::{
    ClientKind, Journey, Lookups, Network, NodeRules, Request, RequestError, State,
};
use crate::random;
use rand_pcg::rand_core::Rng;

/// The network, and what its Nodes remember of earlier packets.
#[derive(Debug, Default)]
pub(super) struct Wires {
    network: Option<Network>,
    state: State,
    /// How many requests were sent, so that each draws anew.
    sent: u64,
}
