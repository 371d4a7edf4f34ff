//! Lobby's engine: Kubernetes Services as a pure function.
//!
//! # Architecture
//!
//! Manifests go in; the cluster's own components turn them into objects, names and rules; a packet
//! is walked through those very rules. Nothing is scripted and nothing is decided twice: the page,
//! the command line and the tests read the same results.
//!
//! ```text
//!  YAML ─► manifest ─► api ─► controllers ─► api (the store, again)
//!                       │
//!                       ▼
//!                     proxy ── rule text ──► netfilter ◄── an iptables-save of your own
//!                                                │
//!                                                ▼
//!                              network: one request, hop by hop, and its reply ─► Journey
//!                                                │
//!                                               lab: the session
//! ```
//!
//! A room may use only the rooms below it in this list:
//!
//! | module | is |
//! | --- | --- |
//! | [`diagnostic`], [`limits`], [`random`], [`trust`], [`words`] | places in a text and what is wrong there; how much is too much; seeded draws; what the model is held against; sentences |
//! | [`net`] | packets as typed data, protocols, addresses |
//! | [`yaml`] | text to a tree in which every key and value has its place |
//! | [`netfilter`] | one Linux host's packet path; knows no word of Kubernetes |
//! | [`api`] | the objects, defaulting, validation, allocation, the store |
//! | [`manifest`] | YAML to objects with the place of every field; strict |
//! | [`controllers`] | workloads to Pods, scheduling, EndpointSlices |
//! | [`cluster`] | the objects in virtual time: commands, events, undo |
//! | [`dns`] | the names that CoreDNS serves from the objects, and a Pod's resolver |
//! | [`proxy`] | kube-proxy: one model, and the rule text of each mode |
//! | [`network`] | the cluster's wires; a request walked to a [`network::Journey`] |
//! | [`kubectl`] | kubectl's command line over an API of full object trees |
//! | [`lab`], [`console`] | the session: commands, seed, the world and its picture; lines as a person types them, run on it |
//! | [`doctor`] | what is wrong with a world, proven, and what would mend it |
//! | [`link`] | a world and its view in an address; a dump without its names |
//! | [`lesson`] | the course: the format of a lesson, its goal checks and its proof |
//!
//! # Invariants
//!
//! 1. The engine is a function of (manifests, settings, commands, seed): the same bytes in, the same
//!    bytes out, on every machine. No clock, no I/O, no hash-map order, no floating point in results.
//! 2. What a person types is never a panic: results are values beside a list of
//!    [`diagnostic::Diagnostic`].
//! 3. Every object, rule and hop carries what caused it, down to a field of a manifest.
//! 4. Rule text equals kube-proxy's for [`KUBERNETES_VERSION`]; recorded vectors prove it.
//! 5. `netfilter` holds no word of Kubernetes, and the page no knowledge of either.

#![warn(missing_docs)]

pub mod api;
pub mod cluster;
pub mod console;
pub mod controllers;
pub mod diagnostic;
pub mod dns;
pub mod doctor;
pub mod kubectl;
pub mod lab;
pub mod lesson;
pub mod limits;
pub mod link;
pub mod manifest;
pub mod net;
pub mod netfilter;
pub mod network;
pub mod proxy;
pub mod random;
pub mod trust;
pub mod words;
pub mod yaml;

/// The Kubernetes release whose behaviour is modelled.
///
/// The conformance vectors were recorded from this release's kube-proxy and API server.
pub const KUBERNETES_VERSION: &str = "v1.30.5";

/// What is not modelled and people may look for, in the words of the page's trust line.
pub const NOT_MODELLED: &str = "NetworkPolicy, Ingress";
