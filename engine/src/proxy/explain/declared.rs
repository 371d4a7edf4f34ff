//! The cluster's own tables, chains, sets and maps in words.

use crate::proxy::config::Mode;
use crate::proxy::line::Line;

/// What a table, chain, set or map is for that is always there.
pub(super) fn of_cluster(mode: Mode, line: &Line) -> String {
    let name = line.at.chain.as_str();
    let what = match mode {
        Mode::Nftables => in_nftables(name),
        _ if line.at.table == "ipset" => return ipset(name),
        Mode::Iptables => in_iptables(&line.at.table, name),
        Mode::Ipvs => in_ipvs(&line.at.table, name),
    };
    what.to_owned()
}

fn in_iptables(table: &str, chain: &str) -> &'static str {
    match (table, chain) {
        ("nat", "KUBE-SERVICES") => {
            "This chain finds the Service whose address a packet is for, and last of all node ports."
        }
        (_, "KUBE-SERVICES") => "This chain refuses cluster IPs that lead nowhere.",
        ("nat", "KUBE-NODEPORTS") => {
            "This chain finds the Service whose node port a packet is for."
        }
        (_, "KUBE-NODEPORTS") => "This chain lets load balancers' health checks in.",
        (_, "KUBE-EXTERNAL-SERVICES") => {
            "This chain refuses external addresses and node ports that lead nowhere."
        }
        (_, "KUBE-PROXY-FIREWALL") => {
            "This chain drops what no source range of a load balancer let in."
        }
        (_, "KUBE-FIREWALL") => {
            "This chain keeps neighbours from this Node's loopback addresses; the kubelet has it as well."
        }
        _ => shared(chain),
    }
}

fn in_ipvs(table: &str, chain: &str) -> &'static str {
    match (table, chain) {
        (_, "KUBE-SERVICES") => {
            "This chain marks for masquerading, by looks into sets; IPVS itself translates the addresses."
        }
        ("nat", "KUBE-NODE-PORT") => {
            "This chain marks traffic to node ports for masquerading, unless its policy is Local."
        }
        (_, "KUBE-NODE-PORT") => "This chain lets load balancers' health checks in.",
        (_, "KUBE-LOAD-BALANCER") => {
            "This chain marks traffic to load balancers' addresses for masquerading, unless its policy is Local."
        }
        (_, "KUBE-PROXY-FIREWALL") => {
            "This chain sends traffic to addresses with source ranges on to where its source is looked at."
        }
        (_, "KUBE-SOURCE-RANGES-FIREWALL") => {
            "This chain lets sources within the ranges go on, and drops the rest."
        }
        (_, "KUBE-IPVS-FILTER") => {
            "This chain refuses ports of Services' addresses that no virtual server has."
        }
        (_, "KUBE-IPVS-OUT-FILTER") => {
            "This chain keeps this Node from load balancers' addresses whose source ranges leave it out."
        }
        _ => shared(chain),
    }
}

fn shared(chain: &str) -> &'static str {
    match chain {
        "KUBE-FORWARD" => "This chain accepts what Services forward through this Node.",
        "KUBE-POSTROUTING" => "This chain masquerades what was marked.",
        _ => "This chain marks a packet for masquerading.",
    }
}

fn ipset(name: &str) -> String {
    let short = name.trim_start_matches("KUBE-").trim_start_matches("6-");
    let what = match short {
        "CLUSTER-IP" => "cluster IPs with their ports",
        "EXTERNAL-IP" => "external IPs with their ports",
        "EXTERNAL-IP-LOCAL" => {
            "external IPs with their ports, where externalTrafficPolicy is Local"
        }
        "HEALTH-CHECK-NODE-PORT" => "the ports of load balancers' health checks",
        "IPVS-IPS" => "the addresses that are bound to kube-ipvs0",
        "LOAD-BALANCER" => "load balancers' addresses with their ports",
        "LOAD-BALANCER-FW" => {
            "load balancers' addresses with their ports, where there are source ranges"
        }
        "LOAD-BALANCER-LOCAL" => {
            "load balancers' addresses with their ports, where externalTrafficPolicy is Local"
        }
        "LOAD-BALANCER-SOURCE-CIDR" => {
            "load balancers' addresses with their ports and the ranges that may use them"
        }
        "LOAD-BALANCER-SOURCE-IP" => {
            "load balancers' addresses with their ports, for a Node within the source ranges itself"
        }
        "LOOP-BACK" => {
            "this Node's endpoints, each as destination and source: a Pod that reaches itself"
        }
        local if local.contains("-LOCAL-") => "node ports, where externalTrafficPolicy is Local",
        _ => "node ports",
    };
    format!("This set has {what}.")
}

fn in_nftables(name: &str) -> &'static str {
    match name {
        "" => "All of kube-proxy's rules for this family are in one table of its own.",
        "cluster-ips" => "This set has all cluster IPs, to refuse their unlisted ports.",
        "nodeport-ips" => {
            "This set has the Node's addresses that accept node ports: in nftables mode that is the primary one, unless nodePortAddresses says otherwise."
        }
        "no-endpoint-services" => {
            "This map has Services' addresses that lead nowhere, and whether the client is told."
        }
        "no-endpoint-nodeports" => {
            "This map has node ports that lead nowhere, and whether the client is told."
        }
        "firewall-ips" => "This map has load balancers' addresses with source ranges.",
        "service-ips" => "This map leads from Services' addresses to their chains.",
        "service-nodeports" => "This map leads from node ports to their Services' chains.",
        "nodeport-endpoints-check" => "This chain refuses node ports that lead nowhere.",
        "service-endpoints-check" => "This chain refuses Services' addresses that lead nowhere.",
        "firewall-check" => "This chain drops what no source range of a load balancer lets in.",
        "cluster-ips-check" => {
            "This chain refuses ports of cluster IPs that their Services do not have."
        }
        "services" => "This chain finds the Service whose address a packet is for.",
        "masquerading" => "This chain masquerades what was marked.",
        "mark-for-masquerade" => {
            "This chain marks a packet for masquerading. Since v1.36 the mark is set where it is needed, without this chain."
        }
        "reject-chain" => "This chain is where maps lead whose traffic is refused.",
        "filter-prerouting" => {
            "The kernel calls this chain for packets that come in, before their destination is translated. Since v1.34 its name is filter-prerouting-pre-dnat."
        }
        "filter-input" => {
            "The kernel calls this chain for packets to this Node itself. Since v1.34 its priority is 0."
        }
        "filter-forward" => {
            "The kernel calls this chain for packets that pass through this Node. Since v1.34 its priority is 0."
        }
        "filter-output" => {
            "The kernel calls this chain for packets of this Node's own, before their destination is translated. Since v1.34 it comes after that, and filter-output-pre-dnat before."
        }
        "filter-output-post-dnat" => {
            "The kernel calls this chain for packets of this Node's own, after their destination is translated. Since v1.34 filter-output does that."
        }
        "nat-postrouting" => {
            "The kernel calls this chain for the first packet of a connection on its way out."
        }
        "nat-prerouting" => {
            "The kernel calls this chain for the first packet of a connection that comes in."
        }
        _ => "The kernel calls this chain for the first packet of a connection of this Node's own.",
    }
}
