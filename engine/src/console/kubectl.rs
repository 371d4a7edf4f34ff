//! kubectl in the lab: over the lab's own cluster, and with Pods in which something can run.
//!
//! What kubectl leaves to who has a running cluster ([`Then`]) is done here: a command in a
//! container, and the Pod of `kubectl run` before it, for which time passes until it runs.
//!
//! Source: kubectl `pkg/cmd/run/run.go`, `pkg/cmd/exec/exec.go`, `pkg/cmd/attach/attach.go` for what
//! is printed around a command. `kubectl delete` waits as the real one does: time passes until the
//! objects are gone, unless the line says `--wait=false`.

use std::mem::take;

use super::live::is_waiting;
use super::output::Printed;
use super::place::Place;
use super::server::Server;
use super::shell::{Shell, is_manifest};
use crate::api::{Kind, ObjectRef};
use crate::cluster::Command;
use crate::kubectl::Then;
use crate::kubectl::resource::Resource;
use crate::net::Protocol;
use crate::network::{Request, VerdictKind};

/// How long `kubectl run` waits for its Pod, in milliseconds: `--pod-running-timeout`.
const RUNNING_TIMEOUT_MS: u64 = 60_000;

/// How long `kubectl rollout status` waits before another command, in milliseconds.
const ROLLOUT_TIMEOUT_MS: u64 = 600_000;

/// How long `kubectl delete` waits for what never goes, in milliseconds; the real one waits for a
/// week, until somebody interrupts it.
const DELETE_TIMEOUT_MS: u64 = 600_000;

/// The longest that any `--timeout` waits, in milliseconds.
const LONGEST_WAIT_MS: u64 = 3_600_000;

/// The shells that a person types lines in.
const SHELLS: [&str; 6] = ["sh", "bash", "ash", "/bin/sh", "/bin/bash", "/bin/ash"];

impl Shell<'_> {
    /// Runs kubectl with the words behind it.
    pub(super) fn kubectl(&mut self, words: &[String], stdin: Option<&str>) -> Printed {
        if let Some(printed) = self.debug(words, stdin) {
            return printed;
        }
        let text = match stdin {
            Some(text) => text.to_owned(),
            None => self.lab.manifests().to_owned(),
        };
        let mut kubectl = take(&mut self.session().kubectl);
        let (namespace, known) = (kubectl.namespace.clone(), kubectl.files.len());
        let mut notes = String::new();
        for file in named_files(words) {
            if is_manifest(file) && !kubectl.files.iter().any(|(own, _)| own == file) {
                notes.push_str(&format!(
                    "# There are no files in the lab: {file} is the editor's text.\n"
                ));
                let text = self.lab.manifests().to_owned();
                kubectl.files.push((file.to_owned(), text));
            }
        }
        let (output, has_changed) = self.lab.change_cluster(|cluster| {
            let mut server = Server::new(cluster);
            let output = kubectl.run(&mut server, words, &text);
            let has_changed = server.has_changed();
            (output, has_changed)
        });
        kubectl.files.truncate(known);
        let is_elsewhere = kubectl.namespace != namespace;
        self.session().kubectl = kubectl;
        if has_changed || is_elsewhere {
            self.keep();
        }
        let mut printed = Printed::default();
        printed.err(notes);
        printed.out(output.stdout);
        printed.err(output.stderr);
        printed.code = output.exit_code;
        if words.first().is_some_and(|word| word == "run") && printed.code != 0 {
            self.note_existing(words, &mut printed);
        }
        if printed.code == 0 {
            self.goes_on(words, &mut printed);
        }
        match output.then {
            None => {}
            Some(then) if printed.code == 0 => printed.then(self.then(then, stdin)),
            Some(_) => {}
        }
        printed
    }

    /// Where `kubectl run` finds a Pod of its name, the same command runs in that one.
    fn note_existing(&self, words: &[String], printed: &mut Printed) {
        let dash = words.iter().position(|word| word == "--");
        let exists = (printed.chunks.iter()).any(|chunk| chunk.text.contains("(AlreadyExists)"));
        if let (true, Some(dash), Some(name)) = (exists, dash, words.get(1)) {
            let command = words[dash + 1..].join(" ");
            printed.err(format!("# It is there: kubectl exec {name} -- {command}\n"));
        }
    }

    fn then(&mut self, then: Then, stdin: Option<&str>) -> Printed {
        match then {
            Then::Exec {
                namespace,
                pod,
                container,
                command,
                is_new,
                remove,
                input,
            } => {
                let target = ObjectRef::new(Kind::Pod, &*namespace, &*pod);
                let place = Place::Pod {
                    namespace,
                    name: pod,
                    container,
                };
                if is_new {
                    self.attach(&target, place, &command, remove, input, stdin)
                } else {
                    self.exec(&target, place, &command, stdin)
                }
            }
            Then::Logs {
                namespace,
                targets,
                tail,
                prefix,
                follow,
            } => {
                let pods = targets.into_iter();
                let pods = pods.map(|(pod, container)| (format!("{namespace}/{pod}"), container));
                let pods = pods.collect();
                if follow {
                    self.go_on();
                }
                self.lab.live().logs(pods, tail, prefix, follow)
            }
            Then::Gone { objects, timeout } => self.wait_until_gone(&objects, timeout),
            Then::PortForward {
                namespace,
                pod,
                ports,
            } => self.forward(&namespace, &pod, &ports),
        }
    }

    /// `kubectl port-forward`: from the laptop by the API server and the kubelet into the Pod, to
    /// its own 127.0.0.1. The last part of that way is walked, so that it can be looked at.
    fn forward(&mut self, namespace: &str, pod: &str, ports: &[(u16, u16)]) -> Printed {
        let place = Place::Pod {
            namespace: namespace.to_owned(),
            name: pod.to_owned(),
            container: String::new(),
        };
        let mut printed = Printed::default();
        for (local, port) in ports {
            let request = Request {
                from: place.client(),
                to: format!("tcp://127.0.0.1:{port}"),
                protocol: Protocol::Tcp,
            };
            let journey = self.send(&request, false);
            let node = self.lab.world().store.pod(namespace, pod);
            let node = node.map_or("its Node", |pod| pod.spec.node_name.as_str());
            printed.err(format!(
                "# 127.0.0.1:{local} leads by the API server and the kubelet of {node} into the Pod, \
                 to its own 127.0.0.1:{port}: past every Service and every rule of kube-proxy.\n"
            ));
            if journey.is_ok_and(|journey| journey.verdict.kind != VerdictKind::Answered) {
                printed.err(format!(
                    "# Nobody listens there: {pod} refuses port {port}.\n"
                ));
            }
        }
        self.lab.live().forward(&place, ports);
        self.go_on();
        printed
    }

    /// The rows of `kubectl get -w`, and which version of which object each shows.
    pub(super) fn rows(&mut self, words: &[String]) -> (Vec<String>, Vec<String>) {
        let with = |more: &[&str], without: &[&str]| {
            let own = words
                .iter()
                .filter(|word| !without.contains(&word.as_str()));
            own.cloned()
                .chain(more.iter().map(|word| (*word).to_owned()))
                .collect::<Vec<_>>()
        };
        let lines = |printed: Printed| {
            let text: String = printed.chunks.into_iter().map(|chunk| chunk.text).collect();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let columns =
            "-o=custom-columns=N:.metadata.namespace,M:.metadata.name,V:.metadata.resourceVersion";
        // Below the headers, so that the columns stay where they are.
        let mut rows = lines(self.kubectl_alone(&with(&[], &[])));
        if !words.iter().any(|word| word.starts_with("--no-headers")) && !rows.is_empty() {
            rows.remove(0);
        }
        let output = [
            "-o",
            "wide",
            "-owide",
            "-o=wide",
            "--output=wide",
            "--show-labels",
            "-L",
        ];
        let versions = lines(self.kubectl_alone(&with(&["--no-headers", columns], &output)));
        (rows, versions)
    }

    /// Runs kubectl's words once more, as they stand, and begins nothing that goes on.
    pub(super) fn kubectl_alone(&mut self, words: &[String]) -> Printed {
        let mut kubectl = take(&mut self.session().kubectl);
        let (output, _) = self.lab.change_cluster(|cluster| {
            let mut server = Server::new(cluster);
            let output = kubectl.run(&mut server, words, "");
            (output, false)
        });
        self.session().kubectl = kubectl;
        let mut printed = Printed::stdout(output.stdout);
        printed.err(output.stderr);
        printed.code = output.exit_code;
        printed
    }

    /// What of a command goes on when its first output is printed: `get -w`, `rollout status`.
    fn goes_on(&mut self, words: &[String], printed: &mut Printed) {
        let is = |word: &str| words.iter().any(|own| own == word);
        let watches = ["-w", "--watch", "--watch=true", "--watch-only"];
        if words.first().is_some_and(|word| word == "get") && watches.iter().any(|word| is(word)) {
            let words: Vec<String> = (words.iter())
                .filter(|word| !watches.contains(&word.as_str()))
                .cloned()
                .collect();
            let (_, seen) = self.rows(&words);
            self.lab.live().watch_get(words, seen);
            self.go_on();
        }
        if !(is("rollout") && is("status")) || is("--watch=false") {
            return;
        }
        let mut last: String = printed
            .chunks
            .iter()
            .map(|chunk| chunk.text.as_str())
            .collect();
        if self.is_alone() && is_waiting(&last) {
            self.lab.live().watch_rollout(words.to_vec(), last);
            self.go_on();
            return;
        }
        // Before another command of its line it waits as it does on a terminal.
        let end = self.lab.cluster().now() + ROLLOUT_TIMEOUT_MS;
        while is_waiting(&last) {
            let now = self.lab.cluster().now();
            let Some(at) = self.lab.cluster().next_event().filter(|at| *at <= end) else {
                printed.err("error: timed out waiting for the condition\n");
                printed.code = 1;
                return;
            };
            // Nothing is refused that only waits.
            let _ = self.lab.act(&Command::Advance(at.saturating_sub(now)));
            self.keep();
            let next = self.kubectl_alone(words);
            let text: String = next
                .chunks
                .iter()
                .map(|chunk| chunk.text.as_str())
                .collect();
            if text != last {
                printed.then(next);
                last = text;
            }
        }
    }

    /// Whether a Pod's containers run.
    fn runs(&self, pod: &ObjectRef) -> bool {
        let found = self.lab.world().store.pod(&pod.namespace, &pod.name);
        found.is_some_and(|pod| pod.status.phase == "Running")
    }

    /// `kubectl exec`.
    fn exec(
        &mut self,
        target: &ObjectRef,
        place: Place,
        command: &[String],
        stdin: Option<&str>,
    ) -> Printed {
        if !self.runs(target) {
            let node = self.lab.world().store.pod(&target.namespace, &target.name);
            let is_placed = node.is_some_and(|pod| !pod.spec.node_name.is_empty());
            let name = &target.name;
            let words = if is_placed {
                "error: Internal error occurred: unable to upgrade connection: container not found"
                    .to_owned()
            } else {
                format!("Error from server (BadRequest): pod {name} does not have a host assigned")
            };
            return Printed::failure(1, words);
        }
        if is_shell(command) && stdin.is_none() {
            self.enter(place);
            return Printed::default();
        }
        let mut printed = self.at(place, |shell| shell.command(command, stdin));
        if printed.code != 0 {
            let code = printed.code;
            printed.err(format!("command terminated with exit code {code}\n"));
        }
        printed
    }

    /// `kubectl run -i`: the Pod's own process is the command, and its output is shown.
    fn attach(
        &mut self,
        target: &ObjectRef,
        place: Place,
        command: &[String],
        remove: bool,
        (with_input, with_terminal): (bool, bool),
        stdin: Option<&str>,
    ) -> Printed {
        if !self.wait_until_running(target) {
            let words = "error: timed out waiting for the condition";
            return Printed::failure(1, words);
        }
        let mut printed = Printed::default();
        if with_input {
            printed.err(
                "All commands and output from this session will be recorded in container logs, \
                 including credentials and sensitive information passed through the command \
                 prompt.\nIf you don't see a command prompt, try pressing enter.\n",
            );
        }
        if (command.is_empty() || is_shell(command)) && stdin.is_none() {
            self.enter(place);
            if remove {
                self.session().leaving_on_exit = Some(target.clone());
            }
            return printed;
        }
        printed.then(self.at(place, |shell| shell.command(command, stdin)));
        let policy = (self.lab.cluster().get(target))
            .and_then(|pod| Some(pod.get("spec")?.get("restartPolicy")?.as_str()?.to_owned()));
        let (namespace, name) = (&target.namespace, &target.name);
        if policy.as_deref() == Some("Always") {
            printed.code = 0;
            if with_input && with_terminal {
                printed.err(format!(
                    "Session ended, resume using 'kubectl attach {name} -c {name} -i -t' command \
                     when the pod is running\n"
                ));
            }
        } else if printed.code != 0 {
            printed.err(format!("pod {namespace}/{name} terminated (Error)\n"));
        }
        if remove {
            printed.out(self.remove(target));
        }
        printed
    }

    /// `--rm`: the Pod goes. It stays until the next line, so that its requests can be looked at.
    pub(super) fn remove(&mut self, target: &ObjectRef) -> String {
        self.keep();
        self.session().leaving.push(target.clone());
        format!(
            "pod \"{}\" deleted from {} namespace\n",
            target.name, target.namespace
        )
    }

    /// Lets time pass until a Pod runs; `false` where it does not in time.
    fn wait_until_running(&mut self, pod: &ObjectRef) -> bool {
        let end = self.lab.cluster().now() + RUNNING_TIMEOUT_MS;
        while !self.runs(pod) {
            let now = self.lab.cluster().now();
            let next = self.lab.cluster().next_event().filter(|at| *at <= end);
            let until = next.unwrap_or(end);
            // Nothing is refused that only waits.
            let _ = self.lab.act(&Command::Advance(until.saturating_sub(now)));
            self.keep();
            if next.is_none() {
                return self.runs(pod);
            }
        }
        true
    }

    /// Lets time pass until objects are gone, or others of their names are there.
    fn wait_until_gone(
        &mut self,
        objects: &[(&'static Resource, String, String, String)],
        timeout: Option<u64>,
    ) -> Printed {
        let most = timeout.map_or(DELETE_TIMEOUT_MS, |seconds| {
            seconds.saturating_mul(1_000).min(LONGEST_WAIT_MS)
        });
        let end = self.lab.cluster().now().saturating_add(most);
        for (resource, namespace, name, uid) in objects {
            let kind = Kind::ALL
                .into_iter()
                .find(|own| own.as_str() == resource.kind);
            let Some(kind) = kind else { continue };
            let reference = ObjectRef::new(kind, &**namespace, &**name);
            loop {
                let cluster = self.lab.cluster();
                let found = cluster.store().get(&reference);
                if found.is_none_or(|object| object.metadata().uid != *uid) {
                    break;
                }
                let now = cluster.now();
                let Some(at) = cluster.next_event().filter(|at| *at <= end) else {
                    // The rest of the time passes as well; where none was given, nothing is to come.
                    if timeout.is_some() {
                        let _ = self.lab.act(&Command::Advance(end.saturating_sub(now)));
                        self.keep();
                    }
                    let plural = resource.plural;
                    let words =
                        format!("error: timed out waiting for the condition on {plural}/{name}");
                    return Printed::failure(1, words);
                };
                // Nothing is refused that only waits.
                let _ = self.lab.act(&Command::Advance(at.saturating_sub(now)));
                self.keep();
            }
        }
        Printed::default()
    }

    /// `kubectl debug node/NAME -- COMMAND`: a container in the Node's own network; `None` where the
    /// words are something else.
    fn debug(&mut self, words: &[String], stdin: Option<&str>) -> Option<Printed> {
        let [verb, rest @ ..] = words else {
            return None;
        };
        let node = rest.iter().find_map(|word| word.strip_prefix("node/"))?;
        if verb != "debug" {
            return None;
        }
        let dash = rest.iter().position(|word| word == "--");
        let command = dash.map_or(&[][..], |at| &rest[at + 1..]);
        if self.lab.world().store.node("", node).is_none() {
            let words = format!("Error from server (NotFound): nodes \"{node}\" not found");
            return Some(Printed::failure(1, words));
        }
        let place = Place::Node {
            name: node.to_owned(),
        };
        if command.is_empty() || is_shell(command) {
            self.enter(place);
            return Some(Printed::default());
        }
        Some(self.at(place, |shell| shell.command(command, stdin)))
    }
}

/// Whether a command is a shell to type lines in.
fn is_shell(command: &[String]) -> bool {
    matches!(command, [name] if SHELLS.contains(&name.as_str()))
}

/// The files that words name behind `-f`.
fn named_files(words: &[String]) -> Vec<&str> {
    let mut files = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = match word.as_str() {
            "--" => break,
            "-f" | "--filename" => words.next().map(String::as_str),
            word => word
                .strip_prefix("--filename=")
                .or_else(|| word.strip_prefix("-f=")),
        };
        files.extend(value.into_iter().flat_map(|value| value.split(',')));
    }
    files
}
