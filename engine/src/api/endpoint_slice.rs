//! `discovery.k8s.io/v1` EndpointSlice.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ObjectMeta;
use crate::yaml::decode_fields;

/// Up to a hundred places where a Service's traffic may go.
///
/// Source: k8s.io/api `discovery/v1/types.go`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointSlice {
    /// The label `kubernetes.io/service-name` says whose it is.
    pub metadata: ObjectMeta,
    /// What its addresses are: `IPv4`, `IPv6` or `FQDN`. As other enumerations a text, because a
    /// wrong one has to be told to its author; see [`AddressType`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address_type: String,
    /// The places.
    pub endpoints: Vec<Endpoint>,
    /// The ports that every one of them has.
    pub ports: Vec<EndpointPort>,
}

/// What `addressType` may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressType {
    /// IPv4 addresses.
    IPv4,
    /// IPv6 addresses.
    IPv6,
    /// Names; kube-proxy ignores them.
    FQDN,
}

impl AddressType {
    /// All of them, in the order in which the API server lists them.
    pub const ALL: [Self; 3] = [Self::FQDN, Self::IPv4, Self::IPv6];

    /// As `addressType:` says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IPv4 => "IPv4",
            Self::IPv6 => "IPv6",
            Self::FQDN => "FQDN",
        }
    }

    /// The one that a text means.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

impl fmt::Display for AddressType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One of `endpoints`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Endpoint {
    /// kube-proxy looks at the first only.
    pub addresses: Vec<String>,
    /// Ready, serving, terminating.
    pub conditions: EndpointConditions,
    /// A DNS label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The Pod behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_ref: Option<TargetRef>,
    /// Where it runs; without it an endpoint is local nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// The zone of that Node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Who should prefer it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hints: Option<EndpointHints>,
}

/// `conditions` of an endpoint. Left out means: ready, serving, not terminating.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointConditions {
    /// May get new connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// Its Pod passes its readiness probe, terminating or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serving: Option<bool>,
    /// Its Pod is being deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminating: Option<bool>,
}

/// `targetRef` of an endpoint: most often a Pod, but any kind may stand here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TargetRef {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
}

/// `hints` of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointHints {
    /// The zones that should use it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub for_zones: Vec<ForZone>,
    /// The Nodes that should use it (v1.33 and later).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub for_nodes: Vec<ForNode>,
}

/// One of `hints.forZones`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForZone {
    /// The zone's name.
    pub name: String,
}

/// One of `hints.forNodes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForNode {
    /// The Node's name.
    pub name: String,
}

/// One of a slice's `ports`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointPort {
    /// Equal to the name of the Service's port; this is how the two are joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The number at the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
    /// `TCP`, `UDP` or `SCTP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// A hint for implementations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
}

decode_fields! {
    EndpointSlice { metadata, address_type, endpoints, ports }
    Endpoint { addresses, conditions, hostname, target_ref, node_name, zone, hints }
    EndpointConditions { ready, serving, terminating }
    TargetRef { kind, namespace, name, uid }
    EndpointHints { for_zones, for_nodes }
    ForZone { name }
    ForNode { name }
    EndpointPort { name, port, protocol, app_protocol }
}
