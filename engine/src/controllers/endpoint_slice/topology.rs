//! Hints for topology-aware routing, the annotation `service.kubernetes.io/topology-mode: Auto`:
//! package `topologycache` of k8s.io/endpointslice v0.34.1 (KEP-2433).
//!
//! Each zone is to have endpoints in proportion to the processors of its Nodes. Endpoints are
//! hinted to their own zone first; then zones with too many give some to zones with too few. When
//! no zone can be kept from being overloaded by more than a fifth, there are no hints at all.

use std::collections::BTreeMap;

use crate::api::{AddressType, EndpointHints, EndpointSlice, ForZone, Node};

use super::{Changes, Event, Memory, endpoint, unchanged};

/// By how much an endpoint may be loaded above the average.
const OVERLOAD_THRESHOLD: f64 = 0.2;

/// Labels of Nodes that are not counted.
const CONTROL_PLANE_LABELS: [&str; 2] = [
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/master",
];

/// How many hints there are for each zone.
type ZoneCounts = BTreeMap<String, usize>;

/// Whether a Service asks for hints. The older annotation wins.
pub(super) fn is_enabled(annotations: &BTreeMap<String, String>) -> bool {
    annotations
        .get("service.kubernetes.io/topology-aware-hints")
        .or_else(|| annotations.get("service.kubernetes.io/topology-mode"))
        .is_some_and(|value| value == "Auto" || value == "auto")
}

/// What the controller records about hints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HintEvent {
    /// Hints were given, and had not been before.
    Enabled,
    /// They are no longer asked for.
    Disabled,
    /// Not all Nodes have a zone and a number of processors, or there is one zone only.
    InsufficientNodeInfo,
    /// A ready endpoint is in no zone.
    NoZoneSpecified,
    /// There are fewer endpoints than zones.
    InsufficientEndpoints { endpoints: usize, zones: usize },
    /// They cannot be divided well enough.
    Overload { endpoints: usize, zones: usize },
}

impl HintEvent {
    pub(super) fn event(self, address_type: AddressType) -> Event {
        let (text, counts) = match self {
            Self::Enabled => ("Topology Aware Hints has been enabled", None),
            Self::Disabled => ("Topology Aware Hints has been disabled", None),
            Self::InsufficientNodeInfo => (
                "Insufficient Node information: allocatable CPU or zone not specified on one or \
                 more nodes",
                None,
            ),
            Self::NoZoneSpecified => ("One or more endpoints do not have a zone specified", None),
            Self::InsufficientEndpoints { endpoints, zones } => {
                ("Insufficient number of endpoints", Some((endpoints, zones)))
            }
            Self::Overload { endpoints, zones } => (
                "Unable to allocate minimum required endpoints to each zone without exceeding \
                 overload threshold",
                Some((endpoints, zones)),
            ),
        };
        let counts = counts
            .map(|(endpoints, zones)| format!(" ({endpoints} endpoints, {zones} zones)"))
            .unwrap_or_default();
        let (type_, reason) = if self == Self::Enabled {
            ("Normal", "TopologyAwareHintsEnabled")
        } else {
            ("Warning", "TopologyAwareHintsDisabled")
        };
        Event {
            type_: type_.to_owned(),
            reason: reason.to_owned(),
            message: format!("{text}{counts}, addressType: {address_type}"),
        }
    }
}

/// How many endpoints a zone is to have.
struct Allocation {
    maximum: usize,
    desired: f64,
}

/// Gives hints to the slices of one address type, or takes them away when they cannot be given
/// well. Returns what is to be recorded.
pub(super) fn add_hints(
    nodes: &BTreeMap<&str, &Node>,
    all: &[EndpointSlice],
    existing: &[usize],
    changes: &mut Changes,
    memory: &mut Memory,
) -> Option<HintEvent> {
    match try_to_add_hints(nodes, all, existing, changes) {
        Ok(()) => {
            let were_on = std::mem::replace(&mut memory.topology_hints, true);
            (!were_on).then_some(HintEvent::Enabled)
        }
        Err(event) => {
            memory.topology_hints = false;
            remove_hints(all, existing, changes);
            Some(event)
        }
    }
}

fn try_to_add_hints(
    nodes: &BTreeMap<&str, &Node>,
    all: &[EndpointSlice],
    existing: &[usize],
    changes: &mut Changes,
) -> Result<(), HintEvent> {
    let kept = unchanged(existing, changes);
    let ready: usize = kept
        .iter()
        .map(|index| &all[*index])
        .chain(&changes.create)
        .chain(changes.update.values())
        .flat_map(|slice| &slice.endpoints)
        .filter(|endpoint| endpoint::is_ready(endpoint))
        .count();
    let allocations = allocations(nodes, ready)?;

    let mut counts = ZoneCounts::new();
    for index in kept {
        if let Some(hints) = valid_hints(&all[index], &counts, &allocations) {
            for (zone, count) in hints {
                *counts.entry(zone).or_default() += count;
            }
        } else {
            changes.update.insert(index, all[index].clone());
        }
    }

    for endpoint in writable_ready(changes) {
        let zone = endpoint.zone.clone().filter(|zone| !zone.is_empty());
        let zone = zone.ok_or(HintEvent::NoZoneSpecified)?;
        *counts.entry(zone.clone()).or_default() += 1;
        endpoint.hints = Some(for_zone(zone));
    }

    let (mut giving, mut receiving) = transfers(&allocations, &counts);
    for endpoint in writable_ready(changes) {
        let Some(zone) = endpoint.zone.as_ref() else {
            continue;
        };
        if !giving.contains_key(zone) {
            continue;
        }
        let Some(receiver) = receiving.keys().next().cloned() else {
            break;
        };
        take_one(&mut giving, zone);
        take_one(&mut receiving, &receiver);
        endpoint.hints = Some(for_zone(receiver));
    }
    Ok(())
}

/// The ready endpoints of all slices that are to be written.
fn writable_ready(changes: &mut Changes) -> impl Iterator<Item = &mut crate::api::Endpoint> {
    changes
        .create
        .iter_mut()
        .chain(changes.update.values_mut())
        .flat_map(|slice| &mut slice.endpoints)
        .filter(|endpoint| endpoint::is_ready(endpoint))
}

fn for_zone(name: String) -> EndpointHints {
    EndpointHints {
        for_zones: vec![ForZone { name }],
        for_nodes: Vec::new(),
    }
}

fn take_one(counts: &mut ZoneCounts, zone: &str) {
    if let Some(count) = counts.get_mut(zone) {
        *count -= 1;
        if *count == 0 {
            counts.remove(zone);
        }
    }
}

/// Takes all hints away, and writes the slices that had any.
pub(super) fn remove_hints(all: &[EndpointSlice], existing: &[usize], changes: &mut Changes) {
    for index in unchanged(existing, changes) {
        let slice = &all[index];
        if slice.endpoints.iter().any(|e| e.hints.is_some()) {
            changes.update.insert(index, slice.clone());
        }
    }
    for slice in changes.create.iter_mut().chain(changes.update.values_mut()) {
        for endpoint in &mut slice.endpoints {
            endpoint.hints = None;
        }
    }
}

/// The share of each zone in the processors of all Nodes that are ready and no control plane.
/// `None` when a Node lacks a zone or processors, or there are fewer than two zones.
///
/// Floating point, as in the original: the limits below hang on its rounding, and IEEE 754 rounds
/// alike everywhere.
#[expect(
    clippy::cast_precision_loss,
    reason = "the original converts in the same way"
)]
fn cpu_ratios(nodes: &BTreeMap<&str, &Node>) -> Option<BTreeMap<String, f64>> {
    let mut cpu_by_zone: BTreeMap<String, i128> = BTreeMap::new();
    let mut total = 0_i128;
    for node in nodes.values() {
        let labels = &node.metadata.labels;
        let is_ready = node
            .status
            .conditions
            .iter()
            .find(|condition| condition.type_ == "Ready")
            .is_some_and(|condition| condition.status == "True");
        if !is_ready || CONTROL_PLANE_LABELS.iter().any(|l| labels.contains_key(*l)) {
            continue;
        }
        let zone = labels
            .get("topology.kubernetes.io/zone")
            .filter(|zone| !zone.is_empty())?;
        let cpu = node.status.allocatable.get("cpu")?.nanos();
        let cpu = cpu.filter(|cpu| *cpu != 0)?;
        total = total.saturating_add(cpu);
        let of_zone = cpu_by_zone.entry(zone.clone()).or_default();
        *of_zone = of_zone.saturating_add(cpu);
    }
    if cpu_by_zone.len() < 2 || total <= 0 {
        return None;
    }
    let milli = |nanos: i128| (nanos.saturating_add(999_999) / 1_000_000) as f64;
    Some(
        cpu_by_zone
            .into_iter()
            .map(|(zone, cpu)| (zone, milli(cpu) / milli(total)))
            .collect(),
    )
}

/// How many endpoints each zone should have, and how many at most.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of endpoints are far below 2^52, and shares are not negative"
)]
fn allocations(
    nodes: &BTreeMap<&str, &Node>,
    endpoints: usize,
) -> Result<BTreeMap<String, Allocation>, HintEvent> {
    let ratios = cpu_ratios(nodes).ok_or(HintEvent::InsufficientNodeInfo)?;
    let zones = ratios.len();
    if zones > endpoints {
        return Err(HintEvent::InsufficientEndpoints { endpoints, zones });
    }
    let wanted: Vec<(String, usize, f64)> = ratios
        .into_iter()
        .map(|(zone, ratio)| {
            let desired = ratio * endpoints as f64;
            let minimum = (desired * (1.0 / (1.0 + OVERLOAD_THRESHOLD))).ceil();
            (zone, minimum as usize, desired.max(minimum))
        })
        .collect();
    let minimum_total: usize = wanted.iter().map(|(_, minimum, _)| minimum).sum();
    let spare = endpoints
        .checked_sub(minimum_total)
        .ok_or(HintEvent::Overload { endpoints, zones })?;
    Ok(wanted
        .into_iter()
        .map(|(zone, minimum, desired)| {
            let maximum = minimum + spare;
            (zone, Allocation { maximum, desired })
        })
        .collect())
}

/// The hints that a slice has, if it can keep them: each ready endpoint has one, for a zone that
/// counts, and no zone gets more than its maximum.
fn valid_hints(
    slice: &EndpointSlice,
    counts: &ZoneCounts,
    allocations: &BTreeMap<String, Allocation>,
) -> Option<ZoneCounts> {
    let mut hints = ZoneCounts::new();
    for endpoint in slice.endpoints.iter().filter(|e| endpoint::is_ready(e)) {
        let zones = &endpoint.hints.as_ref()?.for_zones;
        if zones.is_empty() {
            return None;
        }
        for zone in zones {
            allocations.get(&zone.name)?;
            *hints.entry(zone.name.clone()).or_default() += 1;
        }
    }
    let fits = hints.iter().all(|(zone, count)| {
        let already = counts.get(zone).copied().unwrap_or_default();
        allocations
            .get(zone)
            .is_some_and(|allocation| count + already <= allocation.maximum)
    });
    fits.then_some(hints)
}

/// How many endpoints each zone gives away, and how many each one gets. One at a time from the
/// zone with the most to spare to the one most in need, until both are below one, or either is
/// below a half.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of endpoints are far below 2^52"
)]
fn transfers(
    allocations: &BTreeMap<String, Allocation>,
    counts: &ZoneCounts,
) -> (ZoneCounts, ZoneCounts) {
    let mut spare: BTreeMap<&String, f64> = BTreeMap::new();
    let mut need: BTreeMap<&String, f64> = BTreeMap::new();
    for (zone, allocation) in allocations {
        let surplus = counts.get(zone).copied().unwrap_or_default() as f64 - allocation.desired;
        if surplus > 0.0 {
            spare.insert(zone, surplus);
        } else if surplus < 0.0 {
            need.insert(zone, -surplus);
        }
    }
    let (mut giving, mut receiving) = (ZoneCounts::new(), ZoneCounts::new());
    while let (Some((from, surplus)), Some((to, lack))) = (most(&spare), most(&need)) {
        if (surplus < 1.0 && lack < 1.0) || surplus < 0.5 || lack < 0.5 {
            break;
        }
        *giving.entry(from.clone()).or_default() += 1;
        *receiving.entry(to.clone()).or_default() += 1;
        spare.insert(from, surplus - 1.0);
        need.insert(to, lack - 1.0);
    }
    (giving, receiving)
}

/// The zone with the greatest number above zero; of equal ones the first by name.
fn most<'a>(zones: &BTreeMap<&'a String, f64>) -> Option<(&'a String, f64)> {
    let mut best: Option<(&String, f64)> = None;
    for (zone, number) in zones {
        if *number > best.map_or(0.0, |(_, number)| number) {
            best = Some((zone, *number));
        }
    }
    best
}
