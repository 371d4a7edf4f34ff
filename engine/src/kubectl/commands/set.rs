//! `kubectl set image` and `kubectl set selector`.
//!
//! Source: kubectl `pkg/cmd/set/set_image.go`, `set_selector.go`, `helper.go`.

use std::collections::BTreeMap;

use crate::api::validation::quote;
use crate::kubectl::args::{Flag, Takes, flag};
use crate::kubectl::error::Error;
use crate::kubectl::output::Printer;
use crate::kubectl::patch::PatchType;
use crate::kubectl::select::{self, Want};
use crate::kubectl::tree::Value;
use crate::kubectl::{Cx, DryRun};

pub(super) const FLAGS: &[Flag] = &[
    flag("local", Takes::Bool),
    flag("resource-version", Takes::Text),
];

pub(super) fn image(cx: &mut Cx<'_>) -> Result<(), Error> {
    let dry_run = cx.dry_run()?;
    let mut printer = Printer::new(cx, false)?;
    let words = cx.flags.args.clone();
    let is_pair = |word: &String| word.contains('=') && !word.starts_with('=');
    let at = words.iter().position(is_pair).unwrap_or(words.len());
    let (resources, pairs) = words.split_at(at);
    if let Some(word) = pairs.iter().find(|word| !is_pair(word)) {
        return Err(Error::Plain(format!(
            "all resources must be specified before image changes: {word}"
        )));
    }
    let images: BTreeMap<&str, &str> = pairs.iter().filter_map(|p| p.split_once('=')).collect();
    if resources.is_empty() && !cx.flags.has("filename") {
        return Err(Error::plain(
            "one or more resources must be specified as <resource> <name> or <resource>/<name>",
        ));
    }
    let want = Want {
        args: resources.to_vec(),
        latest: true,
        ..Want::default()
    };
    let (infos, errors) = select::find(cx, &want)?.infos();
    Error::join(errors)?;
    if images.is_empty() {
        return Err(Error::plain("at least one image update is required"));
    }
    if images.len() > 1 && images.contains_key("*") {
        return Err(Error::plain(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs",
        ));
    }
    let mut errors = Vec::new();
    for info in infos {
        let spec = match info.resource.kind {
            "Pod" => "spec",
            "Deployment" | "ReplicaSet" | "StatefulSet" => "spec.template.spec",
            kind => {
                errors.push(Error::Plain(format!(
                    "error: {}/{} the object is not a pod or does not have a pod template: {kind}\n",
                    info.resource.plural, info.name
                )));
                continue;
            }
        };
        let mut object = info.object.clone();
        for (name, image) in &images {
            let mut found = false;
            for list in ["initContainers", "containers"] {
                for container in object.items_mut(&format!("{spec}.{list}")) {
                    if *name == "*" || container.str_at("name") == *name {
                        container.set("image", (*image).into());
                        found = true;
                    }
                }
            }
            if !found {
                errors.push(Error::Plain(format!(
                    "error: unable to find container named {}",
                    quote(name)
                )));
            }
        }
        if object == info.object {
            continue;
        }
        if dry_run != DryRun::Client {
            match cx
                .api
                .update(info.resource, object, dry_run == DryRun::Server)
            {
                Ok(new) => object = new,
                Err(status) => {
                    errors.push(Error::Plain(format!(
                        "failed to patch image update to pod template: {}",
                        status.message
                    )));
                    continue;
                }
            }
        }
        printer.done(cx, &object, "image updated", dry_run, false)?;
    }
    Error::join(errors)
}

pub(super) fn selector(cx: &mut Cx<'_>) -> Result<(), Error> {
    let dry_run = cx.dry_run()?;
    let mut printer = Printer::new(cx, false)?;
    let words = cx.flags.args.clone();
    let Some((last, resources)) = words.split_last() else {
        return Err(Error::plain("one selector is required"));
    };
    let mut labels = Value::map();
    for pair in last.split(',') {
        match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                labels
                    .to_map()
                    .insert(key.trim(), value.trim_start_matches('=').trim().into());
            }
            _ => {
                return Err(Error::Plain(format!(
                    "couldn't parse the selector string {}: a Service's selector is KEY=VALUE,…",
                    quote(last)
                )));
            }
        }
    }
    let want = Want {
        args: resources.to_vec(),
        latest: true,
        ..Want::default()
    };
    let (infos, mut errors) = select::find(cx, &want)?.infos();
    for info in infos {
        if info.resource.kind != "Service" {
            errors.push(Error::plain(
                "setting a selector is only supported for Services",
            ));
            continue;
        }
        // The old labels go, the new ones come: a patch that names both.
        let mut patch = Value::map();
        let map = patch.make("spec.selector").to_map();
        for (key, _) in info.object.entries_at("spec.selector") {
            map.insert(key, Value::Null);
        }
        for (key, value) in labels.as_map().map_or(&[][..], |map| map.entries()) {
            map.insert(key, value.clone());
        }
        let mut object = info.object.clone();
        if dry_run == DryRun::Client {
            object.set("spec.selector", labels.clone());
        } else {
            let at = (info.namespace.as_str(), info.name.as_str());
            let server = dry_run == DryRun::Server;
            object = cx
                .api
                .patch(info.resource, at, &patch, PatchType::Merge, server)?;
        }
        printer.done(cx, &object, "selector updated", dry_run, false)?;
    }
    Error::join(errors)
}
