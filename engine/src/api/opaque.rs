//! Objects that are kept, and at whose content nobody looks.

use serde::{Deserialize, Serialize};

use super::ObjectMeta;
use crate::yaml::decode_fields;

/// A Secret or a ServiceAccount. What is in it is kept by whoever keeps its whole
/// tree; nothing of it decides about traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Opaque {
    /// Name and namespace.
    pub metadata: ObjectMeta,
}

decode_fields! {
    Opaque { metadata }
}
