//! kubectl in the lab: over the lab's own cluster, and with Pods in which something can run.
//!
//! What kubectl leaves to who has a running cluster ([`Then`]) is done here: a command in a
//! container, and the Pod of `kubectl run` before it, for which time passes until it runs.
//!
//! Source: kubectl `pkg/cmd/run/run.go`, `pkg/cmd/exec/exec.go`, `pkg/cmd/attach/attach.go` for what
//! is printed around a command. A command line never waits for Pods to be gone: time is the
//! person's (`lab advance`, `lab settle`).

use std::mem::take;

use super::output::Printed;
use super::place::Place;
use super::server::Server;
use super::shell::{Shell, is_manifest};
use crate::api::{Kind, ObjectRef};
use crate::cluster::Command;
use crate::kubectl::Then;

/// How long `kubectl run` waits for its Pod, in milliseconds: `--pod-running-timeout`.
const RUNNING_TIMEOUT_MS: u64 = 60_000;

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
            None => self.lab.text().to_owned(),
        };
        let mut kubectl = take(&mut self.session().kubectl);
        let (namespace, known) = (kubectl.namespace.clone(), kubectl.files.len());
        let mut notes = String::new();
        for file in named_files(words) {
            if is_manifest(file) && !kubectl.files.iter().any(|(own, _)| own == file) {
                notes.push_str(&format!(
                    "# There are no files in the lab: {file} is the editor's text.\n"
                ));
                let text = self.lab.text().to_owned();
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
        match output.then {
            None => {}
            Some(then) if printed.code == 0 => printed.then(self.then(then, stdin)),
            Some(_) => {}
        }
        printed
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
            Then::Logs { .. } | Then::PortForward { .. } => Printed::default(),
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

    /// `--rm`: the Pod goes. It is there, terminating, until the next line, so that its requests
    /// can be looked at.
    pub(super) fn remove(&mut self, target: &ObjectRef) -> String {
        let delete = Command::Delete {
            target: target.clone(),
            grace_seconds: None,
        };
        if self.lab.act(&delete).is_err() {
            return String::new();
        }
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
