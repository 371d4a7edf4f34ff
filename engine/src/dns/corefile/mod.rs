//! CoreDNS' configuration, read from the text of a Corefile.
//!
//! Models the plugins that decide what a cluster's names answer: `kubernetes` with all of its
//! options but `multicluster`, `forward`, `cache` as far as it caps TTLs, and whether `loadbalance`
//! shuffles. Plugins that change no answer (`errors`, `log`, `health`, …) are taken as they are.
//! Plugins that would change an answer are named as not modelled; a word that is no plugin of
//! CoreDNS 1.13.1 is an error, in CoreDNS' own words. Specified in coredns/coredns v1.13.1:
//! `core/dnsserver/zdirectives.go`, `plugin/kubernetes/setup.go`, `plugin/forward/setup.go`,
//! `plugin/cache/setup.go`, `plugin/normalize.go`.

mod lines;
mod plugins;
mod zones;

use std::collections::BTreeSet;

use self::lines::{Block, Word};
use super::Name;
use crate::api::selector::Selector;
use crate::diagnostic::Diagnostic;

/// The Corefile that kubeadm v1.30 writes. Source: kubernetes/kubernetes
/// `cmd/kubeadm/app/phases/addons/dns/manifests.go`.
pub const KUBEADM_COREFILE: &str = "\
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
";

/// A Corefile: one server block or more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corefile {
    /// In the order of the text.
    pub servers: Vec<ServerBlock>,
}

/// The zones that a server block is for, and what its plugins do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerBlock {
    /// Where it listens, and for which names.
    pub addresses: Vec<ServerAddress>,
    /// The `kubernetes` plugin.
    pub kubernetes: Option<Kubernetes>,
    /// The `forward` plugins, in order.
    pub forward: Vec<Forward>,
    /// The `cache` plugin.
    pub cache: Option<Cache>,
    /// Whether the `loadbalance` plugin shuffles the addresses of an answer. The engine keeps
    /// their order all the same.
    pub loadbalance: bool,
}

/// One key of a server block: `cluster.local:53`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// The zone, in lower case.
    pub zone: Name,
    /// The port; CoreDNS' own default is 53.
    pub port: u16,
}

/// The `kubernetes` plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubernetes {
    /// The zones that it answers for, in lower case. At least one is not a reverse zone.
    pub zones: Vec<Name>,
    /// Whether Pods have names.
    pub pods: PodsMode,
    /// Whether an endpoint without a hostname is called after its Pod.
    pub endpoint_pod_names: bool,
    /// The TTL of its answers, in seconds from 0 to 3600.
    pub ttl: u32,
    /// For which zones a name that it does not know goes to the next plugin.
    pub fallthrough: Vec<Name>,
    /// The only Namespaces shown; empty for all.
    pub namespaces: BTreeSet<String>,
    /// Which Namespaces are shown, by label.
    pub namespace_labels: Option<Selector>,
    /// Which Services, EndpointSlices and Pods are looked at, by label.
    pub labels: Option<Selector>,
    /// Whether endpoints are not looked at.
    pub no_endpoints: bool,
    /// Whether a Service without ready endpoints has no name.
    pub ignore_empty_service: bool,
}

impl Kubernetes {
    /// The TTL without a `ttl` line, in seconds.
    pub const DEFAULT_TTL: u32 = 5;

    /// The plugin for these zones, without options.
    #[must_use]
    pub fn new(zones: Vec<Name>) -> Self {
        Self {
            zones,
            pods: PodsMode::Disabled,
            endpoint_pod_names: false,
            ttl: Self::DEFAULT_TTL,
            fallthrough: Vec::new(),
            namespaces: BTreeSet::new(),
            namespace_labels: None,
            labels: None,
            no_endpoints: false,
            ignore_empty_service: false,
        }
    }

    /// The zone in which reverse answers name things: the first that is no reverse zone.
    #[must_use]
    pub fn primary_zone(&self) -> Option<&Name> {
        self.zones.iter().find(|zone| !zones::is_reverse(zone))
    }
}

/// Whether Pods have names (`pods` of the `kubernetes` plugin).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PodsMode {
    /// They have none. The default.
    #[default]
    Disabled,
    /// Any address written with dashes is answered, if the Namespace exists.
    Insecure,
    /// Only the address of a live Pod is answered.
    Verified,
}

/// A `forward` plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The names that it is for.
    pub from: Name,
    /// Servers, or files that list servers, as written.
    pub to: Vec<String>,
    /// Names that it is not for.
    pub except: Vec<Name>,
}

/// The `cache` plugin, as far as it changes an answer that was not kept yet: it caps TTLs.
///
/// What a kept answer does (an old "no" for a new Service) needs a clock; whoever has one finds
/// the times here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// The names that it is for.
    pub zones: Vec<Name>,
    /// How records are kept.
    pub success: CacheTtl,
    /// How a "no" is kept.
    pub denial: CacheTtl,
}

/// How long one sort of answer is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheTtl {
    /// At least, in seconds.
    pub min: u32,
    /// At most, in seconds.
    pub max: u32,
    /// For which zones nothing is kept; TTLs are capped all the same.
    pub disabled: Vec<Name>,
}

impl Corefile {
    /// Reads a Corefile. Where a diagnostic is an error, CoreDNS would not start; what could be
    /// read is there all the same.
    #[must_use]
    pub fn read(text: &str) -> (Self, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let mut servers = Vec::new();
        let mut seen: Vec<ServerAddress> = Vec::new();
        for block in lines::read(text, &mut diagnostics) {
            let addresses = addresses(&block, &mut diagnostics);
            for address in &addresses {
                if seen.contains(address) {
                    let span = block.keys.first().map(|key| key.span);
                    diagnostics.push(Diagnostic::error(
                        format!(
                            "cannot serve dns://{}:{} - it is already defined",
                            address.zone, address.port
                        ),
                        span,
                    ));
                }
            }
            seen.extend(addresses.iter().cloned());
            servers.push(plugins::read(addresses, &block.lines, &mut diagnostics));
        }
        (Self { servers }, diagnostics)
    }

    /// The Corefile that kubeadm writes.
    #[must_use]
    pub fn kubeadm() -> Self {
        Self::read(KUBEADM_COREFILE).0
    }

    /// The port that Pods ask: the one of the first server block.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.servers
            .iter()
            .flat_map(|server| &server.addresses)
            .map(|address| address.port)
            .next()
            .unwrap_or(53)
    }

    /// The cluster's domain: the first zone of the first `kubernetes` plugin that is no reverse
    /// zone.
    #[must_use]
    pub fn cluster_domain(&self) -> Option<&Name> {
        self.servers
            .iter()
            .filter_map(|server| server.kubernetes.as_ref())
            .find_map(Kubernetes::primary_zone)
    }
}

/// The keys of a block: zones with ports.
fn addresses(block: &Block, diagnostics: &mut Vec<Diagnostic>) -> Vec<ServerAddress> {
    let mut found = Vec::new();
    for key in &block.keys {
        let (transport, text) = zones::transport(&key.text);
        if transport != "dns" {
            diagnostics.push(Diagnostic::warning(
                format!(
                    "{}: DNS over {transport} is not modelled, the address is left out",
                    key.text
                ),
                key.span,
            ));
            continue;
        }
        match zones::host_and_port(text) {
            Ok((zones, port)) => found.extend(zones.into_iter().map(|zone| ServerAddress {
                zone,
                port: port.unwrap_or(53),
            })),
            Err(message) => diagnostics.push(Diagnostic::error(message, key.span)),
        }
    }
    found
}

/// Zones that a plugin names, or those of its server block where it names none. Names that are
/// none are left out, as CoreDNS does without a word.
fn zones_or(
    args: &[Word],
    addresses: &[ServerAddress],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Name> {
    if args.is_empty() {
        return addresses
            .iter()
            .map(|address| address.zone.clone())
            .collect();
    }
    let mut found = Vec::new();
    for arg in args {
        match zones::host_and_port(zones::transport(&arg.text).1) {
            Ok((zones, _)) => found.extend(zones),
            Err(message) => diagnostics.push(Diagnostic::warning(
                format!("{message}; the zone is left out"),
                arg.span,
            )),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;

    #[test]
    fn kubeadms_file_is_understood_whole() {
        let (corefile, diagnostics) = Corefile::read(KUBEADM_COREFILE);
        assert_eq!(diagnostics, []);
        let server = &corefile.servers[0];
        let kubernetes = server.kubernetes.as_ref().unwrap();
        assert_eq!(kubernetes.zones.len(), 3);
        assert_eq!(kubernetes.pods, PodsMode::Insecure);
        assert_eq!(kubernetes.ttl, 30);
        assert_eq!(kubernetes.fallthrough.len(), 2);
        assert_eq!(server.forward[0].to, ["/etc/resolv.conf"]);
        assert_eq!(server.cache.as_ref().unwrap().success.max, 30);
        assert!(server.loadbalance);
        assert_eq!(corefile.port(), 53);
        assert_eq!(
            corefile.cluster_domain().map(Name::as_str),
            Some("cluster.local.")
        );
    }

    #[test]
    fn a_kubernetes_plugin_without_zones_takes_those_of_its_block() {
        let (corefile, diagnostics) = Corefile::read("Example.ORG 10.0.0.0/8 {\n kubernetes\n}\n");
        assert_eq!(diagnostics, []);
        let kubernetes = corefile.servers[0].kubernetes.as_ref().unwrap();
        let zones: Vec<_> = kubernetes.zones.iter().map(Name::as_str).collect();
        assert_eq!(zones, ["example.org.", "10.in-addr.arpa."]);
        assert_eq!(kubernetes.ttl, Kubernetes::DEFAULT_TTL);
    }

    #[test]
    fn a_zone_can_be_served_once() {
        let (_, diagnostics) = Corefile::read(". {\n}\n.:53 {\n}\n.:54 {\n}\n");
        let messages: Vec<_> = diagnostics.iter().map(|d| &d.message).collect();
        assert_eq!(
            messages,
            ["cannot serve dns://.:53 - it is already defined"]
        );
        assert_eq!(diagnostics[0].severity, Severity::Error);
    }
}
