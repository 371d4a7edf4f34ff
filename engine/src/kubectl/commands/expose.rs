//! `kubectl expose`.
//!
//! Source: kubectl `pkg/cmd/expose/expose.go`, `pkg/polymorphichelpers/canbeexposed.go`,
//! `mapbasedselectorforobject.go`, `portsforobject.go`, `multiprotocolsforobject.go`.

use super::{apply, create};
use crate::kubectl::args::{self, Flag, Takes, flag, short};
use crate::kubectl::error::Error;
use crate::kubectl::output::Printer;
use crate::kubectl::resource::by_kind;
use crate::kubectl::select::{self, Info, Want};
use crate::kubectl::tree::Value;
use crate::kubectl::{Cx, DryRun};

pub(super) const FLAGS: &[Flag] = &[
    flag("protocol", Takes::Text),
    flag("port", Takes::Text),
    flag("type", Takes::Text),
    flag("load-balancer-ip", Takes::Text),
    flag("selector", Takes::Text),
    short("labels", 'l', Takes::Text),
    flag("target-port", Takes::Text),
    flag("external-ip", Takes::Text),
    flag("name", Takes::Text),
    flag("session-affinity", Takes::Text),
    flag("cluster-ip", Takes::Text),
];

pub(super) fn run(cx: &mut Cx<'_>) -> Result<(), Error> {
    let dry_run = cx.dry_run()?;
    let mut printer = Printer::new(cx, false)?;
    // Here --selector is the new Service's, and selects nothing.
    let mut flags = cx.flags.clone();
    std::mem::swap(&mut flags, &mut cx.flags);
    cx.flags.forget("selector");
    let want = Want {
        args: cx.flags.args.clone(),
        ..Want::default()
    };
    let found = select::find(cx, &want);
    cx.flags = flags;
    let (infos, mut errors) = found?.infos();
    for info in infos {
        let done = one(cx, &info, dry_run, &mut printer);
        errors.extend(done.err());
    }
    Error::join(errors)
}

fn one(cx: &mut Cx<'_>, info: &Info, dry_run: DryRun, printer: &mut Printer) -> Result<(), Error> {
    let kind = info.resource.kind;
    if !matches!(kind, "Service" | "Pod" | "Deployment" | "ReplicaSet") {
        return Err(Error::Plain(format!(
            "cannot expose a {}",
            info.resource.qualified_kind()
        )));
    }
    let mut service = service(cx, info)?;
    if dry_run != DryRun::Client {
        service.remove("metadata.namespace");
        if create::save_config(cx, &service) {
            apply::annotate(&mut service);
        }
        let namespace = cx.namespace();
        let server = dry_run == DryRun::Server;
        service = cx
            .api
            .create(by_kind("Service"), &namespace, service, server)?;
    }
    printer.done(cx, &service, "exposed", dry_run, true)
}

/// The labels that the Pods of an object have.
fn selector_of(info: &Info) -> Result<Vec<(String, Value)>, String> {
    let object = &info.object;
    match info.resource.kind {
        "Pod" => match object.entries_at("metadata.labels") {
            [] => Err("the pod has no labels and cannot be exposed".to_owned()),
            labels => Ok(labels.to_vec()),
        },
        "Service" => match object.entries_at("spec.selector") {
            [] => Err("the service has no pod selector set".to_owned()),
            labels => Ok(labels.to_vec()),
        },
        _ => {
            let labels = object.entries_at("spec.selector.matchLabels");
            if labels.is_empty() {
                return Err(format!(
                    "invalid {}: no selectors, therefore cannot be exposed",
                    info.resource.singular
                ));
            }
            let expressions = object.list_at("spec.selector.matchExpressions");
            if !expressions.is_empty() {
                let texts: Vec<String> = expressions
                    .iter()
                    .map(|expression| {
                        let values: Vec<&str> = expression
                            .list_at("values")
                            .iter()
                            .filter_map(Value::as_str)
                            .collect();
                        format!(
                            "{{Key:{} Operator:{} Values:[{}]}}",
                            expression.str_at("key"),
                            expression.str_at("operator"),
                            values.join(" ")
                        )
                    })
                    .collect();
                return Err(format!(
                    "couldn't convert expressions - \"[{}]\" to map-based selector format",
                    texts.join(" ")
                ));
            }
            Ok(labels.to_vec())
        }
    }
}

/// Ports and their protocols, each pair once, in order.
fn ports_of(info: &Info) -> Vec<(i64, String)> {
    let object = &info.object;
    let ports: Vec<&Value> = match info.resource.kind {
        "Service" => object.list_at("spec.ports").iter().collect(),
        kind => {
            let spec = if kind == "Pod" {
                "spec"
            } else {
                "spec.template.spec"
            };
            let containers = object.at(spec).list_at("containers");
            containers.iter().flat_map(|c| c.list_at("ports")).collect()
        }
    };
    let field = if info.resource.kind == "Service" {
        "port"
    } else {
        "containerPort"
    };
    let mut out: Vec<(i64, String)> = Vec::new();
    for port in ports {
        let protocol = match port.str_at("protocol") {
            "" => "TCP",
            protocol => protocol,
        };
        let pair = (port.int_at(field), protocol.to_owned());
        if !out.contains(&pair) {
            out.push(pair);
        }
    }
    out
}

/// `a=b,c=d`.
pub(super) fn parse_labels(text: &str) -> Result<Value, Error> {
    let mut labels = Value::map();
    for pair in text.split(',') {
        let parts: Vec<&str> = pair.split('=').collect();
        let [key, value] = parts.as_slice() else {
            return Err(Error::Plain(format!("unexpected label spec: {pair}")));
        };
        if key.is_empty() {
            return Err(Error::plain("unexpected empty label key"));
        }
        labels.to_map().insert(key, (*value).into());
    }
    Ok(labels)
}

/// What a port is called when there are several: `port-1`, `port-1-udp`.
fn service(cx: &Cx<'_>, info: &Info) -> Result<Value, Error> {
    let flags = &cx.flags;
    let selector = match flags.text("selector") {
        "" => {
            let found = selector_of(info).map_err(|why| {
                Error::Plain(format!(
                    "couldn't retrieve selectors via --selector flag or introspection: {why}"
                ))
            })?;
            let mut map = Value::map();
            for (key, value) in found {
                map.to_map().insert(&key, value);
            }
            map
        }
        text => parse_labels(text)?,
    };
    let found = ports_of(info);
    let cluster_ip = flags.text("cluster-ip");
    let mut texts: Vec<String> = match flags.text("port") {
        "" => {
            let mut numbers: Vec<String> = Vec::new();
            for (port, _) in &found {
                let port = port.to_string();
                if !numbers.contains(&port) {
                    numbers.push(port);
                }
            }
            if numbers.is_empty() && cluster_ip != "None" {
                return Err(Error::plain(
                    "couldn't find port via --port flag or introspection",
                ));
            }
            numbers
        }
        text => text.split(',').map(str::to_owned).collect(),
    };
    texts.truncate(1_000);
    let name: String = match flags.text("name") {
        "" => info.name.chars().take(63).collect(),
        name => name.to_owned(),
    };
    let protocol = flags.text("protocol");
    let target = flags.text("target-port");
    let mut ports = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let number = args::atoi(text).map_err(Error::Plain)?;
        let own: Vec<&str> = found
            .iter()
            .filter(|(port, _)| port.to_string() == *text)
            .map(|(_, protocol)| protocol.as_str())
            .collect();
        let mut port_name = if texts.len() > 1 {
            format!("port-{}", at + 1)
        } else {
            String::new()
        };
        let protocols: Vec<&str> = match (protocol, own.as_slice()) {
            ("", []) => vec!["TCP"],
            ("", own) => own.to_vec(),
            (given, _) => vec![given],
        };
        let several = protocols.len() > 1;
        for protocol in protocols {
            if several {
                port_name = format!("port-{}-{}", at + 1, protocol.to_lowercase());
            }
            let mut one = Value::map();
            if !port_name.is_empty() {
                one.set("name", port_name.as_str().into());
            }
            one.set("port", Value::int(number));
            one.set("protocol", protocol.into());
            one.set(
                "targetPort",
                match args::atoi(target) {
                    _ if target.is_empty() => Value::int(number),
                    Ok(number) => Value::int(number),
                    Err(_) => target.into(),
                },
            );
            ports.push(one);
        }
    }
    let mut service = create::object(cx, "Service", &name);
    let labels = match flags.text("labels") {
        "" => info.object.at("metadata.labels").clone(),
        text => parse_labels(text)?,
    };
    if labels.as_map().is_some_and(|map| !map.is_empty()) {
        service.set("metadata.labels", labels);
    }
    service.set("spec.selector", selector);
    if !ports.is_empty() {
        service.set("spec.ports", Value::List(ports));
    }
    let kind = flags.text("type");
    for (flag, field) in [("type", "spec.type"), ("cluster-ip", "spec.clusterIP")] {
        if !flags.text(flag).is_empty() {
            service.set(field, flags.text(flag).into());
        }
    }
    if !flags.text("external-ip").is_empty() {
        let list = vec![flags.text("external-ip").into()];
        service.set("spec.externalIPs", Value::List(list));
    }
    if kind == "LoadBalancer" && !flags.text("load-balancer-ip").is_empty() {
        service.set("spec.loadBalancerIP", flags.text("load-balancer-ip").into());
    }
    match flags.text("session-affinity") {
        "" => {}
        affinity @ ("None" | "ClientIP") => service.set("spec.sessionAffinity", affinity.into()),
        other => {
            return Err(Error::Plain(format!("unknown session affinity: {other}")));
        }
    }
    service.set("status.loadBalancer", Value::map());
    Ok(service)
}
