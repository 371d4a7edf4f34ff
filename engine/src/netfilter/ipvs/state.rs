//! What IPVS remembers: connections, which client stays with whom, whose turn it is.
//!
//! Timeouts are the kernel's (`tcp_timeouts`, `udp_timeouts`, `sctp_timeouts` in
//! `ip_vs_proto_*.c`): TCP 60 s until the handshake is over, 15 minutes open, 120 s once closed;
//! UDP 300 s; SCTP 60 s and 15 minutes. A template of persistence counts from the last connection
//! that was opened by it; as long as one of these lives, it is looked after again every 60 s
//! (`ip_vs_conn_expire`).

use std::net::{IpAddr, SocketAddr};

use super::scheduler::{self, Load, Turn};
use super::server::VirtualServer;
use crate::net::Protocol;
use crate::netfilter::conntrack::{FlowProtocol, Phase, Tuple, Way};
use crate::netfilter::flow_table::{Flow, FlowTable};

/// What IPVS of one host remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpvsState {
    /// Their tuples: as the client's packets come, and as the real server's come.
    connections: FlowTable<IpvsConnection>,
    templates: Vec<Template>,
    turns: Vec<((Protocol, SocketAddr), Turn)>,
    /// Nothing expires before this.
    quiet_until_ms: u64,
}

/// A connection that IPVS passes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpvsConnection {
    /// The protocol.
    pub protocol: Protocol,
    /// The client, as it came.
    pub client: SocketAddr,
    /// The virtual server that it asked.
    pub virtual_server: SocketAddr,
    /// The real server that it got.
    pub real_server: SocketAddr,
    /// How far it is.
    pub phase: Phase,
    /// When it is forgotten, in milliseconds of virtual time.
    pub expires_ms: u64,
}

/// A client stays with a real server.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Template {
    protocol: Protocol,
    client: IpAddr,
    virtual_server: SocketAddr,
    real_server: SocketAddr,
    expires_ms: u64,
}

/// How often a template is looked after whose connections still live, in milliseconds.
const LOOK_AGAIN_MS: u64 = 60_000;

impl Flow for IpvsConnection {
    fn tuple(&self, way: Way) -> Tuple {
        let (from, to) = match way {
            Way::Original => (self.client, self.virtual_server),
            Way::Reply => (self.real_server, self.client),
        };
        Tuple {
            protocol: FlowProtocol::from(self.protocol),
            src: from.ip(),
            dst: to.ip(),
            sport: from.port(),
            dport: to.port(),
        }
    }
}

impl IpvsConnection {
    fn lifetime_ms(&self) -> u64 {
        let seconds = match (self.protocol, self.phase) {
            (Protocol::Udp, _) => 300,
            (_, Phase::Opening) => 60,
            (_, Phase::Open) => 900,
            (Protocol::Tcp, Phase::Closed) => 120,
            (_, Phase::Closed | Phase::Reset) => 10,
        };
        seconds * 1000
    }

    /// Whether it counts as open (`activeconns`): a TCP connection until it is closed, others as
    /// long as they are remembered.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.protocol != Protocol::Tcp || matches!(self.phase, Phase::Opening | Phase::Open)
    }
}

/// How a real server was found for a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// By the scheduler.
    Scheduled,
    /// The client was sent there before.
    Persistent,
}

impl IpvsState {
    /// The connections, in the order in which they were opened.
    pub fn connections(&self) -> impl Iterator<Item = &IpvsConnection> {
        self.connections.iter()
    }

    /// Whether it passes nothing on at the moment.
    pub(in crate::netfilter) fn is_idle(&self) -> bool {
        self.connections.len() == 0
    }

    /// The connection that packets of this tuple belong to, and whether they come from the client.
    pub(super) fn find(&self, tuple: &Tuple) -> Option<(u64, Way)> {
        self.connections.find(tuple)
    }

    pub(super) fn connection(&self, id: u64) -> Option<&IpvsConnection> {
        self.connections.get(id)
    }

    /// Forgets what has expired.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        if now_ms < self.quiet_until_ms {
            return;
        }
        let dead = (self.connections).numbers(|connection| connection.expires_ms <= now_ms);
        // The last end of a connection that each template let in counts for the template.
        for template in &mut self.templates {
            while template.expires_ms <= now_ms {
                let lives = self.connections.iter().any(|connection| {
                    template.covers(connection) && connection.expires_ms > template.expires_ms
                });
                if !lives {
                    break;
                }
                template.expires_ms += LOOK_AGAIN_MS;
            }
        }
        self.templates
            .retain(|template| template.expires_ms > now_ms);
        for id in dead {
            self.forget(id);
        }
        self.connections.close_up();
        let connections = self.connections.iter().map(|own| own.expires_ms);
        let templates = self.templates.iter().map(|own| own.expires_ms);
        self.quiet_until_ms = connections.chain(templates).min().unwrap_or(u64::MAX);
    }

    pub(super) fn forget(&mut self, id: u64) {
        self.connections.remove(id);
    }

    /// Finds a real server for a client's new connection: its index, and how.
    pub(super) fn schedule(
        &mut self,
        server: &VirtualServer,
        client: SocketAddr,
        now_ms: u64,
    ) -> Option<(usize, Found)> {
        let key = (server.protocol, server.address);
        let expires_ms =
            (server.persistence_seconds).map(|seconds| now_ms + u64::from(seconds) * 1000);
        let template = expires_ms.and_then(|_| {
            self.templates.iter().position(|template| {
                template.client == client.ip()
                    && (template.protocol, template.virtual_server) == key
            })
        });
        if let (Some(place), Some(expires_ms)) = (template, expires_ms) {
            let real = self.templates[place].real_server;
            // A server that is gone or has no weight keeps nobody (expire_quiescent_template).
            let stays = (server.real.iter()).position(|own| own.address == real && own.weight > 0);
            if let Some(index) = stays {
                self.templates[place].expires_ms = expires_ms;
                return Some((index, Found::Persistent));
            }
            self.templates.remove(place);
        }
        let place = self.turns.iter().position(|(own, _)| *own == key);
        let place = place.unwrap_or_else(|| {
            self.turns.push((key, Turn::default()));
            self.turns.len() - 1
        });
        let mut turn = std::mem::take(&mut self.turns[place].1);
        let load = |real: SocketAddr| self.load(server, real);
        let chosen = scheduler::choose(server, &mut turn, (client.ip(), client.port()), load);
        self.turns[place].1 = turn;
        let index = chosen?;
        if let Some(expires_ms) = expires_ms {
            self.templates.push(Template {
                protocol: server.protocol,
                client: client.ip(),
                virtual_server: server.address,
                real_server: server.real[index].address,
                expires_ms,
            });
            self.quiet_until_ms = self.quiet_until_ms.min(expires_ms);
        }
        Some((index, Found::Scheduled))
    }

    /// The connections that a real server has by one virtual server.
    fn load(&self, server: &VirtualServer, real: SocketAddr) -> Load {
        let (mut active, mut inactive) = (0, 0);
        for connection in self.connections.iter() {
            if connection.real_server == real
                && connection.protocol == server.protocol
                && connection.virtual_server == server.address
            {
                if connection.is_active() {
                    active += 1;
                } else {
                    inactive += 1;
                }
            }
        }
        (active, inactive)
    }

    /// Remembers a new connection.
    pub(super) fn open(
        &mut self,
        server: &VirtualServer,
        client: SocketAddr,
        index: usize,
        now_ms: u64,
    ) -> u64 {
        let mut connection = IpvsConnection {
            protocol: server.protocol,
            client,
            virtual_server: server.address,
            real_server: server.real[index].address,
            phase: Phase::Opening,
            expires_ms: 0,
        };
        connection.expires_ms = now_ms + connection.lifetime_ms();
        self.quiet_until_ms = self.quiet_until_ms.min(connection.expires_ms);
        self.connections.insert(connection)
    }

    /// Notes a packet of a connection.
    pub(super) fn refresh(&mut self, id: u64, now_ms: u64) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.expires_ms = now_ms + connection.lifetime_ms();
        }
    }

    /// Forgets the UDP connections to real servers for which this holds.
    pub fn delete_udp(&mut self, which: impl Fn(SocketAddr) -> bool) {
        let udp = |own: &IpvsConnection| own.protocol == Protocol::Udp && which(own.real_server);
        for id in self.connections.numbers(udp) {
            self.forget(id);
        }
    }

    /// Notes that the connection of this tuple is open now, or closed.
    pub(crate) fn settle(&mut self, tuple: &Tuple, phase: Phase, now_ms: u64) {
        if let Some((id, _)) = self.find(tuple) {
            self.set_phase(id, phase, now_ms);
        }
    }

    pub(super) fn set_phase(&mut self, id: u64, phase: Phase, now_ms: u64) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.phase = phase;
            connection.expires_ms = now_ms + connection.lifetime_ms();
            self.quiet_until_ms = self.quiet_until_ms.min(connection.expires_ms);
        }
    }
}

impl Template {
    fn covers(&self, connection: &IpvsConnection) -> bool {
        self.client == connection.client.ip()
            && self.protocol == connection.protocol
            && self.virtual_server == connection.virtual_server
            && self.real_server == connection.real_server
    }
}
