//! The cluster's wires: one request walked hop by hop through rules and back.
//!
//! A [`Plan`] says which machines there are; a [`Network`] is built from it, and Nodes get their
//! rules as text. [`Network::walk`] carries a request from machine to machine, each with its own
//! packet path ([`crate::netfilter`]), and tells what happened as a [`Journey`]. What Nodes
//! remember (connections, affinity lists) is a [`State`] that the caller keeps.
//!
//! ```text
//!  request ─► exchange ─► events and an ending ─► tell ─► Journey
//!  (who, where)  (packets, machines)              (hops)   words (both vocabularies)
//! ```
//!
//! A request to a name begins with its [`NameLookup`]: somebody else resolves it, and each of the
//! questions was a walk of its own.
//!
//! Specified by the packet path of Linux (see [`crate::netfilter`]) and the network of a kubeadm
//! cluster with routes between Nodes (host-gw, kindnet). Load balancers are hosts of it, too
//! ([`Balancer`]). Left out: NetworkPolicy, overlays, masquerade by the CNI (Pods are seen outside
//! by their own addresses, and the LAN's router has routes to them).

mod balancer;
mod chi_squared;
mod exchange;
mod journey;
pub mod kubeadm;
mod many;
mod names;
mod plan;
mod print;
mod request;
mod state;
mod tally;
mod tell;
mod told;
mod topology;
mod trodden;
mod verdict;
mod walk;
mod words;

#[cfg(test)]
mod tests;

pub use balancer::{Backend, Balancer, Front, Passing};
pub use journey::{
    Cause, Change, Client, ClientKind, Direction, Hop, Journey, Location, Request, Served, Step,
    Verdict, VerdictKind,
};
pub use names::{NameLookup, NameRow, PassedOver, Query};
pub use plan::{
    Listens, Owner, Plan, PlanNode, PlanOutside, PlanPod, PlanRoute, PlanRouter, PodLink, Serves,
    Socket,
};
pub use request::RequestError;
pub use state::State;
pub use tally::{Answerer, ChiSquared, Fit, Promise, Share, Tally};
pub use topology::{IPVS_DEVICE, IpvsText, Machine, Network, NodeIpvs, NodeRules, Role};
pub use walk::{Lookups, OriginsOf, Possibility, Reuse};

pub use crate::words::{Mark, Phrase, Piece, Words};
