//! `kubectl apply`.
//!
//! Source: kubectl `pkg/cmd/apply/apply.go`, `patcher.go`, `pkg/util/apply.go`.

use super::get::list;
use crate::kubectl::args::{Flag, Takes, flag};
use crate::kubectl::error::Error;
use crate::kubectl::output::{Format, Printer};
use crate::kubectl::patch;
use crate::kubectl::select::{self, Info, Want};
use crate::kubectl::tree::Value;
use crate::kubectl::{Cx, DryRun};
use crate::yaml;

/// Where the manifest is kept that was applied last.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

pub(super) const FLAGS: &[Flag] = &[
    flag("overwrite", Takes::Bool),
    flag("all", Takes::Bool),
    flag("prune", Takes::Bool),
    flag("server-side", Takes::Bool),
    flag("force-conflicts", Takes::Bool),
    flag("force", Takes::Bool),
    flag("grace-period", Takes::Int),
    flag("timeout", Takes::Duration),
    flag("wait", Takes::Bool),
    flag("cascade", Takes::Maybe("background")),
    flag("openapi-patch", Takes::Bool),
    flag("subresource", Takes::Text),
];

pub(super) fn run(cx: &mut Cx<'_>) -> Result<(), Error> {
    let dry_run = cx.dry_run()?;
    if !cx.flags.args.is_empty() {
        let args = cx.flags.args.join(" ");
        return Err(Error::usage(
            "kubectl apply",
            &format!("Unexpected args: [{args}]"),
        ));
    }
    if !cx.flags.has("filename") && !cx.flags.has("kustomize") {
        return Err(Error::plain("must specify one of -f and -k"));
    }
    for name in ["server-side", "prune", "subresource"] {
        if cx.flags.has(name) {
            return Err(Error::Plain(format!(
                "--{name} is not there; near: apply -f without it, and delete"
            )));
        }
    }
    let mut printer = Printer::new(cx, false)?;
    let found = select::find(cx, &Want::default())?;
    let (infos, mut errors) = found.infos();
    if infos.is_empty() && errors.is_empty() {
        return Err(Error::plain("no objects passed to apply"));
    }
    let as_objects = !matches!(printer.format, Format::Default | Format::Name);
    let mut applied = Vec::new();
    for info in infos {
        match one(cx, info, dry_run) {
            Ok((object, _)) if as_objects => applied.push(object),
            Ok((object, operation)) => {
                printer.done(cx, &object, operation, dry_run, false)?;
            }
            Err(error) => errors.push(error),
        }
    }
    Error::join(errors)?;
    if as_objects && !applied.is_empty() {
        let text = if applied.len() == 1 {
            printer.object(&applied[0], false)?
        } else {
            let mut list = list(applied);
            list.set("metadata", Value::map());
            printer.object(&list, false)?
        };
        cx.print(&text);
    }
    Ok(())
}

/// The manifest as it is kept: without the annotation itself, and always with annotations.
pub(super) fn configuration(object: &Value) -> String {
    let mut object = object.clone();
    object
        .make("metadata.annotations")
        .to_map()
        .remove(LAST_APPLIED);
    format!("{object}\n")
}

/// Writes into the object what it is made from.
pub(super) fn annotate(object: &mut Value) {
    let text = configuration(object);
    object
        .make("metadata.annotations")
        .to_map()
        .insert(LAST_APPLIED, text.into());
}

fn one(cx: &mut Cx<'_>, info: Info, dry_run: DryRun) -> Result<(Value, &'static str), Error> {
    if info.name.is_empty() {
        let prefix = info.object.str_at("metadata.generateName");
        if !prefix.is_empty() {
            return Err(Error::Plain(format!(
                "from {prefix}: cannot use generate name with apply"
            )));
        }
        return Err(Error::Plain(format!(
            "error when retrieving current configuration of:\nResource: \"{}/{}, Resource={}\", GroupVersionKind: \"{0}/{1}, Kind={}\"\nName: \"\", Namespace: \"{}\"\nfrom server for: \"{}\": resource name may not be empty",
            info.resource.group,
            info.resource.version,
            info.resource.plural,
            info.resource.kind,
            info.namespace,
            info.source
        )));
    }
    let mut modified = info.object.clone();
    annotate(&mut modified);
    let server = dry_run == DryRun::Server;
    cx.asked_for(info.resource);
    let Ok(current) = cx.api.get(info.resource, &info.namespace, &info.name) else {
        // The first time: what is null is as if it were not there.
        patch::prune_nulls(&mut modified);
        if dry_run == DryRun::Client {
            return Ok((modified, "created"));
        }
        let created = cx
            .api
            .create(info.resource, &info.namespace, modified, server)
            .map_err(|status| Error::from(status).with_source("creating", &info.source))?;
        return Ok((created, "created"));
    };
    let annotations = current.at("metadata.annotations");
    let last = match annotations.get(LAST_APPLIED).as_str() {
        Some(text) => yaml::read(text)
            .documents
            .first()
            .map(Value::from)
            .unwrap_or_default(),
        None => {
            cx.warn(&format!(
                "Warning: resource {}/{} is missing the {LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.",
                info.resource.plural, info.name
            ));
            Value::Null
        }
    };
    let merged = patch::three_way(&last, &modified, &current);
    let changed = merged != current;
    let mut object = current.clone();
    if changed {
        object = if dry_run == DryRun::Client {
            merged
        } else {
            cx.api
                .update(info.resource, merged, server)
                .map_err(|status| Error::from(status).with_source("applying patch", &info.source))?
        };
    }
    if !current.at("metadata.deletionTimestamp").is_null() {
        cx.warn(&format!(
            "Warning: Detected changes to resource {} which is currently being deleted.",
            info.name
        ));
    }
    Ok((object, if changed { "configured" } else { "unchanged" }))
}
