//! The tables of `kubectl get`: what the API server puts into them, and how they are laid out.
//!
//! Source: Kubernetes v1.34 `pkg/printers/internalversion/printers.go`; k8s.io/cli-runtime
//! `pkg/printers/tableprinter.go`; github.com/liggitt/tabwriter with kubectl's settings.

mod network;
mod pod;
mod rest;

pub(in crate::kubectl) use network::join_host_port;
pub(in crate::kubectl) use rest::node_roles;

use super::resource::Resource;
use super::time;
use super::tree::Value;

/// A column: its name, and whether only `-o wide` shows it.
pub(super) type Column = (&'static str, bool);

/// The columns of a resource.
pub(super) fn columns(resource: &Resource) -> &'static [Column] {
    match resource.kind {
        "Pod" => pod::COLUMNS,
        "Service" => network::SERVICE,
        "Endpoints" => network::ENDPOINTS,
        "EndpointSlice" => network::ENDPOINT_SLICE,
        "Node" => rest::NODE,
        "Namespace" => rest::NAMESPACE,
        "Event" => rest::EVENT,
        "Deployment" => rest::DEPLOYMENT,
        "ReplicaSet" => rest::REPLICA_SET,
        "StatefulSet" => rest::STATEFUL_SET,
        "DaemonSet" => rest::DAEMON_SET,
        "ConfigMap" => rest::CONFIG_MAP,
        "Secret" => rest::SECRET,
        _ => &[("Name", false), ("Age", false)],
    }
}

/// The cells of an object, one for each column.
pub(super) fn cells(resource: &Resource, object: &Value, now: i64) -> Vec<String> {
    match resource.kind {
        "Pod" => pod::cells(object, now),
        "Service" => network::service(object, now),
        "Endpoints" => network::endpoints(object, now),
        "EndpointSlice" => network::endpoint_slice(object, now),
        "Node" => rest::node(object, now),
        "Namespace" => rest::namespace(object, now),
        "Event" => rest::event(object, now),
        "Deployment" => rest::deployment(object, now),
        "ReplicaSet" => rest::replica_set(object, now),
        "StatefulSet" => rest::stateful_set(object, now),
        "DaemonSet" => rest::daemon_set(object, now),
        "ConfigMap" => rest::config_map(object, now),
        "Secret" => rest::secret(object, now),
        _ => vec![object.name().to_owned(), age(object, now)],
    }
}

/// How long ago the object was made.
fn age(object: &Value, now: i64) -> String {
    time::since(object.str_at("metadata.creationTimestamp"), now)
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "<none>" } else { text }.to_owned()
}

/// Labels as `a=1,b=2`, sorted by key.
pub(super) fn labels(entries: &[(String, Value)]) -> String {
    if entries.is_empty() {
        return "<none>".to_owned();
    }
    let pairs: Vec<String> = entries
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    pairs.join(",")
}

/// A structured selector as Kubernetes prints it.
pub(super) fn selector(selector: &Value) -> String {
    if selector.is_null() {
        return "<none>".to_owned();
    }
    let mut parts: Vec<(String, String)> = selector
        .entries_at("matchLabels")
        .iter()
        .map(|(key, value)| {
            let value = value.as_str().unwrap_or_default();
            (key.clone(), format!("{key}={value}"))
        })
        .collect();
    for expression in selector.list_at("matchExpressions") {
        let key = expression.str_at("key").to_owned();
        let mut values: Vec<&str> = expression
            .list_at("values")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        values.sort_unstable();
        let values = values.join(",");
        let text = match expression.str_at("operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        };
        parts.push((key, text));
    }
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    let parts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
    if parts.is_empty() {
        return "<none>".to_owned();
    }
    parts.join(",")
}

/// Rows of cells as text: each column three wider than its widest cell and at least six wide, the
/// last one without an end.
#[derive(Default)]
pub(super) struct TabWriter {
    rows: Vec<Vec<String>>,
}

impl TabWriter {
    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows
            .push(cells.iter().map(|cell| shown(cell)).collect());
    }

    /// The text.
    pub(super) fn print(&self) -> String {
        lay_out(&self.rows, 6, 3)
    }
}

/// A cell is one line, and nothing in it moves a terminal's cursor.
fn shown(cell: &str) -> String {
    let (line, cut) = match cell.find(['\u{c}', '\n', '\r']) {
        Some(at) => (&cell[..at], true),
        None => (cell, false),
    };
    let mut out: String = line.replace('\u{1b}', "^[");
    if cut {
        out.push_str("...");
    }
    out
}

/// As a tabwriter lays out rows whose cells end with tabs, but for the last one: a column is as
/// wide as the widest of its cells in the lines that follow one another and have that column.
pub(super) fn lay_out(rows: &[Vec<String>], least: usize, padding: usize) -> String {
    let mut widths: Vec<Vec<usize>> = rows.iter().map(|row| vec![0; row.len()]).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    for column in 0..columns {
        let mut from = 0;
        while from < rows.len() {
            // Only a cell that ends with a tab belongs to a column.
            let has = |row: &Vec<String>| column + 1 < row.len();
            let length = rows[from..].iter().take_while(|row| has(row)).count();
            let width = rows[from..from + length]
                .iter()
                .map(|row| row[column].chars().count() + padding)
                .max()
                .unwrap_or(0)
                .max(least);
            for widths in &mut widths[from..from + length] {
                widths[column] = width;
            }
            from += length.max(1);
        }
    }
    let mut out = String::new();
    for (row, widths) in rows.iter().zip(&widths) {
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            out.push_str(cell);
            if at + 1 < row.len() {
                out.extend(std::iter::repeat_n(
                    ' ',
                    width.saturating_sub(cell.chars().count()),
                ));
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_their_widths() {
        let mut writer = TabWriter::default();
        writer.row(vec!["NAME".into(), "AGE".into()]);
        writer.row(vec!["a-long-name".into(), "5m".into()]);
        assert_eq!(writer.print(), "NAME          AGE\na-long-name   5m\n");
        let mut writer = TabWriter::default();
        writer.row(vec!["a".into(), String::new(), "b\nc".into()]);
        assert_eq!(writer.print(), "a           b...\n");
    }

    #[test]
    fn selectors_are_printed_sorted() {
        let text = "{matchLabels: {b: x}, matchExpressions: [{key: a, operator: In, values: [2, 1]}, {key: c, operator: DoesNotExist}]}";
        let text = text.replace("2, 1", "'2', '1'");
        let value = Value::from(&crate::yaml::read(&text).documents[0]);
        assert_eq!(selector(&value), "a in (1,2),b=x,!c");
    }
}
