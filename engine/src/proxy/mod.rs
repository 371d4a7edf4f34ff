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
mod diff;
mod endpoints;
mod explain;
mod frame;
mod hash;
mod iptables;
mod ipvs;
mod join;
mod kind;
mod line;
mod nftables;
mod node_ports;
mod origin;
mod out;
mod plan;
mod probability;
mod proxier;
mod rule_set;
mod rule_text;
mod service;
mod service_rules;
#[cfg(test)]
mod tests;
mod uses;

pub use config::{ConfigError, DetectLocal, Mode, ProxyConfig, UnknownMode};
pub use diff::{Diff, diff};
pub use endpoints::LeftOut;
pub use ipvs::Tables;
pub use line::{Line, Rule, RuleId};
pub use proxier::{Proxier, SYNC_PERIOD_MS, Sync};
pub use rule_set::{RuleSet, dump};
pub use rule_text::RuleText;
pub use uses::{Choosing, EndpointName, EndpointUse, PortUse};
