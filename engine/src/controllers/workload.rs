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
use crate::yaml::{self, Entry, Node, Value};

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

/// What tells one template of a workload from another: a 32-bit hash as controllers write it into
/// names and labels, in decimal, each digit as one of the letters that make no words.
///
/// FNV-1a over the template as a tree, then over the count of `collisions` if its name was taken, as
/// `ComputeHash` does it. The real hash reads the template in Go's own print of its types
/// (`pkg/util/hash`), with fields that no engine but Go's has; this one reads it as JSON with its
/// keys in the order of the alphabet. So the hash is stable, the same template has the same one
/// everywhere and comes back to it after a rollback, and it is another one than a real cluster's.
#[must_use]
pub fn template_hash(template: &Node, collisions: u32) -> String {
    let mut hash = Fnv(0x811c_9dc5);
    hash.node(template);
    if collisions > 0 {
        hash.bytes(&u64::from(collisions).to_le_bytes());
    }
    random::safe_encode(&hash.0.to_string())
}

/// [`template_hash`] of the fields that the engine's type has.
#[must_use]
pub fn typed_hash(template: &PodTemplateSpec) -> String {
    let tree = yaml::to_node(template).unwrap_or_else(|_| Value::Null.into());
    template_hash(&tree, 0)
}

/// FNV-1a of 32 bits (RFC 9923).
struct Fnv(u32);

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }

    /// A text and its end: no byte of UTF-8 is 0xff.
    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.bytes(&[0xff]);
    }

    /// A value, so that no two values are read alike.
    fn node(&mut self, node: &Node) {
        match &node.value {
            Value::Null => self.bytes(b"n"),
            Value::Bool(value) => self.bytes(if *value { b"t" } else { b"f" }),
            Value::Number(number) => {
                self.bytes(b"0");
                self.text(&number.to_string());
            }
            Value::String(text) => {
                self.bytes(b"\"");
                self.text(text);
            }
            Value::List(items) => {
                self.bytes(b"[");
                items.iter().for_each(|item| self.node(item));
                self.bytes(b"]");
            }
            Value::Map(map) => {
                self.bytes(b"{");
                let mut entries: Vec<&Entry> = map.entries.iter().collect();
                entries.sort_unstable_by(|a, b| a.key.text.cmp(&b.key.text));
                for entry in entries {
                    self.text(&entry.key.text);
                    self.node(&entry.value);
                }
                self.bytes(b"}");
            }
        }
    }
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

    fn hash(text: &str, collisions: u32) -> String {
        template_hash(&yaml::read(text).documents[0], collisions)
    }

    #[test]
    fn a_hash_has_the_letters_of_kubernetes() {
        for text in [
            "{}",
            "{metadata: {labels: {app: web}}}",
            "{spec: {containers: []}}",
        ] {
            let hash = hash(text, 0);
            assert!((1..=10).contains(&hash.len()));
            // The ten letters to which the ten digits come.
            assert!(hash.chars().all(|c| "456789bcdf".contains(c)), "{hash}");
        }
    }

    #[test]
    fn a_hash_is_of_the_whole_template_and_of_nothing_else() {
        let web = "{spec: {containers: [{name: web, env: [{name: A, value: x}]}]}}";
        assert_ne!(hash(web, 0), hash(&web.replace('x', "y"), 0));
        assert_ne!(hash(web, 0), hash(web, 1));
        // The order of keys says nothing.
        assert_eq!(hash("{a: b, c: 1}", 0), hash("c: 1\na: b\n", 0));
        // Moved from one list to the other, the same words are another template.
        assert_ne!(hash("{a: [x], b: []}", 0), hash("{a: [], b: [x]}", 0));
        assert_ne!(hash("{a: [x, y]}", 0), hash("{a: [xy]}", 0));
        assert_ne!(hash("{a: 1}", 0), hash("{a: '1'}", 0));
        // The names of Pods and ReplicaSets that people have seen stay what they are.
        assert_eq!(hash("{metadata: {labels: {app: web}}}", 0), "654f44dc66");
    }

    /// The values of the algorithm's authors.
    #[test]
    fn fnv_is_that_of_its_authors() {
        for (text, value) in [
            ("", 0x811c_9dc5),
            ("a", 0xe40c_292c),
            ("foobar", 0xbf9c_f968),
        ] {
            let mut hash = Fnv(0x811c_9dc5);
            hash.bytes(text.as_bytes());
            assert_eq!(hash.0, value, "{text}");
        }
    }
}
