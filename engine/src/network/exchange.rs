//! One request and its reply over the wires: from machine to machine, until somebody has it.
//!
//! Mechanics only: a list of [`Event`]s and an [`Ending`]. What they are called is
//! [`super::tell`]'s and [`super::words`]' business. A request is the handshake's first packet (or
//! a datagram, or an echo request), and the first packet of the answer. What follows meets no rule
//! of `nat` and goes the same way; that it did is told to the Nodes by [`Exchange::settle`]. A
//! request by a connection that is open is one segment and its answer.
//!
//! Frames: who has an address on a segment is known at once (ARP and neighbour discovery are not
//! shown). An address that nobody has is answered with *host unreachable*, as Linux does when its
//! three tries are over. A bridge passes frames between its ports, and its host's rules see them
//! (`bridge-nf-call-iptables`). Left out: retransmission, MTU, other tunnels than none: Nodes reach
//! each other's Pods by routes, as with host-gw or kindnet.

use std::net::{IpAddr, SocketAddr};

use super::balancer::{Balanced, Balancer, Passing, Turned};
use super::plan::{Owner, Serves};
use super::request::Sent;
use super::state::{Held, State};
use super::topology::{LAN_DEVICE, Network, Role, SegmentKind};
use crate::limits::MAX_PASSAGES;
use crate::net::{IcmpMessage, Packet, Protocol, TcpFlags, Transport};
use crate::netfilter::chance::Chance;
use crate::netfilter::conntrack::{FlowProtocol, Phase, Tuple};
use crate::netfilter::{
    Fate, Host, HostState, Loss, Moment, Passage, Rewrite, RuleAt, Skb, reset_about,
};

/// How a packet came to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// The machine sent it itself.
    Own,
    /// From another machine.
    From(usize),
    /// Past one of its bridges, between two other machines.
    Bridged(usize),
}

/// A packet's passage through one machine.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) machine: usize,
    pub(super) came: Came,
    /// Whether it is on the way back to the client.
    pub(super) reply: bool,
    pub(super) passage: Passage,
    /// What the machine did with it, if it is a load balancer.
    pub(super) balanced: Option<Box<Balanced>>,
}

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) machine: usize,
    /// The Pod in the machine's own network, if one.
    pub(super) owner: Owner,
    /// The packet that it got: the peer's address is what it sees.
    pub(super) got: Packet,
}

/// Why nothing more came of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A rule of this machine.
    Rule { machine: usize, by: RuleAt },
    /// Something else on this machine.
    Lost { machine: usize, why: Loss },
    /// On this machine's wire nobody has the next hop's address.
    NoNeighbour { machine: usize, next_hop: IpAddr },
    /// The bridge does not give a port back what it sent.
    NoHairpin { machine: usize },
    /// A reply that the client did not wait for: it knows this sender not.
    Stranger { machine: usize, packet: Packet },
    /// A reply came to a machine that is not the client.
    Astray { machine: usize },
    /// The packet passed too many machines.
    GaveUp { machine: usize },
    /// The load balancer that this machine is did not pass it on.
    Turned { machine: usize, why: Turned },
}

impl Stop {
    /// Where it stopped.
    pub(super) fn machine(&self) -> usize {
        match self {
            Self::Rule { machine, .. }
            | Self::Lost { machine, .. }
            | Self::NoNeighbour { machine, .. }
            | Self::NoHairpin { machine }
            | Self::Stranger { machine, .. }
            | Self::Astray { machine }
            | Self::GaveUp { machine }
            | Self::Turned { machine, .. } => *machine,
        }
    }
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Somebody answered.
    Answered(Server),
    /// A TCP reset came back: by a rule, or by the stack of the machine where nobody listens.
    Reset {
        machine: usize,
        by: Option<RuleAt>,
        got: Packet,
    },
    /// An ICMP error came back.
    Told {
        /// Who sent it.
        machine: usize,
        message: IcmpMessage,
        /// From which address.
        from: IpAddr,
        /// Why.
        stop: Option<Stop>,
        /// The packet that it is about.
        got: Packet,
    },
    /// Nothing came back.
    Silence {
        /// Whether the request was answered, and the answer got lost.
        answered: Option<Server>,
        stop: Stop,
    },
}

/// How carrying a packet ended.
enum Carried {
    /// At a machine's own stack.
    Arrived(usize, Skb),
    /// It stopped; the machine may have an error for the sender.
    Stopped(Stop, Option<Skb>),
}

/// An exchange under way.
pub(super) struct Exchange<'a> {
    pub(super) network: &'a Network,
    pub(super) state: &'a mut State,
    pub(super) chance: &'a mut dyn Chance,
    pub(super) events: Vec<Event>,
    /// The connection by which the request goes, if it was open before.
    pub(super) held: Option<Held>,
    /// Whether rules are only counted.
    pub(super) quiet: bool,
}

/// How many proxies may stand one behind the other.
const MAX_PROXIES: u32 = 4;

impl Exchange<'_> {
    /// Sends a packet and follows it and its answer.
    pub(super) fn run(&mut self, client: usize, packet: Packet) -> Ending {
        self.request(client, packet, 0)
    }

    fn request(&mut self, client: usize, packet: Packet, proxies: u32) -> Ending {
        match self.carry(client, Skb::new(packet), false) {
            Carried::Arrived(machine, skb) => self.answer(client, packet, machine, &skb, proxies),
            Carried::Stopped(stop, error) => self.tell(client, packet, stop, error, None),
        }
    }

    /// Somebody has the packet: a process answers, or the stack refuses.
    fn answer(
        &mut self,
        client: usize,
        sent: Packet,
        machine: usize,
        skb: &Skb,
        proxies: u32,
    ) -> Ending {
        let got = skb.packet;
        let network = self.network;
        // A machine that does not know a connection has no socket for what comes in its midst.
        let known = proxies > 0
            || (self.held.as_ref())
                .is_none_or(|held| held.is_known_to(network.machine(machine).key()));
        let ports = got.transport.protocol().zip(got.transport.dport());
        let socket = ports.filter(|_| known).and_then(|(protocol, port)| {
            network.machine(machine).listener(protocol, got.dst, port)
        });
        let owner = socket.map_or(Owner::Machine, |socket| socket.owner.clone());
        let proxy = match network.balancer(machine) {
            Some(balancer) if proxies < MAX_PROXIES => match self.balance(balancer, &got) {
                Ok(to) => Some(to),
                Err(why) => {
                    let stop = Stop::Turned { machine, why };
                    return Ending::Silence {
                        answered: None,
                        stop,
                    };
                }
            },
            _ => socket.and_then(|socket| match socket.serves {
                Serves::Proxy(to) => Some(to),
                Serves::Itself => None,
            }),
        };
        if let Some(to) = proxy
            && proxies < MAX_PROXIES
            && let Some(packet) = self.opening(
                machine,
                to.ip(),
                Sent::To(got.transport.protocol().unwrap_or_default(), to.port()),
            )
        {
            // The proxy's own connection decides; the client only hears of it.
            let behind = self.request(machine, packet, proxies + 1);
            let Ending::Answered(server) = behind else {
                return behind;
            };
            return self.reply(client, sent, machine, reply_to(&got), Some(server));
        }
        let server = Server {
            machine,
            owner,
            got,
        };
        if socket.is_some() || matches!(got.transport, Transport::Icmp { .. }) {
            return self.reply(client, sent, machine, reply_to(&got), Some(server));
        }
        match reset_about(skb) {
            Some(reset) => {
                let ending = self.reply(client, sent, machine, Some(reset), None);
                match ending {
                    Ending::Answered(_) => Ending::Reset {
                        machine,
                        by: None,
                        got,
                    },
                    other => other,
                }
            }
            None => {
                let error = self.error_about(machine, skb, IcmpMessage::PortUnreachable);
                self.tell_from(client, sent, machine, None, error, got)
            }
        }
    }

    /// Carries an answer to the client.
    fn reply(
        &mut self,
        client: usize,
        sent: Packet,
        machine: usize,
        reply: Option<Skb>,
        server: Option<Server>,
    ) -> Ending {
        let Some(reply) = reply else {
            return Ending::Silence {
                answered: None,
                stop: Stop::Lost {
                    machine,
                    why: Loss::NoRoute,
                },
            };
        };
        let silence = |stop| Ending::Silence {
            answered: server.clone(),
            stop,
        };
        match self.carry(machine, reply, true) {
            Carried::Arrived(at, skb) if at == client => {
                if answers(&sent, &skb.packet) {
                    Ending::Answered(server.clone().unwrap_or(Server {
                        machine,
                        owner: Owner::Machine,
                        got: sent,
                    }))
                } else {
                    silence(Stop::Stranger {
                        machine,
                        packet: skb.packet,
                    })
                }
            }
            Carried::Arrived(at, _) => silence(Stop::Astray { machine: at }),
            // Errors about an answer go to the server; the client hears nothing.
            Carried::Stopped(stop, _) => silence(stop),
        }
    }

    /// A packet stopped; if there is an error, the client may hear it.
    fn tell(
        &mut self,
        client: usize,
        sent: Packet,
        stop: Stop,
        error: Option<Skb>,
        answered: Option<Server>,
    ) -> Ending {
        let machine = stop.machine();
        match error {
            Some(error) => {
                let got = self
                    .events
                    .last()
                    .map_or(sent, |event| event.passage.before);
                self.tell_from(client, sent, machine, Some(stop), Some(error), got)
            }
            None => Ending::Silence { answered, stop },
        }
    }

    fn tell_from(
        &mut self,
        client: usize,
        sent: Packet,
        machine: usize,
        stop: Option<Stop>,
        error: Option<Skb>,
        got: Packet,
    ) -> Ending {
        let lost = |stop| Ending::Silence {
            answered: None,
            stop,
        };
        let Some(error) = error else {
            return lost(stop.unwrap_or(Stop::Lost {
                machine,
                why: Loss::NoRoute,
            }));
        };
        let told = error.packet.transport;
        match self.carry(machine, error, true) {
            Carried::Arrived(at, skb) if at == client => {
                let about = skb.inner.map_or_else(
                    || answers(&sent, &skb.packet),
                    |inner| same_flow(&inner, &sent),
                );
                match (about, told) {
                    (true, Transport::Icmp { message, .. }) => Ending::Told {
                        machine,
                        message,
                        from: skb.packet.src,
                        stop,
                        got,
                    },
                    (true, _) => Ending::Reset {
                        machine,
                        by: match stop {
                            Some(Stop::Rule { by, .. }) => Some(by),
                            _ => None,
                        },
                        got,
                    },
                    (false, _) => lost(Stop::Stranger {
                        machine,
                        packet: skb.packet,
                    }),
                }
            }
            Carried::Arrived(at, _) => lost(Stop::Astray { machine: at }),
            // What stopped the request is what the client suffers from.
            Carried::Stopped(other, _) => lost(stop.unwrap_or(other)),
        }
    }

    fn error_about(&self, machine: usize, skb: &Skb, message: IcmpMessage) -> Option<Skb> {
        let found = self.network.machine(machine);
        let nothing = HostState::default();
        let state = self.state.hosts.get(found.key()).unwrap_or(&nothing);
        found.host.error_about(state, skb, message)
    }

    /// The first packet from a machine to an address, with a source port of its own; `None` when
    /// the machine has no way there.
    pub(super) fn opening(&mut self, from: usize, to: IpAddr, sent: Sent) -> Option<Packet> {
        let src = self.network.machine(from).host.routing.source_for(to)?;
        let port = ephemeral_port(self.chance);
        Some(first_packet(src, port, to, sent))
    }

    /// Tells every Node on the way that the two ends have opened the connection, or have closed it
    /// again: the packets by which they do so take the same way, and no rule of `nat` sees them.
    pub(super) fn settle(&mut self, ending: &Ending, keeps: bool) {
        if !matches!(ending, Ending::Answered(_)) {
            return;
        }
        let phase = if keeps { Phase::Open } else { Phase::Closed };
        if !keeps && let Some(first) = self.events.first() {
            let packet = first.passage.before;
            if matches!(
                packet.transport,
                Transport::Tcp { .. } | Transport::Sctp { .. }
            ) {
                self.state.flows.close(&packet);
            }
        }
        let now_ms = self.state.now_ms;
        for event in &self.events {
            let Some(tuple) = &event.passage.tuple else {
                continue;
            };
            if matches!(tuple.protocol, FlowProtocol::Tcp | FlowProtocol::Sctp)
                && let Some(host) =
                    (self.state.hosts).get_mut(self.network.machine(event.machine).key())
            {
                host.settle(tuple, phase, now_ms);
            }
        }
    }

    /// What a load balancer decides about a packet; noted at the event that brought it.
    fn balance(&mut self, balancer: &Balancer, got: &Packet) -> Result<SocketAddr, Turned> {
        let (flows, now_ms) = (&mut self.state.flows, self.state.now_ms);
        let balanced = balancer.decide(got, flows, &mut *self.chance, now_ms);
        let to = (balanced.to.as_ref()).map_or_else(|why| Err(*why), |picked| Ok(picked.to));
        if let Some(event) = self.events.last_mut() {
            event.balanced = Some(Box::new(balanced));
        }
        to
    }

    /// A packet comes to a load balancer that does not end connections: it goes on to a target, or
    /// from a target back to the client.
    fn pass_balancer(
        &mut self,
        machine: usize,
        balancer: &Balancer,
        came: Came,
        answers: Option<Tuple>,
        skb: Skb,
    ) -> Result<(), Stop> {
        let before = skb.packet;
        let nowhere = Fate::Lost {
            why: Loss::NotForwarding,
        };
        self.events.push(Event {
            machine,
            came,
            reply: answers.is_some(),
            passage: Passage::of(before, skb, nowhere),
            balanced: None,
        });
        let (packet, next_hop, destination) = match answers {
            // Back: the client knows the load balancer's address, and no other.
            Some(client) => {
                let packet = Packet {
                    src: client.dst,
                    transport: (before.transport)
                        .with_ports(client.dport, before.transport.dport().unwrap_or_default()),
                    ..before
                };
                (packet, self.network.hop_to(machine, packet.dst), false)
            }
            None => {
                let to = self
                    .balance(balancer, &before)
                    .map_err(|why| Stop::Turned { machine, why })?;
                let packet = match balancer.passing {
                    Passing::Translated => Packet {
                        dst: to.ip(),
                        transport: (before.transport)
                            .with_ports(before.transport.sport().unwrap_or_default(), to.port()),
                        ..before
                    },
                    Passing::Through | Passing::Proxied => before,
                };
                (packet, self.network.hop_to(machine, to.ip()), true)
            }
        };
        let fate = Fate::Sent {
            device: LAN_DEVICE,
            next_hop,
        };
        if let Some(event) = self.events.last_mut() {
            event.passage.skb = Skb::new(packet);
            event.passage.fate = fate;
            if packet != before {
                event.passage.rewrites.push(Rewrite {
                    destination,
                    undone: !destination,
                    by: None,
                });
            }
        }
        Ok(())
    }

    /// Makes one passage and notes it.
    fn pass(
        &mut self,
        machine: usize,
        came: Came,
        reply: bool,
        walk: impl FnOnce(&Host, &mut HostState, &mut Moment<'_>) -> Passage,
    ) {
        let found = self.network.machine(machine);
        let mut moment = Moment {
            now_ms: self.state.now_ms,
            chance: &mut *self.chance,
            quiet: self.quiet,
        };
        let host = &found.host;
        let passage = if host.has_rules() {
            let hosts = &mut self.state.hosts;
            match hosts.get_mut(found.key()) {
                Some(state) => walk(host, state, &mut moment),
                None => {
                    let state = hosts.entry(found.key().to_owned()).or_default();
                    walk(host, state, &mut moment)
                }
            }
        } else {
            // Without rules nothing is remembered.
            walk(host, &mut HostState::default(), &mut moment)
        };
        self.events.push(Event {
            machine,
            came,
            reply,
            passage,
            balanced: None,
        });
    }

    /// Carries a packet from the machine that sends it until it arrives or stops.
    fn carry(&mut self, from: usize, skb: Skb, reply: bool) -> Carried {
        let mut machine = from;
        let mut came_from = None;
        self.pass(from, Came::Own, reply, |host, state, moment| {
            host.send(state, moment, skb)
        });
        loop {
            // What the passage just made left to go on with.
            let passage = match self.events.last() {
                Some(last) if self.events.len() <= MAX_PASSAGES => &last.passage,
                _ => return Carried::Stopped(Stop::GaveUp { machine }, None),
            };
            let error = || passage.error.as_deref().cloned();
            let (device, next_hop) = match &passage.fate {
                Fate::Delivered => return Carried::Arrived(machine, passage.skb.clone()),
                Fate::Dropped { by } => {
                    let by = by.clone();
                    return Carried::Stopped(Stop::Rule { machine, by }, None);
                }
                Fate::Rejected { by } => {
                    let by = by.clone();
                    return Carried::Stopped(Stop::Rule { machine, by }, error());
                }
                Fate::Lost { why } => {
                    return Carried::Stopped(Stop::Lost { machine, why: *why }, error());
                }
                Fate::Sent { device, next_hop } => (*device, *next_hop),
            };
            let segment = self.network.segment(machine, device);
            let mut target = segment.and_then(|segment| segment.neighbour(next_hop));
            // A provider's network brings answers of targets to the load balancer that rewrote the
            // question, whoever they are for.
            let answers = if self.network.is_on_lan(machine, device)
                && self.network.balancer(machine).is_none()
            {
                self.state.flows.answered_by(&passage.skb.packet)
            } else {
                None
            };
            if let Some(client) = &answers {
                let balancer = segment.and_then(|segment| segment.neighbour(client.dst));
                target = balancer.or(target);
            }
            let Some((next, into)) = target.filter(|&(next, _)| next != machine) else {
                return self.no_neighbour(machine, next_hop, &passage.skb);
            };
            let mut wire = passage.skb.on_the_wire();
            if let Some(SegmentKind::Bridge {
                owner,
                device: bridge,
                hairpin,
            }) = segment.map(|segment| segment.kind)
            {
                let bridged = self.network.machine(owner).host.bridge_netfilter;
                if owner == machine && came_from == Some(next) && bridged && !hairpin {
                    return Carried::Stopped(Stop::NoHairpin { machine }, None);
                }
                if owner != machine && owner != next {
                    // From port to port: the bridge's host sees it pass.
                    self.pass(owner, Came::Bridged(machine), reply, |host, state, m| {
                        host.bridge(state, m, bridge, wire)
                    });
                    let straight = Fate::Sent {
                        device: bridge,
                        next_hop,
                    };
                    match self.events.last() {
                        Some(past) if past.passage.fate == straight => {
                            wire = past.passage.skb.on_the_wire();
                        }
                        _ => {
                            (machine, came_from) = (owner, Some(machine));
                            continue;
                        }
                    }
                }
            }
            let before = machine;
            if let Some(balancer) = self.network.balancer(next)
                && balancer.passing != Passing::Proxied
            {
                let came = Came::From(before);
                if let Err(stop) = self.pass_balancer(next, balancer, came, answers, wire) {
                    return Carried::Stopped(stop, None);
                }
                (machine, came_from) = (next, Some(before));
                continue;
            }
            self.pass(next, Came::From(before), reply, |host, state, moment| {
                host.receive(state, moment, into, wire)
            });
            (machine, came_from) = (next, Some(before));
        }
    }

    /// Nobody on the wire has the address: whoever forwards tells the sender, and a sender's own
    /// stack tells its process.
    fn no_neighbour(&self, machine: usize, next_hop: IpAddr, skb: &Skb) -> Carried {
        let error = self.error_about(machine, skb, IcmpMessage::HostUnreachable);
        Carried::Stopped(Stop::NoNeighbour { machine, next_hop }, error)
    }
}

/// The first and the last of the source ports that Linux gives out
/// (`net.ipv4.ip_local_port_range`).
pub(super) const fn ephemeral_ports() -> (u16, u16) {
    (32_768, 60_999)
}

/// One of them.
pub(super) fn ephemeral_port(chance: &mut dyn Chance) -> u16 {
    let (first, last) = ephemeral_ports();
    let count = u32::from(last - first) + 1;
    first + u16::try_from(chance.word() % count).unwrap_or(0)
}

/// The one after it; after the last one comes the first.
pub(super) fn port_after(port: u16) -> u16 {
    let (first, last) = ephemeral_ports();
    if port >= last { first } else { port + 1 }
}

/// The first packet of a connection, from this address and port.
pub(super) fn first_packet(src: IpAddr, port: u16, to: IpAddr, sent: Sent) -> Packet {
    let transport = match sent {
        Sent::To(protocol, dport) => Transport::opening(protocol, port, dport),
        Sent::Ping => Transport::Icmp {
            message: IcmpMessage::EchoRequest,
            id: port,
        },
    };
    Packet::new(src, to, transport)
}

/// The first packet of an answer.
fn reply_to(got: &Packet) -> Option<Skb> {
    let transport = match got.transport {
        Transport::Tcp {
            sport,
            dport,
            flags,
        } => Transport::Tcp {
            sport: dport,
            dport: sport,
            flags: if flags.syn {
                TcpFlags::SYN_ACK
            } else {
                TcpFlags::ACK
            },
        },
        Transport::Udp { sport, dport } => Transport::Udp {
            sport: dport,
            dport: sport,
        },
        Transport::Sctp { sport, dport } => Transport::Sctp {
            sport: dport,
            dport: sport,
        },
        Transport::Icmp {
            message: IcmpMessage::EchoRequest,
            id,
        } => Transport::Icmp {
            message: IcmpMessage::EchoReply,
            id,
        },
        Transport::Icmp { .. } => return None,
    };
    Some(Skb::new(Packet::new(got.dst, got.src, transport)))
}

/// Whether a packet is the answer that the sender of `sent` waits for.
fn answers(sent: &Packet, reply: &Packet) -> bool {
    let ports = match (sent.transport, reply.transport) {
        (Transport::Icmp { id, .. }, Transport::Icmp { id: other, .. }) => id == other,
        (sent, reply) => {
            sent.protocol() == reply.protocol()
                && sent.sport() == reply.dport()
                && sent.dport() == reply.sport()
        }
    };
    ports && reply.src == sent.dst && reply.dst == sent.src
}

/// Whether what an error quotes is the packet that was sent.
fn same_flow(quoted: &Packet, sent: &Packet) -> bool {
    let ports = match (quoted.transport, sent.transport) {
        (Transport::Icmp { id, .. }, Transport::Icmp { id: other, .. }) => id == other,
        (quoted, sent) => quoted.sport() == sent.sport() && quoted.dport() == sent.dport(),
    };
    ports && quoted.src == sent.src && quoted.dst == sent.dst
}

/// Whether a machine is a Node.
pub(super) fn is_node(network: &Network, machine: usize) -> bool {
    network.machine(machine).role == Role::Node
}

/// The protocol's name for people; ICMP has none among [`Protocol`].
pub(super) fn protocol_text(packet: &Packet) -> &'static str {
    packet.transport.protocol().map_or("ICMP", Protocol::as_str)
}
