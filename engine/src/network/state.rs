//! What the machines remember from request to request.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::balancer::Flows;
use super::exchange::{Ending, port_after};
use super::request::Sent;
use super::topology::Network;
use crate::limits::{MAX_CONNECTIONS, MAX_HELD_CONNECTIONS, MAX_PASSAGES};
use crate::net::{Packet, TcpFlags, Transport};
use crate::netfilter::HostState;
use crate::netfilter::conntrack::{Conntrack, Tuple};

/// What the machines remember from request to request, and what time it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Virtual time in milliseconds.
    pub now_ms: u64,
    pub(super) hosts: BTreeMap<String, HostState>,
    /// Connections that clients keep open; the one used last is the last.
    held: Vec<Held>,
    /// What load balancers remember.
    pub(super) flows: Flows,
}

/// A connection, or a UDP socket, that a client keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    client: String,
    sent: Sent,
    /// Its first packet, as the client sent it.
    first: Packet,
    /// The machine at the other end, for protocols that have one.
    server: Option<String>,
}

impl State {
    /// What a Node remembers: its connections, and the lists of its rules.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&HostState> {
        self.hosts.get(&format!("node/{name}"))
    }

    /// A copy to try one new connection on: it leaves out the connections that are there, which
    /// decide nothing about a new one, unless a table is all but full.
    pub(super) fn for_trial(&self) -> Self {
        let nearly_full = |host: &HostState| host.conntrack.len() + MAX_PASSAGES >= MAX_CONNECTIONS;
        if self.hosts.values().any(nearly_full) {
            return self.clone();
        }
        let bare = |(name, host): (&String, &HostState)| {
            let host = HostState {
                conntrack: Conntrack::default(),
                memory: host.memory.clone(),
                ipvs: host.ipvs.clone(),
            };
            (name.clone(), host)
        };
        Self {
            now_ms: self.now_ms,
            hosts: self.hosts.iter().map(bare).collect(),
            held: Vec::new(),
            flows: self.flows.clone(),
        }
    }

    /// How many connections all Nodes know together.
    #[must_use]
    pub fn connections(&self) -> usize {
        let counts = self.hosts.values().map(|host| host.conntrack.len());
        counts.sum()
    }

    /// The same as [`State::node`], to be changed: `conntrack -D` and the like.
    pub fn node_mut(&mut self, name: &str) -> &mut HostState {
        self.hosts.entry(format!("node/{name}")).or_default()
    }

    /// The connection that a client keeps to a target.
    pub(super) fn held(&self, client: &str, to: IpAddr, sent: Sent) -> Option<Held> {
        let same =
            |held: &&Held| held.client == client && held.first.dst == to && held.sent == sent;
        self.held.iter().find(same).cloned()
    }

    /// Whether any client keeps a connection open.
    pub(super) fn holds_any(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether a client keeps a connection open to which this packet would belong: it opens no other
    /// one by it.
    pub(super) fn keeps(&self, client: &str, packet: &Packet) -> bool {
        let tuple = Tuple::of(packet);
        let same = |held: &Held| held.client == client && Tuple::of(&held.first) == tuple;
        self.held.iter().any(same)
    }

    /// Notes how a request by a connection that is to be kept ended. A TCP connection that was not
    /// answered is given up; a UDP socket stays.
    pub(super) fn hold(
        &mut self,
        client: &str,
        sent: Sent,
        packet: Packet,
        network: &Network,
        ending: &Ending,
    ) {
        self.held.retain(|held| {
            held.client != client || held.first.dst != packet.dst || held.sent != sent
        });
        let connected = matches!(
            packet.transport,
            Transport::Tcp { .. } | Transport::Sctp { .. }
        );
        let server = match ending {
            Ending::Answered(server) => Some(network.machine(server.machine).key().to_owned()),
            _ if connected => return,
            _ => None,
        };
        if self.held.len() >= MAX_HELD_CONNECTIONS {
            self.held.remove(0);
        }
        self.held.push(Held {
            client: client.to_owned(),
            sent,
            first: packet,
            server: server.filter(|_| connected),
        });
    }
}

impl Held {
    /// The next packet that the client sends by it.
    pub(super) fn next_packet(&self) -> Packet {
        let transport = match self.first.transport {
            Transport::Tcp { sport, dport, .. } => Transport::Tcp {
                sport,
                dport,
                flags: TcpFlags::ACK,
            },
            other => other,
        };
        Packet {
            transport,
            ..self.first
        }
    }

    /// Whether a machine has the other end of it.
    pub(super) fn is_known_to(&self, machine: &str) -> bool {
        self.server
            .as_deref()
            .is_none_or(|server| server == machine)
    }
}

/// Source ports for many connections at once, each another one as long as there are any: a client
/// does not take a port again to the same target before its last connection from it is forgotten.
pub(super) struct PortSequence(u16);

impl PortSequence {
    /// Begins at a port.
    pub(super) fn from(port: u16) -> Self {
        Self(port)
    }

    pub(super) fn next(&mut self) -> u16 {
        let port = self.0;
        self.0 = port_after(port);
        port
    }
}
