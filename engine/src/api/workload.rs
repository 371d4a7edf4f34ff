//! `apps/v1` workloads: what makes Pods.
//!
//! Source: k8s.io/api `apps/v1/types.go` (v0.30.5).

use serde::{Deserialize, Serialize};

use super::{IntOrString, LabelSelector, ObjectMeta, PodTemplateSpec};
use crate::yaml::decode_fields;

/// A Deployment: Pods of one template at a time, replaced little by little.
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
    /// How Pods of an old template are replaced.
    #[serde(skip_serializing_if = "UpdateStrategy::is_empty")]
    pub strategy: UpdateStrategy,
    /// How long a new Pod has to be ready before it counts as available, in seconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub min_ready_seconds: i32,
    /// How many ReplicaSets of old templates are kept; `None` before defaulting to 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<i32>,
    /// Whether a changed template waits.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// `strategy` of a Deployment; `updateStrategy` of a StatefulSet or DaemonSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct UpdateStrategy {
    /// `RollingUpdate`, `Recreate` (Deployment) or `OnDelete` (the others); empty before defaulting
    /// to the first.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub type_: String,
    /// How many at a time, for `RollingUpdate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolling_update: Option<RollingUpdate>,
}

impl UpdateStrategy {
    fn is_empty(&self) -> bool {
        self.type_.is_empty() && self.rolling_update.is_none()
    }
}

/// `rollingUpdate` of any workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RollingUpdate {
    /// How many Pods may be missing, as a number or in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<IntOrString>,
    /// How many Pods there may be beyond the wished number, as a number or in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_surge: Option<IntOrString>,
    /// For a StatefulSet: only ordinals from here on are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<i32>,
}

/// `status` of a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DeploymentStatus {
    /// How many Pods there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub replicas: i32,
    /// How many of them are of the present template.
    #[serde(skip_serializing_if = "is_zero")]
    pub updated_replicas: i32,
    /// How many of them are ready.
    #[serde(skip_serializing_if = "is_zero")]
    pub ready_replicas: i32,
    /// How many of them have been ready long enough.
    #[serde(skip_serializing_if = "is_zero")]
    pub available_replicas: i32,
    /// How many are missing to the wished number of available ones.
    #[serde(skip_serializing_if = "is_zero")]
    pub unavailable_replicas: i32,
    /// The generation that this was written for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// A ReplicaSet: a number of Pods of one template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReplicaSet {
    /// Name and namespace.
    pub metadata: ObjectMeta,
    /// What is wished.
    pub spec: ReplicaSetSpec,
    /// How far it is.
    pub status: ReplicaSetStatus,
}

/// `spec` of a ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReplicaSetSpec {
    /// How many Pods; `None` before defaulting to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// How long a new Pod has to be ready before it counts as available, in seconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub min_ready_seconds: i32,
    /// Which Pods it calls its own.
    pub selector: LabelSelector,
    /// What its Pods look like.
    pub template: PodTemplateSpec,
}

/// `status` of a ReplicaSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReplicaSetStatus {
    /// How many Pods there are. The server always prints it.
    pub replicas: i32,
    /// How many of them have all labels of the template.
    #[serde(skip_serializing_if = "is_zero")]
    pub fully_labeled_replicas: i32,
    /// How many of them are ready.
    #[serde(skip_serializing_if = "is_zero")]
    pub ready_replicas: i32,
    /// How many of them have been ready long enough.
    #[serde(skip_serializing_if = "is_zero")]
    pub available_replicas: i32,
    /// The generation that this was written for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// A StatefulSet: Pods with numbers, each with a name of its own that stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StatefulSet {
    /// Name and namespace.
    pub metadata: ObjectMeta,
    /// What is wished.
    pub spec: StatefulSetSpec,
    /// How far it is.
    pub status: StatefulSetStatus,
}

/// `spec` of a StatefulSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StatefulSetSpec {
    /// How many Pods; `None` before defaulting to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Which Pods it calls its own.
    pub selector: LabelSelector,
    /// What its Pods look like.
    pub template: PodTemplateSpec,
    /// The headless Service under whose name its Pods are found.
    pub service_name: String,
    /// `OrderedReady` (one after the other) or `Parallel`; empty before defaulting.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pod_management_policy: String,
    /// How Pods of an old template are replaced.
    #[serde(skip_serializing_if = "UpdateStrategy::is_empty")]
    pub update_strategy: UpdateStrategy,
    /// How long a new Pod has to be ready before it counts as available, in seconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub min_ready_seconds: i32,
    /// Where the numbers begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordinals: Option<StatefulSetOrdinals>,
}

/// `spec.ordinals` of a StatefulSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StatefulSetOrdinals {
    /// The first Pod's number.
    pub start: i32,
}

/// `status` of a StatefulSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StatefulSetStatus {
    /// How many Pods there are. The server always prints it.
    pub replicas: i32,
    /// How many of them are ready.
    #[serde(skip_serializing_if = "is_zero")]
    pub ready_replicas: i32,
    /// How many of them are of the old template.
    #[serde(skip_serializing_if = "is_zero")]
    pub current_replicas: i32,
    /// How many of them are of the present template.
    #[serde(skip_serializing_if = "is_zero")]
    pub updated_replicas: i32,
    /// How many of them have been ready long enough. The server always prints it.
    pub available_replicas: i32,
    /// The name of the present template's ControllerRevision.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub update_revision: String,
    /// The generation that this was written for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// A DaemonSet: a Pod on every Node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DaemonSet {
    /// Name and namespace.
    pub metadata: ObjectMeta,
    /// What is wished.
    pub spec: DaemonSetSpec,
    /// How far it is.
    pub status: DaemonSetStatus,
}

/// `spec` of a DaemonSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DaemonSetSpec {
    /// Which Pods it calls its own.
    pub selector: LabelSelector,
    /// What its Pods look like.
    pub template: PodTemplateSpec,
    /// How Pods of an old template are replaced.
    #[serde(skip_serializing_if = "UpdateStrategy::is_empty")]
    pub update_strategy: UpdateStrategy,
    /// How long a new Pod has to be ready before it counts as available, in seconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub min_ready_seconds: i32,
}

/// `status` of a DaemonSet. The server prints the first four always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DaemonSetStatus {
    /// On how many Nodes its Pod runs that should have one.
    pub current_number_scheduled: i32,
    /// On how many Nodes its Pod runs that should have none.
    pub number_misscheduled: i32,
    /// On how many Nodes its Pod should run.
    pub desired_number_scheduled: i32,
    /// On how many of them it is ready.
    pub number_ready: i32,
    /// On how many of them it is of the present template.
    #[serde(skip_serializing_if = "is_zero")]
    pub updated_number_scheduled: i32,
    /// On how many of them it has been ready long enough.
    #[serde(skip_serializing_if = "is_zero")]
    pub number_available: i32,
    /// On how many of them it is missing.
    #[serde(skip_serializing_if = "is_zero")]
    pub number_unavailable: i32,
    /// The generation that this was written for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &i32) -> bool {
    *number == 0
}

decode_fields! {
    Deployment { metadata, spec, status }
    DeploymentSpec { replicas, selector, template, strategy, min_ready_seconds, revision_history_limit, paused }
    UpdateStrategy { type_, rolling_update }
    RollingUpdate { max_unavailable, max_surge, partition }
    DeploymentStatus { replicas, updated_replicas, ready_replicas, available_replicas, unavailable_replicas, observed_generation }
    ReplicaSet { metadata, spec, status }
    ReplicaSetSpec { replicas, min_ready_seconds, selector, template }
    ReplicaSetStatus { replicas, fully_labeled_replicas, ready_replicas, available_replicas, observed_generation }
    StatefulSet { metadata, spec, status }
    StatefulSetSpec { replicas, selector, template, service_name, pod_management_policy, update_strategy, min_ready_seconds, ordinals }
    StatefulSetOrdinals { start }
    StatefulSetStatus { replicas, ready_replicas, current_replicas, updated_replicas, available_replicas, update_revision, observed_generation }
    DaemonSet { metadata, spec, status }
    DaemonSetSpec { selector, template, update_strategy, min_ready_seconds }
    DaemonSetStatus { current_number_scheduled, number_misscheduled, desired_number_scheduled, number_ready, updated_number_scheduled, number_available, number_unavailable, observed_generation }
}
