//! Cluster DNS: what CoreDNS answers, and how a Pod asks.
//!
//! [`CoreDns`] is a [`Corefile`] over a cluster's objects; it answers a [`Question`] as CoreDNS
//! 1.13.1 does, record by record, and says why ([`Reason`]). [`Resolver`] is what a process in a
//! Pod or on a Node finds names with: its `/etc/hosts`, its `/etc/resolv.conf`, and the search that
//! its C library makes of them; every question of it is kept in a [`Resolution`].
//!
//! Specified in kubernetes/dns `docs/specification.md` 1.1.0; modelled after coredns/coredns
//! v1.13.1, and held against answers recorded from it. Pure: whoever carries a question decides
//! whether it arrives ([`Resolver::resolve`], [`CoreDns::answer_with`]), and draws the order of an
//! answer's addresses ([`Answer::shuffle`]). Left out: the wire (message ids, EDNS, truncation),
//! time (kept answers), and every plugin that [`Corefile::read`] names as not modelled.

mod corefile;
mod dig;
mod hosts;
mod kubernetes;
mod message;
mod name;
mod objects;
mod reason;
mod record;
mod resolv_conf;
mod resolver;
mod server;
#[cfg(test)]
mod tests;
mod upstream;
mod zone;

/// The CoreDNS release whose answers are modelled.
pub const COREDNS_VERSION: &str = "1.13.1";

pub use corefile::{
    Cache, CacheTtl, Corefile, Forward, KUBEADM_COREFILE, Kubernetes, PodsMode, ServerAddress,
    ServerBlock,
};
pub use dig::dig;
pub use hosts::Hosts;
pub use message::{Answer, Listing, Question, Rcode};
pub use name::{Name, NameError};
pub use objects::is_published;
pub use reason::Reason;
pub use record::{Record, RecordData, RecordError, RecordType, UnknownRecordType};
pub use resolv_conf::{
    ClusterDns, MAX_NAMESERVERS, MAX_SEARCH_CHARACTERS, MAX_SEARCHES, ResolvConf, ResolverOption,
};
pub use resolver::{
    Attempt, AttemptResult, Libc, Reply, Resolution, ResolutionKind, ResolutionVerdict, Resolver,
    Source,
};
pub use server::{AskUpstream, CoreDns};
pub use upstream::Upstream;
