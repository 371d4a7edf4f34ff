//! What a kube-proxy makes of each endpoint: whether this Node's rules send to it, and why not.
//!
//! Nothing is decided here: it is read off the plans from which the rules were written
//! ([`super::endpoints`]). Left out are Services that kube-proxy has no rules for: headless ones,
//! ExternalName, other proxies'.

use serde::Serialize;

use super::endpoints::{Endpoint, LeftOut, Policy};
use super::kind::Kind;
use super::line::Line;
use super::plan::PortPlan;
use super::rule_set::RuleSet;
use super::service_rules::ServiceRules;

/// One port of a Service, as one Node serves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PortUse {
    /// Index into `spec.ports`.
    pub port: usize,
    /// Whether `internalTrafficPolicy` keeps traffic for the cluster IP on its Node.
    pub internal_local: bool,
    /// Whether `externalTrafficPolicy` keeps traffic from outside on its Node.
    pub external_local: bool,
    /// Whether there is an address for traffic from outside: a node port, an external or a load
    /// balancer's address.
    pub is_external: bool,
    /// Whether hints narrow traffic down to this Node's zone.
    pub by_zone: bool,
    /// All endpoints that the slices have for this port, by address.
    pub endpoints: Vec<EndpointUse>,
}

/// One endpoint of a port, as one Node serves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointUse {
    /// Who it is.
    pub endpoint: EndpointName,
    /// Whether it runs on this Node.
    pub is_local: bool,
    /// Whether it is used although it is being deleted, because no other is ready.
    pub is_draining: bool,
    /// Why traffic for the cluster IP does not come to it; `None` if it does.
    pub internal: Option<LeftOut>,
    /// The same for traffic from outside. Without an address for that it says nothing.
    pub external: Option<LeftOut>,
}

/// Which endpoint: its address, and the slice that it is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointName {
    /// `ip:port`, or `[ip]:port` for IPv6.
    pub address: String,
    /// The name of the EndpointSlice; it is in the Service's Namespace.
    pub slice: String,
    /// Index into the slice's `endpoints`.
    pub index: usize,
}

/// The choice that a rule makes or takes part in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Choosing {
    /// The rule is for one of the endpoints among which its chain, or its virtual server, chooses.
    One(EndpointName),
    /// The rule is for the endpoint that a client got before (session affinity).
    Again(EndpointName),
    /// The rule chooses among all of these.
    All(Vec<EndpointName>),
}

impl RuleSet {
    /// What becomes of each endpoint of a Service on this Node, port by port; `None` for a Service
    /// that has no rules.
    #[must_use]
    pub fn uses(&self, namespace: &str, name: &str) -> Option<Vec<PortUse>> {
        let found = self.services.binary_search_by(|rules| {
            let service = &rules.service;
            (service.namespace.as_str(), service.name.as_str()).cmp(&(namespace, name))
        });
        let rules = self.services.get(found.ok()?)?;
        let ports = rules.service.ports.iter().zip(&rules.plans);
        let uses = ports.map(|(port, plan)| PortUse {
            port: port.index,
            internal_local: plan.internal_policy == Policy::Local,
            external_local: plan.external_policy == Policy::Local,
            is_external: rules.service.is_externally_accessible(port),
            by_zone: plan.endpoints.by_zone,
            endpoints: endpoint_uses(rules, plan),
        });
        Some(uses.collect())
    }

    /// What a rule has to do with the choice of an endpoint; `None` for one that has nothing.
    /// `line` has to be one of this rule set's.
    #[must_use]
    pub fn choosing(&self, line: &Line) -> Option<Choosing> {
        let rules = self.services.get(line.source.service?)?;
        let plan = rules.plans.get(line.source.port as usize)?;
        let name = |index: u32| {
            let endpoint = plan.endpoints.all().get(index as usize)?;
            Some(endpoint_name(rules, plan, endpoint))
        };
        match line.source.kind {
            Kind::Balance(_, index) => name(index).map(Choosing::One),
            Kind::Dnat(index) if line.at.table == "ipvs" => name(index).map(Choosing::One),
            Kind::Affinity(_, index) => name(index).map(Choosing::Again),
            Kind::BalanceAll(policy) => {
                let all = plan.endpoints.of(policy);
                let names = all.map(|(_, endpoint)| endpoint_name(rules, plan, endpoint));
                Some(Choosing::All(names.collect()))
            }
            _ => None,
        }
    }
}

fn endpoint_uses(rules: &ServiceRules, plan: &PortPlan) -> Vec<EndpointUse> {
    let endpoints = &plan.endpoints;
    let one = |endpoint: &Endpoint| {
        let internal = endpoints.left_out(endpoint, plan.internal_policy);
        let external = endpoints.left_out(endpoint, plan.external_policy);
        EndpointUse {
            endpoint: endpoint_name(rules, plan, endpoint),
            is_local: endpoint.is_local(),
            is_draining: endpoint.is_draining() && (internal.is_none() || external.is_none()),
            internal,
            external,
        }
    };
    endpoints.all().iter().map(one).collect()
}

fn endpoint_name(rules: &ServiceRules, plan: &PortPlan, endpoint: &Endpoint) -> EndpointName {
    EndpointName {
        address: plan.endpoints.ip_port(endpoint).to_owned(),
        slice: (rules.slices.get(endpoint.slice as usize))
            .cloned()
            .unwrap_or_default(),
        index: endpoint.index as usize,
    }
}
