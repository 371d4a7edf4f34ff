//! One host's packet path: hooks, routing, connection tracking and NAT, in the kernel's order.
//!
//! ```text
//!  in ─► PREROUTING ─► route ─┬─► FORWARD ──────────────┬─► POSTROUTING ─► out
//!        raw, conntrack,      │   mangle, filter, ipvs  │   mangle, nat, confirm
//!        mangle, nat          └─► INPUT ─► process ─► route ─► OUTPUT
//!                                 mangle, filter,            raw, conntrack, mangle, nat,
//!                                 ipvs, nat, confirm         ipvs, (route again,) filter
//! ```
//!
//! Sources: Linux `include/uapi/linux/netfilter_ipv4.h` (priorities), `net/ipv4/ip_input.c`,
//! `ip_forward.c`, `ip_output.c`, `route.c`, `icmp.c`, `net/netfilter/nf_nat_core.c`,
//! `net/bridge/br_netfilter_hooks.c`. Left out: reverse path filters (`rp_filter` is 0),
//! redirects, ICMP rate limits, fragments and path MTU, neighbours (whoever knows the wires).

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::RuleAt;
use super::chance::Chance;
use super::conntrack::{Belongs, Connection, Conntrack, Phase, Tuple, Way};
use super::ipset::Sets;
use super::iptables::{Rule, Tables};
use super::ipvs::{IpvsState, Servers};
use super::memory::Memory;
use super::nft;
use super::path::Path;
use super::route::Routing;
use super::trace::Trace;
use crate::net::{IcmpMessage, IpFamily, Packet, TcpFlags, Transport};

/// A host as it is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Devices, addresses, routes.
    pub routing: Routing,
    /// `net.ipv4.ip_forward`, `net.ipv6.conf.all.forwarding`.
    pub forwarding: bool,
    /// `net.ipv4.conf.all.route_localnet`.
    pub route_localnet: bool,
    /// `net.bridge.bridge-nf-call-iptables` and `-ip6tables`: rules see what a bridge carries.
    pub bridge_netfilter: bool,
    /// IPv4's iptables rules, shared between copies of the host. Without rules of either kind
    /// packets pass without hooks and are not tracked.
    pub rules_v4: Option<Arc<Tables>>,
    /// IPv6's iptables rules.
    pub rules_v6: Option<Arc<Tables>>,
    /// IPv4's nftables rules, which see a packet beside iptables' at the same hooks.
    pub nft_v4: Option<Arc<nft::Ruleset>>,
    /// IPv6's nftables rules.
    pub nft_v6: Option<Arc<nft::Ruleset>>,
    /// IPv4's virtual servers.
    pub ipvs_v4: Option<Arc<Servers>>,
    /// IPv6's virtual servers.
    pub ipvs_v6: Option<Arc<Servers>>,
    /// The ipsets, which rules of both families look into.
    pub sets: Arc<Sets>,
}

impl Host {
    /// A host without rules that forwards nothing: a Pod, a laptop.
    #[must_use]
    pub fn new(routing: Routing) -> Self {
        Self {
            routing,
            forwarding: false,
            route_localnet: false,
            bridge_netfilter: true,
            rules_v4: None,
            rules_v6: None,
            nft_v4: None,
            nft_v6: None,
            ipvs_v4: None,
            ipvs_v6: None,
            sets: Arc::default(),
        }
    }

    /// The iptables rules that see packets of a family.
    #[must_use]
    pub fn tables(&self, family: IpFamily) -> Option<&Tables> {
        match family {
            IpFamily::IPv4 => self.rules_v4.as_deref(),
            IpFamily::IPv6 => self.rules_v6.as_deref(),
        }
    }

    /// The nftables rules that see packets of a family.
    #[must_use]
    pub fn nft(&self, family: IpFamily) -> Option<&nft::Ruleset> {
        match family {
            IpFamily::IPv4 => self.nft_v4.as_deref(),
            IpFamily::IPv6 => self.nft_v6.as_deref(),
        }
    }

    /// The virtual servers that see packets of a family.
    #[must_use]
    pub fn ipvs(&self, family: IpFamily) -> Option<&Servers> {
        match family {
            IpFamily::IPv4 => self.ipvs_v4.as_deref(),
            IpFamily::IPv6 => self.ipvs_v6.as_deref(),
        }
    }

    /// Whether there are rules of any kind and family: only then something is remembered.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        [IpFamily::IPv4, IpFamily::IPv6].into_iter().any(|family| {
            self.tables(family).is_some()
                || self.nft(family).is_some()
                || self.ipvs(family).is_some()
        })
    }

    /// What a rule's comment says.
    #[must_use]
    pub fn comment(&self, family: IpFamily, at: &RuleAt) -> Option<&str> {
        let iptables = self.tables(family).and_then(|tables| tables.rule(at));
        if let Some(rule) = iptables {
            return rule.comment.as_deref();
        }
        self.nft(family)?.rule(at)?.comment.as_deref()
    }

    /// Whether a rule sends on those that came before: it asks a list of recent addresses, or a
    /// set that rules add to.
    #[must_use]
    pub fn remembers(&self, family: IpFamily, at: &RuleAt) -> bool {
        let iptables = self.tables(family).and_then(|tables| tables.rule(at));
        iptables.is_some_and(Rule::remembers)
            || self.nft(family).is_some_and(|rules| rules.remembers(at))
    }
}

/// What a host remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostState {
    /// Its connections.
    pub conntrack: Conntrack,
    /// What its rules remember.
    pub memory: Memory,
    /// What IPVS remembers.
    pub ipvs: IpvsState,
}

impl HostState {
    /// Forgets what has expired.
    pub fn expire(&mut self, now_ms: u64) {
        self.conntrack.expire(now_ms);
        self.ipvs.expire(now_ms);
    }

    /// Notes that the connection to which packets of this tuple belong is open now, or closed: the
    /// packets by which the two ends agreed on it are not sent one by one.
    pub fn settle(&mut self, tuple: &Tuple, phase: Phase, now_ms: u64) {
        self.conntrack.settle(tuple, phase, now_ms);
        self.ipvs.settle(tuple, phase, now_ms);
    }
}

/// A packet on a host, as the kernel's `struct sk_buff`: with what it quotes and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skb {
    /// The packet.
    pub packet: Packet,
    /// What an ICMP error quotes: the packet that it is about.
    pub inner: Option<Packet>,
    /// Its connection on this host.
    pub belongs: Belongs,
    /// Whether IPVS on this host passed it on (`skb->ipvs_property`): it does so once.
    pub ipvs: bool,
}

impl Skb {
    /// A packet that nobody has looked at.
    #[must_use]
    pub fn new(packet: Packet) -> Self {
        Self {
            packet,
            inner: None,
            belongs: Belongs::Unknown,
            ipvs: false,
        }
    }

    /// The same as it arrives at another host: mark and connection stay behind.
    #[must_use]
    pub fn on_the_wire(&self) -> Self {
        Self {
            packet: Packet {
                mark: 0,
                ..self.packet
            },
            inner: self.inner,
            belongs: Belongs::Unknown,
            ipvs: false,
        }
    }
}

/// When it happens, and what chance says.
pub struct Moment<'a> {
    /// Virtual time in milliseconds.
    pub now_ms: u64,
    /// Where draws and ports come from.
    pub chance: &'a mut dyn Chance,
    /// Whether rules are only counted: then the passage's trace says nothing of each.
    pub quiet: bool,
}

/// What became of a packet on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Fate {
    /// To a process of this host, or to its own stack.
    Delivered,
    /// Out by a device.
    Sent {
        /// The device's index.
        device: usize,
        /// Whom the frame is for.
        next_hop: IpAddr,
    },
    /// A rule threw it away in silence.
    Dropped {
        /// The rule.
        by: RuleAt,
    },
    /// A rule threw it away and told the sender.
    Rejected {
        /// The rule.
        by: RuleAt,
    },
    /// It got lost for another reason.
    Lost {
        /// The reason.
        why: Loss,
    },
}

/// Why a packet got lost without a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Loss {
    /// It came in with this host's own address, or a loopback's, as its source.
    MartianSource,
    /// It came in for a loopback address.
    MartianDestination,
    /// The host forwards nothing.
    NotForwarding,
    /// A route throws such packets away.
    Blackhole,
    /// A route refuses such packets.
    Unreachable,
    /// There is no route.
    NoRoute,
    /// Its TTL ended.
    TimeExceeded,
    /// The connection table is full.
    TableFull,
    /// Masquerade found no address to take.
    NoAddress,
    /// The real server of its connection is gone (IPVS).
    ServerGone,
    /// Too many rules were looked at.
    GaveUp,
}

/// What was rewritten, and by which rule where one did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rewrite {
    /// Whether the destination changed; else the source.
    pub destination: bool,
    /// Whether a former rewriting was undone.
    pub undone: bool,
    /// The rule, for what a rule did to this very packet's connection.
    pub by: Option<RuleAt>,
}

/// A packet's way through one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The packet as it came.
    pub before: Packet,
    /// The packet at the end.
    pub skb: Skb,
    /// What became of it.
    pub fate: Fate,
    /// What the host's stack says to the sender; to be sent with [`Host::send`].
    pub error: Option<Box<Skb>>,
    /// What the rules said.
    pub trace: Trace,
    /// What was rewritten, in order.
    pub rewrites: Vec<Rewrite>,
    /// The first tuple of the connection to which the packet belongs, if to one.
    pub tuple: Option<Tuple>,
    /// The connection as it was at the end; not where rules are only counted.
    pub connection: Option<Box<Connection>>,
}

impl Passage {
    /// One without rules: through a machine that is no Linux host.
    #[must_use]
    pub fn of(before: Packet, skb: Skb, fate: Fate) -> Self {
        Self {
            before,
            skb,
            fate,
            error: None,
            trace: Trace::new(true),
            rewrites: Vec::new(),
            tuple: None,
            connection: None,
        }
    }
}

impl Host {
    /// A packet comes in by a device.
    pub fn receive(
        &self,
        state: &mut HostState,
        moment: &mut Moment<'_>,
        device: usize,
        skb: Skb,
    ) -> Passage {
        self.run(state, moment, skb, |path| path.receive(device))
    }

    /// A process, or the host's own stack, sends a packet.
    pub fn send(&self, state: &mut HostState, moment: &mut Moment<'_>, skb: Skb) -> Passage {
        self.run(state, moment, skb, |path| path.send())
    }

    /// A frame passes a bridge of this host from one port to another.
    pub fn bridge(
        &self,
        state: &mut HostState,
        moment: &mut Moment<'_>,
        device: usize,
        skb: Skb,
    ) -> Passage {
        self.run(state, moment, skb, |path| path.bridge(device))
    }

    /// The error that this host sends about a packet: from the address that the packet was for if
    /// it is this host's, else from the one that fits the way back. Errors about errors are never
    /// sent (RFC 1122, 3.2.2).
    #[must_use]
    pub fn error_about(&self, state: &HostState, skb: &Skb, message: IcmpMessage) -> Option<Skb> {
        if skb.inner.is_some() {
            return None;
        }
        let quoted = skb.packet;
        let src = if self.routing.is_local(quoted.dst) {
            quoted.dst
        } else {
            self.routing.source_for(quoted.src)?
        };
        Some(Skb {
            packet: Packet::new(src, quoted.src, Transport::Icmp { message, id: 0 }),
            inner: Some(Packet { mark: 0, ..quoted }),
            belongs: attached(&skb.belongs, &state.conntrack),
            ipvs: false,
        })
    }

    fn run(
        &self,
        state: &mut HostState,
        moment: &mut Moment<'_>,
        skb: Skb,
        walk: impl FnOnce(&mut Path<'_, '_>) -> Result<Fate, Fate>,
    ) -> Passage {
        let before = skb.packet;
        let family = IpFamily::of(before.dst);
        state.expire(moment.now_ms);
        let mut path = Path {
            host: self,
            tables: self.tables(family),
            nft: self.nft(family),
            ipvs: self.ipvs(family),
            state,
            trace: Trace::new(moment.quiet),
            moment,
            skb,
            error: None,
            rewrites: Vec::new(),
        };
        let (Ok(fate) | Err(fate)) = walk(&mut path);
        let connection = match &path.skb.belongs {
            Belongs::New(connection) | Belongs::Related(connection, _) => Some(&**connection),
            Belongs::Known(id, _) => path.state.conntrack.connection(*id),
            Belongs::Unknown | Belongs::Invalid | Belongs::Untracked => None,
        };
        let tuple = connection.map(|connection| connection.original);
        let connection = connection.filter(|_| !path.trace.is_quiet());
        let connection = connection.map(|connection| Box::new(connection.clone()));
        Passage {
            before,
            fate,
            error: path.error.map(Box::new),
            trace: path.trace,
            rewrites: path.rewrites,
            tuple,
            connection,
            skb: path.skb,
        }
    }
}

/// The connection of an error or a reset that netfilter or the IP layer itself makes about a
/// packet (`nf_ct_attach`): related, going the other way.
pub(super) fn attached(belongs: &Belongs, table: &Conntrack) -> Belongs {
    let related =
        |connection: &Connection, way| Belongs::Related(Box::new(connection.clone()), way);
    match belongs {
        Belongs::New(connection) => related(connection, Way::Reply),
        Belongs::Related(connection, way) => related(connection, way.other()),
        Belongs::Known(id, way) => match table.connection(*id) {
            Some(connection) => related(connection, way.other()),
            None => Belongs::Unknown,
        },
        Belongs::Unknown | Belongs::Invalid => Belongs::Unknown,
        Belongs::Untracked => Belongs::Untracked,
    }
}

/// The reset that a host's stack sends about a TCP segment that nobody waits for; about a reset
/// there is none.
#[must_use]
pub fn reset_about(skb: &Skb) -> Option<Skb> {
    let Transport::Tcp {
        sport,
        dport,
        flags,
    } = skb.packet.transport
    else {
        return None;
    };
    if flags.rst {
        return None;
    }
    Some(Skb {
        packet: Packet::new(
            skb.packet.dst,
            skb.packet.src,
            Transport::Tcp {
                sport: dport,
                dport: sport,
                flags: TcpFlags::RST,
            },
        ),
        inner: None,
        belongs: Belongs::Unknown,
        ipvs: false,
    })
}
