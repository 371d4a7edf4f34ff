//! Whole objects as trees: reading and writing fields, and the three ways to patch.
//!
//! * JSON merge patch (RFC 7386): [`merge`];
//! * strategic merge patch, which knows by which field the elements of a list are told apart
//!   (k8s.io/apimachinery `pkg/util/strategicpatch`; the keys are those of the `patchMergeKey` tags
//!   of k8s.io/api v0.30.5): [`strategic`];
//! * what `kubectl apply` works out of what was applied last, what is applied now, and what is there
//!   (`kubectl/pkg/cmd/apply/patcher.go`): [`three_way`].
//!
//! Left out: the directives `$retainKeys` and `$setElementOrder`, which only kubectl writes.

use std::sync::Arc;

use crate::yaml::{Entry, Map, Node, Value};

/// The value at a path of keys.
pub(super) fn get<'n>(tree: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(tree, |node, key| node.get(key))
}

/// The text at a path of keys; empty where there is none.
pub(super) fn text<'n>(tree: &'n Node, path: &[&str]) -> &'n str {
    get(tree, path).and_then(Node::as_str).unwrap_or("")
}

/// Puts a value at a path of keys; what is no map on the way becomes one.
pub(super) fn set(tree: &mut Node, path: &[&str], value: Node) {
    let Some((key, rest)) = path.split_first() else {
        *tree = value;
        return;
    };
    let map = map_mut(tree);
    let index = match map
        .entries
        .iter()
        .position(|entry| *entry.key.text == **key)
    {
        Some(index) => index,
        None => {
            map.entries.push(Entry::new(key, Value::Null.into()));
            map.entries.len() - 1
        }
    };
    set(&mut map.entries[index].value, rest, value);
}

/// Takes out what is at a path of keys.
pub(super) fn remove(tree: &mut Node, path: &[&str]) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    // What is not there is not worth a copy of what it would stand in.
    if get(tree, path).is_none() {
        return;
    }
    let map = map_mut(tree);
    if rest.is_empty() {
        map.entries.retain(|entry| *entry.key.text != **key);
    } else if let Some(entry) = map.entries.iter_mut().find(|e| *e.key.text == **key) {
        remove(&mut entry.value, rest);
    }
}

/// Puts a value where there is none, or `null`.
pub(super) fn fill(tree: &mut Node, path: &[&str], value: impl FnOnce() -> Node) {
    if get(tree, path).is_none_or(|node| node.value == Value::Null) {
        set(tree, path, value());
    }
}

/// Changes every element of the list at a path of keys.
pub(super) fn for_each(tree: &mut Node, path: &[&str], mut change: impl FnMut(&mut Node)) {
    let Some(items) = get(tree, path).and_then(Node::as_list) else {
        return;
    };
    let mut items = items.to_vec();
    items.iter_mut().for_each(&mut change);
    set(tree, path, Value::List(items.into()).into());
}

fn map_mut(tree: &mut Node) -> &mut Map {
    if tree.as_map().is_none() {
        tree.value = Value::Map(Arc::default());
    }
    match &mut tree.value {
        Value::Map(map) => Arc::make_mut(map),
        _ => unreachable!("it was made a map"),
    }
}

/// A JSON merge patch: maps are merged, `null` takes a field out, anything else takes its place.
#[must_use]
pub fn merge(target: &Node, patch: &Node) -> Node {
    let Some(changes) = patch.as_map() else {
        return patch.clone();
    };
    let mut result = target.clone();
    if result.as_map().is_none() {
        result = Node::map([]);
    }
    for entry in &changes.entries {
        let key = &*entry.key.text;
        if entry.value.value == Value::Null {
            remove(&mut result, &[key]);
        } else {
            let old = target.get(key).cloned().unwrap_or(Value::Null.into());
            set(&mut result, &[key], merge(&old, &entry.value));
        }
    }
    result
}

/// A strategic merge patch of an object of a kind.
#[must_use]
pub fn strategic(target: &Node, patch: &Node, kind: &str) -> Node {
    strategic_at(target, patch, "", kind)
}

fn strategic_at(target: &Node, patch: &Node, field: &str, kind: &str) -> Node {
    if let Some(items) = patch.as_list() {
        return strategic_list(target, items, field, kind);
    }
    let Some(changes) = patch.as_map() else {
        return patch.clone();
    };
    if patch.get("$patch").and_then(Node::as_str) == Some("replace") {
        let mut result = patch.clone();
        remove(&mut result, &["$patch"]);
        return result;
    }
    let mut result = target.clone();
    if result.as_map().is_none() {
        result = Node::map([]);
    }
    for entry in &changes.entries {
        let key = &*entry.key.text;
        if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = entry.value.as_list().unwrap_or_default();
            let left = target.get(list).and_then(Node::as_list).unwrap_or_default();
            let left: Vec<Node> = left.iter().filter(|n| !gone.contains(n)).cloned().collect();
            set(&mut result, &[list], Value::List(left.into()).into());
        } else if key.starts_with('$') {
            // The order of elements, and what kubectl says of unions.
        } else if entry.value.value == Value::Null {
            remove(&mut result, &[key]);
        } else {
            let old = target.get(key).cloned().unwrap_or(Value::Null.into());
            set(
                &mut result,
                &[key],
                strategic_at(&old, &entry.value, key, kind),
            );
        }
    }
    result
}

fn strategic_list(target: &Node, items: &[Node], field: &str, kind: &str) -> Node {
    let directive = |item: &Node| item.get("$patch").and_then(Node::as_str).map(str::to_owned);
    let is_replaced = items
        .iter()
        .any(|i| directive(i).as_deref() == Some("replace"));
    let plain = || {
        items
            .iter()
            .filter(|item| directive(item).is_none())
            .cloned()
    };
    let old = target.as_list().unwrap_or_default();
    if is_replaced || !is_merged(field, kind) {
        return Value::List(plain().collect()).into();
    }
    let mut result = old.to_vec();
    for item in items {
        let at = result
            .iter()
            .position(|old| is_same(old, item, field, kind));
        match (at, directive(item).as_deref()) {
            (Some(at), Some("delete")) => {
                result.remove(at);
            }
            (None, Some("delete")) => {}
            (Some(at), _) => result[at] = strategic_at(&result[at], item, "", kind),
            (None, _) => result.push(item.clone()),
        }
    }
    Value::List(result.into()).into()
}

/// By which field the elements of a list are told apart; `None` for a list that is one value.
fn merge_key(field: &str, kind: &str) -> Option<&'static str> {
    Some(match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "secrets"
        | "resourceClaims" => "name",
        "ports" if kind == "Service" => "port",
        "ports" if kind != "EndpointSlice" && kind != "Endpoints" => "containerPort",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "hostAliases" | "podIPs" | "hostIPs" => "ip",
        "conditions" => "type",
        "addresses" if kind == "Node" => "type",
        "ownerReferences" => "uid",
        "topologySpreadConstraints" => "topologyKey",
        _ => return None,
    })
}

/// Whether a list is merged, by a key or (for lists of words) by its elements.
fn is_merged(field: &str, kind: &str) -> bool {
    merge_key(field, kind).is_some() || matches!(field, "finalizers" | "podCIDRs")
}

/// Whether two elements of a list mean the same thing.
fn is_same(a: &Node, b: &Node, field: &str, kind: &str) -> bool {
    let Some(key) = merge_key(field, kind) else {
        return a == b;
    };
    // Ports of one number, 53 of a DNS server, are told apart by their protocol where both say it.
    let both_say = |key: &str| Some((a.get(key)?, b.get(key)?));
    a.get(key).is_some()
        && a.get(key) == b.get(key)
        && (field != "ports" || both_say("protocol").is_none_or(|(a, b)| a == b))
}

/// What `kubectl apply` makes of an object: `new` over `current`, and what `last` had and `new` has
/// not is gone. What neither ever said stays.
#[must_use]
pub fn three_way(last: Option<&Node>, new: &Node, current: &Node, kind: &str) -> Node {
    ThreeWay { kind, drift: false }.at(last, new, current, "")
}

/// Carries a change of the modelled fields over to the whole tree: `before` and `after` are what the
/// engine's type says, `whole` is the tree that `before` was read from.
pub(super) fn carry(before: &Node, after: &Node, whole: &Node, kind: &str) -> Node {
    ThreeWay { kind, drift: true }.at(Some(before), after, whole, "")
}

struct ThreeWay<'a> {
    kind: &'a str,
    /// Whether what did not change from `last` to `new` stays as it is, whatever it is.
    drift: bool,
}

impl ThreeWay<'_> {
    fn at(&self, last: Option<&Node>, new: &Node, current: &Node, field: &str) -> Node {
        if self.drift && last == Some(new) {
            return current.clone();
        }
        if let (Some(items), Some(old)) = (new.as_list(), current.as_list()) {
            return self.list(last.and_then(Node::as_list), items, old, field);
        }
        let (Some(wanted), Some(_)) = (new.as_map(), current.as_map()) else {
            return new.clone();
        };
        let mut result = current.clone();
        if let Some(last) = last.and_then(Node::as_map) {
            for entry in &last.entries {
                if wanted.entry(&entry.key.text).is_none() {
                    remove(&mut result, &[&entry.key.text]);
                }
            }
        }
        for entry in &wanted.entries {
            let key = &*entry.key.text;
            if entry.value.value == Value::Null {
                remove(&mut result, &[key]);
                continue;
            }
            let value = match current.get(key) {
                Some(old) => self.at(last.and_then(|l| l.get(key)), &entry.value, old, key),
                None => entry.value.clone(),
            };
            set(&mut result, &[key], value);
        }
        result
    }

    fn list(&self, last: Option<&[Node]>, new: &[Node], current: &[Node], field: &str) -> Node {
        let is_keyed = is_merged(field, self.kind);
        let is_in_step = self.drift && new.len() == current.len();
        if !is_keyed && !is_in_step {
            return Value::List(new.to_vec().into()).into();
        }
        let same = |a: &Node, b: &Node| is_same(a, b, field, self.kind);
        let counterpart = |items: &[Node], index: usize, item: &Node| {
            if is_keyed {
                items.iter().find(|old| same(old, item)).cloned()
            } else {
                items.get(index).cloned()
            }
        };
        let mut result: Vec<Node> = Vec::new();
        for (index, item) in new.iter().enumerate() {
            let before = last.and_then(|last| counterpart(last, index, item));
            result.push(match counterpart(current, index, item) {
                Some(old) => self.at(before.as_ref(), item, &old, ""),
                None => item.clone(),
            });
        }
        // What somebody else added stays.
        for old in current {
            let was_ours = last.is_some_and(|last| last.iter().any(|item| same(item, old)));
            if is_keyed && !was_ours && !new.iter().any(|item| same(item, old)) {
                result.push(old.clone());
            }
        }
        Value::List(result.into()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> Node {
        crate::yaml::read(text).documents.remove(0)
    }

    #[test]
    fn a_merge_patch_replaces_lists_and_takes_out_nulls() {
        let target = node("{a: {b: 1, c: 2}, l: [1, 2]}");
        let patch = node("{a: {b: null, d: 3}, l: [3], e: {x: null, f: 1}}");
        assert_eq!(
            merge(&target, &patch).to_string(),
            r#"{"a":{"c":2,"d":3},"e":{"f":1},"l":[3]}"#
        );
    }

    #[test]
    fn a_strategic_patch_merges_ports_by_their_number() {
        let target = node("{spec: {ports: [{port: 80, nodePort: 30080}, {port: 443}], x: [1]}}");
        let patch = node(
            "{spec: {ports: [{port: 80, name: http}, {port: 81}, {port: 443, $patch: delete}], x: [2]}}",
        );
        assert_eq!(
            strategic(&target, &patch, "Service").to_string(),
            r#"{"spec":{"ports":[{"name":"http","nodePort":30080,"port":80},{"port":81}],"x":[2]}}"#
        );
    }

    #[test]
    fn apply_takes_out_what_it_applied_before_and_keeps_what_others_wrote() {
        let last = node("{spec: {a: 1, b: 1, ports: [{port: 80}, {port: 81}]}}");
        let new = node("{spec: {a: 2, ports: [{port: 80}]}}");
        let current = node(
            "{spec: {a: 5, b: 1, c: 9, ports: [{port: 80, nodePort: 1}, {port: 81}, {port: 82}]}}",
        );
        assert_eq!(
            three_way(Some(&last), &new, &current, "Service").to_string(),
            r#"{"spec":{"a":2,"c":9,"ports":[{"nodePort":1,"port":80},{"port":82}]}}"#
        );
    }

    #[test]
    fn a_change_of_modelled_fields_leaves_the_others_alone() {
        let whole = node(
            "{spec: {containers: [{name: a, env: [1], image: x}], volumes: [v], replicas: 1}}",
        );
        let before = node("{spec: {containers: [{name: a, image: x}], replicas: 1}}");
        let after = node("{spec: {containers: [{name: a, image: z}]}, status: {ready: 1}}");
        assert_eq!(
            carry(&before, &after, &whole, "Pod").to_string(),
            r#"{"spec":{"containers":[{"env":[1],"image":"z","name":"a"}],"volumes":["v"]},"status":{"ready":1}}"#
        );
    }

    #[test]
    fn paths_are_set_filled_and_removed() {
        let mut tree = node("{a: 1}");
        set(&mut tree, &["b", "c"], "x".into());
        fill(&mut tree, &["b", "c"], || "y".into());
        fill(&mut tree, &["b", "d"], || "z".into());
        remove(&mut tree, &["a"]);
        remove(&mut tree, &["b", "nothing", "here"]);
        assert_eq!(tree.to_string(), r#"{"b":{"c":"x","d":"z"}}"#);
        assert_eq!(text(&tree, &["b", "c"]), "x");
    }
}
