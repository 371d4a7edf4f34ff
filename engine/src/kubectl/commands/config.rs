//! `kubectl config`: one context, whose namespace can be set.
//!
//! Source: kubectl `pkg/cmd/config/set_context.go`, `current_context.go`, `get_contexts.go`.

use crate::kubectl::Cx;
use crate::kubectl::args::{Flag, Takes, flag, short};
use crate::kubectl::error::Error;
use crate::kubectl::table::TabWriter;

pub(super) const SET_FLAGS: &[Flag] = &[flag("current", Takes::Bool)];
pub(super) const VIEW_FLAGS: &[Flag] = &[
    flag("minify", Takes::Bool),
    flag("raw", Takes::Bool),
    flag("flatten", Takes::Bool),
    short("output", 'o', Takes::Text),
];
pub(super) const GET_FLAGS: &[Flag] = &[
    flag("no-headers", Takes::Bool),
    short("output", 'o', Takes::Text),
];

/// The only context.
const CONTEXT: &str = "lobby";

pub(super) fn current_context(cx: &mut Cx<'_>) -> Result<(), Error> {
    cx.print(&format!("{CONTEXT}\n"));
    Ok(())
}

pub(super) fn set_context(cx: &mut Cx<'_>) -> Result<(), Error> {
    let name = match (cx.flags.args.as_slice(), cx.flags.on("current")) {
        ([], true) => CONTEXT.to_owned(),
        ([name], false) => name.clone(),
        ([], false) => {
            return Err(Error::plain(
                "you must specify a non-empty context name or --current",
            ));
        }
        (_, true) => {
            return Err(Error::plain(
                "you cannot specify both a context name and --current",
            ));
        }
        _ => {
            return Err(Error::plain(
                "Unexpected args: only one context name is accepted",
            ));
        }
    };
    if name != CONTEXT {
        return Err(Error::Plain(format!(
            "there is one cluster here, and one context, \"{CONTEXT}\""
        )));
    }
    if cx.flags.has("namespace") {
        cx.kubectl.namespace = match cx.flags.text("namespace") {
            "" => "default".to_owned(),
            namespace => namespace.to_owned(),
        };
    }
    cx.print(&format!("Context \"{name}\" modified.\n"));
    Ok(())
}

pub(super) fn get_contexts(cx: &mut Cx<'_>) -> Result<(), Error> {
    if cx.flags.text("output") == "name" {
        return current_context(cx);
    }
    let namespace = match cx.kubectl.namespace.as_str() {
        "default" => String::new(),
        namespace => namespace.to_owned(),
    };
    let mut table = TabWriter::default();
    if !cx.flags.on("no-headers") {
        let headers = ["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"];
        table.row(headers.map(str::to_owned).to_vec());
    }
    let row = ["*", CONTEXT, CONTEXT, "admin"].map(str::to_owned);
    table.row(row.into_iter().chain([namespace]).collect());
    cx.print(&table.print());
    Ok(())
}

pub(super) fn view(cx: &mut Cx<'_>) -> Result<(), Error> {
    let namespace = match cx.kubectl.namespace.as_str() {
        "default" => String::new(),
        namespace => format!("    namespace: {namespace}\n"),
    };
    cx.print(&format!(
        "apiVersion: v1\nclusters: null\ncontexts:\n- context:\n    cluster: {CONTEXT}\n{namespace}    user: admin\n  name: {CONTEXT}\ncurrent-context: {CONTEXT}\nkind: Config\nusers: null\n"
    ));
    Ok(())
}
