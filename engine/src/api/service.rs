//! `v1` Service.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::ObjectMeta;
use crate::yaml::{Decode, DecodeError, Node, Value, decode_fields};

/// A Service. Source: k8s.io/api `core/v1/types.go`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Service {
    /// Name, namespace, labels.
    pub metadata: ObjectMeta,
    /// What is wished.
    pub spec: ServiceSpec,
    /// What the load balancer's provider said.
    #[serde(skip_serializing_if = "ServiceStatus::is_empty")]
    pub status: ServiceStatus,
}

/// `spec` of a Service. Enumerations are texts, because a wrong one has to be told to its author.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceSpec {
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`; empty before defaulting.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub type_: String,
    /// The Pods meant; `None` or empty means that somebody else writes the EndpointSlices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<BTreeMap<String, String>>,
    /// What is listened on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ServicePort>,
    /// The first of `cluster_ips`; `None` as a word for a headless Service.
    #[serde(rename = "clusterIP", skip_serializing_if = "String::is_empty")]
    pub cluster_ip: String,
    /// One address a family.
    #[serde(rename = "clusterIPs", skip_serializing_if = "Vec::is_empty")]
    pub cluster_ips: Vec<String>,
    /// `IPv4`, `IPv6`, in the order of `cluster_ips`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ip_families: Vec<String>,
    /// `SingleStack`, `PreferDualStack` or `RequireDualStack`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_family_policy: Option<String>,
    /// Addresses of somebody else's making that Nodes accept for this Service.
    #[serde(rename = "externalIPs", skip_serializing_if = "Vec::is_empty")]
    pub external_ips: Vec<String>,
    /// For `ExternalName`: the name to be asked for instead.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub external_name: String,
    /// `Cluster` or `Local`; empty where it means nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub external_traffic_policy: String,
    /// `Cluster` or `Local`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_traffic_policy: Option<String>,
    /// For `externalTrafficPolicy: Local` on a load balancer: the port of its health check.
    #[serde(skip_serializing_if = "is_zero")]
    pub health_check_node_port: i32,
    /// `None` or `ClientIP`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub session_affinity: String,
    /// How long, for `ClientIP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_affinity_config: Option<SessionAffinityConfig>,
    /// Whether unready Pods are published.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub publish_not_ready_addresses: bool,
    /// Whether a LoadBalancer Service gets node ports; `None` before defaulting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocate_load_balancer_node_ports: Option<bool>,
    /// Which implementation is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_class: Option<String>,
    /// An address asked of the provider (deprecated in v1.24).
    #[serde(rename = "loadBalancerIP", skip_serializing_if = "String::is_empty")]
    pub load_balancer_ip: String,
    /// CIDRs that may use the load balancer's address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub load_balancer_source_ranges: Vec<String>,
    /// `PreferClose`, or a later release's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_distribution: Option<String>,
}

/// One of `spec.ports`. Numbers are as written; validation says what is out of range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServicePort {
    /// Needed when there is more than one port.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `TCP`, `UDP` or `SCTP`; empty before defaulting.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// A hint for implementations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
    /// The port of the Service's own address.
    pub port: i32,
    /// The port of the Pods, or the name that their containers give it; `None` before defaulting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_port: Option<IntOrString>,
    /// The port of every Node; 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub node_port: i32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// A number or a name. Source: k8s.io/apimachinery `pkg/util/intstr`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IntOrString {
    /// A number.
    Int(i32),
    /// A name.
    String(String),
}

impl fmt::Display for IntOrString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::String(name) => name.fmt(f),
        }
    }
}

impl Default for IntOrString {
    fn default() -> Self {
        Self::Int(0)
    }
}

impl Decode for IntOrString {
    fn decode(&mut self, node: &Node) -> Result<(), DecodeError> {
        *self = match &node.value {
            Value::Null => return Ok(()),
            Value::String(name) => Self::String(name.to_string()),
            _ => {
                let mut number = 0_i32;
                number.decode(node)?;
                Self::Int(number)
            }
        };
        Ok(())
    }
}

impl Serialize for IntOrString {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(number) => serializer.serialize_i32(*number),
            Self::String(name) => serializer.serialize_str(name),
        }
    }
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = IntOrString;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a name")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<IntOrString, E> {
                i32::try_from(number).map(IntOrString::Int).map_err(|_| {
                    E::invalid_value(de::Unexpected::Signed(number), &"a 32-bit number")
                })
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<IntOrString, E> {
                i32::try_from(number).map(IntOrString::Int).map_err(|_| {
                    E::invalid_value(de::Unexpected::Unsigned(number), &"a 32-bit number")
                })
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<IntOrString, E> {
                Ok(IntOrString::String(name.to_owned()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `spec.sessionAffinityConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SessionAffinityConfig {
    /// The only kind there is.
    #[serde(rename = "clientIP", skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<ClientIpConfig>,
}

/// `spec.sessionAffinityConfig.clientIP`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientIpConfig {
    /// Seconds, 1 to 86400; the default is 10800.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i32>,
}

/// `status` of a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceStatus {
    /// What the provider built.
    #[serde(skip_serializing_if = "LoadBalancerStatus::is_empty")]
    pub load_balancer: LoadBalancerStatus,
}

impl ServiceStatus {
    fn is_empty(&self) -> bool {
        self.load_balancer.is_empty()
    }
}

/// `status.loadBalancer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LoadBalancerStatus {
    /// The entrances; none while it is pending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<LoadBalancerIngress>,
}

impl LoadBalancerStatus {
    fn is_empty(&self) -> bool {
        self.ingress.is_empty()
    }
}

/// One of `status.loadBalancer.ingress`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LoadBalancerIngress {
    /// An address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ip: String,
    /// A name, where the provider gives names.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// `VIP` or `Proxy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_mode: Option<String>,
}

decode_fields! {
    Service { metadata, spec, status }
    ServiceSpec { type_, selector, ports, cluster_ip = "clusterIP", cluster_ips = "clusterIPs", ip_families, ip_family_policy, external_ips = "externalIPs", external_name, external_traffic_policy, internal_traffic_policy, health_check_node_port, session_affinity, session_affinity_config, publish_not_ready_addresses, allocate_load_balancer_node_ports, load_balancer_class, load_balancer_ip = "loadBalancerIP", load_balancer_source_ranges, traffic_distribution }
    ServicePort { name, protocol, app_protocol, port, target_port, node_port }
    SessionAffinityConfig { client_ip = "clientIP" }
    ClientIpConfig { timeout_seconds }
    ServiceStatus { load_balancer }
    LoadBalancerStatus { ingress }
    LoadBalancerIngress { ip, hostname, ip_mode }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_port_is_a_number_or_a_name() {
        let ports: Vec<ServicePort> = serde_json::from_str(
            r#"[{"port":80,"targetPort":8080},{"port":81,"targetPort":"web"}]"#,
        )
        .unwrap();
        assert_eq!(ports[0].target_port, Some(IntOrString::Int(8080)));
        assert_eq!(
            ports[1].target_port,
            Some(IntOrString::String("web".into()))
        );
        assert_eq!(
            serde_json::to_string(&ports[1]).unwrap(),
            r#"{"port":81,"targetPort":"web"}"#
        );
    }
}
