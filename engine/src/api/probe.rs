//! What a kubelet asks of a container before it counts as ready.
//!
//! Source: k8s.io/api `core/v1/types.go` (v0.30.5).

use serde::{Deserialize, Serialize};

use super::IntOrString;
use crate::yaml::decode_fields;

/// `readinessProbe` of a container. An `exec` or `grpc` probe has neither of the two ports here:
/// whether it passes is for a person to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Probe {
    /// Asks over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_get: Option<ProbePort>,
    /// Opens a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_socket: Option<ProbePort>,
    /// How long after the start it begins, in seconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub initial_delay_seconds: i32,
    /// How often it is tried, in seconds; 0 before defaulting to 10.
    #[serde(skip_serializing_if = "is_zero")]
    pub period_seconds: i32,
    /// How often in a row it must pass; 0 before defaulting to 1.
    #[serde(skip_serializing_if = "is_zero")]
    pub success_threshold: i32,
    /// How often in a row it must fail; 0 before defaulting to 3.
    #[serde(skip_serializing_if = "is_zero")]
    pub failure_threshold: i32,
}

/// Where an `httpGet` or `tcpSocket` goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProbePort {
    /// The port, or the name that the container gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<IntOrString>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &i32) -> bool {
    *number == 0
}

decode_fields! {
    Probe { http_get, tcp_socket, initial_delay_seconds, period_seconds, success_threshold, failure_threshold }
    ProbePort { port }
}
