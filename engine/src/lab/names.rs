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

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::balancers;
use super::internet::{self, LAN_RESOLVER, PUBLIC_RESOLVER_ADDRESSES};
use super::session::Lab;
use super::system;
use super::world::World;
use crate::api::{FieldPath, Kind, ObjectRef, Pod, Store};
use crate::controllers::nodes;
use crate::diagnostic::Diagnostic;
use crate::dns::{
    Answer, ClusterDns, CoreDns, Corefile, Hosts, Libc, Name, Question, Record, ResolvConf,
    Resolver, Upstream,
};
use crate::limits::MAX_ZONE_RECORDS;
use crate::manifest::Document;
use crate::network::{Client, ClientKind, Network};

mod asking;

pub(super) use asking::Asking;

/// The kubelet's `--cluster-domain`, as kubeadm sets it.
pub(super) const CLUSTER_DOMAIN: &str = "cluster.local";
/// Where the cluster's own CoreDNS runs.
const SYSTEM: &str = "kube-system";
/// The ConfigMap with its configuration, and the file in there.
const CONFIG_MAP: &str = "coredns";
const COREFILE: &str = "Corefile";
/// The name of an image that is a name server.
const IMAGE: &str = "coredns";

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
    servers: Vec<(String, Result<CoreDns, String>)>,
    /// What the resolver on the LAN knows, and the one on the internet.
    upstream: [Upstream; 2],
}

/// The world's name servers, made when the first name is asked for.
impl Names {
    pub(super) fn new(lab: &Lab, network: &Network) -> Self {
        let world = lab.world();
        let settings = lab.settings();
        let nodes: Vec<(String, IpAddr)> = (world.store.nodes())
            .flat_map(|node| {
                nodes::internal_ips(node).map(|address| (node.metadata.name.clone(), address))
            })
            .collect();
        let told = |addresses: Vec<IpAddr>| ResolvConf {
            nameservers: addresses,
            ..ResolvConf::default()
        };
        let balancers = balancers::names(world);
        let upstream = [
            internet::upstream(nodes.iter().chain(&balancers).cloned()),
            internet::upstream(balancers.iter().cloned()),
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
            servers: Vec::new(),
            upstream,
        };
        let mut own: Vec<(&str, Vec<IpAddr>)> = vec![(SYSTEM, Vec::new())];
        for pod in world.store.pods().filter(|pod| is_server(pod)) {
            let namespace = pod.metadata.namespace.as_str();
            let address = pod.status.pod_ip.parse::<IpAddr>().ok();
            match own.iter_mut().find(|(known, _)| *known == namespace) {
                Some((_, addresses)) => addresses.extend(address),
                None => own.push((namespace, address.into_iter().collect())),
            }
        }
        for (namespace, addresses) in own {
            let file = settings.corefile.as_deref().or_else(|| {
                let map = world.store.config_map(namespace, CONFIG_MAP)?;
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
            names.servers.push((namespace.to_owned(), server));
        }
        names
    }

    /// The cluster's own CoreDNS.
    fn server(&self) -> Result<&CoreDns, String> {
        self.server_in(SYSTEM)
    }

    /// The CoreDNS of a Namespace, or why it does not start.
    fn server_in(&self, namespace: &str) -> Result<&CoreDns, String> {
        let server = self.servers.iter().find(|(own, _)| own == namespace);
        match server {
            Some((_, Ok(server))) => Ok(server),
            Some((_, Err(why))) => Err(why.clone()),
            None => Err(format!("There is no CoreDNS in {namespace}.")),
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

/// What is to say about the Corefile of CoreDNS' ConfigMap, where a manifest has it.
pub(super) fn complaints(world: &World, documents: &[Document]) -> Vec<Diagnostic> {
    let object = ObjectRef::new(Kind::ConfigMap, SYSTEM, CONFIG_MAP);
    let Some(document) = world.document_of(&object).and_then(|at| documents.get(at)) else {
        return Vec::new();
    };
    let text = (world.store.config_map(SYSTEM, CONFIG_MAP)).and_then(|map| map.data.get(COREFILE));
    let Some(text) = text else {
        return Vec::new();
    };
    let field = FieldPath::new("data").key(COREFILE);
    let place = document.place(&field).map(|place| place.value);
    let complaint = |found: Diagnostic| {
        let line = found.span.map_or(0, |span| span.start.line);
        // The text cannot be refused: the API server takes any. CoreDNS is who does not start.
        Diagnostic::warning(format!("{COREFILE} line {line}: {}", found.message), place)
            .with_object(object.to_string())
            .with_field(field.as_str())
    };
    Corefile::read(text).1.into_iter().map(complaint).collect()
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
