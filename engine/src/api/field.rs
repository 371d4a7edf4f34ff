//! Paths of fields as Kubernetes writes them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The path of a field: `spec.ports[0].nodePort`. The empty path is the object itself.
///
/// As `field.Path` in k8s.io/apimachinery `pkg/util/validation/field/path.go`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldPath(String);

impl FieldPath {
    /// The path with this text, which is taken as it is.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The path of a named field in here.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        if self.0.is_empty() {
            Self(name.to_owned())
        } else {
            Self(format!("{}.{name}", self.0))
        }
    }

    /// The path of a list's element in here.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// The path of a map's entry in here.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }

    /// The path that this one is in; `None` for the object itself.
    ///
    /// The key of a map may hold any characters, so an odd one can lead to a path between the two.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let at = if self.0.ends_with(']') {
            self.0.rfind('[')
        } else {
            self.0.rfind('.')
        };
        (!self.0.is_empty()).then(|| Self(self.0[..at.unwrap_or(0)].to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_as_kubernetes_writes_them() {
        let port = FieldPath::new("spec").child("ports").index(0);
        assert_eq!(port.child("nodePort").as_str(), "spec.ports[0].nodePort");
        assert_eq!(FieldPath::default().child("kind").as_str(), "kind");
        assert_eq!(
            FieldPath::new("spec.selector").key("app").as_str(),
            "spec.selector[app]"
        );
    }

    #[test]
    fn every_path_leads_up_to_the_object() {
        let mut path = FieldPath::new("metadata.annotations[a.io/b]");
        let mut seen = Vec::new();
        while let Some(parent) = path.parent() {
            seen.push(parent.to_string());
            path = parent;
        }
        assert_eq!(seen, ["metadata.annotations", "metadata", ""]);
        let port = FieldPath::new("spec.ports[0].port");
        assert_eq!(port.parent(), Some(FieldPath::new("spec.ports[0]")));
    }
}
