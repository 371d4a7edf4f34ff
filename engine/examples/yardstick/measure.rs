//! The measurement itself, apart from where the time comes from: the same code runs natively and,
//! with `performance.now`, in a browser.

use std::sync::Arc;

use lobby_engine::api::{
    AddressType, Endpoint, EndpointConditions, EndpointPort, EndpointSlice, ObjectMeta, Service,
    ServicePort, ServiceSpec,
};
use lobby_engine::proxy::{Mode, Proxier, ProxyConfig, Sync, dump};
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
    /// From objects to the whole text, with nothing known before.
    pub(crate) first_ms: f64,
    /// The whole text once more, nothing changed.
    pub(crate) full_ms: f64,
    /// One endpoint gets another address: the text that is sent then, and in IPVS mode the calls
    /// that change the tables.
    pub(crate) one_endpoint_ms: f64,
    /// Length of the whole text.
    pub(crate) bytes: usize,
    /// Length of the text that is sent after one endpoint changed.
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
    let mut times: [Vec<f64>; 4] = Default::default();
    let mut text: Arc<String> = Arc::default();
    let mut partial: Arc<String> = Arc::default();
    let mut copy = String::new();
    for _ in 0..RUNS {
        let begin = now();
        let mut proxier = workload.proxier(size.mode);
        let first = proxier.sync(0);
        drop(programmed(&proxier, first));
        times[0].push(now() - begin);

        // A process that runs on has its buffers: they are as large as the text already.
        proxier.full_sync(0);
        drop(std::mem::take(&mut text));
        let begin = now();
        let full = proxier.full_sync(0);
        text = programmed(&proxier, full);
        times[1].push(now() - begin);

        proxier.apply_slice(workload.one_changed("10.255.0.98"));
        drop(std::mem::take(&mut partial));
        proxier.sync(0);
        let changed = workload.one_changed("10.255.0.99");
        let begin = now();
        proxier.apply_slice(changed);
        partial = proxier.sync(0).text;
        times[2].push(now() - begin);

        copy.clear();
        copy.push_str(&text);
        copy.clear();
        let begin = now();
        copy.push_str(&text);
        times[3].push(now() - begin);
    }
    let [first_ms, full_ms, one_endpoint_ms, memcpy_ms] = times.map(median);
    // Rules; in nftables mode also elements, in IPVS mode also servers and entries.
    let starts: &[&str] = match size.mode {
        Mode::Iptables => &["-A "],
        Mode::Nftables => &["add rule ", "add element "],
        Mode::Ipvs => &["-A ", "-a ", "add "],
    };
    let is_rule = |line: &&str| starts.iter().any(|start| line.starts_with(start));
    Report {
        mode: size.mode,
        services: size.services,
        endpoints: size.endpoints,
        first_ms,
        full_ms,
        one_endpoint_ms,
        bytes: text.len(),
        one_endpoint_bytes: partial.len(),
        rules: text.lines().filter(is_rule).count(),
        memcpy_ms,
    }
}

/// What a full sync programs: the text that is sent, and in IPVS mode all tables, written down.
fn programmed(proxier: &Proxier, sync: Sync) -> Arc<String> {
    match proxier.mode() {
        Mode::Ipvs => Arc::new(dump(&proxier.rule_set())),
        _ => sync.text,
    }
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
