//! The cluster's own rules in words: those that are there whatever the Services are.

use crate::proxy::config::Mode;
use crate::proxy::kind::Kind;

/// Why a built-in chain leads to one of kube-proxy's.
pub(super) fn top_level(calls: &[&str], number: u8) -> String {
    let Some(call) = calls.get(usize::from(number)) else {
        return String::new();
    };
    let mut words = call.split(' ').skip_while(|word| *word != "-I").skip(1);
    let from = words.next().unwrap_or_default();
    let to = call.rsplit(' ').next().unwrap_or_default();
    let who = match from {
        "INPUT" => "for this Node itself",
        "FORWARD" => "passing through this Node",
        "OUTPUT" => "from processes on this Node",
        "PREROUTING" => "coming in",
        _ => "leaving",
    };
    let why = match (to, call.contains("-t nat")) {
        ("KUBE-SERVICES", true) => "where Services' addresses become endpoints'",
        ("KUBE-SERVICES", false) => "where cluster IPs without endpoints are refused",
        ("KUBE-EXTERNAL-SERVICES", _) => {
            "where external addresses and node ports without endpoints are refused"
        }
        ("KUBE-NODEPORTS" | "KUBE-NODE-PORT", _) => {
            "where load balancers' health checks are let in"
        }
        ("KUBE-FORWARD", _) => "where forwarded Service traffic is accepted",
        ("KUBE-PROXY-FIREWALL", _) => "where sources outside loadBalancerSourceRanges are dropped",
        ("KUBE-POSTROUTING", _) => "where marked packets get this Node's address as their source",
        ("KUBE-FIREWALL", _) => {
            "where packets from elsewhere to this Node's loopback addresses are dropped"
        }
        ("KUBE-IPVS-FILTER", _) => "where ports that no Service has are refused",
        _ => {
            "where a Node outside loadBalancerSourceRanges is kept from the load balancer's address"
        }
    };
    let what = if call.contains("--ctstate NEW") {
        "New connections"
    } else {
        "Packets"
    };
    format!("{what} {who} go through {to}, {why}.")
}

/// Why a base chain of nftables mode leads to one of the others.
pub(super) fn base_jump(rule: &str) -> String {
    let to = rule.rsplit(' ').next().unwrap_or_default();
    let why = match to {
        "nodeport-endpoints-check" => "where node ports without endpoints are refused",
        "service-endpoints-check" => "where Services' addresses without endpoints are refused",
        "firewall-check" => "where sources outside loadBalancerSourceRanges are dropped",
        "cluster-ips-check" => {
            "where ports of a cluster IP that its Service does not have are refused"
        }
        "services" => "where Services' addresses become endpoints'",
        _ => "where marked packets get this Node's address as their source",
    };
    let later = match rule.contains(" filter-") {
        true => " Since v1.34 the chains that filter have other names and priorities.",
        false => "",
    };
    // The nat hooks see nothing but the first packets of connections.
    format!("New connections go through {to} at this hook, {why}.{later}")
}

/// What a sysctl is set for.
pub(super) fn sysctl(name: &str) -> &'static str {
    match name {
        "net/ipv4/conf/all/arp_announce" => {
            "With strictARP the Node asks by ARP with the best of its own addresses, and never with one of kube-ipvs0."
        }
        "net/ipv4/conf/all/arp_ignore" => {
            "With strictARP the Node answers ARP only for addresses of the interface that was asked, so not for those of kube-ipvs0."
        }
        "net/ipv4/ip_forward" => "The Node forwards packets that are not for itself.",
        "net/ipv4/vs/conntrack" => "IPVS keeps connection tracking, which masquerading needs.",
        "net/ipv4/vs/expire_nodest_conn" => {
            "A connection whose real server is gone ends with its next packet."
        }
        _ => "A client is no longer held to a real server that takes no new connections.",
    }
}

/// Rules that are the same whatever the Services are.
pub(super) fn fixed(mode: Mode, kind: Kind, mark: &str) -> String {
    let nftables = mode == Mode::Nftables;
    let text = match kind {
        Kind::MarkMasquerade => {
            let later = if nftables {
                " Since v1.36 rules set it themselves, without this chain."
            } else {
                ""
            };
            return format!(
                "The packet gets the mark {mark}: on its way out its source becomes this Node's address, so that the reply comes back here.{later}"
            );
        }
        Kind::NotMarked => {
            return format!("Packets without the mark {mark} keep their source address.");
        }
        Kind::Unmark if nftables => {
            "The mark has done its work and is taken off, so that a packet that comes by again inside a tunnel is not masqueraded twice. Since v1.36 one rule does this and masquerades."
        }
        Kind::Unmark => {
            "The mark has done its work and is taken off, so that a packet that comes by again inside a tunnel is not masqueraded twice."
        }
        Kind::Masquerade => {
            "Marked packets leave with the address of the interface they go out by as their source, so that replies come back through this Node."
        }
        Kind::ForwardInvalid => {
            "Packets that belong to no known connection are dropped: forwarded without translation they would reset the connection. Since v1.31 kube-proxy counts them."
        }
        Kind::ForwardMarked => {
            "Packets that kube-proxy marked are forwarded, even where the policy of FORWARD is to drop."
        }
        Kind::ForwardEstablished => {
            "Once a connection is accepted, the rest of it and its replies are as well."
        }
        Kind::LocalnetGuard => {
            "Nobody but this Node itself may send to its loopback addresses: route_localnet, set for node ports on 127.0.0.1, would let neighbours do so."
        }
        Kind::NodePorts if mode == Mode::Iptables => {
            "Whatever is for this Node itself may be for a node port; this comes last, so that every other address of a Service goes first."
        }
        Kind::NodePorts if nftables => {
            "Whatever is for an address of this Node that accepts node ports may be for one; 127.0.0.1 never does in this mode. Since v1.38 a process of kube-proxy's may listen there."
        }
        Kind::NodePorts => "Whatever is for an address of this Node may be for a node port.",
        Kind::NodePortIp => "Node ports answer on this address of the Node.",
        Kind::UnlistedPort if mode == Mode::Ipvs => {
            "Any other port of a Service's address is refused, a ping as well: the address is bound to this Node, and its own processes must not answer there."
        }
        Kind::UnlistedPort => "A port of a cluster IP that its Service does not have is refused.",
        Kind::UnallocatedClusterIp => {
            "An address of the Service range that no Service has leads nowhere, and is dropped. Since v1.33 that is the default."
        }
        Kind::RejectChain => "The client is told at once that nobody is there.",
        Kind::RefusedAddresses => {
            "Addresses of Services without endpoints are refused or dropped here, as the map says."
        }
        Kind::RefusedNodePorts => {
            "Node ports of Services without endpoints are refused or dropped here, as the map says."
        }
        Kind::GuardedAddresses => {
            "Load balancer addresses with loadBalancerSourceRanges have their sources looked at."
        }
        Kind::ServiceAddresses => {
            "One look into the map finds the Service that has this address, protocol and port."
        }
        Kind::FromLoopback => "What this Node sends from a loopback address is left alone.",
        Kind::HairpinSet => {
            "A Pod that reached itself through a Service gets this Node's address as the source, or it would answer itself."
        }
        Kind::LoadBalancerSet => {
            "Traffic to a load balancer's address is masqueraded in its own chain, unless its policy keeps it on this Node."
        }
        Kind::LoadBalancerMasquerade => {
            "Traffic to a load balancer's address may leave for another Node, so it is masqueraded."
        }
        Kind::LocalKeepsSource => "With externalTrafficPolicy Local the source address is kept.",
        Kind::NodePortMasquerade => {
            "Traffic to a node port may leave for another Node, so it is masqueraded."
        }
        Kind::MasqueradeOffCluster => {
            "Traffic to a cluster IP whose reply would not come back through here by itself is masqueraded."
        }
        Kind::ExternalMasquerade => "Traffic to an external IP is masqueraded.",
        Kind::ExternalFromOutside => {
            "Traffic to an external IP from another machine is accepted: it came in by no bridge, and not from this Node."
        }
        Kind::ExternalToNode => "Traffic to an external IP that is bound to this Node is accepted.",
        Kind::AcceptVirtual => {
            "Traffic to a virtual server is accepted, whatever rules of others come after."
        }
        Kind::SourceSet => "Sources within the ranges may go on.",
        Kind::SourceRest => "All other sources are dropped.",
        Kind::HealthChecks => "Load balancers' health checks are let in.",
        Kind::VirtualPort => "A port that a virtual server has may go on to IPVS.",
        _ => "",
    };
    text.to_owned()
}
