//! What a person can set about the lab's cluster.

use crate::api::allocate::Ranges;
use crate::controllers::load_balancer::Provider;
use crate::controllers::nodes::Networks;

/// The seed of a fresh lab.
pub const DEFAULT_SEED: u64 = 42;

/// What the world is made with, besides the manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where all draws come from.
    pub seed: u64,
    /// The Nodes of a world whose manifests name none.
    pub nodes: Vec<String>,
    /// Where Nodes and Pods live.
    pub networks: Networks,
    /// Where Services get their addresses and ports.
    pub ranges: Ranges,
    /// Who builds load balancers.
    pub provider: Provider,
}

impl Default for Settings {
    /// Three Nodes of a kubeadm-like cluster.
    fn default() -> Self {
        Self {
            seed: DEFAULT_SEED,
            nodes: (1..=3).map(|number| format!("node-{number}")).collect(),
            networks: Networks::default(),
            ranges: Ranges::default(),
            provider: Provider::None,
        }
    }
}
