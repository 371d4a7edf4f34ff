//! `kubectl run`.
//!
//! Source: kubectl `pkg/cmd/run/run.go`. Attaching (`-i`, `--attach`, `--rm`) makes the Pod; what
//! runs in it is left to the caller as a [`Then`].

use super::{apply, create, expose};
use crate::api::validation::quote;
use crate::kubectl::args::{self, Flag, Takes, flag, required, short};
use crate::kubectl::error::Error;
use crate::kubectl::output::Printer;
use crate::kubectl::resource::by_kind;
use crate::kubectl::tree::Value;
use crate::kubectl::{Cx, DryRun, Then};

pub(super) const FLAGS: &[Flag] = &[
    flag("annotations", Takes::Texts),
    required("image", Takes::Text),
    flag("image-pull-policy", Takes::Text),
    flag("rm", Takes::Bool),
    flag("env", Takes::Texts),
    flag("port", Takes::Text),
    short("labels", 'l', Takes::Text),
    short("stdin", 'i', Takes::Bool),
    short("tty", 't', Takes::Bool),
    flag("attach", Takes::Bool),
    flag("leave-stdin-open", Takes::Bool),
    flag("restart", Takes::Text),
    flag("command", Takes::Bool),
    flag("expose", Takes::Bool),
    short("quiet", 'q', Takes::Bool),
    flag("privileged", Takes::Bool),
    flag("detach-keys", Takes::Text),
    flag("pod-running-timeout", Takes::Duration),
    flag("force", Takes::Bool),
    flag("grace-period", Takes::Int),
    flag("now", Takes::Bool),
    flag("wait", Takes::Bool),
    flag("timeout", Takes::Duration),
    flag("cascade", Takes::Maybe("background")),
];

/// An image's name as far as it is looked at: no spaces, no capital letters in the repository.
fn is_image(text: &str) -> bool {
    let (name, tag) = match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (text, None),
    };
    let name = name.split('@').next().unwrap_or(name);
    let repository = |part: &str| {
        !part.is_empty()
            && part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
    };
    let mut parts: Vec<&str> = name.split('/').collect();
    let first_is_host = parts.len() > 1
        && parts[0]
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-:".contains(c))
        && parts[0].contains(['.', ':'])
        || parts.len() > 1 && parts[0] == "localhost";
    if first_is_host {
        parts.remove(0);
    }
    parts.iter().all(|part| repository(part))
        && tag.is_none_or(|tag| {
            !tag.is_empty()
                && tag.len() <= 128
                && tag
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        })
}

pub(super) fn run(cx: &mut Cx<'_>) -> Result<(), Error> {
    let annotations: Vec<String> = cx.flags.all("annotations").map(str::to_owned).collect();
    let interactive = cx.flags.on("stdin");
    let labels = match cx.flags.text("labels") {
        "" => None,
        text => Some(expose::parse_labels(text)?),
    };
    let mut env = Vec::new();
    for pair in cx.flags.all("env") {
        match pair.split_once('=') {
            Some((name, value)) if is_env_name(name) => {
                let mut one = Value::map();
                one.set("name", name.into());
                if !value.is_empty() {
                    one.set("value", value.into());
                }
                env.push(one);
            }
            _ => return Err(Error::Plain(format!("invalid env: {pair}"))),
        }
    }
    let restart = match cx.flags.text("restart") {
        "" if cx.flags.has("restart") && interactive => "OnFailure",
        "" => "Always",
        restart @ ("Always" | "Never" | "OnFailure") => restart,
        other => {
            return Err(Error::Plain(format!(
                "invalid restart policy: {other}, valid values are: Always, OnFailure, Never"
            )));
        }
    }
    .to_owned();
    let pull = cx.flags.text("image-pull-policy").to_owned();
    if !matches!(pull.as_str(), "" | "Always" | "IfNotPresent" | "Never") {
        return Err(Error::Plain(format!(
            "invalid image pull policy: {pull}, valid values are: Always, IfNotPresent, Never"
        )));
    }
    let attach = cx.flags.on("attach") || (interactive && !cx.flags.has("attach"));
    let dry_run = cx.dry_run()?;
    let mut printer = Printer::new(cx, false)?;
    let Some(name) = cx
        .flags
        .args
        .first()
        .filter(|_| cx.flags.before_dash != Some(0))
        .cloned()
    else {
        return Err(Error::plain("NAME is required for run"));
    };
    let image = cx.flags.text("image").to_owned();
    if image.is_empty() {
        return Err(Error::plain("--image is required"));
    }
    if !is_image(&image) {
        return Err(Error::Plain(format!(
            "invalid image name {}: invalid reference format",
            quote(&image)
        )));
    }
    let tty = cx.flags.on("tty");
    if tty && !interactive {
        return Err(Error::plain(
            "-i/--stdin is required for containers with -t/--tty=true",
        ));
    }
    let port = cx.flags.text("port").to_owned();
    let expose = cx.flags.on("expose");
    if expose && port.is_empty() {
        return Err(Error::plain("--port must be set when exposing a service"));
    }
    let number = match args::atoi(&port) {
        Ok(number) => Some(number),
        Err(_) if port.is_empty() => None,
        Err(_) => return Err(Error::plain("--port must be a number")),
    };
    if !attach && cx.flags.on("rm") {
        return Err(Error::plain(
            "--rm should only be used for attached containers",
        ));
    }
    if attach && dry_run != DryRun::No {
        return Err(Error::plain(
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
        ));
    }
    let mut container = Value::map();
    container.set("name", name.as_str().into());
    container.set("image", image.into());
    container.set("resources", Value::map());
    if !env.is_empty() {
        container.set("env", Value::List(env));
    }
    for (is_set, field) in [
        (interactive, "stdin"),
        (interactive && !cx.flags.on("leave-stdin-open"), "stdinOnce"),
        (tty, "tty"),
        (cx.flags.on("privileged"), "securityContext.privileged"),
    ] {
        if is_set {
            container.set(field, Value::Bool(true));
        }
    }
    if !pull.is_empty() {
        container.set("imagePullPolicy", pull.into());
    }
    let words: Vec<Value> = cx.flags.args[1..]
        .iter()
        .map(|word| word.as_str().into())
        .collect();
    if !words.is_empty() {
        let field = if cx.flags.on("command") {
            "command"
        } else {
            "args"
        };
        container.set(field, Value::List(words));
    }
    if let Some(number) = number {
        let mut one = Value::map();
        one.set("containerPort", Value::int(number));
        container.set("ports", Value::List(vec![one]));
    }
    let mut pod = create::object(cx, "Pod", &name);
    let own = labels.clone().unwrap_or_else(|| {
        let mut own = Value::map();
        own.set("run", name.as_str().into());
        own
    });
    pod.set("metadata.labels", own.clone());
    for pair in &annotations {
        let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Error::Plain(format!("invalid annotations format: {pair}")));
        };
        let map = pod.make("metadata.annotations").to_map();
        map.insert(key, value.into());
    }
    pod.set("spec.containers", Value::List(vec![container]));
    pod.set("spec.dnsPolicy", "ClusterFirst".into());
    pod.set("spec.restartPolicy", restart.into());
    pod.set("status", Value::map());
    let mut objects = vec![pod];
    if let Some(number) = number.filter(|_| expose) {
        let mut port = Value::map();
        port.set("port", Value::int(number));
        port.set("protocol", "TCP".into());
        port.set("targetPort", Value::int(number));
        let mut service = create::object(cx, "Service", &name);
        if let Some(labels) = labels {
            service.set("metadata.labels", labels);
        }
        service.set("spec.selector", own);
        service.set("spec.ports", Value::List(vec![port]));
        service.set("status.loadBalancer", Value::map());
        objects.push(service);
    }
    let mut made = Vec::new();
    let mut errors = Vec::new();
    for (at, mut object) in objects.into_iter().enumerate() {
        if dry_run != DryRun::Client {
            object.remove("metadata.namespace");
            if create::save_config(cx, &object) {
                apply::annotate(&mut object);
            }
            let resource = by_kind(object.str_at("kind"));
            let namespace = cx.namespace();
            let server = dry_run == DryRun::Server;
            match cx.api.create(resource, &namespace, object, server) {
                Ok(created) => object = created,
                Err(status) if at == 0 => return Err(status.into()),
                Err(status) => {
                    errors.push(Error::from(status));
                    continue;
                }
            }
        }
        made.push(object);
    }
    if attach {
        // Who attaches is shown the container's output, and no word about the objects.
        let command = cx.flags.args[1..].to_vec();
        cx.out.then = Some(Then::Exec {
            namespace: cx.namespace(),
            pod: name.clone(),
            container: name,
            command,
            is_new: true,
            remove: cx.flags.on("rm"),
            input: (interactive, tty),
        });
        return Error::join(errors);
    }
    for object in &made {
        printer.done(cx, object, "created", dry_run, true)?;
    }
    Error::join(errors)
}

/// `IsEnvVarName`: printable ASCII without `=`.
fn is_env_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| (b' '..=b'~').contains(&b) && b != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_a_form() {
        for good in [
            "alpine",
            "nginx:1.27",
            "registry.example:5000/team/api:1",
            "localhost/x",
            "a/b@sha256:00",
        ] {
            assert!(is_image(good), "{good}");
        }
        for bad in ["Nginx", "a b", "nginx:", "", "/a", "a//b", "nginx:a b"] {
            assert!(!is_image(bad), "{bad}");
        }
    }
}
