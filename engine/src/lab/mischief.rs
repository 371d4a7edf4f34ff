//! What can be broken in the world as it is, each in one named way.
//!
//! Each mischief is a line of the console, so that it is done, said and taken back like everything
//! else that a person does. It comes with a request that shows what it did. What is offered follows
//! from the world: no local policy where every Node has a Pod, no second break of what is broken.
//! The ways are those in which Services break on real clusters: see the documentation page "Debug
//! Services" (kubernetes.io/docs/tasks/debug/debug-application/debug-service/).
//!
//! Left out: what only the manifests can say wrong, such as fields that do not exist.

use serde::Serialize;

use super::picture;
use super::scene::Client;
use super::world::World;
use crate::api::selector::service_selects;
use crate::api::{IntOrString, Kind, ObjectRef, Pod, Service};
use crate::cluster::Listening;
use crate::controllers::kubelet::is_ready;
use crate::controllers::nodes;
use crate::controllers::workload::controller_ref;
use crate::net::{Protocol, host_port};
use crate::network::{ClientKind, Request};

/// The most Pods that one line names.
const MANY: usize = 20;

/// Something that can be broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mischief {
    /// One word for code and links: `selectorTypo`.
    pub id: &'static str,
    /// What a person reads.
    pub label: String,
    /// What is to be seen then, in a sentence.
    pub says: &'static str,
    /// The line that does it.
    pub line: String,
    /// A request that shows it, once what the line began has come to rest.
    pub request: Request,
}

/// What can be broken: first about a Service, then about the cluster. `about` is the Service that is
/// looked at; without one that a manifest made, it is the first of those.
pub(super) fn mischiefs(
    world: &World,
    street: &[Client],
    about: Option<&ObjectRef>,
) -> Vec<Mischief> {
    let is_meant = |service: &&Service| {
        let object = reference(service);
        about == Some(&object) && world.document_of(&object).is_some()
    };
    let first = || {
        let services = world.store.services();
        let written = services.filter_map(|service| {
            let index = world.document_of(&reference(service))?;
            Some((index, service))
        });
        let first = written.min_by_key(|(index, _)| *index);
        first.map(|(_, service)| service)
    };
    let Some(service) = world.store.services().find(is_meant).or_else(first) else {
        return Vec::new();
    };
    let Some(scene) = Target::of(world, street, service) else {
        return Vec::new();
    };
    let of_service = [
        scene.selector_typo(),
        scene.wrong_target_port(),
        scene.not_ready(),
        scene.on_loopback(),
        scene.no_pods(),
        scene.local_from_outside(),
        scene.local_from_inside(),
        scene.deleted(),
    ];
    let of_cluster = [scene.no_dns(), scene.node_off()];
    of_service.into_iter().chain(of_cluster).flatten().collect()
}

/// A Service that works, and how to ask for it.
struct Target<'a> {
    world: &'a World,
    service: &'a Service,
    /// Its Pods that are ready.
    pods: Vec<&'a Pod>,
    /// The number of its first port.
    port: u16,
    /// The first port's node port.
    node_port: Option<u16>,
    protocol: Protocol,
    /// The laptop on the Nodes' network.
    laptop: Option<&'a Client>,
}

impl<'a> Target<'a> {
    /// `None` for a Service that has no Pods to lose.
    fn of(world: &'a World, street: &'a [Client], service: &'a Service) -> Option<Self> {
        let selector = service
            .spec
            .selector
            .as_ref()
            .filter(|all| !all.is_empty())?;
        let port = service.spec.ports.first()?;
        let pods: Vec<&Pod> = world
            .store
            .pods()
            .filter(|pod| {
                pod.metadata.namespace == service.metadata.namespace
                    && pod.metadata.deletion_timestamp.is_none()
                    && service_selects(selector, &pod.metadata.labels)
                    && is_ready(pod)
            })
            .collect();
        if service.spec.type_ == "ExternalName" || pods.is_empty() {
            return None;
        }
        Some(Self {
            world,
            service,
            pods,
            port: u16::try_from(port.port).ok()?,
            node_port: u16::try_from(port.node_port).ok().filter(|port| *port != 0),
            protocol: port.protocol.parse().ok()?,
            laptop: street.iter().find(|client| client.kind == ClientKind::Lan),
        })
    }

    fn name(&self) -> &str {
        &self.service.metadata.name
    }

    /// ` -n NAMESPACE` where it has to be said.
    fn within(&self) -> String {
        match self.service.metadata.namespace.as_str() {
            "default" => String::new(),
            namespace => format!(" -n {namespace}"),
        }
    }

    fn patch(&self, spec: &str) -> String {
        format!(
            "kubectl patch service {}{} -p '{{\"spec\":{{{spec}}}}}'",
            self.name(),
            self.within()
        )
    }

    /// A line of the lab for each Pod.
    fn each(&self, verb: &str, says: &str) -> Option<String> {
        let lines: Vec<String> = self
            .pods
            .iter()
            .map(|pod| {
                let metadata = &pod.metadata;
                format!("lab {verb} {}/{} {says}", metadata.namespace, metadata.name)
            })
            .collect();
        (lines.len() <= MANY).then(|| lines.join(" && "))
    }

    /// Whether the Service has a Pod on a Node.
    fn is_on(&self, node: &str) -> bool {
        self.pods.iter().any(|pod| pod.spec.node_name == node)
    }

    /// The Nodes that have an address and no Pod of the Service.
    fn node_without(&self) -> Option<&'a str> {
        let nodes = self.world.store.nodes();
        nodes
            .filter(|node| nodes::internal_ip(node).is_some())
            .map(|node| node.metadata.name.as_str())
            .find(|node| !self.is_on(node))
    }

    fn request(&self, from: impl Into<String>, to: impl Into<String>) -> Request {
        Request {
            from: from.into(),
            to: to.into(),
            protocol: self.protocol,
        }
    }

    /// From the laptop to a Node's door.
    fn at_the_door(&self, node: &str) -> Option<Request> {
        let to = format!("{node}:{}", self.node_port?);
        Some(self.request(&self.laptop?.id, to))
    }

    /// From a machine of the cluster to the cluster IP.
    fn within_the_house(&self, from: impl Into<String>) -> Option<Request> {
        let address = self.service.spec.cluster_ip.parse().ok()?;
        Some(self.request(from, host_port(address, Some(self.port))))
    }

    /// Anybody who reaches the Service today. To a headless Service only its name leads.
    fn anyhow(&self) -> Option<Request> {
        let node = self.world.store.nodes().next()?;
        let name = &node.metadata.name;
        self.at_the_door(name)
            .or_else(|| self.within_the_house(format!("node/{name}")))
            .or_else(|| self.by_name())
    }

    /// From a Pod that asks cluster DNS, by name.
    fn by_name(&self) -> Option<Request> {
        let asks = |pod: &&Pod| {
            let spec = &pod.spec;
            pod.status.phase == "Running"
                && !pod.status.pod_ip.is_empty()
                && !spec.host_network
                && matches!(spec.dns_policy.as_str(), "" | "ClusterFirst")
                && !picture::is_hidden(self.world, pod)
        };
        let pods = || self.world.store.pods().filter(asks);
        let is_own = |pod: &&Pod| self.pods.iter().any(|own| own.metadata == pod.metadata);
        let other = pods().find(|pod| !is_own(pod));
        let pod = other.or_else(|| pods().next())?;
        let metadata = &self.service.metadata;
        let (namespace, name) = (&pod.metadata.namespace, &pod.metadata.name);
        Some(self.request(
            format!("pod/{namespace}/{name}"),
            format!("{}.{}:{}", metadata.name, metadata.namespace, self.port),
        ))
    }

    fn selector_typo(&self) -> Option<Mischief> {
        let selector = self.service.spec.selector.as_ref()?;
        let (key, value) = selector.iter().find(|(_, value)| !value.is_empty())?;
        let typo = typo(value);
        Some(Mischief {
            id: "selectorTypo",
            label: format!("A typing error in the selector of {}", self.name()),
            says: "No Pod has the label that is asked for: the list is empty, and the desk refuses.",
            line: self.patch(&format!("\"selector\":{{\"{key}\":\"{typo}\"}}")),
            request: self.anyhow()?,
        })
    }

    fn wrong_target_port(&self) -> Option<Mischief> {
        let port = self.service.spec.ports.first()?;
        let target = match &port.target_port {
            Some(IntOrString::String(name)) => format!("\"{}\"", typo(name)),
            Some(IntOrString::Int(number)) => self.free_port(*number)?.to_string(),
            None => self.free_port(port.port)?.to_string(),
        };
        Some(Mischief {
            id: "wrongTargetPort",
            label: format!("A wrong targetPort in {}", self.name()),
            says: "The rules lead to the right Pod and to a port that nobody listens on.",
            line: self.patch(&format!(
                "\"ports\":[{{\"port\":{},\"targetPort\":{target}}}]",
                port.port
            )),
            request: self.anyhow()?,
        })
    }

    /// A port near this one that no container of the Pods names.
    fn free_port(&self, near: i32) -> Option<i32> {
        let taken = |number: i32| {
            let containers = self.pods.iter().flat_map(|pod| &pod.spec.containers);
            let mut ports = containers.flat_map(|container| &container.ports);
            ports.any(|port| port.container_port == number)
        };
        (near + 1..=65_535)
            .chain(1..near)
            .find(|port| !taken(*port))
    }

    fn not_ready(&self) -> Option<Mischief> {
        if self.service.spec.publish_not_ready_addresses {
            return None;
        }
        Some(Mischief {
            id: "notReady",
            label: format!("All Pods of {} fail their readiness probe", self.name()),
            says: "They run, and are out of the list: first the EndpointSlice, then the rules.",
            line: self.each("ready", "off")?,
            request: self.anyhow()?,
        })
    }

    fn on_loopback(&self) -> Option<Mischief> {
        let listens = |pod: &&Pod| {
            self.world.cluster().listening(&picture::reference(pod)) == Listening::Everywhere
        };
        if !self.pods.iter().all(listens) {
            return None;
        }
        Some(Mischief {
            id: "loopback",
            label: format!("The server of {} listens on 127.0.0.1 only", self.name()),
            says: "Ready, in the list, in the rules, and yet refused: only the Pod itself reaches it.",
            line: self.each("listen", "loopback")?,
            request: self.anyhow()?,
        })
    }

    fn no_pods(&self) -> Option<Mischief> {
        let mut lines: Vec<String> = Vec::new();
        for pod in &self.pods {
            let metadata = &pod.metadata;
            let line = match self.workload(pod) {
                Some(owner) => {
                    let kind = match owner.kind {
                        Kind::Deployment => "deployment",
                        Kind::StatefulSet => "statefulset",
                        Kind::ReplicaSet => "replicaset",
                        // A DaemonSet has no number to set.
                        _ => return None,
                    };
                    format!(
                        "kubectl scale {kind} {}{} --replicas=0",
                        owner.name,
                        self.within()
                    )
                }
                None => format!("kubectl delete pod {}{}", metadata.name, self.within()),
            };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        (lines.len() <= MANY).then_some(())?;
        Some(Mischief {
            id: "noPods",
            label: format!("No Pods are left for {}", self.name()),
            says: "For a moment the rules still lead to Pods that are gone; then nobody is there.",
            line: lines.join(" && "),
            request: self.anyhow()?,
        })
    }

    /// The workload that makes a Pod again: a Deployment rather than its ReplicaSet.
    fn workload(&self, pod: &Pod) -> Option<ObjectRef> {
        let owner = controller_ref(&pod.metadata)?;
        let above = self.world.store.get(&owner);
        let above = above.and_then(|owner| controller_ref(owner.metadata()));
        Some(above.unwrap_or(owner))
    }

    fn local_from_outside(&self) -> Option<Mischief> {
        let node = self.node_without()?;
        let spec = &self.service.spec;
        if spec.external_traffic_policy == "Local" {
            return None;
        }
        Some(Mischief {
            id: "externalLocal",
            label: format!("externalTrafficPolicy: Local on {}", self.name()),
            says: "A Node without a Pod of its own lets nobody in from outside: no answer at all.",
            line: self.patch("\"externalTrafficPolicy\":\"Local\""),
            request: self.at_the_door(node)?,
        })
    }

    fn local_from_inside(&self) -> Option<Mischief> {
        let node = self.node_without()?;
        let spec = &self.service.spec;
        if spec.internal_traffic_policy.as_deref() == Some("Local") {
            return None;
        }
        Some(Mischief {
            id: "internalLocal",
            label: format!("internalTrafficPolicy: Local on {}", self.name()),
            says: "Who calls from a Node without a Pod of its own gets no answer.",
            line: self.patch("\"internalTrafficPolicy\":\"Local\""),
            request: self.within_the_house(format!("node/{node}"))?,
        })
    }

    fn deleted(&self) -> Option<Mischief> {
        Some(Mischief {
            id: "deleted",
            label: format!("{} is deleted", self.name()),
            says: "The Pods run on. Name, address and doors are gone.",
            line: format!("kubectl delete service {}{}", self.name(), self.within()),
            request: self.anyhow()?,
        })
    }

    fn no_dns(&self) -> Option<Mischief> {
        let store = &self.world.store;
        let dns = ObjectRef::new(Kind::Deployment, "kube-system", "coredns");
        let runs = |pod: &Pod| self.workload(pod).is_some_and(|owner| owner == dns);
        if !store.contains(&dns) || !store.pods().any(runs) {
            return None;
        }
        Some(Mischief {
            id: "noDns",
            label: "CoreDNS is scaled to zero".to_owned(),
            says: "Every address still works, and no name does.",
            line: "kubectl scale deployment coredns -n kube-system --replicas=0".to_owned(),
            request: self.by_name()?,
        })
    }

    fn node_off(&self) -> Option<Mischief> {
        let pod =
            (self.pods.iter()).find(|pod| self.world.cluster().is_running(&pod.spec.node_name))?;
        let node = &pod.spec.node_name;
        let other = self
            .world
            .store
            .nodes()
            .find(|other| other.metadata.name != *node)?;
        let port = match &self.service.spec.ports.first()?.target_port {
            Some(IntOrString::Int(number)) => u16::try_from(*number).ok()?,
            _ => self.port,
        };
        let address = pod.status.pod_ip.parse().ok()?;
        let request = self.request(
            format!("node/{}", other.metadata.name),
            host_port(address, Some(port)),
        );
        Some(Mischief {
            id: "nodeOff",
            label: format!("{node} is switched off"),
            says: "Its Pods stay in the lists until the Node is given up: some calls go nowhere.",
            line: format!("lab power {node} off"),
            request: self.at_the_door(node).unwrap_or(request),
        })
    }
}

/// A word with a typing error: its last two different neighbours changed about, or its last
/// character twice.
fn typo(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let is_letter = |c: &char| c.is_ascii_alphanumeric();
    let pair = (1..letters.len()).rev().find(|at| {
        letters[*at] != letters[at - 1] && is_letter(&letters[*at]) && is_letter(&letters[at - 1])
    });
    match pair {
        Some(at) => letters.swap(at, at - 1),
        None => letters.extend(letters.last().copied()),
    }
    letters.into_iter().collect()
}

fn reference(service: &Service) -> ObjectRef {
    let metadata = &service.metadata;
    ObjectRef::new(Kind::Service, &metadata.namespace, &metadata.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{EXAMPLES, Lab, Settings};
    use super::*;
    use crate::network::{Share, Tally, VerdictKind};

    fn lab(text: &str) -> Lab {
        let mut lab = Lab::new(Settings::default());
        lab.open(text);
        lab
    }

    /// Every mischief of every example: its line is done, what its request met before is met no
    /// more, and undo mends it.
    #[test]
    fn each_one_breaks_what_it_says_and_is_taken_back() {
        let mut seen = BTreeSet::new();
        for example in EXAMPLES {
            for mischief in lab(example.text()).mischiefs(None) {
                let what = format!("{}: {}: {}", example.id, mischief.id, mischief.line);
                let mut lab = lab(example.text());
                let before = lab.send_many(&mischief.request, 40).unwrap();
                let output = lab.run(&mischief.line);
                assert_eq!(output.exit_code, 0, "{what}\n{}", output.text());
                lab.run("lab advance 3s");
                let after = lab.send_many(&mischief.request, 40).unwrap();
                let answered = |tally: &Tally| -> u32 {
                    let good = |share: &&Share| share.kind == VerdictKind::Answered;
                    tally
                        .shares
                        .iter()
                        .filter(good)
                        .map(|share| share.count)
                        .sum()
                };
                if answered(&before) > 0 {
                    assert!(
                        answered(&after) < answered(&before),
                        "{what}: nothing is broken"
                    );
                    seen.insert(mischief.id);
                }
                assert!(lab.undo() && lab.undo());
                let mended = lab.send_many(&mischief.request, 40).unwrap();
                assert_eq!(answered(&mended), answered(&before), "{what}: not mended");
            }
        }
        let all = [
            "deleted",
            "externalLocal",
            "internalLocal",
            "loopback",
            "noDns",
            "noPods",
            "nodeOff",
            "notReady",
            "selectorTypo",
            "wrongTargetPort",
        ];
        assert_eq!(Vec::from_iter(seen), all);
    }

    #[test]
    fn what_is_broken_already_is_not_offered() {
        let mut lab = lab(EXAMPLES[0].text());
        let ids = |lab: &Lab| -> Vec<&str> {
            lab.mischiefs(None)
                .iter()
                .map(|mischief| mischief.id)
                .collect()
        };
        assert!(ids(&lab).contains(&"externalLocal"));
        let found = lab.mischiefs(None);
        let local = found.iter().find(|mischief| mischief.id == "externalLocal");
        lab.run(&local.unwrap().line);
        assert!(!ids(&lab).contains(&"externalLocal"));
        // An empty world has nothing to break.
        assert_eq!(ids(&self::lab("")), Vec::<&str>::new());
    }

    #[test]
    fn a_typing_error_gives_another_word() {
        assert_eq!(typo("frontend"), "frontedn");
        assert_eq!(typo("aa"), "aaa");
        assert_eq!(typo("v1"), "1v");
        assert_eq!(typo("x"), "xx");
    }
}
