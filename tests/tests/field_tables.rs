//! The table of fields that the engine's strict decoding knows is complete: held against the types of
//! the crate `k8s-openapi`, which are made from the API's own description.
//!
//! The crate has no release as old as the one that is modelled. So it is held against the oldest that
//! it has, v1.33: what that release knows the table knows too, as a field of the modelled release or
//! as one that came since; and what the table says of the modelled release is still there, but for
//! what was taken out meanwhile.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its helpers find nothing"
)]

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// The release that the crate describes, as its minor number.
const RELEASE: u32 = 33;

/// Fields of the modelled release that the one described has no more.
const REMOVED: &[(&str, &str)] = &[("PodResourceClaim", "source")];

/// The structs of the table that the release described has no more.
const REMOVED_STRUCTS: &[&str] = &["ClaimSource"];

/// Asks a type for its fields, and is content with the answer.
struct Asking;

/// The answer, as an error: no value is ever made.
#[derive(Debug, Default)]
struct Fields(Vec<&'static str>);

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Fields {}

impl de::Error for Fields {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::default()
    }
}

impl<'de> Deserializer<'de> for Asking {
    type Error = Fields;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fields> {
        Err(Fields::default())
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fields> {
        Err(Fields(fields.to_vec()))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn fields<T: for<'de> Deserialize<'de>>() -> Vec<&'static str> {
    match T::deserialize(Asking) {
        Ok(_) => Vec::new(),
        Err(fields) => fields.0,
    }
}

macro_rules! described {
    ($($(::)? $module:path: $($name:ident)*;)*) => {
        vec![$($({
            use $module as module;
            (stringify!($name), fields::<module::$name>())
        },)*)*]
    };
}

/// Every struct of the table, with the fields that the API's description gives it. One of a name that
/// two groups have is there twice.
fn described() -> Vec<(&'static str, Vec<&'static str>)> {
    described! {
        k8s_openapi::api::core::v1:
        AppArmorProfile AttachedVolume Capabilities ClientIPConfig ConfigMap
        ConfigMapEnvSource ConfigMapKeySelector ConfigMapNodeConfigSource Container
        ContainerImage ContainerPort ContainerResizePolicy ContainerState
        ContainerStateRunning ContainerStateTerminated ContainerStateWaiting
        ContainerStatus DaemonEndpoint EndpointAddress EndpointPort EndpointSubset
        Endpoints EnvFromSource EnvVar EnvVarSource EphemeralContainer ExecAction
        GRPCAction HTTPGetAction HTTPHeader HostAlias HostIP Lifecycle LifecycleHandler
        LoadBalancerIngress LoadBalancerStatus LocalObjectReference Namespace
        NamespaceCondition NamespaceSpec NamespaceStatus Node NodeAddress NodeCondition
        NodeConfigSource NodeConfigStatus NodeDaemonEndpoints NodeRuntimeHandler
        NodeRuntimeHandlerFeatures NodeSpec NodeStatus NodeSystemInfo
        ObjectFieldSelector ObjectReference Pod PodCondition PodDNSConfig
        PodDNSConfigOption PodIP PodOS PodReadinessGate PodResourceClaim
        PodResourceClaimStatus PodSchedulingGate PodSecurityContext PodSpec PodStatus
        PodTemplateSpec PortStatus Probe ResourceClaim ResourceFieldSelector
        ResourceRequirements SELinuxOptions SeccompProfile Secret SecretEnvSource
        SecretKeySelector SecurityContext Service ServiceAccount ServicePort ServiceSpec
        ServiceStatus SessionAffinityConfig SleepAction Sysctl TCPSocketAction Taint
        Toleration TopologySpreadConstraint VolumeDevice VolumeMount VolumeMountStatus
        WindowsSecurityContextOptions;
        k8s_openapi::api::apps::v1:
        DaemonSet DaemonSetCondition DaemonSetSpec DaemonSetStatus
        DaemonSetUpdateStrategy Deployment DeploymentCondition DeploymentSpec
        DeploymentStatus DeploymentStrategy ReplicaSet ReplicaSetCondition
        ReplicaSetSpec ReplicaSetStatus RollingUpdateDaemonSet RollingUpdateDeployment
        RollingUpdateStatefulSetStrategy StatefulSet StatefulSetCondition
        StatefulSetOrdinals StatefulSetPersistentVolumeClaimRetentionPolicy
        StatefulSetSpec StatefulSetStatus StatefulSetUpdateStrategy;
        k8s_openapi::api::discovery::v1:
        Endpoint EndpointConditions EndpointHints EndpointPort EndpointSlice ForZone;
        k8s_openapi::apimachinery::pkg::apis::meta::v1:
        Condition LabelSelector LabelSelectorRequirement ManagedFieldsEntry ObjectMeta
        OwnerReference;
    }
}

/// The table: by struct, each field with the minor number of the release that brought it, if that is
/// a later one than the one modelled.
fn table() -> BTreeMap<&'static str, BTreeMap<&'static str, Option<u32>>> {
    let mut table = BTreeMap::new();
    let mut current = "";
    for line in include_str!("../../engine/src/manifest/schema.txt").lines() {
        if line.is_empty() || line.starts_with('#') || line.starts_with("text ") {
            continue;
        }
        match line.strip_prefix(' ') {
            None => {
                let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
                current = name;
                if rest != "any" {
                    table.insert(current, BTreeMap::new());
                }
            }
            Some(field) => {
                let (name, ty) = field.split_once(' ').unwrap_or((field, "string"));
                let since = ty
                    .strip_prefix("since v1.")
                    .map(|minor| minor.parse().unwrap());
                table.get_mut(current).unwrap().insert(name, since);
            }
        }
    }
    table
}

#[test]
fn every_field_that_there_is_is_in_the_table() {
    let table = table();
    for (name, fields) in described() {
        assert!(!fields.is_empty(), "{name} tells no fields");
        for field in fields {
            let known = table[name].get(field);
            assert!(
                known.is_some_and(|since| since.is_none_or(|since| since <= RELEASE)),
                "{name}.{field} is missing, or said to be of a later release: {known:?}"
            );
        }
    }
}

#[test]
fn every_field_of_the_table_is_there() {
    let mut fields_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, fields) in described() {
        fields_of.entry(name).or_default().extend(fields);
    }
    for (name, fields) in table() {
        if REMOVED_STRUCTS.contains(&name) {
            continue;
        }
        let there = fields_of
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not asked for"));
        for (field, since) in fields {
            let is_there = there.contains(&field);
            let is_removed = REMOVED.contains(&(name, field));
            let is_expected = since.is_none_or(|since| since <= RELEASE) && !is_removed;
            assert_eq!(is_there, is_expected, "{name}.{field} ({since:?})");
        }
    }
}
