//! `kubectl exec`, `logs` and `port-forward`: which Pod, container and ports a line means.
//!
//! What then happens in the Pod is not kubectl's business, nor this module's: it is left to the
//! caller as a [`Then`].
//!
//! Source: kubectl `pkg/cmd/exec/exec.go`, `pkg/cmd/logs/logs.go`,
//! `pkg/cmd/portforward/portforward.go`, `pkg/polymorphichelpers/attachablepodforobject.go`,
//! `pkg/util/podutils/podutils.go`, `pkg/util/service_port.go`.

use crate::api::selector::{Selector, matches_map};
use crate::kubectl::args::{self, Flag, Takes, flag, short};
use crate::kubectl::error::Error;
use crate::kubectl::resource::by_kind;
use crate::kubectl::tree::Value;
use crate::kubectl::{Cx, Then, select, table};

pub(super) const EXEC_FLAGS: &[Flag] = &[
    short("container", 'c', Takes::Text),
    short("stdin", 'i', Takes::Bool),
    short("tty", 't', Takes::Bool),
    short("quiet", 'q', Takes::Bool),
    flag("pod-running-timeout", Takes::Duration),
];

pub(super) const LOGS_FLAGS: &[Flag] = &[
    short("container", 'c', Takes::Text),
    short("follow", 'f', Takes::Bool),
    short("previous", 'p', Takes::Bool),
    short("selector", 'l', Takes::Text),
    flag("tail", Takes::Int),
    flag("since", Takes::Duration),
    flag("timestamps", Takes::Bool),
    flag("all-containers", Takes::Bool),
    flag("all-pods", Takes::Bool),
    flag("prefix", Takes::Bool),
    flag("ignore-errors", Takes::Bool),
    flag("max-log-requests", Takes::Int),
    flag("limit-bytes", Takes::Int),
    flag("pod-running-timeout", Takes::Duration),
];

pub(super) const FORWARD_FLAGS: &[Flag] = &[
    flag("address", Takes::List),
    flag("pod-running-timeout", Takes::Duration),
];

/// The object that `web-1`, `pod/web-1`, `svc/web` or `deploy/web` means.
fn object(cx: &mut Cx<'_>, word: &str) -> Result<Value, Error> {
    let (resource, name) = match word.split_once('/') {
        Some((kind, name)) => (select::resource_of(kind)?, name),
        None => (by_kind("Pod"), word),
    };
    let namespace = cx.namespace();
    Ok(cx.api.get(resource, &namespace, name)?)
}

/// The Pod that an object stands for: itself, or the first one it selects. Running and ready ones
/// come first, as for `exec`, then by name.
fn pod_of(cx: &mut Cx<'_>, object: &Value) -> Result<Value, Error> {
    let kind = object.str_at("kind");
    if kind == "Pod" {
        return Ok(object.clone());
    }
    let mut pods = cx.api.list(by_kind("Pod"), Some(object.namespace()));
    match kind {
        "Service" => {
            let wanted = select::texts(object.entries_at("spec.selector"));
            if wanted.is_empty() {
                return Err(Error::Plain(format!(
                    "cannot attach to *v1.Service: invalid service '{}': Service is defined without a selector",
                    object.name()
                )));
            }
            pods.retain(|pod| matches_map(&wanted, &select::labels(pod)));
        }
        "Deployment" | "ReplicaSet" | "StatefulSet" => {
            let text = table::selector(object.at("spec.selector"));
            let selector: Selector = text.parse().unwrap_or_default();
            pods.retain(|pod| !selector.is_empty() && selector.matches(&select::labels(pod)));
        }
        kind => {
            return Err(Error::Plain(format!(
                "cannot attach to *v1.{kind}: unsupported type {kind}"
            )));
        }
    }
    let rank = |pod: &Value| {
        let running = pod.str_at("status.phase") == "Running";
        let ready = pod
            .list_at("status.conditions")
            .iter()
            .any(|c| c.str_at("type") == "Ready" && c.str_at("status") == "True");
        (!running, !ready, pod.name().to_owned())
    };
    pods.sort_by_cached_key(rank);
    pods.into_iter()
        .next()
        .ok_or_else(|| Error::plain("error: timed out waiting for the condition"))
}

/// The container that is meant: the one named, the one that an annotation names, or the first.
fn container(cx: &mut Cx<'_>, pod: &Value, named: &str) -> Result<String, Error> {
    let all: Vec<&str> = ["spec.containers", "spec.initContainers"]
        .iter()
        .flat_map(|list| pod.list_at(list))
        .map(|container| container.str_at("name"))
        .collect();
    if !named.is_empty() {
        return if all.contains(&named) {
            Ok(named.to_owned())
        } else {
            Err(Error::Plain(format!(
                "container {named} is not valid for pod {} out of: {}",
                pod.name(),
                all.join(", ")
            )))
        };
    }
    let default = pod
        .at("metadata.annotations")
        .get("kubectl.kubernetes.io/default-container");
    if let Some(name) = default.as_str().filter(|name| all.contains(name)) {
        return Ok(name.to_owned());
    }
    let first = all.first().copied().unwrap_or_default().to_owned();
    if all.len() > 1 && !cx.flags.on("quiet") {
        let all = all.join(", ");
        cx.warn(&format!("Defaulted container \"{first}\" out of: {all}"));
    }
    Ok(first)
}

pub(super) fn exec(cx: &mut Cx<'_>) -> Result<(), Error> {
    let args = cx.flags.args.clone();
    let (name, command) = match (cx.flags.before_dash, args.as_slice()) {
        (Some(0), _) | (_, []) => {
            return Err(Error::plain(
                "pod, type/name or --filename must be specified",
            ));
        }
        (Some(1), [name, command @ ..]) => (name, command.to_vec()),
        (_, [name]) => (name, Vec::new()),
        _ => {
            return Err(Error::usage(
                "kubectl exec",
                "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead",
            ));
        }
    };
    if command.is_empty() {
        return Err(Error::plain(
            "you must specify at least one command for the container",
        ));
    }
    let object = object(cx, name)?;
    let pod = pod_of(cx, &object)?;
    let phase = pod.str_at("status.phase");
    if matches!(phase, "Succeeded" | "Failed") {
        return Err(Error::Plain(format!(
            "cannot exec into a container in a completed pod; current phase is {phase}"
        )));
    }
    let named = cx.flags.text("container").to_owned();
    let container = container(cx, &pod, &named)?;
    cx.out.then = Some(Then::Exec {
        namespace: pod.namespace().to_owned(),
        pod: pod.name().to_owned(),
        container,
        command,
        is_new: false,
        remove: false,
        input: (cx.flags.on("stdin"), cx.flags.on("tty")),
    });
    Ok(())
}

pub(super) fn logs(cx: &mut Cx<'_>) -> Result<(), Error> {
    const EXPECTED: &str = "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command";
    let selector = cx.flags.text("selector").to_owned();
    let args = cx.flags.args.clone();
    let mut named = cx.flags.text("container").to_owned();
    let pods = match (args.as_slice(), selector.is_empty()) {
        ([], true) => return Err(Error::usage("kubectl logs", EXPECTED)),
        ([], false) => {
            let selector: Selector =
                selector
                    .parse()
                    .map_err(|error: crate::api::selector::SelectorError| {
                        Error::Plain(error.to_string())
                    })?;
            let namespace = cx.namespace();
            let mut pods = cx.api.list(by_kind("Pod"), Some(&namespace));
            pods.retain(|pod| selector.matches(&select::labels(pod)));
            if pods.is_empty() {
                cx.warn(&format!("No resources found in {namespace} namespace."));
                return Ok(());
            }
            pods
        }
        ([_, ..], false) => {
            return Err(Error::usage(
                "kubectl logs",
                "only a selector (-l) or a POD name is allowed",
            ));
        }
        ([name, rest @ ..], true) if rest.len() <= 1 => {
            if let [container] = rest {
                if !named.is_empty() {
                    return Err(Error::plain(
                        "only one of -c or an inline [CONTAINER] arg is allowed",
                    ));
                }
                named.clone_from(container);
            }
            let object = object(cx, name).map_err(|error| match error {
                Error::Status(status) if status.reason == "NotFound" => {
                    let namespace = cx.namespace();
                    Error::Plain(format!(
                        "error: error from server (NotFound): {} in namespace {}",
                        status.message,
                        crate::api::validation::quote(&namespace)
                    ))
                }
                other => other,
            })?;
            vec![pod_of(cx, &object)?]
        }
        _ => return Err(Error::usage("kubectl logs", EXPECTED)),
    };
    if cx.flags.on("all-containers") && !named.is_empty() {
        return Err(Error::Plain(format!(
            "--all-containers=true should not be specified with container name {named}"
        )));
    }
    let tail = cx.flags.int("tail");
    if tail.is_some_and(|tail| tail < -1) {
        return Err(Error::plain("--tail must be greater than or equal to -1"));
    }
    let mut targets = Vec::new();
    for pod in &pods {
        targets.push((pod.name().to_owned(), container(cx, pod, &named)?));
    }
    cx.out.then = Some(Then::Logs {
        namespace: cx.namespace(),
        targets,
        // Of Pods that a selector found only the last lines are wanted.
        tail: tail
            .or((!selector.is_empty()).then_some(10))
            .and_then(|tail| usize::try_from(tail).ok()),
        prefix: cx.flags.on("prefix"),
        follow: cx.flags.on("follow"),
    });
    Ok(())
}

pub(super) fn port_forward(cx: &mut Cx<'_>) -> Result<(), Error> {
    let args = cx.flags.args.clone();
    let [name, ports @ ..] = args.as_slice() else {
        return Err(Error::usage(
            "kubectl port-forward",
            "TYPE/NAME and list of ports are required for port-forward",
        ));
    };
    if ports.is_empty() {
        return Err(Error::usage(
            "kubectl port-forward",
            "TYPE/NAME and list of ports are required for port-forward",
        ));
    }
    let object = object(cx, name)?;
    let pod = pod_of(cx, &object)?;
    let phase = pod.str_at("status.phase");
    let mut forwarded = Vec::new();
    for pair in ports {
        let (local, remote) = pair.split_once(':').unwrap_or((pair, pair));
        let (remote_number, local_of_name) = if object.str_at("kind") == "Service" {
            service_port(&object, &pod, remote)?
        } else {
            let number = match args::atoi(remote) {
                Ok(number) => number,
                Err(_) => container_port(&pod, remote)?,
            };
            (number, number)
        };
        let local = match args::atoi(local) {
            Ok(number) => number,
            // A name on both sides: the Service's own number is listened on.
            Err(_) if local == remote => local_of_name,
            // Nothing before the colon: any port that is free.
            Err(_) if local.is_empty() => 0,
            Err(why) => return Err(Error::Plain(format!("error parsing local port: {why}"))),
        };
        let (Ok(local), Ok(remote)) = (u16::try_from(local), u16::try_from(remote_number)) else {
            return Err(Error::Plain(format!("invalid port format '{pair}'")));
        };
        forwarded.push((local, remote));
    }
    if phase != "Running" {
        return Err(Error::Plain(format!(
            "unable to forward port because pod is not running. Current status={phase}"
        )));
    }
    for (local, remote) in &forwarded {
        cx.print(&format!(
            "Forwarding from 127.0.0.1:{local} -> {remote}\nForwarding from [::1]:{local} -> {remote}\n"
        ));
    }
    cx.out.then = Some(Then::PortForward {
        namespace: pod.namespace().to_owned(),
        pod: pod.name().to_owned(),
        ports: forwarded,
    });
    Ok(())
}

fn container_port(pod: &Value, name: &str) -> Result<i64, Error> {
    pod.list_at("spec.containers")
        .iter()
        .flat_map(|container| container.list_at("ports"))
        .find(|port| port.str_at("name") == name)
        .map(|port| port.int_at("containerPort"))
        .ok_or_else(|| {
            Error::Plain(format!(
                "Pod '{}' does not have a named port '{name}'",
                pod.name()
            ))
        })
}

/// The Pod's port behind a port of a Service, and the Service's own.
fn service_port(service: &Value, pod: &Value, wanted: &str) -> Result<(i64, i64), Error> {
    let ports = service.list_at("spec.ports");
    let (port, missing) = match args::atoi(wanted) {
        Ok(number) => (
            ports.iter().find(|port| port.int_at("port") == number),
            format!(
                "Service {} does not have a service port {number}",
                service.name()
            ),
        ),
        Err(_) => (
            ports.iter().find(|port| port.str_at("name") == wanted),
            format!(
                "Service '{}' does not have a named port '{wanted}'",
                service.name()
            ),
        ),
    };
    let port = port.ok_or(Error::Plain(missing))?;
    let number = port.int_at("port");
    if port.str_at("protocol") == "UDP" {
        return Err(Error::Plain(format!(
            "UDP protocol is not supported for {wanted}"
        )));
    }
    let headless = service.str_at("spec.clusterIP") == "None";
    let target = match port.at("targetPort") {
        // Without a cluster IP nobody translates ports.
        _ if headless => number,
        Value::String(name) => container_port(pod, name)?,
        other => match other.as_int() {
            None | Some(0) => number,
            Some(target) => target,
        },
    };
    Ok((target, number))
}
