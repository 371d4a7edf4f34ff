//! Which endpoint lies in which slice: `reconcileByPortMapping` of k8s.io/endpointslice v0.34.1.
//!
//! The aim is few writes, not tight packing: slices are never merged only to save room.

use crate::api::{AddressType, EndpointPort, EndpointSlice, Service};

use super::endpoint::{self, EndpointSet};
use super::{Changes, MAX_ENDPOINTS_PER_SLICE, labels_changed, new_slice, slice_labels};

/// Places the wanted endpoints of one port group: first where they are already, then into slices
/// that have to be written anyway (the fullest first), then all into one untouched slice that
/// they fill best, else into new ones.
pub(super) fn place(
    service: &Service,
    address_type: AddressType,
    (ports, mut desired): (&[EndpointPort], EndpointSet),
    (all, existing): (&[EndpointSlice], &[usize]),
    changes: &mut Changes,
) {
    let mut to_update: Vec<(usize, EndpointSlice)> = Vec::new();
    let mut unchanged: Vec<usize> = Vec::new();
    for index in existing {
        let old = &all[*index];
        let mut endpoints = Vec::new();
        let mut is_changed = false;
        for endpoint in &old.endpoints {
            if let Some(wanted) = desired.take(endpoint) {
                is_changed |= !endpoint::is_equal(&wanted, endpoint);
                endpoints.push(wanted);
            }
        }
        is_changed |= endpoints.len() != old.endpoints.len();
        if is_changed && endpoints.is_empty() {
            changes.delete.push(*index);
        } else if is_changed {
            to_update.push((*index, rewritten(old, service, Some(endpoints))));
        } else if labels_changed(old, service) {
            to_update.push((*index, rewritten(old, service, None)));
        } else {
            unchanged.push(*index);
        }
    }

    to_update.sort_by_key(|(_, slice)| std::cmp::Reverse(slice.endpoints.len()));
    for (_, slice) in &mut to_update {
        fill(slice, &mut desired);
    }

    while !desired.is_empty() {
        let room = best_fit(all, &unchanged, desired.len());
        if let Some(index) = room {
            unchanged.retain(|other| *other != index);
            let mut slice = all[index].clone();
            endpoint::sort_ports(&mut slice.ports);
            fill(&mut slice, &mut desired);
            to_update.push((index, slice));
        } else {
            let mut slice = new_slice(service, address_type, ports.to_vec());
            fill(&mut slice, &mut desired);
            changes.create.push(slice);
        }
    }
    changes.update.extend(to_update);
}

/// An existing slice with the Service's labels, and with these endpoints when they changed.
fn rewritten(
    old: &EndpointSlice,
    service: &Service,
    endpoints: Option<Vec<crate::api::Endpoint>>,
) -> EndpointSlice {
    let mut slice = old.clone();
    slice.metadata.labels = slice_labels(service);
    endpoint::sort_ports(&mut slice.ports);
    if let Some(endpoints) = endpoints {
        slice.endpoints = endpoints;
    }
    slice
}

/// Adds endpoints to a slice until it is full or none are left.
fn fill(slice: &mut EndpointSlice, desired: &mut EndpointSet) {
    while slice.endpoints.len() < MAX_ENDPOINTS_PER_SLICE {
        let Some(endpoint) = desired.pop() else {
            return;
        };
        slice.endpoints.push(endpoint);
    }
}

/// The slice that is nearest to full with so many endpoints more, if one can hold them all.
fn best_fit(all: &[EndpointSlice], candidates: &[usize], count: usize) -> Option<usize> {
    if count >= MAX_ENDPOINTS_PER_SLICE {
        return None;
    }
    candidates
        .iter()
        .copied()
        .filter_map(|index| {
            let used = count + all[index].endpoints.len();
            Some((MAX_ENDPOINTS_PER_SLICE.checked_sub(used)?, index))
        })
        .min_by_key(|(room, _)| *room)
        .map(|(_, index)| index)
}
