//! What a network is built from: machines with addresses, and who listens.
//!
//! Plain data, so that a cluster's objects ([`super::kubeadm`]) and a test's own topology come to
//! the same. Not in a plan: rules, which change more often ([`super::Network::set_rules`]).

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::net::Protocol;

/// A whole network: Nodes and their Pods on one LAN, a router, and who is outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The Nodes.
    pub nodes: Vec<PlanNode>,
    /// The Pods, those in a Node's own network too.
    pub pods: Vec<PlanPod>,
    /// The LAN's router; without one the LAN is all there is.
    pub router: Option<PlanRouter>,
    /// Machines that are no Nodes.
    pub outside: Vec<PlanOutside>,
}

/// A Node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanNode {
    /// Its name.
    pub name: String,
    /// Its addresses on the LAN with their networks, the primary one of each family first.
    pub addresses: Vec<IpNet>,
    /// Addresses on devices of their own that nothing else hangs on.
    pub extra: Vec<(String, IpNet)>,
    /// Its ranges of Pod addresses: other Nodes have routes to them.
    pub pod_cidrs: Vec<IpNet>,
    /// How its Pods hang on it.
    pub pod_link: PodLink,
    /// Further routes. The default route is the router's address unless one is here.
    pub routes: Vec<PlanRoute>,
    /// `net.ipv4.conf.all.route_localnet`; kube-proxy sets it where node ports answer on
    /// 127.0.0.1.
    pub route_localnet: bool,
    /// Who listens on the Node itself.
    pub sockets: Vec<Socket>,
}

/// How Pods hang on their Node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodLink {
    /// All on one bridge, which has the addresses that are the Pods' gateways.
    Bridge {
        /// The bridge's device: `cni0`.
        device: String,
        /// Its addresses with their networks.
        addresses: Vec<IpNet>,
        /// Whether a port may get back what it sent (`hairpinMode` of the bridge plugin).
        hairpin: bool,
    },
    /// Each on a device of its own that has no address and answers for every one (`proxy_arp`).
    Routed {
        /// How the devices' names begin: `cali`.
        prefix: String,
    },
}

impl Default for PodLink {
    fn default() -> Self {
        Self::Routed {
            prefix: "veth".to_owned(),
        }
    }
}

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanRoute {
    /// Where to.
    pub to: IpNet,
    /// By whom; `None` throws the packets away in silence.
    pub via: Option<IpAddr>,
}

/// A Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanPod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The Node it runs on.
    pub node: String,
    /// Its addresses with their networks; none for a Pod in the Node's own network.
    pub addresses: Vec<IpNet>,
    /// Its gateways, one a family.
    pub gateways: Vec<IpAddr>,
    /// Whether it lives in the Node's own network.
    pub host_network: bool,
    /// On which ports it listens.
    pub listens: Listens,
}

/// On which ports somebody listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listens {
    /// On every one.
    Everywhere,
    /// On these.
    On(Vec<(Protocol, u16)>),
    /// On these, and only for those who come by the loopback: a process that was told to listen
    /// on 127.0.0.1 or ::1.
    OnLoopback(Vec<(Protocol, u16)>),
}

impl Default for Listens {
    fn default() -> Self {
        Self::On(Vec::new())
    }
}

/// A process that waits for connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The protocol.
    pub protocol: Protocol,
    /// The address it listens on; `None` for every one.
    pub address: Option<IpAddr>,
    /// The port; `None` for every one.
    pub port: Option<u16>,
    /// Whose it is.
    pub owner: Owner,
    /// What it does with a connection.
    pub serves: Serves,
}

/// Whose a process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The machine's own.
    Machine,
    /// A Pod's that lives in the Node's own network.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// What a process does with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// Answers it.
    Itself,
    /// Opens a connection of its own to this address and passes on what comes: a load balancer
    /// that works as a proxy.
    Proxy(SocketAddr),
}

/// The router of the Nodes' LAN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanRouter {
    /// Its addresses on the LAN.
    pub lan: Vec<IpNet>,
    /// Its routes. What it has no route for it throws away in silence, as an office's router does
    /// whose provider drops private addresses.
    pub routes: Vec<PlanRoute>,
}

/// A machine that is no Node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanOutside {
    /// Its name.
    pub name: String,
    /// Its addresses with their networks; behind the router the networks do not matter.
    pub addresses: Vec<IpNet>,
    /// Whether it is on the Nodes' LAN; else it is behind the router.
    pub on_lan: bool,
    /// Who listens on it.
    pub sockets: Vec<Socket>,
}
