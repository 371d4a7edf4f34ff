//! What made a rule: the fields of Services and EndpointSlices behind it.

use super::endpoints::Policy;
use super::kind::Kind;
use super::line::Line;
use super::plan::Nowhere;
use super::rule_set::RuleSet;
use super::service::{Entry, Service, ServicePort};
use super::service_rules::ServiceRules;
use crate::api::{FieldPath, Kind as ObjectKind, ObjectRef, Origin};

impl RuleSet {
    /// The fields of objects that made a rule; none for the cluster's own.
    ///
    /// `line` has to be one of this rule set's [`RuleSet::lines`]; another one's may have none.
    #[must_use]
    pub fn origins(&self, line: &Line) -> Vec<Origin> {
        let source = line.source;
        let rules = source.service.and_then(|index| self.services.get(index));
        let port = source.port as usize;
        match rules {
            Some(rules) if port < rules.plans.len() => Origins::new(rules, port).of(source.kind),
            _ => Vec::new(),
        }
    }
}

struct Origins<'a> {
    rules: &'a ServiceRules,
    service: &'a Service,
    port: &'a ServicePort,
    port_number: usize,
    list: Vec<Origin>,
}

impl<'a> Origins<'a> {
    fn new(rules: &'a ServiceRules, port_number: usize) -> Self {
        Self {
            rules,
            service: &rules.service,
            port: &rules.service.ports[port_number],
            port_number,
            list: Vec::new(),
        }
    }

    fn of(mut self, kind: Kind) -> Vec<Origin> {
        match kind {
            Kind::ClusterIp | Kind::MasqueradeOffCluster => {
                self.cluster_ip();
                self.port("port");
            }
            Kind::ClusterIpSet => self.cluster_ip(),
            Kind::ClusterIpRefused => {
                self.nobody("spec.internalTrafficPolicy");
                self.cluster_ip();
                self.port("port");
            }
            Kind::ExternalIpRefused(index) => {
                self.nobody("spec.externalTrafficPolicy");
                self.entry("spec.externalIPs", &self.service.external_ips, index, "");
                self.port("port");
            }
            Kind::LoadBalancerIpRefused(index) => {
                self.nobody("spec.externalTrafficPolicy");
                self.load_balancer_ip(index);
                self.port("port");
            }
            Kind::NodePortRefused => {
                self.nobody("spec.externalTrafficPolicy");
                self.port("nodePort");
            }
            Kind::ExternalIp(index) => {
                self.entry("spec.externalIPs", &self.service.external_ips, index, "");
                self.port("port");
                self.external_policy();
            }
            Kind::LoadBalancerIp(index) => {
                self.load_balancer_ip(index);
                self.port("port");
                self.external_policy();
            }
            Kind::LoadBalancerIpGuarded(index) | Kind::SourceLoadBalancerIp(index) => {
                self.load_balancer_ip(index);
                self.field("spec.loadBalancerSourceRanges");
            }
            Kind::NodePort => {
                self.port("nodePort");
                self.external_policy();
            }
            Kind::HealthCheckNodePort => self.field("spec.healthCheckNodePort"),
            Kind::ExternalMasquerade
            | Kind::ExternalPodShortcut
            | Kind::ExternalHostMasquerade
            | Kind::ExternalHostShortcut
            | Kind::ExternalPolicy(_) => self.field("spec.externalTrafficPolicy"),
            Kind::SourceRange(index) => {
                let field = "spec.loadBalancerSourceRanges";
                self.entry(field, &self.service.source_ranges, index, "");
            }
            Kind::SourceRest | Kind::SourceRanges => self.field("spec.loadBalancerSourceRanges"),
            Kind::Affinity(_, endpoint) | Kind::AffinityUpdate(endpoint) => {
                self.field("spec.sessionAffinity");
                self.endpoint(endpoint);
            }
            Kind::Balance(_, endpoint) | Kind::Hairpin(endpoint) => self.endpoint(endpoint),
            Kind::Dnat(endpoint) => {
                self.endpoint(endpoint);
                self.port("targetPort");
            }
            Kind::BalanceAll(policy) => self.endpoints(policy),
            Kind::BalanceChain(policy) => {
                self.port("port");
                if policy == Policy::Local && self.service.internal_local {
                    self.field("spec.internalTrafficPolicy");
                }
                if policy == Policy::Local {
                    self.external_policy();
                }
            }
            Kind::ExternalChain => {
                self.port("port");
                self.external_policy();
            }
            Kind::FirewallChain => self.field("spec.loadBalancerSourceRanges"),
            Kind::EndpointChain(endpoint) => self.endpoint(endpoint),
            Kind::AffinitySet(endpoint) => {
                self.field("spec.sessionAffinity");
                self.endpoint(endpoint);
            }
            _ => {}
        }
        self.list
    }

    fn field(&mut self, field: &str) {
        let Service {
            namespace, name, ..
        } = self.service;
        let object = ObjectRef::new(ObjectKind::Service, namespace, name);
        self.list.push(Origin::new(object, FieldPath::new(field)));
    }

    /// Why nobody is to be reached: no endpoint was selected, or the policy keeps to this Node's.
    /// It comes first, as that is what a person has to mend.
    fn nobody(&mut self, policy: &str) {
        match self.rules.plans[self.port_number].nowhere() {
            Nowhere::Reject if self.service.has_selector => self.field("spec.selector"),
            Nowhere::Reject => {}
            Nowhere::Drop => self.field(policy),
        }
    }

    fn cluster_ip(&mut self) {
        if self.service.from_cluster_ips {
            self.field(&format!(
                "spec.clusterIPs[{}]",
                self.service.cluster_ip.index
            ));
        } else {
            self.field("spec.clusterIP");
        }
    }

    fn port(&mut self, field: &str) {
        self.field(&format!("spec.ports[{}].{field}", self.port.index));
    }

    /// The policy, where it is not the default.
    fn external_policy(&mut self) {
        if self.service.external_local {
            self.field("spec.externalTrafficPolicy");
        }
    }

    fn entry(&mut self, field: &str, entries: &[Entry], index: u32, rest: &str) {
        if let Some(entry) = entries.get(index as usize) {
            self.field(&format!("{field}[{}]{rest}", entry.index));
        }
    }

    fn load_balancer_ip(&mut self, index: u32) {
        let entries = &self.service.load_balancer_ips;
        self.entry("status.loadBalancer.ingress", entries, index, ".ip");
    }

    fn endpoint(&mut self, index: u32) {
        let endpoints = &self.rules.plans[self.port_number].endpoints;
        let Some(endpoint) = endpoints.all().get(index as usize) else {
            return;
        };
        if let Some(slice) = self.rules.slices.get(endpoint.slice as usize) {
            let namespace = &self.service.namespace;
            let object = ObjectRef::new(ObjectKind::EndpointSlice, namespace, slice);
            let field = FieldPath::new("endpoints").index(endpoint.index as usize);
            self.list.push(Origin::new(object, field));
        }
    }

    fn endpoints(&mut self, policy: Policy) {
        let endpoints = &self.rules.plans[self.port_number].endpoints;
        for (index, _) in endpoints.of(policy) {
            self.endpoint(index);
        }
    }
}
