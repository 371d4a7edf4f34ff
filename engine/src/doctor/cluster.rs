//! What the cluster's own settings say: kube-proxy's and the kubelet's ConfigMaps, as kubeadm makes
//! them, MetalLB's pools; and processes that listen on 127.0.0.1.

use std::net::IpAddr;

use ipnet::IpNet;

use super::exam::{self, Exam};
use super::finding::Evidence;
use crate::api::{Kind, ObjectRef};
use crate::cluster::Listening;
use crate::controllers::nodes;
use crate::diagnostic::Severity;
use crate::yaml::{self, Node};

pub(super) fn examine(exam: &mut Exam<'_>) {
    config_maps(exam);
    loopback_by_hand(exam);
    loopback_by_argument(exam);
    metallb(exam);
}

/// `KubeProxyConfiguration` and `KubeletConfiguration`.
fn config_maps(exam: &mut Exam<'_>) {
    let value = |map: &str, file: &str, field: &str| {
        let map = exam.store.config_map("kube-system", map)?;
        let config = yaml::read(map.data.get(file)?);
        Some(config.documents.first()?.get(field)?.as_str()?.to_owned())
    };
    let mode = value("kube-proxy", "config.conf", "mode");
    let hairpin = value("kubelet-config", "kubelet", "hairpinMode");
    let by_map = || {
        let object = ObjectRef::new(Kind::ConfigMap, "kube-system", "kube-proxy");
        (object, "data[config.conf]".to_owned())
    };
    let is_ipvs = mode.as_deref() == Some("ipvs");
    if let Some((object, field)) = is_ipvs.then(by_map).or_else(|| ipvs_by_flag(exam)) {
        let message = "kube-proxy's IPVS mode is deprecated";
        let why = "Deprecated since v1.35 (KEP-5495), with a warning at start. nftables mode is its \
                   successor, and was stable with v1.33.";
        exam.find(
            "ipvs-deprecated",
            Severity::Warning,
            &object,
            field,
            message,
            why,
        );
    }
    bridges(exam);
    if hairpin.as_deref() == Some("none") {
        let object = ObjectRef::new(Kind::ConfigMap, "kube-system", "kubelet-config");
        let message = "a Pod cannot reach itself through its own Service: hairpinMode is none";
        exam.find(
            "hairpin-off",
            Severity::Warning,
            &object,
            "data[kubelet]",
            message,
            HAIRPIN_WHY,
        );
    }
}

/// kube-proxy's own flag.
fn ipvs_by_flag(exam: &Exam<'_>) -> Option<(ObjectRef, String)> {
    let is_proxy = |own: &&exam::Template<'_>| {
        own.object.namespace == "kube-system" && own.object.name.starts_with("kube-proxy")
    };
    let template = exam.templates.iter().find(is_proxy)?;
    let containers = exam.written_containers(template).iter().enumerate();
    containers.into_iter().find_map(|(at, container)| {
        ["command", "args"].iter().find_map(|list| {
            let words = container.get(list)?.as_list()?;
            let says = |word: &Node| word.as_str() == Some("--proxy-mode=ipvs");
            let index = words.iter().position(says)?;
            let field = format!("{}.containers[{at}].{list}[{index}]", template.prefix());
            Some((template.object.clone(), field))
        })
    })
}

/// The settings of CNI's bridge plugin, and of flannel, which hands them on to it: without
/// hairpinMode the bridge does not send a packet back to the Pod that it came from.
///
/// Source: containernetworking/plugins `plugins/main/bridge` (hairpinMode is off if nothing is
/// written), flannel's `kube-flannel.yml`.
fn bridges(exam: &mut Exam<'_>) {
    let mut found = Vec::new();
    for map in exam.store.config_maps() {
        let files = map.data.iter();
        for (file, text) in files.filter(|(file, _)| file.contains("cni") || file.contains(".conf"))
        {
            if !text.contains("\"plugins\"") && !text.contains("\"bridge\"") {
                continue;
            }
            let read = yaml::read(text);
            let Some(config) = read.documents.first() else {
                continue;
            };
            let plugins = config.get("plugins").and_then(Node::as_list);
            for plugin in plugins.unwrap_or(std::slice::from_ref(config)) {
                let kind = plugin.get("type").and_then(Node::as_str);
                let of = match kind {
                    Some("bridge") => Some(plugin),
                    Some("flannel") => plugin.get("delegate"),
                    _ => continue,
                };
                let mode = of.and_then(|of| of.get("hairpinMode"));
                let is_on = mode.is_some_and(|mode| mode.value == yaml::Value::Bool(true));
                let is_promiscuous = of
                    .and_then(|of| of.get("promiscMode"))
                    .is_some_and(|mode| mode.value == yaml::Value::Bool(true));
                if !is_on && !is_promiscuous {
                    let metadata = &map.metadata;
                    let object =
                        ObjectRef::new(Kind::ConfigMap, &*metadata.namespace, &*metadata.name);
                    found.push((object, format!("data[{file}]")));
                }
            }
        }
    }
    for (object, field) in found {
        let message =
            "a Pod cannot reach itself through its own Service: the bridge has no hairpinMode";
        exam.find(
            "hairpin-off",
            Severity::Warning,
            &object,
            field,
            message,
            HAIRPIN_WHY,
        );
    }
}

const HAIRPIN_WHY: &str = "The bridge does not send a packet back to the port it came from. When the draw \
     falls on the caller itself, the connection times out.";

const LOOPBACK_WHY: &str = "127.0.0.1 is the Pod's own loopback. Packets of others come to the Pod's \
     address, where nobody listens: they are refused. `kubectl port-forward` works all the same, \
     because it enters by the loopback. Listen on 0.0.0.0 or [::].";

/// Pods that a person set to listen on 127.0.0.1, or nowhere.
fn loopback_by_hand(exam: &mut Exam<'_>) {
    let store = exam.store;
    for pod in store.pods() {
        let object = exam::pod_reference(pod);
        let listening = exam.lab.cluster().listening(&object);
        let message = match listening {
            Listening::Everywhere => continue,
            Listening::LocalhostOnly => "its processes listen on 127.0.0.1 only",
            Listening::Nowhere => "none of its processes listens",
        };
        let why = if listening == Listening::Nowhere {
            "The Pod is ready and gets connections, and refuses every one."
        } else {
            LOOPBACK_WHY
        };
        let found = exam.find(
            "listens-on-loopback",
            Severity::Error,
            &object,
            "spec.containers",
            message,
            why,
        );
        found.fix = Some(super::Fix::Command(format!(
            "lab listen pod/{}/{} all",
            object.namespace, object.name
        )));
    }
}

/// Containers that are told by an argument or a variable to listen on 127.0.0.1 at a port that they
/// declare, and that nobody else in the Pod declares.
///
/// The engine runs no processes, so it goes by what flags are usually called.
fn loopback_by_argument(exam: &mut Exam<'_>) {
    let mut found = Vec::new();
    for template in exam
        .templates
        .iter()
        .filter(|template| template.is_selected)
    {
        let prefix = template.prefix();
        let containers = exam.written_containers(template);
        for (at, container) in containers.iter().enumerate() {
            // A sidecar that guards the way in declares the same port, or this one declares none.
            let own = ports(container);
            let others: Vec<i64> = (containers.iter().enumerate())
                .filter(|(other, _)| *other != at)
                .flat_map(|(_, other)| ports(other))
                .collect();
            // The only container of a Pod that declares nothing is who is meant.
            let is_alone = containers.len() == 1 && own.is_empty();
            let is_own = |port: i64| is_alone || (own.contains(&port) && !others.contains(&port));
            if !is_alone && !own.iter().any(|port| is_own(*port)) {
                continue;
            }
            let field = format!("{prefix}.containers[{at}]");
            found
                .extend(told_by(container, &is_own).map(|(step, said)| {
                    (template.object.clone(), format!("{field}.{step}"), said)
                }));
        }
    }
    for (object, field, said) in found {
        let message = format!("it is told to listen on 127.0.0.1 only: {said}");
        let found = exam.find(
            "listens-on-loopback",
            Severity::Error,
            &object,
            field,
            message,
            LOOPBACK_WHY,
        );
        found.evidence = Some(Evidence::text(format!(
            "The setting {said}, at a declared port."
        )));
    }
}

fn ports(container: &Node) -> Vec<i64> {
    let ports = container
        .get("ports")
        .and_then(Node::as_list)
        .unwrap_or_default();
    let number = |port: &Node| match &port.get("containerPort")?.value {
        yaml::Value::Number(number) => number.as_i64(),
        _ => None,
    };
    ports.iter().filter_map(number).collect()
}

/// The first setting of a container that says so, and where it stands.
fn told_by(container: &Node, is_own: &dyn Fn(i64) -> bool) -> Option<(String, String)> {
    for list in ["command", "args"] {
        let words = container
            .get(list)
            .and_then(Node::as_list)
            .unwrap_or_default();
        for (index, word) in words.iter().enumerate() {
            let word = word.as_str().unwrap_or_default();
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) => (flag, value),
                None if index > 0 => (words[index - 1].as_str().unwrap_or_default(), word),
                None => continue,
            };
            let name = flag.trim_start_matches('-').to_ascii_lowercase();
            let is_said = says_where_to_listen(&name, loopback(value, is_own));
            if flag.starts_with('-') && is_said {
                let said = match word.contains('=') {
                    true => word.to_owned(),
                    false => format!("{flag} {word}"),
                };
                return Some((format!("{list}[{index}]"), said));
            }
        }
    }
    let env = container
        .get("env")
        .and_then(Node::as_list)
        .unwrap_or_default();
    for (index, variable) in env.iter().enumerate() {
        let text = |field| {
            variable
                .get(field)
                .and_then(Node::as_str)
                .unwrap_or_default()
        };
        let name = text("name");
        let listens = matches!(name, "HOST" | "BIND" | "SERVER_ADDRESS")
            || name.contains("LISTEN")
            || name.contains("BIND_");
        if listens && loopback(text("value"), is_own).is_some() {
            let said = format!("{name}={}", text("value"));
            return Some((format!("env[{index}].value"), said));
        }
    }
    None
}

/// Whether a flag of this name says where to listen. With a port that is declared the name may be
/// looser than without one.
fn says_where_to_listen(name: &str, loopback: Option<HasPort>) -> bool {
    let Some(HasPort(has_port)) = loopback else {
        return false;
    };
    let is_other = [
        "upstream",
        "backend",
        "target",
        "proxy",
        "connect",
        "advertise",
    ]
    .iter()
    .any(|word| name.contains(word));
    let is_loose = ["addr", "host"].iter().any(|word| name.contains(word));
    let is_strict = matches!(name, "b" | "host" | "address" | "addr")
        || name.contains("listen")
        || name.contains("bind");
    !is_other && (is_strict || (has_port && is_loose))
}

/// Whether a loopback address was given with a port.
struct HasPort(bool);

/// `127.0.0.1`, `localhost:8080`, `http://[::1]:80`: a loopback, at one of these ports if at any.
fn loopback(value: &str, is_own: &dyn Fn(i64) -> bool) -> Option<HasPort> {
    let value = value.split_once("://").map_or(value, |(_, rest)| rest);
    let rest = ["127.0.0.1", "localhost", "[::1]", "::1"]
        .iter()
        .find_map(|name| value.strip_prefix(name))?;
    if rest.is_empty() {
        return Some(HasPort(false));
    }
    let port = rest.strip_prefix(':')?.parse::<i64>().ok()?;
    is_own(port).then_some(HasPort(true))
}

/// MetalLB: pools that nobody announces, and pools that hold the Nodes' own addresses.
fn metallb(exam: &mut Exam<'_>) {
    let is_kind = |node: &Node, kind: &str| {
        node.get("kind").and_then(Node::as_str) == Some(kind)
            && (node.get("apiVersion").and_then(Node::as_str))
                .is_some_and(|version| version.starts_with("metallb.io/"))
    };
    let others = exam.lab.others();
    let announced = ["L2Advertisement", "BGPAdvertisement"]
        .iter()
        .any(|kind| others.iter().any(|other| is_kind(other, kind)));
    for pool in others
        .iter()
        .filter(|other| is_kind(other, "IPAddressPool"))
    {
        if !announced {
            let message =
                "no advertisement: MetalLB gives out the addresses, and nobody announces them";
            let why = "A Service gets its EXTERNAL-IP, and no Node answers ARP for it: connections time \
                       out. MetalLB needs an L2Advertisement or a BGPAdvertisement.";
            unmodelled(
                exam,
                pool,
                ("metallb-not-announced", Severity::Warning),
                "metadata.name",
                message,
                why,
            );
        }
        let addresses = pool.get("spec").and_then(|spec| spec.get("addresses"));
        let ranges = addresses.and_then(Node::as_list).unwrap_or_default();
        let known: Vec<IpAddr> = if exam.has_own_nodes() {
            exam.store.nodes().filter_map(nodes::internal_ip).collect()
        } else {
            Vec::new()
        };
        for (index, range) in ranges.iter().enumerate() {
            let text = range.as_str().unwrap_or_default();
            let Some(node) = known.iter().find(|node| holds(text, **node)) else {
                continue;
            };
            let message = format!("the pool holds {node}, which is a Node's own address");
            let why = "MetalLB would give the Node's address to a Service: the address answers already, \
                       and not for the Service.";
            let field = format!("spec.addresses[{index}]");
            unmodelled(
                exam,
                pool,
                ("metallb-pool-holds-node", Severity::Error),
                &field,
                &message,
                why,
            );
        }
    }
}

/// A finding about an object of a kind that is not modelled.
fn unmodelled(
    exam: &mut Exam<'_>,
    tree: &Node,
    (id, severity): (&'static str, Severity),
    field: &str,
    message: &str,
    why: &str,
) {
    let text = |path: &[&str]| {
        let found = path.iter().try_fold(tree, |node, step| node.get(step));
        found.and_then(Node::as_str).unwrap_or_default().to_owned()
    };
    let kind = text(&["kind"]);
    let name = text(&["metadata", "name"]);
    let namespace = text(&["metadata", "namespace"]);
    let namespace = if namespace.is_empty() {
        "default"
    } else {
        &namespace
    };
    let node = super::edit::steps(field)
        .into_iter()
        .try_fold(tree, |node, step| match node.as_list() {
            Some(items) => items.get(step.parse::<usize>().ok()?),
            None => node.get(step),
        });
    exam.findings.push(super::Finding {
        id,
        severity,
        object: format!("{kind} {namespace}/{name}"),
        reference: None,
        field: crate::api::FieldPath::new(field),
        span: Some(node.unwrap_or(tree).span),
        message: message.to_owned(),
        why: why.to_owned(),
        evidence: None,
        fix: None,
        see: super::catalogue::see(id),
    });
}

/// Whether `10.0.0.0/24` or `10.0.0.10-10.0.0.20` holds an address.
fn holds(range: &str, address: IpAddr) -> bool {
    if let Ok(net) = range.parse::<IpNet>() {
        return net.contains(&address);
    }
    let ends = range.split_once('-').and_then(|(from, to)| {
        Some((
            from.trim().parse::<IpAddr>().ok()?,
            to.trim().parse::<IpAddr>().ok()?,
        ))
    });
    ends.is_some_and(|(from, to)| {
        from.is_ipv4() == address.is_ipv4() && from <= address && address <= to
    })
}
