//! `kubectl describe`.
//!
//! Source: kubectl `pkg/cmd/describe/describe.go`.

use crate::kubectl::args::{Flag, Takes, flag};
use crate::kubectl::error::Error;
use crate::kubectl::select::{self, Want};
use crate::kubectl::{Cx, describe};

pub(super) const FLAGS: &[Flag] = &[
    flag("show-events", Takes::Bool),
    flag("chunk-size", Takes::Int),
];

pub(super) fn run(cx: &mut Cx<'_>) -> Result<(), Error> {
    let args = cx.flags.args.clone();
    let want = Want {
        args: args.clone(),
        all: true,
        ..Want::default()
    };
    let (infos, mut errors) = select::find(cx, &want)?.infos();
    let mut events = !cx.flags.has("show-events") || cx.flags.on("show-events");
    if (!errors.is_empty() || infos.len() > 1) && !cx.flags.has("show-events") {
        events = false;
    }
    if let ([error], [kind, prefix]) = (errors.as_slice(), args.as_slice())
        && error.is_not_found()
    {
        // The name may be the beginning of several.
        let resource = select::resource_of(kind)?;
        let namespace = resource.namespaced.then(|| cx.namespace());
        let matching: Vec<_> = cx
            .api
            .list(resource, namespace.as_deref())
            .into_iter()
            .filter(|object| object.name().starts_with(prefix.as_str()))
            .collect();
        if matching.is_empty() {
            return Error::join(errors);
        }
        for object in matching {
            let text = describe::describe(cx.api, resource, &object, events);
            cx.print(&text);
            cx.print("\n");
        }
        return Ok(());
    }
    let mut is_first = true;
    for info in infos {
        // What came from a file is looked up.
        let object = if info.source.is_empty() {
            info.object
        } else {
            match cx.api.get(info.resource, &info.namespace, &info.name) {
                Ok(object) => object,
                Err(status) => {
                    errors.push(status.into());
                    continue;
                }
            }
        };
        if !is_first {
            cx.print("\n\n");
        }
        is_first = false;
        let text = describe::describe(cx.api, info.resource, &object, events);
        cx.print(&text);
    }
    if is_first && errors.is_empty() {
        if cx.flags.on("all-namespaces") {
            cx.warn("No resources found");
        } else {
            let namespace = cx.namespace();
            cx.warn(&format!("No resources found in {namespace} namespace."));
        }
    }
    Error::join(errors)
}
