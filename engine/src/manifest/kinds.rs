//! Which kinds there are, and which of them are modelled.
//!
//! The kinds that an API server of [`crate::KUBERNETES_VERSION`] serves by itself, as
//! `kubectl api-resources` prints them. Those that are not modelled are left out with a note,
//! because a person's real manifests have them; an unknown kind in one of Kubernetes' own groups is
//! an error, and one in somebody else's group is a custom resource.

use super::nearest::nearest;
use crate::api::Kind;
use crate::diagnostic::{Diagnostic, Span};

/// What leaving a kind out means for traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// Nothing.
    Nothing,
    /// It would make Pods.
    Pods,
    /// It would decide about traffic.
    Traffic,
}

/// Group and versions, and the kinds in there that are not modelled.
const LEFT_OUT: &[(&[&str], Loss, &[&str])] = &[
    (
        &["v1"],
        Loss::Nothing,
        &[
            "Binding",
            "ComponentStatus",
            "Event",
            "LimitRange",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "PodTemplate",
            "ResourceQuota",
        ],
    ),
    (&["v1"], Loss::Pods, &["ReplicationController"]),
    (&["apps/v1"], Loss::Nothing, &["ControllerRevision"]),
    (&["batch/v1"], Loss::Pods, &["CronJob", "Job"]),
    (
        &["networking.k8s.io/v1"],
        Loss::Traffic,
        &["Ingress", "IngressClass", "NetworkPolicy"],
    ),
    (
        &["rbac.authorization.k8s.io/v1"],
        Loss::Nothing,
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    (&["policy/v1"], Loss::Nothing, &["PodDisruptionBudget"]),
    (
        &["autoscaling/v2", "autoscaling/v1"],
        Loss::Nothing,
        &["HorizontalPodAutoscaler"],
    ),
    (
        &["storage.k8s.io/v1"],
        Loss::Nothing,
        &[
            "CSIDriver",
            "CSINode",
            "CSIStorageCapacity",
            "StorageClass",
            "VolumeAttachment",
        ],
    ),
    (&["scheduling.k8s.io/v1"], Loss::Nothing, &["PriorityClass"]),
    (&["node.k8s.io/v1"], Loss::Nothing, &["RuntimeClass"]),
    (&["coordination.k8s.io/v1"], Loss::Nothing, &["Lease"]),
    (&["events.k8s.io/v1"], Loss::Nothing, &["Event"]),
    (
        &["admissionregistration.k8s.io/v1"],
        Loss::Nothing,
        &[
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    (
        &["apiextensions.k8s.io/v1"],
        Loss::Nothing,
        &["CustomResourceDefinition"],
    ),
    (
        &["apiregistration.k8s.io/v1"],
        Loss::Nothing,
        &["APIService"],
    ),
    (
        &["certificates.k8s.io/v1"],
        Loss::Nothing,
        &["CertificateSigningRequest"],
    ),
    (
        &[
            "flowcontrol.apiserver.k8s.io/v1",
            "flowcontrol.apiserver.k8s.io/v1beta3",
        ],
        Loss::Nothing,
        &["FlowSchema", "PriorityLevelConfiguration"],
    ),
];

/// The kind of this name in this version; a diagnostic when it is not modelled or does not exist.
pub(super) fn find(
    kind: &str,
    api_version: &str,
    kind_span: Span,
    version_span: Span,
) -> Result<Kind, Box<Diagnostic>> {
    let modelled = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
    if let Some(known) = modelled
        && known.api_version() == api_version
    {
        return Ok(known);
    }
    let group = |version: &str| {
        version
            .rsplit_once('/')
            .map_or("", |(group, _)| group)
            .to_owned()
    };
    let left_out: Vec<_> = LEFT_OUT
        .iter()
        .filter(|(_, _, kinds)| kinds.contains(&kind))
        .collect();
    if let Some((_, loss, _)) = left_out
        .iter()
        .find(|(versions, ..)| versions.contains(&api_version))
    {
        let message = match loss {
            Loss::Nothing => format!("{kind} is not modelled: left out"),
            Loss::Pods => {
                format!("{kind} is not modelled: left out, and so there are no Pods of it")
            }
            Loss::Traffic => {
                format!("{kind} is not modelled: left out, and so it has no effect on traffic here")
            }
        };
        return Err(Box::new(Diagnostic::note(message, kind_span)));
    }
    let known_versions: Vec<&str> = modelled
        .map(Kind::api_version)
        .into_iter()
        .chain(
            left_out
                .iter()
                .flat_map(|(versions, ..)| versions.iter().copied()),
        )
        .collect();
    let no_matches = |span| {
        Diagnostic::error(
            format!("no matches for kind \"{kind}\" in version \"{api_version}\""),
            span,
        )
    };
    if let Some(version) = known_versions.first() {
        let hint = format!("{kind} is in `apiVersion: {version}`");
        return Err(Box::new(no_matches(version_span).with_hint(hint)));
    }
    let own_groups = Kind::ALL.into_iter().map(Kind::api_version);
    let is_own_group = own_groups
        .chain(
            LEFT_OUT
                .iter()
                .flat_map(|(versions, ..)| versions.iter().copied()),
        )
        .any(|version| group(version) == group(api_version));
    if !is_own_group && group(api_version).contains('.') {
        return Err(Box::new(Diagnostic::note(
            format!(
                "{kind} in {api_version} is a custom resource, and none are modelled: left out"
            ),
            kind_span,
        )));
    }
    let names = Kind::ALL.into_iter().map(Kind::as_str);
    let all = names.chain(
        LEFT_OUT
            .iter()
            .flat_map(|(_, _, kinds)| kinds.iter().copied()),
    );
    let error = no_matches(kind_span);
    Err(Box::new(match nearest(kind, all) {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error.with_hint("ensure CRDs are installed first"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &str, api_version: &str, message: &str, hint: Option<&str>) {
        let found = find(kind, api_version, Span::default(), Span::default()).unwrap_err();
        assert_eq!(found.message, message);
        assert_eq!(found.hint.as_deref(), hint);
    }

    #[test]
    fn kinds_and_versions_belong_together() {
        let here = Span::default();
        assert_eq!(find("Service", "v1", here, here), Ok(Kind::Service));
        assert_eq!(
            find("Deployment", "apps/v1", here, here),
            Ok(Kind::Deployment)
        );
        check(
            "Deployment",
            "v1",
            r#"no matches for kind "Deployment" in version "v1""#,
            Some("Deployment is in `apiVersion: apps/v1`"),
        );
        check(
            "Ingress",
            "extensions/v1beta1",
            r#"no matches for kind "Ingress" in version "extensions/v1beta1""#,
            Some("Ingress is in `apiVersion: networking.k8s.io/v1`"),
        );
        check(
            "Servce",
            "v1",
            r#"no matches for kind "Servce" in version "v1""#,
            Some("did you mean `Service`?"),
        );
        check(
            "LimitRange",
            "v1",
            "LimitRange is not modelled: left out",
            None,
        );
        check(
            "Certificate",
            "cert-manager.io/v1",
            "Certificate in cert-manager.io/v1 is a custom resource, and none are modelled: left out",
            None,
        );
    }
}
