//! `yaml`: documents and errors as kubectl reads a file. The error's words are compared from `yaml:`
//! on; before that kubectl says which file it was.

use std::io;
use std::path::Path;

use lobby_engine::yaml::{self, Node};
use serde::Deserialize;
use serde_json::Value;

use crate::vector::{self, Failure, Vector};

#[derive(Deserialize)]
struct Record {
    yaml: String,
    documents: Vec<Value>,
    error: String,
}

/// A line of `yaml/cases.jsonl` each.
///
/// # Errors
///
/// The file cannot be read.
pub fn collect(root: &Path) -> io::Result<Vec<Vector>> {
    vector::lines(root, "yaml/cases.jsonl", vector::by_name)
}

/// Reads the text and compares.
///
/// # Errors
///
/// Where the engine differs.
pub fn check(vector: &Vector) -> Result<(), Failure> {
    let record: Record = vector.record()?;
    let stream = yaml::read(&record.yaml);
    let errors: Vec<String> = stream.errors.iter().map(yaml::Error::in_document).collect();
    // The last one: the name of the file that kubectl read ends in `.yaml: ` as well.
    match record.error.rfind("yaml: ") {
        Some(at) => vector::compare("the error", &record.error[at..], &errors.join("\n"))?,
        None => vector::compare("the error of the YAML reader", "", &errors.join("\n"))?,
    }
    // What kubectl refuses after it was read as YAML is no object: a list, or a word.
    let objects: Vec<Value> = stream
        .documents
        .iter()
        .flat_map(unfold)
        .filter(|document| document.as_map().is_some())
        .map(|document| serde_json::to_value(document).map(numbers_by_value))
        .collect::<Result<_, _>>()?;
    let recorded = record.documents.into_iter().map(numbers_by_value).collect();
    vector::compare_json(
        "the documents",
        &Value::Array(recorded),
        &Value::Array(objects),
    )
}

/// The recorded documents have their lists unfolded.
fn unfold(document: &Node) -> Vec<&Node> {
    match document.get("items").and_then(Node::as_list) {
        Some(items) => items.iter().collect(),
        None => vec![document],
    }
}

/// kubectl's numbers went through Go's floats: `1e2` and `100` are the same.
fn numbers_by_value(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().into(),
        },
        Value::Array(items) => items.into_iter().map(numbers_by_value).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| (key, numbers_by_value(value)))
            .collect(),
        other => other,
    }
}
