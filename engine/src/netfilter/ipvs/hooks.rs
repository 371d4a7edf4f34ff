//! IPVS among a host's hooks.
//!
//! | hook | priority | what |
//! | --- | --- | --- |
//! | LOCAL_IN | 98, 99 | replies to this host's own processes; new and known connections from outside |
//! | LOCAL_OUT | -99, -98 | replies of this host's own servers; this host's own connections |
//! | FORWARD | 100 | replies that pass through |
//!
//! So the rules of PREROUTING and INPUT see a packet before its destination is rewritten (its
//! address is the host's own), and those of OUTPUT and POSTROUTING after: a packet for another host
//! is taken out of LOCAL_IN and passes LOCAL_OUT and POSTROUTING as if this host had sent it. The
//! connection table learns of the rewriting (`ip_vs_update_conntrack`), and does not count it as
//! its own NAT: IPVS rewrites each packet itself.

use std::net::SocketAddr;
use std::sync::Arc;

use super::server::VirtualServer;
use super::state::Found;
use crate::net::{IcmpMessage, Packet, Protocol, Transport};
use crate::netfilter::RuleAt;
use crate::netfilter::conntrack::{Belongs, Phase, Tuple, Way};
use crate::netfilter::host::{Fate, Loss, Rewrite};
use crate::netfilter::iptables::RejectWith;
use crate::netfilter::path::{Hook, Path, Ports, lost};
use crate::netfilter::route::Lookup;
use crate::netfilter::trace::{Doubt, Draw};

/// The address and port that a packet is from or for.
fn end(packet: &Packet, destination: bool) -> SocketAddr {
    let (address, port) = if destination {
        (packet.dst, packet.transport.dport())
    } else {
        (packet.src, packet.transport.sport())
    };
    SocketAddr::new(address, port.unwrap_or_default())
}

impl Path<'_, '_> {
    /// `ip_vs_in_hook`: connections to virtual servers. `Err` when the packet goes on from here on
    /// its own, or not at all.
    pub(in crate::netfilter) fn ipvs_in(&mut self) -> Result<(), Fate> {
        let Some(servers) = self.ipvs.filter(|_| !self.skb.ipvs) else {
            return Ok(());
        };
        // What IPVS remembers decides.
        self.trace.note_alone();
        let packet = self.skb.packet;
        let Some(protocol) = packet.transport.protocol() else {
            return Ok(());
        };
        let now_ms = self.moment.now_ms;
        let tuple = Tuple::of(&packet);
        let mut known = tuple
            .and_then(|tuple| self.state.ipvs.find(&tuple))
            .filter(|(_, way)| *way == Way::Original)
            .map(|(id, _)| id);
        let opens = match packet.transport {
            Transport::Tcp { flags, .. } => flags.syn && !flags.rst,
            _ => true,
        };
        if let Some(id) = known
            && let Some(connection) = self.state.ipvs.connection(id)
        {
            let server = servers.find(
                protocol,
                connection.virtual_server.ip(),
                connection.virtual_server.port(),
            );
            let real = server.and_then(|server| {
                let wanted = connection.real_server;
                server.real.iter().find(|real| real.address == wanted)
            });
            // A client that opens anew what was closed (conn_reuse_mode), or whose server gets
            // nothing new, is scheduled anew; so is one whose server is gone (expire_nodest_conn).
            let reopens = protocol == Protocol::Tcp && opens;
            let drained = real.is_some_and(|real| real.weight == 0);
            let closed = matches!(connection.phase, Phase::Closed | Phase::Reset);
            if real.is_none() || (reopens && (drained || closed)) {
                self.state.ipvs.forget(id);
                if matches!(self.skb.belongs, Belongs::Known(..)) {
                    // The connection table would send it to the old server; the client's next try
                    // finds both forgotten.
                    if let Belongs::Known(id, _) = self.skb.belongs {
                        self.state.conntrack.end(id, now_ms);
                    }
                    return Err(lost(Loss::ServerGone));
                }
                known = None;
            }
        }
        let (id, by) = match known {
            Some(id) => {
                self.state.ipvs.refresh(id, now_ms);
                (id, None)
            }
            None => {
                let server = (servers.find(protocol, packet.dst, end(&packet, true).port()))
                    .filter(|_| opens);
                let Some(server) = server else {
                    return Ok(());
                };
                match self.schedule(server)? {
                    Some((id, by)) => (id, Some(by)),
                    None => return Ok(()),
                }
            }
        };
        self.send_to_real_server(id, by)
    }

    /// Finds a real server for a new connection. `None` where that is not modelled.
    fn schedule(&mut self, server: &VirtualServer) -> Result<Option<(u64, RuleAt)>, Fate> {
        let now_ms = self.moment.now_ms;
        if let Some(what) = &server.not_modelled {
            self.trace.look(
                server.at(0),
                false,
                format!("{what} is not modelled; taken as no match"),
            );
            self.trace.doubts.push(Doubt {
                at: server.at(0),
                what: what.clone(),
            });
            return Ok(None);
        }
        let client = end(&self.skb.packet, false);
        let to = server.address;
        let found = self.state.ipvs.schedule(server, client, now_ms);
        self.trace.look_at(
            || server.at(0),
            || {
                format!(
                    "destination {to} is this virtual server ({})",
                    server.scheduler
                )
            },
        );
        let Some((index, found)) = found else {
            // ip_vs_leave.
            self.error = self.rejection(RejectWith::PortUnreachable);
            return Err(Fate::Rejected { by: server.at(0) });
        };
        let at = server.at(index + 1);
        self.trace.draws.push(Draw::Scheduled {
            at: at.clone(),
            scheduler: server.scheduler,
            of: u32::try_from(server.real.len()).unwrap_or(u32::MAX),
            persistent: found == Found::Persistent,
        });
        self.trace.look_at(
            || at.clone(),
            || match found {
                Found::Scheduled => {
                    format!(
                        "{} chose it, one of {}",
                        server.scheduler,
                        server.real.len()
                    )
                }
                Found::Persistent => format!("{} was sent there before", client.ip()),
            },
        );
        let id = self.state.ipvs.open(server, client, index, now_ms);
        Ok(Some((id, at)))
    }

    /// `ip_vs_nat_xmit`: rewrites the destination and sends the packet there.
    fn send_to_real_server(&mut self, id: u64, by: Option<RuleAt>) -> Result<(), Fate> {
        let Some(connection) = self.state.ipvs.connection(id) else {
            return Ok(());
        };
        let real = connection.real_server;
        let out = match self.host.routing.lookup(real.ip()) {
            Lookup::Local => None,
            Lookup::Out { device, next_hop } => Some((device, next_hop)),
            Lookup::Blackhole => return Err(lost(Loss::Blackhole)),
            Lookup::Unreachable => {
                return self
                    .fail(Loss::Unreachable, IcmpMessage::HostUnreachable)
                    .map(|_| ());
            }
            Lookup::NoRoute => {
                return self
                    .fail(Loss::NoRoute, IcmpMessage::HostUnreachable)
                    .map(|_| ());
            }
        };
        if out.is_some() {
            if self.skb.packet.src.is_loopback() {
                return Err(lost(Loss::MartianSource));
            }
            if self.skb.packet.ttl <= 1 {
                return self
                    .fail(Loss::TimeExceeded, IcmpMessage::TimeExceeded)
                    .map(|_| ());
            }
            self.skb.packet.ttl -= 1;
        }
        let packet = &mut self.skb.packet;
        packet.dst = real.ip();
        let sport = packet.transport.sport().unwrap_or_default();
        packet.transport = packet.transport.with_ports(sport, real.port());
        if let Belongs::New(connection) = &mut self.skb.belongs {
            connection.reply.src = real.ip();
            connection.reply.sport = real.port();
            connection.dnat_by = by.clone().map(Arc::new);
        }
        self.rewrites.push(Rewrite {
            destination: true,
            undone: false,
            by,
        });
        self.skb.ipvs = true;
        let Some((device, next_hop)) = out else {
            return Ok(());
        };
        let ports = Ports {
            output: Some(device),
            next_hop: Some(next_hop),
            ..Ports::none()
        };
        self.hook(Hook::Output, ports)?;
        self.hook(Hook::Postrouting, ports)?;
        Err(Fate::Sent { device, next_hop })
    }

    /// `ip_vs_out_hook`: replies of real servers get the virtual server's address as their source.
    pub(in crate::netfilter) fn ipvs_out(&mut self) {
        if self.ipvs.is_none() || self.skb.ipvs {
            return;
        }
        self.trace.note_alone();
        let about = match &self.skb.inner {
            // An error about what was sent to the real server.
            Some(inner) => Tuple::of(inner).map(|tuple| tuple.inverted()),
            None => Tuple::of(&self.skb.packet),
        };
        let Some((id, Way::Reply)) = about.and_then(|tuple| self.state.ipvs.find(&tuple)) else {
            return;
        };
        let Some(connection) = self.state.ipvs.connection(id) else {
            return;
        };
        let server = connection.virtual_server;
        let packet = &mut self.skb.packet;
        packet.src = server.ip();
        if let Some(inner) = &mut self.skb.inner {
            inner.dst = server.ip();
            let sport = inner.transport.sport().unwrap_or_default();
            inner.transport = inner.transport.with_ports(sport, server.port());
        } else {
            let dport = packet.transport.dport().unwrap_or_default();
            packet.transport = packet.transport.with_ports(server.port(), dport);
            if matches!(packet.transport, Transport::Tcp { flags, .. } if flags.rst) {
                let phase = Phase::Reset;
                self.state.ipvs.set_phase(id, phase, self.moment.now_ms);
            } else {
                self.state.ipvs.refresh(id, self.moment.now_ms);
            }
        }
        self.skb.ipvs = true;
        self.rewrites.push(Rewrite {
            destination: false,
            undone: true,
            by: None,
        });
    }

    /// The virtual server by which IPVS passed this packet on: what `-m ipvs` looks at.
    pub(in crate::netfilter) fn virtual_server(&self) -> Option<SocketAddr> {
        if !self.skb.ipvs {
            return None;
        }
        let tuple = Tuple::of(&self.skb.packet)?;
        match self.state.ipvs.find(&tuple.inverted())? {
            (id, Way::Reply) => Some(self.state.ipvs.connection(id)?.virtual_server),
            (_, Way::Original) => None,
        }
    }
}
