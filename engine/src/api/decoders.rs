//! Test: the fields that a type is decoded from in a manifest are those that serde knows of it.

use serde::de::{Deserialize, Deserializer, Error as _, Visitor, value::Error};
use serde::forward_to_deserialize_any;

use super::*;
use crate::yaml::Fields;

/// Notes which fields a type asks for, and gives none.
struct Asked<'a>(&'a mut Vec<&'static str>);

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.extend(fields);
        Err(Error::custom("only asking"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("not a type with fields"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn agree<T: Fields + Default + for<'de> Deserialize<'de>>() {
    let mut fields = Vec::new();
    let _ = T::deserialize(Asked(&mut fields));
    let mut value = T::default();
    assert!(!fields.is_empty(), "{}", value.type_name());
    for field in fields {
        let known = value.field(field).is_some();
        assert!(known, "{} is decoded without {field}", value.type_name());
    }
    assert!(value.field("noSuchField").is_none());
}

macro_rules! all_agree {
    ($($type:ident)*) => { $(agree::<$type>();)* };
}

#[test]
fn both_ways_of_decoding_know_the_same_fields() {
    all_agree! {
        ClientIpConfig ConfigMap Container ContainerPort ContainerState ContainerStateRunning
        ContainerStateTerminated ContainerStateWaiting ContainerStatus DaemonSet DaemonSetSpec
        DaemonSetStatus Deployment DeploymentSpec DeploymentStatus Endpoint EndpointAddress
        EndpointConditions EndpointHints EndpointPort EndpointSlice EndpointSubset Endpoints
        EndpointsPort ForNode ForZone HostAlias LabelSelector LabelSelectorRequirement
        LoadBalancerIngress LoadBalancerStatus Namespace Node NodeAddress NodeCondition NodeSpec
        NodeStatus ObjectMeta Opaque OwnerReference Pod PodCondition PodDnsConfig
        PodDnsConfigOption PodIp PodSpec PodStatus PodTemplateSpec Probe ProbePort ReplicaSet
        ReplicaSetSpec ReplicaSetStatus RollingUpdate Service ServicePort ServiceSpec
        ServiceStatus SessionAffinityConfig StatefulSet StatefulSetOrdinals StatefulSetSpec
        StatefulSetStatus Taint TargetRef Toleration UpdateStrategy
    }
}
