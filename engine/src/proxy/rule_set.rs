//! What one Node's kube-proxy programs, for one mode and family.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::{ConfigError, Mode, ProxyConfig, Settings};
use super::frame::{Frame, Part};
use super::ipvs::{Live, Tables};
use super::rule_text::RuleText;
use super::service::{Service, is_watched};
use super::service_rules::{Renderer, ServiceRules};
use super::{iptables, ipvs, nftables};
use crate::api;
use crate::net::IpFamily;

/// The label of an EndpointSlice that names its Service.
const SERVICE_NAME_LABEL: &str = "kubernetes.io/service-name";

/// What one Node's kube-proxy programs, for one mode and family.
#[derive(Clone, Debug)]
pub struct RuleSet {
    pub(super) mode: Mode,
    pub(super) settings: Arc<Settings>,
    pub(super) large: bool,
    pub(super) frame: Arc<Frame>,
    /// By namespace and name.
    pub(super) services: Arc<Vec<Arc<ServiceRules>>>,
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
        let total: usize = planned.values().map(|rules| rules.endpoints()).sum();
        let large = total > iptables::LARGE_CLUSTER;
        let frame = fixed_frame(mode, &settings);
        let mut services: Vec<_> = planned.into_values().collect();
        Renderer::new(mode, &settings, large).all(&mut services, &frame);
        let mut rules = Self {
            mode,
            settings: Arc::new(settings),
            large,
            frame: Arc::new(frame),
            services: Arc::new(services),
            ipvs: None,
        };
        if mode == Mode::Ipvs {
            let live = Live::new(&rules.services, rules.settings.family);
            rules.frame = Arc::new(ipvs::frame(&rules.settings, &live));
            rules.fill_tables(&live);
        }
        Ok(rules)
    }

    /// Puts together what IPVS mode has beside the text.
    pub(super) fn fill_tables(&mut self, live: &Live) {
        self.ipvs = Some(Tables::new(&self.settings, &self.services, live));
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

    /// [`Self::text`] in pieces.
    #[must_use]
    pub fn pieces(&self) -> RuleText {
        RuleText::many(&self.frame, &self.services)
    }

    /// Appends [`Self::text`] to `out`.
    pub fn write(&self, out: &mut String) {
        self.pieces().write(out);
    }

    /// How many rules the text has: lines that add one to a chain.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        let count = |text: &str| {
            let is_rule = |line: &&str| line.starts_with("-A ") || line.starts_with("add rule ");
            text.lines().filter(is_rule).count()
        };
        let part = |part: &Part| match part {
            Part::Fixed(range) => count(&self.frame.text[range.clone()]),
            Part::Services(segments) => {
                let rules = |rules: &Arc<ServiceRules>| -> usize {
                    segments
                        .clone()
                        .map(|segment| count(rules.segment(segment)))
                        .sum()
                };
                self.services.iter().map(rules).sum()
            }
        };
        self.frame.parts.iter().map(part).sum()
    }

    /// What only IPVS mode has beside its text: sysctls, virtual servers, ipsets, addresses.
    #[must_use]
    pub fn ipvs(&self) -> Option<&Tables> {
        self.ipvs.as_ref()
    }
}

/// What stands around the Services' rules. In IPVS mode that depends on them, so it comes later,
/// and here is nothing.
pub(super) fn fixed_frame(mode: Mode, settings: &Settings) -> Frame {
    match mode {
        Mode::Iptables => iptables::frame(settings),
        Mode::Nftables => nftables::frame(settings),
        Mode::Ipvs => Frame::default(),
    }
}

/// The Service that a slice is for, if kube-proxy of this family watches the slice.
pub(super) fn service_of(slice: &api::EndpointSlice, family: IpFamily) -> Option<&str> {
    let matches = matches!(
        (api::AddressType::of(&slice.address_type), family),
        (Some(api::AddressType::IPv4), IpFamily::IPv4)
            | (Some(api::AddressType::IPv6), IpFamily::IPv6)
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
        out.reserve(tables.ipvsadm.len() + tables.ipset.len() + tables.kube_ipvs0.len());
        tables.write(&mut out);
        out.push_str("# iptables-restore\n");
    }
    rules.write(&mut out);
    out
}
