//! What stands around the Services' rules in iptables mode, and what IPVS mode shares with it.

use super::segment;
use crate::net::IpFamily;
use crate::proxy::address::GoIp;
use crate::proxy::config::{Detector, Settings};
use crate::proxy::frame::Frame;
use crate::proxy::kind::Kind;
use crate::proxy::out::{Out, put};

/// How Pod traffic is matched; for all other traffic a `!` goes before it.
pub(in crate::proxy) fn pod_traffic(detector: Option<&Detector>) -> String {
    match detector {
        None => String::new(),
        Some(Detector::Source(cidr)) => format!("-s {cidr}"),
        Some(Detector::Interface(name)) => format!("-i {name}"),
        Some(Detector::InterfacePrefix(name)) => format!("-i {name}+"),
    }
}

/// Everything around the Services' rules.
pub(in crate::proxy) fn frame(settings: &Settings) -> Frame {
    let mut frame = Frame::default();
    let guard = settings.localhost_node_ports && settings.family == IpFamily::IPv4;
    let mark = &settings.mark;
    frame.fixed(|out| {
        put!(out, "*filter\n");
        for chain in [
            "KUBE-SERVICES",
            "KUBE-EXTERNAL-SERVICES",
            "KUBE-FORWARD",
            "KUBE-NODEPORTS",
            "KUBE-PROXY-FIREWALL",
        ] {
            out.rule(Kind::Declared);
            put!(out, ":", chain, " - [0:0]\n");
        }
        if guard {
            out.rule(Kind::Declared);
            put!(out, ":KUBE-FIREWALL - [0:0]\n");
        }
    });
    frame.services(segment::FILTER, segment::FILTER);
    frame.fixed(|out| {
        if guard {
            out.rule(Kind::LocalnetGuard);
            put!(
                out,
                "-A KUBE-FIREWALL -m comment --comment \"block incoming localnet connections\""
            );
            put!(out, " -d 127.0.0.0/8 ! -s 127.0.0.0/8");
            put!(
                out,
                " -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP\n"
            );
        }
        if !settings.conntrack_liberal {
            out.rule(Kind::ForwardInvalid);
            put!(
                out,
                "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP\n"
            );
        }
        forward(mark, out);
        put!(out, "COMMIT\n*nat\n");
        for chain in [
            "KUBE-SERVICES",
            "KUBE-NODEPORTS",
            "KUBE-POSTROUTING",
            "KUBE-MARK-MASQ",
        ] {
            out.rule(Kind::Declared);
            put!(out, ":", chain, " - [0:0]\n");
        }
    });
    frame.services(segment::CHAINS, segment::CHAINS);
    frame.fixed(|out| {
        postrouting(settings, out);
        out.rule(Kind::MarkMasquerade);
        put!(out, "-A KUBE-MARK-MASQ -j MARK --or-mark ", mark, "\n");
    });
    frame.services(segment::SHARED, segment::OWN);
    frame.fixed(|out| {
        node_ports(settings, out);
        put!(out, "COMMIT\n");
    });
    frame
}

/// The two ACCEPT rules that keep other firewalls from stopping what Services forward.
pub(in crate::proxy) fn forward(mark: &str, out: &mut Out<'_>) {
    out.rule(Kind::ForwardMarked);
    put!(
        out,
        "-A KUBE-FORWARD -m comment --comment \"kubernetes forwarding rules\""
    );
    put!(out, " -m mark --mark ", mark, "/", mark, " -j ACCEPT\n");
    out.rule(Kind::ForwardEstablished);
    put!(
        out,
        "-A KUBE-FORWARD -m comment --comment \"kubernetes forwarding conntrack rule\""
    );
    put!(
        out,
        " -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
    );
}

/// The rules that masquerade what was marked.
pub(in crate::proxy) fn postrouting(settings: &Settings, out: &mut Out<'_>) {
    let mark = &settings.mark;
    out.rule(Kind::NotMarked);
    put!(
        out,
        "-A KUBE-POSTROUTING -m mark ! --mark ",
        mark,
        "/",
        mark,
        " -j RETURN\n"
    );
    out.rule(Kind::Unmark);
    put!(out, "-A KUBE-POSTROUTING -j MARK --xor-mark ", mark, "\n");
    out.rule(Kind::Masquerade);
    put!(out, "-A KUBE-POSTROUTING -m comment");
    put!(
        out,
        " --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE"
    );
    put!(
        out,
        if settings.random_fully {
            " --random-fully\n"
        } else {
            "\n"
        }
    );
}

/// The last rules of KUBE-SERVICES: what is for this Node itself may be for a node port.
fn node_ports(settings: &Settings, out: &mut Out<'_>) {
    const COMMENT: &str = " -m comment --comment \"kubernetes service nodeports; NOTE: this must be the last rule in this chain\"";
    if settings.node_ports.match_all() {
        out.rule(Kind::NodePorts);
        put!(
            out,
            "-A KUBE-SERVICES",
            COMMENT,
            " -m addrtype --dst-type LOCAL"
        );
        if settings.family == IpFamily::IPv6 {
            put!(out, " ! -d ::1/128");
        } else if !settings.localhost_node_ports {
            put!(out, " ! -d 127.0.0.0/8");
        }
        put!(out, " -j KUBE-NODEPORTS\n");
        return;
    }
    for ip in settings.node_ports.select(&settings.local_addresses) {
        if ip.is_loopback() && !settings.localhost_node_ports {
            continue;
        }
        out.rule(Kind::NodePorts);
        put!(
            out,
            "-A KUBE-SERVICES",
            COMMENT,
            " -d ",
            &GoIp(ip).to_string()
        );
        put!(out, " -j KUBE-NODEPORTS\n");
    }
}
