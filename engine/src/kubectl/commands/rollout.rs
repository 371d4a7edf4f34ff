//! `kubectl rollout status` and `kubectl rollout restart`.
//!
//! Source: kubectl `pkg/cmd/rollout/rollout_status.go`, `rollout_restart.go`,
//! `pkg/polymorphichelpers/rollout_status.go`, `objectrestarter.go`. `status` tells what is so now
//! and does not wait: no time passes here.

use crate::api::validation::quote;
use crate::kubectl::args::{Flag, Takes, flag, short};
use crate::kubectl::error::Error;
use crate::kubectl::output::Printer;
use crate::kubectl::patch::PatchType;
use crate::kubectl::select::{self, Info, Want};
use crate::kubectl::tree::Value;
use crate::kubectl::{Cx, DryRun, time};

pub(super) const STATUS_FLAGS: &[Flag] = &[
    short("watch", 'w', Takes::Bool),
    flag("revision", Takes::Int),
    flag("timeout", Takes::Duration),
];

pub(super) fn restart(cx: &mut Cx<'_>) -> Result<(), Error> {
    if cx.flags.args.is_empty() && !cx.flags.has("filename") {
        return Err(Error::plain("required resource not specified"));
    }
    let mut printer = Printer::new(cx, false)?;
    let want = Want {
        args: cx.flags.args.clone(),
        all: true,
        latest: true,
        names_only: false,
    };
    let (infos, mut errors) = select::find(cx, &want)?.infos();
    if infos.is_empty() && errors.is_empty() {
        let namespace = cx.namespace();
        cx.warn(&format!("No resources found in {namespace} namespace."));
        return Ok(());
    }
    let now = time::print(cx.api.now());
    for info in infos {
        if !matches!(info.resource.kind, "Deployment" | "StatefulSet") {
            errors.push(Error::Plain(format!(
                "error: {} {} restarting is not supported",
                info.resource.qualified(),
                quote(&info.name)
            )));
            continue;
        }
        let mut patch = Value::map();
        patch
            .make("spec.template.metadata.annotations")
            .to_map()
            .insert("kubectl.kubernetes.io/restartedAt", now.as_str().into());
        let at = (info.namespace.as_str(), info.name.as_str());
        let before = info.object.at("spec.template.metadata.annotations");
        if before.get("kubectl.kubernetes.io/restartedAt").as_str() == Some(now.as_str()) {
            errors.push(Error::Plain(format!(
                "failed to create patch for {}: if restart has already been triggered within the past second, please wait before attempting to trigger another",
                info.name
            )));
            continue;
        }
        match cx
            .api
            .patch(info.resource, at, &patch, PatchType::Strategic, false)
        {
            Ok(object) => printer.done(cx, &object, "restarted", DryRun::No, false)?,
            Err(status) => {
                errors.push(Error::Plain(format!("failed to patch: {}", status.message)));
            }
        }
    }
    Error::join(errors)
}

pub(super) fn status(cx: &mut Cx<'_>) -> Result<(), Error> {
    if cx.flags.args.is_empty() && !cx.flags.has("filename") {
        return Err(Error::plain("required resource not specified"));
    }
    let want = Want {
        args: cx.flags.args.clone(),
        all: true,
        latest: true,
        names_only: false,
    };
    let (infos, errors) = select::find(cx, &want)?.infos();
    Error::join(errors)?;
    if infos.is_empty() {
        let namespace = cx.namespace();
        cx.warn(&format!("No resources found in {namespace} namespace."));
        return Ok(());
    }
    for info in infos {
        let text = match info.resource.kind {
            "Deployment" => deployment(&info)?,
            "StatefulSet" => stateful_set(&info)?,
            kind => {
                return Err(Error::Plain(format!(
                    "no status viewer has been implemented for {kind}.{}",
                    info.resource.group
                )));
            }
        };
        cx.print(&text);
    }
    Ok(())
}

fn deployment(info: &Info) -> Result<String, Error> {
    let object = &info.object;
    let name = quote(&info.name);
    if object.int_at("metadata.generation") > object.int_at("status.observedGeneration") {
        return Ok("Waiting for deployment spec update to be observed...\n".to_owned());
    }
    if object.list_at("status.conditions").iter().any(|condition| {
        condition.str_at("type") == "Progressing"
            && condition.str_at("reason") == "ProgressDeadlineExceeded"
    }) {
        return Err(Error::Plain(format!(
            "deployment {name} exceeded its progress deadline"
        )));
    }
    let wanted = object.int_at("spec.replicas");
    let updated = object.int_at("status.updatedReplicas");
    let all = object.int_at("status.replicas");
    let available = object.int_at("status.availableReplicas");
    let waiting = format!("Waiting for deployment {name} rollout to finish: ");
    Ok(if updated < wanted {
        format!("{waiting}{updated} out of {wanted} new replicas have been updated...\n")
    } else if all > updated {
        let old = all - updated;
        format!("{waiting}{old} old replicas are pending termination...\n")
    } else if available < updated {
        format!("{waiting}{available} of {updated} updated replicas are available...\n")
    } else {
        format!("deployment {name} successfully rolled out\n")
    })
}

fn stateful_set(info: &Info) -> Result<String, Error> {
    let object = &info.object;
    let update = object.at("spec.updateStrategy");
    if update.str_at("type") != "RollingUpdate" {
        return Err(Error::plain(
            "rollout status is only available for RollingUpdate strategy type",
        ));
    }
    let observed = object.int_at("status.observedGeneration");
    if observed == 0 || object.int_at("metadata.generation") > observed {
        return Ok("Waiting for statefulset spec update to be observed...\n".to_owned());
    }
    let wanted = object.int_at("spec.replicas");
    let ready = object.int_at("status.readyReplicas");
    let updated = object.int_at("status.updatedReplicas");
    if ready < wanted {
        return Ok(format!(
            "Waiting for {} pods to be ready...\n",
            wanted - ready
        ));
    }
    if !update.at("rollingUpdate").is_null() {
        let partition = update.int_at("rollingUpdate.partition");
        return Ok(if updated < wanted - partition {
            format!(
                "Waiting for partitioned roll out to finish: {updated} out of {} new pods have been updated...\n",
                wanted - partition
            )
        } else {
            format!("partitioned roll out complete: {updated} new pods have been updated...\n")
        });
    }
    let (new, old) = (
        object.str_at("status.updateRevision"),
        object.str_at("status.currentRevision"),
    );
    Ok(if new == old {
        format!(
            "statefulset rolling update complete {} pods at revision {old}...\n",
            object.int_at("status.currentReplicas")
        )
    } else {
        format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {new}...\n"
        )
    })
}
