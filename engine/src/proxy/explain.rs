//! What a rule does, in words: for a learner who knows what a Service is, and no more.
//!
//! The words are the cluster's own, for [`RuleSet::lines`] and [`RuleSet::declarations`]. Where a later release than [`crate::KUBERNETES_VERSION`] writes
//! something visibly different, a second sentence says so.

use super::config::Mode;
use super::endpoints::Policy;
use super::kind::Kind;
use super::line::Line;
use super::plan::{Nowhere, PortPlan};
use super::rule_set::RuleSet;
use super::service::{Entry, Service, ServicePort};
use super::service_rules::ServiceRules;

mod cluster;
mod declared;

impl RuleSet {
    /// What a rule does, in one sentence or two.
    ///
    /// `line` has to be one of this rule set's [`RuleSet::lines`]; of another's nothing can be said,
    /// and the text is empty.
    #[must_use]
    pub fn explain(&self, line: &Line) -> String {
        let source = line.source;
        let Some(service) = source.service else {
            return self.own(line);
        };
        let rules = self.services.get(service);
        let port = source.port as usize;
        match rules {
            Some(rules) if port < rules.plans.len() => {
                capital(Words::new(self.mode, line, rules, port).of(source.kind))
            }
            _ => String::new(),
        }
    }

    /// A rule of the cluster's own.
    fn own(&self, line: &Line) -> String {
        match line.source.kind {
            Kind::TopLevelJump(number) => cluster::top_level(self.top_level(), number),
            Kind::Sysctl => cluster::sysctl(&line.at.chain).to_owned(),
            Kind::BaseJump => cluster::base_jump(&line.text),
            Kind::Declared => declared::of_cluster(self.mode, line),
            kind => cluster::fixed(self.mode, kind, &self.settings.mark),
        }
    }
}

/// A sentence begins with a capital letter.
fn capital(mut text: String) -> String {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

struct Words<'a> {
    mode: Mode,
    line: &'a Line,
    service: &'a Service,
    port: &'a ServicePort,
    plan: &'a PortPlan,
}

impl<'a> Words<'a> {
    fn new(mode: Mode, line: &'a Line, rules: &'a ServiceRules, port: usize) -> Self {
        Self {
            mode,
            line,
            service: &rules.service,
            port: &rules.service.ports[port],
            plan: &rules.plans[port],
        }
    }

    fn of(&self, kind: Kind) -> String {
        match self.line.at.table.as_str() {
            "ipvs" => self.server(kind),
            "ipset" => self.entry(kind),
            "address" => {
                let what = self.address(kind);
                format!("{what} is bound to this Node, so that IPVS gets to see its traffic.")
            }
            _ => self.rule(kind),
        }
    }

    fn rule(&self, kind: Kind) -> String {
        match kind {
            Kind::ClusterIp => {
                let where_to = self.target(self.plan.internal_policy);
                let what = self.address(kind);
                format!("New connections to {what} go to {where_to}.")
            }
            Kind::LoadBalancerIp(_)
                if self.mode == Mode::Iptables && !self.service.source_ranges.is_empty() =>
            {
                format!(
                    "New connections to {} are let in if loadBalancerSourceRanges allows their source.",
                    self.address(kind)
                )
            }
            Kind::ExternalIp(_) | Kind::LoadBalancerIp(_) => format!(
                "New connections to {} are treated as traffic from outside, even those from this cluster.{}",
                self.address(kind),
                deprecated(kind)
            ),
            Kind::NodePort => {
                let later = match self.mode {
                    Mode::Iptables => {
                        " Since v1.31 there is a second rule that counts those by way of 127.0.0.1."
                    }
                    _ => "",
                };
                let what = self.address(kind);
                format!("New connections to {what} are treated as traffic from outside.{later}")
            }
            Kind::ClusterIpRefused
            | Kind::ExternalIpRefused(_)
            | Kind::LoadBalancerIpRefused(_)
            | Kind::NodePortRefused => self.refused(kind),
            Kind::LoadBalancerIpGuarded(_) => self.guarded(kind),
            Kind::HealthCheckNodePort => format!(
                "The load balancer may ask this Node at port {} whether it has endpoints of {}.",
                self.service.health_check_node_port,
                self.name()
            ),
            Kind::MasqueradeOffCluster => self.masquerade_off_cluster(),
            Kind::Balance(..) | Kind::BalanceAll(_) | Kind::Affinity(..) => self.balance(kind),
            Kind::Hairpin(index) => {
                let later = match self.mode {
                    Mode::Nftables => {
                        " Since v1.36 a set of such pairs does this for all endpoints."
                    }
                    _ => "",
                };
                format!(
                    "If the client is {} itself, its source becomes this Node's address: it would not take an answer from itself.{later}",
                    self.endpoint(index)
                )
            }
            Kind::AffinityUpdate(index) => format!(
                "The client is remembered for {} s as one of {}.",
                self.seconds(),
                self.endpoint(index)
            ),
            Kind::Dnat(index) => {
                let remembered = match (self.service.affinity, self.mode) {
                    (Some(_), Mode::Iptables) => "The client is remembered, and the",
                    _ => "The",
                };
                format!(
                    "{remembered} destination becomes {}; connection tracking does the same to the rest of the connection, and undoes it in replies.",
                    self.endpoint(index)
                )
            }
            Kind::ClusterIpSet => {
                let ip = &self.service.cluster_ip.text;
                format!(
                    "{ip} is the cluster IP of {}: its other ports are refused.",
                    self.name()
                )
            }
            _ if kind.is_declaration() => self.declared(kind),
            _ => self.external(kind),
        }
    }

    /// The chains for addresses that outsiders use.
    fn external(&self, kind: Kind) -> String {
        let label = &self.port.label;
        match kind {
            Kind::ExternalMasquerade => format!(
                "Outsiders' traffic for {label} may be answered by another Node's Pod, so its source becomes this Node's address: the reply has to come back through here."
            ),
            Kind::ExternalPodShortcut => format!(
                "A Pod that uses an external address of {label} is sent to any endpoint, as if it had gone out and come back: externalTrafficPolicy is for outsiders."
            ),
            Kind::ExternalHostMasquerade => format!(
                "What this Node itself sends to an external address of {label} is masqueraded, as its source may be that very address."
            ),
            Kind::ExternalHostShortcut => format!(
                "What this Node itself sends to an external address of {label} goes to any endpoint: externalTrafficPolicy is for outsiders."
            ),
            Kind::ExternalPolicy(Policy::Local) => format!(
                "Everybody else is sent to an endpoint on this Node, and keeps the source address: externalTrafficPolicy of {} is Local.",
                self.name()
            ),
            Kind::ExternalPolicy(Policy::Cluster) => {
                format!("Then an endpoint of {label} is drawn, on whatever Node.")
            }
            Kind::SourceRange(index) => format!(
                "Sources within {} may use the load balancer's address.",
                text(&self.service.source_ranges, index)
            ),
            Kind::SourceLoadBalancerIp(index) => format!(
                "This Node is within a source range; when it uses {} it may have that address as its source, so that is allowed as well.",
                text(&self.service.load_balancer_ips, index)
            ),
            Kind::SourceRest => format!(
                "Whoever is left is in no source range of {}: nothing is done here, and KUBE-PROXY-FIREWALL drops it.",
                self.name()
            ),
            Kind::SourceRanges => format!(
                "Whoever is in no source range of {} is dropped, before anything else happens.",
                self.name()
            ),
            _ => String::new(),
        }
    }

    fn refused(&self, kind: Kind) -> String {
        let what = self.address(kind);
        match self.plan.nowhere() {
            Nowhere::Reject => format!(
                "{what} leads nowhere, as {} has no usable endpoint anywhere: clients are told at once.",
                self.port.label
            ),
            Nowhere::Drop => {
                // There this Node's own packets are translated before they are filtered.
                let later = match (self.mode, kind) {
                    (Mode::Nftables, Kind::ClusterIpRefused) => "",
                    (Mode::Nftables, _) => {
                        " Since v1.34 this Node's own connections get to other Nodes' endpoints."
                    }
                    _ => "",
                };
                format!(
                    "{what} is for endpoints on this Node only, and this Node has none: the packet is dropped, and clients wait in vain.{later}"
                )
            }
        }
    }

    fn guarded(&self, kind: Kind) -> String {
        let what = self.address(kind);
        match (self.mode, self.line.at.chain.as_str()) {
            (Mode::Nftables, _) => {
                format!("For {what} the source is looked at first.")
            }
            (Mode::Ipvs, _) => {
                format!("This Node is in no source range, so it must not reach {what} itself.")
            }
            (Mode::Iptables, _) => format!(
                "Whoever is still on the way to {what} was in no source range, and is dropped."
            ),
        }
    }

    fn masquerade_off_cluster(&self) -> String {
        let what = self.address(Kind::ClusterIp);
        let unless = if ["! -", "!="].iter().any(|not| self.line.text.contains(not)) {
            " unless it counts as a Pod's own"
        } else {
            ""
        };
        let later = match self.mode {
            Mode::Nftables => {
                " Since v1.34 the port is not looked at; since v1.36 one rule does this for all Services."
            }
            _ => "",
        };
        format!(
            "Traffic to {what} is masqueraded{unless}, so that the reply comes back through here.{later}"
        )
    }

    fn balance(&self, kind: Kind) -> String {
        let endpoints = &self.plan.endpoints;
        match kind {
            Kind::Affinity(_, index) => format!(
                "A client that was sent to {} within the last {} s goes there again: sessionAffinity is ClientIP.",
                self.endpoint(index),
                self.seconds()
            ),
            Kind::Balance(policy, index) => {
                let total = endpoints.count(policy);
                let before = endpoints.of(policy).take_while(|(i, _)| *i < index).count() as u32;
                let left = total - before;
                let endpoint = self.endpoint(index);
                let why = self.narrowed(policy);
                if total == 1 {
                    format!(
                        "{endpoint} is the only endpoint to be had, and gets every connection.{why}"
                    )
                } else if before == 0 {
                    format!("{endpoint} gets 1 in {total} of all connections.{why}")
                } else if left == 1 {
                    format!("{endpoint} gets what is left: 1 in {total} of all connections.{why}")
                } else {
                    format!(
                        "{endpoint} gets 1 in {left} of the connections that come this far, which is 1 in {total} of all.{why}"
                    )
                }
            }
            Kind::BalanceAll(policy) => {
                let total = endpoints.count(policy);
                let why = self.narrowed(policy);
                let later = " Since v1.36 the destination is drawn from a map, without chains for endpoints.";
                match total {
                    1 => format!("The only endpoint gets every connection.{why}{later}"),
                    _ => format!(
                        "A random number picks one of {total} endpoints, each as likely.{why}{later}"
                    ),
                }
            }
            _ => String::new(),
        }
    }

    /// Why not all endpoints are in a list.
    fn narrowed(&self, policy: Policy) -> &'static str {
        let endpoints = &self.plan.endpoints;
        let draining = endpoints
            .of(policy)
            .all(|(_, endpoint)| endpoint.is_draining());
        match policy {
            _ if draining => " No endpoint is ready, so those that are shutting down still serve.",
            Policy::Local => " Only endpoints on this Node count.",
            Policy::Cluster if endpoints.by_zone => {
                " Only endpoints with a hint for this Node's zone count; since v1.31 hints count without the Service's annotation."
            }
            Policy::Cluster => "",
        }
    }

    /// A chain or set of a service port's own.
    fn declared(&self, kind: Kind) -> String {
        let label = &self.port.label;
        match kind {
            Kind::BalanceChain(policy) => {
                format!(
                    "This chain draws {} of {label}.",
                    match policy {
                        Policy::Cluster => "one of the endpoints",
                        Policy::Local => "one of the endpoints on this Node",
                    }
                )
            }
            Kind::ExternalChain => format!(
                "Traffic to the addresses of {label} that outsiders use goes through this chain."
            ),
            Kind::FirewallChain => format!(
                "This chain looks whether a source may use the load balancer's address of {label}."
            ),
            Kind::EndpointChain(index) => {
                let later = match self.mode {
                    Mode::Nftables if self.service.affinity.is_none() => {
                        " Since v1.36 there is such a chain only with session affinity."
                    }
                    _ => "",
                };
                format!(
                    "This chain sends to {}, an endpoint of {label}.{later}",
                    self.endpoint(index)
                )
            }
            Kind::AffinitySet(index) => format!(
                "This set remembers the clients of {}, each for {} s after its last connection.",
                self.endpoint(index),
                self.seconds()
            ),
            _ => String::new(),
        }
    }

    /// A virtual or real server of IPVS.
    fn server(&self, kind: Kind) -> String {
        match kind {
            Kind::Dnat(index) => {
                format!(
                    "{} is one that the scheduler may choose.",
                    self.endpoint(index)
                )
            }
            _ => {
                let what = self.address(kind);
                let kept = match self.service.affinity {
                    Some(seconds) => {
                        format!(", and a client stays with its choice for {seconds} s")
                    }
                    None => String::new(),
                };
                format!(
                    "IPVS takes connections to {what}{kept}. The ipvs mode is deprecated since v1.35.{}",
                    deprecated(kind)
                )
            }
        }
    }

    /// An entry of an ipset.
    fn entry(&self, kind: Kind) -> String {
        let set = self.line.at.chain.as_str();
        match kind {
            Kind::Hairpin(index) => format!(
                "Should {} reach itself through a Service, it is masqueraded.",
                self.endpoint(index)
            ),
            Kind::SourceRange(index) => format!(
                "Sources within {} may use the load balancer's address.",
                text(&self.service.source_ranges, index)
            ),
            Kind::SourceLoadBalancerIp(index) => format!(
                "This Node is within a source range, and may use {} with that address as its source.",
                text(&self.service.load_balancer_ips, index)
            ),
            Kind::HealthCheckNodePort => format!(
                "The load balancer may ask this Node at port {} whether it has endpoints of {}.",
                self.service.health_check_node_port,
                self.name()
            ),
            _ if set.ends_with("IPVS-IPS") => {
                format!(
                    "{} is bound to kube-ipvs0; ports that no Service has are refused there.",
                    self.address(kind)
                )
            }
            _ => format!(
                "{} is an address that rules match by {set}.",
                self.address(kind)
            ),
        }
    }

    /// `the cluster IP 10.96.0.1, port 443/TCP`, or what else a rule is about.
    fn address(&self, kind: Kind) -> String {
        let Self {
            service,
            port,
            line,
            ..
        } = self;
        let named = |what: &str, ip: &str| {
            if line.at.table == "address" || line.at.chain.ends_with("IPVS-IPS") {
                format!("{what} {ip} of {}", self.name())
            } else {
                format!(
                    "{what} {ip}, port {}/{}, of {}",
                    port.port,
                    port.protocol,
                    self.name()
                )
            }
        };
        match kind {
            Kind::ClusterIp | Kind::ClusterIpRefused => {
                named("the cluster IP", &service.cluster_ip.text)
            }
            Kind::ExternalIp(index) | Kind::ExternalIpRefused(index) => {
                named("the external IP", text(&service.external_ips, index))
            }
            Kind::NodePort | Kind::NodePortRefused => {
                format!(
                    "node port {}/{} of {}",
                    port.node_port,
                    port.protocol,
                    self.name()
                )
            }
            Kind::LoadBalancerIp(index)
            | Kind::LoadBalancerIpRefused(index)
            | Kind::LoadBalancerIpGuarded(index) => named(
                "the load balancer's address",
                text(&service.load_balancer_ips, index),
            ),
            _ => self.name(),
        }
    }

    fn name(&self) -> String {
        format!("{}/{}", self.service.namespace, self.service.name)
    }

    fn target(&self, policy: Policy) -> &'static str {
        match policy {
            Policy::Cluster => "one of its endpoints",
            Policy::Local => "one of its endpoints on this Node",
        }
    }

    fn seconds(&self) -> i32 {
        self.service.affinity.unwrap_or_default()
    }

    fn endpoint(&self, index: u32) -> String {
        let endpoints = &self.plan.endpoints;
        match endpoints.all().get(index as usize) {
            Some(endpoint) if endpoint.is_local() => {
                format!("{} on this Node", endpoints.ip_port(endpoint))
            }
            Some(endpoint) => endpoints.ip_port(endpoint).to_owned(),
            None => String::new(),
        }
    }
}

/// What later releases say of an address.
fn deprecated(kind: Kind) -> &'static str {
    match kind {
        Kind::ExternalIp(_) => " External IPs are deprecated since v1.36.",
        _ => "",
    }
}

fn text(entries: &[Entry], index: u32) -> &str {
    entries
        .get(index as usize)
        .map_or("", |entry| entry.text.as_str())
}
