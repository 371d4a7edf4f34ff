//! What may stand next on a line: commands, resources, names, flags, Namespaces.
//!
//! Only what the lab knows is offered, so what is chosen works. Left out: field paths of jsonpath,
//! values of labels.

use serde::Serialize;

use super::place::Place;
use super::{VERBS, filters, tools};
use crate::api::{Kind, ObjectRef};
use crate::kubectl::Kubectl;
use crate::kubectl::resource::{self, RESOURCES};
use crate::lab::Lab;
use crate::limits::MAX_COMPLETIONS;

/// One way to go on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Completion {
    /// Where the word begins that it takes the place of, in bytes of the line.
    pub start: usize,
    /// The whole word.
    pub text: String,
    /// What it is, in a word: `Pod`, `flag`.
    pub hint: String,
    /// Whether the word goes on (`svc/`): then no blank follows.
    pub is_open: bool,
}

/// What kubectl's commands have behind them.
const OF_OBJECTS: [&str; 12] = [
    "annotate",
    "delete",
    "describe",
    "expose",
    "get",
    "label",
    "patch",
    "rollout restart",
    "rollout status",
    "scale",
    "set image",
    "set selector",
];
const OF_PODS: [&str; 3] = ["exec", "logs", "port-forward"];
const OF_NODES: [&str; 3] = ["cordon", "drain", "uncordon"];
/// The flags whose next word is their value.
const WITH_VALUE: [&str; 12] = [
    "-n",
    "--namespace",
    "-o",
    "--output",
    "-l",
    "--selector",
    "-f",
    "--filename",
    "-c",
    "--container",
    "--image",
    "--type",
];
/// Tools whose words are names of hosts.
const OF_HOSTS: [&str; 7] = ["curl", "dig", "getent", "host", "nc", "nslookup", "ping"];

struct Completer<'a> {
    lab: &'a Lab,
    /// The word at the cursor as far as it is there, and where it begins.
    word: &'a str,
    start: usize,
    found: Vec<Completion>,
}

/// The ways to go on at a cursor, in bytes, of a line; sorted, each once.
#[must_use]
pub fn complete(lab: &Lab, line: &str, cursor: usize) -> Vec<Completion> {
    let mut cursor = cursor.min(line.len());
    while !line.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let before = &line[..cursor];
    // The command at the cursor begins behind the last pipe or list operator.
    let begin = before.rfind(['|', ';', '&', '\n']).map_or(0, |at| at + 1);
    let start = before
        .rfind(char::is_whitespace)
        .map_or(0, |at| {
            at + before[at..].chars().next().map_or(1, char::len_utf8)
        })
        .max(begin);
    let words: Vec<&str> = before[begin..start].split_whitespace().collect();
    let mut completer = Completer {
        lab,
        word: &before[start..],
        start,
        found: Vec::new(),
    };
    completer.command(&words);
    let mut found = completer.found;
    found.sort();
    found.dedup_by(|a, b| a.text == b.text);
    found.truncate(MAX_COMPLETIONS);
    found
}

impl Completer<'_> {
    fn add(&mut self, text: &str, hint: &str) {
        if text.starts_with(self.word) && (text != self.word || hint == "flag") {
            self.found.push(Completion {
                start: self.start,
                text: text.to_owned(),
                hint: hint.to_owned(),
                is_open: text.ends_with('/'),
            });
        }
    }

    fn command(&mut self, words: &[&str]) {
        match words {
            [] => {
                let is_pod = matches!(self.lab.console_place(), Place::Pod { .. });
                for name in ["kubectl", "lab", "from", "exit"] {
                    if name != "kubectl" || !is_pod {
                        self.add(name, "command");
                    }
                }
                for name in tools::NAMES {
                    self.add(name, "tool");
                }
                for name in filters::NAMES {
                    self.add(name, "filter");
                }
            }
            ["kubectl" | "k", rest @ ..] => self.kubectl(rest),
            ["lab", rest @ ..] => self.verb(rest),
            ["from"] => self.clients(),
            ["watch", rest @ ..] => self.command(rest),
            ["wget", ..] => self.hosts("http://"),
            [name, ..] if OF_HOSTS.contains(name) => self.hosts(""),
            ["cat", ..] => {
                for file in ["/etc/resolv.conf", "/etc/hosts", "/etc/hostname"] {
                    self.add(file, "file");
                }
            }
            _ => {}
        }
    }

    fn kubectl(&mut self, words: &[&str]) {
        // Behind `--` a command of its own begins.
        if let Some(dash) = words.iter().position(|word| *word == "--") {
            return self.command(&words[dash + 1..]);
        }
        match words.last() {
            Some(&("-n" | "--namespace")) => return self.names(Kind::Namespace, ""),
            Some(&("-o" | "--output")) => {
                for format in [
                    "wide",
                    "yaml",
                    "json",
                    "name",
                    "jsonpath=",
                    "custom-columns=",
                ] {
                    self.add(format, "format");
                }
                return;
            }
            Some(&"--type") => {
                for name in ["ClusterIP", "NodePort", "LoadBalancer"] {
                    self.add(name, "type");
                }
                return;
            }
            Some(&("-f" | "--filename")) => return self.add("-", "the editor's text"),
            _ => {}
        }
        let mut plain: Vec<&str> = Vec::new();
        let mut namespace = self.lab.namespace().to_owned();
        let mut at = 0;
        while let Some(word) = words.get(at) {
            if !word.starts_with('-') {
                plain.push(word);
            } else if WITH_VALUE.contains(word) {
                at += 1;
                if matches!(*word, "-n" | "--namespace") {
                    namespace = words.get(at).map_or(namespace, |own| (*own).to_owned());
                }
            }
            at += 1;
        }
        let commands = Kubectl::commands();
        let depth = (0..=plain.len())
            .rev()
            .find(|depth| {
                let path = plain[..*depth].join(" ");
                path.is_empty()
                    || commands
                        .iter()
                        .any(|own| *own == path || own.starts_with(&format!("{path} ")))
            })
            .unwrap_or(0);
        let (path, args) = plain.split_at(depth);
        let path = path.join(" ");
        if self.word.starts_with('-') {
            for (name, letter) in Kubectl::flags(&path) {
                self.add(&format!("--{name}"), "flag");
                if letter != '\0' {
                    self.add(&format!("-{letter}"), "flag");
                }
            }
            return;
        }
        if args.is_empty() {
            let prefix = if path.is_empty() {
                String::new()
            } else {
                format!("{path} ")
            };
            for own in &commands {
                if let Some(next) = own
                    .strip_prefix(&prefix)
                    .and_then(|rest| rest.split(' ').next())
                {
                    self.add(next, "command");
                }
            }
        }
        if OF_NODES.contains(&path.as_str()) {
            self.names(Kind::Node, "");
        } else if OF_PODS.contains(&path.as_str()) && args.is_empty() {
            self.names(Kind::Pod, &namespace);
            for (kind, word) in [(Kind::Service, "svc"), (Kind::Deployment, "deploy")] {
                self.named(kind, word, &namespace);
            }
        } else if OF_OBJECTS.contains(&path.as_str()) {
            self.objects(args, &namespace);
        }
    }

    /// A resource, then names; or both with a slash.
    fn objects(&mut self, args: &[&str], namespace: &str) {
        let kind_of = |word: &str| {
            let resource = resource::find(word)?;
            Kind::ALL
                .into_iter()
                .find(|kind| kind.as_str() == resource.kind)
        };
        if let [first, ..] = args {
            if let Some(kind) = kind_of(first) {
                self.names(kind, namespace);
            }
            return;
        }
        if let Some((word, _)) = self.word.split_once('/') {
            let word = word.to_owned();
            if let Some(kind) = kind_of(&word) {
                self.named(kind, &word, namespace);
            }
            return;
        }
        for resource in &RESOURCES {
            self.add(resource.plural, "resource");
            for short in resource.short {
                self.add(short, resource.plural);
            }
        }
        self.add("all", "resources");
    }

    fn names(&mut self, kind: Kind, namespace: &str) {
        for name in self.of(kind, namespace) {
            self.add(&name, kind.as_str());
        }
    }

    fn named(&mut self, kind: Kind, word: &str, namespace: &str) {
        for name in self.of(kind, namespace) {
            self.add(&format!("{word}/{name}"), kind.as_str());
        }
    }

    fn of(&self, kind: Kind, namespace: &str) -> Vec<String> {
        let all = self.lab.cluster().store().names(kind);
        let own = all.filter(|name| !kind.is_namespaced() || name.namespace == namespace);
        own.take(MAX_COMPLETIONS)
            .map(|name| name.name.clone())
            .collect()
    }

    fn verb(&mut self, words: &[&str]) {
        let pods = |completer: &mut Self| {
            let store = completer.lab.cluster().store();
            let all: Vec<ObjectRef> = store
                .names(Kind::Pod)
                .take(MAX_COMPLETIONS)
                .cloned()
                .collect();
            for pod in all {
                if pod.namespace == completer.lab.namespace() {
                    completer.add(&pod.name, "Pod");
                } else {
                    completer.add(&format!("{}/{}", pod.namespace, pod.name), "Pod");
                }
            }
        };
        let choices: &[&str] = match words {
            [] => {
                for (verb, _, what) in VERBS {
                    self.add(verb, what);
                }
                return;
            }
            ["send"] => return self.clients(),
            ["send", _] => {
                for choice in self.lab.targets() {
                    self.add(&choice.id, &choice.label);
                }
                return;
            }
            ["send", ..] => &["--udp", "--ping", "--keep-alive", "--count"],
            ["ready" | "listen"] => return pods(self),
            ["ready", _] => &["on", "off", "auto"],
            ["listen", _] => &["all", "loopback", "none"],
            ["power" | "rules"] => return self.names(Kind::Node, ""),
            ["power", _] => &["on", "off"],
            ["provider"] => &["none", "metallb", "aws", "gcp", "azure", "kind"],
            ["proxy", .., "--mode"] => &["iptables", "ipvs", "nftables"],
            ["proxy", .., "--scheduler"] => &["rr", "wrr", "lc", "wlc", "sh", "mh", "sed", "nq"],
            ["proxy", ..] => &[
                "--mode",
                "--scheduler",
                "--masquerade-all",
                "--strict-arp",
                "--no-localhost-node-ports",
                "--node-port-addresses",
            ],
            ["rules", _] => &["--restore"],
            _ => &[],
        };
        for choice in choices {
            self.add(choice, "");
        }
    }

    fn clients(&mut self) {
        for choice in self.lab.clients() {
            self.add(&choice.id, &choice.group);
        }
        self.add("laptop", "Outside");
    }

    /// The names of Services, with ports, and of Nodes.
    fn hosts(&mut self, scheme: &str) {
        let word = self.word;
        let scheme = if word.starts_with("http://") {
            "http://"
        } else {
            scheme
        };
        let services: Vec<(String, String, i32)> = (self.lab.cluster().store().services())
            .take(MAX_COMPLETIONS)
            .map(|service| {
                let metadata = &service.metadata;
                let port = service.spec.ports.first().map_or(0, |port| port.port);
                (metadata.name.clone(), metadata.namespace.clone(), port)
            })
            .collect();
        let own = match self.lab.console_place() {
            Place::Pod { namespace, .. } => namespace.clone(),
            _ => self.lab.namespace().to_owned(),
        };
        for (name, namespace, port) in services {
            let name = if namespace == own {
                name
            } else {
                format!("{name}.{namespace}")
            };
            let port = match scheme {
                "" => String::new(),
                _ if port == 0 || port == 80 => String::new(),
                _ => format!(":{port}"),
            };
            self.add(&format!("{scheme}{name}{port}"), "Service");
        }
        for node in self.of(Kind::Node, "") {
            self.add(&format!("{scheme}{node}"), "Node");
        }
    }
}
