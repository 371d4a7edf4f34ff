//! The engine's verdicts held against the kernel of this machine.
//!
//! For a selection of scenarios the network is built of network namespaces, the rules that the
//! engine's kube-proxy wrote are loaded by iptables-restore or nft, and real packets are sent: the
//! requests of the scenario's recorded walks, whose recorded ends are not looked at. Whatever
//! comes of an attempt has to be one of the ends that the engine says are possible: outcome,
//! endpoint, and the peer that the endpoint saw.
//!
//! No address outside is ever touched: the namespaces are wired to one another and to nothing
//! else, which is checked. They carry the process id in their names, are removed at the end
//! whatever happened, and what an earlier process left behind is removed at the start.
//!
//! Left out: pings, SCTP and IPVS (the kernels at hand have neither of the last two), Nodes
//! without a bridge. A UDP socket does not hear of a TTL that ended, and over IPv6 the kernel at
//! hand tells a TCP socket of no ICMP error; there silence is taken as well, and how often it was
//! is printed.

mod compare;
mod namespaces;
mod wire;

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use lobby_engine::proxy::Mode;

/// The scenarios: one of each thing that Services do.
const SCENARIOS: [&str; 17] = [
    "03-clusterip-3-endpoints",
    "09-udp-and-tcp-dns",
    "12-no-endpoints-clusterip",
    "14-no-endpoints-loadbalancer-externalip",
    "17-terminating-fallback-local",
    "22-nodeport",
    "23-nodeport-local-with-local-endpoint",
    "25-loadbalancer-vip",
    "26-loadbalancer-ipmode-proxy",
    "27-loadbalancer-source-ranges",
    "33-externalips",
    "36-internal-policy-local-without-local-endpoint",
    "37-session-affinity-default-timeout",
    "45-masquerade-all",
    "48-localhost-node-ports-off",
    "56-ipv6-loadbalancer-nodeport",
    "59-hairpin",
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    if let Err(reason) = namespaces::possible() {
        println!("kernel: this machine cannot run it: {reason}");
        return ExitCode::SUCCESS;
    }
    namespaces::sweep();
    // Each network keeps both cores busy; time is measured in them.
    arguments.test_threads = Some(1);
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/proxy"));
    let mut trials = Vec::new();
    for name in SCENARIOS {
        for mode in [Mode::Iptables, Mode::Nftables] {
            let folder = root.join(name);
            trials.push(Trial::test(format!("kernel/{mode}/{name}"), move || {
                compare::scenario(&folder, mode).map_err(Failed::from)
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
