//! `apps/v1` workloads: what makes Pods.

use serde::{Deserialize, Serialize};

use super::{LabelSelector, ObjectMeta, PodTemplateSpec};
use crate::yaml::decode_fields;

/// A Deployment. Source: k8s.io/api `apps/v1/types.go`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Deployment {
    /// Name and namespace.
    pub metadata: ObjectMeta,
    /// What is wished.
    pub spec: DeploymentSpec,
    /// How far it is.
    pub status: DeploymentStatus,
}

/// `spec` of a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DeploymentSpec {
    /// How many Pods; `None` before defaulting to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Which Pods it calls its own; must match the template's labels.
    pub selector: LabelSelector,
    /// What its Pods look like.
    pub template: PodTemplateSpec,
}

/// `status` of a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DeploymentStatus {
    /// How many Pods there are.
    pub replicas: i32,
    /// How many of them are ready.
    pub ready_replicas: i32,
}

decode_fields! {
    Deployment { metadata, spec, status }
    DeploymentSpec { replicas, selector, template }
    DeploymentStatus { replicas, ready_replicas }
}
