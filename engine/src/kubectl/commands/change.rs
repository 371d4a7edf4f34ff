//! `kubectl patch` and `kubectl replace`.
//!
//! Source: kubectl `pkg/cmd/patch/patch.go`, `pkg/cmd/replace/replace.go`.

use crate::api::validation::quote;
use crate::kubectl::args::{Flag, Takes, flag, short};
use crate::kubectl::error::Error;
use crate::kubectl::output::Printer;
use crate::kubectl::patch::{self, PatchType};
use crate::kubectl::select::{self, Want};
use crate::kubectl::tree::Value;
use crate::kubectl::{Cx, DryRun};
use crate::yaml;

pub(super) const PATCH_FLAGS: &[Flag] = &[
    short("patch", 'p', Takes::Text),
    flag("patch-file", Takes::Text),
    flag("type", Takes::Text),
    flag("local", Takes::Bool),
    flag("subresource", Takes::Text),
];

pub(super) const REPLACE_FLAGS: &[Flag] = &[
    flag("force", Takes::Bool),
    flag("cascade", Takes::Maybe("background")),
    flag("grace-period", Takes::Int),
    flag("timeout", Takes::Duration),
    flag("wait", Takes::Bool),
];

pub(super) fn patch(cx: &mut Cx<'_>) -> Result<(), Error> {
    let dry_run = cx.dry_run()?;
    let (text, file) = (cx.flags.text("patch"), cx.flags.text("patch-file"));
    let text = match (text, file) {
        ("", "") => {
            return Err(Error::plain(
                "must specify --patch or --patch-file containing the contents of the patch",
            ));
        }
        (text, "") => text.to_owned(),
        ("", file) => {
            let found = cx.kubectl.files.iter().find(|(name, _)| name == file);
            found.map(|(_, text)| text.clone()).ok_or_else(|| {
                Error::Plain(format!(
                    "unable to read patch file: open {file}: no such file or directory"
                ))
            })?
        }
        _ => {
            return Err(Error::plain(
                "cannot specify --patch and --patch-file together",
            ));
        }
    };
    let local = cx.flags.on("local");
    if local && !cx.flags.args.is_empty() {
        return Err(Error::plain("cannot specify --local and server resources"));
    }
    if local && dry_run == DryRun::Server {
        return Err(Error::plain(
            "cannot specify --local and --dry-run=server - did you mean --dry-run=client?",
        ));
    }
    let how = match cx.flags.text("type").to_lowercase().as_str() {
        "" | "strategic" => PatchType::Strategic,
        "merge" => PatchType::Merge,
        "json" => PatchType::Json,
        _ => {
            return Err(Error::Plain(format!(
                "--type must be one of [json merge strategic], not {}",
                quote(cx.flags.text("type"))
            )));
        }
    };
    let stream = yaml::read(&text);
    if let Some(error) = stream.errors.first() {
        return Err(Error::Plain(format!(
            "unable to parse {}: {error}",
            quote(&text)
        )));
    }
    let change = stream
        .documents
        .first()
        .map(Value::from)
        .unwrap_or_default();
    let want = Want {
        args: cx.flags.args.clone(),
        ..Want::default()
    };
    let found = select::find(cx, &want)?;
    let mut printer = Printer::new(cx, false)?;
    let (infos, mut errors) = found.infos();
    let count = infos.len();
    for info in infos {
        let patched = if local || dry_run == DryRun::Client {
            patch::apply(&info.object, &change, how).map_err(Error::Plain)
        } else {
            let at = (info.namespace.as_str(), info.name.as_str());
            let dry = dry_run == DryRun::Server;
            cx.api
                .patch(info.resource, at, &change, how, dry)
                .map_err(Error::from)
        };
        let done = patched.and_then(|object| {
            let operation = if object == info.object {
                "patched (no change)"
            } else {
                "patched"
            };
            printer.done(cx, &object, operation, dry_run, false)
        });
        errors.extend(done.err());
    }
    if errors.is_empty() && count == 0 {
        return Err(Error::plain("no objects passed to patch"));
    }
    Error::join(errors)
}

pub(super) fn replace(cx: &mut Cx<'_>) -> Result<(), Error> {
    let dry_run = cx.dry_run()?;
    let mut printer = Printer::new(cx, false)?;
    if !cx.flags.has("filename") {
        return Err(Error::usage(
            "kubectl replace",
            "Must specify --filename to replace",
        ));
    }
    let force = cx.flags.on("force");
    let want = Want {
        args: cx.flags.args.clone(),
        ..Want::default()
    };
    let found = select::find(cx, &want)?;
    let (infos, mut errors) = found.infos();
    let dry = dry_run == DryRun::Server;
    for info in infos {
        let mut object = info.object.clone();
        if dry_run != DryRun::Client {
            if force {
                let at = (info.namespace.as_str(), info.name.as_str());
                let gone = cx.api.delete(info.resource, at, Some(0), dry);
                if gone.is_ok() {
                    cx.print(&format!(
                        "{} \"{}\" deleted from {} namespace\n",
                        info.resource.printed(),
                        info.name,
                        info.namespace
                    ));
                }
            }
            let done = if force {
                cx.api.create(info.resource, &info.namespace, object, dry)
            } else {
                cx.api.update(info.resource, object, dry)
            };
            match done {
                Ok(new) => object = new,
                Err(status) => {
                    errors.push(Error::from(status).with_source("replacing", &info.source));
                    continue;
                }
            }
        }
        printer.done(cx, &object, "replaced", dry_run, false)?;
    }
    Error::join(errors)
}
