//! The resources that the API serves, and the words that mean them.
//!
//! Source: the discovery documents of Kubernetes v1.34; kubectl's `api-resources`; k8s.io/client-go
//! `restmapper/shortcut.go`; k8s.io/apimachinery `pkg/api/meta/restmapper.go`.

/// A resource: a kind of objects and its place in the API.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// `services`.
    pub plural: &'static str,
    /// `service`.
    pub singular: &'static str,
    /// `svc`.
    pub short: &'static [&'static str],
    /// `Service`.
    pub kind: &'static str,
    /// Empty for the core group.
    pub group: &'static str,
    /// `v1`.
    pub version: &'static str,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    /// Whether `all` means it too.
    pub in_all: bool,
    /// What the server warns of whenever it is asked for.
    pub warning: Option<&'static str>,
}

impl Resource {
    /// `deployments.apps`.
    #[must_use]
    pub fn qualified(&self) -> String {
        with_group(self.plural, self.group)
    }

    /// `Deployment.apps`, as the server names a kind in an error.
    #[must_use]
    pub fn qualified_kind(&self) -> String {
        with_group(self.kind, self.group)
    }

    /// `deployment.apps`, as kubectl names an object: `deployment.apps/web`.
    #[must_use]
    pub fn printed(&self) -> String {
        with_group(self.singular, self.group)
    }

    /// `apps/v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

fn with_group(word: &str, group: &str) -> String {
    if group.is_empty() {
        word.to_owned()
    } else {
        format!("{word}.{group}")
    }
}

const fn core(
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    short: &'static [&'static str],
) -> Resource {
    Resource {
        plural,
        singular,
        short,
        kind,
        group: "",
        version: "v1",
        namespaced: true,
        in_all: false,
        warning: None,
    }
}

const fn apps(
    plural: &'static str,
    singular: &'static str,
    kind: &'static str,
    short: &'static [&'static str],
) -> Resource {
    Resource {
        group: "apps",
        in_all: true,
        ..core(plural, singular, kind, short)
    }
}

/// All of them, as `api-resources` lists them: by group, then by name.
pub static RESOURCES: [Resource; 14] = [
    core("configmaps", "configmap", "ConfigMap", &["cm"]),
    Resource {
        warning: Some(
            "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
        ),
        ..core("endpoints", "endpoints", "Endpoints", &["ep"])
    },
    core("events", "event", "Event", &["ev"]),
    Resource {
        namespaced: false,
        ..core("namespaces", "namespace", "Namespace", &["ns"])
    },
    Resource {
        namespaced: false,
        ..core("nodes", "node", "Node", &["no"])
    },
    Resource {
        in_all: true,
        ..core("pods", "pod", "Pod", &["po"])
    },
    core("secrets", "secret", "Secret", &[]),
    core(
        "serviceaccounts",
        "serviceaccount",
        "ServiceAccount",
        &["sa"],
    ),
    Resource {
        in_all: true,
        ..core("services", "service", "Service", &["svc"])
    },
    apps("daemonsets", "daemonset", "DaemonSet", &["ds"]),
    apps("deployments", "deployment", "Deployment", &["deploy"]),
    apps("replicasets", "replicaset", "ReplicaSet", &["rs"]),
    apps("statefulsets", "statefulset", "StatefulSet", &["sts"]),
    Resource {
        group: "discovery.k8s.io",
        ..core("endpointslices", "endpointslice", "EndpointSlice", &[])
    },
];

/// The resource that a word means: `svc`, `Service`, `deployments.apps`, `deployments.v1.apps`.
#[must_use]
pub fn find(word: &str) -> Option<&'static Resource> {
    let (name, rest) = word.split_once('.').unwrap_or((word, ""));
    let lower = name.to_ascii_lowercase();
    RESOURCES.iter().find(|resource| {
        let named = resource.plural == lower
            || resource.singular == lower
            // A short name is told apart by its case.
            || resource.short.contains(&name);
        let (version, group) = rest.split_once('.').unwrap_or((rest, ""));
        named
            && (rest.is_empty()
                || (!resource.group.is_empty() && resource.group.starts_with(rest))
                || (version == resource.version && resource.group.starts_with(group)))
    })
}

/// The resource of a kind in an API version.
#[must_use]
pub fn of_kind(api_version: &str, kind: &str) -> Option<&'static Resource> {
    RESOURCES
        .iter()
        .find(|resource| resource.kind == kind && resource.api_version() == api_version)
}

/// The resource of this kind; the caller names one that is there.
#[must_use]
pub fn by_kind(kind: &str) -> &'static Resource {
    RESOURCES
        .iter()
        .find(|resource| resource.kind == kind)
        .unwrap_or(&RESOURCES[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_resources() {
        for (word, plural) in [
            ("svc", "services"),
            ("Service", "services"),
            ("PODS", "pods"),
            ("deploy", "deployments"),
            ("deployments.apps", "deployments"),
            ("deployment.v1.apps", "deployments"),
            ("endpointslices.discovery", "endpointslices"),
            ("ep", "endpoints"),
        ] {
            assert_eq!(find(word).map(|r| r.plural), Some(plural), "{word}");
        }
        for word in ["foo", "", "SVC", "pods.apps", "deployments.v2.apps"] {
            assert_eq!(find(word), None, "{word}");
        }
        assert_eq!(by_kind("Deployment").printed(), "deployment.apps");
    }
}
