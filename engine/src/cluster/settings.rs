//! What a cluster is made with.

use crate::api::allocate::Ranges;
use crate::controllers::load_balancer::Provider;
use crate::controllers::nodes::Networks;

/// The settings of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where all draws come from.
    pub seed: u64,
    /// Where Nodes and Pods live.
    pub networks: Networks,
    /// Where Services get their addresses and ports.
    pub ranges: Ranges,
    /// Who builds load balancers.
    pub provider: Provider,
    /// The time of day at which virtual time begins, in seconds since 1970 (UTC).
    pub start: i64,
    /// How long things take.
    pub timing: Timing,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 42,
            networks: Networks::default(),
            ranges: Ranges::default(),
            provider: Provider::None,
            start: DEFAULT_START,
            timing: Timing::default(),
        }
    }
}

/// 2026-01-01 08:00:00 UTC.
pub const DEFAULT_START: i64 = 1_767_254_400;

/// How long things take that on a real cluster take some time, in milliseconds of virtual time.
///
/// The order of magnitude is what counts: which of two things comes first, and what is stale in
/// between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From a change to the controller that acts on it, workloads and scheduler alike.
    pub controller: u64,
    /// From a change of Pods to the EndpointSlices that say so.
    pub endpoints: u64,
    /// From a change of EndpointSlices or Services to the rules: kube-proxy's `minSyncPeriod`.
    pub proxy: u64,
    /// From a Pod's Node to its running containers.
    pub start: u64,
    /// From the signal to end (SIGTERM) to the end, for a process that heeds it.
    pub stop: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            controller: 20,
            endpoints: 100,
            proxy: 1_000,
            start: 1_500,
            stop: 1_000,
        }
    }
}
