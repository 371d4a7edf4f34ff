//! `kubectl describe`: what is told about one object.
//!
//! Source: kubectl `pkg/describe/describe.go`. Left out: volumes of other kinds than those that
//! every Pod has, affinity and leases.

mod network;
mod node;
mod pod;
mod workload;

use super::api::Api;
use super::resource::{Resource, by_kind};
use super::table;
use super::time;
use super::tree::Value;

/// Lines whose cells are laid out together, as by Go's tabwriter with a padding of two.
#[derive(Default)]
struct Writer {
    done: String,
    rows: Vec<Vec<String>>,
    /// Whether the last row is still being written.
    open: bool,
}

impl Writer {
    /// Writes a text in which tabs part cells and line feeds rows.
    fn put(&mut self, text: &str) {
        for piece in text.split_inclusive('\n') {
            let line = piece.strip_suffix('\n');
            let mut cells = line.unwrap_or(piece).split('\t').map(str::to_owned);
            match self.rows.last_mut() {
                Some(row) if self.open => {
                    if let (Some(last), Some(first)) = (row.last_mut(), cells.next()) {
                        last.push_str(&first);
                    }
                    row.extend(cells);
                }
                _ => self.rows.push(cells.collect()),
            }
            self.open = line.is_none();
        }
    }

    /// Writes a title and its text.
    fn field(&mut self, title: &str, text: &str) {
        self.put(&format!("{title}:\t{text}\n"));
    }

    /// What follows is laid out by itself.
    fn flush(&mut self) {
        self.done.push_str(&table::lay_out(&self.rows, 0, 2));
        self.rows.clear();
        self.open = false;
    }

    fn finish(mut self) -> String {
        self.flush();
        self.done
    }
}

/// What is told about an object. `events`: whether its events are told, too.
pub(super) fn describe(
    api: &dyn Api,
    resource: &'static Resource,
    object: &Value,
    events: bool,
) -> String {
    let mut writer = Writer::default();
    let w = &mut writer;
    match resource.kind {
        "Service" => network::service(w, api, object),
        "Endpoints" => network::endpoints(w, object),
        "EndpointSlice" => network::endpoint_slice(w, object),
        "Pod" => pod::pod(w, object, api.now()),
        "Node" => node::node(w, api, object),
        "Namespace" => node::namespace(w, object),
        "Deployment" => workload::deployment(w, api, object),
        "ReplicaSet" => workload::replica_set(w, api, object),
        "StatefulSet" => workload::stateful_set(w, api, object),
        _ => generic(w, object),
    }
    // A Namespace's description has none.
    if events && resource.kind != "Namespace" {
        describe_events(w, api, resource, object);
    }
    writer.finish()
}

fn head(w: &mut Writer, object: &Value) {
    w.field("Name", object.name());
    w.field("Namespace", object.namespace());
}

fn labels_and_annotations(w: &mut Writer, object: &Value) {
    labels(w, "Labels", object.entries_at("metadata.labels"));
    annotations(
        w,
        "",
        "Annotations",
        object.entries_at("metadata.annotations"),
    );
}

/// Labels, one a line.
fn labels(w: &mut Writer, title: &str, entries: &[(String, Value)]) {
    labels_at(w, "", title, "\t", entries);
}

fn labels_at(w: &mut Writer, indent: &str, title: &str, inner: &str, entries: &[(String, Value)]) {
    w.put(&format!("{indent}{title}:{inner}"));
    if entries.is_empty() {
        w.put("<none>\n");
    }
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            w.put(&format!("{indent}{inner}"));
        }
        w.put(&format!("{key}={}\n", value.as_str().unwrap_or_default()));
    }
}

/// Annotations, one a line, long ones below their key; not the manifest that was applied last.
fn annotations(w: &mut Writer, indent: &str, title: &str, entries: &[(String, Value)]) {
    const MOST: usize = 140;
    w.put(&format!("{indent}{title}:\t"));
    let shown: Vec<(&str, &str)> = entries
        .iter()
        .filter(|(key, _)| key != "kubectl.kubernetes.io/last-applied-configuration")
        .map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default()))
        .collect();
    if shown.is_empty() {
        w.put("<none>\n");
    }
    for (at, (key, value)) in shown.into_iter().enumerate() {
        if at > 0 {
            w.put(&format!("{indent}\t"));
        }
        let value = value.strip_suffix('\n').unwrap_or(value);
        if value.len() + key.len() + 2 > MOST || value.contains('\n') {
            w.put(&format!("{key}:\n"));
            for line in value.split('\n') {
                let short: String = line.chars().take(MOST - 2).collect();
                let dots = if short.len() < line.len() { "..." } else { "" };
                w.put(&format!("{indent}\t  {short}{dots}\n"));
            }
        } else {
            w.put(&format!("{key}: {value}\n"));
        }
    }
}

/// The events about an object, the oldest first.
fn describe_events(w: &mut Writer, api: &dyn Api, resource: &Resource, object: &Value) {
    let now = api.now();
    // Those about what lives in no namespace are in `default`.
    let namespace = match object.namespace() {
        "" => "default",
        namespace => namespace,
    };
    let mut events = api.list(by_kind("Event"), Some(namespace));
    events.retain(|event| {
        event.str_at("involvedObject.name") == object.name()
            && event.str_at("involvedObject.kind") == resource.kind
            && (object.str_at("metadata.uid").is_empty()
                || event.str_at("involvedObject.uid").is_empty()
                || event.str_at("involvedObject.uid") == object.str_at("metadata.uid"))
    });
    if events.is_empty() {
        w.put("Events:\t<none>\n");
        return;
    }
    w.flush();
    events.sort_by_key(|event| time::parse(event.str_at("lastTimestamp")));
    w.put("Events:\n  Type\tReason\tAge\tFrom\tMessage\n");
    w.put("  ----\t------\t----\t----\t-------\n");
    for event in &events {
        let first = match event.str_at("eventTime") {
            "" => time::since(event.str_at("firstTimestamp"), now),
            time => time::since(time, now),
        };
        let count = event.int_at("count");
        let age = if !event.at("series").is_null() {
            let last = time::since(event.str_at("series.lastObservedTime"), now);
            format!("{last} (x{} over {first})", event.int_at("series.count"))
        } else if count > 1 {
            let last = time::since(event.str_at("lastTimestamp"), now);
            format!("{last} (x{count} over {first})")
        } else {
            first
        };
        let source = match event.str_at("source.component") {
            "" => event.str_at("reportingComponent"),
            source => source,
        };
        let mut message = event.str_at("message").trim().to_owned();
        let path = event.str_at("involvedObject.fieldPath");
        if !path.is_empty() {
            message = format!("{path}: {message}");
        }
        w.put(&format!(
            "  {}\t{}\t{age}\t{source}\t{message}\n",
            event.str_at("type"),
            event.str_at("reason"),
        ));
    }
}

/// An object of a kind that has no description of its own: its fields, named for people.
fn generic(w: &mut Writer, object: &Value) {
    head(w, object);
    labels_and_annotations(w, object);
    fields(
        w,
        0,
        object,
        &[
            "metadata.name",
            "metadata.namespace",
            "metadata.labels",
            "metadata.annotations",
            "metadata.managedFields",
        ],
        "",
    );
}

fn fields(w: &mut Writer, level: usize, object: &Value, skip: &[&str], path: &str) {
    let Some(map) = object.as_map() else { return };
    let indent = "  ".repeat(level);
    let mut entries: Vec<(String, &str, &Value)> = map
        .entries()
        .iter()
        .map(|(key, value)| (smart_label(key), key.as_str(), value))
        .collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (label, key, value) in entries {
        let here = format!("{path}{key}");
        if skip.contains(&here.as_str()) {
            continue;
        }
        match value {
            Value::Map(_) => {
                w.put(&format!("{indent}{label}:\n"));
                fields(w, level + 1, value, skip, &format!("{here}."));
            }
            Value::List(items) => {
                w.put(&format!("{indent}{label}:\n"));
                for item in items {
                    if item.as_map().is_some() {
                        fields(w, level + 1, item, skip, &format!("{here}."));
                    } else {
                        let text = super::jsonpath::to_text(item);
                        w.put(&format!("{indent}  {text}\n"));
                    }
                }
            }
            other => {
                let text = super::jsonpath::to_text(other);
                w.put(&format!("{indent}{label}:\t{text}\n"));
            }
        }
    }
}

/// `lastTimestamp` as `Last Timestamp` (`smartLabelFor`).
fn smart_label(key: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut was_lower = false;
    for c in key.chars() {
        if words.is_empty() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = !c.is_uppercase();
        if let Some(last) = words.last_mut() {
            last.push(c);
        }
    }
    let words: Vec<String> = words
        .into_iter()
        .map(|word| match word.to_uppercase().as_str() {
            upper @ ("API" | "URL" | "UID" | "OSB" | "GUID") => upper.to_owned(),
            _ => {
                let mut chars = word.chars();
                let first: String = chars
                    .next()
                    .into_iter()
                    .flat_map(char::to_uppercase)
                    .collect();
                first + chars.as_str()
            }
        })
        .collect();
    words.join(" ")
}
