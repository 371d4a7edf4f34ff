//! `kubectl delete`.
//!
//! Source: kubectl `pkg/cmd/delete/delete.go`; k8s.io/kubectl `pkg/cmd/wait/wait.go` for what it waits
//! for when all is printed. Left out, and said so: `--raw`, `--interactive`.

use crate::kubectl::args::{Flag, Takes, flag, parse_duration, short};
use crate::kubectl::error::Error;
use crate::kubectl::select::{self, Want};
use crate::kubectl::{Cx, DryRun, Then};

pub(super) const FLAGS: &[Flag] = &[
    short("output", 'o', Takes::Text),
    flag("now", Takes::Bool),
    flag("force", Takes::Bool),
    flag("grace-period", Takes::Int),
    flag("ignore-not-found", Takes::Bool),
    flag("wait", Takes::Bool),
    flag("timeout", Takes::Duration),
    flag("cascade", Takes::Maybe("background")),
    short("interactive", 'i', Takes::Bool),
    flag("raw", Takes::Text),
];

pub(super) fn run(cx: &mut Cx<'_>) -> Result<(), Error> {
    let by_selector = cx.flags.on("all")
        || !cx.flags.text("selector").is_empty()
        || !cx.flags.text("field-selector").is_empty();
    let ignore = if cx.flags.has("ignore-not-found") {
        cx.flags.on("ignore-not-found")
    } else {
        by_selector
    };
    let mut grace = cx.flags.int("grace-period").unwrap_or(-1);
    let force = cx.flags.on("force");
    if cx.flags.on("now") {
        if grace != -1 {
            return Err(Error::plain(
                "--now and --grace-period cannot be specified together",
            ));
        }
        grace = 1;
    }
    if grace == 0 && !force {
        grace = 1;
    }
    if force && grace < 0 {
        grace = 0;
    }
    let dry_run = cx.dry_run()?;
    if cx.flags.on("all") && !cx.flags.text("selector").is_empty() {
        // The builder says so before the command does.
        return Err(Error::plain(
            "setting 'all' parameter but found a non empty selector. ",
        ));
    }
    if cx.flags.has("raw") || cx.flags.on("interactive") {
        return Err(Error::plain(
            "--raw and --interactive are not there: delete TYPE NAME asks nothing",
        ));
    }
    let want = Want {
        args: cx.flags.args.clone(),
        names_only: true,
        ..Want::default()
    };
    let found = select::find(cx, &want)?;
    let output = cx.flags.text("output").to_owned();
    if !output.is_empty() && output != "name" {
        return Err(Error::Plain(format!(
            "unexpected -o output mode: {output}. We only support '-o name'"
        )));
    }
    match (grace, force) {
        (0, true) => cx.warn(
            "Warning: Immediate deletion does not wait for confirmation that the running resource \
             has been terminated. The resource may continue to run on the cluster indefinitely.",
        ),
        (1.., true) => {
            return Err(Error::plain(
                "--force and --grace-period greater than 0 cannot be specified together",
            ));
        }
        _ => {}
    }
    let mut warn_cluster = cx.enforce_namespace() && !cx.flags.on("all-namespaces");
    let (infos, mut errors) = found.infos();
    let waits = dry_run == DryRun::No && (!cx.flags.has("wait") || cx.flags.on("wait"));
    let mut objects = Vec::new();
    let mut count = 0;
    for info in infos {
        count += 1;
        if warn_cluster && !info.resource.namespaced {
            cx.warn(
                "Warning: deleting cluster-scoped resources, not scoped to the provided namespace",
            );
            warn_cluster = false;
        }
        if dry_run != DryRun::Client {
            cx.asked_for(info.resource);
            let dry = dry_run == DryRun::Server;
            let at = (info.namespace.as_str(), info.name.as_str());
            let seconds = (grace >= 0).then_some(grace);
            let known = cx.api.get(info.resource, at.0, at.1);
            let uid = known.map_or_else(
                |_| String::new(),
                |own| own.str_at("metadata.uid").to_owned(),
            );
            let done = cx.api.delete(info.resource, at, seconds, dry);
            if let Err(status) = done {
                let error = Error::from(status);
                if !(ignore && error.is_not_found()) {
                    errors.push(error.with_source("deleting", &info.source));
                }
                continue;
            }
            if waits {
                objects.push((
                    info.resource,
                    info.namespace.clone(),
                    info.name.clone(),
                    uid,
                ));
            }
        }
        let kind = info.resource.printed();
        if output == "name" {
            cx.print(&format!("{kind}/{}\n", info.name));
            continue;
        }
        let mut line = format!(
            "{kind} \"{}\" {}",
            info.name,
            if grace == 0 {
                "force deleted"
            } else {
                "deleted"
            }
        );
        if info.resource.namespaced {
            line.push_str(&format!(" from {} namespace", info.namespace));
        }
        line.push_str(match dry_run {
            DryRun::No => "",
            DryRun::Client => " (dry run)",
            DryRun::Server => " (server dry run)",
        });
        line.push('\n');
        cx.print(&line);
    }
    if ignore {
        errors.retain(|error| !error.is_not_found());
    }
    if errors.is_empty() && count == 0 {
        cx.print("No resources found\n");
    }
    if !objects.is_empty() {
        // Zero means as long as it takes.
        let timeout = parse_duration(cx.flags.text("timeout"))
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|seconds| *seconds > 0);
        cx.out.then = Some(Then::Gone { objects, timeout });
    }
    Error::join(errors)
}
