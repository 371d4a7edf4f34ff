//! Patches: strategic merge, JSON merge and JSON, and the three-way merge of `apply`.
//!
//! Source: k8s.io/apimachinery `pkg/util/strategicpatch/patch.go` and
//! `pkg/util/jsonmergepatch/patch.go`; RFC 7386; RFC 6902; the `patchStrategy` and `patchMergeKey`
//! tags of k8s.io/api `core/v1/types.go`, `apps/v1/types.go`, `meta/v1/types.go` (v0.34).

mod json;

use super::tree::{Map, Value};
use json::json_patch;

/// How a patch is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    /// `strategic`: lists of things that have a key are merged.
    Strategic,
    /// `merge`: lists are replaced.
    Merge,
    /// `json`: a list of operations.
    Json,
}

/// Where in an object we are: what decides about the key of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Anywhere else.
    Object,
    /// In an element of `containers`.
    Container,
    /// `spec` of a Service.
    ServiceSpec,
    /// Inside of a map of texts.
    Opaque,
}

impl Place {
    fn below(self, key: &str, object: &Value) -> Self {
        match (self, key) {
            (Self::Object, "spec") if object.str_at("kind") == "Service" => Self::ServiceSpec,
            (_, "containers" | "initContainers" | "ephemeralContainers") => Self::Container,
            (_, "labels" | "annotations" | "selector" | "matchLabels" | "nodeSelector") => {
                Self::Opaque
            }
            (Self::Opaque, _) => Self::Opaque,
            _ => Self::Object,
        }
    }
}

/// How a list is merged.
enum Merge {
    /// It is replaced.
    Atomic,
    /// Its elements are maps with this key.
    ByKey(&'static str),
    /// Its elements are texts.
    Set,
}

fn merge_of(place: Place, field: &str) -> Merge {
    Merge::ByKey(match (place, field) {
        (Place::Opaque, _) => return Merge::Atomic,
        (Place::ServiceSpec, "ports") => "port",
        (Place::Container, "ports") => "containerPort",
        (_, "finalizers" | "podCIDRs") => return Merge::Set,
        (
            _,
            "containers"
            | "initContainers"
            | "ephemeralContainers"
            | "env"
            | "volumes"
            | "imagePullSecrets"
            | "resourceClaims"
            | "schedulingGates",
        ) => "name",
        (_, "volumeMounts") => "mountPath",
        (_, "volumeDevices") => "devicePath",
        (_, "hostAliases" | "podIPs" | "hostIPs") => "ip",
        (_, "topologySpreadConstraints") => "topologyKey",
        (_, "conditions") => "type",
        (_, "ownerReferences") => "uid",
        _ => return Merge::Atomic,
    })
}

/// Maps whose keys go when a patch does not name them.
fn retains_keys(field: &str) -> bool {
    field == "strategy"
}

/// Patches an object.
///
/// # Errors
///
/// A JSON patch that does not fit, or a patch of the wrong form; in the server's words.
pub fn apply(object: &Value, patch: &Value, how: PatchType) -> Result<Value, String> {
    match how {
        PatchType::Json => json_patch(object, patch),
        PatchType::Merge => {
            let mut out = object.clone();
            merge_patch(&mut out, patch);
            Ok(out)
        }
        PatchType::Strategic => {
            if patch.as_map().is_none() {
                return Err(format!(
                    "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                    patch.json_type()
                ));
            }
            let mut out = object.clone();
            strategic(&mut out, patch, Place::Object)?;
            Ok(out)
        }
    }
}

/// RFC 7386.
fn merge_patch(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_map() else {
        *target = patch.clone();
        return;
    };
    let map = target.to_map();
    for (key, value) in patch.entries() {
        if value.is_null() {
            map.remove(key);
        } else {
            merge_patch(map.entry(key), value);
        }
    }
}

fn strategic(target: &mut Value, patch: &Value, place: Place) -> Result<(), String> {
    let Some(entries) = patch.as_map() else {
        *target = patch.clone();
        return Ok(());
    };
    match patch.get("$patch").as_str() {
        Some("replace") => {
            let mut new = entries.clone();
            new.remove("$patch");
            *target = Value::Map(new);
            return Ok(());
        }
        Some("delete") => {
            *target = Value::map();
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => return Err(format!("Unknown patch type found: {other}")),
    }
    if let Value::List(kept) = patch.get("$retainKeys") {
        target
            .to_map()
            .retain(|key, _| kept.iter().any(|other| other.as_str() == Some(key)));
    }
    for (key, value) in entries.entries() {
        if let Some(field) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::List(items)), Value::List(gone)) = (target.at_key_mut(field), value)
            {
                items.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if key.starts_with('$') {
            continue;
        }
        if value.is_null() {
            target.to_map().remove(key);
            continue;
        }
        let below = place.below(key, target);
        let existing = target.to_map().entry(key);
        match (&*existing, value) {
            (Value::Map(_), Value::Map(_)) => strategic(existing, value, below)?,
            (Value::List(old), Value::List(new)) => {
                let order = patch.get(&format!("$setElementOrder/{key}"));
                *existing = Value::List(merge_lists(old, new, order, place, key, below)?);
            }
            (Value::Null, Value::List(new)) => {
                let order = patch.get(&format!("$setElementOrder/{key}"));
                *existing = Value::List(merge_lists(&[], new, order, place, key, below)?);
            }
            (Value::Null, Value::Map(_)) => {
                *existing = Value::map();
                strategic(existing, value, below)?;
            }
            _ => *existing = value.clone(),
        }
    }
    Ok(())
}

fn merge_lists(
    old: &[Value],
    new: &[Value],
    order: &Value,
    place: Place,
    field: &str,
    below: Place,
) -> Result<Vec<Value>, String> {
    let key = match merge_of(place, field) {
        Merge::Atomic => return Ok(new.to_vec()),
        Merge::Set => {
            let mut out = old.to_vec();
            for item in new {
                if !out.contains(item) {
                    out.push(item.clone());
                }
            }
            return Ok(out);
        }
        Merge::ByKey(key) => key,
    };
    if new
        .iter()
        .any(|item| item.get("$patch").as_str() == Some("replace"))
    {
        let kept = new
            .iter()
            .filter(|item| item.get("$patch").as_str() != Some("replace"));
        return Ok(kept.cloned().collect());
    }
    let mut out = old.to_vec();
    let mut patched = Vec::new();
    for item in new {
        let name = item.get(key);
        if name.is_null() {
            return Err(format!(
                "map: {} does not contain declared merge key: {key}",
                go_map(item)
            ));
        }
        let at = out.iter().position(|other| other.get(key) == name);
        if item.get("$patch").as_str() == Some("delete") {
            out.retain(|other| other.get(key) != name);
            continue;
        }
        patched.push(name.clone());
        if let Some(at) = at {
            strategic(&mut out[at], item, below)?;
        } else {
            let mut made = Value::map();
            strategic(&mut made, item, below)?;
            out.push(made);
        }
    }
    if let Value::List(order) = order {
        patched = order.iter().map(|item| item.get(key).clone()).collect();
    }
    Ok(in_order(out, &patched, old, key))
}

/// The elements in the order that a patch wants; those that it does not name stand among them as
/// they stood on the server (`normalizeElementOrder`, `mergeSortedSlice`).
fn in_order(items: Vec<Value>, wanted: &[Value], server: &[Value], key: &str) -> Vec<Value> {
    let (mut named, others): (Vec<Value>, Vec<Value>) = items
        .into_iter()
        .partition(|item| wanted.contains(item.get(key)));
    named.sort_by_key(|item| wanted.iter().position(|name| name == item.get(key)));
    let on_server = |item: &Value| {
        server
            .iter()
            .position(|other| other.get(key) == item.get(key))
    };
    let mut out = Vec::with_capacity(named.len() + others.len());
    let mut named = named.into_iter().peekable();
    for other in others {
        while let Some(next) = named.peek() {
            match (on_server(&other), on_server(next)) {
                (Some(mine), Some(its)) if mine < its => break,
                _ => out.extend(named.next()),
            }
        }
        out.push(other);
    }
    out.extend(named);
    out
}

/// As Go prints a map of anything.
fn go_map(value: &Value) -> String {
    let entries: Vec<String> = value
        .as_map()
        .map(|map| {
            map.entries()
                .iter()
                .map(|(key, value)| match value {
                    Value::String(text) => format!("{key}:{text}"),
                    other => format!("{key}:{other}"),
                })
                .collect()
        })
        .unwrap_or_default();
    format!("map[{}]", entries.join(" "))
}

/// What `kubectl apply` makes of the object on the server: what the last applied manifest had and
/// the new one has not goes; what the new one has comes; the rest stays.
#[must_use]
pub fn three_way(last: &Value, new: &Value, current: &Value) -> Value {
    let mut out = current.clone();
    three_way_map(&mut out, last, new, Place::Object, false);
    out
}

fn three_way_map(current: &mut Value, last: &Value, new: &Value, place: Place, retain: bool) {
    let before = retain.then(|| current.clone());
    let empty = Map::default();
    let wanted = new.as_map().unwrap_or(&empty);
    for (key, _) in last.as_map().unwrap_or(&empty).entries() {
        if wanted.get(key).is_none() {
            current.to_map().remove(key);
        }
    }
    for (key, value) in wanted.entries() {
        if value.is_null() {
            current.to_map().remove(key);
            continue;
        }
        let below = place.below(key, current);
        let existing = current.to_map().entry(key);
        match value {
            Value::Map(_) => {
                if existing.as_map().is_none() {
                    *existing = Value::map();
                }
                three_way_map(existing, last.get(key), value, below, retains_keys(key));
            }
            Value::List(items) => {
                let (old, old_last) = (list(existing), list(last.get(key)));
                let merged = three_way_list(old, old_last, items, merge_of(place, key), below);
                *existing = Value::List(merged);
            }
            _ => *existing = value.clone(),
        }
    }
    // Only a patch that changes something tells which keys to keep.
    if before.is_some_and(|before| before != *current) {
        current.to_map().retain(|key, _| wanted.get(key).is_some());
    }
}

fn list(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        _ => &[],
    }
}

fn three_way_list(
    current: &[Value],
    last: &[Value],
    new: &[Value],
    merge: Merge,
    below: Place,
) -> Vec<Value> {
    let key = match merge {
        Merge::Atomic => return new.to_vec(),
        Merge::Set => {
            let gone = |item: &&Value| !last.contains(item) || new.contains(item);
            let mut out: Vec<Value> = current.iter().filter(gone).cloned().collect();
            for item in new {
                if !out.contains(item) {
                    out.push(item.clone());
                }
            }
            return out;
        }
        Merge::ByKey(key) => key,
    };
    let find = |items: &[Value], name: &Value| items.iter().position(|i| i.get(key) == name);
    let mut out: Vec<Value> = current
        .iter()
        .filter(|item| {
            let name = item.get(key);
            find(last, name).is_none() || find(new, name).is_some()
        })
        .cloned()
        .collect();
    for item in new {
        let name = item.get(key);
        let before = find(last, name).map_or(&Value::Null, |at| &last[at]);
        let at = find(&out, name).unwrap_or_else(|| {
            out.push(Value::map());
            out.len() - 1
        });
        three_way_map(&mut out[at], before, item, below, false);
    }
    let wanted: Vec<Value> = new.iter().map(|item| item.get(key).clone()).collect();
    in_order(out, &wanted, current, key)
}

/// Takes out what is `null`, at every depth (`pruneNullsFromMap`).
pub fn prune_nulls(value: &mut Value) {
    match value {
        Value::Map(map) => {
            map.retain(|_, value| {
                prune_nulls(value);
                !value.is_null()
            });
        }
        Value::List(items) => items.iter_mut().for_each(prune_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn read(text: &str) -> Value {
        yaml::read(text)
            .documents
            .first()
            .map(Value::from)
            .unwrap_or_default()
    }

    const SERVICE: &str = "{kind: Service, spec: {ports: [{port: 80, name: a}, {port: 81, name: b}], selector: {app: web}}}";

    fn ports(value: &Value) -> Vec<String> {
        value
            .list_at("spec.ports")
            .iter()
            .map(|port| format!("{}{}", port.int_at("port"), port.str_at("name")))
            .collect()
    }

    #[test]
    fn strategic_patches_merge_lists_by_their_key() {
        let patch = |text: &str| apply(&read(SERVICE), &read(text), PatchType::Strategic).unwrap();
        assert_eq!(
            ports(&patch("{spec: {ports: [{port: 81, name: c}]}}")),
            ["80a", "81c"]
        );
        // A new element stands before what the patch does not name, as on the real server.
        assert_eq!(
            ports(&patch("{spec: {ports: [{port: 82}]}}")),
            ["82", "80a", "81b"]
        );
        assert_eq!(
            ports(&patch("{spec: {ports: [{port: 80, $patch: delete}]}}")),
            ["81b"]
        );
        assert_eq!(
            ports(&patch("{spec: {ports: [{$patch: replace}, {port: 1}]}}")),
            ["1"]
        );
        assert!(
            patch("{spec: {selector: null}}")
                .at("spec.selector")
                .is_null()
        );
        let wrong = apply(
            &read(SERVICE),
            &read("{spec: {ports: [{name: x}]}}"),
            PatchType::Strategic,
        );
        assert_eq!(
            wrong.unwrap_err(),
            "map: map[name:x] does not contain declared merge key: port"
        );
    }

    #[test]
    fn merge_patches_replace_lists() {
        let out = apply(
            &read(SERVICE),
            &read("{spec: {ports: [{port: 1}]}}"),
            PatchType::Merge,
        )
        .unwrap();
        assert_eq!(ports(&out), ["1"]);
    }

    #[test]
    fn json_patches_do_what_they_say_or_nothing() {
        let patch = |text: &str| apply(&read(SERVICE), &read(text), PatchType::Json);
        let out = patch(r#"[{"op":"add","path":"/spec/ports/-","value":{"port":9}},{"op":"remove","path":"/spec/ports/0"},{"op":"replace","path":"/spec/selector/app","value":"x"}]"#).unwrap();
        assert_eq!(ports(&out), ["81b", "9"]);
        assert_eq!(out.str_at("spec.selector.app"), "x");
        assert!(patch(r#"[{"op":"replace","path":"/spec/none","value":1}]"#).is_err());
        assert!(patch(r#"[{"op":"add","path":"","value":1}]"#).is_err());
        assert!(patch("{}").is_err());
    }

    #[test]
    fn apply_takes_away_only_what_it_gave() {
        let last =
            read("{kind: Service, spec: {ports: [{port: 80}], selector: {app: web, tier: a}}}");
        let new = read("{kind: Service, spec: {ports: [{port: 82}], selector: {app: new}}}");
        let current = read(
            "{kind: Service, spec: {clusterIP: x, ports: [{port: 80, nodePort: 1}, {port: 81}], selector: {app: web, tier: a, more: b}}}",
        );
        let out = three_way(&last, &new, &current);
        assert_eq!(ports(&out), ["82", "81"]);
        assert_eq!(
            out.at("spec.selector").to_string(),
            r#"{"app":"new","more":"b"}"#
        );
        assert_eq!(out.str_at("spec.clusterIP"), "x");
        assert_eq!(three_way(&new, &new, &out), out);
    }

    #[test]
    fn a_strategy_loses_what_the_new_one_does_not_name() {
        let current =
            read("{spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}}");
        let new = read("{spec: {strategy: {type: Recreate}}}");
        assert_eq!(three_way(&Value::Null, &new, &current), new);
        let same = read("{spec: {strategy: {type: RollingUpdate}}}");
        assert_eq!(three_way(&Value::Null, &same, &current), current);
    }
}
