//! The endpoints of a Service: every Pod that could be one, in or out, and the reason.
//!
//! Three decide, one after the other, and each is asked itself: the EndpointSlice controller
//! ([`crate::controllers::endpoint_slice`]) which Pods are endpoints and by which port; the kube-proxy
//! of a Node ([`crate::proxy`]) which of them that Node sends to; for a headless Service CoreDNS
//! ([`crate::dns`]) which of them its name leads to. Only the words are found here
//! ([`super::endpoint_words`]).
//!
//! Pods without anything in common with the selector are counted, and not listed. Left out: why a
//! Pod is not ready, and whether anybody listens in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::endpoint_words as words;
use super::session::Lab;
use super::world::World;
use crate::api::{
    Endpoint, EndpointSlice, FieldPath, Kind, ObjectRef, Origin, Pod, Service, ServicePort, Store,
};
use crate::controllers::endpoint_slice::{
    Exclusion, SERVICE_NAME_LABEL, exclusion, has_endpoints_of_pods,
};
use crate::dns::is_published;
use crate::limits::MAX_ENDPOINT_ROWS;
use crate::manifest::nearest;
use crate::proxy::{EndpointUse, LeftOut, PortUse};

/// The endpoints of a Service, as one Node serves them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointReport {
    /// The Service.
    pub service: ObjectRef,
    /// The Node whose kube-proxy was asked.
    pub node: String,
    /// Where the list comes from.
    pub list: EndpointList,
    /// How it stands, in a sentence or two.
    pub said: String,
    /// The Service's ports.
    pub ports: Vec<ReportPort>,
    /// Who is an endpoint or could be one: those that get traffic first, at most
    /// [`MAX_ENDPOINT_ROWS`].
    pub rows: Vec<EndpointRow>,
    /// How many rows there are beyond these.
    pub more: usize,
    /// How many Pods have nothing in common with the selector.
    pub others: usize,
    /// The EndpointSlices.
    pub slices: Vec<SliceRow>,
}

/// Where the endpoints of a Service come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EndpointList {
    /// From the Pods with these labels.
    Selector(Vec<(String, String)>),
    /// There is no selector: somebody writes the slices by hand.
    ByHand,
    /// It is another name for this one (`ExternalName`), and has none.
    Alias(String),
}

/// A port of the Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportPort {
    /// `http 80/TCP → 8080`.
    pub label: String,
    /// Where it is written.
    pub origin: Origin,
}

/// Somebody who is an endpoint, or could be one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointRow {
    /// The Pod; `None` for an address that somebody wrote.
    pub pod: Option<ObjectRef>,
    /// Its address; empty while it has none.
    pub address: String,
    /// The Node that it runs on.
    pub node: Option<String>,
    /// The zone of that Node.
    pub zone: Option<String>,
    /// The slice that has it.
    pub slice: Option<ObjectRef>,
    /// How it stands: one for each port and kind of traffic, or one alone that says why it is no
    /// endpoint.
    pub standings: Vec<Standing>,
}

impl EndpointRow {
    /// Whether it gets any traffic.
    #[must_use]
    pub fn is_in(&self) -> bool {
        self.standings.iter().any(|standing| standing.is_in)
    }
}

/// In or out, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Index into [`EndpointReport::ports`]; `None` for all of them.
    pub port: Option<usize>,
    /// Which traffic this is about.
    pub traffic: Traffic,
    /// Whether it gets this traffic.
    pub is_in: bool,
    /// Why.
    pub reason: EndpointReason,
    /// The same in a sentence.
    pub said: String,
    /// The fields that made it so, for linked highlighting.
    pub origins: Vec<Origin>,
}

/// Which traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Traffic {
    /// All of it.
    All,
    /// To the cluster IP.
    Inside,
    /// To node ports, external and load balancers' addresses.
    Outside,
    /// To the addresses that the Service's name leads to.
    Name,
}

/// Why an endpoint is in or out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EndpointReason {
    /// In: it is ready.
    Ready,
    /// In: it is being deleted, but no other is ready.
    LastOne,
    /// In: the Service publishes Pods whether they are ready or not.
    PublishedAnyhow,
    /// In this Node's rules still, although it is in no slice any more.
    Stale,
    /// Out: it is in a slice, but not yet in this Node's rules.
    NotSynced,
    /// Out: it is not ready.
    NotReady,
    /// Out: it is being deleted, and others are ready.
    Terminating,
    /// Out: hints keep it for another zone.
    OtherZone,
    /// Out: the policy keeps traffic on its Node, and it runs on another.
    NotLocal,
    /// Out: no container has a port of the name that the Service asks for.
    NoSuchPort,
    /// Out: no rules are written for its address family.
    OtherFamily,
    /// Out: it has no address yet.
    NoAddress,
    /// Out: it has run to its end.
    Finished,
    /// Out: its Node is gone.
    NoNode,
    /// Out: its labels fit, but it is in another Namespace.
    OtherNamespace,
    /// Out: a label differs.
    OtherLabels,
}

impl EndpointReason {
    /// In a word or two.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::LastOne => "terminating, the last",
            Self::PublishedAnyhow => "published anyhow",
            Self::Stale => "still in the rules",
            Self::NotSynced => "not yet in the rules",
            Self::NotReady => "not ready",
            Self::Terminating => "terminating",
            Self::OtherZone => "other zone",
            Self::NotLocal => "not on this Node",
            Self::NoSuchPort => "no such port",
            Self::OtherFamily => "other IP family",
            Self::NoAddress => "no address",
            Self::Finished => "finished",
            Self::NoNode => "Node gone",
            Self::OtherNamespace => "other namespace",
            Self::OtherLabels => "label differs",
        }
    }
}

/// An EndpointSlice of the Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SliceRow {
    /// The slice.
    pub slice: ObjectRef,
    /// `IPv4`, `IPv6` or `FQDN`.
    pub address_type: String,
    /// `http 8080/TCP`, one for each of its ports.
    pub ports: Vec<String>,
    /// How many endpoints it has.
    pub endpoints: usize,
    /// How many of them are ready.
    pub ready: usize,
}

/// What a Node's kube-proxy makes of each endpoint, by the index of the port and by address.
type Uses<'a> = BTreeMap<(usize, String), (&'a PortUse, &'a EndpointUse)>;

/// A label of the selector that a Pod has not.
pub(super) struct Miss<'a> {
    pub(super) key: &'a str,
    pub(super) wanted: &'a str,
    /// What the Pod has under this key.
    pub(super) found: Option<&'a str>,
    /// The Pod's key that is nearest to this one, where it has none like it.
    pub(super) near: Option<&'a str>,
}

impl Lab {
    /// The endpoints of a Service, as the kube-proxy of a Node serves them; `None` if there is no
    /// such Service.
    #[must_use]
    pub fn endpoints(&self, service: &ObjectRef, node: &str) -> Option<EndpointReport> {
        let world = self.world();
        let found = world.store.service(&service.namespace, &service.name)?;
        let uses = (self.rules(node))
            .and_then(|rules| rules.set().uses(&service.namespace, &service.name));
        let asked = Asked {
            world,
            service: found,
            reference: ObjectRef::new(Kind::Service, &*service.namespace, &*service.name),
            node,
            uses,
            slices: slices_of(&world.store, found),
        };
        Some(asked.report())
    }
}

impl Lab {
    /// The Pod behind an endpoint of an EndpointSlice, for linked highlighting; `None` for any other
    /// field.
    #[must_use]
    pub fn pod_behind(&self, origin: &Origin) -> Option<ObjectRef> {
        if origin.object.kind != Kind::EndpointSlice {
            return None;
        }
        let field = origin.field.as_str();
        let index = field.strip_prefix("endpoints[")?.split(']').next()?;
        let (namespace, name) = (&origin.object.namespace, &origin.object.name);
        let slice = self.world().store.endpoint_slice(namespace, name)?;
        pod_of(slice.endpoints.get(index.parse::<usize>().ok()?)?)
    }

    /// The endpoints that a Pod is, as fields of EndpointSlices.
    #[must_use]
    pub fn endpoints_of(&self, pod: &ObjectRef) -> Vec<Origin> {
        let mut found = Vec::new();
        for slice in self.world().store.endpoint_slices() {
            for (index, endpoint) in slice.endpoints.iter().enumerate() {
                if pod_of(endpoint).as_ref() == Some(pod) {
                    let field = FieldPath::new("endpoints").index(index);
                    found.push(Origin::new(slice_ref(slice), field));
                }
            }
        }
        found
    }
}

fn pod_of(endpoint: &Endpoint) -> Option<ObjectRef> {
    let target = (endpoint.target_ref.as_ref()).filter(|target| target.kind == "Pod")?;
    Some(ObjectRef::new(Kind::Pod, &*target.namespace, &*target.name))
}

/// All that is asked about.
struct Asked<'a> {
    world: &'a World,
    service: &'a Service,
    reference: ObjectRef,
    node: &'a str,
    /// What the Node's kube-proxy makes of it; `None` where it has no rules for it.
    uses: Option<Vec<PortUse>>,
    slices: Vec<&'a EndpointSlice>,
}

fn slices_of<'a>(store: &'a Store, service: &Service) -> Vec<&'a EndpointSlice> {
    let metadata = &service.metadata;
    (store.endpoint_slices())
        .filter(|slice| {
            slice.metadata.namespace == metadata.namespace
                && slice.metadata.labels.get(SERVICE_NAME_LABEL) == Some(&metadata.name)
        })
        .collect()
}

impl Asked<'_> {
    fn report(&self) -> EndpointReport {
        let spec = &self.service.spec;
        let selector = spec.selector.iter().flatten();
        let list = if spec.type_ == "ExternalName" {
            EndpointList::Alias(spec.external_name.clone())
        } else if has_endpoints_of_pods(self.service) {
            EndpointList::Selector(selector.map(|(k, v)| (k.clone(), v.clone())).collect())
        } else {
            EndpointList::ByHand
        };
        let mut rows = self.endpoint_rows();
        let mut others = 0;
        if matches!(list, EndpointList::Selector(_)) {
            let known: BTreeSet<ObjectRef> =
                rows.iter().filter_map(|row| row.pod.clone()).collect();
            others = self.candidates(&known, &mut rows);
        }
        // In before out, and among those that are out the nearest first.
        rows.sort_by_key(|row| {
            let first = row.standings.iter().map(|s| (!s.is_in, s.reason)).min();
            (first, row.pod.clone(), row.address.clone())
        });
        let said = words::summary(self.service, &list, &rows, self.node, self.uses.is_some());
        let more = rows.len().saturating_sub(MAX_ENDPOINT_ROWS);
        rows.truncate(MAX_ENDPOINT_ROWS);
        EndpointReport {
            service: self.reference.clone(),
            node: self.node.to_owned(),
            list,
            said,
            ports: (spec.ports.iter().enumerate())
                .map(|(index, port)| ReportPort {
                    label: words::port(port),
                    origin: self.field(FieldPath::new("spec.ports").index(index)),
                })
                .collect(),
            rows,
            more,
            others,
            slices: self.slices.iter().map(|slice| slice_row(slice)).collect(),
        }
    }

    fn field(&self, field: FieldPath) -> Origin {
        Origin::new(self.reference.clone(), field)
    }

    /// Those that are in slices, and those that are in the Node's rules still.
    fn endpoint_rows(&self) -> Vec<EndpointRow> {
        let mut rows = Vec::new();
        let mut uses: Uses<'_> = BTreeMap::new();
        for port in self.uses.iter().flatten() {
            for endpoint in &port.endpoints {
                let key = (port.port, endpoint.endpoint.address.clone());
                uses.insert(key, (port, endpoint));
            }
        }
        let mut seen: BTreeSet<(usize, String)> = BTreeSet::new();
        for slice in &self.slices {
            for endpoint in &slice.endpoints {
                rows.push(self.endpoint_row(slice, endpoint, &uses, &mut seen));
            }
        }
        for (key, (_, stale)) in &uses {
            if seen.contains(key) || (stale.internal.is_some() && stale.external.is_some()) {
                continue;
            }
            rows.push(EndpointRow {
                pod: None,
                address: key.1.clone(),
                node: None,
                zone: None,
                slice: None,
                standings: vec![Standing {
                    port: Some(key.0),
                    traffic: Traffic::All,
                    is_in: true,
                    reason: EndpointReason::Stale,
                    said: words::stale(self.node),
                    origins: Vec::new(),
                }],
            });
        }
        rows
    }

    fn endpoint_row(
        &self,
        slice: &EndpointSlice,
        endpoint: &Endpoint,
        uses: &Uses<'_>,
        seen: &mut BTreeSet<(usize, String)>,
    ) -> EndpointRow {
        let pod = pod_of(endpoint);
        let address = endpoint.addresses.first().cloned().unwrap_or_default();
        let of_pod = (pod.as_ref()).and_then(|pod| self.world.store.pod(&pod.namespace, &pod.name));
        let mut standings = Vec::new();
        for (index, port) in self.service.spec.ports.iter().enumerate() {
            let Some(number) = port_of(slice, port) else {
                standings.push(self.no_such_port(index, port, of_pod));
                continue;
            };
            let key = (index, socket(&address, number).unwrap_or_default());
            match uses.get(&key) {
                Some((port, found)) => {
                    standings.extend(self.by_rules(index, port, found, endpoint));
                    seen.insert(key);
                }
                None if self.service.spec.cluster_ip == "None" => {
                    standings.push(by_name(index, endpoint));
                }
                None => standings.push(self.not_in_rules(index, slice, endpoint)),
            }
        }
        EndpointRow {
            pod,
            address,
            node: endpoint.node_name.clone(),
            zone: endpoint.zone.clone(),
            slice: Some(slice_ref(slice)),
            standings,
        }
    }

    fn no_such_port(&self, index: usize, port: &ServicePort, pod: Option<&Pod>) -> Standing {
        let field = FieldPath::new("spec.ports")
            .index(index)
            .child("targetPort");
        Standing {
            port: Some(index),
            traffic: Traffic::All,
            is_in: false,
            reason: EndpointReason::NoSuchPort,
            said: words::no_such_port(port, pod),
            origins: vec![self.field(field)],
        }
    }

    /// How an endpoint stands in the Node's rules: once where all traffic is alike.
    fn by_rules(
        &self,
        index: usize,
        port: &PortUse,
        found: &EndpointUse,
        endpoint: &Endpoint,
    ) -> Vec<Standing> {
        let one = |traffic: Traffic, left_out: Option<LeftOut>| {
            let reason = match left_out {
                None if found.is_draining => EndpointReason::LastOne,
                None if self.service.spec.publish_not_ready_addresses
                    && endpoint.conditions.serving == Some(false) =>
                {
                    EndpointReason::PublishedAnyhow
                }
                None => EndpointReason::Ready,
                Some(LeftOut::NotLocal) => EndpointReason::NotLocal,
                Some(LeftOut::OtherZone) => EndpointReason::OtherZone,
                Some(LeftOut::Terminating) => EndpointReason::Terminating,
                Some(LeftOut::NotReady) if endpoint.conditions.terminating == Some(true) => {
                    EndpointReason::Terminating
                }
                Some(LeftOut::NotReady) => EndpointReason::NotReady,
            };
            let policy = match (reason, traffic) {
                (EndpointReason::NotLocal, Traffic::Outside) => "spec.externalTrafficPolicy",
                (EndpointReason::NotLocal, _) => "spec.internalTrafficPolicy",
                _ => "",
            };
            Standing {
                port: Some(index),
                traffic,
                is_in: left_out.is_none(),
                reason,
                said: words::by_rules(reason, traffic, self.node, endpoint),
                origins: (!policy.is_empty())
                    .then(|| self.field(FieldPath::new(policy)))
                    .into_iter()
                    .collect(),
            }
        };
        if !port.is_external {
            return vec![one(Traffic::Inside, found.internal)];
        }
        if found.internal == found.external {
            return vec![one(Traffic::All, found.internal)];
        }
        vec![
            one(Traffic::Inside, found.internal),
            one(Traffic::Outside, found.external),
        ]
    }

    /// It is in a slice, and this Node's kube-proxy knows nothing of it.
    fn not_in_rules(&self, index: usize, slice: &EndpointSlice, endpoint: &Endpoint) -> Standing {
        let families = &self.service.spec.ip_families;
        let reason = if families
            .first()
            .is_some_and(|own| *own != slice.address_type)
        {
            EndpointReason::OtherFamily
        } else {
            EndpointReason::NotSynced
        };
        Standing {
            port: Some(index),
            traffic: Traffic::All,
            is_in: false,
            reason,
            said: words::by_rules(reason, Traffic::All, self.node, endpoint),
            origins: Vec::new(),
        }
    }

    /// Pods that are in no slice: those that have something in common with the selector become
    /// rows, the others are counted.
    fn candidates(&self, known: &BTreeSet<ObjectRef>, rows: &mut Vec<EndpointRow>) -> usize {
        let store = &self.world.store;
        let mut others = 0;
        for pod in store.pods() {
            let reference = super::picture::reference(pod);
            if known.contains(&reference) {
                continue;
            }
            let node = store.node("", &pod.spec.node_name);
            let misses = self.misses(pod);
            let Some(why) = exclusion(self.service, pod, node) else {
                // The controller has not run since it became one.
                continue;
            };
            let wanted = self.service.spec.selector.as_ref().map_or(0, BTreeMap::len);
            let is_near = misses.len() < wanted || misses.iter().any(Miss::is_near);
            let listed = match why {
                Exclusion::OtherLabels => is_near,
                Exclusion::OtherNamespace => misses.is_empty(),
                _ => true,
            };
            if !listed {
                others += 1;
                continue;
            }
            let origins = match why {
                Exclusion::OtherLabels => (misses.iter())
                    .flat_map(|miss| {
                        let label = FieldPath::new("metadata.labels");
                        let own = miss.near.unwrap_or(miss.key);
                        [
                            self.field(FieldPath::new("spec.selector").key(miss.key)),
                            Origin::new(reference.clone(), label.key(own)),
                        ]
                    })
                    .collect(),
                Exclusion::OtherNamespace => {
                    vec![Origin::new(
                        reference.clone(),
                        FieldPath::new("metadata.namespace"),
                    )]
                }
                _ => Vec::new(),
            };
            rows.push(EndpointRow {
                address: pod.status.pod_ip.clone(),
                node: (!pod.spec.node_name.is_empty()).then(|| pod.spec.node_name.clone()),
                zone: None,
                slice: None,
                standings: vec![Standing {
                    port: None,
                    traffic: Traffic::All,
                    is_in: false,
                    reason: reason_of(why),
                    said: words::excluded(why, self.service, pod, &misses),
                    origins,
                }],
                pod: Some(reference),
            });
        }
        others
    }

    /// The labels of the selector that a Pod has not.
    fn misses<'a>(&'a self, pod: &'a Pod) -> Vec<Miss<'a>> {
        let labels = &pod.metadata.labels;
        let selector = self.service.spec.selector.iter().flatten();
        selector
            .filter(|(key, wanted)| labels.get(*key) != Some(*wanted))
            .map(|(key, wanted)| {
                let found = labels.get(key).map(String::as_str);
                let near = match found {
                    Some(_) => None,
                    None => nearest(key, labels.keys().map(String::as_str)),
                };
                Miss {
                    key,
                    wanted,
                    found,
                    near,
                }
            })
            .collect()
    }
}

impl Miss<'_> {
    /// Whether the Pod has something like it: the same key with a value that is nearly the same, or
    /// a key that is nearly the same.
    pub(super) fn is_near(&self) -> bool {
        let near_value = |found: &str| nearest(self.wanted, [found]).is_some();
        self.near.is_some() || self.found.is_some_and(near_value)
    }
}

/// How an endpoint stands where names alone lead to it.
fn by_name(index: usize, endpoint: &Endpoint) -> Standing {
    let is_in = is_published(endpoint);
    let serving = endpoint.conditions.serving != Some(false);
    let terminating = endpoint.conditions.terminating == Some(true);
    let reason = match (is_in, serving && !terminating) {
        (true, true) => EndpointReason::Ready,
        (true, false) => EndpointReason::PublishedAnyhow,
        (false, _) if terminating => EndpointReason::Terminating,
        (false, _) => EndpointReason::NotReady,
    };
    Standing {
        port: Some(index),
        traffic: Traffic::Name,
        is_in,
        reason,
        said: words::by_name(reason),
        origins: Vec::new(),
    }
}

/// The number that a slice has for a port of the Service; the two are joined by name and protocol.
fn port_of(slice: &EndpointSlice, port: &ServicePort) -> Option<i32> {
    let same = (slice.ports.iter()).find(|own| {
        own.name.as_deref() == Some(&port.name)
            && own.protocol.as_deref().unwrap_or("TCP") == port.protocol
    });
    same?.port
}

/// An address with a port, as kube-proxy writes it.
fn socket(address: &str, port: i32) -> Option<String> {
    let address: IpAddr = address.parse().ok()?;
    Some(SocketAddr::new(address, u16::try_from(port).ok()?).to_string())
}

fn slice_ref(slice: &EndpointSlice) -> ObjectRef {
    let metadata = &slice.metadata;
    ObjectRef::new(Kind::EndpointSlice, &*metadata.namespace, &*metadata.name)
}

fn slice_row(slice: &EndpointSlice) -> SliceRow {
    SliceRow {
        slice: slice_ref(slice),
        address_type: slice.address_type.clone(),
        ports: slice.ports.iter().map(words::slice_port).collect(),
        endpoints: slice.endpoints.len(),
        ready: slice.endpoints.iter().filter(|e| is_published(e)).count(),
    }
}

fn reason_of(why: Exclusion) -> EndpointReason {
    match why {
        Exclusion::OtherNamespace => EndpointReason::OtherNamespace,
        Exclusion::OtherLabels => EndpointReason::OtherLabels,
        Exclusion::Finished => EndpointReason::Finished,
        Exclusion::NoAddress => EndpointReason::NoAddress,
        Exclusion::NoNode => EndpointReason::NoNode,
        Exclusion::OtherFamily => EndpointReason::OtherFamily,
    }
}
