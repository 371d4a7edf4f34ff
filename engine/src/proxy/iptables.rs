//! iptables mode: the text for iptables-restore.
//!
//! Source: `syncProxyRules` of `pkg/proxy/iptables/proxier.go`, Kubernetes v1.30. Rules stand in
//! the order in which kube-proxy writes them; Services in that of their names, where kube-proxy
//! follows the random order of a Go map. Left out: the canary chains, which hold no rules, and
//! the nfacct counters of later releases.

use super::config::Settings;
use super::endpoints::{Endpoints, Policy};
use super::hash::NameHash;
use super::kind::Kind;
use super::out::{Out, put};
use super::plan::{Nowhere, PortPlan};
use super::probability::Probabilities;
use super::service::{Service, ServicePort};
use crate::net::Protocol;

mod frame;

pub(super) use frame::{forward, frame, pod_traffic, postrouting};

/// The parts of a Service's text, in the order in which they are written.
pub(super) mod segment {
    /// Rules of the filter table. Every sync sends them.
    pub(crate) const FILTER: usize = 0;
    /// Rules of the nat table's shared chains. Every sync sends them.
    pub(crate) const SHARED: usize = 1;
    /// Rules of the Service's own chains.
    pub(crate) const OWN: usize = 2;
    /// The lines that declare its own chains.
    pub(crate) const CHAINS: usize = 3;
    /// How many there are.
    pub(crate) const COUNT: usize = 4;
}

/// The calls of the iptables command that come before every full sync: `-N` makes sure that a
/// chain exists, `-I` that a rule exists, and puts it at the head of its chain if it does not.
pub(super) const TOP_LEVEL: &[&str] = &[
    "-t filter -N KUBE-EXTERNAL-SERVICES",
    "-t filter -I INPUT -m conntrack --ctstate NEW -m comment --comment \"kubernetes externally-visible service portals\" -j KUBE-EXTERNAL-SERVICES",
    "-t filter -N KUBE-EXTERNAL-SERVICES",
    "-t filter -I FORWARD -m conntrack --ctstate NEW -m comment --comment \"kubernetes externally-visible service portals\" -j KUBE-EXTERNAL-SERVICES",
    "-t filter -N KUBE-NODEPORTS",
    "-t filter -I INPUT -m comment --comment \"kubernetes health check service ports\" -j KUBE-NODEPORTS",
    "-t filter -N KUBE-SERVICES",
    "-t filter -I FORWARD -m conntrack --ctstate NEW -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES",
    "-t filter -N KUBE-SERVICES",
    "-t filter -I OUTPUT -m conntrack --ctstate NEW -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES",
    "-t filter -N KUBE-FORWARD",
    "-t filter -I FORWARD -m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD",
    "-t filter -N KUBE-PROXY-FIREWALL",
    "-t filter -I INPUT -m conntrack --ctstate NEW -m comment --comment \"kubernetes load balancer firewall\" -j KUBE-PROXY-FIREWALL",
    "-t filter -N KUBE-PROXY-FIREWALL",
    "-t filter -I OUTPUT -m conntrack --ctstate NEW -m comment --comment \"kubernetes load balancer firewall\" -j KUBE-PROXY-FIREWALL",
    "-t filter -N KUBE-PROXY-FIREWALL",
    "-t filter -I FORWARD -m conntrack --ctstate NEW -m comment --comment \"kubernetes load balancer firewall\" -j KUBE-PROXY-FIREWALL",
    "-t nat -N KUBE-SERVICES",
    "-t nat -I OUTPUT -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES",
    "-t nat -N KUBE-SERVICES",
    "-t nat -I PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES",
    "-t nat -N KUBE-POSTROUTING",
    "-t nat -I POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING",
    "-t filter -N KUBE-FIREWALL",
    "-t filter -I INPUT -j KUBE-FIREWALL",
    "-t filter -N KUBE-FIREWALL",
    "-t filter -I OUTPUT -j KUBE-FIREWALL",
];

/// More endpoints than this, over all service ports, make a large cluster: comments are left out
/// where there are many, and stale chains are looked for less often.
pub(super) const LARGE_CLUSTER: usize = 1000;

/// Names a service port's endpoints, and returns its own name.
pub(super) fn name(port: &ServicePort, endpoints: &mut Endpoints) -> String {
    let protocol = port.protocol.lower();
    endpoints.name(16, |text, names| {
        NameHash::of(&[&port.label, protocol, text]).push_long(names);
    });
    let mut name = String::with_capacity(16);
    NameHash::of(&[&port.label, protocol]).push_long(&mut name);
    name
}

/// Everything that is the same for all Services.
pub(super) struct Writer {
    /// How Pod traffic is matched; empty if it cannot be told apart.
    pod_traffic: String,
    masquerade_all: bool,
    large: bool,
    probabilities: Probabilities,
    /// How the lines of a chain begin; kept for its memory.
    start: String,
}

impl Writer {
    pub(super) fn new(settings: &Settings, large: bool) -> Self {
        Self {
            pod_traffic: pod_traffic(settings.detector.as_ref()),
            masquerade_all: settings.masquerade_all,
            large,
            probabilities: Probabilities::default(),
            start: String::new(),
        }
    }

    /// Writes one segment of a Service.
    pub(super) fn write(
        &mut self,
        segment: usize,
        service: &Service,
        plans: &[PortPlan],
        out: &mut Out<'_>,
    ) {
        for (number, (port, plan)) in (0..).zip(service.ports.iter().zip(plans)) {
            out.port = number;
            match segment {
                segment::FILTER => filter(service, port, plan, out),
                segment::SHARED => shared(service, port, plan, out),
                segment::OWN => self.own(service, port, plan, out),
                _ => chains(service, plan, out),
            }
        }
    }

    /// The service port's own chains.
    fn own(&mut self, service: &Service, port: &ServicePort, plan: &PortPlan, out: &mut Out<'_>) {
        let label = &port.label;
        let hash = plan.name.as_str();
        if plan.internal && (self.masquerade_all || !self.pod_traffic.is_empty()) {
            out.rule(Kind::MasqueradeOffCluster);
            put!(out, "-A ", policy_prefix(plan.internal_policy), hash);
            put!(out, " -m comment --comment \"", label, " cluster IP\"");
            put!(
                out,
                protocol(port),
                " -d ",
                &service.cluster_ip.text,
                " --dport "
            );
            out.number(port.port);
            if !self.masquerade_all {
                put!(out, " ! ", &self.pod_traffic);
            }
            put!(out, " -j KUBE-MARK-MASQ\n");
        }
        if plan.external_chain {
            self.external(service, port, plan, out);
        }
        if uses_firewall(service, plan) {
            firewall(service, port, plan, out);
        }
        if plan.cluster_chain {
            self.balance(service, port, plan, Policy::Cluster, out);
        }
        if plan.local_chain {
            self.balance(service, port, plan, Policy::Local, out);
        }
        self.endpoints(service, port, plan, out);
    }

    /// The chain for addresses that outsiders use.
    fn external(&self, service: &Service, port: &ServicePort, plan: &PortPlan, out: &mut Out<'_>) {
        let label = &port.label;
        let hash = plan.name.as_str();
        if service.external_local {
            if !self.pod_traffic.is_empty() {
                out.rule(Kind::ExternalPodShortcut);
                put!(
                    out,
                    "-A KUBE-EXT-",
                    hash,
                    " -m comment --comment \"pod traffic for ",
                    label
                );
                put!(out, " external destinations\" ", &self.pod_traffic);
                put!(out, " -j KUBE-SVC-", hash, "\n");
            }
            out.rule(Kind::ExternalHostMasquerade);
            put!(
                out,
                "-A KUBE-EXT-",
                hash,
                " -m comment --comment \"masquerade LOCAL traffic for "
            );
            put!(
                out,
                label,
                " external destinations\" -m addrtype --src-type LOCAL"
            );
            put!(out, " -j KUBE-MARK-MASQ\n");
            out.rule(Kind::ExternalHostShortcut);
            put!(
                out,
                "-A KUBE-EXT-",
                hash,
                " -m comment --comment \"route LOCAL traffic for "
            );
            put!(
                out,
                label,
                " external destinations\" -m addrtype --src-type LOCAL"
            );
            put!(out, " -j KUBE-SVC-", hash, "\n");
        } else {
            out.rule(Kind::ExternalMasquerade);
            put!(
                out,
                "-A KUBE-EXT-",
                hash,
                " -m comment --comment \"masquerade traffic for ",
                label
            );
            put!(out, " external destinations\" -j KUBE-MARK-MASQ\n");
        }
        if plan.external {
            out.rule(Kind::ExternalPolicy(plan.external_policy));
            put!(
                out,
                "-A KUBE-EXT-",
                hash,
                " -j ",
                policy_prefix(plan.external_policy),
                hash,
                "\n"
            );
        }
    }

    /// The chain that draws one endpoint.
    fn balance(
        &mut self,
        service: &Service,
        port: &ServicePort,
        plan: &PortPlan,
        policy: Policy,
        out: &mut Out<'_>,
    ) {
        let endpoints = &plan.endpoints;
        // All lines begin alike.
        let mut start = std::mem::take(&mut self.start);
        start.clear();
        start.push_str("-A ");
        start.push_str(policy_prefix(policy));
        start.push_str(&plan.name);
        if !self.large {
            start.push_str(" -m comment --comment \"");
            start.push_str(&port.label);
            start.push_str(" -> ");
        }
        let begin = |out: &mut Out<'_>, text: &str| {
            put!(out, &start);
            if !self.large {
                put!(out, text, "\"");
            }
        };
        if let Some(seconds) = service.affinity {
            for (index, endpoint) in endpoints.of(policy) {
                let name = endpoints.name_of(endpoint);
                out.rule(Kind::Affinity(policy, index));
                begin(out, endpoints.ip_port(endpoint));
                put!(out, " -m recent --name KUBE-SEP-", name);
                put!(out, " --rcheck --seconds ");
                out.number(seconds);
                put!(out, " --reap -j KUBE-SEP-", name, "\n");
            }
        }
        let mut rest = endpoints.count(policy);
        for (index, endpoint) in endpoints.of(policy) {
            out.rule(Kind::Balance(policy, index));
            begin(out, endpoints.ip_port(endpoint));
            if rest > 1 {
                put!(out, " -m statistic --mode random --probability ");
                put!(out, self.probabilities.get(rest));
            }
            put!(out, " -j KUBE-SEP-", endpoints.name_of(endpoint), "\n");
            rest -= 1;
        }
        self.start = start;
    }

    /// The chains that rewrite the destination.
    fn endpoints(&self, service: &Service, port: &ServicePort, plan: &PortPlan, out: &mut Out<'_>) {
        let protocol = protocol(port);
        for (index, endpoint) in plan.endpoints.reachable() {
            let name = plan.endpoints.name_of(endpoint);
            let begin = |out: &mut Out<'_>| {
                put!(out, "-A KUBE-SEP-", name);
                if !self.large {
                    put!(out, " -m comment --comment ", &port.label);
                }
            };
            out.rule(Kind::Hairpin(index));
            begin(out);
            put!(
                out,
                " -s ",
                plan.endpoints.ip(endpoint),
                " -j KUBE-MARK-MASQ\n"
            );
            out.rule(Kind::Dnat(index));
            begin(out);
            if service.affinity.is_some() {
                put!(out, " -m recent --name KUBE-SEP-", name, " --set");
            }
            put!(out, protocol, " -j DNAT --to-destination ");
            put!(out, plan.endpoints.ip_port(endpoint), "\n");
        }
    }
}

/// How long a Service's text gets, but for the rules of addresses that outsiders use.
pub(super) fn estimate(service: &Service, plans: &[PortPlan], large: bool) -> usize {
    let own = |(port, plan): (&ServicePort, &PortPlan)| {
        let label = port.label.len();
        // Four lines an endpoint, three of which have a comment in a small cluster; two have its
        // address and port, and one its address.
        let endpoint = 262 + if large { 0 } else { 3 * label + 80 };
        let texts = if large { 2 } else { 3 } * plan.endpoints.text_length();
        300 + 2 * label + plan.endpoints.all().len() * endpoint + texts
    };
    service.ports.iter().zip(plans).map(own).sum()
}

fn policy_prefix(policy: Policy) -> &'static str {
    match policy {
        Policy::Cluster => "KUBE-SVC-",
        Policy::Local => "KUBE-SVL-",
    }
}

fn protocol(port: &ServicePort) -> &'static str {
    match port.protocol {
        Protocol::Tcp => " -m tcp -p tcp",
        Protocol::Udp => " -m udp -p udp",
        Protocol::Sctp => " -m sctp -p sctp",
    }
}

/// Source ranges guard load balancer addresses, and only where somebody serves.
fn uses_firewall(service: &Service, plan: &PortPlan) -> bool {
    plan.endpoints.has_any
        && !service.load_balancer_ips.is_empty()
        && !service.source_ranges.is_empty()
}

/// Rules that refuse what leads nowhere, guard load balancer addresses, and let health checks in.
fn filter(service: &Service, port: &ServicePort, plan: &PortPlan, out: &mut Out<'_>) {
    let (reason, target) = match plan.nowhere() {
        Nowhere::Reject => (" has no endpoints\"", " -j REJECT\n"),
        Nowhere::Drop => (" has no local endpoints\"", " -j DROP\n"),
    };
    let refuse = |out: &mut Out<'_>, kind, chain: &str, ip: &str| {
        out.rule(kind);
        put!(
            out,
            "-A ",
            chain,
            " -m comment --comment \"",
            &port.label,
            reason
        );
        put!(out, protocol(port), " -d ", ip, " --dport ");
        out.number(port.port);
        put!(out, target);
    };
    if !plan.internal {
        refuse(
            out,
            Kind::ClusterIpRefused,
            "KUBE-SERVICES",
            &service.cluster_ip.text,
        );
    }
    if !plan.external {
        for (index, ip) in (0..).zip(&service.external_ips) {
            refuse(
                out,
                Kind::ExternalIpRefused(index),
                "KUBE-EXTERNAL-SERVICES",
                &ip.text,
            );
        }
    }
    if uses_firewall(service, plan) {
        for (index, ip) in (0..).zip(&service.load_balancer_ips) {
            out.rule(Kind::LoadBalancerIpGuarded(index));
            put!(
                out,
                "-A KUBE-PROXY-FIREWALL -m comment --comment \"",
                &port.label
            );
            put!(
                out,
                " traffic not accepted by KUBE-FW-",
                plan.name.as_str(),
                "\""
            );
            put!(out, protocol(port), " -d ", &ip.text, " --dport ");
            out.number(port.port);
            put!(out, " -j DROP\n");
        }
    }
    if !plan.external {
        for (index, ip) in (0..).zip(&service.load_balancer_ips) {
            refuse(
                out,
                Kind::LoadBalancerIpRefused(index),
                "KUBE-EXTERNAL-SERVICES",
                &ip.text,
            );
        }
        if port.node_port != 0 {
            out.rule(Kind::NodePortRefused);
            put!(
                out,
                "-A KUBE-EXTERNAL-SERVICES -m comment --comment \"",
                &port.label,
                reason
            );
            put!(
                out,
                " -m addrtype --dst-type LOCAL",
                protocol(port),
                " --dport "
            );
            out.number(port.node_port);
            put!(out, target);
        }
    }
    if service.health_check_node_port != 0 {
        out.rule(Kind::HealthCheckNodePort);
        put!(
            out,
            "-A KUBE-NODEPORTS -m comment --comment \"",
            &port.label
        );
        put!(out, " health check node port\" -m tcp -p tcp --dport ");
        out.number(service.health_check_node_port);
        put!(out, " -j ACCEPT\n");
    }
}

/// The rules that catch the service port's addresses.
fn shared(service: &Service, port: &ServicePort, plan: &PortPlan, out: &mut Out<'_>) {
    let hash = plan.name.as_str();
    let catch = |out: &mut Out<'_>, kind, what: &str, ip: &str, chain: &str| {
        out.rule(kind);
        put!(
            out,
            "-A KUBE-SERVICES -m comment --comment \"",
            &port.label,
            what
        );
        put!(out, protocol(port), " -d ", ip, " --dport ");
        out.number(port.port);
        put!(out, " -j ", chain, hash, "\n");
    };
    if plan.internal {
        let chain = policy_prefix(plan.internal_policy);
        catch(
            out,
            Kind::ClusterIp,
            " cluster IP\"",
            &service.cluster_ip.text,
            chain,
        );
    }
    if !plan.endpoints.has_any {
        return;
    }
    for (index, ip) in (0..).zip(&service.external_ips) {
        catch(
            out,
            Kind::ExternalIp(index),
            " external IP\"",
            &ip.text,
            "KUBE-EXT-",
        );
    }
    let guarded = uses_firewall(service, plan);
    let chain = if guarded { "KUBE-FW-" } else { "KUBE-EXT-" };
    for (index, ip) in (0..).zip(&service.load_balancer_ips) {
        catch(
            out,
            Kind::LoadBalancerIp(index),
            " loadbalancer IP\"",
            &ip.text,
            chain,
        );
    }
    if port.node_port != 0 {
        out.rule(Kind::NodePort);
        put!(
            out,
            "-A KUBE-NODEPORTS -m comment --comment ",
            &port.label,
            protocol(port)
        );
        put!(out, " --dport ");
        out.number(port.node_port);
        put!(out, " -j KUBE-EXT-", hash, "\n");
    }
}

/// The chain that lets the source ranges in. Who falls off its end is dropped in the filter table.
fn firewall(service: &Service, port: &ServicePort, plan: &PortPlan, out: &mut Out<'_>) {
    let hash = plan.name.as_str();
    let allow = |out: &mut Out<'_>, kind, source: &str| {
        out.rule(kind);
        put!(
            out,
            "-A KUBE-FW-",
            hash,
            " -m comment --comment \"",
            &port.label
        );
        put!(
            out,
            " loadbalancer IP\" -s ",
            source,
            " -j KUBE-EXT-",
            hash,
            "\n"
        );
    };
    for (index, range) in (0..).zip(&service.source_ranges) {
        allow(out, Kind::SourceRange(index), &range.text);
    }
    if service.node_in_ranges {
        for (index, ip) in (0..).zip(&service.load_balancer_ips) {
            allow(out, Kind::SourceLoadBalancerIp(index), &ip.text);
        }
    }
    out.rule(Kind::SourceRest);
    put!(
        out,
        "-A KUBE-FW-",
        hash,
        " -m comment --comment \"other traffic to ",
        &port.label
    );
    put!(out, " will be dropped by KUBE-PROXY-FIREWALL\"\n");
}

/// The lines that declare, and so empty, the service port's own chains.
fn chains(service: &Service, plan: &PortPlan, out: &mut Out<'_>) {
    own_chains(service, plan, |kind, prefix, name| {
        out.rule(kind);
        put!(out, ":", prefix, name, " - [0:0]\n");
    });
}

/// A service port's own chains: what each is, and prefix and hash of its name.
pub(super) fn own_chains(
    service: &Service,
    plan: &PortPlan,
    mut each: impl FnMut(Kind, &'static str, &str),
) {
    if plan.cluster_chain {
        each(Kind::BalanceChain(Policy::Cluster), "KUBE-SVC-", &plan.name);
    }
    if plan.local_chain {
        each(Kind::BalanceChain(Policy::Local), "KUBE-SVL-", &plan.name);
    }
    if plan.external_chain {
        each(Kind::ExternalChain, "KUBE-EXT-", &plan.name);
    }
    if uses_firewall(service, plan) {
        each(Kind::FirewallChain, "KUBE-FW-", &plan.name);
    }
    for (index, endpoint) in plan.endpoints.reachable() {
        let name = plan.endpoints.name_of(endpoint);
        each(Kind::EndpointChain(index), "KUBE-SEP-", name);
    }
}
