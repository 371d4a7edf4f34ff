//! Hints for `spec.trafficDistribution`: `trafficdist/trafficdist.go` of k8s.io/endpointslice
//! v0.34.1 (KEP-4444, KEP-3015).
//!
//! Every ready endpoint is hinted to its own zone, and for `PreferSameNode` to its own Node. There
//! is no balancing, and no guard against overload.

use crate::api::{Endpoint, EndpointHints, EndpointSlice, ForNode, ForZone};

use super::{Changes, endpoint, unchanged};

/// What a Service prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preference {
    /// `PreferClose`, or by its later name `PreferSameZone`.
    SameZone,
    /// `PreferSameNode`; the zone is what comes next.
    SameNode,
}

impl Preference {
    /// The preference of this name; `None` for any other, which means no hints.
    pub(super) fn of(text: &str) -> Option<Self> {
        match text {
            "PreferClose" | "PreferSameZone" => Some(Self::SameZone),
            "PreferSameNode" => Some(Self::SameNode),
            _ => None,
        }
    }
}

/// Sets the hints of all slices that are written, and writes those whose hints are not right.
pub(super) fn add_hints(
    preference: Preference,
    all: &[EndpointSlice],
    existing: &[usize],
    changes: &mut Changes,
) {
    for index in unchanged(existing, changes) {
        let slice = &all[index];
        if slice.endpoints.iter().any(|e| is_wrong(preference, e)) {
            changes.update.insert(index, slice.clone());
        }
    }
    for slice in changes.create.iter_mut().chain(changes.update.values_mut()) {
        for endpoint in &mut slice.endpoints {
            if endpoint::is_ready(endpoint) {
                endpoint.hints = hints(preference, endpoint);
            }
        }
    }
}

/// Whether a ready endpoint has other hints than it should; hints of others are left alone.
fn is_wrong(preference: Preference, endpoint: &Endpoint) -> bool {
    endpoint::is_ready(endpoint)
        && endpoint.hints.clone().unwrap_or_default()
            != hints(preference, endpoint).unwrap_or_default()
}

fn hints(preference: Preference, endpoint: &Endpoint) -> Option<EndpointHints> {
    let for_zones: Vec<ForZone> = endpoint
        .zone
        .iter()
        .map(|name| ForZone { name: name.clone() })
        .collect();
    let for_nodes: Vec<ForNode> = endpoint
        .node_name
        .iter()
        .filter(|_| preference == Preference::SameNode)
        .map(|name| ForNode { name: name.clone() })
        .collect();
    (!for_zones.is_empty() || !for_nodes.is_empty()).then_some(EndpointHints {
        for_zones,
        for_nodes,
    })
}
