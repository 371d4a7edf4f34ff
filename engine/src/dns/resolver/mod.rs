//! How a process finds the address of a name: `/etc/hosts`, the search list, the servers.
//!
//! Models `getaddrinfo` for any family without flags, as glibc 2.36 does it (`resolv/res_query.c`,
//! `resolv/res_send.c`) and as musl 1.2.5 does it (`src/network/lookup_name.c`, `res_msend.c`,
//! `resolvconf.c`): in which order a name is spelled, which answers end the search, how often and
//! for how long servers are asked. Every question and its reply is kept, with the reason for it.
//!
//! Left out: `nsswitch.conf` other than `files dns`, `rotate`, questions one after the other
//! (`single-request`), DNS over TCP, caches on the machine, resolvers that programs bring along
//! (Go, Java). Addresses are put in order by family and prefix only, not by every rule of RFC 6724.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::resolv_conf::MAX_NAMESERVERS;
use super::{Answer, ClusterDns, Hosts, Name, Question, Rcode, RecordData, RecordType, ResolvConf};
use crate::api::Pod;
use crate::diagnostic::Diagnostic;
use crate::net::IpFamily;
use crate::words::Words;

mod glibc;
mod musl;
#[cfg(test)]
mod tests;

/// The server that is asked where no server is named.
const LOCAL_SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// What a process on some machine finds names with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolver {
    /// Whose `getaddrinfo` it calls.
    pub libc: Libc,
    /// Its `/etc/resolv.conf`.
    pub conf: ResolvConf,
    /// Its `/etc/hosts`.
    pub hosts: Hosts,
    /// The families of its own addresses: it tries no others first.
    pub families: Vec<IpFamily>,
}

/// A C library, as far as names go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Libc {
    /// Debian, Ubuntu, Fedora, distroless images.
    #[default]
    Glibc,
    /// Alpine.
    Musl,
}

impl Libc {
    /// As people call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
        }
    }
}

/// What comes back for one question to one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "answer")]
pub enum Reply {
    /// An answer.
    Answered(Answer),
    /// Nothing, until the resolver gave up waiting.
    TimedOut,
    /// "Port unreachable": nobody listens, or kube-proxy refuses for a Service without endpoints.
    Refused,
}

impl Reply {
    /// The response code, or that nothing came back.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self::Answered(answer) => answer.rcode.as_str(),
            Self::TimedOut => "no reply",
            Self::Refused => "refused",
        }
    }
}

/// A name found, or not, and every step of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolution {
    /// The name as the process said it.
    pub name: String,
    /// Whose rules held.
    pub libc: Libc,
    /// Where it was found, or looked for last.
    pub source: Source,
    /// Every question that was asked, in order.
    pub attempts: Vec<Attempt>,
    /// The addresses, in the order in which they are tried.
    pub addresses: Vec<IpAddr>,
    /// The name at the end of all aliases, without a final dot.
    pub canonical_name: Option<String>,
    /// How it ended, and why.
    pub verdict: ResolutionVerdict,
    /// How long servers were waited for in vain, in seconds.
    pub waited_seconds: u32,
}

/// Where a name was found, or looked for last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// It is an address already.
    Literal,
    /// `/etc/hosts`.
    Hosts,
    /// The servers.
    Dns,
}

/// One question to one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// Which spelling of the name it is, from 1. The questions for A and AAAA of one spelling go
    /// out together.
    pub spelling: u32,
    /// Which server was asked.
    pub server: IpAddr,
    /// What was asked.
    pub question: Question,
    /// What came back.
    pub reply: Reply,
    /// What that means for the search.
    pub result: AttemptResult,
    /// Why it was asked.
    pub why: Words,
    /// Why the reply is what it is.
    pub because: Words,
}

/// What a reply means for the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttemptResult {
    /// It has addresses.
    Addresses,
    /// It has an alias, but no address at its end.
    AliasOnly,
    /// The name exists, without addresses of this family.
    NoData,
    /// There is no such name.
    NoSuchName,
    /// The server could not or did not want to answer.
    Failed,
    /// Nothing came back, or nobody was there.
    NoReply,
}

/// How a resolution ended, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolutionVerdict {
    /// In one word.
    pub kind: ResolutionKind,
    /// What the process is told (`gai_strerror`); empty where it has its addresses.
    pub message: String,
    /// One sentence that says why.
    pub why: Words,
}

/// The ways in which a resolution ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResolutionKind {
    /// There are addresses.
    Found,
    /// No spelling exists (`EAI_NONAME`).
    NoSuchName,
    /// A spelling exists, but has no address (`EAI_NODATA`).
    NoAddress,
    /// No server gave a usable answer (`EAI_AGAIN`).
    TryAgain,
}

impl ResolutionKind {
    /// What `gai_strerror` says.
    #[must_use]
    pub fn message(self, libc: Libc) -> &'static str {
        match (libc, self) {
            (_, Self::Found) => "",
            (Libc::Glibc, Self::NoSuchName) => "Name or service not known",
            (Libc::Glibc, Self::NoAddress) => "No address associated with hostname",
            (Libc::Glibc, Self::TryAgain) => "Temporary failure in name resolution",
            (Libc::Musl, Self::NoSuchName) => "Name does not resolve",
            (Libc::Musl, Self::NoAddress) => "Name has no usable address",
            (Libc::Musl, Self::TryAgain) => "Try again",
        }
    }
}

impl Resolver {
    /// The resolver of a machine outside of Pods: a Node, or somebody's laptop.
    #[must_use]
    pub fn of_machine(name: &str, addresses: &[IpAddr], conf: ResolvConf) -> Self {
        Self {
            libc: Libc::default(),
            conf,
            hosts: Hosts::of_machine(name, addresses),
            families: families(addresses.iter().copied()),
        }
    }

    /// The resolver of a Pod on a Node. The diagnostics are the kubelet's events.
    #[must_use]
    pub fn of_pod(pod: &Pod, node: &Resolver, cluster: &ClusterDns) -> (Self, Vec<Diagnostic>) {
        let (conf, diagnostics) = ResolvConf::of_pod(pod, &node.conf, cluster);
        let status = &pod.status;
        let addresses = status.pod_ips.iter().map(|pod| pod.ip.as_str());
        let addresses = addresses.chain([status.pod_ip.as_str()]);
        let resolver = Self {
            libc: Libc::default(),
            conf,
            hosts: Hosts::of_pod(pod, &node.hosts, &cluster.domain),
            families: families(addresses.filter_map(|address| address.parse().ok())),
        };
        (resolver, diagnostics)
    }

    /// Finds the addresses of a name. `ask` puts one question to one server; the caller decides
    /// whether it gets there.
    #[must_use]
    pub fn resolve(
        &self,
        name: &str,
        ask: &mut dyn FnMut(IpAddr, &Question) -> Reply,
    ) -> Resolution {
        if let Ok(address) = name.parse::<IpAddr>() {
            let why = Words::new(
                format!("{name} is a number already: no directory is asked."),
                format!("{name} is an address already; nothing is asked."),
            );
            return self.found(name, Source::Literal, vec![address], name.to_owned(), why);
        }
        if let Some((addresses, canonical)) = self.hosts.find(name) {
            let why = Words::new(
                format!("{name} stands in the guest's own notebook: no directory is asked."),
                format!("{name} is in /etc/hosts; no server is asked."),
            );
            return self.found(name, Source::Hosts, addresses, canonical, why);
        }
        self.search(name, self.types(), ask)
    }

    /// Asks the servers for records of these types, with the same search (`dig +search`): neither
    /// `/etc/hosts` is read nor is an address taken for one.
    #[must_use]
    pub fn search(
        &self,
        name: &str,
        types: &[RecordType],
        ask: &mut dyn FnMut(IpAddr, &Question) -> Reply,
    ) -> Resolution {
        let mut search = Search {
            resolver: self,
            name,
            types,
            ask,
            attempts: Vec::new(),
            spelling: 0,
            waited_seconds: 0,
        };
        let end = match self.libc {
            Libc::Glibc => glibc::search(&mut search),
            Libc::Musl => musl::search(&mut search),
        };
        search.finish(end)
    }

    fn found(
        &self,
        name: &str,
        source: Source,
        addresses: Vec<IpAddr>,
        canonical: String,
        why: Words,
    ) -> Resolution {
        Resolution {
            name: name.to_owned(),
            libc: self.libc,
            source,
            attempts: Vec::new(),
            addresses: self.in_order(addresses),
            canonical_name: Some(canonical),
            verdict: ResolutionVerdict {
                kind: ResolutionKind::Found,
                message: String::new(),
                why,
            },
            waited_seconds: 0,
        }
    }

    /// The servers that are asked.
    fn servers(&self) -> Vec<IpAddr> {
        let mut servers = self.conf.nameservers.clone();
        servers.truncate(MAX_NAMESERVERS);
        if servers.is_empty() {
            servers.push(LOCAL_SERVER);
        }
        servers
    }

    /// The types that are asked for together.
    fn types(&self) -> &'static [RecordType] {
        // An option of glibc 2.36; musl does not know it.
        if self.libc == Libc::Glibc && self.conf.has("no-aaaa") {
            &[RecordType::A]
        } else {
            &[RecordType::A, RecordType::AAAA]
        }
    }

    /// The addresses in the order in which they are tried: first those of a family that the
    /// machine has itself, then by the precedence of their prefix.
    ///
    /// glibc has the table of RFC 3484 (IPv6 before IPv4), musl the one of RFC 6724 (unique local
    /// IPv6 addresses, which clusters most often have, after IPv4).
    fn in_order(&self, mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        addresses.sort_by_key(|address| {
            let usable = self.families.contains(&IpFamily::of(*address));
            let place = match (self.libc, address) {
                (Libc::Musl, IpAddr::V6(address)) if address.is_unique_local() => 2,
                (_, IpAddr::V6(_)) => 0,
                (_, IpAddr::V4(_)) => 1,
            };
            (!usable, place)
        });
        addresses
    }
}

/// The families of addresses, each once.
fn families(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpFamily> {
    let mut families: Vec<IpFamily> = addresses.map(IpFamily::of).collect();
    families.sort();
    families.dedup();
    families
}

/// A search under way.
struct Search<'a> {
    resolver: &'a Resolver,
    name: &'a str,
    /// The types that are asked for together.
    types: &'a [RecordType],
    ask: &'a mut dyn FnMut(IpAddr, &Question) -> Reply,
    attempts: Vec<Attempt>,
    spelling: u32,
    waited_seconds: u32,
}

/// How a search ended.
enum End {
    /// With addresses under this spelling.
    Found(Name),
    /// Without.
    Not(ResolutionKind),
}

impl Search<'_> {
    /// Puts one question, and keeps it.
    fn question(&mut self, server: IpAddr, question: &Question, why: &Words) -> AttemptResult {
        let reply = (self.ask)(server, question);
        let result = result_of(question, &reply);
        let because = match &reply {
            Reply::Answered(answer) => answer.reason.words(),
            Reply::TimedOut => Words::new(
                "The directory does not answer the phone.",
                format!("No reply from {server}:53."),
            ),
            Reply::Refused => Words::new(
                "Nobody sits at the directory.",
                format!("{server}:53 refused: port unreachable."),
            ),
        };
        self.attempts.push(Attempt {
            number: number(self.attempts.len()),
            spelling: self.spelling,
            server,
            question: question.clone(),
            reply,
            result,
            why: why.clone(),
            because,
        });
        result
    }

    /// The last attempts for this spelling, newest first.
    fn of_spelling(&self, name: &Name) -> impl Iterator<Item = &Attempt> {
        self.attempts
            .iter()
            .rev()
            .filter(|attempt| attempt.spelling == self.spelling && attempt.question.name == *name)
    }

    /// The result.
    fn finish(self, end: End) -> Resolution {
        let resolver = self.resolver;
        let mut resolution = Resolution {
            name: self.name.to_owned(),
            libc: resolver.libc,
            source: Source::Dns,
            attempts: Vec::new(),
            addresses: Vec::new(),
            canonical_name: None,
            verdict: ResolutionVerdict {
                kind: ResolutionKind::Found,
                message: String::new(),
                why: Words::default(),
            },
            waited_seconds: self.waited_seconds,
        };
        resolution.verdict.kind = match &end {
            End::Found(name) => {
                let mut addresses = Vec::new();
                let mut canonical = name.clone();
                let mut attempts: Vec<_> = self.of_spelling(name).collect();
                attempts.reverse();
                for attempt in attempts {
                    let Reply::Answered(answer) = &attempt.reply else {
                        continue;
                    };
                    for record in &answer.answer {
                        let address = match &record.data {
                            RecordData::A { address } => IpAddr::V4(*address),
                            RecordData::Aaaa { address } => IpAddr::V6(*address),
                            RecordData::Cname { target } => {
                                canonical = target.clone();
                                continue;
                            }
                            _ => continue,
                        };
                        if !addresses.contains(&address) {
                            addresses.push(address);
                        }
                    }
                }
                resolution.addresses = resolver.in_order(addresses);
                resolution.canonical_name = Some(canonical.relative().to_owned());
                ResolutionKind::Found
            }
            End::Not(kind) => *kind,
        };
        resolution.verdict.message = resolution.verdict.kind.message(resolver.libc).to_owned();
        resolution.verdict.why = self.verdict(&end);
        resolution.attempts = self.attempts;
        resolution
    }

    /// One sentence that says why it ended so.
    fn verdict(&self, end: &End) -> Words {
        let name = self.name;
        let spellings = self.spelling;
        let first = self.attempts.first();
        match end {
            End::Found(found) => Words::new(
                format!("The directory has {name} as {found}, the guest's spelling {spellings}."),
                format!("{found} answered: spelling {spellings} of {name}."),
            ),
            End::Not(ResolutionKind::Found | ResolutionKind::NoSuchName) => {
                let last = self.attempts.last();
                if let Some(last) = last.filter(|last| last.result == AttemptResult::AliasOnly) {
                    return both(&last.because, &last.question.name, |name| {
                        format!("{name} is only an alias:")
                    });
                }
                match first {
                    Some(first) => both(
                        &first.because,
                        &first.question.name,
                        |name| match spellings {
                            1 => format!("{name} does not exist:"),
                            _ => format!(
                                "None of {spellings} spellings exists. The first one, {name}:"
                            ),
                        },
                    ),
                    None => Words::same(format!("{name} cannot be a name.")),
                }
            }
            End::Not(ResolutionKind::NoAddress) => {
                let empty = self
                    .attempts
                    .iter()
                    .find(|attempt| attempt.result == AttemptResult::NoData)
                    .or(first);
                match empty {
                    Some(empty) => both(&empty.because, &empty.question.name, |name| {
                        format!("{name} exists, but has no address:")
                    }),
                    None => Words::same(format!("{name} has no address.")),
                }
            }
            End::Not(ResolutionKind::TryAgain) => {
                let failed = self.attempts.iter().rev().find(|attempt| {
                    matches!(
                        attempt.result,
                        AttemptResult::Failed | AttemptResult::NoReply
                    )
                });
                match failed {
                    Some(failed) => both(&failed.because, &failed.question.name, |name| {
                        format!("No server could say whether {name} exists:")
                    }),
                    None => Words::same("No server could be asked."),
                }
            }
        }
    }
}

/// A sentence in front of a reason, for the hotel and for the cluster.
fn both(because: &Words, name: &Name, sentence: impl Fn(&Name) -> String) -> Words {
    let sentence = sentence(name);
    Words::new(
        format!("{sentence} {}", because.hotel.text()),
        format!("{sentence} {}", because.cluster.text()),
    )
}

/// What a reply means.
fn result_of(question: &Question, reply: &Reply) -> AttemptResult {
    let answer = match reply {
        Reply::Answered(answer) => answer,
        Reply::TimedOut | Reply::Refused => return AttemptResult::NoReply,
    };
    let has = |record_type| {
        let mut records = answer.answer.iter();
        records.any(|record| record.data.record_type() == record_type)
    };
    match answer.rcode {
        Rcode::NoError if has(question.record_type) => AttemptResult::Addresses,
        Rcode::NoError if has(RecordType::CNAME) => AttemptResult::AliasOnly,
        Rcode::NoError => AttemptResult::NoData,
        Rcode::NxDomain => AttemptResult::NoSuchName,
        Rcode::FormErr | Rcode::ServFail | Rcode::NotImp | Rcode::Refused => AttemptResult::Failed,
    }
}

/// Counts from 1.
fn number(before: usize) -> u32 {
    u32::try_from(before).map_or(u32::MAX, |before| before.saturating_add(1))
}

/// How many dots are in a text.
fn dots(text: &str) -> u32 {
    number(text.matches('.').count()) - 1
}

/// Why a search domain is tried behind the name.
fn because_of_search(name: &str, ndots: u32, domain: &str, place: usize, of: usize) -> Words {
    let dots = dots(name);
    let place = place + 1;
    Words::new(
        format!("A short name: the guest adds {domain} ({place} of {of})."),
        format!(
            "{name} has {dots} of {ndots} dots (ndots), so the search list is tried: {domain} ({place} of {of})."
        ),
    )
}

/// Why the name is tried as it is, before anything else.
fn because_as_is_first(name: &str, ndots: u32) -> Words {
    if name.ends_with('.') {
        return Words::new(
            "The guest ended the name with a dot: this spelling and no other.",
            format!("{name} ends with a dot: it is asked for as it is, and nothing else."),
        );
    }
    let dots = dots(name);
    Words::new(
        "A long name: the guest tries it as it is first.",
        format!("{name} has {dots} dots, ndots is {ndots}: it is tried as it is first."),
    )
}

/// Why the name is tried as it is at the end.
fn because_as_is_last(name: &str) -> Words {
    Words::new(
        "No addition was right: the guest tries the bare name.",
        format!("The search list is used up: {name} is tried as it is."),
    )
}
