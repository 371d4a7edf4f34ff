//! A request from text to a [`Journey`].

use std::net::IpAddr;

use super::exchange::{Ending, Exchange, State};
use super::journey::{Journey, Request};
use super::names::NameLookup;
use super::request::{self, RequestError, TargetHost};
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
        // 2^62 to begin with, so that little is lost by cutting after each draw.
        let one = 1_u128 << 62;
        let product = (self.draws.iter()).fold(one, |product, &(part, of)| {
            product * u128::from(part) / u128::from(of.max(1))
        });
        u32::try_from((product * 1_000_000 + one / 2) / one).unwrap_or(u32::MAX)
    }
}

impl Network {
    /// Walks a request and its reply.
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
        let (machine, client) = request::client(self, &request.from)?;
        let target = request::target(&request.to, request.protocol)?;
        let to = match target.host {
            TargetHost::Address(address) => address,
            TargetHost::Name(name) => match lookups.names {
                Some(lookup) => match lookup.address {
                    Some(address) => address,
                    None => return self.without_address(request, lookup),
                },
                None => request::node_address(self, &name, machine)
                    .ok_or(RequestError::NotResolved(name))?,
            },
        };
        let mut exchange = Exchange {
            network: self,
            state,
            chance,
            events: Vec::new(),
        };
        let source = self.machine(machine).host.routing.source_for(to);
        // A client without a way sends from no address; its own stack says so.
        let src = source.unwrap_or(match IpFamily::of(to) {
            IpFamily::IPv4 => IpAddr::from([0; 4]),
            IpFamily::IPv6 => IpAddr::from([0_u16; 8]),
        });
        let packet: Packet = exchange.first_packet(src, to, target.sent);
        let ending: Ending = exchange.run(machine, packet);
        let events = exchange.events;
        Ok(tell::journey(Told {
            network: self,
            request,
            client,
            machine,
            sent: packet,
            events: &events,
            ending: &ending,
            lookups,
        }))
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
