//! What is asked about the server itself: `api-resources`, `api-versions`, `version`.
//!
//! Source: kubectl `pkg/cmd/apiresources/apiresources.go`, `pkg/cmd/version/version.go`.

use crate::kubectl::Cx;
use crate::kubectl::args::{Flag, Takes, flag, short};
use crate::kubectl::error::Error;
use crate::kubectl::resource::RESOURCES;
use crate::kubectl::table::TabWriter;

pub(super) const RESOURCES_FLAGS: &[Flag] = &[
    short("output", 'o', Takes::Text),
    flag("api-group", Takes::Text),
    flag("namespaced", Takes::Bool),
    flag("no-headers", Takes::Bool),
    flag("verbs", Takes::List),
    flag("sort-by", Takes::Text),
    flag("cached", Takes::Bool),
    flag("categories", Takes::List),
];
pub(super) const VERSION_FLAGS: &[Flag] = &[
    flag("client", Takes::Bool),
    short("output", 'o', Takes::Text),
];

/// The release of kubectl whose words these are.
const KUBECTL_VERSION: &str = "v1.36.3";
/// The release of the API whose types and tables these are.
pub(crate) const SERVER_VERSION: &str = "v1.34.1";

pub(super) fn api_resources(cx: &mut Cx<'_>) -> Result<(), Error> {
    let output = cx.flags.text("output").to_owned();
    if !matches!(output.as_str(), "" | "wide" | "name") {
        return Err(Error::Plain(format!("--output {output} is not available")));
    }
    let group = cx
        .flags
        .has("api-group")
        .then(|| cx.flags.text("api-group"));
    let namespaced = cx
        .flags
        .has("namespaced")
        .then(|| cx.flags.on("namespaced"));
    let mut table = TabWriter::default();
    if output != "name" && !cx.flags.on("no-headers") {
        let headers = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"];
        let mut row = headers.map(str::to_owned).to_vec();
        if output == "wide" {
            row.extend(["VERBS".to_owned(), "CATEGORIES".to_owned()]);
        }
        table.row(row);
    }
    let mut names = String::new();
    for resource in &RESOURCES {
        let in_group = group.is_none_or(|group| group == resource.group);
        let in_scope = namespaced.is_none_or(|wanted| wanted == resource.namespaced);
        if !in_group || !in_scope {
            continue;
        }
        if output == "name" {
            names.push_str(&resource.qualified());
            names.push('\n');
            continue;
        }
        let mut row = vec![
            resource.plural.to_owned(),
            resource.short.join(","),
            resource.api_version(),
            resource.namespaced.to_string(),
            resource.kind.to_owned(),
        ];
        if output == "wide" {
            row.push("create,delete,get,list,patch,update".to_owned());
            row.push(if resource.in_all { "all" } else { "" }.to_owned());
        }
        table.row(row);
    }
    let text = if output == "name" {
        names
    } else {
        table.print()
    };
    cx.print(&text);
    Ok(())
}

pub(super) fn api_versions(cx: &mut Cx<'_>) -> Result<(), Error> {
    let mut versions: Vec<String> = RESOURCES.iter().map(|r| r.api_version()).collect();
    versions.sort_unstable();
    versions.dedup();
    cx.print(&(versions.join("\n") + "\n"));
    Ok(())
}

pub(super) fn version(cx: &mut Cx<'_>) -> Result<(), Error> {
    if !cx.flags.args.is_empty() {
        return Err(Error::Plain(format!(
            "extra arguments: [{}]",
            cx.flags.args.join(" ")
        )));
    }
    let mut text = format!("Client Version: {KUBECTL_VERSION}\nKustomize Version: v5.8.1\n");
    if !cx.flags.on("client") {
        text.push_str(&format!("Server Version: {SERVER_VERSION}\n"));
    }
    cx.print(&text);
    Ok(())
}

pub(super) fn cluster_info(cx: &mut Cx<'_>) -> Result<(), Error> {
    cx.print("Kubernetes control plane is running inside of this lab.\n");
    Ok(())
}
