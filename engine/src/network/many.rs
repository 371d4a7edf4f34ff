//! Many requests at once: counted, and held against what the rules promise.
//!
//! What is promised is not told by a model of its own. Draws: every branch of one request is
//! followed ([`Branches`]), and each way has the probability that the rules' numbers give it. What
//! counts or hashes: the scheduler that the walk met says so.

use std::mem::take;

use super::chi_squared::{self, ONE};
use super::exchange::{Ending, Server, ephemeral_port};
use super::journey::{Journey, Request, VerdictKind};
use super::request::RequestError;
use super::state::{PortSequence, State};
use super::tally::{Answerer, Fit, Promise, Share, Tally};
use super::tell::served;
use super::topology::Network;
use super::trodden::{CameTo, Retold, Trodden};
use super::verdict;
use super::walk::{How, Lookups, Ready, Went, product};
use super::words;
use crate::limits::{MAX_POSSIBILITIES, MAX_REQUESTS};
use crate::net::IpFamily;
use crate::netfilter::chance::{Branches, Chance};
use crate::netfilter::ipvs::{Scheduler, VirtualServer};
use crate::netfilter::{Draw, RuleAt};

/// A way in which a request can end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    /// Whether it failed: those that were answered come first.
    failed: bool,
    by: Option<Answerer>,
    kind: &'static str,
}

/// What is known of one way.
struct Counted {
    end: End,
    kind: VerdictKind,
    /// The one that answered the first of them, if somebody did.
    server: Option<Server>,
    count: u32,
    /// Its probability, as a fraction of [`ONE`].
    share: u64,
    /// The first request that ended so, for those that failed.
    first: Option<Went>,
}

/// How the rules choose, and what follows from it.
struct Expected {
    promise: Promise,
    /// Every way with its probability, where requests are drawn.
    ways: Vec<Counted>,
    /// The share of each real server, where IPVS gives them in turn or by a table.
    real: Vec<Chosen>,
}

/// What is known of one real server.
struct Chosen {
    share: u64,
    count: u32,
    /// How requests to it end, once one was seen.
    way: Option<usize>,
}

impl Network {
    /// Sends so many requests, each by a connection of its own, and counts how they end.
    ///
    /// # Errors
    /// As [`Network::walk`]; more requests than [`MAX_REQUESTS`].
    pub fn walk_many(
        &self,
        state: &mut State,
        chance: &mut dyn Chance,
        request: &Request,
        lookups: Lookups<'_>,
        count: u32,
    ) -> Result<Tally, RequestError> {
        let mut trodden = Trodden::default();
        self.walk_many_by(state, chance, request, lookups, count, Some(&mut trodden))
    }

    /// The same by trodden ways, which nobody has gone yet, or without any.
    pub(super) fn walk_many_by(
        &self,
        state: &mut State,
        chance: &mut dyn Chance,
        request: &Request,
        lookups: Lookups<'_>,
        count: u32,
        mut trodden: Option<&mut Trodden>,
    ) -> Result<Tally, RequestError> {
        if count > MAX_REQUESTS {
            return Err(RequestError::TooMany(MAX_REQUESTS));
        }
        let ready = match self.ready(request, lookups)? {
            Ok(ready) => ready,
            Err(lookup) => {
                let journey = self.without_address(request, lookup)?;
                return Ok(all_alike(journey, count));
            }
        };
        let mut expected = self.expected(state, &ready);
        let mut rules_looked_at = 0;
        let mut ports = PortSequence::from(ephemeral_port(chance));
        let mut events = Vec::new();
        let mut chance = Retold::new(chance);
        for _ in 0..count {
            let port = ports.next();
            chance.forget();
            if let Some(trodden) = &mut trodden {
                if let Some(came) = trodden.go(state, &mut chance, &ready, port) {
                    rules_looked_at += came.rules_looked_at;
                    expected.ways[came.place].count += 1;
                    continue;
                }
                trodden.give_back(state);
                chance.again();
            }
            let how = How {
                port: Some(port),
                quiet: true,
                ..How::default()
            };
            let mut went = self.go(state, &mut chance, &ready, how, take(&mut events));
            let looked_at = (went.events.iter())
                .map(|event| u64::from(event.passage.trace.rules_looked_at()))
                .sum::<u64>();
            rules_looked_at += looked_at;
            let place = self.place(&mut expected.ways, &ready, &went);
            if let Some(trodden) = &mut trodden {
                let came = CameTo {
                    place,
                    rules_looked_at: looked_at,
                };
                trodden.learn(self, state, port, &went, came);
            }
            if !expected.real.is_empty()
                && let Some(index) = scheduled(&went).and_then(|(_, at)| real_server(at))
                && let Some(real) = expected.real.get_mut(index)
            {
                real.count += 1;
                real.way = Some(place);
            }
            let way = &mut expected.ways[place];
            way.count += 1;
            if way.end.failed && way.first.is_none() {
                way.first = Some(went);
            } else {
                went.events.clear();
                events = went.events;
            }
        }
        if let Some(trodden) = &mut trodden {
            trodden.give_back(state);
        }
        for real in &expected.real {
            if let Some(place) = real.way {
                expected.ways[place].share += real.share;
            }
        }
        let fit = fit(&expected, count);
        expected.ways.retain(|way| way.count > 0 || way.share > 0);
        expected.ways.sort_by(|one, other| one.end.cmp(&other.end));
        let promise = expected.promise;
        let numbers = matches!(promise, Promise::Drawn | Promise::Spread | Promise::InTurn);
        let mut doubts = Vec::new();
        let shares = (expected.ways.into_iter())
            .map(|way| {
                let verdict = way.first.map(|went| {
                    let journey = self.tell(request, ready.clone(), &went, lookups);
                    for doubt in journey.doubts {
                        if !doubts.contains(&doubt) {
                            doubts.push(doubt);
                        }
                    }
                    journey.verdict
                });
                Share {
                    kind: way.kind,
                    by: way.end.by,
                    count: way.count,
                    expected_thousandths: numbers.then(|| thousandths(count, way.share)),
                    why: verdict.as_ref().map(|verdict| verdict.why.clone()),
                    cause: verdict.and_then(|verdict| verdict.cause),
                }
            })
            .collect();
        Ok(Tally {
            request: request.clone(),
            client: ready.client,
            count,
            shares,
            promise,
            fit,
            rules_looked_at,
            doubts,
        })
    }

    /// The place among the ways of how a request ended.
    fn place(&self, ways: &mut Vec<Counted>, ready: &Ready, went: &Went) -> usize {
        let kind = verdict::kind(&went.ending, ready.machine, went.events.len());
        let server = match &went.ending {
            Ending::Answered(server)
            | Ending::Silence {
                answered: Some(server),
                ..
            } => Some(server),
            _ => None,
        };
        // Mostly it is one that was there before, and then its name is made already.
        let known = |way: &Counted| way.kind == kind && same(way.server.as_ref(), server);
        if let Some(place) = ways.iter().position(known) {
            return place;
        }
        let by = server.map(|server| {
            let served = served(self, server);
            Answerer {
                address: served.address,
                port: served.port,
                pod: served.pod,
            }
        });
        let end = End {
            failed: kind != VerdictKind::Answered,
            by,
            kind: kind.as_str(),
        };
        if let Some(place) = ways.iter().position(|way| way.end == end) {
            return place;
        }
        ways.push(Counted {
            end,
            kind,
            server: server.cloned(),
            count: 0,
            share: 0,
            first: None,
        });
        ways.len() - 1
    }

    /// How the rules choose from here. The state stays as it is.
    fn expected(&self, state: &State, ready: &Ready) -> Expected {
        let mut branches = Branches::new(0);
        let mut expected = Expected {
            promise: Promise::Fixed,
            ways: Vec::new(),
            real: Vec::new(),
        };
        let trial = state.for_trial();
        for _ in 0..MAX_POSSIBILITIES {
            let mut state = trial.clone();
            let how = How::default();
            let went = self.go(&mut state, &mut branches, ready, how, Vec::new());
            if let Some(promise) = self.promise_of(&went) {
                expected.promise = promise;
            }
            match expected.promise {
                Promise::Fixed | Promise::Drawn => {
                    let place = self.place(&mut expected.ways, ready, &went);
                    expected.ways[place].share += share_of(&branches.weight());
                }
                promise => {
                    if let Some((server, _)) = self.chosen(&went)
                        && matches!(promise, Promise::InTurn | Promise::Spread)
                    {
                        let shares = server.shares(promise == Promise::Spread);
                        let total: u64 = shares.iter().map(|&share| u64::from(share)).sum();
                        let chosen = |share: &u32| Chosen {
                            share: u64::from(*share) * ONE / total.max(1),
                            count: 0,
                            way: None,
                        };
                        expected.real = shares.iter().map(chosen).collect();
                    }
                    expected.ways.clear();
                    return expected;
                }
            }
            if !branches.next_branch() {
                return expected;
            }
        }
        expected.promise = Promise::Unknown;
        expected.ways.clear();
        expected
    }

    /// The virtual server that a request came to, and the index of the real server that it got.
    fn chosen(&self, went: &Went) -> Option<(&VirtualServer, usize)> {
        let family = IpFamily::of(went.sent.dst);
        let (machine, at) = scheduled(went)?;
        let server = self.machine(machine).host.ipvs(family)?.named(at)?;
        Some((server, real_server(at)?))
    }

    /// What one request shows of how the rules choose; `None` where it shows nothing.
    fn promise_of(&self, went: &Went) -> Option<Promise> {
        let family = IpFamily::of(went.sent.dst);
        if let Some((server, _)) = self.chosen(went) {
            return Some(match server.scheduler {
                _ if server.persistence_seconds.is_some() => Promise::Stays,
                _ if server.real.len() == 1 => Promise::Fixed,
                Scheduler::RoundRobin | Scheduler::WeightedRoundRobin => Promise::InTurn,
                Scheduler::LeastConnection
                | Scheduler::WeightedLeastConnection
                | Scheduler::ShortestExpectedDelay
                | Scheduler::NeverQueue => Promise::Evened,
                Scheduler::MaglevHashing if server.hash_port => Promise::Spread,
                Scheduler::SourceHashing if server.hash_port => Promise::Unknown,
                Scheduler::SourceHashing | Scheduler::MaglevHashing => Promise::Hashed,
            });
        }
        let mut drawn = None;
        for event in went.events.iter().filter(|event| !event.reply) {
            let host = &self.machine(event.machine).host;
            let trace = &event.passage.trace;
            // An affinity list that is asked says that an earlier request decides later ones.
            if (trace.tried()).any(|look| host.remembers(family, &look.at)) {
                return Some(Promise::Stays);
            }
            let balanced = event.balanced.as_ref().and_then(|own| own.to.as_ref().ok());
            if !trace.draws.is_empty() || balanced.is_some_and(|picked| picked.among > 1) {
                drawn = Some(Promise::Drawn);
            }
        }
        drawn
    }
}

/// The first real server that IPVS chose, and on which machine.
fn scheduled(went: &Went) -> Option<(usize, &RuleAt)> {
    went.events.iter().find_map(|event| {
        let mut draws = event.passage.trace.draws.iter();
        let at = draws.find_map(|draw| match draw {
            Draw::Scheduled { at, .. } => Some(at),
            _ => None,
        })?;
        Some((event.machine, at))
    })
}

/// The index of a real server among those of its virtual server.
fn real_server(at: &RuleAt) -> Option<usize> {
    (at.number as usize).checked_sub(1)
}

/// Whether the same process answered, if any.
fn same(one: Option<&Server>, other: Option<&Server>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            one.machine == other.machine
                && one.owner == other.owner
                && one.got.dst == other.got.dst
                && one.got.transport.dport() == other.got.transport.dport()
        }
        _ => false,
    }
}

/// A share of so many requests, in thousandths of a request, rounded to the nearest.
fn thousandths(count: u32, share: u64) -> u64 {
    let expected = u128::from(count) * 1000 * u128::from(share);
    u64::try_from((expected + u128::from(ONE) / 2) / u128::from(ONE)).unwrap_or(u64::MAX)
}

/// A product of fractions as a fraction of [`ONE`].
fn share_of(draws: &[(u32, u32)]) -> u64 {
    u64::try_from((product(draws) + (1 << 29)) >> 30).unwrap_or(ONE)
}

fn fit(expected: &Expected, count: u32) -> Fit {
    let promise = expected.promise;
    let ways = &expected.ways;
    // By real servers where these are chosen: several may end alike.
    let counts: Vec<(u32, u64)> = if expected.real.is_empty() {
        ways.iter().map(|way| (way.count, way.share)).collect()
    } else {
        (expected.real.iter())
            .filter(|real| real.share > 0 || real.count > 0)
            .map(|real| (real.count, real.share))
            .collect()
    };
    let mut chi_squared = None;
    let agrees = match promise {
        _ if count == 0 => None,
        Promise::Fixed | Promise::Stays | Promise::Hashed => {
            Some(ways.iter().filter(|way| way.count > 0).count() == 1)
        }
        Promise::Drawn | Promise::Spread => {
            chi_squared = chi_squared::measure(&counts, count);
            let unexpected = counts.iter().any(|&(count, share)| count > 0 && share == 0);
            match chi_squared {
                _ if unexpected => Some(false),
                Some(found) => Some(found.thousandths <= found.limit_thousandths),
                None => None,
            }
        }
        // A round is one request for each part of the weights; one may be under way.
        Promise::InTurn => {
            let round = counts
                .iter()
                .map(|&(_, share)| share)
                .filter(|&share| share > 0)
                .min();
            Some(counts.iter().all(|&(own, share)| {
                let turns = share.div_ceil(round.unwrap_or(ONE));
                u64::from(own).abs_diff(u64::from(count) * share / ONE) <= turns
            }))
        }
        Promise::Evened | Promise::Unknown => None,
    };
    Fit {
        agrees,
        chi_squared,
        said: words::fit(promise, agrees, chi_squared, counts.len(), count),
    }
}

/// All requests end as this one did before it left.
fn all_alike(journey: Journey, count: u32) -> Tally {
    Tally {
        request: journey.request,
        client: journey.client,
        count,
        shares: vec![Share {
            kind: journey.verdict.kind,
            by: None,
            count,
            expected_thousandths: None,
            why: Some(journey.verdict.why),
            cause: journey.verdict.cause,
        }],
        promise: Promise::Fixed,
        fit: Fit {
            agrees: Some(true),
            chi_squared: None,
            said: words::fit(Promise::Fixed, Some(true), None, 1, count),
        },
        rules_looked_at: u64::from(journey.rules_looked_at),
        doubts: journey.doubts,
    }
}
