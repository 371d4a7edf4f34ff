//! `v1` Pod.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ObjectMeta, PodStatus, Probe};
use crate::yaml::decode_fields;

/// A Pod. Source: k8s.io/api `core/v1/types.go`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Pod {
    /// Its labels are what Services select.
    pub metadata: ObjectMeta,
    /// What is to run.
    pub spec: PodSpec,
    /// What runs, and where it can be reached.
    pub status: PodStatus,
}

/// `spec` of a Pod, as far as it decides about traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    /// What runs in it.
    pub containers: Vec<Container>,
    /// What runs before, or (with `restartPolicy: Always`) beside them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub init_containers: Vec<Container>,
    /// Where it runs; empty until scheduled.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub node_name: String,
    /// Labels that the Node must have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Whether it lives in the Node's own network.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub host_network: bool,
    /// Its own name in DNS.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// The headless Service under whose name it is found.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subdomain: String,
    /// `ClusterFirst`, `ClusterFirstWithHostNet`, `Default` or `None`; empty before defaulting to
    /// the first.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub dns_policy: String,
    /// What its resolver is told beside, or (with `dnsPolicy: None`) instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_config: Option<PodDnsConfig>,
    /// More lines for its `/etc/hosts`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host_aliases: Vec<HostAlias>,
    /// `Always`, `OnFailure` or `Never`; empty before defaulting to the first.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub restart_policy: String,
    /// How long it may go on after it was told to end, in seconds; `None` before defaulting to 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_grace_period_seconds: Option<i64>,
    /// Taints of Nodes that do not keep it off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
}

/// One of `spec.tolerations`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Toleration {
    /// The taint's name; empty (with `Exists`) for every one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// `Equal` or `Exists`; empty means the first.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operator: String,
    /// The taint's value, for `Equal`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// The taint's effect; empty for every one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub effect: String,
    /// How long after a `NoExecute` taint it may stay, in seconds; for ever when not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// `spec.dnsConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodDnsConfig {
    /// Addresses of servers; three at most are used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nameservers: Vec<String>,
    /// Domains to be tried behind a short name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub searches: Vec<String>,
    /// Options of the resolver.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<PodDnsConfigOption>,
}

/// One of `spec.dnsConfig.options`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodDnsConfigOption {
    /// `ndots` among others.
    pub name: String,
    /// `5` among others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// One of `spec.hostAliases`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HostAlias {
    /// The address.
    pub ip: String,
    /// The names that lead to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hostnames: Vec<String>,
}

/// One of `spec.containers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    /// Unique in its Pod.
    pub name: String,
    /// What runs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image: String,
    /// Information: a process may listen on more ports, or fewer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ContainerPort>,
    /// For init containers: `Always` makes it a sidecar.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub restart_policy: String,
    /// What has to pass before it counts as ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readiness_probe: Option<Probe>,
}

/// One of a container's `ports`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerPort {
    /// What a Service's `targetPort` may say instead of the number.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The number.
    pub container_port: i32,
    /// `TCP`, `UDP` or `SCTP`; empty before defaulting.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// The port of its Node that leads here; 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub host_port: i32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// `template` of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodTemplateSpec {
    /// Labels of the Pods to be.
    pub metadata: ObjectMeta,
    /// What is to run in them.
    pub spec: PodSpec,
}

decode_fields! {
    Pod { metadata, spec, status }
    PodSpec { containers, init_containers, node_name, node_selector, host_network, hostname, subdomain, dns_policy, dns_config, host_aliases, restart_policy, termination_grace_period_seconds, tolerations }
    Toleration { key, operator, value, effect, toleration_seconds }
    PodDnsConfig { nameservers, searches, options }
    PodDnsConfigOption { name, value }
    HostAlias { ip, hostnames }
    Container { name, image, ports, restart_policy, readiness_probe }
    ContainerPort { name, container_port, protocol, host_port }
    PodTemplateSpec { metadata, spec }
}
