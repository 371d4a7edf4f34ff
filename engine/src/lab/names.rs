//! The names of a lab's world: who asks whom, and what comes back.
//!
//! A client has the resolver of its machine: a Pod what the kubelet wrote for it, a Node and the
//! machines outside a file of their own. Each question is a packet (UDP 53) that
//! [`Network::walk`] carries by the rules of the Nodes, so a broken kube-dns breaks names. Whoever
//! gets it answers: CoreDNS in a Pod ([`CoreDns`] over the world's objects, with the Corefile of
//! its ConfigMap), or a resolver of the small internet ([`super::internet`]). What CoreDNS
//! forwards is a packet from its Pod.
//!
//! A container's C library is musl where its image says `alpine` or `musl`, and glibc otherwise. A
//! Pod is a name server if its image is called `coredns`; a file that CoreDNS would not start with
//! leaves its port closed. Left out: answers that are kept (each question is asked anew), programs
//! that bring their own resolver, DNS over TCP.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::internet::{self, DNS_PORT, LAN_RESOLVER, PUBLIC_RESOLVER, PUBLIC_RESOLVER_ADDRESSES};
use super::session::Lab;
use super::system;
use super::world::World;
use crate::api::{Pod, Store};
use crate::controllers::nodes;
use crate::dns::{
    Answer, ClusterDns, CoreDns, Corefile, Forward, Hosts, Libc, Name, Question, Rcode, Reason,
    Record, RecordType, Reply, Resolution, ResolutionKind, ResolvConf, Resolver, Upstream,
};
use crate::limits::MAX_ZONE_RECORDS;
use crate::net::{Protocol, host_port};
use crate::netfilter::chance::{Chance, Seeded};
use crate::network::{
    Client, ClientKind, Journey, Lookups, NameLookup, Network, OriginsOf, Query, Request,
    RequestError, State, VerdictKind, Words,
};

/// The kubelet's `--cluster-domain`, as kubeadm sets it.
const CLUSTER_DOMAIN: &str = "cluster.local";
/// Where the cluster's own CoreDNS runs.
const SYSTEM: &str = "kube-system";
/// The ConfigMap with its configuration, and the file in there.
const CONFIG_MAP: &str = "coredns";
const COREFILE: &str = "Corefile";
/// The name of an image that is a name server.
const IMAGE: &str = "coredns";
/// The most servers that one `forward` may name (`plugin/forward/setup.go`).
const MAX_FORWARDS: usize = 15;
/// How questions are kept apart from the other draws of one seed.
const QUESTIONS: u64 = 0x6e61_6d65_7300_0001;

/// What a client finds names with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientNames {
    /// Its C library.
    pub libc: Libc,
    /// Its `/etc/resolv.conf`.
    pub resolv_conf: String,
    /// Its `/etc/hosts`.
    pub hosts: String,
    /// What the kubelet says about its settings.
    pub notes: Vec<String>,
}

/// Who knows names.
#[derive(Debug)]
pub(super) struct Names {
    cluster: ClusterDns,
    /// The resolver that Nodes and the laptop are told.
    lan: ResolvConf,
    /// The one that machines on the internet are told.
    public: ResolvConf,
    /// The Nodes by name, for hosts files.
    nodes: Vec<(String, IpAddr)>,
    /// CoreDNS by Namespace, or why it does not start.
    servers: BTreeMap<String, Result<CoreDns, String>>,
    /// What the resolver on the LAN knows, and the one on the internet.
    upstream: [Upstream; 2],
}

/// The world's name servers, made when the first name is asked for.
impl Names {
    pub(super) fn new(lab: &Lab, network: &Network) -> Self {
        let world = lab.world();
        let settings = lab.settings();
        let nodes: Vec<(String, IpAddr)> = (world.store.nodes())
            .filter_map(|node| Some((node.metadata.name.clone(), nodes::internal_ip(node)?)))
            .collect();
        let told = |addresses: Vec<IpAddr>| ResolvConf {
            nameservers: addresses,
            ..ResolvConf::default()
        };
        let upstream = [
            internet::upstream(nodes.iter().cloned()),
            internet::upstream(std::iter::empty()),
        ];
        let mut names = Self {
            cluster: ClusterDns {
                addresses: system::dns_address(settings).into_iter().collect(),
                domain: Name::parse(CLUSTER_DOMAIN).unwrap_or_else(|_| Name::root()),
            },
            lan: told(addresses_of(network, LAN_RESOLVER)),
            public: told(
                PUBLIC_RESOLVER_ADDRESSES[..2]
                    .iter()
                    .filter_map(|text| text.parse().ok())
                    .collect(),
            ),
            nodes,
            servers: BTreeMap::new(),
            upstream,
        };
        let mut own: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
        own.insert(SYSTEM.to_owned(), Vec::new());
        for pod in world.store.pods().filter(|pod| is_server(pod)) {
            let addresses = own.entry(pod.metadata.namespace.clone()).or_default();
            addresses.extend(pod.status.pod_ip.parse::<IpAddr>().ok());
        }
        for (namespace, addresses) in own {
            let file = settings.corefile.as_deref().or_else(|| {
                let map = world.store.config_map(&namespace, CONFIG_MAP)?;
                map.data.get(COREFILE).map(String::as_str)
            });
            let server = match file.map(Corefile::read) {
                None => Err(format!(
                    "CoreDNS does not start: ConfigMap {namespace}/{CONFIG_MAP} has no {COREFILE}."
                )),
                Some((corefile, diagnostics)) => {
                    match diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
                        Some(error) => Err(format!(
                            "CoreDNS does not start: Corefile: {}",
                            error.message
                        )),
                        None => Ok(CoreDns::new(
                            corefile,
                            world.store.iter(),
                            &addresses,
                            names.upstream[0].clone(),
                        )),
                    }
                }
            };
            names.servers.insert(namespace, server);
        }
        names
    }

    /// The cluster's own CoreDNS.
    fn server(&self) -> Result<&CoreDns, String> {
        match self.servers.get(SYSTEM) {
            Some(Ok(server)) => Ok(server),
            Some(Err(why)) => Err(why.clone()),
            None => Err("There is no CoreDNS.".to_owned()),
        }
    }

    /// A question put to CoreDNS itself, past all wires.
    ///
    /// # Errors
    ///
    /// Why CoreDNS does not run.
    pub(super) fn dig(&self, question: &Question) -> Result<Answer, String> {
        self.server().map(|server| server.answer(question))
    }

    /// The zone's lines; none where CoreDNS does not run.
    pub(super) fn zone(&self, store: &Store) -> Vec<Record> {
        let server = self.server();
        server.map_or_else(
            |_| Vec::new(),
            |own| own.zone(store.iter(), MAX_ZONE_RECORDS),
        )
    }

    /// What a machine that is no Pod finds names with. Its hosts file has the Nodes: who tries a
    /// cluster from outside writes them there.
    fn of_machine(&self, name: &str, addresses: &[IpAddr], conf: &ResolvConf) -> Resolver {
        let mut resolver = Resolver::of_machine(name, addresses, conf.clone());
        let mut hosts = resolver.hosts.as_str().to_owned();
        for (node, address) in self.nodes.iter().filter(|(node, _)| node != name) {
            hosts.push_str(&format!("{address}\t{node}\n"));
        }
        resolver.hosts = Hosts::new(hosts);
        resolver
    }

    /// What a client finds names with, and what the kubelet says about it.
    fn resolver(
        &self,
        world: &World,
        network: &Network,
        client: &Client,
    ) -> (Resolver, Vec<String>) {
        match client.kind {
            ClientKind::Pod => {
                if let Some(pod) = pod_of(&world.store, &client.id) {
                    return self.of_pod(pod);
                }
            }
            ClientKind::Node => {
                let own = self.node(&client.name);
                return (self.of_machine(&client.name, &own, &self.lan), Vec::new());
            }
            ClientKind::Lan | ClientKind::Internet => {}
        }
        let conf = if client.kind == ClientKind::Internet {
            &self.public
        } else {
            &self.lan
        };
        let own = addresses_of(network, &client.name);
        (self.of_machine(&client.name, &own, conf), Vec::new())
    }

    fn node(&self, name: &str) -> Vec<IpAddr> {
        let own = self.nodes.iter().filter(|(node, _)| node == name);
        own.map(|(_, address)| *address).collect()
    }

    fn of_pod(&self, pod: &Pod) -> (Resolver, Vec<String>) {
        let node = &pod.spec.node_name;
        let node = self.of_machine(node, &self.node(node), &self.lan);
        let (mut resolver, diagnostics) = Resolver::of_pod(pod, &node, &self.cluster);
        resolver.libc = libc(pod);
        let notes = diagnostics.into_iter().map(|found| found.message);
        (resolver, notes.collect())
    }

    /// What a client finds names with.
    pub(super) fn client(&self, world: &World, network: &Network, client: &Client) -> ClientNames {
        let (resolver, notes) = self.resolver(world, network, client);
        ClientNames {
            libc: resolver.libc,
            resolv_conf: resolver.conf.to_string(),
            hosts: resolver.hosts.to_string(),
            notes,
        }
    }
}

/// How a name is looked up for a request.
pub(super) struct Asking<'a> {
    pub(super) world: &'a World,
    pub(super) network: &'a Network,
    pub(super) state: &'a mut State,
    pub(super) names: &'a Names,
    pub(super) origins: &'a OriginsOf<'a>,
    pub(super) seed: u64,
}

impl Asking<'_> {
    /// Looks a name up as its client does: of both families, or records of one type.
    ///
    /// # Errors
    ///
    /// There is no such client.
    pub(super) fn lookup(
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
    pub(super) fn suggestion(&self, from: &str, resolution: &Resolution) -> Option<Words> {
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
                (self.names.upstream[which].answer(question), name.to_owned())
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
                let server = match names.servers.get(&own.metadata.namespace) {
                    Some(Ok(server)) => server,
                    Some(Err(why)) => return (Reply::Refused, Some(Words::same(why.clone()))),
                    None => return (Reply::Refused, None),
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

/// A machine's addresses outside of Nodes and Pods.
fn addresses_of(network: &Network, name: &str) -> Vec<IpAddr> {
    let machine = network
        .outside(name)
        .map(|index| &network.machines()[index]);
    let addresses = machine
        .into_iter()
        .flat_map(|machine| machine.host.routing.addresses());
    addresses.map(|(address, _)| address).collect()
}

/// The Pod that `pod/NAME` or `pod/NAMESPACE/NAME` means: without a Namespace it is the one in
/// `default`, or the only one of that name.
fn pod_of<'a>(store: &'a Store, id: &str) -> Option<&'a Pod> {
    let (namespace, name) = match id.split('/').collect::<Vec<_>>()[..] {
        ["pod", namespace, name] => (Some(namespace), name),
        ["pod", name] => (None, name),
        _ => return None,
    };
    let get = |namespace: &str| store.pod(namespace, name);
    match namespace {
        Some(namespace) => get(namespace),
        None => get("default").or_else(|| {
            let mut all = store.pods().filter(|pod| pod.metadata.name == name);
            all.next().filter(|_| all.next().is_none())
        }),
    }
}

/// Whether a Pod is a name server: its image is called `coredns`.
fn is_server(pod: &Pod) -> bool {
    (pod.spec.containers.iter()).any(|container| image_name(&container.image) == IMAGE)
}

/// `coredns` of `registry.k8s.io/coredns/coredns:v1.11.1`.
fn image_name(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split([':', '@']).next().unwrap_or(last)
}

/// The C library of a Pod's first container, as its image says it.
fn libc(pod: &Pod) -> Libc {
    let image = pod
        .spec
        .containers
        .first()
        .map(|container| container.image.as_str());
    let image = image.unwrap_or_default();
    if ["alpine", "musl"].iter().any(|word| image.contains(word)) {
        Libc::Musl
    } else {
        Libc::Glibc
    }
}
