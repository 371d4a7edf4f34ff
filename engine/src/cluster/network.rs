//! Who tells where traffic goes: endpoints, load balancers, kube-proxy.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use super::pods::{EVICTION, UNREACHABLE};
use super::selected::ByLabel;
use super::settings::Settings;
use super::state::{Event, State};
use crate::api::selector::{Labels, service_selects};
use crate::api::{
    EndpointSlice, Kind, LoadBalancerIngress, Node, Object, ObjectRef, Pod, Service, Store,
};
use crate::controllers::endpoint_slice::{self, MANAGED_BY, MANAGED_BY_LABEL, SERVICE_NAME_LABEL};
use crate::controllers::load_balancer::{FINALIZER, Provider};
use crate::controllers::{endpoints, kubelet};
use crate::net::IpFamily;

/// What kube-proxy looks at.
const PROXY_KINDS: [Kind; 3] = [Kind::Service, Kind::EndpointSlice, Kind::Node];

/// A Service's namespace and selector, where it has one.
fn selecting(service: &Service) -> Option<(&str, &Labels)> {
    let selector = service.spec.selector.as_ref()?;
    Some((&service.metadata.namespace, selector))
}

impl State {
    /// The Services for which anything changed that decides about their endpoints.
    fn changed_services(&self) -> BTreeSet<ObjectRef> {
        let (now, before) = (&self.store, &self.seen);
        if !now.shares(before, Kind::Node) {
            return now.names(Kind::Service).cloned().collect();
        }
        let mut changed = (*self.unseen).clone();
        for kind in [Kind::Service, Kind::Endpoints, Kind::EndpointSlice] {
            for object in now
                .differences(before, kind)
                .into_iter()
                .flat_map(<[_; 2]>::from)
            {
                let Some(object) = object else { continue };
                let metadata = object.metadata();
                let name = match kind {
                    Kind::EndpointSlice => metadata.labels.get(SERVICE_NAME_LABEL),
                    _ => Some(&metadata.name),
                };
                if let Some(name) = name {
                    changed.insert(ObjectRef::new(Kind::Service, &*metadata.namespace, &**name));
                }
            }
        }
        let mut pods = ByLabel::default();
        for (namespace, selector) in now.services().filter_map(selecting) {
            pods.want(namespace, selector);
        }
        let different = now.differences(before, Kind::Pod);
        for object in different.into_iter().flat_map(<[_; 2]>::from).flatten() {
            if let Object::Pod(pod) = object {
                pods.add(pod);
            }
        }
        for service in now.services() {
            let is_meant = selecting(service).is_some_and(|(namespace, selector)| {
                let mut candidates = pods.candidates(namespace, selector).iter();
                candidates.any(|pod| service_selects(selector, &pod.metadata.labels))
            });
            if is_meant {
                changed.insert(reference(service));
            }
        }
        changed
    }

    /// The controllers of EndpointSlices and Endpoints, and the one that mirrors Endpoints.
    pub(super) fn run_endpoints(&mut self, settings: &Settings) {
        let changed = self.changed_services();
        self.unseen = Rc::default();
        self.seen = self.store.clone();
        if changed.is_empty() {
            return;
        }
        let store = self.store.clone();
        let nodes: Vec<&Node> = store.nodes().collect();
        let mut pods = ByLabel::default();
        for service in store.services() {
            if let Some((namespace, selector)) = selecting(service)
                && changed.contains(&reference(service))
            {
                pods.want(namespace, selector);
            }
        }
        store.pods().for_each(|pod| pods.add(pod));
        let mut slices: BTreeMap<(&str, &str), Vec<&EndpointSlice>> = BTreeMap::new();
        for slice in store.endpoint_slices() {
            if let Some(service) = slice.metadata.labels.get(SERVICE_NAME_LABEL) {
                let key = (slice.metadata.namespace.as_str(), service.as_str());
                slices.entry(key).or_default().push(slice);
            }
        }
        for service in store.services() {
            let metadata = &service.metadata;
            let reference = reference(service);
            if !changed.contains(&reference)
                || self.resting.contains(&reference)
                || metadata.deletion_timestamp.is_some()
            {
                continue;
            }
            let pods = selecting(service).map_or(&[][..], |(namespace, selector)| {
                pods.candidates(namespace, selector)
            });
            let key = (metadata.namespace.as_str(), metadata.name.as_str());
            let own = slices.get(&key).map_or(&[][..], Vec::as_slice);
            self.slices_of(service, &reference, pods, &nodes, own, settings);
            self.endpoints_of(service, pods, own, settings);
        }
        // Slices that nobody's Service means any more are the garbage collector's, by their owner.
    }

    fn slices_of(
        &mut self,
        service: &Service,
        reference: &ObjectRef,
        pods: &[&Pod],
        nodes: &[&Node],
        own: &[&EndpointSlice],
        settings: &Settings,
    ) {
        let existing: Vec<EndpointSlice> = own.iter().map(|slice| (*slice).clone()).collect();
        let memory = self.memory.get(reference).copied().unwrap_or_default();
        let done = endpoint_slice::reconcile(service, pods, nodes, &existing, memory);
        if done.memory != memory {
            Rc::make_mut(&mut self.memory).insert(reference.clone(), done.memory);
        }
        for event in done.events {
            let type_ = if event.type_ == "Warning" {
                "Warning"
            } else {
                "Normal"
            };
            let source = "endpoint-slice-controller";
            self.record(
                reference.clone(),
                source,
                type_,
                event.reason,
                event.message,
            );
        }
        let kept: BTreeSet<&str> = done
            .slices
            .iter()
            .map(|slice| slice.metadata.name.as_str())
            .collect();
        for gone in own
            .iter()
            .filter(|slice| !kept.contains(slice.metadata.name.as_str()))
        {
            self.remove(&slice_reference(gone), settings);
        }
        for slice in done.slices {
            self.put_slice(slice, settings);
        }
    }

    fn put_slice(&mut self, slice: EndpointSlice, settings: &Settings) {
        let mut object = Object::EndpointSlice(slice);
        if object.metadata().name.is_empty() {
            self.name(&mut object, settings);
            self.stamp(&mut object, settings);
        }
        self.put(object, settings);
    }

    /// Endpoints of a Service with a selector; slices of a person's Endpoints for one without.
    fn endpoints_of(
        &mut self,
        service: &Service,
        pods: &[&Pod],
        own: &[&EndpointSlice],
        settings: &Settings,
    ) {
        let metadata = &service.metadata;
        let reference = ObjectRef::new(Kind::Endpoints, &*metadata.namespace, &*metadata.name);
        if let Some(mut wanted) = endpoints::of_service(service, pods) {
            let old = self.store.get(&reference).map(Object::metadata);
            if let Some(old) = old {
                let new = &mut wanted.metadata;
                new.uid.clone_from(&old.uid);
                new.resource_version.clone_from(&old.resource_version);
                new.creation_timestamp.clone_from(&old.creation_timestamp);
            }
            let mut object = Object::Endpoints(wanted);
            self.stamp(&mut object, settings);
            self.put(object, settings);
            return;
        }
        let by_mirroring = |slice: &&&EndpointSlice| {
            let by = slice.metadata.labels.get(MANAGED_BY_LABEL);
            by.is_some_and(|by| by == endpoints::MIRRORED_BY)
        };
        let mirrored: Vec<&EndpointSlice> = own.iter().filter(by_mirroring).copied().collect();
        let written = match self.store.get(&reference) {
            Some(Object::Endpoints(written)) if endpoints::is_mirrored(written, service) => written,
            _ => {
                for slice in mirrored {
                    self.remove(&slice_reference(slice), settings);
                }
                return;
            }
        };
        let wanted = endpoints::mirror(written, &mirrored);
        for slice in &mirrored {
            let name = &slice.metadata.name;
            if !wanted.iter().any(|wanted| wanted.metadata.name == *name) {
                self.remove(&slice_reference(slice), settings);
            }
        }
        for mut slice in wanted {
            let old = mirrored
                .iter()
                .find(|old| old.metadata.name == slice.metadata.name);
            if let Some(old) = old {
                let new = &mut slice.metadata;
                new.uid.clone_from(&old.metadata.uid);
                new.resource_version
                    .clone_from(&old.metadata.resource_version);
                new.creation_timestamp
                    .clone_from(&old.metadata.creation_timestamp);
            }
            self.put_slice(slice, settings);
        }
    }

    /// The provider's controller sees what Services ask for.
    pub(super) fn run_providers(&mut self, settings: &Settings) {
        let store = self.store.clone();
        for service in store.services() {
            let reference = reference(service);
            if self.resting.contains(&reference) {
                continue;
            }
            let has_one = !service.status.load_balancer.ingress.is_empty();
            let wants = self.provider.wants(service);
            let is_held = service
                .metadata
                .finalizers
                .iter()
                .any(|name| name == FINALIZER);
            let uid = service.metadata.uid.clone();
            if wants && !has_one {
                if !is_held {
                    let mut changed = service.clone();
                    changed.metadata.finalizers.push(FINALIZER.to_owned());
                    self.put(Object::Service(changed), settings);
                    self.record(
                        reference.clone(),
                        "service-controller",
                        "Normal",
                        "EnsuringLoadBalancer",
                        "Ensuring load balancer",
                    );
                }
                self.plan(Event::LoadBalancer(reference, uid), self.provider.delay());
            } else if !wants && is_held {
                self.plan(Event::LoadBalancer(reference, uid), self.provider.delay());
            }
        }
    }

    /// A provider has done what it was asked for.
    pub(super) fn load_balanced(&mut self, reference: &ObjectRef, uid: &str, settings: &Settings) {
        let Some(Object::Service(service)) = self.store.get(reference) else {
            return;
        };
        if service.metadata.uid != uid {
            return;
        }
        let mut service = service.clone();
        let provider = self.provider;
        if provider.wants(&service) {
            if !service.status.load_balancer.ingress.is_empty() {
                return;
            }
            // One address of each of the Service's families; a name has both.
            let mut taken = self.taken_by_load_balancers();
            let mut found: Vec<LoadBalancerIngress> = Vec::new();
            for nodes in &settings.networks.nodes {
                let family = IpFamily::of(nodes.addr()).to_string();
                let own = &service.spec.ip_families;
                if !own.is_empty() && !own.contains(&family) {
                    continue;
                }
                let ingress = provider.ingress(&service, &taken, nodes, settings.seed);
                taken.extend(
                    ingress
                        .iter()
                        .filter_map(|own| own.ip.parse::<IpAddr>().ok()),
                );
                found.extend(ingress.filter(|own| !found.contains(own)));
            }
            if found.is_empty() {
                self.record(
                    reference.clone(),
                    "service-controller",
                    "Warning",
                    "SyncLoadBalancerFailed",
                    "Error syncing load balancer: no available IPs",
                );
                return;
            };
            service.status.load_balancer.ingress = found;
            self.put(Object::Service(service), settings);
            self.balancer_built(reference, uid);
            self.record(
                reference.clone(),
                "service-controller",
                "Normal",
                "EnsuredLoadBalancer",
                "Ensured load balancer",
            );
            return;
        }
        service.metadata.finalizers.retain(|name| name != FINALIZER);
        service.status.load_balancer.ingress.clear();
        self.record(
            reference.clone(),
            "service-controller",
            "Normal",
            "DeletedLoadBalancer",
            "Deleted load balancer",
        );
        let is_over =
            service.metadata.deletion_timestamp.is_some() && service.metadata.finalizers.is_empty();
        if is_over {
            self.remove(reference, settings);
        } else {
            self.put(Object::Service(service), settings);
        }
    }

    pub(super) fn taken_by_load_balancers(&self) -> BTreeSet<IpAddr> {
        self.store
            .services()
            .flat_map(|service| &service.status.load_balancer.ingress)
            .filter_map(|ingress| ingress.ip.parse().ok())
            .collect()
    }

    /// kube-proxy makes rules of what there is now, on every Node that runs.
    pub(super) fn run_proxies(&mut self) {
        let seen = self.store.only(&PROXY_KINDS);
        let names: Vec<String> = self
            .store
            .nodes()
            .map(|node| node.metadata.name.clone())
            .collect();
        let mut programmed: BTreeMap<String, Store> = BTreeMap::new();
        for name in names {
            let old = self.programmed.get(&name);
            let view = match old {
                Some(old) if self.stopped.contains(&name) => old.clone(),
                _ => seen.clone(),
            };
            programmed.insert(name, view);
        }
        self.programmed = Rc::new(programmed);
        self.plan(Event::Balancers, 0);
    }

    /// A Node is switched off or on again: its Pods are as good as gone, or back.
    pub(super) fn set_running(&mut self, node: &str, running: bool, settings: &Settings) {
        let stopped = Rc::make_mut(&mut self.stopped);
        let changed = if running {
            stopped.remove(node)
        } else {
            stopped.insert(node.to_owned())
        };
        if !changed {
            return;
        }
        // After the grace period of the node lifecycle controller; the lab does not make a person
        // wait for its 40 seconds, in which nothing happens.
        let now = self.time(settings);
        let store = self.store.clone();
        if let Some(own) = store.node("", node) {
            let mut own = own.clone();
            let status = if running { "True" } else { "Unknown" };
            match own
                .status
                .conditions
                .iter_mut()
                .find(|known| known.type_ == "Ready")
            {
                Some(condition) => status.clone_into(&mut condition.status),
                None => own.status.conditions.push(crate::api::NodeCondition {
                    type_: "Ready".to_owned(),
                    status: status.to_owned(),
                }),
            }
            own.spec.taints.retain(|taint| taint.key != UNREACHABLE);
            if !running {
                for effect in ["NoSchedule", "NoExecute"] {
                    own.spec.taints.push(crate::api::Taint {
                        key: UNREACHABLE.to_owned(),
                        effect: effect.to_owned(),
                        ..crate::api::Taint::default()
                    });
                }
            }
            self.put(Object::Node(own), settings);
        }
        if !running {
            self.plan(Event::Evicted(node.to_owned()), EVICTION);
        }
        self.plan(Event::Balancers, 0);
        for pod in store.pods().filter(|pod| pod.spec.node_name == node) {
            let reference =
                ObjectRef::new(Kind::Pod, &*pod.metadata.namespace, &*pod.metadata.name);
            let uid = pod.metadata.uid.clone();
            if running {
                let event = if pod.metadata.deletion_timestamp.is_some() {
                    Event::Stopped(reference, uid)
                } else {
                    Event::Probed(reference, uid)
                };
                self.plan(event, settings.timing.stop);
                continue;
            }
            let mut pod = pod.clone();
            if pod.status.phase == "Running" {
                kubelet::set_containers_ready(&mut pod, false, &now);
                self.put(Object::Pod(pod), settings);
            }
        }
    }

    /// Another provider: what the one before built it takes down in the moment of going.
    pub(super) fn set_provider(&mut self, provider: Provider, settings: &Settings) {
        if self.provider == provider {
            return;
        }
        self.provider = provider;
        let store = self.store.clone();
        for service in store.services() {
            // What a real provider built stays what it is.
            if self.resting.contains(&reference(service)) {
                continue;
            }
            let mut service = service.clone();
            service.metadata.finalizers.retain(|name| name != FINALIZER);
            service.status.load_balancer.ingress.clear();
            let is_over = service.metadata.deletion_timestamp.is_some()
                && service.metadata.finalizers.is_empty();
            if is_over {
                self.remove(&reference(&service), settings);
            } else {
                self.put(Object::Service(service), settings);
            }
        }
        self.plan(Event::Providers, settings.timing.controller);
    }

    /// Whether the EndpointSlice controller wrote slices for a Service.
    pub(super) fn is_listed(&self, service: &ObjectRef) -> bool {
        let kind = Kind::EndpointSlice;
        let mut slices = self.store.in_namespace(kind, &service.namespace);
        slices.any(|slice| {
            let labels = &slice.metadata().labels;
            labels.get(SERVICE_NAME_LABEL) == Some(&service.name)
                && labels.get(MANAGED_BY_LABEL).map(String::as_str) == Some(MANAGED_BY)
        })
    }
}

fn reference(service: &Service) -> ObjectRef {
    let metadata = &service.metadata;
    ObjectRef::new(Kind::Service, &*metadata.namespace, &*metadata.name)
}

fn slice_reference(slice: &EndpointSlice) -> ObjectRef {
    let metadata = &slice.metadata;
    ObjectRef::new(Kind::EndpointSlice, &*metadata.namespace, &*metadata.name)
}
