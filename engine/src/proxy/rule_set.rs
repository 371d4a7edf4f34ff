//! What one Node's kube-proxy programs, for one mode and family.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::config::{ConfigError, Mode, ProxyConfig, Settings};
use super::frame::{Frame, Part, SEGMENTS};
use super::ipvs::{FilledSets, Tables};
use super::out::{Mark, Out};
use super::plan::{PortPlan, plans};
use super::probability::Probabilities;
use super::service::{Service, is_watched};
use super::{iptables, ipvs, nftables};
use crate::api;
use crate::net::IpFamily;

/// The label of an EndpointSlice that names its Service.
const SERVICE_NAME_LABEL: &str = "kubernetes.io/service-name";

/// The rules of one Service, and what they were made from.
#[derive(Clone, Debug)]
pub(super) struct ServiceRules {
    pub service: Service,
    pub plans: Vec<PortPlan>,
    /// The names of its slices, as [`super::endpoints::Endpoint::slice`] counts them.
    pub slices: Vec<String>,
    pub text: String,
    ends: [u32; SEGMENTS],
}

impl ServiceRules {
    /// Decides what a Service needs; its text comes with [`Self::render`].
    pub(super) fn plan<S: Borrow<api::EndpointSlice>>(
        service: Service,
        slices: &[S],
        settings: &Settings,
        mode: Mode,
    ) -> Self {
        let plans = plans(&service, slices, settings, mode);
        let slices = slices
            .iter()
            .map(|slice| slice.borrow().metadata.name.clone())
            .collect();
        Self {
            service,
            plans,
            slices,
            text: String::new(),
            ends: [0; SEGMENTS],
        }
    }

    /// Endpoints of all its ports, usable or not: what decides whether the cluster is large.
    pub(super) fn endpoints(&self) -> usize {
        let count = |plan: &PortPlan| plan.endpoints.all().len();
        self.plans.iter().map(count).sum()
    }

    /// The names of its own iptables chains.
    pub(super) fn chains(&self, mode: Mode) -> Vec<String> {
        let mut names = Vec::new();
        if mode == Mode::Iptables {
            for plan in &self.plans {
                iptables::own_chains(&self.service, plan, |prefix, hash| {
                    names.push(format!("{prefix}{}", hash.long()));
                });
            }
        }
        names
    }

    /// Some of its text's segments.
    pub(super) fn segments(&self, first: usize, last: usize) -> &str {
        &self.text[self.range(first, last)]
    }

    pub(super) fn range(&self, first: usize, last: usize) -> Range<usize> {
        let start = if first == 0 {
            0
        } else {
            self.ends[first - 1] as usize
        };
        start..self.ends[last] as usize
    }
}

/// Writes Services' texts, all in one way.
pub(super) struct Renderer<'a> {
    mode: Mode,
    settings: &'a Settings,
    large: bool,
    probabilities: Probabilities,
}

impl<'a> Renderer<'a> {
    pub(super) fn new(mode: Mode, settings: &'a Settings, large: bool) -> Self {
        Self {
            mode,
            settings,
            large,
            probabilities: Probabilities::default(),
        }
    }

    /// Writes a Service's text into it.
    pub(super) fn render(&mut self, rules: &mut ServiceRules) {
        let mut text = std::mem::take(&mut rules.text);
        text.clear();
        let mut out = Out {
            text: &mut text,
            marks: None,
            port: 0,
        };
        rules.ends = self.write(rules, &mut out);
        rules.text = text;
    }

    /// What each rule of a Service's text is.
    pub(super) fn marks(&mut self, rules: &ServiceRules) -> Vec<Mark> {
        let mut text = String::with_capacity(rules.text.len());
        let mut marks = Vec::new();
        let mut out = Out {
            text: &mut text,
            marks: Some(&mut marks),
            port: 0,
        };
        self.write(rules, &mut out);
        marks
    }

    fn write(&mut self, rules: &ServiceRules, out: &mut Out<'_>) -> [u32; SEGMENTS] {
        let ServiceRules { service, plans, .. } = rules;
        match self.mode {
            Mode::Iptables => {
                iptables::Writer::new(self.settings, self.large, &mut self.probabilities)
                    .service(service, plans, out)
            }
            Mode::Nftables => nftables::Writer::new(self.settings).service(service, plans, out),
            Mode::Ipvs => ipvs::Writer::new(self.settings).service(service, plans, out),
        }
    }
}

/// What one Node's kube-proxy programs, for one mode and family.
#[derive(Clone, Debug)]
pub struct RuleSet {
    pub(super) mode: Mode,
    pub(super) settings: Arc<Settings>,
    pub(super) large: bool,
    pub(super) frame: Arc<Frame>,
    /// By namespace and name.
    pub(super) services: Vec<Arc<ServiceRules>>,
    pub(super) ipvs: Option<Tables>,
}

impl RuleSet {
    /// What kube-proxy programs in its first full sync, on a Node that had no rules before.
    ///
    /// `node` is the Node that it runs on. Services are as they are after the API server's
    /// defaults; slices of any Service and family may come in any order.
    ///
    /// # Errors
    ///
    /// Settings with which kube-proxy would not start.
    pub fn new<'a>(
        mode: Mode,
        config: &ProxyConfig,
        node: Option<&api::Node>,
        services: impl IntoIterator<Item = &'a api::Service>,
        slices: impl IntoIterator<Item = &'a api::EndpointSlice>,
    ) -> Result<Self, ConfigError> {
        let settings = Settings::new(config, mode, node)?;
        let mut by_service: BTreeMap<(&str, &str), Vec<&api::EndpointSlice>> = BTreeMap::new();
        for slice in slices {
            if let Some(service) = service_of(slice, settings.family) {
                by_service
                    .entry((&slice.metadata.namespace, service))
                    .or_default()
                    .push(slice);
            }
        }
        let mut planned = BTreeMap::new();
        for service in services {
            let api::ObjectMeta {
                namespace, name, ..
            } = &service.metadata;
            let key = (namespace.as_str(), name.as_str());
            let Some(service) = Service::new(service, &settings) else {
                continue;
            };
            let slices = by_service
                .get_mut(&key)
                .map_or(&mut [][..], |slices| &mut slices[..]);
            slices.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
            planned.insert(key, ServiceRules::plan(service, slices, &settings, mode));
        }
        let total: usize = planned.values().map(ServiceRules::endpoints).sum();
        let large = total > iptables::LARGE_CLUSTER;
        let mut renderer = Renderer::new(mode, &settings, large);
        let services = planned
            .into_values()
            .map(|mut rules| {
                renderer.render(&mut rules);
                Arc::new(rules)
            })
            .collect();
        Ok(Self::assemble(mode, Arc::new(settings), large, services))
    }

    /// Puts rendered Services together.
    pub(super) fn assemble(
        mode: Mode,
        settings: Arc<Settings>,
        large: bool,
        services: Vec<Arc<ServiceRules>>,
    ) -> Self {
        let (frame, ipvs) = match mode {
            Mode::Iptables => (iptables::frame(&settings), None),
            Mode::Nftables => (nftables::frame(&settings), None),
            Mode::Ipvs => {
                let frame = ipvs::frame(&settings, &FilledSets::new(&services));
                (frame, Some(Tables::new(&settings, &services)))
            }
        };
        Self {
            mode,
            settings,
            large,
            frame: Arc::new(frame),
            services,
            ipvs,
        }
    }

    /// The mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The IP family.
    #[must_use]
    pub fn family(&self) -> IpFamily {
        self.settings.family
    }

    /// The name of the Node.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.settings.node
    }

    /// The calls of the iptables command that come before the text: none in nftables mode.
    ///
    /// `-N` makes sure that a chain exists; `-I` that a rule exists, and puts it at the head of
    /// its chain if it does not.
    #[must_use]
    pub fn top_level(&self) -> &'static [&'static str] {
        match self.mode {
            Mode::Iptables => iptables::TOP_LEVEL,
            Mode::Ipvs => ipvs::TOP_LEVEL,
            Mode::Nftables => &[],
        }
    }

    /// The rules as text: for iptables-restore in iptables and IPVS mode, for `nft -f` in nftables
    /// mode.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// Appends [`Self::text`] to `out`.
    pub fn write(&self, out: &mut String) {
        Self::write_parts(&self.frame, &self.services, out);
    }

    pub(super) fn write_parts(frame: &Frame, services: &[Arc<ServiceRules>], out: &mut String) {
        let length = |part: &Part| match *part {
            Part::Fixed(start, end) => end - start,
            Part::Services(first, last) => services
                .iter()
                .map(|rules| rules.range(first, last).len())
                .sum(),
        };
        out.reserve(frame.parts.iter().map(length).sum());
        for part in &frame.parts {
            match *part {
                Part::Fixed(start, end) => out.push_str(&frame.text[start..end]),
                Part::Services(first, last) => {
                    for rules in services {
                        out.push_str(rules.segments(first, last));
                    }
                }
            }
        }
    }

    /// What only IPVS mode has beside its text: sysctls, virtual servers, ipsets, addresses.
    #[must_use]
    pub fn ipvs(&self) -> Option<&Tables> {
        self.ipvs.as_ref()
    }
}

/// The Service that a slice is for, if kube-proxy of this family watches the slice.
pub(super) fn service_of(slice: &api::EndpointSlice, family: IpFamily) -> Option<&str> {
    let matches = matches!(
        (slice.address_type, family),
        (api::AddressType::IPv4, IpFamily::IPv4) | (api::AddressType::IPv6, IpFamily::IPv6)
    );
    if !matches || !is_watched(&slice.metadata) {
        return None;
    }
    slice
        .metadata
        .labels
        .get(SERVICE_NAME_LABEL)
        .map(String::as_str)
        .filter(|name| !name.is_empty())
}

/// Everything that kube-proxy programs, as the project's recorded vectors hold it: the text, and
/// in IPVS mode before it the sections `# sysctl`, `# ipvsadm`, `# ipset` and `# kube-ipvs0`.
#[must_use]
pub fn dump(rules: &RuleSet) -> String {
    let mut out = String::new();
    if let Some(tables) = rules.ipvs() {
        tables.write(&mut out);
        out.push_str("# iptables-restore\n");
    }
    rules.write(&mut out);
    out
}
