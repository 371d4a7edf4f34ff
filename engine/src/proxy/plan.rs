//! What a service port needs on this Node: decided once, for every mode.
//!
//! Source: the first part of the service loop of `syncProxyRules` in `pkg/proxy/iptables/proxier.go`
//! and `pkg/proxy/nftables/proxier.go`, Kubernetes v1.30.

use std::borrow::Borrow;

use super::config::{Mode, Settings};
use super::endpoints::{Endpoints, Policy};
use super::service::{Service, ServicePort};
use super::{iptables, nftables};
use crate::api;

/// Decisions about one service port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PortPlan {
    pub endpoints: Endpoints,
    /// What follows the prefix in the names of its chains: a hash in iptables mode, a hash and
    /// the name in nftables mode, nothing in IPVS mode.
    pub name: String,
    /// Whether the cluster IP leads somewhere.
    pub internal: bool,
    /// Whether the addresses for outsiders lead somewhere for outsiders.
    pub external: bool,
    /// Whether there is a chain for those addresses. It may be there without `external`: the
    /// short cuts for Pods and the Node itself stand in it.
    pub external_chain: bool,
    pub cluster_chain: bool,
    pub local_chain: bool,
    pub internal_policy: Policy,
    pub external_policy: Policy,
}

impl PortPlan {
    fn new(service: &Service, port: &ServicePort, mut endpoints: Endpoints, mode: Mode) -> Self {
        let name = match mode {
            Mode::Iptables => iptables::name(port, &mut endpoints),
            Mode::Nftables => nftables::name(service, port, &mut endpoints),
            Mode::Ipvs => String::new(),
        };
        let policy = |local| {
            if local {
                Policy::Local
            } else {
                Policy::Cluster
            }
        };
        let internal_policy = policy(service.internal_local);
        let external_policy = policy(service.external_local);
        let usable = |policy| {
            endpoints.has_any && (policy == Policy::Cluster || endpoints.count(policy) > 0)
        };
        Self {
            name,
            internal: usable(internal_policy),
            external: usable(external_policy),
            external_chain: endpoints.has_any && service.is_externally_accessible(port),
            cluster_chain: endpoints.count(Policy::Cluster) > 0
                && service.uses_cluster_endpoints(port),
            local_chain: endpoints.count(Policy::Local) > 0 && service.uses_local_endpoints(port),
            internal_policy,
            external_policy,
            endpoints,
        }
    }

    /// What becomes of traffic that leads nowhere: refused if nobody serves at all, dropped if
    /// only this Node has no endpoint.
    pub(super) fn nowhere(&self) -> Nowhere {
        if self.endpoints.has_any {
            Nowhere::Drop
        } else {
            Nowhere::Reject
        }
    }
}

/// The fate of traffic that leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nowhere {
    /// Told to the client.
    Reject,
    /// Not told.
    Drop,
}

/// The plans of all ports of a Service.
pub(super) fn plans<S: Borrow<api::EndpointSlice>>(
    service: &Service,
    slices: &[S],
    settings: &Settings,
    mode: Mode,
) -> Vec<PortPlan> {
    service
        .ports
        .iter()
        .map(|port| {
            let endpoints = Endpoints::new(service, port, slices, settings);
            PortPlan::new(service, port, endpoints, mode)
        })
        .collect()
}
