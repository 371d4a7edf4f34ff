//! IPVS mode: virtual servers, ipsets, the addresses of `kube-ipvs0`, and a few iptables rules.
//!
//! Source: `syncProxyRules`, `syncEndpoint` and `writeIptablesRules` of `pkg/proxy/ipvs/proxier.go`,
//! Kubernetes v1.30; the entries' text as `pkg/proxy/ipvs/ipset` writes it. Left out: the sysctl
//! `net/ipv4/vs/conn_reuse_mode`, which kernels of 5.9 and later need no more, and graceful
//! termination, which is a matter of time and connections.

use std::net::IpAddr;

use super::address::GoIp;
use super::config::Settings;
use super::endpoints::Policy;
use super::kind::Kind;
use super::out::{Out, put};
use super::plan::PortPlan;
use super::service::{Entry, Service, ServicePort};
use crate::net::{IpFamily, Protocol};

mod frame;
mod ipset;
mod live;
mod tables;

pub(super) use frame::frame;
use ipset::Set;
pub(super) use live::Live;
pub use tables::Tables;

/// The parts of a Service's text, in the order in which they are written.
pub(super) mod segment {
    /// `-A` and `-a` lines of ipvsadm: virtual servers with their real servers.
    pub(crate) const SERVERS: usize = 0;
    /// Rules of KUBE-IPVS-OUT-FILTER.
    pub(crate) const OUT_FILTER: usize = 1;
    /// `add` lines of ipset.
    pub(crate) const ENTRIES: usize = 2;
    /// Addresses to be bound to `kube-ipvs0`.
    pub(crate) const ADDRESSES: usize = 3;
    /// The virtual servers' names alone, `-t 10.96.0.1:443`: to tell without much reading who
    /// claims which.
    pub(crate) const NAMES: usize = 4;
    /// How many there are.
    pub(crate) const COUNT: usize = 5;
}

/// The calls of the iptables command at each sync.
pub(super) const TOP_LEVEL: &[&str] = &[
    "-t nat -N KUBE-SERVICES",
    "-t nat -N KUBE-POSTROUTING",
    "-t nat -N KUBE-NODE-PORT",
    "-t nat -N KUBE-LOAD-BALANCER",
    "-t nat -N KUBE-MARK-MASQ",
    "-t filter -N KUBE-FORWARD",
    "-t filter -N KUBE-NODE-PORT",
    "-t filter -N KUBE-PROXY-FIREWALL",
    "-t filter -N KUBE-SOURCE-RANGES-FIREWALL",
    "-t filter -N KUBE-IPVS-FILTER",
    "-t filter -N KUBE-IPVS-OUT-FILTER",
    "-t nat -I OUTPUT -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES",
    "-t nat -I PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES",
    "-t nat -I POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING",
    "-t filter -I FORWARD -m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD",
    "-t filter -I INPUT -m comment --comment \"kubernetes health check rules\" -j KUBE-NODE-PORT",
    "-t filter -I INPUT -m comment --comment \"kube-proxy firewall rules\" -j KUBE-PROXY-FIREWALL",
    "-t filter -I FORWARD -m comment --comment \"kube-proxy firewall rules\" -j KUBE-PROXY-FIREWALL",
    "-t filter -I INPUT -m comment --comment \"kubernetes ipvs access filter\" -j KUBE-IPVS-FILTER",
    "-t filter -I OUTPUT -m comment --comment \"kubernetes ipvs access filter\" -j KUBE-IPVS-OUT-FILTER",
];

/// Everything that is the same for all Services.
pub(super) struct Writer<'a> {
    settings: &'a Settings,
    scheduler: &'a str,
    /// The Node's own addresses: they are not bound a second time.
    own: Vec<String>,
    /// Those of them that accept node ports.
    node_ips: Vec<String>,
    /// The name of the virtual server that is written; kept for its memory.
    name: String,
}

impl<'a> Writer<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        // Loopback never works: nothing that IPVS translates may leave or enter by it.
        let own: Vec<IpAddr> = settings
            .local_addresses
            .iter()
            .copied()
            .filter(|ip| !ip.is_loopback() && !is_ipv6_link_local(*ip))
            .collect();
        let node_ips = if settings.node_ports.match_all() {
            own.clone()
        } else {
            let mut selected = settings.node_ports.select(&settings.local_addresses);
            selected.retain(|ip| !ip.is_loopback());
            selected
        };
        let text = |ips: Vec<IpAddr>| ips.into_iter().map(|ip| GoIp(ip).to_string()).collect();
        Self {
            settings,
            scheduler: match settings.ipvs_scheduler.as_str() {
                "" => "rr",
                scheduler => scheduler,
            },
            own: text(own),
            node_ips: text(node_ips),
            name: String::new(),
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
        if segment == segment::ADDRESSES {
            out.port = 0;
            if !service.ports.is_empty() {
                self.addresses(service, out);
            }
            return;
        }
        for (number, (port, plan)) in (0..).zip(service.ports.iter().zip(plans)) {
            out.port = number;
            match segment {
                segment::SERVERS => self.servers(service, port, plan, out),
                segment::NAMES => self.names(service, port, plan, out),
                segment::OUT_FILTER => out_filter(service, port, out),
                _ => self.entries(service, port, plan, out),
            }
        }
    }

    /// Whether an address has to be bound to `kube-ipvs0`.
    fn is_bound(&self, ip: &str) -> bool {
        !self.own.iter().any(|own| own == ip)
    }

    /// Calls `each` for every virtual server of a service port: what it is for, its address and
    /// port, and which endpoints it sends to.
    fn each_server(
        &self,
        service: &Service,
        port: &ServicePort,
        plan: &PortPlan,
        mut each: impl FnMut(Kind, &str, i32, Policy),
    ) {
        let internal = plan.internal_policy;
        let external = plan.external_policy;
        let cluster_ip = &service.cluster_ip.text;
        each(Kind::ClusterIp, cluster_ip, port.port, internal);
        for (index, ip) in (0..).zip(&service.external_ips) {
            each(Kind::ExternalIp(index), &ip.text, port.port, external);
        }
        for (index, ip) in (0..).zip(&service.load_balancer_ips) {
            each(Kind::LoadBalancerIp(index), &ip.text, port.port, external);
        }
        if port.node_port != 0 {
            for ip in &self.node_ips {
                each(Kind::NodePort, ip, port.node_port, external);
            }
        }
    }

    /// Appends the name of a virtual server, as ipvsadm takes it: `-t 10.96.0.1:443`.
    fn push_name(&self, protocol: Protocol, ip: &str, number: i32, out: &mut Out<'_>) {
        let flag = match protocol {
            Protocol::Tcp => "-t ",
            Protocol::Udp => "-u ",
            Protocol::Sctp => "--sctp-service ",
        };
        match self.settings.family {
            IpFamily::IPv4 => put!(out, flag, ip, ":"),
            IpFamily::IPv6 => put!(out, flag, "[", ip, "]:"),
        }
        out.number(number);
    }

    fn names(&self, service: &Service, port: &ServicePort, plan: &PortPlan, out: &mut Out<'_>) {
        self.each_server(service, port, plan, |_, ip, number, _| {
            self.push_name(port.protocol, ip, number, out);
            put!(out, "\n");
        });
    }

    fn servers(
        &mut self,
        service: &Service,
        port: &ServicePort,
        plan: &PortPlan,
        out: &mut Out<'_>,
    ) {
        let mut name = std::mem::take(&mut self.name);
        self.each_server(service, port, plan, |kind, ip, number, policy| {
            name.clear();
            self.push_name(port.protocol, ip, number, &mut Out::new(&mut name));
            out.rule(kind);
            put!(out, "-A ", &name, " -s ", self.scheduler);
            if let Some(seconds) = service.affinity {
                put!(out, " -p ");
                out.number(seconds);
            }
            if self.scheduler == "mh" {
                put!(out, " -b mh-port");
            }
            put!(out, "\n");
            // Rather a remote endpoint than none: IPVS mode has no way to drop.
            let policy = match plan.endpoints.count(policy) {
                0 => Policy::Cluster,
                _ => policy,
            };
            for (index, endpoint) in plan.endpoints.of(policy) {
                out.rule(Kind::Dnat(index));
                put!(out, "-a ", &name, " -r ", plan.endpoints.ip_port(endpoint));
                put!(out, " -m -w 1\n");
            }
        });
        self.name = name;
    }

    fn entries(&self, service: &Service, port: &ServicePort, plan: &PortPlan, out: &mut Out<'_>) {
        let family = self.settings.family;
        let protocol = port.protocol.lower();
        let add = |out: &mut Out<'_>, kind, set: &Set| {
            out.rule(kind);
            put!(out, "add ");
            set.push_name(family, out.text);
            put!(out, " ");
        };
        let push_port = |out: &mut Out<'_>, ip: &str, number| {
            put!(out, ip, ",", protocol, ":");
            out.number(number);
        };
        for (index, endpoint) in (0u32..).zip(plan.endpoints.all()) {
            if endpoint.is_local() {
                let ip = plan.endpoints.ip(endpoint);
                add(out, Kind::Hairpin(index), &ipset::LOOP_BACK);
                put!(
                    out,
                    ip,
                    ",",
                    protocol,
                    ":",
                    plan.endpoints.port(endpoint),
                    ",",
                    ip,
                    "\n"
                );
            }
        }
        let address = |out: &mut Out<'_>, kind, set: &Set, ip: &Entry| {
            add(out, kind, set);
            push_port(out, &ip.text, port.port);
            put!(out, "\n");
        };
        address(
            out,
            Kind::ClusterIp,
            &ipset::CLUSTER_IP,
            &service.cluster_ip,
        );
        let external = if service.external_local {
            &ipset::EXTERNAL_IP_LOCAL
        } else {
            &ipset::EXTERNAL_IP
        };
        for (index, ip) in (0..).zip(&service.external_ips) {
            address(out, Kind::ExternalIp(index), external, ip);
        }
        for (index, ip) in (0..).zip(&service.load_balancer_ips) {
            address(out, Kind::LoadBalancerIp(index), &ipset::LOAD_BALANCER, ip);
            if service.external_local {
                address(
                    out,
                    Kind::LoadBalancerIp(index),
                    &ipset::LOAD_BALANCER_LOCAL,
                    ip,
                );
            }
            if service.source_ranges.is_empty() {
                continue;
            }
            address(
                out,
                Kind::LoadBalancerIpGuarded(index),
                &ipset::LOAD_BALANCER_FW,
                ip,
            );
            for (range_index, range) in (0..).zip(&service.source_ranges) {
                add(out, Kind::SourceRange(range_index), &ipset::SOURCE_CIDR);
                push_port(out, &ip.text, port.port);
                put!(out, ",", &range.text, "\n");
            }
            if service.node_in_ranges {
                add(out, Kind::SourceLoadBalancerIp(index), &ipset::SOURCE_IP);
                push_port(out, &ip.text, port.port);
                put!(out, ",", &ip.text, "\n");
            }
        }
        if port.node_port != 0 {
            if self.node_ips.is_empty() {
                // Without an address for node ports kube-proxy gives up on this service port, and
                // forgets its health check.
                return;
            }
            let mut sets = vec![ipset::node_port(port.protocol, false)];
            if service.external_local {
                sets.push(ipset::node_port(port.protocol, true));
            }
            for set in sets {
                if port.protocol == Protocol::Sctp {
                    for ip in &self.node_ips {
                        add(out, Kind::NodePort, set);
                        push_port(out, ip, port.node_port);
                        put!(out, "\n");
                    }
                } else {
                    add(out, Kind::NodePort, set);
                    out.number(port.node_port);
                    put!(out, "\n");
                }
            }
        }
        if service.health_check_node_port != 0 {
            add(out, Kind::HealthCheckNodePort, &ipset::HEALTH_CHECK);
            out.number(service.health_check_node_port);
            put!(out, "\n");
        }
    }

    fn addresses(&self, service: &Service, out: &mut Out<'_>) {
        let mut bind = |kind, ip: &str| {
            out.rule(kind);
            put!(out, ip, "\n");
        };
        bind(Kind::ClusterIp, &service.cluster_ip.text);
        for (index, ip) in (0..).zip(&service.external_ips) {
            if self.is_bound(&ip.text) {
                bind(Kind::ExternalIp(index), &ip.text);
            }
        }
        for (index, ip) in (0..).zip(&service.load_balancer_ips) {
            if self.is_bound(&ip.text) {
                bind(Kind::LoadBalancerIp(index), &ip.text);
            }
        }
    }
}

/// About how long a Service's text gets.
pub(super) fn estimate(plans: &[PortPlan]) -> usize {
    let own = |plan: &PortPlan| 300 + plan.endpoints.all().len() * 80;
    plans.iter().map(own).sum()
}

fn is_ipv6_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

/// A Node that is in no source range must not reach the load balancer's address, which is its own.
fn out_filter(service: &Service, port: &ServicePort, out: &mut Out<'_>) {
    if service.source_ranges.is_empty() || service.node_in_ranges {
        return;
    }
    for (index, ip) in (0..).zip(&service.load_balancer_ips) {
        out.rule(Kind::LoadBalancerIpGuarded(index));
        put!(
            out,
            "-A KUBE-IPVS-OUT-FILTER -s ",
            &ip.text,
            " -m ipvs --vaddr ",
            &ip.text
        );
        put!(out, " --vproto ", port.protocol.lower(), " --vport ");
        out.number(port.port);
        put!(out, " -j DROP\n");
    }
}

/// The virtual servers of a text, each with its real servers.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let next = |(at, _)| rest[at + 1..].starts_with("-A ").then_some(at + 1);
        let end = rest.match_indices('\n').find_map(next);
        let (block, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(block)
    })
}

/// The name of a virtual server: `-t 10.96.0.1:443`.
fn server_name(server: &str) -> &str {
    let rest = server.strip_prefix("-A ").unwrap_or(server);
    rest.find(" -s ").map_or(rest, |end| &rest[..end])
}
