//! CoreDNS as a whole: server blocks, the chain of plugins, and the question's way through it.
//!
//! Models coredns/coredns v1.13.1 `core/dnsserver/server.go` (the longest zone wins; REFUSED where
//! there is none; SERVFAIL where no plugin answers), the order of plugins in `zdirectives.go`
//! (`cache` around `kubernetes` around `forward`), and what `plugin/cache` does to an answer that
//! it did not have yet. Left out: kept answers, truncation over UDP; shuffling is the caller's
//! ([`CoreDns::shuffles`]).

use std::net::IpAddr;

use super::corefile::{Cache, CacheTtl, Corefile, Forward, ServerBlock};
use super::kubernetes::{Outcome, Plugin};
use super::{Answer, Name, Question, Rcode, Reason, RecordData, RecordType, Upstream};
use crate::api::Object;
use crate::limits::MAX_DNS_LOOKUPS;

/// CoreDNS with a Corefile, over a cluster's objects.
///
/// The objects are indexed once; every question is then a few look-ups.
#[derive(Clone, Debug)]
pub struct CoreDns {
    corefile: Corefile,
    /// One for each server block.
    plugins: Vec<Option<Plugin>>,
    upstream: Upstream,
}

impl CoreDns {
    /// CoreDNS over these objects: Namespaces, Services, EndpointSlices and Pods are looked at.
    /// `own_addresses` are those of CoreDNS' own Pod; they lead to the zone's name server.
    #[must_use]
    pub fn new<'a>(
        corefile: Corefile,
        objects: impl IntoIterator<Item = &'a Object, IntoIter: Clone>,
        own_addresses: &[IpAddr],
        upstream: Upstream,
    ) -> Self {
        let objects = objects.into_iter();
        let plugins = corefile
            .servers
            .iter()
            .map(|server| {
                let config = server.kubernetes.clone()?;
                Some(Plugin::new(config, objects.clone(), own_addresses))
            })
            .collect();
        Self {
            corefile,
            plugins,
            upstream,
        }
    }

    /// The Corefile.
    #[must_use]
    pub fn corefile(&self) -> &Corefile {
        &self.corefile
    }

    /// Answers a question at the port of the first server block.
    ///
    /// Where CoreDNS could not even write its answer (a name of more than 255 octets), it sends
    /// none, and the client waits in vain; here that is SERVFAIL with
    /// [`Reason::NotWritable`].
    #[must_use]
    pub fn answer(&self, question: &Question) -> Answer {
        self.answer_with(question, &mut |_, question| self.upstream.answer(question))
    }

    /// The same, with somebody else behind `forward`: the caller decides whether a question gets
    /// there, and what comes back.
    #[must_use]
    pub fn answer_with(&self, question: &Question, forward: &mut AskUpstream<'_>) -> Answer {
        let answer = self.ask(question, 0, forward);
        let unwritable = answer
            .records()
            .flat_map(|record| {
                let [one, other] = record.data.names();
                [Some(&record.name), one, other].into_iter().flatten()
            })
            .find(|name| !name.is_writable())
            .cloned();
        match unwritable {
            Some(name) => Answer::empty(Rcode::ServFail, Reason::NotWritable { name }),
            None => answer,
        }
    }

    /// Whether the addresses of the answer to a question are shuffled (`loadbalance`).
    #[must_use]
    pub fn shuffles(&self, question: &Question) -> bool {
        self.block_for(question)
            .is_some_and(|(server, _)| server.loadbalance)
    }

    fn ask(&self, question: &Question, depth: usize, forward: &mut AskUpstream<'_>) -> Answer {
        if depth > MAX_DNS_LOOKUPS {
            return Answer::empty(Rcode::ServFail, Reason::TooManyLookups);
        }
        let Some((server, plugin)) = self.block_for(question) else {
            return Answer::empty(Rcode::Refused, Reason::NotServed);
        };
        let mut answer = self.chain(server, plugin, question, depth, forward);
        if let Some(cache) = &server.cache
            && cache.zones.iter().any(|zone| question.name.is_in(zone))
        {
            cap_ttls(&mut answer, cache);
        }
        answer
    }

    /// The server block of the longest zone that the name is in. Keys of a parent zone belong to
    /// the parent (`DS`), so there the shortest one below the root is asked.
    fn block_for(&self, question: &Question) -> Option<(&ServerBlock, Option<&Plugin>)> {
        let port = self.corefile.port();
        let blocks = self.corefile.servers.iter().zip(&self.plugins);
        let zones = blocks.flat_map(|(server, plugin)| {
            let zones = server.addresses.iter();
            zones
                .filter(|address| address.port == port && question.name.is_in(&address.zone))
                .map(move |address| (address.zone.labels().len(), (server, plugin.as_ref())))
        });
        let found = if question.record_type == RecordType::DS {
            zones.min_by_key(|(length, _)| if *length == 0 { usize::MAX } else { *length })
        } else {
            zones.max_by_key(|(length, _)| *length)
        };
        found.map(|(_, block)| block)
    }

    fn chain(
        &self,
        server: &ServerBlock,
        plugin: Option<&Plugin>,
        question: &Question,
        depth: usize,
        forward: &mut AskUpstream<'_>,
    ) -> Answer {
        let mut unknown = None;
        if let Some(plugin) = plugin {
            let mut lookup = Lookup {
                server: self,
                depth: depth + 1,
                forward: &mut *forward,
            };
            match plugin.serve(question, &mut lookup) {
                Some(Outcome::Answer(answer)) => return answer,
                Some(Outcome::Next(reason)) => unknown = Some(reason),
                None => {}
            }
        }
        let forwarder = server.forward.iter().find(|forward| {
            question.name.is_in(&forward.from)
                && !forward.except.iter().any(|zone| question.name.is_in(zone))
        });
        let Some(forwarder) = forwarder else {
            return Answer::empty(Rcode::ServFail, Reason::NotForwarded);
        };
        let mut answer = forward(forwarder, question);
        if answer.reason == Reason::UnknownOutside
            && let Some(reason) = unknown
        {
            answer.reason = reason;
        }
        answer
    }
}

/// Puts a question to whoever a `forward` plugin names.
pub type AskUpstream<'a> = dyn FnMut(&Forward, &Question) -> Answer + 'a;

/// How a plugin asks CoreDNS itself for another name, through the whole chain again.
pub(super) struct Lookup<'a> {
    server: &'a CoreDns,
    depth: usize,
    forward: &'a mut AskUpstream<'a>,
}

impl Lookup<'_> {
    /// The answer for another name.
    pub(super) fn ask(&mut self, question: &Question) -> Answer {
        self.server.ask(question, self.depth, &mut *self.forward)
    }
}

/// Sets every TTL to the lowest one, within the bounds of the cache.
fn cap_ttls(answer: &mut Answer, cache: &Cache) {
    /// Taken where there is no record to take one from, in seconds.
    const WITHOUT_RECORDS: u32 = 5;
    /// Higher TTLs are not looked at, in seconds.
    const HIGHEST: u32 = 3600;
    let denies = answer
        .authority
        .iter()
        .any(|record| matches!(record.data, RecordData::Soa { .. }));
    let kept: &CacheTtl = match answer.rcode {
        Rcode::NoError if !answer.answer.is_empty() => &cache.success,
        Rcode::NoError | Rcode::NxDomain if denies => &cache.denial,
        _ => &cache.success,
    };
    let lowest = answer.records().map(|record| record.ttl).min();
    let ttl = lowest
        .map_or(WITHOUT_RECORDS, |ttl| ttl.min(HIGHEST))
        .max(kept.min)
        .min(kept.max);
    for record in answer.records_mut() {
        record.ttl = ttl;
    }
}

impl Corefile {
    /// The longest zone of a `kubernetes` plugin that a name is in: whether the name is the
    /// cluster's.
    #[must_use]
    pub fn cluster_zone_of(&self, name: &Name) -> Option<&Name> {
        self.servers
            .iter()
            .filter_map(|server| server.kubernetes.as_ref())
            .flat_map(|plugin| &plugin.zones)
            .filter(|zone| name.is_in(zone))
            .max_by_key(|zone| zone.as_str().len())
    }
}
