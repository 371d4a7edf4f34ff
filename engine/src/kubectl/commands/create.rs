//! `kubectl create`: from files, and the generators.
//!
//! Source: kubectl `pkg/cmd/create/create.go`, `create_service.go`, `create_deployment.go`,
//! `create_namespace.go`.

use super::apply;
use crate::api::validation::{names, quote};
use crate::kubectl::args::{self, Flag, Takes, flag, required, short};
use crate::kubectl::error::Error;
use crate::kubectl::output::Printer;
use crate::kubectl::resource::by_kind;
use crate::kubectl::select::{self, Want};
use crate::kubectl::tree::Value;
use crate::kubectl::{Cx, DryRun};
use crate::random;

pub(super) const TCP_FLAGS: &[Flag] = &[flag("tcp", Takes::List)];
pub(super) const CLUSTER_IP_FLAGS: &[Flag] =
    &[flag("tcp", Takes::List), flag("clusterip", Takes::Text)];
pub(super) const NODE_PORT_FLAGS: &[Flag] =
    &[flag("tcp", Takes::List), flag("node-port", Takes::Int)];
pub(super) const EXTERNAL_NAME_FLAGS: &[Flag] = &[
    flag("tcp", Takes::List),
    required("external-name", Takes::Text),
];
pub(super) const DEPLOYMENT_FLAGS: &[Flag] = &[
    required("image", Takes::List),
    flag("port", Takes::Int32),
    short("replicas", 'r', Takes::Int32),
];

pub(super) fn from_files(cx: &mut Cx<'_>) -> Result<(), Error> {
    if !cx.flags.has("filename") && !cx.flags.has("kustomize") {
        if let Some(word) = cx.flags.args.first() {
            return Err(Error::Plain(format!(
                "kubectl create {word} is not there; there is: create deployment, create namespace, \
                 create service, create -f"
            )));
        }
        return Err(Error::plain("must specify one of -f and -k"));
    }
    if !cx.flags.args.is_empty() {
        let args = cx.flags.args.join(" ");
        return Err(Error::usage(
            "kubectl create",
            &format!("Unexpected args: [{args}]"),
        ));
    }
    let dry_run = cx.dry_run()?;
    let mut printer = Printer::new(cx, false)?;
    let found = select::find(cx, &Want::default())?;
    let (infos, mut errors) = found.infos();
    let mut count = 0;
    for info in infos {
        let mut object = info.object;
        if save_config(cx, &object) {
            apply::annotate(&mut object);
        }
        if dry_run != DryRun::Client {
            cx.asked_for(info.resource);
            let server = dry_run == DryRun::Server;
            match cx
                .api
                .create(info.resource, &info.namespace, object, server)
            {
                Ok(created) => object = created,
                Err(status) => {
                    errors.push(Error::from(status).with_source("creating", &info.source));
                    continue;
                }
            }
        }
        count += 1;
        printer.done(cx, &object, "created", dry_run, false)?;
    }
    if errors.is_empty() && count == 0 {
        return Err(Error::plain("no objects passed to create"));
    }
    Error::join(errors)
}

/// Whether the manifest is kept in the object: when asked, and when it is there already.
pub(super) fn save_config(cx: &Cx<'_>, object: &Value) -> bool {
    cx.flags.on("save-config")
        || object
            .at("metadata.annotations")
            .get(apply::LAST_APPLIED)
            .as_str()
            .is_some_and(|text| !text.is_empty())
}

/// The one name that a generator wants.
fn name(cx: &Cx<'_>) -> Result<String, Error> {
    let count = cx.flags.before_dash.unwrap_or(cx.flags.args.len());
    match cx.flags.args.first() {
        Some(name) if count == 1 => Ok(name.clone()),
        _ => Err(Error::usage(
            &cx.command,
            &format!("exactly one NAME is required, got {count}"),
        )),
    }
}

/// A new object with a name.
pub(super) fn object(cx: &Cx<'_>, kind: &str, name: &str) -> Value {
    let resource = by_kind(kind);
    let mut object = Value::map();
    object.set("apiVersion", resource.api_version().into());
    object.set("kind", kind.into());
    object.set("metadata.name", name.into());
    if cx.enforce_namespace() && resource.namespaced {
        object.set("metadata.namespace", cx.namespace().into());
    }
    object
}

/// Creates what a generator made. `failed`: the words before the server's error, when the command
/// hides its kind.
fn finish(cx: &mut Cx<'_>, mut object: Value, failed: &str) -> Result<(), Error> {
    let dry_run = cx.dry_run()?;
    let mut printer = Printer::new(cx, false)?;
    if save_config(cx, &object) {
        apply::annotate(&mut object);
    }
    if dry_run != DryRun::Client {
        let resource = by_kind(object.str_at("kind"));
        let namespace = if resource.namespaced {
            cx.namespace()
        } else {
            String::new()
        };
        let created = cx
            .api
            .create(resource, &namespace, object, dry_run == DryRun::Server);
        object = created.map_err(|status| {
            if failed.is_empty() {
                Error::from(status)
            } else {
                Error::Plain(format!("{failed}: {}", status.message))
            }
        })?;
    }
    printer.done(cx, &object, "created", dry_run, true)
}

pub(super) fn namespace(cx: &mut Cx<'_>) -> Result<(), Error> {
    let name = name(cx)?;
    let mut object = object(cx, "Namespace", &name);
    object.set("spec", Value::map());
    object.set("status", Value::map());
    finish(cx, object, "")
}

pub(super) fn cluster_ip(cx: &mut Cx<'_>) -> Result<(), Error> {
    service(cx, "ClusterIP")
}

pub(super) fn node_port(cx: &mut Cx<'_>) -> Result<(), Error> {
    service(cx, "NodePort")
}

pub(super) fn load_balancer(cx: &mut Cx<'_>) -> Result<(), Error> {
    service(cx, "LoadBalancer")
}

pub(super) fn external_name(cx: &mut Cx<'_>) -> Result<(), Error> {
    service(cx, "ExternalName")
}

fn service(cx: &mut Cx<'_>, kind: &'static str) -> Result<(), Error> {
    let name = name(cx)?;
    let pairs: Vec<String> = cx
        .flags
        .list("tcp")
        .iter()
        .map(|p| (*p).to_owned())
        .collect();
    let address = cx.flags.text("clusterip").to_owned();
    let external = cx.flags.text("external-name").to_owned();
    cx.dry_run()?;
    Printer::new(cx, false)?;
    if address != "None" && pairs.is_empty() && kind != "ExternalName" {
        return Err(Error::plain(
            "at least one tcp port specifier must be provided",
        ));
    }
    if kind == "ExternalName" && !names::dns_1123_subdomain(&external).is_empty() {
        return Err(Error::Plain(format!(
            "invalid service external name {external}"
        )));
    }
    let mut object = object(cx, "Service", &name);
    object.set("metadata.labels.app", name.as_str().into());
    object.set("spec.selector.app", name.as_str().into());
    object.set("spec.type", kind.into());
    if !address.is_empty() {
        object.set("spec.clusterIP", address.into());
    }
    if !external.is_empty() {
        object.set("spec.externalName", external.into());
    }
    let mut ports = Vec::new();
    for pair in &pairs {
        let (port, target) = port_pair(pair)?;
        let mut one = Value::map();
        one.set("name", pair.replace(':', "-").into());
        one.set("port", Value::int(port));
        one.set("protocol", "TCP".into());
        one.set("targetPort", target);
        let node_port = cx.flags.int("node-port").unwrap_or(0);
        if node_port != 0 {
            one.set("nodePort", Value::int(node_port));
        }
        ports.push(one);
    }
    if !ports.is_empty() {
        object.set("spec.ports", Value::List(ports));
    }
    object.set("status.loadBalancer", Value::map());
    finish(cx, object, &format!("failed to create {kind} service"))
}

/// `80`, `80:8080`, `80:http`.
fn port_pair(pair: &str) -> Result<(i64, Value), Error> {
    let mut parts = pair.split(':');
    let port = parse_port(parts.next().unwrap_or_default())?;
    let Some(target) = parts.next() else {
        return Ok((port, Value::int(port)));
    };
    let target = match args::atoi(target) {
        Ok(number) => {
            let wrong = i32::try_from(number).map_or_else(
                |_| Some(names::inclusive_range(1, 65_535)),
                names::port_number,
            );
            if let Some(wrong) = wrong {
                return Err(Error::Plain(wrong));
            }
            Value::int(number)
        }
        Err(_) => {
            let wrong = names::port_name(target);
            if !wrong.is_empty() {
                return Err(Error::Plain(wrong.join(",")));
            }
            target.into()
        }
    };
    Ok((port, target))
}

/// k8s.io/utils `net.ParsePort`, which lets zero through here.
fn parse_port(text: &str) -> Result<i64, Error> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let why = match text.parse::<u16>() {
        Ok(port) if digits => return Ok(port.into()),
        _ if digits => "value out of range",
        _ => "invalid syntax",
    };
    Err(Error::Plain(format!(
        "strconv.ParseUint: parsing {}: {why}",
        quote(text)
    )))
}

pub(super) fn deployment(cx: &mut Cx<'_>) -> Result<(), Error> {
    let name = name(cx)?;
    let images: Vec<String> = cx
        .flags
        .list("image")
        .iter()
        .map(|i| (*i).to_owned())
        .collect();
    let command: Vec<Value> = cx.flags.args[1..]
        .iter()
        .map(|word| word.as_str().into())
        .collect();
    cx.dry_run()?;
    if images.len() > 1 && !command.is_empty() {
        return Err(Error::plain(
            "cannot specify multiple --image options and command",
        ));
    }
    let mut object = object(cx, "Deployment", &name);
    object.set("metadata.labels.app", name.as_str().into());
    object.set(
        "spec.replicas",
        Value::int(cx.flags.int("replicas").unwrap_or(1)),
    );
    object.set("spec.selector.matchLabels.app", name.as_str().into());
    object.set("spec.strategy", Value::map());
    object.set("spec.template.metadata.labels.app", name.as_str().into());
    let mut containers = Vec::new();
    for image in images {
        let mut one = Value::map();
        one.set("name", container_name(&image).into());
        one.set("image", image.into());
        one.set("resources", Value::map());
        if !command.is_empty() {
            one.set("command", Value::List(command.clone()));
        }
        containers.push(one);
    }
    let port = cx.flags.int("port").unwrap_or(-1);
    if let Some(first) = containers.first_mut()
        && port >= 0
    {
        let mut one = Value::map();
        one.set("containerPort", Value::int(port));
        first.set("ports", Value::List(vec![one]));
    }
    object.set("spec.template.spec.containers", Value::List(containers));
    object.set("status", Value::map());
    finish(cx, object, "failed to create deployment")
}

/// The last part of the image without tag and digest. kubectl adds five random characters to a
/// name that it had to change; these here follow from the name.
fn container_name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    let last = last.split([':', '@']).next().unwrap_or(last);
    if !last.contains(['_', '.']) {
        return last.to_owned();
    }
    let mut rng = random::keyed(0, last);
    let suffix = random::name_suffix(&mut rng, 5);
    format!("{}-{suffix}", last.replace(['_', '.'], "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_come_in_pairs() {
        let pair = |text: &str| port_pair(text).map_err(|error| error.text());
        assert_eq!(pair("80"), Ok((80, Value::int(80))));
        assert_eq!(pair("443:https"), Ok((443, "https".into())));
        assert_eq!(
            pair("abc"),
            Err("strconv.ParseUint: parsing \"abc\": invalid syntax".to_owned())
        );
        assert_eq!(
            pair("70000"),
            Err("strconv.ParseUint: parsing \"70000\": value out of range".to_owned())
        );
        assert_eq!(
            pair("80:70000"),
            Err("must be between 1 and 65535, inclusive".to_owned())
        );
    }

    #[test]
    fn containers_are_named_after_their_image() {
        assert_eq!(container_name("registry.example:5000/team/api:1.2"), "api");
        assert_eq!(container_name("nginx@sha256:00"), "nginx");
        let made = container_name("my_app");
        assert!(made.starts_with("my-app-") && made.len() == 12);
    }
}
