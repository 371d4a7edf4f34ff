//! nftables mode: one table.
//!
//! Source: `syncProxyRules` and `setupNFTables` of `pkg/proxy/nftables/proxier.go`, Kubernetes
//! v1.30; the text of a command as sigs.k8s.io/knftables `objects.go` writes it. Left out: the
//! `flush` commands, which do nothing to an empty table.

use super::config::{Detector, Settings};
use super::endpoints::{Endpoint, Endpoints, Policy};
use super::hash::NameHash;
use super::kind::Kind;
use super::out::{Out, put};
use super::plan::{Nowhere, PortPlan};
use super::service::{Service, ServicePort};
use crate::net::IpFamily;

mod frame;

pub(super) use frame::frame;

/// The parts of a Service's text, in the order in which they are written.
pub(super) mod segment {
    /// `add chain`.
    pub(crate) const CHAINS: usize = 0;
    /// `add set`.
    pub(crate) const SETS: usize = 1;
    /// `add rule`.
    pub(crate) const RULES: usize = 2;
    /// `add element`.
    pub(crate) const ELEMENTS: usize = 3;
    /// How many there are.
    pub(crate) const COUNT: usize = 4;
}

/// What is left of nft's longest name (256) beside the longest prefix (16).
const NAME_BASE_MAX: usize = 240;

/// Names a service port's endpoints, and returns its own name, `HASH-namespace/service/protocol/port`.
pub(super) fn name(service: &Service, port: &ServicePort, endpoints: &mut Endpoints) -> String {
    let Service {
        namespace, name, ..
    } = service;
    let base = format!("{namespace}/{name}/{}/{}", port.protocol.lower(), port.name);
    let bracketed = endpoints.are_bracketed();
    let mut text = String::new();
    endpoints.name(base.len() + 32, |ip_port, names| {
        let start = names.len();
        // The hash is over the whole, before it is cut.
        let mut text = String::with_capacity(base.len() + ip_port.len() + 2);
        text.push_str(&base);
        push_endpoint(ip_port, bracketed, &mut text);
        push_hashed(&text, names);
        debug_assert!(names.len() - start <= NAME_BASE_MAX);
    });
    push_hashed(&base, &mut text);
    text
}

/// Appends the hash of a name and the name, cut to what fits beside a prefix.
fn push_hashed(name: &str, out: &mut String) {
    let start = out.len();
    NameHash::of(&[name]).push_short(out);
    out.push('-');
    out.push_str(name);
    if out.len() - start > NAME_BASE_MAX {
        let mut end = start + NAME_BASE_MAX - 3;
        while !out.is_char_boundary(end) {
            end -= 1;
        }
        out.truncate(end);
        out.push_str("...");
    }
}

/// `__ip/port`, an IPv6 address with dots for colons, which no name may have.
fn push_endpoint(ip_port: &str, bracketed: bool, name: &mut String) {
    name.push_str("__");
    let (ip, port) = ip_port.rsplit_once(':').unwrap_or((ip_port, ""));
    if bracketed {
        let ip = ip.trim_start_matches('[').trim_end_matches(']');
        name.extend(ip.chars().map(|c| if c == ':' { '.' } else { c }));
    } else {
        name.push_str(ip);
    }
    name.push('/');
    name.push_str(port);
}

/// Everything that is the same for all Services.
pub(super) struct Writer<'a> {
    settings: &'a Settings,
    ip: &'static str,
    pod_traffic: Option<(String, String)>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        let ip = family(settings.family);
        let pod_traffic = settings.detector.as_ref().map(|detector| match detector {
            Detector::Source(cidr) => (
                format!("{ip} saddr {cidr}"),
                format!("{ip} saddr != {cidr}"),
            ),
            Detector::Interface(name) => (format!("iif {name}"), format!("iif != {name}")),
            Detector::InterfacePrefix(name) => (format!("iif {name}*"), format!("iif != {name}*")),
        });
        Self {
            settings,
            ip,
            pod_traffic,
        }
    }

    /// Writes one segment of a Service.
    pub(super) fn write(
        &self,
        segment: usize,
        service: &Service,
        plans: &[PortPlan],
        out: &mut Out<'_>,
    ) {
        if segment == segment::ELEMENTS && !service.ports.is_empty() {
            out.port = 0;
            out.rule(Kind::ClusterIpSet);
            self.add(out, "element");
            put!(out, "cluster-ips { ", &service.cluster_ip.text, " }\n");
        }
        for (number, (port, plan)) in (0..).zip(service.ports.iter().zip(plans)) {
            out.port = number;
            match segment {
                segment::CHAINS => self.chains(service, plan, out),
                segment::SETS => self.sets(service, plan, out),
                segment::RULES => self.rules(service, port, plan, out),
                _ => self.elements(service, port, plan, out),
            }
        }
    }

    fn add(&self, out: &mut Out<'_>, what: &str) {
        put!(out, "add ", what, " ", self.ip, " kube-proxy ");
    }

    fn chains(&self, service: &Service, plan: &PortPlan, out: &mut Out<'_>) {
        for (index, endpoint) in plan.endpoints.reachable() {
            out.rule(Kind::EndpointChain(index));
            self.add(out, "chain");
            put!(out, "endpoint-");
            put!(out, plan.endpoints.name_of(endpoint));
            put!(out, "\n");
        }
        let mut chain = |kind, prefix: &str| {
            out.rule(kind);
            self.add(out, "chain");
            put!(out, prefix, &plan.name, "\n");
        };
        if plan.cluster_chain {
            chain(Kind::BalanceChain(Policy::Cluster), "service-");
        }
        if plan.local_chain {
            chain(Kind::BalanceChain(Policy::Local), "local-");
        }
        if plan.external_chain {
            chain(Kind::ExternalChain, "external-");
        }
        if uses_firewall(service) {
            chain(Kind::FirewallChain, "firewall-");
        }
    }

    fn sets(&self, service: &Service, plan: &PortPlan, out: &mut Out<'_>) {
        let Some(seconds) = service.affinity else {
            return;
        };
        for (index, endpoint) in plan.endpoints.reachable() {
            out.rule(Kind::AffinitySet(index));
            self.add(out, "set");
            put!(out, "affinity-");
            put!(out, plan.endpoints.name_of(endpoint));
            put!(out, " { type ", address_type(self.settings.family));
            put!(out, " ; flags dynamic,timeout ; timeout ");
            out.number(seconds);
            put!(out, "s ; }\n");
        }
    }

    fn rules(&self, service: &Service, port: &ServicePort, plan: &PortPlan, out: &mut Out<'_>) {
        if uses_firewall(service) {
            self.firewall(service, plan, out);
        }
        if plan.internal && (self.settings.masquerade_all || self.pod_traffic.is_some()) {
            out.rule(Kind::MasqueradeOffCluster);
            self.add(out, "rule");
            put!(out, policy_prefix(plan.internal_policy), &plan.name, " ");
            put!(out, self.ip, " daddr ", &service.cluster_ip.text, " ");
            put!(out, port.protocol.lower(), " dport ");
            out.number(port.port);
            if let Some((_, other_traffic)) = &self.pod_traffic
                && !self.settings.masquerade_all
            {
                put!(out, " ", other_traffic);
            }
            put!(out, " jump mark-for-masquerade\n");
        }
        if plan.external_chain {
            self.external(service, plan, out);
        }
        if plan.cluster_chain {
            self.balance(service, plan, Policy::Cluster, out);
        }
        if plan.local_chain {
            self.balance(service, plan, Policy::Local, out);
        }
        for (index, endpoint) in plan.endpoints.reachable() {
            self.endpoint(service, port, plan, (index, endpoint), out);
        }
    }

    /// Drops who is in no source range, before anything else is done with the packet.
    fn firewall(&self, service: &Service, plan: &PortPlan, out: &mut Out<'_>) {
        out.rule(Kind::SourceRanges);
        self.add(out, "rule");
        put!(out, "firewall-", &plan.name, " ", self.ip, " saddr != { ");
        let vips = service
            .load_balancer_ips
            .iter()
            .filter(|_| service.node_in_ranges);
        for (place, source) in service.source_ranges.iter().chain(vips).enumerate() {
            put!(out, if place == 0 { "" } else { " , " }, &source.text);
        }
        put!(out, " } drop\n");
    }

    /// The chain for addresses that outsiders use.
    fn external(&self, service: &Service, plan: &PortPlan, out: &mut Out<'_>) {
        let begin = |out: &mut Out<'_>, kind| {
            out.rule(kind);
            self.add(out, "rule");
            put!(out, "external-", &plan.name, " ");
        };
        if service.external_local {
            if let Some((pod_traffic, _)) = &self.pod_traffic {
                begin(out, Kind::ExternalPodShortcut);
                put!(out, pod_traffic, " goto service-", &plan.name);
                put!(out, " comment \"short-circuit pod traffic\"\n");
            }
            begin(out, Kind::ExternalHostMasquerade);
            put!(out, "fib saddr type local jump mark-for-masquerade");
            put!(out, " comment \"masquerade local traffic\"\n");
            begin(out, Kind::ExternalHostShortcut);
            put!(out, "fib saddr type local goto service-", &plan.name);
            put!(out, " comment \"short-circuit local traffic\"\n");
        } else {
            begin(out, Kind::ExternalMasquerade);
            put!(out, "jump mark-for-masquerade\n");
        }
        if plan.external {
            begin(out, Kind::ExternalPolicy(plan.external_policy));
            put!(
                out,
                "goto ",
                policy_prefix(plan.external_policy),
                &plan.name,
                "\n"
            );
        }
    }

    /// The chain that draws one endpoint.
    fn balance(&self, service: &Service, plan: &PortPlan, policy: Policy, out: &mut Out<'_>) {
        let begin = |out: &mut Out<'_>| {
            self.add(out, "rule");
            put!(out, policy_prefix(policy), &plan.name, " ");
        };
        if service.affinity.is_some() {
            for (index, endpoint) in plan.endpoints.of(policy) {
                out.rule(Kind::Affinity(policy, index));
                begin(out);
                put!(out, self.ip, " saddr @affinity-");
                put!(out, plan.endpoints.name_of(endpoint));
                put!(out, " goto endpoint-");
                put!(out, plan.endpoints.name_of(endpoint));
                put!(out, "\n");
            }
        }
        out.rule(Kind::BalanceAll(policy));
        begin(out);
        put!(out, "numgen random mod ");
        out.number(plan.endpoints.count(policy) as i32);
        put!(out, " vmap {");
        for (place, (_, endpoint)) in (0..).zip(plan.endpoints.of(policy)) {
            put!(out, if place == 0 { " " } else { " , " });
            out.number(place);
            put!(out, " : goto endpoint-");
            put!(out, plan.endpoints.name_of(endpoint));
        }
        put!(out, " }\n");
    }

    /// The chain that rewrites the destination.
    fn endpoint(
        &self,
        service: &Service,
        port: &ServicePort,
        plan: &PortPlan,
        (index, endpoint): (u32, &Endpoint),
        out: &mut Out<'_>,
    ) {
        let begin = |out: &mut Out<'_>, kind| {
            out.rule(kind);
            self.add(out, "rule");
            put!(out, "endpoint-");
            put!(out, plan.endpoints.name_of(endpoint));
        };
        begin(out, Kind::Hairpin(index));
        put!(out, " ", self.ip, " saddr ", plan.endpoints.ip(endpoint));
        put!(out, " jump mark-for-masquerade\n");
        if service.affinity.is_some() {
            begin(out, Kind::AffinityUpdate(index));
            put!(out, " update @affinity-");
            put!(out, plan.endpoints.name_of(endpoint));
            put!(out, " { ", self.ip, " saddr }\n");
        }
        begin(out, Kind::Dnat(index));
        put!(out, " meta l4proto ", port.protocol.lower(), " dnat to ");
        put!(out, plan.endpoints.ip_port(endpoint), "\n");
    }

    /// The entries that lead to the chains.
    fn elements(&self, service: &Service, port: &ServicePort, plan: &PortPlan, out: &mut Out<'_>) {
        let address = |out: &mut Out<'_>, kind, map: &str, ip: &str| {
            out.rule(kind);
            self.add(out, "element");
            put!(out, map, " { ", ip, " . ", port.protocol.lower(), " . ");
            out.number(port.port);
        };
        let node_port = |out: &mut Out<'_>, kind, map: &str| {
            out.rule(kind);
            self.add(out, "element");
            put!(out, map, " { ", port.protocol.lower(), " . ");
            out.number(port.node_port);
        };
        let leads = |out: &mut Out<'_>, prefix: &str| {
            put!(out, " : goto ", prefix, &plan.name, " }\n");
        };
        let refused = |out: &mut Out<'_>| {
            let verdict = match plan.nowhere() {
                Nowhere::Reject => "goto reject-chain",
                Nowhere::Drop => "drop",
            };
            put!(out, " comment \"", &port.label, "\" : ", verdict, " }\n");
        };
        const NO_ENDPOINT: &str = "no-endpoint-services";
        let cluster_ip = &service.cluster_ip.text;
        if plan.internal {
            address(out, Kind::ClusterIp, "service-ips", cluster_ip);
            leads(out, policy_prefix(plan.internal_policy));
        } else {
            address(out, Kind::ClusterIpRefused, NO_ENDPOINT, cluster_ip);
            refused(out);
        }
        for (index, ip) in (0..).zip(&service.external_ips) {
            if plan.endpoints.has_any {
                address(out, Kind::ExternalIp(index), "service-ips", &ip.text);
                leads(out, "external-");
            }
            if !plan.external {
                address(out, Kind::ExternalIpRefused(index), NO_ENDPOINT, &ip.text);
                refused(out);
            }
        }
        for (index, ip) in (0..).zip(&service.load_balancer_ips) {
            if plan.endpoints.has_any {
                address(out, Kind::LoadBalancerIp(index), "service-ips", &ip.text);
                leads(out, "external-");
            }
            if uses_firewall(service) {
                address(
                    out,
                    Kind::LoadBalancerIpGuarded(index),
                    "firewall-ips",
                    &ip.text,
                );
                put!(out, " comment \"", &port.label, "\"");
                leads(out, "firewall-");
            }
        }
        if !plan.external {
            for (index, ip) in (0..).zip(&service.load_balancer_ips) {
                address(
                    out,
                    Kind::LoadBalancerIpRefused(index),
                    NO_ENDPOINT,
                    &ip.text,
                );
                refused(out);
            }
        }
        if port.node_port != 0 {
            if plan.endpoints.has_any {
                node_port(out, Kind::NodePort, "service-nodeports");
                leads(out, "external-");
            }
            if !plan.external {
                node_port(out, Kind::NodePortRefused, "no-endpoint-nodeports");
                refused(out);
            }
        }
    }
}

/// About how long a Service's text gets.
pub(super) fn estimate(plans: &[PortPlan]) -> usize {
    let own = |plan: &PortPlan| {
        let name = plan.name.len() + 24;
        1200 + 8 * name + plan.endpoints.all().len() * (4 * name + 200)
    };
    plans.iter().map(own).sum()
}

/// Source ranges guard load balancer addresses, even where nobody serves.
fn uses_firewall(service: &Service) -> bool {
    !service.load_balancer_ips.is_empty() && !service.source_ranges.is_empty()
}

fn policy_prefix(policy: Policy) -> &'static str {
    match policy {
        Policy::Cluster => "service-",
        Policy::Local => "local-",
    }
}

fn family(family: IpFamily) -> &'static str {
    match family {
        IpFamily::IPv4 => "ip",
        IpFamily::IPv6 => "ip6",
    }
}

fn address_type(family: IpFamily) -> &'static str {
    match family {
        IpFamily::IPv4 => "ipv4_addr",
        IpFamily::IPv6 => "ipv6_addr",
    }
}
