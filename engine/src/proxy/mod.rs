//! kube-proxy: from Services, EndpointSlices and a Node to the rules that this Node gets.
//!
//! One model, three renderers. The model (`service`, `endpoints`, `plan`) decides once what each
//! service port needs; `iptables`, `nftables` and `ipvs` write it down, byte for byte as the
//! kube-proxy of [`crate::KUBERNETES_VERSION`] does. What it writes is text and tables: who
//! evaluates them is somebody else.
//!
//! A [`RuleSet`] is what one Node programs in one mode for one family. Rules know what made them
//! and can explain themselves, but only when they are asked.
//!
//! Specified by `pkg/proxy` of kubernetes/kubernetes; the modes by KEP-3866 (nftables) and
//! <https://kubernetes.io/docs/reference/networking/virtual-ips/>. Left out: Windows, the health
//! servers, conntrack housekeeping.

mod address;
mod concat;
mod config;
mod endpoints;
mod frame;
mod hash;
mod ipset;
mod iptables;
mod ipvs;
mod kind;
mod nftables;
mod node_ports;
mod out;
mod plan;
mod probability;
mod proxier;
mod rule_set;
mod service;

pub use config::{ConfigError, DetectLocal, Mode, ProxyConfig, UnknownMode};
pub use ipvs::Tables;
pub use proxier::{Proxier, SYNC_PERIOD_MS, Sync};
pub use rule_set::{RuleSet, dump};
