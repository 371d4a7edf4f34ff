//! How the name in a request became an address, as part of a journey.
//!
//! Who resolves is the caller's business ([`crate::dns::Resolver`] and whatever answers it). Here
//! is what a journey keeps of it: every question with its answer, the way that each question took
//! as a packet of its own, a hop in front of the others, and the verdict where there is no address.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::journey::{Cause, Change, Direction, Hop, Journey, Request, Step, Verdict, VerdictKind};
use super::request::{self, RequestError};
use super::topology::Network;
use super::words;
use crate::api::Origin;
use crate::dns::{Attempt, AttemptResult, Reply, Resolution, ResolutionKind};
use crate::words::Words;

/// How the name in a request became an address, or why it did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NameLookup {
    /// Every question and its answer, and how it ended.
    pub resolution: Resolution,
    /// The address that the request goes to; `None` where there is none.
    pub address: Option<IpAddr>,
    /// The ways that the questions took, in order.
    pub queries: Vec<Query>,
    /// The addresses before it, at which nobody answered: a client goes on to the next one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
}

/// One packet with questions to one server. The questions for A and AAAA of one spelling come from
/// one socket, so they go the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// Which attempts it carried ([`crate::dns::Attempt::number`]).
    pub attempts: Vec<u32>,
    /// Its way there and back.
    pub way: Journey,
    /// Who answered; `None` where nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// The ways of the server's own questions to the servers behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwarded: Vec<Journey>,
}

/// An address at which a client got no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PassedOver {
    /// The address.
    pub address: IpAddr,
    /// What became of it there.
    pub kind: VerdictKind,
}

/// One question and its answer, as a line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRow {
    /// From 1.
    pub number: u32,
    /// The name that was asked for.
    pub name: String,
    /// The record type.
    pub record_type: String,
    /// What came back: a response code, or that nothing did.
    pub status: &'static str,
    /// Whether it has what was asked for.
    pub found: bool,
    /// The answer's records: type and data, and the TTL in seconds.
    pub records: Vec<(String, u32)>,
    /// Whom the question was put to.
    pub server: IpAddr,
    /// Who answered; empty where nobody did.
    pub answered_by: String,
    /// The stops of the packet that carried it; none for a question that shares the packet of the
    /// one before.
    pub way: Vec<Words>,
    /// Why it was asked.
    pub why: Words,
    /// Why the reply is what it is.
    pub because: Words,
}

impl NameLookup {
    /// Every question with its answer, in order.
    #[must_use]
    pub fn rows(&self) -> Vec<NameRow> {
        let row = |attempt: &Attempt| {
            let records = match &attempt.reply {
                Reply::Answered(answer) => &answer.answer[..],
                Reply::TimedOut | Reply::Refused => &[],
            };
            let query =
                (self.queries.iter()).find(|query| query.attempts.contains(&attempt.number));
            let by = query.and_then(|query| query.answered_by.clone());
            // What the server asked in its turn is part of the way, too.
            let first = query.filter(|query| query.attempts.first() == Some(&attempt.number));
            let way = first.into_iter().flat_map(|query| {
                let ways = std::iter::once(&query.way).chain(query.forwarded.last());
                ways.flat_map(|way| way.hops.iter().map(|hop| hop.title.clone()))
            });
            NameRow {
                number: attempt.number,
                name: attempt.question.name.to_string(),
                record_type: attempt.question.record_type.to_string(),
                status: attempt.reply.status(),
                found: attempt.result == AttemptResult::Addresses,
                records: (records.iter())
                    .map(|record| {
                        let data = &record.data;
                        (format!("{} {data}", data.record_type()), record.ttl)
                    })
                    .collect(),
                server: attempt.server,
                way: way.collect(),
                answered_by: by.unwrap_or_default(),
                why: attempt.why.clone(),
                because: attempt.because.clone(),
            }
        };
        self.resolution.attempts.iter().map(row).collect()
    }

    /// How many rules the kernels looked at for all of its packets.
    pub(super) fn rules_looked_at(&self) -> u32 {
        (self.queries.iter())
            .flat_map(|query| std::iter::once(&query.way).chain(&query.forwarded))
            .map(|way| way.rules_looked_at)
            .sum()
    }

    /// The query that decided: the last one.
    fn last(&self) -> Option<&Query> {
        self.queries.last()
    }

    /// The fields that the answer's records come from.
    pub(crate) fn origins(&self) -> Vec<Origin> {
        let mut found: Vec<Origin> = Vec::new();
        let Some(last) = self.last() else {
            return found;
        };
        let attempts = (self.resolution.attempts.iter())
            .filter(|attempt| last.attempts.contains(&attempt.number));
        for attempt in attempts {
            if let Reply::Answered(answer) = &attempt.reply {
                for origin in answer.records().filter_map(|record| record.origin.as_ref()) {
                    if !found.contains(origin) {
                        found.push(origin.clone());
                    }
                }
            }
        }
        found
    }
}

/// The hop in front: the client asks for the name. `None` where no server was asked.
///
/// Its packet is the last question's, as it was sent and as its server got it.
pub(super) fn hop(lookup: &NameLookup) -> Option<Hop> {
    let way = &lookup.last()?.way;
    let first = way.hops.first()?;
    let there = (way.hops.iter()).filter(|hop| hop.direction == Direction::Request);
    let after = there
        .clone()
        .next_back()
        .map_or(first.after, |hop| hop.after);
    let nat = there.clone().find(|hop| hop.step == Step::Nat);
    let mut changes = Vec::new();
    if after.dst != first.before.dst {
        changes.push(Change::Dnat);
    }
    if after.src != first.before.src {
        changes.push(Change::Snat);
    }
    let said = words::resolve(lookup);
    Some(Hop {
        number: 1,
        step: Step::Resolve,
        at: first.at.clone(),
        direction: Direction::Request,
        before: first.before,
        after,
        changes,
        title: said.title,
        aside: said.aside,
        tick: said.tick,
        sentence: said.sentence,
        why: said.why,
        looks: nat.map(|hop| hop.looks.clone()).unwrap_or_default(),
        decided_by: nat.and_then(|hop| hop.decided_by.clone()),
        origins: lookup.origins(),
    })
}

impl Network {
    /// The journey of a request whose name has no address: the lookup, and where it failed on its
    /// way, the way of the question.
    ///
    /// # Errors
    /// A request that cannot be made.
    pub fn without_address(
        &self,
        request: &Request,
        lookup: &NameLookup,
    ) -> Result<Journey, RequestError> {
        let (_, client) = request::client(self, &request.from)?;
        let mut hops: Vec<Hop> = hop(lookup).into_iter().collect();
        let verdict = verdict(lookup);
        let mut doubts = Vec::new();
        if let Some(last) = lookup.last()
            && lookup.resolution.verdict.kind == ResolutionKind::TryAgain
        {
            let failed = last.forwarded.last().unwrap_or(&last.way);
            doubts.clone_from(&failed.doubts);
            for own in &failed.hops {
                let number = u32::try_from(hops.len() + 1).unwrap_or(u32::MAX);
                hops.push(Hop {
                    number,
                    ..own.clone()
                });
            }
        }
        Ok(Journey {
            request: request.clone(),
            client,
            hops,
            verdict,
            rules_looked_at: lookup.rules_looked_at(),
            served: None,
            doubts,
            names: Some(Box::new(lookup.clone())),
        })
    }
}

/// The verdict where there is no address.
fn verdict(lookup: &NameLookup) -> Verdict {
    let resolution = &lookup.resolution;
    let ended = &resolution.verdict;
    let silent = (resolution.attempts.last())
        .filter(|attempt| {
            ended.kind == ResolutionKind::TryAgain && attempt.result == AttemptResult::NoReply
        })
        .zip(lookup.last());
    let Some((attempt, query)) = silent else {
        // Somebody answered: the name is not there, or the server could not say.
        let forwarded = lookup.last().and_then(|query| query.forwarded.last());
        let way = forwarded.filter(|way| {
            ended.kind == ResolutionKind::TryAgain && way.verdict.kind != VerdictKind::Answered
        });
        return Verdict {
            // A server that heard nothing from those behind it says as little as one that is
            // silent itself.
            kind: way.map_or(VerdictKind::NoSuchName, |way| way.verdict.kind),
            detail: words::no_name_detail(&resolution.name, &ended.message),
            why: ended.why.clone(),
            cause: way.and_then(|way| way.verdict.cause.clone()).or_else(|| {
                let origin = lookup.origins().into_iter().next()?;
                Some(Cause {
                    rule: None,
                    origin: Some(origin),
                })
            }),
            next: way.and_then(|way| way.verdict.next.clone()),
        };
    };
    let way = &query.way.verdict;
    let kind = match (&attempt.reply, way.kind) {
        (Reply::Refused, VerdictKind::Unreachable) => VerdictKind::Unreachable,
        (Reply::Refused, _) => VerdictKind::Refused,
        _ => VerdictKind::TimedOut,
    };
    Verdict {
        kind,
        detail: words::no_reply_detail(&ended.message, attempt.server, kind),
        why: words::no_reply(&ended.why, &attempt.because),
        cause: way.cause.clone(),
        next: way.next.clone().or_else(|| Some(words::next_name_server())),
    }
}

/// What a Journey says when somebody knows better what to look at next.
impl Journey {
    /// Sets what to look at next, unless something is said already.
    pub fn suggest(&mut self, next: Words) {
        self.verdict.next.get_or_insert(next);
    }
}
