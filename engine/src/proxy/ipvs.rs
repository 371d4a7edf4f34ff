//! IPVS mode: virtual servers, ipsets, the addresses of `kube-ipvs0`, and a few iptables rules.
//!
//! Source: `syncProxyRules`, `syncEndpoint` and `writeIptablesRules` of `pkg/proxy/ipvs/proxier.go`,
//! Kubernetes v1.30; the entries' text as `pkg/proxy/ipvs/ipset` writes it. Left out: the sysctl
//! `net/ipv4/vs/conn_reuse_mode`, which kernels of 5.9 and later need no more, and graceful
//! termination, which is a matter of time and connections.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::address::GoIp;
use super::config::Settings;
use super::endpoints::Policy;
use super::frame::Frame;
use super::ipset;
use super::ipset::{LOOP_BACK, Set};
use super::iptables::{forward, pod_traffic, postrouting};
use super::kind::Kind;
use super::out::{Out, put};
use super::plan::PortPlan;
use super::service::{Entry, Service, ServicePort};
use super::service_rules::ServiceRules;
use crate::net::{IpFamily, Protocol};

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
                segment::OUT_FILTER => out_filter(service, port, out),
                _ => self.entries(service, port, plan, out),
            }
        }
    }

    /// Whether an address has to be bound to `kube-ipvs0`.
    fn is_bound(&self, ip: &str) -> bool {
        !self.own.iter().any(|own| own == ip)
    }

    fn servers(&self, service: &Service, port: &ServicePort, plan: &PortPlan, out: &mut Out<'_>) {
        let internal = plan.internal_policy;
        let external = plan.external_policy;
        let mut server = |kind, ip: &str, number, policy| {
            self.server(service, port, plan, (kind, ip, number, policy), out);
        };
        server(
            Kind::ClusterIp,
            &service.cluster_ip.text,
            port.port,
            internal,
        );
        for (index, ip) in (0..).zip(&service.external_ips) {
            server(Kind::ExternalIp(index), &ip.text, port.port, external);
        }
        for (index, ip) in (0..).zip(&service.load_balancer_ips) {
            server(Kind::LoadBalancerIp(index), &ip.text, port.port, external);
        }
        if port.node_port != 0 {
            for ip in &self.node_ips {
                server(Kind::NodePort, ip, port.node_port, external);
            }
        }
    }

    fn server(
        &self,
        service: &Service,
        port: &ServicePort,
        plan: &PortPlan,
        (kind, ip, number, policy): (Kind, &str, i32, Policy),
        out: &mut Out<'_>,
    ) {
        let flag = match port.protocol {
            Protocol::Tcp => "-t ",
            Protocol::Udp => "-u ",
            Protocol::Sctp => "--sctp-service ",
        };
        let address = match self.settings.family {
            IpFamily::IPv4 => format!("{ip}:{number}"),
            IpFamily::IPv6 => format!("[{ip}]:{number}"),
        };
        out.rule(kind);
        put!(out, "-A ", flag, &address, " -s ", self.scheduler);
        if let Some(seconds) = service.affinity {
            put!(out, " -p ", &seconds.to_string());
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
            put!(
                out,
                "-a ",
                flag,
                &address,
                " -r ",
                plan.endpoints.ip_port(endpoint)
            );
            put!(out, " -m -w 1\n");
        }
    }

    fn entries(&self, service: &Service, port: &ServicePort, plan: &PortPlan, out: &mut Out<'_>) {
        let family = self.settings.family;
        let protocol = port.protocol.lower();
        let number = port.port.to_string();
        let add = |out: &mut Out<'_>, kind, set: &Set| {
            out.rule(kind);
            put!(out, "add ", &set.name(family), " ");
        };
        for (index, endpoint) in (0u32..).zip(plan.endpoints.all()) {
            if endpoint.is_local() {
                let ip = plan.endpoints.ip(endpoint);
                add(out, Kind::Hairpin(index), &LOOP_BACK);
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
            put!(out, &ip.text, ",", protocol, ":", &number, "\n");
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
                put!(
                    out,
                    &ip.text,
                    ",",
                    protocol,
                    ":",
                    &number,
                    ",",
                    &range.text,
                    "\n"
                );
            }
            if service.node_in_ranges {
                add(out, Kind::SourceLoadBalancerIp(index), &ipset::SOURCE_IP);
                put!(
                    out, &ip.text, ",", protocol, ":", &number, ",", &ip.text, "\n"
                );
            }
        }
        if port.node_port != 0 {
            if self.node_ips.is_empty() {
                // Without an address for node ports kube-proxy gives up on this service port, and
                // forgets its health check.
                return;
            }
            let number = port.node_port.to_string();
            let mut sets = vec![ipset::node_port(port.protocol, false)];
            if service.external_local {
                sets.push(ipset::node_port(port.protocol, true));
            }
            for set in sets {
                if port.protocol == Protocol::Sctp {
                    for ip in &self.node_ips {
                        add(out, Kind::NodePort, set);
                        put!(out, ip, ",", protocol, ":", &number, "\n");
                    }
                } else {
                    add(out, Kind::NodePort, set);
                    put!(out, &number, "\n");
                }
            }
        }
        if service.health_check_node_port != 0 {
            add(out, Kind::HealthCheckNodePort, &ipset::HEALTH_CHECK);
            put!(out, &service.health_check_node_port.to_string(), "\n");
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
        put!(
            out,
            " --vproto ",
            port.protocol.lower(),
            " --vport ",
            &port.port.to_string()
        );
        put!(out, " -j DROP\n");
    }
}

/// What IPVS mode programs beside iptables, each part as the tool that shows it prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// `name=value`, one a line, sorted.
    pub sysctl: String,
    /// `ipvsadm -S -n`: virtual servers by protocol and address, each before its real servers.
    pub ipvsadm: String,
    /// `ipset save`: sets by name, each `create` line before its `add` lines, sorted.
    pub ipset: String,
    /// The addresses bound to `kube-ipvs0`, one a line, sorted.
    pub kube_ipvs0: String,
}

/// How many entries, repeated ones counted, the sets have: whether a set is empty decides
/// whether a rule looks into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FilledSets(BTreeMap<String, usize>);

impl FilledSets {
    /// Counts the entries of all Services.
    pub(super) fn new(services: &[Arc<ServiceRules>]) -> Self {
        let mut filled = Self::default();
        for rules in services {
            filled.add(rules);
        }
        filled
    }

    /// A Service came.
    pub(super) fn add(&mut self, rules: &ServiceRules) {
        for (set, _) in entries(rules.segment(segment::ENTRIES)) {
            match self.0.get_mut(set) {
                Some(count) => *count += 1,
                None => drop(self.0.insert(set.to_owned(), 1)),
            }
        }
    }

    /// A Service went.
    pub(super) fn remove(&mut self, rules: &ServiceRules) {
        for (set, _) in entries(rules.segment(segment::ENTRIES)) {
            if let Some(count) = self.0.get_mut(set) {
                *count -= 1;
            }
        }
    }

    fn is_filled(&self, set: &Set, family: IpFamily) -> bool {
        self.0
            .get(&set.name(family))
            .is_some_and(|count| *count > 0)
    }
}

/// The `add` lines of a text, each with the name of its set.
fn entries(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let (set, _) = line.strip_prefix("add ")?.split_once(' ')?;
        Some((set, line))
    })
}

impl Tables {
    pub(super) fn new(settings: &Settings, services: &[Arc<ServiceRules>]) -> Self {
        let part = |segment| services.iter().map(move |rules| rules.segment(segment));
        let mut servers = BTreeMap::new();
        for text in part(segment::SERVERS) {
            for server in blocks(text) {
                // Two Services may claim one address and port: there is one virtual server for
                // it, with the real servers of the one that was written last.
                let name = server.lines().next().and_then(|line| {
                    let rest = line.strip_prefix("-A ")?;
                    rest.find(" -s ").map(|end| &rest[..end])
                });
                servers.insert(name, server);
            }
        }
        let addresses: BTreeSet<&str> = part(segment::ADDRESSES).flat_map(str::lines).collect();
        let mut entries: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (set, line) in part(segment::ENTRIES).flat_map(self::entries) {
            entries.entry(set).or_default().push(line);
        }
        let ips_set = ipset::IPVS_IPS.name(settings.family);
        let bound: Vec<String> = addresses
            .iter()
            .map(|ip| format!("add {ips_set} {ip}"))
            .collect();
        entries.insert(&ips_set, bound.iter().map(String::as_str).collect());
        let mut text = String::new();
        for set in ipset::sorted(settings.family) {
            set.push_create(settings.family, &mut text);
            if let Some(lines) = entries.get_mut(set.name(settings.family).as_str()) {
                lines.sort_unstable();
                lines.dedup();
                for line in lines {
                    push_line(&mut text, line);
                }
            }
        }
        let mut kube_ipvs0 = String::new();
        for address in &addresses {
            push_line(&mut kube_ipvs0, address);
        }
        Self {
            sysctl: sysctls(settings),
            ipvsadm: servers.into_values().collect(),
            ipset: text,
            kube_ipvs0,
        }
    }

    /// Appends the four parts, each below its heading.
    pub(super) fn write(&self, out: &mut String) {
        for (heading, text) in [
            ("# sysctl\n", &self.sysctl),
            ("# ipvsadm\n", &self.ipvsadm),
            ("# ipset\n", &self.ipset),
            ("# kube-ipvs0\n", &self.kube_ipvs0),
        ] {
            out.push_str(heading);
            out.push_str(text);
        }
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// The virtual servers of a text, each with its real servers.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find("\n-A ").map_or(rest.len(), |at| at + 1);
        let (block, after) = rest.split_at(end);
        rest = after;
        Some(block)
    })
}

/// What is set at start, on a machine where all of these were 0.
fn sysctls(settings: &Settings) -> String {
    let mut text = String::new();
    if settings.strict_arp {
        text.push_str("net/ipv4/conf/all/arp_announce=2\nnet/ipv4/conf/all/arp_ignore=1\n");
    }
    text.push_str("net/ipv4/ip_forward=1\nnet/ipv4/vs/conntrack=1\n");
    text.push_str("net/ipv4/vs/expire_nodest_conn=1\nnet/ipv4/vs/expire_quiescent_template=1\n");
    text
}

/// The iptables rules: nearly all of them look into a set.
pub(super) fn frame(settings: &Settings, filled: &FilledSets) -> Frame {
    let mut frame = Frame::default();
    frame.fixed(|out| {
        put!(out, "*nat\n");
        for chain in [
            "KUBE-SERVICES",
            "KUBE-POSTROUTING",
            "KUBE-NODE-PORT",
            "KUBE-LOAD-BALANCER",
            "KUBE-MARK-MASQ",
        ] {
            put!(out, ":", chain, " - [0:0]\n");
        }
        nat(settings, filled, out);
        put!(out, "COMMIT\n*filter\n");
        for chain in [
            "KUBE-FORWARD",
            "KUBE-NODE-PORT",
            "KUBE-PROXY-FIREWALL",
            "KUBE-SOURCE-RANGES-FIREWALL",
            "KUBE-IPVS-FILTER",
            "KUBE-IPVS-OUT-FILTER",
        ] {
            put!(out, ":", chain, " - [0:0]\n");
        }
        ipset::in_table("filter", |rule| with_set(settings, filled, rule, out));
        out.rule(Kind::SourceRest);
        put!(out, "-A KUBE-SOURCE-RANGES-FIREWALL -j DROP\n");
    });
    frame.services(segment::OUT_FILTER, segment::OUT_FILTER);
    frame.fixed(|out| {
        filter(settings, out);
        put!(out, "COMMIT\n");
    });
    frame
}

/// One of the rules that are there only if their set holds something.
fn with_set(settings: &Settings, filled: &FilledSets, rule: &ipset::SetRule, out: &mut Out<'_>) {
    if !filled.is_filled(rule.set, settings.family) {
        return;
    }
    out.rule(rule.kind);
    put!(out, "-A ", rule.chain);
    if let Some(protocol) = rule.protocol {
        put!(out, " -p ", protocol.lower());
    }
    put!(out, " -m comment --comment \"", rule.set.comment, "\"");
    put!(
        out,
        " -m set --match-set ",
        &rule.set.name(settings.family),
        " ",
        rule.directions
    );
    put!(out, " -j ", rule.target, "\n");
}

fn nat(settings: &Settings, filled: &FilledSets, out: &mut Out<'_>) {
    let family = settings.family;
    out.rule(Kind::FromLoopback);
    let loopback = match family {
        IpFamily::IPv4 => "127.0.0.0/8",
        IpFamily::IPv6 => "::1/128",
    };
    put!(out, "-A KUBE-SERVICES -s ", loopback, " -j RETURN\n");
    ipset::in_table("nat", |rule| with_set(settings, filled, rule, out));
    let begin = |out: &mut Out<'_>, kind, set: &Set| {
        out.rule(kind);
        put!(
            out,
            "-A KUBE-SERVICES -m comment --comment \"",
            set.comment,
            "\""
        );
        put!(out, " -m set --match-set ", &set.name(family));
    };
    if filled.is_filled(&ipset::CLUSTER_IP, family) {
        begin(out, Kind::MasqueradeOffCluster, &ipset::CLUSTER_IP);
        let pods = pod_traffic(settings.detector.as_ref());
        if settings.masquerade_all {
            put!(out, " dst,dst");
        } else if pods.is_empty() {
            // The Node's own traffic to a cluster IP has that address as its source as well.
            put!(out, " src,dst");
        } else {
            put!(out, " dst,dst ! ", &pods);
        }
        put!(out, " -j KUBE-MARK-MASQ\n");
    }
    for (set, marked) in [
        (&ipset::EXTERNAL_IP, true),
        (&ipset::EXTERNAL_IP_LOCAL, false),
    ] {
        if !filled.is_filled(set, family) {
            continue;
        }
        if marked {
            begin(out, Kind::ExternalMasquerade, set);
            put!(out, " dst,dst -j KUBE-MARK-MASQ\n");
        }
        begin(out, Kind::ExternalFromOutside, set);
        put!(
            out,
            " dst,dst -m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL"
        );
        put!(out, " -j ACCEPT\n");
        begin(out, Kind::ExternalToNode, set);
        put!(out, " dst,dst -m addrtype --dst-type LOCAL -j ACCEPT\n");
    }
    out.rule(Kind::NodePorts);
    put!(
        out,
        "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT\n"
    );
    out.rule(Kind::LoadBalancerMasquerade);
    put!(out, "-A KUBE-LOAD-BALANCER -j KUBE-MARK-MASQ\n");
    for set in [&ipset::CLUSTER_IP, &ipset::LOAD_BALANCER] {
        if filled.is_filled(set, family) {
            out.rule(Kind::AcceptVirtual);
            put!(
                out,
                "-A KUBE-SERVICES -m set --match-set ",
                &set.name(family)
            );
            put!(out, " dst,dst -j ACCEPT\n");
        }
    }
    postrouting(settings, out);
    out.rule(Kind::MarkMasquerade);
    put!(
        out,
        "-A KUBE-MARK-MASQ -j MARK --or-mark ",
        &settings.mark,
        "\n"
    );
}

fn filter(settings: &Settings, out: &mut Out<'_>) {
    let family = settings.family;
    forward(&settings.mark, out);
    out.rule(Kind::HealthChecks);
    let health = &ipset::HEALTH_CHECK;
    put!(
        out,
        "-A KUBE-NODE-PORT -m comment --comment \"",
        health.comment,
        "\""
    );
    put!(
        out,
        " -m set --match-set ",
        &health.name(family),
        " dst -j ACCEPT\n"
    );
    for (set, directions) in [
        (&ipset::LOAD_BALANCER, "dst,dst"),
        (&ipset::CLUSTER_IP, "dst,dst"),
        (&ipset::EXTERNAL_IP, "dst,dst"),
        (&ipset::EXTERNAL_IP_LOCAL, "dst,dst"),
        (health, "dst"),
    ] {
        out.rule(Kind::VirtualPort);
        put!(
            out,
            "-A KUBE-IPVS-FILTER -m set --match-set ",
            &set.name(family),
            " "
        );
        put!(out, directions, " -j RETURN\n");
    }
    out.rule(Kind::UnlistedPort);
    put!(
        out,
        "-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -m set --match-set "
    );
    put!(out, &ipset::IPVS_IPS.name(family), " dst -j REJECT\n");
}
