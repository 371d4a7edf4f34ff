//! A request from text to a [`Journey`].

use std::net::IpAddr;

use super::exchange::{Ending, Event, Exchange, ephemeral_port, first_packet, port_after};
use super::journey::{Client, Journey, Request};
use super::names::NameLookup;
use super::request::{self, RequestError, Sent, TargetHost};
use super::state::State;
use super::tell;
use super::told::Told;
use super::topology::Network;
use crate::api::Origin;
use crate::net::{IpFamily, Packet};
use crate::netfilter::RuleAt;
use crate::netfilter::chance::{Branches, Chance};

/// The fields of manifests that made a Node's rule: the Node's name, and the rule.
pub type OriginsOf<'a> = dyn Fn(&str, &RuleAt) -> Vec<Origin> + 'a;

/// What a walk asks of those who know more.
#[derive(Clone, Copy, Default)]
pub struct Lookups<'a> {
    /// The fields of manifests that made a Node's rule.
    pub origins: Option<&'a OriginsOf<'a>>,
    /// How the name in the request became an address. Without it a Node's name means its address,
    /// and any other is [`RequestError::NotResolved`].
    pub names: Option<&'a NameLookup>,
}

/// A probability of 1 in [`product`]: 2^62, so that little is lost by cutting after each draw.
const ONE_WAY: u128 = 1 << 62;

/// The product of fractions, in parts of 2^62.
pub(super) fn product(draws: &[(u32, u32)]) -> u128 {
    (draws.iter()).fold(ONE_WAY, |product, &(part, of)| {
        product * u128::from(part) / u128::from(of.max(1))
    })
}

/// One way that a request can take, and how likely it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Possibility {
    /// The way.
    pub journey: Journey,
    /// What was drawn on it: fractions, of which the product is the way's probability.
    pub draws: Vec<(u32, u32)>,
}

impl Possibility {
    /// The way's probability in millionths, rounded to the nearest.
    #[must_use]
    pub fn millionths(&self) -> u32 {
        let product = product(&self.draws);
        u32::try_from((product * 1_000_000 + ONE_WAY / 2) / ONE_WAY).unwrap_or(u32::MAX)
    }
}

/// What becomes of a connection after its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// Each request opens a connection of its own, and closes it.
    #[default]
    Close,
    /// The connection stays open, and the client's next request to the same target goes by it
    /// (keep-alive); a UDP client goes on sending from the same port.
    KeepAlive,
}

/// A request whose client and target are found.
#[derive(Clone)]
pub(super) struct Ready {
    /// The client's machine.
    pub(super) machine: usize,
    pub(super) client: Client,
    pub(super) to: IpAddr,
    pub(super) sent: Sent,
}

/// How a request is carried out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct How {
    pub(super) reuse: Reuse,
    /// A new connection's source port; drawn where none is given.
    pub(super) port: Option<u16>,
    /// Whether rules are only counted: what is told of it shows none of them.
    pub(super) quiet: bool,
}

/// A request that was carried out.
pub(super) struct Went {
    pub(super) sent: Packet,
    pub(super) events: Vec<Event>,
    pub(super) ending: Ending,
}

impl Network {
    /// Walks a request and its reply; the connection is closed after it.
    ///
    /// The same network, state, chance and request give the same journey. Without rules a Node
    /// only routes.
    ///
    /// # Errors
    /// A request that cannot be made: nobody of that name, a target that cannot be read.
    pub fn walk(
        &self,
        state: &mut State,
        chance: &mut dyn Chance,
        request: &Request,
        lookups: Lookups<'_>,
    ) -> Result<Journey, RequestError> {
        self.walk_with(state, chance, request, lookups, Reuse::Close)
    }

    /// The same, and says what becomes of the connection.
    ///
    /// # Errors
    /// As [`Network::walk`].
    pub fn walk_with(
        &self,
        state: &mut State,
        chance: &mut dyn Chance,
        request: &Request,
        lookups: Lookups<'_>,
        reuse: Reuse,
    ) -> Result<Journey, RequestError> {
        Ok(match self.ready(request, lookups)? {
            Ok(ready) => {
                let how = How {
                    reuse,
                    ..How::default()
                };
                let went = self.go(state, chance, &ready, how, Vec::new());
                self.tell(request, ready, &went, lookups)
            }
            Err(lookup) => self.without_address(request, lookup)?,
        })
    }

    /// Finds client and target; inside, the lookup of a name that has no address.
    pub(super) fn ready<'a>(
        &self,
        request: &Request,
        lookups: Lookups<'a>,
    ) -> Result<Result<Ready, &'a NameLookup>, RequestError> {
        let (machine, client) = request::client(self, &request.from)?;
        let target = request::target(&request.to, request.protocol)?;
        let to = match target.host {
            TargetHost::Address(address) => address,
            TargetHost::Name(name) => match lookups.names {
                Some(lookup) => match lookup.address {
                    Some(address) => address,
                    None => return Ok(Err(lookup)),
                },
                None => request::node_address(self, &name, machine)
                    .ok_or(RequestError::NotResolved(name))?,
            },
        };
        Ok(Ok(Ready {
            machine,
            client,
            to,
            sent: target.sent,
        }))
    }

    /// Carries a request out. `events` is an empty list: who sends many gives the last one's again.
    pub(super) fn go(
        &self,
        state: &mut State,
        chance: &mut dyn Chance,
        ready: &Ready,
        how: How,
        events: Vec<Event>,
    ) -> Went {
        state.flows.expire(state.now_ms);
        let held = match how.reuse {
            Reuse::Close => None,
            Reuse::KeepAlive => state.held(&ready.client.id, ready.to, ready.sent),
        };
        let mut exchange = Exchange {
            network: self,
            state,
            chance,
            events,
            held,
            quiet: how.quiet,
        };
        let sent = match &exchange.held {
            Some(held) => held.next_packet(),
            None => {
                // A client without a way sends from no address; its own stack says so.
                let source = self
                    .machine(ready.machine)
                    .host
                    .routing
                    .source_for(ready.to);
                let src = source.unwrap_or(match IpFamily::of(ready.to) {
                    IpFamily::IPv4 => IpAddr::from([0; 4]),
                    IpFamily::IPv6 => IpAddr::from([0_u16; 8]),
                });
                let port = how.port.unwrap_or_else(|| ephemeral_port(exchange.chance));
                let packet = first_packet(src, port, ready.to, ready.sent);
                if exchange.state.keeps(&ready.client.id, &packet) {
                    first_packet(src, port_after(port), ready.to, ready.sent)
                } else {
                    packet
                }
            }
        };
        let ending = exchange.run(ready.machine, sent);
        let keeps = how.reuse == Reuse::KeepAlive;
        exchange.settle(&ending, keeps);
        let events = exchange.events;
        if keeps {
            state.hold(&ready.client.id, ready.sent, sent, self, &ending);
        }
        Went {
            sent,
            events,
            ending,
        }
    }

    /// Tells what happened.
    pub(super) fn tell(
        &self,
        request: &Request,
        ready: Ready,
        went: &Went,
        lookups: Lookups<'_>,
    ) -> Journey {
        tell::journey(Told {
            network: self,
            request,
            client: ready.client,
            machine: ready.machine,
            sent: went.sent,
            events: &went.events,
            ending: &went.ending,
            lookups,
        })
    }

    /// Every way that a request can take from here, as the rules' draws decide it, with its
    /// probability: what many requests come to. The state stays as it is.
    ///
    /// # Errors
    /// As [`Network::walk`].
    pub fn possibilities(
        &self,
        state: &State,
        seed: u64,
        request: &Request,
        lookups: Lookups<'_>,
    ) -> Result<Vec<Possibility>, RequestError> {
        let mut branches = Branches::new(seed);
        let mut found = Vec::new();
        loop {
            let mut state = state.clone();
            let journey = self.walk(&mut state, &mut branches, request, lookups)?;
            found.push(Possibility {
                journey,
                draws: branches.weight(),
            });
            if found.len() >= crate::limits::MAX_POSSIBILITIES || !branches.next_branch() {
                return Ok(found);
            }
        }
    }
}
