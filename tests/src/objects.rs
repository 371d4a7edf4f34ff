//! The objects of a vector's YAML files, as the engine's types.
//!
//! Read by serde_yaml and not by the engine's own reader, so that a mistake of one does not show as
//! one of the other; the vectors of kind `yaml` are there for the reader.

use lobby_engine::api::{Object, defaults};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_yaml::Value;

use crate::vector::Failure;

/// The objects of several documents, with the API server's defaults.
///
/// # Errors
///
/// A text that is no YAML, or an object that is not modelled.
pub fn read(text: &str) -> Result<Vec<Object>, Failure> {
    let mut objects = as_written(text)?;
    for object in &mut objects {
        match object {
            Object::Service(service) => defaults::service(service),
            Object::Pod(pod) => defaults::pod_spec(&mut pod.spec),
            Object::EndpointSlice(slice) => defaults::endpoint_slice(slice),
            _ => {}
        }
    }
    Ok(objects)
}

/// The objects of several documents, as they stand there.
///
/// # Errors
///
/// As for [`read`].
pub fn as_written(text: &str) -> Result<Vec<Object>, Failure> {
    fn typed<T: DeserializeOwned>(value: Value, wrap: fn(T) -> Object) -> Result<Object, Failure> {
        Ok(wrap(serde_yaml::from_value(value)?))
    }
    let mut objects = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = Value::deserialize(document)?;
        if value.is_null() {
            continue;
        }
        let kind = value["kind"].as_str().unwrap_or_default().to_owned();
        objects.push(match kind.as_str() {
            "Namespace" => typed(value, Object::Namespace)?,
            "Node" => typed(value, Object::Node)?,
            "Pod" => typed(value, Object::Pod)?,
            "Service" => typed(value, Object::Service)?,
            "Endpoints" => typed(value, Object::Endpoints)?,
            "Deployment" => typed(value, Object::Deployment)?,
            "ReplicaSet" => typed(value, Object::ReplicaSet)?,
            "StatefulSet" => typed(value, Object::StatefulSet)?,
            "DaemonSet" => typed(value, Object::DaemonSet)?,
            "EndpointSlice" => typed(value, Object::EndpointSlice)?,
            "ConfigMap" => typed(value, Object::ConfigMap)?,
            _ => return Err(Failure::new(format!("the engine has no kind {kind:?}"))),
        });
    }
    Ok(objects)
}
