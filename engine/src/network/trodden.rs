//! Trodden ways: many like requests without walking each of them.
//!
//! Of many requests of one client to one target only two things differ: the source port, and what
//! chance says. So a walk is worked out once for each sequence of answers that chance gives, and
//! kept as a way: what was asked at which host, in order, and at its end what the walk came to and
//! which connections it left. The ways are a tree, whose inner nodes are questions:
//!
//! ```text
//!  node-2 opens a connection? ─ draw < 1/3 ─┬─ yes ─ source on node-2? ─ node-1 opens one? ─ … ─ end
//!                                           └─ no ── draw < 1/2 ─┬─ yes ─ …
//! ```
//!
//! A further request asks the same questions of the real state and the real chance. Where the
//! answers lead to an end, the connections are noted and nothing else is left to do. Where they do
//! not, the request is walked as any other, hears the same answers again ([`Retold`]), and becomes
//! a way.
//!
//! Why that is right: a passage through a host is a function of the packet, the host's settings,
//! its connections, what its rules remember, and chance. The packet differs in the source port
//! only. The traces note what chance and the connections were asked, and whether rules remembered
//! something, or looked at the port ([`Trace::is_alone`](crate::netfilter::Trace::is_alone)); a
//! walk of which that is true is no way. All requests are of one moment of virtual time, so that
//! nothing expires between them and times are the same.
//!
//! Left to the plain walk: IPVS, session affinity, load balancers and the flows that they know,
//! proxies, rules that limit, count or look at the client's port, packets of connections that are
//! known, a table that is full.

use std::mem::take;
use std::net::IpAddr;

use super::exchange::{Came, first_packet};
use super::state::State;
use super::topology::Network;
use super::walk::{Ready, Went};
use crate::limits::MAX_POSSIBILITIES;
use crate::netfilter::chance::Chance;
use crate::netfilter::conntrack::{Belongs, Connection, Tuple};
use crate::netfilter::{HostState, Opened, Source, Step};

/// A question, or an end: a place in [`Trodden::nodes`].
type Place = u32;

/// Nobody has gone on from here.
const NOWHERE: Place = u32::MAX;

/// An answer to the question at a place: for a draw 0 if less was drawn, for a choice the number.
type Answer = (Place, u32);

enum Node {
    /// Whether the request opens a connection on a host. The port is the request's.
    Opens {
        host: usize,
        original: Tuple,
        next: Place,
    },
    /// With which source port it leaves the host.
    Source {
        host: usize,
        source: Source,
        next: Place,
    },
    /// A draw against a threshold: the ways on if less was drawn and if not.
    Draw {
        threshold: u32,
        smaller: Place,
        other: Place,
    },
    /// One of so many: the way on for each.
    Choice { next: Vec<Place> },
    /// Where it ends.
    End(End),
}

impl Node {
    /// Whether another one asks the same.
    fn asks_what(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Opens { host, original, .. },
                Self::Opens {
                    host: there,
                    original: own,
                    ..
                },
            ) => (host, original) == (there, own),
            (
                Self::Source { host, source, .. },
                Self::Source {
                    host: there,
                    source: own,
                    ..
                },
            ) => (host, source) == (there, own),
            (Self::Draw { threshold, .. }, Self::Draw { threshold: own, .. }) => threshold == own,
            (Self::Choice { next }, Self::Choice { next: own }) => next.len() == own.len(),
            _ => false,
        }
    }
}

/// The end of a way.
struct End {
    came: CameTo,
    /// The connections that it leaves, in the order in which they were opened.
    left: Vec<Left>,
}

/// What a request came to.
#[derive(Clone, Copy)]
pub(super) struct CameTo {
    /// The way in which it ended, as a place among all of these.
    pub(super) place: usize,
    /// How many rules were looked at.
    pub(super) rules_looked_at: u64,
}

/// A connection that was opened.
struct Left {
    host: usize,
    /// None if its packet was thrown away before it was confirmed.
    connection: Option<Connection>,
}

/// What a walk that was made shows.
struct Walked {
    /// The questions, each with its answer as in [`Answer`].
    asked: Vec<(Node, u32)>,
    /// The connections that it opened, in order.
    left: Vec<Left>,
}

/// Chance for one request: what was said to it is said again when it is walked after all.
pub(super) struct Retold<'a> {
    chance: &'a mut dyn Chance,
    said: Vec<u32>,
    next: usize,
}

impl<'a> Retold<'a> {
    pub(super) fn new(chance: &'a mut dyn Chance) -> Self {
        Self {
            chance,
            said: Vec::new(),
            next: 0,
        }
    }

    /// Forgets what was said: the next request's turn has come.
    pub(super) fn forget(&mut self) {
        self.said.clear();
        self.next = 0;
    }

    /// Says the same once more. The same questions are asked, in the same order.
    pub(super) fn again(&mut self) {
        self.next = 0;
    }

    #[inline]
    fn say(&mut self, new: impl FnOnce(&mut dyn Chance) -> u32) -> u32 {
        let said = match self.said.get(self.next) {
            Some(said) => *said,
            None => {
                let said = new(self.chance);
                self.said.push(said);
                said
            }
        };
        self.next += 1;
        said
    }
}

impl Chance for Retold<'_> {
    fn word(&mut self) -> u32 {
        self.say(|chance| chance.word())
    }

    fn draw(&mut self, threshold: u32) -> u32 {
        self.say(|chance| chance.draw(threshold))
    }

    fn choose(&mut self, count: u32) -> u32 {
        self.say(|chance| chance.choose(count))
    }
}

/// A host on some way. Its state is taken out of [`State`] while ways are trodden.
struct Lent {
    key: String,
    state: Option<HostState>,
}

impl Lent {
    /// The host's state, taken out of all of them.
    #[inline]
    fn borrow(&mut self, all: &mut State) -> Option<&mut HostState> {
        if self.state.is_none() {
            self.state = Some(take(all.hosts.get_mut(&self.key)?));
        }
        self.state.as_mut()
    }
}

/// The ways that requests took so far.
#[derive(Default)]
pub(super) struct Trodden {
    /// The first one is the first question.
    nodes: Vec<Node>,
    /// The address from which the client sends.
    from: Option<IpAddr>,
    hosts: Vec<Lent>,
    /// The source ports of the request under way: as it came to each host, and as it left.
    ports: Vec<(u16, u16)>,
    /// How many requests were walked all the same.
    #[cfg(test)]
    pub(super) walked: u32,
}

impl Trodden {
    /// Lets a request with this source port go a way that is known. `None` if it has to be walked:
    /// then nothing has changed that the walk would not change, but that chance was asked.
    pub(super) fn go(
        &mut self,
        state: &mut State,
        chance: &mut dyn Chance,
        ready: &Ready,
        port: u16,
    ) -> Option<CameTo> {
        if self.nodes.is_empty() || !state.flows.is_empty() {
            return None;
        }
        if state.holds_any() {
            let packet = first_packet(self.from?, port, ready.to, ready.sent);
            if state.keeps(&ready.client.id, &packet) {
                return None;
            }
        }
        let (hosts, ports) = (&mut self.hosts, &mut self.ports);
        ports.clear();
        let mut port = port;
        let mut at = 0;
        loop {
            at = match self.nodes.get(at as usize)? {
                Node::Opens {
                    host,
                    original,
                    next,
                } => {
                    let tuple = Tuple {
                        sport: port,
                        ..*original
                    };
                    if !hosts[*host].borrow(state)?.opens(&tuple) {
                        return None;
                    }
                    ports.push((port, port));
                    *next
                }
                Node::Source { host, source, next } => {
                    port = source.choose(hosts[*host].borrow(state)?, port, chance)?;
                    ports.last_mut()?.1 = port;
                    *next
                }
                Node::Draw {
                    threshold,
                    smaller,
                    other,
                } => {
                    if chance.draw(*threshold) < *threshold {
                        *smaller
                    } else {
                        *other
                    }
                }
                Node::Choice { next } => {
                    let of = u32::try_from(next.len()).unwrap_or(u32::MAX);
                    *next.get(chance.choose(of) as usize)?
                }
                Node::End(end) => {
                    for (left, &(comes, leaves)) in end.left.iter().zip(ports.iter()) {
                        if let Some(like) = &left.connection {
                            let host = hosts[left.host].borrow(state)?;
                            host.open_again(like, comes, leaves);
                        }
                    }
                    return Some(end.came);
                }
            };
        }
    }

    /// Gives the hosts their states back.
    pub(super) fn give_back(&mut self, state: &mut State) {
        for lent in &mut self.hosts {
            if let Some(own) = lent.state.take()
                && let Some(place) = state.hosts.get_mut(&lent.key)
            {
                *place = own;
            }
        }
    }

    /// Learns a way from a walk that was made.
    pub(super) fn learn(
        &mut self,
        network: &Network,
        state: &State,
        port: u16,
        went: &Went,
        came: CameTo,
    ) {
        #[cfg(test)]
        {
            self.walked += 1;
        }
        let mut events = went.events.iter();
        if events.any(|event| event.passage.trace.is_alone()) {
            // What it left to be remembered may have a say in what is asked no more.
            self.nodes.clear();
            return;
        }
        let Some(Walked { asked, left }) = self.read(network, state, port, went) else {
            return;
        };
        self.from = Some(went.sent.src);
        let mut at = None;
        for (node, answer) in asked {
            match self.reach(at, node) {
                Some(place) => at = Some((place, answer)),
                None => return,
            }
        }
        self.reach(at, Node::End(End { came, left }));
    }

    /// The node to which an answer leads: this one, if nobody has come there. `from` is `None` before
    /// the first question. Nothing, if another question stands there.
    fn reach(&mut self, from: Option<Answer>, node: Node) -> Option<Place> {
        let new = u32::try_from(self.nodes.len()).unwrap_or(NOWHERE);
        let way = match from {
            Some((place, answer)) => match &mut self.nodes[place as usize] {
                Node::Opens { next, .. } | Node::Source { next, .. } => Some(next),
                Node::Draw { smaller, .. } if answer == 0 => Some(smaller),
                Node::Draw { other, .. } => Some(other),
                Node::Choice { next } => next.get_mut(answer as usize),
                Node::End(_) => return None,
            },
            None => None,
        };
        let there = match way {
            Some(way) if *way != NOWHERE => Some(*way),
            Some(way) => {
                *way = new;
                None
            }
            None => (!self.nodes.is_empty()).then_some(0),
        };
        match there {
            Some(there) => self.nodes[there as usize].asks_what(&node).then_some(there),
            None => {
                self.nodes.push(node);
                Some(new)
            }
        }
    }

    /// What a walk asked, and which connections it left. `None` if it cannot be a way.
    fn read(&mut self, network: &Network, state: &State, port: u16, went: &Went) -> Option<Walked> {
        let (mut asked, mut left) = (Vec::new(), Vec::new());
        // The tuple by which each machine knows the request.
        let mut known: Vec<(usize, Tuple)> = Vec::new();
        let mut port = port;
        if Tuple::of(&went.sent)?.sport != port {
            return None;
        }
        for (index, event) in went.events.iter().enumerate() {
            // A load balancer, or a proxy that opens a connection of its own.
            if event.balanced.is_some() || (index > 0 && event.came == Came::Own && !event.reply) {
                return None;
            }
            let passage = &event.passage;
            if matches!(passage.skb.belongs, Belongs::Invalid | Belongs::Untracked) {
                return None;
            }
            let mut opened = None;
            for step in passage.trace.steps() {
                asked.push(match step {
                    Step::Opened => {
                        let tuple = passage.tuple?;
                        let twice = known.iter().any(|(machine, _)| *machine == event.machine);
                        if event.reply || twice || tuple.sport != port {
                            return None;
                        }
                        known.push((event.machine, tuple));
                        let key = network.machine(event.machine).key();
                        let own = Opened::by(passage, state.hosts.get(key)?)?;
                        let host = self.host(key);
                        left.push(Left {
                            host,
                            connection: own.confirmed.then(|| own.connection.clone()),
                        });
                        opened = Some((host, own));
                        let original = Tuple { sport: 0, ..tuple };
                        let next = NOWHERE;
                        let node = Node::Opens {
                            host,
                            original,
                            next,
                        };
                        (node, 0)
                    }
                    Step::Source(range) => {
                        let (host, own) = opened.as_ref()?;
                        port = own.port();
                        let node = Node::Source {
                            host: *host,
                            source: own.source(range),
                            next: NOWHERE,
                        };
                        (node, 0)
                    }
                    Step::Drew { threshold, smaller } => {
                        let node = Node::Draw {
                            threshold: *threshold,
                            smaller: NOWHERE,
                            other: NOWHERE,
                        };
                        (node, u32::from(!smaller))
                    }
                    // More ways than are followed anywhere.
                    Step::Chose { of, .. } if *of as usize > MAX_POSSIBILITIES => return None,
                    Step::Chose { of, chosen } => {
                        let next = vec![NOWHERE; *of as usize];
                        (Node::Choice { next }, *chosen)
                    }
                });
            }
            if let Some(tuple) = passage.tuple
                && !known.contains(&(event.machine, tuple))
            {
                // It came to a connection that was there before.
                return None;
            }
        }
        Some(Walked { asked, left })
    }

    /// A host's place among those on some way.
    fn host(&mut self, key: &str) -> usize {
        let place = self.hosts.iter().position(|own| own.key == key);
        place.unwrap_or_else(|| {
            self.hosts.push(Lent {
                key: key.to_owned(),
                state: None,
            });
            self.hosts.len() - 1
        })
    }
}
