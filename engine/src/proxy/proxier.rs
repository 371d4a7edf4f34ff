//! A kube-proxy that runs on: objects come and go, and each sync writes again only what they
//! touch. What it holds always equals a full sync.
//!
//! Source: `pkg/proxy/servicechangetracker.go`, `endpointschangetracker.go` and the partial syncs of
//! `pkg/proxy/iptables/proxier.go`, Kubernetes v1.30. Like there, a change that changes no rule
//! (a label, a `targetRef`) is no change, and iptables mode sends the chains of changed Services
//! only. In one thing this is stricter: kube-proxy that has become large or small leaves the
//! comments of unchanged Services as they were until its next full sync, here that sync comes at
//! once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::concat::Concat;
use super::config::{ConfigError, Mode, ProxyConfig, Settings};
use super::frame::{Frame, Part};
use super::ipvs::FilledSets;
use super::rule_set::{Renderer, RuleSet, ServiceRules, service_of};
use super::service::Service;
use super::{iptables, ipvs, nftables};
use crate::api;

/// How long a large cluster's stale chains may stay, in milliseconds: kube-proxy's `syncPeriod`.
pub const SYNC_PERIOD_MS: u64 = 30_000;

/// The objects of one Service.
#[derive(Clone, Debug, Default)]
struct Entry {
    service: Option<Arc<api::Service>>,
    /// By name.
    slices: BTreeMap<String, Arc<api::EndpointSlice>>,
}

/// Namespace and name.
type Key = (String, String);

/// One kube-proxy, for one Node, mode and family.
#[derive(Clone, Debug)]
pub struct Proxier {
    mode: Mode,
    config: ProxyConfig,
    settings: Arc<Settings>,
    entries: BTreeMap<Key, Entry>,
    /// Which Service a slice, by namespace and name, is for.
    owners: BTreeMap<Key, String>,
    changed: BTreeSet<Key>,
    /// Whether the next sync has to write everything.
    all_changed: bool,
    endpoints: usize,
    large: bool,
    /// By namespace and name: those Services that have rules.
    rules: Vec<Arc<ServiceRules>>,
    frame: Arc<Frame>,
    /// Parts that every sync sends, kept together: filter rules and rules of shared nat chains.
    filter: Concat,
    shared: Concat,
    filled: FilledSets,
    /// Chains that no rule leads to any more, but that were not deleted yet.
    stale: BTreeSet<String>,
    last_cleanup_ms: Option<u64>,
}

/// What a sync did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sync {
    /// Whether everything was written: the first time, and after a change of the Node.
    pub full: bool,
    /// How many Services were written.
    pub services: usize,
}

impl Proxier {
    /// A kube-proxy that has seen no Service yet. `node` is the Node that it runs on.
    ///
    /// # Errors
    ///
    /// Settings with which kube-proxy would not start.
    pub fn new(
        mode: Mode,
        config: &ProxyConfig,
        node: Option<&api::Node>,
    ) -> Result<Self, ConfigError> {
        let settings = Arc::new(Settings::new(config, mode, node)?);
        Ok(Self {
            mode,
            config: config.clone(),
            settings,
            entries: BTreeMap::new(),
            owners: BTreeMap::new(),
            changed: BTreeSet::new(),
            all_changed: true,
            endpoints: 0,
            large: false,
            rules: Vec::new(),
            frame: Arc::default(),
            filter: Concat::default(),
            shared: Concat::default(),
            filled: FilledSets::default(),
            stale: BTreeSet::new(),
            last_cleanup_ms: None,
        })
    }

    /// A Service came or changed.
    pub fn apply_service(&mut self, service: Arc<api::Service>) {
        let key = key(&service.metadata);
        let entry = self.entries.entry(key).or_default();
        let old = entry.service.replace(Arc::clone(&service));
        if self.all_changed {
            return;
        }
        let seen = |service: &api::Service| Service::new(service, &self.settings);
        if old.as_deref().and_then(seen) != seen(&service) {
            self.changed.insert(self::key(&service.metadata));
        }
    }

    /// A Service went.
    pub fn delete_service(&mut self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        if let Some(entry) = self.entries.get_mut(&key)
            && entry.service.take().is_some()
        {
            self.forget_if_empty(&key);
            self.changed.insert(key);
        }
    }

    /// An EndpointSlice came or changed.
    pub fn apply_slice(&mut self, slice: Arc<api::EndpointSlice>) {
        let slice_key = key(&slice.metadata);
        let owner = service_of(&slice, self.settings.family).map(str::to_owned);
        if self.owners.get(&slice_key) != owner.as_ref() {
            self.delete_slice(&slice_key.0, &slice_key.1);
            if let Some(owner) = &owner {
                self.owners.insert(slice_key.clone(), owner.clone());
            }
        }
        let Some(owner) = owner else {
            return;
        };
        let (namespace, name) = slice_key;
        let key = (namespace, owner);
        let entry = match self.entries.get_mut(&key) {
            Some(entry) => entry,
            None => self.entries.entry(key.clone()).or_default(),
        };
        let old = entry.slices.insert(name, Arc::clone(&slice));
        if !self.all_changed && !old.is_some_and(|old| is_same(&old, &slice)) {
            self.changed.insert(key);
        }
    }

    /// An EndpointSlice went.
    pub fn delete_slice(&mut self, namespace: &str, name: &str) {
        let slice_key = (namespace.to_owned(), name.to_owned());
        let Some(owner) = self.owners.remove(&slice_key) else {
            return;
        };
        let (namespace, name) = slice_key;
        let key = (namespace, owner);
        if let Some(entry) = self.entries.get_mut(&key)
            && entry.slices.remove(&name).is_some()
        {
            self.forget_if_empty(&key);
            self.changed.insert(key);
        }
    }

    fn forget_if_empty(&mut self, key: &Key) {
        let is_empty = |entry: &Entry| entry.service.is_none() && entry.slices.is_empty();
        if self.entries.get(key).is_some_and(is_empty) {
            self.entries.remove(key);
        }
    }

    /// The Node that it runs on changed, or its object is gone. If that changes a rule, the next
    /// sync is a full one.
    ///
    /// # Errors
    ///
    /// `podCIDRs` that are none, where the settings ask for them; nothing is changed then.
    pub fn apply_node(&mut self, node: Option<&api::Node>) -> Result<(), ConfigError> {
        let settings = Settings::new(&self.config, self.mode, node)?;
        if settings != *self.settings {
            self.settings = Arc::new(settings);
            self.all_changed = true;
        }
        Ok(())
    }

    /// Whether a sync would do anything.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.all_changed || !self.changed.is_empty()
    }

    /// Brings the rules up to date, and puts into `text` what kube-proxy would send: for
    /// iptables-restore, which keeps chains that are not named, or for `nft -f`. In IPVS mode the
    /// tables are changed beside it; [`super::diff()`] of two [`Self::rule_set`]s says how.
    ///
    /// `now_ms` is the time on any clock, in milliseconds. In a large cluster stale chains are
    /// deleted only every [`SYNC_PERIOD_MS`].
    pub fn sync(&mut self, now_ms: u64, text: &mut String) -> Sync {
        text.clear();
        let mut written = BTreeSet::new();
        let full = if self.all_changed {
            self.rebuild();
            true
        } else {
            written = self.update();
            let large = self.endpoints > iptables::LARGE_CLUSTER;
            if large == self.large {
                false
            } else {
                self.large = large;
                self.render_all();
                true
            }
        };
        let services = if full { self.rules.len() } else { written.len() };
        if self.mode == Mode::Ipvs {
            self.frame = Arc::new(ipvs::frame(&self.settings, &self.filled));
        }
        let cleanup = self.cleans_up(now_ms);
        self.write(full, &written, cleanup, text);
        if cleanup {
            self.stale.clear();
        }
        Sync { full, services }
    }

    /// Sends everything again, as kube-proxy does after a failure or when its canary is gone.
    pub fn full_sync(&mut self, now_ms: u64, text: &mut String) -> Sync {
        if self.is_pending() {
            self.sync(now_ms, text);
        }
        text.clear();
        let cleanup = self.cleans_up(now_ms);
        self.write(true, &BTreeSet::new(), cleanup, text);
        if cleanup {
            self.stale.clear();
        }
        Sync {
            full: true,
            services: self.rules.len(),
        }
    }

    /// The rules as they are since the last sync.
    #[must_use]
    pub fn rule_set(&self) -> RuleSet {
        RuleSet::assemble(
            self.mode,
            Arc::clone(&self.settings),
            self.large,
            self.rules.clone(),
        )
    }

    /// Whether this sync deletes stale chains.
    fn cleans_up(&mut self, now_ms: u64) -> bool {
        let due = |last: u64| now_ms.saturating_sub(last) > SYNC_PERIOD_MS;
        let cleanup = !self.large || self.last_cleanup_ms.is_none_or(due);
        if cleanup {
            self.last_cleanup_ms = Some(now_ms);
        }
        cleanup
    }

    /// Plans and renders everything.
    fn rebuild(&mut self) {
        let old = std::mem::take(&mut self.rules);
        let mut planned = Vec::with_capacity(self.entries.len());
        let mut slices = Vec::new();
        for entry in self.entries.values() {
            let Some(service) = &entry.service else {
                continue;
            };
            if let Some(service) = Service::new(service, &self.settings) {
                slices.clear();
                slices.extend(entry.slices.values().map(Arc::as_ref));
                planned.push(ServiceRules::plan(service, &slices, &self.settings, self.mode));
            }
        }
        self.endpoints = planned.iter().map(ServiceRules::endpoints).sum();
        self.large = self.endpoints > iptables::LARGE_CLUSTER;
        let mut renderer = Renderer::new(self.mode, &self.settings, self.large);
        self.rules = planned
            .into_iter()
            .map(|mut rules| {
                renderer.render(&mut rules);
                Arc::new(rules)
            })
            .collect();
        for rules in &old {
            self.stale.extend(rules.chains(self.mode));
        }
        if !old.is_empty() {
            for rules in &self.rules {
                for chain in rules.chains(self.mode) {
                    self.stale.remove(&chain);
                }
            }
        }
        self.frame = Arc::new(match self.mode {
            Mode::Iptables => iptables::frame(&self.settings),
            Mode::Nftables => nftables::frame(&self.settings),
            Mode::Ipvs => Frame::default(),
        });
        self.gather();
        self.changed.clear();
        self.all_changed = false;
    }

    /// Renders everything again, after the size of the cluster changed its text.
    fn render_all(&mut self) {
        let mut renderer = Renderer::new(self.mode, &self.settings, self.large);
        for rules in &mut self.rules {
            renderer.render(Arc::make_mut(rules));
        }
        self.gather();
    }

    /// Gathers what every sync needs from all Services.
    fn gather(&mut self) {
        match self.mode {
            Mode::Iptables => {
                let (filter, shared) = (iptables::segment::FILTER, iptables::segment::SHARED);
                self.filter = self.rules.iter().map(|r| r.segments(filter, filter)).collect();
                self.shared = self.rules.iter().map(|r| r.segments(shared, shared)).collect();
            }
            Mode::Ipvs => {
                self.filled = FilledSets::new(&self.rules);
            }
            Mode::Nftables => {}
        }
    }

    /// Plans and renders the changed Services, and returns the places of those that have rules.
    fn update(&mut self) -> BTreeSet<usize> {
        let changed = std::mem::take(&mut self.changed);
        // Places move when Services come and go, so they are looked up at the end.
        let mut written = Vec::new();
        for key in &changed {
            let entry = self.entries.get(key);
            let service = entry
                .and_then(|entry| entry.service.as_ref())
                .and_then(|service| Service::new(service, &self.settings));
            let new = service.map(|service| {
                let slices: Vec<&api::EndpointSlice> = entry
                    .iter()
                    .flat_map(|entry| entry.slices.values().map(Arc::as_ref))
                    .collect();
                let mut rules = ServiceRules::plan(service, &slices, &self.settings, self.mode);
                Renderer::new(self.mode, &self.settings, self.large).render(&mut rules);
                rules
            });
            if new.is_some() {
                written.push(key);
            }
            self.replace(key, new);
        }
        let place = |key: &&Key| self.place(key).ok();
        written.iter().filter_map(place).collect()
    }

    fn place(&self, key: &Key) -> Result<usize, usize> {
        self.rules.binary_search_by(|rules| {
            let Service {
                namespace, name, ..
            } = &rules.service;
            (namespace, name).cmp(&(&key.0, &key.1))
        })
    }

    /// Puts new rules in the place of a Service's old ones; either may be missing.
    fn replace(&mut self, key: &Key, new: Option<ServiceRules>) {
        let place = self.place(key);
        if let Ok(at) = place {
            let old = &self.rules[at];
            self.endpoints -= old.endpoints();
            self.stale.extend(old.chains(self.mode));
            if self.mode == Mode::Ipvs {
                self.filled.remove(old);
            }
        }
        if let Some(new) = &new {
            self.endpoints += new.endpoints();
            for chain in new.chains(self.mode) {
                self.stale.remove(&chain);
            }
            if self.mode == Mode::Ipvs {
                self.filled.add(new);
            }
        }
        let (Ok(at) | Err(at)) = place;
        if self.mode == Mode::Iptables {
            let segment = |segment| new.as_ref().map(|new| new.segments(segment, segment));
            let remove = usize::from(place.is_ok());
            self.filter.splice(at, remove, segment(iptables::segment::FILTER));
            self.shared.splice(at, remove, segment(iptables::segment::SHARED));
        }
        match (place, new) {
            (Ok(at), Some(new)) => self.rules[at] = Arc::new(new),
            (Ok(at), None) => drop(self.rules.remove(at)),
            (Err(at), Some(new)) => self.rules.insert(at, Arc::new(new)),
            (Err(_), None) => {}
        }
    }

    /// Writes what a sync sends.
    fn write(&self, full: bool, written: &BTreeSet<usize>, cleanup: bool, out: &mut String) {
        if self.mode != Mode::Iptables {
            RuleSet::write_parts(&self.frame, &self.rules, out);
            return;
        }
        use iptables::segment::{CHAINS, FILTER, OWN};
        out.reserve(self.expected(full, written));
        let stale = cleanup.then_some(&self.stale).into_iter().flatten();
        let last = self.frame.parts.len().saturating_sub(1);
        for (number, part) in self.frame.parts.iter().enumerate() {
            match *part {
                Part::Fixed(start, end) => {
                    if number == last {
                        for chain in stale.clone() {
                            out.push_str("-X ");
                            out.push_str(chain);
                            out.push('\n');
                        }
                    }
                    out.push_str(&self.frame.text[start..end]);
                }
                Part::Services(FILTER, _) => out.push_str(self.filter.text()),
                Part::Services(CHAINS, _) => {
                    self.each(full, written, |rules| out.push_str(rules.segments(CHAINS, CHAINS)));
                    for chain in stale.clone() {
                        out.push(':');
                        out.push_str(chain);
                        out.push_str(" - [0:0]\n");
                    }
                }
                Part::Services(first, last) if full => {
                    self.each(true, written, |rules| out.push_str(rules.segments(first, last)));
                }
                Part::Services(..) => {
                    let mut from = 0;
                    for &at in written {
                        let to = self.shared.end(at);
                        out.push_str(&self.shared.text()[from..to]);
                        out.push_str(self.rules[at].segments(OWN, OWN));
                        from = to;
                    }
                    out.push_str(&self.shared.text()[from..]);
                }
            }
        }
    }

    fn each(&self, all: bool, some: &BTreeSet<usize>, mut write: impl FnMut(&ServiceRules)) {
        if all {
            self.rules.iter().for_each(|rules| write(rules));
        } else {
            some.iter().for_each(|&at| write(&self.rules[at]));
        }
    }

    /// About how long a sync's text gets.
    fn expected(&self, full: bool, written: &BTreeSet<usize>) -> usize {
        let mut length = self.frame.text.len() + self.filter.text().len() + 100 * self.stale.len();
        self.each(full, written, |rules| length += rules.text.len());
        if !full {
            length += self.shared.text().len();
        }
        length
    }
}

fn key(metadata: &api::ObjectMeta) -> Key {
    (metadata.namespace.clone(), metadata.name.clone())
}

/// Whether two versions of a slice are the same to kube-proxy.
fn is_same(a: &api::EndpointSlice, b: &api::EndpointSlice) -> bool {
    let same_endpoint = |(a, b): (&api::Endpoint, &api::Endpoint)| {
        a.addresses == b.addresses
            && a.conditions == b.conditions
            && a.node_name == b.node_name
            && a.hints == b.hints
    };
    a.address_type == b.address_type
        && a.ports == b.ports
        && a.endpoints.len() == b.endpoints.len()
        && a.endpoints.iter().zip(&b.endpoints).all(same_endpoint)
}
