//! Runs what the shell's parser read: lists, pipelines, redirections, and which command a word is.

use std::rc::Rc;

use super::output::{Output, Printed, Stream};
use super::place::Place;
use super::{Ran, Session, filters, live, tools, verbs};
use crate::api::{Kind, ObjectRef};
use crate::cluster::Command as Change;
use crate::kubectl::shell::{Command, Join, parse};
use crate::kubectl::tree::Value;
use crate::lab::Lab;
use crate::limits::{MAX_CONSOLE_COMMANDS, MAX_CONSOLE_OUTPUT_BYTES};
use crate::network::{Journey, NameLookup, Request, RequestError, Tally};

/// How deep commands may run commands: `sh -c`, `watch`, `xargs`.
const MAX_DEPTH: u32 = 8;

/// A line at work.
pub(super) struct Shell<'a> {
    pub lab: &'a mut Lab,
    journeys: Vec<Rc<Journey>>,
    lookups: Vec<Rc<NameLookup>>,
    tallies: Vec<Tally>,
    /// Whether anything is other than before, and whether that is this line's own step.
    changed: bool,
    is_kept: bool,
    /// How many commands were run, how deep, and how much was printed.
    commands: usize,
    depth: u32,
    printed: usize,
    /// Whether the line is one command alone.
    is_alone: bool,
    /// Whether this line began something that goes on.
    runs_on: bool,
}

impl<'a> Shell<'a> {
    pub(super) fn new(lab: &'a mut Lab) -> Self {
        Self {
            lab,
            journeys: Vec::new(),
            lookups: Vec::new(),
            tallies: Vec::new(),
            changed: false,
            is_kept: false,
            commands: 0,
            depth: 0,
            printed: 0,
            is_alone: false,
            runs_on: false,
        }
    }

    /// Runs a whole line.
    pub(super) fn line(mut self, line: &str) -> Ran {
        self.sweep();
        let printed = self.text(line, None);
        Ran {
            output: Output {
                chunks: printed.chunks,
                exit_code: printed.code,
                journeys: self.journeys,
                lookups: self.lookups,
                tallies: self.tallies,
                changed: self.changed,
                runs_on: self.runs_on,
                replaces: false,
            },
            is_kept: self.is_kept,
        }
    }

    /// Takes away the Pods of lines that are over: their containers have ended long ago.
    pub(super) fn sweep(&mut self) {
        for target in std::mem::take(&mut self.lab.console().leaving) {
            let delete = Change::Delete {
                target,
                grace_seconds: Some(0),
            };
            // One that is gone already needs no more.
            self.changed |= self.lab.act(&delete).is_ok();
        }
    }

    pub(super) fn session(&mut self) -> &mut Session {
        self.lab.console()
    }

    /// Where commands run.
    pub(super) fn place(&mut self) -> Place {
        self.session().place.clone()
    }

    /// The world changed by this line's doing.
    pub(super) fn keep(&mut self) {
        self.changed = true;
        self.is_kept = true;
    }

    /// Something changed that is no step of its own.
    pub(super) fn change(&mut self) {
        self.changed = true;
    }

    /// Whether nothing else stands on the line.
    pub(super) fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// Runs a text of commands; the first of a pipeline reads `stdin`.
    pub(super) fn text(&mut self, text: &str, stdin: Option<&str>) -> Printed {
        let pipelines = match parse(text) {
            Ok(pipelines) => pipelines,
            Err(error) => return Printed::failure(2, format!("sh: {error}")),
        };
        if self.depth >= MAX_DEPTH {
            let words = format!("sh: commands in commands: more than {MAX_DEPTH} levels");
            return Printed::failure(2, words);
        }
        self.is_alone = self.depth == 0 && pipelines.len() == 1 && pipelines[0].commands.len() == 1;
        self.depth += 1;
        let mut all = Printed::default();
        for pipeline in &pipelines {
            let runs = match pipeline.join {
                Join::Then => true,
                Join::And => all.code == 0,
                Join::Or => all.code != 0,
            };
            if !runs {
                continue;
            }
            let printed = self.pipeline(&pipeline.commands, stdin);
            all.then(printed);
            if self.commands > MAX_CONSOLE_COMMANDS || self.printed > MAX_CONSOLE_OUTPUT_BYTES {
                break;
            }
        }
        self.depth -= 1;
        all
    }

    fn pipeline(&mut self, commands: &[Command], stdin: Option<&str>) -> Printed {
        let mut all = Printed::default();
        let mut piped: Option<String> = stdin.map(str::to_owned);
        for (at, command) in commands.iter().enumerate() {
            let input = match (&command.heredoc, &command.input) {
                (Some(text), _) => Some(text.clone()),
                (None, Some(file)) => match self.read_file(file) {
                    Ok(text) => Some(text),
                    Err(why) => {
                        all.then(Printed::failure(1, why));
                        piped = Some(String::new());
                        continue;
                    }
                },
                (None, None) => piped.take(),
            };
            let printed = self.command(&command.words, input.as_deref());
            all.code = printed.code;
            let is_last = at + 1 == commands.len();
            let mut kept = String::new();
            for chunk in printed.chunks {
                let is_stdout = chunk.stream == Stream::Stdout || command.merge_stderr;
                if !is_stdout && command.no_stderr {
                    continue;
                }
                if is_stdout && (!is_last || command.output.is_some()) {
                    kept.push_str(&chunk.text);
                } else {
                    self.printed += chunk.text.len();
                    all.push(
                        if is_stdout {
                            Stream::Stdout
                        } else {
                            chunk.stream
                        },
                        chunk.text,
                    );
                }
            }
            if let Some((file, is_appended)) = &command.output {
                self.write_file(file, &kept, *is_appended);
                kept = String::new();
            }
            if kept.len() > MAX_CONSOLE_OUTPUT_BYTES || self.printed > MAX_CONSOLE_OUTPUT_BYTES {
                let words = format!("sh: more than {MAX_CONSOLE_OUTPUT_BYTES} bytes of output");
                all.then(Printed::failure(2, words));
                return all;
            }
            if !is_last {
                piped = Some(kept);
            }
        }
        all
    }

    /// Runs one command.
    pub(super) fn command(&mut self, words: &[String], stdin: Option<&str>) -> Printed {
        self.commands += 1;
        if self.commands > MAX_CONSOLE_COMMANDS {
            let words = format!("sh: more than {MAX_CONSOLE_COMMANDS} commands in a line");
            return Printed::failure(2, words);
        }
        let Some((name, args)) = words.split_first() else {
            return Printed::default();
        };
        match name.as_str() {
            "lab" => verbs::run(self, args, stdin),
            "from" => self.go(args),
            "exit" | "logout" => self.leave(),
            "kubectl" | "k" if !matches!(self.place(), Place::Pod { .. }) => {
                self.kubectl(args, stdin)
            }
            "kubectl" | "k" => Printed::failure(
                127,
                format!(
                    "sh: {name}: not found\nIn a Pod there is no kubectl; `exit` leads back to the laptop."
                ),
            ),
            "sh" | "bash" | "ash" | "/bin/sh" | "/bin/bash" => self.shell(args, stdin),
            _ => {
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                match name.as_str() {
                    "watch" => {
                        let printed = live::watch(self, &args);
                        self.runs_on |= printed.code == 0;
                        return printed;
                    }
                    "sleep" => return self.sleep(&args),
                    "ssh" => return self.ssh(&args, stdin),
                    _ => {}
                }
                let found = filters::run(self, name, &args, stdin)
                    .or_else(|| tools::run(self, name, &args));
                found.unwrap_or_else(|| self.not_found(name))
            }
        }
    }

    fn not_found(&mut self, name: &str) -> Printed {
        let near = match name {
            "for" | "while" | "until" | "if" | "seq" => "lab send FROM TO --count N",
            "docker" | "crictl" | "ctr" | "podman" => "kubectl get pods -o wide, kubectl exec",
            "minikube" | "kind" | "k3d" => "lab help, kubectl get nodes -o wide",
            "helm" | "kustomize" => "kubectl apply -f -",
            "vi" | "vim" | "nano" | "edit" => "the editor of the manifests",
            "telnet" => "nc -zv HOST PORT",
            "ifconfig" => "ip addr",
            "route" => "ip route",
            "netstat" => "ss -ltn",
            "tcpdump" | "traceroute" | "tracepath" => "the journey of a request, hop by hop",
            _ => "lab help",
        };
        let words = format!("sh: {name}: not found\nnear: {near}");
        Printed::failure(127, words)
    }

    /// `sh -c 'commands'`, and a shell to type lines in.
    fn shell(&mut self, args: &[String], stdin: Option<&str>) -> Printed {
        match args {
            [flag, text, ..] if flag.starts_with('-') && flag.contains('c') => {
                let text = text.clone();
                self.text(&text, stdin)
            }
            [] => match stdin {
                Some(text) => {
                    let text = text.to_owned();
                    self.text(&text, None)
                }
                None => Printed::default(),
            },
            [flag, ..] => Printed::failure(
                2,
                format!("sh: {flag}: there are no scripts here; near: sh -c 'COMMANDS'"),
            ),
        }
    }

    /// `from PLACE`: the next lines are typed there.
    fn go(&mut self, args: &[String]) -> Printed {
        let [text] = args else {
            let usage =
                "usage: from pod/NAME | pod/NAMESPACE/NAME | node/NAME | external/NAME | laptop";
            return Printed::failure(2, usage);
        };
        let namespace = self.session().kubectl.namespace.clone();
        match Place::read(text, &namespace, &self.lab.world().store) {
            Ok(place) => {
                self.enter(place);
                Printed::default()
            }
            Err(why) => Printed::failure(1, format!("from: {why}")),
        }
    }

    /// The next lines are typed there.
    pub(super) fn enter(&mut self, place: Place) {
        if self.session().place != place {
            self.session().place = place;
            self.keep();
        }
    }

    fn leave(&mut self) -> Printed {
        if self.place() == Place::Laptop {
            return Printed::failure(1, "exit: this is the laptop already");
        }
        self.enter(Place::Laptop);
        match self.session().leaving_on_exit.take() {
            Some(pod) => Printed::stdout(self.remove(&pod)),
            None => Printed::default(),
        }
    }

    /// Does something at another place, and comes back.
    pub(super) fn at<T>(&mut self, place: Place, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.session().place, place);
        let result = act(self);
        self.session().place = before;
        result
    }

    /// A file that a line wrote, or the editor's text.
    pub(super) fn read_file(&mut self, name: &str) -> Result<String, String> {
        if name == "/dev/null" {
            return Ok(String::new());
        }
        if let Some(text) = tools::machine_file(self, name) {
            return Ok(text);
        }
        let files = &self.session().kubectl.files;
        match files.iter().find(|(own, _)| own == name) {
            Some((_, text)) => Ok(text.clone()),
            None if is_manifest(name) => Ok(self.lab.manifests().to_owned()),
            None => Err(format!("sh: can't open {name}: no such file")),
        }
    }

    pub(super) fn write_file(&mut self, name: &str, text: &str, is_appended: bool) {
        if name == "/dev/null" {
            return;
        }
        self.keep();
        let files = &mut self.session().kubectl.files;
        match files.iter_mut().find(|(own, _)| own == name) {
            Some((_, own)) if is_appended => own.push_str(text),
            Some((_, own)) => text.clone_into(own),
            None => files.push((name.to_owned(), text.to_owned())),
        }
    }

    /// Sends a request, and keeps its journey.
    pub(super) fn send(
        &mut self,
        request: &Request,
        keeps_alive: bool,
    ) -> Result<Rc<Journey>, RequestError> {
        let journey = if keeps_alive {
            self.lab.send_keep_alive(request)
        } else {
            self.lab.send(request)
        }?;
        let journey = Rc::new(journey);
        self.journeys.push(Rc::clone(&journey));
        Ok(journey)
    }

    /// The next request is of this method and agent.
    pub(super) fn speak_as(&mut self, method: &str, agent: &str) {
        self.lab.live().speak_as(method, agent);
    }

    /// Where a port of the laptop leads, while `kubectl port-forward` runs.
    pub(super) fn forwarded(&mut self, local: u16) -> Option<(Place, u16)> {
        self.lab.live().forwarded(local)
    }

    /// This line began something that goes on.
    pub(super) fn go_on(&mut self) {
        self.runs_on = true;
    }

    /// Keeps a lookup that nothing was sent after.
    pub(super) fn looked_up(&mut self, lookup: NameLookup) -> Rc<NameLookup> {
        let lookup = Rc::new(lookup);
        self.lookups.push(Rc::clone(&lookup));
        lookup
    }

    /// A Pod whole; `null` for one that is gone.
    pub(super) fn tree_of_pod(&self, namespace: &str, name: &str) -> Value {
        let pod = ObjectRef::new(Kind::Pod, namespace, name);
        let tree = self.lab.cluster().get(&pod);
        tree.map_or(Value::Null, |tree| Value::from(&tree))
    }

    /// `sleep DURATION`: time passes.
    fn sleep(&mut self, args: &[&str]) -> Printed {
        let length = args.first().and_then(|text| verbs::milliseconds(text));
        let Some(length) = length else {
            return Printed::failure(1, "usage: sleep SECONDS");
        };
        // Nothing is refused that only waits.
        let _ = self.lab.act(&Change::Advance(length));
        self.keep();
        Printed::default()
    }

    /// `ssh NODE [COMMAND]`.
    fn ssh(&mut self, args: &[&str], stdin: Option<&str>) -> Printed {
        let words: Vec<&str> = args
            .iter()
            .copied()
            .skip_while(|arg| arg.starts_with('-'))
            .collect();
        let [host, command @ ..] = words.as_slice() else {
            return Printed::failure(255, "usage: ssh NODE [COMMAND]");
        };
        let name = host.rsplit('@').next().unwrap_or(host);
        if self.lab.world().store.node("", name).is_none() {
            let words =
                format!("ssh: Could not resolve hostname {name}: Name or service not known");
            return Printed::failure(255, words);
        }
        let place = Place::Node {
            name: name.to_owned(),
        };
        if command.is_empty() {
            self.enter(place);
            return Printed::default();
        }
        let line = command.join(" ");
        self.at(place, |shell| shell.text(&line, stdin))
    }

    pub(super) fn counted(&mut self, tally: Tally) {
        self.tallies.push(tally);
    }
}

/// Whether a file's name says that it is a manifest.
pub(super) fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"]
        .iter()
        .any(|end| name.ends_with(end))
}
