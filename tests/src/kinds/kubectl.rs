//! `kubectl`: commands as typed, what they print, and what they change.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use lobby_engine::kubectl::{Kubectl, State, shell};
use serde_json::{Value, json};

use crate::vector::{self, Failure, Vector};

/// A folder each.
///
/// # Errors
///
/// A folder cannot be read.
pub fn collect(root: &Path) -> io::Result<Vec<Vector>> {
    vector::folders(root, "kubectl", "command.txt")
}

/// Runs the command and compares what it prints, its exit code, and what it changed.
///
/// # Errors
///
/// Where the engine differs.
pub fn check(vector: &Vector) -> Result<(), Failure> {
    let mut state = State::read(&vector.read("state.yaml")?).map_err(Failure::new)?;
    let words = shell::words(&vector.read("command.txt")?)?;
    let Some(("kubectl", words)) = words
        .split_first()
        .map(|(word, rest)| (word.as_str(), rest))
    else {
        return Err(Failure::new("the command is not kubectl"));
    };
    let stdin = if vector.folder.join("stdin.yaml").exists() {
        vector.read("stdin.yaml")?
    } else {
        String::new()
    };
    let before = objects(&state)?;
    let output = Kubectl::default().run(&mut state, words, &stdin);
    vector::compare(
        "standard output",
        &vector.read("stdout.txt")?,
        &output.stdout,
    )?;
    vector::compare(
        "standard error",
        &vector.read("stderr.txt")?,
        &output.stderr,
    )?;
    vector::compare(
        "the exit code",
        vector.read("exit_code.txt")?.trim(),
        &output.exit_code.to_string(),
    )?;
    let recorded: Value = if vector.folder.join("after.yaml").exists() {
        vector.read_yaml("after.yaml")?
    } else {
        json!({"changed": [], "deleted": []})
    };
    vector::compare_json(
        "what changed",
        &in_order(recorded),
        &in_order(changes(&before, &objects(&state)?)),
    )
}

/// Kind, namespace and name.
type Key = (String, String, String);

fn key(object: &Value) -> Key {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        text(&object["kind"]),
        text(&object["metadata"]["namespace"]),
        text(&object["metadata"]["name"]),
    )
}

fn objects(state: &State) -> Result<BTreeMap<Key, Value>, Failure> {
    let mut out = BTreeMap::new();
    for object in state.objects() {
        let object: Value = serde_json::from_str(&object.to_string())?;
        out.insert(key(&object), object);
    }
    Ok(out)
}

fn changes(before: &BTreeMap<Key, Value>, after: &BTreeMap<Key, Value>) -> Value {
    let changed: Vec<&Value> = after
        .iter()
        .filter(|(key, object)| before.get(key) != Some(object))
        .map(|(_, object)| object)
        .collect();
    let deleted: Vec<Value> = before
        .keys()
        .filter(|key| !after.contains_key(key))
        .map(|(kind, namespace, name)| {
            let mut gone = json!({"kind": kind, "name": name});
            if !namespace.is_empty() {
                gone["namespace"] = json!(namespace);
            }
            gone
        })
        .collect();
    json!({"changed": changed, "deleted": deleted})
}

/// The records list the objects in the order of the requests.
fn in_order(mut changes: Value) -> Value {
    for list in ["changed", "deleted"] {
        if let Some(items) = changes[list].as_array_mut() {
            items.sort_by_key(|item| {
                let name = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                (key(item), name(&item["namespace"]), name(&item["name"]))
            });
        }
    }
    changes
}
