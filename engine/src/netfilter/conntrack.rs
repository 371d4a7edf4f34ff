//! Connection tracking: which packets belong together, and what NAT promised them.
//!
//! A connection has two tuples: the one of its first packet, and the one that a reply must have.
//! NAT changes the second; every later packet is rewritten by comparing both. Sources: Linux
//! `net/netfilter/nf_conntrack_core.c`, `nf_conntrack_proto_tcp.c`, `_udp.c`, `_icmp.c`.
//!
//! Modelled: new, answered, related and invalid packets, confirmation at the end of the path,
//! timeouts, marks. Left out: zones, helpers, TCP windows, fragments, and the single steps of TCP's
//! handshake and closing: whoever sends the packets says when a connection is open and when it is
//! closed ([`super::HostState::settle`]).

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::RuleAt;
use super::flow_table::{Flow, FlowTable};
use crate::limits::MAX_CONNECTIONS;
use crate::net::{IcmpMessage, Packet, Protocol, Transport};

/// A protocol that connections are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// ICMP echo: the source port is its identifier, the destination port 8 for a request.
    Icmp,
}

/// One direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tuple {
    /// The protocol.
    pub protocol: FlowProtocol,
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
}

impl Tuple {
    /// A packet's tuple; ICMP errors have none of their own.
    #[must_use]
    pub fn of(packet: &Packet) -> Option<Self> {
        let (protocol, sport, dport) = match packet.transport {
            Transport::Tcp { sport, dport, .. } => (FlowProtocol::Tcp, sport, dport),
            Transport::Udp { sport, dport } => (FlowProtocol::Udp, sport, dport),
            Transport::Sctp { sport, dport } => (FlowProtocol::Sctp, sport, dport),
            Transport::Icmp { message, id } => match message {
                IcmpMessage::EchoRequest => (FlowProtocol::Icmp, id, 8),
                IcmpMessage::EchoReply => (FlowProtocol::Icmp, id, 0),
                _ => return None,
            },
        };
        Some(Self {
            protocol,
            src: packet.src,
            dst: packet.dst,
            sport,
            dport,
        })
    }

    /// The tuple of the answer.
    #[must_use]
    pub fn inverted(&self) -> Self {
        let (sport, dport) = match (self.protocol, self.dport) {
            (FlowProtocol::Icmp, 8) => (self.sport, 0),
            (FlowProtocol::Icmp, _) => (self.sport, 8),
            _ => (self.dport, self.sport),
        };
        Self {
            protocol: self.protocol,
            src: self.dst,
            dst: self.src,
            sport,
            dport,
        }
    }
}

/// A direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// As the first packet went.
    Original,
    /// Back.
    Reply,
}

impl Way {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Original => Self::Reply,
            Self::Reply => Self::Original,
        }
    }
}

impl From<Protocol> for FlowProtocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Tcp => Self::Tcp,
            Protocol::Udp => Self::Udp,
            Protocol::Sctp => Self::Sctp,
        }
    }
}

/// How far a connection is. Only TCP's and SCTP's change; others stay at the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// The handshake is not over (`SYN_SENT`, `SYN_RECV`).
    #[default]
    Opening,
    /// `ESTABLISHED`.
    Open,
    /// Both sides have closed it (`TIME_WAIT`).
    Closed,
    /// A reset ended it (`CLOSE`).
    Reset,
}

/// A tracked connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// The tuple of its first packet, as it came.
    pub original: Tuple,
    /// The tuple that a reply has, as it comes.
    pub reply: Tuple,
    /// Whether a reply was seen.
    pub answered: bool,
    /// How far it is.
    pub phase: Phase,
    /// When its first packet passed, in milliseconds of virtual time.
    pub since_ms: u64,
    /// Whether its source is translated.
    pub snat: bool,
    /// Whether its destination is translated.
    pub dnat: bool,
    /// The connection's mark.
    pub mark: u32,
    /// When it is forgotten, in milliseconds of virtual time.
    pub expires_ms: u64,
    /// The rule that translated its destination.
    pub dnat_by: Option<Arc<RuleAt>>,
    /// The rule that translated its source.
    pub snat_by: Option<Arc<RuleAt>>,
    /// Whether the destination's translation is decided; it is once.
    pub(super) dnat_done: bool,
    /// The same of the source.
    pub(super) snat_done: bool,
}

impl Connection {
    /// A new connection, not translated.
    fn new(original: Tuple) -> Self {
        Self {
            original,
            reply: original.inverted(),
            answered: false,
            phase: Phase::Opening,
            since_ms: 0,
            snat: false,
            dnat: false,
            mark: 0,
            expires_ms: 0,
            dnat_by: None,
            snat_by: None,
            dnat_done: false,
            snat_done: false,
        }
    }

    /// The tuple of packets that go this way, as they come.
    #[must_use]
    pub fn tuple(&self, way: Way) -> &Tuple {
        match way {
            Way::Original => &self.original,
            Way::Reply => &self.reply,
        }
    }
}

impl Flow for Connection {
    fn tuple(&self, way: Way) -> Tuple {
        *self.tuple(way)
    }
}

/// To which connection a packet belongs. It travels with the packet on one host, also through
/// its loopback, as `skb->_nfct` does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Belongs {
    /// Not looked at yet.
    #[default]
    Unknown,
    /// To none, and it cannot open one.
    Invalid,
    /// To none, on purpose (NOTRACK).
    Untracked,
    /// To one that is not confirmed yet.
    New(Box<Connection>),
    /// To one in the table.
    Known(u64, Way),
    /// An error about a connection; it travels this way of it.
    Related(Box<Connection>, Way),
}

/// The connections of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conntrack {
    connections: FlowTable<Connection>,
    /// Nothing expires before this.
    quiet_until_ms: u64,
}

/// The table is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TableFull;

impl Conntrack {
    /// The connections, in the order in which they were confirmed.
    pub fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A connection by number.
    #[must_use]
    pub fn connection(&self, id: u64) -> Option<&Connection> {
        self.connections.get(id)
    }

    pub(super) fn connection_mut(&mut self, id: u64) -> Option<&mut Connection> {
        self.connections.get_mut(id)
    }

    /// Forgets what has expired.
    pub fn expire(&mut self, now_ms: u64) {
        if now_ms < self.quiet_until_ms {
            return;
        }
        self.delete(|connection| connection.expires_ms <= now_ms);
        self.connections.close_up();
        let next = self.connections.iter().map(|c| c.expires_ms).min();
        self.quiet_until_ms = next.unwrap_or(u64::MAX);
    }

    /// Forgets the connections for which this holds (`conntrack -D`).
    pub fn delete(&mut self, which: impl Fn(&Connection) -> bool) {
        for id in self.connections.numbers(which) {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: u64) {
        self.connections.remove(id);
    }

    /// Whether a tuple is somebody's already.
    pub(super) fn taken(&self, tuple: &Tuple) -> bool {
        self.connections.find(tuple).is_some()
    }

    /// The connection to which packets of a tuple belong.
    pub(super) fn of(&self, tuple: &Tuple) -> Option<&Connection> {
        let (id, _) = self.connections.find(tuple)?;
        self.connections.get(id)
    }

    /// Whether the first packet of a connection of this tuple would open it here. One that has ended
    /// is forgotten for it, as [`Self::reopens`] says.
    pub(super) fn makes_way(&mut self, tuple: &Tuple) -> bool {
        let Some((id, way)) = self.connections.find(tuple) else {
            return true;
        };
        let ended = (self.connections.get(id))
            .is_some_and(|own| matches!(own.phase, Phase::Closed | Phase::Reset));
        let reopens = tuple.protocol == FlowProtocol::Tcp && ended && way == Way::Original;
        if reopens {
            self.forget(id);
        }
        reopens
    }

    /// Whether there is no place for one more.
    pub(super) fn is_full(&self) -> bool {
        self.connections.len() >= MAX_CONNECTIONS
    }

    /// Puts a connection into the table that is like one that was put there and went on in this very
    /// moment: its times stand already.
    pub(super) fn put(&mut self, connection: Connection) {
        self.connections.insert(connection);
    }

    /// To which connection a packet belongs; `inner` is what an ICMP error quotes.
    pub(super) fn classify(&mut self, packet: &Packet, inner: Option<&Packet>) -> Belongs {
        let Some(tuple) = Tuple::of(packet) else {
            // An error belongs where the packet that it quotes belongs, going the other way.
            let found = inner
                .and_then(Tuple::of)
                .and_then(|quoted| self.connections.find(&quoted.inverted()))
                .and_then(|(id, way)| Some((self.connections.get(id)?.clone(), way)));
            return match found {
                Some((connection, way)) => Belongs::Related(Box::new(connection), way),
                None => Belongs::Invalid,
            };
        };
        if let Some((id, way)) = self.connections.find(&tuple) {
            return Belongs::Known(id, way);
        }
        if opens(packet) {
            Belongs::New(Box::new(Connection::new(tuple)))
        } else {
            Belongs::Invalid
        }
    }

    /// Puts a new connection into the table.
    pub(super) fn confirm(
        &mut self,
        connection: Connection,
        now_ms: u64,
    ) -> Result<u64, TableFull> {
        if self.is_full() {
            return Err(TableFull);
        }
        let mut connection = connection;
        connection.since_ms = now_ms;
        connection.expires_ms = now_ms + lifetime_ms(&connection, now_ms);
        self.quiet_until_ms = self.quiet_until_ms.min(connection.expires_ms);
        Ok(self.connections.insert(connection))
    }

    /// Notes a packet of a connection in the table.
    pub(super) fn refresh(&mut self, id: u64, way: Way, packet: &Packet, now_ms: u64) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let reset = matches!(packet.transport, Transport::Tcp { flags, .. } if flags.rst);
        if reset {
            connection.phase = Phase::Reset;
        }
        // A reset as the only answer ends a connection at once; this packet still needs it.
        let at_once = reset && !connection.answered;
        connection.answered |= way == Way::Reply;
        let lifetime = if at_once {
            1
        } else {
            lifetime_ms(connection, now_ms)
        };
        connection.expires_ms = now_ms + lifetime;
        self.quiet_until_ms = self.quiet_until_ms.min(connection.expires_ms);
    }

    /// Whether a packet opens a connection anew that was closed (`nf_conntrack_tcp_packet`): the
    /// old one is forgotten then.
    pub(super) fn reopens(&mut self, id: u64, way: Way, packet: &Packet) -> bool {
        let syn =
            matches!(packet.transport, Transport::Tcp { flags, .. } if flags.syn && !flags.ack);
        let ended = (self.connections.get(id))
            .is_some_and(|own| matches!(own.phase, Phase::Closed | Phase::Reset));
        let reopens = syn && ended && way == Way::Original;
        if reopens {
            self.forget(id);
        }
        reopens
    }

    /// Notes that the connection to which a packet of this tuple belongs is open now, or closed.
    pub(super) fn settle(&mut self, tuple: &Tuple, phase: Phase, now_ms: u64) {
        if let Some((id, _)) = self.connections.find(tuple)
            && let Some(connection) = self.connections.get_mut(id)
        {
            connection.phase = phase;
            connection.expires_ms = now_ms + lifetime_ms(connection, now_ms);
            self.quiet_until_ms = self.quiet_until_ms.min(connection.expires_ms);
        }
    }

    /// Forgets a connection once the packet under way has passed.
    pub(super) fn end(&mut self, id: u64, now_ms: u64) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.expires_ms = now_ms + 1;
            self.quiet_until_ms = self.quiet_until_ms.min(connection.expires_ms);
        }
    }
}

/// Whether a packet that belongs to nothing may open a connection. TCP: a SYN, or in loose mode
/// (`nf_conntrack_tcp_loose`, on) an ACK in mid-stream; never a SYN-ACK or a reset. ICMP: an echo
/// request.
fn opens(packet: &Packet) -> bool {
    match packet.transport {
        Transport::Tcp { flags, .. } => !(flags.rst || flags.syn && flags.ack),
        Transport::Icmp { message, .. } => message == IcmpMessage::EchoRequest,
        Transport::Udp { .. } | Transport::Sctp { .. } => true,
    }
}

/// How long a connection is remembered after its last packet, in milliseconds. The kernel's
/// defaults: TCP 120 s unanswered (`SYN_SENT`), 60 s answered (`SYN_RECV`), five days open, 120 s
/// closed (`TIME_WAIT`), 10 s after a reset; UDP 30 s, 120 s once it was answered and is older than
/// 2 s (a stream); SCTP 3 s, then 210 s; ICMP 30 s.
fn lifetime_ms(connection: &Connection, now_ms: u64) -> u64 {
    let answered = connection.answered;
    let seconds = match (connection.original.protocol, connection.phase) {
        (FlowProtocol::Tcp, Phase::Opening) if answered => 60,
        (FlowProtocol::Tcp, Phase::Opening | Phase::Closed) => 120,
        (FlowProtocol::Tcp, Phase::Open) => 432_000,
        (FlowProtocol::Tcp, Phase::Reset) => 10,
        (FlowProtocol::Udp, _) if answered && now_ms > connection.since_ms + 2_000 => 120,
        (FlowProtocol::Udp | FlowProtocol::Icmp, _) => 30,
        (FlowProtocol::Sctp, _) if answered => 210,
        (FlowProtocol::Sctp, _) => 3,
    };
    seconds * 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::TcpFlags;

    fn tcp(flags: TcpFlags) -> Packet {
        Packet::new(
            [10, 0, 0, 1].into(),
            [10, 0, 0, 2].into(),
            Transport::Tcp {
                sport: 40000,
                dport: 80,
                flags,
            },
        )
    }

    #[test]
    fn an_unknown_syn_ack_is_invalid_and_a_syn_is_new() {
        let mut table = Conntrack::default();
        assert_eq!(
            table.classify(&tcp(TcpFlags::SYN_ACK), None),
            Belongs::Invalid
        );
        assert_eq!(table.classify(&tcp(TcpFlags::RST), None), Belongs::Invalid);
        assert!(matches!(
            table.classify(&tcp(TcpFlags::SYN), None),
            Belongs::New(_)
        ));
    }

    #[test]
    fn a_confirmed_connection_knows_its_replies_and_its_errors_until_it_expires() {
        let mut table = Conntrack::default();
        let syn = tcp(TcpFlags::SYN);
        let Belongs::New(connection) = table.classify(&syn, None) else {
            panic!("a SYN opens");
        };
        let id = table.confirm(*connection, 0).unwrap();
        let reply = Packet::new(
            syn.dst,
            syn.src,
            Transport::Tcp {
                sport: 80,
                dport: 40000,
                flags: TcpFlags::SYN_ACK,
            },
        );
        assert_eq!(table.classify(&reply, None), Belongs::Known(id, Way::Reply));
        let error = Packet::new(
            [10, 0, 0, 9].into(),
            syn.src,
            Transport::Icmp {
                message: IcmpMessage::HostUnreachable,
                id: 0,
            },
        );
        assert!(matches!(
            table.classify(&error, Some(&syn)),
            Belongs::Related(_, Way::Reply)
        ));
        assert_eq!(table.classify(&error, Some(&reply.clone())), {
            let connection = table.connection(id).unwrap().clone();
            Belongs::Related(Box::new(connection), Way::Original)
        });
        table.expire(119_999);
        assert_eq!(table.connections().count(), 1);
        table.expire(120_000);
        assert_eq!(table.connections().count(), 0);
    }

    /// A packet on its way carries the number of its connection, past other packets of its moment,
    /// each of which forgets what has expired.
    #[test]
    fn a_number_holds_as_long_as_the_moment_in_which_it_was_given() {
        let from = |sport| {
            let mut packet = tcp(TcpFlags::SYN);
            packet.transport = packet.transport.with_ports(sport, 80);
            packet
        };
        let open = |table: &mut Conntrack, sport, now_ms| {
            let connection = Connection::new(Tuple::of(&from(sport)).unwrap());
            table.confirm(connection, now_ms).unwrap()
        };
        let (now_ms, way) = (1000, Way::Original);
        type Deed = fn(&mut Conntrack, u64, &Packet);
        let deeds: [Deed; 4] = [
            |_, _, _| {},
            |table, id, _| table.end(id, 1000),
            |table, id, syn| {
                let mut reset = *syn;
                if let Transport::Tcp { flags, .. } = &mut reset.transport {
                    *flags = TcpFlags::RST;
                }
                table.refresh(id, Way::Original, &reset, 1000);
            },
            |table, _, syn| table.settle(&Tuple::of(syn).unwrap(), Phase::Closed, 1000),
        ];
        for deed in deeds {
            let mut table = Conntrack::default();
            for sport in 1..=200 {
                open(&mut table, sport, 0);
            }
            table.expire(now_ms);
            let id = open(&mut table, 201, now_ms);
            // Most places become empty at once, and the first one does not.
            table.delete(|own| (2..=200).contains(&own.original.sport));
            deed(&mut table, id, &from(201));
            table.expire(now_ms);
            let belongs = table.classify(&from(201), None);
            assert_eq!(belongs, Belongs::Known(id, way));
            let own = table.connection(id).map(|own| own.original.sport);
            assert_eq!(own, Some(201));
            // And no longer: there is something to forget once more.
            table.settle(&Tuple::of(&from(201)).unwrap(), Phase::Open, now_ms);
            let short = open(&mut table, 202, now_ms);
            table.end(short, now_ms);
            table.expire(now_ms + 1);
            let belongs = table.classify(&from(201), None);
            assert!(matches!(belongs, Belongs::Known(new, Way::Original) if new != id));
        }
    }

    #[test]
    fn an_echo_is_told_apart_from_its_answer_even_on_one_address() {
        let ping = Packet::new(
            [127, 0, 0, 1].into(),
            [127, 0, 0, 1].into(),
            Transport::Icmp {
                message: IcmpMessage::EchoRequest,
                id: 7,
            },
        );
        let tuple = Tuple::of(&ping).unwrap();
        assert_ne!(tuple, tuple.inverted());
        assert_eq!(tuple, tuple.inverted().inverted());
    }
}
