//! Which objects a command line means.
//!
//! Source: k8s.io/cli-runtime `pkg/resource/builder.go`, `visitor.go`, `mapper.go`.

use std::collections::BTreeMap;

use super::Cx;
use super::args::{Flag, Takes, flag, short};
use super::error::{Error, Status};
use super::resource::{self, RESOURCES, Resource};
use super::tree::Value;
use crate::api::selector::Selector;
use crate::api::validation::quote;
use crate::yaml;

/// `-f`, `-k`, `-R`.
pub(super) const FILES: &[Flag] = &[
    short("filename", 'f', Takes::List),
    short("kustomize", 'k', Takes::Text),
    short("recursive", 'R', Takes::Bool),
];

/// `-l`.
pub(super) const SELECTOR: &[Flag] = &[short("selector", 'l', Takes::Text)];

/// `-l`, `--field-selector`, `--all`, `-A`.
pub(super) const WHICH: &[Flag] = &[
    short("selector", 'l', Takes::Text),
    flag("field-selector", Takes::Text),
    flag("all", Takes::Bool),
    short("all-namespaces", 'A', Takes::Bool),
];

/// An object that is meant.
#[derive(Clone, Debug)]
pub(super) struct Info {
    pub(super) resource: &'static Resource,
    /// Empty for what lives in no namespace.
    pub(super) namespace: String,
    pub(super) name: String,
    /// As it is on the server, or in a file.
    pub(super) object: Value,
    /// The file; empty when it came from the server.
    pub(super) source: String,
}

/// The objects of one word of the command line.
#[derive(Debug)]
pub(super) enum Item {
    /// One object.
    One(Box<Info>),
    /// All of a resource that were asked for.
    Many(&'static Resource, Vec<Value>),
    /// What went wrong with it.
    Wrong(Error),
}

/// What a command line means.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) items: Vec<Item>,
    /// Whether exactly one object was named.
    pub(super) single: bool,
}

impl Found {
    /// The objects one by one, and what went wrong.
    pub(super) fn infos(self) -> (Vec<Info>, Vec<Error>) {
        let (mut infos, mut errors) = (Vec::new(), Vec::new());
        for item in self.items {
            match item {
                Item::One(info) => infos.push(*info),
                Item::Wrong(error) => errors.push(error),
                Item::Many(resource, objects) => {
                    infos.extend(objects.into_iter().map(|object| Info {
                        resource,
                        namespace: object.namespace().to_owned(),
                        name: object.name().to_owned(),
                        object,
                        source: String::new(),
                    }));
                }
            }
        }
        (infos, errors)
    }
}

/// How a command wants its objects.
#[derive(Clone, Debug, Default)]
pub(super) struct Want {
    /// The words that are left of the command line.
    pub(super) args: Vec<String>,
    /// A resource without a name means all of them.
    pub(super) all: bool,
    /// What is in a file is looked up on the server.
    pub(super) latest: bool,
    /// A name alone will do: nothing is looked up.
    pub(super) names_only: bool,
}

fn missing_resource() -> Error {
    Error::plain(
        "You must provide one or more resources by argument or filename.\n\
         Example resource specifications include:\n   \
         '-f rsrc.yaml'\n   \
         '--filename=rsrc.json'\n   \
         '<resource> <name>'\n   \
         '<resource>'",
    )
}

/// The resource that a word means.
pub(super) fn resource_of(word: &str) -> Result<&'static Resource, Error> {
    resource::find(word).ok_or_else(|| {
        let name = word.split('.').next().unwrap_or(word);
        Error::Plain(format!(
            "the server doesn't have a resource type {}",
            quote(name)
        ))
    })
}

/// `pods,svc` without repetition, `all` spelled out.
fn split_types(word: &str) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    for part in word.split(',') {
        if part == "all" {
            let all = RESOURCES.iter().filter(|resource| resource.in_all);
            for resource in all {
                if !out.contains(&resource.plural) {
                    out.push(resource.plural);
                }
            }
        } else if !out.contains(&part) {
            out.push(part);
        }
    }
    out
}

/// Finds the objects that a command line means.
///
/// # Errors
///
/// The command line means nothing. What is wrong with single objects is in [`Found::items`].
pub(super) fn find(cx: &mut Cx<'_>, want: &Want) -> Result<Found, Error> {
    let mut args = want.args.clone();
    let files: Vec<String> = cx
        .flags
        .list("filename")
        .iter()
        .map(|f| (*f).to_owned())
        .collect();
    // Several types with names are all of their pairs.
    if let [types, names @ ..] = args.as_slice()
        && !names.is_empty()
        && types.contains(',')
    {
        let types = split_types(types);
        if types.len() > 1 {
            args = types
                .iter()
                .flat_map(|kind| names.iter().map(move |name| format!("{kind}/{name}")))
                .collect();
        }
    }
    let mut tuples: Vec<(String, String)> = Vec::new();
    let slashes = args.iter().filter(|arg| arg.contains('/')).count();
    if slashes > 0 && slashes < args.len() {
        return Err(Error::plain(
            "there is no need to specify a resource type as a separate argument when passing \
             arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead \
             of 'kubectl get resource resource/<resource_name>'",
        ));
    }
    if slashes > 0 {
        for arg in &args {
            let (kind, name) = arg.split_once('/').unwrap_or((arg, ""));
            if name.contains('/') {
                return Err(Error::plain(
                    "arguments in resource/name form may not have more than one slash",
                ));
            }
            if kind.is_empty() || name.is_empty() || kind.contains(',') {
                return Err(Error::plain(
                    "arguments in resource/name form must have a single resource and name",
                ));
            }
            tuples.push((kind.to_owned(), name.to_owned()));
        }
    }
    let combined = slashes > 0;
    let (types, names) = match args.split_first() {
        Some((types, names)) if !combined => (split_types(types), names),
        _ => (Vec::new(), [].as_slice()),
    };
    let label_selector = cx.flags.has("selector") && !cx.flags.text("selector").is_empty();
    let field_selector = !cx.flags.text("field-selector").is_empty();
    let everything = cx.flags.on("all");
    let by_selector = label_selector
        || field_selector
        || everything
        || (want.all && !combined && names.is_empty() && !types.is_empty());

    if !files.is_empty() || !cx.flags.text("kustomize").is_empty() {
        if !types.is_empty() {
            return Err(Error::plain(
                "when paths, URLs, or stdin is provided as input, you may not specify resource \
                 arguments as well",
            ));
        }
        if combined {
            return Err(Error::plain(
                "resource/name arguments cannot be provided when a path is specified",
            ));
        }
        return by_files(cx, want, &files);
    }
    if by_selector {
        if !names.is_empty() {
            return Err(Error::plain(
                "name cannot be provided when a selector is specified",
            ));
        }
        if combined {
            return Err(Error::plain(
                "selectors and the all flag cannot be used when passing resource/name arguments",
            ));
        }
        if types.is_empty() {
            return Err(Error::plain(
                "at least one resource must be specified to use a selector",
            ));
        }
        return select(cx, &types);
    }
    if combined || !names.is_empty() {
        let all_namespaces = cx.flags.on("all-namespaces");
        let mut wanted: Vec<(&'static Resource, String)> = Vec::new();
        if combined {
            for (kind, name) in tuples {
                wanted.push((resource_of(&kind)?, name));
            }
        } else {
            if types.len() > 1 {
                return Err(Error::plain("you must specify only one resource"));
            }
            let resource = resource_of(types.first().copied().unwrap_or_default())?;
            wanted.extend(names.iter().map(|name| (resource, name.clone())));
        }
        if all_namespaces && wanted.iter().any(|(resource, _)| resource.namespaced) {
            return Err(Error::plain(
                "a resource cannot be retrieved by name across all namespaces",
            ));
        }
        let single = wanted.len() == 1;
        let items = wanted
            .into_iter()
            .map(|(resource, name)| one(cx, want, resource, name))
            .collect();
        return Ok(Found { items, single });
    }
    for word in &types {
        resource_of(word)?;
    }
    if types.is_empty() {
        Err(missing_resource())
    } else {
        Err(Error::plain(
            "resource(s) were provided, but no name was specified",
        ))
    }
}

/// One object by its name.
fn one(cx: &mut Cx<'_>, want: &Want, resource: &'static Resource, name: String) -> Item {
    let namespace = if resource.namespaced {
        cx.namespace()
    } else {
        String::new()
    };
    let object = if want.names_only {
        Value::Null
    } else {
        cx.asked_for(resource);
        match cx.api.get(resource, &namespace, &name) {
            Ok(object) => object,
            Err(status) => return Item::Wrong(status.into()),
        }
    };
    Item::One(Box::new(Info {
        resource,
        namespace,
        name,
        object,
        source: String::new(),
    }))
}

/// All objects of these types that the selectors let through.
fn select(cx: &mut Cx<'_>, types: &[&str]) -> Result<Found, Error> {
    let mut resources: Vec<&'static Resource> = Vec::new();
    for word in types {
        let resource = resource_of(word)?;
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    let fields = field_selector(cx.flags.text("field-selector"))?;
    let namespace = (!cx.flags.on("all-namespaces")).then(|| cx.namespace());
    let (label_text, field_text) = (
        cx.flags.text("selector").to_owned(),
        cx.flags.text("field-selector").to_owned(),
    );
    // It is the server that reads both, and kubectl that says what was asked.
    let refused = |resource: &Resource, why: String| {
        let asked = format!(
            "{}/{}, Resource={}",
            resource.group, resource.version, resource.plural
        );
        Item::Wrong(Error::from(Status::bad_request(format!(
            "Unable to find {} that match label selector {}, field selector {}: {why}",
            quote(&asked),
            quote(&label_text),
            quote(&field_text),
        ))))
    };
    let mut items = Vec::new();
    for resource in resources {
        let selector: Selector = match label_text.parse() {
            Ok(selector) => selector,
            Err(error) => {
                let error: crate::api::selector::SelectorError = error;
                items.push(refused(resource, error.to_string()));
                continue;
            }
        };
        cx.asked_for(resource);
        let within = namespace.as_deref().filter(|_| resource.namespaced);
        let mut objects = cx.api.list(resource, within);
        if let Some((field, _, _)) = fields
            .iter()
            .find(|(field, _, _)| !has_field(resource, field))
        {
            let why = format!("field label not supported: {field}");
            items.push(refused(resource, why));
            continue;
        }
        objects.retain(|object| {
            selector.matches(&labels(object))
                && fields
                    .iter()
                    .all(|(field, equal, value)| (field_of(object, field) == *value) == *equal)
        });
        items.push(Item::Many(resource, objects));
    }
    Ok(Found {
        items,
        single: false,
    })
}

/// The labels of an object.
pub(super) fn labels(object: &Value) -> BTreeMap<String, String> {
    texts(object.entries_at("metadata.labels"))
}

/// A map of texts.
pub(super) fn texts(entries: &[(String, Value)]) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// `a=b,c!=d`: fields, whether they are to be equal, and values.
fn field_selector(text: &str) -> Result<Vec<(String, bool, String)>, Error> {
    let mut out = Vec::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (field, equal, value) = if let Some((field, value)) = part.split_once("!=") {
            (field, false, value)
        } else if let Some((field, value)) = part.split_once("==") {
            (field, true, value)
        } else if let Some((field, value)) = part.split_once('=') {
            (field, true, value)
        } else {
            return Err(Error::Plain(format!(
                "invalid field selector: {text}; can't understand {}",
                quote(part)
            )));
        };
        out.push((field.to_owned(), equal, value.to_owned()));
    }
    Ok(out)
}

/// Which fields the server can select by. Source: `pkg/apis/core/v1/conversion.go`.
fn has_field(resource: &Resource, field: &str) -> bool {
    matches!(field, "metadata.name")
        || (field == "metadata.namespace" && resource.namespaced)
        || match resource.kind {
            "Pod" => matches!(
                field,
                "spec.nodeName"
                    | "spec.restartPolicy"
                    | "spec.schedulerName"
                    | "spec.serviceAccountName"
                    | "spec.hostNetwork"
                    | "status.phase"
                    | "status.podIP"
                    | "status.podIPs"
                    | "status.nominatedNodeName"
            ),
            "Node" => field == "spec.unschedulable",
            "Namespace" => field == "status.phase",
            "Service" => matches!(field, "spec.clusterIP" | "spec.type"),
            "ReplicaSet" => field == "status.replicas",
            "Event" => {
                field.starts_with("involvedObject.")
                    || matches!(field, "reason" | "source" | "type" | "reportingComponent")
            }
            _ => false,
        }
}

fn field_of(object: &Value, field: &str) -> String {
    match (object.at(field), field) {
        (Value::String(text), _) => text.clone(),
        (Value::Null, "spec.unschedulable" | "spec.hostNetwork") => "false".to_owned(),
        (Value::Null, _) => String::new(),
        (other, _) => other.to_string(),
    }
}

/// The objects of files, `-` for standard input.
fn by_files(cx: &mut Cx<'_>, want: &Want, files: &[String]) -> Result<Found, Error> {
    if !cx.flags.text("kustomize").is_empty() {
        return Err(Error::plain(
            "-k is not there: kustomizations are not built here; -f - reads manifests",
        ));
    }
    let mut texts: Vec<(String, String)> = Vec::new();
    for file in files {
        if file == "-" {
            if texts.iter().any(|(source, _)| source == "STDIN") {
                return Err(Error::plain(
                    "standard input cannot be used for multiple arguments",
                ));
            }
            texts.push(("STDIN".to_owned(), cx.stdin.to_owned()));
        } else if file.starts_with("http://") || file.starts_with("https://") {
            return Err(Error::Plain(format!(
                "unable to read URL {}: there is no network here; -f - reads what is given",
                quote(file)
            )));
        } else {
            let found = cx.kubectl.files.iter().find(|(name, _)| name == file);
            let Some((_, text)) = found else {
                return Err(Error::Plain(format!(
                    "the path {} does not exist",
                    quote(file)
                )));
            };
            texts.push((file.clone(), text.clone()));
        }
    }
    let single = texts.len() == 1 && texts[0].0 != "STDIN";
    let mut items = Vec::new();
    for (source, text) in texts {
        let stream = yaml::read(&text);
        for document in &stream.documents {
            let object = Value::from(document);
            let list = !object.get("items").is_null()
                || object.str_at("kind") == "List" && object.str_at("apiVersion") == "v1";
            if list {
                for object in object.list_at("items") {
                    items.push(of_file(cx, want, object.clone(), &source));
                }
            } else {
                items.push(of_file(cx, want, object, &source));
            }
        }
        if let Some(error) = stream.errors.first() {
            items.push(Item::Wrong(Error::Plain(format!(
                "error parsing {source}: {error}"
            ))));
        }
    }
    if let Ok(selector) = cx.flags.text("selector").parse::<Selector>() {
        items.retain(|item| match item {
            Item::One(info) => selector.matches(&labels(&info.object)),
            _ => true,
        });
    }
    Ok(Found { items, single })
}

/// One document of a file.
fn of_file(cx: &mut Cx<'_>, want: &Want, mut object: Value, source: &str) -> Item {
    let wrong = |text: String| Item::Wrong(Error::Plain(text));
    if object.as_map().is_none() {
        return wrong(format!(
            "unable to decode {}: json: cannot unmarshal {} into Go value of type unstructured.detector",
            quote(source),
            object.json_type()
        ));
    }
    let (version, kind) = (object.str_at("apiVersion"), object.str_at("kind"));
    if kind.is_empty() {
        return wrong(format!(
            "unable to decode {}: Object 'Kind' is missing in '{object}'",
            quote(source)
        ));
    }
    let Some(resource) = resource::of_kind(version, kind) else {
        return wrong(format!(
            "resource mapping not found for name: {} namespace: {} from {}: no matches for kind {} in version {}\nensure CRDs are installed first",
            quote(object.name()),
            quote(object.namespace()),
            quote(source),
            quote(kind),
            quote(version)
        ));
    };
    let given = object.namespace().to_owned();
    let namespace = cx.namespace();
    if resource.namespaced {
        if cx.enforce_namespace() && !given.is_empty() && given != namespace {
            return wrong(format!(
                "the namespace from the provided object \"{given}\" does not match the namespace \"{namespace}\". You must pass '--namespace={given}' to perform this operation."
            ));
        }
        if given.is_empty() {
            object.set("metadata.namespace", namespace.into());
        }
    } else {
        object.remove("metadata.namespace");
    }
    let mut info = Info {
        resource,
        namespace: object.namespace().to_owned(),
        name: object.name().to_owned(),
        object,
        source: source.to_owned(),
    };
    if want.latest {
        cx.asked_for(resource);
        match cx.api.get(resource, &info.namespace, &info.name) {
            Ok(object) => info.object = object,
            Err(status) => return Item::Wrong(status.into()),
        }
    }
    Item::One(Box::new(info))
}
