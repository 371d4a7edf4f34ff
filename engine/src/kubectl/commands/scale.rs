//! `kubectl scale`.
//!
//! Source: kubectl `pkg/cmd/scale/scale.go`, `pkg/scale/scale.go`.

use crate::kubectl::args::{Flag, Takes, flag, required};
use crate::kubectl::error::{Error, Status};
use crate::kubectl::output::Printer;
use crate::kubectl::patch::PatchType;
use crate::kubectl::select::{self, Want};
use crate::kubectl::tree::Value;
use crate::kubectl::{Cx, DryRun};

pub(super) const FLAGS: &[Flag] = &[
    required("replicas", Takes::Int),
    flag("current-replicas", Takes::Int),
    flag("resource-version", Takes::Text),
    flag("timeout", Takes::Duration),
];

pub(super) fn run(cx: &mut Cx<'_>) -> Result<(), Error> {
    let dry_run = cx.dry_run()?;
    let mut printer = Printer::new(cx, false)?;
    let replicas = cx.flags.int("replicas").unwrap_or(0);
    let current = cx.flags.int("current-replicas").unwrap_or(-1);
    if replicas < 0 {
        return Err(Error::plain(
            "The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0",
        ));
    }
    if current < -1 {
        return Err(Error::plain(
            "The --current-replicas must specify an integer of -1 or greater",
        ));
    }
    let want = Want {
        args: cx.flags.args.clone(),
        ..Want::default()
    };
    let found = select::find(cx, &want)?;
    let (infos, errors) = found.infos();
    if infos.is_empty() {
        Error::join(errors)?;
        return Err(Error::plain("no objects passed to scale"));
    }
    for mut info in infos {
        if dry_run != DryRun::Client {
            if info.resource.group != "apps" {
                return Err(Status::new(
                    "NotFound",
                    "the server could not find the requested resource",
                )
                .into());
            }
            let now = cx
                .api
                .get(info.resource, &info.namespace, &info.name)?
                .int_at("spec.replicas");
            if current != -1 && now != current {
                return Err(Error::Plain(format!(
                    "Expected replicas to be {current}, was {now}"
                )));
            }
            let mut patch = Value::map();
            patch.set("spec.replicas", Value::int(replicas));
            let at = (info.namespace.as_str(), info.name.as_str());
            let dry = dry_run == DryRun::Server;
            cx.api
                .patch(info.resource, at, &patch, PatchType::Merge, dry)?;
        }
        info.object.set("spec.replicas", Value::int(replicas));
        printer.done(cx, &info.object, "scaled", dry_run, false)?;
    }
    Error::join(errors)
}
