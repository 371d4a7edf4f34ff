//! One name's lookup: each question to its server and back, and what the server asks in its turn.

use std::net::IpAddr;

use super::{Names, is_server, pod_of};
use crate::dns::{
    Answer, Forward, Question, Rcode, Reason, RecordType, Reply, Resolution, ResolutionKind,
};
use crate::lab::internet::{self, DNS_PORT, LAN_RESOLVER, PUBLIC_RESOLVER};
use crate::lab::world::World;
use crate::net::{Protocol, host_port};
use crate::netfilter::chance::{Chance, Seeded};
use crate::network::{
    ClientKind, Journey, Lookups, NameLookup, Network, OriginsOf, Query, Request, RequestError,
    State, VerdictKind, Words,
};

/// The most servers that one `forward` may name (`plugin/forward/setup.go`).
const MAX_FORWARDS: usize = 15;
/// How questions are kept apart from the other draws of one seed.
const QUESTIONS: u64 = 0x6e61_6d65_7300_0001;

/// How a name is looked up for a request.
pub(in crate::lab) struct Asking<'a> {
    pub(in crate::lab) world: &'a World,
    pub(in crate::lab) network: &'a Network,
    pub(in crate::lab) state: &'a mut State,
    pub(in crate::lab) names: &'a Names,
    pub(in crate::lab) origins: &'a OriginsOf<'a>,
    pub(in crate::lab) seed: u64,
}

impl Asking<'_> {
    /// Looks a name up as its client does: of both families, or records of one type.
    ///
    /// # Errors
    ///
    /// There is no such client.
    pub(in crate::lab) fn lookup(
        &mut self,
        from: &str,
        name: &str,
        record_type: Option<RecordType>,
    ) -> Result<NameLookup, RequestError> {
        let client = self.network.client(from)?;
        let (resolver, _) = self.names.resolver(self.world, self.network, &client);
        let mut questions = Questions {
            world: self.world,
            network: self.network,
            state: &mut *self.state,
            names: self.names,
            origins: self.origins,
            chance: Seeded::new(self.seed ^ QUESTIONS),
            from,
            asked: 0,
            last: None,
            queries: Vec::new(),
            whys: Vec::new(),
        };
        let mut ask = |server, question: &Question| questions.ask(server, question);
        let mut resolution = match record_type {
            Some(one) => resolver.search(name, &[one], &mut ask),
            None => resolver.resolve(name, &mut ask),
        };
        for (attempt, why) in resolution.attempts.iter_mut().zip(questions.whys) {
            if let Some(why) = why {
                attempt.because = why;
            }
        }
        Ok(NameLookup {
            address: resolution.addresses.first().copied(),
            resolution,
            queries: questions.queries,
            passed_over: Vec::new(),
        })
    }

    /// What to look at when a name has no address.
    pub(in crate::lab) fn suggestion(&self, from: &str, resolution: &Resolution) -> Option<Words> {
        if resolution.verdict.kind != ResolutionKind::NoSuchName {
            return None;
        }
        let client = self.network.client(from).ok()?;
        let labels: Vec<&str> = resolution.name.trim_end_matches('.').split('.').collect();
        let service = labels.first()?.to_ascii_lowercase();
        let own = pod_of(&self.world.store, &client.id).map(|pod| &pod.metadata.namespace);
        if client.kind != ClientKind::Pod {
            let known = (self.world.store.services()).any(|found| found.metadata.name == service);
            return Some(if known {
                Words::new(
                    "Only rooms have the hotel's directory: from outside, use a door's number.",
                    format!(
                        "{} does not ask cluster DNS: Service names are known in Pods. Use an address here.",
                        client.name
                    ),
                )
            } else {
                self.known_names()
            });
        }
        let elsewhere = (self.world.store.services())
            .find(|found| found.metadata.name == service && Some(&found.metadata.namespace) != own);
        match elsewhere {
            Some(found) => {
                let metadata = &found.metadata;
                let full = format!("{}.{}", metadata.name, metadata.namespace);
                Some(Words::new(
                    format!(
                        "Desk {} is in {}: ask for {full}.",
                        metadata.name, metadata.namespace
                    ),
                    format!(
                        "Service {} is in Namespace {}: from another Namespace its name is {full}.",
                        metadata.name, metadata.namespace
                    ),
                ))
            }
            None if labels.len() == 1 => Some(Words::new(
                "Is there a desk of that name?",
                format!(
                    "Is there a Service {service} in the client's Namespace? kubectl get services -A lists all."
                ),
            )),
            None => Some(self.known_names()),
        }
    }

    /// What there is outside the cluster.
    fn known_names(&self) -> Words {
        let mut names: Vec<&str> = internet::names().collect();
        names.extend(self.names.nodes.iter().map(|(name, _)| name.as_str()));
        Words::same(format!(
            "Outside the cluster, this lab knows {}.",
            names.join(", ")
        ))
    }
}

/// The questions of one name, one after another.
struct Questions<'a> {
    world: &'a World,
    network: &'a Network,
    state: &'a mut State,
    names: &'a Names,
    origins: &'a OriginsOf<'a>,
    chance: Seeded,
    from: &'a str,
    /// How many questions were asked.
    asked: u32,
    /// The server and the question of the last packet.
    last: Option<(IpAddr, Question)>,
    queries: Vec<Query>,
    /// For each question: why there was no reply.
    whys: Vec<Option<Words>>,
}

impl Questions<'_> {
    fn ask(&mut self, server: IpAddr, question: &Question) -> Reply {
        self.asked += 1;
        // The other type of the same spelling comes from the same socket.
        let with_the_last = (self.last.as_ref()).is_some_and(|(last, other)| {
            *last == server
                && other.name == question.name
                && other.record_type != question.record_type
        });
        if !with_the_last && let Some(way) = self.walk(self.from, server) {
            self.queries.push(Query {
                attempts: Vec::new(),
                way,
                answered_by: None,
                forwarded: Vec::new(),
            });
        }
        self.last = Some((server, question.clone()));
        let Some(mut query) = self.queries.pop() else {
            self.whys.push(None);
            return Reply::TimedOut;
        };
        query.attempts.push(self.asked);
        let (reply, why) = self.reply(&mut query, question);
        self.queries.push(query);
        self.whys.push(why);
        reply
    }

    /// The way of one packet to a name server; `None` where there is no such sender.
    fn walk(&mut self, from: &str, server: IpAddr) -> Option<Journey> {
        let request = Request {
            from: from.to_owned(),
            to: host_port(server, Some(DNS_PORT)),
            protocol: Protocol::Udp,
        };
        let lookups = Lookups {
            origins: Some(self.origins),
            names: None,
        };
        let network = self.network;
        let walked = network.walk(self.state, &mut self.chance, &request, lookups);
        walked.ok()
    }

    /// What comes back, and why nothing does.
    fn reply(&mut self, query: &mut Query, question: &Question) -> (Reply, Option<Words>) {
        let verdict = &query.way.verdict;
        match verdict.kind {
            VerdictKind::Answered => {}
            VerdictKind::Refused | VerdictKind::Unreachable => {
                return (Reply::Refused, Some(verdict.why.clone()));
            }
            _ => return (Reply::TimedOut, Some(verdict.why.clone())),
        }
        let Some(who) = who(self.network, &query.way) else {
            return (Reply::TimedOut, None);
        };
        let (answer, name) = match who {
            Who::Resolver(which) => {
                let name = [LAN_RESOLVER, PUBLIC_RESOLVER][which];
                query.answered_by = Some(name.to_owned());
                let answer = self.names.upstream[which].answer(question);
                let why = (answer.reason == Reason::UnknownOutside).then(|| {
                    Words::new(
                        "A directory outside the hotel: it does not know the name.",
                        format!("{name} does not know the name; it does not ask cluster DNS."),
                    )
                });
                return (Reply::Answered(answer), why);
            }
            Who::Pod(pod) => {
                let own = pod_of(&self.world.store, &format!("pod/{pod}"));
                let Some(own) = own.filter(|pod| is_server(pod)) else {
                    let why = Words::new(
                        format!("Room {pod} answered the phone, and is no directory."),
                        format!("The question came to Pod {pod}, which is no name server."),
                    );
                    return (Reply::TimedOut, Some(why));
                };
                let names = self.names;
                let server = match names.server_in(&own.metadata.namespace) {
                    Ok(server) => server,
                    Err(why) => return (Reply::Refused, Some(Words::same(why))),
                };
                let forwarded = &mut query.forwarded;
                let mut answer = server.answer_with(question, &mut |forward, question| {
                    self.forward(&pod, forward, question, forwarded)
                });
                if server.shuffles(question) {
                    answer.shuffle(&mut |below| self.chance.choose(below));
                }
                (answer, format!("Pod {pod}"))
            }
        };
        query.answered_by = Some(name);
        (Reply::Answered(answer), None)
    }

    /// CoreDNS asks the servers behind `forward`, each in turn until one answers.
    fn forward(
        &mut self,
        pod: &str,
        forward: &Forward,
        question: &Question,
        ways: &mut Vec<Journey>,
    ) -> Answer {
        let from = format!("pod/{pod}");
        let own = pod_of(&self.world.store, &from).map(|own| self.names.of_pod(own).0.conf);
        let mut servers: Vec<IpAddr> = Vec::new();
        for to in &forward.to {
            match (to.strip_prefix("dns://").unwrap_or(to).parse(), &own) {
                (Ok(address), _) => servers.push(address),
                // A file: the Pod's own resolv.conf.
                (Err(_), Some(conf)) if to.starts_with('/') => {
                    servers.extend(&conf.nameservers);
                }
                (Err(_), _) => {}
            }
        }
        servers.truncate(MAX_FORWARDS);
        for server in servers {
            let Some(way) = self.walk(&from, server) else {
                continue;
            };
            let who = (way.verdict.kind == VerdictKind::Answered)
                .then(|| who(self.network, &way))
                .flatten();
            ways.push(way);
            match who {
                Some(Who::Resolver(which)) => return self.names.upstream[which].answer(question),
                // CoreDNS asks CoreDNS, until it gives up.
                Some(Who::Pod(_)) => return Answer::empty(Rcode::ServFail, Reason::TooManyLookups),
                None => {}
            }
        }
        let servers = forward.to.join(" ");
        Answer::empty(Rcode::ServFail, Reason::UpstreamSilent { servers })
    }
}

/// Whom a question came to.
enum Who {
    /// A Pod, as `namespace/name`.
    Pod(String),
    /// A resolver: its place in [`Names::upstream`].
    Resolver(usize),
}

fn who(network: &Network, way: &Journey) -> Option<Who> {
    let served = way.served.as_ref()?;
    if let Some(pod) = &served.pod {
        return Some(Who::Pod(pod.clone()));
    }
    let machine = &network.machines()[network.owner_of(served.address)?];
    [LAN_RESOLVER, PUBLIC_RESOLVER]
        .iter()
        .position(|name| machine.name == *name)
        .map(Who::Resolver)
}
