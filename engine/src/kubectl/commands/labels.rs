//! `kubectl label` and `kubectl annotate`.
//!
//! Source: kubectl `pkg/cmd/label/label.go`, `pkg/cmd/annotate/annotate.go`,
//! `pkg/cmd/util/helpers.go` (`GetResourcesAndPairs`, `ParsePairs`). Go's maps have no order: of
//! several labels the errors and lists here are sorted by key.

use std::collections::BTreeMap;

use crate::api::validation::{names, quote};
use crate::kubectl::args::{Flag, Takes, flag};
use crate::kubectl::error::Error;
use crate::kubectl::output::Printer;
use crate::kubectl::patch::PatchType;
use crate::kubectl::select::{self, Info, Want};
use crate::kubectl::tree::Value;
use crate::kubectl::{Cx, DryRun};

pub(super) const FLAGS: &[Flag] = &[
    flag("overwrite", Takes::Bool),
    flag("list", Takes::Bool),
    flag("local", Takes::Bool),
    flag("resource-version", Takes::Text),
];

/// Labels or annotations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Labels,
    Annotations,
}

impl Kind {
    fn field(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Annotations => "annotations",
        }
    }
}

/// What is to come and what is to go.
#[derive(Default)]
struct Changes {
    new: BTreeMap<String, String>,
    gone: Vec<String>,
}

pub(super) fn label(cx: &mut Cx<'_>) -> Result<(), Error> {
    run(cx, Kind::Labels)
}

pub(super) fn annotate(cx: &mut Cx<'_>) -> Result<(), Error> {
    run(cx, Kind::Annotations)
}

/// The words before the first pair, and the pairs.
fn split<'a>(words: &'a [String], what: &str) -> Result<(&'a [String], &'a [String]), Error> {
    let is_pair = |word: &String| {
        (word.contains('=') && !word.starts_with('=')) || (word.ends_with('-') && word != "-")
    };
    let at = words.iter().position(is_pair).unwrap_or(words.len());
    let (resources, pairs) = words.split_at(at);
    match pairs.iter().find(|word| !is_pair(word)) {
        Some(word) => Err(Error::Plain(format!(
            "all resources must be specified before {what} changes: {word}"
        ))),
        None => Ok((resources, pairs)),
    }
}

fn parse_labels(pairs: &[String]) -> Result<Changes, Error> {
    let mut changes = Changes::default();
    for pair in pairs {
        if pair.contains('=') {
            let parts: Vec<&str> = pair.split('=').collect();
            let [key, value] = parts.as_slice() else {
                return Err(Error::Plain(format!("invalid label spec: {pair}")));
            };
            let wrong = names::label_value(value);
            if !wrong.is_empty() {
                return Err(Error::Plain(format!(
                    "invalid label value: {}: {}",
                    quote(pair),
                    wrong.join(";")
                )));
            }
            changes.new.insert((*key).to_owned(), (*value).to_owned());
        } else if let Some(key) = pair.strip_suffix('-') {
            changes.gone.push(key.to_owned());
        } else {
            return Err(Error::Plain(format!("unknown label spec: {pair}")));
        }
    }
    if changes.gone.iter().any(|key| changes.new.contains_key(key)) {
        return Err(Error::plain(
            "can not both modify and remove a label in the same command",
        ));
    }
    Ok(changes)
}

fn parse_annotations(pairs: &[String]) -> Result<Changes, Error> {
    let mut changes = Changes::default();
    let mut invalid: Vec<&str> = Vec::new();
    for pair in pairs {
        match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                changes.new.insert(key.to_owned(), value.to_owned());
            }
            _ => match pair.strip_suffix('-') {
                Some(key) if !key.is_empty() => changes.gone.push(key.to_owned()),
                _ => invalid.push(pair),
            },
        }
    }
    if !invalid.is_empty() {
        let invalid = invalid.join(", ");
        return Err(Error::Plain(format!(
            "invalid annotation format: {invalid}"
        )));
    }
    Ok(changes)
}

fn run(cx: &mut Cx<'_>, kind: Kind) -> Result<(), Error> {
    let dry_run = cx.dry_run()?;
    let words = cx.flags.args.clone();
    let what = kind.field().trim_end_matches('s');
    let (resources, pairs) = split(&words, what)?;
    let changes = match kind {
        Kind::Labels => parse_labels(pairs)?,
        Kind::Annotations => parse_annotations(pairs)?,
    };
    let list = cx.flags.on("list");
    if list && !cx.flags.text("output").is_empty() {
        return Err(Error::plain(
            "--list and --output may not be specified together",
        ));
    }
    for other in ["selector", "field-selector"] {
        if cx.flags.on("all") && !cx.flags.text(other).is_empty() {
            return Err(Error::Plain(format!(
                "cannot set --all and --{other} at the same time"
            )));
        }
    }
    let local = cx.flags.on("local");
    let has_files = cx.flags.has("filename");
    if local && dry_run == DryRun::Server {
        return Err(Error::plain(
            "cannot specify --local and --dry-run=server - did you mean --dry-run=client?",
        ));
    }
    let example = if kind == Kind::Labels { "pod" } else { "rsrc" };
    if local && !resources.is_empty() {
        return Err(Error::Plain(format!(
            "can only use local files by -f {example}.yaml or --filename={example}.json when --local=true is set"
        )));
    }
    if local && !has_files {
        return Err(Error::Plain(format!(
            "one or more files must be specified as -f {example}.yaml or --filename={example}.json"
        )));
    }
    if !local && resources.is_empty() && !has_files {
        return Err(Error::plain(
            "one or more resources must be specified as <resource> <name> or <resource>/<name>",
        ));
    }
    if changes.new.is_empty() && changes.gone.is_empty() && !list {
        return Err(Error::Plain(format!(
            "at least one {what} update is required"
        )));
    }
    let both: Vec<&str> = changes
        .gone
        .iter()
        .filter(|key| changes.new.contains_key(*key))
        .map(String::as_str)
        .collect();
    if !both.is_empty() {
        return Err(Error::Plain(format!(
            "can not both modify and remove the following annotation(s) in the same command: {}",
            both.join(", ")
        )));
    }
    let want = Want {
        args: resources.to_vec(),
        latest: !local,
        ..Want::default()
    };
    let found = select::find(cx, &want)?;
    let single = found.single;
    if !single && cx.flags.has("resource-version") {
        return Err(Error::plain(
            "--resource-version may only be used with a single resource",
        ));
    }
    let mut printer = Printer::new(cx, false)?;
    let (infos, mut errors) = found.infos();
    for info in infos {
        let local = local || dry_run == DryRun::Client || list;
        let done = one(
            cx,
            kind,
            info,
            &changes,
            (local, single, dry_run),
            &mut printer,
        );
        errors.extend(done.err());
    }
    Error::join(errors)
}

fn one(
    cx: &mut Cx<'_>,
    kind: Kind,
    mut info: Info,
    changes: &Changes,
    (local, single, dry_run): (bool, bool, DryRun),
    printer: &mut Printer,
) -> Result<(), Error> {
    let path = format!("metadata.{}", kind.field());
    let list = cx.flags.on("list");
    let existing = select::texts(info.object.entries_at(&path));
    if kind == Kind::Labels && !local {
        for key in changes
            .gone
            .iter()
            .filter(|key| !existing.contains_key(*key))
        {
            cx.print(&format!("label {} not found.\n", quote(key)));
        }
    }
    if !cx.flags.on("overwrite") {
        let taken: Vec<String> = changes
            .new
            .iter()
            // Why something was changed may always be overwritten.
            .filter(|(key, _)| kind == Kind::Labels || *key != "kubernetes.io/change-cause")
            .filter_map(|(key, value)| match existing.get(key) {
                Some(old) if old != value => Some(format!("'{key}' already has a value ({old})")),
                _ => None,
            })
            .collect();
        if !taken.is_empty() {
            return Err(match kind {
                Kind::Labels => {
                    let each = taken
                        .into_iter()
                        .map(|text| Error::Plain(format!("{text}, and --overwrite is false")));
                    match Error::join(each.collect()) {
                        Err(error) => error,
                        Ok(()) => return Ok(()),
                    }
                }
                Kind::Annotations => Error::Plain(format!(
                    "--overwrite is false but found the following declared annotation(s): {}",
                    taken.join("; ")
                )),
            });
        }
    }
    let added = changes
        .new
        .iter()
        .any(|(key, value)| existing.get(key) != Some(value));
    let removed = changes.gone.iter().any(|key| existing.contains_key(key));
    let mut patch = Value::map();
    let entries = patch.make(&path).to_map();
    for (key, value) in &changes.new {
        entries.insert(key, value.as_str().into());
    }
    for key in &changes.gone {
        entries.insert(key, Value::Null);
    }
    if local {
        let patched = crate::kubectl::patch::apply(&info.object, &patch, PatchType::Merge)
            .map_err(Error::Plain)?;
        info.object = patched;
    } else if added || removed {
        let at = (info.namespace.as_str(), info.name.as_str());
        let dry = dry_run == DryRun::Server;
        info.object = cx
            .api
            .patch(info.resource, at, &patch, PatchType::Merge, dry)?;
    }
    if list {
        let mut indent = "";
        if !single {
            indent = " ";
            let (kind_name, group) = (info.resource.kind, info.resource.group);
            let field = kind.field();
            cx.print(&format!(
                "Listing {field} for {kind_name}.{group}/{}:\n",
                info.name
            ));
        }
        for (key, value) in select::texts(info.object.entries_at(&path)) {
            cx.print(&format!("{indent}{key}={value}\n"));
        }
        return Ok(());
    }
    let operation = match (kind, added, removed) {
        (Kind::Annotations, _, _) => "annotated",
        (_, true, true) => "modified",
        (_, true, false) => "labeled",
        (_, false, true) => "unlabeled",
        (_, false, false) => "not labeled",
    };
    printer.done(cx, &info.object, operation, dry_run, false)
}
