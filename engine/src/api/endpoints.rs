//! `v1` Endpoints: the older list of a Service's places, one object for each Service.
//!
//! Source: k8s.io/api `core/v1/types.go` (v0.30.5). kube-proxy and CoreDNS read EndpointSlices only;
//! what a person writes here by hand for a Service without a selector is mirrored to slices.

use serde::{Deserialize, Serialize};

use super::{ObjectMeta, TargetRef};
use crate::yaml::decode_fields;

/// All places of the Service of the same name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Endpoints {
    /// Name and namespace are the Service's.
    pub metadata: ObjectMeta,
    /// Every address of a subset has every port of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subsets: Vec<EndpointSubset>,
}

/// One of `subsets`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointSubset {
    /// The ready ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<EndpointAddress>,
    /// The others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_ready_addresses: Vec<EndpointAddress>,
    /// The ports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<EndpointsPort>,
}

/// One of a subset's addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointAddress {
    /// The address.
    pub ip: String,
    /// A DNS label.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// Where it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// The Pod behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_ref: Option<TargetRef>,
}

/// One of a subset's ports. Unlike an EndpointSlice's, none of its fields may be left open.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointsPort {
    /// Equal to the name of the Service's port.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The number.
    pub port: i32,
    /// `TCP`, `UDP` or `SCTP`; empty before defaulting.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// A hint for implementations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
}

decode_fields! {
    Endpoints { metadata, subsets }
    EndpointSubset { addresses, not_ready_addresses, ports }
    EndpointAddress { ip, hostname, node_name, target_ref }
    EndpointsPort { name, port, protocol, app_protocol }
}
