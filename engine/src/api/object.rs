//! Any object, and how one is named.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    DaemonSet, Deployment, EndpointSlice, Endpoints, FieldPath, Node, ObjectMeta, Opaque, Pod,
    ReplicaSet, Service, StatefulSet,
};
use crate::yaml::decode_fields;

/// The kinds that are modelled.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Kind {
    /// `v1` Namespace.
    Namespace,
    /// `v1` Node.
    Node,
    /// `v1` Pod.
    #[default]
    Pod,
    /// `v1` Service.
    Service,
    /// `v1` Endpoints.
    Endpoints,
    /// `v1` ConfigMap.
    ConfigMap,
    /// `v1` Secret, kept as it is.
    Secret,
    /// `v1` ServiceAccount, kept as it is.
    ServiceAccount,
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` ReplicaSet.
    ReplicaSet,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `apps/v1` DaemonSet.
    DaemonSet,
    /// `discovery.k8s.io/v1` EndpointSlice.
    EndpointSlice,
}

impl Kind {
    /// All of them, in the order of their declaration.
    pub const ALL: [Kind; 13] = [
        Kind::Namespace,
        Kind::Node,
        Kind::Pod,
        Kind::Service,
        Kind::Endpoints,
        Kind::ConfigMap,
        Kind::Secret,
        Kind::ServiceAccount,
        Kind::Deployment,
        Kind::ReplicaSet,
        Kind::StatefulSet,
        Kind::DaemonSet,
        Kind::EndpointSlice,
    ];

    /// As `kind:` says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::Node => "Node",
            Self::Pod => "Pod",
            Self::Service => "Service",
            Self::Endpoints => "Endpoints",
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::ServiceAccount => "ServiceAccount",
            Self::Deployment => "Deployment",
            Self::ReplicaSet => "ReplicaSet",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::EndpointSlice => "EndpointSlice",
        }
    }

    /// As resources are called in paths and errors: `endpointslices.discovery.k8s.io`.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Namespace => "namespaces",
            Self::Node => "nodes",
            Self::Pod => "pods",
            Self::Service => "services",
            Self::Endpoints => "endpoints",
            Self::ConfigMap => "configmaps",
            Self::Secret => "secrets",
            Self::ServiceAccount => "serviceaccounts",
            Self::Deployment => "deployments.apps",
            Self::ReplicaSet => "replicasets.apps",
            Self::StatefulSet => "statefulsets.apps",
            Self::DaemonSet => "daemonsets.apps",
            Self::EndpointSlice => "endpointslices.discovery.k8s.io",
        }
    }

    /// As `apiVersion:` says it.
    #[must_use]
    pub fn api_version(self) -> &'static str {
        match self {
            Self::Deployment | Self::ReplicaSet | Self::StatefulSet | Self::DaemonSet => "apps/v1",
            Self::EndpointSlice => "discovery.k8s.io/v1",
            _ => "v1",
        }
    }

    /// As errors of validation call it: `Deployment.apps`.
    #[must_use]
    pub fn with_group(self) -> String {
        match self.api_version().rsplit_once('/') {
            None => self.as_str().to_owned(),
            Some((group, _)) => format!("{self}.{group}"),
        }
    }

    /// Whether its objects live in a namespace.
    #[must_use]
    pub fn is_namespaced(self) -> bool {
        !matches!(self, Self::Namespace | Self::Node)
    }

    /// Whether its objects make Pods.
    #[must_use]
    pub fn is_workload(self) -> bool {
        matches!(
            self,
            Self::Deployment | Self::ReplicaSet | Self::StatefulSet | Self::DaemonSet
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `v1` Namespace: a name, and no more that matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Namespace {
    /// Its name.
    pub metadata: ObjectMeta,
}

/// `v1` ConfigMap: CoreDNS reads its Corefile from one. Source: k8s.io/api `core/v1/types.go`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConfigMap {
    /// Name and namespace.
    pub metadata: ObjectMeta,
    /// Its files by name; what is not text (`binaryData`) is left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
}

/// How an object is named. Names are ordered as the keys of the API server's storage are:
/// `namespace/name` compared as bytes, so that `bank-test/x` comes before `bank/x`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ObjectRef {
    /// Its kind.
    pub kind: Kind,
    /// Empty for what belongs to no namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectRef {
    /// A name.
    #[must_use]
    pub fn new(kind: Kind, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind,
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl Ord for ObjectRef {
    fn cmp(&self, other: &Self) -> Ordering {
        // As if each namespace ended with a slash: only where one is the beginning of the other does
        // that make a difference.
        let namespaces = || {
            let (own, others) = (self.namespace.as_bytes(), other.namespace.as_bytes());
            let length = own.len().min(others.len());
            own[..length].cmp(&others[..length]).then_with(|| {
                match (own.get(length), others.get(length)) {
                    (None, None) => Ordering::Equal,
                    (None, Some(next)) => b'/'.cmp(next).then(Ordering::Less),
                    (Some(next), None) => next.cmp(&b'/').then(Ordering::Greater),
                    (Some(next), Some(others)) => next.cmp(others),
                }
            })
        };
        self.kind
            .cmp(&other.kind)
            .then_with(namespaces)
            .then_with(|| self.name.cmp(&other.name))
    }
}

impl PartialOrd for ObjectRef {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `Kind namespace/name`, or `Kind name`.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// What caused something: a field of an object. The lab finds its place in the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The object.
    pub object: ObjectRef,
    /// The field; empty for the object as a whole.
    pub field: FieldPath,
}

impl Origin {
    /// A field of an object.
    #[must_use]
    pub fn new(object: ObjectRef, field: FieldPath) -> Self {
        Self { object, field }
    }
}

/// Any object of a modelled kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind")]
pub enum Object {
    /// A Namespace.
    Namespace(Namespace),
    /// A Node.
    Node(Node),
    /// A Pod.
    Pod(Pod),
    /// A Service.
    Service(Service),
    /// Endpoints.
    Endpoints(Endpoints),
    /// A ConfigMap.
    ConfigMap(ConfigMap),
    /// A Secret.
    Secret(Opaque),
    /// A ServiceAccount.
    ServiceAccount(Opaque),
    /// A Deployment.
    Deployment(Deployment),
    /// A ReplicaSet.
    ReplicaSet(ReplicaSet),
    /// A StatefulSet.
    StatefulSet(StatefulSet),
    /// A DaemonSet.
    DaemonSet(DaemonSet),
    /// An EndpointSlice.
    EndpointSlice(EndpointSlice),
}

impl Object {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Namespace(_) => Kind::Namespace,
            Self::Node(_) => Kind::Node,
            Self::Pod(_) => Kind::Pod,
            Self::Service(_) => Kind::Service,
            Self::Endpoints(_) => Kind::Endpoints,
            Self::ConfigMap(_) => Kind::ConfigMap,
            Self::Secret(_) => Kind::Secret,
            Self::ServiceAccount(_) => Kind::ServiceAccount,
            Self::Deployment(_) => Kind::Deployment,
            Self::ReplicaSet(_) => Kind::ReplicaSet,
            Self::StatefulSet(_) => Kind::StatefulSet,
            Self::DaemonSet(_) => Kind::DaemonSet,
            Self::EndpointSlice(_) => Kind::EndpointSlice,
        }
    }

    /// Its metadata.
    #[must_use]
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Namespace(object) => &object.metadata,
            Self::Node(object) => &object.metadata,
            Self::Pod(object) => &object.metadata,
            Self::Service(object) => &object.metadata,
            Self::Endpoints(object) => &object.metadata,
            Self::Deployment(object) => &object.metadata,
            Self::ReplicaSet(object) => &object.metadata,
            Self::StatefulSet(object) => &object.metadata,
            Self::DaemonSet(object) => &object.metadata,
            Self::EndpointSlice(object) => &object.metadata,
            Self::ConfigMap(object) => &object.metadata,
            Self::Secret(object) | Self::ServiceAccount(object) => &object.metadata,
        }
    }

    /// Its metadata, to be changed.
    pub fn metadata_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Namespace(object) => &mut object.metadata,
            Self::Node(object) => &mut object.metadata,
            Self::Pod(object) => &mut object.metadata,
            Self::Service(object) => &mut object.metadata,
            Self::Endpoints(object) => &mut object.metadata,
            Self::Deployment(object) => &mut object.metadata,
            Self::ReplicaSet(object) => &mut object.metadata,
            Self::StatefulSet(object) => &mut object.metadata,
            Self::DaemonSet(object) => &mut object.metadata,
            Self::EndpointSlice(object) => &mut object.metadata,
            Self::ConfigMap(object) => &mut object.metadata,
            Self::Secret(object) | Self::ServiceAccount(object) => &mut object.metadata,
        }
    }

    /// How it is named.
    #[must_use]
    pub fn reference(&self) -> ObjectRef {
        let metadata = self.metadata();
        ObjectRef::new(
            self.kind(),
            metadata.namespace.clone(),
            metadata.name.clone(),
        )
    }
}

decode_fields! {
    Namespace { metadata }
    ConfigMap { metadata, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_their_keys_in_the_store() {
        let namespaces = ["", "a", "a-b", "a/", "a/b", "a0", "ab", "b"];
        let of = |namespace: &str| ObjectRef::new(Kind::Pod, namespace, "x");
        for one in namespaces {
            for other in namespaces {
                let keys = format!("{one}/").cmp(&format!("{other}/"));
                assert_eq!(of(one).cmp(&of(other)), keys, "{one:?} {other:?}");
            }
        }
    }
}
