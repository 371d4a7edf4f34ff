//! A connection that is opened as a like one was opened before, without the rules.
//!
//! Two requests of one client differ in the source port and in what chance says. Whoever has walked
//! one ([`crate::network`]) knows from the passages' traces what each host asked ([`super::trace::Step`])
//! and whether anything else had a say ([`Trace::is_alone`](super::Trace::is_alone)). The next one
//! then needs of each host only what is here: whether the tuple is free ([`HostState::opens`]),
//! which source NAT gives it ([`Source::choose`], with the same table and the same chance as
//! [`super::nat`]), and a place in the table ([`HostState::open_again`]).

use std::net::IpAddr;

use super::chance::Chance;
use super::conntrack::{Belongs, Connection, Tuple};
use super::host::{HostState, Passage};
use super::iptables::NatRange;
use super::nat::{self, Side};

/// A connection that a passage opened.
pub(crate) struct Opened {
    /// As it stands after the request.
    pub(crate) connection: Connection,
    /// Whether it came into the table: a packet that was thrown away before leaves none.
    pub(crate) confirmed: bool,
}

impl Opened {
    /// The connection that a passage opened on a host, now that the request is over.
    pub(crate) fn by(passage: &Passage, host: &HostState) -> Option<Self> {
        if let Belongs::New(connection) = &passage.skb.belongs {
            return Some(Self {
                connection: (**connection).clone(),
                confirmed: false,
            });
        }
        let connection = host.conntrack.of(passage.tuple.as_ref()?)?;
        Some(Self {
            connection: connection.clone(),
            confirmed: true,
        })
    }

    /// The source port with which its packets left the host.
    pub(crate) fn port(&self) -> u16 {
        self.connection.reply.inverted().sport
    }

    /// How its source was decided, if it was within this range.
    pub(crate) fn source(&self, range: &NatRange) -> Source {
        let own = &self.connection;
        let chosen = own.reply.inverted();
        Source {
            current: Tuple {
                src: own.original.src,
                sport: 0,
                ..chosen
            },
            range: range.clone(),
            address: chosen.src,
            translated: own.snat,
        }
    }
}

/// How the source of a new connection is decided.
#[derive(PartialEq, Eq)]
pub(crate) struct Source {
    /// The connection's tuple after the translation of its destination, without the source port.
    current: Tuple,
    range: NatRange,
    /// What became of it: rules may tell by it.
    address: IpAddr,
    translated: bool,
}

impl Source {
    /// Decides the source of a connection that comes with this port: the port that it leaves with.
    /// `None` if what becomes of it is not what became of the other one.
    #[inline]
    pub(crate) fn choose(
        &self,
        host: &HostState,
        port: u16,
        chance: &mut dyn Chance,
    ) -> Option<u16> {
        let table = &host.conntrack;
        let current = Tuple {
            sport: port,
            ..self.current
        };
        let (chosen, free) = nat::choose(&current, Side::Source, &self.range, table, chance);
        let like = chosen.src == self.address
            && (chosen != current) == self.translated
            && (free || !table.taken(&chosen.inverted()));
        like.then_some(chosen.sport)
    }
}

impl HostState {
    /// Whether the first packet of a connection of this tuple opens it on this host. One that has
    /// ended is forgotten for it.
    #[inline]
    pub(crate) fn opens(&mut self, tuple: &Tuple) -> bool {
        // IPVS may know the tuple, too, from before it was switched off.
        self.ipvs.is_idle() && !self.conntrack.is_full() && self.conntrack.makes_way(tuple)
    }

    /// Notes a connection that is like another one of this moment, but for the source ports with
    /// which its packets come and leave.
    #[inline]
    pub(crate) fn open_again(&mut self, like: &Connection, comes: u16, leaves: u16) {
        let mut connection = like.clone();
        connection.original.sport = comes;
        connection.reply = Tuple {
            sport: leaves,
            ..connection.reply.inverted()
        }
        .inverted();
        self.conntrack.put(connection);
    }
}
