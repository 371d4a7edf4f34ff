//! `/etc/hosts`: names that no server is asked for.
//!
//! The text decides, as on a machine: what the kubelet writes for a Pod (kubernetes/kubernetes
//! v1.30 `pkg/kubelet/kubelet_pods.go`: its own lines, the Pod's addresses, `hostAliases`), and how
//! a resolver reads it (hosts(5)). Left out: `setHostnameAsFQDN`.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Name;
use crate::api::Pod;

/// The first lines of every Pod's file.
const POD_LINES: &str = "\
# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
";

/// The first line of the file of a Pod in the Node's network, before the Node's own file.
const HOST_NETWORK_LINE: &str = "# Kubernetes-managed hosts file (host network).\n";

/// A hosts file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hosts(String);

impl Hosts {
    /// The file with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A machine's file: itself and `localhost`.
    #[must_use]
    pub fn of_machine(name: &str, addresses: &[IpAddr]) -> Self {
        let mut text = String::from("127.0.0.1\tlocalhost\n::1\tlocalhost\n");
        for address in addresses {
            text.push_str(&format!("{address}\t{name}\n"));
        }
        Self(text)
    }

    /// The file that the kubelet writes for a Pod. `node` is the Node's own file.
    #[must_use]
    pub fn of_pod(pod: &Pod, node: &Hosts, cluster_domain: &Name) -> Self {
        let mut text = if pod.spec.host_network {
            format!("{HOST_NETWORK_LINE}{}", node.0)
        } else {
            let mut text = POD_LINES.to_owned();
            let name = hostname(pod);
            let domain = &pod.spec.subdomain;
            for address in addresses(pod) {
                if domain.is_empty() {
                    text.push_str(&format!("{address}\t{name}\n"));
                } else {
                    let namespace = &pod.metadata.namespace;
                    let zone = cluster_domain.relative();
                    text.push_str(&format!(
                        "{address}\t{name}.{domain}.{namespace}.svc.{zone}\t{name}\n"
                    ));
                }
            }
            text
        };
        if !pod.spec.host_aliases.is_empty() {
            text.push_str("\n# Entries added by HostAliases.\n");
        }
        for alias in &pod.spec.host_aliases {
            text.push_str(&format!("{}\t{}\n", alias.ip, alias.hostnames.join("\t")));
        }
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The addresses of a name, in the order of the lines, and the first name of the first line
    /// that has it. Letter case does not matter; a final dot does, as in glibc and musl.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(Vec<IpAddr>, String)> {
        let mut found = Vec::new();
        let mut canonical = None;
        for line in self.0.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(Ok(address)) = words.next().map(str::parse) else {
                continue;
            };
            let mut first = None;
            if words.any(|word| {
                first.get_or_insert(word);
                word.eq_ignore_ascii_case(name)
            }) {
                canonical = canonical.or(first);
                if !found.contains(&address) {
                    found.push(address);
                }
            }
        }
        Some((found, canonical?.to_owned()))
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Pod's hostname: its own, or its name cut to a label (`truncatePodHostnameIfNeeded`).
fn hostname(pod: &Pod) -> &str {
    if !pod.spec.hostname.is_empty() {
        return &pod.spec.hostname;
    }
    let name = &pod.metadata.name;
    let cut = name.char_indices().nth(63).map_or(name.len(), |(at, _)| at);
    name[..cut].trim_end_matches(['-', '.'])
}

/// A Pod's addresses, as its status lists them.
fn addresses(pod: &Pod) -> Vec<&str> {
    let status = &pod.status;
    if status.pod_ips.is_empty() {
        return Some(status.pod_ip.as_str())
            .filter(|address| !address.is_empty())
            .into_iter()
            .collect();
    }
    status.pod_ips.iter().map(|pod| pod.ip.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_pod(spec: &str) -> Hosts {
        let pod: Pod = serde_yaml::from_str(&format!(
            "metadata: {{name: web-1, namespace: shop}}\nspec: {spec}\n\
             status: {{podIP: 10.244.1.5, podIPs: [{{ip: 10.244.1.5}}, {{ip: 'fd00::5'}}]}}"
        ))
        .unwrap();
        let node = Hosts::of_machine("node-1", &["192.168.10.11".parse().unwrap()]);
        Hosts::of_pod(&pod, &node, &Name::parse("cluster.local").unwrap())
    }

    #[test]
    fn a_pod_finds_itself_and_its_aliases() {
        let hosts = of_pod(
            "{hostAliases: [{ip: 10.1.2.3, hostnames: [foo.remote, bar.remote]}, {ip: 127.0.0.1, hostnames: [foo.remote]}]}",
        );
        assert!(hosts.as_str().ends_with(
            "10.244.1.5\tweb-1\nfd00::5\tweb-1\n\n# Entries added by HostAliases.\n\
             10.1.2.3\tfoo.remote\tbar.remote\n127.0.0.1\tfoo.remote\n"
        ));
        let (addresses, canonical) = hosts.find("BAR.remote").unwrap();
        assert_eq!(addresses, ["10.1.2.3".parse::<IpAddr>().unwrap()]);
        assert_eq!(canonical, "foo.remote");
        assert_eq!(hosts.find("foo.remote").unwrap().0.len(), 2);
        assert_eq!(hosts.find("web-1").unwrap().0.len(), 2);
        assert_eq!(hosts.find("localhost").unwrap().0.len(), 2);
        assert!(hosts.find("web-1.").is_none());
        assert!(hosts.find("Kubernetes-managed").is_none());
    }

    #[test]
    fn a_subdomain_makes_a_long_name() {
        let hosts = of_pod("{hostname: db-0, subdomain: db}");
        assert!(
            hosts
                .as_str()
                .contains("10.244.1.5\tdb-0.db.shop.svc.cluster.local\tdb-0\n")
        );
        assert_eq!(
            hosts.find("db-0").unwrap().1,
            "db-0.db.shop.svc.cluster.local"
        );
    }

    #[test]
    fn in_the_nodes_network_it_is_the_nodes_file() {
        let hosts = of_pod("{hostNetwork: true, hostAliases: [{ip: 10.1.2.3, hostnames: [foo]}]}");
        assert!(hosts.as_str().starts_with(HOST_NETWORK_LINE));
        assert!(hosts.find("node-1").is_some());
        assert!(hosts.find("web-1").is_none());
        assert!(hosts.find("foo").is_some());
    }
}
