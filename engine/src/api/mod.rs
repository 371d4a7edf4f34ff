//! The API objects: own narrow types with the fields that decide where traffic goes.
//!
//! The shapes follow the API reference of [`crate::KUBERNETES_VERSION`]. Every type can be left
//! out in part, as in a manifest; `defaults` fills in what the API server fills in.

pub mod allocate;
#[cfg(test)]
mod decoders;
pub mod defaults;
mod endpoint_slice;
mod endpoints;
mod field;
mod meta;
mod node;
mod object;
mod opaque;
mod pod;
mod pod_status;
mod probe;
mod quantity;
pub mod selector;
mod service;
mod store;
pub mod validation;
mod workload;

pub use endpoint_slice::{
    AddressType, Endpoint, EndpointConditions, EndpointHints, EndpointPort, EndpointSlice, ForNode,
    ForZone, TargetRef,
};
pub use endpoints::{EndpointAddress, EndpointSubset, Endpoints, EndpointsPort};
pub use field::FieldPath;
pub use meta::{LabelSelector, LabelSelectorRequirement, ObjectMeta, OwnerReference};
pub use node::{Node, NodeAddress, NodeCondition, NodeSpec, NodeStatus, Taint};
pub use object::{ConfigMap, Kind, Namespace, Object, ObjectRef, Origin};
pub use opaque::Opaque;
pub use pod::{
    Container, ContainerPort, HostAlias, Pod, PodDnsConfig, PodDnsConfigOption, PodSpec,
    PodTemplateSpec, Toleration,
};
pub use pod_status::{
    ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
    ContainerStatus, PodCondition, PodIp, PodStatus,
};
pub use probe::{Probe, ProbePort};
pub use quantity::Quantity;
pub use service::{
    ClientIpConfig, IntOrString, LoadBalancerIngress, LoadBalancerStatus, Service, ServicePort,
    ServiceSpec, ServiceStatus, SessionAffinityConfig,
};
pub use store::{AlreadyExists, Store};
pub use workload::{
    DaemonSet, DaemonSetSpec, DaemonSetStatus, Deployment, DeploymentSpec, DeploymentStatus,
    ReplicaSet, ReplicaSetSpec, ReplicaSetStatus, RollingUpdate, StatefulSet, StatefulSetOrdinals,
    StatefulSetSpec, StatefulSetStatus, UpdateStrategy,
};
