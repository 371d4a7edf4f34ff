//! What the controllers of workloads have in common.
//!
//! Source: Kubernetes v1.30.5 `pkg/controller/controller_utils.go`.

use super::clock;
use super::kubelet::is_ready;
use crate::api::selector::Selector;
use crate::api::{
    Kind, LabelSelector, ObjectMeta, ObjectRef, OwnerReference, Pod, PodTemplateSpec,
};
use crate::random;

/// The label by which a ReplicaSet tells its Pods from those of an older template.
pub const POD_TEMPLATE_HASH: &str = "pod-template-hash";
/// The label by which a StatefulSet or DaemonSet does so.
pub const REVISION_HASH: &str = "controller-revision-hash";

/// What a controller does about its Pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodChange {
    /// Make this one. Its name, labels and owner are set.
    Create(Box<Pod>),
    /// Delete this one of the workload's namespace.
    Delete(String),
}

/// The reference by which a workload owns what it made.
#[must_use]
pub fn owner(kind: Kind, metadata: &ObjectMeta) -> OwnerReference {
    OwnerReference {
        api_version: kind.api_version().to_owned(),
        kind: kind.as_str().to_owned(),
        name: metadata.name.clone(),
        uid: metadata.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// The owner that manages an object.
#[must_use]
pub fn controller_of(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata
        .owner_references
        .iter()
        .find(|owner| owner.controller == Some(true))
}

/// The object that manages another one, as a name.
#[must_use]
pub fn controller_ref(metadata: &ObjectMeta) -> Option<ObjectRef> {
    let owner = controller_of(metadata)?;
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == owner.kind && kind.is_workload())?;
    Some(ObjectRef::new(kind, &metadata.namespace, &owner.name))
}

/// Whether a workload of this kind and metadata manages an object.
#[must_use]
pub fn is_owned_by(object: &ObjectMeta, kind: Kind, workload: &ObjectMeta) -> bool {
    object.namespace == workload.namespace
        && controller_of(object).is_some_and(|owner| {
            owner.kind == kind.as_str() && owner.name == workload.name && owner.uid == workload.uid
        })
}

/// Whether nobody manages an object that a workload's selector means: then it takes it on.
#[must_use]
pub fn is_orphan_of(object: &ObjectMeta, selector: &LabelSelector, workload: &ObjectMeta) -> bool {
    object.namespace == workload.namespace
        && controller_of(object).is_none()
        && object.deletion_timestamp.is_none()
        && Selector::try_from(selector)
            .is_ok_and(|selector| !selector.is_empty() && selector.matches(&object.labels))
}

/// A Pod of a template. What is in `metadata` of a template beside labels and annotations does not
/// count.
#[must_use]
pub fn pod_of(template: &PodTemplateSpec, namespace: &str, owner: OwnerReference) -> Pod {
    Pod {
        metadata: ObjectMeta {
            namespace: namespace.to_owned(),
            labels: template.metadata.labels.clone(),
            annotations: template.metadata.annotations.clone(),
            owner_references: vec![owner],
            ..ObjectMeta::default()
        },
        spec: template.spec.clone(),
        ..Pod::default()
    }
}

/// Whether a Pod counts: it has not run to its end and is not being deleted.
#[must_use]
pub fn is_active(pod: &Pod) -> bool {
    !matches!(pod.status.phase.as_str(), "Succeeded" | "Failed")
        && pod.metadata.deletion_timestamp.is_none()
}

/// Whether a Pod has been ready for `min_ready_seconds` at the time `now`, in seconds since 1970.
#[must_use]
pub fn is_available(pod: &Pod, min_ready_seconds: i32, now: i64) -> bool {
    if !is_ready(pod) {
        return false;
    }
    let since = pod
        .status
        .conditions
        .iter()
        .find(|condition| condition.type_ == "Ready")
        .and_then(|condition| condition.last_transition_time.as_deref())
        .and_then(clock::seconds);
    // A Ready condition without a time is one of long ago.
    min_ready_seconds <= 0 || since.is_none_or(|since| since + i64::from(min_ready_seconds) <= now)
}

/// A 32-bit hash as controllers write it into names: in decimal, each digit as one of the letters
/// that make no words.
///
/// The real hash is over Go's print of the whole template. This one is a draw keyed by what names
/// the template: as good a name, and another one.
#[must_use]
pub fn hash(seed: u64, key: &str) -> String {
    let mut rng = random::keyed(seed, key);
    let number = u32::try_from(random::below(&mut rng, 1 << 32)).unwrap_or(0);
    random::safe_encode(&number.to_string())
}

/// The number that an integer or a percentage of `total` means; `None` for any other text.
#[must_use]
pub fn scaled(value: &crate::api::IntOrString, total: i32, round_up: bool) -> Option<i32> {
    match value {
        crate::api::IntOrString::Int(number) => Some(*number),
        crate::api::IntOrString::String(text) => {
            let percent: i64 = text.strip_suffix('%')?.parse().ok()?;
            let hundredfold = i64::from(total).checked_mul(percent)?;
            let number = if round_up {
                hundredfold.checked_add(99)?.div_euclid(100)
            } else {
                hundredfold.div_euclid(100)
            };
            i32::try_from(number).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::IntOrString;

    #[test]
    fn percentages_round_up_for_surge_and_down_for_missing_ones() {
        let quarter = IntOrString::String("25%".into());
        assert_eq!(scaled(&quarter, 3, true), Some(1));
        assert_eq!(scaled(&quarter, 3, false), Some(0));
        assert_eq!(scaled(&quarter, 4, true), Some(1));
        assert_eq!(scaled(&IntOrString::Int(7), 4, true), Some(7));
        assert_eq!(scaled(&IntOrString::String("x".into()), 4, true), None);
        let much = IntOrString::String("9223372036854775807%".into());
        assert_eq!(scaled(&much, i32::MAX, true), None);
    }

    #[test]
    fn a_hash_has_the_letters_of_kubernetes() {
        for key in ["a", "b", "c"] {
            let hash = hash(42, key);
            assert!((1..=10).contains(&hash.len()));
            // The ten letters to which the ten digits come.
            assert!(hash.chars().all(|c| "456789bcdf".contains(c)), "{hash}");
        }
    }
}
