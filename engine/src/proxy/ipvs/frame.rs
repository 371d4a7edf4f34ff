//! The iptables rules of IPVS mode.

use super::ipset::{self, Set};
use super::{Live, segment};
use crate::net::IpFamily;
use crate::proxy::config::Settings;
use crate::proxy::frame::Frame;
use crate::proxy::iptables::{forward, pod_traffic, postrouting};
use crate::proxy::kind::Kind;
use crate::proxy::out::{Out, put};

/// The iptables rules: nearly all of them look into a set.
pub(in crate::proxy) fn frame(settings: &Settings, live: &Live) -> Frame {
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
            out.rule(Kind::Declared);
            put!(out, ":", chain, " - [0:0]\n");
        }
        nat(settings, live, out);
        put!(out, "COMMIT\n*filter\n");
        for chain in [
            "KUBE-FORWARD",
            "KUBE-NODE-PORT",
            "KUBE-PROXY-FIREWALL",
            "KUBE-SOURCE-RANGES-FIREWALL",
            "KUBE-IPVS-FILTER",
            "KUBE-IPVS-OUT-FILTER",
        ] {
            out.rule(Kind::Declared);
            put!(out, ":", chain, " - [0:0]\n");
        }
        ipset::in_table("filter", |rule| with_set(settings, live, rule, out));
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
fn with_set(settings: &Settings, live: &Live, rule: &ipset::SetRule, out: &mut Out<'_>) {
    if !live.is_filled(rule.set) {
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

fn nat(settings: &Settings, live: &Live, out: &mut Out<'_>) {
    let family = settings.family;
    out.rule(Kind::FromLoopback);
    let loopback = match family {
        IpFamily::IPv4 => "127.0.0.0/8",
        IpFamily::IPv6 => "::1/128",
    };
    put!(out, "-A KUBE-SERVICES -s ", loopback, " -j RETURN\n");
    ipset::in_table("nat", |rule| with_set(settings, live, rule, out));
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
    if live.is_filled(&ipset::CLUSTER_IP) {
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
        if !live.is_filled(set) {
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
        if live.is_filled(set) {
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
