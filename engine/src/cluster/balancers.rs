//! What stands in front of the Nodes: load balancers that are built, and what each has noticed.
//!
//! A health check takes time: a target that fails is left out only after so many checks in a row,
//! and until then it gets traffic. So the answer that a target would give now, and the one that a
//! load balancer believes, are two things, and the second follows the first after a while. Nothing
//! is asked again and again: a difference plans an event at the time when it will be noticed.
//!
//! What a health check finds is told by what kube-proxy of that Node has programmed, and by whether
//! the Node runs. Sources: see [`crate::controllers::load_balancer`]; kube-proxy's side is
//! `pkg/proxy/healthcheck/service_health.go` of Kubernetes v1.30.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;

use super::state::{Event, Listening, State};
use crate::api::{Endpoint, EndpointSlice, Kind, Object, ObjectRef, Service, Store};
use crate::controllers::endpoint_slice::SERVICE_NAME_LABEL;
use crate::controllers::load_balancer::{self, HealthCheck, Provider, Targets};

/// A load balancer that its provider has begun to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balancer {
    /// Who built it.
    pub provider: Provider,
    /// The address to which its name resolves, where it has a name.
    pub address: Option<IpAddr>,
    /// Whether it carries traffic.
    pub is_active: bool,
    /// The targets that it takes to be well: names of Nodes, or with Pods as targets their
    /// addresses. Of MetalLB the Nodes that may announce the address.
    pub healthy: BTreeSet<String>,
}

impl State {
    /// A provider wrote the status of a Service: its load balancer is there, and carries traffic
    /// after a while.
    pub(super) fn balancer_built(&mut self, reference: &ObjectRef, uid: &str) {
        let after = self.provider.provisioning();
        let provider = self.provider;
        self.put_balancer(reference, provider, after == 0);
        if after > 0 {
            self.plan(
                Event::BalancerActive(reference.clone(), uid.to_owned()),
                after,
            );
        }
    }

    /// A load balancer carries traffic from now on.
    pub(super) fn balancer_active(&mut self, reference: &ObjectRef, uid: &str) {
        let is_the_same =
            (self.store.get(reference)).is_some_and(|object| object.metadata().uid == uid);
        if !is_the_same {
            return;
        }
        let healthy = self.well(reference);
        if let Some(own) = Rc::make_mut(&mut self.balancers).get_mut(reference) {
            own.is_active = true;
            own.healthy = healthy;
        }
    }

    fn put_balancer(&mut self, reference: &ObjectRef, provider: Provider, is_active: bool) {
        let address = match self.store.get(reference) {
            Some(Object::Service(service)) => self.address_of_name(service),
            _ => None,
        };
        let own = Balancer {
            provider,
            address,
            is_active,
            healthy: BTreeSet::new(),
        };
        Rc::make_mut(&mut self.balancers).insert(reference.clone(), own);
        let healthy = self.well(reference);
        if let Some(own) = Rc::make_mut(&mut self.balancers).get_mut(reference) {
            own.healthy = healthy;
        }
    }

    /// The address to which the name of a Service's load balancer resolves.
    fn address_of_name(&self, service: &Service) -> Option<IpAddr> {
        let ingress = &service.status.load_balancer.ingress;
        let name = &ingress
            .iter()
            .find(|own| !own.hostname.is_empty())?
            .hostname;
        let mut taken: BTreeSet<IpAddr> = (self.balancers.values())
            .filter_map(|own| own.address)
            .collect();
        taken.extend(self.taken_by_load_balancers());
        load_balancer::address_of_name(name, &taken)
    }

    /// Load balancers of Services that are gone go; those that a dump brought are there; and where
    /// a target would answer otherwise than before, it will be noticed.
    pub(super) fn run_balancers(&mut self) {
        let store = self.store.clone();
        let is_built = |service: &Service| {
            service.spec.type_ == "LoadBalancer" && !service.status.load_balancer.ingress.is_empty()
        };
        let built: BTreeSet<ObjectRef> = (store.services())
            .filter(|service| is_built(service))
            .map(reference)
            .collect();
        if self.balancers.keys().any(|own| !built.contains(own)) {
            Rc::make_mut(&mut self.balancers).retain(|own, _| built.contains(own));
        }
        for service in store.services().filter(|service| is_built(service)) {
            let reference = reference(service);
            let Some(own) = self.balancers.get(&reference) else {
                // A real cluster's dump has it: somebody built it, and it works.
                let provider = Provider::behind(service, &self.networks_of_nodes());
                self.put_balancer(&reference, provider, true);
                continue;
            };
            if !own.is_active {
                continue;
            }
            let provider = own.provider;
            let known = own.healthy.clone();
            let well = self.well(&reference);
            for target in known.symmetric_difference(&well) {
                let after = provider.notices(well.contains(target), self.stopped.contains(target));
                self.plan(Event::Checked(reference.clone(), target.clone()), after);
            }
        }
    }

    /// A load balancer notices how a target answers now.
    pub(super) fn checked(&mut self, reference: &ObjectRef, target: &str) {
        let is_well = self.well(reference).contains(target);
        let Some(own) = self.balancers.get(reference) else {
            return;
        };
        if own.healthy.contains(target) != is_well
            && let Some(own) = Rc::make_mut(&mut self.balancers).get_mut(reference)
        {
            if is_well {
                own.healthy.insert(target.to_owned());
            } else {
                own.healthy.remove(target);
            }
        }
    }

    fn networks_of_nodes(&self) -> Vec<IpAddr> {
        (self.store.nodes())
            .filter_map(crate::controllers::nodes::internal_ip)
            .collect()
    }

    /// The targets that would pass a health check now.
    fn well(&self, reference: &ObjectRef) -> BTreeSet<String> {
        let Some(Object::Service(service)) = self.store.get(reference) else {
            return BTreeSet::new();
        };
        let Some(provider) = self.balancers.get(reference).map(|own| own.provider) else {
            return BTreeSet::new();
        };
        if provider.targets(service) == Targets::Pods {
            return self.pods_that_answer(reference);
        }
        let check = provider.health_check(service);
        let local = service.spec.external_traffic_policy == "Local";
        // Most Nodes have seen the same slices: these are looked up once.
        let mut last: Option<(&Store, Vec<&EndpointSlice>)> = None;
        let mut serves = |seen, which: &dyn Fn(&Endpoint) -> bool| {
            let known = last.take();
            let known = known.filter(|(store, _)| store.shares(seen, Kind::EndpointSlice));
            let (_, own) =
                last.insert(known.unwrap_or_else(|| (seen, slices(seen, reference).collect())));
            serves(own, which)
        };
        (self.store.nodes())
            .filter(|node| load_balancer::is_target(node))
            .map(|node| &node.metadata.name)
            .filter(|node| !self.stopped.contains(*node))
            .filter(|node| {
                let seen = self.programmed.get(*node);
                match check {
                    Some(HealthCheck::Http(port))
                        if i32::from(port) == service.spec.health_check_node_port =>
                    {
                        seen.is_some_and(|seen| {
                            serves(seen, &|own| own.node_name.as_ref() == Some(*node))
                        })
                    }
                    // kube-proxy answers for itself.
                    Some(HealthCheck::Http(_)) => seen.is_some(),
                    Some(HealthCheck::Tcp(_)) => seen.is_some_and(|seen| serves(seen, &|_| true)),
                    // MetalLB's speakers look at the API, and ask nobody.
                    None if provider == Provider::MetalLb => serves(&self.store, &|own| {
                        !local || own.node_name.as_ref() == Some(*node)
                    }),
                    None => true,
                }
            })
            .cloned()
            .collect()
    }

    /// The addresses of the endpoints that take connections.
    fn pods_that_answer(&self, reference: &ObjectRef) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for endpoint in slices(&self.store, reference).flat_map(|slice| &slice.endpoints) {
            let runs =
                (endpoint.node_name.as_ref()).is_none_or(|node| !self.stopped.contains(node));
            let listens = endpoint.target_ref.as_ref().is_none_or(|target| {
                let pod = ObjectRef::new(Kind::Pod, &*reference.namespace, &*target.name);
                self.switches_of(&pod).listening == Listening::Everywhere
            });
            if runs && listens && endpoint.conditions.ready != Some(false) {
                found.extend(endpoint.addresses.iter().cloned());
            }
        }
        found
    }
}

fn reference(service: &Service) -> ObjectRef {
    let metadata = &service.metadata;
    ObjectRef::new(Kind::Service, &*metadata.namespace, &*metadata.name)
}

/// The slices of a Service.
fn slices<'s>(store: &'s Store, service: &'s ObjectRef) -> impl Iterator<Item = &'s EndpointSlice> {
    let here = store.in_namespace(Kind::EndpointSlice, &service.namespace);
    here.filter_map(|object| match object {
        Object::EndpointSlice(slice) => Some(slice),
        _ => None,
    })
    .filter(|slice| slice.metadata.labels.get(SERVICE_NAME_LABEL) == Some(&service.name))
}

/// Whether there is a ready endpoint of a kind in slices.
fn serves(slices: &[&EndpointSlice], which: &dyn Fn(&Endpoint) -> bool) -> bool {
    slices
        .iter()
        .flat_map(|slice| &slice.endpoints)
        .any(|endpoint| endpoint.conditions.ready != Some(false) && which(endpoint))
}

/// All load balancers, by their Services.
pub(super) type Balancers = Rc<BTreeMap<ObjectRef, Balancer>>;
