//! How cost grows with the number of Services: rules, rules looked at for one request, and what one
//! change makes kube-proxy write.
//!
//! A [`CostTrial`] is a cluster of its own, apart from the lab's: one Node, and so many Services of
//! type `ClusterIP` with one port and [`ENDPOINTS`] endpoints each. Its kube-proxy is the lab's
//! ([`crate::proxy`]), and its requests are walked by the same kernel ([`crate::netfilter`]): what
//! is counted is counted off them. Work comes in small steps, so that whoever runs it can show how
//! far it is and stop. Time is not measured here: the engine has no clock, so the caller takes the
//! time of [`CostTrial::change`].
//!
//! Left out: how long the kernel's tools (`iptables-restore`, `ipvsadm`, `nft`) take to load what
//! kube-proxy hands over, and node ports.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use serde::Serialize;

use crate::api::{
    AddressType, Endpoint, EndpointConditions, EndpointPort, EndpointSlice, ObjectMeta, Service,
    ServicePort, ServiceSpec,
};
use crate::controllers::endpoint_slice::SERVICE_NAME_LABEL;
use crate::net::{IpFamily, Protocol};
use crate::netfilter::chance::Seeded;
use crate::netfilter::iptables::{Before, Tables};
use crate::netfilter::nft::Ruleset;
use crate::network::{
    Listens, Lookups, Network, NodeIpvs, Plan, PlanNode, PlanPod, PodLink, Request, State,
};
use crate::proxy::{Mode, Proxier, ProxyConfig};

/// How many endpoints each Service has.
pub const ENDPOINTS: u32 = 2;

/// The numbers of Services with which an instrument usually measures.
pub const COST_SIZES: [u32; 5] = [1, 10, 100, 1_000, 10_000];

/// How many Services are made, and how many lines are loaded, in one step.
const SERVICES_PER_STEP: u32 = 500;
const LINES_PER_STEP: usize = 2_000;

const NODE: &str = "node-1";
const CLIENT: &str = "client";
const PORT: u16 = 80;
const TARGET: u16 = 8080;

/// What was counted with so many Services in one mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CostPoint {
    /// The mode.
    pub mode: Mode,
    /// How many Services there are.
    pub services: u32,
    /// How many rules kube-proxy wrote: lines of chains.
    pub rules: u32,
    /// How many elements of sets and maps, virtual and real servers it wrote beside them.
    pub entries: u32,
    /// How many rules the kernel looked at for one request to the Service whose rules stand first,
    /// there and back.
    pub looked_at_first: u32,
    /// The same for the Service whose rules stand last.
    pub looked_at_last: u32,
}

/// What a step of a trial came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostStep {
    /// There is more to do.
    Working {
        /// Steps done.
        done: u32,
        /// Steps in all, as far as it is known.
        of: u32,
    },
    /// Everything was counted; changes can be made.
    Measured(CostPoint),
}

/// A cluster to measure, in one mode.
#[derive(Debug)]
pub struct CostTrial {
    services: u32,
    made: u32,
    done: u32,
    proxier: Proxier,
    loading: Option<Loading>,
    counted: Option<CostPoint>,
    changes: u32,
    buffer: String,
}

/// Rules on their way into the kernel, some lines at a time.
#[derive(Debug)]
struct Loading {
    text: String,
    at: usize,
    /// The `*table` of iptables in which the text goes on.
    table: String,
    tables: Tables,
    nft: Ruleset,
}

impl CostTrial {
    /// A cluster that is to have so many Services.
    #[must_use]
    pub fn new(mode: Mode, services: u32) -> Option<Self> {
        let config = ProxyConfig {
            node: NODE.to_owned(),
            node_ips: vec!["192.168.10.11".to_owned()],
            local_addresses: vec!["127.0.0.1".to_owned(), "192.168.10.11".to_owned()],
            cluster_cidr: pods().to_string(),
            ..ProxyConfig::default()
        };
        Some(Self {
            services,
            made: 0,
            done: 0,
            proxier: Proxier::new(mode, &config, None).ok()?,
            loading: None,
            counted: None,
            changes: 0,
            buffer: String::new(),
        })
    }

    /// Does the next piece of the work.
    pub fn step(&mut self) -> CostStep {
        if let Some(point) = self.counted {
            return CostStep::Measured(point);
        }
        self.done += 1;
        if self.made < self.services {
            let until = self.services.min(self.made + SERVICES_PER_STEP);
            for number in self.made..until {
                self.proxier.apply_service(Arc::new(service(number)));
                self.proxier.apply_slice(Arc::new(slice(number, 0)));
            }
            self.made = until;
        } else if let Some(loading) = &mut self.loading {
            if loading.step() {
                let point = self.count();
                self.counted = Some(point);
                return CostStep::Measured(point);
            }
        } else {
            self.proxier.sync(0);
            self.loading = Some(Loading::new(&self.proxier));
        }
        let lines = match &self.loading {
            Some(loading) => loading.text.lines().count(),
            // A Service has about ten lines.
            None => self.services as usize * 10,
        };
        let steps = self.services.div_ceil(SERVICES_PER_STEP) as usize + 1;
        let of = steps + lines.div_ceil(LINES_PER_STEP);
        CostStep::Working {
            done: self.done,
            of: u32::try_from(of).unwrap_or(u32::MAX).max(self.done),
        }
    }

    /// One endpoint of one Service gets another address: kube-proxy takes it in and writes all that
    /// it hands over then. Gives how many bytes that is.
    pub fn change(&mut self) -> u64 {
        self.changes += 1;
        let number = self.services / 2;
        let changed = Arc::new(slice(number, self.changes));
        self.proxier.apply_slice(changed);
        let sync = self.proxier.sync(0);
        self.buffer.clear();
        sync.text.write(&mut self.buffer);
        self.buffer.push_str(&sync.tables);
        self.buffer.len() as u64
    }

    fn count(&mut self) -> CostPoint {
        let set = self.proxier.rule_set();
        let text = set.text();
        let entries = (text.lines())
            .filter(|line| line.starts_with("add element "))
            .count();
        let beside = set.ipvs().map_or(0, |tables| {
            let adds = |line: &&str| line.starts_with("add ");
            tables.ipvsadm.lines().count() + tables.ipset.lines().filter(adds).count()
        });
        let mut network = Network::new(&plan(self.services));
        if let Some(tables) = set.ipvs() {
            let ipvs = NodeIpvs {
                servers: tables.ipvsadm.clone(),
                sets: tables.ipset.clone(),
                addresses: tables.kube_ipvs0.clone(),
            };
            network.set_ipvs(NODE, IpFamily::IPv4, &ipvs);
        }
        if let Some(loading) = self.loading.take() {
            if set.mode() == Mode::Nftables {
                network.set_nft_rules(NODE, loading.nft);
            } else {
                network.set_tables(NODE, loading.tables);
            }
        }
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        CostPoint {
            mode: set.mode(),
            services: self.services,
            rules: number(set.rule_count()),
            entries: number(entries + beside),
            looked_at_first: looked_at(&network, 0),
            looked_at_last: looked_at(&network, self.services.saturating_sub(1)),
        }
    }
}

impl Loading {
    fn new(proxier: &Proxier) -> Self {
        let set = proxier.rule_set();
        let mut tables = Tables::new(IpFamily::IPv4);
        for (number, call) in (1..).zip(set.top_level()) {
            // kube-proxy's own calls are modelled in full; the recorded vectors prove it.
            let made = tables.ensure(call, number);
            debug_assert!(made.is_ok(), "{made:?}");
        }
        Self {
            text: set.text(),
            at: 0,
            table: match set.mode() {
                Mode::Nftables => String::new(),
                Mode::Iptables | Mode::Ipvs => "filter".to_owned(),
            },
            tables,
            nft: Ruleset::new(IpFamily::IPv4),
        }
    }

    /// Loads the next lines; `true` when all are loaded.
    fn step(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let lines = rest.split_inclusive('\n').take(LINES_PER_STEP);
        let length: usize = lines.map(str::len).sum();
        let piece = &rest[..length];
        self.at += length;
        if self.table.is_empty() {
            // Chains that come in a later piece are missing until then.
            let _ = self.nft.read(piece);
        } else {
            let mut text = format!("*{}\n", self.table);
            for line in piece.split_inclusive('\n') {
                if let Some(name) = line.strip_prefix('*') {
                    name.trim_end().clone_into(&mut self.table);
                }
                text.push_str(line);
            }
            let _ = self.tables.restore(&text, Before::Keep);
        }
        self.at >= self.text.len()
    }
}

/// How many rules the kernel looks at for one request to a Service, and for its answer.
fn looked_at(network: &Network, number: u32) -> u32 {
    let request = Request {
        from: format!("pod/default/{CLIENT}"),
        to: format!("{}:{PORT}", cluster_ip(number)),
        protocol: Protocol::Tcp,
    };
    let mut chance = Seeded::new(1);
    let walked = network.walk(
        &mut State::default(),
        &mut chance,
        &request,
        Lookups::default(),
    );
    walked.map_or(0, |journey| journey.rules_looked_at)
}

/// Where Pods have their addresses.
fn pods() -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(10, 128, 0, 0), 9)
}

fn at(base: Ipv4Addr, offset: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(base).wrapping_add(offset))
}

fn cluster_ip(number: u32) -> Ipv4Addr {
    at(Ipv4Addr::new(10, 96, 0, 10), number)
}

/// The address of one of a Service's endpoints.
fn endpoint(number: u32, which: u32) -> Ipv4Addr {
    at(pods().network(), 10 + number * ENDPOINTS + which)
}

fn meta(name: String) -> ObjectMeta {
    ObjectMeta {
        name,
        namespace: "default".to_owned(),
        ..ObjectMeta::default()
    }
}

fn name(number: u32) -> String {
    format!("service-{number:05}")
}

fn service(number: u32) -> Service {
    let address = cluster_ip(number).to_string();
    Service {
        metadata: meta(name(number)),
        spec: ServiceSpec {
            type_: "ClusterIP".to_owned(),
            cluster_ips: vec![address.clone()],
            cluster_ip: address,
            session_affinity: "None".to_owned(),
            internal_traffic_policy: Some("Cluster".to_owned()),
            ports: vec![ServicePort {
                protocol: "TCP".to_owned(),
                port: i32::from(PORT),
                ..ServicePort::default()
            }],
            ..ServiceSpec::default()
        },
        ..Service::default()
    }
}

/// The slice of a Service after so many changes, each of which gives its first endpoint another
/// address.
fn slice(number: u32, changes: u32) -> EndpointSlice {
    let mut metadata = meta(format!("{}-slice", name(number)));
    (metadata.labels).insert(SERVICE_NAME_LABEL.to_owned(), name(number));
    let address = |which: u32| match (which, changes) {
        (0, 1..) => at(Ipv4Addr::new(10, 250, 0, 0), changes),
        _ => endpoint(number, which),
    };
    EndpointSlice {
        metadata,
        address_type: AddressType::IPv4.to_string(),
        endpoints: (0..ENDPOINTS)
            .map(|which| Endpoint {
                addresses: vec![address(which).to_string()],
                conditions: EndpointConditions {
                    ready: Some(true),
                    ..EndpointConditions::default()
                },
                node_name: Some(NODE.to_owned()),
                ..Endpoint::default()
            })
            .collect(),
        ports: vec![EndpointPort {
            name: Some(String::new()),
            port: Some(i32::from(TARGET)),
            protocol: Some("TCP".to_owned()),
            ..EndpointPort::default()
        }],
    }
}

/// The Node, the client, and the Pods behind the first and the last Service.
fn plan(services: u32) -> Plan {
    let gateway = at(pods().network(), 1);
    let pod = |name: String, address: Ipv4Addr| PlanPod {
        namespace: "default".to_owned(),
        name,
        node: NODE.to_owned(),
        addresses: vec![net(address, pods().prefix_len())],
        gateways: vec![gateway.into()],
        listens: Listens::On(vec![(Protocol::Tcp, TARGET)]),
        ..PlanPod::default()
    };
    let mut plan = Plan {
        nodes: vec![PlanNode {
            name: NODE.to_owned(),
            addresses: vec![net(Ipv4Addr::new(192, 168, 10, 11), 24)],
            pod_cidrs: vec![pods().into()],
            pod_link: PodLink::Bridge {
                device: "cni0".to_owned(),
                addresses: vec![net(gateway, pods().prefix_len())],
                hairpin: true,
            },
            ..PlanNode::default()
        }],
        pods: vec![pod(CLIENT.to_owned(), Ipv4Addr::new(10, 255, 0, 1))],
        router: None,
        outside: Vec::new(),
    };
    let mut ends = vec![0, services.saturating_sub(1)];
    ends.dedup();
    for number in ends {
        for which in 0..ENDPOINTS {
            let name = format!("{}-{which}", name(number));
            plan.pods.push(pod(name, endpoint(number, which)));
        }
    }
    plan
}

fn net(address: Ipv4Addr, prefix: u8) -> IpNet {
    Ipv4Net::new_assert(address, prefix).into()
}
