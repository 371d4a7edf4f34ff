//! Any object, and how one is named.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Deployment, EndpointSlice, FieldPath, Node, ObjectMeta, Pod, Service};
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
    /// `apps/v1` Deployment.
    Deployment,
    /// `discovery.k8s.io/v1` EndpointSlice.
    EndpointSlice,
    /// `v1` ConfigMap.
    ConfigMap,
}

impl Kind {
    /// All of them, in the order in which a lab applies them.
    pub const ALL: [Kind; 7] = [
        Kind::Namespace,
        Kind::Node,
        Kind::ConfigMap,
        Kind::Service,
        Kind::Deployment,
        Kind::Pod,
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
            Self::Deployment => "Deployment",
            Self::EndpointSlice => "EndpointSlice",
            Self::ConfigMap => "ConfigMap",
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
            Self::Deployment => "deployments.apps",
            Self::EndpointSlice => "endpointslices.discovery.k8s.io",
            Self::ConfigMap => "configmaps",
        }
    }

    /// As `apiVersion:` says it.
    #[must_use]
    pub fn api_version(self) -> &'static str {
        match self {
            Self::Namespace | Self::Node | Self::Pod | Self::Service | Self::ConfigMap => "v1",
            Self::Deployment => "apps/v1",
            Self::EndpointSlice => "discovery.k8s.io/v1",
        }
    }

    /// Whether its objects live in a namespace.
    #[must_use]
    pub fn is_namespaced(self) -> bool {
        !matches!(self, Self::Namespace | Self::Node)
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

/// How an object is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// A Deployment.
    Deployment(Deployment),
    /// An EndpointSlice.
    EndpointSlice(EndpointSlice),
    /// A ConfigMap.
    ConfigMap(ConfigMap),
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
            Self::Deployment(_) => Kind::Deployment,
            Self::EndpointSlice(_) => Kind::EndpointSlice,
            Self::ConfigMap(_) => Kind::ConfigMap,
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
            Self::Deployment(object) => &object.metadata,
            Self::EndpointSlice(object) => &object.metadata,
            Self::ConfigMap(object) => &object.metadata,
        }
    }

    /// Its metadata, to be changed.
    pub fn metadata_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Namespace(object) => &mut object.metadata,
            Self::Node(object) => &mut object.metadata,
            Self::Pod(object) => &mut object.metadata,
            Self::Service(object) => &mut object.metadata,
            Self::Deployment(object) => &mut object.metadata,
            Self::EndpointSlice(object) => &mut object.metadata,
            Self::ConfigMap(object) => &mut object.metadata,
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
