//! A kube-proxy that runs on: objects come and go, and each sync writes again only what they
//! touch. What it holds always equals a full sync.
//!
//! Source: `pkg/proxy/servicechangetracker.go`, `endpointschangetracker.go` and the partial syncs of
//! `pkg/proxy/iptables/proxier.go`, Kubernetes v1.30. Like there, a change that changes no rule
//! (a label, a `targetRef`) is no change, and iptables mode sends the chains of changed Services
//! only. In one thing this is stricter: a kube-proxy whose cluster became large or small leaves the
//! comments of unchanged Services as they were until its next full sync; here that sync comes at
//! once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::concat::Concat;
use super::config::{ConfigError, Mode, ProxyConfig, Settings};
use super::frame::{Frame, Part};
use super::iptables::segment::{CHAINS, FILTER, OWN, SHARED};
use super::ipvs::Live;
use super::rule_set::{RuleSet, fixed_frame, service_of};
use super::rule_text::{RuleText, join};
use super::service::Service;
use super::service_rules::{Renderer, ServiceRules};
use super::{iptables, ipvs};
use crate::api;

/// How long a large cluster's stale chains may stay, in milliseconds: kube-proxy's `syncPeriod`.
pub const SYNC_PERIOD_MS: u64 = 30_000;

/// The objects of one Service.
#[derive(Clone, Debug, Default)]
struct Entry {
    service: Option<Arc<api::Service>>,
    /// By name.
    slices: Vec<Arc<api::EndpointSlice>>,
}

/// One kube-proxy, for one Node, mode and family.
#[derive(Clone, Debug)]
pub struct Proxier {
    mode: Mode,
    config: ProxyConfig,
    settings: Arc<Settings>,
    /// By [`key`].
    entries: BTreeMap<String, Entry>,
    /// The names of the Services that slices, by [`key`], are for.
    owners: HashMap<String, String>,
    changed: BTreeSet<String>,
    /// Whether the next sync has to write everything.
    all_changed: bool,
    endpoints: usize,
    large: bool,
    /// By namespace and name: those Services that have rules. Texts that were handed out share it.
    rules: Arc<Vec<Arc<ServiceRules>>>,
    frame: Arc<Frame>,
    /// In iptables mode, what every sync sends: the filter rules, and the rules of the nat table's
    /// shared chains.
    filter: Concat,
    shared: Concat,
    /// In IPVS mode, what the tables hold.
    live: Live,
    /// Chains that no rule leads to any more, but that were not deleted yet.
    stale: BTreeSet<String>,
    last_cleanup_ms: Option<u64>,
    /// What was sent last in iptables mode: its memory is used again once nobody reads it any more.
    sent: Arc<String>,
}

/// What a sync did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sync {
    /// Whether everything was written: the first time, and after a change of the Node.
    pub full: bool,
    /// How many Services were written.
    pub services: usize,
    /// What kube-proxy would send: for iptables-restore, which keeps the chains that are not
    /// named, or for `nft -f`.
    pub text: RuleText,
    /// In IPVS mode, how the tables are changed, unless this was a full sync, after which they are
    /// those of [`Proxier::rule_set`]: calls of `ipvsadm`, `ipset` and `ip`, one a line.
    pub tables: String,
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
        let live = Live::empty(settings.family);
        Ok(Self {
            mode,
            config: config.clone(),
            settings,
            entries: BTreeMap::new(),
            owners: HashMap::new(),
            changed: BTreeSet::new(),
            all_changed: true,
            endpoints: 0,
            large: false,
            rules: Arc::default(),
            frame: Arc::default(),
            filter: Concat::default(),
            shared: Concat::default(),
            live,
            stale: BTreeSet::new(),
            last_cleanup_ms: None,
            sent: Arc::default(),
        })
    }

    /// The mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// A Service came or changed.
    pub fn apply_service(&mut self, service: Arc<api::Service>) {
        let key = key(&service.metadata.namespace, &service.metadata.name);
        if self.all_changed {
            self.entries.entry(key).or_default().service = Some(service);
            return;
        }
        let entry = self.entries.entry(key.clone()).or_default();
        let old = entry.service.replace(Arc::clone(&service));
        let seen = |service: &api::Service| Service::new(service, &self.settings);
        if old.as_deref().and_then(seen) != seen(&service) {
            self.changed.insert(key);
        }
    }

    /// A Service went.
    pub fn delete_service(&mut self, namespace: &str, name: &str) {
        let key = key(namespace, name);
        if let Some(entry) = self.entries.get_mut(&key)
            && entry.service.take().is_some()
        {
            self.forget_if_empty(&key);
            self.changed.insert(key);
        }
    }

    /// An EndpointSlice came or changed.
    pub fn apply_slice(&mut self, slice: Arc<api::EndpointSlice>) {
        let metadata = &slice.metadata;
        let owner = service_of(&slice, self.settings.family);
        let Some(owner) = owner else {
            self.delete_slice(&metadata.namespace, &metadata.name);
            return;
        };
        let slice_key = key(&metadata.namespace, &metadata.name);
        if let Some(known) = self.owners.insert(slice_key, owner.to_owned())
            && known != owner
        {
            self.remove_slice(&metadata.namespace, &metadata.name, &known);
        }
        let key = key(&metadata.namespace, owner);
        let changed = (!self.all_changed).then(|| key.clone());
        let entry = self.entries.entry(key).or_default();
        let same = match find(&entry.slices, &metadata.name) {
            Ok(at) => {
                let same = is_same(&entry.slices[at], &slice);
                entry.slices[at] = slice;
                same
            }
            Err(at) => {
                entry.slices.insert(at, slice);
                false
            }
        };
        if !same {
            self.changed.extend(changed);
        }
    }

    /// An EndpointSlice went.
    pub fn delete_slice(&mut self, namespace: &str, name: &str) {
        if let Some(owner) = self.owners.remove(&key(namespace, name)) {
            self.remove_slice(namespace, name, &owner);
        }
    }

    /// Takes a slice away from its Service.
    fn remove_slice(&mut self, namespace: &str, name: &str, owner: &str) {
        let key = key(namespace, owner);
        if let Some(entry) = self.entries.get_mut(&key)
            && let Ok(at) = find(&entry.slices, name)
        {
            entry.slices.remove(at);
            self.forget_if_empty(&key);
            self.changed.insert(key);
        }
    }

    fn forget_if_empty(&mut self, key: &str) {
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

    /// Brings the rules up to date, and says what kube-proxy would send.
    ///
    /// `now_ms` is the time on any clock, in milliseconds. In a large cluster stale chains are
    /// deleted only every [`SYNC_PERIOD_MS`].
    pub fn sync(&mut self, now_ms: u64) -> Sync {
        let mut whole = None;
        let mut written = BTreeSet::new();
        if self.all_changed {
            whole = Some(self.rebuild());
        } else {
            written = self.update();
            let large = self.endpoints > iptables::LARGE_CLUSTER;
            if self.mode == Mode::Iptables && self.large != large {
                self.large = !self.large;
                whole = Some(self.render());
            }
        }
        if self.mode == Mode::Ipvs {
            self.frame = Arc::new(ipvs::frame(&self.settings, &self.live));
        }
        let full = whole.is_some();
        let tables = if self.mode == Mode::Ipvs && !full {
            self.live.calls(&self.rules, &written, self.settings.family)
        } else {
            String::new()
        };
        let cleanup = self.cleans_up(now_ms);
        let text = match whole {
            // What was rendered is what is sent, unless there is something to delete.
            Some(text) if self.mode != Mode::Ipvs && (!cleanup || self.stale.is_empty()) => {
                RuleText::one(text)
            }
            _ => self.send(full, &written, cleanup),
        };
        if cleanup {
            self.stale.clear();
        }
        Sync {
            full,
            services: if full {
                self.rules.len()
            } else {
                written.len()
            },
            text,
            tables,
        }
    }

    /// Sends everything again, as kube-proxy does after a failure or when its canary is gone.
    pub fn full_sync(&mut self, now_ms: u64) -> Sync {
        if self.is_pending() {
            self.sync(now_ms);
        }
        let cleanup = self.cleans_up(now_ms);
        let text = self.send(true, &BTreeSet::new(), cleanup);
        if cleanup {
            self.stale.clear();
        }
        Sync {
            full: true,
            services: self.rules.len(),
            text,
            tables: String::new(),
        }
    }

    /// The rules as they are since the last sync.
    #[must_use]
    pub fn rule_set(&self) -> RuleSet {
        let mut rules = RuleSet {
            mode: self.mode,
            settings: Arc::clone(&self.settings),
            large: self.large,
            frame: Arc::clone(&self.frame),
            services: Arc::clone(&self.rules),
            ipvs: None,
        };
        if self.mode == Mode::Ipvs {
            rules.fill_tables(&self.live);
        }
        rules
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
    fn rebuild(&mut self) -> Arc<String> {
        let mut rules = Vec::with_capacity(self.entries.len());
        for entry in self.entries.values() {
            let service = entry.service.as_ref();
            if let Some(service) = service.and_then(|s| Service::new(s, &self.settings)) {
                let slices = &entry.slices;
                rules.push(ServiceRules::plan(
                    service,
                    slices,
                    &self.settings,
                    self.mode,
                ));
            }
        }
        self.endpoints = rules.iter().map(|rules| rules.endpoints()).sum();
        self.large = self.endpoints > iptables::LARGE_CLUSTER;
        let old = std::mem::replace(&mut self.rules, Arc::new(rules));
        let text = self.render();
        for rules in old.iter() {
            self.stale.extend(rules.chains(self.mode));
        }
        if !self.stale.is_empty() {
            for chain in self.rules.iter().flat_map(|rules| rules.chains(self.mode)) {
                self.stale.remove(&chain);
            }
        }
        self.changed.clear();
        self.all_changed = false;
        text
    }

    /// Renders everything.
    fn render(&mut self) -> Arc<String> {
        let frame = fixed_frame(self.mode, &self.settings);
        let mut renderer = Renderer::new(self.mode, &self.settings, self.large);
        let text = renderer.all(Arc::make_mut(&mut self.rules).as_mut_slice(), &frame);
        self.frame = Arc::new(frame);
        let gather = |segment| {
            self.rules
                .iter()
                .map(|rules| rules.segment(segment))
                .collect()
        };
        match self.mode {
            Mode::Iptables => {
                self.filter = gather(FILTER);
                self.shared = gather(SHARED);
            }
            Mode::Ipvs => {
                self.live = Live::new(&self.rules, self.settings.family);
            }
            Mode::Nftables => {}
        }
        text
    }

    /// Plans and renders the changed Services, and returns the places of those that have rules.
    fn update(&mut self) -> BTreeSet<usize> {
        let changed = std::mem::take(&mut self.changed);
        for key in &changed {
            let entry = self.entries.get(key);
            let service = entry
                .and_then(|entry| entry.service.as_ref())
                .and_then(|service| Service::new(service, &self.settings));
            let new = service.map(|service| {
                let slices = entry.map_or(&[][..], |entry| &entry.slices);
                let mut rules = ServiceRules::plan(service, slices, &self.settings, self.mode);
                Renderer::new(self.mode, &self.settings, self.large).one(&mut rules);
                rules
            });
            self.replace(key, new);
        }
        // Places move while Services come and go, so they are looked up at the end.
        let place = |key: &String| self.place(key).ok();
        changed.iter().filter_map(place).collect()
    }

    fn place(&self, wanted: &str) -> Result<usize, usize> {
        let (namespace, name) = wanted.split_once(SEPARATOR).unwrap_or((wanted, ""));
        self.rules.binary_search_by(|rules| {
            let service = &rules.service;
            (service.namespace.as_str(), service.name.as_str()).cmp(&(namespace, name))
        })
    }

    /// Puts new rules in the place of a Service's old ones; either may be missing.
    fn replace(&mut self, key: &str, new: Option<Arc<ServiceRules>>) {
        let place = self.place(key);
        if self.mode == Mode::Ipvs {
            let old = place.ok().map(|at| self.rules[at].as_ref());
            self.live.change(old, new.as_deref(), &self.rules);
        }
        if let Ok(at) = place {
            let old = &self.rules[at];
            self.endpoints -= old.endpoints();
            self.stale.extend(old.chains(self.mode));
        }
        if let Some(new) = &new {
            self.endpoints += new.endpoints();
            for chain in new.chains(self.mode) {
                self.stale.remove(&chain);
            }
        }
        let (Ok(at) | Err(at)) = place;
        if self.mode == Mode::Iptables {
            let segment = |segment| new.as_ref().map(|new| new.segment(segment));
            let removed = usize::from(place.is_ok());
            self.filter.splice(at, removed, segment(FILTER));
            self.shared.splice(at, removed, segment(SHARED));
        }
        let rules = Arc::make_mut(&mut self.rules);
        match (place, new) {
            (Ok(at), Some(new)) => rules[at] = new,
            (Ok(at), None) => drop(rules.remove(at)),
            (Err(at), Some(new)) => rules.insert(at, new),
            (Err(_), None) => {}
        }
    }

    /// What a sync sends: beside the first, in iptables mode alone it is not all there is.
    fn send(&mut self, full: bool, written: &BTreeSet<usize>, cleanup: bool) -> RuleText {
        if self.mode != Mode::Iptables {
            return RuleText::many(&self.frame, &self.rules);
        }
        let mut sent = std::mem::take(&mut self.sent);
        let mut text = Arc::get_mut(&mut sent)
            .map(std::mem::take)
            .unwrap_or_default();
        text.clear();
        self.write(full, written, cleanup, &mut text);
        self.sent = Arc::new(text);
        RuleText::one(Arc::clone(&self.sent))
    }

    /// Writes what a sync of iptables mode sends: everything, or beside the shared chains only the chains of the
    /// Services at some places.
    fn write(&self, full: bool, written: &BTreeSet<usize>, cleanup: bool, out: &mut String) {
        out.reserve(self.expected(full, written));
        let last = self.frame.parts.len().saturating_sub(1);
        for (number, part) in self.frame.parts.iter().enumerate() {
            match part {
                Part::Fixed(range) => {
                    if number == last && cleanup {
                        self.each_stale("-X ", "\n", out);
                    }
                    out.push_str(&self.frame.text[range.clone()]);
                }
                Part::Services(segments) if segments.start == FILTER => {
                    out.push_str(self.filter.text());
                }
                Part::Services(segments) if segments.start == CHAINS => {
                    self.join(full, written, CHAINS..CHAINS + 1, out);
                    if cleanup {
                        self.each_stale(":", " - [0:0]\n", out);
                    }
                }
                Part::Services(segments) if full => {
                    self.join(true, written, segments.clone(), out);
                }
                Part::Services(_) => {
                    let mut from = 0;
                    for &at in written {
                        let to = self.shared.end(at);
                        out.push_str(&self.shared.text()[from..to]);
                        out.push_str(self.rules[at].segment(OWN));
                        from = to;
                    }
                    out.push_str(&self.shared.text()[from..]);
                }
            }
        }
    }

    fn each_stale(&self, before: &str, after: &str, out: &mut String) {
        for chain in &self.stale {
            out.push_str(before);
            out.push_str(chain);
            out.push_str(after);
        }
    }

    /// Appends segments of all Services or of some.
    fn join(&self, all: bool, some: &BTreeSet<usize>, segments: Range<usize>, out: &mut String) {
        let mut each = |piece: &str| out.push_str(piece);
        if all {
            join(self.rules.iter(), segments, &mut each);
        } else {
            let some = some.iter().map(|&at| &self.rules[at]);
            join(some, segments, &mut each);
        }
    }

    /// About how long a sync's text gets.
    fn expected(&self, full: bool, written: &BTreeSet<usize>) -> usize {
        let own = |rules: &Arc<ServiceRules>| rules.length(OWN..CHAINS + 1);
        let own: usize = if full {
            self.rules.iter().map(own).sum()
        } else {
            written.iter().map(|&at| own(&self.rules[at])).sum()
        };
        let always = self.frame.text.len() + self.filter.text().len() + self.shared.text().len();
        always + own + 100 * self.stale.len()
    }
}

/// Sorts before every character of a name, so that keys sort by namespace, then name.
const SEPARATOR: char = '\0';

fn key(namespace: &str, name: &str) -> String {
    let mut key = String::with_capacity(namespace.len() + name.len() + 1);
    key.push_str(namespace);
    key.push(SEPARATOR);
    key.push_str(name);
    key
}

fn find(slices: &[Arc<api::EndpointSlice>], name: &str) -> Result<usize, usize> {
    slices.binary_search_by(|slice| slice.metadata.name.as_str().cmp(name))
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
