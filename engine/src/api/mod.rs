//! The API objects: own narrow types with the fields that decide where traffic goes.
//!
//! The shapes follow the API reference of [`crate::KUBERNETES_VERSION`]. Every type can be left
//! out in part, as in a manifest; `defaults` fills in what the API server fills in.

pub mod allocate;
#[cfg(test)]
mod decoders;
pub mod defaults;
mod endpoint_slice;
mod field;
mod meta;
mod node;
mod object;
mod pod;
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
pub use field::FieldPath;
pub use meta::{LabelSelector, LabelSelectorRequirement, ObjectMeta, OwnerReference};
pub use node::{Node, NodeAddress, NodeCondition, NodeSpec, NodeStatus, Taint};
pub use object::{ConfigMap, Kind, Namespace, Object, ObjectRef, Origin};
pub use pod::{
    Container, ContainerPort, HostAlias, Pod, PodCondition, PodDnsConfig, PodDnsConfigOption,
    PodIp, PodSpec, PodStatus, PodTemplateSpec,
};
pub use quantity::Quantity;
pub use service::{
    ClientIpConfig, IntOrString, LoadBalancerIngress, LoadBalancerStatus, Service, ServicePort,
    ServiceSpec, ServiceStatus, SessionAffinityConfig,
};
pub use store::{AlreadyExists, Store};
pub use workload::{Deployment, DeploymentSpec, DeploymentStatus};
