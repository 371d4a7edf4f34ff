//! The reconciler by its rules, beside the recorded vectors.

use super::*;
use crate::api::{
    Endpoint, IntOrString, NodeCondition, PodCondition, PodIp, Quantity, ServicePort,
};

/// Four processors and a zone, named by its letter.
fn node(name: &str, zone: &str) -> Node {
    let mut node = Node::default();
    node.metadata.name = name.to_owned();
    let labels = &mut node.metadata.labels;
    labels.insert("topology.kubernetes.io/zone".into(), zone.into());
    let cpu = Quantity::new("4");
    node.status.allocatable.insert("cpu".into(), cpu);
    node.status.conditions.push(NodeCondition {
        type_: "Ready".into(),
        status: "True".into(),
    });
    node
}

fn pod(number: usize, node: &str) -> Pod {
    let mut pod = Pod::default();
    pod.metadata.name = format!("web-{number}");
    pod.metadata.namespace = "default".into();
    pod.metadata.labels.insert("app".into(), "web".into());
    pod.spec.node_name = node.to_owned();
    pod.status.phase = "Running".into();
    pod.status.pod_ips.push(PodIp {
        ip: format!("10.244.{}.{}", number / 250, number % 250 + 1),
    });
    pod.status.conditions.push(PodCondition {
        type_: "Ready".into(),
        status: "True".into(),
        ..PodCondition::default()
    });
    pod
}

fn service() -> Service {
    let mut service = Service::default();
    service.metadata.name = "web".into();
    service.metadata.namespace = "default".into();
    service.metadata.uid = "uid".into();
    service.spec.type_ = "ClusterIP".into();
    service.spec.cluster_ip = "10.96.0.50".into();
    service.spec.ip_families = vec!["IPv4".into()];
    service.spec.selector = Some(BTreeMap::from([("app".into(), "web".into())]));
    service.spec.ports.push(ServicePort {
        protocol: "TCP".into(),
        port: 80,
        target_port: Some(IntOrString::Int(8080)),
        ..ServicePort::default()
    });
    service
}

/// A cluster in which one may change things and reconcile again.
struct World {
    service: Service,
    pods: Vec<Pod>,
    nodes: Vec<Node>,
    slices: Vec<EndpointSlice>,
    memory: Memory,
    names: usize,
}

impl World {
    /// Pods 0, 1, … one after the other in zones a, b, … with a Node for each zone.
    fn new(pods: usize, zones: &[&str]) -> Self {
        let node_name = |zone: &str| format!("node-{zone}");
        Self {
            service: service(),
            pods: (0..pods)
                .map(|number| pod(number, &node_name(zones[number % zones.len()])))
                .collect(),
            nodes: zones.iter().map(|z| node(&node_name(z), z)).collect(),
            slices: Vec::new(),
            memory: Memory::default(),
            names: 0,
        }
    }

    /// Runs the reconciler, names new slices and returns the events.
    fn run(&mut self) -> Vec<String> {
        let pods: Vec<&Pod> = self.pods.iter().collect();
        let nodes: Vec<&Node> = self.nodes.iter().collect();
        let result = reconcile(&self.service, &pods, &nodes, &self.slices, self.memory);
        assert_eq!(result.errors, Vec::<String>::new());
        self.slices = result.slices;
        self.memory = result.memory;
        for slice in &mut self.slices {
            if slice.metadata.name.is_empty() {
                self.names += 1;
                slice.metadata.name = format!("web-{}", self.names);
            }
        }
        result.events.iter().map(ToString::to_string).collect()
    }

    fn auto(mut self) -> Self {
        let annotation = "service.kubernetes.io/topology-mode".to_owned();
        let annotations = &mut self.service.metadata.annotations;
        annotations.insert(annotation, "Auto".into());
        self
    }

    fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.slices.iter().flat_map(|slice| &slice.endpoints)
    }

    fn sizes(&self) -> Vec<(&str, usize)> {
        self.slices
            .iter()
            .map(|slice| (slice.metadata.name.as_str(), slice.endpoints.len()))
            .collect()
    }

    /// How many endpoints are hinted to each zone.
    fn hints(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for hints in self.endpoints().filter_map(|e| e.hints.as_ref()) {
            for zone in &hints.for_zones {
                *counts.entry(zone.name.as_str()).or_default() += 1;
            }
        }
        counts
    }
}

#[test]
fn a_second_run_changes_nothing() {
    let mut world = World::new(250, &["a", "b"]);
    world.run();
    let slices = world.slices.clone();
    assert_eq!(
        world.sizes(),
        [("web-1", 100), ("web-2", 100), ("web-3", 50)]
    );
    world.run();
    assert_eq!(world.slices, slices);
}

#[test]
fn new_endpoints_go_into_a_slice_that_is_written_anyway() {
    let mut world = World::new(150, &["a"]);
    world.run();
    assert_eq!(world.sizes(), [("web-1", 100), ("web-2", 50)]);
    // One of the full slice goes and one comes: one write, though the other has room.
    world.pods.remove(0);
    world.pods.push(pod(150, "node-a"));
    world.run();
    assert_eq!(world.sizes(), [("web-1", 100), ("web-2", 50)]);
    // Without anything to write they fill up the one that comes nearest to full.
    world.pods.extend((151..171).map(|n| pod(n, "node-a")));
    world.run();
    assert_eq!(world.sizes(), [("web-1", 100), ("web-2", 70)]);
    // What does not fit into one goes into a new one as a whole.
    world.pods.extend((171..211).map(|n| pod(n, "node-a")));
    world.run();
    assert_eq!(
        world.sizes(),
        [("web-1", 100), ("web-2", 70), ("web-3", 40)]
    );
}

#[test]
fn slices_are_not_merged_to_save_room() {
    let mut world = World::new(200, &["a"]);
    world.run();
    world.pods.retain(|pod| pod.metadata.name.ends_with('0'));
    world.run();
    assert_eq!(world.sizes(), [("web-1", 10), ("web-2", 10)]);
}

#[test]
fn a_placeholder_stays_when_the_last_pod_goes() {
    let mut world = World::new(1, &["a"]);
    world.run();
    world.pods.clear();
    world.run();
    assert_eq!(world.sizes(), [("web-1", 0)], "taken over, not replaced");
    assert!(world.slices[0].ports.is_empty());
    let placeholder = world.slices.clone();
    world.run();
    assert_eq!(world.slices, placeholder);
    world.pods.push(pod(7, "node-a"));
    world.run();
    assert_eq!(world.sizes(), [("web-1", 1)]);
}

#[test]
fn labels_of_the_service_are_copied_but_for_the_reserved_ones() {
    let mut world = World::new(1, &["a"]);
    world.run();
    let labels = &mut world.service.metadata.labels;
    labels.insert("tier".into(), "front".into());
    labels.insert(MANAGED_BY_LABEL.into(), "me".into());
    world.run();
    let labels = &world.slices[0].metadata.labels;
    assert_eq!(labels["tier"], "front");
    assert_eq!(labels[MANAGED_BY_LABEL], MANAGED_BY);
    assert_eq!(world.sizes(), [("web-1", 1)]);
}

#[test]
fn slices_of_others_are_left_alone() {
    let mut world = World::new(1, &["a"]);
    let mut foreign = EndpointSlice::default();
    foreign.metadata.name = "by-hand".into();
    foreign.metadata.namespace = "default".into();
    let labels = &mut foreign.metadata.labels;
    labels.insert(SERVICE_NAME_LABEL.into(), "web".into());
    world.slices.push(foreign.clone());
    world.run();
    assert_eq!(world.slices[0], foreign);
    assert_eq!(world.slices.len(), 2);
    // Without a selector nothing is touched, not even the controller's own.
    world.service.spec.selector = None;
    world.pods.clear();
    let slices = world.slices.clone();
    world.run();
    assert_eq!(world.slices, slices);
}

#[test]
fn a_family_that_is_given_up_loses_its_slices() {
    let mut world = World::new(1, &["a"]);
    world.service.spec.ip_families = vec!["IPv4".into(), "IPv6".into()];
    world.run();
    assert_eq!(world.sizes(), [("web-1", 1), ("web-2", 0)]);
    world.service.spec.ip_families.pop();
    world.run();
    assert_eq!(world.sizes(), [("web-1", 1)]);
}

#[test]
fn a_service_that_is_going_gets_no_new_slices() {
    let mut world = World::new(1, &["a"]);
    world.service.metadata.deletion_timestamp = Some("2024-01-01T00:00:00Z".into());
    world.run();
    assert_eq!(world.slices, []);
}

#[test]
fn a_sidecar_s_named_port_counts_and_an_init_container_s_does_not() {
    let mut world = World::new(2, &["a"]);
    world.service.spec.ports[0].target_port = Some(IntOrString::String("web".into()));
    for (pod, policy) in world.pods.iter_mut().zip(["Always", ""]) {
        pod.spec.init_containers.push(crate::api::Container {
            restart_policy: policy.into(),
            ports: vec![crate::api::ContainerPort {
                name: "web".into(),
                container_port: 9000,
                protocol: "TCP".into(),
                ..Default::default()
            }],
            ..crate::api::Container::default()
        });
    }
    world.run();
    let ports: Vec<Option<i32>> = world
        .slices
        .iter()
        .map(|slice| slice.ports.first().and_then(|port| port.port))
        .collect();
    assert_eq!(ports, [None, Some(9000)]);
}

/// KEP-2433's example of three equal zones, with the limits that its formula gives.
#[test]
fn three_equal_zones_get_hints_where_none_is_overloaded() {
    for (count, hinted) in [
        (2, false),
        (3, true),
        (4, false),
        (5, false),
        (6, true),
        (7, true),
        (8, false),
        (9, true),
    ] {
        let mut world = World::new(count, &["a", "b", "c"]).auto();
        let events = world.run();
        assert_eq!(!world.hints().is_empty(), hinted, "{count}: {events:?}");
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].starts_with("Normal"), hinted, "{events:?}");
    }
}

#[test]
fn hints_move_to_zones_that_lack_endpoints() {
    // Six Pods in zone a and none in b, of equal size.
    let mut world = World::new(6, &["a"]).auto();
    world.nodes.push(node("node-b", "b"));
    world.run();
    assert_eq!(world.hints(), BTreeMap::from([("a", 3), ("b", 3)]));
    let slices = world.slices.clone();
    assert_eq!(world.run(), Vec::<String>::new(), "no event a second time");
    assert_eq!(world.slices, slices, "hints that fit are kept");
}

#[test]
fn hints_go_away_with_the_annotation() {
    let mut world = World::new(6, &["a", "b"]).auto();
    world.run();
    world.service.metadata.annotations.clear();
    assert_eq!(
        world.run(),
        [
            "Warning TopologyAwareHintsDisabled Topology Aware Hints has been disabled, \
             addressType: IPv4"
        ]
    );
    assert_eq!(world.hints(), BTreeMap::new());
    assert_eq!(world.run(), Vec::<String>::new());
}

#[test]
fn a_node_without_processors_or_zone_stops_all_hints() {
    for spoil in [
        (|node: &mut Node| node.status.allocatable.clear()) as fn(&mut Node),
        |node| node.metadata.labels.clear(),
    ] {
        let mut world = World::new(6, &["a", "b"]).auto();
        let mut bad = node("node-c", "c");
        spoil(&mut bad);
        world.nodes.push(bad);
        let events = world.run();
        assert!(events[0].contains("Insufficient Node information"));
        // A control plane does not count, and so does no harm.
        let role = "node-role.kubernetes.io/control-plane".to_owned();
        world.nodes[2].metadata.labels.insert(role, String::new());
        assert!(world.run()[0].starts_with("Normal"));
    }
}

#[test]
fn traffic_distribution_hints_each_endpoint_to_its_own_place() {
    let mut world = World::new(3, &["a", "b"]);
    world.pods[2].status.conditions.clear();
    world.run();
    world.service.spec.traffic_distribution = Some("PreferSameNode".into());
    world.run();
    let places: Vec<String> = world
        .endpoints()
        .map(|endpoint| match &endpoint.hints {
            Some(hints) => format!("{} {}", hints.for_zones[0].name, hints.for_nodes[0].name),
            None => String::new(),
        })
        .collect();
    assert_eq!(places, ["a node-a", "b node-b", ""], "only the ready ones");
    world.service.spec.traffic_distribution = Some("PreferClose".into());
    world.run();
    assert!(
        world
            .endpoints()
            .filter_map(|e| e.hints.as_ref())
            .all(|hints| hints.for_nodes.is_empty())
    );
    world.service.spec.traffic_distribution = None;
    world.run();
    assert_eq!(world.hints(), BTreeMap::new());
}

proptest::proptest! {
    /// Whatever comes and goes: no endpoint is lost or doubled, no slice is too full, and the
    /// next run has nothing to do.
    #[test]
    fn every_run_reaches_the_wanted_state(
        rounds in proptest::collection::vec(
            proptest::collection::btree_set(0_usize..400, 0..300), 1..5,
        ),
        auto: bool,
    ) {
        let mut world = World::new(0, &["a", "b", "c"]);
        if auto {
            world = world.auto();
        }
        for round in rounds {
            world.pods = round
                .iter()
                .map(|number| pod(*number, ["node-a", "node-b", "node-c"][number % 3]))
                .collect();
            world.run();
            let mut got: Vec<String> = world
                .endpoints()
                .map(|e| e.target_ref.clone().unwrap().name)
                .collect();
            let mut wanted: Vec<String> =
                world.pods.iter().map(|pod| pod.metadata.name.clone()).collect();
            got.sort();
            wanted.sort();
            proptest::prop_assert_eq!(got, wanted);
            proptest::prop_assert!(
                world.slices.iter().all(|s| s.endpoints.len() <= MAX_ENDPOINTS_PER_SLICE)
            );
            let hinted: usize = world.hints().values().sum();
            proptest::prop_assert!(hinted == 0 || hinted == world.pods.len());
            let slices = world.slices.clone();
            world.run();
            proptest::prop_assert_eq!(&world.slices, &slices);
        }
    }
}
