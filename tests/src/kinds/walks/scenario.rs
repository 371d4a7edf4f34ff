//! A scenario's recorded walks held against the engine's: `walks.jsonl` and `topology.yaml` of a
//! folder under `tests/conformance/proxy`, with the rules that the engine's own kube-proxy writes
//! on every Node.
//!
//! What a line promises is checked whole: the outcome, the set of pairs (endpoint, peer it saw),
//! who told the client of a failure, and connection table entries. Lines without affinity are
//! followed through every branch that the rules' draws can take; lines with affinity are walked one
//! after another as they were recorded, with several seeds.

#![expect(
    clippy::unwrap_used,
    reason = "a vector that cannot be read as it is documented has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use lobby_engine::api::{EndpointSlice, Node, Service, ServiceSpec};
use lobby_engine::net::{IcmpMessage, Transport};
use lobby_engine::netfilter::chance::{Branches, Chance, Seeded};
use lobby_engine::network::{
    Journey, Lookups, Network, NodeRules, Plan, Request, State, Step, VerdictKind,
};
use lobby_engine::proxy::{Mode, ProxyConfig, RuleSet};
use serde::Deserialize;
use serde_json::Value;

use super::topology::Topology;

/// What came of one scenario's lines in one mode.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// How many lines there are.
    pub(super) lines: usize,
    /// How many came out as recorded.
    pub(super) passed: usize,
    /// The others: line number, what was asked, what differs.
    pub(super) failures: Vec<String>,
}

/// Walks all lines of a scenario that were recorded in a mode: iptables or nftables.
///
/// # Panics
/// When the folder's files cannot be read.
#[must_use]
pub(super) fn check(folder: &Path, mode: Mode) -> Report {
    let mut report = Report::default();
    let lines = lines(folder, mode);
    if lines.is_empty() {
        return report;
    }
    let scenario = Scenario::load(folder, mode);
    let with_affinity: Vec<&(usize, Value)> = (lines.iter())
        .filter(|(_, line)| line.get("affinity").is_some())
        .collect();
    let mut results: BTreeMap<usize, Result<(), String>> = scenario.affinity(&with_affinity);
    for (number, line) in &lines {
        if line.get("affinity").is_none() {
            results.insert(*number, scenario.branches(line));
        }
    }
    for (number, line) in &lines {
        report.lines += 1;
        match &results[number] {
            Ok(()) => report.passed += 1,
            Err(why) => report.failures.push(format!(
                "line {number}: {} {} -> {} {}: {why}",
                line["from"]["kind"], line["from"]["name"], line["to"]["kind"], line["to"]["ip"]
            )),
        }
    }
    report
}

/// Walks the lines of a scenario that were recorded in iptables mode, once by the rules as
/// kube-proxy wrote them and once by what `iptables-save` prints of them. How many lines there are,
/// and those whose journeys differ.
#[cfg(test)]
pub(super) fn saved_walks(folder: &Path) -> (usize, Vec<String>) {
    use lobby_engine::net::IpFamily;

    let text = read(&folder.join("walks.jsonl"));
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines
        .filter(|line: &Value| line["mode"] == "iptables")
        .collect();
    if lines.is_empty() {
        return (0, Vec::new());
    }
    let written = Scenario::load(folder, Mode::Iptables);
    let mut saved = written.clone();
    for machine in written.network.machines() {
        for family in [
            lobby_engine::net::IpFamily::IPv4,
            lobby_engine::net::IpFamily::IPv6,
        ] {
            if let Some(tables) = machine.host.tables(family) {
                let text = tables.save();
                let errors = saved.network.set_saved(&machine.name, family, &text);
                assert!(errors.is_empty(), "{errors:?}");
            }
        }
    }
    // The same clients one after another, so that connections and lists are there.
    let (mut states, mut different) = ([State::default(), State::default()], Vec::new());
    for (number, line) in lines.iter().enumerate() {
        let journeys = [&written, &saved].into_iter().zip(&mut states);
        let mut journeys = journeys.map(|(scenario, state)| {
            state.now_ms += 5;
            let network = scenario.network(line);
            let mut chance = Seeded::new(number as u64);
            network.walk(state, &mut chance, &request(line), Lookups::default())
        });
        if journeys.next() != journeys.next() {
            different.push(format!("{}: {line}", folder.display()));
        }
    }
    (lines.len(), different)
}

/// The lines of a scenario that were recorded in a mode, with their numbers.
///
/// # Panics
/// When the folder's file cannot be read.
#[must_use]
pub fn lines(folder: &Path, mode: Mode) -> Vec<(usize, Value)> {
    let text = read(&folder.join("walks.jsonl"));
    (1..)
        .zip(text.lines())
        .map(|(number, line)| (number, serde_json::from_str(line).unwrap()))
        .filter(|(_, line): &(usize, Value)| line["mode"] == mode.as_str())
        .collect()
}

/// What one attempt came to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt {
    /// `answered`, `refused`, `timeout` or `unreachable`.
    pub outcome: &'static str,
    /// Endpoint, and whom it saw.
    pub pair: Option<(IpAddr, Option<u16>, IpAddr)>,
    /// How the client heard of a failure.
    pub how: Option<String>,
}

/// A scenario's network, with the rules that kube-proxy writes on every Node in one mode.
#[derive(Clone)]
pub struct Scenario {
    network: Network,
    first_node: String,
    virtual_addresses: Vec<IpAddr>,
    /// What the network is built from.
    pub plan: Plan,
    /// Each Node's rules.
    pub rules: Vec<(String, RuleSet)>,
}

impl Scenario {
    /// Builds it from a folder.
    ///
    /// # Panics
    /// When the folder's files cannot be read.
    #[must_use]
    pub fn load(folder: &Path, mode: Mode) -> Self {
        let mut topology: Topology =
            serde_yaml::from_str(&read(&folder.join("topology.yaml"))).unwrap();
        let config: ProxyConfig = serde_yaml::from_str(&read(&folder.join("config.yaml"))).unwrap();
        let objects = Objects::load(&read(&folder.join("input.yaml")));
        if mode == Mode::Nftables {
            for node in &mut topology.nodes {
                node.route_localnet = 0;
            }
        }
        let plan = topology.plan();
        let mut network = Network::new(&plan);
        let mut all = Vec::new();
        for node in &topology.nodes {
            let mut config = config.clone();
            if config.node != node.name {
                let loopback = config.local_addresses.iter().filter(|a| {
                    let bare: IpAddr = a.split('/').next().unwrap().parse().unwrap();
                    bare.is_loopback()
                });
                config.local_addresses = loopback.cloned().chain([node.ip.clone()]).collect();
                config.node.clone_from(&node.name);
            }
            config.node_ips = vec![node.ip.split('/').next().unwrap().to_owned()];
            let object = objects.nodes.iter().find(|o| o.metadata.name == node.name);
            let rules =
                RuleSet::new(mode, &config, object, &objects.services, &objects.slices).unwrap();
            all.push((node.name.clone(), rules.clone()));
            if mode == Mode::Nftables {
                let errors = network.set_nft(&node.name, topology.family, &rules.text());
                assert!(errors.is_empty(), "{}: {errors:?}", folder.display());
                continue;
            }
            let rules = NodeRules {
                calls: rules.top_level().iter().map(ToString::to_string).collect(),
                restore: rules.text(),
            };
            let errors = network.set_rules(&node.name, topology.family, &rules);
            assert!(errors.is_empty(), "{}: {errors:?}", folder.display());
        }
        Self {
            network,
            first_node: topology.nodes[0].name.clone(),
            virtual_addresses: (topology.router.virtual_addresses.iter())
                .map(|net| net.split('/').next().unwrap().parse().unwrap())
                .collect(),
            plan,
            rules: all,
        }
    }

    /// Which addresses the router sends to which Node for a line: virtual addresses, and for
    /// external clients also cluster IPs. A Node that is none (`lb-proxy`) gets nothing.
    ///
    /// # Panics
    /// When the line is not as it is documented.
    #[must_use]
    pub fn sent_to_nodes(&self, line: &Value) -> Vec<(IpAddr, String)> {
        let external = line["from"]["kind"] == "external";
        let via = match line["to"]["via_node"].as_str() {
            Some(node) if external => node,
            _ => &self.first_node,
        };
        let mut routes: Vec<(IpAddr, String)> = (self.virtual_addresses.iter())
            .map(|&to| (to, via.to_owned()))
            .collect();
        if external && line["to"]["kind"] == "clusterIP" {
            let to: IpAddr = line["to"]["ip"].as_str().unwrap().parse().unwrap();
            routes.push((to, self.first_node.clone()));
        }
        routes
    }

    /// The network as it was for a line.
    fn network(&self, line: &Value) -> Network {
        let mut network = self.network.clone();
        for (address, via) in self.sent_to_nodes(line) {
            network.route_to_node(address.into(), &via);
        }
        network
    }

    /// Everything that one attempt of a line can come to.
    #[must_use]
    pub fn possible(&self, line: &Value) -> BTreeSet<Attempt> {
        let network = self.network(line);
        let mut branches = Branches::new(1);
        let mut seen = BTreeSet::new();
        loop {
            let mut state = State::default();
            seen.insert(Self::attempt(&network, line, &mut state, &mut branches));
            if !branches.next_branch() {
                return seen;
            }
        }
    }

    fn attempt(
        network: &Network,
        line: &Value,
        state: &mut State,
        chance: &mut dyn Chance,
    ) -> Attempt {
        let request = request(line);
        let journey = network
            .walk(state, chance, &request, Lookups::default())
            .unwrap_or_else(|error| panic!("{request:?}: {error}"));
        sane(&journey);
        let outcome = match journey.verdict.kind {
            VerdictKind::Answered => "answered",
            VerdictKind::Refused => "refused",
            VerdictKind::TimedOut => "timeout",
            VerdictKind::Unreachable => "unreachable",
            other => panic!("unexpected verdict {other:?}"),
        };
        let served = (journey.served.as_ref()).filter(|_| outcome == "answered");
        Attempt {
            outcome,
            pair: served.map(|served| (served.address, served.port, served.sees)),
            how: how(&journey),
        }
    }

    /// A line without affinity, through every branch.
    fn branches(&self, line: &Value) -> Result<(), String> {
        let network = self.network(line);
        let mut branches = Branches::new(1);
        let mut seen = BTreeSet::new();
        let mut tracked = BTreeSet::new();
        loop {
            let mut state = State::default();
            let attempt = Self::attempt(&network, line, &mut state, &mut branches);
            if attempt.outcome == "answered"
                && let Some(node) = line["to"]["via_node"].as_str()
                && let Some(host) = state.node(node)
            {
                for connection in host.conntrack.connections() {
                    let (o, r) = (&connection.original, &connection.reply);
                    tracked.insert(format!(
                        "src={} dst={} dport={} | src={} dst={} sport={}",
                        o.src, o.dst, o.dport, r.src, r.dst, r.sport
                    ));
                }
            }
            seen.insert(attempt);
            if !branches.next_branch() {
                break;
            }
        }
        compare(line, &seen)?;
        if let Some(expected) = line.get("conntrack") {
            // The recorder found its entries by port. Three lines hold an entry of an earlier
            // line's client, whose random port was the same; such an entry is not this line's.
            let own = format!("src={} ", line["from"]["ip"].as_str().unwrap());
            let expected: BTreeSet<String> = (expected.as_array().unwrap().iter())
                .map(recorded_connection)
                .filter(|entry| entry.starts_with(&own))
                .collect();
            let missing: Vec<&String> = expected.difference(&tracked).collect();
            if !missing.is_empty() {
                return Err(format!("not tracked: {missing:?}; tracked {tracked:?}"));
            }
        }
        Ok(())
    }

    /// Lines with affinity, one after another in one state, with several seeds.
    fn affinity(&self, lines: &[&(usize, Value)]) -> BTreeMap<usize, Result<(), String>> {
        const SEEDS: u64 = 24;
        let mut results: BTreeMap<usize, Result<(), String>> =
            lines.iter().map(|(number, _)| (*number, Ok(()))).collect();
        let mut all: BTreeMap<usize, BTreeSet<Attempt>> = BTreeMap::new();
        for seed in 0..SEEDS {
            let mut state = State::default();
            let mut chance = Seeded::new(seed);
            for (number, line) in lines {
                let network = self.network(line);
                let mut endpoints = BTreeSet::new();
                let mut seen = BTreeSet::new();
                for _ in 0..line["attempts"].as_u64().unwrap() {
                    state.now_ms += 5;
                    let attempt = Self::attempt(&network, line, &mut state, &mut chance);
                    endpoints.insert(attempt.pair.map(|(address, port, _)| (address, port)));
                    seen.insert(attempt);
                }
                let same = line["affinity"]["same"].as_bool().unwrap();
                if same != (endpoints.len() == 1) {
                    results.insert(
                        *number,
                        Err(format!(
                            "seed {seed}: same is {same}, endpoints {endpoints:?}"
                        )),
                    );
                }
                all.entry(*number).or_default().extend(seen);
            }
        }
        for (number, line) in lines {
            let seen = &all[number];
            let outcomes: BTreeSet<&str> = seen.iter().map(|attempt| attempt.outcome).collect();
            let wanted = line["outcome"].as_str().unwrap();
            if outcomes != BTreeSet::from([wanted]) {
                results.insert(
                    *number,
                    Err(format!("{wanted} recorded, {outcomes:?} here")),
                );
                continue;
            }
            // Which endpoint it was is one random draw: it has to be among those possible.
            let pairs: BTreeSet<_> = seen.iter().filter_map(|attempt| attempt.pair).collect();
            let missing: Vec<_> = recorded_pairs(line).difference(&pairs).copied().collect();
            if !missing.is_empty() {
                results.insert(*number, Err(format!("never {missing:?}, but {pairs:?}")));
            }
        }
        results
    }
}

/// Compares all that can happen with what was recorded.
fn compare(line: &Value, seen: &BTreeSet<Attempt>) -> Result<(), String> {
    let outcomes: BTreeSet<&str> = seen.iter().map(|attempt| attempt.outcome).collect();
    let wanted: BTreeSet<&str> = match line["outcome"].as_str().unwrap() {
        "mixed" => (line["outcomes"].as_object().unwrap().keys())
            .map(String::as_str)
            .collect(),
        outcome => BTreeSet::from([outcome]),
    };
    if outcomes != wanted {
        return Err(format!("{wanted:?} recorded, {outcomes:?} here: {seen:?}"));
    }
    if line["to"]["kind"] != "ping" {
        let pairs: BTreeSet<_> = seen.iter().filter_map(|attempt| attempt.pair).collect();
        let recorded = recorded_pairs(line);
        if pairs != recorded {
            return Err(format!("pairs {recorded:?} recorded, {pairs:?} here"));
        }
    }
    if let Some(how) = line.get("how") {
        let wanted: BTreeSet<String> = serde_json::from_value(how.clone()).unwrap();
        let own: BTreeSet<String> = seen.iter().filter_map(|a| a.how.clone()).collect();
        if wanted != own {
            return Err(format!("told by {wanted:?} as recorded, {own:?} here"));
        }
    }
    Ok(())
}

fn recorded_pairs(line: &Value) -> BTreeSet<(IpAddr, Option<u16>, IpAddr)> {
    (line["backends"].as_array().unwrap().iter())
        .map(|backend| {
            (
                backend["ip"].as_str().unwrap().parse().unwrap(),
                backend["port"]
                    .as_u64()
                    .map(|port| u16::try_from(port).unwrap()),
                backend["sees"].as_str().unwrap().parse().unwrap(),
            )
        })
        .collect()
}

/// A recorded entry without the ports that are random.
fn recorded_connection(entry: &Value) -> String {
    let part = |name: &str, keep: [&str; 3]| {
        let text = entry[name].as_str().unwrap();
        let kept: Vec<&str> = (text.split(' '))
            .filter(|word| keep.iter().any(|key| word.starts_with(&format!("{key}="))))
            .collect();
        kept.join(" ")
    };
    format!(
        "{} | {}",
        part("original", ["src", "dst", "dport"]),
        part("reply", ["src", "dst", "sport"])
    )
}

fn request(line: &Value) -> Request {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (kind, name) = (text(&line["from"]["kind"]), text(&line["from"]["name"]));
    let address: IpAddr = text(&line["to"]["ip"]).parse().unwrap();
    let protocol = text(&line["to"]["proto"]);
    let to = match line["to"]["port"].as_u64() {
        None => format!("ping://{address}"),
        Some(port) => lobby_engine::net::host_port(address, u16::try_from(port).ok()),
    };
    Request {
        from: match kind.as_str() {
            "pod" => format!("pod/default/{name}"),
            "node" => format!("node/{name}"),
            _ => format!("external/{name}"),
        },
        to,
        protocol: protocol.parse().unwrap_or_default(),
    }
}

/// How the client heard of a failure, in the recording's words.
fn how(journey: &Journey) -> Option<String> {
    let last = journey.hops.last().filter(|hop| hop.step == Step::Reply)?;
    match last.after.transport {
        Transport::Tcp { flags, .. } => flags.rst.then(|| "tcp reset".to_owned()),
        Transport::Icmp { message, .. } => {
            let what = match message {
                IcmpMessage::PortUnreachable => "port-unreachable",
                IcmpMessage::HostUnreachable => "host-unreachable",
                IcmpMessage::NetUnreachable => "net-unreachable",
                IcmpMessage::AdminProhibited => "admin-prohibited",
                IcmpMessage::TimeExceeded => "time-exceeded",
                IcmpMessage::EchoRequest | IcmpMessage::EchoReply => return None,
                other => panic!("{other:?} was never recorded"),
            };
            Some(format!("icmp {what} from {}", last.after.src))
        }
        _ => None,
    }
}

/// What holds of every journey.
fn sane(journey: &Journey) {
    for (number, hop) in (1..).zip(&journey.hops) {
        assert_eq!(hop.number, number);
        for words in [&hop.title, &hop.aside, &hop.tick, &hop.sentence] {
            assert!(!words.hotel.text().is_empty(), "{hop:?}");
            assert!(!words.cluster.text().is_empty(), "{hop:?}");
        }
    }
    assert_eq!(journey.hops[0].step, Step::Send);
    assert!(journey.doubts.is_empty(), "{:?}", journey.doubts);
    let shown: usize = journey.hops.iter().map(|hop| hop.looks.len()).sum();
    assert!(
        shown <= journey.rules_looked_at as usize,
        "a rule is shown twice"
    );
}

#[derive(Default)]
struct Objects {
    nodes: Vec<Node>,
    services: Vec<Service>,
    slices: Vec<EndpointSlice>,
}

impl Objects {
    fn load(text: &str) -> Self {
        let mut objects = Self::default();
        for document in serde_yaml::Deserializer::from_str(text) {
            let value = serde_yaml::Value::deserialize(document).unwrap();
            match value.get("kind").and_then(|kind| kind.as_str()) {
                Some("Node") => objects.nodes.push(serde_yaml::from_value(value).unwrap()),
                Some("Service") => {
                    let mut service: Service = serde_yaml::from_value(value).unwrap();
                    default_service(&mut service.spec);
                    objects.services.push(service);
                }
                Some("EndpointSlice") => {
                    objects.slices.push(serde_yaml::from_value(value).unwrap());
                }
                kind => panic!("unexpected kind {kind:?}"),
            }
        }
        objects
    }
}

/// What the API server would have filled in.
fn default_service(spec: &mut ServiceSpec) {
    let fill = |text: &mut String, default: &str| {
        if text.is_empty() {
            default.clone_into(text);
        }
    };
    fill(&mut spec.type_, "ClusterIP");
    fill(&mut spec.session_affinity, "None");
    for port in &mut spec.ports {
        fill(&mut port.protocol, "TCP");
    }
    spec.internal_traffic_policy
        .get_or_insert_with(|| "Cluster".to_owned());
    if matches!(spec.type_.as_str(), "NodePort" | "LoadBalancer") || !spec.external_ips.is_empty() {
        fill(&mut spec.external_traffic_policy, "Cluster");
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
