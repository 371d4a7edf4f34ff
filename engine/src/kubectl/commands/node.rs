//! `kubectl cordon`, `uncordon` and `drain`.
//!
//! Source: kubectl `pkg/cmd/drain/drain.go`, `pkg/drain/drain.go`, `filters.go`, `cordon.go`.
//! Evicting is deleting here, because no disruption budgets are served.

use crate::kubectl::args::{Flag, Takes, flag, short};
use crate::kubectl::error::Error;
use crate::kubectl::patch::PatchType;
use crate::kubectl::resource::by_kind;
use crate::kubectl::select::{self, Info, Want};
use crate::kubectl::tree::Value;
use crate::kubectl::{Cx, DryRun};

pub(super) const DRAIN_FLAGS: &[Flag] = &[
    flag("force", Takes::Bool),
    flag("ignore-daemonsets", Takes::Bool),
    flag("delete-emptydir-data", Takes::Bool),
    flag("disable-eviction", Takes::Bool),
    flag("grace-period", Takes::Int),
    flag("timeout", Takes::Duration),
    short("pod-selector", 'p', Takes::Text),
    flag("chunk-size", Takes::Int),
    flag("skip-wait-for-delete-timeout", Takes::Int),
];

fn nodes(cx: &mut Cx<'_>) -> Result<Vec<Info>, Error> {
    let args = cx.flags.args.clone();
    let selector = !cx.flags.text("selector").is_empty();
    if args.is_empty() && !selector {
        let command = cx.command.clone();
        let verb = command.trim_start_matches("kubectl ");
        return Err(Error::usage(
            &command,
            &format!("USAGE: {verb} NODE [flags]"),
        ));
    }
    let mut words = vec!["nodes".to_owned()];
    words.extend(args);
    let want = Want {
        args: words,
        ..Want::default()
    };
    let (infos, errors) = select::find(cx, &want)?.infos();
    Error::join(errors)?;
    Ok(infos)
}

fn mark(cx: &mut Cx<'_>, info: &Info, unschedulable: bool) -> Result<(), Error> {
    let dry_run = cx.dry_run()?;
    let (done, already) = if unschedulable {
        ("cordoned", "already cordoned")
    } else {
        ("uncordoned", "already uncordoned")
    };
    let word = if info.object.bool_at("spec.unschedulable") == unschedulable {
        already
    } else {
        if dry_run != DryRun::Client {
            let mut patch = Value::map();
            let value = if unschedulable {
                Value::Bool(true)
            } else {
                Value::Null
            };
            patch.set("spec.unschedulable", value);
            let server = dry_run == DryRun::Server;
            let at = ("", info.name.as_str());
            cx.api
                .patch(info.resource, at, &patch, PatchType::Merge, server)?;
        }
        done
    };
    let dry = match dry_run {
        DryRun::No => "",
        DryRun::Client => " (dry run)",
        DryRun::Server => " (server dry run)",
    };
    cx.print(&format!("node/{} {word}{dry}\n", info.name));
    Ok(())
}

pub(super) fn cordon(cx: &mut Cx<'_>) -> Result<(), Error> {
    for info in nodes(cx)? {
        mark(cx, &info, true)?;
    }
    Ok(())
}

pub(super) fn uncordon(cx: &mut Cx<'_>) -> Result<(), Error> {
    for info in nodes(cx)? {
        mark(cx, &info, false)?;
    }
    Ok(())
}

pub(super) fn drain(cx: &mut Cx<'_>) -> Result<(), Error> {
    let dry_run = cx.dry_run()?;
    let grace = (cx.flags.int("grace-period")).filter(|seconds| *seconds >= 0);
    let pods = by_kind("Pod");
    for info in nodes(cx)? {
        mark(cx, &info, true)?;
        let mut doomed: Vec<Value> = cx.api.list(pods, None);
        doomed.retain(|pod| pod.str_at("spec.nodeName") == info.name);
        // A mirror Pod is the kubelet's own.
        doomed.retain(|pod| {
            let annotations = pod.at("metadata.annotations");
            annotations.get("kubernetes.io/config.mirror").is_null()
        });
        let mut refused: Vec<(&str, Vec<String>)> = Vec::new();
        let mut ignored: Vec<String> = Vec::new();
        let mut refuse = |why: &'static str, pod: &Value| {
            let name = format!("{}/{}", pod.namespace(), pod.name());
            match refused.iter_mut().find(|(other, _)| *other == why) {
                Some((_, names)) => names.push(name),
                None => refused.push((why, vec![name])),
            }
        };
        doomed.retain(|pod| {
            let controller = pod
                .list_at("metadata.ownerReferences")
                .iter()
                .find(|owner| owner.bool_at("controller"));
            let finished = matches!(pod.str_at("status.phase"), "Succeeded" | "Failed");
            if controller.is_some_and(|owner| owner.str_at("kind") == "DaemonSet") {
                if cx.flags.on("ignore-daemonsets") {
                    ignored.push(format!("{}/{}", pod.namespace(), pod.name()));
                } else {
                    refuse(
                        "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)",
                        pod,
                    );
                }
                return false;
            }
            let local = pod
                .list_at("spec.volumes")
                .iter()
                .any(|volume| !volume.at("emptyDir").is_null());
            if local && !finished && !cx.flags.on("delete-emptydir-data") {
                refuse(
                    "cannot delete Pods with local storage (use --delete-emptydir-data to override)",
                    pod,
                );
                return false;
            }
            if controller.is_none() && !finished && !cx.flags.on("force") {
                refuse(
                    "cannot delete Pods that declare no controller (use --force to override)",
                    pod,
                );
                return false;
            }
            true
        });
        if !refused.is_empty() {
            let whys: Vec<String> = refused
                .iter()
                .map(|(why, names)| format!("{why}: {}", names.join(", ")))
                .collect();
            cx.warn(&format!(
                "error: unable to drain node \"{0}\" due to error: [{1}], continuing command...\nThere are pending nodes to be drained:\n {0}",
                info.name,
                whys.join(", ")
            ));
            for why in whys {
                cx.warn(&why);
            }
            return Err(Error::Told);
        }
        if !ignored.is_empty() {
            cx.warn(&format!(
                "Warning: ignoring DaemonSet-managed Pods: {}",
                ignored.join(", ")
            ));
        }
        for pod in doomed {
            let (namespace, name) = (pod.namespace().to_owned(), pod.name().to_owned());
            if dry_run == DryRun::No {
                cx.print(&format!("evicting pod {namespace}/{name}\n"));
                cx.api.delete(pods, (&namespace, &name), grace, false)?;
                cx.print(&format!("pod/{name} evicted\n"));
            } else {
                cx.print(&format!("evicting pod {namespace}/{name} (dry run)\n"));
            }
        }
        let dry = match dry_run {
            DryRun::No => "",
            DryRun::Client => " (dry run)",
            DryRun::Server => " (server dry run)",
        };
        cx.print(&format!("node/{} drained{dry}\n", info.name));
    }
    Ok(())
}
