//! Where a command runs: on the laptop of the street, on another machine, on a Node, in a Pod.

use serde::Serialize;

use crate::api::{Kind, ObjectRef, Store};

/// Where a command runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Place {
    /// The machine of the street where kubectl is.
    #[default]
    Laptop,
    /// Another machine of the street.
    Outside {
        /// Its name.
        name: String,
    },
    /// A Node.
    Node {
        /// Its name.
        name: String,
    },
    /// A container of a Pod.
    Pod {
        /// The Pod's Namespace.
        namespace: String,
        /// The Pod's name.
        name: String,
        /// The container's name; empty for the first one.
        container: String,
    },
}

impl Place {
    /// As [`crate::network::Request::from`] says it.
    #[must_use]
    pub fn client(&self) -> String {
        match self {
            Self::Laptop => "external".to_owned(),
            Self::Outside { name } => format!("external/{name}"),
            Self::Node { name } => format!("node/{name}"),
            Self::Pod {
                namespace, name, ..
            } => format!("pod/{namespace}/{name}"),
        }
    }

    /// What stands before the line that is typed there: `$`, `node-1 #`, `web-1 #`.
    #[must_use]
    pub fn prompt(&self) -> String {
        match self {
            Self::Laptop => "$".to_owned(),
            Self::Outside { name } => format!("{name} $"),
            Self::Node { name } | Self::Pod { name, .. } => format!("{name} #"),
        }
    }

    /// Reads `pod/NAME`, `pod/NAMESPACE/NAME`, `node/NAME`, `external/NAME`, `laptop` or a name
    /// alone: of a Node, of a Pod in the Namespace, of the only Pod of that name.
    ///
    /// # Errors
    ///
    /// Nobody is called so, in words.
    pub(super) fn read(text: &str, namespace: &str, store: &Store) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            ["laptop" | "external"] => Ok(Self::Laptop),
            ["internet"] => Ok(Self::Outside {
                name: "internet".to_owned(),
            }),
            ["external", name] => Ok(Self::Outside {
                name: name.to_owned(),
            }),
            ["node" | "no" | "nodes", name] if store.node("", name).is_some() => Ok(Self::Node {
                name: name.to_owned(),
            }),
            ["node" | "no" | "nodes", name] => Err(format!("there is no Node {name}")),
            [name] if store.node("", name).is_some() => Ok(Self::Node {
                name: name.to_owned(),
            }),
            _ => pod(text, namespace, store).map(|pod| Self::Pod {
                namespace: pod.namespace,
                name: pod.name,
                container: String::new(),
            }),
        }
    }
}

/// The Pod that a text means: `web-1`, `pod/web-1`, `shop/web-1`, `pod/shop/web-1`.
pub(super) fn pod(text: &str, namespace: &str, store: &Store) -> Result<ObjectRef, String> {
    let parts: Vec<&str> = text.split('/').collect();
    let (given, name) = match parts[..] {
        ["pod" | "po" | "pods", name] => (None, name),
        ["pod" | "po" | "pods", namespace, name] | [namespace, name] => (Some(namespace), name),
        [name] => (None, name),
        _ => {
            return Err(format!(
                "cannot read {text:?}: a Pod is NAME or NAMESPACE/NAME"
            ));
        }
    };
    let named = |pod: &&crate::api::Pod| pod.metadata.name == name;
    let mut all = store.pods().filter(named);
    let found = match given {
        Some(given) => store.pod(given, name),
        None => store.pod(namespace, name).or_else(|| {
            let first = all.next();
            first.filter(|_| all.next().is_none())
        }),
    };
    match found {
        Some(pod) => Ok(ObjectRef::new(Kind::Pod, &*pod.metadata.namespace, name)),
        None => Err(format!("there is no Pod {text}")),
    }
}
