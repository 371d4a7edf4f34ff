//! The table's own chains, sets and maps in nftables mode, around those of the Services.

use super::{address_type, family, segment};
use crate::net::IpFamily;
use crate::proxy::address::GoIp;
use crate::proxy::config::Settings;
use crate::proxy::frame::Frame;
use crate::proxy::kind::Kind;
use crate::proxy::out::{Out, put};

/// The base chains: name, type, hook, priority. nft's `dstnat` is -100 and its `srcnat` 100.
const BASE_CHAINS: [(&str, &str, &str, &str); 8] = [
    ("filter-prerouting", "filter", "prerouting", "-110"),
    ("filter-input", "filter", "input", "-110"),
    ("filter-forward", "filter", "forward", "-110"),
    ("filter-output", "filter", "output", "-110"),
    ("filter-output-post-dnat", "filter", "output", "-90"),
    ("nat-prerouting", "nat", "prerouting", "-100"),
    ("nat-output", "nat", "output", "-100"),
    ("nat-postrouting", "nat", "postrouting", "100"),
];

/// The jumps out of them: to, from, and whether only new connections take it.
const JUMPS: [(&str, &str, bool); 11] = [
    ("nodeport-endpoints-check", "filter-input", true),
    ("service-endpoints-check", "filter-input", true),
    ("service-endpoints-check", "filter-forward", true),
    ("service-endpoints-check", "filter-output", true),
    ("firewall-check", "filter-prerouting", true),
    ("firewall-check", "filter-output", true),
    ("cluster-ips-check", "filter-forward", true),
    ("cluster-ips-check", "filter-output-post-dnat", true),
    ("services", "nat-output", false),
    ("services", "nat-prerouting", false),
    ("masquerading", "nat-postrouting", false),
];

/// Everything around the Services' rules.
pub(in crate::proxy) fn frame(settings: &Settings) -> Frame {
    let mut frame = Frame::default();
    let ip = family(settings.family);
    let all_node_ips = settings.node_ports.match_all();
    let add = |out: &mut Out<'_>, what: &str, name: &str| {
        put!(out, "add ", what, " ", ip, " kube-proxy ", name);
    };
    let declare = |out: &mut Out<'_>, what: &str, name: &str| {
        out.rule(Kind::Declared);
        add(out, what, name);
    };
    frame.fixed(|out| {
        out.rule(Kind::Declared);
        put!(
            out,
            "add table ",
            ip,
            " kube-proxy { comment \"rules for kube-proxy\" ; }\n"
        );
        for (name, kind, hook, priority) in BASE_CHAINS {
            declare(out, "chain", name);
            put!(
                out,
                " { type ",
                kind,
                " hook ",
                hook,
                " priority ",
                priority,
                " ; }\n"
            );
        }
        for name in [
            "nodeport-endpoints-check",
            "service-endpoints-check",
            "firewall-check",
            "cluster-ips-check",
            "services",
            "masquerading",
            "mark-for-masquerade",
        ] {
            declare(out, "chain", name);
            put!(out, "\n");
        }
        declare(out, "chain", "reject-chain");
        put!(
            out,
            " { comment \"helper for @no-endpoint-services / @no-endpoint-nodeports\" ; }\n"
        );
    });
    frame.services(segment::CHAINS, segment::CHAINS);
    frame.fixed(|out| {
        let address = address_type(settings.family);
        declare(out, "set", "cluster-ips");
        put!(
            out,
            " { type ",
            address,
            " ; comment \"Active ClusterIPs\" ; }\n"
        );
        if !all_node_ips {
            declare(out, "set", "nodeport-ips");
            put!(out, " { type ", address);
            put!(out, " ; comment \"IPs that accept NodePort traffic\" ; }\n");
        }
    });
    frame.services(segment::SETS, segment::SETS);
    frame.fixed(|out| {
        maps(settings, out);
        rules(settings, out);
    });
    frame.services(segment::RULES, segment::RULES);
    frame.fixed(|out| {
        if all_node_ips {
            return;
        }
        for address in settings.node_ports.select(&settings.local_addresses) {
            if !address.is_loopback() {
                out.rule(Kind::NodePortIp);
                add(out, "element", "nodeport-ips");
                put!(out, " { ", &GoIp(address).to_string(), " }\n");
            }
        }
    });
    frame.services(segment::ELEMENTS, segment::ELEMENTS);
    frame
}

fn maps(settings: &Settings, out: &mut Out<'_>) {
    let address = address_type(settings.family);
    let mut map = |name: &str, with_address: bool, comment: &str| {
        out.rule(Kind::Declared);
        put!(
            out,
            "add map ",
            family(settings.family),
            " kube-proxy ",
            name,
            " { type "
        );
        if with_address {
            put!(out, address, " . ");
        }
        put!(
            out,
            "inet_proto . inet_service : verdict ; comment \"",
            comment,
            "\" ; }\n"
        );
    };
    map(
        "no-endpoint-services",
        true,
        "vmap to drop or reject packets to services with no endpoints",
    );
    map(
        "no-endpoint-nodeports",
        false,
        "vmap to drop or reject packets to service nodeports with no endpoints",
    );
    map(
        "firewall-ips",
        true,
        "destinations that are subject to LoadBalancerSourceRanges",
    );
    map(
        "service-ips",
        true,
        "ClusterIP, ExternalIP and LoadBalancer IP traffic",
    );
    map("service-nodeports", false, "NodePort traffic");
}

/// The rules of the chains that are always there.
fn rules(settings: &Settings, out: &mut Out<'_>) {
    let ip = family(settings.family);
    let mark = &settings.mark;
    let begin = |out: &mut Out<'_>, kind, chain: &str| {
        out.rule(kind);
        put!(out, "add rule ", ip, " kube-proxy ", chain, " ");
    };
    for (to, from, only_new) in JUMPS {
        begin(out, Kind::BaseJump, from);
        put!(
            out,
            if only_new { "ct state new " } else { "" },
            "jump ",
            to,
            "\n"
        );
    }
    begin(out, Kind::MarkMasquerade, "mark-for-masquerade");
    put!(out, "mark set mark or ", mark, "\n");
    begin(out, Kind::NotMarked, "masquerading");
    put!(out, "mark and ", mark, " == 0 return\n");
    begin(out, Kind::Unmark, "masquerading");
    put!(out, "mark set mark xor ", mark, "\n");
    begin(out, Kind::Masquerade, "masquerading");
    put!(out, "masquerade fully-random\n");
    begin(out, Kind::UnlistedPort, "cluster-ips-check");
    put!(out, ip, " daddr @cluster-ips reject");
    put!(
        out,
        " comment \"Reject traffic to invalid ports of ClusterIPs\"\n"
    );
    if !settings.service_cidrs.is_empty() {
        begin(out, Kind::UnallocatedClusterIp, "cluster-ips-check");
        put!(
            out,
            ip,
            " daddr { ",
            &settings.service_cidrs.join(","),
            " } drop"
        );
        put!(out, " comment \"Drop traffic to unallocated ClusterIPs\"\n");
    }
    begin(out, Kind::RejectChain, "reject-chain");
    put!(out, "reject\n");
    let by_address = |out: &mut Out<'_>, kind, chain, map: &str| {
        begin(out, kind, chain);
        put!(
            out,
            ip,
            " daddr . meta l4proto . th dport vmap @",
            map,
            "\n"
        );
    };
    let by_node_port = |out: &mut Out<'_>, kind, chain, map: &str| {
        begin(out, kind, chain);
        if settings.node_ports.match_all() {
            let loopback = match settings.family {
                IpFamily::IPv4 => "127.0.0.0/8",
                IpFamily::IPv6 => "::1",
            };
            put!(out, "fib daddr type local ", ip, " daddr != ", loopback);
        } else {
            put!(out, ip, " daddr @nodeport-ips");
        }
        put!(out, " meta l4proto . th dport vmap @", map, "\n");
    };
    let check = "service-endpoints-check";
    by_address(out, Kind::RefusedAddresses, check, "no-endpoint-services");
    let check = "nodeport-endpoints-check";
    by_node_port(out, Kind::RefusedNodePorts, check, "no-endpoint-nodeports");
    by_address(
        out,
        Kind::GuardedAddresses,
        "firewall-check",
        "firewall-ips",
    );
    by_address(out, Kind::ServiceAddresses, "services", "service-ips");
    by_node_port(out, Kind::NodePorts, "services", "service-nodeports");
}
