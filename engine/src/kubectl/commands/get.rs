//! `kubectl get`.
//!
//! Source: kubectl `pkg/cmd/get/get.go`, `get_flags.go`, `humanreadable_flags.go`.

use crate::kubectl::args::{Flag, Takes, flag, short};
use crate::kubectl::error::Error;
use crate::kubectl::output::{Format, Printer};
use crate::kubectl::resource::Resource;
use crate::kubectl::select::{self, Found, Item, Want};
use crate::kubectl::table::{self, TabWriter};
use crate::kubectl::tree::Value;
use crate::kubectl::{Cx, sort};

pub(super) const FLAGS: &[Flag] = &[
    flag("show-labels", Takes::Bool),
    short("label-columns", 'L', Takes::List),
    flag("no-headers", Takes::Bool),
    flag("sort-by", Takes::Text),
    flag("show-kind", Takes::Bool),
    flag("ignore-not-found", Takes::Bool),
    short("watch", 'w', Takes::Bool),
    flag("watch-only", Takes::Bool),
    flag("output-watch-events", Takes::Bool),
    flag("chunk-size", Takes::Int),
    flag("server-print", Takes::Bool),
    flag("raw", Takes::Text),
    flag("subresource", Takes::Text),
];

pub(super) fn run(cx: &mut Cx<'_>) -> Result<(), Error> {
    let mut printer = Printer::new(cx, true)?;
    let watch = cx.flags.on("watch") || cx.flags.on("watch-only");
    if cx.flags.args.is_empty() && !cx.flags.has("filename") && !watch {
        cx.warn(
            "You must specify the type of resource to get. Use \"kubectl api-resources\" for a \
             complete list of supported resources.\n",
        );
        return Err(Error::usage(
            "kubectl get",
            "Required resource not specified.\nUse \"kubectl explain <resource>\" for a detailed \
             description of that resource (e.g. kubectl explain pods).",
        ));
    }
    let output = cx.flags.text("output");
    if cx.flags.on("show-labels") && !matches!(output, "" | "wide") {
        return Err(Error::Plain(format!(
            "--show-labels option cannot be used with {output} printer"
        )));
    }
    if cx.flags.has("label-columns") && output.starts_with("custom-columns") {
        return Err(Error::Plain(format!(
            "--label-columns option cannot be used with {output} printer"
        )));
    }
    if cx.flags.on("output-watch-events") && !watch {
        return Err(Error::plain(
            "--output-watch-events option can only be used with --watch or --watch-only",
        ));
    }
    if cx.flags.has("raw") || cx.flags.has("subresource") {
        return Err(Error::plain(
            "--raw and --subresource are not there: -o json prints a whole object",
        ));
    }
    let want = Want {
        args: cx.flags.args.clone(),
        all: true,
        latest: true,
        names_only: false,
    };
    let mut found = select::find(cx, &want)?;
    if cx.flags.on("ignore-not-found") {
        found
            .items
            .retain(|item| !matches!(item, Item::Wrong(error) if error.is_not_found()));
    }
    let field = cx.flags.text("sort-by").to_owned();
    match printer.format {
        Format::Default | Format::Wide => {
            let wide = matches!(printer.format, Format::Wide);
            tables(cx, found, &field, wide)
        }
        _ => whole(cx, found, &field, &mut printer),
    }
}

/// Whole objects: one alone, more than one or any number as a list.
fn whole(cx: &mut Cx<'_>, found: Found, field: &str, printer: &mut Printer) -> Result<(), Error> {
    let single = found.single;
    let (infos, errors) = found.infos();
    if single && !errors.is_empty() {
        return Error::join(errors);
    }
    if infos.is_empty() && cx.flags.on("ignore-not-found") {
        return Error::join(errors);
    }
    let mut objects: Vec<Value> = infos.into_iter().map(|info| info.object).collect();
    let text = if single && objects.len() == 1 {
        printer.object(&objects[0], false)?
    } else {
        if !field.is_empty() && !objects.is_empty() {
            sort::by_field(&mut objects, field)?;
        }
        printer.object(&list(objects), false)?
    };
    cx.print(&text);
    Error::join(errors)
}

/// A `v1` List.
pub(super) fn list(objects: Vec<Value>) -> Value {
    let mut list = Value::map();
    list.set("apiVersion", "v1".into());
    list.set("kind", "List".into());
    list.set("metadata.resourceVersion", Value::text(""));
    list.set("items", Value::List(objects));
    list
}

fn tables(cx: &mut Cx<'_>, found: Found, field: &str, wide: bool) -> Result<(), Error> {
    // Neighbours of one resource share a table.
    let mut groups: Vec<(&'static Resource, Vec<Value>)> = Vec::new();
    let mut errors = Vec::new();
    let mut kinds: Vec<&'static str> = Vec::new();
    let mut count = 0;
    for item in found.items {
        let (resource, objects) = match item {
            Item::Wrong(error) => {
                if !errors.contains(&error) {
                    errors.push(error);
                }
                continue;
            }
            Item::One(info) => (info.resource, vec![info.object]),
            Item::Many(resource, objects) => (resource, objects),
        };
        count += 1;
        if !kinds.contains(&resource.kind) {
            kinds.push(resource.kind);
        }
        match groups.last_mut() {
            Some((last, all)) if *last == resource => all.extend(objects),
            _ => groups.push((resource, objects)),
        }
    }
    let with_kind = (count > 1 && kinds.len() > 1) || cx.flags.on("show-kind");
    let all_namespaces = cx.flags.on("all-namespaces");
    let namespaced = !all_namespaces && groups.iter().all(|(resource, _)| resource.namespaced);
    let mut is_first = true;
    for (resource, mut objects) in groups {
        if objects.is_empty() {
            continue;
        }
        if !field.is_empty() {
            sort::by_field(&mut objects, field)?;
        }
        if !is_first && !cx.flags.on("no-headers") {
            cx.print("\n");
        }
        is_first = false;
        let text = table(cx, resource, &objects, wide, with_kind);
        cx.print(&text);
    }
    if is_first && errors.is_empty() && !cx.flags.on("ignore-not-found") {
        if namespaced {
            let namespace = cx.namespace();
            cx.warn(&format!("No resources found in {namespace} namespace."));
        } else {
            cx.warn("No resources found");
        }
    }
    Error::join(errors)
}

/// One table.
fn table(
    cx: &Cx<'_>,
    resource: &'static Resource,
    objects: &[Value],
    wide: bool,
    with_kind: bool,
) -> String {
    let columns = table::columns(resource);
    let shown: Vec<usize> = (0..columns.len())
        .filter(|&at| wide || !columns[at].1)
        .collect();
    let with_namespace = cx.flags.on("all-namespaces") && resource.namespaced;
    let label_columns = cx.flags.list("label-columns");
    let show_labels = cx.flags.on("show-labels");
    let mut writer = TabWriter::default();
    if !cx.flags.on("no-headers") {
        let mut row: Vec<String> = Vec::new();
        if with_namespace {
            row.push("NAMESPACE".to_owned());
        }
        row.extend(shown.iter().map(|&at| columns[at].0.to_uppercase()));
        row.extend(label_columns.iter().map(|label| {
            let last = label.rsplit('/').next().unwrap_or(label);
            last.to_uppercase()
        }));
        if show_labels {
            row.push("LABELS".to_owned());
        }
        writer.row(row);
    }
    let now = cx.api.now();
    for object in objects {
        let cells = table::cells(resource, object, now);
        let mut row: Vec<String> = Vec::new();
        if with_namespace {
            row.push(object.namespace().to_owned());
        }
        for &at in &shown {
            let cell = cells.get(at).cloned().unwrap_or_default();
            row.push(if with_kind && columns[at].0 == "Name" {
                format!("{}/{cell}", resource.printed())
            } else {
                cell
            });
        }
        let labels = object.at("metadata.labels");
        row.extend(
            label_columns
                .iter()
                .map(|label| labels.get(label).as_str().unwrap_or_default().to_owned()),
        );
        if show_labels {
            row.push(table::labels(object.entries_at("metadata.labels")));
        }
        writer.row(row);
    }
    writer.print()
}
