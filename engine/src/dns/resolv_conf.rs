//! `/etc/resolv.conf`: of a Node, and of a Pod as the kubelet forms it.
//!
//! Models resolv.conf(5), and of kubernetes/kubernetes v1.30 `pkg/kubelet/network/dns/dns.go` how
//! `dnsPolicy` and `dnsConfig` make a Pod's file, with its limits and the words of its events. The
//! text is written as containerd writes it. Left out: `sortlist`, scoped IPv6 addresses of
//! servers, a kubelet without a file of its own (`--resolv-conf=""`).

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Name;
use crate::api::{Pod, PodDnsConfigOption};
use crate::diagnostic::Diagnostic;

/// The most servers that a resolver asks (`MAXNS` of glibc and musl, `MaxDNSNameservers`).
pub const MAX_NAMESERVERS: usize = 3;
/// The most search domains that the kubelet writes (`MaxDNSSearchPaths`).
pub const MAX_SEARCHES: usize = 32;
/// The longest list of search domains that the kubelet writes, in characters with the blanks
/// between them (`MaxDNSSearchListChars`).
pub const MAX_SEARCH_CHARACTERS: usize = 2048;
/// The longest search domain that the kubelet writes, in characters (a DNS-1123 subdomain).
const MAX_SEARCH_LENGTH: usize = 253;

/// What a resolver is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolvConf {
    /// The servers, in order.
    pub nameservers: Vec<IpAddr>,
    /// The domains to be tried behind a short name, in order.
    pub search: Vec<String>,
    /// The older word for a single search domain; the kubelet does not look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The options, in order.
    pub options: Vec<ResolverOption>,
}

/// One option: `ndots:5`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolverOption {
    /// Its name.
    pub name: String,
    /// What stands behind the colon.
    pub value: Option<String>,
}

impl ResolverOption {
    /// Reads one word of an `options` line.
    #[must_use]
    pub fn new(text: &str) -> Self {
        match text.split_once(':') {
            Some((name, value)) => Self {
                name: name.to_owned(),
                value: Some(value.to_owned()).filter(|value| !value.is_empty()),
            },
            None => Self {
                name: text.to_owned(),
                value: None,
            },
        }
    }
}

impl fmt::Display for ResolverOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.value {
            Some(value) => write!(f, ":{value}"),
            None => Ok(()),
        }
    }
}

/// What the kubelet knows of cluster DNS (`--cluster-dns`, `--cluster-domain`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterDns {
    /// The addresses of the kube-dns Service; none where the kubelet was not told.
    pub addresses: Vec<IpAddr>,
    /// The cluster's domain: `cluster.local.`.
    pub domain: Name,
}

impl ResolvConf {
    /// Reads a file. Lines that a resolver would skip are named.
    #[must_use]
    pub fn read(text: &str) -> (Self, Vec<Diagnostic>) {
        let mut conf = Self::default();
        let mut diagnostics = Vec::new();
        for line in text.lines() {
            if line.starts_with(['#', ';']) {
                continue;
            }
            let mut words = line.split_whitespace();
            let Some(keyword) = words.next() else {
                continue;
            };
            match keyword {
                "nameserver" => match words.next().map(str::parse) {
                    Some(Ok(address)) => conf.nameservers.push(address),
                    _ => diagnostics.push(Diagnostic::warning(
                        format!("{line:?}: not an address; the resolver skips the line"),
                        None,
                    )),
                },
                // Of `domain` and `search` the last one holds.
                "search" => {
                    conf.search = words.map(str::to_owned).collect();
                    conf.domain = None;
                }
                "domain" => {
                    conf.domain = words.next().map(str::to_owned);
                    conf.search.clear();
                }
                "options" => conf.options.extend(words.map(ResolverOption::new)),
                _ => diagnostics.push(Diagnostic::note(
                    format!("{keyword}: the resolver skips the line"),
                    None,
                )),
            }
        }
        (conf, diagnostics)
    }

    /// The file that the kubelet forms for a Pod. The diagnostics are the kubelet's events.
    ///
    /// Go takes the options in the order of a map; here those of the policy come first.
    #[must_use]
    pub fn of_pod(pod: &Pod, node: &ResolvConf, cluster: &ClusterDns) -> (Self, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let spec = &pod.spec;
        let mut conf = match spec.dns_policy.as_str() {
            "None" => Self::default(),
            "Default" => of_node(node),
            // A Pod in the Node's network has the Node's resolver unless it asks otherwise.
            "ClusterFirst" | "" if spec.host_network => of_node(node),
            _ if cluster.addresses.is_empty() => {
                diagnostics.push(Diagnostic::warning(
                    "kubelet does not have ClusterDNS IP configured and cannot create Pod using \
                     \"ClusterFirst\" policy. Falling back to \"Default\" policy.",
                    None,
                ));
                of_node(node)
            }
            _ => of_cluster(&pod.metadata.namespace, node, cluster),
        };
        if let Some(config) = &spec.dns_config {
            for text in &config.nameservers {
                match text.parse() {
                    Ok(address) => conf.nameservers.push(address),
                    Err(_) => diagnostics.push(
                        Diagnostic::warning(format!("{text:?} is not an address"), None)
                            .with_field("spec.dnsConfig.nameservers"),
                    ),
                }
            }
            conf.search.extend(config.searches.iter().cloned());
            without_duplicates(&mut conf.nameservers);
            without_duplicates(&mut conf.search);
            merge_options(&mut conf.options, &config.options);
        }
        conf.keep_limits(&mut diagnostics);
        (conf, diagnostics)
    }

    /// Cuts what is too much, as the kubelet does.
    fn keep_limits(&mut self, diagnostics: &mut Vec<Diagnostic>) {
        if self.nameservers.len() > MAX_NAMESERVERS {
            self.nameservers.truncate(MAX_NAMESERVERS);
            let left: Vec<_> = self.nameservers.iter().map(ToString::to_string).collect();
            diagnostics.push(Diagnostic::warning(
                format!(
                    "Nameserver limits were exceeded, some nameservers have been omitted, the \
                     applied nameserver line is: {}",
                    left.join(" ")
                ),
                None,
            ));
        }
        let before = self.search.len();
        self.search.truncate(MAX_SEARCHES);
        self.search
            .retain(|domain| domain.len() <= MAX_SEARCH_LENGTH);
        let characters =
            |search: &[String]| search.iter().map(|domain| domain.len() + 1).sum::<usize>();
        // One blank less than domains.
        while characters(&self.search) > MAX_SEARCH_CHARACTERS + 1 {
            self.search.pop();
        }
        if self.search.len() < before {
            diagnostics.push(Diagnostic::warning(
                format!(
                    "Search Line limits were exceeded, some search paths have been omitted, the \
                     applied search line is: {}",
                    self.search.join(" ")
                ),
                None,
            ));
        }
    }

    /// How many dots make a name long enough to be tried as it is first: from 0 to 15, and 1
    /// where nothing is said.
    #[must_use]
    pub fn ndots(&self) -> u32 {
        self.number("ndots").map_or(1, |number| number.min(15))
    }

    /// How often every server is asked: from 1 to 5, and 2 where nothing is said.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.number("attempts")
            .map_or(2, |number| number.clamp(1, 5))
    }

    /// How long a server is waited for, in seconds: from 1 to 30, and 5 where nothing is said.
    #[must_use]
    pub fn timeout(&self) -> u32 {
        self.number("timeout")
            .map_or(5, |number| number.clamp(1, 30))
    }

    /// Whether an option is set.
    #[must_use]
    pub fn has(&self, option: &str) -> bool {
        self.options.iter().any(|own| own.name == option)
    }

    /// The value of an option; the last one holds.
    fn number(&self, option: &str) -> Option<u32> {
        let option = self.options.iter().rev().find(|own| own.name == option)?;
        option.value.as_deref()?.parse().ok()
    }

    /// The domains that a resolver tries: the list, or the single domain.
    #[must_use]
    pub fn search_list(&self) -> &[String] {
        if self.search.is_empty() {
            self.domain.as_slice()
        } else {
            &self.search
        }
    }
}

/// The file as containerd writes it.
impl fmt::Display for ResolvConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(domain) = &self.domain {
            writeln!(f, "domain {domain}")?;
        }
        if !self.search.is_empty() {
            writeln!(f, "search {}", self.search.join(" "))?;
        }
        for address in &self.nameservers {
            writeln!(f, "nameserver {address}")?;
        }
        if !self.options.is_empty() {
            f.write_str("options")?;
            for option in &self.options {
                write!(f, " {option}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// What the kubelet takes from the Node's file: the last `options` line alone in fact, here all of
/// them; never `domain`.
fn of_node(node: &ResolvConf) -> ResolvConf {
    ResolvConf {
        domain: None,
        search: node.search.iter().map(|domain| undotted(domain)).collect(),
        ..node.clone()
    }
}

/// Cluster DNS alone, the cluster's domains before the Node's, and `ndots:5`.
fn of_cluster(namespace: &str, node: &ResolvConf, cluster: &ClusterDns) -> ResolvConf {
    let domain = cluster.domain.relative();
    let mut search = vec![
        format!("{namespace}.svc.{domain}"),
        format!("svc.{domain}"),
        domain.to_owned(),
    ];
    search.extend(node.search.iter().map(|domain| undotted(domain)));
    without_duplicates(&mut search);
    ResolvConf {
        nameservers: cluster.addresses.clone(),
        search,
        domain: None,
        options: vec![ResolverOption::new("ndots:5")],
    }
}

/// A search domain of the Node without its final dot.
fn undotted(domain: &str) -> String {
    let name = domain.strip_suffix('.').filter(|name| !name.is_empty());
    name.unwrap_or(domain).to_owned()
}

fn without_duplicates<T: PartialEq + Clone>(list: &mut Vec<T>) {
    let mut seen: Vec<T> = Vec::with_capacity(list.len());
    for item in list.drain(..) {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    *list = seen;
}

/// Options of one name are one option; the Pod's own holds.
fn merge_options(options: &mut Vec<ResolverOption>, own: &[PodDnsConfigOption]) {
    for option in own {
        let value = option.value.clone().filter(|value| !value.is_empty());
        match options.iter_mut().find(|known| known.name == option.name) {
            Some(known) => known.value = value,
            None => options.push(ResolverOption {
                name: option.name.clone(),
                value,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> ResolvConf {
        let (conf, diagnostics) = ResolvConf::read(
            "# a comment\n; another\ndomain gone.example\nsearch lan.example. corp.example\n\
             nameserver 192.168.10.1\nnameserver fd00::53\noptions timeout:1 rotate\n",
        );
        assert_eq!(diagnostics, []);
        conf
    }

    fn cluster() -> ClusterDns {
        ClusterDns {
            addresses: vec!["10.96.0.10".parse().unwrap()],
            domain: Name::parse("cluster.local").unwrap(),
        }
    }

    fn of_pod(spec: &str) -> (String, Vec<String>) {
        let text = format!("metadata: {{name: p, namespace: shop}}\nspec: {spec}");
        let pod: Pod = serde_yaml::from_str(&text).unwrap();
        let (conf, diagnostics) = ResolvConf::of_pod(&pod, &node(), &cluster());
        let messages = diagnostics.into_iter().map(|d| d.message).collect();
        (conf.to_string(), messages)
    }

    const CLUSTER: &str = "search shop.svc.cluster.local svc.cluster.local cluster.local \
         lan.example corp.example\nnameserver 10.96.0.10\noptions ndots:5\n";
    const NODE: &str = "search lan.example corp.example\nnameserver 192.168.10.1\n\
         nameserver fd00::53\noptions timeout:1 rotate\n";

    #[test]
    fn every_policy_has_its_file() {
        for (spec, expected) in [
            ("{}", CLUSTER),
            ("{dnsPolicy: ClusterFirst}", CLUSTER),
            ("{dnsPolicy: ClusterFirst, hostNetwork: true}", NODE),
            (
                "{dnsPolicy: ClusterFirstWithHostNet, hostNetwork: true}",
                CLUSTER,
            ),
            ("{dnsPolicy: Default}", NODE),
            (
                "{dnsPolicy: None, dnsConfig: {nameservers: [1.1.1.1]}}",
                "nameserver 1.1.1.1\n",
            ),
        ] {
            assert_eq!(of_pod(spec).0, expected, "{spec}");
        }
    }

    #[test]
    fn dns_config_is_added_and_overrides_options() {
        let (text, _) = of_pod(
            "{dnsConfig: {nameservers: [1.1.1.1, 10.96.0.10], searches: [my.example, svc.cluster.local], \
             options: [{name: ndots, value: '2'}, {name: edns0}]}}",
        );
        assert_eq!(
            text,
            "search shop.svc.cluster.local svc.cluster.local cluster.local lan.example \
             corp.example my.example\nnameserver 10.96.0.10\nnameserver 1.1.1.1\n\
             options ndots:2 edns0\n"
        );
    }

    #[test]
    fn the_kubelets_limits_hold() {
        let (text, messages) =
            of_pod("{dnsConfig: {nameservers: [1.1.1.1, 1.1.1.2, 1.1.1.3], searches: []}}");
        assert!(text.contains("nameserver 1.1.1.2\n") && !text.contains("1.1.1.3"));
        assert!(messages[0].starts_with("Nameserver limits were exceeded"));

        let many: Vec<String> = (0..40).map(|number| format!("d{number}.example")).collect();
        let (text, messages) = of_pod(&format!(
            "{{dnsConfig: {{searches: [{}]}}}}",
            many.join(",")
        ));
        let search = text.lines().next().unwrap();
        assert_eq!(search.split(' ').count() - 1, MAX_SEARCHES);
        assert_eq!(messages.len(), 1);

        let long: Vec<String> = (0..12)
            .map(|number| format!("{number}{}.example", "a".repeat(190)))
            .collect();
        let (text, _) = of_pod(&format!(
            "{{dnsPolicy: None, dnsConfig: {{searches: [{}]}}}}",
            long.join(",")
        ));
        let search = text
            .lines()
            .next()
            .unwrap()
            .strip_prefix("search ")
            .unwrap();
        // Ten domains of 199 or 200 characters and nine blanks fit; an eleventh does not.
        assert_eq!(search.split(' ').count(), 10);
        assert!(search.len() <= MAX_SEARCH_CHARACTERS);
    }

    #[test]
    fn options_have_bounds_and_defaults() {
        let read = |text: &str| ResolvConf::read(text).0;
        let plain = read("");
        assert_eq!(
            (plain.ndots(), plain.attempts(), plain.timeout()),
            (1, 2, 5)
        );
        let wild = read("options ndots:99 attempts:99 timeout:99 ndots:x\n");
        assert_eq!((wild.attempts(), wild.timeout()), (5, 30));
        assert_eq!(read("options ndots:99").ndots(), 15);
        assert_eq!(read("options ndots:2\noptions ndots:3").ndots(), 3);
        assert_eq!(read("search a\ndomain b").search_list(), ["b"]);
        assert_eq!(read("domain b\nsearch a").search_list(), ["a"]);
        assert_eq!(ResolvConf::read("nameserver x\nnonsense\n").1.len(), 2);
    }
}
