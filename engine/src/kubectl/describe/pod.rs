//! Pods, and the templates that Pods are made from.

use super::{Writer, annotations, head, labels, labels_and_annotations, labels_at};
use crate::api::validation::quote;
use crate::kubectl::table::{self, join_host_port};
use crate::kubectl::time;
use crate::kubectl::tree::Value;

fn date(text: &str) -> String {
    match time::parse(text) {
        Some(seconds) => time::print_rfc1123(seconds),
        // Go's zero time.
        None => "Mon, 01 Jan 0001 00:00:00 +0000".to_owned(),
    }
}

/// `ReplicaSet/web-5d9`.
pub(super) fn controller(object: &Value) -> Option<String> {
    let owner = object
        .list_at("metadata.ownerReferences")
        .iter()
        .find(|owner| owner.bool_at("controller"))?;
    Some(format!("{}/{}", owner.str_at("kind"), owner.str_at("name")))
}

pub(super) fn pod(w: &mut Writer, pod: &Value, now: i64) {
    let (spec, status) = (pod.at("spec"), pod.at("status"));
    head(w, pod);
    if let Some(priority) = spec.at("priority").as_int() {
        w.field("Priority", &priority.to_string());
    }
    for (title, path) in [
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ] {
        if !spec.str_at(path).is_empty() {
            w.field(title, spec.str_at(path));
        }
    }
    match spec.str_at("nodeName") {
        "" => w.field("Node", "<none>"),
        node => w.field("Node", &format!("{node}/{}", status.str_at("hostIP"))),
    }
    if !status.at("startTime").is_null() {
        w.field("Start Time", &date(status.str_at("startTime")));
    }
    labels_and_annotations(w, pod);
    let phase = status.str_at("phase");
    let deleted = pod.str_at("metadata.deletionTimestamp");
    if !deleted.is_empty() && !matches!(phase, "Failed" | "Succeeded") {
        let lasts = time::since(deleted, now);
        w.field("Status", &format!("Terminating (lasts {lasts})"));
        let grace = pod.int_at("metadata.deletionGracePeriodSeconds");
        w.field("Termination Grace Period", &format!("{grace}s"));
    } else {
        w.field("Status", phase);
    }
    for (title, path) in [("Reason", "reason"), ("Message", "message")] {
        if !status.str_at(path).is_empty() {
            w.field(title, status.str_at(path));
        }
    }
    if !spec.at("securityContext.seccompProfile").is_null() {
        w.field(
            "SeccompProfile",
            spec.str_at("securityContext.seccompProfile.type"),
        );
    }
    w.field("IP", status.str_at("podIP"));
    let addresses = status.list_at("podIPs");
    if addresses.is_empty() {
        w.field("IPs", "<none>");
    } else {
        w.put("IPs:\n");
        for address in addresses {
            w.put(&format!("  IP:\t{}\n", address.str_at("ip")));
        }
    }
    if let Some(controller) = controller(pod) {
        w.field("Controlled By", &controller);
    }
    if !status.str_at("nominatedNodeName").is_empty() {
        w.field("NominatedNodeName", status.str_at("nominatedNodeName"));
    }
    if !spec.list_at("initContainers").is_empty() {
        containers(
            w,
            "Init Containers",
            spec.list_at("initContainers"),
            status.list_at("initContainerStatuses"),
            Some(pod),
            "",
        );
    }
    containers(
        w,
        "Containers",
        spec.list_at("containers"),
        status.list_at("containerStatuses"),
        Some(pod),
        "",
    );
    if !spec.list_at("readinessGates").is_empty() {
        w.put("Readiness Gates:\n  Type\tStatus\n");
        for gate in spec.list_at("readinessGates") {
            let kind = gate.str_at("conditionType");
            let found = status
                .list_at("conditions")
                .iter()
                .find(|c| c.str_at("type") == kind);
            let text = found.map_or("<none>", |condition| condition.str_at("status"));
            w.put(&format!("  {kind} \t{text} \n"));
        }
    }
    if !status.list_at("conditions").is_empty() {
        w.put("Conditions:\n  Type\tStatus\n");
        for condition in status.list_at("conditions") {
            let (kind, state) = (condition.str_at("type"), condition.str_at("status"));
            w.put(&format!("  {kind} \t{state} \n"));
        }
    }
    volumes(w, spec, "");
    w.field("QoS Class", qos(pod));
    labels(w, "Node-Selectors", spec.entries_at("nodeSelector"));
    tolerations(w, "Tolerations", spec);
    spread(w, spec, "");
}

/// The template of a workload.
pub(super) fn template(w: &mut Writer, template: &Value) {
    let spec = template.at("spec");
    w.put("Pod Template:\n");
    labels(w, "  Labels", template.entries_at("metadata.labels"));
    if !template.entries_at("metadata.annotations").is_empty() {
        annotations(
            w,
            "",
            "  Annotations",
            template.entries_at("metadata.annotations"),
        );
    }
    if !spec.str_at("serviceAccountName").is_empty() {
        w.field("  Service Account", spec.str_at("serviceAccountName"));
    }
    if !spec.list_at("initContainers").is_empty() {
        containers(
            w,
            "Init Containers",
            spec.list_at("initContainers"),
            &[],
            None,
            "  ",
        );
    }
    containers(w, "Containers", spec.list_at("containers"), &[], None, "  ");
    volumes(w, spec, "  ");
    spread(w, spec, "  ");
    if !spec.str_at("priorityClassName").is_empty() {
        w.field("  Priority Class Name", spec.str_at("priorityClassName"));
    }
    labels_at(
        w,
        "",
        "  Node-Selectors",
        "\t",
        spec.entries_at("nodeSelector"),
    );
    tolerations(w, "  Tolerations", spec);
}

fn ports(container: &Value, number: &str) -> String {
    let texts: Vec<String> = container
        .list_at("ports")
        .iter()
        .map(|port| {
            let text = format!("{}/{}", port.int_at(number), port.str_at("protocol"));
            match port.str_at("name") {
                "" => text,
                name => format!("{text} ({name})"),
            }
        })
        .collect();
    texts.join(", ")
}

fn containers(
    w: &mut Writer,
    title: &str,
    list: &[Value],
    statuses: &[Value],
    pod: Option<&Value>,
    space: &str,
) {
    let none = if list.is_empty() { " <none>" } else { "" };
    w.put(&format!("{space}{title}:{none}\n"));
    let indent = if space.is_empty() { "" } else { " " };
    for container in list {
        let name = container.str_at("name");
        let status = statuses.iter().find(|status| status.str_at("name") == name);
        w.put(&format!("  {indent}{name}:\n"));
        if let Some(status) = status {
            w.put(&format!(
                "    Container ID:\t{}\n",
                status.str_at("containerID")
            ));
        }
        w.put(&format!("    Image:\t{}\n", container.str_at("image")));
        if let Some(status) = status {
            w.put(&format!("    Image ID:\t{}\n", status.str_at("imageID")));
        }
        for (one, several, field) in [
            ("Port", "Ports", "containerPort"),
            ("Host Port", "Host Ports", "hostPort"),
        ] {
            let text = ports(container, field);
            if text.contains(',') {
                w.put(&format!("    {several}:\t{text}\n"));
            } else {
                let text = if text.is_empty() { "<none>" } else { &text };
                w.put(&format!("    {one}:\t{text}\n"));
            }
        }
        for (title, field) in [("Command", "command"), ("Args", "args")] {
            let words = container.list_at(field);
            if !words.is_empty() {
                w.put(&format!("    {title}:\n"));
            }
            for line in words
                .iter()
                .filter_map(Value::as_str)
                .flat_map(|word| word.split('\n'))
            {
                w.put(&format!("      {line}\n"));
            }
        }
        if let Some(status) = status {
            state(w, "State", status.at("state"));
            if !status.at("lastState.terminated").is_null() {
                state(w, "Last State", status.at("lastState"));
            }
            let ready = if status.bool_at("ready") {
                "True"
            } else {
                "False"
            };
            w.put(&format!("    Ready:\t{ready}\n"));
            w.put(&format!(
                "    Restart Count:\t{}\n",
                status.int_at("restartCount")
            ));
        }
        for (title, field) in [("Limits", "limits"), ("Requests", "requests")] {
            let entries = container.at("resources").entries_at(field);
            if !entries.is_empty() {
                w.put(&format!("    {title}:\n"));
            }
            for (name, amount) in entries {
                let text = crate::kubectl::jsonpath::to_text(amount);
                w.put(&format!("      {name}:\t{text}\n"));
            }
        }
        for (title, field) in [
            ("Liveness", "livenessProbe"),
            ("Readiness", "readinessProbe"),
            ("Startup", "startupProbe"),
        ] {
            if !container.at(field).is_null() {
                w.put(&format!("    {title}:\t{}\n", probe(container.at(field))));
            }
        }
        environment(w, container, pod);
        mounts(w, container);
    }
}

fn state(w: &mut Writer, title: &str, state: &Value) {
    let (running, ended) = (state.at("running"), state.at("terminated"));
    if !running.is_null() {
        w.put(&format!("    {title}:\tRunning\n"));
        w.put(&format!(
            "      Started:\t{}\n",
            date(running.str_at("startedAt"))
        ));
    } else if !ended.is_null() && state.at("waiting").is_null() {
        w.put(&format!("    {title}:\tTerminated\n"));
        for (name, field) in [("Reason", "reason"), ("Message", "message")] {
            if !ended.str_at(field).is_empty() {
                w.put(&format!("      {name}:\t{}\n", ended.str_at(field)));
            }
        }
        w.put(&format!("      Exit Code:\t{}\n", ended.int_at("exitCode")));
        if ended.int_at("signal") > 0 {
            w.put(&format!("      Signal:\t{}\n", ended.int_at("signal")));
        }
        w.put(&format!(
            "      Started:\t{}\n",
            date(ended.str_at("startedAt"))
        ));
        w.put(&format!(
            "      Finished:\t{}\n",
            date(ended.str_at("finishedAt"))
        ));
    } else {
        w.put(&format!("    {title}:\tWaiting\n"));
        let reason = state.str_at("waiting.reason");
        if !reason.is_empty() {
            w.put(&format!("      Reason:\t{reason}\n"));
        }
    }
}

fn probe(probe: &Value) -> String {
    let rest = format!(
        "delay={}s timeout={}s period={}s successThreshold={} failureThreshold={}",
        probe.int_at("initialDelaySeconds"),
        probe.int_at("timeoutSeconds"),
        probe.int_at("periodSeconds"),
        probe.int_at("successThreshold"),
        probe.int_at("failureThreshold")
    );
    let port = |path: &str| crate::kubectl::jsonpath::to_text(probe.at(path));
    if !probe.at("exec").is_null() {
        let words: Vec<&str> = probe
            .list_at("exec.command")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        format!("exec [{}] {rest}", words.join(" "))
    } else if !probe.at("httpGet").is_null() {
        let get = probe.at("httpGet");
        let host = join_host_port(get.str_at("host"), &port("httpGet.port"));
        let scheme = get.str_at("scheme").to_lowercase();
        format!("http-get {scheme}://{host}{} {rest}", get.str_at("path"))
    } else if !probe.at("tcpSocket").is_null() {
        let host = probe.str_at("tcpSocket.host");
        format!("tcp-socket {host}:{} {rest}", port("tcpSocket.port"))
    } else if !probe.at("grpc").is_null() {
        let service = probe.str_at("grpc.service");
        format!("grpc <pod>:{} {service} {rest}", probe.int_at("grpc.port"))
    } else {
        format!("unknown {rest}")
    }
}

fn environment(w: &mut Writer, container: &Value, pod: Option<&Value>) {
    let sources = container.list_at("envFrom");
    if !sources.is_empty() {
        w.put("    Environment Variables from:\n");
    }
    for source in sources {
        let (kind, at) = if source.at("configMapRef").is_null() {
            ("Secret", source.at("secretRef"))
        } else {
            ("ConfigMap", source.at("configMapRef"))
        };
        let prefix = match source.str_at("prefix") {
            "" => String::new(),
            prefix => format!(" with prefix '{prefix}'"),
        };
        let optional = at.bool_at("optional");
        w.put(&format!(
            "      {}\t{kind}{prefix}\tOptional: {optional}\n",
            at.str_at("name")
        ));
    }
    let list = container.list_at("env");
    w.put(if list.is_empty() {
        "    Environment:\t<none>\n"
    } else {
        "    Environment:\n"
    });
    for env in list {
        let name = env.str_at("name");
        let from = env.at("valueFrom");
        if from.is_null() {
            for (at, line) in env.str_at("value").split('\n').enumerate() {
                let name = if at == 0 {
                    format!("{name}:")
                } else {
                    String::new()
                };
                w.put(&format!("      {name}\t{line}\n"));
            }
        } else if !from.at("fieldRef").is_null() {
            let path = from.str_at("fieldRef.fieldPath");
            let value = pod.map_or("", |pod| pod.str_at(path));
            let version = from.str_at("fieldRef.apiVersion");
            w.put(&format!("      {name}:\t{value} ({version}:{path})\n"));
        } else if !from.at("resourceFieldRef").is_null() {
            let resource = from.str_at("resourceFieldRef.resource");
            let text = crate::kubectl::jsonpath::to_text(container.at("resources").at(resource));
            w.put(&format!("      {name}:\t{text} ({resource})\n"));
        } else {
            let (key, words) = if from.at("secretKeyRef").is_null() {
                (from.at("configMapKeyRef"), "of config map")
            } else {
                (from.at("secretKeyRef"), "in secret")
            };
            w.put(&format!(
                "      {name}:\t<set to the key '{}' {words} '{}'>\tOptional: {}\n",
                key.str_at("key"),
                key.str_at("name"),
                key.bool_at("optional")
            ));
        }
    }
}

fn mounts(w: &mut Writer, container: &Value) {
    let mut mounts: Vec<&Value> = container.list_at("volumeMounts").iter().collect();
    mounts.sort_by_key(|mount| mount.str_at("mountPath"));
    w.put(if mounts.is_empty() {
        "    Mounts:\t<none>\n"
    } else {
        "    Mounts:\n"
    });
    for mount in mounts {
        let mut flags = if mount.bool_at("readOnly") {
            "ro"
        } else {
            "rw"
        }
        .to_owned();
        if !mount.str_at("subPath").is_empty() {
            flags.push_str(&format!(",path={}", quote(mount.str_at("subPath"))));
        }
        w.put(&format!(
            "      {} from {} ({flags})\n",
            mount.str_at("mountPath"),
            mount.str_at("name")
        ));
    }
}

/// Volumes of the kinds that people use in a lab; of another one its kind alone is told.
fn volumes(w: &mut Writer, spec: &Value, space: &str) {
    let list = spec.list_at("volumes");
    if list.is_empty() {
        w.put(&format!("{space}Volumes:\t<none>\n"));
        return;
    }
    w.put(&format!("{space}Volumes:\n"));
    let indent = if space.is_empty() { "" } else { " " };
    for volume in list {
        w.put(&format!("  {indent}{}:\n", volume.str_at("name")));
        let at = |kind: &str| Some(volume.at(kind)).filter(|value| !value.is_null());
        if let Some(path) = at("hostPath") {
            w.put("    Type:\tHostPath (bare host directory volume)\n");
            w.put(&format!("    Path:\t{}\n", path.str_at("path")));
            w.put(&format!("    HostPathType:\t{}\n", path.str_at("type")));
        } else if let Some(dir) = at("emptyDir") {
            w.put("    Type:\tEmptyDir (a temporary directory that shares a pod's lifetime)\n");
            w.put(&format!("    Medium:\t{}\n", dir.str_at("medium")));
            let limit = match dir.at("sizeLimit") {
                Value::Null => "<unset>".to_owned(),
                limit => crate::kubectl::jsonpath::to_text(limit),
            };
            w.put(&format!("    SizeLimit:\t{limit}\n"));
        } else if let Some(secret) = at("secret") {
            w.put("    Type:\tSecret (a volume populated by a Secret)\n");
            w.put(&format!(
                "    SecretName:\t{}\n",
                secret.str_at("secretName")
            ));
            w.put(&format!("    Optional:\t{}\n", secret.bool_at("optional")));
        } else if let Some(map) = at("configMap") {
            w.put("    Type:\tConfigMap (a volume populated by a ConfigMap)\n");
            w.put(&format!("    Name:\t{}\n", map.str_at("name")));
            w.put(&format!("    Optional:\t{}\n", map.bool_at("optional")));
        } else if let Some(claim) = at("persistentVolumeClaim") {
            w.put("    Type:\tPersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)\n");
            w.put(&format!("    ClaimName:\t{}\n", claim.str_at("claimName")));
            w.put(&format!("    ReadOnly:\t{}\n", claim.bool_at("readOnly")));
        } else if let Some(projected) = at("projected") {
            w.put("    Type:\tProjected (a volume that contains injected data from multiple sources)\n");
            for source in projected.list_at("sources") {
                if !source.at("secret").is_null() {
                    w.put(&format!(
                        "    SecretName:\t{}\n",
                        source.str_at("secret.name")
                    ));
                    w.put("    Optional:\tfalse\n");
                } else if !source.at("configMap").is_null() {
                    w.put(&format!(
                        "    ConfigMapName:\t{}\n",
                        source.str_at("configMap.name")
                    ));
                    let optional = source.bool_at("configMap.optional");
                    w.put(&format!("    Optional:\t{optional}\n"));
                } else if !source.at("downwardAPI").is_null() {
                    w.put("    DownwardAPI:\ttrue\n");
                } else if !source.at("serviceAccountToken").is_null() {
                    let seconds = source.int_at("serviceAccountToken.expirationSeconds");
                    w.put(&format!("    TokenExpirationSeconds:\t{seconds}\n"));
                }
            }
        } else {
            w.put("    <unknown>\n");
        }
    }
}

fn tolerations(w: &mut Writer, title: &str, spec: &Value) {
    let mut list: Vec<&Value> = spec.list_at("tolerations").iter().collect();
    list.sort_by_key(|toleration| toleration.str_at("key"));
    w.put(&format!("{title}:\t"));
    if list.is_empty() {
        w.put("<none>\n");
    }
    for (at, toleration) in list.into_iter().enumerate() {
        let mut text = toleration.str_at("key").to_owned();
        let (value, effect) = (toleration.str_at("value"), toleration.str_at("effect"));
        if !value.is_empty() {
            text.push_str(&format!("={value}"));
        }
        if !effect.is_empty() {
            text.push_str(&format!(":{effect}"));
        }
        if toleration.str_at("operator") == "Exists" && value.is_empty() {
            text.push_str(if text.is_empty() {
                "op=Exists"
            } else {
                " op=Exists"
            });
        }
        if let Some(seconds) = toleration.at("tolerationSeconds").as_int() {
            text.push_str(&format!(" for {seconds}s"));
        }
        let tab = if at == 0 { "" } else { "\t" };
        w.put(&format!("{tab}{text}\n"));
    }
}

fn spread(w: &mut Writer, spec: &Value, space: &str) {
    let mut list: Vec<&Value> = spec.list_at("topologySpreadConstraints").iter().collect();
    if list.is_empty() {
        return;
    }
    list.sort_by_key(|constraint| constraint.str_at("topologyKey"));
    w.put(&format!("{space}Topology Spread Constraints:\t"));
    for (at, constraint) in list.into_iter().enumerate() {
        if at > 0 {
            w.put(&format!("{space}\t"));
        }
        w.put(&format!(
            "{}:{} when max skew {} is exceeded",
            constraint.str_at("topologyKey"),
            constraint.str_at("whenUnsatisfiable"),
            constraint.int_at("maxSkew")
        ));
        if !constraint.at("labelSelector").is_null() {
            let text = table::selector(constraint.at("labelSelector"));
            w.put(&format!(" for selector {text}"));
        }
        w.put("\n");
    }
}

/// Source: kubectl `pkg/util/qos/qos.go`. Only cpu and memory count.
fn qos(pod: &Value) -> &str {
    if !pod.str_at("status.qosClass").is_empty() {
        return pod.str_at("status.qosClass");
    }
    let all = pod
        .list_at("spec.initContainers")
        .iter()
        .chain(pod.list_at("spec.containers"));
    let (mut any, mut guaranteed) = (false, true);
    for container in all {
        for name in ["cpu", "memory"] {
            let limit = container.at("resources.limits").get(name);
            let request = container.at("resources.requests").get(name);
            any |= !limit.is_null() || !request.is_null();
            guaranteed &= !limit.is_null() && (request.is_null() || request == limit);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
