//! The ipsets of IPVS mode, and the iptables rules that look into them.
//!
//! Source: `pkg/proxy/ipvs/ipset.go` and the tables at the head of `pkg/proxy/ipvs/proxier.go`,
//! Kubernetes v1.30.

use crate::net::{IpFamily, Protocol};
use crate::proxy::kind::Kind;

/// One set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Set {
    /// Its name behind `KUBE-` or `KUBE-6-`.
    short: &'static str,
    kind: SetKind,
    /// What rules that match on it say.
    pub comment: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SetKind {
    Ip,
    IpPort,
    IpPortIp,
    IpPortNet,
    Port,
}

/// The kernel's longest name for a set, without the zero at its end.
const NAME_MAX: usize = 31;

impl Set {
    const fn new(short: &'static str, kind: SetKind, comment: &'static str) -> Self {
        Self {
            short,
            kind,
            comment,
        }
    }

    /// Its name, cut to what the kernel takes.
    pub(super) fn name(&self, family: IpFamily) -> String {
        let mut name = String::with_capacity(NAME_MAX);
        self.push_name(family, &mut name);
        name
    }

    /// Appends its name.
    pub(super) fn push_name(&self, family: IpFamily, out: &mut String) {
        let prefix = match family {
            IpFamily::IPv4 => "KUBE-",
            IpFamily::IPv6 => "KUBE-6-",
        };
        let length = self.short.len().min(NAME_MAX - prefix.len());
        out.push_str(prefix);
        out.push_str(&self.short[..length]);
    }

    /// Appends the line that creates it.
    pub(super) fn push_create(&self, family: IpFamily, out: &mut String) {
        let kind = match self.kind {
            SetKind::Ip => "hash:ip",
            SetKind::IpPort => "hash:ip,port",
            SetKind::IpPortIp => "hash:ip,port,ip",
            SetKind::IpPortNet => "hash:ip,port,net",
            SetKind::Port => "bitmap:port",
        };
        let family_name = match family {
            IpFamily::IPv4 => "inet",
            IpFamily::IPv6 => "inet6",
        };
        out.push_str("create ");
        self.push_name(family, out);
        out.push(' ');
        out.push_str(kind);
        if self.kind == SetKind::Port {
            out.push_str(" range 0-65535\n");
        } else {
            out.push_str(" family ");
            out.push_str(family_name);
            out.push_str(" hashsize 1024 maxelem 65536\n");
        }
    }
}

pub(super) static CLUSTER_IP: Set = Set::new(
    "CLUSTER-IP",
    SetKind::IpPort,
    "Kubernetes service cluster ip + port for masquerade purpose",
);
pub(super) static EXTERNAL_IP: Set = Set::new(
    "EXTERNAL-IP",
    SetKind::IpPort,
    "Kubernetes service external ip + port for masquerade and filter purpose",
);
pub(super) static EXTERNAL_IP_LOCAL: Set = Set::new(
    "EXTERNAL-IP-LOCAL",
    SetKind::IpPort,
    "Kubernetes service external ip + port with externalTrafficPolicy=local",
);
pub(super) static HEALTH_CHECK: Set = Set::new(
    "HEALTH-CHECK-NODE-PORT",
    SetKind::Port,
    "Kubernetes health check node port",
);
pub(super) static IPVS_IPS: Set = Set::new("IPVS-IPS", SetKind::Ip, "");
pub(super) static LOAD_BALANCER: Set = Set::new(
    "LOAD-BALANCER",
    SetKind::IpPort,
    "Kubernetes service lb portal",
);
pub(super) static LOAD_BALANCER_FW: Set = Set::new(
    "LOAD-BALANCER-FW",
    SetKind::IpPort,
    "Kubernetes service load balancer ip + port for load balancer with sourceRange",
);
pub(super) static LOAD_BALANCER_LOCAL: Set = Set::new(
    "LOAD-BALANCER-LOCAL",
    SetKind::IpPort,
    "Kubernetes service load balancer ip + port with externalTrafficPolicy=local",
);
pub(super) static SOURCE_CIDR: Set = Set::new(
    "LOAD-BALANCER-SOURCE-CIDR",
    SetKind::IpPortNet,
    "Kubernetes service load balancer ip + port + source cidr for packet filter purpose",
);
pub(super) static SOURCE_IP: Set = Set::new(
    "LOAD-BALANCER-SOURCE-IP",
    SetKind::IpPortIp,
    "Kubernetes service load balancer ip + port + source IP for packet filter purpose",
);
pub(super) static LOOP_BACK: Set = Set::new(
    "LOOP-BACK",
    SetKind::IpPortIp,
    "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose",
);
static NODE_PORT_LOCAL_SCTP: Set = Set::new(
    "NODE-PORT-LOCAL-SCTP-HASH",
    SetKind::IpPort,
    "Kubernetes nodeport SCTP port with externalTrafficPolicy=local with type 'hash ip:port'",
);
static NODE_PORT_LOCAL_TCP: Set = Set::new(
    "NODE-PORT-LOCAL-TCP",
    SetKind::Port,
    "Kubernetes nodeport TCP port with externalTrafficPolicy=local",
);
static NODE_PORT_LOCAL_UDP: Set = Set::new(
    "NODE-PORT-LOCAL-UDP",
    SetKind::Port,
    "Kubernetes nodeport UDP port with externalTrafficPolicy=local",
);
static NODE_PORT_SCTP: Set = Set::new(
    "NODE-PORT-SCTP-HASH",
    SetKind::IpPort,
    "Kubernetes nodeport SCTP port for masquerade purpose with type 'hash ip:port'",
);
static NODE_PORT_TCP: Set = Set::new(
    "NODE-PORT-TCP",
    SetKind::Port,
    "Kubernetes nodeport TCP port for masquerade purpose",
);
static NODE_PORT_UDP: Set = Set::new(
    "NODE-PORT-UDP",
    SetKind::Port,
    "Kubernetes nodeport UDP port for masquerade purpose",
);

/// How many sets there are.
pub(super) const COUNT: usize = 17;

/// By their names, in both families.
static ALL: [&Set; COUNT] = [
    &CLUSTER_IP,
    &EXTERNAL_IP,
    &EXTERNAL_IP_LOCAL,
    &HEALTH_CHECK,
    &IPVS_IPS,
    &LOAD_BALANCER,
    &LOAD_BALANCER_FW,
    &LOAD_BALANCER_LOCAL,
    &SOURCE_CIDR,
    &SOURCE_IP,
    &LOOP_BACK,
    &NODE_PORT_LOCAL_SCTP,
    &NODE_PORT_LOCAL_TCP,
    &NODE_PORT_LOCAL_UDP,
    &NODE_PORT_SCTP,
    &NODE_PORT_TCP,
    &NODE_PORT_UDP,
];

/// All sets by their names, with these.
pub(super) fn named(family: IpFamily) -> [(String, &'static Set); COUNT] {
    ALL.map(|set| (set.name(family), set))
}

/// The set that node ports of a protocol are in, and the one that they are in as well with
/// `externalTrafficPolicy: Local`.
pub(super) fn node_port(protocol: Protocol, local: bool) -> &'static Set {
    match (protocol, local) {
        (Protocol::Tcp, false) => &NODE_PORT_TCP,
        (Protocol::Tcp, true) => &NODE_PORT_LOCAL_TCP,
        (Protocol::Udp, false) => &NODE_PORT_UDP,
        (Protocol::Udp, true) => &NODE_PORT_LOCAL_UDP,
        (Protocol::Sctp, false) => &NODE_PORT_SCTP,
        (Protocol::Sctp, true) => &NODE_PORT_LOCAL_SCTP,
    }
}

/// A rule that is there while its set holds something.
pub(super) struct SetRule {
    pub set: &'static Set,
    table: &'static str,
    pub chain: &'static str,
    pub target: &'static str,
    /// Which addresses and ports of the packet are compared.
    pub directions: &'static str,
    pub protocol: Option<Protocol>,
    pub kind: Kind,
}

/// Calls `each` for every rule of a table, in the order in which they stand.
pub(super) fn in_table(table: &str, each: impl FnMut(&SetRule)) {
    SET_RULES
        .iter()
        .filter(|rule| rule.table == table)
        .for_each(each);
}

const fn set_rule(
    set: &'static Set,
    (table, chain, target): (&'static str, &'static str, &'static str),
    directions: &'static str,
    protocol: Option<Protocol>,
    kind: Kind,
) -> SetRule {
    SetRule {
        set,
        table,
        chain,
        target,
        directions,
        protocol,
        kind,
    }
}

const PORT_RETURN: (&str, &str, &str) = ("nat", "KUBE-NODE-PORT", "RETURN");
const PORT_MARK: (&str, &str, &str) = ("nat", "KUBE-NODE-PORT", "KUBE-MARK-MASQ");

/// A set of ports with `Local` policy comes before the one of all ports.
static SET_RULES: [SetRule; 12] = [
    set_rule(
        &LOOP_BACK,
        ("nat", "KUBE-POSTROUTING", "MASQUERADE"),
        "dst,dst,src",
        None,
        Kind::HairpinSet,
    ),
    set_rule(
        &LOAD_BALANCER,
        ("nat", "KUBE-SERVICES", "KUBE-LOAD-BALANCER"),
        "dst,dst",
        None,
        Kind::LoadBalancerSet,
    ),
    set_rule(
        &LOAD_BALANCER_LOCAL,
        ("nat", "KUBE-LOAD-BALANCER", "RETURN"),
        "dst,dst",
        None,
        Kind::LocalKeepsSource,
    ),
    set_rule(
        &NODE_PORT_LOCAL_TCP,
        PORT_RETURN,
        "dst",
        Some(Protocol::Tcp),
        Kind::LocalKeepsSource,
    ),
    set_rule(
        &NODE_PORT_TCP,
        PORT_MARK,
        "dst",
        Some(Protocol::Tcp),
        Kind::NodePortMasquerade,
    ),
    set_rule(
        &NODE_PORT_LOCAL_UDP,
        PORT_RETURN,
        "dst",
        Some(Protocol::Udp),
        Kind::LocalKeepsSource,
    ),
    set_rule(
        &NODE_PORT_UDP,
        PORT_MARK,
        "dst",
        Some(Protocol::Udp),
        Kind::NodePortMasquerade,
    ),
    set_rule(
        &NODE_PORT_LOCAL_SCTP,
        PORT_RETURN,
        "dst,dst",
        Some(Protocol::Sctp),
        Kind::LocalKeepsSource,
    ),
    set_rule(
        &NODE_PORT_SCTP,
        PORT_MARK,
        "dst,dst",
        Some(Protocol::Sctp),
        Kind::NodePortMasquerade,
    ),
    set_rule(
        &LOAD_BALANCER_FW,
        (
            "filter",
            "KUBE-PROXY-FIREWALL",
            "KUBE-SOURCE-RANGES-FIREWALL",
        ),
        "dst,dst",
        None,
        Kind::GuardedAddresses,
    ),
    set_rule(
        &SOURCE_CIDR,
        ("filter", "KUBE-SOURCE-RANGES-FIREWALL", "RETURN"),
        "dst,dst,src",
        None,
        Kind::SourceSet,
    ),
    set_rule(
        &SOURCE_IP,
        ("filter", "KUBE-SOURCE-RANGES-FIREWALL", "RETURN"),
        "dst,dst,src",
        None,
        Kind::SourceSet,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_stand_by_their_names_and_no_name_is_too_long() {
        for family in [IpFamily::IPv4, IpFamily::IPv6] {
            let names = named(family).map(|(name, _)| name);
            assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
            assert!(names.iter().all(|name| name.len() <= NAME_MAX), "{names:?}");
        }
        assert_eq!(
            NODE_PORT_LOCAL_SCTP.name(IpFamily::IPv6),
            "KUBE-6-NODE-PORT-LOCAL-SCTP-HAS"
        );
    }
}
