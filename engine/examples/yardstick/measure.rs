//! The measurement itself, apart from where the time comes from: the same code runs natively and,
//! with `performance.now`, in a browser.

use std::sync::Arc;

use lobby_engine::api::{
    AddressType, Endpoint, EndpointConditions, EndpointPort, EndpointSlice, ObjectMeta, Service,
    ServicePort, ServiceSpec,
};
use lobby_engine::proxy::{Mode, Proxier, ProxyConfig, RuleText, dump};
use serde::Serialize;

/// How large the cluster is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) mode: Mode,
    pub(crate) services: usize,
    /// For each Service.
    pub(crate) endpoints: usize,
}

/// What was measured: times in milliseconds, each the median of [`RUNS`].
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) mode: Mode,
    pub(crate) services: usize,
    pub(crate) endpoints: usize,
    /// From objects to the whole text in one piece, with nothing known before.
    pub(crate) first_ms: f64,
    /// The whole text in one piece once more, nothing changed.
    pub(crate) full_ms: f64,
    /// One endpoint gets another address: from the EndpointSlice to everything that is sent then,
    /// every piece of it looked at, as a writer to a pipe would.
    ///
    /// In iptables mode what is sent is one piece; in nftables mode it is the whole table, and
    /// nearly all of its pieces are those of before; in IPVS mode it is the iptables text in
    /// pieces, and the calls that change the tables.
    pub(crate) one_endpoint_ms: f64,
    /// The same, and then all that is sent copied into one piece. In iptables mode there is
    /// nothing more to copy.
    pub(crate) one_endpoint_copied_ms: f64,
    /// Length of the whole text.
    pub(crate) bytes: usize,
    /// Length of what is sent after one endpoint changed.
    pub(crate) one_endpoint_bytes: usize,
    /// Rules in the whole text: in nftables mode also elements of sets and maps, in IPVS mode also
    /// servers and entries of ipsets.
    pub(crate) rules: usize,
    /// Copying the whole text from memory to memory.
    pub(crate) memcpy_ms: f64,
}

pub(crate) const RUNS: usize = 5;

/// The objects of a cluster, and how kube-proxy is set up in it.
pub(crate) struct Workload {
    config: ProxyConfig,
    services: Vec<Arc<Service>>,
    slices: Vec<Arc<EndpointSlice>>,
}

impl Workload {
    pub(crate) fn new(services: usize, endpoints: usize) -> Self {
        Self {
            config: ProxyConfig {
                node: "node-0".into(),
                node_ips: vec!["192.168.10.11".into()],
                cluster_cidr: "10.128.0.0/9".into(),
                ..ProxyConfig::default()
            },
            services: (0..services).map(service).map(Arc::new).collect(),
            slices: (0..services)
                .flat_map(|i| slices(i, endpoints))
                .map(Arc::new)
                .collect(),
        }
    }

    /// A kube-proxy that has seen all objects, but has not written a rule yet.
    pub(crate) fn proxier(&self, mode: Mode) -> Proxier {
        let Ok(mut proxier) = Proxier::new(mode, &self.config, None) else {
            unreachable!("these settings are good")
        };
        for service in &self.services {
            proxier.apply_service(Arc::clone(service));
        }
        for slice in &self.slices {
            proxier.apply_slice(Arc::clone(slice));
        }
        proxier
    }

    /// The slice of one of the first Services, its first endpoint with another address.
    pub(crate) fn one_changed(&self, address: &str) -> Arc<EndpointSlice> {
        let some = self.slices.get(5).or(self.slices.first());
        let mut changed = some
            .map(|slice| EndpointSlice::clone(slice))
            .unwrap_or_default();
        if let Some(endpoint) = changed.endpoints.first_mut() {
            endpoint.addresses = vec![address.to_owned()];
        }
        Arc::new(changed)
    }
}

/// Builds the cluster and measures. `now` is any clock, in milliseconds.
pub(crate) fn measure(size: Size, now: &dyn Fn() -> f64) -> Report {
    let workload = Workload::new(size.services, size.endpoints);
    let mut times: [Vec<f64>; 5] = Default::default();
    let (mut bytes, mut one_endpoint_bytes, mut rules) = (0, 0, 0);
    // A process that runs on has its buffers: they are as large as the text already.
    let (mut buffer, mut copy) = (String::new(), String::new());
    for _ in 0..RUNS {
        let begin = now();
        let mut proxier = workload.proxier(size.mode);
        let first = proxier.sync(0).text;
        one_piece(&proxier, &first, &mut String::new());
        times[0].push(now() - begin);
        drop(first);

        let warm = proxier.full_sync(0).text;
        one_piece(&proxier, &warm, &mut buffer);
        drop(warm);
        let begin = now();
        let full = proxier.full_sync(0).text;
        let text = one_piece(&proxier, &full, &mut buffer);
        times[1].push(now() - begin);
        (bytes, rules) = (text.len(), count_rules(size.mode, text));

        copy.clear();
        copy.push_str(text);
        copy.clear();
        let begin = now();
        copy.push_str(text);
        times[4].push(now() - begin);
        drop(full);

        for (number, address) in ["10.255.0.98", "10.255.0.99"].into_iter().enumerate() {
            let changed = workload.one_changed(address);
            let begin = now();
            proxier.apply_slice(changed);
            let sync = proxier.sync(0);
            one_endpoint_bytes = sync.text.len() + sync.tables.len();
            let sent = now();
            if sync.text.as_one().is_none() {
                buffer.clear();
                sync.text.write(&mut buffer);
            }
            // The first time is for warming up.
            if number > 0 {
                times[2].push(sent - begin);
                times[3].push(now() - begin);
            }
        }
    }
    let [first_ms, full_ms, one_endpoint_ms, copied_ms, memcpy_ms] = times.map(median);
    Report {
        mode: size.mode,
        services: size.services,
        endpoints: size.endpoints,
        first_ms,
        full_ms,
        one_endpoint_ms,
        one_endpoint_copied_ms: copied_ms,
        bytes,
        one_endpoint_bytes,
        rules,
        memcpy_ms,
    }
}

/// What a full sync programs, as one text: what is sent, and in IPVS mode all tables, written down.
fn one_piece<'a>(proxier: &Proxier, sent: &'a RuleText, buffer: &'a mut String) -> &'a str {
    match sent.as_one() {
        _ if proxier.mode() == Mode::Ipvs => *buffer = dump(&proxier.rule_set()),
        Some(text) => return text,
        None => {
            buffer.clear();
            sent.write(buffer);
        }
    }
    buffer
}

/// Rules; in nftables mode also elements, in IPVS mode also servers and entries.
fn count_rules(mode: Mode, text: &str) -> usize {
    let starts: &[&str] = match mode {
        Mode::Iptables => &["-A "],
        Mode::Nftables => &["add rule ", "add element "],
        Mode::Ipvs => &["-A ", "-a ", "add "],
    };
    let is_rule = |line: &&str| starts.iter().any(|start| line.starts_with(start));
    text.lines().filter(is_rule).count()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn metadata(i: usize) -> ObjectMeta {
    ObjectMeta {
        name: format!("svc-{i:05}"),
        namespace: format!("ns-{:03}", i % 100),
        ..ObjectMeta::default()
    }
}

fn service(i: usize) -> Service {
    let ip = format!("10.{}.{}.{}", 96 + (i >> 16), (i >> 8) & 255, i & 255);
    Service {
        metadata: metadata(i),
        spec: ServiceSpec {
            type_: "ClusterIP".into(),
            cluster_ip: ip.clone(),
            cluster_ips: vec![ip],
            session_affinity: "None".into(),
            internal_traffic_policy: Some("Cluster".into()),
            ports: vec![ServicePort {
                name: "http".into(),
                protocol: "TCP".into(),
                port: 80,
                ..ServicePort::default()
            }],
            ..ServiceSpec::default()
        },
        ..Service::default()
    }
}

fn slices(i: usize, endpoints: usize) -> Vec<EndpointSlice> {
    let all: Vec<usize> = (i * endpoints..(i + 1) * endpoints).collect();
    all.chunks(100)
        .enumerate()
        .map(|(number, some)| {
            let mut metadata = metadata(i);
            let label = "kubernetes.io/service-name".to_owned();
            metadata.labels.insert(label, metadata.name.clone());
            metadata.name.push_str(&format!("-{number}"));
            EndpointSlice {
                metadata,
                address_type: AddressType::IPv4.to_string(),
                endpoints: some.iter().map(|&c| endpoint(c)).collect(),
                ports: vec![EndpointPort {
                    name: Some("http".into()),
                    port: Some(8080),
                    protocol: Some("TCP".into()),
                    ..EndpointPort::default()
                }],
            }
        })
        .collect()
}

fn endpoint(c: usize) -> Endpoint {
    let ip = format!("10.{}.{}.{}", 128 + (c >> 16), (c >> 8) & 255, c & 255);
    Endpoint {
        addresses: vec![ip],
        conditions: EndpointConditions {
            ready: Some(true),
            serving: Some(true),
            terminating: Some(false),
        },
        node_name: Some(format!("node-{}", c % 100)),
        ..Endpoint::default()
    }
}
