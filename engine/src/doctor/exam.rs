//! One examination: the world with its indices, the findings so far, and the probe.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::edit::Writer;
use super::finding::{Edit, Evidence, Finding, Fix};
use super::{Options, catalogue};
use crate::api::selector::service_selects;
use crate::api::{
    Container, EndpointSlice, FieldPath, Kind, Object, ObjectRef, Pod, PodSpec, Service, Store,
};
use crate::cluster::is_recorded;
use crate::controllers::endpoint_slice::SERVICE_NAME_LABEL;
use crate::diagnostic::Severity;
use crate::dns::{Resolution, ResolutionKind};
use crate::lab::{Lab, Probe};
use crate::limits::MAX_PROBED_OBJECTS;
use crate::manifest::Document;
use crate::net::{Protocol, host_port};
use crate::network::{Journey, Request, VerdictKind};
use crate::yaml::Node;

pub(super) type Labels = BTreeMap<String, String>;

/// Something that makes Pods, or a Pod that nobody made: what a selector can be about.
pub(super) struct Template<'a> {
    pub(super) object: ObjectRef,
    pub(super) labels: &'a Labels,
    pub(super) spec: &'a PodSpec,
    /// How many Pods it is to make; `None` for a DaemonSet and for a Pod.
    pub(super) replicas: Option<i32>,
    /// Whether a Service selects it.
    pub(super) is_selected: bool,
}

impl Template<'_> {
    /// Where the fields of its Pods begin in it.
    pub(super) fn prefix(&self) -> &'static str {
        if self.object.kind.is_workload() {
            "spec.template.spec"
        } else {
            "spec"
        }
    }
}

/// A Service with all that belongs to it.
pub(super) struct Subject<'a> {
    pub(super) service: &'a Service,
    pub(super) reference: ObjectRef,
    /// The running or starting Pods that its selector means, in the order of their names.
    pub(super) pods: Vec<&'a Pod>,
    /// Its EndpointSlices.
    pub(super) slices: Vec<&'a EndpointSlice>,
}

impl Subject<'_> {
    pub(super) fn is_headless(&self) -> bool {
        self.service.spec.cluster_ip == "None"
    }

    /// Whether it has a selector that means anything: not in a Service of type ExternalName.
    pub(super) fn selects(&self) -> bool {
        let spec = &self.service.spec;
        let has_pairs = spec.selector.as_ref().is_some_and(|own| !own.is_empty());
        has_pairs && spec.type_ != "ExternalName"
    }

    /// How many endpoints there are, and how many of them get new connections.
    pub(super) fn endpoints(&self) -> (usize, usize) {
        let all = self.slices.iter().flat_map(|slice| &slice.endpoints);
        let ready = all
            .clone()
            .filter(|own| own.conditions.ready != Some(false));
        (all.clone().count(), ready.count())
    }

    /// Whether it can be reached by more than its cluster IP.
    pub(super) fn is_external(&self) -> bool {
        let spec = &self.service.spec;
        matches!(spec.type_.as_str(), "NodePort" | "LoadBalancer") || !spec.external_ips.is_empty()
    }
}

pub(super) struct Exam<'a> {
    pub(super) lab: &'a Lab,
    pub(super) text: &'a str,
    pub(super) store: &'a Store,
    pub(super) options: &'a Options,
    pub(super) templates: Vec<Template<'a>>,
    pub(super) findings: Vec<Finding>,
    /// The Pods that can be selected, by namespace.
    pods: BTreeMap<&'a str, Vec<&'a Pod>>,
    /// The slices by namespace and Service.
    slices: BTreeMap<(&'a str, &'a str), Vec<&'a EndpointSlice>>,
    /// `None` where the world is too large to send packets for every suspicion.
    probe: Option<Probe<'a>>,
    /// Who sends where any client will do.
    client: OnceCell<String>,
}

impl<'a> Exam<'a> {
    pub(super) fn new(lab: &'a Lab, text: &'a str, options: &'a Options) -> Self {
        let store = &lab.world().store;
        let mut pods: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
        for pod in store.pods().filter(|pod| is_active(pod)) {
            pods.entry(&pod.metadata.namespace).or_default().push(pod);
        }
        let mut slices: BTreeMap<(&str, &str), Vec<&EndpointSlice>> = BTreeMap::new();
        for slice in store.endpoint_slices() {
            if let Some(service) = slice.metadata.labels.get(SERVICE_NAME_LABEL) {
                slices
                    .entry((&slice.metadata.namespace, service))
                    .or_default()
                    .push(slice);
            }
        }
        let mut exam = Self {
            lab,
            text,
            store,
            options,
            templates: Vec::new(),
            findings: Vec::new(),
            pods,
            slices,
            probe: (store.len() <= MAX_PROBED_OBJECTS).then(|| lab.probe()),
            client: OnceCell::new(),
        };
        exam.templates = exam.make_templates();
        exam
    }

    /// The workloads that nobody owns, then the Pods that nobody owns.
    fn make_templates(&self) -> Vec<Template<'a>> {
        let mut templates = Vec::new();
        let kinds = Kind::ALL.into_iter().filter(|kind| kind.is_workload());
        for object in kinds
            .chain([Kind::Pod])
            .flat_map(|kind| self.store.of_kind(kind))
        {
            if !object.metadata().owner_references.is_empty() {
                continue;
            }
            let (labels, spec, replicas) = match object {
                Object::Deployment(own) => (
                    &own.spec.template.metadata.labels,
                    &own.spec.template.spec,
                    own.spec.replicas,
                ),
                Object::ReplicaSet(own) => (
                    &own.spec.template.metadata.labels,
                    &own.spec.template.spec,
                    own.spec.replicas,
                ),
                Object::StatefulSet(own) => (
                    &own.spec.template.metadata.labels,
                    &own.spec.template.spec,
                    own.spec.replicas,
                ),
                Object::DaemonSet(own) => (
                    &own.spec.template.metadata.labels,
                    &own.spec.template.spec,
                    None,
                ),
                Object::Pod(own) if is_active(own) => (&own.metadata.labels, &own.spec, None),
                _ => continue,
            };
            templates.push(Template {
                object: object.reference(),
                labels,
                spec,
                replicas,
                is_selected: false,
            });
        }
        templates
    }

    /// The Services with what belongs to them. Which templates they select is kept.
    pub(super) fn subjects(&mut self) -> Vec<Subject<'a>> {
        let store = self.store;
        let subjects: Vec<Subject<'a>> = store.services().map(|own| self.subject(own)).collect();
        for template in &mut self.templates {
            let labels = template.labels;
            template.is_selected = subjects.iter().any(|subject| {
                subject.reference.namespace == template.object.namespace
                    && subject.selects()
                    && (subject.service.spec.selector.as_ref())
                        .is_some_and(|selector| service_selects(selector, labels))
            });
        }
        subjects
    }

    fn subject(&self, service: &'a Service) -> Subject<'a> {
        let metadata = &service.metadata;
        let namespace = metadata.namespace.as_str();
        let selector = (service.spec.selector.as_ref())
            .filter(|own| !own.is_empty() && service.spec.type_ != "ExternalName");
        let all = self.pods.get(namespace).map_or(&[][..], Vec::as_slice);
        let pods = selector.map_or_else(Vec::new, |selector| {
            let selects = |pod: &&&Pod| service_selects(selector, &pod.metadata.labels);
            all.iter().filter(selects).copied().collect()
        });
        let own = self.slices.get(&(namespace, metadata.name.as_str()));
        Subject {
            service,
            reference: ObjectRef::new(Kind::Service, namespace, &*metadata.name),
            pods,
            slices: own.cloned().unwrap_or_default(),
        }
    }

    /// The workload or Pod that is behind a Pod, as far as a text names it, and where the fields of
    /// its Pods begin in it.
    pub(super) fn behind(&self, pod: &Pod) -> (ObjectRef, &'static str) {
        let own = pod_reference(pod);
        match self.lab.world().made_from(&own) {
            Some(origin) => (origin.object.clone(), "spec.template.spec"),
            None => (own, "spec"),
        }
    }

    /// The document that an object was read from.
    pub(super) fn document(&self, object: &ObjectRef) -> Option<&'a Document> {
        let index = self.lab.world().document_of(object)?;
        self.lab.documents().get(index)
    }

    /// The containers of a workload or Pod as its text has them; none where no text names it.
    pub(super) fn written_containers(&self, template: &Template<'_>) -> &'a [Node] {
        let spec = self.document(&template.object).and_then(|document| {
            let mut steps = template.prefix().split('.');
            steps.try_fold(&document.tree, |node, step| node.get(step))
        });
        let containers = spec.and_then(|spec| spec.get("containers")?.as_list());
        containers.unwrap_or_default()
    }

    /// Changes of the document of an object.
    pub(super) fn writer(&self, object: &ObjectRef) -> Option<Writer<'a>> {
        Some(Writer::new(self.text, self.document(object)?))
    }

    /// Whether a real server wrote an object.
    pub(super) fn is_recorded(&self, object: &ObjectRef) -> bool {
        self.document(object)
            .is_some_and(|document| is_recorded(&document.object))
    }

    /// Whether a text names the cluster's Nodes, so that they are not made up.
    pub(super) fn has_own_nodes(&self) -> bool {
        let mut nodes = self.store.names(Kind::Node);
        nodes.any(|node| self.lab.world().document_of(node).is_some())
    }

    /// Adds a finding.
    pub(super) fn find(
        &mut self,
        id: &'static str,
        severity: Severity,
        object: &ObjectRef,
        field: impl Into<String>,
        message: impl Into<String>,
        why: impl Into<String>,
    ) -> &mut Finding {
        let field = FieldPath::new(field);
        let place = (self.document(object)).and_then(|document| document.place(&field));
        let finding = Finding {
            id,
            severity,
            object: object.to_string(),
            reference: Some(object.clone()),
            field,
            span: place.map(|place| place.key.map_or(place.value, |key| key.to(place.value))),
            message: message.into(),
            why: why.into(),
            evidence: None,
            fix: None,
            see: catalogue::see(id),
        };
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// Somebody to send from: a Pod of the namespace that is none of these, any other Pod, a Node.
    pub(super) fn client(&self, subject: &Subject<'_>) -> Option<String> {
        let namespace = subject.reference.namespace.as_str();
        let is_other = |pod: &&&Pod| {
            kubelet_ready(pod)
                && !pod.spec.host_network
                && !subject.pods.iter().any(|own| std::ptr::eq(*own, **pod))
        };
        let near = self
            .pods
            .get(namespace)
            .into_iter()
            .flatten()
            .find(is_other);
        if let Some(pod) = near {
            return Some(client_id(pod));
        }
        let any = self.client.get_or_init(|| {
            let pod = self.pods.values().flatten().find(is_other);
            let node = || self.store.nodes().next();
            pod.map(|pod| client_id(pod))
                .or_else(|| Some(format!("node/{}", node()?.metadata.name)))
                .unwrap_or_default()
        });
        (!any.is_empty()).then(|| any.clone())
    }

    /// Walks a request; `None` where that is not done.
    pub(super) fn walk(&mut self, from: &str, to: &str, protocol: Protocol) -> Option<Journey> {
        let request = Request {
            from: from.to_owned(),
            to: to.to_owned(),
            protocol,
        };
        self.probe.as_mut()?.send(&request).ok()
    }

    /// Walks a request to a port of a Service's cluster IP.
    pub(super) fn walk_to_port(&mut self, subject: &Subject<'_>, index: usize) -> Option<Journey> {
        let port = subject.service.spec.ports.get(index)?;
        let address = subject.service.spec.cluster_ip.parse().ok()?;
        let to = host_port(address, u16::try_from(port.port).ok());
        let from = self.client(subject)?;
        self.walk(&from, &to, port.protocol.parse().ok()?)
    }

    /// Asks a Pod's resolver for a name: `Err` where it has addresses, else the proof that it has
    /// none, if anybody can ask.
    pub(super) fn unknown(
        &mut self,
        from: Option<&str>,
        name: &str,
    ) -> Result<Option<Evidence>, ()> {
        let Some(from) = from else { return Ok(None) };
        match self.resolve(from, name) {
            Some(Ok(())) => Err(()),
            Some(Err(said)) => {
                let text = format!("{from} asks for {name}: {said}");
                Ok(Some(Evidence::text(text)))
            }
            None => Ok(None),
        }
    }

    /// Every question that a Pod's resolver asks for a name; `None` where that is not done.
    pub(super) fn lookup(&mut self, from: &str, name: &str) -> Option<Resolution> {
        let found = self.probe.as_mut()?.lookup(from, name, None).ok()?;
        Some(found.resolution)
    }

    /// What a Pod's resolver makes of a name: its addresses, or why it has none.
    fn resolve(&mut self, from: &str, name: &str) -> Option<Result<(), String>> {
        let verdict = self.lookup(from, name)?.verdict;
        if verdict.kind == ResolutionKind::Found {
            return Some(Ok(()));
        }
        Some(Err(verdict.why.cluster.text()))
    }
}

/// What a walk proved.
pub(super) fn proof(journey: &Journey) -> Evidence {
    let verdict = &journey.verdict;
    Evidence {
        text: format!(
            "{} \u{2192} {} {}: {}. {}",
            journey.client.id,
            journey.request.to,
            journey.request.protocol,
            verdict.kind.as_str(),
            verdict.why.cluster.text()
        ),
        request: Some(journey.request.clone()),
    }
}

/// Whether a walk ended well.
pub(super) fn is_answered(journey: &Journey) -> bool {
    journey.verdict.kind == VerdictKind::Answered
}

/// A fix of changes, all of which have to be possible.
pub(super) fn edits(changes: impl IntoIterator<Item = Option<Edit>>) -> Option<Fix> {
    let edits: Option<Vec<Edit>> = changes.into_iter().collect();
    edits.filter(|edits| !edits.is_empty()).map(Fix::Edits)
}

/// `2 Pods`, `1 Pod`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("{number} {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// `app=web,tier=front`, as kubectl prints labels.
pub(super) fn labels(labels: &Labels) -> String {
    if labels.is_empty() {
        return "no labels".to_owned();
    }
    let pairs: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(",")
}

/// The containers that stay: those of the Pod, and sidecars.
pub(super) fn containers(spec: &PodSpec) -> impl Iterator<Item = &Container> {
    let sidecars = spec
        .init_containers
        .iter()
        .filter(|container| container.restart_policy == "Always");
    spec.containers.iter().chain(sidecars)
}

pub(super) fn pod_reference(pod: &Pod) -> ObjectRef {
    ObjectRef::new(Kind::Pod, &*pod.metadata.namespace, &*pod.metadata.name)
}

fn client_id(pod: &Pod) -> String {
    format!("pod/{}/{}", pod.metadata.namespace, pod.metadata.name)
}

/// Whether a Pod can be an endpoint: it has not ended, and is not being deleted.
fn is_active(pod: &Pod) -> bool {
    !matches!(pod.status.phase.as_str(), "Succeeded" | "Failed")
        && pod.metadata.deletion_timestamp.is_none()
}

fn kubelet_ready(pod: &Pod) -> bool {
    crate::controllers::kubelet::is_ready(pod) && !pod.status.pod_ip.is_empty()
}
