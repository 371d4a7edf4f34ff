//! The settings as a person chooses them together, and the line of the console that brings them about.
//!
//! A dialog of the page shows [`Wanted`] and runs what [`Lab::line_to`] gives, so that what a person
//! chose there is a step like any other: named, taken back, and part of a link.

use std::collections::BTreeMap;

use super::session::Lab;
use super::settings::{ProxySettings, families_word};
use crate::controllers::load_balancer::Provider;
use crate::net::IpFamily;
use crate::proxy::Mode;

/// The well-known label that says where a Node stands.
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// What can be chosen about the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How kube-proxy is set on every Node.
    pub proxy: ProxySettings,
    /// Who builds load balancers.
    pub provider: Provider,
    /// The IP families of Nodes, Pods and Services, the first before the other.
    pub families: Vec<IpFamily>,
    /// The Nodes, and the zone of each; empty for none.
    pub nodes: Vec<(String, String)>,
    /// Where all draws come from.
    pub seed: u64,
}

impl Lab {
    /// What is chosen now.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let settings = self.settings();
        let store = &self.world().store;
        Wanted {
            proxy: settings.proxy.clone(),
            provider: self.cluster().provider(),
            families: settings.families(),
            nodes: (store.nodes())
                .map(|node| {
                    let zone = node.metadata.labels.get(ZONE_LABEL);
                    (
                        node.metadata.name.clone(),
                        zone.cloned().unwrap_or_default(),
                    )
                })
                .collect(),
            seed: settings.seed,
        }
    }

    /// Whether the manifests name the Nodes: then nobody else does.
    #[must_use]
    pub fn has_own_nodes(&self) -> bool {
        let world = self.world();
        let mut nodes = world.store.of_kind(crate::api::Kind::Node);
        nodes.any(|node| world.document_of(&node.reference()).is_some())
    }

    /// The line that makes this of what is chosen now; `None` where nothing differs.
    #[must_use]
    pub fn line_to(&self, wanted: &Wanted) -> Option<String> {
        let now = self.wanted();
        let mut lines = Vec::new();
        if wanted.seed != now.seed {
            lines.push(format!("lab seed {}", wanted.seed));
        }
        if wanted.families != now.families {
            lines.push(format!("lab families {}", families_word(&wanted.families)));
        }
        let names = |wanted: &Wanted| -> Vec<String> {
            wanted.nodes.iter().map(|(name, _)| name.clone()).collect()
        };
        if names(wanted) != names(&now) && !wanted.nodes.is_empty() && !self.has_own_nodes() {
            lines.push(format!("lab nodes {}", names(wanted).join(" ")));
        }
        if wanted.proxy != now.proxy {
            lines.push(proxy(&wanted.proxy));
        }
        if wanted.provider != now.provider {
            let name = wanted.provider.as_str().to_ascii_lowercase();
            lines.push(format!("lab provider {name}"));
        }
        let zones: BTreeMap<&str, &str> = (now.nodes.iter())
            .map(|(name, zone)| (name.as_str(), zone.as_str()))
            .collect();
        for (name, zone) in &wanted.nodes {
            if zones.get(name.as_str()).copied().unwrap_or_default() == zone {
                continue;
            }
            let label = if zone.is_empty() {
                format!("{ZONE_LABEL}-")
            } else {
                format!("{ZONE_LABEL}={zone}")
            };
            lines.push(format!("kubectl label node {name} {label} --overwrite"));
        }
        (!lines.is_empty()).then(|| lines.join(" && "))
    }
}

/// The verb that sets kube-proxy: what is not named is as kubeadm has it.
fn proxy(wanted: &ProxySettings) -> String {
    let usual = ProxySettings::default();
    let mut line = format!("lab proxy --mode {}", wanted.mode);
    if wanted.mode == Mode::Ipvs && !wanted.ipvs_scheduler.is_empty() {
        line.push_str(&format!(" --scheduler {}", wanted.ipvs_scheduler));
    }
    if wanted.masquerade_all {
        line.push_str(" --masquerade-all");
    }
    if wanted.strict_arp {
        line.push_str(" --strict-arp");
    }
    if wanted.localhost_node_ports != usual.localhost_node_ports {
        line.push_str(" --no-localhost-node-ports");
    }
    if !wanted.node_port_addresses.is_empty() {
        let addresses = wanted.node_port_addresses.join(",");
        line.push_str(&format!(" --node-port-addresses {addresses}"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::{EXAMPLES, FAMILIES, Settings};
    use super::*;
    use crate::network::VerdictKind;

    fn lab() -> Lab {
        let mut lab = Lab::new(Settings::default());
        lab.open(EXAMPLES[0].text());
        lab
    }

    #[test]
    fn the_line_brings_about_what_is_wanted_and_is_one_step() {
        let mut lab = lab();
        let before = lab.wanted();
        assert_eq!(lab.line_to(&before), None);
        let wanted = Wanted {
            proxy: ProxySettings {
                mode: Mode::Ipvs,
                ipvs_scheduler: "lc".to_owned(),
                masquerade_all: true,
                strict_arp: true,
                localhost_node_ports: false,
                node_port_addresses: vec!["192.168.10.0/24".to_owned()],
            },
            provider: Provider::Aws,
            families: vec![IpFamily::IPv6, IpFamily::IPv4],
            nodes: vec![
                ("a".to_owned(), "east".to_owned()),
                ("b".to_owned(), String::new()),
            ],
            seed: 7,
        };
        let line = lab.line_to(&wanted).unwrap();
        let output = lab.run(&line);
        assert_eq!(output.exit_code, 0, "{line}\n{}", output.text());
        assert_eq!(lab.wanted(), wanted, "{line}");
        assert!(lab.undo());
        assert_eq!(lab.wanted(), before);
    }

    #[test]
    fn every_family_that_a_cluster_can_have_is_brought_about() {
        let mut lab = lab();
        for families in FAMILIES {
            let mut wanted = lab.wanted();
            wanted.families = families.to_vec();
            if let Some(line) = lab.line_to(&wanted) {
                assert_eq!(lab.run(&line).exit_code, 0, "{line}");
            }
            assert_eq!(lab.wanted(), wanted, "{families:?}");
            let request = lab.suggestion().unwrap();
            let journey = lab.send(&request).unwrap();
            assert_eq!(journey.verdict.kind, VerdictKind::Answered, "{families:?}");
        }
        assert_eq!(lab.run("lab families ipv5").exit_code, 1);
    }

    #[test]
    fn a_zone_is_taken_away_again() {
        let mut lab = lab();
        let none = lab.wanted();
        let mut east = none.clone();
        east.nodes[0].1 = "east".to_owned();
        let line = lab.line_to(&east).unwrap();
        assert_eq!(lab.run(&line).exit_code, 0);
        assert_eq!(lab.wanted(), east);
        let line = lab.line_to(&none).unwrap();
        assert_eq!(lab.run(&line).exit_code, 0, "{line}");
        assert_eq!(lab.wanted(), none);
    }
}
